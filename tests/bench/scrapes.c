// SPDX-License-Identifier: GPL-2.0
/*
 * What scrapes cost vringtop export, over a probe that makes its own snapshots: CPU and memory of
 * its process, beside clients that never read, and others that vanish. In the end the counts must
 * be exact.
 *
 * Usage: scrapes QUEUES RATE SECONDS plain|gzip [SLOW]
 * RATE: scrapes a second that are asked for, by four clients. Each sixteenth of them vanishes in
 * the middle of its request, and is not counted. SLOW: clients that send a request and never read
 * (0).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "base/signals.h"
#include "fake_probe.h"
#include "verbs/verbs.h"

#define CLIENTS 4

/* At each reading, so many more of everything in each queue. */
#define STEP 1000

static unsigned int nr_queues;
static const char *accepts;
static struct sockaddr_in address;

/* What a client saw. */
static struct seen {
	unsigned long scrapes, failed;
	uint64_t bytes, slowest; /* slowest: ns */
} * seen;			 /* one for each client, shared by the processes */

static void die(const char *what)
{
	fprintf(stderr, "scrapes: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- The exporter --- */

static void make_queue(struct queue *q, unsigned int number)
{
	*q = (struct queue){
		.serial = number + 1,
		.device = number / 4,
		.device_type = 2,
		.index = number % 4,
		.num = 256,
		.num_free = 256,
		.features = 1ull << 32 | 1ull << 29,
	};
	snprintf(q->name, sizeof(q->name), "req.%u", q->index);
	strcpy(q->driver, "virtio_blk");
	snprintf(q->role, sizeof(q->role), "vd%d", q->device);
	for (int op = 0; op < VT_NR_COUNTED; op++)
		if (fake_probe.ops >> op & 1 && op_stats_room(&q->op[op], VT_NR_BUCKETS))
			die("op_stats_room");
}

/* Times of all sizes, so that no bucket is empty. */
static void move_on(struct op_stats *o)
{
	o->count += STEP;
	o->timed += STEP;
	o->sum += STEP * 5000ull;
	for (unsigned int i = 0; i < STEP / 10; i++)
		o->histogram.bucket[i * 4 % VT_NR_BUCKETS] += 10;
}

static const struct snapshot *read_counters(unsigned int n)
{
	static struct snapshot s;

	if (!n) {
		s.how = "tracepoints";
		s.nr_queues = nr_queues;
		s.queues = calloc(nr_queues, sizeof(*s.queues));
		if (!s.queues)
			die("calloc");
		for (unsigned int i = 0; i < nr_queues; i++)
			make_queue(&s.queues[i], i);
	}
	for (unsigned int i = 0; i < nr_queues; i++)
		for (int op = 0; op < VT_NR_COUNTED; op++)
			if (s.queues[i].op[op])
				move_on(s.queues[i].op[op]);
	s.time = probe_now();
	s.lost = n + 1;
	return &s;
}

static pid_t start_exporter(int fd)
{
	char listen_at[16], series[16];
	char *argv[] = { "vringtop export", "--listen", listen_at, "--max-series", series, NULL };
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(listen_at, sizeof(listen_at), "fd:%d", fd);
	snprintf(series, sizeof(series), "%u", nr_queues * 100);
	fake_probe = (struct fake_probe){ .read = read_counters };
	handle_signals();
	exit(verb_export(5, argv));
}

/* Of the exporter: what follows a name in /proc/PID/status, kB. */
static long memory(pid_t pid, const char *name)
{
	char path[32], line[256];
	long kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		die(path);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			kb = atol(line + strlen(name));
	fclose(f);
	return kb;
}

/* CPU time of the exporter, s: to the ns, where utime counts in ticks
 * (Documentation/scheduler/sched-stats.rst). */
static double cpu_time(pid_t pid)
{
	unsigned long long ns;
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		die(path);
	fclose(f);
	return ns / 1e9;
}

/* --- Clients --- */

static int connect_client(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

static const char *request(void)
{
	static char text[200];

	snprintf(text, sizeof(text), "GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: %s\r\n%s\r\n",
		 "application/openmetrics-text", accepts);
	return text;
}

static void vanish(void)
{
	const struct linger at_once = { .l_onoff = 1 };
	int fd = connect_client();

	if (fd < 0)
		return;
	if (send(fd, request(), 20, MSG_NOSIGNAL) < 0)
		die("send");
	/* The connection is reset, not closed. */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

/* Returns the size of the whole answer; 0: it was none. */
static size_t scrape(char *answer, size_t room)
{
	size_t size = 0;
	ssize_t n = 1;
	int fd = connect_client();

	if (fd < 0)
		return 0;
	if (send(fd, request(), strlen(request()), MSG_NOSIGNAL) > 0)
		while (size < room && (n = recv(fd, answer + size, room - size, 0)) > 0)
			size += n;
	close(fd);
	return !n && size > 17 && !memcmp(answer, "HTTP/1.1 200 OK\r\n", 17) ? size : 0;
}

static size_t answer_room(void)
{
	return 100000 + nr_queues * 10000;
}

static void run_client(struct seen *s, double rate, double seconds)
{
	char *answer = malloc(answer_room());
	uint64_t begin = probe_now(), asked = begin, end = begin + seconds * 1e9, took;

	if (!answer)
		die("malloc");
	for (unsigned long n = 1; probe_now() < end; n++) {
		uint64_t due = begin + n * 1e9 / rate, t = probe_now();
		size_t size;

		if (t < due)
			usleep((due - t) / 1000);
		if (n % 16 == 0)
			vanish();
		asked = probe_now();
		size = scrape(answer, answer_room());
		took = probe_now() - asked;
		s->scrapes += !!size;
		s->failed += !size;
		s->bytes += size;
		if (took > s->slowest)
			s->slowest = took;
	}
	free(answer);
}

/* Clients that never read, and come again when they have been cut off. Returns never. */
static void run_slow(unsigned int number)
{
	struct pollfd *fds = calloc(number, sizeof(*fds));

	if (!fds)
		die("calloc");
	for (unsigned int i = 0; i < number; i++)
		fds[i] = (struct pollfd){ .fd = -1, .events = POLLRDHUP };
	for (;;) {
		for (unsigned int i = 0; i < number; i++) {
			int small = 2048;

			if (fds[i].fd >= 0 && !fds[i].revents)
				continue;
			if (fds[i].fd >= 0)
				close(fds[i].fd);
			fds[i].fd = connect_client();
			if (fds[i].fd < 0)
				continue;
			setsockopt(fds[i].fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
			send(fds[i].fd, request(), strlen(request()), MSG_NOSIGNAL);
		}
		sleep(1);
		poll(fds, number, 0);
	}
}

/* --- The counts, in the end --- */

/* How many samples have a name, all with this value; -1: one has another value. */
static long samples_with(const char *text, const char *name, unsigned long value)
{
	long n = 0;

	for (const char *at = text; (at = strstr(at, name)); at++) {
		const char *space = strchr(at, ' ');

		if (at[-1] != '\n' || !space)
			continue;
		if (strtoul(space, NULL, 10) != value)
			return -1;
		n++;
	}
	return n;
}

static void check_counts(void)
{
	char *answer = calloc(1, answer_room());
	const char *lost;
	unsigned long readings;

	accepts = "";
	if (!answer || !scrape(answer, answer_room() - 1))
		die("the last scrape");
	lost = strstr(answer, "\nvringtop_lost_events_total ");
	readings = lost ? strtoul(strchr(lost, ' '), NULL, 10) : 0;
	if (!readings ||
	    samples_with(answer, "vringtop_requests_total{", readings * STEP) != nr_queues ||
	    samples_with(answer, "vringtop_request_duration_seconds_count{", readings * STEP) !=
		    nr_queues) {
		fprintf(stderr, "scrapes: the counts are wrong\n%.3000s\n", answer);
		exit(1);
	}
	printf("the counts are exact after %lu readings\n", readings);
	free(answer);
}

static void print_figures(double seconds, double cpu, long before, long after, long most)
{
	struct seen all = {};

	for (int i = 0; i < CLIENTS; i++) {
		all.scrapes += seen[i].scrapes;
		all.failed += seen[i].failed;
		all.bytes += seen[i].bytes;
		if (seen[i].slowest > all.slowest)
			all.slowest = seen[i].slowest;
	}
	printf("%.0f scrapes/s for %.0f s, %lu failed, %.1f kB each, slowest %.0f ms; "
	       "%.3f ms of CPU each; RSS %ld kB before, %ld after, %ld at most; ",
	       all.scrapes / seconds, seconds, all.failed,
	       all.scrapes ? all.bytes / 1e3 / all.scrapes : 0, all.slowest / 1e6,
	       all.scrapes ? cpu * 1e3 / all.scrapes : 0, before, after, most);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	double rate, seconds, cpu;
	pid_t exporter, slow = 0, clients[CLIENTS];
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0), status;
	unsigned int nr_slow = argc > 5 ? atoi(argv[5]) : 0;
	long before;
	uint64_t begin;

	if (argc < 5) {
		fprintf(stderr, "scrapes: scrapes QUEUES RATE SECONDS plain|gzip [SLOW]\n");
		return 2;
	}
	nr_queues = atoi(argv[1]);
	rate = atof(argv[2]);
	seconds = atof(argv[3]);
	accepts = strcmp(argv[4], "gzip") ? "" : "Accept-Encoding: gzip\r\n";
	address = (struct sockaddr_in){ .sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 128) ||
	    getsockname(fd, (struct sockaddr *)&address, &length))
		die("listen");
	seen = mmap(NULL, CLIENTS * sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		die("mmap");

	exporter = start_exporter(fd);
	run_client(&seen[0], CLIENTS, 3); /* it has all its memory then */
	memset(seen, 0, CLIENTS * sizeof(*seen));
	before = memory(exporter, "VmRSS:");
	cpu = cpu_time(exporter);
	begin = probe_now();
	if (nr_slow) {
		slow = fork();
		if (!slow)
			run_slow(nr_slow);
	}
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = fork();
		if (!clients[i]) {
			run_client(&seen[i], rate / CLIENTS, seconds);
			exit(0);
		}
	}
	for (int i = 0; i < CLIENTS; i++)
		waitpid(clients[i], NULL, 0);
	seconds = (probe_now() - begin) / 1e9;
	cpu = cpu_time(exporter) - cpu;
	if (slow) {
		kill(slow, SIGKILL);
		waitpid(slow, NULL, 0);
	}
	sleep(3);
	print_figures(seconds, cpu, before, memory(exporter, "VmRSS:"), memory(exporter, "VmHWM:"));
	check_counts();
	kill(exporter, SIGINT);
	waitpid(exporter, &status, 0);
	return status ? 1 : 0;
}
