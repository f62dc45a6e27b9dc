// SPDX-License-Identifier: GPL-2.0
/*
 * By how much each figure changed, and how sure that is: estimates for each recording, the range of
 * the difference between the sides, and a verdict for each.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "analysis/compare.h"
#include "analysis/statistics.h"

/* From so many figures on, most of them say by how much runs differ (bound_alone()). */
#define LEAST_BULK 20
/* Runs of the same load are not known to differ by more than so many times their intervals. */
#define MOST_SPREAD 4

/* One figure of one operation that is tested. */
struct test {
	struct compared_op *op;
	enum figure figure;
	struct estimate *estimate; /* owned; one for each recording */
	double low, high;	   /* the change's logarithm lies between */
};

struct tests {
	struct test *test;
	size_t nr, room;
};

static void free_tests(struct tests *t)
{
	for (size_t i = 0; i < t->nr; i++)
		free(t->test[i].estimate);
	free(t->test);
}

static int add_test(struct tests *t, struct compared_op *o, enum figure f, size_t nr_runs)
{
	struct test *test;

	if (t->nr == t->room) {
		size_t room = t->room ? 2 * t->room : 64;

		test = realloc(t->test, room * sizeof(*test));
		if (!test)
			return -ENOMEM;
		t->test = test;
		t->room = room;
	}
	test = &t->test[t->nr];
	*test = (struct test){ .op = o, .figure = f };
	test->estimate = malloc(nr_runs * sizeof(*test->estimate));
	if (!test->estimate)
		return -ENOMEM;
	t->nr++;
	return 0;
}

/* What all recordings have enough data for, is tested. */
static int add_tests(const struct comparison *c, struct compared_op *o, struct tests *tests)
{
	bool enough[NR_FIGURES], all[NR_FIGURES];
	int err = 0;

	memset(all, true, sizeof(all));
	for (size_t r = 0; r < c->nr_runs; r++) {
		series_enough(&o->series[r], enough);
		for (int f = 0; f < NR_FIGURES; f++)
			all[f] = all[f] && enough[f];
	}
	for (int f = 0; !err && f < NR_FIGURES; f++)
		if (all[f])
			err = add_test(tests, o, f, c->nr_runs);
	return err;
}

/* Estimates the figures of the operation whose tests begin at @t. */
static int estimate(const struct comparison *c, const struct compared_op *o, struct test *t,
		    const struct test *end, double p)
{
	struct estimate e[NR_FIGURES] = {};

	for (size_t r = 0; r < c->nr_runs; r++) {
		int err = series_estimate(&o->series[r], &c->runs[r].intervals, p, e);

		if (err)
			return err;
		for (struct test *to = t; to < end; to++)
			to->estimate[r] = e[to->figure];
	}
	return 0;
}

/* The mean of a side's recordings. */
static double side_mean(const struct comparison *c, const struct test *t, enum side side)
{
	double sum = 0;

	for (size_t r = 0; r < c->nr_runs; r++)
		if (c->runs[r].side == side)
			sum += t->estimate[r].log;
	return sum / c->nr_side[side];
}

/* The change's logarithm. */
static double difference(const struct comparison *c, const struct test *t)
{
	return side_mean(c, t, SIDE_NEW) - side_mean(c, t, SIDE_BASE);
}

/*
 * Where the change lies by what the intervals of each recording say: the ends of a difference from
 * the ends of what it is of, each by itself, since those of a quantile are lopsided (Zou, Donner:
 * Construction of confidence limits about effect measures, 2008).
 */
static void bound_within(const struct comparison *c, struct test *t)
{
	double below = 0, above = 0;
	double middle = difference(c, t);

	for (size_t r = 0; r < c->nr_runs; r++) {
		const struct estimate *e = &t->estimate[r];
		bool new = c->runs[r].side == SIDE_NEW;
		double n = c->nr_side[c->runs[r].side], down = (e->log - e->low) / n;
		double up = (e->high - e->log) / n;

		below += new ? down *down : up *up;
		above += new ? up *up : down *down;
	}
	t->low = middle - sqrt(below);
	t->high = middle + sqrt(above);
}

/* A variance from a sum of squares with @df degrees of freedom, and from a prior with @more. */
static double moderate(double squares, double df, double prior, double more)
{
	return (squares + more * prior) / (df + more);
}

/*
 * What runs differ by is, of a quantile, the share of operations below it. Where these are of two
 * kinds, and about as many of the one as the quantile asks for, it is inside of the one in some
 * runs, inside of the other in others, and scatters in neither: what does is the share below the
 * quantile of all. So the quantile of a side is moved by as much, among the operations of all its
 * recordings.
 */
