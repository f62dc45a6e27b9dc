// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that do nothing, where vringtop has its own: what any program costs there.
 * With FUNCTIONS=1 for kernels without the events. With LOOK_UP=1 they find the place
 * where vringtop counts, by the same way, and do nothing with it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define ROWS  512
#define SLOTS 2048

const volatile __u32 nr_cpus = 1;
struct {
	__u32 slot[32];
} rows[ROWS];
struct {
	char bytes[2048];
} slots[SLOTS];

/* What the events point to (include/linux/virtio_ring.h of the series), as far as it is needed. */
struct vring_op {
	__u32 id;
} __attribute__((preserve_access_index));

static __always_inline __attribute__((unused)) void look_up(const __u64 *event)
{
	register const struct vring_op *kept asm("r1") = (const void *)event[1];
	register __u64 cpu asm("r0");
	__u64 saved, key, at;
	void *slot;

	/* events.bpf.h says why */
	asm volatile("*(u64 *)%[saved] = %[kept]; call %[helper]; %[kept] = *(u64 *)%[saved]"
		     : "=r"(cpu), [kept] "+r"(kept), [saved] "=m"(saved)
		     : [helper] "i"(bpf_get_smp_processor_id)
		     : "r2", "r3", "r4", "r5");
	key = (__u32)(kept->id * nr_cpus + cpu);
	barrier_var(key);
	if (key >= ROWS)
		return;
	at = rows[key].slot[3];
	barrier_var(at);
	if (at > (SLOTS - 1) * sizeof(*slots))
		return;
	slot = (void *)slots + at;
	barrier_var(slot);
}

#define EMPTY(where, name)                                                                         \
	SEC(where #name)                                                                           \
	int name(__u64 *event)                                                                     \
	{                                                                                          \
		if (LOOK_UP)                                                                       \
			look_up(event);                                                            \
		return 0;                                                                          \
	}

#define EMPTY_PAIR(function)                                                                       \
	SEC("fentry/" #function)                                                                   \
	int enter_##function(void *ctx)                                                            \
	{                                                                                          \
		return 0;                                                                          \
	}                                                                                          \
	SEC("fexit/" #function)                                                                    \
	int exit_##function(void *ctx)                                                             \
	{                                                                                          \
		return 0;                                                                          \
	}

#if FUNCTIONS
EMPTY_PAIR(virtqueue_add_outbuf)
EMPTY_PAIR(virtqueue_kick_prepare)
EMPTY_PAIR(virtqueue_get_buf)
#else
EMPTY("tp_btf/", virtqueue_add)
EMPTY("tp_btf/", virtqueue_kick_prepare)
EMPTY("tp_btf/", virtqueue_get)
EMPTY("tp_btf/", virtqueue_notify)
#endif
