/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads a recording: intervals and single operations, in the order of time. A file is not trusted.
 * One that is not as vringtop writes it is refused; of one that is damaged later on, what comes
 * before the damage is read. Every function that fails prints a message and returns NULL or -1.
 */
#ifndef READER_H
#define READER_H

#include "model/snapshot.h"
#include "recording/recording.h"

struct recording_reader;

/**
 * Opens a recording. Operations that this vringtop does not know are counted in
 * recording_info()->unknown_ops, named in a message, and left out of what is read.
 * Returns the reader, to be closed with recording_reader_close(); NULL after a message.
 */
struct recording_reader *recording_open(const char *path);

/** Where, when and how the recording was made. Valid until recording_reader_close(). */
const struct recording_info *recording_info(const struct recording_reader *r);

/**
 * Reads the next interval.
 * @diff: overwritten with the difference of the snapshots at its begin and end, to be freed with
 * snapshot_free(). All times count from the start of the recording. An operation without events in
 * the interval is NULL. A queue has the names that it had at the end of the recording.
 * Returns 1; 0 at the end; -1 after a message. @diff is empty unless 1 is returned. After -1
 * nothing more can be read, and no further message comes.
 */
int recording_next(struct recording_reader *r, struct snapshot *diff);

/** Reads the next single operation into @e. Returns 1; 0 at the end; -1 after a message. */
int recording_next_event(struct recording_reader *r, struct recording_event *e);

/** Goes back to the first interval and the first single operation. */
void recording_rewind(struct recording_reader *r);

/** Closes the file and frees what the reader owns. @r may be NULL. */
void recording_reader_close(struct recording_reader *r);

#endif
