// SPDX-License-Identifier: GPL-2.0
/* Tests the test device: runs the real program. Usage: test-vhost-user-rng PROGRAM */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "driver.h"

#define F_INDIRECT  (1ull << VIRTIO_RING_F_INDIRECT_DESC)
#define F_EVENT_IDX (1ull << VIRTIO_RING_F_EVENT_IDX)
#define F_PACKED    (1ull << 34)
#define F_IN_ORDER  (1ull << 35)
#define F_DATA	    (1ull << 38)

#define WRITE	    VRING_DESC_F_WRITE

/*
 * After more failed checks than this the device is broken. Then all other tests would wait for
 * nothing.
 */
#define MOST_FAILED 3

static struct driver driver;
static int tests, failed;
static int patience = 5000; /* ms; becomes short after the first thing that did not come */

static bool ok(bool good, const char *fmt, ...)
{
	va_list args;

	printf("%sok %d - ", good ? "" : "not ", ++tests);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	failed += !good;
	if (failed > MOST_FAILED) {
		printf("Bail out! the device is broken\n");
		kill(driver.pid, SIGKILL);
		exit(1);
	}
	return good;
}

static bool is(unsigned long long got, unsigned long long expected, const char *layout,
	       const char *what)
{
	if (ok(got == expected, "%s: %s", layout, what))
		return true;
	printf("# got %llu (0x%llx), expected %llu (0x%llx)\n", got, got, expected, expected);
	return false;
}

/* Waits for a buffer. Returns its number, or -1 if none came back. */
static int get(uint32_t *length)
{
	int id = driver_get(&driver, length, patience);

	if (id < 0)
		patience = 20;
	return id;
}

/*
 * Waits for an interrupt. Returns how often the device has interrupted, or 0 if no interrupt came.
 */
static unsigned int interrupted(void)
{
	unsigned int times = driver_interrupted(&driver, patience);

	if (!times)
		patience = 20;
	return times;
}

#define ALL_OPTIONS "--packed", "--in-order", "--notification-data", "--event-idx", "--indirect"

static void start(const char *extra, const char *value)
{
	const char *options[] = { ALL_OPTIONS, extra, extra ? value : NULL, NULL };

	device_start(&driver, options);
	front_connect(&driver);
}

static void stop(const char *layout)
{
	front_disconnect(&driver);
	is(device_stop(&driver), 0, layout, "the device ends as it should");
	ok(access(driver.directory, F_OK) && errno == ENOENT, "%s: it leaves no file behind",
	   layout);
}

static const char *layout_name(uint64_t features)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s%s%s%s", features & F_PACKED ? "packed" : "split",
		 features & F_EVENT_IDX ? ", event_idx" : "",
		 features & F_INDIRECT ? ", indirect" : "",
		 features & F_IN_ORDER ? ", in order" : "");
	return name;
}

static bool all_zero(const uint8_t *data, size_t size)
{
	while (size)
		if (data[--size])
			return false;
	return true;
}

/* --- Buffers come back, filled --- */

/* Sends one buffer from add to get. Returns true if everything was right. */
static bool round_trip(const struct element *element, unsigned int count, bool indirect)
{
	uint32_t length = 0, size = 0;
	unsigned int i;
	int id;

	for (i = 0; i < count; i++) {
		size += element[i].size;
		memset(guest(&driver, element[i].guest), 0, element[i].size);
	}
	id = driver_add(&driver, element, count, indirect);
	driver_kick(&driver);
	if (get(&length) != id || length != size)
		return false;
	for (i = 0; i < count; i++)
		if (element[i].size >= 16 &&
		    all_zero(guest(&driver, element[i].guest), element[i].size))
			return false;
	return true;
}

