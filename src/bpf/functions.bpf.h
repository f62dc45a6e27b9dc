/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For kernels without the tracepoints: one program at the begin and one at the end of each function
 * that drivers call, and of the notify functions of the transports. The tool attaches the programs
 * whose functions the kernel has.
 *
 * The program at the end counts the call. The program at the begin only keeps the time. So if the
 * begin of a call was not seen, the call is counted without a time.
 */

/*
 * The calls that are running. Drivers make nearly all calls of a queue under their own lock of the
 * queue. But disable_cb, poll and notify need no lock: several CPUs may be in one function for one
 * queue, and an interrupt may call the function that it interrupts. So a call is identified by its
 * frame: the place on the stack where the kernel keeps the arguments of the call while the programs
 * run. The kernel passes the same place to the program at the begin and at the end. No other
 * running call has this place, and a task that moves to another CPU keeps it.
 */
struct call {
	__u64 frame; /* 0: free */
	__u64 began; /* ns */
};

#define CALL_BITS 12

/* Key: hash of the frame. A call takes the place even if another call has it. */
static struct call calls[1 << CALL_BITS] __attribute__((aligned(64)));

/* Returns the distance of a frame from calls[], because the verifier forbids to hash an address. */
static __always_inline __u64 frame_of(const void *ctx)
{
	__u64 frame = (__u64)ctx - (__u64)calls;

	barrier_var(frame);
	return frame;
}

static __always_inline int call_begins(const void *ctx)
{
	__u64 now = bpf_ktime_get_ns(), frame = frame_of(ctx);
	struct call *c = &calls[hash_of(frame, CALL_BITS)];

	c->began = now;
	c->frame = frame;
	return 0;
}

/*
 * Returns how long a call took that ends @now (ns). Below 0: the begin of the call was not seen, or
 * another call took its place.
 */
static __always_inline __s64 call_took(const void *ctx, __u64 now)
{
	__u64 frame = frame_of(ctx);
	struct call *c = &calls[hash_of(frame, CALL_BITS)];
	__u64 began = c->began;

	if (c->frame != frame)
		return -1;
	c->frame = 0;
	return now - began;
}

/*
 * The queues by their address. The hash of the address selects a group of 4, which is a cache line.
 * If this group is full, the queue is in one of the next groups.
 */
#define VQ_BITS	  12
#define VQ_WAYS	  4
#define VQ_GROUPS 4

struct vq_group {
	struct {
		__u64 vq; /* 0: free */
		__u64 id; /* its entry in the map of queues */
	} queue[VQ_WAYS];
};

static struct vq_group vqs[1 << VQ_BITS];

/* Returns a group for a queue. @n: 0 for the first one, which is nearly always the right one */
static __always_inline struct vq_group *group_of(const struct virtqueue *vq, __u32 n)
{
	return &vqs[(hash_of((__u64)vq, VQ_BITS) + n) % (1 << VQ_BITS)];
}

static __always_inline __u32 id_in(const struct vq_group *g, const struct virtqueue *vq)
{
	for (int i = 0; i < VQ_WAYS; i++)
		if (g->queue[i].vq == (__u64)vq)
			return g->queue[i].id;
	return 0;
}

/* Returns the id of a queue, or 0 if the queue is not in its first group. */
static __always_inline __u32 id_known(const struct virtqueue *vq)
{
	return id_in(&vqs[hash_of((__u64)vq, VQ_BITS)], vq);
}

/* Returns the id of a queue that is not in its first group, or 0 if the queue has no entry yet. */
static __noinline __u32 id_in_next_groups(const struct virtqueue *vq)
{
	__u32 id = 0;

	for (__u32 n = 1; n < VQ_GROUPS && !id; n++)
		id = id_in(group_of(vq, n), vq);
	return id;
}

/*
 * Makes an entry for a queue. The caller has locked adding_queue. Returns the id, or 0 if there is
 * no room.
 */
