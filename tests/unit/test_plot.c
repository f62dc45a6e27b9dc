// SPDX-License-Identifier: GPL-2.0
/*
 * The drawings of pages: which marks an axis has and where they stand, and where lines, gaps,
 * cells, bars and ranges lie. The expected places are worked out here, from the values that are
 * drawn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/format.h"
#include "output/plot.h"

static char *text; /* what was drawn */
static size_t size;

static FILE *begin(void)
{
	FILE *f;

	free(text);
	text = NULL;
	f = open_memstream(&text, &size);
	assert_non_null(f);
	return f;
}

static void expect(const char *part)
{
	if (!strstr(text, part))
		fail_msg("not there: %s\nin: %s", part, text);
}

static void expect_not(const char *part)
{
	if (strstr(text, part))
		fail_msg("there: %s\nin: %s", part, text);
}

/* Two digits after the point, of which the axis leaves out zeros. */
static char *microseconds(char *buf, double value)
{
	snprintf(buf, FORMAT_LEN, "%.2fus", value);
	return buf;
}

static char *whole(char *buf, double value)
{
	snprintf(buf, FORMAT_LEN, "%.0f", value);
	return buf;
}

/* Every mark with its place in percent; * if a narrow screen leaves the text out. */
static void marks(void **unused)
{
	static const struct {
		struct plot_axis axis;
		const char *marks;
	} all[] = {
		/* About six steps of 1, 2, 2.5 or 5, times a power of ten. */
		{ { .min = 0, .max = 6 },
		  "0@0.00 1@16.67* 2@33.33 3@50.00* 4@66.67 5@83.33* 6@100.00" },
		{ { .min = 0, .max = 10 }, "0@0.00 2@20.00* 4@40.00 6@60.00* 8@80.00 10@100.00*" },
		{ { .min = 0, .max = 15 },
		  "0@0.00 2.5@16.67* 5@33.33 7.5@50.00* 10@66.67 12.5@83.33* 15@100.00" },
		{ { .min = 0, .max = 24 }, "0@0.00 5@20.83 10@41.67 15@62.50 20@83.33" },
		{ { .min = 0, .max = 50 },
		  "0@0.00 10@20.00* 20@40.00 30@60.00* 40@80.00 50@100.00*" },
		{ { .min = -10, .max = 10 }, "-10@0.00 -5@25.00 0@50.00 5@75.00 10@100.00" },
		{ { .min = 7, .max = 19 },
		  "8@8.33 10@25.00* 12@41.67 14@58.33* 16@75.00 18@91.67*" },
		/* A range of no length: up to twice the value, or to 1. */
		{ { .min = 4, .max = 4 }, "4@0.00 5@25.00 6@50.00 7@75.00 8@100.00" },
		{ { .min = 0, .max = 0 },
		  "0@0.00 0.2@20.00* 0.4@40.00 0.6@60.00* 0.8@80.00 1@100.00*" },
		/* No infinite ends: 0, and then 1. */
		{ { .min = -INFINITY, .max = NAN },
		  "0@0.00 0.2@20.00* 0.4@40.00 0.6@60.00* 0.8@80.00 1@100.00*" },
		/* Texts of a format: zeros after the point are left out, others are not. */
		{ { .min = 0, .max = 15, .format = microseconds },
		  "0us@0.00 2.5us@16.67* 5us@33.33 7.5us@50.00* 10us@66.67 12.5us@83.33* "
		  "15us@100.00" },
		{ { .min = 1, .max = 1.24, .format = microseconds },
		  "1us@0.00 1.05us@20.83 1.1us@41.67 1.15us@62.50 1.2us@83.33" },
		{ { .min = 0, .max = 5000, .format = whole },
		  "0@0.00 1000@20.00* 2000@40.00 3000@60.00* 4000@80.00 5000@100.00*" },
		/* Over more than 2.5 decades only powers of ten, else 1, 2, 5. */
		{ { .scale = PLOT_LOG, .min = 1, .max = 1000 },
		  "1@0.00 10@33.33* 100@66.67 1000@100.00*" },
		{ { .scale = PLOT_LOG, .min = 1, .max = 100 },
		  "1@0.00 2@15.05* 5@34.95* 10@50.00 20@65.05* 50@84.95* 100@100.00" },
		{ { .scale = PLOT_LOG, .min = 1, .max = 10 }, "1@0.00 2@30.10 5@69.90 10@100.00" },
		/* No mark, or one, of 1, 2, 5: even steps, but none of 2.5. */
		{ { .scale = PLOT_LOG, .min = 21, .max = 34.5 }, "25@35.12 30@71.85" },
		{ { .scale = PLOT_LOG, .min = 6, .max = 9 },
		  "6@0.00 6.5@19.74* 7@38.02 7.5@55.03* 8@70.95 8.5@85.90* 9@100.00" },
		/* A range of no length has a fifth of a decade: 3.97 to 6.29. */
		{ { .scale = PLOT_LOG, .min = 5, .max = 5 },
		  "4@1.54 4.5@27.12 5@50.00 5.5@70.70 6@89.59" },
		/* Without a value above 0: around 1. */
		{ { .scale = PLOT_LOG, .min = 0, .max = 0 },
		  "0.8@1.54 0.9@27.12 1@50.00 1.1@70.70 1.2@89.59" },
		/* 0, 50 % unless the axis is long, and each further nine. */
		{ { .scale = PLOT_NINES, .min = 0, .max = 0.5 },
		  "0%@0.00 50%@15.05 90%@50.00 99%@100.00" },
		{ { .scale = PLOT_NINES, .min = 0, .max = 0.999 },
		  "0%@0.00 50%@10.03 90%@33.33 99%@66.67 99.9%@100.00" },
		{ { .scale = PLOT_NINES, .min = 0, .max = 0.99999 },
		  "0%@0.00 90%@20.00 99%@40.00 99.9%@60.00 99.99%@80.00 99.999%@100.00" },
		{ { .scale = PLOT_NINES, .min = 0, .max = 1 },
		  "0%@0.00 90%@14.29 99%@28.57 99.9%@42.86 99.99%@57.14 99.999%@71.43 "
		  "99.9999%@85.71 99.99999%@100.00" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct plot p = { .title = "", .x = all[i].axis, .y = { .label = "" } };
		char got[1024] = "", *at, *end;
		FILE *f = begin();

		p.x.label = "";
		plot_lines(f, &p, NULL, 0);
		fclose(f);
		at = strstr(text, "<div class=\"xs\">");
		assert_non_null(at);
		at += strlen("<div class=\"xs\">");
		for (; !strncmp(at, "<span", 5); at = end + strlen("</span>")) {
			bool odd = !strncmp(at, "<span class=\"odd\"", 17);
			char *left = strstr(at, "left:"), *mark = strchr(at, '>') + 1;

			end = strstr(mark, "</span>");
			assert_true(left && end);
			left += strlen("left:");
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%.*s@%.*s%s",
				 *got ? " " : "", (int)(end - mark), mark, (int)strcspn(left, "%"),
				 left, odd ? "*" : "");
		}
		assert_string_equal(got, all[i].marks);
	}
}

