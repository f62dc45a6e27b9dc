// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
#include "probe/probe_internal.h"
#include "recording/recording.h"
/* The same programs, but that they keep single operations as well. */
#include "events.skel.h"

_Static_assert(sizeof(struct events_bpf) == sizeof(struct vringtop_bpf), "one for the other");

/* Room for single operations, bytes; each takes 24, and a second has to go by. */
#define EVENTS_SIZE (16 << 20)

uint64_t probe_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static int complain_refused(const char *what)
{
	if (kernel_confidential())
		return complain("Boot without lockdown=confidentiality.",
				"cannot load %s: kernel lockdown forbids tracing", what);
	if (geteuid() != 0)
		return complain("Run it as root, or give it CAP_BPF and CAP_PERFMON "
				"(setcap cap_bpf,cap_perfmon+ep).",
				"cannot load %s: not permitted for user %u", what, geteuid());
	return complain(
		"Tracing programs are forbidden here: a container or sandbox without "
		"CAP_BPF and CAP_PERFMON, or a security module. Run it in the guest itself.",
		"cannot load %s: the kernel refuses it to root (%s)", what, strerror(EPERM));
}

static int complain_jit(void)
{
	return complain("Switch it on: sysctl net.core.bpf_jit_enable=1",
			"the kernel's BPF JIT is off, and its interpreter cannot run the programs");
}

/*
 * Says in plain words what stands in the way, where libbpf says it in many. Takes long: only
 * asked once the programs did not load. Returns 0 if it cannot tell.
 */
static int check_kernel(void)
{
	bool jited;
	int err;

	if (!kernel_has_bpf())
		return complain("Use a kernel with CONFIG_BPF_SYSCALL, CONFIG_BPF_JIT, "
				"CONFIG_BPF_EVENTS, CONFIG_FUNCTION_TRACER and "
				"CONFIG_DEBUG_INFO_BTF: most distributions' have them.",
				"this kernel has no BPF: bpf() is not implemented");
	switch (kernel_try(&jited)) {
	case KERNEL_LOADS:
		return jited ? 0 : complain_jit();
	case KERNEL_NO_BTF:
		return complain("Use a kernel built with CONFIG_DEBUG_INFO_BTF=y.",
				"no kernel type information (BTF) in " KERNEL_BTF ": %s",
				strerror(errno));
	case KERNEL_BAD_BTF:
		return complain("Use a kernel built with CONFIG_DEBUG_INFO_BTF=y.",
				"cannot read the kernel's BTF in " KERNEL_BTF ": %s",
				strerror(errno));
	case KERNEL_NO_FUNCTIONS:
		return complain("Use a kernel built with CONFIG_DEBUG_INFO_BTF=y.",
				"the kernel's BTF in " KERNEL_BTF " has no functions");
	case KERNEL_REFUSES:
		return complain_refused("a tracing program");
	case KERNEL_CANNOT:
		break;
	}
	err = errno;
	if (kernel_confidential())
		return complain_refused("a tracing program");
	return complain("Use a kernel with CONFIG_BPF_SYSCALL, CONFIG_BPF_JIT, "
			"CONFIG_BPF_EVENTS and CONFIG_FUNCTION_TRACER.",
			"the kernel does not load tracing programs: %s", strerror(err));
}

static int choose_way(struct kernel_way *way)
{
	memset(way, 0, sizeof(*way));
	if (kernel_has_events())
		return 0;
	if (kernel_find_way(way))
		return check_kernel()
			       ?: complain(NULL,
					   "cannot read the kernel's BTF in " KERNEL_BTF ": %s",
					   strerror(errno));
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

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), n = strlen(end);

	return length >= n && !strcmp(name + length - n, end);
}

/* What a program counts: a bit for each enum vt_op; 0: no operation. */
static uint32_t program_ops(const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog), *name = strchr(section, '/');
	int op;

	if (!name++)
		return 0;
	if (!strncmp(section, "raw_tp/", 7)) {
		op = op_by_name(name + strlen("virtqueue_"));
		return op < 0 ? 0 : 1u << op;
	}
	for (int i = 0; kernel_functions[i].name; i++)
		if (!strcmp(kernel_functions[i].name, name))
			return kernel_functions[i].ops;
	return 0;
}

/*
 * Whether a call is not counted if BPF did not run this program for it. The end of a call counts
 * the call even if its begin was not seen; but of a function that contains another one, the begin
 * tells whether the end has something to count (see functions.bpf.h).
 */
