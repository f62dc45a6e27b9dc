/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program for each event of the trace system virtio_ring. kernel-patch/README.md lists the
 * arguments of the events: first the queue, then what happened (struct vring_op, struct
 * vring_buf_op).
 *
 * The program of a frequent event finds its counters near (see VT_NEAR_SLOTS in vringtop.h). It
 * calls no function, because a call makes the compiler save registers. If a counter is not near,
 * the program ends with the call of a function named *_far(), which looks everything up.
 */

/*
 * What the events point to: include/linux/virtio_ring.h of the series. These types are not
 * relocated (CO-RE). libbpf would search for them on kernels without the series, too, also among
 * the modules' types, which takes CAP_SYS_ADMIN.
 */
struct vring_op {
	__u64 start; /* ns, by the clock of the events */
	__u64 end;
	long result;
	__u32 id; /* of the queue */
	__u32 layout;
};

struct vring_buf_op {
	struct vring_op op;
	const void *data; /* the token of the driver */
	__u32 out_bytes;  /* add: what the device reads */
	__u32 in_bytes;	  /* add: what the device writes; get: what it wrote */
	__u32 buf_id;
	__u16 descs;
	__u16 indirect;
};

/*
 * Returns the number of this CPU. Keeps the pointer to the operation in the register r1. With an
 * ordinary call the compiler would save and restore this register. From Linux 6.12 on, the verifier
 * knows that this helper changes no other register (bpf_fastcall), and removes the two instructions
 * that save and restore.
 */
static __always_inline __u32 event_cpu(const struct vring_op **op)
{
	register const struct vring_op *kept asm("r1") = *op;
	register __u64 cpu asm("r0");
	__u64 saved;

	asm volatile("*(u64 *)%[saved] = %[kept]; call %[helper]; %[kept] = *(u64 *)%[saved]"
		     : "=r"(cpu), [kept] "+r"(kept), [saved] "=m"(saved)
		     : [helper] "i"(bpf_get_smp_processor_id)
		     : "r2", "r3", "r4", "r5");
	*op = kept;
	return cpu;
}

/*
 * Finds the row of the queue of the event on this CPU, and the slot of an operation. Returns false
 * if one of them is not near.
 */
static __always_inline bool event_near(const struct vring_op **op, __u32 number,
				       struct vt_row **row, struct vt_slot **slot)
{
	__u32 cpu = event_cpu(op);

	return row_near((*op)->id, cpu, row) && slot_near(*row, number, slot);
}

/* Finds the path of a queue. Returns false if it is not near. */
static __always_inline bool path_near(__u64 id, struct path **a)
{
	barrier_var(id);
	if (unlikely(id >= VT_NEAR_QUEUES))
		return false;
	*a = &near_paths[id];
	return true;
}

/* Counts an operation, with its time. */
static __always_inline void event_count(const struct vring_op *op, __u32 number,
					struct vt_slot *slot, bool refused)
{
	count(slot, op->end - op->start, refused);
	keep(slot, number, op->end - op->start, op->result);
}

/*
 * add
 */

static __always_inline void add_count_bytes(const struct vring_buf_op *buf, struct vt_slot *slot)
{
	slot->bytes_out += buf->out_bytes;
	slot->bytes_in += buf->in_bytes;
}

/*
 * A buffer was added: the device has it now.
 * @slot: of the add
 */
static __always_inline void buffer_added(const struct vring_buf_op *buf, const struct vt_slot *slot,
					 struct path *a, bool staged)
{
	struct stamp *stamp;

	a->added++;
	if (!stamp_of(slot, buf->buf_id, &stamp))
		return;
	if (staged) {
		stamp->batch = a->batch;
		stamp->descs = buf->descs;
	}
	stamp->added = buf->op.end;
}

static __noinline int buffer_added_far(const struct vring_buf_op *buf)
{
	struct path *a = path_at(buf->op.id);
	struct vt_slot *slot = slot_find(buf->op.id, VT_OP_ADD);

	if (a && slot)
		buffer_added(buf, slot, a, true);
	return 0;
}

static __noinline int add_far(const struct vring_buf_op *buf)
{
	struct vt_slot *slot = slot_find(buf->op.id, VT_OP_ADD);

	clock_offset = bpf_ktime_get_ns() - buf->op.end;
	if (!slot)
		return 0;
	event_count(&buf->op, VT_OP_ADD, slot, buf->op.result);
	if (buf->op.result)
		return 0;
	add_count_bytes(buf, slot);
	return buffer_added_far(buf);
}

