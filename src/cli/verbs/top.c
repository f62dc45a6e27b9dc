// SPDX-License-Identifier: GPL-2.0
/* vringtop top: the live view. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <curses.h>
#include "base/confine.h"
#include "base/error.h"
#include "base/format.h"
#include "base/signals.h"
#include "output/table.h"
#include "probe/probe.h"
#include "probe/stall_poll.h"
#include "verbs/options.h"
#include "verbs/top_stalls.h"
#include "verbs/verbs.h"

static const char doc[] =
	"Shows the virtqueues of this machine live: ring layout and fill, buffers and doorbells "
	"per "
	"second, how long the operations take. Enter opens a queue, h shows the keys."
	"\vExamples:\n"
	"  sudo vringtop\n"
	"  sudo vringtop top 0.5            twice a second\n"
	"  sudo vringtop -D virtio_net\n"
	"  sudo vringtop -u                 times that the device takes\n"
	"  sudo vringtop -o add,get         attach to two operations only";

#define STEPS	 (1 << VT_STEP_BITS)
#define OCTAVES	 (VT_NR_BUCKETS / STEPS) /* the first one is 0..15 ns */
#define OP_WIDTH 17

struct top_options {
	struct op_filter filter;
	struct interval_options intervals;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct top_options *o = state->input;

	(void)arg;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = &o->filter;
	state->child_inputs[1] = &o->intervals;
	return 0;
}

static const struct argp_child children[] = {
	{ &op_filter_argp, 0, NULL, 0 },
	{ &intervals_argp, 0, NULL, 0 },
	{},
};
static const struct argp argp = { .parser = parse, .doc = doc, .children = children };

/* The view: what is shown, and how; the snapshots come from outside. */
struct view {
	enum page page;
	bool open; /* one queue instead of the page */
	bool help;
	bool paused;
	bool utf8;
	bool chosen;	       /* the user has chosen a row; until then it is the first */
	unsigned int serial;   /* of the selected queue */
	enum vt_layout layout; /* selected, on the page of layouts */
	int selected_op;       /* of the open queue; below VT_NR_TIMED */
	int op;		       /* whose times the page of queues shows; -1: all */
	int sort[NR_PAGES];
	bool reverse;
	int first; /* the first row on the screen */
	struct stall_watch stalls;
	struct top_options *options;
	struct utsname system;
};

/* Most of it is ASCII, which need not go through the tables of the locale. */
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

/* A line in reverse video over the whole width. */
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
	char a[FORMAT_LEN], b[FORMAT_LEN], ops[64], line[256];
	double seconds = diff->since / 1e9;
	int n;

	snprintf(line, sizeof(line), " vringtop %s  linux %.24s  %s  %zu queues  %s op/s%s",
		 VRINGTOP_VERSION, v->system.release, diff->how, snapshot_queues(diff),
		 format_number(a, seconds > 0 ? all_ops(diff) / seconds : 0),
		 v->paused ? "  PAUSED" : "");
	put_bar(0, line);
	n = snprintf(line, sizeof(line), " lost %llu  tool %.1f%%", (unsigned long long)diff->lost,
		     seconds > 0 ? 100 * diff->cpu / seconds : 0);
	if (diff->probe_ns > 0)
		n += snprintf(line + n, sizeof(line) - n, " + probe %s/op %.1f%%",
			      format_time(b, diff->probe_ns),
			      seconds > 0 ? all_ops(diff) * diff->probe_ns / 1e7 / seconds : 0);
	n += snprintf(line + n, sizeof(line) - n, " of a CPU  every %.3gs",
		      v->options->intervals.seconds);
	if (!v->open && n < (int)sizeof(line))
		snprintf(line + n, sizeof(line) - n, "  times: %s",
			 table_timed(v->page, v->op, v->options->filter.filter.ops, ops,
				     sizeof(ops)));
	if (diff->lost)
		attron(A_BOLD);
	put(1, 0, line);
	attroff(A_BOLD);
}

static void draw_keys(const char *keys)
{
	put_bar(LINES - 1, keys);
}

static bool row_selected(const struct view *v, const struct table_row *r)
{
	return r->queue ? r->queue->serial == v->serial : r->layout == v->layout;
}

static void select_row(struct view *v, const struct table_row *r)
{
	if (r->queue)
		v->serial = r->queue->serial;
	v->layout = r->layout;
}

