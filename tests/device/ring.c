// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <inttypes.h>
#include <string.h>
#include "report.h"
#include "ring.h"

/* Rings are little-endian. The machines for this program are little-endian, too. */
_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "byte swaps are missing");

#define load(from)	 __atomic_load_n(from, __ATOMIC_ACQUIRE)
#define store(to, value) __atomic_store_n(to, value, __ATOMIC_RELEASE)

/* Makes all writes before the barrier visible before any read after it. */
static void full_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static int broken(struct ring *ring)
{
	ring->broken = true;
	return -1;
}

/* In a split ring, the event index of each side stands after the ring of this side. */
static uint16_t *used_event(const struct ring *ring)
{
	return &ring->split.avail->ring[ring->size];
}

static uint16_t *avail_event(const struct ring *ring)
{
	return (void *)&ring->split.used->ring[ring->size];
}

/* --- Where it is --- */

static void *part(const struct memory *memory, uint64_t user, uint64_t size, uint64_t align,
		  const char *name)
{
	void *here = memory_of_user(memory, user, size);

	if (here && user % align == 0 && (uintptr_t)here % align == 0)
		return here;
	complain("the %s at 0x%" PRIx64 " of the front-end %s", name, user,
		 here ? "is not aligned" : "is not in the shared memory");
	return NULL;
}

static bool place_split(struct ring *ring, const struct memory *memory, uint64_t desc,
			uint64_t driver, uint64_t device)
{
	uint64_t event = ring->event_idx ? sizeof(uint16_t) : 0;

	ring->split.desc =
		part(memory, desc, ring->size * sizeof(struct vring_desc), 16, "descriptor table");
	ring->split.avail = part(memory, driver,
				 sizeof(struct vring_avail) + ring->size * sizeof(uint16_t) + event,
				 2, "available ring");
	ring->split.used = part(memory, device,
				sizeof(struct vring_used) +
					ring->size * sizeof(struct vring_used_elem) + event,
				4, "used ring");
	return ring->split.desc && ring->split.avail && ring->split.used;
}

static bool place_packed(struct ring *ring, const struct memory *memory, uint64_t desc,
			 uint64_t driver, uint64_t device)
{
	uint64_t event = sizeof(struct vring_packed_desc_event);

	ring->packed_ring.desc = part(memory, desc, ring->size * sizeof(struct vring_packed_desc),
				      16, "descriptor ring");
	ring->packed_ring.driver = part(memory, driver, event, 4, "driver event suppression");
	ring->packed_ring.device = part(memory, device, event, 4, "device event suppression");
	return ring->packed_ring.desc && ring->packed_ring.driver && ring->packed_ring.device;
}

int ring_start(struct ring *ring, const struct memory *memory, uint64_t desc, uint64_t driver,
	       uint64_t device)
{
	ring->running = false;
	if (!ring->size || ring->size > RING_MAX_SIZE ||
	    (!ring->packed && ring->size & (ring->size - 1)))
		return complain("a %s ring of %u descriptors", ring->packed ? "packed" : "split",
				ring->size);
	if (!(ring->packed ? place_packed : place_split)(ring, memory, desc, driver, device))
		return -1;
	if (ring->packed && (ring->next_avail >= ring->size || ring->next_used >= ring->size))
		return complain("a packed ring of %u descriptors that starts at %u", ring->size,
				ring->next_avail);
	if (!ring->packed)
		ring->next_used = load(&ring->split.used->idx);
	ring->broken = false;
	ring->taken = 0;
	ring->last = 1;
	ring->starts++;
	ring->running = true;
	return 0;
}

void ring_set_base(struct ring *ring, uint32_t base)
{
	ring->next_avail = ring->packed ? base & 0x7fff : base;
	ring->avail_wrap = base >> 15 & 1;
	ring->next_used = base >> 16 & 0x7fff; /* split: read from the ring at its start */
	ring->used_wrap = base >> 31 & 1;
}

uint32_t ring_base(const struct ring *ring)
{
	uint32_t position = ring->next_used;

	if (!ring->packed)
		return position;
	position |= (uint32_t)ring->used_wrap << 15;
	return position << 16 | position;
}

static void advance(const struct ring *ring, uint16_t *position, bool *wrap, uint16_t slots)
{
	*position += slots;
	if (*position >= ring->size) {
		*position -= ring->size;
		*wrap = !*wrap;
	}
}

/* --- What a buffer consists of --- */

static int add_element(struct ring *ring, const struct memory *memory, struct ring_buffer *buffer,
		       uint64_t guest, uint32_t size, bool writable)
{
	uint64_t left = size, length;
	void *here;

	if (!writable) {
		if (buffer->segments) {
			complain("a buffer with a readable element after a writable one");
			return broken(ring);
		}
		buffer->readable = true;
		return 0;
	}
	while (left) {
		length = left;
		here = memory_of_guest(memory, guest, &length);
		if (!here) {
			complain("a buffer at guest address 0x%" PRIx64
				 ", which is not in the guest's memory",
				 guest);
			return broken(ring);
		}
		if (buffer->segments == RING_MAX_SEGMENTS) {
			complain("a buffer of more than %d elements", RING_MAX_SEGMENTS);
			return broken(ring);
		}
		buffer->segment[buffer->segments++] =
			(struct iovec){ .iov_base = here, .iov_len = length };
		guest += length;
		left -= length;
	}
	return 0;
}

