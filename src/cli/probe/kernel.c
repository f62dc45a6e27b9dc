// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/utsname.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include "base/error.h"
#include "base/format.h"
#include "model/snapshot.h"
#include "probe/kernel.h"

const struct kernel_function kernel_functions[] = {
	{ "virtqueue_add_sgs", "virtio_ring", 1u << VT_OP_ADD },
	{ "virtqueue_add_outbuf", "virtio_ring", 1u << VT_OP_ADD },
	{ "virtqueue_add_outbuf_premapped", "virtio_ring", 1u << VT_OP_ADD },
	{ "virtqueue_add_inbuf", "virtio_ring", 1u << VT_OP_ADD },
	{ "virtqueue_add_inbuf_cache_clean", "virtio_ring", 1u << VT_OP_ADD },
	{ "virtqueue_add_inbuf_ctx", "virtio_ring", 1u << VT_OP_ADD },
	{ "virtqueue_add_inbuf_premapped", "virtio_ring", 1u << VT_OP_ADD },
	{ "virtqueue_get_buf", "virtio_ring", 1u << VT_OP_GET },
	{ "virtqueue_get_buf_ctx", "virtio_ring", 1u << VT_OP_GET },
	{ "virtqueue_kick_prepare", "virtio_ring", 1u << VT_OP_KICK_PREPARE },
	{ "virtqueue_kick", "virtio_ring", 1u << VT_OP_KICK_PREPARE },
	{ "vp_notify", "virtio_pci", 1u << VT_OP_NOTIFY | 1u << VT_OP_KICK_PREPARE },
	{ "vp_notify_with_data", "virtio_pci", 1u << VT_OP_NOTIFY | 1u << VT_OP_KICK_PREPARE },
	{ "vm_notify", "virtio_mmio", 1u << VT_OP_NOTIFY | 1u << VT_OP_KICK_PREPARE },
	{ "vm_notify_with_data", "virtio_mmio", 1u << VT_OP_NOTIFY | 1u << VT_OP_KICK_PREPARE },
	{ "virtio_vdpa_notify", "virtio_vdpa", 1u << VT_OP_NOTIFY | 1u << VT_OP_KICK_PREPARE },
	{ "virtio_vdpa_notify_with_data", "virtio_vdpa",
	  1u << VT_OP_NOTIFY | 1u << VT_OP_KICK_PREPARE },
	{ "virtio_ccw_kvm_notify", "virtio_ccw", 1u << VT_OP_NOTIFY | 1u << VT_OP_KICK_PREPARE },
	{ "vring_notification_data", "virtio_ring", 1u << VT_OP_NOTIFICATION_DATA },
	{ "virtqueue_disable_cb", "virtio_ring", 1u << VT_OP_DISABLE_CB },
	{ "virtqueue_enable_cb", "virtio_ring", 1u << VT_OP_ENABLE_CB_PREPARE },
	{ "virtqueue_enable_cb_prepare", "virtio_ring", 1u << VT_OP_ENABLE_CB_PREPARE },
	{ "virtqueue_enable_cb_delayed", "virtio_ring", 1u << VT_OP_ENABLE_CB_DELAYED },
	{ "virtqueue_poll", "virtio_ring", 1u << VT_OP_POLL },
	{ "vring_interrupt", "virtio_ring", 1u << VT_OP_MORE_USED | 1u << VT_INTERRUPT },
	{ "virtqueue_detach_unused_buf", "virtio_ring", 1u << VT_OP_DETACH_UNUSED_BUF },
	{ "virtqueue_resize", "virtio_ring", 1u << VT_OP_RESIZE },
	{ "virtqueue_reset", "virtio_ring", 1u << VT_OP_RESET },
	{ "vring_del_virtqueue", "virtio_ring", 0 },
	{},
};

_Static_assert(sizeof(kernel_functions) / sizeof(*kernel_functions) <= 65, "a bit each");

static struct btf *module_btf(const char *module, struct btf *kernel)
{
	struct btf *btf = btf__load_module_btf(module, kernel);

	/* An error means that the module is built in, or not loaded. */
	return libbpf_get_error(btf) ? NULL : btf;
}

/*
 * Finds the functions that a BTF has, from type @from on. One pass finds all of them, because each
 * pass takes long.
 */
