// SPDX-License-Identifier: GPL-2.0
/* vringtop top: the live view. */
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <curses.h>
#include "base/confine.h"
#include "base/error.h"
#include "base/signals.h"
#include "output/table.h"
#include "probe/probe.h"
#include "probe/stall_poll.h"
#include "verbs/attach.h"
#include "verbs/options.h"
#include "verbs/top_view.h"
#include "verbs/verbs.h"

static const char doc[] =
	"Shows the virtqueues of this machine live: ring layout and fill, buffers and doorbells "
	"per second, how long the requests take and in which stage. Enter opens a queue, h shows "
	"the keys."
	"\vExamples:\n"
	"  sudo vringtop\n"
	"  sudo vringtop top 0.5            twice a second\n"
	"  sudo vringtop -D virtio_net\n"
	"  sudo vringtop -o all             count all operations, not only of requests\n"
	"  sudo vringtop -o add,get         count two operations only";

/* The longest interval, s. */
#define LONGEST 60

struct top_options {
	struct op_filter filter;
	struct interval_options intervals;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct top_options *o = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->filter;
		state->child_inputs[1] = &o->intervals;
		return 0;
	case ARGP_KEY_END:
		/* A bucket of a histogram has 32 bits: it must be read before it wraps. */
		if (o->intervals.seconds > LONGEST)
			wrong_use(state,
				  "Write a time up to 60s. For longer intervals: vringtop stat",
				  "'%g s' is too long for the live view", o->intervals.seconds);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &op_filter_argp, 0, NULL, 0 },
	{ &intervals_argp, 0, NULL, 0 },
	{},
};
static const struct argp argp = { .parser = parse, .doc = doc, .children = children };

static bool terminal_gone(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&in, 1, 0) > 0 && in.revents & (POLLHUP | POLLERR | POLLNVAL);
}

/*
 * Reads the counts and the rings. Returns the snapshot, which the probe owns; NULL after a message.
 */
static const struct snapshot *read_all(struct view *v, struct probe *p)
{
	const struct snapshot *now = probe_read(p);

	if (!now || stall_poll(&v->stalls, p, now, now))
		return NULL;
	stall_watch_drop(&v->stalls, now->time);
	return now;
}

static int no_memory(void)
{
	return complain("Free some memory, or raise the limit of this process.",
			"no memory for the live view");
}

/* Makes the rows @t of the snapshot @diff and draws them. Returns 0, or -1 after a message. */
static int show(struct view *v, const struct snapshot *diff, struct table *t)
{
	table_free(t);
	if (table_make(diff, v->page, v->op, v->ops, t))
		return no_memory();
	table_sort(t, v->sort[v->page], v->reverse);
	if (fold_idle(v, t, diff->time))
		return no_memory();
	draw(v, diff, t);
	return 0;
}

/*
 * Handles all keys that were pressed. Draws after each key, because the next key means the rows
 * that this key has changed. Returns 1 to go on, 0 if the user quits, -1 after a message.
 */
static int read_keys(struct view *v, const struct snapshot *diff, struct table *t)
{
	int key;

	if (terminal_gone())
		return complain(NULL, "the terminal is gone");
	while ((key = getch()) != ERR) {
		if (!on_key(v, key, diff, t))
			return 0;
		if (show(v, diff, t))
			return -1;
	}
	return 1;
}

/*
 * Makes @diff what was counted since the last refresh. While the view is paused, @diff stays the
 * same, because the screen stands still. Returns 0, or -1 after a message.
 */
static int refresh_counts(struct view *v, struct probe *p, const struct filter *filter,
			  struct snapshot *before, struct snapshot *diff)
{
	const struct snapshot *now = read_all(v, p);

	if (!now)
		return -1;
	if (v->paused)
		return 0;
	if (snapshot_diff(now, before->time ? before : NULL, diff) || snapshot_copy(now, before))
		return no_memory();
	filter_apply(filter, diff);
	return 0;
}

/*
 * Runs the view until the user quits. Returns 0, or -1 after a message.
 * @count: the number of refreshes after which the view ends; 0: no limit
 */