static __always_inline __u32 queue_add(const struct virtqueue *vq)
{
	__u32 n = entry_get(), *of = bpf_map_lookup_elem(&queue_of, &n);
	struct vt_queue *q = bpf_map_lookup_elem(&queues, &n);

	if (!q || !n || !of)
		return 0;
	queue_fill(q, vq, n, layout_of(vq));
	for (int i = 0; i < VQ_GROUPS * VQ_WAYS; i++) {
		struct vq_group *g = group_of(vq, i / VQ_WAYS);

		if (g->queue[i % VQ_WAYS].vq)
			continue;
		q->serial = __sync_fetch_and_add(&last_serial, 1) + 1;
		*of = n;
		q->state = VT_QUEUE_LIVE;
		g->queue[i % VQ_WAYS].id = n;
		barrier();
		g->queue[i % VQ_WAYS].vq = (__u64)vq;
		return n;
	}
	q->state = VT_QUEUE_NONE;
	return 0;
}

/* The lock for making entries: 1 while a CPU holds it. */
__u32 adding_queue;

struct addition {
	const struct virtqueue *vq;
	__u32 id; /* of the queue; 0: none yet */
};

static long queue_add_try(__u32 i, struct addition *a)
{
	if (__sync_val_compare_and_swap(&adding_queue, 0, 1))
		return 0;
	/* Another CPU may have added this queue in the meantime. */
	a->id = id_known(a->vq) ?: id_in_next_groups(a->vq) ?: queue_add(a->vq);
	__sync_lock_test_and_set(&adding_queue, 0);
	return 1;
}

/*
 * How often to try to lock. Making an entry takes far less time than these tries. The number is
 * limited, because an interrupt may have stopped the holder of the lock on the same CPU.
 */
#define ADD_TRIES 1000

/*
 * Makes an entry for a queue, unless the queue has one. Without the tracepoints the number of the
 * entry is the id. Returns the id. 0: there is no room, or another CPU held the lock for too long.
 */
static __noinline __u32 function_queue(const struct virtqueue *vq)
{
	struct addition a = { .vq = vq, .id = id_known(vq) ?: id_in_next_groups(vq) };

	if (!a.id)
		bpf_loop(ADD_TRIES, queue_add_try, &a, 0);
	if (!a.id)
		__sync_fetch_and_add(&no_entry, 1);
	return a.id;
}

static __always_inline __u32 id_of(const struct virtqueue *vq)
{
	return id_known(vq) ?: function_queue(vq);
}

/*
 * Calls that contain another call. Depending on the compiler, a function really calls the inner
 * function or has a copy of its code: virtqueue_get_buf() contains virtqueue_get_buf_ctx(),
 * virtqueue_enable_cb() contains virtqueue_enable_cb_prepare(), virtqueue_kick() contains
 * virtqueue_kick_prepare() and notify. The function that ends first counts the operation. Because
 * of the driver's lock of the queue, only one call of each kind runs at a time.
 */
struct outer {
	__u64 kick_began; /* ns; 0: no virtqueue_kick() runs, or its kick_prepare was counted */
	__u64 kick_frame;
	__u8 get;	/* virtqueue_get_buf() has begun, and its get is not counted yet */
	__u8 enable_cb; /* virtqueue_enable_cb() has begun, but its prepare is not counted yet */
	__u8 pad[14];
};

/* Key: id */
static struct outer near_outer[VT_NEAR_QUEUES] __attribute__((aligned(64)));
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct outer);
} far_outer SEC(".maps");

static __always_inline struct outer *outer_at(__u64 id)
{
	__u32 far;

	barrier_var(id);
	if (id < VT_NEAR_QUEUES)
		return &near_outer[id];
	far = id - VT_NEAR_QUEUES;
	return bpf_map_lookup_elem(&far_outer, &far);
}

/*
 * How the calls of virtqueue_get_buf() and virtqueue_enable_cb() were counted; see
 * detach_wrapper().
 */
struct vt_calls virtqueue_get_buf_calls SHARED, virtqueue_enable_cb_calls SHARED;

