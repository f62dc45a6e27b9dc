// SPDX-License-Identifier: GPL-2.0
/*
 * The live view: what is on the screen, against the snapshot that it was made of, and what the keys
 * do. ncurses draws on a terminal that nobody reads; the test reads the screen that ncurses keeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <cmocka.h>
#include <curses.h>
#include "base/format.h"
#include "figures.h"
#include "output/stall_text.h"
#include "verbs/top_stalls.h"
#include "verbs/top_view.h"

#define ALL UINT32_MAX /* operations */
#define RED (A_BOLD | COLOR_PAIR(1))

static struct snapshot figures;
static struct table table;
static struct view view;

/* Begins with a screen of this size, and with the three queues of figures.h with these operations.
 */
static void begin_with(int lines, int columns, enum page page, uint32_t ops)
{
	resizeterm(lines, columns);
	table_free(&table);
	snapshot_free(&figures);
	make_figures(&figures, ops);
	free(view.moved);
	view = (struct view){ .page = page, .op = -1, .ops = ALL, .interval = 0.5 };
	snprintf(view.system.release, sizeof(view.system.release), "6.12.1-made");
	assert_int_equal(table_make(&figures, page, -1, ALL, &table), 0);
}

static void begin(int lines, int columns, enum page page)
{
	begin_with(lines, columns, page, ALL);
}

static void show(void)
{
	draw(&view, &figures, &table);
}

/* Returns a line of the screen without the blanks at its end. */
static const char *line(int y)
{
	static char text[1024];
	wchar_t wide[256];
	int n = mvinnwstr(y, 0, wide, 255);

	assert_true(n >= 0);
	while (n && wide[n - 1] == L' ')
		n--;
	wide[n] = 0;
	assert_true(wcstombs(text, wide, sizeof(text)) != (size_t)-1);
	return text;
}

static void line_is(int y, const char *expected)
{
	if (strcmp(line(y), expected))
		fail_msg("line %d is\n'%s' instead of\n'%s'", y, line(y), expected);
}

static void line_has(int y, const char *part)
{
	if (!strstr(line(y), part))
		fail_msg("line %d has no '%s': '%s'", y, part, line(y));
}

static attr_t look(int y, int x)
{
	return mvinch(y, x) & (A_BOLD | A_DIM | A_REVERSE | A_UNDERLINE | A_COLOR);
}

static uint64_t buffers(int q)
{
	return count_of(q, VT_OP_ADD) - no_of(q, VT_OP_ADD);
}

/* --- The two lines above every page --- */

static void the_header(void **unused)
{
	double ops = sum_all(0, count_of) + sum_all(1, count_of);
	char number[FORMAT_LEN], expected[256];

	(void)unused;
	begin(24, 120, PAGE_QUEUES);
	figures.queues[2].gone = true;
	show();
	snprintf(expected, sizeof(expected),
		 " vringtop %s  linux 6.12.1-made  tracepoints  2 queues  %s op/s  every 0.5s",
		 VRINGTOP_VERSION, format_number(number, ops / SECONDS));
	line_is(0, expected);
	/* The bar goes to the edge. */
	assert_int_equal(look(0, 119), A_REVERSE);
	/* 12.5 ns, shown as 12, for each operation, in 2 s: percent of a CPU. The tool had 0.125 s.
	 */
	snprintf(expected, sizeof(expected),
		 " lost 3  times: all  tool 6.2%% + probe 12ns/op %.1f%% of a CPU",
		 ops * 12.5e-9 / 2 * 100);
	line_is(1, expected);
	assert_int_equal(look(1, 1), A_BOLD);

	figures.lost = figures.probe_ns = 0;
	view.paused = true;
	view.interval = 60;
	view.op = VT_OP_NOTIFY;
	show();
	line_has(0, " op/s  PAUSED  every 60s");
	line_is(1, " lost 0  times: notify  tool 6.2% of a CPU");
	assert_int_equal(look(1, 1), 0);

	figures.not_shown = 7;
	figures.clock_step = 4000000;
	view.open = true;
	show();
	line_is(1, " lost 0  7 queues not shown  clock steps 4.00ms  tool 6.2% of a CPU");
	assert_int_equal(look(1, 1), A_BOLD);

	/* An interval of no time has no rates. */
	figures.since = 0;
	figures.probe_ns = PROBE;
	show();
	line_has(0, " 0 op/s");
	line_has(1, "  tool 0.0% + probe 12ns/op 0.0% of a CPU");
}

