// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include "base/error.h"

/*
 * Returns the length of a UTF-8 character in bytes. Returns 0 for ASCII, for control characters,
 * and for bytes that are not UTF-8.
 */
static int printable_utf8(const unsigned char *s)
{
	int length = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
		     : s[0] >= 0xe0 && s[0] <= 0xef ? 3
		     : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
						    : 0;

	for (int i = 1; i < length; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	/* U+0080 to U+009F are control characters. */
	return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : length;
}

/*
 * Prints a message. A file name or an argument in the message may hold any bytes. Control
 * characters, which could move the cursor, and bytes that are not UTF-8 are printed as \xHH.
 */
static void print_message(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		int length = *s >= ' ' && *s <= '~' ? 1 : printable_utf8(s);

		if (length)
			fwrite(s, 1, length, stderr);
		else
			fprintf(stderr, "\\x%02x", *s);
		s += length ?: 1;
	}
}

void (*before_message)(void);

void vcomplain(const char *who, const char *advice, const char *fmt, va_list args)
{
	/* Does not call malloc(), because the message may say that memory ran out. */
	char text[8192];

	if (before_message)
		before_message();
	fprintf(stderr, "%s: ", who);
	vsnprintf(text, sizeof(text), fmt, args);
	print_message(text);
	fprintf(stderr, "\n");
	if (advice)
		fprintf(stderr, "  %s\n", advice);
}

int complain(const char *advice, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain("vringtop", advice, fmt, args);
	va_end(args);
	return -1;
}
