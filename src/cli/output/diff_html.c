// SPDX-License-Identifier: GPL-2.0
/* vringtop diff --html: what changed, as a page with plots. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/format.h"
#include "output/diff.h"
#include "output/html.h"
#include "output/plot.h"

/* The page has curves for at most this many operations. */
#define MOST_CURVES 24

/*
 * The axis of a plot of changes ends here, in percent. A larger change is an arrow with its number
 * beside it.
 */
#define MOST_PERCENT 400

enum kind {
	KIND_WORSE,
	KIND_BETTER,
	KIND_OTHER,
	KIND_SAME,
	NR_KINDS,
};

static const struct plot_kind kinds[NR_KINDS] = {
	[KIND_WORSE] = { "slower", 1 },
	[KIND_BETTER] = { "faster", 2 },
	[KIND_OTHER] = { "more, fewer, longer or shorter", 0 },
	[KIND_SAME] = { "no difference seen", 5 },
};

static const char *const classes[NR_KINDS] = {
	[KIND_WORSE] = "worse",
	[KIND_BETTER] = "better",
	[KIND_OTHER] = "",
	[KIND_SAME] = "same",
};

static enum kind kind_of(const struct queue *q, enum vt_op op, enum figure f, enum verdict v)
{
	if (v < VERDICT_LESS)
		return KIND_SAME;
	if (f == FIGURE_RATE || op_waits(q, op))
		return KIND_OTHER;
	return v == VERDICT_MORE ? KIND_WORSE : KIND_BETTER;
}

static char *format_percent(char *text, double value)
{
	snprintf(text, FORMAT_LEN, value ? "%+.4g" : "%.0f", value);
	return text;
}

static void put_tiles(FILE *f, const struct diff *d)
{
	size_t n[NR_KINDS] = {};

	for (size_t i = 0; i < d->comparison.nr_queues; i++) {
		const struct compared_queue *q = &d->comparison.queues[i];

		for (int op = 0; op < VT_NR_TIMED; op++)
			for (int fig = 0; q->op[op] && fig < NR_FIGURES; fig++)
				n[kind_of(compared_queue(q), op, fig,
					  q->op[op]->change[fig].verdict)]++;
	}
	fputs("<ul class=\"tiles\">", f);
	for (int k = 0; k < KIND_SAME; k++)
		fprintf(f, "<li><b class=\"%s\">%zu</b><span>figures %s</span></li>",
			n[k] ? classes[k] : "", n[k], kinds[k].name);
	fprintf(f, "<li><b>%zu</b><span>no difference seen</span></li>",
		d->nr_verdicts[VERDICT_SAME]);
	fprintf(f, "<li><b>%zu</b><span>too little data</span></li></ul>\n",
		d->nr_verdicts[VERDICT_TOO_LITTLE]);
}

/* Writes each line of @value as a line of its own. */
static void put_lines(FILE *f, const char *value)
{
	for (const char *end; *value; value = *end ? end + 1 : end) {
		end = strchrnul(value, '\n');
		html_printf(f, "%.*s", (int)(end - value), value);
		if (*end)
			fputs("<br>", f);
	}
}

/* Lists the recordings of a side. */
static void put_side(FILE *f, const struct diff *d, enum side side)
{
	const struct comparison *c = &d->comparison;
	const char *between = "";
	char date[DIFF_DATE];

	fprintf(f, "<dt>%s</dt><dd>", side_name(side));
	for (size_t r = 0; r < c->nr_runs; r++) {
		const struct recording_info *i = recording_info(d->recordings[r]);

		if (c->runs[r].side != side)
			continue;
		html_printf(f, "%s%s (%s%s%s, %zu intervals of %g s)", between, i->path, i->host,
			    i->host[0] ? ", " : "", diff_date(i, date), c->runs[r].intervals.nr,
			    i->interval / 1e9);
		between = ", ";
	}
	fputs("</dd>", f);
}

static const char *common_kernel(const struct recording_info *i)
{
	return i->kernel_release;
}

static const char *common_command(const struct recording_info *i)
{
	return i->command;
}

/*
 * Writes a fact that is the same in all recordings. Facts that differ are in the list of
 * differences.
 */
