// SPDX-License-Identifier: GPL-2.0
/*
 * Sends invented events to the listeners, in the way of the ring code: with states that drivers
 * hardly ever produce. Loads only on kernels with the events.
 *
 * /sys/module/vring_teller/parameters/tell takes a line: the name of an event and its arguments.
 * The argument @ is a pointer to the 64-bit words after the colon:
 *
 *   virtqueue_poll QUEUE @ : START END RESULT LAYOUT<<32|ID
 */
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#define VRT_ARGS  4
#define VRT_WORDS 8

struct vrt_event {
	const char *name;
	struct tracepoint *event;
};

static void vrt_find(struct tracepoint *event, void *data)
{
	struct vrt_event *wanted = data;

	if (!strcmp(event->name, wanted->name))
		wanted->event = event;
}

/* Calls the listeners of an event. A listener uses only as many arguments as its event has. */
static void vrt_send(struct tracepoint *event, const u64 *args)
{
	struct tracepoint_func *f;

	preempt_disable_notrace();
	f = rcu_dereference_sched(event->funcs);
	for (; f && f->func; f++)
		((void (*)(void *, u64, u64, u64, u64))f->func)(f->data, args[0], args[1], args[2],
								args[3]);
	preempt_enable_notrace();
}

static int vrt_tell(const char *line, const struct kernel_param *unused)
{
	u64 args[VRT_ARGS] = {}, words[VRT_WORDS] = {};
	struct vrt_event wanted = {};
	unsigned int nr_args = 0, nr_words = 0;
	char *copy, *rest, *word;
	bool colon = false;
	int err = 0;

	copy = rest = kstrdup(line, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	wanted.name = strsep(&rest, " ");
	while (!err && (word = strsep(&rest, " \n"))) {
		if (!*word)
			continue;
		if (!strcmp(word, ":")) {
			colon = true;
		} else if (colon && nr_words < VRT_WORDS) {
			err = kstrtou64(word, 0, &words[nr_words++]);
		} else if (!strcmp(word, "@") && nr_args < VRT_ARGS) {
			args[nr_args++] = (unsigned long)words;
		} else if (!colon && nr_args < VRT_ARGS) {
			err = kstrtou64(word, 0, &args[nr_args++]);
		} else {
			err = -E2BIG;
		}
	}
	for_each_kernel_tracepoint(vrt_find, &wanted);
	if (!err && !wanted.event)
		err = -ENOENT;
	if (!err)
		vrt_send(wanted.event, args);
	kfree(copy);
	return err;
}

static const struct kernel_param_ops vrt_ops = {
	.set = vrt_tell,
};

module_param_cb(tell, &vrt_ops, NULL, 0200);
MODULE_PARM_DESC(tell, "an event that is to be sent");

MODULE_DESCRIPTION("Sends made-up events of virtqueues");
MODULE_LICENSE("GPL");
