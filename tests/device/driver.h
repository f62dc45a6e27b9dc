/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The other side of the test device, for its tests: a vhost-user front-end (what QEMU is) and a
 * virtio driver (what the guest's kernel is) in one, over memory that both share with the device.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The guest's memory: two regions that follow each other in the guest, and nowhere else. */
#define GUEST_BASE   0x100000ull
#define REGION_SIZE  0x40000ull
#define GUEST_SIZE   (2 * REGION_SIZE)
#define REGION_EDGE  (GUEST_BASE + REGION_SIZE)
#define GUEST_DESC   GUEST_BASE
#define GUEST_DRIVER (GUEST_BASE + 0x4000)
#define GUEST_DEVICE (GUEST_BASE + 0x8000)
#define GUEST_TABLES (GUEST_BASE + 0x10000) /* indirect ones, 0x400 for each slot of the ring */
#define GUEST_DATA   (GUEST_BASE + 0x20000)

struct driver {
	const char *program; /* the device's */
	char directory[32];
	pid_t pid;
	int socket;
	int control;

	int memory_fd;
	uint8_t *memory;
	int kick;
	int call;
	int error;

	bool packed;
	bool event_idx;
	uint16_t size;
	/* Split: free-running. Packed: position and wrap counter. */
	uint16_t next_avail, next_used, next_free;
	bool avail_wrap, used_wrap;
	uint16_t slots[32768]; /* by buffer id */

	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct vring_packed_desc *packed_desc;
	struct vring_packed_desc_event *driver_event, *device_event;
};

struct element {
	uint64_t guest;
	uint32_t size;
	uint16_t flags; /* VRING_DESC_F_WRITE and whatever else a test wants to have there */
};

struct reply {
	uint32_t request, flags, size;
	uint64_t number;
};

/* --- The device's process --- */

/* Starts it with these options (NULL ends them) and connects its control socket. */
void device_start(struct driver *driver, const char *const options[]);
/* Ends it with SIGTERM. Returns its exit status, or 128 and more if it was killed. */
int device_stop(struct driver *driver);
/* Sends a command; the answer holds until the next one. */
const char *device_tell(struct driver *driver, const char *command);
/* A number of its report. */
unsigned long long device_count(struct driver *driver, const char *name);
/* Waits until a number of its report is @value, at most 5 s. Returns the number. */
unsigned long long device_await(struct driver *driver, const char *name, unsigned long long value);

/* --- The front-end --- */

void front_connect(struct driver *driver);
void front_disconnect(struct driver *driver);
/* Sends a message; @fds file descriptors with it. */
void front_send(struct driver *driver, uint32_t request, uint32_t flags, const void *payload,
		uint32_t size, const int *fd, unsigned int fds);
/* ...and waits for its answer. Returns false if the device hung up. */
bool front_ask(struct driver *driver, uint32_t request, const void *payload, uint32_t size,
	       const int *fd, unsigned int fds, struct reply *reply);
/* Shares the memory. Returns whether the device took it. */
bool front_share_memory(struct driver *driver);
/* Tells the ring's size and place, without enabling it. Returns whether the device took them. */
bool front_place_ring(struct driver *driver, uint32_t base);
bool front_enable(struct driver *driver, bool on);
/* Everything from features to an enabled new ring. */
void front_start(struct driver *driver, uint64_t features, uint16_t size);
/* Stops the ring. Returns its position. */
uint32_t front_stop(struct driver *driver);

/* --- The driver --- */

void *guest(struct driver *driver, uint64_t address);
/* Makes a buffer available: a chain in the ring, or one table that an indirect descriptor names. */
uint16_t driver_add(struct driver *driver, const struct element *element, unsigned int count,
		    bool indirect);
void driver_kick(struct driver *driver);
/* Whether, going by what the device published, the buffer that was just added needs a kick. */
bool driver_must_kick(struct driver *driver);
/* Fetches a used buffer, for which it waits @ms at most. Returns its id, or -1. */
int driver_get(struct driver *driver, uint32_t *length, int ms);
/* Waits for an interrupt. Returns how many came, 0 after @ms. */
unsigned int driver_interrupted(struct driver *driver, int ms);
/* Asks for an interrupt with the next used buffer, or for none. */
void driver_want_interrupt(struct driver *driver, bool want);

#endif
