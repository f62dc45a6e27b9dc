// SPDX-License-Identifier: GPL-2.0
/* The names of figures and verdicts. */
#include <string.h>
#include "analysis/compare.h"

static const char *const names[NR_FIGURES] = {
	[FIGURE_RATE] = "rate", [FIGURE_MEAN] = "mean", [FIGURE_P50] = "p50",
	[FIGURE_P90] = "p90",	[FIGURE_P99] = "p99",	[FIGURE_P999] = "p99.9",
};

const char *figure_name(enum figure f)
{
	return names[f];
}

int figure_by_name(const char *name)
{
	for (int f = 0; f < NR_FIGURES; f++)
		if (!strcmp(name, names[f]))
			return f;
	return strcmp(name, "p999") ? -1 : FIGURE_P999;
}

bool op_waits(const struct queue *q, enum vt_op op)
{
	/* Device IDs and queues: virtio 1.3, sections 5.1.2, 5.3.2, 5.5.2, 5.6.2, 5.10.2. */
	static const struct {
		unsigned int type;
		const char *queue;
	} inputs[] = {
		{ 1, "input" }, { 3, "input" }, { 5, "stats" },
		{ 8, "event" }, { 19, "rx" },	{ 19, "event" },
	};

	for (size_t i = 0; i < sizeof(inputs) / sizeof(*inputs); i++)
		if (op == VT_AVAIL_TO_USED && q->device_type == inputs[i].type &&
		    !strncmp(q->name, inputs[i].queue, strlen(inputs[i].queue)))
			return true;
	return false;
}

const char *verdict_name(enum verdict v, const struct queue *q, enum vt_op op, enum figure f)
{
	bool more = v == VERDICT_MORE;

	if (v == VERDICT_TOO_LITTLE)
		return "too little data";
	if (v == VERDICT_SAME)
		return "no difference seen";
	if (f == FIGURE_RATE)
		return more ? "more" : "fewer";
	if (op_waits(q, op))
		return more ? "longer" : "shorter";
	return more ? "slower" : "faster";
}
