// SPDX-License-Identifier: GPL-2.0
/*
 * The exerciser's files in debugfs. Write a command line into `run`; read the results from
 * `counts`, `queues` and `time`. README.md lists the words.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "exerciser.h"

#define VRX_LINE_MAX 1024

const char *const vrx_layout_names[VRX_LAYOUTS] = {
	[VRX_SPLIT] = "split",
	[VRX_PACKED] = "packed",
	[VRX_SPLIT_IN_ORDER] = "split_in_order",
	[VRX_PACKED_IN_ORDER] = "packed_in_order",
};

const char *const vrx_op_names[VRX_OPS] = {
	[VRX_ADD] = "add",
	[VRX_GET] = "get",
	[VRX_KICK_PREPARE] = "kick_prepare",
	[VRX_NOTIFY] = "notify",
	[VRX_DISABLE_CB] = "disable_cb",
	[VRX_ENABLE_CB_PREPARE] = "enable_cb_prepare",
	[VRX_POLL] = "poll",
	[VRX_ENABLE_CB_DELAYED] = "enable_cb_delayed",
	[VRX_MORE_USED] = "more_used",
	[VRX_NOTIFICATION_DATA] = "notification_data",
	[VRX_DETACH_UNUSED_BUF] = "detach_unused_buf",
	[VRX_RESIZE] = "resize",
	[VRX_RESET] = "reset",
};

/* A value of `times`: as often as `rounds` says. */
#define VRX_ROUNDS U64_MAX

/* Held while devices are created or destroyed, and while a run starts or is reaped. */
static DEFINE_MUTEX(vrx_lock);

static struct vrx_shape vrx_shape;
static struct vrx_device *vrx_devices[VRX_LAYOUTS];
static unsigned int vrx_nr_devices;

/* --- The command line --- */

static const struct {
	const char *name;
	size_t offset;
	u64 min, max;
} vrx_numbers[] = {
#define NUMBER(word, field, min, max)                                                              \
	{                                                                                          \
		word, offsetof(struct vrx_command, field), min, max                                \
	}
	NUMBER("queues", shape.queues, 1, 1024),
	NUMBER("size", shape.size, 4, 32768),
	NUMBER("event_idx", shape.event_idx, 0, 1),
	NUMBER("indirect", shape.indirect, 0, 1),
	NUMBER("notification_data", shape.notification_data, 0, 1),
	NUMBER("reset_only", shape.reset_only, 0, 1),
	NUMBER("rounds", rounds, 0, 1000000000000ULL),
	NUMBER("cpus", cpus, 1, 8192),
	NUMBER("irq", irq, 0, 1),
	NUMBER("irq_us", irq_us, 10, 1000000),
	NUMBER("shared", shared, 0, 1),
	NUMBER("seed", seed, 0, U64_MAX),
	NUMBER("notify", notify, 0, 1),
	NUMBER("quiet", quiet, 0, 1),
	NUMBER("wait", wait, 0, 1),
#undef NUMBER
};

static int vrx_parse_number(struct vrx_command *c, const char *word, const char *value)
{
	unsigned int i;
	u64 number;

	for (i = 0; i < ARRAY_SIZE(vrx_numbers); i++) {
		if (strcmp(word, vrx_numbers[i].name))
			continue;
		if (kstrtou64(value, 0, &number) || number < vrx_numbers[i].min ||
		    number > vrx_numbers[i].max) {
			pr_err("%s=%s: must be a number from %llu to %llu\n", word, value,
			       vrx_numbers[i].min, vrx_numbers[i].max);
			return -EINVAL;
		}
		*(u64 *)((void *)c + vrx_numbers[i].offset) = number;
		return 0;
	}
	pr_err("unknown word '%s'\n", word);
	return -EINVAL;
}

static int vrx_parse_layouts(struct vrx_command *c, char *list)
{
	char *name;
	int i;

	c->shape.layouts = 0;
	while ((name = strsep(&list, ","))) {
		i = match_string(vrx_layout_names, VRX_LAYOUTS, name);
		if (i < 0) {
			pr_err("unknown layout '%s'\n", name);
			return -EINVAL;
		}
		c->shape.layouts |= BIT_ULL(i);
	}
	return 0;
}

/* Parses a list: OP or OP:TIMES, separated by commas. `all` means each operation. */
static int vrx_parse_ops(struct vrx_command *c, char *list)
{
	char *name, *colon;
	u64 times;
	int i;

	memset(c->times, 0, sizeof(c->times));
	while ((name = strsep(&list, ","))) {
		times = VRX_ROUNDS;
		colon = strchr(name, ':');
		if (colon) {
			*colon = '\0';
			if (kstrtou64(colon + 1, 0, &times) || times > 1000000000000ULL) {
				pr_err("op=%s:%s: not a number of times\n", name, colon + 1);
				return -EINVAL;
			}
		}
		if (!strcmp(name, "all")) {
			memset64(c->times, times, VRX_OPS);
			continue;
		}
		i = match_string(vrx_op_names, VRX_OPS, name);
		if (i < 0) {
			pr_err("unknown operation '%s'\n", name);
			return -EINVAL;
		}
		c->times[i] = times;
	}
	return 0;
}

