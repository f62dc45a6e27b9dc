/* SPDX-License-Identifier: GPL-2.0 */
/* What vringtop diff found, for its forms of output. */
#ifndef DIFF_H
#define DIFF_H

#include <stdio.h>
#include "compare.h"
#include "gate.h"
#include "recording.h"

/* Something other than the figures that the sides have not in common. */
struct difference {
	char what[2 * VT_NAME_LEN + 16]; /* "kernel", "vda req.0: layout" */
	char *side[NR_SIDES];		 /* owned; of several recordings, all that there are */
};

struct diff {
	struct comparison comparison;
	struct recording **recordings;	/* owned; in the order of comparison.runs */
	struct difference *differences; /* owned */
	size_t nr_differences;
	char **warnings; /* owned: sentences */
	size_t nr_warnings;
	struct gate *gates; /* owned */
	size_t nr_gates;
	size_t nr_verdicts[4]; /* figures, by enum verdict */
	double threshold;
};

/** "base", "new". */
const char *side_name(enum side s);

/** The queue, on a side that has it. */
const struct queue *compared_queue(const struct compared_queue *q);

/** "vda req.0": how a queue is named. @buf: of DIFF_NAME bytes; returned */
#define DIFF_NAME (2 * VT_NAME_LEN + 16)
char *compared_name(const struct compared_queue *q, char *buf);

/** A rate or a time, as people read it. @buf: of FORMAT_LEN bytes; returned */
char *format_figure(char *buf, enum figure f, double value);

/** Whether anything of an operation is claimed to have changed. */
bool op_changed(const struct compared_op *o);

/** Writes the page. */
void diff_html(FILE *f, const struct diff *d);

/** Prints everything as JSON. */
void diff_json(const struct diff *d);

#endif
