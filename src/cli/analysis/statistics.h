/* SPDX-License-Identifier: GPL-2.0 */
/* Statistics: distributions, correlated series, variances. No function here can fail. */
#ifndef STATISTICS_H
#define STATISTICS_H

#include <stddef.h>
#include <stdint.h>

/** The next random number, the same on every machine. @state: any seed to begin with */
uint64_t random_next(uint64_t *state);

/** A whole number from 0 to @below - 1. */
size_t random_below(uint64_t *state, size_t below);

/** The chance that Student's t is at least @t away from 0. @df: degrees of freedom, above 0 */
double student_p(double t, double df);

/** The inverse of student_p(): the t for a chance. @p: above 0, at most 1 */
double student_t(double p, double df);

/**
 * How many values a block of a circular block bootstrap should have: at least 1, and few enough
 * that the series has several blocks.
 * @x: a series with mean 0
 */
double block_length(const double *x, size_t n);

/**
 * Finds what many variances, each estimated from few values, tell in advance of one more variance:
 * a value, and how many degrees of freedom that value is worth.
 * @variances: above 0
 * @df: the degrees of freedom of each
 * @prior: becomes the value
 * Returns its degrees of freedom, at most 1e6; 0: the variances tell nothing.
 */
double variance_prior(const double *variances, size_t n, double df, double *prior);

#endif