static void test_buffers(uint64_t features, uint16_t size)
{
	const struct element one[] = { { GUEST_DATA, 64, WRITE } };
	/*
	 * The second element crosses the edge of a region. The third one is at the end of the
	 * memory.
	 */
	const struct element chain[] = { { GUEST_DATA, 100, WRITE },
					 { REGION_EDGE - 50, 100, WRITE },
					 { GUEST_BASE + GUEST_SIZE - 33, 33, WRITE } };
	const char *layout = layout_name(features);
	const unsigned int rounds = 500;
	unsigned int i, good = 0, interrupts = 0;
	uint8_t before[64];

	start(NULL, NULL);
	front_start(&driver, features, size);
	memset(before, 0, sizeof(before));
	for (i = 0; i < rounds; i++) {
		driver_want_interrupt(&driver, true);
		if (i % 2)
			good += round_trip(chain, 3, features & F_INDIRECT && i % 4 == 1);
		else
			good += round_trip(one, 1, false) &&
				memcmp(before, guest(&driver, GUEST_DATA), 64);
		memcpy(before, guest(&driver, GUEST_DATA), 64);
		interrupts += interrupted();
	}
	is(good, rounds, layout,
	   "all buffers come back in order, with new data in all of their parts");
	is(interrupts, rounds, layout, "and an interrupt with each");
	is(device_count(&driver, "buffers"), rounds, layout, "the device counted the buffers");
	is(device_count(&driver, "bytes"), rounds / 2 * (64 + 233), layout, "the bytes");
	is(device_count(&driver, "kicks"), rounds, layout, "the kicks");
	is(device_count(&driver, "interrupts"), rounds, layout, "the interrupts");
	if (!driver.packed)
		is(device_count(&driver, "wraps"), rounds / size, layout, "and the laps");
	is(device_count(&driver, "errors"), 0, layout, "no errors");
	stop(layout);
}

/* Fills the ring again and again: with more than 65,536 buffers, so that an index wraps. */
static void test_full_ring(uint64_t features)
{
	const char *layout = layout_name(features);
	const unsigned int rounds = 70000 / 8;
	unsigned int i, j, good = 0;
	uint32_t length;
	int id[8];

	start(NULL, NULL);
	front_start(&driver, features, 8);
	driver_want_interrupt(&driver, false);
	for (i = 0; i < rounds; i++) {
		for (j = 0; j < 8; j++) {
			struct element one = { GUEST_DATA + j * 64, 16 + j, WRITE };

			id[j] = driver_add(&driver, &one, 1, false);
		}
		driver_kick(&driver);
		for (j = 0; j < 8; j++)
			good += get(&length) == id[j] && length == 16 + j;
		if (!driver.packed) /* so that the ring does not reach an old used_event again */
			driver_want_interrupt(&driver, false);
	}
	is(good, rounds * 8, layout, "70,000 buffers, eight at a time, in order");
	is(device_count(&driver, "wraps"), rounds, layout, "one lap for each eight");
	is(device_count(&driver, "interrupts"), 0, layout, "not one interrupt that nobody wanted");
	is(device_count(&driver, "interrupts_suppressed"), rounds * 8, layout, "all suppressed");
	stop(layout);
}

/* --- Notifications --- */

static void test_notifications(uint64_t features)
{
	const struct element one = { GUEST_DATA, 16, WRITE };
	const char *layout = layout_name(features);
	unsigned int i, wanted = 0;
	unsigned long long empty;
	uint32_t length;

	start(NULL, NULL);
	front_start(&driver, features, 4);
	for (i = 0; i < 9; i++) {
		driver_want_interrupt(&driver, i % 3 == 0);
		driver_add(&driver, &one, 1, false);
		wanted += driver_must_kick(&driver);
		driver_kick(&driver);
		get(&length);
		device_await(&driver, "buffers", i + 1);
	}
	is(wanted, 9, layout, "the device that sleeps wants a kick for each buffer, laps included");
	is(interrupted(), 3, layout, "interrupts come when they are wanted");
	is(device_count(&driver, "interrupts_suppressed"), 6, layout,
	   "and the others are suppressed");

	/*
	 * Kicks that come while the device is stopped. (When it starts, the device looks at the
	 * ring without a kick. So one kick before may have found nothing.)
	 */
	empty = device_count(&driver, "empty_looks");
	kill(driver.pid, SIGSTOP);
	for (i = 0; i < 5; i++)
		driver_kick(&driver);
	kill(driver.pid, SIGCONT);
	is(device_await(&driver, "kicks", 14), 14, layout,
	   "kicks that the eventfd merged are counted");
	is(device_count(&driver, "wakeups"), 10, layout, "though they woke the device once");
	is(device_count(&driver, "empty_looks"), empty + 1, layout, "for nothing");
	stop(layout);
}

