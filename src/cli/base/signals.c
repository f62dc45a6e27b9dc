// SPDX-License-Identifier: GPL-2.0
#include <time.h>
#include "base/signals.h"

volatile sig_atomic_t stop_requested;

static void on_signal(int signal)
{
	(void)signal;
	stop_requested = 1;
}

void handle_signals(void)
{
	struct sigaction end = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };
	struct sigaction hangup = { .sa_handler = on_signal }, was;

	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	if (!sigaction(SIGHUP, NULL, &was) && was.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &hangup, NULL);
}

bool wait_until(uint64_t until)
{
	struct timespec t = { until / 1000000000, until % 1000000000 };

	while (!stop_requested)
		if (!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
			return true;
	return false;
}
