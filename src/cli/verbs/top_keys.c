// SPDX-License-Identifier: GPL-2.0
/* Handles the keys of the live view. */
#include <curses.h>
#include "verbs/top_view.h"

static void move_selection(struct view *v, const struct snapshot *diff, const struct table *t,
			   int by)
{
	const struct queue *q = selected_queue(v, diff);
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

/* Sorts by the next column (@by: 1) or the previous one (-1) that is on the screen. */
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

static void change_interval(struct view *v, double factor)
{
	v->interval *= factor;
	if (v->interval < 0.1)
		v->interval = 0.1;
	if (v->interval > 60)
		v->interval = 60;
}

/*
 * Shows the times of the next attached operation (@by: 1) or the previous one (-1). After the last
 * comes -1: all operations.
 */
static void change_op(struct view *v, int by)
{
	do {
		v->op += by;
		if (v->op >= VT_NR_TIMED)
			v->op = -1;
		if (v->op < -1)
			v->op = VT_NR_TIMED - 1;
	} while (v->op >= 0 && !(v->ops >> v->op & 1));
}

bool on_key(struct view *v, int key, const struct snapshot *diff, const struct table *t)
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
	case 's':
		change_page(v, PAGE_STAGES);
		break;
	case 'a':
		v->all = !v->all;
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
		change_interval(v, 2);
		break;
	case '-':
		change_interval(v, 0.5);
		break;
	}
	return true;
}
