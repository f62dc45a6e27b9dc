// SPDX-License-Identifier: GPL-2.0
/* Reads the state of the rings: runs the programs that copy it into shared memory. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <bpf/bpf.h>
#include "base/error.h"
#include "probe/probe_internal.h"

int rings_open(struct probe *p)
{
	p->rings = probe_map(p->skel->maps.rings, &p->rings_size, "state of the rings");
	p->part = probe_map(p->skel->maps.ring_part, &p->part_size, "part of a ring");
	return p->rings && p->part ? 0 : -1;
}

void rings_close(struct probe *p)
{
	if (p->rings)
		munmap(p->rings, p->rings_size);
	if (p->part)
		munmap(p->part, p->part_size);
}

int probe_rings(struct probe *p)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err = bpf_prog_test_run_opts(bpf_program__fd(p->skel->progs.look_at_rings), &opts);

	if (err)
		return complain(NULL, "cannot look at the rings: %s", strerror(-err));
	return 0;
}

const struct vt_ring *probe_ring(const struct probe *p, const struct queue *q)
{
	uint32_t entry = q->gone ? 0 : queue_table_entry(&p->queues, q->serial);

	return entry && p->rings[entry].serial == q->serial ? &p->rings[entry] : NULL;
}

int probe_ring_entries(struct probe *p, const struct queue *q, struct vt_ring_entry *entries)
{
	struct vt_part part = { .entry = queue_table_entry(&p->queues, q->serial),
				.serial = q->serial };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &part, .ctx_size_in = sizeof(part));

	for (; part.first < q->num; part.first += VT_PART) {
		uint32_t n = q->num - part.first < VT_PART ? q->num - part.first : VT_PART;

		if (bpf_prog_test_run_opts(bpf_program__fd(p->skel->progs.copy_ring), &opts) ||
		    opts.retval)
			return -1;
		memcpy(entries + part.first, p->part, n * sizeof(*entries));
	}
	return 0;
}
