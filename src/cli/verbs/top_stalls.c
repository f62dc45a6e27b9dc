// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <curses.h>
#include "output/stall_text.h"
#include "verbs/top_stalls.h"

const struct stall_watched *stalled(const struct stall_watch *stalls, const struct queue *q)
{
	const struct stall_watched *w = q->gone ? NULL : stall_watch_find(stalls, q->serial);

	return w && w->stalled ? w : NULL;
}

void draw_stall(int y, const struct queue *q, const struct stall_watched *w, int others)
{
	char name[STALL_TEXT], counts[STALL_TEXT], time[STALL_TEXT], more[24] = "";
	char line[4 * STALL_TEXT];

	if (others)
		snprintf(more, sizeof(more), " (and %d more)", others);
	snprintf(line, sizeof(line), " %s: %s, %s%s: %s", stall_queue(name, sizeof(name), q),
		 stall_words(w->stall.verdict), stall_time(time, w), more,
		 stall_counts(counts, &w->stall));
	attron(A_BOLD | COLOR_PAIR(1));
	if (y >= 0 && y < LINES)
		mvaddnstr(y, 0, line, COLS);
	attroff(A_BOLD | COLOR_PAIR(1));
}

/* Draws a text, wrapped at spaces. Returns the number of lines. */
static int draw_sentence(int y, const char *text)
{
	int width = COLS - 2, lines = 0;

	while (*text && width > 0) {
		int length = strlen(text), cut = length;

		if (length > width) {
			for (cut = width; cut > 0 && text[cut] != ' '; cut--)
				;
			if (!cut)
				cut = width;
		}
		if (y + lines < LINES)
			mvaddnstr(y + lines, 1, text, cut);
		lines++;
		text += cut + (text[cut] == ' ');
	}
	return lines;
}

int draw_stall_evidence(int y, const struct queue *q, const struct stall_watched *w)
{
	char sentences[STALL_SENTENCES][STALL_TEXT];
	size_t nr = stall_evidence(q, w, sentences);
	int lines = 0;

	for (size_t i = 0; i < nr; i++)
		lines += draw_sentence(y + lines, sentences[i]);
	return lines;
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
