/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For kernels without the tracepoints: a pair of programs for each function
 * that the drivers call, and for the transports' notify. The tool attaches those
 * whose functions the kernel has.
 *
 * The start of a call is kept with its queue and operation: a driver makes one
 * call of an operation of a queue at a time. Functions call each other, or have
 * a copy of each other, as the compiler liked it; the one that ends first counts
 * the call and takes the start away, so that no call is counted twice. Where a
 * function only ever calls another one, the tool detaches from it.
 */

/* The queue of an address, by its hash: a cache line of 4. */
#define VQ_BITS 12
#define VQ_WAYS 4

struct vq_group {
	struct {
		__u64 vq; /* 0: free */
		__u64 id; /* its entry in queues; 0: not yet */
	} queue[VQ_WAYS];
};

static struct vq_group vqs[1 << VQ_BITS];

/* When the calls that are under way began, ns; 0: none is. Key: id */
struct starts {
	__u64 at[VT_NR_OPS];
	__u64 kick; /* virtqueue_kick() */
	__u64 kick_cpu;
	__u64 pad[11];
};

NEAR_FAR(static, struct starts, starts, VT_NEAR_QUEUES, 0, __attribute__((aligned(64))))

/* The same for doorbells: several may ring at once. Key: as rows */
NEAR_FAR(static, __u64, doorbell_starts, VT_NEAR_ROWS, 0, __attribute__((aligned(64))))

__u32 adding_queue;

static __always_inline struct vq_group *group_of(const struct virtqueue *vq)
{
	return &vqs[hash_of((__u64)vq, VQ_BITS)];
}

static __always_inline __u32 id_known(const struct virtqueue *vq)
{
	struct vq_group *g = group_of(vq);

	for (int i = 0; i < VQ_WAYS; i++)
		if (g->queue[i].vq == (__u64)vq)
			return g->queue[i].id;
	return 0;
}

/* Gives a queue an entry, whose number is its id; 0: no room, or another CPU is at it. */
static __noinline __u32 function_queue(const struct virtqueue *vq)
{
	struct vq_group *g = group_of(vq);
	__u32 n = id_known(vq), *of;
	struct vt_queue *q;

	if (n)
		return n;
	if (__sync_val_compare_and_swap(&adding_queue, 0, 1)) {
		__sync_fetch_and_add(&lost_ids, 1);
		return 0;
	}
	n = entry_get();
	q = bpf_map_lookup_elem(&queues, &n);
	of = bpf_map_lookup_elem(&queue_of, &n);
	if (!q || !n || !of)
		goto full;
	queue_fill(q, vq, n, layout_of(vq));
	for (int i = 0; i < VQ_WAYS; i++) {
		if (g->queue[i].vq)
			continue;
		q->serial = __sync_fetch_and_add(&last_serial, 1) + 1;
		*of = n;
		q->state = VT_QUEUE_LIVE;
		g->queue[i].id = n;
		barrier();
		g->queue[i].vq = (__u64)vq;
		adding_queue = 0;
		return n;
	}
	q->state = VT_QUEUE_NONE;
full:
	adding_queue = 0;
	__sync_fetch_and_add(&lost_ids, 1);
	return 0;
}

static __always_inline __u32 id_of(const struct virtqueue *vq)
{
	return id_known(vq) ?: function_queue(vq);
}

static __always_inline struct starts *starts_of(__u32 id)
{
	return id ? starts_at(id) : 0;
}

/* A call begins. */
static __always_inline void enter(const struct virtqueue *vq, __u32 op)
{
	struct starts *s = starts_of(id_of(vq));

	if (s)
		s->at[op] = bpf_ktime_get_ns();
}

struct vt_calls virtqueue_get_buf_calls SHARED, virtqueue_enable_cb_calls SHARED;

/*
 * A call ends: sets @ns to what it took, @id to its queue and @slot to where it counts.
 * @calls: of a function that may only call another one; else NULL
 * Returns false if it is counted already, or did not begin while we watched.
 */
static __always_inline bool leave(const struct virtqueue *vq, __u32 op, __u32 *id, __u64 *ns,
				  struct vt_slot **slot, struct vt_calls *calls)
{
	struct starts *s;

