// SPDX-License-Identifier: GPL-2.0
/* The HTTP side of `export`: answers requests with metrics. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <zlib.h>
#include "base/error.h"
#include "output/openmetrics.h"
#include "verbs/export_http.h"

/* The most open connections. Further clients wait in the backlog of the socket. */
#define MOST_CONNECTIONS 256

/* The longest time from the start of a connection to its end, ns. */
#define LONGEST 10000000000ull

/* Memory of a connection, bytes: for the request and the headers of the answer. */
#define CONNECTION_MEMORY 8192

/* How the metrics are written: a bit each. CLASSIC: the classic format, not OpenMetrics. */
#define CLASSIC	 1
#define GZIP	 2
#define NR_FORMS 4

struct connection {
	int fd;		/* -1: this struct is not in use */
	uint64_t begin; /* ns, CLOCK_MONOTONIC */
};

struct http {
	struct MHD_Daemon *daemon;
	struct http_source source;
	/* The answers made since http_changed(), by form; NULL: no client has asked for it yet. */
	struct MHD_Response *metrics[NR_FORMS];
	struct connection connections[MOST_CONNECTIONS];
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* --- What a client accepts --- */

/*
 * Returns how much a client wants @name: the q of RFC 9110, section 12.4.2, 0 to 1. Returns -1 if
 * the list does not have the name.
 * @header: a list such as "text/plain;q=0.5, text/html"; NULL: the client sent none
 */
static double quality(const char *header, const char *name)
{
	size_t length = strlen(name);

	while (header && *header) {
		size_t part;
		const char *q;

		header += strspn(header, " \t,");
		part = strcspn(header, ",");
		if (!strncasecmp(header, name, length) && strchr(" \t;,", header[length])) {
			q = memmem(header, part, "q=", 2);
			return q ? strtod(q + 2, NULL) : 1;
		}
		header += part;
	}
	return -1;
}

/*
 * Returns the form that a client asks for. A client that asks for none gets the classic format
 * without gzip, because every client can read it.
 */
static unsigned int wanted_form(struct MHD_Connection *c)
{
	const char *accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept");
	const char *encoding = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept-Encoding");
	double open = quality(accept, "application/openmetrics-text");
	double classic = quality(accept, "text/plain");

	return (open > 0 && open >= classic ? 0 : CLASSIC) |
	       (quality(encoding, "gzip") > 0 ? GZIP : 0);
}

/* --- Answers --- */

/* Replaces a text by the same text in gzip. Returns 0; on failure -1, and the text is unchanged. */
static int compress_text(char **text, size_t *size)
{
	z_stream z = { .next_in = (unsigned char *)*text, .avail_in = *size };
	char *out;
	int err;

	/* + 16: zlib writes a gzip header instead of its own. */
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -1;
	z.avail_out = deflateBound(&z, *size);
	out = malloc(z.avail_out);
	z.next_out = (unsigned char *)out;
	err = out ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
	deflateEnd(&z);
	if (err != Z_STREAM_END) {
		free(out);
		return -1;
	}
	free(*text);
	*text = out;
	*size = z.total_out;
	return 0;
}

/*
 * Makes an answer with the metrics. Returns NULL without memory, or if source->write() failed,
 * which prints a message.
 */
static struct MHD_Response *make_metrics(const struct http_source *source, unsigned int form)
{
	struct MHD_Response *r;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int err;

	if (!f)
		return NULL;
	err = source->write(source->arg, f, form & CLASSIC);
	if (fclose(f) || err || (form & GZIP && compress_text(&text, &size))) {
		free(text);
		return NULL;
	}
	r = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
	if (!r) {
		free(text);
		return NULL;
	}
	MHD_add_response_header(r, "Content-Type",
				form & CLASSIC ? CLASSIC_TYPE : OPENMETRICS_TYPE);
	MHD_add_response_header(r, "Vary", "Accept, Accept-Encoding");
	MHD_add_response_header(r, "Connection", "close");
	if (form & GZIP)
		MHD_add_response_header(r, "Content-Encoding", "gzip");
	return r;
}

static enum MHD_Result answer_text(struct MHD_Connection *c, unsigned int status, const char *type,
				   const char *text)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "Connection", "close");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, "Allow", "GET, HEAD");
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result answer_metrics(struct http *h, struct MHD_Connection *c)
{
	unsigned int form = wanted_form(c);

	if (!h->metrics[form])
		h->metrics[form] = make_metrics(&h->source, form);
	if (!h->metrics[form])
		return answer_text(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain",
				   "The metrics could not be written.\n");
	return MHD_queue_response(c, MHD_HTTP_OK, h->metrics[form]);
}

