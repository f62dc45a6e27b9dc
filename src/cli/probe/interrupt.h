/* SPDX-License-Identifier: GPL-2.0 */
/* Finds the interrupt of a virtqueue in sysfs. Prints nothing. */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Finds the MSI-X interrupt that only this queue uses, and how often the interrupt came. virtio-pci
 * gives vectors to queues in the order of the queues. So if several queues have one name, the n-th
 * queue has the n-th vector with this name.
 * @device: the number of virtio<device>
 * @name: of the queue
 * @rank: how many queues of this device with this name have a lower index
 * @alike: how many queues of this device have this name
 * @irq: becomes the number of the interrupt
 * @count: becomes how often the interrupt came
 * Returns false if the queue shares its interrupt or has none, or if that cannot be known.
 */
bool interrupt_of_queue(int device, const char *name, unsigned int rank, unsigned int alike,
			unsigned int *irq, uint64_t *count);

#endif
