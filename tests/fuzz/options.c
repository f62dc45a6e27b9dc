// SPDX-License-Identifier: GPL-2.0
/*
 * The command line: either it is refused with status 2, or what the options say is what a verb may
 * rely on.
 * Input: lines; the first is the number of a verb (below), the others are its arguments.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <sanitizer/allocator_interface.h>
#include "analysis/fail_on.h"
#include "verbs/options.h"
#include "fuzz.h"

#define MAX_ARGUMENTS 16

/* What the verbs take. */
static const int uses[] = {
	USE_INTERVAL | USE_OPS,					    /* top */
	USE_JSON | USE_INTERVAL | USE_OPS | USE_PAGE,		    /* stat */
	USE_JSON | USE_INTERVAL | USE_OPS | USE_PER_QUEUE,	    /* hist */
	USE_JSON,						    /* queues */
	USE_JSON | USE_NO_FILTERS,				    /* doctor */
	USE_JSON | USE_OPS | USE_PER_QUEUE | USE_HTML | USE_REPORT, /* report */
	USE_JSON | USE_OPS | USE_HTML | USE_DIFF,		    /* diff */
	USE_OPS | USE_RECORD,					    /* record */
	USE_JSON | USE_STALLS,					    /* stalls */
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

/* Returns false if the process would have ended. */
static bool returns(int argc, char **argv, int use, struct options *o)
{
	static bool hooked;
	char *name = program_invocation_name, *short_name = program_invocation_short_name;

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
		options_parse(argc, argv, use, "What it is for.\vExamples", o);
		parsing = false;
		return true;
	}
	for (size_t i = 0; i < nr_held; i++)
		free((void *)held[i]);
	/* An option of argp's own. */
	program_invocation_name = name;
	program_invocation_short_name = short_name;
	return false;
}

static void check_gate(const char *text)
{
	struct fail_on g;

	if (fail_on_parse(text, &g))
		return;
	must(g.op >= -1 && g.op < VT_NR_TIMED);
	must((int)g.figure >= 0 && g.figure < NR_FIGURES);
	must(g.above ? g.limit >= 0 && g.limit < 1e6 : g.limit <= 0 && g.limit > -1);
}

static void check(int use, const struct options *o)
{
	must(o->filter.ops && !(o->filter.ops >> VT_NR_COUNTED));
	must(!o->interval || (o->interval >= 0.01 && o->interval <= 86400));
	must(!o->count || o->interval);
	must(!strcmp(o->page, "queues") || !strcmp(o->page, "layouts") ||
	     !strcmp(o->page, "doorbells"));
	if (!(use & USE_JSON))
		must(!o->json);
	if (!(use & (USE_INTERVAL | USE_RECORD)))
		must(!o->interval);
	if (!(use & USE_RECORD))
		must(!o->duration && !o->events && !o->command);
	must(!o->duration || (o->duration >= 0.001 && o->duration <= 86400));
	must(!o->command || o->command[0]);
	if (!(use & USE_PER_QUEUE))
		must(!o->per_queue);
	if (!(use & USE_STALLS))
		must(!o->watch && !o->ring && !o->addresses && o->after == 1);
	must(o->after >= 0.1 && o->after <= 86400);
	must(!o->ring || (o->filter.device && !o->watch));
	if (use & USE_NO_FILTERS)
		must(!o->filter.device && !o->filter.driver && !o->filter.queue);
	must(!o->file == !(use & (USE_REPORT | USE_RECORD)));
	must(o->json + o->csv + !!o->html + !!o->perfetto <= 1 || use & USE_DIFF);
	must(!o->to_used == !(o->filter.ops >> VT_AVAIL_TO_USED & 1) ||
	     use & (USE_REPORT | USE_DIFF));
	must((!o->nr_files && !o->nr_fail_on) || use & USE_DIFF);
	must(o->threshold >= 0 && o->threshold <= 10);
	for (size_t i = 0; i < o->nr_fail_on; i++)
		check_gate(o->fail_on[i]);
}

/* Filters leave a queue just where one is said to match. */
static void check_filters(const struct options *o)
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

	must(stats && !snapshot_copy(&from, &s));
	s.queues[1].op[VT_OP_GET] = stats;
	filter_apply(&o->filter, &s);
	must(!filter_match(&o->filter, &from) == (s.nr_queues > 0));
	snapshot_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	char *first = take_until(&in, '\n', NULL), *argv[MAX_ARGUMENTS + 2] = { "vringtop verb" };
	int use = uses[strtoul(first, NULL, 10) % (sizeof(uses) / sizeof(*uses))], argc = 1;
	bool waits = false;
	struct options o;

	while (in.size && argc <= MAX_ARGUMENTS) {
		argv[argc] = take_until(&in, '\n', NULL);
		/* --HANG, for debuggers: argp would wait. */
		waits |= !strncmp(argv[argc++], "--H", 3);
	}
	if (waits) {
		;
	} else if (returns(argc, argv, use, &o)) {
		check(use, &o);
		check_filters(&o);
		free(o.files);
		free(o.fail_on);
	} else {
		must(exit_status == 0 || exit_status == EXIT_USAGE);
	}
	for (int i = 1; i < argc; i++)
		free(argv[i]);
	free(first);
	return 0;
}
