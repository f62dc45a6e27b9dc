/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A made-up snapshot whose every figure is different, and what each figure is, for tests that
 * compare each form of output with it. What it was made of is computed here, not by the tool.
 *
 * Two queues are busy: 0 is packed, 1 split in order. Queue 2 is idle, packed, and of the same
 * device and name as queue 1. Of each timed operation of a busy queue there are 10,000 times, on
 * six levels: 5000, 4000, 900, 90, 9, 1. So level n is the quantile of n nines (0: the median).
 */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "model/snapshot.h"

#define BUSY	2 /* queues */
#define LEVELS	6
#define TIMED	10000ull
#define SINCE	2000000000ull /* ns */
#define SECONDS 2.0
#define LOST	3
#define CPU	0.125 /* s */
#define PROBE	12.5  /* ns */
/* Not counted, and not visible on this kernel. */
#define UNSEEN VT_OP_FREE

static const uint64_t at_level[LEVELS] = { 5000, 4000, 900, 90, 9, 1 };

/* The buckets of a level lie one after another, by queue and operation. */
static inline unsigned int bucket_of(int queue, int op, int level)
{
	return 32 + level * BUSY * VT_NR_TIMED + queue * VT_NR_TIMED + op;
}

/* Bounds of a bucket: 16 buckets of a power of two are equally wide. */
static inline uint64_t bucket_from(unsigned int b)
{
	return (uint64_t)(16 + b % 16) << (b / 16 - 1);
}

static inline uint64_t bucket_to(unsigned int b)
{
	return bucket_from(b) + (1ull << (b / 16 - 1));
}

/* What a quantile of this level has to be: the middle of its bucket. */
static inline uint64_t time_at(int queue, int op, int level)
{
	unsigned int b = bucket_of(queue, op, level);

	return (bucket_from(b) + bucket_to(b)) / 2;
}

static inline uint64_t time_max(int queue, int op)
{
	return bucket_from(bucket_of(queue, op, LEVELS - 1)) + 1;
}

static inline uint64_t time_sum(int queue, int op)
{
	return TIMED * (2000 + 100 * (queue * VT_NR_TIMED + op)) + 1;
}

/* So many buffers were fetched without an interrupt. */
static inline unsigned int polled_of(int queue)
{
	return 77 + queue;
}

static inline uint64_t count_of(int queue, int op)
{
	if (op == VT_STAGE_WAKEUP)
		return count_of(queue, VT_STAGE_DEVICE) - polled_of(queue);
	return TIMED + 100 + 300 * (queue * VT_NR_TIMED + op);
}

/* How often it said no: so many percent. */
static inline unsigned int no_percent(int queue, int op)
{
	return 2 + 3 * op + queue;
}

static inline uint64_t no_of(int queue, int op)
{
	return op_refused_name(op) ? count_of(queue, op) * no_percent(queue, op) / 100 : 0;
}

static inline uint64_t bytes_out_of(int queue)
{
	return 3000000 + 700000 * queue;
}

static inline uint64_t bytes_in_of(int queue)
{
	return 9000000 + 500000 * queue;
}

static inline uint64_t room_of(int queue) /* for the device to write, in bytes */
{
	return 20000000 + 100000 * queue;
}

static inline uint64_t behind_of(int queue) /* notification data that the ring had moved on from */
{
	return 41 + queue;
}

/* Buffers per doorbell: 70 doorbells announced `some`, 30 `most`. */
static inline unsigned int some_buffers(int queue)
{
	return 3 + queue;
}

static inline unsigned int most_buffers(int queue)
{
	return 21 + 6 * queue;
}

/* Used buffers per interrupt: the same. */
static inline unsigned int some_found(int queue)
{
	return 9 + queue;
}

static inline unsigned int most_found(int queue)
{
	return 40 + 5 * queue;
}

