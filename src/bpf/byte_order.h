/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The byte order of the memory that a driver shares with a device: little endian, or, without
 * VIRTIO_F_VERSION_1, that of the guest (virtio 1.3, section 7.1.2). So only a big-endian guest has
 * to swap bytes. Included by the programs and by a unit test.
 */
#ifndef BYTE_ORDER_H
#define BYTE_ORDER_H

#include "vringtop.h"

#define VT_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
#define VT_VERSION_1  (1ull << 32) /* VIRTIO_F_VERSION_1 */

#define VT_INLINE     static inline __attribute__((always_inline))

/* Returns true if the bytes of a ring must be swapped. @features: the negotiated ones */
VT_INLINE int ring_is_swapped(int big_endian, unsigned long long features)
{
	return big_endian && features & VT_VERSION_1;
}

/* Swaps the bytes of what @e has from the descriptor at its index. */
VT_INLINE void desc_swap(struct vt_ring_entry *e)
{
	e->desc.addr = __builtin_bswap64(e->desc.addr);
	e->desc.len = __builtin_bswap32(e->desc.len);
	e->desc.flags_or_id = __builtin_bswap16(e->desc.flags_or_id);
	e->desc.next_or_flags = __builtin_bswap16(e->desc.next_or_flags);
}

/* Swaps the bytes of what @e has from the used ring. */
VT_INLINE void used_swap(struct vt_ring_entry *e)
{
	e->used.id = __builtin_bswap32(e->used.id);
	e->used.len = __builtin_bswap32(e->used.len);
}

#endif
