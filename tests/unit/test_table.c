// SPDX-License-Identifier: GPL-2.0
/*
 * What people read, against the snapshot that it was made of: every column of every page of tables,
 * lines of operations, histograms as text. Then the legend, and which columns are shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/format.h"
#include "figures.h"
#include "model/ring.h"
#include "output/histogram_text.h"
#include "output/queue_name.h"
#include "output/table.h"

#define ALL UINT32_MAX /* operations */

static char text[64][FORMAT_LEN * 2];
static int texts;

static const char *keep(const char *what)
{
	snprintf(text[texts], sizeof(text[0]), "%s", what);
	return text[texts++];
}

static const char *time_text(double ns)
{
	char buf[FORMAT_LEN];

	return keep(format_time(buf, ns));
}

static const char *number(double n)
{
	char buf[FORMAT_LEN];

	return keep(format_number(buf, n));
}

static const char *bytes(double n)
{
	char buf[FORMAT_LEN];

	return keep(format_bytes(buf, n));
}

static const char *share(double part, double whole)
{
	char buf[FORMAT_LEN];

	snprintf(buf, sizeof(buf), "%.0f%%", 100 * part / whole);
	return keep(buf);
}

/* What a column has to show, and the number by which its rows are sorted (NAN: by the device). */
struct expected {
	const char *title, *cell;
	double key;
};

static void check_row(enum page page, const struct table_row *row, const struct expected *e)
{
	const struct column *c = table_columns(page);
	char cell[TABLE_CELL];

	for (; c->title; c++, e++) {
		assert_string_equal(c->title, e->title);
		if (strcmp(table_cell(c, row, cell), e->cell))
			fail_msg("%s is %s instead of %s", e->title, cell, e->cell);
		if (isnan(e->key))
			assert_null(c->key);
		else if (fabs(c->key(row) - e->key) > 1e-6 * fabs(e->key))
			fail_msg("%s is sorted by %f instead of %f", e->title, c->key(row), e->key);
		/* The figures are no test if two of them look the same. */
		for (const struct expected *o = e + 1; o->title && *e->cell; o++)
			if (!strcmp(e->cell, o->cell) && e->key != o->key)
				fail_msg("%s and %s are both %s", e->title, o->title, e->cell);
	}
	assert_null(e->title);
}

static uint64_t buffers(int q)
{
	return count_of(q, VT_OP_ADD) - no_of(q, VT_OP_ADD);
}

static double suppressed_share(int q)
{
	double suppressed = no_of(q, VT_OP_KICK_PREPARE);

	return suppressed / (suppressed + count_of(q, VT_OP_NOTIFY));
}

/* The share of a stage, where each stage has the time of time_sum() so many times. */
static double stage_share(int q, int stage, const unsigned int *times)
{
	double all = 0;

	for (int op = VT_STAGE_QUEUED; op <= VT_STAGE_WAKEUP; op++)
		all += (double)time_sum(q, op) * times[op - VT_STAGE_QUEUED];
	return time_sum(q, stage) * times[stage - VT_STAGE_QUEUED] / all;
}

/* @op: whose times are shown; -1: those of all */
static void check_queue_row(const struct table_row *row, int q, int op)
{
	int of = op < 0 ? LAST_OP : op;
	static const unsigned int once[] = { 1, 1, 1, 1 };
	char stage[32];
	double out = bytes_out_of(q) / SECONDS, in = bytes_in_of(q) / SECONDS;
	double fill = q ? 96.0 / 128 : 56.0 / 256;
	double mean = op < 0 ? mean_all(q) : (double)time_sum(q, op) / TIMED;
	double ops = (op < 0 ? sum_all(q, count_of) : count_of(q, op)) / SECONDS;
	double bells = count_of(q, VT_OP_NOTIFY) / SECONDS;
	double interrupts = count_of(q, VT_INTERRUPT) / SECONDS;
	double oldest = q ? 987654321 : 1234567, wakeup = stage_share(q, VT_STAGE_WAKEUP, once);
	const struct expected expected[] = {
		{ "DEVICE", q ? "virtio5 sda" : "virtio2 vda", NAN },
		{ "QUEUE", q ? "+request#2" : "req.0", NAN },
		{ "LAYOUT", q ? "split-io" : "packed", q ? 2 : 1 },
		{ "FILL", share(fill, 1), fill },
		{ "OPS/s", number(ops), ops },
		{ "BUF/s", number(buffers(q) / SECONDS), buffers(q) / SECONDS },
		{ "BELL/s", number(bells), bells },
		{ "SUPPR", share(suppressed_share(q), 1), suppressed_share(q) },
		{ "INT/s", number(interrupts), interrupts },
		{ "FAIL/s", number(no_of(q, VT_OP_ADD) / SECONDS), no_of(q, VT_OP_ADD) / SECONDS },
		{ "OUT/s", bytes(out), out },
		{ "IN/s", bytes(in), in },
		{ "MEAN", time_text(mean), mean },
		{ "P50", time_text(time_at(q, of, 0)), time_at(q, of, 0) },
		{ "P99", time_text(time_at(q, of, 2)), time_at(q, of, 2) },
		{ "MAX", time_text(time_max(q, of)), time_max(q, of) },
		{ "OLDEST", q ? ">988ms" : "1.23ms", oldest },
		{ "STAGE", stage, wakeup },
		{},
	};

	snprintf(stage, sizeof(stage), "wakeup %s", share(wakeup, 1));
	check_row(PAGE_QUEUES, row, expected);
	texts = 0;
}

static void the_page_of_queues(void **unused)
{
	struct snapshot s;
	struct table t;

	(void)unused;
	make_figures(&s, ALL);
	for (int op = -1; op < VT_NR_TIMED; op++) {
		if (op == UNSEEN)
			continue;
		assert_int_equal(table_make(&s, PAGE_QUEUES, op, ALL, &t), 0);
		assert_int_equal(t.nr_rows, BUSY + 1);
		for (int q = 0; q < BUSY; q++)
			check_queue_row(&t.rows[q], q, op);
		assert_true(t.rows[0].moved && t.rows[1].moved && !t.rows[2].moved);
		table_free(&t);
	}
	snapshot_free(&s);
}

