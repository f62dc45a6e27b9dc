/* SPDX-License-Identifier: GPL-2.0 */
/* Says in plain words why the kernel does not load the programs. */
#ifndef LOAD_ERROR_H
#define LOAD_ERROR_H

#include <stddef.h>

/**
 * Finds out why the kernel cannot load the programs, because the messages of libbpf are long. Takes
 * long, so it is called only after loading failed. Returns -1 after it has printed a message; 0:
 * the reason is not known.
 */
int complain_kernel(void);

/** Prints that the JIT is off, or that the kernel has none. Returns -1. */
int complain_jit(void);

/**
 * Prints why the programs or the counters cannot be loaded. Returns -1.
 * @err: a negative errno of libbpf
 * @module: a module that has some of the functions or events; NULL: all are built in, or not known
 * @counters: memory that the counters need, bytes
 */
int complain_load(int err, const char *module, size_t counters);

/**
 * Prints why a program cannot be attached. Returns -1.
 * @err: errno of libbpf
 * @name: the function or the event
 */
int complain_attach(int err, const char *name);

#endif
