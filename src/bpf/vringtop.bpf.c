// SPDX-License-Identifier: GPL-2.0
/*
 * The programs in the kernel. They keep a table of the queues, and count what happens to each queue
 * in memory that the tool maps. On a kernel with the tracepoints the programs in events.bpf.h see
 * the operations, on other kernels those in functions.bpf.h. rings.bpf.h reads the rings
 * themselves.
 *
 * The path of an operation: (queue id, CPU) -> row; (row, operation) -> slot; count in the slot.
 * vringtop.h explains these words. The path has no lock, no atomic operation, and no helper call
 * that the JIT does not inline. It keeps nearly no value over a helper call: the program reads the
 * arguments of the event again where it needs them, because that is cheaper than to save a
 * register. Rare work is not on this path: claiming a slot, and using elements that are not near.
 *
 * This file is compiled twice. With EVENTS=1 the programs also put each operation into a ring
 * buffer. All maps and variables are the same in both, so that the tool can load either.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "vringtop.h"
#include "byte_order.h"

char LICENSE[] SEC("license") = "GPL";

#define likely(condition)   __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* The tool sets these before it loads the programs. */
const volatile __u32 nr_cpus = 1;	      /* possible CPUs */
const volatile __u32 nr_queues = 1;	      /* entries in the map of queues */
const volatile __u16 short_buckets[VT_SHORT]; /* VT_BUCKET_AT() of each short duration */
const volatile bool avail_to_used;	      /* time each buffer from add to get */
const volatile bool stages;		      /* and the stages of this time */
const volatile bool count_more_used;	      /* functions: more_used is wanted */
const volatile bool by_functions;	      /* the kernel has no tracepoints */

/*
 * Variables that the tool also reads and writes. The tool maps all of this section. .bss has the
 * slots, and the tool maps only parts of it.
 */
#define SHARED SEC(".data.shared")

__u32 last_serial SHARED; /* serial of the newest queue */
__u32 next_queue SHARED;  /* the search for a free entry starts here */
struct vt_free free_slots SHARED;
/*
 * Events that were not counted. lost_slots: no slot was free. lost_ids: the queue has no entry or
 * no row.
 */
__u64 lost_slots SHARED;
__u64 lost_ids SHARED;
__u32 no_entry SHARED;	     /* how often there was no entry for a queue, so that it is not shown */
__u64 dropped_events SHARED; /* single operations that found no room in the ring buffer */

/*
 * The arrays on the path of an operation have near and far elements (see VT_NEAR_SLOTS). Only
 * machines with very many queues and CPUs need the far elements.
 *
 * barrier_var() in the *_at() functions keeps the compared number and the index in one register.
 * Otherwise the compiler may use a copy as the index, and the verifier does not know that the copy
 * was checked.
 */

/* Aligned to a page, because the tool maps the slots. */
struct vt_slot near_slots[VT_NEAR_SLOTS] __attribute__((aligned(4096)));
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vt_slot);
} far_slots SEC(".maps");

static __always_inline struct vt_slot *slots_at(__u64 n)
{
	__u32 far;

	barrier_var(n);
	if (n < VT_NEAR_SLOTS)
		return &near_slots[n];
	far = n - VT_NEAR_SLOTS;
	return bpf_map_lookup_elem(&far_slots, &far);
}

/* Key: id * nr_cpus + CPU. The tool fills the near rows with VT_NO_SLOT. */
struct vt_row near_rows[VT_NEAR_ROWS] __attribute__((aligned(4096)));
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vt_row);
} far_rows SEC(".maps");

static __always_inline struct vt_row *rows_at(__u64 n)
{
	__u32 far;

	barrier_var(n);
	if (n < VT_NEAR_ROWS)
		return &near_rows[n];
	far = n - VT_NEAR_ROWS;
	return bpf_map_lookup_elem(&far_rows, &far);
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vt_queue);
} queues SEC(".maps");

/* Key: id. Value: entry in the map of queues; 0: none. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} queue_of SEC(".maps");

/*
 * Batches: the buffers between two doorbells of a queue. The batches of a queue have numbers from 1
 * on. A buffer keeps the number of the batch before its own.
 *
 * kick_prepare ends a batch when it answers yes. When it answers no, the device will look by
 * itself, so the buffers that were added so far get no doorbell.
 */