/* Returns the return value of the function: a bool, an int, or a pointer as a number. */
static __always_inline __u64 returned(void *ctx)
{
	__u64 value = 0;

	bpf_get_func_ret(ctx, &value);
	return value;
}

/*
 * Returns an argument of the function as a number, because the verifier forbids to hash a pointer.
 */
static __always_inline __u64 argument(void *ctx, __u32 n)
{
	__u64 value = 0;

	bpf_get_func_arg(ctx, n, &value);
	return value;
}

static __always_inline const struct virtqueue *vq_of(void *ctx)
{
	return (const struct virtqueue *)argument(ctx, 0);
}

/* A call that ends, and the slot that counts it. */
struct ended {
	struct vt_slot *slot;
	__u64 now;  /* ns */
	__s64 took; /* ns; below 0: not known */
	__u32 id;   /* of the queue */
};

/* Fills @e. Returns false if there is no slot for the call. The call is then lost. */
static __always_inline bool call_ends(void *ctx, __u32 op, struct ended *e)
{
	e->now = bpf_ktime_get_ns();
	e->took = call_took(ctx, e->now);
	e->id = id_of(vq_of(ctx));
	if (!e->id) {
		__sync_fetch_and_add(&lost_ids, 1);
		return false;
	}
	return slot_of(e->id, op, &e->slot);
}

/*
 * Counts a call.
 * @result: for single operations
 */
static __always_inline void call_count(const struct ended *e, __u32 op, __u64 result, bool refused)
{
	if (likely(e->took >= 0)) {
		count(e->slot, e->took, refused);
		keep(e->slot, op, e->took, result);
	} else {
		count_untimed(e->slot, refused);
		keep(e->slot, op, VT_EVENT_UNTIMED, result);
	}
}

/* Ends a call that has only a time and a result to count. */
static __always_inline int op_ends(void *ctx, __u32 op, __u64 result, bool refused)
{
	struct ended e;

	if (call_ends(ctx, op, &e))
		call_count(&e, op, result, refused);
	return 0;
}

/*
 * add
 */

/*
 * Ends an add.
 * @data: the number of the argument with the token of the buffer
 */
static __always_inline int add_ends(void *ctx, __u32 data)
{
	int result = returned(ctx);
	struct path *a;
	struct ended e;

	if (!call_ends(ctx, VT_OP_ADD, &e))
		return 0;
	call_count(&e, VT_OP_ADD, result, result);
	a = path_at(e.id);
	if (result || !a)
		return 0;
	a->added++;
	if (avail_to_used)
		flight_start(e.id, argument(ctx, data), a->batch, e.now);
	return 0;
}

