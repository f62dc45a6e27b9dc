// SPDX-License-Identifier: GPL-2.0
/*
 * What doctor says of a made-up machine: which checks it fails, what it advises, and its exit
 * status. What the kernel answers to BPF is made up as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <json-c/json.h>
#include "made_files.h"
#include "model/snapshot.h"
#include "probe/kernel.h"
#include "verbs/verbs.h"

#define ALL_OPS	    ((1u << VT_NR_OPS) - 1)
#define CURRENT_OPS __builtin_popcount(VT_CURRENT_OPS)

/* Numbers of capabilities, from capabilities(7). */
#define SYS_ADMIN (1ull << 21)
#define PERFMON	  (1ull << 38)
#define BPF	  (1ull << 39)

static struct {
	enum kernel_verdict verdict;
	int error, error_without_btf;
	bool jited, has_loop, has_bpf, no_direct_calls, no_uevent, btf_is_newer;
	uint64_t clock_step;
	bool clock_of_functions; /* what kernel_clock_step() was asked for */
	bool has_way;
	struct kernel_way way;
} kernel;

enum kernel_verdict __wrap_kernel_try(bool *jited)
{
	*jited = kernel.jited;
	errno = kernel.error;
	return kernel.verdict;
}

int __wrap_kernel_try_without_btf(void)
{
	return kernel.error_without_btf;
}

int __wrap_kernel_find_way(struct kernel_way *way)
{
	*way = kernel.way;
	return kernel.has_way ? 0 : -1;
}

bool __wrap_kernel_has_function(const char *name, const char *module)
{
	(void)module;
	return !strcmp(name, "virtio_uevent") ? !kernel.no_uevent : !kernel.no_direct_calls;
}

bool __wrap_kernel_has_loop(void)
{
	return kernel.has_loop;
}

bool __wrap_kernel_has_bpf(void)
{
	return kernel.has_bpf;
}

bool __wrap_kernel_has_tracing(void)
{
	return kernel.has_bpf;
}

bool __wrap_kernel_btf_is_newer(void)
{
	return kernel.btf_is_newer;
}

uint64_t __wrap_kernel_clock_step(bool by_functions)
{
	kernel.clock_of_functions = by_functions;
	return kernel.clock_step;
}

static void set_capabilities(uint64_t effective)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "Name:\tvringtop\nCapPrm:\t0000000000000000\nCapEff:\t%016llx\n",
		 (unsigned long long)effective);
	make_file("/proc/self/status", text);
}

