// SPDX-License-Identifier: GPL-2.0
/* vringtop export: metrics for Prometheus, over HTTP or in a file. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "base/confine.h"
#include "base/error.h"
#include "base/replaced_file.h"
#include "base/signals.h"
#include "output/openmetrics.h"
#include "probe/stall_poll.h"
#include "verbs/attach.h"
#include "verbs/export_http.h"
#include "verbs/export_listen.h"
#include "verbs/options.h"
#include "verbs/verbs.h"

static const char doc[] =
	"Serves the counts of the virtqueues as metrics for Prometheus, in OpenMetrics or in the "
	"classic text format, as the client asks. /metrics has the metrics; /healthz answers "
	"\"ok\" as long as vringtop counts. The counters are read once a second, however often a "
	"client asks. If systemd hands over a socket (socket activation), vringtop uses it; "
	"otherwise it listens on " LISTEN_DEFAULT "."
	"\vExamples:\n"
	"  sudo vringtop export             then: curl localhost:9842/metrics\n"
	"  sudo vringtop export --listen 10.0.0.7:9842\n"
	"  sudo vringtop export --listen '[::]:9842' --operations\n"
	"  sudo vringtop export --listen vsock:9842    for the host, without a network\n"
	"  sudo vringtop export --textfile /var/lib/node_exporter/vringtop.prom\n\n"
	"By default vringtop counts only the operations that the metrics need; with --operations, "
	"all. The stages of requests are among them: they cost about 150 instructions a request, "
	"and up to 36 of the 80 series of a queue. An -o that names no stage leaves them out.\n\n"
	"A bucket ends one below a power of four: le=\"1.023e-06\" has all times up to 1023 ns. "
	"Buckets of stages end one below a power of sixteen. "
	"docs/fleet.md explains the metrics, and how to look after many guests.";

/* Time between two readings of the counters and the rings, ns. */
#define CLOCK 1000000000ull

/* The file of --textfile is written at every tenth reading. */
#define READINGS_PER_FILE 10

/* Number of queues that are shown, without --max-series. */
#define DEFAULT_QUEUES 64

/*
 * The limit of open files. The programs, maps and links need some, and each client needs one.
 */
#define OPEN_FILES 1024

/* The operations that the metrics need: a bit for each enum vt_op. */
#define NEEDED_OPS                                                                                 \
	(1u << VT_OP_ADD | 1u << VT_OP_GET | 1u << VT_OP_KICK_PREPARE | 1u << VT_OP_NOTIFY |       \
	 1u << VT_INTERRUPT | 1u << VT_AVAIL_TO_USED | VT_STAGES | 1u << VT_BUFFERS_PER_DOORBELL)

/* Options without a letter. */
enum {
	OPT_TEXTFILE = 256,
	OPT_OPERATIONS,
	OPT_MAX_SERIES,
	OPT_BUCKETS,
};

struct export_options {
	struct op_filter filter;
	struct listen_at listen;  /* listen.text NULL: no socket */
	const char *textfile;	  /* NULL: none */
	bool operations;	  /* also write a histogram of each operation's times */
	bool fine;		  /* a bucket for each power of 2, not of 4 */
	unsigned long max_series; /* of all queues together; 0: enough for DEFAULT_QUEUES */
};

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "Output:", 2 },
	{ "listen", 'l', "WHERE", 0,
	  "Where to serve: ADDR:PORT, unix:PATH, vsock:PORT, or fd:N for a socket that is open",
	  2 },
	{ "textfile", OPT_TEXTFILE, "FILE", 0,
	  "Write the metrics to FILE every ten seconds, for node_exporter; without --listen there "
	  "is no socket",
	  2 },
	{ "operations", OPT_OPERATIONS, 0, 0, "Also a histogram of each operation's times", 2 },
	{ "buckets", OPT_BUCKETS, "2|4", 0,
	  "A bucket for each power of 2, or of 4 (4); of stages: of 4, or of 16", 2 },
	{ "max-series", OPT_MAX_SERIES, "N", 0,
	  "Show as many queues as fit into N series (enough for 64 queues)", 2 },
	{},
};

