/* SPDX-License-Identifier: GPL-2.0 */
/* Polls the rings of this machine, and judges the queues that do not move. */
#ifndef STALL_POLL_H
#define STALL_POLL_H

#include "model/stall_watch.h"
#include "probe/probe.h"

/* For probe_open(): reads the rings and counts doorbells, but no other operation. */
#define STALL_OPS (PROBE_RINGS | 1u << VT_OP_NOTIFY | 1u << VT_OP_NOTIFICATION_DATA)

/**
 * Polls all queues of @seen. After that, each queue of @w that has not moved for long enough has a
 * verdict. Queues of @w that are gone stay unchanged: see stall_watch_drop().
 * @all: a snapshot that was just read, with the counts since the start
 * @seen: the queues of @all to poll; may be @all
 * Returns 0, or -1 after it has printed why not.
 */
int stall_poll(struct stall_watch *w, struct probe *p, const struct snapshot *all,
	       const struct snapshot *seen);

/**
 * Copies the arrays of a ring into @w->entries, as they were at the last poll. If the ring has
 * moved since, copies the current arrays and the current state of the ring instead. @w->entries is
 * NULL afterwards if the ring moves faster than it can be copied, or is gone.
 * Returns 0, or -1 after it has printed why not.
 */
int stall_copy_ring(struct probe *p, const struct queue *q, struct stall_watched *w);

#endif
