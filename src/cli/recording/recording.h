/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a recording holds beside its intervals: where it was made, and single operations. reader.h
 * and writer.h say how recordings are read and written, docs/recording.md what the file looks like
 * and what holds after a crash.
 */
#ifndef RECORDING_H
#define RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vringtop.h"

/* "VTOP": tells a recording from other SQLite databases. */
#define RECORDING_APPLICATION_ID 0x56544f50

/* The format of the file. A reader refuses every other. */
#define RECORDING_FORMAT 1

struct recording_device {
	int device;	   /* virtio%d */
	unsigned int type; /* virtio device ID, virtio 1.3 section 5 */
	uint64_t features; /* negotiated, a bit each */
	const char *role, *driver;
};

/*
 * Where, when and how a recording was made.
 * From recording_info(): the strings belong to the reader and are printable; none is NULL, but
 * they may be empty. For recording_create(): strings stay the caller's and may be NULL.
 */
struct recording_info {
	const char *path; /* as it was opened */
	const char *tool_version;
	const char *kernel_release, *kernel_version; /* uname -r, -v */
	const char *machine;			     /* uname -m */
	const char *config_hash; /* of the kernel's configuration: "crc32:" and 8 digits */
	const char *cmdline;	 /* the kernel's */
	const char *cpu, *clocksource;
	const char *host;	 /* the machine's name, uname -n; files of 0.1.0 have none */
	const char *patch_level; /* which of the series' events the kernel has: "none", ... */
	const char *attached;	 /* "tracepoints" or "functions" */
	const char *command;	 /* of record -- COMMAND, quoted for a shell; empty: none */
	int nr_cpus;
	int exit_status;   /* of the command, as a shell has it; -1: no command, or not known */
	uint64_t started;  /* ns since 1970 */
	uint64_t interval; /* length of an interval as asked for, ns */
	bool finished;	   /* false: vringtop was killed, or could not write */
	bool has_events;   /* single operations were asked for */
	uint64_t events, events_dropped;  /* kept; dropped because the buffer was full */
	uint64_t cost_cpu_ns;		  /* CPU time of the tool while it recorded */
	double probe_ns;		  /* what counting one operation took; 0: not measured */
	struct recording_device *devices; /* ordered by number */
	size_t nr_devices;
	unsigned int unknown_ops; /* reading: operations of the file that this version has not */
};

/* The duration of an operation whose time is not known. */
#define RECORDING_UNTIMED UINT64_MAX

/* A single operation. */
struct recording_event {
	uint64_t time;	     /* ns from the start of the recording: when the operation ended */
	uint64_t duration;   /* ns, or RECORDING_UNTIMED */
	unsigned int serial; /* of the queue */
	unsigned int cpu;
	enum vt_op op; /* below VT_NR_OPS */
	int64_t result;
};

#endif
