/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads rings: the state that the driver keeps, and the memory that the driver shares with the
 * device. The tool runs these programs, because a stuck queue has no events. The programs of the
 * operations do not use this file.
 */

/* Key: entry in the map of queues */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vt_ring);
} rings SEC(".maps");

/* copy_ring() puts a part of one ring here. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, VT_PART);
	__type(key, __u32);
	__type(value, struct vt_ring_entry);
} ring_part SEC(".maps");

/* Offsets and sizes in the shared memory (virtio 1.3, sections 2.7 and 2.8), bytes. */
#define SPLIT_FLAGS	  0 /* in the available and in the used ring */
#define SPLIT_IDX	  2
#define SPLIT_RING	  4
#define AVAIL_SIZE	  2 /* size of an element */
#define USED_SIZE	  8
#define DESC_SIZE	  16
#define PACKED_OFF_WRAP	  0 /* in an event suppression structure */
#define PACKED_FLAGS	  2
#define PACKED_DESC_FLAGS 14

/* Reads a number of the shared memory. @swapped: see ring_is_swapped() */
static __u16 shared_u16(const void *from, __u64 at, bool swapped)
{
	__u16 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), from + at);
	return swapped ? __builtin_bswap16(value) : value;
}

static __always_inline void ring_read_split(struct vt_ring *r, const struct vring_virtqueue *vring,
					    bool swapped)
{
	const void *desc = BPF_CORE_READ(vring, split.vring.desc);
	const void *avail = BPF_CORE_READ(vring, split.vring.avail);
	const void *used = BPF_CORE_READ(vring, split.vring.used);

	r->num = BPF_CORE_READ(vring, split.vring.num);
	r->next_avail = BPF_CORE_READ(vring, split.avail_idx_shadow);
	r->shadow = BPF_CORE_READ(vring, split.avail_flags_shadow);
	r->desc_area = BPF_CORE_READ(vring, split.queue_dma_addr);
	r->driver_area = r->desc_area + (avail - desc);
	r->device_area = r->desc_area + (used - desc);

	r->split.avail_flags = shared_u16(avail, SPLIT_FLAGS, swapped);
	r->split.avail_idx = shared_u16(avail, SPLIT_IDX, swapped);
	r->split.used_flags = shared_u16(used, SPLIT_FLAGS, swapped);
	r->split.used_idx = shared_u16(used, SPLIT_IDX, swapped);
	/* Without VIRTIO_F_EVENT_IDX these two fields are never written. */
	r->split.used_event = shared_u16(avail, SPLIT_RING + (__u64)r->num * AVAIL_SIZE, swapped);
	r->split.avail_event = shared_u16(used, SPLIT_RING + (__u64)r->num * USED_SIZE, swapped);
}

static __always_inline void ring_read_packed(struct vt_ring *r, const struct vring_virtqueue *vring,
					     bool swapped)
{
	const void *desc = BPF_CORE_READ(vring, packed.vring.desc);
	const void *driver = BPF_CORE_READ(vring, packed.vring.driver);
	const void *device = BPF_CORE_READ(vring, packed.vring.device);
	__u16 next = BPF_CORE_READ(vring, packed.next_avail_idx);

	r->num = BPF_CORE_READ(vring, packed.vring.num);
	r->next_avail = next | (__u16)BPF_CORE_READ(vring, packed.avail_wrap_counter)
				       << VT_WRAP_SHIFT;
	r->shadow = BPF_CORE_READ(vring, packed.event_flags_shadow);
	r->desc_area = BPF_CORE_READ(vring, packed.ring_dma_addr);
	r->driver_area = BPF_CORE_READ(vring, packed.driver_event_dma_addr);
	r->device_area = BPF_CORE_READ(vring, packed.device_event_dma_addr);

	r->packed.driver_off_wrap = shared_u16(driver, PACKED_OFF_WRAP, swapped);
	r->packed.driver_flags = shared_u16(driver, PACKED_FLAGS, swapped);
	r->packed.device_off_wrap = shared_u16(device, PACKED_OFF_WRAP, swapped);
	r->packed.device_flags = shared_u16(device, PACKED_FLAGS, swapped);
	r->packed.last_used_flags = shared_u16(
		desc, (__u64)(r->last_used & ~VT_WRAP) * DESC_SIZE + PACKED_DESC_FLAGS, swapped);
	r->packed.next_avail_flags =
		shared_u16(desc, (__u64)next * DESC_SIZE + PACKED_DESC_FLAGS, swapped);
}

/*
 * Returns the highest queue index of the device. The driver adds queues to the list in the order of
 * the index, so it is the last in the list.
 */
static __always_inline __u16 last_index_of(const struct virtqueue *vq)
{
	const void *last = BPF_CORE_READ(vq, vdev, vqs.prev);

	vq = last - bpf_core_field_offset(struct virtqueue, list);
	return BPF_CORE_READ(vq, index);
}

