/* SPDX-License-Identifier: GPL-2.0 */
/* The loop of the verbs that print: read, take the difference, show it. */
#ifndef INTERVAL_LOOP_H
#define INTERVAL_LOOP_H

#include "model/snapshot.h"
#include "verbs/options.h"

/**
 * Shows what happens, interval by interval, until the count of the options is
 * reached or a signal comes. Without an interval it shows all at once, at the end.
 * @show: prints a filtered difference; returns 0, or not after it has complained
 * Returns an exit status.
 */
int interval_loop(const struct options *o,
		  int (*show)(const struct snapshot *diff, const struct options *o));

#endif
