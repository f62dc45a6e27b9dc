/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A series: the intervals of one operation of one queue in one recording. Computes its figures and
 * their ranges. No function prints; functions that can fail return -ENOMEM.
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

/* The intervals that have the operation. */
struct series {
	struct part {
		size_t interval;
		uint64_t count, timed, sum;
		uint64_t binned;   /* values in the buckets; live: a few less than timed */
		size_t first, end; /* range of its cells */
	} * parts;		   /* owned, as are the cells */
	struct cell {
		uint64_t bucket : 16;
		uint64_t count : 48;
	} * cells; /* the buckets that are not empty */
	size_t nr_parts, nr_cells, room_parts, room_cells;
};

/* The lengths of the intervals of a recording, ns. */
struct intervals {
	uint64_t *ns; /* owned */
	size_t nr, room;
};

/** Adds an interval. Its number @interval must be larger than all before. Returns 0 or -ENOMEM. */
int series_add(struct series *s, size_t interval, const struct op_stats *o);

/** Frees what a series owns. */
void series_free(struct series *s);

/** Adds all values of a series to a histogram. */
void series_sum(const struct series *s, struct histogram *to);

/**
 * Finds the figures that have enough data.
 * @enough: becomes true for each such figure; NR_FIGURES elements
 */
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
 * Computes the range of a quantile in a histogram if the share of operations below the quantile may
 * be wrong by @share.
 * @share: 0 or more
 * @to: only log, low and high are set, each to a value that is in the histogram
 */
void series_quantile(const struct histogram *histogram, enum figure f, double share,
		     struct estimate *to);

/**
 * Returns the share of a series, 0..1, that is below the quantile of @histogram. @histogram must
 * contain the series.
 */
double series_below(const struct series *s, const struct histogram *histogram, enum figure f);

#endif
