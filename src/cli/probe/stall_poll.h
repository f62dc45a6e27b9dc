/* SPDX-License-Identifier: GPL-2.0 */
/* Polls the rings of this machine, and has those judged that stand still. */
#ifndef STALL_POLL_H
#define STALL_POLL_H

#include "model/stall.h"
#include "probe/probe.h"

/* What the doorbells take to be seen, and nothing else of each operation. */
#define STALL_OPS (PROBE_RINGS | 1u << VT_OP_NOTIFY | 1u << VT_OP_NOTIFICATION_DATA)

/**
 * A poll of all queues of a snapshot that was just read: then the queues of @w that stand for
 * long enough have a verdict. Those that are gone stay as they were: see stall_watch_drop().
 * @seen: all counts since the start, not a difference
 * Returns 0, or -1 after it has complained.
 */
int stall_poll(struct stall_watch *w, struct probe *p, const struct snapshot *seen);

/**
 * What is in a ring, into @w->entries: as it was at the last poll or, if it has moved since, with
 * all else of the ring as it is now. They are NULL then if it moves faster than it can be copied,
 * or is gone. Returns 0, or -1 after it has complained.
 */
int stall_look(struct probe *p, const struct queue *q, struct stall_watched *w);

#endif
