// SPDX-License-Identifier: GPL-2.0
/* Signals that end a verb, sleeping until one comes, and the word about what takes long. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <pty.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/signals.h"

#define SECOND 1000000000ull

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

/* Runs a part of a test in a process of its own, whose signals it changes. Returns its status. */
static int status_of(void (*part)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		/* Who runs the tests in the background may ignore these. */
		signal(SIGINT, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		part();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* In such a process: ends it with 1. */
#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "# line %d: %s\n", __LINE__, #condition);                  \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void sleep_to_the_end(void)
{
	uint64_t until = now() + SECOND / 10;

	handle_signals();
	must(wait_until(until) && now() >= until);
	must(wait_until(0)); /* long past */
	must(wait_for_input(-1, now() + SECOND / 100) == WAKE_TIME);
}

static void stop_by(int signal)
{
	uint64_t begin = now();

	handle_signals();
	raise(signal);
	must(stop_requested);
	must(!wait_until(begin + 60 * SECOND));
	must(now() - begin < 30 * SECOND);
}

static void stop_by_int(void)
{
	stop_by(SIGINT);
}

static void stop_by_term(void)
{
	stop_by(SIGTERM);
}

static void stop_by_hangup(void)
{
	stop_by(SIGHUP);
}

/* A signal that comes after the look at stop_requested, and before the sleep begins. */
static void stop_right_before_the_sleep(void)
{
	uint64_t begin = now();

	handle_signals();
	raise(SIGTERM);
	stop_requested = 0; /* what the look has seen */
	must(!wait_until(begin + 60 * SECOND));
	must(now() - begin < 30 * SECOND);
}

static void stop_in_the_sleep(void)
{
	pid_t parent = getpid(), pid = fork();
	uint64_t begin = now();

	handle_signals();
	if (!pid) {
		usleep(200000);
		kill(parent, SIGTERM);
		_exit(0);
	}
	must(!wait_until(begin + 60 * SECOND));
	must(now() - begin < 30 * SECOND);
}

static void sleeping(void **state)
{
	(void)state;
	assert_int_equal(status_of(sleep_to_the_end), 0);
	assert_int_equal(status_of(stop_by_int), 0);
	assert_int_equal(status_of(stop_by_term), 0);
	assert_int_equal(status_of(stop_by_hangup), 0);
	assert_int_equal(status_of(stop_right_before_the_sleep), 0);
	assert_int_equal(status_of(stop_in_the_sleep), 0);
}

/* It may hang where it takes no notice of the first one. */
static void two_signals(void)
{
	handle_signals();
	raise(SIGTERM);
	raise(SIGTERM);
}

static void two_hangups(void)
{
	handle_signals();
	raise(SIGHUP);
	raise(SIGHUP);
	must(stop_requested);
}

static void ignored_hangup(void)
{
	signal(SIGHUP, SIG_IGN);
	handle_signals();
	raise(SIGHUP);
	must(!stop_requested);
}

static void which_signals(void **state)
{
	int status = status_of(two_signals);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_int_equal(status_of(two_hangups), 0);
	assert_int_equal(status_of(ignored_hangup), 0);
}

static void on_window(int signal)
{
	(void)signal;
}

static void wake(void)
{
	struct sigaction sa = { .sa_handler = on_window };
	pid_t parent = getpid(), pid;
	int fds[2];

	handle_signals();
	must(!pipe(fds));
	must(wait_for_input(fds[0], now() + SECOND / 100) == WAKE_TIME);
	must(write(fds[1], "x", 1) == 1);
	must(wait_for_input(fds[0], now() + 60 * SECOND) == WAKE_INPUT);
	must(read(fds[0], &(char){ 0 }, 1) == 1);
	/* The other end has gone. */
	close(fds[1]);
	must(wait_for_input(fds[0], now() + 60 * SECOND) == WAKE_INPUT);
	/* A signal that asks for nothing. */
	sigaction(SIGWINCH, &sa, NULL);
	pid = fork();
	if (!pid) {
		usleep(200000);
		kill(parent, SIGWINCH);
		_exit(0);
	}
	must(wait_for_input(-1, now() + 60 * SECOND) == WAKE_INTERRUPTED);
	must(!stop_requested);
}

static void input(void **state)
{
	(void)state;
	assert_int_equal(status_of(wake), 0);
}

/* What something that takes a time, ms, prints to a terminal. To be freed. */
static char *told_within(int ms)
{
	char *text = calloc(1, 4096);
	size_t length = 0;
	int ours, theirs;
	ssize_t n;
	pid_t pid;

	assert_non_null(text);
	assert_int_equal(openpty(&ours, &theirs, NULL, NULL, NULL), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		uint64_t until = now() + ms * 1000000ull;

		close(ours);
		dup2(theirs, STDERR_FILENO);
		close(theirs);
		slow_begin("Doing it");
		while (now() < until)
			usleep(10000);
		slow_end();
		_exit(0);
	}
	close(theirs);
	/* Ends with EIO when nobody has the other side any more. */
	while ((n = read(ours, text + length, 4095 - length)) > 0)
		length += n;
	close(ours);
	waitpid(pid, NULL, 0);
	return text;
}

static void slow(void **state)
{
	char *text = told_within(2500);

	(void)state;
	assert_string_equal(text, "Doing it ...\r\033[K");
	free(text);
	text = told_within(50);
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sleeping),
		cmocka_unit_test(which_signals),
		cmocka_unit_test(input),
		cmocka_unit_test(slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
