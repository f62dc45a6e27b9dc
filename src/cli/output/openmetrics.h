/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A snapshot as metrics for Prometheus: in OpenMetrics 1.0, or in the classic text format 0.0.4.
 * docs/fleet.md has a table of the metrics.
 *
 * What the tool does not count is left out. No function here prints a message; errors of a stream
 * are left for its owner to see.
 */
#ifndef OPENMETRICS_H
#define OPENMETRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "model/snapshot.h"
#include "model/stall_watch.h"

/* What the Content-Type of an answer says. */
#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define CLASSIC_TYPE	 "text/plain; version=0.0.4; charset=utf-8"

/* What is written, and how. */
struct openmetrics {
	const struct snapshot *s;	  /* what was counted since the start, filtered */
	const struct stall_watch *stalls; /* NULL: it is not known which queues are stalled */
	uint32_t ops;			  /* what is counted: a bit for each enum vt_op */
	bool operations;		  /* with a histogram of each operation's times */
	bool fine;    /* a bucket ends at each power of two, else at each of four */
	bool classic; /* the classic text format, else OpenMetrics */
	/* Only of a recording: */
	uint64_t when;	      /* of each sample, ns since 1970; 0: now, as the client sees it */
	const char *instance; /* a label of each sample; NULL: the client knows whom it asks */
	const char *version;  /* of the vringtop that counted; NULL: of this one */
	size_t most_queues;   /* further queues are only counted */
};

/** Writes all metrics, as they are at one time. */
void openmetrics_write(FILE *f, const struct openmetrics *m);

/*
 * The same in parts, for samples of many times: those of one metric of one queue must stand
 * together. A family, numbered from 0 on, has all metrics of one name.
 */
size_t openmetrics_families(void);

/** Whether @m has the data of a family. */
bool openmetrics_has(const struct openmetrics *m, size_t family);

/** Writes what stands before the samples of a family. */
void openmetrics_head(FILE *f, const struct openmetrics *m, size_t family);

/** Writes the samples of a queue. @q: NULL: those of the machine */
void openmetrics_samples(FILE *f, const struct openmetrics *m, size_t family,
			 const struct queue *q);

/**
 * The most series that one queue can have. It depends on what is counted and on the buckets, and
 * not on what was seen, so that a queue does not disappear because another one is used more.
 * @m: s may be NULL
 */
size_t openmetrics_queue_series(const struct openmetrics *m);

#endif
