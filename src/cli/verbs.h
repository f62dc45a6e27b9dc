/* SPDX-License-Identifier: GPL-2.0 */
/* The verbs, a file each. Each takes its part of the command line and returns an exit status. */
#ifndef VERBS_H
#define VERBS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

int verb_top(int argc, char **argv);
int verb_stat(int argc, char **argv);
int verb_hist(int argc, char **argv);
int verb_queues(int argc, char **argv);
int verb_stalls(int argc, char **argv);
int verb_record(int argc, char **argv);
int verb_report(int argc, char **argv);
int verb_diff(int argc, char **argv);
int verb_doctor(int argc, char **argv);

/* Set by SIGINT, SIGTERM and SIGHUP: the verb comes to its end. */
extern volatile sig_atomic_t stop;

/**
 * Waits until a time; a signal ends it.
 * @until: ns, CLOCK_MONOTONIC
 * Returns true if the time has come, false if the verb shall stop.
 */
bool wait_until(uint64_t until);

#endif