static void parse_max_series(struct export_options *o, const char *arg,
			     const struct argp_state *state)
{
	char *end;

	errno = 0;
	o->max_series = strtoul(arg, &end, 10);
	if (end == arg || *end || errno || !o->max_series || strchr(arg, '-'))
		wrong_use(state, "A queue has up to some hundred series: --max-series 10000",
			  "--max-series: '%s' is not a whole number from 1 on", arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct export_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->filter;
		return 0;
	case 'l':
		if (!listen_parse(arg, &o->listen))
			wrong_use(state,
				  "Write " LISTEN_DEFAULT ", [::1]:9842, unix:/run/vringtop.sock, "
				  "vsock:9842, or fd:3.",
				  "--listen: '%s' is no address to listen on", arg);
		return 0;
	case OPT_TEXTFILE:
		o->textfile = arg;
		return 0;
	case OPT_OPERATIONS:
		o->operations = true;
		return 0;
	case OPT_BUCKETS:
		if (strcmp(arg, "2") && strcmp(arg, "4"))
			wrong_use(state, "Write --buckets 2 or --buckets 4.",
				  "--buckets: '%s' is neither 2 nor 4", arg);
		o->fine = *arg == '2';
		return 0;
	case OPT_MAX_SERIES:
		parse_max_series(o, arg, state);
		return 0;
	case ARGP_KEY_ARG:
		unexpected_word(state, arg);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { &op_filter_argp, 0, NULL, 0 }, {} };
static const struct argp argp = { options, parse, .doc = doc, .children = children };

struct exporter {
	const struct export_options *o;
	uint32_t ops; /* operations that are counted: a bit for each enum vt_op */
	struct probe *probe;
	struct stall_watch stalls;
	const struct snapshot *all; /* the last reading; owned by the probe */
	struct http *http;	    /* NULL: no socket */
	struct replaced_file *file; /* NULL: none */
	unsigned int readings;	    /* number of readings so far */
};

/*
 * Writes all metrics of the last reading to @f. An http_source.write().
 * Returns 0, or -1 after a message.
 */
static int write_metrics(void *exporter, FILE *f, bool classic)
{
	struct exporter *e = exporter;
	struct snapshot shown = {};
	struct openmetrics m = {
		.s = &shown,
		.stalls = &e->stalls,
		.ops = e->ops & ~e->all->unavailable,
		.operations = e->o->operations,
		.fine = e->o->fine,
		.classic = classic,
	};
	size_t most;

	if (snapshot_copy(e->all, &shown))
		return complain(NULL, "no memory for %zu queues", e->all->nr_queues);
	filter_apply(&e->o->filter.filter, &shown);
	most = openmetrics_queue_series(&m);
	m.most_queues = e->o->max_series ? e->o->max_series / most : DEFAULT_QUEUES;
	openmetrics_write(f, &m);
	snapshot_free(&shown);
	return 0;
}

/* Writes the file of --textfile. Returns 0, or -1 after a message. */
static int write_textfile(struct exporter *e)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int err = f ? write_metrics(e, f, true) : -1;

	if (f && !fclose(f) && !err)
		replaced_file_write(e->file, text, size);
	free(text);
	return err;
}

/*
 * Reads the counters and the rings, and makes the metrics new. Returns 0, or -1 after a message.
 */
static int read_counters(struct exporter *e)
{
	e->all = probe_read(e->probe);
	if (!e->all || stall_poll(&e->stalls, e->probe, e->all, e->all))
		return -1;
	stall_watch_drop(&e->stalls, e->all->time);
	if (e->http)
		http_changed(e->http);
	if (e->file && e->readings++ % READINGS_PER_FILE == 0)
		return write_textfile(e);
	return 0;
}

/* Reads and serves until a signal comes. Returns 0, or -1 after a message. */
static int run(struct exporter *e)
{
	uint64_t next = e->all->time + CLOCK, until;

	do {
		if (probe_now() >= next) {
			if (read_counters(e))
				return -1;
			/* If this process or the machine was paused, skip the missed readings. */
			next = e->all->time + CLOCK;
		}
		until = next;
		if (e->http) {
			http_run(e->http);
			until = http_deadline(e->http);
		}
	} while (wait_for_input(e->http ? http_fd(e->http) : -1, until < next ? until : next) !=
		 WAKE_STOP);
	return 0;
}

/* Raises the limit of open files to OPEN_FILES, or as far as this process may. */
static void raise_open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= OPEN_FILES)
		return;
	limit.rlim_cur = limit.rlim_max < OPEN_FILES ? limit.rlim_max : OPEN_FILES;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * Opens everything that needs privileges, drops the privileges, and reads the counters for the
 * first time. Returns 0, or -1 after a message.
 */
static int start(struct exporter *e)
{
	const struct http_source source = { write_metrics, e };
	int socket = -1;

	signal(SIGPIPE, SIG_IGN);
	raise_open_files();
	if (e->o->textfile) {
		e->file = replaced_file_open(e->o->textfile);
		if (!e->file)
			return -1;
	}
	/* After replaced_file_open(), because its process would inherit the socket. */
	if (e->o->listen.text) {
		socket = listen_open(&e->o->listen);
		if (socket < 0)
			return -1;
	}
	e->probe = attach(e->ops | PROBE_RINGS);
	if (!e->probe)
		return -1;
	if (socket >= 0) {
		e->http = http_open(socket, &source);
		if (!e->http)
			return -1;
	}
	if (e->http ? confine_serving() : confine())
		return -1;
	if (read_counters(e) || filter_match(&e->o->filter.filter, e->all))
		return -1;
	if (e->http)
		fprintf(stderr, "Serving metrics on %s; Ctrl-C ends it.\n", e->o->listen.text);
	else
		fprintf(stderr, "Writing metrics to %s; Ctrl-C ends it.\n", e->o->textfile);
	return 0;
}

int verb_export(int argc, char **argv)
{
	struct export_options o = { .filter.all = NEEDED_OPS };
	struct exporter e = { .o = &o, .stalls.after = STALL_AFTER };
	int status = 1;

	options_parse(&argp, argc, argv, 0, &o);
	if (o.operations && o.filter.filter.ops == NEEDED_OPS)
		o.filter.filter.ops = ALL_OPS;
	e.ops = o.filter.filter.ops;
	if (!o.listen.text && !o.textfile) {
		int inherited = listen_inherited(&o.listen);

		if (inherited < 0)
			return 1;
		if (!inherited)
			listen_parse(LISTEN_DEFAULT, &o.listen);
	}
	if (!start(&e) && !run(&e))
		status = 0;
	http_close(e.http);
	replaced_file_close(e.file);
	stall_watch_free(&e.stalls);
	probe_close(e.probe);
	return status;
}
