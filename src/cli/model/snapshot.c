// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/format.h"
#include "model/snapshot.h"

/* Memory for buckets is allocated in multiples of this. */
#define ROOM_STEP 32u

static const struct {
	const char *name;
	const char *refused; /* what op_stats.refused counts; NULL: never refused */
} ops[VT_NR_COUNTED] = {
	[VT_OP_ADD] = { "add", "failed" },
	[VT_OP_GET] = { "get", "empty" },
	[VT_OP_KICK_PREPARE] = { "kick_prepare", "suppressed" },
	[VT_OP_NOTIFY] = { "notify", "failed" },
	[VT_OP_NOTIFICATION_DATA] = { "notification_data", "wrong" },
	[VT_OP_DISABLE_CB] = { "disable_cb", NULL },
	[VT_OP_ENABLE_CB_PREPARE] = { "enable_cb_prepare", NULL },
	[VT_OP_ENABLE_CB_DELAYED] = { "enable_cb_delayed", "more used" },
	[VT_OP_POLL] = { "poll", "nothing" },
	[VT_OP_MORE_USED] = { "more_used", "spurious" },
	[VT_OP_DETACH_UNUSED_BUF] = { "detach_unused_buf", "empty" },
	[VT_OP_RESIZE] = { "resize", "failed" },
	[VT_OP_RESET] = { "reset", NULL },
	[VT_OP_INIT_LAST_USED] = { "init_last_used", NULL },
	[VT_OP_VRING_SIZE] = { "vring_size", NULL },
	[VT_OP_DESC_ADDR] = { "desc_addr", NULL },
	[VT_OP_AVAIL_ADDR] = { "avail_addr", NULL },
	[VT_OP_USED_ADDR] = { "used_addr", NULL },
	[VT_OP_FREE] = { "free", NULL },
	[VT_AVAIL_TO_USED] = { "avail_to_used", NULL },
	[VT_INTERRUPT] = { "interrupt", "spurious" },
	[VT_STAGE_QUEUED] = { "queued", NULL },
	[VT_STAGE_DOORBELL] = { "doorbell", NULL },
	[VT_STAGE_DEVICE] = { "device", NULL },
	[VT_STAGE_WAKEUP] = { "wakeup", NULL },
	[VT_BUFFERS_PER_DOORBELL] = { "buffers_per_doorbell", NULL },
	[VT_BUFFERS_PER_INTERRUPT] = { "buffers_per_interrupt", NULL },
};

static const struct {
	const char *name, *short_name;
} layouts[VT_NR_LAYOUTS] = {
	[VT_LAYOUT_SPLIT] = { "split", "split" },
	[VT_LAYOUT_PACKED] = { "packed", "packed" },
	[VT_LAYOUT_SPLIT_IN_ORDER] = { "split-in-order", "split-io" },
	[VT_LAYOUT_PACKED_IN_ORDER] = { "packed-in-order", "packed-io" },
};

const char *op_name(enum vt_op op)
{
	return op < VT_NR_COUNTED ? ops[op].name : "?";
}

int op_by_name(const char *name)
{
	for (int op = 0; op < VT_NR_COUNTED; op++)
		if (!strcmp(ops[op].name, name))
			return op;
	return -1;
}

const char *op_refused_name(enum vt_op op)
{
	return op < VT_NR_COUNTED ? ops[op].refused : NULL;
}

const char *layout_name(enum vt_layout layout)
{
	return layout < VT_NR_LAYOUTS ? layouts[layout].name : "?";
}

const char *layout_short_name(enum vt_layout layout)
{
	return layout < VT_NR_LAYOUTS ? layouts[layout].short_name : "?";
}

const char *queue_role(const struct queue *q)
{
	/* Device IDs, virtio 1.3 section 5. */
	static const char *const types[] = {
		[1] = "net",	 [2] = "blk",  [3] = "console", [4] = "rng",	[5] = "balloon",
		[8] = "scsi",	 [9] = "9p",   [16] = "gpu",	[18] = "input", [19] = "vsock",
		[20] = "crypto", [24] = "mem", [25] = "sound",	[26] = "fs",
	};

	if (q->role[0])
		return q->role;
	if (q->device_type < sizeof(types) / sizeof(*types) && types[q->device_type])
		return types[q->device_type];
	return q->driver;
}

double op_stats_mean(const struct op_stats *s)
{
	return s->timed ? (double)s->sum / s->timed : 0;
}

void op_stats_add(struct op_stats *to, const struct op_stats *from)
{
	if (!from)
		return;
	to->count += from->count;
	to->timed += from->timed;
	to->sum += from->sum;
	if (from->max > to->max)
		to->max = from->max;
	to->refused += from->refused;
	to->stale += from->stale;
	to->bytes_out += from->bytes_out;
	to->bytes_in += from->bytes_in;
	histogram_add(&to->histogram, &from->histogram);
}

/*
 * Returns an upper bound of the longest time in an interval: the end of the highest bucket that
 * grew.
 */