static void find_in(const struct btf *types, __u32 from, const char *module, struct kernel_way *way)
{
	for (__u32 id = from; id < btf__type_cnt(types); id++) {
		const struct btf_type *type = btf__type_by_id(types, id);
		const char *name;

		if (!btf_is_func(type))
			continue;
		name = btf__name_by_offset(types, type->name_off);
		/* The names of all these functions begin with v. */
		if (*name != 'v')
			continue;
		for (int i = 0; kernel_functions[i].name; i++) {
			const struct kernel_function *f = &kernel_functions[i];

			if (strcmp(f->name, name) || (module && strcmp(f->module, module)))
				continue;
			way->found |= 1ull << i;
			way->unavailable &= ~f->ops;
			if (module && !way->module)
				way->module = f->module;
		}
	}
}

static void find_functions(struct btf *kernel, struct kernel_way *way)
{
	const char *looked = "";

	find_in(kernel, 1, NULL, way);
	for (int i = 0; kernel_functions[i].name; i++) {
		struct btf *module;

		if (!strcmp(looked, kernel_functions[i].module))
			continue;
		looked = kernel_functions[i].module;
		module = module_btf(looked, kernel);
		if (module)
			find_in(module, btf__type_cnt(kernel), looked, way);
		btf__free(module);
	}
}

static void find_events(struct btf *types, struct kernel_way *way)
{
	char type[64];

	for (int op = 0; op <= VT_INTERRUPT; op++) {
		/* For each event the kernel has a type for the functions that listen to it. */
		snprintf(type, sizeof(type), "btf_trace_virtqueue_%s", op_name(op));
		if (btf__find_by_name(types, type) > 0)
			way->unavailable &= ~(1u << op);
	}
}

int kernel_find_way(struct kernel_way *way)
{
	struct btf *kernel = btf__load_vmlinux_btf(), *ring;

	memset(way, 0, sizeof(*way));
	if (!kernel)
		return -1;
	ring = module_btf("virtio_ring", kernel);
	way->unavailable = VT_CURRENT_OPS | 1u << VT_INTERRUPT;
	/* The events of this version of the series have an argument of this type. */
	way->by_functions =
		btf__find_by_name_kind(ring ?: kernel, "vring_buf_op", BTF_KIND_STRUCT) < 0;
	if (way->by_functions) {
		find_functions(kernel, way);
	} else {
		way->module = ring ? "virtio_ring" : NULL;
		find_events(ring ?: kernel, way);
	}
	btf__free(ring);
	btf__free(kernel);
	return 0;
}

bool kernel_has_function(const char *name, const char *module)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	struct btf *own = kernel && module ? module_btf(module, kernel) : NULL;
	bool has = kernel && btf__find_by_name_kind(own ?: kernel, name, BTF_KIND_FUNC) > 0;

	btf__free(own);
	btf__free(kernel);
	return has;
}

/*
 * A program that reads kernel memory, as the programs of vringtop do. Some kernels load programs,
 * but refuse programs that read kernel memory.
 */
static const struct bpf_insn reader[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10 },
	{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -8 },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 8 },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3 },
	{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
	{ .code = BPF_JMP | BPF_EXIT },
};

#define READER_LENGTH (sizeof(reader) / sizeof(*reader))

bool kernel_has_bpf(void)
{
	struct bpf_prog_info info;
	__u32 size = sizeof(info);

	/* Ask about an invalid program: that needs no privileges. */
	return bpf_obj_get_info_by_fd(-1, &info, &size) != -ENOSYS;
}

bool kernel_has_loop(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_loop, NULL) != 0;
}

const char *kernel_libbpf_version(void)
{
	return libbpf_version_string();
}

void kernel_say_libbpf_is_old(char *text, size_t size)
{
	struct utsname u;
	char release[sizeof(u.release)];

	uname(&u);
	copy_printable(release, u.release, sizeof(release));
	snprintf(text, size, "libbpf %s is too old for Linux %s: it cannot read this kernel's BTF",
		 kernel_libbpf_version(), release);
}

bool kernel_btf_is_newer(void)
{
	/* btf__load_vmlinux_btf() also looks in other places, so its errno would tell less. */
	struct btf *btf = btf__parse_raw(KERNEL_BTF);
	int err = errno;
	uint16_t magic = 0;
	bool is_btf;
	FILE *f;

	if (btf || err == ENOMEM) {
		btf__free(btf);
		return false;
	}
	f = fopen(KERNEL_BTF, "re");
	is_btf = f && fread(&magic, sizeof(magic), 1, f) == 1 && magic == BTF_MAGIC;
	if (f)
		fclose(f);
	return is_btf;
}

