/* SPDX-License-Identifier: GPL-2.0 */
/* The socket on which `export` waits for clients. */
#ifndef EXPORT_LISTEN_H
#define EXPORT_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>

#define LISTEN_DEFAULT "127.0.0.1:9842"

/* Where to listen. */
struct listen_at {
	const char *text; /* as the user wrote it */
	int fd;		  /* a socket that listens already; -1: open one at the address */
	socklen_t length;
	struct sockaddr_storage address;
};

/**
 * Reads ADDR:PORT (no names; IPv6 in brackets), unix:PATH, vsock:PORT or fd:N.
 * @text: must stay valid as long as @at is used
 * Returns false if the text is none of these.
 */
bool listen_parse(const char *text, struct listen_at *at);

/**
 * Finds the socket that systemd has opened for this process (socket activation, LISTEN_FDS).
 * Returns 1 if there is one, in @at; 0 if there is none; -1 after a message.
 */
int listen_inherited(struct listen_at *at);

/**
 * Opens the socket. Replaces the file of a Unix socket if no process listens on it any more.
 * Returns a descriptor that does not block, or -1 after a message.
 */
int listen_open(const struct listen_at *at);

#endif
