/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds which of the kernel configuration options that vringtop needs are not set. Prints nothing.
 */
#ifndef KERNEL_OPTIONS_H
#define KERNEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Lists the options that are not set in the configuration file of a kernel.
 * @path: the configuration, plain or compressed with gzip
 * @by_functions: also list the options that are needed to attach to functions
 * @lacks: becomes the names, "CONFIG_BPF_JIT CONFIG_BPF_EVENTS"; 256 bytes are enough for all
 * Returns how many there are, or -1 if the file cannot be read.
 */
int kernel_options_in(const char *path, bool by_functions, char *lacks, size_t size);

/**
 * Does the same for the running kernel. Reads its configuration, /proc/config.gz or
 * /boot/config-RELEASE. If there is none, looks for the files in proc and sysfs that the options
 * create.
 * @source: becomes the path of the configuration; NULL: there is none
 */
int kernel_options_lacking(bool by_functions, char *lacks, size_t size, const char **source);

#endif
