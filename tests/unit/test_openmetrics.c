// SPDX-License-Identifier: GPL-2.0
/*
 * The metrics of a made-up snapshot: every line, in both formats and with both widths of buckets.
 * promtool, where it is installed, says whether the classic format is one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "figures.h"
#include "output/openmetrics.h"

#define ALL ((1u << VT_NR_COUNTED) - 1)

/* What is expected; written by the test. */
static FILE *expected;
static char *expected_text, *written_text;
static size_t expected_size, written_size;

static int setup(void **state)
{
	(void)state;
	expected = open_memstream(&expected_text, &expected_size);
	return !expected;
}

static int teardown(void **state)
{
	(void)state;
	free(expected_text);
	free(written_text);
	expected_text = written_text = NULL;
	return 0;
}

static void write_metrics(const struct openmetrics *m)
{
	FILE *f = open_memstream(&written_text, &written_size);

	assert_non_null(f);
	openmetrics_write(f, m);
	assert_int_equal(fclose(f), 0);
}

/* Compares line by line, so that a failure names the first line that differs. */
static void compare(void)
{
	const char *want, *got;

	assert_int_equal(fclose(expected), 0);
	want = expected_text;
	got = written_text;
	while (*want && *got) {
		size_t n = strcspn(want, "\n"), m = strcspn(got, "\n");

		if (n != m || memcmp(want, got, n))
			fail_msg("expected %.*s, got %.*s", (int)n, want, (int)m, got);
		want += n + 1;
		got += m + 1;
	}
	assert_string_equal(got, want);
}

/* --- What each family has to be --- */

static bool classic, fine;

static void head(const char *name, const char *type, const char *unit, const char *help)
{
	const char *suffix = "";

	if (classic && !strcmp(type, "counter"))
		suffix = "_total";
	if (classic && !strcmp(type, "info")) {
		suffix = "_info";
		type = "gauge";
	}
	fprintf(expected, "# HELP vringtop_%s%s %s\n", name, suffix, help);
	fprintf(expected, "# TYPE vringtop_%s%s %s\n", name, suffix, type);
	if (unit && !classic)
		fprintf(expected, "# UNIT vringtop_%s %s\n", name, unit);
}

static const char *const labels[BUSY + 1] = {
	"device=\"virtio2\",queue=\"0\"",
	"device=\"virtio5\",queue=\"2\"",
	"device=\"virtio5\",queue=\"3\"",
};

/* A value of each queue; the third one is idle. */
static void three(const char *name, unsigned long long a, unsigned long long b,
		  unsigned long long c)
{
	fprintf(expected, "vringtop_%s{%s} %llu\n", name, labels[0], a);
	fprintf(expected, "vringtop_%s{%s} %llu\n", name, labels[1], b);
	fprintf(expected, "vringtop_%s{%s} %llu\n", name, labels[2], c);
}

/* So many of the times of a busy queue are at or below a bound, ns. */
static uint64_t at_or_below(int queue, int op, uint64_t bound)
{
	uint64_t n = 0;

	for (int level = 0; level < LEVELS; level++)
		if (bucket_to(bucket_of(queue, op, level)) <= bound + 1)
			n += at_level[level];
	return n;
}

/* The bounds of buckets that are powers of two less 1, each second one only if buckets are fine. */
struct bound {
	uint64_t ns;
	const char *text;
	bool only_fine;
};

/* @label: before the name of the operation; NULL: no such label */
static void times(const char *name, int queue, int op, const char *label,
		  const struct bound *bounds)
{
	unsigned long long count = queue < BUSY ? TIMED : 0;
	unsigned long long sum = queue < BUSY ? time_sum(queue, op) : 0;
	char more[64] = "";

	if (label)
		snprintf(more, sizeof(more), ",%s=\"%s\"", label, op_name(op));
	for (; bounds->text; bounds++)
		if (fine || !bounds->only_fine)
			fprintf(expected, "vringtop_%s_bucket{%s%s,le=\"%s\"} %llu\n", name,
				labels[queue], more, bounds->text,
				queue < BUSY
					? (unsigned long long)at_or_below(queue, op, bounds->ns)
					: 0);
	fprintf(expected, "vringtop_%s_bucket{%s%s,le=\"+Inf\"} %llu\n", name, labels[queue], more,
		count);
	fprintf(expected, "vringtop_%s_count{%s%s} %llu\n", name, labels[queue], more, count);
	fprintf(expected, "vringtop_%s_sum{%s%s} %llu.%09llu\n", name, labels[queue], more,
		sum / 1000000000, sum % 1000000000);
}

