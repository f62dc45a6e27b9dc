/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes named values of the state of a ring and of its buffers, for text and JSON. Names are those
 * of virtio 1.3, sections 2.7.6, 2.7.8 and 2.8.14. The state that only the driver keeps is in the
 * group "driver". No function here prints or fails.
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
 * Makes the groups of the state of a ring, without its arrays.
 * @addresses: with the addresses of the areas of the ring
 * @groups: RING_GROUPS elements
 * Returns how many groups were filled.
 */
unsigned int ring_groups(const struct queue *q, const struct vt_ring *r, bool addresses,
			 struct ring_group *groups);

/* --- The functions below need @w->entries --- */

/**
 * Makes the fields of a buffer that the driver has in the ring.
 * @id: of the buffer
 * Returns false if the id is free.
 */
bool ring_buffer(const struct queue *q, const struct stall_watched *w, uint32_t id,
		 struct fields *fields);

/**
 * Makes the fields of the descriptor at index @at.
 * @lap: for a packed ring, a position in the lap of the descriptor; its wrap counter decides
 * whether the descriptor is available
 * @addresses: with the address of the buffer
 */
void ring_descriptor(const struct queue *q, const struct stall_watched *w, uint32_t at,
		     uint16_t lap, bool addresses, struct fields *fields);

/**
 * Returns the index of the descriptor after @at in the chain of a split ring. Returns num of the
 * ring if the chain ends.
 */
uint32_t ring_next_in_chain(const struct stall_watched *w, uint32_t at);

#endif
