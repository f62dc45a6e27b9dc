// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "memory.h"
#include "report.h"

int memory_add(struct memory *memory, const struct memory_region *region, int fd, uint64_t offset)
{
	struct memory_region *added = &memory->region[memory->count];
	uint64_t end;
	struct stat st;

	if (memory->count == MEMORY_REGIONS)
		return complain("a memory table with more than %d regions", MEMORY_REGIONS);
	if (!region->size || __builtin_add_overflow(offset, region->size, &end) ||
	    region->guest + region->size < region->guest ||
	    region->user + region->size < region->user)
		return complain("memory region at guest address 0x%" PRIx64 ": its size 0x%" PRIx64
				" makes no sense",
				region->guest, region->size);
	/* An access beyond the end of the file would kill this process. */
	if (fstat(fd, &st) || (uint64_t)st.st_size < end)
		return complain("memory region at guest address 0x%" PRIx64
				" is longer than the file that it comes in",
				region->guest);

	*added = *region;
	/*
	 * Map from the start of the file, because an offset would have to be a multiple of the page
	 * size of the file.
	 */
	added->mapping_size = end;
	added->mapping = mmap(NULL, end, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (added->mapping == MAP_FAILED)
		return complain("cannot map the memory region at guest address 0x%" PRIx64 ": %s",
				region->guest, strerror(errno));
	added->here = (uint8_t *)added->mapping + offset;
	memory->count++;
	return 0;
}

void memory_clear(struct memory *memory)
{
	unsigned int i;

	for (i = 0; i < memory->count; i++)
		munmap(memory->region[i].mapping, memory->region[i].mapping_size);
	memory->count = 0;
}

void *memory_of_guest(const struct memory *memory, uint64_t guest, uint64_t *size)
{
	const struct memory_region *region;
	uint64_t offset;
	unsigned int i;

	for (i = 0; *size && i < memory->count; i++) {
		region = &memory->region[i];
		offset = guest - region->guest; /* below the region: wraps, so it is too large */
		if (offset >= region->size)
			continue;
		if (*size > region->size - offset)
			*size = region->size - offset;
		return region->here + offset;
	}
	return NULL;
}

void *memory_of_user(const struct memory *memory, uint64_t user, uint64_t size)
{
	const struct memory_region *region;
	uint64_t offset;
	unsigned int i;

	for (i = 0; i < memory->count; i++) {
		region = &memory->region[i];
		offset = user - region->user;
		if (offset < region->size && size <= region->size - offset)
			return region->here + offset;
	}
	return NULL;
}
