// SPDX-License-Identifier: GPL-2.0
/*
 * What clients send to vringtop export: requests that are right, wrong, in pieces, too long;
 * clients that do not read, or vanish. Input: how the client ends (a byte, see enum client_end);
 * what it sends, a NUL between two pieces.
 */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "verbs/export_http.h"
#include "fuzz.h"

/* The low two bits. Another bit: the counters are read before the last piece comes. */
enum client_end {
	READS_ALL,  /* sends its end, and reads the answer */
	READS_SOME, /* reads a part of the answer, and vanishes */
	VANISHES,   /* without reading */
	STAYS,	    /* and never reads, until so many others have come */
};
#define READING 4

/* Clients that stay at a time. */
#define NR_STAYING 16

/* An answer does not fit into the buffer of a socket. */
#define METRICS_SIZE 300000

static struct http *http;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static socklen_t address_length;

static int write_metrics(void *arg, FILE *f, bool classic)
{
	static char text[METRICS_SIZE];

	(void)arg;
	memset(text, classic ? 'c' : 'o', sizeof(text));
	must(fwrite(text, sizeof(text), 1, f) == 1);
	return 0;
}

/* An abstract address: no file is left behind. */
static void open_http(void)
{
	const struct http_source source = { write_metrics, NULL };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	must(fd >= 0);
	address_length = offsetof(struct sockaddr_un, sun_path) + 1 +
			 snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
				  "vringtop-fuzz-%d", getpid());
	must(!bind(fd, (struct sockaddr *)&address, address_length) && !listen(fd, 64));
	http = http_open(fd, &source);
	must(http);
}

static int connect_client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	must(fd >= 0 && !connect(fd, (struct sockaddr *)&address, address_length));
	http_run(http);
	return fd;
}

/* What does not fit is not sent: the other side has closed, or does not read. */
static void send_piece(int fd, const char *piece, size_t length)
{
	ssize_t n;

	while (length && (n = send(fd, piece, length, MSG_NOSIGNAL)) > 0) {
		piece += n;
		length -= n;
		http_run(http);
	}
	http_run(http);
}

/* Returns the size of what came before the connection was closed; it must be closed. */
static size_t read_answer(int fd, char *answer, size_t room)
{
	size_t size = 0;
	ssize_t n;

	for (int waits = 0; waits < 100;) {
		n = recv(fd, answer + size, room - size, 0);
		if (n > 0) {
			size += n;
			must(size < room);
		} else if (!n || errno != EAGAIN) {
			return size;
		} else {
			waits++;
			http_run(http);
		}
	}
	must(!"the connection is closed");
	return 0;
}

static bool is_one_letter(const char *text, size_t size)
{
	return size == METRICS_SIZE && (*text == 'c' || *text == 'o') &&
	       !memcmp(text, text + 1, size - 1);
}

/*
 * An answer has a status, and one of our own is whole: a body of the length that its head says. The
 * library's own answers to what is no request are not checked further: libmicrohttpd 0.9.75 sends
 * the head of some twice.
 */
static void check_answer(char *answer, size_t size)
{
	char *body, *length;
	unsigned int status;

	if (!size)
		return;
	answer[size] = '\0';
	must(sscanf(answer, "HTTP/1.%*[01] %3u ", &status) == 1);
	must(status == 200 || (status >= 400 && status < 506));
	body = strstr(answer, "\r\n\r\n");
	must(body);
	if (status != 200 && status != 404 && status != 405)
		return;
	*body = '\0';
	body += 4;
	size -= body - answer;
	length = strcasestr(answer, "\r\nContent-Length: ");
	must(length);
	/* A HEAD has no body. */
	must(!size || strtoul(length + strlen("\r\nContent-Length: "), NULL, 10) == size);
	if (size && strstr(answer, "\r\nVary: ") && !strstr(answer, "\r\nContent-Encoding: "))
		must(is_one_letter(body, size));
}

static void serves_others(void)
{
	static const char request[] = "GET /healthz HTTP/1.0\r\n\r\n";
	char answer[1000];
	size_t size;
	int fd = connect_client();

	send_piece(fd, request, sizeof(request) - 1);
	size = read_answer(fd, answer, sizeof(answer));
	close(fd);
	must(size > 20 && !memcmp(answer, "HTTP/1.1 200 OK\r\n", 17));
	must(size > 5 && !memcmp(answer + size - 5, "\r\nok\n", 5));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char answer[2 * METRICS_SIZE];
	static int staying[NR_STAYING];
	static unsigned int inputs;
	struct input in = { data, size };
	unsigned int how = take_number(&in, 1);
	int fd;

	if (!http)
		open_http();
	fd = connect_client();
	while (in.size) {
		size_t length;
		char *piece = take_until(&in, '\0', &length);

		if (!in.size && how & READING)
			http_changed(http);
		send_piece(fd, piece, length);
		free(piece);
	}
	switch (how & 3) {
	case READS_ALL:
		shutdown(fd, SHUT_WR);
		check_answer(answer, read_answer(fd, answer, sizeof(answer)));
		break;
	case READS_SOME:
		if (recv(fd, answer, 100, 0) > 0)
			http_run(http);
		break;
	case STAYS:
		if (staying[inputs % NR_STAYING])
			close(staying[inputs % NR_STAYING]);
		staying[inputs++ % NR_STAYING] = fd;
		serves_others();
		return 0;
	}
	close(fd);
	http_run(http);
	serves_others();
	return 0;
}
