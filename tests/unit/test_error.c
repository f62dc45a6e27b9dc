// SPDX-License-Identifier: GPL-2.0
/* Messages: their form, and that nothing in them can do anything to a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/error.h"

static char said[16384];

static int complain_of(const char *advice, const char *name)
{
	FILE *saved = stderr;
	int result;

	memset(said, 0, sizeof(said));
	stderr = fmemopen(said, sizeof(said), "w");
	assert_non_null(stderr);
	result = complain(advice, "cannot read %s: %s", name, "No such file");
	fclose(stderr);
	stderr = saved;
	return result;
}

static void its_form(void **state)
{
	(void)state;
	assert_int_equal(complain_of("Look for it.", "a.vt"), -1);
	assert_string_equal(said, "vringtop: cannot read a.vt: No such file\n  Look for it.\n");
	complain_of(NULL, "a.vt");
	assert_string_equal(said, "vringtop: cannot read a.vt: No such file\n");
}

static void shown_as(const char *name, const char *shown)
{
	char all[256];

	complain_of(NULL, name);
	snprintf(all, sizeof(all), "vringtop: cannot read %s: No such file\n", shown);
	assert_string_equal(said, all);
}

static void what_moves_the_cursor_is_escaped(void **state)
{
	(void)state;
	shown_as("\033[2J\r\n\t\a\177", "\\x1b[2J\\x0d\\x0a\\x09\\x07\\x7f");
	/* Names in other scripts stay as they are. */
	shown_as("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	/* CSI as one character, U+009B; as one byte; what is no UTF-8, or is cut. */
	shown_as("\xc2\x9b"
		 "31m",
		 "\\xc2\\x9b31m");
	shown_as("\x9b"
		 "31m",
		 "\\x9b31m");
	shown_as("\xc0\x9b\xff\xe2\x82", "\\xc0\\x9b\\xff\\xe2\\x82");
}

/* A name that is too long is cut; the message still ends. */
static void long_names(void **state)
{
	static char name[20000];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	complain_of("Look for it.", name);
	assert_string_equal(said + strlen(said) - 17, "x\n  Look for it.\n");
}

static unsigned int calls;

static void count_call(void)
{
	calls++;
}

/* A view that has the whole screen can leave it first. */
static void called_before(void **state)
{
	(void)state;
	before_message = count_call;
	complain_of(NULL, "a.vt");
	before_message = NULL;
	complain_of(NULL, "a.vt");
	assert_int_equal(calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_form),
		cmocka_unit_test(what_moves_the_cursor_is_escaped),
		cmocka_unit_test(long_names),
		cmocka_unit_test(called_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
