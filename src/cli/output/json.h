/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Snapshots as JSON. A field that holds a time ends in _ns; rates are per second, sizes in bytes.
 * Points in time (time_ns) are ns since 1970: more than a double can hold exactly.
 */
#ifndef JSON_H
#define JSON_H

#include <json-c/json.h>
#include "model/snapshot.h"

/* Each adds a member to an object, with a copy of the value. NaN and infinity become null. */
void json_put_int(struct json_object *o, const char *key, uint64_t value);
void json_put_double(struct json_object *o, const char *key, double value);
void json_put_string(struct json_object *o, const char *key, const char *value);

/** A queue without its counts: names, numbers, layout, features. The caller owns the object. */
struct json_object *json_queue(const struct queue *q);

/**
 * The figures of an operation: count, rate, mean, quantiles, and with @buckets the histogram.
 * The keys end in _ns, but for VT_BUFFERS_PER_DOORBELL, whose values are buffers.
 * The caller owns it.
 */
struct json_object *json_op(enum vt_op op, const struct op_stats *o, double seconds, bool buckets);

/**
 * A difference of snapshots: queues, layouts, doorbells, the cost. The caller owns it.
 * @when: its end, ns since 1970
 */
struct json_object *json_snapshot(const struct snapshot *diff, uint64_t when, bool buckets);

/** The time now, ns since 1970. */
uint64_t json_now(void);

/** Prints an object as one line and frees it. */
void json_print(struct json_object *o);

#endif