/* --- Time --- */

static double now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void test_hold(uint64_t features)
{
	const struct element one = { GUEST_DATA, 16, WRITE };
	const char *layout = layout_name(features);
	unsigned long long median;
	unsigned int i;
	uint32_t length;
	double began;

	start("--hold", "20ms");
	front_start(&driver, features, 4);
	began = now();
	for (i = 0; i < 10; i++)
		round_trip(&one, 1, false);
	ok(now() - began >= 0.2, "%s: ten buffers held for 20 ms each take 200 ms", layout);
	median = device_count(&driver, "held_ns_p50");
	ok(device_count(&driver, "held_ns_min") >= 20000000 && median < 40000000,
	   "%s: the device says so: %llu ns", layout, median);

	driver_add(&driver, &one, 1, false);
	driver_add(&driver, &one, 1, false);
	driver_kick(&driver);
	is(device_await(&driver, "in_hand", 2), 2, layout, "two are held at the same time");
	is(front_stop(&driver) & 0xffff, driver.packed ? 10 % 4 | 1u << 15 : 10, layout,
	   "a ring that stops forgets the held ones: they are where it begins again");
	ok(!strcmp(device_tell(&driver, "hold 0ms"), "ok"), "%s: the time can be changed", layout);
	front_place_ring(&driver, driver.packed ? 0x80008000 | 2 << 16 | 2 : 10);
	front_enable(&driver, true);
	ok(get(&length) >= 0 && get(&length) >= 0, "%s: the ring started again: both come back",
	   layout);
	is(device_count(&driver, "buffers"), 12, layout, "once each");
	is(device_count(&driver, "ring_starts"), 2, layout, "the device counted the starts");
	stop(layout);
}

/* --- Faults --- */

static void fault_begins(uint64_t features, const char *fault, const char *after)
{
	const struct element one = { GUEST_DATA, 16, WRITE };
	const char *layout = layout_name(features);
	unsigned int i, good = 0;

	start(fault, after);
	front_start(&driver, features, 4);
	for (i = 0; i < 5; i++) {
		driver_want_interrupt(&driver, true);
		good += round_trip(&one, 1, false) && interrupted() == 1;
	}
	ok(good == 5, "%s: %s %s: five buffers are as ever", layout, fault, after);
	device_await(&driver, "buffers", 5);
	driver_want_interrupt(&driver, true);
	driver_add(&driver, &one, 1, false);
}

static void fault_ends(uint64_t features, const char *fault)
{
	const struct element one = { GUEST_DATA, 16, WRITE };
	const char *layout = layout_name(features);
	uint32_t length;

	device_tell(&driver, "resume");
	ok(get(&length) >= 0, "%s: %s: after `resume` it comes back", layout, fault);
	ok(interrupted(), "%s: %s: with an interrupt", layout, fault);
	driver_want_interrupt(&driver, true);
	ok(round_trip(&one, 1, false) && interrupted(), "%s: %s: all is well again", layout, fault);
	stop(layout);
}

