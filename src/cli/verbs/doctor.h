/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The checks of doctor. Each prints a line, or adds an object to the JSON; none changes anything on
 * this machine.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <json-c/json.h>
#include "probe/kernel.h"

enum state {
	OK,
	NOTE,	 /* worth knowing; the tool works */
	MISSING, /* the tool does not work without it */
};

/* All zero to begin with, but checks. Later checks use what earlier ones found. */
struct doctor {
	struct json_object *checks; /* gets an object for each check; NULL: print text */
	bool missing;		    /* a check has found something MISSING */
	enum kernel_verdict verdict;
	int error;  /* errno of the verdict */
	bool jited; /* of the verdict KERNEL_LOADS */
	bool has_way;
	struct kernel_way way;
	uint64_t capabilities; /* effective */
	bool in_namespace;     /* the capabilities are those of a user namespace */
};

/** The checks, in this order. */
void doctor_check_kernel(struct doctor *d);
void doctor_check_permissions(struct doctor *d);
void doctor_check_machine(struct doctor *d);

/* --- For the checks --- */

/**
 * Tells what a check found, as a line of text or as JSON.
 * @name: of the check
 * @facts: members for the object of the check; this function takes it over; may be NULL
 * @advice: what it means and what to do; may be NULL
 * @fmt: what was found, as in printf()
 */
__attribute__((format(printf, 6, 7))) void doctor_tell(struct doctor *d, enum state state,
						       const char *name, struct json_object *facts,
						       const char *advice, const char *fmt, ...);

/** Prints a line of text that is no check. @advice: may be NULL */
void doctor_print(enum state state, const char *name, const char *found, const char *advice);

/** An object with one member. @value: taken over */
struct json_object *fact(const char *key, struct json_object *value);

/** The same for a string, which is copied; NULL is null. */
struct json_object *fact_string(const char *key, const char *value);

/** Adds a word to a list of words in a text of @size bytes. */
void add_word(char *list, size_t size, const char *word);

#endif
