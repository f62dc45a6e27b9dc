/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes a recording. A transaction ends about once a second: a crash loses at most what came after
 * the last one. Every function that fails prints a message, once for each writer, and returns NULL
 * or -1; the file then holds what was written before.
 */
#ifndef WRITER_H
#define WRITER_H

#include "model/snapshot.h"
#include "recording/recording.h"

struct recording_writer;

/**
 * Creates a recording. @path must not exist, or be an empty file; a symbolic link is refused.
 * @info: read only now. finished, events and unknown_ops are ignored.
 * Returns the writer, to be closed with recording_writer_close(); NULL after a message.
 */
struct recording_writer *recording_create(const char *path, const struct recording_info *info);

/**
 * Writes an interval.
 * @diff: difference of two snapshots, whose times count from the start of the recording. It must
 * not end before the interval that was written last. Returns 0, or -1 after a message.
 */
int recording_write(struct recording_writer *w, const struct snapshot *diff);

/**
 * Writes single operations.
 * @e: @n of them in the order of time, none earlier than one that was written before
 * Returns 0, or -1 after a message.
 */
int recording_write_events(struct recording_writer *w, const struct recording_event *e, size_t n);

/**
 * Writes the fields of @now that change while a recording goes on: exit_status, events_dropped,
 * cost_cpu_ns and probe_ns. They are part of the transaction of the next interval.
 * Returns 0, or -1 after a message.
 */
int recording_update(struct recording_writer *w, const struct recording_info *now);

/** recording_update(), then marks the recording as finished. Returns 0, or -1 after a message. */
int recording_finish(struct recording_writer *w, const struct recording_info *end);

/** Ends the transaction, closes the file and frees the writer. @w may be NULL. Without
 * recording_finish() before, the recording stays marked as not finished. */
void recording_writer_close(struct recording_writer *w);

#endif
