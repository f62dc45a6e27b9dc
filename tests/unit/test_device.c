// SPDX-License-Identifier: GPL-2.0
/* The virtio devices of a made-up machine, and what a recording says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>
#include "made_files.h"
#include "probe/device.h"
#include "probe/machine.h"

#define DEVICE "/sys/bus/virtio/devices/virtio"

static void no_devices(void **state)
{
	struct device *all;

	(void)state;
	assert_int_equal(device_count(), 0);
	errno = 0;
	assert_int_equal(devices_read(&all), -1);
	assert_int_equal(errno, ENOENT);
	assert_null(all);
	/* The bus is there, and nothing on it. */
	make_file("/sys/bus/virtio/devices/README", "");
	assert_int_equal(device_count(), 0);
	assert_int_equal(devices_read(&all), 0);
	assert_null(all);
	made_forbidden = VIRTIO_DEVICES;
	errno = 0;
	assert_int_equal(devices_read(&all), -1);
	assert_int_equal(errno, EACCES);
}

static void all_of_a_device(void **state)
{
	/* virtio 1.3, section 6: the first and the last bit of the file, 32 and 34. */
	static const int disk[] = { 0, 32, 34, 63, -1 }, none[] = { -1 };
	struct device *all;

	(void)state;
	make_device(10, NULL, "0x0004\n", none);
	make_device(2, "virtio_net", "0x0001\n", NULL);
	make_file(DEVICE "2/net/eth\0337/flags", "0x1003\n");
	make_device(0, "virtio_blk", "0x0002\n", disk);
	make_file(DEVICE "0/block/vda/dev", "254:0\n");

	assert_int_equal(device_count(), 3);
	assert_int_equal(devices_read(&all), 3);
	/* By number, not by name: 10 is not before 2. */
	assert_int_equal(all[0].number, 0);
	assert_int_equal(all[1].number, 2);
	assert_int_equal(all[2].number, 10);

	assert_string_equal(all[0].role, "vda");
	assert_string_equal(all[0].driver, "virtio_blk");
	assert_int_equal(all[0].type, 2);
	assert_true(all[0].features == (1ull << 0 | 1ull << 32 | 1ull << 34 | 1ull << 63));
	assert_false(all[0].unreadable);

	/* A name may hold anything. */
	assert_string_equal(all[1].role, "eth\\x1b7");
	assert_string_equal(all[1].driver, "virtio_net");
	assert_int_equal(all[1].features, 0);
	assert_true(all[1].unreadable);

	assert_string_equal(all[2].role, "");
	assert_string_equal(all[2].driver, "");
	assert_int_equal(all[2].type, 4);
	assert_int_equal(all[2].features, 0);
	assert_false(all[2].unreadable);
	free(all);
}

static void status_and_interface(void **state)
{
	(void)state;
	assert_int_equal(device_status(0), -1);
	/* Hexadecimal: DRIVER_OK, FEATURES_OK, DRIVER, ACKNOWLEDGE; and a device that is gone. */
	make_file(DEVICE "0/status", "0x0000000f\n");
	assert_int_equal(device_status(0), 0x0f);
	make_file(DEVICE "0/status", "0xffffffff\n");
	assert_int_equal(device_status(0), 0xff);

	assert_int_equal(device_interface_up(0), -1);
	make_file(DEVICE "0/net/eth0/flags", "0x1003\n");
	assert_int_equal(device_interface_up(0), 1);
	make_file(DEVICE "0/net/eth0/flags", "0x1002\n");
	assert_int_equal(device_interface_up(0), 0);
}

/* --- What a recording says of the machine --- */

/* Not time(): it reads a clock that moves with the kernel's tick, and can be behind for some ms. */
static uint64_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

static void a_machine(void **state)
{
	static const int features[] = { 32, -1 };
	struct recording_info info = { .interval = 7 };
	uint64_t before = seconds_now();

	(void)state;
	make_file("/proc/cmdline", "root=/dev/vda \033[2J quiet\n");
	make_file("/proc/cpuinfo", "processor\t: 0\nmodel name\t: A CPU: of two words\n"
				   "processor\t: 1\nmodel name\t: Another one\n");
	make_file("/sys/devices/system/clocksource/clocksource0/current_clocksource",
		  "kvm-clock\n");
	/* crc32 of "123456789", the check value in every description of CRC-32 */
	make_gzip("/proc/config.gz", "123456789");
	make_file("/boot/config-6.12.0-made", "CONFIG_SMP=y\n");
	make_device(1, "virtio_blk", "0x0002\n", features);
	make_file(DEVICE "1/block/vda/dev", "254:0\n");

	assert_int_equal(machine_describe(&info), 0);
	assert_string_equal(info.kernel_release, "6.12.0-made");
	assert_string_equal(info.kernel_version, "#1 SMP made-up");
	assert_string_equal(info.machine, "x86_64");
	assert_string_equal(info.host, "guest");
	assert_string_equal(info.cmdline, "root=/dev/vda \\x1b[2J quiet");
	assert_string_equal(info.cpu, "A CPU: of two words");
	assert_string_equal(info.clocksource, "kvm-clock");
	assert_string_equal(info.config_hash, "crc32:cbf43926");
	assert_string_equal(info.tool_version, VRINGTOP_VERSION);
	assert_int_equal(info.nr_cpus, sysconf(_SC_NPROCESSORS_ONLN));
	assert_true(info.started / 1000000000 >= before &&
		    info.started / 1000000000 <= seconds_now());
	assert_int_equal(info.nr_devices, 1);
	assert_int_equal(info.devices[0].device, 1);
	assert_int_equal(info.devices[0].type, 2);
	assert_true(info.devices[0].features == 1ull << 32);
	assert_string_equal(info.devices[0].role, "vda");
	assert_string_equal(info.devices[0].driver, "virtio_blk");
	/* What it does not know stays. */
	assert_int_equal(info.interval, 7);
	machine_free(&info);
	assert_null(info.devices);
	assert_null(info.host);
}

/* What cannot be read is empty, and no error. */
static void a_machine_that_shows_little(void **state)
{
	struct recording_info info = {};

	(void)state;
	make_file("/proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n");
	/* Not compressed: as distributions have it. */
	make_file("/boot/config-6.12.0-made", "123456789");
	assert_int_equal(machine_describe(&info), 0);
	assert_string_equal(info.config_hash, "crc32:cbf43926");
	assert_string_equal(info.cmdline, "");
	assert_string_equal(info.cpu, "");
	assert_string_equal(info.clocksource, "");
	assert_int_equal(info.nr_devices, 0);
	machine_free(&info);

	make_file("/boot/config-6.12.0-made", NULL);
	assert_int_equal(machine_describe(&info), 0);
	assert_string_equal(info.config_hash, "");
	machine_free(&info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_machine, remove_machine)
		TEST(no_devices),
		TEST(all_of_a_device),
		TEST(status_and_interface),
		TEST(a_machine),
		TEST(a_machine_that_shows_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
