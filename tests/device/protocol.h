/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The back-end's side of the vhost-user protocol, for a device with one queue
 * (docs/interop/vhost-user of QEMU). No migration, no IOMMU, no configuration space.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <linux/vhost_types.h>
#include <stdbool.h>
#include <stdint.h>
#include "memory.h"
#include "ring.h"

/* Headers of Debian 12 do not have it yet. */
#ifndef VIRTIO_F_NOTIFICATION_DATA
#define VIRTIO_F_NOTIFICATION_DATA 38
#endif

struct front_end {
	int socket; /* -1: none */
	uint64_t offered;
	uint64_t features; /* that the driver took */
	uint64_t protocol_features;
	struct memory memory;
	struct vhost_vring_addr address;
	bool have_address;
	bool enabled;
	int kick; /* eventfds; -1: none */
	int call;
	int error;
	struct ring ring;
};

/* @offered: virtio feature bits; @wraps: see struct ring */
void front_end_init(struct front_end *front, uint64_t offered, unsigned long long *wraps);
void front_end_connected(struct front_end *front, int socket);
void front_end_close(struct front_end *front);

/**
 * Handles one message. The ring may have been started or stopped by it (front->ring.running).
 * Returns whether the connection is still good; if not, close it.
 */
bool front_end_serve(struct front_end *front);

#endif
