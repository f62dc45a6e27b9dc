/* SPDX-License-Identifier: GPL-2.0 */
/* What the targets share: an input is taken apart, and something must hold. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Called by libFuzzer, which prints where it ended. */
#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

/* What is left of an input. */
struct input {
	const uint8_t *data;
	size_t size;
};

/** Takes a number of so many bytes (8 at most); 0 where the input has ended. */
static inline uint64_t take_number(struct input *in, size_t bytes)
{
	uint64_t n = 0;

	for (; bytes && in->size; bytes--, in->size--)
		n = n << 8 | *in->data++;
	return n;
}

/**
 * Takes what stands before the next byte of value @end, and that byte.
 * Returns it with a NUL behind, in memory of just that size, to be freed.
 * @length: how much it is; may be NULL
 */
static inline char *take_until(struct input *in, uint8_t end, size_t *length)
{
	const uint8_t *found = in->size ? memchr(in->data, end, in->size) : NULL;
	size_t n = found ? (size_t)(found - in->data) : in->size;
	char *text = malloc(n + 1);

	must(text);
	if (n)
		memcpy(text, in->data, n);
	text[n] = '\0';
	in->data += n + !!found;
	in->size -= n + !!found;
	if (length)
		*length = n;
	return text;
}

/** Whether a text has nothing but printable ASCII, and line feeds where those are allowed. */
static inline bool is_printable(const char *text, bool lines)
{
	for (; *text; text++)
		if ((*text < ' ' || *text > '~') && !(lines && *text == '\n'))
			return false;
	return true;
}

/**
 * Runs a verb.
 * @argv: what it is called, and its arguments; ends with NULL
 * Returns what it printed, to be freed.
 */
static inline char *printed(int (*verb)(int argc, char **argv), char **argv, int *status)
{
	FILE *saved = stdout;
	char *text = NULL;
	size_t size;
	int argc = 0;

	while (argv[argc])
		argc++;
	stdout = open_memstream(&text, &size);
	must(stdout);
	*status = verb(argc, argv);
	must(!fclose(stdout));
	stdout = saved;
	must(strlen(text) == size);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
