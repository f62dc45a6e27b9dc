/* SPDX-License-Identifier: GPL-2.0 */
/* What can be found out about a file before SQLite opens it. */
#ifndef CHECK_H
#define CHECK_H

/**
 * Checks that a file is a whole recording of our format. If vringtop was killed in the middle of a
 * transaction, SQLite undoes that transaction, for which the file must be writable.
 * Returns 0, or -1 after a message.
 */
int recording_check_file(const char *path);

#endif
