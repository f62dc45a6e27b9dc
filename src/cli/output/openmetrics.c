// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include "model/stall.h"
#include "output/openmetrics.h"
#include "output/stall_text.h"

enum type {
	COUNTER,
	GAUGE,
	INFO,
	HISTOGRAM,
};

struct writer {
	FILE *f;
	const struct openmetrics *m;
	const struct family *family; /* the family whose samples are being written */
};

/* A family: the metrics with one name. */
struct family {
	const char *name; /* without "vringtop_" and without the suffix of the type */
	enum type type;
	const char *unit; /* the name ends with the unit; NULL: no unit */
	const char *help;
	uint32_t needs; /* operations that must be counted: a bit for each enum vt_op */
	/* Returns true if @m has the other data that the family needs. NULL: it needs no other. */
	bool (*has)(const struct openmetrics *m);
	/* queue() writes the samples of a queue, machine() the samples of the machine. */
	void (*queue)(struct writer *w, const struct queue *q);
	void (*machine)(struct writer *w);
	/* Returns the most samples that one queue can have. NULL: one sample. */
	size_t (*series)(const struct openmetrics *m);
};

/* --- Samples --- */

/*
 * Writes the value of a label. Backslash, quote and line feed are escaped; all other bytes are
 * written unchanged.
 */
static void put_value(FILE *f, const char *text)
{
	putc('"', f);
	for (; *text; text++) {
		if (*text == '\n') {
			fputs("\\n", f);
			continue;
		}
		if (*text == '"' || *text == '\\')
			putc('\\', f);
		putc(*text, f);
	}
	putc('"', f);
}

/*
 * Writes a label.
 * @first: true: it is the first label of the sample; becomes false
 */
static void put_label(struct writer *w, bool *first, const char *label, const char *value)
{
	fprintf(w->f, "%c%s=", *first ? '{' : ',', label);
	put_value(w->f, value);
	*first = false;
}

/*
 * Writes the name of a sample, and the labels that many samples have.
 * @q: NULL: a sample of the machine
 * Returns true if the sample has no label yet.
 */
static bool begin_name(struct writer *w, const char *suffix, const struct queue *q)
{
	char device[16], queue[16];
	bool first = true;

	fprintf(w->f, "vringtop_%s%s", w->family->name, suffix);
	if (w->m->instance)
		put_label(w, &first, "instance", w->m->instance);
	if (!q)
		return first;
	snprintf(device, sizeof(device), "virtio%d", q->device);
	snprintf(queue, sizeof(queue), "%u", q->index);
	put_label(w, &first, "device", device);
	put_label(w, &first, "queue", queue);
	return first;
}

/* Ends the labels. The caller writes the value next. */
static void end_name(struct writer *w, bool first)
{
	fputs(first ? " " : "} ", w->f);
}

/* Ends a sample, after its value: writes the time of a recorded sample. */
static void end_sample(struct writer *w)
{
	unsigned long long when = w->m->when;

	if (when)
		fprintf(w->f, " %llu.%09llu", when / 1000000000, when % 1000000000);
	putc('\n', w->f);
}

/*
 * Writes the name and all labels of a sample.
 * @label, @value: one more label; NULL: none
 */
static void put_name(struct writer *w, const char *suffix, const struct queue *q, const char *label,
		     const char *value)
{
	bool first = begin_name(w, suffix, q);

	if (label)
		put_label(w, &first, label, value);
	end_name(w, first);
}

static void put_count(struct writer *w, const char *suffix, const struct queue *q,
		      const char *label, const char *value, uint64_t n)
{
	put_name(w, suffix, q, label, value);
	fprintf(w->f, "%llu", (unsigned long long)n);
	end_sample(w);
}

static void put_total(struct writer *w, const struct queue *q, uint64_t n)
{
	put_count(w, "_total", q, NULL, NULL, n);
}

static void put_gauge(struct writer *w, const struct queue *q, uint64_t n)
{
	put_count(w, "", q, NULL, NULL, n);
}

/* --- Histograms --- */

