// SPDX-License-Identifier: GPL-2.0
/*
 * The first process of a guest whose kernel has the drivers of its root file system as modules, as
 * the kernels of distributions. It loads /modules/<nn>-<name>.ko in the order of their names,
 * mounts the root that virtme-ng shares through 9p, and starts the init= of the kernel's command
 * line there. It is static, so its initramfs has no other program and no library
 * (debian-kernel.sh).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Prints an error and turns the guest off. vm.sh shows the end of the console. */
static void die(const char *what, const char *on)
{
	fprintf(stderr, "initramfs: cannot %s %s: %s\n", what, on, strerror(errno));
	reboot(RB_POWER_OFF);
	exit(1);
}

static int is_module(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void load_modules(void)
{
	struct dirent **entries;
	int i, fd, count;

	count = scandir(".", &entries, is_module, alphasort);
	if (count < 0)
		die("read", "/modules");
	for (i = 0; i < count; i++) {
		fd = open(entries[i]->d_name, O_RDONLY);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
			die("load the module", entries[i]->d_name);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	static char line[8192];
	char *word, *init = NULL, *options = NULL;
	FILE *file;

	(void)argc;
	if (chdir("/modules"))
		die("enter", "/modules");
	load_modules();

	if (mount("proc", "/proc", "proc", 0, NULL))
		die("mount", "/proc");
	file = fopen("/proc/cmdline", "r");
	if (!file || !fgets(line, sizeof(line), file))
		die("read", "/proc/cmdline");
	fclose(file);
	umount("/proc");
	line[strcspn(line, "\n")] = '\0';
	for (word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		if (!strncmp(word, "init=", 5))
			init = word + 5;
		if (!strncmp(word, "rootflags=", 10))
			options = word + 10;
	}
	if (!init || !options) {
		errno = EINVAL;
		die("find init= and rootflags= in", "/proc/cmdline");
	}

	if (mount("/dev/root", "/root", "9p", MS_RDONLY, options))
		die("mount the root file system with", options);
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		die("go to", "the root file system");
	argv[0] = init;
	execv(init, argv);
	die("start", init);
}
