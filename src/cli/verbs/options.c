// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "model/stall.h"
#include "probe/probe.h"
#include "verbs/options.h"

const char *argp_program_version = "vringtop " VRINGTOP_VERSION;

enum {
	OPT_DEVICE = 'd',
	OPT_DRIVER = 'D',
	OPT_QUEUE = 'q',
	OPT_OP = 'o',
	OPT_JSON = 'j',
	OPT_AVAIL_TO_USED = 'u',
	OPT_PER_QUEUE = 'Q',
	OPT_PAGE = 'p',
	OPT_AFTER = 'a',
	OPT_WATCH = 'w',
	OPT_RING = 'r',
	OPT_CSV = 256, /* these have no letter */
	OPT_HTML,
	OPT_PERFETTO,
	OPT_FAIL_ON,
	OPT_THRESHOLD,
	OPT_EVENTS,
	OPT_ADDRESSES,
	/* record: -d and -o mean something else there, and the filters have no letters */
	OPT_DURATION = 'd',
	OPT_OUTPUT = 'o',
	OPT_EVERY = 'i',
	NO_LETTER = 1 << 16,
};

/* In the order of their groups; which of them a verb has, stands in use. */
static const struct {
	int use;
	struct argp_option option;
} all[] = {
	{ 0, { 0, 0, 0, 0, "Filters:", 1 } },
	{ 0, { "device", OPT_DEVICE, "NAME", 0, "Only this device: virtio2, or vda, eth0", 1 } },
	{ 0, { "driver", OPT_DRIVER, "NAME", 0, "Only devices of this driver: virtio_blk", 1 } },
	{ 0, { "queue", OPT_QUEUE, "NAME", 0, "Only queues of this name or index: req.0, 1", 1 } },
	{ USE_OPS,
	  { "op", OPT_OP, "OP[,OP]...", 0, "Only these operations: add, get, notify", 1 } },
	{ USE_OPS,
	  { "avail-to-used", OPT_AVAIL_TO_USED, 0, 0,
	    "Also time each buffer from add to get: what the device took", 1 } },
	{ USE_JSON, { 0, 0, 0, 0, "Output:", 2 } },
	{ USE_RECORD, { 0, 0, 0, 0, "Recording:", 2 } },
	{ USE_RECORD, { "output", OPT_OUTPUT, "FILE", 0, "The recording to make", 2 } },
	{ USE_RECORD,
	  { "duration", OPT_DURATION, "TIME", 0,
	    "End after this time: 10, 500ms, 2m (s without a unit)", 2 } },
	{ USE_RECORD,
	  { "interval", OPT_EVERY, "TIME", 0, "Write down what was counted so often (1s)", 2 } },
	{ USE_RECORD, { "events", OPT_EVENTS, 0, 0, "Single operations, too", 2 } },
	{ USE_STALLS,
	  { "after", OPT_AFTER, "TIME", 0, "A queue that does not move for so long is stalled (1s)",
	    2 } },
	{ USE_STALLS,
	  { "watch", OPT_WATCH, 0, 0, "Go on: tell each stall once, and when it is over", 2 } },
	{ USE_STALLS,
	  { "ring", OPT_RING, "DEVICE[:QUEUE]", 0, "All of a ring's state: virtio2:0, vda:req.0",
	    2 } },
	{ USE_STALLS, { "addresses", OPT_ADDRESSES, 0, 0, "Addresses, too, with --ring", 2 } },
	{ USE_JSON, { "json", OPT_JSON, 0, 0, "JSON instead of a table", 2 } },
	{ USE_PER_QUEUE, { "per-queue", OPT_PER_QUEUE, 0, 0, "Each queue by itself", 2 } },
	{ USE_PAGE,
	  { "page", OPT_PAGE, "PAGE", 0,
	    "What the table shows: queues (default), layouts, doorbells", 2 } },
	{ USE_REPORT,
	  { "csv", OPT_CSV, 0, 0, "A line per interval, queue and operation (RFC 4180)", 2 } },
	{ USE_HTML, { "html", OPT_HTML, "FILE", 0, "A page with plots; - is stdout", 2 } },
	{ USE_REPORT,
	  { "perfetto", OPT_PERFETTO, "FILE", 0,
	    "A trace for ui.perfetto.dev or chrome://tracing; - is stdout", 2 } },
	{ USE_DIFF, { 0, 0, 0, 0, "Verdict:", 3 } },
	{ USE_DIFF,
	  { "fail-on", OPT_FAIL_ON, "EXPR", 0,
	    "Exit with 3 if a figure is worse than this, for sure: 'p99>10%' (see below)", 3 } },
	{ USE_DIFF,
	  { "threshold", OPT_THRESHOLD, "PERCENT", 0,
	    "Changes that may be smaller than this are no difference (default: 2)", 3 } },
};

