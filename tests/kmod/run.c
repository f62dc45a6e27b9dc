// SPDX-License-Identifier: GPL-2.0
/*
 * A run: one thread for each CPU, each with its own queues. Hard interrupts can drive half of the
 * queues instead. They interrupt the thread of the same CPU at any place in its calls.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/math64.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timex.h>
#include <linux/wait.h>

#include "exerciser.h"

/*
 * How many calls one interrupt makes, and how many rounds run with interrupts off: at most a
 * millisecond.
 */
#define VRX_IRQ_BURST	8
#define VRX_QUIET_BATCH 1000

struct vrx_time {
	u64 rounds; /* rounds, or calls */
	u64 ns;
	u64 cycles; /* cycles of the time stamp counter */
};

/* The queues that one context of a CPU drives. */
struct vrx_set {
	struct vrx_queue **queue;
	unsigned int nr;
	unsigned int next;
	u64 left; /* calls of the data path that are left */
};

struct vrx_worker {
	struct task_struct *task;
	unsigned int cpu;
	struct vrx_set process, irq;
	struct vrx_time time;
	struct hrtimer timer;
	struct completion irq_done;
	u64 random; /* state of the random numbers for shared calls */
	u64 wrong;
};

static struct {
	struct vrx_command command;
	struct vrx_device *const *devices;
	unsigned int nr_devices;
	struct vrx_worker *workers;
	unsigned int nr_workers;
	atomic_t running;      /* how many workers run */
	atomic_t in_data_path; /* how many workers are in the data path */
	struct completion done;
	bool active; /* threads exist */
	bool stop;
	int status;
} run;

static DECLARE_WAIT_QUEUE_HEAD(vrx_data_path_left);

static bool vrx_stopped(void)
{
	return READ_ONCE(run.stop);
}

/* --- mode=ops: every operation an exact number of times --- */

