// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/stall.h"

/* virtio 1.3, sections 2.7.6, 2.7.8, 2.8.1 and 2.8.14 */
#define NO_INTERRUPT  1 /* split: the driver's flag */
#define NO_NOTIFY     1 /* split: the device's */
#define EVENT_DISABLE 1 /* packed: of either side */
#define EVENT_DESC    2
#define EVENT_FLAGS   3
#define DESC_F_AVAIL  (1 << 7)
#define DESC_F_USED   (1 << 15)
#define DESC_F_NEXT   1

/* virtio 1.3, section 5 */
#define DEVICE_NET     1
#define DEVICE_CONSOLE 3
#define DEVICE_RNG     4
#define DEVICE_RPMSG   7

/*
 * With less room than this virtio_net stops a transmit queue, until used buffers are fetched: 2 +
 * MAX_SKB_FRAGS, as long as the kernel's configuration does not raise that.
 */
#define NET_ROOM 19

static const struct {
	const char *words, *name;
} verdicts[STALL_NR_VERDICTS] = {
	[STALL_IDLE] = { "idle", "idle" },
	[STALL_MOVING] = { "moving", "moving" },
	[STALL_WAITING] = { "waiting, and that is fine", "waiting" },
	[STALL_NO_DOORBELL] = { "driver did not ring", "driver-did-not-ring" },
	[STALL_NOT_LOOKED] = { "device did not look", "device-did-not-look" },
	[STALL_HELD] = { "device is slow", "device-is-slow" },
	[STALL_NOT_HEARD] = { "driver did not hear", "driver-did-not-hear" },
	[STALL_BROKEN] = { "queue is broken", "queue-is-broken" },
};

static const char *const whys[STALL_NR_WHYS] = {
	[WHY_NOTHING] = "nothing",
	[WHY_WORLD] = "waits-for-input",
	[WHY_LATE] = "fetches-late",
	[WHY_POLLED] = "polls",
	[WHY_NOBODY] = "not-wanted-now",
	[WHY_NOBODY_MAYBE] = "interface-not-visible",
	[WHY_NO_KICK] = "no-kick-prepare",
	[WHY_AVAIL_EVENT] = "avail-event",
	[WHY_NO_NOTIFY] = "device-flags",
	[WHY_RUNG] = "doorbell-rung",
	[WHY_RUNG_ALWAYS] = "doorbell-rung-no-event-index",
	[WHY_TAKEN] = "buffers-taken",
	[WHY_DISABLED] = "interrupts-off",
	[WHY_LOST] = "interrupt-due",
	[WHY_USED_EVENT] = "used-event",
	[WHY_GIVEN_UP] = "broken",
	[WHY_RESET] = "in-reset",
	[WHY_NEEDS_RESET] = "device-needs-reset",
	[WHY_FAILED] = "driver-failed",
};

const char *stall_words(enum stall_verdict verdict)
{
	return verdicts[verdict].words;
}

const char *stall_name(enum stall_verdict verdict)
{
	return verdicts[verdict].name;
}

const char *stall_why_name(enum stall_why why)
{
	return whys[why];
}

static bool begins(const char *name, const char *with)
{
	return !strncmp(name, with, strlen(with));
}

bool stall_waits_for_world(const struct queue *q)
{
	const char *name = q->name;

	/* Its input is asked for, buffer by buffer. */
	if (q->device_type == DEVICE_RNG)
		return false;
	return begins(name, "input") || begins(name, "control-i") || begins(name, "stats") ||
	       strstr(name, "event") || strstr(name, "rx");
}

/*
 * Whether the driver leaves used buffers in the ring until it needs the room, or somebody reads.
 * virtio_net fetches what it transmitted when it is interrupted (NAPI), or else has switched
 * interrupts off.
 */
static bool fetches_late(const struct queue *q, const struct vt_ring *r, bool off)
{
	if (q->device_type == DEVICE_NET)
		return begins(q->name, "output") && off && r->num_free >= NET_ROOM;
	if (q->device_type == DEVICE_RPMSG)
		return begins(q->name, "output") && r->num_free;
	if (q->device_type == DEVICE_CONSOLE)
		return begins(q->name, "input") || (begins(q->name, "output") && r->num_free);
	return false;
}

/* How far @from is behind @to in a packed ring, of two laps: the wrap counter begins as 1. */
static uint32_t packed_ahead(const struct vt_ring *r, uint16_t from, uint16_t to)
{
	uint32_t laps = 2 * r->num;
	uint32_t a = (from & ~VT_WRAP) + (from & VT_WRAP ? 0 : r->num);
	uint32_t b = (to & ~VT_WRAP) + (to & VT_WRAP ? 0 : r->num);

	return (b % laps + laps - a % laps) % laps;
}

