// SPDX-License-Identifier: GPL-2.0
/* Snapshots: differences, sums, filters, tables; and the text of numbers and rings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <linux/virtio_ids.h>
#include "base/format.h"
#include "model/ring.h"
#include "model/snapshot.h"
#include "output/table.h"
#include "model/filter.h"

static struct queue *add_queue(struct snapshot *s, unsigned int serial, int device,
			       enum vt_layout layout)
{
	struct queue *q;

	s->queues = realloc(s->queues, (s->nr_queues + 1) * sizeof(*q));
	assert_non_null(s->queues);
	q = &s->queues[s->nr_queues++];
	memset(q, 0, sizeof(*q));
	q->serial = serial;
	q->device = device;
	q->layout = layout;
	q->num = 256;
	q->num_free = 192;
	snprintf(q->name, sizeof(q->name), "req.%u", serial);
	snprintf(q->role, sizeof(q->role), "vd%c", 'a' + device);
	return q;
}

static void count(struct queue *q, enum vt_op op, uint64_t ns, int times)
{
	struct op_stats *s = q->op[op];

	if (!s) {
		s = q->op[op] = calloc(1, sizeof(*s));
		assert_non_null(s);
	}
	s->count += times;
	s->timed += times;
	s->sum += ns * times;
	if (ns > s->max)
		s->max = ns;
	histogram_put(&s->histogram, histogram_bucket(ns), times);
}

static void a_difference_has_only_what_is_new(void **unused)
{
	struct snapshot old = { .time = 1000 }, new = { .time = 3000 }, diff = {};

	(void)unused;
	count(add_queue(&old, 1, 0, VT_LAYOUT_SPLIT), VT_OP_ADD, 5000, 10);
	count(add_queue(&new, 1, 0, VT_LAYOUT_SPLIT), VT_OP_ADD, 5000, 10);
	count(&new.queues[0], VT_OP_ADD, 100, 7);
	count(add_queue(&new, 2, 1, VT_LAYOUT_PACKED), VT_OP_GET, 40, 3);

	assert_int_equal(snapshot_diff(&new, &old, &diff), 0);
	assert_int_equal(diff.since, 2000);
	assert_int_equal(diff.queues[0].op[VT_OP_ADD]->count, 7);
	assert_int_equal(diff.queues[0].op[VT_OP_ADD]->sum, 700);
	assert_int_equal(histogram_count(&diff.queues[0].op[VT_OP_ADD]->histogram), 7);
	/* The old maximum was not of this interval. */
	assert_in_range(diff.queues[0].op[VT_OP_ADD]->max, 100, 104);
	assert_int_equal(diff.queues[1].op[VT_OP_GET]->count, 3);
	assert_null(diff.queues[1].op[VT_OP_ADD]);
	snapshot_free(&diff);
	snapshot_free(&old);
	snapshot_free(&new);
}

static void the_same_address_is_another_queue(void **unused)
{
	struct snapshot old = {}, new = {}, diff = {};

	(void)unused;
	count(add_queue(&old, 1, 0, VT_LAYOUT_SPLIT), VT_OP_ADD, 50, 10);
	count(add_queue(&new, 2, 0, VT_LAYOUT_SPLIT), VT_OP_ADD, 50, 4);
	assert_int_equal(snapshot_diff(&new, &old, &diff), 0);
	assert_int_equal(diff.nr_queues, 1);
	assert_int_equal(diff.queues[0].op[VT_OP_ADD]->count, 4);
	snapshot_free(&diff);
	snapshot_free(&old);
	snapshot_free(&new);
}

static void a_sum_keeps_queues_that_are_gone(void **unused)
{
	struct snapshot sum = {}, one = { .since = 5 }, two = { .since = 6 };

	(void)unused;
	count(add_queue(&one, 1, 0, VT_LAYOUT_SPLIT), VT_OP_ADD, 50, 10);
	count(add_queue(&one, 2, 1, VT_LAYOUT_SPLIT), VT_OP_ADD, 50, 1);
	count(add_queue(&two, 2, 1, VT_LAYOUT_SPLIT), VT_OP_ADD, 60, 2);
	assert_int_equal(snapshot_add(&sum, &one), 0);
	assert_int_equal(snapshot_add(&sum, &two), 0);
	assert_int_equal(sum.since, 11);
	assert_int_equal(sum.nr_queues, 2);
	assert_int_equal(sum.queues[0].op[VT_OP_ADD]->count, 10);
	assert_int_equal(sum.queues[1].op[VT_OP_ADD]->count, 3);
	assert_int_equal(sum.queues[1].op[VT_OP_ADD]->sum, 170);
	snapshot_free(&sum);
	snapshot_free(&one);
	snapshot_free(&two);
}

