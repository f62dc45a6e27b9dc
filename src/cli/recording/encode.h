/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The binary columns of a recording. A number has 7 bits in each byte, the lowest first; the top
 * bit says that another byte follows (LEB128). docs/recording.md has the order of the numbers. What
 * is decoded is not trusted: no input reads or writes outside of its memory.
 */
#ifndef ENCODE_H
#define ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model/histogram.h"
#include "recording/recording.h"

/* The bytes that were encoded so far. All zero to begin with; freed with encode_free(). */
struct encoder {
	uint8_t *data; /* owned */
	size_t length, size;
	bool failed; /* there was no memory: data is not whole */
};

/** Appends a number. Sets p->failed without memory, as all functions do that append. */
void encode_number(struct encoder *p, uint64_t n);

/** Frees the bytes and empties the encoder. */
void encode_free(struct encoder *p);

/** Appends a histogram: for each bucket that is not empty, the number of empty ones before, and its
 * count. */
void encode_histogram(struct encoder *p, const struct histogram *h);

/**
 * Decodes a histogram.
 * @total: the number of values that it must have
 * @h: overwritten
 * Returns false if @data is not a histogram, or has another number of values.
 */
bool decode_histogram(const void *data, size_t length, uint64_t total, struct histogram *h);

/** Appends the doorbells after number @sent that @d still has. */
void encode_doorbells(struct encoder *p, const struct vt_doorbells *d, unsigned int sent);

/**
 * Decodes doorbells into @d, which has those before.
 * @sent: the number of the newest one
 * Returns false if @data does not have exactly the doorbells after number d->sent.
 */
bool decode_doorbells(const void *data, size_t length, unsigned int sent, struct vt_doorbells *d);

/** Appends @n events in the order of time. @base: a time not later than the first */
void encode_events(struct encoder *p, const struct recording_event *e, size_t n, uint64_t base);

/**
 * Decodes @n events. Their op is any number below 1 << VT_OPS_SHIFT: it is the file's, not yet an
 * enum vt_op. Returns false if @data is not @n events.
 */
bool decode_events(const void *data, size_t length, struct recording_event *e, size_t n,
		   uint64_t base);

#endif
