// SPDX-License-Identifier: GPL-2.0
/*
 * Opens a recording. The file may be damaged, or made to do harm. Therefore SQLite is told to run
 * nothing that the file contains, the schema must be exactly ours, and every value is checked.
 * Then reads what holds for the whole recording: where it was made, its operations, devices and
 * queues.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/format.h"
#include "recording/check.h"
#include "recording/reader_internal.h"
#include "recording/schema.h"

/* Limits that no recording of vringtop exceeds. MAX_HEAP is bytes. */
#define MAX_QUEUES  65536
#define MAX_DEVICES 65536
#define MAX_HEAP    (256 << 20)
/* The most steps of SQLite's virtual machine in one call of the reader, in thousands. */
#define MAX_WORK 100000

/* SQLite asks this before each access. Allows it to read our tables, and nothing else. */
static int authorize(void *unused, int action, const char *what, const char *column, const char *db,
		     const char *inner)
{
	(void)unused;
	(void)column;
	(void)db;
	if (inner)
		return SQLITE_DENY;
	if (action == SQLITE_SELECT)
		return SQLITE_OK;
	if (action != SQLITE_READ)
		return SQLITE_DENY;
	if (!strcmp(what, "sqlite_master"))
		return SQLITE_OK;
	for (const struct recording_table *t = recording_tables; t->name; t++)
		if (!strcmp(what, t->name))
			return SQLITE_OK;
	return SQLITE_DENY;
}

/* SQLite calls this every 1000 steps. A result other than 0 interrupts SQLite. */
static int worked(void *arg)
{
	struct recording_reader *r = arg;

	return ++r->work > MAX_WORK;
}

/* Turns off everything in SQLite that a file could use to run code or to take a long time. */
static void restrain(struct recording_reader *r)
{
	static const struct {
		int option, value;
	} config[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },	{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },	{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_ENABLE_FKEY, 0 },	{ SQLITE_DBCONFIG_DQS_DDL, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
	}, limits[] = {
		{ SQLITE_LIMIT_LENGTH, MAX_BLOB },	{ SQLITE_LIMIT_SQL_LENGTH, 4096 },
		{ SQLITE_LIMIT_COLUMN, 32 },		{ SQLITE_LIMIT_EXPR_DEPTH, 16 },
		{ SQLITE_LIMIT_COMPOUND_SELECT, 2 },	{ SQLITE_LIMIT_VDBE_OP, 10000 },
		{ SQLITE_LIMIT_FUNCTION_ARG, 8 },	{ SQLITE_LIMIT_ATTACHED, 0 },
		{ SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64 }, { SQLITE_LIMIT_VARIABLE_NUMBER, 8 },
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 1 },	{ SQLITE_LIMIT_WORKER_THREADS, 0 },
	};

	for (size_t i = 0; i < sizeof(config) / sizeof(*config); i++)
		sqlite3_db_config(r->db, config[i].option, config[i].value, NULL);
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		sqlite3_limit(r->db, limits[i].option, limits[i].value);
	sqlite3_hard_heap_limit64(MAX_HEAP);
	sqlite3_exec(r->db, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0", NULL, NULL, NULL);
	sqlite3_progress_handler(r->db, 1000, worked, r);
	sqlite3_set_authorizer(r->db, authorize, NULL);
}

static const struct recording_table *table_of(const char *name)
{
	const struct recording_table *t = recording_tables;

	while (t->name && strcmp(t->name, name))
		t++;
	return t;
}

/*
 * Checks that the schema is exactly the one that vringtop writes, because another one may have a
 * trigger or a view that SQLite would run. Returns 0, or -1 after a message.
 */
