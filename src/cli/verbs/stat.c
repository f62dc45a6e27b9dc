// SPDX-License-Identifier: GPL-2.0
/* vringtop stat: a table per interval, like vmstat. vringtop stages: its page of stages. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/error.h"
#include "base/format.h"
#include "output/json.h"
#include "output/table.h"
#include "probe/probe.h"
#include "verbs/interval_loop.h"
#include "verbs/options.h"
#include "verbs/verbs.h"

/* make_doc() adds the legends of the columns. */
static const char stat_help[] =
	"Prints a table of the queues that moved, for each interval (1 s unless told), until it "
	"has printed COUNT of them or is interrupted. Times are those of requests, from add to "
	"get, or with -o those of the named operations."
	"\vExamples:\n"
	"  sudo vringtop stat\n"
	"  sudo vringtop stat -o add,get 5\n"
	"  sudo vringtop stat -p doorbells 1 10\n"
	"  sudo vringtop stat -d vda        how long the requests to a disk take\n"
	"  sudo vringtop stat --json 1 3 | jq .layouts\n\n";

struct stat_options {
	struct op_filter filter;
	struct interval_options intervals;
	enum page page;
	bool json;
};

static void print_header(const struct snapshot *diff, const struct stat_options *o)
{
	char clock[16], probe[FORMAT_LEN], ops[64], limits[80];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	printf("%s  %.2f s  %s  lost %llu  tool %.1f%% CPU", clock, diff->since / 1e9, diff->how,
	       (unsigned long long)diff->lost, diff->since ? 100e9 * diff->cpu / diff->since : 0);
	printf("%s", snapshot_limits(diff, limits, sizeof(limits)));
	if (diff->probe_ns > 0)
		printf("  probe %s/op", format_time(probe, diff->probe_ns));
	printf("  times: %s\n", table_timed(o->page, op_filter_timed(&o->filter),
					    o->filter.filter.ops, ops, sizeof(ops)));
}

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "Output:", 2 },
	OPTION_JSON,
	{ "page", 'p', "PAGE", 0,
	  "What the table shows: queues (default), layouts, doorbells, stages", 2 },
	{},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct stat_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->filter;
		state->child_inputs[1] = &o->intervals;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case 'p':
		o->page = page_by_name(arg);
		if (o->page == PAGE_QUEUES && strcmp(arg, "queues"))
			wrong_use(state, "There are: queues layouts doorbells stages",
				  "unknown page '%s'", arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &op_filter_argp, 0, NULL, 0 },
	{ &intervals_argp, 0, NULL, 0 },
	{},
};

static int print_interval(const struct snapshot *diff, const void *options)
{
	const struct stat_options *o = options;
	struct table t;

	if (o->json) {
		json_print(json_snapshot(diff, json_now(), false));
		return 0;
	}
	if (table_make(diff, o->page, op_filter_timed(&o->filter), o->filter.filter.ops, &t))
		return complain(NULL, "no memory for a table");
	print_header(diff, o);
	table_print(&t, table_width(), stdout);
	printf("\n");
	table_free(&t);
	return 0;
}

/*
 * Returns the text of --help: @help, and the legend of the columns of a page, or with NR_PAGES of
 * all. The next call overwrites the text.
 */
static const char *make_doc(const char *help, enum page page)
{
	static char doc[8192];
	struct table_legend legend[TABLE_MAX_LEGEND];
	size_t lines = table_legend(page, legend);
	int n = snprintf(doc, sizeof(doc), "%sColumns (- is: not counted, or nothing to say):\n",
			 help);

	for (size_t i = 0; i < lines && n < (int)sizeof(doc); i++)
		n += snprintf(doc + n, sizeof(doc) - n, "  %-16s  %s\n", legend[i].titles,
			      legend[i].text);
	return doc;
}

static const char stages_help[] =
	"Prints where the time of requests goes, for each interval (1 s unless told): for each "
	"queue the share and the 99th percentile of each stage.\n"
	"A request has up to four stages. queued: until the driver begins to ring the doorbell "
	"that announces the request. doorbell: until this doorbell has returned. device: until "
	"the interrupt of the device. wakeup: until the driver has fetched the request."
	"\vExamples:\n"
	"  sudo vringtop stages\n"
	"  sudo vringtop stages -d vda 5\n"
	"  sudo vringtop stages --json 1 3 | jq '.queues[].ops.device'\n"
	"  sudo vringtop hist -o queued,doorbell,device,wakeup 5 1\n\n";

static const struct argp_option stages_options[] = {
	{ 0, 0, 0, 0, "Output:", 2 },
	OPTION_JSON,
	{},
};

static const struct argp_child stages_children[] = {
	{ &filter_argp, 0, NULL, 0 },
	{ &intervals_argp, 0, NULL, 0 },
	{},
};

static error_t parse_stages(int key, char *arg, struct argp_state *state)
{
	struct stat_options *o = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->filter.filter;
		state->child_inputs[1] = &o->intervals;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

int verb_stages(int argc, char **argv)
{
	struct stat_options o = {
		.filter = { .filter.ops = PROBE_REQUESTS, .to_used = true },
		.intervals.seconds = 1,
		.page = PAGE_STAGES,
	};
	const struct argp argp = { stages_options, parse_stages,
				   .doc = make_doc(stages_help, PAGE_STAGES),
				   .children = stages_children };

	options_parse(&argp, argc, argv, 0, &o);
	return interval_loop(&o.filter.filter, &o.intervals, print_interval, &o);
}

int verb_stat(int argc, char **argv)
{
	struct stat_options o = {
		.filter = { .all = PROBE_REQUESTS, .requests = true },
		.intervals.seconds = 1,
		.page = PAGE_QUEUES,
	};
	const struct argp argp = { options, parse, .doc = make_doc(stat_help, NR_PAGES),
				   .children = children };

	options_parse(&argp, argc, argv, 0, &o);
	return interval_loop(&o.filter.filter, &o.intervals, print_interval, &o);
}
