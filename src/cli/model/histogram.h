/* SPDX-License-Identifier: GPL-2.0 */
/* Log-linear histograms: buckets, quantiles, sums and differences. No function here can fail. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>
#include "vringtop.h"

/*
 * Counts per bucket; VT_NR_BUCKETS in vringtop.h explains their bounds. Buckets outside of
 * begin..end - 1 are 0. An empty histogram is all zero.
 */
struct histogram {
	unsigned int begin, end;
	unsigned int room; /* number of buckets that are allocated; 0: all */
	uint64_t bucket[VT_NR_BUCKETS];
};

/** Returns the bucket of a value, 0..VT_NR_BUCKETS - 1. @ns: any value */
unsigned int histogram_bucket(uint64_t ns);

/**
 * Returns the smallest value of a bucket, ns.
 * @b: 0..VT_NR_BUCKETS. For VT_NR_BUCKETS, returns the end of the last bucket's range.
 */
uint64_t histogram_lower(unsigned int b);

/**
 * Adds @n to the count of bucket @b. @b: below VT_NR_BUCKETS, and below h->room if room is not 0
 */
void histogram_put(struct histogram *h, unsigned int b, uint64_t n);

/**
 * Makes @to equal to @from.
 * @to: its old counts are lost; must have room for the buckets of @from
 */
void histogram_copy(struct histogram *to, const struct histogram *from);

/** Returns the number of values in a histogram. */
uint64_t histogram_count(const struct histogram *h);

/**
 * Computes a quantile, within 3.2 % of the exact one for values below 16 s.
 * @q: 0..1. The quantile is the value of rank ceil(q * count), at least rank 1.
 * @max: the largest value counted; UINT64_MAX: not known
 * Returns the middle of the bucket with that rank, ns, but at most @max; 0 for an empty histogram.
 */
uint64_t histogram_quantile(const struct histogram *h, double q, uint64_t max);

/** Adds the counts of @from to @to. @to: must have room for the buckets of @from */
void histogram_add(struct histogram *to, const struct histogram *from);

/** Subtracts the counts of @from from @to. @from: an earlier state of @to */
void histogram_sub(struct histogram *to, const struct histogram *from);

#endif
