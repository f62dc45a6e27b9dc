// SPDX-License-Identifier: GPL-2.0
/* What report makes of a recording, against what was written into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <json-c/json.h>
#include "recording/writer.h"
#include "verbs/verbs.h"

#define NASTY "<script>\"a\",'b'&"

static char dir[] = "/tmp/test_report.XXXXXX", recording[64], output[64];

static void count(struct queue *q, enum vt_op op, uint64_t ns, uint64_t times)
{
	struct op_stats *s = q->op[op];

	if (!s)
		s = q->op[op] = calloc(1, sizeof(*s));
	assert_non_null(s);
	s->count += times;
	s->timed += times;
	s->sum += ns * times;
	s->max = ns > s->max ? ns : s->max;
	histogram_put(&s->histogram, histogram_bucket(ns), times);
}

/* ns: of the machine that is recorded; 0: its clock does not move in steps */
static uint64_t clock_step;

/* A disk of a nasty name that moves, and a queue that does not. */
static void make_interval(struct snapshot *s, unsigned int i)
{
	memset(s, 0, sizeof(*s));
	s->time = (i + 1) * 1000000000ull;
	s->since = 1000000000;
	s->how = "tracepoints";
	s->clock_step = clock_step;
	s->nr_queues = 2;
	s->queues = calloc(2, sizeof(*s->queues));
	assert_non_null(s->queues);
	for (int n = 0; n < 2; n++) {
		struct queue *q = &s->queues[n];

		q->serial = n + 1;
		q->device = n;
		q->device_type = 2;
		q->num = 128;
		q->num_free = 100;
		q->layout = VT_LAYOUT_PACKED;
		strcpy(q->name, n ? "idle.0" : "req,\"0\"");
		strcpy(q->driver, "virtio_blk");
		strcpy(q->role, n ? "vdb" : NASTY);
	}
	count(&s->queues[0], VT_OP_ADD, 700 + 10 * i, 90);
	count(&s->queues[0], VT_OP_ADD, 90000, 10);
	count(&s->queues[0], VT_OP_GET, 500, 100);
	count(&s->queues[0], VT_OP_KICK_PREPARE, 100, 100);
	s->queues[0].op[VT_OP_KICK_PREPARE]->refused = 25;
	count(&s->queues[0], VT_OP_NOTIFY, 9000, 75);
}

static void make_recording(unsigned int intervals, struct recording_event *events, size_t n,
			   bool finish)
{
	struct recording_device device = { 0, 2, 1ull << 34, NASTY, "virtio_blk" };
	struct recording_info info = {
		.tool_version = VRINGTOP_VERSION,
		.kernel_release = "6.12</title><script>",
		.command = "fio '</style><script>alert(1)</script>' --x=\"1\"",
		.cmdline = "a=<img/src=http://example.com/>",
		.exit_status = -1,
		.interval = 1000000000,
		.has_events = n > 0,
		.devices = &device,
		.nr_devices = 1,
	};
	struct recording_writer *r;

	unlink(recording);
	r = recording_create(recording, &info);
	assert_non_null(r);
	for (unsigned int i = 0; i < intervals; i++) {
		struct snapshot s;

		make_interval(&s, i);
		assert_int_equal(recording_write(r, &s), 0);
		snapshot_free(&s);
	}
	if (n)
		assert_int_equal(recording_write_events(r, events, n), 0);
	if (finish)
		assert_int_equal(recording_finish(r, &info), 0);
	recording_writer_close(r);
}

/*
 * Runs the verb in a process of its own, which the verb confines. @option and @to may be NULL.
 * Returns its exit status; what it printed is in output.
 */
static int report(const char *option, const char *to)
{
	char *argv[] = { "vringtop report", recording, (char *)option, (char *)to, NULL };
	int new = open(output, O_RDWR | O_CREAT | O_TRUNC, 0600), status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(new, STDOUT_FILENO);
		status = verb_report(to ? 4 : option ? 3 : 2, argv);
		fflush(stdout);
		_exit(status);
	}
	close(new);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What was printed; to be freed. */
static char *printed(void)
{
	FILE *f = fopen(output, "r");
	struct stat st;
	char *text;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	text = calloc(1, st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, st.st_size, f), st.st_size);
	fclose(f);
	return text;
}