static uint16_t packed_advance(const struct vt_ring *r, uint16_t from, uint32_t by)
{
	uint32_t at = (from & ~VT_WRAP) + by;
	uint16_t wrap = from & VT_WRAP;

	for (; at >= r->num; at -= r->num)
		wrap ^= VT_WRAP;
	return at | wrap;
}

static bool packed_is_used(uint16_t flags, uint16_t at)
{
	bool wrap = at & VT_WRAP;

	return !!(flags & DESC_F_AVAIL) == wrap && !!(flags & DESC_F_USED) == wrap;
}

/* How far a ring is: in buffers if it is split, in descriptors if it is packed. */
struct course {
	uint32_t in_flight, unfetched, pending;
	uint32_t avail_event; /* from where the device is to its event index */
	uint32_t used_event;  /* from where the driver is to its event index */
};

static void course_split(const struct vt_ring *r, struct course *c, struct stall *s)
{
	s->used = r->split.used_idx;
	c->in_flight = (uint16_t)(r->next_avail - r->last_used);
	c->unfetched = (uint16_t)(s->used - r->last_used);
	c->pending = (uint16_t)(r->next_avail - s->used);
	c->avail_event = (uint16_t)(r->split.avail_event - s->used);
	c->used_event = (uint16_t)(r->split.used_event - r->last_used);
	s->in_flight = c->in_flight;
	s->unfetched = c->unfetched;
	s->pending = c->pending;
	s->unseen = c->avail_event < c->pending ? c->pending - c->avail_event : 0;
}

static uint32_t buffer_length(const struct vt_ring *r, const struct vt_ring_entry *entries,
			      uint32_t id)
{
	return id < r->num && entries[id].length ? entries[id].length : 1;
}