SEC("fentry/virtqueue_add_sgs")
int enter_virtqueue_add_sgs(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_add_sgs")
int exit_virtqueue_add_sgs(__u64 *ctx)
{
	return add_ends(ctx, 4);
}

SEC("fentry/virtqueue_add_outbuf")
int enter_virtqueue_add_outbuf(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_add_outbuf")
int exit_virtqueue_add_outbuf(__u64 *ctx)
{
	return add_ends(ctx, 3);
}

SEC("fentry/virtqueue_add_outbuf_premapped")
int enter_virtqueue_add_outbuf_premapped(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_add_outbuf_premapped")
int exit_virtqueue_add_outbuf_premapped(__u64 *ctx)
{
	return add_ends(ctx, 3);
}

SEC("fentry/virtqueue_add_inbuf")
int enter_virtqueue_add_inbuf(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_add_inbuf")
int exit_virtqueue_add_inbuf(__u64 *ctx)
{
	return add_ends(ctx, 3);
}

SEC("fentry/virtqueue_add_inbuf_cache_clean")
int enter_virtqueue_add_inbuf_cache_clean(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_add_inbuf_cache_clean")
int exit_virtqueue_add_inbuf_cache_clean(__u64 *ctx)
{
	return add_ends(ctx, 3);
}

SEC("fentry/virtqueue_add_inbuf_ctx")
int enter_virtqueue_add_inbuf_ctx(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_add_inbuf_ctx")
int exit_virtqueue_add_inbuf_ctx(__u64 *ctx)
{
	return add_ends(ctx, 3);
}

SEC("fentry/virtqueue_add_inbuf_premapped")
int enter_virtqueue_add_inbuf_premapped(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_add_inbuf_premapped")
int exit_virtqueue_add_inbuf_premapped(__u64 *ctx)
{
	return add_ends(ctx, 3);
}

/*
 * get
 */

/* The driver got a buffer back: counts its time, and the stages of this time. */
static __always_inline int request_ends(__u32 id, __u64 token, __u64 now)
{
	struct path *a = path_at(id);
	__u64 interrupt = a && stages ? interrupt_of_next(a) : 0;
	struct vt_slot *slot, *first;
	struct stamp s;

	if (!a || !flight_end(id, token, &s))
		return 0;
	if (!stages) {
		if (slot_of(id, VT_AVAIL_TO_USED, &slot))
			count(slot, now - s.added, false);
		return 0;
	}
	if (!slot_of(id, VT_OP_GET, &slot) || !request_slots_near(slot, &first))
		return request_ended_far(id, interrupt, &s, now);
	request_ended(true, first, id, a, interrupt, s.batch, s.added, now);
	return 0;
}

static __always_inline void get_call_count(void *ctx, struct ended *e, __u64 data)
{
	__u32 length = 0;

	call_count(e, VT_OP_GET, !!data, !data);
	if (!data)
		return;
	bpf_probe_read_kernel(&length, sizeof(length), (const void *)argument(ctx, 1));
	e->slot->bytes_in += length;
	if (avail_to_used)
		request_ends(e->id, data, e->now);
}

SEC("fentry/virtqueue_get_buf")
int enter_virtqueue_get_buf(__u64 *ctx)
{
	struct outer *o = outer_at(id_of(vq_of(ctx)));

	if (o)
		o->get = 1;
	return call_begins(ctx);
}

SEC("fexit/virtqueue_get_buf")
int exit_virtqueue_get_buf(__u64 *ctx)
{
	struct outer *o;
	struct ended e;

	if (!call_ends(ctx, VT_OP_GET, &e))
		return 0;
	o = outer_at(e.id);
	if (!o)
		return 0;
	if (!o->get) {
		virtqueue_get_buf_calls.counted_inside++;
		return 0;
	}
	virtqueue_get_buf_calls.counted++;
	o->get = 0;
	get_call_count(ctx, &e, returned(ctx));
	return 0;
}

SEC("fentry/virtqueue_get_buf_ctx")
int enter_virtqueue_get_buf_ctx(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_get_buf_ctx")
int exit_virtqueue_get_buf_ctx(__u64 *ctx)
{
	struct outer *o;
	struct ended e;

	if (!call_ends(ctx, VT_OP_GET, &e))
		return 0;
	o = outer_at(e.id);
	if (o)
		o->get = 0;
	get_call_count(ctx, &e, returned(ctx));
	return 0;
}

/*
 * enable_cb_prepare
 */

SEC("fentry/virtqueue_enable_cb")
int enter_virtqueue_enable_cb(__u64 *ctx)
{
	struct outer *o = outer_at(id_of(vq_of(ctx)));

	if (o)
		o->enable_cb = 1;
	return call_begins(ctx);
}

SEC("fexit/virtqueue_enable_cb")
int exit_virtqueue_enable_cb(__u64 *ctx)
{
	struct outer *o;
	struct ended e;

	if (!call_ends(ctx, VT_OP_ENABLE_CB_PREPARE, &e))
		return 0;
	o = outer_at(e.id);
	if (!o)
		return 0;
	if (!o->enable_cb) {
		virtqueue_enable_cb_calls.counted_inside++;
		return 0;
	}
	virtqueue_enable_cb_calls.counted++;
	o->enable_cb = 0;
	call_count(&e, VT_OP_ENABLE_CB_PREPARE, 0, false);
	return 0;
}

SEC("fentry/virtqueue_enable_cb_prepare")
int enter_virtqueue_enable_cb_prepare(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_enable_cb_prepare")
int exit_virtqueue_enable_cb_prepare(__u64 *ctx)
{
	struct outer *o;
	struct ended e;

	if (!call_ends(ctx, VT_OP_ENABLE_CB_PREPARE, &e))
		return 0;
	o = outer_at(e.id);
	if (o)
		o->enable_cb = 0;
	call_count(&e, VT_OP_ENABLE_CB_PREPARE, 0, false);
	return 0;
}

/*
 * kick_prepare and notify
 */

/*
 * Counts a kick_prepare. If the driver will ring the doorbell, also counts how many buffers the
 * doorbell announces.
 */
static __always_inline void kick_prepare_count_call(const struct ended *e, bool wanted)
{
	struct vt_row *row = rows_at(row_key(e->id));
	struct path *a = path_at(e->id);
	struct vt_slot *slot;

	call_count(e, VT_OP_KICK_PREPARE, wanted, !wanted && a && kick_suppressed(a));
	if (stages && a && !wanted)
		a->not_wanted = e->now;
	if (!wanted || !a)
		return;
	announce(a);
	if (stages && row)
		batch_ends(a, row, e->now);
	if (slot_of(e->id, VT_BUFFERS_PER_DOORBELL, &slot))
		count(slot, a->last, false);
}

SEC("fentry/virtqueue_kick_prepare")
int enter_virtqueue_kick_prepare(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_kick_prepare")
int exit_virtqueue_kick_prepare(__u64 *ctx)
{
	bool wanted = (__u8)returned(ctx);
	struct outer *o;
	struct ended e;

	if (!call_ends(ctx, VT_OP_KICK_PREPARE, &e))
		return 0;
	kick_prepare_count_call(&e, wanted);
	o = outer_at(e.id);
	if (o)
		o->kick_began = 0;
	return 0;
}

/*
 * virtqueue_kick() is kick_prepare and, if the answer is yes, notify. If virtqueue_kick() has a
 * copy of the code of kick_prepare, kick_prepare ends when notify begins, or without a notify at
 * the end of virtqueue_kick().
 */
SEC("fentry/virtqueue_kick")
int enter_virtqueue_kick(__u64 *ctx)
{
	struct outer *o = outer_at(id_of(vq_of(ctx)));

	if (!o)
		return 0;
	o->kick_frame = frame_of(ctx);
	o->kick_began = bpf_ktime_get_ns();
	return 0;
}

static __always_inline void kick_prepared(__u32 id, struct outer *o, __u64 now, bool wanted)
{
	struct ended e = { .id = id, .now = now, .took = now - o->kick_began };

	o->kick_began = 0;
	if (slot_of(id, VT_OP_KICK_PREPARE, &e.slot))
		kick_prepare_count_call(&e, wanted);
}

SEC("fexit/virtqueue_kick")
int exit_virtqueue_kick(__u64 *ctx)
{
	__u32 id = id_of(vq_of(ctx));
	struct outer *o = outer_at(id);

	if (id && o && o->kick_began)
		kick_prepared(id, o, bpf_ktime_get_ns(), false);
	return 0;
}

/* The frame of a notify is at most this far (bytes on the stack) from the frame of its kick. */
#define KICK_DEPTH 2048

static __always_inline int notify_begins(void *ctx)
{
	__u32 id = id_of(vq_of(ctx));
	struct outer *o = outer_at(id);

	/*
	 * Another task may ring a doorbell of the queue at the same time. Then the notify does not
	 * belong to this kick.
	 */
	if (id && o && o->kick_began && o->kick_frame - frame_of(ctx) < KICK_DEPTH)
		kick_prepared(id, o, bpf_ktime_get_ns(), true);
	return call_begins(ctx);
}

static __always_inline int notify_ends(void *ctx)
{
	bool rung = (__u8)returned(ctx);
	struct vt_row *row;
	struct path *a;
	struct ended e;

	if (!call_ends(ctx, VT_OP_NOTIFY, &e))
		return 0;
	row = rows_at(row_key(e.id));
	a = path_at(e.id);
	if (stages && row && a && e.took >= 0)
		batch_rung(a, row, e.now - e.took, e.now);
	call_count(&e, VT_OP_NOTIFY, rung, !rung);
	return 0;
}

SEC("fentry/vp_notify")
int enter_vp_notify(__u64 *ctx)
{
	return notify_begins(ctx);
}

SEC("fexit/vp_notify")
int exit_vp_notify(__u64 *ctx)
{
	return notify_ends(ctx);
}

SEC("fentry/vp_notify_with_data")
int enter_vp_notify_with_data(__u64 *ctx)
{
	return notify_begins(ctx);
}

SEC("fexit/vp_notify_with_data")
int exit_vp_notify_with_data(__u64 *ctx)
{
	return notify_ends(ctx);
}

SEC("fentry/vm_notify")
int enter_vm_notify(__u64 *ctx)
{
	return notify_begins(ctx);
}

SEC("fexit/vm_notify")
int exit_vm_notify(__u64 *ctx)
{
	return notify_ends(ctx);
}

SEC("fentry/vm_notify_with_data")
int enter_vm_notify_with_data(__u64 *ctx)
{
	return notify_begins(ctx);
}

SEC("fexit/vm_notify_with_data")
int exit_vm_notify_with_data(__u64 *ctx)
{
	return notify_ends(ctx);
}

SEC("fentry/virtio_vdpa_notify")
int enter_virtio_vdpa_notify(__u64 *ctx)
{
	return notify_begins(ctx);
}

SEC("fexit/virtio_vdpa_notify")
int exit_virtio_vdpa_notify(__u64 *ctx)
{
	return notify_ends(ctx);
}

SEC("fentry/virtio_vdpa_notify_with_data")
int enter_virtio_vdpa_notify_with_data(__u64 *ctx)
{
	return notify_begins(ctx);
}

SEC("fexit/virtio_vdpa_notify_with_data")
int exit_virtio_vdpa_notify_with_data(__u64 *ctx)
{
	return notify_ends(ctx);
}

SEC("fentry/virtio_ccw_kvm_notify")
int enter_virtio_ccw_kvm_notify(__u64 *ctx)
{
	return notify_begins(ctx);
}

SEC("fexit/virtio_ccw_kvm_notify")
int exit_virtio_ccw_kvm_notify(__u64 *ctx)
{
	return notify_ends(ctx);
}

/* Ends a function that has no time of its own. */
static __always_inline void untimed_ends(__u32 id, __u32 op, __u64 result, bool refused,
					 bool behind)
{
	struct vt_slot *slot;

	if (!id) {
		__sync_fetch_and_add(&lost_ids, 1);
		return;
	}
	if (!slot_of(id, op, &slot))
		return;
	slot->bytes_out += behind;
	count_untimed(slot, refused);
	keep(slot, op, VT_EVENT_UNTIMED, result);
}

/* No time of its own: its time is part of the time of notify. */
SEC("fexit/vring_notification_data")
int exit_vring_notification_data(__u64 *ctx)
{
	const struct virtqueue *vq = vq_of(ctx);
	__u32 id = id_of(vq);
	__u32 value = returned(ctx);
	int verdict = id ? doorbell_rung(vq, id, value) : VALUE_AGREES;

	untimed_ends(id, VT_OP_NOTIFICATION_DATA, value, verdict == VALUE_WRONG,
		     verdict == VALUE_BEHIND);
	return 0;
}

/*
 * vring_interrupt() asks more_used, and calls the driver back if the answer is yes. So more_used
 * has no time of its own.
 */
SEC("fentry/vring_interrupt")
int enter_vring_interrupt(__u64 *ctx)
{
	const struct virtqueue *vq = (const void *)argument(ctx, 1);
	__u32 id = stages ? id_of(vq) : 0;
	struct vt_queue *q = id ? bpf_map_lookup_elem(&queues, &id) : 0;

	if (q)
		interrupt_begins(vq, id, q->layout, bpf_ktime_get_ns());
	return call_begins(ctx);
}

SEC("fexit/vring_interrupt")
int exit_vring_interrupt(__u64 *ctx)
{
	__u32 handled = returned(ctx); /* 0: IRQ_NONE */
	struct ended e = { .now = bpf_ktime_get_ns() };

	e.took = call_took(ctx, e.now);
	e.id = id_of((const void *)argument(ctx, 1));
	if (count_more_used)
		untimed_ends(e.id, VT_OP_MORE_USED, handled, !handled, false);
	if (!e.id)
		__sync_fetch_and_add(&lost_ids, 1);
	else if (slot_of(e.id, VT_INTERRUPT, &e.slot))
		call_count(&e, VT_INTERRUPT, handled, !handled);
	return 0;
}

/*
 * Operations that have only a time and a result to count
 */

/* Ends a function that answers yes or no. */
static __always_inline int answer_ends(void *ctx, __u32 op)
{
	bool answer = (__u8)returned(ctx);

	return op_ends(ctx, op, answer, !answer);
}

SEC("fentry/virtqueue_disable_cb")
int enter_virtqueue_disable_cb(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_disable_cb")
int exit_virtqueue_disable_cb(__u64 *ctx)
{
	return op_ends(ctx, VT_OP_DISABLE_CB, 0, false);
}

SEC("fentry/virtqueue_enable_cb_delayed")
int enter_virtqueue_enable_cb_delayed(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_enable_cb_delayed")
int exit_virtqueue_enable_cb_delayed(__u64 *ctx)
{
	return answer_ends(ctx, VT_OP_ENABLE_CB_DELAYED);
}

SEC("fentry/virtqueue_poll")
int enter_virtqueue_poll(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_poll")
int exit_virtqueue_poll(__u64 *ctx)
{
	return answer_ends(ctx, VT_OP_POLL);
}

SEC("fentry/virtqueue_detach_unused_buf")
int enter_virtqueue_detach_unused_buf(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_detach_unused_buf")
int exit_virtqueue_detach_unused_buf(__u64 *ctx)
{
	bool detached = returned(ctx);

	return op_ends(ctx, VT_OP_DETACH_UNUSED_BUF, detached, !detached);
}

/*
 * resize and reset, after which the ring is empty
 */

static __always_inline int renew_ends(void *ctx, __u32 op)
{
	int result = returned(ctx);
	struct ended e;

	if (!call_ends(ctx, op, &e))
		return 0;
	call_count(&e, op, result, result);
	start_afresh(e.id);
	return 0;
}

SEC("fentry/virtqueue_resize")
int enter_virtqueue_resize(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_resize")
int exit_virtqueue_resize(__u64 *ctx)
{
	return renew_ends(ctx, VT_OP_RESIZE);
}

SEC("fentry/virtqueue_reset")
int enter_virtqueue_reset(__u64 *ctx)
{
	return call_begins(ctx);
}

SEC("fexit/virtqueue_reset")
int exit_virtqueue_reset(__u64 *ctx)
{
	return renew_ends(ctx, VT_OP_RESET);
}

SEC("fentry/vring_del_virtqueue")
int enter_vring_del_virtqueue(__u64 *ctx)
{
	const struct virtqueue *vq = vq_of(ctx);
	__u32 id = id_known(vq) ?: id_in_next_groups(vq);

	if (!id)
		return 0;
	for (int i = 0; i < VQ_GROUPS * VQ_WAYS; i++) {
		struct vq_group *g = group_of(vq, i / VQ_WAYS);

		if (g->queue[i % VQ_WAYS].vq == (__u64)vq)
			g->queue[i % VQ_WAYS].vq = g->queue[i % VQ_WAYS].id = 0;
	}
	queue_forget(id);
	return 0;
}
