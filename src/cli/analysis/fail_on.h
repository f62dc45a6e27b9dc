/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parses and checks expressions of diff --fail-on, such as "p99>10%": a change that counts as a
 * failure. No function prints.
 */
#ifndef FAIL_ON_H
#define FAIL_ON_H

#include "analysis/compare.h"

/*
 * EXPR   = [OPERATION "."] FIGURE (">" | "<") PERCENT ["%"]
 * FIGURE = "rate" | "mean" | "p50" | "p90" | "p99" | "p99.9"
 * "add.p99>10%" fails if the p99 of add is more than 10 % longer. "rate<-5%" fails if there are
 * more than 5 % fewer of any operation. PERCENT is 0 or more after ">", and 0 or less after "<".
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
 * @to: keeps @text, so @text must live as long as @to
 * Returns NULL, or a constant text that says what is wrong with the expression.
 */
const char *fail_on_parse(const char *text, struct fail_on *to);

enum fail_on_answer {
	FAIL_ON_NOT_ASKED = 0, /* the expression is about another figure or operation */
	FAIL_ON_UNKNOWN = 1,   /* too little data */
	FAIL_ON_PASS = 2,
	FAIL_ON_FAIL = 3, /* the change is beyond the limit, and chance does not explain it */
};

/** Checks the change of one figure of one operation of a queue against an expression. */
enum fail_on_answer fail_on_ask(const struct fail_on *e, const struct queue *q, enum vt_op op,
				enum figure f, const struct change *c);

#endif
