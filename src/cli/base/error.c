// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include "base/error.h"

int complain(const char *advice, const char *fmt, ...)
{
	va_list args;

	fputs("vringtop: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	if (advice)
		fprintf(stderr, "  %s\n", advice);
	return -1;
}
