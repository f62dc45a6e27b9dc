/* SPDX-License-Identifier: GPL-2.0 */
/* Histograms as text, live or recorded. */
#ifndef HISTOGRAM_TEXT_H
#define HISTOGRAM_TEXT_H

#include <stdio.h>
#include "model/snapshot.h"

/**
 * Prints a histogram of each operation that happened to @f.
 * @diff: a difference of snapshots, or a sum of them
 * @per_queue: of each queue by itself; else of all together
 */
void histogram_print(const struct snapshot *diff, bool per_queue, FILE *f);

#endif