static int selected_row(const struct view *v, const struct table *t)
{
	for (size_t i = 0; i < t->nr_rows; i++)
		if (row_selected(v, &t->rows[i]))
			return i;
	return -1;
}

static void draw_titles(const struct view *v, const int *shown, int n)
{
	const struct column *c = table_columns(v->page);
	char line[512];
	int x = 0;

	table_line(v->page, shown, n, NULL, line, sizeof(line));
	attron(A_BOLD);
	put(2, 0, line);
	for (int i = 0; i < n; i++) {
		if (shown[i] == v->sort[v->page]) {
			attron(A_UNDERLINE);
			snprintf(line, sizeof(line), c[shown[i]].left ? "%-*.*s" : "%*.*s",
				 c[shown[i]].width, c[shown[i]].width, c[shown[i]].title);
			put(2, x, line);
			attroff(A_UNDERLINE);
		}
		x += c[shown[i]].width + 1;
	}
	attroff(A_BOLD);
}

static void draw_table(struct view *v, const struct snapshot *diff, const struct table *t)
{
	int shown[TABLE_MAX_COLUMNS], n = table_fit(v->page, COLS, shown);
	int room = LINES - 4 - draw_stalls(&v->stalls, diff, v->serial), at = selected_row(v, t);
	char line[512];

	draw_titles(v, shown, n);
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

		table_line(v->page, shown, n, r, line, sizeof(line));
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
	if (!t->nr_rows)
		put(4, 1, "No virtqueue matches.");
}

static void octaves(const struct op_stats *s, uint64_t count[OCTAVES * 2])
{
	memset(count, 0, OCTAVES * 2 * sizeof(*count));
	for (unsigned int b = s->hist.begin; b < s->hist.end; b++)
		count[b / (STEPS / 2)] += s->hist.bucket[b];
}

/* How high a bar is, 0..@levels; logarithmic, so that a tail can be seen. */
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
	/* A column is half a power of two; a mark each five of them. */
	for (int octave = 1; octave < OCTAVES; octave += 5) {
		snprintf(text, sizeof(text), "|");
		format_time(text + 1, histogram_lower(octave * STEPS));
		put(y, x + octave * 2, text);
	}
}

/* A histogram with a line for each power of two, where there is room for it. */
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

