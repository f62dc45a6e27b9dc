/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The probe: attaches to the kernel's events and reads the counts. Only the files probe*.c and
 * kernel.c use libbpf. Functions that can fail print a message, then return -1 or NULL.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>
#include "model/snapshot.h"

struct probe;

/* All operations and measurements: a bit for each enum vt_op. */
#define PROBE_ALL_OPS ((1u << VT_NR_COUNTED) - 1)

/*
 * The path of a request: what the driver calls for each request, the interrupts, and the stages of
 * its time.
 */
#define PROBE_REQUESTS                                                                             \
	(1u << VT_OP_ADD | 1u << VT_OP_GET | 1u << VT_OP_KICK_PREPARE | 1u << VT_OP_NOTIFY |       \
	 1u << VT_OP_NOTIFICATION_DATA | 1u << VT_INTERRUPT | 1u << VT_AVAIL_TO_USED | VT_STAGES | \
	 1u << VT_BUFFERS_PER_DOORBELL | 1u << VT_BUFFERS_PER_INTERRUPT)

/* Add this bit to also keep single operations. */
#define PROBE_EVENTS (1u << 31)

/* Add this bit to also read the state of the rings: see probe_rings(). */
#define PROBE_RINGS (1u << 30)

/**
 * Loads the programs, attaches them and finds the queues. Needs CAP_BPF and CAP_PERFMON, or root.
 * @ops: what to count, a bit each, and PROBE_EVENTS, PROBE_RINGS; 0: only find queues
 * Returns the probe, which the caller closes with probe_close(), or NULL after it has printed why
 * not.
 */
struct probe *probe_open(uint32_t ops);

/**
 * Reads all counts since probe_open(). A deleted queue is in the next snapshot with its last
 * counts, marked as gone. It stays until another queue has its place, or for some seconds.
 * Returns a snapshot that belongs to the probe and is valid until the next call, or NULL after it
 * has printed why not.
 */
const struct snapshot *probe_read(struct probe *p);

struct recording_event;

/**
 * Sets the function that takes single operations. probe_drain() and probe_read() call @take for
 * each operation, roughly in the order of time. The times are on the clock of probe_now(). Needs
 * PROBE_EVENTS.
 * @arg: passed to @take
 */
void probe_events(struct probe *p, void (*take)(void *arg, const struct recording_event *e),
		  void *arg);

/**
 * Measures the cost of counting one event (snapshot.probe_ns). For this the kernel keeps run-time
 * statistics of programs, which slow down every program. So the statistics are switched off after
 * enough events, or after 10 s. probe_read() calls this function, too. A caller that waits longer
 * than 50 ms must call it in between.
 * Returns the time of the next call (ns, as probe_now()); UINT64_MAX: no more calls are needed.
 */
uint64_t probe_measure(struct probe *p);

/**
 * Hands the single operations that are there to @take of probe_events(). Call it at least once a
 * second.
 */
void probe_drain(struct probe *p);

/** Returns how many single operations were lost because the ring buffer was full. */
uint64_t probe_dropped(const struct probe *p);

/**
 * Reads the current state of all rings. Needs PROBE_RINGS.
 * Returns 0, or -1 after it has printed why not.
 */
int probe_rings(struct probe *p);

/**
 * Returns the state of a ring at the last reading, valid until the next reading. NULL: the ring was
 * not read. Prints nothing.
 */
const struct vt_ring *probe_ring(const struct probe *p, const struct queue *q);

/**
 * Copies the current arrays of a ring, then reads the state of this ring.
 * @entries: becomes an entry for each of the @num indices of the ring
 * Returns 0, or -1 if the queue is gone. Prints nothing.
 */
int probe_ring_entries(struct probe *p, const struct queue *q, struct vt_ring_entry *entries);

/** Detaches the programs. After this, the counts of probe_read() do not change any more. */
void probe_stop(struct probe *p);

/** Returns the time now, ns, on the clock of the snapshots (CLOCK_MONOTONIC). */
uint64_t probe_now(void);

/** Detaches the programs and frees the probe. @p may be NULL. */
void probe_close(struct probe *p);

#endif
