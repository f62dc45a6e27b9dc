// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>
#include "probe/kernel.h"
#include "probe/kernel_options.h"

#define PROC_CONFIG "/proc/config.gz"

static bool lacks_bpf(void)
{
	return !kernel_has_bpf();
}

static bool lacks_file(const char *path)
{
	return access(path, F_OK) && errno == ENOENT;
}

static bool lacks_btf(void)
{
	return lacks_file(KERNEL_BTF);
}

/*
 * Returns true if a file of the kernel is missing. If its folder is missing, too, the reason is
 * another one, and the function returns false.
 */
static bool lacks_kernel_file(const char *folder, const char *path)
{
	return !access(folder, F_OK) && lacks_file(path);
}

static bool lacks_jit(void)
{
	return lacks_kernel_file("/proc/sys/net/core", "/proc/sys/net/core/bpf_jit_enable");
}

static bool lacks_function_tracer(void)
{
	return lacks_kernel_file("/proc/sys/kernel", "/proc/sys/kernel/ftrace_enabled");
}

/* The file is there only with the option. Without tracefs the option is not known. */
static bool lacks_dynamic_ftrace(void)
{
	return lacks_kernel_file("/sys/kernel/tracing/events",
				 "/sys/kernel/tracing/available_filter_functions");
}

static bool lacks_bpf_events(void)
{
	return kernel_has_bpf() && !kernel_has_tracing();
}

static const struct {
	const char *name;
	bool functions; /* needed only to attach to functions */
	bool (*lacks)(void);
} options[] = {
	{ "CONFIG_BPF_SYSCALL", false, lacks_bpf },
	{ "CONFIG_BPF_JIT", false, lacks_jit },
	{ "CONFIG_BPF_EVENTS", false, lacks_bpf_events },
	{ "CONFIG_DEBUG_INFO_BTF", false, lacks_btf },
	{ "CONFIG_FUNCTION_TRACER", true, lacks_function_tracer },
	{ "CONFIG_DYNAMIC_FTRACE", true, lacks_dynamic_ftrace },
};

#define NR_OPTIONS (sizeof(options) / sizeof(*options))

/* Lists the options that are needed and not set. Returns how many there are. */
static int list(const bool *set, bool by_functions, char *lacks, size_t size)
{
	size_t length = 0;
	int n = 0;

	lacks[0] = '\0';
	for (size_t i = 0; i < NR_OPTIONS; i++) {
		if (set[i] || (options[i].functions && !by_functions))
			continue;
		if (length < size)
			length += snprintf(lacks + length, size - length, "%s%s", n ? " " : "",
					   options[i].name);
		n++;
	}
	return n;
}

int kernel_options_in(const char *path, bool by_functions, char *lacks, size_t size)
{
	bool set[NR_OPTIONS] = {}, any = false;
	gzFile f = gzopen(path, "re");
	char line[256];

	if (!f)
		return -1;
	while (gzgets(f, line, sizeof(line))) {
		char *equals = strchr(line, '=');

		if (!equals || strcmp(equals, "=y\n"))
			continue;
		any = true;
		*equals = '\0';
		for (size_t i = 0; i < NR_OPTIONS; i++)
			if (!strcmp(line, options[i].name))
				set[i] = true;
	}
	gzclose(f);
	return any ? list(set, by_functions, lacks, size) : -1;
}

int kernel_options_lacking(bool by_functions, char *lacks, size_t size, const char **source)
{
	static char path[sizeof("/boot/config-") + sizeof(((struct utsname *)0)->release)];
	bool set[NR_OPTIONS];
	struct utsname u;
	int n;

	*source = PROC_CONFIG;
	n = kernel_options_in(PROC_CONFIG, by_functions, lacks, size);
	if (n >= 0)
		return n;
	if (!uname(&u)) {
		snprintf(path, sizeof(path), "/boot/config-%s", u.release);
		*source = path;
		n = kernel_options_in(path, by_functions, lacks, size);
		if (n >= 0)
			return n;
	}
	*source = NULL;
	for (size_t i = 0; i < NR_OPTIONS; i++)
		set[i] = !options[i].lacks();
	return list(set, by_functions, lacks, size);
}
