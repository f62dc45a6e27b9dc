// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include "output/stall_ring.h"

/* virtio 1.3, sections 2.7.5 and 2.8.1 */
#define DESC_F_NEXT 1

/* The name of a bit. */
struct bit_name {
	unsigned int bit;
	const char *name; /* NULL ends a table */
};

static const struct bit_name descriptor_flags[] = {
	{ 0, "NEXT" }, { 1, "WRITE" }, { 2, "INDIRECT" }, {}
};
static const struct bit_name avail_flags[] = { { 0, "NO_INTERRUPT" }, {} };
static const struct bit_name used_flags[] = { { 0, "NO_NOTIFY" }, {} };

static void add_flags(struct fields *f, const char *name, uint64_t flags,
		      const struct bit_name *names)
{
	char text[48] = "";
	size_t n = 0;

	for (; names->name; names++)
		if (flags >> names->bit & 1)
			n += snprintf(text + n, sizeof(text) - n, "%s%s", n ? " " : "",
				      names->name);
	fields_add(f, FIELD_FLAGS, name, flags, text);
}

static void add_number(struct fields *f, const char *name, uint64_t value)
{
	fields_add(f, FIELD_NUMBER, name, value, NULL);
}

static void add_yes_no(struct fields *f, const char *name, bool value)
{
	fields_add(f, FIELD_YES_NO, name, value, NULL);
}

/* Adds a position. The position of a packed ring has a wrap counter, too. */
static void add_position(struct fields *f, const struct queue *q, const char *name,
			 const char *wrap, uint16_t at)
{
	bool packed = layout_is_packed(q->layout);

	add_number(f, name, packed ? at & ~VT_WRAP : at);
	if (packed)
		add_number(f, wrap, at >> VT_WRAP_SHIFT);
}

static void add_event_structure(struct fields *f, uint16_t off_wrap, uint16_t flags)
{
	static const char *const names[] = { "ENABLE", "DISABLE", "DESC", "RESERVED" };

	add_number(f, "desc_event_off", off_wrap & ~VT_WRAP);
	add_number(f, "desc_event_wrap", off_wrap >> VT_WRAP_SHIFT);
	fields_add(f, FIELD_CHOICE, "desc_event_flags", flags & 3, names[flags & 3]);
}

static void add_driver(struct fields *f, const struct queue *q, const struct vt_ring *r)
{
	add_position(f, q, "next_avail", "next_avail_wrap", r->next_avail);
	add_position(f, q, "last_used", "last_used_wrap", r->last_used);
	add_number(f, "num_added", r->num_added);
	add_number(f, "num_free", r->num_free);
	if (r->batch_last != VT_NO_BATCH)
		add_number(f, "batch_last", r->batch_last);
	add_yes_no(f, "callback", r->state & VT_RING_CALLBACK);
	add_yes_no(f, "interrupts_off",
		   layout_is_packed(q->layout) ? r->shadow == 1 : r->shadow & 1);
	add_yes_no(f, "event_triggered", r->state & VT_RING_TRIGGERED);
	add_yes_no(f, "broken", r->state & VT_RING_BROKEN);
	add_yes_no(f, "reset", r->state & VT_RING_RESET);
}

static struct fields *next_group(struct ring_group *groups, unsigned int *nr, const char *name)
{
	struct ring_group *group = &groups[(*nr)++];

	group->name = name;
	group->fields.nr = 0;
	return &group->fields;
}

unsigned int ring_groups(const struct queue *q, const struct vt_ring *r, bool addresses,
			 struct ring_group *groups)
{
	unsigned int nr = 0;
	struct fields *f;

	add_driver(next_group(groups, &nr, "driver"), q, r);
	if (layout_is_packed(q->layout)) {
		add_event_structure(next_group(groups, &nr, "driver_event"),
				    r->packed.driver_off_wrap, r->packed.driver_flags);
		add_event_structure(next_group(groups, &nr, "device_event"),
				    r->packed.device_off_wrap, r->packed.device_flags);
	} else {
		/* Without VIRTIO_F_EVENT_IDX, used_event and avail_event are never written. */
		bool by_index = r->state & VT_RING_EVENT_IDX;

		f = next_group(groups, &nr, "virtq_avail");
		add_flags(f, "flags", r->split.avail_flags, avail_flags);
		add_number(f, "idx", r->split.avail_idx);
		if (by_index)
			add_number(f, "used_event", r->split.used_event);
		f = next_group(groups, &nr, "virtq_used");
		add_flags(f, "flags", r->split.used_flags, used_flags);
		add_number(f, "idx", r->split.used_idx);
		if (by_index)
			add_number(f, "avail_event", r->split.avail_event);
	}
	if (addresses) {
		f = next_group(groups, &nr, "addresses");
		fields_add(f, FIELD_ADDRESS, "descriptor_area", r->desc_area, NULL);
		fields_add(f, FIELD_ADDRESS, "driver_area", r->driver_area, NULL);
		fields_add(f, FIELD_ADDRESS, "device_area", r->device_area, NULL);
	}
	return nr;
}