/* x from 0 to 10, y from 0 to 100, over 1000 units; y grows upwards. */
static const struct plot even = {
	.title = "a < b",
	.note = "n & m",
	.x = { .label = "seconds > 0", .min = 0, .max = 10 },
	.y = { .label = "y & z", .min = 0, .max = 100 },
};

static void lines(void **unused)
{
	const double x[] = { 0, 2, 4, 6, 8, 10 }, y[] = { 10, 20, NAN, 40, NAN, 900 };
	const double low[] = { 5, 10, NAN, 20, NAN, 800 }, high[] = { 15, 30, 1, 60, 1, 1000 };
	const struct plot_line all[] = {
		{ .name = "one & two", .x = x, .y = y, .low = low, .high = high, .n = 2 },
		{ .name = "gaps", .x = x, .y = y, .n = 6 },
		{ .name = "below", .x = x, .y = (double[]){ -1000 }, .n = 1 },
		{ "3", x, y, NULL, NULL, 1 },
		{ "4", x, y, NULL, NULL, 1 },
		{ "5", x, y, NULL, NULL, 1 },
		{ "6", x, y, NULL, NULL, 1 },
	};
	FILE *f = begin();

	(void)unused;
	plot_lines(f, &even, all, 7);
	fclose(f);
	expect("<figcaption>a &lt; b</figcaption>");
	expect("<div class=\"ylabel\">y &amp; z</div>");
	expect("<div class=\"xlabel\">seconds &gt; 0</div>");
	expect("<p class=\"note\">n &amp; m</p>");
	expect("<div class=\"ys\"><span style=\"bottom:0.00%\">0</span>"
	       "<span style=\"bottom:20.00%\">20</span>");
	expect("<path class=\"grid\" d=\"M0 1000H1000M0 800H1000M0 600H1000M0 400H1000M0 200H1000"
	       "M0 0H1000M0 0V1000M200 0V1000M400 0V1000M600 0V1000M800 0V1000M1000 0V1000\"/>");
	/* The upper edge from left to right, and the lower one back. */
	expect("<path class=\"band s0\" d=\"M0 850L200 700L200 900L0 950Z\"/>");
	expect_not("class=\"band s1\"");
	expect("<path class=\"l s0\" d=\"M0 900L200 800\"/>");
	/* A point alone is a dot; what is far outside is drawn twice as far as the edge at most. */
	expect("<path class=\"l s1 d1\" d=\"M0 900L200 800M600 600h4M1000 -1000h4\"/>");
	expect("<path class=\"l s2 d2\" d=\"M0 2000h4\"/>");
	/* After six colours the first comes again, with other dashes than before. */
	expect("<path class=\"l s5 d1\" d=\"M0 900h4\"/>");
	expect("<path class=\"l s0 d3\" d=\"M0 900h4\"/>");
	expect("<path class=\"l s1 d1\" d=\"M0 6H27\"/></svg>gaps</li>");
	expect("</svg>one &amp; two</li>");
}

