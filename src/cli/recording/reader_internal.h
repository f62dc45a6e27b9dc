/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Types and functions that the files of the reader share. No other file includes this header.
 * reader_open.c opens a recording, reader.c reads its intervals and single operations, reader_row.c
 * reads values of rows and prints errors.
 */
#ifndef READER_INTERNAL_H
#define READER_INTERNAL_H

#include <sqlite3.h>
#include "recording/reader.h"

/* An operation's number in a file is below this: it has VT_OPS_SHIFT bits, as in the kernel. */
#define NR_FILE_OPS (1 << VT_OPS_SHIFT)
_Static_assert(VT_NR_COUNTED <= NR_FILE_OPS, "an operation without a number for recordings");

/* No value in a recording is longer, bytes. */
#define MAX_BLOB (1 << 20)

/* Values of recording_reader.op_of that are no enum vt_op. */
#define OP_NONE	   -1 /* the table operation has no such number */
#define OP_UNKNOWN -2 /* the table has a name for the number that this vringtop does not know */

/* A queue, with the state of its row in the table state that was read last. */
struct recorded_queue {
	struct queue queue; /* without operations */
	bool listed;	    /* it is in the snapshot of this interval */
};

struct recording_reader {
	sqlite3 *db;
	char *path;
	struct recording_info info;
	char **strings; /* owned: the strings in info */
	size_t nr_strings;
	int op_of[NR_FILE_OPS]; /* by number in the file: an enum vt_op, OP_NONE or OP_UNKNOWN */
	uint32_t unavailable;	/* the same in all snapshots */
	bool no_bytes_out;
	uint64_t clock_step; /* ns */

	struct recorded_queue *queues; /* owned; all queues, ordered by serial */
	size_t nr_queues;
	size_t *order; /* owned: indexes of queues, ordered by device and index */

	sqlite3_stmt *intervals, *states, *ops, *blocks;
	bool no_more_intervals, no_more_blocks; /* at the end: another step starts again */
	long long interval;			/* number of the interval that was read last */
	uint64_t time;				/* end of that interval, ns */

	struct recording_event *events; /* owned: the block that was read last */
	size_t nr_events, next_event;
	uint64_t last_event; /* time of the event that was read last, ns */

	bool bad;	   /* a value was read that is not valid */
	bool ended;	   /* an error was printed: nothing more is read */
	unsigned int work; /* steps of SQLite in this call, in thousands */
};

/* --- Errors: each prints a message, unless this reader has printed one before. Returns -1. --- */

/** Says that the file is damaged. @what: what is wrong with it */
int reader_damaged(struct recording_reader *r, const char *what);

/** Says what SQLite's last error was. */
int reader_failed(struct recording_reader *r);

/** Says that there is no memory. */
int reader_no_memory(struct recording_reader *r);

/* --- Queries --- */

/** Prepares a query. recording_reader_close() finalizes it. Returns NULL after a message. */
sqlite3_stmt *prepare_query(struct recording_reader *r, const char *sql);

/** Goes to the next row. Returns 1 if there is one; 0 at the end; -1 after a message. */
int next_row(struct recording_reader *r, sqlite3_stmt *s);

/*
 * --- Values of a row. A value that is not valid becomes 0 or empty, and sets r->bad. No message is
 * printed. ---
 */

/** Returns an integer of 0..@max. */
uint64_t row_number(struct recording_reader *r, sqlite3_stmt *s, int column, uint64_t max);

/** Returns a floating-point number that is not NaN, -1e300..1e300. */
double row_real(struct recording_reader *r, sqlite3_stmt *s, int column);

/** Copies a string. Escapes what is not printable. @size: of @to, bytes; what is longer is cut */
void row_text(struct recording_reader *r, sqlite3_stmt *s, int column, char *to, size_t size);

/** Copies a string whole. The reader owns the copy. Returns NULL without memory. */
const char *row_keep_text(struct recording_reader *r, sqlite3_stmt *s, int column);

#endif
