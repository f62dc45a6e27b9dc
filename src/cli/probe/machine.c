// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/utsname.h>
#include <zlib.h>
#include "base/error.h"
#include "probe/device.h"
#include "probe/kernel.h"
#include "probe/machine.h"

/*
 * Reads "value" from the first line "name: value" of a file.
 * @value: @size bytes; empty if there is no such line
 */
static void read_value(const char *path, const char *name, char *value, size_t size)
{
	FILE *f = fopen(path, "re");
	char line[512];

	value[0] = '\0';
	while (f && !value[0] && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (strncmp(line, name, strlen(name)) || !colon)
			continue;
		colon += strspn(colon, ": \t");
		colon[strcspn(colon, "\n")] = '\0';
		snprintf(value, size, "%s", colon);
	}
	if (f)
		fclose(f);
}

/*
 * Writes the CRC-32 of the content of a file, which may be compressed. Returns false if the file
 * cannot be read.
 */
static bool checksum(const char *path, char *text, size_t size)
{
	unsigned char data[16384];
	uLong sum = crc32(0, NULL, 0);
	gzFile f = gzopen(path, "re");
	int n;

	if (!f)
		return false;
	while ((n = gzread(f, data, sizeof(data))) > 0)
		sum = crc32(sum, data, n);
	gzclose(f);
	if (!n)
		snprintf(text, size, "crc32:%08lx", sum);
	return !n;
}

static void config_hash(const char *release, char *text, size_t size)
{
	char path[512];

	snprintf(path, sizeof(path), "/boot/config-%s", release);
	if (!checksum("/proc/config.gz", text, size) && !checksum(path, text, size))
		text[0] = '\0';
}

static int describe_devices(struct recording_info *info)
{
	struct device *devices;
	int n = devices_read(&devices);

	if (n < 0)
		return 0; /* not an error: the queues have most of these data */
	info->devices = calloc(n + 1, sizeof(*info->devices));
	for (int i = 0; info->devices && i < n; i++) {
		struct recording_device *d = &info->devices[info->nr_devices++];

		d->device = devices[i].number;
		d->type = devices[i].type;
		d->features = devices[i].features;
		d->role = strdup(devices[i].role);
		d->driver = strdup(devices[i].driver);
	}
	free(devices);
	return info->devices ? 0 : -1;
}

int machine_describe(struct recording_info *info)
{
	char cmdline[4096], cpu[256], clocksource[64], config[32];
	struct timespec now;
	struct utsname u;

	if (uname(&u))
		return complain(NULL, "cannot tell the kernel's name: %s", strerror(errno));
	if (!kernel_read_line("/proc/cmdline", cmdline, sizeof(cmdline)))
		cmdline[0] = '\0';
	if (!kernel_read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource",
			      clocksource, sizeof(clocksource)))
		clocksource[0] = '\0';
	read_value("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
	config_hash(u.release, config, sizeof(config));
	clock_gettime(CLOCK_REALTIME, &now);
	info->started = now.tv_sec * 1000000000ull + now.tv_nsec;
	info->nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	info->tool_version = VRINGTOP_VERSION;
	info->kernel_release = strdup(u.release);
	info->kernel_version = strdup(u.version);
	info->machine = strdup(u.machine);
	info->host = strdup(u.nodename);
	info->config_hash = strdup(config);
	info->cmdline = strdup(cmdline);
	info->cpu = strdup(cpu);
	info->clocksource = strdup(clocksource);
	if (describe_devices(info))
		return complain(NULL, "no memory to describe this machine");
	return 0;
}

void machine_free(struct recording_info *info)
{
	const char *const owned[] = { info->kernel_release, info->kernel_version,
				      info->machine,	    info->config_hash,
				      info->cmdline,	    info->cpu,
				      info->clocksource,    info->host };

	for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
		free((char *)owned[i]);
	for (size_t i = 0; i < info->nr_devices; i++) {
		free((char *)info->devices[i].role);
		free((char *)info->devices[i].driver);
	}
	free(info->devices);
	memset(info, 0, sizeof(*info));
}