static void bound_shares(const struct comparison *c, struct test *test, double t, double df,
			 double excess, double more)
{
	double below[NR_SIDES] = {}, squares = 0, within = 0, variance;
	double middle = difference(c, test);
	struct estimate e[NR_SIDES];
	struct histogram all = {}, own;

	for (size_t r = 0; r < c->nr_runs; r++)
		series_sum(&test->op->series[r], &all);
	for (size_t r = 0; r < c->nr_runs; r++) {
		enum side side = c->runs[r].side;
		double share = series_below(&test->op->series[r], &all, test->figure);

		squares += share * share;
		below[side] += share / c->nr_side[side];
		within += pow(test->estimate[r].share, 2) / c->nr_runs;
	}
	for (int side = 0; side < NR_SIDES; side++)
		squares -= c->nr_side[side] * below[side] * below[side];
	variance = moderate(fmax(squares, 0), df, excess * within, more);
	for (int side = 0; side < NR_SIDES; side++) {
		compare_histogram(c, test->op, side, &own);
		series_quantile(&own, test->figure, t * sqrt(variance / c->nr_side[side]),
				&e[side]);
	}
	test->low = fmin(test->low, middle - hypot(e[SIDE_NEW].log - e[SIDE_NEW].low,
						   e[SIDE_BASE].high - e[SIDE_BASE].log));
	test->high = fmax(test->high, middle + hypot(e[SIDE_NEW].high - e[SIDE_NEW].log,
						     e[SIDE_BASE].log - e[SIDE_BASE].low));
}

/*
 * Several recordings: what runs of the same differ by is larger than what a run's intervals say,
 * and contains it, so the recordings are the samples (Kalibera, Jones: Rigorous Benchmarking in
 * Reasonable Time, 2013). Too few to draw from again and again, as blocks of intervals are: a
 * bootstrap of three makes variances too small by a third. So the variance about the side's mean,
 * and Student's t.
 *
 * From few recordings that variance is rough, and t would believe nothing but huge changes. But
 * there are many figures, and by how much their runs scatter more than their intervals let expect
 * is a trait of the machine and the load: the many estimates make one, with which each is moderated
 * (see variance_prior()).
 */
static int bound_between(const struct comparison *c, struct tests *tests, double p)
{
	double df = c->nr_runs - NR_SIDES, more, excess = 1, alike = 0;
	double share = 1.0 / c->nr_side[SIDE_BASE] + 1.0 / c->nr_side[SIDE_NEW], t;
	double *ratio = malloc(tests->nr * sizeof(*ratio)),
	       *off = malloc(c->nr_runs * sizeof(*off));
	double *product = calloc(c->nr_runs * c->nr_runs, sizeof(*product));
	int err = ratio && off && product ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < tests->nr; i++) {
		const struct test *test = &tests->test[i];
		double squares = 1e-12, within = 0;

		for (size_t r = 0; r < c->nr_runs; r++) {
			off[r] = test->estimate[r].log - side_mean(c, test, c->runs[r].side);
			squares += off[r] * off[r];
			within += pow(test->estimate[r].deviation, 2) / c->nr_runs;
		}
		for (size_t r = 0; r < c->nr_runs; r++)
			for (size_t k = 0; k < c->nr_runs; k++)
				product[r * c->nr_runs + k] +=
					off[r] * off[k] / squares / tests->nr;
		ratio[i] = squares / df / within;
	}
	if (err)
		goto out;
	/*
	 * Figures that go up and down together say it less often than there are figures: less by
	 * the mean square of their correlations, over all pairs (from few recordings that comes out
	 * too large, which is on the safe side). What a figure says of itself is not counted twice.
	 */
	for (size_t i = 0; i < c->nr_runs * c->nr_runs; i++)
		alike += product[i] * product[i];
	more = fmin(variance_prior(ratio, tests->nr, df, &excess), df / alike - df);
	more = fmax(more, 0);
	excess = fmax(excess, 1);
	t = student_t(p, df + more);
	for (size_t i = 0; i < tests->nr; i++) {
		struct test *test = &tests->test[i];
		double middle = difference(c, test);
		double within = 0, variance;

		for (size_t r = 0; r < c->nr_runs; r++)
			within += pow(test->estimate[r].deviation, 2) / c->nr_runs;
		variance = moderate(df * ratio[i], df, excess, more) * within;
		test->low = fmin(test->low, middle - t * sqrt(variance * share));
		test->high = fmax(test->high, middle + t * sqrt(variance * share));
		if (test->figure >= FIGURE_P50)
			bound_shares(c, test, t, df, excess, more);
	}
out:
	free(ratio);
	free(off);
	free(product);
	return err;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts. */
