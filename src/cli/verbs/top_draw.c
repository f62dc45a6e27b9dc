// SPDX-License-Identifier: GPL-2.0
/* Draws the screen of the live view. */
#include <stdio.h>
#include <string.h>
#include <curses.h>
#include "base/format.h"
#include "model/ring.h"
#include "output/stall_text.h"
#include "output/table.h"
#include "verbs/top_stalls.h"
#include "verbs/top_view.h"

#define STEPS	 (1 << VT_STEP_BITS)
#define OCTAVES	 (VT_NR_BUCKETS / STEPS) /* the first one is 0..15 ns */
#define OP_WIDTH 17

/*
 * Writes text at a position. Most text is ASCII and goes out as chtype, because mvaddnstr() looks
 * up each character in the tables of the locale.
 */
static void put(int y, int x, const char *text)
{
	chtype line[512], attributes = 0;
	int n = 0;

	if (y >= LINES || x >= COLS)
		return;
	for (; n < COLS - x && n < 512 && text[n] >= ' ' && text[n] <= '~'; n++)
		line[n] = text[n];
	if (text[n] && n < COLS - x) {
		mvaddnstr(y, x, text, COLS - x);
		return;
	}
	attributes = getattrs(stdscr);
	for (int i = 0; i < n; i++)
		line[i] |= attributes;
	mvaddchnstr(y, x, line, n);
}

/* Draws a line in reverse video over the whole width. */
static void put_bar(int y, const char *text)
{
	attron(A_REVERSE);
	mvhline(y, 0, ' ', COLS);
	put(y, 0, text);
	attroff(A_REVERSE);
}

static uint64_t all_ops(const struct snapshot *diff)
{
	uint64_t n = 0;

	for (size_t i = 0; i < diff->nr_queues; i++)
		for (int op = 0; op < VT_NR_OPS; op++)
			if (diff->queues[i].op[op])
				n += diff->queues[i].op[op]->count;
	return n;
}

static void draw_header(const struct view *v, const struct snapshot *diff)
{
	char a[FORMAT_LEN], b[FORMAT_LEN], ops[64], limits[80], line[256];
	double seconds = diff->since / 1e9;
	int n;

	/* The most important facts come first, because a narrow screen cuts off the end. */
	snprintf(line, sizeof(line),
		 " vringtop %s  linux %.24s  %s  %zu queues  %s op/s%s  every %.3gs",
		 VRINGTOP_VERSION, v->system.release, diff->how, snapshot_queues(diff),
		 format_number(a, seconds > 0 ? all_ops(diff) / seconds : 0),
		 v->paused ? "  PAUSED" : "", v->interval);
	put_bar(0, line);
	n = snprintf(line, sizeof(line), " lost %llu%s", (unsigned long long)diff->lost,
		     snapshot_limits(diff, limits, sizeof(limits)));
	if (!v->open)
		n += snprintf(line + n, sizeof(line) - n, "  times: %s",
			      table_timed(v->page, v->op, v->ops, ops, sizeof(ops)));
	n += snprintf(line + n, sizeof(line) - n, "  tool %.1f%%",
		      seconds > 0 ? 100 * diff->cpu / seconds : 0);
	if (diff->probe_ns > 0)
		n += snprintf(line + n, sizeof(line) - n, " + probe %s/op %.1f%%",
			      format_time(b, diff->probe_ns),
			      seconds > 0 ? all_ops(diff) * diff->probe_ns / 1e7 / seconds : 0);
	snprintf(line + n, sizeof(line) - n, " of a CPU");
	if (diff->lost || diff->not_shown)
		attron(A_BOLD);
	put(1, 0, line);
	attroff(A_BOLD);
}

static void draw_keys(const char *keys)
{
	put_bar(LINES - 1, keys);
}

