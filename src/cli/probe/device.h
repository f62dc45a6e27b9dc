/* SPDX-License-Identifier: GPL-2.0 */
/* The virtio devices of this machine, read from sysfs. No function here prints a message. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vringtop.h"

#define VIRTIO_DEVICES "/sys/bus/virtio/devices"

struct device {
	int number;		/* of its name in sysfs, virtio<number> */
	char role[VT_NAME_LEN]; /* see device_role() */
	char driver[64];	/* empty: no driver is bound to it, so it has no queues */
	unsigned int type;	/* device ID, virtio 1.3 section 5; 0: it cannot be read */
	uint64_t features;	/* negotiated with the driver, a bit each */
	bool unreadable;	/* the features cannot be read */
};

/**
 * Reads all devices, in the order of their numbers.
 * @devices: becomes an array, to be freed with free(); NULL without devices
 * Returns how many there are, or -1 with errno set.
 */
int devices_read(struct device **devices);

/** The number of virtio devices; 0 also if they cannot be listed. */
int device_count(void);

/**
 * Finds the name of a device's disk or network interface: "vda", "eth0". Other devices have none.
 * @role: becomes the name, as copy_printable() has it, or empty
 */
void device_role(int number, char *role, size_t size);

/** A device's status (virtio 1.3, section 2.1); -1 if it cannot be read. */
int device_status(int number);

/** Whether a network device's interface is up: 1 or 0; -1: not known, as in another namespace. */
int device_interface_up(int number);

#endif
