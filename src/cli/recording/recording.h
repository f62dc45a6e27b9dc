/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a recording holds beside its intervals: where and how it was made, and single operations.
 * reader.h says how to read a recording, writer.h how to write one. docs/recording.md says what the
 * file looks like, and what is safe after a crash.
 */
#ifndef RECORDING_H
#define RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vringtop.h"

/* The version of the file format. A reader refuses every other version. */
#define RECORDING_FORMAT 1

struct recording_device {
	int device;	   /* virtio%d */
	unsigned int type; /* virtio device ID, virtio 1.3 section 5 */
	uint64_t features; /* the negotiated ones, one bit each */
	const char *role, *driver;
};

/*
 * Where, when and how a recording was made.
 * From recording_info(): the strings belong to the reader and are printable. No string is NULL, but
 * a string may be empty.
 * For recording_create(): the strings stay the caller's, and may be NULL.
 */
struct recording_info {
	const char *path; /* as given to recording_open() */
	const char *tool_version;
	const char *kernel_release, *kernel_version; /* uname -r, -v */
	const char *machine;			     /* uname -m */
	const char *config_hash; /* of the kernel's configuration: "crc32:" and 8 digits */
	const char *cmdline;	 /* command line of the kernel */
	const char *cpu, *clocksource;
	const char *host;	 /* name of the machine, uname -n; files of 0.1.0 have none */
	const char *patch_level; /* our events that this kernel has: "none", "all events", ... */
	const char *attached;	 /* "tracepoints" or "functions" */
	const char *command;	 /* COMMAND of record -- COMMAND, quoted for a shell; empty: none */
	int nr_cpus;
	int exit_status;   /* of the command, as in a shell's $?; -1: no command, or not known */
	uint64_t started;  /* ns since 1970 */
	uint64_t interval; /* requested length of an interval, ns */
	bool finished;	   /* false: vringtop was killed, or could not write */
	uint64_t queues_not_shown;	  /* at the end; files of 0.1.0 do not have it */
	bool has_events;		  /* single operations were requested (--events) */
	uint64_t events, events_dropped;  /* single operations: kept; dropped (buffer full) */
	uint64_t cost_cpu_ns;		  /* CPU time of the tool while it recorded */
	double probe_ns;		  /* cost of counting one operation, ns; 0: not measured */
	struct recording_device *devices; /* ordered by number */
	size_t nr_devices;
	unsigned int unknown_ops; /* reader: operations of the file that it does not know */
};

/* The duration of an operation that was not timed. */
#define RECORDING_UNTIMED UINT64_MAX

/* A single operation. */
struct recording_event {
	uint64_t time;	     /* end of the operation, ns from the start of the recording */
	uint64_t duration;   /* ns, or RECORDING_UNTIMED */
	unsigned int serial; /* serial of the queue */
	unsigned int cpu;
	enum vt_op op; /* below VT_NR_OPS */
	int64_t result;
};

#endif