static void draw_titles(const struct view *v, const int *shown, const int *widths, int n)
{
	const struct column *c = table_columns(v->page);
	char line[512];
	int x = 0;

	table_line(v->page, shown, widths, n, NULL, line, sizeof(line));
	attron(A_BOLD);
	put(2, 0, line);
	for (int i = 0; i < n; i++) {
		if (shown[i] == v->sort[v->page]) {
			attron(A_UNDERLINE);
			snprintf(line, sizeof(line), c[shown[i]].left ? "%-*.*s" : "%*.*s",
				 widths[i], widths[i], c[shown[i]].title);
			put(2, x, line);
			attroff(A_UNDERLINE);
		}
		x += widths[i] + 1;
	}
	attroff(A_BOLD);
}

static void draw_table(struct view *v, const struct snapshot *diff, const struct table *t)
{
	int shown[TABLE_MAX_COLUMNS], widths[TABLE_MAX_COLUMNS];
	int n = table_fit(v->page, COLS, shown);
	int room = LINES - 4 - draw_stalls(&v->stalls, diff, v->serial), at = selected_row(v, t);
	char line[512];

	table_widths(t, COLS, shown, n, widths);
	draw_titles(v, shown, widths, n);
	if ((at < 0 || !v->chosen) && t->nr_rows) {
		at = 0;
		select_row(v, &t->rows[0]);
	}
	if (v->first > at)
		v->first = at;
	if (v->first <= at - room)
		v->first = at - room + 1;
	if (v->first < 0)
		v->first = 0;
	for (int i = 0; i < room && v->first + i < (int)t->nr_rows; i++) {
		const struct table_row *r = &t->rows[v->first + i];

		table_line(v->page, shown, widths, n, r, line, sizeof(line));
		if (r->queue &&
		    (r->queue->broken || r->queue->gone || stalled(&v->stalls, r->queue)))
			attron(A_BOLD | COLOR_PAIR(1));
		else if (!r->moved)
			attron(A_DIM);
		if (v->first + i == at) {
			attron(A_REVERSE);
			mvhline(3 + i, 0, ' ', COLS);
		}
		put(3 + i, 0, line);
		attroff(A_REVERSE | A_DIM | A_BOLD | COLOR_PAIR(1));
	}
	if (!t->nr_rows && !v->idle)
		put(4, 1, "No virtqueue matches.");
	if (v->idle && (int)t->nr_rows - v->first < room) {
		snprintf(line, sizeof(line), "%zu idle queue%s (a shows %s)", v->idle,
			 v->idle == 1 ? "" : "s", v->idle == 1 ? "it" : "them");
		put(3 + t->nr_rows - v->first, 0, line);
	}
}

static void octaves(const struct op_stats *s, uint64_t count[OCTAVES * 2])
{
	memset(count, 0, OCTAVES * 2 * sizeof(*count));
	for (unsigned int b = s->histogram.begin; b < s->histogram.end; b++)
		count[b / (STEPS / 2)] += s->histogram.bucket[b];
}

/*
 * Returns the height of a bar, 0..@levels. The scale is logarithmic, so that the small counts of a
 * tail are visible.
 */
static int bar_level(uint64_t count, uint64_t most, int levels)
{
	double log_most = 0, log_count = 0;

	if (!count)
		return 0;
	while (most >> (int)log_most)
		log_most++;
	while (count >> (int)log_count)
		log_count++;
	return 1 + (levels - 1) * log_count / log_most;
}

static void draw_spark(const struct view *v, int y, int x, const struct op_stats *s)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", ".", ":", "-", "=", "+", "*", "#", "@" };
	uint64_t count[OCTAVES * 2], most = 1;

	octaves(s, count);
	for (int i = 0; i < OCTAVES * 2; i++)
		if (count[i] > most)
			most = count[i];
	for (int i = 0; i < OCTAVES * 2 && x + i < COLS; i++)
		mvaddstr(y, x + i, (v->utf8 ? blocks : ascii)[bar_level(count[i], most, 8)]);
}

static void draw_axis(int y, int x)
{
	char text[FORMAT_LEN];

	put(y, 0, "histograms");
	/* A column is half a power of two. Every fifth power of two gets a mark. */
	for (int octave = 1; octave < OCTAVES; octave += 5) {
		snprintf(text, sizeof(text), "|");
		format_time(text + 1, histogram_lower(octave * STEPS));
		put(y, x + octave * 2, text);
	}
}

