// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio entropy device for tests. It is a vhost-user back-end that offers the ring features of
 * its command line. It can hold buffers, can have faults on purpose, and reports exactly what it
 * saw. This file has its sockets, signals and options; device.c is the device.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>
#include "device.h"
#include "report.h"

#define MAX_CLIENTS 4 /* of the control socket */
#define LINE_SIZE   128

struct client {
	int fd; /* -1: free */
	size_t length;
	char line[LINE_SIZE];
};

struct server {
	struct device device;
	const char *path;
	const char *control_path;
	const char *report_path;
	bool once;
	int listener;
	int control;
	int timer;
	int signals;
	struct client client[MAX_CLIENTS];
};

/* --- The report --- */

/*
 * Replaces the report in one step, so that a reader finds a whole report, the old one or the new
 * one.
 */
static int write_report_file(const char *path, const char *text)
{
	char new[PATH_MAX];
	FILE *out;
	bool written;

	if (snprintf(new, sizeof(new), "%s.new", path) >= (int)sizeof(new))
		return complain("the report's path is too long: %s", path);
	out = fopen(new, "w");
	if (!out)
		return complain("cannot write the report to %s: %s", new, strerror(errno));
	written = fputs(text, out) != EOF;
	if (fclose(out) || !written || rename(new, path))
		return complain("cannot write the report to %s: %s", path, strerror(errno));
	return 0;
}

static void write_report(const struct server *server)
{
	char *text = device_report(&server->device);

	if (server->report_path)
		write_report_file(server->report_path, text);
	else
		fputs(text, stdout);
	fflush(stdout);
	free(text);
}

/* --- The control socket: each line is a command, and each has a line as answer --- */

/* Runs a command. Returns the answer, which the caller frees. */
static char *obey(struct device *device, const char *name, const char *value)
{
	const char *wrong = NULL;
	char *text = NULL;

	if (!strcmp(name, "report"))
		return device_report(device);
	if (!strcmp(name, "resume"))
		device_resume(device);
	else if (value)
		wrong = device_set(device, name, value);
	else
		wrong = "`report`, `resume` or `SETTING VALUE` is wanted";
	if (asprintf(&text, "%s%s\n", wrong ? "error: " : "ok", wrong ? wrong : "") < 0)
		abort();
	return text;
}

