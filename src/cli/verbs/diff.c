// SPDX-License-Identifier: GPL-2.0
/* vringtop diff: what changed between recordings, by how much, how sure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/error.h"
#include "base/format.h"
#include "output/diff.h"
#include "verbs/options.h"
#include "verbs/verbs.h"

#define EXIT_WORSE 3

/* How often all the claims about two sides that are alike may contain a wrong one. */
#define LEVEL 0.01

static const char doc[] =
	"Compares recordings: what changed from BASE to NEW, by how much, and how sure that is. "
	"Queues are matched by device and name. Several recordings a side are better than one: "
	"only "
	"they tell what runs of the same differ by."
	"\vExamples:\n"
	"  vringtop diff before.vt after.vt\n"
	"  vringtop diff b1.vt b2.vt b3.vt -- n1.vt n2.vt n3.vt\n"
	"  vringtop diff --html changes.html before.vt after.vt\n"
	"  vringtop diff --fail-on 'avail_to_used.p99>10%' before.vt after.vt\n\n"
	"Verdicts: slower and faster (of receive buffers' times from available to used: longer and "
	"shorter), of rates more and fewer; else no difference seen, or too little data. Where a "
	"change "
	"lies is given so that all of it holds together with 99 %; it is claimed if all of that is "
	"beyond the threshold. Quantiles come from buckets up to 6 % wide: nothing is claimed of "
	"those "
	"in the same or in neighbouring buckets. Means are exact.\n\n"
	"EXPR is [OPERATION.]FIGURE>PERCENT or [OPERATION.]FIGURE<PERCENT, FIGURE is rate, mean, "
	"p50, p90, "
	"p99 or p99.9: 'p99>10%', 'add.mean>5%', 'rate<-5%'. It fails if any queue's figure "
	"changed by "
	"more than that and the verdict says so. Exit status: 0 fine, 1 failed (also: an EXPR "
	"about "
	"nothing that there is enough data for), 2 wrong use, 3 an EXPR failed.";

/* --- Reading --- */

static int read_recording(struct diff *d, const struct options *o, const char *path, enum side side)
{
	struct recording_reader **longer, *r = recording_open(path);
	const struct recording_info *info;
	struct snapshot s;
	uint64_t lost = 0;
	size_t nr = 0;
	int got;

	if (!r)
		return -1;
	longer = realloc(d->recordings, (d->comparison.nr_runs + 1) * sizeof(*longer));
	if (!longer || compare_begin(&d->comparison, side)) {
		recording_reader_close(r);
		d->recordings = longer ?: d->recordings;
		return complain(NULL, "no memory to read %s", path);
	}
	d->recordings = longer;
	longer[d->comparison.nr_runs - 1] = r;
	while ((got = recording_next(r, &s)) > 0) {
		int err;

		lost += s.lost;
		filter_apply(&o->filter, &s);
		err = compare_add(&d->comparison, &s);
		snapshot_free(&s);
		if (err)
			return complain(NULL, "no memory to read %s", path);
		nr++;
	}
	if (got < 0)
		return -1;
	if (!nr)
		return complain("Record for longer, or with a shorter interval (record -i).",
				"%s has no interval in it", path);
	info = recording_info(r);
	if ((!info->finished &&
	     diff_warn(d, "%s did not end properly; what it has is compared.", path)) ||
	    (info->exit_status > 0 &&
	     diff_warn(d, "%s: the command failed, with status %d.", path, info->exit_status)) ||
	    (lost &&
	     diff_warn(d, "%s: %llu events were not counted.", path, (unsigned long long)lost)))
		return complain(NULL, "no memory to read %s", path);
	return 0;
}

