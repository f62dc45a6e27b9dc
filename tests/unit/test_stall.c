// SPDX-License-Identifier: GPL-2.0
/* Verdicts on rings that stand still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "output/stall_text.h"

#define SIZE 8
#define W    VT_WRAP

static struct queue queue(enum vt_layout layout, unsigned int type, unsigned int index)
{
	return (struct queue){
		.serial = 1, .layout = layout, .device_type = type, .index = index, .num = SIZE
	};
}

/* A disk's. */
static struct queue requests(enum vt_layout layout)
{
	return queue(layout, 2, 0);
}

/* A ring with an event index, where the driver is to be told of everything. */
static struct vt_ring split(uint16_t last, uint16_t used, uint16_t avail, uint16_t avail_event)
{
	return (struct vt_ring){
		.serial = 1,
		.state = VT_RING_CALLBACK | VT_RING_EVENT_IDX,
		.num = SIZE,
		.num_free = SIZE - (uint16_t)(avail - last),
		.batch_last = VT_NO_BATCH,
		.next_avail = avail,
		.last_used = last,
		.last_index = 100,
		.split = { .avail_idx = avail,
			   .used_event = last,
			   .used_idx = used,
			   .avail_event = avail_event },
	};
}

static struct vt_ring packed(uint16_t last, uint16_t avail, uint16_t avail_event)
{
	return (struct vt_ring){
		.serial = 1,
		.state = VT_RING_CALLBACK | VT_RING_EVENT_IDX,
		.num = SIZE,
		.batch_last = VT_NO_BATCH,
		.next_avail = avail,
		.last_used = last,
		.shadow = 2,
		.packed = { .driver_flags = 2,
			    .driver_off_wrap = last,
			    .device_flags = 2,
			    .device_off_wrap = avail_event },
	};
}

static struct stall judge(struct queue q, struct vt_ring r, const struct vt_ring_entry *entries)
{
	char text[STALL_TEXT];
	struct stall s;

	stall_judge(&q, &r, entries, &stall_facts_unknown, &s);
	/* Whatever it is, there are words for it, and room for them. */
	assert_non_null(stall_words(s.verdict));
	assert_non_null(stall_name(s.verdict));
	assert_non_null(stall_why_name(s.why));
	assert_true(strlen(stall_reason(text, &q, &r, &s)) < STALL_TEXT - 1);
	assert_null(strchr(text, '{'));
	return s;
}

static void is(struct stall s, enum stall_verdict verdict, enum stall_why why, uint32_t in_flight,
	       uint32_t unfetched, uint32_t unseen)
{
	assert_string_equal(stall_name(s.verdict), stall_name(verdict));
	assert_string_equal(stall_why_name(s.why), stall_why_name(why));
	assert_int_equal(s.in_flight, in_flight);
	assert_int_equal(s.unfetched, unfetched);
	assert_int_equal(s.pending, in_flight - unfetched);
	assert_int_equal(s.unseen, unseen);
}

/* Around zero each, in between some. */
static uint32_t next_index(uint32_t i)
{
	if (i < 20 || i >= 0xffe0)
		return i + 1;
	return i + 997 < 0xffe0 ? i + 997 : 0xffe0;
}