static uint64_t interval_max(const struct op_stats *now)
{
	uint64_t high = histogram_lower(now->histogram.end) - 1;

	if (now->histogram.begin == now->histogram.end)
		return 0;
	return now->histogram.end == VT_NR_BUCKETS || high > now->max ? now->max : high;
}

int op_stats_room(struct op_stats **o, unsigned int end)
{
	unsigned int had = *o ? (*o)->histogram.room : 0, room = (end / ROOM_STEP + 1) * ROOM_STEP;
	struct op_stats *more;

	if (room > VT_NR_BUCKETS)
		room = VT_NR_BUCKETS;
	if (*o && (!had || had >= room))
		return 0;
	more = realloc(*o, offsetof(struct op_stats, histogram.bucket[room]));
	if (!more)
		return -ENOMEM;
	if (!*o)
		memset(more, 0, offsetof(struct op_stats, histogram.bucket));
	memset(more->histogram.bucket + had, 0, (room - had) * sizeof(*more->histogram.bucket));
	more->histogram.room = room;
	*o = more;
	return 0;
}

static void op_stats_copy(struct op_stats *to, const struct op_stats *from)
{
	memcpy(to, from, offsetof(struct op_stats, histogram));
	histogram_copy(&to->histogram, &from->histogram);
}

static void op_stats_sub(struct op_stats *to, const struct op_stats *from)
{
	to->count -= from->count;
	to->timed -= from->timed;
	to->sum -= from->sum;
	to->refused -= from->refused;
	to->stale -= from->stale;
	to->bytes_out -= from->bytes_out;
	to->bytes_in -= from->bytes_in;
	histogram_sub(&to->histogram, &from->histogram);
	/* A maximum that grew was measured in this interval. One that did not grow may be older. */
	if (to->max == from->max)
		to->max = interval_max(to);
}

struct queue *snapshot_queue_near(const struct snapshot *s, unsigned int serial, size_t place)
{
	if (place < s->nr_queues && s->queues[place].serial == serial)
		return &s->queues[place];
	for (size_t i = 0; i < s->nr_queues; i++)
		if (s->queues[i].serial == serial)
			return &s->queues[i];
	return NULL;
}

struct queue *snapshot_queue(const struct snapshot *s, unsigned int serial)
{
	return snapshot_queue_near(s, serial, 0);
}

int queue_order(const void *a, const void *b)
{
	const struct queue *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return (x->serial > y->serial) - (x->serial < y->serial);
}

void snapshot_last_indices(struct snapshot *s)
{
	unsigned int last = 0;

	for (size_t i = s->nr_queues; i-- > 0;) {
		if (i + 1 == s->nr_queues || s->queues[i + 1].device != s->queues[i].device)
			last = s->queues[i].index;
		s->queues[i].last_index = last;
	}
}

int snapshot_copy(const struct snapshot *from, struct snapshot *to)
{
	struct snapshot old = *to;

	*to = *from;
	to->nr_queues = 0;
	to->queues = calloc(from->nr_queues + 1, sizeof(*to->queues));
	for (size_t i = 0; to->queues && i < from->nr_queues; i++) {
		struct queue *q = &to->queues[i];
		struct queue *had = snapshot_queue_near(&old, from->queues[i].serial, i);

		*q = from->queues[i];
		memset(q->op, 0, sizeof(q->op));
		if (had) {
			memcpy(q->op, had->op, sizeof(q->op));
			memset(had->op, 0, sizeof(had->op));
		}
		to->nr_queues++;
		for (int op = 0; op < VT_NR_COUNTED; op++) {
			const struct op_stats *what = from->queues[i].op[op];

			if (!what) {
				free(q->op[op]);
				q->op[op] = NULL;
				continue;
			}
			if (op_stats_room(&q->op[op], what->histogram.end))
				goto no_memory;
			op_stats_copy(q->op[op], what);
		}
	}
	if (!to->queues)
		goto no_memory;
	snapshot_free(&old);
	return 0;
no_memory:
	snapshot_free(&old);
	snapshot_free(to);
	return -ENOMEM;
}

int snapshot_diff(const struct snapshot *new, const struct snapshot *old, struct snapshot *to)
{
	int err = snapshot_copy(new, to);

	for (size_t i = 0; i < to->nr_queues; i++)
		to->queues[i].new_doorbells = to->queues[i].doorbells.sent;
	if (err || !old)
		return err;
	to->since = new->time - old->time;
	to->lost = new->lost - old->lost;
	to->cpu = new->cpu - old->cpu;
	for (size_t i = 0; i < to->nr_queues; i++) {
		struct queue *q = &to->queues[i];
		const struct queue *before = snapshot_queue_near(old, q->serial, i);

		if (before)
			q->new_doorbells -= before->doorbells.sent;
		for (int op = 0; before && op < VT_NR_COUNTED; op++) {
			if (!q->op[op] || !before->op[op])
				continue;
			if (op_stats_room(&q->op[op], before->op[op]->histogram.end)) {
				snapshot_free(to);
				return -ENOMEM;
			}
			op_stats_sub(q->op[op], before->op[op]);
		}
	}
	return 0;
}

