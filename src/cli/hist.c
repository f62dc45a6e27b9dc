// SPDX-License-Identifier: GPL-2.0
/* vringtop hist: latency histograms per operation. */
#include <stdio.h>
#include <string.h>
#include "format.h"
#include "json.h"
#include "live.h"
#include "verbs.h"

#define BAR 44

static const char doc[] =
	"Prints a histogram of the time that each operation took: per interval, or without an "
	"interval once, when it is interrupted. A line is a power of two; the quantiles come from "
	"16 steps in each."
	"\vExamples:\n"
	"  sudo vringtop hist               until Ctrl-C\n"
	"  sudo vringtop hist 10 1          over 10 seconds\n"
	"  sudo vringtop hist -Q -d vda -o add,get 5 1\n"
	"  sudo vringtop hist --json 5 1    all buckets as [from, below, count]";

static void print_hist(const char *title, enum vt_op op, const struct op_stats *s, double seconds)
{
	static const struct {
		const char *name;
		double q;
	} quantiles[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 } };
	const unsigned int steps = 1 << VT_STEP_BITS;
	unsigned int first = VT_NR_BUCKETS, last = 0;
	uint64_t lines[VT_NR_BUCKETS / (1 << VT_STEP_BITS)] = {}, most = 0;
	char a[FORMAT_LEN], b[FORMAT_LEN];

	printf("%s%s: %llu, %s/s", title, op_name(op), (unsigned long long)s->count,
	       format_number(a, seconds > 0 ? s->count / seconds : 0));
	if (s->no && op_no_name(op))
		printf(", %s %s", format_share(a, s->no, s->count), op_no_name(op));
	printf("\n  mean %s", format_time(a, (double)s->sum / s->count));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		printf("  %s %s", quantiles[i].name,
		       format_time(a, loglin_quantile(&s->hist, quantiles[i].q, s->max)));
	printf("  max %s\n", format_time(a, s->max));

	for (unsigned int i = 0; i < VT_NR_BUCKETS; i++) {
		uint64_t *line = &lines[i / steps];

		*line += s->hist.bucket[i];
		if (!s->hist.bucket[i])
			continue;
		if (first > i / steps)
			first = i / steps;
		last = i / steps;
		if (*line > most)
			most = *line;
	}
	for (unsigned int i = first; i <= last; i++) {
		int length = most ? (lines[i] * BAR + most - 1) / most : 0;

		printf("  %7s - %-7s %9llu |%.*s\n", format_time(a, loglin_lower(i * steps)),
		       format_time(b, loglin_lower((i + 1) * steps)), (unsigned long long)lines[i],
		       length, "############################################");
	}
	printf("\n");
}

static void print_all(const struct snapshot *diff, const struct options *o)
{
	double seconds = diff->since / 1e9;
	struct op_stats sum;
	bool any = false;

	printf("%.2f s, %zu queues, lost %llu\n\n", seconds, diff->nr_queues,
	       (unsigned long long)diff->lost);
	for (int op = 0; op < VT_NR_OPS; op++) {
		memset(&sum, 0, sizeof(sum));
		for (size_t i = 0; i < diff->nr_queues; i++) {
			const struct queue *q = &diff->queues[i];
			char title[3 * VT_NAME_LEN];

			if (!q->op[op] || !q->op[op]->count)
				continue;
			any = true;
			op_stats_add(&sum, q->op[op]);
			if (!o->per_queue)
				continue;
			snprintf(title, sizeof(title), "virtio%d %s%s%s %s ", q->device, q->role,
				 q->role[0] ? " " : "", q->name, layout_name(q->layout));
			print_hist(title, op, q->op[op], seconds);
		}
		if (sum.count && !o->per_queue)
			print_hist("", op, &sum, seconds);
	}
	if (!any)
		printf("No operation was seen.\n");
}

static int print_interval(const struct snapshot *diff, const struct options *o)
{
	if (o->json) {
		json_print(json_snapshot(diff, true));
		return 0;
	}
	print_all(diff, o);
	return 0;
}

int verb_hist(int argc, char **argv)
{
	struct options o;

	options_parse(argc, argv, USE_JSON | USE_INTERVAL | USE_OPS | USE_PER_QUEUE, doc, &o);
	return live_run(&o, print_interval);
}
