// SPDX-License-Identifier: GPL-2.0
/* vringtop diff on recordings that are made here: exit statuses, what it prints, what it must not
 * claim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <json-c/json.h>
#include "analysis/statistics.h"
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
				histogram_put(&o[op].hist, histogram_bucket(ns), 1);
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
	assert_said("\n  base recorded\n       not recorded\n  new  recorded\n", true);
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
	/* A gate that looks at nothing does not pass. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_has_no_difference),
		cmocka_unit_test(what_is_slower_fails),
		cmocka_unit_test(who_has_times_from_available_to_used_is_told),
		cmocka_unit_test(a_queue_that_was_idle_is_told_once),
		cmocka_unit_test(wrong_use_is_told),
		cmocka_unit_test(json_and_page_have_it_all),
	};

	return cmocka_run_group_tests(tests, make_recordings, remove_recordings);
}
