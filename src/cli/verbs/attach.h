/* SPDX-License-Identifier: GPL-2.0 */
/* The first step of the verbs that look at the running kernel. */
#ifndef ATTACH_H
#define ATTACH_H

#include "probe/probe.h"

/**
 * Opens the probe. If that takes long, says so on a terminal. Then locks the memory that this
 * process uses, so that vringtop goes on when the disk that holds its program hangs. If
 * RLIMIT_MEMLOCK cannot be raised, the memory is not locked and no message is printed.
 * @ops: as in probe_open()
 * Returns the probe, to be closed with probe_close(); NULL after a message.
 */
struct probe *attach(uint32_t ops);

#endif
