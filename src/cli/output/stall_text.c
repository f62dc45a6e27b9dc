// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/format.h"
#include "model/ring.h"
#include "output/stall_ring.h"
#include "output/stall_text.h"

static const struct {
	const char *words, *name;
} verdicts[STALL_NR_VERDICTS] = {
	[STALL_IDLE] = { "idle", "idle" },
	[STALL_MOVING] = { "moving", "moving" },
	[STALL_WAITING] = { "waiting, and that is fine", "waiting" },
	[STALL_NO_DOORBELL] = { "driver did not ring", "driver-did-not-ring" },
	[STALL_NOT_USED] = { "device has used nothing", "device-has-used-nothing" },
	[STALL_HELD] = { "device holds the buffers", "device-holds-buffers" },
	[STALL_BUFFER] = { "a buffer is stuck", "buffer-is-stuck" },
	[STALL_NOT_FETCHED] = { "driver did not fetch", "driver-did-not-fetch" },
	[STALL_DEVICE_OFF] = { "device is switched off", "device-is-off" },
	[STALL_BROKEN] = { "queue is broken", "queue-is-broken" },
};

/*
 * A sentence for each reason, for split and for packed rings. `packed` is NULL if both have the
 * same sentence. {name} stands for a value: see append_value().
 */
static const struct {
	const char *name, *split, *packed;
} whys[STALL_NR_WHYS] = {
	[WHY_NOTHING] = { "nothing", "", NULL },
	[WHY_WORLD] = { "waits-for-input", "its buffers are for what comes from outside", NULL },
	[WHY_STREAM] = { "sound-stream",
			 "the device keeps a sound stream's buffers until they are played or "
			 "recorded; those of a paused stream it keeps as long as it is paused",
			 NULL },
	[WHY_LATE] = { "fetches-late", "the driver fetches used buffers when it needs them", NULL },
	[WHY_POLLED] = { "polls", "the driver asks for no interrupts of this queue", NULL },
	[WHY_INTERFACE_DOWN] = { "not-wanted-now",
				 "the driver was told and wants none: the interface is down",
				 NULL },
	[WHY_INTERFACE_UNKNOWN] = { "interface-not-visible",
				    "the driver was told and does not fetch, as while the "
				    "interface is down; it cannot be seen from this network "
				    "namespace whether it is",
				    NULL },
	[WHY_NO_KICK] = { "no-kick-prepare",
			  "kick_prepare was not called after the last add: buffers added since: "
			  "{added}",
			  "kick_prepare was not called after the last add: descriptors added "
			  "since: {added}" },
	[WHY_NOT_RUNG] = { "no-doorbell-seen",
			   "a doorbell was due, and vringtop, which looked already, saw none: "
			   "avail idx is {avail}, used idx {used}",
			   "a doorbell was due, and vringtop, which looked already, saw none: the "
			   "next available descriptor is {avail}, the next one to be used {used}" },
	[WHY_AVAIL_EVENT] = { "avail-event",
			      "the driver has no reason to ring: avail_event {avail_event} is "
			      "behind used idx ({used}), so that no add passes it; avail idx is "
			      "{avail}",
			      "the driver has no reason to ring: the device's desc_event_off "
			      "{avail_event} is behind the next one to be used ({used}), so that "
			      "no add passes it; the next available descriptor is {avail}" },
	[WHY_NO_NOTIFY] = { "device-flags",
			    "the device's flags ask for no doorbell: VIRTQ_USED_F_NO_NOTIFY (1) is "
			    "set; avail idx is {avail}, used idx is {used}",
			    "the device's flags ask for no doorbell: desc_event_flags is DISABLE "
			    "(1); the next available descriptor is {avail}, the next one to be "
			    "used is {used}" },
	[WHY_DUE] = { "doorbell-due",
		      "a doorbell was due when avail idx passed avail_event {avail_event}; avail "
		      "idx is {avail} now, used idx still {used}; buffers beyond avail_event: "
		      "{unseen}",
		      "a doorbell was due when the driver passed the device's desc_event_off "
		      "{avail_event}; the next available descriptor is {avail} now, the next one "
		      "to be used still {used}; buffers beyond desc_event_off: {unseen}" },
	[WHY_DUE_ALWAYS] = { "doorbell-due-no-event-index",
			     "the device asks for a doorbell with every add, and has used nothing "
			     "since: avail idx is {avail}, used idx still {used}",
			     "the device asks for a doorbell with every add, and has used nothing "
			     "since: the next available descriptor is {avail}, the next one to be "
			     "used still {used}" },
	[WHY_TAKEN] = { "buffers-taken",
			"it has looked at all of them: avail_event has moved up to {avail_event}, "
			"as has avail idx; used idx is still {used}",
			"it has looked at all of them: the device's desc_event_off has moved up "
			"to {avail_event}, as has the next available descriptor; the next one to "
			"be used is still {used}" },
	[WHY_OVERTAKEN] = { "overtaken", "buffers that were added later came back", NULL },
	[WHY_DISABLED] = { "interrupts-off",
			   "interrupts are off (disable_cb: VIRTQ_AVAIL_F_NO_INTERRUPT), and the "
			   "driver does not fetch: it is at {last}, used idx is {used}",
			   "interrupts are off (disable_cb: desc_event_flags DISABLE), and the "
			   "driver does not fetch: it is at {last}, the next one to be used is "
			   "{used}" },
	[WHY_INTERRUPT_DUE] = { "interrupt-due",
				"interrupts are on, and one was due: {used_event}used idx is "
				"{used}; the driver is at {last}",
				"interrupts are on, and one was due: {used_event}the next one to "
				"be used is {used}; the driver is at {last}" },
	[WHY_USED_EVENT] = { "used-event",
			     "interrupts are on, but {used_event}which no buffer in flight "
			     "reaches: the driver is at {last}, avail idx is {avail}",
			     "interrupts are on, but {used_event}which no buffer in flight "
			     "reaches: the driver is at {last}, the next available descriptor is "
			     "{avail}" },
	[WHY_NO_DRIVER_OK] = { "no-driver-ok",
			       "the device's status has lost DRIVER_OK, which only a reset takes "
			       "away: the device works on none of its queues; QEMU clears it when "
			       "bus mastering is switched off in the PCI command register",
			       NULL },
	[WHY_NO_ANSWER] = { "no-answer",
			    "the device's status reads as all ones: the device does not answer, "
			    "because its memory is switched off in the PCI command register, or "
			    "because it is gone",
			    NULL },
	[WHY_GIVEN_UP] = { "broken",
			   "the driver has given it up (vq->broken): see the kernel's log", NULL },
	[WHY_RESET] = { "in-reset", "it was reset, and not enabled again", NULL },
	[WHY_NEEDS_RESET] = { "device-needs-reset",
			      "the device's status says DEVICE_NEEDS_RESET (0x40)", NULL },
	[WHY_FAILED] = { "driver-failed",
			 "the device's status says FAILED (0x80): the driver gave it up", NULL },
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
	return whys[why].name;
}

