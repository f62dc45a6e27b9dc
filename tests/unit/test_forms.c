// SPDX-License-Identifier: GPL-2.0
/*
 * The forms of a report (CSV, page, trace, metrics) against the snapshot that was recorded: every
 * field of the CSV, every tile, cell and line of the page, every counter and slice of the trace,
 * and samples of the metrics.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>
#include "base/format.h"
#include "figures.h"
#include "output/plot.h"
#include "output/report.h"
#include "recording/writer.h"

static char path[] = "/tmp/test_forms.XXXXXX";
static char *text; /* what a form has printed */

static const struct filter all = { .ops = (1u << VT_NR_COUNTED) - 1 };
static const struct recording_info info = {
	.kernel_release = "6.12",
	.cpu = "a CPU",
	.host = "a-host",
	.exit_status = -1,
	.nr_cpus = 2,
	.interval = SINCE,
	.started = 1764512262ull * 1000000000, /* 2025-11-30 14:17:42 UTC */
	.cost_cpu_ns = 53000000,
};

static struct recording_writer *begin(bool events)
{
	struct recording_info i = info;
	struct recording_writer *w;

	i.has_events = events;
	unlink(path);
	w = recording_create(path, &i);
	assert_non_null(w);
	return w;
}

static void end(struct recording_writer *w)
{
	assert_int_equal(recording_finish(w, &info), 0);
	recording_writer_close(w);
}

/* Prints a form of the recording into text. @timed: as in struct report */
static void print(int (*form)(struct report *r, FILE *f), int timed)
{
	struct report r = { .filter = &all, .timed = timed };
	struct snapshot diff;
	size_t size;
	FILE *f;

	free(text);
	text = NULL;
	r.recording = recording_open(path);
	assert_non_null(r.recording);
	r.info = recording_info(r.recording);
	while (report_next(&r, &diff)) {
		assert_int_equal(snapshot_add(&r.total, &diff), 0);
		snapshot_free(&diff);
		r.intervals++;
	}
	report_rewind(&r);
	assert_false(r.damaged);
	f = open_memstream(&text, &size);
	assert_non_null(f);
	assert_int_equal(form(&r, f), 0);
	fclose(f);
	snapshot_free(&r.total);
	recording_reader_close(r.recording);
}

/* One interval that has the figures of some operations, a bit for each enum vt_op. */
static void record_figures_of(uint32_t ops)
{
	struct recording_writer *w = begin(false);
	struct snapshot s;

	make_figures(&s, ops);
	assert_int_equal(recording_write(w, &s), 0);
	snapshot_free(&s);
	end(w);
}

static void record_figures(void)
{
	record_figures_of(UINT32_MAX);
}

/* Writes interval number @i, in which only queue @q moved. */
static void write_interval(struct recording_writer *w, int i, struct queue *q)
{
	const struct snapshot s = { .time = (i + 1) * SINCE,
				    .since = SINCE,
				    .how = "tracepoints",
				    .nr_queues = 1,
				    .queues = q };

	assert_int_equal(recording_write(w, &s), 0);
}

