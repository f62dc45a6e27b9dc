// SPDX-License-Identifier: GPL-2.0
/* vringtop stalls: which queues are stuck, and which side holds them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/confine.h"
#include "base/error.h"
#include "base/format.h"
#include "base/output_file.h"
#include "base/signals.h"
#include "output/json.h"
#include "output/stall_json.h"
#include "output/stall_text.h"
#include "probe/stall_poll.h"
#include "verbs/attach.h"
#include "verbs/options.h"
#include "verbs/verbs.h"

static const char doc[] =
	"Tells which queues are stuck, and which side holds them: buffers are in flight, and for "
	"some time the device has used nothing and the driver has fetched nothing; or one buffer "
	"does not come back. The evidence is read from the rings, so vringtop need not have run "
	"when the queue stopped. Queues that only wait for input are listed too, but do not count "
	"as stalled."
	"\vExamples:\n"
	"  sudo vringtop stalls\n"
	"  sudo vringtop stalls -d vda --after 5s\n"
	"  sudo vringtop stalls --watch         each stall, and when it is over\n"
	"  sudo vringtop stalls --ring vda:0    a ring's whole state, for a report\n"
	"  sudo vringtop stalls --json | jq '.stalled[].verdict'\n\n"
	"Exit status: 0 nothing is stalled, 3 something is (with --watch: was), 1 failed, 2 wrong "
	"use. Names are those of virtio 1.3.";

#define EXIT_STALLED  3

#define OPT_ADDRESSES 256 /* has no letter */

/* The least number of polls within --after, and the longest time between two polls, ns. */
#define POLLS	5
#define LONGEST 200000000ull

struct stalls_options {
	struct filter filter;
	double after; /* s: a queue that stands still for this long is stalled */
	bool json, watch, addresses;
	bool ring; /* --ring: filter.device and filter.queue name the ring */
};

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "Output:", 2 },
	OPTION_JSON,
	{ "after", 'a', "TIME", 0, "A queue that does not move for so long is stalled (1s)", 2 },
	{ "watch", 'w', 0, 0, "Go on: tell each stall once, and when it is over", 2 },
	{ "ring", 'r', "DEVICE[:QUEUE]", 0, "All of a ring's state: virtio2:0, vda:req.0", 2 },
	{ "addresses", OPT_ADDRESSES, 0, 0, "Addresses, too, with --ring", 2 },
	{},
};