char *stall_queue(char *text, size_t size, const struct queue *q)
{
	snprintf(text, size, "virtio%d %s, queue %u %s, %s", q->device, queue_role(q), q->index,
		 q->name, layout_short_name(q->layout));
	return text;
}

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

char *stall_counts(char *text, const struct stall *s)
{
	int n = snprintf(text, STALL_TEXT, "%u buffer%s in flight", s->in_flight,
			 plural(s->in_flight));

	if (s->unfetched)
		snprintf(text + n, STALL_TEXT - n, ", %u used and not fetched", s->unfetched);
	return text;
}

char *stall_time(char *text, const struct stall_watched *w)
{
	char time[FORMAT_LEN];
	bool exact;
	uint64_t since = stall_watched_since(w, &exact);

	snprintf(text, STALL_TEXT, "%s%s", format_time(time, w->polled - since),
		 exact ? "" : " or longer");
	return text;
}

/* --- Sentences --- */

/* Appends to a text of STALL_TEXT bytes. */
static void __attribute__((format(printf, 2, 3))) append(char *text, const char *format, ...)
{
	size_t n = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + n, STALL_TEXT - n, format, args);
	va_end(args);
}

/* Appends a position: "17", or for a packed ring "3 wrap 1". */
static void append_position(char *text, const struct queue *q, uint16_t at)
{
	if (layout_is_packed(q->layout))
		append(text, "%u wrap %u", at & ~VT_WRAP, at >> VT_WRAP_SHIFT);
	else
		append(text, "%u", at);
}