static bool miss_loses_call(const struct bpf_program *prog)
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

/* Whether a program is for this kernel, and for what is to be counted. */
static bool program_wanted(const struct probe *p, const struct bpf_program *prog,
			   const struct kernel_way *way, uint32_t ops)
{
	const char *section = bpf_program__section_name(prog), *name = strchr(section, '/');
	uint32_t own = program_ops(prog);

	if (prog == p->skel->progs.look_at_rings || prog == p->skel->progs.copy_ring)
		return ops & PROBE_RINGS;
	if (!name || prog == p->skel->progs.on_uevent)
		return true; /* of no operation */
	if (own && !(own & ops))
		return false;
	if (!strncmp(section, "raw_tp/", 7)) {
		/* Of these there are two: the one that does as much as is asked for. */
		if (own & (1u << VT_OP_ADD | 1u << VT_OP_GET) &&
		    ends_with(bpf_program__name(prog), "_each") != (ops >> VT_AVAIL_TO_USED & 1))
			return false;
		return !p->by_functions;
	}
	for (int i = 0; p->by_functions && kernel_functions[i].name; i++)
		if (!strcmp(kernel_functions[i].name, name + 1))
			return way->found >> i & 1;
	return false;
}

/* The elements of an array that are not near (see vringtop.bpf.c). */
static void set_far_entries(struct bpf_map *map, uint32_t all, uint32_t near)
{
	bpf_map__set_max_entries(map, all > near ? all - near : 1);
}

/*
 * The near slots are in .bss, 8 MiB. libbpf would copy as many zeros into it, and the skeleton map
 * all of it: a map that is there already it takes as it is.
 */
static int make_bss(struct probe *p)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct bpf_object_skeleton *skel = p->skel->skeleton;
	struct bpf_map *bss = p->skel->maps.bss;

	p->near_slots = bpf_map_create(BPF_MAP_TYPE_ARRAY, "vringtop.bss", sizeof(__u32),
				       bpf_map__value_size(bss), 1, &opts);
	if (p->near_slots < 0)
		return p->near_slots;
	for (int i = 0; i < skel->map_cnt; i++)
		if (*skel->maps[i].map == bss)
			skel->maps[i].mmaped = NULL;
	return bpf_map__reuse_fd(bss, p->near_slots);
}

/*
 * Why the programs, or the counters, cannot be loaded.
 * @module: where some of what they attach to is; NULL: all is built in, or it is not known
 */
static int complain_load(const struct probe *p, int err, const char *module)
{
	__u32 id;

	if (err == -EMFILE)
		return complain("Raise the limit (ulimit -n 256) and try again.",
				"cannot load the programs: more open files are needed than this "
				"process may have");
	if (err == -ENOMEM)
		return complain("Free some memory, or raise the memory limit of this process's "
				"control group.",
				"no memory for the counters in the kernel (%u MiB)",
				p->nr_slots * (unsigned int)sizeof(struct vt_slot) >> 20);
	if (check_kernel())
		return -1;
	/* libbpf finds the types of a module by its number, which the kernel tells few. */
	if (module && bpf_btf_get_next_id(0, &id) == -EPERM)
		return complain("Run it as root, or give it CAP_SYS_ADMIN as well; it keeps no "
				"capability once it has started.",
				"cannot load the programs: %s is a module here, and only "
				"CAP_SYS_ADMIN may attach to a module",
				module);
	return complain("Run it with VRINGTOP_DEBUG=1 and report what the kernel says.",
			"cannot load the programs: %s", strerror(-err));
}

