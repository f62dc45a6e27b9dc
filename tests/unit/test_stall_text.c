// SPDX-License-Identifier: GPL-2.0
/* Verdicts and rings in words and as JSON: what is said, and that it stands on evidence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "output/stall_json.h"
#include "output/stall_text.h"

#define SIZE   8
#define SECOND 1000000000ull
#define W      VT_WRAP

static struct vt_ring_entry entries[SIZE];
static struct stall_buffer buffers[SIZE];

static const struct queue disk = { .serial = 1,
				   .device = 3,
				   .device_type = 2,
				   .index = 1,
				   .num = SIZE,
				   .name = "req.1",
				   .role = "vda" };

/* One buffer, id 5, of a split ring; a doorbell was due for it before vringtop looked. */
static struct stall_watched one_buffer(void)
{
	struct stall_watched w = {
		.serial = 1,
		.ring = { .serial = 1,
			  .state = VT_RING_CALLBACK | VT_RING_EVENT_IDX,
			  .num = SIZE,
			  .batch_last = VT_NO_BATCH,
			  .next_avail = 14,
			  .last_used = 13,
			  .split = { .avail_idx = 14,
				     .used_event = 13,
				     .used_idx = 13,
				     .avail_event = 13 } },
		.entries = entries,
		.polled = 30 * SECOND,
		.since = 2 * SECOND,
		.stalled = true,
		.oldest = SIZE,
	};

	memset(entries, 0, sizeof(entries));
	memset(buffers, 0, sizeof(buffers));
	entries[5].token = 1;
	entries[5].desc.len = 64;
	entries[5].desc.flags_or_id = 2; /* WRITE */
	stall_judge(&disk, &w.ring, entries, &stall_facts_unknown, &w.stall);
	w.stall.status = 0x0f;
	return w;
}

/* Runs @print with stdout in @text of @size. */
static void capture(char *text, size_t size, void (*print)(const struct stall_watched *w),
		    const struct stall_watched *w)
{
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO);
	size_t n;

	assert_non_null(file);
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	print(w);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	n = fread(text, 1, size - 1, file);
	text[n] = '\0';
	fclose(file);
}

static void print_disk(const struct stall_watched *w)
{
	stall_print("", &disk, w);
}

static const struct queue *printed_queue = &disk;

static void print_ring(const struct stall_watched *w)
{
	stall_print_ring(printed_queue, w, false);
}

/* What the ring cannot tell, for each verdict that leaves something open. */
static void open_questions(void **unused)
{
	static const struct {
		enum stall_verdict verdict;
		enum stall_why why;
		const char *question; /* NULL: none */
	} all[] = {
		{ STALL_NO_DOORBELL, WHY_AVAIL_EVENT,
		  "whether the device looked without a doorbell, the ring does not tell" },
		{ STALL_NOT_USED, WHY_DUE,
		  "whether the device looked, the ring does not tell: it may hold buffers" },
		{ STALL_NOT_USED, WHY_NO_NOTIFY,
		  "whether the driver rang before the flags were set, and whether the device "
		  "looked, the ring does not tell: a device that takes buffers sets" },
		{ STALL_NOT_USED, WHY_DUE_ALWAYS,
		  "whether the device looked, the ring does not tell" },
		{ STALL_NO_DOORBELL, WHY_NO_KICK, NULL },
		{ STALL_HELD, WHY_TAKEN, NULL },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct stall_watched w = one_buffer();
		char text[4096], *to = text;
		const char *found;

		w.stall.verdict = all[i].verdict;
		w.stall.why = all[i].why;
		capture(text, sizeof(text), print_disk, &w);
		/* In one line. */
		for (const char *from = text; *from; from++)
			if (strncmp(from, "\n    ", 5))
				*to++ = *from;
			else
				*to++ = ' ', from += 4;
		*to = '\0';
		found = strstr(text, "whether ");
		if (!all[i].question)
			assert_null(found);
		else if (!found || strncmp(found, all[i].question, strlen(all[i].question)))
			fail_msg("%zu: not there: %s\nin: %s", i, all[i].question, text);
		/* Only the longer ones go on. */
		if (all[i].why == WHY_DUE_ALWAYS)
			assert_null(strstr(text, "the ring does not tell:"));
	}
}

