// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/format.h"
#include "output/fields.h"
#include "output/json.h"

void fields_add(struct fields *f, enum field_kind kind, const char *name, uint64_t value,
		const char *words)
{
	struct field *field = &f->field[f->nr];

	if (f->nr == FIELDS_MOST)
		return;
	*field = (struct field){ .name = name, .kind = kind, .value = value };
	snprintf(field->words, sizeof(field->words), "%s", words ? words : "");
	f->nr++;
}

static void value_text(char *text, size_t size, const struct field *f)
{
	const char *space = f->words[0] ? " " : "";
	char time[FORMAT_LEN];

	switch (f->kind) {
	case FIELD_NUMBER:
		snprintf(text, size, "%llu", (unsigned long long)f->value);
		break;
	case FIELD_YES_NO:
		snprintf(text, size, "%s", f->value ? "yes" : "no");
		break;
	case FIELD_FLAGS:
		snprintf(text, size, "0x%llx%s%s", (unsigned long long)f->value, space, f->words);
		break;
	case FIELD_CHOICE:
		snprintf(text, size, "%llu%s%s", (unsigned long long)f->value, space, f->words);
		break;
	case FIELD_WORDS:
		snprintf(text, size, "%s", f->words);
		break;
	case FIELD_ADDRESS:
		snprintf(text, size, "0x%llx", (unsigned long long)f->value);
		break;
	case FIELD_TIME:
		snprintf(text, size, "%s", format_time(time, f->value));
		break;
	}
}

char *fields_text(char *text, size_t size, const struct fields *f)
{
	size_t n = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < f->nr && n < size; i++) {
		char value[80];

		value_text(value, sizeof(value), &f->field[i]);
		n += snprintf(text + n, size - n, "%s%s %s", n ? ", " : "", f->field[i].name,
			      value);
	}
	return text;
}

static void put_field(struct json_object *o, const struct field *f)
{
	char text[80];

	switch (f->kind) {
	case FIELD_NUMBER:
		json_put_int(o, f->name, f->value);
		break;
	case FIELD_YES_NO:
		json_object_object_add(o, f->name, json_object_new_boolean(f->value));
		break;
	case FIELD_FLAGS:
	case FIELD_CHOICE:
		json_put_int(o, f->name, f->value);
		snprintf(text, sizeof(text), "%s_set", f->name);
		json_put_string(o, text, f->words);
		break;
	case FIELD_WORDS:
		json_put_string(o, f->name, f->words);
		break;
	case FIELD_ADDRESS:
		value_text(text, sizeof(text), f);
		json_put_string(o, f->name, text);
		break;
	case FIELD_TIME:
		snprintf(text, sizeof(text), "%s_ns", f->name);
		json_put_int(o, text, f->value);
		break;
	}
}

void fields_json(struct json_object *o, const struct fields *f)
{
	for (unsigned int i = 0; i < f->nr; i++)
		put_field(o, &f->field[i]);
}