/* --- Tables --- */

static const char *expected_row(int row, int columns)
{
	static char text[512];
	int shown[TABLE_MAX_COLUMNS], widths[TABLE_MAX_COLUMNS];
	int n = table_fit(view.page, columns, shown);
	size_t length;

	table_widths(&table, columns, shown, n, widths);
	table_line(view.page, shown, widths, n, row < 0 ? NULL : &table.rows[row], text,
		   sizeof(text));
	for (length = strlen(text); length && text[length - 1] == ' '; length--)
		text[length - 1] = '\0';
	return text;
}

static void rows_of_every_page(void **unused)
{
	(void)unused;
	for (int page = 0; page < NR_PAGES; page++)
		for (int columns = 80; columns <= 200; columns += 60) {
			begin(24, columns, page);
			show();
			line_is(2, expected_row(-1, columns));
			for (size_t i = 0; i < table.nr_rows; i++)
				line_is(3 + i, expected_row(i, columns));
			line_is(3 + table.nr_rows, "");
			line_has(23, " q quit  Enter open  s stages  d doorbells  l layouts");
		}
}

static void the_column_of_the_order_is_underlined(void **unused)
{
	(void)unused;
	begin(24, 80, PAGE_QUEUES);
	view.sort[PAGE_QUEUES] = table_column(PAGE_QUEUES, "LAYOUT");
	show();
	for (int x = 0; x < 80; x++) {
		int at = strstr(line(2), "LAYOUT") - line(2);
		bool inside = x >= at && x < at + table_columns(PAGE_QUEUES)[2].width;

		assert_int_equal(look(2, x) & A_UNDERLINE, inside ? A_UNDERLINE : 0);
	}
}

static void how_rows_look(void **unused)
{
	struct stall_watched stalled_queue = { .serial = 12, .stalled = true };

	(void)unused;
	begin(24, 80, PAGE_QUEUES);
	show();
	/* The first one is selected until the user moves. */
	assert_int_equal(view.serial, 11);
	assert_int_equal(look(3, 79), A_REVERSE);
	assert_int_equal(look(3, 0), A_REVERSE);
	assert_int_equal(look(4, 0), 0);
	assert_int_equal(look(5, 0), A_DIM);

	view.serial = 12;
	view.chosen = true;
	figures.queues[0].broken = figures.queues[2].gone = true;
	show();
	assert_int_equal(look(3, 0), RED);
	assert_int_equal(look(4, 0), A_REVERSE);
	assert_int_equal(look(5, 0), RED);
	/* A choice that is gone falls back to the first row. */
	view.serial = 99;
	show();
	assert_int_equal(view.serial, 11);

	begin(24, 80, PAGE_QUEUES);
	view.stalls.queues = &stalled_queue;
	view.stalls.nr_queues = 1;
	show();
	assert_int_equal(look(4, 0), RED);
	assert_int_equal(look(22, 0), RED);
	line_has(22, " virtio5 sda, queue 2 request, split-io: ");
}

/* The selected row stays on the screen: 3 lines are above the rows, 1 below. */
static void rows_that_have_no_room(void **unused)
{
	static const struct {
		int lines, selected, first, shown_first;
	} all[] = {
		{ 7, 2, 0, 0 }, { 6, 2, 0, 1 }, { 5, 2, 0, 2 }, { 5, 1, 0, 1 },
		{ 5, 0, 2, 0 }, { 5, 0, 0, 0 }, { 6, 1, 1, 1 }, { 7, 0, -3, 0 },
	};
	struct stall_watched stalled_queue = { .serial = 12, .stalled = true };

	(void)unused;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		begin(all[i].lines, 80, PAGE_QUEUES);
		view.chosen = true;
		view.serial = 11 + all[i].selected;
		view.first = all[i].first;
		show();
		if (view.first != all[i].shown_first)
			fail_msg("%zu: begins with row %d", i, view.first);
		line_is(3, expected_row(all[i].shown_first, 80));
		assert_int_equal(look(3 + all[i].selected - view.first, 0) & A_REVERSE, A_REVERSE);
		assert_int_equal(view.serial, 11 + all[i].selected);
	}
	/* The line about a stalled queue takes one away from them. */
	begin(6, 80, PAGE_QUEUES);
	view.chosen = true;
	view.serial = 12;
	view.stalls.queues = &stalled_queue;
	view.stalls.nr_queues = 1;
	show();
	line_is(3, expected_row(1, 80));
	line_has(4, "sda, queue 2 request, split-io: ");
}