/* Figures of an operation, of which no two are equal, nor those of another @base. */
static void fill(struct op_stats *s, uint64_t base)
{
	*s = (struct op_stats){
		.count = base + 1,
		.timed = base + 2,
		.sum = base + 3,
		.max = base + 4,
		.refused = base + 5,
		.stale = base + 6,
		.bytes_out = base + 7,
		.bytes_in = base + 8,
	};
	histogram_put(&s->histogram, 40, base + 9);
	histogram_put(&s->histogram, 41, base + 10);
}

/* A snapshot with one queue, of which every figure differs from the one with another @n. */
static void make_full(struct snapshot *s, uint64_t n)
{
	struct queue *q;

	*s = (struct snapshot){
		.time = 1000 * n,
		.since = 100 * n,
		.lost = 7 * n,
		.probe_ns = 0.5 * n,
		.cpu = 0.25 * n,
		.how = n % 2 ? "functions" : "tracepoints",
		.unavailable = 1u << n,
		.no_bytes_out = n % 2,
	};
	q = add_queue(s, 9, 3, n % 2 ? VT_LAYOUT_PACKED : VT_LAYOUT_SPLIT);
	q->gone = n % 2;
	q->fresh = !q->gone;
	q->broken = q->gone;
	q->changed = 11 * n;
	q->device_type = 12 + n;
	q->index = 13 + n;
	q->num = 1000 + n;
	q->num_free = 500 + n;
	q->features = 1ull << (40 + n);
	q->doorbells.sent = 5 * n * n;
	q->new_doorbells = 3 * n;
	snprintf(q->name, sizeof(q->name), "name%d", (int)n);
	snprintf(q->driver, sizeof(q->driver), "driver%d", (int)n);
	snprintf(q->role, sizeof(q->role), "role%d", (int)n);
	for (int op = 0; op < VT_NR_COUNTED; op++) {
		q->op[op] = calloc(1, sizeof(*q->op[op]));
		assert_non_null(q->op[op]);
		fill(q->op[op], n * 100000 + op * 1000);
	}
}

/* What is not counted is that of the newer one. */
static void has_the_state_of(const struct queue *a, const struct queue *b)
{
	assert_int_equal(a->serial, b->serial);
	assert_int_equal(a->gone, b->gone);
	assert_int_equal(a->fresh, b->fresh);
	assert_int_equal(a->broken, b->broken);
	assert_int_equal(a->changed, b->changed);
	assert_int_equal(a->device, b->device);
	assert_int_equal(a->device_type, b->device_type);
	assert_int_equal(a->index, b->index);
	assert_int_equal(a->num, b->num);
	assert_int_equal(a->num_free, b->num_free);
	assert_int_equal(a->layout, b->layout);
	assert_int_equal(a->features, b->features);
	assert_int_equal(a->doorbells.sent, b->doorbells.sent);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->driver, b->driver);
	assert_string_equal(a->role, b->role);
}

static void every_figure_is_subtracted(void **unused)
{
	struct snapshot old, new, diff = {};
	const struct queue *q;

	(void)unused;
	make_full(&old, 2);
	make_full(&new, 5);
	assert_int_equal(snapshot_diff(&new, &old, &diff), 0);
	assert_int_equal(diff.time, 5000);
	assert_int_equal(diff.since, 3000);
	assert_int_equal(diff.lost, 21);
	assert_true(diff.cpu == 0.75);
	assert_true(diff.probe_ns == 2.5);
	assert_string_equal(diff.how, "functions");
	assert_int_equal(diff.unavailable, 32);
	assert_true(diff.no_bytes_out);
	assert_int_equal(diff.nr_queues, 1);
	q = diff.queues;
	has_the_state_of(q, new.queues);
	assert_int_equal(q->new_doorbells, 125 - 20);
	for (int op = 0; op < VT_NR_COUNTED; op++) {
		const struct op_stats *o = q->op[op];

		/* Both have the same numbers behind the first digit, which counts 100,000. */
		assert_int_equal(o->count, 300000);
		assert_int_equal(o->timed, 300000);
		assert_int_equal(o->sum, 300000);
		assert_int_equal(o->refused, 300000);
		assert_int_equal(o->stale, 300000);
		assert_int_equal(o->bytes_out, 300000);
		assert_int_equal(o->bytes_in, 300000);
		assert_int_equal(o->histogram.bucket[40], 300000);
		assert_int_equal(o->histogram.bucket[41], 300000);
		/* A maximum that is new is of this time. */
		assert_int_equal(o->max, 500000 + op * 1000 + 4);
	}
	snapshot_free(&diff);
	snapshot_free(&old);
	snapshot_free(&new);
}