struct batch {
	__u32 number;
	__u64 not_wanted; /* ns: when kick_prepare last said no before it said yes */
	__u64 begin;	  /* of the doorbell, ns; until it has ended: the end of kick_prepare */
	__u64 end;	  /* of the doorbell, ns; 0: the driver is still ringing */
};

/* The newest batches of a queue. If a buffer is out for longer, its doorbell is not known. */
#define NR_BATCHES 64

/*
 * Where the buffers of a queue are on their path. The programs write it under the driver's lock of
 * the queue, except for the interrupts. The first members are a cache line.
 */
struct path {
	__u32 added;	   /* buffers added so far */
	__u32 announced;   /* buffers announced by all doorbells so far */
	__u32 last;	   /* buffers announced by the last doorbell */
	__u32 asked;	   /* value of `added` when kick_prepare last said no */
	__u32 first_stamp; /* first stamp of the queue; NR_STAMPS or more: the queue has none */
	__u32 nr_stamps;
	__u32 batch;	  /* number of the last batch that got a doorbell */
	__u32 got;	  /* buffers fetched so far */
	__u64 not_wanted; /* ns: when kick_prepare last said no */
	/*
	 * The oldest interrupt whose buffers are not all fetched: when it came, and the value of
	 * `got` when they are. Then the same of the next interrupt.
	 */
	__u64 interrupt; /* ns */
	__u64 next_interrupt;
	__u32 until;
	__u32 next_until;
	__u64 cleared; /* with functions: when the ring was last emptied, ns; 0: never */
	struct batch batches[NR_BATCHES];
};

/* Key: id */
static struct path near_paths[VT_NEAR_QUEUES] __attribute__((aligned(64)));
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct path);
} far_paths SEC(".maps");

static __always_inline struct path *path_at(__u64 n)
{
	__u32 far;

	barrier_var(n);
	if (n < VT_NEAR_QUEUES)
		return &near_paths[n];
	far = n - VT_NEAR_QUEUES;
	return bpf_map_lookup_elem(&far_paths, &far);
}

/* Key: entry in the map of queues */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vt_doorbells);
} doorbells SEC(".maps");

/*
 * Each buffer that the device has, has a stamp: see requests.bpf.h. Each queue has as many stamps
 * as its ring can have entries.
 */
#define NR_STAMPS (1 << 18)

__u32 stamps_taken SHARED; /* number of stamps that all queues have taken so far */

/*
 * Elements are struct vt_event. The tool sets the size of the ring buffer, and reads it about once
 * a second.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

/*
 * Fields that some kernels do not have. They are all in one type, because libbpf searches the
 * kernel's types for each of these types, and one search takes longer than to load a program.
 */
struct used_entry___other {
	__u32 id;
} __attribute__((preserve_access_index));

struct vring_virtqueue___other {
	bool packed_ring; /* Linux 6.1 to 6.18, which have no enum of layouts */
	/* Linux 7.x, rings in order: the batch of used buffers that the driver is fetching. */
	struct used_entry___other batch_last;
} __attribute__((preserve_access_index));

static __u32 layout_of(const struct virtqueue *vq)
{
	const struct vring_virtqueue___other *other = (const void *)vq;
	const struct vring_virtqueue *vring = (const void *)vq;

	/* The kernel may store the layout in fewer bits than an enum has. */
	if (bpf_core_field_exists(vring->layout))
		return BPF_CORE_READ_BITFIELD_PROBED(vring, layout);
	return BPF_CORE_READ(other, packed_ring) ? VT_LAYOUT_PACKED : VT_LAYOUT_SPLIT;
}

/* Reads the fields that change while a queue lives. */
static void queue_look(struct vt_queue *q, const struct virtqueue *vq)
{
	const struct vring_virtqueue *vring = (const void *)vq;

	if (layout_is_packed(q->layout))
		q->num = BPF_CORE_READ(vring, packed.vring.num);
	else
		q->num = BPF_CORE_READ(vring, split.vring.num);
	q->num_free = BPF_CORE_READ(vq, num_free);
	q->broken = BPF_CORE_READ(vring, broken);
}

static void queue_fill(struct vt_queue *q, const struct virtqueue *vq, __u32 id, __u32 layout)
{
	const struct virtio_device *vdev = BPF_CORE_READ(vq, vdev);

	q->vq = (__u64)vq;
	q->id = id;
	q->layout = layout;
	q->index = BPF_CORE_READ(vq, index);
	q->device = BPF_CORE_READ(vdev, index);
	q->device_type = BPF_CORE_READ(vdev, id.device);
	bpf_core_read(&q->features, sizeof(q->features), &vdev->features);
	bpf_probe_read_kernel_str(q->name, sizeof(q->name), BPF_CORE_READ(vq, name));
	bpf_probe_read_kernel_str(q->driver, sizeof(q->driver),
				  BPF_CORE_READ(vdev, dev.driver, name));
	queue_look(q, vq);
}

