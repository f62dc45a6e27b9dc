/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The life of a request: the time of a buffer from add to get, and the stages of this time.
 *
 * - queued: from the end of add to the begin of the doorbell that announced the buffer
 * - doorbell: from the begin to the end of this doorbell
 * - device: from there to the interrupt that came after the device had used the buffer
 * - wakeup: from there to the end of the get that fetched the buffer
 *
 * A buffer for which no doorbell was wanted goes from add to `device` at once. A buffer that the
 * driver fetched without an interrupt has no wakeup. If a doorbell began before the add or ended
 * after the get, the time of the add or of the get is used instead. So the stages always add up to
 * the whole time.
 */

/* Returns the place of a batch. It may have a batch with another number; see `number` in it. */
static __always_inline struct batch *batch_of(struct path *a, __u64 number)
{
	number &= NR_BATCHES - 1;
	barrier_var(number);
	return &a->batches[number];
}

/*
 * kick_prepare answered yes: ends the batch.
 * @row: of the queue on this CPU, which will ring the doorbell
 * @now: ns
 */
static __always_inline void batch_ends(struct path *a, struct vt_row *row, __u64 now)
{
	__u32 number = a->batch + 1;
	struct batch *b = batch_of(a, number);

	a->batch = number;
	row->slot[VT_ROW_BATCH] = number;
	b->not_wanted = a->not_wanted;
	b->begin = now;
	b->end = 0;
	b->number = number;
}

/* The driver rang the doorbell from @begin to @end (ns). */
static __always_inline void batch_rung(struct path *a, const struct vt_row *row, __u64 begin,
				       __u64 end)
{
	__u32 number = row->slot[VT_ROW_BATCH];
	struct batch *b = batch_of(a, number);

	/* The doorbell belongs to this batch only if no doorbell of this batch was rung yet. */
	if (b->number != number || b->end)
		return;
	b->begin = begin;
	b->end = end;
}

/*
 * The time of the add, for each buffer that the device has.
 *
 * With the tracepoints, each buffer has a stamp. Its index is the first stamp of the queue plus the
 * id of the buffer. Each queue has as many stamps as its ring can have entries.
 *
 * Functions do not tell the id of a buffer. There buffers are in groups, and the hash of the key of
 * a buffer selects the group. The table has room for nearly all buffers. If a group is full, a new
 * buffer replaces the oldest one, which is then not timed.
 */
#define FLIGHT_BITS 15
#define FLIGHT_WAYS 4

struct flight {
	struct {
		__u64 key;   /* see flight_key(); 0: free */
		__u64 added; /* ns; 0: the place is free, or its buffer is just being added */
		__u32 batch; /* as in struct stamp */
		__u32 id;    /* of the queue */
	} buffer[FLIGHT_WAYS];
};

struct stamp {
	__u64 added; /* ns, on the clock of the events; 0: the device does not have the buffer */
	__u32 batch; /* number of the batch before the one of the buffer */
	__u32 descs; /* how many descriptors the buffer has */
};

static union {
	struct flight in_flight[1 << FLIGHT_BITS];
	struct stamp stamps[NR_STAMPS];
} out __attribute__((aligned(64)));

/*
 * CLOCK_MONOTONIC minus the clock of the events, ns. Measured when a CPU adds the first buffer of a
 * queue, and at each interrupt. 0 with functions, because the programs read CLOCK_MONOTONIC.
 */
__u64 clock_offset SHARED;

/*
 * Returns the key of a buffer: its token, which the driver chose, and the id of its queue. Tokens
 * are small numbers, or addresses, which all have the same highest 16 bits.
 */
static __always_inline __u64 flight_key(__u64 id, __u64 token)
{
	return token ^ id << 48;
}

static __always_inline struct flight *flight_of(__u64 key)
{
	return &out.in_flight[hash_of(key, FLIGHT_BITS)];
}

/*
 * The device gets a buffer: keeps the time.
 * @batch: as in struct stamp
 * @now: ns
 */
