/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Follows rings over several polls: how long a queue has stood still, how long each buffer has been
 * with the device, and which doorbells were seen. No input or output. A function that can fail
 * returns NULL or -ENOMEM and prints no message.
 *
 * A queue stands still as long as the device uses nothing and the driver fetches nothing. An add
 * does not count as a move, because the driver also adds to a queue whose device is dead.
 */
#ifndef STALL_WATCH_H
#define STALL_WATCH_H

#include "model/stall.h"

/* The default of --after, ns: a queue that stands still for this long is stalled. */
#define STALL_AFTER 1000000000ull

/*
 * So many polls must find a queue at the same position before it is stalled. Time alone does not
 * prove a stall: if the whole machine stood still between two polls, the device may have stood
 * still, too.
 */
#define STALL_POLLS 3

/*
 * A buffer that the driver has in the ring, known by its id. A later request may get the same id
 * and token. Therefore the places at which the ring names the id are compared, too. In a packed
 * ring the places repeat after two laps: if exactly two laps of descriptors were added between all
 * polls, an id that came back looks as if it had stayed.
 */
struct stall_buffer {
	uint64_t token;	     /* 0: the id is free */
	uint64_t since;	     /* ns: the first poll that found this buffer with the device */
	uint32_t polls;	     /* number of polls that found this buffer */
	uint32_t added_at;   /* 1 + the place in the ring that names it as available; 0: none */
	uint32_t used_at;    /* 1 + the place that names it as used; 0: none */
	bool since_is_exact; /* false: the buffer may have been there before */
};

/* The interrupt of a queue. */
struct stall_interrupt {
	bool known; /* the queue has an interrupt of its own, and vringtop found it */
	unsigned int irq;
	uint64_t count;	 /* interrupts so far */
	uint64_t before; /* interrupts when the driver was first found not to fetch */
};

/* A queue over several polls. Times in ns, CLOCK_MONOTONIC. */
struct stall_watched {
	unsigned int serial;
	struct vt_ring ring;	       /* at the last poll */
	struct vt_ring_entry *entries; /* owned: the ring's arrays at that poll; NULL: not copied */
	uint64_t polled;	       /* time of the last poll */
	uint64_t since;		       /* time of the first poll that found this position */
	unsigned int polls;	       /* number of polls that found this position */
	bool since_is_exact;	       /* false: the queue stood still already at its first poll */
	uint32_t added;		       /* buffers (packed: descriptors) added since then */
	uint64_t fetched;	       /* get operations so far; 0: not counted */

	uint64_t doorbells;	  /* doorbells so far */
	uint64_t rung;		  /* time of the last doorbell; 0: none was seen */
	bool add_was_seen;	  /* the last add came between two polls */
	uint64_t bells_at_add;	  /* doorbells counted at the poll before that add */
	uint64_t bells_after_add; /* doorbells counted at the poll that found the add */
	bool due_was_seen;	  /* the same for the add that made a doorbell due */
	uint64_t bells_at_due;

	int32_t used; /* stall.used at the last poll with entries; -1: none since the queue moved */
	struct stall_buffer *buffers; /* owned: one for each id; NULL: the device has no buffer */
	uint32_t nr_buffers;
	uint32_t oldest;	/* the id that has been with the device for longest */
	uint32_t nr_stuck;	/* buffers that the device has had for long enough for a stall */
	bool buffers_were_seen; /* an earlier poll looked, so a new buffer was added since */

	bool stalled; /* the queue is stalled, and stall says why */
	struct stall stall;
	struct stall_interrupt interrupt;

	/* For the caller: the verdict that it reported last, and since when. */
	enum stall_verdict told;
	uint64_t told_since;
	bool told_since_is_exact;
};

struct stall_watch {
	uint64_t after;		      /* a queue that stands still for this long (ns) is stalled */
	struct stall_watched *queues; /* owned */
	size_t nr_queues;
	size_t next; /* index after the queue that was fed last: the order stays the same */
};

/**
 * Takes the state of a queue's ring, found by a poll at time @now, and judges it without its
 * entries.
 * @fetched, @doorbells: the number of successful get operations and of doorbells so far; 0 if they
 * are not counted
 * Returns the queue's struct, valid until the next call; NULL without memory.
 */
struct stall_watched *stall_watch_feed(struct stall_watch *w, const struct queue *q,
				       const struct vt_ring *r, uint64_t fetched,
				       uint64_t doorbells, uint64_t now);

/** Sets the members rung_since_add and rung_since_due of @facts. */
void stall_watched_doorbells(const struct stall_watched *q, struct stall_facts *facts);

/**
 * For a packed ring. Call this each time after the ring was judged with its entries. If the device
 * has used more since the call before, the queue has moved. Only the entries show this.
 */
void stall_watched_used(struct stall_watched *q);

/**
 * Finds how long each buffer has been with the device, from a copy of the ring's arrays.
 * @entries: copied at the last poll or a little later; watched->ring.num entries
 * @after: a buffer that the device has had for this long (ns) is stuck
 * Returns 0, or -ENOMEM.
 */
int stall_watched_buffers(struct stall_watched *watched, const struct queue *q,
			  const struct vt_ring_entry *entries, uint64_t after);

/** Forgets all buffers: the device has none. */
void stall_watched_no_buffers(struct stall_watched *watched);

/** Returns the buffer that has been with the device for longest; NULL: not known. */
const struct stall_buffer *stall_watched_oldest(const struct stall_watched *watched);

/**
 * Returns since when the queue is as its verdict says, ns: since when it stands still, or since
 * when the device has its oldest buffer.
 * @exact: becomes false if this began before vringtop looked
 */
uint64_t stall_watched_since(const struct stall_watched *watched, bool *exact);

/** Frees the copy of the ring's arrays. */
void stall_watched_forget(struct stall_watched *q);

/** Returns true if a queue has stood still for long enough to be judged. */
bool stall_watch_stands(const struct stall_watch *w, const struct stall_watched *q);

/** Returns the struct of a queue, valid until the next stall_watch_feed(); NULL: there is none. */
struct stall_watched *stall_watch_find(const struct stall_watch *w, unsigned int serial);

/** Forgets the queues that were not fed at time @now. */
void stall_watch_drop(struct stall_watch *w, uint64_t now);

/** Frees the memory that @w owns. */
void stall_watch_free(struct stall_watch *w);

#endif