static void the_page_of_layouts(void **unused)
{
	double all = sum_all(0, count_of) + sum_all(1, count_of);
	struct snapshot s;
	struct table t;

	(void)unused;
	make_figures(&s, ALL);
	assert_int_equal(table_make(&s, PAGE_LAYOUTS, -1, ALL, &t), 0);
	assert_int_equal(t.nr_rows, 2);
	for (int q = 0; q < BUSY; q++) {
		double ops = sum_all(q, count_of), mean = mean_all(q);
		double out = bytes_out_of(q) / SECONDS, in = bytes_in_of(q) / SECONDS;
		const struct expected expected[] = {
			{ "LAYOUT", q ? "split-io" : "packed", q ? 2 : 1 },
			{ "QUEUES", q ? "1" : "2", q ? 1 : 2 },
			{ "OPS/s", number(ops / SECONDS), ops / SECONDS },
			{ "SHARE", share(ops, all), ops / all },
			{ "BUF/s", number(buffers(q) / SECONDS), buffers(q) / SECONDS },
			{ "OUT/s", bytes(out), out },
			{ "IN/s", bytes(in), in },
			{ "MEAN", time_text(mean), mean },
			{ "P50", time_text(time_at(q, LAST_OP, 0)), time_at(q, LAST_OP, 0) },
			{ "P99", time_text(time_at(q, LAST_OP, 2)), time_at(q, LAST_OP, 2) },
			{ "MAX", time_text(time_max(q, LAST_OP)), time_max(q, LAST_OP) },
			{},
		};

		check_row(PAGE_LAYOUTS, &t.rows[q], expected);
		texts = 0;
	}
	table_free(&t);
	snapshot_free(&s);
}

static void the_page_of_doorbells(void **unused)
{
	struct snapshot s;
	struct table t;

	(void)unused;
	make_figures(&s, ALL);
	/* Whose times are asked for does not matter: those of notify are shown. */
	assert_int_equal(table_make(&s, PAGE_DOORBELLS, VT_OP_GET, ALL, &t), 0);
	for (int q = 0; q < BUSY; q++) {
		const int op = VT_OP_NOTIFY;
		double bells = count_of(q, op) / SECONDS;
		double not = no_of(q, VT_OP_KICK_PREPARE) / SECONDS;
		double batch = (70.0 * some_buffers(q) + 30 * most_buffers(q)) / 100;
		double wrong = no_of(q, VT_OP_NOTIFICATION_DATA);
		double interrupts = count_of(q, VT_INTERRUPT) / SECONDS;
		double found = (70.0 * some_found(q) + 30 * most_found(q)) / 100;
		char batch_text[16], found_text[16], ring[2 * FORMAT_LEN];
		const struct expected expected[] = {
			{ "DEVICE", q ? "virtio5 sda" : "virtio2 vda", NAN },
			{ "QUEUE", q ? "+request#2" : "req.0", NAN },
			{ "BELL/s", number(bells), bells },
			{ "SUPP/s", number(not ), not },
			{ "BUF/BELL", batch_text, batch },
			{ "INT/s", number(interrupts), interrupts },
			{ "BUF/INT", found_text, found },
			{ "MOST", number(most_buffers(q)), most_buffers(q) },
			{ "FAIL", number(no_of(q, op)), no_of(q, op) },
			{ "P50", time_text(time_at(q, op, 0)), time_at(q, op, 0) },
			{ "P99", time_text(time_at(q, op, 2)), time_at(q, op, 2) },
			{ "MAX", time_text(time_max(q, op)), time_max(q, op) },
			/* Number 7: 0x800c, whose highest bit is the wrap counter. */
			{ "DATA", q ? "-" : "q0 @12 w1", NAN },
			{ "RING", ring, wrong },
			{},
		};

		snprintf(batch_text, sizeof(batch_text), "%.1f", batch);
		snprintf(found_text, sizeof(found_text), "%.1f", found);
		snprintf(ring, sizeof(ring), "%s!", number(wrong));
		check_row(PAGE_DOORBELLS, &t.rows[q], expected);
		texts = 0;
	}
	table_free(&t);
	snapshot_free(&s);
}

static void the_page_of_stages(void **unused)
{
	static const char *const titles[][2] = {
		{ "QUE%", "QUEUED" }, { "BEL%", "BELL" }, { "DEV%", "DEVICE" }, { "WAK%", "WAKEUP" }
	};
	static const unsigned int times[] = { 3, 7, 2, 5 };
	struct snapshot s;
	struct table t;

	(void)unused;
	make_figures(&s, ALL);
	for (int q = 0; q < BUSY; q++)
		for (int i = 0; i < 4; i++)
			s.queues[q].op[VT_STAGE_QUEUED + i]->sum *= times[i];
	/* Whose times are asked for does not matter: those of requests are shown. */
	assert_int_equal(table_make(&s, PAGE_STAGES, VT_OP_GET, ALL, &t), 0);
	for (int q = 0; q < BUSY; q++) {
		const int op = VT_AVAIL_TO_USED;
		struct expected expected[15] = {
			{ "DEVICE", q ? "virtio5 sda" : "virtio2 vda", NAN },
			{ "QUEUE", q ? "+request#2" : "req.0", NAN },
			{ "BUF/s", number(buffers(q) / SECONDS), buffers(q) / SECONDS },
			{ "P50", time_text(time_at(q, op, 0)), time_at(q, op, 0) },
			{ "P99", time_text(time_at(q, op, 2)), time_at(q, op, 2) },
			[13] = { "OLDEST", q ? ">988ms" : "1.23ms", q ? 987654321 : 1234567 },
		};

		for (int i = 0; i < 4; i++) {
			double part = stage_share(q, VT_STAGE_QUEUED + i, times);
			double p99 = time_at(q, VT_STAGE_QUEUED + i, 2);

			expected[5 + 2 * i] =
				(struct expected){ titles[i][0], share(part, 1), part };
			expected[6 + 2 * i] =
				(struct expected){ titles[i][1], time_text(p99), p99 };
		}
		check_row(PAGE_STAGES, &t.rows[q], expected);
		texts = 0;
	}
	table_free(&t);
	snapshot_free(&s);
}

