/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers as people read them: short, with a unit, at most six characters. */
#ifndef FORMAT_H
#define FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define FORMAT_LEN 16

/* Each writes into @buf of FORMAT_LEN bytes and returns it. */

/** A time: "412ns", "1.23us", "45.6ms", "16.6s". */
char *format_time(char *buf, double ns);

/** A number or a rate: "0", "37", "1.23k", "45.6M". */
char *format_number(char *buf, double n);

/** A number of bytes: "512", "1.23K", "45.6M", steps of 1024. */
char *format_bytes(char *buf, double n);

/** A share of a whole: "37%"; "-" if the whole is 0. */
char *format_share(char *buf, double part, double whole);

/**
 * A name from the kernel or a device, which must not be able to move the cursor: what
 * is not printable ASCII, and the backslash, becomes \xHH. Cut to @size (1 at least).
 */
void copy_printable(char *to, const char *from, size_t size);

/** Prints words from column @column on, which go on below it where a line of 80 ends. */
void print_wrapped(int column, const char *text);

#endif