static inline struct op_stats *make_op(int queue, int op)
{
	struct op_stats *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	if (op >= VT_NR_TIMED) {
		bool bell = op == VT_BUFFERS_PER_DOORBELL;
		unsigned int some = bell ? some_buffers(queue) : some_found(queue);
		unsigned int most = bell ? most_buffers(queue) : most_found(queue);

		s->count = s->timed = 100;
		s->sum = 70 * some + 30 * most;
		s->max = most;
		histogram_put(&s->histogram, some, 70);
		histogram_put(&s->histogram, most, 30);
		return s;
	}
	s->count = count_of(queue, op);
	s->timed = TIMED;
	s->sum = time_sum(queue, op);
	s->max = time_max(queue, op);
	s->refused = no_of(queue, op);
	for (int level = 0; level < LEVELS; level++)
		histogram_put(&s->histogram, bucket_of(queue, op, level), at_level[level]);
	if (op == VT_OP_ADD) {
		s->bytes_out = bytes_out_of(queue);
		s->bytes_in = room_of(queue);
	}
	if (op == VT_OP_GET)
		s->bytes_in = bytes_in_of(queue);
	if (op == VT_OP_NOTIFICATION_DATA)
		s->stale = behind_of(queue);
	return s;
}

/* The last doorbells of queue 0: number n sent 0x8005 + n << 16 and announced n + 1 buffers. */
#define DOORBELLS     7 /* were sent */
#define NEW_DOORBELLS 2 /* of them in this interval */

static inline uint32_t doorbell_value(unsigned int number)
{
	return (0x8005u + number) << 16;
}

static inline void make_doorbells(struct queue *q)
{
	q->doorbells.sent = DOORBELLS;
	q->new_doorbells = NEW_DOORBELLS;
	for (unsigned int n = 1; n <= DOORBELLS; n++)
		q->doorbells.last[n - 1] = (struct vt_doorbell){
			.value = doorbell_value(n),
			.ring = doorbell_value(n) + (n == DOORBELLS),
			.buffers = n + 1,
			.number = n,
		};
}

static const struct queue figure_queues[BUSY + 1] = {
	{ .serial = 11,
	  .device = 2,
	  .device_type = 2,
	  .index = 0,
	  .num = 256,
	  .num_free = 200,
	  .oldest = 1234567,
	  .layout = VT_LAYOUT_PACKED,
	  .features = 1ull << 32 | 1ull << 34 | 1ull << 38,
	  .name = "req.0",
	  .driver = "virtio_blk",
	  .role = "vda" },
	{ .serial = 12,
	  .device = 5,
	  .device_type = 8,
	  .index = 2,
	  .num = 128,
	  .num_free = 32,
	  .oldest = 987654321,
	  .oldest_or_longer = true,
	  .layout = VT_LAYOUT_SPLIT_IN_ORDER,
	  .features = 1ull << 29 | 1ull << 32 | 1ull << 35,
	  .name = "request",
	  .driver = "virtio_scsi",
	  .role = "sda",
	  .fresh = true },
	{ .serial = 13,
	  .device = 5,
	  .device_type = 8,
	  .index = 3,
	  .num = 64,
	  .num_free = 64,
	  .layout = VT_LAYOUT_PACKED,
	  .features = 1ull << 32,
	  .name = "request",
	  .driver = "virtio_scsi",
	  .role = "sda" },
};

/* @ops: which operations; to be freed with snapshot_free() */
static inline void make_figures(struct snapshot *s, uint32_t ops)
{
	*s = (struct snapshot){
		.time = SINCE,
		.since = SINCE,
		.lost = LOST,
		.cpu = CPU,
		.probe_ns = PROBE,
		.how = "tracepoints",
		.unavailable = 1u << UNSEEN,
		.nr_queues = BUSY + 1,
		.queues = malloc(sizeof(figure_queues)),
	};
	if (!s->queues)
		abort();
	memcpy(s->queues, figure_queues, sizeof(figure_queues));
	make_doorbells(&s->queues[0]);
	for (int queue = 0; queue < BUSY; queue++)
		for (int op = 0; op < VT_NR_COUNTED; op++)
			if (ops >> op & 1 && op != UNSEEN)
				s->queues[queue].op[op] = make_op(queue, op);
}

/* --- What all operations of a queue come to --- */

static inline uint64_t sum_all(int queue, uint64_t (*of)(int queue, int op))
{
	uint64_t sum = 0;

	for (int op = 0; op < VT_NR_OPS; op++)
		sum += op == UNSEEN ? 0 : of(queue, op);
	return sum;
}

static inline double mean_all(int queue)
{
	return (double)sum_all(queue, time_sum) / (TIMED * (VT_NR_OPS - 1));
}

/* The last operation has the largest times of each level. */
#define LAST_OP (VT_OP_FREE - 1)

#endif