/* Joins words with one blank between each two. */
static void squeeze(char *to, const char *from)
{
	char *at = to;

	for (; *from; from++)
		if (*from != ' ' || (at > to && at[-1] != ' '))
			*at++ = *from;
	while (at > to && at[-1] == ' ')
		at--;
	*at = '\0';
}

/* A line has the cells in the order of the titles, whichever fit. */
static void a_line_has_each_cell_below_its_title(void **unused)
{
	struct snapshot s;
	struct table t;

	(void)unused;
	make_figures(&s, ALL);
	for (enum page page = 0; page < NR_PAGES; page++) {
		const struct column *c = table_columns(page);

		assert_int_equal(table_make(&s, page, -1, ALL, &t), 0);
		for (int width = 80; width < 200; width++) {
			int shown[TABLE_MAX_COLUMNS], widths[TABLE_MAX_COLUMNS], at = 0;
			int n = table_fit(page, width, shown);
			char titles[256], line[256];

			table_widths(&t, width, shown, n, widths);
			table_line(page, shown, widths, n, NULL, titles, sizeof(titles));
			table_line(page, shown, widths, n, &t.rows[0], line, sizeof(line));
			assert_true(strlen(line) <= (size_t)width);
			for (int i = 0; i < n; i++) {
				const struct column *one = &c[shown[i]];
				char cell[TABLE_CELL], part[TABLE_CELL], got[TABLE_CELL];

				snprintf(part, sizeof(part), "%.*s", widths[i], titles + at);
				squeeze(got, part);
				assert_string_equal(got, one->title);
				snprintf(part, sizeof(part), "%.*s", widths[i], line + at);
				squeeze(got, part);
				table_cell(one, &t.rows[0], cell);
				assert_string_equal(got, cell);
				at += widths[i] + 1;
			}
		}
		table_free(&t);
	}
	snapshot_free(&s);
}

/* On the heap, where the sanitizer sees a byte behind the line. */
static void a_line_stays_in_its_room(void **unused)
{
	int shown[TABLE_MAX_COLUMNS], widths[TABLE_MAX_COLUMNS];
	int n = table_fit(PAGE_DOORBELLS, 300, shown);

	(void)unused;
	for (int i = 0; i < n; i++)
		widths[i] = 8;
	for (size_t size = 1; size < 120; size++) {
		char *line = malloc(size);

		assert_non_null(line);
		table_line(PAGE_DOORBELLS, shown, widths, n, NULL, line, size);
		assert_in_range(strlen(line), 0, size - 1);
		free(line);
	}
}

/* The least width that shows all columns: each is as wide as its numbers need, and no wider. */
static void columns_are_as_wide_as_needed(void **unused)
{
	int shown[TABLE_MAX_COLUMNS], all = table_fit(PAGE_DOORBELLS, 300, shown);

	(void)unused;
	assert_int_equal(table_fit(PAGE_DOORBELLS, 113, shown), all);
	assert_in_range(table_fit(PAGE_DOORBELLS, 113 - 1, shown), 1, all - 1);
}

/* All columns of layouts are always shown. So they must fit into 80 columns, and no cell may grow.
 */
static void layouts_have_78_columns(void **unused)
{
	const struct column *c = table_columns(PAGE_LAYOUTS);
	int shown[TABLE_MAX_COLUMNS], width = -1, n = 0;

	(void)unused;
	for (; c[n].title; n++)
		width += c[n].width + 1;
	assert_int_equal(width, 78);
	assert_int_equal(table_fit(PAGE_LAYOUTS, 20, shown), n);
}

/* Prints the rows of a page into a text that is valid until the next call. */
static const char *printed_table(const struct table *t, int width)
{
	static char all[4096];
	FILE *f = fmemopen(all, sizeof(all), "w");

	assert_non_null(f);
	table_print(t, width, f);
	fclose(f);
	return all;
}

/* Names get the room that is left, and the device gets it first. */
static void names_are_cut_only_without_room(void **unused)
{
	static const struct {
		int width;
		const char *title, *line;
	} all[] = {
		{ 80, "DEVICE       QUEUE     LAYOUT  ", "virtio5 cons +reques#2 split-io" },
		{ 82, "DEVICE         QUEUE     LAYOUT  ", "virtio5 consol +reques#2 split-io" },
		{ 83, "DEVICE          QUEUE     LAYOUT  ", "virtio5 console +reques#2 split-io" },
		{ 84, "DEVICE          QUEUE      LAYOUT  ",
		  "virtio5 console +request#2 split-io" },
		{ 97, "DEVICE          QUEUE      LAYOUT  ",
		  "virtio5 console +request#2 split-io" },
		/* More columns go before longer names. */
		{ 98, "DEVICE       QUEUE     LAYOUT    FILL ",
		  "virtio5 cons +reques#2 split-io   75% " },
	};
	struct snapshot s;
	struct table t;

	(void)unused;
	make_figures(&s, ALL);
	strcpy(s.queues[1].role, "console");
	/* The names of an idle queue, which has no row, need no room. */
	strcpy(s.queues[2].role, "a name of some length");
	assert_int_equal(table_make(&s, PAGE_QUEUES, -1, ALL, &t), 0);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const char *text = printed_table(&t, all[i].width);

		assert_memory_equal(text, all[i].title, strlen(all[i].title));
		if (!strstr(text, all[i].line))
			fail_msg("%d columns: %s is not in\n%s", all[i].width, all[i].line, text);
	}
	table_free(&t);
	snapshot_free(&s);
}

