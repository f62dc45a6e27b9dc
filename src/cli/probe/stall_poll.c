// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "probe/device.h"
#include "probe/interrupt.h"
#include "probe/stall_poll.h"

/* A ring that moves is copied up to this many times, until ring and state match. */
#define COPIES 10

/*
 * The facts from sysfs on a device. They are read at most once in a poll for consecutive queues of
 * the device.
 */
struct device_facts {
	int device; /* -1: no device was read yet */
	int status, interface_up;
};

/* The arguments of one poll. */
struct poll {
	struct stall_watch *watch;
	struct probe *probe;
	const struct snapshot *all;
	struct device_facts facts;
};

/* Returns how many buffers the driver fetched; 0 if get is not counted. */
static uint64_t count_fetched(const struct queue *q)
{
	const struct op_stats *get = q->op[VT_OP_GET];

	return get ? get->count - get->refused : 0;
}

static void count_interrupts(const struct snapshot *all, const struct queue *q,
			     struct stall_watched *w)
{
	struct stall_interrupt *i = &w->interrupt;
	unsigned int rank = 0, alike = 0;
	bool first = !i->known;

	for (size_t n = 0; n < all->nr_queues; n++) {
		const struct queue *other = &all->queues[n];

		if (other->gone || other->device != q->device || strcmp(other->name, q->name))
			continue;
		alike++;
		rank += other->index < q->index;
	}
	i->known = interrupt_of_queue(q->device, q->name, rank, alike, &i->irq, &i->count);
	if (first)
		i->before = i->count;
}

/*
 * Copies the arrays of a ring into @w->entries. @w->entries stays NULL if the ring has moved since
 * the poll. Returns 0, or -1 after it has printed why not.
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

static void set_moving(struct stall *s)
{
	if (s->verdict == STALL_IDLE)
		return;
	s->verdict = STALL_MOVING;
	s->why = WHY_NOTHING;
}

int stall_copy_ring(struct probe *p, const struct queue *q, struct stall_watched *w)
{
	bool stuck = w->stalled && w->stall.verdict == STALL_BUFFER;

	if (copy_entries(p, q, w))
		return -1;
	for (int tries = 0; tries < COPIES && !w->entries; tries++) {
		const struct vt_ring *r = probe_ring(p, q);

		if (!r)
			return 0;
		w->ring = *r;
		if (copy_entries(p, q, w))
			return -1;
		stall_judge(q, &w->ring, w->entries, &stall_facts_unknown, &w->stall);
		if (stuck) {
			w->stall.verdict = STALL_BUFFER;
			w->stall.why = WHY_OVERTAKEN;
			continue;
		}
		w->stalled = false;
		set_moving(&w->stall);
	}
	return 0;
}

static struct stall_facts ask_device(struct poll *poll, const struct queue *q,
				     const struct stall_watched *w)
{
	struct stall_facts facts;

	if (poll->facts.device != q->device)
		poll->facts = (struct device_facts){
			.device = q->device,
			.status = device_status(q->device),
			.interface_up = device_interface_up(q->device),
		};
	facts.status = poll->facts.status;
	facts.interface_up = poll->facts.interface_up;
	stall_watched_doorbells(w, &facts);
	return facts;
}

/*
 * Judges a queue that has not moved since the last poll. A packed ring is copied at each poll,
 * because the device may have used a buffer since then. A queue that waits for input is copied only
 * once, because its buffers are only counted.
 * Returns 0, or -1 after it has printed why not.
 */
static int judge_still(struct poll *poll, const struct queue *q, struct stall_watched *w,
		       bool waits)
{
	bool packed = layout_is_packed(q->layout);
	struct stall_facts facts;

	if (packed && (!w->entries || !waits) && copy_entries(poll->probe, q, w))
		return -1;
	/* The ring moved while it was copied. The next poll will see the move. */
	if (packed && !w->entries)
		return 0;
	facts = ask_device(poll, q, w);
	stall_judge(q, &w->ring, w->entries, &facts, &w->stall);
	if (packed)
		stall_watched_used(w);
	w->stalled = stall_watch_stands(poll->watch, w) && w->stall.verdict > STALL_WAITING;
	if (!stall_watch_stands(poll->watch, w))
		set_moving(&w->stall);
	return 0;
}

/*
 * Finds out how long each buffer has been with the device, and whether a buffer is stuck although
 * the queue moves. With rings in order that cannot happen, because the device uses buffers in the
 * order of the adds.
 * Returns 0, or -1 after it has printed why not.
 */
static int follow_buffers(struct poll *poll, const struct queue *q, struct stall_watched *w)
{
	struct vt_ring_entry *entries;
	int err = 0;

	if (layout_is_in_order(q->layout) || !w->stall.in_flight || w->ring.num != q->num) {
		stall_watched_no_buffers(w);
		return 0;
	}
	entries = calloc(q->num, sizeof(*entries));
	if (!entries)
		return complain(NULL, "no memory for a ring");
	if (!probe_ring_entries(poll->probe, q, entries))
		err = stall_watched_buffers(w, q, entries, poll->watch->after);
	free(entries);
	if (err)
		return complain(NULL, "no memory for a ring");
	if (w->nr_stuck && !w->stalled && !stall_watch_stands(poll->watch, w)) {
		w->stalled = true;
		w->stall.verdict = STALL_BUFFER;
		w->stall.why = WHY_OVERTAKEN;
	}
	return 0;
}

static int poll_queue(struct poll *poll, const struct queue *q, const struct vt_ring *r)
{
	uint64_t now = poll->all->time;
	struct stall_watched *w =
		stall_watch_feed(poll->watch, q, r, count_fetched(q), queue_doorbells(q), now);
	enum stall_verdict first;
	bool waits;

	if (!w)
		return complain(NULL, "no memory for another queue");
	/* This verdict did not need the entries of the ring, so that most queues cost nothing. */
	first = w->stall.verdict;
	waits = first == STALL_WAITING;
	if (first == STALL_NOT_FETCHED && w->polls > 1)
		count_interrupts(poll->all, q, w);
	if (first == STALL_IDLE || w->polls < 2 ||
	    (!stall_watch_stands(poll->watch, w) && (waits || !layout_is_packed(q->layout)))) {
		w->stalled = false;
		set_moving(&w->stall);
	} else if (judge_still(poll, q, w, waits)) {
		return -1;
	}
	if (waits || first == STALL_IDLE || stall_waits_for_world(q, r)) {
		stall_watched_no_buffers(w);
		return 0;
	}
	return follow_buffers(poll, q, w);
}

int stall_poll(struct stall_watch *w, struct probe *p, const struct snapshot *all,
	       const struct snapshot *seen)
{
	struct poll poll = { w, p, all, .facts.device = -1 };

	if (probe_rings(p))
		return -1;
	for (size_t i = 0; i < seen->nr_queues; i++) {
		const struct queue *q = &seen->queues[i];
		const struct vt_ring *r = probe_ring(p, q);

		if (r && poll_queue(&poll, q, r))
			return -1;
	}
	return 0;
}
