// SPDX-License-Identifier: GPL-2.0
/* vringtop diff: what changed between recordings, by how much, how sure. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "diff.h"
#include "error.h"
#include "format.h"
#include "options.h"
#include "ring.h"
#include "verbs.h"

#define EXIT_WORSE 3

/* How often all the claims about two sides that are alike may contain a wrong one. */
#define LEVEL 0.01

/* Operations that were seen fewer times than this on one side, and not on the other, are chance. */
#define LEAST_SEEN 20

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

const char *side_name(enum side s)
{
	return s == SIDE_BASE ? "base" : "new";
}

const struct queue *compared_queue(const struct compared_queue *q)
{
	return &q->queue[!q->on[SIDE_BASE]];
}

char *compared_name(const struct compared_queue *c, char *buf)
{
	const struct queue *q = compared_queue(c);
	int n = snprintf(buf, DIFF_NAME, "%s %s", queue_role(q), q->name);

	/* Twins are counted. */
	if (c->nth)
		snprintf(buf + n, DIFF_NAME - n, " (%u)", c->nth + 1);
	return buf;
}

char *format_figure(char *buf, enum figure f, double value)
{
	return f == FIGURE_RATE ? format_number(buf, value) : format_time(buf, value);
}

bool op_changed(const struct compared_op *o)
{
	for (int f = 0; f < NR_FIGURES; f++)
		if (o->change[f].verdict >= VERDICT_LESS)
			return true;
	return false;
}

/* --- What else differs --- */

__attribute__((format(printf, 2, 3))) static int warn(struct diff *d, const char *fmt, ...)
{
	char **longer = realloc(d->warnings, (d->nr_warnings + 1) * sizeof(*longer));
	va_list args;
	int n;

	if (!longer)
		return -ENOMEM;
	d->warnings = longer;
	va_start(args, fmt);
	n = vasprintf(&longer[d->nr_warnings], fmt, args);
	va_end(args);
	if (n < 0)
		return -ENOMEM;
	d->nr_warnings++;
	return 0;
}

/* Adds a value to a side's list, unless it is there. */
static int add_value(char **list, const char *value)
{
	char *longer;

	if (*list) {
		const char *at = strstr(*list, value);
		size_t n = strlen(value);

		if (at && (at == *list || at[-1] == '\n') && (!at[n] || at[n] == '\n'))
			return 0;
	}
	if (asprintf(&longer, "%s%s%s", *list ?: "", *list ? "\n" : "", value) < 0)
		return -ENOMEM;
	free(*list);
	*list = longer;
	return 0;
}

/* Keeps what the sides say only if they do not say the same. Takes the strings. */
static int add_difference(struct diff *d, const char *what, char *base, char *new)
{
	struct difference *longer;
	int err = base && new ? 0 : -ENOMEM;

	if (!err && strcmp(base, new)) {
		longer = realloc(d->differences, (d->nr_differences + 1) * sizeof(*longer));
		if (longer) {
			d->differences = longer;
			longer += d->nr_differences++;
			snprintf(longer->what, sizeof(longer->what), "%s", what);
			longer->side[SIDE_BASE] = base;
			longer->side[SIDE_NEW] = new;
			return 0;
		}
		err = -ENOMEM;
	}
	free(base);
	free(new);
	return err;
}

static void text_of(const struct recording_info *i, int what, char *text, size_t size)
{
	switch (what) {
	case 0:
		snprintf(text, size, "%s", i->kernel_release);
		break;
	case 1:
		snprintf(text, size, "%s", i->kernel_version);
		break;
	case 2:
		snprintf(text, size, "%s", i->config_hash);
		break;
	case 3:
		snprintf(text, size, "%s", i->cmdline);
		break;
	case 4:
		snprintf(text, size, "%s", i->patch_level);
		break;
	case 5:
		snprintf(text, size, "%s", i->attached);
		break;
	case 6:
		snprintf(text, size, "%d x %s (%s)", i->nr_cpus, i->cpu, i->machine);
		break;
	case 7:
		snprintf(text, size, "%s", i->clocksource);
		break;
	case 8:
		snprintf(text, size, "%g s", i->interval / 1e9);
		break;
	case 9:
		snprintf(text, size, "%s", i->command);
		break;
	default:
		snprintf(text, size, "%s", i->tool_version);
	}
}

