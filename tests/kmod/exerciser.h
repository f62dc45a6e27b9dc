/* SPDX-License-Identifier: GPL-2.0 */
/* The ring exerciser: a virtio device and its driver in one module. */
#ifndef VRING_EXERCISER_H
#define VRING_EXERCISER_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/scatterlist.h>
#include <linux/types.h>
#include <linux/virtio.h>
#include <linux/virtio_ring.h>

struct seq_file;

enum vrx_layout {
	VRX_SPLIT,
	VRX_PACKED,
	VRX_SPLIT_IN_ORDER,
	VRX_PACKED_IN_ORDER,
	VRX_LAYOUTS,
};

extern const char *const vrx_layout_names[VRX_LAYOUTS];

/* The operations of a ring that have an event. */
enum vrx_op {
	/* Data path: called from process and from interrupt context. */
	VRX_ADD,
	VRX_GET,
	VRX_KICK_PREPARE,
	VRX_NOTIFY,
	VRX_DISABLE_CB,
	VRX_ENABLE_CB_PREPARE,
	VRX_POLL,
	VRX_ENABLE_CB_DELAYED,
	VRX_MORE_USED,
	VRX_NOTIFICATION_DATA,
	VRX_DATA_OPS,
	/* Control path: these sleep, or need a ring that nobody else uses. */
	VRX_DETACH_UNUSED_BUF = VRX_DATA_OPS,
	VRX_RESIZE,
	VRX_RESET,
	VRX_OPS,
};

extern const char *const vrx_op_names[VRX_OPS];

/* Who made a call. */
enum vrx_context {
	VRX_PROCESS, /* the run, in process context */
	VRX_IRQ,     /* the run, in hard interrupt context */
	VRX_SHARED,  /* the run, for a queue that another CPU drives */
	VRX_OTHER,   /* what creation, resize, reset and doorbells call in turn */
	VRX_CONTEXTS,
};

/* What a device is like; a run with another shape makes new devices. */
struct vrx_shape {
	u64 layouts; /* bit mask; one device each */
	u64 queues;  /* of each device */
	u64 size;
	u64 event_idx;
	u64 indirect;
	u64 notification_data;
	u64 reset_only; /* in order too, nothing follows a reset */
};

enum vrx_mode {
	VRX_ROUND,    /* the fixed round whose cost is measured */
	VRX_OPS_MODE, /* every operation an exact number of times */
};

/* One command line. */
struct vrx_command {
	struct vrx_shape shape;
	enum vrx_mode mode;
	u64 rounds;
	u64 cpus;
	u64 irq;    /* odd queues are driven from hard interrupts */
	u64 irq_us; /* time between two interrupts of a CPU */
	u64 shared; /* call what needs no lock on other CPUs' queues */
	u64 seed;
	u64 notify; /* round: ring the doorbell as well */
	u64 quiet;  /* round: interrupts off while the clock runs */
	u64 wait;   /* the write to `run` returns when the run has ended */
	u64 times[VRX_OPS];
};

struct vrx_count {
	atomic64_t calls;
	atomic64_t yes; /* of these: did it, or answered with yes */
};

/* A buffer; its address is the token that the ring carries. */
struct vrx_buffer {
	struct scatterlist out, in;
	u32 written; /* bytes that the device says it wrote */
	bool in_ring;
};

/* Places in a ring where the device reads and writes next. */
struct vrx_position {
	u16 index;
	bool wrap; /* packed: wrap counter */
};

struct vrx_device;

struct vrx_queue {
	struct virtqueue *vq;
	struct vrx_device *dev;
	char name[16];
	bool packed, in_order;

	/* The device's view of the ring. */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct vring_packed_desc *packed_desc;
	struct vring_packed_desc_event *driver_event;
	struct vring_packed_desc_event *device_event;
	unsigned int num;
	struct vrx_position next_avail, next_used;

	/* The driver's buffers: one more than fit, for an add that fails. */
	struct vrx_buffer *buffers;
	struct vrx_buffer **unused;
	unsigned int nr_unused;
	void *memory;

	struct vrx_count count[VRX_OPS][VRX_CONTEXTS];
	u64 out_bytes, in_bytes; /* of buffers that were added */
	u64 got_bytes;		 /* of buffers that came back */
	u64 wrong;		 /* came back and should not have */
	atomic64_t doorbells, callbacks;

	/* State of the run. */
	u64 left[VRX_OPS];
	u64 random;
	u64 kicks; /* that kick_prepare asked for, in rounds */
	unsigned int step;
	bool detaching;	     /* some buffers are detached: reset it */
	unsigned int opaque; /* from the last enable_cb_prepare */
};

struct vrx_device {
	struct virtio_device vdev;
	enum vrx_layout layout;
	const struct vrx_shape *shape;
	struct completion *released;
	u8 status;
	bool ready;	/* the queues exist */
	atomic_t users; /* runs that use them */
	unsigned int nr_queues;
	struct vrx_queue *queue;
};

/* All devices here negotiate VIRTIO_F_VERSION_1: rings are little endian. */
static inline u16 vrx_get16(__virtio16 value)
{
	return le16_to_cpu((__force __le16)value);
}

static inline u32 vrx_get32(__virtio32 value)
{
	return le32_to_cpu((__force __le32)value);
}

static inline __virtio16 vrx_put16(u16 value)
{
	return (__force __virtio16)cpu_to_le16(value);
}

static inline __virtio32 vrx_put32(u32 value)
{
	return (__force __virtio32)cpu_to_le32(value);
}

static inline void vrx_counted(struct vrx_queue *q, enum vrx_op op, enum vrx_context context,
			       u64 calls, u64 yes)
{
	atomic64_add(calls, &q->count[op][context].calls);
	atomic64_add(yes, &q->count[op][context].yes);
}

/* device.c: the device, its driver, and the device's side of the rings. */
int vrx_driver_register(void);
void vrx_driver_unregister(void);
struct vrx_device *vrx_device_create(enum vrx_layout layout, const struct vrx_shape *shape);
void vrx_device_destroy(struct vrx_device *dev);
bool vrx_device_get(struct vrx_device *dev);
void vrx_device_put(struct vrx_device *dev);
void vrx_device_zero(struct vrx_device *dev);
void vrx_queue_reset(struct vrx_queue *q, enum vrx_context context);
void vrx_queue_resize(struct vrx_queue *q, enum vrx_context context);
bool vrx_buffer_back(struct vrx_queue *q, void *token);
unsigned int vrx_complete(struct vrx_queue *q, bool vary);
void vrx_suppress_doorbell(struct vrx_queue *q, bool suppress);

/* ops.c: the operations, called one by one and counted. */
void vrx_call(struct vrx_queue *q, enum vrx_op op, enum vrx_context context);
bool vrx_detach_unused_buf(struct vrx_queue *q);

/* run.c: what the driver does with the queues. */
int vrx_run_start(const struct vrx_command *command, struct vrx_device *const devices[],
		  unsigned int nr_devices);
void vrx_run_wait(void);
void vrx_run_stop(void);
int vrx_run_reap(void);
bool vrx_run_busy(void);
void vrx_run_exit(void);
void vrx_run_show_time(struct seq_file *s);

#endif
