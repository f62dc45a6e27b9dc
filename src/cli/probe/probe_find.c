// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the queues of all devices, also idle queues, and counts the queues that have no entry in
 * the table.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "base/error.h"
#include "probe/device.h"
#include "probe/probe_internal.h"

#define PCI_DEVICES "/sys/bus/pci/devices"

/* What a search found in all devices. */
struct found {
	uint32_t queues;
	uint32_t ids; /* all ids are below this */
};

/*
 * Runs the program that walks through the queues of a device. This process opens the folder of the
 * device in sysfs, and the program finds the device by this open file. Does nothing if the device
 * is gone.
 * @folder, @name: the folder of the device, and its name in there
 * Returns 0, or -1 after it has printed why not.
 */
static int find_of_device(const struct probe *p, const char *folder, const char *name,
			  struct found *found)
{
	struct vt_find find = { .device = atoi(name + strlen("virtio")) };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &find, .ctx_size_in = sizeof(find));
	char path[1024];
	int err;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	find.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (find.fd < 0) {
		if (errno != ENOENT && errno != ENODEV)
			complain(NULL, "cannot open %s: %s; its queues are not shown", path,
				 strerror(errno));
		return 0;
	}
	err = bpf_prog_test_run_opts(bpf_program__fd(p->skel->progs.find_queues), &opts);
	close(find.fd);
	if (err)
		return complain(NULL, "cannot look for queues: %s", strerror(-err));
	found->queues += find.nr_queues;
	if (find.ids > found->ids)
		found->ids = find.ids;
	return 0;
}

/*
 * Finds the queues of the devices in a folder of sysfs.
 * Returns 0, also if there is no such folder, or -1 after it has printed why not.
 */
static int find_in_folder(const struct probe *p, const char *folder, struct found *found)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	int err = 0;

	if (!dir)
		return errno == ENOENT
			       ? 0
			       : complain(NULL, "cannot list %s: %s", folder, strerror(errno));
	while (!err && (e = readdir(dir)))
		if (!strncmp(e->d_name, "virtio", strlen("virtio")))
			err = find_of_device(p, folder, e->d_name, found);
	closedir(dir);
	return err;
}

/*
 * Finds the queues of devices whose removal has begun and not ended, perhaps because requests do
 * not come back. Such a device is not in VIRTIO_DEVICES any more, but its rings and its driver are
 * there, and its folder in the folder of its PCI device, which has no driver any more.
 * Returns 0, or -1 after it has printed why not.
 */
static int find_removed(const struct probe *p, struct found *found)
{
	DIR *dir = opendir(PCI_DEVICES);
	struct dirent *e;
	int err = 0;

	while (dir && !err && (e = readdir(dir))) {
		char path[sizeof(PCI_DEVICES "//driver") + sizeof(e->d_name)];
		struct stat driver;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), PCI_DEVICES "/%s/driver", e->d_name);
		if (!stat(path, &driver))
			continue;
		*strrchr(path, '/') = '\0';
		err = find_in_folder(p, path, found);
	}
	if (dir)
		closedir(dir);
	return err;
}

/* Returns how many entries of the table have a live queue. */
static uint32_t living(const struct queue_table *t)
{
	uint32_t n = 0;

	for (uint32_t entry = 1; entry < t->nr_entries; entry++)
		n += __atomic_load_n(&t->entries[entry].state, __ATOMIC_ACQUIRE) == VT_QUEUE_LIVE;
	return n;
}

int probe_find_queues(struct probe *p, uint32_t *entries)
{
	struct found found = {};
	uint32_t shown;

	/*
	 * Read these counters before the search. If a queue finds no entry during the search, the
	 * counters differ later, and the search runs again.
	 */
	p->no_entry = __atomic_load_n(&p->skel->data_shared->no_entry, __ATOMIC_ACQUIRE);
	p->lost_ids = __atomic_load_n(&p->skel->data_shared->lost_ids, __ATOMIC_ACQUIRE);
	if (find_in_folder(p, VIRTIO_DEVICES, &found) || find_removed(p, &found))
		return -1;
	shown = living(&p->queues);
	p->total.not_shown = found.queues > shown ? found.queues - shown : 0;
	/* Entry 0 is never used. */
	if (entries)
		*entries = (found.ids > found.queues ? found.ids : found.queues) + 1;
	return 0;
}