struct parse {
	struct options *options;
	int use;
};

/* Adds what is named in a list to a set. */
static void parse_ops(struct argp_state *state, const char *arg, uint32_t *ops)
{
	char *list = strdup(arg), *rest = list, *name;

	while (list && (name = strsep(&rest, ","))) {
		int op = op_by_name(name);

		if (op < 0) {
			fprintf(stderr, "vringtop: unknown operation '%s'; there are:", name);
			for (op = 0; op < VT_NR_COUNTED; op++)
				fprintf(stderr, " %s", op_name(op));
			fprintf(stderr, "\n");
			exit(EXIT_USAGE);
		}
		*ops |= 1u << op;
	}
	if (!list)
		argp_failure(state, 1, ENOMEM, "--op");
	free(list);
}

static void parse_interval(struct argp_state *state, const char *arg, double *interval)
{
	char *end;

	*interval = strtod(arg, &end);
	if (end == arg || *end || !isfinite(*interval) || *interval < 0.01 || *interval > 86400)
		argp_error(state, "the interval '%s' is not a time from 0.01 to 86400 seconds",
			   arg);
}

static void parse_count(struct argp_state *state, const char *arg, unsigned long *count)
{
	char *end;

	errno = 0;
	*count = strtoul(arg, &end, 10);
	if (end == arg || *end || errno || !*count || strchr(arg, '-'))
		argp_error(state, "the count '%s' is not a whole number from 1 on", arg);
}

static void append(struct argp_state *state, const char *arg, const char ***list, size_t *n)
{
	const char **longer = realloc(*list, (*n + 1) * sizeof(*longer));

	if (!longer) {
		argp_failure(state, 1, ENOMEM, "%s", arg);
		return;
	}
	longer[(*n)++] = arg;
	*list = longer;
}

static void parse_threshold(struct argp_state *state, const char *arg, double *threshold)
{
	char *end;

	*threshold = strtod(arg, &end) / 100;
	if (end == arg || (*end && strcmp(end, "%")) || !(*threshold >= 0 && *threshold <= 10))
		argp_error(state, "the threshold '%s' is not a number of percent from 0 to 1000",
			   arg);
}

/* A time with a unit, in s. */
static void parse_time(struct argp_state *state, const char *arg, double least, double *time)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = { { "", 1 }, { "s", 1 }, { "ms", 1e-3 }, { "m", 60 }, { "h", 3600 } };
	char *end;
	double value = strtod(arg, &end);

	*time = 0;
	for (size_t i = 0; end != arg && i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(end, units[i].name))
			*time = value * units[i].seconds;
	if (!(*time >= least && *time <= 86400))
		argp_error(state, "'%s' is not a time from %gs to 24h (10, 10s, 500ms, 2m)", arg,
			   least);
}