static void test_faults(uint64_t features)
{
	const char *layout = layout_name(features);
	uint32_t length;
	double began;

	fault_begins(features, "--stop-after", "5");
	ok(driver_must_kick(&driver), "%s: a device that will not look wants kicks all the same",
	   layout);
	driver_kick(&driver);
	is(device_await(&driver, "kicks_ignored", 1), 1, layout, "the sixth kick is ignored");
	is(driver_get(&driver, &length, 50), -1ull, layout, "and its buffer stays");
	fault_ends(features, "--stop-after");

	fault_begins(features, "--no-interrupt-after", "5");
	driver_kick(&driver);
	ok(driver_interrupted(&driver, 50) == 0, "%s: no interrupt comes", layout);
	is(device_await(&driver, "interrupts_withheld", 1), 1, layout, "it was withheld");
	is(device_count(&driver, "buffers"), 6, layout, "although the buffer is used");
	fault_ends(features, "--no-interrupt-after");

	if (features & F_EVENT_IDX) {
		fault_begins(features, "--stale-avail-event-after", "5");
		ok(!driver_must_kick(&driver), "%s: a stale event index: no kick seems needed",
		   layout);
		is(device_count(&driver, "taken"), 5, layout, "and the device sleeps");
		fault_ends(features, "--stale-avail-event-after");
	}
	if (features & F_PACKED || !(features & F_EVENT_IDX)) {
		fault_begins(features, "--no-notify-after", "5");
		ok(!driver_must_kick(&driver), "%s: the no-notify flag: no kick is wanted", layout);
		is(device_count(&driver, "taken"), 5, layout, "and the device sleeps");
		fault_ends(features, "--no-notify-after");
	}

	fault_begins(features, "--wrong-id-after", "5");
	driver_kick(&driver);
	is(get(&length), 4, layout, "a number that no buffer of four has");
	stop(layout);

	fault_begins(features, "--pause-after", "5");
	device_tell(&driver, "pause-for 200ms");
	began = now();
	driver_kick(&driver);
	ok(get(&length) >= 0 && now() - began >= 0.2,
	   "%s: a pause: the buffer comes back after it, without a second kick", layout);
	is(device_count(&driver, "kicks_ignored"), 1, layout, "its kick was ignored");
	stop(layout);
}

/* --- What a driver must not do --- */

static void bad_ring(uint64_t features, const char *what, const char *complaint,
		     void (*break_it)(void))
{
	const struct element one = { GUEST_DATA, 64, WRITE };
	const char *layout = layout_name(features);
	eventfd_t value;
	uint32_t length;

	front_start(&driver, features, 4);
	break_it();
	driver_kick(&driver);
	is(driver_get(&driver, &length, 30), -1ull, layout, what);
	if (!ok(strstr(device_tell(&driver, "report"), complaint), "%s: the device says: %s",
		layout, complaint))
		printf("# %s\n", device_tell(&driver, "report"));
	ok(strstr(device_tell(&driver, "report"), "\"ring\":\"broken\""), "%s: the ring is broken",
	   layout);
	ok(!eventfd_read(driver.error, &value), "%s: the front-end is told", layout);
	front_stop(&driver);
	front_start(&driver, features, 4);
	ok(round_trip(&one, 1, false), "%s: after a restart it works", layout);
	front_stop(&driver);
}

static void outside_memory(void)
{
	driver_add(&driver, &(struct element){ GUEST_BASE - 16, 16, WRITE }, 1, false);
}

static void over_the_end(void)
{
	driver_add(&driver, &(struct element){ GUEST_BASE + GUEST_SIZE - 8, 16, WRITE }, 1, false);
}

static void at_the_top(void)
{
	driver_add(&driver, &(struct element){ -8ull, 16, WRITE }, 1, false);
}

static void readable_after_writable(void)
{
	const struct element both[] = { { GUEST_DATA, 16, WRITE }, { GUEST_DATA, 16, 0 } };

	driver_add(&driver, both, 2, false);
}

static void endless_chain(void)
{
	const struct element one = { GUEST_DATA, 16, WRITE | VRING_DESC_F_NEXT };
	const struct element four[] = { one, one, one, one };

	driver_add(&driver, four, 4, false); /* next of the last descriptor is the first */
}

static void table_outside_memory(void)
{
	const struct element table = { GUEST_BASE + GUEST_SIZE, 32, VRING_DESC_F_INDIRECT };

	driver_add(&driver, &table, 1, false);
}

static void odd_table(void)
{
	driver_add(&driver, &(struct element){ GUEST_TABLES, 24, VRING_DESC_F_INDIRECT }, 1, false);
}

static void huge_table(void)
{
	driver_add(&driver, &(struct element){ GUEST_TABLES, 0x20000, VRING_DESC_F_INDIRECT }, 1,
		   false);
}