/* A band leaves out points without a value; a logarithmic axis has none at 0. */
static void bands_and_logarithms(void **unused)
{
	const double x[] = { 0, 2, 5, 8, 10 }, y[] = { 1, 10, 0, 10, 100 };
	const double low[] = { 1, 1, 0, 1, 10 }, high[] = { 10, 100, 10, 10, 100 };
	const struct plot_line one = { "one", x, y, low, high, 5 };
	struct plot p = even;
	FILE *f = begin();

	(void)unused;
	p.y = (struct plot_axis){ "y", PLOT_LOG, 1, 100, NULL };
	p.note = NULL;
	plot_lines(f, &p, &one, 1);
	fclose(f);
	/* A value that cannot be drawn is a gap in the band, too. */
	expect("<path class=\"band s0\" d=\"M0 500L200 0L200 1000L0 1000Z"
	       "M800 500L1000 0L1000 500L800 1000Z\"/>");
	expect("<path class=\"l s0\" d=\"M0 1000L200 500M800 500L1000 0\"/>");
	expect_not("class=\"note\"");
}

/* Neighbours with one colour are one rectangle; the colours go by the logarithm. */
static void heat(void **unused)
{
	const double columns[] = { 0, 2, 6, 10 }, bins[] = { 0, 25, 100 };
	const double values[] = { 1, 1, 0, 10, 100, 100 };
	const char *const hints[] = { "first <", NULL, "third" };
	const double x[] = { 0, 10 }, y[] = { 50, 50 };
	const struct plot_line over[] = { { "p50", x, y, NULL, NULL, 2 },
					  { "p99", x, y, NULL, NULL, 2 } };
	struct plot_heat h = { "per second", 3, 2, columns, bins, values, hints, over, 2 };
	FILE *f = begin();

	(void)unused;
	plot_heat(f, &even, &h);
	fclose(f);
	expect("<path class=\"cell h0\" d=\"M0 750H600V1000H0Z\"/>");
	expect("<path class=\"cell h5\" d=\"M0 0H200V750H0Z\"/>");
	expect("<path class=\"cell h9\" d=\"M200 0H1000V750H200Z\"/>");
	expect_not("<path class=\"cell h4\" d=\"M0 ");
	expect("<rect class=\"hint\" x=\"0\" y=\"0\" width=\"200\" height=\"1000\">"
	       "<title>first &lt;</title>");
	expect("<rect class=\"hint\" x=\"600\" y=\"0\" width=\"400\" height=\"1000\">"
	       "<title>third</title>");
	expect_not("x=\"200\" y=\"0\"");
	expect("<path class=\"halo\" d=\"M0 500L1000 500\"/>\n"
	       "<path class=\"l over\" d=\"M0 500L1000 500\"/>\n"
	       "<path class=\"halo\" d=\"M0 500L1000 500\"/>\n"
	       "<path class=\"l over d1\" d=\"M0 500L1000 500\"/>");
	expect("<li>per second: 1<svg");
	expect("<path class=\"cell h9\" d=\"M9 0h1v1h-1z\"/></svg>100, log scale; empty: none");
	expect("<path class=\"l over d1\" d=\"M0 6H27\"/></svg>p99</li>");

	/* One value only has the darkest colour. Without any, there are no cells. */
	h.values = (double[]){ 0, 0.5, 0.5, 0, 0, 0 };
	f = begin();
	plot_heat(f, &even, &h);
	fclose(f);
	expect("<path class=\"cell h9\" d=\"M200 750H1000V1000H200Z\"/>");
	expect("<li>per second: 0.5<svg");
	h.values = (double[6]){ 0 };
	f = begin();
	plot_heat(f, &even, &h);
	fclose(f);
	expect_not("V1000H");
	expect("<li>per second: 1<svg");
}

