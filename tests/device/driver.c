// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/vhost_types.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "driver.h"

enum {
	SET_FEATURES = 2,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	SET_VRING_ERR = 14,
	SET_VRING_ENABLE = 18,
};

#define HEADER_SIZE 12
#define NEED_REPLY  (1u << 3)

/*
 * The addresses of the regions in this process, as the messages name them. They only have to
 * differ.
 */
static const uint64_t user_address[] = { 0x700000000000, 0x500000000000 };

static void check(bool good, const char *what)
{
	if (good)
		return;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* --- The device's process --- */

static void path_of(const struct driver *driver, const char *name, char path[64])
{
	snprintf(path, 64, "%s/%s", driver->directory, name);
}

static int connect_to(const struct driver *driver, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), i;

	path_of(driver, name, address.sun_path);
	/* The device was just started, and the sanitizers make the start slow. */
	for (i = 0; i < 500; i++) {
		if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
			return fd;
		pause_ms(10);
	}
	check(false, "the device does not listen");
	return -1;
}

void device_start(struct driver *driver, const char *const options[])
{
	const char *argv[16] = { driver->program, "--control" };
	char socket[64], control[64];
	unsigned int count = 2;

	strcpy(driver->directory, "/tmp/vhost-user-rng.XXXXXX");
	check(mkdtemp(driver->directory), "mkdtemp");
	path_of(driver, "socket", socket);
	path_of(driver, "control", control);
	argv[count++] = control;
	while (*options)
		argv[count++] = *options++;
	argv[count] = socket;
	fflush(stdout);
	driver->pid = fork();
	check(driver->pid >= 0, "fork");
	if (!driver->pid) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execv(driver->program, (char **)argv);
		_exit(127);
	}
	driver->control = connect_to(driver, "control");
}

int device_stop(struct driver *driver)
{
	int status;

	kill(driver->pid, SIGTERM);
	check(waitpid(driver->pid, &status, 0) == driver->pid, "waitpid");
	close(driver->control);
	rmdir(driver->directory); /* fails if the device left a file there; a test checks that */
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *device_tell(struct driver *driver, const char *command)
{
	static char answer[4096];
	size_t length = 0;
	ssize_t got;

	dprintf(driver->control, "%s\n", command);
	while (length < sizeof(answer) - 1 && (!length || answer[length - 1] != '\n')) {
		got = read(driver->control, answer + length, sizeof(answer) - 1 - length);
		check(got > 0, "the device does not answer");
		length += got;
	}
	answer[length - 1] = '\0';
	return answer;
}

unsigned long long device_count(struct driver *driver, const char *name)
{
	const char *report = device_tell(driver, "report"), *found;
	char key[64];

	snprintf(key, sizeof(key), "\"%s\":", name);
	found = strstr(report, key);
	check(found, name);
	return strtoull(found + strlen(key), NULL, 10);
}

unsigned long long device_await(struct driver *driver, const char *name, unsigned long long value)
{
	unsigned long long count = device_count(driver, name);
	int i;

	for (i = 0; i < 500 && count != value; i++) {
		pause_ms(10);
		count = device_count(driver, name);
	}
	return count;
}

/* --- The front-end --- */

void front_connect(struct driver *driver)
{
	driver->socket = connect_to(driver, "socket");
	driver->memory_fd = memfd_create("guest", MFD_CLOEXEC);
	check(!ftruncate(driver->memory_fd, GUEST_SIZE), "ftruncate");
	driver->memory =
		mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, driver->memory_fd, 0);
	check(driver->memory != MAP_FAILED, "mmap");
	driver->kick = eventfd(0, EFD_CLOEXEC);
	driver->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	driver->error = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void front_disconnect(struct driver *driver)
{
	close(driver->socket);
	close(driver->memory_fd);
	munmap(driver->memory, GUEST_SIZE);
	close(driver->kick);
	close(driver->call);
	close(driver->error);
}

void front_send(struct driver *driver, uint32_t request, uint32_t flags, const void *payload,
		uint32_t size, const int *fd, unsigned int fds)
{
	uint32_t header[3] = { request, flags | 1, size };
	char control[CMSG_SPACE(8 * sizeof(int))] = { 0 };
	struct iovec part[] = { { header, sizeof(header) }, { (void *)payload, size } };
	struct msghdr msg = { .msg_iov = part, .msg_iovlen = 2 };
	struct cmsghdr *cmsg;

	if (fds) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fd, fds * sizeof(int));
	}
	check(sendmsg(driver->socket, &msg, MSG_NOSIGNAL) == (ssize_t)(HEADER_SIZE + size),
	      "sendmsg");
}

