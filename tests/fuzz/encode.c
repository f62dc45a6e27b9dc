// SPDX-License-Identifier: GPL-2.0
/*
 * The packed numbers in a recording: what can be taken apart is what was asked for, and packed
 * again it is the same. Input: what it is, a byte; how much of it there should be; the packed
 * bytes.
 */
#include "recording/encode.h"
#include "fuzz.h"

#define MAX_EVENTS 300

static void histogram(const void *data, size_t length, uint64_t total)
{
	struct histogram one, two;
	struct encoder p = {};

	if (!decode_histogram(data, length, total, &one))
		return;
	must(histogram_count(&one) == total);
	encode_histogram(&p, &one);
	must(!p.failed && decode_histogram(p.data, p.length, total, &two));
	must(!memcmp(&one, &two, sizeof(one)));
	encode_free(&p);
}

static void doorbells(const void *data, size_t length, unsigned int before, unsigned int sent)
{
	struct vt_doorbells one = { .sent = before }, two = { .sent = before };
	struct encoder p = {};

	if (!decode_doorbells(data, length, sent, &one))
		return;
	must(one.sent == sent);
	encode_doorbells(&p, &one, before);
	must(!p.failed && decode_doorbells(p.data, p.length, sent, &two));
	must(!memcmp(&one, &two, sizeof(one)));
	encode_free(&p);
}

static void events(const void *data, size_t length, size_t n, uint64_t base)
{
	/* On the heap, so that one too many is seen. */
	struct recording_event *one = calloc(n, sizeof(*one)), *two = calloc(n, sizeof(*two));
	struct encoder p = {};

	must(one && two);
	if (decode_events(data, length, one, n, base)) {
		for (size_t i = 0; i < n; i++) {
			must(one[i].op < 1 << VT_OPS_SHIFT);
			must(one[i].time >= (i ? one[i - 1].time : base));
		}
		encode_events(&p, one, n, base);
		must(!p.failed && decode_events(p.data, p.length, two, n, base));
		for (size_t i = 0; i < n; i++)
			must(one[i].time == two[i].time && one[i].duration == two[i].duration &&
			     one[i].serial == two[i].serial && one[i].cpu == two[i].cpu &&
			     one[i].op == two[i].op && one[i].result == two[i].result);
		encode_free(&p);
	}
	free(one);
	free(two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned int kind = take_number(&in, 1) % 3;
	uint32_t n = take_number(&in, 4), base = take_number(&in, 4);
	/* As SQLite gives a value without bytes. */
	const void *packed = in.size ? in.data : NULL;

	if (kind == 0)
		histogram(packed, in.size, n);
	else if (kind == 1)
		doorbells(packed, in.size, base, n);
	else
		events(packed, in.size, n % MAX_EVENTS + 1, base);
	return 0;
}
