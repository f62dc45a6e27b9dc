// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "analysis/series.h"
#include "analysis/statistics.h"

/*
 * A figure takes so many intervals in which the operation was seen, and so many operations; a
 * quantile so many above it.
 */
#define LEAST_PARTS 8
#define LEAST_COUNT 20
#define LEAST_ABOVE 10

/* Nothing is known better than this, relative to itself: clocks drift, too. */
#define LEAST_DEVIATION 0.001

/* More than 2^40 operations of one kind do not happen in an interval: so no sum overflows. */
#define MOST_COUNT (1ull << 40)

static const double quantiles[NR_FIGURES] = {
	[FIGURE_P50] = 0.5,
	[FIGURE_P90] = 0.9,
	[FIGURE_P99] = 0.99,
	[FIGURE_P999] = 0.999,
};

/* All of a series. */
struct total {
	double ns, count, timed, sum, binned;
	struct histogram hist;
};

int series_add(struct series *s, size_t interval, const struct op_stats *o)
{
	struct part *p;

	if (s->nr_parts == s->room_parts) {
		size_t room = s->room_parts ? 2 * s->room_parts : 32;

		p = realloc(s->parts, room * sizeof(*p));
		if (!p)
			return -ENOMEM;
		s->parts = p;
		s->room_parts = room;
	}
	if (s->nr_cells + VT_NR_BUCKETS > s->room_cells) {
		size_t room = 2 * s->room_cells + VT_NR_BUCKETS;
		struct cell *cells = realloc(s->cells, room * sizeof(*cells));

		if (!cells)
			return -ENOMEM;
		s->cells = cells;
		s->room_cells = room;
	}
	p = &s->parts[s->nr_parts++];
	*p = (struct part){ .interval = interval,
			    .count = o->count,
			    .timed = o->timed,
			    .sum = o->sum,
			    .first = s->nr_cells };
	for (unsigned int b = o->hist.begin; b < o->hist.end; b++) {
		uint64_t count = o->hist.bucket[b] < MOST_COUNT ? o->hist.bucket[b] : MOST_COUNT;

		if (!count)
			continue;
		s->cells[s->nr_cells++] = (struct cell){ b, count };
		p->binned += count;
	}
	p->end = s->nr_cells;
	return 0;
}

void series_free(struct series *s)
{
	free(s->parts);
	free(s->cells);
	memset(s, 0, sizeof(*s));
}

void series_sum(const struct series *s, struct histogram *to)
{
	for (size_t i = 0; i < s->nr_cells; i++)
		histogram_put(to, s->cells[i].bucket, s->cells[i].count);
}

void series_enough(const struct series *s, bool *enough)
{
	double count = 0, timed = 0, binned = 0;

	for (size_t i = 0; i < s->nr_parts; i++) {
		count += s->parts[i].count;
		timed += s->parts[i].timed;
		binned += s->parts[i].binned;
	}
	enough[FIGURE_RATE] = s->nr_parts >= LEAST_PARTS && count >= LEAST_COUNT;
	enough[FIGURE_MEAN] = enough[FIGURE_RATE] && timed >= LEAST_COUNT;
	for (int f = FIGURE_P50; f < NR_FIGURES; f++)
		enough[f] =
			enough[FIGURE_MEAN] && binned * (1 - quantiles[f]) >= LEAST_ABOVE - 1e-6;
}

/* --- Figures --- */

static void add_up(const struct series *s, const struct intervals *n, struct total *t)
{
	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < n->nr; i++)
		t->ns += n->ns[i];
	for (size_t i = 0; i < s->nr_parts; i++) {
		t->count += s->parts[i].count;
		t->timed += s->parts[i].timed;
		t->sum += s->parts[i].sum;
		t->binned += s->parts[i].binned;
	}
	series_sum(s, &t->hist);
}

/*
 * A quantile's logarithm. Within its bucket it lies as far as its rank does among the bucket's
 * values: the middle of the bucket, which is shown elsewhere, would stand still, then jump by 6 %.
 * @bucket, @share: which one, and how much of it is below the quantile; may be NULL
 */
static double quantile(const struct total *t, double q, unsigned int *bucket, double *share)
{
	double rank = q * t->binned, seen = 0, low, part;
	unsigned int b = 0;

	if (q <= 0 || q >= 1)
		return q <= 0 ? -INFINITY : INFINITY;
	while (b < VT_NR_BUCKETS - 1 && seen + t->hist.bucket[b] < rank)
		seen += t->hist.bucket[b++];
	part = t->hist.bucket[b] ? (rank - seen) / t->hist.bucket[b] : 0;
	if (bucket)
		*bucket = b;
	if (share)
		*share = part;
	low = histogram_lower(b);
	if (b == VT_NR_BUCKETS - 1)
		part = 0; /* it has no end */
	/* 0 ns has no logarithm: half a ns stands for less than one. */
	return log(fmax(low + part * (histogram_lower(b + 1) - low), 0.5));
}

/* How many of a part are below what is @share into bucket @b. */
static double part_below(const struct series *s, const struct part *p, unsigned int b, double share)
{
	double below = 0;

	for (size_t c = p->first; c < p->end && s->cells[c].bucket <= b; c++)
		below += s->cells[c].count * (s->cells[c].bucket < b ? 1 : share);
	return below;
}

/*
 * What each interval adds to the error of a figure (its influence): how much its part is above
 * what it would be if all intervals were alike. As a share: of operations below the quantile, or of
 * the rate or mean.
 */
static void influences(const struct series *s, const struct intervals *n, const struct total *t,
		       enum figure f, double *x)
{
	double q = quantiles[f], share = 0;
	unsigned int b = 0;