/* At every place of the indices, their wrapping round included. */
static void split_doorbells(void **unused)
{
	struct queue q = requests(VT_LAYOUT_SPLIT);

	(void)unused;
	for (uint32_t i = 0; i < 0x10000; i = next_index(i)) {
		struct vt_ring r;

		is(judge(q, split(i, i, i, i), NULL), STALL_IDLE, WHY_NOTHING, 0, 0, 0);
		/* The device looked at none, some, all. */
		is(judge(q, split(i, i, i + 3, i), NULL), STALL_NOT_USED, WHY_DUE, 3, 0, 3);
		is(judge(q, split(i, i, i + 3, i + 2), NULL), STALL_NOT_USED, WHY_DUE, 3, 0, 1);
		is(judge(q, split(i, i, i + 3, i + 3), NULL), STALL_HELD, WHY_TAKEN, 3, 0, 0);
		is(judge(q, split(i, i, i + SIZE, i + SIZE), NULL), STALL_HELD, WHY_TAKEN, SIZE, 0,
		   0);
		/* An index left behind, or one that it never had. */
		is(judge(q, split(i, i, i + 1, i - 1), NULL), STALL_NO_DOORBELL, WHY_AVAIL_EVENT, 1,
		   0, 0);
		is(judge(q, split(i, i, i + 1, i - 0x7000), NULL), STALL_NO_DOORBELL,
		   WHY_AVAIL_EVENT, 1, 0, 0);
		is(judge(q, split(i, i, i + 1, i + 2), NULL), STALL_NO_DOORBELL, WHY_AVAIL_EVENT, 1,
		   0, 0);
		r = split(i, i, i + 2, i + 2);
		r.num_added = 1;
		is(judge(q, r, NULL), STALL_NO_DOORBELL, WHY_NO_KICK, 2, 0, 0);
	}
}

static void split_flags(void **unused)
{
	struct queue q = requests(VT_LAYOUT_SPLIT);
	struct vt_ring r = split(9, 9, 11, 0);

	(void)unused;
	r.state &= ~VT_RING_EVENT_IDX;
	is(judge(q, r, NULL), STALL_NOT_USED, WHY_DUE_ALWAYS, 2, 0, 0);
	r.split.used_flags = 1;
	is(judge(q, r, NULL), STALL_NOT_USED, WHY_NO_NOTIFY, 2, 0, 0);
	/* With an event index the flag says nothing. */
	r = split(9, 9, 11, 11);
	r.split.used_flags = 1;
	is(judge(q, r, NULL), STALL_HELD, WHY_TAKEN, 2, 0, 0);
}

static void split_interrupts(void **unused)
{
	struct queue q = requests(VT_LAYOUT_SPLIT);

	(void)unused;
	for (uint32_t i = 0; i < 0x10000; i = next_index(i)) {
		struct vt_ring r = split(i, i + 2, i + 5, i + 5);

		is(judge(q, r, NULL), STALL_NOT_FETCHED, WHY_INTERRUPT_DUE, 5, 2, 0);
		r.split.used_event = i + 1;
		is(judge(q, r, NULL), STALL_NOT_FETCHED, WHY_INTERRUPT_DUE, 5, 2, 0);
		/* It wants to be told of the third or the last only: the device is to be asked. */
		r.split.used_event = i + 2;
		is(judge(q, r, NULL), STALL_HELD, WHY_TAKEN, 5, 2, 0);
		r.split.used_event = i + 4;
		is(judge(q, r, NULL), STALL_HELD, WHY_TAKEN, 5, 2, 0);
		/* No buffer gets there. */
		r.split.used_event = i + 5;
		is(judge(q, r, NULL), STALL_NOT_FETCHED, WHY_USED_EVENT, 5, 2, 0);
		r.split.used_event = i - 1;
		is(judge(q, r, NULL), STALL_NOT_FETCHED, WHY_USED_EVENT, 5, 2, 0);
		r.shadow = 1;
		is(judge(q, r, NULL), STALL_NOT_FETCHED, WHY_DISABLED, 5, 2, 0);
		r.shadow = 0;
		r.state &= ~VT_RING_EVENT_IDX;
		is(judge(q, r, NULL), STALL_NOT_FETCHED, WHY_INTERRUPT_DUE, 5, 2, 0);
	}
}

static uint16_t ahead(uint16_t from, uint32_t by)
{
	uint32_t place = (from & ~W) + (from & W ? 0 : SIZE) + by;

	place %= 2 * SIZE;
	return place < SIZE ? place | W : place - SIZE;
}