/* Whole, as on the narrowest and on a wide terminal. The values are those of the tests above. */
static void whole_tables(void **unused)
{
	static const struct {
		enum page page;
		int width;
		const char *text;
	} all[] = {
		{ PAGE_QUEUES, 80,
		  "DEVICE       QUEUE     LAYOUT     BUF/s    P50    P99    MAX  OLDEST STAGE\n"
		  "virtio2 vda  req.0     packed     4.95k   70ns 5.50us 3.54ms  1.23ms "
		  "wakeup 26%\n"
		  "virtio5 sda  +reques#2 split-io   8.54k  212ns 15.6us 10.5ms  >988ms "
		  "wakeup 26%\n"
		  "1 idle queue not shown\n" },
		{ PAGE_QUEUES, 200,
		  "DEVICE       QUEUE      LAYOUT    FILL  OPS/s  BUF/s BELL/s SUPPR"
		  "  INT/s FAIL/s  "
		  "OUT/s   IN/s   MEAN    P50    P99    MAX  OLDEST STAGE\n"
		  "virtio2 vda  req.0      packed     22%   114k  4.95k  5.50k    7%"
		  "  8.05k    101  "
		  "1.43M  4.29M 2.85us   70ns 5.50us 3.54ms  1.23ms wakeup 26%\n"
		  "virtio5 sda  +request#2 split-io   75%   181k  8.54k  9.25k    8%"
		  "  11.8k    264  "
		  "1.76M  4.53M 5.35us  212ns 15.6us 10.5ms  >988ms wakeup 26%\n"
		  "1 idle queue not shown\n" },
		{ PAGE_LAYOUTS, 80,
		  "LAYOUT    QUEUES  OPS/s SHARE  BUF/s  OUT/s   IN/s   MEAN    P50    P99    MAX\n"
		  "packed         2   114k   39%  4.95k  1.43M  4.29M 2.85us   70ns 5.50us 3.54ms\n"
		  "split-io       1   181k   61%  8.54k  1.76M  4.53M 5.35us  212ns "
		  "15.6us 10.5ms\n" },
		{ PAGE_DOORBELLS, 80,
		  "DEVICE       QUEUE     BELL/s SUPP/s BUF/BELL  INT/s BUF/INT DATA         RING\n"
		  "virtio2 vda  req.0      5.50k    428      8.4  8.05k    18.3 q0 @12 "
		  "w1    1.58k!\n"
		  "virtio5 sda  +reques#2  9.25k    819     10.9  11.8k    20.5 -       "
		  "     2.82k!\n"
		  "1 idle queue not shown\n" },
		{ PAGE_DOORBELLS, 200,
		  "DEVICE       QUEUE      BELL/s SUPP/s BUF/BELL  INT/s BUF/INT  MOST  "
		  "FAIL    P50    "
		  "P99    MAX DATA         RING\n"
		  "virtio2 vda  req.0       5.50k    428      8.4  8.05k    18.3  "
		  "  21 1.21k   39ns "
		  "3.01us 1.90ms q0 @12 w1    1.58k!\n"
		  "virtio5 sda  +request#2  9.25k    819     10.9  11.8k    20.5  "
		  "  27 2.22k  114ns "
		  "8.45us 5.77ms -            2.82k!\n"
		  "1 idle queue not shown\n" },
		{ PAGE_STAGES, 80,
		  "DEVICE       QUEUE         P99 QUE% QUEUED BEL%   BELL DEV% DEVICE WAK% WAKEUP\n"
		  "virtio2 vda  req.0      6.02us  24% 6.53us  25% 6.78us  25% 7.04us  26% 7.30us\n"
		  "virtio5 sda  +request#2 16.9us  24% 18.9us  25% 20.0us  25% 21.0us  26% 22.0us\n"
		  "1 idle queue not shown\n" },
		{ PAGE_STAGES, 200,
		  "DEVICE       QUEUE       BUF/s    P50    P99 QUE% QUEUED BEL%   BELL "
		  "DEV% DEVICE WAK% "
		  "WAKEUP  OLDEST\n"
		  "virtio2 vda  req.0       4.95k   78ns 6.02us  24% 6.53us  25% 6.78us  "
		  "25% 7.04us  26% "
		  "7.30us  1.23ms\n"
		  "virtio5 sda  +request#2  8.54k  228ns 16.9us  24% 18.9us  25% 20.0us  "
		  "25% 21.0us  26% "
		  "22.0us  >988ms\n"
		  "1 idle queue not shown\n" },
	};
	struct snapshot s;
	struct table t;

	(void)unused;
	make_figures(&s, ALL);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		assert_int_equal(table_make(&s, all[i].page, -1, ALL, &t), 0);
		assert_string_equal(printed_table(&t, all[i].width), all[i].text);
		table_free(&t);
	}
	/* All idle, and none. */
	snapshot_free(&s);
	make_figures(&s, 0);
	s.queues[0].oldest = s.queues[1].oldest = 0;
	assert_int_equal(table_make(&s, PAGE_QUEUES, -1, ALL, &t), 0);
	assert_non_null(strstr(printed_table(&t, 80), "STAGE\n3 idle queues not shown\n"));
	table_free(&t);
	s.nr_queues = 0;
	assert_int_equal(table_make(&s, PAGE_QUEUES, -1, ALL, &t), 0);
	assert_null(strstr(printed_table(&t, 80), "idle"));
	table_free(&t);
	s.nr_queues = BUSY + 1;
	snapshot_free(&s);
}

/* The least widths with so many columns. */
static void columns_by_width(void **unused)
{
	static const struct {
		enum page page;
		int width, columns, fewer;
	} all[] = {
		{ PAGE_QUEUES, 98, 12, 9 },	{ PAGE_QUEUES, 119, 15, 12 },
		{ PAGE_QUEUES, 133, 17, 15 },	{ PAGE_QUEUES, 140, 18, 17 },
		{ PAGE_DOORBELLS, 100, 12, 9 }, { PAGE_DOORBELLS, 113, 14, 12 },
		{ PAGE_STAGES, 99, 14, 11 },
	};
	int shown[TABLE_MAX_COLUMNS];

	(void)unused;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		assert_int_equal(table_fit(all[i].page, all[i].width, shown), all[i].columns);
		assert_int_equal(table_fit(all[i].page, all[i].width - 1, shown), all[i].fewer);
	}
}

