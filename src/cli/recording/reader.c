// SPDX-License-Identifier: GPL-2.0
/* Reads the intervals and the single operations of an open recording. Checks every value. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "recording/encode.h"
#include "recording/reader_internal.h"
#include "recording/schema.h"

const struct recording_info *recording_info(const struct recording_reader *r)
{
	return &r->info;
}

void recording_rewind(struct recording_reader *r)
{
	sqlite3_reset(r->intervals);
	sqlite3_reset(r->blocks);
	for (size_t i = 0; i < r->nr_queues; i++) {
		struct queue *q = &r->queues[i].queue;

		r->queues[i].listed = false;
		memset(&q->doorbells, 0, sizeof(q->doorbells));
	}
	r->time = r->interval = r->last_event = r->nr_events = r->next_event = 0;
	r->bad = r->ended = r->no_more_intervals = r->no_more_blocks = false;
}

/* --- Intervals --- */

static struct recorded_queue *queue_of(struct recording_reader *r, unsigned int serial)
{
	size_t low = 0, high = r->nr_queues;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->queues[middle].queue.serial == serial)
			return &r->queues[middle];
		if (r->queues[middle].queue.serial < serial)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Reads the table state for this interval. It has a row for each queue that changed. */
static int read_states(struct recording_reader *r)
{
	sqlite3_stmt *s = r->states;
	struct recorded_queue *known, *last = NULL;
	int more;

	for (size_t i = 0; i < r->nr_queues; i++)
		r->queues[i].queue.new_doorbells = 0;
	sqlite3_reset(s);
	sqlite3_bind_int64(s, 1, r->interval);
	while ((more = next_row(r, s)) > 0) {
		struct queue *q;

		known = queue_of(r, row_number(r, s, 0, UINT_MAX));
		if (!known || known <= last)
			return reader_damaged(r, "an interval has a queue that is none");
		last = known;
		q = &known->queue;
		known->listed = row_number(r, s, 1, 1);
		q->num = row_number(r, s, 2, UINT_MAX);
		q->num_free = row_number(r, s, 3, UINT_MAX);
		q->gone = row_number(r, s, 4, 1);
		q->fresh = row_number(r, s, 5, 1);
		q->broken = row_number(r, s, 6, 1);
		q->changed = row_number(r, s, 7, INT64_MAX);
		q->new_doorbells = row_number(r, s, 9, UINT_MAX);
		if (known->listed &&
		    !decode_doorbells(sqlite3_column_blob(s, 10), sqlite3_column_bytes(s, 10),
				      row_number(r, s, 8, UINT_MAX), &q->doorbells))
			r->bad = true;
		if (r->bad)
			return reader_damaged(r, "the state of a queue is none");
	}
	return more;
}

static int list_queues(struct recording_reader *r, struct snapshot *diff)
{
	size_t listed = 0;

	for (size_t i = 0; i < r->nr_queues; i++)
		listed += r->queues[i].listed;
	diff->queues = calloc(listed + 1, sizeof(*diff->queues));
	if (!diff->queues) {
		return reader_no_memory(r);
	}
	for (size_t i = 0; i < r->nr_queues; i++)
		if (r->queues[r->order[i]].listed)
			diff->queues[diff->nr_queues++] = r->queues[r->order[i]].queue;
	return 0;
}

