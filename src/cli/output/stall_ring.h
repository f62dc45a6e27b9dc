/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state of a ring and its buffers as named values, for text and JSON. Names are those of virtio
 * 1.3, sections 2.7.6, 2.7.8 and 2.8.14; what is the driver's own is in the group "driver".
 */
#ifndef STALL_RING_H
#define STALL_RING_H

#include "model/stall_watch.h"
#include "output/fields.h"

struct ring_group {
	const char *name;
	struct fields fields;
};

#define RING_GROUPS 4

/**
 * The state of a ring without its arrays.
 * @addresses: with the addresses of the ring's areas
 * @groups: RING_GROUPS of them. Returns how many were filled.
 */
unsigned int ring_groups(const struct queue *q, const struct vt_ring *r, bool addresses,
			 struct ring_group *groups);

/* --- What follows needs @w->entries --- */

/** One buffer that the driver has in the ring, by its id. Returns false if the id is free. */
bool ring_buffer(const struct queue *q, const struct stall_watched *w, uint32_t id,
		 struct fields *fields);

/**
 * The descriptor at index @at.
 * @lap: of a packed ring, the position whose lap decides whether the descriptor is available
 */
void ring_descriptor(const struct queue *q, const struct stall_watched *w, uint32_t at,
		     uint16_t lap, bool addresses, struct fields *fields);

/** The descriptor after @at in the chain of a split ring; @num of the ring: the chain ends. */
uint32_t ring_next_in_chain(const struct stall_watched *w, uint32_t at);

#endif
