// SPDX-License-Identifier: GPL-2.0
#include <sys/mman.h>
#include <sys/resource.h>
#include "base/signals.h"
#include "verbs/attach.h"

/*
 * Pages that are never used take no memory (MCL_ONFAULT). The limit must go before the
 * capabilities do: with a limit, memory that is asked for later would be refused.
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