static void put_common(FILE *f, const struct diff *d, const char *name,
		       const char *(*value)(const struct recording_info *))
{
	const char *first = value(recording_info(d->recordings[0]));

	for (size_t r = 1; r < d->comparison.nr_runs; r++)
		if (strcmp(first, value(recording_info(d->recordings[r]))))
			return;
	if (!*first)
		return;
	fprintf(f, "<dt>%s</dt><dd>", name);
	html_text(f, first);
	fputs("</dd>", f);
}

/* Writes the warnings. They stand before all figures. */
static void put_warnings(FILE *f, const struct diff *d)
{
	for (size_t i = 0; i < d->nr_warnings; i++) {
		fputs("<p class=\"warning\">", f);
		html_text(f, d->warnings[i]);
		fputs("</p>\n", f);
	}
}

static void put_sides(FILE *f, const struct diff *d)
{
	fputs("<section><h2>What was compared</h2>\n", f);
	fputs("<dl class=\"facts\">", f);
	for (int side = 0; side < NR_SIDES; side++)
		put_side(f, d, side);
	put_common(f, d, "kernel", common_kernel);
	put_common(f, d, "command", common_command);
	fputs("</dl>\n", f);
	if (d->nr_differences) {
		fputs("<div class=\"scroll\"><table><caption>What else the sides differ "
		      "in</caption>"
		      "<tr><th></th><th>Base</th><th>New</th></tr>\n",
		      f);
		for (size_t i = 0; i < d->nr_differences; i++) {
			fputs("<tr><td>", f);
			html_text(f, d->differences[i].what);
			for (int side = 0; side < NR_SIDES; side++) {
				fputs("</td><td style=\"white-space:normal\">", f);
				put_lines(f, d->differences[i].side[side]);
			}
			fputs("</td></tr>\n", f);
		}
		fputs("</table></div>\n", f);
	} else {
		fputs("<p>Kernel, machine, command, layouts and features are the same on both "
		      "sides.</p>\n",
		      f);
	}
	fputs("</section>\n", f);
}

/*
 * Returns true if the plot shows a figure. The plot shows each figure that changed, and of an
 * operation without any change the mean.
 */
static bool is_plotted(const struct compared_op *o, enum figure f)
{
	const struct change *c = &o->change[f];

	if (c->verdict >= VERDICT_LESS)
		return true;
	return f == FIGURE_MEAN && c->verdict == VERDICT_SAME && !op_changed(o);
}

/*
 * Chooses the ends of the axis. The ranges of figures that changed fit on the axis, up to
 * MOST_PERCENT. Of the other figures only the middles must fit. Their ranges may be cut, because
 * some ranges are so long that all others would look like points.
 */
static void fit_axis(struct plot *p, const struct plot_range *ranges, size_t n)
{
	bool cut = false, beyond = false;
	double room;

	p->x.min = p->x.max = 0;
	for (size_t i = 0; i < n; i++) {
		bool claimed = ranges[i].kind != KIND_SAME;

		p->x.min = fmin(p->x.min, claimed ? ranges[i].low : ranges[i].middle);
		p->x.max = fmax(p->x.max, claimed ? ranges[i].high : ranges[i].middle);
	}
	room = fmax(0.2 * (p->x.max - p->x.min), 1);
	p->x.min = fmax(p->x.min - room, -120);
	p->x.max = fmin(p->x.max + room, MOST_PERCENT);
	for (size_t i = 0; i < n; i++) {
		cut |= ranges[i].low < p->x.min || ranges[i].high > p->x.max;
		beyond |= ranges[i].middle > p->x.max;
	}
	p->note = beyond ? "An arrow instead of a dot: the change is beyond the scale; its number "
			   "stands beside it. A line that ends at an edge goes on beyond it."
		  : cut	 ? "A line that ends at an edge goes on beyond it."
			 : NULL;
}

