// SPDX-License-Identifier: GPL-2.0
/* Recordings: what is written is read again, after a crash too; and files that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>
#include "recording/encode.h"
#include "recording/reader.h"
#include "recording/writer.h"

#define QUEUES	  6
#define INTERVALS 40
#define EVENTS	  25000

/* In memory, if it can be: thousands of files are written. */
static char in_memory[] = "/dev/shm/test_recording.XXXXXX", in_tmp[] = "/tmp/test_recording.XXXXXX";
static const char *dir;
static char path[64], journal[80], other[64], said_path[64];

/* --- What SQLite calls: it may fail, or kill the process in the middle --- */

static int writes_left = -1; /* until the process is killed; -1: never */
static uint64_t passed;	     /* ns that the clock is ahead, so that transactions end */

static void maybe_die(int fd, const void *data, size_t size, off_t offset)
{
	if (writes_left < 0 || writes_left--)
		return;
	/* A part of it gets there. */
	if (data)
		syscall(SYS_pwrite64, fd, data, size / 2, offset);
	raise(SIGKILL);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
	maybe_die(fd, data, size, offset);
	return syscall(SYS_pwrite64, fd, data, size, offset);
}

int fdatasync(int fd)
{
	/* The kernel lives on, so nothing more is to be done. */
	maybe_die(fd, NULL, 0, 0);
	return 0;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	long err = syscall(SYS_clock_gettime, clock, t);

	t->tv_sec += passed / 1000000000;
	return err;
}

/* --- What is recorded: the same each time --- */

static uint64_t state;

/* A process that frees little memory late is forked faster, and that is done hundreds of times. */
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=8";
}

static uint64_t chance(uint64_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (state >> 33) % below;
}

static void make_op(struct op_stats *s, enum vt_op op)
{
	s->count = 1 + chance(1000);
	for (uint64_t i = 0; i < s->count; i++) {
		uint64_t ns = 100 + (chance(1000) << chance(20));

		if (!chance(10))
			continue;
		s->timed++;
		s->sum += ns;
		if (ns > s->max)
			s->max = ns;
		histogram_put(&s->histogram, histogram_bucket(ns), 1);
	}
	s->refused = chance(s->count);
	s->bytes_out = chance(2) * chance(1 << 30);
	if (op == VT_OP_NOTIFICATION_DATA) {
		s->stale = s->bytes_out;
		s->bytes_out = 0;
	}
	s->bytes_in = chance(2) * (chance(1 << 30) << 20);
}

static void make_doorbells(struct queue *q)
{
	unsigned int more = chance(3) ? chance(5) : chance(100);

	q->new_doorbells = more;
	while (more--) {
		struct vt_doorbell *bell = &q->doorbells.last[q->doorbells.sent % VT_NR_DOORBELLS];

		bell->value = chance(1ull << 32);
		bell->ring = bell->value + (chance(8) ? 0 : chance(100));
		bell->buffers = chance(300);
		bell->number = ++q->doorbells.sent;
	}
}

/* The interval of a number, in which there are other queues than in the one before. */
static void make_interval(struct snapshot *diff, int number)
{
	static struct queue queues[QUEUES + INTERVALS];
	int first = number / 8;

	state = number;
	memset(diff, 0, sizeof(*diff));
	diff->time = (number + 1) * 1000000000ull + chance(1000);
	diff->since = 1000000000 + chance(1000);
	diff->lost = chance(3);
	diff->cpu = chance(1000) / 1e4;
	diff->probe_ns = number < 3 ? 0 : 123.25;
	diff->how = "functions";
	diff->unavailable = 1u << VT_OP_FREE | 1u << VT_OP_INIT_LAST_USED;
	diff->no_bytes_out = true;
	diff->clock_step = 4000073;
	diff->nr_queues = QUEUES;
	diff->queues = calloc(QUEUES, sizeof(*diff->queues));
	assert_non_null(diff->queues);
	if (!number)
		memset(queues, 0, sizeof(queues));
	for (int i = 0; i < QUEUES; i++) {
		struct queue *q = &queues[first + i];

		q->serial = first + i + 1;
		q->device = (first + i) / 3;
		q->index = (first + i) % 3;
		q->device_type = 2;
		q->layout = q->device % VT_NR_LAYOUTS;
		q->features = 1ull << 63 | 1ull << 38 | 1ull << 32;
		snprintf(q->name, sizeof(q->name), "req.%d \\x1b", q->index);
		snprintf(q->role, sizeof(q->role), "vd%c", 'a' + q->device);
		snprintf(q->driver, sizeof(q->driver), "virtio_blk");
		q->num = 256;
		if (chance(2))
			q->num_free = chance(256);
		q->broken = !chance(50);
		q->gone = i == 0 && number % 8 == 7;
		q->fresh = i == QUEUES - 1 && number % 8 < 3 && number > 8;
		if (q->gone)
			q->changed = diff->time - 5;
		q->new_doorbells = 0;
		if (i == 2)
			make_doorbells(q);
		diff->queues[i] = *q;
		for (int op = 0; op < VT_NR_COUNTED; op++) {
			if (chance(3))
				continue;
			diff->queues[i].op[op] = calloc(1, sizeof(struct op_stats));
			assert_non_null(diff->queues[i].op[op]);
			make_op(diff->queues[i].op[op], op);
		}
	}
}

