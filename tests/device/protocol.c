// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "protocol.h"
#include "report.h"

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	RESET_OWNER = 4,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	SET_VRING_ERR = 14,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
};

#define F_PROTOCOL_FEATURES  30 /* the virtio feature bit for "there are protocol features" */
#define PROTOCOL_F_MQ	     0
#define PROTOCOL_F_REPLY_ACK 3

#define FLAGS_VERSION	     1
#define FLAGS_REPLY	     (1u << 2)
#define FLAGS_NEED_REPLY     (1u << 3)

#define VRING_INDEX	     0xffu /* bits of the number that comes with an eventfd */
#define VRING_NO_FD	     (1u << 8)

struct region_message {
	uint64_t guest, size, user, offset;
};

struct message {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
	union {
		uint64_t number;
		struct vhost_vring_state state;
		struct vhost_vring_addr address;
		struct {
			uint32_t count;
			uint32_t padding;
			struct region_message region[MEMORY_REGIONS];
		} memory;
		uint8_t other[1024];
	};
} __attribute__((packed));

#define HEADER_SIZE offsetof(struct message, number)

/*
 * The file descriptors that came with a message. A function that keeps a descriptor sets it to -1
 * here.
 */
struct attached {
	int fd[MEMORY_REGIONS];
	unsigned int count;
};

/* --- Receive and send --- */

/*
 * Receives a message. Returns 1; 0 if the front-end closed the connection; -1 after it has printed
 * an error.
 */
