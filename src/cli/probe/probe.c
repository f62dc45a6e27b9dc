// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "base/error.h"
#include "probe/device.h"
#include "probe/kernel.h"
#include "probe/probe.h"
#include "probe/load_error.h"
#include "probe/probe_internal.h"
#include "recording/recording.h"

uint64_t probe_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* Returns true for a program that sees queues come and go. The other programs see operations. */
static bool is_of_life(const struct probe *p, const struct bpf_program *prog)
{
	return prog == p->skel->progs.on_created || prog == p->skel->progs.on_deleted ||
	       prog == p->skel->progs.enter_vring_del_virtqueue;
}

/*
 * Attaches the loaded programs: those that see queues come and go, or the others. Returns 0, or -1
 * after it has printed why not.
 */
static int attach(struct probe *p, bool life)
{
	struct bpf_object_skeleton *skel = p->skel->skeleton;

	for (int i = 0; i < skel->prog_cnt; i++) {
		struct bpf_program *prog = *skel->progs[i].prog;
		const char *name = strchr(bpf_program__section_name(prog), '/');

		if (!name || !bpf_program__autoload(prog) || prog == p->skel->progs.on_uevent ||
		    is_of_life(p, prog) != life)
			continue;
		*skel->progs[i].link = bpf_program__attach(prog);
		if (*skel->progs[i].link)
			continue;
		/* An older version of the series has fewer events. */
		if (errno == ENOENT && !p->by_functions) {
			p->total.unavailable |= probe_program_ops(prog);
			continue;
		}
		/* The program reads an argument or a field that the event does not have. */
		if (errno == EINVAL && !p->by_functions)
			return complain("Build the kernel again with the series of this version "
					"(make kernel).",
					"the kernel's event %s has other fields", name + 1);
		return complain_attach(errno, name + 1);
	}
	return 0;
}

/* Each program, link and map is an open file. */
#define OPEN_FILES 256

static void raise_open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= OPEN_FILES)
		return;
	limit.rlim_cur = OPEN_FILES;
	if (limit.rlim_max < OPEN_FILES)
		limit.rlim_max = OPEN_FILES;
	/* If this fails, loading fails, too, and prints a message. */
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Unpacks a single operation, and hands it on. */
static int take_event(void *arg, void *data, size_t size)
{
	const uint64_t owners = (1ull << VT_EVENT_OWNER_BITS) - 1;
	const uint64_t cpus = (1ull << VT_EVENT_CPU_BITS) - 1;
	const unsigned int above = 64 - VT_EVENT_TIME_BITS;
	const struct vt_event *k = data;
	struct recording_event e = {};
	struct probe *p = arg;
	uint32_t entry;

	if (size < sizeof(*k) || !p->take)
		return 0;
	entry = (k->when & owners) >> VT_OPS_SHIFT;
	e.op = k->when & ((1 << VT_OPS_SHIFT) - 1);
	if (entry >= p->queues.nr_entries || e.op >= VT_NR_OPS)
		return 0;
	/*
	 * struct vt_event has only the low bits of the time. The operation was near the last one in
	 * time, before or after it.
	 */
	p->event_time += (int64_t)((k->when >> above << above) - (p->event_time << above)) >> above;
	e.time = p->event_time;
	e.cpu = k->when >> VT_EVENT_OWNER_BITS & cpus;
	e.serial = p->queues.entries[entry].serial;
	e.duration = k->what >> 32;
	if (e.duration == VT_EVENT_UNTIMED)
		e.duration = RECORDING_UNTIMED;
	e.result = (int32_t)k->what;
	if (e.op == VT_OP_NOTIFICATION_DATA)
		e.result = (uint32_t)k->what;
	p->take(p->take_arg, &e);
	return 0;
}

void probe_events(struct probe *p, void (*take)(void *arg, const struct recording_event *e),
		  void *arg)
{
	p->take = take;
	p->take_arg = arg;
}

void probe_drain(struct probe *p)
{
	uint64_t begin = probe_now();

	if (p->events && ring_buffer__consume(p->events) <= 0)
		p->event_time = begin;
}

uint64_t probe_dropped(const struct probe *p)
{
	return p->skel->data_shared->dropped_events;
}

void probe_stop(struct probe *p)
{
	/* 20 ms, in which a program that runs on another CPU comes to its end. */
	const struct timespec moment = { .tv_nsec = 20000000 };

	vringtop_bpf__detach(p->skel);
	nanosleep(&moment, NULL);
}

/*
 * Number of entries in the table of queues. A single operation has only 12 bits for the entry of
 * its queue.
 */
#define LEAST_ENTRIES	   512
#define MOST_ENTRIES	   VT_MOST_QUEUES
#define MOST_EVENT_ENTRIES (1 << (VT_EVENT_OWNER_BITS - VT_OPS_SHIFT))

/*
 * Maps the memory that the loaded programs share with the tool. Returns 0, or -1 after it has
 * printed why not.
 */
