// SPDX-License-Identifier: GPL-2.0
/*
 * Writes a recording as a page. The most important parts come first: figures, then plots, then
 * tables.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/format.h"
#include "model/ring.h"
#include "output/html.h"
#include "output/plot.h"
#include "output/queue_name.h"
#include "output/report.h"
#include "output/table.h"

#define COLUMNS	   100 /* of a plot over time; if there are more intervals, a column has several */
#define BINS	   48  /* rows of a heat map: ranges of times */
#define CARDS	   10  /* the most queues with their own plots */
#define LINES	   PLOT_COLOURS /* the most queues in one plot */
#define MORE_HEATS 3		/* the most heat maps of a queue beside its first one */

/* A queue. The list is sorted, with the busiest queue first. */
struct card {
	const struct queue *queue; /* in report.total */
	uint64_t count;
	char name[QUEUE_TITLE];
};

struct page_of {
	struct report *report;
	FILE *f;
	struct card *cards; /* owned; all queues with operations */
	size_t nr_moved, nr_cards;
	struct snapshot column[COLUMNS]; /* owned; only the queues of the cards */
	double edge[COLUMNS + 1];	 /* s from the start */
	double steps[2 * COLUMNS]; /* x of the begin and end of each column, for lines in steps */
	size_t columns;
};

static double seconds_of(const struct page_of *p, size_t column)
{
	return p->column[column].since / 1e9;
}

static const struct queue *find_queue(const struct snapshot *s, unsigned int serial)
{
	for (size_t i = 0; i < s->nr_queues; i++)
		if (s->queues[i].serial == serial)
			return &s->queues[i];
	return NULL;
}

static bool timed(const struct queue *q, int op)
{
	return q && q->op[op] && q->op[op]->timed;
}

static int busiest_first(const void *a, const void *b)
{
	const struct card *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return (x->queue > y->queue) - (x->queue < y->queue);
}

static int find_cards(struct page_of *p)
{
	const struct snapshot *s = &p->report->total;

	p->cards = calloc(s->nr_queues + 1, sizeof(*p->cards));
	if (!p->cards)
		return -1;
	for (size_t i = 0; i < s->nr_queues; i++) {
		struct card *c = &p->cards[p->nr_moved];

		for (int op = 0; op < VT_NR_TIMED; op++)
			c->count += s->queues[i].op[op] ? s->queues[i].op[op]->count : 0;
		if (!c->count)
			continue;
		c->queue = &s->queues[i];
		queue_title(s, c->queue, c->name);
		p->nr_moved++;
	}
	qsort(p->cards, p->nr_moved, sizeof(*p->cards), busiest_first);
	p->nr_cards = p->nr_moved < CARDS ? p->nr_moved : CARDS;
	return 0;
}

/* Keeps only the queues that have plots, because a long recording of many queues is large. */
static void keep_cards(const struct page_of *p, struct snapshot *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->nr_queues; i++) {
		struct queue *q = &s->queues[i];
		size_t c = 0;

		while (c < p->nr_cards && p->cards[c].queue->serial != q->serial)
			c++;
		for (int op = 0; c == p->nr_cards && op < VT_NR_COUNTED; op++)
			free(q->op[op]);
		if (c < p->nr_cards)
			s->queues[kept++] = *q;
	}
	s->nr_queues = kept;
}

static int read_columns(struct page_of *p)
{
	size_t all = p->report->intervals, i = 0;
	struct snapshot diff;

	while (i < all && report_next(p->report, &diff)) {
		size_t column = all <= COLUMNS ? i : i * COLUMNS / all;
		int err;

		if (column == p->columns) {
			p->edge[column] = (diff.time - diff.since) / 1e9;
			p->columns++;
		}
		p->edge[column + 1] = diff.time / 1e9;
		keep_cards(p, &diff);
		err = snapshot_add(&p->column[column], &diff);
		snapshot_free(&diff);
		if (err)
			return err;
		i++;
	}
	for (i = 0; i < p->columns; i++) {
		p->steps[2 * i] = p->edge[i];
		p->steps[2 * i + 1] = p->edge[i + 1];
	}
	return 0;
}

