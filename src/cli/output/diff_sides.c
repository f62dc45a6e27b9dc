// SPDX-License-Identifier: GPL-2.0
/* What the two sides of a diff have not in common, beside the figures. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "model/ring.h"
#include "output/diff.h"

/* Operations that were seen fewer times than this on one side, and not on the other, are chance. */
#define LEAST_SEEN 20

int diff_warn(struct diff *d, const char *fmt, ...)
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

int diff_infos(struct diff *d)
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

int diff_queues(struct diff *d)
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
