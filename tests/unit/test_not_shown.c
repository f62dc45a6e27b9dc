// SPDX-License-Identifier: GPL-2.0
/* Queues that found no room in the table: every verb says how many they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "../fake_probe.h"
#include "verbs/verbs.h"

static char dir[] = "/tmp/test_not_shown.XXXXXX";
static unsigned int not_shown;

/* The process stays as it is, for the tests that follow. */
int __wrap_confine(void)
{
	return 0;
}

int __wrap_confine_recording(void)
{
	return 0;
}

int __wrap_confine_reading(void)
{
	return 0;
}

static const struct snapshot *one_queue(unsigned int n)
{
	static struct queue q = { .serial = 1, .name = "req.0", .role = "vda", .num = 8 };
	static struct snapshot s = { .how = "tracepoints", .nr_queues = 1, .queues = &q };

	s.not_shown = not_shown;
	s.time = probe_now();
	s.since = (n + 1) * 1000000;
	return &s;
}

/*
 * Runs a verb. Returns its status. Appends what it printed to stdout and to stderr to @said, which
 * has @size bytes.
 */
static int run(int (*verb)(int argc, char **argv), char **argv, char *said, size_t size)
{
	int outs[2] = { dup(STDOUT_FILENO), dup(STDERR_FILENO) }, status, argc = 0;
	FILE *f = tmpfile();

	assert_non_null(f);
	while (argv[argc])
		argc++;
	fflush(stdout);
	dup2(fileno(f), STDOUT_FILENO);
	dup2(fileno(f), STDERR_FILENO);
	status = verb(argc, argv);
	fflush(stdout);
	dup2(outs[0], STDOUT_FILENO);
	dup2(outs[1], STDERR_FILENO);
	close(outs[0]);
	close(outs[1]);
	rewind(f);
	said[fread(said, 1, size - 1, f)] = '\0';
	fclose(f);
	return status;
}

static void every_verb_says_it(void **state)
{
	char recording[64];
	const struct {
		int (*verb)(int argc, char **argv);
		char *argv[8];
		const char *says;
		int status; /* if queues are not shown; else 0 */
	} cases[] = {
		{ verb_stat, { "vringtop stat", "10ms", "1" }, "  37 queues not shown", 0 },
		{ verb_stat,
		  { "vringtop stat", "--json", "10ms", "1" },
		  "\"queues_not_shown\":37,",
		  0 },
		{ verb_hist, { "vringtop hist", "10ms", "1" }, "  37 queues not shown", 0 },
		{ verb_queues,
		  { "vringtop queues" },
		  "37 queues of this machine are not in this list",
		  1 },
		{ verb_stalls,
		  { "vringtop stalls", "-a", "100ms" },
		  "37 queues of this machine were not looked at",
		  1 },
		{ verb_stalls,
		  { "vringtop stalls", "-a", "100ms", "--json" },
		  "\"queues_not_shown\":37,",
		  1 },
		{ verb_record,
		  { "vringtop record", "-o", recording, "-d", "20ms", "-i", "10ms" },
		  "37 queues of this machine are not in the recording",
		  0 },
		{ verb_report, { "vringtop report", recording }, "; 37 queues not in it", 0 },
		{ verb_report,
		  { "vringtop report", "--json", recording },
		  "\"queues_not_shown\":37,",
		  0 },
	};
	char said[65536];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(recording, sizeof(recording), "%s/a.vt", dir);
	fake_probe = (struct fake_probe){ .read = one_queue };
	for (int more = 0; more < 2; more++) {
		not_shown = more ? 37 : 0;
		unlink(recording);
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			char *argv[8];

			memcpy(argv, cases[i].argv, sizeof(argv));
			assert_int_equal(run(cases[i].verb, argv, said, sizeof(said)),
					 more ? cases[i].status : 0);
			if (!!strstr(said, cases[i].says) != more)
				fail_msg("%s %s: '%s' in:\n%s", cases[i].argv[0], cases[i].argv[1],
					 cases[i].says, said);
		}
	}
	unlink(recording);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_verb_says_it) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
