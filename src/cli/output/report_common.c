// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/format.h"
#include "base/signals.h"
#include "model/ring.h"
#include "output/queue_name.h"
#include "output/report.h"

bool report_next(struct report *r, struct snapshot *diff)
{
	int more;

	if (stop_requested)
		return false;
	more = recording_next(r->recording, diff);
	if (more < 0)
		r->damaged = true;
	if (more <= 0)
		return false;
	filter_apply(r->filter, diff);
	return true;
}

void report_rewind(struct report *r)
{
	recording_rewind(r->recording);
}

/* Returns true if the recording has times from available to used. */
static bool has_to_used(const struct report *r)
{
	for (size_t i = 0; i < r->total.nr_queues; i++)
		if (r->total.queues[i].op[VT_AVAIL_TO_USED])
			return true;
	return false;
}

const char *report_warning(const struct report *r, unsigned int n)
{
	const char *warnings[7];
	unsigned int count = 0;

	if (!r->info->finished)
		warnings[count++] = "UNFINISHED: this recording was not ended properly. What is "
				    "shown is what was recorded until then.";
	if (r->damaged)
		warnings[count++] = "DAMAGED: this recording cannot be read to its end. What is "
				    "shown is what comes before the damage.";
	if (r->total.lost)
		warnings[count++] =
			"LOST: some operations could not be counted; see below how many.";
	if (r->info->events_dropped)
		warnings[count++] = "DROPPED: some single operations (--events) were not kept; the "
				    "counts have them.";
	if (r->info->queues_not_shown)
		warnings[count++] =
			"QUEUES: this machine had more queues than are in this recording; below "
			"it says how many.";
	if (r->total.clock_step)
		warnings[count++] =
			"CLOCK: the clock of this machine moved in steps; a time that is shorter "
			"than a step cannot be measured. JSON has the step: clock_step_ns.";
	if (r->timed == VT_AVAIL_TO_USED && !has_to_used(r))
		warnings[count++] =
			"NO TIMES: the tables show - for times, because this recording has no "
			"times from available to used; record -u keeps them.";
	return n < count ? warnings[n] : NULL;
}

uint64_t report_when(const struct report *r, uint64_t time)
{
	return r->info->started + time;
}

bool report_moved(const struct queue *q)
{
	for (int op = 0; op < VT_NR_TIMED; op++)
		if (q->op[op] && q->op[op]->count)
			return true;
	return false;
}

bool report_has_stages(const struct report *r)
{
	for (size_t i = 0; i < r->total.nr_queues; i++)
		if (queue_stages(&r->total.queues[i]))
			return true;
	return false;
}

void report_idle(const struct report *r, char *text)
{
	const struct snapshot *s = &r->total;
	size_t n = 0, end;

	text[0] = '\0';
	for (size_t i = 0; i < s->nr_queues; i = end) {
		const struct queue *last = NULL;
		char name[QUEUE_NAME];
		unsigned int idle = 0;

		for (end = i; end < s->nr_queues && s->queues[end].device == s->queues[i].device;
		     end++)
			if (!report_moved(&s->queues[end])) {
				idle++;
				last = &s->queues[end];
			}
		if (!idle || n > REPORT_FACT - 256)
			continue;
		n += snprintf(text + n, REPORT_FACT - n, "%svirtio%d %s ", n ? ", " : "",
			      s->queues[i].device, queue_role(&s->queues[i]));
		if (idle == 1)
			n += snprintf(text + n, REPORT_FACT - n, "%s",
				      queue_name(s, last, QUEUE_NAME - 1, name));
		else
			n += snprintf(text + n, REPORT_FACT - n, "(%u queues)", idle);
	}
}

char *report_date(const struct recording_info *i, char *text)
{
	time_t started = i->started / 1000000000;
	struct tm tm;

	text[0] = '\0';
	if (gmtime_r(&started, &tm))
		strftime(text, REPORT_DATE, "%Y-%m-%d %H:%M:%S UTC", &tm);
	return text;
}

/*
 * --- Facts: each function writes at most REPORT_FACT bytes, and nothing if a fact is not known ---
 */

static void fact_command(const struct report *r, char *text)
{
	const struct recording_info *i = r->info;

	if (i->command[0] && i->exit_status >= 0)
		snprintf(text, REPORT_FACT, "%s (exit status %d)", i->command, i->exit_status);
	else
		snprintf(text, REPORT_FACT, "%s", i->command);
}

