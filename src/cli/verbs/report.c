// SPDX-License-Identifier: GPL-2.0
/* vringtop report: what a recording says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "base/error.h"
#include "base/format.h"
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
	"  vringtop report --html before.html before.vt    a page to look at and to post\n"
	"  vringtop report --json before.vt | jq .total.layouts\n"
	"  vringtop report --csv before.vt > before.csv    a line per interval and operation\n"
	"  vringtop report --perfetto before.json before.vt    open it in ui.perfetto.dev\n\n"
	"Columns are those of stat (stat --help). With --perfetto, single operations are shown if "
	"they were recorded (record --events).";

/* Reads all once. Returns 0, or -1 after it has complained. */
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
		/* Queues that came later stand at the end of a sum. */
		qsort(r->total.queues, r->total.nr_queues, sizeof(*r->total.queues), queue_order);
	return filter_match(r->filter, &r->total);
}

/* The file that is written must not be the recording itself. */
static FILE *open_output(const char *path, const char *recording)
{
	struct stat a, b;
	FILE *f;

	if (!path || !strcmp(path, "-"))
		return stdout;
	if (!stat(path, &a) && !stat(recording, &b) && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino) {
		complain("Name another file.", "%s is the recording itself", path);
		return NULL;
	}
	f = fopen(path, "w");
	if (!f)
		complain("Is there such a folder, and may you write to it?", "cannot write %s: %s",
			 path, strerror(errno));
	return f;
}

static int close_output(FILE *f, const char *path)
{
	bool failed = fflush(f) || ferror(f);
	int err = errno;

	if (f != stdout && fclose(f) && !failed) {
		failed = true;
		err = errno;
	}
	if (failed)
		return complain(NULL, "cannot write %s: %s", f == stdout ? "to stdout" : path,
				strerror(err));
	return 0;
}

static int write_report(struct report *r, const struct options *o)
{
	const char *path = o->html ?: o->perfetto;
	int (*form)(struct report * r, FILE * f) = o->html	 ? report_html
						   : o->perfetto ? report_perfetto
						   : o->json	 ? report_json
						   : o->csv	 ? report_csv
								 : report_text;
	FILE *f;
	int failed;

	f = open_output(path, o->file);
	if (!f)
		return -1;
	failed = form(r, f);
	return close_output(f, path) || failed || stop_requested ? -1 : 0;
}

int verb_report(int argc, char **argv)
{
	struct report r = {};
	struct options o;
	int failed = 1;

	options_parse(argc, argv, USE_JSON | USE_OPS | USE_PER_QUEUE | USE_HTML | USE_REPORT, doc,
		      &o);
	r.filter = &o.filter;
	r.timed = options_timed(&o);
	r.per_queue = o.per_queue;
	r.recording = recording_open(o.file);
	if (!r.recording)
		return 1;
	r.info = recording_info(r.recording);
	if (!read_total(&r) && !write_report(&r, &o))
		failed = r.damaged;
	/* Where the form has no place that everyone reads. */
	for (unsigned int n = 0; (o.json || o.csv || o.perfetto || o.html) && report_warning(&r, n);
	     n++)
		complain(NULL, "%s: %s", o.file, report_warning(&r, n));
	snapshot_free(&r.total);
	recording_reader_close(r.recording);
	return failed;
}
