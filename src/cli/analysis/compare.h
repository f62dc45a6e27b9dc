/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compares two sides, each with one or more recordings. Queues are matched by their names. For each
 * figure of each operation the comparison says by how much the figure changed, and how certain the
 * change is. No function here prints; functions that can fail return -ENOMEM.
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
	VERDICT_TOO_LITTLE = 0, /* too little data */
	VERDICT_SAME = 1,	/* no difference seen; there may be a small one */
	VERDICT_LESS = 2,
	VERDICT_MORE = 3,
};

/* How one figure changed. All 0 if there is too little data. */
struct change {
	double value[NR_SIDES]; /* ns, or per second; geometric mean of the recordings of a side */
	double change;		/* relative: 0.1 is 10 % more */
	/*
	 * The true change is in this range. All ranges of a comparison are right together with the
	 * chance that compare_run() was given. An infinite end is open.
	 */
	double low, high;
	enum verdict verdict;
};

struct compared_op {
	uint64_t count[NR_SIDES]; /* 0: that side does not have the operation */
	struct change change[NR_FIGURES];
	struct series *series; /* owned; one for each recording */
};

struct compared_queue {
	bool on[NR_SIDES];
	struct queue queue[NR_SIDES]; /* its last state on each side, without operations */
	unsigned int nth; /* number among queues with the same names, sorted by device */
	struct compared_op *op[VT_NR_TIMED]; /* owned; NULL: on neither side */
};

struct comparison {
	struct compared_queue *queues; /* owned; in the order in which the recordings had them */
	size_t nr_queues;
	struct compared_run {
		enum side side;
		struct intervals intervals;
		uint64_t clock_step; /* ns; 0: its clock has no steps */
	} * runs;		     /* owned: the recordings */
	size_t nr_runs;
	size_t nr_side[NR_SIDES];
	size_t tested;		       /* number of figures that were tested */
	uint64_t clock_step[NR_SIDES]; /* ns: the longest of the recordings; 0: none has steps */
};

/**
 * Begins the next recording.
 * @c: all zero before the first one; freed with compare_free() also after an error
 * Returns 0, or -ENOMEM without a new recording.
 */
int compare_begin(struct comparison *c, enum side side);

/**
 * Adds an interval of the recording that was begun last.
 * @diff: an interval from recording_next(); it is copied
 * Returns 0 or -ENOMEM.
 */
int compare_add(struct comparison *c, const struct snapshot *diff);

/**
 * Compares the recordings that were added.
 * @threshold: smallest relative change that counts: 0.02 is 2 %
 * @level: chance that a comparison of two equal sides reports any change, 0..1
 * @progress: called with the share of the work that is done, 0..1; may be NULL
 * Returns 0 or -ENOMEM.
 */
int compare_run(struct comparison *c, double threshold, double level,
		void (*progress)(double done));

/** Frees what a comparison owns and empties it. */
void compare_free(struct comparison *c);

/** Returns the name of a figure: "rate", "mean", "p50", ... */
const char *figure_name(enum figure f);

/** Returns the enum figure with a name, or -1. */
int figure_by_name(const char *name);

/**
 * Returns a verdict in words: "slower", "fewer", "no difference seen", ...
 * @q: the queue, of either side
 */
const char *verdict_name(enum verdict v, const struct queue *q, enum vt_op op, enum figure f);

/**
 * Returns true if the buffers of this queue wait for input, such as packets. Then the time from
 * available to used does not tell how fast the device is. Always false for operations other than
 * VT_AVAIL_TO_USED.
 */
bool op_waits(const struct queue *q, enum vt_op op);

/** Sums the histograms of all recordings of a side. @to: overwritten */
void compare_histogram(const struct comparison *c, const struct compared_op *o, enum side side,
		       struct histogram *to);

#endif
