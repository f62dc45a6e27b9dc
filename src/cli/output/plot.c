// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/format.h"
#include "output/html.h"
#include "output/plot.h"

#define SIZE	  1000 /* units of the drawing, in both directions */
#define LEVELS	  10   /* colours of a heat map */
#define MAX_MARKS 24
#define NO_NINES  7 /* shows shares up to 99.99999 % */

struct mark {
	double value;
	char text[FORMAT_LEN];
	bool odd; /* its text is left out on a narrow screen */
};

/* An axis, ready to be drawn. */
struct scale {
	enum plot_scale kind;
	double from, to; /* results of transform() */
	struct mark marks[MAX_MARKS];
	int nr_marks;
};

static double transform(enum plot_scale kind, double value)
{
	double least = pow(10, -NO_NINES);

	if (kind == PLOT_LOG)
		return log10(value);
	if (kind == PLOT_NINES)
		return -log10(value >= 1 - least ? least : 1 - value);
	return value;
}

/*
 * Returns the place of a value on an axis, 0..SIZE. A value far outside is moved nearer to the
 * drawing.
 */
static double place(const struct scale *s, double value)
{
	double at = SIZE * (transform(s->kind, value) - s->from) / (s->to - s->from);

	return at < -SIZE ? -SIZE : at > 2 * SIZE ? 2 * SIZE : at;
}

/* Removes zeros after the point: "2.00us" becomes "2us". */
static void strip_zeros(char *text)
{
	char *point = strchr(text, '.'), *end;

	if (!point)
		return;
	end = point + 1 + strspn(point + 1, "0123456789");
	while (end[-1] == '0')
		memmove(end - 1, end, strlen(end) + 1), end--;
	if (end[-1] == '.')
		memmove(end - 1, end, strlen(end) + 1);
}

static void add_mark(struct scale *s, const struct plot_axis *axis, double value)
{
	struct mark *m = &s->marks[s->nr_marks];

	if (s->nr_marks == MAX_MARKS)
		return;
	s->nr_marks++;
	m->value = value;
	m->odd = false;
	if (axis->scale == PLOT_NINES)
		snprintf(m->text, sizeof(m->text), "%.7g%%", 100 * value);
	else if (axis->format)
		axis->format(m->text, value);
	else
		snprintf(m->text, sizeof(m->text), "%.6g", value);
	if (axis->scale != PLOT_NINES)
		strip_zeros(m->text);
}

/*
 * Adds marks at round numbers, about six between two values.
 * @whole: a step of 2.5 is not allowed
 */
static void add_even_marks(const struct plot_axis *axis, struct scale *s, double from, double to,
			   bool whole)
{
	static const double steps[] = { 1, 2, 2.5, 5, 10 };
	double least = (to - from) / 6, step = pow(10, floor(log10(least)));
	int i = 0;

	while ((steps[i] * step < least * 0.999 && i < 4) || (whole && steps[i] == 2.5))
		i++;
	step *= steps[i];
	for (double n = ceil(from / step - 1e-9); n * step <= to + step * 1e-9; n++)
		add_mark(s, axis, n * step + 0.0); /* + 0.0: never -0 */
	for (int m = 0; m < s->nr_marks; m++)
		s->marks[m].odd = s->nr_marks > 5 && m % 2;
}

static void scale_linear(const struct plot_axis *axis, struct scale *s)
{
	if (s->to <= s->from)
		s->to = s->from + (s->from ? fabs(s->from) : 1);
	add_even_marks(axis, s, s->from, s->to, false);
}

static void scale_log(const struct plot_axis *axis, struct scale *s)
{
	static const int all[] = { 1, 2, 5 };
	double decades;
	int n;

	if (s->to - s->from < 0.05) {
		s->from -= 0.1;
		s->to += 0.1;
	}
	decades = s->to - s->from;
	n = decades > 2.5 ? 1 : 3;
	for (int e = floor(s->from); e <= s->to; e++)
		for (int i = 0; i < n; i++) {
			double value = all[i] * pow(10, e), at = log10(value);

			if (at < s->from - 1e-9 || at > s->to + 1e-9)
				continue;
			add_mark(s, axis, value);
			s->marks[s->nr_marks - 1].odd = n == 1 ? e % 2 : i && decades > 1.2;
		}
	/* A narrow range may contain no such mark, or only one. */
	if (s->nr_marks < 2) {
		s->nr_marks = 0;
		add_even_marks(axis, s, pow(10, s->from), pow(10, s->to), true);
	}
}

