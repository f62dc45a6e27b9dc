// SPDX-License-Identifier: GPL-2.0
/* vringtop diff: what changed between recordings, by how much, how sure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/confine.h"
#include "base/error.h"
#include "base/format.h"
#include "base/output_file.h"
#include "base/signals.h"
#include "output/diff.h"
#include "verbs/options.h"
#include "verbs/verbs.h"

#define EXIT_WORSE 3

/* If two sides are alike, the probability that the comparison claims any change. */
#define LEVEL 0.01

static const char doc[] =
	"Compares recordings: what changed from BASE to NEW, by how much, and how sure that is. "
	"Queues are matched by device and name. Several recordings a side are better than one: "
	"only they show by how much two runs of the same load differ."
	"\vExamples:\n"
	"  vringtop diff before.vt after.vt\n"
	"  vringtop diff b1.vt b2.vt b3.vt -- n1.vt n2.vt n3.vt\n"
	"  vringtop diff --html changes.html before.vt after.vt\n"
	"  vringtop diff --fail-on 'avail_to_used.p99>10%' before.vt after.vt\n\n"
	"Verdicts: slower and faster (of receive buffers' times from available to used: longer and "
	"shorter), of rates more and fewer; else no difference seen, or too little data. Where a "
	"change lies is given so that all of it holds together with 99 %; it is claimed if all of "
	"that is beyond the threshold. Quantiles come from buckets up to 6 % wide: nothing is "
	"claimed of those in the same or in neighbouring buckets. Means are exact.\n\n"
	"EXPR is [OPERATION.]FIGURE>PERCENT or [OPERATION.]FIGURE<PERCENT, FIGURE is rate, mean, "
	"p50, p90, p99 or p99.9: 'p99>10%', 'add.mean>5%', 'rate<-5%'. It fails if any queue's "
	"figure changed by more than that and the verdict says so. Exit status: 0 fine, 1 failed "
	"(also: an EXPR about nothing that there is enough data for), 2 wrong use, 3 an EXPR "
	"failed.";

/* Options without a letter. */
enum {
	OPT_HTML = 256,
	OPT_FAIL_ON,
	OPT_THRESHOLD,
	OPT_FORCE,
};

struct diff_options {
	struct op_filter filter;
	const char **files; /* owned: the recordings, those of the base first; ends with NULL */
	size_t nr_files, nr_base; /* of both sides, and of the base */
	struct fail_on *fail_on;  /* owned */
	size_t nr_fail_on;
	double threshold; /* a change that may be smaller than this (relative) is no change */
	const char *html; /* the page to write, "-": stdout; NULL: none */
	bool json, force;
};

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "Output:", 2 },
	OPTION_JSON,
	{ "html", OPT_HTML, "FILE", 0, "A page with plots; - is stdout", 2 },
	{ "force", OPT_FORCE, 0, 0, "Replace FILE even if vringtop did not write it", 2 },
	{ 0, 0, 0, 0, "Verdict:", 3 },
	{ "fail-on", OPT_FAIL_ON, "EXPR", 0,
	  "Exit with 3 if a figure is worse than this, for sure: 'p99>10%' (see below)", 3 },
	{ "threshold", OPT_THRESHOLD, "PERCENT", 0,
	  "Changes that may be smaller than this are no difference (default: 2)", 3 },
	{},
};

/* --- Options --- */

static void add_file(struct diff_options *o, const char *path, const struct argp_state *state)
{
	const char **files = realloc(o->files, (o->nr_files + 2) * sizeof(*files));

	if (!files)
		options_no_memory();
	files[o->nr_files++] = path;
	files[o->nr_files] = NULL;
	o->files = files;
	/* All after -- are recordings of the new side. */
	if (!state->quoted)
		o->nr_base++;
}

static void add_fail_on(struct diff_options *o, const char *text, const struct argp_state *state)
{
	struct fail_on *all = realloc(o->fail_on, (o->nr_fail_on + 1) * sizeof(*all));
	const char *wrong;

	if (!all)
		options_no_memory();
	o->fail_on = all;
	wrong = fail_on_parse(text, &all[o->nr_fail_on++]);
	if (wrong)
		wrong_use(state, "Examples: 'p99>10%', 'add.mean>5%', 'rate<-5%'; see --help",
			  "--fail-on '%s': %s", text, wrong);
}