static int compare_infos(struct diff *d)
{
	static const char *const what[] = {
		"kernel",
		"kernel's build",
		"kernel's configuration",
		"kernel's command line",
		"events of the kernel",
		"attached to",
		"CPUs",
		"clock source",
		"interval",
		"command",
		"vringtop",
	};
	char text[4096];

	for (size_t w = 0; w < sizeof(what) / sizeof(*what); w++) {
		char *side[NR_SIDES] = {};
		int err = 0;

		for (size_t r = 0; !err && r < d->comparison.nr_runs; r++) {
			text_of(recording_info(d->recordings[r]), w, text, sizeof(text));
			err = add_value(&side[d->comparison.runs[r].side], text);
		}
		if (add_difference(d, what[w], side[SIDE_BASE], side[SIDE_NEW]) || err)
			return -ENOMEM;
	}
	return 0;
}

/* Whether a recording has how long the device kept buffers, of any queue. */
static bool has_to_used(const struct comparison *c, size_t run)
{
	for (size_t i = 0; i < c->nr_queues; i++) {
		const struct compared_op *o = c->queues[i].op[VT_AVAIL_TO_USED];

		if (o && o->series[run].nr_parts)
			return true;
	}
	return false;
}

/* That is up to whoever records: said once, not of each queue. @side: whether any of it has */
static int compare_to_used(struct diff *d, bool *side)
{
	const struct comparison *c = &d->comparison;
	char *has[NR_SIDES] = {};
	int err = 0;

	for (size_t r = 0; !err && r < c->nr_runs; r++) {
		bool any = has_to_used(c, r);

		side[c->runs[r].side] |= any;
		err = add_value(&has[c->runs[r].side], any ? "recorded" : "not recorded");
	}
	if (add_difference(d, "time from available to used (record -u)", has[SIDE_BASE],
			   has[SIDE_NEW]))
		err = -ENOMEM;
	return err;
}

/* The features that one has and the other has not, by name where there is one. */
static char *feature_names(uint64_t features)
{
	char *list = NULL, text[16];

	for (int bit = 0; bit < 64; bit++) {
		const char *name = NULL;
		char *longer;

		if (!(features >> bit & 1))
			continue;
		for (int i = 0; ring_features[i].name; i++)
			if (ring_features[i].bit == (unsigned int)bit)
				name = ring_features[i].name;
		snprintf(text, sizeof(text), "bit %d", bit);
		if (asprintf(&longer, "%s%s%s", list ?: "", list ? ", " : "", name ?: text) < 0)
			longer = NULL;
		free(list);
		list = longer;
		if (!list)
			return NULL;
	}
	return list ?: strdup("-");
}

/* Operations that were seen on one side only; of a queue that did nothing there, all in one. */
static int compare_ops(struct diff *d, const struct compared_queue *q, const char *name,
		       const bool *to_used)
{
	uint64_t all[NR_SIDES] = {};
	char what[DIFF_NAME + 32];

	for (int side = 0; side < NR_SIDES; side++)
		for (int op = 0; op < VT_NR_TIMED; op++)
			all[side] += q->op[op] ? q->op[op]->count[side] : 0;
	if (all[SIDE_BASE] + all[SIDE_NEW] < LEAST_SEEN)
		return 0;
	if (!all[SIDE_BASE] || !all[SIDE_NEW])
		return add_difference(d, name, strdup(all[SIDE_BASE] ? "in use" : "idle"),
				      strdup(all[SIDE_NEW] ? "in use" : "idle"));
	for (int op = 0; op < VT_NR_TIMED; op++) {
		const struct compared_op *o = q->op[op];

		if (!o || !o->count[SIDE_BASE] == !o->count[SIDE_NEW] ||
		    o->count[SIDE_BASE] + o->count[SIDE_NEW] < LEAST_SEEN)
			continue;
		if (op == VT_AVAIL_TO_USED && !(to_used[SIDE_BASE] && to_used[SIDE_NEW]))
			continue;
		snprintf(what, sizeof(what), "%s: %s", name, op_name(op));
		if (add_difference(d, what, strdup(o->count[SIDE_BASE] ? "seen" : "not seen"),
				   strdup(o->count[SIDE_NEW] ? "seen" : "not seen")))
			return -ENOMEM;
	}
	return 0;
}

