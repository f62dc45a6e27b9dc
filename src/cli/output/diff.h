/* SPDX-License-Identifier: GPL-2.0 */
/* The result of vringtop diff, and the functions that print it: as text, as a page, as JSON. */
#ifndef DIFF_H
#define DIFF_H

#include <stdio.h>
#include "analysis/compare.h"
#include "analysis/fail_on.h"
#include "recording/reader.h"

/* A difference between the sides that is not a figure: kernel, layout, features. */
struct difference {
	char what[2 * VT_NAME_LEN + 64]; /* "kernel", "vda req.0: layout" */
	char *side[NR_SIDES];		 /* owned; the values of all recordings of the side */
};

struct diff {
	struct comparison comparison;
	struct recording_reader **recordings; /* owned; in the order of comparison.runs */
	struct difference *differences;	      /* owned */
	size_t nr_differences;
	char **warnings; /* owned: sentences */
	size_t nr_warnings;
	struct fail_on *fail_on; /* owned */
	size_t nr_fail_on;
	size_t nr_verdicts[4]; /* how many figures have each verdict; index: enum verdict */
	double threshold;
};

/** The name of a side: "base" or "new". */
const char *side_name(enum side s);

/** Returns the queue as the base side has it, or else as the new side has it. */
const struct queue *compared_queue(const struct compared_queue *q);

/**
 * Writes the name of a queue: "vda req.0". If several queues of the comparison have this name, the
 * text also has the index of the queue ("sda request#2"), or, if the queues are on several devices,
 * a number for the device ("net input.0 (2)").
 * @buf: DIFF_NAME bytes
 * Returns @buf.
 */
#define DIFF_NAME (2 * VT_NAME_LEN + 32)
char *compared_name(const struct comparison *c, const struct compared_queue *q, char *buf);

/**
 * Lists the queues that only @side has.
 * @names: becomes their names, "vda req.0, vda req.1"; the list is cut if it is longer than @size
 * bytes
 * Returns how many queues there are.
 */
size_t diff_only(const struct comparison *c, enum side side, char *names, size_t size);

/**
 * Writes the time at which a recording began: "2026-11-30 14:17 UTC".
 * @buf: DIFF_DATE bytes
 * Returns @buf.
 */
#define DIFF_DATE 32
char *diff_date(const struct recording_info *i, char *buf);

/**
 * Writes the value of a figure on a side, a rate or a time, in a form for people.
 * @buf: FORMAT_LEN bytes
 * Returns @buf.
 */
char *format_figure(char *buf, const struct comparison *c, enum figure f,
		    const struct change *change, enum side side);

/** Returns true if at least one figure of an operation changed. */
bool op_changed(const struct compared_op *o);

/** Adds a sentence to the warnings. Returns 0 or -ENOMEM. Prints nothing. */
__attribute__((format(printf, 2, 3))) int diff_warn(struct diff *d, const char *fmt, ...);

/**
 * Adds the differences between the machines of the recordings. Returns 0 or -ENOMEM. Prints
 * nothing.
 */
int diff_infos(struct diff *d);

/**
 * Adds the differences between queues: layout, features, size. Returns 0 or -ENOMEM. Prints
 * nothing.
 */
int diff_queues(struct diff *d);

/** Prints a diff as text to stdout. */
void diff_text(const struct diff *d);

/** Writes a diff as an HTML page to @f. The owner of @f checks the stream for errors. */
void diff_html(FILE *f, const struct diff *d);

/** Prints a diff as JSON to stdout. */
void diff_json(const struct diff *d);

#endif