static void table_in_chain(void)
{
	const struct element both[] = { { GUEST_TABLES, 16, VRING_DESC_F_INDIRECT },
					{ GUEST_DATA, 16, WRITE } };

	driver_add(&driver, both, 2, false);
}

static void table_in_table(void)
{
	const struct element table = { GUEST_TABLES, 16, VRING_DESC_F_INDIRECT };

	driver_add(&driver, &table, 1, true);
}

static void head_outside_ring(void)
{
	driver.avail->ring[0] = 4;
	driver.avail->idx = ++driver.next_avail;
}

static void next_outside_ring(void)
{
	driver.desc[0] = (struct vring_desc){ GUEST_DATA, 16, WRITE | VRING_DESC_F_NEXT, 4 };
	driver.avail->ring[0] = 0;
	driver.avail->idx = ++driver.next_avail;
}

static void index_jumps(void)
{
	driver.avail->idx = 5;
}

static void chain_of_unavailable(void)
{
	const struct element two[] = { { GUEST_DATA, 16, WRITE }, { GUEST_DATA, 16, WRITE } };
	struct vring_packed_desc *first = driver.packed_desc;
	uint16_t flags;

	driver_add(&driver, two, 2, false);
	flags = first->flags;
	first->flags = 0;
	driver.packed_desc[1].flags = WRITE;
	__atomic_store_n(&first->flags, flags, __ATOMIC_SEQ_CST);
}

static void test_bad_rings(uint64_t features)
{
	const char *layout = layout_name(features);

	start(NULL, NULL);
	bad_ring(features, "a buffer below the memory", "not in the guest's memory",
		 outside_memory);
	bad_ring(features, "over the memory's end", "not in the guest's memory", over_the_end);
	bad_ring(features, "at the end of all addresses", "not in the guest's memory", at_the_top);
	bad_ring(features, "readable after writable", "readable element after",
		 readable_after_writable);
	bad_ring(features, "an endless chain",
		 features & F_PACKED ? "does not end within the ring" : "has a loop",
		 endless_chain);
	bad_ring(features & ~F_INDIRECT, "an indirect descriptor, not negotiated", "not negotiated",
		 odd_table);
	bad_ring(features, "a table outside the memory", "not in the guest's memory",
		 table_outside_memory);
	bad_ring(features, "a table of one and a half", "an indirect table of 24 bytes", odd_table);
	bad_ring(features, "a huge table", "an indirect table of 131072 bytes", huge_table);
	bad_ring(features, "a table and a next one", "chained to a next one", table_in_chain);
	if (features & F_PACKED) {
		bad_ring(features, "a chain into what is not available", "is not available",
			 chain_of_unavailable);
	} else {
		bad_ring(features, "a table in a table", "indirect descriptor in an indirect table",
			 table_in_table);
		bad_ring(features, "a head outside the ring", "leaves its table",
			 head_outside_ring);
		bad_ring(features, "a chain out of the ring", "leaves its table",
			 next_outside_ring);
		bad_ring(features, "an index that jumps", "more than the ring's size", index_jumps);
	}
	stop(layout);
}

/* A descriptor that the driver marks as used at once is not available. */
static void test_used(uint64_t features)
{
	start(NULL, NULL);
	front_start(&driver, features, 4);
	driver.packed_desc[0] = (struct vring_packed_desc){
		.addr = GUEST_DATA,
		.len = 16,
		.flags = WRITE | 1 << VRING_PACKED_DESC_F_AVAIL | 1 << VRING_PACKED_DESC_F_USED,
	};
	driver_kick(&driver);
	is(device_await(&driver, "kicks", 1), 1, layout_name(features), "a kick for nothing");
	is(device_count(&driver, "taken"), 0, layout_name(features),
	   "what is marked as used is not taken");
	stop(layout_name(features));
}

/* --- What a front-end must not do --- */

struct table {
	uint32_t count, padding;
	struct {
		uint64_t guest, size, user, offset;
	} region[1];
};

static bool refused(uint32_t request, const void *payload, uint32_t size, const int *fd,
		    unsigned int fds)
{
	struct reply reply;

	return front_ask(&driver, request, payload, size, fd, fds, &reply) && reply.number;
}

