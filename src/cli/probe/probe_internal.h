/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the probe share. No other file includes it. */
#ifndef PROBE_INTERNAL_H
#define PROBE_INTERNAL_H

#include <bpf/libbpf.h>
#include "probe/counters.h"
#include "probe/probe.h"
#include "probe/probe_map.h"
#include "probe/queue_table.h"
#include "vringtop.skel.h"

/* What the kernel counts of a program. */
struct runs {
	uint32_t ops;	  /* what it counts: a bit for each enum vt_op; 0: no operation */
	bool loses_calls; /* a call for which it did not run is not counted */
	uint64_t missed, count;
	uint64_t ns; /* all together; 0: not measured */
};

struct probe {
	struct vringtop_bpf *skel;
	struct runs *runs;	     /* of each program of the skeleton */
	uint64_t counted[VT_NR_OPS]; /* when the programs were last asked */
	uint32_t moved; /* the operations that were called before that: a bit for each */
	struct counters counters;
	int near_slots;			    /* map; -1: none */
	struct queue_table queues;	    /* its memory is mapped */
	size_t queues_size, doorbells_size; /* of these mappings, bytes */
	struct vt_ring *rings;	      /* mapped, an element for each entry; NULL: not asked for */
	struct vt_ring_entry *part;   /* mapped, of one ring */
	size_t rings_size, part_size; /* bytes */
	uint32_t nr_slots;
	/* When queues were last looked for: how often a queue had found no entry, and how many
	 * events of such queues were lost. */
	uint32_t no_entry;
	uint64_t lost_ids;
	bool by_functions;	    /* the kernel has no tracepoints */
	int stats_fd;		    /* while the cost of an event is measured; else -1 */
	uint64_t next_measure;	    /* ns: when probe_measure() looks again */
	struct ring_buffer *events; /* NULL: single operations are not kept */
	uint64_t event_time;	    /* ns: of the last one, or since when there was none */
	void (*take)(void *arg, const struct recording_event *e);
	void *take_arg;
	struct bpf_link *uevent; /* tells of new queues where no event does; else NULL */
	struct snapshot total;
};

/**
 * Opens the programs, without loading them.
 * @events: those that keep single operations as well
 * Returns them, to be freed with vringtop_bpf__destroy(), or NULL after it has printed why not.
 */
struct vringtop_bpf *probe_open_programs(bool events);

/**
 * Loads those of the open programs that fit this kernel and that count what is asked for.
 * @ops: as for probe_open()
 * Returns 0, or -1 after it has printed why not.
 */
int probe_load(struct probe *p, uint32_t ops);

/**
 * Finds the queues of all devices, and sets how many of them have no entry in the table, as far as
 * the queues of the last snapshot tell. Prints what it could not read.
 * @entries: becomes how many entries a table for all of them must have; may be NULL
 * Returns 0, or -1 after it has printed why not.
 */
int probe_find_queues(struct probe *p, uint32_t *entries);

/** What a program counts: a bit for each enum vt_op; 0: it is of no operation. */
uint32_t probe_program_ops(const struct bpf_program *prog);

/**
 * Whether a call is not counted if BPF did not run this program for it. The end of a call counts
 * the call even if its begin was not seen; but of a function that contains another one, the begin
 * tells whether the end has something to count (see functions.bpf.h).
 */
bool probe_miss_loses_call(const struct bpf_program *prog);

/** Maps the state of the rings. Returns 0, or -1 after it has complained. */
int rings_open(struct probe *p);
void rings_close(struct probe *p);

#endif
