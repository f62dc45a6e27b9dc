// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdio.h>
#include <time.h>
#include "model/ring.h"
#include "model/stall.h"
#include "output/json.h"

#define KEY 16 /* bytes */

void json_put_int(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

void json_put_double(struct json_object *o, const char *key, double value)
{
	char text[32];

	/* json-c would print 17 digits. JSON has no number for NaN and infinity. */
	snprintf(text, sizeof(text), "%.6g", value);
	json_object_object_add(o, key,
			       isfinite(value) ? json_object_new_double_s(value, text) : NULL);
}

void json_put_string(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

struct json_object *json_queue(const struct queue *q)
{
	struct json_object *o = json_object_new_object(), *features = json_object_new_array();
	char device[16], value[24];

	snprintf(device, sizeof(device), "virtio%d", q->device);
	json_put_string(o, "device", device);
	json_put_string(o, "role", q->role);
	json_put_string(o, "driver", q->driver);
	json_put_int(o, "device_type", q->device_type);
	json_put_int(o, "index", q->index);
	json_put_string(o, "name", q->name);
	json_put_int(o, "serial", q->serial);
	json_put_string(o, "layout", layout_name(q->layout));
	json_put_int(o, "size", q->num);
	json_put_int(o, "free", q->num_free);
	json_put_int(o, "oldest_ns", q->oldest);
	json_object_object_add(o, "oldest_or_longer", json_object_new_boolean(q->oldest_or_longer));
	json_object_object_add(o, "waits_for_input",
			       json_object_new_boolean(queue_waits_for_world(q)));
	json_object_object_add(o, "broken", json_object_new_boolean(q->broken));
	json_object_object_add(o, "gone", json_object_new_boolean(q->gone));
	json_object_object_add(o, "new", json_object_new_boolean(q->fresh));
	snprintf(value, sizeof(value), "0x%llx", (unsigned long long)q->features);
	json_put_string(o, "features", value);
	for (int i = 0; ring_features[i].name; i++)
		if (q->features >> ring_features[i].bit & 1)
			json_object_array_add(features,
					      json_object_new_string(ring_features[i].name));
	json_object_object_add(o, "ring_features", features);
	return o;
}

/* Writes the key for a value of an operation: "mean_ns" for "mean" if the values are times. */
static const char *value_key(enum vt_op op, const char *name, char key[KEY])
{
	snprintf(key, KEY, "%s%s", name, op < VT_NR_TIMED ? "_ns" : "");
	return key;
}

struct json_object *json_op(enum vt_op op, const struct op_stats *s, double seconds, bool buckets)
{
	static const struct {
		const char *name;
		double q;
	} quantiles[] = {
		{ "p50", 0.5 },	   { "p90", 0.9 },	{ "p99", 0.99 },
		{ "p999", 0.999 }, { "p9999", 0.9999 },
	};
	struct json_object *o = json_object_new_object(), *all;
	char key[KEY];

	json_put_int(o, "count", s->count);
	json_put_double(o, "rate", seconds > 0 ? s->count / seconds : 0);
	if (op_refused_name(op))
		json_put_int(o, "refused", s->refused);
	json_put_int(o, value_key(op, "sum", key), s->sum);
	if (!s->timed)
		goto sizes;
	json_put_double(o, value_key(op, "mean", key), op_stats_mean(s));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		json_put_int(o, value_key(op, quantiles[i].name, key),
			     histogram_quantile(&s->histogram, quantiles[i].q, s->max));
	json_put_int(o, value_key(op, "max", key), s->max);
sizes:
	if (op == VT_OP_ADD) {
		json_put_int(o, "bytes_out", s->bytes_out);
		json_put_int(o, "bytes_in_room", s->bytes_in);
	}
	if (op == VT_OP_GET)
		json_put_int(o, "bytes_in", s->bytes_in);
	if (!buckets)
		return o;

	/* Each bucket is an array: [lower bound, upper bound (not included), count]. */
	all = json_object_new_array();
	for (unsigned int b = s->histogram.begin; b < s->histogram.end; b++) {
		struct json_object *one;

		if (!s->histogram.bucket[b])
			continue;
		one = json_object_new_array();
		json_object_array_add(one, json_object_new_uint64(histogram_lower(b)));
		json_object_array_add(one, json_object_new_uint64(histogram_lower(b + 1)));
		json_object_array_add(one, json_object_new_uint64(s->histogram.bucket[b]));
		json_object_array_add(all, one);
	}
	json_object_object_add(o, value_key(op, "buckets", key), all);
	return o;
}

static struct json_object *json_notification(const struct queue *q, uint32_t value)
{
	struct notification n = notification_decode(q->layout, value);
	struct json_object *o = json_object_new_object();

	json_put_int(o, "value", value);
	json_put_int(o, "queue", n.queue);
	json_put_int(o, "next_offset", n.next_offset);
	if (n.has_wrap)
		json_put_int(o, "wrap_counter", n.wrap_counter);
	return o;
}

static struct json_object *json_notification_data(const struct queue *q)
{
	struct json_object *o = json_object_new_object(), *values = json_object_new_array();
	const struct op_stats *data = q->op[VT_OP_NOTIFICATION_DATA];
	const struct vt_doorbell *d = queue_doorbell(q, 0);
	unsigned int back = q->new_doorbells < VT_NR_DOORBELLS ? q->new_doorbells : VT_NR_DOORBELLS;

	json_put_int(o, "count", data ? data->count : 0);
	json_put_int(o, "agree", data ? data->count - data->refused - data->stale : 0);
	json_put_int(o, "behind", data ? data->stale : 0);
	json_put_int(o, "wrong", data ? data->refused : 0);
	if (d)
		json_object_object_add(o, "last", json_notification(q, d->value));
	while (back--) {
		struct json_object *one;

		d = queue_doorbell(q, back);
		if (!d)
			continue;
		one = json_notification(q, d->value);
		json_put_int(one, "buffers", d->buffers);
		json_object_object_add(one, "agrees", json_object_new_boolean(d->value == d->ring));
		json_object_array_add(values, one);
	}
	json_object_object_add(o, "values", values);
	return o;
}

static struct json_object *json_doorbell(const struct queue *q, double seconds)
{
	struct json_object *o = json_object_new_object();
	uint64_t sent = queue_doorbells(q), suppressed = queue_suppressed(q);
	const struct op_stats *buffers = q->op[VT_BUFFERS_PER_DOORBELL];

	json_put_int(o, "sent", sent);
	json_put_int(o, "suppressed", suppressed);
	json_put_double(o, "sent_rate", seconds > 0 ? sent / seconds : 0);
	json_put_double(o, "buffers_per_doorbell", buffers ? op_stats_mean(buffers) : 0);
	if (buffers)
		json_object_object_add(o, "buffers",
				       json_op(VT_BUFFERS_PER_DOORBELL, buffers, seconds, false));
	if (queue_has_notification_data(q))
		json_object_object_add(o, "notification_data", json_notification_data(q));
	return o;
}

static struct json_object *json_interrupt(const struct queue *q, double seconds)
{
	struct json_object *o = json_object_new_object();
	const struct op_stats *all = q->op[VT_INTERRUPT];
	const struct op_stats *buffers = q->op[VT_BUFFERS_PER_INTERRUPT];

	json_put_int(o, "count", all ? all->count : 0);
	json_put_int(o, "spurious", all ? all->refused : 0);
	json_put_int(o, "buffers_without_interrupt", queue_polled(q));
	json_put_double(o, "buffers_per_interrupt", buffers ? op_stats_mean(buffers) : 0);
	if (buffers)
		json_object_object_add(o, "buffers",
				       json_op(VT_BUFFERS_PER_INTERRUPT, buffers, seconds, false));
	return o;
}

static struct json_object *json_layouts(const struct snapshot *s, double seconds)
{
	struct json_object *all = json_object_new_object();

	for (int layout = 0; layout < VT_NR_LAYOUTS; layout++) {
		struct layout_usage u;
		struct json_object *o;

		layout_usage(s, layout, &u);
		if (!u.queues && !u.sum.count)
			continue;
		o = json_object_new_object();
		json_put_int(o, "queues", u.queues);
		json_put_int(o, "operations", u.sum.count);
		json_put_double(o, "operation_rate", seconds > 0 ? u.sum.count / seconds : 0);
		json_put_int(o, "buffers", u.buffers);
		if (!s->no_bytes_out)
			json_put_int(o, "bytes_out", u.bytes_out);
		json_put_int(o, "bytes_in", u.bytes_in);
		json_object_object_add(all, layout_name(layout), o);
	}
	return all;
}

static struct json_object *json_ops(uint32_t ops)
{
	struct json_object *all = json_object_new_array();

	for (int op = 0; op < VT_NR_COUNTED; op++)
		if (ops >> op & 1)
			json_object_array_add(all, json_object_new_string(op_name(op)));
	return all;
}

uint64_t json_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

struct json_object *json_snapshot(const struct snapshot *s, uint64_t when, bool buckets)
{
	struct json_object *o = json_object_new_object(), *queues = json_object_new_array();
	double seconds = s->since / 1e9;

	json_put_int(o, "time_ns", when);
	json_put_int(o, "interval_ns", s->since);
	json_put_int(o, "lost", s->lost);
	json_put_int(o, "queues_not_shown", s->not_shown);
	json_put_int(o, "clock_step_ns", s->clock_step);
	json_put_string(o, "attached", s->how);
	json_object_object_add(o, "not_available", json_ops(s->unavailable));
	json_put_double(o, "probe_ns", s->probe_ns);
	json_put_double(o, "tool_cpu_ns", s->cpu * 1e9);
	json_object_object_add(o, "layouts", json_layouts(s, seconds));
	for (size_t i = 0; i < s->nr_queues; i++) {
		const struct queue *q = &s->queues[i];
		struct json_object *one = json_queue(q), *ops = json_object_new_object();

		json_put_int(one, "buffers", queue_buffers(q));
		json_put_int(one, "bytes_out", queue_bytes_out(q));
		json_put_int(one, "bytes_in", queue_bytes_in(q));
		json_object_object_add(one, "doorbell", json_doorbell(q, seconds));
		json_object_object_add(one, "interrupt", json_interrupt(q, seconds));
		for (int op = 0; op < VT_NR_TIMED; op++)
			if (q->op[op] && q->op[op]->count)
				json_object_object_add(ops, op_name(op),
						       json_op(op, q->op[op], seconds, buckets));
		if (s->no_bytes_out) {
			struct json_object *add = json_object_object_get(ops, "add");

			json_object_object_del(one, "bytes_out");
			if (add) {
				json_object_object_del(add, "bytes_out");
				json_object_object_del(add, "bytes_in_room");
			}
		}
		json_object_object_add(one, "ops", ops);
		json_object_array_add(queues, one);
	}
	json_object_object_add(o, "queues", queues);
	return o;
}

void json_print(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
						       JSON_C_TO_STRING_NOSLASHESCAPE));

	json_object_put(o);
}