__attribute__((format(printf, 1, 2))) static const char *expect(const char *fmt, ...)
{
	static char buf[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	if (!strstr(text, buf))
		fail_msg("not there: %s", buf);
	return strstr(text, buf);
}

/* --- CSV --- */

static void put_expected(FILE *f, int q, int op)
{
	static const char *const names[] = {
		"virtio2,vda,virtio_blk,0,req.0,11,packed",
		"virtio5,sda,virtio_scsi,2,request,12,split-in-order"
	};
	bool bell = op == VT_BUFFERS_PER_DOORBELL, batch = bell || op == VT_BUFFERS_PER_INTERRUPT;
	unsigned int some = bell ? some_buffers(q) : some_found(q);
	unsigned int most = bell ? most_buffers(q) : most_found(q);
	double sum = 70 * some + 30 * most;

	fprintf(f, "0,%llu,%s,%s,%llu,", SINCE, names[q], op_name(op),
		batch ? 100 : (unsigned long long)count_of(q, op));
	if (op_refused_name(op))
		fprintf(f, "%llu", (unsigned long long)no_of(q, op));
	fputc(',', f);
	if (batch) {
		fprintf(f, ",,,,,,,%.0f,%.6g,%u,%u,%u,%u,%u,", sum, sum / 100, some, most, most,
			most, most);
	} else {
		fprintf(f, "%llu,%.6g,", (unsigned long long)time_sum(q, op),
			(double)time_sum(q, op) / TIMED);
		for (int level = 0; level < 4; level++)
			fprintf(f, "%llu,", (unsigned long long)time_at(q, op, level));
		fprintf(f, "%llu,,,,,,,,", (unsigned long long)time_max(q, op));
	}
	if (op == VT_OP_ADD)
		fprintf(f, "%llu", (unsigned long long)bytes_out_of(q));
	fputc(',', f);
	if (op == VT_OP_GET)
		fprintf(f, "%llu", (unsigned long long)bytes_in_of(q));
	fputs(",yes,0\r\n", f);
}

static void every_field_of_csv(void **unused)
{
	char *expected, *e, *g, *rest_e, *rest_g;
	size_t size;
	FILE *f = open_memstream(&expected, &size);

	(void)unused;
	fputs("start_ns,interval_ns,device,role,driver,queue_index,queue,serial,layout,operation,"
	      "count,refused,sum_ns,mean_ns,p50_ns,p90_ns,p99_ns,p999_ns,max_ns,sum_buffers,"
	      "mean_buffers,p50_buffers,p90_buffers,p99_buffers,p999_buffers,max_buffers,bytes_out,"
	      "bytes_in,recording_finished,clock_step_ns\r\n",
	      f);
	for (int q = 0; q < BUSY; q++)
		for (int op = 0; op < VT_NR_COUNTED; op++)
			if (op != UNSEEN)
				put_expected(f, q, op);
	fclose(f);
	record_figures();
	print(report_csv, -1);
	rest_e = expected;
	rest_g = text;
	do {
		e = strsep(&rest_e, "\n");
		g = strsep(&rest_g, "\n");
		assert_string_equal(g ?: "", e ?: "");
	} while (e && g);
	free(expected);
}

/* --- The page --- */

static const char *time_text(char *buf, double ns)
{
	return format_time(buf, ns);
}

static void tiles_of_the_page(void **unused)
{
	double ops = sum_all(0, count_of) + sum_all(1, count_of), buffers = 0, bells = 0, not = 0;
	char a[FORMAT_LEN];

	(void)unused;
	for (int q = 0; q < BUSY; q++) {
		buffers += count_of(q, VT_OP_ADD) - no_of(q, VT_OP_ADD);
		bells += count_of(q, VT_OP_NOTIFY);
		not += no_of(q, VT_OP_KICK_PREPARE);
	}
	record_figures();
	print(report_html, -1);
	expect("<li><b>2.0 s</b><span>recorded<");
	expect("<li><b>%s</b><span>operations/s<", format_number(a, ops / SECONDS));
	expect("<li><b>%s</b><span>buffers/s<", format_number(a, buffers / SECONDS));
	expect("<li><b>%s</b><span>doorbells/s<", format_number(a, bells / SECONDS));
	expect("<li><b>%.0f%%</b><span>doorbells suppressed<", 100 * not / (not +bells));
	expect("<li><b>2.65%%</b><span>of a CPU for the tool<");
	expect("<li><b>2 of 3</b><span>queues moved<");
	expect("<li><b>%d</b><span>operations lost<", LOST);
	expect("vringtop recording, 2025-11-30 14:17:42 UTC, a-host, Linux 6.12, a CPU");
	/* An idle queue is named, with its index, as the name repeats. */
	expect("Idle: virtio5 sda request#3.");
}

/* On a phone as well: each cell has its title with it. */
static void cells_of_the_page(void **unused)
{
	char c[8][FORMAT_LEN];

	(void)unused;
	record_figures();
	print(report_html, VT_OP_GET);
	for (int q = 0; q < BUSY; q++) {
		double bells = count_of(q, VT_OP_NOTIFY), not = no_of(q, VT_OP_KICK_PREPARE);
		double buffers = count_of(q, VT_OP_ADD) - no_of(q, VT_OP_ADD);
		double of = (double)time_sum(q, VT_OP_GET) / TIMED;

		for (int op = 0; op < VT_NR_TIMED; op++) {
			char no[64] = "";

			if (op == UNSEEN)
				continue;
			if (op_refused_name(op))
				snprintf(no, sizeof(no), "%u%% %s", no_percent(q, op),
					 op_refused_name(op));
			expect("<tr><td data-t=\"OPERATION\">%s<td class=\"n\" data-t=\"COUNT\">"
			       "%llu<td class=\"n\" data-t=\"RATE/s\">%s<td class=\"n\" "
			       "data-t=\"MEAN\">%s<td class=\"n\" data-t=\"P50\">%s<td class=\"n\" "
			       "data-t=\"P90\">%s<td class=\"n\" data-t=\"P99\">%s<td class=\"n\" "
			       "data-t=\"P99.9\">%s<td class=\"n\" data-t=\"MAX\">%s<td "
			       "data-t=\"NO\">%s\n",
			       op_name(op), (unsigned long long)count_of(q, op),
			       format_number(c[0], count_of(q, op) / SECONDS),
			       time_text(c[1], (double)time_sum(q, op) / TIMED),
			       time_text(c[2], time_at(q, op, 0)),
			       time_text(c[3], time_at(q, op, 1)),
			       time_text(c[4], time_at(q, op, 2)),
			       time_text(c[5], time_at(q, op, 3)), time_text(c[6], time_max(q, op)),
			       no);
		}
		expect("data-t=\"QUEUE\">%s<td", q ? "+request#2" : "req.0");
		expect("data-t=\"BUF/s\">%s<td class=\"n\" data-t=\"BELL/s\">%s<td class=\"n\" "
		       "data-t=\"SUPPR\">%.0f%%<td class=\"n\" data-t=\"INT/s\">%s"
		       "<td class=\"n\" data-t=\"FAIL/s\">%s<td class=\"n\" "
		       "data-t=\"OUT/s\">%s<td class=\"n\" "
		       "data-t=\"IN/s\">%s<td class=\"n\" data-t=\"MEAN\">%s",
		       format_number(c[0], buffers / SECONDS), format_number(c[1], bells / SECONDS),
		       100 * not / (not +bells),
		       format_number(c[6], count_of(q, VT_INTERRUPT) / SECONDS),
		       format_number(c[5], no_of(q, VT_OP_ADD) / SECONDS),
		       format_bytes(c[2], bytes_out_of(q) / SECONDS),
		       format_bytes(c[3], bytes_in_of(q) / SECONDS), time_text(c[4], of));
		/* The facts of the queue, and the text at the end of its bar. */
		expect(". %s buffers/s, %sB/s out, %sB/s in, %s buffers per doorbell.",
		       format_number(c[0], buffers / SECONDS),
		       format_bytes(c[1], bytes_out_of(q) / SECONDS),
		       format_bytes(c[2], bytes_in_of(q) / SECONDS), q ? "10.9" : "8.4");
		expect(">%s</span><span class=\"value\">%.0f%% suppressed<",
		       q ? "virtio5 sda request#2" : "virtio2 vda req.0", 100 * not / (not +bells));
	}
	/* The legend is that of the columns. */
	expect("<dt>SUPPR</dt><dd>share of doorbells not wanted by the device");
}

/* Bars: how wide the two parts of each are, in thousandths of the axis. */
static void bars_of_the_page(void **unused)
{
	double sent[BUSY], not [BUSY], most = 0;

	(void)unused;
	record_figures();
	print(report_html, -1);
	for (int q = 0; q < BUSY; q++) {
		sent[q] = count_of(q, VT_OP_NOTIFY) / SECONDS;
		not [q] = no_of(q, VT_OP_KICK_PREPARE) / SECONDS;
		most = fmax(most, sent[q] + not [q]);
	}
	for (int q = 0; q < BUSY; q++)
		expect("<rect class=\"s0\" x=\"0.0\" y=\"120\" width=\"%.1f\" height=\"760\"/>"
		       "<rect class=\"s1\" x=\"%.1f\" y=\"120\" width=\"%.1f\" height=\"760\"/>"
		       "</svg>",
		       1000 * sent[q] / most, 1000 * sent[q] / most, 1000 * not [q] / most);
	/* What the colours mean. */
	expect("<rect class=\"s0\" width=\"27\" height=\"12\"/></svg>sent</li><li>");
	expect("<rect class=\"s1\" width=\"27\" height=\"12\"/></svg>suppressed: ");
}

/* Bars of layouts: how many queues, and the parts of their operations. The idle queue is packed. */
static void layouts_of_the_page(void **unused)
{
	static const int ops[] = { VT_OP_ADD, VT_OP_GET, VT_OP_KICK_PREPARE, VT_OP_NOTIFY };
	double most = fmax(sum_all(0, count_of), sum_all(1, count_of));

	(void)unused;
	record_figures();
	print(report_html, -1);
	for (int q = 0; q < BUSY; q++) {
		double all = sum_all(q, count_of), left = 0;
		char bar[1024], *at = bar, rate[FORMAT_LEN];

		for (int part = 0; part < 5; part++) {
			double width = part < 4 ? count_of(q, ops[part]) : all - left;

			at += sprintf(at,
				      "<rect class=\"s%d\" x=\"%.1f\" y=\"120\" width=\"%.1f\" "
				      "height=\"760\"/>",
				      part, 1000 * left / most, 1000 * width / most);
			left += width;
		}
		expect("%s</svg>", bar);
		format_number(rate, (count_of(q, VT_OP_ADD) - no_of(q, VT_OP_ADD)) / SECONDS);
		expect(">%s</span><span class=\"value\">%s, %s buffers/s<",
		       q ? "split-in-order" : "packed", q ? "1 queue" : "2 queues", rate);
	}
}

/* Makes `text` a plot with one line. */
static void draw_line(const struct plot *p, const struct plot_line *line)
{
	size_t size;
	FILE *f;

	free(text);
	text = NULL;
	f = open_memstream(&text, &size);
	assert_non_null(f);
	plot_lines(f, p, line, 1);
	fclose(f);
}

/* On a log axis 0 has no place: a gap, with a dot for each neighbour that stands alone. */
static void zero_is_a_gap_on_a_log_axis(void **unused)
{
	static const double x[] = { 0, 1, 2 }, y[] = { 10, 0, 10 };
	const struct plot_line line = { .name = "a line", .x = x, .y = y, .n = 3 };
	const struct plot p = { .title = "a plot",
				.x = { .label = "x", .max = 2 },
				.y = { .label = "y", .scale = PLOT_LOG, .min = 1, .max = 100 } };

	(void)unused;
	draw_line(&p, &line);
	expect(" d=\"M0 500h4M1000 500h4\"/>");
}

static char *two_places(char *mark, double value)
{
	sprintf(mark, "%.2fs", value);
	return mark;
}

/* 1.00s is 1s on an axis. */
static void marks_have_no_zeros_at_the_end(void **unused)
{
	static const double x[] = { 0, 10 }, y[] = { 0, 3 };
	const struct plot_line line = { .name = "a line", .x = x, .y = y, .n = 2 };
	const struct plot p = { .title = "a plot",
				.x = { .label = "x", .max = 10 },
				.y = { .label = "y", .max = 3, .format = two_places } };

	(void)unused;
	draw_line(&p, &line);
	expect(">0.5s<");
	expect(">1s<");
	expect(">10<");
	assert_null(strstr(text, ".00s"));
}

/* Lines over three intervals: of each the path that its own series gives. */
#define INTERVALS 3

static uint64_t of_series(int series, int interval)
{
	static const uint64_t counts[3][INTERVALS] = { { 800, 300, 500 },  /* buffers */
						       { 200, 700, 400 },  /* doorbells */
						       { 100, 50, 600 } }; /* suppressed */

	return counts[series][interval];
}

static void expect_steps(const char *title, const char *class, const double *y, double most)
{
	const char *figure = strstr(text, title);
	char d[256], *at = d;

	assert_non_null(figure);
	for (int i = 0; i < 2 * INTERVALS; i++)
		at += sprintf(at, "%c%.0f %.0f", i ? 'L' : 'M', 1000.0 * ((i + 1) / 2) / INTERVALS,
			      1000 - 1000 * y[i / 2] / most);
	snprintf(at, sizeof(d) - (at - d), "\"/>");
	figure = strstr(figure, class);
	assert_non_null(figure);
	figure = strstr(figure, " d=\"") + 4;
	if (strncmp(figure, d, strlen(d)))
		fail_msg("%s: the path of %s is %.90s instead of %s", title, class, figure, d);
}

static void lines_of_the_page(void **unused)
{
	struct recording_writer *w = begin(false);
	double y[3][INTERVALS];

	(void)unused;
	for (int i = 0; i < INTERVALS; i++) {
		struct op_stats add = { .count = of_series(0, i) + 7, .refused = 7 };
		struct op_stats notify = { .count = of_series(1, i) };
		struct op_stats kick = { .count = 1000, .refused = of_series(2, i) };
		struct queue q = figure_queues[0];

		q.op[VT_OP_ADD] = &add;
		q.op[VT_OP_NOTIFY] = &notify;
		q.op[VT_OP_KICK_PREPARE] = &kick;
		write_interval(w, i, &q);
		for (int series = 0; series < 3; series++)
			y[series][i] = of_series(series, i) / SECONDS;
	}
	end(w);
	print(report_html, -1);
	/* The axis ends 5 % above the largest. */
	expect_steps(">Buffers made available<", "class=\"l s0\"", y[0], 400 * 1.05);
	expect_steps(">Doorbells sent<", "class=\"l s0\"", y[1], 350 * 1.05);
	expect_steps(">Buffers and doorbells<", "class=\"l s0\"", y[0], 400 * 1.05);
	expect_steps(">Buffers and doorbells<", "class=\"l s1 d1\"", y[1], 400 * 1.05);
	expect_steps(">Buffers and doorbells<", "class=\"l s2 d2\"", y[2], 400 * 1.05);
	/* The names stand in the same order. */
	expect("class=\"l s0\" d=\"M0 6H27\"/></svg>buffers made available</li>");
	expect("class=\"l s1 d1\" d=\"M0 6H27\"/></svg>doorbells sent</li>");
	expect("class=\"l s2 d2\" d=\"M0 6H27\"/></svg>doorbells suppressed</li>");
}

/* The stages of a queue in three intervals, in the second of which no request came back. */
static void stages_of_the_page(void **unused)
{
	static const uint64_t ns[4][INTERVALS] = {
		{ 100, 0, 500 }, { 200, 0, 0 }, { 600, 0, 250 }, { 100, 0, 250 }
	};
	struct recording_writer *w = begin(false);

	(void)unused;
	for (int i = 0; i < INTERVALS; i++) {
		struct op_stats stages[4] = {}, add = { .count = 5 };
		struct queue q = figure_queues[0];

		q.op[VT_OP_ADD] = &add;
		for (int n = 0; n < 4; n++) {
			stages[n].count = stages[n].timed = !!ns[n][i];
			stages[n].sum = stages[n].max = ns[n][i];
			if (ns[n][i])
				histogram_put(&stages[n].histogram, histogram_bucket(ns[n][i]), 1);
			q.op[VT_STAGE_QUEUED + n] = &stages[n];
		}
		write_interval(w, i, &q);
	}
	end(w);
	print(report_html, -1);
	expect(">Stages of the requests<");
	expect("<path class=\"band s0\" d=\"M0 900L333 900L333 1000L0 1000Z"
	       "M667 500L1000 500L1000 1000L667 1000Z\"/>");
	expect("<path class=\"band s1\" d=\"M0 700L333 700L333 900L0 900Z"
	       "M667 500L1000 500L1000 500L667 500Z\"/>");
	expect("<path class=\"band s2\" d=\"M0 100L333 100L333 700L0 700Z"
	       "M667 250L1000 250L1000 500L667 500Z\"/>");
	expect("<path class=\"band s3\" d=\"M0 0L333 0L333 100L0 100Z"
	       "M667 0L1000 0L1000 250L667 250Z\"/>");
	expect("class=\"l s0\" d=\"M0 6H27\"/></svg>queued</li>");
	expect("class=\"l s1 d1\" d=\"M0 6H27\"/></svg>doorbell</li>");
	expect("class=\"l s2 d2\" d=\"M0 6H27\"/></svg>device</li>");
	expect("class=\"l s3 d3\" d=\"M0 6H27\"/></svg>wakeup</li>");
	expect("<caption>Stages<");

	record_figures_of(~VT_STAGES);
	print(report_html, -1);
	assert_null(strstr(text, ">Stages of the requests<"));
	assert_null(strstr(text, "<caption>Stages<"));
}

/* --- One queue of the page --- */

/* So many times were in a bucket. */
struct level {
	unsigned int bucket, count;
};

/* Makes `text` a page about a queue that had only these gets. The longest time is the last
 * bucket's. */
static void print_times(const struct level *levels, size_t n)
{
	struct op_stats get = {};
	struct recording_writer *w = begin(false);
	struct queue q = figure_queues[0];
	struct snapshot s = {
		.time = SINCE, .since = SINCE, .how = "tracepoints", .nr_queues = 1, .queues = &q
	};

	for (size_t i = 0; i < n; i++) {
		histogram_put(&get.histogram, levels[i].bucket, levels[i].count);
		get.count = get.timed += levels[i].count;
		get.sum += levels[i].count * bucket_from(levels[i].bucket);
		get.max = bucket_to(levels[i].bucket) - 1;
	}
	q.op[VT_OP_GET] = &get;
	assert_int_equal(recording_write(w, &s), 0);
	end(w);
	print(report_html, -1);
}

/* The place of a time on a logarithmic axis, in thousandths. */
static double place(double value, double from, double to)
{
	return 1000 * log10(value / from) / log10(to / from);
}

static size_t heat_maps(void)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, ": latency over time<")); at++)
		n++;
	return n;
}

