// SPDX-License-Identifier: GPL-2.0
/*
 * The columns of each page: what a cell of a row shows, by which number the column is sorted, and
 * what the title means.
 */
#include <stdio.h>
#include <string.h>
#include "base/format.h"
#include "model/stall.h"
#include "output/queue_name.h"
#include "output/table.h"

#define QUEUE_WIDTH 9 /* of the column with the name of a queue */

static double per_second(const struct table_row *r, uint64_t n)
{
	return r->seconds > 0 ? n / r->seconds : 0;
}

static double quantile(const struct table_row *r, double q)
{
	return histogram_quantile(&r->sum.histogram, q, r->sum.max);
}

/* @s: what has the time @ns; without a known time the cell is "-" */
static void time_or_dash(const struct table_row *r, const struct op_stats *s, double ns, char *cell)
{
	if (s && s->timed)
		format_measured(cell, ns, r->snapshot->clock_step);
	else
		strcpy(cell, "-");
}

static void text_device(const struct table_row *r, char *cell)
{
	const struct queue *q = r->queue;

	snprintf(cell, TABLE_CELL, "virtio%d %.20s", q->device, queue_role(q));
}

static void text_queue(const struct table_row *r, char *cell)
{
	char name[QUEUE_NAME];

	queue_name(r->snapshot, r->queue, QUEUE_NAME - 1, name);
	snprintf(cell, TABLE_CELL, "%s%.38s", r->queue->fresh ? "+" : "", name);
}

static void text_layout(const struct table_row *r, char *cell)
{
	strcpy(cell, layout_short_name(r->layout));
}

static double key_layout(const struct table_row *r)
{
	return r->layout;
}

static double key_fill(const struct table_row *r)
{
	const struct queue *q = r->queue;

	return q->num ? (double)queue_in_use(q) / q->num : 0;
}

static void text_fill(const struct table_row *r, char *cell)
{
	if (r->queue->gone)
		strcpy(cell, "GONE");
	else if (r->queue->broken)
		strcpy(cell, "BROK");
	else
		format_share(cell, key_fill(r), 1);
}

static double key_oldest(const struct table_row *r)
{
	return queue_waits_for_world(r->queue) ? 0 : r->queue->oldest;
}

static void text_oldest(const struct table_row *r, char *cell)
{
	const struct queue *q = r->queue;
	char age[FORMAT_LEN];

	if (q->gone)
		strcpy(cell, "GONE");
	else if (q->broken)
		strcpy(cell, "BROKEN");
	else if (!q->oldest)
		strcpy(cell, "-");
	else if (queue_waits_for_world(q))
		strcpy(cell, "input");
	else
		snprintf(cell, TABLE_CELL, "%s%s", q->oldest_or_longer ? ">" : "",
			 format_time(age, q->oldest));
}

static double key_stage(const struct table_row *r)
{
	double share;

	queue_longest_stage(r->queue, &share);
	return share;
}

static void text_stage(const struct table_row *r, char *cell)
{
	double share;
	int stage = queue_longest_stage(r->queue, &share);
	char text[FORMAT_LEN];

	if (stage < 0)
		strcpy(cell, "-");
	else
		snprintf(cell, TABLE_CELL, "%s %s",
			 stage == VT_STAGE_DOORBELL ? "bell" : op_name(stage),
			 format_share(text, share, 1));
}

/* Returns the share that a stage has of the time of all stages, 0..1. */
static double stage_share(const struct table_row *r, enum vt_op stage)
{
	const struct op_stats *s = r->queue->op[stage];

	return s && r->stages ? (double)s->sum / r->stages : 0;
}

static double stage_p99(const struct table_row *r, enum vt_op stage)
{
	const struct op_stats *s = r->queue->op[stage];

	return s ? histogram_quantile(&s->histogram, 0.99, s->max) : 0;
}

static void text_stage_share(const struct table_row *r, enum vt_op stage, char *cell)
{
	if (r->stages)
		format_share(cell, stage_share(r, stage), 1);
	else
		strcpy(cell, "-");
}

static void text_stage_p99(const struct table_row *r, enum vt_op stage, char *cell)
{
	time_or_dash(r, r->queue->op[stage], stage_p99(r, stage), cell);
}