/* The used buffers from where the driver is. Returns how many, and in @descs their descriptors. */
static uint32_t packed_used(const struct queue *q, const struct vt_ring *r,
			    const struct vt_ring_entry *entries, uint32_t in_flight,
			    uint32_t *descs)
{
	uint16_t at = r->last_used;
	uint32_t buffers = 0;
	uint32_t id = r->batch_last; /* up to here all are used, if one is */

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
		/* In order an id is the index of the first descriptor, and one stands for all
		 * before it. */
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

static void course_packed(const struct queue *q, const struct vt_ring *r,
			  const struct vt_ring_entry *entries, struct course *c, struct stall *s)
{
	uint32_t busy = 0;

	c->in_flight = packed_ahead(r, r->last_used, r->next_avail);
	c->unfetched = r->batch_last != VT_NO_BATCH ||
		       (c->in_flight && packed_is_used(r->packed.last_used_flags, r->last_used));
	s->in_flight = c->in_flight;
	s->unfetched = c->unfetched;
	for (uint32_t i = 0; entries && i < r->num; i++)
		busy += entries[i].busy;
	if (entries) {
		s->in_flight = busy;
		s->unfetched = packed_used(q, r, entries, c->in_flight, &c->unfetched);
	}
	s->pending = s->in_flight > s->unfetched ? s->in_flight - s->unfetched : 0;
	s->used = packed_advance(r, r->last_used, c->unfetched);
	c->pending = c->in_flight - c->unfetched;
	c->avail_event = packed_ahead(r, s->used, r->packed.device_off_wrap);
	c->used_event = packed_ahead(r, r->last_used, r->packed.driver_off_wrap);
	if (c->avail_event >= c->pending)
		return;
	/* What the device did not look at is there as the driver wrote it. */
	s->unseen = c->pending - c->avail_event;
	if (!entries)
		return;
	for (uint32_t i = c->avail_event; i < c->pending; i++)
		s->unseen -= entries[packed_advance(r, s->used, i) & ~VT_WRAP].desc.next_or_flags &
			     DESC_F_NEXT;
}

static bool conclude(struct stall *s, enum stall_verdict verdict, enum stall_why why)
{
	s->verdict = verdict;
	s->why = why;
	return true;
}

static bool judge_broken(const struct vt_ring *r, const struct stall_facts *facts,
			 const struct course *c, struct stall *s)
{
	if (r->state & VT_RING_RESET)
		return conclude(s, STALL_BROKEN, WHY_RESET);
	if (r->state & VT_RING_BROKEN)
		return conclude(s, STALL_BROKEN, WHY_GIVEN_UP);
	if (facts->status < 0 || !c->in_flight)
		return false;
	if (facts->status & STATUS_NEEDS_RESET)
		return conclude(s, STALL_BROKEN, WHY_NEEDS_RESET);
	if (facts->status & STATUS_FAILED)
		return conclude(s, STALL_BROKEN, WHY_FAILED);
	return false;
}

/* Used buffers lie in the ring. Returns false if they say nothing. */
static bool judge_unfetched(const struct queue *q, const struct vt_ring *r,
			    const struct stall_facts *facts, const struct course *c,
			    struct stall *s)
{
	bool by_index = layout_is_packed(q->layout) ? r->shadow == EVENT_DESC
						    : !!(r->state & VT_RING_EVENT_IDX);
	bool off =
		layout_is_packed(q->layout) ? r->shadow == EVENT_DISABLE : r->shadow & NO_INTERRUPT;
	bool told = !(r->state & VT_RING_EVENT_IDX) || r->state & VT_RING_TRIGGERED;
	bool net = q->device_type == DEVICE_NET;

	/* What the device still has says more, if there is anything. */
	if (fetches_late(q, r, off))
		return c->pending ? false : conclude(s, STALL_WAITING, WHY_LATE);
	if (!(r->state & VT_RING_CALLBACK))
		return c->pending ? false : conclude(s, STALL_WAITING, WHY_POLLED);
	/* A network interface that is down lets them lie. */
	if (net && !facts->interface_up)
		return conclude(s, STALL_WAITING, WHY_NOBODY);
	if (net && facts->interface_up < 0 && stall_waits_for_world(q) && !off && told)
		return conclude(s, STALL_WAITING, WHY_NOBODY_MAYBE);
	if (off)
		return conclude(s, STALL_NOT_HEARD, WHY_DISABLED);
	if (!by_index || c->used_event < c->unfetched)
		return conclude(s, STALL_NOT_HEARD, WHY_LOST);
	if (c->used_event >= c->in_flight)
		return conclude(s, STALL_NOT_HEARD, WHY_USED_EVENT);
	/* It wants to hear when some more are used. */
	return false;
}

/* Buffers are with the device. */
static void judge_pending(const struct queue *q, const struct vt_ring *r, const struct course *c,
			  struct stall *s)
{
	uint16_t flags = layout_is_packed(q->layout) ? r->packed.device_flags & EVENT_FLAGS
						     : r->split.used_flags;
	bool by_index = layout_is_packed(q->layout) ? flags == EVENT_DESC
						    : !!(r->state & VT_RING_EVENT_IDX);
	bool refused = layout_is_packed(q->layout) ? flags == EVENT_DISABLE : flags & NO_NOTIFY;

	if (!by_index)
		s->unseen = 0;
	if (!by_index && refused)
		conclude(s, STALL_NO_DOORBELL, WHY_NO_NOTIFY);
	else if (!by_index)
		conclude(s, STALL_NOT_LOOKED, WHY_RUNG_ALWAYS);
	else if (c->avail_event < c->pending)
		conclude(s, STALL_NOT_LOOKED, WHY_RUNG);
	else if (c->avail_event == c->pending)
		conclude(s, STALL_HELD, WHY_TAKEN);
	else
		conclude(s, STALL_NO_DOORBELL, WHY_AVAIL_EVENT);
}

void stall_judge(const struct queue *q, const struct vt_ring *r,
		 const struct vt_ring_entry *entries, const struct stall_facts *facts,
		 struct stall *s)
{
	struct course c = {};

	memset(s, 0, sizeof(*s));
	if (!r->num)
		return;
	if (layout_is_packed(q->layout))
		course_packed(q, r, entries, &c, s);
	else
		course_split(r, &c, s);
	if (judge_broken(r, facts, &c, s) || !c.in_flight)
		return;
	if (c.unfetched && judge_unfetched(q, r, facts, &c, s))
		return;
	if (r->num_added)
		conclude(s, STALL_NO_DOORBELL, WHY_NO_KICK);
	else if (stall_waits_for_world(q))
		conclude(s, STALL_WAITING, WHY_WORLD);
	else
		judge_pending(q, r, &c, s);
}

/* --- In words --- */

/* A position: "17", or of a packed ring "3 wrap 1". */
static const char *position(char *text, size_t size, const struct queue *q, uint16_t at)
{
	if (layout_is_packed(q->layout))
		snprintf(text, size, "%u wrap %u", at & ~VT_WRAP, at >> VT_WRAP_SHIFT);
	else
		snprintf(text, size, "%u", at);
	return text;
}

char *stall_counts(char *text, const struct stall *s)
{
	int n = snprintf(text, STALL_TEXT, "%u buffer%s in flight", s->in_flight,
			 s->in_flight == 1 ? "" : "s");

	if (s->unfetched)
		snprintf(text + n, STALL_TEXT - n, ", %u used and not fetched", s->unfetched);
	return text;
}

char *stall_reason(char *text, const struct queue *q, const struct vt_ring *r,
		   const struct stall *s)
{
	bool packed = layout_is_packed(q->layout);
	char avail[24], used[24], last[24], device[24], driver[24];
	const char *next = packed ? "the next available descriptor" : "avail idx";
	const char *done = packed ? "the next one to be used" : "used idx";
	const char *avail_event = packed ? "the device's desc_event_off" : "avail_event";
	const char *used_event = packed ? "the driver's desc_event_off" : "used_event";
	const size_t size = STALL_TEXT;

	position(avail, sizeof(avail), q, r->next_avail);
	position(used, sizeof(used), q, s->used);
	position(last, sizeof(last), q, r->last_used);
	position(device, sizeof(device), q,
		 packed ? r->packed.device_off_wrap : r->split.avail_event);
	position(driver, sizeof(driver), q,
		 packed ? r->packed.driver_off_wrap : r->split.used_event);

	switch (s->why) {
	case WHY_NOTHING:
	case STALL_NR_WHYS:
		text[0] = '\0';
		break;
	case WHY_WORLD:
		snprintf(text, size, "its buffers are for what comes from outside");
		break;
	case WHY_LATE:
		snprintf(text, size, "the driver fetches used buffers when it needs them");
		break;
	case WHY_POLLED:
		snprintf(text, size, "the driver asks for no interrupts of this queue");
		break;
	case WHY_NOBODY:
		snprintf(text, size, "the driver was told and wants none: the interface is down");
		break;
	case WHY_NOBODY_MAYBE:
		snprintf(text, size,
			 "the driver was told, and lets them lie: so it does while the interface "
			 "is down, which cannot be seen from this network namespace");
		break;
	case WHY_NO_KICK:
		snprintf(text, size,
			 "kick_prepare was not called after the last add: added since (%s): %u",
			 packed ? "descriptors" : "buffers", r->num_added);
		break;
	case WHY_AVAIL_EVENT:
		snprintf(text, size,
			 "suppressed by %s %s: it is behind %s (%s), so that no add passes it; %s "
			 "is %s",
			 avail_event, device, done, used, next, avail);
		break;
	case WHY_NO_NOTIFY:
		snprintf(text, size, "suppressed by the device's flags: %s; %s is %s, %s is %s",
			 packed ? "desc_event_flags is DISABLE (1)"
				: "VIRTQ_USED_F_NO_NOTIFY (1) is set",
			 next, avail, done, used);
		break;
	case WHY_RUNG:
		snprintf(text, size,
			 "a doorbell was due when %s passed %s %s; %s is %s now, %s still %s; not "
			 "looked at: %u",
			 packed ? "the driver" : "avail idx", avail_event, device, next, avail,
			 done, used, s->unseen);
		break;
	case WHY_RUNG_ALWAYS:
		snprintf(text, size,
			 "the device asks for every doorbell, and used nothing since: %s is %s, %s "
			 "still %s (there is no event index that says what it looked at)",
			 next, avail, done, used);
		break;
	case WHY_TAKEN:
		snprintf(text, size,
			 "it has looked at all of them: %s has moved up to %s, as has %s; %s is "
			 "still %s",
			 avail_event, device, next, done, used);
		break;
	case WHY_DISABLED:
		snprintf(text, size,
			 "interrupts are off (disable_cb: %s), and the driver does not fetch: it "
			 "is at %s, %s is %s",
			 packed ? "desc_event_flags DISABLE" : "VIRTQ_AVAIL_F_NO_INTERRUPT", last,
			 done, used);
		break;
	case WHY_LOST:
		if (packed ? r->shadow == EVENT_DESC : !!(r->state & VT_RING_EVENT_IDX))
			snprintf(text, size,
				 "interrupts are on, and one was due: %s is %s, %s is %s; the "
				 "driver is at %s",
				 used_event, driver, done, used, last);
		else
			snprintf(
				text, size,
				"interrupts are on, and one was due: %s is %s; the driver is at %s",
				done, used, last);
		break;
	case WHY_USED_EVENT:
		snprintf(text, size,
			 "interrupts are on, but for %s %s, which no buffer in flight reaches: the "
			 "driver is at %s, %s is %s",
			 used_event, driver, last, next, avail);
		break;
	case WHY_GIVEN_UP:
		snprintf(text, size,
			 "the driver has given it up (vq->broken): see the kernel's log");
		break;
	case WHY_RESET:
		snprintf(text, size, "it was reset, and not enabled again");
		break;
	case WHY_NEEDS_RESET:
		snprintf(text, size, "the device's status says DEVICE_NEEDS_RESET (0x40)");
		break;
	case WHY_FAILED:
		snprintf(text, size,
			 "the device's status says FAILED (0x80): the driver gave it up");
		break;
	}
	return text;
}

/* --- Over time --- */

_Static_assert(offsetof(struct vt_ring, split.used_idx) ==
		       offsetof(struct vt_ring, packed.last_used_flags),
	       "see ring_moved()");

/* Whether buffers moved: made available, used, fetched. */
static bool ring_moved(const struct vt_ring *a, const struct vt_ring *b)
{
	const enum vt_ring_state states = VT_RING_BROKEN | VT_RING_RESET;

	if ((a->state | b->state) & VT_RING_MOVING)
		return true;
	/* Of a packed ring, split.used_idx stands for the flags in which a used buffer is seen. */
	return a->next_avail != b->next_avail || a->last_used != b->last_used || a->num != b->num ||
	       a->num_free != b->num_free || a->num_added != b->num_added ||
	       a->batch_last != b->batch_last || (a->state ^ b->state) & states ||
	       a->split.used_idx != b->split.used_idx;
}

struct stall_watched *stall_watch_find(const struct stall_watch *w, unsigned int serial)
{
	for (size_t i = 0; i < w->nr_queues; i++)
		if (w->queues[i].serial == serial)
			return &w->queues[i];
	return NULL;
}

static void found_moved(struct stall_watched *q, uint64_t now)
{
	q->moved = true;
	q->since = now;
	q->polls = 0;
	q->stalled = q->has_interrupts = false;
}

void stall_watched_used(struct stall_watched *q)
{
	if (q->used >= 0 && q->used != q->stall.used) {
		found_moved(q, q->polled);
		q->polls = 1;
	}
	q->used = q->stall.used;
}

void stall_watched_forget(struct stall_watched *q)
{
	free(q->entries);
	q->entries = NULL;
}

struct stall_watched *stall_watch_feed(struct stall_watch *w, const struct vt_ring *r,
				       uint64_t moves, uint64_t doorbells, uint64_t now)
{
	bool follows = w->next < w->nr_queues && w->queues[w->next].serial == r->serial;
	struct stall_watched *q = follows ? &w->queues[w->next] : stall_watch_find(w, r->serial);
	bool new = !q;

	if (new) {
		q = realloc(w->queues, (w->nr_queues + 1) * sizeof(*q));
		if (!q)
			return NULL;
		w->queues = q;
		q += w->nr_queues++;
		*q = (struct stall_watched){ .serial = r->serial };
	}
	if (doorbells != q->doorbells)
		q->rung = now;
	if (new || r->state & VT_RING_MOVING || moves != q->moves || ring_moved(&q->ring, r)) {
		found_moved(q, now);
		q->moved = !new;
		q->used = -1;
	}
	w->next = q - w->queues + 1;
	/* A copy of the ring goes with the ring. */
	if (memcmp(&q->ring, r, sizeof(*r)))
		stall_watched_forget(q);
	q->polls++;
	q->polled = now;
	q->ring = *r;
	q->moves = moves;
	q->doorbells = doorbells;
	return q;
}

bool stall_watch_stands(const struct stall_watch *w, const struct stall_watched *q)
{
	return q->polls >= STALL_POLLS && q->polled - q->since >= w->after;
}

void stall_watch_drop(struct stall_watch *w, uint64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->nr_queues; i++)
		if (w->queues[i].polled == now)
			w->queues[kept++] = w->queues[i];
		else
			stall_watched_forget(&w->queues[i]);
	w->nr_queues = kept;
}

void stall_watch_free(struct stall_watch *w)
{
	for (size_t i = 0; i < w->nr_queues; i++)
		stall_watched_forget(&w->queues[i]);
	free(w->queues);
	w->queues = NULL;
	w->nr_queues = w->next = 0;
}
