// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "format.h"
#include "ring.h"
#include "verdict.h"

/* virtio 1.3, 2.7.6 and 2.7.8 */
#define AVAIL_F_NO_INTERRUPT 1
#define USED_F_NO_NOTIFY     1
/* virtio 1.3, 2.8.14 */
enum {
	EVENT_ENABLE = 0,
	EVENT_DISABLE = 1,
	EVENT_DESC = 2
};
static const char *const event_flags[] = { "ENABLE", "DISABLE", "DESC", "reserved" };

#define OFFSET(off_wrap) ((off_wrap)&0x7fff)
#define WRAP(off_wrap)	 ((off_wrap) >> 15)

static const struct {
	const char *name, *key;
} kinds[] = {
	[STALL_WAITING] = { "waiting, and that is fine", "waiting" },
	[STALL_NOT_RUNG] = { "driver did not ring", "driver_did_not_ring" },
	[STALL_NOT_LOOKED] = { "device did not look", "device_did_not_look" },
	[STALL_SILENT] = { "device did not look, or is slow", "device_did_not_look_or_is_slow" },
	[STALL_SLOW] = { "device is slow", "device_is_slow" },
	[STALL_NOT_HEARD] = { "driver did not hear", "driver_did_not_hear" },
	[STALL_NOT_FETCHED] = { "driver did not fetch", "driver_did_not_fetch" },
	[STALL_BROKEN] = { "queue is broken", "queue_is_broken" },
};

const char *stall_name(enum stall_kind kind)
{
	return kinds[kind].name;
}

const char *stall_key(enum stall_kind kind)
{
	return kinds[kind].key;
}

