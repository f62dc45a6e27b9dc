// SPDX-License-Identifier: GPL-2.0
/*
 * Listens to the events of a round and does nothing. So only the cost of the events themselves
 * remains. Loads only on kernels with the events.
 */
#include <linux/module.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/virtio.h>

static const char *const vrl_names[] = {
	"virtqueue_add",
	"virtqueue_kick_prepare",
	"virtqueue_get",
	"virtqueue_notify",
};
static struct tracepoint *vrl_events[ARRAY_SIZE(vrl_names)];

/*
 * Some events have more arguments. They come later in the order of the registers of x86-64, so this
 * function may ignore them.
 */
static void vrl_nothing(void *data, const struct virtqueue *vq, unsigned int id)
{
}

static void vrl_find(struct tracepoint *event, void *unused)
{
	int i = match_string(vrl_names, ARRAY_SIZE(vrl_names), event->name);

	if (i >= 0)
		vrl_events[i] = event;
}

static void vrl_leave(unsigned int n)
{
	while (n--)
		tracepoint_probe_unregister(vrl_events[n], vrl_nothing, NULL);
	tracepoint_synchronize_unregister();
}

static int __init vrl_init(void)
{
	unsigned int i;
	int err;

	for_each_kernel_tracepoint(vrl_find, NULL);
	for (i = 0; i < ARRAY_SIZE(vrl_events); i++) {
		err = vrl_events[i] ? tracepoint_probe_register(vrl_events[i], vrl_nothing, NULL)
				    : -ENOENT;
		if (err) {
			vrl_leave(i);
			return err;
		}
	}
	return 0;
}
module_init(vrl_init);

static void __exit vrl_exit(void)
{
	vrl_leave(ARRAY_SIZE(vrl_events));
}
module_exit(vrl_exit);

MODULE_DESCRIPTION("Listens to the events of virtqueues and does nothing");
MODULE_LICENSE("GPL");