static void idle_queues_are_counted(void **unused)
{
	(void)unused;
	begin(24, 80, PAGE_QUEUES);
	assert_int_equal(fold_idle(&view, &table, 1), 0);
	assert_int_equal(view.idle, 1);
	assert_int_equal(table.nr_rows, 2);
	show();
	line_is(5, "1 idle queue (a shows it)");
	view.idle = 12;
	show();
	line_is(5, "12 idle queues (a shows them)");
	/* Without room it is left out: the last line has the keys. */
	resizeterm(6, 80);
	show();
	line_is(4, expected_row(1, 80));
	line_has(5, " q quit");

	begin(24, 80, PAGE_QUEUES);
	table.nr_rows = 0;
	show();
	line_is(4, " No virtqueue matches.");
	view.idle = 3;
	show();
	line_is(3, "3 idle queues (a shows them)");
	line_is(4, "");
}

/* Makes the table of the figures again, of @ns later, and folds it. Returns the number of rows. */
static size_t rows_later(uint64_t ns)
{
	figures.time += ns;
	table_free(&table);
	assert_int_equal(table_make(&figures, PAGE_QUEUES, -1, ALL, &table), 0);
	assert_int_equal(fold_idle(&view, &table, figures.time), 0);
	assert_int_equal(table.nr_rows + view.idle, 3);
	return table.nr_rows;
}

static void a_row_of_a_queue_that_was_busy_stays(void **unused)
{
	struct queue *q;

	(void)unused;
	begin(24, 80, PAGE_QUEUES);
	figures.time = 1;
	assert_int_equal(rows_later(0), 2); /* the third one never moved */
	q = (struct queue *)table.rows[0].queue;
	q->oldest = 0;
	for (int op = 0; op < VT_NR_COUNTED; op++)
		if (q->op[op])
			q->op[op]->count = 0;
	assert_int_equal(rows_later(KEEPS_ROW - 1), 2);
	assert_int_equal(rows_later(1), 1);
	view.all = true;
	assert_int_equal(rows_later(1), 3);
	view.all = false;
	/* A queue that has the place in the table of another one is not this queue. */
	q->serial += 100;
	assert_int_equal(rows_later(1), 1);
}

/* --- An open queue --- */

static void facts_of_a_queue(void **unused)
{
	static const char *const first[] = {
		"virtio2 vda virtio_blk  queue 0 req.0  packed  56 of 256 descriptors in use",
		"virtio5 sda virtio_scsi  queue 2 request  split-in-order  96 of 128 descriptors "
		"in use  new",
	};
	static const char *const features[] = {
		"features VERSION_1 RING_PACKED NOTIFICATION_DATA",
		"features EVENT_IDX VERSION_1 IN_ORDER",
	};

	(void)unused;
	for (int q = 0; q < BUSY; q++) {
		double doorbells = count_of(q, VT_OP_NOTIFY), no = no_of(q, VT_OP_KICK_PREPARE);
		char a[FORMAT_LEN], b[FORMAT_LEN], c[FORMAT_LEN], d[FORMAT_LEN], expected[256];

		begin(50, 120, PAGE_QUEUES);
		view.open = true;
		view.serial = 11 + q;
		show();
		line_is(2, first[q]);
		assert_int_equal(look(2, 0), A_BOLD);
		snprintf(expected, sizeof(expected),
			 "%s buf/s  %s B/s out  %s B/s in  %s bells/s, %.1f buf each, %.0f%% "
			 "suppressed",
			 format_number(a, buffers(q) / SECONDS),
			 format_bytes(b, bytes_out_of(q) / SECONDS),
			 format_bytes(c, bytes_in_of(q) / SECONDS),
			 format_number(d, doorbells / SECONDS),
			 0.7 * some_buffers(q) + 0.3 * most_buffers(q),
			 100 * no / (no + doorbells));
		line_is(3, expected);
		line_is(4, features[q]);
		line_has(49, " q quit  Esc back  Up Down operation  p pause  h help");
	}
	figures.queues[1].broken = figures.queues[1].gone = true;
	show();
	line_has(2, " in use  BROKEN  GONE  new");
	/* Without a length, rates are as for a second. */
	figures.since = 0;
	show();
	line_has(3, " bells/s, ");
	view.serial = 99;
	show();
	line_is(3, " This queue is gone. Esc goes back.");
	view.serial = 13;
	show();
	line_is(6, " No operation was seen yet.");
}