/* What a cell shows in place of a number, and where the row is sorted then. */
static void states_of_queues(void **unused)
{
	static const struct {
		bool gone, broken, input;
		uint64_t oldest;
		const char *fill, *text;
		uint64_t key;
	} all[] = {
		{ false, false, false, 5000, "22%", "5.00us", 5000 },
		{ false, false, false, 0, "22%", "-", 0 },
		{ false, true, false, 5000, "BROK", "BROKEN", 5000 },
		{ true, false, false, 5000, "GONE", "GONE", 5000 },
		{ true, true, false, 0, "GONE", "GONE", 0 },
		{ false, false, true, 5000, "22%", "input", 0 },
		{ false, false, true, 0, "22%", "-", 0 },
	};
	const struct column *c = table_columns(PAGE_QUEUES);
	int fill = table_column(PAGE_QUEUES, "FILL"), age = table_column(PAGE_QUEUES, "OLDEST");
	char cell[TABLE_CELL];
	struct snapshot s;
	struct table t;

	(void)unused;
	make_figures(&s, ALL);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct queue *q = &s.queues[0];

		q->gone = all[i].gone;
		q->broken = all[i].broken;
		q->oldest = all[i].oldest;
		/* The first queue of a network card. */
		q->device_type = all[i].input ? 1 : 2;
		assert_int_equal(table_make(&s, PAGE_QUEUES, -1, ALL, &t), 0);
		assert_string_equal(table_cell(&c[fill], &t.rows[0], cell), all[i].fill);
		assert_string_equal(table_cell(&c[age], &t.rows[0], cell), all[i].text);
		assert_true(c[age].key(&t.rows[0]) == all[i].key);
		table_free(&t);
	}
	/* A ring of no size is not full. Without bytes of the kernel there is no rate. */
	s.queues[0].num = s.queues[0].num_free = 0;
	s.no_bytes_out = true;
	assert_int_equal(table_make(&s, PAGE_QUEUES, -1, ALL, &t), 0);
	assert_true(c[fill].key(&t.rows[0]) == 0);
	assert_string_equal(table_cell(&c[table_column(PAGE_QUEUES, "OUT/s")], &t.rows[0], cell),
			    "n/a");
	table_free(&t);
	snapshot_free(&s);
}

/* Notification data of a split ring, and whether it agreed. */
static void data_of_doorbells(void **unused)
{
	const struct column *c = table_columns(PAGE_DOORBELLS);
	int data = table_column(PAGE_DOORBELLS, "DATA"),
	    ring = table_column(PAGE_DOORBELLS, "RING");
	char cell[TABLE_CELL];
	struct snapshot s;
	struct table t;

	(void)unused;
	make_figures(&s, ALL);
	s.queues[0].layout = VT_LAYOUT_SPLIT;
	s.queues[0].doorbells.last[DOORBELLS - 1].value = 0x800c0003;
	s.queues[0].op[VT_OP_NOTIFICATION_DATA]->refused = 0;
	assert_int_equal(table_make(&s, PAGE_DOORBELLS, -1, ALL, &t), 0);
	assert_string_equal(table_cell(&c[data], &t.rows[0], cell), "q3 @32780");
	assert_string_equal(table_cell(&c[ring], &t.rows[0], cell), "ok");
	s.queues[0].op[VT_OP_NOTIFICATION_DATA]->count = 0;
	assert_string_equal(table_cell(&c[ring], &t.rows[0], cell), "-");
	table_free(&t);
	snapshot_free(&s);
}

/* The largest first; what is equal stands in the order of the devices. */
static void the_order_of_rows(void **unused)
{
	static const struct {
		enum page page;
		const char *title;
		int rows[3], reversed[3];
	} all[] = {
		{ PAGE_QUEUES, "BUF/s", { 1, 0, 2 }, { 2, 0, 1 } },
		{ PAGE_QUEUES, "DEVICE", { 0, 1, 2 }, { 2, 1, 0 } },
		{ PAGE_QUEUES, "QUEUE", { 0, 1, 2 }, { 2, 1, 0 } }, /* two are "request" */
		{ PAGE_QUEUES, "LAYOUT", { 1, 0, 2 }, { 2, 0, 1 } },
		{ PAGE_QUEUES, "FILL", { 1, 0, 2 }, { 2, 0, 1 } },
		{ PAGE_DOORBELLS, "DATA", { 0, 1, 2 }, { 2, 1, 0 } },
	};
	struct snapshot s;

	(void)unused;
	make_figures(&s, ALL);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		for (int reverse = 0; reverse < 2; reverse++) {
			const int *rows = reverse ? all[i].reversed : all[i].rows;
			struct table t;

			assert_int_equal(table_make(&s, all[i].page, -1, ALL, &t), 0);
			table_sort(&t, table_column(all[i].page, all[i].title), reverse);
			for (int n = 0; n < 3; n++)
				if (t.rows[n].queue != &s.queues[rows[n]])
					fail_msg("%zu: row %d is another one", i, n);
			table_free(&t);
		}
	/* By name, not by device: the last one is the first now. */
	strcpy(s.queues[2].name, "a");
	for (int page = 0; page < 2; page++) {
		struct table t;

		assert_int_equal(table_make(&s, page, -1, ALL, &t), 0);
		table_sort(&t, page ? table_column(page, "QUEUES") : table_column(page, "QUEUE"),
			   false);
		if (!page)
			assert_ptr_equal(t.rows[0].queue, &s.queues[2]);
		else
			assert_int_equal(t.rows[0].layout, VT_LAYOUT_PACKED);
		table_free(&t);
	}
	snapshot_free(&s);
}