struct search {
	__u32 next;  /* where to start the search */
	__u32 found; /* 0: nothing */
};

static long queue_try(__u32 i, struct search *s)
{
	__u32 n = (s->next + i) % nr_queues;
	struct vt_queue *q = bpf_map_lookup_elem(&queues, &n);

	/* Entry 0 is never used, because 0 means none. */
	if (!q || !n)
		return 0;
	if (__sync_val_compare_and_swap(&q->state, VT_QUEUE_NONE, VT_QUEUE_FILLING) !=
	    VT_QUEUE_NONE)
		return 0;
	s->found = n;
	return 1;
}

/*
 * Claims a free entry: its state now keeps other CPUs from it. Returns the entry; 0: none is free.
 */
static __u32 entry_get(void)
{
	struct search s = { .next = next_queue };

	bpf_loop(nr_queues, queue_try, &s, 0);
	if (s.found)
		next_queue = s.found + 1;
	return s.found;
}

/* Returns the first stamp of a queue. NR_STAMPS or more: the queue has none. */
static __always_inline __u32 stamps_first(__u32 id)
{
	const struct path *a = path_at(id);

	return a && a->nr_stamps ? a->first_stamp : NR_STAMPS;
}

/* Writes the first stamp of a queue into its slots on one CPU. */
static long slots_set_stamps(__u32 cpu, __u32 *id)
{
	__u32 key = *id * nr_cpus + cpu;
	struct vt_row *row = rows_at(key);
	struct vt_slot *slot;

	if (!row)
		return 0;
	slot = slots_at(row->slot[VT_OP_ADD] / sizeof(*slot));
	if (slot)
		slot->stamps = stamps_first(*id);
	slot = slots_at(row->slot[VT_OP_GET] / sizeof(*slot));
	if (slot)
		slot->stamps = stamps_first(*id);
	return 0;
}

/*
 * Gives a queue stamps for a ring of @num entries. If an earlier queue with the same id had enough
 * stamps, the queue gets these. If there is no room, the buffers of the queue are not timed.
 */
static __noinline int stamps_get(__u32 id, __u32 num)
{
	struct path *a = path_at(id);

	if (!a || num <= a->nr_stamps)
		return 0;
	a->first_stamp = __sync_fetch_and_add(&stamps_taken, num);
	a->nr_stamps = num;
	bpf_loop(nr_cpus, slots_set_stamps, &id, 0);
	return 0;
}

/*
 * Returns the entry of the queue with an id. Makes the entry if the queue is new. 0: there is no
 * room.
 */
static __noinline __u32 queue_get(const struct virtqueue *vq, __u32 id, __u32 layout)
{
	__u32 *of = bpf_map_lookup_elem(&queue_of, &id);
	struct vt_queue *q;
	__u32 n;

	if (of && *of)
		return *of;
	n = of ? entry_get() : 0;
	q = bpf_map_lookup_elem(&queues, &n);
	if (!of || !q || !n) {
		__sync_fetch_and_add(&no_entry, 1);
		return 0;
	}
	queue_fill(q, vq, id, layout);
	q->serial = __sync_fetch_and_add(&last_serial, 1) + 1;
	if (__sync_val_compare_and_swap(of, 0, n) != 0) {
		/* Another CPU made an entry for this queue first. */
		q->state = VT_QUEUE_NONE;
		return *of;
	}
	stamps_get(id, q->num);
	q->state = VT_QUEUE_LIVE;
	return n;
}

/* Takes a free slot. Returns its number; 0: there is none. */
static __always_inline __u32 slot_take(void)
{
	__u32 at;

	if ((__s32)(free_slots.tail - free_slots.head) <= 0)
		return 0;
	at = __sync_fetch_and_add(&free_slots.head, 1);
	/* In the meantime another CPU may have taken the last free slot. */
	return (__s32)(free_slots.tail - at) > 0 ? free_slots.slot[at % VT_MOST_SLOTS] : 0;
}

static __always_inline __u32 row_key(__u32 id)
{
	return id * nr_cpus + bpf_get_smp_processor_id();
}

