// SPDX-License-Identifier: GPL-2.0
/* The rows of the live view: which are selected, and which queues have none. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "verbs/top_view.h"

static bool row_selected(const struct view *v, const struct table_row *r)
{
	return r->queue ? r->queue->serial == v->serial : r->layout == v->layout;
}

void select_row(struct view *v, const struct table_row *r)
{
	if (r->queue)
		v->serial = r->queue->serial;
	v->layout = r->layout;
}

int selected_row(const struct view *v, const struct table *t)
{
	for (size_t i = 0; i < t->nr_rows; i++)
		if (row_selected(v, &t->rows[i]))
			return i;
	return -1;
}

const struct queue *selected_queue(const struct view *v, const struct snapshot *diff)
{
	for (size_t i = 0; i < diff->nr_queues; i++)
		if (diff->queues[i].serial == v->serial)
			return &diff->queues[i];
	return NULL;
}

/* Makes room for the serials of a table. Returns 0 or -ENOMEM. */
static int make_room(struct view *v, const struct table *t)
{
	size_t n = v->nr_moved;
	uint64_t *moved;

	for (size_t i = 0; i < t->nr_rows; i++)
		if (t->rows[i].queue && t->rows[i].queue->serial >= n)
			n = t->rows[i].queue->serial + 1;
	if (n == v->nr_moved)
		return 0;
	moved = realloc(v->moved, n * sizeof(*moved));
	if (!moved)
		return -ENOMEM;
	memset(moved + v->nr_moved, 0, (n - v->nr_moved) * sizeof(*moved));
	v->moved = moved;
	v->nr_moved = n;
	return 0;
}

int fold_idle(struct view *v, struct table *t, uint64_t now)
{
	size_t kept = 0, rows = t->nr_rows;

	if (make_room(v, t))
		return -ENOMEM;
	for (size_t i = 0; i < rows; i++) {
		const struct table_row *r = &t->rows[i];
		uint64_t *moved = r->queue ? &v->moved[r->queue->serial] : NULL;

		if (moved && r->moved)
			*moved = now;
		if (v->all || table_row_shown(r) || (moved && *moved && now - *moved < KEEPS_ROW))
			t->rows[kept++] = t->rows[i];
	}
	t->nr_rows = kept;
	v->idle = rows - kept;
	return 0;
}