/* At every place of both laps. */
static void packed_doorbells(void **unused)
{
	struct queue q = requests(VT_LAYOUT_PACKED);

	(void)unused;
	for (uint32_t place = 0; place < 2 * SIZE; place++) {
		uint16_t i = ahead(W, place);
		struct vt_ring r;

		/* The flags of the descriptor there are those of the lap before: used then. */
		r = packed(i, i, i);
		r.packed.last_used_flags = i & W ? 0 : 0x8080;
		is(judge(q, r, NULL), STALL_IDLE, WHY_NOTHING, 0, 0, 0);
		for (uint32_t n = 1; n <= SIZE; n++) {
			uint16_t available = i & W ? 0x80 : 0x8000;

			for (uint32_t event = 0; event < 2 * SIZE; event++) {
				struct stall s;

				r = packed(i, ahead(i, n), ahead(i, event));
				r.packed.last_used_flags = available;
				s = judge(q, r, NULL);
				if (event < n)
					is(s, STALL_NOT_USED, WHY_DUE, n, 0, n - event);
				else if (event == n)
					is(s, STALL_HELD, WHY_TAKEN, n, 0, 0);
				else
					is(s, STALL_NO_DOORBELL, WHY_AVAIL_EVENT, n, 0, 0);
				assert_int_equal(s.used, i);
			}
			r.packed.device_flags = 1;
			is(judge(q, r, NULL), STALL_NOT_USED, WHY_NO_NOTIFY, n, 0, 0);
			r.packed.device_flags = 0;
			is(judge(q, r, NULL), STALL_NOT_USED, WHY_DUE_ALWAYS, n, 0, 0);
			r.num_added = 1;
			is(judge(q, r, NULL), STALL_NO_DOORBELL, WHY_NO_KICK, n, 0, 0);
		}
	}
}

/*
 * A packed ring as a driver and a device leave it: buffers of @length descriptors from @i on, of
 * which the device used @used, the last ones first.
 */
static void fill(struct vt_ring_entry *entries, uint16_t i, uint32_t buffers, uint32_t length,
		 uint32_t used)
{
	memset(entries, 0, SIZE * sizeof(*entries));
	for (uint32_t n = 0; n < buffers * length; n++) {
		uint16_t at = ahead(i, n);
		struct vt_ring_entry *e = &entries[at & ~W];

		e->desc.flags_or_id = n / length;
		e->desc.next_or_flags = (at & W ? 0x80 : 0x8000) | (n % length < length - 1);
	}
	for (uint32_t id = 0; id < buffers; id++) {
		entries[id].token = 1;
		entries[id].length = length;
	}
	for (uint32_t n = 0; n < used; n++) {
		uint16_t at = ahead(i, n * length);

		entries[at & ~W].desc.flags_or_id = buffers - 1 - n;
		entries[at & ~W].desc.next_or_flags = at & W ? 0x8080 : 0;
	}
}

static void packed_buffers(void **unused)
{
	struct queue q = requests(VT_LAYOUT_PACKED);
	struct vt_ring_entry entries[SIZE];

	(void)unused;
	for (uint32_t place = 0; place < 2 * SIZE; place++)
		for (uint32_t length = 1; length <= 3; length++)
			for (uint32_t buffers = 1; buffers * length <= SIZE; buffers++)
				for (uint32_t used = 0; used <= buffers; used++) {
					uint16_t i = ahead(W, place);
					struct vt_ring r = packed(i, ahead(i, buffers * length),
								  ahead(i, buffers * length));
					struct stall s;

					fill(entries, i, buffers, length, used);
					r.packed.last_used_flags =
						entries[i & ~W].desc.next_or_flags;
					s = judge(q, r, entries);
					assert_int_equal(s.used, ahead(i, used * length));
					if (used) {
						is(s, STALL_NOT_FETCHED, WHY_INTERRUPT_DUE, buffers,
						   used, 0);
						r.shadow = 0;
						is(judge(q, r, entries), STALL_NOT_FETCHED,
						   WHY_INTERRUPT_DUE, buffers, used, 0);
						r.shadow = 1;
						is(judge(q, r, entries), STALL_NOT_FETCHED,
						   WHY_DISABLED, buffers, used, 0);
						continue;
					}
					is(s, STALL_HELD, WHY_TAKEN, buffers, 0, 0);
					/* All but the first were not looked at. */
					r.packed.device_off_wrap = ahead(i, length);
					if (buffers > 1)
						is(judge(q, r, entries), STALL_NOT_USED, WHY_DUE,
						   buffers, 0, buffers - 1);
				}
}

