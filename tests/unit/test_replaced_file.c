// SPDX-License-Identifier: GPL-2.0
/* A file that is replaced again and again: what a reader finds, and what is not replaced. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/stat.h>
#include "base/place.h"
#include "base/replaced_file.h"

#define MARK METRICS_MARK

static char folder[] = "/tmp/replaced.XXXXXX";
static char path[48];

static void send_text(struct replaced_file *r, const char *text)
{
	replaced_file_write(r, text, strlen(text));
}

static void pause_a_moment(void)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	nanosleep(&moment, NULL);
}

static const char *content(void)
{
	static char text[1 << 20];
	FILE *f = fopen(path, "re");

	if (!f)
		return NULL;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

/* Each content is whole, and comes; so does one that is larger than a socket's buffer. */
static void replaces(void **state)
{
	struct replaced_file *r = replaced_file_open(path);
	char *large = malloc(900000), *small = MARK " small\n";
	struct stat st;

	(void)state;
	assert_non_null(r);
	assert_non_null(large);
	memset(large, 'x', 900000);
	for (int i = 0; i < 20; i++) {
		const char *text = i % 2 ? small : large;
		size_t size = i % 2 ? strlen(small) : 900000;

		/* It is left out as long as the one before is being written. */
		for (int tries = 0; tries < 5000; tries++) {
			const char *got = content();

			if (got && strlen(got) == size)
				break;
			assert_true(!got || strlen(got) == 900000 || strlen(got) == strlen(small));
			replaced_file_write(r, text, size);
			pause_a_moment();
		}
		assert_int_equal(strlen(content()), size);
		assert_memory_equal(content(), text, size);
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	replaced_file_close(r);
	for (int i = 0; i < 5000 && !access(path, F_OK); i++)
		pause_a_moment();
	assert_int_not_equal(access(path, F_OK), 0);
	/* No temporary file is left. */
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(mkdir(folder, 0755), 0);
	free(large);
}

static pid_t writer; /* the last process that was started */
static volatile sig_atomic_t waited;

pid_t __real_fork(void);
pid_t __wrap_fork(void)
{
	pid_t pid = __real_fork();

	if (pid > 0)
		writer = pid;
	return pid;
}

static void let_it_go_on(int signal)
{
	(void)signal;
	waited = 1;
	kill(writer, SIGCONT);
}

static void wait_for(const char *text)
{
	for (int i = 0; i < 5000 && !(content() && !strcmp(content(), text)); i++)
		pause_a_moment();
	assert_non_null(content());
	assert_string_equal(content(), text);
}

/* While the content before is being written, a new one is left out at once. */
static void does_not_wait(void **state)
{
	struct replaced_file *r = replaced_file_open(path);

	(void)state;
	assert_non_null(r);
	signal(SIGALRM, let_it_go_on);
	assert_int_equal(kill(writer, SIGSTOP), 0);
	send_text(r, MARK " first\n");
	alarm(60);
	send_text(r, MARK " second\n");
	alarm(0);
	assert_false(waited);
	kill(writer, SIGCONT);
	wait_for(MARK " first\n");
	for (int i = 0; i < 5000 && strcmp(content(), MARK " third\n"); i++) {
		send_text(r, MARK " third\n");
		pause_a_moment();
		assert_string_not_equal(content(), MARK " second\n");
	}
	assert_string_equal(content(), MARK " third\n");
	replaced_file_close(r);
	for (int i = 0; i < 5000 && !access(path, F_OK); i++)
		pause_a_moment();
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void spares_what_is_not_ours(void **state)
{
	struct replaced_file *r;

	(void)state;
	write_file("a letter\n");
	assert_null(replaced_file_open(path));
	assert_string_equal(content(), "a letter\n");
	unlink(path);

	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_null(replaced_file_open(path));
	unlink(path);

	/* What a vringtop left that was killed together with its writer. */
	write_file(MARK " old\n");
	r = replaced_file_open(path);
	assert_non_null(r);
	replaced_file_close(r);
	for (int i = 0; i < 5000 && !access(path, F_OK); i++)
		pause_a_moment();
}

/* A folder that is not there ends nothing: it may come. */
static void goes_on_without_a_folder(void **state)
{
	struct replaced_file *r;
	char within[64];

	(void)state;
	snprintf(within, sizeof(within), "%s/new/a.prom", folder);
	r = replaced_file_open(within);
	assert_non_null(r);
	for (int i = 0; i < 3; i++) {
		send_text(r, MARK);
		pause_a_moment();
	}
	snprintf(path, sizeof(path), "%s/new", folder);
	assert_int_equal(mkdir(path, 0755), 0);
	for (int i = 0; i < 5000 && access(within, F_OK); i++) {
		send_text(r, MARK);
		pause_a_moment();
	}
	assert_int_equal(access(within, F_OK), 0);
	replaced_file_close(r);
	for (int i = 0; i < 5000 && rmdir(path); i++)
		pause_a_moment();
	assert_int_not_equal(access(path, F_OK), 0);
}

static int make_folder(void **state)
{
	(void)state;
	umask(022);
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/a.prom", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaces),
		cmocka_unit_test(does_not_wait),
		cmocka_unit_test(spares_what_is_not_ours),
		cmocka_unit_test(goes_on_without_a_folder),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
