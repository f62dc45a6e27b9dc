// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <asm/termbits.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <seccomp.h>
#include "base/confine.h"
#include "base/error.h"

/* System calls that are allowed with any arguments. */
static const int calls[] = {
	/* for counters, roles of new devices, the screen */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(getdents64),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	/* for time and keys */
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(restart_syscall),
	/* for memory; sysinfo() is for qsort() */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(sysinfo),
	/* for signals and the end of the process */
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* for the cost of this process; seeds of hash tables; locks of the C library */
	SCMP_SYS(getrusage),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(futex),
	SCMP_SYS(rseq),
#ifdef __SANITIZE_ADDRESS__
	/*
	 * for AddressSanitizer's search for leaks: at the end a thread stops the others and reads
	 * their memory
	 */
	SCMP_SYS(clone),
	SCMP_SYS(ptrace),
	SCMP_SYS(wait4),
	SCMP_SYS(prctl),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(sched_yield),
	SCMP_SYS(mprotect),
	SCMP_SYS(readlink),
	SCMP_SYS(getppid),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(tgkill),
	SCMP_SYS(getdents),
#endif
};

/*
 * Also allowed for reading recordings, and for the file that is made from them. All these files are
 * open already.
 */
static const int reading_calls[] = {
	/* SQLite reads, and checks whether there is a journal; the output is synced */
	SCMP_SYS(pread64),
	SCMP_SYS(access),
	SCMP_SYS(fdatasync),
};

/*
 * Also allowed for making a recording. Its file and the journal beside it are open already, and no
 * other file may be written.
 */
static const int recording_calls[] = {
	/* SQLite writes, syncs and truncates both files, and removes the journal at the end. */
	SCMP_SYS(pwrite64),
	SCMP_SYS(pread64),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fsync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(unlink),
	SCMP_SYS(access),
	SCMP_SYS(geteuid),
	/* for signals, and for passing them to the command */
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(kill),
	SCMP_SYS(wait4),
};

/* Also allowed for serving clients. The socket is open already and listens. */
static const int serving_calls[] = {
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_ctl), SCMP_SYS(accept4),	 SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),     SCMP_SYS(sendmsg),   SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
};

/* A system call that is allowed only if argument & mask equals value. */
struct rule {
	int call;
	unsigned int argument;
	uint64_t mask, value;
};

static const struct rule rules[] = {
	/* open files for reading only */
	{ SCMP_SYS(open), 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY },
	{ SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY },
	/* map memory that is not executable */
	{ SCMP_SYS(mmap), 2, PROT_EXEC, 0 },
	/* is it a terminal, its size and modes; newer C libraries use TCGETS2, TCSETS2 and so on */
	{ SCMP_SYS(ioctl), 1, ~0u, TIOCGWINSZ },
	{ SCMP_SYS(ioctl), 1, ~0u, TCGETS },
	{ SCMP_SYS(ioctl), 1, ~0u, TCSETS },
	{ SCMP_SYS(ioctl), 1, ~0u, TCSETSW },
	{ SCMP_SYS(ioctl), 1, ~0u, TCSETSF },
	{ SCMP_SYS(ioctl), 1, ~0u, TCFLSH },
	{ SCMP_SYS(ioctl), 1, ~0u, TCGETS2 },
	{ SCMP_SYS(ioctl), 1, ~0u, TCSETS2 },
	{ SCMP_SYS(ioctl), 1, ~0u, TCSETSW2 },
	{ SCMP_SYS(ioctl), 1, ~0u, TCSETSF2 },
};

/* Also allowed while programs are attached. */
static const struct rule probe_rules[] = {
	/* run the program that reads the rings; ask how many events the programs missed */
	{ SCMP_SYS(bpf), 0, ~0u, BPF_PROG_TEST_RUN },
	{ SCMP_SYS(bpf), 0, ~0u, BPF_OBJ_GET_INFO_BY_FD },
	/* Ctrl-Z in the live view: is this process in the terminal's foreground group? */
	{ SCMP_SYS(ioctl), 1, ~0u, TIOCGPGRP },
};

/* The file locks of SQLite. */
static const struct rule lock_rules[] = {
	{ SCMP_SYS(fcntl), 1, ~0u, F_SETLK },
	{ SCMP_SYS(fcntl), 1, ~0u, F_GETLK },
};

int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	/*
	 * Only a process with CAP_SETPCAP can change its bounding set. Otherwise the set stays as
	 * it is.
	 */
	for (int cap = 0; !prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); cap++)
		;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none))
		return complain(NULL, "cannot give up capabilities: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return complain(NULL, "cannot set no_new_privs: %s", strerror(errno));
	return 0;
}

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/*
 * Adds rules to a filter. libseccomp skips a system call that this architecture does not have.
 * Returns 0 or a negative errno.
 */
static int allow(scmp_filter_ctx filter, const int *calls, size_t nr_calls,
		 const struct rule *rules, size_t nr_rules)
{
	int err = 0;

	for (size_t i = 0; !err && i < nr_calls; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	for (size_t i = 0; !err && i < nr_rules; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, rules[i].call, 1,
				       SCMP_CMP64(rules[i].argument, SCMP_CMP_MASKED_EQ,
						  rules[i].mask, rules[i].value));
	return err;
}

static int allow_probe(scmp_filter_ctx filter)
{
	int err = allow(filter, NULL, 0, probe_rules, LENGTH(probe_rules));

	/*
	 * Ctrl-Z: ncurses restores the terminal, then stops this process with SIGTSTP. No other
	 * process may be signalled.
	 */
	return err
		       ?: seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 2,
					   SCMP_A0(SCMP_CMP_EQ, getpid()),
					   SCMP_A1(SCMP_CMP_EQ, SIGTSTP));
}

enum purpose {
	LIVE,
	RECORDING,
	SERVING,
	READING,
};

/*
 * Loads the seccomp filter. A system call that is not allowed fails with EPERM and does not kill
 * the process. Then vringtop can restore the terminal, detach the programs in order, and print what
 * failed. Returns 0, or -1 after a message.
 */
static int filter_calls(enum purpose purpose)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = filter ? allow(filter, calls, LENGTH(calls), rules, LENGTH(rules)) : -ENOMEM;

	if (!err && purpose != READING)
		err = allow_probe(filter);
	if (!err && purpose == RECORDING)
		err = allow(filter, recording_calls, LENGTH(recording_calls), lock_rules,
			    LENGTH(lock_rules));
	if (!err && purpose == SERVING)
		err = allow(filter, serving_calls, LENGTH(serving_calls), NULL, 0);
	if (!err && purpose == READING)
		err = allow(filter, reading_calls, LENGTH(reading_calls), lock_rules,
			    LENGTH(lock_rules));
	if (!err)
		err = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	if (err)
		return complain(NULL, "cannot limit system calls (seccomp): %s", strerror(-err));
	return 0;
}

static int give_up(enum purpose purpose)
{
	/*
	 * At first use the C library reads a file (tzset) and loads code (mblen). After confinement
	 * it may not load code, so use both now.
	 */
	tzset();
	mblen("a", 1);

	if (drop_capabilities())
		return -1;
	/*
	 * A filter at NULL fails with EFAULT if the kernel has seccomp filters, with EINVAL if not.
	 */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) && errno == EINVAL)
		return 0;
	return filter_calls(purpose);
}

int confine(void)
{
	return give_up(LIVE);
}

int confine_recording(void)
{
	return give_up(RECORDING);
}

int confine_serving(void)
{
	return give_up(SERVING);
}

int confine_reading(void)
{
	return give_up(READING);
}
