// SPDX-License-Identifier: GPL-2.0
/* vringtop queues: every virtqueue of the machine, idle ones too. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "error.h"
#include "json.h"
#include "options.h"
#include "probe.h"
#include "ring.h"
#include "verbs.h"

static const char doc[] =
	"Lists every virtqueue of this machine, idle ones too: device, driver, name, size, layout "
	"and the negotiated features that say how the ring works."
	"\vExamples:\n"
	"  sudo vringtop queues\n"
	"  sudo vringtop queues -D virtio_net\n"
	"  sudo vringtop queues --json";

static void print_queue(const struct queue *q)
{
	char device[24], index[16];
	int column = 65;

	snprintf(device, sizeof(device), "virtio%d %.8s", q->device, q->role);
	snprintf(index, sizeof(index), "%u", q->index);
	printf("%-14s %-12.12s %3s %-11.11s %5u %-15s", device, q->driver, index, q->name, q->num,
	       layout_name(q->layout));
	for (int i = 0; ring_features[i].name; i++) {
		int length = strlen(ring_features[i].name) + 1;

		if (!(q->features >> ring_features[i].bit & 1))
			continue;
		if (column + length > 79) {
			printf("\n%17s", "");
			column = 17;
		}
		printf(" %s", ring_features[i].name);
		column += length;
	}
	printf("\n");
}

static void print_all(const struct snapshot *s)
{
	printf("%-14s %-12s %3s %-11s %5s %-15s %s\n", "DEVICE", "DRIVER", "VQ", "NAME", "SIZE",
	       "LAYOUT", "RING FEATURES");
	for (size_t i = 0; i < s->nr_queues; i++)
		print_queue(&s->queues[i]);
}

int verb_queues(int argc, char **argv)
{
	const struct snapshot *now;
	struct snapshot s = {};
	struct options o;
	struct probe *p;
	int failed = 1;

	options_parse(argc, argv, USE_JSON, doc, &o);
	p = probe_open(0);
	if (!p)
		return 1;
	now = probe_read(p);
	if (!now || options_match(&o, now) || snapshot_copy(now, &s))
		goto out;
	options_filter(&o, &s);
	if (o.json) {
		struct json_object *all = json_object_new_array();

		for (size_t i = 0; i < s.nr_queues; i++)
			json_object_array_add(all, json_queue(&s.queues[i]));
		json_print(all);
	} else {
		print_all(&s);
	}
	failed = 0;
	if (fflush(stdout) || ferror(stdout))
		failed = -complain(NULL, "cannot write to stdout: %s", strerror(errno));
out:
	snapshot_free(&s);
	probe_close(p);
	return failed;
}
