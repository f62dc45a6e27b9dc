/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lets an allocation fail, as if there was no memory. Included by one file of a test: the functions
 * here stand before those of the C library, and end in those of AddressSanitizer.
 */
#ifndef FAIL_ALLOC_H
#define FAIL_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

static long allocations_left = -1; /* until one fails, and all after it; -1: none fails */

static bool no_memory_left(void)
{
	if (allocations_left > 0)
		allocations_left--;
	else if (!allocations_left)
		return true;
	return false;
}

void *__interceptor_malloc(size_t size);
void *__interceptor_calloc(size_t n, size_t size);
void *__interceptor_realloc(void *old, size_t size);

void *malloc(size_t size)
{
	return no_memory_left() ? NULL : __interceptor_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return no_memory_left() ? NULL : __interceptor_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return no_memory_left() ? NULL : __interceptor_realloc(old, size);
}

#endif
