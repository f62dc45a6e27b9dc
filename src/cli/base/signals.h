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

/**
 * Sleeps until a time, or until a signal asks to stop.
 * @until: ns, CLOCK_MONOTONIC
 * Returns true if the time has come, false if the verb shall stop.
 */
bool wait_until(uint64_t until);

#endif
