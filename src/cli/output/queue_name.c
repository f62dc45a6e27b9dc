// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include "output/queue_name.h"

static bool same_name(const struct queue *a, const struct queue *b)
{
	return a->device == b->device && a->index != b->index && !strcmp(a->name, b->name);
}

char *queue_name(const struct snapshot *s, const struct queue *q, int width, char *text)
{
	char index[16] = "";

	for (size_t i = 0; i < s->nr_queues && !index[0]; i++)
		if (same_name(&s->queues[i], q))
			snprintf(index, sizeof(index), "#%u", q->index);
	snprintf(text, QUEUE_NAME, "%.*s%s", width - (int)strlen(index), q->name, index);
	return text;
}

char *queue_title(const struct snapshot *s, const struct queue *q, char *text)
{
	char name[QUEUE_NAME];

	snprintf(text, QUEUE_TITLE, "virtio%d %s %s", q->device, queue_role(q),
		 queue_name(s, q, QUEUE_NAME - 1, name));
	return text;
}
