/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A snapshot holds the counts of each operation of each queue, from the start of the probe to a
 * point in time. The difference of two snapshots is an interval, in the same struct. A snapshot
 * looks the same whether it is live or was read from a recording.
 *
 * No function here prints a message. A function that can fail returns -ENOMEM.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model/histogram.h"
#include "vringtop.h"

/* The counts for one enum vt_op of one queue. Times in ns. */
struct op_stats {
	uint64_t count;
	uint64_t timed;	    /* events in count whose time is known and is in histogram */
	uint64_t sum;	    /* sum of the known times */
	uint64_t max;	    /* the longest time */
	uint64_t refused;   /* events that failed or answered no: see op_refused_name() */
	uint64_t stale;	    /* notification_data: doorbells whose value was behind the ring */
	uint64_t bytes_out; /* add: bytes for the device to read */
	uint64_t bytes_in;  /* add: room for the device to write; get: bytes it wrote */
	struct histogram histogram; /* must be last: allocated only up to histogram.room buckets */
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
	bool fresh;	     /* created while vringtop ran, a few seconds ago at most */
	bool broken;
	uint64_t changed; /* when vringtop found it new or gone: ns, CLOCK_MONOTONIC; 0: neither */
	int device;	  /* virtio%d */
	unsigned int device_type;
	unsigned int index;
	unsigned int num;	 /* ring size, descriptors */
	unsigned int num_free;	 /* free descriptors */
	unsigned int last_index; /* the highest index of the queues of the device */
	/*
	 * How long the device has had the oldest buffer that the driver has not fetched yet, ns. 0:
	 * there is none, or not known.
	 */
	uint64_t oldest;
	/* There may be a buffer from before the start of the probe; `oldest` is a lower bound. */
	bool oldest_or_longer;
	enum vt_layout layout;
	uint64_t features;
	struct vt_doorbells doorbells; /* filled only if doorbells carry notification data */
	unsigned int new_doorbells;    /* in a difference: doorbells sent in that interval */
	char name[VT_NAME_LEN];
	char driver[VT_NAME_LEN];
	char role[VT_NAME_LEN]; /* the device's name in the system: vda, eth0; may be empty */
	struct op_stats *op[VT_NR_COUNTED]; /* owned; NULL: no event yet */
};

struct snapshot {
	uint64_t time;	      /* ns, CLOCK_MONOTONIC */
	uint64_t since;	      /* ns: length of the interval; in a snapshot: since the probe began */
	uint64_t lost;	      /* events that could not be counted */
	double probe_ns;      /* cost of counting one event, ns; 0: not measured */
	double cpu;	      /* CPU time of the tool, s */
	const char *how;      /* what the probe is attached to: "tracepoints" or "functions" */
	uint32_t unavailable; /* operations that this kernel does not show, one bit each */
	bool no_bytes_out;    /* this kernel does not show the bytes for the device */
	uint32_t not_shown;   /* number of this machine's queues that are missing here */
	uint64_t clock_step;  /* ns: step of the clock; 0: less than a reading of it takes */
	size_t nr_queues;
	struct queue *queues; /* owned; ordered by device, then index */
};

/** Returns the name of an operation as in the kernel's event, without "virtqueue_". */
const char *op_name(enum vt_op op);

/** Returns the enum vt_op with this name; -1: there is none. */
int op_by_name(const char *name);

/**
 * Returns what op_stats.refused counts for an operation: "failed", "suppressed", "empty", ...
 * Returns NULL if the operation is never refused.
 */
const char *op_refused_name(enum vt_op op);

/** Returns the name of a layout, "split" and so on. */
const char *layout_name(enum vt_layout layout);

/**
 * Returns the name of a layout in at most nine characters, for tables: "split-io" is split in
 * order.
 */
const char *layout_short_name(enum vt_layout layout);

/**
 * Returns the name of a queue's device in the system (vda, eth0). A device without a name: its type
 * ("balloon"), or its driver.
 */
const char *queue_role(const struct queue *q);

/**
 * Makes room for the histogram buckets below @end. The counts stay.
 * @o: owned by a queue. *@o may move in memory. If *@o is NULL, a new one is allocated, all zero.
 * Returns 0, or -ENOMEM with @o unchanged.
 */
