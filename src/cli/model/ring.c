// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "model/ring.h"

const struct ring_feature ring_features[] = {
	{ 28, "INDIRECT_DESC", "indirect" },
	{ 29, "EVENT_IDX", "event_idx" },
	{ RING_F_VERSION_1, "VERSION_1", NULL },
	{ 33, "ACCESS_PLATFORM", "platform" },
	{ RING_F_PACKED, "RING_PACKED", NULL },
	{ RING_F_IN_ORDER, "IN_ORDER", NULL },
	{ 36, "ORDER_PLATFORM", "order" },
	{ 37, "SR_IOV", NULL },
	{ RING_F_NOTIFICATION_DATA, "NOTIFICATION_DATA", "notif_data" },
	{ 39, "NOTIF_CONFIG_DATA", "notif_config" },
	{ 40, "RING_RESET", "reset" },
	{},
};

enum vt_layout ring_layout(uint64_t features)
{
	bool packed = features >> RING_F_PACKED & 1, in_order = features >> RING_F_IN_ORDER & 1;

	if (packed)
		return in_order ? VT_LAYOUT_PACKED_IN_ORDER : VT_LAYOUT_PACKED;
	return in_order ? VT_LAYOUT_SPLIT_IN_ORDER : VT_LAYOUT_SPLIT;
}

struct notification notification_decode(enum vt_layout layout, uint32_t value)
{
	struct notification n = {
		.queue = value & 0xffff,
		.next_offset = value >> 16,
	};

	if (layout_is_packed(layout)) {
		n.has_wrap = true;
		n.wrap_counter = n.next_offset >> 15;
		n.next_offset &= 0x7fff;
	}
	return n;
}

bool queue_has_notification_data(const struct queue *q)
{
	return q->features >> RING_F_NOTIFICATION_DATA & 1;
}

void doorbells_settle(struct vt_doorbells *d)
{
	unsigned int kept = d->sent < VT_NR_DOORBELLS ? d->sent : VT_NR_DOORBELLS;

	/*
	 * Two CPUs may ring at the same time, so that doorbell n + 1 is written before doorbell n.
	 */
	for (unsigned int number = d->sent - kept + 1; kept; number++, kept--) {
		if ((int)(d->last[(number - 1) % VT_NR_DOORBELLS].number - number) >= 0)
			continue;
		d->sent = number - 1;
		return;
	}
}

const struct vt_doorbell *queue_doorbell(const struct queue *q, unsigned int back)
{
	unsigned int number = q->doorbells.sent - back;
	const struct vt_doorbell *d = &q->doorbells.last[(number - 1) % VT_NR_DOORBELLS];

	if (back >= q->doorbells.sent || back >= VT_NR_DOORBELLS)
		return NULL;
	/* A newer doorbell may have overwritten this one. */
	return d->number == number ? d : NULL;
}

void layout_usage(const struct snapshot *s, enum vt_layout layout, struct layout_usage *u)
{
	memset(u, 0, sizeof(*u));
	for (size_t i = 0; i < s->nr_queues; i++) {
		const struct queue *q = &s->queues[i];

		if (q->layout != layout)
			continue;
		u->queues += !q->gone;
		u->buffers += queue_buffers(q);
		u->bytes_out += queue_bytes_out(q);
		u->bytes_in += queue_bytes_in(q);
		for (int op = 0; op < VT_NR_OPS; op++)
			op_stats_add(&u->sum, q->op[op]);
	}
}