static void fact_time(const struct report *r, char *text)
{
	char date[REPORT_DATE];

	snprintf(text, REPORT_FACT, "%s, %.2f s in %zu intervals of %.4g s",
		 report_date(r->info, date), r->total.since / 1e9, r->intervals,
		 r->info->interval / 1e9);
}

static void fact_kernel(const struct report *r, char *text)
{
	snprintf(text, REPORT_FACT, "%s %s", r->info->kernel_release, r->info->kernel_version);
}

static void fact_config(const struct report *r, char *text)
{
	snprintf(text, REPORT_FACT, "%s", r->info->config_hash);
}

static void fact_boot(const struct report *r, char *text)
{
	snprintf(text, REPORT_FACT, "%s", r->info->cmdline);
}

static void fact_machine(const struct report *r, char *text)
{
	const struct recording_info *i = r->info;

	snprintf(text, REPORT_FACT, "%s%s%s, %d CPU%s, %s, clock %s", i->host,
		 i->host[0] ? ", " : "", i->machine, i->nr_cpus, i->nr_cpus == 1 ? "" : "s", i->cpu,
		 i->clocksource);
}

static void fact_attached(const struct report *r, char *text)
{
	const char *to_used = "";

	if (r->filter->ops >> VT_AVAIL_TO_USED & 1)
		to_used = has_to_used(r) ? "; with times from available to used"
					 : "; no times from available to used (record -u)";
	snprintf(text, REPORT_FACT, "to %s; the kernel's virtqueue events: %s%s", r->info->attached,
		 r->info->patch_level, to_used);
}

static void fact_events(const struct report *r, char *text)
{
	const struct recording_info *i = r->info;

	if (i->has_events)
		snprintf(text, REPORT_FACT, "%llu kept, %llu dropped",
			 (unsigned long long)i->events, (unsigned long long)i->events_dropped);
}

static void fact_cost(const struct report *r, char *text)
{
	const struct recording_info *i = r->info;
	double seconds = r->total.since / 1e9;
	char probe[FORMAT_LEN];
	int n;

	n = snprintf(text, REPORT_FACT, "tool %.2f s of CPU (%.2f%% of a CPU)",
		     i->cost_cpu_ns / 1e9, seconds > 0 ? i->cost_cpu_ns / 1e7 / seconds : 0);
	if (i->probe_ns > 0)
		n += snprintf(text + n, REPORT_FACT - n, ", probe %s per operation",
			      format_time(probe, i->probe_ns));
	n += snprintf(text + n, REPORT_FACT - n, "; lost %llu", (unsigned long long)r->total.lost);
	if (i->queues_not_shown)
		snprintf(text + n, REPORT_FACT - n, "; %llu queues not in it",
			 (unsigned long long)i->queues_not_shown);
}

static void fact_device(const struct recording_device *d, char *text)
{
	int n = snprintf(text, REPORT_FACT, "%.31s%s%.31s 0x%llx", d->role, d->role[0] ? " " : "",
			 d->driver, (unsigned long long)d->features);

	for (int i = 0; ring_features[i].name; i++)
		if (d->features >> ring_features[i].bit & 1)
			n += snprintf(text + n, REPORT_FACT - n, " %s", ring_features[i].name);
}

bool report_fact(const struct report *r, unsigned int n, const char **name, char *text)
{
	static const struct {
		const char *name;
		void (*text)(const struct report *r, char *text);
	} facts[] = {
		{ "command", fact_command },   { "recorded", fact_time },
		{ "kernel", fact_kernel },     { "config", fact_config },
		{ "boot", fact_boot },	       { "machine", fact_machine },
		{ "attached", fact_attached }, { "events", fact_events },
		{ "cost", fact_cost },
	};
	const unsigned int nr_facts = sizeof(facts) / sizeof(*facts);
	static char device[16];

	text[0] = '\0';
	if (n < nr_facts) {
		*name = facts[n].name;
		facts[n].text(r, text);
		return true;
	}
	n -= nr_facts;
	if (n >= r->info->nr_devices)
		return false;
	snprintf(device, sizeof(device), "virtio%d", r->info->devices[n].device);
	*name = device;
	fact_device(&r->info->devices[n], text);
	return true;
}
