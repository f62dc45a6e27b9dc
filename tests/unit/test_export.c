// SPDX-License-Identifier: GPL-2.0
/*
 * vringtop export over a probe that makes its own snapshots, in a process that is confined as the
 * real one is: what clients get that ask well, that ask wrongly, that are slow, and that vanish.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <poll.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <zlib.h>
#include "../fake_probe.h"
#include "base/signals.h"
#include "figures.h"
#include "output/openmetrics.h"
#include "verbs/export_listen.h"
#include "verbs/verbs.h"

static char folder[] = "/tmp/export.XXXXXX";
static char path[32], address[40], textfile[32];
static pid_t exporter;

/* What export counts unless told otherwise. */
#define OPS                                                                                        \
	(1u << VT_OP_ADD | 1u << VT_OP_GET | 1u << VT_OP_KICK_PREPARE | 1u << VT_OP_NOTIFY |       \
	 1u << VT_INTERRUPT | 1u << VT_AVAIL_TO_USED | VT_STAGES | 1u << VT_BUFFERS_PER_DOORBELL)

/* With this, so many events are lost as there were readings. */
static bool count_readings;

/* Without it, the same at each reading. */
static const struct snapshot *read_figures(unsigned int n)
{
	static struct snapshot s;

	if (!n)
		make_figures(&s, OPS);
	s.time = probe_now();
	s.lost = count_readings ? n + 1 : LOST;
	return &s;
}

static void pause_a_moment(void)
{
	const struct timespec moment = { .tv_nsec = 10000000 };

	nanosleep(&moment, NULL);
}

static int start(void **state)
{
	char *argv[] = { "vringtop export", "--listen", address, "--textfile", textfile, NULL };

	(void)state;
	exporter = fork();
	if (exporter)
		return exporter < 0;
	fake_probe = (struct fake_probe){ .read = read_figures };
	handle_signals();
	exit(verb_export(5, argv));
}

static int start_counting(void **state)
{
	count_readings = true;
	return start(state);
}

/* The exporter has survived the test, and ends well. */
static int stop(void **state)
{
	int status;

	(void)state;
	if (kill(exporter, SIGINT) || waitpid(exporter, &status, 0) != exporter)
		return -1;
	if (status)
		print_error("export ended with %#x\n", status);
	unlink(path);
	return status;
}

/* --- A client --- */

static int connected(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(at.sun_path, path);
	/* It may not listen yet. */
	for (int i = 0; i < 1000; i++) {
		if (!connect(fd, (struct sockaddr *)&at, sizeof(at)))
			return fd;
		pause_a_moment();
	}
	fail_msg("cannot connect: %s", strerror(errno));
	return -1;
}

static char answer[1 << 20];
static size_t answer_size;

/* Reads until the other side closes the connection, at most ten seconds for each part. */
static void read_answer(int fd)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	ssize_t n = 1;

	answer_size = 0;
	while (n > 0 && answer_size < sizeof(answer) - 1) {
		assert_int_equal(poll(&in, 1, 10000), 1);
		n = read(fd, answer + answer_size, sizeof(answer) - 1 - answer_size);
		if (n > 0)
			answer_size += n;
	}
	answer[answer_size] = '\0';
	close(fd);
}

static void ask(const char *request)
{
	int fd = connected();

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	read_answer(fd);
}

static void status_is(const char *status)
{
	if (strncmp(answer, status, strlen(status)))
		fail_msg("expected %s, got %.60s", status, answer);
}

static const char *body(size_t *size)
{
	char *end = strstr(answer, "\r\n\r\n");

	assert_non_null(end);
	*size = answer + answer_size - end - 4;
	return end + 4;
}

/* The metrics as they have to be; to be freed. */
static char *metrics(bool classic)
{
	struct stall_watch none = {};
	struct openmetrics m = {
		.s = read_figures(0),
		.stalls = &none,
		.ops = OPS,
		.classic = classic,
		.most_queues = 64,
	};
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	openmetrics_write(f, &m);
	fclose(f);
	snapshot_free((struct snapshot *)m.s);
	return text;
}

static void body_is(const char *text)
{
	size_t size;
	const char *got = body(&size);

	assert_int_equal(size, strlen(text));
	assert_memory_equal(got, text, size);
}

/* --- Tests --- */

static void both_formats(void **state)
{
	char *open = metrics(false), *classic = metrics(true);
	static const char *const wants_open[] = {
		"application/openmetrics-text",
		"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version="
		"0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		"text/plain;q=0.4, APPLICATION/openmetrics-text;q=0.5",
	};
	static const char *const wants_classic[] = {
		"*/*",
		"text/plain",
		"application/openmetrics-text;q=0.3,text/plain;version=0.0.4",
		"application/openmetrics-text;q=0",
		"application/openmetrics-textile",
		";;,,q=,=",
	};
	char request[512];

	(void)state;
	ask("GET /metrics HTTP/1.0\r\n\r\n");
	status_is("HTTP/1.1 200 OK\r\n");
	body_is(classic);
	assert_non_null(strstr(answer, "\r\nContent-Type: " CLASSIC_TYPE "\r\n"));
	for (size_t i = 0; i < 3; i++) {
		snprintf(request, sizeof(request),
			 "GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: %s\r\n\r\n", wants_open[i]);
		ask(request);
		status_is("HTTP/1.1 200 OK\r\n");
		body_is(open);
		assert_non_null(strstr(answer, "\r\nContent-Type: " OPENMETRICS_TYPE "\r\n"));
	}
	for (size_t i = 0; i < 6; i++) {
		snprintf(request, sizeof(request),
			 "GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: %s\r\n\r\n",
			 wants_classic[i]);
		ask(request);
		status_is("HTTP/1.1 200 OK\r\n");
		body_is(classic);
	}
	free(open);
	free(classic);
}

