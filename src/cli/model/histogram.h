/* SPDX-License-Identifier: GPL-2.0 */
/* Log-linear histograms: buckets, quantiles, sums and differences. Pure. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>
#include "vringtop.h"

/*
 * Counts per bucket; see VT_NR_BUCKETS in vringtop.h for their bounds. Most histograms use few of
 * them: outside of begin..end - 1 all are 0, and need no memory where it says so. An empty one
 * is all zero.
 */
struct histogram {
	unsigned int begin, end;
	unsigned int room; /* so many buckets have memory; 0: all */
	uint64_t bucket[VT_NR_BUCKETS];
};

/** The bucket of a value. @ns: any. Returns 0..VT_NR_BUCKETS - 1. */
unsigned int histogram_bucket(uint64_t ns);

/** The least value of a bucket, ns. @b: 0..VT_NR_BUCKETS; the last gives the end of all. */
uint64_t histogram_lower(unsigned int b);

/** Counts @n values more in a bucket. @b: 0..VT_NR_BUCKETS - 1; there must be room */
void histogram_put(struct histogram *h, unsigned int b, uint64_t n);

/** Makes @to, which may have counts already, the same as @from, for which it must have room. */
void histogram_copy(struct histogram *to, const struct histogram *from);

/** How many values are in a histogram. */
uint64_t histogram_count(const struct histogram *h);

/**
 * A quantile, within 3.2 % of the exact one for values below 16 s.
 * @h: the histogram
 * @q: 0..1; the value of rank ceil(q * count) is meant, at least the first
 * @max: the largest value counted, if known (else UINT64_MAX); the answer is never above it
 * Returns ns; 0 for an empty histogram.
 */
uint64_t histogram_quantile(const struct histogram *h, double q, uint64_t max);

/** Adds the counts of @from to @to. */
void histogram_add(struct histogram *to, const struct histogram *from);

/** Takes the counts of @from, an earlier state of @to, away from it. */
void histogram_sub(struct histogram *to, const struct histogram *from);

#endif