static __always_inline void flight_start(__u64 id, __u64 token, __u32 batch, __u64 now)
{
	__u64 key = flight_key(id, token);
	struct flight *f = flight_of(key);
	int oldest = 0;

	for (int i = 0; i < FLIGHT_WAYS; i++) {
		__u64 has = f->buffer[i].key;

		/*
		 * If the driver detached a buffer, its key is still in the table, perhaps at a
		 * later place. That does no harm, because flight_end() also starts at the first
		 * place and finds the new key first. Programs on other CPUs may take places for
		 * other queues at the same time.
		 */
		if (has ? has == key : !__sync_val_compare_and_swap(&f->buffer[i].key, 0, key)) {
			if (stages) {
				f->buffer[i].batch = batch;
				f->buffer[i].id = id;
			}
			f->buffer[i].added = now;
			return;
		}
	}
	for (int i = 1; i < FLIGHT_WAYS; i++)
		if (f->buffer[i].added < f->buffer[oldest & (FLIGHT_WAYS - 1)].added)
			oldest = i;
	oldest &= FLIGHT_WAYS - 1;
	f->buffer[oldest].added = now;
	f->buffer[oldest].key = key;
	f->buffer[oldest].batch = batch;
	f->buffer[oldest].id = id;
}

/*
 * The driver gets a buffer back. Fills @s. Returns false if the add of the buffer was not seen.
 */
static __always_inline bool flight_end(__u64 id, __u64 token, struct stamp *s)
{
	__u64 key = flight_key(id, token);
	struct flight *f = flight_of(key);

	for (int i = 0; i < FLIGHT_WAYS; i++) {
		if (f->buffer[i].key != key)
			continue;
		s->added = f->buffer[i].added;
		if (stages) {
			s->batch = f->buffer[i].batch;
			f->buffer[i].added = 0;
		}
		f->buffer[i].key = 0;
		return true;
	}
	return false;
}

static long stamp_clear(__u32 i, __u32 *first)
{
	__u32 at = *first + i;

	barrier_var(at);
	if (at < NR_STAMPS)
		out.stamps[at].added = 0;
	return 0;
}

/*
 * Forgets the buffers of a queue, because the device has no buffer any more. With functions it
 * keeps the time, because the table has no list of the buffers of a queue: see flight_look().
 */
static __always_inline void stamps_clear(struct path *a)
{
	__u32 first = a->first_stamp;

	if (by_functions)
		a->cleared = bpf_ktime_get_ns();
	else
		bpf_loop(a->nr_stamps, stamp_clear, &first, 0);
}

/*
 * Finds the stamp of a buffer. Returns false if the queue has no stamps.
 * @slot: of add or get of the queue
 */
static __always_inline bool stamp_of(const struct vt_slot *slot, __u64 buffer_id,
				     struct stamp **stamp)
{
	__u64 at = slot->stamps + buffer_id;

	barrier_var(at);
	if (unlikely(at >= NR_STAMPS))
		return false;
	*stamp = &out.stamps[at];
	return true;
}

/*
 * The driver will ring a doorbell. Returns how many buffers the doorbell announces: all that were
 * added since the last doorbell.
 */
static __always_inline __u32 announce(struct path *a)
{
	a->last = a->added - a->announced;
	a->announced = a->added;
	return a->last;
}

/*
 * kick_prepare said no. Returns true if that suppressed a doorbell: a buffer was added since the
 * last doorbell and since the last no. A driver also asks after a refused add, and then there is no
 * buffer to announce.
 */
static __always_inline bool kick_suppressed(struct path *a)
{
	bool suppressed = a->added != a->announced && a->added != a->asked;

	a->asked = a->added;
	return suppressed;
}

/*
 * The ring is empty again. So no doorbell will ever announce the buffers that were not announced
 * yet.
 */
static __always_inline void start_afresh(__u32 id)
{
	struct path *a = path_at(id);

	if (!a)
		return;
	a->announced = a->added;
	a->until = a->next_until = a->got;
	stamps_clear(a);
}

/*
 * Interrupts
 */

struct used {
	const void *desc;  /* the descriptors of a packed ring */
	const void *state; /* what the driver keeps of each buffer, by its id */
	__u32 num, at;	   /* size of the ring; position, with the wrap counter */
	__u32 found;
};