static int map_all(struct probe *p, uint32_t ops)
{
	if (counters_open(&p->counters, p->nr_slots, p->near_slots,
			  offsetof(struct vringtop_bpf__bss, near_slots),
			  offsetof(struct vringtop_bpf__bss, near_rows),
			  bpf_map__fd(p->skel->maps.far_slots), &p->skel->data_shared->free_slots))
		return -1;
	p->queues.entries = probe_map(p->skel->maps.queues, &p->queues_size, "table of queues");
	p->queues.doorbells = probe_map(p->skel->maps.doorbells, &p->doorbells_size, "doorbells");
	if (!p->queues.entries || !p->queues.doorbells || (ops & PROBE_RINGS && rings_open(p)))
		return -1;
	if (!(ops & PROBE_EVENTS))
		return 0;
	p->events = ring_buffer__new(bpf_map__fd(p->skel->maps.events), take_event, p, NULL);
	if (!p->events)
		return complain(NULL, "cannot map the single operations: %s", strerror(errno));
	return 0;
}

/*
 * Opens the probe with a table of @nr_entries entries, and finds the queues. Does not attach the
 * programs of operations.
 * @needed: becomes how many entries a table for all queues must have
 * Returns NULL after it has printed why not.
 */
static struct probe *open_sized(uint32_t ops, uint32_t nr_entries, uint32_t *needed)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (!p) {
		complain(NULL, "no memory");
		return NULL;
	}
	p->stats_fd = p->near_slots = -1;
	p->queues.nr_entries = nr_entries;
	p->skel = probe_open_programs(ops & PROBE_EVENTS);
	if (!p->skel)
		goto fail;
	p->runs = calloc(p->skel->skeleton->prog_cnt, sizeof(*p->runs));
	if (!p->runs) {
		complain(NULL, "no memory");
		goto fail;
	}
	for (int i = 0; i < p->skel->skeleton->prog_cnt; i++) {
		const struct bpf_program *prog = *p->skel->skeleton->progs[i].prog;

		p->runs[i].ops = probe_program_ops(prog);
		p->runs[i].loses_calls = probe_miss_loses_call(prog);
	}
	if (probe_load(p, ops))
		goto fail;
	/* libbpf used much memory for the kernel's types: give it back to the system. */
	malloc_trim(0);
	if (map_all(p, ops))
		goto fail;
	/*
	 * First watch queues come and go, then find the existing queues, so that no queue is
	 * missed.
	 */
	if (attach(p, true))
		goto fail;
	if (p->by_functions) {
		p->uevent = bpf_program__attach(p->skel->progs.on_uevent);
		if (!p->uevent) {
			complain_attach(errno, "virtio_uevent");
			goto fail;
		}
	}
	if (probe_find_queues(p, needed))
		goto fail;
	return p;
fail:
	probe_close(p);
	return NULL;
}

struct probe *probe_open(uint32_t ops)
{
	uint32_t needed, nr_entries = LEAST_ENTRIES;
	uint32_t most = ops & PROBE_EVENTS ? MOST_EVENT_ENTRIES : MOST_ENTRIES;
	struct probe *p;

	raise_open_files();
	kernel_quiet();
	if (!device_count()) {
		complain("vringtop shows the virtqueues of a guest: run it in a virtual machine "
			 "that has virtio devices.",
			 "no virtio device in " VIRTIO_DEVICES);
		return NULL;
	}
	p = open_sized(ops, nr_entries, &needed);
	/*
	 * The number of queues is known only now. If the table is too small, open the probe again
	 * with a larger table: room for all queues, and for some that come later.
	 */
	while (p && needed > nr_entries && nr_entries < most) {
		probe_close(p);
		for (nr_entries = LEAST_ENTRIES; nr_entries < needed + needed / 4; nr_entries *= 2)
			;
		if (nr_entries > most)
			nr_entries = most;
		p = open_sized(ops, nr_entries, &needed);
	}
	if (!p)
		return NULL;
	p->event_time = probe_now();
	if (ops)
		p->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (ops && attach(p, false)) {
		probe_close(p);
		return NULL;
	}
	/*
	 * Until now, one of two functions was attached and the other was not. So these counts say
	 * nothing about the functions.
	 */
	memset(&p->skel->data_shared->virtqueue_get_buf_calls, 0, sizeof(struct vt_calls));
	memset(&p->skel->data_shared->virtqueue_enable_cb_calls, 0, sizeof(struct vt_calls));
	p->total.clock_step = kernel_clock_step(p->by_functions);
	p->queues.start = probe_now();
	p->queues.first_new = p->skel->data_shared->last_serial + 1;
	return p;
}

void probe_close(struct probe *p)
{
	if (!p)
		return;
	if (p->stats_fd >= 0)
		close(p->stats_fd);
	counters_close(&p->counters);
	if (p->near_slots >= 0)
		close(p->near_slots);
	if (p->queues.entries)
		munmap(p->queues.entries, p->queues_size);
	if (p->queues.doorbells)
		munmap(p->queues.doorbells, p->doorbells_size);
	rings_close(p);
	bpf_link__destroy(p->uevent);
	ring_buffer__free(p->events);
	vringtop_bpf__destroy(p->skel);
	snapshot_free(&p->total);
	free(p->runs);
	free(p);
}