static void a_doorbell_that_was_due_before(void **unused)
{
	struct stall_watched w = one_buffer();
	char text[4096];

	(void)unused;
	w.added = 2;
	capture(text, sizeof(text), print_disk, &w);
	assert_string_equal(
		text,
		"virtio3 vda, queue 1 req.1, split: device has used nothing\n"
		"    for 28.0s or longer: 1 buffer in flight\n"
		"    a doorbell was due when avail idx passed avail_event 13; avail idx is 14\n"
		"    now, used idx still 13; buffers beyond avail_event: 1\n"
		"    no doorbell was seen since vringtop looks; it was due before, and\n"
		"    kick_prepare rightly refused another one for the 2 buffers that the driver\n"
		"    added since\n"
		"    whether the device looked, the ring does not tell: it may hold buffers\n"
		"    without moving its event index, as with a rate limit or a network peer that\n"
		"    takes no packet; QEMU's monitor does: info virtio-queue-status\n"
		"    device status 0x0f: ACKNOWLEDGE DRIVER FEATURES_OK DRIVER_OK\n");
	/* It became due while vringtop looked: it is not said that it was due before. */
	w.due_was_seen = w.since_is_exact = true;
	capture(text, sizeof(text), print_disk, &w);
	assert_null(strstr(text, "or longer"));
	assert_null(strstr(text, "due before"));
	assert_null(strstr(text, "refused"));
}

static void a_buffer_that_stays(void **unused)
{
	struct stall_watched w = one_buffer();
	char text[4096];

	(void)unused;
	w.buffers = buffers;
	w.nr_buffers = SIZE;
	w.oldest = 5;
	buffers[5] = (struct stall_buffer){ .token = 1, .since = 10 * SECOND };
	capture(text, sizeof(text), print_disk, &w);
	assert_non_null(
		strstr(text, "the oldest buffer, id 5, has been with the device for 20.0s"));
	w.nr_stuck = 1;
	w.stall.verdict = STALL_BUFFER;
	w.stall.why = WHY_OVERTAKEN;
	buffers[5].since_is_exact = true;
	capture(text, sizeof(text), print_disk, &w);
	assert_non_null(strstr(text, "split: a buffer is stuck\n    for 20.0s: 1 buffer in"));
	assert_non_null(strstr(text, "\n    1 buffer has been with the device for 20.0s, though"));
	w.nr_stuck = 3;
	capture(text, sizeof(text), print_disk, &w);
	assert_non_null(strstr(text, "    3 buffers have been with the device for up to 20.0s,"));
}

static void interrupts(void **unused)
{
	struct stall_watched w = one_buffer();
	char text[4096];

	(void)unused;
	w.ring.split.used_idx = 14;
	stall_judge(&disk, &w.ring, entries, &stall_facts_unknown, &w.stall);
	capture(text, sizeof(text), print_disk, &w);
	assert_non_null(strstr(text, "driver did not fetch"));
	assert_non_null(strstr(text, "one was due: used_event is 13, used idx is 14; the"));
	assert_non_null(strstr(text, "which interrupt this queue has is not known"));
	w.interrupt = (struct stall_interrupt){ true, 31, 18, 18 };
	capture(text, sizeof(text), print_disk, &w);
	assert_non_null(strstr(text, "interrupts of the queue (irq 31): 18, none since"));
	w.interrupt.count = 20;
	capture(text, sizeof(text), print_disk, &w);
	assert_non_null(strstr(text, "interrupts of the queue (irq 31): 20, 2 since"));
}

/* No verdict of which the sides are not known names a side that did something wrong. */
static void headlines(void **unused)
{
	(void)unused;
	assert_string_equal(stall_words(STALL_NOT_USED), "device has used nothing");
	assert_string_equal(stall_words(STALL_HELD), "device holds the buffers");
	assert_string_equal(stall_words(STALL_NOT_FETCHED), "driver did not fetch");
	for (int v = 0; v < STALL_NR_VERDICTS; v++) {
		assert_non_null(stall_words(v));
		assert_null(strchr(stall_name(v), ' '));
	}
	for (int why = 0; why < STALL_NR_WHYS; why++)
		assert_null(strchr(stall_why_name(why), ' '));
}

