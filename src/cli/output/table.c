// SPDX-License-Identifier: GPL-2.0
/* The rows of a page, their order, the columns that fit, and lines of text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/format.h"
#include "model/stall.h"
#include "output/table.h"

static const char *const page_names[NR_PAGES] = {
	[PAGE_QUEUES] = "queues",
	[PAGE_LAYOUTS] = "layouts",
	[PAGE_DOORBELLS] = "doorbells",
	[PAGE_STAGES] = "stages",
};

enum page page_by_name(const char *name)
{
	int page = NR_PAGES - 1;

	while (page && strcmp(page_names[page], name))
		page--;
	return page;
}

static void queue_row(const struct snapshot *s, const struct queue *q, int op, struct table_row *r)
{
	const struct op_stats *notify = q->op[VT_OP_NOTIFY];

	r->queue = q;
	r->layout = q->layout;
	r->queues = 1;
	queue_sum(q, op, &r->sum);
	r->buffers = queue_buffers(q);
	r->doorbells = queue_doorbells(q);
	r->suppressed = queue_suppressed(q);
	r->adds_failed = q->op[VT_OP_ADD] ? q->op[VT_OP_ADD]->refused : 0;
	r->failed = notify ? notify->refused : 0;
	r->bytes_out = queue_bytes_out(q);
	r->bytes_in = queue_bytes_in(q);
	r->batch = q->op[VT_BUFFERS_PER_DOORBELL];
	r->interrupts = q->op[VT_INTERRUPT];
	r->fetched = q->op[VT_BUFFERS_PER_INTERRUPT];
	r->stages = queue_stages(q);
	r->moved = q->changed && s->time - q->changed <= s->since;
	for (int o = 0; o < VT_NR_OPS; o++)
		r->moved |= q->op[o] && q->op[o]->count;
}

static void layout_row(const struct snapshot *s, enum vt_layout layout, struct table_row *r)
{
	struct layout_usage u;

	layout_usage(s, layout, &u);
	r->layout = layout;
	r->queues = u.queues;
	r->sum = u.sum;
	r->buffers = u.buffers;
	r->bytes_out = u.bytes_out;
	r->bytes_in = u.bytes_in;
	r->moved = u.queues || u.sum.count;
}

/* Returns the operation whose times a page shows: an enum vt_op, or -1 for all. */
static int page_op(enum page page, int op)
{
	if (page == PAGE_DOORBELLS)
		return VT_OP_NOTIFY;
	return page == PAGE_STAGES ? VT_AVAIL_TO_USED : op;
}

int table_make(const struct snapshot *s, enum page page, int op, uint32_t counted, struct table *t)
{
	size_t rows = page == PAGE_LAYOUTS ? VT_NR_LAYOUTS : s->nr_queues;
	uint64_t all = 0;

	t->page = page;
	t->nr_rows = 0;
	t->rows = calloc(rows + 1, sizeof(*t->rows));
	if (!t->rows)
		return -ENOMEM;
	op = page_op(page, op);
	for (size_t i = 0; i < rows; i++) {
		struct table_row *r = &t->rows[t->nr_rows];

		if (page == PAGE_LAYOUTS)
			layout_row(s, i, r);
		else
			queue_row(s, &s->queues[i], op, r);
		if (page == PAGE_LAYOUTS && !r->moved)
			continue;
		r->snapshot = s;
		r->counted = counted & ~s->unavailable;
		r->seconds = s->since / 1e9;
		all += r->sum.count;
		t->nr_rows++;
	}
	for (size_t i = 0; i < t->nr_rows; i++)
		t->rows[i].share = all ? (double)t->rows[i].sum.count / all : 0;
	return 0;
}

void table_free(struct table *t)
{
	free(t->rows);
	memset(t, 0, sizeof(*t));
}

struct order {
	const struct column *column;
	bool reverse;
};