static void every_figure_is_added(void **unused)
{
	struct snapshot one, two, sum = {};
	const struct queue *q;

	(void)unused;
	make_full(&one, 5);
	make_full(&two, 2);
	assert_int_equal(snapshot_add(&sum, &one), 0);
	assert_int_equal(snapshot_add(&sum, &two), 0);
	/* Of the last one, but what is counted. */
	assert_int_equal(sum.time, 2000);
	assert_int_equal(sum.since, 700);
	assert_int_equal(sum.lost, 49);
	assert_true(sum.cpu == 1.75);
	assert_true(sum.probe_ns == 1);
	assert_string_equal(sum.how, "tracepoints");
	assert_int_equal(sum.unavailable, 4);
	assert_false(sum.no_bytes_out);
	assert_int_equal(sum.nr_queues, 1);
	q = sum.queues;
	has_the_state_of(q, two.queues);
	assert_int_equal(q->new_doorbells, 21);
	for (int op = 0; op < VT_NR_COUNTED; op++) {
		const struct op_stats *o = q->op[op];
		uint64_t base = 700000 + 2000 * op;

		assert_int_equal(o->count, base + 2);
		assert_int_equal(o->timed, base + 4);
		assert_int_equal(o->sum, base + 6);
		assert_int_equal(o->max, 500000 + op * 1000 + 4);
		assert_int_equal(o->refused, base + 10);
		assert_int_equal(o->stale, base + 12);
		assert_int_equal(o->bytes_out, base + 14);
		assert_int_equal(o->bytes_in, base + 16);
		assert_int_equal(o->histogram.bucket[40], base + 18);
		assert_int_equal(o->histogram.bucket[41], base + 20);
	}
	snapshot_free(&sum);
	snapshot_free(&one);
	snapshot_free(&two);
}

/* The kernel's number of doorbells has 32 bits. */
static void numbers_of_doorbells_wrap(void **unused)
{
	struct snapshot old = {}, new = {}, diff = {};

	(void)unused;
	add_queue(&old, 1, 0, VT_LAYOUT_SPLIT)->doorbells.sent = UINT32_MAX - 2;
	add_queue(&new, 1, 0, VT_LAYOUT_SPLIT)->doorbells.sent = 4;
	assert_int_equal(snapshot_diff(&new, &old, &diff), 0);
	assert_int_equal(diff.queues[0].new_doorbells, 7);
	snapshot_free(&diff);
	snapshot_free(&old);
	snapshot_free(&new);
}

