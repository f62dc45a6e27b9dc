// SPDX-License-Identifier: GPL-2.0
#include <sys/mman.h>
#include <sys/resource.h>
#include "base/signals.h"
#include "verbs/attach.h"

/*
 * Locks the memory of this process, so that pages that were used stay in memory. With MCL_ONFAULT a
 * page that is never used takes no memory. The limit must be raised before the capabilities are
 * dropped, because later allocations would fail if they exceeded the limit.
 */
static void lock_memory(void)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	if (!setrlimit(RLIMIT_MEMLOCK, &none))
		mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

struct probe *attach(uint32_t ops)
{
	struct probe *p;

	slow_begin("vringtop: loading the programs and finding the queues");
	p = probe_open(ops);
	slow_end();
	if (p)
		lock_memory();
	return p;
}
