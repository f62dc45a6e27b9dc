// SPDX-License-Identifier: GPL-2.0
/*
 * Each output of each verb, and each thing that may be where it shall go: what is written, what is
 * refused, and that a refusal leaves everything as it was. The verbs are real, and run in processes
 * that they confine; the probe makes its own snapshots.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "../fake_probe.h"
#include "base/output_file.h"
#include "base/place.h"
#include "base/signals.h"
#include "verbs/verbs.h"

/* The folder of all tests, and the one of a single case, which is the current folder. */
static char all[] = "/tmp/test_outputs.XXXXXX";
static char folder[64];

/* --- The outputs --- */

/* What is where an output is asked for. It decides what is in the file then. */
enum kind {
	PAGE,
	TRACE,
	METRICS,
	TEXTFILE,
	RECORDING
};

static const struct output {
	const char *name;
	enum kind kind;
	int (*verb)(int argc, char **argv);
	const char *before[3], *after[3]; /* words before and after the path of the output */
	bool has_force;
} outputs[] = {
	{ "report --html", PAGE, verb_report, { "--html" }, { "a.vt" }, true },
	{ "report --perfetto", TRACE, verb_report, { "--perfetto" }, { "a.vt" }, true },
	{ "report --openmetrics", METRICS, verb_report, { "--openmetrics" }, { "a.vt" }, true },
	{ "diff --html", PAGE, verb_diff, { "--html" }, { "a.vt", "b.vt" }, true },
	{ "diff --json --html", PAGE, verb_diff, { "--json", "--html" }, { "a.vt", "b.vt" }, true },
	{ "export --textfile", TEXTFILE, verb_export, { "--textfile" }, {}, false },
	{ "record -o", RECORDING, verb_record, { "-d", "10ms", "-o" }, {}, false },
};
#define NR_OUTPUTS (sizeof(outputs) / sizeof(*outputs))

/*
 * Starts a verb in a child, which confines itself. Its stderr goes to the file "said".
 * @out: where its stdout goes
 */
static pid_t start_verb(int (*verb)(int argc, char **argv), char *const *argv, const char *out)
{
	int argc = 0, status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid)
		return pid;
	while (argv[argc])
		argc++;
	dup2(open(out, O_WRONLY | O_APPEND), STDOUT_FILENO);
	dup2(open("../said", O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
	fake_probe = (struct fake_probe){ .read = fake_adds };
	handle_signals();
	status = verb(argc, (char **)argv);
	if (check_stdout())
		status = 1;
	_exit(status);
}

/* Starts a verb that writes to @path. */
static pid_t start(const struct output *o, const char *path, bool force)
{
	char *argv[10] = { "vringtop" };
	int n = 1;

	for (int i = 0; i < 3 && o->before[i]; i++)
		argv[n++] = (char *)o->before[i];
	argv[n++] = (char *)path;
	for (int i = 0; i < 3 && o->after[i]; i++)
		argv[n++] = (char *)o->after[i];
	if (force)
		argv[n++] = "--force";
	return start_verb(o->verb, argv, "/dev/null");
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static char content[1 << 20];
static size_t content_size;

/* Reads at most so much as fits; nothing if there is no such file. */
static void read_content(int fd)
{
	ssize_t n;

	for (content_size = 0; content_size < sizeof(content) - 1; content_size += n) {
		n = read(fd, content + content_size, sizeof(content) - 1 - content_size);
		if (n <= 0)
			break;
	}
	content[content_size] = '\0';
}

static const char *content_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);

	content_size = 0;
	content[0] = '\0';
	if (fd >= 0) {
		read_content(fd);
		close(fd);
	}
	return content;
}

static bool is_of_kind(enum kind kind)
{
	switch (kind) {
	case PAGE:
		return strstr(content, "<title>") && strstr(content, "</html>");
	case TRACE:
		return strstr(content, "\"traceEvents\":[");
	case METRICS:
		return strstr(content, "\nvringtop_") && strstr(content, "# EOF\n");
	case TEXTFILE:
		return strstr(content, "\nvringtop_");
	case RECORDING:
		return !strcmp(content, "SQLite format 3") && content_size > 4096;
	}
	return false;
}

static void pause_a_moment(void)
{
	const struct timespec moment = { .tv_nsec = 10000000 };

	nanosleep(&moment, NULL);
}

/* --- What may be there --- */

