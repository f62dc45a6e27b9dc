// SPDX-License-Identifier: GPL-2.0
/*
 * What is read of sysfs and proc: lines, and the virtio devices.
 * Input: the room for what is read, a byte; files (see files.h).
 */
#include <errno.h>
#include "base/format.h"
#include "probe/device.h"
#include "probe/kernel.h"
#include "files.h"

static void read_line(size_t room)
{
	char *line = malloc(room), *expected = malloc(room), *first;
	const char *content;
	size_t length;

	must(line && expected);
	errno = 0;
	if (!kernel_read_line("/sys/file", line, room)) {
		must(errno == ENOENT || errno == EACCES);
	} else {
		content = files_last(&length);
		first = strndup(content, strcspn(content, "\n"));
		must(first && memchr(line, '\0', room));
		copy_printable(expected, first, room);
		must(!strcmp(line, expected));
		free(first);
	}
	free(expected);
	free(line);
}

static void role(size_t room)
{
	char *text = malloc(room);

	must(text);
	device_role(1, text, room);
	must(memchr(text, '\0', room));
	must(is_printable(text, false));
	free(text);
}

static void devices(void)
{
	struct device *all;
	int n = devices_read(&all);

	must(n >= 0 || errno == EACCES);
	for (int i = 0; i < n; i++)
		must(is_printable(all[i].role, false) && is_printable(all[i].driver, false));
	free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	size_t room = take_number(&in, 1) + 2;

	files_from(&in);
	read_line(room);
	role(room);
	must(device_count() >= 0);
	devices();
	kernel_confidential();
	files_from(NULL);
	return 0;
}