static int by_column(const void *a, const void *b, void *arg)
{
	const struct table_row *x = a, *y = b;
	const struct order *o = arg;
	int order = 0;

	if (o->column->key) {
		double kx = o->column->key(x), ky = o->column->key(y);

		order = (kx < ky) - (kx > ky);
	} else if (x->queue && !strcmp(o->column->title, "QUEUE")) {
		order = strcmp(x->queue->name, y->queue->name);
	}
	/*
	 * The queues of a snapshot are sorted by device and index, so the address gives this order.
	 */
	if (!order)
		order = x->queue ? (x->queue > y->queue) - (x->queue < y->queue)
				 : (int)x->layout - (int)y->layout;
	return o->reverse ? -order : order;
}

void table_sort(struct table *t, int column, bool reverse)
{
	struct order o = { &table_columns(t->page)[column], reverse };

	qsort_r(t->rows, t->nr_rows, sizeof(*t->rows), by_column, &o);
}

int table_fit(enum page page, int width, int shown[TABLE_MAX_COLUMNS])
{
	const struct column *c = table_columns(page);
	int n = 0, last = 0, most = 0;

	for (int i = 0; c[i].title; i++)
		if (c[i].rank > most)
			most = c[i].rank;
	/*
	 * Find the highest rank for which all columns up to this rank fit. Columns of rank 0 are
	 * always shown.
	 */
	for (int rank = 0; rank <= most; rank++) {
		int sum = -1;

		for (int i = 0; c[i].title; i++)
			if (c[i].rank <= rank)
				sum += c[i].width + 1;
		if (sum <= width)
			last = rank;
	}
	for (int i = 0; c[i].title; i++)
		if (c[i].rank <= last)
			shown[n++] = i;
	return n;
}

void table_widths(const struct table *t, int width, const int *shown, int n,
		  int widths[TABLE_MAX_COLUMNS])
{
	const struct column *c = table_columns(t->page);
	int spare = width + 1;

	for (int i = 0; i < n; i++) {
		widths[i] = c[shown[i]].width;
		spare -= widths[i] + 1;
	}
	for (int i = 0; i < n; i++) {
		int longest = 0, more;

		for (size_t row = 0; c[shown[i]].left && row < t->nr_rows; row++) {
			char cell[TABLE_CELL];
			int length;

			if (!table_row_shown(&t->rows[row]))
				continue;
			length = strlen(table_cell(&c[shown[i]], &t->rows[row], cell));
			longest = length > longest ? length : longest;
		}
		more = longest - widths[i] < spare ? longest - widths[i] : spare;
		if (more <= 0)
			continue;
		widths[i] += more;
		spare -= more;
	}
}

/* Cuts a cell to a width. The index of a queue at the end, "#2", stays. */
static void cut(char *cell, size_t width)
{
	const char *index = strrchr(cell, '#');
	size_t length = index ? strlen(index) : 0;

	if (strlen(cell) > width && length < width)
		memmove(cell + width - length, index ?: "", length + 1);
}

/* Appends a cell, padded and cut to its width. Returns the new end of the line. */
static size_t put_cell(char *line, size_t at, size_t size, const char *cell, bool blank,
		       size_t width, bool left)
{
	size_t length = strnlen(cell, width), pad = width - length;

	if (size - at <= blank + width)
		return size;
	if (blank)
		line[at++] = ' ';
	memset(line + at, ' ', width);
	memcpy(line + at + (left ? 0 : pad), cell, length);
	line[at + width] = '\0';
	return at + width;
}

char *table_timed(enum page page, int op, uint32_t counted, char *text, size_t size)
{
	const uint32_t all = (1u << VT_NR_OPS) - 1;
	size_t n = 0;

	op = page_op(page, op);
	if (op == VT_AVAIL_TO_USED) {
		snprintf(text, size, "requests");
		return text;
	}
	if (op >= 0 || (counted & all) == all) {
		snprintf(text, size, "%s", op >= 0 ? op_name(op) : "all");
		return text;
	}
	snprintf(text, size, "none");
	for (int o = 0; o < VT_NR_OPS && n < size; o++)
		if (counted >> o & 1)
			n += snprintf(text + n, size - n, "%s%s", n ? "," : "", op_name(o));
	return text;
}