bool front_ask(struct driver *driver, uint32_t request, const void *payload, uint32_t size,
	       const int *fd, unsigned int fds, struct reply *reply)
{
	front_send(driver, request, NEED_REPLY, payload, size, fd, fds);
	return recv(driver->socket, reply, HEADER_SIZE, MSG_WAITALL) == HEADER_SIZE &&
	       recv(driver->socket, &reply->number, sizeof(reply->number), MSG_WAITALL) ==
		       sizeof(reply->number);
}

static bool accepted(struct driver *driver, uint32_t request, const void *payload, uint32_t size,
		     const int *fd, unsigned int fds)
{
	struct reply reply;

	return front_ask(driver, request, payload, size, fd, fds, &reply) && !reply.number;
}

bool front_share_memory(struct driver *driver)
{
	const int fd[] = { driver->memory_fd, driver->memory_fd };
	struct {
		uint32_t count, padding;
		struct {
			uint64_t guest, size, user, offset;
		} region[2];
	} table = {
		.count = 2,
		.region = { { GUEST_BASE, REGION_SIZE, user_address[0], 0 },
			    { REGION_EDGE, REGION_SIZE, user_address[1], REGION_SIZE } },
	};

	return accepted(driver, SET_MEM_TABLE, &table, sizeof(table), fd, 2);
}

bool front_place_ring(struct driver *driver, uint32_t base)
{
	struct vhost_vring_state size = { .num = driver->size }, position = { .num = base };
	struct vhost_vring_addr address = {
		.desc_user_addr = user_address[0] + GUEST_DESC - GUEST_BASE,
		.avail_user_addr = user_address[0] + GUEST_DRIVER - GUEST_BASE,
		.used_user_addr = user_address[0] + GUEST_DEVICE - GUEST_BASE,
	};
	uint64_t queue = 0;

	return accepted(driver, SET_VRING_NUM, &size, sizeof(size), NULL, 0) &&
	       accepted(driver, SET_VRING_BASE, &position, sizeof(position), NULL, 0) &&
	       accepted(driver, SET_VRING_ADDR, &address, sizeof(address), NULL, 0) &&
	       accepted(driver, SET_VRING_CALL, &queue, sizeof(queue), &driver->call, 1) &&
	       accepted(driver, SET_VRING_ERR, &queue, sizeof(queue), &driver->error, 1) &&
	       accepted(driver, SET_VRING_KICK, &queue, sizeof(queue), &driver->kick, 1);
}

bool front_enable(struct driver *driver, bool on)
{
	struct vhost_vring_state state = { .num = on };

	return accepted(driver, SET_VRING_ENABLE, &state, sizeof(state), NULL, 0);
}

static void new_ring(struct driver *driver)
{
	memset(driver->memory, 0, GUEST_TABLES - GUEST_BASE);
	driver->desc = guest(driver, GUEST_DESC);
	driver->avail = guest(driver, GUEST_DRIVER);
	driver->used = guest(driver, GUEST_DEVICE);
	driver->packed_desc = guest(driver, GUEST_DESC);
	driver->driver_event = guest(driver, GUEST_DRIVER);
	driver->device_event = guest(driver, GUEST_DEVICE);
	driver->next_avail = driver->next_used = driver->next_free = 0;
	driver->avail_wrap = driver->used_wrap = true;
}

