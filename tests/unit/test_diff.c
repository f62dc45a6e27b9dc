// SPDX-License-Identifier: GPL-2.0
/* vringtop diff on recordings that are made here: exit statuses, what it prints, what it must not
 * claim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <json-c/json.h>
#include "analysis/statistics.h"
#include "output/diff.h"
#include "recording/writer.h"
#include "verbs/verbs.h"

static char folder[] = "/tmp/vringtop-diff.XXXXXX";

/*
 * 40 intervals of a disk: add takes about 1 us times @longer (0: it is idle), get 2 us. With
 * @packed, another kernel and another layout. With @to_used, the device keeps each buffer for 2 us.
 */
static void record(const char *name, uint64_t seed, double longer, bool packed, bool finished,
		   bool to_used)
{
	struct recording_info info = {
		.kernel_release = packed ? "6.12.1-new" : "6.12.1",
		.attached = "tracepoints",
		.interval = 1000000000,
		.exit_status = -1,
		.nr_cpus = 2,
	};
	struct recording_writer *r;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	r = recording_create(path, &info);
	assert_non_null(r);
	for (int i = 0; i < 40; i++) {
		static const enum vt_op ops[] = { VT_OP_ADD, VT_OP_GET, VT_AVAIL_TO_USED };
		struct queue q = { .serial = 1,
				   .device = 3,
				   .device_type = 2,
				   .num = 128,
				   .layout = packed,
				   .name = "req.0",
				   .driver = "virtio_blk",
				   .role = "vda" };
		struct snapshot s = { .time = (i + 1) * 1000000000ull,
				      .since = 1000000000,
				      .how = "tracepoints",
				      .nr_queues = 1,
				      .queues = &q };
		struct op_stats o[3] = {};

		for (int op = 0; longer && op < 2 + to_used; op++) {
			for (int n = 0; n < 400; n++) {
				uint64_t ns = (op ? 2000 : 1000 * longer) *
					      (0.8 + random_below(&seed, 400) / 1000.0);

				o[op].sum += ns;
				histogram_put(&o[op].histogram, histogram_bucket(ns), 1);
				o[op].max = ns > o[op].max ? ns : o[op].max;
			}
			o[op].count = o[op].timed = 400;
			q.op[ops[op]] = &o[op];
		}
		assert_int_equal(recording_write(r, &s), 0);
	}
	if (finished)
		assert_int_equal(recording_finish(r, &info), 0);
	recording_writer_close(r);
}

static bool opens_after; /* then the process opens a file to write; status 98: it could */