static struct recording_event make_event(int number)
{
	struct recording_event e = { .time = 1000 + number * 777ull };

	state = number;
	e.duration = chance(10) ? chance(1ull << 31) << chance(10) : RECORDING_UNTIMED;
	e.serial = 1 + chance(QUEUES);
	e.cpu = chance(8);
	e.op = chance(VT_NR_OPS);
	e.result = chance(2) ? (int64_t)chance(1ull << 32) : -(int64_t)chance(200);
	return e;
}

static const struct recording_info info = {
	.tool_version = "0.1",
	.kernel_release = "6.12.1",
	.kernel_version = "#1 SMP",
	.machine = "x86_64",
	.config_hash = "crc32:0123abcd",
	.cmdline = "root=/dev/vda quiet",
	.cpu = "A CPU",
	.clocksource = "tsc",
	.patch_level = "none",
	.attached = "functions",
	.command = "fio --name 'a b'",
	.nr_cpus = 4,
	.exit_status = -1,
	.started = 1764000000123456789ull,
	.interval = 1000000000,
	.has_events = true,
	.probe_ns = 12.5,
};

static struct recording_writer *create(void)
{
	struct recording_writer *r;

	unlink(path);
	unlink(journal);
	r = recording_create(path, &info);
	assert_non_null(r);
	return r;
}

static void write_intervals(struct recording_writer *r, int from, int to)
{
	for (int i = from; i < to; i++) {
		struct snapshot diff;

		make_interval(&diff, i);
		assert_int_equal(recording_write(r, &diff), 0);
		snapshot_free(&diff);
	}
}

static void write_events(struct recording_writer *r, int n)
{
	struct recording_event *e = calloc(n, sizeof(*e));

	assert_non_null(e);
	for (int i = 0; i < n; i++)
		e[i] = make_event(i);
	assert_int_equal(recording_write_events(r, e, n), 0);
	free(e);
}

static void finish(struct recording_writer *r)
{
	const struct recording_info end = {
		.exit_status = 143,
		.events_dropped = 7,
		.cost_cpu_ns = 12345678,
		.probe_ns = 99.5,
		.queues_not_shown = 37,
	};

	assert_int_equal(recording_finish(r, &end), 0);
	recording_writer_close(r);
}

/* A whole recording in the file. */
static void record(void)
{
	struct recording_writer *r = create();

	write_intervals(r, 0, INTERVALS);
	write_events(r, EVENTS);
	finish(r);
}

/* --- */

static void same_snapshot(const struct snapshot *a, const struct snapshot *b)
{
	assert_int_equal(a->time, b->time);
	assert_int_equal(a->since, b->since);
	assert_int_equal(a->lost, b->lost);
	assert_true(a->cpu == b->cpu);
	assert_true(a->probe_ns == b->probe_ns);
	assert_string_equal(a->how, b->how);
	assert_int_equal(a->unavailable, b->unavailable);
	assert_int_equal(a->no_bytes_out, b->no_bytes_out);
	assert_int_equal(a->clock_step, b->clock_step);
	assert_int_equal(a->nr_queues, b->nr_queues);
	for (size_t i = 0; i < a->nr_queues; i++) {
		struct queue x = a->queues[i], y = b->queues[i];

		for (int op = 0; op < VT_NR_COUNTED; op++) {
			assert_int_equal(!x.op[op], !y.op[op]);
			if (x.op[op])
				assert_memory_equal(x.op[op], y.op[op], sizeof(*x.op[op]));
			x.op[op] = y.op[op] = NULL;
		}
		assert_int_equal(x.serial, y.serial);
		assert_int_equal(x.gone, y.gone);
		assert_int_equal(x.fresh, y.fresh);
		assert_int_equal(x.broken, y.broken);
		assert_int_equal(x.changed, y.changed);
		assert_int_equal(x.device, y.device);
		assert_int_equal(x.device_type, y.device_type);
		assert_int_equal(x.index, y.index);
		assert_int_equal(x.num, y.num);
		assert_int_equal(x.num_free, y.num_free);
		assert_int_equal(x.layout, y.layout);
		assert_int_equal(x.features, y.features);
		assert_int_equal(x.new_doorbells, y.new_doorbells);
		assert_memory_equal(&x.doorbells, &y.doorbells, sizeof(x.doorbells));
		assert_string_equal(x.name, y.name);
		assert_string_equal(x.driver, y.driver);
		assert_string_equal(x.role, y.role);
	}
}