static struct plot_axis time_axis(const struct page_of *p)
{
	return (struct plot_axis){
		.label = "time since the start, s",
		.min = p->edge[0],
		.max = p->edge[p->columns],
	};
}

/* Returns the length of a column, s. */
static double column_seconds(const struct page_of *p)
{
	return (p->edge[p->columns] - p->edge[0]) / p->columns;
}

/* --- The first screen --- */

static void put_tile(FILE *f, const char *value, const char *what)
{
	fputs("<li><b>", f);
	html_text(f, value);
	fputs("</b><span>", f);
	html_text(f, what);
	fputs("</span></li>\n", f);
}

static void put_tiles(const struct page_of *p)
{
	const struct snapshot *s = &p->report->total;
	double seconds = s->since > 0 ? s->since / 1e9 : 1;
	uint64_t ops = 0, buffers = 0, sent = 0, suppressed = 0;
	char text[FORMAT_LEN * 2];

	for (size_t i = 0; i < s->nr_queues; i++) {
		struct op_stats sum;

		queue_sum(&s->queues[i], -1, &sum);
		ops += sum.count;
		buffers += queue_buffers(&s->queues[i]);
		sent += queue_doorbells(&s->queues[i]);
		suppressed += queue_suppressed(&s->queues[i]);
	}
	fputs("<ul class=\"tiles\">\n", p->f);
	snprintf(text, sizeof(text), "%.1f s", s->since / 1e9);
	put_tile(p->f, text, "recorded");
	put_tile(p->f, format_number(text, ops / seconds), "operations/s");
	put_tile(p->f, format_number(text, buffers / seconds), "buffers/s");
	put_tile(p->f, format_number(text, sent / seconds), "doorbells/s");
	put_tile(p->f, format_share(text, suppressed, sent + suppressed), "doorbells suppressed");
	snprintf(text, sizeof(text), "%.2f%%", p->report->info->cost_cpu_ns / 1e7 / seconds);
	put_tile(p->f, text, "of a CPU for the tool");
	snprintf(text, sizeof(text), "%zu of %zu", p->nr_moved, s->nr_queues);
	put_tile(p->f, text, "queues moved");
	put_tile(p->f, format_number(text, s->lost), "operations lost");
	fputs("</ul>\n", p->f);
}

static void put_facts(const struct page_of *p, bool all)
{
	static char text[REPORT_FACT];
	const char *name;

	fputs("<dl class=\"facts\">\n", p->f);
	for (unsigned int n = 0; report_fact(p->report, n, &name, text); n++) {
		bool brief = !strcmp(name, "command") || !strcmp(name, "kernel") ||
			     !strcmp(name, "machine") || !strcmp(name, "recorded");

		if (!text[0] || brief == all)
			continue;
		fputs("<dt>", p->f);
		html_text(p->f, name);
		fputs("</dt><dd>", p->f);
		html_text(p->f, text);
		fputs("</dd>\n", p->f);
	}
	fputs("</dl>\n", p->f);
}

/* --- All queues together --- */

typedef uint64_t (*count_of)(const struct queue *q);

/*
 * Makes a line in steps: the rate of a queue in each column, per second. Returns the largest rate.
 */
static double put_steps(const struct page_of *p, unsigned int serial, count_of count, double *y)
{
	double most = 0;

	for (size_t i = 0; i < p->columns; i++) {
		const struct queue *q = find_queue(&p->column[i], serial);
		double seconds = seconds_of(p, i);

		y[2 * i] = y[2 * i + 1] = q && seconds > 0 ? count(q) / seconds : 0;
		most = y[2 * i] > most ? y[2 * i] : most;
	}
	return most;
}

