/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables of the live view, of `stat` and of `report`: the columns of each page, what a column
 * shows and means (table_columns.c), the rows and their order, and which columns fit into a width
 * (table.c).
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdio.h>
#include "model/ring.h"
#include "model/snapshot.h"

#define TABLE_MAX_COLUMNS 20
#define TABLE_CELL	  40 /* bytes of the text of a cell */

enum page {
	PAGE_QUEUES,
	PAGE_LAYOUTS,
	PAGE_DOORBELLS,
	PAGE_STAGES,
	NR_PAGES,
};

struct table_row {
	const struct snapshot *snapshot; /* the row belongs to this snapshot */
	const struct queue *queue;	 /* NULL on the page of layouts */
	uint32_t counted;		 /* counted operations: a bit for each enum vt_op */
	enum vt_layout layout;
	unsigned int queues;
	struct op_stats sum;	      /* sum of the operations whose times the page shows */
	const struct op_stats *batch; /* buffers per doorbell; NULL: not known */
	const struct op_stats *interrupts, *fetched; /* fetched: buffers per interrupt; or NULL */
	uint64_t stages;			     /* ns: the sum of all stages */
	uint64_t buffers, doorbells, suppressed, failed, bytes_out, bytes_in;
	uint64_t adds_failed;
	bool moved; /* the queue had at least one operation */
	double seconds;
	double share; /* share of all operations, 0..1 */
};

struct table {
	enum page page;
	size_t nr_rows;
	struct table_row *rows; /* owned */
};

struct column {
	const char *title;
	int width;
	bool left; /* aligned left */
	/* 0: always shown. Without room, columns with the highest ranks are left out first. */
	int rank;
	uint32_t needs; /* a bit for each enum vt_op; if one is not counted, the cell is "-" */
	void (*text)(const struct table_row *r, char *cell); /* writes the cell: TABLE_CELL bytes */
	/* Sort key. NULL: QUEUE is sorted by the name, other columns by device and index. */
	double (*key)(const struct table_row *r);
	const char *legend; /* meaning; columns of one kind share a text; NULL: none needed */
};

/* A line of a legend: the titles of neighbouring columns with one meaning, and that meaning. */
struct table_legend {
	char titles[32]; /* "MEAN P50 P99 MAX" */
	const char *text;
};
#define TABLE_MAX_LEGEND (NR_PAGES * TABLE_MAX_COLUMNS)

/** Returns the columns of a page. The array ends with title NULL. */
const struct column *table_columns(enum page page);

/** Returns the index of the column with a title, or 0 if the page has no such column. */
int table_column(enum page page, const char *title);

/**
 * Returns the page with a name: "queues", "layouts", "doorbells" or "stages"; PAGE_QUEUES for any
 * other name.
 */
enum page page_by_name(const char *name);

/**
 * Makes the legend of the columns of a page, or with NR_PAGES of all pages, without repeats.
 * @lines: TABLE_MAX_LEGEND elements
 * Returns the number of lines.
 */
size_t table_legend(enum page page, struct table_legend *lines);

/**
 * Makes the rows of a page from a difference of snapshots. The rows point into @diff.
 * @op: operation whose times are shown (below VT_NR_TIMED), or -1 for all operations; the page of
 * doorbells always shows notify, and the page of stages requests
 * @counted: counted operations, a bit for each enum vt_op
 * Returns 0 or -ENOMEM. Prints nothing. The caller frees the table with table_free().
 */
int table_make(const struct snapshot *diff, enum page page, int op, uint32_t counted,
	       struct table *t);
void table_free(struct table *t);

/** Sorts the rows by a column of the page, the largest first unless @reverse. */
void table_sort(struct table *t, int column, bool reverse);

/**
 * Chooses the columns of a page that fit into a width.
 * @width: characters
 * @shown: becomes the indices of the columns, in order
 * Returns the number of columns.
 */
int table_fit(enum page page, int width, int shown[TABLE_MAX_COLUMNS]);

/**
 * Computes the widths of columns. Where a line has room left, the columns with names get as much of
 * it as their longest cell needs.
 * @t: its idle rows do not count
 * @width: characters of a line
 * @shown, @n: the columns, of table_fit()
 * @widths: becomes the width of each of them
 */
void table_widths(const struct table *t, int width, const int *shown, int n,
		  int widths[TABLE_MAX_COLUMNS]);

/**
 * Writes the names of the operations whose times a page shows: "all", "notify", "add,get".
 * @op, @counted: as for table_make()
 * @text: @size bytes; a list that is too long is cut
 * Returns @text.
 */
char *table_timed(enum page page, int op, uint32_t counted, char *text, size_t size);

/**
 * Writes the cell of a row in a column. "-": not counted, or no value.
 * @cell: TABLE_CELL bytes
 * Returns @cell.
 */
char *table_cell(const struct column *c, const struct table_row *row, char *cell);

/**
 * Writes a row as one line into @line, with each cell padded and cut to its column. The index
 * behind the name of a queue is not cut.
 * @shown, @widths, @n: the columns
 * @row: NULL: write the titles
 * @line: @size bytes
 */
void table_line(enum page page, const int *shown, const int *widths, int n,
		const struct table_row *row, char *line, size_t size);

/**
 * Returns the width of tables: the width of the terminal, at least 80; or 80 if stdout is no
 * terminal.
 */
int table_width(void);

/**
 * Returns true if a row is worth a line: the queue had an operation, has a request out, or is
 * broken or gone. The other queues are idle.
 */
bool table_row_shown(const struct table_row *r);

/**
 * Prints a table as text to @f, without the rows of queues without operations. The last line counts
 * these queues.
 */
void table_print(const struct table *t, int width, FILE *f);

/*
 * The titles of table_op_line(). With 90 characters or more, the cell of NO also has the word for
 * what was refused.
 */
#define OP_LINE_TITLE                                                                              \
	"OPERATION         COUNT   RATE   MEAN    P50    P90    P99  P99.9    MAX    NO"

/**
 * Writes a line for an operation of a queue: count, rate, times.
 * @diff: the interval that @s is of
 * @width: the most characters
 * @line: @size bytes
 */
void table_op_line(enum vt_op op, const struct op_stats *s, const struct snapshot *diff, int width,
		   char *line, size_t size);

#endif
