// SPDX-License-Identifier: GPL-2.0
/*
 * What record prints on a terminal, and what becomes of a file that is there already. The probe
 * makes its own snapshots.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>
#include "../fake_probe.h"
#include "verbs/verbs.h"

/* Clears the screen, writes a line of its own, and ends in a backslash. */
#define NASTY	    "a\033[2J\nvringtop: b\\"
#define NASTY_SHOWN "a\\x1b[2J\\x0avringtop: b\\x5c"

static char dir[] = "/tmp/test_record.XXXXXX";

/* The process stays as it is, for the tests that follow. */
int __wrap_confine_recording(void)
{
	return 0;
}

static unsigned int interrupt_at; /* the reading that Ctrl-C comes with; 0: none */

/* Each reading finds one add more. */
static const struct snapshot *count_one(unsigned int n)
{
	if (interrupt_at && n == interrupt_at)
		raise(SIGINT);
	return fake_adds(n);
}

/* The file of a name in the folder of the test; the last two stay. */
static const char *file(const char *name)
{
	static char paths[2][128];
	static int which;

	which = !which;
	snprintf(paths[which], sizeof(paths[which]), "%s/%s", dir, name);
	return paths[which];
}

/*
 * Runs record with stderr on a terminal that changes nothing that is written to it.
 * Returns its exit status. @said: becomes what it wrote there
 */
static int record(char **argv, char *said, size_t size)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY), saved = dup(STDERR_FILENO), slave, status;
	int argc = 0;
	struct termios raw;
	sigset_t before;
	ssize_t n, got;

	while (argv[argc])
		argc++;
	assert_true(terminal >= 0 && !grantpt(terminal) && !unlockpt(terminal));
	slave = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0 && !tcgetattr(slave, &raw));
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
	sigprocmask(SIG_SETMASK, NULL, &before);
	dup2(slave, STDERR_FILENO);
	status = verb_record(argc, argv);
	dup2(saved, STDERR_FILENO);
	sigprocmask(SIG_SETMASK, &before, NULL);
	/* The terminal hands on what was written piece by piece: up to this mark. */
	assert_int_equal(write(slave, "\001", 1), 1);
	for (n = 0; !n || said[n - 1] != '\001'; n += got) {
		got = read(terminal, said + n, size - n);
		assert_true(got > 0);
	}
	said[n - 1] = '\0';
	close(slave);
	close(saved);
	close(terminal);
	return status;
}

/* Only what record itself means to do with the terminal is left: go to the first column, clear. */
static void assert_harmless(const char *said)
{
	for (const char *s = said; *s; s++) {
		if (!strncmp(s, "\r\033[K", 4))
			s += 4;
		assert_true((*s >= ' ' && *s <= '~') || *s == '\n' || *s == '\r');
	}
}

static void names_are_shown_escaped(void **state)
{
	char said[16384], line[256], *path = strdup(file(NASTY));
	char *for_a_time[] = { "vringtop record", "-o", path, "-d", "100ms", "-i", "20ms", NULL };
	char *until_a_signal[] = { "vringtop record", "-o", path, "-i", "20ms", NULL };
	char *into_a_file[] = { "vringtop record", "-o", (char *)file(NASTY "/x"), NULL };

	(void)state;
	assert_non_null(path);
	fake_probe = (struct fake_probe){ .read = count_one };
	interrupt_at = 0;
	assert_int_equal(record(for_a_time, said, sizeof(said)), 0);
	snprintf(line, sizeof(line), "\rRecording to %s/" NASTY_SHOWN ": ", dir);
	assert_non_null(strstr(said, line));
	snprintf(line, sizeof(line), "\r\033[K%s/" NASTY_SHOWN ": ", dir);
	assert_non_null(strstr(said, line));
	assert_harmless(said);
	assert_int_equal(access(path, F_OK), 0);

	fake_probe = (struct fake_probe){ .read = count_one };
	interrupt_at = 3;
	assert_int_equal(record(until_a_signal, said, sizeof(said)), 0);
	assert_non_null(strstr(said, "/" NASTY_SHOWN "; Ctrl-C ends it.\n"));
	assert_harmless(said);

	assert_int_equal(record(into_a_file, said, sizeof(said)), 1);
	assert_non_null(strstr(said, "\\x1b[2J\\x0avringtop: b\\/x: Not a directory"));
	assert_harmless(said);
	free(path);
}

static unsigned int measured; /* calls of measure() */

static uint64_t measure(void)
{
	measured++;
	return probe_now() + 100000000;
}

/* The measuring of the cost is looked after also where an interval is long. */
static void measuring_in_a_long_interval(void **state)
{
	char said[4096];
	char *argv[] = {
		"vringtop record", "-o", (char *)file("long.vt"), "-d", "1", "-i", "60", NULL
	};

	(void)state;
	fake_probe = (struct fake_probe){ .read = count_one, .measure = measure };
	interrupt_at = measured = 0;
	assert_int_equal(record(argv, said, sizeof(said)), 0);
	/* The first snapshot, and the last. */
	assert_int_equal(fake_probe.reads, 2);
	/* Ten times; a machine that is busy skips some. */
	assert_true(measured >= 2 && measured <= 12);
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : st.st_size;
}

static void a_recording_is_kept(void **state)
{
	char said[4096], *path = strdup(file("kept.vt"));
	char *argv[] = { "vringtop record", "-o", path, "-d", "10ms", NULL };
	FILE *f;

	(void)state;
	assert_non_null(path);
	interrupt_at = 0;
	for (int i = 0; i < 2; i++) {
		fake_probe = (struct fake_probe){ .read = count_one };
		assert_int_equal(record(argv, said, sizeof(said)), 0);
		assert_int_equal(size_of(file("kept.vt.old")) > 0, i);
	}
	/* What is not a recording is never overwritten, nor moved: as the file, and as FILE.old. */
	f = fopen(file("kept.vt.old"), "w");
	assert_non_null(f);
	assert_true(fputs("a letter", f) >= 0 && !fclose(f));
	assert_int_equal(record(argv, said, sizeof(said)), 1);
	assert_non_null(strstr(said, "kept.vt.old is there, and vringtop did not write it"));
	assert_int_equal(size_of(file("kept.vt.old")), strlen("a letter"));
	assert_int_equal(rename(file("kept.vt.old"), path), 0);
	assert_int_equal(record(argv, said, sizeof(said)), 1);
	assert_non_null(strstr(said, "kept.vt is there, and vringtop did not write it"));
	assert_int_equal(size_of(path), strlen("a letter"));
	free(path);
}

static int make_folder(void **state)
{
	(void)state;
	return !mkdtemp(dir);
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_shown_escaped),
		cmocka_unit_test(measuring_in_a_long_interval),
		cmocka_unit_test(a_recording_is_kept),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