static int receive(int socket, struct message *message, struct attached *attached)
{
	union {
		char bytes[CMSG_SPACE(sizeof(attached->fd))];
		struct cmsghdr align;
	} control;
	struct iovec header = { .iov_base = message, .iov_len = HEADER_SIZE };
	struct msghdr msg = { .msg_iov = &header,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg;
	ssize_t got;

	attached->count = 0;
	got = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	for (cmsg = CMSG_FIRSTHDR(&msg); got > 0 && cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		attached->count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(attached->fd, CMSG_DATA(cmsg), attached->count * sizeof(int));
	}
	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return 0;
	if (got != (ssize_t)HEADER_SIZE)
		return complain("half a message from the front-end: %s",
				got < 0 ? strerror(errno) : "its header ends early");
	if (msg.msg_flags & MSG_CTRUNC)
		return complain("message %u came with too many file descriptors", message->request);
	if (message->size > sizeof(message->other))
		return complain("message %u is too long: %u bytes", message->request,
				message->size);
	/* The fields that a short message does not have are zero. */
	memset(message->other, 0, sizeof(message->other));
	if (message->size &&
	    recv(socket, message->other, message->size, MSG_WAITALL) != (ssize_t)message->size)
		return complain("half a message %u from the front-end", message->request);
	return 1;
}

static int reply(int socket, struct message *message, uint32_t size)
{
	message->flags = FLAGS_VERSION | FLAGS_REPLY;
	message->size = size;
	if (send(socket, message, HEADER_SIZE + size, MSG_NOSIGNAL) !=
	    (ssize_t)(HEADER_SIZE + size))
		return complain("cannot answer message %u: %s", message->request, strerror(errno));
	return 0;
}

static int reply_number(int socket, struct message *message, uint64_t number)
{
	message->number = number;
	return reply(socket, message, sizeof(number));
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- The ring's state --- */

static bool negotiated(const struct front_end *front, unsigned int feature)
{
	return front->features >> feature & 1;
}

static int stop_ring(struct front_end *front)
{
	front->ring.running = false;
	return 0;
}

/* Starts the ring if it has everything that it needs. The messages may come in any order. */
static int try_start(struct front_end *front)
{
	if (!front->enabled || front->kick < 0 || !front->have_address || !front->memory.count)
		return stop_ring(front);
	if (front->ring.running)
		return 0;
	return ring_start(&front->ring, &front->memory, front->address.desc_user_addr,
			  front->address.avail_user_addr, front->address.used_user_addr);
}

/* Restarts a running ring at the same position, because its memory or its addresses changed. */
static int start_again(struct front_end *front)
{
	if (front->ring.running)
		ring_set_base(&front->ring, ring_base(&front->ring));
	front->ring.running = false;
	return try_start(front);
}

static int set_features(struct front_end *front, uint64_t features)
{
	uint64_t unknown = features & ~front->offered & ~(1ull << F_PROTOCOL_FEATURES);

	if (unknown)
		return complain("features 0x%" PRIx64 " were taken that were not offered", unknown);
	if (front->ring.running && features != front->features)
		return complain("other features while the ring runs");
	front->features = features;
	front->ring.packed = negotiated(front, VIRTIO_F_RING_PACKED);
	front->ring.event_idx = negotiated(front, VIRTIO_RING_F_EVENT_IDX);
	front->ring.indirect = negotiated(front, VIRTIO_RING_F_INDIRECT_DESC);
	/* Without protocol features no message enables a ring, so it is always enabled. */
	if (!negotiated(front, F_PROTOCOL_FEATURES))
		front->enabled = true;
	return try_start(front);
}

static int set_memory(struct front_end *front, const struct message *message,
		      const struct attached *attached)
{
	unsigned int i;

	if (message->memory.count != attached->count)
		return complain("a memory table of %u regions with %u file descriptors",
				message->memory.count, attached->count);
	memory_clear(&front->memory);
	for (i = 0; i < message->memory.count; i++) {
		struct region_message from = message->memory.region[i];
		struct memory_region region = { .guest = from.guest,
						.user = from.user,
						.size = from.size };

		if (memory_add(&front->memory, &region, attached->fd[i], from.offset)) {
			memory_clear(&front->memory);
			stop_ring(front);
			return -1;
		}
	}
	return start_again(front);
}

static int set_size(struct front_end *front, uint32_t size)
{
	if (front->ring.running)
		return complain("another size while the ring runs");
	if (!size || size > RING_MAX_SIZE)
		return complain("a ring of %u descriptors", size);
	front->ring.size = size;
	return 0;
}

static int set_eventfd(int *eventfd, const struct message *message, struct attached *attached)
{
	close_fd(eventfd);
	if (message->number & VRING_NO_FD)
		return 0;
	if (attached->count != 1)
		return complain("message %u came with %u file descriptors instead of 1",
				message->request, attached->count);
	*eventfd = attached->fd[0];
	attached->fd[0] = -1;
	return 0;
}

static int set_kick(struct front_end *front, const struct message *message,
		    struct attached *attached)
{
	eventfd_t value;

	if (message->number & VRING_NO_FD)
		return complain("looking for buffers without kicks is not done here");
	if (set_eventfd(&front->kick, message, attached))
		return -1;
	fcntl(front->kick, F_SETFL, O_NONBLOCK);
	/* QEMU puts a kick of its own into the eventfd. That is no doorbell of the guest. */
	if (!eventfd_read(front->kick, &value)) {
		counters.kicks_at_start++;
		counters.kicks += value - 1;
	}
	return try_start(front);
}

static bool names_other_queue(const struct message *message)
{
	switch (message->request) {
	case SET_VRING_NUM:
	case SET_VRING_ADDR:
	case SET_VRING_BASE:
	case GET_VRING_BASE:
	case SET_VRING_ENABLE:
		return message->state.index != 0; /* an address message begins with it, too */
	case SET_VRING_KICK:
	case SET_VRING_CALL:
	case SET_VRING_ERR:
		return (message->number & VRING_INDEX) != 0;
	default:
		return false;
	}
}

/* --- Messages --- */

/* Handles the messages that have their own answer. */
static int answer(struct front_end *front, struct message *message)
{
	switch (message->request) {
	case GET_FEATURES:
		return reply_number(front->socket, message,
				    front->offered | 1ull << F_PROTOCOL_FEATURES);
	case GET_PROTOCOL_FEATURES:
		return reply_number(front->socket, message,
				    1ull << PROTOCOL_F_MQ | 1ull << PROTOCOL_F_REPLY_ACK);
	case GET_QUEUE_NUM:
		return reply_number(front->socket, message, 1);
	default: /* GET_VRING_BASE: it also stops the ring */
		stop_ring(front);
		close_fd(&front->kick);
		message->state.num = ring_base(&front->ring);
		ring_set_base(&front->ring, message->state.num);
		return reply(front->socket, message, sizeof(message->state));
	}
}

static int handle(struct front_end *front, const struct message *message, struct attached *attached)
{
	switch (message->request) {
	case SET_FEATURES:
		return set_features(front, message->number);
	case SET_PROTOCOL_FEATURES:
		front->protocol_features = message->number;
		return 0;
	case SET_OWNER:
	case RESET_OWNER:
		return 0;
	case SET_MEM_TABLE:
		return set_memory(front, message, attached);
	case SET_VRING_NUM:
		return set_size(front, message->state.num);
	case SET_VRING_ADDR:
		front->address = message->address;
		front->have_address = true;
		return start_again(front);
	case SET_VRING_BASE:
		if (front->ring.running)
			return complain("another position while the ring runs");
		ring_set_base(&front->ring, message->state.num);
		return 0;
	case SET_VRING_KICK:
		return set_kick(front, message, attached);
	case SET_VRING_CALL:
		return set_eventfd(&front->call, message, attached);
	case SET_VRING_ERR:
		return set_eventfd(&front->error, message, attached);
	case SET_VRING_ENABLE:
		front->enabled = message->state.num;
		return try_start(front);
	default:
		return complain("message %u is not known here", message->request);
	}
}

static bool has_answer(uint32_t request)
{
	return request == GET_FEATURES || request == GET_PROTOCOL_FEATURES ||
	       request == GET_QUEUE_NUM || request == GET_VRING_BASE;
}

bool front_end_serve(struct front_end *front)
{
	struct attached attached;
	struct message message;
	bool good = false;
	int result;

	result = receive(front->socket, &message, &attached);
	if (result > 0 && names_other_queue(&message)) {
		complain("message %u is for another queue than the only one", message.request);
	} else if (result > 0 && has_answer(message.request)) {
		good = !answer(front, &message);
	} else if (result > 0) {
		result = handle(front, &message, &attached);
		good = !(message.flags & FLAGS_NEED_REPLY) ||
		       !reply_number(front->socket, &message, result ? 1 : 0);
	}
	while (attached.count)
		close_fd(&attached.fd[--attached.count]);
	return good;
}

void front_end_init(struct front_end *front, uint64_t offered, unsigned long long *wraps)
{
	memset(front, 0, sizeof(*front));
	front->offered = offered;
	front->socket = front->kick = front->call = front->error = -1;
	front->ring.wraps = wraps;
}

void front_end_connected(struct front_end *front, int socket)
{
	/* The limit ends the wait for a front-end that sends only half a message. */
	struct timeval limit = { .tv_sec = 5 };

	setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	counters.connections++;
	front->socket = socket;
	ring_set_base(&front->ring, 0);
}

void front_end_close(struct front_end *front)
{
	uint64_t offered = front->offered;
	unsigned long long *wraps = front->ring.wraps;

	close_fd(&front->socket);
	close_fd(&front->kick);
	close_fd(&front->call);
	close_fd(&front->error);
	memory_clear(&front->memory);
	front_end_init(front, offered, wraps);
}
