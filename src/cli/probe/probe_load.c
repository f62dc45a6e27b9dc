// SPDX-License-Identifier: GPL-2.0
/* Opens and loads the programs that fit this kernel and count the wanted operations. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "base/error.h"
#include "probe/device.h"
#include "probe/kernel.h"
#include "probe/load_error.h"
#include "probe/probe_internal.h"
/* The same programs, compiled so that they keep single operations as well. */
#include "events.skel.h"

/*
 * Size of the ring buffer for single operations, bytes. An operation takes 24 bytes. The operations
 * of one second must fit.
 */
#define EVENTS_SIZE (16 << 20)

static int choose_way(struct kernel_way *way)
{
	memset(way, 0, sizeof(*way));
	if (kernel_has_events())
		return 0;
	if (kernel_find_way(way))
		return complain_kernel()
			       ?: complain(NULL,
					   "cannot read the kernel's BTF in " KERNEL_BTF ": %s",
					   strerror(errno));
	if (way->by_functions && kernel_ftrace_off())
		return kernel_complain_ftrace();
	if (way->by_functions && !way->found)
		return complain(
			"Boot a kernel with the series in kernel-patch/ (make kernel), or "
			"one whose virtio_ring has BTF.",
			"this kernel has neither the virtio_ring tracepoints nor BTF of its "
			"virtqueue functions");
	return 0;
}

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

uint32_t probe_program_ops(const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog), *name = strchr(section, '/');
	int op;

	if (!name++)
		return 0;
	if (!strncmp(section, "tp_btf/", 7)) {
		op = op_by_name(name + strlen("virtqueue_"));
		return op < 0 ? 0 : 1u << op;
	}
	for (int i = 0; kernel_functions[i].name; i++)
		if (!strcmp(kernel_functions[i].name, name))
			return kernel_functions[i].ops;
	return 0;
}

bool probe_miss_loses_call(const struct bpf_program *prog)
{
	static const char *const containers[] = { "fentry/virtqueue_get_buf",
						  "fentry/virtqueue_enable_cb",
						  "fentry/virtqueue_kick" };
	const char *section = bpf_program__section_name(prog);

	for (size_t i = 0; i < sizeof(containers) / sizeof(*containers); i++)
		if (!strcmp(section, containers[i]))
			return true;
	return strncmp(section, "fentry/", 7);
}

/*
 * Some events have more than one program: with stages of requests, with the times of requests
 * alone, and with neither. Returns false if another one is needed for @ops.
 */
static bool variant_fits(const struct probe *p, const struct bpf_program *prog, uint32_t ops)
{
	const struct vringtop_bpf *skel = p->skel;
	bool staged = skel->rodata->stages, timed = !staged && ops >> VT_AVAIL_TO_USED & 1;

	if (prog == skel->progs.on_get_staged || prog == skel->progs.on_add_staged ||
	    prog == skel->progs.on_kick_prepare_staged || prog == skel->progs.on_notify_staged)
		return staged;
	if (prog == skel->progs.on_get_timed)
		return timed;
	if (prog == skel->progs.on_get)
		return !staged && !timed;
	if (prog == skel->progs.on_add || prog == skel->progs.on_kick_prepare ||
	    prog == skel->progs.on_notify)
		return !staged;
	return true;
}

/* Returns true if a program fits this kernel and is needed for @ops. */
static bool program_wanted(const struct probe *p, const struct bpf_program *prog,
			   const struct kernel_way *way, uint32_t ops)
{
	const char *section = bpf_program__section_name(prog), *name = strchr(section, '/');
	uint32_t own = probe_program_ops(prog);

	if (prog == p->skel->progs.look_at_rings || prog == p->skel->progs.copy_ring)
		return ops & PROBE_RINGS;
	if (prog == p->skel->progs.on_uevent)
		return p->by_functions;
	if (!name)
		return true; /* it counts no operation */
	if (prog == p->skel->progs.on_interrupt_begins)
		return !p->by_functions && ops & (VT_STAGES | 1u << VT_BUFFERS_PER_INTERRUPT);
	if (own && !(own & ops))
		return false;
	if (!variant_fits(p, prog, ops))
		return false;
	if (!strncmp(section, "tp_btf/", 7))
		return !p->by_functions;
	for (int i = 0; p->by_functions && kernel_functions[i].name; i++)
		if (!strcmp(kernel_functions[i].name, name + 1))
			return way->found >> i & 1;
	return false;
}

