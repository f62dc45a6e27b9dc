// SPDX-License-Identifier: GPL-2.0
/*
 * JSON of a snapshot against the snapshot: every field, its name, its place and its value. Both are
 * made into lines "place=value", so that a field too many is found as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "figures.h"
#include "output/json.h"

#define MOST 20000 /* lines */

struct lines {
	char *line[MOST];
	size_t n;
};

static struct lines expected, got;

__attribute__((format(printf, 2, 3))) static void add(struct lines *to, const char *fmt, ...)
{
	va_list args;

	assert_true(to->n < MOST);
	va_start(args, fmt);
	assert_true(vasprintf(&to->line[to->n++], fmt, args) >= 0);
	va_end(args);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void flatten(struct json_object *o, const char *place)
{
	char below[256];

	if (json_object_is_type(o, json_type_object)) {
		json_object_object_foreach(o, key, value)
		{
			snprintf(below, sizeof(below), "%s.%s", place, key);
			flatten(value, below);
		}
	} else if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++) {
			snprintf(below, sizeof(below), "%s[%zu]", place, i);
			flatten(json_object_array_get_idx(o, i), below);
		}
	} else {
		add(&got, "%s=%s", place, json_object_to_json_string(o));
	}
}

static void compare(void)
{
	qsort(expected.line, expected.n, sizeof(char *), by_text);
	qsort(got.line, got.n, sizeof(char *), by_text);
	for (size_t i = 0; i < expected.n || i < got.n; i++) {
		const char *e = i < expected.n ? expected.line[i] : "";
		const char *g = i < got.n ? got.line[i] : "";

		if (strcmp(e, g))
			fail_msg("%s instead of %s", g, e);
	}
	assert_true(got.n > 20);
	for (size_t i = 0; i < expected.n; i++)
		free(expected.line[i]);
	for (size_t i = 0; i < got.n; i++)
		free(got.line[i]);
	expected.n = got.n = 0;
}

static void expect_int(const char *place, const char *key, uint64_t value)
{
	add(&expected, "%s.%s=%llu", place, key, (unsigned long long)value);
}

static void expect_double(const char *place, const char *key, double value)
{
	add(&expected, "%s.%s=%.6g", place, key, value);
}

static void expect_text(const char *place, const char *key, const char *value)
{
	add(&expected, "%s.%s=\"%s\"", place, key, value);
}

static void expect_op(const char *place, int q, int op, bool buckets)
{
	expect_int(place, "count", count_of(q, op));
	expect_double(place, "rate", count_of(q, op) / SECONDS);
	if (op_refused_name(op))
		expect_int(place, "refused", no_of(q, op));
	expect_int(place, "sum_ns", time_sum(q, op));
	expect_double(place, "mean_ns", (double)time_sum(q, op) / TIMED);
	expect_int(place, "p50_ns", time_at(q, op, 0));
	expect_int(place, "p90_ns", time_at(q, op, 1));
	expect_int(place, "p99_ns", time_at(q, op, 2));
	expect_int(place, "p999_ns", time_at(q, op, 3));
	expect_int(place, "p9999_ns", time_at(q, op, 4));
	expect_int(place, "max_ns", time_max(q, op));
	if (op == VT_OP_ADD) {
		expect_int(place, "bytes_out", bytes_out_of(q));
		expect_int(place, "bytes_in_room", room_of(q));
	}
	if (op == VT_OP_GET)
		expect_int(place, "bytes_in", bytes_in_of(q));
	for (int level = 0; buckets && level < LEVELS; level++) {
		unsigned int b = bucket_of(q, op, level);

		add(&expected, "%s.buckets_ns[%d][0]=%llu", place, level,
		    (unsigned long long)bucket_from(b));
		add(&expected, "%s.buckets_ns[%d][1]=%llu", place, level,
		    (unsigned long long)bucket_to(b));
		add(&expected, "%s.buckets_ns[%d][2]=%llu", place, level,
		    (unsigned long long)at_level[level]);
	}
}

/* Buffers per doorbell or interrupt: no times. */
static void expect_buffers(const char *place, const char *mean, unsigned int some,
			   unsigned int most)
{
	unsigned int sum = 70 * some + 30 * most;
	char below[128];

	expect_double(place, mean, sum / 100.0);
	snprintf(below, sizeof(below), "%s.buffers", place);
	expect_int(below, "count", 100);
	expect_double(below, "rate", 50);
	expect_int(below, "sum", sum);
	expect_double(below, "mean", sum / 100.0);
	expect_int(below, "p50", some);
	expect_int(below, "p90", most);
	expect_int(below, "p99", most);
	expect_int(below, "p999", most);
	expect_int(below, "p9999", most);
	expect_int(below, "max", most);
}

static void expect_interrupts(const char *place, int q)
{
	expect_int(place, "count", count_of(q, VT_INTERRUPT));
	expect_int(place, "spurious", no_of(q, VT_INTERRUPT));
	expect_int(place, "buffers_without_interrupt", polled_of(q));
	expect_buffers(place, "buffers_per_interrupt", some_found(q), most_found(q));
}