/* A column that no width shows would be dead. */
static void every_column_is_shown_where_there_is_room(void **unused)
{
	(void)unused;
	for (enum page page = 0; page < NR_PAGES; page++) {
		int shown[TABLE_MAX_COLUMNS], n = table_fit(page, 300, shown), all = 0;

		while (table_columns(page)[all].title)
			all++;
		assert_int_equal(n, all);
		assert_true(all <= TABLE_MAX_COLUMNS);
	}
}

/* Whether a line of table_print() at 200 columns has a word. */
static bool has_word(const struct snapshot *s, uint32_t counted, enum page page, const char *title)
{
	int column = table_column(page, title);
	char cell[TABLE_CELL];
	struct table t;

	assert_int_equal(table_make(s, page, -1, counted, &t), 0);
	table_cell(&table_columns(page)[column], &t.rows[0], cell);
	table_free(&t);
	return strcmp(cell, "-");
}

static void what_is_not_counted_is_a_dash(void **unused)
{
	static const struct {
		enum page page;
		const char *title;
		uint32_t needs;
	} columns[] = {
		{ PAGE_QUEUES, "BUF/s", 1u << VT_OP_ADD },
		{ PAGE_QUEUES, "OUT/s", 1u << VT_OP_ADD },
		{ PAGE_QUEUES, "FAIL/s", 1u << VT_OP_ADD },
		{ PAGE_QUEUES, "IN/s", 1u << VT_OP_GET },
		{ PAGE_QUEUES, "INT/s", 1u << VT_INTERRUPT },
		{ PAGE_QUEUES, "OLDEST", 1u << VT_AVAIL_TO_USED },
		{ PAGE_QUEUES, "BELL/s", 1u << VT_OP_NOTIFY },
		{ PAGE_QUEUES, "SUPPR", 1u << VT_OP_KICK_PREPARE | 1u << VT_OP_NOTIFY },
		{ PAGE_LAYOUTS, "BUF/s", 1u << VT_OP_ADD },
		{ PAGE_LAYOUTS, "OUT/s", 1u << VT_OP_ADD },
		{ PAGE_LAYOUTS, "IN/s", 1u << VT_OP_GET },
		{ PAGE_DOORBELLS, "BELL/s", 1u << VT_OP_NOTIFY },
		{ PAGE_DOORBELLS, "SUPP/s", 1u << VT_OP_KICK_PREPARE },
		{ PAGE_DOORBELLS, "BUF/BELL", 1u << VT_BUFFERS_PER_DOORBELL },
		{ PAGE_DOORBELLS, "BUF/INT", 1u << VT_BUFFERS_PER_INTERRUPT },
		{ PAGE_DOORBELLS, "MOST", 1u << VT_BUFFERS_PER_DOORBELL },
		{ PAGE_DOORBELLS, "FAIL", 1u << VT_OP_NOTIFY },
		{ PAGE_DOORBELLS, "P50", 1u << VT_OP_NOTIFY },
		{ PAGE_STAGES, "P99", 1u << VT_AVAIL_TO_USED },
		{ PAGE_STAGES, "WAK%", VT_STAGES },
	};
	struct snapshot s;

	(void)unused;
	make_figures(&s, ALL);
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		for (int op = 0; op < VT_NR_COUNTED; op++) {
			bool needs = columns[i].needs >> op & 1;

			/* stat -o disable_cb has all bits but those of the other operations. */
			if (has_word(&s, ~(1u << op), columns[i].page, columns[i].title) == needs)
				fail_msg("%s without %s", columns[i].title, op_name(op));
			s.unavailable = 1u << op;
			if (has_word(&s, ALL, columns[i].page, columns[i].title) == needs)
				fail_msg("%s where %s is not visible", columns[i].title,
					 op_name(op));
			s.unavailable = 0;
		}
	snapshot_free(&s);
}

/* 99 times of 0 ns and one of 4 ms, as by a clock that moves in steps of 4 ms. To be freed. */
static struct op_stats *stepped_times(void)
{
	struct op_stats *o = NULL;

	assert_int_equal(op_stats_room(&o, VT_NR_BUCKETS), 0);
	histogram_put(&o->histogram, 0, 99);
	histogram_put(&o->histogram, histogram_bucket(4000000), 1);
	o->count = o->timed = 100;
	o->sum = o->max = 4000000;
	return o;
}

/* A clock that moves in steps: a time of 0 is below a step, one above it is what was measured. */
static void times_below_a_step_of_the_clock(void **unused)
{
	struct queue q = { .serial = 1, .num = 8 };
	struct snapshot s = { .since = 1000000000, .how = "tracepoints", .nr_queues = 1 };
	char cell[TABLE_CELL], limits[80];
	struct table t;

	(void)unused;
	s.queues = &q;
	q.op[VT_OP_ADD] = stepped_times();
	for (int steps = 0; steps < 2; steps++) {
		s.clock_step = steps ? 4000000 : 0;
		assert_int_equal(table_make(&s, PAGE_QUEUES, VT_OP_ADD, ALL, &t), 0);
		table_cell(&table_columns(PAGE_QUEUES)[table_column(PAGE_QUEUES, "P50")],
			   &t.rows[0], cell);
		assert_string_equal(cell, steps ? "<4.0ms" : "0ns");
		table_cell(&table_columns(PAGE_QUEUES)[table_column(PAGE_QUEUES, "MAX")],
			   &t.rows[0], cell);
		assert_string_equal(cell, steps ? "<8.0ms" : "4.00ms");
		table_free(&t);
	}
	s.not_shown = 7;
	assert_string_equal(snapshot_limits(&s, limits, sizeof(limits)),
			    "  7 queues not shown  clock steps 4.00ms");
	free(q.op[VT_OP_ADD]);
}