	*id = id_known(vq);
	s = starts_of(*id);
	if (!s)
		return false;
	if (!s->at[op]) {
		if (calls)
			calls->counted_inside++;
		return false;
	}
	if (calls)
		calls->counted++;
	*ns = bpf_ktime_get_ns() - s->at[op];
	s->at[op] = 0;
	return slot_of(*id, op, slot);
}

static __always_inline __u64 returned(void *ctx)
{
	__u64 value = 0;

	bpf_get_func_ret(ctx, &value);
	return value;
}

/* As a number: the verifier does not let a pointer be hashed. */
static __always_inline __u64 argument(void *ctx, __u32 n)
{
	__u64 value = 0;

	bpf_get_func_arg(ctx, n, &value);
	return value;
}

#define VQ ((const struct virtqueue *)argument(ctx, 0))

#define ENTER(function, op)                                                                        \
	SEC("fentry/" #function)                                                                   \
	int enter_##function(__u64 *ctx)                                                           \
	{                                                                                          \
		enter(VQ, op);                                                                     \
		return 0;                                                                          \
	}

/* What is only asked for if operations are kept. */
#define KEPT(result) (EVENTS ? (result) : 0)

/* A function of which only time and result count; no: when it said no. */
#define CALL(function, op, result, no, calls)                                                      \
	ENTER(function, op)                                                                        \
	SEC("fexit/" #function)                                                                    \
	int exit_##function(__u64 *ctx)                                                            \
	{                                                                                          \
		struct vt_slot *slot;                                                              \
		__u64 ns;                                                                          \
		__u32 id;                                                                          \
                                                                                                   \
		if (!leave(VQ, op, &id, &ns, &slot, calls))                                        \
			return 0;                                                                  \
		count(slot, ns, no);                                                               \
		keep(slot, op, ns, KEPT(result));                                                  \
		return 0;                                                                          \
	}

CALL(virtqueue_disable_cb, VT_OP_DISABLE_CB, 0, false, 0)
CALL(virtqueue_enable_cb, VT_OP_ENABLE_CB_PREPARE, 0, false, &virtqueue_enable_cb_calls)
CALL(virtqueue_enable_cb_prepare, VT_OP_ENABLE_CB_PREPARE, returned(ctx), false, 0)
CALL(virtqueue_enable_cb_delayed, VT_OP_ENABLE_CB_DELAYED, (__u8)returned(ctx),
     !(__u8)returned(ctx), 0)
CALL(virtqueue_poll, VT_OP_POLL, (__u8)returned(ctx), !(__u8)returned(ctx), 0)
CALL(virtqueue_detach_unused_buf, VT_OP_DETACH_UNUSED_BUF, !!returned(ctx), !returned(ctx), 0)
CALL(virtqueue_get_vring_size, VT_OP_VRING_SIZE, returned(ctx), false, 0)
CALL(virtqueue_get_desc_addr, VT_OP_DESC_ADDR, 0, false, 0)
CALL(virtqueue_get_avail_addr, VT_OP_AVAIL_ADDR, 0, false, 0)
CALL(virtqueue_get_used_addr, VT_OP_USED_ADDR, 0, false, 0)

/* data: the number of the argument that is the buffer's token. */
#define ADD(function, data)                                                                        \
	ENTER(function, VT_OP_ADD)                                                                 \
	SEC("fexit/" #function)                                                                    \
	int exit_##function(__u64 *ctx)                                                            \
	{                                                                                          \
		int result = returned(ctx);                                                        \
		struct vt_slot *slot;                                                              \
		__u64 ns;                                                                          \
		__u32 id;                                                                          \
                                                                                                   \
		if (!leave(VQ, VT_OP_ADD, &id, &ns, &slot, 0))                                     \
			return 0;                                                                  \
		count(slot, ns, result);                                                           \
		keep(slot, VT_OP_ADD, ns, result);                                                 \
		if (result)                                                                        \
			return 0;                                                                  \
		added(id);                                                                         \
		if (avail_to_used)                                                                 \
			flight_start(id, (const void *)argument(ctx, data), bpf_ktime_get_ns());   \
		return 0;                                                                          \
	}

ADD(virtqueue_add_sgs, 4)
ADD(virtqueue_add_outbuf, 3)
ADD(virtqueue_add_outbuf_premapped, 3)
ADD(virtqueue_add_inbuf, 3)
ADD(virtqueue_add_inbuf_cache_clean, 3)
ADD(virtqueue_add_inbuf_ctx, 3)
ADD(virtqueue_add_inbuf_premapped, 3)

#define GET(function, calls)                                                                       \
	ENTER(function, VT_OP_GET)                                                                 \
	SEC("fexit/" #function)                                                                    \
	int exit_##function(__u64 *ctx)                                                            \
	{                                                                                          \
		__u64 ns, data = returned(ctx);                                                    \
		struct vt_slot *slot;                                                              \
		__u32 id, length = 0;                                                              \
                                                                                                   \
		if (!leave(VQ, VT_OP_GET, &id, &ns, &slot, calls))                                 \
			return 0;                                                                  \
		count(slot, ns, !data);                                                            \
		keep(slot, VT_OP_GET, ns, !!data);                                                 \
		if (!data)                                                                         \
			return 0;                                                                  \
		bpf_probe_read_kernel(&length, sizeof(length), (const void *)argument(ctx, 1));    \
		slot->bytes_in += length;                                                          \
		ns = avail_to_used ? flight_end(id, (const void *)data, bpf_ktime_get_ns()) : 0;   \
		if (ns && slot_of(id, VT_AVAIL_TO_USED, &slot))                                    \
			count(slot, ns, false);                                                    \
		return 0;                                                                          \
	}

GET(virtqueue_get_buf, &virtqueue_get_buf_calls)
GET(virtqueue_get_buf_ctx, 0)

/* A resize or a reset leaves an empty ring. */
#define RENEW(function, op)                                                                        \
	ENTER(function, op)                                                                        \
	SEC("fexit/" #function)                                                                    \
	int exit_##function(__u64 *ctx)                                                            \
	{                                                                                          \
		int result = returned(ctx);                                                        \
		struct vt_slot *slot;                                                              \
		__u64 ns;                                                                          \
		__u32 id;                                                                          \
                                                                                                   \
		if (!leave(VQ, op, &id, &ns, &slot, 0))                                            \
			return 0;                                                                  \
		count(slot, ns, result);                                                           \
		keep(slot, op, ns, result);                                                        \
		start_afresh(id);                                                                  \
		return 0;                                                                          \
	}

RENEW(virtqueue_resize, VT_OP_RESIZE)
RENEW(virtqueue_reset, VT_OP_RESET)

/* A doorbell will be rung. */
static __always_inline void function_announce(__u32 id)
{
	struct announced *a = announcements_at(id);
	struct vt_slot *slot;

	if (!a)
		return;
	announce(a);
	if (slot_of(id, VT_BUFFERS_PER_DOORBELL, &slot))
		count(slot, a->last, false);
}

ENTER(virtqueue_kick_prepare, VT_OP_KICK_PREPARE)

SEC("fexit/virtqueue_kick_prepare")
int exit_virtqueue_kick_prepare(__u64 *ctx)
{
	bool wanted = (__u8)returned(ctx);
	struct vt_slot *slot;
	struct starts *s;
	__u64 ns;
	__u32 id;

	if (!leave(VQ, VT_OP_KICK_PREPARE, &id, &ns, &slot, 0))
		return 0;
	count(slot, ns, !wanted);
	keep(slot, VT_OP_KICK_PREPARE, ns, wanted);
	if (wanted)
		function_announce(id);
	s = starts_of(id);
	if (s)
		s->kick = 0;
	return 0;
}

/*
 * virtqueue_kick() is kick_prepare and, if that said yes, notify. Where it has a
 * copy of kick_prepare, that one ends when the doorbell is rung, or else with it.
 */
SEC("fentry/virtqueue_kick")
int enter_virtqueue_kick(__u64 *ctx)
{
	struct starts *s = starts_of(id_of(VQ));

	if (!s)
		return 0;
	s->kick_cpu = bpf_get_smp_processor_id();
	s->kick = bpf_ktime_get_ns();
	return 0;
}

static __always_inline void kick_prepared(__u32 id, struct starts *s, __u64 now, bool wanted)
{
	struct vt_slot *slot;

	if (slot_of(id, VT_OP_KICK_PREPARE, &slot)) {
		count(slot, now - s->kick, !wanted);
		keep(slot, VT_OP_KICK_PREPARE, now - s->kick, wanted);
	}
	s->kick = 0;
	if (wanted)
		function_announce(id);
}

SEC("fexit/virtqueue_kick")
int exit_virtqueue_kick(__u64 *ctx)
{
	__u32 id = id_known(VQ);
	struct starts *s = starts_of(id);

	if (s && s->kick)
		kick_prepared(id, s, bpf_ktime_get_ns(), false);
	return 0;
}

static __always_inline void enter_notify(const struct virtqueue *vq)
{
	__u32 id = id_of(vq);
	struct starts *s = starts_of(id);
	__u64 now = bpf_ktime_get_ns(), *start;

	if (!s)
		return;
	if (s->kick && s->kick_cpu == bpf_get_smp_processor_id())
		kick_prepared(id, s, now, true);
	start = doorbell_starts_at(row_key(id));
	if (start)
		*start = now;
}

static __always_inline void exit_notify(const struct virtqueue *vq, bool rung)
{
	__u32 id = id_known(vq);
	struct vt_slot *slot;
	__u64 *start, ns;

	if (!id)
		return;
	start = doorbell_starts_at(row_key(id));
	if (start && *start) {
		if (slot_of(id, VT_OP_NOTIFY, &slot)) {
			ns = bpf_ktime_get_ns() - *start;
			count(slot, ns, !rung);
			keep(slot, VT_OP_NOTIFY, ns, rung);
		}
		*start = 0;
		return;
	}
	/* It went to another CPU in between: a doorbell all the same, but without a time. */
	count_untimed(id, VT_OP_NOTIFY, rung, !rung, false);
}

#define NOTIFY(function)                                                                           \
	SEC("fentry/" #function)                                                                   \
	int enter_##function(__u64 *ctx)                                                           \
	{                                                                                          \
		enter_notify(VQ);                                                                  \
		return 0;                                                                          \
	}                                                                                          \
	SEC("fexit/" #function)                                                                    \
	int exit_##function(__u64 *ctx)                                                            \
	{                                                                                          \
		exit_notify(VQ, (__u8)returned(ctx));                                              \
		return 0;                                                                          \
	}

NOTIFY(vp_notify)
NOTIFY(vp_notify_with_data)
NOTIFY(vm_notify)
NOTIFY(vm_notify_with_data)
NOTIFY(virtio_vdpa_notify)
NOTIFY(virtio_vdpa_notify_with_data)
NOTIFY(virtio_ccw_kvm_notify)

/* Its time is a part of the doorbell's. */
SEC("fexit/vring_notification_data")
int exit_vring_notification_data(__u64 *ctx)
{
	__u32 id = id_of(VQ);
	int verdict;

	if (!id)
		return 0;
	verdict = doorbell_rung(VQ, id, returned(ctx));
	count_untimed(id, VT_OP_NOTIFICATION_DATA, KEPT(returned(ctx)), verdict == VALUE_WRONG,
		      verdict == VALUE_BEHIND);
	return 0;
}

/* Asks more_used, and calls the driver back if it said yes: it has no time of its own. */
SEC("fexit/vring_interrupt")
int exit_vring_interrupt(__u64 *ctx)
{
	__u32 id = id_of((const void *)argument(ctx, 1));

	if (id)
		count_untimed(id, VT_OP_MORE_USED, KEPT(returned(ctx)),
			      !(__u32)returned(ctx) /* IRQ_NONE */, false);
	return 0;
}

SEC("fentry/vring_del_virtqueue")
int enter_vring_del_virtqueue(__u64 *ctx)
{
	const struct virtqueue *vq = VQ;
	struct vq_group *g = group_of(vq);
	__u32 id = id_known(vq);

	if (!id)
		return 0;
	for (int i = 0; i < VQ_WAYS; i++)
		if (g->queue[i].vq == (__u64)vq)
			g->queue[i].vq = g->queue[i].id = 0;
	queue_forget(id);
	return 0;
}
