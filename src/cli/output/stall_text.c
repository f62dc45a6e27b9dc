// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include "base/format.h"
#include "model/ring.h"
#include "output/json.h"
#include "output/stall_text.h"

#define INDENT 4

char *stalls_queue(char *text, size_t size, const struct queue *q)
{
	snprintf(text, size, "virtio%d %.15s, queue %u %.15s, %s", q->device, queue_role(q),
		 q->index, q->name, layout_short_name(q->layout));
	return text;
}

/* The last doorbell, as far as it was seen; an empty text where it says nothing. */
static void doorbell_text(char *text, size_t size, const struct queue *q,
			  const struct stall_watched *w)
{
	const struct vt_doorbell *d = queue_doorbell(q, 0);
	char time[FORMAT_LEN];
	int n;

	text[0] = '\0';
	if (w->stall.verdict < STALL_NO_DOORBELL || w->stall.verdict > STALL_HELD)
		return;
	if (!w->rung) {
		snprintf(text, size, "no doorbell was seen since vringtop looks");
		return;
	}
	n = snprintf(text, size, "the last doorbell: %s ago",
		     format_time(time, w->polled - w->rung));
	if (queue_has_notification_data(q) && d) {
		struct notification v = notification_decode(q->layout, d->value);

		n += snprintf(text + n, size - n, ", notification data 0x%08x: vqn %u, next_off %u",
			      d->value, v.queue, v.next_offset);
		if (v.has_wrap)
			snprintf(text + n, size - n, ", next_wrap %u", v.wrap_counter);
	}
}

static void interrupts_text(char *text, size_t size, const struct stall_watched *w)
{
	unsigned long long since = w->interrupts - w->interrupts_before;

	text[0] = '\0';
	if (w->stall.verdict != STALL_NOT_HEARD)
		return;
	if (!w->has_interrupts)
		snprintf(text, size, "/proc/interrupts has no line for this queue alone");
	else if (!since)
		snprintf(text, size, "interrupts of the queue: %llu, none since",
			 (unsigned long long)w->interrupts);
	else
		snprintf(text, size, "interrupts of the queue: %llu, %llu since",
			 (unsigned long long)w->interrupts, since);
}

static void print_sentence(const char *text)
{
	if (!text[0])
		return;
	printf("%*s", INDENT, "");
	print_wrapped(INDENT, text);
}

void stalls_print(const char *when, const struct queue *q, const struct stall_watched *w)
{
	char text[STALL_TEXT], counts[STALL_TEXT], time[FORMAT_LEN], line[2 * STALL_TEXT];

	stall_counts(counts, &w->stall);
	snprintf(line, sizeof(line), "%s%s: %s", when, stalls_queue(text, sizeof(text), q),
		 stall_words(w->stall.verdict));
	if (!w->stalled && w->stall.why == WHY_WORLD)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), " (%u buffer%s)",
			 w->stall.in_flight, w->stall.in_flight == 1 ? "" : "s");
	print_wrapped(0, line);
	if (!w->stalled && w->stall.why == WHY_WORLD)
		return;
	if (w->stalled)
		snprintf(line, sizeof(line), "for %s%s: %s",
			 format_time(time, w->polled - w->since), w->moved ? "" : " or longer",
			 counts);
	else
		snprintf(line, sizeof(line), "%s", counts);
	print_sentence(line);
	print_sentence(stall_reason(text, q, &w->ring, &w->stall));
	doorbell_text(text, sizeof(text), q, w);
	print_sentence(text);
	interrupts_text(text, sizeof(text), w);
	print_sentence(text);
}

