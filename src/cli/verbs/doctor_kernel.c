// SPDX-License-Identifier: GPL-2.0
/* doctor: what the kernel offers, and what vringtop would attach to. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "base/format.h"
#include "model/snapshot.h"
#include "probe/kernel.h"
#include "probe/kernel_options.h"
#include "verbs/doctor.h"

static void check_kernel(struct doctor *d)
{
	struct json_object *facts;
	unsigned int major = 0, minor = 0;
	struct utsname u;
	char release[sizeof(u.release)];

	uname(&u);
	copy_printable(release, u.release, sizeof(release));
	facts = fact_string("release", release);
	json_object_object_add(facts, "machine", json_object_new_string(u.machine));
	if (!kernel_has_loop())
		doctor_tell(d, MISSING, "kernel", facts,
			    "vringtop is made for Linux 6.1 and later.",
			    "Linux %s (%s) is too old: vringtop needs 5.17 (bpf_loop)", release,
			    u.machine);
	else if (sscanf(release, "%u.%u", &major, &minor) == 2 &&
		 (major < 6 || (major == 6 && !minor)))
		doctor_tell(d, NOTE, "kernel", facts, "vringtop is made for Linux 6.1 and later.",
			    "Linux %s (%s), older than 6.1", release, u.machine);
	else
		doctor_tell(d, OK, "kernel", facts, NULL, "Linux %s (%s)", release, u.machine);
}

static void check_btf(struct doctor *d)
{
	static const char advice[] =
		"Without the kernel's type information no program can be fitted to this kernel. "
		"Boot a kernel built with CONFIG_DEBUG_INFO_BTF=y: most distributions' are.";
	struct json_object *facts = fact_string("path", KERNEL_BTF);
	char text[256];
	struct stat s;

	switch (d->verdict) {
	case KERNEL_NO_BTF:
		if (d->error == ENOENT)
			doctor_tell(d, MISSING, "BTF", facts, advice, "there is no " KERNEL_BTF);
		else
			doctor_tell(d, MISSING, "BTF", facts,
				    "Make it readable, or run vringtop as root.", KERNEL_BTF ": %s",
				    strerror(d->error));
		return;
	case KERNEL_BAD_BTF:
		if (kernel_btf_is_newer()) {
			json_object_object_add(facts, "libbpf",
					       json_object_new_string(kernel_libbpf_version()));
			kernel_say_libbpf_is_old(text, sizeof(text));
			doctor_tell(d, MISSING, "BTF", facts, LIBBPF_IS_OLD_ADVICE, "%s", text);
			return;
		}
		doctor_tell(d, MISSING, "BTF", facts, advice,
			    KERNEL_BTF " cannot be understood: %s", strerror(d->error));
		return;
	case KERNEL_NO_FUNCTIONS:
		doctor_tell(d, MISSING, "BTF", facts, advice, KERNEL_BTF " has no functions");
		return;
	default:
		break;
	}
	if (stat(KERNEL_BTF, &s))
		s.st_size = 0;
	json_object_object_add(facts, "size", json_object_new_int64(s.st_size));
	doctor_tell(d, OK, "BTF", facts, NULL, KERNEL_BTF ", %.1f MiB", s.st_size / 1048576.0);
}

/* All options that the kernel was built without. */
static void check_options(struct doctor *d)
{
	char lacks[256], *rest = lacks, *name;
	struct json_object *missing = json_object_new_array(), *facts;
	const char *source;
	int n = kernel_options_lacking(!d->has_way || d->way.by_functions, lacks, sizeof(lacks),
				       &source);

	facts = fact_string("source", source);
	json_object_object_add(facts, "missing", missing);
	if (n)
		doctor_tell(
			d, MISSING, "options", json_object_get(facts),
			"Boot a kernel that was built with all of them: most distributions' are.",
			"this kernel was built without %s%s%s%s", lacks, source ? " (" : "",
			source ?: "", source ? ")" : "");
	else if (source)
		doctor_tell(d, OK, "options", json_object_get(facts), NULL, "all are set in %s",
			    source);
	else
		doctor_tell(
			d, OK, "options", json_object_get(facts), NULL,
			"no sign that one is missing; the kernel's configuration cannot be read");
	while ((name = strsep(&rest, " ")))
		if (*name)
			json_object_array_add(missing, json_object_new_string(name));
	json_object_put(facts);
}

