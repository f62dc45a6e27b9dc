/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The types in the memory that the programs in the kernel and the tool share. The tool maps this
 * memory, so each type must have the same layout on both sides. docs/glossary.md has the same words
 * in a table.
 *
 * A queue has four numbers:
 * - index: the number that the device gives. The first queue of a device is 0 (virtio 1.3, section
 *   2.6).
 * - id: the number by which a program finds the counters of the queue. The patched kernel gives it.
 *   Without the tracepoints the id is the entry.
 * - entry: the place in the table of queues, struct vt_queue. Another queue gets the entry after
 *   the queue is deleted.
 * - serial: a number from 1 on that is never used again. It identifies a queue for good.
 *
 * Counters are in slots. In a slot, one CPU counts one operation of one queue. A row has the places
 * of all slots of one queue on one CPU. The first elements of an array are near, the others far:
 * see VT_NEAR_SLOTS.
 */
#ifndef VRINGTOP_H
#define VRINGTOP_H

/*
 * What is counted for each queue: first the operations, then the measurements between operations.
 *
 * Recordings contain these numbers, together with the names of op_name(). A reader uses the names,
 * so a number may change, but a name may not. tests/unit/test_recording.c has a list of both.
 */
enum vt_op {
	VT_OP_ADD = 0,
	VT_OP_GET = 1,
	VT_OP_KICK_PREPARE = 2,
	VT_OP_NOTIFY = 3,
	VT_OP_NOTIFICATION_DATA = 4,
	VT_OP_DISABLE_CB = 5,
	VT_OP_ENABLE_CB_PREPARE = 6,
	VT_OP_ENABLE_CB_DELAYED = 7,
	VT_OP_POLL = 8,
	VT_OP_MORE_USED = 9,
	VT_OP_DETACH_UNUSED_BUF = 10,
	VT_OP_RESIZE = 11,
	VT_OP_RESET = 12,
	/* Retired: recordings of vringtop 0.1 have them, but nothing counts them any more. */
	VT_OP_INIT_LAST_USED = 13,
	VT_OP_VRING_SIZE = 14,
	VT_OP_DESC_ADDR = 15,
	VT_OP_AVAIL_ADDR = 16,
	VT_OP_USED_ADDR = 17,
	VT_OP_FREE = 18,
	VT_NR_OPS = 19,
	/* Not an operation: time from the end of the add of a buffer to the end of its get, ns. */
	VT_AVAIL_TO_USED = 19,
	/* Not an operation: an interrupt that was handed to the queue, with the callback. */
	VT_INTERRUPT = 20,
	/*
	 * The stages of that time; docs/reading.md defines them. For each buffer they add up to
	 * VT_AVAIL_TO_USED. A stage that a buffer did not have is not counted.
	 */
	VT_STAGE_QUEUED = 21,	/* from the add to the begin of the buffer's doorbell */
	VT_STAGE_DOORBELL = 22, /* to the end of the doorbell */
	VT_STAGE_DEVICE = 23,	/* to the interrupt that announced the used buffer */
	VT_STAGE_WAKEUP = 24,	/* to the end of the get */
	VT_NR_TIMED = 25,	/* values below this are times, ns */
	/* Not an operation: how many buffers a doorbell announces. */
	VT_BUFFERS_PER_DOORBELL = 25,
	/* Not an operation: how many used buffers an interrupt found that no earlier one found. */
	VT_BUFFERS_PER_INTERRUPT = 26,
	VT_NR_COUNTED = 27,
};

/* The operations that are not retired: a bit for each. */
#define VT_CURRENT_OPS ((1u << VT_OP_INIT_LAST_USED) - 1)

/* The stages of a request, a bit for each. */
#define VT_STAGES                                                                                  \
	(1u << VT_STAGE_QUEUED | 1u << VT_STAGE_DOORBELL | 1u << VT_STAGE_DEVICE |                 \
	 1u << VT_STAGE_WAKEUP)

static inline int op_is_retired(unsigned int op)
{
	return op >= VT_OP_INIT_LAST_USED && op <= VT_OP_FREE;
}

/* Number of bits of the enum vt_op in the owner of a slot. */
#define VT_OPS_SHIFT 5

/* Ring layouts, with the numbers of the kernel's enum vq_layout (Linux 7.x). */
enum vt_layout {
	VT_LAYOUT_SPLIT = 0,
	VT_LAYOUT_PACKED = 1,
	VT_LAYOUT_SPLIT_IN_ORDER = 2,
	VT_LAYOUT_PACKED_IN_ORDER = 3,
	VT_NR_LAYOUTS = 4,
};

static inline int layout_is_packed(unsigned int layout)
{
	return layout == VT_LAYOUT_PACKED || layout == VT_LAYOUT_PACKED_IN_ORDER;
}

static inline int layout_is_in_order(unsigned int layout)
{
	return layout == VT_LAYOUT_SPLIT_IN_ORDER || layout == VT_LAYOUT_PACKED_IN_ORDER;
}