static void put_bool(struct json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

/* A position; of a packed ring with its wrap counter. */
static void put_position(struct json_object *o, const struct queue *q, const char *key,
			 const char *wrap, uint16_t at)
{
	json_put_int(o, key, layout_is_packed(q->layout) ? at & ~VT_WRAP : at);
	if (layout_is_packed(q->layout))
		json_put_int(o, wrap, at >> VT_WRAP_SHIFT);
}

static struct json_object *event_structure(uint16_t off_wrap, uint16_t flags)
{
	static const char *const names[] = { "ENABLE", "DISABLE", "DESC", "RESERVED" };
	struct json_object *o = json_object_new_object();

	json_put_int(o, "desc_event_off", off_wrap & ~VT_WRAP);
	json_put_int(o, "desc_event_wrap", off_wrap >> VT_WRAP_SHIFT);
	json_put_int(o, "desc_event_flags", flags & 3);
	json_put_string(o, "desc_event_flags_set", names[flags & 3]);
	return o;
}

/* The names of the shared memory are those of virtio 1.3, sections 2.7.6, 2.7.8 and 2.8.14. */
static struct json_object *ring_state(const struct queue *q, const struct vt_ring *r)
{
	struct json_object *o = json_object_new_object(), *driver = json_object_new_object();
	struct json_object *avail, *used;

	put_position(driver, q, "next_avail", "next_avail_wrap", r->next_avail);
	put_position(driver, q, "last_used", "last_used_wrap", r->last_used);
	json_put_int(driver, "num_added", r->num_added);
	json_put_int(driver, "num_free", r->num_free);
	if (r->batch_last != VT_NO_BATCH)
		json_put_int(driver, "batch_last", r->batch_last);
	put_bool(driver, "callback", r->state & VT_RING_CALLBACK);
	put_bool(driver, "interrupts_off",
		 layout_is_packed(q->layout) ? r->shadow == 1 : r->shadow & 1);
	put_bool(driver, "event_triggered", r->state & VT_RING_TRIGGERED);
	put_bool(driver, "broken", r->state & VT_RING_BROKEN);
	put_bool(driver, "reset", r->state & VT_RING_RESET);
	json_object_object_add(o, "driver", driver);
	if (layout_is_packed(q->layout)) {
		json_object_object_add(
			o, "driver_event",
			event_structure(r->packed.driver_off_wrap, r->packed.driver_flags));
		json_object_object_add(
			o, "device_event",
			event_structure(r->packed.device_off_wrap, r->packed.device_flags));
		return o;
	}
	avail = json_object_new_object();
	used = json_object_new_object();
	json_put_int(avail, "flags", r->split.avail_flags);
	json_put_int(avail, "idx", r->split.avail_idx);
	json_put_int(used, "flags", r->split.used_flags);
	json_put_int(used, "idx", r->split.used_idx);
	/* Only then does anybody write these two. */
	if (r->state & VT_RING_EVENT_IDX) {
		json_put_int(avail, "used_event", r->split.used_event);
		json_put_int(used, "avail_event", r->split.avail_event);
	}
	json_object_object_add(o, "virtq_avail", avail);
	json_object_object_add(o, "virtq_used", used);
	return o;
}

struct json_object *stalls_json(const struct queue *q, const struct stall_watched *w)
{
	struct json_object *o = json_object_new_object(), *of;
	char text[STALL_TEXT];

	json_object_object_add(o, "queue", json_queue(q));
	json_put_string(o, "verdict", stall_name(w->stall.verdict));
	json_put_string(o, "why", stall_why_name(w->stall.why));
	json_put_string(o, "words", stall_words(w->stall.verdict));
	json_put_string(o, "reason", stall_reason(text, q, &w->ring, &w->stall));
	put_bool(o, "stalled", w->stalled);
	json_put_int(o, "still_ns", w->polled - w->since);
	put_bool(o, "or_longer", !w->moved);
	/* A packed ring that moves is not copied: these would be descriptors. */
	if (w->entries || !layout_is_packed(q->layout)) {
		of = json_object_new_object();
		json_put_int(of, "in_flight", w->stall.in_flight);
		json_put_int(of, "used", w->stall.unfetched);
		json_put_int(of, "with_device", w->stall.pending);
		json_put_int(of, "not_looked_at", w->stall.unseen);
		json_object_object_add(o, "buffers", of);
	}
	if (w->rung) {
		const struct vt_doorbell *d = queue_doorbell(q, 0);

		of = json_object_new_object();
		json_put_int(of, "ago_ns", w->polled - w->rung);
		if (queue_has_notification_data(q) && d)
			json_put_int(of, "notification_data", d->value);
		json_object_object_add(o, "last_doorbell", of);
	}
	if (w->has_interrupts) {
		of = json_object_new_object();
		json_put_int(of, "count", w->interrupts);
		json_put_int(of, "since", w->interrupts - w->interrupts_before);
		json_object_object_add(o, "interrupts", of);
	}
	json_object_object_add(o, "ring", ring_state(q, &w->ring));
	return o;
}

/* --- All of a ring --- */

static void put_address(struct json_object *o, const char *key, uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)address);
	json_put_string(o, key, text);
}

/* The flags of a descriptor, virtio 1.3, sections 2.7.5 and 2.8.1. */
static void put_flags(struct json_object *o, const struct queue *q, uint16_t flags)
{
	static const struct {
		int bit;
		const char *name;
	} names[] = {
		{ 0, "NEXT" }, { 1, "WRITE" }, { 2, "INDIRECT" }, { 7, "AVAIL" }, { 15, "USED" }
	};
	char text[64] = "";
	int n = 0;

	for (int i = 0; i < (layout_is_packed(q->layout) ? 5 : 3); i++)
		if (flags >> names[i].bit & 1)
			n += snprintf(text + n, sizeof(text) - n, "%s%s", n ? " " : "",
				      names[i].name);
	json_put_int(o, "flags", flags);
	if (n)
		json_put_string(o, "flags_set", text);
}

static struct json_object *descriptor(const struct queue *q, const struct vt_ring_entry *e,
				      uint32_t at, bool addresses)
{
	struct json_object *o = json_object_new_object();
	uint16_t flags = layout_is_packed(q->layout) ? e->desc.next_or_flags : e->desc.flags_or_id;

	json_put_int(o, "desc", at);
	if (addresses)
		put_address(o, "addr", e->desc.addr);
	json_put_int(o, "len", e->desc.len);
	if (layout_is_packed(q->layout))
		json_put_int(o, "id", e->desc.flags_or_id);
	put_flags(o, q, flags);
	if (!layout_is_packed(q->layout) && flags & 1)
		json_put_int(o, "next", e->desc.next_or_flags);
	return o;
}