static void compressed(void **state)
{
	char *classic = metrics(true), *plain = calloc(1, 1 << 20);
	z_stream z = { .next_out = (void *)plain, .avail_out = 1 << 20 };
	size_t size;

	(void)state;
	assert_non_null(plain);
	ask("GET /metrics HTTP/1.1\r\nHost: a\r\nAccept-Encoding: deflate, gzip;q=0.8\r\n\r\n");
	status_is("HTTP/1.1 200 OK\r\n");
	assert_non_null(strstr(answer, "\r\nContent-Encoding: gzip\r\n"));
	z.next_in = (void *)body(&size);
	z.avail_in = size;
	assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	inflateEnd(&z);
	assert_string_equal(plain, classic);
	ask("GET /metrics HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip;q=0\r\n\r\n");
	body_is(classic);
	free(plain);
	free(classic);
}

static void other_pages(void **state)
{
	size_t size;

	(void)state;
	ask("GET /healthz HTTP/1.0\r\n\r\n");
	status_is("HTTP/1.1 200 OK\r\n");
	body_is("ok\n");
	ask("GET / HTTP/1.0\r\n\r\n");
	status_is("HTTP/1.1 200 OK\r\n");
	assert_non_null(strstr(answer, "href=\"/metrics\""));
	ask("HEAD /metrics HTTP/1.0\r\n\r\n");
	status_is("HTTP/1.1 200 OK\r\n");
	body(&size);
	assert_int_equal(size, 0);
	ask("GET /metrics/ HTTP/1.0\r\n\r\n");
	status_is("HTTP/1.1 404 ");
	ask("POST /metrics HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc");
	status_is("HTTP/1.1 405 ");
	assert_non_null(strstr(answer, "\r\nAllow: GET, HEAD\r\n"));
}

/* Each is refused or cut off, and the next client is served. */
static void bad_requests(void **state)
{
	static const struct {
		const char *request, *status;
	} bad[] = {
		{ "\n\n\n\n\x01\x02\r\n\r\n", "" },
		{ "GET\r\n\r\n", "" },
		{ "GET /metrics\r\n\r\n", "HTTP/1.1 400 " },
		{ "GET /metrics HTTP/9.9\r\n\r\n", "HTTP/1.1 505 " },
		{ "GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
		  "HTTP/1.1 400 " },
		{ "GET /metrics HTTP/1.1\r\nHost: a\r\n"
		  "Content-Length: 99999999999999999999\r\n\r\n",
		  "HTTP/1.1 413 " },
		{ "GET /%ff%zz HTTP/1.0\r\n\r\n", "HTTP/1.1 404 " },
	};
	char large[40000];
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		fd = connected();
		assert_true(send(fd, bad[i].request, strlen(bad[i].request), MSG_NOSIGNAL) > 0);
		shutdown(fd, SHUT_WR);
		read_answer(fd);
		status_is(bad[i].status);
	}
	/* A head without an end. */
	memset(large, 'a', sizeof(large));
	memcpy(large, "GET /metrics HTTP/1.1\r\nHost: a\r\nX: ", 35);
	fd = connected();
	if (send(fd, large, sizeof(large), MSG_NOSIGNAL) < 0)
		assert_int_equal(errno, EPIPE);
	read_answer(fd);
	if (answer_size)
		status_is("HTTP/1.1 4");
	ask("GET /healthz HTTP/1.0\r\n\r\n");
	status_is("HTTP/1.1 200 OK\r\n");
}

/* A hundred clients that send half a request, a hundred that do not read the answer. */
static void slow_clients(void **state)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
	char *classic = metrics(true);
	int slow[200];

	(void)state;
	for (int i = 0; i < 200; i++) {
		size_t size = i % 2 ? sizeof(request) - 1 : 10;

		slow[i] = connected();
		assert_int_equal(send(slow[i], request, size, MSG_NOSIGNAL), size);
	}
	for (int i = 0; i < 50; i++) {
		ask("GET /metrics HTTP/1.0\r\n\r\n");
		body_is(classic);
	}
	/* They vanish, in the middle of whatever they did. */
	for (int i = 0; i < 200; i++)
		close(slow[i]);
	ask("GET /metrics HTTP/1.0\r\n\r\n");
	body_is(classic);
	free(classic);
}

