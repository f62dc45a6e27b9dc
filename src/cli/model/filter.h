/* SPDX-License-Identifier: GPL-2.0 */
/* The queues and operations that a user asked for. */
#ifndef FILTER_H
#define FILTER_H

#include <stdint.h>
#include "model/snapshot.h"

/* What to keep of a snapshot. Strings belong to the caller. A string that is NULL matches all. */
struct filter {
	const char *device; /* "virtio2", or the device's name in the system, "vda" */
	const char *driver;
	const char *queue; /* its name, or its index as a decimal number */
	uint32_t ops;	   /* operations to keep, one bit for each enum vt_op */
};

/** Removes the queues and operations that do not match from a snapshot, and frees them. */
void filter_apply(const struct filter *f, struct snapshot *s);

/** Checks that at least one queue matches. Returns 0, or -1 after a message. */
int filter_match(const struct filter *f, const struct snapshot *s);

#endif
