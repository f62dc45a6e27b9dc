/* SPDX-License-Identifier: GPL-2.0 */
/* Makes names of queues for people. No function here reads, prints or fails. */
#ifndef QUEUE_NAME_H
#define QUEUE_NAME_H

#include "model/snapshot.h"

#define QUEUE_NAME (VT_NAME_LEN + 16) /* bytes */

/**
 * Writes the name of a queue: "req.0". A driver may give all its queues one name. If another queue
 * of the device has the same name, the text also has the index: "request#2".
 * @s: must contain all queues of the device
 * @width: the most characters; a name that is too long is cut, but the index is not
 * @text: QUEUE_NAME bytes
 * Returns @text.
 */
char *queue_name(const struct snapshot *s, const struct queue *q, int width, char *text);

/**
 * Writes the device and the queue: "virtio2 vda req.0".
 * @text: QUEUE_TITLE bytes
 * Returns @text.
 */
#define QUEUE_TITLE (3 * VT_NAME_LEN)
char *queue_title(const struct snapshot *s, const struct queue *q, char *text);

#endif
