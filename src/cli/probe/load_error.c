// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "base/error.h"
#include "probe/kernel.h"
#include "probe/kernel_options.h"
#include "probe/load_error.h"

static int complain_refused(const char *what)
{
	if (kernel_confidential())
		return complain("Boot without lockdown=confidentiality.",
				"cannot load %s: kernel lockdown forbids tracing", what);
	if (geteuid() != 0)
		return complain("Run it as root, or give it CAP_BPF and CAP_PERFMON "
				"(setcap cap_bpf,cap_perfmon+ep).",
				"cannot load %s: not permitted for user %u", what, geteuid());
	return complain(
		"Tracing programs are forbidden here: a container or sandbox without "
		"CAP_BPF and CAP_PERFMON, or a security module. Run it in the guest itself.",
		"cannot load %s: the kernel refuses it to root (%s)", what, strerror(EPERM));
}

/* Returns true if the kernel was built without an option. */
static bool built_without(const char *option)
{
	char lacks[256];
	const char *source;

	return kernel_options_lacking(false, lacks, sizeof(lacks), &source) > 0 &&
	       strstr(lacks, option);
}

int complain_jit(void)
{
	if (built_without("CONFIG_BPF_JIT"))
		return complain("Use a kernel with CONFIG_BPF_JIT=y. On s390x that takes "
				"CONFIG_MARCH_Z196=y or later; Debian's kernels are for the z10.",
				"this kernel has no BPF JIT, and its interpreter cannot run the "
				"programs");
	return complain("Switch it on: sysctl net.core.bpf_jit_enable=1",
			"the kernel's BPF JIT is off, and its interpreter cannot run the programs");
}

int complain_kernel(void)
{
	char lacks[256], advice[320], text[256];
	struct utsname u;
	const char *source;
	bool jited;
	int err;

	uname(&u);
	kernel_options_lacking(!kernel_has_events(), lacks, sizeof(lacks), &source);
	snprintf(advice, sizeof(advice), "Use a kernel with %s. vringtop doctor tells more.",
		 lacks[0] ? lacks : "CONFIG_BPF_SYSCALL=y and CONFIG_DEBUG_INFO_BTF=y");
	if (!kernel_has_bpf())
		return complain(advice, "this kernel has no BPF: bpf() is not implemented");
	if (!kernel_has_loop())
		return complain("Use Linux 6.1 or later, for which vringtop is made.",
				"Linux %s is too old: vringtop needs 5.17 (bpf_loop)", u.release);
	switch (kernel_try(&jited)) {
	case KERNEL_LOADS:
		return jited ? 0 : complain_jit();
	case KERNEL_NO_BTF:
		return complain(advice, "no kernel type information (BTF) in " KERNEL_BTF ": %s",
				strerror(errno));
	case KERNEL_BAD_BTF:
		if (kernel_btf_is_newer()) {
			kernel_say_libbpf_is_old(text, sizeof(text));
			return complain(LIBBPF_IS_OLD_ADVICE, "%s", text);
		}
		return complain("Is there memory for it? If so, use a kernel built with "
				"CONFIG_DEBUG_INFO_BTF=y.",
				"cannot read the kernel's BTF in " KERNEL_BTF);
	case KERNEL_NO_FUNCTIONS:
		return complain("Use a kernel built with CONFIG_DEBUG_INFO_BTF=y.",
				"the kernel's BTF in " KERNEL_BTF " has no functions");
	case KERNEL_REFUSES:
		return complain_refused("a tracing program");
	case KERNEL_CANNOT:
		break;
	}
	err = errno;
	if (kernel_confidential())
		return complain_refused("a tracing program");
	return complain(advice, "the kernel does not load tracing programs: %s", strerror(err));
}

int complain_load(int err, const char *module, size_t counters)
{
	__u32 id;

	/* libbpf has already printed more details. */
	if (getenv("VRINGTOP_DEBUG"))
		fprintf(stderr, "vringtop: loading failed: %s\n", strerror(-err));
	if (err == -EMFILE)
		return complain("Raise the limit (ulimit -n 256) and try again.",
				"cannot load the programs: more open files are needed than this "
				"process may have");
	/* Without a JIT the kernel says the same. */
	if (err == -ENOMEM && built_without("CONFIG_BPF_JIT"))
		return complain_jit();
	if (err == -ENOMEM)
		return complain("Free some memory, or raise the memory limit of this process's "
				"control group.",
				"no memory for the counters in the kernel (%zu MiB)",
				counters >> 20);
	if (complain_kernel())
		return -1;
	/*
	 * libbpf finds the types of a module by the id of its BTF. The kernel gives this id only to
	 * privileged processes.
	 */
	if (module && bpf_btf_get_next_id(0, &id) == -EPERM)
		return complain("Run it as root, or give it CAP_SYS_ADMIN as well; it keeps no "
				"capability once it has started.",
				"cannot load the programs: %s is a module here, and only "
				"CAP_SYS_ADMIN may attach to a module",
				module);
	return complain("Run it with VRINGTOP_DEBUG=1 and report what the kernel says.",
			"cannot load the programs: %s", strerror(-err));
}

/* ENOTSUPP of the kernel, which the C library does not know. */
#define KERNEL_ENOTSUPP 524

int complain_attach(int err, const char *name)
{
	if (err == KERNEL_ENOTSUPP)
		return complain("Use a kernel with CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y. "
				"On arm64 that takes Linux 6.4 or later.",
				"cannot attach to %s: on this machine the kernel cannot call BPF "
				"programs from its functions",
				name);
	return complain(NULL, "cannot attach to %s: %s", name, strerror(err));
}
