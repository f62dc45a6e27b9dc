// SPDX-License-Identifier: GPL-2.0
/* The row and the queue that are selected in the live view. */
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