/* Each word of a filter, alone and together: how many of four queues are left. */
static void filters_leave_what_they_name(void **unused)
{
	static const struct {
		struct filter filter;
		unsigned int left; /* a bit for each queue */
	} all[] = {
		{ {}, 15 },
		{ { .device = "virtio0" }, 3 },
		{ { .device = "virtio1" }, 12 },
		{ { .device = "vdb" }, 12 },
		{ { .device = "vd" }, 0 },
		{ { .driver = "virtio_net" }, 12 },
		{ { .driver = "virtio" }, 0 },
		{ { .queue = "1" }, 10 },
		{ { .queue = "req.3" }, 4 },
		{ { .queue = "req" }, 0 },
		{ { .device = "vda", .queue = "0" }, 1 },
		{ { .device = "vda", .driver = "virtio_net" }, 0 },
		{ { .device = "vdb", .driver = "virtio_net", .queue = "req.4" }, 8 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct filter f = all[i].filter;
		struct snapshot s = {};
		unsigned int left = 0;

		for (int n = 0; n < 4; n++) {
			struct queue *q = add_queue(&s, n + 1, n / 2, VT_LAYOUT_SPLIT);

			q->index = n % 2;
			snprintf(q->driver, sizeof(q->driver), n < 2 ? "virtio_blk" : "virtio_net");
			count(q, VT_OP_ADD, 50, 1);
			count(q, VT_OP_GET, 50, 1);
			count(q, VT_AVAIL_TO_USED, 50, 1);
		}
		f.ops = 1u << VT_OP_GET | 1u << VT_AVAIL_TO_USED;
		assert_int_equal(filter_match(&f, &s), all[i].left ? 0 : -1);
		filter_apply(&f, &s);
		for (size_t n = 0; n < s.nr_queues; n++) {
			left |= 1u << (s.queues[n].serial - 1);
			assert_null(s.queues[n].op[VT_OP_ADD]);
			assert_non_null(s.queues[n].op[VT_OP_GET]);
			assert_non_null(s.queues[n].op[VT_AVAIL_TO_USED]);
		}
		assert_int_equal(left, all[i].left);
		snapshot_free(&s);
	}
}

static void filters(void **unused)
{
	struct filter f = { .device = "vdb", .ops = 1u << VT_OP_ADD };
	struct snapshot s = {};

	(void)unused;
	count(add_queue(&s, 1, 0, VT_LAYOUT_SPLIT), VT_OP_ADD, 50, 10);
	count(add_queue(&s, 2, 1, VT_LAYOUT_SPLIT), VT_OP_ADD, 50, 1);
	count(&s.queues[1], VT_OP_GET, 50, 1);
	assert_int_equal(filter_match(&f, &s), 0);
	filter_apply(&f, &s);
	assert_int_equal(s.nr_queues, 1);
	assert_int_equal(s.queues[0].serial, 2);
	assert_non_null(s.queues[0].op[VT_OP_ADD]);
	assert_null(s.queues[0].op[VT_OP_GET]);
	f.device = "virtio0";
	filter_apply(&f, &s);
	assert_int_equal(s.nr_queues, 0);
	snapshot_free(&s);
}

/* Virtio 1.3, section 6: RING_PACKED is bit 34, IN_ORDER bit 35; others do not matter. */
static void layouts_by_features(void **unused)
{
	const uint64_t others = 0x10130006e54ull;

	(void)unused;
	assert_int_equal(ring_layout(0), VT_LAYOUT_SPLIT);
	assert_int_equal(ring_layout(others), VT_LAYOUT_SPLIT);
	assert_int_equal(ring_layout(others | 1ull << 34), VT_LAYOUT_PACKED);
	assert_int_equal(ring_layout(others | 1ull << 35), VT_LAYOUT_SPLIT_IN_ORDER);
	assert_int_equal(ring_layout(others | 3ull << 34), VT_LAYOUT_PACKED_IN_ORDER);
}

static void notification_data(void **unused)
{
	struct notification n = notification_decode(VT_LAYOUT_SPLIT, 0x80050003);

	(void)unused;
	/* Split: 16 bits of the available index. */
	assert_int_equal(n.queue, 3);
	assert_int_equal(n.next_offset, 0x8005);
	assert_false(n.has_wrap);
	/* Packed: 15 bits of offset and the wrap counter. */
	n = notification_decode(VT_LAYOUT_PACKED, 0x80050003);
	assert_int_equal(n.queue, 3);
	assert_int_equal(n.next_offset, 5);
	assert_true(n.has_wrap);
	assert_true(n.wrap_counter);
	n = notification_decode(VT_LAYOUT_PACKED_IN_ORDER, 0x7fff0000);
	assert_int_equal(n.next_offset, 0x7fff);
	assert_false(n.wrap_counter);
}

static void the_last_doorbells(void **unused)
{
	struct snapshot old = {}, new = {}, diff = {};
	struct queue *q = add_queue(&old, 1, 0, VT_LAYOUT_SPLIT);

	(void)unused;
	assert_null(queue_doorbell(q, 0));
	q->doorbells.sent = 30;
	q = add_queue(&new, 1, 0, VT_LAYOUT_SPLIT);
	q->doorbells.sent = 40;
	for (int i = 0; i < 40; i++) {
		q->doorbells.last[i % VT_NR_DOORBELLS].value = i;
		q->doorbells.last[i % VT_NR_DOORBELLS].number = i + 1;
	}
	assert_int_equal(snapshot_diff(&new, &old, &diff), 0);
	q = &diff.queues[0];
	assert_int_equal(q->new_doorbells, 10);
	assert_int_equal(queue_doorbell(q, 0)->value, 39);
	assert_int_equal(queue_doorbell(q, 31)->value, 8);
	assert_null(queue_doorbell(q, 32));
	/* Not even if the newest doorbell is not written yet: then the oldest is still in its
	 * place. */
	q->doorbells.last[(q->doorbells.sent - 1) % VT_NR_DOORBELLS].number -= VT_NR_DOORBELLS;
	assert_null(queue_doorbell(q, 0));
	assert_null(queue_doorbell(q, 32));
	snapshot_free(&diff);
	/* From the start on, and for a queue that was not there before. */
	assert_int_equal(snapshot_diff(&new, NULL, &diff), 0);
	assert_int_equal(diff.queues[0].new_doorbells, 40);
	snapshot_free(&diff);
	old.queues[0].serial = 2;
	assert_int_equal(snapshot_diff(&new, &old, &diff), 0);
	assert_int_equal(diff.queues[0].new_doorbells, 40);
	snapshot_free(&diff);
	snapshot_free(&old);
	snapshot_free(&new);
}

static void a_doorbell_that_is_being_written(void **unused)
{
	struct vt_doorbells d = { .sent = 40 };
	struct queue q = {};

	(void)unused;
	for (unsigned int i = 0; i < 40; i++)
		d.last[i % VT_NR_DOORBELLS].number = i + 1;
	doorbells_settle(&d);
	assert_int_equal(d.sent, 40);
	/* 42 is there, 41 is not. */
	d.sent = 42;
	d.last[41 % VT_NR_DOORBELLS].number = 42;
	doorbells_settle(&d);
	assert_int_equal(d.sent, 40);
	/* In the place of 10. */
	q.doorbells = d;
	assert_int_equal(queue_doorbell(&q, 29)->number, 11);
	assert_null(queue_doorbell(&q, 30));
	assert_int_equal(queue_doorbell(&q, 31)->number, 9);
	d.sent = 42;
	d.last[40 % VT_NR_DOORBELLS].number = 41;
	doorbells_settle(&d);
	assert_int_equal(d.sent, 42);
	d.sent = 1;
	d.last[0].number = 0;
	doorbells_settle(&d);
	assert_int_equal(d.sent, 0);
	/* The last number before they wrap. */
	d.sent = UINT32_MAX;
	for (unsigned int i = 0; i < VT_NR_DOORBELLS; i++)
		d.last[(d.sent - 1 - i) % VT_NR_DOORBELLS].number = d.sent - i;
	doorbells_settle(&d);
	assert_int_equal(d.sent, UINT32_MAX);
}

/* What is measured between operations is none itself. */
static void measurements_are_no_operations(void **unused)
{
	struct snapshot s = {};
	struct queue *q = add_queue(&s, 1, 0, VT_LAYOUT_SPLIT);
	struct layout_usage u;
	struct op_stats sum;

	(void)unused;
	count(q, VT_OP_ADD, 50, 10);
	count(q, VT_AVAIL_TO_USED, 5000000, 9);
	count(q, VT_BUFFERS_PER_DOORBELL, 2, 5);
	queue_sum(q, -1, &sum);
	assert_int_equal(sum.count, 10);
	queue_sum(q, VT_AVAIL_TO_USED, &sum);
	assert_int_equal(sum.count, 9);
	layout_usage(&s, VT_LAYOUT_SPLIT, &u);
	assert_int_equal(u.sum.count, 10);
	snapshot_free(&s);
}

/* The size and the number of free descriptors are read one after the other. */
static void more_free_than_there_are_is_none_in_use(void **unused)
{
	struct queue q = { .num = 256, .num_free = 192 };

	(void)unused;
	assert_int_equal(queue_in_use(&q), 64);
	q.num_free = 256;
	assert_int_equal(queue_in_use(&q), 0);
	q.num_free = 300;
	assert_int_equal(queue_in_use(&q), 0);
}

static void a_queue_that_is_gone_is_shown(void **unused)
{
	struct snapshot s = { .time = 100, .since = 10 };
	struct layout_usage u;
	struct table t;
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)unused;
	assert_non_null(f);
	add_queue(&s, 1, 0, VT_LAYOUT_SPLIT)->gone = true;
	s.queues[0].changed = 95;
	add_queue(&s, 2, 0, VT_LAYOUT_SPLIT)->fresh = true;
	s.queues[1].changed = 95;
	add_queue(&s, 3, 1, VT_LAYOUT_SPLIT)->gone = true;
	s.queues[2].changed = 85; /* in an interval before: the row stays for ten seconds */
	add_queue(&s, 4, 2, VT_LAYOUT_SPLIT);
	assert_int_equal(snapshot_queues(&s), 2);
	layout_usage(&s, VT_LAYOUT_SPLIT, &u);
	assert_int_equal(u.queues, 2);
	assert_int_equal(table_make(&s, PAGE_QUEUES, -1, UINT32_MAX, &t), 0);
	table_print(&t, 80, f);
	fclose(f);
	assert_non_null(strstr(text, "GONE -"));
	assert_non_null(strstr(text, "+req.2    split "));
	assert_int_equal(strstr(text, "GONE -") - strstr(text, "req.1"),
			 strrchr(text, 'G') - strstr(text, "req.3"));
	assert_null(strstr(text, "req.4"));
	assert_non_null(strstr(text, "\n1 idle queue not shown\n"));
	free(text);
	table_free(&t);
	snapshot_free(&s);
}