/* key_share_queued(), text_share_queued(), key_p99_queued(), text_p99_queued(), and so on */
#define STAGE_CELLS(name, stage)                                                                   \
	static double key_share_##name(const struct table_row *r)                                  \
	{                                                                                          \
		return stage_share(r, stage);                                                      \
	}                                                                                          \
	static void text_share_##name(const struct table_row *r, char *cell)                       \
	{                                                                                          \
		text_stage_share(r, stage, cell);                                                  \
	}                                                                                          \
	static double key_p99_##name(const struct table_row *r)                                    \
	{                                                                                          \
		return stage_p99(r, stage);                                                        \
	}                                                                                          \
	static void text_p99_##name(const struct table_row *r, char *cell)                         \
	{                                                                                          \
		text_stage_p99(r, stage, cell);                                                    \
	}

STAGE_CELLS(queued, VT_STAGE_QUEUED)
STAGE_CELLS(doorbell, VT_STAGE_DOORBELL)
STAGE_CELLS(device, VT_STAGE_DEVICE)
STAGE_CELLS(wakeup, VT_STAGE_WAKEUP)

static double key_interrupts(const struct table_row *r)
{
	return r->interrupts ? per_second(r, r->interrupts->count) : 0;
}

static void text_interrupts(const struct table_row *r, char *cell)
{
	format_number(cell, key_interrupts(r));
}

static double key_fetched(const struct table_row *r)
{
	return r->fetched ? op_stats_mean(r->fetched) : 0;
}

static void text_fetched(const struct table_row *r, char *cell)
{
	if (r->fetched && r->fetched->count)
		snprintf(cell, TABLE_CELL, "%.1f", key_fetched(r));
	else
		strcpy(cell, "-");
}

static double key_ops(const struct table_row *r)
{
	return per_second(r, r->sum.count);
}

static void text_ops(const struct table_row *r, char *cell)
{
	format_number(cell, key_ops(r));
}

static double key_buffers(const struct table_row *r)
{
	return per_second(r, r->buffers);
}

static void text_buffers(const struct table_row *r, char *cell)
{
	format_number(cell, key_buffers(r));
}

static double key_adds_failed(const struct table_row *r)
{
	return per_second(r, r->adds_failed);
}

static void text_adds_failed(const struct table_row *r, char *cell)
{
	format_number(cell, key_adds_failed(r));
}

static double key_doorbells(const struct table_row *r)
{
	return per_second(r, r->doorbells);
}

static void text_doorbells(const struct table_row *r, char *cell)
{
	format_number(cell, key_doorbells(r));
}

static double key_suppressed_rate(const struct table_row *r)
{
	return per_second(r, r->suppressed);
}

static void text_suppressed_rate(const struct table_row *r, char *cell)
{
	format_number(cell, key_suppressed_rate(r));
}

static double key_suppressed(const struct table_row *r)
{
	uint64_t all = r->doorbells + r->suppressed;

	return all ? (double)r->suppressed / all : 0;
}

static void text_suppressed(const struct table_row *r, char *cell)
{
	format_share(cell, r->suppressed, r->doorbells + r->suppressed);
}

static double key_batch(const struct table_row *r)
{
	return r->batch ? op_stats_mean(r->batch) : 0;
}

static void text_batch(const struct table_row *r, char *cell)
{
	if (r->batch && r->batch->count)
		snprintf(cell, TABLE_CELL, "%.1f", key_batch(r));
	else
		strcpy(cell, "-");
}

static double key_most(const struct table_row *r)
{
	return r->batch ? r->batch->max : 0;
}

static void text_most(const struct table_row *r, char *cell)
{
	if (r->batch && r->batch->count)
		format_number(cell, key_most(r));
	else
		strcpy(cell, "-");
}

static double key_failed(const struct table_row *r)
{
	return r->failed;
}

static void text_failed(const struct table_row *r, char *cell)
{
	format_number(cell, r->failed);
}

static void text_data(const struct table_row *r, char *cell)
{
	const struct queue *q = r->queue;
	const struct vt_doorbell *d = queue_doorbell(q, 0);
	struct notification n;

	if (!d) {
		strcpy(cell, "-");
		return;
	}
	n = notification_decode(q->layout, d->value);
	if (n.has_wrap)
		snprintf(cell, TABLE_CELL, "q%u @%u w%u", n.queue, n.next_offset, n.wrap_counter);
	else
		snprintf(cell, TABLE_CELL, "q%u @%u", n.queue, n.next_offset);
}

