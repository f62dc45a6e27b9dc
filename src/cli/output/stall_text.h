/* SPDX-License-Identifier: GPL-2.0 */
/* Verdicts in words, and what `stalls` prints of a queue as text. */
#ifndef STALL_TEXT_H
#define STALL_TEXT_H

#include "model/stall_watch.h"

/* Room for a sentence. */
#define STALL_TEXT 320

/** A verdict as a headline: "driver did not ring". */
const char *stall_words(enum stall_verdict verdict);

/** The same and its evidence as a word for programs: "driver-did-not-ring", "avail-event". */
const char *stall_name(enum stall_verdict verdict);
const char *stall_why_name(enum stall_why why);

/** "virtio6 rng, queue 0 input, split" into @text of @size. Returns @text. */
char *stall_queue(char *text, size_t size, const struct queue *q);

/** How many buffers are where, into STALL_TEXT bytes: "3 buffers in flight". Returns @text. */
char *stall_counts(char *text, const struct stall *s);

/** How long a stall has lasted: "28.0s or longer", into STALL_TEXT bytes. Returns @text. */
char *stall_time(char *text, const struct stall_watched *w);

/** The evidence of a verdict with its values, a sentence, into STALL_TEXT bytes. Returns @text. */
char *stall_reason(char *text, const struct queue *q, const struct vt_ring *r,
		   const struct stall *s);

/* The most sentences that stall_evidence() has. */
#define STALL_SENTENCES 8

/**
 * All that is known of why a queue is stalled or waits: the reason, doorbells, interrupts, the
 * oldest buffer, the device's status, and what would tell more.
 * @sentences: STALL_SENTENCES of them
 * Returns how many there are.
 */
size_t stall_evidence(const struct queue *q, const struct stall_watched *w,
		      char (*sentences)[STALL_TEXT]);

/** The bits of a device's status by name, into @text of @size. Returns @text. */
char *stall_status(char *text, size_t size, int status);

/**
 * Prints which queue it is, the verdict, since when, and the evidence, in 80 columns.
 * @when: the begin of the first line; may be empty
 */
void stall_print(const char *when, const struct queue *q, const struct stall_watched *w);

/**
 * Prints the state of a ring and the buffers in it.
 * @addresses: with addresses in the guest's memory
 */
void stall_print_ring(const struct queue *q, const struct stall_watched *w, bool addresses);

#endif
