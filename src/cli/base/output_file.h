/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where output goes: stdout, or a file that a user named. A file appears under its name when it is
 * complete: until then it is a temporary file beside. After an error, Ctrl-C or a kill what was
 * there before is still there, and the temporary file is gone.
 *
 * A file that is there is replaced only if vringtop wrote it (a page, a trace or metrics, known by
 * the mark that it begins with), or with --force. It is never replaced if it is one of the inputs,
 * or through a symbolic link.
 */
#ifndef OUTPUT_FILE_H
#define OUTPUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

/* What a page, a trace and metrics have among their first 512 bytes. */
#define PAGE_MARK    "<meta name=\"generator\" content=\"vringtop\">"
#define TRACE_MARK   "\"generator\":\"vringtop\""
#define METRICS_MARK "# HELP vringtop_"

struct output_file;

/**
 * Opens a file for writing. Call it before confine_reading(): a process of its own, which is not
 * confined, gives the file its name later.
 * @path: "-" is stdout; a pipe or a device is written to as it is
 * @inputs: files that must not be replaced, ends with NULL
 * @force: replace a file that vringtop did not write
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
