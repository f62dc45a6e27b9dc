/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the command lines of several verbs have in common. Each verb has its own argp with its own
 * struct; it takes what is here as children (struct argp_child), and its parser gives each child
 * its input at ARGP_KEY_INIT.
 *
 * Whoever finds a mistake of the user calls wrong_use(), which prints what is wrong and what to do,
 * and ends the process with EXIT_USAGE.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include "model/filter.h"

#define EXIT_USAGE 2

/**
 * Parses the command line of a verb. --help and --version end the process with 0, wrong use with
 * EXIT_USAGE. Every verb gets -h, --help, --usage and --version in addition to its own options.
 * @argv: from the verb on
 * @flags: of argp_parse()
 * @input: what the parser of @argp fills
 */
void options_parse(const struct argp *argp, int argc, char **argv, unsigned int flags, void *input);

/**
 * Prints "vringtop VERB: " and what is wrong, and ends the process with EXIT_USAGE.
 * @advice: what the user can do, a sentence; NULL: --help says it
 * @fmt: what is wrong, as in printf()
 */
__attribute__((format(printf, 3, 4))) _Noreturn void
wrong_use(const struct argp_state *state, const char *advice, const char *fmt, ...);

/** Says that there is no memory, and ends the process with 1. For parsers, as wrong_use(). */
_Noreturn void options_no_memory(void);

/** wrong_use() for a word that is no option, in a verb that takes none. */
_Noreturn void unexpected_word(const struct argp_state *state, const char *word);

/* --- Filters: which queues, which operations --- */

/* --device, --driver and --queue. Input: struct filter. */
extern const struct argp filter_argp;

struct op_filter {
	struct filter filter; /* its ops: as asked for; none asked for: @all */
	uint32_t all;	      /* set by the verb before parsing: a bit for each enum vt_op */
	bool requests;	      /* set by the verb: without --op, tables show the times of requests */
	bool to_used;	      /* the times that tables show are those of requests */
};

/* All that a recording may have. */
#define ALL_OPS ((1u << VT_NR_COUNTED) - 1)

/* The same, and --op and --avail-to-used. Input: struct op_filter. */
extern const struct argp op_filter_argp;

/* The same for record, where -d and -o mean something else: --device and --op have no letter. */
extern const struct argp record_filter_argp;

/** Whose times a table shows first: an enum vt_op, or -1 for all operations. */
int op_filter_timed(const struct op_filter *f);

/** Whether a text is a list of operations: "add,get". */
bool is_op_list(const char *text);

/* --- Times --- */

struct interval_options {
	double seconds;	     /* of one; 0: not given */
	unsigned long count; /* how many; 0: without end */
};

/* The words INTERVAL and COUNT. Input: struct interval_options. */
extern const struct argp intervals_argp;

/**
 * Reads a time with a unit: "10", "10s", "500ms", "2m", "1h".
 * @least: s, the shortest time that is allowed; the longest is a day
 * Returns the time in s, or 0 if the text is not such a time.
 */
double read_time(const char *text, double least);

/* How messages name the times that read_time() takes. */
#define TIME_EXAMPLES "10, 10s, 500ms, 2m, 1h"

/* --- Output --- */

#define OPT_JSON 'j'
#define OPTION_JSON                                                                                \
	{                                                                                          \
		"json", OPT_JSON, 0, 0, "JSON instead of a table", 2                               \
	}

#endif