static void numbers_are_short(void **unused)
{
	static const struct {
		double value;
		const char *time, *number;
	} cases[] = {
		{ 0, "0ns", "0" },
		{ 7, "7ns", "7" },
		{ 412, "412ns", "412" },
		{ 999.4, "999ns", "999" },
		{ 999.6, "1.00us", "1.00k" },
		{ 1234, "1.23us", "1.23k" },
		{ 9996, "10.0us", "10.0k" },
		{ 45678, "45.7us", "45.7k" },
		{ 999400, "999us", "999k" },
		{ 999600, "1.00ms", "1.00M" },
		{ 16.6e9, "16.6s", "16.6G" },
	};
	char buf[FORMAT_LEN];

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_string_equal(format_time(buf, cases[i].value), cases[i].time);
		assert_string_equal(format_number(buf, cases[i].value), cases[i].number);
	}
	assert_string_equal(format_bytes(buf, 1023), "1023");
	assert_string_equal(format_bytes(buf, 1536), "1.50K");
	assert_string_equal(format_share(buf, 1, 3), "33%");
	assert_string_equal(format_share(buf, 0, 0), "-");
	for (double v = 0.1; v < 1e15; v *= 1.01) {
		assert_true(strlen(format_time(buf, v < 9e11 ? v : 9e11)) <= 6);
		assert_true(strlen(format_number(buf, v)) <= 5);
		assert_true(strlen(format_bytes(buf, v)) <= 5);
	}
}

