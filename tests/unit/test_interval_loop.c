// SPDX-License-Identifier: GPL-2.0
/*
 * The loop of stat and hist over a probe that makes its own snapshots: what is shown is what the
 * probe counted, whole, interval by interval, and the counts are read often enough.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../fake_probe.h"
#include "verbs/interval_loop.h"

static uint64_t skipped;	 /* ns: how far the clock of the loop is ahead of the real one */
static unsigned long stop_after; /* so many sleeps; 0: never */
static unsigned long sleeps;
static uint64_t longest; /* ns: of all sleeps */

/* Takes no time: the clock jumps instead. */
bool __wrap_wait_until(uint64_t until)
{
	uint64_t now = probe_now();

	if (until > now) {
		skipped += until - now;
		if (until - now > longest)
			longest = until - now;
	}
	return !stop_after || ++sleeps < stop_after;
}

uint64_t __real_probe_now(void);
uint64_t __wrap_probe_now(void)
{
	return __real_probe_now() + skipped;
}

/* The process stays as it is, for the tests that follow. */
int __wrap_confine(void)
{
	return 0;
}

/* Each reading finds one add more, and a byte. */
static const struct snapshot *count_one(unsigned int n)
{
	static struct op_stats add;
	static struct queue q = { .serial = 1, .name = "req.0", .role = "vda", .op = { &add } };
	static struct snapshot s = { .how = "tracepoints", .nr_queues = 1, .queues = &q };

	add.count = n;
	add.bytes_out = n;
	s.time = __wrap_probe_now();
	return &s;
}

static unsigned int shown;
static uint64_t counted[8];
static double seconds[8];

static int show(const struct snapshot *diff, const void *options)
{
	assert_ptr_equal(options, &shown);
	assert_true(shown < 8);
	seconds[shown] = diff->since / 1e9;
	counted[shown++] =
		diff->nr_queues && diff->queues[0].op[0] ? diff->queues[0].op[0]->count : 0;
	return 0;
}

static int loop(const struct filter *filter, double interval, unsigned long count,
		unsigned long stop)
{
	const struct interval_options intervals = { .seconds = interval, .count = count };

	fake_probe = (struct fake_probe){ .read = count_one };
	shown = 0;
	sleeps = longest = 0;
	stop_after = stop;
	return interval_loop(filter, &intervals, show, &shown);
}

static const struct filter all = { .ops = 1u << VT_OP_ADD };

/* Short: a reading each. */
static void short_intervals(void **state)
{
	(void)state;
	assert_int_equal(loop(&all, 2, 3, 0), 0);
	assert_int_equal(fake_probe.ops, all.ops);
	assert_int_equal(shown, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(counted[i], 1);
		assert_true(seconds[i] > 1.9 && seconds[i] < 2.5);
	}
}

/* A day: it is read all along, every 10 s, and nothing of it is left out. */
static void long_intervals(void **state)
{
	(void)state;
	assert_int_equal(loop(&all, 86400, 2, 0), 0);
	assert_int_equal(shown, 2);
	for (int i = 0; i < 2; i++) {
		assert_true(counted[i] >= 8640 && counted[i] < 8650);
		assert_true(seconds[i] > 86399 && seconds[i] < 86401);
	}
	assert_int_equal(counted[0] + counted[1], fake_probe.reads - 1);
	assert_true(longest <= 10000000000ull);
}

static uint64_t measure_began, measure_looked, measure_gap; /* ns */

/* Looks twice a second, for ten seconds, as the probe does. */
static uint64_t measure(void)
{
	uint64_t now = __wrap_probe_now();

	if (!measure_began)
		measure_began = measure_looked = now;
	if (now - measure_began > 10000000000ull)
		return UINT64_MAX;
	if (now - measure_looked > measure_gap)
		measure_gap = now - measure_looked;
	if (now - measure_looked >= 500000000ull)
		measure_looked = now;
	return measure_looked + 500000000ull;
}

/* Measuring the cost makes programs dearer: it ends on time also where an interval is long. */
static void measuring_in_a_long_interval(void **state)
{
	const struct interval_options intervals = { .seconds = 60, .count = 1 };

	(void)state;
	fake_probe = (struct fake_probe){ .read = count_one, .measure = measure };
	shown = 0;
	stop_after = 0;
	assert_int_equal(interval_loop(&all, &intervals, show, &shown), 0);
	assert_int_equal(shown, 1);
	assert_true(seconds[0] > 59.9 && seconds[0] < 60.5);
	assert_true(measure_gap >= 500000000ull && measure_gap < 600000000ull);
	assert_true(measure_looked - measure_began > 9000000000ull);
}

/* Without an interval: all that there was, when a signal comes. */
static void until_a_signal(void **state)
{
	(void)state;
	assert_int_equal(loop(&all, 0, 0, 5), 0);
	assert_int_equal(shown, 1);
	assert_int_equal(counted[0], 5);
	assert_true(longest <= 10000000000ull);
	/* One that is cut short is not shown. */
	assert_int_equal(loop(&all, 2, 0, 3), 0);
	assert_int_equal(shown, 2);
}

static void filtered(void **state)
{
	const struct filter other = { .ops = 1u << VT_OP_GET }, none = { .device = "vdb" };

	(void)state;
	assert_int_equal(loop(&other, 1, 1, 0), 0);
	assert_int_equal(counted[0], 0);
	assert_int_equal(loop(&none, 1, 1, 0), 1);
	assert_int_equal(shown, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_intervals),
		cmocka_unit_test(long_intervals),
		cmocka_unit_test(measuring_in_a_long_interval),
		cmocka_unit_test(until_a_signal),
		cmocka_unit_test(filtered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
