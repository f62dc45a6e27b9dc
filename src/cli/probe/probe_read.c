// SPDX-License-Identifier: GPL-2.0
/* What was counted until now, out of the memory that the programs share, as a snapshot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "base/error.h"
#include "base/format.h"
#include "model/ring.h"
#include "probe/device.h"
#include "probe/probe_internal.h"

/* Fewer events than this do not tell what one costs. */
#define CALIBRATION_EVENTS 500

/* So long (ns) a queue is shown as new, or as gone. */
#define REMARKABLE 10000000000ull

/* How often (ns) the role of a new queue is looked for, in files of sysfs. */
#define ROLES_INTERVAL 1000000000ull

/* Takes over what the kernel says of its queues; new ones are added. */
static int read_queues(struct probe *p)
{
	struct snapshot *s = &p->total;
	size_t next = 0; /* entries stand nearly in the order of the queues */
	bool added = false, look_for_roles = s->time - p->roles >= ROLES_INTERVAL;

	if (look_for_roles)
		p->roles = s->time;
	for (uint32_t i = 1; i < p->nr_queues; i++) {
		struct vt_queue k = p->queues[i];
		struct queue *q;

		if (k.state != VT_QUEUE_LIVE && k.state != VT_QUEUE_GONE)
			continue;
		q = snapshot_queue_near(s, k.serial, next);
		if (q)
			next = q - s->queues + 1;
		if (!q) {
			q = realloc(s->queues, (s->nr_queues + 1) * sizeof(*q));
			if (!q)
				return complain(NULL, "no memory for %zu queues", s->nr_queues);
			s->queues = q;
			q = &s->queues[s->nr_queues++];
			memset(q, 0, sizeof(*q));
			q->serial = k.serial;
			q->device = k.device;
			q->device_type = k.device_type;
			q->index = k.index;
			q->layout = k.layout;
			q->features = k.features;
			if (k.serial >= p->first_new)
				q->changed = s->time;
			added = true;
		}
		/* The driver's name may come after its first queue. */
		copy_printable(q->name, k.name, sizeof(q->name));
		copy_printable(q->driver, k.driver, sizeof(q->driver));
		q->fresh = q->changed && s->time - q->changed < REMARKABLE;
		q->broken = k.broken;
		q->num = k.num;
		q->num_free = k.num_free;
		if (queue_has_notification_data(q)) {
			q->doorbells = p->doorbells[i];
			doorbells_settle(&q->doorbells);
		}
		/* A role may come later, too; but only networks and disks (virtio 1.3, section 5)
		 * get one. */
		if (!q->role[0] && k.state == VT_QUEUE_LIVE &&
		    (k.device_type == 1 || k.device_type == 2) &&
		    s->time - (q->changed ?: p->start) < REMARKABLE && look_for_roles)
			device_role(q->device, q->role, sizeof(q->role));
	}
	/* Only now: one that went meanwhile must not live beside its successor. */
	for (uint32_t i = 1; i < p->nr_queues; i++) {
		struct queue *q;

		if (__atomic_load_n(&p->queues[i].state, __ATOMIC_ACQUIRE) != VT_QUEUE_GONE)
			continue;
		q = snapshot_queue(s, p->queues[i].serial);
		if (!q || q->gone)
			continue;
		q->gone = true;
		q->fresh = false;
		q->changed = s->time;
	}
	if (added)
		qsort(s->queues, s->nr_queues, sizeof(*s->queues), queue_order);
	return 0;
}

/* A queue that lives in the place of one that is gone. */
static bool has_successor(const struct snapshot *s, const struct queue *gone)
{
	for (size_t i = 0; i < s->nr_queues; i++) {
		const struct queue *q = &s->queues[i];

		if (!q->gone && q->device == gone->device && q->index == gone->index)
			return true;
	}
	return false;
}

/* Forgets queues that are gone, and that the reader was told of before. */
static void drop_gone(struct snapshot *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->nr_queues; i++) {
		struct queue *q = &s->queues[i];

		if (!q->gone || q->changed == s->time ||
		    (s->time - q->changed < REMARKABLE && !has_successor(s, q))) {
			s->queues[kept++] = *q;
			continue;
		}
		for (int op = 0; op < VT_NR_COUNTED; op++)
			free(q->op[op]);
	}
	s->nr_queues = kept;
}