/* Returns the group of a key, one of 2^bits. The multiplier is 2^64 divided by the golden ratio. */
static __always_inline __u32 hash_of(__u64 key, int bits)
{
	return key * 0x9e3779b97f4a7c15ull >> (64 - bits);
}

/*
 * Returns the row of a queue on this CPU. NULL: there is no room. On a machine with many possible
 * CPUs the far rows are a hash (see probe_load.c). A row in the hash is made when it is first
 * needed.
 */
static __always_inline struct vt_row *row_get(__u32 id)
{
	__u32 key = row_key(id), far = key - VT_NEAR_ROWS;
	struct vt_row *row = rows_at(key), empty = {};

	if (row || key < VT_NEAR_ROWS)
		return row;
	bpf_map_update_elem(&far_rows, &far, &empty, BPF_NOEXIST);
	return rows_at(key);
}

/*
 * Returns the slot of an operation on this CPU, near or far. Claims a slot if the operation has
 * none. The queue already has an entry: the tool makes the entries of all queues before it attaches
 * the first program of an operation, and a new queue gets its entry when it is created. NULL: there
 * is no room for the queue or the slot, and the event is lost.
 */
static __noinline struct vt_slot *slot_find(__u32 id, __u32 op)
{
	__u32 *of = bpf_map_lookup_elem(&queue_of, &id);
	struct vt_row *row = of ? row_get(id) : 0;
	__u32 queue, at, n;
	struct vt_slot *slot;

	op &= (1 << VT_OPS_SHIFT) - 1;
	if (!row || !of) {
		__sync_fetch_and_add(&lost_ids, 1);
		return 0;
	}
	at = row->slot[op];
	if (at && at != VT_NO_SLOT)
		return slots_at(at / sizeof(*slot));
	queue = *of;
	n = queue ? slot_take() : 0;
	slot = slots_at(n);
	if (!slot || !n) {
		__sync_fetch_and_add(&lost_slots, 1);
		return 0;
	}
	slot->owner = (queue << VT_OPS_SHIFT | op) + 1;
	slot->stamps = stamps_first(id);
	row->slot[op] = n * sizeof(*slot);
	return slot;
}

/*
 * Returns the slot of the second measurement of an operation (see `besides` in vringtop.h), near or
 * far. Stores its place in the slot of the operation, where slot_besides_near() finds it from now
 * on.
 */
static __always_inline struct vt_slot *slot_find_besides(__u32 id, __u32 op, __u32 measured)
{
	struct vt_slot *slot = slot_find(id, op), *besides = slot_find(id, measured);
	struct vt_row *row = rows_at(row_key(id));

	if (slot && besides && row)
		slot->besides = row->slot[measured];
	return besides;
}

/* Finds the row of a queue on a CPU. Returns false if it is far. */
static __always_inline bool row_near(__u32 id, __u32 cpu, struct vt_row **row)
{
	__u64 key = (__u32)(id * nr_cpus + cpu);

	barrier_var(key);
	if (unlikely(key >= VT_NEAR_ROWS))
		return false;
	*row = &near_rows[key];
	return true;
}

/*
 * Finds the slot of an operation. Returns false if the slot is far or does not exist yet. (The
 * function does not return the pointer, because the caller would then have to compare it with NULL,
 * which takes an instruction.)
 */
static __always_inline bool slot_near(const struct vt_row *row, __u32 op, struct vt_slot **slot)
{
	__u64 at = row->slot[op];

	barrier_var(at);
	if (unlikely(at > (VT_NEAR_SLOTS - 1) * sizeof(struct vt_slot)))
		return false;
	*slot = (void *)near_slots + at;
	return true;
}

/*
 * Finds the slot of the second measurement of an operation. Returns false if the slot is far or not
 * known yet.
 */
static __always_inline bool slot_besides_near(const struct vt_slot *slot, struct vt_slot **besides)
{
	__u64 at = slot->besides - 1;

	barrier_var(at);
	if (unlikely(at > (VT_NEAR_SLOTS - 1) * sizeof(struct vt_slot)))
		return false;
	*besides = (void *)near_slots + at + 1;
	return true;
}

/*
 * Finds the slot of an operation on this CPU, near or far. Claims one if necessary: see
 * slot_find().
 */
static __always_inline bool slot_of(__u32 id, __u32 op, struct vt_slot **slot)
{
	struct vt_row *row;

	if (row_near(id, bpf_get_smp_processor_id(), &row) && slot_near(row, op, slot))
		return true;
	*slot = slot_find(id, op);
	return *slot;
}

