// SPDX-License-Identifier: GPL-2.0
/* Prints a recording as text, 80 columns wide, or wider on a wider terminal. */
#include <string.h>
#include "base/error.h"
#include "base/format.h"
#include "output/histogram_text.h"
#include "output/queue_name.h"
#include "output/report.h"
#include "output/table.h"

#define INDENT 10

/* Writes a name, then a text. The lines of a long text stand below each other. */
static void put_wrapped(FILE *f, const char *name, const char *text, int width)
{
	int room = width - INDENT;

	fprintf(f, "%-*s", INDENT, name);
	while ((int)strlen(text) > room) {
		int cut = room;

		while (cut > room / 2 && text[cut] != ' ')
			cut--;
		if (text[cut] != ' ')
			cut = room; /* a word longer than a line is cut */
		fprintf(f, "%.*s\n%*s", cut, text, INDENT, "");
		text += cut + (text[cut] == ' ');
	}
	fprintf(f, "%s\n", text);
}

static void put_line(FILE *f, char *line)
{
	size_t length = strlen(line);

	while (length && line[length - 1] == ' ')
		line[--length] = '\0';
	fprintf(f, "%s\n", line);
}

static void put_facts(const struct report *r, FILE *f, int width)
{
	static char text[REPORT_FACT];
	const char *name;

	copy_printable(text, r->info->path, sizeof(text));
	put_wrapped(f, "recording", text, width);
	for (unsigned int n = 0; report_fact(r, n, &name, text); n++)
		if (text[0])
			put_wrapped(f, name, text, width);
	for (unsigned int n = 0; report_warning(r, n); n++) {
		fprintf(f, "\n");
		put_wrapped(f, "!", report_warning(r, n), width);
	}
}

static int put_page(const struct report *r, FILE *f, enum page page, int width)
{
	struct table t;

	if (table_make(&r->total, page, r->timed, r->filter->ops, &t))
		return complain(NULL, "no memory for a table");
	table_print(&t, width, f);
	table_free(&t);
	return 0;
}

static void put_operations(const struct report *r, FILE *f, int width)
{
	char line[256];

	for (size_t i = 0; i < r->total.nr_queues; i++) {
		const struct queue *q = &r->total.queues[i];
		char title[QUEUE_TITLE];

		if (!report_moved(q))
			continue;
		fprintf(f, "\n%s, %s, %u descriptors\n", queue_title(&r->total, q, title),
			layout_name(q->layout), q->num);
		fprintf(f, OP_LINE_TITLE "\n");
		for (int op = 0; op < VT_NR_TIMED; op++) {
			if (!q->op[op] || !q->op[op]->count)
				continue;
			table_op_line(op, q->op[op], &r->total, width, line, sizeof(line));
			put_line(f, line);
		}
	}
}

static void put_idle(const struct report *r, FILE *f, int width)
{
	static char text[REPORT_FACT];

	report_idle(r, text);
	if (!text[0])
		return;
	fprintf(f, "\n");
	put_wrapped(f, "idle", text, width);
}

int report_text(struct report *r, FILE *f)
{
	int width = table_width();

	put_facts(r, f, width);
	fprintf(f, "\nQUEUES\n");
	if (put_page(r, f, PAGE_QUEUES, width))
		return -1;
	put_idle(r, f, width);
	fprintf(f, "\nLAYOUTS\n");
	if (put_page(r, f, PAGE_LAYOUTS, width))
		return -1;
	fprintf(f, "\nDOORBELLS\n");
	if (put_page(r, f, PAGE_DOORBELLS, width))
		return -1;
	if (report_has_stages(r)) {
		fprintf(f, "\nSTAGES\n");
		if (put_page(r, f, PAGE_STAGES, width))
			return -1;
	}
	fprintf(f, "\nOPERATIONS\n");
	put_operations(r, f, width);
	fprintf(f, "\nHISTOGRAMS\n\n");
	histogram_print(&r->total, r->per_queue, f);
	return 0;
}
