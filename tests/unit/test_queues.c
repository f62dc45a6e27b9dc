// SPDX-License-Identifier: GPL-2.0
/* vringtop queues, over a probe that makes its own snapshot: the list, and the lack of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <json-c/json.h>
#include "../fake_probe.h"
#include "fail_alloc.h"
#include "output/json.h"
#include "verbs/verbs.h"

/* The process stays as it is, for the tests that follow. */
int __wrap_confine(void)
{
	return 0;
}

static struct queue queues[] = {
	{ .serial = 1,
	  .device = 2,
	  .role = "vda",
	  .driver = "virtio_blk",
	  .name = "req.0",
	  .num = 256,
	  .layout = VT_LAYOUT_PACKED,
	  .features = 1ull << 28 | 1ull << 29 | 1ull << 34 },
	{ .serial = 2,
	  .device = 5,
	  .role = "eth0",
	  .driver = "virtio_net",
	  .index = 1,
	  .name = "output.0",
	  .num = 64,
	  .layout = VT_LAYOUT_SPLIT },
};
static struct snapshot machine = { .how = "tracepoints", .nr_queues = 2, .queues = queues };

static const struct snapshot *read_machine(unsigned int n)
{
	(void)n;
	return &machine;
}

/* Nothing can be allocated after the reading. */
static const struct snapshot *read_without_memory(unsigned int n)
{
	allocations_left = 0;
	return read_machine(n);
}

static char out[2000], err[2000];

/* Runs the verb. Sets out and err to what it printed. Returns its exit status. */
static int run(const struct snapshot *(*read)(unsigned int n), const char *option)
{
	char *argv[] = { "vringtop queues", (char *)option, NULL };
	FILE *stdout_before = stdout, *stderr_before = stderr;
	int status;

	fake_probe = (struct fake_probe){ .read = read };
	memset(out, 0, sizeof(out));
	memset(err, 0, sizeof(err));
	stdout = fmemopen(out, sizeof(out), "w");
	stderr = fmemopen(err, sizeof(err), "w");
	setvbuf(stderr, NULL, _IONBF, 0);
	status = verb_queues(option ? 2 : 1, argv);
	allocations_left = -1;
	fclose(stdout);
	fclose(stderr);
	stdout = stdout_before;
	stderr = stderr_before;
	return status;
}

static void a_line_for_each_queue(void **state)
{
	(void)state;
	assert_int_equal(run(read_machine, NULL), 0);
	assert_string_equal(
		out, "DEVICE       DRIVER         VQ NAME      SIZE LAYOUT    RING FEATURES\n"
		     "virtio2 vda  virtio_blk      0 req.0      256 packed    indirect event_idx\n"
		     "virtio5 eth0 virtio_net      1 output.0    64 split    \n");
	assert_string_equal(err, "");
	assert_int_equal(run(read_machine, "--queue=output.0"), 0);
	assert_null(strstr(out, "req.0"));
	assert_non_null(strstr(out, "output.0"));
}

/* A list of what json_queue() makes, which test_json compares. */
static void json(void **state)
{
	struct json_object *all;

	(void)state;
	assert_int_equal(run(read_machine, "--json"), 0);
	all = json_tokener_parse(out);
	assert_int_equal(json_object_array_length(all), 2);
	for (int i = 0; i < 2; i++) {
		struct json_object *one = json_queue(&queues[i]);

		assert_string_equal(json_object_to_json_string(json_object_array_get_idx(all, i)),
				    json_object_to_json_string(one));
		json_object_put(one);
	}
	json_object_put(all);
}

/* Names of features that have no room go on below the first one. */
static void many_features(void **state)
{
	static const char blanks[] = "                                                       ";
	char expected[400];

	(void)state;
	snprintf(expected, sizeof(expected),
		 "virtio5 eth0 virtio_net      1 output.0    64 split     indirect event_idx\n"
		 "%s platform order\n%s notif_data notif_config\n%s reset\n",
		 blanks, blanks, blanks);
	queues[1].features = ~0ull;
	assert_int_equal(run(read_machine, NULL), 0);
	queues[1].features = 0;
	assert_string_equal(strstr(out, "virtio5"), expected);
}

static void no_memory_is_said(void **state)
{
	(void)state;
	assert_int_equal(run(read_without_memory, NULL), 1);
	assert_string_equal(out, "");
	assert_non_null(strstr(err, "no memory for 2 queues"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_for_each_queue),
		cmocka_unit_test(json),
		cmocka_unit_test(many_features),
		cmocka_unit_test(no_memory_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
