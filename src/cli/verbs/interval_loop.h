/* SPDX-License-Identifier: GPL-2.0 */
/* The loop of the verbs that print intervals: read the counters, take the difference, show it. */
#ifndef INTERVAL_LOOP_H
#define INTERVAL_LOOP_H

#include "model/snapshot.h"
#include "verbs/options.h"

/**
 * Opens the probe and shows one interval after the other, until intervals->count were shown (0: no
 * limit) or a signal comes. If intervals->seconds is 0, shows a single interval, which a signal
 * ends.
 * @show: prints a filtered difference. Returns 0, or another number after a message.
 * @options: is passed to @show
 * Returns the exit status of the verb: 0, or 1 after a message.
 */
int interval_loop(const struct filter *filter, const struct interval_options *intervals,
		  int (*show)(const struct snapshot *diff, const void *options),
		  const void *options);

#endif
