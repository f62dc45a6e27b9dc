// SPDX-License-Identifier: GPL-2.0
/*
 * Reads a recording. The file may be damaged, or made to do harm. Therefore SQLite is told to run
 * nothing that the file contains, the schema must be exactly ours, and every value is checked.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "base/error.h"
#include "base/format.h"
#include "recording/encode.h"
#include "recording/reader.h"
#include "recording/check.h"
#include "recording/schema.h"

/* Limits that no recording of vringtop exceeds. MAX_BLOB and MAX_HEAP are bytes. */
#define MAX_QUEUES  65536
#define MAX_LISTED  8192 /* queues in one interval */
#define MAX_DEVICES 65536
#define MAX_BLOB    (1 << 20)
#define MAX_HEAP    (256 << 20)
/* The most steps of SQLite's virtual machine in one call of the reader, in thousands. */
#define MAX_WORK 100000

/* An operation's number in a file is below this: it has VT_OPS_SHIFT bits, as in the kernel. */
#define NR_FILE_OPS (1 << VT_OPS_SHIFT)
_Static_assert(VT_NR_COUNTED <= NR_FILE_OPS, "an operation without a number for recordings");

/* Values of recording_reader.op_of that are no enum vt_op. */
#define OP_NONE	   -1 /* the table operation has no such number */
#define OP_UNKNOWN -2 /* the table has a name for the number that this vringtop does not know */

/* A queue, with the state of its row in the table state that was read last. */
struct recorded_queue {
	struct queue queue; /* without operations */
	bool listed;	    /* it is in the snapshot of this interval */
};

struct recording_reader {
	sqlite3 *db;
	char *path;
	struct recording_info info;
	char **strings; /* owned: the strings in info */
	size_t nr_strings;
	int op_of[NR_FILE_OPS]; /* by number in the file: an enum vt_op, OP_NONE or OP_UNKNOWN */
	uint32_t unavailable;	/* the same in all snapshots */
	bool no_bytes_out;

	struct recorded_queue *queues; /* owned; all queues, ordered by serial */
	size_t nr_queues;
	size_t *order; /* owned: indexes of queues, ordered by device and index */

	sqlite3_stmt *intervals, *states, *ops, *blocks;
	bool no_more_intervals, no_more_blocks; /* at the end: another step starts again */
	long long interval;			/* number of the interval that was read last */
	uint64_t time;				/* end of that interval, ns */

	struct recording_event *events; /* owned: the block that was read last */
	size_t nr_events, next_event;
	uint64_t last_event; /* time of the event that was read last, ns */

	bool bad;	   /* a value was read that is not valid */
	bool ended;	   /* an error was printed: nothing more is read */
	unsigned int work; /* steps of SQLite in this call, in thousands */
};

/* Prints what is wrong with the file, once for each reader. Returns -1. */
static int damaged(struct recording_reader *r, const char *what)
{
	char text[200];

	if (r->ended)
		return -1;
	r->ended = true;
	copy_printable(text, what, sizeof(text));
	return complain(NULL, "the recording %s is damaged: %s", r->path, text);
}

/* Prints the error that SQLite reports, once for each reader. Returns -1. */
static int cannot_read(struct recording_reader *r)
{
	int code = sqlite3_errcode(r->db), cause = sqlite3_system_errno(r->db);

	if (r->ended)
		return -1;
	switch (code) {
	case SQLITE_BUSY:
		r->ended = true;
		return complain("Wait for its end.", "%s is being written to", r->path);
	case SQLITE_NOMEM:
		r->ended = true;
		return complain(NULL, "no memory to read %s", r->path);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		r->ended = true;
		return complain(NULL, "cannot read %s: %s", r->path,
				cause ? strerror(cause) : sqlite3_errmsg(r->db));
	case SQLITE_INTERRUPT:
		return damaged(r, "reading it takes too many steps");
	}
	return damaged(r, sqlite3_errmsg(r->db));
}

/* --- Values of a row. A value that is not valid becomes 0 or empty, and sets r->bad. --- */

static uint64_t number(struct recording_reader *r, sqlite3_stmt *s, int column, uint64_t max)
{
	sqlite3_int64 n = sqlite3_column_int64(s, column);

	if (sqlite3_column_type(s, column) == SQLITE_INTEGER && n >= 0 && (uint64_t)n <= max)
		return n;
	r->bad = true;
	return 0;
}