static const struct bound request_bounds[] = {
	{ 1023, "1.023e-06", false },
	{ 2047, "2.047e-06", true },
	{ 4095, "4.095e-06", false },
	{ 8191, "8.191e-06", true },
	{ 16383, "1.6383e-05", false },
	{ 32767, "3.2767e-05", true },
	{ 65535, "6.5535e-05", false },
	{ 131071, "0.000131071", true },
	{ 262143, "0.000262143", false },
	{ 524287, "0.000524287", true },
	{ 1048575, "0.001048575", false },
	{ 2097151, "0.002097151", true },
	{ 4194303, "0.004194303", false },
	{ 8388607, "0.008388607", true },
	{ 16777215, "0.016777215", false },
	{ 33554431, "0.033554431", true },
	{ 67108863, "0.067108863", false },
	{ 134217727, "0.134217727", true },
	{ 268435455, "0.268435455", false },
	{ 536870911, "0.536870911", true },
	{ 1073741823, "1.073741823", false },
	{ 2147483647, "2.147483647", true },
	{ 4294967295, "4.294967295", false },
	{ 16642998271, "16.642998271", false },
	{ 0, NULL, false },
};
static const struct bound stage_bounds[] = {
	{ 1023, "1.023e-06", false },	      { 4095, "4.095e-06", true },
	{ 16383, "1.6383e-05", false },	      { 65535, "6.5535e-05", true },
	{ 262143, "0.000262143", false },     { 1048575, "0.001048575", true },
	{ 4194303, "0.004194303", false },    { 16777215, "0.016777215", true },
	{ 67108863, "0.067108863", false },   { 268435455, "0.268435455", true },
	{ 1073741823, "1.073741823", false }, { 0, NULL, false },
};
static const struct bound operation_bounds[] = {
	{ 63, "6.3e-08", false },	    { 127, "1.27e-07", true },
	{ 255, "2.55e-07", false },	    { 511, "5.11e-07", true },
	{ 1023, "1.023e-06", false },	    { 2047, "2.047e-06", true },
	{ 4095, "4.095e-06", false },	    { 8191, "8.191e-06", true },
	{ 16383, "1.6383e-05", false },	    { 32767, "3.2767e-05", true },
	{ 65535, "6.5535e-05", false },	    { 131071, "0.000131071", true },
	{ 262143, "0.000262143", false },   { 524287, "0.000524287", true },
	{ 1048575, "0.001048575", false },  { 2097151, "0.002097151", true },
	{ 4194303, "0.004194303", false },  { 8388607, "0.008388607", true },
	{ 16777215, "0.016777215", false }, { 0, NULL, false },
};

static void buffers(int queue)
{
	static const unsigned int bounds[] = { 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023 };

	for (int i = 0; i < 10; i++) {
		unsigned int n = 0;

		/* 1, and then each power of two or of four, less 1 */
		if (!fine && i > 0 && i % 2 == 0)
			continue;
		if (queue < BUSY)
			n = 70 * (some_buffers(queue) <= bounds[i]) +
			    30 * (most_buffers(queue) <= bounds[i]);
		fprintf(expected, "vringtop_doorbell_buffers_bucket{%s,le=\"%u.0\"} %u\n",
			labels[queue], bounds[i], n);
	}
	fprintf(expected, "vringtop_doorbell_buffers_bucket{%s,le=\"+Inf\"} %d\n", labels[queue],
		queue < BUSY ? 100 : 0);
	fprintf(expected, "vringtop_doorbell_buffers_count{%s} %d\n", labels[queue],
		queue < BUSY ? 100 : 0);
	fprintf(expected, "vringtop_doorbell_buffers_sum{%s} %u\n", labels[queue],
		queue < BUSY ? 70 * some_buffers(queue) + 30 * most_buffers(queue) : 0);
}

static void expect_machine(unsigned int not_shown)
{
	head("build", "info", NULL, "The vringtop that counts.");
	fprintf(expected, "vringtop_build_info{version=\"%s\"} 1\n", VRINGTOP_VERSION);
	head("attached", "gauge", NULL,
	     "1. What vringtop is attached to: tracepoints, or functions.");
	fputs("vringtop_attached{to=\"tracepoints\"} 1\n", expected);
	head("queues_not_shown", "gauge", NULL,
	     "Queues of this machine that have no metrics here.");
	fprintf(expected, "vringtop_queues_not_shown %u\n", not_shown);
	head("lost_events", "counter", NULL, "Events that could not be counted.");
	fprintf(expected, "vringtop_lost_events_total %d\n", LOST);
	head("cpu_seconds", "counter", "seconds",
	     "CPU time of the vringtop process, without its programs in the kernel.");
	fputs("vringtop_cpu_seconds_total 0.125000\n", expected);
	head("probe_run_seconds", "gauge", "seconds",
	     "Time that one run of a program in the kernel takes, measured at the start.");
	fputs("vringtop_probe_run_seconds 1.25e-08\n", expected);
	head("clock_step_seconds", "gauge", "seconds",
	     "Step of the clock: shorter times are not known. 0: the clock has no such step.");
	fputs("vringtop_clock_step_seconds 0.000000000\n", expected);
}