static int compare_queues(struct diff *d)
{
	bool to_used[NR_SIDES] = {};

	if (compare_to_used(d, to_used))
		return -ENOMEM;
	for (size_t i = 0; i < d->comparison.nr_queues; i++) {
		const struct compared_queue *q = &d->comparison.queues[i];
		const struct queue *base = &q->queue[SIDE_BASE], *new = &q->queue[SIDE_NEW];
		char name[DIFF_NAME], what[DIFF_NAME + 16], *size[NR_SIDES] = {};

		compared_name(q, name);
		if (!q->on[SIDE_BASE] || !q->on[SIDE_NEW]) {
			if (add_difference(d, name,
					   strdup(q->on[SIDE_BASE] ? "there" : "not there"),
					   strdup(q->on[SIDE_NEW] ? "there" : "not there")))
				return -ENOMEM;
			continue;
		}
		snprintf(what, sizeof(what), "%s: layout", name);
		if (add_difference(d, what, strdup(layout_name(base->layout)),
				   strdup(layout_name(new->layout))))
			return -ENOMEM;
		snprintf(what, sizeof(what), "%s: features", name);
		if (add_difference(d, what, feature_names(base->features & ~new->features),
				   feature_names(new->features & ~base->features)))
			return -ENOMEM;
		if (asprintf(&size[SIDE_BASE], "%u", base->num) < 0 ||
		    asprintf(&size[SIDE_NEW], "%u", new->num) < 0)
			return -ENOMEM;
		snprintf(what, sizeof(what), "%s: size", name);
		if (add_difference(d, what, size[SIDE_BASE], size[SIDE_NEW]))
			return -ENOMEM;
		if (compare_ops(d, q, name, to_used))
			return -ENOMEM;
	}
	return 0;
}

/* --- Reading --- */

static int read_recording(struct diff *d, const struct options *o, const char *path, enum side side)
{
	struct recording **longer, *r = recording_open(path);
	const struct recording_info *info;
	struct snapshot s;
	uint64_t lost = 0;
	size_t nr = 0;
	int got;

	if (!r)
		return -1;
	longer = realloc(d->recordings, (d->comparison.nr_runs + 1) * sizeof(*longer));
	if (!longer || compare_begin(&d->comparison, side)) {
		recording_close(r);
		d->recordings = longer ?: d->recordings;
		return complain(NULL, "no memory to read %s", path);
	}
	d->recordings = longer;
	longer[d->comparison.nr_runs - 1] = r;
	while ((got = recording_next(r, &s)) > 0) {
		int err;

		lost += s.lost;
		options_filter(o, &s);
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
	     warn(d, "%s did not end properly; what it has is compared.", path)) ||
	    (info->exit_status > 0 &&
	     warn(d, "%s: the command failed, with status %d.", path, info->exit_status)) ||
	    (lost && warn(d, "%s: %llu events were not counted.", path, (unsigned long long)lost)))
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
	    warn(d,
		 "One recording a side: what runs of the same differ by is not known; take three."))
		return complain(NULL, "no memory to compare");
	return 0;
}

/* --- Text --- */

static void print_change(const struct queue *q, enum vt_op op, enum figure f,
			 const struct change *c, bool first)
{
	char base[FORMAT_LEN], new[FORMAT_LEN], range[64];

	snprintf(range, sizeof(range), "%+.1f..%+.1f", 100 * c->low, 100 * c->high);
	printf("  %-17s %-5s %7s %7s %+8.1f%% %17s  %s\n", first ? op_name(op) : "", figure_name(f),
	       format_figure(base, f, c->value[SIDE_BASE]),
	       format_figure(new, f, c->value[SIDE_NEW]), 100 * c->change, range,
	       verdict_name(c->verdict, q, op, f));
}