static void scale_nines(const struct plot_axis *axis, struct scale *s)
{
	add_mark(s, axis, 0);
	if (s->to <= 4) /* on a longer axis this mark is too near to the mark of 0 */
		add_mark(s, axis, 0.5);
	for (int i = 1; i <= NO_NINES && i <= s->to + 1e-6; i++)
		add_mark(s, axis, 1 - pow(10, -i));
}

static void scale_make(const struct plot_axis *axis, struct scale *s)
{
	memset(s, 0, sizeof(*s));
	s->kind = axis->scale;
	s->from = transform(s->kind, s->kind == PLOT_LOG && !(axis->min > 0) ? 1 : axis->min);
	s->to = transform(s->kind, s->kind == PLOT_LOG && !(axis->max > 0) ? 1 : axis->max);
	if (!isfinite(s->from))
		s->from = 0;
	if (!isfinite(s->to))
		s->to = s->from;
	if (s->kind == PLOT_LOG) {
		scale_log(axis, s);
	} else if (s->kind == PLOT_NINES) {
		s->to = s->to < 2 ? 2 : s->to;
		scale_nines(axis, s);
	} else {
		scale_linear(axis, s);
	}
}

/* Returns the place of a value; a value outside of the axis gets the place of the nearer edge. */
static double on_axis(const struct scale *s, double value)
{
	double at = place(s, value);

	return at < 0 ? 0 : at > SIZE ? SIZE : at;
}

static void begin_figure(FILE *f, const struct plot *p, const char *class)
{
	fprintf(f, "<figure class=\"plot%s\">\n<figcaption>", class);
	html_text(f, p->title);
	fputs("</figcaption>\n<div class=\"ylabel\">", f);
	html_text(f, p->y.label);
	fputs("</div>\n", f);
}

static void end_figure(FILE *f, const struct plot *p)
{
	if (p->note) {
		fputs("<p class=\"note\">", f);
		html_text(f, p->note);
		fputs("</p>\n", f);
	}
	fputs("</figure>\n", f);
}

static void put_x_marks(FILE *f, const struct scale *x)
{
	fputs("<div class=\"xs\">", f);
	for (int i = 0; i < x->nr_marks; i++) {
		fprintf(f, "<span%s style=\"left:%.2f%%\">",
			x->marks[i].odd ? " class=\"odd\"" : "",
			place(x, x->marks[i].value) * 100 / SIZE);
		html_text(f, x->marks[i].text);
		fputs("</span>", f);
	}
	fputs("</div>\n", f);
}

static void put_x_label(FILE *f, const struct plot *p)
{
	fputs("<div class=\"xlabel\">", f);
	html_text(f, p->x.label);
	fputs("</div>\n", f);
}

/* Writes the frame with the marks of y, and begins the drawing up to its grid. */
static void begin_area(FILE *f, const struct plot *p, const struct scale *x, const struct scale *y)
{
	fputs("<div class=\"frame\"><div class=\"ys\">", f);
	for (int i = 0; i < y->nr_marks; i++) {
		fprintf(f, "<span style=\"bottom:%.2f%%\">",
			place(y, y->marks[i].value) * 100 / SIZE);
		html_text(f, y->marks[i].text);
		fputs("</span>", f);
	}
	fprintf(f,
		"</div>\n<svg class=\"area\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
		"role=\"img\" aria-label=\"",
		SIZE, SIZE);
	html_text(f, p->title);
	fputs("\">\n<path class=\"grid\" d=\"", f);
	for (int i = 0; i < y->nr_marks; i++)
		fprintf(f, "M0 %.0fH%d", SIZE - place(y, y->marks[i].value), SIZE);
	for (int i = 0; i < x->nr_marks; i++)
		fprintf(f, "M%.0f 0V%d", place(x, x->marks[i].value), SIZE);
	fputs("\"/>\n", f);
}

static void end_area(FILE *f, const struct plot *p, const struct scale *x)
{
	fputs("</svg>\n", f);
	put_x_marks(f, x);
	fputs("</div>\n", f);
	put_x_label(f, p);
}

