// SPDX-License-Identifier: GPL-2.0
/*
 * Prints a recording as a trace in the "Trace Event Format", which is JSON. ui.perfetto.dev and
 * chrome://tracing open such traces. A device is a process, a queue is a thread. Single operations
 * are complete events (ph X). Counts of an interval are counters (ph C). Times are microseconds
 * since the start of the recording.
 */
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/place.h"
#include "base/signals.h"
#include "output/json.h"
#include "output/queue_name.h"
#include "output/report.h"

/*
 * Slices of one thread must nest. But operations of one queue may overlap, because several CPUs use
 * the queue. So a queue has as many threads (lanes) as necessary, up to a limit. A slice that fits
 * into no lane loses its length.
 */
#define LANES 8
#define KEPT  32

struct lane {
	uint64_t start[KEPT], end[KEPT]; /* slices that are not inside another one, by time */
	unsigned int n;
	uint64_t forgotten; /* the end of the last slice that is no longer kept */
};

struct track {
	const struct queue *queue;
	int64_t in_flight, least; /* buffers, relative to the unknown number at the start */
	unsigned int lanes;	  /* number of lanes that have a name */
	struct lane lane[LANES];
};

struct trace {
	struct report *report;
	FILE *f;
	bool any;	      /* an event was written, so a comma must come before the next */
	struct track *tracks; /* owned; index: as in the queues of the total */
};

static void begin_event(struct trace *t)
{
	fputs(t->any ? ",\n" : "\n", t->f);
	t->any = true;
}

static void put_time(FILE *f, const char *key, uint64_t ns)
{
	fprintf(f, "\"%s\":%llu.%03u", key, (unsigned long long)ns / 1000,
		(unsigned int)(ns % 1000));
}

/* Returns the process of a queue. Not 0, because 0 has a special meaning for some readers. */
static int process(const struct queue *q)
{
	return q->device + 1;
}

/* Returns a number for the thread that is unique in the trace. */
static unsigned int thread(const struct queue *q, unsigned int lane)
{
	return q->serial * LANES + lane + 1000;
}

static void put_string(FILE *f, const char *text)
{
	struct json_object *o = json_object_new_string(text);

	fputs(json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE), f);
	json_object_put(o);
}

static void put_meta(struct trace *t, const struct queue *q, unsigned int lane, const char *what,
		     const char *key, const char *text)
{
	begin_event(t);
	fprintf(t->f,
		"{\"ph\":\"M\",\"pid\":%d,\"tid\":%u,\"name\":\"%s\",\"args\":{\"%s\":", process(q),
		thread(q, lane), what, key);
	put_string(t->f, text);
	fputs("}}", t->f);
}

static void put_order(struct trace *t, const struct queue *q, unsigned int lane, const char *what,
		      unsigned int order)
{
	begin_event(t);
	fprintf(t->f,
		"{\"ph\":\"M\",\"pid\":%d,\"tid\":%u,\"name\":\"%s\",\"args\":{\"sort_index\":%u}}",
		process(q), thread(q, lane), what, order);
}

static void name_lane(struct trace *t, struct track *track, unsigned int lane)
{
	const struct queue *q = track->queue;
	char name[2 * VT_NAME_LEN];

	for (; track->lanes <= lane; track->lanes++) {
		snprintf(name, sizeof(name), "%u %s %s", q->index, q->name, layout_name(q->layout));
		if (track->lanes)
			snprintf(name + strlen(name), sizeof(name) - strlen(name), " (at once, %u)",
				 track->lanes + 1);
		put_meta(t, q, track->lanes, "thread_name", "name", name);
		put_order(t, q, track->lanes, "thread_sort_index", q->index * LANES + track->lanes);
	}
}

static void name_queues(struct trace *t, const char *note)
{
	const struct snapshot *s = &t->report->total;
	int device = -1;

	for (size_t i = 0; i < s->nr_queues; i++) {
		const struct queue *q = &s->queues[i];
		char name[3 * VT_NAME_LEN];

		if (q->device != device) {
			snprintf(name, sizeof(name), "virtio%d %s (%s)", q->device, queue_role(q),
				 q->driver);
			put_meta(t, q, 0, "process_name", "name", name);
			put_order(t, q, 0, "process_sort_index", q->device);
			if (note)
				put_meta(t, q, 0, "process_labels", "labels", note);
			device = q->device;
		}
		name_lane(t, &t->tracks[i], 0);
	}
}