/* More clients than are served at a time: the others are served when those have gone. */
static void many_clients(void **state)
{
	int fds[300];

	(void)state;
	for (int i = 0; i < 300; i++)
		fds[i] = connected();
	for (int i = 0; i < 256; i++)
		close(fds[i]);
	for (int i = 256; i < 300; i++) {
		static const char request[] = "GET /healthz HTTP/1.0\r\n\r\n";

		assert_int_equal(send(fds[i], request, sizeof(request) - 1, MSG_NOSIGNAL),
				 sizeof(request) - 1);
		read_answer(fds[i]);
		status_is("HTTP/1.1 200 OK\r\n");
	}
}

static void file_of_metrics(void **state)
{
	char *classic = metrics(true), *got = calloc(1, 1 << 20);
	FILE *f;

	(void)state;
	for (int i = 0; i < 1000 && access(textfile, F_OK); i++)
		pause_a_moment();
	f = fopen(textfile, "re");
	assert_non_null(f);
	assert_non_null(got);
	assert_int_equal(fread(got, 1, 1 << 20, f), strlen(classic));
	fclose(f);
	assert_string_equal(got, classic);
	free(got);
	free(classic);
}

/* What --listen takes, and what the socket's address then is. */
static void addresses(void **state)
{
	static const struct {
		const char *text;
		int family; /* 0: none of the forms; -1: a descriptor */
		unsigned int port;
	} all[] = {
		{ "127.0.0.1:9842", AF_INET, 9842 },
		{ "0.0.0.0:0", AF_INET, 0 },
		{ "[::]:65535", AF_INET6, 65535 },
		{ "[fe80::1]:1", AF_INET6, 1 },
		{ "unix:/run/a b", AF_UNIX, 0 },
		{ "vsock:9842", AF_VSOCK, 9842 },
		{ "fd:3", -1, 3 },
		{ "127.0.0.1", 0, 0 },
		{ "127.0.0.1:65536", 0, 0 },
		{ "127.0.0.1:-1", 0, 0 },
		{ "127.0.0.1: 1", 0, 0 },
		{ "127.0.0.1:", 0, 0 },
		{ "localhost:9842", 0, 0 },
		{ "::1:9842", 0, 0 },
		{ "[::1]", 0, 0 },
		{ "unix:", 0, 0 },
		{ "vsock:x", 0, 0 },
		{ "vsock:4294967295", 0, 0 },
		{ "fd:", 0, 0 },
		{ "fd:-1", 0, 0 },
		{ "", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct listen_at at;
		bool right = listen_parse(all[i].text, &at);
		const struct sockaddr_in *v4 = (struct sockaddr_in *)&at.address;
		const struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&at.address;
		const struct sockaddr_vm *vm = (struct sockaddr_vm *)&at.address;
		unsigned int port = 0;

		if (right != !!all[i].family)
			fail_msg("%s: %d", all[i].text, right);
		if (!right)
			continue;
		if (all[i].family < 0) {
			assert_int_equal(at.fd, all[i].port);
			continue;
		}
		assert_int_equal(at.fd, -1);
		assert_int_equal(at.address.ss_family, all[i].family);
		if (all[i].family == AF_INET)
			port = ntohs(v4->sin_port);
		if (all[i].family == AF_INET6)
			port = ntohs(v6->sin6_port);
		if (all[i].family == AF_VSOCK)
			port = vm->svm_port;
		assert_int_equal(port, all[i].port);
	}
}

/* The counters are read once a second, for however many clients: three more readings take 2 s. */
static void clock_of_readings(void **state)
{
	const char lost[] = "\nvringtop_lost_events_total ";
	unsigned long first = 0, last;
	uint64_t begin = probe_now();

	(void)state;
	do {
		ask("GET /metrics HTTP/1.0\r\n\r\n");
		last = strtoul(strstr(answer, lost) + strlen(lost), NULL, 10);
		first = first ?: last;
	} while (last < first + 3 && probe_now() - begin < 30000000000ull);
	assert_true(last >= first + 3);
	assert_in_range(probe_now() - begin, 2000000000, 30000000000);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(address, sizeof(address), "unix:%s", path);
	snprintf(textfile, sizeof(textfile), "%s/a.prom", folder);
	return 0;
}

/* The file of metrics goes with the exporter, and so does its process. */
static int remove_folder(void **state)
{
	(void)state;
	for (int i = 0; i < 1000 && rmdir(folder); i++)
		pause_a_moment();
	return access(folder, F_OK) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test_setup_teardown(both_formats, start, stop),
		cmocka_unit_test_setup_teardown(compressed, start, stop),
		cmocka_unit_test_setup_teardown(other_pages, start, stop),
		cmocka_unit_test_setup_teardown(bad_requests, start, stop),
		cmocka_unit_test_setup_teardown(slow_clients, start, stop),
		cmocka_unit_test_setup_teardown(many_clients, start, stop),
		cmocka_unit_test_setup_teardown(file_of_metrics, start, stop),
		cmocka_unit_test_setup_teardown(clock_of_readings, start_counting, stop),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