/* Distance in bytes between two buckets with the same step, n octaves (powers of two) apart. */
#define OCTAVES(n) ((n) * (sizeof(__u32) << VT_STEP_BITS))

/*
 * Returns VT_BUCKET_AT() of the bucket of a duration, which is VT_SHORT or longer. Divides the
 * duration by 2^n until it is short. The bucket is then n octaves (powers of two) further, because
 * from 16 on all octaves have the same steps.
 * @duration: becomes 0 if it is negative. The clocks of two CPUs may differ, so an operation that
 * changed the CPU may seem to end before it began.
 */
static __always_inline __u64 bucket_of_long(__u64 *duration)
{
	__u64 ns = *duration, further;

	barrier_var(ns); /* one register: what is compared below is what is shifted */
	if ((__s64)ns < 0) {
		*duration = 0;
		return short_buckets[0];
	}
	if (ns < 1ull << 16) {
		ns >>= 6;
		barrier_var(ns); /* keeps the compiler from using one more register */
		/*
		 * The verifier of Linux 6.1 also follows a path that cannot be, and then knows no
		 * bound of the index.
		 */
		ns &= VT_SHORT - 1;
		further = OCTAVES(6);
	} else if (ns < 1ull << 22) {
		ns >>= 12;
		barrier_var(ns);
		further = OCTAVES(12);
	} else if (ns < 1ull << 28) {
		ns >>= 18;
		barrier_var(ns);
		further = OCTAVES(18);
	} else {
		ns >>= 24;
		barrier_var(ns);
		further = OCTAVES(24);
		if (ns >= VT_SHORT)
			ns = VT_SHORT - 1;
	}
	return short_buckets[ns] + further;
}

/*
 * Counts a value, usually a time in ns. The order of the writes matters, because the tool reads at
 * the same time. max is written before the bucket, so all buckets above max are empty. sum is
 * written last, so if sum has not changed, no event came (read_op() in counters.c also covers
 * events of 0 ns). The caller adds bytes after that.
 */
static __always_inline void count(struct vt_slot *slot, __u64 value, bool refused)
{
	__u64 at, ns = value;

	if (refused)
		slot->refused++;
	barrier();	 /* saves a register, because the code below does not need `refused` */
	barrier_var(ns); /* the compared number is the index, as in slots_at() */
	at = likely(ns < VT_SHORT) ? short_buckets[ns] : bucket_of_long(&value);
	at &= sizeof(*slot) - sizeof(slot->buckets[0]);
	barrier_var(at); /* otherwise the verifier forgets the limit that the mask gives */
	if (value > slot->max)
		slot->max = value;
	barrier();
	/* With this order of the operands the compiler copies no register. */
	asm volatile("%0 += %1" : "+r"(at) : "r"(slot));
	++*(__u32 *)at;
	barrier();
	slot->sum += value;
}

/*
 * Puts a single operation into the ring buffer.
 * @slot: the slot that counted the operation
 */
static __always_inline void keep(const struct vt_slot *slot, __u32 op, __u64 duration, __u32 result)
{
	struct vt_event *e;

	if (!EVENTS)
		return;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&dropped_events, 1);
		return;
	}
	if (duration > VT_EVENT_LONGEST && duration != VT_EVENT_UNTIMED)
		duration = VT_EVENT_LONGEST;
	e->when = bpf_ktime_get_ns() << (64 - VT_EVENT_TIME_BITS) |
		  (__u64)bpf_get_smp_processor_id() << VT_EVENT_OWNER_BITS | (slot->owner - 1);
	e->what = duration << 32 | result;
	/* The tool reads about once a second, so it needs no wake-up. */
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

/* Counts an operation without a known duration. */
static __always_inline void count_untimed(struct vt_slot *slot, bool refused)
{
	slot->refused += refused;
	barrier();
	slot->untimed++;
}

#include "requests.bpf.h"

/*
 * Returns the notification data that the current state of the ring gives (virtio 1.3, section 2.9).
 */
static __u32 ring_position(const struct virtqueue *vq, const struct vt_queue *q)
{
	const struct vring_virtqueue *vring = (const void *)vq;
	__u32 next;

	if (layout_is_packed(q->layout))
		next = BPF_CORE_READ(vring, packed.next_avail_idx) |
		       (__u32)BPF_CORE_READ(vring, packed.avail_wrap_counter) << 15;
	else
		next = BPF_CORE_READ(vring, split.avail_idx_shadow);
	return next << 16 | q->index;
}

