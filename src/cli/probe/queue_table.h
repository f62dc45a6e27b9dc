/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads the table of queues, which the programs in the kernel fill, into the queues of a snapshot.
 * An entry is a place in the table. After a queue is deleted, another queue gets its entry. The
 * serial of a queue is never used again.
 */
#ifndef QUEUE_TABLE_H
#define QUEUE_TABLE_H

#include <stdint.h>
#include "model/snapshot.h"
#include "vringtop.h"

struct queue_table {
	struct vt_queue *entries;	/* shared with the programs; entry 0 is never used */
	struct vt_doorbells *doorbells; /* shared; an element for each entry */
	uint32_t nr_entries;
	uint64_t start; /* ns, CLOCK_MONOTONIC: time at which the existing queues were found */
	unsigned int first_new; /* serial of the first queue that was created after that */
	bool knows_out;		/* the programs know which buffers the driver has not fetched */
	uint64_t roles_read;	/* ns: time of the last look-up of roles in sysfs; 0: never */
};

/**
 * Updates the queues of @s from the table. Adds new queues and marks deleted ones as gone. Removes
 * queues that were already gone at the last call, if another queue has their place or ten seconds
 * have passed.
 * @s: its `time` must be the time of this call
 * Returns 0, or -1 after it has printed why not.
 */
int queue_table_read(struct queue_table *t, struct snapshot *s);

/**
 * Gives the entries of queues that are gone in @s back to the programs. Their counts must have been
 * read before: see counters_read(). Prints nothing.
 */
void queue_table_free_gone(struct queue_table *t, const struct snapshot *s);

/**
 * Returns the entry of a queue that is alive or whose last counts were not read yet. 0: it has no
 * entry.
 */
uint32_t queue_table_entry(const struct queue_table *t, unsigned int serial);

#endif
