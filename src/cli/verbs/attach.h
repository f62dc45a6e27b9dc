/* SPDX-License-Identifier: GPL-2.0 */
/* How the verbs that look at the running kernel begin. */
#ifndef ATTACH_H
#define ATTACH_H

#include "probe/probe.h"

/**
 * Opens the probe, and says on a terminal that it takes long, if it does. Then locks the memory of
 * this process as far as it is used: the tool goes on when the disk that holds its program hangs.
 * Where RLIMIT_MEMLOCK cannot be raised the memory is not locked, and nothing is said.
 * @ops: as in probe_open()
 * Returns the probe, to be closed with probe_close(), or NULL after it has printed why not.
 */
struct probe *attach(uint32_t ops);

#endif