static bool drawable(const struct scale *s, double value)
{
	return isfinite(value) && (s->kind != PLOT_LOG || value > 0);
}

static void put_path(FILE *f, const struct scale *x, const struct scale *y, const double *xs,
		     const double *ys, size_t n)
{
	bool down = false;

	for (size_t i = 0; i < n; i++) {
		if (!drawable(x, xs[i]) || !drawable(y, ys[i])) {
			down = false;
			continue;
		}
		fprintf(f, "%c%.0f %.0f", down ? 'L' : 'M', place(x, xs[i]),
			SIZE - place(y, ys[i]));
		/* A point without neighbours would draw no line, so draw a dot. */
		if (!down && (i + 1 == n || !drawable(y, ys[i + 1])))
			fputs("h4", f);
		down = true;
	}
}

/* Returns the end of the points from @begin on that can be drawn without a gap. */
static size_t band_end(const struct scale *x, const struct scale *y, const struct plot_line *line,
		       size_t begin)
{
	while (begin < line->n && drawable(x, line->x[begin]) && drawable(y, line->low[begin]) &&
	       drawable(y, line->high[begin]))
		begin++;
	return begin;
}

static void put_band(FILE *f, const struct scale *x, const struct scale *y,
		     const struct plot_line *line, size_t index)
{
	fprintf(f, "<path class=\"band s%zu\" d=\"", index % PLOT_COLOURS);
	for (size_t begin = 0, end; begin < line->n; begin = end + 1) {
		end = band_end(x, y, line, begin);
		for (size_t i = begin; i < end; i++)
			fprintf(f, "%c%.0f %.0f", i == begin ? 'M' : 'L', place(x, line->x[i]),
				SIZE - place(y, line->high[i]));
		for (size_t i = end; i-- > begin;)
			fprintf(f, "L%.0f %.0f", place(x, line->x[i]),
				SIZE - place(y, line->low[i]));
		fputs(end > begin ? "Z" : "", f);
	}
	fputs("\"/>\n", f);
}

static void legend_line(FILE *f, const char *class, const char *name)
{
	fprintf(f,
		"<li><svg viewBox=\"0 0 27 12\" aria-hidden=\"true\"><path class=\"%s\" "
		"d=\"M0 6H27\"/></svg>",
		class);
	html_text(f, name);
	fputs("</li>", f);
}

/*
 * Writes the class of a line. Dashes tell the series apart for readers who do not see the colours.
 */
static void line_class(char *class, size_t size, size_t i)
{
	static const char *const dashes[] = { "", " d1", " d2", " d3" };

	snprintf(class, size, "l s%zu%s", i % PLOT_COLOURS,
		 dashes[(i + i / PLOT_COLOURS) % (sizeof(dashes) / sizeof(*dashes))]);
}

void plot_lines(FILE *f, const struct plot *p, const struct plot_line *lines, size_t n)
{
	struct scale x, y;
	char class[32];

	scale_make(&p->x, &x);
	scale_make(&p->y, &y);
	begin_figure(f, p, "");
	begin_area(f, p, &x, &y);
	for (size_t i = 0; i < n; i++)
		if (lines[i].low && lines[i].high)
			put_band(f, &x, &y, &lines[i], i);
	for (size_t i = n; i--;) {
		line_class(class, sizeof(class), i);
		fprintf(f, "<path class=\"%s\" d=\"", class);
		put_path(f, &x, &y, lines[i].x, lines[i].y, lines[i].n);
		fputs("\"/>\n", f);
	}
	end_area(f, p, &x);
	fputs("<ul class=\"legend\">", f);
	for (size_t i = 0; i < n; i++) {
		line_class(class, sizeof(class), i);
		legend_line(f, class, lines[i].name);
	}
	fputs("</ul>\n", f);
	end_figure(f, p);
}

/* Returns the colour of a value between @least and @most, on a log scale. */
static int level_of(double value, double least, double most)
{
	int level = most > least ? LEVELS * log(value / least) / log(most / least) : LEVELS - 1;

	return level < 0 ? 0 : level >= LEVELS ? LEVELS - 1 : level;
}

/*
 * Draws the cells with one path for each colour. Neighbours with one colour become one rectangle.
 */
