/* SPDX-License-Identifier: GPL-2.0 */
/* Polls the rings of this machine, and judges the queues that stand still. */
#ifndef STALL_POLL_H
#define STALL_POLL_H

#include "model/stall_watch.h"
#include "probe/probe.h"

/* For probe_open(): doorbells are counted, and nothing else of each operation. */
#define STALL_OPS (PROBE_RINGS | 1u << VT_OP_NOTIFY | 1u << VT_OP_NOTIFICATION_DATA)

/**
 * Polls all queues of @seen; then each queue of @w that stands still for long enough has a verdict.
 * Queues of @w that are gone stay as they were: see stall_watch_drop().
 * @all: a snapshot that was just read, with the counts since the start
 * @seen: the queues of @all that are of interest; may be @all
 * Returns 0, or -1 after it has printed why not.
 */
int stall_poll(struct stall_watch *w, struct probe *p, const struct snapshot *all,
	       const struct snapshot *seen);

/**
 * Copies a ring's arrays into @w->entries: as they were at the last poll or, if the ring has moved
 * since, together with the ring's state as it is now. @w->entries is NULL afterwards if the ring
 * moves faster than it can be copied, or is gone.
 * Returns 0, or -1 after it has printed why not.
 */
int stall_copy_ring(struct probe *p, const struct queue *q, struct stall_watched *w);

#endif
