// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "model/filter.h"

static bool queue_matches(const struct filter *f, const struct queue *q)
{
	char text[16];

	if (f->device) {
		snprintf(text, sizeof(text), "virtio%d", q->device);
		if (strcmp(f->device, text) && strcmp(f->device, q->role))
			return false;
	}
	if (f->driver && strcmp(f->driver, q->driver))
		return false;
	if (f->queue) {
		snprintf(text, sizeof(text), "%u", q->index);
		if (strcmp(f->queue, text) && strcmp(f->queue, q->name))
			return false;
	}
	return true;
}

void filter_apply(const struct filter *f, struct snapshot *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->nr_queues; i++) {
		struct queue *q = &s->queues[i];
		bool matches = queue_matches(f, q);

		for (int op = 0; op < VT_NR_COUNTED; op++) {
			if (matches && f->ops >> op & 1)
				continue;
			free(q->op[op]);
			q->op[op] = NULL;
		}
		if (matches)
			s->queues[kept++] = *q;
	}
	s->nr_queues = kept;
}

int filter_match(const struct filter *f, const struct snapshot *s)
{
	for (size_t i = 0; i < s->nr_queues; i++)
		if (queue_matches(f, &s->queues[i]))
			return 0;
	if (!f->device && !f->driver && !f->queue)
		return complain("Is a driver bound to them? See /sys/bus/virtio/drivers.",
				"the virtio devices here have no queues");
	return complain("See all with: vringtop queues", "no queue matches%s%s%s%s%s%s",
			f->device ? " --device " : "", f->device ?: "",
			f->driver ? " --driver " : "", f->driver ?: "", f->queue ? " --queue " : "",
			f->queue ?: "");
}