/* Finds the sides once all files are known. */
static void find_sides(struct diff_options *o, const struct argp_state *state)
{
	/* Without -- there is one recording a side. */
	if (o->nr_base == 2 && o->nr_files == 2)
		o->nr_base = 1;
	if (!o->nr_base || o->nr_base == o->nr_files)
		wrong_use(state,
			  "Write: vringtop diff BASE NEW; several a side: vringtop diff B1 B2 -- "
			  "N1 N2",
			  "which recordings are to be compared?");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct diff_options *o = state->input;
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->filter;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_HTML:
		o->html = arg;
		return 0;
	case OPT_FORCE:
		o->force = true;
		return 0;
	case OPT_FAIL_ON:
		add_fail_on(o, arg, state);
		return 0;
	case OPT_THRESHOLD:
		o->threshold = strtod(arg, &end) / 100;
		if (end == arg || (*end && strcmp(end, "%")) ||
		    !(o->threshold >= 0 && o->threshold <= 10))
			wrong_use(state, "Write a number such as 5 or 5%.",
				  "the threshold '%s' is not a number of percent from 0 to 1000",
				  arg);
		return 0;
	case ARGP_KEY_ARG:
		add_file(o, arg, state);
		return 0;
	case ARGP_KEY_END:
		find_sides(o, state);
		if (o->json && o->html && !strcmp(o->html, "-"))
			wrong_use(state, "Name a file for the page: --html FILE",
				  "--json and --html - would both go to stdout");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { &op_filter_argp, 0, NULL, 0 }, {} };
static const struct argp argp = {
	options, parse, .args_doc = "BASE NEW\nBASE... -- NEW...", .doc = doc, .children = children,
};

/* --- Reading --- */

/* Opens all recordings. Returns 0, or -1 after a message. */
static int open_recordings(struct diff *d, const struct diff_options *o)
{
	d->recordings = calloc(o->nr_files, sizeof(*d->recordings));
	if (!d->recordings)
		return complain(NULL, "no memory for %zu recordings", o->nr_files);
	for (size_t i = 0; i < o->nr_files; i++) {
		d->recordings[i] = recording_open(o->files[i]);
		if (!d->recordings[i])
			return -1;
	}
	return 0;
}

/*
 * Reads all intervals of one recording. Returns 0; -1 after a message, or without one if a signal
 * came.
 */
static int read_recording(struct diff *d, const struct filter *filter, struct recording_reader *r,
			  enum side side)
{
	const struct recording_info *info = recording_info(r);
	const char *path = info->path;
	struct snapshot s;
	uint64_t lost = 0, clock_step;
	char step[FORMAT_LEN];
	size_t nr = 0;
	int got;

	if (compare_begin(&d->comparison, side))
		return complain(NULL, "no memory to read %s", path);
	while ((got = recording_next(r, &s)) > 0) {
		int err;

		lost += s.lost;
		filter_apply(filter, &s);
		err = compare_add(&d->comparison, &s);
		snapshot_free(&s);
		if (err)
			return complain(NULL, "no memory to read %s", path);
		if (stop_requested)
			return -1;
		nr++;
	}
	if (got < 0)
		return -1;
	if (!nr)
		return complain("Record for longer, or with a shorter interval (record -i).",
				"%s has no interval in it", path);
	clock_step = d->comparison.runs[d->comparison.nr_runs - 1].clock_step;
	if ((!info->finished &&
	     diff_warn(d, "%s did not end properly; what it has is compared.", path)) ||
	    (info->exit_status > 0 &&
	     diff_warn(d, "%s: the command failed, with status %d.", path, info->exit_status)) ||
	    (lost &&
	     diff_warn(d, "%s: %llu events were not counted.", path, (unsigned long long)lost)) ||
	    (clock_step &&
	     diff_warn(d,
		       "%s: the clock moved in steps of %s; a time that is shorter than a step "
		       "cannot be measured.",
		       path, format_time(step, clock_step))))
		return complain(NULL, "no memory to read %s", path);
	return 0;
}

static int read_sides(struct diff *d, const struct diff_options *o)
{
	for (size_t i = 0; i < o->nr_files; i++)
		if (read_recording(d, &o->filter.filter, d->recordings[i],
				   i < o->nr_base ? SIDE_BASE : SIDE_NEW))
			return -1;
	if (!d->comparison.nr_queues)
		return complain("See what they have with: vringtop report FILE",
				"no queue of the recordings matches the filters");
	if (d->comparison.nr_runs == NR_SIDES &&
	    diff_warn(d, "One recording a side does not show by how much runs differ: take three."))
		return complain(NULL, "no memory to compare");
	return 0;
}

/* --- Verdict --- */

static void count_verdicts(struct diff *d)
{
	const struct comparison *c = &d->comparison;

	for (size_t i = 0; i < c->nr_queues; i++)
		for (int op = 0; op < VT_NR_TIMED; op++)
			for (int f = 0; c->queues[i].op[op] && f < NR_FIGURES; f++)
				d->nr_verdicts[c->queues[i].op[op]->change[f].verdict]++;
}

