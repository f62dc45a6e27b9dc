// SPDX-License-Identifier: GPL-2.0
/*
 * The exerciser's device on the virtio bus, the driver for this device, and the device's side of
 * its rings (virtio 1.3, sections 2.7 and 2.8).
 *
 * The device has no IOMMU and no parent bus. So without VIRTIO_F_ACCESS_PLATFORM the addresses in
 * the rings are physical addresses.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/wait.h>

#include "exerciser.h"

/* No device of the specification has these numbers. */
#define VRX_DEVICE_ID	0x7678
#define VRX_VENDOR_ID	0x7678

#define VRX_BUFFER_SIZE 64

#define to_vrx(_vdev)	container_of(_vdev, struct vrx_device, vdev)

static struct device *vrx_root;
static DECLARE_WAIT_QUEUE_HEAD(vrx_unused);

/* --- The device's side of the rings --- */

/* A chain of descriptors that the driver made available. */
struct vrx_chain {
	u16 id;
	u16 entries;  /* entries of the used ring; packed: descriptors of the ring */
	u32 writable; /* bytes */
};

static void vrx_advance(struct vrx_queue *q, struct vrx_position *position, unsigned int by)
{
	position->index += by;
	if (q->packed && position->index >= q->num) {
		position->index -= q->num;
		position->wrap = !position->wrap;
	}
}

static u32 vrx_writable_split(const struct vring_desc *desc, u16 head)
{
	u32 bytes = 0;
	u16 flags;

	do {
		flags = vrx_get16(desc[head].flags);
		if (flags & VRING_DESC_F_WRITE)
			bytes += vrx_get32(desc[head].len);
		head = vrx_get16(desc[head].next);
	} while (flags & VRING_DESC_F_NEXT);
	return bytes;
}

static const struct vring_desc *vrx_table_split(const struct vring_desc *desc)
{
	return phys_to_virt(le64_to_cpu((__force __le64)desc->addr));
}

static bool vrx_take_split(struct vrx_queue *q, struct vrx_chain *chain)
{
	u16 head;

	if (q->next_avail.index == vrx_get16(READ_ONCE(q->avail->idx)))
		return false;

	/* Read the entry after the index, because the entry is valid only then. */
	virt_rmb();
	head = vrx_get16(q->avail->ring[q->next_avail.index & (q->num - 1)]);
	vrx_advance(q, &q->next_avail, 1);

	chain->id = head;
	chain->entries = 1;
	if (vrx_get16(q->desc[head].flags) & VRING_DESC_F_INDIRECT)
		chain->writable = vrx_writable_split(vrx_table_split(&q->desc[head]), 0);
	else
		chain->writable = vrx_writable_split(q->desc, head);
	return true;
}

static void vrx_use_split(struct vrx_queue *q, const struct vrx_chain *chain)
{
	struct vring_used_elem *used = &q->used->ring[q->next_used.index & (q->num - 1)];

	used->id = vrx_put32(chain->id);
	used->len = vrx_put32(chain->writable);
	/* Write the entry before the index, because the index makes the entry valid. */
	virt_wmb();
	vrx_advance(q, &q->next_used, chain->entries);
	WRITE_ONCE(q->used->idx, vrx_put16(q->next_used.index));
}

static u32 vrx_writable_packed(const struct vring_packed_desc *desc)
{
	u32 bytes = 0;
	unsigned int i;
	const struct vring_packed_desc *table = phys_to_virt(le64_to_cpu(desc->addr));

	if (!(le16_to_cpu(desc->flags) & VRING_DESC_F_INDIRECT))
		return le16_to_cpu(desc->flags) & VRING_DESC_F_WRITE ? le32_to_cpu(desc->len) : 0;

	for (i = 0; i < le32_to_cpu(desc->len) / sizeof(*table); i++)
		if (le16_to_cpu(table[i].flags) & VRING_DESC_F_WRITE)
			bytes += le32_to_cpu(table[i].len);
	return bytes;
}

static bool vrx_take_packed(struct vrx_queue *q, struct vrx_chain *chain)
{
	const struct vring_packed_desc *desc = &q->packed_desc[q->next_avail.index];
	u16 flags = le16_to_cpu(READ_ONCE(desc->flags));
	bool avail = flags & BIT(VRING_PACKED_DESC_F_AVAIL);
	bool used = flags & BIT(VRING_PACKED_DESC_F_USED);

	if (avail != q->next_avail.wrap || used == q->next_avail.wrap)
		return false;

	/*
	 * Read the rest of the chain after the flags of its head, because the rest is valid only
	 * then.
	 */
	virt_rmb();
	chain->entries = 0;
	chain->writable = 0;
	do {
		desc = &q->packed_desc[q->next_avail.index];
		flags = le16_to_cpu(desc->flags);
		chain->id = le16_to_cpu(desc->id);
		chain->entries++;
		chain->writable += vrx_writable_packed(desc);
		vrx_advance(q, &q->next_avail, 1);
	} while (flags & VRING_DESC_F_NEXT);
	return true;
}

