// SPDX-License-Identifier: GPL-2.0
/*
 * The operations, one call each. A function returns true if the operation succeeded or answered
 * yes.
 */
#include "exerciser.h"

static int vrx_add_buffer(struct vrx_queue *q, struct vrx_buffer *b, unsigned int kind)
{
	struct scatterlist *both[] = { &b->out, &b->in };

	b->written = kind == 0 ? 0 : b->in.length;
	switch (kind) {
	case 0:
		return virtqueue_add_outbuf(q->vq, &b->out, 1, b, GFP_ATOMIC);
	case 1:
		return virtqueue_add_inbuf(q->vq, &b->in, 1, b, GFP_ATOMIC);
	default:
		return virtqueue_add_sgs(q->vq, both, 1, 1, b, GFP_ATOMIC);
	}
}

static bool vrx_add(struct vrx_queue *q)
{
	struct vrx_buffer *b = q->unused[q->nr_unused - 1];
	unsigned int kind = q->step % 3;

	if (vrx_add_buffer(q, b, kind))
		return false;
	q->nr_unused--;
	b->in_ring = true;
	q->in_bytes += b->written;
	q->out_bytes += kind == 1 ? 0 : b->out.length;
	return true;
}

static bool vrx_get(struct vrx_queue *q)
{
	struct vrx_buffer *b;
	unsigned int len;

	/* Sometimes the device is slow, and sometimes it switches doorbells on or off. */
	if (q->random & 3)
		vrx_complete(q, q->random & 4);
	if (!(q->random & 24))
		vrx_suppress_doorbell(q, q->random & 32);

	b = virtqueue_get_buf(q->vq, &len);
	if (!b)
		return false;
	if (vrx_buffer_back(q, b) && len != b->written)
		q->wrong++;
	q->got_bytes += len;
	return true;
}

static bool vrx_kick_prepare(struct vrx_queue *q)
{
	return virtqueue_kick_prepare(q->vq);
}

static bool vrx_notify(struct vrx_queue *q)
{
	return virtqueue_notify(q->vq);
}

static bool vrx_disable_cb(struct vrx_queue *q)
{
	virtqueue_disable_cb(q->vq);
	return true;
}

static bool vrx_enable_cb_prepare(struct vrx_queue *q)
{
	WRITE_ONCE(q->opaque, virtqueue_enable_cb_prepare(q->vq));
	return true;
}

static bool vrx_poll(struct vrx_queue *q)
{
	return virtqueue_poll(q->vq, READ_ONCE(q->opaque));
}

static bool vrx_enable_cb_delayed(struct vrx_queue *q)
{
	return virtqueue_enable_cb_delayed(q->vq);
}

static bool vrx_more_used(struct vrx_queue *q)
{
	return vring_interrupt(0, q->vq) == IRQ_HANDLED;
}

static bool vrx_notification_data(struct vrx_queue *q)
{
	return (u16)vring_notification_data(q->vq) == q->vq->index;
}

/*
 * Detaching leaves a ring that works again only after a reset. It needs buffers that the device has
 * not seen, so this function adds some first.
 */
bool vrx_detach_unused_buf(struct vrx_queue *q)
{
	void *token;

	if (!q->detaching) {
		unsigned int n = 1 + q->random % min(q->num, 8U);

		vrx_queue_reset(q, VRX_OTHER);
		while (n--) {
			struct vrx_buffer *b = q->unused[q->nr_unused - 1];
			bool added = !vrx_add_buffer(q, b, 0);

			vrx_counted(q, VRX_ADD, VRX_OTHER, 1, added);
			if (!added)
				break;
			b->in_ring = true;
			q->nr_unused--;
			q->out_bytes += b->out.length;
		}
		q->detaching = true;
	}

	token = virtqueue_detach_unused_buf(q->vq);
	if (token) {
		vrx_buffer_back(q, token);
	} else {
		vrx_queue_reset(q, VRX_OTHER);
		q->detaching = false;
	}
	return token;
}

static bool (*const vrx_calls[VRX_DATA_OPS])(struct vrx_queue *q) = {
	[VRX_ADD] = vrx_add,
	[VRX_GET] = vrx_get,
	[VRX_KICK_PREPARE] = vrx_kick_prepare,
	[VRX_NOTIFY] = vrx_notify,
	[VRX_DISABLE_CB] = vrx_disable_cb,
	[VRX_ENABLE_CB_PREPARE] = vrx_enable_cb_prepare,
	[VRX_POLL] = vrx_poll,
	[VRX_ENABLE_CB_DELAYED] = vrx_enable_cb_delayed,
	[VRX_MORE_USED] = vrx_more_used,
	[VRX_NOTIFICATION_DATA] = vrx_notification_data,
};

void vrx_call(struct vrx_queue *q, enum vrx_op op, enum vrx_context context)
{
	bool yes = vrx_calls[op](q);

	/* Wrong if the result differs from the value that the device was told. */
	if (op == VRX_NOTIFICATION_DATA && !yes)
		q->wrong++;
	vrx_counted(q, op, context, 1, yes);
}