static void test_protocol(void)
{
	struct table table = { 1, 0, { { GUEST_BASE, GUEST_SIZE + 4096, 0x1000, 0 } } };
	const uint64_t too_much = 1ull << 33 | 1ull << 32, queue_1 = 1, no_fd = 1u << 8;
	const uint32_t enable_queue_1[] = { 1, 1 }, size_0[] = { 0, 0 };
	const uint64_t features[] = { 1ull << 30 | 1ull << 32 | F_PACKED };
	struct reply reply;
	int fd;

	start(NULL, NULL);
	front_ask(&driver, 1, NULL, 0, NULL, 0, &reply);
	is(reply.number,
	   1ull << 30 | 1ull << 32 | F_PACKED | F_IN_ORDER | F_DATA | F_EVENT_IDX | F_INDIRECT,
	   "protocol", "what is offered is what the options say");
	front_ask(&driver, 17, NULL, 0, NULL, 0, &reply);
	is(reply.number, 1, "protocol", "one queue");
	ok(refused(2, &too_much, 8, NULL, 0), "a feature that was not offered is refused");
	ok(refused(99, NULL, 0, NULL, 0), "a message that is not known is refused");
	fd = driver.memory_fd;
	ok(refused(5, &table, sizeof(table), &fd, 1), "a region longer than its file is refused");
	ok(refused(5, &table, sizeof(table), NULL, 0), "a region without a file is refused");
	table.region[0].size = 0;
	ok(refused(5, &table, sizeof(table), &fd, 1), "an empty region is refused");
	table.region[0].size = -4096ull;
	table.region[0].offset = 8192;
	ok(refused(5, &table, sizeof(table), &fd, 1), "a region beyond all addresses is refused");
	table.count = 9;
	ok(refused(5, &table, sizeof(table), &fd, 1), "more regions than there are is refused");
	ok(refused(8, size_0, 8, NULL, 0), "a ring of no size is refused");
	ok(refused(12, &no_fd, 8, NULL, 0), "a ring without kicks is refused");
	ok(refused(13, &(uint64_t){ 0 }, 8, NULL, 0), "an eventfd that is not there is refused");

	driver.size = 3;
	driver.packed = false;
	ok(front_share_memory(&driver) &&
		   !(front_place_ring(&driver, 0) && front_enable(&driver, true)),
	   "a split ring of three is refused when it is to start");
	driver.size = 0x8000;
	ok(!(front_place_ring(&driver, 0) && front_enable(&driver, true)),
	   "a ring that leaves the memory is refused when it is to start");
	is(device_count(&driver, "ring_starts"), 0, "protocol", "nothing was started");
	front_disconnect(&driver);

	front_connect(&driver);
	front_send(&driver, 18, 0, enable_queue_1, 8, NULL, 0);
	ok(recv(driver.socket, &reply, 1, 0) == 0, "another queue's message ends the connection");
	front_disconnect(&driver);
	front_connect(&driver);
	front_send(&driver, 12, 0, &queue_1, 8, &driver.kick, 1);
	ok(recv(driver.socket, &reply, 1, 0) == 0, "and so does another queue's eventfd");
	front_disconnect(&driver);
	front_connect(&driver);
	ok(send(driver.socket, (uint32_t[]){ 2, 1, 1u << 30 }, 12, 0) == 12 &&
		   recv(driver.socket, &reply, 1, 0) == 0,
	   "a message of 1 GiB ends the connection");
	front_disconnect(&driver);
	front_connect(&driver);
	send(driver.socket, (uint32_t[]){ 2, 1, 8 }, 12, 0);
	shutdown(driver.socket, SHUT_WR);
	ok(recv(driver.socket, &reply, 1, 0) == 0, "half a message ends the connection");
	front_disconnect(&driver);
	front_connect(&driver);
	send(driver.socket, (uint32_t[]){ 2 }, 4, 0);
	shutdown(driver.socket, SHUT_WR);
	ok(recv(driver.socket, &reply, 1, 0) == 0, "and so does half a header");
	front_disconnect(&driver);

	front_connect(&driver);
	front_start(&driver, F_PACKED, 5);
	ok(round_trip(&(struct element){ GUEST_DATA, 64, WRITE }, 1, false),
	   "the next one is served, with a packed ring of five");
	ok(refused(2, features, 8, NULL, 0) == false, "the same features again are fine");
	ok(refused(2, &(uint64_t){ 1ull << 32 }, 8, NULL, 0),
	   "others, while the ring runs, are not");
	ok(refused(8, (uint32_t[]){ 0, 8 }, 8, NULL, 0), "nor is another size");
	ok(refused(10, (uint32_t[]){ 0, 2 }, 8, NULL, 0), "nor another position");
	ok(front_share_memory(&driver) &&
		   round_trip(&(struct element){ GUEST_DATA, 64, WRITE }, 1, false),
	   "new memory is, and the ring goes on in it");
	is(device_count(&driver, "connections"), 7, "protocol",
	   "the device counted the connections");
	stop("protocol");
}

