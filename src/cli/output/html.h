/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes an HTML page that loads nothing from outside: head, style, escaped text, and plots as
 * inline SVG. The page has no script. A policy in its head forbids the browser to run or fetch
 * anything. No function here fails; the owner of a stream checks the stream for errors.
 *
 * Text that does not come from the program itself must go through html_text(). The other parts of a
 * page are plain HTML. The style knows these classes:
 *   <section>               a block with its own heading (h2, h3)
 *   <div class="pair">      two plots, side by side where there is room
 *   <div class="scroll">    around a table: scrolls alone on a phone, without the page
 *   <table class="stack">   on a phone, each row is a block; <td data-t="TITLE"> names its cells
 *   <td class="wide">       in such a block: as wide as two cells
 *   <td class="n">, <th class="n">   numbers, aligned right
 *   <dl class="facts">      names and values, side by side
 *   <ul class="tiles">      <li><b>VALUE</b><span>meaning of the value</span></li>
 *   <p class="warning">     a warning that a reader must see
 *   <p class="note">        small print
 *   <span class="worse">, "better", "same", "unsure"   verdicts
 */
#ifndef HTML_H
#define HTML_H

#include <stdio.h>

/**
 * Begins a page.
 * @title: plain text, for the window and for the heading
 * @lead: plain text, the line below the heading
 */
void html_head(FILE *f, const char *title, const char *lead);

/** Ends a page. */
void html_foot(FILE *f);

/** Writes plain text. Escapes the characters that have a meaning in HTML, also in attributes. */
void html_text(FILE *f, const char *text);

/** Writes formatted plain text, escaped as by html_text(). */
__attribute__((format(printf, 2, 3))) void html_printf(FILE *f, const char *fmt, ...);

#endif