/* Packed: 15 bits of an offset and the wrap counter. The newest doorbell does not agree. */
static void last_doorbells(void **unused)
{
	char expected[256];

	(void)unused;
	begin(50, 120, PAGE_QUEUES);
	view.open = true;
	view.serial = 11;
	show();
	snprintf(expected, sizeof(expected),
		 "doorbell data: %llu wrong, 41 behind; last @12w1+8! @11w1+7 @10w1+6 @9w1+5 "
		 "@8w1+4 @7w1+3 @6w1+2",
		 (unsigned long long)no_of(0, VT_OP_NOTIFICATION_DATA));
	line_is(5, expected);
	/* Those that have no room are left out. */
	resizeterm(50, 80);
	show();
	line_has(5, " last @12w1+8! @11w1+7");
	assert_null(strstr(line(5), "@7w1"));
	/* Split: the offset has 16 bits. */
	resizeterm(50, 120);
	figures.queues[0].layout = VT_LAYOUT_SPLIT;
	show();
	line_has(5, " last @32780+8! @32779+7 ");
	/* No doorbell was counted yet. */
	free(figures.queues[0].op[VT_OP_NOTIFICATION_DATA]);
	figures.queues[0].op[VT_OP_NOTIFICATION_DATA] = NULL;
	show();
	line_has(5, "doorbell data: 0 wrong, 0 behind; last @");
	/* A queue whose doorbells have no data goes on with its operations. */
	figures.queues[0].features = 1ull << 32;
	show();
	line_is(5, OP_LINE_TITLE);
	assert_int_equal(look(5, 0), A_BOLD);
}

/* Returns on which line something begins; -1: on none. */
static int find_line(const char *begin)
{
	for (int y = 0; y < LINES; y++)
		if (!strncmp(line(y), begin, strlen(begin)))
			return y;
	return -1;
}

