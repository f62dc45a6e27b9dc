/* SPDX-License-Identifier: GPL-2.0 */
/* What this machine is, for a recording: kernel, CPU, clock, devices. */
#ifndef MACHINE_H
#define MACHINE_H

#include "recording/recording.h"

/**
 * Fills in what ran where, as far as it can be told; the rest stays.
 * Returns 0, or -1 after it has said why not. machine_free() frees what was filled in.
 */
int machine_describe(struct recording_info *info);
void machine_free(struct recording_info *info);

#endif