/* One used descriptor stands for all up to its id, which is that of a buffer's first descriptor. */
static void packed_in_order(void **unused)
{
	struct queue q = requests(VT_LAYOUT_PACKED_IN_ORDER);
	struct vt_ring_entry entries[SIZE];
	struct vt_ring r = packed(6 | W, 4, 4);
	struct stall s;

	(void)unused;
	memset(entries, 0, sizeof(entries));
	for (uint32_t n = 0; n < 6; n += 2) {
		entries[(6 + n) % SIZE].token = 1;
		entries[(6 + n) % SIZE].length = 2;
		entries[(6 + n) % SIZE].desc.next_or_flags = n ? 0x8000 : 0x80;
	}
	entries[6].desc.flags_or_id = 0;
	entries[6].desc.next_or_flags = 0x8080;
	r.packed.last_used_flags = 0x8080;
	s = judge(q, r, entries);
	is(s, STALL_NOT_FETCHED, WHY_INTERRUPT_DUE, 3, 2, 0);
	assert_int_equal(s.used, 2);
	/* The driver has fetched the first of them, and knows of the other. */
	entries[6].token = 0;
	r = packed(0, 4, 4);
	r.batch_last = 0;
	r.packed.last_used_flags = 0x8000;
	s = judge(q, r, entries);
	is(s, STALL_NOT_FETCHED, WHY_INTERRUPT_DUE, 2, 1, 0);
	assert_int_equal(s.used, 2);
}

/* What a ring that nobody keeps to the rules says must not lead astray. */
static void nonsense(void **unused)
{
	struct vt_ring_entry entries[SIZE];
	unsigned int seed = 1;

	(void)unused;
	for (int n = 0; n < 20000; n++) {
		struct queue q = requests(n % VT_NR_LAYOUTS);
		struct vt_ring r;
		unsigned char *bytes = (void *)&r;

		for (size_t i = 0; i < sizeof(r); i++)
			bytes[i] = rand_r(&seed) >> 7;
		bytes = (void *)entries;
		for (size_t i = 0; i < sizeof(entries); i++)
			bytes[i] = rand_r(&seed) >> 7;
		r.num = n % 3 ? SIZE : 0;
		judge(q, r, n % 2 ? entries : NULL);
	}
}