/*
 * Appends the position at which the driver wants an interrupt. Appends nothing if the driver does
 * not use an index for that.
 */
static void append_used_event(char *text, const struct queue *q, const struct vt_ring *r)
{
	bool packed = layout_is_packed(q->layout);

	if (packed ? r->shadow != 2 : !(r->state & VT_RING_EVENT_IDX))
		return;
	append(text, packed ? "the driver's desc_event_off is " : "used_event is ");
	append_position(text, q, packed ? r->packed.driver_off_wrap : r->split.used_event);
	append(text, ", ");
}

/* Appends the value for a {name} of a sentence. */
static void append_value(char *text, const char *name, size_t length, const struct queue *q,
			 const struct vt_ring *r, const struct stall *s)
{
	bool packed = layout_is_packed(q->layout);
	const struct {
		const char *name;
		uint16_t at;
	} positions[] = {
		{ "avail", r->next_avail },
		{ "used", s->used },
		{ "last", r->last_used },
		{ "avail_event", packed ? r->packed.device_off_wrap : r->split.avail_event },
	};

	for (size_t i = 0; i < sizeof(positions) / sizeof(*positions); i++)
		if (strlen(positions[i].name) == length && !memcmp(positions[i].name, name, length))
			append_position(text, q, positions[i].at);
	if (!strncmp(name, "used_event}", length + 1))
		append_used_event(text, q, r);
	else if (!strncmp(name, "added}", length + 1))
		append(text, "%u", r->num_added);
	else if (!strncmp(name, "unseen}", length + 1))
		append(text, "%u", s->unseen);
}

char *stall_reason(char *text, const struct queue *q, const struct vt_ring *r,
		   const struct stall *s)
{
	const char *from = whys[s->why].split;

	if (layout_is_packed(q->layout) && whys[s->why].packed)
		from = whys[s->why].packed;
	text[0] = '\0';
	while (*from) {
		size_t length = strcspn(from, "{");

		append(text, "%.*s", (int)length, from);
		from += length;
		if (!*from)
			break;
		length = strcspn(from + 1, "}");
		append_value(text, from + 1, length, q, r, s);
		from += length + 2;
	}
	return text;
}

/* Writes a sentence on the last doorbell, if vringtop saw one. */
static void doorbell_sentence(char *text, const struct queue *q, const struct stall_watched *w)
{
	const struct vt_doorbell *d = queue_doorbell(q, 0);
	char time[FORMAT_LEN];
	struct notification v;

	if (w->stall.verdict < STALL_NO_DOORBELL || w->stall.verdict > STALL_HELD)
		return;
	if (!w->rung) {
		append(text, "no doorbell was seen since vringtop looks");
		if (w->stall.why == WHY_DUE && !w->due_was_seen)
			append(text, "; it was due before");
		if (w->stall.why == WHY_DUE && !w->due_was_seen && w->added)
			append(text,
			       ", and kick_prepare rightly refused another one for the %u %s%s "
			       "that the driver added since",
			       w->added, layout_is_packed(q->layout) ? "descriptor" : "buffer",
			       plural(w->added));
		return;
	}
	append(text, "the last doorbell: %s ago", format_time(time, w->polled - w->rung));
	if (!queue_has_notification_data(q) || !d)
		return;
	v = notification_decode(q->layout, d->value);
	append(text, ", notification data 0x%08x: vqn %u, next_off %u", d->value, v.queue,
	       v.next_offset);
	if (v.has_wrap)
		append(text, ", next_wrap %u", v.wrap_counter);
}

