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

/* The longest time between two readings of the counters, s. */
#define FETCH 10

/*
 * Sleeps until @until (ns, CLOCK_MONOTONIC). Meanwhile calls probe_measure() whenever it is due.
 * Returns false if a signal ended the sleep.
 */
static bool wait_and_measure(struct probe *p, uint64_t until)
{
	uint64_t measure;

	while ((measure = probe_measure(p)) < until)
		if (!wait_until(measure))
			return false;
	return wait_until(until);
}

/*
 * Waits until @until and reads what was counted. Reads the counters at least every FETCH seconds,
 * because a bucket of a histogram has 32 bits: 1,000,000 operations per second in one bucket wrap
 * it after 71 minutes.
 * @before: the snapshot that was read last; becomes the new snapshot
 * @sum: becomes what was counted between the two, unfiltered
 * @until: ns, CLOCK_MONOTONIC
 * @stopped: becomes true if a signal ended the wait
 * Returns 0, or -1 after a message.
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
		/*
		 * Nearly always one reading is enough, so the first difference goes into @sum
		 * itself.
		 */
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
	/* snapshot_add() puts new queues at the end. */
	if (sum->nr_queues)
		qsort(sum->queues, sum->nr_queues, sizeof(*sum->queues), queue_order);
	return 0;
}

int interval_loop(const struct filter *filter, const struct interval_options *intervals,
		  int (*show)(const struct snapshot *diff, const void *options),
		  const void *options)
{
	const uint64_t step = intervals->seconds * 1e9; /* ns; 0: one interval, ended by a signal */
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
		/*
		 * After the machine slept or this process was stopped, skip the missed intervals:
		 * do not show them all at once.
		 */
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