static double key_wrong(const struct table_row *r)
{
	const struct op_stats *data = r->queue->op[VT_OP_NOTIFICATION_DATA];

	return data ? data->refused : 0;
}

static void text_ring(const struct table_row *r, char *cell)
{
	const struct op_stats *data = r->queue->op[VT_OP_NOTIFICATION_DATA];

	if (!data || !data->count)
		strcpy(cell, "-");
	else if (data->refused)
		strcat(format_number(cell, data->refused), "!");
	else
		strcpy(cell, "ok");
}

static double key_out(const struct table_row *r)
{
	return per_second(r, r->bytes_out);
}

static void text_out(const struct table_row *r, char *cell)
{
	if (r->snapshot->no_bytes_out)
		strcpy(cell, "n/a");
	else
		format_bytes(cell, key_out(r));
}

static double key_in(const struct table_row *r)
{
	return per_second(r, r->bytes_in);
}

static void text_in(const struct table_row *r, char *cell)
{
	format_bytes(cell, key_in(r));
}

static double key_mean(const struct table_row *r)
{
	return op_stats_mean(&r->sum);
}

static void text_mean(const struct table_row *r, char *cell)
{
	if (r->sum.timed)
		format_mean(cell, key_mean(r), r->snapshot->clock_step);
	else
		strcpy(cell, "-");
}

static double key_p50(const struct table_row *r)
{
	return quantile(r, 0.5);
}

static void text_p50(const struct table_row *r, char *cell)
{
	time_or_dash(r, &r->sum, key_p50(r), cell);
}

static double key_p99(const struct table_row *r)
{
	return quantile(r, 0.99);
}

static void text_p99(const struct table_row *r, char *cell)
{
	time_or_dash(r, &r->sum, key_p99(r), cell);
}

static double key_max(const struct table_row *r)
{
	return r->sum.max;
}

static void text_max(const struct table_row *r, char *cell)
{
	time_or_dash(r, &r->sum, key_max(r), cell);
}

static double key_queues(const struct table_row *r)
{
	return r->queues;
}

static void text_queues(const struct table_row *r, char *cell)
{
	format_number(cell, r->queues);
}

static double key_share(const struct table_row *r)
{
	return r->share;
}

static void text_share(const struct table_row *r, char *cell)
{
	format_share(cell, r->share, 1);
}

/* The legends of more than one column. Each fits with its titles into 80 characters. */
static const char legend_all_ops[] = "operations on the ring, per second";
static const char legend_buffers[] = "buffers that the driver made available, per second";
static const char legend_out[] = "bytes for the device to read, per second; n/a: not visible";
static const char legend_in[] = "bytes that the device wrote, per second";
static const char legend_times[] = "the times that the header names: mean, quantiles, maximum";
static const char legend_queued[] = "from add to the begin of the doorbell: share of time, P99";
static const char legend_bell[] = "while the doorbell was rung: share of time, P99";
static const char legend_device[] = "with the device, until its interrupt: share of time, P99";
static const char legend_wakeup[] = "from the interrupt to the end of get: share of time, P99";
static const char legend_oldest[] = "age of oldest request; >: at least; input: waits for input";
static const char legend_ringing[] = "how long it took to ring a doorbell: quantiles, maximum";
static const char legend_doorbells[] = "doorbells rung (notify), per second";
static const char legend_interrupts[] = "interrupts that were handed to the queue, per second";
static const char legend_queue[] = "name; +name: new; name#2: index 2, where names repeat";
static const char legend_layout[] = "ring layout; -io: in order";

#define NEEDS(op)	(1u << VT_OP_##op)
#define NEEDS_BATCH	(1u << VT_BUFFERS_PER_DOORBELL)
#define NEEDS_FETCHED	(1u << VT_BUFFERS_PER_INTERRUPT)
#define NEEDS_INTERRUPT (1u << VT_INTERRUPT)
#define NEEDS_REQUEST	(1u << VT_AVAIL_TO_USED)

