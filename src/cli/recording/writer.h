/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes a recording. A transaction ends about once a second, so that a crash loses only what came
 * after the last transaction. Every function that fails returns NULL or -1 and prints a message,
 * but each writer prints only one. After an error the file still holds the transactions that ended
 * before.
 */
#ifndef WRITER_H
#define WRITER_H

#include "model/snapshot.h"
#include "recording/recording.h"

struct recording_writer;

/**
 * Creates a recording.
 * @path: must not exist, or must be an empty file; a symbolic link is refused
 * @info: is read only during this call. finished, events and unknown_ops are ignored.
 * Returns the writer, to be closed with recording_writer_close(); NULL after a message.
 */
struct recording_writer *recording_create(const char *path, const struct recording_info *info);

/**
 * Writes an interval.
 * @diff: the difference of two snapshots. Its times count from the start of the recording. It must
 * not end before the end of the interval that was written last.
 * Returns 0, or -1 after a message.
 */
int recording_write(struct recording_writer *w, const struct snapshot *diff);

/**
 * Writes single operations.
 * @e: @n operations in the order of time. None may be earlier than an operation that was written
 * before.
 * Returns 0, or -1 after a message.
 */
int recording_write_events(struct recording_writer *w, const struct recording_event *e, size_t n);

/**
 * Writes the fields of @now that change during a recording: exit_status, events_dropped,
 * cost_cpu_ns, probe_ns and queues_not_shown. They become part of the transaction of the next
 * interval.
 * Returns 0, or -1 after a message.
 */
int recording_update(struct recording_writer *w, const struct recording_info *now);

/**
 * Calls recording_update(), marks the recording as finished, and ends the transaction.
 * Returns 0, or -1 after a message.
 */
int recording_finish(struct recording_writer *w, const struct recording_info *end);

/**
 * Ends the transaction, closes the file and frees the writer. Without an earlier recording_finish()
 * the recording stays marked as not finished. Prints a message if the last transaction cannot be
 * written.
 * @w: may be NULL
 */
void recording_writer_close(struct recording_writer *w);

#endif