static void status_words(void **unused)
{
	char text[STALL_TEXT];

	(void)unused;
	assert_string_equal(stall_status(text, sizeof(text), 0x0b),
			    "ACKNOWLEDGE DRIVER FEATURES_OK");
	assert_string_equal(stall_status(text, sizeof(text), 0), "");
	assert_string_equal(stall_status(text, sizeof(text), 0xcf),
			    "ACKNOWLEDGE DRIVER FEATURES_OK DRIVER_OK DEVICE_NEEDS_RESET FAILED");
}

static void values_are_in_the_reason(void **unused)
{
	struct queue packed = disk;
	struct vt_ring r = {
		.serial = 1,
		.state = VT_RING_CALLBACK | VT_RING_EVENT_IDX,
		.num = SIZE,
		.batch_last = VT_NO_BATCH,
		.next_avail = 1 | W,
		.last_used = 6,
		.shadow = 2,
		.packed = { .driver_flags = 2,
			    .driver_off_wrap = 6,
			    .device_flags = 2,
			    .device_off_wrap = 5,
			    .last_used_flags = 0x8000 },
	};
	char text[STALL_TEXT];
	struct stall s;

	(void)unused;
	packed.layout = VT_LAYOUT_PACKED;
	stall_judge(&packed, &r, NULL, &stall_facts_unknown, &s);
	assert_string_equal(stall_reason(text, &packed, &r, &s),
			    "the driver has no reason to ring: the device's desc_event_off 5 wrap "
			    "0 is behind the next one to be used (6 wrap 0), so that no add passes "
			    "it; the next available descriptor is 1 wrap 1");
	s.unfetched = 1;
	assert_string_equal(stall_counts(text, &s), "3 buffers in flight, 1 used and not fetched");
}

static void a_split_ring(void **unused)
{
	struct stall_watched w = one_buffer();
	char text[4096];

	(void)unused;
	w.ring.split.avail_flags = 1;
	capture(text, sizeof(text), print_ring, &w);
	assert_string_equal(
		text,
		"    driver       next_avail 14, last_used 13, num_added 0, num_free 0, callback\n"
		"                 yes, interrupts_off no, event_triggered no, broken no, reset no\n"
		"    virtq_avail  flags 0x1 NO_INTERRUPT, idx 14, used_event 13\n"
		"    virtq_used   flags 0x0, idx 13, avail_event 13\n"
		"    buffers\n"
		"      id 5, state with the device\n"
		"        desc 5, len 64, flags 0x2 WRITE\n");
}

/*
 * A packed ring in which buffer 5 is overtaken: its descriptor at 0 was overwritten when the device
 * used buffer 6, which the driver has not fetched. Buffer 7 is available at 1.
 */
static void a_packed_ring(void **unused)
{
	struct queue packed = disk;
	struct stall_watched w = one_buffer();
	struct json_object *o, *all, *first;

	(void)unused;
	packed.layout = VT_LAYOUT_PACKED;
	w.ring = (struct vt_ring){ .serial = 1,
				   .num = SIZE,
				   .batch_last = VT_NO_BATCH,
				   .next_avail = 2 | W,
				   .last_used = 0 | W,
				   .packed.last_used_flags = 0x8080 };
	memset(entries, 0, sizeof(entries));
	for (int id = 5; id <= 7; id++) {
		entries[id].token = id;
		entries[id].length = 1;
	}
	entries[0].desc.flags_or_id = 6;
	entries[0].desc.next_or_flags = 0x8080;
	entries[1].desc.flags_or_id = 7;
	entries[1].desc.next_or_flags = 0x80 | 2;
	o = stall_json_ring(&packed, &w, false);
	all = json_object_object_get(o, "buffers");
	assert_int_equal(json_object_array_length(all), 3);
	first = json_object_array_get_idx(all, 0);
	assert_string_equal(json_object_to_json_string_ext(first, JSON_C_TO_STRING_PLAIN),
			    "{\"id\":5,\"state\":\"with the device\",\"nr_descriptors\":1,"
			    "\"place\":\"overwritten by used buffers\"}");
	first = json_object_array_get_idx(all, 1);
	assert_string_equal(json_object_get_string(json_object_object_get(first, "state")),
			    "used, not fetched");
	first = json_object_array_get_idx(all, 2);
	assert_int_equal(json_object_get_int(json_object_object_get(first, "desc")), 1);
	all = json_object_object_get(o, "descriptors");
	assert_int_equal(json_object_array_length(all), 2);
	first = json_object_array_get_idx(all, 1);
	assert_string_equal(json_object_to_json_string_ext(first, JSON_C_TO_STRING_PLAIN),
			    "{\"desc\":1,\"len\":0,\"id\":7,\"flags\":130,\"flags_set\":\"WRITE\","
			    "\"state\":\"available\"}");
	json_object_put(o);
}