static double real(struct recording_reader *r, sqlite3_stmt *s, int column)
{
	double x = sqlite3_column_double(s, column);

	/* These comparisons are false for a NaN. */
	if (sqlite3_column_type(s, column) == SQLITE_FLOAT && x >= -1e300 && x <= 1e300)
		return x;
	r->bad = true;
	return 0;
}

static void text(struct recording_reader *r, sqlite3_stmt *s, int column, char *to, size_t size)
{
	const char *from = (const char *)sqlite3_column_text(s, column), *c = from;

	to[0] = '\0';
	if (sqlite3_column_type(s, column) != SQLITE_TEXT || !from) {
		r->bad = true;
		return;
	}
	while (*c >= ' ' && *c <= '~')
		c++;
	/* The writer has escaped names already. A second time would escape the backslashes. */
	if (!*c)
		snprintf(to, size, "%s", from);
	else
		copy_printable(to, from, size);
}

/* Copies a string. The reader owns the copy. Returns NULL without memory; prints no message. */
static const char *keep_text(struct recording_reader *r, sqlite3_stmt *s, int column)
{
	size_t size = 4 * (size_t)sqlite3_column_bytes(s, column) + 1;
	char **strings = realloc(r->strings, (r->nr_strings + 1) * sizeof(*strings));
	char *to = strings ? malloc(size) : NULL;

	if (strings)
		r->strings = strings;
	if (!to)
		return NULL;
	text(r, s, column, to, size);
	return r->strings[r->nr_strings++] = to;
}

/* Goes to the next row. Returns 1 if there is one; 0 at the end; -1 after a message. */
static int step(struct recording_reader *r, sqlite3_stmt *s)
{
	int code = sqlite3_step(s);

	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : cannot_read(r);
}

static sqlite3_stmt *prepare(struct recording_reader *r, const char *sql)
{
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(r->db, sql, -1, &s, NULL) == SQLITE_OK)
		return s;
	cannot_read(r);
	return NULL;
}

/* --- Is the file a recording? --- */

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
	sqlite3_stmt *s = prepare(r, "SELECT type, name, tbl_name, sql FROM sqlite_master");
	size_t tables = 0, all = 0;
	int more;

	for (const struct recording_table *t = recording_tables; t->name; t++)
		all++;
	while (s && (more = step(r, s)) > 0) {
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
	return tables == all ? 0 : damaged(r, "tables are missing");
}

/* --- Read by recording_open() --- */