/* --- The program --- */

static void test_program(void)
{
	const char *const once[] = { "--once", "--report", "/tmp/vhost-user-rng-report", NULL };
	const char *report = once[2];
	char text[4096];
	int status, i;
	FILE *file;

	device_start(&driver, once);
	ok(!strncmp(device_tell(&driver, "hold 2"), "error: ", 7),
	   "a time without a unit is an error");
	ok(!strncmp(device_tell(&driver, "hold -2ms"), "error: ", 7), "so is one below 0");
	ok(!strncmp(device_tell(&driver, "dance 5"), "error: ", 7), "so is an unknown setting");
	ok(!strncmp(device_tell(&driver, "stop-after x"), "error: ", 7),
	   "so is a number that is none");
	ok(!strncmp(device_tell(&driver, "dance"), "error: ", 7), "so is an unknown command");
	kill(driver.pid, SIGUSR1);
	for (i = 0; i < 500 && access(report, R_OK); i++)
		usleep(10000);
	ok(!access(report, R_OK), "SIGUSR1 writes the report");
	unlink(report);
	front_connect(&driver);
	front_start(&driver, 0, 4);
	round_trip(&(struct element){ GUEST_DATA, 64, WRITE }, 1, false);
	front_disconnect(&driver);
	waitpid(driver.pid, &status, 0);
	is(status, 0, "--once", "the device ends with the front-end");
	file = fopen(report, "r");
	ok(file && fgets(text, sizeof(text), file) && strstr(text, "\"buffers\":1,") &&
		   strstr(text, "\"negotiated\":[\"version_1\"]") && text[strlen(text) - 1] == '\n',
	   "and writes its report, one line");
	if (file)
		fclose(file);
	unlink(report);
	close(driver.control);
	ok(!rmdir(driver.directory), "it leaves no file behind");
}

int main(int argc, char **argv)
{
	static const uint64_t layouts[] = { 0, F_PACKED };
	unsigned int i;

	if (argc != 2) {
		fputs("usage: test-vhost-user-rng PROGRAM\n", stderr);
		return 2;
	}
	driver.program = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < 2; i++) {
		test_buffers(layouts[i], 4);
		test_buffers(layouts[i] | F_EVENT_IDX, 4);
		test_buffers(layouts[i] | F_EVENT_IDX | F_INDIRECT, 4);
		test_buffers(layouts[i] | F_EVENT_IDX | F_INDIRECT | F_IN_ORDER | F_DATA, 256);
		test_full_ring(layouts[i]);
		test_full_ring(layouts[i] | F_EVENT_IDX);
		test_notifications(layouts[i]);
		test_notifications(layouts[i] | F_EVENT_IDX);
		test_hold(layouts[i] | F_EVENT_IDX);
		test_faults(layouts[i]);
		test_faults(layouts[i] | F_EVENT_IDX);
		test_bad_rings(layouts[i] | F_INDIRECT);
	}
	test_used(F_PACKED);
	test_buffers(F_PACKED | F_EVENT_IDX, 7);
	test_protocol();
	test_program();
	printf("1..%d\n", tests);
	return failed ? 1 : 0;
}