/* What only record takes. Returns false if it is something else. */
static bool parse_record(int key, char *arg, struct argp_state *state, struct options *o)
{
	switch (key) {
	case OPT_OUTPUT:
		o->file = arg;
		return true;
	case OPT_DURATION:
		parse_time(state, arg, 0.001, &o->duration);
		return true;
	case OPT_EVERY:
		parse_time(state, arg, 0.01, &o->interval);
		return true;
	case OPT_EVENTS:
		o->events = true;
		return true;
	case ARGP_KEY_ARG:
		/* From the first word on that is no option, all are the command's. */
		o->command = &state->argv[state->next - 1];
		state->next = state->argc;
		return true;
	case ARGP_KEY_NO_ARGS:
	case ARGP_KEY_SUCCESS:
		return true;
	}
	return false;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct parse *p = state->input;
	struct options *o = p->options;

	if (p->use & USE_RECORD && parse_record(key, arg, state, o))
		return 0;
	switch (key & ~NO_LETTER) {
	case OPT_DEVICE:
		o->filter.device = arg;
		break;
	case OPT_DRIVER:
		o->filter.driver = arg;
		break;
	case OPT_QUEUE:
		o->filter.queue = arg;
		break;
	case OPT_OP:
		parse_ops(state, arg, &o->filter.ops);
		break;
	case OPT_AVAIL_TO_USED:
		o->to_used = true;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_PER_QUEUE:
		o->per_queue = true;
		break;
	case OPT_PAGE:
		o->page = arg;
		if (strcmp(arg, "queues") && strcmp(arg, "layouts") && strcmp(arg, "doorbells"))
			argp_error(state,
				   "unknown page '%s'; there are: queues, layouts, doorbells", arg);
		break;
	case OPT_AFTER:
		parse_time(state, arg, 0.1, &o->after);
		break;
	case OPT_WATCH:
		o->watch = true;
		break;
	case OPT_RING:
		o->ring = true;
		o->filter.device = strsep(&arg, ":");
		if (arg)
			o->filter.queue = arg;
		break;
	case OPT_ADDRESSES:
		o->addresses = true;
		break;
	case OPT_CSV:
		o->csv = true;
		break;
	case OPT_HTML:
		o->html = arg;
		break;
	case OPT_PERFETTO:
		o->perfetto = arg;
		break;
	case OPT_FAIL_ON:
		append(state, arg, &o->fail_on, &o->nr_fail_on);
		break;
	case OPT_THRESHOLD:
		parse_threshold(state, arg, &o->threshold);
		break;
	case ARGP_KEY_ARG:
		if (p->use & USE_DIFF) {
			append(state, arg, &o->files, &o->nr_files);
			break;
		}
		if (p->use & USE_REPORT && !o->file) {
			o->file = arg;
			break;
		}
		if (!(p->use & USE_INTERVAL) || state->arg_num > 1)
			argp_error(state, "what is '%s'?", arg);
		if (state->arg_num == 0)
			parse_interval(state, arg, &o->interval);
		else
			parse_count(state, arg, &o->count);
		break;
	case ARGP_KEY_END:
		if (p->use & USE_REPORT && !o->file)
			argp_error(state, "which recording? Name its FILE");
		if (p->use & USE_RECORD && !o->file)
			argp_error(state, "where to? Name a file with -o FILE");
		if (o->ring && (!*o->filter.device || (o->filter.queue && !*o->filter.queue)))
			argp_error(state, "which ring? DEVICE or DEVICE:QUEUE, as in vda:req.0");
		if (o->addresses && !o->ring)
			argp_error(state, "--addresses shows those of a ring: it goes with --ring");
		if (o->ring && o->watch)
			argp_error(state, "--ring shows a ring once: --watch does not go with it");
		if (!(p->use & USE_DIFF) && o->json + o->csv + !!o->html + !!o->perfetto > 1)
			argp_error(state,
				   "one form at a time: --json, --csv, --html or --perfetto");
		o->to_used |= o->filter.ops >> VT_AVAIL_TO_USED & 1;
		if (!o->filter.ops)
			o->filter.ops = p->use & (USE_REPORT | USE_DIFF) ? (1u << VT_NR_COUNTED) - 1
									 : PROBE_ALL_OPS;
		if (o->to_used)
			o->filter.ops |= 1u << VT_AVAIL_TO_USED;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_parse(int argc, char **argv, int use, const char *doc, struct options *o)
{
	struct argp_option options[sizeof(all) / sizeof(*all) + 1] = {};
	struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = use & USE_INTERVAL ? "[INTERVAL [COUNT]]"
			    : use & USE_REPORT ? "FILE"
			    : use & USE_DIFF   ? "BASE NEW\nBASE... -- NEW..."
			    : use & USE_RECORD ? "[-- COMMAND [ARGUMENT...]]"
					       : NULL,
		.doc = doc,
	};
	struct parse p = { .options = o, .use = use };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if ((all[i].use & use) == all[i].use && (all[i].use || !(use & USE_NO_FILTERS))) {
			options[n] = all[i].option;
			if (use & USE_RECORD && !(all[i].use & USE_RECORD) &&
			    (options[n].key == OPT_DEVICE || options[n].key == OPT_OP))
				options[n].key |= NO_LETTER;
			n++;
		}
	memset(o, 0, sizeof(*o));
	o->page = "queues";
	o->threshold = 0.02;
	o->after = STALL_AFTER / 1e9;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, use & USE_RECORD ? ARGP_IN_ORDER : 0, NULL, &p);
}

int options_timed(const struct options *o)
{
	return o->to_used ? VT_AVAIL_TO_USED : -1;
}