static u64 vrx_random(u64 *state)
{
	/* xorshift64 */
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static u64 vrx_seed(unsigned int number)
{
	/*
	 * Neighbouring numbers give seeds that are far apart. The seed is not 0, because xorshift64
	 * never leaves 0.
	 */
	return (((run.command.seed << 20) + number + 1) * 0x9e3779b97f4a7c15ULL) ?: 1;
}

static u64 vrx_left(const struct vrx_queue *q, enum vrx_op first, enum vrx_op end)
{
	u64 left = 0;

	while (first < end)
		left += q->left[first++];
	return left;
}

/*
 * Chooses an operation. The chance of an operation is proportional to how often it is left to do.
 */
static enum vrx_op vrx_choose(struct vrx_queue *q, enum vrx_op first, enum vrx_op end)
{
	u64 choice = mul_u64_u64_shr(vrx_random(&q->random), vrx_left(q, first, end), 64);
	enum vrx_op op;

	for (op = first; op < end - 1 && choice >= q->left[op]; op++)
		choice -= q->left[op];
	return op;
}

/* Makes a call of the data path. Returns how many operations the call was. */
static unsigned int vrx_step(struct vrx_queue *q)
{
	enum vrx_context context = in_hardirq() ? VRX_IRQ : VRX_PROCESS;
	enum vrx_op op = vrx_choose(q, 0, VRX_DATA_OPS);

	q->step++;
	q->left[op]--;

	/*
	 * Some pairs of enable_cb_prepare and poll are made by virtqueue_enable_cb(), which does
	 * both.
	 */
	if (op == VRX_ENABLE_CB_PREPARE && q->left[VRX_POLL] && q->random & 64) {
		bool none = virtqueue_enable_cb(q->vq);

		q->left[VRX_POLL]--;
		vrx_counted(q, VRX_ENABLE_CB_PREPARE, context, 1, 1);
		vrx_counted(q, VRX_POLL, context, 1, !none);
		return 2;
	}

	vrx_call(q, op, context);
	return 1;
}

/* Returns the next queue of a set that has an operation left to do. */
static struct vrx_queue *vrx_next(struct vrx_set *set)
{
	struct vrx_queue *q;

	do {
		q = set->queue[set->next++];
		if (set->next == set->nr)
			set->next = 0;
	} while (!vrx_left(q, 0, VRX_DATA_OPS));
	return q;
}

static enum hrtimer_restart vrx_timer(struct hrtimer *timer)
{
	struct vrx_worker *w = container_of(timer, struct vrx_worker, timer);
	unsigned int i;

	for (i = 0; i < VRX_IRQ_BURST && w->irq.left && !vrx_stopped(); i++)
		w->irq.left -= vrx_step(vrx_next(&w->irq));

	if (!w->irq.left || vrx_stopped()) {
		complete(&w->irq_done);
		return HRTIMER_NORESTART;
	}
	hrtimer_forward_now(timer, ns_to_ktime(run.command.irq_us * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

static void vrx_timer_start(struct vrx_worker *w)
{
	const enum hrtimer_mode mode = HRTIMER_MODE_REL_PINNED_HARD;

#ifdef HAVE_HRTIMER_SETUP
	hrtimer_setup(&w->timer, vrx_timer, CLOCK_MONOTONIC, mode);
#else
	hrtimer_init(&w->timer, CLOCK_MONOTONIC, mode);
	w->timer.function = vrx_timer;
#endif
	hrtimer_start(&w->timer, ns_to_ktime(run.command.irq_us * NSEC_PER_USEC), mode);
}

/* Calls an operation that needs no lock, on a queue that another CPU drives. */
static void vrx_call_foreign(struct vrx_worker *w)
{
	static const enum vrx_op ops[] = { VRX_NOTIFY, VRX_DISABLE_CB, VRX_POLL };
	u64 random = vrx_random(&w->random);
	unsigned int i = random % (run.nr_workers - 1);
	struct vrx_worker *other = &run.workers[i];
	struct vrx_set *set;

	if (other >= w)
		other++;
	set = run.command.irq && random >> 62 & 1 ? &other->irq : &other->process;
	vrx_call(set->queue[(random >> 32) % set->nr], ops[(random >> 56) % ARRAY_SIZE(ops)],
		 VRX_SHARED);
}

static void vrx_control_path(struct vrx_queue *q)
{
	const enum vrx_op first = VRX_DATA_OPS, end = VRX_OPS;
	enum vrx_op op;

	while (vrx_left(q, first, end) && !vrx_stopped()) {
		op = vrx_choose(q, first, end);
		q->left[op]--;
		if (op == VRX_DETACH_UNUSED_BUF)
			vrx_counted(q, op, VRX_PROCESS, 1, vrx_detach_unused_buf(q));
		else if (op == VRX_RESIZE)
			vrx_queue_resize(q, VRX_PROCESS);
		else
			vrx_queue_reset(q, VRX_PROCESS);
		if (op != VRX_DETACH_UNUSED_BUF)
			q->detaching = false;
		cond_resched();
	}
	if (q->detaching) {
		vrx_queue_reset(q, VRX_OTHER);
		q->detaching = false;
	}
}

static void vrx_run_ops(struct vrx_worker *w)
{
	u64 start = ktime_get_ns(), start_cycles = get_cycles();
	u64 total = w->process.left + w->irq.left;
	unsigned int i, n = 0;
	bool irq = w->irq.left;

	if (irq)
		vrx_timer_start(w);

	while (w->process.left && !vrx_stopped()) {
		w->process.left -= vrx_step(vrx_next(&w->process));
		if (run.command.shared)
			vrx_call_foreign(w);
		if (!(++n % 64))
			cond_resched();
	}
	if (irq) {
		wait_for_completion_state(&w->irq_done, TASK_IDLE);
		hrtimer_cancel(&w->timer);
	}

	w->time.rounds = total - w->process.left - w->irq.left;
	w->time.ns = ktime_get_ns() - start;
	w->time.cycles = get_cycles() - start_cycles;

	/* A ring may be replaced only when no other CPU uses it. */
	if (atomic_dec_and_test(&run.in_data_path))
		wake_up_all(&vrx_data_path_left);
	wait_event_idle(vrx_data_path_left, !atomic_read(&run.in_data_path));

	for (i = 0; i < w->process.nr; i++)
		vrx_control_path(w->process.queue[i]);
	for (i = 0; i < w->irq.nr; i++)
		vrx_control_path(w->irq.queue[i]);
}

/* --- mode=round: the calls that are measured --- */

/* The device uses the one buffer that is available. */
static __always_inline void vrx_complete_one(struct vrx_queue *q, bool packed)
{
	if (packed) {
		struct vring_packed_desc *desc = &q->packed_desc[q->next_used.index];

		desc->len = 0;
		/* Write the flags last, because they give the descriptor to the driver. */
		virt_wmb();
		WRITE_ONCE(desc->flags, q->next_used.wrap
						? cpu_to_le16(BIT(VRING_PACKED_DESC_F_AVAIL) |
							      BIT(VRING_PACKED_DESC_F_USED))
						: 0);
		if (++q->next_used.index == q->num) {
			q->next_used.index = 0;
			q->next_used.wrap = !q->next_used.wrap;
		}
	} else {
		u16 i = q->next_used.index & (q->num - 1);

		q->used->ring[i].id = vrx_put32(vrx_get16(q->avail->ring[i]));
		q->used->ring[i].len = 0;
		/* Write the entry before the index, because the index makes the entry valid. */
		virt_wmb();
		WRITE_ONCE(q->used->idx, vrx_put16(++q->next_used.index));
	}
}

/* Makes a round: add, kick_prepare and get. Returns false if the ring did something wrong. */
static __always_inline bool vrx_round(struct vrx_queue *q, bool packed, bool notify)
{
	struct vrx_buffer *b = q->buffers;
	unsigned int len;
	bool kick;

	if (virtqueue_add_outbuf(q->vq, &b->out, 1, b, GFP_ATOMIC))
		return false;
	kick = virtqueue_kick_prepare(q->vq);
	q->kicks += kick;
	if (notify && kick)
		virtqueue_notify(q->vq);
	vrx_complete_one(q, packed);
	return virtqueue_get_buf(q->vq, &len) == b;
}

static __always_inline u64 vrx_rounds(struct vrx_set *set, unsigned int passes, bool packed,
				      bool notify)
{
	unsigned int i;
	u64 wrong = 0;

	while (passes--)
		for (i = 0; i < set->nr; i++)
			wrong += !vrx_round(set->queue[i], packed, notify);
	return wrong;
}

static u64 vrx_rounds_of(struct vrx_set *set, unsigned int passes)
{
	bool notify = run.command.notify;

	if (set->queue[0]->packed)
		return notify ? vrx_rounds(set, passes, true, true)
			      : vrx_rounds(set, passes, true, false);
	return notify ? vrx_rounds(set, passes, false, true)
		      : vrx_rounds(set, passes, false, false);
}

/* Counts what vrx_rounds() did, after the measured time. */
static void vrx_rounds_counted(struct vrx_queue *q, unsigned int rounds)
{
	vrx_counted(q, VRX_ADD, VRX_PROCESS, rounds, rounds);
	vrx_counted(q, VRX_KICK_PREPARE, VRX_PROCESS, rounds, q->kicks);
	if (run.command.notify)
		vrx_counted(q, VRX_NOTIFY, VRX_PROCESS, q->kicks, q->kicks);
	vrx_counted(q, VRX_GET, VRX_PROCESS, rounds, rounds);
	q->kicks = 0;
	q->out_bytes += (u64)rounds * q->buffers->out.length;
	/* The device has used all available buffers. */
	q->next_avail = q->next_used;
}

static void vrx_run_rounds(struct vrx_worker *w)
{
	struct vrx_set *set = &w->process;
	unsigned int most = max(VRX_QUIET_BATCH / set->nr, 1U);
	u64 left = run.command.rounds;

	while (left && !w->wrong && !vrx_stopped()) {
		unsigned int i, passes = min_t(u64, left, most);
		unsigned long flags = 0;
		u64 ns, cycles;

		if (run.command.quiet)
			local_irq_save(flags);
		ns = ktime_get_ns();
		cycles = get_cycles();
		w->wrong = vrx_rounds_of(set, passes);
		w->time.cycles += get_cycles() - cycles;
		w->time.ns += ktime_get_ns() - ns;
		if (run.command.quiet)
			local_irq_restore(flags);

		for (i = 0; i < set->nr; i++)
			vrx_rounds_counted(set->queue[i], passes);
		w->time.rounds += (u64)passes * set->nr;
		left -= passes;
		cond_resched();
	}
}

/* --- The life of a run --- */

/* Ends a run: the last worker checks the queues, and releases them. */
static void vrx_run_ended(void)
{
	unsigned int i, j;

	run.status = vrx_stopped() ? -EINTR : 0;
	for (i = 0; i < run.nr_workers; i++)
		if (run.workers[i].wrong)
			run.status = -EIO;
	for (i = 0; i < run.nr_devices; i++) {
		struct vrx_device *dev = run.devices[i];

		for (j = 0; j < dev->nr_queues; j++) {
			struct vrx_queue *q = &dev->queue[j];

			if (!q->wrong && !virtqueue_is_broken(q->vq))
				continue;
			dev_err(&dev->vdev.dev, "%s: %llu wrong results%s\n", q->name, q->wrong,
				virtqueue_is_broken(q->vq) ? ", and the ring is broken" : "");
			run.status = -EIO;
		}
		vrx_device_put(dev);
	}
	complete_all(&run.done);
}

static int vrx_worker(void *data)
{
	struct vrx_worker *w = data;

	if (run.command.mode == VRX_ROUND)
		vrx_run_rounds(w);
	else
		vrx_run_ops(w);

	if (atomic_dec_and_test(&run.running))
		vrx_run_ended();

	/*
	 * The thread stays until it is reaped, so that it does not run code of this module after
	 * the module is gone.
	 */
	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static void vrx_workers_free(void)
{
	unsigned int i;

	for (i = 0; i < run.nr_workers; i++) {
		kvfree(run.workers[i].process.queue);
		kvfree(run.workers[i].irq.queue);
	}
	kvfree(run.workers);
	run.workers = NULL;
	run.nr_workers = 0;
}

static int vrx_set_add(struct vrx_set *set, struct vrx_queue *q, unsigned int most)
{
	if (!set->queue)
		set->queue = kvcalloc(most, sizeof(*set->queue), GFP_KERNEL);
	if (!set->queue)
		return -ENOMEM;
	set->queue[set->nr++] = q;
	set->left += vrx_left(q, 0, VRX_DATA_OPS);
	return 0;
}

static void vrx_queue_prepare(struct vrx_queue *q, unsigned int number)
{
	memcpy(q->left, run.command.times, sizeof(q->left));
	q->random = vrx_seed(number);
	q->kicks = 0;
	/* A measurement starts from the same state each time. */
	if (run.command.mode == VRX_ROUND) {
		vrx_queue_reset(q, VRX_OTHER);
		if (q->num != q->dev->shape->size)
			vrx_queue_resize(q, VRX_OTHER);
	}
}

/* Gives the queues to the workers. An even queue and the next odd one stay together. */
static int vrx_deal(void)
{
	unsigned int i, j, number = 0, most = 0;
	int err;

	for (i = 0; i < run.nr_devices; i++)
		most += run.devices[i]->nr_queues;

	for (i = 0; i < run.nr_devices; i++) {
		for (j = 0; j < run.devices[i]->nr_queues; j++, number++) {
			struct vrx_queue *q = &run.devices[i]->queue[j];
			unsigned int share = run.command.irq ? number / 2 : number;
			struct vrx_worker *w = &run.workers[share % run.nr_workers];

			vrx_queue_prepare(q, number);
			err = vrx_set_add(run.command.irq && j & 1 ? &w->irq : &w->process, q,
					  most);
			if (err)
				return err;
		}
	}
	return 0;
}

/* Creates one thread for each of the first CPUs. */
static int vrx_workers_create(void)
{
	unsigned int cpu, n = 0;
	int err = 0;

	cpus_read_lock();
	for_each_online_cpu(cpu)
	{
		struct vrx_worker *w = &run.workers[n];
		struct task_struct *task;

		if (n == run.nr_workers)
			break;
		w->cpu = cpu;
		w->random = vrx_seed(n);
		init_completion(&w->irq_done);
		task = kthread_create(vrx_worker, w, "vrx/%u", cpu);
		if (IS_ERR(task)) {
			err = PTR_ERR(task);
			break;
		}
		kthread_bind(task, cpu);
		w->task = task;
		n++;
	}
	if (!err && n < run.nr_workers) {
		pr_err("cpus=%u: only %u CPUs are online\n", run.nr_workers, n);
		err = -EINVAL;
	}
	cpus_read_unlock();
	return err;
}

static void vrx_workers_stop(void)
{
	unsigned int i;

	for (i = 0; i < run.nr_workers; i++) {
		if (run.workers[i].task)
			kthread_stop(run.workers[i].task);
		run.workers[i].task = NULL;
	}
}

int vrx_run_start(const struct vrx_command *command, struct vrx_device *const devices[],
		  unsigned int nr_devices)
{
	unsigned int i, held;
	int err;

	vrx_workers_free();
	run.command = *command;
	run.devices = devices;
	run.nr_devices = nr_devices;
	run.status = 0;
	WRITE_ONCE(run.stop, false);
	init_completion(&run.done);

	run.workers = kvcalloc(command->cpus, sizeof(*run.workers), GFP_KERNEL);
	if (!run.workers)
		return -ENOMEM;
	run.nr_workers = command->cpus;
	atomic_set(&run.running, run.nr_workers);
	atomic_set(&run.in_data_path, run.nr_workers);

	for (held = 0; held < nr_devices; held++) {
		if (!vrx_device_get(devices[held])) {
			dev_err(&devices[held]->vdev.dev, "no driver is bound\n");
			err = -ENODEV;
			goto err_put;
		}
	}

	err = vrx_deal();
	if (!err)
		err = vrx_workers_create();
	if (err)
		goto err_stop;

	run.active = true;
	for (i = 0; i < run.nr_workers; i++)
		wake_up_process(run.workers[i].task);
	return 0;

err_stop:
	/* A thread that was never woken up ends without running. */
	vrx_workers_stop();
err_put:
	while (held--)
		vrx_device_put(devices[held]);
	return err;
}

/* Waits for the end of the run. A signal ends the run early. */
void vrx_run_wait(void)
{
	if (wait_for_completion_interruptible(&run.done))
		vrx_run_stop();
	wait_for_completion(&run.done);
}

void vrx_run_stop(void)
{
	WRITE_ONCE(run.stop, true);
}

/* Ends the threads of a run that has ended. Returns its status. */
int vrx_run_reap(void)
{
	if (run.active) {
		wait_for_completion(&run.done);
		vrx_workers_stop();
		run.active = false;
	}
	return run.status;
}

/*
 * Returns true if the queues are still in use, or if a process waits for the run and will reap it.
 */
bool vrx_run_busy(void)
{
	return run.active && (run.command.wait || !completion_done(&run.done));
}

void vrx_run_exit(void)
{
	vrx_run_stop();
	vrx_run_reap();
	vrx_workers_free();
}

static void vrx_show_ratio(struct seq_file *s, const char *name, u64 sum, u64 n)
{
	u64 rest, whole = div64_u64_rem(sum, n, &rest);

	seq_printf(s, " %s=%llu.%03llu", name, whole, div64_u64(rest * 1000, n));
}

void vrx_run_show_time(struct seq_file *s)
{
	unsigned int i;

	for (i = 0; i < run.nr_workers; i++) {
		const struct vrx_worker *w = &run.workers[i];
		struct vrx_time time = w->time;

		seq_printf(s, "cpu=%u rounds=%llu ns=%llu cycles=%llu", w->cpu, time.rounds,
			   time.ns, time.cycles);
		if (time.rounds) {
			vrx_show_ratio(s, "ns_per_round", time.ns, time.rounds);
			vrx_show_ratio(s, "cycles_per_round", time.cycles, time.rounds);
		}
		seq_putc(s, '\n');
	}
}