static int load(struct probe *p, uint32_t ops)
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
	/*
	 * Room for a queue pair per CPU of every device, and for those that come later; for a
	 * device that has many more as well. A queue has few slots: one for each operation on
	 * each CPU that uses it.
	 */
	p->nr_queues = power_of_two(device_count() * (2 * cpus + 4));
	p->nr_slots = p->nr_queues * 16 < 4096 ? 4096 : p->nr_queues * 16;
	if (p->nr_slots > VT_MOST_SLOTS)
		p->nr_slots = VT_MOST_SLOTS;
	if (p->nr_queues < 512)
		p->nr_queues = 512;
	if (p->nr_queues > 4096)
		p->nr_queues = 4096;
	skel->rodata->nr_cpus = cpus;
	skel->rodata->nr_queues = p->nr_queues;
	for (unsigned int ns = 0; ns < VT_SHORT; ns++)
		skel->rodata->short_buckets[ns] = VT_BUCKET_AT(histogram_bucket(ns));
	set_far_entries(skel->maps.far_slots, p->nr_slots, VT_NEAR_SLOTS);
	bpf_map__set_max_entries(skel->maps.queues, p->nr_queues);
	bpf_map__set_max_entries(skel->maps.queue_of, p->nr_queues);
	set_far_entries(skel->maps.far_rows, p->nr_queues * cpus, VT_NEAR_ROWS);
	bpf_map__set_max_entries(skel->maps.doorbells, p->nr_queues);
	set_far_entries(skel->maps.far_announcements, p->nr_queues, VT_NEAR_QUEUES);
	if (ops & PROBE_EVENTS)
		bpf_map__set_max_entries(skel->maps.events, EVENTS_SIZE);
	if (ops & PROBE_RINGS)
		bpf_map__set_max_entries(skel->maps.rings, p->nr_queues);
	if (ops >> VT_AVAIL_TO_USED & 1) {
		skel->rodata->avail_to_used = true;
		ops |= 1u << VT_OP_ADD | 1u << VT_OP_GET;
	}
	if (ops >> VT_BUFFERS_PER_DOORBELL & 1)
		ops |= 1u << VT_OP_ADD | 1u << VT_OP_KICK_PREPARE;
	/* What takes most memory comes first: without it nothing else needs to be tried. */
	err = make_bss(p);
	if (err)
		return complain_load(p, err, NULL);
	if (choose_way(&way))
		return -1;
	p->by_functions = way.by_functions;
	p->total.how = p->by_functions ? "functions" : "tracepoints";
	p->total.unavailable = way.unavailable;
	if (p->by_functions) {
		skel->rodata->by_functions = true;
		set_far_entries(skel->maps.far_outer, p->nr_queues, VT_NEAR_QUEUES);
		p->total.no_bytes_out = true;
	}
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, program_wanted(p, prog, &way, ops));

	err = vringtop_bpf__load(skel);
	if (err)
		return complain_load(p, err, way.module);
	if (bpf_obj_get_info_by_fd(bpf_program__fd(skel->progs.refresh), &info, &size) ||
	    !info.jited_prog_len)
		return complain_jit();
	return 0;
}

void *probe_map(const struct bpf_map *map, size_t *size, const char *what)
{
	long page = sysconf(_SC_PAGESIZE);
	void *memory;

	*size = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	*size = (*size + page - 1) / page * page;
	memory = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (memory == MAP_FAILED) {
		complain(NULL, "cannot map the %s: %s", what, strerror(errno));
		return NULL;
	}
	return memory;
}

/*
 * Reading a device's uevent attribute makes the kernel call virtio_uevent(),
 * and with it the program that walks the device's queues.
 */
static int find_queues(struct probe *p)
{
	struct dirent *e;
	DIR *dir;

	p->uevent = bpf_program__attach(p->skel->progs.on_uevent);
	if (!p->uevent)
		return complain(NULL, "cannot attach to virtio_uevent: %s", strerror(errno));
	dir = opendir(VIRTIO_DEVICES);
	if (!dir && errno != ENOENT)
		complain(NULL,
			 "cannot list " VIRTIO_DEVICES ": %s; queues that are there already are "
			 "not counted",
			 strerror(errno));
	while (dir && (e = readdir(dir))) {
		char path[sizeof(VIRTIO_DEVICES) + sizeof(e->d_name) + 10], unused[4096];
		int fd;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), VIRTIO_DEVICES "/%s/uevent", e->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		/* A device that has just gone has no queues to find. */
		if ((fd < 0 || read(fd, unused, sizeof(unused)) < 0) && errno != ENODEV &&
		    errno != ENOENT)
			complain(NULL, "cannot read %s: %s; its queues are not counted", path,
				 strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
	/* Without an event for a new queue, its device's next uevent tells it: the driver is bound.
	 */
	if (!p->by_functions) {
		bpf_link__destroy(p->uevent);
		p->uevent = NULL;
	}
	return 0;
}

/* Of a queue's life; the others are of its operations. */
static bool is_of_life(const struct probe *p, const struct bpf_program *prog)
{
	return prog == p->skel->progs.on_created || prog == p->skel->progs.on_deleted ||
	       prog == p->skel->progs.on_init_last_used ||
	       prog == p->skel->progs.enter_vring_del_virtqueue;
}

/* Attaches the programs that are loaded: those of a queue's life, or the others. */
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
		/* An older series has fewer events. */
		if (errno == ENOENT && !p->by_functions) {
			p->total.unavailable |= program_ops(prog);
			continue;
		}
		return complain(NULL, "cannot attach to %s: %s", name + 1, strerror(errno));
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
	/* Loading fails if this does, and says so. */
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Takes a kept operation apart. */
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
	if (entry >= p->nr_queues || e.op >= VT_NR_OPS)
		return 0;
	/* Not far from the one before, earlier or later. */
	p->event_time += (int64_t)((k->when >> above << above) - (p->event_time << above)) >> above;
	e.time = p->event_time;
	e.cpu = k->when >> VT_EVENT_OWNER_BITS & cpus;
	e.serial = p->queues[entry].serial;
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
	/* A program that runs right now on another CPU comes to its end. */
	const struct timespec moment = { .tv_nsec = 20000000 };

	vringtop_bpf__detach(p->skel);
	nanosleep(&moment, NULL);
}

