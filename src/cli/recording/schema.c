// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include "recording/schema.h"

const struct recording_table recording_tables[] = {
	{ "info",
	  "CREATE TABLE info(key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID" },
	{ "device",
	  "CREATE TABLE device(device INTEGER PRIMARY KEY, role TEXT NOT NULL,"
	  " driver TEXT NOT NULL, type INTEGER NOT NULL, features INTEGER NOT NULL) STRICT" },
	{ "queue", "CREATE TABLE queue(queue INTEGER PRIMARY KEY, device INTEGER NOT NULL,"
		   " number INTEGER NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,"
		   " driver TEXT NOT NULL, type INTEGER NOT NULL, layout INTEGER NOT NULL,"
		   " features INTEGER NOT NULL, first INTEGER NOT NULL, gone INTEGER) STRICT" },
	{ "interval", "CREATE TABLE interval(interval INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
		      " since INTEGER NOT NULL, lost INTEGER NOT NULL, cpu REAL NOT NULL,"
		      " probe_ns REAL NOT NULL) STRICT" },
	{ "state", "CREATE TABLE state(interval INTEGER NOT NULL, queue INTEGER NOT NULL,"
		   " listed INTEGER NOT NULL, size INTEGER NOT NULL, free INTEGER NOT NULL,"
		   " gone INTEGER NOT NULL, fresh INTEGER NOT NULL, broken INTEGER NOT NULL,"
		   " changed INTEGER NOT NULL, doorbells INTEGER NOT NULL,"
		   " new_doorbells INTEGER NOT NULL, last_doorbells BLOB NOT NULL,"
		   " PRIMARY KEY(interval, queue)) STRICT, WITHOUT ROWID" },
	{ "op", "CREATE TABLE op(interval INTEGER NOT NULL, queue INTEGER NOT NULL,"
		" op INTEGER NOT NULL, count INTEGER NOT NULL, timed INTEGER NOT NULL,"
		" sum INTEGER NOT NULL, max INTEGER NOT NULL, no INTEGER NOT NULL,"
		" bytes_out INTEGER NOT NULL, bytes_in INTEGER NOT NULL, hist BLOB NOT NULL,"
		" PRIMARY KEY(interval, queue, op)) STRICT, WITHOUT ROWID" },
	{ "events", "CREATE TABLE events(block INTEGER PRIMARY KEY, first INTEGER NOT NULL,"
		    " last INTEGER NOT NULL, count INTEGER NOT NULL, data BLOB NOT NULL) STRICT" },
	/*
	 * These three tables explain the numbers in the tables above. The reader knows operations
	 * by these names, because the numbers differ between versions of vringtop.
	 */
	{ "operation",
	  "CREATE TABLE operation(op INTEGER PRIMARY KEY, name TEXT NOT NULL, no TEXT) STRICT" },
	{ "layout", "CREATE TABLE layout(layout INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT" },
	{ "bucket",
	  "CREATE TABLE bucket(bucket INTEGER PRIMARY KEY, lower INTEGER NOT NULL) STRICT" },
	{},
};

#define FIELD(name, kind)                                                                          \
	{                                                                                          \
#name, offsetof(struct recording_info, name), FIELD_##kind                         \
	}

const struct recording_field recording_fields[] = {
	FIELD(tool_version, TEXT), FIELD(kernel_release, TEXT), FIELD(kernel_version, TEXT),
	FIELD(machine, TEXT),	   FIELD(config_hash, TEXT),	FIELD(cmdline, TEXT),
	FIELD(cpu, TEXT),	   FIELD(clocksource, TEXT),	FIELD(patch_level, TEXT),
	FIELD(attached, TEXT),	   FIELD(command, TEXT),	FIELD(host, TEXT),
	FIELD(nr_cpus, INT),	   FIELD(exit_status, INT),	FIELD(started, U64),
	FIELD(interval, U64),	   FIELD(finished, BOOL),	FIELD(queues_not_shown, U64),
	FIELD(has_events, BOOL),   FIELD(events, U64),		FIELD(events_dropped, U64),
	FIELD(cost_cpu_ns, U64),   FIELD(probe_ns, DOUBLE),	{},
};

char *recording_file_name(const char *path)
{
	bool has_directory = *path == '/' || !strncmp(path, "./", 2);
	char *name;

	return asprintf(&name, "%s%s", has_directory ? "" : "./", path) < 0 ? NULL : name;
}

void recording_close_database(sqlite3 *db)
{
	sqlite3_stmt *s;

	while (db && (s = sqlite3_next_stmt(db, NULL)))
		sqlite3_finalize(s);
	sqlite3_close(db);
}
