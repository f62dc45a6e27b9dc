// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "model/stall.h"

/* virtio 1.3, sections 2.7.6, 2.7.8, 2.8.1 and 2.8.14 */
#define NO_INTERRUPT  1 /* split: the driver's flag */
#define NO_NOTIFY     1 /* split: the device's flag */
#define EVENT_DISABLE 1 /* packed: of either side */
#define EVENT_DESC    2
#define EVENT_FLAGS   3
#define DESC_F_AVAIL  (1 << 7)
#define DESC_F_USED   (1 << 15)
#define DESC_F_NEXT   1

/* Device types, virtio 1.3 section 5. */
#define DEVICE_NET	1
#define DEVICE_CONSOLE	3
#define DEVICE_BALLOON	5
#define DEVICE_RPMSG	7
#define DEVICE_SCSI	8
#define DEVICE_INPUT	18
#define DEVICE_VSOCK	19
#define DEVICE_IOMMU	23
#define DEVICE_SOUND	25
#define DEVICE_FS	26
#define DEVICE_HWSIM	29
#define DEVICE_SCMI	32
#define DEVICE_BT	40
#define DEVICE_GPIO	41

#define NET_F_CTRL_VQ	17
#define BALLOON_F_STATS 1
#define FS_F_NOTIFY	0
#define CONSOLE_CONTROL 2 /* virtio 1.3, section 5.3.2: the control queues are 2 and 3 */
#define NO_FEATURE	(-1)

/*
 * With fewer free descriptors than this, virtio_net stops a transmit queue until used buffers are
 * fetched. The number is 2 + MAX_SKB_FRAGS with the kernel's default of MAX_SKB_FRAGS.
 */
#define NET_ROOM 19

const struct stall_facts stall_facts_unknown = { -1, -1, -1, -1 };

/* Queues whose buffers normally wait for something from outside. */
static const struct {
	unsigned int type;
	unsigned int index; /* index of the queue */
	unsigned int step;  /* also index + step, index + 2 * step, ...; 0: only index */
	int feature;	    /* the index has this meaning only with this feature */
	bool no_kick;	    /* Linux adds its buffers without a kick_prepare */
	enum stall_why why;
} waiting_queues[] = {
	/* section 5.1.2: receiveq1, receiveq2, ... */
	{ DEVICE_NET, 0, 2, NO_FEATURE, false, WHY_WORLD },
	/* 5.3.2: the receive queues of the ports, and the one for control messages */
	{ DEVICE_CONSOLE, 0, 2, NO_FEATURE, false, WHY_WORLD },
	/* 5.5.2: statsq, which has this index only with VIRTIO_BALLOON_F_STATS_VQ */
	{ DEVICE_BALLOON, 2, 0, BALLOON_F_STATS, false, WHY_WORLD },
	/* not in section 5; Linux's virtio_rpmsg_bus: the first queue receives */
	{ DEVICE_RPMSG, 0, 0, NO_FEATURE, false, WHY_WORLD },
	/* 5.6.2: eventq */
	{ DEVICE_SCSI, 1, 0, NO_FEATURE, false, WHY_WORLD },
	/* 5.8.2: eventq */
	{ DEVICE_INPUT, 0, 0, NO_FEATURE, false, WHY_WORLD },
	/* 5.10.2: rx and event */
	{ DEVICE_VSOCK, 0, 2, NO_FEATURE, false, WHY_WORLD },
	/* 5.11.2: notification queue */
	{ DEVICE_FS, 1, 0, FS_F_NOTIFY, false, WHY_WORLD },
	/* 5.13.2: eventq */
	{ DEVICE_IOMMU, 1, 0, NO_FEATURE, true, WHY_WORLD },
	/* 5.14.2: eventq, then txq and rxq */
	{ DEVICE_SOUND, 1, 0, NO_FEATURE, true, WHY_WORLD },
	{ DEVICE_SOUND, 2, 1, NO_FEATURE, false, WHY_STREAM },
	/* 5.17.2: eventq */
	{ DEVICE_SCMI, 1, 0, NO_FEATURE, false, WHY_WORLD },
	/* 5.18.2: eventq */
	{ DEVICE_GPIO, 1, 0, NO_FEATURE, false, WHY_WORLD },
	/* not in section 5; Linux's mac80211_hwsim and virtio_bt: rx */
	{ DEVICE_HWSIM, 1, 0, NO_FEATURE, false, WHY_WORLD },
	{ DEVICE_BT, 1, 0, NO_FEATURE, false, WHY_WORLD },
};