static void expect_operations(void)
{
	static const int failing[] = { VT_OP_ADD, VT_OP_NOTIFY, VT_OP_RESIZE };

	head("operations", "counter", NULL, "Operations on the ring.");
	for (int queue = 0; queue < BUSY; queue++)
		for (int op = 0; op < VT_NR_OPS; op++)
			if (op != UNSEEN)
				fprintf(expected,
					"vringtop_operations_total{%s,operation=\"%s\"} %llu\n",
					labels[queue], op_name(op),
					(unsigned long long)count_of(queue, op));
	head("operation_failures", "counter", NULL,
	     "Operations that failed: an add without room, a doorbell that was not sent.");
	for (int queue = 0; queue < BUSY; queue++)
		for (size_t i = 0; i < 3; i++)
			fprintf(expected,
				"vringtop_operation_failures_total{%s,operation=\"%s\"} %llu\n",
				labels[queue], op_name(failing[i]),
				(unsigned long long)no_of(queue, failing[i]));
}

static void expect_counts(void)
{
	head("requests", "counter", NULL, "Buffers that the driver made available to the device.");
	three("requests_total", count_of(0, VT_OP_ADD) - no_of(0, VT_OP_ADD),
	      count_of(1, VT_OP_ADD) - no_of(1, VT_OP_ADD), 0);
	head("read_bytes", "counter", "bytes", "Bytes that the device was given to read.");
	three("read_bytes_total", bytes_out_of(0), bytes_out_of(1), 0);
	head("written_bytes", "counter", "bytes", "Bytes that the device wrote.");
	three("written_bytes_total", bytes_in_of(0), bytes_in_of(1), 0);
	head("doorbells", "counter", NULL, "Doorbells that the driver rang (notify).");
	three("doorbells_total", count_of(0, VT_OP_NOTIFY), count_of(1, VT_OP_NOTIFY), 0);
	head("doorbells_suppressed", "counter", NULL,
	     "Doorbells that the device did not want (kick_prepare).");
	three("doorbells_suppressed_total", no_of(0, VT_OP_KICK_PREPARE),
	      no_of(1, VT_OP_KICK_PREPARE), 0);
	head("interrupts", "counter", NULL, "Interrupts that the queue was given.");
	three("interrupts_total", count_of(0, VT_INTERRUPT), count_of(1, VT_INTERRUPT), 0);
	head("spurious_interrupts", "counter", NULL, "Interrupts that found no used buffer.");
	three("spurious_interrupts_total", no_of(0, VT_INTERRUPT), no_of(1, VT_INTERRUPT), 0);
}

static void expect_histograms(bool of_operations)
{
	head("doorbell_buffers", "histogram", NULL, "Buffers that a doorbell announced.");
	for (int queue = 0; queue <= BUSY; queue++)
		buffers(queue);
	head("request_duration_seconds", "histogram", "seconds",
	     "Time from the end of a buffer's add to the end of its get.");
	for (int queue = 0; queue <= BUSY; queue++)
		times("request_duration_seconds", queue, VT_AVAIL_TO_USED, NULL, request_bounds);
	head("stage_duration_seconds", "histogram", "seconds",
	     "Time that requests spent in a stage: queued, doorbell, device, or wakeup.");
	for (int queue = 0; queue < BUSY; queue++)
		for (int op = VT_STAGE_QUEUED; op <= VT_STAGE_WAKEUP; op++)
			times("stage_duration_seconds", queue, op, "stage", stage_bounds);
	if (!of_operations)
		return;
	head("operation_duration_seconds", "histogram", "seconds",
	     "Time that an operation on the ring took.");
	for (int queue = 0; queue < BUSY; queue++)
		for (int op = 0; op < VT_NR_OPS; op++)
			if (op != UNSEEN)
				times("operation_duration_seconds", queue, op, "operation",
				      operation_bounds);
}

