/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A snapshot: what was counted until a point in time, queues x operations.
 * Views and recordings are made of snapshots and of their differences; where a
 * snapshot came from, live or recorded, it does not say.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model/histogram.h"
#include "vringtop.h"

/* One operation of one queue, or what is measured between them. Times in ns. */
struct op_stats {
	uint64_t count;
	uint64_t timed; /* so many of them have a time */
	uint64_t sum;
	uint64_t max;
	uint64_t refused;      /* failed, or answered no: op_refused_name() says which */
	uint64_t stale;	       /* notification_data: the ring had moved on from the value sent */
	uint64_t bytes_out;    /* add: bytes for the device to read */
	uint64_t bytes_in;     /* add: room for the device to write; get: bytes it wrote */
	struct histogram hist; /* last: a queue's has memory as far as there are counts */
};

/* A virtqueue. Strings hold printable characters only. */
struct queue {
	unsigned int serial; /* tells queues apart for good */
	bool gone;	     /* deleted */
	bool fresh;	     /* made a short time ago, while someone watched */
	bool broken;
	uint64_t changed; /* ns, CLOCK_MONOTONIC: when it was found new or gone; 0: never */
	int device;	  /* virtio%d */
	unsigned int device_type;
	unsigned int index;
	unsigned int num;      /* ring size, descriptors */
	unsigned int num_free; /* free descriptors */
	enum vt_layout layout;
	uint64_t features;
	struct vt_doorbells doorbells; /* with notification data */
	unsigned int new_doorbells;    /* of a difference: how many of them are of its time */
	char name[VT_NAME_LEN];
	char driver[VT_NAME_LEN];
	char role[VT_NAME_LEN]; /* what the device is in the system: vda, eth0; may be empty */
	struct op_stats *op[VT_NR_COUNTED]; /* owned; NULL: never seen */
};

struct snapshot {
	uint64_t time;	      /* ns, CLOCK_MONOTONIC */
	uint64_t since;	      /* ns; for a difference: how long it took */
	uint64_t lost;	      /* events that could not be counted */
	double probe_ns;      /* what counting one event takes, ns; 0: not measured */
	double cpu;	      /* CPU time of the tool, s */
	const char *how;      /* the operations were seen: "tracepoints" or "functions" */
	uint32_t unavailable; /* what cannot be seen on this kernel: a bit for each enum vt_op */
	bool no_bytes_out;    /* nor the bytes for the device */
	uint32_t not_shown;   /* queues of this machine that are not among these */
	uint64_t clock_step;  /* ns: the clock moves in steps of so much; 0: finer than a reading */
	size_t nr_queues;
	struct queue *queues; /* owned; ordered by device, then index */
};

/** The name of an operation as in the kernel's event, without "virtqueue_". */
const char *op_name(enum vt_op op);

/** The operation of a name; a negative number if there is none. */
int op_by_name(const char *name);

/**
 * What op_stats.refused counts for an operation: "failed", "suppressed", "empty", ...
 * NULL: the operation has no such answer.
 */
const char *op_refused_name(enum vt_op op);

/** The name of a layout, "split" and so on. */
const char *layout_name(enum vt_layout layout);

/** The same in at most nine characters, for tables: "split-io" is split in order. */
const char *layout_short_name(enum vt_layout layout);

/** What a queue's device is in the system, vda, eth0; else its type: "net", "balloon". */
const char *queue_role(const struct queue *q);

/**
 * Gives an operation of a queue memory for the buckets below @end, and what it counts so far.
 * @o: owned by its queue; may be NULL, and may move
 * Returns 0 or -ENOMEM.
 */
int op_stats_room(struct op_stats **o, unsigned int end);

/**
 * What happened between two snapshots of one run.
 * @new, @old: @old may be NULL: from the start on
 * @to: becomes the difference, as snapshot_copy() has it; max is that of the interval
 * as far as the histogram tells
 * Returns 0, or -ENOMEM with @to empty.
 */
int snapshot_diff(const struct snapshot *new, const struct snapshot *old, struct snapshot *to);

/**
 * Makes @to a copy of its own. What @to had before, or all zero, goes; its memory is used again
 * where it can be. To be freed with snapshot_free().
 * Returns 0, or -ENOMEM with @to empty.
 */
int snapshot_copy(const struct snapshot *from, struct snapshot *to);

/**
 * Adds a difference to a sum of differences. Queues that are gone stay in the sum.
 * @to: the sum; at first all zero
 * Returns 0 or -ENOMEM.
 */
int snapshot_add(struct snapshot *to, const struct snapshot *diff);

/** The queue of a serial, which belongs to the snapshot; NULL: it has none. */
struct queue *snapshot_queue(const struct snapshot *s, unsigned int serial);

/** The same; faster if it is at @place of its queues. */
struct queue *snapshot_queue_near(const struct snapshot *s, unsigned int serial, size_t place);

/** For qsort(): the order of the queues of a snapshot, by device, index and serial. */
int queue_order(const void *a, const void *b);

/** Frees what a snapshot owns and empties it. */
void snapshot_free(struct snapshot *s);

/** The mean time, ns; 0 if there is none. */
double op_stats_mean(const struct op_stats *s);

/** Adds the figures of @from, which may be NULL, to @to. */
void op_stats_add(struct op_stats *to, const struct op_stats *from);

/**
 * What the reader of a snapshot must know of its limits: queues that are not shown, times that the
 * clock does not resolve.
 * Writes "" or "  7 queues not shown  clock steps 4.00ms" into @text, and returns it.
 */
char *snapshot_limits(const struct snapshot *s, char *text, size_t size);

/** Sums all operations of a queue (@op < 0), or takes what was counted for one; @to is overwritten.
 */
void queue_sum(const struct queue *q, int op, struct op_stats *to);

/** Buffers made available: successful adds. */
uint64_t queue_buffers(const struct queue *q);

/** Queues that live. */
size_t snapshot_queues(const struct snapshot *s);

/** Doorbells rung, and doorbells that kick_prepare found not needed. */
uint64_t queue_doorbells(const struct queue *q);
uint64_t queue_suppressed(const struct queue *q);

/**
 * Descriptors in use: the size of the ring less the free descriptors. 0 if more are free than the
 * ring has: the kernel's two numbers are read one after the other, and a resize may come between.
 */
unsigned int queue_in_use(const struct queue *q);

/** Bytes the device was given to read, and bytes it wrote. */
uint64_t queue_bytes_out(const struct queue *q);
uint64_t queue_bytes_in(const struct queue *q);

#endif
