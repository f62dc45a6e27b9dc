/* SPDX-License-Identifier: GPL-2.0 */
/* What `stalls` prints of a queue, as text or JSON. Pure but for stdout. */
#ifndef STALL_TEXT_H
#define STALL_TEXT_H

#include <json-c/json.h>
#include "model/stall.h"

/**
 * Which queue, and what is with it: verdict, since when, what it stands on. In 80 columns.
 * @when: what the first line begins with
 */
void stalls_print(const char *when, const struct queue *q, const struct stall_watched *w);

/** The name of a queue as in stalls_print(), into @text of @size. Returns it. */
char *stalls_queue(char *text, size_t size, const struct queue *q);

/** The same as an object that the caller owns. */
struct json_object *stalls_json(const struct queue *q, const struct stall_watched *w);

/**
 * All of a ring's state, with its buffers that are in flight.
 * @entries: what is in its arrays, @r->num of them; NULL: without its buffers
 * @addresses: those in guest memory, too
 */
void stalls_print_ring(const struct queue *q, const struct vt_ring *r,
		       const struct vt_ring_entry *entries, bool addresses);

/** The same as an object that the caller owns. */
struct json_object *stalls_json_ring(const struct queue *q, const struct vt_ring *r,
				     const struct vt_ring_entry *entries, bool addresses);

#endif
