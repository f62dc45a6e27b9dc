/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads the slots in which the programs in the kernel count (see struct vt_slot), and adds them up
 * for each operation of each queue. A slot belongs to one operation of one queue on one CPU.
 * Functions that can fail print a message and return -1.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stddef.h>
#include <stdint.h>
#include "model/snapshot.h"
#include "vringtop.h"

struct counters {
	struct vt_slot *slots;	   /* addresses, reserved for all slots */
	uint32_t nr_slots, mapped; /* only the slots below `mapped` are mapped */
	int near, far;		   /* file descriptors: slots below VT_NEAR_SLOTS, other slots */
	size_t near_at;		   /* offset of the slots in the near map, bytes */
	struct vt_free *free;	   /* the list of free slots */
	uint16_t *next; /* used while reading: the next slot of the same operation; 0: none */
};

/**
 * Prepares to read. Marks the near rows as empty, and puts all slots except slot 0 on the list of
 * free slots. Call it before any program runs.
 * @c: all zero; the caller frees it with counters_close(), also after an error
 * @nr_slots: at most VT_MOST_SLOTS
 * @near, @far: file descriptors of the maps; they still belong to the caller
 * @near_at, @rows_at: offsets of the slots and of the rows in @near, bytes; multiples of a page
 * @free: shared with the programs, all zero; must stay until counters_close()
 * Returns 0, or -1 after it has printed why not.
 */
int counters_open(struct counters *c, uint32_t nr_slots, int near, size_t near_at, size_t rows_at,
		  int far, struct vt_free *free);

/** Unmaps and frees what counters_open() made. @c may be all zero. */
void counters_close(struct counters *c);

/**
 * Adds up the counts since the start, for each queue of @s that has an entry in the table. Gives
 * the slots of deleted queues back to the programs.
 * @entries, @nr_entries: the table of queues of the kernel
 * @s: its queues get the sums; a queue keeps its memory from call to call
 * Returns 0, or -1 after it has printed why not.
 */
int counters_read(struct counters *c, const struct vt_queue *entries, uint32_t nr_entries,
		  struct snapshot *s);

#endif
