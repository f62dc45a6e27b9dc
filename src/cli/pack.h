/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers in few bytes, for recordings: 7 bits a byte, the lowest first, the top bit
 * says that another follows. Unpacking trusts nothing. Pure.
 */
#ifndef PACK_H
#define PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "loglin.h"
#include "recording.h"

/* Grows as it is written to; begins with all zero. */
struct pack {
	uint8_t *data; /* owned */
	size_t length, size;
	bool failed; /* there was no memory */
};

void pack_number(struct pack *p, uint64_t n);
void pack_free(struct pack *p);

/** Appends a histogram: for each bucket that is not empty, how many were passed over, and its
 * count. */
void pack_hist(struct pack *p, const struct loglin *h);

/**
 * Takes a histogram apart again.
 * @total: how many values are to be in it
 * Returns false if @data is none, or another number is in it.
 */
bool unpack_hist(const void *data, size_t length, uint64_t total, struct loglin *h);

/** Appends the newest doorbells: those after the first @sent, as far as they are kept. */
void pack_doorbells(struct pack *p, const struct vt_doorbells *d, unsigned int sent);

/** Adds doorbells to those before, up to number @sent. Returns false if @data has others. */
bool unpack_doorbells(const void *data, size_t length, unsigned int sent, struct vt_doorbells *d);

/** Appends events, a column after the other; the times count from @base, which is not later. */
void pack_events(struct pack *p, const struct recording_event *e, size_t n, uint64_t base);

/** Takes @n events apart again. Returns false if @data is something else. */
bool unpack_events(const void *data, size_t length, struct recording_event *e, size_t n,
		   uint64_t base);

#endif
