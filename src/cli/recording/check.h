/* SPDX-License-Identifier: GPL-2.0 */
/* Checks a file before SQLite opens it. */
#ifndef CHECK_H
#define CHECK_H

/**
 * Checks that a file is a complete recording of the format RECORDING_FORMAT. If vringtop was killed
 * in the middle of a transaction, this function lets SQLite undo the transaction. SQLite must write
 * to the file for that.
 * Returns 0, or -1 after a message.
 */
int recording_check_file(const char *path);

#endif