/* A value that is too long for a line is cut: --json has all of it. */
static void print_value(const char *prefix, const char *value)
{
	for (const char *end; *value || prefix; value = end) {
		end = strchrnul(value, '\n');
		printf("%s%.*s%s\n", prefix ?: "       ",
		       (int)(end - value < 72 ? end - value : 69), value,
		       end - value < 72 ? "" : "...");
		prefix = NULL;
		if (*end)
			end++;
	}
}

static void print_text(const struct diff *d)
{
	const struct comparison *c = &d->comparison;
	size_t claimed = d->nr_verdicts[VERDICT_LESS] + d->nr_verdicts[VERDICT_MORE];

	for (size_t r = 0; r < c->nr_runs; r++)
		printf("%-5s %s: %zu intervals\n", side_name(c->runs[r].side),
		       recording_info(d->recordings[r])->path, c->runs[r].intervals.nr);
	for (size_t i = 0; i < d->nr_warnings; i++)
		printf("Note: %s\n", d->warnings[i]);
	if (d->nr_differences)
		printf("\nThe sides differ in:\n");
	for (size_t i = 0; i < d->nr_differences; i++) {
		printf("%s\n", d->differences[i].what);
		print_value("  base ", d->differences[i].side[SIDE_BASE]);
		print_value("  new  ", d->differences[i].side[SIDE_NEW]);
	}
	if (claimed)
		printf("\n  %-17s %-5s %7s %7s %9s %17s  %s\n", "OPERATION", "", "BASE", "NEW",
		       "CHANGE", "BETWEEN, %", "VERDICT");
	for (size_t i = 0; i < c->nr_queues; i++) {
		const struct compared_queue *q = &c->queues[i];
		char name[DIFF_NAME];
		bool named = false;

		for (int op = 0; op < VT_NR_TIMED; op++) {
			bool first = true;

			for (int f = 0; q->op[op] && f < NR_FIGURES; f++) {
				if (q->op[op]->change[f].verdict < VERDICT_LESS)
					continue;
				if (!named)
					printf("%s\n", compared_name(q, name));
				named = true;
				print_change(compared_queue(q), op, f, &q->op[op]->change[f],
					     first);
				first = false;
			}
		}
	}
	printf("\n%zu figures changed; of %zu no difference was seen; for %zu there is too little "
	       "data.\n",
	       claimed, d->nr_verdicts[VERDICT_SAME], d->nr_verdicts[VERDICT_TOO_LITTLE]);
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
static int ask_gate(const struct diff *d, const struct gate *g)
{
	enum gate_answer worst = GATE_NOT_ASKED;
	const struct comparison *c = &d->comparison;

	for (size_t i = 0; i < c->nr_queues * VT_NR_TIMED; i++) {
		const struct compared_queue *cq = &c->queues[i / VT_NR_TIMED];
		const struct compared_op *o = cq->op[i % VT_NR_TIMED];
		char name[DIFF_NAME], base[FORMAT_LEN], new[FORMAT_LEN];
		const struct change *change;
		enum gate_answer answer;

		if (!o)
			continue;
		change = &o->change[g->figure];
		answer = gate_ask(g, compared_queue(cq), i % VT_NR_TIMED, g->figure, change);
		if (answer > worst)
			worst = answer;
		if (answer == GATE_FAIL)
			complain(NULL,
				 "fails %s: %s %s %s: %s, it was %s: %+.1f %% (between %+.1f and "
				 "%+.1f %%)",
				 g->text, compared_name(cq, name), op_name(i % VT_NR_TIMED),
				 figure_name(g->figure),
				 format_figure(new, g->figure, change->value[SIDE_NEW]),
				 format_figure(base, g->figure, change->value[SIDE_BASE]),
				 100 * change->change, 100 * change->low, 100 * change->high);
	}
	if (worst == GATE_FAIL)
		return EXIT_WORSE;
	if (worst == GATE_PASS)
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
		recording_close(d->recordings[r]);
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
	if (compare_infos(d) || compare_queues(d) ||
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
		print_text(d);
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
		const char *wrong = gate_parse(o.fail_on[i], &d.gates[d.nr_gates++]);

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
