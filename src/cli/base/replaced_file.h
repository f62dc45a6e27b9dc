/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file whose content is replaced as a whole again and again: who reads it sees the old content or
 * the new one, never a part. A process of its own writes it, because the tool gives up the right to
 * open files for writing. That process has no capability. It removes the file when the tool has
 * ended, however it ended: nobody shall take old content for new.
 */
#ifndef REPLACED_FILE_H
#define REPLACED_FILE_H

#include <stddef.h>

struct replaced_file;

/**
 * Starts the process that writes the file. To be called before the tool confines itself.
 * @path: a file that is there is replaced only if it is empty, or metrics of vringtop: see
 * base/place.h
 * Returns NULL after it has printed why not.
 */
struct replaced_file *replaced_file_open(const char *path);

/**
 * Replaces the content. It does not wait for the disk: if the content before is still being
 * written, this one is left out. What failed is printed, once until a write succeeds again.
 */
void replaced_file_write(struct replaced_file *r, const char *text, size_t size);

/** Removes the file. @r may be NULL. */
void replaced_file_close(struct replaced_file *r);

#endif