/* 60 times in one bucket, 38 and 2 in others: cells, the lines p50 and p99, the distribution. */
static void times_of_a_queue(void **unused)
{
	static const struct level levels[] = { { 100, 60 }, { 110, 38 }, { 120, 2 } };
	static const int colour[] = { 9, 8, 0 }; /* 8: 10 * log(38 / 2) / log(60 / 2) = 8.7 */
	const double low = bucket_from(100), high = bucket_to(120);
	double share[] = { 0.6, 0.98, 0.995 }; /* the last one: half an operation below 1 */
	char curve[256] = "M0 1000", *at = curve + strlen(curve);
	int y[3];

	(void)unused;
	print_times(levels, 3);
	for (int i = 0; i < 3; i++) {
		unsigned int b = levels[i].bucket;
		double end = i < 2 ? bucket_to(b) : bucket_to(b) - 1;

		y[i] = lrint(1000 - place((bucket_from(b) + bucket_to(b)) / 2, low, high));
		expect("<path class=\"cell h%d\" d=\"M0 %.0fH1000V%.0fH0Z\"/>", colour[i],
		       1000 - place(bucket_to(b), low, high),
		       1000 - place(bucket_from(b), low, high));
		/* From 0 to 99.5 %: each nine is as long as the one before. */
		at += sprintf(at, "L%.0f %.0f", place(end, low, high - 1),
			      1000 - 1000 * log10(1 - share[i]) / log10(1 - share[2]));
	}
	expect("A cell is 2 s by a sixteenth of a power of two.");
	expect("<path class=\"l over\" d=\"M0 %dL1000 %d\"/>", y[0], y[0]);
	expect("<path class=\"l over d1\" d=\"M0 %dL1000 %d\"/>", y[2], y[2]);
	expect("</svg>p50</li>");
	expect("class=\"l over d1\" d=\"M0 6H27\"/></svg>p99</li>");
	expect("<path class=\"l s0\" d=\"%s\"/>", curve);
	assert_int_equal(heat_maps(), 1);
	/* What there was none of. */
	expect("<li><b>50</b><span>operations/s<");
	expect("<li><b>0</b><span>buffers/s<");
	expect("<li><b>0</b><span>doorbells/s<");
	expect("<li><b>-</b><span>doorbells suppressed<");
	expect("<li><b>0</b><span>operations lost<");
	assert_null(strstr(text, ">Doorbells, sent and suppressed<"));
}

