/* SPDX-License-Identifier: GPL-2.0 */
/* Named values that are shown as a line of text and as members of a JSON object. */
#ifndef FIELDS_H
#define FIELDS_H

#include <stddef.h>
#include <stdint.h>
#include <json-c/json.h>

enum field_kind {
	FIELD_NUMBER,
	FIELD_YES_NO,
	FIELD_FLAGS,   /* value: the bits; words: the names of the bits that are set */
	FIELD_CHOICE,  /* value: a number; words: its meaning */
	FIELD_WORDS,   /* only words */
	FIELD_ADDRESS, /* value: an address in the guest's memory */
	FIELD_TIME,    /* value: ns; in JSON the name ends with _ns */
};

struct field {
	const char *name;
	enum field_kind kind;
	uint64_t value;
	char words[48];
};

/** The most fields of one thing, for example of one descriptor. */
#define FIELDS_MOST 12

struct fields {
	unsigned int nr;
	struct field field[FIELDS_MOST];
};

/**
 * Adds a field. If @f has FIELDS_MOST fields already, the field is left out.
 * @words: NULL: none
 */
void fields_add(struct fields *f, enum field_kind kind, const char *name, uint64_t value,
		const char *words);

/**
 * Writes the fields as a line: "idx 3, flags 0x1 NO_INTERRUPT".
 * @text: @size bytes
 * Returns @text.
 */
char *fields_text(char *text, size_t size, const struct fields *f);

/** Adds each field as a member to the object @o. */
void fields_json(struct json_object *o, const struct fields *f);

#endif