static void expect_doorbells(const char *place, int q)
{
	unsigned int wrong = no_of(q, VT_OP_NOTIFICATION_DATA);
	char below[128];

	expect_int(place, "sent", count_of(q, VT_OP_NOTIFY));
	expect_int(place, "suppressed", no_of(q, VT_OP_KICK_PREPARE));
	expect_double(place, "sent_rate", count_of(q, VT_OP_NOTIFY) / SECONDS);
	expect_buffers(place, "buffers_per_doorbell", some_buffers(q), most_buffers(q));
	if (q)
		return;
	snprintf(below, sizeof(below), "%s.notification_data", place);
	expect_int(below, "count", count_of(q, VT_OP_NOTIFICATION_DATA));
	expect_int(below, "agree", count_of(q, VT_OP_NOTIFICATION_DATA) - wrong - behind_of(q));
	expect_int(below, "behind", behind_of(q));
	expect_int(below, "wrong", wrong);
	for (int i = -1; i < NEW_DOORBELLS; i++) {
		unsigned int number = i < 0 ? DOORBELLS : DOORBELLS - NEW_DOORBELLS + 1 + i;

		snprintf(below, sizeof(below),
			 i < 0 ? "%s.notification_data.last" : "%s.notification_data.values[%d]",
			 place, i);
		/* Packed: 15 bits of offset, and the wrap counter above them. */
		expect_int(below, "value", (0x8005u + number) << 16);
		expect_int(below, "queue", 0);
		expect_int(below, "next_offset", 5 + number);
		expect_int(below, "wrap_counter", 1);
		if (i < 0)
			continue;
		expect_int(below, "buffers", number + 1);
		add(&expected, "%s.agrees=%s", below, number == DOORBELLS ? "false" : "true");
	}
}

/* Queue 0 is packed, 1 split in order. */
static void expect_queue(const char *place, int q)
{
	static const char *const features[][3] = {
		{ "VERSION_1", "RING_PACKED", "NOTIFICATION_DATA" },
		{ "EVENT_IDX", "VERSION_1", "IN_ORDER" },
		{ "VERSION_1", NULL, NULL },
	};

	expect_text(place, "device", q ? "virtio5" : "virtio2");
	expect_text(place, "role", q ? "sda" : "vda");
	expect_text(place, "driver", q ? "virtio_scsi" : "virtio_blk");
	expect_int(place, "device_type", q ? 8 : 2);
	expect_int(place, "index", q == 0 ? 0 : q == 1 ? 2 : 3);
	expect_text(place, "name", q ? "request" : "req.0");
	expect_int(place, "serial", 11 + q);
	expect_text(place, "layout", q == 1 ? "split-in-order" : "packed");
	expect_int(place, "size", q == 0 ? 256 : q == 1 ? 128 : 64);
	expect_int(place, "free", q == 0 ? 200 : q == 1 ? 32 : 64);
	expect_int(place, "oldest_ns", q == 0 ? 1234567 : q == 1 ? 987654321 : 0);
	add(&expected, "%s.oldest_or_longer=%s", place, q == 1 ? "true" : "false");
	add(&expected, "%s.waits_for_input=false", place);
	add(&expected, "%s.broken=false", place);
	add(&expected, "%s.gone=false", place);
	add(&expected, "%s.new=%s", place, q == 1 ? "true" : "false");
	expect_text(place, "features",
		    q == 0   ? "0x4500000000"
		    : q == 1 ? "0x920000000"
			     : "0x100000000");
	for (int i = 0; i < 3 && features[q][i]; i++)
		add(&expected, "%s.ring_features[%d]=\"%s\"", place, i, features[q][i]);
}

static void expect_busy_queue(int q, bool buckets)
{
	char place[64], below[96];

	snprintf(place, sizeof(place), ".queues[%d]", q);
	expect_queue(place, q);
	expect_int(place, "buffers", count_of(q, VT_OP_ADD) - no_of(q, VT_OP_ADD));
	expect_int(place, "bytes_out", bytes_out_of(q));
	expect_int(place, "bytes_in", bytes_in_of(q));
	snprintf(below, sizeof(below), "%s.doorbell", place);
	expect_doorbells(below, q);
	snprintf(below, sizeof(below), "%s.interrupt", place);
	expect_interrupts(below, q);
	for (int op = 0; op < VT_NR_TIMED; op++) {
		snprintf(below, sizeof(below), "%s.ops.%s", place, op_name(op));
		if (op != UNSEEN)
			expect_op(below, q, op, buckets);
	}
}

static void expect_layout(int q)
{
	const char *place = q ? ".layouts.split-in-order" : ".layouts.packed";
	double ops = sum_all(q, count_of);

	expect_int(place, "queues", q ? 1 : 2);
	expect_int(place, "operations", ops);
	expect_double(place, "operation_rate", ops / SECONDS);
	expect_int(place, "buffers", count_of(q, VT_OP_ADD) - no_of(q, VT_OP_ADD));
	expect_int(place, "bytes_out", bytes_out_of(q));
	expect_int(place, "bytes_in", bytes_in_of(q));
}

