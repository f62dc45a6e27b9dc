// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "verbs/options.h"

/* Options without a letter. */
enum {
	OPT_USAGE = 256,
	OPT_DEVICE,
	OPT_OP,
};

/*
 * The parser of the C library prints an unknown option as it is, with escape sequences and
 * newlines. So it prints into memory, and end_capture() has what it printed.
 */
static struct {
	FILE *stderr_before; /* NULL: nothing is captured */
	char *text;
	size_t size;
} captured;

static void begin_capture(void)
{
	FILE *f = open_memstream(&captured.text, &captured.size);

	if (!f)
		return;
	captured.stderr_before = stderr;
	stderr = f;
}

/* Returns what was printed, to be freed; NULL without memory. */
static char *end_capture(void)
{
	char *text = NULL;

	if (captured.stderr_before) {
		fclose(stderr);
		stderr = captured.stderr_before;
		text = captured.text;
	}
	captured.stderr_before = NULL;
	return text;
}

__attribute__((format(printf, 3, 0))) static void
print_wrong_use(const char *verb, const char *advice, const char *fmt, va_list args)
{
	char help[64];

	snprintf(help, sizeof(help), "See %s --help.", verb);
	vcomplain(verb, advice ?: help, fmt, args);
}

void wrong_use(const struct argp_state *state, const char *advice, const char *fmt, ...)
{
	va_list args;

	free(end_capture());
	va_start(args, fmt);
	print_wrong_use(state->name, advice, fmt, args);
	va_end(args);
	exit(EXIT_USAGE);
}

void options_no_memory(void)
{
	free(end_capture());
	complain(NULL, "no memory to read the command line");
	exit(EXIT_FAILURE);
}

/* An error of the C library's parser. */
static _Noreturn void wrong_option(const char *verb, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_wrong_use(verb, NULL, fmt, args);
	va_end(args);
	exit(EXIT_USAGE);
}

void unexpected_word(const struct argp_state *state, const char *word)
{
	wrong_use(state, "To name a device, write -d before its name. All options: --help.",
		  "'%s' is not an option", word);
}

/* --- What every verb has --- */

static const struct argp_option common_options[] = {
	{ "help", 'h', 0, 0, "Print this help", -1 },
	{ 0, '?', 0, OPTION_ALIAS, 0, 0 },
	{ "usage", OPT_USAGE, 0, 0, "Print the options in short", 0 },
	{ "version", 'V', 0, 0, "Print the version", 0 },
	{},
};

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	switch (key) {
	case 'h':
	case '?':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		break;
	case OPT_USAGE:
		argp_state_help(state, stdout, ARGP_HELP_USAGE);
		break;
	case 'V':
		printf("vringtop %s\n", VRINGTOP_VERSION);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	free(end_capture());
	exit(EXIT_SUCCESS);
}

void options_parse(const struct argp *argp, int argc, char **argv, unsigned int flags, void *input)
{
	static const struct argp common = {
		.options = common_options,
		.parser = parse_common,
	};
	const struct argp_child children[] = { { argp, 0, NULL, 0 }, { &common, 0, NULL, 0 }, {} };
	const struct argp all = { .children = children };
	char *said, *message, *last = NULL;
	error_t err;

	begin_capture();
	/* argp's own help has no -h. */
	err = argp_parse(&all, argc, argv, flags | ARGP_NO_HELP | ARGP_NO_EXIT, NULL, input);
	said = end_capture();
	if (!err) {
		free(said);
		return;
	}
	/* "vringtop stat: unrecognized option '--x'", then a line with argp's own advice. */
	for (char *end = said; end && (end = strstr(end, "\nTry `")); end++)
		last = end;
	if (last)
		*last = '\0';
	message = said ? strstr(said, ": ") : NULL;
	wrong_option(argv[0], "%s", message ? message + 2 : strerror(err));
}

/* --- Filters --- */

#define QUEUE_FILTERS(device_key)                                                                  \
	{ 0, 0, 0, 0, "Filters:", 1 },                                                             \
		{ "device", device_key, "NAME", 0, "Only this device: virtio2, or vda, eth0", 1 }, \
		{ "driver", 'D', "NAME", 0, "Only devices of this driver: virtio_blk", 1 },        \
		{ "queue", 'q', "NAME", 0, "Only queues of this name or index: req.0, 1", 1 },     \
	{                                                                                          \
	}

#define OP_FILTERS(op_key)                                                                         \
	{ "op", op_key, "OP[,OP]...", 0, "Count only these: add, get, notify; or all", 1 },        \
		{ "avail-to-used",                                                                 \
		  'u',                                                                             \
		  0,                                                                               \
		  0,                                                                               \
		  "Show the times of requests, from add to get, also with -o",                     \
		  1 },                                                                             \
	{                                                                                          \
	}

