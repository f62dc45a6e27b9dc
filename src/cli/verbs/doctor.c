// SPDX-License-Identifier: GPL-2.0
/* vringtop doctor: whether the tool can work here, and if not, why and what to do. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <unistd.h>
#include "base/error.h"
#include "base/format.h"
#include "model/ring.h"
#include "output/json.h"
#include "probe/device.h"
#include "probe/kernel.h"
#include "probe/kernel_options.h"
#include "verbs/options.h"
#include "verbs/verbs.h"

static const char doc[] =
	"Says what vringtop finds on this machine, what is missing, and how to get it. "
	"It attaches to nothing and needs no privileges; what it may not read it names."
	"\vExamples:\n"
	"  sudo vringtop doctor           as it is for sudo vringtop\n"
	"  vringtop doctor                as it is for you\n"
	"  sudo vringtop doctor --json    the same, and the names of all functions\n\n"
	"Exit status: 0 when everything that vringtop needs is there, 1 when not,\n"
	"2 wrong use.";

enum state {
	OK,
	NOTE,	 /* worth knowing; the tool works */
	MISSING, /* the tool does not work without it */
};

static const char *const state_names[] = { "ok", "note", "MISSING" };
static const char *const json_states[] = { "ok", "note", "missing" };

/* Columns of the text. */
#define FOUND  25 /* what was found begins here */
#define ADVICE 12

struct doctor {
	struct json_object *checks; /* NULL: as text */
	bool missing;
	/* What one check finds and another explains. */
	enum kernel_verdict verdict;
	int error; /* of the verdict */
	bool jited;
	bool has_way;
	struct kernel_way way;
	uint64_t capabilities; /* effective */
	bool in_namespace;     /* they are those of a user namespace */
};

static void print_check(enum state state, const char *name, const char *found, const char *advice)
{
	printf("%-7s  %-14s  ", state_names[state], name);
	print_wrapped(FOUND, found);
	if (!advice)
		return;
	printf("%*s", ADVICE, "-> ");
	print_wrapped(ADVICE, advice);
}

/*
 * Tells what a check found.
 * @facts: the same as values, taken over; may be NULL
 * @advice: what it means and what to do; may be NULL
 */
__attribute__((format(printf, 6, 7))) static void tell(struct doctor *d, enum state state,
						       const char *name, struct json_object *facts,
						       const char *advice, const char *fmt, ...)
{
	char found[2048], key[32];
	va_list args;
	size_t i;

	va_start(args, fmt);
	vsnprintf(found, sizeof(found), fmt, args);
	va_end(args);
	d->missing |= state == MISSING;
	if (!d->checks) {
		print_check(state, name, found, advice);
		json_object_put(facts);
		return;
	}
	if (!facts)
		facts = json_object_new_object();
	json_object_object_add(facts, "state", json_object_new_string(json_states[state]));
	json_object_object_add(facts, "found", json_object_new_string(found));
	if (advice)
		json_object_object_add(facts, "advice", json_object_new_string(advice));
	for (i = 0; i + 1 < sizeof(key) && name[i]; i++)
		key[i] = name[i] == ' ' ? '_' : tolower(name[i]);
	key[i] = '\0';
	json_object_object_add(d->checks, key, facts);
}

static struct json_object *fact(const char *key, struct json_object *value)
{
	struct json_object *facts = json_object_new_object();

	json_object_object_add(facts, key, value);
	return facts;
}

static struct json_object *fact_string(const char *key, const char *value)
{
	return fact(key, value ? json_object_new_string(value) : NULL);
}

