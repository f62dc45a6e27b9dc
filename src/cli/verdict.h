/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Why a ring stands still: from what lies in it and what was seen of it, which
 * side holds it, with the evidence. Pure.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include <stdbool.h>
#include <stdint.h>
#include "snapshot.h"

enum stall_kind {
	STALL_WAITING,	   /* fine */
	STALL_NOT_RUNG,	   /* driver did not ring */
	STALL_NOT_LOOKED,  /* device did not look */
	STALL_SILENT,	   /* device did not look, or is slow: it leaves no trace of a look */
	STALL_SLOW,	   /* device looked, and keeps the buffers */
	STALL_NOT_HEARD,   /* driver did not hear */
	STALL_NOT_FETCHED, /* driver was interrupted, and fetched nothing */
	STALL_BROKEN,	   /* queue is broken */
};

/* Bits of a device's status, virtio 1.3 section 2.1. */
enum {
	STATUS_DRIVER_OK = 0x04,
	STATUS_NEEDS_RESET = 0x40,
	STATUS_FAILED = 0x80,
};

/* What is known of a ring that stands still. */
struct ring_facts {
	struct vt_ring_state ring;
	uint64_t still;	 /* ns: for so long nothing has moved */
	bool from_start; /* or longer: it has not moved since it is watched */

	/* How its driver uses it (virtio 1.3, section 5). */
	bool world; /* its buffers wait for the world: received packets, events */
	bool lazy;  /* the driver fetches used buffers when it needs room */
	bool down;  /* its network interface is down, so that nobody fetches */

	/* Of the doorbells since it is watched; not known if it stood still from the start. */
	bool watched;
	bool rung;	   /* one rang when the ring moved last, or later */
	bool refused;	   /* kick_prepare said no then */
	uint64_t rung_ago; /* ns; 0: none was seen */
	bool has_data;	   /* the last one's notification data: */
	uint32_t data;

	bool has_interrupts;
	uint64_t interrupts; /* of the queue, while it stood still */
	bool has_vector;
	unsigned int irq;
	bool irq_shared;    /* other queues have it, too */
	uint64_t irq_count; /* since the machine is up */

	bool has_status;
	uint32_t status; /* of the device */
};

#define STALL_LINES 10
#define STALL_WIDTH 76

struct stall_verdict {
	enum stall_kind kind;
	unsigned int waiting;	  /* buffers that are available and not used */
	unsigned int unannounced; /* of them, those that no doorbell announced, at most */
	unsigned int unfetched;	  /* used buffers that were not fetched */
	int nr_evidence;
	char evidence[STALL_LINES][STALL_WIDTH + 1]; /* sentences, with the names of virtio 1.3 */
};

/** "driver did not ring", "queue is broken", ... */
const char *stall_name(enum stall_kind kind);

/** One word of it, for JSON: "not_rung", "broken", ... */
const char *stall_key(enum stall_kind kind);

/** Finds out why a ring stands still; @v is overwritten. */
void stall_find(const struct ring_facts *f, struct stall_verdict *v);

/**
 * Whether an event index asks to be told, when an index has gone from @old to @new
 * (virtio 1.3, 2.7.10). All count modulo 2^16.
 */
bool ring_need_event(uint16_t event, uint16_t new, uint16_t old);

/**
 * How many places of a packed ring lie from one position up to another.
 * @num: of the ring; @from, @to: an offset, with the wrap counter in bit 15
 * Returns 0 to 2 * num - 1: a position that is ahead is as far behind.
 */
unsigned int packed_distance(unsigned int num, uint16_t from, uint16_t to);

/**
 * Whether a ring got on from one state to another: the device used buffers, the driver
 * fetched some, or there were none before. More buffers for a device that uses none are
 * no progress.
 */
bool ring_progressed(const struct vt_ring_state *old, const struct vt_ring_state *new);

/** Whether a queue's buffers wait for the world, and not for an answer of the device. */
bool queue_waits_for_world(const struct queue *q);

/** Whether a queue's driver leaves used buffers in the ring until it needs room. */
bool queue_is_lazy(const struct queue *q);

#endif
