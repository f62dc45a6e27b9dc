// SPDX-License-Identifier: GPL-2.0
/*
 * Comparing: the statistics against what is known exactly, and against series that were made with
 * known differences. How often noise is claimed to be a change, and a change is seen, is counted.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "analysis/compare.h"
#include "analysis/fail_on.h"
#include "analysis/statistics.h"
#include "fail_alloc.h"

#define LEVEL	  0.01
#define THRESHOLD 0.02

static uint64_t state; /* each test sets it: the same numbers on every machine */

static double uniform(void)
{
	return ((random_next(&state) >> 11) + 0.5) / (double)(1ull << 53);
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

/* --- Statistics --- */

static void assert_near(double got, double expected, double relative)
{
	if (!(fabs(got - expected) <= relative * fabs(expected)))
		fail_msg("%.12g is not within %g of %.12g", got, relative, expected);
}

static void students_t_is_that_of_closed_forms(void **unused)
{
	static const double at[] = { 0.01, 0.5, 1, 2.5, 12, 300, 1e5 };

	(void)unused;
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		double t = at[i], c = 1 / sqrt(1 + t * t / 4);

		assert_near(student_p(t, 1), 2 * atan(1 / t) / M_PI, 1e-9);
		/* 1 - t / sqrt(2 + t * t), without cancellation */
		assert_near(student_p(t, 2), 2 / (2 + t * t + t * sqrt(2 + t * t)), 1e-9);
		if (t < 100) {
			double s = t / 2 * c;

			assert_near(student_p(t, 4), 1 - s * (1 + c * c / 2), 1e-6);
		}
		assert_near(student_t(student_p(t, 3.7), 3.7), t, 1e-6);
	}
	/* Tables: 10 degrees of freedom; many are the normal distribution. */
	assert_near(student_t(0.05, 10), 2.228139, 1e-6);
	assert_near(student_t(0.05, 1e7), 1.959964, 1e-6);
	assert_near(student_t(1e-6, 1e7), 4.891638, 1e-6);
}

/* A series in which each value keeps a share of the one before. */
static void autoregressive(double *x, size_t n, double keep)
{
	double value = normal() / sqrt(1 - keep * keep), mean = 0;

	for (size_t i = 0; i < n; i++) {
		value = keep * value + normal();
		x[i] = value;
		mean += value / n;
	}
	for (size_t i = 0; i < n; i++)
		x[i] -= mean;
}

static void blocks_are_as_long_as_theory_wants(void **unused)
{
	static const double keeps[] = { 0.3, 0.6, 0.8 };
	static double x[20000];

	(void)unused;
	state = 3;
	for (int i = 0; i < 3; i++) {
		double k = keeps[i], slope = 2 * k / (1 - k * k);

		autoregressive(x, 20000, k);
		assert_near(block_length(x, 20000), cbrt(1.5 * slope * slope * 20000), 0.3);
	}
	autoregressive(x, 20000, 0);
	assert_in_range(block_length(x, 20000), 1, 8);
	/* Never without a few blocks. */
	autoregressive(x, 20, 0.99);
	assert_in_range(block_length(x, 20), 1, 5);
	memset(x, 0, sizeof(x));
	assert_in_range(block_length(x, 20), 1, 1);
	/* What follows is as likely the same as not: the bits of a shift register that goes round.
	 */
	for (unsigned int i = 0, bits = 1; i < 31; i++) {
		x[i] = bits & 1 ? 1 : -1;
		bits = bits >> 1 | ((bits ^ bits >> 2) & 1) << 4;
	}
	assert_true(block_length(x, 31) == 1);
}

/* The autocorrelation of a series whose mean is 0. */
static double correlation(const double *x, int n, int lag)
{
	double sum = 0, squares = 0;

	for (int i = 0; i < n; i++) {
		squares += x[i] * x[i];
		sum += i + lag < n ? x[i] * x[i + lag] : 0;
	}
	return sum / squares;
}

/*
 * The formulas of Politis and White (Automatic Block-Length Selection for the Dependent Bootstrap,
 * 2004), written down again: m is the lag after which five are as good as 0; the window is a
 * trapezoid of 2m.
 */
