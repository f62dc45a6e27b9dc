/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The counters that the programs in the kernel write, mapped as far as they are in use, and what
 * they add up to.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stddef.h>
#include <stdint.h>
#include "model/snapshot.h"
#include "vringtop.h"

/* Mapped from the kernel. */
struct counters {
	struct vt_slot *slots; /* the addresses of all of them; mapped are those below `mapped` */
	uint32_t nr_slots, mapped;
	int near, far; /* maps: the slots below VT_NEAR_SLOTS, and the others */
	struct vt_free *free;
	size_t near_at; /* where in their map the near ones begin, bytes: the begin of a page */
	uint16_t *next; /* a list of slots for each operation, while they are read */
};

/**
 * Prepares to read.
 * @nr_slots: at most VT_MOST_SLOTS
 * @near, @far: maps' descriptors, which stay the caller's
 * @near_at, @rows_at: where in @near the slots and the rows begin, bytes: the begin of a page
 * @free: shared with the programs, none of which runs yet; gets all slots
 * Returns 0, or -1 after it has complained.
 */
int counters_open(struct counters *c, uint32_t nr_slots, int near, size_t near_at, size_t rows_at,
		  int far, struct vt_free *free);

/** Unmaps all; @c may be all zero, too. */
void counters_close(struct counters *c);

/**
 * Adds up what was counted for the queues of @s since the start. The slots of queues that are gone
 * are free again then.
 * @entries: the kernel's table of queues, @nr_entries of them
 * Returns 0, or -1 after it has complained.
 */
int counters_read(struct counters *c, const struct vt_queue *entries, uint32_t nr_entries,
		  struct snapshot *s);

#endif
