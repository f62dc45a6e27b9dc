/* SPDX-License-Identifier: GPL-2.0 */
/* What the forms of `report` share: a recording, and the sum of its intervals. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stdio.h>
#include "model/filter.h"
#include "model/snapshot.h"
#include "recording/reader.h"

struct report {
	struct recording_reader *recording;
	const struct recording_info *info;
	const struct filter *filter;
	int timed; /* whose times the tables show: an enum vt_op; -1: all operations together */
	bool per_queue;	       /* histograms: of each queue by itself */
	struct snapshot total; /* of all intervals, filtered; owned */
	size_t intervals;
	bool damaged; /* reading ended with an error, before the end */
};

/**
 * The next interval, filtered. To be freed with snapshot_free().
 * Returns false at the end, or where the recording cannot be read further (see damaged).
 */
bool report_next(struct report *r, struct snapshot *diff);

/** The first interval comes next. */
void report_rewind(struct report *r);

/**
 * A warning: that the recording is not whole, or has not what was asked for.
 * @n: from 0 on
 * Returns the sentence; NULL: no more.
 */
const char *report_warning(const struct report *r, unsigned int n);

/** The time of day, ns since 1970. @time: ns from the start of the recording */
uint64_t report_when(const struct report *r, uint64_t time);

/** When a recording began: "2026-11-30 14:17:42 UTC". @text: of REPORT_DATE bytes; returned */
#define REPORT_DATE 32
char *report_date(const struct recording_info *i, char *text);

/** Whether an operation of a queue was seen. */
bool report_moved(const struct queue *q);

/** The queues that did not move, in one line. @text: REPORT_FACT bytes; empty: there are none */
#define REPORT_FACT 8192
void report_idle(const struct report *r, char *text);

/**
 * A fact on the machine and the recording; after these, one fact for each device.
 * @n: from 0 on
 * @name: becomes its name, good until the next call
 * @text: becomes its value, in REPORT_FACT bytes; empty: not known
 * Returns false if there are no more.
 */
bool report_fact(const struct report *r, unsigned int n, const char **name, char *text);

/*
 * The forms. Each writes to @f and reads the intervals again from the first on. Errors of
 * @f are left for its owner to see. They return 0, or -1 after they have complained.
 */
int report_text(struct report *r, FILE *f);
int report_json(struct report *r, FILE *f);
int report_csv(struct report *r, FILE *f);
int report_html(struct report *r, FILE *f);
int report_perfetto(struct report *r, FILE *f);
int report_openmetrics(struct report *r, FILE *f);

#endif
