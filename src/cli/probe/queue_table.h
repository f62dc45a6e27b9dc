/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of queues that the programs in the kernel fill, and the queues of a snapshot that are
 * made of its entries. An entry is a place in the table: when its queue is deleted another queue
 * gets it. The serial tells queues apart for good.
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
	uint64_t start; /* ns, CLOCK_MONOTONIC: when the queues were found that were there */
	unsigned int first_new; /* the serial of the first queue that was made after that */
	uint64_t roles_read;	/* ns: when the roles were last looked for in sysfs; 0: never */
};

/**
 * Brings the queues of @s up to the table: adds new ones, marks those that are gone, drops those
 * that were gone at the last call if another queue has their place or ten seconds have passed.
 * @s: its time is that of this call
 * Returns 0, or -1 after it has printed why not.
 */
int queue_table_read(struct queue_table *t, struct snapshot *s);

/**
 * Gives the entries of queues that are gone in @s back to the programs. Their counts must have been
 * read before: see counters_read().
 */
void queue_table_free_gone(struct queue_table *t, const struct snapshot *s);

/** The entry of a queue that lives or whose counts were not read yet; 0: it has none. */
uint32_t queue_table_entry(const struct queue_table *t, unsigned int serial);

#endif