/* Reads all intervals and compares them. Returns how many there are. */
static int compare_intervals(struct recording_reader *r)
{
	struct snapshot expected, diff;
	int n = 0, more;

	while ((more = recording_next(r, &diff)) > 0) {
		make_interval(&expected, n++);
		same_snapshot(&diff, &expected);
		snapshot_free(&diff);
		snapshot_free(&expected);
	}
	assert_int_equal(more, 0);
	return n;
}

static int compare_events(struct recording_reader *r)
{
	struct recording_event e, expected;
	int n = 0, more;

	while ((more = recording_next_event(r, &e)) > 0) {
		expected = make_event(n++);
		assert_int_equal(e.time, expected.time);
		assert_int_equal(e.duration, expected.duration);
		assert_int_equal(e.serial, expected.serial);
		assert_int_equal(e.cpu, expected.cpu);
		assert_int_equal(e.op, expected.op);
		assert_int_equal(e.result, expected.result);
	}
	assert_int_equal(more, 0);
	return n;
}

static void what_is_written_is_read(void **unused)
{
	const struct recording_info *i;
	struct recording_reader *r;

	(void)unused;
	record();
	assert_int_equal(access(journal, F_OK), -1);
	r = recording_open(path);
	assert_non_null(r);
	i = recording_info(r);
	assert_string_equal(i->path, path);
	assert_string_equal(i->tool_version, info.tool_version);
	assert_string_equal(i->kernel_release, info.kernel_release);
	assert_string_equal(i->kernel_version, info.kernel_version);
	assert_string_equal(i->machine, info.machine);
	assert_string_equal(i->config_hash, info.config_hash);
	assert_string_equal(i->cmdline, info.cmdline);
	assert_string_equal(i->cpu, info.cpu);
	assert_string_equal(i->clocksource, info.clocksource);
	assert_string_equal(i->patch_level, info.patch_level);
	assert_string_equal(i->attached, info.attached);
	assert_string_equal(i->command, info.command);
	assert_int_equal(i->nr_cpus, 4);
	assert_int_equal(i->exit_status, 143);
	assert_int_equal(i->started, info.started);
	assert_int_equal(i->interval, info.interval);
	assert_true(i->finished);
	assert_true(i->has_events);
	assert_int_equal(i->events, EVENTS);
	assert_int_equal(i->events_dropped, 7);
	assert_int_equal(i->cost_cpu_ns, 12345678);
	assert_true(i->probe_ns == 99.5);
	assert_int_equal(i->queues_not_shown, 37);
	assert_int_equal(i->nr_devices, 4);
	assert_int_equal(i->devices[2].device, 2);
	assert_int_equal(i->devices[2].type, 2);
	assert_true(i->devices[2].features >> 63 & 1);
	assert_string_equal(i->devices[2].role, "vdc");
	assert_string_equal(i->devices[2].driver, "virtio_blk");
	for (int time = 0; time < 2; time++) {
		assert_int_equal(compare_intervals(r), INTERVALS);
		assert_int_equal(compare_events(r), EVENTS);
		recording_rewind(r);
	}
	recording_reader_close(r);
}

static void one_that_was_not_ended_says_so(void **unused)
{
	struct recording_writer *w = create();
	struct recording_reader *r;

	(void)unused;
	write_intervals(w, 0, 3);
	recording_writer_close(w);
	r = recording_open(path);
	assert_non_null(r);
	assert_false(recording_info(r)->finished);
	assert_int_equal(recording_info(r)->exit_status, -1);
	assert_int_equal(compare_intervals(r), 3);
	recording_reader_close(r);
}

static void names_are_printable(void **unused)
{
	struct recording_info evil = info;
	struct recording_writer *w;
	struct recording_reader *r;

	(void)unused;
	evil.cmdline = "a\033[2Jb";
	unlink(path);
	w = recording_create(path, &evil);
	assert_non_null(w);
	recording_writer_close(w);
	r = recording_open(path);
	assert_non_null(r);
	assert_string_equal(recording_info(r)->cmdline, "a\\x1b[2Jb");
	recording_reader_close(r);
}