enum kernel_verdict kernel_try(bool *jited)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	struct btf *btf;
	int fd, id;

	if (access(KERNEL_BTF, R_OK))
		return KERNEL_NO_BTF;
	btf = btf__load_vmlinux_btf();
	if (!btf)
		return KERNEL_BAD_BTF;
	/* Any function is good for this test. */
	id = btf__find_by_name_kind(btf, "schedule", BTF_KIND_FUNC);
	btf__free(btf);
	if (id < 0)
		return KERNEL_NO_FUNCTIONS;
	opts.attach_btf_id = id;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "vringtop_try", "GPL", reader, READER_LENGTH,
			   &opts);
	if (fd < 0) {
		errno = -fd;
		return fd == -EPERM || fd == -EACCES ? KERNEL_REFUSES : KERNEL_CANNOT;
	}
	*jited = !bpf_obj_get_info_by_fd(fd, &info, &size) && info.jited_prog_len;
	close(fd);
	return KERNEL_LOADS;
}

/* Loads a program that needs no BTF. Returns its file descriptor, or a negative errno. */
static int load_without_btf(const struct bpf_insn *insns, size_t length)
{
	return bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "vringtop_try", "GPL", insns, length,
			     NULL);
}

int kernel_try_without_btf(void)
{
	int fd = load_without_btf(reader, READER_LENGTH);

	if (fd < 0)
		return -fd;
	close(fd);
	return 0;
}

bool kernel_has_tracing(void)
{
	/*
	 * The program calls no function. So if a locked-down kernel refuses it, the reason is the
	 * type of the program.
	 */
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = load_without_btf(nothing, sizeof(nothing) / sizeof(*nothing));

	if (fd >= 0)
		close(fd);
	return fd != -EINVAL;
}

bool kernel_has_events(void)
{
	/*
	 * The program reads the third argument. The event virtqueue_add has two arguments, so the
	 * kernel does not attach the program. With the series of vringtop 0.1 this event had eight
	 * arguments, so the kernel attaches it.
	 */
	static const struct bpf_insn third[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_DW,
		  .src_reg = BPF_REG_1,
		  .off = 2 * sizeof(__u64) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int link, fd = load_without_btf(third, sizeof(third) / sizeof(*third));

	if (fd < 0)
		return false;
	link = bpf_raw_tracepoint_open("virtqueue_add", fd);
	close(fd);
	if (link >= 0)
		close(link);
	return link == -EINVAL;
}

bool kernel_read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");
	char raw[1024];
	bool got;

	if (!f)
		return false;
	errno = 0;
	got = fgets(raw, sizeof(raw), f);
	if (!got && !errno)
		errno = ENODATA;
	fclose(f);
	if (got) {
		raw[strcspn(raw, "\n")] = '\0';
		copy_printable(line, raw, size);
	}
	return got;
}

bool kernel_confidential(void)
{
	char line[128];

	return kernel_read_line("/sys/kernel/security/lockdown", line, sizeof(line)) &&
	       strstr(line, "[confidentiality]");
}

bool kernel_ftrace_off(void)
{
	char line[16];

	return kernel_read_line("/proc/sys/kernel/ftrace_enabled", line, sizeof(line)) &&
	       !strcmp(line, "0");
}

int kernel_complain_ftrace(void)
{
	return complain("Switch it on: sysctl kernel.ftrace_enabled=1",
			"kernel.ftrace_enabled is 0: this kernel has no virtio_ring tracepoints, "
			"and now calls no program at a function either");
}

static uint64_t clock_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

uint64_t kernel_clock_step(bool by_functions)
{
	/* The kernel measures how long a thread runs by sched_clock(). */
	clockid_t clock = by_functions ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID;
	uint64_t before = clock_now(clock), step = UINT64_MAX;
	bool stood = false;

	/*
	 * A host that is busy may hand ticks to a guest two at a time. So take the smallest of many
	 * steps, if the clock moves in steps at all.
	 */
	for (int moved = 0; moved < (stood ? 25 : 3);) {
		uint64_t now = clock_now(clock);

		if (now == before) {
			stood = true;
			continue;
		}
		if (now - before < step)
			step = now - before;
		before = now;
		moved++;
	}
	return stood ? step : 0;
}

static int print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	if (!getenv("VRINGTOP_DEBUG"))
		return 0;
	return vfprintf(stderr, fmt, args);
}

void kernel_quiet(void)
{
	libbpf_set_print(print);
}