static const struct queue *open_queue(const struct view *v, const struct snapshot *diff)
{
	for (size_t i = 0; i < diff->nr_queues; i++)
		if (diff->queues[i].serial == v->serial)
			return &diff->queues[i];
	return NULL;
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

/* The last doorbells with their data, the newest first; returns the lines it took. */
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
	const struct queue *q = open_queue(v, diff);
	double seconds = diff->since / 1e9;
	int ops[VT_NR_TIMED], n = 0, y = 5, at = 0, room;
	const struct stall_watched *w;
	char line[STALL_TEXT];

	if (!q) {
		put(3, 1, "This queue is gone. Esc goes back.");
		return;
	}
	draw_queue_facts(q, seconds);
	w = stalled(&v->stalls, q);
	if (w) {
		draw_stall(y++, q, w, 0);
		put(y++, 1, stall_reason(line, q, &w->ring, &w->stall));
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
		table_op_line(ops[i], q->op[ops[i]], seconds, COLS, line, sizeof(line));
		put(y++, 0, line);
		attroff(A_REVERSE);
	}
	if (y >= LINES - 2)
		return;
	draw_axis(y++, OP_WIDTH + 1);
	/* From the selected one on, so that the rest can be reached on a small screen. */
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

/* The keys, and the legend of the page from which the user came. */
static void draw_help(const struct view *v)
{
	static const char *const lines[] = {
		"Keys",
		"  Up Down PgUp PgDn   select a row; k j too",
		"  Enter               open the queue: its operations, a histogram each",
		"  Esc Backspace       back",
		"  l  d  v             layouts, doorbells, queues (again: back to queues)",
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

static void draw(struct view *v, const struct snapshot *diff, const struct table *t)
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
		draw_keys(
			" q quit  Enter open  v queues  l layouts  d doorbells  o op  < > r sort  "
			"h help");
	}
	refresh();
}

static void move_selection(struct view *v, const struct snapshot *diff, const struct table *t,
			   int by)
{
	const struct queue *q = open_queue(v, diff);
	int at = selected_row(v, t) + by;

	if (v->open) {
		int op = v->selected_op;

		while (q && (op += by > 0 ? 1 : -1) >= 0 && op < VT_NR_TIMED)
			if (q->op[op]) {
				v->selected_op = op;
				break;
			}
		return;
	}
	if (!t->nr_rows)
		return;
	if (at < 0)
		at = 0;
	if (at >= (int)t->nr_rows)
		at = t->nr_rows - 1;
	select_row(v, &t->rows[at]);
	v->chosen = true;
}

/* Goes on to the next column that is on the screen. */
static void move_sort(struct view *v, int by)
{
	int shown[TABLE_MAX_COLUMNS], n = table_fit(v->page, COLS, shown), at = 0;

	for (int i = 0; i < n; i++)
		if (shown[i] <= v->sort[v->page])
			at = i;
	at = (at + n + by) % n;
	v->sort[v->page] = shown[at];
}

static void change_page(struct view *v, enum page page)
{
	v->page = v->page == page && !v->open ? PAGE_QUEUES : page;
	v->open = v->chosen = false;
	v->first = 0;
}

static void change_interval(struct top_options *o, double factor)
{
	o->intervals.seconds *= factor;
	if (o->intervals.seconds < 0.1)
		o->intervals.seconds = 0.1;
	if (o->intervals.seconds > 60)
		o->intervals.seconds = 60;
}

/* Moves on to the next operation that is attached, through "all". */
static void change_op(struct view *v, int by)
{
	do {
		v->op += by;
		if (v->op >= VT_NR_TIMED)
			v->op = -1;
		if (v->op < -1)
			v->op = VT_NR_TIMED - 1;
	} while (v->op >= 0 && !(v->options->filter.filter.ops >> v->op & 1));
}

/* Returns false if the user wants to quit. */
static bool on_key(struct view *v, int key, const struct snapshot *diff, const struct table *t)
{
	if (key == 'q' || key == 3)
		return false;
	if (v->help) {
		v->help = key == KEY_RESIZE;
		return true;
	}
	switch (key) {
	case 'h':
	case '?':
		v->help = true;
		break;
	case KEY_UP:
	case 'k':
		move_selection(v, diff, t, -1);
		break;
	case KEY_DOWN:
	case 'j':
		move_selection(v, diff, t, 1);
		break;
	case KEY_PPAGE:
		move_selection(v, diff, t, 4 - LINES);
		break;
	case KEY_NPAGE:
		move_selection(v, diff, t, LINES - 4);
		break;
	case '\n':
	case '\r':
	case KEY_ENTER:
		if (v->page != PAGE_LAYOUTS && t->nr_rows)
			v->open = v->chosen = true;
		break;
	case 27:
	case KEY_BACKSPACE:
	case 127:
		if (!v->open)
			change_page(v, PAGE_QUEUES);
		v->open = false;
		break;
	case 'l':
		change_page(v, PAGE_LAYOUTS);
		break;
	case 'd':
		change_page(v, PAGE_DOORBELLS);
		break;
	case 'v':
		change_page(v, PAGE_QUEUES);
		break;
	case 'o':
		change_op(v, 1);
		break;
	case 'O':
		change_op(v, -1);
		break;
	case '<':
	case KEY_LEFT:
		move_sort(v, -1);
		break;
	case '>':
	case KEY_RIGHT:
		move_sort(v, 1);
		break;
	case 'r':
		v->reverse = !v->reverse;
		break;
	case 'p':
	case ' ':
		v->paused = !v->paused;
		break;
	case '+':
		change_interval(v->options, 2);
		break;
	case '-':
		change_interval(v->options, 0.5);
		break;
	}
	return true;
}

static bool terminal_gone(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&in, 1, 0) > 0 && in.revents & (POLLHUP | POLLERR | POLLNVAL);
}

/*
 * Waits for keys until the time has come. Returns 1 for a key, 0 when it is
 * time, -1 when the terminal is gone or a signal says stop.
 */
static int wait_for_key(uint64_t until)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t now = probe_now();
	int n;

	if (stop_requested)
		return -1;
	n = poll(&in, 1, now < until ? (until - now) / 1000000 + 1 : 0);
	if (stop_requested || (n > 0 && in.revents & (POLLHUP | POLLERR | POLLNVAL)))
		return -1;
	/* A new window size interrupts it: ncurses has a key for that. */
	return n > 0 || (n < 0 && errno == EINTR) ? 1 : 0;
}

