// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include "device.h"
#include "error.h"
#include "stall_live.h"

/* What is asked of a device, once in a poll at most. */
struct asked {
	int device;
	struct stall_facts facts;
};

/* Operations by which a queue moves, as far as they are counted. */
static uint64_t moves(const struct queue *q)
{
	static const enum vt_op ops[] = { VT_OP_ADD, VT_OP_GET, VT_OP_NOTIFY };
	uint64_t n = 0;

	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (q->op[ops[i]])
			n += q->op[ops[i]]->count - (ops[i] == VT_OP_GET ? q->op[ops[i]]->no : 0);
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

	w->entries = calloc(w->ring.num, sizeof(*w->entries));
	if (!w->entries)
		return complain(NULL, "no memory for a ring");
	if (w->ring.num == q->num && !probe_ring_entries(p, q, w->entries)) {
		if (probe_rings(p))
			return -1;
		after = probe_ring(p, q);
		if (after && !memcmp(after, &w->ring, sizeof(*after)))
			return 0;
	}
	free(w->entries);
	w->entries = NULL;
	return 0;
}

/* Only now does it ask the device, and copy the ring. */
static int judge_standing(struct probe *p, const struct queue *q, struct stall_watched *w,
			  struct asked *asked)
{
	bool packed = layout_is_packed(q->layout);

	if (asked->device != q->device)
		*asked = (struct asked){
			.device = q->device,
			.facts = {
				.status = device_status(q->device),
				.interface_up = device_interface_up(q->device),
			},
		};
	if (packed && !w->entries && copy_entries(p, q, w))
		return -1;
	if (packed && !w->entries)
		return 0;
	stall_judge(q, &w->ring, w->entries, &asked->facts, &w->stall);
	w->stalled = w->stall.verdict > STALL_WAITING;
	return 0;
}

int stall_poll(struct stall_watch *w, struct probe *p, const struct snapshot *seen)
{
	const struct stall_facts unknown = { -1, -1 };
	struct asked asked = { -1, unknown };

	if (probe_rings(p))
		return -1;
	for (size_t i = 0; i < seen->nr_queues; i++) {
		const struct queue *q = &seen->queues[i];
		const struct vt_ring *r = probe_ring(p, q);
		struct stall_watched *at;
		struct stall first;

		if (!r)
			continue;
		at = stall_watch_feed(w, r, moves(q), queue_doorbells(q), seen->time);
		if (!at)
			return complain(NULL, "no memory for %zu queues", seen->nr_queues);
		stall_judge(q, &at->ring, NULL, &unknown, &first);
		if (first.verdict == STALL_NOT_HEARD)
			count_interrupts(q, at);
		if (first.verdict != STALL_IDLE && stall_watch_stands(w, at)) {
			if (judge_standing(p, q, at, &asked))
				return -1;
			continue;
		}
		if (first.verdict > STALL_WAITING) {
			first.verdict = STALL_MOVING;
			first.why = WHY_NOTHING;
		}
		at->stall = first;
	}
	return 0;
}