/* Runs it in the folder, in a process of its own: wrong use ends the process. */
static int diff(char *output, size_t size, const char *const *arguments)
{
	char *argv[16] = { "vringtop diff" };
	int argc = 1, out[2], status;
	size_t got = 0;
	ssize_t n;
	pid_t pid;

	while (arguments[argc - 1]) {
		argv[argc] = (char *)arguments[argc - 1];
		argc++;
	}
	assert_int_equal(pipe(out), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		status = chdir(folder) ? 99 : verb_diff(argc, argv);
		fflush(stdout);
		if (opens_after && open("/dev/null", O_WRONLY) >= 0)
			status = 98;
		_exit(status);
	}
	close(out[1]);
	while ((n = read(out[0], output + got, size - 1 - got)) > 0)
		got += n;
	output[got] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/*
 * A recording of a machine with @cpus and a device with two queues of one name; @more: and a queue
 * that others do not have. In 40 intervals add takes @ns. @clock_step: ns; 0: the clock has none
 */
static void record_twins(const char *name, int cpus, bool more, uint64_t ns, uint64_t clock_step)
{
	struct recording_info info = {
		.attached = "tracepoints",
		.interval = 1000000000,
		.exit_status = -1,
		.nr_cpus = cpus,
		.started = 1764512262ull * 1000000000, /* 2025-11-30 14:17:42 UTC */
	};
	struct recording_writer *r;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	r = recording_create(path, &info);
	assert_non_null(r);
	for (int i = 0; i < 40; i++) {
		struct queue q[3] = {};
		struct snapshot s = { .time = (i + 1) * 1000000000ull,
				      .since = 1000000000,
				      .how = "tracepoints",
				      .nr_queues = 2 + more,
				      .clock_step = clock_step,
				      .queues = q };
		struct op_stats o[3] = {};

		for (int n = 0; n < 2 + more; n++) {
			q[n] = (struct queue){ .serial = 1 + n,
					       .device = 3,
					       .device_type = 8,
					       .index = 2 + n,
					       .num = 128,
					       .driver = "virtio_scsi",
					       .role = "sda" };
			strcpy(q[n].name, n < 2 ? "request" : "event");
			o[n].count = o[n].timed = 100;
			o[n].sum = 100 * ns;
			o[n].max = ns;
			histogram_put(&o[n].histogram, histogram_bucket(ns), 100);
			q[n].op[VT_OP_ADD] = &o[n];
		}
		assert_int_equal(recording_write(r, &s), 0);
	}
	assert_int_equal(recording_finish(r, &info), 0);
	recording_writer_close(r);
}

static char said[1 << 20];
#define DIFF(...) diff(said, sizeof(said), (const char *const[]){ __VA_ARGS__, NULL })

static void assert_said(const char *text, bool is_said)
{
	if (!!strstr(said, text) != is_said)
		fail_msg("%s was%s said: %.2000s", text, is_said ? " not" : "", said);
}

static int make_recordings(void **unused)
{
	(void)unused;
	assert_non_null(mkdtemp(folder));
	record("a1", 1, 1, false, true, false);
	record("a2", 2, 1, false, true, false);
	record("a3", 3, 1, false, true, false);
	record("b1", 4, 1.3, true, true, false);
	record("b2", 5, 1.3, true, false, false);
	record("b3", 6, 1.3, true, true, false);
	record("u1", 7, 1, false, true, true);
	record("u2", 8, 1, false, true, true);
	record("idle", 9, 0, false, true, false);
	record_twins("c1", 1, false, 1000, 0);
	record_twins("c2", 2, true, 40000, 0);
	record_twins("t1", 1, false, 8000000, 4000000);
	record_twins("t2", 1, false, 4000000, 4000000);
	return 0;
}

static int remove_recordings(void **unused)
{
	char command[300];

	(void)unused;
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

static void the_same_has_no_difference(void **unused)
{
	(void)unused;
	assert_int_equal(DIFF("a1", "a2", "--fail-on", "mean>0", "--fail-on", "rate<-0"), 0);
	assert_said("\n0 figures changed; of ", true);
	assert_said("slower", false);
	assert_said("The sides differ in", false);
	assert_int_equal(DIFF("a1", "--", "a2", "a3"), 0);
	assert_said("\n0 figures changed", true);
}

static void what_is_slower_fails(void **unused)
{
	(void)unused;
	assert_int_equal(DIFF("a1", "b1", "--fail-on", "add.mean>10%"), 3);
	assert_said("kernel\n  base 6.12.1\n  new  6.12.1-new", true);
	assert_said("vda req.0: layout\n  base split\n  new  packed", true);
	assert_said("slower", true);
	assert_said("faster", false);
	assert_said("fails add.mean>10%: vda req.0 add mean: 1.30us, it was 999ns", true);
	/* Less than that, or another operation, or faster. */
	assert_int_equal(DIFF("a1", "b1", "--fail-on", "add.mean>35%", "--fail-on", "get.mean>1%"),
			 0);
	assert_int_equal(DIFF("b1", "a1", "--fail-on", "mean>1%"), 0);
	assert_said("faster", true);
	assert_said("slower", false);
	assert_int_equal(DIFF("a1", "b1", "--fail-on", "add.p50>10%", "-o", "add"), 3);
	assert_int_equal(DIFF("--fail-on", "mean>10%", "a1", "a2", "a3", "--", "b1", "b2", "b3"),
			 3);
	assert_said("b2 did not end properly", true);
	assert_said("One recording a side", false);
}

/* Once, and only if it is so. */
static void who_has_times_from_available_to_used_is_told(void **unused)
{
	static const char what[] = "time from available to used (record -u)";

	(void)unused;
	assert_int_equal(DIFF("a1", "u1"), 0);
	assert_said(what, true);
	assert_said("\n  base not recorded\n  new  recorded\n", true);
	assert_said("vda req.0: avail_to_used", false);
	assert_int_equal(DIFF("u1", "a1", "u2", "--", "u1", "u2"), 0);
	assert_said("\n  base not recorded\n       recorded\n  new  recorded\n", true);
	assert_int_equal(DIFF("a1", "u1", "-o", "add,get"), 0);
	assert_said(what, false);
	assert_int_equal(DIFF("u1", "u2", "--fail-on", "avail_to_used.mean>1%"), 0);
	assert_said(what, false);
}

static void a_queue_that_was_idle_is_told_once(void **unused)
{
	(void)unused;
	assert_int_equal(DIFF("a1", "idle"), 0);
	assert_said("vda req.0\n  base in use\n  new  idle\n", true);
	assert_said("not seen", false);
	assert_int_equal(DIFF("a1", "idle", "--html", "-"), 0);
	assert_said("Nothing could be compared", true);
}

/* Each side has both kernels. */
static void the_order_of_recordings_is_no_difference(void **unused)
{
	(void)unused;
	assert_int_equal(DIFF("a1", "b1", "--", "b3", "a2"), 0);
	assert_said("\nkernel\n", false);
	assert_int_equal(DIFF("a1", "b1", "--", "b3", "b1"), 0);
	assert_said("\nkernel\n  base 6.12.1\n       6.12.1-new\n  new  6.12.1-new\n", true);
}

/* Another number of CPUs makes operations slower or faster by itself: that is said first. */
static void another_machine_is_warned_of_first(void **unused)
{
	static const char warning[] = "The sides differ in: CPUs. That alone may make";

	(void)unused;
	assert_int_equal(DIFF("c1", "c2"), 0);
	assert_said(warning, true);
	assert_true(strstr(said, warning) < strstr(said, "slower\n"));
	assert_int_equal(DIFF("c1", "c2", "--html", "-"), 0);
	assert_true(strstr(said, warning) &&
		    strstr(said, warning) < strstr(said, "<ul class=\"tiles\""));
	assert_int_equal(DIFF("a1", "b1"), 0);
	assert_said("That alone may make", false);
}

static void queues_of_one_side_are_one_line_after_the_changes(void **unused)
{
	static const char line[] = "Only new has 1 queue: sda event";

	(void)unused;
	assert_int_equal(DIFF("c1", "c2"), 0);
	assert_true(strstr(said, line) && strstr(said, line) > strstr(said, "slower\n"));
	assert_said("not there", false);
	assert_int_equal(DIFF("c2", "c1", "--html", "-"), 0);
	assert_true(strstr(said, "Only base has 1 queue: sda event") > strstr(said, "Changes of"));
	assert_int_equal(DIFF("c1", "c2", "--json"), 0);
	assert_said("\"only_base\":[],\"only_new\":[\"sda event\"]", true);
}

static void twins_have_their_index(void **unused)
{
	(void)unused;
	assert_int_equal(DIFF("c1", "c2", "--fail-on", "add.mean>1%"), 3);
	assert_said("\nsda request#2\n", true);
	assert_said("\nsda request#3\n", true);
	assert_said("fails add.mean>1%: sda request#2 add mean: 40.0us, it was 1.00us", true);
	assert_int_equal(DIFF("c1", "c2", "--html", "-"), 0);
	assert_said("Changes of sda request#3", true);
}

/* Two devices of which no one knows more than their type: counted from 1, in the order of devices.
 */
static void twins_of_several_devices_are_counted(void **unused)
{
	struct compared_queue queues[2] = {
		{ .queue[SIDE_NEW] = { .device = 4, .device_type = 4, .name = "input" },
		  .on[SIDE_NEW] = true },
		{ .queue[SIDE_NEW] = { .device = 7, .device_type = 4, .name = "input" },
		  .on[SIDE_NEW] = true,
		  .nth = 1 },
	};
	const struct comparison c = { .nr_queues = 2, .queues = queues };
	char name[DIFF_NAME];

	(void)unused;
	assert_string_equal(compared_name(&c, &queues[0], name), "rng input (1)");
	assert_string_equal(compared_name(&c, &queues[1], name), "rng input (2)");
}

/* Each curve is inside of its drawing, which is 1000 wide and high. */
static void curves_stay_inside(void **unused)
{
	int points = 0;

	(void)unused;
	assert_int_equal(DIFF("a1", "b1", "--html", "-"), 0);
	for (const char *at = said; (at = strstr(at, "<path class=\"l ")); at++) {
		const char *d = strstr(at, " d=\"") + 4;
		int x, y, length;

		while (sscanf(d, "%*[ML]%d %d%n", &x, &y, &length) == 2) {
			assert_in_range(x, 0, 1000);
			assert_in_range(y, 0, 1000);
			d += length;
			points++;
		}
	}
	assert_true(points > 20);
}

/* The change is +3900 %: a point at the edge would be a lie. */
static void what_is_off_the_scale_is_an_arrow(void **unused)
{
	(void)unused;
	assert_int_equal(DIFF("c1", "c2", "--html", "-"), 0);
	assert_said("class=\"l arrow s1\"", true);
	assert_said("class=\"l dot s1\"", false);
	assert_said("+3900.0 %: 40.0us, was 1.00us", true);
	assert_said("An arrow instead of a dot", true);
	assert_int_equal(DIFF("a1", "b1", "--html", "-"), 0);
	assert_said("class=\"l arrow", false);
	assert_said("class=\"l dot s1\"", true);
}

/* The two totals of a page are one; and it says when the recordings were made. */
static void totals_of_a_page_agree(void **unused)
{
	unsigned int claimed, judged, tiles[5];
	char *at;

	(void)unused;
	assert_int_equal(DIFF("a1", "b1", "--html", "-"), 0);
	at = strstr(said, "<p class=\"lead\">");
	assert_int_equal(sscanf(at, "<p class=\"lead\">%u of %u figures", &claimed, &judged), 2);
	at = strstr(said, "<ul class=\"tiles\">");
	for (int i = 0; i < 5; i++) {
		at = strstr(at, "<b");
		at = strchr(at, '>');
		tiles[i] = atoi(at + 1);
	}
	assert_int_equal(claimed, tiles[0] + tiles[1] + tiles[2]);
	assert_int_equal(judged, claimed + tiles[3]);
	assert_true(claimed > 0);
	assert_int_equal(DIFF("c1", "c2", "--html", "-"), 0);
	assert_said("c1 (2025-11-30 14:17 UTC, 40 intervals of 1 s)", true);
}

/* A path may hold anything; what a terminal does must not depend on it. */
static void paths_cannot_move_the_cursor(void **unused)
{
	(void)unused;
	record("x\033[31m\ny", 1, 1, false, false, false);
	assert_int_equal(DIFF("a1", "x\033[31m\ny"), 0);
	assert_said("\033", false);
	assert_said("new   x\\x1b[31m\\x0ay: 40 intervals\n", true);
	assert_said("x\\x1b[31m\\x0ay did not end properly", true);
	assert_int_equal(DIFF("a1", "no\033[31m"), 1);
	assert_said("\033", false);
}

/* A recording is not trusted: while it is read, no file can be opened to be written. */
static void it_is_confined(void **unused)
{
	(void)unused;
	opens_after = true;
	assert_int_equal(DIFF("a1", "a1"), 0);
	opens_after = false;
}

static void wrong_use_is_told(void **unused)
{
	(void)unused;
	assert_int_equal(DIFF("a1"), 2);
	assert_int_equal(DIFF("a1", "a2", "a3"), 2);
	assert_int_equal(DIFF("a1", "--"), 2);
	assert_int_equal(DIFF("a1", "a2", "--fail-on", "p98>1"), 2);
	assert_said("there is no such figure", true);
	assert_int_equal(DIFF("a1", "a2", "--threshold", "x"), 2);
	assert_int_equal(DIFF("a1", "nothing"), 1);
	/* An expression that finds nothing to check does not pass. */
	assert_int_equal(DIFF("a1", "a2", "--fail-on", "notify.p99>10%"), 1);
	assert_said("cannot be judged", true);
	assert_int_equal(DIFF("a1", "a2", "-d", "vdz"), 1);
}

static void json_and_page_have_it_all(void **unused)
{
	struct json_object *o, *queues, *ops, *mean, *change;

	(void)unused;
	assert_int_equal(DIFF("a1", "b1", "--json"), 0);
	o = json_tokener_parse(said);
	assert_non_null(o);
	assert_true(json_object_object_get_ex(o, "queues", &queues));
	assert_int_equal(json_object_array_length(queues), 1);
	ops = json_object_object_get(json_object_array_get_idx(queues, 0), "ops");
	assert_int_equal(json_object_array_length(ops), 2);
	mean = json_object_object_get(json_object_array_get_idx(ops, 0), "mean");
	assert_string_equal(json_object_get_string(json_object_object_get(mean, "verdict")),
			    "slower");
	change = json_object_object_get(mean, "change");
	assert_true(json_object_get_double(change) > 0.28 && json_object_get_double(change) < 0.32);
	json_object_put(o);
	assert_int_equal(DIFF("a1", "b1", "--html", "-"), 0);
	assert_said("<!DOCTYPE html>", true);
	assert_said("Changes of vda req.0", true);
	assert_said("vda req.0 add: how long it took", true);
	assert_said("vda req.0 get: how long it took", false);
	assert_said("figures changed;", false);
}

/* A clock that moves in steps: each form says so, and shows no time that it cannot measure. */
static void a_clock_that_steps(void **unused)
{
	static const char note[] = "t2: the clock moved in steps of 4.00ms; a time that is shorter";

	(void)unused;
	assert_int_equal(DIFF("t1", "t2"), 0);
	assert_said(note, true);
	assert_said("p50    8.00ms  <8.0ms", true);
	assert_said("mean   8.00ms  4.00ms", true);
	assert_int_equal(DIFF("--html", "-", "t1", "t2"), 0);
	assert_said(note, true);
	assert_said("&lt;8.0ms", true);
	assert_int_equal(DIFF("--json", "t1", "t2"), 0);
	assert_said(note, true);
	assert_said("\"clock_step_ns\":4000000", true);
	assert_int_equal(DIFF("--fail-on", "p50<-5%", "t1", "t2"), 3);
	assert_said("<8.0ms, it was 8.00ms", true);
	assert_int_equal(DIFF("--json", "c1", "c2"), 0);
	assert_said("moved in steps", false);
	assert_said("\"clock_step_ns\":0", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_has_no_difference),
		cmocka_unit_test(what_is_slower_fails),
		cmocka_unit_test(who_has_times_from_available_to_used_is_told),
		cmocka_unit_test(a_queue_that_was_idle_is_told_once),
		cmocka_unit_test(the_order_of_recordings_is_no_difference),
		cmocka_unit_test(another_machine_is_warned_of_first),
		cmocka_unit_test(queues_of_one_side_are_one_line_after_the_changes),
		cmocka_unit_test(twins_have_their_index),
		cmocka_unit_test(twins_of_several_devices_are_counted),
		cmocka_unit_test(curves_stay_inside),
		cmocka_unit_test(what_is_off_the_scale_is_an_arrow),
		cmocka_unit_test(totals_of_a_page_agree),
		cmocka_unit_test(paths_cannot_move_the_cursor),
		cmocka_unit_test(it_is_confined),
		cmocka_unit_test(wrong_use_is_told),
		cmocka_unit_test(json_and_page_have_it_all),
		cmocka_unit_test(a_clock_that_steps),
	};

	return cmocka_run_group_tests(tests, make_recordings, remove_recordings);
}
