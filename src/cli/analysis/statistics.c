// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include "analysis/statistics.h"

/* Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (2014), SplitMix64. */
uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

size_t random_below(uint64_t *state, size_t below)
{
	/* Numbers are not exactly equally likely: chances differ by at most below / 2^32. */
	return (random_next(state) >> 32) * below >> 32;
}

/*
 * Returns the regularized incomplete beta function, by its continued fraction (DLMF 8.17.22). The
 * fraction converges fast only below the mean. Above the mean, use I_x(a, b) = 1 - I_1-x(b, a)
 * (DLMF 8.17.4).
 */
static double incomplete_beta(double a, double b, double x)
{
	const double tiny = 1e-300;
	double front, c = 1, d, f;

	if (x <= 0)
		return 0;
	if (x >= 1)
		return 1;
	if (x > (a + 1) / (a + b + 2))
		return 1 - incomplete_beta(b, a, 1 - x);
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a;
	/* Lentz's method, which evaluates the fraction from its first term on. */
	d = 1 - (a + b) * x / (a + 1);
	f = d = 1 / (fabs(d) < tiny ? tiny : d);
	for (int m = 1; m < 1000; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double step;

		d = 1 + even * d;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = 1 + even / c;
		f *= c * d;
		d = 1 + odd * d;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = 1 + odd / c;
		step = c * d;
		f *= step;
		if (fabs(step - 1) < 1e-14)
			break;
	}
	return front * f;
}

double student_p(double t, double df)
{
	return incomplete_beta(df / 2, 0.5, df / (df + t * t));
}

double student_t(double p, double df)
{
	double low = -30, high = 60; /* of the logarithm of t */

	for (int i = 0; i < 100; i++) {
		double middle = (low + high) / 2;

		if (student_p(exp(middle), df) > p)
			low = middle;
		else
			high = middle;
	}
	return exp((low + high) / 2);
}

/* The lag window: flat, then falling to 0 (Politis, Romano 1995). */
static double window(double t)
{
	return t <= 0.5 ? 1 : t <= 1 ? 2 * (1 - t) : 0;
}

static double autocovariance(const double *x, size_t n, size_t lag)
{
	double sum = 0;

	for (size_t i = lag; i < n; i++)
		sum += x[i] * x[i - lag];
	return sum / n;
}

/*
 * Politis, White: Automatic Block-Length Selection for the Dependent Bootstrap (2004), with the
 * correction of Patton, Politis, White (2009). With this length the variance of a mean by the
 * bootstrap is nearest to the true variance. Correlations count up to the last lag before `run`
 * small ones in a row. A correlation is small if chance alone explains it.
 */
double block_length(const double *x, size_t n)
{
	size_t run = fmax(5, ceil(log10(n))), lags = ceil(sqrt(n)) + run, small = 0, last = 0;
	double r0 = autocovariance(x, n, 0), chance = 2 * sqrt(log10(n) / n);
	double longest = fmin(3 * sqrt(n), n / 4.0), spectrum = r0, slope = 0, length;

	if (r0 <= 0 || n < 4)
		return 1;
	if (lags > n - 1)
		lags = n - 1;
	for (size_t lag = 1; lag <= lags && small < run; lag++) {
		if (fabs(autocovariance(x, n, lag)) < chance * r0) {
			small++;
		} else {
			small = 0;
			last = lag;
		}
	}
	last = last ? 2 * last : 1;
	if (last > lags)
		last = lags;
	for (size_t lag = 1; lag <= last; lag++) {
		double r = 2 * window((double)lag / last) * autocovariance(x, n, lag);

		spectrum += r;
		slope += lag * r;
	}
	/* The constant of the circular bootstrap is 4/3 of the squared spectrum at 0. */
	length = cbrt(1.5 * slope * slope / (spectrum * spectrum) * n);
	if (!(length <= longest))
		length = longest;
	return length < 1 ? 1 : length;
}

/* The derivatives of log gamma: below 6 by recurrence, then the asymptotic series (DLMF 5.11.2). */
static double digamma(double x)
{
	double sum = 0, y;

	for (; x < 6; x++)
		sum -= 1 / x;
	y = 1 / (x * x);
	return sum + log(x) - 0.5 / x - y * (1 / 12.0 - y * (1 / 120.0 - y / 252));
}

static double trigamma(double x)
{
	double sum = 0, y;

	for (; x < 6; x++)
		sum += 1 / (x * x);
	y = 1 / (x * x);
	return sum + 1 / x + y / 2 + y / x * (1 / 6.0 - y * (1 / 30.0 - y / 42));
}

static double inverse_trigamma(double value)
{
	double low = -15, high = 15; /* of the logarithm; trigamma() falls */

	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		if (trigamma(exp(middle)) > value)
			low = middle;
		else
			high = middle;
	}
	return exp((low + high) / 2);
}

/*
 * Smyth: Linear Models and Empirical Bayes Methods for Assessing Differential Expression (2004),
 * section 6.2. If all variances were estimates of the same variance, the variance of their
 * logarithms would be trigamma(df / 2). Any excess comes from true differences between the
 * variances.
 */
double variance_prior(const double *variances, size_t n, double df, double *prior)
{
	double mean = 0, scatter = 0, df0;

	if (n < 2)
		return 0;
	for (size_t i = 0; i < n; i++)
		mean += log(variances[i]) / n;
	for (size_t i = 0; i < n; i++)
		scatter += pow(log(variances[i]) - mean, 2) / (n - 1);
	scatter -= trigamma(df / 2);
	df0 = scatter > 0 ? fmin(2 * inverse_trigamma(scatter), 1e6) : 1e6;
	*prior = exp(mean - digamma(df / 2) + log(df / 2) + digamma(df0 / 2) - log(df0 / 2));
	return df0;
}