void front_start(struct driver *driver, uint64_t features, uint16_t size)
{
	features |= 1ull << 32 | 1ull << 30; /* VIRTIO_F_VERSION_1, and the protocol features */
	driver->packed = features >> 34 & 1;
	driver->event_idx = features >> VIRTIO_RING_F_EVENT_IDX & 1;
	driver->size = size;
	new_ring(driver);
	check(accepted(driver, SET_FEATURES, &features, sizeof(features), NULL, 0) &&
		      front_share_memory(driver) &&
		      front_place_ring(driver, driver->packed ? 0x80008000 : 0) &&
		      front_enable(driver, true),
	      "the device refused to start");
}

uint32_t front_stop(struct driver *driver)
{
	struct vhost_vring_state state = { 0 };
	struct reply reply;

	check(front_ask(driver, GET_VRING_BASE, &state, sizeof(state), NULL, 0, &reply),
	      "the ring does not stop");
	return reply.number >> 32;
}

/* --- The driver --- */

void *guest(struct driver *driver, uint64_t address)
{
	return driver->memory + (address - GUEST_BASE);
}

static uint16_t packed_flags(bool wrap)
{
	return wrap ? 1u << VRING_PACKED_DESC_F_AVAIL : 1u << VRING_PACKED_DESC_F_USED;
}

static void step(const struct driver *driver, uint16_t *position, bool *wrap, uint16_t slots)
{
	*position += slots;
	if (*position >= driver->size) {
		*position -= driver->size;
		*wrap = !*wrap;
	}
}

/*
 * Makes an indirect table for the buffer that begins at this slot. The tables of both layouts are
 * equal, except that `next` of split rings is where packed rings have the flags.
 */
static struct element make_table(struct driver *driver, uint16_t slot,
				 const struct element *element, unsigned int count)
{
	uint64_t address = GUEST_TABLES + slot % 64 * 0x400;
	struct vring_packed_desc *packed = guest(driver, address);
	struct vring_desc *split = guest(driver, address);
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (driver->packed)
			packed[i] = (struct vring_packed_desc){ .addr = element[i].guest,
								.len = element[i].size,
								.flags = element[i].flags };
		else
			split[i] = (struct vring_desc){
				.addr = element[i].guest,
				.len = element[i].size,
				.flags = element[i].flags | (i + 1 < count ? VRING_DESC_F_NEXT : 0),
				.next = i + 1
			};
	}
	return (struct element){ address, count * 16, VRING_DESC_F_INDIRECT };
}

/* Descriptors are taken in the order of the ring, because the device returns them in this order. */
static uint16_t add_split(struct driver *driver, const struct element *element, unsigned int count)
{
	uint16_t head = driver->next_free, slot = head;
	unsigned int i;

	for (i = 0; i < count; i++) {
		slot = (head + i) % driver->size;
		driver->desc[slot] = (struct vring_desc){
			.addr = element[i].guest,
			.len = element[i].size,
			.flags = element[i].flags | (i + 1 < count ? VRING_DESC_F_NEXT : 0),
			.next = (slot + 1) % driver->size,
		};
	}
	driver->next_free = (head + count) % driver->size;
	driver->avail->ring[driver->next_avail % driver->size] = head;
	__atomic_store_n(&driver->avail->idx, ++driver->next_avail, __ATOMIC_SEQ_CST);
	return head;
}

static uint16_t add_packed(struct driver *driver, const struct element *element, unsigned int count)
{
	struct vring_packed_desc *head = &driver->packed_desc[driver->next_avail];
	uint16_t id = driver->next_free++ % driver->size, flags, head_flags = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct vring_packed_desc *desc = &driver->packed_desc[driver->next_avail];

		flags = element[i].flags | packed_flags(driver->avail_wrap) |
			(i + 1 < count ? VRING_DESC_F_NEXT : 0);
		desc->addr = element[i].guest;
		desc->len = element[i].size;
		desc->id = id;
		if (i)
			desc->flags = flags;
		else
			head_flags = flags;
		step(driver, &driver->next_avail, &driver->avail_wrap, 1);
	}
	__atomic_store_n(&head->flags, head_flags, __ATOMIC_SEQ_CST);
	driver->slots[id] = count;
	return id;
}