/*
 * A bucket of Prometheus counts all values up to its bound, including the bound. A bucket of
 * vringtop begins at each power of two, and values are whole (ns, buffers). So a bound of 2^n - 1
 * loses nothing: the values up to the bound are exactly those in the buckets of vringtop that end
 * there.
 */
struct bounds {
	unsigned int first, last; /* the exponents n */
	unsigned int step;	  /* from one n to the next; with fine buckets, half of that */
	bool one;		  /* there is also a bound of 1, before the others */
	/*
	 * One more bound: where the last bucket of vringtop begins, because that bucket has no end.
	 */
	bool range_end;
};

static const struct bounds request_bounds = { 10, 32, 2, false, true };
/* Each queue has four stages, so a stage has fewer buckets than a request. */
static const struct bounds stage_bounds = { 10, 30, 4, false, false };
static const struct bounds operation_bounds = { 6, 24, 2, false, false };
static const struct bounds buffers_bounds = { 2, 10, 2, true, false };

static unsigned int step_of(const struct openmetrics *m, const struct bounds *b)
{
	return m->fine ? b->step / 2 : b->step;
}

/* Returns the number of buckets, including the bucket of +Inf. */
static size_t count_buckets(const struct openmetrics *m, const struct bounds *b)
{
	return (b->last - b->first) / step_of(m, b) + 2 + b->one + b->range_end;
}

/* Returns the number of samples of a histogram: the buckets, _count and _sum. */
static size_t count_series(const struct openmetrics *m, const struct bounds *b)
{
	return count_buckets(m, b) + 2;
}

/* A histogram while its buckets are written, in ascending order. */
struct run {
	const struct queue *q;
	const char *label, *value; /* one more label of the samples; NULL: none */
	const struct op_stats *o;  /* NULL: no event was counted */
	unsigned int next;	   /* the first bucket of vringtop that @below does not contain */
	uint64_t below;
};

/*
 * Writes a bucket.
 * @le: the value of the label with the bound
 */
static void put_bucket(struct writer *w, const struct run *run, const char *le, uint64_t count)
{
	bool first = begin_name(w, "_bucket", run->q);

	if (run->label)
		put_label(w, &first, run->label, run->value);
	put_label(w, &first, "le", le);
	end_name(w, first);
	fprintf(w->f, "%llu", (unsigned long long)count);
	end_sample(w);
}

/* Writes the bucket with all values up to @bound (ns, or buffers). */
static void put_bound(struct writer *w, struct run *run, uint64_t bound)
{
	unsigned int end = histogram_bucket(bound + 1);
	char le[32];

	for (; run->o && run->next < end && run->next < run->o->histogram.end; run->next++)
		if (run->next >= run->o->histogram.begin)
			run->below += run->o->histogram.bucket[run->next];
	if (w->family->unit)
		snprintf(le, sizeof(le), "%.12g", bound / 1e9);
	else
		snprintf(le, sizeof(le), "%llu.0", (unsigned long long)bound);
	put_bucket(w, run, le, run->below);
}

/* Writes a time, as s. */
static void put_seconds(struct writer *w, unsigned long long ns)
{
	fprintf(w->f, "%llu.%09llu", ns / 1000000000, ns % 1000000000);
}

/*
 * Writes a histogram.
 * @label, @value: one more label; NULL: none
 * @o: NULL: no event was counted yet
 */
static void put_histogram(struct writer *w, const struct queue *q, const char *label,
			  const char *value, const struct op_stats *o, const struct bounds *b)
{
	unsigned long long count = o ? o->timed : 0, sum = o ? o->sum : 0;
	struct run run = { .q = q, .label = label, .value = value, .o = o };

	if (b->one)
		put_bound(w, &run, 1);
	for (unsigned int n = b->first; n <= b->last; n += step_of(w->m, b))
		put_bound(w, &run, (1ull << n) - 1);
	if (b->range_end)
		put_bound(w, &run, histogram_lower(VT_NR_BUCKETS - 1) - 1);
	put_bucket(w, &run, "+Inf", count);
	put_count(w, "_count", q, label, value, count);
	put_name(w, "_sum", q, label, value);
	if (w->family->unit)
		put_seconds(w, sum);
	else
		fprintf(w->f, "%llu", sum);
	end_sample(w);
}