/* By the type of the device and the index of the queue, virtio 1.3 section 5; names say nothing. */
static void queues_that_wait(void **unused)
{
	static const struct {
		unsigned int type, index;
		uint64_t features;
		enum stall_why why; /* WHY_NOTHING: it does not wait */
	} queues[] = {
		/* net with one pair of queues, then with four; the last one is for control */
		{ 1, 0, 1 << 17, WHY_WORLD },
		{ 1, 1, 1 << 17, WHY_NOTHING },
		{ 1, 6, 1 << 17, WHY_WORLD },
		{ 1, 8, 1 << 17, WHY_NOTHING },
		{ 1, 8, 0, WHY_WORLD },
		{ 2, 0, 0, WHY_NOTHING }, /* block */
		{ 3, 0, 0, WHY_WORLD },	  /* console: port 0, control, port 1 */
		{ 3, 1, 0, WHY_NOTHING },
		{ 3, 2, 0, WHY_WORLD },
		{ 3, 3, 0, WHY_NOTHING },
		{ 3, 4, 0, WHY_WORLD },
		{ 3, 5, 0, WHY_NOTHING },
		{ 4, 0, 0, WHY_NOTHING },      /* entropy */
		{ 5, 0, 1 << 1, WHY_NOTHING }, /* balloon */
		{ 5, 2, 1 << 1, WHY_WORLD },
		{ 5, 2, 1 << 3, WHY_NOTHING }, /* without statistics this is free_page_vq */
		{ 7, 0, 0, WHY_WORLD },	       /* rpmsg */
		{ 7, 1, 0, WHY_NOTHING },
		{ 8, 0, 0, WHY_NOTHING }, /* SCSI: control, events, requests */
		{ 8, 1, 0, WHY_WORLD },
		{ 8, 2, 0, WHY_NOTHING },
		{ 9, 0, 0, WHY_NOTHING },  /* 9P */
		{ 16, 0, 0, WHY_NOTHING }, /* GPU */
		{ 18, 0, 0, WHY_WORLD },   /* input */
		{ 18, 1, 0, WHY_NOTHING },
		{ 19, 0, 0, WHY_WORLD }, /* socket */
		{ 19, 1, 0, WHY_NOTHING },
		{ 19, 2, 0, WHY_WORLD },
		{ 23, 0, 0, WHY_NOTHING }, /* IOMMU */
		{ 23, 1, 0, WHY_WORLD },
		{ 25, 0, 0, WHY_NOTHING }, /* sound */
		{ 25, 1, 0, WHY_WORLD },
		{ 25, 2, 0, WHY_STREAM },
		{ 25, 3, 0, WHY_STREAM },
		{ 26, 1, 0, WHY_NOTHING }, /* file system */
		{ 26, 1, 1 << 0, WHY_WORLD },
		{ 32, 1, 0, WHY_WORLD }, /* SCMI */
		{ 41, 1, 0, WHY_WORLD }, /* GPIO */
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(queues) / sizeof(*queues); i++)
		for (int event = -1; event <= 1; event++) {
			struct queue q = queue(VT_LAYOUT_SPLIT, queues[i].type, queues[i].index);
			struct vt_ring r = split(7, 7, 9, 8 + event);
			bool waits = queues[i].why != WHY_NOTHING;
			struct stall s;

			q.features = queues[i].features;
			r.last_index = 8;
			/* A name that misleads. */
			snprintf(q.name, sizeof(q.name), waits ? "requests" : "input-event-rx");
			s = judge(q, r, NULL);
			assert_int_equal(stall_waits_for_world(&q, &r), waits);
			assert_int_equal(s.verdict == STALL_WAITING, waits);
			assert_int_equal(s.verdict > STALL_WAITING, !waits);
			if (waits)
				assert_int_equal(s.why, queues[i].why);
		}
}

/* Linux fills the event queues of sound cards and IOMMUs without a kick_prepare. */
static void event_queues_without_a_kick(void **unused)
{
	static const unsigned int types[] = { 23, 25 };

	(void)unused;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct queue q = queue(VT_LAYOUT_SPLIT, types[i], 1);
		struct vt_ring r = split(0, 0, 8, 0);

		r.num_added = 8;
		is(judge(q, r, NULL), STALL_WAITING, WHY_WORLD, 8, 0, 8);
		/* The requests of the same device are kicked. */
		q.index = 0;
		is(judge(q, r, NULL), STALL_NO_DOORBELL, WHY_NO_KICK, 8, 0, 8);
	}
}