static __always_inline int add_ended(const __u64 *event, bool staged)
{
	const struct vring_op *op = (const void *)event[1];
	const struct vring_buf_op *buf;
	struct path *a;
	struct vt_slot *slot;
	struct vt_row *row;
	bool near = event_near(&op, VT_OP_ADD, &row, &slot);

	buf = (const void *)op;
	/* A failed add has no buffer to count. It is rare, so it may take the slow path. */
	if (!near || op->result)
		return add_far(buf);
	event_count(op, VT_OP_ADD, slot, false);
	add_count_bytes(buf, slot);
	if (!path_near(op->id, &a))
		return buffer_added_far(buf);
	buffer_added(buf, slot, a, staged);
	return 0;
}

SEC("tp_btf/virtqueue_add")
int on_add(const __u64 *event)
{
	return add_ended(event, false);
}

/* The programs with this ending are attached instead of the others if stages are counted. */
SEC("tp_btf/virtqueue_add")
int on_add_staged(const __u64 *event)
{
	return add_ended(event, true);
}

/*
 * get
 */

/*
 * A get returned a buffer: takes its stamp.
 * @slot: of the get
 * Returns false if the add of the buffer was not seen.
 */
static __always_inline bool buffer_got(const struct vring_buf_op *buf, const struct vt_slot *slot,
				       struct stamp *s)
{
	struct stamp *stamp;

	if (!stamp_of(slot, buf->buf_id, &stamp))
		return false;
	s->added = stamp->added;
	s->batch = stamp->batch;
	stamp->added = 0;
	return s->added;
}

static __noinline int buffer_got_far(const struct vring_buf_op *buf)
{
	struct vt_slot *slot = slot_find(buf->op.id, VT_OP_GET), *to_used;
	struct path *a = path_at(buf->op.id);
	__u64 interrupt = a && stages ? interrupt_of_next(a) : 0;
	struct stamp s;

	if (!slot || !buffer_got(buf, slot, &s))
		return 0;
	if (stages)
		return request_ended_far(buf->op.id, interrupt, &s, buf->op.end);
	to_used = slot_find_besides(buf->op.id, VT_OP_GET, VT_AVAIL_TO_USED);
	if (to_used)
		count(to_used, buf->op.end - s.added, false);
	return 0;
}

static __noinline int get_far(const struct vring_buf_op *buf, bool timed)
{
	struct vt_slot *slot = slot_find(buf->op.id, VT_OP_GET);

	if (!slot)
		return 0;
	event_count(&buf->op, VT_OP_GET, slot, !buf->op.result);
	slot->bytes_in += buf->in_bytes;
	return timed && buf->op.result ? buffer_got_far(buf) : 0;
}

/*
 * Counts a get.
 * @timed: also measure the time of requests
 * @staged: and its stages
 */
static __always_inline int get_ended(const __u64 *event, bool timed, bool staged)
{
	const struct vring_op *op = (const void *)event[1];
	const struct vring_buf_op *buf;
	struct vt_slot *slot, *first;
	struct vt_row *row;
	bool near = event_near(&op, VT_OP_GET, &row, &slot);
	__u64 interrupt = 0;
	struct path *a;
	struct stamp s;

	buf = (const void *)op;
	if (!near)
		return get_far(buf, timed);
	if (!op->result) {
		event_count(op, VT_OP_GET, slot, true);
		return 0;
	}
	event_count(op, VT_OP_GET, slot, false);
	slot->bytes_in += buf->in_bytes;
	if (!timed)
		return 0;
	if (!staged) {
		if (!slot_besides_near(slot, &first))
			return buffer_got_far(buf);
		if (buffer_got(buf, slot, &s))
			count(first, op->end - s.added, false);
		return 0;
	}
	if (!request_slots_near(slot, &first) || !path_near(op->id, &a))
		return buffer_got_far(buf);
	interrupt = interrupt_of_next(a);
	if (!buffer_got(buf, slot, &s))
		return 0;
	request_ended(true, first, op->id, a, interrupt, s.batch, s.added, op->end);
	return 0;
}

SEC("tp_btf/virtqueue_get")
int on_get(const __u64 *event)
{
	return get_ended(event, false, false);
}