/* A guest in which nothing is missing. */
static int make_guest(void **state)
{
	static const int features[] = { 28, 29, 32, 34, -1 };

	make_machine(state);
	memset(&kernel, 0, sizeof(kernel));
	kernel.verdict = KERNEL_LOADS;
	kernel.jited = kernel.has_loop = kernel.has_bpf = kernel.has_way = true;
	set_capabilities(SYS_ADMIN | PERFMON | BPF);
	make_file("/proc/self/uid_map", "         0          0 4294967295\n");
	make_file("/sys/kernel/btf/vmlinux", "BTF");
	make_file("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	make_file("/proc/sys/net/core/bpf_jit_enable", "1\n");
	make_file("/proc/sys/kernel/unprivileged_bpf_disabled", "2\n");
	make_file("/proc/sys/kernel/perf_event_paranoid", "3\n");
	make_file("/proc/sys/kernel/ftrace_enabled", "1\n");
	make_file("/proc/config.gz", "CONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=y\nCONFIG_BPF_EVENTS=y\n"
				     "CONFIG_DEBUG_INFO_BTF=y\n");
	make_file("/sys/devices/system/clocksource/clocksource0/current_clocksource",
		  "kvm-clock\n");
	make_file("/sys/devices/system/clocksource/clocksource0/available_clocksource",
		  "kvm-clock tsc acpi_pm \n");
	make_device(0, "virtio_blk", "0x0002\n", features);
	make_file("/sys/bus/virtio/devices/virtio0/block/vda/dev", "254:0\n");
	return 0;
}

/* Runs doctor. Returns what it printed, to be freed. */
static char *run(char *option, int *status)
{
	char *argv[] = { "vringtop doctor", option, NULL }, *text = NULL;
	FILE *saved = stdout;
	size_t size;

	stdout = open_memstream(&text, &size);
	assert_non_null(stdout);
	*status = verb_doctor(option ? 2 : 1, argv);
	fclose(stdout);
	stdout = saved;
	return text;
}

static struct json_object *all, *facts; /* of the last assert_doctor(); facts: of all checks */

static struct json_object *fact(const char *check, const char *name)
{
	struct json_object *c, *value;

	assert_true(json_object_object_get_ex(facts, check, &c));
	assert_true(json_object_object_get_ex(c, name, &value));
	return value;
}

static const char *fact_text(const char *check, const char *name)
{
	return json_object_get_string(fact(check, name));
}

static void assert_says(const char *check, const char *name, const char *words)
{
	const char *text = fact_text(check, name);

	if (!text || !strstr(text, words))
		fail_msg("%s, %s: '%s' does not say '%s'", check, name, text, words);
}

/*
 * Asserts which checks fail, and which have a note; each list with a space behind each name. The
 * text has the same lines and the same status as the JSON, and each missing one has an advice.
 */
static void assert_doctor(const char *missing, const char *notes)
{
	char found[2][256] = { "", "" };
	int status, text_status, lines = 0, failed = 0;
	struct json_object *ok;
	char *text;

	json_object_put(all);
	text = run("--json", &status);
	all = json_tokener_parse(text);
	assert_non_null(all);
	free(text);
	assert_true(json_object_object_get_ex(all, "checks", &facts));
	json_object_object_foreach(facts, name, value)
	{
		const char *state = fact_text(name, "state");
		char *list = found[!strcmp(state, "missing")];

		(void)value;
		if (!strcmp(state, "ok"))
			continue;
		failed += !strcmp(state, "missing");
		sprintf(list + strlen(list), "%s ", name);
	}
	assert_string_equal(found[1], missing);
	assert_string_equal(found[0], notes);
	assert_int_equal(status, missing[0] ? 1 : 0);
	assert_true(json_object_object_get_ex(all, "ok", &ok));
	assert_int_equal(json_object_get_boolean(ok), !missing[0]);

	text = run(NULL, &text_status);
	assert_int_equal(text_status, status);
	for (char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		if (end - line > 80)
			fail_msg("too long: %.*s", (int)(end - line), line);
		lines += !strncmp(line, "MISSING ", 8);
	}
	assert_int_equal(lines, failed);
	assert_non_null(strstr(text, status ? "\nSomething is missing: vringtop cannot work here.\n"
					    : "\nEverything that vringtop needs is here.\n"));
	free(text);
}

static int remove_guest(void **state)
{
	json_object_put(all);
	all = facts = NULL;
	return remove_machine(state);
}

static void nothing_is_missing(void **state)
{
	char *text;
	int status;

	(void)state;
	assert_doctor("", "");
	assert_says("kernel", "found", "Linux 6.12.0-made (x86_64)");
	assert_string_equal(fact_text("attaches_to", "way"), "tracepoints");
	assert_string_equal(fact_text("lockdown", "mode"), "integrity");
	assert_string_equal(fact_text("options", "source"), "/proc/config.gz");
	assert_int_equal(json_object_get_int(fact("btf", "size")), 3);
	assert_int_equal(json_object_array_length(fact("operations", "visible")), CURRENT_OPS);
	assert_says("devices", "found", "1 virtio: 1 packed");
	text = run(NULL, &status);
	assert_non_null(strstr(text, "virtio0         virtio_blk vda packed"));
	free(text);
}

static void old_kernels(void **state)
{
	(void)state;
	strcpy(made_system.release, "5.19.17");
	assert_doctor("", "kernel ");
	assert_says("kernel", "found", "older than 6.1");
	strcpy(made_system.release, "6.0.1");
	assert_doctor("", "kernel ");
	strcpy(made_system.release, "6.1.0");
	assert_doctor("", "");
	strcpy(made_system.release, "5.10.0");
	kernel.has_loop = false;
	assert_doctor("kernel ", "");
	assert_says("kernel", "found", "needs 5.17");
	/* A name that would move the cursor. */
	strcpy(made_system.release, "6.12\033[2J");
	kernel.has_loop = true;
	assert_doctor("", "");
	assert_says("kernel", "found", "Linux 6.12\\x1b[2J");
}

static void no_btf(void **state)
{
	(void)state;
	kernel.verdict = KERNEL_NO_BTF;
	kernel.error = ENOENT;
	kernel.has_way = false;
	make_file("/sys/kernel/btf/vmlinux", NULL);
	assert_doctor("btf options ", "attaches_to operations fentry trial_load ");
	assert_says("btf", "advice", "CONFIG_DEBUG_INFO_BTF=y");
	/* Functions might be needed: nothing tells that there are tracepoints. */
	assert_says("options", "found", "CONFIG_FUNCTION_TRACER");

	kernel.error = EACCES;
	make_file("/proc/config.gz", NULL);
	make_file("/sys/kernel/btf/vmlinux", "BTF");
	assert_doctor("btf ", "attaches_to operations fentry trial_load ");
	assert_says("btf", "found", "Permission denied");
	assert_says("options", "found", "the kernel's configuration");

	kernel.verdict = KERNEL_BAD_BTF;
	kernel.error = EINVAL;
	assert_doctor("btf ", "attaches_to operations fentry trial_load ");
	assert_says("btf", "advice", "CONFIG_DEBUG_INFO_BTF=y");
	kernel.btf_is_newer = true;
	assert_doctor("btf ", "attaches_to operations fentry trial_load ");
	assert_says("btf", "advice", "a newer libbpf");
	assert_says("btf", "found", "Linux 6.12.0-made");
}

static void missing_options(void **state)
{
	(void)state;
	make_file("/proc/config.gz", NULL);
	make_file("/boot/config-6.12.0-made", "CONFIG_BPF_SYSCALL=y\nCONFIG_DEBUG_INFO_BTF=y\n");
	assert_doctor("options ", "");
	assert_string_equal(fact_text("options", "source"), "/boot/config-6.12.0-made");
	assert_string_equal(fact_text("options", "missing"),
			    "[ \"CONFIG_BPF_JIT\", \"CONFIG_BPF_EVENTS\" ]");
	/* Without a configuration the signs of them count. */
	make_file("/boot/config-6.12.0-made", NULL);
	make_file("/proc/sys/net/core/bpf_jit_enable", NULL);
	make_file("/proc/sys/net/core/somaxconn", "4096\n");
	assert_doctor("options ", "");
	assert_string_equal(fact_text("options", "missing"), "[ \"CONFIG_BPF_JIT\" ]");
	assert_null(fact("options", "source"));
}

static void modules(void **state)
{
	(void)state;
	make_file("/sys/module/virtio_ring/initstate", "live\n");
	make_file("/sys/module/virtio_pci/initstate", "live\n");
	make_file("/sys/kernel/btf/virtio_pci", "BTF");
	assert_doctor("module_btf ", "");
	assert_says("module_btf", "found", "of: virtio_ring");
	make_file("/sys/kernel/btf/virtio_ring", "BTF");
	assert_doctor("", "");
	assert_says("module_btf", "found", "virtio_ring virtio_pci");

	/* Only CAP_SYS_ADMIN gets the BTF of a module. */
	kernel.way.module = "virtio_ring";
	set_capabilities(PERFMON | BPF);
	assert_doctor("capabilities ", "");
	assert_says("capabilities", "found", "virtio_ring is a module");
	set_capabilities(SYS_ADMIN);
	assert_doctor("", "");
}

/* A kernel without the series: functions instead of tracepoints. */
static void functions(void **state)
{
	(void)state;
	make_file("/proc/config.gz", NULL);
	kernel.way.by_functions = true;
	kernel.way.found = 3; /* virtqueue_add_sgs and the one after it */
	kernel.way.unavailable = 1u << VT_OP_RESIZE | 1u << VT_OP_RESET;
	assert_doctor("", "operations ");
	assert_string_equal(fact_text("attaches_to", "way"), "functions");
	assert_int_equal(json_object_array_length(fact("attaches_to", "functions")), 2);
	assert_int_equal(json_object_array_length(fact("operations", "visible")), CURRENT_OPS - 2);
	assert_says("operations", "found",
		    "resize (this kernel has no virtqueue_resize); reset (this kernel has no "
		    "virtqueue_reset)");

	kernel.way.found = 1u << 7; /* virtqueue_get_buf */
	kernel.way.unavailable = 1u << VT_OP_ADD;
	assert_doctor("", "operations ");
	assert_says("operations", "found",
		    "add (this kernel has no virtqueue_add_sgs nor virtqueue_add_outbuf nor ");

	kernel.no_direct_calls = true;
	assert_doctor("fentry ", "operations ");
	kernel.no_direct_calls = false;
	kernel.no_uevent = true;
	assert_doctor("fentry ", "operations ");
	kernel.no_uevent = false;
	make_file("/proc/sys/kernel/ftrace_enabled", "0\n");
	assert_doctor("ftrace ", "operations ");
	/* With the tracepoints that is no matter. */
	kernel.way = (struct kernel_way){};
	assert_doctor("", "ftrace ");
	/* A series without this tracepoint. */
	kernel.way.unavailable = 1u << VT_OP_RESET;
	assert_doctor("operations ", "ftrace ");

	make_file("/proc/sys/kernel/ftrace_enabled", "1\n");
	kernel.way = (struct kernel_way){ .by_functions = true, .unavailable = ALL_OPS };
	assert_doctor("attaches_to ", "operations ");
}

static void privileges(void **state)
{
	(void)state;
	kernel.verdict = KERNEL_REFUSES;
	kernel.error = EPERM;
	kernel.error_without_btf = EPERM;
	set_capabilities(BPF);
	assert_doctor("capabilities trial_load ", "");
	assert_says("capabilities", "found", "has CAP_BPF");
	assert_says("trial_load", "advice", "See capabilities.");
	assert_false(json_object_get_boolean(fact("capabilities", "CAP_PERFMON")));

	/* All of them, but of a container's user namespace. */
	set_capabilities(SYS_ADMIN | PERFMON | BPF);
	make_file("/proc/self/uid_map", "         0     100000      65536\n");
	assert_doctor("capabilities trial_load ", "");
	assert_says("capabilities", "found", "of a user namespace");
	make_file("/proc/self/uid_map", "         0          0 4294967295\n");

	/* All of them: something else forbids it. */
	assert_doctor("trial_load ", "");
	assert_says("trial_load", "advice", "cat /sys/kernel/security/lsm");
	make_file("/sys/kernel/security/lsm", "lockdown,capability,apparmor\n");
	assert_doctor("trial_load ", "");
	assert_says("trial_load", "advice", "there are: lockdown,capability,apparmor");

	make_file("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
	assert_doctor("lockdown trial_load ", "");
	assert_says("trial_load", "advice", "See lockdown.");
}

static void no_bpf(void **state)
{
	(void)state;
	kernel.verdict = KERNEL_CANNOT;
	kernel.error = ENOSYS;
	kernel.has_bpf = false;
	assert_doctor("trial_load ", "");
	assert_says("trial_load", "found", "has no BPF");
	kernel.has_bpf = true;
	kernel.error = EINVAL;
	assert_doctor("trial_load ", "");
	assert_says("trial_load", "advice", "See options.");
}

static void lockdown_is_not_known(void **state)
{
	(void)state;
	make_file("/sys/kernel/security/lockdown", NULL);
	/* The folder is there, and is no security file system. */
	assert_doctor("", "lockdown ");
	assert_says("lockdown", "advice", "mount -t securityfs");
	rmdir(made_path("/sys/kernel/security"));
	assert_doctor("", "");
	assert_says("lockdown", "found", "no security file system");
	made_forbidden = "/sys/kernel/security/lockdown";
	assert_doctor("", "lockdown ");
	assert_says("lockdown", "found", "Permission denied");
}

static void jit(void **state)
{
	(void)state;
	kernel.jited = false;
	assert_doctor("bpf_jit ", "");
	assert_says("bpf_jit", "advice", "sysctl net.core.bpf_jit_enable=1");
	/* What the loaded program shows counts, not what may be read. */
	kernel.jited = true;
	make_file("/proc/sys/net/core/bpf_jit_enable", NULL);
	assert_doctor("", "");
	/* No program loads: then the file counts. */
	kernel.verdict = KERNEL_REFUSES;
	kernel.error = EPERM;
	assert_doctor("trial_load ", "bpf_jit ");
	make_file("/proc/sys/net/core/bpf_jit_enable", "0\n");
	assert_doctor("trial_load bpf_jit ", "");
}

#define CLOCK "/sys/devices/system/clocksource/clocksource0/"

static void clocks(void **state)
{
	(void)state;
	make_file(CLOCK "current_clocksource", "acpi_pm\n");
	assert_doctor("", "clock ");
	/* The first choice of those that are available. */
	assert_says("clock", "advice", "echo tsc | sudo tee");
	assert_int_equal(json_object_array_length(fact("clock", "available")), 3);
	make_file(CLOCK "available_clocksource", "acpi_pm \n");
	assert_doctor("", "clock ");
	assert_says("clock", "advice", "Have the host give this guest");
	make_file(CLOCK "current_clocksource", "kvm-clock\n");
	kernel.clock_step = 4000000;
	assert_doctor("", "clock ");
	assert_says("clock", "found", "steps of 4.00ms");
	assert_int_equal(kernel.clock_of_functions, kernel.way.by_functions);
	make_file(CLOCK "current_clocksource", NULL);
	assert_doctor("", "clock ");
	assert_says("clock", "found", "not known");
}

static void settings_that_do_not_matter(void **state)
{
	(void)state;
	make_file("/proc/sys/kernel/perf_event_paranoid", NULL);
	assert_doctor("", "");
	make_file("/proc/sys/kernel/unprivileged_bpf_disabled", NULL);
	assert_doctor("", "unprivileged ");
	assert_says("unprivileged", "found", "No such file");
}

static void devices(void **state)
{
	static const int legacy[] = { 28, -1 }, in_order[] = { 32, 34, 35, -1 };
	char *text;
	int status;

	(void)state;
	make_device(1, "virtio_net", "0x0001\n", legacy);
	make_device(2, NULL, "0x0004\n", legacy);
	make_device(3, "virtio_rng", "0x0004\n", NULL);
	make_device(11, "virtio_scsi", "0x0008\n", in_order);
	assert_doctor("", "");
	assert_says("devices", "found", "5 virtio: 1 split, 1 packed, 1 packed-in-order");
	text = run(NULL, &status);
	assert_non_null(strstr(text, "virtio1         virtio_net split"));
	assert_non_null(strstr(text, "(legacy)"));
	assert_non_null(strstr(text, "note     virtio2         type 4, no driver"));
	assert_non_null(
		strstr(text, "note     virtio3         virtio_rng - its features cannot be"));
	assert_non_null(strstr(text, "virtio11        virtio_scsi packed-in-order"));
	free(text);
}

static void no_devices(void **state)
{
	static const int none[] = { -1 };
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s/sys/bus", made_root);
	assert_int_equal(system(command), 0);
	assert_doctor("devices ", "");
	assert_says("devices", "advice", "modprobe virtio_pci");
	make_device(0, NULL, "0x0002\n", none);
	assert_doctor("devices ", "");
	assert_says("devices", "found", "1 virtio, none with a driver");
	made_forbidden = "/sys/bus/virtio/devices";
	assert_doctor("devices ", "");
	assert_says("devices", "found", "Permission denied");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_guest, remove_guest)
		TEST(nothing_is_missing),
		TEST(old_kernels),
		TEST(no_btf),
		TEST(missing_options),
		TEST(modules),
		TEST(functions),
		TEST(privileges),
		TEST(no_bpf),
		TEST(lockdown_is_not_known),
		TEST(jit),
		TEST(clocks),
		TEST(settings_that_do_not_matter),
		TEST(devices),
		TEST(no_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
