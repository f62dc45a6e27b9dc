// SPDX-License-Identifier: GPL-2.0
/* Histograms against exact answers: buckets, quantiles of known distributions, sums. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "model/histogram.h"

#define VALUES 1000000

/* A generator that gives the same numbers on every machine. */
static uint64_t state;

static double uniform(void)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return ((state >> 11) + 0.5) / (double)(1ull << 53);
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

static double exponential_ns(void)
{
	return -2000 * log(uniform());
}

static double lognormal_ns(void)
{
	return exp(8 + 1.5 * normal());
}

static double uniform_ns(void)
{
	return 1e6 * uniform();
}

/* A fast path and a slow one. */
static double bimodal_ns(void)
{
	return uniform() < 0.98 ? 300 + 50 * uniform() : 2e6 + 5e5 * uniform();
}

static double constant_ns(void)
{
	return 777;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void check_distribution(const char *name, double (*draw)(void))
{
	static const double quantiles[] = { 0.5, 0.9, 0.99, 0.999, 0.9999 };
	uint64_t *value = malloc(VALUES * sizeof(*value));
	struct histogram h = {};

	assert_non_null(value);
	state = 42;
	for (int i = 0; i < VALUES; i++) {
		value[i] = draw();
		histogram_put(&h, histogram_bucket(value[i]), 1);
	}
	qsort(value, VALUES, sizeof(*value), ascending);
	assert_int_equal(histogram_count(&h), VALUES);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++) {
		uint64_t exact = value[(size_t)ceil(quantiles[i] * VALUES) - 1];
		uint64_t got = histogram_quantile(&h, quantiles[i], value[VALUES - 1]);

		if (fabs((double)got - exact) > 0.032 * exact)
			fail_msg("%s: p%g is %llu, the histogram says %llu", name,
				 100 * quantiles[i], (unsigned long long)exact,
				 (unsigned long long)got);
	}
	free(value);
}

static void quantiles_of_known_distributions(void **unused)
{
	(void)unused;
	check_distribution("exponential", exponential_ns);
	check_distribution("lognormal", lognormal_ns);
	check_distribution("uniform", uniform_ns);
	check_distribution("bimodal", bimodal_ns);
	check_distribution("constant", constant_ns);
}

/* Small values have a bucket each, so the answer is exact: the smallest with enough at or below it.
 */
static void a_quantile_is_the_value_of_its_rank(void **unused)
{
	struct histogram h = {};

	(void)unused;
	for (unsigned int value = 1; value <= 3; value++)
		histogram_put(&h, value, 1);
	assert_int_equal(histogram_quantile(&h, 0.33, 3), 1);
	assert_int_equal(histogram_quantile(&h, 0.34, 3), 2);
	assert_int_equal(histogram_quantile(&h, 0.5, 3), 2);
	assert_int_equal(histogram_quantile(&h, 0.67, 3), 3);
	assert_int_equal(histogram_quantile(&h, 1, 3), 3);
}

static void buckets_cover_all_values(void **unused)
{
	(void)unused;
	for (unsigned int b = 0; b < VT_NR_BUCKETS; b++) {
		assert_true(histogram_lower(b) < histogram_lower(b + 1));
		assert_int_equal(histogram_bucket(histogram_lower(b)), b);
		assert_int_equal(histogram_bucket(histogram_lower(b + 1) - 1), b);
	}
	assert_int_equal(histogram_lower(0), 0);
	assert_true(histogram_lower(VT_NR_BUCKETS) == 1ull << 34);
	assert_int_equal(histogram_bucket(1ull << 34), VT_NR_BUCKETS - 1);
	assert_int_equal(histogram_bucket(1ull << 40), VT_NR_BUCKETS - 1);
	assert_int_equal(histogram_bucket(UINT64_MAX), VT_NR_BUCKETS - 1);
}

static void a_bucket_is_narrow(void **unused)
{
	(void)unused;
	for (unsigned int b = 32; b < VT_NR_BUCKETS; b++) {
		double low = histogram_lower(b), width = histogram_lower(b + 1) - low;

		assert_true(width / 2 <= 0.032 * low);
	}
}

static void empty_and_single(void **unused)
{
	struct histogram h = {};

	(void)unused;
	assert_int_equal(histogram_quantile(&h, 0.99, UINT64_MAX), 0);
	histogram_put(&h, histogram_bucket(1000), 1);
	/* Never above the largest value, which is known. */
	assert_int_equal(histogram_quantile(&h, 0, 1000), 1000);
	assert_int_equal(histogram_quantile(&h, 1, 1000), 1000);
}

static void more_than_the_last_bucket(void **unused)
{
	struct histogram h = {};

	(void)unused;
	histogram_put(&h, histogram_bucket(1ull << 36), 1);
	assert_true(histogram_quantile(&h, 0.5, 1ull << 36) == 1ull << 36);
}

static void sums_and_differences_are_exact(void **unused)
{
	struct histogram a = {}, b = {}, both = {}, old;

	(void)unused;
	state = 7;
	for (int i = 0; i < VALUES; i++) {
		uint64_t ns = lognormal_ns();

		histogram_put(&both, histogram_bucket(ns), 1);
		histogram_put(i % 3 ? &a : &b, histogram_bucket(ns), 1);
	}
	old = a;
	histogram_add(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));
	histogram_sub(&a, &old);
	assert_memory_equal(&a, &b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_cover_all_values),
		cmocka_unit_test(a_bucket_is_narrow),
		cmocka_unit_test(a_quantile_is_the_value_of_its_rank),
		cmocka_unit_test(quantiles_of_known_distributions),
		cmocka_unit_test(empty_and_single),
		cmocka_unit_test(more_than_the_last_bucket),
		cmocka_unit_test(sums_and_differences_are_exact),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