	for (size_t i = 0; i < n->nr; i++)
		x[i] = f == FIGURE_RATE ? -(n->ns[i] / t->ns) : 0;
	if (q > 0)
		quantile(t, q, &b, &share);
	for (size_t i = 0; i < s->nr_parts; i++) {
		const struct part *p = &s->parts[i];

		if (f == FIGURE_RATE) {
			x[p->interval] += p->count / t->count;
			continue;
		}
		if (f == FIGURE_MEAN) {
			x[p->interval] += p->sum / fmax(t->sum, 1) - p->timed / t->timed;
			continue;
		}
		x[p->interval] += (part_below(s, p, b, share) - q * p->binned) / t->binned;
	}
}

/*
 * The variance that a circular block bootstrap gives to the sum of a series, from which its n
 * values are drawn in n / length blocks (Politis, Romano 1992). Of a sum it needs no drawing: the
 * blocks are independent, each is one of n with the same chance. k blocks about their own mean
 * scatter (k - 1) / k of what they do about the true one.
 */
static double block_variance(const double *x, size_t n, size_t length)
{
	double blocks = (double)n / length, block = 0, squares = 0;

	for (size_t i = 0; i < length; i++)
		block += x[i];
	for (size_t i = 0; i < n; i++) {
		squares += block * block;
		block += x[(i + length) % n] - x[i];
	}
	return squares / n * blocks * blocks / (blocks - 1);
}

/*
 * One length for all figures of an operation: all depend on the same ups and downs of the load, and
 * what a short series says about its own length is rough. So the longest: too long costs a wider
 * interval, too short claims what is not so. And at least the cube root of n, the order that it
 * must have for any weak dependence (Hall, Horowitz, Jing 1995).
 */
static size_t choose_length(const double *x, size_t n, const bool *enough)
{
	double length = cbrt(n);

	for (int f = 0; f < NR_FIGURES; f++)
		if (enough[f])
			length = fmax(length, block_length(x + f * n, n));
	return ceil(length);
}

/*
 * Where a figure lies. A mean or a rate: Student's t of its logarithm. A quantile: between the
 * quantiles at those shares that the share of operations below it may truly be (Woodruff 1952). A
 * few bursts can move a p99 by a multiple, and whether they do is a matter of one burst more: a
 * bootstrap of the p99 does not see that, one of the share does. But that share is a count, and not
 * known better than to one operation, however alike the intervals are: where each `get` that finds
 * a buffer is followed by one that finds none, just half are short in every interval, and the
 * median is anything between the longest of those and the shortest of the others.
 */
static void bound(const struct total *t, enum figure f, double deviation, double reach,
		  struct estimate *to)
{
	double q = quantiles[f];

	if (f == FIGURE_RATE || f == FIGURE_MEAN) {
		deviation = fmax(deviation, LEAST_DEVIATION);
		to->log = f == FIGURE_RATE ? log(t->count * 1e9 / t->ns)
					   : log(fmax(t->sum / t->timed, 0.5));
		to->low = to->log - reach * deviation;
		to->high = to->log + reach * deviation;
		to->deviation = deviation;
		return;
	}
	deviation = hypot(deviation, 1 / t->binned);
	to->log = quantile(t, q, NULL, NULL);
	to->low = quantile(t, q - reach * deviation, NULL, NULL) - reach * LEAST_DEVIATION;
	to->high = quantile(t, q + reach * deviation, NULL, NULL) + reach * LEAST_DEVIATION;
	to->deviation = fmax((quantile(t, fmin(q + deviation, 1 - 1e-9), NULL, NULL) -
			      quantile(t, fmax(q - deviation, 1e-9), NULL, NULL)) /
				     2,
			     LEAST_DEVIATION);
	to->share = deviation;
}

static void total_of(const struct histogram *hist, struct total *t)
{
	*t = (struct total){ .hist = *hist, .binned = histogram_count(hist) };
}

void series_quantile(const struct histogram *hist, enum figure f, double share, struct estimate *to)
{
	double q = quantiles[f];
	struct total t;

	total_of(hist, &t);
	to->log = quantile(&t, q, NULL, NULL);
	to->low = quantile(&t, fmax(q - share, 1e-9), NULL, NULL);
	to->high = quantile(&t, fmin(q + share, 1 - 1e-9), NULL, NULL);
}

double series_below(const struct series *s, const struct histogram *hist, enum figure f)
{
	double below = 0, binned = 0, share;
	struct total t;
	unsigned int b;

	total_of(hist, &t);
	quantile(&t, quantiles[f], &b, &share);
	for (size_t i = 0; i < s->nr_parts; i++) {
		below += part_below(s, &s->parts[i], b, share);
		binned += s->parts[i].binned;
	}
	return below / binned;
}

int series_estimate(const struct series *s, const struct intervals *n, double p,
		    struct estimate *to)
{
	struct total *t = malloc(sizeof(*t));
	double *x = malloc(NR_FIGURES * n->nr * sizeof(*x)), reach;
	bool enough[NR_FIGURES];
	size_t length;
	int err = -ENOMEM;

	series_enough(s, enough);
	if (!t || !x)
		goto out;
	err = 0;
	add_up(s, n, t);
	for (int f = 0; f < NR_FIGURES; f++)
		if (enough[f])
			influences(s, n, t, f, x + f * n->nr);
	if (!enough[FIGURE_RATE])
		goto out;
	length = choose_length(x, n->nr, enough);
	reach = student_t(p, (double)n->nr / length - 1);
	for (int f = 0; f < NR_FIGURES; f++)
		if (enough[f])
			bound(t, f, sqrt(block_variance(x + f * n->nr, n->nr, length)), reach,
			      &to[f]);
out:
	free(t);
	free(x);
	return err;
}
