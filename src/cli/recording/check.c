// SPDX-License-Identifier: GPL-2.0
/*
 * Checks a file before SQLite opens it. Is it a recording? Is it complete? Must SQLite undo a
 * transaction that was cut off?
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/place.h"
#include "recording/check.h"
#include "recording/recording.h"

/*
 * Offsets in the header of a SQLite database (SQLite's file format, section 1.3). Numbers are
 * big-endian.
 */
#define HEADER_SIZE  100
#define MAGIC	     "SQLite format 3"
#define PAGE_SIZE_AT 16
#define VERSIONS_AT  18 /* for writing, for reading; 1: a journal, 2: a write-ahead log */
#define CHANGES_AT   24
#define PAGES_AT     28 /* valid if the numbers at CHANGES_AT and PAGES_FOR_AT are equal */
#define FORMAT_AT    60
#define ID_AT	     68
#define PAGES_FOR_AT 92

static uint32_t number_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/*
 * Returns true if the journal holds a transaction that SQLite must undo, because vringtop was
 * killed while it wrote. SQLite's sign for that: the first byte of the journal is not 0.
 */
static bool to_be_undone(const char *journal)
{
	int fd = open(journal, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	char first = 0;
	bool undo = fd >= 0 && read(fd, &first, 1) == 1 && first;

	if (fd >= 0)
		close(fd);
	return undo;
}

/*
 * A journal may name a super-journal (SQLite's word): a file that SQLite deletes after it has
 * undone the transaction. vringtop never writes such a name, so a journal with one is an attack. A
 * journal names a super-journal if its last 8 bytes are the magic number with which it begins.
 * Returns true also if the journal cannot be read.
 */
static bool names_another(const char *journal)
{
	uint8_t first[8], last[8];
	int fd = open(journal, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	bool names = fd < 0 || read(fd, first, 8) != 8 || lseek(fd, -8, SEEK_END) < 0 ||
		     read(fd, last, 8) != 8 || !memcmp(first, last, 8);

	if (fd >= 0)
		close(fd);
	return names;
}

static int undo(const char *path)
{
	sqlite3 *db = NULL;
	char *journal;
	int err = 0;

	if (asprintf(&journal, "%s-journal", path) < 0)
		return complain(NULL, "no memory to read %s", path);
	if (!to_be_undone(journal))
		goto out;
	if (names_another(journal)) {
		err = complain("Delete the journal and try again.",
			       "%s is not the journal of a recording", journal);
		goto out;
	}
	/* SQLite undoes the transaction at its first read, unless a writer has locked the file. */
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE, NULL) !=
		    SQLITE_OK ||
	    sqlite3_db_readonly(db, "main"))
		err = complain(
			"Copy both to where you may write, or let their owner read it first.",
			"vringtop was killed while it wrote %s, and %s, which is needed to undo "
			"that, may not be written to",
			path, journal);
	else
		sqlite3_exec(db, "PRAGMA user_version", NULL, NULL, NULL);
	sqlite3_close(db);
out:
	free(journal);
	return err;
}

/*
 * Checks the header of an open file. Returns 0, or -1 after a message.
 * @whole: no transaction is left to undo, so the file must be as long as its header says
 */
static int check_open_file(const char *path, int fd, bool whole)
{
	uint8_t h[HEADER_SIZE];
	uint64_t size;
	struct stat st;

	if (fstat(fd, &st))
		return complain(NULL, "cannot read %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return complain(NULL, "%s is not a file", path);
	if (!st.st_size)
		return complain(NULL, "%s is empty: nothing was recorded", path);
	if (pread(fd, h, sizeof(h), 0) != sizeof(h) || memcmp(h, MAGIC, sizeof(MAGIC)))
		return complain(NULL, "%s is not a recording", path);
	if (number_at(h + ID_AT) != RECORDING_APPLICATION_ID)
		return complain(NULL, "%s is a SQLite database, but not a recording of vringtop",
				path);
	if (number_at(h + FORMAT_AT) > RECORDING_FORMAT)
		return complain("Use the vringtop that made it, or a newer one.",
				"%s is a recording of format %u, newer than %u, which "
				"vringtop " VRINGTOP_VERSION " reads",
				path, number_at(h + FORMAT_AT), RECORDING_FORMAT);
	if (number_at(h + FORMAT_AT) < RECORDING_FORMAT)
		return complain(NULL, "%s is a recording of format %u, which never was", path,
				number_at(h + FORMAT_AT));
	if (h[VERSIONS_AT] != 1 || h[VERSIONS_AT + 1] != 1)
		return complain("Set it back: sqlite3 FILE 'PRAGMA journal_mode=DELETE'",
				"%s was changed: it has a write-ahead log", path);
	size = (uint64_t)(h[PAGE_SIZE_AT] << 8 | h[PAGE_SIZE_AT + 1]) * number_at(h + PAGES_AT);
	if (whole && number_at(h + CHANGES_AT) == number_at(h + PAGES_FOR_AT) &&
	    (uint64_t)st.st_size < size)
		return complain(NULL, "the recording %s is cut off: %llu of %llu bytes are there",
				path, (unsigned long long)st.st_size, (unsigned long long)size);
	return 0;
}

static int check_header(const char *path, bool whole)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;

	if (fd < 0)
		return complain(NULL, "cannot read %s: %s", path, strerror(errno));
	err = check_open_file(path, fd, whole);
	close(fd);
	return err;
}

int recording_check_file(const char *path)
{
	return check_header(path, false) || undo(path) || check_header(path, true) ? -1 : 0;
}
