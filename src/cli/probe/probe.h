/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The probe: attaches to the kernel's events and reads what was counted. Only its
 * files, probe*.c, and kernel.c know libbpf.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>
#include "model/snapshot.h"

struct probe;

/* A bit for each enum vt_op; times from available to used only for those who ask. */
#define PROBE_ALL_OPS ((1u << VT_NR_COUNTED) - 1 - (1u << VT_AVAIL_TO_USED))

/* With these bits: keep single operations as well. */
#define PROBE_EVENTS (1u << 31)

/* The state of the rings as well: probe_rings(). */
#define PROBE_RINGS (1u << 30)

/**
 * Loads the programs, attaches them and finds the queues.
 * @ops: what to count, a bit each, and PROBE_EVENTS, PROBE_RINGS; 0: nothing, only find queues
 * Returns the probe, to be closed with probe_close(), or NULL after it has
 * printed why not. Needs CAP_BPF and CAP_PERFMON, or root.
 */
struct probe *probe_open(uint32_t ops);

/**
 * Reads all counts since probe_open().
 * Returns a snapshot that belongs to the probe and is good until the next call,
 * or NULL after it has printed why not. A queue that was deleted is in it once
 * with its last counts, marked as gone, and then until another has its place or
 * some seconds have passed.
 */
const struct snapshot *probe_read(struct probe *p);

struct recording_event;

/**
 * Who takes single operations from now on: probe_drain() and probe_read() call @take for
 * each, roughly in the order of time. Its times are those of probe_now(). Needs PROBE_EVENTS.
 */
void probe_events(struct probe *p, void (*take)(void *arg, const struct recording_event *e),
		  void *arg);

/**
 * Measures what counting one event costs (snapshot.probe_ns): when there were enough events, or
 * after 10 s, the kernel's statistics of programs are switched off, because they make every program
 * dearer. probe_read() does the same; who waits longer than 50 ms calls this between.
 * Returns when it is to be called again (ns, as probe_now()); UINT64_MAX: no more.
 */
uint64_t probe_measure(struct probe *p);

/** Hands on the single operations that there are. To be called at least once a second. */
void probe_drain(struct probe *p);

/** How many single operations found no room. */
uint64_t probe_dropped(const struct probe *p);

/**
 * Reads the state of all rings, as it is now. Needs PROBE_RINGS.
 * Returns 0, or -1 after it has printed why not.
 */
int probe_rings(struct probe *p);

/** What was read last of a queue's ring, good until it is read again; NULL: nothing. */
const struct vt_ring *probe_ring(const struct probe *p, const struct queue *q);

/**
 * Copies what is in a ring's arrays, as it is now: an entry for each of its @num indices. Then
 * reads the state of this ring. Returns 0, or not if the queue is gone.
 */
int probe_ring_entries(struct probe *p, const struct queue *q, struct vt_ring_entry *entries);

/** Detaches: what probe_read() tells from then on does not change. */
void probe_stop(struct probe *p);

/** The time now, ns, on the clock of the snapshots (CLOCK_MONOTONIC). */
uint64_t probe_now(void);

/** Detaches and frees all. @p may be NULL. */
void probe_close(struct probe *p);

#endif
