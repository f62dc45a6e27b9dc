// SPDX-License-Identifier: GPL-2.0
/* vringtop queues: every virtqueue of the machine, idle ones too. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/confine.h"
#include "base/error.h"
#include "model/ring.h"
#include "output/json.h"
#include "probe/probe.h"
#include "verbs/attach.h"
#include "verbs/options.h"
#include "verbs/verbs.h"

static const char doc[] =
	"Lists every virtqueue of this machine, idle ones too: device, driver, name, size, layout "
	"and the negotiated features that say how the ring works."
	"\vExamples:\n"
	"  sudo vringtop queues\n"
	"  sudo vringtop queues -D virtio_net\n"
	"  sudo vringtop queues --json\n\n"
	"The table leaves out what the layout says already; -io is in order. JSON has all.";

struct queues_options {
	struct filter filter;
	bool json;
};

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "Output:", 2 },
	OPTION_JSON,
	{},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct queues_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->filter;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case ARGP_KEY_ARG:
		unexpected_word(state, arg);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { &filter_argp, 0, NULL, 0 }, {} };
static const struct argp argp = { options, parse, .doc = doc, .children = children };

/*
 * The features begin at this column (from 0). A line that is too long goes on below, at the same
 * column.
 */
#define FEATURES 56

static void print_queue(const struct queue *q)
{
	char device[24];
	int column;

	snprintf(device, sizeof(device), "virtio%d %.8s", q->device, q->role);
	column = printf("%-12.12s %-14.14s %2u %-9.9s %4u %-9s", device, q->driver, q->index,
			q->name, q->num, layout_short_name(q->layout));
	for (int i = 0; ring_features[i].name; i++) {
		const char *name = ring_features[i].short_name;
		int length = name ? strlen(name) + 1 : 0;

		if (!name || !(q->features >> ring_features[i].bit & 1))
			continue;
		if (column + length > 80)
			column = printf("\n%*s", FEATURES - 1, "") - 1;
		column += printf(" %s", name);
	}
	printf("\n");
}

static void print_all(const struct snapshot *s)
{
	printf("%-12s %-14s %2s %-9s %4s %-9s %s\n", "DEVICE", "DRIVER", "VQ", "NAME", "SIZE",
	       "LAYOUT", "RING FEATURES");
	for (size_t i = 0; i < s->nr_queues; i++)
		print_queue(&s->queues[i]);
}

int verb_queues(int argc, char **argv)
{
	const struct snapshot *now;
	struct snapshot s = {};
	struct queues_options o = {};
	struct probe *p;
	int failed = 1;

	options_parse(&argp, argc, argv, 0, &o);
	p = attach(0);
	if (!p)
		return 1;
	if (confine())
		goto out;
	now = probe_read(p);
	if (!now || filter_match(&o.filter, now))
		goto out;
	if (snapshot_copy(now, &s)) {
		complain(NULL, "no memory for %zu queues", now->nr_queues);
		goto out;
	}
	filter_apply(&o.filter, &s);
	if (o.json) {
		struct json_object *all = json_object_new_array();

		for (size_t i = 0; i < s.nr_queues; i++)
			json_object_array_add(all, json_queue(&s.queues[i]));
		json_print(all);
	} else {
		print_all(&s);
	}
	failed = !!s.not_shown;
	if (failed)
		complain("They are more than the table of queues can hold.",
			 "%u queues of this machine are not in this list", s.not_shown);
out:
	snapshot_free(&s);
	probe_close(p);
	return failed;
}
