// SPDX-License-Identifier: GPL-2.0
/* Prints a diff as text, in 80 columns. */
#include <stdio.h>
#include <string.h>
#include "base/format.h"
#include "output/diff.h"

static void print_change(const struct comparison *all, const struct queue *q, enum vt_op op,
			 enum figure f, const struct change *c, bool first)
{
	char base[FORMAT_LEN], new[FORMAT_LEN], range[64];

	snprintf(range, sizeof(range), "%+.1f..%+.1f", 100 * c->low, 100 * c->high);
	printf("  %-17s %-5s %7s %7s %+8.1f%% %17s  %s\n", first ? op_name(op) : "", figure_name(f),
	       format_figure(base, all, f, c, SIDE_BASE), format_figure(new, all, f, c, SIDE_NEW),
	       100 * c->change, range, verdict_name(c->verdict, q, op, f));
}

/* Prints a value. A value that is too long for a line is cut; --json has the whole value. */
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

void diff_text(const struct diff *d)
{
	const struct comparison *c = &d->comparison;
	size_t claimed = d->nr_verdicts[VERDICT_LESS] + d->nr_verdicts[VERDICT_MORE];
	char only[54]; /* so that the line has at most 80 characters */

	for (size_t r = 0; r < c->nr_runs; r++) {
		char path[4096];

		copy_printable(path, recording_info(d->recordings[r])->path, sizeof(path));
		printf("%-5s %s: %zu intervals\n", side_name(c->runs[r].side), path,
		       c->runs[r].intervals.nr);
	}
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
					printf("%s\n", compared_name(c, q, name));
				named = true;
				print_change(c, compared_queue(q), op, f, &q->op[op]->change[f],
					     first);
				first = false;
			}
		}
	}
	for (int side = 0; side < NR_SIDES; side++) {
		size_t n = diff_only(c, side, only, sizeof(only));

		if (n)
			printf("\nOnly %s has %zu queue%s: %s\n", side_name(side), n,
			       n == 1 ? "" : "s", only);
	}
	printf("\n%zu figures changed; of %zu no difference was seen; for %zu there is too little "
	       "data.\n",
	       claimed, d->nr_verdicts[VERDICT_SAME], d->nr_verdicts[VERDICT_TOO_LITTLE]);
}
