/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which side holds a queue up: from the state of its ring, read several times, to a verdict. Pure.
 * docs/stalls.md says how to read one.
 */
#ifndef STALL_H
#define STALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model/snapshot.h"

enum stall_verdict {
	STALL_IDLE,    /* nothing is in flight */
	STALL_MOVING,  /* or it has not stood for long enough */
	STALL_WAITING, /* something is, and that is fine */
	/* From here on the queue is stalled. */
	STALL_NO_DOORBELL,
	STALL_NOT_LOOKED,
	STALL_HELD,
	STALL_NOT_HEARD,
	STALL_BROKEN,
	STALL_NR_VERDICTS,
};

enum stall_why {
	WHY_NOTHING, /* there is nothing to say */
	/* waiting */
	WHY_WORLD,  /* the device is to use its buffers when something comes from outside */
	WHY_LATE,   /* the driver fetches used buffers when it next needs room */
	WHY_POLLED, /* the driver wants no interrupts of this queue, ever */
	WHY_NOBODY, /* the driver was told, and does not want them now: the interface is down */
	WHY_NOBODY_MAYBE, /* or so it may be: its interface is in another network namespace */
	/* no doorbell */
	WHY_NO_KICK,	 /* kick_prepare was not called after the last add */
	WHY_AVAIL_EVENT, /* the device's event index does not ask for one */
	WHY_NO_NOTIFY,	 /* nor do its flags */
	/* not looked, held */
	WHY_RUNG,	 /* by the event index, which was passed */
	WHY_RUNG_ALWAYS, /* there is no event index, so that it is not known whether the device
			    looked */
	WHY_TAKEN,	 /* the event index has moved up to the last buffer */
	/* not heard */
	WHY_DISABLED,	/* the driver switched interrupts off */
	WHY_LOST,	/* they are on, and one was due */
	WHY_USED_EVENT, /* they are on, but for an index that no buffer in flight has */
	/* broken */
	WHY_GIVEN_UP,	 /* vq->broken */
	WHY_RESET,	 /* it is being reset */
	WHY_NEEDS_RESET, /* the device's status */
	WHY_FAILED,
	STALL_NR_WHYS,
};

/* The device's status, virtio 1.3 section 2.1. */
#define STATUS_NEEDS_RESET 0x40
#define STATUS_FAILED	   0x80

/* Beside the ring, what can be found out; -1: it cannot. */
struct stall_facts {
	int status;	  /* the device's */
	int interface_up; /* 0 or 1: of a network device */
};

/* A verdict and what it stands on. Numbers of buffers. */
struct stall {
	enum stall_verdict verdict;
	enum stall_why why;
	uint32_t in_flight; /* made available, and not fetched by the driver */
	uint32_t unfetched; /* of them: used */
	uint32_t pending;   /* the others: with the device */
	uint32_t unseen;    /* of these: the device did not look at; by its event index */
	uint16_t used;	    /* where the device is: used idx, or the next descriptor to be used */
};

/** "driver did not ring" and so on. */
const char *stall_words(enum stall_verdict verdict);

/** A word for programs: "driver-did-not-ring", "avail-event". */
const char *stall_name(enum stall_verdict verdict);
const char *stall_why_name(enum stall_why why);

/** Whether a queue's buffers wait for something from outside: input, events. */
bool stall_waits_for_world(const struct queue *q);

/**
 * Judges a ring that does not move.
 * @entries: what is in its arrays, @r->num of them; NULL: of a packed ring only one used buffer
 * is counted, and descriptors instead of buffers
 */
void stall_judge(const struct queue *q, const struct vt_ring *r,
		 const struct vt_ring_entry *entries, const struct stall_facts *facts,
		 struct stall *s);

#define STALL_TEXT 320

/* A queue that does not move for so long (ns) is stalled, unless it is said otherwise. */
#define STALL_AFTER 1000000000ull

/** What a verdict stands on, a sentence with the values, into STALL_TEXT bytes. Returns @text. */
char *stall_reason(char *text, const struct queue *q, const struct vt_ring *r,
		   const struct stall *s);

/** How many buffers are where: "3 buffers in flight, 1 of them used". */
char *stall_counts(char *text, const struct stall *s);

/*
 * So many polls at least find it where it is: if this machine stood still between two, the device
 * may have done so as well.
 */
#define STALL_POLLS 3

/* A queue over several polls. Times in ns, CLOCK_MONOTONIC. */
struct stall_watched {
	unsigned int serial;
	struct vt_ring ring;	       /* as it was at the last poll */
	struct vt_ring_entry *entries; /* owned: what was in its arrays then; NULL: not copied */
	uint64_t polled;	       /* when that was; of this poll, if it was fed in it */
	uint64_t since;		       /* the first poll that found it where it is */
	unsigned int polls;	       /* so many did, with that one */
	bool moved; /* it has moved since the first poll: since is when it stopped, else it stands
		       longer */
	uint64_t moves; /* operations that were counted */
	uint64_t doorbells;
	uint64_t rung; /* when the last one was seen; 0: none was */
	int32_t used;  /* stall.used as stall_watched_used() saw it last; -1: not since it moved */
	bool stalled;  /* stall is a verdict on it */
	bool has_interrupts;
	uint64_t interrupts,
		interrupts_before; /* of the queue: now, and when it was first found so */
	struct stall stall;
	/* For who reports it. */
	enum stall_verdict told;
	uint64_t told_since;
	bool told_longer; /* it stood before it was polled first */
};

struct stall_watch {
	uint64_t after;		      /* ns without a move make a stall */
	struct stall_watched *queues; /* owned */
	size_t nr_queues;
	size_t next; /* the place after the one that was fed last: queues come in one order */
};

/**
 * Takes in what a poll found of a queue.
 * @moves, @doorbells: how many operations were counted for it so far
 * Returns its place, good until the next call; NULL: no memory.
 */
struct stall_watched *stall_watch_feed(struct stall_watch *w, const struct vt_ring *r,
				       uint64_t moves, uint64_t doorbells, uint64_t now);

/**
 * Of a packed ring: its copied entries were judged. If more are used than when they were judged
 * before, it has moved: where the device is, is nowhere else.
 */
void stall_watched_used(struct stall_watched *q);

/** Frees the copy of what was in its arrays. */
void stall_watched_forget(struct stall_watched *q);

/** Whether it has stood for so long that it may be judged. */
bool stall_watch_stands(const struct stall_watch *w, const struct stall_watched *q);

/** The place of a queue; NULL: it has none. */
struct stall_watched *stall_watch_find(const struct stall_watch *w, unsigned int serial);

/** Forgets the queues that were not fed at this poll. */
void stall_watch_drop(struct stall_watch *w, uint64_t now);

void stall_watch_free(struct stall_watch *w);

#endif