/* Each buffer that the driver has in a split ring, with its chain of descriptors. */
static struct json_object *split_buffers(const struct queue *q, const struct vt_ring *r,
					 const struct vt_ring_entry *entries, bool addresses)
{
	struct json_object *all = json_object_new_array();

	for (uint32_t id = 0; id < r->num; id++) {
		struct json_object *o, *chain;
		uint32_t at = id;

		if (!entries[id].busy)
			continue;
		o = json_object_new_object();
		chain = json_object_new_array();
		json_put_int(o, "id", id);
		for (uint16_t i = r->last_used; i != r->split.used_idx; i++) {
			const struct vt_ring_entry *e = &entries[i % r->num];

			if ((uint16_t)(i - r->last_used) >= r->num)
				break;
			if (e->used.id == id)
				json_put_int(o, "used_len", e->used.len);
		}
		for (uint32_t n = 0; n < r->num && at < r->num; n++) {
			json_object_array_add(chain, descriptor(q, &entries[at], at, addresses));
			if (!(entries[at].desc.flags_or_id & 1))
				break;
			at = entries[at].desc.next_or_flags;
		}
		json_object_object_add(o, "descriptors", chain);
		json_object_array_add(all, o);
	}
	return all;
}

/* The descriptors of a packed ring from where the driver is to where it adds, as they are. */
static struct json_object *packed_descriptors(const struct queue *q, const struct vt_ring *r,
					      const struct vt_ring_entry *entries, bool addresses)
{
	struct json_object *all = json_object_new_array();
	uint32_t at = r->last_used & ~VT_WRAP, end = r->next_avail & ~VT_WRAP;

	if (at >= r->num || end >= r->num)
		return all;
	/* A ring is full, not empty, where both are the same but for their wrap counters. */
	if (at == end && r->last_used == r->next_avail)
		return all;
	do {
		json_object_array_add(all, descriptor(q, &entries[at], at, addresses));
		at = (at + 1) % r->num;
	} while (at != end);
	return all;
}

struct json_object *stalls_json_ring(const struct queue *q, const struct vt_ring *r,
				     const struct vt_ring_entry *entries, bool addresses)
{
	struct json_object *o = ring_state(q, r), *of;

	if (addresses) {
		of = json_object_new_object();
		put_address(of, "descriptor_area", r->desc_area);
		put_address(of, "driver_area", r->driver_area);
		put_address(of, "device_area", r->device_area);
		json_object_object_add(o, "addresses", of);
	}
	if (!entries)
		return o;
	if (layout_is_packed(q->layout))
		json_object_object_add(o, "descriptors",
				       packed_descriptors(q, r, entries, addresses));
	else
		json_object_object_add(o, "buffers", split_buffers(q, r, entries, addresses));
	return o;
}

/* The members of an object on a line: "idx 3, flags 0x1 WRITE". Lists are left out. */
static void members_text(char *text, size_t size, struct json_object *o)
{
	size_t n = 0;

	json_object_object_foreach(o, key, value)
	{
		const char *end = strrchr(key, '_');
		bool set = end && !strcmp(end, "_set");

		if (json_object_is_type(value, json_type_array) || n >= size)
			continue;
		if (set)
			n += snprintf(text + n, size - n, " %s", json_object_get_string(value));
		else if (json_object_is_type(value, json_type_boolean))
			n += snprintf(text + n, size - n, "%s%s %s", n ? ", " : "", key,
				      json_object_get_boolean(value) ? "yes" : "no");
		else if (!strcmp(key, "flags"))
			n += snprintf(text + n, size - n, "%sflags 0x%x", n ? ", " : "",
				      json_object_get_int(value));
		else
			n += snprintf(text + n, size - n, "%s%s %s", n ? ", " : "", key,
				      json_object_get_string(value));
	}
}

#define NAMES 17 /* columns */

static void print_list(struct json_object *list, int indent)
{
	char text[STALL_TEXT];

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i), *chain;

		members_text(text, sizeof(text), o);
		printf("%*s", indent, "");
		print_wrapped(indent, text);
		if (json_object_object_get_ex(o, "descriptors", &chain))
			print_list(chain, indent + 2);
	}
}

void stalls_print_ring(const struct queue *q, const struct vt_ring *r,
		       const struct vt_ring_entry *entries, bool addresses)
{
	struct json_object *o = stalls_json_ring(q, r, entries, addresses);
	char text[STALL_TEXT];

	json_object_object_foreach(o, key, value)
	{
		if (json_object_is_type(value, json_type_array)) {
			printf("%*s%s%s\n", INDENT, "", key,
			       json_object_array_length(value) ? "" : ": none in flight");
			print_list(value, INDENT + 2);
			continue;
		}
		printf("%*s%-*s", INDENT, "", NAMES - INDENT, key);
		members_text(text, sizeof(text), value);
		print_wrapped(NAMES, text);
	}
	json_object_put(o);
}
