// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <string.h>
#include "model/histogram.h"

unsigned int histogram_bucket(uint64_t ns)
{
	const unsigned int steps = 1 << VT_STEP_BITS;
	unsigned int s, b;

	if (ns < steps)
		return ns;
	s = 63 - __builtin_clzll(ns) - VT_STEP_BITS;
	if (s > VT_NR_BUCKETS / steps)
		return VT_NR_BUCKETS - 1;
	b = (s << VT_STEP_BITS) + (ns >> s);
	return b < VT_NR_BUCKETS ? b : VT_NR_BUCKETS - 1;
}

uint64_t histogram_lower(unsigned int b)
{
	const unsigned int steps = 1 << VT_STEP_BITS;
	unsigned int s;

	if (b < 2 * steps)
		return b;
	s = b / steps - 1;
	return (uint64_t)(b % steps + steps) << s;
}

/* Extends the range h->begin..h->end - 1, so that it includes @begin..@end - 1. */
static void widen(struct histogram *h, unsigned int begin, unsigned int end)
{
	if (begin == end)
		return;
	if (h->begin == h->end) {
		h->begin = begin;
		h->end = end;
	}
	if (begin < h->begin)
		h->begin = begin;
	if (end > h->end)
		h->end = end;
}

void histogram_put(struct histogram *h, unsigned int b, uint64_t n)
{
	widen(h, b, b + 1);
	h->bucket[b] += n;
}

void histogram_copy(struct histogram *to, const struct histogram *from)
{
	memset(to->bucket + to->begin, 0, (to->end - to->begin) * sizeof(*to->bucket));
	to->begin = from->begin;
	to->end = from->end;
	memcpy(to->bucket + from->begin, from->bucket + from->begin,
	       (from->end - from->begin) * sizeof(*from->bucket));
}

uint64_t histogram_count(const struct histogram *h)
{
	uint64_t count = 0;

	for (unsigned int b = h->begin; b < h->end; b++)
		count += h->bucket[b];
	return count;
}

uint64_t histogram_quantile(const struct histogram *h, double q, uint64_t max)
{
	uint64_t count = histogram_count(h), rank, seen = 0, low, middle;
	unsigned int b;

	if (!count)
		return 0;
	rank = ceil(q * count);
	if (rank < 1)
		rank = 1;
	if (rank > count)
		rank = count;
	for (b = h->begin; b < VT_NR_BUCKETS - 1; b++) {
		seen += h->bucket[b];
		if (seen >= rank)
			break;
	}
	/* The last bucket has no upper end, so the largest value is used instead of its middle. */
	if (b == VT_NR_BUCKETS - 1 && max != UINT64_MAX)
		return max;
	low = histogram_lower(b);
	middle = low + (histogram_lower(b + 1) - low) / 2;
	return middle < max ? middle : max;
}

void histogram_add(struct histogram *to, const struct histogram *from)
{
	widen(to, from->begin, from->end);
	for (unsigned int b = from->begin; b < from->end; b++)
		to->bucket[b] += from->bucket[b];
}

void histogram_sub(struct histogram *to, const struct histogram *from)
{
	widen(to, from->begin, from->end);
	for (unsigned int b = from->begin; b < from->end; b++)
		to->bucket[b] -= from->bucket[b];
	while (to->begin < to->end && !to->bucket[to->begin])
		to->begin++;
	while (to->begin < to->end && !to->bucket[to->end - 1])
		to->end--;
}