static void the_header_names_whose_times_are_shown(void **unused)
{
	char got[64], cut[8];

	(void)unused;
	assert_string_equal(table_timed(PAGE_QUEUES, -1, ALL, got, sizeof(got)), "all");
	for (int op = 0; op < VT_NR_OPS; op++)
		assert_string_equal(table_timed(PAGE_QUEUES, op, ALL, got, sizeof(got)),
				    op_name(op));
	assert_string_equal(table_timed(PAGE_QUEUES, VT_AVAIL_TO_USED, ALL, got, sizeof(got)),
			    "requests");
	assert_string_equal(
		table_timed(PAGE_LAYOUTS, -1, 1u << VT_OP_ADD | 1u << VT_OP_GET, got, sizeof(got)),
		"add,get");
	assert_string_equal(table_timed(PAGE_DOORBELLS, VT_OP_GET, ALL, got, sizeof(got)),
			    "notify");
	assert_string_equal(table_timed(PAGE_QUEUES, -1, 0, got, sizeof(got)), "none");
	assert_string_equal(table_timed(PAGE_QUEUES, -1, ALL - 1, cut, sizeof(cut)), "get,kic");
}

static void lines_of_operations(void **unused)
{
	struct snapshot s;

	(void)unused;
	assert_string_equal(OP_LINE_TITLE, "OPERATION         COUNT   RATE   MEAN    P50    P90    "
					   "P99  P99.9    MAX    NO");
	make_figures(&s, ALL);
	for (int q = 0; q < BUSY; q++)
		for (int op = 0; op < VT_NR_TIMED; op++) {
			char line[256], got[256], expected[256], no[64] = "";

			if (op == UNSEEN)
				continue;
			if (op_refused_name(op))
				snprintf(no, sizeof(no), " %u%% %s", no_percent(q, op),
					 op_refused_name(op));
			snprintf(expected, sizeof(expected), "%s %s %s %s %s %s %s %s %s%s",
				 op_name(op), number(count_of(q, op)),
				 number(count_of(q, op) / SECONDS),
				 time_text((double)time_sum(q, op) / TIMED),
				 time_text(time_at(q, op, 0)), time_text(time_at(q, op, 1)),
				 time_text(time_at(q, op, 2)), time_text(time_at(q, op, 3)),
				 time_text(time_max(q, op)), no);
			table_op_line(op, s.queues[q].op[op], &s, 90, line, sizeof(line));
			squeeze(got, line);
			assert_string_equal(got, expected);
			texts = 0;
		}
	snapshot_free(&s);
}

/* What histogram_print() prints. To be freed. */
static char *printed(const struct snapshot *s, bool per_queue)
{
	char *all;
	size_t size;
	FILE *f = open_memstream(&all, &size);

	assert_non_null(f);
	histogram_print(s, per_queue, f);
	fclose(f);
	return all;
}

static void assert_has(const char *all, const char *line)
{
	const char *at = strstr(all, line);

	if (!at || (at > all && at[-1] != '\n'))
		fail_msg("no line '%s' in:\n%.4000s", line, all);
}

/* Each bar is a power of two: how many of the times are in it. */
static void bars_of_histograms(void **unused)
{
	struct snapshot s;
	char *all;

	(void)unused;
	make_figures(&s, ALL);
	all = printed(&s, true);
	for (int q = 0; q < BUSY; q++)
		for (int op = 0; op < VT_NR_TIMED; op++) {
			char line[512], *of, no[64] = "", a[FORMAT_LEN], b[FORMAT_LEN];

			if (op == UNSEEN)
				continue;
			if (op_refused_name(op))
				snprintf(no, sizeof(no), ", %u%% %s", no_percent(q, op),
					 op_refused_name(op));
			snprintf(line, sizeof(line),
				 "%s %s: %llu, %s/s%s\n"
				 "  mean %s  p50 %s  p90 %s  p99 %s  p99.9 %s  max %s\n",
				 q ? "virtio5 sda request#2 split-in-order"
				   : "virtio2 vda req.0 packed",
				 op_name(op), (unsigned long long)count_of(q, op),
				 number(count_of(q, op) / SECONDS), no,
				 time_text((double)time_sum(q, op) / TIMED),
				 time_text(time_at(q, op, 0)), time_text(time_at(q, op, 1)),
				 time_text(time_at(q, op, 2)), time_text(time_at(q, op, 3)),
				 time_text(time_max(q, op)));
			texts = 0;
			assert_has(all, line);
			of = strstr(all, line) + strlen(line);
			for (int power = 0; power < 40; power++) {
				unsigned long long from = 1ull << power, in = 0;
				unsigned int bar;

				for (int level = 0; level < LEVELS; level++) {
					uint64_t at = bucket_from(bucket_of(q, op, level));

					in += at >= from && at < 2 * from ? at_level[level] : 0;
				}
				if (!in)
					continue;
				snprintf(line, sizeof(line), "  %7s - %-7s %9llu |",
					 format_time(a, from), format_time(b, 2 * from), in);
				of = strstr(of, line);
				if (!of)
					fail_msg("%s has no bar '%s' in:\n%.3000s", op_name(op),
						 line, all);
				/* The longest has 44 characters, and is that of the median. */
				bar = strspn(of + strlen(line), "#");
				assert_true(bar >= 1 && bar <= 44 && (in != 5000 || bar == 44));
			}
		}
	/* Buffers are numbers, not times. */
	for (int q = 0; q < BUSY; q++) {
		char line[128];

		snprintf(line, sizeof(line), "  p50 %u  p90 %u  p99 %u  p99.9 %u  max %u\n",
			 some_found(q), most_found(q), most_found(q), most_found(q), most_found(q));
		assert_non_null(strstr(all, line));
		snprintf(line, sizeof(line), "  p50 %u  p90 %u  p99 %u  p99.9 %u  max %u\n",
			 some_buffers(q), most_buffers(q), most_buffers(q), most_buffers(q),
			 most_buffers(q));
		assert_non_null(strstr(all, line));
	}
	free(all);
	snapshot_free(&s);
}

