// SPDX-License-Identifier: GPL-2.0
/*
 * The forms of a diff (text, JSON, page) against a comparison that is made up here, whose every
 * figure is different: base and new, both ends of each range, verdicts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <json-c/json.h>
#include "base/format.h"
#include "output/diff.h"
#include "recording/writer.h"

static char path[NR_SIDES][40] = { "/tmp/test_diff_b.XXXXXX", "/tmp/test_diff_n.XXXXXX" };
static char said[1 << 18];

static const enum vt_op ops[] = { VT_OP_ADD, VT_OP_NOTIFY };
#define NR_OPS 2

static double base_of(int op, int f)
{
	return 1000 * (1 + f) + 370 * op;
}

/* More by 20 % and on: notify has larger changes. */
static double change_of(int op, int f)
{
	return 0.2 + 0.05 * f + 0.4 * op;
}

static double new_of(int op, int f)
{
	return base_of(op, f) * (1 + change_of(op, f));
}

static double low_of(int op, int f)
{
	return change_of(op, f) - 0.03 - 0.001 * f - 0.01 * op;
}

static double high_of(int op, int f)
{
	return change_of(op, f) + 0.05 + 0.002 * f + 0.02 * op;
}

static const char *const figures[] = { "rate", "mean", "p50", "p90", "p99", "p99.9" };

static const char *verdict_of(int f)
{
	return f ? "slower" : "more";
}

static struct compared_op compared[NR_OPS];
static struct series series[NR_OPS][NR_SIDES];
static struct compared_queue queue;
static struct compared_run runs[NR_SIDES];
static struct recording_reader *recordings[NR_SIDES];
static struct diff diff;

static int make_diff(void **unused)
{
	(void)unused;
	for (int side = 0; side < NR_SIDES; side++) {
		struct recording_info info = { .kernel_release = "6.12",
					       .interval = 1000000000,
					       .host = side ? "nova" : "base-host",
					       .exit_status = -1 };
		struct recording_writer *w;
		int fd = mkstemp(path[side]);

		if (fd < 0)
			return -1;
		close(fd);
		w = recording_create(path[side], &info);
		if (!w || recording_finish(w, &info))
			return -1;
		recording_writer_close(w);
		recordings[side] = recording_open(path[side]);
		runs[side].side = side;
		runs[side].intervals.nr = 30 + side;
		queue.on[side] = true;
		queue.queue[side] = (struct queue){ .device = 2,
						    .device_type = 2,
						    .name = "req.0",
						    .driver = "virtio_blk",
						    .role = "vda" };
	}
	for (int op = 0; op < NR_OPS; op++) {
		queue.op[ops[op]] = &compared[op];
		compared[op].series = series[op];
		for (int side = 0; side < NR_SIDES; side++)
			compared[op].count[side] = 700 + 10 * op + side;
		for (int f = 0; f < NR_FIGURES; f++)
			compared[op].change[f] = (struct change){
				.value = { base_of(op, f), new_of(op, f) },
				.change = change_of(op, f),
				.low = low_of(op, f),
				.high = high_of(op, f),
				.verdict = VERDICT_MORE,
			};
	}
	diff = (struct diff){
		.comparison = { .queues = &queue, .nr_queues = 1, .runs = runs, .nr_runs = 2 },
		.recordings = recordings,
		.nr_verdicts = { 4, 5, 0, NR_OPS * NR_FIGURES },
		.threshold = 0.03,
	};
	return recordings[SIDE_BASE] && recordings[SIDE_NEW] ? 0 : -1;
}

static int remove_recordings(void **unused)
{
	(void)unused;
	for (int side = 0; side < NR_SIDES; side++) {
		recording_reader_close(recordings[side]);
		unlink(path[side]);
	}
	return 0;
}

static void say(void (*form)(const struct diff *d))
{
	FILE *f = tmpfile();
	int old = dup(STDOUT_FILENO);

	assert_non_null(f);
	fflush(stdout);
	dup2(fileno(f), STDOUT_FILENO);
	form(&diff);
	fflush(stdout);
	dup2(old, STDOUT_FILENO);
	close(old);
	rewind(f);
	said[fread(said, 1, sizeof(said) - 1, f)] = '\0';
	fclose(f);
}

