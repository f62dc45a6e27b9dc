// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/command.h"
#include "base/error.h"

/* The signals that command_wait() fetches. */
static void fetched_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
}

void command_signals(struct command *c)
{
	sigset_t set;

	c->status = -1;
	fetched_signals(&set);
	/*
	 * A process inherits ignored signals. With SIGCHLD ignored the kernel would discard exit
	 * statuses.
	 */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &set, &c->before);
}

/*
 * Runs in the child process: waits for a byte, then executes the command. Exits if vringtop ended
 * before.
 * @go: vringtop writes the byte here
 * @failed: gets the errno if the command cannot be executed
 */
static _Noreturn void become(const struct command *c, char **words, int go, int failed)
{
	char byte;
	int err;

	if (read(go, &byte, 1) != 1)
		_exit(1);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	sigprocmask(SIG_SETMASK, &c->before, NULL);
	execvp(words[0], words);
	err = errno;
	if (write(failed, &err, sizeof(err)) != sizeof(err))
		_exit(1);
	_exit(127);
}

int command_prepare(struct command *c, char **words)
{
	int go[2], failed[2];

	if (pipe2(go, O_CLOEXEC) || pipe2(failed, O_CLOEXEC))
		return complain(NULL, "cannot start %s: %s", words[0], strerror(errno));
	c->pid = fork();
	if (c->pid < 0) {
		c->pid = 0;
		return complain(NULL, "cannot start %s: %s", words[0], strerror(errno));
	}
	if (!c->pid) {
		close(go[1]);
		close(failed[0]);
		become(c, words, go[0], failed[1]);
	}
	close(go[0]);
	close(failed[1]);
	c->go = go[1];
	c->failed = failed[0];
	return 0;
}

/* Fetches the exit status if the command has ended. @flags: as for waitpid() */
static void reap(struct command *c, int flags)
{
	int status;

	if (!c->pid || waitpid(c->pid, &status, flags) != c->pid)
		return;
	c->pid = 0;
	c->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int command_start(struct command *c, const char *name)
{
	int err = 0;

	if (!c->pid)
		return 0;
	if (write(c->go, "", 1) != 1)
		err = errno;
	close(c->go);
	/* If execvp() succeeds, it closes the pipe, and read() returns 0. */
	if (!err && read(c->failed, &err, sizeof(err)) <= 0)
		err = 0;
	close(c->failed);
	if (!err)
		return 0;
	reap(c, 0);
	c->status = err == ENOENT ? 127 : 126;
	return complain(NULL, "cannot run %s: %s", name, strerror(err));
}

int command_wait(struct command *c, uint64_t until)
{
	struct timespec left = {}, t;
	siginfo_t info;
	sigset_t set;
	uint64_t now;
	int signal;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = t.tv_sec * 1000000000ull + t.tv_nsec;
	if (until > now) {
		left.tv_sec = (until - now) / 1000000000;
		left.tv_nsec = (until - now) % 1000000000;
	}
	fetched_signals(&set);
	signal = sigtimedwait(&set, &info, &left);
	if (signal == SIGCHLD) {
		reap(c, WNOHANG);
		return 0;
	}
	if (signal <= 0)
		return 0;
	/*
	 * If si_code is above 0, the kernel sent the signal to all processes of the terminal
	 * (Ctrl-C), and the command got it, too. Otherwise pass the signal on to the command.
	 */
	if (c->pid && info.si_code <= 0)
		kill(c->pid, signal);
	return signal;
}

void command_end(struct command *c, bool told)
{
	if (c->pid && !told)
		kill(c->pid, SIGTERM);
	while (c->pid)
		command_wait(c, UINT64_MAX / 2);
}

static void quote(FILE *f, const char *word)
{
	if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789-_./=:,+@%")]) {
		fputs(word, f);
		return;
	}
	fputc('\'', f);
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", f);
		else
			fputc(*word, f);
	fputc('\'', f);
}

char *command_quote(char *const *words)
{
	char *line = NULL;
	size_t size;
	FILE *f = open_memstream(&line, &size);

	for (int i = 0; f && words[i]; i++) {
		if (i)
			fputc(' ', f);
		quote(f, words[i]);
	}
	if (f && fclose(f)) {
		free(line);
		line = NULL;
	}
	return line;
}
