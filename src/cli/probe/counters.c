// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "base/error.h"
#include "probe/counters.h"

/* Slots are mapped in chunks of this many: 256 KiB. */
#define CHUNK 128

_Static_assert(VT_NEAR_SLOTS % CHUNK == 0, "a chunk lies in one of the two maps");

/*
 * Adds a slot to the list of free slots. If two programs take the last free slot at the same time,
 * the head gets one place ahead of the tail. Then the tail continues at the head.
 */
static void add_free_slot(struct vt_free *f, uint32_t slot)
{
	uint32_t head = __atomic_load_n(&f->head, __ATOMIC_ACQUIRE), tail = f->tail;

	if ((int32_t)(tail - head) < 0)
		tail = head;
	f->slot[tail % VT_MOST_SLOTS] = slot;
	__atomic_store_n(&f->tail, tail + 1, __ATOMIC_RELEASE);
}

/*
 * Marks every operation in the near rows as having no slot. Returns 0, or -1 after it has printed
 * why not.
 */
static int clear_rows(int near, size_t rows_at)
{
	const size_t size = VT_NEAR_ROWS * sizeof(struct vt_row);
	void *rows = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, near, rows_at);

	if (rows == MAP_FAILED)
		return complain(NULL, "cannot map the counters: %s", strerror(errno));
	memset(rows, 0xff, size); /* VT_NO_SLOT */
	munmap(rows, size);
	return 0;
}

int counters_open(struct counters *c, uint32_t nr_slots, int near, size_t near_at, size_t rows_at,
		  int far, struct vt_free *free)
{
	if (clear_rows(near, rows_at))
		return -1;
	c->free = free;
	c->near = near;
	c->near_at = near_at;
	c->far = far;
	c->nr_slots = nr_slots;
	for (uint32_t n = 1; n < nr_slots; n++)
		add_free_slot(free, n);
	c->next = calloc(c->nr_slots, sizeof(*c->next));
	c->slots = mmap(NULL, c->nr_slots * sizeof(*c->slots), PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->slots == MAP_FAILED)
		c->slots = NULL;
	if (!c->next || !c->slots)
		return complain(NULL, "no memory for the counters");
	return 0;
}

void counters_close(struct counters *c)
{
	if (c->slots)
		munmap(c->slots, c->nr_slots * sizeof(*c->slots));
	free(c->next);
	memset(c, 0, sizeof(*c));
}

/*
 * Maps the slots below @end. Slots that are not in use stay unmapped, because mapped memory counts
 * as memory of this process. Returns 0, or -1 after it has printed why not.
 */
static int map_until(struct counters *c, uint32_t end)
{
	for (; c->mapped < end; c->mapped += CHUNK) {
		uint32_t nr = c->nr_slots - c->mapped < CHUNK ? c->nr_slots - c->mapped : CHUNK;
		size_t at = c->near_at + c->mapped * sizeof(*c->slots);
		int fd = c->near;

		if (c->mapped >= VT_NEAR_SLOTS) {
			at = (c->mapped - VT_NEAR_SLOTS) * sizeof(*c->slots);
			fd = c->far;
		}
		if (mmap(c->slots + c->mapped, nr * sizeof(*c->slots), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, at) == MAP_FAILED)
			return complain(NULL, "cannot map the counters: %s", strerror(errno));
	}
	return 0;
}

/*
 * Adds up the buckets below @end over a list of slots. The sums have 32 bits, so they wrap as the
 * buckets do.
 */
static void sum_buckets(const struct counters *c, uint32_t first, uint32_t *to, unsigned int end)
{
	const volatile uint32_t *from = c->slots[first].buckets;

	for (unsigned int b = 0; b < end; b++)
		to[b] = from[b];
	for (uint32_t n = c->next[first]; n; n = c->next[n]) {
		from = c->slots[n].buckets;
		for (unsigned int b = 0; b < end; b++)
			to[b] += from[b];
	}
}

/*
 * Adds up the slots of an operation of a queue.
 *
 * A program writes to a slot in this order: max, then the bucket (or untimed, for an event without
 * a time), then sum, then the bytes. An event of 0 ns changes bucket 0, and any other timed event
 * changes the sum. So if sum, untimed, bucket 0 and the bytes are unchanged, no event came. And max
 * is never below the bucket of an event that was read, so all buckets above max are empty.
 * @first: the first slot of the list
 * @stats: grows to hold the buckets in use
 * Returns 0, or -1 after it has printed why not.
 */
