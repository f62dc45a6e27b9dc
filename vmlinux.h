/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's types as far as the programs read them; made by `make btf`.
 * Every field is found in the running kernel's BTF when the programs are loaded
 * (CO-RE), so only names and kinds count here, not offsets.
 */
#ifndef VMLINUX_H
#define VMLINUX_H

typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 u16;
typedef __u64 u64;
typedef u64 dma_addr_t;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false, true };

/* include/uapi/linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum {
	BPF_F_MMAPABLE = 1024,
	BPF_NOEXIST = 1,
	BPF_RB_NO_WAKEUP = 1,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

struct device_driver;

struct kobject {
};

struct device {
	struct kobject kobj;
	struct device_driver *driver;
};

struct device_driver {
	void *name;
};

struct fdtable {
	struct file **fd;
};

struct inode {
	void *i_private;
};

struct file {
	struct inode *f_inode;
};

struct files_struct {
	struct fdtable *fdt;
};

struct kernfs_node {
	void *priv;
};

struct task_struct {
	struct files_struct *files;
};

struct virtio_device_id {
	__u32 device;
};

struct virtio_device;

struct virtqueue {
	struct list_head list;
	void *callback;
	void *name;
	struct virtio_device *vdev;
	unsigned int index;
	unsigned int num_free;
	bool reset;
};

struct virtio_device {
	int index;
	struct device dev;
	struct virtio_device_id id;
	struct list_head vqs;
	u64 features;
};

struct vring {
	unsigned int num;
	void *desc;
	void *avail;
	void *used;
};

enum vq_layout {
	VQ_LAYOUT_SPLIT = 0,
	VQ_LAYOUT_PACKED = 1,
};

struct vring_desc_state_split {
	void *data;
};

struct vring_desc_state_packed {
	void *data;
	u16 num;
};

struct vring_virtqueue_split {
	struct vring vring;
	u16 avail_flags_shadow;
	u16 avail_idx_shadow;
	struct vring_desc_state_split *desc_state;
	dma_addr_t queue_dma_addr;
};

struct vring_virtqueue_packed {
	struct {
		unsigned int num;
		void *desc;
		void *driver;
		void *device;
	} vring;
	bool avail_wrap_counter;
	u16 next_avail_idx;
	u16 event_flags_shadow;
	struct vring_desc_state_packed *desc_state;
	dma_addr_t ring_dma_addr;
	dma_addr_t driver_event_dma_addr;
	dma_addr_t device_event_dma_addr;
};

struct vring_virtqueue {
	enum vq_layout layout;
	bool broken;
	bool event;
	unsigned int num_added;
	u16 last_used_idx;
	bool event_triggered;
	unsigned int id;
	union {
		struct vring_virtqueue_split split;
		struct vring_virtqueue_packed packed;
	};
};

#pragma clang attribute pop

#endif
