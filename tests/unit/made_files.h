/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A made-up machine: what the tool reads below /sys, /proc and /boot is taken from a folder of the
 * test. Included by one file of a test that is linked with --wrap for $(MADE_FILES) of the
 * Makefile.
 */
#ifndef MADE_FILES_H
#define MADE_FILES_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

static char made_root[] = "/tmp/vringtop-made-XXXXXX";
static const char *made_forbidden; /* opening this path fails with EACCES; NULL: none */
static struct utsname made_system;

/* Where a path is in the folder; any other path stays. Good for two calls. */
static const char *made_path(const char *path)
{
	static char paths[2][512];
	static int which;

	if (strncmp(path, "/sys/", 5) && strncmp(path, "/proc/", 6) && strncmp(path, "/boot/", 6))
		return path;
	which = !which;
	assert_true(snprintf(paths[which], sizeof(paths[which]), "%s%s", made_root, path) <
		    (int)sizeof(paths[which]));
	return paths[which];
}

static bool made_forbids(const char *path)
{
	if (!made_forbidden || strcmp(path, made_forbidden))
		return false;
	errno = EACCES;
	return true;
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
	return made_forbids(path) ? NULL : __real_fopen(made_path(path), mode);
}

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
	return made_forbids(path) ? NULL : __real_opendir(made_path(path));
}

int __real_scandir(const char *path, struct dirent ***names, int (*wanted)(const struct dirent *),
		   int (*compare)(const struct dirent **, const struct dirent **));
int __wrap_scandir(const char *path, struct dirent ***names, int (*wanted)(const struct dirent *),
		   int (*compare)(const struct dirent **, const struct dirent **))
{
	return made_forbids(path) ? -1 : __real_scandir(made_path(path), names, wanted, compare);
}

ssize_t __real_readlink(const char *path, char *to, size_t size);
ssize_t __wrap_readlink(const char *path, char *to, size_t size)
{
	return __real_readlink(made_path(path), to, size);
}

gzFile __real_gzopen(const char *path, const char *mode);
gzFile __wrap_gzopen(const char *path, const char *mode)
{
	return made_forbids(path) ? NULL : __real_gzopen(made_path(path), mode);
}

int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
	return __real_access(made_path(path), mode);
}

int __real_stat(const char *path, struct stat *st);
int __wrap_stat(const char *path, struct stat *st)
{
	return __real_stat(made_path(path), st);
}

int __real_statfs(const char *path, struct statfs *fs);
int __wrap_statfs(const char *path, struct statfs *fs)
{
	return __real_statfs(made_path(path), fs);
}

int __wrap_uname(struct utsname *u)
{
	*u = made_system;
	return 0;
}

/* Makes the folders above a path in the folder. */
static void make_folders(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s", made_path(path));
	for (char *slash = full + strlen(made_root); (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		assert_true(!mkdir(full, 0755) || errno == EEXIST);
		*slash = '/';
	}
}

/* Makes or replaces a file. @content: NULL: removes it */
static void make_file(const char *path, const char *content)
{
	FILE *f;

	unlink(made_path(path));
	if (!content)
		return;
	make_folders(path);
	f = __real_fopen(made_path(path), "w");
	assert_non_null(f);
	assert_true(fputs(content, f) >= 0 && !fclose(f));
}

/* The same, compressed. */
static inline void make_gzip(const char *path, const char *content)
{
	gzFile f;

	make_folders(path);
	f = __real_gzopen(made_path(path), "w");
	assert_non_null(f);
	assert_int_equal(gzwrite(f, content, strlen(content)), strlen(content));
	gzclose(f);
}

/*
 * Makes a virtio device, as sysfs shows one.
 * @driver: NULL: none is bound to it
 * @features: the bits that are set, ends with -1; NULL: there is no file
 */
static void make_device(int number, const char *driver, const char *type, const int *features)
{
	char path[128], to[128], bits[66];

	snprintf(path, sizeof(path), "/sys/bus/virtio/devices/virtio%d/device", number);
	make_file(path, type);
	snprintf(path, sizeof(path), "/sys/bus/virtio/devices/virtio%d/driver", number);
	unlink(made_path(path));
	snprintf(to, sizeof(to), "../../../../bus/virtio/drivers/%s", driver ?: "");
	if (driver)
		assert_int_equal(symlink(to, made_path(path)), 0);
	memset(bits, '0', 64);
	strcpy(bits + 64, "\n");
	for (int i = 0; features && features[i] >= 0; i++)
		bits[features[i]] = '1';
	snprintf(path, sizeof(path), "/sys/bus/virtio/devices/virtio%d/features", number);
	make_file(path, features ? bits : NULL);
}

/* For cmocka: an empty machine before each test. */
static int make_machine(void **state)
{
	(void)state;
	made_forbidden = NULL;
	made_system = (struct utsname){ .sysname = "Linux",
					.nodename = "guest",
					.release = "6.12.0-made",
					.version = "#1 SMP made-up",
					.machine = "x86_64" };
	strcpy(made_root + strlen(made_root) - 6, "XXXXXX");
	return !mkdtemp(made_root);
}

static int remove_machine(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", made_root);
	return system(command);
}

#endif
