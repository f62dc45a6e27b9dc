/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables of the live view, of `stat` and of `report`: which columns a page has, what each
 * shows and means, how rows are sorted, and which columns fit into a width.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdio.h>
#include "model/ring.h"
#include "model/snapshot.h"

#define TABLE_MAX_COLUMNS 16
#define TABLE_CELL	  40 /* bytes of a cell's text */

enum page {
	PAGE_QUEUES,
	PAGE_LAYOUTS,
	PAGE_DOORBELLS,
	NR_PAGES,
};

struct table_row {
	const struct snapshot *snapshot; /* the row is of */
	const struct queue *queue;	 /* NULL on the page of layouts */
	uint32_t counted; /* operations that were counted: a bit for each enum vt_op */
	enum vt_layout layout;
	unsigned int queues;
	struct op_stats sum;	      /* of the operations whose times the page shows */
	const struct op_stats *batch; /* buffers per doorbell; NULL: not known */
	uint64_t buffers, doorbells, suppressed, failed, bytes_out, bytes_in;
	uint64_t adds_failed;
	bool moved; /* something happened to the queue */
	double seconds;
	double share; /* of all operations, 0..1 */
};

struct table {
	enum page page;
	size_t nr_rows;
	struct table_row *rows; /* owned */
};

struct column {
	const char *title;
	int width;
	bool left; /* aligned */
	int rank;  /* 0: always shown; where there is no room, the highest ranks are left out */
	uint32_t needs; /* a bit for each enum vt_op: if one is not counted, the cell is "-" */
	void (*text)(const struct table_row *r, char *cell); /* into TABLE_CELL bytes */
	double (*key)(const struct table_row *r); /* for sorting; NULL: by device and index */
	const char *legend; /* what it shows; one text for columns of a kind; NULL: none needed */
};

/* A line of a legend: the titles of neighbours that mean the same, and what that is. */
struct table_legend {
	char titles[32]; /* "MEAN P50 P99 MAX" */
	const char *text;
};
#define TABLE_MAX_LEGEND (NR_PAGES * TABLE_MAX_COLUMNS)

/** The columns of a page; ends with title NULL. */
const struct column *table_columns(enum page page);

/** The index of the column of a title; 0 if the page has none. */
int table_column(enum page page, const char *title);

/** The page of a name: "queues", "layouts" or "doorbells". */
enum page page_by_name(const char *name);

/**
 * The legend of a page's columns, or with NR_PAGES of all pages, without repeats. @lines: of
 * TABLE_MAX_LEGEND elements. Returns how many it set.
 */
size_t table_legend(enum page page, struct table_legend *lines);

/**
 * Makes the rows of a page out of a difference of snapshots.
 * @op: whose times are shown (below VT_NR_TIMED), or -1 for all operations; doorbells
 * show notify
 * @counted: the operations that were asked for, a bit for each enum vt_op
 * The rows point into @diff. Returns 0 or -ENOMEM; to be freed with table_free().
 */
int table_make(const struct snapshot *diff, enum page page, int op, uint32_t counted,
	       struct table *t);
void table_free(struct table *t);

/** Sorts by a column of the page, the largest first unless @reverse. */
void table_sort(struct table *t, int column, bool reverse);

/**
 * Chooses the columns of a page that fit.
 * @width: characters; @shown: the indices of the columns, in order
 * Returns how many.
 */
int table_fit(enum page page, int width, int shown[TABLE_MAX_COLUMNS]);

/**
 * Names the operations whose times a page shows: "all", "notify", "add,get".
 * @op, @counted: as for table_make()
 * @text: of @size bytes; a list that is too long is cut; returned
 */
char *table_timed(enum page page, int op, uint32_t counted, char *text, size_t size);

/**
 * The text of a row in a column of its page. @cell: TABLE_CELL bytes; returned. "-": not counted
 * or nothing to say.
 */
char *table_cell(const struct column *c, const struct table_row *row, char *cell);

/** Writes a row as one line, padded and cut to the columns. @row: NULL: the titles */
void table_line(enum page page, const int *shown, int n, const struct table_row *row, char *line,
		size_t size);

/** The width of tables: the terminal's, at least 80, and 80 where stdout is not one. */
int table_width(void);

/** Prints a table as text, without rows in which nothing happened. */
void table_print(const struct table *t, int width, FILE *f);

/* The titles of table_op_line(). From 90 characters on, a cell of NO also says what was refused. */
#define OP_LINE_TITLE                                                                              \
	"OPERATION         COUNT   RATE   MEAN    P50    P90    P99  P99.9    MAX    NO"

/** One line for an operation of a queue: count, rate, times. @width: characters there are */
void table_op_line(enum vt_op op, const struct op_stats *s, double seconds, int width, char *line,
		   size_t size);

#endif
