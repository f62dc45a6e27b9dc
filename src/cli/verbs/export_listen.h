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
	int fd;		  /* a socket that is open and listens; -1: the address says where */
	socklen_t length;
	struct sockaddr_storage address;
};

/**
 * Reads ADDR:PORT (numbers; IPv6 in brackets), unix:PATH, vsock:PORT or fd:N.
 * @text: must stay valid
 * Returns false if the text is none of these.
 */
bool listen_parse(const char *text, struct listen_at *at);

/**
 * Finds the socket that systemd has opened for this process (socket activation, LISTEN_FDS).
 * Returns 0: there is none; 1: it is in @at; -1 after it has complained.
 */
int listen_inherited(struct listen_at *at);

/**
 * Opens the socket. The file of a Unix socket on which nobody listens any more is replaced.
 * Returns a descriptor that does not block, or -1 after it has complained.
 */
int listen_open(const struct listen_at *at);

#endif