/* Writes a sentence on what the ring cannot tell, and where to look for the answer. */
static void open_question(char *text, const struct stall_watched *w)
{
	if (w->stall.verdict == STALL_NO_DOORBELL && w->stall.why == WHY_AVAIL_EVENT) {
		append(text, "whether the device looked without a doorbell, the ring does not "
			     "tell");
	} else if (w->stall.verdict == STALL_NOT_USED && w->stall.why == WHY_DUE) {
		append(text, "whether the device looked, the ring does not tell: it may hold "
			     "buffers without moving its event index, as with a rate limit or a "
			     "network peer that takes no packet");
	} else if (w->stall.verdict == STALL_NOT_USED && w->stall.why == WHY_NO_NOTIFY) {
		append(text, "whether the driver rang before the flags were set, and whether the "
			     "device looked, the ring does not tell: a device that takes buffers "
			     "sets these flags, too");
	} else if (w->stall.verdict == STALL_NOT_USED) {
		append(text, "whether the device looked, the ring does not tell");
	} else {
		return;
	}
	append(text, "; QEMU's monitor does: info virtio-queue-status");
}

static void oldest_sentence(char *text, const struct stall_watched *w)
{
	const struct stall_buffer *oldest = stall_watched_oldest(w);
	const char *longer = oldest && !oldest->since_is_exact ? " or longer" : "";
	char time[FORMAT_LEN];

	if (!oldest || w->stall.verdict == STALL_NOT_FETCHED)
		return;
	format_time(time, w->polled - oldest->since);
	if (w->stall.verdict != STALL_BUFFER)
		append(text, "the oldest buffer, id %u, has been with the device for %s%s",
		       w->oldest, time, longer);
	else if (w->nr_stuck == 1)
		append(text,
		       "1 buffer has been with the device for %s%s, though the queue moves: id %u",
		       time, longer, w->oldest);
	else
		append(text,
		       "%u buffers have been with the device for up to %s%s, though the queue "
		       "moves; the oldest: id %u",
		       w->nr_stuck, time, longer, w->oldest);
}

static void interrupt_sentence(char *text, const struct stall_watched *w)
{
	const struct stall_interrupt *i = &w->interrupt;
	unsigned long long since = i->count - i->before;

	if (w->stall.verdict != STALL_NOT_FETCHED)
		return;
	if (!i->known) {
		append(text, "which interrupt this queue has is not known: no vector is known to "
			     "be its own");
		return;
	}
	append(text, "interrupts of the queue (irq %u): %llu, ", i->irq,
	       (unsigned long long)i->count);
	if (since)
		append(text, "%llu since", since);
	else
		append(text, "none since");
}

char *stall_status(char *text, size_t size, int status)
{
	static const struct {
		int bit;
		const char *name;
	} names[] = {
		{ STATUS_ACKNOWLEDGE, "ACKNOWLEDGE" },	      { STATUS_DRIVER, "DRIVER" },
		{ STATUS_FEATURES_OK, "FEATURES_OK" },	      { STATUS_DRIVER_OK, "DRIVER_OK" },
		{ STATUS_NEEDS_RESET, "DEVICE_NEEDS_RESET" }, { STATUS_FAILED, "FAILED" },
	};
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && n < size; i++)
		if (status & names[i].bit)
			n += snprintf(text + n, size - n, "%s%s", n ? " " : "", names[i].name);
	return text;
}

static void status_sentence(char *text, const struct stall_watched *w)
{
	char names[STALL_TEXT];

	/* If all bits are set, the device did not answer. */
	if (!w->stalled || w->stall.status < 0 || w->stall.status == STATUS_NO_ANSWER)
		return;
	stall_status(names, sizeof(names), w->stall.status);
	append(text, "device status 0x%02x: %s", w->stall.status, names[0] ? names : "reset");
}

size_t stall_evidence(const struct queue *q, const struct stall_watched *w,
		      char (*sentences)[STALL_TEXT])
{
	size_t nr = 0;

	for (size_t i = 0; i < STALL_SENTENCES; i++)
		sentences[i][0] = '\0';
	oldest_sentence(sentences[w->stall.verdict == STALL_BUFFER ? 0 : 3], w);
	if (w->stall.verdict != STALL_BUFFER)
		stall_reason(sentences[0], q, &w->ring, &w->stall);
	doorbell_sentence(sentences[1], q, w);
	interrupt_sentence(sentences[2], w);
	open_question(sentences[4], w);
	status_sentence(sentences[5], w);
	/* Remove empty sentences. */
	for (size_t i = 0; i < STALL_SENTENCES; i++)
		if (sentences[i][0] && nr++ != i)
			memcpy(sentences[nr - 1], sentences[i], STALL_TEXT);
	return nr;
}

