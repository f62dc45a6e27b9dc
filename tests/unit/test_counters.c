// SPDX-License-Identifier: GPL-2.0
/*
 * The counters, read from memory that this test fills as the programs in the kernel do (count() in
 * src/bpf/vringtop.bpf.c), and the table of queues whose entries come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include <sanitizer/asan_interface.h>
#include "probe/counters.h"
#include "probe/queue_table.h"

#define NR_SLOTS   (VT_NEAR_SLOTS + 256)
#define NR_ENTRIES 8
#define SECOND	   1000000000ull
#define PAGE	   4096
/* Where the slots and the rows are in the near map; the one in front stands for other variables. */
#define SLOTS_AT  PAGE
#define ROWS_AT	  (SLOTS_AT + VT_NEAR_SLOTS * sizeof(struct vt_slot))
#define NEAR_SIZE (ROWS_AT + VT_NEAR_ROWS * sizeof(struct vt_row))

/* The kernel's side, and the tool's. */
static struct kernel {
	int near_fd, far_fd;
	void *near;
	struct vt_slot *far;
	struct vt_free free;
	struct vt_queue entries[NR_ENTRIES];
	struct vt_doorbells doorbells[NR_ENTRIES];
	unsigned int last_serial;
} kernel;

static struct counters counters;
static struct queue_table table;
static struct snapshot all;

