// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include "report.h"

struct counters counters;
char last_complaint[256];

int complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(last_complaint, sizeof(last_complaint), fmt, args);
	va_end(args);
	fprintf(stderr, "vhost-user-rng: %s\n", last_complaint);
	counters.errors++;
	return -1;
}