/* Of add and get there are times on six levels: see figures.h. */
static void operations_of_a_queue(void **unused)
{
	/* Half octaves 4 10 16 22 29 35; the heights of 5000 4000 900 90 9 1 of 8. */
	static const char spark[] = "    @     #     *     =      -     .";
	static const char *const bars[] = {
		"    32ns - 64ns          5000 ", "    64ns - 128ns            0",
		"   128ns - 256ns            0",  "   256ns - 512ns         4000 ",
		"   512ns - 1.02us           0",  "  1.02us - 2.05us           0",
		"  2.05us - 4.10us         900 ", "  4.10us - 8.19us           0",
		"  8.19us - 16.4us           0",  "  16.4us - 32.8us          90 ",
		"  32.8us - 65.5us           0",  "  65.5us - 131us            0",
		"   131us - 262us            9 ", "   262us - 524us            0",
		"   524us - 1.05ms           0",  "  1.05ms - 2.10ms           1 ",
	};
	/* 49 columns have room for 5000; what was seen has at least one. */
	static const int width[] = { 49, 0, 0, 40, 0, 0, 9, 0, 0, 1, 0, 0, 1, 0, 0, 1 };
	char expected[128];
	int y;

	(void)unused;
	begin_with(60, 80, PAGE_QUEUES, 1u << VT_OP_ADD | 1u << VT_OP_GET);
	figures.queues[0].features = 0;
	view.open = true;
	view.serial = 11;
	view.selected_op = VT_OP_ADD;
	show();
	line_is(5, OP_LINE_TITLE);
	for (int op = VT_OP_ADD; op <= VT_OP_GET; op++) {
		char text[320];

		table_op_line(op, figures.queues[0].op[op], &figures, 80, text, sizeof(text));
		if (text[strlen(text) - 1] == ' ')
			text[strlen(text) - 1] = '\0';
		line_is(6 + op, text);
	}
	assert_int_equal(look(6, 0), A_REVERSE);
	assert_int_equal(look(7, 0), 0);
	line_is(8, "histograms          |16ns     |512ns    |16.4us   |524us    |16.8ms   |537ms");
	snprintf(expected, sizeof(expected), "%-18s%s", "add", spark);
	line_is(9, expected);
	line_has(10, "get");
	line_is(12, "add");
	assert_int_equal(look(12, 0), A_BOLD);
	for (int i = 0; i < 16; i++) {
		int n;

		line_has(13 + i, bars[i]);
		for (n = 0; line(13 + i)[30] && line(13 + i)[30 + n] == '#';)
			n++;
		if ((line(13 + i)[29] ? n : 0) != width[i])
			fail_msg("%d: %d wide", i, n);
	}
	line_is(29, "");

	/* Bars of the operation that is selected, and the small ones in blocks. */
	view.selected_op = VT_OP_GET;
	view.utf8 = true;
	show();
	assert_int_equal(look(6, 0), 0);
	assert_int_equal(look(7, 0), A_REVERSE);
	snprintf(expected, sizeof(expected), "%-18s%s", "add",
		 "    █     ▇     ▆     ▄      ▃     ▁");
	line_is(9, expected);
	line_is(12, "get");

	/* An operation without counts cannot be selected. */
	view.selected_op = VT_OP_NOTIFY;
	show();
	assert_int_equal(view.selected_op, VT_OP_ADD);

	/* A small screen: no histogram without room; small ones begin with the selected one. */
	view.selected_op = VT_OP_GET;
	resizeterm(11, 80);
	show();
	assert_int_equal(find_line("histograms"), 8);
	line_has(9, "get               ");
	line_has(10, " q quit");
	resizeterm(10, 80);
	show();
	assert_int_equal(find_line("histograms"), -1);
	/* Large bars need six lines: an empty one, the name, four of bars. */
	resizeterm(16, 80);
	show();
	assert_int_equal(y = find_line("get  "), 7);
	line_is(12, "");
	resizeterm(17, 80);
	show();
	line_is(12, "get");
	line_has(15, " - ");
	line_has(16, " q quit");
}

static void a_stalled_queue(void **unused)
{
	struct stall_watched w[2] = { { .serial = 11, .stalled = true },
				      { .serial = 12, .stalled = true } };
	char sentences[STALL_SENTENCES][STALL_TEXT], headline[128];
	size_t nr;
	int y = 6;

	(void)unused;
	begin(50, 80, PAGE_QUEUES);
	for (int i = 0; i < 2; i++) {
		w[i].since = SINCE;
		w[i].polled = SINCE + 3500000000ull * (1 + i);
		w[i].since_is_exact = true;
		w[i].stall.status = -1;
		w[i].stall.in_flight = 3 + i;
		w[i].stall.verdict = i ? STALL_NO_DOORBELL : STALL_NOT_USED;
		w[i].stall.why = i ? WHY_AVAIL_EVENT : WHY_DUE;
	}
	view.stalls.queues = w;
	view.stalls.nr_queues = 2;
	show();
	line_has(48, " virtio2 vda, queue 0 req.0, packed: device has used nothing, 3.50s (and 1 "
		     "more)");
	/* The selected one is told of, wherever it is. */
	view.chosen = true;
	view.serial = 12;
	show();
	line_has(48, " virtio5 sda, queue 2 request, split-io: driver did not ring, 7.00s (and");
	/* A queue that is gone is not stalled any more. */
	figures.queues[1].gone = true;
	show();
	line_has(48, "device has used nothing, 3.50s: 3 buffers i");
	assert_null(stalled(&view.stalls, &figures.queues[1]));
	assert_ptr_equal(stalled(&view.stalls, &figures.queues[0]), &w[0]);
	w[0].stalled = false;
	assert_null(stalled(&view.stalls, &figures.queues[0]));
	w[0].stalled = true;

	/* Opened: the verdict, then its evidence, wrapped at spaces. */
	view.open = true;
	view.serial = 11;
	show();
	line_has(5, " virtio2 vda, queue 0 req.0, packed: device has used nothing, 3.50s: 3 buff");
	assert_int_equal(look(5, 1), RED);
	nr = stall_evidence(&figures.queues[0], &w[0], sentences);
	assert_true(nr >= 3);
	for (size_t i = 0; i < nr; i++) {
		char all[2 * STALL_TEXT] = "";

		while (strlen(all) < strlen(sentences[i])) {
			assert_true(strlen(line(y)) < 80);
			assert_int_equal(line(y)[0], ' ');
			assert_int_not_equal(line(y)[1], ' ');
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s",
				 *all ? " " : "", line(y++) + 1);
		}
		assert_string_equal(all, sentences[i]);
	}
	line_has(y, "doorbell data: ");
	snprintf(headline, sizeof(headline), "%s", line(5));
	/* A very narrow screen does not hang, and cuts words that do not fit. */
	resizeterm(50, 10);
	show();
	assert_memory_equal(line(5), headline, 10);
}