/* --- Metrics of a queue --- */

static void queue_info(struct writer *w, const struct queue *q)
{
	bool first = begin_name(w, "_info", q);
	char features[24];

	snprintf(features, sizeof(features), "0x%llx", (unsigned long long)q->features);
	put_label(w, &first, "name", q->name);
	put_label(w, &first, "role", queue_role(q));
	put_label(w, &first, "driver", q->driver);
	put_label(w, &first, "layout", layout_name(q->layout));
	put_label(w, &first, "features", features);
	end_name(w, first);
	putc('1', w->f);
	end_sample(w);
}

static void operations(struct writer *w, const struct queue *q)
{
	for (int op = 0; op < VT_NR_OPS; op++)
		if (w->m->ops >> op & 1 && q->op[op])
			put_count(w, "_total", q, "operation", op_name(op), q->op[op]->count);
}

static size_t operations_series(const struct openmetrics *m)
{
	return __builtin_popcount(m->ops & ((1u << VT_NR_OPS) - 1));
}

/*
 * Returns true if a refused call of an operation is a failure. For other operations "no" is an
 * ordinary answer: for example, a get finds no buffer.
 */
static bool can_fail(const struct openmetrics *m, int op)
{
	const char *refused = op_refused_name(op);

	return m->ops >> op & 1 && refused && !strcmp(refused, "failed");
}

static void operation_failures(struct writer *w, const struct queue *q)
{
	for (int op = 0; op < VT_NR_OPS; op++)
		if (can_fail(w->m, op) && q->op[op])
			put_count(w, "_total", q, "operation", op_name(op), q->op[op]->refused);
}

static size_t operation_failures_series(const struct openmetrics *m)
{
	size_t n = 0;

	for (int op = 0; op < VT_NR_OPS; op++)
		n += can_fail(m, op);
	return n;
}

static bool has_operation_failures(const struct openmetrics *m)
{
	return operation_failures_series(m) > 0;
}

static void requests(struct writer *w, const struct queue *q)
{
	put_total(w, q, queue_buffers(q));
}

static void read_bytes(struct writer *w, const struct queue *q)
{
	put_total(w, q, queue_bytes_out(q));
}

static bool has_read_bytes(const struct openmetrics *m)
{
	return !m->s || !m->s->no_bytes_out;
}

static void written_bytes(struct writer *w, const struct queue *q)
{
	put_total(w, q, queue_bytes_in(q));
}

static void doorbells(struct writer *w, const struct queue *q)
{
	put_total(w, q, queue_doorbells(q));
}

static void doorbells_suppressed(struct writer *w, const struct queue *q)
{
	put_total(w, q, queue_suppressed(q));
}

static void interrupts(struct writer *w, const struct queue *q)
{
	put_total(w, q, q->op[VT_INTERRUPT] ? q->op[VT_INTERRUPT]->count : 0);
}

static void spurious_interrupts(struct writer *w, const struct queue *q)
{
	put_total(w, q, q->op[VT_INTERRUPT] ? q->op[VT_INTERRUPT]->refused : 0);
}

static void doorbell_buffers(struct writer *w, const struct queue *q)
{
	put_histogram(w, q, NULL, NULL, q->op[VT_BUFFERS_PER_DOORBELL], &buffers_bounds);
}

static size_t doorbell_buffers_series(const struct openmetrics *m)
{
	return count_series(m, &buffers_bounds);
}

static void request_duration(struct writer *w, const struct queue *q)
{
	put_histogram(w, q, NULL, NULL, q->op[VT_AVAIL_TO_USED], &request_bounds);
}

static size_t request_duration_series(const struct openmetrics *m)
{
	return count_series(m, &request_bounds);
}

static void stage_duration(struct writer *w, const struct queue *q)
{
	for (int op = VT_STAGE_QUEUED; op <= VT_STAGE_WAKEUP; op++)
		if (w->m->ops >> op & 1 && q->op[op])
			put_histogram(w, q, "stage", op_name(op), q->op[op], &stage_bounds);
}

