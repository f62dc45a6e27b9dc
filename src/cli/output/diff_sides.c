// SPDX-License-Identifier: GPL-2.0
/* Finds the differences between the two sides of a diff that are not figures. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/format.h"
#include "model/ring.h"
#include "output/diff.h"

/* An operation that only one side has, and fewer times than this, is there by chance. */
#define LEAST_SEEN 20

int diff_warn(struct diff *d, const char *fmt, ...)
{
	char **longer = realloc(d->warnings, (d->nr_warnings + 1) * sizeof(*longer));
	char *text;
	va_list args;
	int n;

	if (!longer)
		return -ENOMEM;
	d->warnings = longer;
	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		return -ENOMEM;
	/* A path may have any bytes. An escaped byte takes at most 4 bytes. */
	longer[d->nr_warnings] = malloc(4 * n + 1);
	if (longer[d->nr_warnings])
		copy_printable(longer[d->nr_warnings++], text, 4 * n + 1);
	else
		n = -1;
	free(text);
	return n < 0 ? -ENOMEM : 0;
}

/*
 * Adds a line to a side's list, unless the list has the line already. Lists are sorted, so that the
 * order of the recordings does not matter when two lists are compared. Returns 0 or -ENOMEM.
 */
static int add_value(char **list, const char *value)
{
	const char *at = *list ?: "";
	char *longer;

	while (*at) {
		size_t n = strcspn(at, "\n"), length = strlen(value);
		int order = strncmp(value, at, n > length ? n : length);

		if (n == length && !strncmp(value, at, n))
			return 0;
		if (order < 0)
			break;
		at += n + (at[n] == '\n');
	}
	if (!*list || !**list)
		longer = strdup(value);
	else if (*at && asprintf(&longer, "%.*s%s\n%s", (int)(at - *list), *list, value, at) < 0)
		longer = NULL;
	else if (!*at && asprintf(&longer, "%s\n%s", *list, value) < 0)
		longer = NULL;
	if (!longer)
		return -ENOMEM;
	free(*list);
	*list = longer;
	return 0;
}

/*
 * Adds a difference if @base and @new are not the same text. Takes ownership of both strings.
 * Returns 0 or -ENOMEM.
 */
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

static void text_cpus(const struct recording_info *i, char *text, size_t size)
{
	snprintf(text, size, "%d x %s (%s)", i->nr_cpus, i->cpu, i->machine);
}

static void text_interval(const struct recording_info *i, char *text, size_t size)
{
	snprintf(text, size, "%g s", i->interval / 1e9);
}

#define STRING(member) offsetof(struct recording_info, member), NULL

/* The facts on the machine of a recording. */
static const struct {
	const char *what;
	size_t at; /* offset of a string in struct recording_info; unused if `text` is set */
	void (*text)(const struct recording_info *i, char *text, size_t size);
	bool alone; /* a difference in this fact alone can change times */
} infos[] = {
	{ "kernel", STRING(kernel_release), false },
	{ "kernel's build", STRING(kernel_version), false },
	{ "kernel's configuration", STRING(config_hash), false },
	{ "kernel's command line", STRING(cmdline), false },
	{ "events of the kernel", STRING(patch_level), false },
	{ "attached to", STRING(attached), true },
	{ "CPUs", 0, text_cpus, true },
	{ "clock source", STRING(clocksource), true },
	{ "interval", 0, text_interval, false },
	{ "command", STRING(command), false },
	{ "vringtop", STRING(tool_version), false },
};

int diff_infos(struct diff *d)
{
	char text[4096], *alone = NULL;
	int err = 0;

	for (size_t w = 0; !err && w < sizeof(infos) / sizeof(*infos); w++) {
		size_t before = d->nr_differences;
		char *side[NR_SIDES] = {};

		for (size_t r = 0; !err && r < d->comparison.nr_runs; r++) {
			const struct recording_info *i = recording_info(d->recordings[r]);

			if (infos[w].text)
				infos[w].text(i, text, sizeof(text));
			else
				snprintf(text, sizeof(text), "%s",
					 *(char *const *)((const char *)i + infos[w].at));
			err = add_value(&side[d->comparison.runs[r].side], text);
		}
		if (add_difference(d, infos[w].what, side[SIDE_BASE], side[SIDE_NEW]) || err)
			err = -ENOMEM;
		if (!err && infos[w].alone && d->nr_differences > before)
			err = add_value(&alone, infos[w].what);
	}
	for (char *at = alone ? strchr(alone, '\n') : NULL; at; at = strchr(at, '\n'))
		*at = ',';
	if (!err && alone)
		err = diff_warn(d,
				"The sides differ in: %s. That alone may make operations slower or "
				"faster.",
				alone);
	free(alone);
	return err;
}

/* Returns true if a recording has, of any queue, the times from available to used. */
static bool has_to_used(const struct comparison *c, size_t run)
{
	for (size_t i = 0; i < c->nr_queues; i++) {
		const struct compared_op *o = c->queues[i].op[VT_AVAIL_TO_USED];

		if (o && o->series[run].nr_parts)
			return true;
	}
	return false;
}

/*
 * Compares whether the recordings have times from available to used. An option of record decides
 * that for all queues, so there is one difference, not one for each queue.
 * @side: becomes true for a side with these times
 * Returns 0 or -ENOMEM.
 */
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

/*
 * Returns the bits of @features as a list: the name of a feature, or its number if the feature has
 * no name. The caller frees the list. NULL: no memory.
 */
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

/*
 * Adds the operations that only one side has. If a queue did nothing on one side, all its
 * operations are one difference. Returns 0 or -ENOMEM.
 */
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

		compared_name(&d->comparison, q, name);
		/* Queues that only one side has are listed in one line, after the changes. */
		if (!q->on[SIDE_BASE] || !q->on[SIDE_NEW])
			continue;
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