/* Two intervals: the lines have a step where the second begins. */
static void quantiles_step_with_the_intervals(void **unused)
{
	static const unsigned int bucket[] = { 100, 120 };
	const double low = bucket_from(100), high = bucket_to(120);
	struct recording_writer *w = begin(false);
	double y[2];

	(void)unused;
	for (int i = 0; i < 2; i++) {
		struct op_stats get = { .count = 10, .timed = 10 };
		struct queue q = figure_queues[0];

		histogram_put(&get.histogram, bucket[i], 10);
		get.max = bucket_to(bucket[i]) - 1;
		get.sum = 10 * bucket_from(bucket[i]);
		/* The page names the features of the queue, whichever bit they have. */
		q.features = 1ull << 28 | 1ull << 40;
		q.op[VT_OP_GET] = &get;
		write_interval(w, i, &q);
		y[i] = 1000 - place((bucket_from(bucket[i]) + bucket_to(bucket[i])) / 2, low, high);
	}
	end(w);
	print(report_html, -1);
	expect("<path class=\"l over\" d=\"M0 %.0fL500 %.0fL500 %.0fL1000 %.0f\"/>", y[0], y[0],
	       y[1], y[1]);
	expect(", virtio_blk, indirect, reset. ");
}

/* 101 buckets are too many rows: four become one. */
static void rows_of_several_buckets(void **unused)
{
	static const struct level levels[] = { { 100, 50 }, { 200, 50 } };
	const double low = bucket_from(100), high = bucket_from(204);

	(void)unused;
	print_times(levels, 2);
	expect("A cell is 2 s by a quarter of a power of two.");
	expect("<path class=\"cell h9\" d=\"M0 %.0fH1000V1000H0ZM0 0H1000V%.0fH0Z\"/>",
	       1000 - place(bucket_from(104), low, high),
	       1000 - place(bucket_from(200), low, high));
}