static bool has_feature(const struct queue *q, int bit)
{
	return bit == NO_FEATURE || (q->features >> bit & 1);
}

/* The control queue of a network device is its last one (virtio 1.3, section 5.1.2). */
static bool is_net_control(const struct queue *q, const struct vt_ring *r)
{
	return q->device_type == DEVICE_NET && has_feature(q, NET_F_CTRL_VQ) &&
	       q->index == r->last_index;
}

/* Returns the index of a queue in waiting_queues; -1: its buffers do not wait for the outside. */
static int find_waiting(const struct queue *q, const struct vt_ring *r)
{
	if (is_net_control(q, r))
		return -1;
	for (size_t i = 0; i < sizeof(waiting_queues) / sizeof(*waiting_queues); i++) {
		unsigned int first = waiting_queues[i].index, step = waiting_queues[i].step;

		if (waiting_queues[i].type != q->device_type || q->index < first ||
		    !has_feature(q, waiting_queues[i].feature))
			continue;
		if (q->index == first || (step && (q->index - first) % step == 0))
			return i;
	}
	return -1;
}

bool stall_waits_for_world(const struct queue *q, const struct vt_ring *r)
{
	return find_waiting(q, r) >= 0;
}

bool queue_waits_for_world(const struct queue *q)
{
	const struct vt_ring r = { .last_index = q->last_index };

	return stall_waits_for_world(q, &r);
}

/*
 * Returns true if the driver leaves used buffers in the ring until it needs the room, or until a
 * process reads. virtio_net either fetches sent packets in an interrupt (NAPI), or has switched
 * interrupts off and fetches late.
 * @off: the driver has switched interrupts off
 */
static bool fetches_late(const struct queue *q, const struct vt_ring *r, bool off)
{
	bool odd = q->index & 1;

	if (q->device_type == DEVICE_NET)
		return odd && off && r->num_free >= NET_ROOM;
	if (q->device_type == DEVICE_RPMSG)
		return odd && r->num_free;
	if (q->device_type == DEVICE_CONSOLE && (q->index & ~1u) != CONSOLE_CONTROL)
		return !odd || r->num_free;
	return false;
}

/*
 * Returns the distance of a position from the begin of a lap with wrap counter 1, in descriptors.
 */
static uint32_t packed_place(const struct vt_ring *r, uint16_t at)
{
	return (at & ~VT_WRAP) + (at & VT_WRAP ? 0 : r->num);
}

/*
 * Returns by how many descriptors @to is ahead of @from. Positions of a packed ring repeat after
 * two laps, because the wrap counter has one bit.
 */
static uint32_t packed_ahead(const struct vt_ring *r, uint16_t from, uint16_t to)
{
	uint32_t laps = 2 * r->num;

	return (packed_place(r, to) % laps + laps - packed_place(r, from) % laps) % laps;
}

uint32_t ring_ahead(const struct queue *q, const struct vt_ring *r, uint16_t from, uint16_t to)
{
	if (layout_is_packed(q->layout))
		return r->num ? packed_ahead(r, from, to) : 0;
	return (uint16_t)(to - from);
}

uint16_t packed_advance(const struct vt_ring *r, uint16_t from, uint32_t by)
{
	uint32_t at = (from & ~VT_WRAP) + by;
	uint16_t wrap = from & VT_WRAP;

	for (; at >= r->num; at -= r->num)
		wrap ^= VT_WRAP;
	return at | wrap;
}

