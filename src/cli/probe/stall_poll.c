// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "probe/device.h"
#include "probe/stall_poll.h"

/* What is asked of a device, once in a poll at most. */
struct asked {
	int device;
	struct stall_facts facts;
};

static const struct stall_facts unknown = { -1, -1 };

/* Buffers that were added or fetched, as far as they are counted: what was tried in vain moves
 * nothing. */
static uint64_t moves(const struct queue *q)
{
	static const enum vt_op ops[] = { VT_OP_ADD, VT_OP_GET };
	uint64_t n = 0;

	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (q->op[ops[i]])
			n += q->op[ops[i]]->count - q->op[ops[i]]->refused;
	return n;
}

static void count_interrupts(const struct queue *q, struct stall_watched *w)
{
	bool first = !w->has_interrupts;

	w->has_interrupts = device_interrupts(q->device, q->name, &w->interrupts);
	if (first)
		w->interrupts_before = w->interrupts;
}

/*
 * Copies what is in a ring, which then must be as it was when it was polled: else it moves, and
 * what is in it says nothing. Returns 0, or -1 after it has complained.
 */
static int copy_entries(struct probe *p, const struct queue *q, struct stall_watched *w)
{
	const struct vt_ring *after;

	stall_watched_forget(w);
	w->entries = calloc(w->ring.num, sizeof(*w->entries));
	if (!w->entries)
		return complain(NULL, "no memory for a ring");
	if (w->ring.num == q->num && !probe_ring_entries(p, q, w->entries)) {
		after = probe_ring(p, q);
		if (after && !memcmp(after, &w->ring, sizeof(*after)))
			return 0;
	}
	stall_watched_forget(w);
	return 0;
}

static void find_moving(struct stall_watched *w)
{
	if (w->stall.verdict == STALL_IDLE)
		return;
	w->stall.verdict = STALL_MOVING;
	w->stall.why = WHY_NOTHING;
}

int stall_look(struct probe *p, const struct queue *q, struct stall_watched *w)
{
	if (copy_entries(p, q, w))
		return -1;
	for (int tries = 0; tries < 10 && !w->entries; tries++) {
		const struct vt_ring *r = probe_ring(p, q);

		if (!r)
			return 0;
		w->ring = *r;
		w->stalled = false;
		if (copy_entries(p, q, w))
			return -1;
		stall_judge(q, &w->ring, w->entries, &unknown, &w->stall);
		find_moving(w);
	}
	return 0;
}

/* What it asks the device about, once in a poll. */
static const struct stall_facts *ask(struct asked *asked, const struct queue *q)
{
	if (asked->device != q->device)
		*asked = (struct asked){
			.device = q->device,
			.facts = {
				.status = device_status(q->device),
				.interface_up = device_interface_up(q->device),
			},
		};
	return &asked->facts;
}

/*
 * Judges a queue that was found where it was. A packed ring is copied for that: again each time, as
 * the device may have used something since; but where buffers wait for input they are only counted.
 * @waits: so it looks without
 */
static int judge_still(struct stall_watch *watch, struct probe *p, const struct queue *q,
		       struct stall_watched *w, bool waits, struct asked *asked)
{
	bool packed = layout_is_packed(q->layout);

	if (packed && (!w->entries || !waits) && copy_entries(p, q, w))
		return -1;
	/* It does not stand still for long enough: what was known of it holds. */
	if (packed && !w->entries)
		return 0;
	stall_judge(q, &w->ring, w->entries, ask(asked, q), &w->stall);
	if (packed)
		stall_watched_used(w);
	w->stalled = stall_watch_stands(watch, w) && w->stall.verdict > STALL_WAITING;
	if (!stall_watch_stands(watch, w))
		find_moving(w);
	return 0;
}

int stall_poll(struct stall_watch *w, struct probe *p, const struct snapshot *seen)
{
	struct asked asked = { -1, unknown };

	if (probe_rings(p))
		return -1;
	for (size_t i = 0; i < seen->nr_queues; i++) {
		const struct queue *q = &seen->queues[i];
		const struct vt_ring *r = probe_ring(p, q);
		struct stall_watched *at;
		struct stall first;
		bool waits;

		if (!r)
			continue;
		at = stall_watch_feed(w, r, moves(q), queue_doorbells(q), seen->time);
		if (!at)
			return complain(NULL, "no memory for %zu queues", seen->nr_queues);
		/* Without the entries, so that a queue that moves costs nothing. */
		stall_judge(q, &at->ring, NULL, &unknown, &first);
		waits = first.verdict == STALL_WAITING;
		if (first.verdict == STALL_NOT_HEARD && at->polls > 1)
			count_interrupts(q, at);
		if (first.verdict == STALL_IDLE || at->polls < 2 ||
		    (!stall_watch_stands(w, at) && (waits || !layout_is_packed(q->layout)))) {
			at->stall = first;
			find_moving(at);
		} else if (judge_still(w, p, q, at, waits, &asked)) {
			return -1;
		}
	}
	return 0;
}