/* --- On stdout --- */

#define INDENT 4

static void print_sentence(const char *text)
{
	printf("%*s", INDENT, "");
	print_wrapped(INDENT, text);
}

void stall_print(const char *when, const struct queue *q, const struct stall_watched *w)
{
	char sentences[STALL_SENTENCES][STALL_TEXT], text[STALL_TEXT], line[2 * STALL_TEXT];
	bool short_form = !w->stalled && w->stall.why == WHY_WORLD;
	size_t nr = stall_evidence(q, w, sentences);
	int n;

	n = snprintf(line, sizeof(line), "%s%s: %s", when, stall_queue(text, sizeof(text), q),
		     stall_words(w->stall.verdict));
	if (short_form)
		snprintf(line + n, sizeof(line) - n, " (%u buffer%s)", w->stall.in_flight,
			 plural(w->stall.in_flight));
	print_wrapped(0, line);
	if (short_form)
		return;
	n = 0;
	if (w->stalled)
		n = snprintf(line, sizeof(line), "for %s: ", stall_time(text, w));
	snprintf(line + n, sizeof(line) - n, "%s", stall_counts(text, &w->stall));
	print_sentence(line);
	for (size_t i = 0; i < nr; i++)
		print_sentence(sentences[i]);
}

/* The names of groups are padded to this many columns. */
#define NAMES 17

static void print_fields(int indent, const struct fields *f)
{
	char text[STALL_TEXT];

	printf("%*s", indent, "");
	print_wrapped(indent, fields_text(text, sizeof(text), f));
}

static void print_buffers(const struct queue *q, const struct stall_watched *w, bool addresses)
{
	uint32_t num = w->ring.num, shown = 0;
	struct fields f;

	for (uint32_t id = 0; id < num; id++) {
		if (!ring_buffer(q, w, id, &f))
			continue;
		if (!shown++)
			printf("%*sbuffers\n", INDENT, "");
		print_fields(INDENT + 2, &f);
		if (layout_is_packed(q->layout))
			continue;
		for (uint32_t at = id, n = 0; at < num && n < num;
		     at = ring_next_in_chain(w, at), n++) {
			ring_descriptor(q, w, at, 0, addresses, &f);
			print_fields(INDENT + 4, &f);
		}
	}
	if (!shown)
		printf("%*sbuffers: none in flight\n", INDENT, "");
}

/*
 * Prints the descriptors of a packed ring, from the position where the driver fetches next to the
 * position where the driver adds next.
 */
static void print_packed_descriptors(const struct queue *q, const struct stall_watched *w,
				     bool addresses)
{
	const struct vt_ring *r = &w->ring;
	uint32_t in_flight = ring_ahead(q, r, r->last_used, r->next_avail);
	uint16_t at = r->last_used;
	struct fields f;

	if (!in_flight)
		return;
	printf("%*sdescriptors\n", INDENT, "");
	for (uint32_t n = 0; n < in_flight && n < r->num && (at & ~VT_WRAP) < r->num; n++) {
		ring_descriptor(q, w, at & ~VT_WRAP, at, addresses, &f);
		print_fields(INDENT + 2, &f);
		at = packed_advance(r, at, 1);
	}
}

void stall_print_ring(const struct queue *q, const struct stall_watched *w, bool addresses)
{
	struct ring_group groups[RING_GROUPS];
	unsigned int nr = ring_groups(q, &w->ring, addresses, groups);
	char text[STALL_TEXT];

	for (unsigned int i = 0; i < nr; i++) {
		printf("%*s%-*s", INDENT, "", NAMES - INDENT, groups[i].name);
		print_wrapped(NAMES, fields_text(text, sizeof(text), &groups[i].fields));
	}
	if (!w->entries)
		return;
	print_buffers(q, w, addresses);
	if (layout_is_packed(q->layout))
		print_packed_descriptors(q, w, addresses);
}
