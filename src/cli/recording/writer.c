// SPDX-License-Identifier: GPL-2.0
/*
 * Writes a recording. Before SQLite changes the file, it copies the old content into a journal
 * beside the file. With the journal a transaction that was cut off can be undone. The journal is
 * opened only once, because the process may open no files after confine_recording(). Each
 * transaction empties the journal at its end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>
#include "base/error.h"
#include "base/place.h"
#include "recording/encode.h"
#include "recording/schema.h"
#include "recording/writer.h"

/*
 * The shortest time between the ends of two transactions, ns. A little less than the default
 * interval of 1 s, so that each such interval ends a transaction.
 */
#define COMMIT_EVERY 900000000ull

/* zstd's fastest level that compresses well; negative levels are faster but hardly compress. */
#define ZSTD_LEVEL 1

/* A queue that is in the snapshots, with the state of its last row in the table state. */
struct recorded_queue {
	struct queue queue; /* without operations */
	bool listed;	    /* in the snapshot that is being written */
};

struct recording_writer {
	sqlite3 *db;
	char *path;
	sqlite3_stmt *put_interval, *put_state, *put_op, *put_block, *put_queue, *put_device,
		*put_info;
	struct recorded_queue *queues;
	size_t nr_queues;
	long long interval;		/* number of the interval that was written last */
	struct recording_event *events; /* owned: the block that is being filled */
	size_t nr_events;
	uint64_t total_events; /* in the blocks that were written */
	uint64_t committed;    /* when the last transaction ended: ns, CLOCK_MONOTONIC */
	bool failed;	       /* an error came, and its message was printed */
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Prints why SQLite could not write, once for each writer. Returns -1. */
static int cannot_write(struct recording_writer *w)
{
	int code = sqlite3_errcode(w->db), cause = sqlite3_system_errno(w->db);
	const char *why = sqlite3_errmsg(w->db);

	if (w->failed)
		return -1;
	w->failed = true;
	if (code == SQLITE_FULL)
		why = strerror(ENOSPC);
	else if ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && cause)
		why = strerror(cause);
	return complain(w->interval ? "It holds what was recorded before, and can be read." : NULL,
			"cannot write to %s: %s", w->path, why);
}

static int no_memory(struct recording_writer *w)
{
	w->failed = true;
	return complain(NULL, "no memory to write to %s", w->path);
}