struct probe *probe_open(uint32_t ops)
{
	struct probe *p;

	raise_open_files();
	kernel_quiet();
	if (!device_count()) {
		complain("vringtop shows the virtqueues of a guest: run it in a virtual machine "
			 "that has virtio devices.",
			 "no virtio device in " VIRTIO_DEVICES);
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		complain(NULL, "no memory");
		return NULL;
	}
	p->stats_fd = p->near_slots = -1;
	p->skel = ops & PROBE_EVENTS ? (struct vringtop_bpf *)events_bpf__open()
				     : vringtop_bpf__open();
	if (!p->skel) {
		complain(NULL, "cannot open the programs: %s", strerror(errno));
		goto fail;
	}
	p->runs = calloc(p->skel->skeleton->prog_cnt, sizeof(*p->runs));
	if (!p->runs) {
		complain(NULL, "no memory");
		goto fail;
	}
	for (int i = 0; i < p->skel->skeleton->prog_cnt; i++) {
		const struct bpf_program *prog = *p->skel->skeleton->progs[i].prog;

		p->runs[i].ops = program_ops(prog);
		p->runs[i].loses_calls = miss_loses_call(prog);
	}
	if (load(p, ops))
		goto fail;
	/* libbpf needed the kernel's types: that is a lot of memory. */
	malloc_trim(0);
	if (counters_open(&p->counters, p->nr_slots, p->near_slots,
			  offsetof(struct vringtop_bpf__bss, near_slots),
			  offsetof(struct vringtop_bpf__bss, near_rows),
			  bpf_map__fd(p->skel->maps.far_slots), &p->skel->data_shared->free_slots))
		goto fail;
	p->queues = probe_map(p->skel->maps.queues, &p->queues_size, "table of queues");
	p->doorbells = probe_map(p->skel->maps.doorbells, &p->doorbells_size, "doorbells");
	if (!p->queues || !p->doorbells || (ops & PROBE_RINGS && rings_open(p)))
		goto fail;
	p->event_time = probe_now();
	if (ops & PROBE_EVENTS) {
		p->events =
			ring_buffer__new(bpf_map__fd(p->skel->maps.events), take_event, p, NULL);
		if (!p->events) {
			complain(NULL, "cannot map the single operations: %s", strerror(errno));
			goto fail;
		}
	}
	if (ops)
		p->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	/* First the queues that come and go, then those that are there, then what they do. */
	if (attach(p, true) || find_queues(p) || (ops && attach(p, false)))
		goto fail;
	/* A call of the one while the other was not attached yet says nothing about them. */
	memset(&p->skel->data_shared->virtqueue_get_buf_calls, 0, sizeof(struct vt_calls));
	memset(&p->skel->data_shared->virtqueue_enable_cb_calls, 0, sizeof(struct vt_calls));
	p->start = probe_now();
	p->first_new = p->skel->data_shared->last_serial + 1;
	return p;
fail:
	probe_close(p);
	return NULL;
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
	if (p->queues)
		munmap(p->queues, p->queues_size);
	if (p->doorbells)
		munmap(p->doorbells, p->doorbells_size);
	rings_close(p);
	bpf_link__destroy(p->uevent);
	ring_buffer__free(p->events);
	vringtop_bpf__destroy(p->skel);
	snapshot_free(&p->total);
	free(p->runs);
	free(p);
}
