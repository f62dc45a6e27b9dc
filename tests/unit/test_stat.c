// SPDX-License-Identifier: GPL-2.0
/*
 * vringtop stat, stages and hist, over a probe that makes its own snapshots: what each prints of an
 * interval, for each option. That the tables and histograms are right, test_table tells.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <json-c/json.h>
#include "../fake_probe.h"
#include "figures.h"
#include "output/histogram_text.h"
#include "output/json.h"
#include "output/table.h"
#include "verbs/verbs.h"

static uint64_t now = 50000000000ull; /* ns */

bool __wrap_wait_until(uint64_t until)
{
	now = until > now ? until : now;
	return true;
}

uint64_t __wrap_probe_now(void)
{
	return now;
}

/* The process stays as it is, for the tests that follow. */
int __wrap_confine(void)
{
	return 0;
}

static struct snapshot figures;

/* Nothing was counted at the first reading. The second one, 2 s later, finds figures.h. */
static const struct snapshot *read_figures(unsigned int n)
{
	static struct snapshot s;
	static struct queue queues[BUSY + 1];

	s = figures;
	s.queues = queues;
	s.time = now;
	memcpy(queues, figures.queues, sizeof(queues));
	if (n)
		return &s;
	s.since = s.lost = s.cpu = 0;
	queues[0].doorbells.sent -= NEW_DOORBELLS;
	for (int q = 0; q < BUSY; q++)
		memset(queues[q].op, 0, sizeof(queues[q].op));
	return &s;
}

static char out[1 << 18], err[2000];

/* Runs a verb. Sets out and err. Returns its exit status. */
static int run(int (*verb)(int argc, char **argv), const char *const *options)
{
	FILE *stdout_before = stdout, *stderr_before = stderr;
	char *argv[8] = { "vringtop" };
	int argc = 1, status;

	while (*options)
		argv[argc++] = (char *)*options++;
	fake_probe = (struct fake_probe){ .read = read_figures };
	memset(out, 0, sizeof(out));
	memset(err, 0, sizeof(err));
	stdout = fmemopen(out, sizeof(out), "w");
	stderr = fmemopen(err, sizeof(err), "w");
	setvbuf(stderr, NULL, _IONBF, 0);
	status = verb(argc, argv);
	fclose(stdout);
	fclose(stderr);
	stdout = stdout_before;
	stderr = stderr_before;
	return status;
}

#define OPS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* What they have to print of figures.h. */
static const char *expected(enum page page, int op, uint32_t ops)
{
	static char text[1 << 16];
	FILE *f = fmemopen(text, sizeof(text), "w");
	struct table t;

	assert_int_equal(table_make(&figures, page, op, ops, &t), 0);
	table_print(&t, table_width(), f);
	fputs("\n", f);
	fclose(f);
	table_free(&t);
	return text;
}

