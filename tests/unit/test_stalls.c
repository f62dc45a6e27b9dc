// SPDX-License-Identifier: GPL-2.0
/*
 * vringtop stalls, over a machine that this test makes up: what the verb prints, and its exit
 * status. A time passes when the verb sleeps, so no run takes long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <json-c/json.h>
#include "probe/device.h"
#include "probe/interrupt.h"
#include "probe/probe.h"
#include "verbs/verbs.h"

#define SIZE   8
#define SECOND 1000000000ull
#define START  (100 * SECOND)

/* A disk, and the input queue of a network card. */
static struct queue queues[] = {
	{ .serial = 1,
	  .device = 3,
	  .device_type = 2,
	  .num = SIZE,
	  .name = "req.0",
	  .driver = "virtio_blk",
	  .role = "vda" },
	{ .serial = 2,
	  .device = 4,
	  .device_type = 1,
	  .num = SIZE,
	  .name = "input.0",
	  .driver = "virtio_net",
	  .role = "eth0" },
};

static uint64_t now, stop_at;			    /* ns; stop_at: when a signal comes; 0: never */
static uint64_t stands_from, moves_from, gone_from; /* the disk; ns */
static bool input_waits;
static uint32_t not_shown, asked_for;
static struct vt_ring ring;

struct probe *probe_open(uint32_t ops)
{
	asked_for = ops;
	return (struct probe *)&now;
}

uint64_t probe_now(void)
{
	return now;
}

const struct snapshot *probe_read(struct probe *p)
{
	static struct snapshot s;

	(void)p;
	queues[0].gone = now >= gone_from;
	s = (struct snapshot){ .time = now,
			       .since = now - START,
			       .how = "tracepoints",
			       .not_shown = not_shown,
			       .nr_queues = 2,
			       .queues = queues };
	return &s;
}

int probe_rings(struct probe *p)
{
	(void)p;
	return 0;
}

/*
 * From stands_from to moves_from the disk has one buffer, whose doorbell was due, and does not use
 * it. Before and after, each poll finds another buffer used and fetched. The card has all buffers
 * of its input queue, or none.
 */
const struct vt_ring *probe_ring(const struct probe *p, const struct queue *q)
{
	bool disk = q->serial == 1, still = disk && now >= stands_from && now < moves_from;
	uint16_t moves = disk ? (now >= stands_from ? stands_from : now) / 1000000 : 0;
	uint16_t in_flight = disk ? still : input_waits ? SIZE : 0;

	(void)p;
	if (q->gone)
		return NULL;
	if (disk && now >= moves_from)
		moves += now / 1000000;
	ring = (struct vt_ring){ .serial = q->serial,
				 .state = VT_RING_CALLBACK | VT_RING_EVENT_IDX,
				 .num = SIZE,
				 .num_free = SIZE - in_flight,
				 .batch_last = VT_NO_BATCH,
				 .last_index = 1,
				 .next_avail = moves + in_flight,
				 .last_used = moves,
				 .desc_area = 0x1230000,
				 .driver_area = 0x4560000,
				 .device_area = 0x7890000,
				 .split = { .avail_idx = moves + in_flight,
					    .used_event = moves,
					    .used_idx = moves,
					    .avail_event = moves } };
	return &ring;
}

int probe_ring_entries(struct probe *p, const struct queue *q, struct vt_ring_entry *entries)
{
	(void)p;
	memset(entries, 0, SIZE * sizeof(*entries));
	entries[5].token = q->serial == 1 && now >= stands_from;
	entries[5].desc.addr = 0xabc000;
	entries[5].desc.len = 512;
	return 0;
}

void probe_close(struct probe *p)
{
	(void)p;
}

int device_status(int number)
{
	return number == 3 ? 0x0f : -1;
}

int device_interface_up(int number)
{
	(void)number;
	return -1;
}

bool interrupt_of_queue(int device, const char *name, unsigned int rank, unsigned int alike,
			unsigned int *irq, uint64_t *count)
{
	(void)device, (void)name, (void)rank, (void)alike, (void)irq, (void)count;
	return false;
}

