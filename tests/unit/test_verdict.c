// SPDX-License-Identifier: GPL-2.0
/*
 * Verdicts of rings that stand still: rings made of plain counts, which never wrap, are held
 * against what is found in the indices, offsets and wrap counters that the counts give.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ring.h"
#include "verdict.h"

/* Buffers of one descriptor each, counted from the start of the ring on. */
struct model {
	enum vt_layout layout;
	unsigned int num;
	uint64_t added, used, fetched;
	uint64_t device_event; /* the device wants a doorbell for this one */
	uint64_t driver_event; /* the driver wants an interrupt for this one */
};

static uint16_t position(const struct model *m, uint64_t count)
{
	return count % m->num | (count / m->num % 2 ? 0 : 1 << 15);
}

static struct ring_facts facts_of(const struct model *m)
{
	struct ring_facts f = { .still = 1500000000, .from_start = true };
	struct vt_ring_state *r = &f.ring;

	r->layout = m->layout;
	r->num = m->num;
	r->num_free = m->num - (m->added - m->fetched);
	r->batch_last = VT_NO_BATCH;
	r->event = 1;
	r->callback = 1;
	r->buffers = m->added - m->fetched;
	r->unfetched = m->used - m->fetched;
	if (m->layout == VT_LAYOUT_SPLIT) {
		r->avail_idx = r->avail_idx_shadow = m->added;
		r->used_idx = m->used;
		r->last_used_idx = m->fetched;
		r->avail_event = m->device_event;
		r->used_event = m->driver_event;
		return f;
	}
	r->unfetched_descs = r->unfetched;
	r->next_avail_idx = position(m, m->added) & 0x7fff;
	r->avail_wrap_counter = position(m, m->added) >> 15;
	r->last_used_idx = position(m, m->fetched);
	r->device_flags = r->driver_flags = r->event_flags_shadow = 2;
	r->device_off_wrap = position(m, m->device_event);
	r->driver_off_wrap = position(m, m->driver_event);
	return f;
}

static struct stall_verdict verdict_of(const struct ring_facts *f)
{
	struct stall_verdict v;

	stall_find(f, &v);
	for (int i = 0; i < v.nr_evidence; i++)
		assert_in_range(strlen(v.evidence[i]), 1, STALL_WIDTH - 1); /* or it may be cut */
	return v;
}

/* Where the 16 bits, a packed ring's laps and its wrap counter come round. */
static const uint64_t starts[] = { 1024,  1027,	 1028,	32766, 32768,
				   65534, 65535, 65536, 65539, 131071 };

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void an_event_index_is_passed_or_not(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(starts); i++)
		for (uint64_t new = starts[i]; new < starts[i] + 9; new ++)
			for (uint64_t event = starts[i] - 9; event < starts[i] + 9; event++)
				assert_int_equal(ring_need_event(event, new, starts[i]),
						 event >= starts[i] && event < new);
	/* All of the ring at once, and an index far from it. */
	assert_true(ring_need_event(7, 7 + 32768, 7));
	assert_true(ring_need_event(7 + 32767, 7 + 32768, 7));
	assert_false(ring_need_event(7 + 40000, 7 + 32768, 7));
}

static void places_of_a_packed_ring_are_counted(void **unused)
{
	(void)unused;
	for (unsigned int num = 1; num < 40; num++)
		for (uint64_t from = 0; from < 4 * num; from++)
			for (uint64_t way = 0; way < 2 * num; way++) {
				struct model m = { .num = num };

				assert_int_equal(packed_distance(num, position(&m, from),
								 position(&m, from + way)),
						 way);
			}
	assert_int_equal(packed_distance(32768, 32767, 1 << 15), 1);
	/* What is no position of the ring is none to fall over. */
	assert_in_range(packed_distance(4, 0xffff, 0x7fff), 0, 7);
	assert_int_equal(packed_distance(0, 1, 2), 0);
}

