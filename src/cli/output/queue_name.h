/* SPDX-License-Identifier: GPL-2.0 */
/* Names of queues as people read them. No input or output. */
#ifndef QUEUE_NAME_H
#define QUEUE_NAME_H

#include "model/snapshot.h"

#define QUEUE_NAME (VT_NAME_LEN + 16) /* bytes */

/**
 * The name of a queue, "req.0". Where another queue of the device has the same name, the index
 * stands behind it: "request#2", since drivers may give all their queues one name.
 * @s: has all queues of the device
 * @width: characters that the text may have; a name that is too long is cut, its index never
 * @text: of QUEUE_NAME bytes; returned
 */
char *queue_name(const struct snapshot *s, const struct queue *q, int width, char *text);

/** The device and the queue: "virtio2 vda req.0". @text: of QUEUE_TITLE bytes; returned */
#define QUEUE_TITLE (3 * VT_NAME_LEN)
char *queue_title(const struct snapshot *s, const struct queue *q, char *text);

#endif
