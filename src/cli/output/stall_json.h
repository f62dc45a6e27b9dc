/* SPDX-License-Identifier: GPL-2.0 */
/* What `stalls` prints of a queue as JSON. */
#ifndef STALL_JSON_H
#define STALL_JSON_H

#include <json-c/json.h>
#include "model/stall_watch.h"

/** A queue, its verdict and the evidence. The caller owns the object. */
struct json_object *stall_json(const struct queue *q, const struct stall_watched *w);

/** The state of a ring and the buffers in it; see stall_print_ring(). The caller owns it. */
struct json_object *stall_json_ring(const struct queue *q, const struct stall_watched *w,
				    bool addresses);

#endif