#define PACKED_DESC_LENGTH 16
#define PACKED_DESC_ID	   12 /* then the flags; virtio 1.3, section 2.8.13 */
#define PACKED_AVAIL	   (1 << 7)
#define PACKED_USED	   (1 << 15)
#define SPLIT_USED_IDX	   2 /* virtio 1.3, section 2.7.8 */

/* Looks at the next buffer of a packed ring. Returns 1 if the device has not used the buffer. */
static long used_look(__u32 i, struct used *u)
{
	const struct vring_desc_state_packed *state;
	__u32 offset = u->at & ~VT_WRAP, wrap = u->at & VT_WRAP, descs;
	struct {
		__u16 id, flags;
	} d = {};

	bpf_probe_read_kernel(&d, sizeof(d),
			      u->desc + offset * PACKED_DESC_LENGTH + PACKED_DESC_ID);
	if (!(d.flags & PACKED_AVAIL) != !wrap || !(d.flags & PACKED_USED) != !wrap ||
	    d.id >= u->num)
		return 1;
	u->found = i + 1;
	state = u->state + d.id * bpf_core_type_size(struct vring_desc_state_packed);
	descs = BPF_CORE_READ(state, num);
	offset += descs;
	if (offset >= u->num) {
		offset -= u->num;
		wrap ^= VT_WRAP;
	}
	u->at = offset | wrap;
	return !descs;
}

/* Returns how many buffers the device has used, and the driver has not fetched. */
static __always_inline __u32 used_buffers(const struct virtqueue *vq, __u32 layout,
					  const struct path *a)
{
	const struct vring_virtqueue *vring = (const void *)vq;
	__u16 at = BPF_CORE_READ(vring, last_used_idx), idx = 0;
	struct used u = { .at = at };

	if (!layout_is_packed(layout)) {
		bpf_probe_read_kernel(&idx, sizeof(idx),
				      BPF_CORE_READ(vring, split.vring.used) + SPLIT_USED_IDX);
		return (__u16)(idx - at);
	}
	u.num = BPF_CORE_READ(vring, packed.vring.num);
	if (layout_is_in_order(layout)) {
		/*
		 * The device may use many buffers with one descriptor, so this counts all buffers
		 * that the driver has added.
		 */
		u.found = a->added - a->got;
		return u.found < u.num ? u.found : u.num;
	}
	u.desc = BPF_CORE_READ(vring, packed.vring.desc);
	u.state = BPF_CORE_READ(vring, packed.desc_state);
	bpf_loop(u.num, used_look, &u, 0);
	return u.found;
}

/*
 * An interrupt begins. The callback of the driver has not run yet, so the driver has not fetched
 * the buffers. Finds the used buffers that no earlier interrupt found, keeps the time of the
 * interrupt for them, and counts them.
 * @now: ns, on the clock of the stamps
 */
static __noinline int interrupt_begins(const struct virtqueue *vq, __u32 id, __u32 layout,
				       __u64 now)
{
	struct path *a = path_at(id);
	struct vt_slot *slot;
	__u32 until, last, found;

	if (!a || !vq)
		return 0;
	found = used_buffers(vq, layout, a);
	if (!found)
		return 0;
	until = a->got + found;
	last = a->until;
	if ((__s32)(last - a->got) > 0) {
		/* The buffers of an older interrupt are not all fetched. */
		if ((__s32)(a->next_until - last) > 0)
			last = a->next_until;
		else
			a->next_interrupt = now;
		found = (__s32)(until - last) > 0 ? until - last : 0;
		a->next_until = last + found;
	} else {
		a->interrupt = now;
		a->until = a->next_until = until;
	}
	slot = slot_find(id, VT_BUFFERS_PER_INTERRUPT);
	if (slot)
		count(slot, found, false);
	return 0;
}

/*
 * The driver fetched a buffer. Returns when the interrupt came that announced the buffer; 0: there
 * was none.
 */
static __always_inline __u64 interrupt_of_next(struct path *a)
{
	__u32 got = a->got++;

	if ((__s32)(a->until - got) > 0)
		return a->interrupt;
	if ((__s32)(a->next_until - got) <= 0)
		return 0;
	a->until = a->next_until;
	a->interrupt = a->next_interrupt;
	return a->interrupt;
}

