// SPDX-License-Identifier: GPL-2.0
/* Polls over rings that this test makes up: the probe and the devices are replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "probe/device.h"
#include "probe/interrupt.h"
#include "probe/stall_poll.h"

#define SIZE   8
#define SECOND 1000000000ull

/* Two request queues with one name, as of virtio-scsi. */
static struct vt_ring rings[2];
static struct vt_ring_entry entries[SIZE];
static int status, asked;
static bool moves_while_copied;

int probe_rings(struct probe *p)
{
	(void)p;
	return 0;
}

const struct vt_ring *probe_ring(const struct probe *p, const struct queue *q)
{
	(void)p;
	return &rings[q->serial - 1];
}

int probe_ring_entries(struct probe *p, const struct queue *q, struct vt_ring_entry *to)
{
	(void)p;
	memcpy(to, entries, sizeof(entries));
	if (moves_while_copied)
		rings[q->serial - 1].split.used_idx++;
	return 0;
}

int device_status(int number)
{
	asked++;
	return number == 3 ? status : -1;
}

int device_interface_up(int number)
{
	(void)number;
	return -1;
}

/* The second of the two vectors came 10 times. */
bool interrupt_of_queue(int device, const char *name, unsigned int rank, unsigned int alike,
			unsigned int *irq, uint64_t *count)
{
	assert_int_equal(device, 3);
	assert_string_equal(name, "request");
	assert_int_equal(alike, 2);
	*irq = 40 + rank;
	*count = rank ? 10 : 371;
	return true;
}

struct guest {
	struct queue queues[2];
	struct snapshot all;
	struct stall_watch watch;
};

static void start(struct guest *g)
{
	*g = (struct guest){ .all = { .nr_queues = 2, .queues = g->queues },
			     .watch.after = SECOND };
	for (unsigned int i = 0; i < 2; i++) {
		g->queues[i] = (struct queue){ .serial = i + 1,
					       .device = 3,
					       .device_type = 8,
					       .index = 2 + i,
					       .num = SIZE,
					       .name = "request" };
		rings[i] = (struct vt_ring){ .serial = i + 1,
					     .state = VT_RING_CALLBACK | VT_RING_EVENT_IDX,
					     .num = SIZE,
					     .batch_last = VT_NO_BATCH,
					     .last_index = 3 };
	}
	memset(entries, 0, sizeof(entries));
	status = 0x0f;
	asked = 0;
	moves_while_copied = false;
}

/* Returns what is known of the second queue. */
static struct stall_watched *poll_at(struct guest *g, uint64_t time, const struct snapshot *seen)
{
	struct stall_watched *w;

	g->all.time = time;
	assert_int_equal(stall_poll(&g->watch, NULL, &g->all, seen ? seen : &g->all), 0);
	w = stall_watch_find(&g->watch, 2);
	assert_non_null(w);
	return w;
}

/* A buffer is added to the second queue. */
static void add(uint16_t id)
{
	entries[id].token = 1 + id;
	entries[rings[1].next_avail % SIZE].avail = id;
	rings[1].split.avail_idx = ++rings[1].next_avail;
}

static void idle_queues(void **unused)
{
	struct guest g;

	(void)unused;
	start(&g);
	for (int at = 1; at < 6; at++) {
		struct stall_watched *w = poll_at(&g, at * SECOND, NULL);

		assert_false(w->stalled);
		assert_int_equal(w->stall.verdict, STALL_IDLE);
	}
	assert_int_equal(asked, 0);
	stall_watch_free(&g.watch);
}

