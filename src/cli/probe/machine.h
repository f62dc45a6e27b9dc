/* SPDX-License-Identifier: GPL-2.0 */
/* Describes this machine for a recording: kernel, CPU, clock, devices. */
#ifndef MACHINE_H
#define MACHINE_H

#include "recording/recording.h"

/**
 * Sets the members of @info that describe the machine, and the time. Members that cannot be read
 * are empty.
 * Returns 0, or -1 after it has printed why not. Call machine_free() also after an error.
 */
int machine_describe(struct recording_info *info);

/** Frees what machine_describe() set, and empties @info. */
void machine_free(struct recording_info *info);

#endif