static void begin_counter(struct trace *t, const struct queue *q, uint64_t time, const char *what)
{
	char queue[QUEUE_NAME], name[3 * VT_NAME_LEN];

	/*
	 * The name must contain the queue, because readers tell the counters of a process apart by
	 * name only.
	 */
	snprintf(name, sizeof(name), "%s: %s",
		 queue_name(&t->report->total, q, QUEUE_NAME - 1, queue), what);
	begin_event(t);
	fprintf(t->f, "{\"ph\":\"C\",\"pid\":%d,\"tid\":%u,", process(q), thread(q, 0));
	put_time(t->f, "ts", time);
	fputs(",\"name\":", t->f);
	put_string(t->f, name);
	fputs(",\"args\":{", t->f);
}

/* Writes the counts of an interval, at the start of the interval. */
static void put_interval(struct trace *t, const struct snapshot *s, const struct queue *q)
{
	uint64_t start = s->time - s->since;
	double seconds = s->since / 1e9;

	if (!(seconds > 0))
		return;
	begin_counter(t, q, start, "per second");
	fprintf(t->f, "\"buffers\":%.6g,\"doorbells\":%.6g,\"suppressed\":%.6g}}",
		queue_buffers(q) / seconds, queue_doorbells(q) / seconds,
		queue_suppressed(q) / seconds);
	if (!t->report->info->has_events) {
		begin_counter(t, q, start, "in flight, descriptors");
		fprintf(t->f, "\"descriptors\":%u}}", queue_in_use(q));
	}
	for (int op = 0; op < VT_NR_TIMED; op++) {
		const struct op_stats *o = q->op[op];
		char what[64];

		if (!o || !o->timed)
			continue;
		snprintf(what, sizeof(what), "%s, ns", op_name(op));
		begin_counter(t, q, start, what);
		fprintf(t->f, "\"p50\":%llu,\"p99\":%llu}}",
			(unsigned long long)histogram_quantile(&o->histogram, 0.5, o->max),
			(unsigned long long)histogram_quantile(&o->histogram, 0.99, o->max));
	}
}

static void put_intervals(struct trace *t)
{
	struct snapshot diff;

	while (!ferror(t->f) && report_next(t->report, &diff)) {
		for (size_t i = 0; i < diff.nr_queues; i++)
			put_interval(t, &diff, &diff.queues[i]);
		snapshot_free(&diff);
	}
}

/* Adds a slice that ends after all others of the lane. Returns false if the slice does not fit. */
static bool lane_take(struct lane *l, uint64_t start, uint64_t end)
{
	unsigned int n = l->n;

	while (n && l->start[n - 1] >= start)
		n--; /* it is inside the new slice */
	if (n ? l->end[n - 1] > start : l->forgotten > start)
		return false;
	if (n == KEPT) {
		l->forgotten = l->end[0];
		memmove(l->start, l->start + 1, (KEPT - 1) * sizeof(*l->start));
		memmove(l->end, l->end + 1, (KEPT - 1) * sizeof(*l->end));
		n--;
	}
	l->start[n] = start;
	l->end[n] = end;
	l->n = n + 1;
	return true;
}

static struct track *find_track(struct trace *t, unsigned int serial)
{
	for (size_t i = 0; i < t->report->total.nr_queues; i++)
		if (t->tracks[i].queue->serial == serial)
			return &t->tracks[i];
	return NULL;
}

/* Returns by how much an operation changes the number of buffers that the device has. */
static int in_flight_change(const struct recording_event *e)
{
	if (e->op == VT_OP_ADD)
		return e->result == 0;
	if (e->op == VT_OP_GET || e->op == VT_OP_DETACH_UNUSED_BUF)
		return -(e->result != 0);
	return 0;
}