bool packed_is_available(uint16_t flags, uint16_t at)
{
	bool wrap = at & VT_WRAP;

	return !!(flags & DESC_F_AVAIL) == wrap && !!(flags & DESC_F_USED) != wrap;
}

bool packed_is_used(uint16_t flags, uint16_t at)
{
	bool wrap = at & VT_WRAP;

	return !!(flags & DESC_F_AVAIL) == wrap && !!(flags & DESC_F_USED) == wrap;
}

/* Distances within a ring: in buffers for a split ring, in descriptors for a packed ring. */
struct distances {
	uint32_t in_flight;   /* from the driver's last get to its last add */
	uint32_t unfetched;   /* from the driver's last get to the device's position */
	uint32_t pending;     /* from the device's position to the driver's last add */
	uint32_t avail_event; /* from the device's position to the device's event index */
	uint32_t used_event;  /* from the driver's last get to the driver's event index */
};

static void measure_split(const struct vt_ring *r, struct distances *d, struct stall *s)
{
	s->used = r->split.used_idx;
	d->in_flight = (uint16_t)(r->next_avail - r->last_used);
	d->unfetched = (uint16_t)(s->used - r->last_used);
	d->pending = (uint16_t)(r->next_avail - s->used);
	d->avail_event = (uint16_t)(r->split.avail_event - s->used);
	d->used_event = (uint16_t)(r->split.used_event - r->last_used);
	s->in_flight = d->in_flight;
	s->unfetched = d->unfetched;
	s->pending = d->pending;
	s->unseen = d->avail_event < d->pending ? d->pending - d->avail_event : 0;
}

/* Returns true if the device asks for doorbells by its event index, false if by its flags. */
static bool device_asks_by_index(const struct queue *q, const struct vt_ring *r)
{
	if (layout_is_packed(q->layout))
		return (r->packed.device_flags & EVENT_FLAGS) == EVENT_DESC;
	return r->state & VT_RING_EVENT_IDX;
}

static uint32_t buffer_length(const struct vt_ring *r, const struct vt_ring_entry *entries,
			      uint32_t id)
{
	return id < r->num && entries[id].length ? entries[id].length : 1;
}

/*
 * Counts the used buffers that the driver has not fetched. Returns their number.
 * @descs: becomes the number of their descriptors
 */
static uint32_t count_packed_used(const struct queue *q, const struct vt_ring *r,
				  const struct vt_ring_entry *entries, uint32_t in_flight,
				  uint32_t *descs)
{
	uint16_t at = r->last_used;
	uint32_t buffers = 0;
	uint32_t id = r->batch_last; /* all buffers up to this id are used; or VT_NO_BATCH */

	*descs = 0;
	while (*descs < in_flight) {
		uint32_t place = at & ~VT_WRAP, length;

		if (place >= r->num)
			break;
		if (id == VT_NO_BATCH) {
			if (!packed_is_used(entries[place].desc.next_or_flags, at))
				break;
			id = entries[place].desc.flags_or_id;
		}
		/*
		 * In order, the id of a buffer is the index of its first descriptor. One used
		 * descriptor stands for its buffer and for all buffers before it.
		 */
		length = buffer_length(r, entries, layout_is_in_order(q->layout) ? place : id);
		if (!layout_is_in_order(q->layout) || place == id)
			id = VT_NO_BATCH;
		*descs += length;
		buffers++;
		at = packed_advance(r, at, length);
	}
	if (*descs > in_flight)
		*descs = in_flight;
	return buffers;
}

static void measure_packed(const struct queue *q, const struct vt_ring *r,
			   const struct vt_ring_entry *entries, struct distances *d,
			   struct stall *s)
{
	uint32_t busy = 0;

