/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lets an allocation fail, as if there was no memory. Included by one file of a test: the functions
 * here stand before those of the C library, and end in those of AddressSanitizer, or of the library
 * where a test is built without it (make coverage).
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

#ifdef __SANITIZE_ADDRESS__
#define REAL(function) __interceptor_##function
#else
#define REAL(function) __libc_##function
#endif

void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t n, size_t size);
void *REAL(realloc)(void *old, size_t size);

void *malloc(size_t size)
{
	return no_memory_left() ? NULL : REAL(malloc)(size);
}

void *calloc(size_t n, size_t size)
{
	return no_memory_left() ? NULL : REAL(calloc)(n, size);
}

void *realloc(void *old, size_t size)
{
	return no_memory_left() ? NULL : REAL(realloc)(old, size);
}

#endif
