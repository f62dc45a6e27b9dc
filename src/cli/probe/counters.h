/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads the slots in which the programs in the kernel count (see struct vt_slot), and adds them up
 * for each operation of each queue. A slot belongs to one operation of one queue on one CPU.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stddef.h>
#include <stdint.h>
#include "model/snapshot.h"
#include "vringtop.h"

struct counters {
	struct vt_slot *slots;	   /* reserved addresses for all slots */
	uint32_t nr_slots, mapped; /* the slots below `mapped` are mapped there */
	int near, far;		   /* maps: the slots below VT_NEAR_SLOTS, and the others */
	size_t near_at;		   /* where in the near map its slots begin, bytes */
	struct vt_free *free;	   /* the list of free slots */
	uint16_t *next; /* while they are read: the next slot of the same operation; 0: none */
};

/**
 * Prepares to read, marks the near rows as empty and puts all slots but slot 0 on the list of free
 * ones. No program may run yet.
 * @c: all zero; becomes what counters_close() frees, also when this fails
 * @nr_slots: at most VT_MOST_SLOTS
 * @near, @far: descriptors of the maps, which stay the caller's
 * @near_at, @rows_at: where in @near the slots and the rows begin, bytes; multiples of a page
 * @free: shared with the programs, all zero; must stay until counters_close()
 * Returns 0, or -1 after it has printed why not.
 */
int counters_open(struct counters *c, uint32_t nr_slots, int near, size_t near_at, size_t rows_at,
		  int far, struct vt_free *free);

/** Unmaps and frees what counters_open() made. @c may be all zero. */
void counters_close(struct counters *c);

/**
 * Adds up what was counted since the start for each queue of @s that has an entry in the table. The
 * slots of queues that are gone are given back to the programs.
 * @entries, @nr_entries: the kernel's table of queues
 * @s: its queues get the sums; a queue keeps its memory from call to call
 * Returns 0, or -1 after it has printed why not.
 */
int counters_read(struct counters *c, const struct vt_queue *entries, uint32_t nr_entries,
		  struct snapshot *s);

#endif