/* The counts, and the rings. */
static const struct snapshot *read_all(struct view *v, struct probe *p)
{
	const struct snapshot *now = probe_read(p);

	if (!now || stall_poll(&v->stalls, p, now))
		return NULL;
	stall_watch_drop(&v->stalls, now->time);
	return now;
}

/* The loop; returns an exit status. */
static int watch(struct view *v, struct probe *p)
{
	struct snapshot before = {}, diff = {};
	struct table t = {};
	const struct snapshot *now = read_all(v, p);
	struct top_options *o = v->options;
	unsigned long refreshes = 0;
	uint64_t next = probe_now();
	int failed = 1;

	if (!now || snapshot_diff(now, NULL, &diff) || snapshot_copy(now, &before))
		goto out;
	filter_apply(&o->filter.filter, &diff);
	/* The first screen shows what is there; the first figures come soon after it. */
	next += (o->intervals.seconds < 0.3 ? o->intervals.seconds : 0.3) * 1e9;
	for (;;) {
		int ready;

		table_free(&t);
		if (table_make(&diff, v->page, v->op, v->options->filter.filter.ops, &t))
			goto out;
		table_sort(&t, v->sort[v->page], v->reverse);
		draw(v, &diff, &t);

		ready = wait_for_key(next);
		if (ready < 0 && terminal_gone()) {
			complain(NULL, "the terminal is gone");
			goto out;
		}
		if (ready < 0)
			break;
		if (ready > 0) {
			int key;
			bool go_on = true;

			while (go_on && (key = getch()) != ERR)
				go_on = on_key(v, key, &diff, &t);
			if (!go_on)
				break;
			continue;
		}
		next = probe_now() + o->intervals.seconds * 1e9;
		now = read_all(v, p);
		if (!now)
			goto out;
		if (v->paused)
			continue;
		if (snapshot_diff(now, &before, &diff) || snapshot_copy(now, &before))
			goto out;
		filter_apply(&o->filter.filter, &diff);
		if (o->intervals.count && ++refreshes >= o->intervals.count)
			break;
	}
	failed = 0;
out:
	table_free(&t);
	snapshot_free(&diff);
	snapshot_free(&before);
	stall_watch_free(&v->stalls);
	return failed;
}

int verb_top(int argc, char **argv)
{
	struct top_options o = { .filter.all = PROBE_ALL_OPS, .intervals.seconds = 1 };
	struct view v = {
		.options = &o,
		.stalls.after = STALL_AFTER,
		/* The busiest first. */
		.sort = {
			[PAGE_QUEUES] = table_column(PAGE_QUEUES, "BUF/s"),
			[PAGE_LAYOUTS] = table_column(PAGE_LAYOUTS, "OPS/s"),
			[PAGE_DOORBELLS] = table_column(PAGE_DOORBELLS, "BELL/s"),
		},
	};
	const struct snapshot *first;
	struct probe *p;
	SCREEN *screen;
	int failed = 1;

	options_parse(&argp, argc, argv, 0, &o);
	v.op = op_filter_timed(&o.filter);
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		complain("Without one use: vringtop stat", "the live view needs a terminal");
		return 1;
	}
	p = probe_open(o.filter.filter.ops | PROBE_RINGS);
	if (!p)
		return 1;
	first = probe_read(p);
	if (!first || filter_match(&o.filter.filter, first)) {
		probe_close(p);
		return 1;
	}
	uname(&v.system);
	setlocale(LC_CTYPE, "");
	v.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		complain("Set TERM to a terminal that this machine knows, such as xterm.",
			 "cannot use a terminal of type '%s'", getenv("TERM") ?: "");
		probe_close(p);
		return 1;
	}
	/*
	 * Until it was left once, ncurses 6.4 takes a screen for one that it does not draw itself,
	 * and writes at each move of the cursor instead of once. Nor need it look for keys there.
	 */
	endwin();
	typeahead(-1);
	set_escdelay(50);
	cbreak();
	noecho();
	nonl();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	curs_set(0);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_RED, -1);
	}
	/* Only now: ncurses has read the terminal's description. */
	failed = confine() ? 1 : watch(&v, p);
	endwin();
	delscreen(screen);
	probe_close(p);
	return failed;
}