bool __wrap_wait_until(uint64_t until)
{
	now = until;
	return !stop_at || now < stop_at;
}

/* The process stays as it is, for the tests that follow. */
int __wrap_confine(void)
{
	return 0;
}

static char out[32768], err[2000];

/* Joins lines, with one blank between words. */
static const char *unwrapped(const char *text)
{
	static char joined[sizeof(out)];
	size_t n = 0;

	for (; *text; text++) {
		bool blank = *text == ' ' || *text == '\n';

		if (!blank || !n || joined[n - 1] != ' ')
			joined[n++] = blank ? ' ' : *text;
	}
	joined[n] = '\0';
	return joined;
}

/* The disk moves for a second, then stands still for three. */
static int prepare(void **unused)
{
	(void)unused;
	now = START;
	stands_from = START + SECOND;
	moves_from = START + 4 * SECOND;
	gone_from = UINT64_MAX;
	stop_at = START + 5 * SECOND;
	input_waits = false;
	not_shown = 0;
	return 0;
}

/* Runs the verb with up to three options. Sets out and err. Returns its exit status. */
static int run(const char *a, const char *b, const char *c)
{
	char text[3][32] = {}, *argv[] = { "vringtop stalls", text[0], text[1], text[2], NULL };
	FILE *stdout_before = stdout, *stderr_before = stderr;
	int status, argc = 1 + !!a + !!b + !!c;

	/* The verb may write to its arguments. */
	snprintf(text[0], sizeof(text[0]), "%s", a ?: "");
	snprintf(text[1], sizeof(text[1]), "%s", b ?: "");
	snprintf(text[2], sizeof(text[2]), "%s", c ?: "");
	argv[argc] = NULL;
	memset(out, 0, sizeof(out));
	memset(err, 0, sizeof(err));
	stdout = fmemopen(out, sizeof(out), "w");
	stderr = fmemopen(err, sizeof(err), "w");
	setvbuf(stderr, NULL, _IONBF, 0);
	status = verb_stalls(argc, argv);
	fclose(stdout);
	fclose(stderr);
	stdout = stdout_before;
	stderr = stderr_before;
	return status;
}

/* Returns what follows a time of day, "14:17:42 ". */
static const char *after_clock(const char *line)
{
	int h, m, s, n = 0;

	assert_int_equal(sscanf(line, "%2d:%2d:%2d%n", &h, &m, &s, &n), 3);
	assert_int_equal(n, 8);
	assert_int_equal(line[8], ' ');
	return line + 9;
}

#define DISK "virtio3 vda, queue 0 req.0, split: "

static void starts_with(const char *text, const char *expected)
{
	if (strncmp(text, expected, strlen(expected)))
		fail_msg("'%s' does not begin with '%s'", text, expected);
}

static void each_stall_and_its_end(void **unused)
{
	const char *second;

	(void)unused;
	assert_int_equal(run("--watch", NULL, NULL), 3);
	assert_string_equal(err, "Watching for stalls; Ctrl-C ends it.\n");
	starts_with(after_clock(out),
		    DISK "device has used nothing\n    for 1.00s: 1 buffer in flight\n");
	second = strstr(out, DISK "over");
	assert_non_null(second);
	assert_string_equal(unwrapped(after_clock(second - 9)),
			    DISK "over after 3.00s (device has used nothing) ");
	/* Told once. */
	assert_ptr_equal(strstr(strstr(out, "virtio3") + 1, "virtio3"), second);
}

static void a_stall_from_before(void **unused)
{
	(void)unused;
	stands_from = 0;
	assert_int_equal(run("--watch", NULL, NULL), 3);
	assert_non_null(strstr(out, "    for 1.00s or longer: 1 buffer in flight\n"));
	assert_non_null(
		strstr(unwrapped(out), "over after 4.00s or longer (device has used nothing) "));
}

static void a_stalled_queue_that_goes(void **unused)
{
	(void)unused;
	gone_from = START + 3 * SECOND;
	assert_int_equal(run("--watch", NULL, NULL), 3);
	assert_non_null(strstr(unwrapped(out), DISK "gone after 2.00s (device has used nothing) "));
	assert_null(strstr(out, ": over"));
}

