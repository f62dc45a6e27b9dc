/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compares two sides of recordings: queues are matched, and for each figure of each operation it
 * says by how much it changed and how sure that is. Pure: no input, no output.
 */
#ifndef COMPARE_H
#define COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "analysis/series.h"
#include "model/snapshot.h"

enum side {
	SIDE_BASE = 0,
	SIDE_NEW = 1,
	NR_SIDES = 2,
};

enum verdict {
	VERDICT_TOO_LITTLE = 0, /* data */
	VERDICT_SAME = 1,	/* no difference seen: there may be one that is small */
	VERDICT_LESS = 2,
	VERDICT_MORE = 3,
};

/* How one figure changed. What there is too little data for is all 0. */
struct change {
	double value[NR_SIDES]; /* ns, or per second; of several recordings the geometric mean */
	double change;		/* relative: 0.1 is 10 % more */
	double low, high; /* where the change lies, as all others of the comparison do; infinite:
			     open */
	enum verdict verdict;
};

struct compared_op {
	uint64_t count[NR_SIDES]; /* 0: not seen there */
	struct change change[NR_FIGURES];
	struct series *series; /* owned; one for each recording */
};

struct compared_queue {
	bool on[NR_SIDES];
	struct queue
		queue[NR_SIDES]; /* as it was last, without operations; where it is on a side */
	unsigned int nth;	 /* of the same names, by device */
	struct compared_op *op[VT_NR_TIMED]; /* owned; NULL: on neither side */
};

struct comparison {
	struct compared_queue *queues; /* owned; in the order in which they came */
	size_t nr_queues;
	struct compared_run {
		enum side side;
		struct intervals intervals;
	} * runs; /* owned: the recordings */
	size_t nr_runs;
	size_t nr_side[NR_SIDES];
	size_t tested; /* so many figures */
};

/**
 * Begins the next recording of a side; at first @c is all zero.
 * Returns 0 or -ENOMEM.
 */
int compare_begin(struct comparison *c, enum side side);

/**
 * Adds an interval of the recording that was begun last.
 * @diff: as recording_next() gives it; it is copied
 * Returns 0 or -ENOMEM.
 */
int compare_add(struct comparison *c, const struct snapshot *diff);

/**
 * Compares what was added.
 * @threshold: changes that may be smaller than this, relative, are none
 * @level: how often at most a comparison of the same may claim any change, 0..1
 * @progress: told the share that is done, 0..1; may be NULL
 * Returns 0 or -ENOMEM.
 */
int compare_run(struct comparison *c, double threshold, double level,
		void (*progress)(double done));

/** Frees what a comparison owns and empties it. */
void compare_free(struct comparison *c);

/** "rate", "mean", "p50", ... */
const char *figure_name(enum figure f);

/** A figure of a name; a negative number if there is none. */
int figure_by_name(const char *name);

/**
 * A verdict in words: "slower", "fewer", "no difference seen", ...
 * @q: the queue, on either side
 */
const char *verdict_name(enum verdict v, const struct queue *q, enum vt_op op, enum figure f);

/** Whether the device waits for something to arrive with these buffers, so that a long time is no
 * fault. */
bool op_waits(const struct queue *q, enum vt_op op);

/** The histogram of all recordings of a side; @to is overwritten. */
void compare_histogram(const struct comparison *c, const struct compared_op *o, enum side side,
		       struct histogram *to);

#endif