/* Draws a histogram, one line for each power of two, in at most @room lines. */
static void draw_bars(int y, int room, enum vt_op op, const struct op_stats *s)
{
	uint64_t count[OCTAVES * 2], most = 1;
	int first = OCTAVES, last = 0;
	char a[FORMAT_LEN], b[FORMAT_LEN], line[64];

	octaves(s, count);
	for (int i = 0; i < OCTAVES; i++) {
		count[i] = count[2 * i] + count[2 * i + 1];
		if (count[i] && first > i)
			first = i;
		if (count[i])
			last = i;
		if (count[i] > most)
			most = count[i];
	}
	attron(A_BOLD);
	put(y, 0, op_name(op));
	attroff(A_BOLD);
	for (int i = first; i <= last && i - first < room - 1; i++) {
		int width = COLS - 31;

		snprintf(line, sizeof(line), "%8s - %-8s %9llu ",
			 format_time(a, histogram_lower(i * STEPS)),
			 format_time(b, histogram_lower((i + 1) * STEPS)),
			 (unsigned long long)count[i]);
		put(y + 1 + i - first, 0, line);
		for (uint64_t n = 0; width > 0 && n * most < count[i] * width; n++)
			mvaddch(y + 1 + i - first, 30 + n, '#');
	}
}

static void draw_queue_facts(const struct queue *q, double seconds)
{
	char a[FORMAT_LEN], b[FORMAT_LEN], c[FORMAT_LEN], d[FORMAT_LEN], e[FORMAT_LEN], line[256];
	uint64_t sent = queue_doorbells(q), suppressed = queue_suppressed(q);
	const struct op_stats *batch = q->op[VT_BUFFERS_PER_DOORBELL];
	double second = seconds > 0 ? seconds : 1;
	int n;

	snprintf(line, sizeof(line),
		 "virtio%d %s %s  queue %u %s  %s  %u of %u descriptors in use%s%s%s", q->device,
		 q->role, q->driver, q->index, q->name, layout_name(q->layout), queue_in_use(q),
		 q->num, q->broken ? "  BROKEN" : "", q->gone ? "  GONE" : "",
		 q->fresh ? "  new" : "");
	attron(A_BOLD);
	put(2, 0, line);
	attroff(A_BOLD);
	snprintf(line, sizeof(line),
		 "%s buf/s  %s B/s out  %s B/s in  %s bells/s, %.1f buf each, %s suppressed",
		 format_number(a, queue_buffers(q) / second),
		 format_bytes(b, queue_bytes_out(q) / second),
		 format_bytes(c, queue_bytes_in(q) / second), format_number(d, sent / second),
		 batch ? op_stats_mean(batch) : 0, format_share(e, suppressed, sent + suppressed));
	put(3, 0, line);
	n = snprintf(line, sizeof(line), "features");
	for (int i = 0; ring_features[i].name; i++)
		if (q->features >> ring_features[i].bit & 1 && n < (int)sizeof(line))
			n += snprintf(line + n, sizeof(line) - n, " %s", ring_features[i].name);
	put(4, 0, line);
}

/*
 * Draws the last doorbells with their data, the newest first. Returns the number of lines: 0 or 1.
 */
static int draw_doorbells(int y, const struct queue *q)
{
	const struct op_stats *data = q->op[VT_OP_NOTIFICATION_DATA];
	const struct vt_doorbell *d;
	char line[256];
	int n;

	if (!queue_has_notification_data(q))
		return 0;
	n = snprintf(line, sizeof(line), "doorbell data: %llu wrong, %llu behind; last",
		     (unsigned long long)(data ? data->refused : 0),
		     (unsigned long long)(data ? data->stale : 0));
	for (unsigned int i = 0; n < COLS - 14 && n < (int)sizeof(line) - 32; i++) {
		struct notification v;

		d = queue_doorbell(q, i);
		if (!d)
			break;
		v = notification_decode(q->layout, d->value);
		n += snprintf(line + n, sizeof(line) - n, " @%u", v.next_offset);
		if (v.has_wrap)
			n += snprintf(line + n, sizeof(line) - n, "w%u", v.wrap_counter);
		n += snprintf(line + n, sizeof(line) - n, "+%u%s", d->buffers,
			      d->value == d->ring ? "" : "!");
	}
	put(y, 0, line);
	return 1;
}