static void every_field_of_a_snapshot(void **unused)
{
	struct json_object *o;
	struct snapshot s;

	(void)unused;
	make_figures(&s, UINT32_MAX);
	s.not_shown = 71;
	s.clock_step = 4000073;
	for (int buckets = 0; buckets < 2; buckets++) {
		o = json_snapshot(&s, 1234567890123456789ull, buckets);
		flatten(o, "");
		json_object_put(o);
		expect_int("", "time_ns", 1234567890123456789ull);
		expect_int("", "interval_ns", SINCE);
		expect_int("", "lost", LOST);
		expect_int("", "queues_not_shown", 71);
		expect_int("", "clock_step_ns", 4000073);
		expect_text("", "attached", "tracepoints");
		add(&expected, ".not_available[0]=\"free\"");
		expect_double("", "probe_ns", PROBE);
		expect_double("", "tool_cpu_ns", CPU * 1e9);
		for (int q = 0; q < BUSY; q++) {
			expect_layout(q);
			expect_busy_queue(q, buckets);
		}
		/* The idle one. */
		expect_queue(".queues[2]", 2);
		expect_int(".queues[2]", "buffers", 0);
		expect_int(".queues[2]", "bytes_out", 0);
		expect_int(".queues[2]", "bytes_in", 0);
		expect_int(".queues[2].doorbell", "sent", 0);
		expect_int(".queues[2].doorbell", "suppressed", 0);
		expect_double(".queues[2].doorbell", "sent_rate", 0);
		expect_double(".queues[2].doorbell", "buffers_per_doorbell", 0);
		expect_int(".queues[2].interrupt", "count", 0);
		expect_int(".queues[2].interrupt", "spurious", 0);
		expect_int(".queues[2].interrupt", "buffers_without_interrupt", 0);
		expect_double(".queues[2].interrupt", "buffers_per_interrupt", 0);
		compare();
	}
	snapshot_free(&s);
}

/* Where the kernel does not show the bytes for the device, they are not in the JSON. */
static void bytes_that_are_not_known_are_left_out(void **unused)
{
	struct snapshot s;
	const char *text;
	struct json_object *o;

	(void)unused;
	make_figures(&s, UINT32_MAX);
	s.no_bytes_out = true;
	o = json_snapshot(&s, 0, false);
	text = json_object_to_json_string(o);
	assert_null(strstr(text, "bytes_out"));
	assert_null(strstr(text, "bytes_in_room"));
	assert_non_null(strstr(text, "bytes_in"));
	json_object_put(o);
	snapshot_free(&s);
}

/* Where no time has passed, nothing happened so many times a second. */
static void without_time_there_is_no_rate(void **unused)
{
	struct snapshot s;
	int rates = 0;
	struct json_object *o;

	(void)unused;
	make_figures(&s, UINT32_MAX);
	s.since = 0;
	o = json_snapshot(&s, 0, false);
	flatten(o, "");
	for (size_t i = 0; i < got.n; i++) {
		const char *rate = strstr(got.line[i], "rate=");

		if (rate)
			assert_string_equal(rate, "rate=0");
		rates += rate != NULL;
		free(got.line[i]);
	}
	assert_true(rates > 2 * VT_NR_OPS);
	got.n = 0;
	json_object_put(o);
	/* In half a second. */
	s.since = 500000000;
	o = json_snapshot(&s, 0, false);
	flatten(o, ".now");
	expect_double(".now.queues[0].doorbell", "sent_rate", 2 * count_of(0, VT_OP_NOTIFY));
	expect_double(".now.queues[0].ops.add", "rate", 2 * count_of(0, VT_OP_ADD));
	for (size_t i = 0; i < got.n; i++) {
		for (size_t e = 0; e < 2; e++)
			rates += 1000 * !strcmp(got.line[i], expected.line[e]);
		free(got.line[i]);
	}
	assert_int_equal(rates / 1000, 2);
	free(expected.line[0]);
	free(expected.line[1]);
	expected.n = got.n = 0;
	json_object_put(o);
	snapshot_free(&s);
}

/* Operations whose times are not known have a count and no times. */
static void times_that_are_not_known_are_left_out(void **unused)
{
	struct op_stats o = { .count = 5, .refused = 2 };
	struct json_object *json = json_op(VT_OP_MORE_USED, &o, 2, false);

	(void)unused;
	flatten(json, "");
	for (size_t i = 0; i < got.n; i++)
		assert_null(strstr(got.line[i], "mean"));
	assert_int_equal(got.n, 4);
	for (size_t i = 0; i < got.n; i++)
		free(got.line[i]);
	got.n = 0;
	json_object_put(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_a_snapshot),
		cmocka_unit_test(bytes_that_are_not_known_are_left_out),
		cmocka_unit_test(without_time_there_is_no_rate),
		cmocka_unit_test(times_that_are_not_known_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