int op_stats_room(struct op_stats **o, unsigned int end);

/**
 * Makes @to the difference of two snapshots of the same probe: what was counted between them.
 * @old: the earlier snapshot; NULL: count from the start of the probe
 * @to: as for snapshot_copy(). op_stats.max is exact if the maximum grew in this interval.
 * Otherwise it is the end of the highest bucket that grew.
 * Returns 0, or -ENOMEM with @to empty.
 */
int snapshot_diff(const struct snapshot *new, const struct snapshot *old, struct snapshot *to);

/**
 * Makes @to a copy of @from.
 * @to: all zero, or a snapshot that is replaced. Its memory is used again where possible. To be
 * freed with snapshot_free().
 * Returns 0, or -ENOMEM with @to empty.
 */
int snapshot_copy(const struct snapshot *from, struct snapshot *to);

/**
 * Adds a difference to a sum of differences. The sum has the queues of both. Members that are not
 * counts, such as num_free, are copied from @diff.
 * @to: the sum; all zero to begin with
 * Returns 0, or -ENOMEM with a part of @diff added.
 */
int snapshot_add(struct snapshot *to, const struct snapshot *diff);

/** Returns the queue with a serial, which belongs to the snapshot; NULL: there is none. */
struct queue *snapshot_queue(const struct snapshot *s, unsigned int serial);

/**
 * The same as snapshot_queue(), but looks at s->queues[place] first. This is faster if the guess is
 * right.
 */
struct queue *snapshot_queue_near(const struct snapshot *s, unsigned int serial, size_t place);

/** Sets last_index of all queues. They must be in the order of queue_order(). */
void snapshot_last_indices(struct snapshot *s);

/** For qsort(): the order of the queues of a snapshot, by device, index and serial. */
int queue_order(const void *a, const void *b);

/** Frees the memory that a snapshot owns, and makes it all zero. */
void snapshot_free(struct snapshot *s);

/** Returns the mean time, ns; 0 if no event was timed. */
double op_stats_mean(const struct op_stats *s);

/** Adds the figures of @from to those of @to. @from: may be NULL, which adds nothing */
void op_stats_add(struct op_stats *to, const struct op_stats *from);

/**
 * Describes what limits the figures of a snapshot: queues that are not shown, and times that are
 * shorter than a step of the clock.
 * Writes "" or "  7 queues not shown  clock steps 4.00ms" into @text, and returns @text.
 */
char *snapshot_limits(const struct snapshot *s, char *text, size_t size);

/**
 * Makes @to the figures of one operation of a queue. If the queue has none, @to is all zero.
 * @op: an enum vt_op; -1: the sum of all operations below VT_NR_OPS
 */
void queue_sum(const struct queue *q, int op, struct op_stats *to);

/** Returns the number of buffers made available: successful adds. */
uint64_t queue_buffers(const struct queue *q);

/** Returns the number of queues that are not gone. */
size_t snapshot_queues(const struct snapshot *s);

/** Returns the time of all stages of the requests: their sum, ns. */
uint64_t queue_stages(const struct queue *q);

/**
 * Finds the stage that has most of the time of the requests.
 * @share: becomes its share of the time, 0..1
 * Returns an enum vt_op; -1: no stage of a request is known.
 */
int queue_longest_stage(const struct queue *q, double *share);

/** Returns the number of requests that the driver fetched without an interrupt. */
uint64_t queue_polled(const struct queue *q);

/** Return the number of doorbells sent, and of doorbells that kick_prepare found not needed. */
uint64_t queue_doorbells(const struct queue *q);
uint64_t queue_suppressed(const struct queue *q);

/**
 * Returns the number of descriptors in use: the size of the ring minus the free descriptors.
 * Returns 0 if more descriptors are free than the ring has. This can happen, because the two
 * numbers are read one after the other and a resize may come between.
 */
unsigned int queue_in_use(const struct queue *q);

/** Return the bytes that the device was given to read, and the bytes that it wrote. */
uint64_t queue_bytes_out(const struct queue *q);
uint64_t queue_bytes_in(const struct queue *q);

#endif
