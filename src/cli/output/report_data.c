// SPDX-License-Identifier: GPL-2.0
/*
 * Prints a recording as JSON or CSV. The name of a field has the unit: _ns, _buffers. Rates are per
 * second; bytes_out and bytes_in are bytes.
 */
#include <string.h>
#include "base/error.h"
#include "output/json.h"
#include "output/report.h"

static void put_bool(struct json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

static struct json_object *json_devices(const struct recording_info *i)
{
	struct json_object *all = json_object_new_array();

	for (size_t d = 0; d < i->nr_devices; d++) {
		struct json_object *o = json_object_new_object();
		char text[24];

		snprintf(text, sizeof(text), "virtio%d", i->devices[d].device);
		json_put_string(o, "device", text);
		json_put_string(o, "role", i->devices[d].role);
		json_put_string(o, "driver", i->devices[d].driver);
		json_put_int(o, "device_type", i->devices[d].type);
		snprintf(text, sizeof(text), "0x%llx", (unsigned long long)i->devices[d].features);
		json_put_string(o, "features", text);
		json_object_array_add(all, o);
	}
	return all;
}

static struct json_object *json_info(const struct report *r)
{
	const struct recording_info *i = r->info;
	struct json_object *o = json_object_new_object();

	put_bool(o, "finished", i->finished);
	put_bool(o, "damaged", r->damaged);
	json_put_string(o, "tool_version", i->tool_version);
	json_put_string(o, "kernel_release", i->kernel_release);
	json_put_string(o, "kernel_version", i->kernel_version);
	json_put_string(o, "config_hash", i->config_hash);
	json_put_string(o, "cmdline", i->cmdline);
	json_put_string(o, "machine", i->machine);
	json_put_string(o, "host", i->host);
	json_put_string(o, "cpu", i->cpu);
	json_put_int(o, "cpus", i->nr_cpus);
	json_put_string(o, "clocksource", i->clocksource);
	json_put_string(o, "patch_level", i->patch_level);
	json_put_string(o, "attached", i->attached);
	json_put_string(o, "command", i->command);
	json_object_object_add(o, "exit_status",
			       i->exit_status < 0 ? NULL : json_object_new_int(i->exit_status));
	json_put_int(o, "started_ns", i->started);
	json_put_int(o, "interval_ns", i->interval);
	json_put_int(o, "intervals", r->intervals);
	put_bool(o, "has_events", i->has_events);
	json_put_int(o, "events", i->events);
	json_put_int(o, "events_dropped", i->events_dropped);
	json_put_int(o, "tool_cpu_ns", i->cost_cpu_ns);
	json_object_object_add(o, "devices", json_devices(i));
	return o;
}

static void put_json(FILE *f, struct json_object *o)
{
	fputs(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							JSON_C_TO_STRING_NOSLASHESCAPE),
	      f);
	json_object_put(o);
}

int report_json(struct report *r, FILE *f)
{
	struct snapshot diff;
	bool first = true;

	/* One interval at a time, because a long recording may not fit into memory. */
	fputs("{\"recording\":", f);
	put_json(f, json_info(r));
	fputs(",\n\"total\":", f);
	put_json(f, json_snapshot(&r->total, report_when(r, r->total.time), true));
	fputs(",\n\"intervals\":[", f);
	while (!ferror(f) && report_next(r, &diff)) {
		fputs(first ? "\n" : ",\n", f);
		put_json(f, json_snapshot(&diff, report_when(r, diff.time), true));
		first = false;
		snapshot_free(&diff);
	}
	fputs("\n]}\n", f);
	return 0;
}

/* Writes a field as RFC 4180 says: quoted if necessary, with quotes doubled. */
static void put_field(FILE *f, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fprintf(f, "%s,", text);
		return;
	}
	putc('"', f);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', f);
		putc(*text, f);
	}
	fputs("\",", f);
}

static void put_number(FILE *f, uint64_t n)
{
	fprintf(f, "%llu,", (unsigned long long)n);
}

/* Writes a number, or an empty field if the number is not known. */
static void put_known(FILE *f, bool known, uint64_t n)
{
	if (known)
		put_number(f, n);
	else
		putc(',', f);
}

/*
 * Writes sum, mean, quantiles and maximum of the values of an operation. Writes seven empty fields
 * if @o is NULL.
 */
static void put_figures(FILE *f, const struct op_stats *o)
{
	static const double quantiles[] = { 0.5, 0.9, 0.99, 0.999 };

	if (!o) {
		fputs(",,,,,,,", f);
		return;
	}
	put_number(f, o->sum);
	fprintf(f, "%.6g,", op_stats_mean(o));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		put_number(f, histogram_quantile(&o->histogram, quantiles[i], o->max));
	put_number(f, o->max);
}

/* The first line. put_csv_line() writes the fields in the same order. */
static const char csv_head[] =
	"start_ns,interval_ns,device,role,driver,queue_index,queue,serial,layout,operation,"
	"count,refused,sum_ns,mean_ns,p50_ns,p90_ns,p99_ns,p999_ns,max_ns,"
	"sum_buffers,mean_buffers,p50_buffers,p90_buffers,p99_buffers,p999_buffers,max_buffers,"
	"bytes_out,bytes_in,recording_finished,clock_step_ns\r\n";

/* Writes a line: one operation of one queue in one interval. */
static void put_csv_line(FILE *f, const struct report *r, const struct snapshot *s,
			 const struct queue *q, enum vt_op op)
{
	const struct op_stats *o = q->op[op], *values = o->timed ? o : NULL;

	put_number(f, s->time - s->since);
	put_number(f, s->since);
	fprintf(f, "virtio%d,", q->device);
	put_field(f, q->role);
	put_field(f, q->driver);
	put_number(f, q->index);
	put_field(f, q->name);
	put_number(f, q->serial);
	put_field(f, layout_name(q->layout));
	put_field(f, op_name(op));
	put_number(f, o->count);
	put_known(f, op_refused_name(op), o->refused);
	put_figures(f, op < VT_NR_TIMED ? values : NULL);
	put_figures(f, op < VT_NR_TIMED ? NULL : values);
	put_known(f, op == VT_OP_ADD && !s->no_bytes_out, o->bytes_out);
	put_known(f, op == VT_OP_GET, o->bytes_in);
	fprintf(f, "%s,%llu\r\n", r->info->finished ? "yes" : "no",
		(unsigned long long)s->clock_step);
}

int report_csv(struct report *r, FILE *f)
{
	struct snapshot diff;

	fputs(csv_head, f);
	while (!ferror(f) && report_next(r, &diff)) {
		for (size_t i = 0; i < diff.nr_queues; i++)
			for (int op = 0; op < VT_NR_COUNTED; op++)
				if (diff.queues[i].op[op] && diff.queues[i].op[op]->count)
					put_csv_line(f, r, &diff, &diff.queues[i], op);
		snapshot_free(&diff);
	}
	return 0;
}