/*
 * A log-linear histogram has 16 equal steps (buckets) for each power of two. So the width of a
 * bucket is at most 1/16 of its lower bound, and its middle is within 3.2 % of each value in it.
 * Each value from 0 to 31 ns has its own bucket. The last bucket begins at 2^34 - 2^29 ns (16.6 s)
 * and has all larger values.
 */
#define VT_STEP_BITS  4
#define VT_NR_BUCKETS 496

/*
 * A slot: the counts of one CPU for one operation of one queue. First a cache line that every event
 * writes to, then the histogram; 2 KiB together. Plain additions are enough, because only one
 * program on one CPU writes to a slot, and BPF does not let a program interrupt itself. The tool
 * reads while a program may write. The number of events is the sum of the buckets plus untimed.
 * Buckets wrap at 2^32, so the tool adds up the differences between readings.
 */
struct vt_slot {
	unsigned int owner;	    /* (queue entry << VT_OPS_SHIFT | op) + 1, 0: free */
	unsigned int stamps;	    /* add, get: first stamp of the queue, see stamp_of() */
	unsigned long long untimed; /* events without a known duration; no bucket has them */
	unsigned long long sum;	    /* sum of all values: ns, or buffers */
	unsigned long long max;
	/*
	 * Operations that failed or answered no: see op_refused_name(). For kick_prepare only those
	 * that suppressed a doorbell: a no without a new buffer does not count.
	 */
	unsigned long long refused;
	/* add: device-readable bytes; notification_data: how many values were behind the ring */
	unsigned long long bytes_out;
	unsigned long long bytes_in; /* add: device-writable bytes; get: bytes written */
	/*
	 * The byte offset of the slot of a second measurement. get: VT_AVAIL_TO_USED,
	 * after which the slots of the stages lie. kick_prepare: VT_BUFFERS_PER_DOORBELL.
	 * 0: there is no such slot yet.
	 */
	unsigned long long besides;
	unsigned int buckets[VT_NR_BUCKETS];
};

#define VT_MOST_SLOTS 32768

/*
 * The numbers of the free slots. Programs take slots at the head; the tool adds slots at the tail.
 * Head and tail only grow; modulo VT_MOST_SLOTS they are indices of slot[].
 */
struct vt_free {
	unsigned int head;
	unsigned int tail;
	unsigned short slot[VT_MOST_SLOTS];
};

/*
 * A row: the byte offsets of the slots of one queue on one CPU, from the first of all slots.
 * VT_NO_SLOT marks an operation without a slot. This offset is beyond the near slots, so the check
 * for a near slot fails, and slot_find() runs. In a far row that was never used the mark is 0, the
 * offset of slot 0, because slot 0 is never given out.
 */
#define VT_NO_SLOT (~0u)

struct vt_row {
	unsigned int slot[1 << VT_OPS_SHIFT];
};

/*
 * The last place of a row has no slot. It has the number of the batch of buffers whose doorbell
 * this CPU is about to ring (see requests.bpf.h).
 */
#define VT_ROW_BATCH ((1 << VT_OPS_SHIFT) - 1)

/* The byte offset of a bucket in its slot. */
#define VT_BUCKET_AT(b) (__builtin_offsetof(struct vt_slot, buckets) + (b) * sizeof(unsigned int))

enum vt_queue_state {
	VT_QUEUE_NONE = 0, /* the entry is free */
	VT_QUEUE_FILLING = 1,
	VT_QUEUE_LIVE = 2,
	VT_QUEUE_GONE = 3, /* deleted; the tool reads the last counts, then frees the entry */
};

#define VT_NAME_LEN 32

/* The data on a queue that a program read from the kernel. */
struct vt_queue {
	unsigned long long vq;	     /* address of struct virtqueue, never shown */
	unsigned long long features; /* negotiated, bits 0..63 */
	unsigned int state;
	unsigned int serial; /* serial, id and index: see the top of this file */
	unsigned int id;
	unsigned int layout;
	int device;		  /* virtio%d */
	unsigned int device_type; /* virtio device ID, virtio 1.3 section 5 */
	unsigned int index;
	unsigned int num;      /* ring size, descriptors */
	unsigned int num_free; /* free descriptors at the last look */
	unsigned int broken;
	/*
	 * The buffers whose add was seen, and that the driver has not fetched yet: how many
	 * descriptors they have (with functions: at least), and when the oldest was added (ns,
	 * CLOCK_MONOTONIC; 0: there is none, or it is not known).
	 */
	unsigned int descs_out;
	unsigned long long oldest;
	char name[VT_NAME_LEN];
	char driver[VT_NAME_LEN];
};

/* The last doorbells of a queue with notification data. */
#define VT_NR_DOORBELLS 32

