/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One operation of one queue in one recording: a series of intervals, and its figures with their
 * ranges. No function prints; those that can fail return -ENOMEM.
 */
#ifndef SERIES_H
#define SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model/snapshot.h"

enum figure {
	FIGURE_RATE = 0, /* per second */
	FIGURE_MEAN = 1, /* ns, as are the quantiles */
	FIGURE_P50 = 2,
	FIGURE_P90 = 3,
	FIGURE_P99 = 4,
	FIGURE_P999 = 5,
	NR_FIGURES = 6,
};

/* The intervals in which the operation was seen. */
struct series {
	struct part {
		size_t interval;
		uint64_t count, timed, sum;
		uint64_t binned;   /* in the buckets; in a live snapshot a few less than timed */
		size_t first, end; /* of its cells */
	} * parts;		   /* owned, as are the cells */
	struct cell {
		uint64_t bucket : 16;
		uint64_t count : 48;
	} * cells; /* the buckets that are not empty */
	size_t nr_parts, nr_cells, room_parts, room_cells;
};

/* How long the intervals of a recording were, ns. */
struct intervals {
	uint64_t *ns; /* owned */
	size_t nr, room;
};

/** Adds an interval, which comes after those before. Returns 0 or -ENOMEM. */
int series_add(struct series *s, size_t interval, const struct op_stats *o);

/** Frees what a series owns. */
void series_free(struct series *s);

/** Adds all of a series to a histogram. */
void series_sum(const struct series *s, struct histogram *to);

/** Finds out for which figures there is enough data. @enough: NR_FIGURES elements, overwritten */
void series_enough(const struct series *s, bool *enough);

/* A figure and its range, as logarithms, because changes are relative. */
struct estimate {
	double log, low, high; /* low and high are infinite where the data do not bound them */
	double deviation;      /* standard deviation of log */
	double share; /* quantiles: standard deviation of the share of operations below it */
};

/**
 * Estimates the figures of a series.
 * @n: all intervals of the recording; those that the series does not have count as empty
 * @p: chance that the true figure is outside of low..high
 * @to: NR_FIGURES elements; figures without enough data are not set
 * Returns 0 or -ENOMEM.
 */
int series_estimate(const struct series *s, const struct intervals *n, double p,
		    struct estimate *to);

/**
 * Where a quantile is in a histogram if the share of operations below it is off by @share, >= 0, at
 * most. Only @log, @low and @high of @to are set: to values that are in the histogram.
 */
void series_quantile(const struct histogram *hist, enum figure f, double share,
		     struct estimate *to);

/** The share of a series, 0..1, that is below the quantile of a histogram which contains it. */
double series_below(const struct series *s, const struct histogram *hist, enum figure f);

#endif
