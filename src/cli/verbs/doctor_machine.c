// SPDX-License-Identifier: GPL-2.0
/* doctor: the clock and the virtio devices of this machine. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/format.h"
#include "model/ring.h"
#include "probe/device.h"
#include "probe/kernel.h"
#include "verbs/doctor.h"

#define CLOCK "/sys/devices/system/clocksource/clocksource0/"

static void check_clock(struct doctor *d)
{
	/* Reading these takes an exit to the hypervisor, or they tick slowly. */
	static const char *const slow[] = {
		"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit",
	};
	/* The best first. */
	static const char *const fast[] = { "tsc", "kvm-clock", "hyperv_clocksource_tsc_page" };
	char current[64], all[256], *rest = all, *name, advice[256];
	struct json_object *facts, *available;
	char text[FORMAT_LEN];
	const char *better = NULL;
	bool is_slow = false;
	uint64_t step;

	if (!kernel_read_line(CLOCK "current_clocksource", current, sizeof(current))) {
		/* The whole path does not fit into a line. */
		doctor_tell(d, NOTE, "clock", NULL, NULL,
			    "not known: clocksource0/current_clocksource in sysfs: %s",
			    strerror(errno));
		return;
	}
	facts = fact_string("current", current);
	available = json_object_new_array();
	if (!kernel_read_line(CLOCK "available_clocksource", all, sizeof(all)))
		all[0] = '\0';
	for (size_t i = 0; !better && i < sizeof(fast) / sizeof(*fast); i++)
		if (strstr(all, fast[i]))
			better = fast[i];
	while ((name = strsep(&rest, " ")))
		if (*name)
			json_object_array_add(available, json_object_new_string(name));
	json_object_object_add(facts, "available", available);
	for (size_t i = 0; i < sizeof(slow) / sizeof(*slow); i++)
		is_slow |= !strcmp(current, slow[i]);
	step = kernel_clock_step(!d->has_way || d->way.by_functions);
	json_object_object_add(facts, "step_ns", json_object_new_int64(step));
	if (step) {
		doctor_tell(d, NOTE, "clock", facts,
			    "Shorter times cannot be measured. Have the host give this guest "
			    "kvm-clock or an invariant TSC.",
			    "%s, which moves in steps of %s", current, format_time(text, step));
		return;
	}
	if (!is_slow) {
		doctor_tell(d, OK, "clock", facts, NULL, "%s", current);
		return;
	}
	if (better)
		snprintf(advice, sizeof(advice),
			 "Reading it takes long. A better one: echo %s | sudo tee " CLOCK
			 "current_clocksource",
			 better);
	else
		snprintf(advice, sizeof(advice),
			 "Reading it takes long. Have the host give this guest kvm-clock or an "
			 "invariant TSC.");
	doctor_tell(d, NOTE, "clock", facts, advice, "%s, a slow one", current);
}

static struct json_object *json_device(const struct device *v)
{
	struct json_object *o, *features = json_object_new_array();
	char value[24];

	snprintf(value, sizeof(value), "virtio%d", v->number);
	o = fact_string("device", value);
	json_object_object_add(o, "role", json_object_new_string(v->role));
	json_object_object_add(o, "driver",
			       v->driver[0] ? json_object_new_string(v->driver) : NULL);
	json_object_object_add(o, "device_type", json_object_new_int64(v->type));
	for (int i = 0; ring_features[i].name; i++)
		if (v->features >> ring_features[i].bit & 1)
			json_object_array_add(features,
					      json_object_new_string(ring_features[i].name));
	if (v->unreadable || !v->driver[0]) {
		/* The features are not negotiated, or cannot be read. */
		json_object_put(features);
		return o;
	}
	snprintf(value, sizeof(value), "0x%llx", (unsigned long long)v->features);
	json_object_object_add(o, "layout",
			       json_object_new_string(layout_name(ring_layout(v->features))));
	json_object_object_add(o, "features", json_object_new_string(value));
	json_object_object_add(o, "ring_features", features);
	return o;
}

static void print_device(const struct device *v)
{
	char found[512] = "", name[24];

	snprintf(name, sizeof(name), "virtio%d", v->number);
	if (!v->driver[0]) {
		snprintf(found, sizeof(found), "type %u, no driver: it has no queues", v->type);
		doctor_print(NOTE, name, found, NULL);
		return;
	}
	add_word(found, sizeof(found), v->driver);
	if (v->role[0])
		add_word(found, sizeof(found), v->role);
	if (v->unreadable) {
		add_word(found, sizeof(found), "- its features cannot be read");
		doctor_print(NOTE, name, found, NULL);
		return;
	}
	add_word(found, sizeof(found), layout_name(ring_layout(v->features)));
	for (int i = 0; ring_features[i].name; i++)
		if (ring_features[i].short_name && v->features >> ring_features[i].bit & 1)
			add_word(found, sizeof(found), ring_features[i].short_name);
	if (!(v->features >> RING_F_VERSION_1 & 1))
		add_word(found, sizeof(found), "(legacy)");
	doctor_print(OK, name, found, NULL);
}

static void check_devices(struct doctor *d)
{
	struct json_object *all = json_object_new_array(), *facts;
	unsigned int layouts[VT_NR_LAYOUTS] = {}, bound = 0;
	struct device *devices;
	char summary[256] = "";
	int n = devices_read(&devices), err = errno;

	for (int i = 0; i < n; i++) {
		json_object_array_add(all, json_device(&devices[i]));
		if (!devices[i].driver[0] || devices[i].unreadable)
			continue;
		bound++;
		layouts[ring_layout(devices[i].features)]++;
	}
	for (int layout = 0; layout < VT_NR_LAYOUTS; layout++)
		if (layouts[layout])
			snprintf(summary + strlen(summary), sizeof(summary) - strlen(summary),
				 "%s%u %s", summary[0] ? ", " : ": ", layouts[layout],
				 layout_name(layout));
	facts = fact("list", all);
	if (n < 0 && err != ENOENT)
		doctor_tell(d, MISSING, "devices", facts, NULL,
			    "cannot read " VIRTIO_DEVICES ": %s", strerror(err));
	else if (n <= 0)
		doctor_tell(d, MISSING, "devices", facts,
			    "vringtop shows the virtqueues of a guest: run it in a virtual machine "
			    "that has virtio devices. If this is one, load their drivers: modprobe "
			    "virtio_pci",
			    "no virtio device in " VIRTIO_DEVICES);
	else if (!bound)
		doctor_tell(d, MISSING, "devices", facts,
			    "A device has queues when a driver is bound to it: load the drivers "
			    "(modprobe virtio_blk, virtio_net, ...).",
			    "%d virtio, none with a driver", n);
	else
		doctor_tell(d, OK, "devices", facts, NULL, "%d virtio%s", n, summary);
	for (int i = 0; !d->checks && i < n; i++)
		print_device(&devices[i]);
	free(devices);
}

void doctor_check_machine(struct doctor *d)
{
	check_clock(d);
	check_devices(d);
}