static int check_schema(struct recording_reader *r)
{
	sqlite3_stmt *s = prepare_query(r, "SELECT type, name, tbl_name, sql FROM sqlite_master");
	size_t tables = 0, all = 0;
	int more;

	for (const struct recording_table *t = recording_tables; t->name; t++)
		all++;
	while (s && (more = next_row(r, s)) > 0) {
		const char *row[4], *sql;
		char name[64];

		for (int i = 0; i < 4; i++)
			row[i] = (const char *)sqlite3_column_text(s, i) ?: "";
		copy_printable(name, row[1], sizeof(name));
		sql = table_of(row[1])->sql;
		if (!strcmp(row[0], "trigger") || !strcmp(row[0], "view")) {
			r->ended = true;
			return complain(
				"Remove it if you know who added it; otherwise do not trust the "
				"file.",
				"%s has a %s, '%s', which a recording never has", r->path, row[0],
				name);
		}
		if (strcmp(row[0], "table") || strcmp(row[1], row[2]) || !sql ||
		    strcmp(row[3], sql) || ++tables > all) {
			r->ended = true;
			return complain(NULL,
					"%s is not a recording of format %d: '%s' is not as "
					"vringtop writes it",
					r->path, RECORDING_FORMAT, name);
		}
	}
	if (!s || more < 0)
		return -1;
	sqlite3_finalize(s);
	return tables == all ? 0 : reader_damaged(r, "tables are missing");
}

/* --- Read by recording_open() --- */

static int read_field(struct recording_reader *r, sqlite3_stmt *s, const struct recording_field *f)
{
	char *at = (char *)&r->info + f->offset;

	switch (f->kind) {
	case FIELD_TEXT:
		*(const char **)at = row_keep_text(r, s, 1);
		return *(const char **)at ? 0 : reader_no_memory(r);
	case FIELD_INT:
		/* Only exit_status may be negative: -1 means that no status is known. */
		*(int *)at =
			sqlite3_column_int64(s, 1) == -1 ? -1 : (int)row_number(r, s, 1, INT_MAX);
		break;
	case FIELD_U64:
		*(uint64_t *)at = row_number(r, s, 1, INT64_MAX);
		break;
	case FIELD_BOOL:
		*(bool *)at = row_number(r, s, 1, 1);
		break;
	case FIELD_DOUBLE:
		*(double *)at = row_real(r, s, 1);
		break;
	}
	return 0;
}

/*
 * Finds out which operation each number in this file means. The name in the table operation
 * decides, because another version of vringtop may have other numbers in enum vt_op.
 */
static int read_operations(struct recording_reader *r)
{
	sqlite3_stmt *s = prepare_query(r, "SELECT op, name FROM operation ORDER BY op");
	char unknown[200] = "", name[VT_NAME_LEN];
	bool seen[VT_NR_COUNTED] = {};
	int more;

	for (int i = 0; i < NR_FILE_OPS; i++)
		r->op_of[i] = OP_NONE;
	while (s && (more = next_row(r, s)) > 0) {
		unsigned int n = row_number(r, s, 0, NR_FILE_OPS - 1);
		size_t length = strlen(unknown);
		int op;

		row_text(r, s, 1, name, sizeof(name));
		op = op_by_name(name);
		if (r->bad || (op >= 0 && seen[op]))
			return reader_damaged(r, "its names of operations make no sense");
		r->op_of[n] = op >= 0 ? op : OP_UNKNOWN;
		if (op >= 0) {
			seen[op] = true;
			continue;
		}
		r->info.unknown_ops++;
		snprintf(unknown + length, sizeof(unknown) - length, "%s%s", length ? ", " : "",
			 name);
	}
	if (!s || more < 0)
		return -1;
	sqlite3_finalize(s);
	if (r->info.unknown_ops)
		complain(
			"The vringtop that made it shows them.",
			"%s has %u operation%s that this vringtop does not know and leaves out: %s",
			r->path, r->info.unknown_ops, r->info.unknown_ops == 1 ? "" : "s", unknown);
	return 0;
}

