/* SPDX-License-Identifier: GPL-2.0 */
/* Types and functions that the files of the probe share. No other file includes this header. */
#ifndef PROBE_INTERNAL_H
#define PROBE_INTERNAL_H

#include <bpf/libbpf.h>
#include "probe/counters.h"
#include "probe/probe.h"
#include "probe/probe_map.h"
#include "probe/queue_table.h"
#include "vringtop.skel.h"

/* The counts of the kernel for one program. */
struct runs {
	uint32_t ops;	  /* operations that it counts: a bit for each enum vt_op; 0: none */
	bool loses_calls; /* if the kernel skips this program for a call, the call is not counted */
	uint64_t missed, count;
	uint64_t ns; /* total run time; 0: not measured */
};

struct probe {
	struct vringtop_bpf *skel;
	struct runs *runs;	       /* an element for each program of the skeleton */
	uint64_t counted[VT_NR_TIMED]; /* counts of operations when the programs were last asked */
	uint32_t moved; /* operations that were called in the interval before that: a bit each */
	struct counters counters;
	int near_slots;			    /* file descriptor of the map; -1: none */
	struct queue_table queues;	    /* its arrays are mapped */
	size_t queues_size, doorbells_size; /* sizes of these mappings, bytes */
	struct vt_ring *rings;	      /* mapped; an element for each entry; NULL: not asked for */
	struct vt_ring_entry *part;   /* mapped; a part of the entries of one ring */
	size_t rings_size, part_size; /* bytes */
	uint32_t nr_slots;
	/*
	 * State at the last search for queues: how often a queue had found no entry, and how many
	 * events of such queues were lost.
	 */
	uint32_t no_entry;
	uint64_t lost_ids;
	bool by_functions;	    /* the kernel has no tracepoints */
	int stats_fd;		    /* open while the cost of an event is measured; else -1 */
	uint64_t next_measure;	    /* ns: time at which probe_measure() measures again */
	struct ring_buffer *events; /* NULL: single operations are not kept */
	uint64_t event_time; /* ns: time of the last operation; before the first: of the start */
	void (*take)(void *arg, const struct recording_event *e);
	void *take_arg;
	struct bpf_link *uevent; /* reports new queues on kernels without the events; else NULL */
	struct snapshot total;
};

/**
 * Opens the programs, but does not load them.
 * @events: true: the programs that also keep single operations
 * Returns the programs, which the caller frees with vringtop_bpf__destroy(), or NULL after it has
 * printed why not.
 */
struct vringtop_bpf *probe_open_programs(bool events);

/**
 * Loads the programs that fit this kernel and count the wanted operations.
 * @ops: as for probe_open()
 * Returns 0, or -1 after it has printed why not.
 */
int probe_load(struct probe *p, uint32_t ops);

/**
 * Finds the queues of all devices. Sets total.not_shown: how many of them have no entry in the
 * table. Prints which devices it could not read.
 * @entries: becomes how many entries a table for all queues must have; may be NULL
 * Returns 0, or -1 after it has printed why not.
 */
int probe_find_queues(struct probe *p, uint32_t *entries);

/** Returns the operations that a program counts: a bit for each enum vt_op; 0: none. */
uint32_t probe_program_ops(const struct bpf_program *prog);

/**
 * Returns true if a call is not counted when BPF skips this program for the call. The program at
 * the end of a function counts the call, even if the program at the begin was skipped. But if the
 * function contains another counted function, the program at the begin decides whether the end has
 * something to count (see functions.bpf.h).
 */
bool probe_miss_loses_call(const struct bpf_program *prog);

/** Maps the memory for the state of the rings. Returns 0, or -1 after it has printed why not. */
int rings_open(struct probe *p);
void rings_close(struct probe *p);

#endif
