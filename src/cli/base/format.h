/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers and names as people read them. A number has three digits and a unit: at most six
 * characters below 1000 s and 1000 T. No function here can fail.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define FORMAT_LEN 16

/* The functions format_*() write into @buf, which has FORMAT_LEN bytes, and return it. */

/** A time: "412ns", "1.23us", "45.6ms", "16.6s". */
char *format_time(char *buf, double ns);

/**
 * A time that a clock measured which moves in steps of @clock_step ns; 0: it has no steps. If the
 * clock did not move, a step of 4 ms gives "<4.0ms"; if it moved once, "<8.0ms".
 */
char *format_measured(char *buf, double ns, uint64_t clock_step);

/**
 * The mean of many such times. Only a mean of 0 is shown as below a step, because the steps cancel
 * out in a mean.
 */
char *format_mean(char *buf, double ns, uint64_t clock_step);

/** A number or a rate: "0", "37", "1.23k", "45.6M". */
char *format_number(char *buf, double n);

/** A number of bytes: "512", "1.23K", "45.6M", steps of 1024. */
char *format_bytes(char *buf, double n);

/** A share in percent: "37%"; "-" if @whole is 0. */
char *format_share(char *buf, double part, double whole);

/**
 * Copies a name that comes from outside, so that a terminal can show it: every byte that is not
 * printable ASCII, and the backslash, becomes \xHH, because escape sequences could move the cursor.
 * @size: of @to, 1 at least; a name that is too long is cut, but never within a \xHH
 */
void copy_printable(char *to, const char *from, size_t size);

/**
 * Prints a text to stdout. The cursor is in column @column, and each further line begins there too;
 * lines end between words, before column 80.
 */
void print_wrapped(int column, const char *text);

#endif
