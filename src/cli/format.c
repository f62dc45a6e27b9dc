// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include "format.h"

/* Three digits, then the unit. */
static char *three_digits(char *buf, double value, const char *unit)
{
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	snprintf(buf, FORMAT_LEN, "%.*f%s", decimals, value, unit);
	return buf;
}

static char *scaled(char *buf, double value, double step, const char *const *units)
{
	if (value < step - 0.5) {
		snprintf(buf, FORMAT_LEN, value < 9.95 && value != (int)value ? "%.1f%s" : "%.0f%s",
			 value, units[0]);
		return buf;
	}
	do {
		value /= step;
		units++;
	} while (value >= step - 0.5 && units[1]);
	return three_digits(buf, value, units[0]);
}

char *format_time(char *buf, double ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s", NULL };

	return scaled(buf, ns, 1000, units);
}

char *format_number(char *buf, double n)
{
	static const char *const units[] = { "", "k", "M", "G", "T", NULL };

	return scaled(buf, n, 1000, units);
}

char *format_bytes(char *buf, double n)
{
	static const char *const units[] = { "", "K", "M", "G", "T", NULL };

	return scaled(buf, n, 1024, units);
}

char *format_share(char *buf, double part, double whole)
{
	if (whole > 0)
		snprintf(buf, FORMAT_LEN, "%.0f%%", 100 * part / whole);
	else
		snprintf(buf, FORMAT_LEN, "-");
	return buf;
}

void copy_printable(char *to, const char *from, size_t size)
{
	const char *end = to + size - 1;

	for (; *from && to < end; from++) {
		if (*from >= ' ' && *from <= '~' && *from != '\\') {
			*to++ = *from;
			continue;
		}
		/* Whole or not at all. */
		if (end - to < 4)
			break;
		to += sprintf(to, "\\x%02x", (unsigned char)*from);
	}
	*to = '\0';
}