static void answer(struct device *device, int fd, char *line)
{
	const char *name = strtok(line, " \t\r"), *value = strtok(NULL, " \t\r");
	char *text;

	if (!name)
		return;
	text = obey(device, name, value);
	/* A client that does not read its answers loses them. */
	if (send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		complain("an answer on the control socket was lost: %s", strerror(errno));
	free(text);
}

static void serve_client(struct device *device, struct client *client)
{
	char *newline;
	ssize_t got;

	got = recv(client->fd, client->line + client->length, LINE_SIZE - 1 - client->length,
		   MSG_DONTWAIT);
	if (got <= 0) {
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		close(client->fd);
		client->fd = -1;
		return;
	}
	client->length += got;
	while ((newline = memchr(client->line, '\n', client->length))) {
		*newline++ = '\0';
		answer(device, client->fd, client->line);
		client->length -= newline - client->line;
		memmove(client->line, newline, client->length);
	}
	if (client->length == LINE_SIZE - 1)
		client->length = 0; /* the line is longer than any command */
}

static void accept_client(struct server *server)
{
	int fd = accept4(server->control, NULL, NULL, SOCK_CLOEXEC);
	unsigned int i;

	for (i = 0; fd >= 0 && i < MAX_CLIENTS; i++) {
		if (server->client[i].fd >= 0)
			continue;
		server->client[i].fd = fd;
		server->client[i].length = 0;
		return;
	}
	if (fd >= 0)
		close(fd);
}

/* --- Events --- */

static void arm_timer(const struct server *server)
{
	unsigned long long when = device_next_time(&server->device);
	/* A time in the past makes the timer fire at once. Zero switches the timer off. */
	struct itimerspec spec = { .it_value = { .tv_sec = when / 1000000000,
						 .tv_nsec = when % 1000000000 } };

	timerfd_settime(server->timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void accept_front_end(struct server *server)
{
	int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		front_end_connected(&server->device.front, fd);
}

/* Handles a signal. Returns true if the device goes on. */
static bool serve_signal(const struct server *server)
{
	struct signalfd_siginfo info;

	if (read(server->signals, &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo != SIGUSR1)
		return false;
	write_report(server);
	return true;
}

enum {
	POLL_SIGNALS,
	POLL_TIMER,
	POLL_LISTENER,
	POLL_FRONT,
	POLL_KICK,
	POLL_CONTROL,
	POLL_CLIENTS
};

static int wait_for_events(const struct server *server, struct pollfd *polled)
{
	const struct front_end *front = &server->device.front;
	unsigned int i;

	polled[POLL_SIGNALS].fd = server->signals;
	polled[POLL_TIMER].fd = server->timer;
	/* Serves one front-end at a time. The next one waits. */
	polled[POLL_LISTENER].fd = front->socket < 0 ? server->listener : -1;
	polled[POLL_FRONT].fd = front->socket;
	polled[POLL_KICK].fd = front->kick;
	polled[POLL_CONTROL].fd = server->control;
	for (i = 0; i < MAX_CLIENTS; i++)
		polled[POLL_CLIENTS + i].fd = server->client[i].fd;
	for (i = 0; i < POLL_CLIENTS + MAX_CLIENTS; i++)
		polled[i].events = POLLIN;
	return poll(polled, POLL_CLIENTS + MAX_CLIENTS, -1);
}

/* Runs until a signal, or with --once until the front-end has closed the connection. */
static int run(struct server *server)
{
	struct pollfd polled[POLL_CLIENTS + MAX_CLIENTS];
	struct device *device = &server->device;
	unsigned int i;

	for (;;) {
		arm_timer(server);
		if (wait_for_events(server, polled) < 0) {
			if (errno == EINTR)
				continue;
			return complain("cannot wait for events: %s", strerror(errno));
		}
		if (polled[POLL_TIMER].revents)
			device_time_passed(device);
		if (polled[POLL_KICK].revents)
			device_kicked(device);
		if (polled[POLL_FRONT].revents && !device_message(device) && server->once)
			return 0;
		if (polled[POLL_LISTENER].revents)
			accept_front_end(server);
		if (polled[POLL_CONTROL].revents)
			accept_client(server);
		for (i = 0; i < MAX_CLIENTS; i++)
			if (polled[POLL_CLIENTS + i].revents)
				serve_client(device, &server->client[i]);
		if (polled[POLL_SIGNALS].revents && !serve_signal(server))
			return 0;
	}
}

/* --- Start and end --- */

/*
 * The path appears only when the socket already listens. So a client that sees the path can
 * connect.
 */
static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	int fd;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s.new", path) >=
	    (int)sizeof(address.sun_path))
		return complain("the socket's path is too long: %s", path);
	if (!lstat(path, &st) && !S_ISSOCK(st.st_mode))
		return complain("%s is there, and is no socket", path);
	unlink(address.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, MAX_CLIENTS) || rename(address.sun_path, path)) {
		complain("cannot listen at %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static int open_all(struct server *server)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	/* Ends this process if its parent is killed, because nobody else could end it then. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	server->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	server->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (server->signals < 0 || server->timer < 0)
		return complain("cannot wait for signals and time: %s", strerror(errno));
	server->listener = listen_at(server->path);
	if (server->listener < 0)
		return -1;
	if (!server->control_path)
		return 0;
	server->control = listen_at(server->control_path);
	return server->control < 0 ? -1 : 0;
}

static void close_socket(int fd, const char *path)
{
	if (fd < 0)
		return;
	close(fd);
	unlink(path);
}

static void close_all(struct server *server)
{
	unsigned int i;

	front_end_close(&server->device.front);
	for (i = 0; i < MAX_CLIENTS; i++)
		if (server->client[i].fd >= 0)
			close(server->client[i].fd);
	close_socket(server->control, server->control_path);
	close_socket(server->listener, server->path);
	close(server->timer);
	close(server->signals);
}

static const char usage[] =
	"usage: vhost-user-rng [OPTION...] SOCKET\n"
	"A virtio entropy device for tests, as a vhost-user back-end that QEMU connects to.\n"
	"\n"
	"What it offers, besides VERSION_1:\n"
	"  --packed             packed rings\n"
	"  --in-order           buffers are used in order (they always are; this says so)\n"
	"  --notification-data  the doorbell says how far the ring is filled\n"
	"  --event-idx          event suppression by index\n"
	"  --indirect           indirect descriptors\n"
	"What it does (TIME: 250us, 2ms, 1s):\n"
	"  --hold TIME          returns every buffer only after this time\n"
	"  --once               ends when the first front-end disconnects\n"
	"  --control SOCKET     answers `report`, `resume` and `SETTING VALUE`, a line each\n"
	"  --report FILE        writes the report there, not to stdout (at the end, and on "
	"SIGUSR1)\n"
	"How it goes wrong, after N kicks (from now on, when set through the control socket):\n"
	"  --stop-after N       never looks at the ring again\n"
	"  --pause-after N      does not look for the time of --pause-for TIME (1s), then goes on\n"
	"  --no-interrupt-after N       returns buffers without an interrupt\n"
	"  --stale-avail-event-after N  leaves an old avail_event behind and sleeps\n"
	"  --no-notify-after N          sets the flag that it wants no kick and sleeps\n"
	"  --wrong-id-after N           returns buffers under a number that is none's\n"
	"Settings of the control socket: hold, pause-for, and the names of the faults.\n";

/* Values from OPTION_OFFER on are feature bits. */
enum {
	OPTION_HELP = 256,
	OPTION_ONCE,
	OPTION_CONTROL,
	OPTION_REPORT,
	OPTION_SET,
	OPTION_OFFER
};

static const struct option options[] = {
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "once", no_argument, NULL, OPTION_ONCE },
	{ "control", required_argument, NULL, OPTION_CONTROL },
	{ "report", required_argument, NULL, OPTION_REPORT },
	{ "hold", required_argument, NULL, OPTION_SET },
	{ "stop-after", required_argument, NULL, OPTION_SET },
	{ "pause-after", required_argument, NULL, OPTION_SET },
	{ "pause-for", required_argument, NULL, OPTION_SET },
	{ "no-interrupt-after", required_argument, NULL, OPTION_SET },
	{ "stale-avail-event-after", required_argument, NULL, OPTION_SET },
	{ "no-notify-after", required_argument, NULL, OPTION_SET },
	{ "wrong-id-after", required_argument, NULL, OPTION_SET },
	{ "packed", no_argument, NULL, OPTION_OFFER + VIRTIO_F_RING_PACKED },
	{ "in-order", no_argument, NULL, OPTION_OFFER + VIRTIO_F_IN_ORDER },
	{ "notification-data", no_argument, NULL, OPTION_OFFER + VIRTIO_F_NOTIFICATION_DATA },
	{ "event-idx", no_argument, NULL, OPTION_OFFER + VIRTIO_RING_F_EVENT_IDX },
	{ "indirect", no_argument, NULL, OPTION_OFFER + VIRTIO_RING_F_INDIRECT_DESC },
	{ 0 }
};

/* Parses the options. Ends the program if they are wrong, or if they ask for help. */
static void parse_options(struct server *server, int argc, char **argv)
{
	uint64_t offered = 1ull << VIRTIO_F_VERSION_1;
	const char *wrong = NULL;
	int option, index;

	while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
		switch (option) {
		case OPTION_HELP:
			fputs(usage, stdout);
			exit(0);
		case OPTION_ONCE:
			server->once = true;
			break;
		case OPTION_CONTROL:
			server->control_path = optarg;
			break;
		case OPTION_REPORT:
			server->report_path = optarg;
			break;
		case OPTION_SET:
			wrong = device_set(&server->device, options[index].name, optarg);
			if (!wrong)
				break;
			fprintf(stderr, "vhost-user-rng: --%s %s: %s\n", options[index].name,
				optarg, wrong);
			exit(2);
		case '?':
			fputs("Try: vhost-user-rng --help\n", stderr);
			exit(2);
		default:
			offered |= 1ull << (option - OPTION_OFFER);
		}
	}
	if (optind != argc - 1) {
		fputs("vhost-user-rng: exactly one socket path is needed\n"
		      "Try: vhost-user-rng --help\n",
		      stderr);
		exit(2);
	}
	server->path = argv[optind];
	front_end_init(&server->device.front, offered, &counters.wraps);
}

int main(int argc, char **argv)
{
	static struct server server = { .listener = -1, .control = -1 };
	unsigned int i;
	int status;

	for (i = 0; i < MAX_CLIENTS; i++)
		server.client[i].fd = -1;
	device_init(&server.device);
	parse_options(&server, argc, argv);
	status = open_all(&server);
	if (!status) {
		status = run(&server);
		write_report(&server);
	}
	close_all(&server);
	return status ? 1 : 0;
}
