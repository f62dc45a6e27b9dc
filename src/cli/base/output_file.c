// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/output_file.h"
#include "base/place.h"

struct output_file {
	FILE *f;
	char *path;
	char *temporary; /* its name until it is complete; NULL: path is written directly */
	int keeper;	 /* socket to the keeper; -1: no keeper */
};

int check_stdout(void)
{
	static bool failed;
	/*
	 * A stream does not store the errno of an earlier write that failed. errno still has it if
	 * no other call failed since.
	 */
	int earlier = errno, err;

	errno = 0;
	if (!fflush(stdout) && !ferror(stdout)) {
		errno = earlier;
		return 0;
	}
	err = errno ?: earlier ?: EIO;
	if (!failed)
		complain(NULL, "cannot write to stdout: %s", strerror(err));
	failed = true;
	return -1;
}

/* --- May the file be replaced? --- */

static bool same_file(const struct stat *st, const char *path)
{
	struct stat other;

	return !stat(path, &other) && st->st_dev == other.st_dev && st->st_ino == other.st_ino;
}

/*
 * Returns true if a file is one of the recordings that are read, or the journal that belongs to
 * one.
 */
static bool is_input(const struct stat *st, const char *const *inputs)
{
	char journal[4096];

	for (; *inputs; inputs++) {
		snprintf(journal, sizeof(journal), "%s-journal", *inputs);
		if (same_file(st, *inputs) || same_file(st, journal))
			return true;
	}
	return false;
}

/*
 * Checks that a file may be made at @path.
 * @place: what is there
 * Returns 0, or -1 after a message.
 */
static int check_place(const char *path, enum place place, const char *const *inputs, bool force)
{
	struct stat st;

	if (!stat(path, &st) && is_input(&st, inputs))
		return complain("Name another file for the output.",
				"%s is one of the recordings that are read, or a journal of one: "
				"it is not overwritten",
				path);
	switch (place) {
	case PLACE_FREE:
	case PLACE_PAGE:
	case PLACE_METRICS:
	case PLACE_STREAM:
	case PLACE_UNKNOWN: /* opening it fails with a better message */
		return 0;
	case PLACE_RECORDING:
	case PLACE_JOURNAL:
	case PLACE_FILE:
		if (force)
			return 0;
		break;
	case PLACE_FOLDER:
	case PLACE_LINK:
	case PLACE_DEVICE:
		break;
	}
	return place_refuse(path, place, "Name another file, or replace this one with --force.");
}

/* Checks that stdout does not lead into an input. Returns 0, or -1 after a message. */
static int check_stdout_place(const char *const *inputs)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) || !is_input(&st, inputs))
		return 0;
	return complain("Redirect stdout to another file.",
			"stdout is one of the recordings that are read: it is not overwritten");
}

/* --- The keeper --- */

/* Messages to the keeper. */
#define RENAME 'c'
#define REMOVE 'r'

/*
 * The keeper, a process of its own. When the tool sends RENAME, the keeper renames the temporary
 * file to its final name. When the tool sends REMOVE, or ends without a message, the keeper removes
 * the file. The keeper is not confined, and reads nothing but that message.
 */
static _Noreturn void keep(const struct output_file *o, int tool)
{
	char word = REMOVE;
	int err = 0;

	/* The keeper must outlive the tool, also if a signal ends the tool. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/*
	 * A program that reads the tool's output waits until all copies of stdout are closed. It
	 * must not wait for the keeper.
	 */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		close(fd);
	if (read(tool, &word, 1) != 1)
		word = REMOVE;
	if (word == RENAME && rename(o->temporary, o->path)) {
		err = errno;
		word = REMOVE;
	}
	if (word == REMOVE)
		unlink(o->temporary);
	_exit(write(tool, &err, sizeof(err)) != sizeof(err));
}

/* Returns 0, or -1 with errno set. */
static int start_keeper(struct output_file *o)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -1;
	pid = fork();
	if (!pid) {
		close(ends[0]);
		close(fileno(o->f));
		keep(o, ends[1]);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -1;
	}
	o->keeper = ends[0];
	return 0;
}

/* Tells the keeper to rename or to remove the file. Returns 0 or an errno. */
static int tell_keeper(const struct output_file *o, char word)
{
	void (*before)(int) = signal(SIGPIPE, SIG_IGN); /* the keeper may have been killed */
	int err = EPIPE;

	if (write(o->keeper, &word, 1) == 1 && read(o->keeper, &err, sizeof(err)) != sizeof(err))
		err = EPIPE;
	signal(SIGPIPE, before);
	return err;
}

/* --- The file --- */

static void output_free(struct output_file *o)
{
	if (o->f && o->f != stdout)
		fclose(o->f);
	if (o->keeper >= 0)
		close(o->keeper);
	free(o->temporary);
	free(o->path);
	free(o);
}

/*
 * Opens the temporary file in the folder of the output file, and starts the keeper. Returns 0, or
 * -1 with errno set.
 */
static int open_temporary(struct output_file *o)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	if (asprintf(&o->temporary, "%s.XXXXXX", o->path) < 0) {
		o->temporary = NULL;
		return -1;
	}
	fd = mkostemp(o->temporary, O_CLOEXEC);
	if (fd < 0)
		return -1;
	o->f = fdopen(fd, "w");
	if (!o->f)
		close(fd);
	if (o->f && !fchmod(fd, 0666 & ~mask) && !start_keeper(o))
		return 0;
	unlink(o->temporary);
	return -1;
}

struct output_file *output_open(const char *path, const char *const *inputs, bool force)
{
	struct output_file *o;
	enum place place;

	if (check_stdout_place(inputs))
		return NULL;
	o = calloc(1, sizeof(*o));
	if (o) {
		o->keeper = -1;
		o->path = strdup(path);
	}
	if (!o || !o->path) {
		complain(NULL, "no memory to write %s", path);
		free(o);
		return NULL;
	}
	if (!strcmp(path, "-")) {
		o->f = stdout;
		return o;
	}
	place = place_of(path);
	if (check_place(path, place, inputs, force)) {
		output_free(o);
		return NULL;
	}
	if (place == PLACE_STREAM) {
		o->f = fopen(path, "we");
	} else if (open_temporary(o)) {
		if (o->f)
			fclose(o->f);
		o->f = NULL;
	}
	if (o->f)
		return o;
	complain("Is there such a folder, and may you write to it?", "cannot write %s: %s", path,
		 strerror(errno));
	output_free(o);
	return NULL;
}

FILE *output_stream(const struct output_file *o)
{
	return o->f;
}

int output_close(struct output_file *o, bool complete)
{
	int err = 0;

	if (!o)
		return 0;
	if (o->f == stdout) {
		err = check_stdout();
		output_free(o);
		return err;
	}
	errno = 0;
	if (fflush(o->f) || ferror(o->f))
		err = errno ?: EIO;
	/* The file must be complete even if the machine stops right after the rename. */
	if (!err && complete && o->temporary && fdatasync(fileno(o->f)))
		err = errno;
	if (fclose(o->f) && !err)
		err = errno;
	o->f = NULL;
	if (o->temporary) {
		int kept = tell_keeper(o, complete && !err ? RENAME : REMOVE);

		err = err ?: kept;
	}
	if (err)
		complain(NULL, "cannot write %s: %s", o->path, strerror(err));
	output_free(o);
	return err ? -1 : 0;
}
