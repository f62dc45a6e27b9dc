/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the running kernel offers: events or functions to attach to, whether it
 * loads programs. Only looks; nothing stays attached.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

/* What a call of a function is, on a kernel without the tracepoints. */
struct kernel_function {
	const char *name;
	const char *module; /* where it is not built in */
	uint32_t ops;	    /* a bit for each enum vt_op; 0: of none, always needed */
};

/* Ends with name NULL; a bit of kernel_way.found each. */
extern const struct kernel_function kernel_functions[];

/* How the operations can be seen. */
struct kernel_way {
	bool by_functions;    /* the kernel has no tracepoints */
	uint64_t found;	      /* the functions it has instead */
	uint32_t unavailable; /* what cannot be seen: a bit for each enum vt_op */
	/* A module that some of it is in; NULL: all is built in. Only CAP_SYS_ADMIN may attach
	 * there. */
	const char *module;
};

/**
 * Finds out what to attach to: the tracepoints, or else the functions, by reading the kernel's BTF.
 * Returns 0, or -1 with errno if the kernel's BTF cannot be read.
 */
int kernel_find_way(struct kernel_way *way);

/**
 * Whether the kernel has the tracepoints of this version of the series, found out by trying to
 * attach to one of them: for those who have no time for its BTF. False, too, if it refuses that.
 */
bool kernel_has_events(void);

/** Whether the BTF of the kernel, or that of a module (may be NULL), has a function. */
bool kernel_has_function(const char *name, const char *module);

/** Whether the kernel has the bpf() system call. */
bool kernel_has_bpf(void);

/**
 * Whether programs may call bpf_loop(), which the programs of vringtop do (Linux 5.17). True also
 * if that cannot be told, because nothing may be loaded.
 */
bool kernel_has_loop(void);

/**
 * Whether the file of the kernel's BTF begins as BTF does, and this libbpf cannot read it although
 * there is memory for it. Then it has something that this libbpf does not know: the kernel is
 * newer.
 */
bool kernel_btf_is_newer(void);

/** The version of the libbpf in use: "v1.1". */
const char *kernel_libbpf_version(void);

/** Says that kernel_btf_is_newer(), with the versions. @text: the sentence; 256 bytes are enough */
void kernel_say_libbpf_is_old(char *text, size_t size);
#define LIBBPF_IS_OLD_ADVICE "Install a newer libbpf, or build vringtop with one."

enum kernel_verdict {
	KERNEL_LOADS,
	KERNEL_NO_BTF,	     /* no file of that name, or it cannot be opened: errno */
	KERNEL_BAD_BTF,	     /* libbpf cannot read it: errno; see kernel_btf_is_newer() */
	KERNEL_NO_FUNCTIONS, /* its BTF has none */
	KERNEL_REFUSES,	     /* it does not permit the program: errno */
	KERNEL_CANNOT,	     /* it does not know such programs: errno */
};

/**
 * Loads a tracing program, does not attach it, and unloads it.
 * @jited: whether it was compiled, if it loads
 */
enum kernel_verdict kernel_try(bool *jited);

/** The same with a program that needs no BTF: 0, or errno. */
int kernel_try_without_btf(void);

/** Whether the kernel knows tracing programs; true as well if it does not say. */
bool kernel_has_tracing(void);

/**
 * Reads the first line of a file of sysfs, proc or the like, as copy_printable() has it.
 * Returns false with errno if it cannot.
 */
bool kernel_read_line(const char *path, char *line, size_t size);

/** Whether the kernel is locked down so far that programs must not read its memory. */
bool kernel_confidential(void);

/**
 * Whether the kernel calls no program that is attached to a function, because the system has
 * switched that off (kernel.ftrace_enabled=0). Attaching gives no error then. Events still come.
 */
bool kernel_ftrace_off(void);

/** Prints that, and what to do. Returns -1. */
int kernel_complain_ftrace(void);

/**
 * In which steps CLOCK_MONOTONIC moves, ns: what is shorter cannot be measured. Found by reading
 * the clock until it has moved three times, which takes as long as that. Returns 0 if the clock
 * moves with each reading, as all but those of timer ticks do.
 */
uint64_t kernel_clock_step(void);

/** libbpf prints nothing, but with VRINGTOP_DEBUG in the environment. */
void kernel_quiet(void);

#endif