static void the_device_s_event_index_tells(void **unused)
{
	static const unsigned int sizes[] = { 4, 5, 16 };

	(void)unused;
	for (int packed = 0; packed < 2; packed++)
		for (size_t n = 0; n < COUNT(sizes); n++)
			for (size_t i = 0; i < COUNT(starts); i++)
				for (unsigned int waiting = 1; waiting <= sizes[n]; waiting++) {
					struct model m = {
						.layout = packed,
						.num = sizes[n],
						.used = starts[i],
						.fetched = starts[i],
						.added = starts[i] + waiting,
					};

					/* Further behind, a packed position is one ahead. */
					m.device_event = m.added - (2 * m.num - 1);
					for (; m.device_event <= m.added + 2; m.device_event++) {
						struct ring_facts f = facts_of(&m);
						struct stall_verdict v = verdict_of(&f);
						enum stall_kind right =
							m.device_event == m.added ? STALL_SLOW
							: m.device_event < m.used ||
									m.device_event > m.added
								? STALL_NOT_RUNG
								: STALL_NOT_LOOKED;

						assert_int_equal(v.kind, right);
						assert_int_equal(v.waiting, waiting);
						assert_int_equal(v.unannounced,
								 right == STALL_NOT_RUNG ? waiting
											 : 0);
					}
				}
}

static void the_driver_s_event_index_tells(void **unused)
{
	(void)unused;
	for (int packed = 0; packed < 2; packed++)
		for (size_t i = 0; i < COUNT(starts); i++)
			for (unsigned int unfetched = 1; unfetched <= 5; unfetched++)
				for (int ahead = -3; ahead < 8; ahead++) {
					struct model m = {
						.layout = packed,
						.num = 8,
						.fetched = starts[i],
						.used = starts[i] + unfetched,
						.added = starts[i] + unfetched,
						.device_event = starts[i] + unfetched,
						.driver_event = starts[i] + ahead,
					};
					bool due = ahead >= 0 && ahead < (int)unfetched;
					struct ring_facts f = facts_of(&m);
					struct stall_verdict v = verdict_of(&f);

					assert_int_equal(v.kind, STALL_NOT_HEARD);
					assert_int_equal(v.unfetched, unfetched);
					assert_int_equal(v.waiting, 0);
					f.has_interrupts = true;
					assert_int_equal(verdict_of(&f).kind, STALL_NOT_HEARD);
					f.interrupts = 1;
					assert_int_equal(verdict_of(&f).kind,
							 due ? STALL_NOT_FETCHED : STALL_NOT_HEARD);
					/* It waits for one that the device still has. */
					m.added += 3;
					m.device_event = m.added;
					f = facts_of(&m);
					assert_int_equal(verdict_of(&f).kind,
							 due ? STALL_NOT_HEARD : STALL_SLOW);
				}
}

static struct model waiting_model(int packed)
{
	return (struct model){ .layout = packed,
			       .num = 4,
			       .added = 14,
			       .used = 13,
			       .fetched = 13,
			       .device_event = 13 };
}

static bool says(const struct stall_verdict *v, const char *what)
{
	for (int i = 0; i < v->nr_evidence; i++)
		if (strstr(v->evidence[i], what))
			return true;
	return false;
}

static void without_event_index_flags_tell(void **unused)
{
	(void)unused;
	for (int packed = 0; packed < 2; packed++) {
		struct model m = waiting_model(packed);
		struct ring_facts f = facts_of(&m);
		struct stall_verdict v;

		f.ring.event = 0;
		f.ring.device_flags = f.ring.driver_flags = f.ring.event_flags_shadow = 0;
		assert_int_equal(verdict_of(&f).kind, STALL_SILENT);
		f.ring.device_flags = f.ring.used_flags = 1;
		v = verdict_of(&f);
		assert_int_equal(v.kind, STALL_NOT_RUNG);
		assert_true(says(&v, packed ? "DISABLE" : "VIRTQ_USED_F_NO_NOTIFY"));

		m.used++;
		f = facts_of(&m);
		f.ring.event = 0;
		f.ring.device_flags = f.ring.driver_flags = f.ring.event_flags_shadow = 0;
		v = verdict_of(&f);
		assert_int_equal(v.kind, STALL_NOT_HEARD);
		assert_true(says(&v, "interrupts are on"));
		f.ring.avail_flags = f.ring.avail_flags_shadow = 1;
		f.ring.driver_flags = f.ring.event_flags_shadow = 1;
		v = verdict_of(&f);
		assert_int_equal(v.kind, STALL_NOT_HEARD);
		assert_true(says(&v, "interrupts are off"));
		/* Off, so that it does not matter that others are still with the device. */
		f.ring.buffers++;
		assert_int_equal(verdict_of(&f).kind, STALL_NOT_HEARD);
	}
}

