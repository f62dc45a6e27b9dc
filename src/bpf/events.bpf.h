/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program for each event of the system virtio_ring (kernel-patch/README.md
 * has their arguments).
 */

/*
 * This CPU, with the event left in the register in which it came. Any call would make
 * the compiler keep it in another one, which then is to be saved; but of this one the
 * verifier knows (bpf_fastcall, from Linux 6.12 on) that it leaves all others alone,
 * and takes the saving away.
 */
static __always_inline __u32 event_cpu(const __u64 **event)
{
	register const __u64 *kept asm("r1") = *event;
	register __u64 cpu asm("r0");
	__u64 saved;

	asm volatile("*(u64 *)%[saved] = %[kept]; call %[helper]; %[kept] = *(u64 *)%[saved]"
		     : "=r"(cpu), [kept] "+r"(kept), [saved] "=m"(saved)
		     : [helper] "i"(bpf_get_smp_processor_id)
		     : "r2", "r3", "r4", "r5");
	*event = kept;
	return cpu;
}

/* The same: the time, ns, left on the stack. */
static __always_inline void event_clock(const __u64 **event, __u64 *now)
{
	register const __u64 *kept asm("r1") = *event;
	__u64 saved;

	asm volatile("*(u64 *)%[saved] = %[kept]; call %[helper]; %[kept] = *(u64 *)%[saved];"
		     "*(u64 *)%[now] = r0"
		     : [kept] "+r"(kept), [saved] "=m"(saved), [now] "=m"(*now)
		     : [helper] "i"(bpf_ktime_get_ns)
		     : "r0", "r2", "r3", "r4", "r5");
	*event = kept;
}

#define PROGRAM(name, event, each)                                                                 \
	SEC("raw_tp/virtqueue_" #event)                                                            \
	int on_##name(__u64 *args)                                                                 \
	{                                                                                          \
		return event##_start(args, each);                                                  \
	}

/*
 * What follows it is done with each event of an operation, whose slot is found. It is
 * compiled twice: as long as everything is near, no function is called but at the very
 * end, so that no register needs saving.
 * @row: of this queue and CPU; NULL: it or the slot is far away
 * @now: when it happened, ns; 0: unless something is asked about each operation
 */
#define EVENT(name, op)                                                                            \
	static __always_inline void name##_event(const __u64 *event, const struct vt_row *row,     \
						 struct vt_slot *slot, __u64 now);                 \
                                                                                                   \
	static __noinline int name##_far(const __u64 *event, __u64 now)                            \
	{                                                                                          \
		struct vt_slot *slot = slot_find(event[EVENT_ID], op);                             \
                                                                                                   \
		if (slot)                                                                          \
			name##_event(event, 0, slot, now);                                         \
		return 0;                                                                          \
	}                                                                                          \
	static __always_inline int name##_start(const __u64 *event, bool each)                     \
	{                                                                                          \
		struct vt_row *row;                                                                \
		struct vt_slot *slot;                                                              \
		__u64 now = 0;                                                                     \
		__u32 cpu;                                                                         \
                                                                                                   \
		if (each)                                                                          \
			event_clock(&event, &now);                                                 \
		cpu = event_cpu(&event);                                                           \
		if (row_near(event[EVENT_ID], cpu, &row) && slot_near(row, op, &slot))             \
			name##_event(event, row, slot, now);                                       \
		else                                                                               \
			name##_far(event, now);                                                    \
		return 0;                                                                          \
	}                                                                                          \
	PROGRAM(name, name, false)                                                                 \
	static __always_inline void name##_event(const __u64 *event, const struct vt_row *row,     \
						 struct vt_slot *slot, __u64 now)

/* What the doorbells of a queue have announced, if it is near. */
static __always_inline bool announced_near(__u64 id, struct announced **a)
{
	barrier_var(id);
	if (unlikely(id >= VT_NEAR_QUEUES))
		return false;
	*a = &near_announcements[id];
	return true;
}

static __noinline int buffer_added_far(const __u64 *event, __u64 now)
{
	added(event[EVENT_ID]);
	if (now)
		flight_start(event[EVENT_ID], (const void *)event[EVENT_DATA], now);
	return 0;
}

static __noinline int flight_start_far(const __u64 *event, __u64 now)
{
	flight_start(event[EVENT_ID], (const void *)event[EVENT_DATA], now);
	return 0;
}

EVENT(add, VT_OP_ADD)
{
	struct announced *a;

	count(slot, event[EVENT_NS], event[EVENT_RESULT]);
	keep(slot, VT_OP_ADD, event[EVENT_NS], event[EVENT_RESULT]);
	if (event[EVENT_RESULT])
		return;
	slot->bytes_out += event[EVENT_OUT];
	slot->bytes_in += event[EVENT_IN];
	if (!row || !announced_near(event[EVENT_ID], &a)) {
		buffer_added_far(event, now);
		return;
	}
	a->added++;
	if (now && !flight_start_near(event[EVENT_ID], (const void *)event[EVENT_DATA], now))
		flight_start_far(event, now);
}

static __noinline int flight_end_far(const __u64 *event, __u64 now)
{
	__u64 away = flight_end(event[EVENT_ID], (const void *)event[EVENT_DATA], now);
	struct vt_slot *slot = away ? slot_find(event[EVENT_ID], VT_AVAIL_TO_USED) : 0;

	if (slot)
		count(slot, away, false);
	return 0;
}

