// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "base/signals.h"

volatile sig_atomic_t stop_requested;

/*
 * An eventfd that becomes readable when a signal asks to stop. A signal may come after a test of
 * stop_requested and before ppoll(): then ppoll() on the eventfd returns at once. -1: no eventfd.
 */
static int stop_event = -1;

static void on_signal(int signal)
{
	const uint64_t one = 1;
	int err = errno;

	(void)signal;
	stop_requested = 1;
	/*
	 * Without the eventfd the signal interrupts ppoll(), unless the signal came just before
	 * ppoll().
	 */
	if (write(stop_event, &one, sizeof(one)) < 0)
		errno = err;
}

void handle_signals(void)
{
	struct sigaction end = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };
	struct sigaction hangup = { .sa_handler = on_signal }, was;

	stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	if (!sigaction(SIGHUP, NULL, &was) && was.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &hangup, NULL);
}

enum wake wait_for_input(int fd, uint64_t until)
{
	struct pollfd fds[] = {
		{ .fd = stop_event, .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};
	struct timespec left = {};
	struct timespec t;
	uint64_t now;
	int n;

	if (stop_requested)
		return WAKE_STOP;
	clock_gettime(CLOCK_MONOTONIC, &t);
	now = t.tv_sec * 1000000000ull + t.tv_nsec;
	if (until > now) {
		left.tv_sec = (until - now) / 1000000000;
		left.tv_nsec = (until - now) % 1000000000;
	}
	n = ppoll(fds, 2, &left, NULL);
	if (stop_requested)
		return WAKE_STOP;
	if (n < 0)
		return WAKE_INTERRUPTED;
	return n ? WAKE_INPUT : WAKE_TIME;
}

bool wait_until(uint64_t until)
{
	enum wake why;

	do
		why = wait_for_input(-1, until);
	while (why == WAKE_INTERRUPTED);
	return why == WAKE_TIME;
}

/* --- Steps that take long --- */

#define SLOW 2 /* s until slow_begin() prints its text */

static const char *volatile slow_what;
static volatile sig_atomic_t slow_told;

static void on_alarm(int signal)
{
	const char *what = slow_what;

	(void)signal;
	slow_told = write(STDERR_FILENO, what, strlen(what)) > 0;
	slow_told = write(STDERR_FILENO, " ...", 4) > 0 || slow_told;
}

void slow_begin(const char *what)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART | SA_RESETHAND };

	slow_what = what;
	slow_told = 0;
	if (!isatty(STDERR_FILENO) || sigaction(SIGALRM, &sa, NULL))
		return;
	alarm(SLOW);
}

void slow_end(void)
{
	static const char clear[] = "\r\033[K";

	if (!slow_what)
		return;
	alarm(0);
	slow_what = NULL;
	if (slow_told && write(STDERR_FILENO, clear, sizeof(clear) - 1) < 0)
		slow_told = 0;
}
