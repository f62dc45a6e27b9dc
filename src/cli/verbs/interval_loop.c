// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/confine.h"
#include "base/error.h"
#include "base/signals.h"
#include "probe/probe.h"
#include "verbs/interval_loop.h"
#include "verbs/verbs.h"

/* Counts are fetched at least so often (s), so that none wraps unseen. */
#define FETCH 10

static int show_checked(const struct snapshot *diff, const struct options *o,
			int (*show)(const struct snapshot *diff, const struct options *o))
{
	if (show(diff, o))
		return -1;
	if (fflush(stdout) || ferror(stdout))
		return complain(NULL, "cannot write to stdout: %s", strerror(errno));
	return 0;
}

int interval_loop(const struct options *o,
		  int (*show)(const struct snapshot *diff, const struct options *o))
{
	struct snapshot before = {}, diff = {}, sum = {};
	struct probe *p = probe_open(o->filter.ops);
	const struct snapshot *now;
	const uint64_t step = (o->interval ?: FETCH) * 1e9; /* ns */
	bool more = true;
	uint64_t next;
	int failed = 1;

	if (!p)
		return 1;
	if (confine())
		goto out;
	now = probe_read(p);
	if (!now || filter_match(&o->filter, now) || snapshot_copy(now, &before))
		goto out;
	if (!o->interval)
		fprintf(stderr, "Counting; Ctrl-C ends it and prints what was seen.\n");
	next = before.time;
	for (unsigned long i = 0; more && (!o->count || i < o->count); i++) {
		next += step;
		/* The machine slept, or this process was stopped: no burst of intervals makes up
		 * for it. */
		if (next + step < probe_now())
			next = probe_now() + step;
		more = wait_until(next);
		if (!more && o->interval)
			break;
		now = probe_read(p);
		if (!now || snapshot_diff(now, &before, &diff) || snapshot_copy(now, &before))
			goto out;
		filter_apply(&o->filter, &diff);
		if (o->interval ? show_checked(&diff, o, show) : snapshot_add(&sum, &diff))
			goto out;
	}
	if (!o->interval && show_checked(&sum, o, show))
		goto out;
	failed = 0;
out:
	snapshot_free(&before);
	snapshot_free(&diff);
	snapshot_free(&sum);
	probe_close(p);
	return failed;
}
