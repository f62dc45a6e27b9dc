// SPDX-License-Identifier: GPL-2.0
/*
 * Computes by how much each figure changed, and how certain the change is. First each figure is
 * estimated in each recording. Then the range of the difference between the sides is computed. The
 * range decides the verdict.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "analysis/compare.h"
#include "analysis/statistics.h"

/*
 * bound_alone() needs at least this many figures, to tell by how much two runs of the same load
 * differ.
 */
#define LEAST_BULK 20
/* Two runs of the same load differ by at most this many times their intervals. */
#define MOST_SPREAD 4

/* A test: one figure of one operation. */
struct test {
	struct compared_op *op;
	enum figure figure;
	struct estimate *estimate; /* owned; one for each recording */
	double low, high;	   /* range of the change, as logarithms */
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

/* Adds a test for each figure for which all recordings have enough data. Returns 0 or -ENOMEM. */
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

/* Estimates the figures of the operation whose tests begin at @t. Returns 0 or -ENOMEM. */
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

/* Returns the mean of a figure over the recordings of a side, as a logarithm. */
static double side_mean(const struct comparison *c, const struct test *t, enum side side)
{
	double sum = 0;

	for (size_t r = 0; r < c->nr_runs; r++)
		if (c->runs[r].side == side)
			sum += t->estimate[r].log;
	return sum / c->nr_side[side];
}

/* Returns the change as a logarithm. */
static double difference(const struct comparison *c, const struct test *t)
{
	return side_mean(c, t, SIDE_NEW) - side_mean(c, t, SIDE_BASE);
}

/*
 * Computes the range of a change from the intervals of each recording. The lower and the upper end
 * are computed separately, because the range of a quantile is not symmetric (Zou, Donner:
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

		below += pow(new ? down : up, 2);
		above += pow(new ? up : down, 2);
	}
	t->low = middle - sqrt(below);
	t->high = middle + sqrt(above);
}

/*
 * Returns a variance from two sources: a sum of squares with @df degrees of freedom, and a prior
 * with @more degrees of freedom.
 */
static double moderate(double squares, double df, double prior, double more)
{
	return (squares + more * prior) / (df + more);
}

/*
 * Widens the range of a quantile, by how much the share of operations below the quantile differs
 * from run to run.
 *
 * Example: nine of ten operations are fast, and the p90 is between the fast and the slow ones. In
 * some runs the p90 is a fast operation, in others a slow one. A few runs that are alike by chance
 * would hide this. So compute the p90 of all recordings together, and in each run the share of
 * operations below this p90. The variance of these shares tells how far the quantile may move.
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
 * For several recordings on a side. Runs of the same load differ by more than the intervals of one
 * run predict, so each recording is one sample (Kalibera, Jones: Rigorous Benchmarking in
 * Reasonable Time, 2013). The range is Student's t with the variance about the mean of the side. A
 * bootstrap of the recordings is not good enough, because with three recordings its variance is too
 * small by a third.
 *
 * The variance of a few recordings is itself uncertain, so t alone would find only huge changes.
 * But there are many figures, and in all of them one ratio is nearly the same: how much more runs
 * differ than their intervals predict. The ratio depends on the machine and the load.
 * variance_prior() estimates this ratio from all figures, and moderate() mixes it into the variance
 * of each figure. Returns 0 or -ENOMEM.
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
	 * Figures that go up and down together count as fewer figures. The number is divided by the
	 * mean square of their correlations over all pairs. With few recordings this mean is too
	 * large. That is safe, because it makes ranges wider. The df of each figure are subtracted,
	 * so that they do not count twice.
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

/* Returns the median. Sorts @x. */
static double median(double *x, size_t n)
{
	qsort(x, n, sizeof(*x), by_value);
	return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/*
 * For one recording on each side. One difference does not tell whether the figure changed or
 * whether runs vary. But most figures do not change. So if most figures differ by more than the
 * intervals predict, runs vary, and every range is widened by the same factor (Efron: Large-Scale
 * Simultaneous Hypothesis Testing, the Choice of a Null Hypothesis, 2004).
 *
 * The factor is the median deviation of the differences from their median. So a change that all
 * figures share does not count, and a few figures that changed much do not move the factor. The
 * method needs LEAST_BULK figures. The factor is at most MOST_SPREAD: differences that are wider
 * than runs ever vary mean that most figures did change, each by its own amount. Ranges must not
 * hide that. Returns 0 or -ENOMEM.
 */
static int bound_alone(const struct comparison *c, struct tests *tests)
{
	const double normal = 1.4826; /* standard / median deviation of a normal distribution */
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
	/* Divide by what chance alone explains: 1, plus two standard errors. */
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

/* Sets the values, the range and the verdict of a change. */
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
	/* If the buckets are equal or neighbours, the true quantiles may be almost equal. */
	if (t->figure >= FIGURE_P50 &&
	    abs((int)histogram_bucket(base) - (int)histogram_bucket(new)) < 2)
		return;
	if (to->low > threshold)
		to->verdict = VERDICT_MORE;
	else if (to->high < 1 / (1 + threshold) - 1)
		to->verdict = VERDICT_LESS;
}

/* Adds the tests of all operations that both sides have. Returns 0 or -ENOMEM. */
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

/*
 * Estimates all tests. The tests of one operation stand side by side, so each series is read only
 * once. Returns 0 or -ENOMEM.
 */
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
 * Each range may be wrong with the chance (level / number of figures) (Bonferroni). Then the chance
 * that any range is wrong is at most the level, even if figures depend on each other.
 *
 * This limits the chance of any false claim, not the share of false claims (Benjamini, Hochberg),
 * because one false alarm stops a patch. Holm's procedure finds a little more but gives no ranges.
 * With 1,000 figures, half of them would have to change to make the ranges of the others 3 %
 * shorter.
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