static int read_sides(struct diff *d, const struct options *o, char **new, size_t nr_new)
{
	size_t nr_base = nr_new ? o->nr_files : 1;

	for (size_t i = 0; i < nr_base; i++)
		if (read_recording(d, o, o->files[i], SIDE_BASE))
			return -1;
	for (size_t i = 0; i < nr_new; i++)
		if (read_recording(d, o, new[i], SIDE_NEW))
			return -1;
	if (!nr_new && read_recording(d, o, o->files[1], SIDE_NEW))
		return -1;
	if (!d->comparison.nr_queues)
		return complain("See what they have with: vringtop report FILE",
				"no queue of the recordings matches the filters");
	if (d->comparison.nr_runs == NR_SIDES &&
	    diff_warn(d, "One recording a side: what runs of the same differ by is not known; take "
			 "three."))
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

/* Says where an expression fails. Returns an exit status. */
static int ask_gate(const struct diff *d, const struct fail_on *g)
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
		change = &o->change[g->figure];
		answer = fail_on_ask(g, compared_queue(cq), i % VT_NR_TIMED, g->figure, change);
		if (answer > worst)
			worst = answer;
		if (answer == FAIL_ON_FAIL)
			complain(NULL,
				 "fails %s: %s %s %s: %s, it was %s: %+.1f %% (between %+.1f and "
				 "%+.1f %%)",
				 g->text, compared_name(cq, name), op_name(i % VT_NR_TIMED),
				 figure_name(g->figure),
				 format_figure(new, g->figure, change->value[SIDE_NEW]),
				 format_figure(base, g->figure, change->value[SIDE_BASE]),
				 100 * change->change, 100 * change->low, 100 * change->high);
	}
	if (worst == FAIL_ON_FAIL)
		return EXIT_WORSE;
	if (worst == FAIL_ON_PASS)
		return 0;
	complain("Record for longer, or more of what it is about.",
		 "%s cannot be judged: there is too little data for it", g->text);
	return 1;
}

static int make_page(const struct diff *d, const char *path)
{
	bool out = !strcmp(path, "-");
	FILE *f = out ? stdout : fopen(path, "w");
	bool failed;

	if (!f)
		return complain(NULL, "cannot write %s: %s", path, strerror(errno));
	diff_html(f, d);
	failed = fflush(f) || ferror(f);
	if (!out && fclose(f))
		failed = true;
	return failed ? complain(NULL, "cannot write %s: %s", path, strerror(errno)) : 0;
}

static void diff_free(struct diff *d)
{
	for (size_t r = 0; r < d->comparison.nr_runs; r++)
		recording_reader_close(d->recordings[r]);
	for (size_t i = 0; i < d->nr_differences; i++)
		for (int side = 0; side < NR_SIDES; side++)
			free(d->differences[i].side[side]);
	for (size_t i = 0; i < d->nr_warnings; i++)
		free(d->warnings[i]);
	free(d->recordings);
	free(d->differences);
	free(d->warnings);
	free(d->gates);
	compare_free(&d->comparison);
}

/* At a terminal, after two seconds. */
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

static int run(struct diff *d, const struct options *o, char **new, size_t nr_new)
{
	int status = 0;

	if (read_sides(d, o, new, nr_new))
		return 1;
	if (diff_infos(d) || diff_queues(d) ||
	    compare_run(&d->comparison, o->threshold, LEVEL, show_progress)) {
		complain(NULL, "no memory to compare");
		return 1;
	}
	count_verdicts(d);
	if (o->html && make_page(d, o->html))
		return 1;
	if (o->json)
		diff_json(d);
	else if (!o->html || strcmp(o->html, "-"))
		diff_text(d);
	fflush(stdout);
	for (size_t i = 0; i < d->nr_gates; i++) {
		int answer = ask_gate(d, &d->gates[i]);

		if (answer > status)
			status = answer;
	}
	return status;
}

int verb_diff(int argc, char **argv)
{
	int base = 1, status;
	struct diff d = {};
	struct options o;

	/* Everything after -- is a recording of the new side. */
	while (base < argc && strcmp(argv[base], "--"))
		base++;
	options_parse(base, argv, USE_DIFF | USE_JSON | USE_OPS | USE_HTML, doc, &o);
	d.threshold = o.threshold;
	d.gates = calloc(o.nr_fail_on + 1, sizeof(*d.gates));
	for (size_t i = 0; d.gates && i < o.nr_fail_on; i++) {
		const char *wrong = fail_on_parse(o.fail_on[i], &d.gates[d.nr_gates++]);

		if (wrong) {
			complain("Examples: 'p99>10%', 'add.mean>5%', 'rate<-5%'; see --help",
				 "--fail-on '%s': %s", o.fail_on[i], wrong);
			status = EXIT_USAGE;
			goto out;
		}
	}
	if (base < argc ? !o.nr_files || base + 1 == argc : o.nr_files != 2) {
		complain("vringtop diff BASE NEW; several a side: vringtop diff B1 B2 -- N1 N2",
			 "which recordings are to be compared?");
		status = EXIT_USAGE;
		goto out;
	}
	status = d.gates ? run(&d, &o, argv + base + 1, base < argc ? argc - base - 1 : 0) : 1;
out:
	free(o.files);
	free(o.fail_on);
	diff_free(&d);
	return status;
}