bool ring_need_event(uint16_t event, uint16_t new, uint16_t old)
{
	return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

/* Where a position is on the way through the ring and once more through it. */
static unsigned int lap(unsigned int num, uint16_t position)
{
	return OFFSET(position) + (WRAP(position) ? 0 : num);
}

unsigned int packed_distance(unsigned int num, uint16_t from, uint16_t to)
{
	if (!num)
		return 0;
	/* An offset that is not in the ring is possible: the device wrote it. */
	return (lap(num, to) % (2 * num) + 2 * num - lap(num, from) % (2 * num)) % (2 * num);
}

bool ring_progressed(const struct vt_ring_state *old, const struct vt_ring_state *new)
{
	bool dead = new->broken || new->reset || new->failed;

	return (!old->buffers && !dead) || old->num != new->num ||
	       old->last_used_idx != new->last_used_idx || old->used_idx != new->used_idx ||
	       old->unfetched != new->unfetched || old->broken != new->broken ||
	       old->reset != new->reset || old->failed != new->failed;
}

/* virtio 1.3, section 5 */
enum {
	TYPE_NET = 1,
	TYPE_CONSOLE = 3,
	TYPE_BALLOON = 5,
	TYPE_SCSI = 8,
	TYPE_RPMSG = 7,
	TYPE_INPUT = 18,
	TYPE_VSOCK = 19,
	TYPE_IOMMU = 23,
	TYPE_SOUND = 25,
	TYPE_BLUETOOTH = 40,
	TYPE_GPIO = 41,
};

bool queue_waits_for_world(const struct queue *q)
{
	switch (q->device_type) {
	case TYPE_NET: /* pairs, and last the control queue */
		return q->index % 2 == 0 && strncmp(q->name, "control", 7);
	case TYPE_CONSOLE: /* pairs */
		return q->index % 2 == 0;
	case TYPE_BALLOON: /* stats: until the host wants to know */
		return !strncmp(q->name, "stats", 5);
	case TYPE_SCSI:	 /* event */
	case TYPE_IOMMU: /* event */
	case TYPE_GPIO:	 /* event */
		return q->index == 1;
	case TYPE_INPUT:     /* event */
	case TYPE_RPMSG:     /* receive */
	case TYPE_BLUETOOTH: /* receive */
		return q->index == 0;
	case TYPE_VSOCK: /* receive, event */
		return q->index == 0 || q->index == 2;
	case TYPE_SOUND: /* event, capture */
		return q->index == 1 || q->index == 3;
	}
	return false;
}

bool queue_is_lazy(const struct queue *q)
{
	return q->device_type == TYPE_CONSOLE && q->index % 2 == 1;
}

__attribute__((format(printf, 2, 3))) static void say(struct stall_verdict *v, const char *fmt, ...)
{
	va_list args;

	if (v->nr_evidence == STALL_LINES)
		return;
	va_start(args, fmt);
	vsnprintf(v->evidence[v->nr_evidence++], sizeof(v->evidence[0]), fmt, args);
	va_end(args);
}

static bool is_packed(const struct vt_ring_state *r)
{
	return r->layout == VT_LAYOUT_PACKED || r->layout == VT_LAYOUT_PACKED_IN_ORDER;
}

static const char *s(unsigned int n)
{
	return n == 1 ? "" : "s";
}

static uint16_t avail_position(const struct vt_ring_state *r)
{
	return r->next_avail_idx | r->avail_wrap_counter << 15;
}

/* --- The driver's side: used buffers that it did not fetch --- */

/* Whether the driver asked, in the ring, to be interrupted for what is used. */
static bool interrupt_due(const struct vt_ring_state *r, struct stall_verdict *v)
{
	bool due;

	if (!r->callback) {
		say(v, "the driver has no callback for this queue: it has to poll it");
		return false;
	}
	if (is_packed(r)) {
		unsigned int flags = r->driver_flags & 3;

		if (flags != EVENT_DESC) {
			say(v, "driver: desc_event_flags %u (%s): interrupts are %s", flags,
			    event_flags[flags], flags == EVENT_ENABLE ? "on" : "off");
			return flags == EVENT_ENABLE;
		}
		due = packed_distance(r->num, r->last_used_idx, r->driver_off_wrap) <
		      (r->unfetched_descs ?: 1);
		say(v, "driver: desc_event_flags 2 (DESC), desc_event_off %u, desc_event_wrap %u:",
		    OFFSET(r->driver_off_wrap), WRAP(r->driver_off_wrap));
		say(v, "%s",
		    due ? "interrupts are on, and one was due"
			: "no interrupt is due before the device gets there");
		return due;
	}
	if (!r->event) {
		due = !(r->avail_flags & AVAIL_F_NO_INTERRUPT);
		say(v, "avail flags is %u%s: interrupts are %s", r->avail_flags,
		    due ? "" : " (VIRTQ_AVAIL_F_NO_INTERRUPT)", due ? "on" : "off");
		return due;
	}
	due = ring_need_event(r->used_event, r->used_idx, r->last_used_idx);
	if (r->avail_flags_shadow & AVAIL_F_NO_INTERRUPT) {
		say(v, "the driver has its callbacks off; used_event is %u", r->used_event);
		return false;
	}
	say(v, "used_event is %u: %s", r->used_event,
	    due ? "interrupts are on, and one was due"
		: "no interrupt is due before used idx is past it");
	return due;
}

static bool callbacks_off(const struct vt_ring_state *r)
{
	if (is_packed(r))
		return r->event_flags_shadow == EVENT_DISABLE;
	return r->avail_flags_shadow & AVAIL_F_NO_INTERRUPT;
}

static void say_interrupts(const struct ring_facts *f, struct stall_verdict *v)
{
	char time[FORMAT_LEN];

	if (f->has_interrupts)
		say(v, "in the last %s %llu interrupt%s of this queue came",
		    format_time(time, f->still), (unsigned long long)f->interrupts,
		    s(f->interrupts));
	if (f->has_vector)
		say(v, "its interrupt: number %u%s, came %llu times", f->irq,
		    f->irq_shared ? " (shared)" : "", (unsigned long long)f->irq_count);
}

/* A driver that is known to leave used buffers where they are. */
static const char *left_on_purpose(const struct ring_facts *f)
{
	const struct vt_ring_state *r = &f->ring;

	if (f->down)
		return "its interface is down, and nobody fetches";
	if (f->lazy && r->num_free)
		return "the driver fetches them when it sends again";
	return NULL;
}

static bool find_unfetched(const struct ring_facts *f, struct stall_verdict *v)
{
	const struct vt_ring_state *r = &f->ring;
	const char *purpose = left_on_purpose(f);
	bool due;

	if (!v->unfetched)
		return false;
	if (is_packed(r))
		say(v, "descriptor %u (wrap counter %u) is used, flags 0x%x; not fetched: %u",
		    OFFSET(r->last_used_idx), WRAP(r->last_used_idx), r->next_used_flags,
		    v->unfetched);
	else
		say(v, "used idx is %u, the driver fetched up to %u: %u used buffer%s wait%s",
		    r->used_idx, r->last_used_idx, v->unfetched, s(v->unfetched),
		    v->unfetched == 1 ? "s" : "");
	if (purpose) {
		say(v, "%s", purpose);
		v->kind = STALL_WAITING;
		return false;
	}
	due = interrupt_due(r, v);
	/* It asked to hear of a later one, which is still with the device. */
	if (!due && r->callback && !callbacks_off(r) && v->waiting)
		return false;
	say_interrupts(f, v);
	v->kind = due && f->has_interrupts && f->interrupts ? STALL_NOT_FETCHED : STALL_NOT_HEARD;
	return true;
}

/* --- The device's side: buffers that it did not use --- */

enum trace {
	TRACE_NONE,	  /* the ring does not say */
	TRACE_LOOKED,	  /* the device has seen all that is available */
	TRACE_DUE,	  /* a doorbell was due, and the device did not look since */
	TRACE_SUPPRESSED, /* no doorbell was due */
};

static enum trace trace_split(const struct vt_ring_state *r, struct stall_verdict *v)
{
	uint16_t ahead = r->avail_event - r->used_idx;

	if (!r->event) {
		if (!(r->used_flags & USED_F_NO_NOTIFY)) {
			say(v, "used flags is %u: the device wants doorbells", r->used_flags);
			return TRACE_NONE;
		}
		say(v, "used flags is %u (VIRTQ_USED_F_NO_NOTIFY): the device wants no doorbell",
		    r->used_flags);
		return TRACE_SUPPRESSED;
	}
	if (ahead == v->waiting) {
		say(v, "avail_event is %u: the device has seen all of them", r->avail_event);
		return TRACE_LOOKED;
	}
	if (ahead < v->waiting) {
		say(v, "avail_event is %u: a doorbell was due when avail idx went past it,",
		    r->avail_event);
		say(v, "and the device has not looked since: it would have moved avail_event");
		return TRACE_DUE;
	}
	say(v, "avail_event is %u: no doorbell was due for avail idx %u to %u", r->avail_event,
	    r->used_idx, r->avail_idx);
	return TRACE_SUPPRESSED;
}

static enum trace trace_packed(const struct vt_ring_state *r, struct stall_verdict *v)
{
	unsigned int flags = r->device_flags & 3, behind;
	unsigned int with_device = r->num - r->num_free - r->unfetched_descs;

	if (flags != EVENT_DESC) {
		say(v, "device: desc_event_flags %u (%s): it wants %s", flags, event_flags[flags],
		    flags == EVENT_DISABLE ? "no doorbell" : "doorbells");
		return flags == EVENT_DISABLE ? TRACE_SUPPRESSED : TRACE_NONE;
	}
	say(v, "device: desc_event_flags 2 (DESC), desc_event_off %u, desc_event_wrap %u:",
	    OFFSET(r->device_off_wrap), WRAP(r->device_off_wrap));
	behind = packed_distance(r->num, r->device_off_wrap, avail_position(r));
	if (!behind) {
		say(v, "the device has seen all of them");
		return TRACE_LOOKED;
	}
	if (behind <= with_device) {
		say(v, "a doorbell was due when the driver went past it, and the device has not");
		say(v, "looked since: it would have moved it");
		return TRACE_DUE;
	}
	say(v, "no doorbell was due when these were made available");
	return TRACE_SUPPRESSED;
}

static void say_doorbell(const struct ring_facts *f, struct stall_verdict *v)
{
	struct notification n = notification_decode(f->ring.layout, f->data);
	char time[FORMAT_LEN];

	if (f->rung_ago)
		say(v, "the last doorbell rang %s ago", format_time(time, f->rung_ago));
	else if (f->watched)
		say(v, "no doorbell rang since vringtop watches");
	if (f->refused)
		say(v, "kick_prepare said no when the ring changed last%s",
		    f->rung ? ", but a doorbell rang, too" : "");
	if (f->has_data && n.has_wrap)
		say(v, "its notification data: vqn %u, next_off %u, next_wrap %u", n.queue,
		    n.next_offset, n.wrap_counter);
	else if (f->has_data)
		say(v, "its notification data: vqn %u, next_idx %u", n.queue, n.next_offset);
}

/* What the doorbells say, where they were seen, goes before what the ring lets one think. */
static enum stall_kind device_or_driver(const struct ring_facts *f, enum trace trace)
{
	bool rang = f->watched && f->rung && !f->refused;
	bool silent = f->watched && f->refused && !f->rung;

	switch (trace) {
	case TRACE_LOOKED:
		return STALL_SLOW;
	case TRACE_DUE:
		return silent ? STALL_NOT_RUNG : STALL_NOT_LOOKED;
	case TRACE_SUPPRESSED:
		return rang ? STALL_SILENT : STALL_NOT_RUNG;
	case TRACE_NONE:
		break;
	}
	return silent ? STALL_NOT_RUNG : STALL_SILENT;
}

static void find_waiting(const struct ring_facts *f, struct stall_verdict *v)
{
	const struct vt_ring_state *r = &f->ring;
	enum trace trace;

	if (is_packed(r))
		say(v, "%u buffer%s wait%s up to descriptor %u, avail wrap counter %u", v->waiting,
		    s(v->waiting), v->waiting == 1 ? "s" : "", r->next_avail_idx,
		    r->avail_wrap_counter);
	else
		say(v, "avail idx is %u, used idx %u: %u buffer%s wait%s", r->avail_idx,
		    r->used_idx, v->waiting, s(v->waiting), v->waiting == 1 ? "s" : "");
	if (r->num_added) {
		say(v, "num_added is %u: kick_prepare was not called after the last add",
		    r->num_added);
		v->unannounced =
			is_packed(r) || r->num_added > v->waiting ? v->waiting : r->num_added;
		v->kind = STALL_NOT_RUNG;
		say_doorbell(f, v);
		return;
	}
	if (f->world) {
		say(v, "it waits for the world: for packets, for input, for events");
		v->kind = STALL_WAITING;
		return;
	}
	trace = is_packed(r) ? trace_packed(r, v) : trace_split(r, v);
	v->kind = device_or_driver(f, trace);
	if (v->kind == STALL_NOT_RUNG)
		v->unannounced = v->waiting;
	say_doorbell(f, v);
}

static bool find_broken(const struct ring_facts *f, struct stall_verdict *v)
{
	const struct vt_ring_state *r = &f->ring;

	if (r->broken)
		say(v, "vq->broken is set: the driver has given the queue up");
	if (r->reset)
		say(v, "vq->reset is set: the queue is in reset");
	if (r->failed)
		say(v, "vdev->failed is set: the driver has given the device up");
	if (f->has_status && f->status & STATUS_NEEDS_RESET)
		say(v, "device status is 0x%x: DEVICE_NEEDS_RESET", f->status);
	if (f->has_status && f->status & STATUS_FAILED)
		say(v, "device status is 0x%x: FAILED", f->status);
	if (!v->nr_evidence)
		return false;
	v->kind = STALL_BROKEN;
	return true;
}

void stall_find(const struct ring_facts *f, struct stall_verdict *v)
{
	const struct vt_ring_state *r = &f->ring;

	memset(v, 0, sizeof(*v));
	v->kind = STALL_WAITING;
	v->unfetched = r->unfetched;
	v->waiting = r->buffers > r->unfetched ? r->buffers - r->unfetched : 0;
	if (find_broken(f, v) || find_unfetched(f, v))
		return;
	if (v->waiting)
		find_waiting(f, v);
}
