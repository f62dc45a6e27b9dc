// SPDX-License-Identifier: GPL-2.0
/*
 * The command line: either a verb refuses it with status 2, or what the verb goes on with is what
 * it may rely on. The verbs run until they would attach to the kernel or open a recording: that
 * fails here.
 * Input: lines; the first is the number of a verb (below), the others are its arguments.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <sanitizer/allocator_interface.h>
#include "../fake_probe.h"
#include "base/output_file.h"
#include "base/replaced_file.h"
#include "recording/recording.h"
#include "verbs/export_listen.h"
#include "verbs/interval_loop.h"
#include "verbs/verbs.h"
#include "fuzz.h"

#define MAX_ARGUMENTS 16

static const struct {
	int (*run)(int argc, char **argv);
	uint32_t probe; /* what it asks the probe for in addition to operations */
	bool attaches;
} verbs[] = {
	{ verb_top, PROBE_RINGS, true },
	{ verb_stat, 0, false },
	{ verb_stages, 0, false },
	{ verb_hist, 0, false },
	{ verb_queues, 0, true },
	{ verb_report, 0, false },
	{ verb_diff, 0, false },
	{ verb_record, PROBE_EVENTS, true },
	{ verb_stalls, PROBE_RINGS, true },
	{ verb_export, 0, false },
};

/*
 * The C library ends the process in the middle of argp_parse(). It calls this first, and a jump
 * from here goes on with the next input. POSIX leaves that undefined; the GNU C library, to which
 * argp belongs, keeps its list of functions to call in order.
 */
static jmp_buf back;
static bool parsing, registered;
static int exit_status;

static void on_exit_of_parser(int status, void *unused)
{
	(void)unused;
	registered = false;
	if (!parsing)
		return;
	parsing = false;
	exit_status = status;
	longjmp(back, 1);
}

/*
 * Memory that the parser had when it ended the process, and that a process gives back by ending.
 * Only that is freed here: what is left after a return is a leak.
 */
static const volatile void *held[256];
static size_t nr_held;

static void on_malloc(const volatile void *memory, size_t size)
{
	(void)size;
	if (!parsing)
		return;
	must(nr_held < sizeof(held) / sizeof(*held));
	held[nr_held++] = memory;
}

static void on_free(const volatile void *memory)
{
	for (size_t i = 0; parsing && i < nr_held; i++)
		if (held[i] == memory)
			held[i--] = held[--nr_held];
}

/* --- What the verbs come to --- */

/* Filters leave a queue just where one is said to match. */
static void check_filter(const struct filter *f)
{
	struct queue all[] = {
		{ .serial = 1,
		  .device = 2,
		  .name = "req.0",
		  .driver = "virtio_blk",
		  .role = "vda" },
		{ .serial = 2,
		  .device = 10,
		  .index = 1,
		  .name = "output.0",
		  .driver = "virtio_net" },
	};
	struct snapshot from = { .nr_queues = 2, .queues = all }, s = {};
	struct op_stats *stats = calloc(1, sizeof(*stats));

	must(f->ops && !(f->ops >> VT_NR_COUNTED));
	must(stats && !snapshot_copy(&from, &s));
	s.queues[1].op[VT_OP_GET] = stats;
	filter_apply(f, &s);
	must(!filter_match(f, &from) == (s.nr_queues > 0));
	snapshot_free(&s);
}

int __wrap_interval_loop(const struct filter *filter, const struct interval_options *intervals,
			 int (*show)(const struct snapshot *diff, const void *options),
			 const void *options)
{
	(void)options;
	must(show);
	check_filter(filter);
	must(!intervals->seconds || (intervals->seconds >= 0.01 && intervals->seconds <= 86400));
	must(!intervals->count || intervals->seconds);
	return EXIT_FAILURE;
}

/* Of report and diff: they have a file. */
struct recording_reader *__wrap_recording_open(const char *path)
{
	must(path);
	return NULL;
}

struct output_file *__wrap_output_open(const char *path, const char *const *inputs, bool force)
{
	(void)path;
	(void)inputs;
	(void)force;
	abort(); /* without a recording nothing is written */
}

/* Of export: where it listens. */
int __wrap_listen_open(const struct listen_at *at)
{
	must(at->text && (at->fd >= 0 || (at->length && at->length <= sizeof(at->address))));
	return -1;
}

struct replaced_file *__wrap_replaced_file_open(const char *path)
{
	must(path);
	return NULL;
}

/* --- Running a verb --- */

/* Returns its exit status. */
static int run(int argc, char **argv, int (*verb)(int argc, char **argv))
{
	static bool hooked;
	char *name = program_invocation_name, *short_name = program_invocation_short_name;
	int status;

	if (!hooked)
		must(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free));
	hooked = true;
	/* The buffers of these are the C library's. */
	setvbuf(stdout, NULL, _IONBF, 0);
	nr_held = 0;
	if (!registered)
		must(!on_exit(on_exit_of_parser, NULL));
	registered = true;
	if (!setjmp(back)) {
		parsing = true;
		status = verb(argc, argv);
		parsing = false;
		return status;
	}
	for (size_t i = 0; i < nr_held; i++)
		free((void *)held[i]);
	/* An option of argp's own. */
	program_invocation_name = name;
	program_invocation_short_name = short_name;
	must(exit_status == EXIT_SUCCESS || exit_status == EXIT_USAGE);
	return exit_status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	char *first = take_until(&in, '\n', NULL), *argv[MAX_ARGUMENTS + 2] = { "vringtop verb" };
	int n = strtoul(first, NULL, 10) % (sizeof(verbs) / sizeof(*verbs)), argc = 1, status;

	while (in.size && argc <= MAX_ARGUMENTS)
		argv[argc++] = take_until(&in, '\n', NULL);
	fake_probe.ops = 0;
	status = run(argc, argv, verbs[n].run);
	/* Nothing of what it would do can be done here. */
	must(status == EXIT_SUCCESS || status == EXIT_FAILURE || status == EXIT_USAGE);
	if (fake_probe.ops) {
		must(verbs[n].attaches && status == EXIT_FAILURE);
		must(!((fake_probe.ops & ~verbs[n].probe) >> VT_NR_COUNTED));
	}
	for (int i = 1; i < argc; i++)
		free(argv[i]);
	free(first);
	return 0;
}
