// SPDX-License-Identifier: GPL-2.0
/* vringtop doctor: whether the tool can work here, and if not, why and what to do. */
#include <stdio.h>
#include "output/json.h"
#include "probe/kernel.h"
#include "verbs/doctor.h"
#include "verbs/options.h"
#include "verbs/verbs.h"

static const char doc[] =
	"Says what vringtop finds on this machine, what is missing, and how to get it. "
	"It attaches to nothing and needs no privileges; what it may not read it names."
	"\vExamples:\n"
	"  sudo vringtop doctor           as it is for sudo vringtop\n"
	"  vringtop doctor                as it is for you\n"
	"  sudo vringtop doctor --json    the same, and the names of all functions\n\n"
	"Exit status: 0 when everything that vringtop needs is there, 1 when not,\n"
	"2 wrong use.";

static const struct argp_option options[] = {
	OPTION_JSON,
	{},
};

static error_t parse_json(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case OPT_JSON:
		*json = true;
		return 0;
	case ARGP_KEY_ARG:
		unexpected_word(state, arg);
	}
	return ARGP_ERR_UNKNOWN;
}

int verb_doctor(int argc, char **argv)
{
	static const struct argp argp = { options, parse_json, .doc = doc };
	struct json_object *all = NULL;
	struct doctor d = {};
	bool json = false;

	options_parse(&argp, argc, argv, 0, &json);
	kernel_quiet();
	if (json) {
		all = json_object_new_object();
		d.checks = json_object_new_object();
	}
	doctor_check_kernel(&d);
	doctor_check_permissions(&d);
	doctor_check_machine(&d);
	if (json) {
		json_object_object_add(all, "ok", json_object_new_boolean(!d.missing));
		json_object_object_add(all, "checks", d.checks);
		json_print(all);
	} else if (d.missing) {
		printf("\nSomething is missing: vringtop cannot work here.\n");
	} else {
		printf("\nEverything that vringtop needs is here.\n");
	}
	return d.missing;
}