	d->in_flight = packed_ahead(r, r->last_used, r->next_avail);
	d->unfetched = r->batch_last != VT_NO_BATCH ||
		       (d->in_flight && packed_is_used(r->packed.last_used_flags, r->last_used));
	s->in_flight = d->in_flight;
	s->unfetched = d->unfetched;
	for (uint32_t i = 0; entries && i < r->num; i++)
		busy += !!entries[i].token;
	if (entries) {
		s->in_flight = busy;
		s->unfetched = count_packed_used(q, r, entries, d->in_flight, &d->unfetched);
	}
	s->pending = s->in_flight > s->unfetched ? s->in_flight - s->unfetched : 0;
	s->used = packed_advance(r, r->last_used, d->unfetched);
	d->pending = d->in_flight - d->unfetched;
	d->avail_event = packed_ahead(r, s->used, r->packed.device_off_wrap);
	d->used_event = packed_ahead(r, r->last_used, r->packed.driver_off_wrap);
	if (d->avail_event >= d->pending)
		return;
	/*
	 * Beyond its event index the device has not changed a descriptor. Count buffers there: only
	 * the last descriptor of a buffer has no DESC_F_NEXT.
	 */
	s->unseen = d->pending - d->avail_event;
	for (uint32_t i = d->avail_event; entries && i < d->pending; i++)
		s->unseen -= entries[packed_advance(r, s->used, i) & ~VT_WRAP].desc.next_or_flags &
			     DESC_F_NEXT;
}

/*
 * Sets the verdict. Always returns true, so that the judge_ functions can return that they decided.
 */
static bool conclude(struct stall *s, enum stall_verdict verdict, enum stall_why why)
{
	s->verdict = verdict;
	s->why = why;
	return true;
}

/* Judges by the state of the queue and of the device. Returns true if this decided. */
static bool judge_state(const struct vt_ring *r, const struct stall_facts *facts,
			const struct distances *d, struct stall *s)
{
	if (r->state & VT_RING_RESET)
		return conclude(s, STALL_BROKEN, WHY_RESET);
	if (r->state & VT_RING_BROKEN)
		return conclude(s, STALL_BROKEN, WHY_GIVEN_UP);
	if (facts->status < 0 || !d->in_flight)
		return false;
	if (facts->status == STATUS_NO_ANSWER)
		return conclude(s, STALL_DEVICE_OFF, WHY_NO_ANSWER);
	if (facts->status & STATUS_NEEDS_RESET)
		return conclude(s, STALL_BROKEN, WHY_NEEDS_RESET);
	if (facts->status & STATUS_FAILED)
		return conclude(s, STALL_BROKEN, WHY_FAILED);
	/*
	 * The driver must not clear a status bit (virtio 1.3, section 2.1), and Linux set DRIVER_OK
	 * before it added a buffer. So the device lost the bit.
	 */
	if (!(facts->status & STATUS_DRIVER_OK))
		return conclude(s, STALL_DEVICE_OFF, WHY_NO_DRIVER_OK);
	return false;
}

/* Judges by used buffers that the driver has not fetched. Returns true if this decided. */
static bool judge_unfetched(const struct queue *q, const struct vt_ring *r,
			    const struct stall_facts *facts, const struct distances *d,
			    struct stall *s)
{
	bool packed = layout_is_packed(q->layout);
	bool by_index = packed ? r->shadow == EVENT_DESC : !!(r->state & VT_RING_EVENT_IDX);
	bool off = packed ? r->shadow == EVENT_DISABLE : r->shadow & NO_INTERRUPT;
	bool told = !(r->state & VT_RING_EVENT_IDX) || r->state & VT_RING_TRIGGERED;
	bool net = q->device_type == DEVICE_NET;

