/* SPDX-License-Identifier: GPL-2.0 */
/* The loop of the verbs that print: read, take the difference, show it. */
#ifndef INTERVAL_LOOP_H
#define INTERVAL_LOOP_H

#include "model/snapshot.h"
#include "verbs/options.h"

/**
 * Shows what happens, interval by interval, until there were as many as asked for or a signal
 * comes. Without a length of intervals it shows all at once, at the end.
 * @show: prints a filtered difference; returns 0, or not after it has complained
 * @options: is handed to @show
 * Returns an exit status.
 */
int interval_loop(const struct filter *filter, const struct interval_options *intervals,
		  int (*show)(const struct snapshot *diff, const void *options),
		  const void *options);

#endif
