/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is at the path of a file that is to be made. Every verb that writes a file asks here first,
 * so that none replaces what a user cannot get back. What vringtop wrote is known by its content,
 * never by its name.
 */
#ifndef PLACE_H
#define PLACE_H

/* What a page, a trace and metrics have among their first 512 bytes. */
#define PAGE_MARK    "<meta name=\"generator\" content=\"vringtop\">"
#define TRACE_MARK   "\"generator\":\"vringtop\""
#define METRICS_MARK "# HELP vringtop_" /* the first bytes */

/* SQLite's application id of a recording: "VTOP". */
#define RECORDING_APPLICATION_ID 0x56544f50

enum place {
	PLACE_FREE,	 /* nothing, or an empty file */
	PLACE_PAGE,	 /* a page or a trace of vringtop */
	PLACE_METRICS,	 /* metrics of vringtop */
	PLACE_RECORDING, /* a recording of vringtop */
	PLACE_JOURNAL,	 /* a journal of SQLite */
	PLACE_FILE,	 /* a file that vringtop did not write, or may not read */
	PLACE_STREAM,	 /* a pipe, a terminal or a device such as /dev/null: it keeps nothing */
	PLACE_FOLDER,
	PLACE_LINK,    /* a symbolic link */
	PLACE_DEVICE,  /* a disk, or a socket */
	PLACE_UNKNOWN, /* cannot be examined; errno says why */
};

/** Prints nothing. */
enum place place_of(const char *path);

/**
 * Prints that nothing is written to @path, and why.
 * @place: what is there; neither PLACE_FREE nor PLACE_UNKNOWN
 * @advice: what the user can do if a file is there, a sentence
 * Returns -1.
 */
int place_refuse(const char *path, enum place place, const char *advice);

#endif
