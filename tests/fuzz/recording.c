// SPDX-License-Identifier: GPL-2.0
/*
 * Recordings that were damaged, or changed by someone who knows SQLite: they are refused, or what
 * is read of them is what the rest of the tool may rely on. One form of report is made of each.
 * Input: how a good recording is changed, and which form, a byte (enum change, forms), then
 * its bytes: 3 bytes for the place, 1 for the value, as often as there are;
 * its values: the table, the column, the row, the type, and up to a byte 0xff the value.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>
#include <json-c/json.h>
#include "recording/reader.h"
#include "recording/writer.h"
#include "verbs/verbs.h"
#include "fuzz.h"

enum change {
	BYTES = 0,
	VALUES = 1,
	CUT = 2, /* as well: 3 bytes for its length come first */
};

static char dir[] = "/dev/shm/vringtop-fuzz.XXXXXX", path[64];
static uint8_t *good; /* a recording without fault */
static size_t good_size;

static void remove_files(void)
{
	unlink(path);
	rmdir(dir);
}

static void make_interval(struct recording_writer *r, int number)
{
	struct op_stats add = { .count = 9, .timed = 3, .sum = 3000, .max = 1000 };
	struct op_stats get = { .count = 7, .refused = 2, .bytes_in = 4096 };
	struct queue queues[] = {
		{ .serial = 1,
		  .device = 1,
		  .num = 256,
		  .device_type = 2,
		  .name = "req.0",
		  .role = "vda",
		  .driver = "<img>",
		  .layout = VT_LAYOUT_PACKED,
		  .op = { &add, &get } },
		{ .serial = 2,
		  .device = 4,
		  .num = 4,
		  .device_type = 4,
		  .name = "input",
		  .driver = "virtio_rng",
		  .features = 1ull << 38,
		  .new_doorbells = 1 },
	};
	struct snapshot diff = { .time = (number + 1) * 1000000000ull,
				 .since = 1000000000,
				 .lost = 1,
				 .probe_ns = 200.5,
				 .cpu = 0.01,
				 .how = "tracepoints",
				 .nr_queues = 2,
				 .queues = queues };
	struct vt_doorbells *bells = &queues[1].doorbells;

	histogram_put(&add.histogram, 100, 1);
	histogram_put(&add.histogram, 200 + number, 2);
	bells->sent = number + 1;
	for (unsigned int i = 0; i < bells->sent; i++)
		bells->last[i] =
			(struct vt_doorbell){ .value = i << 16, .ring = i << 16, .number = i + 1 };
	must(!recording_write(r, &diff));
}

