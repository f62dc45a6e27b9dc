/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program for each event of the system virtio_ring (kernel-patch/README.md
 * has their arguments).
 */

/*
 * Each is there twice: on_NAME, which only counts, and on_NAME_each for those who
 * ask for something about each operation; the tool attaches one of them. So that
 * who does not ask does not pay for the question.
 */
#define EVENT(kind, name)                                                                          \
	static __always_inline void name##_event(const __u64 *event, bool each);                   \
                                                                                                   \
	SEC(kind "/virtqueue_" #name)                                                              \
	int on_##name(__u64 *event)                                                                \
	{                                                                                          \
		name##_event(event, false);                                                        \
		return 0;                                                                          \
	}                                                                                          \
	SEC(kind "/virtqueue_" #name)                                                              \
	int on_##name##_each(__u64 *event)                                                         \
	{                                                                                          \
		name##_event(event, true);                                                         \
		return 0;                                                                          \
	}                                                                                          \
	static __always_inline void name##_event(const __u64 *event, bool each)

/* The verifier lets no tp_btf program read an argument of the type const void *. */
EVENT("raw_tp", add)
{
	struct vt_slot *slot;

	if (!event_slot(event, VT_OP_ADD, &slot))
		return;
	count(slot, event[EVENT_NS], event[EVENT_RESULT]);
	keep(slot, VT_OP_ADD, event[EVENT_NS], event[EVENT_RESULT]);
	if (event[EVENT_RESULT])
		return;
	slot->bytes_out += event[EVENT_OUT];
	slot->bytes_in += event[EVENT_IN];
	added(event[EVENT_ID]);
	if (each && avail_to_used)
		flight_start(event[EVENT_ID], (const void *)event[EVENT_DATA]);
}

EVENT("raw_tp", get)
{
	struct vt_slot *slot;
	__u64 away;

	if (!event_slot(event, VT_OP_GET, &slot))
		return;
	count(slot, event[EVENT_NS], !event[EVENT_RESULT]);
	keep(slot, VT_OP_GET, event[EVENT_NS], event[EVENT_RESULT]);
	slot->bytes_in += event[EVENT_LENGTH];
	if (!each || !avail_to_used || !event[EVENT_RESULT])
		return;
	away = flight_end(event[EVENT_ID], (const void *)event[EVENT_DATA]);
	if (away && event_slot(event, VT_AVAIL_TO_USED, &slot))
		count(slot, away, false);
}

EVENT("tp_btf", kick_prepare)
{
	struct vt_slot *slot;
	struct announced *a;

	if (!event_slot(event, VT_OP_KICK_PREPARE, &slot))
		return;
	count(slot, event[EVENT_NS], !event[EVENT_RESULT]);
	keep(slot, VT_OP_KICK_PREPARE, event[EVENT_NS], event[EVENT_RESULT]);
	a = event[EVENT_RESULT] ? announce(event[EVENT_ID]) : 0;
	if (a && event_slot(event, VT_BUFFERS_PER_DOORBELL, &slot))
		count(slot, a->last, false);
}

EVENT("tp_btf", init_last_used)
{
	struct vt_slot *slot;

	start_afresh(event[EVENT_ID]);
	if (!event_slot(event, VT_OP_INIT_LAST_USED, &slot))
		return;
	count(slot, event[EVENT_NS], false);
	keep(slot, VT_OP_INIT_LAST_USED, event[EVENT_NS], 0);
}

EVENT("tp_btf", notification_data)
{
	const struct virtqueue *vq = (const void *)event[EVENT_VQ];
	struct vt_slot *slot;
	int verdict;

	verdict = doorbell_rung(vq, queue_get(vq, event[EVENT_ID], event[EVENT_LAYOUT]),
				event[EVENT_ID], event[EVENT_RESULT]);
	if (!event_slot(event, VT_OP_NOTIFICATION_DATA, &slot))
		return;
	if (verdict == VALUE_BEHIND)
		slot->bytes_out++;
	count(slot, event[EVENT_NS], verdict == VALUE_WRONG);
	keep(slot, VT_OP_NOTIFICATION_DATA, event[EVENT_NS], event[EVENT_RESULT]);
}

/* An operation of which only duration and result count; no: when it said no. */
#define OP(name, op, no)                                                                           \
	EVENT("tp_btf", name)                                                                      \
	{                                                                                          \
		struct vt_slot *slot;                                                              \
                                                                                                   \
		if (!event_slot(event, op, &slot))                                                 \
			return;                                                                    \
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