static void expect_queues(void)
{
	head("queue", "info", NULL, "What a queue is.");
	fprintf(expected,
		"vringtop_queue_info{%s,name=\"req.0\",role=\"vda\",driver=\"virtio_blk\","
		"layout=\"packed\",features=\"0x4500000000\"} 1\n",
		labels[0]);
	fprintf(expected,
		"vringtop_queue_info{%s,name=\"request\",role=\"sda\",driver=\"virtio_scsi\","
		"layout=\"split-in-order\",features=\"0x920000000\"} 1\n",
		labels[1]);
	fprintf(expected,
		"vringtop_queue_info{%s,name=\"request\",role=\"sda\",driver=\"virtio_scsi\","
		"layout=\"packed\",features=\"0x100000000\"} 1\n",
		labels[2]);
	head("queue_broken", "gauge", NULL, "1: the driver has given the queue up.");
	three("queue_broken", 0, 0, 1);
	head("queue_stalled", "gauge", NULL,
	     "1: the queue is stuck; verdict says which side holds it.");
	fprintf(expected, "vringtop_queue_stalled{%s,verdict=\"none\"} 0\n", labels[0]);
	fprintf(expected, "vringtop_queue_stalled{%s,verdict=\"driver-did-not-fetch\"} 1\n",
		labels[1]);
	fprintf(expected, "vringtop_queue_stalled{%s,verdict=\"none\"} 0\n", labels[2]);
	head("ring_descriptors", "gauge", NULL, "Descriptors that the ring has.");
	three("ring_descriptors", 256, 128, 64);
	head("ring_descriptors_in_use", "gauge", NULL, "Descriptors that hold a buffer.");
	three("ring_descriptors_in_use", 56, 96, 0);
	/* Of the second queue only a lower bound is known. */
	head("oldest_request_seconds", "gauge", "seconds",
	     "Age of the oldest request that the driver has added and not fetched yet.");
	fprintf(expected, "vringtop_oldest_request_seconds{%s} 0.001234567\n", labels[0]);
	fprintf(expected, "vringtop_oldest_request_seconds{%s} 0.000000000\n", labels[2]);
}

/* Every metric there is: what is written, and what has to be. */
static void check_all(bool of_operations)
{
	struct stall_watched watched = {
		.serial = 12,
		.stalled = true,
		.stall.verdict = STALL_NOT_FETCHED,
	};
	struct stall_watch stalls = { .queues = &watched, .nr_queues = 1 };
	struct snapshot s;
	struct openmetrics m = {
		.s = &s,
		.stalls = &stalls,
		.ops = ALL,
		.operations = of_operations,
		.fine = fine,
		.classic = classic,
		.most_queues = 3,
	};

	make_figures(&s, ALL);
	s.queues[2].broken = true;
	s.not_shown = 6;
	write_metrics(&m);
	snapshot_free(&s);

	expect_machine(6);
	expect_queues();
	expect_counts();
	expect_operations();
	expect_histograms(of_operations);
	if (!classic)
		fputs("# EOF\n", expected);
	compare();
}

static void every_metric(void **state)
{
	(void)state;
	classic = fine = false;
	check_all(true);
}

static void every_metric_classic(void **state)
{
	FILE *promtool;

	(void)state;
	classic = true;
	fine = false;
	check_all(true);
	if (system("command -v promtool >/dev/null")) {
		print_message("# promtool is not installed: it was not asked\n");
		return;
	}
	promtool = popen("promtool check metrics", "we");
	assert_non_null(promtool);
	assert_int_equal(fwrite(written_text, 1, written_size, promtool), written_size);
	assert_int_equal(pclose(promtool), 0);
}

static void fine_buckets(void **state)
{
	(void)state;
	classic = false;
	fine = true;
	check_all(true);
}

