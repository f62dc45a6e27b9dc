/* SPDX-License-Identifier: GPL-2.0 */
/* Maps the memory of a BPF map into this process. */
#ifndef PROBE_MAP_H
#define PROBE_MAP_H

#include <stddef.h>

struct bpf_map;

/**
 * Maps a whole array for reading and writing. The array must have been created with BPF_F_MMAPABLE.
 * @size: becomes the length of the mapping, bytes, for munmap()
 * @what: name of the array in the message: "table of queues"
 * Returns the memory, which the caller unmaps with munmap(), or NULL after it has printed why not.
 */
void *probe_map(const struct bpf_map *map, size_t *size, const char *what);

#endif