/* Adds a word to a list of them. */
static void add_word(char *list, size_t size, const char *word)
{
	size_t length = strlen(list);

	snprintf(list + length, size - length, "%s%s", length ? " " : "", word);
}

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
		tell(d, MISSING, "kernel", facts, "vringtop is made for Linux 6.1 and later.",
		     "Linux %s (%s) is too old: vringtop needs 5.17 (bpf_loop)", release,
		     u.machine);
	else if (sscanf(release, "%u.%u", &major, &minor) == 2 &&
		 (major < 6 || (major == 6 && !minor)))
		tell(d, NOTE, "kernel", facts, "vringtop is made for Linux 6.1 and later.",
		     "Linux %s (%s), older than 6.1", release, u.machine);
	else
		tell(d, OK, "kernel", facts, NULL, "Linux %s (%s)", release, u.machine);
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
			tell(d, MISSING, "BTF", facts, advice, "there is no " KERNEL_BTF);
		else
			tell(d, MISSING, "BTF", facts, "Make it readable, or run vringtop as root.",
			     KERNEL_BTF ": %s", strerror(d->error));
		return;
	case KERNEL_BAD_BTF:
		if (kernel_btf_is_newer()) {
			json_object_object_add(facts, "libbpf",
					       json_object_new_string(kernel_libbpf_version()));
			kernel_say_libbpf_is_old(text, sizeof(text));
			tell(d, MISSING, "BTF", facts, LIBBPF_IS_OLD_ADVICE, "%s", text);
			return;
		}
		tell(d, MISSING, "BTF", facts, advice, KERNEL_BTF " cannot be understood: %s",
		     strerror(d->error));
		return;
	case KERNEL_NO_FUNCTIONS:
		tell(d, MISSING, "BTF", facts, advice, KERNEL_BTF " has no functions");
		return;
	default:
		break;
	}
	if (stat(KERNEL_BTF, &s))
		s.st_size = 0;
	json_object_object_add(facts, "size", json_object_new_int64(s.st_size));
	tell(d, OK, "BTF", facts, NULL, KERNEL_BTF ", %.1f MiB", s.st_size / 1048576.0);
}

/* What the kernel was built without, all at once. */
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
		tell(d, MISSING, "options", json_object_get(facts),
		     "Boot a kernel that was built with all of them: most distributions' are.",
		     "this kernel was built without %s%s%s%s", lacks, source ? " (" : "",
		     source ?: "", source ? ")" : "");
	else if (source)
		tell(d, OK, "options", json_object_get(facts), NULL, "all are set in %s", source);
	else
		tell(d, OK, "options", json_object_get(facts), NULL,
		     "no sign that one is missing; the kernel's configuration is not to be read");
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

		/* Only what was loaded as a module has a state. */
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
		tell(d, MISSING, "module BTF", facts,
		     "What these modules do cannot be seen. Build the kernel with "
		     "CONFIG_DEBUG_INFO_BTF_MODULES=y, and load modules of the same build.",
		     "no readable /sys/kernel/btf file of: %s", without);
	else if (modules)
		tell(d, OK, "module BTF", facts, NULL, "%s", with);
	else
		tell(d, OK, "module BTF", facts, NULL,
		     "not needed: no part of virtio that matters is a module");
}

