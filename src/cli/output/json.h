/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes JSON of snapshots. A field with a time ends in _ns. Rates are per second, sizes are bytes.
 * Points in time (time_ns) are ns since 1970; a double cannot hold all their digits.
 */
#ifndef JSON_H
#define JSON_H

#include <json-c/json.h>
#include "model/snapshot.h"

/* Each function adds a member to @o, with a copy of the value. NaN and infinity become null. */
void json_put_int(struct json_object *o, const char *key, uint64_t value);
void json_put_double(struct json_object *o, const char *key, double value);
void json_put_string(struct json_object *o, const char *key, const char *value);

/**
 * Returns a queue without its counts: names, numbers, layout, features. The caller owns the object.
 */
struct json_object *json_queue(const struct queue *q);

/**
 * Returns the figures of an operation: count, rate, mean, quantiles, and with @buckets the
 * histogram. The keys of times end in _ns. The values of VT_BUFFERS_PER_DOORBELL are buffers, so
 * its keys do not. The caller owns the object.
 * @seconds: length of the interval, for the rate
 */
struct json_object *json_op(enum vt_op op, const struct op_stats *o, double seconds, bool buckets);

/**
 * Returns a difference of snapshots: queues, layouts, doorbells, cost. The caller owns the object.
 * @when: end of the interval, ns since 1970
 * @buckets: with the histograms
 */
struct json_object *json_snapshot(const struct snapshot *diff, uint64_t when, bool buckets);

/** Returns the time now, ns since 1970. */
uint64_t json_now(void);

/** Prints an object as one line to stdout, and frees it. */
void json_print(struct json_object *o);

#endif
