/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A recording: what ran where, differences of snapshots in the order of time, and
 * single operations if they were asked for, in a SQLite database. docs/recording.md
 * has its schema and what holds after a crash. A file is not trusted: what does not
 * fit is refused, or read as far as it is whole.
 */
#ifndef RECORDING_H
#define RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "model/snapshot.h"

/* "VTOP": tells a recording from other databases. */
#define RECORDING_APPLICATION_ID 0x56544f50

/* Of the schema; a reader refuses every other. */
#define RECORDING_FORMAT 1

struct recording_device {
	int device;	   /* virtio%d */
	unsigned int type; /* virtio device ID */
	uint64_t features;
	const char *role, *driver;
};

/*
 * What ran where. The strings of recording_info() belong to the recording and are
 * printable; never NULL, may be empty. What is given to be written is only read, and
 * NULL is as good as empty.
 */
struct recording_info {
	const char *path;
	const char *tool_version;
	const char *kernel_release, *kernel_version; /* uname -r, -v */
	const char *machine;			     /* uname -m */
	const char *config_hash; /* of the kernel's configuration: "crc32:" and 8 digits */
	const char *cmdline;	 /* the kernel's */
	const char *cpu, *clocksource;
	const char *patch_level; /* which of the series' events the kernel has: "none", ... */
	const char *attached;	 /* "tracepoints" or "functions" */
	const char *command;	 /* of record -- COMMAND, quoted for a shell; empty: none */
	int nr_cpus;
	int exit_status;   /* the command's, as a shell has it; -1: none, or not known */
	uint64_t started;  /* ns since 1970 */
	uint64_t interval; /* ns, as asked for */
	bool finished;	   /* it ended properly */
	bool has_events;   /* single operations were asked for */
	uint64_t events, events_dropped;  /* kept; lost because there was no room */
	uint64_t cost_cpu_ns;		  /* CPU time of the tool while it recorded */
	double probe_ns;		  /* what counting one operation took; 0: not measured */
	struct recording_device *devices; /* ordered by number */
	size_t nr_devices;
};

struct recording;

/**
 * Opens a recording to read it.
 * Returns NULL after it has said why not; to be closed with recording_close().
 */
struct recording *recording_open(const char *path);

/** What ran where; good until recording_close(). */
const struct recording_info *recording_info(const struct recording *r);

/**
 * The next interval, as a difference of snapshots.
 * @diff: overwritten; to be freed with snapshot_free(). Its times, those of its queues too,
 * count from the recording's start. An operation that did not move in it is NULL. Each
 * queue has the names that it had in the end.
 * Returns 1, 0 at the end (@diff is empty), -1 after it has said what is wrong (so, too).
 */
int recording_next(struct recording *r, struct snapshot *diff);

/** Begins again with the first interval and the first event. Returns 0. */
int recording_rewind(struct recording *r);

#define RECORDING_UNTIMED UINT64_MAX

/* A single operation. */
struct recording_event {
	uint64_t time;	     /* ns from the start: when it ended */
	uint64_t duration;   /* ns; RECORDING_UNTIMED: not known */
	unsigned int serial; /* the queue's */
	unsigned int cpu;
	enum vt_op op; /* below VT_NR_OPS */
	int64_t result;
};

/** The next event in the order of time. Returns 1, 0 at the end, -1 after it has said what is
 * wrong. */
int recording_next_event(struct recording *r, struct recording_event *e);

/**
 * Makes a new recording. There must be no such file, or an empty one.
 * Returns NULL after it has said why not; to be closed with recording_close().
 */
struct recording *recording_create(const char *path, const struct recording_info *info);

/**
 * Writes an interval.
 * @diff: its times count from the recording's start; not before the one written last
 * What was written is safe at the latest a second later, with the next call.
 * Returns 0, or -1 after it has said why not; the file then ends before.
 */
int recording_write(struct recording *r, const struct snapshot *diff);

/** Writes @n events, in the order of time, none before those written already. Returns 0 or -1, as
 * above. */
int recording_write_events(struct recording *r, const struct recording_event *e, size_t n);

/**
 * Brings up to date what is only known while it goes on: exit_status, events_dropped,
 * cost_cpu_ns and probe_ns are taken from @now. Safe with the next interval. Returns 0 or -1.
 */
int recording_update(struct recording *r, const struct recording_info *now);

/** recording_update(), and says that the recording ended properly. Returns 0 or -1. */
int recording_finish(struct recording *r, const struct recording_info *end);

/** Closes it; one that is written to and not finished stays so. @r may be NULL. */
void recording_close(struct recording *r);

#endif