static int occurrences(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

static struct json_object *parsed(void)
{
	char *text = printed();
	struct json_tokener *t = json_tokener_new();
	struct json_object *o;

	json_tokener_set_flags(t, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(t, text, strlen(text) + 1);
	assert_int_equal(json_tokener_get_error(t), json_tokener_success);
	assert_non_null(o);
	json_tokener_free(t);
	free(text);
	return o;
}

static int64_t number(struct json_object *o, const char *a, const char *b)
{
	o = json_object_object_get(o, a);
	if (b)
		o = json_object_object_get(o, b);
	assert_non_null(o);
	return json_object_get_int64(o);
}

static void json_has_what_was_written(void **unused)
{
	struct json_object *all, *total, *intervals, *queue, *ops;

	(void)unused;
	make_recording(5, NULL, 0, true);
	assert_int_equal(report("--json", NULL), 0);
	all = parsed();
	assert_true(json_object_get_boolean(
		json_object_object_get(json_object_object_get(all, "recording"), "finished")));
	intervals = json_object_object_get(all, "intervals");
	assert_int_equal(json_object_array_length(intervals), 5);
	total = json_object_object_get(all, "total");
	queue = json_object_array_get_idx(json_object_object_get(total, "queues"), 0);
	assert_string_equal(json_object_get_string(json_object_object_get(queue, "role")), NASTY);
	ops = json_object_object_get(queue, "ops");
	assert_int_equal(number(ops, "add", "count"), 500);
	assert_int_equal(number(ops, "add", "max_ns"), 90000);
	assert_int_equal(number(ops, "kick_prepare", "refused"), 125);
	assert_int_equal(number(ops, "get", "sum_ns"), 250000);
	assert_int_equal(number(queue, "doorbell", "sent"), 375);
	json_object_put(all);
}

static void csv_quotes_and_has_a_row_for_each(void **unused)
{
	char *text;

	(void)unused;
	make_recording(5, NULL, 0, true);
	assert_int_equal(report("--csv", NULL), 0);
	text = printed();
	/* The head, and four operations in each interval. */
	assert_int_equal(occurrences(text, "\r\n"), 1 + 5 * 4);
	assert_int_equal(occurrences(text, "\n"), 1 + 5 * 4);
	assert_int_equal(occurrences(text, ",\"req,\"\"0\"\"\","), 5 * 4);
	assert_int_equal(occurrences(text, ",\"<script>\"\"a\"\",'b'&\","), 5 * 4);
	assert_int_equal(occurrences(text, ",yes,0\r\n"), 5 * 4);
	assert_non_null(strstr(text, ",packed,kick_prepare,100,25,10000,100,"));
	free(text);
}

/* A page of so many intervals is whole, and what a name says is not taken for a part of it. */
static void check_page(unsigned int intervals, int columns)
{
	char *text;
	int plots;

	make_recording(intervals, NULL, 0, true);
	assert_int_equal(report("--html", "-"), 0);
	text = printed();
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "<img"));
	assert_non_null(strstr(text, "&lt;script&gt;&quot;a&quot;,&#39;b&#39;&amp;"));
	assert_int_equal(occurrences(text, "</title>"), 1 + columns);
	plots = occurrences(text, "<figure");
	assert_true(plots >= 7);
	assert_int_equal(occurrences(text, "class=\"xlabel\">"), plots);
	assert_int_equal(occurrences(text, "class=\"ylabel\">"), plots);
	assert_int_equal(occurrences(text, "<ul class=\"legend\"><li>"), plots);
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf"));
	assert_non_null(strstr(text, "Idle: virtio1 vdb idle.0."));
	free(text);
}

static void a_page_is_whole(void **unused)
{
	(void)unused;
	/* Each column of the one queue's first heat map has its title. */
	check_page(1, 1);
	check_page(3, 3);
	check_page(100, 100);
	check_page(301, 100);
}

