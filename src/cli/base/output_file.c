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

struct output_file {
	FILE *f;
	char *path;
	char *temporary; /* its name until it is complete; NULL: written to as it is */
	int keeper;	 /* a socket to the process that renames or removes it */
};

int check_stdout(void)
{
	static bool failed;
	/* A stream does not keep why an earlier write failed. errno still says so, as long as no
	 * other call has failed since. */
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

/* --- What may be replaced --- */

/* Whether a file begins as our pages and traces do. */
static bool has_mark(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char first[512 + 1] = "";
	ssize_t n = fd < 0 ? 0 : read(fd, first, sizeof(first) - 1);

	if (fd >= 0)
		close(fd);
	first[n > 0 ? n : 0] = '\0';
	return strstr(first, PAGE_MARK) || strstr(first, TRACE_MARK) ||
	       !strncmp(first, METRICS_MARK, strlen(METRICS_MARK));
}

static bool same_file(const struct stat *st, const char *path)
{
	struct stat other;

	return !stat(path, &other) && st->st_dev == other.st_dev && st->st_ino == other.st_ino;
}

/* Returns 0 if a file may be made here, or -1 after it has printed why not. */
static int check_place(const char *path, const char *const *inputs, bool force)
{
	struct stat st;

	/* What cannot be looked at cannot be written either, and then there is a better message. */
	if (lstat(path, &st))
		return 0;
	if (S_ISDIR(st.st_mode))
		return complain("Name a file in it.", "%s is a folder", path);
	if (S_ISLNK(st.st_mode))
		return complain("Name the file that it leads to, or remove the link.",
				"%s is a symbolic link: it is not followed", path);
	for (; *inputs; inputs++)
		if (same_file(&st, *inputs))
			return complain("Name another file for the output.",
					"%s is one of the recordings that are read: it is not "
					"overwritten",
					path);
	if (!st.st_size || force || has_mark(path))
		return 0;
	return complain("Name another file, or replace this one with --force.",
			"%s is there, and is no page or trace of vringtop: it is not overwritten",
			path);
}

/* A pipe, a terminal, /dev/full: has no content that could be lost. */
static bool is_special(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* --- The keeper --- */

/* What it is told. */
#define RENAME 'c'
#define REMOVE 'r'

/*
 * The process that gives the file its name when it is told to, and removes the file when the tool
 * has ended without a word. It is not confined, and reads nothing but that word.
 */
static _Noreturn void keep(const struct output_file *o, int tool)
{
	char word = REMOVE;
	int err = 0;

	/* It outlives the tool, whatever ends that. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* Who reads what the tool prints waits for its end, not for that of the keeper. */
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
	void (*before)(int) = signal(SIGPIPE, SIG_IGN); /* if someone killed it */
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

/* Opens the temporary file beside the one that is to be. Returns 0, or -1 with errno set. */
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
	struct output_file *o = calloc(1, sizeof(*o));

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
	if (is_special(path)) {
		o->f = fopen(path, "we");
	} else if (check_place(path, inputs, force)) {
		output_free(o);
		return NULL;
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
	/* Complete also if the machine stops right after. */
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
