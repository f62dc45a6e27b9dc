// SPDX-License-Identifier: GPL-2.0
/* Rings over several polls: how long a queue stands, how long a buffer is with the device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "model/stall_watch.h"

#define SIZE   64
#define SECOND 1000000000ull
#define W      VT_WRAP

/* virtio 1.3, section 2.8.1 */
#define AVAIL (1 << 7)
#define USED  (1 << 15)

static const struct queue split_queue = {
	.serial = 1, .layout = VT_LAYOUT_SPLIT, .device_type = 2, .num = SIZE
};
static const struct queue packed_queue = {
	.serial = 1, .layout = VT_LAYOUT_PACKED, .device_type = 2, .num = SIZE
};

static struct vt_ring split(uint16_t last, uint16_t used, uint16_t avail, uint16_t avail_event)
{
	return (struct vt_ring){
		.serial = 1,
		.state = VT_RING_CALLBACK | VT_RING_EVENT_IDX,
		.num = SIZE,
		.batch_last = VT_NO_BATCH,
		.next_avail = avail,
		.last_used = last,
		.split = { .avail_idx = avail,
			   .used_event = last,
			   .used_idx = used,
			   .avail_event = avail_event },
	};
}

static struct vt_ring packed(uint16_t last, uint16_t avail)
{
	return (struct vt_ring){
		.serial = 1,
		.state = VT_RING_CALLBACK | VT_RING_EVENT_IDX,
		.num = SIZE,
		.batch_last = VT_NO_BATCH,
		.next_avail = avail,
		.last_used = last,
		.shadow = 2,
		.packed = { .driver_flags = 2,
			    .driver_off_wrap = last,
			    .device_flags = 2,
			    .device_off_wrap = avail },
	};
}

static struct stall_watched *feed(struct stall_watch *w, const struct vt_ring *r, uint64_t bells,
				  uint64_t now)
{
	struct stall_watched *q = stall_watch_feed(w, &split_queue, r, 0, bells, now);

	assert_non_null(q);
	return q;
}

static void a_stall_takes_time(void **unused)
{
	struct stall_watch w = { .after = SECOND };
	struct vt_ring r = split(7, 7, 8, 7);
	struct stall_watched *q = feed(&w, &r, 0, SECOND);

	(void)unused;
	assert_int_equal(q->rung, 0);
	assert_false(stall_watch_stands(&w, q));
	q = feed(&w, &r, 0, 2 * SECOND - 1);
	assert_false(stall_watch_stands(&w, q));
	q = feed(&w, &r, 0, 2 * SECOND);
	assert_true(stall_watch_stands(&w, q));
	/* It stood already when vringtop came. */
	assert_false(q->since_is_exact);
	assert_int_equal(q->since, SECOND);
	/* What the device asks for is no move. */
	r.split.avail_event = 8;
	q = feed(&w, &r, 0, 3 * SECOND);
	assert_true(stall_watch_stands(&w, q));
	assert_int_equal(q->ring.split.avail_event, 8);
	/* A used buffer is. */
	r.split.used_idx = 8;
	q = feed(&w, &r, 0, 4 * SECOND);
	assert_false(stall_watch_stands(&w, q));
	assert_true(q->since_is_exact);
	/* Two polls are not enough: the machine may have stood still in between. */
	q = feed(&w, &r, 0, 5 * SECOND);
	assert_false(stall_watch_stands(&w, q));
	q = feed(&w, &r, 0, 5 * SECOND + 1);
	assert_true(stall_watch_stands(&w, q));
	assert_int_equal(q->since, 4 * SECOND);
	/* A ring that goes round between two polls has counted. */
	q = stall_watch_feed(&w, &split_queue, &r, 1, 1, 6 * SECOND);
	assert_false(stall_watch_stands(&w, q));
	assert_int_equal(q->rung, 6 * SECOND);
	r.state |= VT_RING_MOVING;
	stall_watch_feed(&w, &split_queue, &r, 1, 1, 7 * SECOND);
	q = stall_watch_feed(&w, &split_queue, &r, 1, 1, 8 * SECOND);
	assert_false(stall_watch_stands(&w, q));
	/* Another queue comes, and this one goes. */
	r.serial = 2;
	q = feed(&w, &r, 1, 9 * SECOND);
	assert_int_equal(q->rung, 9 * SECOND);
	assert_non_null(stall_watch_find(&w, 1));
	stall_watch_drop(&w, 9 * SECOND);
	assert_null(stall_watch_find(&w, 1));
	assert_non_null(stall_watch_find(&w, 2));
	stall_watch_free(&w);
}