/* The columns of rank 0 together fit into 80 characters. */
static const struct column queue_columns[] = {
	{ "DEVICE", 12, true, 0, 0, text_device, NULL, NULL },
	{ "QUEUE", QUEUE_WIDTH, true, 0, 0, text_queue, NULL, legend_queue },
	{ "LAYOUT", 9, true, 0, 0, text_layout, key_layout, legend_layout },
	{ "FILL", 4, false, 1, 0, text_fill, key_fill,
	  "descriptors in use; GONE: queue deleted; BROK: broken" },
	{ "OPS/s", 6, false, 3, 0, text_ops, key_ops, legend_all_ops },
	{ "BUF/s", 6, false, 0, NEEDS(ADD), text_buffers, key_buffers, legend_buffers },
	{ "BELL/s", 6, false, 1, NEEDS(NOTIFY), text_doorbells, key_doorbells, legend_doorbells },
	{ "SUPPR", 5, false, 1, NEEDS(NOTIFY) | NEEDS(KICK_PREPARE), text_suppressed,
	  key_suppressed, "share of doorbells not wanted by the device (kick_prepare)" },
	{ "INT/s", 6, false, 2, NEEDS_INTERRUPT, text_interrupts, key_interrupts,
	  legend_interrupts },
	{ "FAIL/s", 6, false, 3, NEEDS(ADD), text_adds_failed, key_adds_failed,
	  "buffers that add refused: ring or bounce buffers full" },
	{ "OUT/s", 6, false, 2, NEEDS(ADD), text_out, key_out, legend_out },
	{ "IN/s", 6, false, 2, NEEDS(GET), text_in, key_in, legend_in },
	{ "MEAN", 6, false, 4, 0, text_mean, key_mean, legend_times },
	{ "P50", 6, false, 0, 0, text_p50, key_p50, legend_times },
	{ "P99", 6, false, 0, 0, text_p99, key_p99, legend_times },
	{ "MAX", 6, false, 0, 0, text_max, key_max, legend_times },
	{ "OLDEST", 7, false, 0, NEEDS_REQUEST, text_oldest, key_oldest, legend_oldest },
	{ "STAGE", 11, true, 0, VT_STAGES, text_stage, key_stage,
	  "stage with most of the time of requests, and its share" },
	{},
};

static const struct column layout_columns[] = {
	{ "LAYOUT", 9, true, 0, 0, text_layout, key_layout, legend_layout },
	{ "QUEUES", 6, false, 0, 0, text_queues, key_queues, "queues with this layout" },
	{ "OPS/s", 6, false, 0, 0, text_ops, key_ops, legend_all_ops },
	{ "SHARE", 5, false, 0, 0, text_share, key_share, "share of the operations on all rings" },
	{ "BUF/s", 6, false, 0, NEEDS(ADD), text_buffers, key_buffers, legend_buffers },
	{ "OUT/s", 6, false, 0, NEEDS(ADD), text_out, key_out, legend_out },
	{ "IN/s", 6, false, 0, NEEDS(GET), text_in, key_in, legend_in },
	{ "MEAN", 6, false, 0, 0, text_mean, key_mean, legend_times },
	{ "P50", 6, false, 0, 0, text_p50, key_p50, legend_times },
	{ "P99", 6, false, 0, 0, text_p99, key_p99, legend_times },
	{ "MAX", 6, false, 0, 0, text_max, key_max, legend_times },
	{},
};

static const struct column doorbell_columns[] = {
	{ "DEVICE", 12, true, 0, 0, text_device, NULL, NULL },
	{ "QUEUE", QUEUE_WIDTH, true, 0, 0, text_queue, NULL, legend_queue },
	{ "BELL/s", 6, false, 0, NEEDS(NOTIFY), text_doorbells, key_doorbells, legend_doorbells },
	{ "SUPP/s", 6, false, 0, NEEDS(KICK_PREPARE), text_suppressed_rate, key_suppressed_rate,
	  "doorbells that the device did not want, per second" },
	{ "BUF/BELL", 8, false, 0, NEEDS_BATCH, text_batch, key_batch,
	  "buffers that a doorbell announced: mean" },
	{ "INT/s", 6, false, 0, NEEDS_INTERRUPT, text_interrupts, key_interrupts,
	  legend_interrupts },
	{ "BUF/INT", 7, false, 0, NEEDS_FETCHED, text_fetched, key_fetched,
	  "used buffers that an interrupt found: mean" },
	{ "MOST", 5, false, 1, NEEDS_BATCH, text_most, key_most,
	  "buffers that a doorbell announced: maximum" },
	{ "FAIL", 5, false, 2, NEEDS(NOTIFY), text_failed, key_failed, "doorbells that failed" },
	{ "P50", 6, false, 1, NEEDS(NOTIFY), text_p50, key_p50, legend_ringing },
	{ "P99", 6, false, 1, NEEDS(NOTIFY), text_p99, key_p99, legend_ringing },
	{ "MAX", 6, false, 2, NEEDS(NOTIFY), text_max, key_max, legend_ringing },
	{ "DATA", 12, true, 0, 0, text_data, NULL,
	  "last notification data: q queue, @ offset, w wrap counter" },
	{ "RING", 6, true, 0, 0, text_ring, key_wrong,
	  "ok: all data agreed with the ring's index; 3!: 3 did not" },
	{},
};