static void nothing_stalls(void **unused)
{
	(void)unused;
	stands_from = UINT64_MAX;
	assert_int_equal(run("--watch", NULL, NULL), 0);
	assert_string_equal(out, "");
	stop_at = 0;
	assert_int_equal(run(NULL, NULL, NULL), 0);
	assert_string_equal(out, "0 of 2 queues stalled, 0 waiting\n");
	assert_string_equal(err, "");
	/* Only rings and doorbells are asked for. */
	assert_int_equal(
		asked_for & ~(PROBE_RINGS | 1u << VT_OP_NOTIFY | 1u << VT_OP_NOTIFICATION_DATA), 0);
	assert_true(asked_for & PROBE_RINGS);
}

static int64_t number(struct json_object *o, const char *name)
{
	assert_true(json_object_is_type(json_object_object_get(o, name), json_type_int));
	return json_object_get_int64(json_object_object_get(o, name));
}

static const char *string(struct json_object *o, const char *name)
{
	assert_non_null(json_object_object_get(o, name));
	return json_object_get_string(json_object_object_get(o, name));
}

static void events_as_json(void **unused)
{
	static const struct {
		uint64_t gone;
		const char *event;
		int64_t stalled;
	} all[] = {
		{ UINT64_MAX, "over", 3 * SECOND },
		{ START + 3 * SECOND, "gone", 2 * SECOND },
	};

	(void)unused;
	for (int i = 0; i < 2; i++) {
		struct json_tokener *t = json_tokener_new();
		struct json_object *o;
		time_t real = time(NULL);

		prepare(NULL);
		gone_from = all[i].gone;
		assert_int_equal(run("--watch", "--json", NULL), 3);
		o = json_tokener_parse_ex(t, out, sizeof(out));
		assert_string_equal(string(o, "event"), "stalled");
		assert_string_equal(string(o, "verdict"), "device-has-used-nothing");
		assert_int_equal(number(o, "still_ns"), SECOND);
		/* The time of day. The clock of a second may be behind by a tick. */
		assert_true(number(o, "time_ns") >= (int64_t)((real - 1) * SECOND));
		assert_true(number(o, "time_ns") <= (int64_t)((time(NULL) + 2) * SECOND));
		assert_null(json_object_object_get(o, "was"));
		json_object_put(o);
		o = json_tokener_parse_ex(t, out + json_tokener_get_parse_end(t), -1);
		assert_string_equal(string(o, "event"), all[i].event);
		assert_string_equal(string(o, "was"), "device-has-used-nothing");
		assert_int_equal(number(o, "stalled_ns"), all[i].stalled);
		json_object_put(o);
		json_tokener_free(t);
	}
}

static void one_look(void **unused)
{
	struct json_object *o, *list;

	(void)unused;
	stands_from = 0;
	moves_from = UINT64_MAX;
	stop_at = 0;
	input_waits = true;
	assert_int_equal(run(NULL, NULL, NULL), 3);
	starts_with(out, DISK "device has used nothing\n");
	assert_non_null(strstr(out, "\nvirtio4 eth0, queue 0 input.0, split: "));
	assert_non_null(strstr(out, " (8 buffers)\n1 of 2 queues stalled, 1 waiting\n"));
	assert_string_equal(err, "");
	/* For as long as was asked. */
	assert_int_equal(now, START + SECOND);

	prepare(NULL);
	stands_from = 0;
	moves_from = UINT64_MAX;
	stop_at = 0;
	input_waits = true;
	not_shown = 6;
	assert_int_equal(run("--json", "--after=3s", NULL), 3);
	assert_string_equal(err, "Looking at the rings for 3 s; Ctrl-C ends it.\n");
	assert_int_equal(now, START + 3 * SECOND);
	o = json_tokener_parse(out);
	assert_int_equal(number(o, "after_ns"), 3 * SECOND);
	assert_int_equal(number(o, "queues"), 2);
	assert_int_equal(number(o, "queues_not_shown"), 6);
	list = json_object_object_get(o, "stalled");
	assert_int_equal(json_object_array_length(list), 1);
	assert_string_equal(string(json_object_array_get_idx(list, 0), "verdict"),
			    "device-has-used-nothing");
	list = json_object_object_get(o, "waiting");
	assert_int_equal(json_object_array_length(list), 1);
	assert_false(json_object_get_boolean(
		json_object_object_get(json_object_array_get_idx(list, 0), "stalled")));
	json_object_put(o);

	/* Only the queue that was asked for. */
	now = START;
	not_shown = 0;
	assert_int_equal(run("-d", "eth0", NULL), 0);
	assert_null(strstr(out, "vda"));
	assert_non_null(strstr(out, "\n0 of 1 queues stalled, 1 waiting\n"));
}

