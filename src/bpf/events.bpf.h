/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program for each event of the trace system virtio_ring. kernel-patch/README.md lists the
 * events' arguments.
 *
 * The program of a frequent event finds its counters near (see NEAR_FAR in vringtop.bpf.c)
 * and calls no function, because a call makes the compiler save registers. Only where something
 * is not near, the program ends with the call of a function named *_far(), which looks
 * everything up.
 */

/*
 * Returns the number of this CPU. The event stays in the register in which the kernel passed it.
 * After an ordinary call the compiler would have saved and restored that register. From Linux
 * 6.12 on the verifier knows that this helper changes no other register (bpf_fastcall), and
 * removes the two instructions that save and restore.
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

/* Stores the time in @now, ns. The event stays in its register, as above. */
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

/* Finds the row of the event's queue on this CPU and the slot of an operation; false: not near. */
static __always_inline bool event_near(const __u64 **event, __u32 op, struct vt_row **row,
				       struct vt_slot **slot)
{
	__u32 cpu = event_cpu(event);

	return row_near((*event)[EVENT_ID], cpu, row) && slot_near(*row, op, slot);
}

/* Finds what the doorbells of a queue have announced; false: not near. */
static __always_inline bool announced_near(__u64 id, struct announced **a)
{
	barrier_var(id);
	if (unlikely(id >= VT_NEAR_QUEUES))
		return false;
	*a = &near_announcements[id];
	return true;
}

/*
 * add
 */

static __always_inline void add_count(const __u64 *event, struct vt_slot *slot)
{
	count(slot, event[EVENT_NS], event[EVENT_RESULT]);
	keep(slot, VT_OP_ADD, event[EVENT_NS], event[EVENT_RESULT]);
}

static __always_inline void add_count_bytes(const __u64 *event, struct vt_slot *slot)
{
	slot->bytes_out += event[EVENT_OUT];
	slot->bytes_in += event[EVENT_IN];
}

static __noinline int flight_start_far(const __u64 *event, __u64 now)
{
	flight_start(event[EVENT_ID], event[EVENT_DATA], now);
	return 0;
}

static __noinline int buffer_added_far(const __u64 *event, __u64 now)
{
	added(event[EVENT_ID]);
	if (now)
		flight_start(event[EVENT_ID], event[EVENT_DATA], now);
	return 0;
}

static __noinline int add_far(const __u64 *event, __u64 now)
{
	struct vt_slot *slot = slot_find(event[EVENT_ID], VT_OP_ADD);

	if (!slot)
		return 0;
	add_count(event, slot);
	if (event[EVENT_RESULT])
		return 0;
	add_count_bytes(event, slot);
	return buffer_added_far(event, now);
}

/* @timed: buffers are timed from available to used. */
static __always_inline int add_ended(const __u64 *event, bool timed)
{
	struct announced *a;
	struct vt_slot *slot;
	struct vt_row *row;
	__u64 now = 0;

	if (timed && !event[EVENT_RESULT])
		event_clock(&event, &now);
	if (!event_near(&event, VT_OP_ADD, &row, &slot))
		return add_far(event, now);
	add_count(event, slot);
	if (event[EVENT_RESULT])
		return 0;
	add_count_bytes(event, slot);
	if (!announced_near(event[EVENT_ID], &a))
		return buffer_added_far(event, now);
	a->added++;
	if (now && !flight_start_near(event[EVENT_ID], event[EVENT_DATA], now))
		return flight_start_far(event, now);
	return 0;
}

SEC("raw_tp/virtqueue_add")
int on_add(const __u64 *event)
{
	return add_ended(event, false);
}

/* Instead of on_add(), if buffers are timed from available to used. */
SEC("raw_tp/virtqueue_add")
int on_add_each(const __u64 *event)
{
	return add_ended(event, true);
}

/*
 * get
 */

static __always_inline void get_count(const __u64 *event, struct vt_slot *slot)
{
	count(slot, event[EVENT_NS], !event[EVENT_RESULT]);
	keep(slot, VT_OP_GET, event[EVENT_NS], event[EVENT_RESULT]);
	slot->bytes_in += event[EVENT_LENGTH];
}