__attribute__((format(printf, 1, 2))) static void expect(const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!strstr(said, text))
		fail_msg("not there: %s", text);
}

static const char *figure(char *buf, int f, double value)
{
	return f ? format_time(buf, value) : format_number(buf, value);
}

/* The blanks between columns do not count. */
static void squeeze(void)
{
	char *to = said;

	for (char *from = said; *from; from++)
		if (*from != ' ' || (to > said && to[-1] != ' '))
			*to++ = *from;
	*to = '\0';
}

static void every_figure_of_the_text(void **unused)
{
	char b[FORMAT_LEN], n[FORMAT_LEN];

	(void)unused;
	say(diff_text);
	squeeze();
	expect("base %s: 30 intervals\nnew %s: 31 intervals\n", path[SIDE_BASE], path[SIDE_NEW]);
	expect("OPERATION BASE NEW CHANGE BETWEEN, %% VERDICT\nvda req.0\n add rate ");
	for (int op = 0; op < NR_OPS; op++)
		for (int f = 0; f < NR_FIGURES; f++)
			expect(" %s%s %s %s %+.1f%% %+.1f..%+.1f %s\n",
			       f    ? ""
			       : op ? "notify "
				    : "add ",
			       figures[f], figure(b, f, base_of(op, f)),
			       figure(n, f, new_of(op, f)), 100 * change_of(op, f),
			       100 * low_of(op, f), 100 * high_of(op, f), verdict_of(f));
	expect("\n12 figures changed; of 5 no difference was seen; for 4 there is too little "
	       "data.");
}

static double number(struct json_object *o, const char *key)
{
	struct json_object *value = json_object_object_get(o, key);

	if (!value)
		fail_msg("no %s", key);
	return json_object_get_double(value);
}

static void assert_near(double got, double expected, const char *what)
{
	if (fabs(got - expected) > 1e-5 * fabs(expected))
		fail_msg("%s is %g instead of %g", what, got, expected);
}

static void every_figure_of_json(void **unused)
{
	struct json_object *all, *one;

	(void)unused;
	say(diff_json);
	all = json_tokener_parse(said);
	assert_non_null(all);
	one = json_object_array_get_idx(json_object_object_get(all, "queues"), 0);
	assert_string_equal(json_object_get_string(json_object_object_get(one, "device")), "vda");
	assert_string_equal(json_object_get_string(json_object_object_get(one, "queue")), "req.0");
	for (int op = 0; op < NR_OPS; op++) {
		struct json_object *o =
			json_object_array_get_idx(json_object_object_get(one, "ops"), op);

		assert_string_equal(json_object_get_string(json_object_object_get(o, "op")),
				    op ? "notify" : "add");
		assert_near(number(o, "base_count"), 700 + 10 * op, "base_count");
		assert_near(number(o, "new_count"), 701 + 10 * op, "new_count");
		for (int f = 0; f < NR_FIGURES; f++) {
			struct json_object *c =
				json_object_object_get(o, f == 5 ? "p999" : figures[f]);

			assert_non_null(c);
			assert_int_equal(json_object_object_length(c), 6);
			assert_near(number(c, f ? "base_ns" : "base"), base_of(op, f), figures[f]);
			assert_near(number(c, f ? "new_ns" : "new"), new_of(op, f), figures[f]);
			assert_near(number(c, "change"), change_of(op, f), figures[f]);
			assert_near(number(c, "low"), low_of(op, f), figures[f]);
			assert_near(number(c, "high"), high_of(op, f), figures[f]);
			assert_string_equal(
				json_object_get_string(json_object_object_get(c, "verdict")),
				verdict_of(f));
		}
	}
	for (int side = 0; side < NR_SIDES; side++) {
		one = json_object_array_get_idx(json_object_object_get(all, side ? "new" : "base"),
						0);
		assert_string_equal(json_object_get_string(json_object_object_get(one, "path")),
				    path[side]);
		assert_near(number(one, "intervals"), 30 + side, "intervals");
	}
	assert_near(number(all, "threshold"), 0.03, "threshold");
	json_object_put(all);
}

static void page(const struct diff *d)
{
	diff_html(stdout, d);
}