/* Writes a plot of a rate, with a line for each of the busiest queues. */
static void put_rates(const struct page_of *p, const char *title, const char *unit, count_of count)
{
	static double y[LINES][2 * COLUMNS];
	struct plot_line lines[LINES];
	struct plot plot = { .title = title, .x = time_axis(p) };
	char note[96];
	size_t n = 0;

	plot.y = (struct plot_axis){ .label = unit, .format = format_number };
	for (size_t c = 0; c < p->nr_cards && n < LINES; c++) {
		double most = put_steps(p, p->cards[c].queue->serial, count, y[n]);

		if (!(most > 0))
			continue;
		if (most > plot.y.max)
			plot.y.max = most;
		lines[n] = (struct plot_line){
			.name = p->cards[c].name, .x = p->steps, .y = y[n], .n = 2 * p->columns
		};
		n++;
	}
	if (!n)
		return;
	snprintf(note, sizeof(note), "The %zu busiest of %zu queues that moved.", n, p->nr_moved);
	plot.note = n < p->nr_moved ? note : NULL;
	plot.y.max *= 1.05;
	plot_lines(p->f, &plot, lines, n);
}

static void put_doorbell_bars(const struct page_of *p)
{
	static const char *const parts[] = { "sent", "suppressed: the device did not want it" };
	struct plot_bar bars[CARDS];
	double values[CARDS][2], seconds = p->report->total.since / 1e9;
	char texts[CARDS][32];
	struct plot plot = {
		.title = "Doorbells, sent and suppressed",
		.x = { .label = "doorbells per second", .format = format_number },
		.y = { .label = "queue" },
	};
	size_t n = 0;

	for (size_t c = 0; c < p->nr_cards; c++) {
		const struct queue *q = p->cards[c].queue;
		double sent = queue_doorbells(q), suppressed = queue_suppressed(q);
		char share[FORMAT_LEN];

		if (!(sent + suppressed) || !(seconds > 0))
			continue;
		values[n][0] = sent / seconds;
		values[n][1] = suppressed / seconds;
		snprintf(texts[n], sizeof(texts[n]), "%s suppressed",
			 format_share(share, suppressed, sent + suppressed));
		bars[n] = (struct plot_bar){ p->cards[c].name, values[n], texts[n] };
		if (values[n][0] + values[n][1] > plot.x.max)
			plot.x.max = values[n][0] + values[n][1];
		n++;
	}
	if (n)
		plot_bars(p->f, &plot, parts, 2, bars, n);
}

static void put_layout_bars(const struct page_of *p)
{
	static const char *const parts[] = { "add", "get", "kick_prepare", "notify", "all others" };
	static const int ops[] = { VT_OP_ADD, VT_OP_GET, VT_OP_KICK_PREPARE, VT_OP_NOTIFY };
	const struct snapshot *s = &p->report->total;
	double values[VT_NR_LAYOUTS][5] = {}, seconds = s->since / 1e9;
	struct plot_bar bars[VT_NR_LAYOUTS];
	char texts[VT_NR_LAYOUTS][64];
	struct plot plot = {
		.title = "Ring layouts in use",
		.x = { .label = "operations per second", .format = format_number },
		.y = { .label = "layout" },
	};
	size_t n = 0;

	for (int layout = 0; layout < VT_NR_LAYOUTS && seconds > 0; layout++) {
		struct layout_usage u;
		char rate[FORMAT_LEN];

		layout_usage(s, layout, &u);
		if (!u.queues && !u.sum.count)
			continue;
		values[n][4] = u.sum.count / seconds;
		for (size_t i = 0; i < s->nr_queues; i++)
			for (int o = 0; o < 4 && (int)s->queues[i].layout == layout; o++) {
				const struct op_stats *stats = s->queues[i].op[ops[o]];

				values[n][o] += stats ? stats->count / seconds : 0;
				values[n][4] -= stats ? stats->count / seconds : 0;
			}
		values[n][4] = values[n][4] < 0 ? 0 : values[n][4];
		snprintf(texts[n], sizeof(texts[n]), "%u queue%s, %s buffers/s", u.queues,
			 u.queues == 1 ? "" : "s", format_number(rate, u.buffers / seconds));
		bars[n] = (struct plot_bar){ layout_name(layout), values[n], texts[n] };
		if (u.sum.count / seconds > plot.x.max)
			plot.x.max = u.sum.count / seconds;
		n++;
	}
	if (n)
		plot_bars(p->f, &plot, parts, 5, bars, n);
}

