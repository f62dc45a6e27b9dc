// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include "device.h"
#include "report.h"

#define NEVER	    ULLONG_MAX
#define SECOND	    1000000000ull /* ns */
#define MAX_WRITTEN (1u << 20)	  /* bytes written to one buffer; may be fewer than fit */
#define SPIN	    200000ull	  /* ns; a sleep may end this much too late */

static const struct faults no_faults = { NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, SECOND };

static unsigned long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

void device_init(struct device *device)
{
	memset(device, 0, sizeof(*device));
	device->faults = no_faults;
}

/* --- Buffers --- */

static uint32_t fill(const struct ring_buffer *buffer)
{
	uint32_t written = 0;
	unsigned int i;
	size_t length, done;
	ssize_t got;

	for (i = 0; i < buffer->segments && written < MAX_WRITTEN; i++) {
		length = buffer->segment[i].iov_len;
		if (length > MAX_WRITTEN - written)
			length = MAX_WRITTEN - written;
		for (done = 0; done < length; done += got) {
			got = getrandom((char *)buffer->segment[i].iov_base + done, length - done,
					0);
			if (got < 0 && errno == EINTR)
				got = 0;
			else if (got < 0) {
				complain("getrandom failed: %s", strerror(errno));
				return written + done;
			}
		}
		written += length;
	}
	return written;
}

static void take_buffer(struct device *device)
{
	const struct ring_buffer *buffer = &device->buffer;
	unsigned long long now = now_ns();
	struct held *held;

	if (buffer->readable)
		complain("a buffer with an element to read from, given to an entropy device");
	held = &device->held[(device->held_first + device->held_count++) % RING_MAX_SIZE];
	*held = (struct held){
		.taken_at = now,
		.due = now + device->hold,
		.written = fill(buffer),
		.id = buffer->id,
		.slots = buffer->slots,
		.quiet = counters.kicks > device->faults.no_interrupt,
		.wrong = counters.kicks > device->faults.wrong_id,
	};
	counters.taken++;
}

static void interrupt(struct device *device)
{
	if (!eventfd_write(device->front.call, 1))
		counters.interrupts++;
	else
		complain("cannot send an interrupt: %s", strerror(errno));
}

static void return_buffer(struct device *device, const struct held *held)
{
	unsigned long long time = now_ns() - held->taken_at;
	struct ring *ring = &device->front.ring;
	bool wanted;

	/* ring->size is the first number that no buffer has. */
	wanted = ring_return(ring, held->wrong ? ring->size : held->id, held->slots, held->written);
	counters.buffers++;
	counters.bytes += held->written;
	device->held_for[device->held_times++ % HELD_TIMES] = time;
	if (!wanted || device->front.call < 0)
		counters.interrupts_suppressed++;
	else if (held->quiet)
		counters.interrupts_withheld++;
	else
		interrupt(device);
}

static void return_due(struct device *device)
{
	struct held *held;

	while (device->held_count) {
		held = &device->held[device->held_first];
		if (held->due > now_ns() + SPIN)
			return;
		while (held->due > now_ns())
			;
		device->held_first = (device->held_first + 1) % RING_MAX_SIZE;
		device->held_count--;
		return_buffer(device, held);
	}
}

/* --- The ring --- */

/* Returns true if no fault keeps the device from its ring. */
static bool may_look(struct device *device)
{
	struct faults *faults = &device->faults;

	if (counters.kicks > faults->stop)
		return false;
	if (counters.kicks <= faults->pause)
		return true;
	/* The pause begins with the first kick that the device ignores. */
	if (!device->pause_until)
		device->pause_until = now_ns() + faults->pause_for;
	if (now_ns() < device->pause_until)
		return false;
	faults->pause = NEVER;
	device->pause_until = 0;
	return true;
}

/*
 * Asks for a kick, before the device sleeps. Returns true if there are new buffers, so that the
 * device must not sleep.
 */
static bool want_kick(struct device *device)
{
	struct ring *ring = &device->front.ring;

	if (counters.kicks >= device->faults.stale_avail_event && ring->event_idx)
		ring_leave_stale_event(ring);
	else if (counters.kicks >= device->faults.no_notify && (ring->packed || !ring->event_idx))
		ring_refuse_kicks(ring);
	else
		return ring_want_kick(ring);
	return false;
}

static void look(struct device *device)
{
	struct front_end *front = &device->front;
	int result;

	if (!front->ring.running || front->ring.broken || !may_look(device))
		return;
	do {
		while ((result = ring_take(&front->ring, &front->memory, &device->buffer)) > 0)
			take_buffer(device);
		if (result < 0 && front->error >= 0)
			eventfd_write(front->error, 1);
	} while (!result && want_kick(device));
	return_due(device);
}