struct vt_doorbell {
	unsigned int value;   /* the value that the driver sent, virtio 1.3 section 2.9 */
	unsigned int ring;    /* the value that the available index of the ring gave */
	unsigned int buffers; /* how many buffers the doorbell announced */
	unsigned int number;  /* number of this doorbell, from 1; written last */
};

struct vt_doorbells {
	unsigned int sent; /* the newest is last[(sent - 1) % VT_NR_DOORBELLS] */
	unsigned int pad;  /* because elements of a map have a multiple of 8 bytes */
	struct vt_doorbell last[VT_NR_DOORBELLS];
};

/*
 * The state of a ring: the data that the driver keeps, and the memory that the driver shares with
 * the device (names as in virtio 1.3, sections 2.7 and 2.8). A position in a packed ring has the
 * wrap counter in its highest bit.
 */
#define VT_WRAP_SHIFT 15
#define VT_WRAP	      0x8000
#define VT_NO_BATCH   0xffffffff

enum vt_ring_state {
	VT_RING_MOVING = 1,   /* the ring moved: no two readings were equal */
	VT_RING_BROKEN = 2,   /* the driver does not use the ring any more */
	VT_RING_RESET = 4,    /* the queue is being reset */
	VT_RING_CALLBACK = 8, /* the queue has a callback for used buffers */
	VT_RING_EVENT_IDX = 16,
	VT_RING_TRIGGERED = 32, /* an interrupt came since the driver last asked for one */
};

struct vt_ring {
	unsigned int serial; /* serial of the queue; 0: no ring */
	unsigned int state;  /* enum vt_ring_state */
	unsigned int num;
	unsigned int num_free;
	unsigned int num_added;	   /* buffers (packed: descriptors) since the last kick_prepare */
	unsigned int batch_last;   /* rings in order: last id of the used batch being fetched */
	unsigned short next_avail; /* split: avail_idx_shadow */
	unsigned short last_used;  /* position up to which the driver has fetched used buffers */
	unsigned short shadow;	   /* flags that the driver last meant: interrupts on or off */
	unsigned short last_index; /* the highest queue index of the device */
	union {
		struct {
			unsigned short avail_flags, avail_idx, used_event;
			unsigned short used_flags, used_idx, avail_event;
		} split;
		struct {
			unsigned short driver_off_wrap, driver_flags;
			unsigned short device_off_wrap, device_flags;
			unsigned short last_used_flags,
				next_avail_flags; /* flags at last_used, next_avail */
		} packed;
	};
	unsigned int pad1;
	/* The addresses of the areas that the driver told the device. */
	unsigned long long desc_area, driver_area, device_area;
};

/* The data at one index of the arrays of a ring. */
struct vt_ring_entry {
	struct {
		unsigned long long addr;
		unsigned int len;
		unsigned short flags_or_id,
			next_or_flags; /* split: flags, next; packed: id, flags */
	} desc;
	struct {
		unsigned int id, len;
	} used;			  /* split */
	unsigned long long token; /* driver's pointer to the buffer of this id; 0: id is free */
	unsigned short avail;	  /* split */
	unsigned short length;	  /* packed: how many descriptors the buffer with this id has */
	unsigned int pad;
};

/* The most queues that a kernel can have. */
#define VT_MOST_QUEUES 65536

/* Arguments and results of find_queues(). */
struct vt_find {
	int fd;			/* in: the folder of the device in sysfs, opened by the tool */
	int device;		/* in: its number: virtio%d */
	unsigned int nr_queues; /* out: queues of the device */
	unsigned int ids;	/* out: all ids are below this; 0 without the tracepoints */
};

/* The tool copies the entries of a ring in parts of at most this many. */
#define VT_PART 256

struct vt_part {
	unsigned int entry, serial; /* identify the queue */
	unsigned int first;	    /* index in the ring */
	unsigned int pad;
};

/* For a function that may only call another function: how its calls were counted. */
struct vt_calls {
	unsigned int counted;	     /* at its own end */
	unsigned int counted_inside; /* at the end of the other function */
};

/* A single operation, for record --events. */
struct vt_event {
	unsigned long long when; /* time of the end, the CPU, and (owner of the slot) - 1 */
	unsigned long long what; /* duration (ns) and return value, 32 bits each */
};

#define VT_EVENT_TIME_BITS  34 /* the low bits of CLOCK_MONOTONIC in ns: 17 s */
#define VT_EVENT_CPU_BITS   13
#define VT_EVENT_OWNER_BITS 17
#define VT_EVENT_UNTIMED    0xffffffff
#define VT_EVENT_LONGEST    0xfffffffe /* this long or longer */

/*
 * The first elements of the arrays on the path of an operation are near: they are in a variable, so
 * a program knows their address. The others are far: they are in a map, and a look-up costs several
 * instructions more. The numbers of near elements:
 */
#define VT_NEAR_SLOTS  4096
#define VT_NEAR_QUEUES 512
#define VT_NEAR_ROWS   4096

/* A table has the bucket of each duration below this (ns). */
#define VT_SHORT 1024

#endif
