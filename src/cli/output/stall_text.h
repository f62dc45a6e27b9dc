/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Verdicts in words, and the text that `stalls` prints of a queue. No function here fails; the
 * printing ones print to stdout.
 */
#ifndef STALL_TEXT_H
#define STALL_TEXT_H

#include "model/stall_watch.h"

/* The size of a sentence, bytes. */
#define STALL_TEXT 320

/** Returns a verdict as a headline: "driver did not ring". */
const char *stall_words(enum stall_verdict verdict);

/**
 * Returns a verdict, or its reason, as a word for programs: "driver-did-not-ring", "avail-event".
 */
const char *stall_name(enum stall_verdict verdict);
const char *stall_why_name(enum stall_why why);

/**
 * Writes a queue: "virtio6 rng, queue 0 input, split".
 * @text: @size bytes
 * Returns @text.
 */
char *stall_queue(char *text, size_t size, const struct queue *q);

/**
 * Writes how many buffers are in which state: "3 buffers in flight".
 * @text: STALL_TEXT bytes
 * Returns @text.
 */
char *stall_counts(char *text, const struct stall *s);

/**
 * Writes how long a stall has lasted: "28.0s or longer".
 * @text: STALL_TEXT bytes
 * Returns @text.
 */
char *stall_time(char *text, const struct stall_watched *w);

/**
 * Writes the reason of a verdict, with its values, as a sentence.
 * @text: STALL_TEXT bytes
 * Returns @text.
 */
char *stall_reason(char *text, const struct queue *q, const struct vt_ring *r,
		   const struct stall *s);

/* The most sentences that stall_evidence() writes. */
#define STALL_SENTENCES 8

/**
 * Writes everything that is known about why a queue is stalled or waits: the reason, doorbells,
 * interrupts, the oldest buffer, the status of the device, and where to find out more.
 * @sentences: STALL_SENTENCES elements
 * Returns the number of sentences.
 */
size_t stall_evidence(const struct queue *q, const struct stall_watched *w,
		      char (*sentences)[STALL_TEXT]);

/**
 * Writes the bits of a device status by name.
 * @text: @size bytes
 * Returns @text.
 */
char *stall_status(char *text, size_t size, int status);

/**
 * Prints the name of a queue, the verdict, the start of the stall, and the evidence, in 80 columns.
 * @when: the start of the first line; may be empty
 */
void stall_print(const char *when, const struct queue *q, const struct stall_watched *w);

/**
 * Prints the state of a ring and the buffers in the ring.
 * @addresses: with addresses in the guest's memory
 */
void stall_print_ring(const struct queue *q, const struct stall_watched *w, bool addresses);

#endif
