// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/stall_watch.h"

struct stall_watched *stall_watch_find(const struct stall_watch *w, unsigned int serial)
{
	for (size_t i = 0; i < w->nr_queues; i++)
		if (w->queues[i].serial == serial)
			return &w->queues[i];
	return NULL;
}

/*
 * Returns true if the device used something, the driver fetched something, or the queue broke or
 * was reset.
 */
static bool ring_moved(const struct queue *q, const struct vt_ring *a, const struct vt_ring *b)
{
	const enum vt_ring_state states = VT_RING_BROKEN | VT_RING_RESET;

	if ((a->state | b->state) & VT_RING_MOVING)
		return true;
	if (a->last_used != b->last_used || a->num != b->num || a->batch_last != b->batch_last ||
	    (a->state ^ b->state) & states)
		return true;
	if (layout_is_packed(q->layout))
		return a->packed.last_used_flags != b->packed.last_used_flags;
	return a->split.used_idx != b->split.used_idx;
}

static void set_moved(struct stall_watched *w, uint64_t now)
{
	w->since_is_exact = true;
	w->since = now;
	w->polls = 0;
	w->added = 0;
	w->stalled = w->interrupt.known = false;
}

static struct stall_watched *find_or_add(struct stall_watch *w, unsigned int serial)
{
	bool is_next = w->next < w->nr_queues && w->queues[w->next].serial == serial;
	struct stall_watched *q = is_next ? &w->queues[w->next] : stall_watch_find(w, serial);

	if (!q) {
		q = realloc(w->queues, (w->nr_queues + 1) * sizeof(*q));
		if (!q)
			return NULL;
		w->queues = q;
		q += w->nr_queues++;
		*q = (struct stall_watched){ .serial = serial };
	}
	w->next = q - w->queues + 1;
	return q;
}

/*
 * Notes adds that came between two polls. For these adds the doorbells before and after are known.
 */
static void follow_doorbells(struct stall_watched *w, const struct vt_ring *r, bool was_due,
			     uint64_t doorbells)
{
	if (r->next_avail != w->ring.next_avail) {
		w->add_was_seen = true;
		w->bells_at_add = w->doorbells;
		w->bells_after_add = doorbells;
	}
	if (!w->stall.due) {
		w->due_was_seen = false;
	} else if (!was_due) {
		w->due_was_seen = true;
		w->bells_at_due = w->doorbells;
	}
	if (doorbells != w->doorbells)
		w->rung = w->polled;
	w->doorbells = doorbells;
}

struct stall_watched *stall_watch_feed(struct stall_watch *w, const struct queue *q,
				       const struct vt_ring *r, uint64_t fetched,
				       uint64_t doorbells, uint64_t now)
{
	struct stall_watched *watched = find_or_add(w, r->serial);
	struct stall before;
	bool added;

	if (!watched)
		return NULL;
	before = watched->stall;
	stall_judge(q, r, NULL, &stall_facts_unknown, &watched->stall);
	if (!watched->polled) {
		/* The first poll of this queue. */
		watched->ring = *r;
		watched->since = watched->polled = now;
		watched->polls = 1;
		watched->used = -1;
		watched->fetched = fetched;
		watched->doorbells = doorbells;
		/*
		 * An empty queue stands still only from the next add on, so its time will be exact.
		 */
		watched->since_is_exact = !watched->stall.in_flight;
		if (doorbells)
			watched->rung = now;
		return watched;
	}
	added = r->next_avail != watched->ring.next_avail;
	/*
	 * If the device had no buffer before this add, the queue stands still only since the add.
	 */
	if (fetched != watched->fetched || ring_moved(q, &watched->ring, r) ||
	    (added && !before.pending)) {
		set_moved(watched, now);
		watched->used = -1;
	}
	watched->polled = now;
	watched->added += ring_ahead(q, r, watched->ring.next_avail, r->next_avail);
	if (!watched->polls)
		watched->added = 0;
	follow_doorbells(watched, r, before.due, doorbells);
	/*
	 * A copy of the ring's arrays is valid only for the state of the ring at which it was made.
	 */
	if (memcmp(&watched->ring, r, sizeof(*r)))
		stall_watched_forget(watched);
	watched->polls++;
	watched->ring = *r;
	watched->fetched = fetched;
	return watched;
}