static int vrx_parse_mode(struct vrx_command *c, const char *mode)
{
	if (!strcmp(mode, "round")) {
		c->mode = VRX_ROUND;
	} else if (!strcmp(mode, "ops")) {
		c->mode = VRX_OPS_MODE;
	} else {
		pr_err("mode=%s: must be round or ops\n", mode);
		return -EINVAL;
	}
	return 0;
}

static int vrx_check(struct vrx_command *c)
{
	u64 shares = c->shape.queues * hweight64(c->shape.layouts) / (c->irq ? 2 : 1);
	const char *what = NULL;
	unsigned int i;

	for (i = 0; i < VRX_OPS; i++)
		if (c->times[i] == VRX_ROUNDS)
			c->times[i] = c->rounds;

	if (!is_power_of_2(c->shape.size))
		what = "size must be a power of 2";
	else if (c->irq && c->shape.queues % 2)
		what = "irq=1 takes every second queue: queues must be even";
	else if (c->cpus > shares)
		what = "every CPU needs a queue of its own (irq=1: two)";
	else if (c->shared && c->cpus < 2)
		what = "shared=1 needs cpus=2 or more";
	else if (c->mode == VRX_ROUND && (c->irq || c->shared))
		what = "mode=round has neither irq=1 nor shared=1";
	else if (c->mode == VRX_ROUND && hweight64(c->shape.layouts) > 1)
		what = "mode=round takes one layout";
	else if (c->mode == VRX_OPS_MODE && (c->quiet || c->notify))
		what = "quiet=1 and notify=1 belong to mode=round";
	if (!what)
		return 0;
	pr_err("%s\n", what);
	return -EINVAL;
}

static int vrx_parse(struct vrx_command *c, char *line)
{
	char *word, *value;
	int err = 0;

	*c = (struct vrx_command){
		.shape = { .layouts = BIT_ULL(VRX_SPLIT), .queues = 1, .size = 256 },
		.mode = VRX_OPS_MODE,
		.rounds = 1000,
		.cpus = 1,
		.irq_us = 100,
		.wait = 1,
	};
	memset64(c->times, VRX_ROUNDS, VRX_OPS);

	while (!err && (word = strsep(&line, " \t\n"))) {
		if (!*word)
			continue;
		value = strchr(word, '=');
		if (!value) {
			pr_err("'%s' is not of the form WORD=VALUE\n", word);
			return -EINVAL;
		}
		*value++ = '\0';
		if (!strcmp(word, "layout"))
			err = vrx_parse_layouts(c, value);
		else if (!strcmp(word, "op"))
			err = vrx_parse_ops(c, value);
		else if (!strcmp(word, "mode"))
			err = vrx_parse_mode(c, value);
		else
			err = vrx_parse_number(c, word, value);
	}
	return err ?: vrx_check(c);
}

/* --- Devices and runs --- */

static void vrx_destroy_devices(void)
{
	while (vrx_nr_devices)
		vrx_device_destroy(vrx_devices[--vrx_nr_devices]);
	memset(&vrx_shape, 0, sizeof(vrx_shape));
}

/* Creates the devices. Keeps those of the last run if they have the same shape. */
static int vrx_provide_devices(const struct vrx_shape *shape)
{
	struct vrx_device *dev;
	unsigned int i;

	if (!memcmp(shape, &vrx_shape, sizeof(vrx_shape))) {
		for (i = 0; i < vrx_nr_devices; i++)
			vrx_device_zero(vrx_devices[i]);
		return 0;
	}

	vrx_destroy_devices();
	vrx_shape = *shape;
	for (i = 0; i < VRX_LAYOUTS; i++) {
		if (!(shape->layouts & BIT_ULL(i)))
			continue;
		dev = vrx_device_create(i, &vrx_shape);
		if (IS_ERR(dev)) {
			pr_err("no device with layout %s: error %ld\n", vrx_layout_names[i],
			       PTR_ERR(dev));
			vrx_destroy_devices();
			return PTR_ERR(dev);
		}
		vrx_devices[vrx_nr_devices++] = dev;
	}
	return 0;
}

static int vrx_start(const struct vrx_command *c)
{
	int err;

	guard(mutex)(&vrx_lock);
	if (vrx_run_busy()) {
		pr_err("a run is going on; write 'stop' to end it\n");
		return -EBUSY;
	}
	vrx_run_reap();
	err = vrx_provide_devices(&c->shape);
	if (!err)
		err = vrx_run_start(c, vrx_devices, vrx_nr_devices);
	return err;
}

static int vrx_reap(void)
{
	guard(mutex)(&vrx_lock);
	return vrx_run_reap();
}

static int vrx_stop(void)
{
	guard(mutex)(&vrx_lock);
	vrx_run_stop();
	return 0;
}