/* One at once, and three at most among what is folded up. */
static void heat_maps_of_a_queue(void **unused)
{
	(void)unused;
	record_figures_of(1u << VT_OP_ADD | 1u << VT_OP_GET);
	print(report_html, -1);
	assert_int_equal(heat_maps(), BUSY * 2);
	record_figures();
	print(report_html, -1);
	assert_int_equal(heat_maps(), BUSY * 4);
}

/* --- The trace --- */

static void counters_of_the_trace(void **unused)
{
	(void)unused;
	record_figures();
	print(report_perfetto, -1);
	for (int q = 0; q < BUSY; q++) {
		const char *name = q ? "request#2" : "req.0";
		int pid = q ? 6 : 3, tid = (q ? 12 : 11) * 8 + 1000;

		expect("{\"ph\":\"C\",\"pid\":%d,\"tid\":%d,\"ts\":0.000,\"name\":\"%s: per "
		       "second\","
		       "\"args\":{\"buffers\":%.6g,\"doorbells\":%.6g,\"suppressed\":%.6g}}",
		       pid, tid, name, (count_of(q, VT_OP_ADD) - no_of(q, VT_OP_ADD)) / SECONDS,
		       count_of(q, VT_OP_NOTIFY) / SECONDS, no_of(q, VT_OP_KICK_PREPARE) / SECONDS);
		expect("\"tid\":%d,\"ts\":0.000,\"name\":\"%s: in flight, descriptors\",\"args\":"
		       "{\"descriptors\":%d}}",
		       tid, name, q ? 96 : 56);
		for (int op = 0; op < VT_NR_TIMED; op++)
			if (op != UNSEEN)
				expect("\"tid\":%d,\"ts\":0.000,\"name\":\"%s: %s, ns\",\"args\":"
				       "{\"p50\":%llu,\"p99\":%llu}}",
				       tid, name, op_name(op),
				       (unsigned long long)time_at(q, op, 0),
				       (unsigned long long)time_at(q, op, 2));
	}
	expect("\"name\":\"process_name\",\"args\":{\"name\":\"virtio2 vda (virtio_blk)\"}");
	expect("\"name\":\"thread_name\",\"args\":{\"name\":\"2 request split-in-order\"}");
}

