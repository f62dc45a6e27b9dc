/* SPDX-License-Identifier: GPL-2.0 */
/* The signals that ask a verb to come to its end, and sleeping until one comes. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Set by SIGINT, SIGTERM and SIGHUP: the verb comes to its end. */
extern volatile sig_atomic_t stop_requested;

/**
 * From here on, SIGINT, SIGTERM and SIGHUP set stop_requested. A second SIGINT or SIGTERM ends
 * the process: it may hang in a write to a terminal that takes no output. A SIGHUP that is
 * ignored, as under nohup, stays ignored.
 */
void handle_signals(void);

/* Why wait_for_input() returned. */
enum wake {
	WAKE_TIME,	  /* the time has come */
	WAKE_INPUT,	  /* there is input, or the other end has gone */
	WAKE_INTERRUPTED, /* another signal came: the window has a new size */
	WAKE_STOP,	  /* the verb shall stop */
};

/**
 * Sleeps until a time, until there is input, or until a signal comes. A signal that asks to stop
 * is never missed, even if it came before the call.
 * @fd: -1: no input
 * @until: ns, CLOCK_MONOTONIC
 */
enum wake wait_for_input(int fd, uint64_t until);

/**
 * Sleeps until a time, or until a signal asks to stop.
 * @until: ns, CLOCK_MONOTONIC
 * Returns true if the time has come, false if the verb shall stop.
 */
bool wait_until(uint64_t until);

/**
 * If what follows takes longer than two seconds and stderr is a terminal, says so there, until
 * slow_end() clears the line.
 * @what: "Loading the programs"; must stay valid
 */
void slow_begin(const char *what);
void slow_end(void);

#endif
