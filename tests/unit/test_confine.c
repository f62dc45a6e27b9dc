// SPDX-License-Identifier: GPL-2.0
/*
 * What a confined process may still do: every system call is tried, and those that are allowed are
 * compared with written lists. A process of its own for each, because there is no way back.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <seccomp.h>
#include <sys/wait.h>
#include "base/confine.h"
#include "../allowed_calls.h"

#define LIVE_CALLS                                                                                 \
	"brk clock_gettime clock_nanosleep close exit exit_group fstat futex getdents64 getpid "   \
	"getrandom getrusage gettid gettimeofday lseek madvise mmap mremap munmap nanosleep "      \
	"newfstatat open openat poll ppoll read restart_syscall rseq rt_sigaction "                \
	"rt_sigprocmask rt_sigreturn statx sysinfo time write writev "

/* More than the tool itself has, for the search for leaks. */
#define SANITIZER_CALLS                                                                            \
	"clone getdents getppid mprotect prctl process_vm_readv ptrace readlink "                  \
	"sched_getaffinity sched_yield sigaltstack tgkill wait4 "

/* Runs a part of a test in a confined process. Returns what it wrote, to be freed. */
static char *confined(int (*confine)(void), void (*part)(int fd))
{
	char *text = calloc(1, 1 << 16);
	size_t length = 0;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_non_null(text);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (prepare_to_try() || confine())
			_exit(1);
		part(fds[1]);
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], text + length, (1 << 16) - 1 - length)) > 0)
		length += n;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		free(text);
	assert_int_equal(status, 0);
	return text;
}

static bool has_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(words, word); at; at = strstr(at + 1, word))
		if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return true;
	return false;
}

/* Each call that is allowed is in the list, and each in the list is allowed. */
static void check_calls(int (*confine)(void), const char *list)
{
	char *text = confined(confine, list_calls), *rest = text, *line;
	char words[2048] = "";
	bool right = true;

	while ((line = strsep(&rest, "\n"))) {
		char *name = *line ? seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, atoi(line))
				   : NULL;

		if (!name)
			continue;
		strcat(strcat(words, name), " ");
		if (!has_word(list, name) && !has_word(SANITIZER_CALLS, name)) {
			print_error("allowed, and not in the list: %s\n", name);
			right = false;
		}
		free(name);
	}
	free(text);
	for (const char *at = list; *at; at += strcspn(at, " ") + 1) {
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, " "), at);
		if (!has_word(words, name)) {
			print_error("in the list, and not allowed: %s\n", name);
			right = false;
		}
	}
	assert_true(right);
}

static void live_calls(void **state)
{
	(void)state;
	check_calls(confine, LIVE_CALLS);
}

static void recording_calls(void **state)
{
	(void)state;
	check_calls(confine_recording,
		    LIVE_CALLS "access fdatasync fsync ftruncate geteuid kill pread64 pwrite64 "
			       "rt_sigtimedwait unlink wait4 ");
}

static void serving_calls(void **state)
{
	(void)state;
	check_calls(confine_serving,
		    LIVE_CALLS "accept4 epoll_ctl epoll_wait recvfrom sendmsg sendto "
			       "setsockopt shutdown ");
}

static void reading_calls(void **state)
{
	(void)state;
	check_calls(confine_reading, LIVE_CALLS "access fdatasync pread64 ");
}

/* Of a list that list_arguments() wrote, the line of a name, without the name. */
static const char *values(const char *text, const char *name)
{
	static char line[1 << 15];
	const char *at = strstr(text, name);

	assert_non_null(at);
	at += strlen(name);
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
	return line;
}

/* Files are opened to read, memory is no code, and kill() stops this process at most. */
static void check_arguments(int (*confine)(void), const char *bpf, const char *fcntl,
			    const char *stop)
{
	char *text = confined(confine, list_arguments), flags[1 << 14] = "";

	for (int i = 0; i < 0x400; i++)
		if (!(i & (O_ACCMODE | O_CREAT | O_TRUNC)))
			snprintf(flags + strlen(flags), sizeof(flags) - strlen(flags), " %#x", i);
	assert_string_equal(values(text, "open flags"), flags);
	assert_string_equal(values(text, "openat flags"), flags);
	assert_string_equal(values(text, "mmap protection"), " 0 0x1 0x2 0x3");
	assert_string_equal(values(text, "bpf"), bpf);
	assert_string_equal(values(text, "fcntl"), fcntl);
	assert_string_equal(values(text, "kill self"), stop);
	free(text);
}

static void arguments(void **state)
{
	(void)state;
	/* 10 is BPF_PROG_TEST_RUN, 15 BPF_OBJ_GET_INFO_BY_FD; 20 SIGTSTP; 5 F_GETLK, 6 F_SETLK */
	check_arguments(confine, " 0xa 0xf", "", " 20");
	check_arguments(confine_serving, " 0xa 0xf", "", " 20");
	check_arguments(confine_reading, "", " 0x5 0x6", "");
}

static void list_capabilities(int fd)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "Cap", 3) || !strncmp(line, "NoNewPrivs", 10))
			dprintf(fd, "%s", line);
	if (f)
		fclose(f);
}

static void no_capabilities(void **state)
{
	int (*const all[])(void) = { confine, confine_recording, confine_serving, confine_reading };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char *text = confined(all[i], list_capabilities);

		/* The bounding set can only be emptied by who has CAP_SETPCAP. */
		if (geteuid() == 0)
			assert_non_null(strstr(text, "CapBnd:\t0000000000000000\n"));
		assert_non_null(strstr(text, "CapInh:\t0000000000000000\n"));
		assert_non_null(strstr(text, "CapPrm:\t0000000000000000\n"));
		assert_non_null(strstr(text, "CapEff:\t0000000000000000\n"));
		assert_non_null(strstr(text, "CapAmb:\t0000000000000000\n"));
		assert_non_null(strstr(text, "NoNewPrivs:\t1\n"));
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_calls),	 cmocka_unit_test(recording_calls),
		cmocka_unit_test(serving_calls), cmocka_unit_test(reading_calls),
		cmocka_unit_test(arguments),	 cmocka_unit_test(no_capabilities),
	};

	/* Without an address: EFAULT where filters are known, EINVAL where not. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) && errno == EINVAL) {
		printf("1..0 # SKIP this machine's kernel has no seccomp filters\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
