/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device's side of a virtqueue, split or packed (virtio 1.3, sections 2.7 and 2.8).
 * Buffers are returned in the order in which they were taken, with or without in-order.
 * What the driver wrote is checked; a ring that breaks the rules is broken until it starts again.
 */
#ifndef RING_H
#define RING_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include "memory.h"

#define RING_MAX_SIZE	  32768
#define RING_MAX_SEGMENTS 1024 /* of one buffer, however it is described */

struct ring {
	/* Set before it starts. */
	bool packed;
	bool event_idx;
	bool indirect;
	uint16_t size;

	bool running;
	bool broken;
	unsigned int starts; /* with each, what was taken before is to be forgotten */
	union {
		struct {
			struct vring_desc *desc;
			struct vring_avail *avail;
			struct vring_used *used;
		} split;
		struct {
			struct vring_packed_desc *desc;
			struct vring_packed_desc_event *driver;
			struct vring_packed_desc_event *device;
		} packed_ring;
	};

	/* Split: free-running indices. Packed: positions in the ring, each with its wrap counter.
	 */
	uint16_t next_avail;
	uint16_t next_used;
	bool avail_wrap;
	bool used_wrap;
	uint16_t taken;		   /* packed: descriptors taken and not yet returned */
	uint16_t last;		   /* how far next_avail moved with the latest buffer */
	unsigned long long *wraps; /* counts how often next_avail came round to the ring's start */
};

/* A buffer's writable part, where it is here. */
struct ring_buffer {
	uint16_t id;
	uint16_t slots; /* by how much it moves the ring's position */
	bool readable;	/* it has a part that the device may only read */
	unsigned int segments;
	struct iovec segment[RING_MAX_SEGMENTS];
};

/**
 * Starts the ring where the front-end says that it is.
 * @desc, @driver, @device: addresses in the front-end of its three parts
 * Returns 0, or -1 after a complaint.
 */
int ring_start(struct ring *ring, const struct memory *memory, uint64_t desc, uint64_t driver,
	       uint64_t device);

/* The ring's position in the front-end's words (see SET_VRING_BASE and GET_VRING_BASE). */
void ring_set_base(struct ring *ring, uint32_t base);
/* Buffers that were taken and not returned count as not taken. */
uint32_t ring_base(const struct ring *ring);

/* Takes the next available buffer. Returns 1, 0 if there is none, or -1 after a complaint. */
int ring_take(struct ring *ring, const struct memory *memory, struct ring_buffer *buffer);

/* Returns the oldest taken buffer as used. Returns whether the driver wants to be told. */
bool ring_return(struct ring *ring, uint16_t id, uint16_t slots, uint32_t written);

/* Asks for a kick with the next buffer. Returns whether one came before the driver could see it. */
bool ring_want_kick(struct ring *ring);

/* Two faults. An event index that stays behind, so that the driver sees no reason to kick... */
void ring_leave_stale_event(struct ring *ring);
/* ...and the flag that no kick is wanted. */
void ring_refuse_kicks(struct ring *ring);

#endif