static int read_field(struct recording_reader *r, sqlite3_stmt *s, const struct recording_field *f)
{
	char *at = (char *)&r->info + f->offset;

	switch (f->kind) {
	case FIELD_TEXT:
		*(const char **)at = keep_text(r, s, 1);
		return *(const char **)at ? 0 : complain(NULL, "no memory to read %s", r->path);
	case FIELD_INT:
		/* Only exit_status may be negative: -1 means that no status is known. */
		*(int *)at = sqlite3_column_int64(s, 1) == -1 ? -1 : (int)number(r, s, 1, INT_MAX);
		break;
	case FIELD_U64:
		*(uint64_t *)at = number(r, s, 1, INT64_MAX);
		break;
	case FIELD_BOOL:
		*(bool *)at = number(r, s, 1, 1);
		break;
	case FIELD_DOUBLE:
		*(double *)at = real(r, s, 1);
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
	sqlite3_stmt *s = prepare(r, "SELECT op, name FROM operation ORDER BY op");
	char unknown[200] = "", name[VT_NAME_LEN];
	bool seen[VT_NR_COUNTED] = {};
	int more;

	for (int i = 0; i < NR_FILE_OPS; i++)
		r->op_of[i] = OP_NONE;
	while (s && (more = step(r, s)) > 0) {
		unsigned int n = number(r, s, 0, NR_FILE_OPS - 1);
		size_t length = strlen(unknown);
		int op;

		text(r, s, 1, name, sizeof(name));
		op = op_by_name(name);
		if (r->bad || (op >= 0 && seen[op]))
			return damaged(r, "its names of operations make no sense");
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
	sqlite3_stmt *s = prepare(r, "SELECT key, value FROM info WHERE key=?");

	if (!s)
		return -1;
	for (const struct recording_field *f = recording_fields; f->key; f++) {
		int more;

		sqlite3_bind_text(s, 1, f->key, -1, SQLITE_STATIC);
		more = step(r, s);
		if (more < 0 || (more && read_field(r, s, f)))
			return -1;
		/* Recordings of version 0.1.0 have no host. */
		if (!more && !r->bad && !strcmp(f->key, "host"))
			r->info.host = "";
		else if (!more || r->bad)
			return damaged(r, "it does not say where it was made");
		sqlite3_reset(s);
	}
	/* The writer adds these two keys with the first interval. Before that they are missing. */
	sqlite3_bind_text(s, 1, "unavailable", -1, SQLITE_STATIC);
	if (step(r, s) > 0)
		r->unavailable = known_ops(r, number(r, s, 1, UINT32_MAX));
	sqlite3_reset(s);
	sqlite3_bind_text(s, 1, "no_bytes_out", -1, SQLITE_STATIC);
	if (step(r, s) > 0)
		r->no_bytes_out = number(r, s, 1, 1);
	sqlite3_finalize(s);
	return r->bad || r->ended ? damaged(r, "it does not say what was seen") : 0;
}

static int read_devices(struct recording_reader *r)
{
	sqlite3_stmt *s = prepare(r, "SELECT device, role, driver, type, features FROM device "
				     "ORDER BY device");
	struct recording_device *d;
	int more;

	while (s && (more = step(r, s)) > 0) {
		d = realloc(r->info.devices, (r->info.nr_devices + 1) * sizeof(*d));
		if (!d)
			return complain(NULL, "no memory to read %s", r->path);
		r->info.devices = d;
		d += r->info.nr_devices++;
		d->device = number(r, s, 0, INT_MAX);
		d->role = keep_text(r, s, 1);
		d->driver = keep_text(r, s, 2);
		d->type = number(r, s, 3, UINT_MAX);
		d->features = sqlite3_column_int64(s, 4);
		if (!d->role || !d->driver)
			return complain(NULL, "no memory to read %s", r->path);
		if (r->bad || r->info.nr_devices > MAX_DEVICES ||
		    (r->info.nr_devices > 1 && d[-1].device >= d->device))
			return damaged(r, "a device is none");
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
	sqlite3_stmt *s = prepare(r, "SELECT queue, device, number, name, role, driver, type, "
				     "layout, features FROM queue ORDER BY queue");
	struct recorded_queue *all;
	size_t room = 0;
	struct queue *q;
	int more;

	while (s && (more = step(r, s)) > 0) {
		if (r->nr_queues == room) {
			room = room ? 2 * room : 16;
			all = room <= MAX_QUEUES ? realloc(r->queues, room * sizeof(*all)) : NULL;
			if (!all)
				return damaged(r, "there are too many queues");
			r->queues = all;
		}
		q = &r->queues[r->nr_queues++].queue;
		memset(&r->queues[r->nr_queues - 1], 0, sizeof(*all));
		q->serial = number(r, s, 0, UINT_MAX);
		q->device = number(r, s, 1, INT_MAX);
		q->index = number(r, s, 2, UINT_MAX);
		text(r, s, 3, q->name, sizeof(q->name));
		text(r, s, 4, q->role, sizeof(q->role));
		text(r, s, 5, q->driver, sizeof(q->driver));
		q->device_type = number(r, s, 6, UINT_MAX);
		q->layout = number(r, s, 7, VT_NR_LAYOUTS - 1);
		q->features = sqlite3_column_int64(s, 8);
		if (r->bad ||
		    (r->nr_queues > 1 && q[0].serial <= r->queues[r->nr_queues - 2].queue.serial))
			return damaged(r, "a queue is none");
	}
	if (!s || more < 0)
		return -1;
	sqlite3_finalize(s);
	r->order = calloc(r->nr_queues + 1, sizeof(*r->order));
	if (!r->order)
		return complain(NULL, "no memory to read %s", r->path);
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
		*all[i].s = prepare(r, all[i].sql);
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
		cannot_read(r);
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
	while ((more = step(r, s)) > 0) {
		struct queue *q;

		known = queue_of(r, number(r, s, 0, UINT_MAX));
		if (!known || known <= last)
			return damaged(r, "an interval has a queue that is none");
		last = known;
		q = &known->queue;
		known->listed = number(r, s, 1, 1);
		q->num = number(r, s, 2, UINT_MAX);
		q->num_free = number(r, s, 3, UINT_MAX);
		q->gone = number(r, s, 4, 1);
		q->fresh = number(r, s, 5, 1);
		q->broken = number(r, s, 6, 1);
		q->changed = number(r, s, 7, INT64_MAX);
		q->new_doorbells = number(r, s, 9, UINT_MAX);
		if (known->listed &&
		    !decode_doorbells(sqlite3_column_blob(s, 10), sqlite3_column_bytes(s, 10),
				      number(r, s, 8, UINT_MAX), &q->doorbells))
			r->bad = true;
		if (r->bad)
			return damaged(r, "the state of a queue is none");
	}
	return more;
}

static int list_queues(struct recording_reader *r, struct snapshot *diff)
{
	size_t listed = 0;

	for (size_t i = 0; i < r->nr_queues; i++)
		listed += r->queues[i].listed;
	if (listed > MAX_LISTED)
		return damaged(r, "there are too many queues");
	diff->queues = calloc(listed + 1, sizeof(*diff->queues));
	if (!diff->queues) {
		r->ended = true;
		return complain(NULL, "no memory to read %s", r->path);
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
	while ((more = step(r, s)) > 0) {
		unsigned int serial = number(r, s, 0, UINT_MAX);
		unsigned int in_file = number(r, s, 1, NR_FILE_OPS - 1);
		unsigned long key = (unsigned long)serial << VT_OPS_SHIFT | in_file;
		int op = r->op_of[in_file];
		struct queue *q = listed_queue(r, diff, serial);
		struct op_stats *to;

		if (r->bad || !q || key < last || op == OP_NONE || (op >= 0 && q->op[op]))
			return damaged(r, "an interval has an operation of no queue");
		last = key;
		if (op == OP_UNKNOWN)
			continue;
		to = q->op[op] = calloc(1, sizeof(*to));
		if (!to) {
			r->ended = true;
			return complain(NULL, "no memory to read %s", r->path);
		}
		to->count = number(r, s, 2, INT64_MAX);
		to->timed = number(r, s, 3, INT64_MAX);
		to->sum = number(r, s, 4, INT64_MAX);
		to->max = number(r, s, 5, INT64_MAX);
		to->refused = number(r, s, 6, INT64_MAX);
		/* stale and bytes_out share a column, see docs/recording.md. */
		if (op == VT_OP_NOTIFICATION_DATA)
			to->stale = number(r, s, 7, INT64_MAX);
		else
			to->bytes_out = number(r, s, 7, INT64_MAX);
		to->bytes_in = number(r, s, 8, INT64_MAX);
		if (r->bad || sqlite3_column_type(s, 9) != SQLITE_BLOB ||
		    !decode_histogram(sqlite3_column_blob(s, 9), sqlite3_column_bytes(s, 9),
				      to->timed, &to->histogram))
			return damaged(r, "what was counted does not agree with itself");
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
	more = step(r, s);
	r->no_more_intervals = !more;
	if (more <= 0)
		return more;
	r->interval = number(r, s, 0, INT64_MAX);
	diff->time = number(r, s, 1, INT64_MAX);
	diff->since = number(r, s, 2, INT64_MAX);
	diff->lost = number(r, s, 3, INT64_MAX);
	diff->cpu = real(r, s, 4);
	diff->probe_ns = real(r, s, 5);
	/* String constants, because a snapshot does not own this string. */
	diff->how = strcmp(r->info.attached, "functions") ? "tracepoints" : "functions";
	diff->unavailable = r->unavailable;
	diff->no_bytes_out = r->no_bytes_out;
	if (r->bad || r->interval <= before || diff->time < r->time)
		more = damaged(r, "an interval is none");
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
	int length, more = r->no_more_blocks ? 0 : step(r, s);
	size_t n;

	r->no_more_blocks = !more;
	if (more <= 0)
		return more;
	first = number(r, s, 0, INT64_MAX);
	last = number(r, s, 1, INT64_MAX);
	n = number(r, s, 2, EVENTS_PER_BLOCK);
	data = sqlite3_column_blob(s, 3);
	length = sqlite3_column_bytes(s, 3);
	size = data ? ZSTD_getFrameContentSize(data, length) : 0;
	if (r->bad || !n || first < r->last_event || size > MAX_BLOB)
		return damaged(r, "a block of events is none");
	if (!r->events)
		r->events = calloc(EVENTS_PER_BLOCK, sizeof(*r->events));
	unpacked = malloc(size + 1);
	if (!r->events || !unpacked) {
		free(unpacked);
		r->ended = true;
		return complain(NULL, "no memory to read %s", r->path);
	}
	if (ZSTD_decompress(unpacked, size, data, length) != size ||
	    !decode_events(unpacked, size, r->events, n, first) || r->events[n - 1].time != last)
		more = damaged(r, "a block of events cannot be unpacked");
	free(unpacked);
	r->nr_events = n;
	r->next_event = 0;
	if (more > 0 && !name_events(r))
		more = damaged(r, "an event is of no operation");
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
