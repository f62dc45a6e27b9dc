/* SPDX-License-Identifier: GPL-2.0 */
/* The interrupts of a device's queues, by the names that they have in /proc/interrupts. */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define INTERRUPTS "/proc/interrupts"

struct interrupt {
	unsigned int number;
	bool shared;	/* other queues or devices have it, too */
	uint64_t count; /* on all CPUs, since the machine is up */
};

/**
 * Finds the interrupt of a queue.
 * @f: a file as /proc/interrupts
 * @device: the number of virtio<number>
 * @name, @nth: the queue's name, and how many queues of its device with this name come
 * before it
 * Returns false if it is not there: the driver has no callback for the queue.
 */
bool interrupt_find(FILE *f, int device, const char *name, unsigned int nth, struct interrupt *i);

#endif
