/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One operation of one queue in one recording: a series of intervals, its figures, and how sure
 * they are. Pure.
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
		uint64_t binned;   /* so many have a bucket: of a live snapshot not quite all */
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

/** Which figures there is enough data for. @enough: an element for each */
void series_enough(const struct series *s, bool *enough);

/* A figure, and between what it lies. Logarithms: changes are relative. */
struct estimate {
	double log, low, high; /* the ends may be infinite: the data do not say */
	double deviation;      /* half of where it lies with 68 % */
	double share; /* of a quantile: the deviation of the share of operations below it */
};

/**
 * Estimates the figures of a series.
 * @n: the recording's intervals; those that the series lacks count as empty
 * @p: how often at most the true figure is outside of low..high
 * @to: an element for each figure; those without enough data are not set
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