static void tables_fit_their_width(void **unused)
{
	static const int widths[] = { 80, 100, 132, 200 };
	struct snapshot s = { .since = 1000000000 };
	struct queue *q = add_queue(&s, 1, 0, VT_LAYOUT_PACKED_IN_ORDER);

	(void)unused;
	count(q, VT_OP_ADD, 123456, 1234567);
	count(q, VT_OP_NOTIFY, 99, 12);
	memset(q->name, 'x', sizeof(q->name) - 1);
	memset(q->role, 'y', sizeof(q->role) - 1);
	for (int page = 0; page < NR_PAGES; page++) {
		struct table t;

		assert_int_equal(table_make(&s, page, -1, UINT32_MAX, &t), 0);
		assert_int_equal(t.nr_rows, 1);
		for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
			int shown[TABLE_MAX_COLUMNS], wide[TABLE_MAX_COLUMNS];
			int n = table_fit(page, widths[i], shown);
			char title[512], line[512];

			table_widths(&t, widths[i], shown, n, wide);
			table_line(page, shown, wide, n, NULL, title, sizeof(title));
			table_line(page, shown, wide, n, &t.rows[0], line, sizeof(line));
			assert_true(strlen(title) <= (size_t)widths[i]);
			assert_int_equal(strlen(line), strlen(title));
		}
		table_free(&t);
	}
	snapshot_free(&s);
}