static __noinline int ring_read(struct vt_ring *r, const struct vt_queue *q)
{
	const struct virtqueue *vq = (const void *)q->vq;
	const struct vring_virtqueue *vring = (const void *)vq;
	const struct vring_virtqueue___other *other = (const void *)vq;
	bool swapped = ring_is_swapped(VT_BIG_ENDIAN, q->features);

	__builtin_memset(r, 0, sizeof(*r));
	r->serial = q->serial;
	r->last_index = last_index_of(vq);
	r->num_free = BPF_CORE_READ(vq, num_free);
	r->num_added = BPF_CORE_READ(vring, num_added);
	r->last_used = BPF_CORE_READ(vring, last_used_idx);
	r->batch_last = VT_NO_BATCH;
	if (bpf_core_field_exists(other->batch_last) && layout_is_in_order(q->layout))
		r->batch_last = BPF_CORE_READ(other, batch_last.id);
	if (BPF_CORE_READ(vring, broken))
		r->state |= VT_RING_BROKEN;
	if (BPF_CORE_READ(vq, reset))
		r->state |= VT_RING_RESET;
	if (BPF_CORE_READ(vq, callback))
		r->state |= VT_RING_CALLBACK;
	if (BPF_CORE_READ(vring, event))
		r->state |= VT_RING_EVENT_IDX;
	if (BPF_CORE_READ(vring, event_triggered))
		r->state |= VT_RING_TRIGGERED;
	if (layout_is_packed(q->layout))
		ring_read_packed(r, vring, swapped);
	else
		ring_read_split(r, vring, swapped);
	return 0;
}

static __always_inline bool ring_same(const struct vt_ring *a, const struct vt_ring *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;
	__u64 differ = 0;

	for (__u32 i = 0; i < sizeof(*a) / sizeof(*x); i++)
		differ |= x[i] ^ y[i];
	return !differ;
}

/* A ring is read up to this many times, until two readings are equal. */
#define READINGS 4

static long ring_look(__u32 i, void *unused)
{
	struct vt_queue *q = bpf_map_lookup_elem(&queues, &i);
	struct vt_ring *entry = bpf_map_lookup_elem(&rings, &i);
	struct vt_ring a, b;

	if (!q || !entry)
		return 0;
	if (q->state != VT_QUEUE_LIVE) {
		entry->serial = 0;
		return 0;
	}
	ring_read(&a, q);
	for (int n = 1; n < READINGS; n++) {
		ring_read(&b, q);
		if (ring_same(&a, &b))
			break;
		a = b;
		if (n == READINGS - 1)
			a.state |= VT_RING_MOVING;
	}
	*entry = a;
	return 0;
}

/* Reads the state of all rings into the map. The tool runs this program. */
SEC("syscall")
int look_at_rings(void *ctx)
{
	bpf_loop(nr_queues, ring_look, 0, 0);
	return 0;
}

struct copy {
	const struct vring_virtqueue *vring;
	bool packed, swapped;
	__u32 first, num;
};

static long ring_copy(__u32 i, struct copy *c)
{
	struct vt_ring_entry *e = bpf_map_lookup_elem(&ring_part, &i);
	const struct vring_desc_state_packed *packed;
	const struct vring_desc_state_split *split;
	const struct vring_virtqueue *vring = c->vring;
	__u64 n = c->first + i;

	if (!e || n >= c->num)
		return 1;
	__builtin_memset(e, 0, sizeof(*e));
	if (c->packed) {
		packed = BPF_CORE_READ(vring, packed.desc_state);
		packed = (const void *)packed +
			 n * bpf_core_type_size(struct vring_desc_state_packed);
		e->token = (__u64)BPF_CORE_READ(packed, data);
		e->length = BPF_CORE_READ(packed, num);
		bpf_probe_read_kernel(&e->desc, sizeof(e->desc),
				      BPF_CORE_READ(vring, packed.vring.desc) + n * DESC_SIZE);
		if (VT_BIG_ENDIAN && c->swapped)
			desc_swap(e);
		return 0;
	}
	split = BPF_CORE_READ(vring, split.desc_state);
	split = (const void *)split + n * bpf_core_type_size(struct vring_desc_state_split);
	e->token = (__u64)BPF_CORE_READ(split, data);
	bpf_probe_read_kernel(&e->desc, sizeof(e->desc),
			      BPF_CORE_READ(vring, split.vring.desc) + n * DESC_SIZE);
	e->avail = shared_u16(BPF_CORE_READ(vring, split.vring.avail), SPLIT_RING + n * AVAIL_SIZE,
			      VT_BIG_ENDIAN && c->swapped);
	bpf_probe_read_kernel(&e->used, sizeof(e->used),
			      BPF_CORE_READ(vring, split.vring.used) + SPLIT_RING + n * USED_SIZE);
	if (VT_BIG_ENDIAN && c->swapped) {
		desc_swap(e);
		used_swap(e);
	}
	return 0;
}

/*
 * Copies some entries of one ring, then reads the state of this ring into the map. The tool runs
 * this program. Returns 1 if the queue is gone.
 */
SEC("syscall")
int copy_ring(struct vt_part *part)
{
	__u32 entry = part->entry;
	struct vt_queue *q = bpf_map_lookup_elem(&queues, &entry);
	struct copy c = { .first = part->first };

	if (!q || q->state != VT_QUEUE_LIVE || q->serial != part->serial)
		return 1;
	c.vring = (const void *)q->vq;
	c.packed = layout_is_packed(q->layout);
	if (VT_BIG_ENDIAN)
		c.swapped = ring_is_swapped(true, q->features);
	c.num = q->num;
	bpf_loop(VT_PART, ring_copy, &c, 0);
	ring_look(entry, NULL);
	return 0;
}