/* Attached instead of on_get() if requests are timed. */
SEC("tp_btf/virtqueue_get")
int on_get_timed(const __u64 *event)
{
	return get_ended(event, true, false);
}

SEC("tp_btf/virtqueue_get")
int on_get_staged(const __u64 *event)
{
	return get_ended(event, true, true);
}

/*
 * kick_prepare
 */

/* The driver will ring the doorbell: counts how many buffers the doorbell announces. */
static __noinline int announce_far(const struct vring_op *op)
{
	struct vt_row *row = rows_at(row_key(op->id));
	struct path *a = path_at(op->id);
	struct vt_slot *slot;
	__u32 buffers;

	if (!a)
		return 0;
	buffers = announce(a);
	if (stages && row)
		batch_ends(a, row, op->end);
	slot = slot_find_besides(op->id, VT_OP_KICK_PREPARE, VT_BUFFERS_PER_DOORBELL);
	if (slot)
		count(slot, buffers, false);
	return 0;
}

static __noinline int kick_prepare_far(const struct vring_op *op)
{
	struct vt_slot *slot = slot_find(op->id, VT_OP_KICK_PREPARE);
	struct path *a = path_at(op->id);

	if (!slot)
		return 0;
	event_count(op, VT_OP_KICK_PREPARE, slot, !op->result && a && kick_suppressed(a));
	if (op->result)
		announce_far(op);
	else if (stages && a)
		a->not_wanted = op->end;
	return 0;
}

static __always_inline int kick_prepare_ended(const __u64 *event, bool staged)
{
	const struct vring_op *op = (const void *)event[1];
	struct path *a;
	struct vt_slot *slot;
	struct vt_row *row;

	if (!event_near(&op, VT_OP_KICK_PREPARE, &row, &slot))
		return kick_prepare_far(op);
	if (!op->result) {
		if (!path_near(op->id, &a))
			return kick_prepare_far(op);
		if (staged)
			a->not_wanted = op->end;
		event_count(op, VT_OP_KICK_PREPARE, slot, kick_suppressed(a));
		return 0;
	}
	event_count(op, VT_OP_KICK_PREPARE, slot, false);
	if (!path_near(op->id, &a) || !slot_besides_near(slot, &slot))
		return announce_far(op);
	if (staged)
		batch_ends(a, row, op->end);
	announce(a);
	count(slot, a->last, false);
	return 0;
}

SEC("tp_btf/virtqueue_kick_prepare")
int on_kick_prepare(const __u64 *event)
{
	return kick_prepare_ended(event, false);
}

SEC("tp_btf/virtqueue_kick_prepare")
int on_kick_prepare_staged(const __u64 *event)
{
	return kick_prepare_ended(event, true);
}

/*
 * Operations that have only a duration and a result to count
 */

/* Which result of an operation means that the operation failed, or answered no. */
enum {
	REFUSED_NEVER,
	REFUSED_IF_ZERO,
	REFUSED_IF_NOT_ZERO,
};

static __always_inline bool op_refused(const struct vring_op *op, int how)
{
	if (how == REFUSED_NEVER)
		return false;
	return how == REFUSED_IF_ZERO ? !op->result : op->result;
}

static __noinline int op_ended_far(const struct vring_op *op, __u32 number, int how)
{
	struct vt_slot *slot = slot_find(op->id, number);

	if (slot)
		event_count(op, number, slot, op_refused(op, how));
	return 0;
}

static __always_inline int op_ended(const __u64 *event, __u32 number, int how)
{
	const struct vring_op *op = (const void *)event[1];
	struct vt_slot *slot;
	struct vt_row *row;

	if (!event_near(&op, number, &row, &slot))
		return op_ended_far(op, number, how);
	event_count(op, number, slot, op_refused(op, how));
	return 0;
}

SEC("tp_btf/virtqueue_notify")
int on_notify(const __u64 *event)
{
	return op_ended(event, VT_OP_NOTIFY, REFUSED_IF_ZERO);
}

static __noinline int notify_far(const struct vring_op *op)
{
	struct vt_row *row = rows_at(row_key(op->id));
	struct path *a = path_at(op->id);

	if (row && a)
		batch_rung(a, row, op->start, op->end);
	return op_ended_far(op, VT_OP_NOTIFY, REFUSED_IF_ZERO);
}