static void blocks_are_those_of_the_paper(void **unused)
{
	static double x[300];

	(void)unused;
	state = 4;
	for (int tries = 0; tries < 20; tries++) {
		double limit = 2 * sqrt(log10(300) / 300), g = 1, slope = 0;
		int m = 0;

		autoregressive(x, 300, 0.6);
		for (int small = 0; small < 5; m++) {
			small = 0;
			while (small < 5 && fabs(correlation(x, 300, m + 1 + small)) < limit)
				small++;
		}
		m--;
		for (int lag = 1; lag <= 2 * m; lag++) {
			double weight = fmin(1, 2 - lag / (double)m);

			g += 2 * weight * correlation(x, 300, lag);
			slope += 2 * weight * lag * correlation(x, 300, lag);
		}
		/* Of 300 intervals the longest blocks have 51; here is not one such series. */
		assert_near(block_length(x, 300), cbrt(2 * slope * slope / (4.0 / 3 * g * g) * 300),
			    1e-9);
	}
}

static void variances_tell_what_they_have_in_common(void **unused)
{
	static double variance[4000];
	double prior, df;

	(void)unused;
	state = 5;
	for (int mixed = 0; mixed < 2; mixed++) {
		for (int i = 0; i < 4000; i++) {
			/* A true variance of 3, or scattered about it with 10 degrees of freedom.
			 */
			double truth = 3, chi = 0;

			for (int j = 0; mixed && j < 10; j++)
				chi += pow(normal(), 2);
			if (mixed)
				truth = 3 * 10 / chi;
			variance[i] = 0;
			for (int j = 0; j < 4; j++)
				variance[i] += truth * pow(normal(), 2) / 4;
		}
		df = variance_prior(variance, 4000, 4, &prior);
		assert_near(prior, 3, 0.1);
		if (mixed)
			assert_near(df, 10, 0.2);
		else
			assert_true(df > 30);
	}
	assert_true(variance_prior(variance, 1, 4, &prior) == 0);
}

/* Where the derivatives of log gamma have closed forms: at 1/2, 1 and 2. */
static void two_variances_have_a_prior_in_closed_form(void **unused)
{
	const double half = exp(M_PI / sqrt(6)), one[] = { half, 1 / half };
	const double more = exp(sqrt((2 * M_PI * M_PI / 3 - 1) / 2)), two[] = { more, 1 / more };
	double prior;

	(void)unused;
	/* Logarithms scatter by pi^2 / 3, twice trigamma(1). */
	assert_near(variance_prior(one, 2, 2, &prior), 2, 1e-6);
	assert_near(prior, 1, 1e-6);
	/* By trigamma(2) + trigamma(1 / 2). */
	assert_near(variance_prior(two, 2, 4, &prior), 1, 1e-6);
	assert_near(prior, exp(-1), 1e-6);
}

/* --- Recordings that are made up --- */

struct load {
	size_t queues, ops, intervals;
	double keep;  /* of the load's level, from interval to interval */
	double level; /* standard deviation of its logarithm */
	double run;   /* the same, from recording to recording */
	double burst; /* how many intervals have a burst: a fifth of the operations take 7 times as
			 long */
	int operations; /* per interval */
	double slower;	/* the first operation of the first queue, of the new side */
};

#define POOL 4096
static double pool[POOL];

/* Times as they are: skewed, with a tail. */
static void fill_pool(void)
{
	state = 1;
	for (int i = 0; i < POOL; i++)
		pool[i] = 2000 * exp(0.4 * normal() + (uniform() < 0.02 ? 3 * uniform() : 0));
}

static struct queue *add_queue(struct snapshot *s, int device, const char *role, const char *name)
{
	struct queue *q;

	s->queues = realloc(s->queues, (s->nr_queues + 1) * sizeof(*q));
	assert_non_null(s->queues);
	q = &s->queues[s->nr_queues++];
	memset(q, 0, sizeof(*q));
	q->serial = s->nr_queues;
	q->device = device;
	snprintf(q->role, sizeof(q->role), "%s", role);
	snprintf(q->name, sizeof(q->name), "%s", name);
	return q;
}

static void count(struct queue *q, enum vt_op op, uint64_t ns, int times)
{
	struct op_stats *s = q->op[op] = q->op[op] ?: calloc(1, sizeof(*s));

	assert_non_null(s);
	s->count += times;
	s->timed += times;
	s->sum += ns * times;
	histogram_put(&s->histogram, histogram_bucket(ns), times);
}

