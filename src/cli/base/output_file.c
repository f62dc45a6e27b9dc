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

/*
 * Returns true if the start of a file has the mark of a page, a trace or metrics of vringtop. Such
 * a file may be replaced.
 */
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

/* Checks that a file may be made at @path. Returns 0, or -1 after a message. */
static int check_place(const char *path, const char *const *inputs, bool force)
{
	struct stat st;

	/*
	 * There is no file, or lstat() may not examine it. In the second case writing fails with a
	 * better message.
	 */
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

/*
 * Returns true for a pipe, a terminal or a device such as /dev/full: no content can be lost there.
 */
static bool is_special(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
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
