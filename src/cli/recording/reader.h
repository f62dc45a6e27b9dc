/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads a recording: intervals and single operations, in the order of time. The file is not
 * trusted. recording_open() refuses a file whose tables are not as vringtop writes them. If the
 * file is damaged further on, everything before the damage can be read. Every function that fails
 * prints a message and returns NULL or -1.
 */
#ifndef READER_H
#define READER_H

#include "model/snapshot.h"
#include "recording/recording.h"

struct recording_reader;

/**
 * Opens a recording. If the file has operations that this vringtop does not know, a message names
 * them, recording_info()->unknown_ops is their number, and the reader leaves them out.
 * Returns the reader, to be closed with recording_reader_close(); NULL after a message.
 */
struct recording_reader *recording_open(const char *path);

/** Returns where, when and how the recording was made. Valid until recording_reader_close(). */
const struct recording_info *recording_info(const struct recording_reader *r);

/**
 * Reads the next interval.
 * @diff: overwritten with the interval: the difference of two snapshots, to be freed with
 * snapshot_free(). All times count from the start of the recording. An operation without events in
 * the interval is NULL. A queue has the names that it had at the end of the recording.
 * Returns 1; 0 at the end; -1 after a message. If the result is 0 or -1, @diff is empty. After -1
 * nothing more can be read: every further call returns -1 and prints no message.
 */
int recording_next(struct recording_reader *r, struct snapshot *diff);

/** Reads the next single operation into @e. Returns 1; 0 at the end; -1 after a message. */
int recording_next_event(struct recording_reader *r, struct recording_event *e);

/** Goes back to the first interval and the first single operation. */
void recording_rewind(struct recording_reader *r);

/** Closes the file and frees what the reader owns. @r may be NULL. */
void recording_reader_close(struct recording_reader *r);

#endif
