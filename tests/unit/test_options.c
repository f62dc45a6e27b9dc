// SPDX-License-Identifier: GPL-2.0
/* Command lines: what is read of them, and what a verb says of one that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../fake_probe.h"
#include "verbs/options.h"
#include "verbs/verbs.h"

static void times(void **state)
{
	static const struct {
		const char *text;
		double least, seconds;
	} all[] = {
		{ "10", 0.01, 10 },	{ "10s", 0.01, 10 },	{ "500ms", 0.01, 0.5 },
		{ "2m", 0.01, 120 },	{ "1.5m", 0.01, 90 },	{ "24h", 0.01, 86400 },
		{ "0.01", 0.01, 0.01 }, { "10ms", 0.01, 0.01 }, { "9ms", 0.01, 0 },
		{ "1h", 0.1, 3600 },	{ "25h", 0.01, 0 },	{ "86401", 0.01, 0 },
		{ "0", 0.01, 0 },	{ "-1", 0.01, 0 },	{ "", 0.01, 0 },
		{ "s", 0.01, 0 },	{ "10x", 0.01, 0 },	{ "10 s", 0.01, 0 },
		{ "nan", 0.01, 0 },	{ "inf", 0.01, 0 },	{ "1e99", 0.01, 0 },
		{ "2 m", 0.01, 0 },	{ "vda", 0.01, 0 },	{ "2M", 0.01, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (read_time(all[i].text, all[i].least) != all[i].seconds)
			fail_msg("'%s': %g instead of %g", all[i].text,
				 read_time(all[i].text, all[i].least), all[i].seconds);
}

static void lists(void **state)
{
	(void)state;
	assert_true(is_op_list("add"));
	assert_true(is_op_list("add,get"));
	assert_true(is_op_list("buffers_per_doorbell,avail_to_used"));
	assert_false(is_op_list(""));
	assert_false(is_op_list("add,"));
	assert_false(is_op_list(",add"));
	assert_false(is_op_list("add,gets"));
	assert_false(is_op_list("./add"));
	assert_false(is_op_list("add.vt"));
	assert_false(is_op_list("add_and_then_some_name_that_is_much_longer_than_all"));
}

#define ADD	(1u << VT_OP_ADD)
#define TO_USED (1u << VT_AVAIL_TO_USED)

static void parse(const struct argp *argp, void *input, char *first, char *second)
{
	char *argv[] = { "vringtop verb", first, second, NULL };

	options_parse(argp, 1 + !!first + !!second, argv, 0, input);
}

static void filters(void **state)
{
	struct op_filter f = { .all = 6 };

	(void)state;
	parse(&op_filter_argp, &f, NULL, NULL);
	assert_null(f.filter.device);
	assert_int_equal(f.filter.ops, 6);
	assert_int_equal(op_filter_timed(&f), -1);
	parse(&op_filter_argp, &f, "-dvda", "--queue=req.0");
	assert_string_equal(f.filter.device, "vda");
	assert_string_equal(f.filter.queue, "req.0");
	parse(&op_filter_argp, &f, "--device=virtio2", "-Dvirtio_blk");
	assert_string_equal(f.filter.device, "virtio2");
	assert_string_equal(f.filter.driver, "virtio_blk");
	/* Operations that are named take the place of all; -u adds its own. */
	parse(&op_filter_argp, &f, "-oadd", NULL);
	assert_int_equal(f.filter.ops, ADD);
	parse(&op_filter_argp, &f, "-oadd", "-oget");
	assert_int_equal(f.filter.ops, ADD | 1u << VT_OP_GET);
	parse(&op_filter_argp, &f, "-uoadd", NULL);
	assert_int_equal(f.filter.ops, ADD | TO_USED);
	assert_int_equal(op_filter_timed(&f), VT_AVAIL_TO_USED);
	f.to_used = false;
	parse(&op_filter_argp, &f, "--op=avail_to_used", NULL);
	assert_int_equal(f.filter.ops, TO_USED);
	assert_int_equal(op_filter_timed(&f), VT_AVAIL_TO_USED);
	/* Of record: no letters. */
	f.filter = (struct filter){};
	parse(&record_filter_argp, &f, "--device=vda", "--op=add");
	assert_string_equal(f.filter.device, "vda");
	assert_int_equal(f.filter.ops, ADD | TO_USED);
}

static void intervals(void **state)
{
	struct interval_options i = {};

	(void)state;
	parse(&intervals_argp, &i, NULL, NULL);
	assert_true(i.seconds == 0 && i.count == 0);
	parse(&intervals_argp, &i, "2m", "7");
	assert_true(i.seconds == 120 && i.count == 7);
}

