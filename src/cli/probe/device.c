// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/format.h"
#include "probe/device.h"
#include "probe/kernel.h"

static int is_device(const struct dirent *e)
{
	return !strncmp(e->d_name, "virtio", strlen("virtio"));
}

int device_count(void)
{
	DIR *dir = opendir(VIRTIO_DEVICES);
	struct dirent *e;
	int n = 0;

	while (dir && (e = readdir(dir)))
		n += is_device(e);
	if (dir)
		closedir(dir);
	return n;
}

void device_role(int number, char *role, size_t size)
{
	static const char *const kinds[] = { "block", "net" };
	char path[128];
	struct dirent *e;
	DIR *dir;

	role[0] = '\0';
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds) && !role[0]; k++) {
		snprintf(path, sizeof(path), VIRTIO_DEVICES "/virtio%d/%s", number, kinds[k]);
		dir = opendir(path);
		while (dir && (e = readdir(dir)))
			if (e->d_name[0] != '.')
				copy_printable(role, e->d_name, size);
		if (dir)
			closedir(dir);
	}
}

int device_status(int number)
{
	char path[64], line[32];

	snprintf(path, sizeof(path), VIRTIO_DEVICES "/virtio%d/status", number);
	return kernel_read_line(path, line, sizeof(line)) ? (int)strtoul(line, NULL, 16) & 0xff
							  : -1;
}

int device_interface_up(int number)
{
	char role[VT_NAME_LEN], path[128], line[32];

	device_role(number, role, sizeof(role));
	snprintf(path, sizeof(path), VIRTIO_DEVICES "/virtio%d/net/%s/flags", number, role);
	return kernel_read_line(path, line, sizeof(line)) ? !!(strtoul(line, NULL, 16) & IFF_UP)
							  : -1;
}

/* Parses the features: a character for each bit, bit 0 first. */
static uint64_t parse_features(const char *line)
{
	uint64_t features = 0;

	for (int i = 0; i < 64 && (line[i] == '0' || line[i] == '1'); i++)
		features |= (uint64_t)(line[i] - '0') << i;
	return features;
}

static void read_device(const char *name, struct device *d)
{
	char path[512], line[256];
	const char *driver;
	ssize_t length;

	d->number = atoi(name + strlen("virtio"));
	device_role(d->number, d->role, sizeof(d->role));
	snprintf(path, sizeof(path), VIRTIO_DEVICES "/%s/driver", name);
	length = readlink(path, line, sizeof(line) - 1);
	if (length > 0) {
		line[length] = '\0';
		driver = strrchr(line, '/');
		copy_printable(d->driver, driver ? driver + 1 : line, sizeof(d->driver));
	}
	snprintf(path, sizeof(path), VIRTIO_DEVICES "/%s/device", name);
	if (kernel_read_line(path, line, sizeof(line)))
		d->type = strtoul(line, NULL, 16);
	snprintf(path, sizeof(path), VIRTIO_DEVICES "/%s/features", name);
	if (kernel_read_line(path, line, sizeof(line)))
		d->features = parse_features(line);
	else
		d->unreadable = true;
}

int devices_read(struct device **devices)
{
	struct dirent **names;
	int n = scandir(VIRTIO_DEVICES, &names, is_device, versionsort);

	*devices = n > 0 ? calloc(n, sizeof(**devices)) : NULL;
	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		if (*devices)
			read_device(names[i]->d_name, &(*devices)[i]);
		free(names[i]);
	}
	free(names);
	return n && !*devices ? -1 : n;
}
