// SPDX-License-Identifier: GPL-2.0
/* Reads values of rows of a recording, and says what is wrong with the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/format.h"
#include "recording/reader_internal.h"

int reader_damaged(struct recording_reader *r, const char *what)
{
	char text[200];

	if (r->ended)
		return -1;
	r->ended = true;
	copy_printable(text, what, sizeof(text));
	return complain(NULL, "the recording %s is damaged: %s", r->path, text);
}

int reader_no_memory(struct recording_reader *r)
{
	if (r->ended)
		return -1;
	r->ended = true;
	return complain(NULL, "no memory to read %s", r->path);
}

int reader_failed(struct recording_reader *r)
{
	int code = sqlite3_errcode(r->db), cause = sqlite3_system_errno(r->db);

	if (r->ended)
		return -1;
	switch (code) {
	case SQLITE_BUSY:
		r->ended = true;
		return complain("Wait for its end.", "%s is being written to", r->path);
	case SQLITE_NOMEM:
		return reader_no_memory(r);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		r->ended = true;
		return complain(NULL, "cannot read %s: %s", r->path,
				cause ? strerror(cause) : sqlite3_errmsg(r->db));
	case SQLITE_INTERRUPT:
		return reader_damaged(r, "reading it takes too many steps");
	}
	return reader_damaged(r, sqlite3_errmsg(r->db));
}

uint64_t row_number(struct recording_reader *r, sqlite3_stmt *s, int column, uint64_t max)
{
	sqlite3_int64 n = sqlite3_column_int64(s, column);

	if (sqlite3_column_type(s, column) == SQLITE_INTEGER && n >= 0 && (uint64_t)n <= max)
		return n;
	r->bad = true;
	return 0;
}

double row_real(struct recording_reader *r, sqlite3_stmt *s, int column)
{
	double x = sqlite3_column_double(s, column);

	/* These comparisons are false for a NaN. */
	if (sqlite3_column_type(s, column) == SQLITE_FLOAT && x >= -1e300 && x <= 1e300)
		return x;
	r->bad = true;
	return 0;
}

void row_text(struct recording_reader *r, sqlite3_stmt *s, int column, char *to, size_t size)
{
	const char *from = (const char *)sqlite3_column_text(s, column), *c = from;

	to[0] = '\0';
	if (sqlite3_column_type(s, column) != SQLITE_TEXT || !from) {
		r->bad = true;
		return;
	}
	while (*c >= ' ' && *c <= '~')
		c++;
	/* The writer has escaped names already. A second time would escape the backslashes. */
	if (!*c)
		snprintf(to, size, "%s", from);
	else
		copy_printable(to, from, size);
}

const char *row_keep_text(struct recording_reader *r, sqlite3_stmt *s, int column)
{
	size_t size = 4 * (size_t)sqlite3_column_bytes(s, column) + 1;
	char **strings = realloc(r->strings, (r->nr_strings + 1) * sizeof(*strings));
	char *to = strings ? malloc(size) : NULL;

	if (strings)
		r->strings = strings;
	if (!to)
		return NULL;
	row_text(r, s, column, to, size);
	return r->strings[r->nr_strings++] = to;
}

int next_row(struct recording_reader *r, sqlite3_stmt *s)
{
	int code = sqlite3_step(s);

	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : reader_failed(r);
}

sqlite3_stmt *prepare_query(struct recording_reader *r, const char *sql)
{
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(r->db, sql, -1, &s, NULL) == SQLITE_OK)
		return s;
	reader_failed(r);
	return NULL;
}