static void a_look_that_is_cut_short(void **unused)
{
	(void)unused;
	stop_at = START + SECOND + SECOND / 2;
	assert_int_equal(run("--after=4s", NULL, NULL), 1);
	assert_string_equal(out, "");
	assert_non_null(strstr(err, "ended after 1.6 of 4 s: what is stalled is not known yet"));
}

static void queues_that_nobody_looks_at(void **unused)
{
	(void)unused;
	stands_from = UINT64_MAX;
	stop_at = 0;
	not_shown = 6;
	assert_int_equal(run(NULL, NULL, NULL), 1);
	assert_non_null(strstr(err, "6 queues of this machine were not looked at"));
}

static void the_state_of_a_ring(void **unused)
{
	struct json_object *o, *ring_object, *list;

	(void)unused;
	stands_from = 0;
	moves_from = UINT64_MAX;
	stop_at = 0;
	assert_int_equal(run("--ring=vda:req.0", "--addresses", NULL), 3);
	starts_with(out, DISK "device has used nothing\n");
	assert_non_null(strstr(out, "    virtq_used   flags 0x0, idx 0, avail_event 0\n"));
	assert_non_null(strstr(out, "    addresses    descriptor_area 0x1230000, driver_area "
				    "0x4560000, device_area\n                 0x7890000\n"));
	assert_non_null(strstr(out, "        desc 5, addr 0xabc000, len 512, flags 0x0\n"));
	assert_null(strstr(out, "eth0"));

	now = START;
	assert_int_equal(run("--ring=vda", "--json", NULL), 3);
	o = json_tokener_parse(out);
	ring_object = json_object_object_get(o, "ring");
	list = json_object_object_get(ring_object, "buffers");
	assert_int_equal(json_object_array_length(list), 1);
	assert_int_equal(number(json_object_array_get_idx(list, 0), "id"), 5);
	assert_null(json_object_object_get(ring_object, "addresses"));
	json_object_put(o);

	/* A ring that does not stand still is shown, too; it is not stalled. */
	now = START;
	assert_int_equal(run("--ring=eth0:0", NULL, NULL), 0);
	starts_with(out, "virtio4 eth0, queue 0 input.0, split: idle\n");
	assert_non_null(strstr(out, "    buffers: none in flight\n"));

	/* The queue goes while vringtop looks. */
	now = START;
	gone_from = START + SECOND / 2;
	assert_int_equal(run("--ring=vda", NULL, NULL), 1);
	assert_string_equal(out, "");
	assert_non_null(strstr(err, "the queue is gone"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_stall_and_its_end, prepare),
		cmocka_unit_test_setup(a_stall_from_before, prepare),
		cmocka_unit_test_setup(a_stalled_queue_that_goes, prepare),
		cmocka_unit_test_setup(nothing_stalls, prepare),
		cmocka_unit_test_setup(events_as_json, prepare),
		cmocka_unit_test_setup(one_look, prepare),
		cmocka_unit_test_setup(a_look_that_is_cut_short, prepare),
		cmocka_unit_test_setup(queues_that_nobody_looks_at, prepare),
		cmocka_unit_test_setup(the_state_of_a_ring, prepare),
	};

	return cmocka_run_group_tests_name("stalls", tests, NULL, NULL);
}
