// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include "analysis/fail_on.h"

const char *fail_on_parse(const char *text, struct fail_on *to)
{
	const char *sign = strpbrk(text, "<>"), *dot = strchr(text, '.');
	char name[VT_NAME_LEN], *end;
	int figure;

	*to = (struct fail_on){ .text = text, .op = -1 };
	if (!sign)
		return "there is no > or < in it";
	to->above = *sign == '>';
	if (sign - text >= (int)sizeof(name))
		return "what stands before > or < is too long";
	memcpy(name, text, sign - text);
	name[sign - text] = '\0';
	figure = figure_by_name(name);
	/* The dot may also be the one in p99.9. */
	if (figure < 0 && dot && dot < sign) {
		name[dot - text] = '\0';
		to->op = op_by_name(name);
		if (to->op < 0 || to->op >= VT_NR_TIMED)
			return "there is no such operation (add, get, avail_to_used, ...)";
		figure = figure_by_name(name + (dot - text) + 1);
	}
	if (figure < 0)
		return "there is no such figure (rate, mean, p50, p90, p99, p99.9)";
	to->figure = figure;
	to->limit = strtod(sign + 1, &end) / 100;
	if (end == sign + 1 || (*end && strcmp(end, "%")))
		return "a number of percent must follow > or <";
	if (!(to->above ? to->limit >= 0 && to->limit < 1e6 : to->limit <= 0 && to->limit > -1))
		return "the number must be 0 or more after >, 0 to above -100 after <";
	return NULL;
}

enum fail_on_answer fail_on_ask(const struct fail_on *e, const struct queue *q, enum vt_op op,
				enum figure f, const struct change *c)
{
	if (f != e->figure || (e->op >= 0 && (int)op != e->op))
		return FAIL_ON_NOT_ASKED;
	/* A longer or shorter wait for input is neither good nor bad. */
	if (f != FIGURE_RATE && op_waits(q, op))
		return FAIL_ON_NOT_ASKED;
	if (c->verdict == VERDICT_TOO_LITTLE)
		return FAIL_ON_UNKNOWN;
	if (e->above)
		return c->verdict == VERDICT_MORE && c->change > e->limit ? FAIL_ON_FAIL
									  : FAIL_ON_PASS;
	return c->verdict == VERDICT_LESS && c->change < e->limit ? FAIL_ON_FAIL : FAIL_ON_PASS;
}
