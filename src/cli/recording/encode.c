// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "recording/encode.h"

/* The input of a decoder: the bytes from next to end - 1 are not decoded yet. */
struct decoder {
	const uint8_t *next, *end;
	bool failed; /* the bytes ended too soon, or a number is too large */
};

static void encode_byte(struct encoder *p, uint8_t byte)
{
	if (p->length == p->size) {
		size_t size = p->size ? 2 * p->size : 256;
		uint8_t *data = p->failed ? NULL : realloc(p->data, size);

		if (!data) {
			p->failed = true;
			return;
		}
		p->data = data;
		p->size = size;
	}
	p->data[p->length++] = byte;
}

void encode_number(struct encoder *p, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		encode_byte(p, n | 0x80);
	encode_byte(p, n);
}

void encode_free(struct encoder *p)
{
	free(p->data);
	memset(p, 0, sizeof(*p));
}

/* @data: may be NULL if @length is 0. NULL + 0 is undefined in C, so this case adds nothing. */
static struct decoder decode_from(const void *data, size_t length)
{
	return (struct decoder){ data, length ? (const uint8_t *)data + length : data, false };
}

static uint64_t decode_number(struct decoder *u, uint64_t max)
{
	uint64_t n = 0;

	for (int shift = 0; u->next < u->end && shift < 64; shift += 7) {
		uint8_t byte = *u->next++;
		uint64_t bits = (uint64_t)(byte & 0x7f) << shift;

		if (bits >> shift != (byte & 0x7f))
			break;
		n |= bits;
		if (byte & 0x80)
			continue;
		if (n > max)
			break;
		return n;
	}
	u->failed = true;
	return 0;
}

static bool decoded_all(const struct decoder *u)
{
	return !u->failed && u->next == u->end;
}

/* Makes small numbers of either sign small: 0, -1, 1, -2 become 0, 1, 2, 3. */
static uint64_t zigzag(int64_t n)
{
	return (uint64_t)n << 1 ^ (n < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t n)
{
	return n >> 1 ^ (n & 1 ? UINT64_MAX : 0);
}

void encode_histogram(struct encoder *p, const struct histogram *h)
{
	unsigned int next = 0;

	for (unsigned int b = h->begin; b < h->end; b++) {
		if (!h->bucket[b])
			continue;
		encode_number(p, b - next);
		encode_number(p, h->bucket[b]);
		next = b + 1;
	}
}

bool decode_histogram(const void *data, size_t length, uint64_t total, struct histogram *h)
{
	struct decoder u = decode_from(data, length);
	unsigned int b = 0;

	memset(h, 0, sizeof(*h));
	while (u.next < u.end) {
		b += decode_number(&u, VT_NR_BUCKETS);
		if (u.failed || b >= VT_NR_BUCKETS)
			return false;
		histogram_put(h, b, decode_number(&u, total));
		if (u.failed || !h->bucket[b])
			return false;
		total -= h->bucket[b++];
	}
	return !total;
}

/* Returns the number of the oldest doorbell after doorbell @sent that is not overwritten yet. */
static unsigned int oldest_doorbell(unsigned int newest, unsigned int sent)
{
	return newest - sent > VT_NR_DOORBELLS ? newest - VT_NR_DOORBELLS + 1 : sent + 1;
}

void encode_doorbells(struct encoder *p, const struct vt_doorbells *d, unsigned int sent)
{
	for (unsigned int n = oldest_doorbell(d->sent, sent); n - 1 != d->sent; n++) {
		const struct vt_doorbell *bell = &d->last[(n - 1) % VT_NR_DOORBELLS];

		encode_number(p, bell->value);
		encode_number(p, bell->ring ^ bell->value);
		encode_number(p, bell->buffers);
		encode_number(p, bell->number - n);
	}
}

bool decode_doorbells(const void *data, size_t length, unsigned int sent, struct vt_doorbells *d)
{
	struct decoder u = decode_from(data, length);

	for (unsigned int n = oldest_doorbell(sent, d->sent); n - 1 != sent && !u.failed; n++) {
		struct vt_doorbell *bell = &d->last[(n - 1) % VT_NR_DOORBELLS];

		bell->value = decode_number(&u, UINT_MAX);
		bell->ring = decode_number(&u, UINT_MAX) ^ bell->value;
		bell->buffers = decode_number(&u, UINT_MAX);
		bell->number = decode_number(&u, UINT_MAX) + n;
	}
	d->sent = sent;
	return decoded_all(&u);
}

void encode_events(struct encoder *p, const struct recording_event *e, size_t n, uint64_t base)
{
	/*
	 * One member of all events after the other, because similar numbers side by side compress
	 * better.
	 */
	for (size_t i = 0; i < n; base = e[i++].time)
		encode_number(p, e[i].time - base);
	/* RECORDING_UNTIMED + 1 is 0. */
	for (size_t i = 0; i < n; i++)
		encode_number(p, e[i].duration + 1);
	for (size_t i = 0; i < n; i++)
		encode_number(p, e[i].serial);
	for (size_t i = 0; i < n; i++)
		encode_number(p, e[i].op);
	for (size_t i = 0; i < n; i++)
		encode_number(p, e[i].cpu);
	for (size_t i = 0; i < n; i++)
		encode_number(p, zigzag(e[i].result));
}

bool decode_events(const void *data, size_t length, struct recording_event *e, size_t n,
		   uint64_t base)
{
	struct decoder u = decode_from(data, length);

	for (size_t i = 0; i < n && !u.failed; i++)
		base = e[i].time = base + decode_number(&u, INT64_MAX - base);
	for (size_t i = 0; i < n && !u.failed; i++)
		e[i].duration = decode_number(&u, INT64_MAX) - 1;
	for (size_t i = 0; i < n && !u.failed; i++)
		e[i].serial = decode_number(&u, UINT_MAX);
	for (size_t i = 0; i < n && !u.failed; i++)
		e[i].op = decode_number(&u, (1 << VT_OPS_SHIFT) - 1);
	for (size_t i = 0; i < n && !u.failed; i++)
		e[i].cpu = decode_number(&u, UINT_MAX);
	for (size_t i = 0; i < n && !u.failed; i++)
		e[i].result = unzigzag(decode_number(&u, UINT64_MAX));
	return decoded_all(&u);
}
