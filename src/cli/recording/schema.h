/* SPDX-License-Identifier: GPL-2.0 */
/* What reader and writer of recordings share: the schema, and what is open. */
#ifndef SCHEMA_H
#define SCHEMA_H

#include <sqlite3.h>
#include "recording/recording.h"

struct recording_table {
	const char *name;
	const char *sql; /* as SQLite keeps it: a file with any other word in it is not ours */
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

/* The rows of the table info, and where struct recording_info has them. */
struct recording_field {
	const char *key;
	size_t offset;
	enum recording_field_kind kind;
};

/* Ends with key NULL. */
extern const struct recording_field recording_fields[];

/* More events than this no block has. */
#define EVENTS_PER_BLOCK 10000

/* A queue: as its last row in the table state has it. */
struct recorded_queue {
	struct queue queue; /* without operations */
	bool listed;	    /* it is in the snapshots */
	bool seen;	    /* writing: it is in this one */
};

struct recording {
	sqlite3 *db;
	char *path;
	struct recording_info info;
	char **strings; /* owned; what info points to */
	size_t nr_strings;
	struct recorded_queue *queues; /* reading: all, ordered by serial; writing: those listed */
	size_t nr_queues;
	uint64_t time;			/* of the interval before, ns */
	long long interval;		/* its number */
	struct recording_event *events; /* a block */
	size_t nr_events, next_event;
	uint64_t last_event; /* the time of the event before, ns */

	/* reading */
	sqlite3_stmt *intervals, *states, *ops, *blocks;
	bool no_more_intervals, no_more_blocks; /* SQLite would begin again */
	size_t *order;				/* of queues, by device and index */
	uint32_t unavailable;
	bool no_bytes_out;
	bool bad;	   /* a value was read that cannot be */
	bool ended;	   /* an error was met: nothing more is read */
	unsigned int work; /* steps of SQLite, in thousands, since the last call */

	/* writing */
	bool writing;
	bool failed;
	sqlite3_stmt *put_interval, *put_state, *put_op, *put_block, *put_queue, *put_device,
		*put_info;
	uint64_t committed; /* ns, CLOCK_MONOTONIC */
	uint64_t total_events;
};

/**
 * Checks that a file is a recording that can be read, and puts it right if it was killed
 * while it was written. Returns 0, or -1 after it has said what is wrong.
 */
int recording_check_file(const char *path);

/** Closes the database, and frees what both sides have. */
void recording_free(struct recording *r);

/** Writes what there is at the end; for recording_close(). */
void recording_end_writing(struct recording *r);

/** What the journal of a recording is called; to be freed. NULL: no memory. */
char *recording_journal(const char *path);

#endif