static __noinline int flight_end_far(const __u64 *event, __u64 now)
{
	__u64 away = flight_end(event[EVENT_ID], event[EVENT_DATA], now);
	struct vt_slot *slot = away ? slot_find(event[EVENT_ID], VT_AVAIL_TO_USED) : 0;

	if (slot)
		count(slot, away, false);
	return 0;
}

static __noinline int get_far(const __u64 *event, __u64 now)
{
	struct vt_slot *slot = slot_find(event[EVENT_ID], VT_OP_GET);

	if (!slot)
		return 0;
	get_count(event, slot);
	if (now)
		flight_end_far(event, now);
	return 0;
}

/* @timed: as of add_ended(). */
static __always_inline int get_ended(const __u64 *event, bool timed)
{
	struct vt_slot *slot;
	struct vt_row *row;
	__u64 now = 0;

	if (timed && event[EVENT_RESULT])
		event_clock(&event, &now);
	if (!event_near(&event, VT_OP_GET, &row, &slot))
		return get_far(event, now);
	get_count(event, slot);
	if (!now)
		return 0;
	if (slot_near(row, VT_AVAIL_TO_USED, &slot)) {
		__u64 key = flight_key(event[EVENT_ID], event[EVENT_DATA]);
		__u64 away = buffer_end(flight_of(key), 0, key, now);

		if (likely(away)) {
			count(slot, away, false);
			return 0;
		}
	}
	return flight_end_far(event, now);
}

SEC("raw_tp/virtqueue_get")
int on_get(const __u64 *event)
{
	return get_ended(event, false);
}

/* Instead of on_get(), if buffers are timed from available to used. */
SEC("raw_tp/virtqueue_get")
int on_get_each(const __u64 *event)
{
	return get_ended(event, true);
}

/*
 * kick_prepare
 */

static __always_inline void kick_prepare_count(const __u64 *event, struct vt_slot *slot)
{
	count(slot, event[EVENT_NS], false);
	keep(slot, VT_OP_KICK_PREPARE, event[EVENT_NS], event[EVENT_RESULT]);
}

/* A doorbell will be rung: counts how many buffers it announces. */
static __noinline int announce_far(const __u64 *event)
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

static __noinline int kick_prepare_far(const __u64 *event)
{
	struct vt_slot *slot = slot_find(event[EVENT_ID], VT_OP_KICK_PREPARE);
	struct announced *a = announcements_at(event[EVENT_ID]);

	if (!slot)
		return 0;
	if (!event[EVENT_RESULT] && a && kick_suppressed(a))
		slot->refused++;
	kick_prepare_count(event, slot);
	if (event[EVENT_RESULT])
		announce_far(event);
	return 0;
}

SEC("raw_tp/virtqueue_kick_prepare")
int on_kick_prepare(const __u64 *event)
{
	struct announced *a;
	struct vt_slot *slot;
	struct vt_row *row;

	if (!event_near(&event, VT_OP_KICK_PREPARE, &row, &slot))
		return kick_prepare_far(event);
	if (!event[EVENT_RESULT]) {
		if (!announced_near(event[EVENT_ID], &a))
			return kick_prepare_far(event);
		if (kick_suppressed(a))
			slot->refused++;
	}
	kick_prepare_count(event, slot);
	if (!event[EVENT_RESULT])
		return 0;
	if (!announced_near(event[EVENT_ID], &a) || !slot_near(row, VT_BUFFERS_PER_DOORBELL, &slot))
		return announce_far(event);
	announce(a);
	count(slot, a->last, false);
	return 0;
}

/*
 * Operations of which only the duration and the result are counted
 */

/* How the result of an operation tells that it failed, or that its answer was no. */
enum {
	REFUSED_NEVER,
	REFUSED_IF_ZERO,
	REFUSED_IF_NOT_ZERO,
};

static __always_inline void op_count(const __u64 *event, struct vt_slot *slot, __u32 op, int how)
{
	bool refused = false;

	if (how == REFUSED_IF_ZERO)
		refused = !event[EVENT_RESULT];
	else if (how == REFUSED_IF_NOT_ZERO)
		refused = event[EVENT_RESULT];
	count(slot, event[EVENT_NS], refused);
	keep(slot, op, event[EVENT_NS], event[EVENT_RESULT]);
}

