// SPDX-License-Identifier: GPL-2.0
#include <time.h>
#include "fake_probe.h"

struct fake_probe fake_probe;

struct probe *probe_open(uint32_t ops)
{
	fake_probe.ops = ops;
	return fake_probe.read ? (struct probe *)&fake_probe : NULL;
}

const struct snapshot *probe_read(struct probe *p)
{
	(void)p;
	return fake_probe.read(fake_probe.reads++);
}

uint64_t probe_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

const struct snapshot *fake_adds(unsigned int n)
{
	static struct op_stats add;
	static struct queue q = { .serial = 1, .name = "req.0", .role = "vda", .op = { &add } };
	static struct snapshot s = { .how = "tracepoints", .nr_queues = 1, .queues = &q };
	static uint64_t start;

	add.count = n;
	s.time = probe_now();
	if (!n)
		start = s.time;
	s.since = s.time - start;
	return &s;
}

/* There are no single operations and no rings. */
void probe_events(struct probe *p, void (*take)(void *arg, const struct recording_event *e),
		  void *arg)
{
	(void)p;
	(void)take;
	(void)arg;
}

uint64_t probe_measure(struct probe *p)
{
	(void)p;
	return fake_probe.measure ? fake_probe.measure() : UINT64_MAX;
}

void probe_drain(struct probe *p)
{
	(void)p;
}

uint64_t probe_dropped(const struct probe *p)
{
	(void)p;
	return 0;
}

int probe_rings(struct probe *p)
{
	(void)p;
	return 0;
}

const struct vt_ring *probe_ring(const struct probe *p, const struct queue *q)
{
	(void)p;
	(void)q;
	return NULL;
}

int probe_ring_entries(struct probe *p, const struct queue *q, struct vt_ring_entry *entries)
{
	(void)p;
	(void)q;
	(void)entries;
	return -1;
}

void probe_stop(struct probe *p)
{
	(void)p;
}

void probe_close(struct probe *p)
{
	(void)p;
}