static error_t parse_filter(int key, char *arg, struct argp_state *state)
{
	struct filter *f = state->input;

	switch (key) {
	case 'd':
	case OPT_DEVICE:
		f->device = arg;
		return 0;
	case 'D':
		f->driver = arg;
		return 0;
	case 'q':
		f->queue = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

#define OP_NAME_LEN 32 /* longer than every name of an operation */

/* Adds the operations of a list to a set. Returns false at a word that is none, which is @other. */
static bool read_ops(const char *list, uint32_t *ops, char other[OP_NAME_LEN])
{
	for (;;) {
		size_t length = strcspn(list, ",");
		int op;

		snprintf(other, OP_NAME_LEN, "%.*s", (int)length, list);
		op = op_by_name(other);
		if (!strcmp(other, "all"))
			*ops |= ALL_OPS;
		else if (op < 0)
			return false;
		else
			*ops |= 1u << op;
		if (!list[length])
			return true;
		list += length + 1;
	}
}

bool is_op_list(const char *text)
{
	char other[OP_NAME_LEN];
	uint32_t ops = 0;

	return read_ops(text, &ops, other);
}

static void parse_ops(const struct argp_state *state, const char *list, uint32_t *ops)
{
	char names[512] = "There are: all", other[OP_NAME_LEN];
	size_t length = strlen(names);

	if (read_ops(list, ops, other))
		return;
	for (int op = 0; op < VT_NR_COUNTED && length < sizeof(names); op++) {
		if (op_is_retired(op))
			continue;
		length += snprintf(names + length, sizeof(names) - length, " %s", op_name(op));
	}
	wrong_use(state, names, "unknown operation '%s'", other);
}

static error_t parse_op_filter(int key, char *arg, struct argp_state *state)
{
	struct op_filter *f = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &f->filter;
		f->filter.ops = 0;
		return 0;
	case 'o':
	case OPT_OP:
		parse_ops(state, arg, &f->filter.ops);
		return 0;
	case 'u':
		f->to_used = true;
		return 0;
	case ARGP_KEY_END:
		f->to_used |= f->filter.ops >> VT_AVAIL_TO_USED & 1;
		if (!f->filter.ops) {
			f->filter.ops = f->all;
			f->to_used |= f->requests;
		}
		if (f->to_used)
			f->filter.ops |= 1u << VT_AVAIL_TO_USED;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option queue_options[] = { QUEUE_FILTERS('d') };
static const struct argp_option op_options[] = { OP_FILTERS('o') };
static const struct argp_option record_queue_options[] = { QUEUE_FILTERS(OPT_DEVICE) };
static const struct argp_option record_op_options[] = { OP_FILTERS(OPT_OP) };

const struct argp filter_argp = { .options = queue_options, .parser = parse_filter };
static const struct argp record_queue_argp = { .options = record_queue_options,
					       .parser = parse_filter };
static const struct argp_child op_children[] = { { &filter_argp, 0, NULL, 0 }, {} };
static const struct argp_child record_children[] = { { &record_queue_argp, 0, NULL, 0 }, {} };
const struct argp op_filter_argp = { .options = op_options,
				     .parser = parse_op_filter,
				     .children = op_children };
const struct argp record_filter_argp = { .options = record_op_options,
					 .parser = parse_op_filter,
					 .children = record_children };

int op_filter_timed(const struct op_filter *f)
{
	return f->to_used ? VT_AVAIL_TO_USED : -1;
}

/* --- Times --- */

#define LONGEST 86400 /* s */

double read_time(const char *text, double least)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = { { "", 1 }, { "s", 1 }, { "ms", 1e-3 }, { "m", 60 }, { "h", 3600 } };
	char *end;
	double value = strtod(text, &end), seconds = 0;

	for (size_t i = 0; end != text && i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(end, units[i].name))
			seconds = value * units[i].seconds;
	/* Not a number fails both comparisons. */
	return seconds >= least && seconds <= LONGEST ? seconds : 0;
}

static error_t parse_intervals(int key, char *arg, struct argp_state *state)
{
	struct interval_options *i = state->input;
	char *end;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	switch (state->arg_num) {
	case 0:
		i->seconds = read_time(arg, 0.01);
		if (!i->seconds)
			wrong_use(state,
				  "An interval is a time such as " TIME_EXAMPLES
				  ". To name a device, write -d before its name.",
				  "'%s' is not an interval from 0.01 s to 24 h", arg);
		return 0;
	case 1:
		errno = 0;
		i->count = strtoul(arg, &end, 10);
		if (end == arg || *end || errno || !i->count || strchr(arg, '-'))
			wrong_use(state, "The second word says how many intervals: 10.",
				  "the count '%s' is not a whole number from 1 on", arg);
		return 0;
	}
	wrong_use(state, "At most two words: how long an interval is, and how many there are.",
		  "one word too many: '%s'", arg);
}

const struct argp intervals_argp = { .parser = parse_intervals, .args_doc = "[INTERVAL [COUNT]]" };
