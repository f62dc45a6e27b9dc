/* SPDX-License-Identifier: GPL-2.0 */
/* Which queues and operations a user asked for. */
#ifndef FILTER_H
#define FILTER_H

#include <stdint.h>
#include "model/snapshot.h"

/* Strings belong to whoever set them. NULL: any. */
struct filter {
	const char *device; /* virtio2, or vda */
	const char *driver;
	const char *queue; /* name or index */
	uint32_t ops;	   /* a bit for each enum vt_op */
};

/** Removes the queues and operations that the filter does not name. */
void filter_apply(const struct filter *f, struct snapshot *s);

/**
 * Checks that the filter leaves some queue.
 * Returns 0, or -1 after it has said what there is to choose from.
 */
int filter_match(const struct filter *f, const struct snapshot *s);

#endif