	/* In these two cases buffers that are with the device decide, if there are any. */
	if (fetches_late(q, r, off))
		return d->pending ? false : conclude(s, STALL_WAITING, WHY_LATE);
	if (!(r->state & VT_RING_CALLBACK))
		return d->pending ? false : conclude(s, STALL_WAITING, WHY_POLLED);
	/* If a network interface is down, its driver leaves used buffers in the ring. */
	if (net && !facts->interface_up)
		return conclude(s, STALL_WAITING, WHY_INTERFACE_DOWN);
	if (net && facts->interface_up < 0 && stall_waits_for_world(q, r) && !off && told)
		return conclude(s, STALL_WAITING, WHY_INTERFACE_UNKNOWN);
	if (off)
		return conclude(s, STALL_NOT_FETCHED, WHY_DISABLED);
	if (!by_index || d->used_event < d->unfetched)
		return conclude(s, STALL_NOT_FETCHED, WHY_INTERRUPT_DUE);
	if (d->used_event >= d->in_flight)
		return conclude(s, STALL_NOT_FETCHED, WHY_USED_EVENT);
	/*
	 * The driver wants an interrupt only when the device has used more, so this decides
	 * nothing.
	 */
	return false;
}

/*
 * Judges by buffers that are with the device. The device may look at a buffer and take it, and the
 * ring does not show that. The device may also set its flags after the driver rang. Therefore "the
 * driver did not ring" needs a proof: an add that vringtop saw without a doorbell, or an event
 * index that no add can pass.
 */
static void judge_pending(const struct queue *q, const struct vt_ring *r,
			  const struct stall_facts *facts, const struct distances *d,
			  struct stall *s)
{
	bool packed = layout_is_packed(q->layout);
	uint16_t flags = packed ? r->packed.device_flags & EVENT_FLAGS : r->split.used_flags;
	bool by_index = device_asks_by_index(q, r);
	bool refused = packed ? flags == EVENT_DISABLE : flags & NO_NOTIFY;

	if (!by_index)
		s->unseen = 0;
	if (!by_index && refused)
		conclude(s, facts->rung_since_add ? STALL_NOT_USED : STALL_NO_DOORBELL,
			 WHY_NO_NOTIFY);
	else if (!by_index && !facts->rung_since_add)
		conclude(s, STALL_NO_DOORBELL, WHY_NOT_RUNG);
	else if (!by_index)
		conclude(s, STALL_NOT_USED, WHY_DUE_ALWAYS);
	else if (s->due && !facts->rung_since_due)
		conclude(s, STALL_NO_DOORBELL, WHY_NOT_RUNG);
	else if (d->avail_event < d->pending)
		conclude(s, STALL_NOT_USED, WHY_DUE);
	else if (d->avail_event == d->pending)
		conclude(s, STALL_HELD, WHY_TAKEN);
	else
		conclude(s, facts->rung_since_add > 0 ? STALL_NOT_USED : STALL_NO_DOORBELL,
			 WHY_AVAIL_EVENT);
}

void stall_judge(const struct queue *q, const struct vt_ring *r,
		 const struct vt_ring_entry *entries, const struct stall_facts *facts,
		 struct stall *s)
{
	bool packed = layout_is_packed(q->layout);
	struct distances d = {};
	int waiting;

	memset(s, 0, sizeof(*s));
	s->status = facts->status;
	if (!r->num)
		return;
	if (packed)
		measure_packed(q, r, entries, &d, s);
	else
		measure_split(r, &d, s);
	/* Without the entries of a packed ring vringtop does not know where the device is. */
	s->due = d.avail_event < d.pending && device_asks_by_index(q, r) &&
		 (!packed || entries || !d.unfetched);
	if (judge_state(r, facts, &d, s) || !d.in_flight)
		return;
	if (d.unfetched && judge_unfetched(q, r, facts, &d, s))
		return;
	waiting = find_waiting(q, r);
	if (r->num_added && (waiting < 0 || !waiting_queues[waiting].no_kick))
		conclude(s, STALL_NO_DOORBELL, WHY_NO_KICK);
	else if (waiting >= 0)
		conclude(s, STALL_WAITING, waiting_queues[waiting].why);
	else
		judge_pending(q, r, facts, &d, s);
}