/* Cells, and where dots and lines of the plot lie on the axis. */
static void every_figure_of_the_page(void **unused)
{
	double high = 100 * high_of(1, 5), room = 0.2 * high, from = -room, to = high + room;
	char b[FORMAT_LEN], n[FORMAT_LEN];

	(void)unused;
	say(page);
	expect("12 of 17 figures changed by more than 3 %%");
	expect("<b class=\"worse\">10</b><span>figures slower<");
	expect("<b class=\"\">0</b><span>figures faster<");
	expect("<b class=\"\">2</b><span>figures more, fewer, longer or shorter<");
	expect("<b>5</b><span>no difference seen<");
	expect("<b>4</b><span>too little data<");
	expect("<dt>base</dt><dd>%s (base-host, 1970-01-01 00:00 UTC, 30 intervals of 1 s)",
	       path[SIDE_BASE]);
	expect("<dt>new</dt><dd>%s (nova, 1970-01-01 00:00 UTC, 31 intervals of 1 s)",
	       path[SIDE_NEW]);
	/* The line of no change. */
	expect("<path class=\"zero\" d=\"M%.0f 0V1000\"/>", -from * 1000 / (to - from));
	for (int op = 0; op < NR_OPS; op++)
		for (int f = 0; f < NR_FIGURES; f++) {
			const char *name = op ? "notify" : "add";
			double change = 100 * change_of(op, f), scale = 1000 / (to - from);

			figure(b, f, base_of(op, f));
			figure(n, f, new_of(op, f));
			expect("<tr><td>vda req.0</td><td data-t=\"Operation\">%s</td>"
			       "<td data-t=\"Figure\">%s</td><td class=\"n\" data-t=\"Base\">"
			       "%s</td>"
			       "<td class=\"n\" data-t=\"New\">%s</td><td class=\"n\" "
			       "data-t=\"Change\">%+.1f %%</td><td class=\"n wide\" "
			       "data-t=\"Between\">%+.1f to %+.1f %%</td><td data-t=\"Verdict\">"
			       "<span class=\"%s\">%s</span>",
			       name, figures[f], b, n, change, 100 * low_of(op, f),
			       100 * high_of(op, f), f ? "worse" : "", verdict_of(f));
			expect(">%s %s</span><span class=\"value\">%+.1f %%: %s, was %s<", name,
			       figures[f], change, n, b);
			expect("<path class=\"l s%d\" d=\"M%.1f 500H%.1f\"/><path class=\"l dot "
			       "s%d\" d=\"M%.1f 500h0\"/>",
			       f ? 1 : 0, (100 * low_of(op, f) - from) * scale,
			       (100 * high_of(op, f) - from) * scale, f ? 1 : 0,
			       (change - from) * scale);
		}
}

/* Both warnings, in each form, in their order. */
static void warnings(void **unused)
{
	char first[] = "the clocks differ", second[] = "3 & 4 events are missing";
	char *both[] = { first, second };
	struct json_object *all, *array;

	(void)unused;
	diff.warnings = both;
	diff.nr_warnings = 2;
	say(diff_text);
	expect("Note: the clocks differ\nNote: 3 & 4 events are missing\n");
	say(page);
	expect("the clocks differ");
	expect("3 &amp; 4 events are missing");
	say(diff_json);
	all = json_tokener_parse(said);
	assert_non_null(all);
	array = json_object_object_get(all, "warnings");
	assert_int_equal(json_object_array_length(array), 2);
	for (int i = 0; i < 2; i++)
		assert_string_equal(json_object_get_string(json_object_array_get_idx(array, i)),
				    both[i]);
	json_object_put(all);
	diff.warnings = NULL;
	diff.nr_warnings = 0;
}

