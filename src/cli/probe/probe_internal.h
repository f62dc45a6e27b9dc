/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the probe share; nobody else knows it. */
#ifndef PROBE_INTERNAL_H
#define PROBE_INTERNAL_H

#include <bpf/libbpf.h>
#include "probe/counters.h"
#include "probe/probe.h"
#include "vringtop.skel.h"

/* What the kernel says of a program. */
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
	struct vt_queue *queues;	    /* mapped */
	struct vt_doorbells *doorbells;	    /* mapped, an element for each of queues */
	size_t queues_size, doorbells_size; /* bytes */
	struct vt_ring *rings;	    /* mapped, an element for each of queues; NULL: not asked for */
	struct vt_ring_entry *part; /* mapped, of one ring */
	size_t rings_size, part_size; /* bytes */
	uint32_t nr_slots, nr_queues;
	bool by_functions;	    /* the kernel has no tracepoints */
	int stats_fd;		    /* while the cost of an event is measured; else -1 */
	uint64_t start;		    /* ns, CLOCK_MONOTONIC */
	uint64_t roles;		    /* the same: when they were last looked for */
	struct ring_buffer *events; /* NULL: single operations are not kept */
	uint64_t event_time;	    /* ns: of the last one, or since when there was none */
	void (*take)(void *arg, const struct recording_event *e);
	void *take_arg;
	struct bpf_link *uevent; /* while devices' queues are looked for */
	unsigned int first_new;	 /* the serial of the first queue that was made since */
	struct snapshot total;
};

/**
 * Maps all of an array.
 * @size: becomes what munmap() is to be given
 * Returns NULL after it has complained.
 */
void *probe_map(const struct bpf_map *map, size_t *size, const char *what);

/** Maps the state of the rings. Returns 0, or -1 after it has complained. */
int rings_open(struct probe *p);
void rings_close(struct probe *p);

#endif
