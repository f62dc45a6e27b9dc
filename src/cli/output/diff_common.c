// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include "base/format.h"
#include "output/diff.h"

const char *side_name(enum side s)
{
	return s == SIDE_BASE ? "base" : "new";
}

const struct queue *compared_queue(const struct compared_queue *q)
{
	return &q->queue[!q->on[SIDE_BASE]];
}

char *compared_name(const struct compared_queue *c, char *buf)
{
	const struct queue *q = compared_queue(c);
	int n = snprintf(buf, DIFF_NAME, "%s %s", queue_role(q), q->name);

	/* Twins are counted. */
	if (c->nth)
		snprintf(buf + n, DIFF_NAME - n, " (%u)", c->nth + 1);
	return buf;
}

char *format_figure(char *buf, enum figure f, double value)
{
	return f == FIGURE_RATE ? format_number(buf, value) : format_time(buf, value);
}

bool op_changed(const struct compared_op *o)
{
	for (int f = 0; f < NR_FIGURES; f++)
		if (o->change[f].verdict >= VERDICT_LESS)
			return true;
	return false;
}