static int vrx_remove_devices(void)
{
	guard(mutex)(&vrx_lock);
	if (vrx_run_busy()) {
		pr_err("a run is going on; write 'stop' to end it\n");
		return -EBUSY;
	}
	vrx_run_reap();
	vrx_destroy_devices();
	return 0;
}

static int vrx_execute(char *line)
{
	struct vrx_command c;
	int err;

	line = strim(line);
	if (!strcmp(line, "stop"))
		return vrx_stop();
	if (!strcmp(line, "remove"))
		return vrx_remove_devices();

	err = vrx_parse(&c, line) ?: vrx_start(&c);
	if (err || !c.wait)
		return err;
	vrx_run_wait();
	return vrx_reap();
}

static ssize_t vrx_run_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char *line;
	int err;

	if (count > VRX_LINE_MAX) {
		pr_err("a command has at most %u characters\n", VRX_LINE_MAX);
		return -EINVAL;
	}
	line = memdup_user_nul(from, count);
	if (IS_ERR(line))
		return PTR_ERR(line);

	err = vrx_execute(line);
	kfree(line);
	return err ?: count;
}

static const struct file_operations vrx_run_fops = {
	.owner = THIS_MODULE,
	.write = vrx_run_write,
	.llseek = noop_llseek,
};

/* --- Results --- */

static void vrx_show_counts(struct seq_file *s, struct vrx_device *dev, unsigned int i)
{
	static const char *const contexts[VRX_CONTEXTS] = {
		[VRX_PROCESS] = "process",
		[VRX_IRQ] = "irq",
		[VRX_SHARED] = "shared",
		[VRX_OTHER] = "other",
	};
	struct vrx_queue *q = &dev->queue[i];
	unsigned int op, context;

	for (op = 0; op < VRX_OPS; op++) {
		u64 calls[VRX_CONTEXTS], all = 0, yes = 0;

		for (context = 0; context < VRX_CONTEXTS; context++) {
			calls[context] = atomic64_read(&q->count[op][context].calls);
			all += calls[context];
			yes += atomic64_read(&q->count[op][context].yes);
		}
		seq_printf(s, "device=%s queue=%u layout=%s op=%s calls=%llu yes=%llu no=%llu",
			   dev_name(&dev->vdev.dev), i, vrx_layout_names[dev->layout],
			   vrx_op_names[op], all, yes, all - yes);
		for (context = 0; context < VRX_CONTEXTS; context++)
			seq_printf(s, " %s=%llu", contexts[context], calls[context]);
		seq_putc(s, '\n');
	}
}

static int vrx_counts_show(struct seq_file *s, void *unused)
{
	unsigned int i, j;

	guard(mutex)(&vrx_lock);
	for (i = 0; i < vrx_nr_devices; i++)
		for (j = 0; j < vrx_devices[i]->nr_queues; j++)
			vrx_show_counts(s, vrx_devices[i], j);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vrx_counts);

static int vrx_queues_show(struct seq_file *s, void *unused)
{
	unsigned int i, j;

	guard(mutex)(&vrx_lock);
	for (i = 0; i < vrx_nr_devices; i++) {
		struct vrx_device *dev = vrx_devices[i];

		for (j = 0; j < dev->nr_queues; j++) {
			struct vrx_queue *q = &dev->queue[j];

			seq_printf(s, "device=%s queue=%u layout=%s name=%s size=%u in_ring=%llu",
				   dev_name(&dev->vdev.dev), j, vrx_layout_names[dev->layout],
				   q->name, q->num, dev->shape->size + 1 - q->nr_unused);
			seq_printf(s, " out_bytes=%llu in_bytes=%llu got_bytes=%llu", q->out_bytes,
				   q->in_bytes, q->got_bytes);
			seq_printf(s, " doorbells=%llu callbacks=%llu wrong=%llu\n",
				   atomic64_read(&q->doorbells), atomic64_read(&q->callbacks),
				   q->wrong);
		}
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vrx_queues);

static int vrx_time_show(struct seq_file *s, void *unused)
{
	guard(mutex)(&vrx_lock);
	vrx_run_show_time(s);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vrx_time);

static struct dentry *vrx_debugfs;

static int __init vrx_init(void)
{
	int err = vrx_driver_register();

	if (err)
		return err;
	vrx_debugfs = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("run", 0200, vrx_debugfs, NULL, &vrx_run_fops);
	debugfs_create_file("counts", 0400, vrx_debugfs, NULL, &vrx_counts_fops);
	debugfs_create_file("queues", 0400, vrx_debugfs, NULL, &vrx_queues_fops);
	debugfs_create_file("time", 0400, vrx_debugfs, NULL, &vrx_time_fops);
	return 0;
}
module_init(vrx_init);

static void __exit vrx_exit(void)
{
	debugfs_remove(vrx_debugfs);
	/* A run can still be going on only if nobody waits for it. */
	vrx_run_exit();
	vrx_destroy_devices();
	vrx_driver_unregister();
}
module_exit(vrx_exit);

MODULE_DESCRIPTION("Drives virtqueues through the exported functions, and is their device");
MODULE_LICENSE("GPL");
