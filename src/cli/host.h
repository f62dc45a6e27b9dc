/* SPDX-License-Identifier: GPL-2.0 */
/* What this machine is, for a recording: kernel, CPU, clock, devices. */
#ifndef HOST_H
#define HOST_H

#include "recording.h"

/**
 * Fills in what ran where, as far as it can be told; the rest stays.
 * Returns 0, or -1 after it has said why not. host_free() frees what was filled in.
 */
int host_describe(struct recording_info *info);
void host_free(struct recording_info *info);

/** A command as a line for a shell, each word quoted if it must be; to be freed. NULL: no memory.
 */
char *host_quote(char *const *words);

#endif