static size_t stages(const struct openmetrics *m)
{
	return __builtin_popcount(m->ops & VT_STAGES);
}

static bool has_stages(const struct openmetrics *m)
{
	return stages(m) > 0;
}

static size_t stage_duration_series(const struct openmetrics *m)
{
	return stages(m) * count_series(m, &stage_bounds);
}

static void operation_duration(struct writer *w, const struct queue *q)
{
	for (int op = 0; op < VT_NR_OPS; op++)
		if (w->m->ops >> op & 1 && q->op[op])
			put_histogram(w, q, "operation", op_name(op), q->op[op], &operation_bounds);
}

static bool has_operation_duration(const struct openmetrics *m)
{
	return m->operations;
}

static size_t operation_duration_series(const struct openmetrics *m)
{
	return operations_series(m) * count_series(m, &operation_bounds);
}

static void ring_descriptors(struct writer *w, const struct queue *q)
{
	put_gauge(w, q, q->num);
}

static void ring_descriptors_in_use(struct writer *w, const struct queue *q)
{
	put_gauge(w, q, queue_in_use(q));
}

/* A recording does not say which buffers are out. */
static bool has_oldest_request(const struct openmetrics *m)
{
	return !m->version;
}

/*
 * Writes the age of the oldest request, if it is known and means that the device takes long. In a
 * queue that waits for input the age only says how long no input came.
 */
static void oldest_request(struct writer *w, const struct queue *q)
{
	if (queue_waits_for_world(q) || q->oldest_or_longer || (!q->oldest && queue_in_use(q)))
		return;
	put_name(w, "", q, NULL, NULL);
	put_seconds(w, q->oldest);
	end_sample(w);
}

static void queue_broken(struct writer *w, const struct queue *q)
{
	put_gauge(w, q, q->broken);
}

static bool has_stalls(const struct openmetrics *m)
{
	return m->stalls;
}

static void queue_stalled(struct writer *w, const struct queue *q)
{
	const struct stall_watched *watched = stall_watch_find(w->m->stalls, q->serial);
	bool stalled = watched && watched->stalled;

	put_count(w, "", q, "verdict", stalled ? stall_name(watched->stall.verdict) : "none",
		  stalled);
}

/* --- Metrics of the machine --- */

static bool is_shown(const struct openmetrics *m, const struct queue *q, size_t before)
{
	return !q->gone && before < m->most_queues;
}

static void queues_not_shown(struct writer *w)
{
	size_t queues = snapshot_queues(w->m->s), most = w->m->most_queues;

	put_gauge(w, NULL, w->m->s->not_shown + (queues > most ? queues - most : 0));
}

static void lost_events(struct writer *w)
{
	put_total(w, NULL, w->m->s->lost);
}

static void build_info(struct writer *w)
{
	put_count(w, "_info", NULL, "version", w->m->version ?: VRINGTOP_VERSION, 1);
}

static void attached(struct writer *w)
{
	put_count(w, "", NULL, "to", w->m->s->how, 1);
}

static bool has_probe_run(const struct openmetrics *m)
{
	return m->s && m->s->probe_ns > 0;
}

static void probe_run(struct writer *w)
{
	put_name(w, "", NULL, NULL, NULL);
	fprintf(w->f, "%.6g", w->m->s->probe_ns / 1e9);
	end_sample(w);
}

static void tool_cpu(struct writer *w)
{
	put_name(w, "_total", NULL, NULL, NULL);
	fprintf(w->f, "%.6f", w->m->s->cpu);
	end_sample(w);
}

static void clock_step(struct writer *w)
{
	put_name(w, "", NULL, NULL, NULL);
	put_seconds(w, w->m->s->clock_step);
	end_sample(w);
}

#define BIT(op) (1u << (op))