static double median(double *x, size_t n)
{
	qsort(x, n, sizeof(*x), by_value);
	return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/*
 * One recording a side: what runs of the same differ by cannot be told from what changed. But most
 * figures do not change, so if many differ by more than their intervals let expect, runs do (Efron:
 * Large-Scale Simultaneous Hypothesis Testing, the Choice of a Null Hypothesis, 2004): the ends
 * are moved out by as much as the bulk of the differences is wider than it should be. The bulk:
 * about the median, which all may have changed by, and as the median deviation says, which the few
 * that changed more do not move. Few figures have no bulk. And where it is wider than runs ever
 * are, most figures changed, each by its own amount; that must not hide itself.
 */
static int bound_alone(const struct comparison *c, struct tests *tests)
{
	const double normal = 1.4826; /* deviations to a median one, of a normal distribution */
	double *off, bulk, scale;

	if (tests->nr < LEAST_BULK)
		return 0;
	off = malloc(tests->nr * sizeof(*off));
	if (!off)
		return -ENOMEM;
	for (size_t i = 0; i < tests->nr; i++) {
		const struct test *t = &tests->test[i];

		off[i] = difference(c, t) /
			 hypot(t->estimate[0].deviation, t->estimate[1].deviation);
	}
	bulk = median(off, tests->nr);
	for (size_t i = 0; i < tests->nr; i++)
		off[i] = fabs(off[i] - bulk);
	/* By chance alone it is wider by this or less: two standard errors. */
	scale = normal * median(off, tests->nr) / (1 + 2 * 1.17 / sqrt(tests->nr));
	scale = fmin(fmax(scale, 1), MOST_SPREAD);
	free(off);
	for (size_t i = 0; i < tests->nr; i++) {
		struct test *t = &tests->test[i];
		double middle = difference(c, t);

		t->low = middle - scale * (middle - t->low);
		t->high = middle + scale * (t->high - middle);
	}
	return 0;
}

/* A verdict can be read off the interval. */
static void decide(const struct comparison *c, const struct test *t, double threshold)
{
	struct change *to = &t->op->change[t->figure];
	double base = exp(side_mean(c, t, SIDE_BASE)), new = exp(side_mean(c, t, SIDE_NEW));

	to->value[SIDE_BASE] = base;
	to->value[SIDE_NEW] = new;
	to->change = new / base - 1;
	to->low = expm1(t->low);
	to->high = expm1(t->high);
	to->verdict = isinf(t->low) || isinf(t->high) ? VERDICT_TOO_LITTLE : VERDICT_SAME;
	/*
	 * Two quantiles in one bucket or in neighbours can be as near to each other as you like,
	 * however sure it is where in their buckets they are.
	 */
	if (t->figure >= FIGURE_P50 &&
	    abs((int)histogram_bucket(base) - (int)histogram_bucket(new)) < 2)
		return;
	if (to->low > threshold)
		to->verdict = VERDICT_MORE;
	else if (to->high < 1 / (1 + threshold) - 1)
		to->verdict = VERDICT_LESS;
}

/* What is on both sides, and of which there is enough data, is tested. */
static int collect_tests(const struct comparison *c, struct tests *tests)
{
	for (size_t i = 0; i < c->nr_queues; i++) {
		for (int op = 0; op < VT_NR_TIMED; op++) {
			struct compared_op *o = c->queues[i].op[op];

			if (!o || !o->count[SIDE_BASE] || !o->count[SIDE_NEW])
				continue;
			if (add_tests(c, o, tests))
				return -ENOMEM;
		}
	}
	return 0;
}

/* The tests of an operation stand together: its series are gone through once for all of them. */
static int estimate_tests(const struct comparison *c, struct tests *tests, double p,
			  void (*progress)(double done))
{
	size_t next = 0;

	while (next < tests->nr) {
		struct test *first = &tests->test[next];

		while (next < tests->nr && tests->test[next].op == first->op)
			next++;
		if (estimate(c, first->op, first, &tests->test[next], p))
			return -ENOMEM;
		if (progress)
			progress((double)next / tests->nr);
	}
	return 0;
}

/*
 * All intervals hold together with the level: each has the level divided by the number of figures
 * (Bonferroni), however the figures depend on each other. "Is anything worse?" is one question; one
 * false alarm stops a patch. So what is limited is the chance of any, not the share of false ones
 * (Benjamini, Hochberg). Holm's procedure is never weaker, but gives no intervals that agree with
 * it, and it gains little: of 1,000 figures half would have to change for the reach of the others
 * to shrink by 3 %.
 */
int compare_run(struct comparison *c, double threshold, double level, void (*progress)(double done))
{
	struct tests tests = {};
	int err = collect_tests(c, &tests);
	double p = level / tests.nr;

	if (!err)
		err = estimate_tests(c, &tests, p, progress);
	for (size_t i = 0; !err && i < tests.nr; i++)
		bound_within(c, &tests.test[i]);
	if (!err && tests.nr && c->nr_runs > NR_SIDES)
		err = bound_between(c, &tests, p);
	else if (!err)
		err = bound_alone(c, &tests);
	for (size_t i = 0; !err && i < tests.nr; i++)
		decide(c, &tests.test[i], threshold);
	c->tested = tests.nr;
	free_tests(&tests);
	return err;
}
