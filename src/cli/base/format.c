// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/format.h"

/* Writes @n with at least @digits digits, and no zero byte. Returns the end of the digits. */
static char *put_digits(char *to, unsigned long n, int digits)
{
	char text[24], *at = text + sizeof(text);

	for (; n || digits > 0; n /= 10, digits--)
		*--at = '0' + n % 10;
	memcpy(to, at, text + sizeof(text) - at);
	return to + (text + sizeof(text) - at);
}

/*
 * Does the same as snprintf("%.*f%s") for at most 2 decimals, in a tenth of the time. The time
 * matters, because most of a screen is numbers.
 */
static char *decimal(char *buf, int decimals, double value, const char *unit)
{
	static const unsigned int scales[] = { 1, 10, 100 };
	unsigned int scale = scales[decimals];
	unsigned long n;
	char *at;

	if (!(value >= 0 && value < 1e9)) {
		snprintf(buf, FORMAT_LEN, "%.*f%s", decimals, value, unit);
		return buf;
	}
	n = lrint(value * scale);
	at = put_digits(buf, n / scale, 1);
	if (decimals) {
		*at++ = '.';
		at = put_digits(at, n % scale, decimals);
	}
	strcpy(at, unit);
	return buf;
}

/* Writes a number with three digits, and a unit. */
static char *three_digits(char *buf, double value, const char *unit)
{
	return decimal(buf, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, unit);
}

static char *scaled(char *buf, double value, double step, const char *const *units)
{
	if (value < step - 0.5)
		return decimal(buf, value < 9.95 && value != (int)value, value, units[0]);
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

char *format_measured(char *buf, double ns, uint64_t clock_step)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	/* The clock moved n times: the time is shorter than n + 1 steps. */
	double step = ns ? 2.0 * clock_step : clock_step;
	int unit = 0;

	/* A quantile may lie between two times. Below 1.5 steps it belongs to a time of one step or
	 * none. */
	if (ns >= 1.5 * clock_step)
		return format_time(buf, ns);
	for (; step >= 999.5 && unit < 3; unit++)
		step /= 1000;
	/* Two digits, because a cell has six characters. */
	snprintf(buf, FORMAT_LEN, step < 9.95 && unit ? "<%.1f%s" : "<%.0f%s", step, units[unit]);
	return buf;
}

char *format_mean(char *buf, double ns, uint64_t clock_step)
{
	return ns ? format_time(buf, ns) : format_measured(buf, ns, clock_step);
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
		return decimal(buf, 0, 100 * part / whole, "%");
	strcpy(buf, "-");
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
		/* A part of \xHH would be read as other characters. */
		if (end - to < 4)
			break;
		to += sprintf(to, "\\x%02x", (unsigned char)*from);
	}
	*to = '\0';
}

/* The width of a line in columns. */
#define WIDTH 80

void print_wrapped(int column, const char *text)
{
	int at = column;

	while (*text) {
		int length = strcspn(text, " ");

		if (at > column && at + 1 + length > WIDTH)
			at = printf("\n%*s", column, "") - 1;
		else if (at > column)
			at += printf(" ");
		for (int i = 0; i < length; i++, at++)
			putchar(isascii(text[i]) && isprint(text[i]) ? text[i] : '?');
		text += length + strspn(text + length, " ");
	}
	putchar('\n');
}
