// SPDX-License-Identifier: GPL-2.0
/*
 * The doctor, whatever the files of sysfs and proc hold and whatever the kernel answers: its text
 * and its JSON are printable, and they agree with its exit status. Input: what the kernel answers,
 * 16 bytes; files (see files.h).
 */
#include <errno.h>
#include <json-c/json.h>
#include "model/snapshot.h"
#include "probe/kernel.h"
#include "verbs/verbs.h"
#include "files.h"

static struct answers {
	enum kernel_verdict verdict;
	int error;
	bool jited, has_way, has_function, has_loop;
	int nr_lacking;
	uint64_t clock_step;
	int error_without_btf;
	struct kernel_way way;
} answers;

enum kernel_verdict __wrap_kernel_try(bool *jited)
{
	*jited = answers.jited;
	errno = answers.error;
	return answers.verdict;
}

int __wrap_kernel_try_without_btf(void)
{
	return answers.error_without_btf;
}

int __wrap_kernel_find_way(struct kernel_way *way)
{
	*way = answers.way;
	errno = answers.error;
	return answers.has_way ? 0 : -1;
}

bool __wrap_kernel_has_function(const char *name, const char *module)
{
	(void)name;
	(void)module;
	return answers.has_function;
}

bool __wrap_kernel_has_loop(void)
{
	return answers.has_loop;
}

int __wrap_kernel_options_lacking(bool by_functions, char *lacks, size_t size, const char **source)
{
	snprintf(lacks, size, "%s", answers.nr_lacking ? "CONFIG_BPF_JIT" : "");
	*source = by_functions ? NULL : "/proc/config.gz";
	return answers.nr_lacking;
}

uint64_t __wrap_kernel_clock_step(bool by_functions)
{
	(void)by_functions;
	return answers.clock_step;
}

static void take_answers(struct input *in)
{
	static const int errors[] = { EPERM, EACCES, ENOENT, ENOSYS, EINVAL, E2BIG, ENOTSUP, 0 };
	unsigned int flags = take_number(in, 1);

	memset(&answers, 0, sizeof(answers));
	answers.jited = flags & 1;
	answers.has_way = flags & 2;
	answers.has_function = flags & 4;
	answers.way.by_functions = flags & 8;
	answers.has_loop = flags & 16;
	answers.nr_lacking = flags & 32 ? 1 : 0;
	answers.clock_step = flags & 64 ? 4000000 : 0;
	answers.verdict = take_number(in, 1) % (KERNEL_CANNOT + 1);
	answers.error = errors[take_number(in, 1) % 7];
	answers.error_without_btf = errors[take_number(in, 1) % 8];
	answers.way.found = take_number(in, 8) & ((1ull << 33) - 1);
	answers.way.unavailable = take_number(in, 4) & ((1u << VT_NR_OPS) - 1);
}

/* Runs it on a copy of the input; what it printed is to be freed. */
static char *run(struct input in, char *option, int *status)
{
	char *argv[] = { "vringtop doctor", option, NULL }, *text;

	take_answers(&in);
	files_from(&in);
	text = printed(verb_doctor, argv, status);
	files_from(NULL);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct json_object *json, *ok;
	int status, json_status;
	char *text;

	text = run(in, NULL, &status);
	must(status == 0 || status == 1);
	must(is_printable(text, true));
	must((!strncmp(text, "MISSING", 7) || strstr(text, "\nMISSING")) == status);
	free(text);

	text = run(in, "--json", &json_status);
	must(json_status == status);
	must(is_printable(text, true));
	json = json_tokener_parse(text);
	must(json && json_object_object_get_ex(json, "ok", &ok));
	must(json_object_get_boolean(ok) == !status);
	json_object_put(json);
	free(text);
	return 0;
}
