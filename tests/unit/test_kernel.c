// SPDX-License-Identifier: GPL-2.0
/* What is said of a kernel by its configuration, and of its clock by reading it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>
#include "probe/kernel.h"
#include "probe/kernel_options.h"

/* Writes a configuration, compressed or not. Returns its path. */
static const char *config(const char *text, bool compressed)
{
	static char path[64];
	int fd;

	strcpy(path, "/tmp/vringtop-config-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	if (compressed) {
		gzFile f = gzdopen(fd, "w");

		assert_int_equal(gzwrite(f, text, strlen(text)), strlen(text));
		gzclose(f);
	} else {
		assert_int_equal(write(fd, text, strlen(text)), strlen(text));
		close(fd);
	}
	return path;
}

static void lacks(const char *text, bool by_functions, int n, const char *names)
{
	char found[256];

	for (int compressed = 0; compressed < 2; compressed++) {
		const char *path = config(text, compressed);

		assert_int_equal(kernel_options_in(path, by_functions, found, sizeof(found)), n);
		if (n >= 0)
			assert_string_equal(found, names);
		unlink(path);
	}
}

static void options_of_a_configuration(void **state)
{
	(void)state;
	lacks("CONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=y\nCONFIG_BPF_EVENTS=y\n"
	      "CONFIG_DEBUG_INFO_BTF=y\nCONFIG_FUNCTION_TRACER=y\n"
	      "CONFIG_DYNAMIC_FTRACE=y\n",
	      true, 0, "");
	/* A microVM's kernel: no BTF, no tracer of functions, no JIT. */
	lacks("CONFIG_BPF_SYSCALL=y\n# CONFIG_BPF_JIT is not set\nCONFIG_BPF_EVENTS=y\n", true, 4,
	      "CONFIG_BPF_JIT CONFIG_DEBUG_INFO_BTF CONFIG_FUNCTION_TRACER "
	      "CONFIG_DYNAMIC_FTRACE");
	/* The tracer of functions without its dynamic half. */
	lacks("CONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=y\nCONFIG_BPF_EVENTS=y\n"
	      "CONFIG_DEBUG_INFO_BTF=y\nCONFIG_FUNCTION_TRACER=y\n",
	      true, 1, "CONFIG_DYNAMIC_FTRACE");
	/* With the tracepoints no function is attached to. */
	lacks("CONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=y\nCONFIG_BPF_EVENTS=y\n"
	      "CONFIG_DEBUG_INFO_BTF=y\n",
	      false, 0, "");
	/* Names that only begin like these. */
	lacks("CONFIG_BPF_JIT_ALWAYS_ON=y\nCONFIG_DEBUG_INFO_BTF_MODULES=y\nCONFIG_BPF_SYSCALL=m\n",
	      true, 6,
	      "CONFIG_BPF_SYSCALL CONFIG_BPF_JIT CONFIG_BPF_EVENTS CONFIG_DEBUG_INFO_BTF "
	      "CONFIG_FUNCTION_TRACER CONFIG_DYNAMIC_FTRACE");
	/* Not a configuration. */
	lacks("hello\n", true, -1, "");
}

static void no_configuration(void **state)
{
	char found[256];

	(void)state;
	assert_int_equal(kernel_options_in("/nowhere/config", true, found, sizeof(found)), -1);
}

/* The names do not fit: what fits is there, and the number is right. */
static void little_room(void **state)
{
	const char *path = config("CONFIG_SMP=y\n", false);
	char found[24];

	(void)state;
	assert_int_equal(kernel_options_in(path, true, found, sizeof(found)), 6);
	assert_string_equal(found, "CONFIG_BPF_SYSCALL CONF");
	unlink(path);
}

/* The clock that is read: it moves by a step in so many readings. */
static uint64_t clock_moves = 1, clock_readings = 1, readings;

static clockid_t asked; /* for this clock */

int clock_gettime(clockid_t clock, struct timespec *t)
{
	uint64_t now = 1000000007 + readings++ / clock_readings * clock_moves;

	asked = clock;
	t->tv_sec = now / 1000000000;
	t->tv_nsec = now % 1000000000;
	return 0;
}

static uint64_t step_of(uint64_t moves, uint64_t in_readings)
{
	clock_moves = moves;
	clock_readings = in_readings;
	return kernel_clock_step(true);
}

static void steps_of_a_clock(void **state)
{
	(void)state;
	/* It moves with each reading: how fine it is, readings do not tell. */
	assert_int_equal(step_of(30, 1), 0);
	/* Ticks of a timer. */
	assert_int_equal(step_of(4000000, 1000), 4000000);
	assert_int_equal(step_of(100, 2), 100);
	assert_int_equal(asked, CLOCK_MONOTONIC);
	/* The tracepoints have another clock than the programs. */
	kernel_clock_step(false);
	assert_int_equal(asked, CLOCK_THREAD_CPUTIME_ID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_of_a_configuration),
		cmocka_unit_test(no_configuration),
		cmocka_unit_test(little_room),
		cmocka_unit_test(steps_of_a_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