static int memory(size_t size, void **at)
{
	int fd = memfd_create("counters", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	*at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(*at != MAP_FAILED);
	return fd;
}

static int open_all(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	memset(&table, 0, sizeof(table));
	kernel.near_fd = memory(NEAR_SIZE, &kernel.near);
	kernel.far_fd = memory(256 * sizeof(struct vt_slot), (void **)&kernel.far);
	assert_int_equal(counters_open(&counters, NR_SLOTS, kernel.near_fd, SLOTS_AT, ROWS_AT,
				       kernel.far_fd, &kernel.free),
			 0);
	table.entries = kernel.entries;
	table.doorbells = kernel.doorbells;
	table.nr_entries = NR_ENTRIES;
	table.start = all.time = SECOND;
	table.first_new = 1000;
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	counters_close(&counters);
	snapshot_free(&all);
	munmap(kernel.near, NEAR_SIZE);
	munmap(kernel.far, 256 * sizeof(struct vt_slot));
	close(kernel.near_fd);
	close(kernel.far_fd);
	return 0;
}

static struct vt_slot *slot(unsigned int n)
{
	if (n < VT_NEAR_SLOTS)
		return (struct vt_slot *)((char *)kernel.near + SLOTS_AT) + n;
	return kernel.far + (n - VT_NEAR_SLOTS);
}

/* A queue is made: what queue_get() does. Returns its entry. */
static unsigned int make_queue(unsigned int index)
{
	unsigned int entry = 1;

	while (kernel.entries[entry].state != VT_QUEUE_NONE)
		entry++;
	kernel.entries[entry] = (struct vt_queue){
		.state = VT_QUEUE_LIVE,
		.serial = ++kernel.last_serial,
		.device = 99999,
		.index = index,
		.num = 128,
		.name = "requests",
	};
	return entry;
}

/* A program takes a free slot: what slot_take() and slot_find() do. Returns its number; 0: none. */
static unsigned int take(unsigned int entry, enum vt_op op)
{
	unsigned int at, n;

	if ((int)(kernel.free.tail - kernel.free.head) <= 0)
		return 0;
	at = kernel.free.head++;
	n = kernel.free.slot[at % VT_MOST_SLOTS];
	slot(n)->owner = (entry << VT_OPS_SHIFT | op) + 1;
	return n;
}

static void count(unsigned int n, uint64_t value, bool no)
{
	struct vt_slot *s = slot(n);

	s->refused += no;
	if (value > s->max)
		s->max = value;
	s->buckets[histogram_bucket(value)]++;
	s->sum += value;
}

static void read_all(void)
{
	all.time += SECOND;
	assert_int_equal(queue_table_read(&table, &all), 0);
	assert_int_equal(counters_read(&counters, table.entries, NR_ENTRIES, &all), 0);
	queue_table_free_gone(&table, &all);
}

/* What was read for an operation of the queue of a serial. */
static const struct op_stats *stats(unsigned int serial, enum vt_op op)
{
	const struct queue *q = snapshot_queue(&all, serial);

	assert_non_null(q);
	assert_non_null(q->op[op]);
	return q->op[op];
}

static void starts_empty(void **state)
{
	const unsigned char *rows = (unsigned char *)kernel.near + ROWS_AT;
	bool seen[NR_SLOTS] = {};

	(void)state;
	for (size_t i = 0; i < VT_NEAR_ROWS * sizeof(struct vt_row); i++)
		assert_int_equal(rows[i], 0xff);
	/* Each slot but 0, once. */
	assert_int_equal(kernel.free.tail - kernel.free.head, NR_SLOTS - 1);
	for (unsigned int i = 0; i < NR_SLOTS - 1; i++) {
		unsigned int n = kernel.free.slot[i];

		assert_true(n && n < NR_SLOTS && !seen[n]);
		seen[n] = true;
	}
	read_all();
	assert_int_equal(all.nr_queues, 0);
}

/* Two CPUs count for one operation; every figure is another one. */
static void adds_up(void **state)
{
	unsigned int entry = make_queue(0), first = take(entry, VT_OP_ADD),
		     second = take(entry, VT_OP_ADD), get = take(entry, VT_OP_GET);
	const struct op_stats *s;

	(void)state;
	count(first, 100, false);
	count(first, 300, true);
	slot(first)->bytes_out += 1000;
	slot(first)->bytes_in += 20;
	count(second, 5000, false);
	slot(second)->bytes_out += 4000;
	slot(second)->bytes_in += 3;
	count(get, 7, true);
	slot(get)->untimed += 2;
	read_all();
	s = stats(1, VT_OP_ADD);
	assert_int_equal(s->count, 3);
	assert_int_equal(s->timed, 3);
	assert_int_equal(s->sum, 5400);
	assert_int_equal(s->max, 5000);
	assert_int_equal(s->refused, 1);
	assert_int_equal(s->bytes_out, 5000);
	assert_int_equal(s->bytes_in, 23);
	assert_int_equal(s->histogram.bucket[histogram_bucket(100)], 1);
	assert_int_equal(s->histogram.bucket[histogram_bucket(300)], 1);
	assert_int_equal(s->histogram.bucket[histogram_bucket(5000)], 1);
	s = stats(1, VT_OP_GET);
	assert_int_equal(s->count, 3);
	assert_int_equal(s->timed, 1);
	assert_int_equal(s->sum, 7);
	assert_int_equal(s->refused, 1);
	assert_null(snapshot_queue(&all, 1)->op[VT_OP_NOTIFY]);

	/* Nothing came: nothing changes. Then one more on the second CPU. */
	read_all();
	assert_int_equal(stats(1, VT_OP_ADD)->count, 3);
	count(second, 90000, true);
	read_all();
	s = stats(1, VT_OP_ADD);
	assert_int_equal(s->count, 4);
	assert_int_equal(s->max, 90000);
	assert_int_equal(s->sum, 95400);
	assert_int_equal(s->refused, 2);
	assert_int_equal(s->histogram.bucket[histogram_bucket(90000)], 1);
	assert_int_equal(s->histogram.bucket[histogram_bucket(100)], 1);
}

/* Only bucket 0 tells of an event that took 0 ns. */
static void sees_zero_ns(void **state)
{
	unsigned int n = take(make_queue(0), VT_OP_DISABLE_CB);

	(void)state;
	count(n, 0, false);
	read_all();
	assert_int_equal(stats(1, VT_OP_DISABLE_CB)->count, 1);
	count(n, 0, false);
	read_all();
	assert_int_equal(stats(1, VT_OP_DISABLE_CB)->count, 2);
	assert_int_equal(stats(1, VT_OP_DISABLE_CB)->histogram.bucket[0], 2);
	assert_int_equal(stats(1, VT_OP_DISABLE_CB)->sum, 0);
}

/* Only the count without a time changes, or only bytes do (an event of 0 ns whose bucket was read
 * before its bytes came). */
static void sees_untimed_and_late_bytes(void **state)
{
	unsigned int n = take(make_queue(0), VT_OP_NOTIFY);

	(void)state;
	slot(n)->untimed++;
	read_all();
	assert_int_equal(stats(1, VT_OP_NOTIFY)->count, 1);
	assert_int_equal(stats(1, VT_OP_NOTIFY)->timed, 0);
	slot(n)->untimed++;
	read_all();
	assert_int_equal(stats(1, VT_OP_NOTIFY)->count, 2);
	slot(n)->bytes_in += 9;
	read_all();
	assert_int_equal(stats(1, VT_OP_NOTIFY)->bytes_in, 9);
	slot(n)->bytes_out += 8;
	read_all();
	assert_int_equal(stats(1, VT_OP_NOTIFY)->bytes_out, 8);
	assert_int_equal(stats(1, VT_OP_NOTIFY)->count, 2);
}

/* A bucket has 32 bits; what is read has 64, also when the sum of two CPUs wraps. */
static void wraps(void **state)
{
	unsigned int entry = make_queue(0), first = take(entry, VT_OP_ADD),
		     second = take(entry, VT_OP_ADD), bucket = histogram_bucket(50);
	const struct op_stats *s;

	(void)state;
	slot(first)->max = slot(second)->max = 50;
	slot(first)->buckets[bucket] = 0xfffffff0;
	slot(second)->buckets[bucket] = 0x80000000;
	slot(first)->sum = 50 * (0xfffffff0ull);
	slot(second)->sum = 50 * (0x80000000ull);
	read_all();
	/* At most 2^32 - 1 between two readings: the sum of both is read modulo that. */
	assert_int_equal(stats(1, VT_OP_ADD)->count, 0x7ffffff0);
	for (int i = 0; i < 0x20; i++)
		count(first, 50, false); /* wraps to 0x10 */
	assert_int_equal(slot(first)->buckets[bucket], 0x10);
	read_all();
	s = stats(1, VT_OP_ADD);
	assert_int_equal(s->count, 0x80000010);
	assert_int_equal(s->timed, 0x80000010);
	assert_int_equal(s->histogram.bucket[bucket], 0x80000010);
	slot(second)->buckets[bucket] += 0xfffffff0;
	slot(second)->sum += 50 * 0xfffffff0ull;
	read_all();
	assert_int_equal(stats(1, VT_OP_ADD)->count, 0x80000010ull + 0xfffffff0ull);
}

/* Slots of both maps belong to one operation. */
static void reads_far_slots(void **state)
{
	unsigned int entry = make_queue(0), n = 0;

	(void)state;
	for (unsigned int i = 1; i <= VT_NEAR_SLOTS; i++)
		n = take(entry, i % 2 ? VT_OP_ADD : VT_OP_GET);
	assert_int_equal(n, VT_NEAR_SLOTS); /* the first far one */
	count(n, 40, false);
	count(VT_NEAR_SLOTS - 2, 60, false);
	read_all();
	assert_int_equal(stats(1, VT_OP_GET)->count, 2);
	assert_int_equal(stats(1, VT_OP_GET)->sum, 100);
}

/* A queue goes: its last counts are read, its slots and its entry are another queue's, from 0. */
static void gives_slots_away(void **state)
{
	unsigned int entry = make_queue(3), n = take(entry, VT_OP_ADD), other, m, free;
	struct vt_doorbells *d = &kernel.doorbells[entry];

	(void)state;
	kernel.entries[entry].features = 1ull << 38; /* NOTIFICATION_DATA */
	free = kernel.free.tail - kernel.free.head;
	count(n, 1000, true);
	slot(n)->bytes_out = 11;
	slot(n)->bytes_in = 12;
	slot(n)->untimed = 13;
	d->last[0] = (struct vt_doorbell){ .value = 77, .ring = 77, .buffers = 5, .number = 1 };
	d->sent = 1;
	read_all();
	count(n, 2000, false);
	kernel.entries[entry].state = VT_QUEUE_GONE;
	read_all();
	assert_true(snapshot_queue(&all, 1)->gone);
	assert_int_equal(snapshot_queue(&all, 1)->doorbells.sent, 1);
	assert_int_equal(stats(1, VT_OP_ADD)->count, 2 + 13);
	assert_int_equal(kernel.entries[entry].state, VT_QUEUE_NONE);
	assert_int_equal(kernel.free.tail - kernel.free.head, free + 1);
	assert_int_equal(kernel.free.slot[(kernel.free.tail - 1) % VT_MOST_SLOTS], n);
	assert_int_equal(slot(n)->owner, 0);

	/* All other slots are taken, then this one. */
	other = make_queue(3);
	assert_int_equal(other, entry);
	while ((m = take(other, VT_OP_NOTIFY)) && m != n)
		;
	assert_int_equal(m, n);
	assert_int_equal(take(other, VT_OP_NOTIFY), 0);
	count(m, 30, false);
	/* The program has taken a number for its first doorbell, and not written it yet. */
	kernel.entries[other].features = 1ull << 38;
	d->sent = 1;
	read_all();
	assert_int_equal(stats(2, VT_OP_NOTIFY)->count, 1);
	assert_int_equal(stats(2, VT_OP_NOTIFY)->sum, 30);
	assert_int_equal(stats(2, VT_OP_NOTIFY)->max, 30);
	assert_int_equal(stats(2, VT_OP_NOTIFY)->refused, 0);
	assert_int_equal(stats(2, VT_OP_NOTIFY)->bytes_out, 0);
	assert_int_equal(snapshot_queue(&all, 2)->doorbells.sent, 0);
	/* The one that went is not shown beside its successor. */
	assert_null(snapshot_queue(&all, 1));
}

/* Two programs at once took the last free slot: the head is past the tail. */
static void head_past_tail(void **state)
{
	unsigned int entry = make_queue(0), n;

	(void)state;
	n = take(entry, VT_OP_ADD);
	while (take(entry, VT_OP_GET))
		;
	kernel.free.head += 2;
	kernel.entries[entry].state = VT_QUEUE_GONE;
	read_all();
	/* All slots are free, and each can be taken. */
	assert_int_equal(kernel.free.tail - kernel.free.head, NR_SLOTS - 1);
	entry = make_queue(0);
	for (unsigned int i = 0; i < NR_SLOTS - 1; i++) {
		unsigned int m = take(entry, VT_OP_ADD);

		assert_true(m && m < NR_SLOTS);
		n = m == n ? 0 : n;
	}
	assert_int_equal(n, 0);
	assert_int_equal(take(entry, VT_OP_ADD), 0);
}

/* Slots whose owner cannot be, as after a fault, are passed over. */
static void passes_over_strange_owners(void **state)
{
	unsigned int entry = make_queue(0), n = take(entry, VT_OP_ADD), m = take(entry, VT_OP_GET);

	(void)state;
	count(n, 5, false);
	count(m, 6, false);
	slot(m)->owner = (NR_ENTRIES << VT_OPS_SHIFT | VT_OP_GET) + 1;
	read_all();
	slot(m)->owner = (entry << VT_OPS_SHIFT | VT_NR_COUNTED) + 1;
	read_all();
	assert_int_equal(stats(1, VT_OP_ADD)->count, 1);
	assert_null(snapshot_queue(&all, 1)->op[VT_OP_GET]);
}

static void table_of_queues(void **state)
{
	unsigned int entry = make_queue(0);

	(void)state;
	kernel.entries[entry].num_free = 200; /* more than num: read while the queue was resized */
	/* Being filled in: nothing of it is to be seen. */
	kernel.entries[make_queue(1)].state = VT_QUEUE_FILLING;
	read_all();
	assert_int_equal(all.nr_queues, 1);
	assert_int_equal(all.queues[0].num_free, all.queues[0].num);
	assert_false(all.queues[0].fresh);
	assert_int_equal(queue_table_entry(&table, 1), entry);
	assert_int_equal(queue_table_entry(&table, 7), 0);

	/* A new queue is marked as such for ten seconds. */
	kernel.last_serial = table.first_new - 1;
	make_queue(2);
	read_all();
	assert_int_equal(all.nr_queues, 2);
	assert_true(snapshot_queue(&all, table.first_new)->fresh);
	assert_true(queue_table_entry(&table, table.first_new) != 0);
	all.time += 8 * SECOND;
	read_all();
	assert_true(snapshot_queue(&all, table.first_new)->fresh);
	all.time += SECOND;
	read_all();
	assert_false(snapshot_queue(&all, table.first_new)->fresh);

	/* One that goes stays for ten seconds, if no other one takes its place. */
	kernel.entries[entry].state = VT_QUEUE_GONE;
	read_all();
	assert_true(snapshot_queue(&all, 1)->gone);
	all.time += 8 * SECOND;
	read_all();
	assert_non_null(snapshot_queue(&all, 1));
	all.time += SECOND;
	read_all();
	assert_null(snapshot_queue(&all, 1));
}

/* The programs fill an entry, then set its state: before that nothing else of it may be read. */
static void an_entry_that_is_being_filled(void **state)
{
	struct vt_queue *k = &kernel.entries[make_queue(0)];
	char *end = (char *)(k + 1), *behind = (char *)(&k->state + 1);

	(void)state;
	make_queue(1);
	k->state = VT_QUEUE_FILLING;
	/* A read ends the test. */
	ASAN_POISON_MEMORY_REGION(k, offsetof(struct vt_queue, state));
	ASAN_POISON_MEMORY_REGION(behind, end - behind);
	assert_int_equal(queue_table_read(&table, &all), 0);
	ASAN_UNPOISON_MEMORY_REGION(k, sizeof(*k));
	assert_int_equal(all.nr_queues, 1);
	assert_int_equal(all.queues[0].serial, 2);
	k->state = VT_QUEUE_LIVE;
	assert_int_equal(queue_table_read(&table, &all), 0);
	assert_int_equal(all.nr_queues, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)
	const struct CMUnitTest tests[] = {
		TEST(starts_empty),
		TEST(adds_up),
		TEST(sees_zero_ns),
		TEST(sees_untimed_and_late_bytes),
		TEST(wraps),
		TEST(reads_far_slots),
		TEST(gives_slots_away),
		TEST(head_past_tail),
		TEST(passes_over_strange_owners),
		TEST(table_of_queues),
		TEST(an_entry_that_is_being_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
