/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of sysfs and proc whose content is the input: a target that is linked with
 * -Wl,--wrap for these calls finds them wherever it looks. The n-th file that is opened, name that
 * is listed or link that is read takes the n-th part of the input. Parts end with a byte 0xff.
 */
#ifndef FILES_H
#define FILES_H

#include "fuzz.h"

/** From here on the files are those of @in, until the next call; it must stay. */
void files_from(struct input *in);

/** What the last file had, without the byte that ended it; for one that was opened. */
const char *files_last(size_t *length);

#endif