static void check_way(struct doctor *d)
{
	struct json_object *names = json_object_new_array(), *facts;
	int n = 0;

	d->has_way = d->verdict != KERNEL_NO_BTF && !kernel_find_way(&d->way);
	if (!d->has_way) {
		json_object_put(names);
		tell(d, NOTE, "attaches to", NULL, NULL, "not known without BTF");
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
		tell(d, OK, "attaches to", facts, NULL, "the tracepoints of virtio_ring");
	else if (n)
		tell(d, OK, "attaches to", facts, NULL,
		     "%d functions: this kernel has no virtio_ring tracepoints", n);
	else
		tell(d, MISSING, "attaches to", facts,
		     "Boot a kernel with the series in kernel-patch/ (make kernel), or one whose "
		     "virtio_ring has BTF. If virtio_ring is a module, load it.",
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
	if (!named)
		snprintf(why, size, "a part of other functions");
}

/* Functions can be attached to without an error, and yet no program is called. */
static void check_ftrace(struct doctor *d)
{
	if (!kernel_ftrace_off())
		return;
	if (d->has_way && !d->way.by_functions)
		tell(d, NOTE, "ftrace", fact("enabled", json_object_new_boolean(false)), NULL,
		     "kernel.ftrace_enabled = 0: no matter, the tracepoints work without it");
	else
		tell(d, MISSING, "ftrace", fact("enabled", json_object_new_boolean(false)),
		     "Switch it on: sudo sysctl kernel.ftrace_enabled=1",
		     "kernel.ftrace_enabled = 0: the kernel calls no program at a function");
}

static void check_operations(struct doctor *d)
{
	struct json_object *visible, *hidden, *facts;
	char seen[512] = "", unseen[1024] = "", why[256], last[256] = "";

	if (!d->has_way || (d->way.by_functions && !d->way.found)) {
		tell(d, NOTE, "operations", NULL, NULL, "not known: see above");
		return;
	}
	visible = json_object_new_array();
	hidden = json_object_new_object();
	for (int op = 0; op < VT_NR_OPS; op++) {
		const char *name = op_name(op);

		if (!(d->way.unavailable >> op & 1)) {
			json_object_array_add(visible, json_object_new_string(name));
			add_word(seen, sizeof(seen), name);
			continue;
		}
		explain(d, op, why, sizeof(why));
		json_object_object_add(hidden, name, json_object_new_string(why));
		/* A reason once for all that it holds for. */
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
		tell(d, OK, "operations", facts, NULL, "all: %s", seen);
	else if (!d->way.by_functions)
		tell(d, MISSING, "operations", facts,
		     "Build the kernel again with the series of this version (make kernel).",
		     "%s. Not: %s", seen, unseen);
	else
		tell(d, NOTE, "operations", facts,
		     "A kernel with the series in kernel-patch/ shows all of them, each at a lower "
		     "cost: make kernel, then boot it.",
		     "%s. Not: %s%sbytes for the device; times of more_used and of "
		     "notification_data (not in what the functions are handed)",
		     seen, unseen, unseen[0] ? "; " : "");
}

/* What the programs need besides the operations. */
static void check_fentry(struct doctor *d)
{
	if (d->verdict == KERNEL_NO_BTF || d->verdict == KERNEL_BAD_BTF) {
		tell(d, NOTE, "fentry", NULL, NULL, "not known without BTF");
		return;
	}
	if (d->has_way && !d->way.by_functions) {
		tell(d, OK, "fentry", NULL, NULL,
		     "not needed: this kernel has the tracepoints of virtio_ring");
		return;
	}
	if (!kernel_has_function("register_ftrace_direct", NULL))
		tell(d, MISSING, "fentry", NULL,
		     "No program can be attached to a function. Boot a kernel with "
		     "CONFIG_FUNCTION_TRACER and CONFIG_DYNAMIC_FTRACE, and on other machines than "
		     "x86 one new enough to have DYNAMIC_FTRACE_WITH_DIRECT_CALLS.",
		     "no direct calls from functions (register_ftrace_direct)");
	else if (!kernel_has_function("virtio_uevent", "virtio"))
		tell(d, MISSING, "fentry", NULL,
		     "New queues that stay idle are found by it. Boot a kernel with virtio built "
		     "in, or one "
		     "whose module virtio has BTF.",
		     "no BTF of the function virtio_uevent");
	else
		tell(d, OK, "fentry", NULL, NULL,
		     "functions can be attached to; virtio_uevent is there, to find new idle "
		     "queues");
}

static bool has(const struct doctor *d, int capability)
{
	return d->capabilities >> capability & 1;
}

static bool has_both(const struct doctor *d)
{
	return (has(d, CAP_BPF) && has(d, CAP_PERFMON)) || has(d, CAP_SYS_ADMIN);
}

#define MOUNT_SECURITYFS "sudo mount -t securityfs none /sys/kernel/security"

/* The capabilities are there, and yet the kernel does not permit it. */
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
	tell(d, MISSING, "trial load", fact_string("error", strerror(err)), advice,
	     "refused although the capabilities are there: %s", strerror(err));
}

static void check_load(struct doctor *d)
{
	int err = d->error;

	if (d->verdict == KERNEL_LOADS) {
		tell(d, OK, "trial load", fact("error", NULL), NULL,
		     "the kernel loads a tracing program");
		return;
	}
	/* Is it only the BTF? */
	if (d->verdict < KERNEL_REFUSES)
		err = kernel_try_without_btf();
	if (!err) {
		tell(d, NOTE, "trial load", fact_string("error", strerror(d->error)), NULL,
		     "the kernel loads programs, but none that needs BTF");
		return;
	}
	if (!kernel_has_bpf()) {
		tell(d, MISSING, "trial load", fact_string("error", strerror(ENOSYS)),
		     "See options.", "this kernel has no BPF: bpf() is not implemented");
		return;
	}
	if (kernel_confidential())
		tell(d, MISSING, "trial load", fact_string("error", strerror(err)), "See lockdown.",
		     "refused: %s", strerror(err));
	else if ((err == EPERM || err == EACCES) && (d->in_namespace || !has_both(d)))
		tell(d, MISSING, "trial load", fact_string("error", strerror(err)),
		     "See capabilities.", "refused: %s", strerror(err));
	else if (err == EPERM || err == EACCES)
		tell_forbidden(d, err);
	else
		tell(d, MISSING, "trial load", fact_string("error", strerror(err)), "See options.",
		     "the kernel does not load a tracing program: %s", strerror(err));
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
		tell(d, NOTE, "BPF JIT", facts, NULL,
		     "not known: no /proc/sys/net/core/bpf_jit_enable, and no program loads");
	else if (!on)
		tell(d, MISSING, "BPF JIT", facts,
		     "The interpreter cannot run all that the programs do. Switch the JIT on: "
		     "sudo sysctl net.core.bpf_jit_enable=1 (it takes CONFIG_BPF_JIT=y)",
		     "off");
	else
		tell(d, OK, "BPF JIT", facts, NULL, "on%s%s%s",
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
			tell(d, NOTE, "lockdown", NULL, NULL, "not known: %s: %s", path,
			     strerror(errno));
		else if (statfs("/sys/kernel/security", &fs))
			tell(d, OK, "lockdown", fact_string("mode", "none"), NULL,
			     "none: this kernel has no security file system");
		else if (fs.f_type == SECURITYFS_MAGIC)
			tell(d, OK, "lockdown", fact_string("mode", "none"), NULL,
			     "none: this kernel has no lockdown");
		else
			tell(d, NOTE, "lockdown", fact_string("mode", NULL),
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
		tell(d, OK, "lockdown", fact_string("mode", mode), NULL, "%s", mode);
	else
		tell(d, MISSING, "lockdown", fact_string("mode", mode),
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
		tell(d, MISSING, "capabilities", facts,
		     "Only those of the first user namespace count for tracing: run vringtop as "
		     "root outside of the container.",
		     "%s, but of a user namespace", list[0] ? list : "none");
	else if (!has_both(d))
		tell(d, MISSING, "capabilities", facts,
		     "CAP_BPF and CAP_PERFMON are needed. Run it as root (sudo vringtop); in a "
		     "container, one that is given both.",
		     "user %u has %s", geteuid(), list[0] ? list : "none of those that are needed");
	else if (d->has_way && d->way.module && !has(d, CAP_SYS_ADMIN))
		tell(d, MISSING, "capabilities", facts,
		     "The kernel hands out modules' BTF to CAP_SYS_ADMIN only. Run it as root "
		     "(sudo vringtop).",
		     "%s; but %s is a module", list, d->way.module);
	else
		tell(d, OK, "capabilities", facts, NULL, "%s", list);
}

static void check_unprivileged(struct doctor *d)
{
	char value[32];

	if (!kernel_read_line("/proc/sys/kernel/unprivileged_bpf_disabled", value, sizeof(value)))
		tell(d, NOTE, "unprivileged", fact_string("unprivileged_bpf_disabled", NULL), NULL,
		     "kernel.unprivileged_bpf_disabled is not there: %s", strerror(errno));
	else
		tell(d, OK, "unprivileged", fact_string("unprivileged_bpf_disabled", value), NULL,
		     "kernel.unprivileged_bpf_disabled = %s: tracing takes capabilities anyway",
		     value);
}

static void check_paranoid(struct doctor *d)
{
	char value[32];

	if (!kernel_read_line("/proc/sys/kernel/perf_event_paranoid", value, sizeof(value)))
		tell(d, OK, "perf events", fact_string("perf_event_paranoid", NULL), NULL,
		     "kernel.perf_event_paranoid is not there: vringtop needs no perf events");
	else
		tell(d, OK, "perf events", fact_string("perf_event_paranoid", value), NULL,
		     "kernel.perf_event_paranoid = %s: no matter to who has CAP_PERFMON", value);
}

#define CLOCK "/sys/devices/system/clocksource/clocksource0/"

static void check_clock(struct doctor *d)
{
	/* To read them takes a way out of the guest, or they tick slowly. */
	static const char *const slow[] = {
		"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit",
	};
	/* In this order. */
	static const char *const fast[] = { "tsc", "kvm-clock", "hyperv_clocksource_tsc_page" };
	char current[64], all[256], *rest = all, *name, advice[256];
	struct json_object *facts, *available;
	char text[FORMAT_LEN];
	const char *better = NULL;
	bool is_slow = false;
	uint64_t step;

	if (!kernel_read_line(CLOCK "current_clocksource", current, sizeof(current))) {
		/* The whole path does not fit into a line. */
		tell(d, NOTE, "clock", NULL, NULL,
		     "not known: clocksource0/current_clocksource in sysfs: %s", strerror(errno));
		return;
	}
	facts = fact_string("current", current);
	available = json_object_new_array();
	if (!kernel_read_line(CLOCK "available_clocksource", all, sizeof(all)))
		all[0] = '\0';
	for (size_t i = 0; !better && i < sizeof(fast) / sizeof(*fast); i++)
		if (strstr(all, fast[i]))
			better = fast[i];
	while ((name = strsep(&rest, " ")))
		if (*name)
			json_object_array_add(available, json_object_new_string(name));
	json_object_object_add(facts, "available", available);
	for (size_t i = 0; i < sizeof(slow) / sizeof(*slow); i++)
		is_slow |= !strcmp(current, slow[i]);
	step = kernel_clock_step();
	json_object_object_add(facts, "step_ns", json_object_new_int64(step));
	if (step) {
		tell(d, NOTE, "clock", facts,
		     "Shorter times cannot be measured. Have the host give this guest "
		     "kvm-clock or an invariant TSC.",
		     "%s, which moves in steps of %s", current, format_time(text, step));
		return;
	}
	if (!is_slow) {
		tell(d, OK, "clock", facts, NULL, "%s", current);
		return;
	}
	if (better)
		snprintf(advice, sizeof(advice),
			 "To read it takes long. A better one: echo %s | sudo tee " CLOCK
			 "current_clocksource",
			 better);
	else
		snprintf(advice, sizeof(advice),
			 "To read it takes long. Have the host give this guest kvm-clock or an "
			 "invariant TSC.");
	tell(d, NOTE, "clock", facts, advice, "%s, a slow one", current);
}

static struct json_object *json_device(const struct device *v)
{
	struct json_object *o, *features = json_object_new_array();
	char value[24];

	snprintf(value, sizeof(value), "virtio%d", v->number);
	o = fact_string("device", value);
	json_object_object_add(o, "role", json_object_new_string(v->role));
	json_object_object_add(o, "driver",
			       v->driver[0] ? json_object_new_string(v->driver) : NULL);
	json_object_object_add(o, "device_type", json_object_new_int64(v->type));
	for (int i = 0; ring_features[i].name; i++)
		if (v->features >> ring_features[i].bit & 1)
			json_object_array_add(features,
					      json_object_new_string(ring_features[i].name));
	if (v->unreadable || !v->driver[0]) {
		/* Not negotiated, or not known. */
		json_object_put(features);
		return o;
	}
	snprintf(value, sizeof(value), "0x%llx", (unsigned long long)v->features);
	json_object_object_add(o, "layout",
			       json_object_new_string(layout_name(ring_layout(v->features))));
	json_object_object_add(o, "features", json_object_new_string(value));
	json_object_object_add(o, "ring_features", features);
	return o;
}

static void print_device(const struct device *v)
{
	char found[512] = "", name[24];

	snprintf(name, sizeof(name), "virtio%d", v->number);
	if (!v->driver[0]) {
		snprintf(found, sizeof(found), "type %u, no driver: it has no queues", v->type);
		print_check(NOTE, name, found, NULL);
		return;
	}
	add_word(found, sizeof(found), v->driver);
	if (v->role[0])
		add_word(found, sizeof(found), v->role);
	if (v->unreadable) {
		add_word(found, sizeof(found), "- its features cannot be read");
		print_check(NOTE, name, found, NULL);
		return;
	}
	add_word(found, sizeof(found), layout_name(ring_layout(v->features)));
	for (int i = 0; ring_features[i].name; i++)
		if (ring_features[i].short_name && v->features >> ring_features[i].bit & 1)
			add_word(found, sizeof(found), ring_features[i].short_name);
	if (!(v->features >> RING_F_VERSION_1 & 1))
		add_word(found, sizeof(found), "(legacy)");
	print_check(OK, name, found, NULL);
}

static void check_devices(struct doctor *d)
{
	struct json_object *all = json_object_new_array(), *facts;
	unsigned int layouts[VT_NR_LAYOUTS] = {}, bound = 0;
	struct device *devices;
	char summary[256] = "";
	int n = devices_read(&devices), err = errno;

	for (int i = 0; i < n; i++) {
		json_object_array_add(all, json_device(&devices[i]));
		if (!devices[i].driver[0] || devices[i].unreadable)
			continue;
		bound++;
		layouts[ring_layout(devices[i].features)]++;
	}
	for (int layout = 0; layout < VT_NR_LAYOUTS; layout++)
		if (layouts[layout])
			snprintf(summary + strlen(summary), sizeof(summary) - strlen(summary),
				 "%s%u %s", summary[0] ? ", " : ": ", layouts[layout],
				 layout_name(layout));
	facts = fact("list", all);
	if (n < 0 && err != ENOENT)
		tell(d, MISSING, "devices", facts, NULL, "cannot read " VIRTIO_DEVICES ": %s",
		     strerror(err));
	else if (n <= 0)
		tell(d, MISSING, "devices", facts,
		     "vringtop shows the virtqueues of a guest: run it in a virtual machine that "
		     "has virtio devices. If this is one, load their drivers: modprobe virtio_pci",
		     "no virtio device in " VIRTIO_DEVICES);
	else if (!bound)
		tell(d, MISSING, "devices", facts,
		     "A device has queues when a driver is bound to it: load the drivers (modprobe "
		     "virtio_blk, virtio_net, ...).",
		     "%d virtio, none with a driver", n);
	else
		tell(d, OK, "devices", facts, NULL, "%d virtio%s", n, summary);
	for (int i = 0; !d->checks && i < n; i++)
		print_device(&devices[i]);
	free(devices);
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

static const struct argp_option options[] = {
	OPTION_JSON,
	{},
};

static error_t parse_json(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case OPT_JSON:
		*json = true;
		return 0;
	case ARGP_KEY_ARG:
		unexpected_word(state, arg);
	}
	return ARGP_ERR_UNKNOWN;
}

int verb_doctor(int argc, char **argv)
{
	static const struct argp argp = { options, parse_json, .doc = doc };
	struct json_object *all = NULL;
	struct doctor d = {};
	bool json = false;

	options_parse(&argp, argc, argv, 0, &json);
	kernel_quiet();
	if (json) {
		all = json_object_new_object();
		d.checks = json_object_new_object();
	}
	d.capabilities = effective_capabilities();
	d.verdict = kernel_try(&d.jited);
	d.error = errno;
	check_kernel(&d);
	check_btf(&d);
	check_modules(&d);
	check_way(&d);
	check_options(&d);
	check_ftrace(&d);
	check_operations(&d);
	check_fentry(&d);
	check_capabilities(&d);
	check_lockdown(&d);
	check_load(&d);
	check_jit(&d);
	check_unprivileged(&d);
	check_paranoid(&d);
	check_clock(&d);
	check_devices(&d);
	if (json) {
		json_object_object_add(all, "ok", json_object_new_boolean(!d.missing));
		json_object_object_add(all, "checks", d.checks);
		json_print(all);
	} else if (d.missing) {
		printf("\nSomething is missing: vringtop cannot work here.\n");
	} else {
		printf("\nEverything that vringtop needs is here.\n");
	}
	return d.missing;
}
