/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Judges from the state of one ring which side holds a queue. No input or output, and no memory of
 * earlier states: model/stall_watch.h follows a ring over time. docs/stalls.md tells how to read a
 * verdict. No function here can fail.
 */
#ifndef STALL_H
#define STALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model/snapshot.h"

enum stall_verdict {
	STALL_IDLE,    /* no buffer is in flight */
	STALL_MOVING,  /* the queue moves, or has not stood still for long enough */
	STALL_WAITING, /* buffers are in flight, and this is normal */
	/* From here on the queue is stalled. */
	STALL_NO_DOORBELL, /* the driver did not ring */
	STALL_NOT_USED,	   /* the device has used nothing; it may have looked at the buffers */
	STALL_HELD,	   /* the device has looked at all buffers, but has used none */
	STALL_BUFFER,	   /* the queue moves, but one buffer stays with the device */
	STALL_NOT_FETCHED, /* the driver does not fetch used buffers */
	STALL_DEVICE_OFF,  /* the device's status says that it does not work on its queues */
	STALL_BROKEN,	   /* the queue cannot be used any more */
	STALL_NR_VERDICTS,
};

/* The evidence that decided the verdict. */
enum stall_why {
	WHY_NOTHING,
	/* STALL_WAITING */
	WHY_WORLD,	       /* the device uses the buffers when something comes from outside */
	WHY_STREAM,	       /* sound: a stream that is paused keeps its buffers */
	WHY_LATE,	       /* the driver fetches used buffers when it next needs room */
	WHY_POLLED,	       /* the driver never wants interrupts of this queue */
	WHY_INTERFACE_DOWN,    /* the network interface is down */
	WHY_INTERFACE_UNKNOWN, /* the interface may be down: it is in another network namespace */
	/* STALL_NO_DOORBELL; WHY_AVAIL_EVENT and WHY_NO_NOTIFY also STALL_NOT_USED */
	WHY_NO_KICK,	 /* kick_prepare was not called after the last add */
	WHY_NOT_RUNG,	 /* a doorbell became due while vringtop looked, and none was seen */
	WHY_AVAIL_EVENT, /* the device's event index asks for no doorbell */
	WHY_NO_NOTIFY,	 /* the device's flags ask for no doorbell */
	/* STALL_NOT_USED */
	WHY_DUE,	/* by the event index a doorbell was due */
	WHY_DUE_ALWAYS, /* the same without an event index: each add needs a doorbell */
	/* STALL_HELD */
	WHY_TAKEN, /* the device moved its event index up to the last buffer */
	/* STALL_BUFFER */
	WHY_OVERTAKEN, /* later buffers came back */
	/* STALL_NOT_FETCHED */
	WHY_DISABLED,	   /* the driver switched interrupts off */
	WHY_INTERRUPT_DUE, /* interrupts are on, and one was due */
	WHY_USED_EVENT,	   /* the driver asks for an interrupt at an index that no buffer has */
	/* STALL_DEVICE_OFF, by the device's status */
	WHY_NO_DRIVER_OK,
	WHY_NO_ANSWER, /* the status reads as all ones */
	/* STALL_BROKEN */
	WHY_GIVEN_UP,	 /* vq->broken */
	WHY_RESET,	 /* the queue was reset */
	WHY_NEEDS_RESET, /* status bit of the device */
	WHY_FAILED,
	STALL_NR_WHYS,
};

/* The device's status, virtio 1.3 section 2.1. */
#define STATUS_ACKNOWLEDGE 0x01
#define STATUS_DRIVER	   0x02
#define STATUS_DRIVER_OK   0x04
#define STATUS_FEATURES_OK 0x08
#define STATUS_NEEDS_RESET 0x40
#define STATUS_FAILED	   0x80
/* No device sets all bits. A read returns all ones if a PCI device has its memory switched off. */
#define STATUS_NO_ANSWER 0xff

/* Facts that are not in the ring: 0 no, 1 yes, -1 not known. */
struct stall_facts {
	int status;	    /* status of the device, or -1 */
	int interface_up;   /* the network interface of the device is up */
	int rung_since_add; /* a doorbell was seen since the last buffer was added */
	int rung_since_due; /* a doorbell was seen since one became due by the event index */
};

extern const struct stall_facts stall_facts_unknown;

/* A verdict and its evidence. The first four numbers count buffers; see also stall_judge(). */
struct stall {
	enum stall_verdict verdict;
	enum stall_why why;
	uint32_t in_flight; /* made available, and not fetched by the driver */
	uint32_t unfetched; /* in_flight, and used by the device */
	uint32_t pending;   /* in_flight, and still with the device */
	uint32_t unseen;    /* pending, and beyond the device's event index */
	uint16_t used;	    /* where the device is: used idx, or the next descriptor to be used */
	bool due;	    /* by the event index a doorbell was due for a pending buffer */
	int status;	    /* the device's, as in struct stall_facts */
};

/** Returns true if a queue's buffers wait for something from outside: packets, keys, events. */
bool stall_waits_for_world(const struct queue *q, const struct vt_ring *r);

/** The same without the ring of the queue: q->last_index takes its place. */
bool queue_waits_for_world(const struct queue *q);

/**
 * Returns by how much position @to of a ring is ahead of @from: in buffers for a split ring, in
 * descriptors for a packed ring.
 */
uint32_t ring_ahead(const struct queue *q, const struct vt_ring *r, uint16_t from, uint16_t to);

/** Returns the position of a packed ring that is @by descriptors after @from. */
uint16_t packed_advance(const struct vt_ring *r, uint16_t from, uint32_t by);

/**
 * Return true if a descriptor of a packed ring is available, or used.
 * @at: the position of the descriptor, whose wrap counter says which lap is meant
 */
bool packed_is_available(uint16_t flags, uint16_t at);
bool packed_is_used(uint16_t flags, uint16_t at);

/**
 * Judges a ring that stands still. If the ring moves, the numbers are right, but the verdict is
 * not.
 * @entries: the arrays of the ring, @r->num entries; NULL: not copied. Without them the numbers of
 * a packed ring are descriptors instead of buffers, and at most one used buffer is counted.
 * @s: overwritten
 */
void stall_judge(const struct queue *q, const struct vt_ring *r,
		 const struct vt_ring_entry *entries, const struct stall_facts *facts,
		 struct stall *s);

#endif