static void unfinished_is_said_everywhere(void **unused)
{
	static const struct {
		const char *option, *to, *says;
	} forms[] = {
		{ NULL, NULL, "UNFINISHED" },
		{ "--html", "-", "<p class=\"warning\">UNFINISHED" },
		{ "--json", NULL, "\"finished\":false" },
		{ "--csv", NULL, ",no,0\r\n" },
		{ "--perfetto", "-", "\"finished\":\"no\"" },
	};

	(void)unused;
	for (int finish = 0; finish < 2; finish++) {
		make_recording(3, NULL, 0, finish);
		for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
			char *text;

			assert_int_equal(report(forms[i].option, forms[i].to), 0);
			text = printed();
			assert_int_equal(!strstr(text, forms[i].says), finish);
			free(text);
		}
	}
}

static void a_clock_that_steps_is_said_everywhere(void **unused)
{
	static const struct {
		const char *option, *to, *says;
	} forms[] = {
		{ NULL, NULL, "\n!         CLOCK: the clock of this machine moved in steps" },
		{ "--html", "-", "<p class=\"warning\">CLOCK: " },
		{ "--json", NULL, "\"clock_step_ns\":4000000," },
		{ "--csv", NULL, ",yes,4000000\r\n" },
		/* The figures: 700 ns are a step at the most by this clock. */
		{ NULL, NULL, "<8.0ms" },
		{ "--html", "-", "&lt;8.0ms" },
		{ "--perfetto", "-", "CLOCK: the clock of this machine moved in steps" },
	};

	(void)unused;
	for (int steps = 0; steps < 2; steps++) {
		clock_step = steps ? 4000000 : 0;
		make_recording(3, NULL, 0, true);
		for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
			char *text;

			assert_int_equal(report(forms[i].option, forms[i].to), 0);
			text = printed();
			assert_int_equal(!!strstr(text, forms[i].says), steps);
			free(text);
		}
	}
	clock_step = 0;
}

static void text_fits_80_columns(void **unused)
{
	char *text, *line, *rest;

	(void)unused;
	make_recording(3, NULL, 0, true);
	assert_int_equal(report(NULL, NULL), 0);
	text = rest = printed();
	assert_non_null(strstr(text, "\nkick_prepare        300    100"));
	while ((line = strsep(&rest, "\n")))
		assert_true(strlen(line) <= 80);
	free(text);
}

/* A path may hold anything; what a terminal does must not depend on it. */
static void paths_cannot_move_the_cursor(void **unused)
{
	char before[sizeof(recording)], *text;

	(void)unused;
	make_recording(3, NULL, 0, false);
	strcpy(before, recording);
	strcat(recording, "\033[2J\nb");
	assert_int_equal(rename(before, recording), 0);
	assert_int_equal(report(NULL, NULL), 0);
	text = printed();
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "a.vt\\x1b[2J\\x0ab"));
	free(text);
	unlink(recording);
	strcpy(recording, before);
}

/* A recording is not trusted: while it is read, no file can be opened to be written. */
static void it_is_confined(void **unused)
{
	char *argv[] = { "vringtop report", recording, "--json", NULL };
	int status;
	pid_t pid;

	(void)unused;
	make_recording(3, NULL, 0, true);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		stdout = fopen("/dev/null", "w");
		if (verb_report(3, argv))
			_exit(2);
		_exit(open("/dev/null", O_WRONLY) >= 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* Refused with an error, or ended by the filter. */
	assert_true(!WIFEXITED(status) || WEXITSTATUS(status) == 0);
	assert_true(!WIFSIGNALED(status) || WTERMSIG(status) == SIGSYS);
}

/* --- The trace --- */

#define EVENTS 3000

static uint64_t state = 1;

static uint64_t chance(uint64_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (state >> 33) % below;
}

struct slice {
	double start, end;
	int64_t thread;
};

static int by_start(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->end < y->end) - (x->end > y->end);
}

/* The format's rule for slices of one thread: one holds the other, or they are apart. */
static void check_nesting(struct slice *s, size_t n)
{
	double open[EVENTS];
	size_t depth = 0;

	qsort(s, n, sizeof(*s), by_start);
	for (size_t i = 0; i < n; i++) {
		if (i && s[i].thread != s[i - 1].thread)
			depth = 0;
		while (depth && open[depth - 1] <= s[i].start)
			depth--;
		if (depth)
			assert_true(s[i].end <= open[depth - 1]);
		open[depth++] = s[i].end;
	}
}