/* How many lines have a text. */
static size_t lines_with(const char *what)
{
	size_t n = 0;

	for (const char *at = written_text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

/* No metric of a queue beyond the limit, none of one that is gone, and both are counted right. */
static void limits(void **state)
{
	struct snapshot s;
	struct openmetrics m = { .s = &s, .ops = ALL, .most_queues = 1 };

	(void)state;
	make_figures(&s, ALL);
	s.queues[0].gone = true;
	s.clock_step = 4000000;
	write_metrics(&m);
	assert_non_null(strstr(written_text, "\nvringtop_clock_step_seconds 0.004000000\n"));
	assert_null(strstr(written_text, labels[0]));
	assert_non_null(strstr(written_text, labels[1]));
	assert_null(strstr(written_text, labels[2]));
	assert_non_null(strstr(written_text, "\nvringtop_queues_not_shown 1\n"));
	snapshot_free(&s);
}

/* What is not counted has no metric, not one of 0. */
static void left_out(void **state)
{
	struct snapshot s;
	struct openmetrics m = { .s = &s, .ops = 1u << VT_OP_GET, .most_queues = 3 };

	(void)state;
	make_figures(&s, m.ops);
	s.probe_ns = 0;
	write_metrics(&m);
	assert_int_equal(lines_with("\n# TYPE "), 12);
	assert_non_null(strstr(written_text, "\n# TYPE vringtop_written_bytes counter\n"));
	assert_non_null(strstr(written_text, "\n# TYPE vringtop_operations counter\n"));
	assert_null(strstr(written_text, "stalled"));
	assert_null(strstr(written_text, "duration"));
	free(written_text);

	m.ops = ALL;
	s.no_bytes_out = true;
	write_metrics(&m);
	assert_null(strstr(written_text, "read_bytes"));
	snapshot_free(&s);
}

/* The lines with the oldest request of queue 0. */
static size_t oldest_lines(const struct openmetrics *m)
{
	size_t n;

	write_metrics(m);
	n = strstr(written_text, "\nvringtop_oldest_request_seconds{device=\"virtio2\"") != NULL;
	free(written_text);
	written_text = NULL;
	return n;
}

/* The age of the oldest request has no metric where it is not known, or where it means nothing. */
static void oldest(void **state)
{
	struct snapshot s;
	struct openmetrics m = { .s = &s, .ops = ALL, .most_queues = 3 };
	struct queue *q;

	(void)state;
	make_figures(&s, ALL);
	q = &s.queues[0];
	assert_int_equal(oldest_lines(&m), 1);
	q->oldest_or_longer = true;
	assert_int_equal(oldest_lines(&m), 0);
	q->oldest_or_longer = false;
	/* Buffers are out, and nobody knows since when. */
	q->oldest = 0;
	assert_int_equal(oldest_lines(&m), 0);
	q->num_free = q->num;
	assert_int_equal(oldest_lines(&m), 1);
	/* Without the stages nobody sees a buffer come back. */
	m.ops = ALL & ~(1u << VT_STAGE_DEVICE);
	assert_int_equal(oldest_lines(&m), 0);
	m.ops = ALL;
	/* A recording. */
	m.version = "1.0";
	assert_int_equal(oldest_lines(&m), 0);
	m.version = NULL;
	/* The receive queue of a network device: virtio 1.3, section 5.1.2. */
	q->device_type = 1;
	assert_int_equal(oldest_lines(&m), 0);
	/* The transmit queue. */
	q->index = 1;
	write_metrics(&m);
	assert_non_null(strstr(
		written_text,
		"\nvringtop_oldest_request_seconds{device=\"virtio2\",queue=\"1\"} 0.000000000\n"));
	snapshot_free(&s);
}

/* A queue of which everything was seen has as many series as openmetrics_queue_series() says. */
static void series(void **state)
{
	struct stall_watch stalls = {};
	struct snapshot s;
	struct openmetrics m = {
		.stalls = &stalls,
		.ops = ALL - (1u << UNSEEN),
		.most_queues = 3,
	};

	(void)state;
	make_figures(&s, ALL);
	for (int n = 0; n < 4; n++) {
		m.operations = n & 1;
		m.fine = n & 2;
		m.s = NULL;
		size_t most = openmetrics_queue_series(&m);

		m.s = &s;
		write_metrics(&m);
		assert_int_equal(lines_with(labels[0]), most);
		free(written_text);
	}
	written_text = NULL;
	snapshot_free(&s);
}

/* The names of a recording may hold anything. */
static void names(void **state)
{
	struct snapshot s;
	struct openmetrics m = { .s = &s, .ops = ALL, .most_queues = 3 };

	(void)state;
	make_figures(&s, ALL);
	strcpy(s.queues[0].name, "a\"b\\c\nd");
	write_metrics(&m);
	assert_non_null(strstr(written_text, ",name=\"a\\\"b\\\\c\\nd\",role="));
	snapshot_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_metric, setup, teardown),
		cmocka_unit_test_setup_teardown(every_metric_classic, setup, teardown),
		cmocka_unit_test_setup_teardown(fine_buckets, setup, teardown),
		cmocka_unit_test_teardown(limits, teardown),
		cmocka_unit_test_teardown(left_out, teardown),
		cmocka_unit_test_teardown(oldest, teardown),
		cmocka_unit_test_teardown(series, teardown),
		cmocka_unit_test_teardown(names, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