/* Translates a set of operations, one bit each, from the file's numbers to those of enum vt_op. */
static uint32_t known_ops(const struct recording_reader *r, uint32_t in_file)
{
	uint32_t ops = 0;

	for (int i = 0; i < NR_FILE_OPS; i++)
		if (in_file >> i & 1 && r->op_of[i] >= 0)
			ops |= 1u << r->op_of[i];
	return ops;
}

static int read_info(struct recording_reader *r)
{
	sqlite3_stmt *s = prepare_query(r, "SELECT key, value FROM info WHERE key=?");

	if (!s)
		return -1;
	for (const struct recording_field *f = recording_fields; f->key; f++) {
		int more;

		sqlite3_bind_text(s, 1, f->key, -1, SQLITE_STATIC);
		more = next_row(r, s);
		if (more < 0 || (more && read_field(r, s, f)))
			return -1;
		/* Recordings of version 0.1.0 have neither of these. */
		if (!more && !r->bad && !strcmp(f->key, "host"))
			r->info.host = "";
		else if (!more && !r->bad && !strcmp(f->key, "queues_not_shown"))
			r->info.queues_not_shown = 0;
		else if (!more || r->bad)
			return reader_damaged(r, "it does not say where it was made");
		sqlite3_reset(s);
	}
	/* The writer adds these keys with the first interval. Before that they are missing. */
	sqlite3_bind_text(s, 1, "unavailable", -1, SQLITE_STATIC);
	if (next_row(r, s) > 0)
		r->unavailable = known_ops(r, row_number(r, s, 1, UINT32_MAX));
	sqlite3_reset(s);
	sqlite3_bind_text(s, 1, "no_bytes_out", -1, SQLITE_STATIC);
	if (next_row(r, s) > 0)
		r->no_bytes_out = row_number(r, s, 1, 1);
	sqlite3_reset(s);
	/* Recordings of version 0.1.0 do not have it. */
	sqlite3_bind_text(s, 1, "clock_step", -1, SQLITE_STATIC);
	if (next_row(r, s) > 0)
		r->clock_step = row_number(r, s, 1, INT64_MAX);
	sqlite3_finalize(s);
	return r->bad || r->ended ? reader_damaged(r, "it does not say what was seen") : 0;
}

static int read_devices(struct recording_reader *r)
{
	sqlite3_stmt *s =
		prepare_query(r, "SELECT device, role, driver, type, features FROM device "
				 "ORDER BY device");
	struct recording_device *d;
	int more;

	while (s && (more = next_row(r, s)) > 0) {
		d = realloc(r->info.devices, (r->info.nr_devices + 1) * sizeof(*d));
		if (!d)
			return reader_no_memory(r);
		r->info.devices = d;
		d += r->info.nr_devices++;
		d->device = row_number(r, s, 0, INT_MAX);
		d->role = row_keep_text(r, s, 1);
		d->driver = row_keep_text(r, s, 2);
		d->type = row_number(r, s, 3, UINT_MAX);
		d->features = sqlite3_column_int64(s, 4);
		if (!d->role || !d->driver)
			return reader_no_memory(r);
		if (r->bad || r->info.nr_devices > MAX_DEVICES ||
		    (r->info.nr_devices > 1 && d[-1].device >= d->device))
			return reader_damaged(r, "a device is none");
	}
	if (!s || more < 0)
		return -1;
	sqlite3_finalize(s);
	return 0;
}

static int by_device(const void *a, const void *b, void *arg)
{
	const struct recorded_queue *queues = arg;
	const struct queue *x = &queues[*(const size_t *)a].queue;
	const struct queue *y = &queues[*(const size_t *)b].queue;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return (x->serial > y->serial) - (x->serial < y->serial);
}

