/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which system calls a seccomp filter lets through, without making them. The test installs a filter
 * of its own first: it answers a call whose sixth argument is a certain number with ENOSYS, because
 * nobody traces the process (SECCOMP_RET_TRACE). Of two filters the kernel takes the stricter
 * answer: what the filter under test refuses fails with EPERM, what that filter allows with ENOSYS.
 */
#ifndef ALLOWED_CALLS_H
#define ALLOWED_CALLS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define CALLS	   1024 /* numbers of calls that are tried; Linux has fewer than 500 */
#define TRIED_CALL 0x76747279

/* Call it before the filter under test is loaded. Returns 0, or -1 with errno set. */
static inline int prepare_to_try(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TRIED_CALL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static inline bool is_allowed(long call, long a, long b, long c)
{
	bool refused;

	errno = 0;
	syscall(call, a, b, c, 0L, 0L, (long)TRIED_CALL);
	refused = errno == EPERM;
	/* The number is still in the register of the sixth argument: take it out. */
	syscall(SYS_getpid, 0L, 0L, 0L, 0L, 0L, 0L);
	return !refused;
}

/*
 * Calls of the kernel's own code for uprobes, uretprobe() and uprobe(): no filter sees them, and
 * whoever else makes them gets SIGILL.
 */
static inline bool is_past_filters(long call)
{
	return call == 335 || call == 336;
}

/* Writes the numbers of the calls that are allowed with all arguments 0. */
static inline void list_calls(int fd)
{
	for (long call = 0; call < CALLS; call++)
		if (!is_past_filters(call) && is_allowed(call, 0, 0, 0))
			dprintf(fd, "%ld\n", call);
}

/* Writes a name, and for which values of an argument, below @end, a call is allowed. */
static inline void list_values(int fd, const char *name, long call, int argument, long end)
{
	dprintf(fd, "%s", name);
	for (long value = 0; value < end; value++)
		if (is_allowed(call, argument == 0 ? value : 0, argument == 1 ? value : 0,
			       argument == 2 ? value : 0))
			dprintf(fd, " %#lx", value);
	dprintf(fd, "\n");
}

/* Writes for which arguments calls are allowed that have rules for them. */
static inline void list_arguments(int fd)
{
	/* O_ACCMODE, O_CREAT and O_TRUNC are below 0x400 */
	list_values(fd, "open flags", SYS_open, 1, 0x400);
	list_values(fd, "openat flags", SYS_openat, 2, 0x400);
	list_values(fd, "mmap protection", SYS_mmap, 2, 8);
	list_values(fd, "mprotect protection", SYS_mprotect, 2, 8);
	list_values(fd, "bpf", SYS_bpf, 0, 64);
	list_values(fd, "ioctl", SYS_ioctl, 1, 0x10000);
	list_values(fd, "fcntl", SYS_fcntl, 1, 2048);
	list_values(fd, "prctl", SYS_prctl, 0, 128);
	list_values(fd, "kill 1", SYS_kill, 0, 2);
	dprintf(fd, "kill self");
	for (int signal = 0; signal < 65; signal++)
		if (is_allowed(SYS_kill, getpid(), signal, 0))
			dprintf(fd, " %d", signal);
	dprintf(fd, "\n");
}

#endif