static void vrx_use_packed(struct vrx_queue *q, const struct vrx_chain *chain)
{
	struct vring_packed_desc *desc = &q->packed_desc[q->next_used.index];
	u16 flags = chain->writable ? VRING_DESC_F_WRITE : 0;

	if (q->next_used.wrap)
		flags |= BIT(VRING_PACKED_DESC_F_AVAIL) | BIT(VRING_PACKED_DESC_F_USED);
	desc->id = cpu_to_le16(chain->id);
	desc->len = cpu_to_le32(chain->writable);
	/* Write the flags last, because they give the descriptor to the driver. */
	virt_wmb();
	WRITE_ONCE(desc->flags, cpu_to_le16(flags));
	vrx_advance(q, &q->next_used, chain->entries);
}

static bool vrx_take(struct vrx_queue *q, struct vrx_chain *chain)
{
	return q->packed ? vrx_take_packed(q, chain) : vrx_take_split(q, chain);
}

static void vrx_use(struct vrx_queue *q, const struct vrx_chain *chain)
{
	if (q->packed)
		vrx_use_packed(q, chain);
	else
		vrx_use_split(q, chain);
}

/*
 * Uses all available buffers as one batch. With VIRTIO_F_IN_ORDER one used entry can stand for a
 * batch: it has the id of the last buffer, at the place of the first. Returns the number of
 * buffers.
 */
static unsigned int vrx_complete_batch(struct vrx_queue *q)
{
	struct vrx_chain chain, last;
	unsigned int entries = 0, n;

	for (n = 0; vrx_take(q, &chain); n++) {
		entries += chain.entries;
		last = chain;
	}
	if (!n)
		return 0;
	last.entries = entries;
	vrx_use(q, &last);
	return n;
}

/*
 * vrx_complete - use every buffer that the driver made available
 * @vary: use buffers in another way: in batches if in order, else swap each two of them
 *
 * Returns the number of buffers.
 */
unsigned int vrx_complete(struct vrx_queue *q, bool vary)
{
	struct vrx_chain first, second;
	unsigned int n;

	if (vary && q->in_order)
		return vrx_complete_batch(q);

	for (n = 0; vrx_take(q, &first); n++) {
		if (vary && vrx_take(q, &second)) {
			vrx_use(q, &second);
			n++;
		}
		vrx_use(q, &first);
	}
	return n;
}

/* Tells the driver whether the device wants a doorbell for new buffers. */
void vrx_suppress_doorbell(struct vrx_queue *q, bool suppress)
{
	const struct vrx_position *next = &q->next_avail;
	/*
	 * With event index: an index that the next add passes, or one that is as far away as
	 * possible.
	 */
	u16 event = suppress ? next->index - 1 : next->index;

	if (q->packed) {
		WRITE_ONCE(q->device_event->flags,
			   cpu_to_le16(suppress ? VRING_PACKED_EVENT_FLAG_DISABLE
						: VRING_PACKED_EVENT_FLAG_ENABLE));
	} else if (q->dev->shape->event_idx) {
		WRITE_ONCE(*(__virtio16 *)&q->used->ring[q->num], vrx_put16(event));
	} else {
		WRITE_ONCE(q->used->flags, vrx_put16(suppress ? VRING_USED_F_NO_NOTIFY : 0));
	}
}

static bool vrx_notified(struct virtqueue *vq)
{
	struct vrx_queue *q = vq->priv;

	if (q->dev->shape->notification_data) {
		vring_notification_data(vq);
		vrx_counted(q, VRX_NOTIFICATION_DATA, VRX_OTHER, 1, 1);
	}
	atomic64_inc(&q->doorbells);
	return true;
}

static void vrx_called_back(struct virtqueue *vq)
{
	struct vrx_queue *q = vq->priv;

	atomic64_inc(&q->callbacks);
}

/* --- The queues, as a transport makes them --- */