/* Returns the table of an indirect descriptor; NULL after it has printed an error. */
static const void *indirect_table(struct ring *ring, const struct memory *memory, uint64_t guest,
				  uint32_t size, uint16_t flags)
{
	uint64_t length = size;
	const void *table;

	if (!ring->indirect)
		complain("an indirect descriptor, which was not negotiated");
	else if (flags & VRING_DESC_F_NEXT)
		complain("an indirect descriptor that is chained to a next one");
	else if (!size || size % sizeof(struct vring_desc) ||
		 size / sizeof(struct vring_desc) > RING_MAX_SEGMENTS)
		complain("an indirect table of %u bytes", size);
	else if (!(table = memory_of_guest(memory, guest, &length)) || length != size)
		complain("an indirect table at guest address 0x%" PRIx64
			 ", which is not in the guest's memory",
			 guest);
	else
		return table;
	broken(ring);
	return NULL;
}

/*
 * Copies each descriptor before it checks it, because the driver could change the descriptor in
 * between.
 */
static int walk_split(struct ring *ring, const struct memory *memory, struct ring_buffer *buffer,
		      uint16_t head)
{
	const struct vring_desc *table = ring->split.desc;
	uint32_t size = ring->size, index = head, steps = 0;
	struct vring_desc desc;

	for (;;) {
		if (index >= size || ++steps > size) {
			complain("the descriptor chain from %u %s", head,
				 index >= size ? "leaves its table" : "has a loop");
			return broken(ring);
		}
		memcpy(&desc, &table[index], sizeof(desc));
		if (desc.flags & VRING_DESC_F_INDIRECT) {
			if (table != ring->split.desc) {
				complain("an indirect descriptor in an indirect table");
				return broken(ring);
			}
			table = indirect_table(ring, memory, desc.addr, desc.len, desc.flags);
			if (!table)
				return -1;
			size = desc.len / sizeof(desc);
			index = 0;
			steps = 0;
			continue;
		}
		if (add_element(ring, memory, buffer, desc.addr, desc.len,
				desc.flags & VRING_DESC_F_WRITE))
			return -1;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return 0;
		index = desc.next;
	}
}

static int take_split(struct ring *ring, const struct memory *memory, struct ring_buffer *buffer)
{
	uint16_t avail = load(&ring->split.avail->idx);

	if (avail == ring->next_avail)
		return 0;
	if ((uint16_t)(avail - ring->next_used) > ring->size) {
		complain("the available index %u is more than the ring's size %u ahead of the "
			 "used index %u",
			 avail, ring->size, ring->next_used);
		return broken(ring);
	}
	buffer->id = ring->split.avail->ring[ring->next_avail % ring->size];
	buffer->slots = 1;
	if (walk_split(ring, memory, buffer, buffer->id))
		return -1;
	ring->next_avail++;
	if (ring->next_avail % ring->size == 0)
		++*ring->wraps;
	return 1;
}

static bool is_available(uint16_t flags, bool wrap)
{
	bool avail = flags >> VRING_PACKED_DESC_F_AVAIL & 1;
	bool used = flags >> VRING_PACKED_DESC_F_USED & 1;

	return avail == wrap && used != wrap;
}

static int walk_packed_table(struct ring *ring, const struct memory *memory,
			     struct ring_buffer *buffer, const struct vring_packed_desc *from)
{
	const struct vring_packed_desc *table;
	struct vring_packed_desc desc;
	uint32_t i;

	table = indirect_table(ring, memory, from->addr, from->len, from->flags);
	if (!table)
		return -1;
	for (i = 0; i < from->len / sizeof(desc); i++) {
		memcpy(&desc, &table[i], sizeof(desc));
		if (add_element(ring, memory, buffer, desc.addr, desc.len,
				desc.flags & VRING_DESC_F_WRITE))
			return -1;
	}
	return 0;
}

