// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include "base/error.h"
#include "probe/probe_map.h"

void *probe_map(const struct bpf_map *map, size_t *size, const char *what)
{
	long page = sysconf(_SC_PAGESIZE);
	void *memory;

	*size = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	*size = (*size + page - 1) / page * page;
	memory = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (memory == MAP_FAILED) {
		complain(NULL, "cannot map the %s: %s", what, strerror(errno));
		return NULL;
	}
	return memory;
}
