/* SPDX-License-Identifier: GPL-2.0 */
/* The options of a kernel's configuration that vringtop needs, and which of them are not set. */
#ifndef KERNEL_OPTIONS_H
#define KERNEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Lists the options that are not set in the configuration of a kernel.
 * @path: the configuration, plain or compressed with gzip
 * @by_functions: also those that it takes to attach to functions
 * @lacks: becomes their names, "CONFIG_BPF_JIT CONFIG_BPF_EVENTS"; 256 bytes are enough for all
 * Returns how many there are, or -1 if the file cannot be read. Prints nothing.
 */
int kernel_options_in(const char *path, bool by_functions, char *lacks, size_t size);

/**
 * The same for the kernel that runs: by its configuration, /proc/config.gz or /boot/config-RELEASE,
 * or else by what the kernel shows that was built with the options.
 * @source: becomes the path of the configuration; NULL: there is none
 */
int kernel_options_lacking(bool by_functions, char *lacks, size_t size, const char **source);

#endif
