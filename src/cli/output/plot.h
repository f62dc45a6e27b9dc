/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Plots for html.h's pages: inline SVG for the marks, stretched to whatever width
 * there is, with the text beside it in the page's own size, so that a plot can be
 * read on a phone and on paper. Each has a heading, axes with units and a legend.
 * All strings are plain text; they are escaped here. Nothing is kept.
 */
#ifndef PLOT_H
#define PLOT_H

#include <stddef.h>
#include <stdio.h>

enum plot_scale {
	PLOT_LINEAR,
	PLOT_LOG,   /* only values above 0 are shown */
	PLOT_NINES, /* shares from 0 to below 1: 0, 90 %, 99 %, 99.9 % are equally far apart */
};

struct plot_axis {
	const char *label; /* what, and in which unit: "time since the start, s" */
	enum plot_scale scale;
	double min, max; /* of the data; the axis is made a little longer where that is nicer */
	/* Text of a mark, into FORMAT_LEN bytes; NULL: a plain number. Not for PLOT_NINES. */
	char *(*format)(char *text, double value);
};

struct plot {
	const char *title;
	const char *note;      /* how to read it, a sentence; NULL: none */
	struct plot_axis x, y; /* bars and ranges have names instead of y */
};

/* The number of colours. Further series use the same colours again, dashed. */
#define PLOT_COLOURS 6

struct plot_line {
	const char *name;	  /* in the legend */
	const double *x, *y;	  /* a y of NAN is a gap */
	const double *low, *high; /* a band around the line; NULL: none */
	size_t n;
};

/** Lines over x. */
void plot_lines(FILE *f, const struct plot *p, const struct plot_line *lines, size_t n);

struct plot_heat {
	const char *legend;   /* what the colour says, and in which unit: "operations per second" */
	size_t columns, bins; /* spans of x, and of y */
	const double *column_edges, *bin_edges; /* one more than columns and bins, ascending */
	const double *values; /* [bin * columns + column]; 0 or less: no cell. The scale is a log */
	const char *const *hints;      /* of each column, shown where the pointer is; NULL: none */
	const struct plot_line *lines; /* drawn over it; NULL: none */
	size_t nr_lines;
};

/** A heat map. */
void plot_heat(FILE *f, const struct plot *p, const struct plot_heat *h);

struct plot_bar {
	const char *name;
	const double *parts; /* one after the other, from 0 on */
	const char *text;    /* at its end; may be empty */
};

/** Horizontal bars, each of @nr_parts parts; x is the axis, from 0 on. */
void plot_bars(FILE *f, const struct plot *p, const char *const *part_names, size_t nr_parts,
	       const struct plot_bar *bars, size_t n);

struct plot_kind {
	const char *name;    /* in the legend, if there is any of this kind */
	unsigned int colour; /* below PLOT_COLOURS; the last is grey */
};

struct plot_range {
	const char *name;
	double low, middle, high; /* low and high: the interval around middle */
	unsigned int kind;	  /* index */
	const char *text;	  /* at the end of the strip; may be empty */
};

/**
 * Points with intervals, a strip each, with a line at @zero, as for changes in percent. A point
 * beyond the end of the axis is an arrow, so that it cannot be taken for one at the edge.
 */
void plot_ranges(FILE *f, const struct plot *p, double zero, const struct plot_kind *kinds,
		 size_t nr_kinds, const struct plot_range *ranges, size_t n);

#endif