static __noinline int op_ended_far(const __u64 *event, __u32 op, int how)
{
	struct vt_slot *slot = slot_find(event[EVENT_ID], op);

	if (slot)
		op_count(event, slot, op, how);
	return 0;
}

static __always_inline int op_ended(const __u64 *event, __u32 op, int how)
{
	struct vt_slot *slot;
	struct vt_row *row;

	if (!event_near(&event, op, &row, &slot))
		return op_ended_far(event, op, how);
	op_count(event, slot, op, how);
	return 0;
}

SEC("raw_tp/virtqueue_notify")
int on_notify(const __u64 *event)
{
	return op_ended(event, VT_OP_NOTIFY, REFUSED_IF_ZERO);
}

SEC("raw_tp/virtqueue_disable_cb")
int on_disable_cb(const __u64 *event)
{
	return op_ended(event, VT_OP_DISABLE_CB, REFUSED_NEVER);
}

SEC("raw_tp/virtqueue_enable_cb_prepare")
int on_enable_cb_prepare(const __u64 *event)
{
	return op_ended(event, VT_OP_ENABLE_CB_PREPARE, REFUSED_NEVER);
}

SEC("raw_tp/virtqueue_enable_cb_delayed")
int on_enable_cb_delayed(const __u64 *event)
{
	return op_ended(event, VT_OP_ENABLE_CB_DELAYED, REFUSED_IF_ZERO);
}

SEC("raw_tp/virtqueue_poll")
int on_poll(const __u64 *event)
{
	return op_ended(event, VT_OP_POLL, REFUSED_IF_ZERO);
}

SEC("raw_tp/virtqueue_more_used")
int on_more_used(const __u64 *event)
{
	return op_ended(event, VT_OP_MORE_USED, REFUSED_IF_ZERO);
}

/* Rare operations: without the near form a program loads faster. */

SEC("raw_tp/virtqueue_detach_unused_buf")
int on_detach_unused_buf(const __u64 *event)
{
	return op_ended_far(event, VT_OP_DETACH_UNUSED_BUF, REFUSED_IF_ZERO);
}

SEC("raw_tp/virtqueue_resize")
int on_resize(const __u64 *event)
{
	return op_ended_far(event, VT_OP_RESIZE, REFUSED_IF_NOT_ZERO);
}

SEC("raw_tp/virtqueue_reset")
int on_reset(const __u64 *event)
{
	return op_ended_far(event, VT_OP_RESET, REFUSED_NEVER);
}

SEC("raw_tp/virtqueue_vring_size")
int on_vring_size(const __u64 *event)
{
	return op_ended_far(event, VT_OP_VRING_SIZE, REFUSED_NEVER);
}

SEC("raw_tp/virtqueue_desc_addr")
int on_desc_addr(const __u64 *event)
{
	return op_ended_far(event, VT_OP_DESC_ADDR, REFUSED_NEVER);
}

SEC("raw_tp/virtqueue_avail_addr")
int on_avail_addr(const __u64 *event)
{
	return op_ended_far(event, VT_OP_AVAIL_ADDR, REFUSED_NEVER);
}

SEC("raw_tp/virtqueue_used_addr")
int on_used_addr(const __u64 *event)
{
	return op_ended_far(event, VT_OP_USED_ADDR, REFUSED_NEVER);
}

SEC("raw_tp/virtqueue_free")
int on_free(const __u64 *event)
{
	return op_ended_far(event, VT_OP_FREE, REFUSED_NEVER);
}

SEC("raw_tp/virtqueue_init_last_used")
int on_init_last_used(const __u64 *event)
{
	/* The kernel also does this while it creates a queue: then the queue is not known yet. */
	queue_get((const void *)event[EVENT_VQ], event[EVENT_ID], event[EVENT_LAYOUT]);
	start_afresh(event[EVENT_ID]);
	return op_ended_far(event, VT_OP_INIT_LAST_USED, REFUSED_NEVER);
}

SEC("raw_tp/virtqueue_notification_data")
int on_notification_data(const __u64 *event)
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

	/* An operation during the creation may have made the entry, before the ring was complete.
	 */
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