/*
 * Returns the used element of a buffer that the driver has not fetched yet, in a split ring. NULL:
 * the buffer is not used.
 */
static const struct vt_ring_entry *split_used(const struct vt_ring *r,
					      const struct vt_ring_entry *entries, uint32_t id)
{
	uint16_t at = r->last_used;

	for (uint32_t n = 0; at != r->split.used_idx && n < r->num; at++, n++)
		if (entries[at % r->num].used.id == id)
			return &entries[at % r->num];
	return NULL;
}

/*
 * Returns the used descriptor of a buffer that the driver has not fetched yet, in a packed ring.
 * NULL: the buffer is not used.
 */
static const struct vt_ring_entry *packed_used(const struct vt_ring *r, uint32_t in_flight,
					       const struct vt_ring_entry *entries, uint32_t id)
{
	uint16_t at = r->last_used;

	for (uint32_t n = 0; n < in_flight && (at & ~VT_WRAP) < r->num; n++) {
		const struct vt_ring_entry *e = &entries[at & ~VT_WRAP];

		if (packed_is_used(e->desc.next_or_flags, at) && e->desc.flags_or_id == id)
			return e;
		at = packed_advance(r, at, 1);
	}
	return NULL;
}

/*
 * Adds the place at which a packed ring has a buffer as available, or says that the place was
 * overwritten.
 */
static void add_packed_place(struct fields *f, const struct vt_ring *r, uint32_t in_flight,
			     const struct vt_ring_entry *entries, uint32_t id)
{
	uint16_t at = r->last_used;

	for (uint32_t n = 0; n < in_flight && (at & ~VT_WRAP) < r->num; n++) {
		const struct vt_ring_entry *e = &entries[at & ~VT_WRAP];

		if (packed_is_available(e->desc.next_or_flags, at) && e->desc.flags_or_id == id) {
			add_number(f, "desc", at & ~VT_WRAP);
			return;
		}
		at = packed_advance(r, at, 1);
	}
	/*
	 * The device read the descriptors of the buffer. Then it wrote other used buffers over
	 * them.
	 */
	fields_add(f, FIELD_WORDS, "place", 0, "overwritten by used buffers");
}

bool ring_buffer(const struct queue *q, const struct stall_watched *w, uint32_t id,
		 struct fields *f)
{
	const struct stall_buffer *b = id < w->nr_buffers ? &w->buffers[id] : NULL;
	bool packed = layout_is_packed(q->layout);
	const struct vt_ring *r = &w->ring;
	uint32_t in_flight = ring_ahead(q, r, r->last_used, r->next_avail);
	const struct vt_ring_entry *used;

	f->nr = 0;
	if (!w->entries[id].token)
		return false;
	used = packed ? packed_used(r, in_flight, w->entries, id) : split_used(r, w->entries, id);
	add_number(f, "id", id);
	fields_add(f, FIELD_WORDS, "state", 0, used ? "used, not fetched" : "with the device");
	if (used)
		add_number(f, "used_len", packed ? used->desc.len : used->used.len);
	else if (b && b->token == w->entries[id].token) {
		fields_add(f, FIELD_TIME, b->since_is_exact ? "age" : "age_at_least",
			   w->polled - b->since, NULL);
	}
	if (packed) {
		add_number(f, "nr_descriptors", w->entries[id].length);
		if (!used)
			add_packed_place(f, r, in_flight, w->entries, id);
	}
	return true;
}

void ring_descriptor(const struct queue *q, const struct stall_watched *w, uint32_t at,
		     uint16_t lap, bool addresses, struct fields *f)
{
	const struct vt_ring_entry *e = &w->entries[at];
	bool packed = layout_is_packed(q->layout);
	uint16_t flags = packed ? e->desc.next_or_flags : e->desc.flags_or_id;

	f->nr = 0;
	add_number(f, "desc", at);
	if (addresses)
		fields_add(f, FIELD_ADDRESS, "addr", e->desc.addr, NULL);
	add_number(f, "len", e->desc.len);
	if (packed)
		add_number(f, "id", e->desc.flags_or_id);
	add_flags(f, "flags", flags, descriptor_flags);
	if (packed)
		fields_add(f, FIELD_WORDS, "state", 0,
			   packed_is_available(flags, lap) ? "available"
			   : packed_is_used(flags, lap)	   ? "used"
							   : "left from before");
	else if (flags & DESC_F_NEXT)
		add_number(f, "next", e->desc.next_or_flags);
}

uint32_t ring_next_in_chain(const struct stall_watched *w, uint32_t at)
{
	const struct vt_ring_entry *e = &w->entries[at];
	uint32_t num = w->ring.num;

	if (!(e->desc.flags_or_id & DESC_F_NEXT) || e->desc.next_or_flags >= num)
		return num;
	return e->desc.next_or_flags;
}
