/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the queues of a device, also queues without any event. The kernel keeps a list of the
 * queues of each device. These programs walk through the list.
 */

struct walk {
	const struct virtio_device *vdev;
	const void *next; /* the link of the next queue, or the head of the list */
	__u32 nr_queues;
	__u32 ids; /* all ids are below this number */
};

static long queue_next(__u32 i, struct walk *w)
{
	const void *head = (const void *)w->vdev + bpf_core_field_offset(struct virtio_device, vqs);
	const struct vring_virtqueue *vring;
	const struct virtqueue *vq;
	__u32 id;

	if (!w->next || w->next == head)
		return 1;
	vq = w->next - bpf_core_field_offset(struct virtqueue, list);
	w->next = BPF_CORE_READ(vq, list.next);
	w->nr_queues++;
	vring = (const void *)vq;
	if (by_functions) {
		function_queue(vq);
	} else if (bpf_core_field_exists(vring->id)) {
		id = BPF_CORE_READ(vring, id);
		if (id >= w->ids)
			w->ids = id + 1;
		queue_get(vq, id, layout_of(vq));
	}
	return 0;
}

static __always_inline void walk_queues(struct walk *w, const struct virtio_device *vdev)
{
	w->vdev = vdev;
	w->next = BPF_CORE_READ(vdev, vqs.next);
	bpf_loop(VT_MOST_QUEUES, queue_next, w, 0);
}

/*
 * Finds the queues of a device. The tool opens the folder of the device in sysfs and runs this
 * program, which finds the device by the open file. So the program needs no kernel function to
 * attach to.
 */
SEC("syscall")
int find_queues(struct vt_find *find)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();
	struct file **files = BPF_CORE_READ(task, files, fdt, fd);
	const struct file *file = 0;
	const struct virtio_device *vdev;
	const struct kernfs_node *node;
	struct walk w = {};

	bpf_probe_read_kernel(&file, sizeof(file), files + find->fd);
	node = BPF_CORE_READ(file, f_inode, i_private);
	vdev = BPF_CORE_READ(node, priv) - bpf_core_field_offset(struct device, kobj) -
	       bpf_core_field_offset(struct virtio_device, dev);
	/* If the device was just removed, its folder leads to other data. */
	if (BPF_CORE_READ(vdev, index) != find->device)
		return 1;
	walk_queues(&w, vdev);
	find->nr_queues = w.nr_queues;
	find->ids = w.ids;
	return 0;
}

/*
 * Runs when a driver is bound to a device, and when a process reads the uevent attribute of a
 * device. Needed on kernels without the events, because nothing else reports a new queue that stays
 * idle.
 */
SEC("fentry/virtio_uevent")
int BPF_PROG(on_uevent, const struct device *dev)
{
	struct walk w = {};

	walk_queues(&w, (const void *)dev - bpf_core_field_offset(struct virtio_device, dev));
	return 0;
}