static int read_queues(struct recording_reader *r)
{
	sqlite3_stmt *s =
		prepare_query(r, "SELECT queue, device, number, name, role, driver, type, "
				 "layout, features FROM queue ORDER BY queue");
	struct recorded_queue *all;
	size_t room = 0;
	struct queue *q;
	int more;

	while (s && (more = next_row(r, s)) > 0) {
		if (r->nr_queues == room) {
			room = room ? 2 * room : 16;
			if (room > MAX_QUEUES)
				return reader_damaged(r, "there are too many queues");
			all = realloc(r->queues, room * sizeof(*all));
			if (!all)
				return reader_no_memory(r);
			r->queues = all;
		}
		q = &r->queues[r->nr_queues++].queue;
		memset(&r->queues[r->nr_queues - 1], 0, sizeof(*all));
		q->serial = row_number(r, s, 0, UINT_MAX);
		q->device = row_number(r, s, 1, INT_MAX);
		q->index = row_number(r, s, 2, UINT_MAX);
		row_text(r, s, 3, q->name, sizeof(q->name));
		row_text(r, s, 4, q->role, sizeof(q->role));
		row_text(r, s, 5, q->driver, sizeof(q->driver));
		q->device_type = row_number(r, s, 6, UINT_MAX);
		q->layout = row_number(r, s, 7, VT_NR_LAYOUTS - 1);
		q->features = sqlite3_column_int64(s, 8);
		if (r->bad ||
		    (r->nr_queues > 1 && q[0].serial <= r->queues[r->nr_queues - 2].queue.serial))
			return reader_damaged(r, "a queue is none");
	}
	if (!s || more < 0)
		return -1;
	sqlite3_finalize(s);
	r->order = calloc(r->nr_queues + 1, sizeof(*r->order));
	if (!r->order)
		return reader_no_memory(r);
	for (size_t i = 0; i < r->nr_queues; i++)
		r->order[i] = i;
	qsort_r(r->order, r->nr_queues, sizeof(*r->order), by_device, r->queues);
	return 0;
}

static int prepare_all(struct recording_reader *r)
{
	const struct {
		sqlite3_stmt **s;
		const char *sql;
	} all[] = {
		{ &r->intervals,
		  "SELECT interval, time, since, lost, cpu, probe_ns FROM interval ORDER BY "
		  "interval" },
		{ &r->states,
		  "SELECT queue, listed, size, free, gone, fresh, broken, changed, doorbells,"
		  " new_doorbells, last_doorbells FROM state WHERE interval=? ORDER BY queue" },
		{ &r->ops, "SELECT queue, op, count, timed, sum, max, no, bytes_out, bytes_in, hist"
			   " FROM op WHERE interval=? ORDER BY queue, op" },
		{ &r->blocks, "SELECT first, last, count, data FROM events ORDER BY block" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		*all[i].s = prepare_query(r, all[i].sql);
		if (!*all[i].s)
			return -1;
	}
	return 0;
}

struct recording_reader *recording_open(const char *path)
{
	struct recording_reader *r = calloc(1, sizeof(*r));

	if (!r || !(r->path = recording_file_name(path))) {
		free(r);
		complain(NULL, "no memory to read %s", path);
		return NULL;
	}
	if (recording_check_file(r->path))
		goto fail;
	if (sqlite3_open_v2(r->path, &r->db,
			    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
			    NULL) != SQLITE_OK) {
		reader_failed(r);
		goto fail;
	}
	restrain(r);
	if (check_schema(r) || read_operations(r) || read_info(r) || read_devices(r) ||
	    read_queues(r) || prepare_all(r))
		goto fail;
	r->info.path = r->path + strlen(r->path) - strlen(path);
	return r;
fail:
	recording_reader_close(r);
	return NULL;
}

void recording_reader_close(struct recording_reader *r)
{
	if (!r)
		return;
	recording_close_database(r->db);
	for (size_t i = 0; i < r->nr_strings; i++)
		free(r->strings[i]);
	free(r->strings);
	free(r->info.devices);
	free(r->queues);
	free(r->order);
	free(r->events);
	free(r->path);
	free(r);
}
