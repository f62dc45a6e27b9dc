/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers in few bytes, for recordings: 7 bits a byte, the lowest first, the top bit
 * says that another follows. Unpacking trusts nothing. Pure.
 */
#ifndef ENCODE_H
#define ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model/histogram.h"
#include "recording/recording.h"

/* Grows as it is written to; begins with all zero. */
struct encoder {
	uint8_t *data; /* owned */
	size_t length, size;
	bool failed; /* there was no memory */
};

void encode_number(struct encoder *p, uint64_t n);
void encode_free(struct encoder *p);

/** Appends a histogram: for each bucket that is not empty, how many were passed over, and its
 * count. */
void encode_hist(struct encoder *p, const struct histogram *h);

/**
 * Takes a histogram apart again.
 * @total: how many values are to be in it
 * Returns false if @data is none, or another number is in it.
 */
bool decode_hist(const void *data, size_t length, uint64_t total, struct histogram *h);

/** Appends the newest doorbells: those after the first @sent, as far as they are kept. */
void encode_doorbells(struct encoder *p, const struct vt_doorbells *d, unsigned int sent);

/** Adds doorbells to those before, up to number @sent. Returns false if @data has others. */
bool decode_doorbells(const void *data, size_t length, unsigned int sent, struct vt_doorbells *d);

/** Appends events, a column after the other; the times count from @base, which is not later. */
void encode_events(struct encoder *p, const struct recording_event *e, size_t n, uint64_t base);

/** Takes @n events apart again. Returns false if @data is something else. */
bool decode_events(const void *data, size_t length, struct recording_event *e, size_t n,
		   uint64_t base);

#endif
