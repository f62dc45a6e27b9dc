/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Plots for the pages of html.h. Inline SVG draws the marks and is stretched to the width of the
 * page. The text stands beside the SVG in the font size of the page, so that a plot can be read on
 * a phone and on paper. Each plot has a heading, axes with units and a legend. All strings are
 * plain text and are escaped here. The functions keep no pointer to their arguments. The owner of a
 * stream checks the stream for errors.
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
	const char *label; /* what it shows, and the unit: "time since the start, s" */
	enum plot_scale scale;
	double min, max; /* range of the data; the axis may end a little later, at a round number */
	/*
	 * Writes the text of a mark into FORMAT_LEN bytes. NULL: a plain number. Unused with
	 * PLOT_NINES.
	 */
	char *(*format)(char *text, double value);
};

struct plot {
	const char *title;
	const char *note;      /* a sentence on how to read the plot; NULL: none */
	struct plot_axis x, y; /* bars and ranges have names instead of y */
};

/* The number of colours. Further series use the same colours again, dashed. */
#define PLOT_COLOURS 6

struct plot_line {
	const char *name;	  /* in the legend */
	const double *x, *y;	  /* NAN in y: a gap */
	const double *low, *high; /* a band around the line; NULL: none */
	size_t n;
};

/** Writes a plot with lines over x. */
void plot_lines(FILE *f, const struct plot *p, const struct plot_line *lines, size_t n);

struct plot_heat {
	const char *legend;   /* meaning and unit of the colour: "operations per second" */
	size_t columns, bins; /* number of intervals of x, and of y */
	const double *column_edges, *bin_edges; /* ascending; columns + 1 and bins + 1 elements */
	const double *values; /* [bin * columns + column]; 0 or less: no cell; log colour scale */
	const char *const *hints;      /* text for each column, shown at the pointer; NULL: none */
	const struct plot_line *lines; /* lines over the cells; NULL: none */
	size_t nr_lines;
};

/** Writes a heat map. */
void plot_heat(FILE *f, const struct plot *p, const struct plot_heat *h);

struct plot_bar {
	const char *name;
	const double *parts; /* drawn one after the other, from 0 */
	const char *text;    /* text at the end of the bar; may be empty */
};

/** Writes horizontal bars, each with @nr_parts parts. The axis x begins at 0. */
void plot_bars(FILE *f, const struct plot *p, const char *const *part_names, size_t nr_parts,
	       const struct plot_bar *bars, size_t n);

struct plot_kind {
	const char *name;    /* in the legend if a range has this kind */
	unsigned int colour; /* below PLOT_COLOURS; the last is grey */
};

struct plot_range {
	const char *name;
	double low, middle, high; /* low and high: the interval around middle */
	unsigned int kind;	  /* index of its kind */
	const char *text;	  /* text at the end of the strip; may be empty */
};

/**
 * Writes points with intervals, each in a strip of its own, with a line at @zero; used for changes
 * in percent. A point beyond the end of the axis is an arrow, so that nobody takes it for a point
 * at the edge.
 */
void plot_ranges(FILE *f, const struct plot *p, double zero, const struct plot_kind *kinds,
		 size_t nr_kinds, const struct plot_range *ranges, size_t n);

#endif