/* The families, in the order of the output. */
static const struct family families[] = {
	{ .name = "build",
	  .type = INFO,
	  .help = "The vringtop that counts.",
	  .machine = build_info },
	{ .name = "attached",
	  .type = GAUGE,
	  .help = "1. What vringtop is attached to: tracepoints, or functions.",
	  .machine = attached },
	{ .name = "queues_not_shown",
	  .type = GAUGE,
	  .help = "Queues of this machine that have no metrics here.",
	  .machine = queues_not_shown },
	{ .name = "lost_events",
	  .type = COUNTER,
	  .help = "Events that could not be counted.",
	  .machine = lost_events },
	{ .name = "cpu_seconds",
	  .type = COUNTER,
	  .unit = "seconds",
	  .help = "CPU time of the vringtop process, without its programs in the kernel.",
	  .machine = tool_cpu },
	{ .name = "probe_run_seconds",
	  .type = GAUGE,
	  .unit = "seconds",
	  .help = "Time that one run of a program in the kernel takes, measured at the start.",
	  .has = has_probe_run,
	  .machine = probe_run },
	{ .name = "clock_step_seconds",
	  .type = GAUGE,
	  .unit = "seconds",
	  .help = "Step of the clock: shorter times are not known. 0: the clock has no such step.",
	  .machine = clock_step },
	{ .name = "queue", .type = INFO, .help = "What a queue is.", .queue = queue_info },
	{ .name = "queue_broken",
	  .type = GAUGE,
	  .help = "1: the driver has given the queue up.",
	  .queue = queue_broken },
	{ .name = "queue_stalled",
	  .type = GAUGE,
	  .help = "1: the queue is stuck; verdict says which side holds it.",
	  .has = has_stalls,
	  .queue = queue_stalled },
	{ .name = "ring_descriptors",
	  .type = GAUGE,
	  .help = "Descriptors that the ring has.",
	  .queue = ring_descriptors },
	{ .name = "ring_descriptors_in_use",
	  .type = GAUGE,
	  .help = "Descriptors that hold a buffer.",
	  .queue = ring_descriptors_in_use },
	{ .name = "oldest_request_seconds",
	  .type = GAUGE,
	  .unit = "seconds",
	  .help = "Age of the oldest request that the driver has added and not fetched yet.",
	  .needs = VT_STAGES,
	  .has = has_oldest_request,
	  .queue = oldest_request },
	{ .name = "requests",
	  .type = COUNTER,
	  .help = "Buffers that the driver made available to the device.",
	  .needs = BIT(VT_OP_ADD),
	  .queue = requests },
	{ .name = "read_bytes",
	  .type = COUNTER,
	  .unit = "bytes",
	  .help = "Bytes that the device was given to read.",
	  .needs = BIT(VT_OP_ADD),
	  .has = has_read_bytes,
	  .queue = read_bytes },
	{ .name = "written_bytes",
	  .type = COUNTER,
	  .unit = "bytes",
	  .help = "Bytes that the device wrote.",
	  .needs = BIT(VT_OP_GET),
	  .queue = written_bytes },
	{ .name = "doorbells",
	  .type = COUNTER,
	  .help = "Doorbells that the driver rang (notify).",
	  .needs = BIT(VT_OP_NOTIFY),
	  .queue = doorbells },
	{ .name = "doorbells_suppressed",
	  .type = COUNTER,
	  .help = "Doorbells that the device did not want (kick_prepare).",
	  .needs = BIT(VT_OP_KICK_PREPARE),
	  .queue = doorbells_suppressed },
	{ .name = "interrupts",
	  .type = COUNTER,
	  .help = "Interrupts that the queue was given.",
	  .needs = BIT(VT_INTERRUPT),
	  .queue = interrupts },
	{ .name = "spurious_interrupts",
	  .type = COUNTER,
	  .help = "Interrupts that found no used buffer.",
	  .needs = BIT(VT_INTERRUPT),
	  .queue = spurious_interrupts },
	{ .name = "operations",
	  .type = COUNTER,
	  .help = "Operations on the ring.",
	  .queue = operations,
	  .series = operations_series },
	{ .name = "operation_failures",
	  .type = COUNTER,
	  .help = "Operations that failed: an add without room, a doorbell that was not sent.",
	  .has = has_operation_failures,
	  .queue = operation_failures,
	  .series = operation_failures_series },
	{ .name = "doorbell_buffers",
	  .type = HISTOGRAM,
	  .help = "Buffers that a doorbell announced.",
	  .needs = BIT(VT_BUFFERS_PER_DOORBELL),
	  .queue = doorbell_buffers,
	  .series = doorbell_buffers_series },
	{ .name = "request_duration_seconds",
	  .type = HISTOGRAM,
	  .unit = "seconds",
	  .help = "Time from the end of a buffer's add to the end of its get.",
	  .needs = BIT(VT_AVAIL_TO_USED),
	  .queue = request_duration,
	  .series = request_duration_series },
	{ .name = "stage_duration_seconds",
	  .type = HISTOGRAM,
	  .unit = "seconds",
	  .help = "Time that requests spent in a stage: queued, doorbell, device, or wakeup.",
	  .has = has_stages,
	  .queue = stage_duration,
	  .series = stage_duration_series },
	{ .name = "operation_duration_seconds",
	  .type = HISTOGRAM,
	  .unit = "seconds",
	  .help = "Time that an operation on the ring took.",
	  .has = has_operation_duration,
	  .queue = operation_duration,
	  .series = operation_duration_series },
};