static void put_changes(FILE *f, const struct comparison *c, const struct compared_queue *cq)
{
	const struct queue *q = compared_queue(cq);
	struct plot_range ranges[VT_NR_TIMED * NR_FIGURES];
	char names[VT_NR_TIMED * NR_FIGURES][64], texts[VT_NR_TIMED * NR_FIGURES][64];
	char title[DIFF_NAME + 32], name[DIFF_NAME];
	struct plot p = {
		.title = title,
		.y = { .label = "operation and figure" },
		.x = { .label = "change from base to new, %", .format = format_percent },
	};
	size_t n = 0;

	for (int op = 0; op < VT_NR_TIMED; op++) {
		for (int fig = 0; cq->op[op] && fig < NR_FIGURES; fig++) {
			const struct change *to = &cq->op[op]->change[fig];
			char base[FORMAT_LEN], new[FORMAT_LEN];

			if (!is_plotted(cq->op[op], fig))
				continue;
			snprintf(names[n], sizeof(names[n]), "%s %s", op_name(op),
				 figure_name(fig));
			snprintf(texts[n], sizeof(texts[n]), "%+.1f %%: %s, was %s",
				 100 * to->change, format_figure(new, c, fig, to, SIDE_NEW),
				 format_figure(base, c, fig, to, SIDE_BASE));
			ranges[n] = (struct plot_range){
				.name = names[n],
				.text = texts[n],
				.low = 100 * to->low,
				.middle = 100 * to->change,
				.high = 100 * to->high,
				.kind = kind_of(q, op, fig, to->verdict),
			};
			n++;
		}
	}
	if (!n)
		return;
	fit_axis(&p, ranges, n);
	snprintf(title, sizeof(title), "Changes of %s", compared_name(c, cq, name));
	plot_ranges(f, &p, 0, kinds, NR_KINDS, ranges, n);
}

/*
 * Makes a curve: the share of operations that took at most a time. The curve has a point at the end
 * of each bucket. Returns the number of points.
 */
static size_t make_curve(const struct histogram *h, double *x, double *y)
{
	double count = histogram_count(h), seen = 0;
	size_t n = 0;

	for (unsigned int b = h->begin; b < h->end && seen < count; b++) {
		if (!h->bucket[b] && !n)
			continue;
		if (!n) {
			x[n] = fmax(histogram_lower(b), 1);
			y[n++] = 0;
		}
		seen += h->bucket[b];
		x[n] = histogram_lower(b + 1);
		/* An axis of nines has no place for the share 1, so leave out half an operation. */
		y[n++] = fmin(seen, count - 0.5) / count;
	}
	return n;
}

static void put_curves(FILE *f, const struct comparison *c, const struct compared_queue *cq,
		       enum vt_op op)
{
	static double x[NR_SIDES][VT_NR_BUCKETS + 1], y[NR_SIDES][VT_NR_BUCKETS + 1];
	static struct histogram h;
	char title[DIFF_NAME + 64], name[DIFF_NAME], legend[NR_SIDES][64], number[FORMAT_LEN];
	struct plot_line lines[NR_SIDES] = {};
	struct plot p = {
		.title = title,
		.x = { .label = "time, on a log scale",
		       .scale = PLOT_LOG,
		       .min = INFINITY,
		       .max = 1,
		       .format = format_time },
		.y = { .label = "share of operations that took at most this long",
		       .scale = PLOT_NINES,
		       .min = 0 },
	};

	for (int side = 0; side < NR_SIDES; side++) {
		struct plot_line *l = &lines[side];

		compare_histogram(c, cq->op[op], side, &h);
		l->n = make_curve(&h, x[side], y[side]);
		l->x = x[side];
		l->y = y[side];
		snprintf(legend[side], sizeof(legend[side]), "%s, %s operations", side_name(side),
			 format_number(number, cq->op[op]->count[side]));
		l->name = legend[side];
		if (l->n < 2)
			return;
		p.x.min = fmin(p.x.min, x[side][0]);
		p.x.max = fmax(p.x.max, x[side][l->n - 1]);
		p.y.max = fmax(p.y.max, y[side][l->n - 1]);
	}
	snprintf(title, sizeof(title), "%s %s: how long it took", compared_name(c, cq, name),
		 op_name(op));
	plot_lines(f, &p, lines, NR_SIDES);
}