uint16_t driver_add(struct driver *driver, const struct element *element, unsigned int count,
		    bool indirect)
{
	struct element table;

	if (indirect) {
		table = make_table(driver, driver->next_avail, element, count);
		element = &table;
		count = 1;
	}
	return driver->packed ? add_packed(driver, element, count)
			      : add_split(driver, element, count);
}

void driver_kick(struct driver *driver)
{
	eventfd_write(driver->kick, 1);
}

bool driver_must_kick(struct driver *driver)
{
	uint16_t event;

	if (!driver->packed && !driver->event_idx)
		return !(driver->used->flags & VRING_USED_F_NO_NOTIFY);
	if (!driver->packed) {
		memcpy(&event, &driver->used->ring[driver->size], sizeof(event));
		return vring_need_event(event, driver->next_avail, driver->next_avail - 1);
	}
	if (driver->device_event->flags != VRING_PACKED_EVENT_FLAG_DESC)
		return driver->device_event->flags == VRING_PACKED_EVENT_FLAG_ENABLE;
	event = driver->device_event->off_wrap & 0x7fff;
	if (driver->device_event->off_wrap >> 15 != driver->avail_wrap)
		event -= driver->size;
	return vring_need_event(event, driver->next_avail, driver->next_avail - 1);
}

static int get_split(struct driver *driver, uint32_t *length)
{
	struct vring_used_elem *used;

	if (__atomic_load_n(&driver->used->idx, __ATOMIC_SEQ_CST) == driver->next_used)
		return -1;
	used = &driver->used->ring[driver->next_used++ % driver->size];
	*length = used->len;
	return used->id;
}

static int get_packed(struct driver *driver, uint32_t *length)
{
	struct vring_packed_desc *used = &driver->packed_desc[driver->next_used];
	uint16_t flags = __atomic_load_n(&used->flags, __ATOMIC_SEQ_CST);
	uint16_t both = 1u << VRING_PACKED_DESC_F_AVAIL | 1u << VRING_PACKED_DESC_F_USED;

	if ((flags & both) != (driver->used_wrap ? both : 0))
		return -1;
	*length = used->len;
	step(driver, &driver->next_used, &driver->used_wrap,
	     driver->slots[used->id % driver->size]);
	return used->id;
}

int driver_get(struct driver *driver, uint32_t *length, int ms)
{
	int i, id;

	for (i = 0; i <= ms * 10; i++) {
		id = driver->packed ? get_packed(driver, length) : get_split(driver, length);
		if (id >= 0)
			return id;
		if (i < ms * 10)
			nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
	}
	return -1;
}

unsigned int driver_interrupted(struct driver *driver, int ms)
{
	struct pollfd polled = { .fd = driver->call, .events = POLLIN };
	eventfd_t value;

	if (poll(&polled, 1, ms) != 1 || eventfd_read(driver->call, &value))
		return 0;
	return value;
}

void driver_want_interrupt(struct driver *driver, bool want)
{
	uint16_t at = want ? driver->next_used : driver->next_used - 1;

	if (!driver->packed && driver->event_idx) {
		driver->avail->ring[driver->size] = at;
	} else if (!driver->packed) {
		driver->avail->flags = want ? 0 : VRING_AVAIL_F_NO_INTERRUPT;
	} else if (driver->event_idx && want) {
		driver->driver_event->off_wrap = driver->next_used | driver->used_wrap << 15;
		driver->driver_event->flags = VRING_PACKED_EVENT_FLAG_DESC;
	} else {
		driver->driver_event->flags =
			want ? VRING_PACKED_EVENT_FLAG_ENABLE : VRING_PACKED_EVENT_FLAG_DISABLE;
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
