/* SPDX-License-Identifier: GPL-2.0 */
/* Reads the virtio devices of this machine from sysfs. No function here prints a message. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vringtop.h"

#define VIRTIO_DEVICES "/sys/bus/virtio/devices"

struct device {
	int number;		/* the number in its name in sysfs, virtio<number> */
	char role[VT_NAME_LEN]; /* see device_role() */
	char driver[64];	/* empty: the device has no driver, so it has no queues */
	unsigned int type;	/* device ID (virtio 1.3, section 5); 0: not readable */
	uint64_t features;	/* the negotiated features, a bit each */
	bool unreadable;	/* the features cannot be read */
};

/**
 * Reads all devices, sorted by number.
 * @devices: becomes an array, which the caller frees with free(); NULL if there are no devices
 * Returns the number of devices, or -1 with errno set.
 */
int devices_read(struct device **devices);

/** Returns the number of virtio devices. Returns 0 also if they cannot be listed. */
int device_count(void);

/**
 * Finds the name of the disk or network interface of a device: "vda", "eth0". Other devices have no
 * such name.
 * @role: becomes the name, with the characters that copy_printable() allows; empty: none
 */
void device_role(int number, char *role, size_t size);

/** Returns the status of a device (virtio 1.3, section 2.1), or -1 if the status cannot be read. */
int device_status(int number);

/**
 * Returns 1 if the interface of a network device is up, 0 if the interface is down, -1 if that
 * cannot be read, for example because the interface is in another network namespace.
 */
int device_interface_up(int number);

#endif
