/* SPDX-License-Identifier: GPL-2.0 */
/* What the specification says of rings: feature bits and notification data. Pure. */
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

/* The feature bits that say how the ring works; ends with name NULL. */
struct ring_feature {
	unsigned int bit;
	const char *name;	/* as in the specification, without VIRTIO_ and F_ */
	const char *short_name; /* for tables; NULL: the layout says it, or nearly all have it */
};
extern const struct ring_feature ring_features[];

/** The layout of a device's rings, by its negotiated features. */
enum vt_layout ring_layout(uint64_t features);

/* The notification data, virtio 1.3 section 2.9. */
struct notification {
	uint16_t queue;	      /* virtqueue index */
	uint16_t next_offset; /* of the next available descriptor or ring entry */
	bool has_wrap;	      /* packed only */
	bool wrap_counter;
};

/** Takes the 32-bit value of a doorbell with notification data apart. */
struct notification notification_decode(enum vt_layout layout, uint32_t value);

/** Whether a queue's doorbells carry notification data. */
bool queue_has_notification_data(const struct queue *q);

/** Leaves out the newest doorbells, from the first on that was not written when they were read. */
void doorbells_settle(struct vt_doorbells *d);

/**
 * A doorbell with notification data.
 * @back: 0 the newest, 1 the one before, ...
 * Returns NULL where there was none or it is not kept any more.
 */
const struct vt_doorbell *queue_doorbell(const struct queue *q, unsigned int back);

/* All queues of one layout. */
struct layout_usage {
	unsigned int queues;
	uint64_t buffers, bytes_out, bytes_in;
	struct op_stats sum; /* of all operations */
};

/** Sums the queues of a layout; @u is overwritten. */
void layout_usage(const struct snapshot *s, enum vt_layout layout, struct layout_usage *u);

#endif
