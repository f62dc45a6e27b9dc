/* SPDX-License-Identifier: GPL-2.0 */
/* What the command line says: the options that all verbs share, and the filters. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include "model/filter.h"

#define EXIT_USAGE 2

struct options {
	struct filter filter; /* its ops: what to count */
	bool to_used;	      /* the times that tables show are those from available to used */
	bool json;
	bool per_queue;		     /* hist */
	const char *page;	     /* stat */
	double interval;	     /* s; 0: not given */
	unsigned long count;	     /* how many intervals; 0: without end */
	bool csv;		     /* report */
	const char *html, *perfetto; /* files to write, "-": stdout; NULL: not asked for */
	/* diff: recordings, and expressions; the arrays are owned, until the process ends */
	const char **files, **fail_on;
	size_t nr_files, nr_fail_on;
	double threshold; /* diff: changes that may be smaller, relative, are none */
	const char *file; /* the recording */
	double duration;  /* record: s; 0: not given */
	bool events;	  /* record: single operations, too */
	/* stalls */
	double after;		     /* s without a move */
	bool watch, ring, addresses; /* ring: device and queue say which */
	char **command;		     /* record: ends with NULL; NULL: none */
};

/* The options that are for one verb only; a verb names those that it takes. */
enum option_use {
	USE_JSON = 1,
	USE_INTERVAL = 2, /* [INTERVAL [COUNT]] */
	USE_OPS = 4,
	USE_PER_QUEUE = 8,
	USE_PAGE = 16,
	USE_NO_FILTERS = 32,
	USE_HTML = 64,
	USE_REPORT = 128, /* a recording, and what can be made of it; all operations */
	USE_DIFF = 256,	  /* recordings of two sides; all operations */
	USE_STALLS = 1024,
	USE_RECORD = 512, /* what it takes to make one; -d and -o are not those of the filters */
};

/**
 * Parses the command line of a verb; ends the process on --help (0) and on
 * wrong use (2).
 * @argv: from the verb on
 * @use: which options the verb takes
 * @doc: what --help says, in argp's form
 */
void options_parse(int argc, char **argv, int use, const char *doc, struct options *o);

/** Whose times a table shows first: an enum vt_op, or -1 for all operations. */
int options_timed(const struct options *o);

#endif