/*
 * Sets the number of elements of a far array: all elements that are not near (see vringtop.bpf.c).
 */
static void set_far_entries(struct bpf_map *map, uint32_t all, uint32_t near)
{
	bpf_map__set_max_entries(map, all > near ? all - near : 1);
}

/*
 * Creates the map of .bss, which has the near slots: 8 MiB. libbpf would fill a new map by copying
 * zeros. libbpf does not fill a map that already exists. Returns 0 or a negative errno.
 */
static int create_bss(struct probe *p)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct bpf_map *bss = p->skel->maps.bss;

	p->near_slots = bpf_map_create(BPF_MAP_TYPE_ARRAY, "vringtop.bss", sizeof(__u32),
				       bpf_map__value_size(bss), 1, &opts);
	return p->near_slots < 0 ? p->near_slots : bpf_map__reuse_fd(bss, p->near_slots);
}

/*
 * Unmaps .bss. The skeleton maps all of .bss, which then counts as memory of this process, and
 * counters.c maps only the slots in use. An empty mapping replaces the old one, because libbpf
 * unmaps the address at the end. Returns 0, or -1 after it has printed why not.
 */
static int unmap_bss(struct probe *p)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t size = (bpf_map__value_size(p->skel->maps.bss) + page - 1) / page * page;

	if (mmap(p->skel->bss, size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		return complain(NULL, "cannot map the counters: %s", strerror(errno));
	return 0;
}

struct vringtop_bpf *probe_open_programs(bool events)
{
	struct vringtop_bpf *skel = calloc(1, sizeof(*skel));
	int err;

	if (!skel) {
		complain(NULL, "no memory");
		return NULL;
	}
	/*
	 * Both objects have the same maps, variables and programs, so one skeleton fits both.
	 * libbpf finds each of them by name, and fails if an object lacks a name.
	 */
	err = vringtop_bpf__create_skeleton(skel);
	if (!err && events)
		skel->skeleton->data = (void *)events_bpf__elf_bytes(&skel->skeleton->data_sz);
	if (!err)
		err = bpf_object__open_skeleton(skel->skeleton, NULL);
	if (err) {
		complain(NULL, "cannot open the programs: %s", strerror(-err));
		vringtop_bpf__destroy(skel);
		return NULL;
	}
	return skel;
}

/*
 * Returns how many slots to make. Each queue needs few: one for each operation on each CPU that
 * uses the queue. A device has about one pair of queues for each CPU.
 */
static uint32_t slots_for_devices(void)
{
	uint32_t queues = device_count() * (2 * sysconf(_SC_NPROCESSORS_ONLN) + 4);
	uint32_t slots = 16 * power_of_two(queues < VT_MOST_SLOTS ? queues : VT_MOST_SLOTS);

	if (slots < VT_NEAR_SLOTS)
		return VT_NEAR_SLOTS;
	return slots < VT_MOST_SLOTS ? slots : VT_MOST_SLOTS;
}

/* The far rows are an array if it takes at most this much memory, bytes. */
#define FAR_ROWS_SIZE (4 << 20)

/*
 * Sets the type and size of the map of the far rows. There is one row for each queue and each
 * possible CPU. A machine may have two CPUs, but hundreds of possible ones. There the rows are a
 * hash, because a hash takes memory only for rows that are used. Otherwise they are an array,
 * because the look-up in an array is faster.
 */
static void set_far_rows(struct bpf_map *map, uint32_t nr_entries, uint32_t cpus)
{
	uint64_t rows = (uint64_t)nr_entries * cpus;

	if (rows <= VT_NEAR_ROWS + FAR_ROWS_SIZE / sizeof(struct vt_row)) {
		set_far_entries(map, rows, VT_NEAR_ROWS);
		return;
	}
	bpf_map__set_type(map, BPF_MAP_TYPE_HASH);
	bpf_map__set_map_flags(map, BPF_F_NO_PREALLOC);
	/* The kernel allocates a pointer of 16 bytes for each element at once. */
	bpf_map__set_max_entries(map, rows < 65536 ? rows : 65536);
}

static void set_sizes(struct probe *p, uint32_t ops, uint32_t cpus)
{
	struct vringtop_bpf *skel = p->skel;
	uint32_t nr_entries = p->queues.nr_entries;

	p->nr_slots = slots_for_devices();
	skel->rodata->nr_cpus = cpus;
	skel->rodata->nr_queues = nr_entries;
	set_far_entries(skel->maps.far_slots, p->nr_slots, VT_NEAR_SLOTS);
	bpf_map__set_max_entries(skel->maps.queues, nr_entries);
	bpf_map__set_max_entries(skel->maps.queue_of, nr_entries);
	set_far_rows(skel->maps.far_rows, nr_entries, cpus);
	bpf_map__set_max_entries(skel->maps.doorbells, nr_entries);
	set_far_entries(skel->maps.far_paths, nr_entries, VT_NEAR_QUEUES);
	if (p->by_functions)
		set_far_entries(skel->maps.far_outer, nr_entries, VT_NEAR_QUEUES);
	if (ops & PROBE_EVENTS)
		bpf_map__set_max_entries(skel->maps.events, EVENTS_SIZE);
	if (ops & PROBE_RINGS)
		bpf_map__set_max_entries(skel->maps.rings, nr_entries);
}

int probe_load(struct probe *p, uint32_t ops)
{
	struct vringtop_bpf *skel = p->skel;
	int cpus = libbpf_num_possible_cpus();
	struct bpf_program *prog;
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	struct kernel_way way;
	int err;

	if (cpus < 1)
		return complain(NULL, "cannot tell how many CPUs there may be: %s",
				strerror(-cpus));
	for (unsigned int ns = 0; ns < VT_SHORT; ns++)
		skel->rodata->short_buckets[ns] = VT_BUCKET_AT(histogram_bucket(ns));
	skel->rodata->stages = ops & (VT_STAGES | 1u << VT_BUFFERS_PER_INTERRUPT);
	skel->rodata->count_more_used = ops >> VT_OP_MORE_USED & 1;
	if (ops & VT_STAGES)
		ops |= 1u << VT_AVAIL_TO_USED | 1u << VT_OP_KICK_PREPARE | 1u << VT_OP_NOTIFY |
		       1u << VT_INTERRUPT | 1u << VT_OP_RESIZE | 1u << VT_OP_RESET;
	if (ops >> VT_BUFFERS_PER_INTERRUPT & 1)
		ops |= 1u << VT_INTERRUPT;
	if (ops >> VT_AVAIL_TO_USED & 1) {
		skel->rodata->avail_to_used = true;
		ops |= 1u << VT_OP_ADD | 1u << VT_OP_GET;
	}
	if (ops >> VT_BUFFERS_PER_DOORBELL & 1)
		ops |= 1u << VT_OP_ADD | 1u << VT_OP_KICK_PREPARE | 1u << VT_OP_RESIZE |
		       1u << VT_OP_RESET;
	/*
	 * Create the largest map first: if there is no memory for it, nothing else needs to be
	 * tried.
	 */
	err = create_bss(p);
	if (err)
		return complain_load(err, NULL, p->nr_slots * sizeof(struct vt_slot));
	if (choose_way(&way))
		return -1;
	p->by_functions = skel->rodata->by_functions = way.by_functions;
	p->queues.knows_out = skel->rodata->stages;
	p->total.how = p->by_functions ? "functions" : "tracepoints";
	p->total.unavailable = way.unavailable;
	p->total.no_bytes_out = p->by_functions;
	set_sizes(p, ops, cpus);
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, program_wanted(p, prog, &way, ops));

	err = vringtop_bpf__load(skel);
	if (err)
		return complain_load(err, way.module, p->nr_slots * sizeof(struct vt_slot));
	if (bpf_obj_get_info_by_fd(bpf_program__fd(skel->progs.refresh), &info, &size) ||
	    !info.jited_prog_len)
		return complain_jit();
	return unmap_bss(p);
}
