// SPDX-License-Identifier: GPL-2.0
/*
 * vringtop record: writes intervals to a file, until Ctrl-C, for a time, or while a command runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/command.h"
#include "base/confine.h"
#include "base/error.h"
#include "base/format.h"
#include "base/place.h"
#include "probe/machine.h"
#include "probe/probe.h"
#include "recording/writer.h"
#include "verbs/attach.h"
#include "verbs/options.h"
#include "verbs/verbs.h"

static const char doc[] =
	"Records what the virtqueues do, until Ctrl-C, for a time, or while a command runs; its "
	"exit status is then the command's."
	"\vExamples:\n"
	"  sudo vringtop record -o a.vt                until Ctrl-C\n"
	"  sudo vringtop record -o a.vt -d 30s -i 500ms\n"
	"  sudo vringtop record -o a.vt --events -- fio job\n"
	"  vringtop report a.vt                        look at it\n\n"
	"A recording that is there already is kept as FILE.old, in place of an older FILE.old; no "
	"other file is overwritten.";

/*
 * The longest time between two readings of the counters, ns. No bucket may wrap twice in between.
 */
#define FETCH 10000000000ull
/* The same with --events. Shorter, because single operations stay in memory until then. */
#define FETCH_EVENTS 1000000000ull
/* The longest time between two drains of single operations from the kernel, ns. */
#define DRAIN 50000000ull
/* Single operations arrive nearly in the order of time: none is more than this late, ns. */
#define LATE 100000000ull

/* What to do if a file is where the recording shall be. */
#define REFUSED_ADVICE "Choose another name with -o, or remove it."

/* Options without a letter. */
#define OPT_EVENTS 256

struct record_options {
	struct op_filter filter;
	const char *file; /* the recording */
	double duration;  /* s; 0: not given */
	double interval;  /* s */
	bool events;	  /* single operations, too */
	char **command;	  /* array that ends with NULL; NULL: no command */
};

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "Recording:", 2 },
	{ "output", 'o', "FILE", 0, "The recording to make", 2 },
	{ "duration", 'd', "TIME", 0, "End after this time: 10, 500ms, 2m (s without a unit)", 2 },
	{ "interval", 'i', "TIME", 0, "Length of an interval (default: 1s)", 2 },
	{ "events", OPT_EVENTS, 0, 0, "Single operations, too", 2 },
	{},
};

static double parse_time(const struct argp_state *state, const char *name, const char *text,
			 double least)
{
	double seconds = read_time(text, least);

	if (!seconds)
		wrong_use(state,
			  "Write a time such as " TIME_EXAMPLES
			  ". To record one device: --device NAME",
			  "%s: '%s' is not a time from %g s to 24 h", name, text, least);
	return seconds;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct record_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->filter;
		return 0;
	case 'o':
		/* In the other verbs -o names operations, so a user may mean that here, too. */
		if (is_op_list(arg))
			wrong_use(state,
				  "To record these operations only: --op LIST. For a file of this "
				  "name: -o ./NAME",
				  "-o names the recording to make, and '%s' names operations", arg);
		o->file = arg;
		return 0;
	case 'd':
		o->duration = parse_time(state, "-d", arg, 0.001);
		return 0;
	case 'i':
		o->interval = parse_time(state, "-i", arg, 0.01);
		return 0;
	case OPT_EVENTS:
		o->events = true;
		return 0;
	case ARGP_KEY_ARG:
		/*
		 * The first word that is not an option begins the command. All later words belong
		 * to it.
		 */
		o->command = &state->argv[state->next - 1];
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		if (!o->file)
			wrong_use(state, "Name a file: vringtop record -o FILE",
				  "no file for the recording is named");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { &record_filter_argp, 0, NULL, 0 }, {} };
static const struct argp argp = {
	options, parse, .args_doc = "[-- COMMAND [ARGUMENT...]]", .doc = doc, .children = children,
};

struct run {
	const struct record_options *options;
	char file_shown[4096]; /* name of the file, printable characters only */
	struct probe *probe;
	struct recording_writer *file;
	struct recording_info info;
	struct command command;
	struct snapshot before; /* fetched last; before the first fetch its time is 0 */
	struct snapshot sum;	/* counts of the interval that is written next */
	uint64_t start;		/* ns, CLOCK_MONOTONIC: the recording's times count from here */
	double cpu_before;	/* CPU time of the tool until the start, s */
	unsigned long intervals;
	uint64_t operations, lost, kept;
	struct recording_event *events; /* owned; in the order of time */
	size_t nr_events, room;
	bool no_memory;
};