/*
 * Stages
 */

/* The slots of VT_AVAIL_TO_USED and of the stages, in this order. They lie one after another. */
enum {
	REQUEST_ALL,
	REQUEST_QUEUED,
	REQUEST_DOORBELL,
	REQUEST_DEVICE,
	REQUEST_WAKEUP,
	NR_REQUEST_SLOTS
};

/* Returns what the n-th of these slots counts. */
static __always_inline __u32 request_op(__u32 n)
{
	return n == REQUEST_ALL ? VT_AVAIL_TO_USED : VT_STAGE_QUEUED + n - REQUEST_QUEUED;
}

/*
 * Finds the slots of the requests of a queue.
 * @slot: of the get
 * Returns false if they are far, do not lie one after another, or do not exist yet.
 */
static __always_inline bool request_slots_near(const struct vt_slot *slot, struct vt_slot **first)
{
	__u64 at = slot->besides - 1;

	barrier_var(at);
	if (unlikely(at > (VT_NEAR_SLOTS - NR_REQUEST_SLOTS) * sizeof(struct vt_slot)))
		return false;
	*first = (void *)near_slots + at + 1;
	return true;
}

/*
 * Claims the slots of the requests of a queue on this CPU. If the next free slots lie one after
 * another and are near, request_slots_near() finds them from now on.
 */
static __noinline int request_slots_claim(__u32 id)
{
	struct vt_slot *get = slot_find(id, VT_OP_GET), *slot;
	struct vt_row *row = rows_at(row_key(id));
	__u32 *of = bpf_map_lookup_elem(&queue_of, &id);
	__u32 at, first = 0, n = 0, together = 1;

	if (!get || !row || !of || (__s32)(free_slots.tail - free_slots.head) < NR_REQUEST_SLOTS)
		return 0;
	at = __sync_fetch_and_add(&free_slots.head, NR_REQUEST_SLOTS);
	/* In the meantime another CPU may have taken the last free slots. */
	if ((__s32)(free_slots.tail - at) < NR_REQUEST_SLOTS)
		return 0;
	for (int i = 0; i < NR_REQUEST_SLOTS; i++) {
		n = free_slots.slot[(at + i) % VT_MOST_SLOTS];
		slot = slots_at(n);
		if (!slot)
			return 0;
		if (!i)
			first = n;
		together &= n == first + i;
		slot->owner = (*of << VT_OPS_SHIFT | request_op(i)) + 1;
		row->slot[request_op(i)] = n * sizeof(*slot);
	}
	if (together && first && first + NR_REQUEST_SLOTS <= VT_NEAR_SLOTS)
		get->besides = first * sizeof(*slot);
	return 0;
}

/*
 * Counts one of the times of a request.
 * @near: @first is of request_slots_near(); else the slot is to be found
 */
static __always_inline void request_count(bool near, struct vt_slot *first, __u32 id, __u32 n,
					  __u64 ns)
{
	struct vt_slot *slot = near ? &first[n] : slot_find(id, request_op(n));

	if (near || slot)
		count(slot, ns, false);
}

/* Counts a stage without a time, because the doorbell of the request is not known any more. */
static __always_inline void request_untimed(bool near, struct vt_slot *first, __u32 id, __u32 n)
{
	struct vt_slot *slot = near ? &first[n] : slot_find(id, request_op(n));

	if (near || slot)
		count_untimed(slot, false);
}

/* Returns a part of the time that is left. It is too long only if the clocks of two CPUs differ. */
static __always_inline __u64 part_of(__u64 left, __u64 part)
{
	if (likely(part <= left))
		return part;
	return (__s64)part < 0 ? 0 : left;
}

/*
 * Takes a request apart, and counts its whole time and its stages. A stage that the request did not
 * have is not counted.
 * @near, @first: as for request_count()
 * @interrupt: of interrupt_of_next()
 * @batch, @added: of the stamp of the buffer
 * @end: ns: the end of the get
 */
