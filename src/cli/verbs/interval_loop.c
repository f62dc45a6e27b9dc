// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include "base/confine.h"
#include "base/error.h"
#include "base/output_file.h"
#include "base/signals.h"
#include "probe/probe.h"
#include "verbs/attach.h"
#include "verbs/interval_loop.h"
#include "verbs/verbs.h"

/* Counts are read at least so often, s. */
#define FETCH 10

/* Sleeps until a time (ns), as wait_until() does, and ends the measuring of the cost meanwhile. */
static bool wait_and_measure(struct probe *p, uint64_t until)
{
	uint64_t measure;

	while ((measure = probe_measure(p)) < until)
		if (!wait_until(measure))
			return false;
	return wait_until(until);
}

/*
 * Reads what happened until a time, and at least every FETCH seconds: a bucket of a histogram has
 * 32 bits, which at 1,000,000 operations per second and in one bucket last for 71 minutes.
 * @before: what was read last; becomes what is read now
 * @sum: becomes what happened, unfiltered
 * @until: ns, CLOCK_MONOTONIC
 * @stopped: becomes true if a signal ended it
 * Returns 0, or -1 after it has complained.
 */
static int read_until(struct probe *p, struct snapshot *before, struct snapshot *sum,
		      uint64_t until, bool *stopped)
{
	struct snapshot diff = {};
	bool more;

	for (bool first = true;; first = false) {
		uint64_t step = probe_now() + FETCH * 1000000000ull;
		const struct snapshot *now;
		int err;

		more = step < until;
		*stopped = !wait_and_measure(p, more ? step : until);
		now = probe_read(p);
		if (!now)
			return -1;
		/* Nearly always one reading is all. */
		err = snapshot_diff(now, before, first ? sum : &diff) ||
		      snapshot_copy(now, before) || (!first && snapshot_add(sum, &diff));
		if (err) {
			snapshot_free(&diff);
			return complain(NULL, "no memory for what was counted");
		}
		if (!more || *stopped)
			break;
	}
	snapshot_free(&diff);
	/* Queues that came later stand at the end of a sum. */
	if (sum->nr_queues)
		qsort(sum->queues, sum->nr_queues, sizeof(*sum->queues), queue_order);
	return 0;
}

int interval_loop(const struct filter *filter, const struct interval_options *intervals,
		  int (*show)(const struct snapshot *diff, const void *options),
		  const void *options)
{
	const uint64_t step = intervals->seconds * 1e9; /* ns; 0: one interval, until a signal */
	struct snapshot before = {}, sum = {};
	struct probe *p = attach(filter->ops);
	const struct snapshot *now;
	bool stopped = false;
	uint64_t next;
	int failed = 1;

	if (!p)
		return 1;
	if (confine())
		goto out;
	now = probe_read(p);
	if (!now || filter_match(filter, now))
		goto out;
	if (snapshot_copy(now, &before)) {
		complain(NULL, "no memory for %zu queues", now->nr_queues);
		goto out;
	}
	if (!step)
		fprintf(stderr, "Counting; Ctrl-C ends it and prints what was seen.\n");
	next = before.time;
	for (unsigned long i = 0; !stopped && (!intervals->count || i < intervals->count); i++) {
		next = step ? next + step : UINT64_MAX;
		/* The machine slept, or this process was stopped: no burst of intervals makes up
		 * for it. */
		if (step && next + step < probe_now())
			next = probe_now() + step;
		if (read_until(p, &before, &sum, next, &stopped))
			goto out;
		/* An interval that a signal cut short is not shown. */
		if (stopped && step)
			break;
		filter_apply(filter, &sum);
		if (show(&sum, options) || check_stdout())
			goto out;
	}
	failed = 0;
out:
	snapshot_free(&before);
	snapshot_free(&sum);
	probe_close(p);
	return failed;
}
