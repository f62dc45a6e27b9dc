/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A page that needs nothing but itself: head, style, escaping, and plots as inline
 * SVG. No script; a policy in the head forbids the browser to run or fetch anything.
 *
 * Text that is not the program's own goes through html_text(), always. What else a
 * page is made of is plain HTML; the style knows these classes:
 *   <section>               a block with a heading of its own (h2, h3)
 *   <div class="pair">      two plots side by side where there is room
 *   <div class="scroll">    around a table: scrolls by itself on a phone
 *   <table class="stack">   on a phone, each row is a block; <td data-t="TITLE"> names its cells
 *   <td class="wide">       in such a block: of two cells' width
 *   <td class="n">, <th class="n">   numbers, aligned right
 *   <dl class="facts">      names and values, side by side
 *   <ul class="tiles">      <li><b>VALUE</b><span>what it is</span></li>
 *   <p class="warning">     what must not be missed
 *   <p class="note">        small print
 *   <span class="worse">, "better", "same", "unsure"   verdicts
 */
#ifndef HTML_H
#define HTML_H

#include <stdio.h>

/** Begins a page. @title: plain text, for the window and as heading; @lead: the line below */
void html_head(FILE *f, const char *title, const char *lead);

/** Ends a page. */
void html_foot(FILE *f);

/** Writes plain text, with what means something in HTML escaped, in attributes too. */
void html_text(FILE *f, const char *text);

/** The same with a format. */
__attribute__((format(printf, 2, 3))) void html_printf(FILE *f, const char *fmt, ...);

#endif