/* Finds a queue by its serial, or NULL. @diff: its queues are ordered by device and index */
static struct queue *listed_queue(struct recording_reader *r, struct snapshot *diff,
				  unsigned int serial)
{
	const struct recorded_queue *known = queue_of(r, serial);
	size_t low = 0, high = diff->nr_queues;

	if (!known || !known->listed)
		return NULL;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct queue *q = &diff->queues[middle], *k = &known->queue;

		if (q->serial == serial)
			return &diff->queues[middle];
		if (q->device < k->device ||
		    (q->device == k->device &&
		     (q->index < k->index || (q->index == k->index && q->serial < serial))))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int read_ops(struct recording_reader *r, struct snapshot *diff)
{
	sqlite3_stmt *s = r->ops;
	unsigned long last = 0;
	int more;

	sqlite3_reset(s);
	sqlite3_bind_int64(s, 1, r->interval);
	while ((more = next_row(r, s)) > 0) {
		unsigned int serial = row_number(r, s, 0, UINT_MAX);
		unsigned int in_file = row_number(r, s, 1, NR_FILE_OPS - 1);
		unsigned long key = (unsigned long)serial << VT_OPS_SHIFT | in_file;
		int op = r->op_of[in_file];
		struct queue *q = listed_queue(r, diff, serial);
		struct op_stats *to;

		if (r->bad || !q || key < last || op == OP_NONE || (op >= 0 && q->op[op]))
			return reader_damaged(r, "an interval has an operation of no queue");
		last = key;
		if (op == OP_UNKNOWN)
			continue;
		to = q->op[op] = calloc(1, sizeof(*to));
		if (!to) {
			return reader_no_memory(r);
		}
		to->count = row_number(r, s, 2, INT64_MAX);
		to->timed = row_number(r, s, 3, INT64_MAX);
		to->sum = row_number(r, s, 4, INT64_MAX);
		to->max = row_number(r, s, 5, INT64_MAX);
		to->refused = row_number(r, s, 6, INT64_MAX);
		/* stale and bytes_out share a column, see docs/recording.md. */
		if (op == VT_OP_NOTIFICATION_DATA)
			to->stale = row_number(r, s, 7, INT64_MAX);
		else
			to->bytes_out = row_number(r, s, 7, INT64_MAX);
		to->bytes_in = row_number(r, s, 8, INT64_MAX);
		if (r->bad || sqlite3_column_type(s, 9) != SQLITE_BLOB ||
		    !decode_histogram(sqlite3_column_blob(s, 9), sqlite3_column_bytes(s, 9),
				      to->timed, &to->histogram))
			return reader_damaged(r, "what was counted does not agree with itself");
	}
	return more;
}

int recording_next(struct recording_reader *r, struct snapshot *diff)
{
	sqlite3_stmt *s = r->intervals;
	long long before = r->interval;
	int more;

	memset(diff, 0, sizeof(*diff));
	if (r->ended)
		return -1;
	if (r->no_more_intervals)
		return 0;
	r->work = 0;
	more = next_row(r, s);
	r->no_more_intervals = !more;
	if (more <= 0)
		return more;
	r->interval = row_number(r, s, 0, INT64_MAX);
	diff->time = row_number(r, s, 1, INT64_MAX);
	diff->since = row_number(r, s, 2, INT64_MAX);
	diff->lost = row_number(r, s, 3, INT64_MAX);
	diff->cpu = row_real(r, s, 4);
	diff->probe_ns = row_real(r, s, 5);
	/* String constants, because a snapshot does not own this string. */
	diff->how = strcmp(r->info.attached, "functions") ? "tracepoints" : "functions";
	diff->unavailable = r->unavailable;
	diff->no_bytes_out = r->no_bytes_out;
	diff->clock_step = r->clock_step;
	diff->not_shown = r->info.queues_not_shown;
	if (r->bad || r->interval <= before || diff->time < r->time)
		more = reader_damaged(r, "an interval is none");
	r->time = diff->time;
	if (more < 0 || read_states(r) || list_queues(r, diff) || read_ops(r, diff)) {
		snapshot_free(diff);
		return -1;
	}
	return 1;
}

/* --- Events --- */

/*
 * Translates the operations in a block from the file's numbers to enum vt_op. Drops events of
 * operations that this vringtop does not know. Returns false if a number stands for no operation.
 */
static bool name_events(struct recording_reader *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->nr_events; i++) {
		int op = r->op_of[r->events[i].op];

		if (op == OP_UNKNOWN)
			continue;
		if (op < 0 || op >= VT_NR_OPS)
			return false;
		r->events[kept] = r->events[i];
		r->events[kept++].op = op;
	}
	r->nr_events = kept;
	return true;
}

/* Reads the next block. Returns 1; 0 at the end; -1 after a message. */
static int read_block(struct recording_reader *r)
{
	sqlite3_stmt *s = r->blocks;
	unsigned long long size;
	uint64_t first, last;
	const void *data;
	void *unpacked;
	int length, more = r->no_more_blocks ? 0 : next_row(r, s);
	size_t n;

	r->no_more_blocks = !more;
	if (more <= 0)
		return more;
	first = row_number(r, s, 0, INT64_MAX);
	last = row_number(r, s, 1, INT64_MAX);
	n = row_number(r, s, 2, EVENTS_PER_BLOCK);
	data = sqlite3_column_blob(s, 3);
	length = sqlite3_column_bytes(s, 3);
	size = data ? ZSTD_getFrameContentSize(data, length) : 0;
	if (r->bad || !n || first < r->last_event || size > MAX_BLOB)
		return reader_damaged(r, "a block of events is none");
	if (!r->events)
		r->events = calloc(EVENTS_PER_BLOCK, sizeof(*r->events));
	unpacked = malloc(size + 1);
	if (!r->events || !unpacked) {
		free(unpacked);
		return reader_no_memory(r);
	}
	if (ZSTD_decompress(unpacked, size, data, length) != size ||
	    !decode_events(unpacked, size, r->events, n, first) || r->events[n - 1].time != last)
		more = reader_damaged(r, "a block of events cannot be unpacked");
	free(unpacked);
	r->nr_events = n;
	r->next_event = 0;
	if (more > 0 && !name_events(r))
		more = reader_damaged(r, "an event is of no operation");
	return more;
}

int recording_next_event(struct recording_reader *r, struct recording_event *e)
{
	if (r->ended)
		return -1;
	r->work = 0;
	while (r->next_event == r->nr_events) {
		int more = read_block(r);

		if (more <= 0)
			return more;
	}
	*e = r->events[r->next_event++];
	r->last_event = e->time;
	return 1;
}
