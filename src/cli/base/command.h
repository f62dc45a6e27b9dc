/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command of `record -- COMMAND`. Its process is forked early, before vringtop gives up its
 * privileges, and waits; it becomes the command when the recording has begun. Signals have no
 * handlers: they stay blocked, and command_wait() fetches them.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* All zero to begin with: no command. command_wait() works without one, too. */
struct command {
	pid_t pid;	 /* 0: no command, or it has ended */
	int go, failed;	 /* pipes to the child: begin now; from it: errno of a failed execvp() */
	int status;	 /* exit status, as a shell has it: 128 + n for signal n; -1: not ended */
	sigset_t before; /* signals that were blocked before command_signals() */
};

/** Blocks SIGINT, SIGTERM, SIGHUP and SIGCHLD from now on, for command_wait(). */
void command_signals(struct command *c);

/**
 * Forks the process of a command. It waits for command_start(), and ends if vringtop does.
 * @words: ends with NULL
 * Returns 0, or -1 after a message.
 */
int command_prepare(struct command *c, char **words);

/**
 * Lets the command begin.
 * @name: of the command, for the message
 * Returns 0, or -1 after a message. c->status is then 127 if there is no such command, else 126, as
 * in a shell.
 */
int command_start(struct command *c, const char *name);

/**
 * Waits for a time, for a signal, or for the end of the command. A signal that another process sent
 * to vringtop is passed on to the command; one of the terminal (Ctrl-C) goes to both by itself.
 * @until: ns, CLOCK_MONOTONIC
 * Returns SIGINT, SIGTERM or SIGHUP if one came, else 0. c->pid is 0 once the command has ended.
 */
int command_wait(struct command *c, uint64_t until);

/**
 * Waits for the end of the command, and passes on signals meanwhile.
 * @told: true: the command has already got a signal to end; false: send it SIGTERM
 */
void command_end(struct command *c, bool told);

/**
 * Makes one line of a command that a shell takes apart into the same words.
 * @words: ends with NULL
 * Returns the line, to be freed; NULL without memory.
 */
char *command_quote(char *const *words);

#endif