static void bars(void **unused)
{
	static const char *const names[] = { "in", "out" };
	const struct plot_bar all[] = { { "first", (double[]){ 2, 3 }, "2 + 3" },
					{ "second", (double[]){ 0, 10 }, "10 <" } };
	FILE *f = begin();

	(void)unused;
	plot_bars(f, &even, names, 2, all, 2);
	fclose(f);
	expect("<span class=\"name\">first</span><span class=\"value\">2 + 3</span>");
	expect("<rect class=\"s0\" x=\"0.0\" y=\"120\" width=\"200.0\" height=\"760\"/>"
	       "<rect class=\"s1\" x=\"200.0\" y=\"120\" width=\"300.0\" height=\"760\"/>");
	expect("<span class=\"name\">second</span><span class=\"value\">10 &lt;</span>");
	expect("<rect class=\"s0\" x=\"0.0\" y=\"120\" width=\"0.0\" height=\"760\"/>"
	       "<rect class=\"s1\" x=\"0.0\" y=\"120\" width=\"1000.0\" height=\"760\"/>");
	expect("<path class=\"grid\" d=\"M0 0V1000M200 0V1000M400 0V1000");
	expect("<rect class=\"s1\" width=\"27\" height=\"12\"/></svg>out</li>");
}

/* A range ends at the edge of the axis; a point beyond its end is an arrow. */
static void ranges(void **unused)
{
	static const struct plot_kind kinds[] = { { "slower", 1 }, { "faster", 2 }, { "none", 5 } };
	const struct plot_range all[] = {
		{ "in", 2, 4, 5, 0, "+4 %" },
		{ "edge", -3, 10, 12, 2, "+10 %" },
		{ "beyond", 9, 11, 30, 0, "+11 %" },
	};
	FILE *f = begin();

	(void)unused;
	plot_ranges(f, &even, 3, kinds, 3, all, 3);
	fclose(f);
	expect("<path class=\"zero\" d=\"M300 0V1000\"/>");
	expect("<path class=\"l s1\" d=\"M200.0 500H500.0\"/>"
	       "<path class=\"l dot s1\" d=\"M400.0 500h0\"/>");
	expect("<path class=\"l s5\" d=\"M0.0 500H1000.0\"/>"
	       "<path class=\"l dot s5\" d=\"M1000.0 500h0\"/>");
	expect("<path class=\"l s1\" d=\"M900.0 500H1000.0\"/>"
	       "<path class=\"l arrow s1\" d=\"M960 200L995 500L960 800\"/></svg>");
	/* The legend has the kinds that there are. */
	expect("<rect class=\"s1\" width=\"27\" height=\"12\"/></svg>slower</li>");
	expect("<rect class=\"s5\" width=\"27\" height=\"12\"/></svg>none</li>");
	expect_not("faster");
}

static int free_text(void **unused)
{
	(void)unused;
	free(text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks),
		cmocka_unit_test(lines),
		cmocka_unit_test(bands_and_logarithms),
		cmocka_unit_test(heat),
		cmocka_unit_test(bars),
		cmocka_unit_test(ranges),
	};

	return cmocka_run_group_tests(tests, NULL, free_text);
}
