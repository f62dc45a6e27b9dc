/* SPDX-License-Identifier: GPL-2.0 */
/* The entropy device itself: takes buffers, fills, holds and returns them, and goes wrong if told.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include "protocol.h"
#include "ring.h"

/* Numbers of kicks after which something starts to go wrong; DEVICE_NEVER: it does not. */
struct faults {
	unsigned long long stop;
	unsigned long long no_interrupt;
	unsigned long long stale_avail_event;
	unsigned long long no_notify;
	unsigned long long pause;
	unsigned long long wrong_id;
	unsigned long long pause_for; /* ns */
};

/* A buffer that was taken from the ring, filled, and is not yet returned. */
struct held {
	unsigned long long taken_at; /* ns */
	unsigned long long due;
	uint32_t written;
	uint16_t id;
	uint16_t slots;
	bool quiet; /* to be returned without an interrupt */
	bool wrong; /* or with a number that is no buffer's */
};

#define HELD_TIMES 1024

struct device {
	struct front_end front;
	unsigned int starts; /* of the ring, that we know of */
	uint64_t negotiated; /* feature bits, at the latest start */
	struct ring_buffer buffer;
	struct held held[RING_MAX_SIZE]; /* a queue, as the ring is */
	unsigned int held_first;
	unsigned int held_count;
	unsigned long long hold; /* ns */
	/* How long buffers were really held, in ns, since the above was set: the newest ones. */
	unsigned long long held_for[HELD_TIMES];
	unsigned long long held_times;
	struct faults faults;
	unsigned long long pause_until; /* ns; 0: not pausing */
};

void device_init(struct device *device);

/* --- What happens to it --- */

/* The front-end's kick eventfd may be readable. */
void device_kicked(struct device *device);
/* The front-end sent something. Returns whether it is still connected. */
bool device_message(struct device *device);
/* It is, or may be, later than device_next_time() said. */
void device_time_passed(struct device *device);

/* When it wants to be told about the time: ns of CLOCK_MONOTONIC, 0 for never. */
unsigned long long device_next_time(const struct device *device);

/* --- What it is told --- */

/**
 * Changes a setting: "hold", "pause-for", or a fault such as "stop-after".
 * Numbers of kicks count from now on.
 * Returns what is wrong with @name or @value, or NULL.
 */
const char *device_set(struct device *device, const char *name, const char *value);

/* Ends all faults: it goes on, and tells the driver of what it kept from it. */
void device_resume(struct device *device);

/* What it saw, as one line of JSON; the caller frees it. */
char *device_report(const struct device *device);

#endif