static void draw_queue(struct view *v, const struct snapshot *diff)
{
	const struct queue *q = selected_queue(v, diff);
	double seconds = diff->since / 1e9;
	int ops[VT_NR_TIMED], n = 0, y = 5, at = 0, room;
	const struct stall_watched *w;
	char line[320];

	if (!q) {
		put(3, 1, "This queue is gone. Esc goes back.");
		return;
	}
	draw_queue_facts(q, seconds);
	w = stalled(&v->stalls, q);
	if (w) {
		draw_stall(y++, q, w, 0);
		y += draw_stall_evidence(y, q, w);
	}
	y += draw_doorbells(y, q);
	for (int op = 0; op < VT_NR_TIMED; op++) {
		if (!q->op[op])
			continue;
		if (op == v->selected_op)
			at = n;
		ops[n++] = op;
	}
	if (!n) {
		put(y + 1, 1, "No operation was seen yet.");
		return;
	}
	v->selected_op = ops[at];
	attron(A_BOLD);
	put(y++, 0, OP_LINE_TITLE);
	attroff(A_BOLD);
	for (int i = 0; i < n && y < LINES - 1; i++) {
		if (i == at)
			attron(A_REVERSE);
		table_op_line(ops[i], q->op[ops[i]], diff, COLS, line, sizeof(line));
		put(y++, 0, line);
		attroff(A_REVERSE);
	}
	if (y >= LINES - 2)
		return;
	draw_axis(y++, OP_WIDTH + 1);
	/*
	 * If a small screen has no room for all, start at the selected one, so that the user can
	 * reach every operation.
	 */
	room = LINES - 1 - y;
	for (int i = 0, first = n > room ? at : 0; i < n && i < room; i++) {
		int op = ops[(first + i) % n];

		put(y, 0, op_name(op));
		draw_spark(v, y++, OP_WIDTH + 1, q->op[op]);
	}
	room = LINES - 1 - y;
	if (room >= 5)
		draw_bars(y + 1, room - 1, v->selected_op, q->op[v->selected_op]);
}

/* Draws the keys, and the legend of the page from which the user came. */
static void draw_help(const struct view *v)
{
	static const char *const lines[] = {
		"Keys",
		"  Up Down PgUp PgDn   select a row; k j too",
		"  Enter               open the queue: its operations, a histogram each",
		"  Esc Backspace       back",
		"  s  d  l  v          stages, doorbells and interrupts, layouts, queues",
		"  a                   idle queues: show them, or not",
		"  o  O                times of the next, the previous operation, or of all",
		"  <  >  r             sort by the column to the left or right; turn round",
		"  p Space             pause: the screen stands still, counting goes on",
		"  +  -                longer, shorter interval",
		"  q                   quit",
	};

	struct table_legend legend[TABLE_MAX_LEGEND];
	size_t n = table_legend(v->page, legend);
	int y = 2;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		put(y++, 1, lines[i]);
	if (v->open) {
		put(y++, 1,
		    "NO  add failed, get empty, kick_prepare suppressed, more_used spurious");
		put(y++, 1,
		    "Times are those of the driver's calls. Bars have a logarithmic height.");
	}
	for (size_t i = 0; !v->open && i < n; i++) {
		char line[128];

		snprintf(line, sizeof(line), "%-16.31s  %.90s", legend[i].titles, legend[i].text);
		put(y++, 1, line);
	}
	put(y++, 1, "red: stalled, a line says why. lost: operations that were not counted");
}

void draw(struct view *v, const struct snapshot *diff, const struct table *t)
{
	erase();
	draw_header(v, diff);
	if (v->help) {
		draw_help(v);
		draw_keys(" any key goes back");
	} else if (v->open) {
		draw_queue(v, diff);
		draw_keys(" q quit  Esc back  Up Down operation  p pause  h help");
	} else {
		draw_table(v, diff, t);
		draw_keys(" q quit  Enter open  s stages  d doorbells  l layouts  o op  a all  "
			  "h help");
	}
	refresh();
}
