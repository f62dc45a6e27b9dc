/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where output goes: stdout, or a file that a user named. A file appears under its name when it is
 * complete: until then it is a temporary file beside. After an error, Ctrl-C or a kill what was
 * there before is still there, and the temporary file is gone.
 *
 * A file that is there is replaced only if it is a page, a trace or metrics of vringtop
 * (base/place.h), or with --force. It is never replaced if it is one of the inputs or the journal
 * of one, or through a symbolic link. Nothing is written to a disk.
 */
#ifndef OUTPUT_FILE_H
#define OUTPUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

struct output_file;

/**
 * Opens a file for writing. Call it before confine_reading(): a process of its own, which is not
 * confined, gives the file its name later.
 * @path: "-" is stdout; a pipe, a terminal or /dev/null is written to as it is
 * @inputs: recordings that must not be replaced, ends with NULL. Also if @path is a file, stdout
 * must not lead into one of them
 * @force: replace a recording, or a file that vringtop did not write
 * Returns NULL after it has printed why not.
 */
struct output_file *output_open(const char *path, const char *const *inputs, bool force);

/** The stream to write to. It belongs to @o. */
FILE *output_stream(const struct output_file *o);

/**
 * Closes the file, and frees @o.
 * @complete: true: the file gets its name; false: it is removed, and what was there stays
 * Returns 0, or -1 after it has printed what failed. @o may be NULL.
 */
int output_close(struct output_file *o, bool complete);

/**
 * Writes out what stdout has buffered.
 * Returns 0, or -1 if something could not be written, now or before; it prints why, once.
 */
int check_stdout(void);

#endif