static int seen(bool was_seen, uint64_t before, uint64_t now)
{
	return was_seen ? now != before : -1;
}

void stall_watched_doorbells(const struct stall_watched *q, struct stall_facts *facts)
{
	/* If no doorbell of this queue was ever counted, a missing doorbell proves nothing. */
	bool counted = q->rung;

	facts->rung_since_add = seen(counted && q->add_was_seen, q->bells_at_add, q->doorbells);
	/* Doorbells between the same two polls as the last add may belong to earlier adds. */
	if (facts->rung_since_add > 0 && q->doorbells == q->bells_after_add)
		facts->rung_since_add = -1;
	facts->rung_since_due = seen(counted && q->due_was_seen, q->bells_at_due, q->doorbells);
}

void stall_watched_used(struct stall_watched *q)
{
	if (q->used >= 0 && q->used != q->stall.used) {
		set_moved(q, q->polled);
		q->polls = 1;
	}
	q->used = q->stall.used;
}

/* Where a ring names a buffer as available and as used: 1 + the place; 0: nowhere. */
struct places {
	uint32_t added, used;
};

/*
 * Finds the newest places at which the available and the used ring name each id. Each of the two
 * rings holds one lap.
 */
static void find_split_places(const struct vt_ring *r, const struct vt_ring_entry *entries,
			      struct places *places)
{
	for (uint32_t back = r->num; back > 0; back--) {
		uint16_t added = r->next_avail - back, used = r->split.used_idx - back;
		uint32_t id = entries[added % r->num].avail;

		if (id < r->num)
			places[id].added = 1 + added;
		id = entries[used % r->num].used.id;
		if (id < r->num)
			places[id].used = 1 + used;
	}
}

/*
 * The same for a packed ring. Available descriptors count only from the place where the driver
 * fetches. The descriptors before that place are the rest of old buffers of several descriptors.
 */
static void find_packed_places(const struct vt_ring *r, const struct vt_ring_entry *entries,
			       uint32_t in_flight, struct places *places)
{
	uint16_t at = r->next_avail ^ VT_WRAP; /* one lap before */

	for (uint32_t back = r->num; back > 0; back--, at = packed_advance(r, at, 1)) {
		const struct vt_ring_entry *e = &entries[at & ~VT_WRAP];
		uint16_t id = e->desc.flags_or_id;

		if (id >= r->num)
			continue;
		if (packed_is_used(e->desc.next_or_flags, at))
			places[id].used = 1 + at;
		else if (back <= in_flight && packed_is_available(e->desc.next_or_flags, at))
			places[id].added = 1 + at;
	}
}

/*
 * Clears the marks of used buffers that the driver has not fetched: they are not with the device
 * any more.
 */
static void unmark_used(const struct queue *q, const struct vt_ring *r,
			const struct vt_ring_entry *entries, uint32_t in_flight, bool *is_pending)
{
	uint16_t at = r->last_used;

	if (layout_is_packed(q->layout)) {
		for (uint32_t n = 0; n < in_flight && n < r->num; n++) {
			const struct vt_ring_entry *e = &entries[at & ~VT_WRAP];

			if (packed_is_used(e->desc.next_or_flags, at) &&
			    e->desc.flags_or_id < r->num)
				is_pending[e->desc.flags_or_id] = false;
			at = packed_advance(r, at, 1);
		}
		return;
	}
	for (uint32_t n = 0; at != r->split.used_idx && n < r->num; at++, n++)
		if (entries[at % r->num].used.id < r->num)
			is_pending[entries[at % r->num].used.id] = false;
}

/*
 * Returns true if the ring names the buffer at no newer place. 0 is no newer place: places are
 * overwritten within a lap.
 */
static bool is_same_place(uint32_t before, uint32_t now)
{
	return !now || now == before;
}