static void slices_of_the_trace(void **unused)
{
	static const struct recording_event events[] = {
		{ .time = 10500, .duration = 250, .serial = 11, .cpu = 3, .op = VT_OP_ADD },
		{ .time = 21777,
		  .duration = RECORDING_UNTIMED,
		  .serial = 12,
		  .cpu = 1,
		  .op = VT_OP_GET,
		  .result = 1 },
		{ .time = 30001,
		  .duration = 4,
		  .serial = 12,
		  .cpu = 2,
		  .op = VT_OP_NOTIFY,
		  .result = -28 },
	};
	struct recording_writer *w = begin(true);
	struct snapshot s;

	(void)unused;
	make_figures(&s, UINT32_MAX);
	assert_int_equal(recording_write(w, &s), 0);
	assert_int_equal(recording_write_events(w, events, 3), 0);
	snapshot_free(&s);
	end(w);
	print(report_perfetto, -1);
	expect("{\"ph\":\"X\",\"pid\":3,\"tid\":1088,\"ts\":10.250,\"dur\":0.250,\"cat\":"
	       "\"virtqueue\",\"name\":\"add\",\"args\":{\"cpu\":3,\"result\":0,"
	       "\"duration_ns\":250}}");
	expect("{\"ph\":\"X\",\"pid\":6,\"tid\":1096,\"ts\":21.777,\"dur\":0.000,\"cat\":"
	       "\"virtqueue\",\"name\":\"get\",\"args\":{\"cpu\":1,\"result\":1}}");
	expect("{\"ph\":\"X\",\"pid\":6,\"tid\":1096,\"ts\":29.997,\"dur\":0.004,\"cat\":"
	       "\"virtqueue\",\"name\":\"notify\",\"args\":{\"cpu\":2,\"result\":-28,"
	       "\"duration_ns\":4}}");
}

