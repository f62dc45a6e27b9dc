/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A snapshot: what was counted for each operation of each queue, from the start of the probe to a
 * point in time. The difference of two snapshots is an interval, in the same struct. A snapshot
 * does not say whether it is live or was read from a recording.
 *
 * No function here prints a message. Those that can fail return -ENOMEM.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model/histogram.h"
#include "vringtop.h"

/* What was counted for one enum vt_op of one queue. Times in ns. */
struct op_stats {
	uint64_t count;
	uint64_t timed;	       /* of count: events whose time is known, and in hist */
	uint64_t sum;	       /* of the times */
	uint64_t max;	       /* the longest time */
	uint64_t refused;      /* failed, or answered no: op_refused_name() says which */
	uint64_t stale;	       /* notification_data: the ring had moved on from the value sent */
	uint64_t bytes_out;    /* add: bytes for the device to read */
	uint64_t bytes_in;     /* add: room for the device to write; get: bytes it wrote */
	struct histogram hist; /* must be last: allocated only up to hist.room buckets */
};

/*
 * A virtqueue. Strings hold printable characters only.
 *
 * A queue has four numbers:
 *
 * - index, the driver's: the place of the queue in its device, from 0 (virtio 1.3, section 2.6).
 *   Users see it.
 * - serial, vringtop's: counts from 1 and is never used again. A queue that is deleted and made
 *   again has a new serial, so snapshots and recordings know a queue by its serial.
 * - entry: the place of the queue in the table of the programs in the kernel (struct vt_queue). The
 *   entry of a deleted queue is used again. Only probe/ and src/bpf/ know it.
 * - id, the patched kernel's: a small number by which its events name a queue. The id of a deleted
 *   queue is used again. Only src/bpf/ uses it, to find the entry.
 */
struct queue {
	unsigned int serial; /* identifies the queue, see above */
	bool gone;	     /* deleted */
	bool fresh;	     /* made while vringtop ran, a few seconds ago at most */
	bool broken;
	uint64_t changed; /* when vringtop found it new or gone: ns, CLOCK_MONOTONIC; 0: neither */
	int device;	  /* virtio%d */
	unsigned int device_type;
	unsigned int index;
	unsigned int num;      /* ring size, descriptors */
	unsigned int num_free; /* free descriptors */
	enum vt_layout layout;
	uint64_t features;
	struct vt_doorbells doorbells; /* with notification data */
	unsigned int new_doorbells;    /* in a difference: doorbells sent in that interval */
	char name[VT_NAME_LEN];
	char driver[VT_NAME_LEN];
	char role[VT_NAME_LEN]; /* the device's name in the system: vda, eth0; may be empty */
	struct op_stats *op[VT_NR_COUNTED]; /* owned; NULL: no event yet */
};

struct snapshot {
	uint64_t time;	      /* ns, CLOCK_MONOTONIC */
	uint64_t since;	      /* length of the interval, ns; of a snapshot: since the probe began */
	uint64_t lost;	      /* events that could not be counted */
	double probe_ns;      /* what counting one event costs, ns; 0: not measured */
	double cpu;	      /* CPU time of the tool, s */
	const char *how;      /* what the probe is attached to: "tracepoints" or "functions" */
	uint32_t unavailable; /* operations that this kernel does not show, a bit each */
	bool no_bytes_out;    /* this kernel does not show the bytes for the device */
	uint32_t not_shown;   /* queues of this machine that are not among these */
	uint64_t clock_step;  /* ns: the clock moves in steps of so much; 0: finer than a reading */
	size_t nr_queues;
	struct queue *queues; /* owned; ordered by device, then index */
};

/** The name of an operation as in the kernel's event, without "virtqueue_". */
const char *op_name(enum vt_op op);

/** The enum vt_op with a name, or -1. */
int op_by_name(const char *name);

/**
 * What op_stats.refused counts for an operation: "failed", "suppressed", "empty", ...
 * NULL: the operation has no such answer.
 */
const char *op_refused_name(enum vt_op op);

/** The name of a layout, "split" and so on. */
const char *layout_name(enum vt_layout layout);

/** The name of a layout in at most nine characters, for tables: "split-io" is split in order. */
const char *layout_short_name(enum vt_layout layout);

/** The name of a queue's device in the system (vda, eth0); without one its type ("balloon"). */
const char *queue_role(const struct queue *q);

/**
 * Makes room for the histogram buckets below @end. What was counted stays.
 * @o: owned by a queue. NULL: becomes a new one, all zero. It may move in memory.
 * Returns 0, or -ENOMEM with @o unchanged.
 */
int op_stats_room(struct op_stats **o, unsigned int end);

/**
 * Makes @to the difference of two snapshots of the same probe: what was counted between them.
 * @old: NULL: since the probe began
 * @to: as for snapshot_copy(). Its max is exact if it is new in this interval; else the end of the
 * highest bucket that grew.
 * Returns 0, or -ENOMEM with @to empty.
 */
int snapshot_diff(const struct snapshot *new, const struct snapshot *old, struct snapshot *to);

/**
 * Makes @to a copy of @from.
 * @to: all zero, or a snapshot that is replaced; its memory is used again where possible. To be
 * freed with snapshot_free().
 * Returns 0, or -ENOMEM with @to empty.
 */
int snapshot_copy(const struct snapshot *from, struct snapshot *to);

/**
 * Adds a difference to a sum of differences. A queue that only one of them has is in the sum. What
 * is not counted, such as num_free, is that of @diff.
 * @to: the sum; all zero to begin with
 * Returns 0, or -ENOMEM with a part of @diff added.
 */
int snapshot_add(struct snapshot *to, const struct snapshot *diff);

/** The queue with a serial; it belongs to the snapshot. NULL: there is none. */
struct queue *snapshot_queue(const struct snapshot *s, unsigned int serial);

/** The same, but looks first at s->queues[place]. */
struct queue *snapshot_queue_near(const struct snapshot *s, unsigned int serial, size_t place);

/** For qsort(): the order of the queues of a snapshot, by device, index and serial. */
int queue_order(const void *a, const void *b);

/** Frees what a snapshot owns and empties it. */
void snapshot_free(struct snapshot *s);

/** The mean time, ns; 0 without any. */
double op_stats_mean(const struct op_stats *s);

/** Adds the figures of @from to those of @to. @from: NULL adds nothing */
void op_stats_add(struct op_stats *to, const struct op_stats *from);

/**
 * What the reader of a snapshot must know of its limits: queues that are not shown, times that the
 * clock does not resolve.
 * Writes "" or "  7 queues not shown  clock steps 4.00ms" into @text, and returns it.
 */
char *snapshot_limits(const struct snapshot *s, char *text, size_t size);

/**
 * Makes @to the figures of one operation of a queue, all zero if it has none.
 * @op: an enum vt_op; -1: the sum of all operations below VT_NR_OPS
 */
void queue_sum(const struct queue *q, int op, struct op_stats *to);

/** Buffers made available: successful adds. */
uint64_t queue_buffers(const struct queue *q);

/** Number of queues that are not gone. */
size_t snapshot_queues(const struct snapshot *s);

/** Doorbells sent, and doorbells that kick_prepare found not needed. */
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