/* --- One queue --- */

/* Makes a line over a heat map: a quantile of each column. */
static void quantile_line(const struct page_of *p, unsigned int serial, int op, double quantile,
			  double *y)
{
	for (size_t i = 0; i < p->columns; i++) {
		const struct queue *q = find_queue(&p->column[i], serial);

		y[2 * i] = timed(q, op) ? histogram_quantile(&q->op[op]->histogram, quantile,
							     q->op[op]->max)
					: NAN;
		y[2 * i + 1] = y[2 * i];
	}
}

/* Returns how many buckets of the histogram one bin has, so that there are at most BINS bins. */
static unsigned int bin_size(const struct histogram *h, unsigned int *first, unsigned int *last)
{
	unsigned int size = 1;

	*first = VT_NR_BUCKETS;
	*last = 0;
	for (unsigned int b = h->begin; b < h->end; b++) {
		if (!h->bucket[b])
			continue;
		if (*first == VT_NR_BUCKETS)
			*first = b;
		*last = b;
	}
	while (*last / size - *first / size + 1 > BINS)
		size *= 2;
	*first = *first / size * size;
	*last = (*last / size + 1) * size;
	return size;
}

static char *make_hint(const struct page_of *p, size_t column, const struct op_stats *o, double p50,
		       double p99)
{
	double from = p->edge[column], to = p->edge[column + 1];
	char a[FORMAT_LEN], b[FORMAT_LEN], c[FORMAT_LEN], d[FORMAT_LEN], *text;
	uint64_t step = p->report->total.clock_step;

	if (asprintf(&text, "%.2f to %.2f s: %s/s, p50 %s, p99 %s, max %s", from, to,
		     format_number(a, to > from ? o->count / (to - from) : 0),
		     format_measured(b, p50, step), format_measured(c, p99, step),
		     format_measured(d, o->max, step)) < 0)
		return NULL;
	return text;
}

static void put_heat(const struct page_of *p, const struct queue *queue, int op, bool first_one)
{
	static double values[BINS * COLUMNS], bin_edges[BINS + 1], p50[2 * COLUMNS],
		p99[2 * COLUMNS];
	struct plot_line lines[] = {
		{ .name = "p50", .x = p->steps, .y = p50, .n = 2 * p->columns },
		{ .name = "p99", .x = p->steps, .y = p99, .n = 2 * p->columns }
	};
	char *hints[COLUMNS] = {}, title[96], note[96];
	struct plot plot = { .title = title, .note = note, .x = time_axis(p) };
	struct plot_heat heat = {
		.legend = "operations per second in a cell",
		.columns = p->columns,
		.column_edges = p->edge,
		.bin_edges = bin_edges,
		.values = values,
		.hints = (const char *const *)hints,
		.lines = lines,
		.nr_lines = 2,
	};
	unsigned int first, last, size = bin_size(&queue->op[op]->histogram, &first, &last);

	heat.bins = (last - first) / size;
	for (size_t bin = 0; bin <= heat.bins; bin++)
		bin_edges[bin] = histogram_lower(first + bin * size);
	memset(values, 0, sizeof(values));
	quantile_line(p, queue->serial, op, 0.5, p50);
	quantile_line(p, queue->serial, op, 0.99, p99);
	for (size_t c = 0; c < p->columns; c++) {
		const struct queue *q = find_queue(&p->column[c], queue->serial);

		if (!timed(q, op) || !(seconds_of(p, c) > 0))
			continue;
		for (unsigned int b = q->op[op]->histogram.begin; b < q->op[op]->histogram.end; b++)
			if (b >= first && b < last)
				values[(b - first) / size * p->columns + c] +=
					q->op[op]->histogram.bucket[b] / seconds_of(p, c);
		if (first_one)
			hints[c] = make_hint(p, c, q->op[op], p50[2 * c], p99[2 * c]);
	}
	snprintf(title, sizeof(title), "%s: latency over time", op_name(op));
	snprintf(note, sizeof(note), "A cell is %.3g s by %s of a power of two.", column_seconds(p),
		 size >= 16  ? "one or more"
		 : size == 8 ? "a half"
		 : size == 4 ? "a quarter"
		 : size == 2 ? "an eighth"
			     : "a sixteenth");
	plot.y = (struct plot_axis){ "time per operation, log scale", PLOT_LOG,
				     bin_edges[0] > 0 ? bin_edges[0] : 1, bin_edges[heat.bins],
				     format_time };
	plot_heat(p->f, &plot, &heat);
	for (size_t c = 0; c < p->columns; c++)
		free(hints[c]);
}

