// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>
#include "files.h"

/* NULL between inputs: then libFuzzer, in which the calls are wrapped as well, has the real ones.
 */
static struct input *input;
static char *content; /* of the last file */
static size_t content_length;

void files_from(struct input *in)
{
	input = in;
	free(content);
	content = NULL;
}

const char *files_last(size_t *length)
{
	*length = content_length;
	return content;
}

/* The next part; NULL with errno: there is no such file (an empty part), or it cannot be opened
 * ("!"). */
static char *next_part(size_t *length)
{
	char *part = take_until(input, 0xff, length);

	if (*length && strcmp(part, "!"))
		return part;
	errno = *length ? EACCES : ENOENT;
	free(part);
	return NULL;
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
	FILE *f;

	if (!input)
		return __real_fopen(path, mode);
	must(path[0] == '/' && mode[0] == 'r');
	free(content);
	content = next_part(&content_length);
	if (!content)
		return NULL;
	f = fmemopen(content, content_length, "r");
	must(f);
	return f;
}

/* A name as a directory can have one. */
static bool next_name(struct dirent *e)
{
	size_t length;
	char *part = next_part(&length);

	if (!part)
		return false;
	part[strcspn(part, "/")] = '\0';
	snprintf(e->d_name, sizeof(e->d_name), "%s", part);
	free(part);
	return e->d_name[0];
}

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
	if (!input)
		return __real_opendir(path);
	must(path[0] == '/');
	/* On the heap, so that one that is not closed is a leak. */
	return calloc(1, sizeof(struct dirent));
}

struct dirent *__real_readdir(DIR *dir);
struct dirent *__wrap_readdir(DIR *dir)
{
	struct dirent *e = (struct dirent *)dir;

	if (!input)
		return __real_readdir(dir);
	return next_name(e) ? e : NULL;
}

int __real_closedir(DIR *dir);
int __wrap_closedir(DIR *dir)
{
	if (!input)
		return __real_closedir(dir);
	free(dir);
	return 0;
}

int __wrap_scandir(const char *path, struct dirent ***names, int (*wanted)(const struct dirent *),
		   int (*compare)(const struct dirent **, const struct dirent **))
{
	struct dirent one, **all = NULL;
	int n = 0;

	must(path[0] == '/');
	while (next_name(&one)) {
		if (!wanted(&one))
			continue;
		all = realloc(all, (n + 1) * sizeof(*all));
		must(all && (all[n] = malloc(sizeof(**all))));
		*all[n++] = one;
	}
	if (!n && errno == EACCES)
		return -1;
	if (n)
		qsort(all, n, sizeof(*all), (int (*)(const void *, const void *))compare);
	*names = all;
	return n;
}

ssize_t __wrap_readlink(const char *path, char *to, size_t size)
{
	size_t length;
	char *part;

	must(path[0] == '/');
	part = next_part(&length);
	if (!part)
		return -1;
	if (length > size)
		length = size;
	memcpy(to, part, length); /* no NUL: as it is */
	free(part);
	return length;
}

int __wrap_uname(struct utsname *u)
{
	size_t length;
	char *part = next_part(&length);

	memset(u, 0, sizeof(*u));
	snprintf(u->release, sizeof(u->release), "%s", part ?: "");
	snprintf(u->machine, sizeof(u->machine), "x86_64");
	free(part);
	return 0;
}