static void make_interval(const struct load *l, enum side side, double level, struct snapshot *s)
{
	*s = (struct snapshot){ .since = 1000000000 };
	for (size_t i = 0; i < l->queues; i++) {
		char role[VT_NAME_LEN];
		struct queue *q;

		snprintf(role, sizeof(role), "vd%c", (char)('a' + i));
		q = add_queue(s, i, role, "req.0");
		for (size_t op = 0; op < l->ops; op++) {
			double slower = side == SIDE_NEW && !i && !op ? l->slower : 1;
			bool burst = uniform() < l->burst;
			int n = l->operations * exp(-level);

			for (int j = 0; j < n; j++)
				count(q, op,
				      pool[random_below(&state, POOL)] * exp(level) * slower *
					      (burst && uniform() < 0.2 ? 7 : 1),
				      1);
		}
	}
}

static void make_recording(const struct load *l, enum side side, struct comparison *c)
{
	double level = l->level * normal(), run = l->run * normal();

	assert_int_equal(compare_begin(c, side), 0);
	for (size_t i = 0; i < l->intervals; i++) {
		struct snapshot s;

		level = l->keep * level + sqrt(1 - l->keep * l->keep) * l->level * normal();
		make_interval(l, side, level + run, &s);
		assert_int_equal(compare_add(c, &s), 0);
		snapshot_free(&s);
	}
}

/* What was claimed of one operation, or of all others. */
static int claims(const struct comparison *c, bool first)
{
	int n = 0;

	for (size_t i = 0; i < c->nr_queues; i++)
		for (int op = 0; op < VT_NR_TIMED; op++)
			for (int f = 0; c->queues[i].op[op] && f < NR_FIGURES; f++)
				if ((!i && !op) == first)
					n += c->queues[i].op[op]->change[f].verdict >= VERDICT_LESS;
	return n;
}

struct outcome {
	int seen;	  /* comparisons in which the change of the first operation was claimed */
	int false_alarms; /* comparisons in which any other was */
	int figures, tested; /* the same by figures, and all of them */
};

static struct outcome compare_often(const struct load *l, int recordings, int times)
{
	struct outcome o = {};

	fill_pool();
	for (int i = 0; i < times; i++) {
		struct comparison c = {};
		int others;

		for (int r = 0; r < recordings; r++) {
			make_recording(l, SIDE_BASE, &c);
			make_recording(l, SIDE_NEW, &c);
		}
		assert_int_equal(compare_run(&c, THRESHOLD, LEVEL, NULL), 0);
		others = claims(&c, false) + (l->slower == 1 ? claims(&c, true) : 0);
		o.seen += claims(&c, true) > 0;
		o.false_alarms += others > 0;
		o.figures += others;
		o.tested += c.tested;
		compare_free(&c);
	}
	fprintf(stderr,
		"# %d a side of %3zu intervals, keep %.1f, level %2.0f %%, run %2.0f %%, burst "
		"%2.0f %%, %.0f %% "
		"slower: of %d comparisons %d wrong (%d of %d figures), %s %d\n",
		recordings, l->intervals, l->keep, 100 * l->level, 100 * l->run, 100 * l->burst,
		100 * (l->slower - 1), times, o.false_alarms, o.figures, o.tested,
		l->slower == 1 ? "claims" : "right", o.seen);
	return o;
}