static void put_cells(FILE *f, const struct plot_heat *h, const struct scale *x,
		      const struct scale *y, double least, double most)
{
	for (int level = 0; level < LEVELS; level++) {
		bool any = false;

		for (size_t bin = 0; bin < h->bins; bin++) {
			double low = h->bin_edges[bin], high = h->bin_edges[bin + 1];
			double top, bottom = 0;

			if (drawable(y, low))
				bottom = place(y, low);
			top = SIZE - place(y, high);
			bottom = SIZE - bottom;
			for (size_t c = 0; c < h->columns; c++) {
				const double *value = &h->values[bin * h->columns];
				size_t end = c;
				double left;

				while (end < h->columns && value[end] > 0 &&
				       level_of(value[end], least, most) == level)
					end++;
				if (end == c)
					continue;
				left = place(x, h->column_edges[c]);
				if (!any)
					fprintf(f, "<path class=\"cell h%d\" d=\"", level);
				any = true;
				fprintf(f, "M%.0f %.0fH%.0fV%.0fH%.0fZ", left, top,
					place(x, h->column_edges[end]), bottom, left);
				c = end;
			}
		}
		if (any)
			fputs("\"/>\n", f);
	}
}

static void put_hints(FILE *f, const struct plot_heat *h, const struct scale *x)
{
	for (size_t c = 0; h->hints && c < h->columns; c++) {
		double left = place(x, h->column_edges[c]);

		if (!h->hints[c])
			continue;
		fprintf(f,
			"<rect class=\"hint\" x=\"%.0f\" y=\"0\" width=\"%.0f\" "
			"height=\"%d\"><title>",
			left, place(x, h->column_edges[c + 1]) - left, SIZE);
		html_text(f, h->hints[c]);
		fputs("</title></rect>\n", f);
	}
}

static void put_ramp(FILE *f, const struct plot_heat *h, double least, double most)
{
	char a[FORMAT_LEN], b[FORMAT_LEN];

	fputs("<li>", f);
	html_printf(f, "%s: %s", h->legend, format_number(a, least));
	fprintf(f,
		"<svg class=\"ramp\" viewBox=\"0 0 %d 1\" preserveAspectRatio=\"none\" "
		"aria-hidden=\"true\">",
		LEVELS);
	for (int i = 0; i < LEVELS; i++)
		fprintf(f, "<path class=\"cell h%d\" d=\"M%d 0h1v1h-1z\"/>", i, i);
	fputs("</svg>", f);
	html_printf(f, "%s, log scale; empty: none", format_number(b, most));
	fputs("</li>", f);
}

void plot_heat(FILE *f, const struct plot *p, const struct plot_heat *h)
{
	static const char *const overlays[] = { "l over", "l over d1", "l over d2", "l over d3" };
	double least = INFINITY, most = 0;
	struct scale x, y;

	for (size_t i = 0; i < h->bins * h->columns; i++) {
		if (!(h->values[i] > 0))
			continue;
		least = h->values[i] < least ? h->values[i] : least;
		most = h->values[i] > most ? h->values[i] : most;
	}
	if (!(most > 0))
		least = most = 1;
	scale_make(&p->x, &x);
	scale_make(&p->y, &y);
	begin_figure(f, p, " tall");
	begin_area(f, p, &x, &y);
	put_cells(f, h, &x, &y, least, most);
	for (size_t i = 0; i < h->nr_lines; i++)
		for (int halo = 1; halo >= 0; halo--) {
			fprintf(f, "<path class=\"%s\" d=\"", halo ? "halo" : overlays[i % 4]);
			put_path(f, &x, &y, h->lines[i].x, h->lines[i].y, h->lines[i].n);
			fputs("\"/>\n", f);
		}
	put_hints(f, h, &x);
	end_area(f, p, &x);
	fputs("<ul class=\"legend\">", f);
	put_ramp(f, h, least, most);
	for (size_t i = 0; i < h->nr_lines; i++)
		legend_line(f, overlays[i % 4], h->lines[i].name);
	fputs("</ul>\n", f);
	end_figure(f, p);
}

/*
 * Begins a strip: a name, a text, and a drawing. The caller writes the drawing between
 * begin_strip() and end_strip().
 */
