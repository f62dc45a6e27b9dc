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

/* How a file of metrics begins. */
#define OPENMETRICS_MARK "# HELP vringtop_"

/* What is written, and how. */
struct openmetrics {
	const struct snapshot *s;	  /* what was counted since the start, filtered */
	const struct stall_watch *stalls; /* NULL: it is not known which queues are stalled */
	uint32_t ops;			  /* what is counted: a bit for each enum vt_op */
	bool operations;		  /* with a histogram of each operation's times */
	bool fine;	    /* a bucket ends at each power of two, else at each of four */
	bool classic;	    /* the classic text format, else OpenMetrics */
	size_t most_queues; /* further queues are only counted */
};

/** Writes all metrics. */
void openmetrics_write(FILE *f, const struct openmetrics *m);

/**
 * The most series that one queue can have. It depends on what is counted and on the buckets, and
 * not on what was seen, so that a queue does not disappear because another one is used more.
 * @m: s may be NULL
 */
size_t openmetrics_queue_series(const struct openmetrics *m);

#endif