/* The same times by a clock that moves in steps: it moved by none, or by one. */
static void histograms_below_a_step_of_the_clock(void **unused)
{
	struct queue q = { .serial = 1, .num = 8 };
	struct snapshot s = { .since = 1000000000, .nr_queues = 1, .queues = &q };

	(void)unused;
	q.op[VT_OP_ADD] = stepped_times();
	for (int steps = 0; steps < 2; steps++) {
		char *all;

		s.clock_step = steps ? 4000000 : 0;
		all = printed(&s, false);
		assert_has(all, steps ? "  mean 40.0us  p50 <4.0ms  p90 <4.0ms  p99 <4.0ms  "
					"p99.9 <8.0ms  max <8.0ms\n"
				      : "  mean 40.0us  p50 0ns  p90 0ns  p99 0ns  p99.9 4.00ms  "
					"max 4.00ms\n");
		assert_has(all, steps ? "      0ns - 4.00ms         99 |"
				      : "      0ns - 1ns            99 |");
		free(all);
	}
	free(q.op[VT_OP_ADD]);
}

static void batches_are_no_times(void **unused)
{
	char *all, line[256];
	struct snapshot s;

	(void)unused;
	make_figures(&s, 1u << VT_BUFFERS_PER_DOORBELL);
	all = printed(&s, true);
	for (int q = 0; q < BUSY; q++) {
		snprintf(line, sizeof(line), "  mean %s  p50 %u  p90 %u  p99 %u  p99.9 %u  max %u",
			 number((70.0 * some_buffers(q) + 30 * most_buffers(q)) / 100),
			 some_buffers(q), most_buffers(q), most_buffers(q), most_buffers(q),
			 most_buffers(q));
		assert_has(all, line);
	}
	free(all);
	snapshot_free(&s);
}

static void names_that_repeat_have_an_index(void **unused)
{
	struct queue queues[] = {
		{ .device = 1, .index = 0, .name = "request" },
		{ .device = 2, .index = 0, .name = "control" },
		{ .device = 2, .index = 2, .name = "request" },
		{ .device = 2, .index = 3, .name = "request", .role = "sda" },
		/* The one that was deleted had the same index: GONE says which is which. */
		{ .device = 3, .index = 0, .name = "req.0" },
		{ .device = 3, .index = 0, .name = "req.0", .gone = true },
	};
	struct snapshot s = { .nr_queues = 6, .queues = queues };
	char name[QUEUE_NAME], title[QUEUE_TITLE];

	(void)unused;
	assert_string_equal(queue_name(&s, &queues[0], 40, name), "request");
	assert_string_equal(queue_name(&s, &queues[1], 40, name), "control");
	assert_string_equal(queue_name(&s, &queues[2], 40, name), "request#2");
	assert_string_equal(queue_name(&s, &queues[3], 40, name), "request#3");
	assert_string_equal(queue_name(&s, &queues[3], 6, name), "requ#3");
	assert_string_equal(queue_name(&s, &queues[4], 40, name), "req.0");
	assert_string_equal(queue_title(&s, &queues[3], title), "virtio2 sda request#3");
}

/* The legend stands beside the columns; README has the same. The tests run where it is. */
static void readme_has_the_legend(void **unused)
{
	struct table_legend legend[TABLE_MAX_LEGEND];
	size_t n = table_legend(NR_PAGES, legend), rows = 0;
	char line[512], row[256], *readme = calloc(1, 1 << 20);
	FILE *f = fopen("README.md", "r");

	(void)unused;
	assert_non_null(readme);
	if (!f)
		fail_msg("no README.md: unit tests run in the top folder");
	while (fgets(line, sizeof(line), f))
		strcat(readme, line);
	fclose(f);
	assert_true(n > 15);
	for (size_t i = 0; i < n; i++) {
		/* In 80 columns, as stat --help and the live view show it. */
		assert_true(2 + 16 + 2 + strlen(legend[i].text) <= 80);
		snprintf(row, sizeof(row), "\n| %s | %s |\n", legend[i].titles, legend[i].text);
		if (!strstr(readme, row))
			fail_msg("README.md has no line:%s", row);
		rows++;
	}
	assert_int_equal(rows, n);
	free(readme);
}

static void every_column_has_a_legend(void **unused)
{
	struct table_legend legend[TABLE_MAX_LEGEND];

	(void)unused;
	for (enum page page = 0; page < NR_PAGES; page++) {
		size_t n = table_legend(page, legend);

		for (const struct column *c = table_columns(page); c->title; c++) {
			bool found = !strcmp(c->title, "DEVICE");

			for (size_t i = 0; i < n; i++) {
				char titles[64];

				snprintf(titles, sizeof(titles), " %s ", legend[i].titles);
				for (char *at = titles; (at = strstr(at, c->title)); at++)
					found |= at[-1] == ' ' && at[strlen(c->title)] == ' ';
			}
			if (!found)
				fail_msg("%s has no legend", c->title);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_page_of_queues),
		cmocka_unit_test(the_page_of_layouts),
		cmocka_unit_test(the_page_of_doorbells),
		cmocka_unit_test(the_page_of_stages),
		cmocka_unit_test(a_line_has_each_cell_below_its_title),
		cmocka_unit_test(a_line_stays_in_its_room),
		cmocka_unit_test(columns_are_as_wide_as_needed),
		cmocka_unit_test(layouts_have_78_columns),
		cmocka_unit_test(whole_tables),
		cmocka_unit_test(names_are_cut_only_without_room),
		cmocka_unit_test(columns_by_width),
		cmocka_unit_test(states_of_queues),
		cmocka_unit_test(data_of_doorbells),
		cmocka_unit_test(the_order_of_rows),
		cmocka_unit_test(every_column_is_shown_where_there_is_room),
		cmocka_unit_test(what_is_not_counted_is_a_dash),
		cmocka_unit_test(times_below_a_step_of_the_clock),
		cmocka_unit_test(the_header_names_whose_times_are_shown),
		cmocka_unit_test(lines_of_operations),
		cmocka_unit_test(bars_of_histograms),
		cmocka_unit_test(histograms_below_a_step_of_the_clock),
		cmocka_unit_test(batches_are_no_times),
		cmocka_unit_test(names_that_repeat_have_an_index),
		cmocka_unit_test(readme_has_the_legend),
		cmocka_unit_test(every_column_has_a_legend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
