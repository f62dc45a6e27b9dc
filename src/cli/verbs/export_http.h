/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The HTTP side of `export`, by libmicrohttpd, in one thread. A connection serves one request and
 * is closed. A client that is slow, or sends nothing, holds nobody up, and loses its connection
 * after some seconds.
 */
#ifndef EXPORT_HTTP_H
#define EXPORT_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct http;

/* Where the metrics come from. */
struct http_source {
	/* Writes the metrics. Returns 0, or -1 after it has complained. */
	int (*write)(void *arg, FILE *f, bool classic);
	void *arg;
};

/**
 * Begins to serve. Needs more system calls than confine_serving() leaves.
 * @socket: listens, and does not block; http_close() closes it
 * @source: is copied
 * Returns NULL after it has complained.
 */
struct http *http_open(int socket, const struct http_source *source);

/** A descriptor that has input when http_run() has something to do. */
int http_fd(const struct http *h);

/** When http_run() must be called at the latest: ns, CLOCK_MONOTONIC; UINT64_MAX: no such time. */
uint64_t http_deadline(struct http *h);

/** Does what can be done at once, without waiting for any client. */
void http_run(struct http *h);

/** The metrics have changed: the next request gets new ones. */
void http_changed(struct http *h);

/** Closes all connections. @h may be NULL. */
void http_close(struct http *h);

#endif