/* Runs a verb in a process of its own. Returns its exit status; @said: 4 KiB for its stderr */
static int run(int (*verb)(int argc, char **argv), char **argv, char *said)
{
	int fds[2], status, argc = 0;
	size_t length = 0;
	ssize_t n;
	pid_t pid;

	while (argv[argc])
		argc++;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		char *copy[8] = {}; /* a verb may write into its arguments */

		for (int i = 0; i < argc; i++)
			copy[i] = strdup(argv[i]);
		dup2(fds[1], STDERR_FILENO);
		_exit(verb(argc, copy));
	}
	close(fds[1]);
	while ((n = read(fds[0], said + length, 4095 - length)) > 0)
		length += n;
	said[length] = '\0';
	close(fds[0]);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

/* What is wrong is said, with what to do, and nothing is begun. */
static void wrong_uses(void **state)
{
	static const struct {
		int (*verb)(int argc, char **argv);
		const char *argv[6];
		const char *wrong, *advice;
	} all[] = {
		{ verb_record, { "vringtop record", "-o", "add,get" }, "names operations", "--op" },
		{ verb_record,
		  { "vringtop record", "-o", "x", "-d", "vda" },
		  "'vda' is not a time",
		  "--device" },
		{ verb_record, { "vringtop record" }, "no file", "-o FILE" },
		{ verb_stat, { "vringtop stat", "vda" }, "'vda' is not an interval", "-d" },
		{ verb_stat, { "vringtop stat", "1", "0" }, "the count '0'", "10" },
		{ verb_stat, { "vringtop stat", "1", "2", "3" }, "'3'", "two words" },
		{ verb_stat, { "vringtop stat", "-p", "x" }, "page 'x'", "queues layouts" },
		{ verb_hist, { "vringtop hist", "-o", "x" }, "operation 'x'", "add get" },
		{ verb_queues, { "vringtop queues", "vda" }, "'vda'", "-d" },
		{ verb_stalls, { "vringtop stalls", "-a", "9ms" }, "'9ms'", "500ms" },
		{ verb_stalls, { "vringtop stalls", "--ring", ":0" }, "which ring", "vda:req.0" },
		{ verb_report, { "vringtop report" }, "no recording", "FILE" },
		{ verb_report, { "vringtop report", "a", "b" }, "'b'", "diff" },
		{ verb_report, { "vringtop report", "a", "--csv", "-j" }, "only one", "once" },
		{ verb_diff, { "vringtop diff", "a" }, "which recordings", "BASE NEW" },
		{ verb_diff, { "vringtop diff", "a", "b", "c" }, "which recordings", "--" },
		{ verb_diff, { "vringtop diff", "--", "a", "b" }, "which recordings", "--" },
		{ verb_diff, { "vringtop diff", "--fail-on", "x", "a", "b" }, "'x'", "p99>10%" },
		{ verb_top, { "vringtop top", "2h" }, "'7200 s'", "60s" },
		/* What getopt finds; it would print the option as it is. */
		{ verb_stat, { "vringtop stat", "--x" }, "unrecognized option '--x'", "--help" },
		{ verb_stat,
		  { "vringtop stat", "--x\033[2J\ny" },
		  "unrecognized option '--x\\x1b[2J\\x0ay'",
		  "stat --help" },
		{ verb_stat,
		  { "vringtop stat", "--d=\033[2J\nTry `x" },
		  "option '--d=\\x1b[2J\\x0aTry `x'",
		  "stat --help" },
		{ verb_stat, { "vringtop stat", "-\033" }, "option -- '\\x1b'", "--help" },
		{ verb_stat, { "vringtop stat", "--json=1" }, "'--json'", "--help" },
		{ verb_stat, { "vringtop stat", "-d" }, "requires an argument", "--help" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char said[4096], *line;
		int status = run(all[i].verb, (char **)all[i].argv, said);

		line = strchr(said, '\n');
		if (status != EXIT_USAGE || !line || strncmp(said, all[i].argv[0], 9) ||
		    !strstr(said, all[i].wrong) || !strstr(line, all[i].advice))
			fail_msg("%s %s %s: status %d, %s", all[i].argv[0], all[i].argv[1] ?: "",
				 all[i].argv[2] ?: "", status, said);
	}
	assert_int_equal(fake_probe.ops, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),      cmocka_unit_test(lists),
		cmocka_unit_test(filters),    cmocka_unit_test(intervals),
		cmocka_unit_test(wrong_uses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