/* What else the sides differ in: several values of a side, and one that is too long for a line. */
static void differences(void **unused)
{
	static char long_value[] =
		"0123456789012345678901234567890123456789012345678901234567890123"
		"45678901tail";
	static char fits[] =
		"01234567890123456789012345678901234567890123456789012345678901234567890";
	struct difference both[] = {
		{ .what = "kernel", .side = { "6.12 <a>\n6.13", "7.3" } },
		{ .what = "vda req.0: layout", .side = { long_value, fits } },
	};
	struct json_object *all, *array;

	(void)unused;
	say(page);
	expect("<p>Kernel, machine, command, layouts and features are the same on both sides.</p>");
	diff.differences = both;
	diff.nr_differences = 2;
	say(diff_text);
	expect("\nThe sides differ in:\n"
	       "kernel\n"
	       "  base 6.12 <a>\n"
	       "       6.13\n"
	       "  new  7.3\n"
	       "vda req.0: layout\n"
	       "  base %.69s...\n"
	       "  new  %s\n",
	       long_value, fits);
	say(page);
	expect("<tr><th></th><th>Base</th><th>New</th></tr>\n"
	       "<tr><td>kernel</td><td style=\"white-space:normal\">6.12 &lt;a&gt;<br>6.13</td>"
	       "<td style=\"white-space:normal\">7.3</td></tr>\n"
	       "<tr><td>vda req.0: layout</td><td style=\"white-space:normal\">%s</td>"
	       "<td style=\"white-space:normal\">%s</td></tr>\n</table>",
	       long_value, fits);
	assert_null(strstr(said, "are the same on both sides"));
	say(diff_json);
	all = json_tokener_parse(said);
	array = json_object_object_get(all, "differences");
	assert_int_equal(json_object_array_length(array), 2);
	for (int i = 0; i < 2; i++) {
		struct json_object *one = json_object_array_get_idx(array, i);

		assert_int_equal(json_object_object_length(one), 3);
		assert_string_equal(json_object_get_string(json_object_object_get(one, "what")),
				    both[i].what);
		assert_string_equal(json_object_get_string(json_object_object_get(one, "base")),
				    both[i].side[SIDE_BASE]);
		assert_string_equal(json_object_get_string(json_object_object_get(one, "new")),
				    both[i].side[SIDE_NEW]);
	}
	json_object_put(all);
	diff.differences = NULL;
	diff.nr_differences = 0;
}

/* Queues that only one side has, and a list of them that is too long for a line. */
static void queues_of_one_side(void **unused)
{
	static struct compared_queue queues[20];
	struct json_object *all, *array;

	(void)unused;
	queues[0] = queue;
	for (int i = 1; i < 20; i++) {
		enum side side = i == 1 ? SIDE_BASE : SIDE_NEW;

		queues[i].on[side] = true;
		queues[i].queue[side] = (struct queue){ .device = 3,
							.device_type = 2,
							.index = i,
							.driver = "virtio_blk",
							.role = "vdb" };
		snprintf(queues[i].queue[side].name, VT_NAME_LEN, "req.%d", i);
	}
	diff.comparison.queues = queues;
	diff.comparison.nr_queues = 4;
	say(diff_text);
	expect("\nOnly base has 1 queue: vdb req.1\n");
	expect("\nOnly new has 2 queues: vdb req.2, vdb req.3\n");
	say(page);
	expect("<p class=\"note\">Only base has 1 queue: vdb req.1.</p>\n"
	       "<p class=\"note\">Only new has 2 queues: vdb req.2, vdb req.3.</p>\n");
	say(diff_json);
	all = json_tokener_parse(said);
	array = json_object_object_get(all, "only_base");
	assert_int_equal(json_object_array_length(array), 1);
	assert_string_equal(json_object_get_string(json_object_array_get_idx(array, 0)),
			    "vdb req.1");
	array = json_object_object_get(all, "only_new");
	assert_int_equal(json_object_array_length(array), 2);
	assert_string_equal(json_object_get_string(json_object_array_get_idx(array, 1)),
			    "vdb req.3");
	json_object_put(all);
	/* 4 names have room in the 53 characters. */
	diff.comparison.nr_queues = 20;
	say(diff_text);
	expect("\nOnly new has 18 queues: vdb req.2, vdb req.3, vdb req.4, vdb req.5, ...\n");
	diff.comparison.queues = &queue;
	diff.comparison.nr_queues = 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_figure_of_the_text),
		cmocka_unit_test(every_figure_of_json),
		cmocka_unit_test(every_figure_of_the_page),
		cmocka_unit_test(warnings),
		cmocka_unit_test(differences),
		cmocka_unit_test(queues_of_one_side),
	};

	return cmocka_run_group_tests(tests, make_diff, remove_recordings);
}
