// SPDX-License-Identifier: GPL-2.0
/* vringtop: what the virtqueues of a running guest do. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/output_file.h"
#include "base/signals.h"
#include "verbs/options.h"
#include "verbs/verbs.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} verbs[] = {
	{ "top", verb_top, "live view (the default)" },
	{ "stat", verb_stat, "a table per interval, or JSON" },
	{ "stages", verb_stages, "where the time of requests goes" },
	{ "hist", verb_hist, "latency histograms per operation" },
	{ "stalls", verb_stalls, "which queues are stuck, and which side holds them" },
	{ "record", verb_record, "write what happens to a file, while a command runs" },
	{ "queues", verb_queues, "every virtqueue of this machine" },
	{ "report", verb_report, "what a recording says: text, a page, JSON, CSV, a trace" },
	{ "diff", verb_diff, "what changed between recordings, how sure it is" },
	{ "export", verb_export, "metrics for Prometheus, over HTTP or in a file" },
	{ "doctor", verb_doctor, "what is here, what is missing, how to get it" },
};
#define NR_VERBS (sizeof(verbs) / sizeof(*verbs))

/*
 * A file that is opened later must not become stdin, stdout or stderr because that one is closed.
 * What is opened here instead cannot be read or written, as if it were still closed.
 */
static void keep_closed(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* The one way out: what stdout still has in its buffer, such as --help, must be written. */
static void flush_stdout(void)
{
	if (check_stdout())
		_exit(EXIT_FAILURE);
}

static void print_help(void)
{
	printf("Usage: vringtop [VERB] [OPTION...]\n"
	       "Shows what the virtqueues of a running guest do: how long operations take, ring\n"
	       "layouts, doorbells. Needs root, or CAP_BPF and CAP_PERFMON.\n\n"
	       "Verbs:\n");
	for (size_t i = 0; i < NR_VERBS; i++)
		printf("  %-8s %s\n", verbs[i].name, verbs[i].what);
	printf("\n"
	       "Examples:\n"
	       "  sudo vringtop                    watch all queues\n"
	       "  sudo vringtop -d vda             watch one disk\n"
	       "  sudo vringtop stat 1 10          ten tables, one a second\n"
	       "  sudo vringtop stat --json 1 3    the same as JSON, a line each\n"
	       "  sudo vringtop hist -o add,get 5 1   histograms of two operations over 5 s\n"
	       "  sudo vringtop stalls             why is nothing going on?\n"
	       "  sudo vringtop record -o a.vt -- fio job   record while a command runs\n"
	       "  vringtop report a.vt             what the recording says\n"
	       "  vringtop diff a.vt b.vt          what is different in another one\n"
	       "\n"
	       "vringtop VERB --help, or vringtop help VERB, explains the options of a verb.\n"
	       "Exit status: 0 fine, 1 failed (doctor: something is missing), 2 wrong use,\n"
	       "3 stalls found a stuck queue, diff --fail-on something worse.\n");
}

/* What scripts read: tests, and the completion of shells. */
static void print_verbs(void)
{
	for (size_t i = 0; i < NR_VERBS; i++)
		printf("%s\n", verbs[i].name);
}

static int run_verb(int argc, char **argv)
{
	char names[256] = "There are:", name[32];
	size_t length = strlen(names);

	for (size_t i = 0; i < NR_VERBS; i++) {
		length += snprintf(names + length, sizeof(names) - length, " %s", verbs[i].name);
		if (strcmp(argv[0], verbs[i].name))
			continue;
		/* What --help and errors call it. */
		snprintf(name, sizeof(name), "vringtop %s", verbs[i].name);
		argv[0] = name;
		return verbs[i].run(argc, argv);
	}
	complain(names, "unknown verb '%s'", argv[0]);
	return EXIT_USAGE;
}

/* vringtop help [VERB | --list] */
static int help(const char *what)
{
	char *argv[] = { (char *)what, "--help", NULL };

	if (what && strcmp(what, "--list"))
		return run_verb(2, argv);
	if (what)
		print_verbs();
	else
		print_help();
	return 0;
}

int main(int argc, char **argv)
{
	keep_closed();
	handle_signals();
	atexit(flush_stdout);

	if (argc > 1 && !strcmp(argv[1], "help"))
		return help(argv[2]);
	if (argc > 1 &&
	    (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "-?")))
		return help(NULL);
	if (argc < 2 || argv[1][0] == '-')
		return verb_top(argc, argv);
	return run_verb(argc - 1, argv + 1);
}
