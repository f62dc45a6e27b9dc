// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include "base/format.h"
#include "output/histogram_text.h"
#include "output/queue_name.h"

#define BAR 44

/* Line 0 of a histogram is the value 0. Line n has the values from 2^(n-1) to 2^n - 1. */
#define LINES (VT_NR_BUCKETS / (1 << VT_STEP_BITS) + VT_STEP_BITS)

static unsigned int line_of(uint64_t value)
{
	unsigned int line = 0;

	while (line < LINES - 1 && value >> line)
		line++;
	return line;
}

static double line_start(unsigned int line)
{
	return line ? 1ull << (line - 1) : 0;
}

/* Writes a value of a histogram of @op: a time, or a number of buffers. */
static char *format_value(char *buf, enum vt_op op, double value, uint64_t clock_step)
{
	if (op >= VT_NR_TIMED)
		return format_number(buf, value);
	return format_measured(buf, value, clock_step);
}

/*
 * Returns where a line of the histogram ends. If the clock moves in steps, the line of 0 has all
 * times below a step.
 */
static double line_end(unsigned int line, enum vt_op op, uint64_t clock_step)
{
	return !line && op < VT_NR_TIMED && clock_step ? clock_step : line_start(line + 1);
}

static void print_histogram(FILE *f, const char *title, enum vt_op op, const struct op_stats *s,
			    const struct snapshot *diff)
{
	static const struct {
		const char *name;
		double q;
	} quantiles[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 } };
	unsigned int first = LINES, last = 0;
	uint64_t lines[LINES] = {}, most = 0;
	double seconds = diff->since / 1e9;
	char a[FORMAT_LEN], b[FORMAT_LEN];

	fprintf(f, "%s%s: %llu, %s/s", title, op_name(op), (unsigned long long)s->count,
		format_number(a, seconds > 0 ? s->count / seconds : 0));
	if (s->refused && op_refused_name(op))
		fprintf(f, ", %s %s", format_share(a, s->refused, s->count), op_refused_name(op));
	if (!s->timed) {
		fprintf(f, "\n  times are not available on this kernel\n\n");
		return;
	}
	fprintf(f, "\n  mean %s",
		op < VT_NR_TIMED ? format_mean(a, op_stats_mean(s), diff->clock_step)
				 : format_number(a, op_stats_mean(s)));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		fprintf(f, "  %s %s", quantiles[i].name,
			format_value(a, op,
				     histogram_quantile(&s->histogram, quantiles[i].q, s->max),
				     diff->clock_step));
	fprintf(f, "  max %s\n", format_value(a, op, s->max, diff->clock_step));

	for (unsigned int i = s->histogram.begin; i < s->histogram.end; i++) {
		unsigned int line = line_of(histogram_lower(i));

		lines[line] += s->histogram.bucket[i];
		if (!s->histogram.bucket[i])
			continue;
		if (first == LINES)
			first = line;
		last = line;
		if (lines[line] > most)
			most = lines[line];
	}
	for (unsigned int i = first; i <= last; i++) {
		int length = most ? (lines[i] * BAR + most - 1) / most : 0;

		fprintf(f, "  %7s - %-7s %9llu |%.*s\n", format_value(a, op, line_start(i), 0),
			format_value(b, op, line_end(i, op, diff->clock_step), 0),
			(unsigned long long)lines[i], length,
			"############################################");
	}
	fprintf(f, "\n");
}

void histogram_print(const struct snapshot *diff, bool per_queue, FILE *f)
{
	struct op_stats sum;
	bool any = false;

	for (int op = 0; op < VT_NR_COUNTED; op++) {
		memset(&sum, 0, sizeof(sum));
		for (size_t i = 0; i < diff->nr_queues; i++) {
			const struct queue *q = &diff->queues[i];
			char name[QUEUE_NAME], title[4 * VT_NAME_LEN];

			if (!q->op[op] || !q->op[op]->count)
				continue;
			any = true;
			op_stats_add(&sum, q->op[op]);
			if (!per_queue)
				continue;
			snprintf(title, sizeof(title), "virtio%d %s%s%s %s ", q->device, q->role,
				 q->role[0] ? " " : "", queue_name(diff, q, QUEUE_NAME - 1, name),
				 layout_name(q->layout));
			print_histogram(f, title, op, q->op[op], diff);
		}
		if (sum.count && !per_queue)
			print_histogram(f, "", op, &sum, diff);
	}
	if (!any)
		fprintf(f, "No operation was seen.\n");
}