static void a_trace_nests_and_counts_buffers(void **unused)
{
	static struct recording_event events[EVENTS];
	static struct slice slices[EVENTS];
	struct json_object *all, *list;
	int64_t in_flight = 20, counters = 0, last = -1;
	size_t n = 0;

	(void)unused;
	/* Twenty buffers are with the device before it begins; four CPUs are at it at once. */
	for (int i = 0; i < EVENTS; i++) {
		struct recording_event *e = &events[i];

		e->time = (i ? events[i - 1].time : 50000) + chance(400);
		e->duration = chance(10) ? chance(1500) : chance(20000);
		e->serial = 1;
		e->cpu = chance(4);
		e->op = i < 20 ? VT_OP_GET : chance(2) ? VT_OP_ADD : VT_OP_GET;
		e->result = e->op == VT_OP_GET;
		/* The ring is empty: nothing to get. And some adds fail. */
		if (e->op == VT_OP_GET && !in_flight)
			e->result = 0;
		if (e->op == VT_OP_ADD && !chance(9))
			e->result = -28;
		in_flight += e->op == VT_OP_ADD ? !e->result : -e->result;
	}
	make_recording(3, events, EVENTS, true);
	assert_int_equal(report("--perfetto", "-"), 0);
	all = parsed();
	list = json_object_object_get(all, "traceEvents");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *e = json_object_array_get_idx(list, i), *args;
		const char *kind = json_object_get_string(json_object_object_get(e, "ph"));
		const char *name = json_object_get_string(json_object_object_get(e, "name"));
		double ts = json_object_get_double(json_object_object_get(e, "ts"));

		args = json_object_object_get(e, "args");
		if (!strcmp(kind, "X")) {
			assert_true(n < EVENTS);
			slices[n].start = ts;
			/* To the ns, so that sums of decimal fractions compare well. */
			slices[n].end = (int64_t)((ts + json_object_get_double(
								json_object_object_get(e, "dur"))) *
							  1000 +
						  0.5) /
					1000.0;
			slices[n].thread = number(e, "tid", NULL);
			assert_int_equal(number(args, "duration_ns", NULL), events[n].duration);
			n++;
		} else if (strstr(name, ": in flight")) {
			counters++;
			assert_true(number(args, "buffers", NULL) >= 0);
			last = number(args, "buffers", NULL);
			/* The 20th get has taken what was there. */
			assert_true(n != 20 || !last);
		}
	}
	assert_int_equal(n, EVENTS);
	assert_true(counters > EVENTS / 2);
	assert_int_equal(last, in_flight);
	check_nesting(slices, n);
	json_object_put(all);
}

static void what_cannot_be_written_is_said(void **unused)
{
	struct stat before, after;

	(void)unused;
	make_recording(3, NULL, 0, true);
	assert_int_equal(stat(recording, &before), 0);
	assert_int_equal(report("--html", recording), 1);
	assert_int_equal(stat(recording, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(report("--html", "/nowhere/at/all.html"), 1);
	assert_int_equal(report("--html", "/dev/full"), 1);
	make_recording(0, NULL, 0, true);
	assert_int_equal(report("--json", NULL), 1);
	unlink(recording);
	assert_int_equal(report("--json", NULL), 1);
}

static int set_up(void **unused)
{
	(void)unused;
	if (!mkdtemp(dir))
		return -1;
	snprintf(recording, sizeof(recording), "%s/a.vt", dir);
	snprintf(output, sizeof(output), "%s/output", dir);
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	unlink(recording);
	unlink(output);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_has_what_was_written),
		cmocka_unit_test(csv_quotes_and_has_a_row_for_each),
		cmocka_unit_test(a_page_is_whole),
		cmocka_unit_test(unfinished_is_said_everywhere),
		cmocka_unit_test(a_clock_that_steps_is_said_everywhere),
		cmocka_unit_test(text_fits_80_columns),
		cmocka_unit_test(paths_cannot_move_the_cursor),
		cmocka_unit_test(it_is_confined),
		cmocka_unit_test(a_trace_nests_and_counts_buffers),
		cmocka_unit_test(what_cannot_be_written_is_said),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