/* Refuses options that contradict each other. Does not return if they do. */
static void check_options(const struct stalls_options *o, const struct argp_state *state)
{
	if (o->ring && (!*o->filter.device || (o->filter.queue && !*o->filter.queue)))
		wrong_use(state, "Write DEVICE or DEVICE:QUEUE, as in --ring vda:req.0",
			  "--ring does not say which ring");
	if (o->addresses && !o->ring)
		wrong_use(state, "Name a ring: --ring DEVICE:QUEUE --addresses",
			  "--addresses shows the addresses in a ring, and there is no --ring");
	if (o->ring && o->watch)
		wrong_use(state, "Leave out one of them.",
			  "--ring shows a ring once, and --watch goes on");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct stalls_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->filter;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case 'a':
		o->after = read_time(arg, 0.1);
		if (!o->after)
			wrong_use(state, "Write a time such as " TIME_EXAMPLES ".",
				  "--after: '%s' is not a time from 0.1 s to 24 h", arg);
		return 0;
	case 'w':
		o->watch = true;
		return 0;
	case 'r':
		o->ring = true;
		o->filter.device = strsep(&arg, ":");
		if (arg)
			o->filter.queue = arg;
		return 0;
	case OPT_ADDRESSES:
		o->addresses = true;
		return 0;
	case ARGP_KEY_ARG:
		unexpected_word(state, arg);
	case ARGP_KEY_END:
		check_options(o, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { &filter_argp, 0, NULL, 0 }, {} };
static const struct argp argp = { options, parse, .doc = doc, .children = children };

struct stalls {
	const struct stalls_options *o;
	struct probe *p;
	struct stall_watch watch;
	struct snapshot seen; /* the last snapshot, filtered */
	bool any;	      /* something is or was stalled */
};

/* Reads the queues and judges their rings. Returns 0, or -1 after a message. */
static int poll_once(struct stalls *s)
{
	const struct snapshot *now = probe_read(s->p);

	if (!now)
		return -1;
	if (snapshot_copy(now, &s->seen))
		return complain(NULL, "no memory for %zu queues", now->nr_queues);
	filter_apply(&s->o->filter, &s->seen);
	return stall_poll(&s->watch, s->p, now, &s->seen);
}

/* Sleeps until the next poll. Returns false if a signal asked to stop. */
static bool wait_for_poll(const struct stalls *s)
{
	uint64_t step = s->watch.after / POLLS;

	return wait_until(probe_now() + (step < LONGEST ? step : LONGEST));
}

/* --- Without --watch --- */

/*
 * Calls @show for each stalled queue. If @stalled is false: for each queue with STALL_WAITING.
 * Returns the number of these queues.
 * @show: may be NULL
 */
static size_t
for_each(struct stalls *s, bool stalled,
	 void (*show)(const struct queue *q, const struct stall_watched *w, void *arg), void *arg)
{
	size_t n = 0;

	for (size_t i = 0; i < s->seen.nr_queues; i++) {
		const struct queue *q = &s->seen.queues[i];
		const struct stall_watched *w = stall_watch_find(&s->watch, q->serial);

		if (!w || q->gone || w->stalled != stalled ||
		    (!stalled && w->stall.verdict != STALL_WAITING))
			continue;
		n++;
		if (show)
			show(q, w, arg);
	}
	return n;
}

static void show_text(const struct queue *q, const struct stall_watched *w, void *arg)
{
	(void)arg;
	stall_print("", q, w);
}

static void show_json(const struct queue *q, const struct stall_watched *w, void *list)
{
	json_object_array_add(list, stall_json(q, w));
}

static void tell(struct stalls *s)
{
	struct json_object *o, *stalled, *waiting;
	size_t n = for_each(s, true, NULL, NULL), waits = for_each(s, false, NULL, NULL);

	s->any = n;
	if (!s->o->json) {
		for_each(s, true, show_text, NULL);
		for_each(s, false, show_text, NULL);
		printf("%zu of %zu queues stalled, %zu waiting\n", n, snapshot_queues(&s->seen),
		       waits);
		return;
	}
	o = json_object_new_object();
	stalled = json_object_new_array();
	waiting = json_object_new_array();
	for_each(s, true, show_json, stalled);
	for_each(s, false, show_json, waiting);
	json_put_int(o, "time_ns", json_now());
	json_put_int(o, "after_ns", s->watch.after);
	json_put_int(o, "queues", snapshot_queues(&s->seen));
	json_put_int(o, "queues_not_shown", s->seen.not_shown);
	json_object_object_add(o, "stalled", stalled);
	json_object_object_add(o, "waiting", waiting);
	json_print(o);
}

/*
 * --ring: prints the whole state of each ring that the filter matches. Returns 0, or -1 after a
 * message.
 */
static int tell_rings(struct stalls *s)
{
	size_t told = 0;

	for (size_t i = 0; i < s->seen.nr_queues; i++) {
		const struct queue *q = &s->seen.queues[i];
		struct stall_watched *w = stall_watch_find(&s->watch, q->serial);

		if (!w || q->gone)
			continue;
		if (stall_copy_ring(s->p, q, w))
			return -1;
		if (!w->entries)
			complain(NULL, "virtio%d:%u moves too fast for a copy of its buffers",
				 q->device, q->index);
		if (s->o->json) {
			struct json_object *o = stall_json(q, w);

			/* Replaces the member "ring" by one that has the buffers in flight. */
			json_object_object_add(o, "ring", stall_json_ring(q, w, s->o->addresses));
			json_print(o);
		} else {
			stall_print("", q, w);
			stall_print_ring(q, w, s->o->addresses);
		}
		s->any |= w->stalled;
		told++;
	}
	return told ? 0 : complain("See vringtop queues.", "the queue is gone");
}

static int run_once(struct stalls *s)
{
	uint64_t begin;

	if (poll_once(s))
		return -1;
	begin = s->seen.time;
	if (s->o->after >= 2)
		fprintf(stderr, "Looking at the rings for %g s; Ctrl-C ends it.\n", s->o->after);
	/* A queue that moves between two of these polls is not stalled. */
	while (s->seen.time - begin < s->watch.after) {
		if (!wait_for_poll(s))
			return complain(
				"Let it run, or give --after a shorter time.",
				"ended after %.1f of %g s: what is stalled is not known yet",
				(probe_now() - begin) / 1e9, s->o->after);
		if (poll_once(s))
			return -1;
	}
	if (s->o->ring)
		return tell_rings(s);
	tell(s);
	return 0;
}

/* --- --watch --- */

static void tell_event(struct stalls *s, const struct queue *q, const struct stall_watched *w,
		       uint64_t over)
{
	char clock[16], name[STALL_TEXT], time_text[FORMAT_LEN], line[2 * STALL_TEXT];
	struct json_object *o;
	time_t now = time(NULL);
	struct tm tm;

	if (s->o->json) {
		o = stall_json(q, w);
		json_put_int(o, "time_ns", json_now());
		json_put_string(o, "event", !over ? "stalled" : q->gone ? "gone" : "over");
		if (over) {
			json_put_string(o, "was", stall_name(w->told));
			json_put_int(o, "stalled_ns", over - w->told_since);
		}
		json_print(o);
		return;
	}
	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S ", &tm);
	if (over) {
		snprintf(line, sizeof(line), "%s%s: %s after %s%s (%s)", clock,
			 stall_queue(name, sizeof(name), q), q->gone ? "gone" : "over",
			 format_time(time_text, over - w->told_since),
			 w->told_since_is_exact ? "" : " or longer", stall_words(w->told));
		print_wrapped(0, line);
		return;
	}
	stall_print(clock, q, w);
}

/* Prints stalls that began or ended since the last poll. */
static void tell_changes(struct stalls *s)
{
	for (size_t i = 0; i < s->seen.nr_queues; i++) {
		const struct queue *q = &s->seen.queues[i];
		struct stall_watched *w = stall_watch_find(&s->watch, q->serial);

		if (!w)
			continue;
		if (w->told && (!w->stalled || w->polled != s->seen.time)) {
			tell_event(s, q, w, s->seen.time);
			w->told = STALL_IDLE;
		} else if (w->stalled && w->told != w->stall.verdict) {
			if (!w->told) {
				w->told_since = stall_watched_since(w, &w->told_since_is_exact);
			}
			w->told = w->stall.verdict;
			tell_event(s, q, w, 0);
			s->any = true;
		}
	}
}

static int run_on(struct stalls *s)
{
	fprintf(stderr, "Watching for stalls; Ctrl-C ends it.\n");
	do {
		if (poll_once(s))
			return -1;
		tell_changes(s);
		stall_watch_drop(&s->watch, s->seen.time);
		if (check_stdout())
			return -1;
	} while (wait_for_poll(s));
	return 0;
}

int verb_stalls(int argc, char **argv)
{
	const struct snapshot *first;
	struct stalls_options o = { .after = STALL_AFTER / 1e9, .filter.ops = ~0u };
	struct stalls s = { .o = &o };
	int status = 1;

	options_parse(&argp, argc, argv, 0, &o);
	s.watch.after = o.after * 1e9;
	s.p = attach(STALL_OPS);
	if (!s.p)
		return 1;
	if (confine())
		goto out;
	first = probe_read(s.p);
	if (!first || filter_match(&o.filter, first))
		goto out;
	if (o.watch ? run_on(&s) : run_once(&s))
		goto out;
	if (s.any)
		status = EXIT_STALLED;
	else if (s.seen.not_shown)
		complain("They are more than the table of queues can hold.",
			 "%u queues of this machine were not looked at", s.seen.not_shown);
	else
		status = 0;
out:
	stall_watch_free(&s.watch);
	snapshot_free(&s.seen);
	probe_close(s.p);
	return status;
}
