// SPDX-License-Identifier: GPL-2.0
/*
 * The bytes of a ring as a big-endian guest reads them. Only its programs use these functions, so
 * this test is the only one that runs them on x86-64.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "byte_order.h"

#define OTHER_FEATURES (~VT_VERSION_1)

static void only_big_endian_guests_swap(void **state)
{
	(void)state;
	assert_true(ring_is_swapped(true, VT_VERSION_1));
	assert_true(ring_is_swapped(true, ~0ull));
	/* A legacy ring is in the order of the guest. */
	assert_false(ring_is_swapped(true, 0));
	assert_false(ring_is_swapped(true, OTHER_FEATURES));
	assert_false(ring_is_swapped(false, VT_VERSION_1));
	assert_false(ring_is_swapped(false, 0));
}

/* Reads bytes as a big-endian CPU reads a number. */
static uint64_t big_endian(const uint8_t *bytes, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* A descriptor and a used element as a device writes them: virtio 1.3, sections 2.7.5 and 2.7.8. */
static void an_entry_of_little_endian_bytes(void **state)
{
	static const uint8_t desc[16] = { 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,
					  0x00, 0x10, 0x00, 0x00, 0x03, 0x00, 0x02, 0x01 };
	static const uint8_t used[8] = { 0x21, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00 };
	struct vt_ring_entry e = { .token = 0x1122334455667788, .avail = 0x1234, .length = 3 };

	(void)state;
	e.desc.addr = big_endian(desc, 8);
	e.desc.len = big_endian(desc + 8, 4);
	e.desc.flags_or_id = big_endian(desc + 12, 2);
	e.desc.next_or_flags = big_endian(desc + 14, 2);
	e.used.id = big_endian(used, 4);
	e.used.len = big_endian(used + 4, 4);
	desc_swap(&e);
	used_swap(&e);
	assert_int_equal(e.desc.addr, 0x0102030405060708);
	assert_int_equal(e.desc.len, 4096);
	assert_int_equal(e.desc.flags_or_id, 3);
	assert_int_equal(e.desc.next_or_flags, 0x0102);
	assert_int_equal(e.used.id, 33);
	assert_int_equal(e.used.len, 513);
	/* What the programs read from the driver's own memory stays. */
	assert_int_equal(e.token, 0x1122334455667788);
	assert_int_equal(e.avail, 0x1234);
	assert_int_equal(e.length, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_big_endian_guests_swap),
		cmocka_unit_test(an_entry_of_little_endian_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