static void the_last_doorbell(void **unused)
{
	struct stall_watched w = one_buffer();
	struct queue q = disk;
	char sentences[STALL_SENTENCES][STALL_TEXT];
	struct json_object *o, *bell;

	(void)unused;
	w.rung = 28 * SECOND;
	stall_evidence(&q, &w, sentences);
	assert_string_equal(sentences[1], "the last doorbell: 2.00s ago");
	/* With its data: the index of the queue, then the offset; packed rings have a wrap counter.
	 */
	q.features = 1ull << 38;
	q.doorbells.sent = 1;
	q.doorbells.last[0] = (struct vt_doorbell){ .value = 0x800e0001, .number = 1 };
	stall_evidence(&q, &w, sentences);
	assert_string_equal(sentences[1], "the last doorbell: 2.00s ago, notification data "
					  "0x800e0001: vqn 1, next_off 32782");
	o = stall_json(&q, &w);
	bell = json_object_object_get(o, "last_doorbell");
	assert_int_equal(json_object_get_int64(json_object_object_get(bell, "ago_ns")), 2 * SECOND);
	assert_int_equal(json_object_get_int64(json_object_object_get(bell, "notification_data")),
			 0x800e0001);
	json_object_put(o);
	q.layout = VT_LAYOUT_PACKED;
	stall_evidence(&q, &w, sentences);
	assert_string_equal(sentences[1], "the last doorbell: 2.00s ago, notification data "
					  "0x800e0001: vqn 1, next_off 14, next_wrap 1");
	/* A verdict that has nothing to do with doorbells does not speak of them. */
	w.stall.verdict = STALL_NOT_FETCHED;
	for (size_t i = 0, nr = stall_evidence(&q, &w, sentences); i < nr; i++)
		assert_null(strstr(sentences[i], "the last doorbell"));
}

static int64_t number(struct json_object *o, const char *a, const char *b)
{
	o = json_object_object_get(json_object_object_get(o, a), b);
	assert_true(json_object_is_type(o, json_type_int));
	return json_object_get_int64(o);
}

/* What is known of the oldest buffer, the interrupts and the device; absent if it is not known. */
static void facts_as_json(void **unused)
{
	struct stall_watched w = one_buffer();
	struct json_object *o;

	(void)unused;
	w.stall.status = -1;
	o = stall_json(&disk, &w);
	assert_null(json_object_object_get(o, "oldest_buffer"));
	assert_null(json_object_object_get(o, "last_doorbell"));
	assert_null(json_object_object_get(o, "interrupts"));
	assert_null(json_object_object_get(o, "device_status"));
	json_object_put(o);

	w.buffers = buffers;
	w.nr_buffers = SIZE;
	w.oldest = 5;
	w.nr_stuck = 3;
	buffers[5] = (struct stall_buffer){ .token = 1, .since = 10 * SECOND };
	w.interrupt = (struct stall_interrupt){ true, 31, 20, 18 };
	w.stall.status = 0x0b;
	w.stall.in_flight = 7;
	w.stall.unfetched = 1;
	w.stall.pending = 6;
	w.stall.unseen = 2;
	o = stall_json(&disk, &w);
	assert_int_equal(number(o, "oldest_buffer", "id"), 5);
	assert_int_equal(number(o, "oldest_buffer", "age_ns"), 20 * SECOND);
	assert_int_equal(number(o, "oldest_buffer", "stuck_buffers"), 3);
	assert_true(json_object_get_boolean(
		json_object_object_get(json_object_object_get(o, "oldest_buffer"), "or_longer")));
	assert_int_equal(number(o, "interrupts", "irq"), 31);
	assert_int_equal(number(o, "interrupts", "count"), 20);
	assert_int_equal(number(o, "interrupts", "since"), 2);
	assert_int_equal(number(o, "device_status", "value"), 0x0b);
	assert_int_equal(number(o, "buffers", "in_flight"), 7);
	assert_int_equal(number(o, "buffers", "used"), 1);
	assert_int_equal(number(o, "buffers", "with_device"), 6);
	assert_int_equal(number(o, "buffers", "not_looked_at"), 2);
	json_object_put(o);
}

