/* SPDX-License-Identifier: GPL-2.0 */
/* The one style of errors: what failed, on what, why, and what the user can do. */
#ifndef ERROR_H
#define ERROR_H

/**
 * Prints an error to stderr.
 * @advice: what the user can do, a sentence; NULL: nothing to add
 * @fmt: what failed, on what and why, as in printf()
 * Returns -1, for `return complain(...)`.
 */
__attribute__((format(printf, 2, 3))) int complain(const char *advice, const char *fmt, ...);

#endif