/* Doorbells that were seen go before what the ring lets one think. */
static void doorbells_that_were_seen_count(void **unused)
{
	(void)unused;
	for (int packed = 0; packed < 2; packed++) {
		struct model m = waiting_model(packed);
		struct ring_facts f = facts_of(&m);

		f.watched = f.refused = true;
		assert_int_equal(verdict_of(&f).kind, STALL_NOT_RUNG);
		f.rung = true;
		assert_int_equal(verdict_of(&f).kind, STALL_NOT_LOOKED);
		f.refused = false;
		assert_int_equal(verdict_of(&f).kind, STALL_NOT_LOOKED);
		/* Told not to ring, and yet it did. */
		f.ring.event = 0;
		f.ring.used_flags = f.ring.device_flags = 1;
		assert_int_equal(verdict_of(&f).kind, STALL_SILENT);
		f.watched = false;
		assert_int_equal(verdict_of(&f).kind, STALL_NOT_RUNG);
		/* The device has seen it: how it came to know is all the same. */
		m.device_event = m.added;
		f = facts_of(&m);
		f.watched = f.refused = true;
		assert_int_equal(verdict_of(&f).kind, STALL_SLOW);
	}
}

static void a_missing_kick_prepare_tells(void **unused)
{
	struct model m = { .num = 16, .added = 30, .used = 20, .fetched = 20, .device_event = 30 };
	struct ring_facts f;
	struct stall_verdict v;

	(void)unused;
	f = facts_of(&m);
	f.ring.num_added = 3;
	v = verdict_of(&f);
	assert_int_equal(v.kind, STALL_NOT_RUNG);
	assert_int_equal(v.waiting, 10);
	assert_int_equal(v.unannounced, 3);
	/* The device may have taken them all the same, and cannot be called slow for it. */
	f.world = true;
	assert_int_equal(verdict_of(&f).kind, STALL_NOT_RUNG);
}

static void the_world_takes_its_time(void **unused)
{
	(void)unused;
	for (int packed = 0; packed < 2; packed++)
		for (uint64_t event = 8; event <= 14; event++) {
			struct model m = waiting_model(packed);
			struct ring_facts f;

			m.device_event = event;
			f = facts_of(&m);
			f.world = true;
			assert_int_equal(verdict_of(&f).kind, STALL_WAITING);
			/* But what it sent must be heard of. */
			m.used++;
			m.driver_event = m.fetched;
			f = facts_of(&m);
			f.world = true;
			assert_int_equal(verdict_of(&f).kind, STALL_NOT_HEARD);
			f.down = true;
			assert_int_equal(verdict_of(&f).kind, STALL_WAITING);
		}
}

static void a_lazy_driver_may_leave_buffers(void **unused)
{
	struct model m = { .num = 4, .added = 9, .used = 9, .fetched = 6, .driver_event = 6 };
	struct ring_facts f;

	(void)unused;
	f = facts_of(&m);
	f.lazy = true;
	assert_int_equal(verdict_of(&f).kind, STALL_WAITING);
	/* Not if it has no room left. */
	m.fetched--;
	f = facts_of(&m);
	f.lazy = true;
	assert_int_equal(f.ring.num_free, 0);
	assert_int_equal(verdict_of(&f).kind, STALL_NOT_HEARD);
}

static void a_broken_queue_is_broken(void **unused)
{
	struct model m = waiting_model(0);
	struct ring_facts f = facts_of(&m);

	(void)unused;
	f.has_status = true;
	f.status = 0x0f;
	assert_int_equal(verdict_of(&f).kind, STALL_NOT_LOOKED);
	f.status = 0x4f;
	assert_int_equal(verdict_of(&f).kind, STALL_BROKEN);
	f.has_status = false;
	assert_int_equal(verdict_of(&f).kind, STALL_NOT_LOOKED);
	f.ring.reset = 1;
	assert_int_equal(verdict_of(&f).kind, STALL_BROKEN);
	f.ring.reset = 0;
	f.ring.broken = 1;
	assert_int_equal(verdict_of(&f).kind, STALL_BROKEN);
	f.world = true;
	assert_int_equal(verdict_of(&f).kind, STALL_BROKEN);
}