/*
 * Buffer 2 has three descriptors and is with the device for 20 s. Buffer 6 is used and not fetched.
 * The chain of buffer 4 leaves the ring.
 */
static void chains_of_a_split_ring(void **unused)
{
	struct stall_watched w = one_buffer();
	struct json_object *o, *all;
	char text[4096];

	(void)unused;
	w.buffers = buffers;
	w.nr_buffers = SIZE;
	buffers[2] = (struct stall_buffer){ .token = 21, .since = 10 * SECOND };
	buffers[4] = (struct stall_buffer){ .token = 1, .since = 10 * SECOND }; /* another one */
	w.ring.next_avail = w.ring.split.avail_idx = 16;
	w.ring.split.used_idx = 14;
	w.ring.batch_last = 4;
	entries[5].token = 0;
	entries[2] = (struct vt_ring_entry){
		.token = 21,
		.desc = { .addr = 0x1000, .len = 16, .flags_or_id = 1, .next_or_flags = 7 }
	};
	entries[7].desc.len = 512;
	entries[7].desc.flags_or_id = 3; /* NEXT WRITE */
	entries[7].desc.next_or_flags = 0;
	entries[0].desc.len = 1;
	entries[0].desc.flags_or_id = 2;
	entries[4].token = 41;
	entries[4].desc.flags_or_id = 1;
	entries[4].desc.next_or_flags = SIZE;
	entries[6].token = 61;
	entries[13 % SIZE].used.id = 6;
	entries[13 % SIZE].used.len = 513;
	capture(text, sizeof(text), print_ring, &w);
	assert_string_equal(strstr(text, "    buffers\n"),
			    "    buffers\n"
			    "      id 2, state with the device, age_at_least 20.0s\n"
			    "        desc 2, len 16, flags 0x1 NEXT, next 7\n"
			    "        desc 7, len 512, flags 0x3 NEXT WRITE, next 0\n"
			    "        desc 0, len 1, flags 0x2 WRITE\n"
			    "      id 4, state with the device\n"
			    "        desc 4, len 0, flags 0x1 NEXT, next 8\n"
			    "      id 6, state used, not fetched, used_len 513\n"
			    "        desc 6, len 0, flags 0x0\n");
	buffers[2].since_is_exact = true;
	w.ring.desc_area = 0xabcd000;
	w.ring.driver_area = 0xabce000;
	w.ring.device_area = 0xabcf000;
	o = stall_json_ring(&disk, &w, true);
	assert_int_equal(number(o, "driver", "batch_last"), 4);
	all = json_object_object_get(o, "buffers");
	assert_int_equal(json_object_array_length(all), 3);
	assert_string_equal(
		json_object_to_json_string_ext(json_object_array_get_idx(all, 0),
					       JSON_C_TO_STRING_PLAIN),
		"{\"id\":2,\"state\":\"with the device\",\"age_ns\":20000000000,\"descriptors\":["
		"{\"desc\":2,\"addr\":\"0x1000\",\"len\":16,\"flags\":1,"
		"\"flags_set\":\"NEXT\",\"next\":7},"
		"{\"desc\":7,\"addr\":\"0x0\",\"len\":512,\"flags\":3,\"flags_set\":\"NEXT WRITE\","
		"\"next\":0},"
		"{\"desc\":0,\"addr\":\"0x0\",\"len\":1,\"flags\":2,\"flags_set\":\"WRITE\"}]}");
	assert_string_equal(json_object_to_json_string_ext(json_object_object_get(o, "addresses"),
							   JSON_C_TO_STRING_PLAIN),
			    "{\"descriptor_area\":\"0xabcd000\",\"driver_area\":\"0xabce000\","
			    "\"device_area\":\"0xabcf000\"}");
	json_object_put(o);
}

