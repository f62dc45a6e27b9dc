/* SPDX-License-Identifier: GPL-2.0 */
/* Expressions of diff --fail-on, such as "p99>10%": what must not get worse. No function prints. */
#ifndef FAIL_ON_H
#define FAIL_ON_H

#include "analysis/compare.h"

/*
 * EXPR   = [OPERATION "."] FIGURE (">" | "<") PERCENT ["%"]
 * FIGURE = "rate" | "mean" | "p50" | "p90" | "p99" | "p99.9"
 * "add.p99>10%": the p99 of add is more than 10 % longer. "rate<-5%": of any operation there are
 * more than 5 % fewer. PERCENT is 0 or more after ">", 0 or less after "<".
 */
struct fail_on {
	const char *text;
	int op; /* enum vt_op; -1: all */
	enum figure figure;
	bool above;
	double limit; /* relative */
};

/**
 * Parses an expression.
 * @to: keeps @text, which must live as long
 * Returns NULL, or what is wrong with the expression: a constant.
 */
const char *fail_on_parse(const char *text, struct fail_on *to);

enum fail_on_answer {
	FAIL_ON_NOT_ASKED = 0, /* the expression is about something else */
	FAIL_ON_UNKNOWN = 1,   /* too little data */
	FAIL_ON_PASS = 2,
	FAIL_ON_FAIL = 3, /* the change is beyond the limit, and not by chance */
};

/** Checks the change of one figure of one operation of a queue against an expression. */
enum fail_on_answer fail_on_ask(const struct fail_on *e, const struct queue *q, enum vt_op op,
				enum figure f, const struct change *c);

#endif
