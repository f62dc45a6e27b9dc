/* SPDX-License-Identifier: GPL-2.0 */
/* Which interrupt a virtqueue has, by sysfs. */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Finds a queue's own MSI-X interrupt and how often it came. virtio-pci gives vectors out in the
 * order of the queues, so of several queues with one name the n-th has the n-th vector of this
 * name.
 * @device: the number of virtio<device>
 * @name: of the queue
 * @rank: how many queues of this device and name have a lower index
 * @alike: how many queues of this device have this name
 * Returns false if the queue shares its interrupt, has none, or this cannot be known.
 */
bool interrupt_of_queue(int device, const char *name, unsigned int rank, unsigned int alike,
			unsigned int *irq, uint64_t *count);

#endif