char *table_cell(const struct column *c, const struct table_row *row, char *cell)
{
	if (c->needs & ~row->counted)
		strcpy(cell, "-");
	else
		c->text(row, cell);
	return cell;
}

void table_line(enum page page, const int *shown, const int *widths, int n,
		const struct table_row *row, char *line, size_t size)
{
	size_t at = 0;

	line[0] = '\0';
	for (int i = 0; i < n && at < size; i++) {
		const struct column *c = &table_columns(page)[shown[i]];
		char cell[TABLE_CELL];

		if (row)
			table_cell(c, row, cell);
		else
			snprintf(cell, sizeof(cell), "%s", c->title);
		cut(cell, widths[i]);
		at = put_cell(line, at, size, cell, i > 0, widths[i], c->left);
	}
}

int table_width(void)
{
	struct winsize w = {};

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || w.ws_col < 80)
		return 80;
	return w.ws_col;
}

/* Prints a line without the blanks at its end. */
static void print_line(const char *line, FILE *f)
{
	int length = strlen(line);

	while (length && line[length - 1] == ' ')
		length--;
	fprintf(f, "%.*s\n", length, line);
}

bool table_row_shown(const struct table_row *r)
{
	const struct queue *q = r->queue;

	if (r->moved || !q || q->gone || q->broken)
		return r->moved || q;
	return q->oldest && !q->oldest_or_longer && !queue_waits_for_world(q);
}

void table_print(const struct table *t, int width, FILE *f)
{
	int shown[TABLE_MAX_COLUMNS], widths[TABLE_MAX_COLUMNS];
	int n = table_fit(t->page, width, shown);
	size_t idle = 0;
	char line[512];

	table_widths(t, width, shown, n, widths);
	table_line(t->page, shown, widths, n, NULL, line, sizeof(line));
	print_line(line, f);
	for (size_t i = 0; i < t->nr_rows; i++) {
		if (!table_row_shown(&t->rows[i])) {
			idle++;
			continue;
		}
		table_line(t->page, shown, widths, n, &t->rows[i], line, sizeof(line));
		print_line(line, f);
	}
	if (idle)
		fprintf(f, "%zu idle queue%s not shown\n", idle, idle == 1 ? "" : "s");
}

void table_op_line(enum vt_op op, const struct op_stats *s, const struct snapshot *diff, int width,
		   char *line, size_t size)
{
	static const double quantiles[] = { 0.5, 0.9, 0.99, 0.999 };
	char text[8][FORMAT_LEN], no[TABLE_CELL] = "";
	double seconds = diff->since / 1e9;

	format_number(text[0], s->count);
	format_number(text[1], seconds > 0 ? s->count / seconds : 0);
	for (int i = 2; i < 8; i++)
		strcpy(text[i], "-");
	if (s->timed) {
		format_mean(text[2], op_stats_mean(s), diff->clock_step);
		for (int i = 0; i < 4; i++)
			format_measured(text[3 + i],
					histogram_quantile(&s->histogram, quantiles[i], s->max),
					diff->clock_step);
		format_measured(text[7], s->max, diff->clock_step);
	}
	if (op_refused_name(op)) {
		char share[FORMAT_LEN];

		snprintf(no, sizeof(no), " %5s %s", format_share(share, s->refused, s->count),
			 width < 90 ? "" : op_refused_name(op));
	}
	snprintf(line, size, "%-17s %5s %6s %6s %6s %6s %6s %6s %6s%s", op_name(op), text[0],
		 text[1], text[2], text[3], text[4], text[5], text[6], text[7], no);
}