static int read_op(const struct counters *c, struct op_stats **stats, enum vt_op op, uint32_t first)
{
	uint32_t buckets[VT_NR_BUCKETS];
	uint64_t sum = 0, untimed = 0, out = 0, in = 0;
	struct op_stats *total = *stats;
	uint32_t zeros = 0;
	unsigned int end;

	for (uint32_t n = first; n; n = c->next[n]) {
		const volatile struct vt_slot *slot = &c->slots[n];

		sum += slot->sum;
		untimed += slot->untimed;
		zeros += slot->buckets[0];
		out += slot->bytes_out;
		in += slot->bytes_in;
	}
	if (op_stats_room(stats, total ? total->histogram.end : 0))
		return complain(NULL, "no memory for a histogram");
	total = *stats;
	if (sum == total->sum && untimed == total->count - total->timed &&
	    zeros == (uint32_t)total->histogram.bucket[0] &&
	    out == total->bytes_out + total->stale && in == total->bytes_in)
		return 0;

	total->refused = 0;
	for (uint32_t n = first; n; n = c->next[n]) {
		const volatile struct vt_slot *slot = &c->slots[n];

		total->refused += slot->refused;
		if (slot->max > total->max)
			total->max = slot->max;
	}
	end = histogram_bucket(total->max) + 1;
	if (op_stats_room(stats, end))
		return complain(NULL, "no memory for a histogram");
	total = *stats;
	sum_buckets(c, first, buckets, end);
	/*
	 * Add only the events since the last reading, because the buckets of a slot wrap at 2^32,
	 * and those of a snapshot do not.
	 */
	for (unsigned int b = 0; b < end; b++) {
		uint32_t more = buckets[b] - (uint32_t)total->histogram.bucket[b];

		if (!more)
			continue;
		histogram_put(&total->histogram, b, more);
		total->timed += more;
	}
	total->sum = sum;
	/* A slot has one field for both: see bytes_out in vringtop.h. */
	if (op == VT_OP_NOTIFICATION_DATA)
		total->stale = out;
	else
		total->bytes_out = out;
	total->bytes_in = in;
	total->count = total->timed + untimed;
	return 0;
}

/*
 * Gives the slots of a deleted queue back to the programs. That is safe, because no event of this
 * queue can come any more.
 */
static void free_slots(struct counters *c, const uint16_t *first)
{
	for (int op = 0; op < VT_NR_COUNTED; op++) {
		for (uint32_t n = first[op]; n; n = c->next[n]) {
			struct vt_slot *slot = &c->slots[n];

			memset((char *)slot + sizeof(slot->owner), 0,
			       sizeof(*slot) - sizeof(slot->owner));
			slot->owner = 0;
			add_free_slot(c->free, n);
		}
	}
}

int counters_read(struct counters *c, const struct vt_queue *entries, uint32_t nr_entries,
		  struct snapshot *s)
{
	/*
	 * Until all slots were taken once, they are taken in their order, from 1. So the slots from
	 * the head on were never used.
	 */
	uint32_t end = __atomic_load_n(&c->free->head, __ATOMIC_ACQUIRE) + 1;
	/* lists[entry][operation]: the first slot; 0: none. */
	uint16_t(*lists)[VT_NR_COUNTED];
	size_t next = 0;
	int err = 0;

	if (end > c->nr_slots)
		end = c->nr_slots;
	if (map_until(c, end))
		return -1;
	lists = calloc(nr_entries, sizeof(*lists));
	if (!lists)
		return complain(NULL, "no memory for %u queues", nr_entries);
	for (uint32_t n = 1; n < end; n++) {
		uint32_t owner = *(volatile uint32_t *)&c->slots[n].owner;
		uint32_t entry = (owner - 1) >> VT_OPS_SHIFT;
		uint32_t op = (owner - 1) & ((1 << VT_OPS_SHIFT) - 1);

		if (!owner || entry >= nr_entries || op >= VT_NR_COUNTED)
			continue;
		c->next[n] = lists[entry][op];
		lists[entry][op] = n;
	}
	for (uint32_t entry = 1; entry < nr_entries && !err; entry++) {
		struct queue *q = NULL;

		if (entries[entry].state != VT_QUEUE_NONE)
			q = snapshot_queue_near(s, entries[entry].serial, next);
		if (!q)
			continue;
		next = q - s->queues + 1;
		for (int op = 0; op < VT_NR_COUNTED && !err; op++)
			if (lists[entry][op])
				err = read_op(c, &q->op[op], op, lists[entry][op]);
		if (q->gone && !err)
			free_slots(c, lists[entry]);
	}
	free(lists);
	return err;
}