int stall_watched_buffers(struct stall_watched *watched, const struct queue *q,
			  const struct vt_ring_entry *entries, uint64_t after)
{
	const struct vt_ring *r = &watched->ring;
	uint32_t in_flight = ring_ahead(q, r, r->last_used, r->next_avail);
	struct places *places;
	bool *is_pending;
	int err = -ENOMEM;

	if (!r->num || (layout_is_packed(q->layout) && ((r->next_avail & ~VT_WRAP) >= r->num ||
							(r->last_used & ~VT_WRAP) >= r->num))) {
		stall_watched_no_buffers(watched);
		return 0;
	}
	places = calloc(r->num, sizeof(*places));
	is_pending = calloc(r->num, sizeof(*is_pending));
	if (!watched->buffers || watched->nr_buffers != r->num) {
		free(watched->buffers);
		watched->buffers = calloc(r->num, sizeof(*watched->buffers));
		watched->nr_buffers = watched->buffers ? r->num : 0;
	}
	if (!places || !is_pending || !watched->buffers)
		goto out;
	if (layout_is_packed(q->layout))
		find_packed_places(r, entries, in_flight, places);
	else
		find_split_places(r, entries, places);
	for (uint32_t id = 0; id < r->num; id++)
		is_pending[id] = entries[id].token;
	unmark_used(q, r, entries, in_flight, is_pending);

	watched->nr_stuck = 0;
	watched->oldest = r->num;
	for (uint32_t id = 0; id < r->num; id++) {
		struct stall_buffer *b = &watched->buffers[id];
		bool same = is_pending[id] && b->token == entries[id].token &&
			    is_same_place(b->added_at, places[id].added) &&
			    is_same_place(b->used_at, places[id].used);

		if (!is_pending[id]) {
			b->token = 0;
			continue;
		}
		if (!same) {
			b->token = entries[id].token;
			b->since = watched->polled;
			b->polls = 0;
			b->since_is_exact = watched->buffers_were_seen;
		}
		b->added_at = places[id].added;
		b->used_at = places[id].used;
		b->polls++;
		if (watched->oldest == r->num || b->since < watched->buffers[watched->oldest].since)
			watched->oldest = id;
		watched->nr_stuck += b->polls >= STALL_POLLS && watched->polled - b->since >= after;
	}
	watched->buffers_were_seen = true;
	err = 0;
out:
	free(places);
	free(is_pending);
	return err;
}

void stall_watched_no_buffers(struct stall_watched *watched)
{
	free(watched->buffers);
	watched->buffers = NULL;
	watched->nr_buffers = watched->nr_stuck = watched->oldest = 0;
	watched->buffers_were_seen = true;
}

const struct stall_buffer *stall_watched_oldest(const struct stall_watched *watched)
{
	return watched->oldest < watched->nr_buffers ? &watched->buffers[watched->oldest] : NULL;
}

uint64_t stall_watched_since(const struct stall_watched *watched, bool *exact)
{
	const struct stall_buffer *oldest = stall_watched_oldest(watched);

	if (watched->stall.verdict == STALL_BUFFER && oldest) {
		*exact = oldest->since_is_exact;
		return oldest->since;
	}
	*exact = watched->since_is_exact;
	return watched->since;
}

void stall_watched_forget(struct stall_watched *q)
{
	free(q->entries);
	q->entries = NULL;
}

bool stall_watch_stands(const struct stall_watch *w, const struct stall_watched *q)
{
	return q->polls >= STALL_POLLS && q->polled - q->since >= w->after;
}

static void free_watched(struct stall_watched *q)
{
	stall_watched_forget(q);
	stall_watched_no_buffers(q);
}

void stall_watch_drop(struct stall_watch *w, uint64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->nr_queues; i++)
		if (w->queues[i].polled == now)
			w->queues[kept++] = w->queues[i];
		else
			free_watched(&w->queues[i]);
	w->nr_queues = kept;
}

void stall_watch_free(struct stall_watch *w)
{
	for (size_t i = 0; i < w->nr_queues; i++)
		free_watched(&w->queues[i]);
	free(w->queues);
	w->queues = NULL;
	w->nr_queues = w->next = 0;
}