static void a_stall_and_its_end(void **unused)
{
	struct stall_watched *w;
	struct guest g;

	(void)unused;
	start(&g);
	poll_at(&g, SECOND, NULL);
	add(5);
	w = poll_at(&g, 2 * SECOND, NULL);
	assert_int_equal(w->stall.verdict, STALL_MOVING);
	poll_at(&g, 2 * SECOND + 1, NULL);
	w = poll_at(&g, 3 * SECOND, NULL);
	assert_true(w->stalled);
	/* No doorbell of this queue was ever counted, so it is not said that one is missing. */
	assert_int_equal(w->stall.verdict, STALL_NOT_USED);
	assert_int_equal(w->stall.why, WHY_DUE);
	assert_true(w->since_is_exact);
	assert_int_equal(w->oldest, 5);
	assert_int_equal(w->stall.status, 0x0f);
	/* The driver adds: the stall goes on. */
	add(6);
	w = poll_at(&g, 4 * SECOND, NULL);
	assert_true(w->stalled);
	assert_int_equal(w->since, 2 * SECOND);
	/* The device's status cannot be. */
	status = 0x0b;
	w = poll_at(&g, 5 * SECOND, NULL);
	assert_int_equal(w->stall.verdict, STALL_DEVICE_OFF);
	status = 0x0f;
	/* The device uses one, and the driver fetches it. */
	entries[0].used.id = 5;
	entries[5].token = 0;
	rings[1].split.used_idx = rings[1].last_used = 1;
	w = poll_at(&g, 6 * SECOND, NULL);
	assert_false(w->stalled && w->stall.verdict != STALL_BUFFER);
	stall_watch_free(&g.watch);
}

/* The interrupt is that of the queue's own vector, not the first one of its name. */
static void whose_interrupt(void **unused)
{
	struct snapshot one;
	struct stall_watched *w;
	struct guest g;

	(void)unused;
	start(&g);
	/* The filter of the command line leaves the first queue out. */
	one = (struct snapshot){ .nr_queues = 1, .queues = &g.queues[1] };
	poll_at(&g, SECOND, &one);
	add(5);
	entries[0].used.id = 5;
	rings[1].split.used_idx = 1;
	for (int at = 2; at <= 5; at++)
		w = poll_at(&g, at * SECOND, &one);
	assert_true(w->stalled);
	assert_int_equal(w->stall.verdict, STALL_NOT_FETCHED);
	assert_true(w->interrupt.known);
	assert_int_equal(w->interrupt.irq, 41);
	assert_int_equal(w->interrupt.count, 10);
	assert_int_equal(w->interrupt.before, 10);
	assert_null(stall_watch_find(&g.watch, 1));
	stall_watch_free(&g.watch);
}

/* Buffer 5 does not come back; 6 does all the time. */
static void one_buffer_stays(void **unused)
{
	struct stall_watched *w;
	struct guest g;

	(void)unused;
	start(&g);
	poll_at(&g, SECOND, NULL);
	add(5);
	for (int at = 2; at <= 6; at++) {
		add(6);
		w = poll_at(&g, at * SECOND, NULL);
		entries[rings[1].split.used_idx % SIZE].used.id = 6;
		entries[6].token = 0;
		rings[1].last_used = ++rings[1].split.used_idx;
	}
	assert_true(w->stalled);
	assert_int_equal(w->stall.verdict, STALL_BUFFER);
	assert_int_equal(w->oldest, 5);
	assert_int_equal(w->nr_stuck, 1);
	entries[rings[1].split.used_idx % SIZE].used.id = 5;
	entries[5].token = 0;
	rings[1].last_used = ++rings[1].split.used_idx;
	w = poll_at(&g, 7 * SECOND, NULL);
	assert_false(w->stalled);
	stall_watch_free(&g.watch);
}

static void a_ring_that_moves_too_fast(void **unused)
{
	struct stall_watched *w;
	struct guest g;

	(void)unused;
	start(&g);
	add(5);
	w = poll_at(&g, SECOND, NULL);
	assert_int_equal(stall_copy_ring(NULL, &g.queues[1], w), 0);
	assert_non_null(w->entries);
	moves_while_copied = true;
	assert_int_equal(stall_copy_ring(NULL, &g.queues[1], w), 0);
	assert_null(w->entries);
	assert_false(w->stalled);
	stall_watch_free(&g.watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_queues),
		cmocka_unit_test(a_stall_and_its_end),
		cmocka_unit_test(whose_interrupt),
		cmocka_unit_test(one_buffer_stays),
		cmocka_unit_test(a_ring_that_moves_too_fast),
	};

	return cmocka_run_group_tests_name("stall_poll", tests, NULL, NULL);
}