static int take_packed(struct ring *ring, const struct memory *memory, struct ring_buffer *buffer)
{
	struct vring_packed_desc desc;
	uint16_t position = ring->next_avail;
	bool wrap = ring->avail_wrap;

	/*
	 * The driver writes the flags of the first descriptor last, so they make all others valid.
	 */
	if (!is_available(load(&ring->packed_ring.desc[position].flags), wrap))
		return 0;
	buffer->slots = 0;
	do {
		if (ring->taken + buffer->slots == ring->size) {
			complain("the descriptor chain from %u does not end within the ring",
				 ring->next_avail);
			return broken(ring);
		}
		memcpy(&desc, &ring->packed_ring.desc[position], sizeof(desc));
		if (!is_available(desc.flags, wrap)) {
			complain("descriptor %u is not available, but the chain from %u goes there",
				 position, ring->next_avail);
			return broken(ring);
		}
		if (desc.flags & VRING_DESC_F_INDIRECT) {
			if (buffer->slots) {
				complain("an indirect descriptor in a chain");
				return broken(ring);
			}
			if (walk_packed_table(ring, memory, buffer, &desc))
				return -1;
		} else if (add_element(ring, memory, buffer, desc.addr, desc.len,
				       desc.flags & VRING_DESC_F_WRITE)) {
			return -1;
		}
		buffer->slots++;
		advance(ring, &position, &wrap, 1);
	} while (desc.flags & VRING_DESC_F_NEXT);

	buffer->id = desc.id;
	*ring->wraps += wrap != ring->avail_wrap;
	ring->next_avail = position;
	ring->avail_wrap = wrap;
	ring->taken += buffer->slots;
	return 1;
}

int ring_take(struct ring *ring, const struct memory *memory, struct ring_buffer *buffer)
{
	int result;

	buffer->segments = 0;
	buffer->readable = false;
	result = (ring->packed ? take_packed : take_split)(ring, memory, buffer);
	if (result > 0)
		ring->last = buffer->slots;
	return result;
}

/* --- Used buffers --- */

static bool return_split(struct ring *ring, uint16_t id, uint32_t written)
{
	struct vring_used_elem *used = &ring->split.used->ring[ring->next_used % ring->size];
	uint16_t before = ring->next_used;

	used->id = id;
	used->len = written;
	store(&ring->split.used->idx, ++ring->next_used);
	full_barrier();
	if (ring->event_idx)
		return vring_need_event(load(used_event(ring)), ring->next_used, before);
	return !(load(&ring->split.avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
}

static bool return_packed(struct ring *ring, uint16_t id, uint16_t slots, uint32_t written)
{
	struct vring_packed_desc *used = &ring->packed_ring.desc[ring->next_used];
	uint16_t flags = 0, at, event;

	if (ring->used_wrap)
		flags = 1 << VRING_PACKED_DESC_F_AVAIL | 1 << VRING_PACKED_DESC_F_USED;
	if (written)
		flags |= VRING_DESC_F_WRITE;
	used->id = id;
	used->len = written;
	store(&used->flags, flags);
	advance(ring, &ring->next_used, &ring->used_wrap, slots);
	ring->taken -= slots;

	full_barrier();
	flags = load(&ring->packed_ring.driver->flags) & 3;
	if (!ring->event_idx || flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	event = load(&ring->packed_ring.driver->off_wrap);
	at = event & 0x7fff;
	/* The position is in the lap before. */
	if ((event >> VRING_PACKED_EVENT_F_WRAP_CTR) != ring->used_wrap)
		at -= ring->size;
	return vring_need_event(at, ring->next_used, ring->next_used - slots);
}

bool ring_return(struct ring *ring, uint16_t id, uint16_t slots, uint32_t written)
{
	return ring->packed ? return_packed(ring, id, slots, written)
			    : return_split(ring, id, written);
}

/* --- Kicks --- */

static bool has_available(const struct ring *ring)
{
	if (ring->packed)
		return is_available(load(&ring->packed_ring.desc[ring->next_avail].flags),
				    ring->avail_wrap);
	return load(&ring->split.avail->idx) != ring->next_avail;
}

static void publish_packed(struct ring *ring, uint16_t position, bool wrap, uint16_t flags)
{
	ring->packed_ring.device->off_wrap = position | wrap << VRING_PACKED_EVENT_F_WRAP_CTR;
	store(&ring->packed_ring.device->flags, flags);
}

bool ring_want_kick(struct ring *ring)
{
	if (ring->packed) {
		publish_packed(ring, ring->next_avail, ring->avail_wrap,
			       ring->event_idx ? VRING_PACKED_EVENT_FLAG_DESC
					       : VRING_PACKED_EVENT_FLAG_ENABLE);
	} else {
		store(&ring->split.used->flags, 0);
		if (ring->event_idx)
			store(avail_event(ring), ring->next_avail);
	}
	full_barrier();
	return has_available(ring);
}

void ring_leave_stale_event(struct ring *ring)
{
	uint16_t position = ring->next_avail;
	bool wrap = ring->avail_wrap;

	if (!ring->packed) {
		store(avail_event(ring), position - ring->last);
		return;
	}
	if (position < ring->last) {
		position += ring->size;
		wrap = !wrap;
	}
	publish_packed(ring, position - ring->last, wrap, VRING_PACKED_EVENT_FLAG_DESC);
}

void ring_refuse_kicks(struct ring *ring)
{
	if (ring->packed)
		publish_packed(ring, 0, false, VRING_PACKED_EVENT_FLAG_DISABLE);
	else
		store(&ring->split.used->flags, VRING_USED_F_NO_NOTIFY);
}
