// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <time.h>
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

char *compared_name(const struct comparison *c, const struct compared_queue *cq, char *buf)
{
	const struct queue *q = compared_queue(cq);
	bool twin = false, same_device = true;
	int n = snprintf(buf, DIFF_NAME, "%s %s", queue_role(q), q->name);

	for (size_t i = 0; i < c->nr_queues; i++) {
		const struct queue *other = compared_queue(&c->queues[i]);

		if (&c->queues[i] == cq || strcmp(queue_role(other), queue_role(q)) ||
		    strcmp(other->name, q->name))
			continue;
		twin = true;
		same_device &= other->device == q->device;
	}
	if (twin && same_device)
		snprintf(buf + n, DIFF_NAME - n, "#%u", q->index);
	else if (twin)
		snprintf(buf + n, DIFF_NAME - n, " (%u)", cq->nth + 1);
	return buf;
}

size_t diff_only(const struct comparison *c, enum side side, char *names, size_t size)
{
	size_t count = 0, n = 0;

	names[0] = '\0';
	for (size_t i = 0; i < c->nr_queues; i++) {
		char name[DIFF_NAME];

		if (!c->queues[i].on[side] || c->queues[i].on[!side])
			continue;
		count++;
		compared_name(c, &c->queues[i], name);
		if (n + strlen(name) + 8 < size)
			n += snprintf(names + n, size - n, "%s%s", n ? ", " : "", name);
		else if (n + 6 < size && strcmp(names + n - 3, "..."))
			n += snprintf(names + n, size - n, ", ...");
	}
	return count;
}

char *diff_date(const struct recording_info *i, char *buf)
{
	time_t started = i->started / 1000000000;
	struct tm tm;

	buf[0] = '\0';
	if (gmtime_r(&started, &tm))
		strftime(buf, DIFF_DATE, "%Y-%m-%d %H:%M UTC", &tm);
	return buf;
}

char *format_figure(char *buf, const struct comparison *c, enum figure f,
		    const struct change *change, enum side side)
{
	double value = change->value[side];

	if (f == FIGURE_RATE)
		return format_number(buf, value);
	if (f == FIGURE_MEAN)
		return format_mean(buf, value, c->clock_step[side]);
	return format_measured(buf, value, c->clock_step[side]);
}

bool op_changed(const struct compared_op *o)
{
	for (int f = 0; f < NR_FIGURES; f++)
		if (o->change[f].verdict >= VERDICT_LESS)
			return true;
	return false;
}
