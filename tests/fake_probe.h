/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A probe for tests that reach no kernel: it has the interface of probe/probe.h, and gives out the
 * snapshots that a test makes.
 */
#ifndef FAKE_PROBE_H
#define FAKE_PROBE_H

#include "probe/probe.h"

struct fake_probe {
	/* Makes the snapshot of the nth probe_read(), from 0 on. NULL: probe_open() fails. */
	const struct snapshot *(*read)(unsigned int n);
	unsigned int reads; /* so many there were */
	/* Is probe_measure(). NULL: nothing is measured. */
	uint64_t (*measure)(void);
	uint32_t ops; /* what probe_open() was asked for; 0: it was not called */
};

extern struct fake_probe fake_probe;

/** For `read`: one queue, whose operation `add` was counted @n times. The fake owns the snapshot.
 */
const struct snapshot *fake_adds(unsigned int n);

#endif
