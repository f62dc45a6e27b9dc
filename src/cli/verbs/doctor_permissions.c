// SPDX-License-Identifier: GPL-2.0
/* doctor: whether this process may load programs, and what forbids it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <unistd.h>
#include "probe/kernel.h"
#include "verbs/doctor.h"

static bool has(const struct doctor *d, int capability)
{
	return d->capabilities >> capability & 1;
}

static bool has_both(const struct doctor *d)
{
	return (has(d, CAP_BPF) && has(d, CAP_PERFMON)) || has(d, CAP_SYS_ADMIN);
}

#define MOUNT_SECURITYFS "sudo mount -t securityfs none /sys/kernel/security"

/* The kernel refuses, although the capabilities are there. */
static void tell_forbidden(struct doctor *d, int err)
{
	char advice[512], modules[128];
	bool named = kernel_read_line("/sys/kernel/security/lsm", modules, sizeof(modules));

	snprintf(advice, sizeof(advice),
		 "Something else forbids tracing here: a security module (%s%s), a seccomp filter, "
		 "or the sandbox that this system runs in. Ask who runs this machine to allow "
		 "BPF_PROG_LOAD of tracing programs, or use vringtop in a guest that allows it.",
		 named ? "there are: " : "to see which there are: ",
		 named ? modules : MOUNT_SECURITYFS "; cat /sys/kernel/security/lsm");
	doctor_tell(d, MISSING, "trial load", fact_string("error", strerror(err)), advice,
		    "refused although the capabilities are there: %s", strerror(err));
}

static void check_load(struct doctor *d)
{
	int err = d->error;

	if (d->verdict == KERNEL_LOADS) {
		doctor_tell(d, OK, "trial load", fact("error", NULL), NULL,
			    "the kernel loads a tracing program");
		return;
	}
	/* Without BTF the trial was not made: try a program that needs none. */
	if (d->verdict < KERNEL_REFUSES)
		err = kernel_try_without_btf();
	if (!err) {
		doctor_tell(d, NOTE, "trial load", fact_string("error", strerror(d->error)), NULL,
			    "the kernel loads programs, but none that needs BTF");
		return;
	}
	if (!kernel_has_bpf()) {
		doctor_tell(d, MISSING, "trial load", fact_string("error", strerror(ENOSYS)),
			    "See options.", "this kernel has no BPF: bpf() is not implemented");
		return;
	}
	if (kernel_confidential())
		doctor_tell(d, MISSING, "trial load", fact_string("error", strerror(err)),
			    "See lockdown.", "refused: %s", strerror(err));
	else if ((err == EPERM || err == EACCES) && (d->in_namespace || !has_both(d)))
		doctor_tell(d, MISSING, "trial load", fact_string("error", strerror(err)),
			    "See capabilities.", "refused: %s", strerror(err));
	else if (err == EPERM || err == EACCES)
		tell_forbidden(d, err);
	else
		doctor_tell(d, MISSING, "trial load", fact_string("error", strerror(err)),
			    "See options.", "the kernel does not load a tracing program: %s",
			    strerror(err));
}

static void check_jit(struct doctor *d)
{
	struct json_object *facts;
	char value[32];
	bool known = kernel_read_line("/proc/sys/net/core/bpf_jit_enable", value, sizeof(value));
	bool on = d->verdict == KERNEL_LOADS ? d->jited : known && strcmp(value, "0");

	facts = fact_string("bpf_jit_enable", known ? value : NULL);
	if (d->verdict == KERNEL_LOADS || known)
		json_object_object_add(facts, "on", json_object_new_boolean(on));
	if (d->verdict != KERNEL_LOADS && !known)
		doctor_tell(
			d, NOTE, "BPF JIT", facts, NULL,
			"not known: no /proc/sys/net/core/bpf_jit_enable, and no program loads");
	else if (!on)
		doctor_tell(
			d, MISSING, "BPF JIT", facts,
			"The interpreter cannot run all that the programs do. Switch the JIT on: "
			"sudo sysctl net.core.bpf_jit_enable=1 (it takes CONFIG_BPF_JIT=y)",
			"off");
	else
		doctor_tell(d, OK, "BPF JIT", facts, NULL, "on%s%s%s",
			    known ? " (net.core.bpf_jit_enable = " : "", known ? value : "",
			    known ? ")" : "");
}