/*
 * Makes the points of a distribution curve, one at the end of each bucket. Returns the number of
 * points.
 */
static size_t curve(const struct op_stats *o, double *x, double *y)
{
	uint64_t count = histogram_count(&o->histogram), seen = 0;
	size_t n = 0;

	for (unsigned int b = o->histogram.begin; b < o->histogram.end; b++) {
		if (!o->histogram.bucket[b])
			continue;
		if (!n) {
			x[n] = histogram_lower(b) ?: 1;
			y[n++] = 0;
		}
		seen += o->histogram.bucket[b];
		x[n] = histogram_lower(b + 1);
		if (x[n] > o->max && o->max)
			x[n] = o->max;
		/*
		 * An axis of nines has no place for the share 1, so end the curve half an operation
		 * below.
		 */
		y[n++] = seen < count ? (double)seen / count : 1 - 0.5 / count;
	}
	return n;
}

static void put_curves(const struct page_of *p, const struct queue *q, const int *ops,
		       size_t nr_ops)
{
	static double x[LINES][VT_NR_BUCKETS + 1], y[LINES][VT_NR_BUCKETS + 1];
	struct plot_line lines[LINES];
	struct plot plot = {
		.title = "Distribution: how many took how long",
		.note = "Each step up leaves a tenth of the operations: where a curve crosses 99 "
			"%, one in a hundred took longer.",
		.x = { "time per operation, log scale", PLOT_LOG, INFINITY, 0, format_time },
		.y = { "share that took no longer, %", PLOT_NINES, 0, 0.99, NULL },
	};
	size_t n = 0;

	for (; n < nr_ops && n < LINES; n++) {
		const struct op_stats *o = q->op[ops[n]];
		size_t points = curve(o, x[n], y[n]);

		if (x[n][0] < plot.x.min)
			plot.x.min = x[n][0];
		if (x[n][points - 1] > plot.x.max)
			plot.x.max = x[n][points - 1];
		if (y[n][points - 1] > plot.y.max)
			plot.y.max = y[n][points - 1];
		lines[n] = (struct plot_line){
			.name = op_name(ops[n]), .x = x[n], .y = y[n], .n = points
		};
	}
	plot_lines(p->f, &plot, lines, n);
}

static void put_doorbells(const struct page_of *p, const struct queue *queue)
{
	static const char *const names[] = { "buffers made available", "doorbells sent",
					     "doorbells suppressed" };
	static const count_of counts[] = { queue_buffers, queue_doorbells, queue_suppressed };
	static double y[3][2 * COLUMNS];
	struct plot_line lines[3];
	struct plot plot = { .title = "Buffers and doorbells", .x = time_axis(p) };

	plot.y = (struct plot_axis){ .label = "per second", .format = format_number };
	for (int l = 0; l < 3; l++) {
		double most = put_steps(p, queue->serial, counts[l], y[l]);

		if (most > plot.y.max)
			plot.y.max = most;
		lines[l] = (struct plot_line){
			.name = names[l], .x = p->steps, .y = y[l], .n = 2 * p->columns
		};
	}
	plot.y.max *= 1.05;
	plot_lines(p->f, &plot, lines, 3);
}

#define NR_STAGES (VT_STAGE_WAKEUP - VT_STAGE_QUEUED + 1)

/*
 * Writes a plot of the stages of a queue's requests. Each stage is a band, as high as its share of
 * the time of the requests that came back in a column. A column without requests is a gap.
 */