static void check_modules(struct doctor *d)
{
	static const char *const names[] = { "virtio",	    "virtio_ring", "virtio_pci",
					     "virtio_mmio", "virtio_vdpa", "virtio_ccw" };
	struct json_object *facts = json_object_new_object();
	char with[256] = "", without[256] = "", path[128];
	bool modules = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		bool has;

		/* Only a loaded module has this file; code that is built in has not. */
		snprintf(path, sizeof(path), "/sys/module/%s/initstate", names[i]);
		if (access(path, F_OK))
			continue;
		modules = true;
		snprintf(path, sizeof(path), "/sys/kernel/btf/%s", names[i]);
		has = !access(path, R_OK);
		json_object_object_add(facts, names[i], json_object_new_boolean(has));
		if (has)
			add_word(with, sizeof(with), names[i]);
		else
			add_word(without, sizeof(without), names[i]);
	}
	facts = fact("btf_of", facts);
	if (without[0])
		doctor_tell(d, MISSING, "module BTF", facts,
			    "What these modules do cannot be seen. Build the kernel with "
			    "CONFIG_DEBUG_INFO_BTF_MODULES=y, and load modules of the same build.",
			    "no readable /sys/kernel/btf file of: %s", without);
	else if (modules)
		doctor_tell(d, OK, "module BTF", facts, NULL, "%s", with);
	else
		doctor_tell(d, OK, "module BTF", facts, NULL,
			    "not needed: vringtop attaches to no module here");
}

static void check_way(struct doctor *d)
{
	struct json_object *names = json_object_new_array(), *facts;
	int n = 0;

	d->has_way = d->verdict != KERNEL_NO_BTF && !kernel_find_way(&d->way);
	if (!d->has_way) {
		json_object_put(names);
		doctor_tell(d, NOTE, "attaches to", NULL, NULL, "not known without BTF");
		return;
	}
	for (int i = 0; kernel_functions[i].name; i++) {
		if (!(d->way.found >> i & 1))
			continue;
		json_object_array_add(names, json_object_new_string(kernel_functions[i].name));
		n++;
	}
	facts = fact_string("way", !d->way.by_functions ? "tracepoints" : n ? "functions" : NULL);
	json_object_object_add(facts, "functions", names);
	if (!d->way.by_functions)
		doctor_tell(d, OK, "attaches to", facts, NULL, "the tracepoints of virtio_ring");
	else if (n)
		doctor_tell(d, OK, "attaches to", facts, NULL,
			    "%d functions: this kernel has no virtio_ring tracepoints that this "
			    "vringtop knows",
			    n);
	else
		doctor_tell(d, MISSING, "attaches to", facts,
			    "Boot a kernel with the series in kernel-patch/ (make kernel), or one "
			    "whose virtio_ring has BTF. If virtio_ring is a module, load it.",
			    "nothing: neither virtio_ring tracepoints nor virtqueue functions");
}

/* Why an operation cannot be seen. */
static void explain(const struct doctor *d, enum vt_op op, char *why, size_t size)
{
	bool named = false;

	if (!d->way.by_functions) {
		snprintf(why, size, "no such tracepoint in this kernel");
		return;
	}
	why[0] = '\0';
	for (int i = 0; kernel_functions[i].name; i++) {
		if (!(kernel_functions[i].ops >> op & 1))
			continue;
		add_word(why, size, named ? "nor" : "this kernel has no");
		add_word(why, size, kernel_functions[i].name);
		named = true;
	}
}

/* With ftrace off, programs are attached to functions without an error, and are never called. */
static void check_ftrace(struct doctor *d)
{
	if (!kernel_ftrace_off())
		return;
	if (d->has_way && !d->way.by_functions)
		doctor_tell(d, NOTE, "ftrace", fact("enabled", json_object_new_boolean(false)),
			    NULL, "kernel.ftrace_enabled = 0: the tracepoints work without it");
	else
		doctor_tell(d, MISSING, "ftrace", fact("enabled", json_object_new_boolean(false)),
			    "Switch it on: sudo sysctl kernel.ftrace_enabled=1",
			    "kernel.ftrace_enabled = 0: the kernel calls no program at a function");
}