void device_kicked(struct device *device)
{
	unsigned long long taken = counters.taken;
	eventfd_t value;

	/*
	 * The value is the number of kicks since the last read. So kicks that eventfd merged are
	 * counted, too.
	 */
	if (eventfd_read(device->front.kick, &value))
		return;
	counters.kicks += value;
	counters.wakeups++;
	if (!may_look(device)) {
		counters.kicks_ignored += value;
		return;
	}
	look(device);
	if (counters.taken == taken)
		counters.empty_looks++;
}

/*
 * Applies new faults at once, so that the driver sees them. Prints an error for a fault that the
 * driver cannot see with these features.
 */
static void follow_faults(struct device *device)
{
	const struct ring *ring = &device->front.ring;

	if (!ring->running)
		return;
	if (device->faults.stale_avail_event != NEVER && !ring->event_idx)
		complain("no stale avail_event can be shown: event_idx was not negotiated");
	if (device->faults.no_notify != NEVER && !ring->packed && ring->event_idx)
		complain("the no-notify flag cannot be shown: in a split ring, event_idx overrides "
			 "it");
	look(device);
}

/*
 * The ring started, restarted or stopped. So the buffers that the device held do not belong to it
 * any more.
 */
static void follow_ring(struct device *device)
{
	const struct ring *ring = &device->front.ring;

	if (ring->running && ring->starts == device->starts)
		return;
	device->held_count = 0;
	if (!ring->running)
		return;
	device->starts = ring->starts;
	device->negotiated = device->front.features;
	follow_faults(device);
}

bool device_message(struct device *device)
{
	bool good;

	/*
	 * A message may replace the eventfd. So first count the kicks in the eventfd, because they
	 * came before the message.
	 */
	if (device->front.kick >= 0)
		device_kicked(device);
	good = front_end_serve(&device->front);
	if (!good)
		front_end_close(&device->front);
	follow_ring(device);
	return good;
}

/* --- Time --- */

void device_time_passed(struct device *device)
{
	if (device->pause_until && now_ns() >= device->pause_until)
		look(device);
	return_due(device);
}

unsigned long long device_next_time(const struct device *device)
{
	unsigned long long next = device->pause_until;

	unsigned long long due;

	if (!device->held_count)
		return next;
	due = device->held[device->held_first].due;
	due = due > SPIN ? due - SPIN : 1;
	return next && next < due ? next : due;
}

/* --- Settings --- */

static bool parse_number(const char *text, unsigned long long *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *number < NEVER;
}

/* "250us", "2ms", "1s", "1500ns" */
static bool parse_time(const char *text, unsigned long long *ns)
{
	static const struct {
		const char *name;
		unsigned long long ns;
	} units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", SECOND } };
	unsigned long long number;
	char *end;
	size_t i;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || errno)
		return false;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(end, units[i].name))
			return !__builtin_mul_overflow(number, units[i].ns, ns) &&
			       *ns <= 3600 * SECOND;
	return false;
}

/*
 * Raises the priority if that is permitted, so that a busy machine does not make the times longer.
 */
static void be_on_time(void)
{
	sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 1 });
}

const char *device_set(struct device *device, const char *name, const char *value)
{
	const struct {
		const char *name;
		unsigned long long *after;
	} faults[] = {
		{ "stop-after", &device->faults.stop },
		{ "no-interrupt-after", &device->faults.no_interrupt },
		{ "stale-avail-event-after", &device->faults.stale_avail_event },
		{ "no-notify-after", &device->faults.no_notify },
		{ "pause-after", &device->faults.pause },
		{ "wrong-id-after", &device->faults.wrong_id },
	};
	unsigned long long number;
	size_t i;

	if (!strcmp(name, "hold")) {
		be_on_time();
		device->held_times = 0;
		return parse_time(value, &device->hold) ? NULL : "a time is wanted, as in 2ms";
	}
	if (!strcmp(name, "pause-for"))
		return parse_time(value, &device->faults.pause_for)
			       ? NULL
			       : "a time is wanted, as in 500ms";
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (strcmp(name, faults[i].name))
			continue;
		if (!parse_number(value, &number))
			return "a number of kicks is wanted";
		*faults[i].after = counters.kicks + number;
		follow_faults(device);
		return NULL;
	}
	return "there is no such setting";
}

void device_resume(struct device *device)
{
	device->faults = no_faults;
	device->pause_until = 0;
	look(device);
	return_due(device);
	if (device->front.ring.running && device->front.call >= 0)
		interrupt(device);
}

/* --- The report --- */