static void put_stages(const struct page_of *p, const struct queue *queue)
{
	static double top[NR_STAGES][2 * COLUMNS], bottom[2 * COLUMNS];
	struct plot_line lines[NR_STAGES];
	struct plot plot = {
		.title = "Stages of the requests",
		.note = "Each band is as high as the stage's share of the time of all requests "
			"that came back in that span of time.",
		.x = time_axis(p),
		.y = { .label = "share of the time, %", .max = 100 },
	};

	for (size_t i = 0; i < p->columns; i++) {
		const struct queue *q = find_queue(&p->column[i], queue->serial);
		double all = q ? queue_stages(q) : 0, sum = 0;

		for (int n = 0; n < NR_STAGES; n++) {
			const struct op_stats *s = q ? q->op[VT_STAGE_QUEUED + n] : NULL;

			sum += s ? s->sum : 0;
			top[n][2 * i] = top[n][2 * i + 1] = all ? 100 * sum / all : NAN;
		}
	}
	for (int n = 0; n < NR_STAGES; n++)
		lines[n] = (struct plot_line){ .name = op_name(VT_STAGE_QUEUED + n),
					       .x = p->steps,
					       .y = top[n],
					       .low = n ? top[n - 1] : bottom,
					       .high = top[n],
					       .n = 2 * p->columns };
	plot_lines(p->f, &plot, lines, NR_STAGES);
}

/*
 * Writes a cell of a table. A narrow screen shows no head of the table, so there the title stands
 * beside the cell.
 */
static void put_cell(FILE *f, const char *title, bool left, const char *text)
{
	fprintf(f, "<td%s data-t=\"%s\">", left ? "" : " class=\"n\"", title);
	html_text(f, text);
}

static void put_op_cells(FILE *f, enum vt_op op, const struct op_stats *o,
			 const struct snapshot *total)
{
	static const struct {
		const char *title;
		double q;
	} quantiles[] = { { "P50", 0.5 }, { "P90", 0.9 }, { "P99", 0.99 }, { "P99.9", 0.999 } };
	char text[FORMAT_LEN + 64];
	double seconds = total->since / 1e9;

	put_cell(f, "OPERATION", true, op_name(op));
	snprintf(text, sizeof(text), "%llu", (unsigned long long)o->count);
	put_cell(f, "COUNT", false, text);
	put_cell(f, "RATE/s", false, format_number(text, seconds > 0 ? o->count / seconds : 0));
	put_cell(f, "MEAN", false,
		 o->timed ? format_mean(text, op_stats_mean(o), total->clock_step) : "-");
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		put_cell(f, quantiles[i].title, false,
			 o->timed ? format_measured(text,
						    histogram_quantile(&o->histogram,
								       quantiles[i].q, o->max),
						    total->clock_step)
				  : "-");
	put_cell(f, "MAX", false,
		 o->timed ? format_measured(text, o->max, total->clock_step) : "-");
	text[0] = '\0';
	if (op_refused_name(op)) {
		format_share(text, o->refused, o->count);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
			 op_refused_name(op));
	}
	put_cell(f, "NO", true, text);
}

static void put_op_table(const struct page_of *p, const struct queue *q)
{
	fputs("<div class=\"scroll\"><table class=\"stack\"><thead><tr><th>OPERATION<th "
	      "class=\"n\">COUNT"
	      "<th class=\"n\">RATE/s<th class=\"n\">MEAN<th class=\"n\">P50<th class=\"n\">P90"
	      "<th class=\"n\">P99<th class=\"n\">P99.9<th class=\"n\">MAX<th>NO</thead><tbody>\n",
	      p->f);
	for (int op = 0; op < VT_NR_TIMED; op++) {
		if (!q->op[op] || !q->op[op]->count)
			continue;
		fputs("<tr>", p->f);
		put_op_cells(p->f, op, q->op[op], &p->report->total);
		putc('\n', p->f);
	}
	fputs("</table></div>\n", p->f);
}

