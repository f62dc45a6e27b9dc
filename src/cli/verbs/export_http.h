/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The HTTP side of `export`: uses libmicrohttpd, in one thread. A connection serves one request and
 * is closed. A client that is slow, or sends nothing, does not delay other clients. It loses its
 * connection after 10 s.
 */
#ifndef EXPORT_HTTP_H
#define EXPORT_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct http;

/* Where the metrics come from. */
struct http_source {
	/* Writes the metrics. Returns 0, or -1 after a message. */
	int (*write)(void *arg, FILE *f, bool classic);
	void *arg;
};

/**
 * Begins to serve. Must be called before confine_serving(), which forbids system calls that this
 * function needs.
 * @socket: a socket that listens and does not block; http_close() closes it
 * @source: is copied
 * Returns the server, to be closed with http_close(); NULL after a message.
 */
struct http *http_open(int socket, const struct http_source *source);

/** Returns a descriptor. If it has input, http_run() must be called. */
int http_fd(const struct http *h);

/**
 * Returns the time by which http_run() must be called, ns, CLOCK_MONOTONIC; UINT64_MAX: there is no
 * such time.
 */
uint64_t http_deadline(struct http *h);

/** Reads requests and sends answers, as far as possible without waiting for a client. */
void http_run(struct http *h);

/** Says that the metrics have changed: the next request gets new ones. */
void http_changed(struct http *h);

/** Closes all connections. @h may be NULL. */
void http_close(struct http *h);

#endif
