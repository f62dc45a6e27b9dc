// SPDX-License-Identifier: GPL-2.0
/* Prints a recording as metrics with times, for `promtool tsdb create-blocks-from openmetrics`. */
#include <stdlib.h>
#include "base/error.h"
#include "output/openmetrics.h"
#include "output/report.h"

/*
 * Collects the samples of a family until all intervals are read. There is one stream for each
 * queue.
 */
struct stream {
	FILE *f;
	char *text;
	size_t size;
};

/* Returns the operations that a recording has: a bit for each enum vt_op. */
static uint32_t recorded_ops(const struct report *r)
{
	uint32_t ops = 0;

	for (size_t i = 0; i < r->total.nr_queues; i++)
		for (int op = 0; op < VT_NR_COUNTED; op++)
			if (r->total.queues[i].op[op])
				ops |= 1u << op;
	return ops & r->filter->ops;
}

/*
 * Writes the samples of one interval.
 * @streams: one for each queue of r->total, then one for the machine
 */
static void put_interval(const struct report *r, const struct openmetrics *m, size_t family,
			 const struct snapshot *diff, struct stream *streams)
{
	openmetrics_samples(streams[r->total.nr_queues].f, m, family, NULL);
	for (size_t i = 0; i < diff->nr_queues; i++) {
		unsigned int serial = diff->queues[i].serial;
		const struct queue *total = snapshot_queue_near(&r->total, serial, i);
		const struct queue *sum = snapshot_queue_near(m->s, serial, i);

		if (total && sum && !diff->queues[i].gone)
			openmetrics_samples(streams[total - r->total.queues].f, m, family, sum);
	}
}

/* Writes the samples of all intervals. Returns 0, or -1 after it has printed a message. */
static int put_intervals(struct report *r, struct openmetrics *m, size_t family,
			 struct stream *streams)
{
	struct snapshot sum = {}, diff;
	int err = 0;

	m->s = &sum;
	report_rewind(r);
	while (!err && report_next(r, &diff)) {
		err = snapshot_add(&sum, &diff);
		m->when = report_when(r, diff.time);
		if (!err)
			put_interval(r, m, family, &diff, streams);
		snapshot_free(&diff);
	}
	snapshot_free(&sum);
	m->s = &r->total;
	return err ? complain(NULL, "%s: no memory to sum its intervals", r->info->path) : 0;
}

/* Writes a family. Returns 0, or -1 after it has printed a message. */
static int put_family(struct report *r, FILE *f, struct openmetrics *m, size_t family,
		      struct stream *streams)
{
	size_t n = r->total.nr_queues + 1, i;
	int err = 0;

	for (i = 0; i < n && !err; i++) {
		streams[i].f = open_memstream(&streams[i].text, &streams[i].size);
		err = streams[i].f ? 0 : -1;
	}
	if (err)
		complain(NULL, "%s: no memory for its metrics", r->info->path);
	else
		err = put_intervals(r, m, family, streams);
	if (!err)
		openmetrics_head(f, m, family);
	for (i = 0; i < n && streams[i].f; i++) {
		if (fclose(streams[i].f) && !err)
			err = complain(NULL, "%s: no memory for its metrics", r->info->path);
		if (!err)
			fwrite(streams[i].text, 1, streams[i].size, f);
		free(streams[i].text);
		streams[i] = (struct stream){};
	}
	return err;
}

int report_openmetrics(struct report *r, FILE *f)
{
	struct stream *streams = calloc(r->total.nr_queues + 1, sizeof(*streams));
	struct openmetrics m = {
		.s = &r->total,
		.ops = recorded_ops(r),
		.operations = true,
		.instance = r->info->host[0] ? r->info->host : NULL,
		.version = r->info->tool_version,
		.most_queues = SIZE_MAX,
	};
	int err = 0;

	if (!streams)
		return complain(NULL, "%s: no memory for its metrics", r->info->path);
	for (size_t i = 0; i < openmetrics_families() && !err && !ferror(f); i++)
		if (openmetrics_has(&m, i))
			err = put_family(r, f, &m, i, streams);
	fputs("# EOF\n", f);
	free(streams);
	return err;
}