static void put_queue_facts(const struct page_of *p, const struct queue *q)
{
	double seconds = p->report->total.since > 0 ? p->report->total.since / 1e9 : 1;
	const struct op_stats *batch = q->op[VT_BUFFERS_PER_DOORBELL];
	char a[FORMAT_LEN], b[FORMAT_LEN], c[FORMAT_LEN];

	fputs("<p class=\"note\">", p->f);
	html_printf(p->f, "%s, %u descriptors, %s", layout_name(q->layout), q->num, q->driver);
	for (int i = 0; ring_features[i].name; i++)
		if (q->features >> ring_features[i].bit & 1 && ring_features[i].short_name)
			html_printf(p->f, ", %s", ring_features[i].short_name);
	html_printf(p->f, ". %s buffers/s", format_number(a, queue_buffers(q) / seconds));
	if (!p->report->total.no_bytes_out)
		html_printf(p->f, ", %sB/s out", format_bytes(b, queue_bytes_out(q) / seconds));
	html_printf(p->f, ", %sB/s in", format_bytes(c, queue_bytes_in(q) / seconds));
	if (batch && batch->count)
		html_printf(p->f, ", %.1f buffers per doorbell", op_stats_mean(batch));
	html_printf(p->f, "%s%s.", q->broken ? ", BROKEN" : "", q->gone ? ", deleted since" : "");
	fputs("</p>\n", p->f);
}

/*
 * Sorts operations: first the time from available to used, then the operations by their total time,
 * the largest first. Returns the number of operations.
 */
static size_t sort_ops(const struct queue *q, int *ops)
{
	size_t n = 0;

	for (int op = 0; op < VT_NR_TIMED; op++) {
		size_t at = n;

		if (!timed(q, op))
			continue;
		while (at && (op == VT_AVAIL_TO_USED || q->op[ops[at - 1]]->sum < q->op[op]->sum)) {
			ops[at] = ops[at - 1];
			at--;
		}
		ops[at] = op;
		n++;
	}
	return n;
}

static void put_card(const struct page_of *p, const struct card *c)
{
	int ops[VT_NR_TIMED];
	size_t n = sort_ops(c->queue, ops);

	fputs("<section class=\"card\">\n<h3>", p->f);
	html_text(p->f, c->name);
	fputs("</h3>\n", p->f);
	put_queue_facts(p, c->queue);
	if (n)
		put_heat(p, c->queue, ops[0], true);
	if (queue_stages(c->queue))
		put_stages(p, c->queue);
	fputs("<div class=\"pair\">\n", p->f);
	if (n)
		put_curves(p, c->queue, ops, n);
	put_doorbells(p, c->queue);
	fputs("</div>\n", p->f);
	put_op_table(p, c->queue);
	if (n > 1) {
		fputs("<details><summary>Latency over time of further operations</summary>\n"
		      "<div class=\"pair\">\n",
		      p->f);
		for (size_t i = 1; i < n && i <= MORE_HEATS; i++)
			put_heat(p, c->queue, ops[i], false);
		fputs("</div>\n</details>\n", p->f);
	}
	fputs("</section>\n", p->f);
}

static void put_idle(const struct page_of *p)
{
	static char text[REPORT_FACT];

	report_idle(p->report, text);
	if (text[0]) {
		fputs("<p>Idle: ", p->f);
		html_text(p->f, text);
		fputs(".</p>\n", p->f);
	}
	if (p->nr_cards < p->nr_moved)
		html_printf(p->f, "%zu more queues moved; they are in the tables.",
			    p->nr_moved - p->nr_cards);
}

/* --- The tables of stat --- */

static int put_table(const struct page_of *p, enum page page, const char *caption)
{
	const struct column *columns = table_columns(page);
	struct table t;

	if (table_make(&p->report->total, page, p->report->timed, p->report->filter->ops, &t))
		return -1;
	fputs("<div class=\"scroll\"><table class=\"stack\"><caption>", p->f);
	html_text(p->f, caption);
	fputs("</caption><thead><tr>", p->f);
	for (int i = 0; columns[i].title; i++)
		fprintf(p->f, "<th%s>%s", columns[i].left ? "" : " class=\"n\"", columns[i].title);
	fputs("</thead><tbody>\n", p->f);
	for (size_t r = 0; r < t.nr_rows; r++) {
		if (!t.rows[r].moved)
			continue;
		fputs("<tr>", p->f);
		for (int i = 0; columns[i].title; i++) {
			char cell[TABLE_CELL];

			table_cell(&columns[i], &t.rows[r], cell);
			put_cell(p->f, columns[i].title, columns[i].left, cell);
		}
		fputs("\n", p->f);
	}
	fputs("</table></div>\n", p->f);
	table_free(&t);
	return 0;
}