/* Returns the CPU time that the tool has used, s. */
static double cpu_used(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_utime.tv_sec + u.ru_stime.tv_sec +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* --- The file --- */

/*
 * Checks the journal that SQLite will use for the recording @path: SQLite would overwrite and
 * delete any file of that name. Returns 0, or -1 after a message.
 */
static int check_journal(const char *path)
{
	char journal[4096];
	enum place place;

	if (snprintf(journal, sizeof(journal), "%s-journal", path) >= (int)sizeof(journal))
		return complain(NULL, "the name %s is too long", path);
	place = place_of(journal);
	if (place == PLACE_FREE || place == PLACE_JOURNAL || place == PLACE_UNKNOWN)
		return 0;
	return place_refuse(journal, place, REFUSED_ADVICE);
}

/*
 * Checks that a recording can be made at @path: there is nothing, or a recording that can be
 * renamed to FILE.old. Called before anything else, so that a wrong path fails at once. Returns 0,
 * or -1 after a message.
 */
static int check_place(const char *path)
{
	enum place place = place_of(path);
	char old[4096];

	if (place == PLACE_UNKNOWN)
		return complain(NULL, "cannot write to %s: %s", path, strerror(errno));
	if (place != PLACE_FREE && place != PLACE_RECORDING)
		return place_refuse(path, place, REFUSED_ADVICE);
	if (check_journal(path))
		return -1;
	if (place == PLACE_FREE)
		return 0;
	if (snprintf(old, sizeof(old), "%s.old", path) >= (int)sizeof(old))
		return complain(NULL, "the name %s is too long", path);
	place = place_of(old);
	if (place == PLACE_FREE || place == PLACE_RECORDING)
		return check_journal(old);
	if (place == PLACE_UNKNOWN)
		return complain(NULL, "cannot write to %s: %s", old, strerror(errno));
	return place_refuse(old, place, REFUSED_ADVICE);
}

/*
 * Renames an existing recording to FILE.old, then makes an empty file. If the vringtop that made
 * the old recording was killed, its journal is renamed, too. Returns 0, or -1 after a message.
 */
static int make_place(const char *path)
{
	char from[4096], to[4096];
	int fd;

	/* Loading the programs took some time: another file may have come. */
	if (check_place(path))
		return -1;
	if (place_of(path) == PLACE_RECORDING) {
		snprintf(to, sizeof(to), "%s.old", path);
		if (rename(path, to))
			return complain(NULL, "cannot rename %s to %s: %s", path, to,
					strerror(errno));
		snprintf(from, sizeof(from), "%s-journal", path);
		snprintf(to, sizeof(to), "%s.old-journal", path);
		if (rename(from, to) && errno == ENOENT)
			unlink(to);
	}
	/*
	 * O_NOFOLLOW: never write to the target of a link. 0600: only the owner may read a
	 * recording, as with perf.
	 */
	fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return complain(NULL, "cannot write to %s: %s", path, strerror(errno));
	close(fd);
	return 0;
}

static int create(struct run *r)
{
	const char *path = r->options->file;

	if (make_place(path))
		return -1;
	r->file = recording_create(path, &r->info);
	if (r->file)
		return 0;
	unlink(path);
	return -1;
}

/* --- Single operations --- */

static void take_event(void *arg, const struct recording_event *e)
{
	struct run *r = arg;
	size_t at = r->nr_events;

	if (!(r->options->filter.filter.ops >> e->op & 1) || r->no_memory)
		return;
	if (r->nr_events == r->room) {
		size_t room = r->room ? 2 * r->room : 4096;
		struct recording_event *events = realloc(r->events, room * sizeof(*events));

		if (!events) {
			r->no_memory = true;
			return;
		}
		r->events = events;
		r->room = room;
	}
	/*
	 * Events of CPUs that write at the same time come nearly in order, so this loop is short.
	 */
	while (at && r->events[at - 1].time > e->time)
		at--;
	memmove(&r->events[at + 1], &r->events[at], (r->nr_events - at) * sizeof(*e));
	r->events[at] = *e;
	r->nr_events++;
}

static bool listed(const struct snapshot *s, unsigned int serial)
{
	for (size_t i = 0; i < s->nr_queues; i++)
		if (s->queues[i].serial == serial)
			return true;
	return false;
}

/*
 * Writes the single operations of the queues in @s. Returns 0, or -1 after a message.
 * @all: false: keeps the operations of the last LATE ns for the next call, because earlier ones may
 * still arrive
 */
static int write_events(struct run *r, const struct snapshot *s, bool all)
{
	uint64_t until = all ? UINT64_MAX : r->before.time - LATE;
	size_t n = 0, kept = 0;
	unsigned int serial = 0;

	if (r->no_memory)
		return complain(NULL, "no memory for single operations");
	for (; n < r->nr_events && r->events[n].time <= until; n++) {
		struct recording_event *e = &r->events[n];

		if (e->serial != serial && !listed(s, e->serial))
			continue;
		serial = e->serial;
		e->time = e->time > r->start ? e->time - r->start : 0;
		r->events[kept++] = *e;
	}
	if (recording_write_events(r->file, r->events, kept))
		return -1;
	r->kept += kept;
	/* If there are no events, r->events may be NULL. */
	if (n)
		memmove(r->events, r->events + n, (r->nr_events - n) * sizeof(*r->events));
	r->nr_events -= n;
	return 0;
}

/* --- Intervals --- */

/*
 * Adds to r->sum the counts since the last fetch. The first fetch adds the counts since the probe
 * began.
 * @now: NULL: reading failed, and a message was printed
 * @last: also writes the newest single operations
 * Returns 0, or -1 after a message.
 */
static int fetch(struct run *r, const struct snapshot *now, bool last)
{
	struct snapshot diff = {};
	int err;

	if (!now)
		return -1;
	err = snapshot_diff(now, r->before.time ? &r->before : NULL, &diff);
	if (!r->before.time) {
		r->start = now->time - now->since;
		r->cpu_before = now->cpu;
		diff.cpu = 0;
	}
	if (err || snapshot_copy(now, &r->before)) {
		snapshot_free(&diff);
		return complain(NULL, "no memory for what was counted");
	}
	filter_apply(&r->options->filter.filter, &diff);
	if (r->options->events && write_events(r, &diff, last)) {
		snapshot_free(&diff);
		return -1;
	}
	err = snapshot_add(&r->sum, &diff);
	snapshot_free(&diff);
	return err ? complain(NULL, "no memory for what was counted") : 0;
}

static void update_info(struct run *r)
{
	r->info.cost_cpu_ns = (cpu_used() - r->cpu_before) * 1e9;
	r->info.events_dropped = probe_dropped(r->probe);
	r->info.probe_ns = r->sum.probe_ns ?: r->info.probe_ns;
	r->info.exit_status = r->command.status;
	r->info.queues_not_shown = r->before.not_shown;
}

/* Writes r->sum as an interval and empties r->sum. Returns 0, or not 0 after a message. */
static int write_interval(struct run *r)
{
	int err;

	r->sum.time -= r->start;
	for (size_t i = 0; i < r->sum.nr_queues; i++) {
		struct queue *q = &r->sum.queues[i];

		if (q->changed)
			q->changed -= r->start;
		for (int op = 0; op < VT_NR_OPS; op++)
			r->operations += q->op[op] ? q->op[op]->count : 0;
	}
	r->lost += r->sum.lost;
	r->intervals++;
	update_info(r);
	err = recording_update(r->file, &r->info) || recording_write(r->file, &r->sum);
	snapshot_free(&r->sum);
	return err;
}

/* --- Messages --- */

static void print_progress(const struct run *r)
{
	char operations[FORMAT_LEN];

	fprintf(stderr, "\rRecording to %s: %.0f s, %s operations ", r->file_shown,
		(r->before.time - r->start) / 1e9, format_number(operations, r->operations));
	fflush(stderr);
}

static void print_summary(const struct run *r, bool progress)
{
	char text[FORMAT_LEN];
	double seconds = (r->before.time - r->start) / 1e9;
	struct stat st;

	fprintf(stderr, "%s%s: %.1f s in %lu interval%s, %llu operations, %llu lost",
		progress ? "\r\033[K" : "", r->file_shown, seconds, r->intervals,
		r->intervals == 1 ? "" : "s", (unsigned long long)r->operations,
		(unsigned long long)r->lost);
	if (r->options->events)
		fprintf(stderr, "; %llu kept singly, %llu dropped", (unsigned long long)r->kept,
			(unsigned long long)r->info.events_dropped);
	if (!stat(r->options->file, &st))
		fprintf(stderr, "; %s bytes", format_bytes(text, st.st_size));
	fprintf(stderr, "; %.2f s of CPU (%.1f%%)\n", r->info.cost_cpu_ns / 1e9,
		seconds > 0 ? r->info.cost_cpu_ns / 1e7 / seconds : 0);
	if (r->before.not_shown)
		complain(r->options->events ? "Without --events there is room for more." : NULL,
			 "%u queues of this machine are not in the recording", r->before.not_shown);
}

/* --- The recording --- */

/*
 * Records until the duration is over, the command ends, or a signal comes. Returns 0, or -1 after a
 * message.
 */
static int record(struct run *r, bool progress)
{
	const struct record_options *o = r->options;
	const uint64_t interval = r->info.interval, start = probe_now();
	const uint64_t end = o->duration ? start + (uint64_t)(o->duration * 1e9) : UINT64_MAX;
	uint64_t most = o->events ? FETCH_EVENTS : FETCH;
	uint64_t next = start + interval, next_fetch, now = start, until, measure;
	int asked = 0;

	if (interval < most)
		most = interval;
	next_fetch = start + most;
	while (!asked && now < end && !(o->command && !r->command.pid)) {
		until = next_fetch < next ? next_fetch : next;
		if (o->events && now + DRAIN < until)
			until = now + DRAIN;
		measure = probe_measure(r->probe);
		if (measure < until)
			until = measure;
		asked = command_wait(&r->command, until < end ? until : end);
		now = probe_now();
		if (o->events)
			probe_drain(r->probe);
		if (now < next_fetch && now < next)
			continue;
		if (fetch(r, probe_read(r->probe), false))
			return -1;
		next_fetch = now + most;
		if (now < next)
			continue;
		if (write_interval(r))
			return -1;
		if (progress)
			print_progress(r);
		/* Skip intervals whose end has passed. */
		next += (1 + (now - next) / interval) * interval;
	}
	probe_stop(r->probe);
	/* The time since the last interval becomes a shorter interval. */
	if (fetch(r, probe_read(r->probe), true) || write_interval(r))
		return -1;
	command_end(&r->command, asked);
	update_info(r);
	return recording_finish(r->file, &r->info);
}

static char *patch_level(const struct snapshot *s)
{
	unsigned int missing = s->unavailable & ((1u << VT_NR_OPS) - 1);
	char *text = NULL, *name;

	if (!strcmp(s->how, "functions"))
		return strdup("none");
	if (!missing)
		return strdup("all events");
	for (int op = 0; op < VT_NR_OPS; op++) {
		if (!(missing >> op & 1))
			continue;
		if (asprintf(&name, "%s%s%s", text ?: "events without ", text ? ", " : "",
			     op_name(op)) < 0)
			name = NULL;
		free(text);
		text = name;
	}
	return text;
}

/* Fills in r->info what is known before the recording begins. Returns 0, or -1 after a message. */
static int prepare(struct run *r, const struct snapshot *s)
{
	const struct record_options *o = r->options;

	if (machine_describe(&r->info))
		return -1;
	r->info.interval = o->interval * 1e9;
	r->info.has_events = o->events;
	r->info.exit_status = -1;
	r->info.attached = s->how;
	r->info.patch_level = patch_level(s);
	r->info.command = o->command ? command_quote(o->command) : strdup("");
	if (!r->info.patch_level || !r->info.command)
		return complain(NULL, "no memory to describe the recording");
	return 0;
}

/*
 * Opens the files, gives up privileges, and records. Returns 0, or -1 after a message.
 * @s: the first snapshot
 */
static int run(struct run *r, const struct snapshot *s)
{
	const struct record_options *o = r->options;
	bool progress = isatty(STDERR_FILENO);
	int err;

	command_signals(&r->command);
	if (create(r))
		return -1;
	if (o->command && command_prepare(&r->command, o->command))
		return -1;
	if (confine_recording() || fetch(r, s, false))
		return -1;
	if (o->command && command_start(&r->command, o->command[0])) {
		unlink(o->file);
		return -1;
	}
	if (!o->command && !o->duration)
		fprintf(stderr, "Recording to %s; Ctrl-C ends it.\n", r->file_shown);
	err = record(r, progress);
	if (progress && err)
		fprintf(stderr, "\n");
	if (!err)
		print_summary(r, progress);
	return err;
}

int verb_record(int argc, char **argv)
{
	const struct snapshot *s;
	struct record_options o = { .filter.all = PROBE_ALL_OPS, .interval = 1 };
	struct run r = { .options = &o, .command.status = -1 };
	int status = 1;

	options_parse(&argp, argc, argv, ARGP_IN_ORDER, &o);
	if (check_place(o.file))
		return 1;
	copy_printable(r.file_shown, o.file, sizeof(r.file_shown));
	r.probe = attach(o.filter.filter.ops | (o.events ? PROBE_EVENTS : 0));
	if (!r.probe)
		return 1;
	if (o.events)
		probe_events(r.probe, take_event, &r);
	s = probe_read(r.probe);
	if (s && !filter_match(&o.filter.filter, s) && !prepare(&r, s)) {
		int err = run(&r, s);

		status = r.command.status > 0 ? r.command.status : !!err;
	}
	/* After an error the command is ended: it must not run on while nothing is recorded. */
	command_end(&r.command, false);
	recording_writer_close(r.file);
	probe_close(r.probe);
	snapshot_free(&r.before);
	snapshot_free(&r.sum);
	free((char *)r.info.patch_level);
	free((char *)r.info.command);
	machine_free(&r.info);
	free(r.events);
	return status;
}
