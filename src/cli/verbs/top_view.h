/* SPDX-License-Identifier: GPL-2.0 */
/* The live view: what is on the screen, how it is drawn, and what the keys do. */
#ifndef TOP_VIEW_H
#define TOP_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/utsname.h>
#include "model/snapshot.h"
#include "model/stall_watch.h"
#include "output/table.h"

/* The view: what is shown, and how; the snapshots come from outside. */
struct view {
	enum page page;
	bool open; /* one queue instead of the page */
	bool help;
	bool paused;
	bool utf8;
	bool chosen;	       /* the user has chosen a row; until then it is the first */
	unsigned int serial;   /* of the selected queue */
	enum vt_layout layout; /* selected, on the page of layouts */
	int selected_op;       /* of the open queue; below VT_NR_TIMED */
	int op;		       /* whose times the page of queues shows; -1: all */
	int sort[NR_PAGES];
	bool reverse;
	bool all;	 /* idle queues have rows, too */
	size_t idle;	 /* queues without a row */
	uint64_t *moved; /* by serial: when the queue last moved, CLOCK_MONOTONIC in ns; 0: never.
			    Owned */
	size_t nr_moved;
	int first; /* the first row on the screen */
	struct stall_watch stalls;
	double interval; /* s */
	uint32_t ops;	 /* that are attached, a bit for each enum vt_op */
	struct utsname system;
};

/* --- The selection: top_view.c --- */

void select_row(struct view *v, const struct table_row *r);

/** The index of the selected row; -1: it is not in the table. */
int selected_row(const struct view *v, const struct table *t);

/** The queue that is selected; NULL: it is gone. */
const struct queue *selected_queue(const struct view *v, const struct snapshot *diff);

/** How long an idle queue keeps its row: ns. */
#define KEEPS_ROW 10000000000ULL

/**
 * Removes the rows of queues that have been idle for longer than KEEPS_ROW, and of those that were
 * never seen to move. Without this time, the row of a queue that moves once a second would come and
 * go. If @v->all is set, no row is removed. Sets @v->idle to the number of removed rows.
 * @now: time of the snapshot of the table, CLOCK_MONOTONIC in ns
 * Returns 0 or -ENOMEM. Prints nothing.
 */
int fold_idle(struct view *v, struct table *t, uint64_t now);

/* --- top_draw.c --- */

/**
 * Draws the screen.
 * @t: of the page of the view, made of @diff and sorted
 */
void draw(struct view *v, const struct snapshot *diff, const struct table *t);

/* --- top_keys.c --- */

/** Carries out a key of ncurses. Returns false if the user wants to quit. */
bool on_key(struct view *v, int key, const struct snapshot *diff, const struct table *t);

#endif