static void put_legend(const struct page_of *p)
{
	struct table_legend legend[TABLE_MAX_LEGEND];
	size_t n = table_legend(NR_PAGES, legend);

	fputs("<dl class=\"facts note\">\n", p->f);
	for (size_t i = 0; i < n; i++) {
		fputs("<dt>", p->f);
		html_text(p->f, legend[i].titles);
		fputs("</dt><dd>", p->f);
		html_text(p->f, legend[i].text);
		fputs("</dd>\n", p->f);
	}
	fputs("</dl>\n<p class=\"note\">Times are those of the driver's calls; avail_to_used is "
	      "the "
	      "time from the add of a buffer to the get that fetched it. NO: how often an "
	      "operation failed, or found nothing to do.</p>\n",
	      p->f);
}

static int put_page(struct page_of *p)
{
	const struct recording_info *i = p->report->info;
	char title[256], lead[512], date[REPORT_DATE];
	int err;

	snprintf(title, sizeof(title), "%.200s",
		 i->command[0] ? i->command : "What the virtqueues did");
	snprintf(lead, sizeof(lead), "vringtop recording%s, %s%s%.64s, Linux %.100s, %.150s",
		 i->finished ? "" : " (UNFINISHED)", report_date(i, date), i->host[0] ? ", " : "",
		 i->host, i->kernel_release, i->cpu);
	html_head(p->f, title, lead);
	for (unsigned int n = 0; report_warning(p->report, n); n++) {
		fputs("<p class=\"warning\">", p->f);
		html_text(p->f, report_warning(p->report, n));
		fputs("</p>\n", p->f);
	}
	put_tiles(p);
	put_facts(p, false);
	fputs("<section>\n<h2>All queues</h2>\n<div class=\"pair\">\n", p->f);
	put_rates(p, "Buffers made available", "buffers per second", queue_buffers);
	put_rates(p, "Doorbells sent", "doorbells per second", queue_doorbells);
	fputs("</div>\n<div class=\"pair\">\n", p->f);
	put_doorbell_bars(p);
	put_layout_bars(p);
	fputs("</div>\n</section>\n<section>\n<h2>Queue by queue</h2>\n<p class=\"note\">The "
	      "busiest first. In a heat map a column is a span of time, its cells are ranges of "
	      "latency, and the colour says how many operations fell into it: the further from "
	      "the background, the more. The lines are the p50 and the p99 of each column.</p>\n",
	      p->f);
	for (size_t c = 0; c < p->nr_cards; c++)
		put_card(p, &p->cards[c]);
	put_idle(p);
	fputs("</section>\n<section>\n<h2>Tables</h2>\n", p->f);
	err = put_table(p, PAGE_QUEUES, "Queues") || put_table(p, PAGE_LAYOUTS, "Layouts") ||
	      put_table(p, PAGE_DOORBELLS, "Doorbells") ||
	      (report_has_stages(p->report) && put_table(p, PAGE_STAGES, "Stages"));
	put_legend(p);
	fputs("</section>\n<section>\n<h2>What ran where</h2>\n", p->f);
	put_facts(p, true);
	fputs("</section>\n", p->f);
	html_foot(p->f);
	return err ? -1 : 0;
}

int report_html(struct report *r, FILE *f)
{
	struct page_of *p = calloc(1, sizeof(*p));
	int failed = -1;

	if (!p)
		return complain(NULL, "no memory for a page");
	p->report = r;
	p->f = f;
	if (!find_cards(p) && !read_columns(p))
		failed = put_page(p);
	if (failed)
		complain(NULL, "no memory for a page");
	for (size_t i = 0; i < p->columns; i++)
		snapshot_free(&p->column[i]);
	free(p->cards);
	free(p);
	return failed;
}