/* Prints where an expression of --fail-on fails. Returns an exit status. */
static int check_fail_on(const struct diff *d, const struct fail_on *f)
{
	enum fail_on_answer worst = FAIL_ON_NOT_ASKED;
	const struct comparison *c = &d->comparison;

	for (size_t i = 0; i < c->nr_queues * VT_NR_TIMED; i++) {
		const struct compared_queue *cq = &c->queues[i / VT_NR_TIMED];
		const struct compared_op *o = cq->op[i % VT_NR_TIMED];
		char name[DIFF_NAME], base[FORMAT_LEN], new[FORMAT_LEN];
		const struct change *change;
		enum fail_on_answer answer;

		if (!o)
			continue;
		change = &o->change[f->figure];
		answer = fail_on_ask(f, compared_queue(cq), i % VT_NR_TIMED, f->figure, change);
		if (answer > worst)
			worst = answer;
		if (answer == FAIL_ON_FAIL)
			complain(NULL,
				 "fails %s: %s %s %s: %s, it was %s: %+.1f %% (between %+.1f and "
				 "%+.1f %%)",
				 f->text, compared_name(c, cq, name), op_name(i % VT_NR_TIMED),
				 figure_name(f->figure),
				 format_figure(new, c, f->figure, change, SIDE_NEW),
				 format_figure(base, c, f->figure, change, SIDE_BASE),
				 100 * change->change, 100 * change->low, 100 * change->high);
	}
	if (worst == FAIL_ON_FAIL)
		return EXIT_WORSE;
	if (worst == FAIL_ON_PASS)
		return 0;
	complain("Record for longer, or more of what it is about.",
		 "%s cannot be judged: there is too little data for it", f->text);
	return 1;
}

static void diff_free(struct diff *d, size_t nr_recordings)
{
	for (size_t r = 0; d->recordings && r < nr_recordings; r++)
		recording_reader_close(d->recordings[r]);
	for (size_t i = 0; i < d->nr_differences; i++)
		for (int side = 0; side < NR_SIDES; side++)
			free(d->differences[i].side[side]);
	for (size_t i = 0; i < d->nr_warnings; i++)
		free(d->warnings[i]);
	free(d->recordings);
	free(d->differences);
	free(d->warnings);
	free(d->fail_on);
	compare_free(&d->comparison);
}

/* Shows the progress on a terminal, if the comparison takes longer than two seconds. @done: 0..1 */
static void show_progress(double done)
{
	static struct timespec begin;
	static int shown = -1;
	struct timespec now;

	if (shown < 0 && !begin.tv_sec)
		clock_gettime(CLOCK_MONOTONIC, &begin);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - begin.tv_sec < 2 || !isatty(STDERR_FILENO) || (int)(100 * done) == shown)
		return;
	shown = 100 * done;
	fprintf(stderr, shown < 100 ? "\rcomparing: %d %%" : "\r\033[K", shown);
}

/* Compares the sides. Returns 0; -1 after a message, or without one if a signal came. */
static int compare(struct diff *d, const struct diff_options *o)
{
	if (read_sides(d, o))
		return -1;
	if (diff_infos(d) || diff_queues(d) ||
	    compare_run(&d->comparison, o->threshold, LEVEL, show_progress))
		return complain(NULL, "no memory to compare");
	count_verdicts(d);
	return stop_requested ? -1 : 0;
}

/* Checks all expressions of --fail-on. Returns the highest of their exit statuses. */
static int judge(const struct diff *d)
{
	int status = 0;

	for (size_t i = 0; i < d->nr_fail_on; i++) {
		int answer = check_fail_on(d, &d->fail_on[i]);

		if (answer > status)
			status = answer;
	}
	return status;
}

/* Returns an exit status. @output: the page to be filled; stdout if there is none */
static int run(struct diff *d, const struct diff_options *o, struct output_file *output)
{
	bool compared = !confine_reading() && !compare(d, o);

	if (compared && o->html)
		diff_html(output_stream(output), d);
	/* Without a comparison there is no page. */
	if (output_close(output, compared) || !compared)
		return 1;
	if (o->json)
		diff_json(d);
	else if (!o->html || strcmp(o->html, "-"))
		diff_text(d);
	/* stdout must be written before the expressions print to stderr. */
	return check_stdout() ? 1 : judge(d);
}

int verb_diff(int argc, char **argv)
{
	struct diff_options o = { .filter.all = ALL_OPS, .threshold = 0.02 };
	struct output_file *output;
	struct diff d = {};
	int status = 1;

	options_parse(&argp, argc, argv, ARGP_IN_ORDER, &o);
	d.threshold = o.threshold;
	d.fail_on = o.fail_on;
	d.nr_fail_on = o.nr_fail_on;
	if (open_recordings(&d, &o))
		goto out;
	output = output_open(o.html ?: "-", o.files, o.force);
	if (output)
		status = run(&d, &o, output);
out:
	diff_free(&d, o.nr_files);
	free(o.files);
	return status;
}