static void begin_strip(FILE *f, const char *name, const char *text)
{
	fputs("<div class=\"strip\"><span class=\"name\">", f);
	html_text(f, name);
	fputs("</span><span class=\"value\">", f);
	html_text(f, text);
	fprintf(f,
		"</span><svg class=\"mark\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
		"role=\"img\" aria-label=\"",
		SIZE, SIZE);
	html_text(f, name);
	fputs("\">", f);
}

static void end_strip(FILE *f)
{
	fputs("</svg></div>\n", f);
}

static void put_strip_grid(FILE *f, const struct scale *x)
{
	fputs("<path class=\"grid\" d=\"", f);
	for (int i = 0; i < x->nr_marks; i++)
		fprintf(f, "M%.0f 0V%d", place(x, x->marks[i].value), SIZE);
	fputs("\"/>", f);
}

static void legend_block(FILE *f, size_t i, const char *name)
{
	fprintf(f,
		"<li><svg viewBox=\"0 0 27 12\" aria-hidden=\"true\"><rect class=\"s%zu\" "
		"width=\"27\" height=\"12\"/></svg>",
		i % PLOT_COLOURS);
	html_text(f, name);
	fputs("</li>", f);
}

/* Writes the marks and the label below the strips, then the legend. */
static void end_strips(FILE *f, const struct plot *p, const struct scale *x)
{
	put_x_marks(f, x);
	fputs("</div>\n", f);
	put_x_label(f, p);
	fputs("<ul class=\"legend\">", f);
}

void plot_bars(FILE *f, const struct plot *p, const char *const *part_names, size_t nr_parts,
	       const struct plot_bar *bars, size_t n)
{
	struct scale x;

	scale_make(&p->x, &x);
	begin_figure(f, p, "");
	fputs("<div class=\"strips\">\n", f);
	for (size_t i = 0; i < n; i++) {
		double sum = 0;

		begin_strip(f, bars[i].name, bars[i].text);
		put_strip_grid(f, &x);
		for (size_t part = 0; part < nr_parts; part++) {
			double left = place(&x, sum);

			sum += bars[i].parts[part];
			fprintf(f,
				"<rect class=\"s%zu\" x=\"%.1f\" y=\"120\" width=\"%.1f\" "
				"height=\"760\"/>",
				part % PLOT_COLOURS, left, place(&x, sum) - left);
		}
		end_strip(f);
	}
	end_strips(f, p, &x);
	for (size_t i = 0; i < nr_parts; i++)
		legend_block(f, i, part_names[i]);
	fputs("</ul>\n", f);
	end_figure(f, p);
}

void plot_ranges(FILE *f, const struct plot *p, double zero, const struct plot_kind *kinds,
		 size_t nr_kinds, const struct plot_range *ranges, size_t n)
{
	struct scale x;

	scale_make(&p->x, &x);
	begin_figure(f, p, "");
	fputs("<div class=\"strips\">\n", f);
	for (size_t i = 0; i < n; i++) {
		const struct plot_range *r = &ranges[i];
		unsigned int colour = kinds[r->kind].colour;

		begin_strip(f, r->name, r->text);
		put_strip_grid(f, &x);
		fprintf(f, "<path class=\"zero\" d=\"M%.0f 0V%d\"/>", place(&x, zero), SIZE);
		fprintf(f, "<path class=\"l s%u\" d=\"M%.1f 500H%.1f\"/>", colour,
			on_axis(&x, r->low), on_axis(&x, r->high));
		if (r->middle > p->x.max) {
			fprintf(f, "<path class=\"l arrow s%u\" d=\"M960 200L995 500L960 800\"/>",
				colour);
			end_strip(f);
			continue;
		}
		/* A line of length 0 with round ends is a dot, even if the drawing is stretched. */
		fprintf(f, "<path class=\"l dot s%u\" d=\"M%.1f 500h0\"/>", colour,
			place(&x, r->middle));
		end_strip(f);
	}
	end_strips(f, p, &x);
	for (size_t k = 0; k < nr_kinds; k++) {
		size_t i = 0;

		while (i < n && ranges[i].kind != k)
			i++;
		if (i < n)
			legend_block(f, kinds[k].colour, kinds[k].name);
	}
	fputs("</ul>\n", f);
	end_figure(f, p);
}