/* Nothing can be said of an interval that took no time. */
static void an_interval_of_no_time(void **unused)
{
	struct recording_writer *w = begin(false);
	struct snapshot s;

	(void)unused;
	make_figures(&s, UINT32_MAX);
	s.since = 0;
	assert_int_equal(recording_write(w, &s), 0);
	snapshot_free(&s);
	end(w);
	print(report_perfetto, -1);
	expect("\"process_name\"");
	assert_null(strstr(text, "per second"));
	assert_null(strstr(text, "inf,"));
}

/* --- Every form --- */

/* The largest times are in the last bucket, behind which the sanitizers see a look. */
static void the_last_bucket_is_the_last(void **unused)
{
	static int (*const forms[])(struct report * r, FILE * f) = { report_text, report_html,
								     report_perfetto };
	struct recording_writer *w = begin(false);
	struct op_stats *add;
	struct snapshot s;

	(void)unused;
	make_figures(&s, UINT32_MAX);
	add = s.queues[0].op[VT_OP_ADD];
	histogram_put(&add->histogram, VT_NR_BUCKETS - 1, add->timed);
	add->timed *= 2;
	add->max = 1ull << 44;
	add->sum += add->max;
	assert_int_equal(recording_write(w, &s), 0);
	snapshot_free(&s);
	end(w);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		print(forms[i], -1);
}

/* --- Text --- */

static void text_says_why_there_are_no_times(void **unused)
{
	struct recording_writer *w = begin(false);
	struct snapshot s;

	(void)unused;
	make_figures(&s, UINT32_MAX & ~(1u << VT_AVAIL_TO_USED));
	assert_int_equal(recording_write(w, &s), 0);
	snapshot_free(&s);
	end(w);
	print(report_text, VT_AVAIL_TO_USED);
	expect("!         NO TIMES:");
	expect("record -u keeps");
	print(report_html, VT_AVAIL_TO_USED);
	expect("<p class=\"warning\">NO TIMES:");
	print(report_text, -1);
	assert_null(strstr(text, "NO TIMES"));
	record_figures();
	print(report_text, VT_AVAIL_TO_USED);
	assert_null(strstr(text, "NO TIMES"));
}

/* A command of one letter is a fact; what is not known has no line. */
static void facts_of_the_text(void **unused)
{
	static const char *const unknown[] = { "\ncommand ", "\nconfig ", "\nboot " };
	struct recording_info i = info;
	struct recording_writer *w;
	struct snapshot s;

	(void)unused;
	record_figures();
	print(report_text, -1);
	expect("\nkernel    6.12");
	for (size_t n = 0; n < sizeof(unknown) / sizeof(*unknown); n++)
		assert_null(strstr(text, unknown[n]));
	assert_null(strstr(text, "\n          \n"));

	i.command = "w";
	unlink(path);
	w = recording_create(path, &i);
	assert_non_null(w);
	make_figures(&s, UINT32_MAX);
	assert_int_equal(recording_write(w, &s), 0);
	snapshot_free(&s);
	assert_int_equal(recording_finish(w, &i), 0);
	recording_writer_close(w);
	print(report_text, -1);
	expect("\ncommand   w\n");
}

