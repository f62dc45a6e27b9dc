// SPDX-License-Identifier: GPL-2.0
/* Names from outside: what reaches the terminal of each byte, and where they are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/format.h"

static void names_as_they_are(void **unused)
{
	char to[32];

	(void)unused;
	copy_printable(to, "virtio_net output.0", sizeof(to));
	assert_string_equal(to, "virtio_net output.0");
	copy_printable(to, "", sizeof(to));
	assert_string_equal(to, "");
}

static void controls_are_escaped(void **unused)
{
	char to[64];

	(void)unused;
	copy_printable(to, "\033[2Jreq\r\n\t\177\x9b\\x", sizeof(to));
	assert_string_equal(to, "\\x1b[2Jreq\\x0d\\x0a\\x09\\x7f\\x9b\\x5cx");
}

/* Whatever a name is and wherever it is cut: printable, and back from it comes its beginning. */
static void every_byte_every_size(void **unused)
{
	(void)unused;
	for (int byte = 1; byte < 256; byte++) {
		const char from[] = { 'a', byte, byte, 'z', '\0' };

		for (size_t size = 1; size <= 16; size++) {
			char *to = malloc(size); /* the sanitizer sees a byte too many */
			size_t n = 0;

			copy_printable(to, from, size);
			assert_true(strlen(to) < size);
			for (const char *c = to; *c; n++) {
				unsigned int value = (unsigned char)*c;
				int length = 1;

				assert_in_range(value, ' ', '~');
				if (*c == '\\')
					assert_int_equal(sscanf(c, "\\x%2x%n", &value, &length), 1);
				assert_int_equal(value, (unsigned char)from[n]);
				c += length;
			}
			if (size == 16)
				assert_int_equal(n, 4);
			free(to);
		}
	}
}

/* At most six characters, as of every other number. */
static void times_below_a_step(void **unused)
{
	static const struct {
		double ns;
		uint64_t step;
		const char *text;
	} cases[] = {
		{ 0, 0, "0ns" },
		{ 0, 4000250, "<4.0ms" },
		{ 4000250, 4000250, "<8.0ms" },
		{ 1, 4000250, "<8.0ms" },
		{ 5900000, 4000250, "<8.0ms" },
		{ 6001000, 4000250, "6.00ms" },
		{ 5000000, 5000000, "<10ms" },
		{ 8000000, 4000000, "8.00ms" },
		{ 0, 10000000, "<10ms" },
		{ 0, 9960000, "<10ms" },
		{ 0, 100000000, "<100ms" },
		{ 0, 999600000, "<1.0s" },
		{ 0, 3333333, "<3.3ms" },
		{ 0, 55, "<55ns" },
	};
	char text[FORMAT_LEN];

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(format_measured(text, cases[i].ns, cases[i].step),
				    cases[i].text);
	assert_string_equal(format_mean(text, 40000, 4000000), "40.0us");
	assert_string_equal(format_mean(text, 0, 4000000), "<4.0ms");
	assert_string_equal(format_mean(text, 0, 0), "0ns");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_as_they_are),
		cmocka_unit_test(controls_are_escaped),
		cmocka_unit_test(every_byte_every_size),
		cmocka_unit_test(times_below_a_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