static void free_entries(struct probe *p)
{
	for (uint32_t i = 1; i < p->nr_queues; i++) {
		const struct queue *q;

		if (p->queues[i].state != VT_QUEUE_GONE)
			continue;
		q = snapshot_queue(&p->total, p->queues[i].serial);
		if (!q || !q->gone)
			continue;
		p->doorbells[i].sent = 0;
		__atomic_store_n(&p->queues[i].state, VT_QUEUE_NONE, __ATOMIC_RELEASE);
	}
}

/* How often a function is to be seen before it is clear that it only calls another one. */
#define ENOUGH_CALLS 16

static void detach_wrapper(const struct vt_calls *calls, struct bpf_link **enter,
			   struct bpf_link **exit)
{
	if (!*enter || calls->counted || calls->counted_inside < ENOUGH_CALLS)
		return;
	bpf_link__destroy(*enter);
	bpf_link__destroy(*exit);
	*enter = *exit = NULL;
}

/*
 * A compiler may have made a function a jump to another one that is watched,
 * which then pays for two pairs of programs.
 */
static void detach_wrappers(struct probe *p)
{
	struct vringtop_bpf *skel = p->skel;

	detach_wrapper(&skel->data_shared->virtqueue_get_buf_calls,
		       &skel->links.enter_virtqueue_get_buf, &skel->links.exit_virtqueue_get_buf);
	detach_wrapper(&skel->data_shared->virtqueue_enable_cb_calls,
		       &skel->links.enter_virtqueue_enable_cb,
		       &skel->links.exit_virtqueue_enable_cb);
}

/* The operations that were called since it was last asked: a bit for each. */
static uint32_t moved_ops(struct probe *p)
{
	uint32_t moved = 0;

	for (int op = 0; op < VT_NR_OPS; op++) {
		uint64_t count = 0;

		for (size_t i = 0; i < p->total.nr_queues; i++)
			if (p->total.queues[i].op[op])
				count += p->total.queues[i].op[op]->count;
		if (count != p->counted[op])
			moved |= 1u << op;
		p->counted[op] = count;
	}
	return moved;
}

/*
 * What the programs missed, and what they took: bpf counts a program that would have
 * interrupted itself as missed. One that did not run has nothing new to tell.
 */
static void read_programs(struct probe *p)
{
	struct bpf_object_skeleton *skel = p->skel->skeleton;
	uint64_t missed = 0, runs = 0, ns = 0;
	uint32_t moved = moved_ops(p), either = moved | p->moved;

	/* Once more: one may still have been at its end when its count was read. */
	p->moved = moved;
	for (int i = 0; i < skel->prog_cnt; i++) {
		struct bpf_program *prog = *skel->progs[i].prog;
		struct runs *r = &p->runs[i];
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (r->ops & either && *skel->progs[i].link &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size)) {
			r->missed = info.recursion_misses;
			r->count = info.run_cnt;
			r->ns = info.run_time_ns;
		}
		missed += r->loses_calls ? r->missed : 0;
		runs += r->count;
		ns += r->ns;
	}
	p->total.lost = missed + p->skel->data_shared->lost_ids + p->skel->data_shared->lost_slots;
	if (p->stats_fd >= 0 && runs >= CALIBRATION_EVENTS) {
		p->total.probe_ns = (double)ns / runs;
		close(p->stats_fd);
		p->stats_fd = -1;
	}
}

const struct snapshot *probe_read(struct probe *p)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct rusage usage;
	int err = bpf_prog_test_run_opts(bpf_program__fd(p->skel->progs.refresh), &opts);

	if (err) {
		complain(NULL, "cannot look at the rings: %s", strerror(-err));
		return NULL;
	}
	/* While their queues are known. */
	probe_drain(p);
	p->total.time = probe_now();
	if (read_queues(p))
		return NULL;
	drop_gone(&p->total);
	if (counters_read(&p->counters, p->queues, p->nr_queues, &p->total))
		return NULL;
	free_entries(p);
	detach_wrappers(p);
	read_programs(p);
	getrusage(RUSAGE_SELF, &usage);
	p->total.cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
		       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	p->total.since = p->total.time - p->start;
	return &p->total;
}