static void tables_sort(void **unused)
{
	struct snapshot s = { .since = 1000000000 };
	struct table t;
	int column = table_column(PAGE_QUEUES, "BUF/s");

	(void)unused;
	count(add_queue(&s, 1, 0, VT_LAYOUT_SPLIT), VT_OP_ADD, 50, 10);
	count(add_queue(&s, 2, 1, VT_LAYOUT_SPLIT), VT_OP_ADD, 50, 90);
	count(add_queue(&s, 3, 2, VT_LAYOUT_SPLIT), VT_OP_ADD, 50, 40);
	assert_true(column > 0);
	assert_int_equal(table_make(&s, PAGE_QUEUES, -1, UINT32_MAX, &t), 0);
	table_sort(&t, column, false);
	assert_int_equal(t.rows[0].queue->serial, 2);
	assert_int_equal(t.rows[2].queue->serial, 1);
	table_sort(&t, column, true);
	assert_int_equal(t.rows[0].queue->serial, 1);
	table_sort(&t, 0, false);
	assert_int_equal(t.rows[0].queue->serial, 1);
	assert_int_equal(t.rows[1].queue->serial, 2);
	table_free(&t);
	snapshot_free(&s);
}

static void names_of_operations(void **unused)
{
	(void)unused;
	for (int op = 0; op < VT_NR_COUNTED; op++)
		assert_int_equal(op_by_name(op_name(op)), op);
	assert_true(op_by_name("frobnicate") < 0);
}

/* A device without a name of its own is called by its type, an unknown one by its driver. */
static void names_of_device_types(void **unused)
{
	static const struct {
		uint32_t type;
		const char *name;
	} all[] = {
		{ VIRTIO_ID_NET, "net" },
		{ VIRTIO_ID_BLOCK, "blk" },
		{ VIRTIO_ID_CONSOLE, "console" },
		{ VIRTIO_ID_RNG, "rng" },
		{ VIRTIO_ID_BALLOON, "balloon" },
		{ VIRTIO_ID_SCSI, "scsi" },
		{ VIRTIO_ID_9P, "9p" },
		{ VIRTIO_ID_GPU, "gpu" },
		{ VIRTIO_ID_INPUT, "input" },
		{ VIRTIO_ID_VSOCK, "vsock" },
		{ VIRTIO_ID_CRYPTO, "crypto" },
		{ VIRTIO_ID_MEM, "mem" },
		{ VIRTIO_ID_SOUND, "sound" },
		{ VIRTIO_ID_FS, "fs" },
		{ VIRTIO_ID_WATCHDOG, "a driver" },
		{ VIRTIO_ID_PMEM, "a driver" }, /* the first one that the list does not reach */
		{ UINT32_MAX, "a driver" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const struct queue q = { .device_type = all[i].type, .driver = "a driver" };

		assert_string_equal(queue_role(&q), all[i].name);
	}
	assert_string_equal(layout_name(VT_NR_LAYOUTS), "?");
	assert_string_equal(layout_short_name(VT_NR_LAYOUTS), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_difference_has_only_what_is_new),
		cmocka_unit_test(the_same_address_is_another_queue),
		cmocka_unit_test(a_sum_keeps_queues_that_are_gone),
		cmocka_unit_test(every_figure_is_subtracted),
		cmocka_unit_test(every_figure_is_added),
		cmocka_unit_test(numbers_of_doorbells_wrap),
		cmocka_unit_test(filters_leave_what_they_name),
		cmocka_unit_test(filters),
		cmocka_unit_test(layouts_by_features),
		cmocka_unit_test(notification_data),
		cmocka_unit_test(the_last_doorbells),
		cmocka_unit_test(a_doorbell_that_is_being_written),
		cmocka_unit_test(measurements_are_no_operations),
		cmocka_unit_test(more_free_than_there_are_is_none_in_use),
		cmocka_unit_test(a_queue_that_is_gone_is_shown),
		cmocka_unit_test(numbers_are_short),
		cmocka_unit_test(tables_fit_their_width),
		cmocka_unit_test(tables_sort),
		cmocka_unit_test(names_of_operations),
		cmocka_unit_test(names_of_device_types),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
