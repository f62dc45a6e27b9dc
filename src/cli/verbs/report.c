// SPDX-License-Identifier: GPL-2.0
/* vringtop report: what a recording says. */
#include <stdlib.h>
#include "base/confine.h"
#include "base/error.h"
#include "base/format.h"
#include "base/output_file.h"
#include "base/signals.h"
#include "output/report.h"
#include "verbs/options.h"
#include "verbs/verbs.h"

static const char doc[] =
	"Shows what a recording says: as text, as a page with plots, or as data. It needs neither "
	"root nor virtio devices."
	"\vExamples:\n"
	"  vringtop report before.vt        what ran where, tables, histograms\n"
	"  vringtop report -d vda -Q before.vt    of one disk, histograms of each queue\n"
	"  vringtop report --html before.html before.vt    a page to look at\n"
	"  vringtop report --json before.vt | jq .total.layouts\n"
	"  vringtop report --csv before.vt > before.csv    for a spreadsheet\n"
	"  vringtop report --perfetto before.json before.vt    for ui.perfetto.dev\n"
	"  vringtop report --openmetrics before.om before.vt    for Prometheus\n\n"
	"Columns are those of stat (stat --help). With --perfetto, single operations are shown if "
	"they were recorded (record --events).";

/* Options without a letter. */
enum {
	OPT_CSV = 256,
	OPT_HTML,
	OPT_PERFETTO,
	OPT_OPENMETRICS,
	OPT_FORCE,
};

struct report_options {
	struct op_filter filter;
	const char *file;			   /* the recording */
	const char *html, *perfetto, *openmetrics; /* files to write, "-": stdout; NULL: none */
	bool json, csv, per_queue, force;
};

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "Output:", 2 },
	{ "json", OPT_JSON, 0, 0, "JSON instead of text", 2 },
	{ "per-queue", 'Q', 0, 0, "Histograms of each queue by itself", 2 },
	{ "csv", OPT_CSV, 0, 0, "A line per interval, queue and operation (RFC 4180)", 2 },
	{ "html", OPT_HTML, "FILE", 0, "A page with plots; - is stdout", 2 },
	{ "perfetto", OPT_PERFETTO, "FILE", 0,
	  "A trace for ui.perfetto.dev or chrome://tracing; - is stdout", 2 },
	{ "openmetrics", OPT_OPENMETRICS, "FILE", 0,
	  "Metrics with their times, to be imported by promtool; - is stdout", 2 },
	{ "force", OPT_FORCE, 0, 0, "Replace FILE even if vringtop did not write it", 2 },
	{},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct report_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->filter;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case 'Q':
		o->per_queue = true;
		return 0;
	case OPT_CSV:
		o->csv = true;
		return 0;
	case OPT_HTML:
		o->html = arg;
		return 0;
	case OPT_PERFETTO:
		o->perfetto = arg;
		return 0;
	case OPT_OPENMETRICS:
		o->openmetrics = arg;
		return 0;
	case OPT_FORCE:
		o->force = true;
		return 0;
	case ARGP_KEY_ARG:
		if (o->file)
			wrong_use(state,
				  "One recording at a time; to compare two: vringtop diff BASE NEW",
				  "a second recording: '%s'", arg);
		o->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->file)
			wrong_use(state, "Write: vringtop report FILE", "no recording is named");
		if (o->json + o->csv + !!o->html + !!o->perfetto + !!o->openmetrics > 1)
			wrong_use(state, "Run it once for each.",
				  "only one of --json, --csv, --html, --perfetto and --openmetrics "
				  "at a time");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { &op_filter_argp, 0, NULL, 0 }, {} };
static const struct argp argp = {
	options, parse, .args_doc = "FILE", .doc = doc, .children = children,
};

/* Reads all intervals once and sums them. Returns 0, or -1 after a message. */
static int read_total(struct report *r)
{
	struct snapshot diff;

	while (report_next(r, &diff)) {
		int err = snapshot_add(&r->total, &diff);

		snapshot_free(&diff);
		if (err)
			return complain(NULL, "%s: no memory to sum its intervals", r->info->path);
		r->intervals++;
	}
	report_rewind(r);
	if (stop_requested)
		return -1;
	if (!r->intervals)
		return complain("The recording ended before its first interval did.",
				"%s: nothing was recorded", r->info->path);
	if (r->total.nr_queues)
		/* snapshot_add() puts queues that came later at the end. */
		qsort(r->total.queues, r->total.nr_queues, sizeof(*r->total.queues), queue_order);
	return filter_match(r->filter, &r->total);
}

static int write_report(struct report *r, const struct report_options *o, FILE *f)
{
	int (*form)(struct report * r, FILE * f) = o->html	    ? report_html
						   : o->perfetto    ? report_perfetto
						   : o->openmetrics ? report_openmetrics
						   : o->json	    ? report_json
						   : o->csv	    ? report_csv
								    : report_text;

	return form(r, f) || stop_requested ? -1 : 0;
}

int verb_report(int argc, char **argv)
{
	struct report_options o = { .filter.all = ALL_OPS };
	struct output_file *output = NULL;
	struct report r = {};
	int failed = 1;

	options_parse(&argp, argc, argv, 0, &o);
	r.filter = &o.filter.filter;
	r.timed = op_filter_timed(&o.filter);
	r.per_queue = o.per_queue;
	r.recording = recording_open(o.file);
	if (!r.recording)
		return 1;
	r.info = recording_info(r.recording);
	output = output_open(o.html ?: o.perfetto ?: o.openmetrics ?: "-",
			     (const char *const[]){ o.file, NULL }, o.force);
	if (output && !confine_reading() && !read_total(&r) &&
	    !write_report(&r, &o, output_stream(output)))
		failed = r.damaged;
	/* A page of a damaged recording shows everything before the damage. */
	if (output_close(output, !failed || r.damaged))
		failed = 1;
	/* Where the form has no place that everyone reads. */
	for (unsigned int n = 0;
	     output && (o.json || o.csv || o.perfetto || o.html || o.openmetrics) &&
	     report_warning(&r, n);
	     n++)
		complain(NULL, "%s: %s", o.file, report_warning(&r, n));
	snapshot_free(&r.total);
	recording_reader_close(r.recording);
	return failed;
}