static void noise_is_no_change(void **unused)
{
	/* White noise, correlated noise, bursts; a load that swings slowly, seen long enough. */
	static const struct load loads[] = {
		{ 2, 3, 20, 0, 0.05, 0, 0, 100, 1 },	 { 2, 3, 30, 0.5, 0.1, 0, 0, 100, 1 },
		{ 2, 3, 30, 0, 0.1, 0, 0.1, 100, 1 },	 { 2, 3, 60, 0.7, 0.1, 0, 0.05, 100, 1 },
		{ 2, 3, 100, 0.9, 0.1, 0, 0.03, 60, 1 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(loads) / sizeof(*loads); i++)
		assert_in_range(compare_often(&loads[i], 1, 100).false_alarms, 0, 1);
}

static void runs_that_differ_are_no_change(void **unused)
{
	static const struct load loads[] = {
		{ 2, 3, 20, 0.5, 0.05, 0.05, 0.05, 60, 1 },
		{ 2, 3, 20, 0, 0.02, 0.2, 0, 60, 1 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(loads) / sizeof(*loads); i++) {
		assert_in_range(compare_often(&loads[i], 3, 100).false_alarms, 0, 1);
		assert_in_range(compare_often(&loads[i], 5, 50).false_alarms, 0, 1);
	}
}

/*
 * One recording a side, and every operation of the new one is a few percent slower or faster by
 * chance: more than its intervals predict. So runs vary, and that is seldom taken for a change: in
 * 5 of these comparisons without a look at all figures together. An operation of half the speed
 * stands out in all.
 */
static void one_run_that_varies_is_no_change(void **unused)
{
	int claimed = 0, seen = 0;

	(void)unused;
	fill_pool();
	for (int n = 0; n < 20; n++) {
		struct comparison c = {};

		for (enum side side = 0; side < NR_SIDES; side++) {
			double times[4][3];

			for (int q = 0; q < 4; q++)
				for (int op = 0; op < 3; op++)
					times[q][op] = side == SIDE_NEW ? exp(0.05 * normal()) : 1;
			if (side == SIDE_NEW)
				times[0][0] = 2;
			assert_int_equal(compare_begin(&c, side), 0);
			for (int i = 0; i < 40; i++) {
				struct snapshot s = { .since = 1000000000 };

				for (int q = 0; q < 4; q++) {
					char role[] = { 'v', 'd', 'a' + q, 0 };

					add_queue(&s, q, role, "req.0");
				}
				for (int q = 0; q < 4; q++)
					for (int op = 0; op < 3; op++)
						for (int j = 0; j < 100; j++)
							count(&s.queues[q], op,
							      pool[random_below(&state, POOL)] *
								      times[q][op],
							      1);
				assert_int_equal(compare_add(&c, &s), 0);
				snapshot_free(&s);
			}
		}
		assert_int_equal(compare_run(&c, THRESHOLD, LEVEL, NULL), 0);
		claimed += claims(&c, false) > 0;
		seen += claims(&c, true) > 0;
		compare_free(&c);
	}
	fprintf(stderr, "# one run that varies: of 20 comparisons %d wrong, right %d\n", claimed,
		seen);
	assert_in_range(claimed, 0, 3);
	assert_int_equal(seen, 20);
}

static void a_change_is_seen(void **unused)
{
	static const struct load one = { 2, 3, 60, 0.5, 0.05, 0, 0.02, 100, 1.3 };
	static const struct load several = { 2, 3, 20, 0.5, 0.03, 0.015, 0.02, 100, 1.3 };
	struct outcome o;

	(void)unused;
	o = compare_often(&one, 1, 100);
	assert_in_range(o.seen, 95, 100);
	assert_in_range(o.false_alarms, 0, 1);
	o = compare_often(&several, 3, 50);
	assert_in_range(o.seen, 48, 50);
	assert_in_range(o.false_alarms, 0, 1);
	o = compare_often(&several, 5, 50);
	assert_in_range(o.seen, 48, 50);
	assert_in_range(o.false_alarms, 0, 1);
}

/* The true figure is in the interval as often as is said. */
static void intervals_hold_what_they_promise(void **unused)
{
	const struct load l = { 1, 1, 60, 0, 0, 0, 0, 200, 1 };
	const struct intervals eight = { (uint64_t[8]){ 1, 1, 1, 1, 1, 1, 1, 1 }, 8, 8 };
	struct estimate truth[NR_FIGURES], e[NR_FIGURES];
	int outside[NR_FIGURES] = {};
	struct op_stats all = {};
	struct series s = {};

	(void)unused;
	fill_pool();
	for (int i = 0; i < POOL; i++) {
		all.count = ++all.timed;
		all.sum += pool[i];
		histogram_put(&all.histogram, histogram_bucket(pool[i]), 1);
	}
	for (int i = 0; i < 8; i++)
		assert_int_equal(series_add(&s, i, &all), 0);
	assert_int_equal(series_estimate(&s, &eight, 0.1, truth), 0);
	series_free(&s);
	for (int i = 0; i < 400; i++) {
		struct comparison c = {};

		make_recording(&l, SIDE_BASE, &c);
		assert_int_equal(series_estimate(&c.queues[0].op[0]->series[0],
						 &c.runs[0].intervals, 0.1, e),
				 0);
		for (int f = FIGURE_MEAN; f <= FIGURE_P999; f++)
			outside[f] += truth[f].log < e[f].low || truth[f].log > e[f].high;
		compare_free(&c);
	}
	/* 10 % are 40 of 400, give or take 6; fewer, because blocks are longer than they need be.
	 */
	for (int f = FIGURE_MEAN; f <= FIGURE_P99; f++)
		assert_in_range(outside[f], 8, 52);
	/* 12 operations above it: the interval is wider than it must be. */
	assert_in_range(outside[FIGURE_P999], 1, 52);
}

/* --- Queues and verdicts --- */

/* A recording of 20 intervals like this one. */
static void repeat(struct comparison *c, enum side side, const struct snapshot *s)
{
	assert_int_equal(compare_begin(c, side), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(compare_add(c, s), 0);
}

static void queues_match_by_role_and_name(void **unused)
{
	struct snapshot base = { .since = 1000000000 }, new = base;
	struct comparison c = {};

	(void)unused;
	count(add_queue(&base, 1, "vda", "req.0"), VT_OP_ADD, 1000, 100);
	count(add_queue(&base, 2, "", "input"), VT_OP_ADD, 1000, 200);
	count(add_queue(&base, 3, "", "input"), VT_OP_ADD, 1000, 300);
	count(add_queue(&base, 4, "vdb", "req.0"), VT_OP_ADD, 1000, 400);
	/* Other numbers; the twins in the same order; made anew, so that two have the same names.
	 */
	count(add_queue(&new, 5, "", "input"), VT_OP_ADD, 1000, 201);
	count(add_queue(&new, 6, "", "input"), VT_OP_ADD, 1000, 301);
	count(add_queue(&new, 7, "vda", "req.0"), VT_OP_ADD, 1000, 50);
	count(add_queue(&new, 7, "vda", "req.0"), VT_OP_ADD, 1000, 51);
	count(add_queue(&new, 8, "vdc", "req.0"), VT_OP_ADD, 1000, 500);
	repeat(&c, SIDE_BASE, &base);
	repeat(&c, SIDE_NEW, &new);
	assert_int_equal(compare_run(&c, THRESHOLD, LEVEL, NULL), 0);

	assert_int_equal(c.nr_queues, 5);
	for (int i = 0; i < 3; i++) {
		static const int numbers[] = { 1, 2, 3 };

		assert_true(c.queues[i].on[SIDE_BASE] && c.queues[i].on[SIDE_NEW]);
		assert_int_equal(c.queues[i].op[VT_OP_ADD]->count[SIDE_BASE], 2000 * numbers[i]);
		assert_int_equal(c.queues[i].op[VT_OP_ADD]->count[SIDE_NEW],
				 2000 * numbers[i] + 20);
	}
	assert_true(c.queues[3].on[SIDE_BASE] && !c.queues[3].on[SIDE_NEW]);
	assert_true(!c.queues[4].on[SIDE_BASE] && c.queues[4].on[SIDE_NEW]);
	/* On one side only: nothing to compare. */
	assert_int_equal(c.queues[4].op[VT_OP_ADD]->change[FIGURE_MEAN].verdict,
			 VERDICT_TOO_LITTLE);
	compare_free(&c);
	snapshot_free(&base);
	snapshot_free(&new);
}

static enum verdict verdict_of(uint64_t base_ns, uint64_t new_ns, int times, enum figure f,
			       struct change *change)
{
	struct snapshot base = { .since = 1000000000 }, new = base;
	struct comparison c = {};

	count(add_queue(&base, 1, "vda", "req.0"), VT_OP_ADD, base_ns, times);
	count(add_queue(&new, 1, "vda", "req.0"), VT_OP_ADD, new_ns, times);
	repeat(&c, SIDE_BASE, &base);
	repeat(&c, SIDE_NEW, &new);
	assert_int_equal(compare_run(&c, THRESHOLD, LEVEL, NULL), 0);
	*change = c.queues[0].op[VT_OP_ADD]->change[f];
	compare_free(&c);
	snapshot_free(&base);
	snapshot_free(&new);
	return change->verdict;
}

static void quantiles_claim_no_more_than_buckets_tell(void **unused)
{
	struct change c;

	(void)unused;
	/* 1023 and 1024 are in two buckets, which are 64 ns apart. */
	assert_int_equal(verdict_of(1023, 1024, 1000, FIGURE_P50, &c), VERDICT_SAME);
	assert_int_equal(verdict_of(1000, 1100, 1000, FIGURE_P50, &c), VERDICT_MORE);
	assert_int_equal(verdict_of(1100, 1000, 1000, FIGURE_P50, &c), VERDICT_LESS);
	/* Means are exact. */
	assert_int_equal(verdict_of(1000, 1019, 1000, FIGURE_MEAN, &c), VERDICT_SAME);
	assert_near(c.change, 0.019, 1e-6);
	assert_int_equal(verdict_of(1000, 1060, 1000, FIGURE_MEAN, &c), VERDICT_MORE);
	assert_near(c.change, 0.06, 1e-6);
	assert_near(c.value[SIDE_BASE], 1000, 1e-6);
	assert_true(c.low < 0.06 && c.low > THRESHOLD && c.high > 0.06);
	assert_int_equal(verdict_of(1060, 1000, 1000, FIGURE_MEAN, &c), VERDICT_LESS);
	assert_int_equal(verdict_of(1000, 1060, 1000, FIGURE_RATE, &c), VERDICT_SAME);
	/* 20 intervals: 99.9 % takes 10,000 operations, here are 9,980. */
	assert_int_equal(verdict_of(1000, 2000, 499, FIGURE_P999, &c), VERDICT_TOO_LITTLE);
	assert_true(c.value[SIDE_BASE] == 0);
	/* Without a spread, what is above is known. */
	assert_int_equal(verdict_of(1000, 2000, 500, FIGURE_P999, &c), VERDICT_MORE);
	assert_int_equal(verdict_of(0, 0, 500, FIGURE_MEAN, &c), VERDICT_SAME);
	/* In the last bucket, which has no end. */
	assert_int_equal(verdict_of(1ull << 40, 1ull << 42, 500, FIGURE_P90, &c), VERDICT_SAME);
	assert_int_equal(verdict_of(1ull << 40, 1ull << 42, 500, FIGURE_MEAN, &c), VERDICT_MORE);
}

/*
 * Compares, again and again, recordings of an operation of which there are two kinds, about as many
 * of the one as of the other, beside ordinary ones.
 * @nr: recordings a side
 * @scatter: by how much they differ in the share of the kinds
 * Returns how often it was claimed that the median changed.
 */
static int compare_two_kinds(int comparisons, int nr, double scatter)
{
	int wrong = 0;

	for (int n = 0; n < comparisons; n++) {
		struct comparison c = {};

		for (int r = 0; r < NR_SIDES * nr; r++) {
			double quick = 2.5 * scatter * normal();
			double run = exp(scatter / 5 * normal());

			assert_int_equal(compare_begin(&c, r % NR_SIDES), 0);
			for (int i = 0; i < 30; i++) {
				struct snapshot s = { .since = 1000000000 };
				struct queue *q = add_queue(&s, 1, "", "requests");

				for (int j = 0; j < 12; j++) {
					bool is_quick = scatter > 0 ? normal() < quick : j % 2;

					count(q, VT_OP_GET,
					      (is_quick ? 250 : 1500) * exp(0.15 * normal()), 1);
					count(q, VT_OP_ADD, 1000 * run * exp(0.2 * normal()), 1);
				}
				assert_int_equal(compare_add(&c, &s), 0);
				snapshot_free(&s);
			}
		}
		assert_int_equal(compare_run(&c, THRESHOLD, LEVEL, NULL), 0);
		wrong += c.queues[0].op[VT_OP_GET]->change[FIGURE_P50].verdict != VERDICT_SAME;
		compare_free(&c);
	}
	print_message("# medians between two kinds, %d a side: of %d comparisons %d wrong\n", nr,
		      comparisons, wrong);
	return wrong;
}

static void a_median_between_two_kinds_is_anything_there(void **unused)
{
	(void)unused;
	state = 9;
	assert_in_range(compare_two_kinds(100, 1, 0), 0, 1);
	assert_in_range(compare_two_kinds(200, 3, 0.15), 0, 8);
}

/*
 * A side has two kinds of operations, and a few more of the quick ones than slow ones: its median
 * is surely not less than the quick ones, but may be as much as the slow ones. All of the other
 * side are quick. So the range of the change has one end far away: which, depends on the side.
 */
static struct change two_kinds_on(enum side two_kinds)
{
	struct comparison c = {};
	struct change change;

	for (int side = 0; side < NR_SIDES; side++) {
		assert_int_equal(compare_begin(&c, side), 0);
		for (int i = 0; i < 30; i++) {
			struct snapshot s = { .since = 1000000000 };
			struct queue *q = add_queue(&s, 1, "vda", "req.0");
			int slow = side == (int)two_kinds ? 39 + i * 7 % 20 : 0;

			count(q, VT_OP_ADD, 1000, 100 - slow);
			count(q, VT_OP_ADD, 10000, slow);
			assert_int_equal(compare_add(&c, &s), 0);
			snapshot_free(&s);
		}
	}
	assert_int_equal(compare_run(&c, THRESHOLD, LEVEL, NULL), 0);
	change = c.queues[0].op[VT_OP_ADD]->change[FIGURE_P50];
	compare_free(&c);
	return change;
}

static void a_lopsided_range_has_its_far_end_on_the_right_side(void **unused)
{
	struct change new = two_kinds_on(SIDE_NEW), base = two_kinds_on(SIDE_BASE);

	(void)unused;
	assert_true(new.low > -0.1 && new.low < 0.1);
	assert_true(new.high > 8 && new.high < 10);
	assert_true(base.high > -0.1 && base.high < 0.1);
	assert_true(base.low < -0.88 && base.low > -0.92);
}

static void few_intervals_are_too_little(void **unused)
{
	struct snapshot s = { .since = 1000000000 };
	struct comparison c = {};

	(void)unused;
	count(add_queue(&s, 1, "vda", "req.0"), VT_OP_ADD, 1000, 1000);
	for (int side = 0; side < NR_SIDES; side++) {
		assert_int_equal(compare_begin(&c, side), 0);
		for (int i = 0; i < 7; i++)
			assert_int_equal(compare_add(&c, &s), 0);
	}
	assert_int_equal(compare_run(&c, THRESHOLD, LEVEL, NULL), 0);
	assert_int_equal(c.tested, 0);
	assert_int_equal(c.queues[0].op[VT_OP_ADD]->change[FIGURE_RATE].verdict,
			 VERDICT_TOO_LITTLE);
	compare_free(&c);
	snapshot_free(&s);
}

static void the_same_recordings_have_the_same_answer(void **unused)
{
	const struct load l = { 2, 2, 30, 0.5, 0.1, 0, 0.1, 100, 1.3 };
	struct comparison c[2] = {};

	(void)unused;
	for (int i = 0; i < 2; i++) {
		fill_pool();
		make_recording(&l, SIDE_BASE, &c[i]);
		make_recording(&l, SIDE_NEW, &c[i]);
		assert_int_equal(compare_run(&c[i], THRESHOLD, LEVEL, NULL), 0);
	}
	for (size_t q = 0; q < 2; q++)
		for (int op = 0; op < 2; op++)
			assert_memory_equal(c[0].queues[q].op[op]->change,
					    c[1].queues[q].op[op]->change,
					    sizeof(c[0].queues[q].op[op]->change));
	compare_free(&c[0]);
	compare_free(&c[1]);
}

static int compare_sides(struct comparison *c, const struct snapshot *s)
{
	for (int side = 0; side < NR_SIDES; side++) {
		int err = compare_begin(c, side);

		for (int i = 0; i < 8 && !err; i++)
			err = compare_add(c, s);
		if (err)
			return err;
	}
	return compare_run(c, THRESHOLD, LEVEL, NULL);
}

/* Whichever allocation fails: it is told, and what was there before is freed. */
static void every_allocation_may_fail(void **unused)
{
	struct snapshot s = { .since = 1000000000 };
	int err = -ENOMEM, failed = 0;

	(void)unused;
	count(add_queue(&s, 1, "vda", "req.0"), VT_OP_ADD, 1000, 1000);
	count(&s.queues[0], VT_OP_GET, 2000, 1000);
	for (; err; failed++) {
		struct comparison c = {};

		allocations_left = failed;
		err = compare_sides(&c, &s);
		allocations_left = -1;
		if (err)
			assert_int_equal(err, -ENOMEM);
		else
			assert_true(c.tested > 0);
		compare_free(&c);
	}
	/* Runs, queues, operations, series, tests, estimates. */
	assert_in_range(failed, 20, 200);
	snapshot_free(&s);
}

static void verdicts_have_words_that_fit(void **unused)
{
	struct queue disk = { .device_type = 2, .name = "req.0" };
	struct queue input = { .device_type = 1, .name = "input.0" };

	(void)unused;
	assert_string_equal(verdict_name(VERDICT_MORE, &disk, VT_OP_ADD, FIGURE_P99), "slower");
	assert_string_equal(verdict_name(VERDICT_LESS, &disk, VT_AVAIL_TO_USED, FIGURE_P99),
			    "faster");
	assert_string_equal(verdict_name(VERDICT_LESS, &disk, VT_OP_ADD, FIGURE_RATE), "fewer");
	/* A packet that arrives late is not the device's fault. */
	assert_string_equal(verdict_name(VERDICT_MORE, &input, VT_AVAIL_TO_USED, FIGURE_P99),
			    "longer");
	assert_string_equal(verdict_name(VERDICT_MORE, &input, VT_OP_ADD, FIGURE_P99), "slower");
	for (int f = 0; f < NR_FIGURES; f++)
		assert_int_equal(figure_by_name(figure_name(f)), f);
	assert_int_equal(figure_by_name("p999"), FIGURE_P999);
	assert_true(figure_by_name("p98") < 0);
}

static void a_gate_fails_on_what_is_worse_for_sure(void **unused)
{
	const struct queue disk = { .device_type = 2, .name = "req.0" };
	const struct queue input = { .device_type = 1, .name = "input.0" };
	const struct change worse = { .change = 0.12, .verdict = VERDICT_MORE };
	const struct change perhaps = { .change = 0.5, .verdict = VERDICT_SAME };
	const struct change fewer = { .change = -0.12, .verdict = VERDICT_LESS };
	const struct change unknown = {};
	const char *good = "p99>10%";
	struct fail_on g;

	(void)unused;
	assert_null(fail_on_parse(good, &g));
	assert_int_equal(fail_on_ask(&g, &disk, VT_OP_ADD, FIGURE_P99, &worse), FAIL_ON_FAIL);
	assert_int_equal(fail_on_ask(&g, &disk, VT_OP_GET, FIGURE_P99, &worse), FAIL_ON_FAIL);
	assert_int_equal(fail_on_ask(&g, &disk, VT_OP_ADD, FIGURE_P99, &perhaps), FAIL_ON_PASS);
	assert_int_equal(fail_on_ask(&g, &disk, VT_OP_ADD, FIGURE_P99, &fewer), FAIL_ON_PASS);
	assert_int_equal(fail_on_ask(&g, &disk, VT_OP_ADD, FIGURE_P99, &unknown), FAIL_ON_UNKNOWN);
	assert_int_equal(fail_on_ask(&g, &disk, VT_OP_ADD, FIGURE_P90, &worse), FAIL_ON_NOT_ASKED);
	assert_int_equal(fail_on_ask(&g, &input, VT_AVAIL_TO_USED, FIGURE_P99, &worse),
			 FAIL_ON_NOT_ASKED);
	assert_null(fail_on_parse("add.p99.9>12.5", &g));
	assert_int_equal(fail_on_ask(&g, &disk, VT_OP_ADD, FIGURE_P999, &worse), FAIL_ON_PASS);
	assert_int_equal(fail_on_ask(&g, &disk, VT_OP_GET, FIGURE_P999, &worse), FAIL_ON_NOT_ASKED);
	assert_null(fail_on_parse("avail_to_used.rate<-5%", &g));
	assert_int_equal(fail_on_ask(&g, &input, VT_AVAIL_TO_USED, FIGURE_RATE, &fewer),
			 FAIL_ON_FAIL);
	assert_int_equal(fail_on_ask(&g, &input, VT_AVAIL_TO_USED, FIGURE_RATE, &worse),
			 FAIL_ON_PASS);

	static const char *const wrong[] = {
		"",
		">",
		"p99",
		"p99>",
		"p99>x",
		"p99>10%%",
		"p99>-1",
		"p99<1",
		"p99<-100",
		"p98>1",
		"p99>nan",
		"p99>inf",
		"foo.p99>1",
		"buffers_per_doorbell.mean>1",
		"add.>1",
		".p99>1",
		"add.p99.8>1",
		"p99=10%",
		"a name that is longer than all those that there are>1",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_non_null(fail_on_parse(wrong[i], &g));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(students_t_is_that_of_closed_forms),
		cmocka_unit_test(blocks_are_as_long_as_theory_wants),
		cmocka_unit_test(blocks_are_those_of_the_paper),
		cmocka_unit_test(variances_tell_what_they_have_in_common),
		cmocka_unit_test(two_variances_have_a_prior_in_closed_form),
		cmocka_unit_test(intervals_hold_what_they_promise),
		cmocka_unit_test(noise_is_no_change),
		cmocka_unit_test(runs_that_differ_are_no_change),
		cmocka_unit_test(one_run_that_varies_is_no_change),
		cmocka_unit_test(a_change_is_seen),
		cmocka_unit_test(queues_match_by_role_and_name),
		cmocka_unit_test(quantiles_claim_no_more_than_buckets_tell),
		cmocka_unit_test(a_median_between_two_kinds_is_anything_there),
		cmocka_unit_test(a_lopsided_range_has_its_far_end_on_the_right_side),
		cmocka_unit_test(few_intervals_are_too_little),
		cmocka_unit_test(the_same_recordings_have_the_same_answer),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(verdicts_have_words_that_fit),
		cmocka_unit_test(a_gate_fails_on_what_is_worse_for_sure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
