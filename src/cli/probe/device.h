/* SPDX-License-Identifier: GPL-2.0 */
/* The virtio devices of this machine, as sysfs tells them. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vringtop.h"

#define VIRTIO_DEVICES "/sys/bus/virtio/devices"

struct device {
	int number;		/* that of its name: virtio<number> */
	char role[VT_NAME_LEN]; /* as device_role() has it */
	char driver[64];	/* empty: none is bound to it, so it has no queues */
	unsigned int type;	/* virtio 1.3, section 5; 0: it cannot be read */
	uint64_t features;	/* negotiated, if a driver is bound to it; a bit each */
	bool unreadable;	/* the features are */
};

/**
 * Reads what there is of each device, in the order of their numbers.
 * @devices: to be freed with free(); NULL where there is none
 * Returns how many there are, or -1 with errno.
 */
int devices_read(struct device **devices);

/** How many virtio devices there are. */
int device_count(void);

/** What a device is in the system, the name of its disk or network interface; may be empty. */
void device_role(int number, char *role, size_t size);

/** A device's status (virtio 1.3, section 2.1); -1 if it cannot be read. */
int device_status(int number);

/** Whether a network device's interface is up: 1 or 0; -1 if it is not to be seen from here. */
int device_interface_up(int number);

#endif