/* What was seen of doorbells: -1 nothing is known, 0 none came, 1 one came. */
static void doorbells_that_were_seen(void **unused)
{
	struct queue q = requests(VT_LAYOUT_SPLIT);
	static const struct {
		int since_add, since_due;
		enum stall_verdict due, due_always, no_notify, behind;
		enum stall_why why_due;
	} cases[] = {
		{ -1, -1, STALL_NOT_USED, STALL_NOT_USED, STALL_NOT_USED, STALL_NO_DOORBELL,
		  WHY_DUE },
		{ 0, 0, STALL_NO_DOORBELL, STALL_NO_DOORBELL, STALL_NO_DOORBELL, STALL_NO_DOORBELL,
		  WHY_NOT_RUNG },
		{ 1, 1, STALL_NOT_USED, STALL_NOT_USED, STALL_NOT_USED, STALL_NOT_USED, WHY_DUE },
		/* It was due before: none was wanted for the buffer that was added since. */
		{ 0, -1, STALL_NOT_USED, STALL_NO_DOORBELL, STALL_NO_DOORBELL, STALL_NO_DOORBELL,
		  WHY_DUE },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct stall_facts facts = stall_facts_unknown;
		struct vt_ring r = split(7, 7, 9, 7);
		struct stall s;

		facts.rung_since_add = cases[i].since_add;
		facts.rung_since_due = cases[i].since_due;
		stall_judge(&q, &r, NULL, &facts, &s);
		assert_int_equal(s.verdict, cases[i].due);
		assert_int_equal(s.why, cases[i].why_due);
		assert_true(s.due);
		/* All were looked at: whether there was a doorbell does not matter. */
		r.split.avail_event = 9;
		stall_judge(&q, &r, NULL, &facts, &s);
		is(s, STALL_HELD, WHY_TAKEN, 2, 0, 0);
		assert_false(s.due);
		r.split.avail_event = 6;
		stall_judge(&q, &r, NULL, &facts, &s);
		is(s, cases[i].behind, WHY_AVAIL_EVENT, 2, 0, 0);
		r.state &= ~VT_RING_EVENT_IDX;
		stall_judge(&q, &r, NULL, &facts, &s);
		assert_int_equal(s.verdict, cases[i].due_always);
		assert_false(s.due);
		r.split.used_flags = 1;
		stall_judge(&q, &r, NULL, &facts, &s);
		is(s, cases[i].no_notify, WHY_NO_NOTIFY, 2, 0, 0);
	}
}

static void receive_queues(void **unused)
{
	struct queue q = queue(VT_LAYOUT_SPLIT, 1, 0);
	struct vt_ring r = split(7, 9, 15, 9);
	struct stall_facts facts = stall_facts_unknown;
	struct stall s;

	(void)unused;
	/* Used buffers that nobody told the driver of are a contradiction. */
	is(judge(q, r, NULL), STALL_NOT_FETCHED, WHY_INTERRUPT_DUE, 8, 2, 6);
	/* It was told: an interface that is down does not care. */
	r.state |= VT_RING_TRIGGERED;
	is(judge(q, r, NULL), STALL_WAITING, WHY_INTERFACE_UNKNOWN, 8, 2, 6);
	facts.interface_up = 0;
	stall_judge(&q, &r, NULL, &facts, &s);
	is(s, STALL_WAITING, WHY_INTERFACE_DOWN, 8, 2, 6);
	facts.interface_up = 1;
	stall_judge(&q, &r, NULL, &facts, &s);
	assert_int_equal(s.verdict, STALL_NOT_FETCHED);
	r.shadow = 1;
	is(judge(q, r, NULL), STALL_NOT_FETCHED, WHY_DISABLED, 8, 2, 6);
	facts.interface_up = 0;
	stall_judge(&q, &r, NULL, &facts, &s);
	assert_int_equal(s.verdict, STALL_WAITING);
	/* Buffers without a kick_prepare are one, too. */
	r = split(7, 7, 15, 7);
	r.num_added = 8;
	is(judge(q, r, NULL), STALL_NO_DOORBELL, WHY_NO_KICK, 8, 0, 8);
}

