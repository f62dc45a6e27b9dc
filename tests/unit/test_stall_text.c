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

static void print_ring(const struct stall_watched *w)
{
	stall_print_ring(&disk, w, false);
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
		cmocka_unit_test(json),
	};

	return cmocka_run_group_tests_name("stall_text", tests, NULL, NULL);
}