static int watch(struct view *v, struct probe *p, const struct filter *filter, unsigned long count)
{
	struct snapshot before = {}, diff = {};
	struct table t = {};
	unsigned long refreshes = 0;
	uint64_t next = probe_now(), measure;
	int go_on = refresh_counts(v, p, filter, &before, &diff) ? -1 : 1;

	/* The first screen lists the queues at once. The first rates follow after 0.3 s at most. */
	next += (v->interval < 0.3 ? v->interval : 0.3) * 1e9;
	if (go_on > 0 && show(v, &diff, &t))
		go_on = -1;
	while (go_on > 0) {
		measure = probe_measure(p);
		switch (wait_for_input(STDIN_FILENO, measure < next ? measure : next)) {
		case WAKE_STOP:
			go_on = terminal_gone() ? complain(NULL, "the terminal is gone") : 0;
			break;
		case WAKE_INPUT:
		case WAKE_INTERRUPTED: /* new window size: ncurses returns KEY_RESIZE */
			go_on = read_keys(v, &diff, &t);
			break;
		case WAKE_TIME:
			if (probe_now() < next)
				break;
			next = probe_now() + v->interval * 1e9;
			if (refresh_counts(v, p, filter, &before, &diff) || show(v, &diff, &t))
				go_on = -1;
			else if (!v->paused && count && ++refreshes >= count)
				go_on = 0;
			break;
		}
	}
	table_free(&t);
	snapshot_free(&diff);
	snapshot_free(&before);
	stall_watch_free(&v->stalls);
	free(v->moved);
	return go_on;
}

/* --- The terminal --- */

/*
 * Leaves the alternate screen before a message is printed. On the alternate screen the message
 * would be gone when the view ends.
 */
static void leave_screen(void)
{
	if (!isendwin())
		endwin();
}

static int complain_terminal(void)
{
	return complain(
		"Set TERM to a terminal that this machine knows, such as xterm. Without the live "
		"view: vringtop stat",
		"cannot use a terminal of type '%s'", getenv("TERM") ?: "");
}

/* Returns 0, or -1 after a message. */
static int open_screen(void)
{
	const char *move;

	if (!newterm(NULL, stdout, stdin))
		return complain_terminal();
	move = tigetstr("cup");
	/*
	 * Before the first endwin(), ncurses 6.4 does not treat the screen as its own: it writes at
	 * each move of the cursor instead of once for each refresh.
	 */
	endwin();
	/* The terminal cannot move its cursor, for example TERM=dumb. */
	if (!move || move == (char *)-1)
		return complain_terminal();
	/* Do not look for pressed keys while the screen is written. */
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
	before_message = leave_screen;
	return 0;
}

/*
 * Does not call delscreen(), because delscreen() of ncurses 6.4 crashes if memory has run out. The
 * process ends soon anyway.
 */
static void close_screen(void)
{
	leave_screen();
	before_message = NULL;
}

int verb_top(int argc, char **argv)
{
	struct top_options o = { .filter = { .all = PROBE_REQUESTS, .requests = true },
				 .intervals.seconds = 1 };
	const struct filter *filter = &o.filter.filter;
	struct view v = {
		.stalls.after = STALL_AFTER,
		/* Sort by the busiest. */
		.sort = {
			[PAGE_QUEUES] = table_column(PAGE_QUEUES, "BUF/s"),
			[PAGE_LAYOUTS] = table_column(PAGE_LAYOUTS, "OPS/s"),
			[PAGE_DOORBELLS] = table_column(PAGE_DOORBELLS, "BELL/s"),
			[PAGE_STAGES] = table_column(PAGE_STAGES, "BUF/s"),
		},
	};
	const struct snapshot *first;
	struct probe *p;
	int failed = 1;

	options_parse(&argp, argc, argv, 0, &o);
	v.op = op_filter_timed(&o.filter);
	v.ops = filter->ops;
	v.interval = o.intervals.seconds;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		complain("Without one use: vringtop stat", "the live view needs a terminal");
		return 1;
	}
	p = attach(filter->ops | PROBE_RINGS);
	if (!p)
		return 1;
	first = probe_read(p);
	if (!first || filter_match(filter, first))
		goto out;
	uname(&v.system);
	setlocale(LC_CTYPE, "");
	v.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	if (open_screen())
		goto out;
	/* After open_screen(), because ncurses reads the description of the terminal there. */
	if (!confine() && !watch(&v, p, filter, o.intervals.count))
		failed = 0;
	close_screen();
out:
	probe_close(p);
	return failed;
}
