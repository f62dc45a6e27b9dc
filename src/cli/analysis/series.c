// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "analysis/series.h"
#include "analysis/statistics.h"

/* A figure needs data of at least this many intervals and operations. */
#define LEAST_PARTS 8
#define LEAST_COUNT 20
/* A quantile needs at least this many operations that took longer. */
#define LEAST_ABOVE 10

/* The smallest relative deviation of a figure. It is not 0, because clocks drift, too. */
#define LEAST_DEVIATION 0.001

/* The most operations of one kind in an interval; with more, sums could overflow. */
#define MOST_COUNT (1ull << 40)

static const double quantiles[NR_FIGURES] = {
	[FIGURE_P50] = 0.5,
	[FIGURE_P90] = 0.9,
	[FIGURE_P99] = 0.99,
	[FIGURE_P999] = 0.999,
};

/* The sum of all intervals of a series. */
struct total {
	double ns, count, timed, sum, binned;
	struct histogram histogram;
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
	for (unsigned int b = o->histogram.begin; b < o->histogram.end; b++) {
		uint64_t count =
			o->histogram.bucket[b] < MOST_COUNT ? o->histogram.bucket[b] : MOST_COUNT;

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
	series_sum(s, &t->histogram);
}

/*
 * Returns a quantile as a logarithm. The values in a bucket are assumed to be spread evenly.
 * (Tables show the middle of the bucket. With small changes the middle would not move, and then
 * jump by 6 %.)
 * @bucket: becomes the bucket of the quantile; may be NULL
 * @share: becomes the share of the values of this bucket that are below the quantile; may be NULL
 */
static double quantile(const struct total *t, double q, unsigned int *bucket, double *share)
{
	double rank = q * t->binned, seen = 0, low, part;
	unsigned int b = 0;

	if (q <= 0 || q >= 1)
		return q <= 0 ? -INFINITY : INFINITY;
	while (b < VT_NR_BUCKETS - 1 && seen + t->histogram.bucket[b] < rank)
		seen += t->histogram.bucket[b++];
	part = t->histogram.bucket[b] ? (rank - seen) / t->histogram.bucket[b] : 0;
	if (bucket)
		*bucket = b;
	if (share)
		*share = part;
	low = histogram_lower(b);
	if (b == VT_NR_BUCKETS - 1)
		part = 0; /* the last bucket has no end */
	/* 0 ns has no logarithm, so 0.5 ns stands for 0 ns. */
	return log(fmax(low + part * (histogram_lower(b + 1) - low), 0.5));
}

/*
 * Returns how many values of an interval are below a point. @share of the values in bucket @b are
 * below this point.
 */
static double part_below(const struct series *s, const struct part *p, unsigned int b, double share)
{
	double below = 0;

	for (size_t c = p->first; c < p->end && s->cells[c].bucket <= b; c++)
		below += s->cells[c].count * (s->cells[c].bucket < b ? 1 : share);
	return below;
}

/*
 * Computes the influence of each interval on a figure: how much more the interval adds to the
 * figure than if all intervals were alike.
 * @x: becomes the influences. For a rate or a mean they are shares of the figure. For a quantile
 * they are shares of the operations below the quantile.
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
 * Returns the variance of the sum of a series by a circular block bootstrap, which draws n / length
 * blocks (Politis, Romano 1992). For a sum, nothing needs to be drawn, because the blocks are
 * independent and each of the n blocks has the same chance. The last factor, k / (k - 1) for k
 * blocks, corrects for the mean of the series, which is an estimate, too.
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
 * Chooses the length of blocks. All figures of an operation have the same length, because they
 * follow the same ups and downs of the load. The length is the longest of the lengths that the
 * figures need: too long blocks make ranges wider, but too short blocks make ranges wrong. The
 * length is at least the cube root of n, as weak dependence of any kind requires (Hall, Horowitz,
 * Jing 1995).
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
 * Computes the range of a figure.
 *
 * Rate, mean: Student's t of the logarithm.
 *
 * Quantile: the share of operations below the quantile has a range, q - r to q + r. The range of
 * the quantile goes from the quantile at q - r to the quantile at q + r (Woodruff 1952). A
 * bootstrap of the quantile itself would not see that one more burst can make a p99 several times
 * larger. The share shows that.
 *
 * The share is known to one operation at best, even if all intervals are alike. Example: after each
 * `get` that finds a buffer comes one that finds none. In every interval exactly half of the calls
 * are short. The median is then anywhere between the longest short call and the shortest long call.
 *
 * @deviation: standard deviation of the logarithm of the figure, or of the share below the quantile
 * @reach: length of the range to each side, in deviations
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

static void total_of(const struct histogram *histogram, struct total *t)
{
	*t = (struct total){ .histogram = *histogram, .binned = histogram_count(histogram) };
}

void series_quantile(const struct histogram *histogram, enum figure f, double share,
		     struct estimate *to)
{
	double q = quantiles[f];
	struct total t;

	total_of(histogram, &t);
	to->log = quantile(&t, q, NULL, NULL);
	to->low = quantile(&t, fmax(q - share, 1e-9), NULL, NULL);
	to->high = quantile(&t, fmin(q + share, 1 - 1e-9), NULL, NULL);
}

double series_below(const struct series *s, const struct histogram *histogram, enum figure f)
{
	double below = 0, binned = 0, share;
	struct total t;
	unsigned int b;

	total_of(histogram, &t);
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