int snapshot_add(struct snapshot *to, const struct snapshot *diff)
{
	to->time = diff->time;
	to->since += diff->since;
	to->lost += diff->lost;
	to->cpu += diff->cpu;
	to->probe_ns = diff->probe_ns;
	to->how = diff->how;
	to->unavailable = diff->unavailable;
	to->no_bytes_out = diff->no_bytes_out;
	to->not_shown = diff->not_shown;
	to->clock_step = diff->clock_step;
	for (size_t i = 0; i < diff->nr_queues; i++) {
		const struct queue *from = &diff->queues[i];
		struct queue *q = snapshot_queue_near(to, from->serial, i);
		struct op_stats *op[VT_NR_COUNTED] = {};
		unsigned int doorbells = from->new_doorbells;

		if (!q) {
			q = realloc(to->queues, (to->nr_queues + 1) * sizeof(*q));
			if (!q)
				return -ENOMEM;
			to->queues = q;
			q += to->nr_queues++;
		} else {
			memcpy(op, q->op, sizeof(op));
			doorbells += q->new_doorbells;
		}
		*q = *from;
		q->new_doorbells = doorbells;
		memcpy(q->op, op, sizeof(op));
		for (int o = 0; o < VT_NR_COUNTED; o++) {
			if (!from->op[o])
				continue;
			if (op_stats_room(&q->op[o], from->op[o]->histogram.end))
				return -ENOMEM;
			op_stats_add(q->op[o], from->op[o]);
		}
	}
	return 0;
}

void snapshot_free(struct snapshot *s)
{
	for (size_t i = 0; i < s->nr_queues; i++)
		for (int op = 0; op < VT_NR_COUNTED; op++)
			free(s->queues[i].op[op]);
	free(s->queues);
	memset(s, 0, sizeof(*s));
}

void queue_sum(const struct queue *q, int op, struct op_stats *to)
{
	memset(to, 0, sizeof(*to));
	if (op >= 0)
		op_stats_add(to, q->op[op]);
	for (int o = 0; op < 0 && o < VT_NR_OPS; o++)
		op_stats_add(to, q->op[o]);
}

size_t snapshot_queues(const struct snapshot *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nr_queues; i++)
		n += !s->queues[i].gone;
	return n;
}

uint64_t queue_buffers(const struct queue *q)
{
	const struct op_stats *add = q->op[VT_OP_ADD];

	return add ? add->count - add->refused : 0;
}

uint64_t queue_doorbells(const struct queue *q)
{
	return q->op[VT_OP_NOTIFY] ? q->op[VT_OP_NOTIFY]->count : 0;
}

uint64_t queue_suppressed(const struct queue *q)
{
	return q->op[VT_OP_KICK_PREPARE] ? q->op[VT_OP_KICK_PREPARE]->refused : 0;
}

uint64_t queue_polled(const struct queue *q)
{
	const struct op_stats *device = q->op[VT_STAGE_DEVICE], *wakeup = q->op[VT_STAGE_WAKEUP];
	uint64_t all = device ? device->count : 0, woken = wakeup ? wakeup->count : 0;

	/* The two are read one after the other. */
	return all > woken ? all - woken : 0;
}

uint64_t queue_stages(const struct queue *q)
{
	uint64_t sum = 0;

	for (int op = VT_STAGE_QUEUED; op <= VT_STAGE_WAKEUP; op++)
		sum += q->op[op] ? q->op[op]->sum : 0;
	return sum;
}

int queue_longest_stage(const struct queue *q, double *share)
{
	uint64_t all = queue_stages(q), most = 0;
	int longest = -1;

	for (int op = VT_STAGE_QUEUED; op <= VT_STAGE_WAKEUP; op++) {
		const struct op_stats *s = q->op[op];

		if (!s || !s->timed)
			continue;
		if (longest < 0 || s->sum > most) {
			longest = op;
			most = s->sum;
		}
	}
	*share = all ? (double)most / all : 0;
	return longest;
}

unsigned int queue_in_use(const struct queue *q)
{
	return q->num_free < q->num ? q->num - q->num_free : 0;
}

uint64_t queue_bytes_out(const struct queue *q)
{
	return q->op[VT_OP_ADD] ? q->op[VT_OP_ADD]->bytes_out : 0;
}

uint64_t queue_bytes_in(const struct queue *q)
{
	return q->op[VT_OP_GET] ? q->op[VT_OP_GET]->bytes_in : 0;
}

char *snapshot_limits(const struct snapshot *s, char *text, size_t size)
{
	char step[FORMAT_LEN];
	size_t n = 0;

	text[0] = '\0';
	if (s->not_shown)
		n = snprintf(text, size, "  %u queue%s not shown", s->not_shown,
			     s->not_shown == 1 ? "" : "s");
	if (s->clock_step && n < size)
		snprintf(text + n, size - n, "  clock steps %s", format_time(step, s->clock_step));
	return text;
}
