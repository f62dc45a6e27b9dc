/* SPDX-License-Identifier: GPL-2.0 */
/* Makes JSON of a queue, for `stalls --json`. */
#ifndef STALL_JSON_H
#define STALL_JSON_H

#include <json-c/json.h>
#include "model/stall_watch.h"

/** Returns a queue, its verdict and the evidence. The caller owns the object. */
struct json_object *stall_json(const struct queue *q, const struct stall_watched *w);

/**
 * Returns the state of a ring and the buffers in the ring, as stall_print_ring() prints them. The
 * caller owns the object.
 * @addresses: with addresses in the guest's memory
 */
struct json_object *stall_json_ring(const struct queue *q, const struct stall_watched *w,
				    bool addresses);

#endif
