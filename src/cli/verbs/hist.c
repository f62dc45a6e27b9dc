// SPDX-License-Identifier: GPL-2.0
/* vringtop hist: latency histograms per operation. */
#include <stdio.h>
#include "output/histogram_text.h"
#include "output/json.h"
#include "verbs/interval_loop.h"
#include "verbs/verbs.h"

static const char doc[] =
	"Prints a histogram of the time that each operation took: per interval, or without an "
	"interval once, when it is interrupted. A line is a power of two; the quantiles come from "
	"16 steps in each."
	"\vExamples:\n"
	"  sudo vringtop hist               until Ctrl-C\n"
	"  sudo vringtop hist 10 1          over 10 seconds\n"
	"  sudo vringtop hist -Q -d vda -o add,get 5 1\n"
	"  sudo vringtop hist -o avail_to_used,buffers_per_doorbell 5 1\n"
	"  sudo vringtop hist --json 5 1    all buckets as [from, below, count]";

static int print_interval(const struct snapshot *diff, const struct options *o)
{
	if (o->json) {
		json_print(json_snapshot(diff, json_now(), true));
		return 0;
	}
	printf("%.2f s, %zu queues, lost %llu\n\n", diff->since / 1e9, snapshot_queues(diff),
	       (unsigned long long)diff->lost);
	histogram_print(diff, o->per_queue);
	return 0;
}

int verb_hist(int argc, char **argv)
{
	struct options o;

	options_parse(argc, argv, USE_JSON | USE_INTERVAL | USE_OPS | USE_PER_QUEUE, doc, &o);
	return interval_loop(&o, print_interval);
}