/* The same ring as in a_packed_ring(), in words. */
static void a_packed_ring_in_words(void **unused)
{
	struct queue packed = disk;
	struct stall_watched w = one_buffer();
	char text[4096];

	(void)unused;
	packed.layout = VT_LAYOUT_PACKED;
	w.ring = (struct vt_ring){ .serial = 1,
				   .state = VT_RING_BROKEN,
				   .num = SIZE,
				   .batch_last = VT_NO_BATCH,
				   .next_avail = 2 | W,
				   .last_used = 0 | W,
				   .packed = { .driver_flags = 1,
					       .device_flags = 2,
					       .device_off_wrap = 5 | W,
					       .last_used_flags = 0x8080 } };
	memset(entries, 0, sizeof(entries));
	for (int id = 5; id <= 7; id++) {
		entries[id].token = id;
		entries[id].length = 1;
	}
	entries[0].desc.flags_or_id = 6;
	entries[0].desc.len = 99;
	entries[0].desc.next_or_flags = 0x8080;
	entries[1].desc.flags_or_id = 7;
	entries[1].desc.next_or_flags = 0x80 | 2;
	printed_queue = &packed;
	capture(text, sizeof(text), print_ring, &w);
	printed_queue = &disk;
	assert_string_equal(
		strstr(text, "    buffers\n"),
		"    buffers\n"
		"      id 5, state with the device, nr_descriptors 1, place overwritten by used\n"
		"      buffers\n"
		"      id 6, state used, not fetched, used_len 99, nr_descriptors 1\n"
		"      id 7, state with the device, nr_descriptors 1, desc 1\n"
		"    descriptors\n"
		"      desc 0, len 99, id 6, flags 0x8080, state used\n"
		"      desc 1, len 0, id 7, flags 0x82 WRITE, state available\n");
	assert_non_null(strstr(text, "broken yes, reset no\n"));
	assert_non_null(strstr(text, "device_event desc_event_off 5, desc_event_wrap 1"));
}

/* A queue that waits for the outside has one line, with its buffers. */
static void a_queue_that_waits(void **unused)
{
	struct stall_watched w = one_buffer();
	char text[4096];

	(void)unused;
	w.stalled = false;
	w.stall.verdict = STALL_WAITING;
	w.stall.why = WHY_WORLD;
	w.stall.in_flight = 8;
	capture(text, sizeof(text), print_disk, &w);
	assert_non_null(strstr(text, "virtio3 vda, queue 1 req.1, split: "));
	assert_non_null(strstr(text, " (8 buffers)\n"));
	assert_ptr_equal(strchr(text, '\n') + 1, text + strlen(text));
	w.stall.in_flight = 1;
	capture(text, sizeof(text), print_disk, &w);
	assert_non_null(strstr(text, " (1 buffer)\n"));
	/* Any other queue that is not stalled has no time. */
	w.stall.why = WHY_DUE;
	capture(text, sizeof(text), print_disk, &w);
	assert_non_null(strstr(text, "\n    1 buffer in flight"));
	assert_null(strstr(text, "    for "));
}

/* The text and the JSON of a queue have the same evidence. */
static void json(void **unused)
{
	struct stall_watched w = one_buffer();
	struct json_object *o = stall_json(&disk, &w), *all;
	char sentences[STALL_SENTENCES][STALL_TEXT];
	size_t nr = stall_evidence(&disk, &w, sentences);

	(void)unused;
	all = json_object_object_get(o, "evidence");
	assert_int_equal(json_object_array_length(all), nr);
	for (size_t i = 0; i < nr; i++)
		assert_string_equal(json_object_get_string(json_object_array_get_idx(all, i)),
				    sentences[i]);
	assert_string_equal(json_object_get_string(json_object_object_get(o, "verdict")),
			    "device-has-used-nothing");
	assert_int_equal(json_object_get_int64(json_object_object_get(o, "still_ns")), 28 * SECOND);
	assert_true(json_object_get_boolean(json_object_object_get(o, "or_longer")));
	json_object_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_questions),
		cmocka_unit_test(a_doorbell_that_was_due_before),
		cmocka_unit_test(a_buffer_that_stays),
		cmocka_unit_test(interrupts),
		cmocka_unit_test(headlines),
		cmocka_unit_test(status_words),
		cmocka_unit_test(values_are_in_the_reason),
		cmocka_unit_test(a_split_ring),
		cmocka_unit_test(a_packed_ring),
		cmocka_unit_test(the_last_doorbell),
		cmocka_unit_test(facts_as_json),
		cmocka_unit_test(chains_of_a_split_ring),
		cmocka_unit_test(a_packed_ring_in_words),
		cmocka_unit_test(a_queue_that_waits),
		cmocka_unit_test(json),
	};

	return cmocka_run_group_tests_name("stall_text", tests, NULL, NULL);
}