static void an_empty_ring_is_fine(void **unused)
{
	(void)unused;
	for (int packed = 0; packed < 2; packed++)
		for (uint64_t event = 8; event < 15; event++) {
			struct model m = { .layout = packed,
					   .num = 4,
					   .added = 13,
					   .used = 13,
					   .fetched = 13,
					   .device_event = event,
					   .driver_event = event };
			struct ring_facts f = facts_of(&m);

			assert_int_equal(verdict_of(&f).kind, STALL_WAITING);
		}
}

/* Nothing that a device can write into its memory makes a line too long, or the numbers wild. */
static void whatever_lies_in_the_ring(void **unused)
{
	(void)unused;
	srand(7);
	for (int round = 0; round < 200000; round++) {
		struct ring_facts f;
		struct stall_verdict v;

		for (size_t i = 0; i < sizeof(f); i++)
			((unsigned char *)&f)[i] = rand() % 4 ? rand() : rand() % 2 * 255;
		f.ring.layout %= VT_NR_LAYOUTS;
		/* The driver's own, and what the program counts. */
		f.ring.num = rand() % 32768 + 1;
		f.ring.buffers %= 65536;
		f.ring.unfetched %= 65536;
		f.from_start = f.world = f.lazy = f.down = f.irq_shared = false;
		f.watched = rand() % 2;
		f.rung = rand() % 2;
		f.refused = rand() % 2;
		f.has_data = rand() % 2;
		f.has_interrupts = rand() % 2;
		f.has_vector = rand() % 2;
		f.has_status = rand() % 2;
		v = verdict_of(&f);
		assert_in_range(v.kind, STALL_WAITING, STALL_BROKEN);
		assert_true(v.unannounced <= v.waiting);
		assert_in_range(v.nr_evidence, 0, STALL_LINES);
	}
}

static void queues_that_wait(void **unused)
{
	static const struct {
		unsigned int type, index;
		const char *name;
		bool world, lazy;
	} queues[] = {
		{ 1, 0, "input.0", true, false },  { 1, 1, "output.0", false, false },
		{ 1, 6, "input.3", true, false },  { 1, 2, "control", false, false },
		{ 2, 0, "req.0", false, false },   { 3, 0, "input", true, false },
		{ 3, 1, "output", false, true },   { 3, 3, "control-o", false, true },
		{ 4, 0, "input", false, false },   { 5, 0, "inflate", false, false },
		{ 5, 2, "stats", true, false },	   { 5, 2, "free_page_vq", false, false },
		{ 8, 0, "control", false, false }, { 8, 1, "event", true, false },
		{ 8, 2, "request", false, false }, { 9, 0, "requests", false, false },
		{ 18, 0, "events", true, false },  { 18, 1, "status", false, false },
		{ 19, 0, "rx", true, false },	   { 19, 1, "tx", false, false },
		{ 19, 2, "event", true, false },   { 26, 1, "requests.0", false, false },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(queues); i++) {
		struct queue q = { .device_type = queues[i].type, .index = queues[i].index };

		snprintf(q.name, sizeof(q.name), "%s", queues[i].name);
		assert_int_equal(queue_waits_for_world(&q), queues[i].world);
		assert_int_equal(queue_is_lazy(&q), queues[i].lazy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_index_is_passed_or_not),
		cmocka_unit_test(places_of_a_packed_ring_are_counted),
		cmocka_unit_test(the_device_s_event_index_tells),
		cmocka_unit_test(the_driver_s_event_index_tells),
		cmocka_unit_test(without_event_index_flags_tell),
		cmocka_unit_test(doorbells_that_were_seen_count),
		cmocka_unit_test(a_missing_kick_prepare_tells),
		cmocka_unit_test(the_world_takes_its_time),
		cmocka_unit_test(a_lazy_driver_may_leave_buffers),
		cmocka_unit_test(a_broken_queue_is_broken),
		cmocka_unit_test(an_empty_ring_is_fine),
		cmocka_unit_test(whatever_lies_in_the_ring),
		cmocka_unit_test(queues_that_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
