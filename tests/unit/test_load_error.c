// SPDX-License-Identifier: GPL-2.0
/* Kernels that refuse the programs, each for another reason: one line says why, one what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "probe/kernel.h"
#include "probe/load_error.h"

/* What the made-up kernel answers. */
struct answers {
	enum kernel_verdict verdict;
	int error; /* errno of kernel_try() */
	bool not_jited, no_loop, no_bpf, btf_is_newer, confidential, no_module_ids;
	unsigned int user;
	const char *lacks;
};
static struct answers kernel;

enum kernel_verdict __wrap_kernel_try(bool *jited)
{
	*jited = !kernel.not_jited;
	errno = kernel.error;
	return kernel.verdict;
}

bool __wrap_kernel_has_loop(void)
{
	return !kernel.no_loop;
}

bool __wrap_kernel_has_bpf(void)
{
	return !kernel.no_bpf;
}

bool __wrap_kernel_has_events(void)
{
	return false;
}

bool __wrap_kernel_btf_is_newer(void)
{
	return kernel.btf_is_newer;
}

bool __wrap_kernel_confidential(void)
{
	return kernel.confidential;
}

int __wrap_kernel_options_lacking(bool by_functions, char *lacks, size_t size, const char **source)
{
	(void)by_functions;
	*source = NULL;
	snprintf(lacks, size, "%s", kernel.lacks ?: "");
	return !!kernel.lacks;
}

int __wrap_bpf_btf_get_next_id(uint32_t start, uint32_t *next)
{
	(void)start;
	*next = 1;
	return kernel.no_module_ids ? -EPERM : 0;
}

uid_t __wrap_geteuid(void)
{
	return kernel.user;
}

static int load_fails(int error, const char *module)
{
	return complain_load(error, module, 8 << 20);
}

/* Returns what @complains printed, to be freed. */
static char *said(int (*complains)(int error, const char *name), int error, const char *name)
{
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);
	char *text = calloc(1, 4096);

	assert_non_null(f);
	assert_non_null(text);
	dup2(fileno(f), STDERR_FILENO);
	assert_int_equal(complains(error, name), -1);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	assert_true(fread(text, 1, 4095, f) > 0);
	fclose(f);
	return text;
}

static void a_line_for_each_reason(void **state)
{
	static const struct {
		struct answers kernel;
		int error; /* of libbpf */
		const char *module, *why, *advice;
	} cases[] = {
		/* Linux 5.10: libbpf says "Argument list too long". */
		{ { .no_loop = true },
		  -E2BIG,
		  NULL,
		  " is too old: vringtop needs 5.17 (bpf_loop)",
		  "Use Linux 6.1 or later" },
		{ { .verdict = KERNEL_BAD_BTF, .btf_is_newer = true },
		  -ESRCH,
		  NULL,
		  "libbpf",
		  "Install a newer libbpf" },
		{ { .verdict = KERNEL_BAD_BTF },
		  -ESRCH,
		  NULL,
		  "cannot read the kernel's BTF",
		  "CONFIG_DEBUG_INFO_BTF=y" },
		{ { .verdict = KERNEL_NO_BTF,
		    .error = ENOENT,
		    .lacks = "CONFIG_BPF_JIT CONFIG_DEBUG_INFO_BTF" },
		  -ESRCH,
		  NULL,
		  "no kernel type information (BTF) in /sys/kernel/btf/vmlinux: No such",
		  "Use a kernel with CONFIG_BPF_JIT CONFIG_DEBUG_INFO_BTF." },
		{ { .verdict = KERNEL_NO_FUNCTIONS },
		  -ESRCH,
		  NULL,
		  "has no functions",
		  "CONFIG_DEBUG_INFO_BTF=y" },
		{ { .no_bpf = true, .lacks = "CONFIG_BPF_SYSCALL" },
		  -ENOSYS,
		  NULL,
		  "this kernel has no BPF",
		  "Use a kernel with CONFIG_BPF_SYSCALL." },
		{ { .not_jited = true },
		  -EINVAL,
		  NULL,
		  "BPF JIT is off",
		  "sysctl net.core.bpf_jit_enable=1" },
		{ { .verdict = KERNEL_REFUSES, .error = EPERM, .user = 1000 },
		  -EPERM,
		  NULL,
		  "not permitted for user 1000",
		  "CAP_BPF and CAP_PERFMON" },
		{ { .verdict = KERNEL_REFUSES, .error = EPERM },
		  -EPERM,
		  NULL,
		  "the kernel refuses it to root",
		  "Run it in the guest itself." },
		{ { .verdict = KERNEL_REFUSES, .error = EPERM, .confidential = true },
		  -EPERM,
		  NULL,
		  "kernel lockdown forbids tracing",
		  "Boot without lockdown=confidentiality." },
		{ { .verdict = KERNEL_CANNOT, .error = EINVAL, .lacks = "CONFIG_BPF_EVENTS" },
		  -EINVAL,
		  NULL,
		  "does not load tracing programs: Invalid argument",
		  "Use a kernel with CONFIG_BPF_EVENTS." },
		{ { .verdict = KERNEL_CANNOT, .error = EINVAL, .confidential = true },
		  -EINVAL,
		  NULL,
		  "kernel lockdown forbids tracing",
		  "Boot without lockdown=confidentiality." },
		{ {}, -EMFILE, NULL, "more open files are needed", "ulimit -n 256" },
		{ {},
		  -ENOMEM,
		  NULL,
		  "no memory for the counters in the kernel (8 MiB)",
		  "Free some memory" },
		/* Debian's kernels for s390x. */
		{ { .lacks = "CONFIG_BPF_JIT" },
		  -ENOMEM,
		  NULL,
		  "this kernel has no BPF JIT",
		  "Use a kernel with CONFIG_BPF_JIT=y." },
		{ { .no_module_ids = true },
		  -EPERM,
		  "virtio_ring",
		  "virtio_ring is a module here",
		  "CAP_SYS_ADMIN" },
		{ {},
		  -EINVAL,
		  NULL,
		  "cannot load the programs: Invalid argument",
		  "VRINGTOP_DEBUG=1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text, *end;

		kernel = cases[i].kernel;
		text = said(load_fails, cases[i].error, cases[i].module);
		end = strchr(text, '\n');
		if (strncmp(text, "vringtop: ", 10) || !end || strncmp(end, "\n  ", 3) ||
		    strchr(end + 1, '\n') != text + strlen(text) - 1)
			fail_msg("not a line for why and one for what to do:\n%s", text);
		*end = '\0';
		if (!strstr(text, cases[i].why) || !strstr(end + 1, cases[i].advice))
			fail_msg("not '%s', '%s':\n%s\n%s", cases[i].why, cases[i].advice, text,
				 end + 1);
		free(text);
	}
}

/* arm64 before Linux 6.4; the C library has no words for this errno. */
static void attaching_is_not_possible(void **state)
{
	char *text = said(complain_attach, 524, "virtqueue_poll");

	(void)state;
	assert_non_null(
		strstr(text, "cannot attach to virtqueue_poll: on this machine the kernel"));
	assert_non_null(strstr(text, "Linux 6.4 or later"));
	free(text);
	text = said(complain_attach, ENOENT, "virtqueue_poll");
	assert_string_equal(text, "vringtop: cannot attach to virtqueue_poll: "
				  "No such file or directory\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_for_each_reason),
		cmocka_unit_test(attaching_is_not_possible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