static void put_slice(struct trace *t, struct track *track, const struct recording_event *e)
{
	uint64_t duration = e->duration == RECORDING_UNTIMED ? 0 : e->duration;
	uint64_t start = e->time > duration ? e->time - duration : 0;
	unsigned int lane = 0;

	while (lane < LANES && !lane_take(&track->lane[lane], start, e->time))
		lane++;
	if (lane == LANES) {
		lane--;
		start = e->time; /* without a length it fits into every lane */
	}
	name_lane(t, track, lane);
	begin_event(t);
	fprintf(t->f, "{\"ph\":\"X\",\"pid\":%d,\"tid\":%u,", process(track->queue),
		thread(track->queue, lane));
	put_time(t->f, "ts", start);
	putc(',', t->f);
	put_time(t->f, "dur", e->time - start);
	fprintf(t->f, ",\"cat\":\"virtqueue\",\"name\":\"%s\",\"args\":{\"cpu\":%u,\"result\":%lld",
		op_name(e->op), e->cpu, (long long)e->result);
	if (e->duration != RECORDING_UNTIMED)
		fprintf(t->f, ",\"duration_ns\":%llu", (unsigned long long)e->duration);
	fputs("}}", t->f);
}

/* Reads the next event that the filters leave. Returns the track of its queue. */
static struct track *next_event(struct trace *t, struct recording_event *e)
{
	int more;

	while (!stop_requested && (more = recording_next_event(t->report->recording, e))) {
		struct track *track;

		if (more < 0) {
			t->report->damaged = true;
			break;
		}
		track = find_track(t, e->serial);
		if (track && t->report->filter->ops >> e->op & 1)
			return track;
	}
	return NULL;
}

static void put_events(struct trace *t)
{
	bool flights =
		t->report->filter->ops >> VT_OP_ADD & t->report->filter->ops >> VT_OP_GET & 1;
	struct recording_event e;
	struct track *track;

	/*
	 * If the device already had buffers at the start, the count goes below 0. `least` then
	 * gives the number at the start.
	 */
	while ((track = next_event(t, &e))) {
		track->in_flight += in_flight_change(&e);
		if (track->in_flight < track->least)
			track->least = track->in_flight;
	}
	for (size_t i = 0; i < t->report->total.nr_queues; i++)
		t->tracks[i].in_flight = -t->tracks[i].least;
	report_rewind(t->report);
	while (!ferror(t->f) && (track = next_event(t, &e))) {
		int change = in_flight_change(&e);

		put_slice(t, track, &e);
		if (!flights || !change)
			continue;
		track->in_flight += change;
		begin_counter(t, track->queue, e.time, "in flight");
		fprintf(t->f, "\"buffers\":%lld}}", (long long)track->in_flight);
	}
}

static void put_facts(struct trace *t, const char *note)
{
	static char text[REPORT_FACT];
	const char *name;

	fprintf(t->f,
		"\n],\n\"displayTimeUnit\":\"ns\",\n\"otherData\":{\"tool\":"
		"\"vringtop " VRINGTOP_VERSION "\",\"finished\":\"%s\"",
		t->report->info->finished ? "yes" : "no");
	for (unsigned int n = 0; report_fact(t->report, n, &name, text); n++) {
		if (!text[0])
			continue;
		fprintf(t->f, ",\n\"%s\":", name);
		put_string(t->f, text);
	}
	for (unsigned int n = 0; report_warning(t->report, n); n++) {
		fprintf(t->f, ",\n\"warning %u\":", n + 1);
		put_string(t->f, report_warning(t->report, n));
	}
	if (note) {
		fputs(",\n\"note\":", t->f);
		put_string(t->f, note);
	}
	fputs("}}\n", t->f);
}

int report_perfetto(struct report *r, FILE *f)
{
	const char *note = r->info->has_events
				   ? NULL
				   : "counters only: single operations need record --events";
	struct trace t = { .report = r, .f = f };

	t.tracks = calloc(r->total.nr_queues + 1, sizeof(*t.tracks));
	if (!t.tracks)
		return complain(NULL, "no memory for a trace");
	for (size_t i = 0; i < r->total.nr_queues; i++)
		t.tracks[i].queue = &r->total.queues[i];
	fputs("{" TRACE_MARK ",\n\"traceEvents\":[", f);
	name_queues(&t, r->info->finished ? note : "UNFINISHED recording");
	put_intervals(&t);
	if (r->info->has_events) {
		report_rewind(r);
		put_events(&t);
	} else {
		fprintf(stderr,
			"The recording has no single operations (record --events), so the trace "
			"has counters only.\n");
	}
	put_facts(&t, note);
	free(t.tracks);
	return 0;
}