static void queues_that_were_idle(void **unused)
{
	struct recording_writer *w = begin(false);
	struct snapshot s;

	(void)unused;
	make_figures(&s, 0);
	assert_int_equal(recording_write(w, &s), 0);
	snapshot_free(&s);
	end(w);
	print(report_text, -1);
	expect("\nidle      virtio2 vda req.0, virtio5 sda (2 queues)\n");
}

/* Version 0.1.0 wrote none, and the recording of the smoke test is of that version. */
static void a_recording_without_a_host_is_read(void **unused)
{
	sqlite3 *db;

	(void)unused;
	record_figures();
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM info WHERE key = 'host'", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	print(report_html, -1);
	expect("vringtop recording, 2025-11-30 14:17:42 UTC, Linux 6.12, a CPU");
}

static int set_up(void **unused)
{
	int fd = mkstemp(path);

	(void)unused;
	return fd < 0 || close(fd) ? -1 : 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	free(text);
	return unlink(path);
}

/* --- OpenMetrics --- */

/*
 * Two intervals with the same figures: the second time, each count is twice as large. The samples
 * of a metric of a queue stand together, in the order of their times.
 */
static void metrics_of_a_recording(void **state)
{
	struct recording_writer *w = begin(false);
	const char *name =
		"vringtop_requests_total{instance=\"a-host\",device=\"virtio2\",queue=\"0\"}";
	unsigned long long buffers = count_of(0, VT_OP_ADD) - no_of(0, VT_OP_ADD);
	struct snapshot s;

	(void)state;
	make_figures(&s, UINT32_MAX);
	assert_int_equal(recording_write(w, &s), 0);
	s.time += SINCE;
	assert_int_equal(recording_write(w, &s), 0);
	snapshot_free(&s);
	end(w);
	print(report_openmetrics, -1);
	expect("# TYPE vringtop_requests counter\n"
	       "%s %llu 1764512264.000000000\n"
	       "%s %llu 1764512266.000000000\n",
	       name, buffers, name, 2 * buffers);
	expect("vringtop_request_duration_seconds_count{instance=\"a-host\",device=\"virtio5\","
	       "queue=\"2\"} %llu 1764512266.000000000\n",
	       2 * TIMED);
	expect("vringtop_operation_duration_seconds_sum{instance=\"a-host\",device=\"virtio5\","
	       "queue=\"2\",operation=\"get\"} 0.%09llu 1764512266.000000000\n",
	       2ull * time_sum(1, VT_OP_GET));
	expect("vringtop_interrupts_total{instance=\"a-host\",device=\"virtio2\",queue=\"0\"} %llu "
	       "1764512266.000000000\n",
	       2ull * count_of(0, VT_INTERRUPT));
	expect("vringtop_stage_duration_seconds_sum{instance=\"a-host\",device=\"virtio5\","
	       "queue=\"2\",stage=\"wakeup\"} 0.%09llu 1764512266.000000000\n",
	       2ull * time_sum(1, VT_STAGE_WAKEUP));
	expect("vringtop_lost_events_total{instance=\"a-host\"} %d 1764512266.000000000\n",
	       2 * LOST);
	expect("vringtop_attached{instance=\"a-host\",to=\"tracepoints\"} 1 "
	       "1764512264.000000000\n");
	assert_null(strstr(text, "queue_stalled"));
	assert_null(strstr(text, "oldest_request"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_csv),
		cmocka_unit_test(tiles_of_the_page),
		cmocka_unit_test(cells_of_the_page),
		cmocka_unit_test(bars_of_the_page),
		cmocka_unit_test(layouts_of_the_page),
		cmocka_unit_test(zero_is_a_gap_on_a_log_axis),
		cmocka_unit_test(marks_have_no_zeros_at_the_end),
		cmocka_unit_test(lines_of_the_page),
		cmocka_unit_test(stages_of_the_page),
		cmocka_unit_test(times_of_a_queue),
		cmocka_unit_test(quantiles_step_with_the_intervals),
		cmocka_unit_test(rows_of_several_buckets),
		cmocka_unit_test(heat_maps_of_a_queue),
		cmocka_unit_test(counters_of_the_trace),
		cmocka_unit_test(slices_of_the_trace),
		cmocka_unit_test(an_interval_of_no_time),
		cmocka_unit_test(metrics_of_a_recording),
		cmocka_unit_test(the_last_bucket_is_the_last),
		cmocka_unit_test(text_says_why_there_are_no_times),
		cmocka_unit_test(facts_of_the_text),
		cmocka_unit_test(queues_that_were_idle),
		cmocka_unit_test(a_recording_without_a_host_is_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
