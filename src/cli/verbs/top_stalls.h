/* SPDX-License-Identifier: GPL-2.0 */
/* What the live view shows of stalled queues. */
#ifndef TOP_STALLS_H
#define TOP_STALLS_H

#include "model/snapshot.h"
#include "model/stall_watch.h"

/** What is with a queue that is stalled; NULL: it is not. */
const struct stall_watched *stalled(const struct stall_watch *stalls, const struct queue *q);

/** Draws a line that says it. @others: so many more are stalled */
void draw_stall(int y, const struct queue *q, const struct stall_watched *w, int others);

/** Draws the evidence from line @y on. Returns how many lines it took. */
int draw_stall_evidence(int y, const struct queue *q, const struct stall_watched *w);

/**
 * Draws that line at the bottom, for the selected queue, or else for the first that is stalled.
 * @serial: of the selected queue
 * Returns how many lines it took.
 */
int draw_stalls(const struct stall_watch *stalls, const struct snapshot *diff, unsigned int serial);

#endif
