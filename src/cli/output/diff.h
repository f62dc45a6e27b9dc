/* SPDX-License-Identifier: GPL-2.0 */
/* What vringtop diff found, for its forms of output. */
#ifndef DIFF_H
#define DIFF_H

#include <stdio.h>
#include "analysis/compare.h"
#include "analysis/fail_on.h"
#include "recording/reader.h"

/* A difference between the sides that is no figure: kernel, layout, features. */
struct difference {
	char what[2 * VT_NAME_LEN + 64]; /* "kernel", "vda req.0: layout" */
	char *side[NR_SIDES];		 /* owned; of several recordings, all that there are */
};

struct diff {
	struct comparison comparison;
	struct recording_reader **recordings; /* owned; in the order of comparison.runs */
	struct difference *differences;	      /* owned */
	size_t nr_differences;
	char **warnings; /* owned: sentences */
	size_t nr_warnings;
	struct fail_on *gates; /* owned */
	size_t nr_gates;
	size_t nr_verdicts[4]; /* figures, by enum verdict */
	double threshold;
};

/** "base", "new". */
const char *side_name(enum side s);

/** The queue, on a side that has it. */
const struct queue *compared_queue(const struct compared_queue *q);

/**
 * "vda req.0": how a queue is named. Where several of the comparison have this name, their index
 * stands behind it ("sda request#2"), or on several devices their number ("net input.0 (2)").
 * @buf: of DIFF_NAME bytes; returned
 */
#define DIFF_NAME (2 * VT_NAME_LEN + 32)
char *compared_name(const struct comparison *c, const struct compared_queue *q, char *buf);

/**
 * The queues that only one side has.
 * @names: "vda req.0, vda req.1", cut where there are too many; of @size bytes
 * Returns how many there are.
 */
size_t diff_only(const struct comparison *c, enum side side, char *names, size_t size);

/** When a recording began: "2026-11-30 14:17 UTC". @buf: of DIFF_DATE bytes; returned */
#define DIFF_DATE 32
char *diff_date(const struct recording_info *i, char *buf);

/** A rate or a time, as people read it. @buf: of FORMAT_LEN bytes; returned */
char *format_figure(char *buf, enum figure f, double value);

/** Whether the verdict of any figure of an operation is a change. */
bool op_changed(const struct compared_op *o);

/** Adds a sentence to the warnings. Returns 0 or -ENOMEM. */
__attribute__((format(printf, 2, 3))) int diff_warn(struct diff *d, const char *fmt, ...);

/** Adds the differences between the machines of the recordings. Returns 0 or -ENOMEM. */
int diff_infos(struct diff *d);

/** Adds the differences between queues: layout, features, size. Returns 0 or -ENOMEM. */
int diff_queues(struct diff *d);

/** Prints the text to stdout. */
void diff_text(const struct diff *d);

/** Writes the page. */
void diff_html(FILE *f, const struct diff *d);

/** Prints everything as JSON. */
void diff_json(const struct diff *d);

#endif
