/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Follows rings over several polls: how long a queue has stood still, how long each buffer has been
 * with the device, and what was seen of doorbells. No input or output.
 *
 * A queue stands still as long as the device uses nothing and the driver fetches nothing. What the
 * driver adds does not count: it adds to a queue whose device is dead, too.
 */
#ifndef STALL_WATCH_H
#define STALL_WATCH_H

#include "model/stall.h"

/* By default a queue that stands still for so long (ns) is stalled. */
#define STALL_AFTER 1000000000ull

/*
 * At least so many polls must find a queue where it is. If this machine stood still between two
 * polls, the device may have stood still with it.
 */
#define STALL_POLLS 3

/*
 * A buffer that the driver has in the ring, by its id. The same id and token may come back with
 * another request, so the places at which the ring names the id are compared as well. Of a packed
 * ring they repeat after two laps: if exactly so many descriptors were added between all polls, an
 * id that came back looks as if it had stayed.
 */
struct stall_buffer {
	uint64_t token;	     /* 0: the id is free */
	uint64_t since;	     /* ns: the first poll that found this buffer with the device */
	uint32_t polls;	     /* that found it */
	uint32_t added_at;   /* 1 + the place in the ring that names it as available; 0: none */
	uint32_t used_at;    /* 1 + the same for used */
	bool since_is_exact; /* false: it is a lower bound */
};

/* What is known of a queue's interrupt. */
struct stall_interrupt {
	bool known; /* the queue has one of its own, and it was found */
	unsigned int irq;
	uint64_t count;	 /* now */
	uint64_t before; /* when the driver was first found not to fetch */
};

/* A queue over several polls. Times in ns, CLOCK_MONOTONIC. */
struct stall_watched {
	unsigned int serial;
	struct vt_ring ring;	       /* at the last poll */
	struct vt_ring_entry *entries; /* owned: the ring's arrays then; NULL: not copied */
	uint64_t polled;	       /* the last poll */
	uint64_t since;		       /* the first poll that found the queue where it is */
	unsigned int polls;	       /* that found it there */
	bool since_is_exact; /* false: a lower bound, for it stood when it was polled first */
	uint32_t added;	     /* buffers (packed: descriptors) that the driver added since */
	uint64_t fetched;    /* get operations so far, where they are counted */

	uint64_t doorbells;	  /* so far */
	uint64_t rung;		  /* when the last one was seen; 0: none was */
	bool add_was_seen;	  /* the last add was between two polls ... */
	uint64_t bells_at_add;	  /* ... and so many doorbells were counted before it */
	uint64_t bells_after_add; /* the same at the poll that found the add */
	bool due_was_seen;	  /* the same for the add that made a doorbell due */
	uint64_t bells_at_due;

	int32_t used; /* stall.used at the last poll with entries; -1: none since the queue moved */
	struct stall_buffer *buffers; /* owned: one for each id; NULL: none is with the device */
	uint32_t nr_buffers;
	uint32_t oldest;	/* the id that has been with the device for longest */
	uint32_t nr_stuck;	/* buffers with the device for as long as makes a stall */
	bool buffers_were_seen; /* at an earlier poll: a new buffer was added since */

	bool stalled; /* stall is a verdict */
	struct stall stall;
	struct stall_interrupt interrupt;

	/* What a caller has reported of it. */
	enum stall_verdict told;
	uint64_t told_since;
	bool told_since_is_exact;
};

struct stall_watch {
	uint64_t after;		      /* ns without a move make a stall */
	struct stall_watched *queues; /* owned */
	size_t nr_queues;
	size_t next; /* the place after the queue that was fed last: they come in one order */
};

/**
 * Takes the state of a queue's ring, found by a poll at time @now, and judges it without its
 * entries.
 * @fetched, @doorbells: how many successful get operations and doorbells were counted so far; a
 * count that is not kept stays 0
 * Returns the queue's place, good until the next call; NULL: no memory.
 */
struct stall_watched *stall_watch_feed(struct stall_watch *w, const struct queue *q,
				       const struct vt_ring *r, uint64_t fetched,
				       uint64_t doorbells, uint64_t now);

/** What was seen of doorbells, into the two members of @facts. */
void stall_watched_doorbells(const struct stall_watched *q, struct stall_facts *facts);

/**
 * Of a packed ring whose entries were judged: it has moved if the device has used more since the
 * entries were judged last, for this is nowhere else.
 */
void stall_watched_used(struct stall_watched *q);

/**
 * Finds how long each buffer has been with the device, by a copy of the ring's arrays.
 * @entries: as they were at the last poll or a little later; @watched->ring.num of them
 * @after: ns that make a buffer stuck
 * Returns 0, or -ENOMEM.
 */
int stall_watched_buffers(struct stall_watched *watched, const struct queue *q,
			  const struct vt_ring_entry *entries, uint64_t after);

/** Forgets the buffers: none is with the device. */
void stall_watched_no_buffers(struct stall_watched *watched);

/** The buffer that has been with the device for longest; NULL: not known. */
const struct stall_buffer *stall_watched_oldest(const struct stall_watched *watched);

/**
 * Since when the queue is as its verdict says, ns: since when it stands still, or since when its
 * oldest buffer is with the device.
 * @exact: becomes false if it was so before vringtop looked
 */
uint64_t stall_watched_since(const struct stall_watched *watched, bool *exact);

/** Frees the copy of the ring's arrays. */
void stall_watched_forget(struct stall_watched *q);

/** Whether a queue has stood still for so long that it may be judged. */
bool stall_watch_stands(const struct stall_watch *w, const struct stall_watched *q);

/** The place of a queue; NULL: it has none. */
struct stall_watched *stall_watch_find(const struct stall_watch *w, unsigned int serial);

/** Forgets the queues that were not fed at time @now. */
void stall_watch_drop(struct stall_watch *w, uint64_t now);

void stall_watch_free(struct stall_watch *w);

#endif