/*
 * Returns by how many entries position b is ahead of position a, at most the size of the ring.
 * Returns 0 if b is not ahead. In a packed ring the offset starts again at the end of the ring, and
 * the wrap counter changes there.
 */
static __u32 ahead(const struct vt_queue *q, __u32 a, __u32 b)
{
	__u32 moved;

	if ((a ^ b) & 0xffff)
		return 0;
	a >>= 16;
	b >>= 16;
	if (layout_is_packed(q->layout)) {
		moved = (b & 0x7fff) - (a & 0x7fff);
		if ((a ^ b) & 0x8000)
			moved += q->num;
	} else {
		moved = (b - a) & 0xffff;
	}
	return moved <= q->num ? moved : 0;
}

/* The notification data of a doorbell, compared with the ring. */
enum {
	VALUE_AGREES,
	VALUE_BEHIND, /* right before, but the ring has moved on */
	VALUE_WRONG
};

/* Keeps the notification data of a doorbell. Returns the result of the comparison with the ring. */

static __noinline int doorbell_rung(const struct virtqueue *vq, __u32 id, __u32 value)
{
	struct path *a = path_at(id);
	__u32 *of = bpf_map_lookup_elem(&queue_of, &id), n = of ? *of : 0;
	struct vt_doorbells *bells = bpf_map_lookup_elem(&doorbells, &n);
	struct vt_queue *q = bpf_map_lookup_elem(&queues, &n);
	struct vt_doorbell *d;
	__u32 ring, number;

	if (!q || !n || !bells || !a || !vq)
		return VALUE_AGREES;
	ring = ring_position(vq, q);
	number = __sync_fetch_and_add(&bells->sent, 1);
	d = &bells->last[number % VT_NR_DOORBELLS];
	/* The verifier has checked this pointer. The compiler must not compute it again. */
	barrier_var(d);
	d->value = value;
	d->ring = ring;
	d->buffers = a->last;
	barrier();
	d->number = number + 1;
	/*
	 * The next doorbell may come without kick_prepare, because add itself rings when a split
	 * ring is full.
	 */
	a->last = 0;
	if (value == ring)
		return VALUE_AGREES;
	/*
	 * The driver rings without the lock of the queue, so another CPU may have added buffers
	 * since.
	 */
	return ahead(q, value, ring) ? VALUE_BEHIND : VALUE_WRONG;
}

static long row_forget(__u32 cpu, __u32 *id)
{
	__u32 key = *id * nr_cpus + cpu;
	struct vt_row *row = rows_at(key);

	if (row)
		__builtin_memset(row, 0xff, sizeof(*row)); /* VT_NO_SLOT */
	return 0;
}

/* A queue is deleted. Its id may be given to a new queue. */
static void queue_forget(__u32 id)
{
	__u32 *of = bpf_map_lookup_elem(&queue_of, &id);
	struct path *a = path_at(id);
	struct vt_queue *q;
	__u32 n;

	if (!of)
		return;
	n = *of;
	*of = 0;
	bpf_loop(nr_cpus, row_forget, &id, 0);
	if (a) {
		a->added = a->announced = a->last = a->asked = 0;
		stamps_clear(a);
		a->until = a->next_until = a->got;
	}
	q = bpf_map_lookup_elem(&queues, &n);
	if (q && n)
		q->state = VT_QUEUE_GONE;
}

#include "events.bpf.h"
#include "functions.bpf.h"

#include "find.bpf.h"

static long queue_refresh(__u32 i, void *unused)
{
	struct vt_queue *q = bpf_map_lookup_elem(&queues, &i);

	if (!q || q->state != VT_QUEUE_LIVE)
		return 0;
	queue_look(q, (const void *)q->vq);
	if (!stages)
		return 0;
	if (by_functions)
		q->descs_out = q->oldest = 0;
	else
		queue_look_out(q);
	return 0;
}

/*
 * Reads how full the rings are now, and which buffers are out. No program keeps the latter up to
 * date without the stages of requests. The tool runs this program before it reads the counts.
 */
SEC("syscall")
int refresh(void *ctx)
{
	bpf_loop(nr_queues, queue_refresh, 0, 0);
	if (stages && by_functions)
		functions_look_out();
	return 0;
}

#include "rings.bpf.h"