static void check_lockdown(struct doctor *d)
{
	static const char path[] = "/sys/kernel/security/lockdown";
	char line[128], *mode, *end;
	struct statfs fs;

	if (!kernel_read_line(path, line, sizeof(line))) {
		if (errno != ENOENT)
			doctor_tell(d, NOTE, "lockdown", NULL, NULL, "not known: %s: %s", path,
				    strerror(errno));
		else if (statfs("/sys/kernel/security", &fs))
			doctor_tell(d, OK, "lockdown", fact_string("mode", "none"), NULL,
				    "none: this kernel has no security file system");
		else if (fs.f_type == SECURITYFS_MAGIC)
			doctor_tell(d, OK, "lockdown", fact_string("mode", "none"), NULL,
				    "none: this kernel has no lockdown");
		else
			doctor_tell(d, NOTE, "lockdown", fact_string("mode", NULL),
				    "To see it: " MOUNT_SECURITYFS,
				    "not known: /sys/kernel/security is not mounted");
		return;
	}
	mode = strchr(line, '[');
	mode = mode ? mode + 1 : line;
	end = strchr(mode, ']');
	if (end)
		*end = '\0';
	if (strcmp(mode, "confidentiality"))
		doctor_tell(d, OK, "lockdown", fact_string("mode", mode), NULL, "%s", mode);
	else
		doctor_tell(
			d, MISSING, "lockdown", fact_string("mode", mode),
			"Programs must not read the kernel's memory, not even root's. Boot with "
			"lockdown=integrity or without lockdown= on the kernel's command line.",
			"%s", mode);
}

static void check_capabilities(struct doctor *d)
{
	static const struct {
		int bit;
		const char *name;
	} wanted[] = {
		{ CAP_BPF, "CAP_BPF" },
		{ CAP_PERFMON, "CAP_PERFMON" },
		{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },
	};
	struct json_object *facts = json_object_new_object();
	unsigned int inside, outside, count;
	char list[64] = "", map[128];

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		json_object_object_add(facts, wanted[i].name,
				       json_object_new_boolean(has(d, wanted[i].bit)));
		if (has(d, wanted[i].bit))
			add_word(list, sizeof(list), wanted[i].name);
	}
	d->in_namespace = kernel_read_line("/proc/self/uid_map", map, sizeof(map)) &&
			  sscanf(map, "%u %u %u", &inside, &outside, &count) == 3 &&
			  count != UINT32_MAX;
	json_object_object_add(facts, "user", json_object_new_int64(geteuid()));
	json_object_object_add(facts, "user_namespace", json_object_new_boolean(d->in_namespace));
	if (d->in_namespace)
		doctor_tell(
			d, MISSING, "capabilities", facts,
			"Only those of the first user namespace count for tracing: run vringtop as "
			"root outside of the container.",
			"%s, but of a user namespace", list[0] ? list : "none");
	else if (!has_both(d))
		doctor_tell(
			d, MISSING, "capabilities", facts,
			"CAP_BPF and CAP_PERFMON are needed. Run it as root (sudo vringtop); in a "
			"container, one that is given both.",
			"user %u has %s", geteuid(),
			list[0] ? list : "none of those that are needed");
	else if (d->has_way && d->way.module && !has(d, CAP_SYS_ADMIN))
		doctor_tell(
			d, MISSING, "capabilities", facts,
			"The kernel hands out modules' BTF to CAP_SYS_ADMIN only. Run it as root "
			"(sudo vringtop).",
			"%s; but %s is a module", list, d->way.module);
	else
		doctor_tell(d, OK, "capabilities", facts, NULL, "%s", list);
}

static void check_unprivileged(struct doctor *d)
{
	char value[32];

	if (!kernel_read_line("/proc/sys/kernel/unprivileged_bpf_disabled", value, sizeof(value)))
		doctor_tell(d, NOTE, "unprivileged", fact_string("unprivileged_bpf_disabled", NULL),
			    NULL, "cannot read kernel.unprivileged_bpf_disabled: %s",
			    strerror(errno));
	else
		doctor_tell(
			d, OK, "unprivileged", fact_string("unprivileged_bpf_disabled", value),
			NULL,
			"kernel.unprivileged_bpf_disabled = %s: tracing needs capabilities anyhow",
			value);
}

static void check_paranoid(struct doctor *d)
{
	char value[32];

	if (!kernel_read_line("/proc/sys/kernel/perf_event_paranoid", value, sizeof(value)))
		doctor_tell(
			d, OK, "perf events", fact_string("perf_event_paranoid", NULL), NULL,
			"there is no kernel.perf_event_paranoid: vringtop needs no perf events");
	else
		doctor_tell(d, OK, "perf events", fact_string("perf_event_paranoid", value), NULL,
			    "kernel.perf_event_paranoid = %s: does not count with CAP_PERFMON",
			    value);
}

static uint64_t effective_capabilities(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long capabilities = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &capabilities) == 1)
			break;
	if (f)
		fclose(f);
	return capabilities;
}

void doctor_check_permissions(struct doctor *d)
{
	d->capabilities = effective_capabilities();
	check_capabilities(d);
	check_lockdown(d);
	check_load(d);
	check_jit(d);
	check_unprivileged(d);
	check_paranoid(d);
}