static const char page[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\"><head><meta charset=\"utf-8\"><title>vringtop export</title></head>\n"
	"<body><h1>vringtop export</h1>\n"
	"<p>Metrics of the virtqueues of this guest, for Prometheus.</p>\n"
	"<ul><li><a href=\"/metrics\">/metrics</a></li>\n"
	"<li><a href=\"/healthz\">/healthz</a>: \"ok\" as long as vringtop counts</li></ul>\n"
	"<p>vringtop " VRINGTOP_VERSION "</p></body></html>\n";

static enum MHD_Result on_request(void *http, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	(void)version;
	(void)upload;
	(void)upload_size;
	(void)state;
	/* The answer is made from the request's header. A body is never read. */
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return answer_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
				   "Only GET and HEAD are supported.\n");
	if (!strcmp(url, "/metrics"))
		return answer_metrics(http, c);
	if (!strcmp(url, "/healthz"))
		return answer_text(c, MHD_HTTP_OK, "text/plain", "ok\n");
	if (!strcmp(url, "/"))
		return answer_text(c, MHD_HTTP_OK, "text/html; charset=utf-8", page);
	return answer_text(c, MHD_HTTP_NOT_FOUND, "text/plain",
			   "Here are /, /metrics and /healthz, and nothing else.\n");
}

/* --- Connections --- */

/*
 * libmicrohttpd calls this at the start and at the end of a connection.
 * @place: keeps a pointer of ours as long as the connection lasts
 */
static void on_connection(void *http, struct MHD_Connection *c, void **place,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http *h = http;
	struct connection *one = *place;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (one)
			one->fd = -1;
		return;
	}
	for (one = h->connections; one < h->connections + MOST_CONNECTIONS; one++) {
		if (one->fd >= 0)
			continue;
		one->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		one->begin = now();
		*place = one;
		return;
	}
}

/*
 * Ends the connections that have lasted longer than LONGEST. libmicrohttpd's own limit starts
 * again with each byte, so a client that sends a byte now and then would stay for ever.
 */
static void end_old_connections(struct http *h)
{
	uint64_t t = now();

	for (int i = 0; i < MOST_CONNECTIONS; i++)
		if (h->connections[i].fd >= 0 && t - h->connections[i].begin > LONGEST)
			shutdown(h->connections[i].fd, SHUT_RDWR);
}

struct http *http_open(int socket, const struct http_source *source)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h) {
		complain(NULL, "no memory to serve HTTP");
		return NULL;
	}
	h->source = *source;
	for (int i = 0; i < MOST_CONNECTIONS; i++)
		h->connections[i].fd = -1;
	/* No thread: the caller calls http_run() when the epoll descriptor has input. */
	h->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, h, MHD_OPTION_LISTEN_SOCKET, socket,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)MOST_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_END);
	if (!h->daemon) {
		complain(NULL, "cannot serve HTTP: libmicrohttpd %s failed to start",
			 MHD_get_version());
		free(h);
		return NULL;
	}
	return h;
}

int http_fd(const struct http *h)
{
	return MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

uint64_t http_deadline(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(h->daemon, &ms) != MHD_YES)
		return UINT64_MAX;
	return now() + ms * 1000000;
}

void http_run(struct http *h)
{
	end_old_connections(h);
	MHD_run(h->daemon);
}

void http_changed(struct http *h)
{
	for (int i = 0; i < NR_FORMS; i++) {
		/* A client that is reading the answer keeps it: libmicrohttpd counts references. */
		if (h->metrics[i])
			MHD_destroy_response(h->metrics[i]);
		h->metrics[i] = NULL;
	}
}

void http_close(struct http *h)
{
	if (!h)
		return;
	http_changed(h);
	MHD_stop_daemon(h->daemon);
	free(h);
}