/* A driver adds to a queue whose device is dead, too: the stall goes on. */
static void adding_is_no_move(void **unused)
{
	struct stall_watch w = { .after = SECOND };
	struct vt_ring r = split(7, 7, 8, 7);
	struct stall_watched *q;

	(void)unused;
	feed(&w, &r, 0, SECOND);
	for (int at = 2; at <= 6; at++) {
		r.next_avail++;
		r.split.avail_idx++;
		q = feed(&w, &r, 0, at * SECOND);
	}
	assert_true(stall_watch_stands(&w, q));
	assert_int_equal(q->since, SECOND);
	assert_false(q->since_is_exact);
	assert_int_equal(q->added, 5);
	/* But where the device had used all, the wait begins with what is added. */
	r = split(13, 13, 13, 13);
	feed(&w, &r, 0, 7 * SECOND);
	feed(&w, &r, 0, 8 * SECOND);
	r = split(13, 13, 14, 13);
	q = feed(&w, &r, 0, 9 * SECOND);
	assert_int_equal(q->since, 9 * SECOND);
	assert_true(q->since_is_exact);
	assert_int_equal(q->added, 0);
	stall_watch_free(&w);
}

/* The doorbell was due before vringtop looked, or it became due since. */
static void doorbells(void **unused)
{
	struct stall_watch w = { .after = SECOND };
	struct vt_ring r = split(7, 7, 8, 7);
	struct stall_facts facts = stall_facts_unknown;
	struct stall_watched *q;

	(void)unused;
	q = feed(&w, &r, 5, SECOND);
	q = feed(&w, &r, 5, 2 * SECOND);
	stall_watched_doorbells(q, &facts);
	assert_int_equal(facts.rung_since_add, -1);
	assert_int_equal(facts.rung_since_due, -1);
	/* One more is added, and no doorbell is wanted for it. */
	r = split(7, 7, 9, 7);
	q = feed(&w, &r, 5, 3 * SECOND);
	stall_watched_doorbells(q, &facts);
	assert_int_equal(facts.rung_since_add, 0);
	assert_int_equal(facts.rung_since_due, -1);
	/* The device uses all; then a doorbell becomes due, and none comes. */
	r = split(9, 9, 9, 9);
	feed(&w, &r, 5, 4 * SECOND);
	r = split(9, 9, 10, 9);
	q = feed(&w, &r, 5, 5 * SECOND);
	stall_watched_doorbells(q, &facts);
	assert_int_equal(facts.rung_since_add, 0);
	assert_int_equal(facts.rung_since_due, 0);
	/* It comes late. */
	q = feed(&w, &r, 6, 6 * SECOND);
	stall_watched_doorbells(q, &facts);
	assert_int_equal(facts.rung_since_add, 1);
	assert_int_equal(facts.rung_since_due, 1);
	assert_int_equal(q->rung, 6 * SECOND);
	/* Several adds and doorbells between two polls: the last add may be without one. */
	r = split(11, 11, 12, 11);
	q = feed(&w, &r, 8, 7 * SECOND);
	stall_watched_doorbells(q, &facts);
	assert_int_equal(facts.rung_since_add, -1);
	stall_watch_free(&w);
}

/* Of a packed ring only the first used buffer is in its state; the others are in its entries. */
static void a_packed_ring_moves_where_it_is_used(void **unused)
{
	struct stall_watch w = { .after = SECOND };
	struct vt_ring r = packed(3 | W, 7 | W);
	struct stall_watched *q;

	(void)unused;
	for (int at = 1; at <= 8; at++) {
		q = stall_watch_feed(&w, &packed_queue, &r, 0, 0, at * SECOND);
		assert_non_null(q);
		/* It goes on at the fourth second. */
		q->stall.used = at < 4 ? 4 | W : 5 | W;
		if (at > 1)
			stall_watched_used(q);
		assert_int_equal(stall_watch_stands(&w, q), at == 3 || at >= 6);
		assert_int_equal(q->since_is_exact, at >= 4);
		assert_int_equal(q->since, at < 4 ? SECOND : 4 * SECOND);
	}
	/* Where the device was before the driver fetched says nothing. */
	r.last_used = 5 | W;
	q = stall_watch_feed(&w, &packed_queue, &r, 0, 0, 9 * SECOND);
	assert_int_equal(q->since, 9 * SECOND);
	q = stall_watch_feed(&w, &packed_queue, &r, 0, 0, 10 * SECOND);
	q->stall.used = 6 | W;
	stall_watched_used(q);
	assert_int_equal(q->since, 9 * SECOND);
	stall_watch_free(&w);
}

