/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command that is watched while it runs: it is there before anything is given up,
 * and begins when all is ready. Signals are waited for, not caught.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Begins with all zero: no command, but signals can be waited for all the same. */
struct command {
	pid_t pid;	 /* 0: none, or it has ended */
	int go, failed;	 /* pipes: it may begin; why it could not */
	int status;	 /* what it ended with, as a shell has it; -1: not yet */
	sigset_t before; /* what was blocked */
};

/** From here on, command_wait() gets SIGINT, SIGTERM, SIGHUP and SIGCHLD. */
void command_signals(struct command *c);

/**
 * Makes the process of a command, which waits.
 * @words: ends with NULL
 * Returns 0, or -1 after it has said why not.
 */
int command_prepare(struct command *c, char **words);

/**
 * Lets it begin.
 * Returns 0, or -1 after it has said why it cannot: c->status is 127 or 126 then, as a
 * shell has it.
 */
int command_start(struct command *c, const char *name);

/**
 * Waits until a time or a signal. One that was sent to this process alone is passed on
 * to the command; those of a terminal it has got already.
 * @until: ns, CLOCK_MONOTONIC
 * Returns the signal that asks to end, or 0; c->pid is 0 as soon as the command has ended.
 */
int command_wait(struct command *c, uint64_t until);

/**
 * Waits for the command if it still runs, and passes on signals meanwhile.
 * @told: it has got a signal to end already; else it gets SIGTERM
 */
void command_end(struct command *c, bool told);

/**
 * Makes one line of a command that a shell takes apart into the same words.
 * @words: ends with NULL
 * Returns the line, to be freed; NULL without memory.
 */
char *command_quote(char *const *words);

#endif
