// SPDX-License-Identifier: GPL-2.0
#include "model/ring.h"
#include "output/json.h"
#include "output/stall_json.h"
#include "output/stall_ring.h"
#include "output/stall_text.h"

static void put_bool(struct json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

static struct json_object *fields_object(const struct fields *f)
{
	struct json_object *o = json_object_new_object();

	fields_json(o, f);
	return o;
}

static struct json_object *ring_state(const struct queue *q, const struct vt_ring *r,
				      bool addresses)
{
	struct json_object *o = json_object_new_object();
	struct ring_group groups[RING_GROUPS];
	unsigned int nr = ring_groups(q, r, addresses, groups);

	for (unsigned int i = 0; i < nr; i++)
		json_object_object_add(o, groups[i].name, fields_object(&groups[i].fields));
	return o;
}

static struct json_object *counts(const struct stall *s)
{
	struct json_object *o = json_object_new_object();

	json_put_int(o, "in_flight", s->in_flight);
	json_put_int(o, "used", s->unfetched);
	json_put_int(o, "with_device", s->pending);
	json_put_int(o, "not_looked_at", s->unseen);
	return o;
}

static struct json_object *oldest_buffer(const struct stall_watched *w,
					 const struct stall_buffer *oldest)
{
	struct json_object *o = json_object_new_object();

	json_put_int(o, "id", w->oldest);
	json_put_int(o, "age_ns", w->polled - oldest->since);
	put_bool(o, "or_longer", !oldest->since_is_exact);
	json_put_int(o, "stuck_buffers", w->nr_stuck);
	return o;
}

static struct json_object *last_doorbell(const struct queue *q, const struct stall_watched *w)
{
	const struct vt_doorbell *d = queue_doorbell(q, 0);
	struct json_object *o = json_object_new_object();

	json_put_int(o, "ago_ns", w->polled - w->rung);
	if (queue_has_notification_data(q) && d)
		json_put_int(o, "notification_data", d->value);
	return o;
}

static struct json_object *interrupts(const struct stall_interrupt *i)
{
	struct json_object *o = json_object_new_object();

	json_put_int(o, "irq", i->irq);
	json_put_int(o, "count", i->count);
	json_put_int(o, "since", i->count - i->before);
	return o;
}

static struct json_object *device_status(int status)
{
	struct json_object *o = json_object_new_object();
	char names[STALL_TEXT];

	json_put_int(o, "value", status);
	json_put_string(o, "set", stall_status(names, sizeof(names), status));
	return o;
}

static struct json_object *evidence(const struct queue *q, const struct stall_watched *w)
{
	struct json_object *all = json_object_new_array();
	char sentences[STALL_SENTENCES][STALL_TEXT];
	size_t nr = stall_evidence(q, w, sentences);

	for (size_t i = 0; i < nr; i++)
		json_object_array_add(all, json_object_new_string(sentences[i]));
	return all;
}

struct json_object *stall_json(const struct queue *q, const struct stall_watched *w)
{
	const struct stall_buffer *oldest = stall_watched_oldest(w);
	struct json_object *o = json_object_new_object();
	bool exact;
	uint64_t since = stall_watched_since(w, &exact);
	char text[STALL_TEXT];

	json_object_object_add(o, "queue", json_queue(q));
	json_put_string(o, "verdict", stall_name(w->stall.verdict));
	json_put_string(o, "why", stall_why_name(w->stall.why));
	json_put_string(o, "words", stall_words(w->stall.verdict));
	json_put_string(o, "reason", stall_reason(text, q, &w->ring, &w->stall));
	json_object_object_add(o, "evidence", evidence(q, w));
	put_bool(o, "stalled", w->stalled);
	json_put_int(o, "still_ns", w->polled - since);
	put_bool(o, "or_longer", !exact);
	/* The counts of a packed ring are known only after the ring was copied. */
	if (w->entries || !layout_is_packed(q->layout))
		json_object_object_add(o, "buffers", counts(&w->stall));
	if (oldest)
		json_object_object_add(o, "oldest_buffer", oldest_buffer(w, oldest));
	if (w->rung)
		json_object_object_add(o, "last_doorbell", last_doorbell(q, w));
	if (w->interrupt.known)
		json_object_object_add(o, "interrupts", interrupts(&w->interrupt));
	if (w->stall.status >= 0)
		json_object_object_add(o, "device_status", device_status(w->stall.status));
	json_object_object_add(o, "ring", ring_state(q, &w->ring, false));
	return o;
}

/*
 * Returns each buffer that the driver has in the ring. The buffers of a split ring have their
 * descriptors.
 */
static struct json_object *buffers(const struct queue *q, const struct stall_watched *w,
				   bool addresses)
{
	struct json_object *all = json_object_new_array(), *o, *chain;
	uint32_t num = w->ring.num;
	struct fields f;

	for (uint32_t id = 0; id < num; id++) {
		if (!ring_buffer(q, w, id, &f))
			continue;
		o = fields_object(&f);
		json_object_array_add(all, o);
		if (layout_is_packed(q->layout))
			continue;
		chain = json_object_new_array();
		for (uint32_t at = id, n = 0; at < num && n < num;
		     at = ring_next_in_chain(w, at), n++) {
			ring_descriptor(q, w, at, 0, addresses, &f);
			json_object_array_add(chain, fields_object(&f));
		}
		json_object_object_add(o, "descriptors", chain);
	}
	return all;
}

/*
 * Returns the descriptors of a packed ring, from the position where the driver fetches next to the
 * position where the driver adds next.
 */
static struct json_object *packed_descriptors(const struct queue *q, const struct stall_watched *w,
					      bool addresses)
{
	struct json_object *all = json_object_new_array();
	const struct vt_ring *r = &w->ring;
	uint32_t in_flight = ring_ahead(q, r, r->last_used, r->next_avail);
	uint16_t at = r->last_used;
	struct fields f;

	for (uint32_t n = 0; n < in_flight && n < r->num && (at & ~VT_WRAP) < r->num; n++) {
		ring_descriptor(q, w, at & ~VT_WRAP, at, addresses, &f);
		json_object_array_add(all, fields_object(&f));
		at = packed_advance(r, at, 1);
	}
	return all;
}

struct json_object *stall_json_ring(const struct queue *q, const struct stall_watched *w,
				    bool addresses)
{
	struct json_object *o = ring_state(q, &w->ring, addresses);

	if (!w->entries)
		return o;
	json_object_object_add(o, "buffers", buffers(q, w, addresses));
	if (layout_is_packed(q->layout))
		json_object_object_add(o, "descriptors", packed_descriptors(q, w, addresses));
	return o;
}
