// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <curses.h>
#include "base/format.h"
#include "output/stall_text.h"
#include "verbs/top_stalls.h"

const struct stall_watched *stalled(const struct stall_watch *stalls, const struct queue *q)
{
	const struct stall_watched *w = q->gone ? NULL : stall_watch_find(stalls, q->serial);

	return w && w->stalled ? w : NULL;
}

void draw_stall(int y, const struct queue *q, const struct stall_watched *w, int others)
{
	char name[STALL_TEXT], counts[STALL_TEXT], time[FORMAT_LEN], more[24] = "",
								     line[3 * STALL_TEXT];

	if (others)
		snprintf(more, sizeof(more), " (and %d more)", others);
	snprintf(line, sizeof(line), " %s: %s, %s%s: %s", stalls_queue(name, sizeof(name), q),
		 stall_words(w->stall.verdict), format_time(time, w->polled - w->since), more,
		 stall_counts(counts, &w->stall));
	attron(A_BOLD | COLOR_PAIR(1));
	if (y >= 0 && y < LINES)
		mvaddnstr(y, 0, line, COLS);
	attroff(A_BOLD | COLOR_PAIR(1));
}

int draw_stalls(const struct stall_watch *stalls, const struct snapshot *diff, unsigned int serial)
{
	const struct queue *which = NULL;
	int n = 0;

	for (size_t i = 0; i < diff->nr_queues; i++) {
		const struct queue *q = &diff->queues[i];

		if (!stalled(stalls, q))
			continue;
		n++;
		if (!which || q->serial == serial)
			which = q;
	}
	if (which)
		draw_stall(LINES - 2, which, stalled(stalls, which), n - 1);
	return n > 0;
}