SEC("tp_btf/virtqueue_notify")
int on_notify_staged(const __u64 *event)
{
	const struct vring_op *op = (const void *)event[1];
	struct vt_slot *slot;
	struct vt_row *row;
	struct path *a;

	if (!event_near(&op, VT_OP_NOTIFY, &row, &slot) || !path_near(op->id, &a))
		return notify_far(op);
	batch_rung(a, row, op->start, op->end);
	event_count(op, VT_OP_NOTIFY, slot, !op->result);
	return 0;
}

SEC("tp_btf/virtqueue_disable_cb")
int on_disable_cb(const __u64 *event)
{
	return op_ended(event, VT_OP_DISABLE_CB, REFUSED_NEVER);
}

SEC("tp_btf/virtqueue_enable_cb_prepare")
int on_enable_cb_prepare(const __u64 *event)
{
	return op_ended(event, VT_OP_ENABLE_CB_PREPARE, REFUSED_NEVER);
}

SEC("tp_btf/virtqueue_enable_cb_delayed")
int on_enable_cb_delayed(const __u64 *event)
{
	return op_ended(event, VT_OP_ENABLE_CB_DELAYED, REFUSED_IF_ZERO);
}

SEC("tp_btf/virtqueue_poll")
int on_poll(const __u64 *event)
{
	return op_ended(event, VT_OP_POLL, REFUSED_IF_ZERO);
}

SEC("tp_btf/virtqueue_more_used")
int on_more_used(const __u64 *event)
{
	return op_ended(event, VT_OP_MORE_USED, REFUSED_IF_ZERO);
}

/*
 * The way back. An interrupt asks more_used before it calls the driver back, and its own event
 * comes after the callback. So more_used tells when the interrupt came.
 */
SEC("tp_btf/virtqueue_more_used")
int on_interrupt_begins(const __u64 *event)
{
	const struct vring_op *op = (const void *)event[1];

	if (!op->result)
		return 0;
	clock_offset = bpf_ktime_get_ns() - op->end;
	return interrupt_begins((const void *)event[0], op->id, op->layout, op->start);
}

SEC("tp_btf/virtqueue_interrupt")
int on_interrupt(const __u64 *event)
{
	return op_ended(event, VT_INTERRUPT, REFUSED_IF_ZERO);
}

/* Rare operations. They have no near path, because a program without one loads faster. */

SEC("tp_btf/virtqueue_detach_unused_buf")
int on_detach_unused_buf(const __u64 *event)
{
	return op_ended_far((const void *)event[1], VT_OP_DETACH_UNUSED_BUF, REFUSED_IF_ZERO);
}

#define ENOMEM 12

SEC("tp_btf/virtqueue_resize")
int on_resize(const __u64 *event)
{
	const struct vring_op *op = (const void *)event[1];
	__u32 old_num = event[2], num = event[3];
	int err = op->result;

	/* If the kernel has no memory for a new ring, it resets the queue instead. */
	if (old_num != num && (!err || err == -ENOMEM))
		start_afresh(op->id);
	if (!err)
		stamps_get(op->id, num);
	return op_ended_far(op, VT_OP_RESIZE, REFUSED_IF_NOT_ZERO);
}

SEC("tp_btf/virtqueue_reset")
int on_reset(const __u64 *event)
{
	const struct vring_op *op = (const void *)event[1];

	if (!op->result)
		start_afresh(op->id);
	return op_ended_far(op, VT_OP_RESET, REFUSED_NEVER);
}

SEC("tp_btf/virtqueue_notification_data")
int on_notification_data(const __u64 *event)
{
	const struct vring_op *op = (const void *)event[1];
	struct vt_slot *slot;
	int verdict;

	verdict = doorbell_rung((const void *)event[0], op->id, op->result);
	slot = slot_find(op->id, VT_OP_NOTIFICATION_DATA);
	if (!slot)
		return 0;
	if (verdict == VALUE_BEHIND)
		slot->bytes_out++;
	event_count(op, VT_OP_NOTIFICATION_DATA, slot, verdict == VALUE_WRONG);
	return 0;
}

SEC("tp_btf/virtqueue_created")
int BPF_PROG(on_created, const struct virtqueue *vq, __u32 id, __u32 layout, __u32 num)
{
	queue_get(vq, id, layout);
	return 0;
}

SEC("tp_btf/virtqueue_deleted")
int BPF_PROG(on_deleted, const struct virtqueue *vq, __u32 id, __u32 layout)
{
	queue_forget(id);
	return 0;
}
