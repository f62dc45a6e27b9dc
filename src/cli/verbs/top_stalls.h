/* SPDX-License-Identifier: GPL-2.0 */
/* Draws the stalled queues in the live view. No function here can fail. */
#ifndef TOP_STALLS_H
#define TOP_STALLS_H

#include "model/snapshot.h"
#include "model/stall_watch.h"

/** Returns the state of a stalled queue; NULL: the queue is not stalled. */
const struct stall_watched *stalled(const struct stall_watch *stalls, const struct queue *q);

/** Draws a line about a stalled queue. @others: the number of other stalled queues */
void draw_stall(int y, const struct queue *q, const struct stall_watched *w, int others);

/** Draws the evidence of the verdict from line @y on. Returns the number of lines drawn. */
int draw_stall_evidence(int y, const struct queue *q, const struct stall_watched *w);

/**
 * Draws the line of draw_stall() at the bottom: for the selected queue if it is stalled, else for
 * the first stalled queue.
 * @serial: of the selected queue
 * Returns the number of lines drawn.
 */
int draw_stalls(const struct stall_watch *stalls, const struct snapshot *diff, unsigned int serial);

#endif
