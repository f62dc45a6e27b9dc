// SPDX-License-Identifier: GPL-2.0
/* Makes a snapshot of the current counts, from the memory that the programs share with the tool. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "base/error.h"
#include "probe/kernel.h"
#include "probe/probe_internal.h"

/*
 * The cost of an event is the mean over this many events. Measuring ends after MEASURED_TIME (ns)
 * in any case, because measuring slows down every program.
 */
#define MEASURED_EVENTS 500
#define MEASURED_TIME	10000000000ull
/*
 * probe_measure() checks this often whether there were enough events, ns. Until measuring ends, the
 * times of all operations are too long. So the step is as short as the shortest usual interval.
 */
#define MEASURE_STEP 50000000ull

/* After this many calls it is certain that a function only calls another one. */
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
 * Detaches the programs of functions that only call another function. The compiler may turn such a
 * function into a jump to the other one, which has programs, too. Then each call would pay for two
 * pairs of programs.
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

/* Returns the operations that were called since the last call of this function: a bit for each. */
static uint32_t moved_ops(struct probe *p)
{
	uint32_t moved = 0;

	for (int op = 0; op < VT_NR_TIMED; op++) {
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

/* Reads the statistics of the programs that count the operations @ops from the kernel. */
static void read_programs(struct probe *p, uint32_t ops)
{
	struct bpf_object_skeleton *skel = p->skel->skeleton;

	for (int i = 0; i < skel->prog_cnt; i++) {
		struct bpf_program *prog = *skel->progs[i].prog;
		struct runs *r = &p->runs[i];
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (r->ops & ops && *skel->progs[i].link &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size)) {
			r->missed = info.recursion_misses;
			r->count = info.run_cnt;
			r->ns = info.run_time_ns;
		}
	}
}

/*
 * Computes how many events were lost. BPF counts a program that would have interrupted itself as
 * missed. A program whose operations were not called has no new misses, so it is not asked.
 */
static void read_lost(struct probe *p)
{
	uint32_t moved = moved_ops(p);

	p->total.lost = p->skel->data_shared->lost_ids + p->skel->data_shared->lost_slots;
	/*
	 * Also ask about the operations of the last reading, because a program may still have been
	 * running then.
	 */
	read_programs(p, moved | p->moved);
	p->moved = moved;
	for (int i = 0; i < p->skel->skeleton->prog_cnt; i++)
		if (p->runs[i].loses_calls)
			p->total.lost += p->runs[i].missed;
}

uint64_t probe_measure(struct probe *p)
{
	uint64_t runs = 0, ns = 0, now = probe_now();

	if (p->stats_fd < 0)
		return UINT64_MAX;
	if (now < p->next_measure)
		return p->next_measure;
	read_programs(p, UINT32_MAX);
	for (int i = 0; i < p->skel->skeleton->prog_cnt; i++) {
		runs += p->runs[i].count;
		ns += p->runs[i].ns;
	}
	if (runs >= MEASURED_EVENTS)
		p->total.probe_ns = (double)ns / runs;
	else if (now - p->queues.start < MEASURED_TIME)
		return p->next_measure = now + MEASURE_STEP;
	close(p->stats_fd);
	p->stats_fd = -1;
	return UINT64_MAX;
}

/* Returns true if there are queues without an entry in the table, now or at the last reading. */
static bool has_queues_without_entry(const struct probe *p)
{
	return p->total.not_shown || p->skel->data_shared->no_entry != p->no_entry ||
	       p->skel->data_shared->lost_ids != p->lost_ids;
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
	if (p->by_functions && kernel_ftrace_off()) {
		kernel_complain_ftrace();
		return NULL;
	}
	/* Do this first, while the queues of these operations are still known. */
	probe_drain(p);
	p->total.time = probe_now();
	if (queue_table_read(&p->queues, &p->total) ||
	    counters_read(&p->counters, p->queues.entries, p->queues.nr_entries, &p->total))
		return NULL;
	queue_table_free_gone(&p->queues, &p->total);
	if (has_queues_without_entry(p) && probe_find_queues(p, NULL))
		return NULL;
	detach_wrappers(p);
	read_lost(p);
	probe_measure(p);
	getrusage(RUSAGE_SELF, &usage);
	p->total.cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
		       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	p->total.since = p->total.time - p->queues.start;
	return &p->total;
}
