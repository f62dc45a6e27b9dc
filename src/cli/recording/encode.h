/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Encodes and decodes the binary columns of a recording. A number is written as LEB128: 7 bits in
 * each byte, the lowest bits first. The top bit of a byte says that another byte follows.
 * docs/recording.md gives the order of the numbers.
 *
 * No function prints a message. Encoders set encoder.failed if memory runs out. Decoders return
 * false if the bytes are not valid. Decoders do not trust the bytes: no input makes them read or
 * write outside of their memory.
 */
#ifndef ENCODE_H
#define ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model/histogram.h"
#include "recording/recording.h"

/* The bytes that were encoded so far. All zero to begin with; to be freed with encode_free(). */
struct encoder {
	uint8_t *data; /* owned */
	size_t length, size;
	bool failed; /* memory ran out: data is not complete */
};

/** Appends a number. If memory runs out, sets p->failed, as all functions do that append. */
void encode_number(struct encoder *p, uint64_t n);

/** Frees the bytes and empties the encoder. */
void encode_free(struct encoder *p);

/**
 * Appends a histogram. Each bucket that is not empty becomes two numbers: how many empty buckets
 * are between it and the one before, and its count.
 */
void encode_histogram(struct encoder *p, const struct histogram *h);

/**
 * Decodes a histogram.
 * @total: the number of values that the histogram must have
 * @h: overwritten
 * Returns true; false if @data is not a histogram, or if it does not have @total values.
 */
bool decode_histogram(const void *data, size_t length, uint64_t total, struct histogram *h);

/**
 * Appends the doorbells that came after doorbell number @sent. Only the last VT_NR_DOORBELLS are
 * still in @d.
 */
void encode_doorbells(struct encoder *p, const struct vt_doorbells *d, unsigned int sent);

/**
 * Decodes doorbells into @d, which has the doorbells up to number d->sent.
 * @sent: the number of the newest doorbell in @data; becomes d->sent
 * Returns true; false if @data does not have exactly the doorbells that encode_doorbells() writes
 * for these two numbers.
 */
bool decode_doorbells(const void *data, size_t length, unsigned int sent, struct vt_doorbells *d);

/**
 * Appends @n events, which must be in the order of time.
 * @base: ns; not later than the first event
 */
void encode_events(struct encoder *p, const struct recording_event *e, size_t n, uint64_t base);

/**
 * Decodes @n events.
 * @e: overwritten. Its op is the file's number for the operation, below 1 << VT_OPS_SHIFT. The
 * caller must translate op into an enum vt_op.
 * @base: the same as for encode_events()
 * Returns true; false if @data is not @n events.
 */
bool decode_events(const void *data, size_t length, struct recording_event *e, size_t n,
		   uint64_t base);

#endif