static const struct {
	unsigned int bit;
	const char *name;
} feature_names[] = {
	{ VIRTIO_RING_F_INDIRECT_DESC, "indirect_desc" },
	{ VIRTIO_RING_F_EVENT_IDX, "event_idx" },
	{ VIRTIO_F_VERSION_1, "version_1" },
	{ VIRTIO_F_RING_PACKED, "packed" },
	{ VIRTIO_F_IN_ORDER, "in_order" },
	{ VIRTIO_F_NOTIFICATION_DATA, "notification_data" },
};

static void print_features(FILE *out, const char *name, uint64_t features)
{
	const char *comma = "";
	size_t i;

	fprintf(out, "\"%s\":[", name);
	for (i = 0; i < sizeof(feature_names) / sizeof(feature_names[0]); i++) {
		if (!(features >> feature_names[i].bit & 1))
			continue;
		fprintf(out, "%s\"%s\"", comma, feature_names[i].name);
		comma = ",";
	}
	fputs("],", out);
}

static void print_faults(const struct device *device, FILE *out)
{
	const struct faults *faults = &device->faults;
	const struct {
		const char *name;
		unsigned long long after;
	} all[] = {
		{ "stop", faults->stop },
		{ "no_interrupt", faults->no_interrupt },
		{ "stale_avail_event", faults->stale_avail_event },
		{ "no_notify", faults->no_notify },
		{ "pause", faults->pause },
		{ "wrong_id", faults->wrong_id },
	};
	const char *comma = "";
	size_t i;

	fputs("\"faults\":{", out);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].after == NEVER)
			continue;
		fprintf(out, "%s\"%s_after\":%llu", comma, all[i].name, all[i].after);
		comma = ",";
	}
	fputs("},", out);
}

static void print_ring(const struct device *device, FILE *out)
{
	const struct ring *ring = &device->front.ring;

	fprintf(out, "\"ring\":\"%s\",",
		!ring->running ? "stopped"
		: ring->broken ? "broken"
			       : "running");
	if (!ring->running)
		return;
	fprintf(out, "\"layout\":\"%s\",\"size\":%u,\"next_avail\":%u,\"next_used\":%u,",
		ring->packed ? "packed" : "split", ring->size, ring->next_avail, ring->next_used);
	if (ring->packed)
		fprintf(out, "\"avail_wrap\":%d,\"used_wrap\":%d,", ring->avail_wrap,
			ring->used_wrap);
}

static int compare_times(const void *a, const void *b)
{
	unsigned long long x = *(const unsigned long long *)a;
	unsigned long long y = *(const unsigned long long *)b;

	return x < y ? -1 : x > y;
}

static void print_held(const struct device *device, FILE *out)
{
	unsigned long long times[HELD_TIMES] = { 0 };
	size_t count = device->held_times < HELD_TIMES ? device->held_times : HELD_TIMES;

	memcpy(times, device->held_for, count * sizeof(times[0]));
	qsort(times, count, sizeof(times[0]), compare_times);
	fprintf(out, "\"held_ns_min\":%llu,\"held_ns_p50\":%llu,\"held_ns_max\":%llu,", times[0],
		times[count / 2], times[count ? count - 1 : 0]);
}

char *device_report(const struct device *device)
{
	const struct counters *c = &counters;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	fprintf(out, "{\"connected\":%s,", device->front.socket >= 0 ? "true" : "false");
	print_features(out, "offered", device->front.offered);
	print_features(out, "negotiated", device->negotiated);
	print_ring(device, out);
	fprintf(out, "\"hold_ns\":%llu,", device->hold);
	print_faults(device, out);
	fprintf(out, "\"connections\":%llu,\"ring_starts\":%u,", c->connections, device->starts);
	fprintf(out, "\"kicks\":%llu,\"kicks_at_start\":%llu,\"wakeups\":%llu,", c->kicks,
		c->kicks_at_start, c->wakeups);
	fprintf(out, "\"kicks_ignored\":%llu,\"empty_looks\":%llu,", c->kicks_ignored,
		c->empty_looks);
	fprintf(out, "\"taken\":%llu,\"buffers\":%llu,\"bytes\":%llu,\"in_hand\":%u,", c->taken,
		c->buffers, c->bytes, device->held_count);
	fprintf(out, "\"interrupts\":%llu,\"interrupts_suppressed\":%llu,", c->interrupts,
		c->interrupts_suppressed);
	fprintf(out, "\"interrupts_withheld\":%llu,\"wraps\":%llu,", c->interrupts_withheld,
		c->wraps);
	print_held(device, out);
	fprintf(out, "\"errors\":%llu,\"last_error\":\"%s\"}\n", c->errors, last_complaint);
	if (fclose(out))
		abort();
	return text;
}
