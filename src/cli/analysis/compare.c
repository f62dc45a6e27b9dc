// SPDX-License-Identifier: GPL-2.0
/*
 * Collects the intervals of all recordings, by queue and operation. A queue of one recording is the
 * queue of another recording if driver, role, index and name are equal. The number of the device is
 * not compared, because it may change from boot to boot.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "analysis/compare.h"

int compare_begin(struct comparison *c, enum side side)
{
	struct compared_run *runs = realloc(c->runs, (c->nr_runs + 1) * sizeof(*runs));

	if (!runs)
		return -ENOMEM;
	c->runs = runs;
	/* Give each operation one more series. nr_runs grows only after all of them have memory. */
	for (size_t i = 0; i < c->nr_queues; i++) {
		for (int op = 0; op < VT_NR_TIMED; op++) {
			struct compared_op *o = c->queues[i].op[op];
			struct series *series;

			if (!o)
				continue;
			series = realloc(o->series, (c->nr_runs + 1) * sizeof(*series));
			if (!series)
				return -ENOMEM;
			o->series = series;
			memset(&series[c->nr_runs], 0, sizeof(*series));
		}
	}
	runs[c->nr_runs++] = (struct compared_run){ .side = side };
	c->nr_side[side]++;
	return 0;
}

static bool same_names(const struct queue *a, const struct queue *b)
{
	return a->index == b->index && !strcmp(a->name, b->name) && !strcmp(a->driver, b->driver) &&
	       !strcmp(queue_role(a), queue_role(b));
}

/*
 * Returns how many devices before this one have a queue with the same names. The first such device
 * of one side is compared with the first of the other side, and so on.
 */
static unsigned int find_nth(const struct snapshot *s, const struct queue *q)
{
	unsigned int nth = 0;

	for (const struct queue *other = s->queues; other < q; other++)
		nth += other->device != q->device && same_names(other, q);
	return nth;
}

static struct compared_queue *find_queue(struct comparison *c, const struct snapshot *s,
					 const struct queue *q)
{
	unsigned int nth = find_nth(s, q);
	struct compared_queue *queues;

	for (size_t i = 0; i < c->nr_queues; i++) {
		struct compared_queue *one = &c->queues[i];

		if (one->nth == nth && same_names(&one->queue[!one->on[SIDE_BASE]], q))
			return one;
	}
	queues = realloc(c->queues, (c->nr_queues + 1) * sizeof(*queues));
	if (!queues)
		return NULL;
	c->queues = queues;
	queues += c->nr_queues++;
	memset(queues, 0, sizeof(*queues));
	queues->nth = nth;
	return queues;
}

static int add_op(struct comparison *c, struct compared_op **to, const struct op_stats *from)
{
	const struct compared_run *run = &c->runs[c->nr_runs - 1];
	struct series *s;

	if (!from || !from->count)
		return 0;
	if (!*to)
		*to = calloc(1, sizeof(**to));
	if (!*to)
		return -ENOMEM;
	if (!(*to)->series)
		(*to)->series = calloc(c->nr_runs, sizeof(*(*to)->series));
	if (!(*to)->series)
		return -ENOMEM;
	s = &(*to)->series[c->nr_runs - 1];
	(*to)->count[run->side] += from->count;
	return series_add(s, run->intervals.nr - 1, from);
}

int compare_add(struct comparison *c, const struct snapshot *diff)
{
	struct compared_run *run = &c->runs[c->nr_runs - 1];
	struct intervals *n = &run->intervals;

	run->clock_step = diff->clock_step;
	if (diff->clock_step > c->clock_step[run->side])
		c->clock_step[run->side] = diff->clock_step;
	if (!diff->since)
		return 0; /* an interval without length has no rate */
	if (n->nr == n->room) {
		size_t room = n->room ? 2 * n->room : 64;
		uint64_t *ns = realloc(n->ns, room * sizeof(*ns));

		if (!ns)
			return -ENOMEM;
		n->ns = ns;
		n->room = room;
	}
	n->ns[n->nr++] = diff->since;
	for (size_t i = 0; i < diff->nr_queues; i++) {
		const struct queue *q = &diff->queues[i];
		struct compared_queue *to = find_queue(c, diff, q);

		if (!to)
			return -ENOMEM;
		/* The state of a queue that is gone does not replace that of its successor. */
		if (!to->on[run->side] || !q->gone || to->queue[run->side].gone) {
			to->queue[run->side] = *q;
			memset(to->queue[run->side].op, 0, sizeof(q->op));
		}
		to->on[run->side] = true;
		for (int op = 0; op < VT_NR_TIMED; op++)
			if (add_op(c, &to->op[op], q->op[op]))
				return -ENOMEM;
	}
	return 0;
}

void compare_histogram(const struct comparison *c, const struct compared_op *o, enum side side,
		       struct histogram *to)
{
	memset(to, 0, sizeof(*to));
	for (size_t r = 0; r < c->nr_runs; r++)
		if (c->runs[r].side == side)
			series_sum(&o->series[r], to);
}

void compare_free(struct comparison *c)
{
	for (size_t i = 0; i < c->nr_queues; i++) {
		for (int op = 0; op < VT_NR_TIMED; op++) {
			struct compared_op *o = c->queues[i].op[op];

			for (size_t r = 0; o && o->series && r < c->nr_runs; r++)
				series_free(&o->series[r]);
			if (o)
				free(o->series);
			free(o);
		}
	}
	for (size_t r = 0; r < c->nr_runs; r++)
		free(c->runs[r].intervals.ns);
	free(c->queues);
	free(c->runs);
	memset(c, 0, sizeof(*c));
}
