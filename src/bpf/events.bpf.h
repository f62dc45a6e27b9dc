/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program for each event of the system virtio_ring (kernel-patch/README.md
 * has their arguments).
 */

#define EVENT_AT(at)                                                                               \
	struct at at = { .row = row_of(ctx[EVENT_ID]), .id = ctx[EVENT_ID], .event = ctx };        \
                                                                                                   \
	if (!at.row)                                                                               \
		return 0

/* The verifier lets no tp_btf program read an argument of the type const void *. */
SEC("raw_tp/virtqueue_add")
int BPF_PROG(on_add, const struct virtqueue *vq, __u32 id, __u32 layout, __u64 ns, long result,
	     const void *data, __u32 out_bytes, __u32 in_bytes)
{
	struct vt_slot *slot;
	EVENT_AT(at);

	slot = count(&at, VT_OP_ADD, ns, result);
	if (!slot || result)
		return 0;
	slot->bytes_out += out_bytes;
	slot->bytes_in += in_bytes;
	added(&at, data);
	return 0;
}

SEC("raw_tp/virtqueue_get")
int BPF_PROG(on_get, const struct virtqueue *vq, __u32 id, __u32 layout, __u64 ns, long result,
	     const void *data, __u32 len)
{
	struct vt_slot *slot;
	EVENT_AT(at);

	slot = count(&at, VT_OP_GET, ns, !result);
	if (slot)
		slot->bytes_in += len;
	if (result)
		fetched(&at, data);
	return 0;
}

SEC("tp_btf/virtqueue_kick_prepare")
int BPF_PROG(on_kick_prepare, const struct virtqueue *vq, __u32 id, __u32 layout, __u64 ns,
	     long result)
{
	EVENT_AT(at);

	count(&at, VT_OP_KICK_PREPARE, ns, !result);
	if (result)
		announce(&at);
	return 0;
}

SEC("tp_btf/virtqueue_init_last_used")
int BPF_PROG(on_init_last_used, const struct virtqueue *vq, __u32 id, __u32 layout, __u64 ns,
	     long result)
{
	EVENT_AT(at);

	start_afresh(id);
	count(&at, VT_OP_INIT_LAST_USED, ns, false);
	return 0;
}

SEC("tp_btf/virtqueue_notification_data")
int BPF_PROG(on_notification_data, const struct virtqueue *vq, __u32 id, __u32 layout, __u64 ns,
	     long result)
{
	struct vt_slot *slot;
	int verdict;
	EVENT_AT(at);

	verdict = doorbell_rung(vq, queue_get(vq, id, layout), id, result);
	slot = count(&at, VT_OP_NOTIFICATION_DATA, ns, verdict == VALUE_WRONG);
	if (slot && verdict == VALUE_BEHIND)
		slot->bytes_out++;
	return 0;
}

/* An operation of which only duration and result count; no: when it said no. */
#define OP(name, op, no)                                                                           \
	SEC("tp_btf/virtqueue_" #name)                                                             \
	int BPF_PROG(on_##name, const struct virtqueue *vq, __u32 id, __u32 layout, __u64 ns,      \
		     long result)                                                                  \
	{                                                                                          \
		EVENT_AT(at);                                                                      \
                                                                                                   \
		count(&at, op, ns, no);                                                            \
		return 0;                                                                          \
	}

OP(notify, VT_OP_NOTIFY, !result)
OP(disable_cb, VT_OP_DISABLE_CB, false)
OP(enable_cb_prepare, VT_OP_ENABLE_CB_PREPARE, false)
OP(enable_cb_delayed, VT_OP_ENABLE_CB_DELAYED, !result)
OP(poll, VT_OP_POLL, !result)
OP(more_used, VT_OP_MORE_USED, !result)
OP(detach_unused_buf, VT_OP_DETACH_UNUSED_BUF, !result)
OP(resize, VT_OP_RESIZE, result)
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
	if (q && n)
		queue_look(q, vq);
	return 0;
}

SEC("tp_btf/virtqueue_deleted")
int BPF_PROG(on_deleted, const struct virtqueue *vq, __u32 id, __u32 layout)
{
	queue_forget(id);
	return 0;
}