static void tables(void **unused)
{
	static const uint32_t all = PROBE_REQUESTS, two = 1u << VT_OP_ADD | 1u << VT_OP_NOTIFY;
	static const struct {
		int (*verb)(int argc, char **argv);
		const char *options[6]; /* the rest is NULL */
		enum page page;
		int op;
		uint32_t ops;
		const char *times;
	} forms[] = {
		{ verb_stat, { "2", "1" }, PAGE_QUEUES, VT_AVAIL_TO_USED, all, "requests" },
		{ verb_stat,
		  { "-p", "queues", "2", "1" },
		  PAGE_QUEUES,
		  VT_AVAIL_TO_USED,
		  all,
		  "requests" },
		{ verb_stat,
		  { "-p", "layouts", "2", "1" },
		  PAGE_LAYOUTS,
		  VT_AVAIL_TO_USED,
		  all,
		  "requests" },
		{ verb_stat,
		  { "--page=doorbells", "2s", "1" },
		  PAGE_DOORBELLS,
		  VT_AVAIL_TO_USED,
		  all,
		  "notify" },
		{ verb_stat,
		  { "-p", "stages", "2", "1" },
		  PAGE_STAGES,
		  VT_AVAIL_TO_USED,
		  all,
		  "requests" },
		{ verb_stat, { "-o", "add,notify", "2", "1" }, PAGE_QUEUES, -1, two, "add,notify" },
		{ verb_stat,
		  { "-o", "add,notify", "-u", "2", "1" },
		  PAGE_QUEUES,
		  VT_AVAIL_TO_USED,
		  two | 1u << VT_AVAIL_TO_USED,
		  "requests" },
		{ verb_stages, { "2", "1" }, PAGE_STAGES, VT_AVAIL_TO_USED, all, "requests" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		int h, m, s, at = 0;
		char header[256];

		snapshot_free(&figures);
		make_figures(&figures, forms[i].ops);
		assert_int_equal(run(forms[i].verb, forms[i].options), 0);
		assert_string_equal(err, "");
		assert_int_equal(fake_probe.ops, forms[i].ops);
		assert_int_equal(fake_probe.reads, 2);
		/* A time of day first. */
		assert_int_equal(sscanf(out, "%2d:%2d:%2d%n", &h, &m, &s, &at), 3);
		assert_int_equal(at, 8);
		snprintf(
			header, sizeof(header),
			"  2.00 s  tracepoints  lost 3  tool 6.2%% CPU  probe 12ns/op  times: %s\n",
			forms[i].times);
		if (strncmp(out + at, header, strlen(header)))
			fail_msg("%zu: '%.160s' instead of '%s'", i, out + at, header);
		assert_string_equal(out + at + strlen(header),
				    expected(forms[i].page, forms[i].op, forms[i].ops));
	}
}

/* What limits the figures is said; a cost that is not known is not. */
static void limits(void **unused)
{
	(void)unused;
	snapshot_free(&figures);
	make_figures(&figures, PROBE_REQUESTS);
	figures.not_shown = 7;
	figures.clock_step = 4000000;
	figures.probe_ns = 0;
	assert_int_equal(run(verb_stat, OPS("2", "1")), 0);
	assert_non_null(strstr(out, "  lost 3  tool 6.2% CPU  7 queues not shown  clock steps "
				    "4.00ms  times: requests\n"));
	assert_int_equal(run(verb_hist, OPS("2", "1")), 0);
	assert_non_null(strstr(out, "2.00 s, 3 queues, lost 3  7 queues not shown  clock steps "
				    "4.00ms\n\n"));
}

static void histograms(void **unused)
{
	static const uint32_t ops = 1u << VT_OP_ADD | 1u << VT_BUFFERS_PER_DOORBELL;

	(void)unused;
	snapshot_free(&figures);
	make_figures(&figures, ops);
	figures.queues[2].gone = true;
	for (int each = 0; each < 2; each++) {
		static const char header[] = "2.00 s, 2 queues, lost 3\n\n";
		char text[1 << 16] = "";
		FILE *f = fmemopen(text, sizeof(text), "w");

		histogram_print(&figures, each, f);
		fclose(f);
		assert_int_equal(
			run(verb_hist, each ? OPS("-o", "add,buffers_per_doorbell", "-Q", "2", "1")
					    : OPS("-o", "add,buffers_per_doorbell", "2", "1")),
			0);
		assert_int_equal(fake_probe.ops, ops);
		assert_memory_equal(out, header, strlen(header));
		assert_string_equal(out + strlen(header), text);
	}
	/* All, if none is named. */
	assert_int_equal(run(verb_hist, OPS("2", "1")), 0);
	assert_int_equal(fake_probe.ops, PROBE_ALL_OPS);
}

static void json(void **unused)
{
	static int (*const verbs[])(int argc, char **argv) = { verb_stat, verb_stages, verb_hist };

	(void)unused;
	snapshot_free(&figures);
	make_figures(&figures, PROBE_REQUESTS);
	for (size_t i = 0; i < 3; i++) {
		time_t real = time(NULL);
		struct json_object *o, *made;
		uint64_t when;

		assert_int_equal(run(verbs[i], OPS("--json", "2", "1")), 0);
		o = json_tokener_parse(out);
		assert_non_null(o);
		when = json_object_get_int64(json_object_object_get(o, "time_ns"));
		assert_true(when >= (real - 1) * 1000000000ull);
		assert_true(when <= (time(NULL) + 2) * 1000000000ull);
		/* Only hist has the buckets. */
		made = json_snapshot(&figures, when, verbs[i] == verb_hist);
		out[strcspn(out, "\n")] = '\0';
		assert_string_equal(out, json_object_to_json_string_ext(
						 made, JSON_C_TO_STRING_PLAIN |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(made);
		json_object_put(o);
	}
}

static int end(void **unused)
{
	(void)unused;
	snapshot_free(&figures);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables),
		cmocka_unit_test(limits),
		cmocka_unit_test(histograms),
		cmocka_unit_test(json),
	};

	return cmocka_run_group_tests_name("stat", tests, NULL, end);
}
