// SPDX-License-Identifier: GPL-2.0
/* vringtop hist: latency histograms per operation. */
#include <stdio.h>
#include "output/histogram_text.h"
#include "output/json.h"
#include "probe/probe.h"
#include "verbs/interval_loop.h"
#include "verbs/options.h"
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

struct hist_options {
	struct op_filter filter;
	struct interval_options intervals;
	bool json;
	bool per_queue;
};

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "Output:", 2 },
	{ "json", OPT_JSON, 0, 0, "JSON instead of histograms", 2 },
	{ "per-queue", 'Q', 0, 0, "Each queue by itself", 2 },
	{},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct hist_options *o = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->filter;
		state->child_inputs[1] = &o->intervals;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case 'Q':
		o->per_queue = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &op_filter_argp, 0, NULL, 0 },
	{ &intervals_argp, 0, NULL, 0 },
	{},
};
static const struct argp argp = { options, parse, .doc = doc, .children = children };

static int print_interval(const struct snapshot *diff, const void *options)
{
	const struct hist_options *o = options;
	char limits[80];

	if (o->json) {
		json_print(json_snapshot(diff, json_now(), true));
		return 0;
	}
	printf("%.2f s, %zu queues, lost %llu%s\n\n", diff->since / 1e9, snapshot_queues(diff),
	       (unsigned long long)diff->lost, snapshot_limits(diff, limits, sizeof(limits)));
	histogram_print(diff, o->per_queue, stdout);
	return 0;
}

int verb_hist(int argc, char **argv)
{
	struct hist_options o = { .filter.all = PROBE_ALL_OPS };

	options_parse(&argp, argc, argv, 0, &o);
	return interval_loop(&o.filter.filter, &o.intervals, print_interval, &o);
}