static __always_inline void request_ended(bool near, struct vt_slot *first, __u32 id,
					  struct path *a, __u64 interrupt, __u32 batch, __u64 added,
					  __u64 end)
{
	__u64 left = end - added, part;
	__u32 number = batch + 1;
	const struct batch *b = batch_of(a, number);

	barrier_var(b); /* keeps the compiler from computing the address again */
	request_count(near, first, id, REQUEST_ALL, left);
	/* An interrupt from before the add announced other buffers. */
	part = end - interrupt;
	if (part < left) {
		left -= part;
		request_count(near, first, id, REQUEST_WAKEUP, part);
	}
	if (b->number == number) {
		if ((__s64)(added - b->not_wanted) > 0) {
			part = part_of(left, b->begin - added);
			left -= part;
			added += part;
			request_count(near, first, id, REQUEST_QUEUED, part);
			part = b->end ? part_of(left, b->end - added) : left;
			left -= part;
			request_count(near, first, id, REQUEST_DOORBELL, part);
		}
	} else if ((__s32)(b->number - number) > 0) {
		request_untimed(near, first, id, REQUEST_QUEUED);
		request_untimed(near, first, id, REQUEST_DOORBELL);
	}
	request_count(near, first, id, REQUEST_DEVICE, left);
}

/*
 * Does the same where the slots are far, or do not exist yet.
 * @s: the stamp of the buffer, whose add was seen
 */
static __noinline int request_ended_far(__u32 id, __u64 interrupt, const struct stamp *s, __u64 end)
{
	struct vt_row *row = rows_at(row_key(id));
	struct path *a = path_at(id);

	if (!s || !row || !a)
		return 0;
	if (!row->slot[VT_STAGE_DEVICE] || row->slot[VT_STAGE_DEVICE] == VT_NO_SLOT)
		request_slots_claim(id);
	request_ended(false, 0, id, a, interrupt, s->batch, s->added, end);
	return 0;
}

/*
 * Buffers that are out: with the device
 */

struct outs {
	__u32 first; /* stamp of the queue */
	__u32 descs;
	__u64 oldest;
};

static long stamp_look(__u32 i, struct outs *o)
{
	__u32 at = o->first + i;
	const struct stamp *s;

	barrier_var(at);
	if (at >= NR_STAMPS)
		return 1;
	s = &out.stamps[at];
	if (!s->added)
		return 0;
	o->descs += s->descs;
	if (!o->oldest || (__s64)(o->oldest - s->added) > 0)
		o->oldest = s->added;
	return 0;
}

/* Fills in which buffers of a queue are out, as their stamps say. */
static __always_inline void queue_look_out(struct vt_queue *q)
{
	struct path *a = path_at(q->id);
	struct outs o = {};

	if (!a)
		return;
	o.first = a->first_stamp;
	bpf_loop(a->nr_stamps, stamp_look, &o, 0);
	q->descs_out = o.descs;
	q->oldest = o.oldest ? o.oldest + clock_offset : 0;
}

/*
 * Adds the buffers of a group to what is known of their queues. How many descriptors they have is
 * not known: each has one at least.
 */
static long flight_look(__u32 i, void *unused)
{
	barrier_var(i);
	if (i >= sizeof(out.in_flight) / sizeof(out.in_flight[0]))
		return 1;
	for (int way = 0; way < FLIGHT_WAYS; way++) {
		__u64 added = out.in_flight[i].buffer[way].added;
		__u32 id = out.in_flight[i].buffer[way].id, *of;
		const struct path *a;
		struct vt_queue *q;

		if (!added)
			continue;
		a = path_at(id);
		of = bpf_map_lookup_elem(&queue_of, &id);
		q = of ? bpf_map_lookup_elem(&queues, of) : NULL;
		/* A buffer from before the ring was emptied was detached. */
		if (!a || !q || added <= a->cleared)
			continue;
		q->descs_out++;
		if (!q->oldest || q->oldest > added)
			q->oldest = added;
	}
	return 0;
}

/* As queue_look_out(), of all queues. The caller has set their `descs_out` and `oldest` to 0. */
static __always_inline void functions_look_out(void)
{
	bpf_loop(sizeof(out.in_flight) / sizeof(out.in_flight[0]), flight_look, NULL, 0);
}