static void put(const char *path, const char *text, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

static void copy(const char *from, const char *to)
{
	content_of(from);
	assert_true(content_size > 0);
	put(to, content, content_size);
}

/* The output of an earlier run of vringtop. */
static void make_output(const char *name, const char *path)
{
	for (size_t i = 0; i < NR_OUTPUTS; i++)
		if (!strcmp(outputs[i].name, name))
			assert_int_equal(status_of(start(&outputs[i], path, false)), 0);
	assert_true(content_of(path)[0]);
}

static void make_nothing(const char *path)
{
	(void)path;
}

static void make_empty(const char *path)
{
	put(path, "", 0);
}

static void make_report_page(const char *path)
{
	make_output("report --html", path);
}

static void make_diff_page(const char *path)
{
	make_output("diff --html", path);
}

static void make_trace(const char *path)
{
	make_output("report --perfetto", path);
}

static void make_metrics(const char *path)
{
	make_output("report --openmetrics", path);
}

/* What an exporter leaves if it is killed together with the process that writes for it. */
static void make_textfile(const char *path)
{
	put(path, METRICS_MARK, strlen(METRICS_MARK));
}

static void make_recording(const char *path)
{
	copy("a.vt", path);
}

static void make_journal(const char *path)
{
	put(path, "\0journal", 8);
}

static void make_letter(const char *path)
{
	put(path, "a letter", 8);
}

/* It begins as a recording does. */
static void make_database(const char *path)
{
	content_of("a.vt");
	content[68]++;
	put(path, content, content_size);
}

/* It has the id of a recording in the right place. */
static void make_text_with_id(const char *path)
{
	char text[100];

	memset(text, ' ', sizeof(text));
	memcpy(text + 68, "VTOP", 4);
	put(path, text, sizeof(text));
}

static void make_folder(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static void make_link(const char *path)
{
	make_output("report --html", "page");
	assert_int_equal(symlink("page", path), 0);
}

static void make_dangling_link(const char *path)
{
	assert_int_equal(symlink("nowhere", path), 0);
}

static void make_link_to_input(const char *path)
{
	assert_int_equal(symlink("a.vt", path), 0);
}

static void make_hard_link_to_input(const char *path)
{
	assert_int_equal(link("a.vt", path), 0);
}

static void make_pipe(const char *path)
{
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void make_socket(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(at.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
}

/* A disk that no driver has. Only root may make one, and not everywhere. */
static void make_disk(const char *path)
{
	if (mknod(path, S_IFBLK | 0600, makedev(0, 1)))
		assert_int_equal(errno, EPERM);
}

/* What becomes of the file. */
enum answer {
	WRITES,
	FORCED /* written with --force only */,
	KEEPS /* as FILE.old */,
	REFUSES
};

static const struct thing {
	const char *what, *path;
	void (*make)(const char *path);
	enum answer page, textfile, recording; /* page: a trace and metrics, too */
} things[] = {
	{ "nothing", "out", make_nothing, WRITES, WRITES, WRITES },
	{ "an empty file", "out", make_empty, WRITES, WRITES, WRITES },
	/* Its name does not matter. */
	{ "a page", "out.txt", make_report_page, WRITES, REFUSES, REFUSES },
	{ "a page of diff", "out", make_diff_page, WRITES, REFUSES, REFUSES },
	{ "a trace", "out", make_trace, WRITES, REFUSES, REFUSES },
	{ "metrics", "out", make_metrics, WRITES, WRITES, REFUSES },
	{ "metrics of an exporter", "out", make_textfile, WRITES, WRITES, REFUSES },
	{ "the recording that is read", "a.vt", make_nothing, REFUSES, REFUSES, KEEPS },
	{ "the same by another path", "../case/a.vt", make_nothing, REFUSES, REFUSES, KEEPS },
	{ "the same by a hard link", "out", make_hard_link_to_input, REFUSES, REFUSES, KEEPS },
	{ "the same by a link", "out", make_link_to_input, REFUSES, REFUSES, REFUSES },
	{ "its journal", "a.vt-journal", make_journal, REFUSES, REFUSES, REFUSES },
	{ "another recording", "out.html", make_recording, FORCED, REFUSES, KEEPS },
	{ "a letter", "out.html", make_letter, FORCED, REFUSES, REFUSES },
	{ "a database", "out.vt", make_database, FORCED, REFUSES, REFUSES },
	{ "a text with the id", "out.vt", make_text_with_id, FORCED, REFUSES, REFUSES },
	{ "a folder", "out", make_folder, REFUSES, REFUSES, REFUSES },
	{ "a link", "out", make_link, REFUSES, REFUSES, REFUSES },
	{ "a link to nothing", "out", make_dangling_link, REFUSES, REFUSES, REFUSES },
	{ "a pipe", "out", make_pipe, WRITES, REFUSES, REFUSES },
	{ "a socket", "out", make_socket, REFUSES, REFUSES, REFUSES },
	{ "a disk", "out", make_disk, REFUSES, REFUSES, REFUSES },
};
#define NR_THINGS (sizeof(things) / sizeof(*things))

/* --- One case --- */

/* Makes the folder of a case, with two recordings. */
static void begin_case(void)
{
	assert_int_equal(chdir(all), 0);
	assert_int_equal(system("rm -rf case"), 0);
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(chdir(folder), 0);
	copy("../first.vt", "a.vt");
	copy("../second.vt", "b.vt");
}

/* Everything that is in the folder, with a sum of each content. To be freed. */
static char *everything(void)
{
	struct dirent **names;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int n = scandir(".", &names, NULL, alphasort);

	assert_non_null(f);
	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		struct stat st;
		uint64_t sum = 0;

		assert_int_equal(lstat(names[i]->d_name, &st), 0);
		if (S_ISREG(st.st_mode))
			content_of(names[i]->d_name);
		for (size_t at = 0; S_ISREG(st.st_mode) && at < content_size; at++)
			sum = 31 * sum + (unsigned char)content[at];
		if (!S_ISDIR(st.st_mode))
			fprintf(f, "%s %o %llu %llx\n", names[i]->d_name, st.st_mode,
				(unsigned long long)st.st_ino, (unsigned long long)sum);
		free(names[i]);
	}
	free(names);
	fclose(f);
	return text;
}

static bool is_there(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

/* The exporter writes its file, and removes it at its end. Returns its status. */
static int export_for_a_moment(pid_t pid, const char *path, bool *written)
{
	int status;

	*written = false;
	for (int i = 0; i < 12000 && !*written && !waitpid(pid, &status, WNOHANG); i++) {
		content_of(path);
		*written = is_of_kind(TEXTFILE);
		pause_a_moment();
	}
	if (!*written)
		return WEXITSTATUS(status);
	assert_int_equal(kill(pid, SIGINT), 0);
	status = status_of(pid);
	for (int i = 0; i < 12000 && is_there(path); i++)
		pause_a_moment();
	assert_false(is_there(path));
	return status;
}

static void check_case(const struct output *o, const struct thing *p, bool force)
{
	enum answer answer = o->kind == RECORDING  ? p->recording
			     : o->kind == TEXTFILE ? p->textfile
						   : p->page;
	bool writes = answer != REFUSES && (answer != FORCED || force), written = false;
	char *before, *after, kept[32];
	int status, pipe = -1;
	pid_t pid;

	begin_case();
	p->make(p->path);
	if (p->make == make_disk && !is_there(p->path))
		return;
	if (p->make == make_pipe) {
		pipe = open(p->path, O_RDWR | O_NONBLOCK);
		/* All of it fits. */
		assert_true(fcntl(pipe, F_SETPIPE_SZ, sizeof(content)) >= (int)sizeof(content));
	}
	before = everything();
	pid = start(o, p->path, force);
	if (o->kind == TEXTFILE && writes) {
		status = export_for_a_moment(pid, p->path, &written);
	} else {
		status = status_of(pid);
		if (pipe >= 0)
			read_content(pipe);
		else
			content_of(p->path);
		written = is_of_kind(o->kind) && content_size;
	}
	after = everything();
	if (status != !writes || (writes && !written))
		fail_msg("%s%s, where %s is: status %d, %s\n%s", o->name, force ? " --force" : "",
			 p->what, status, written ? "written" : "not written",
			 content_of("../said"));
	if (!writes && (strcmp(before, after) || !strstr(content_of("../said"), "not overwritten")))
		fail_msg("%s%s, where %s is, refused: it was\n%sand is\n%s%s", o->name,
			 force ? " --force" : "", p->what, before, after, content_of("../said"));
	if (answer == KEEPS && o->kind == RECORDING) {
		snprintf(kept, sizeof(kept), "%s.old", p->path);
		content_of("../first.vt");
		assert_int_equal(content_size > 0, 1);
		assert_int_equal(system("cmp -s ../first.vt *.old"), 0);
		assert_true(is_there(kept));
	}
	if (pipe >= 0)
		close(pipe);
	free(before);
	free(after);
}

static void each_output_at_each_place(void **state)
{
	(void)state;
	for (size_t o = 0; o < NR_OUTPUTS; o++)
		for (size_t p = 0; p < NR_THINGS; p++)
			for (int force = 0; force <= outputs[o].has_force; force++)
				check_case(&outputs[o], &things[p], force);
}

/* FILE.old and the journals, which record replaces, too. */
static void record_spares_what_is_beside(void **state)
{
	static const char *const names[] = { "a.vt.old", "a.vt-journal", "a.vt.old-journal",
					     "new.vt-journal" };
	const struct output *record = &outputs[NR_OUTPUTS - 1];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *path = strncmp(names[i], "new", 3) ? "a.vt" : "new.vt";
		char *before, *after;

		begin_case();
		make_letter(names[i]);
		before = everything();
		assert_int_equal(status_of(start(record, path, false)), 1);
		after = everything();
		assert_string_equal(before, after);
		assert_non_null(strstr(content_of("../said"), names[i]));
		free(before);
		free(after);
	}
	/* A real journal goes with its recording. */
	begin_case();
	put("a.vt-journal", "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
	assert_int_equal(status_of(start(record, "a.vt", false)), 0);
	assert_true(is_there("a.vt.old-journal"));
}

/* report a.vt >>a.vt */
static void stdout_is_an_input(void **state)
{
	static const struct {
		int (*verb)(int argc, char **argv);
		char *argv[6];
	} cases[] = {
		{ verb_report, { "vringtop", "a.vt" } },
		{ verb_report, { "vringtop", "--json", "a.vt" } },
		{ verb_report, { "vringtop", "--csv", "a.vt" } },
		{ verb_report, { "vringtop", "--html", "-", "a.vt" } },
		{ verb_report, { "vringtop", "--perfetto", "-", "a.vt" } },
		{ verb_report, { "vringtop", "--openmetrics", "-", "a.vt" } },
		{ verb_diff, { "vringtop", "b.vt", "a.vt" } },
		{ verb_diff, { "vringtop", "--json", "a.vt", "b.vt" } },
		{ verb_diff, { "vringtop", "--html", "-", "a.vt", "b.vt" } },
		{ verb_diff, { "vringtop", "--html", "page", "a.vt", "b.vt" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *before, *after;

		begin_case();
		before = everything();
		assert_int_equal(status_of(start_verb(cases[i].verb, cases[i].argv, "a.vt")), 1);
		after = everything();
		assert_string_equal(before, after);
		assert_non_null(strstr(content_of("../said"), "stdout is one of the recordings"));
		free(before);
		free(after);
	}
}

/* One way out: what stdout does not take is an error of every verb and every form, said once. */
static void stdout_is_full(void **state)
{
	static const struct {
		int (*verb)(int argc, char **argv);
		char *argv[6];
	} cases[] = {
		{ verb_report, { "vringtop", "a.vt" } },
		{ verb_report, { "vringtop", "--json", "a.vt" } },
		{ verb_report, { "vringtop", "--csv", "a.vt" } },
		{ verb_report, { "vringtop", "--html", "-", "a.vt" } },
		{ verb_report, { "vringtop", "--html", "/dev/full", "a.vt" } },
		{ verb_report, { "vringtop", "--perfetto", "-", "a.vt" } },
		{ verb_report, { "vringtop", "--openmetrics", "-", "a.vt" } },
		{ verb_diff, { "vringtop", "a.vt", "b.vt" } },
		{ verb_diff, { "vringtop", "--json", "a.vt", "b.vt" } },
		{ verb_diff, { "vringtop", "--html", "-", "a.vt", "b.vt" } },
		{ verb_diff, { "vringtop", "--html", "page", "a.vt", "b.vt" } },
		{ verb_stat, { "vringtop", "0.01", "1" } },
		{ verb_stat, { "vringtop", "--json", "0.01", "1" } },
		{ verb_stages, { "vringtop", "0.01", "1" } },
		{ verb_hist, { "vringtop", "0.01", "1" } },
		{ verb_queues, { "vringtop" } },
		{ verb_stalls, { "vringtop" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *said, *again;
		int status;

		begin_case();
		status = status_of(start_verb(cases[i].verb, cases[i].argv, "/dev/full"));
		said = strstr(content_of("../said"), "cannot write ");
		again = said ? strstr(said + 1, "cannot write ") : NULL;
		if (status != 1 || !said || again || !strstr(said, ": No space left on device\n"))
			fail_msg("case %zu: status %d, said: %s", i, status, content);
	}
}

static int make_recordings(void **state)
{
	char *argv[] = { "vringtop", "-o", NULL, "-d", "10ms", NULL };

	(void)state;
	if (!mkdtemp(all) || snprintf(folder, sizeof(folder), "%s/case", all) < 0 ||
	    mkdir(folder, 0755) || chdir(folder))
		return -1;
	for (int i = 0; i < 2; i++) {
		argv[2] = i ? "../second.vt" : "../first.vt";
		if (status_of(start_verb(verb_record, argv, "/dev/null")))
			return -1;
	}
	return 0;
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", all);
	return chdir("/") || system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_output_at_each_place),
		cmocka_unit_test(record_spares_what_is_beside),
		cmocka_unit_test(stdout_is_an_input),
		cmocka_unit_test(stdout_is_full),
	};

	return cmocka_run_group_tests(tests, make_recordings, remove_folder);
}
