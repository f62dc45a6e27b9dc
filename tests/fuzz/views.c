// SPDX-License-Identifier: GPL-2.0
/*
 * Counts, queues and doorbells, whatever the memory that is shared with the kernel or a recording
 * holds: every view of stat and hist prints lines that are printable, and JSON that can be read.
 * Input: which view, a byte; two snapshots, of up to four queues each.
 */
#include <errno.h>
#include <json-c/json.h>
#include "base/format.h"
#include "model/ring.h"
#include "verbs/interval_loop.h"
#include "verbs/verbs.h"
#include "fuzz.h"

static struct snapshot diff;

int __wrap_interval_loop(const struct filter *filter, const struct interval_options *intervals,
			 int (*show)(const struct snapshot *diff, const void *options),
			 const void *options)
{
	struct snapshot s = {};

	must(!snapshot_copy(&diff, &s));
	(void)intervals;
	filter_apply(filter, &s);
	must(!show(&s, options));
	snapshot_free(&s);
	return 0;
}

static void take_stats(struct input *in, struct op_stats *s)
{
	s->count = take_number(in, 8);
	s->sum = take_number(in, 8);
	s->max = take_number(in, 8);
	s->refused = take_number(in, 8);
	s->bytes_out = take_number(in, 8);
	s->bytes_in = take_number(in, 8);
	for (int n = take_number(in, 1) % 8; n; n--) {
		unsigned int bucket = take_number(in, 2) % VT_NR_BUCKETS;

		histogram_put(&s->histogram, bucket, take_number(in, 8));
		s->timed += s->histogram.bucket[bucket];
	}
}

static void take_name(struct input *in, char *name)
{
	char *text = take_until(in, '\0', NULL);

	copy_printable(name, text, VT_NAME_LEN);
	free(text);
}

static void take_queue(struct input *in, struct queue *q)
{
	unsigned int flags = take_number(in, 1);
	uint32_t ops = take_number(in, 4);

	memset(q, 0, sizeof(*q));
	q->serial = take_number(in, 1) % 4;
	q->gone = flags & 1;
	q->fresh = flags & 2;
	q->broken = flags & 4;
	q->changed = take_number(in, 8);
	q->device = take_number(in, 4);
	q->device_type = take_number(in, 4);
	q->index = take_number(in, 4);
	q->num = take_number(in, 4);
	q->num_free = take_number(in, 4);
	q->layout = take_number(in, flags & 8 ? 4 : 1) % (flags & 8 ? UINT32_MAX : VT_NR_LAYOUTS);
	q->features = take_number(in, 8);
	take_name(in, q->name);
	take_name(in, q->driver);
	take_name(in, q->role);
	q->doorbells.sent = take_number(in, 4);
	for (int n = take_number(in, 1) % (VT_NR_DOORBELLS + 1); n; n--) {
		struct vt_doorbell *d = &q->doorbells.last[take_number(in, 1) % VT_NR_DOORBELLS];

		d->value = take_number(in, 4);
		d->ring = take_number(in, 4);
		d->buffers = take_number(in, 4);
		d->number = take_number(in, 4);
	}
	for (int op = 0; op < VT_NR_COUNTED; op++) {
		if (!(ops >> op & 1))
			continue;
		q->op[op] = calloc(1, sizeof(*q->op[op]));
		must(q->op[op]);
		take_stats(in, q->op[op]);
	}
}

static double take_double(struct input *in)
{
	uint64_t bits = take_number(in, 8);
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static void take_snapshot(struct input *in, struct snapshot *s)
{
	memset(s, 0, sizeof(*s));
	s->time = take_number(in, 8);
	s->lost = take_number(in, 8);
	s->probe_ns = take_double(in);
	s->cpu = take_double(in);
	s->how = "functions";
	s->unavailable = take_number(in, 4);
	s->no_bytes_out = take_number(in, 1) & 1;
	s->nr_queues = take_number(in, 1) % 5;
	s->queues = calloc(s->nr_queues + 1, sizeof(*s->queues));
	must(s->queues);
	for (size_t i = 0; i < s->nr_queues; i++)
		take_queue(in, &s->queues[i]);
}

/* Of the doorbells only those are left that were written when they were read; and they say what
 * they hold. */
static void check_doorbells(struct queue *q)
{
	unsigned int sent = q->doorbells.sent;

	doorbells_settle(&q->doorbells);
	must(q->doorbells.sent <= sent);
	for (unsigned int back = 0; back < 2 * VT_NR_DOORBELLS; back++) {
		const struct vt_doorbell *d = queue_doorbell(q, back);
		struct notification n;

		if (!d)
			continue;
		must(d >= q->doorbells.last && d < q->doorbells.last + VT_NR_DOORBELLS);
		must(d->number && d->number == q->doorbells.sent - back);
		n = notification_decode(q->layout, d->value);
		must((n.queue | (uint32_t)n.wrap_counter << 31 | (uint32_t)n.next_offset << 16) ==
		     d->value);
		must(n.has_wrap || !n.wrap_counter);
	}
}

/* Runs a verb; checks what it printed. */
static void show(int (*verb)(int argc, char **argv), bool json, char *option, char *argument)
{
	char *argv[] = { "vringtop verb", option, argument, NULL }, *text;
	int status;

	text = printed(verb, argv, &status);
	must(!status && text[0] && text[strlen(text) - 1] == '\n');
	must(is_printable(text, true));
	if (json) {
		struct json_object *o = json_tokener_parse(text);

		must(o);
		json_object_put(o);
	}
	/* A header, whose numbers may be long, and a table. */
	for (char *line = strchr(text, '\n'); verb == verb_stat && !json && line;
	     line = strchr(line, '\n'))
		must(strcspn(++line, "\n") <= 80);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		int (*verb)(int argc, char **argv);
		bool json;
		char *option, *argument;
	} views[] = {
		{ verb_stat, false, NULL, NULL },	 { verb_stat, false, "-p", "layouts" },
		{ verb_stat, false, "-p", "doorbells" }, { verb_stat, true, "--json", NULL },
		{ verb_hist, false, "-u", NULL },	 { verb_hist, false, "-Qu", NULL },
		{ verb_hist, true, "--json", NULL },	 { verb_stat, false, "-p", "stages" },
	};
	struct input in = { data, size };
	unsigned int view = take_number(&in, 1);
	struct snapshot old, new, sum = {};

	take_snapshot(&in, &old);
	take_snapshot(&in, &new);
	for (size_t i = 0; i < new.nr_queues; i++)
		check_doorbells(&new.queues[i]);
	must(!snapshot_diff(&new, &old, &diff));
	if (view & 0x80) {
		must(!snapshot_add(&sum, &new) && !snapshot_add(&sum, &diff));
		snapshot_free(&diff);
		must(!snapshot_copy(&sum, &diff));
		snapshot_free(&sum);
	}
	view %= sizeof(views) / sizeof(*views);
	show(views[view].verb, views[view].json, views[view].option, views[view].argument);
	snapshot_free(&diff);
	snapshot_free(&new);
	snapshot_free(&old);
	return 0;
}
