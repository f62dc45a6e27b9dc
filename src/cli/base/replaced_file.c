// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/confine.h"
#include "base/error.h"
#include "base/place.h"
#include "base/replaced_file.h"

struct replaced_file {
	char *path;
	int writer; /* socket to the process that writes */
	bool busy;  /* the writer has not answered the last write yet */
	bool complained;
};

/* --- The process that writes --- */

/*
 * Reads or writes exactly @size bytes. @out: true: write. Returns false at the end of the input or
 * if a call failed.
 */
static bool transfer(int fd, char *buffer, size_t size, bool out)
{
	while (size) {
		ssize_t n = out ? write(fd, buffer, size) : read(fd, buffer, size);

		if (n <= 0)
			return false;
		buffer += n;
		size -= n;
	}
	return true;
}

/* Writes a temporary file and renames it to @path. Returns 0 or an errno. */
static int replace(const char *path, mode_t mode, char *text, size_t size)
{
	char *temporary;
	int err = 0, fd;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return ENOMEM;
	fd = mkstemp(temporary);
	if (fd < 0) {
		err = errno;
		free(temporary);
		return err;
	}
	if (!transfer(fd, text, size, true) || fchmod(fd, mode))
		err = errno;
	if (close(fd) && !err)
		err = errno;
	if (!err && rename(temporary, path))
		err = errno;
	if (err)
		unlink(temporary);
	free(temporary);
	return err;
}

/*
 * The process that writes the file. The tool sends each content as a size (uint64_t) and then that
 * many bytes. The answer to each is an int: 0 or an errno. When the tool has closed the socket, the
 * process removes the file and exits.
 */
static _Noreturn void write_all(const char *path, int tool)
{
	mode_t mask = umask(0);
	uint64_t size;

	umask(mask);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/*
	 * A program that reads the tool's output waits until all copies of stdout are closed. It
	 * must not wait for this process.
	 */
	for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++)
		close(fd);
	if (drop_capabilities())
		_exit(1);
	while (transfer(tool, (char *)&size, sizeof(size), false)) {
		char *text = malloc(size + 1);
		int err = text ? 0 : ENOMEM;

		if (err || !transfer(tool, text, size, false))
			break;
		err = replace(path, 0666 & ~mask, text, size);
		free(text);
		if (!transfer(tool, (char *)&err, sizeof(err), true))
			break;
	}
	unlink(path);
	_exit(0);
}

/* --- The tool --- */

/* Checks that a file may be made at @path. Returns 0, or -1 after a message. */
static int check_place(const char *path)
{
	enum place place = place_of(path);

	/* PLACE_UNKNOWN: writing fails with a better message. */
	if (place == PLACE_FREE || place == PLACE_METRICS || place == PLACE_UNKNOWN)
		return 0;
	return place_refuse(path, place, "Name another file, or remove this one.");
}

struct replaced_file *replaced_file_open(const char *path)
{
	struct replaced_file *r;
	int ends[2];
	pid_t pid;

	if (check_place(path))
		return NULL;
	r = calloc(1, sizeof(*r));
	if (!r) {
		complain(NULL, "no memory to write %s", path);
		return NULL;
	}
	r->path = strdup(path);
	if (!r->path || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		goto fail;
	pid = fork();
	if (!pid) {
		close(ends[0]);
		write_all(path, ends[1]);
	}
	close(ends[1]);
	r->writer = ends[0];
	if (pid > 0)
		return r;
	close(ends[0]);
fail:
	complain(NULL, "cannot start the process that writes %s: %s", path, strerror(errno));
	free(r->path);
	free(r);
	return NULL;
}

/*
 * Reads the answer to the last write if the answer has arrived. Prints the first of several errors
 * in a row.
 */
static void take_answer(struct replaced_file *r)
{
	struct pollfd in = { .fd = r->writer, .events = POLLIN };
	int err;

	if (!r->busy || poll(&in, 1, 0) <= 0)
		return;
	if (!transfer(r->writer, (char *)&err, sizeof(err), false))
		err = EPIPE;
	r->busy = err == EPIPE;
	if (err && !r->complained)
		complain("Is there such a folder, and may this user write to it?",
			 "cannot write %s: %s", r->path,
			 err == EPIPE ? "the process that writes it has ended" : strerror(err));
	r->complained = err;
}

void replaced_file_write(struct replaced_file *r, const char *text, size_t size)
{
	uint64_t length = size;

	take_answer(r);
	if (r->busy)
		return;
	/*
	 * The writer reads all bytes before it touches the disk, so this does not wait for the
	 * disk.
	 */
	r->busy = true;
	if (transfer(r->writer, (char *)&length, sizeof(length), true))
		transfer(r->writer, (char *)text, size, true);
}

void replaced_file_close(struct replaced_file *r)
{
	if (!r)
		return;
	/* The writer finds the end of its input, removes the file and exits. */
	close(r->writer);
	free(r->path);
	free(r);
}
