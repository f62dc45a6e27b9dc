/* SPDX-License-Identifier: GPL-2.0 */
/* Statistics: distributions, correlated series, variances. No function here can fail. */
#ifndef STATISTICS_H
#define STATISTICS_H

#include <stddef.h>
#include <stdint.h>

/**
 * Returns the next random number. The sequence is the same on every machine.
 * @state: any seed at the start
 */
uint64_t random_next(uint64_t *state);

/** Returns a random whole number from 0 to @below - 1. */
size_t random_below(uint64_t *state, size_t below);

/**
 * Returns the chance that Student's t is at least @t away from 0.
 * @df: degrees of freedom, above 0
 */
double student_p(double t, double df);

/**
 * Returns the t for a chance; the inverse of student_p().
 * @p: above 0, at most 1
 */
double student_t(double p, double df);

/**
 * Returns how many values a block of a circular block bootstrap should have: at least 1, and so few
 * that the series has several blocks.
 * @x: a series with mean 0
 */
double block_length(const double *x, size_t n);

/**
 * Computes what many variances, each estimated from few values, predict for one more variance.
 * @variances: above 0
 * @df: the degrees of freedom of each variance
 * @prior: becomes the predicted variance
 * Returns how many degrees of freedom the prediction is worth, at most 1e6. 0: the variances
 * predict nothing.
 */
double variance_prior(const double *variances, size_t n, double df, double *prior);

#endif
