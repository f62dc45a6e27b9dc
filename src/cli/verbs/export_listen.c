// SPDX-License-Identifier: GPL-2.0
/* The socket on which `export` waits for clients. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "base/error.h"
#include "verbs/export_listen.h"

/* The most clients that wait for a connection. */
#define BACKLOG 128

/* The first descriptor that systemd hands over: sd_listen_fds(3). */
#define FIRST_INHERITED 3

/* Reads a whole number, 0 to @most. Returns false if the text is no such number. */
static bool parse_number(const char *text, unsigned long most, unsigned long *n)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*n = strtoul(text, &end, 10);
	return !errno && !*end && *n <= most;
}

static bool parse_unix(const char *path, struct listen_at *at)
{
	struct sockaddr_un *address = (struct sockaddr_un *)&at->address;
	size_t length = strlen(path);

	if (!length || length >= sizeof(address->sun_path))
		return false;
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, length + 1);
	at->length = offsetof(struct sockaddr_un, sun_path) + length + 1;
	return true;
}

static bool parse_vsock(const char *port, struct listen_at *at)
{
	struct sockaddr_vm *address = (struct sockaddr_vm *)&at->address;
	unsigned long n;

	if (!parse_number(port, UINT32_MAX - 1, &n))
		return false;
	address->svm_family = AF_VSOCK;
	address->svm_cid = VMADDR_CID_ANY;
	address->svm_port = n;
	at->length = sizeof(*address);
	return true;
}

static bool parse_internet(const char *text, struct listen_at *at)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&at->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&at->address;
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	unsigned long port;
	size_t length;

	if (!colon || !parse_number(colon + 1, UINT16_MAX, &port))
		return false;
	length = colon - text;
	if (length >= sizeof(host))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
		host[length - 1] = '\0';
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		at->length = sizeof(*v6);
		return inet_pton(AF_INET6, host + 1, &v6->sin6_addr) == 1;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons(port);
	at->length = sizeof(*v4);
	return inet_pton(AF_INET, host, &v4->sin_addr) == 1;
}

bool listen_parse(const char *text, struct listen_at *at)
{
	unsigned long fd;

	*at = (struct listen_at){ .text = text, .fd = -1 };
	if (!strncmp(text, "unix:", 5))
		return parse_unix(text + 5, at);
	if (!strncmp(text, "vsock:", 6))
		return parse_vsock(text + 6, at);
	if (strncmp(text, "fd:", 3))
		return parse_internet(text, at);
	if (!parse_number(text + 3, INT32_MAX, &fd))
		return false;
	at->fd = fd;
	return true;
}

int listen_inherited(struct listen_at *at)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	unsigned long n;

	/* They may be meant for the process that started vringtop. */
	if (!pid || !fds || !parse_number(pid, INT32_MAX, &n) || n != (unsigned long)getpid())
		return 0;
	if (!parse_number(fds, INT32_MAX, &n) || !n)
		return 0;
	if (n > 1)
		return complain("Name one ListenStream= in the socket unit.",
				"systemd handed over %lu sockets (LISTEN_FDS); export uses one", n);
	*at = (struct listen_at){ .text = "the socket of LISTEN_FDS", .fd = FIRST_INHERITED };
	return 1;
}

/*
 * Prepares a socket that another process has opened. Returns the socket, or -1 after a message.
 */
static int take_socket(const struct listen_at *at)
{
	int listens = 0, flags = fcntl(at->fd, F_GETFL);
	socklen_t length = sizeof(listens);

	if (flags < 0 || getsockopt(at->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length))
		return complain(
			"The process that starts vringtop must hand over a listening socket.",
			"cannot listen on %s: %s", at->text, strerror(errno));
	if (!listens)
		return complain("The process that opens it must call listen().",
				"cannot listen on %s: this socket does not listen", at->text);
	if (fcntl(at->fd, F_SETFD, FD_CLOEXEC) || fcntl(at->fd, F_SETFL, flags | O_NONBLOCK))
		return complain(NULL, "cannot listen on %s: %s", at->text, strerror(errno));
	return at->fd;
}

/* Removes the file of a Unix socket if no process listens on it. */
static void remove_stale(const struct listen_at *at)
{
	const struct sockaddr_un *address = (const struct sockaddr_un *)&at->address;
	struct stat st;
	int fd;

	if (lstat(address->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)address, at->length) && errno == ECONNREFUSED)
		unlink(address->sun_path);
	close(fd);
}

/* Returns what the user can do about an error of listen_open(); NULL: not known. @err: an errno */
static const char *advice(const struct listen_at *at, int err)
{
	if (err == EADDRINUSE && at->address.ss_family == AF_UNIX)
		return "Another process listens there, or a file has that name: name another path.";
	if (err == EADDRINUSE)
		return "Another process listens there: give another port with --listen.";
	if (err == EADDRNOTAVAIL)
		return "No interface of this machine has that address: see ip address.";
	if (err == EACCES)
		return "Ports below 1024 and other folders may need more privileges.";
	if (at->address.ss_family == AF_VSOCK)
		return "This machine needs a vsock device and its driver (virtio_vsock).";
	return NULL;
}

int listen_open(const struct listen_at *at)
{
	int fd, on = 1, family = at->address.ss_family;

	if (at->fd >= 0)
		return take_socket(at);
	if (family == AF_UNIX)
		remove_stale(at);
	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* So the port can be used at once after another process that used it has ended. */
	if (fd >= 0 && family != AF_UNIX && family != AF_VSOCK)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd >= 0 && !bind(fd, (const struct sockaddr *)&at->address, at->length) &&
	    !listen(fd, BACKLOG))
		return fd;
	complain(advice(at, errno), "cannot listen on %s: %s", at->text, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}