static void late_and_polled(void **unused)
{
	struct queue q = queue(VT_LAYOUT_SPLIT, 1, 1);
	struct vt_ring r = split(7, 9, 9, 9);

	(void)unused;
	r.num_free = 200;
	/* A driver that wants to hear of it fetches it. */
	is(judge(q, r, NULL), STALL_NOT_FETCHED, WHY_INTERRUPT_DUE, 2, 2, 0);
	r.shadow = 1;
	is(judge(q, r, NULL), STALL_WAITING, WHY_LATE, 2, 2, 0);
	/* What the device has not used is its business all the same. */
	r.next_avail = 10;
	is(judge(q, r, NULL), STALL_NOT_USED, WHY_DUE, 3, 2, 1);
	/* Without room the driver has stopped, and waits. */
	r.next_avail = 9;
	r.num_free = 18;
	is(judge(q, r, NULL), STALL_NOT_FETCHED, WHY_DISABLED, 2, 2, 0);
	q = queue(VT_LAYOUT_SPLIT, 7, 1);
	is(judge(q, r, NULL), STALL_WAITING, WHY_LATE, 2, 2, 0);
	r.num_free = 0;
	is(judge(q, r, NULL), STALL_NOT_FETCHED, WHY_DISABLED, 2, 2, 0);
	r.num_free = 18;
	r.shadow = 0;

	q = requests(VT_LAYOUT_SPLIT);
	r.state &= ~VT_RING_CALLBACK;
	is(judge(q, r, NULL), STALL_WAITING, WHY_POLLED, 2, 2, 0);
	r.next_avail = 10;
	is(judge(q, r, NULL), STALL_NOT_USED, WHY_DUE, 3, 2, 1);
}

static void broken(void **unused)
{
	struct queue q = requests(VT_LAYOUT_SPLIT), input = queue(VT_LAYOUT_SPLIT, 1, 0);
	struct vt_ring r = split(7, 7, 8, 7), idle = split(7, 7, 7, 7);
	struct stall_facts facts = { 0x4f, -1, -1, -1 };
	struct stall s;

	(void)unused;
	stall_judge(&q, &r, NULL, &facts, &s);
	is(s, STALL_BROKEN, WHY_NEEDS_RESET, 1, 0, 1);
	stall_judge(&input, &r, NULL, &facts, &s);
	is(s, STALL_BROKEN, WHY_NEEDS_RESET, 1, 0, 1);
	stall_judge(&q, &idle, NULL, &facts, &s);
	assert_int_equal(s.verdict, STALL_IDLE);
	facts.status = 0x8f;
	stall_judge(&q, &r, NULL, &facts, &s);
	is(s, STALL_BROKEN, WHY_FAILED, 1, 0, 1);
	/* Bus mastering is off; the driver took DRIVER_OK away itself; nobody is there. */
	facts.status = 0x0b;
	stall_judge(&q, &r, NULL, &facts, &s);
	is(s, STALL_DEVICE_OFF, WHY_NO_DRIVER_OK, 1, 0, 1);
	assert_int_equal(s.status, 0x0b);
	facts.status = 0;
	stall_judge(&q, &r, NULL, &facts, &s);
	is(s, STALL_DEVICE_OFF, WHY_NO_DRIVER_OK, 1, 0, 1);
	facts.status = 0xff;
	stall_judge(&q, &r, NULL, &facts, &s);
	is(s, STALL_DEVICE_OFF, WHY_NO_ANSWER, 1, 0, 1);
	stall_judge(&q, &idle, NULL, &facts, &s);
	assert_int_equal(s.verdict, STALL_IDLE);
	facts.status = 0x0f;
	stall_judge(&q, &r, NULL, &facts, &s);
	is(s, STALL_NOT_USED, WHY_DUE, 1, 0, 1);
	idle.state |= VT_RING_BROKEN;
	is(judge(q, idle, NULL), STALL_BROKEN, WHY_GIVEN_UP, 0, 0, 0);
	idle.state |= VT_RING_RESET;
	is(judge(q, idle, NULL), STALL_BROKEN, WHY_RESET, 0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_doorbells),
		cmocka_unit_test(split_flags),
		cmocka_unit_test(split_interrupts),
		cmocka_unit_test(packed_doorbells),
		cmocka_unit_test(packed_buffers),
		cmocka_unit_test(packed_in_order),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(queues_that_wait),
		cmocka_unit_test(event_queues_without_a_kick),
		cmocka_unit_test(doorbells_that_were_seen),
		cmocka_unit_test(receive_queues),
		cmocka_unit_test(late_and_polled),
		cmocka_unit_test(broken),
	};

	return cmocka_run_group_tests_name("stall", tests, NULL, NULL);
}
