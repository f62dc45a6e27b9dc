// SPDX-License-Identifier: GPL-2.0
/* Files that a user names: what is replaced, what never is, and what an error leaves behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/output_file.h"
#include "base/place.h"

static const char *const no_inputs[] = { NULL };
static const char *const inputs[] = { "input", NULL };

/* Each test has a folder of its own, which is the current one. */
static int begin(void **state)
{
	char *folder = strdup("/tmp/vringtop-output.XXXXXX");

	*state = folder;
	return !folder || !mkdtemp(folder) || chdir(folder);
}

static int end(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", (char *)*state);
	free(*state);
	return system(command);
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void check_text(const char *path, const char *expected)
{
	char text[1024] = "";
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	assert_string_equal(text, expected);
}

/* So many files are in the folder. */
static int files(void)
{
	DIR *dir = opendir(".");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

/* Writes a text as the verbs do. Returns whether it was written. */
static bool written(const char *path, const char *const *inputs, bool force, const char *text)
{
	struct output_file *o = output_open(path, inputs, force);

	if (!o)
		return false;
	fputs(text, output_stream(o));
	return !output_close(o, true);
}

static void new_file(void **state)
{
	struct stat st;

	(void)state;
	umask(022);
	assert_true(written("a", no_inputs, false, "text"));
	check_text("a", "text");
	assert_int_equal(files(), 1);
	assert_false(stat("a", &st));
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_false(written("no/such/folder", no_inputs, false, "text"));
	assert_false(written(".", no_inputs, true, "text"));
	assert_int_equal(files(), 1);
}

static void own_files(void **state)
{
	static const char *const marks[] = { PAGE_MARK, TRACE_MARK };

	(void)state;
	for (int i = 0; i < 2; i++) {
		char old[128];

		snprintf(old, sizeof(old), "<!DOCTYPE html>\n%s\n", marks[i]);
		put("a", old);
		assert_true(written("a", no_inputs, false, "new"));
		check_text("a", "new");
	}
	/* Nothing is lost with an empty one. */
	put("a", "");
	assert_true(written("a", no_inputs, false, "new"));
	check_text("a", "new");
	assert_int_equal(files(), 1);
}

static void files_of_others(void **state)
{
	char late[600];

	(void)state;
	put("a", "precious");
	assert_false(written("a", no_inputs, false, "new"));
	check_text("a", "precious");
	/* A page that speaks of the tool is not a page of the tool: the mark is in the first 512
	 * bytes. */
	for (int end = 512; end <= 513; end++) {
		memset(late, ' ', sizeof(late));
		strcpy(late + end - strlen(PAGE_MARK), PAGE_MARK);
		put("b", late);
		assert_int_equal(written("b", no_inputs, false, "new"), end == 512);
	}
	assert_true(written("a", no_inputs, true, "forced"));
	check_text("a", "forced");
	assert_int_equal(files(), 2);
}

static void input_files(void **state)
{
	(void)state;
	put("input", PAGE_MARK);
	assert_int_equal(link("input", "other name"), 0);
	assert_false(written("input", inputs, false, "new"));
	assert_false(written("./input", inputs, true, "new"));
	assert_false(written("other name", inputs, true, "new"));
	check_text("input", PAGE_MARK);
	assert_int_equal(files(), 2);
}

static void links(void **state)
{
	(void)state;
	put("a", PAGE_MARK);
	assert_int_equal(symlink("a", "to a"), 0);
	assert_int_equal(symlink("none", "to none"), 0);
	assert_false(written("to a", no_inputs, false, "new"));
	assert_false(written("to a", no_inputs, true, "new"));
	assert_false(written("to none", no_inputs, true, "new"));
	check_text("a", PAGE_MARK);
	assert_int_equal(files(), 3);
}

/* What was there stays until the new one is complete. */
static void incomplete(void **state)
{
	struct output_file *o;

	(void)state;
	put("a", PAGE_MARK);
	o = output_open("a", no_inputs, false);
	assert_non_null(o);
	fputs("half", output_stream(o));
	fflush(output_stream(o));
	check_text("a", PAGE_MARK);
	assert_int_equal(output_close(o, false), 0);
	check_text("a", PAGE_MARK);
	assert_int_equal(files(), 1);
}

/* Ctrl-C and kill: the process that keeps the name removes what is not complete. */
static void killed(void **state)
{
	const int signals[] = { SIGINT, SIGKILL };

	(void)state;
	put("a", PAGE_MARK);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			struct output_file *o = output_open("a", no_inputs, false);

			fputs("half", output_stream(o));
			fflush(output_stream(o));
			kill(getpid(), signals[i]);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		for (int tries = 0; tries < 500 && files() > 1; tries++)
			usleep(10000);
		assert_int_equal(files(), 1);
		check_text("a", PAGE_MARK);
	}
}

/* A disk that is full; a pipe that is written to as it is. */
static void special_files(void **state)
{
	int fds[2];
	char path[32], text[8] = "";

	(void)state;
	assert_false(written("/dev/full", no_inputs, false, "text"));
	assert_int_equal(pipe(fds), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fds[1]);
	assert_true(written(path, no_inputs, false, "text"));
	assert_int_equal(read(fds[0], text, sizeof(text) - 1), 4);
	assert_string_equal(text, "text");
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(new_file, begin, end),
		cmocka_unit_test_setup_teardown(own_files, begin, end),
		cmocka_unit_test_setup_teardown(files_of_others, begin, end),
		cmocka_unit_test_setup_teardown(input_files, begin, end),
		cmocka_unit_test_setup_teardown(links, begin, end),
		cmocka_unit_test_setup_teardown(incomplete, begin, end),
		cmocka_unit_test_setup_teardown(killed, begin, end),
		cmocka_unit_test_setup_teardown(special_files, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
