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

/*
 * Each is there twice: on_NAME, which only counts, and on_NAME_each for those who
 * ask for something about each operation; the tool attaches one of them. So that
 * who does not ask does not pay for the question.
 */
#define PROGRAMS(kind, name)                                                                       \
	SEC(kind "/virtqueue_" #name)                                                              \
	int on_##name(__u64 *event)                                                                \
	{                                                                                          \
		return name##_start(event, false);                                                 \
	}                                                                                          \
	SEC(kind "/virtqueue_" #name)                                                              \
	int on_##name##_each(__u64 *event)                                                         \
	{                                                                                          \
		return name##_start(event, true);                                                  \
	}

/*
 * What follows it is done with each event of an operation, whose slot is found. It is
 * compiled twice, too: as long as everything is near, no function is called but at the
 * very end, so that no register needs saving.
 * @row: of this queue and CPU; NULL: it or the slot is far away
 */
#define EVENT(kind, name, op)                                                                      \
	static __always_inline void name##_event(const __u64 *event, const struct slot_row *row,   \
						 struct vt_slot *slot, bool each);                 \
                                                                                                   \
	static __noinline int name##_far(const __u64 *event, bool each)                            \
	{                                                                                          \
		struct vt_slot *slot = slot_find(event, event[EVENT_ID], op);                      \
                                                                                                   \
		if (slot)                                                                          \
			name##_event(event, 0, slot, each);                                        \
		return 0;                                                                          \
	}                                                                                          \
	static __always_inline int name##_start(const __u64 *event, bool each)                     \
	{                                                                                          \
		__u32 cpu = event_cpu(&event);                                                     \
		struct slot_row *row;                                                              \
		struct vt_slot *slot;                                                              \
                                                                                                   \
		if (row_near(event[EVENT_ID], cpu, &row) && slot_near(row, op, &slot))             \
			name##_event(event, row, slot, each);                                      \
		else                                                                               \
			name##_far(event, each);                                                   \
		return 0;                                                                          \
	}                                                                                          \
	PROGRAMS(kind, name)                                                                       \
	static __always_inline void name##_event(const __u64 *event, const struct slot_row *row,   \
						 struct vt_slot *slot, bool each)

/* What the doorbells of a queue have announced, if it is near. */
static __always_inline bool announced_near(__u64 id, struct announced **a)
{
	barrier_var(id);
	if (unlikely(id >= VT_NEAR_QUEUES))
		return false;
	*a = &near_announcements[id];
	return true;
}

static __noinline int added_far(__u32 id)
{
	added(id);
	return 0;
}

/* The verifier lets no tp_btf program read an argument of the type const void *. */
EVENT("raw_tp", add, VT_OP_ADD)
{
	struct announced *a;

	count(slot, event[EVENT_NS], event[EVENT_RESULT]);
	keep(slot, VT_OP_ADD, event[EVENT_NS], event[EVENT_RESULT]);
	if (event[EVENT_RESULT])
		return;
	slot->bytes_out += event[EVENT_OUT];
	slot->bytes_in += event[EVENT_IN];
	if (each && avail_to_used)
		flight_start(event[EVENT_ID], (const void *)event[EVENT_DATA]);
	if (announced_near(event[EVENT_ID], &a))
		a->added++;
	else
		added_far(event[EVENT_ID]);
}

EVENT("raw_tp", get, VT_OP_GET)
{
	__u64 away;

	count(slot, event[EVENT_NS], !event[EVENT_RESULT]);
	keep(slot, VT_OP_GET, event[EVENT_NS], event[EVENT_RESULT]);
	slot->bytes_in += event[EVENT_LENGTH];
	if (!each || !avail_to_used || !event[EVENT_RESULT])
		return;
	away = flight_end(event[EVENT_ID], (const void *)event[EVENT_DATA]);
	if (!away)
		return;
	if (!row || !slot_near(row, VT_AVAIL_TO_USED, &slot))
		slot = slot_find(event, event[EVENT_ID], VT_AVAIL_TO_USED);
	if (slot)
		count(slot, away, false);
}

/* A doorbell will be rung: how many buffers it announces. */
static __noinline int kick_announce_far(const __u64 *event)
{
	struct announced *a = announcements_at(event[EVENT_ID]);
	struct vt_slot *slot;

	if (!a)
		return 0;
	announce(a);
	slot = slot_find(event, event[EVENT_ID], VT_BUFFERS_PER_DOORBELL);
	if (slot)
		count(slot, a->last, false);
	return 0;
}

EVENT("tp_btf", kick_prepare, VT_OP_KICK_PREPARE)
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

static __always_inline int init_last_used_start(const __u64 *event, bool each)
{
	struct vt_slot *slot;

	start_afresh(event[EVENT_ID]);
	slot = slot_find(event, event[EVENT_ID], VT_OP_INIT_LAST_USED);
	if (!slot)
		return 0;
	count(slot, event[EVENT_NS], false);
	keep(slot, VT_OP_INIT_LAST_USED, event[EVENT_NS], 0);
	return 0;
}
PROGRAMS("tp_btf", init_last_used)

static __always_inline int notification_data_start(const __u64 *event, bool each)
{
	const struct virtqueue *vq = (const void *)event[EVENT_VQ];
	struct vt_slot *slot;
	int verdict;

	verdict = doorbell_rung(vq, queue_get(vq, event[EVENT_ID], event[EVENT_LAYOUT]),
				event[EVENT_ID], event[EVENT_RESULT]);
	slot = slot_find(event, event[EVENT_ID], VT_OP_NOTIFICATION_DATA);
	if (!slot)
		return 0;
	if (verdict == VALUE_BEHIND)
		slot->bytes_out++;
	count(slot, event[EVENT_NS], verdict == VALUE_WRONG);
	keep(slot, VT_OP_NOTIFICATION_DATA, event[EVENT_NS], event[EVENT_RESULT]);
	return 0;
}
PROGRAMS("tp_btf", notification_data)

/* An operation of which only duration and result count; no: when it said no. */
#define OP(name, op, no)                                                                           \
	EVENT("tp_btf", name, op)                                                                  \
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
OP(detach_unused_buf, VT_OP_DETACH_UNUSED_BUF, !RESULT)
OP(resize, VT_OP_RESIZE, RESULT)
OP(reset, VT_OP_RESET, false)
OP(vring_size, VT_OP_VRING_SIZE, false)
OP(desc_addr, VT_OP_DESC_ADDR, false)
OP(avail_addr, VT_OP_AVAIL_ADDR, false)
OP(used_addr, VT_OP_USED_ADDR, false)
OP(free, VT_OP_FREE, false)

SEC("tp_btf/virtqueue_created")
int BPF_PROG(on_created, const struct virtqueue *vq, __u32 id, __u32 layout, __u32 num)
{
	__u32 n = queue_get(vq, id, layout);
	struct vt_queue *q = bpf_map_lookup_elem(&queues, &n);

	/* An operation of its making may have been seen first. */
	if (q && n && vq)
		queue_look(q, vq);
	return 0;
}

SEC("tp_btf/virtqueue_deleted")
int BPF_PROG(on_deleted, const struct virtqueue *vq, __u32 id, __u32 layout)
{
	queue_forget(id);
	return 0;
}