/* --- Help --- */

static void help(void **unused)
{
	(void)unused;
	for (int page = 0; page < NR_PAGES; page++) {
		struct table_legend legend[TABLE_MAX_LEGEND];
		size_t n = table_legend(page, legend);
		char expected[128];

		begin(60, 120, page);
		view.help = true;
		show();
		line_is(2, " Keys");
		line_is(12, "   q                   quit");
		for (size_t i = 0; i < n; i++) {
			snprintf(expected, sizeof(expected), " %-16s  %.90s", legend[i].titles,
				 legend[i].text);
			line_is(13 + i, expected);
		}
		line_is(13 + n,
			" red: stalled, a line says why. lost: operations that were not counted");
		line_is(59, " any key goes back");
	}
	view.open = true;
	show();
	line_is(13, " NO  add failed, get empty, kick_prepare suppressed, more_used spurious");
	line_has(15, " red: stalled");
}

/* --- Keys --- */

static void press(int key)
{
	assert_true(on_key(&view, key, &figures, &table));
}

static void quitting(void **unused)
{
	static const int quits[] = { 'q', 3 /* Ctrl-C */ };

	(void)unused;
	for (int help = 0; help < 2; help++)
		for (int i = 0; i < 2; i++) {
			begin(24, 80, PAGE_QUEUES);
			view.help = help;
			assert_false(on_key(&view, quits[i], &figures, &table));
		}
	/* Other keys only close the help. */
	view.help = false;
	press('?');
	assert_true(view.help);
	press(KEY_RESIZE);
	assert_true(view.help);
	press('p');
	assert_false(view.help);
	assert_false(view.paused);
	press('h');
	assert_true(view.help);
}

static void pages(void **unused)
{
	static const struct {
		int key;
		enum page from, to;
	} all[] = {
		{ 'l', PAGE_QUEUES, PAGE_LAYOUTS },   { 'd', PAGE_QUEUES, PAGE_DOORBELLS },
		{ 's', PAGE_QUEUES, PAGE_STAGES },    { 'v', PAGE_QUEUES, PAGE_QUEUES },
		{ 'l', PAGE_LAYOUTS, PAGE_QUEUES },   { 'd', PAGE_DOORBELLS, PAGE_QUEUES },
		{ 's', PAGE_STAGES, PAGE_QUEUES },    { 's', PAGE_LAYOUTS, PAGE_STAGES },
		{ 'v', PAGE_STAGES, PAGE_QUEUES },    { 27, PAGE_STAGES, PAGE_QUEUES },
		{ 127, PAGE_DOORBELLS, PAGE_QUEUES }, { KEY_BACKSPACE, PAGE_LAYOUTS, PAGE_QUEUES },
		{ 27, PAGE_QUEUES, PAGE_QUEUES },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		begin(24, 80, all[i].from);
		view.chosen = true;
		view.first = 2;
		press(all[i].key);
		if (view.page != all[i].to)
			fail_msg("%zu: page %d", i, view.page);
		assert_false(view.chosen);
		assert_false(view.open);
		assert_int_equal(view.first, 0);
	}
}

