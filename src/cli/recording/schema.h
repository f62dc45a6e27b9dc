/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the reader and the writer of recordings: the tables, and the name of the database. */
#ifndef SCHEMA_H
#define SCHEMA_H

#include <sqlite3.h>
#include "recording/recording.h"

struct recording_table {
	const char *name;
	const char *sql; /* as in sqlite_master; the reader refuses a file with any other text */
};

/* Ends with name NULL. */
extern const struct recording_table recording_tables[];

enum recording_field_kind {
	FIELD_TEXT,
	FIELD_INT,
	FIELD_U64,
	FIELD_BOOL,
	FIELD_DOUBLE,
};

/* A row of the table info, and the member of struct recording_info that holds its value. */
struct recording_field {
	const char *key;
	size_t offset;
	enum recording_field_kind kind;
};

/* Ends with key NULL. */
extern const struct recording_field recording_fields[];

/* The largest number of single operations in a block. A block is a row of the table events. */
#define EVENTS_PER_BLOCK 10000

/**
 * Makes the name under which SQLite opens a recording. A name without a directory gets "./" before
 * it, because SQLite has its own meaning for names such as ":memory:".
 * Returns the name, to be freed; NULL without memory. Prints no message.
 */
char *recording_file_name(const char *path);

/** Finalizes all statements of a database and closes it. @db may be NULL. */
void recording_close_database(sqlite3 *db);

#endif
