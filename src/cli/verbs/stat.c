// SPDX-License-Identifier: GPL-2.0
/* vringtop stat: a table per interval, like vmstat. */
#include <stdio.h>
#include <time.h>
#include "base/error.h"
#include "base/format.h"
#include "output/json.h"
#include "output/table.h"
#include "verbs/interval_loop.h"
#include "verbs/verbs.h"

static const char doc[] =
	"Prints a table of the queues that moved, for each interval (1 s unless told), until it "
	"has "
	"printed COUNT of them or is interrupted. Times are those of the chosen operations, or, "
	"with "
	"-u, those that the device took."
	"\vExamples:\n"
	"  sudo vringtop stat\n"
	"  sudo vringtop stat -o add,get 5\n"
	"  sudo vringtop stat -p doorbells 1 10\n"
	"  sudo vringtop stat -u -d vda     how long the device of a disk takes\n"
	"  sudo vringtop stat --json 1 3 | jq .layouts\n\n"
	"Columns: FILL descriptors in use; BUF/s buffers made available; BELL/s doorbells; SUPPR "
	"share of the doorbells that the device did not want; OUT/s and IN/s bytes for and from "
	"the "
	"device; BUF/BELL buffers per doorbell, MOST the most; DATA the last notification data: q "
	"queue, @ next offset, w wrap counter; RING whether it agreed with the ring's own index, "
	"or "
	"how often not. A queue with + is new, one with FILL GONE was deleted.";

static void print_header(const struct snapshot *diff)
{
	char clock[16], probe[FORMAT_LEN];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	printf("%s  %.2f s  %s  lost %llu  tool %.1f%% CPU", clock, diff->since / 1e9, diff->how,
	       (unsigned long long)diff->lost, diff->since ? 100e9 * diff->cpu / diff->since : 0);
	if (diff->probe_ns > 0)
		printf("  probe %s/op", format_time(probe, diff->probe_ns));
	printf("\n");
}

static int print_interval(const struct snapshot *diff, const struct options *o)
{
	struct table t;

	if (o->json) {
		json_print(json_snapshot(diff, json_now(), false));
		return 0;
	}
	if (table_make(diff, page_by_name(o->page), options_timed(o), &t))
		return complain(NULL, "no memory for a table");
	print_header(diff);
	table_print(&t, table_width(), stdout);
	printf("\n");
	table_free(&t);
	return 0;
}

int verb_stat(int argc, char **argv)
{
	struct options o;

	options_parse(argc, argv, USE_JSON | USE_INTERVAL | USE_OPS | USE_PAGE, doc, &o);
	if (!o.interval)
		o.interval = 1;
	return interval_loop(&o, print_interval);
}