/* For each stage a column with its share, and one with its times. */
static const struct column stage_columns[] = {
	{ "DEVICE", 12, true, 0, 0, text_device, NULL, NULL },
	{ "QUEUE", QUEUE_WIDTH, true, 0, 0, text_queue, NULL, legend_queue },
	{ "BUF/s", 6, false, 1, NEEDS(ADD), text_buffers, key_buffers, legend_buffers },
	{ "P50", 6, false, 1, NEEDS_REQUEST, text_p50, key_p50, legend_times },
	{ "P99", 6, false, 0, NEEDS_REQUEST, text_p99, key_p99, legend_times },
	{ "QUE%", 4, false, 0, VT_STAGES, text_share_queued, key_share_queued, legend_queued },
	{ "QUEUED", 6, false, 0, VT_STAGES, text_p99_queued, key_p99_queued, legend_queued },
	{ "BEL%", 4, false, 0, VT_STAGES, text_share_doorbell, key_share_doorbell, legend_bell },
	{ "BELL", 6, false, 0, VT_STAGES, text_p99_doorbell, key_p99_doorbell, legend_bell },
	{ "DEV%", 4, false, 0, VT_STAGES, text_share_device, key_share_device, legend_device },
	{ "DEVICE", 6, false, 0, VT_STAGES, text_p99_device, key_p99_device, legend_device },
	{ "WAK%", 4, false, 0, VT_STAGES, text_share_wakeup, key_share_wakeup, legend_wakeup },
	{ "WAKEUP", 6, false, 0, VT_STAGES, text_p99_wakeup, key_p99_wakeup, legend_wakeup },
	{ "OLDEST", 7, false, 1, NEEDS_REQUEST, text_oldest, key_oldest, legend_oldest },
	{},
};

static const struct column *const columns_of[NR_PAGES] = {
	[PAGE_QUEUES] = queue_columns,
	[PAGE_LAYOUTS] = layout_columns,
	[PAGE_DOORBELLS] = doorbell_columns,
	[PAGE_STAGES] = stage_columns,
};

const struct column *table_columns(enum page page)
{
	return columns_of[page];
}

int table_column(enum page page, const char *title)
{
	for (int i = 0; columns_of[page][i].title; i++)
		if (!strcmp(columns_of[page][i].title, title))
			return i;
	return 0;
}

/* Adds the columns of a page to a legend that has @n lines. Returns the new number of lines. */
static size_t add_legend(const struct column *c, struct table_legend *lines, size_t n)
{
	for (; c->title; c++) {
		struct table_legend line = { .text = c->legend };
		bool known = false;

		if (!c->legend)
			continue;
		snprintf(line.titles, sizeof(line.titles), "%s", c->title);
		for (; c[1].title && c[1].legend == c->legend; c++)
			snprintf(line.titles + strlen(line.titles),
				 sizeof(line.titles) - strlen(line.titles), " %s", c[1].title);
		for (size_t i = 0; i < n; i++)
			known |= !strcmp(lines[i].titles, line.titles) &&
				 !strcmp(lines[i].text, line.text);
		if (!known)
			lines[n++] = line;
	}
	return n;
}

size_t table_legend(enum page page, struct table_legend *lines)
{
	size_t n = 0;

	for (enum page p = 0; p < NR_PAGES; p++)
		if (page == NR_PAGES || page == p)
			n = add_legend(columns_of[p], lines, n);
	return n;
}
