/* SPDX-License-Identifier: GPL-2.0 */
/* Prints histograms as text, from live counts or from a recording. */
#ifndef HISTOGRAM_TEXT_H
#define HISTOGRAM_TEXT_H

#include <stdio.h>
#include "model/snapshot.h"

/**
 * Prints to @f a histogram of each operation that happened.
 * @diff: a difference of snapshots, or a sum of differences
 * @per_queue: true: histograms for each queue; false: histograms of all queues together
 */
void histogram_print(const struct snapshot *diff, bool per_queue, FILE *f);

#endif
