/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes a snapshot as metrics for Prometheus: in OpenMetrics 1.0, or in the classic text format
 * 0.0.4. docs/fleet.md has a table of the metrics.
 *
 * Metrics of operations that are not counted are left out. No function here prints a message. The
 * owner of a stream checks the stream for errors.
 */
#ifndef OPENMETRICS_H
#define OPENMETRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "model/snapshot.h"
#include "model/stall_watch.h"

/* The Content-Type of an answer. */
#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define CLASSIC_TYPE	 "text/plain; version=0.0.4; charset=utf-8"

/* The data to write, and the format. */
struct openmetrics {
	const struct snapshot *s;	  /* counts since the start, filtered */
	const struct stall_watch *stalls; /* NULL: stalled queues are not known */
	uint32_t ops;			  /* counted operations: a bit for each enum vt_op */
	bool operations;		  /* also write a histogram of each operation's times */
	/*
	 * true: a bucket ends at each power of two, of stages at each power of four; false: of
	 * four, and of sixteen
	 */
	bool fine;
	bool classic; /* true: the classic text format; false: OpenMetrics */
	/* Only for a recording: */
	uint64_t when;	      /* time of each sample, ns since 1970; 0: no time, so it is now */
	const char *instance; /* a label of each sample; NULL: none, the client knows the host */
	const char *version;  /* version of the vringtop that counted; NULL: of this vringtop */
	size_t most_queues;   /* at most this many queues are written, the others only counted */
};

/** Writes all metrics of @m to @f. */
void openmetrics_write(FILE *f, const struct openmetrics *m);

/*
 * The functions below write the metrics in parts, for samples of many times. They are needed
 * because all samples of one metric of one queue must stand together. A family is all metrics with
 * one name; families are numbered from 0.
 *
 * Returns the number of families.
 */
size_t openmetrics_families(void);

/** Returns true if @m has the data of a family. */
bool openmetrics_has(const struct openmetrics *m, size_t family);

/** Writes the lines that stand before the samples of a family. */
void openmetrics_head(FILE *f, const struct openmetrics *m, size_t family);

/**
 * Writes the samples of a family.
 * @q: the queue whose samples are written; NULL: the samples of the machine
 */
void openmetrics_samples(FILE *f, const struct openmetrics *m, size_t family,
			 const struct queue *q);

/**
 * Returns the most series that one queue can have. The number depends on the counted operations and
 * on the buckets, but not on the counts. So a queue does not disappear from the output because
 * another queue is used more.
 * @m: s may be NULL
 */
size_t openmetrics_queue_series(const struct openmetrics *m);

#endif
