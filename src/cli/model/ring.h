/* SPDX-License-Identifier: GPL-2.0 */
/* Rings as virtio 1.3 defines them: features and notification data. No function here can fail. */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stdint.h>
#include "model/snapshot.h"

/* Reserved feature bits, virtio 1.3 section 6. */
enum {
	RING_F_VERSION_1 = 32,
	RING_F_PACKED = 34,
	RING_F_IN_ORDER = 35,
	RING_F_NOTIFICATION_DATA = 38,
};

/* Feature bits of rings. The array ends with name NULL. */
struct ring_feature {
	unsigned int bit;
	const char *name;	/* as in the specification, without VIRTIO_ and F_ */
	const char *short_name; /* for tables; NULL: not shown there */
};
extern const struct ring_feature ring_features[];

/** Returns the layout of a device's rings. @features: the negotiated ones */
enum vt_layout ring_layout(uint64_t features);

/* The notification data, virtio 1.3 section 2.9. */
struct notification {
	uint16_t queue;	      /* virtqueue index */
	uint16_t next_offset; /* of the next available descriptor or ring entry */
	bool has_wrap;	      /* true for packed rings */
	bool wrap_counter;
};

/** Decodes notification data: the 32-bit value that a driver writes as a doorbell. */
struct notification notification_decode(enum vt_layout layout, uint32_t value);

/** Returns true if a queue's doorbells carry notification data. */
bool queue_has_notification_data(const struct queue *q);

/**
 * Removes doorbells that were not complete when @d was copied. The kernel programs number a
 * doorbell first and write it then. d->sent becomes the number before the first doorbell that has a
 * number but is not written.
 */
void doorbells_settle(struct vt_doorbells *d);

/**
 * Returns a doorbell with notification data, which belongs to the queue.
 * @back: 0: the newest, 1: the one before, ...
 * Returns NULL if there was no such doorbell, or if a newer one has overwritten it.
 */
const struct vt_doorbell *queue_doorbell(const struct queue *q, unsigned int back);

/* What all queues of one layout did. */
struct layout_usage {
	unsigned int queues; /* number of queues that are not gone */
	uint64_t buffers, bytes_out, bytes_in;
	struct op_stats sum; /* sum of all operations */
};

/** Sums the queues of a layout. @u: overwritten */
void layout_usage(const struct snapshot *s, enum vt_layout layout, struct layout_usage *u);

#endif
