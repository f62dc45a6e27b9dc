// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/format.h"
#include "verbs/doctor.h"

static const char *const state_names[] = { "ok", "note", "MISSING" };
static const char *const json_states[] = { "ok", "note", "missing" };

/* Columns of the text. */
#define FOUND  25 /* what was found begins here */
#define ADVICE 12

void doctor_print(enum state state, const char *name, const char *found, const char *advice)
{
	printf("%-7s  %-14s  ", state_names[state], name);
	print_wrapped(FOUND, found);
	if (!advice)
		return;
	printf("%*s", ADVICE, "-> ");
	print_wrapped(ADVICE, advice);
}

void doctor_tell(struct doctor *d, enum state state, const char *name, struct json_object *facts,
		 const char *advice, const char *fmt, ...)
{
	char found[2048], key[32];
	va_list args;
	size_t i;

	va_start(args, fmt);
	vsnprintf(found, sizeof(found), fmt, args);
	va_end(args);
	d->missing |= state == MISSING;
	if (!d->checks) {
		doctor_print(state, name, found, advice);
		json_object_put(facts);
		return;
	}
	if (!facts)
		facts = json_object_new_object();
	json_object_object_add(facts, "state", json_object_new_string(json_states[state]));
	json_object_object_add(facts, "found", json_object_new_string(found));
	if (advice)
		json_object_object_add(facts, "advice", json_object_new_string(advice));
	for (i = 0; i + 1 < sizeof(key) && name[i]; i++)
		key[i] = name[i] == ' ' ? '_' : tolower(name[i]);
	key[i] = '\0';
	json_object_object_add(d->checks, key, facts);
}

struct json_object *fact(const char *key, struct json_object *value)
{
	struct json_object *facts = json_object_new_object();

	json_object_object_add(facts, key, value);
	return facts;
}

struct json_object *fact_string(const char *key, const char *value)
{
	return fact(key, value ? json_object_new_string(value) : NULL);
}

void add_word(char *list, size_t size, const char *word)
{
	size_t length = strlen(list);

	snprintf(list + length, size - length, "%s%s", length ? " " : "", word);
}