/* --- The process is killed at each of its writes, which is then half there --- */

static void integrity(void)
{
	sqlite3 *db;
	sqlite3_stmt *s;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_string_equal(sqlite3_column_text(s, 0), "ok");
	sqlite3_finalize(s);
	sqlite3_close(db);
}

static void nothing_is_lost_when_it_is_killed(void **unused)
{
	int killed = 1, die_at, done[2], undone = 0;

	(void)unused;
	for (die_at = 0; killed; die_at++) {
		unsigned char committed = 0;
		struct recording_reader *r;
		struct recording_writer *w;
		int status;
		pid_t pid;

		assert_int_equal(pipe(done), 0);
		pid = fork();
		if (!pid) {
			w = create();
			writes_left = die_at;
			for (int i = 0; i < 3; i++) {
				passed += 1000000000;
				write_events(w, 100);
				write_intervals(w, i, i + 1);
				if (write(done[1], "", 1) != 1)
					_exit(1);
			}
			_exit(0);
		}
		close(done[1]);
		while (read(done[0], &status, 1) == 1)
			committed++;
		close(done[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		killed = WIFSIGNALED(status);
		if (!killed)
			assert_int_equal(status, 0);
		/* Every second time SQLite itself undoes what was not whole. */
		if (die_at % 2) {
			sqlite3 *db;

			assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
			sqlite3_exec(db, "SELECT * FROM info", NULL, NULL, NULL);
			sqlite3_close(db);
		} else {
			char first = 0;
			int fd = open(journal, O_RDONLY);

			undone += fd >= 0 && read(fd, &first, 1) == 1 && first;
			if (fd >= 0)
				close(fd);
		}
		r = recording_open(path);
		assert_non_null(r);
		assert_false(recording_info(r)->finished);
		assert_in_range(compare_intervals(r), committed, committed + 1);
		recording_reader_close(r);
		integrity();
	}
	/* It was often enough, and in the middle of a transaction. */
	assert_in_range(die_at, 40, 1000);
	assert_in_range(undone, 10, 1000);
}

/* --- Files that are not as they should be --- */

static int stderr_before;

static void listen(void)
{
	int fd = open(said_path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	fflush(stderr);
	stderr_before = dup(2);
	dup2(fd, 2);
	close(fd);
}

/* What was printed since listen(). */
static const char *said(void)
{
	static char text[2000];
	int fd;
	ssize_t n;

	fflush(stderr);
	dup2(stderr_before, 2);
	close(stderr_before);
	fd = open(said_path, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void refused(const char *why)
{
	struct recording_reader *r;
	const char *text;

	listen();
	r = recording_open(path);
	text = said();
	if (r || !strstr(text, why))
		fprintf(stderr, "expected '%s', got '%s'\n", why, text);
	assert_null(r);
	assert_non_null(strstr(text, why));
	assert_non_null(strstr(text, "vringtop: "));
}

static void sql(const char *statements)
{
	sqlite3 *db;
	char *error = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_exec(db, statements, NULL, NULL, &error);
	if (error)
		fprintf(stderr, "%s: %s\n", statements, error);
	assert_null(error);
	sqlite3_close(db);
}

static void spoilt(const char *statements, const char *why)
{
	record();
	sql(statements);
	refused(why);
}

static void what_is_no_recording_is_refused(void **unused)
{
	FILE *f;

	(void)unused;
	unlink(path);
	refused("No such file");
	f = fopen(path, "w");
	assert_non_null(f);
	refused("is empty");
	for (int i = 0; i < 200; i++)
		fprintf(f, "This is text. ");
	fclose(f);
	refused("is not a recording");
	unlink(path);
	sql("CREATE TABLE a(b); INSERT INTO a VALUES(1)");
	refused("is a SQLite database, but not a recording");
	sql("PRAGMA application_id=0x56544f50; PRAGMA user_version=1");
	refused("'a' is not as vringtop writes it");
	spoilt("PRAGMA user_version=7", "a recording of format 7, newer than 1");
	spoilt("CREATE TRIGGER t AFTER INSERT ON info BEGIN DELETE FROM op; END",
	       "has a trigger, 't'");
	spoilt("CREATE VIEW v AS SELECT * FROM info", "has a view, 'v'");
	spoilt("DROP TABLE info; CREATE VIEW info AS SELECT 'x' AS key, 1 AS value",
	       "has a view, 'info'");
	spoilt("CREATE VIRTUAL TABLE x USING fts5(a)", "'x' is not as vringtop writes it");
	spoilt("ALTER TABLE op ADD COLUMN extra INTEGER DEFAULT 7", "'op' is not as vringtop");
	spoilt("CREATE INDEX i ON op(count)", "'i' is not as vringtop writes it");
	spoilt("DROP TABLE queue", "tables are missing");
	spoilt("DELETE FROM info WHERE key='started'", "does not say where it was made");
	spoilt("UPDATE info SET value='soon' WHERE key='started'", "does not say where");
	spoilt("UPDATE operation SET name='add' WHERE op=1", "names of operations make no sense");
	spoilt("INSERT INTO operation VALUES(32,'wink',NULL)", "names of operations make no sense");
	spoilt("UPDATE queue SET layout=4 WHERE queue=3", "a queue is none");
	spoilt("PRAGMA journal_mode=WAL", "write-ahead log");
	spoilt("PRAGMA writable_schema=ON; UPDATE sqlite_master SET sql='CREATE VIEW info AS "
	       "SELECT load_extension(''x'') AS key, 2 AS value', type='view' WHERE name='info'",
	       "malformed database schema (info)");
}

/* --- Numbers of operations --- */

/*
 * The operations of a recording, by the numbers that they have today. Recordings are read by these
 * names: none may change or go. A number may change, and then changes here.
 */
static const char *const operations[] = {
	"add",
	"get",
	"kick_prepare",
	"notify",
	"notification_data",
	"disable_cb",
	"enable_cb_prepare",
	"enable_cb_delayed",
	"poll",
	"more_used",
	"detach_unused_buf",
	"resize",
	"reset",
	"init_last_used",
	"vring_size",
	"desc_addr",
	"avail_addr",
	"used_addr",
	"free",
	"avail_to_used",
	"interrupt",
	"queued",
	"doorbell",
	"device",
	"wakeup",
	"buffers_per_doorbell",
	"buffers_per_interrupt",
};

/* A number that is the answer to a query of the file @file. */
static long long query(const char *file, const char *sql)
{
	long long number;
	sqlite3_stmt *s;
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	number = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return number;
}

static void operations_keep_their_names(void **unused)
{
	size_t nr = sizeof(operations) / sizeof(*operations);
	char sql[128];

	(void)unused;
	record();
	assert_int_equal(query(path, "SELECT count(*) FROM operation"), VT_NR_COUNTED);
	for (size_t op = 0; op < nr; op++) {
		assert_int_equal(op_by_name(operations[op]), op);
		snprintf(sql, sizeof(sql), "SELECT op FROM operation WHERE name='%s'",
			 operations[op]);
		assert_int_equal(query(path, sql), op);
	}
}

/* The numbers of the kernel, and the bounds of buckets, are part of the format. */
static void layouts_and_buckets_keep_their_numbers(void **unused)
{
	static const char *const layouts[] = { "split", "packed", "split-in-order",
					       "packed-in-order" };
	char sql[128];

	(void)unused;
	record();
	for (int i = 0; i < 4; i++) {
		snprintf(sql, sizeof(sql), "SELECT layout FROM layout WHERE name='%s'", layouts[i]);
		assert_int_equal(query(path, sql), i);
	}
	assert_int_equal(query(path, "SELECT count(*) FROM bucket"), 496);
	assert_int_equal(query(path, "SELECT lower FROM bucket WHERE bucket=31"), 31);
	assert_int_equal(query(path, "SELECT lower FROM bucket WHERE bucket=33"), 34);
	assert_int_equal(query(path, "SELECT lower FROM bucket WHERE bucket=160"), 16 << 9);
	assert_int_equal(query(path, "SELECT lower FROM bucket WHERE bucket=495"),
			 (1ll << 34) - (1ll << 29));
}

/* Reads all of a recording in which number @a has the name of @b, and @b the name of @a. */
static void compare_with_names_exchanged(int a, int b)
{
	struct recording_reader *r = recording_open(path);
	struct recording_event e, expected_event;
	struct snapshot diff, expected;
	int n = 0;

	assert_non_null(r);
	assert_int_equal(recording_info(r)->unknown_ops, 0);
	for (; recording_next(r, &diff) > 0; n++) {
		make_interval(&expected, n);
		for (size_t i = 0; i < expected.nr_queues; i++) {
			struct op_stats *swap = expected.queues[i].op[a];

			expected.queues[i].op[a] = expected.queues[i].op[b];
			expected.queues[i].op[b] = swap;
		}
		if (expected.unavailable >> b & 1)
			expected.unavailable ^= 1u << a | 1u << b;
		same_snapshot(&diff, &expected);
		snapshot_free(&diff);
		snapshot_free(&expected);
	}
	assert_int_equal(n, INTERVALS);
	for (n = 0; recording_next_event(r, &e) > 0; n++) {
		expected_event = make_event(n);
		if (expected_event.op == (enum vt_op)a)
			expected_event.op = b;
		else if (expected_event.op == (enum vt_op)b)
			expected_event.op = a;
		assert_int_equal(e.op, expected_event.op);
		assert_int_equal(e.time, expected_event.time);
	}
	assert_int_equal(n, EVENTS);
	recording_reader_close(r);
}

/* As another version of vringtop writes it, in which add is number 18 and free is number 0. */
static void operations_are_read_by_their_names(void **unused)
{
	(void)unused;
	record();
	sql("UPDATE operation SET name=CASE op WHEN 0 THEN 'free' ELSE 'add' END WHERE op IN (0, "
	    "18)");
	compare_with_names_exchanged(VT_OP_ADD, VT_OP_FREE);
}

/* As a newer vringtop writes it, that measures more. */
static void unknown_operations_are_left_out_and_said(void **unused)
{
	struct recording_event e, expected_event;
	struct snapshot diff, expected;
	struct recording_reader *r;
	const char *text;
	int n = 0, next = 0;

	(void)unused;
	record();
	sql("UPDATE operation SET name='steal' WHERE op=3; INSERT INTO operation VALUES(30,'wink',"
	    "NULL)");
	listen();
	r = recording_open(path);
	text = said();
	assert_non_null(r);
	assert_non_null(strstr(text, "2 operations that "));
	assert_non_null(strstr(text, "steal, wink"));
	assert_int_equal(recording_info(r)->unknown_ops, 2);
	for (; recording_next(r, &diff) > 0; n++) {
		make_interval(&expected, n);
		for (size_t i = 0; i < expected.nr_queues; i++) {
			free(expected.queues[i].op[VT_OP_NOTIFY]);
			expected.queues[i].op[VT_OP_NOTIFY] = NULL;
		}
		same_snapshot(&diff, &expected);
		snapshot_free(&diff);
		snapshot_free(&expected);
	}
	assert_int_equal(n, INTERVALS);
	for (n = 0; recording_next_event(r, &e) > 0; n++) {
		do
			expected_event = make_event(next++);
		while (expected_event.op == VT_OP_NOTIFY);
		assert_int_equal(e.time, expected_event.time);
		assert_int_equal(e.op, expected_event.op);
	}
	/* Some were left out, but not all. */
	assert_in_range(n, EVENTS / 2, EVENTS - EVENTS / 50);
	recording_reader_close(r);
}

/* tests/format-1.vt was made by the first version that wrote format 1. Its truth is in SQL. */
static void recordings_of_before_are_read(void **unused)
{
	static const char file[] = "tests/format-1.vt";
	uint64_t counts[VT_NR_COUNTED] = {}, sums[VT_NR_COUNTED] = {};
	struct recording_reader *r = recording_open(file);
	struct snapshot diff;
	int intervals = 0;
	char sql[256];

	(void)unused;
	assert_non_null(r);
	assert_int_equal(recording_info(r)->unknown_ops, 0);
	while (recording_next(r, &diff) > 0) {
		intervals++;
		for (size_t i = 0; i < diff.nr_queues; i++) {
			for (int op = 0; op < VT_NR_COUNTED; op++) {
				const struct op_stats *o = diff.queues[i].op[op];

				counts[op] += o ? o->count : 0;
				sums[op] += o ? o->sum : 0;
			}
		}
		snapshot_free(&diff);
	}
	recording_reader_close(r);
	assert_int_equal(intervals, query(file, "SELECT count(*) FROM interval"));
	assert_true(counts[VT_OP_ADD] > 0);
	for (size_t op = 0; op < sizeof(operations) / sizeof(*operations); op++) {
		snprintf(sql, sizeof(sql),
			 "SELECT sum(count) FROM op JOIN operation USING (op) WHERE name='%s'",
			 operations[op]);
		assert_int_equal(counts[op_by_name(operations[op])], query(file, sql));
		snprintf(sql, sizeof(sql),
			 "SELECT sum(sum) FROM op JOIN operation USING (op) WHERE name='%s'",
			 operations[op]);
		assert_int_equal(sums[op_by_name(operations[op])], query(file, sql));
	}
}

static void links_are_not_followed(void **unused)
{
	char directory[80], inside[100];
	struct recording_writer *w;
	const char *text;

	(void)unused;
	unlink(path);
	unlink(other);
	assert_int_equal(symlink(other, path), 0);
	listen();
	w = recording_create(path, &info);
	text = said();
	assert_null(w);
	assert_non_null(strstr(text, "is a symbolic link"));
	assert_int_equal(access(other, F_OK), -1);
	unlink(path);
	/* A directory may be one: /var/run is. */
	snprintf(directory, sizeof(directory), "%s/link", dir);
	snprintf(inside, sizeof(inside), "%s/rec", directory);
	assert_int_equal(symlink(dir, directory), 0);
	w = recording_create(inside, &info);
	assert_non_null(w);
	recording_writer_close(w);
	assert_int_equal(access(path, F_OK), 0);
	unlink(directory);
}

/*
 * Two rows of a table with one number. SQL cannot write that, so the test writes the bytes: a page
 * with rows is a byte 0x0d, the number of rows at 3, and from 8 on the offset of each row, which
 * begins with its length and its number (www.sqlite.org/fileformat2.html, section 1.6).
 */
static void two_queues_with_one_number(void **unused)
{
	unsigned char page[65536], *first, *second;
	int fd, root = 0, size = 0;
	sqlite3_stmt *s;
	sqlite3 *db;

	(void)unused;
	record();
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT rootpage, (SELECT page_size FROM "
					    "pragma_page_size) FROM sqlite_master "
					    "WHERE name='queue'",
					    -1, &s, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	root = sqlite3_column_int(s, 0);
	size = sqlite3_column_int(s, 1);
	sqlite3_finalize(s);
	sqlite3_close(db);
	assert_in_range(size, 512, sizeof(page));
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, page, size, (off_t)(root - 1) * size), size);
	assert_int_equal(page[0], 0x0d);
	assert_true(page[3] || page[4] > 1);
	first = page + (page[8] << 8 | page[9]);
	second = page + (page[10] << 8 | page[11]);
	/* Lengths and numbers below 128 have one byte each. */
	assert_true(first[0] < 128 && first[1] < 128 && second[0] < 128 && second[1] < 128);
	assert_true(first[1] < second[1]);
	second[1] = first[1];
	assert_int_equal(pwrite(fd, page, size, (off_t)(root - 1) * size), size);
	close(fd);
	refused("a queue is none");
}

/* A row that cannot be is met when it is read; what is before it, is read. */
static void what_cannot_be_ends_it(void **unused)
{
	static const struct {
		const char *sql, *why;
	} all[] = {
		{ "UPDATE op SET count=-1 WHERE interval=9", "not agree with itself" },
		{ "UPDATE op SET timed=timed+1 WHERE interval=9", "not agree with itself" },
		{ "UPDATE op SET hist=x'ff' WHERE interval=9", "not agree with itself" },
		{ "UPDATE op SET hist=zeroblob(500) WHERE interval=9", "not agree with itself" },
		{ "INSERT INTO op SELECT 9,999999,2,1,1,1,1,1,1,1,hist FROM op LIMIT 1",
		  "operation of no queue" },
		{ "INSERT INTO op SELECT 9,queue,27,1,1,1,1,1,1,1,hist FROM op WHERE interval=9 "
		  "LIMIT 1",
		  "operation of no queue" },
		{ "INSERT INTO op SELECT 9,queue,32,1,1,1,1,1,1,1,hist FROM op WHERE interval=9 "
		  "LIMIT 1",
		  "operation of no queue" },
		{ "UPDATE interval SET time=5 WHERE interval=9", "an interval is none" },
		{ "UPDATE state SET doorbells=doorbells+1 WHERE interval=9", "state of a queue" },
		{ "INSERT OR REPLACE INTO state SELECT 9,99999,1,1,1,0,0,0,0,0,0,x''",
		  "queue that is none" },
	};
	struct snapshot diff;
	struct recording_reader *r;

	(void)unused;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		int n = 0, more;
		const char *text;

		record();
		sql(all[i].sql);
		listen();
		r = recording_open(path);
		while (r && (more = recording_next(r, &diff)) > 0) {
			snapshot_free(&diff);
			n++;
		}
		text = said();
		assert_non_null(r);
		if (!strstr(text, all[i].why))
			fprintf(stderr, "%s: %s\n", all[i].sql, text);
		assert_non_null(strstr(text, all[i].why));
		assert_int_equal(more, -1);
		assert_int_equal(n, 8);
		recording_reader_close(r);
	}
}

/* A journal that names another file must not have that one deleted. */
static void no_other_file_is_deleted(void **unused)
{
	static const uint8_t magic[] = { 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7 };
	uint32_t sum = 0;
	char head[512] = {};
	FILE *f;

	(void)unused;
	record();
	f = fopen(other, "w");
	assert_non_null(f);
	fputs("precious", f);
	fclose(f);
	f = fopen(journal, "w");
	assert_non_null(f);
	memcpy(head, magic, 8);
	head[22] = 2;	 /* sectors of 512 bytes */
	head[26] = 0x10; /* pages of 4096 */
	fwrite(head, 1, 512, f);
	fwrite("\0\0\0\0", 1, 4, f);
	fwrite(other, 1, strlen(other), f);
	for (size_t i = 0; i < strlen(other); i++)
		sum += other[i];
	fprintf(f, "%c%c%c%c%c%c%c%c", 0, 0, 0, (int)strlen(other), 0, 0, sum >> 8, sum & 0xff);
	fwrite(magic, 1, 8, f);
	fclose(f);
	refused("is not the journal of a recording");
	assert_int_equal(access(other, F_OK), 0);
	unlink(journal);
}

/* Reads all there is. Returns 1 if there was no error, 0 if there was one, which was told. */
static int read_all(int *intervals)
{
	struct recording_reader *r;
	struct recording_event e;
	struct snapshot diff;
	const char *text;
	int more = -1;

	*intervals = 0;
	listen();
	alarm(30); /* no file takes so long, so it would never end */
	r = recording_open(path);
	while (r && (more = recording_next(r, &diff)) > 0) {
		++*intervals;
		snapshot_free(&diff);
	}
	while (r && !more && (more = recording_next_event(r, &e)) > 0)
		more = 0;
	alarm(0);
	recording_reader_close(r);
	if (more) {
		assert_non_null(strstr(said(), "vringtop: "));
		return 0;
	}
	/* A letter of an operation's name may be what is damaged. */
	text = said();
	if (!strstr(text, "does not know and leaves out"))
		assert_string_equal(text, "");
	return 1;
}

static void damage_is_met_with_words(void **unused)
{
	int whole = 0, part = 0, intervals;
	uint8_t *original;
	long size;
	FILE *f;

	(void)unused;
	record();
	f = fopen(path, "r");
	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	original = malloc(size);
	assert_non_null(original);
	assert_int_equal(fread(original, 1, size, f), size);
	fclose(f);
	state = 42;
	for (int i = 0; i < 400; i++) {
		bool cut = i % 5 == 0;

		f = fopen(path, "w");
		assert_non_null(f);
		if (cut) {
			fwrite(original, 1, chance(size), f);
		} else {
			fwrite(original, 1, size, f);
			for (uint64_t n = 1 + chance(1 + i % 8); n; n--) {
				/* Where pages begin, more depends on a byte. */
				long at = chance(3) ? (long)chance(size)
						    : (long)(chance(size) & ~4095ull) +
							      (long)chance(100);

				fseek(f, at < size ? at : 0, SEEK_SET);
				fputc(chance(256), f);
			}
		}
		fclose(f);
		if (read_all(&intervals))
			whole++;
		else if (intervals)
			part++;
		if (cut)
			assert_int_equal(intervals, 0);
	}
	free(original);
	/* Not every byte matters; nor is every file lost. */
	assert_in_range(whole, 1, 319);
	assert_in_range(part, 20, 319);
}

static void clean_up(void)
{
	unlink(path);
	unlink(journal);
	unlink(other);
	unlink(said_path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(one_that_was_not_ended_says_so),
		cmocka_unit_test(names_are_printable),
		cmocka_unit_test(nothing_is_lost_when_it_is_killed),
		cmocka_unit_test(what_is_no_recording_is_refused),
		cmocka_unit_test(operations_keep_their_names),
		cmocka_unit_test(layouts_and_buckets_keep_their_numbers),
		cmocka_unit_test(operations_are_read_by_their_names),
		cmocka_unit_test(unknown_operations_are_left_out_and_said),
		cmocka_unit_test(recordings_of_before_are_read),
		cmocka_unit_test(links_are_not_followed),
		cmocka_unit_test(two_queues_with_one_number),
		cmocka_unit_test(what_cannot_be_ends_it),
		cmocka_unit_test(no_other_file_is_deleted),
		cmocka_unit_test(damage_is_met_with_words),
	};

	dir = mkdtemp(in_memory) ?: mkdtemp(in_tmp);
	if (!dir)
		return 1;
	snprintf(path, sizeof(path), "%s/rec", dir);
	snprintf(journal, sizeof(journal), "%s-journal", path);
	snprintf(other, sizeof(other), "%s/other", dir);
	snprintf(said_path, sizeof(said_path), "%s/said", dir);
	atexit(clean_up);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
