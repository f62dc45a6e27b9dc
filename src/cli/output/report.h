/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts that all output formats of `report` share: a recording, and the sum of its intervals.
 */
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
	int timed;	/* operation whose times the tables show: enum vt_op; -1: all together */
	bool per_queue; /* true: histograms for each queue */
	struct snapshot total; /* sum of all intervals, filtered; owned */
	size_t intervals;
	bool damaged; /* an error ended the reading before the end of the recording */
};

/**
 * Reads the next interval, filtered. The caller frees @diff with snapshot_free().
 * Returns false at the end. Also returns false if the rest of the recording cannot be read, and
 * then sets `damaged`.
 */
bool report_next(struct report *r, struct snapshot *diff);

/** Goes back to the start: report_next() then reads the first interval. */
void report_rewind(struct report *r);

/**
 * Returns a warning: the recording is not complete, or does not have the data that the user asked
 * for.
 * @n: number of the warning, from 0
 * Returns a sentence, or NULL if there are no more.
 */
const char *report_warning(const struct report *r, unsigned int n);

/**
 * Returns the time of day, ns since 1970.
 * @time: ns since the start of the recording
 */
uint64_t report_when(const struct report *r, uint64_t time);

/**
 * Writes the time at which a recording began: "2026-11-30 14:17:42 UTC".
 * @text: REPORT_DATE bytes
 * Returns @text.
 */
#define REPORT_DATE 32
char *report_date(const struct recording_info *i, char *text);

/** Returns true if the queue had at least one operation. */
bool report_moved(const struct queue *q);

/** Returns true if the stages of at least one request were recorded. */
bool report_has_stages(const struct report *r);

/**
 * Lists the queues without any operation, in one line.
 * @text: REPORT_FACT bytes; empty: there are none
 */
#define REPORT_FACT 8192
void report_idle(const struct report *r, char *text);

/**
 * Returns a fact on the machine or the recording. After these facts comes one fact for each device.
 * @n: number of the fact, from 0
 * @name: becomes the name, valid until the next call
 * @text: becomes the value, in REPORT_FACT bytes; empty: not known
 * Returns false if there are no more facts.
 */
bool report_fact(const struct report *r, unsigned int n, const char **name, char *text);

/*
 * The output formats. Each function reads the intervals again from the first one, and writes to @f.
 * The owner of @f checks the stream for errors. Each function returns 0, or -1 after it has printed
 * a message.
 */
int report_text(struct report *r, FILE *f);
int report_json(struct report *r, FILE *f);
int report_csv(struct report *r, FILE *f);
int report_html(struct report *r, FILE *f);
int report_perfetto(struct report *r, FILE *f);
int report_openmetrics(struct report *r, FILE *f);

#endif
