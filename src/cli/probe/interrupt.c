// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/format.h"
#include "probe/device.h"
#include "probe/interrupt.h"
#include "probe/kernel.h"

#define IRQS "/sys/kernel/irq"

/*
 * In an irq domain of PCI, the low bits of the hardware number are the index of the MSI-X vector. A
 * device has at most 2048 vectors (PCI 6.1). Since Linux 6.2 the higher bits are 0.
 */
#define VECTORS 2048

static int is_number(const struct dirent *e)
{
	return e->d_name[0] >= '0' && e->d_name[0] <= '9';
}

static bool read_attribute(unsigned int irq, const char *attribute, char *line, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), IRQS "/%u/%s", irq, attribute);
	return kernel_read_line(path, line, size);
}

/*
 * Returns the index of the vector of an interrupt in the table of its device, or -1 if the index is
 * not known.
 */
static int vector_of(unsigned int irq)
{
	char line[32];

	if (!read_attribute(irq, "hwirq", line, sizeof(line)) || !line[0])
		return -1;
	return strtoul(line, NULL, 10) % VECTORS;
}

/*
 * Reads how often an interrupt came. The file has a count for each possible CPU, separated by
 * commas, so the line may be long. Returns false if the file cannot be read.
 */
static bool read_count(unsigned int irq, uint64_t *count)
{
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), IRQS "/%u/per_cpu_count", irq);
	f = fopen(path, "re");
	ok = f && getline(&line, &size, f) > 0;
	*count = 0;
	for (char *at = line, *end; ok && *at; at = *end ? end + 1 : end) {
		*count += strtoull(at, &end, 10);
		if (end == at)
			break;
	}
	free(line);
	if (f)
		fclose(f);
	return ok;
}

bool interrupt_of_queue(int device, const char *name, unsigned int rank, unsigned int alike,
			unsigned int *irq, uint64_t *count)
{
	char path[64], action[16 + VT_NAME_LEN], line[128];
	unsigned int irqs[VECTORS], nr = 0;
	int vectors[VECTORS], found = -1;
	struct dirent **names;
	int n;

	snprintf(action, sizeof(action), "virtio%d-%s", device, name);
	snprintf(path, sizeof(path), VIRTIO_DEVICES "/virtio%d/../msi_irqs", device);
	n = scandir(path, &names, is_number, NULL);
	for (int i = 0; i < n; i++) {
		unsigned int number = strtoul(names[i]->d_name, NULL, 10);
		int vector = vector_of(number);

		free(names[i]);
		if (nr == VECTORS || vector < 0 ||
		    !read_attribute(number, "actions", line, sizeof(line)) || strcmp(line, action))
			continue;
		vectors[nr] = vector;
		irqs[nr++] = number;
	}
	if (n >= 0)
		free(names);
	/*
	 * If there are as many vectors as queues of this name, each of these queues has its own
	 * vector.
	 */
	for (unsigned int i = 0; nr == alike && i < nr; i++) {
		unsigned int before = 0;

		for (unsigned int k = 0; k < nr; k++)
			before += vectors[k] < vectors[i];
		if (before == rank)
			found = i;
	}
	if (found < 0)
		return false;
	*irq = irqs[found];
	return read_count(*irq, count);
}