static void check_operations(struct doctor *d)
{
	struct json_object *visible, *hidden, *facts;
	char seen[512] = "", unseen[1024] = "", why[256], last[256] = "";

	if (!d->has_way || (d->way.by_functions && !d->way.found)) {
		doctor_tell(d, NOTE, "operations", NULL, NULL, "not known: see above");
		return;
	}
	visible = json_object_new_array();
	hidden = json_object_new_object();
	for (int op = 0; op < VT_NR_OPS; op++) {
		const char *name = op_name(op);

		if (op_is_retired(op))
			continue;
		if (!(d->way.unavailable >> op & 1)) {
			json_object_array_add(visible, json_object_new_string(name));
			add_word(seen, sizeof(seen), name);
			continue;
		}
		explain(d, op, why, sizeof(why));
		json_object_object_add(hidden, name, json_object_new_string(why));
		/* Neighbours with the same reason share it. */
		if (last[0] && strcmp(why, last)) {
			snprintf(unseen + strlen(unseen), sizeof(unseen) - strlen(unseen), " (%s);",
				 last);
			last[0] = '\0';
		}
		add_word(unseen, sizeof(unseen), name);
		strcpy(last, why);
	}
	if (last[0])
		snprintf(unseen + strlen(unseen), sizeof(unseen) - strlen(unseen), " (%s)", last);
	facts = fact("visible", visible);
	json_object_object_add(facts, "not_visible", hidden);
	if (!d->way.by_functions && !d->way.unavailable)
		doctor_tell(d, OK, "operations", facts, NULL, "all: %s", seen);
	else if (!d->way.by_functions)
		doctor_tell(d, MISSING, "operations", facts,
			    "Build the kernel again with the series of this version (make kernel).",
			    "%s. Not: %s", seen, unseen);
	else
		doctor_tell(
			d, NOTE, "operations", facts,
			"A kernel with the series in kernel-patch/ shows all of them, each at a "
			"lower cost: make kernel, then boot it.",
			"%s. Not: %s%sbytes for the device; times of more_used and of "
			"notification_data (not in what the functions are handed)",
			seen, unseen, unseen[0] ? "; " : "");
}

/* Whether programs can be attached to functions. */
static void check_fentry(struct doctor *d)
{
	if (d->verdict == KERNEL_NO_BTF || d->verdict == KERNEL_BAD_BTF) {
		doctor_tell(d, NOTE, "fentry", NULL, NULL, "not known without BTF");
		return;
	}
	if (d->has_way && !d->way.by_functions) {
		doctor_tell(d, OK, "fentry", NULL, NULL,
			    "not needed: this kernel has the tracepoints of virtio_ring");
		return;
	}
	if (!kernel_has_function("register_ftrace_direct", NULL))
		doctor_tell(
			d, MISSING, "fentry", NULL,
			"No program can be attached to a function. Boot a kernel with "
			"CONFIG_FUNCTION_TRACER and CONFIG_DYNAMIC_FTRACE, and on other machines "
			"than x86 one new enough to have DYNAMIC_FTRACE_WITH_DIRECT_CALLS.",
			"no direct calls from functions (register_ftrace_direct)");
	else if (!kernel_has_function("virtio_uevent", "virtio"))
		doctor_tell(
			d, MISSING, "fentry", NULL,
			"Without it new queues that stay idle are not found. Boot a kernel with "
			"virtio built in, or one whose module virtio has BTF.",
			"no BTF of the function virtio_uevent");
	else
		doctor_tell(
			d, OK, "fentry", NULL, NULL,
			"functions can be attached to; virtio_uevent is there, to find new idle "
			"queues");
}

void doctor_check_kernel(struct doctor *d)
{
	d->verdict = kernel_try(&d->jited);
	d->error = errno;
	check_kernel(d);
	check_btf(d);
	check_modules(d);
	check_way(d);
	check_options(d);
	check_ftrace(d);
	check_operations(d);
	check_fentry(d);
}
