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
#include <unistd.h>
#include <bpf/bpf.h>
#include "base/error.h"
#include "probe/device.h"
#include "probe/probe_internal.h"

/*
 * Runs the program that walks through the queues of a device. This process opens the folder of the
 * device in sysfs, and the program finds the device by this open file.
 * @find: becomes what the program found; zero if the device is gone
 * Returns 0, or -1 after it has printed why not.
 */
static int find_of_device(const struct probe *p, const char *name, struct vt_find *find)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = find, .ctx_size_in = sizeof(*find));
	char path[sizeof(VIRTIO_DEVICES) + 256];
	int err;

	memset(find, 0, sizeof(*find));
	find->device = atoi(name + strlen("virtio"));
	snprintf(path, sizeof(path), VIRTIO_DEVICES "/%s", name);
	find->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (find->fd < 0) {
		if (errno != ENOENT && errno != ENODEV)
			complain(NULL, "cannot open %s: %s; its queues are not shown", path,
				 strerror(errno));
		return 0;
	}
	err = bpf_prog_test_run_opts(bpf_program__fd(p->skel->progs.find_queues), &opts);
	close(find->fd);
	return err ? complain(NULL, "cannot look for queues: %s", strerror(-err)) : 0;
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
	uint32_t queues = 0, ids = 0, shown;
	struct dirent *e;
	DIR *dir;
	int err = 0;

	/*
	 * Read these counters before the search. If a queue finds no entry during the search, the
	 * counters differ later, and the search runs again.
	 */
	p->no_entry = __atomic_load_n(&p->skel->data_shared->no_entry, __ATOMIC_ACQUIRE);
	p->lost_ids = __atomic_load_n(&p->skel->data_shared->lost_ids, __ATOMIC_ACQUIRE);
	dir = opendir(VIRTIO_DEVICES);
	if (!dir && errno != ENOENT)
		return complain(NULL, "cannot list " VIRTIO_DEVICES ": %s", strerror(errno));
	while (dir && !err && (e = readdir(dir))) {
		struct vt_find find;

		if (strncmp(e->d_name, "virtio", strlen("virtio")))
			continue;
		err = find_of_device(p, e->d_name, &find);
		queues += find.nr_queues;
		if (find.ids > ids)
			ids = find.ids;
	}
	if (dir)
		closedir(dir);
	if (err)
		return -1;
	shown = living(&p->queues);
	p->total.not_shown = queues > shown ? queues - shown : 0;
	if (entries)
		*entries = (ids > queues ? ids : queues) + 1; /* entry 0 is never used */
	return 0;
}