/* Tells the device where the ring is. The device starts at the beginning of the ring. */
static void vrx_queue_enable(struct vrx_queue *q)
{
	void *desc, *avail, *used;

	q->num = virtqueue_get_vring_size(q->vq);
	desc = phys_to_virt(virtqueue_get_desc_addr(q->vq));
	avail = phys_to_virt(virtqueue_get_avail_addr(q->vq));
	used = phys_to_virt(virtqueue_get_used_addr(q->vq));

	if (q->packed) {
		q->packed_desc = desc;
		q->driver_event = avail;
		q->device_event = used;
	} else {
		q->desc = desc;
		q->avail = avail;
		q->used = used;
	}
	q->next_avail = (struct vrx_position){ .wrap = true };
	q->next_used = q->next_avail;
}

static int vrx_disable_vq_and_reset(struct virtqueue *vq)
{
	vq->reset = true;
	return 0;
}

static int vrx_enable_vq_after_reset(struct virtqueue *vq)
{
	vrx_queue_enable(vq->priv);
	vq->reset = false;
	return 0;
}

/* Takes a buffer back. Returns false if the buffer was not in the ring. */
bool vrx_buffer_back(struct vrx_queue *q, void *token)
{
	unsigned long offset = token - (void *)q->buffers;
	struct vrx_buffer *b = token;

	if (token < (void *)q->buffers || offset / sizeof(*b) > q->dev->shape->size ||
	    offset % sizeof(*b) || !b->in_ring) {
		q->wrong++;
		return false;
	}
	b->in_ring = false;
	q->unused[q->nr_unused++] = b;
	return true;
}

static void vrx_recycle(struct virtqueue *vq, void *token)
{
	struct vrx_queue *q = vq->priv;

	vrx_buffer_back(q, token);
	vrx_counted(q, VRX_DETACH_UNUSED_BUF, VRX_OTHER, 1, 1);
}

/* Empties the ring and makes it half as large, or its original size again. */
void vrx_queue_resize(struct vrx_queue *q, enum vrx_context context)
{
	unsigned int size = q->dev->shape->size;
	bool done = !virtqueue_resize(q->vq, q->num == size ? size / 2 : size, vrx_recycle, NULL);

	vrx_counted(q, VRX_RESIZE, context, 1, done);
	vrx_counted(q, VRX_DETACH_UNUSED_BUF, VRX_OTHER, 1, 0);
}

/*
 * Empties the ring. With rings in order, Linux 7.3 without the series has a fault: a reset does not
 * clear the place among the descriptors and in a batch, and the next used buffer breaks the ring. A
 * resize clears both, so two resizes follow here.
 */
void vrx_queue_reset(struct vrx_queue *q, enum vrx_context context)
{
	bool done = !virtqueue_reset(q->vq, vrx_recycle, NULL);

	vrx_counted(q, VRX_RESET, context, 1, done);
	/* The last call of detach_unused_buf found no buffer. */
	vrx_counted(q, VRX_DETACH_UNUSED_BUF, VRX_OTHER, 1, 0);

	if (q->in_order && !q->dev->shape->reset_only) {
		vrx_queue_resize(q, VRX_OTHER);
		vrx_queue_resize(q, VRX_OTHER);
	}
}

static void vrx_del_vqs(struct virtio_device *vdev)
{
	struct vrx_device *dev = to_vrx(vdev);
	unsigned int i;

	for (i = 0; i < dev->nr_queues; i++) {
		struct vrx_queue *q = &dev->queue[i];

		if (!q->vq)
			continue;
		vring_del_virtqueue(q->vq);
		q->vq = NULL;
	}
}

static int vrx_find_vqs(struct virtio_device *vdev, unsigned int nvqs, struct virtqueue *vqs[],
			struct virtqueue_info vqs_info[], struct irq_affinity *desc)
{
	struct vrx_device *dev = to_vrx(vdev);
	unsigned int i;

	for (i = 0; i < nvqs; i++) {
		struct vrx_queue *q = &dev->queue[i];

		q->vq = vring_create_virtqueue(i, dev->shape->size, SMP_CACHE_BYTES, vdev, true,
					       false, vqs_info[i].ctx, vrx_notified,
					       vqs_info[i].callback, vqs_info[i].name);
		if (!q->vq) {
			vrx_del_vqs(vdev);
			return -ENOMEM;
		}
		q->vq->num_max = dev->shape->size;
		q->vq->priv = q;
		vrx_queue_enable(q);
		vqs[i] = q->vq;
	}
	return 0;
}

/* --- The device, as the virtio bus sees it --- */

static u8 vrx_get_status(struct virtio_device *vdev)
{
	return to_vrx(vdev)->status;
}

static void vrx_set_status(struct virtio_device *vdev, u8 status)
{
	to_vrx(vdev)->status = status;
}

static void vrx_reset(struct virtio_device *vdev)
{
	to_vrx(vdev)->status = 0;
}