static void make_good(void)
{
	struct recording_device device = { 1, 2, 1ull << 34, "<img>", "virtio_blk" };
	struct recording_info info = {
		.tool_version = "1",
		.kernel_release = "6.12.0 <img>",
		.machine = "x86_64",
		.cpu = "a CPU",
		.attached = "tracepoints",
		.nr_cpus = 2,
		.exit_status = -1,
		.interval = 1000000000,
		.has_events = true,
		.devices = &device,
		.nr_devices = 1,
	};
	struct recording_event events[50];
	struct recording_writer *r;
	struct stat st;
	int fd;

	must(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/recording", dir);
	atexit(remove_files);
	r = recording_create(path, &info);
	must(r);
	for (int i = 0; i < 50; i++)
		events[i] = (struct recording_event){ .time = 1000 * i,
						      .duration = 100 + i,
						      .serial = 1,
						      .op = i % VT_NR_OPS,
						      .result = i - 3 };
	must(!recording_write_events(r, events, 50));
	for (int i = 0; i < 3; i++)
		make_interval(r, i);
	must(!recording_finish(r, &info));
	recording_writer_close(r);
	fd = open(path, O_RDONLY);
	must(fd >= 0 && !fstat(fd, &st));
	good_size = st.st_size;
	good = malloc(good_size);
	must(good && read(fd, good, good_size) == (ssize_t)good_size);
	close(fd);
}

/* --- The changes --- */

static void change_bytes(struct input *in, uint8_t *file)
{
	while (in->size >= 4) {
		size_t at = take_number(in, 3) % good_size;

		file[at] = take_number(in, 1);
	}
}

static void bind(sqlite3_stmt *s, unsigned int type, const char *value, size_t length)
{
	double real = 0;

	switch (type % 5) {
	case 0:
		sqlite3_bind_int64(s, 1, strtoll(value, NULL, 10));
		break;
	case 1:
		memcpy(&real, value, length < sizeof(real) ? length : sizeof(real));
		sqlite3_bind_double(s, 1, real);
		break;
	case 2:
		sqlite3_bind_text(s, 1, value, length, SQLITE_STATIC);
		break;
	case 3:
		sqlite3_bind_blob(s, 1, value, length, SQLITE_STATIC);
		break;
	}
}

/* What SQLite refuses stays as it was. */
static void change_values(struct input *in)
{
	static const struct {
		const char *name, *key, *columns[12];
	} tables[] = {
		{ "info", "key", { "value" } },
		{ "device", "device", { "device", "role", "driver", "type", "features" } },
		{ "queue",
		  "queue",
		  { "queue", "device", "number", "name", "role", "driver", "type", "layout",
		    "features", "first", "gone" } },
		{ "interval",
		  "interval",
		  { "interval", "time", "since", "lost", "cpu", "probe_ns" } },
		{ "state",
		  "interval, queue",
		  { "interval", "queue", "listed", "size", "free", "gone", "fresh", "broken",
		    "changed", "doorbells", "new_doorbells", "last_doorbells" } },
		{ "op",
		  "interval, queue, op",
		  { "interval", "queue", "op", "count", "timed", "sum", "max", "no", "bytes_out",
		    "bytes_in", "hist" } },
		{ "events", "block", { "block", "first", "last", "count", "data" } },
		{ "operation", "op", { "op", "name" } },
	};
	sqlite3 *db;

	must(sqlite3_open(path, &db) == SQLITE_OK);
	sqlite3_exec(db, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL, NULL);
	while (in->size) {
		unsigned int t = take_number(in, 1) % (sizeof(tables) / sizeof(*tables));
		unsigned int c = take_number(in, 1) % 12, row = take_number(in, 1),
			     type = take_number(in, 1);
		size_t length;
		char *value = take_until(in, 0xff, &length), *sql;
		sqlite3_stmt *s;

		if (tables[t].columns[c]) {
			sql = sqlite3_mprintf("UPDATE OR REPLACE %s SET %s=? WHERE (%s) IN "
					      "(SELECT %s FROM %s LIMIT 1 OFFSET %u)",
					      tables[t].name, tables[t].columns[c], tables[t].key,
					      tables[t].key, tables[t].name, row);
			must(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK);
			bind(s, type, value, length);
			sqlite3_step(s);
			sqlite3_finalize(s);
			sqlite3_free(sql);
		}
		free(value);
	}
	must(sqlite3_close(db) == SQLITE_OK);
}

static void write_file(const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static void make_changed(struct input *in, enum change change)
{
	size_t length = change & CUT ? take_number(in, 3) % (good_size + 1) : good_size;
	uint8_t *file = malloc(good_size);

	must(file);
	memcpy(file, good, good_size);
	if (!(change & VALUES))
		change_bytes(in, file);
	write_file(file, good_size);
	free(file);
	if (change & VALUES)
		change_values(in);
	if (change & CUT)
		must(!truncate(path, length));
}

/* --- What must hold of what is read --- */

static void check_info(const struct recording_info *info)
{
	const char *const texts[] = {
		info->tool_version, info->kernel_release, info->kernel_version,
		info->machine,	    info->config_hash,	  info->cmdline,
		info->cpu,	    info->clocksource,	  info->patch_level,
		info->attached,	    info->command
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		must(texts[i] && is_printable(texts[i], false));
	for (size_t i = 0; i < info->nr_devices; i++) {
		must(is_printable(info->devices[i].role, false));
		must(is_printable(info->devices[i].driver, false));
		must(!i || info->devices[i - 1].device < info->devices[i].device);
	}
}

static bool in_order(const struct queue *a, const struct queue *b)
{
	if (a->device != b->device)
		return a->device < b->device;
	if (a->index != b->index)
		return a->index < b->index;
	return a->serial < b->serial;
}

static void check_queue(const struct queue *q)
{
	must(q->layout < VT_NR_LAYOUTS);
	must(is_printable(q->name, false) && is_printable(q->driver, false) &&
	     is_printable(q->role, false));
	for (int op = 0; op < VT_NR_COUNTED; op++)
		if (q->op[op])
			must(histogram_count(&q->op[op]->histogram) == q->op[op]->timed);
}

/* Returns how many there are, or -1: it is damaged, and may be in another way the next time. */
static long read_intervals(struct recording_reader *r)
{
	struct snapshot diff;
	uint64_t before = 0;
	int more;
	long n = 0;

	for (; (more = recording_next(r, &diff)) > 0; n++) {
		must(diff.time >= before);
		before = diff.time;
		for (size_t i = 0; i < diff.nr_queues; i++) {
			check_queue(&diff.queues[i]);
			must(!i || in_order(&diff.queues[i - 1], &diff.queues[i]));
		}
		snapshot_free(&diff);
	}
	must(!diff.queues && !diff.nr_queues);
	must(recording_next(r, &diff) == more);
	return more ? -1 : n;
}

static long read_events(struct recording_reader *r)
{
	struct recording_event e;
	uint64_t before = 0;
	int more;
	long n = 0;

	for (; (more = recording_next_event(r, &e)) > 0; n++) {
		must(e.op < VT_NR_OPS && e.time >= before);
		before = e.time;
	}
	must(recording_next_event(r, &e) == more);
	return more ? -1 : n;
}

/* The fuzzer goes on after report has ended, and may not be confined. */
int __wrap_confine_reading(void);
int __wrap_confine_reading(void)
{
	return 0;
}

static void report(unsigned int form)
{
	static const struct {
		char *option, *file;
		bool json, html;
	} forms[] = {
		{ NULL, NULL, false, false },	 { "-Q", NULL, false, false },
		{ "--json", NULL, true, false }, { "--csv", NULL, false, false },
		{ "--html", "-", false, true },	 { "--perfetto", "-", true, false },
	};
	char *argv[5] = { "vringtop report", path }, *text;
	int status;

	form %= sizeof(forms) / sizeof(*forms);
	argv[2] = forms[form].option;
	argv[3] = forms[form].option ? forms[form].file : NULL;
	text = printed(verb_report, argv, &status);
	must(status == 0 || status == 1);
	/* RFC 4180 ends lines so. */
	for (char *end = text;
	     !strcmp(forms[form].option ?: "", "--csv") && (end = strstr(end, "\r\n"));)
		*end = ' ';
	/* A page has signs of its own that are not ASCII, and quotes what it shows. */
	must(forms[form].html ? !strstr(text, "<img") : is_printable(text, true));
	if (forms[form].json && !status) {
		struct json_object *o = json_tokener_parse(text);

		must(o);
		json_object_put(o);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned int how = take_number(&in, 1);
	long intervals, events;
	struct recording_reader *r;

	if (!good)
		make_good();
	make_changed(&in, how % 4);
	report(how / 4);
	r = recording_open(path);
	if (!r)
		return 0;
	check_info(recording_info(r));
	intervals = read_intervals(r);
	recording_rewind(r);
	events = read_events(r);
	recording_rewind(r);
	must(intervals < 0 || read_intervals(r) == intervals);
	recording_rewind(r);
	must(events < 0 || read_events(r) == events);
	must(size || (intervals == 3 && events == 50));
	recording_reader_close(r);
	return 0;
}