static int run(struct recording_writer *w, const char *sql)
{
	if (sqlite3_exec(w->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return cannot_write(w);
	return 0;
}

/* Runs a statement whose parameters are bound, and resets it for the next use. */
static int put(struct recording_writer *w, sqlite3_stmt *s)
{
	if (sqlite3_step(s) != SQLITE_DONE)
		return cannot_write(w);
	sqlite3_reset(s);
	return 0;
}

static void bind_text(sqlite3_stmt *s, int n, const char *text)
{
	sqlite3_bind_text(s, n, text ?: "", -1, SQLITE_STATIC);
}

static void bind_encoded(sqlite3_stmt *s, int n, const struct encoder *p)
{
	sqlite3_bind_blob64(s, n, p->data ? (const void *)p->data : "", p->length, SQLITE_STATIC);
}

static int put_field(struct recording_writer *w, const struct recording_info *info, const char *key)
{
	const struct recording_field *f = recording_fields;
	const char *at;

	while (strcmp(f->key, key))
		f++;
	at = (const char *)info + f->offset;
	bind_text(w->put_info, 1, key);
	switch (f->kind) {
	case FIELD_TEXT:
		bind_text(w->put_info, 2, *(const char *const *)at);
		break;
	case FIELD_INT:
		sqlite3_bind_int(w->put_info, 2, *(const int *)at);
		break;
	case FIELD_U64:
		sqlite3_bind_int64(w->put_info, 2, *(const uint64_t *)at);
		break;
	case FIELD_BOOL:
		sqlite3_bind_int(w->put_info, 2, *(const bool *)at);
		break;
	case FIELD_DOUBLE:
		sqlite3_bind_double(w->put_info, 2, *(const double *)at);
		break;
	}
	return put(w, w->put_info);
}

static int put_device(struct recording_writer *w, const struct recording_device *d)
{
	sqlite3_bind_int(w->put_device, 1, d->device);
	bind_text(w->put_device, 2, d->role);
	bind_text(w->put_device, 3, d->driver);
	sqlite3_bind_int64(w->put_device, 4, d->type);
	sqlite3_bind_int64(w->put_device, 5, d->features);
	return put(w, w->put_device);
}

static int prepare(struct recording_writer *w)
{
	const struct {
		sqlite3_stmt **s;
		const char *sql;
	} all[] = {
		{ &w->put_info, "INSERT OR REPLACE INTO info VALUES(?,?)" },
		{ &w->put_device, "INSERT OR REPLACE INTO device VALUES(?,?,?,?,?)" },
		{ &w->put_queue,
		  "INSERT INTO queue VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)"
		  " ON CONFLICT DO UPDATE SET name=?4, role=?5, driver=?6, gone=?11" },
		{ &w->put_interval, "INSERT INTO interval VALUES(?,?,?,?,?,?)" },
		{ &w->put_state, "INSERT INTO state VALUES(?,?,?,?,?,?,?,?,?,?,?,?)" },
		{ &w->put_op, "INSERT INTO op VALUES(?,?,?,?,?,?,?,?,?,?,?)" },
		{ &w->put_block, "INSERT INTO events VALUES(NULL,?,?,?,?)" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (sqlite3_prepare_v3(w->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].s,
				       NULL) != SQLITE_OK)
			return cannot_write(w);
	return 0;
}

/* Creates the tables, and writes everything that is known before the first interval. */
static int fill(struct recording_writer *w, const struct recording_info *info)
{
	char sql[128];

	if (run(w, "BEGIN"))
		return -1;
	snprintf(sql, sizeof(sql), "PRAGMA application_id=%d; PRAGMA user_version=%d",
		 RECORDING_APPLICATION_ID, RECORDING_FORMAT);
	if (run(w, sql))
		return -1;
	for (const struct recording_table *t = recording_tables; t->name; t++)
		if (run(w, t->sql))
			return -1;
	for (int op = 0; op < VT_NR_COUNTED; op++) {
		char *row = sqlite3_mprintf("INSERT INTO operation VALUES(%d,%Q,%Q)", op,
					    op_name(op), op_refused_name(op));
		int err = row ? run(w, row) : no_memory(w);

		sqlite3_free(row);
		if (err)
			return -1;
	}
	for (int layout = 0; layout < VT_NR_LAYOUTS; layout++) {
		snprintf(sql, sizeof(sql), "INSERT INTO layout VALUES(%d,'%s')", layout,
			 layout_name(layout));
		if (run(w, sql))
			return -1;
	}
	for (int b = 0; b < VT_NR_BUCKETS; b++) {
		snprintf(sql, sizeof(sql), "INSERT INTO bucket VALUES(%d,%lld)", b,
			 (long long)histogram_lower(b));
		if (run(w, sql))
			return -1;
	}
	if (prepare(w))
		return -1;
	for (const struct recording_field *f = recording_fields; f->key; f++)
		if (put_field(w, info, f->key))
			return -1;
	for (size_t i = 0; i < info->nr_devices; i++)
		if (put_device(w, &info->devices[i]))
			return -1;
	return run(w, "COMMIT");
}

/*
 * Opens the database. The file must not be a symbolic link, because someone else may have put the
 * link there. SQLITE_OPEN_NOFOLLOW refuses links in the directories of the path, too, so realpath()
 * resolves those first.
 */
static int open_database(struct recording_writer *w)
{
	char *slash = strrchr(w->path, '/'), *dir, *file;
	int err = -1;

	*slash = '\0';
	dir = realpath(*w->path ? w->path : "/", NULL);
	*slash = '/';
	if (!dir)
		return complain(NULL, "cannot write to %s: %s", w->path, strerror(errno));
	if (asprintf(&file, "%s%s", dir, slash) < 0) {
		free(dir);
		return no_memory(w);
	}
	if (sqlite3_open_v2(file, &w->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
				    SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW,
			    NULL) == SQLITE_OK)
		err = 0;
	else if (sqlite3_extended_errcode(w->db) == SQLITE_CANTOPEN_SYMLINK)
		complain("Name the file itself, or remove the link.",
			 "%s is a symbolic link: nothing is written through it", w->path);
	else
		cannot_write(w);
	free(file);
	free(dir);
	return err;
}

static void free_writer(struct recording_writer *w)
{
	if (!w)
		return;
	recording_close_database(w->db);
	free(w->queues);
	free(w->events);
	free(w->path);
	free(w);
}

struct recording_writer *recording_create(const char *path, const struct recording_info *info)
{
	struct recording_writer *w = calloc(1, sizeof(*w));
	struct recording_info first = *info;

	/* At its beginning a recording is not finished and has no events. */
	first.finished = false;
	first.events = 0;
	if (!w || !(w->path = recording_file_name(path)) ||
	    !(w->events = calloc(EVENTS_PER_BLOCK, sizeof(*w->events)))) {
		complain(NULL, "no memory to write to %s", path);
		goto fail;
	}
	if (open_database(w))
		goto fail;
	/*
	 * locking_mode=EXCLUSIVE: no other process can lock the file, so vringtop never waits for a
	 * lock, and the journal stays open. cache_spill=OFF: a transaction stays in memory until it
	 * is complete.
	 */
	if (run(w, "PRAGMA page_size=4096; PRAGMA locking_mode=EXCLUSIVE;"
		   "PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=FULL;"
		   "PRAGMA temp_store=MEMORY; PRAGMA cache_spill=OFF") ||
	    fill(w, &first))
		goto fail;
	w->committed = now();
	return w;
fail:
	free_writer(w);
	return NULL;
}

static int begin(struct recording_writer *w)
{
	if (w->failed)
		return -1;
	return sqlite3_get_autocommit(w->db) ? run(w, "BEGIN") : 0;
}

/* Writes the collected events as one block. */
static int put_events(struct recording_writer *w)
{
	size_t n = w->nr_events, room, length;
	struct encoder p = {};
	void *block = NULL;
	int err = -1;

	if (!n)
		return 0;
	encode_events(&p, w->events, n, w->events[0].time);
	room = ZSTD_compressBound(p.length);
	block = malloc(room);
	length = block ? ZSTD_compress(block, room, p.data, p.length, ZSTD_LEVEL) : 0;
	if (p.failed || !block || ZSTD_isError(length)) {
		no_memory(w);
		goto out;
	}
	sqlite3_bind_int64(w->put_block, 1, w->events[0].time);
	sqlite3_bind_int64(w->put_block, 2, w->events[n - 1].time);
	sqlite3_bind_int64(w->put_block, 3, n);
	sqlite3_bind_blob64(w->put_block, 4, block, length, SQLITE_STATIC);
	err = put(w, w->put_block);
	w->nr_events = 0;
	w->total_events += n;
out:
	free(block);
	encode_free(&p);
	return err;
}

static int commit(struct recording_writer *w)
{
	struct recording_info so_far = {};

	if (sqlite3_get_autocommit(w->db))
		return 0;
	if (put_events(w))
		return -1;
	so_far.events = w->total_events;
	if ((w->total_events && put_field(w, &so_far, "events")) || run(w, "COMMIT"))
		return -1;
	w->committed = now();
	return 0;
}

static struct recorded_queue *known_queue(struct recording_writer *w, unsigned int serial)
{
	for (size_t i = 0; i < w->nr_queues; i++)
		if (w->queues[i].queue.serial == serial)
			return &w->queues[i];
	return NULL;
}

/*
 * Writes a row of the table queue: facts that never change, the names, and when the queue came and
 * went.
 */
static int put_queue(struct recording_writer *w, const struct queue *q, uint64_t time)
{
	const struct recording_device device = { q->device, q->device_type, q->features, q->role,
						 q->driver };
	sqlite3_stmt *s = w->put_queue;

	sqlite3_bind_int64(s, 1, q->serial);
	sqlite3_bind_int(s, 2, q->device);
	sqlite3_bind_int64(s, 3, q->index);
	bind_text(s, 4, q->name);
	bind_text(s, 5, q->role);
	bind_text(s, 6, q->driver);
	sqlite3_bind_int64(s, 7, q->device_type);
	sqlite3_bind_int(s, 8, q->layout);
	sqlite3_bind_int64(s, 9, q->features);
	sqlite3_bind_int64(s, 10, time);
	if (q->gone)
		sqlite3_bind_int64(s, 11, q->changed);
	else
		sqlite3_bind_null(s, 11);
	return put(w, s) || put_device(w, &device);
}

static int put_state(struct recording_writer *w, const struct queue *q, bool listed,
		     unsigned int doorbells_before)
{
	sqlite3_stmt *s = w->put_state;
	struct encoder p = {};
	int err;

	if (listed)
		encode_doorbells(&p, &q->doorbells, doorbells_before);
	if (p.failed)
		return no_memory(w);
	sqlite3_bind_int64(s, 1, w->interval);
	sqlite3_bind_int64(s, 2, q->serial);
	sqlite3_bind_int(s, 3, listed);
	sqlite3_bind_int64(s, 4, q->num);
	sqlite3_bind_int64(s, 5, q->num_free);
	sqlite3_bind_int(s, 6, q->gone);
	sqlite3_bind_int(s, 7, q->fresh);
	sqlite3_bind_int(s, 8, q->broken);
	sqlite3_bind_int64(s, 9, q->changed);
	sqlite3_bind_int64(s, 10, q->doorbells.sent);
	sqlite3_bind_int64(s, 11, listed ? q->new_doorbells : 0);
	bind_encoded(s, 12, &p);
	err = put(w, s);
	encode_free(&p);
	return err;
}

static bool same_names(const struct queue *a, const struct queue *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->role, b->role) &&
	       !strcmp(a->driver, b->driver) && a->gone == b->gone;
}

static bool same_state(const struct queue *a, const struct queue *b)
{
	return a->num == b->num && a->num_free == b->num_free && a->gone == b->gone &&
	       a->fresh == b->fresh && a->broken == b->broken && a->changed == b->changed &&
	       a->doorbells.sent == b->doorbells.sent;
}

/* Writes the facts of a queue that changed since the previous interval. */
static int write_queue(struct recording_writer *w, const struct queue *q, uint64_t time)
{
	struct recorded_queue *known = known_queue(w, q->serial);
	unsigned int doorbells_before = 0;
	int err = 0;

	if (known) {
		doorbells_before = known->queue.doorbells.sent;
		if (!same_names(&known->queue, q))
			err = put_queue(w, q, time);
		if (!err && (!same_state(&known->queue, q) || q->new_doorbells))
			err = put_state(w, q, true, doorbells_before);
	} else {
		known = realloc(w->queues, (w->nr_queues + 1) * sizeof(*known));
		if (!known)
			return no_memory(w);
		w->queues = known;
		known += w->nr_queues++;
		err = put_queue(w, q, time) || put_state(w, q, true, 0);
	}
	known->queue = *q;
	known->listed = true;
	return err;
}

/*
 * Finds queues that are not in this snapshot, writes that they are no longer listed, and forgets
 * them.
 */
static int forget_queues(struct recording_writer *w)
{
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; i < w->nr_queues; i++) {
		struct recorded_queue *known = &w->queues[i];

		if (!known->listed)
			err = err || put_state(w, &known->queue, false, 0);
		else
			w->queues[kept++] = *known;
	}
	w->nr_queues = kept;
	return err;
}

static bool moved(const struct op_stats *s)
{
	return s && (s->count || s->timed || s->sum || s->refused || s->stale || s->bytes_out ||
		     s->bytes_in);
}

static int write_op(struct recording_writer *w, unsigned int serial, int op,
		    const struct op_stats *stats)
{
	sqlite3_stmt *s = w->put_op;
	struct encoder p = {};
	int err;

	encode_histogram(&p, &stats->histogram);
	if (p.failed)
		return no_memory(w);
	sqlite3_bind_int64(s, 1, w->interval);
	sqlite3_bind_int64(s, 2, serial);
	sqlite3_bind_int(s, 3, op);
	sqlite3_bind_int64(s, 4, stats->count);
	sqlite3_bind_int64(s, 5, stats->timed);
	sqlite3_bind_int64(s, 6, stats->sum);
	sqlite3_bind_int64(s, 7, stats->max);
	sqlite3_bind_int64(s, 8, stats->refused);
	sqlite3_bind_int64(s, 9, stats->bytes_out + stats->stale);
	sqlite3_bind_int64(s, 10, stats->bytes_in);
	bind_encoded(s, 11, &p);
	err = put(w, s);
	encode_free(&p);
	return err;
}

/* Writes the members of a snapshot that are the same in all snapshots of a recording. */
static int put_constants(struct recording_writer *w, const struct snapshot *diff)
{
	const struct {
		const char *key;
		int64_t value;
	} all[] = {
		{ "unavailable", diff->unavailable },
		{ "no_bytes_out", diff->no_bytes_out },
		{ "clock_step", diff->clock_step },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		bind_text(w->put_info, 1, all[i].key);
		sqlite3_bind_int64(w->put_info, 2, all[i].value);
		if (put(w, w->put_info))
			return -1;
	}
	return 0;
}

int recording_write(struct recording_writer *w, const struct snapshot *diff)
{
	sqlite3_stmt *s = w->put_interval;

	if (begin(w))
		return -1;
	if (!w->interval && put_constants(w, diff))
		return -1;
	sqlite3_bind_int64(s, 1, ++w->interval);
	sqlite3_bind_int64(s, 2, diff->time);
	sqlite3_bind_int64(s, 3, diff->since);
	sqlite3_bind_int64(s, 4, diff->lost);
	sqlite3_bind_double(s, 5, diff->cpu);
	sqlite3_bind_double(s, 6, diff->probe_ns);
	if (put(w, s))
		return -1;
	for (size_t i = 0; i < w->nr_queues; i++)
		w->queues[i].listed = false;
	for (size_t i = 0; i < diff->nr_queues; i++) {
		const struct queue *q = &diff->queues[i];

		if (write_queue(w, q, diff->time))
			return -1;
		for (int op = 0; op < VT_NR_COUNTED; op++)
			if (moved(q->op[op]) && write_op(w, q->serial, op, q->op[op]))
				return -1;
	}
	if (forget_queues(w))
		return -1;
	return now() - w->committed < COMMIT_EVERY ? 0 : commit(w);
}

int recording_write_events(struct recording_writer *w, const struct recording_event *e, size_t n)
{
	if (begin(w))
		return -1;
	for (size_t i = 0; i < n; i++) {
		w->events[w->nr_events++] = e[i];
		if (w->nr_events == EVENTS_PER_BLOCK && put_events(w))
			return -1;
	}
	return 0;
}

int recording_update(struct recording_writer *w, const struct recording_info *info)
{
	static const char *const keys[] = { "exit_status", "events_dropped", "cost_cpu_ns",
					    "probe_ns", "queues_not_shown" };

	if (begin(w))
		return -1;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (put_field(w, info, keys[i]))
			return -1;
	return 0;
}

int recording_finish(struct recording_writer *w, const struct recording_info *end)
{
	const struct recording_info finished = { .finished = true };

	if (recording_update(w, end) || put_field(w, &finished, "finished"))
		return -1;
	return commit(w);
}

void recording_writer_close(struct recording_writer *w)
{
	if (!w)
		return;
	if (!w->failed)
		commit(w);
	/*
	 * Roll back a transaction that could not be committed. After that the journal is empty, and
	 * SQLite may delete it.
	 */
	if (sqlite3_get_autocommit(w->db) ||
	    sqlite3_exec(w->db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK)
		sqlite3_exec(w->db,
			     "PRAGMA locking_mode=NORMAL; SELECT 1 FROM info;"
			     "PRAGMA journal_mode=DELETE",
			     NULL, NULL, NULL);
	free_writer(w);
}