static void opening_a_queue(void **unused)
{
	static const int opens[] = { '\n', '\r', KEY_ENTER }, closes[] = { 27, 127, KEY_BACKSPACE };

	(void)unused;
	for (int i = 0; i < 3; i++) {
		begin(24, 80, PAGE_STAGES);
		press(opens[i]);
		assert_true(view.open);
		assert_true(view.chosen);
		/* Back to the page from which the user came; the choice stays. */
		press(closes[i]);
		assert_false(view.open);
		assert_true(view.chosen);
		assert_int_equal(view.page, PAGE_STAGES);
		/* The key of the page from which the user came leads there, too. */
		press(opens[i]);
		press('s');
		assert_false(view.open);
		assert_int_equal(view.page, PAGE_STAGES);

		begin(24, 80, PAGE_LAYOUTS); /* has no queues */
		press(opens[i]);
		assert_false(view.open);
		begin(24, 80, PAGE_QUEUES);
		table.nr_rows = 0;
		press(opens[i]);
		assert_false(view.open);
	}
}

static void selecting_a_row(void **unused)
{
	static const struct {
		int key, from, to, lines;
	} all[] = {
		{ KEY_DOWN, 0, 1, 24 },	 { 'j', 1, 2, 24 },	  { 'j', 2, 2, 24 },
		{ KEY_UP, 2, 1, 24 },	 { 'k', 1, 0, 24 },	  { 'k', 0, 0, 24 },
		{ KEY_NPAGE, 0, 2, 24 }, { KEY_PPAGE, 2, 0, 24 }, { KEY_NPAGE, 0, 1, 5 },
		{ KEY_PPAGE, 2, 1, 5 },	 { KEY_NPAGE, 0, 2, 6 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		begin(all[i].lines, 80, PAGE_QUEUES);
		view.serial = 11 + all[i].from;
		press(all[i].key);
		if (view.serial != 11u + all[i].to)
			fail_msg("%zu: queue %u", i, view.serial);
		assert_true(view.chosen);
	}
	/* Without rows there is nothing to choose. */
	begin(24, 80, PAGE_QUEUES);
	table.nr_rows = 0;
	press('j');
	assert_false(view.chosen);
	/* Layouts have no queue: the layout is what is selected. */
	begin(24, 80, PAGE_LAYOUTS);
	assert_true(table.nr_rows >= 2);
	select_row(&view, &table.rows[0]);
	press('j');
	assert_int_equal(view.layout, table.rows[1].layout);
	assert_int_equal(selected_row(&view, &table), 1);
	assert_int_equal(view.serial, 0);
}

static void selecting_an_operation(void **unused)
{
	(void)unused;
	begin_with(24, 80, PAGE_QUEUES,
		   1u << VT_OP_ADD | 1u << VT_OP_NOTIFY | 1u << VT_STAGE_WAKEUP);
	view.open = true;
	view.serial = 11;
	view.selected_op = VT_OP_ADD;
	press('k');
	assert_int_equal(view.selected_op, VT_OP_ADD);
	press('j');
	assert_int_equal(view.selected_op, VT_OP_NOTIFY);
	press(KEY_DOWN);
	assert_int_equal(view.selected_op, VT_STAGE_WAKEUP);
	press(KEY_DOWN);
	assert_int_equal(view.selected_op, VT_STAGE_WAKEUP);
	press(KEY_UP);
	assert_int_equal(view.selected_op, VT_OP_NOTIFY);
	assert_int_equal(view.serial, 11);
	view.serial = 99; /* is gone */
	press('j');
	assert_int_equal(view.selected_op, VT_OP_NOTIFY);
}

/* On 80 columns, only the columns that are on the screen. */
static void choosing_the_order(void **unused)
{
	int shown[TABLE_MAX_COLUMNS], n = table_fit(PAGE_QUEUES, 80, shown);

	(void)unused;
	for (int i = 0; i < 2; i++) {
		begin(24, 80, PAGE_QUEUES);
		view.sort[PAGE_QUEUES] = shown[0];
		for (int c = 1; c <= n; c++) {
			press(i ? '>' : KEY_RIGHT);
			assert_int_equal(view.sort[PAGE_QUEUES], shown[c % n]);
		}
		for (int c = n - 1; c >= 0; c--) {
			press(i ? '<' : KEY_LEFT);
			assert_int_equal(view.sort[PAGE_QUEUES], shown[c]);
		}
	}
	assert_int_equal(view.sort[PAGE_LAYOUTS], 0);
	/* From a column that has no room now, to the next one that has. */
	for (int c = 0; c + 1 < n; c++)
		if (shown[c + 1] > shown[c] + 1) {
			view.sort[PAGE_QUEUES] = shown[c] + 1;
			press('>');
			assert_int_equal(view.sort[PAGE_QUEUES], shown[c + 1]);
			return;
		}
	fail_msg("all columns have room");
}

static void choosing_whose_times(void **unused)
{
	(void)unused;
	begin(24, 80, PAGE_QUEUES);
	view.ops = 1u << VT_OP_ADD | 1u << VT_OP_NOTIFY | 1u << VT_AVAIL_TO_USED;
	press('o');
	assert_int_equal(view.op, VT_OP_ADD);
	press('o');
	assert_int_equal(view.op, VT_OP_NOTIFY);
	press('o');
	assert_int_equal(view.op, VT_AVAIL_TO_USED);
	press('o');
	assert_int_equal(view.op, -1);
	press('O');
	assert_int_equal(view.op, VT_AVAIL_TO_USED);
	press('O');
	press('O');
	assert_int_equal(view.op, VT_OP_ADD);
	press('O');
	assert_int_equal(view.op, -1);
	/* The last one that can be attached. */
	view.ops |= 1u << (VT_NR_TIMED - 1);
	press('O');
	assert_int_equal(view.op, VT_NR_TIMED - 1);
	press('o');
	assert_int_equal(view.op, -1);
}

static void switches(void **unused)
{
	static const struct {
		double from;
		int key;
		double to;
	} intervals[] = {
		{ 1, '+', 2 },	    { 1, '-', 0.5 },   { 40, '+', 60 }, { 60, '+', 60 },
		{ 0.15, '-', 0.1 }, { 0.1, '-', 0.1 }, { 30, '+', 60 }, { 0.2, '-', 0.1 },
	};

	(void)unused;
	begin(24, 80, PAGE_QUEUES);
	for (int on = 1; on >= 0; on--) {
		press('a');
		assert_int_equal(view.all, on);
		press('r');
		assert_int_equal(view.reverse, on);
		press(on ? 'p' : ' ');
		assert_int_equal(view.paused, on);
	}
	press('x'); /* no key of the view */
	assert_int_equal(view.page, PAGE_QUEUES);
	for (size_t i = 0; i < sizeof(intervals) / sizeof(*intervals); i++) {
		view.interval = intervals[i].from;
		press(intervals[i].key);
		if (view.interval != intervals[i].to)
			fail_msg("%zu: %g s", i, view.interval);
	}
}

/* A terminal that nobody reads. Blocks of histograms need UTF-8. */
static int open_screen(void **unused)
{
	FILE *nobody = fopen("/dev/null", "r+");

	(void)unused;
	return !nobody || !setlocale(LC_ALL, "C.UTF-8") || !newterm("xterm", nobody, nobody);
}

static int close_screen(void **unused)
{
	(void)unused;
	free(view.moved);
	table_free(&table);
	snapshot_free(&figures);
	endwin();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header),
		cmocka_unit_test(rows_of_every_page),
		cmocka_unit_test(the_column_of_the_order_is_underlined),
		cmocka_unit_test(how_rows_look),
		cmocka_unit_test(rows_that_have_no_room),
		cmocka_unit_test(idle_queues_are_counted),
		cmocka_unit_test(a_row_of_a_queue_that_was_busy_stays),
		cmocka_unit_test(facts_of_a_queue),
		cmocka_unit_test(last_doorbells),
		cmocka_unit_test(operations_of_a_queue),
		cmocka_unit_test(a_stalled_queue),
		cmocka_unit_test(help),
		cmocka_unit_test(quitting),
		cmocka_unit_test(pages),
		cmocka_unit_test(opening_a_queue),
		cmocka_unit_test(selecting_a_row),
		cmocka_unit_test(selecting_an_operation),
		cmocka_unit_test(choosing_the_order),
		cmocka_unit_test(choosing_whose_times),
		cmocka_unit_test(switches),
	};

	return cmocka_run_group_tests_name("top", tests, open_screen, close_screen);
}