static u64 vrx_get_features(struct virtio_device *vdev)
{
	struct vrx_device *dev = to_vrx(vdev);
	u64 features = BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_F_RING_RESET);

	if (dev->layout == VRX_PACKED || dev->layout == VRX_PACKED_IN_ORDER)
		features |= BIT_ULL(VIRTIO_F_RING_PACKED);
	if (dev->layout == VRX_SPLIT_IN_ORDER || dev->layout == VRX_PACKED_IN_ORDER)
		features |= BIT_ULL(VIRTIO_F_IN_ORDER);
	if (dev->shape->event_idx)
		features |= BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	if (dev->shape->indirect)
		features |= BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);
	if (dev->shape->notification_data)
		features |= BIT_ULL(VIRTIO_F_NOTIFICATION_DATA);
	return features;
}

static int vrx_finalize_features(struct virtio_device *vdev)
{
	bool in_order = __virtio_test_bit(vdev, VIRTIO_F_IN_ORDER);
	bool reset = __virtio_test_bit(vdev, VIRTIO_F_RING_RESET);

	/* Removes the features that the ring code of this kernel does not know. */
	vring_transport_features(vdev);
	if (reset)
		__virtio_set_bit(vdev, VIRTIO_F_RING_RESET);

	if (in_order && !__virtio_test_bit(vdev, VIRTIO_F_IN_ORDER)) {
		dev_err(&vdev->dev, "this kernel's rings have no in-order layouts\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

static const char *vrx_bus_name(struct virtio_device *vdev)
{
	return KBUILD_MODNAME;
}

static const struct virtio_config_ops vrx_config_ops = {
	.get_status = vrx_get_status,
	.set_status = vrx_set_status,
	.reset = vrx_reset,
	.find_vqs = vrx_find_vqs,
	.del_vqs = vrx_del_vqs,
	.get_features = vrx_get_features,
	.finalize_features = vrx_finalize_features,
	.bus_name = vrx_bus_name,
	.disable_vq_and_reset = vrx_disable_vq_and_reset,
	.enable_vq_after_reset = vrx_enable_vq_after_reset,
};

/* --- The driver --- */

static int vrx_probe(struct virtio_device *vdev)
{
	struct vrx_device *dev = to_vrx(vdev);
	struct virtqueue_info *info;
	struct virtqueue **vqs;
	unsigned int i;
	int err = -ENOMEM;

	vqs = kcalloc(dev->nr_queues, sizeof(*vqs), GFP_KERNEL);
	info = kcalloc(dev->nr_queues, sizeof(*info), GFP_KERNEL);
	if (!vqs || !info)
		goto out;

	for (i = 0; i < dev->nr_queues; i++) {
		info[i].name = dev->queue[i].name;
		info[i].callback = vrx_called_back;
	}
	err = virtio_find_vqs(vdev, dev->nr_queues, vqs, info, NULL);
	if (err)
		goto out;

	virtio_device_ready(vdev);
	/* A run that sees `ready` also sees the queues. */
	smp_store_release(&dev->ready, true);
out:
	kfree(info);
	kfree(vqs);
	return err;
}

static void vrx_remove(struct virtio_device *vdev)
{
	struct vrx_device *dev = to_vrx(vdev);
	unsigned int i;
	void *buffer;

	WRITE_ONCE(dev->ready, false);
	/* Pairs with the barrier of vrx_device_get(). */
	smp_mb();
	if (atomic_read(&dev->users))
		vrx_run_stop();
	wait_event(vrx_unused, !atomic_read(&dev->users));

	virtio_reset_device(vdev);
	for (i = 0; i < dev->nr_queues; i++) {
		while ((buffer = virtqueue_detach_unused_buf(dev->queue[i].vq)))
			vrx_recycle(dev->queue[i].vq, buffer);
		vrx_counted(&dev->queue[i], VRX_DETACH_UNUSED_BUF, VRX_OTHER, 1, 0);
	}
	vdev->config->del_vqs(vdev);
}

static const struct virtio_device_id vrx_id_table[] = { { VRX_DEVICE_ID, VRX_VENDOR_ID }, {} };

static struct virtio_driver vrx_driver = {
	.driver.name = KBUILD_MODNAME,
	.id_table = vrx_id_table,
	.probe = vrx_probe,
	.remove = vrx_remove,
};

/*
 * Claims a device for a run. Only a bound device may be used, and unbinding waits for the run.
 * Returns false if the device is not bound.
 */
bool vrx_device_get(struct vrx_device *dev)
{
	atomic_inc(&dev->users);
	/* Pairs with the barriers of vrx_probe() and vrx_remove(). */
	smp_mb__after_atomic();
	if (READ_ONCE(dev->ready))
		return true;
	vrx_device_put(dev);
	return false;
}

void vrx_device_put(struct vrx_device *dev)
{
	if (atomic_dec_and_test(&dev->users))
		wake_up_all(&vrx_unused);
}

/* Sets all counts to zero. */
void vrx_device_zero(struct vrx_device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nr_queues; i++) {
		struct vrx_queue *q = &dev->queue[i];

		memset(q->count, 0, sizeof(q->count));
		q->out_bytes = 0;
		q->in_bytes = 0;
		q->got_bytes = 0;
		q->wrong = 0;
		atomic64_set(&q->doorbells, 0);
		atomic64_set(&q->callbacks, 0);
	}
}

static void vrx_free(struct vrx_device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nr_queues; i++) {
		kvfree(dev->queue[i].buffers);
		kvfree(dev->queue[i].unused);
		kfree(dev->queue[i].memory);
	}
	kvfree(dev->queue);
	kfree(dev);
}

static void vrx_release(struct device *device)
{
	struct vrx_device *dev = to_vrx(dev_to_virtio(device));
	struct completion *released = dev->released;

	vrx_free(dev);
	if (released)
		complete(released);
}

static int vrx_queue_init(struct vrx_device *dev, struct vrx_queue *q, unsigned int index)
{
	unsigned int i, n = dev->shape->size + 1;

	q->dev = dev;
	q->packed = dev->layout == VRX_PACKED || dev->layout == VRX_PACKED_IN_ORDER;
	q->in_order = dev->layout == VRX_SPLIT_IN_ORDER || dev->layout == VRX_PACKED_IN_ORDER;
	snprintf(q->name, sizeof(q->name), "ring.%u", index);

	q->memory = kzalloc(2 * VRX_BUFFER_SIZE, GFP_KERNEL);
	q->buffers = kvcalloc(n, sizeof(*q->buffers), GFP_KERNEL);
	q->unused = kvcalloc(n, sizeof(*q->unused), GFP_KERNEL);
	if (!q->memory || !q->buffers || !q->unused)
		return -ENOMEM;

	for (i = 0; i < n; i++) {
		struct vrx_buffer *b = &q->buffers[i];

		/* Lengths differ, so that a wrong sum of bytes tells which buffer is missing. */
		sg_init_one(&b->out, q->memory, 1 + i % VRX_BUFFER_SIZE);
		sg_init_one(&b->in, q->memory + VRX_BUFFER_SIZE,
			    VRX_BUFFER_SIZE - i % VRX_BUFFER_SIZE);
		q->unused[q->nr_unused++] = b;
	}
	return 0;
}

struct vrx_device *vrx_device_create(enum vrx_layout layout, const struct vrx_shape *shape)
{
	struct vrx_device *dev;
	unsigned int i;
	int err = -ENOMEM;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return ERR_PTR(-ENOMEM);

	dev->layout = layout;
	dev->shape = shape;
	dev->queue = kvcalloc(shape->queues, sizeof(*dev->queue), GFP_KERNEL);
	if (!dev->queue)
		goto err_free;
	dev->nr_queues = shape->queues;
	for (i = 0; i < dev->nr_queues; i++) {
		err = vrx_queue_init(dev, &dev->queue[i], i);
		if (err)
			goto err_free;
	}

	dev->vdev.id.device = VRX_DEVICE_ID;
	dev->vdev.id.vendor = VRX_VENDOR_ID;
	dev->vdev.config = &vrx_config_ops;
	dev->vdev.dev.parent = vrx_root;
	dev->vdev.dev.release = vrx_release;
	err = register_virtio_device(&dev->vdev);
	if (err) {
		put_device(&dev->vdev.dev);
		return ERR_PTR(err);
	}
	if (!READ_ONCE(dev->ready)) {
		vrx_device_destroy(dev);
		return ERR_PTR(-ENODEV);
	}
	return dev;

err_free:
	vrx_free(dev);
	return ERR_PTR(err);
}

void vrx_device_destroy(struct vrx_device *dev)
{
	DECLARE_COMPLETION_ONSTACK(released);

	dev->released = &released;
	unregister_virtio_device(&dev->vdev);
	wait_for_completion(&released);
}

int vrx_driver_register(void)
{
	int err;

	vrx_root = root_device_register(KBUILD_MODNAME);
	if (IS_ERR(vrx_root))
		return PTR_ERR(vrx_root);

	err = register_virtio_driver(&vrx_driver);
	if (err)
		root_device_unregister(vrx_root);
	return err;
}

void vrx_driver_unregister(void)
{
	unregister_virtio_driver(&vrx_driver);
	root_device_unregister(vrx_root);
}
