// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/format.h"
#include "model/ring.h"
#include "probe/device.h"
#include "probe/queue_table.h"

/* A queue is shown as new, or as gone, for this long: ns. */
#define REMARKABLE 10000000000ull

/* At most this often the roles of new queues are looked up in sysfs: ns. */
#define ROLES_INTERVAL 1000000000ull

/* Device types, virtio 1.3, section 5. */
#define TYPE_NET   1
#define TYPE_BLOCK 2

static enum vt_queue_state state_of(const struct queue_table *t, uint32_t entry)
{
	/*
	 * Read the state before the rest of the entry, because the programs fill the entry first
	 * and set the state last.
	 */
	return __atomic_load_n(&t->entries[entry].state, __ATOMIC_ACQUIRE);
}

/* Adds a queue to a snapshot. Returns NULL if there is no memory. Prints nothing. */
static struct queue *add_queue(struct snapshot *s, const struct vt_queue *k)
{
	struct queue *q = realloc(s->queues, (s->nr_queues + 1) * sizeof(*q));

	if (!q)
		return NULL;
	s->queues = q;
	q = &s->queues[s->nr_queues++];
	memset(q, 0, sizeof(*q));
	q->serial = k->serial;
	q->device = k->device;
	q->device_type = k->device_type;
	q->index = k->index;
	q->layout = k->layout;
	q->features = k->features;
	return q;
}

/*
 * Returns true if a queue may still get a role. Only disks and network devices have one. The kernel
 * may create it some time after the queues.
 */
static bool may_get_role(const struct queue_table *t, const struct queue *q, uint64_t now)
{
	return !q->role[0] && (q->device_type == TYPE_NET || q->device_type == TYPE_BLOCK) &&
	       now - (q->changed ?: t->start) < REMARKABLE;
}

/* Sets the age of the oldest buffer that is out. @q: its num and num_free are set */
static void set_oldest(const struct queue_table *t, const struct snapshot *s,
		       const struct vt_queue *k, struct queue *q)
{
	/* Once all descriptors in use belong to known buffers, no older buffer is left. */
	if (k->descs_out >= queue_in_use(q))
		q->oldest_or_longer = false;
	if (q->oldest_or_longer)
		q->oldest = s->time - t->start;
	else
		q->oldest = k->oldest && k->oldest < s->time ? s->time - k->oldest : 0;
}

/*
 * Adds new queues to the snapshot, and updates the data of the others. Returns 0, or -1 after it
 * has printed why not.
 */
static int take_over(struct queue_table *t, struct snapshot *s)
{
	bool look_for_roles = s->time - t->roles_read >= ROLES_INTERVAL, added = false;
	/*
	 * Where to search next. Entries have nearly the same order as the queues in the snapshot.
	 */
	size_t next = 0;

	if (look_for_roles)
		t->roles_read = s->time;
	for (uint32_t entry = 1; entry < t->nr_entries; entry++) {
		enum vt_queue_state state = state_of(t, entry);
		struct vt_queue k;
		struct queue *q;

		if (state != VT_QUEUE_LIVE && state != VT_QUEUE_GONE)
			continue;
		k = t->entries[entry];
		q = snapshot_queue_near(s, k.serial, next);
		if (q) {
			next = q - s->queues + 1;
		} else {
			q = add_queue(s, &k);
			if (!q)
				return complain(NULL, "no memory for %zu queues", s->nr_queues + 1);
			if (k.serial >= t->first_new)
				q->changed = s->time;
			else
				q->oldest_or_longer = t->knows_out;
			added = true;
		}
		/* The kernel may set the name of the driver after the first queue exists. */
		copy_printable(q->name, k.name, sizeof(q->name));
		copy_printable(q->driver, k.driver, sizeof(q->driver));
		q->fresh = q->changed && s->time - q->changed < REMARKABLE;
		q->broken = k.broken;
		q->num = k.num;
		/*
		 * The program reads num and num_free one after the other. A resize in between could
		 * make num_free larger than num.
		 */
		q->num_free = k.num_free < k.num ? k.num_free : k.num;
		set_oldest(t, s, &k, q);
		if (queue_has_notification_data(q)) {
			q->doorbells = t->doorbells[entry];
			doorbells_settle(&q->doorbells);
		}
		if (look_for_roles && state == VT_QUEUE_LIVE && may_get_role(t, q, s->time))
			device_role(q->device, q->role, sizeof(q->role));
	}
	if (added) {
		qsort(s->queues, s->nr_queues, sizeof(*s->queues), queue_order);
		snapshot_last_indices(s);
	}
	return 0;
}

static void mark_gone(const struct queue_table *t, struct snapshot *s)
{
	for (uint32_t entry = 1; entry < t->nr_entries; entry++) {
		struct queue *q;

		if (state_of(t, entry) != VT_QUEUE_GONE)
			continue;
		q = snapshot_queue(s, t->entries[entry].serial);
		if (!q || q->gone)
			continue;
		q->gone = true;
		q->fresh = false;
		q->changed = s->time;
	}
}

/*
 * Returns true if another queue lives in the place of a queue that is gone: same device and index.
 */
static bool has_successor(const struct snapshot *s, const struct queue *gone)
{
	for (size_t i = 0; i < s->nr_queues; i++) {
		const struct queue *q = &s->queues[i];

		if (!q->gone && q->device == gone->device && q->index == gone->index)
			return true;
	}
	return false;
}

/* Removes queues that are gone and that were in at least one snapshot as gone. */
static void drop_gone(struct snapshot *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->nr_queues; i++) {
		struct queue *q = &s->queues[i];

		if (!q->gone || q->changed == s->time ||
		    (s->time - q->changed < REMARKABLE && !has_successor(s, q))) {
			s->queues[kept++] = *q;
			continue;
		}
		for (int op = 0; op < VT_NR_COUNTED; op++)
			free(q->op[op]);
	}
	s->nr_queues = kept;
}

int queue_table_read(struct queue_table *t, struct snapshot *s)
{
	if (take_over(t, s))
		return -1;
	/*
	 * Do this last. Otherwise a queue that was deleted meanwhile could appear beside its
	 * successor, both alive.
	 */
	mark_gone(t, s);
	drop_gone(s);
	return 0;
}

void queue_table_free_gone(struct queue_table *t, const struct snapshot *s)
{
	for (uint32_t entry = 1; entry < t->nr_entries; entry++) {
		const struct queue *q;

		if (state_of(t, entry) != VT_QUEUE_GONE)
			continue;
		q = snapshot_queue(s, t->entries[entry].serial);
		if (!q || !q->gone)
			continue;
		/* The next queue in this entry must start without doorbells. */
		memset(&t->doorbells[entry], 0, sizeof(t->doorbells[entry]));
		__atomic_store_n(&t->entries[entry].state, VT_QUEUE_NONE, __ATOMIC_RELEASE);
	}
}

uint32_t queue_table_entry(const struct queue_table *t, unsigned int serial)
{
	/* At the start the programs give out entries in the order of the serials. */
	if (serial < t->nr_entries && t->entries[serial].serial == serial)
		return serial;
	for (uint32_t entry = 1; entry < t->nr_entries; entry++)
		if (t->entries[entry].serial == serial)
			return entry;
	return 0;
}
