// SPDX-License-Identifier: GPL-2.0
/* Prints a diff as JSON. Changes are relative: 0.1 is 10 % more. A key with a time ends in _ns. */
#include <math.h>
#include "output/diff.h"
#include "output/json.h"

static struct json_object *json_figure(const struct queue *q, enum vt_op op, enum figure f,
				       const struct change *c)
{
	struct json_object *o = json_object_new_object();

	json_put_string(o, "verdict", verdict_name(c->verdict, q, op, f));
	/* A figure without enough data has no estimate. */
	if (!c->value[SIDE_BASE])
		return o;
	json_put_double(o, f == FIGURE_RATE ? "base" : "base_ns", c->value[SIDE_BASE]);
	json_put_double(o, f == FIGURE_RATE ? "new" : "new_ns", c->value[SIDE_NEW]);
	json_put_double(o, "change", c->change);
	json_put_double(o, "low", c->low);
	json_put_double(o, "high", c->high);
	return o;
}

static struct json_object *json_compared_op(const struct queue *q, enum vt_op op,
					    const struct compared_op *from)
{
	struct json_object *o = json_object_new_object();

	json_put_string(o, "op", op_name(op));
	for (int side = 0; side < NR_SIDES; side++)
		json_object_object_add(o, side == SIDE_BASE ? "base_count" : "new_count",
				       json_object_new_uint64(from->count[side]));
	for (int f = 0; f < NR_FIGURES; f++)
		json_object_object_add(o, f == FIGURE_P999 ? "p999" : figure_name(f),
				       json_figure(q, op, f, &from->change[f]));
	return o;
}

static struct json_object *json_recordings(const struct diff *d, enum side side)
{
	struct json_object *all = json_object_new_array();

	for (size_t r = 0; r < d->comparison.nr_runs; r++) {
		const struct compared_run *run = &d->comparison.runs[r];
		const struct recording_info *info = recording_info(d->recordings[r]);
		struct json_object *o;

		if (run->side != side)
			continue;
		o = json_object_new_object();
		json_put_string(o, "path", info->path);
		json_put_string(o, "host", info->host);
		json_put_int(o, "started_ns", info->started);
		json_put_string(o, "kernel", info->kernel_release);
		json_put_string(o, "command", info->command);
		json_object_object_add(o, "finished", json_object_new_boolean(info->finished));
		json_object_object_add(o, "intervals", json_object_new_uint64(run->intervals.nr));
		json_put_int(o, "clock_step_ns", run->clock_step);
		json_object_array_add(all, o);
	}
	return all;
}

/* Returns the queues that only one side has. */
static struct json_object *json_only(const struct comparison *c, enum side side)
{
	struct json_object *all = json_object_new_array();
	char name[DIFF_NAME];

	for (size_t i = 0; i < c->nr_queues; i++)
		if (c->queues[i].on[side] && !c->queues[i].on[!side])
			json_object_array_add(
				all, json_object_new_string(compared_name(c, &c->queues[i], name)));
	return all;
}

void diff_json(const struct diff *d)
{
	struct json_object *o = json_object_new_object(), *queues = json_object_new_array();
	struct json_object *differences = json_object_new_array();
	struct json_object *warnings = json_object_new_array();

	for (int side = 0; side < NR_SIDES; side++)
		json_object_object_add(o, side_name(side), json_recordings(d, side));
	json_put_double(o, "threshold", d->threshold);
	json_object_object_add(o, "tested", json_object_new_uint64(d->comparison.tested));
	for (size_t i = 0; i < d->nr_warnings; i++)
		json_object_array_add(warnings, json_object_new_string(d->warnings[i]));
	json_object_object_add(o, "warnings", warnings);
	for (size_t i = 0; i < d->nr_differences; i++) {
		struct json_object *one = json_object_new_object();

		json_put_string(one, "what", d->differences[i].what);
		for (int side = 0; side < NR_SIDES; side++)
			json_put_string(one, side_name(side), d->differences[i].side[side]);
		json_object_array_add(differences, one);
	}
	json_object_object_add(o, "differences", differences);
	for (int side = 0; side < NR_SIDES; side++)
		json_object_object_add(o, side == SIDE_BASE ? "only_base" : "only_new",
				       json_only(&d->comparison, side));
	for (size_t i = 0; i < d->comparison.nr_queues; i++) {
		const struct compared_queue *from = &d->comparison.queues[i];
		const struct queue *q = compared_queue(from);
		struct json_object *one = json_object_new_object(), *ops = json_object_new_array();

		json_put_string(one, "device", queue_role(q));
		json_put_string(one, "queue", q->name);
		json_put_int(one, "index", q->index);
		json_put_string(one, "driver", q->driver);
		for (int op = 0; op < VT_NR_TIMED; op++)
			if (from->op[op])
				json_object_array_add(ops, json_compared_op(q, op, from->op[op]));
		json_object_object_add(one, "ops", ops);
		json_object_array_add(queues, one);
	}
	json_object_object_add(o, "queues", queues);
	json_print(o);
}
