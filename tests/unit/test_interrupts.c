// SPDX-License-Identifier: GPL-2.0
/* The interrupt of a queue, by its name in a file like /proc/interrupts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "interrupts.h"

static const char file[] =
	"           CPU0       CPU1       \n"
	"  4:        100         11   IO-APIC   4-edge      ttyS0\n"
	" 11:          5          6   IO-APIC  11-fasteoi   virtio1, uhci_hcd:usb1, virtio12\n"
	" 23:          9          9  PCI-MSIX-0000:00:09.0   0-edge      vfio_virtio3-req.0\n"
	" 24:          0          0  PCI-MSIX-0000:00:04.0   0-edge      virtio3-config\n"
	" 25:       1000        234  PCI-MSIX-0000:00:04.0   1-edge      virtio3-req.0\n"
	" 26:          7          0  PCI-MSIX-0000:00:04.0   2-edge      virtio3-req.10\n"
	" 27:          1          2  PCI-MSIX-0000:00:05.0   1-edge      virtio2-virtqueues\n"
	" 30:         10          0  PCI-MSIX-0000:00:06.0   3-edge      virtio8-request\n"
	" 31:          0         20  PCI-MSIX-0000:00:06.0   4-edge      virtio8-request\n"
	"NMI:          0          0   Non-maskable interrupts\n"
	"ERR:          0\n";

static bool find(const char *text, int device, const char *name, unsigned int nth,
		 struct interrupt *i)
{
	FILE *f = fmemopen((void *)text, strlen(text), "r");
	bool found;

	assert_non_null(f);
	found = interrupt_find(f, device, name, nth, i);
	fclose(f);
	return found;
}

static void check(int device, const char *name, unsigned int nth, unsigned int number,
		  bool shared, uint64_t count)
{
	struct interrupt i;

	assert_true(find(file, device, name, nth, &i));
	assert_int_equal(i.number, number);
	assert_int_equal(i.shared, shared);
	assert_int_equal(i.count, count);
}

static void queues_have_their_own(void **unused)
{
	(void)unused;
	check(3, "req.0", 0, 25, false, 1234);
	check(3, "req.10", 0, 26, false, 7);
}

static void queues_of_one_name_are_in_order(void **unused)
{
	(void)unused;
	check(8, "request", 0, 30, false, 10);
	check(8, "request", 1, 31, false, 20);
}

static void queues_share(void **unused)
{
	(void)unused;
	check(2, "input", 0, 27, true, 3);
	check(2, "output", 0, 27, true, 3);
	check(1, "requests", 0, 11, true, 11);
	check(12, "requests", 0, 11, true, 11);
}

static void none_is_none(void **unused)
{
	struct interrupt i;

	(void)unused;
	assert_false(find(file, 3, "req.1", 0, &i));
	assert_false(find(file, 3, "eq.0", 0, &i));
	assert_false(find(file, 8, "request", 2, &i));
	assert_false(find(file, 13, "req.0", 0, &i));
	assert_false(find("", 3, "req.0", 0, &i));
	assert_false(find("CPU0 CPU1\n 25: 1 virtio3-req.0", 3, "req.0", 0, &i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queues_have_their_own),
		cmocka_unit_test(queues_of_one_name_are_in_order),
		cmocka_unit_test(queues_share),
		cmocka_unit_test(none_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
