// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/place.h"

/* The first bytes of an SQLite database, and where its application id is, big-endian. */
#define SQLITE_MAGIC "SQLite format 3"
#define SQLITE_ID_AT 68

/* The first bytes of a journal of SQLite. */
static const uint8_t journal_magic[] = { 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7 };

/* What a file is, by its first bytes. */
static enum place place_of_content(const char *path)
{
	static const uint8_t id[] = { RECORDING_APPLICATION_ID >> 24,
				      RECORDING_APPLICATION_ID >> 16 & 255,
				      RECORDING_APPLICATION_ID >> 8 & 255,
				      RECORDING_APPLICATION_ID & 255 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char first[512 + 1] = "";
	ssize_t n = fd < 0 ? 0 : read(fd, first, sizeof(first) - 1);

	if (fd >= 0)
		close(fd);
	first[n > 0 ? n : 0] = '\0';
	if (!memcmp(first, SQLITE_MAGIC, sizeof(SQLITE_MAGIC)) &&
	    !memcmp(first + SQLITE_ID_AT, id, sizeof(id)))
		return PLACE_RECORDING;
	if (!memcmp(first, journal_magic, sizeof(journal_magic)))
		return PLACE_JOURNAL;
	if (!strncmp(first, METRICS_MARK, strlen(METRICS_MARK)))
		return PLACE_METRICS;
	if (strstr(first, PAGE_MARK) || strstr(first, TRACE_MARK))
		return PLACE_PAGE;
	return PLACE_FILE;
}

enum place place_of(const char *path)
{
	struct stat st;

	/* Links to a pipe or a terminal are followed: /dev/stdout and /dev/fd/63 are such. */
	if (!stat(path, &st) && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		return PLACE_STREAM;
	if (lstat(path, &st))
		return errno == ENOENT ? PLACE_FREE : PLACE_UNKNOWN;
	if (S_ISDIR(st.st_mode))
		return PLACE_FOLDER;
	if (S_ISLNK(st.st_mode))
		return PLACE_LINK;
	if (!S_ISREG(st.st_mode))
		return PLACE_DEVICE;
	return st.st_size ? place_of_content(path) : PLACE_FREE;
}

int place_refuse(const char *path, enum place place, const char *advice)
{
	static const char *const what[] = {
		[PLACE_PAGE] = "a page or a trace of vringtop",
		[PLACE_METRICS] = "a file of metrics",
		[PLACE_RECORDING] = "a recording",
		[PLACE_JOURNAL] = "there, and vringtop did not write it",
		[PLACE_FILE] = "there, and vringtop did not write it",
		[PLACE_STREAM] = "a pipe or a device",
		[PLACE_FOLDER] = "a folder",
		[PLACE_LINK] = "a symbolic link",
		[PLACE_DEVICE] = "a disk or a socket",
	};

	if (place == PLACE_FOLDER)
		advice = "Name a file in it.";
	if (place == PLACE_LINK)
		advice = "Name the file that it leads to, or remove the link.";
	if (place == PLACE_STREAM || place == PLACE_DEVICE)
		advice = "Name a file.";
	return complain(advice, "%s is %s: it is not overwritten", path, what[place]);
}
