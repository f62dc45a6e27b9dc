/* SPDX-License-Identifier: GPL-2.0 */
/* The one style of errors: what failed, on what, why, and what the user can do. */
#ifndef ERROR_H
#define ERROR_H

#include <stdarg.h>

/**
 * Prints an error to stderr. Control characters in it are printed as \xHH.
 * @advice: what the user can do, a sentence; NULL: nothing to add
 * @fmt: what failed, on what and why, as in printf()
 * Returns -1, for `return complain(...)`.
 */
__attribute__((format(printf, 2, 3))) int complain(const char *advice, const char *fmt, ...);

/*
 * Is called before a message is printed, if it is set: a view that has the whole screen leaves it,
 * because the message would go with the screen.
 */
extern void (*before_message)(void);

/** The same, for a caller that has a va_list. @who: stands before the message, "vringtop" */
__attribute__((format(printf, 3, 0))) void vcomplain(const char *who, const char *advice,
						     const char *fmt, va_list args);

#endif
