// SPDX-License-Identifier: GPL-2.0
/*
 * Names from the kernel and from devices: what reaches the terminal is printable, ends, is never
 * longer than its room, and tells the name.
 * Input: the room, a byte; the name.
 */
#include <ctype.h>
#include "base/format.h"
#include "fuzz.h"

/* The byte that an escaped text begins with; @text goes on behind it. */
static unsigned char unescape(const char **text)
{
	char digits[3] = {};

	if (**text != '\\')
		return *(*text)++;
	must((*text)[1] == 'x' && isxdigit((*text)[2]) && isxdigit((*text)[3]));
	memcpy(digits, *text + 2, 2);
	*text += 4;
	return strtoul(digits, NULL, 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	size_t room = take_number(&in, 1) + 1;
	char *name = take_until(&in, '\0', NULL), *to = malloc(room);
	const char *rest = to, *from = name;

	must(to);
	copy_printable(to, name, room);
	must(memchr(to, '\0', room));
	must(is_printable(to, false));
	while (*rest)
		must(unescape(&rest) == (unsigned char)*from++);
	/* What was cut off did not fit. */
	if (*from)
		must(strlen(to) + (isprint(*from) && *from != '\\' ? 1 : 4) >= room);
	free(name);
	free(to);
	return 0;
}
