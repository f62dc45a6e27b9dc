// SPDX-License-Identifier: GPL-2.0
/*
 * The command that `record -- COMMAND` watches: which signals reach it, what its exit status
 * becomes, and how it is written as one line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/command.h"

static uint64_t after(double seconds)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec + (uint64_t)(seconds * 1e9);
}

/* Starts a shell that runs @script. */
static void start(struct command *c, const char *script)
{
	char *words[] = { "sh", "-c", (char *)script, NULL };

	memset(c, 0, sizeof(*c));
	command_signals(c);
	assert_int_equal(command_prepare(c, words), 0);
	assert_int_equal(command_start(c, words[0]), 0);
}

/* Waits until the command has ended, at most 20 s. Returns its exit status. */
static int ended(struct command *c)
{
	uint64_t end = after(20);

	while (c->pid && after(0) < end)
		command_wait(c, end);
	assert_int_equal(c->pid, 0);
	/* The next command begins without blocked signals, as this one did. */
	sigprocmask(SIG_SETMASK, &c->before, NULL);
	return c->status;
}

/* Waits until a file that the command makes is there, at most 20 s. */
static void wait_for_file(const char *path)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	for (int i = 0; access(path, F_OK); i++) {
		assert_true(i < 4000);
		nanosleep(&pause, NULL);
	}
}

static void the_status_is_that_of_the_command(void **unused)
{
	struct command c;

	(void)unused;
	start(&c, "exit 0");
	assert_int_equal(ended(&c), 0);
	start(&c, "exit 42");
	assert_int_equal(ended(&c), 42);
	/* A shell gives 128 and the number of the signal: 9 is SIGKILL, 15 is SIGTERM. */
	start(&c, "kill -9 $$");
	assert_int_equal(ended(&c), 137);
	start(&c, "kill -15 $$");
	assert_int_equal(ended(&c), 143);
}

static void what_cannot_run_has_the_status_of_a_shell(void **unused)
{
	char *missing[] = { "/nowhere/no-such-command", NULL };
	char path[] = "/tmp/test_command.XXXXXX", *no_program[] = { path, NULL };
	struct command c = {};
	int fd = mkstemp(path);

	(void)unused;
	assert_true(fd >= 0);
	close(fd); /* a file that may not be executed */
	command_signals(&c);
	assert_int_equal(command_prepare(&c, missing), 0);
	assert_int_equal(command_start(&c, missing[0]), -1);
	assert_int_equal(c.status, 127);
	sigprocmask(SIG_SETMASK, &c.before, NULL);
	assert_int_equal(c.pid, 0);

	memset(&c, 0, sizeof(c));
	command_signals(&c);
	assert_int_equal(command_prepare(&c, no_program), 0);
	assert_int_equal(command_start(&c, no_program[0]), -1);
	assert_int_equal(c.status, 126);
	sigprocmask(SIG_SETMASK, &c.before, NULL);
	assert_int_equal(c.pid, 0);
	unlink(path);
}

/* How many signals were not held back for command_wait(). */
static volatile sig_atomic_t nr_let_through;

static void let_through(int signal)
{
	(void)signal;
	nr_let_through++;
}

/* A signal that another process sent to us alone goes on to the command; each has its status. */
static void signals_are_passed_on(void **unused)
{
	static const struct {
		int signal;
		const char *name;
		int status;
	} all[] = { { SIGHUP, "HUP", 61 }, { SIGINT, "INT", 62 }, { SIGTERM, "TERM", 63 } };

	(void)unused;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char dir[] = "/tmp/test_command.XXXXXX", ready[64], script[256];
		struct sigaction before, act = { .sa_handler = let_through };
		struct command c;
		int got = 0;

		sigaction(all[i].signal, &act, &before);
		assert_non_null(mkdtemp(dir));
		snprintf(ready, sizeof(ready), "%s/ready", dir);
		snprintf(script, sizeof(script),
			 "trap 'exit %d' %s; : >%s; while :; do sleep 0.02; done", all[i].status,
			 all[i].name, ready);
		start(&c, script);
		wait_for_file(ready);
		kill(getpid(), all[i].signal);
		if (!nr_let_through)
			got = command_wait(&c, after(20));
		if (got != all[i].signal) {
			kill(c.pid, SIGKILL);
			sigprocmask(SIG_SETMASK, &c.before, NULL);
		}
		assert_int_equal(nr_let_through, 0);
		assert_int_equal(got, all[i].signal);
		assert_int_equal(ended(&c), all[i].status);
		sigaction(all[i].signal, &before, NULL);
		unlink(ready);
		rmdir(dir);
	}
}

static void a_time_ends_the_wait(void **unused)
{
	struct command c;
	uint64_t begin;

	(void)unused;
	start(&c, "exec sleep 60");
	begin = after(0);
	assert_int_equal(command_wait(&c, after(0.05)), 0);
	assert_true(after(0) >= begin + 50000000);
	assert_true(c.pid > 0);
	assert_int_equal(c.status, -1);
	/* Nobody told it to end: it gets SIGTERM. */
	command_end(&c, false);
	assert_int_equal(c.pid, 0);
	sigprocmask(SIG_SETMASK, &c.before, NULL);
	assert_int_equal(c.status, 143);
}

/* The command waits for command_start(); if that never comes, the command never runs. */
static void it_runs_only_when_it_is_told(void **unused)
{
	char dir[] = "/tmp/test_command.XXXXXX", trace[64], script[128];
	char *words[] = { "sh", "-c", script, NULL };
	struct command c = {};

	(void)unused;
	assert_non_null(mkdtemp(dir));
	snprintf(trace, sizeof(trace), "%s/ran", dir);
	snprintf(script, sizeof(script), ": >%s", trace);
	command_signals(&c);
	assert_int_equal(command_prepare(&c, words), 0);
	command_wait(&c, after(0.2));
	assert_int_equal(access(trace, F_OK), -1);
	assert_int_equal(command_start(&c, words[0]), 0);
	assert_int_equal(ended(&c), 0);
	assert_int_equal(access(trace, F_OK), 0);
	unlink(trace);
	rmdir(dir);
}

/* A shell that reads the line has the same words again. */
static void a_quoted_line_is_the_same_command(void **unused)
{
	char *const words[] = { "fio",	 "",	  "a b",  "it's", "--name=x/y:z,1+2@h%",
				"$HOME", "`id`;", "a\nb", "*",	  "\\",
				"~",	 NULL };
	char *line = command_quote(words), *script, text[512] = {};
	size_t at = 0;
	FILE *f;

	(void)unused;
	assert_non_null(line);
	assert_ptr_equal(strstr(line, "fio '' 'a b' 'it'\\''s' --name=x/y:z,1+2@h% '$HOME' "),
			 line);
	assert_true(asprintf(&script, "set -- %s; printf '%%s\\1' \"$@\"", line) > 0);
	f = popen(script, "r");
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	pclose(f);
	for (size_t i = 0; words[i]; i++) {
		size_t length = strlen(words[i]);

		assert_memory_equal(text + at, words[i], length);
		assert_int_equal(text[at + length], '\1');
		at += length + 1;
	}
	assert_int_equal(text[at], '\0');
	free(script);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_status_is_that_of_the_command),
		cmocka_unit_test(what_cannot_run_has_the_status_of_a_shell),
		cmocka_unit_test(signals_are_passed_on),
		cmocka_unit_test(a_time_ends_the_wait),
		cmocka_unit_test(it_runs_only_when_it_is_told),
		cmocka_unit_test(a_quoted_line_is_the_same_command),
	};

	/* Who runs the tests in the background may ignore these, and a command would, too. */
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
