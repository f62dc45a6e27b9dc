// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "pack.h"

/* What is left to take apart. */
struct unpack {
	const uint8_t *next, *end;
	bool failed; /* it ended too soon, or a number is too large */
};

static void pack_byte(struct pack *p, uint8_t byte)
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

void pack_number(struct pack *p, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		pack_byte(p, n | 0x80);
	pack_byte(p, n);
}

void pack_free(struct pack *p)
{
	free(p->data);
	memset(p, 0, sizeof(*p));
}

/* @data: NULL if there is none, to which nothing may be added */
static struct unpack unpack_from(const void *data, size_t length)
{
	return (struct unpack){ data, length ? (const uint8_t *)data + length : data, false };
}

static uint64_t unpack_number(struct unpack *u, uint64_t max)
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

static bool unpacked_all(const struct unpack *u)
{
	return !u->failed && u->next == u->end;
}

/* Small numbers of either sign become small numbers: 0, -1, 1, -2, ... */
static uint64_t zigzag(int64_t n)
{
	return (uint64_t)n << 1 ^ (n < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t n)
{
	return n >> 1 ^ (n & 1 ? UINT64_MAX : 0);
}

void pack_hist(struct pack *p, const struct loglin *h)
{
	unsigned int next = 0;

	for (unsigned int b = h->begin; b < h->end; b++) {
		if (!h->bucket[b])
			continue;
		pack_number(p, b - next);
		pack_number(p, h->bucket[b]);
		next = b + 1;
	}
}

bool unpack_hist(const void *data, size_t length, uint64_t total, struct loglin *h)
{
	struct unpack u = unpack_from(data, length);
	unsigned int b = 0;

	memset(h, 0, sizeof(*h));
	while (u.next < u.end) {
		b += unpack_number(&u, VT_NR_BUCKETS);
		if (u.failed || b >= VT_NR_BUCKETS)
			return false;
		loglin_put(h, b, unpack_number(&u, total));
		if (u.failed || !h->bucket[b])
			return false;
		total -= h->bucket[b++];
	}
	return !total;
}

/* The number of the oldest doorbell that is kept of those after the first @sent. */
static unsigned int oldest_doorbell(unsigned int newest, unsigned int sent)
{
	return newest - sent > VT_NR_DOORBELLS ? newest - VT_NR_DOORBELLS + 1 : sent + 1;
}

void pack_doorbells(struct pack *p, const struct vt_doorbells *d, unsigned int sent)
{
	for (unsigned int n = oldest_doorbell(d->sent, sent); n - 1 != d->sent; n++) {
		const struct vt_doorbell *bell = &d->last[(n - 1) % VT_NR_DOORBELLS];

		pack_number(p, bell->value);
		pack_number(p, bell->ring ^ bell->value);
		pack_number(p, bell->buffers);
		pack_number(p, bell->number - n);
	}
}

bool unpack_doorbells(const void *data, size_t length, unsigned int sent, struct vt_doorbells *d)
{
	struct unpack u = unpack_from(data, length);

	for (unsigned int n = oldest_doorbell(sent, d->sent); n - 1 != sent && !u.failed; n++) {
		struct vt_doorbell *bell = &d->last[(n - 1) % VT_NR_DOORBELLS];

		bell->value = unpack_number(&u, UINT_MAX);
		bell->ring = unpack_number(&u, UINT_MAX) ^ bell->value;
		bell->buffers = unpack_number(&u, UINT_MAX);
		bell->number = unpack_number(&u, UINT_MAX) + n;
	}
	d->sent = sent;
	return unpacked_all(&u);
}

void pack_events(struct pack *p, const struct recording_event *e, size_t n, uint64_t base)
{
	/* Column by column: what compresses well stands together. */
	for (size_t i = 0; i < n; base = e[i++].time)
		pack_number(p, e[i].time - base);
	/* 0: not timed */
	for (size_t i = 0; i < n; i++)
		pack_number(p, e[i].duration + 1);
	for (size_t i = 0; i < n; i++)
		pack_number(p, e[i].serial);
	for (size_t i = 0; i < n; i++)
		pack_number(p, e[i].op);
	for (size_t i = 0; i < n; i++)
		pack_number(p, e[i].cpu);
	for (size_t i = 0; i < n; i++)
		pack_number(p, zigzag(e[i].result));
}

bool unpack_events(const void *data, size_t length, struct recording_event *e, size_t n,
		   uint64_t base)
{
	struct unpack u = unpack_from(data, length);

	for (size_t i = 0; i < n && !u.failed; i++)
		base = e[i].time = base + unpack_number(&u, INT64_MAX - base);
	for (size_t i = 0; i < n && !u.failed; i++)
		e[i].duration = unpack_number(&u, INT64_MAX) - 1;
	for (size_t i = 0; i < n && !u.failed; i++)
		e[i].serial = unpack_number(&u, UINT_MAX);
	for (size_t i = 0; i < n && !u.failed; i++)
		e[i].op = unpack_number(&u, VT_NR_OPS - 1);
	for (size_t i = 0; i < n && !u.failed; i++)
		e[i].cpu = unpack_number(&u, UINT_MAX);
	for (size_t i = 0; i < n && !u.failed; i++)
		e[i].result = unzigzag(unpack_number(&u, UINT64_MAX));
	return unpacked_all(&u);
}