static void put_table(FILE *f, const struct comparison *c)
{
	fputs("<section><h2>All figures that changed</h2><div "
	      "class=\"scroll\"><table class=\"stack\"><thead><tr><th>Queue</th>"
	      "<th>Operation</th><th>Figure</th><th class=\"n\">Base</th><th class=\"n\">New</th>"
	      "<th class=\"n\">Change</th><th class=\"n\">Between</th><th>Verdict</th></tr></thead>"
	      "\n<tbody>",
	      f);
	for (size_t i = 0; i < c->nr_queues * VT_NR_TIMED * NR_FIGURES; i++) {
		const struct compared_queue *cq = &c->queues[i / NR_FIGURES / VT_NR_TIMED];
		const struct queue *q = compared_queue(cq);
		enum vt_op op = i / NR_FIGURES % VT_NR_TIMED;
		enum figure fig = i % NR_FIGURES;
		char name[DIFF_NAME], base[FORMAT_LEN], new[FORMAT_LEN];
		const struct change *to;

		if (!cq->op[op] || cq->op[op]->change[fig].verdict < VERDICT_LESS)
			continue;
		to = &cq->op[op]->change[fig];
		fputs("<tr><td>", f);
		html_text(f, compared_name(c, cq, name));
		fprintf(f,
			"</td><td data-t=\"Operation\">%s</td><td data-t=\"Figure\">%s</td>"
			"<td class=\"n\" data-t=\"Base\">%s</td>"
			"<td class=\"n\" data-t=\"New\">%s</td>"
			"<td class=\"n\" data-t=\"Change\">%+.1f %%</td>"
			"<td class=\"n wide\" data-t=\"Between\">%+.1f to %+.1f %%</td>"
			"<td data-t=\"Verdict\"><span class=\"%s\">%s</span></td></tr>\n",
			op_name(op), figure_name(fig), format_figure(base, c, fig, to, SIDE_BASE),
			format_figure(new, c, fig, to, SIDE_NEW), 100 * to->change, 100 * to->low,
			100 * to->high, classes[kind_of(q, op, fig, to->verdict)],
			verdict_name(to->verdict, q, op, fig));
	}
	fputs("</tbody></table></div></section>\n", f);
}

/* Lists the queues that only one side has, a line for each side. */
static void put_only(FILE *f, const struct comparison *c)
{
	char names[2048];

	for (int side = 0; side < NR_SIDES; side++) {
		size_t n = diff_only(c, side, names, sizeof(names));

		if (!n)
			continue;
		fputs("<p class=\"note\">", f);
		html_printf(f, "Only %s has %zu queue%s: %s.", side_name(side), n,
			    n == 1 ? "" : "s", names);
		fputs("</p>\n", f);
	}
}

void diff_html(FILE *f, const struct diff *d)
{
	const struct comparison *c = &d->comparison;
	size_t claimed = d->nr_verdicts[VERDICT_LESS] + d->nr_verdicts[VERDICT_MORE];
	size_t judged = claimed + d->nr_verdicts[VERDICT_SAME], curves = 0;
	char lead[128];

	/* The tiles below add up to `judged`. Figures with too little data do not count. */
	snprintf(lead, sizeof(lead), "%zu of %zu figures changed by more than %g %%", claimed,
		 judged, 100 * d->threshold);
	html_head(f, "vringtop diff", lead);
	put_warnings(f, d);
	put_tiles(f, d);
	put_sides(f, d);
	if (!judged) {
		fputs("<p class=\"warning\">Nothing could be compared: for all figures there is "
		      "too little data on one side at least. Record for longer, and under the same "
		      "load.</p>\n",
		      f);
		put_only(f, c);
		html_foot(f);
		return;
	}
	fputs("<section><h2>Changes</h2>\n<p class=\"note\">A dot is the change that was measured. "
	      "Its line is the range of the true change; the chance that all lines of this page "
	      "are right is 99 %. A change is claimed if its whole line is beyond the threshold. "
	      "If no change of an operation is claimed, its mean is shown.</p>\n"
	      "<div class=\"pair\">",
	      f);
	for (size_t i = 0; i < c->nr_queues; i++)
		put_changes(f, c, &c->queues[i]);
	fputs("</div></section>\n", f);
	if (claimed) {
		fputs("<section><h2>Distributions of what changed</h2>\n<div class=\"pair\">", f);
		for (size_t i = 0; i < c->nr_queues * VT_NR_TIMED; i++) {
			const struct compared_queue *q = &c->queues[i / VT_NR_TIMED];
			const struct compared_op *o = q->op[i % VT_NR_TIMED];

			if (o && op_changed(o) && curves++ < MOST_CURVES)
				put_curves(f, c, q, i % VT_NR_TIMED);
		}
		fputs("</div>", f);
		if (curves > MOST_CURVES)
			fprintf(f,
				"<p class=\"note\">These are the first %d of %zu operations that "
				"changed; -d, -q and -o choose others.</p>",
				MOST_CURVES, curves);
		fputs("</section>\n", f);
		put_table(f, c);
	}
	put_only(f, c);
	html_foot(f);
}
