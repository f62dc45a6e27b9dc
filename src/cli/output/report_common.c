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

const char *report_warning(const struct report *r, unsigned int n)
{
	const char *warnings[4];
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

static void fact_time(const struct report *r, char *text)
{
	time_t started = r->info->started / 1000000000;
	char date[32] = "";
	struct tm tm;

	if (gmtime_r(&started, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm);
	snprintf(text, REPORT_FACT, "%s, %.2f s in %zu intervals of %.4g s", date,
		 r->total.since / 1e9, r->intervals, r->info->interval / 1e9);
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
	snprintf(text + n, REPORT_FACT - n, "; lost %llu", (unsigned long long)r->total.lost);
}

static void fact_device(const struct recording_device *d, char *text)
{
	int n = snprintf(text, REPORT_FACT, "%.31s%s%.31s 0x%llx", d->role, d->role[0] ? " " : "",
			 d->driver, (unsigned long long)d->features);

	for (int i = 0; ring_features[i].name; i++)
		if (d->features >> ring_features[i].bit & 1)
			n += snprintf(text + n, REPORT_FACT - n, " %s", ring_features[i].name);
}

/* Whether it was recorded how long the device keeps buffers. */
static bool has_to_used(const struct report *r)
{
	for (size_t i = 0; i < r->total.nr_queues; i++)
		if (r->total.queues[i].op[VT_AVAIL_TO_USED])
			return true;
	return false;
}

bool report_fact(const struct report *r, unsigned int n, const char **name, char *text)
{
	static const char *const names[] = { "command", "recorded", "kernel", "config", "boot",
					     "machine", "attached", "events", "cost" };
	const unsigned int nr_names = sizeof(names) / sizeof(*names);
	const struct recording_info *i = r->info;

	if (n >= nr_names + i->nr_devices)
		return false;
	if (n >= nr_names) {
		static char device[16];

		snprintf(device, sizeof(device), "virtio%d", i->devices[n - nr_names].device);
		*name = device;
		fact_device(&i->devices[n - nr_names], text);
		return true;
	}
	*name = names[n];
	text[0] = '\0';
	switch (n) {
	case 0:
		if (i->command[0] && i->exit_status >= 0)
			snprintf(text, REPORT_FACT, "%s (exit status %d)", i->command,
				 i->exit_status);
		else
			snprintf(text, REPORT_FACT, "%s", i->command);
		break;
	case 1:
		fact_time(r, text);
		break;
	case 2:
		snprintf(text, REPORT_FACT, "%s %s", i->kernel_release, i->kernel_version);
		break;
	case 3:
		snprintf(text, REPORT_FACT, "%s", i->config_hash);
		break;
	case 4:
		snprintf(text, REPORT_FACT, "%s", i->cmdline);
		break;
	case 5:
		snprintf(text, REPORT_FACT, "%s, %d CPU%s, %s, clock %s", i->machine, i->nr_cpus,
			 i->nr_cpus == 1 ? "" : "s", i->cpu, i->clocksource);
		break;
	case 6:
		snprintf(text, REPORT_FACT, "to %s; the kernel's virtqueue events: %s%s",
			 i->attached, i->patch_level,
			 !(r->filter->ops >> VT_AVAIL_TO_USED & 1) ? ""
			 : has_to_used(r) ? "; with times from available to used"
					  : "; no times from available to used (record -u)");
		break;
	case 7:
		if (i->has_events)
			snprintf(text, REPORT_FACT, "%llu kept, %llu dropped",
				 (unsigned long long)i->events,
				 (unsigned long long)i->events_dropped);
		break;
	case 8:
		fact_cost(r, text);
		break;
	}
	return true;
}
