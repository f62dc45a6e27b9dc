/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds out what the running kernel offers: events or functions to attach to, and whether it loads
 * programs. Nothing stays attached.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

/* A function that a program can be attached to, on a kernel without the tracepoints. */
struct kernel_function {
	const char *name;
	const char *module; /* the module that has the function, unless it is built in */
	uint32_t ops;	    /* operations that it counts: a bit for each; 0: none, always needed */
};

/* The array ends with name NULL. Index n is bit n of kernel_way.found. */
extern const struct kernel_function kernel_functions[];

/* How vringtop can see the operations on this kernel. */
struct kernel_way {
	bool by_functions;    /* the kernel has no tracepoints */
	uint64_t found;	      /* the functions that the kernel has: a bit each */
	uint32_t unavailable; /* operations that cannot be counted: a bit for each enum vt_op */
	/*
	 * A module that has at least one of the events or functions; NULL: all are built in.
	 * Attaching to a module needs CAP_SYS_ADMIN.
	 */
	const char *module;
};

/**
 * Finds out what to attach to, from the BTF of the kernel: the tracepoints, or else the functions.
 * Returns 0, or -1 with errno set if the BTF cannot be read. Prints nothing.
 */
int kernel_find_way(struct kernel_way *way);

/**
 * Returns true if the kernel has the tracepoints of this version of the series. Tries to attach to
 * one of them, which is faster than to read the BTF. Returns false also if the kernel refuses to
 * attach.
 */
bool kernel_has_events(void);

/**
 * Returns true if the BTF of the kernel, or that of a module, has a function.
 * @module: may be NULL
 */
bool kernel_has_function(const char *name, const char *module);

/** Returns true if the kernel has the bpf() system call. */
bool kernel_has_bpf(void);

/**
 * Returns true if programs may call bpf_loop() (Linux 5.17), which the programs of vringtop do.
 * Returns true also if the test program cannot be loaded for another reason.
 */
bool kernel_has_loop(void);

/**
 * Returns true if this libbpf cannot read the BTF of the kernel although the file begins as BTF
 * does and there is enough memory. Then the BTF has something that this libbpf does not know,
 * because the kernel is newer.
 */
bool kernel_btf_is_newer(void);

/** Returns the version of the libbpf in use: "v1.1". */
const char *kernel_libbpf_version(void);

/**
 * Writes a sentence that says that libbpf is too old for the kernel, with both versions. Prints
 * nothing.
 * @text: @size bytes; 256 are enough
 */
void kernel_say_libbpf_is_old(char *text, size_t size);
#define LIBBPF_IS_OLD_ADVICE "Install a newer libbpf, or build vringtop with one."

enum kernel_verdict {
	KERNEL_LOADS,
	KERNEL_NO_BTF,	     /* the file does not exist or cannot be opened: see errno */
	KERNEL_BAD_BTF,	     /* libbpf cannot read it: see errno and kernel_btf_is_newer() */
	KERNEL_NO_FUNCTIONS, /* its BTF has no functions */
	KERNEL_REFUSES,	     /* the kernel does not permit the program: see errno */
	KERNEL_CANNOT,	     /* the kernel does not know such programs: see errno */
};

/**
 * Loads a tracing program, does not attach it, and unloads it. Prints nothing.
 * @jited: if the program loads: becomes true if the kernel compiled it
 */
enum kernel_verdict kernel_try(bool *jited);

/** Loads a program that needs no BTF, and unloads it. Returns 0 or an errno. Prints nothing. */
int kernel_try_without_btf(void);

/** Returns true if the kernel knows tracing programs, or if that cannot be found out. */
bool kernel_has_tracing(void);

/**
 * Reads the first line of a file of sysfs, proc or a similar file system. copy_printable() replaces
 * special characters.
 * @line: @size bytes
 * Returns false with errno set if the file cannot be read. Prints nothing.
 */
bool kernel_read_line(const char *path, char *line, size_t size);

/** Returns true if kernel lockdown forbids programs to read kernel memory. */
bool kernel_confidential(void);

/**
 * Returns true if the kernel calls no program that is attached to a function, because
 * kernel.ftrace_enabled is 0. Attaching still gives no error then. Programs attached to events
 * still run.
 */
bool kernel_ftrace_off(void);

/** Prints that kernel.ftrace_enabled is 0, and what to do. Returns -1. */
int kernel_complain_ftrace(void);

/**
 * Returns the step of the clock that times the operations, ns. Times below one step cannot be
 * measured. Returns 0 if each reading gives a new value; only clocks that count timer ticks do not.
 * Reads the clock until the value has changed three times; 25 times if it moves in steps.
 * @by_functions: true: programs read CLOCK_MONOTONIC; false: the tracepoints tell sched_clock()
 */
uint64_t kernel_clock_step(bool by_functions);

/** Stops libbpf from printing, unless VRINGTOP_DEBUG is in the environment. */
void kernel_quiet(void);

#endif