/* Of each kind of move. */
static void moves(void **unused)
{
	const struct vt_ring still = split(7, 7, 8, 7);
	struct vt_ring moved[5];

	(void)unused;
	for (size_t i = 0; i < sizeof(moved) / sizeof(*moved); i++)
		moved[i] = still;
	moved[0].last_used++;
	moved[1].split.used_idx++;
	moved[2].batch_last = 1;
	moved[3].state |= VT_RING_BROKEN;
	moved[4].num *= 2;
	for (size_t i = 0; i < sizeof(moved) / sizeof(*moved); i++) {
		struct stall_watch w = { .after = SECOND };
		struct stall_watched *q;

		feed(&w, &still, 0, SECOND);
		feed(&w, &still, 0, 2 * SECOND);
		q = feed(&w, &moved[i], 0, 3 * SECOND);
		assert_false(stall_watch_stands(&w, q));
		stall_watch_free(&w);
	}
}

/* --- A driver and a device, in memory --- */

struct ring {
	struct queue queue;
	struct vt_ring r;
	struct vt_ring_entry entries[SIZE];
	uint16_t device; /* packed: where it uses next */
};

static bool is_packed(const struct ring *ring)
{
	return layout_is_packed(ring->queue.layout);
}

static void add(struct ring *ring, uint16_t id, uint64_t token)
{
	uint16_t at = ring->r.next_avail;

	ring->entries[id].token = token;
	ring->entries[id].length = 1;
	if (is_packed(ring)) {
		ring->entries[at & ~W].desc.flags_or_id = id;
		ring->entries[at & ~W].desc.next_or_flags = at & W ? AVAIL : USED;
		ring->r.next_avail = packed_advance(&ring->r, at, 1);
		return;
	}
	ring->entries[at % SIZE].avail = id;
	ring->r.split.avail_idx = ++ring->r.next_avail;
}

/* The device uses a buffer, and the driver fetches it. */
static void use(struct ring *ring, uint16_t id)
{
	if (is_packed(ring)) {
		struct vt_ring_entry *e = &ring->entries[ring->device & ~W];

		e->desc.flags_or_id = id;
		e->desc.next_or_flags = ring->device & W ? AVAIL | USED : 0;
		ring->device = packed_advance(&ring->r, ring->device, 1);
		ring->r.last_used = ring->device;
	} else {
		ring->entries[ring->r.split.used_idx % SIZE].used.id = id;
		ring->r.last_used = ++ring->r.split.used_idx;
	}
	ring->entries[id].token = 0;
}

static struct ring make_ring(enum vt_layout layout)
{
	struct ring ring = { .queue = split_queue, .r = split(0, 0, 0, 0), .device = W };

	if (layout_is_packed(layout)) {
		ring.queue = packed_queue;
		ring.r = packed(W, W);
	}
	return ring;
}

static struct stall_watched *poll_ring(struct stall_watch *w, struct ring *ring, uint64_t now)
{
	struct stall_watched *q = stall_watch_feed(w, &ring->queue, &ring->r, 0, 0, now);

	assert_non_null(q);
	assert_int_equal(stall_watched_buffers(q, &ring->queue, ring->entries, w->after), 0);
	return q;
}