#define NR_FAMILIES (sizeof(families) / sizeof(*families))

static bool is_written(const struct openmetrics *m, const struct family *f)
{
	return (f->needs & m->ops) == f->needs && (!f->has || f->has(m));
}

/* Writes the lines that stand before the samples of a family. */
static void put_head(struct writer *w)
{
	static const char *const types[] = { "counter", "gauge", "info", "histogram" };
	const struct family *f = w->family;
	const char *suffix = "", *type = types[f->type];

	/*
	 * In the classic format these lines have the name of the samples, and the type "info" does
	 * not exist.
	 */
	if (w->m->classic && f->type == COUNTER)
		suffix = "_total";
	if (w->m->classic && f->type == INFO) {
		suffix = "_info";
		type = "gauge";
	}
	fprintf(w->f, "# HELP vringtop_%s%s %s\n", f->name, suffix, f->help);
	fprintf(w->f, "# TYPE vringtop_%s%s %s\n", f->name, suffix, type);
	if (f->unit && !w->m->classic)
		fprintf(w->f, "# UNIT vringtop_%s %s\n", f->name, f->unit);
}

static void put_family(struct writer *w)
{
	size_t shown = 0;

	put_head(w);
	if (w->family->machine) {
		w->family->machine(w);
		return;
	}
	for (size_t i = 0; i < w->m->s->nr_queues; i++) {
		const struct queue *q = &w->m->s->queues[i];

		if (!is_shown(w->m, q, shown))
			continue;
		w->family->queue(w, q);
		shown++;
	}
}

void openmetrics_write(FILE *f, const struct openmetrics *m)
{
	struct writer w = { f, m, NULL };

	for (size_t i = 0; i < NR_FAMILIES; i++) {
		w.family = &families[i];
		if (is_written(m, w.family))
			put_family(&w);
	}
	if (!m->classic)
		fputs("# EOF\n", f);
}

size_t openmetrics_families(void)
{
	return NR_FAMILIES;
}

bool openmetrics_has(const struct openmetrics *m, size_t family)
{
	return is_written(m, &families[family]);
}

void openmetrics_head(FILE *f, const struct openmetrics *m, size_t family)
{
	struct writer w = { f, m, &families[family] };

	put_head(&w);
}

void openmetrics_samples(FILE *f, const struct openmetrics *m, size_t family, const struct queue *q)
{
	struct writer w = { f, m, &families[family] };

	if (q && w.family->queue)
		w.family->queue(&w, q);
	if (!q && w.family->machine)
		w.family->machine(&w);
}

size_t openmetrics_queue_series(const struct openmetrics *m)
{
	size_t n = 0;

	for (size_t i = 0; i < NR_FAMILIES; i++) {
		const struct family *f = &families[i];

		if (f->queue && is_written(m, f))
			n += f->series ? f->series(m) : 1;
	}
	return n;
}
