// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include "interrupts.h"

/* Whether a list of names, separated by commas and at the end of a line, has this one. */
static bool has_name(const char *line, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = strstr(line, name); at; at = strstr(at + 1, name)) {
		char before = at == line ? ' ' : at[-1], after = at[length];

		if (before == ' ' && (!after || after == ',' || after == '\n'))
			return true;
	}
	return false;
}

/* "  25:   12   3   PCI-MSIX-0000:00:05.0   1-edge   virtio3-req.0"; returns what follows the
 * counts. */
static const char *parse_line(const char *line, unsigned int cpus, struct interrupt *i)
{
	char *end;

	i->number = strtoul(line, &end, 10);
	i->count = 0;
	if (end == line || *end != ':')
		return NULL; /* NMI and the like */
	line = end + 1;
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		i->count += strtoull(line, &end, 10);
		if (end == line)
			return NULL;
		line = end;
	}
	return line;
}

static unsigned int count_cpus(const char *line)
{
	unsigned int n = 0;

	while ((line = strstr(line, "CPU"))) {
		n++;
		line += 3;
	}
	return n;
}

/*
 * virtio_pci names an interrupt after its queue, or after all queues of the device if
 * they share one; without MSI-X, after the device, which may share it with others.
 */
bool interrupt_find(FILE *f, int device, const char *name, unsigned int nth, struct interrupt *i)
{
	char own[96], queues[32], all[16], *line = NULL;
	unsigned int cpus = 0;
	bool found = false;
	size_t size = 0;

	snprintf(own, sizeof(own), "virtio%d-%s", device, name);
	snprintf(queues, sizeof(queues), "virtio%d-virtqueues", device);
	snprintf(all, sizeof(all), "virtio%d", device);
	if (getline(&line, &size, f) > 0)
		cpus = count_cpus(line);
	while (!found && cpus && getline(&line, &size, f) > 0) {
		const char *names = parse_line(line, cpus, i);

		if (!names)
			continue;
		i->shared = has_name(names, queues) || has_name(names, all);
		found = i->shared || (has_name(names, own) && !nth--);
	}
	free(line);
	return found;
}