EVENT(get, VT_OP_GET)
{
	__u64 away;

	count(slot, event[EVENT_NS], !event[EVENT_RESULT]);
	keep(slot, VT_OP_GET, event[EVENT_NS], event[EVENT_RESULT]);
	slot->bytes_in += event[EVENT_LENGTH];
	if (!now)
		return;
	if (row && slot_near(row, VT_AVAIL_TO_USED, &slot)) {
		const void *data = (const void *)event[EVENT_DATA];

		away = buffer_end(flight_of(event[EVENT_ID], data), 0, event[EVENT_ID], data, now);
		if (likely(away)) {
			count(slot, away, false);
			return;
		}
	}
	flight_end_far(event, now);
}

/* In place of those without _each, for who asks for the time from available to used. */
PROGRAM(add_each, add, !args[EVENT_RESULT])
PROGRAM(get_each, get, args[EVENT_RESULT])

/* A doorbell will be rung: how many buffers it announces. */
static __noinline int kick_announce_far(const __u64 *event)
{
	struct announced *a = announcements_at(event[EVENT_ID]);
	struct vt_slot *slot;
	__u32 buffers;

	if (!a)
		return 0;
	buffers = announce(a);
	slot = slot_find(event[EVENT_ID], VT_BUFFERS_PER_DOORBELL);
	if (slot)
		count(slot, buffers, false);
	return 0;
}

EVENT(kick_prepare, VT_OP_KICK_PREPARE)
{
	struct announced *a;

	count(slot, event[EVENT_NS], !event[EVENT_RESULT]);
	keep(slot, VT_OP_KICK_PREPARE, event[EVENT_NS], event[EVENT_RESULT]);
	if (!event[EVENT_RESULT])
		return;
	if (row && announced_near(event[EVENT_ID], &a) &&
	    slot_near(row, VT_BUFFERS_PER_DOORBELL, &slot)) {
		announce(a);
		count(slot, a->last, false);
	} else {
		kick_announce_far(event);
	}
}

/* An operation of which only duration and result count; no: when it said no. */
#define OP(name, op, no)                                                                           \
	EVENT(name, op)                                                                            \
	{                                                                                          \
		count(slot, event[EVENT_NS], no);                                                  \
		keep(slot, op, event[EVENT_NS], event[EVENT_RESULT]);                              \
	}

#define RESULT event[EVENT_RESULT]

OP(notify, VT_OP_NOTIFY, !RESULT)
OP(disable_cb, VT_OP_DISABLE_CB, false)
OP(enable_cb_prepare, VT_OP_ENABLE_CB_PREPARE, false)
OP(enable_cb_delayed, VT_OP_ENABLE_CB_DELAYED, !RESULT)
OP(poll, VT_OP_POLL, !RESULT)
OP(more_used, VT_OP_MORE_USED, !RESULT)
/* One that comes seldom: it is loaded faster without a way of its own for what is near. */
#define SELDOM(name, op, no)                                                                       \
	SEC("raw_tp/virtqueue_" #name)                                                             \
	int on_##name(__u64 *event)                                                                \
	{                                                                                          \
		struct vt_slot *slot = slot_find(event[EVENT_ID], op);                             \
                                                                                                   \
		if (!slot)                                                                         \
			return 0;                                                                  \
		count(slot, event[EVENT_NS], no);                                                  \
		keep(slot, op, event[EVENT_NS], event[EVENT_RESULT]);                              \
		return 0;                                                                          \
	}

SELDOM(detach_unused_buf, VT_OP_DETACH_UNUSED_BUF, !RESULT)
SELDOM(resize, VT_OP_RESIZE, RESULT)
SELDOM(reset, VT_OP_RESET, false)
SELDOM(vring_size, VT_OP_VRING_SIZE, false)
SELDOM(desc_addr, VT_OP_DESC_ADDR, false)
SELDOM(avail_addr, VT_OP_AVAIL_ADDR, false)
SELDOM(used_addr, VT_OP_USED_ADDR, false)
SELDOM(free, VT_OP_FREE, false)

SEC("raw_tp/virtqueue_init_last_used")
int on_init_last_used(__u64 *event)
{
	struct vt_slot *slot;

	/* It may be a part of the queue's making. */
	queue_get((const void *)event[EVENT_VQ], event[EVENT_ID], event[EVENT_LAYOUT]);
	start_afresh(event[EVENT_ID]);
	slot = slot_find(event[EVENT_ID], VT_OP_INIT_LAST_USED);
	if (!slot)
		return 0;
	count(slot, event[EVENT_NS], false);
	keep(slot, VT_OP_INIT_LAST_USED, event[EVENT_NS], 0);
	return 0;
}

SEC("raw_tp/virtqueue_notification_data")
int on_notification_data(__u64 *event)
{
	struct vt_slot *slot;
	int verdict;

	verdict =
		doorbell_rung((const void *)event[EVENT_VQ], event[EVENT_ID], event[EVENT_RESULT]);
	slot = slot_find(event[EVENT_ID], VT_OP_NOTIFICATION_DATA);
	if (!slot)
		return 0;
	if (verdict == VALUE_BEHIND)
		slot->bytes_out++;
	count(slot, event[EVENT_NS], verdict == VALUE_WRONG);
	keep(slot, VT_OP_NOTIFICATION_DATA, event[EVENT_NS], event[EVENT_RESULT]);
	return 0;
}

SEC("raw_tp/virtqueue_created")
int BPF_PROG(on_created, const struct virtqueue *vq, __u32 id, __u32 layout, __u32 num)
{
	__u32 n = queue_get(vq, id, layout);
	struct vt_queue *q = bpf_map_lookup_elem(&queues, &n);

	/* An operation of its making may have been seen first. */
	if (q && n && vq)
		queue_look(q, vq);
	return 0;
}

SEC("raw_tp/virtqueue_deleted")
int BPF_PROG(on_deleted, const struct virtqueue *vq, __u32 id, __u32 layout)
{
	queue_forget(id);
	return 0;
}
