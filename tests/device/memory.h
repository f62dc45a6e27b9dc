/* SPDX-License-Identifier: GPL-2.0 */
/* The guest's memory, as the front-end shares it: a few regions, each mapped here. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define MEMORY_REGIONS 8 /* the most that one memory table can name */

struct memory_region {
	uint64_t guest; /* physical address in the guest: what descriptors use */
	uint64_t user;	/* address in the front-end: what it names the rings by */
	uint64_t size;
	uint8_t *here; /* the region's first byte in this process */
	void *mapping;
	size_t mapping_size;
};

struct memory {
	unsigned int count;
	struct memory_region region[MEMORY_REGIONS];
};

/**
 * Maps a region and adds it; guest, user and size of @region are given.
 * @offset: of the region's first byte in @fd; the caller still owns @fd
 * Returns 0, or -1 after a complaint.
 */
int memory_add(struct memory *memory, const struct memory_region *region, int fd, uint64_t offset);

void memory_clear(struct memory *memory);

/**
 * Where the guest's bytes from @guest on are in this process.
 * @size: in: how many are wanted; out: how many of them follow each other here, at least 1
 * Returns NULL if not even the first is in a region (or @size is 0).
 */
void *memory_of_guest(const struct memory *memory, uint64_t guest, uint64_t *size);

/* The same for an address of the front-end; NULL unless all of @size lies in one region. */
void *memory_of_user(const struct memory *memory, uint64_t user, uint64_t size);

#endif