/* Buffer 2 is lost; the others go round, few or many between two polls. */
static void one_lost_buffer(void **unused)
{
	static const enum vt_layout layouts[] = { VT_LAYOUT_SPLIT, VT_LAYOUT_PACKED };

	(void)unused;
	for (size_t l = 0; l < 2; l++)
		for (int rounds = 1; rounds < 40; rounds++) {
			struct ring ring = make_ring(layouts[l]);
			struct stall_watch w = { .after = SECOND };
			const struct stall_buffer *oldest;
			struct stall_watched *q;
			int others = 0;

			poll_ring(&w, &ring, SECOND / 2);
			add(&ring, 0, 100);
			add(&ring, 2, 102);
			add(&ring, 1, 101);
			for (int at = 1; at <= 6; at++) {
				q = poll_ring(&w, &ring, at * SECOND);
				for (int n = 0; n < 2 * rounds; n++, others++) {
					use(&ring, others % 2);
					/* The driver's memory comes back for another request. */
					add(&ring, others % 2, 100 + others % 2);
				}
			}
			oldest = stall_watched_oldest(q);
			assert_non_null(oldest);
			assert_int_equal(q->oldest, 2);
			assert_int_equal(oldest->since, SECOND);
			assert_true(oldest->since_is_exact);
			assert_int_equal(q->nr_stuck, 1);
			/* It comes back. */
			use(&ring, 2);
			q = poll_ring(&w, &ring, 7 * SECOND);
			assert_int_equal(q->nr_stuck, 0);
			stall_watch_free(&w);
		}
}

/* The same ids with the same tokens are there at each poll, and none is stuck. */
static void buffers_that_come_back(void **unused)
{
	static const enum vt_layout layouts[] = { VT_LAYOUT_SPLIT, VT_LAYOUT_PACKED };

	(void)unused;
	for (size_t l = 0; l < 2; l++)
		for (int rounds = 1; rounds < 40; rounds++) {
			struct ring ring = make_ring(layouts[l]);
			struct stall_watch w = { .after = SECOND };
			uint16_t order[3] = { 0, 1, 2 };
			unsigned int seed = rounds;

			for (uint16_t id = 0; id < 3; id++)
				add(&ring, id, 100 + id);
			for (int at = 1; at <= 6; at++) {
				assert_int_equal(poll_ring(&w, &ring, at * SECOND)->nr_stuck, 0);
				/* In any order, but each within the time between two polls. */
				for (int n = 0; n < rounds; n++)
					for (int i = 0; i < 3; i++) {
						int k = i + rand_r(&seed) % (3 - i);
						uint16_t id = order[k];

						order[k] = order[i];
						order[i] = id;
						use(&ring, id);
						add(&ring, id, 100 + id);
					}
			}
			stall_watch_free(&w);
		}
}

/* A buffer that was there at the first poll is at least so old; a used one is not the device's. */
static void ages(void **unused)
{
	struct ring ring = make_ring(VT_LAYOUT_SPLIT);
	struct stall_watch w = { .after = SECOND };
	struct stall_watched *q;

	(void)unused;
	add(&ring, 3, 103);
	add(&ring, 4, 104);
	q = poll_ring(&w, &ring, SECOND);
	assert_false(stall_watched_oldest(q)->since_is_exact);
	poll_ring(&w, &ring, 2 * SECOND);
	/* The device uses 3, and the driver does not fetch it. */
	ring.entries[0].used.id = 3;
	ring.r.split.used_idx = 1;
	q = poll_ring(&w, &ring, 3 * SECOND);
	assert_int_equal(q->oldest, 4);
	assert_int_equal(q->nr_stuck, 1);
	stall_watch_free(&w);
}

/* Whatever stands in a ring, nothing outside its arrays is read (ASan). */
static void nonsense(void **unused)
{
	unsigned int seed = 1;

	(void)unused;
	for (int n = 0; n < 5000; n++) {
		struct ring ring = make_ring(n % 2 ? VT_LAYOUT_SPLIT : VT_LAYOUT_PACKED);
		struct stall_watch w = { .after = SECOND };
		unsigned char *bytes = (void *)&ring.r;

		for (int polls = 1; polls < 4; polls++) {
			for (size_t i = 0; i < sizeof(ring.r); i++)
				bytes[i] = rand_r(&seed) >> 7;
			for (size_t i = 0; i < sizeof(ring.entries); i++)
				((unsigned char *)ring.entries)[i] = rand_r(&seed) >> 7;
			ring.r.serial = 1;
			ring.r.num = SIZE;
			poll_ring(&w, &ring, polls * SECOND);
		}
		stall_watch_free(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stall_takes_time),
		cmocka_unit_test(adding_is_no_move),
		cmocka_unit_test(doorbells),
		cmocka_unit_test(a_packed_ring_moves_where_it_is_used),
		cmocka_unit_test(moves),
		cmocka_unit_test(one_lost_buffer),
		cmocka_unit_test(buffers_that_come_back),
		cmocka_unit_test(ages),
		cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests_name("stall_watch", tests, NULL, NULL);
}
