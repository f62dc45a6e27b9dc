#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Hands events to the programs of a running vringtop, as the kernel's tracepoints do. Part of 32-events.t,
which says what vringtop must show of them.

Usage: events.py virtio_balloon|virtio_rng     (as root in a guest with the tracepoints)
"""
import ctypes
import json
import subprocess
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
BPF, PROG_TEST_RUN, PROG_GET_FD_BY_ID = 321, 10, 13
NS, DEVICE_FULL = 1000, 2 ** 64 - 28  # a duration, and -ENOSPC


def bpftool(*words):
    return json.loads(subprocess.run(["bpftool", "-j", *words], check=True, capture_output=True, text=True).stdout)


def bpf(command, attributes):
    result = libc.syscall(BPF, command, ctypes.byref(attributes), ctypes.sizeof(attributes))
    if result < 0:
        sys.exit(f"bpf({command}): errno {ctypes.get_errno()}")
    return result


class TestRun(ctypes.Structure):
    _fields_ = [(name, getattr(ctypes, "c_uint" + size)) for name, size in (
        ("prog_fd", "32"), ("retval", "32"), ("data_size_in", "32"), ("data_size_out", "32"), ("data_in", "64"),
        ("data_out", "64"), ("repeat", "32"), ("duration", "32"), ("ctx_size_in", "32"), ("ctx_size_out", "32"),
        ("ctx_in", "64"), ("ctx_out", "64"), ("flags", "32"), ("cpu", "32"), ("batch_size", "32"), ("pad", "32"))]


class Queue:
    "a queue that vringtop knows"
    opened = {}

    def __init__(self, entry, known):
        self.entry, self.vq, self.id, self.layout = entry, known["vq"], known["id"], known["layout"]

    def event(self, operation, result=0, *more, ns=NS, id=None):
        "an event, as include/trace/events/virtio_ring.h has it, which ends now"
        self.run(operation, self.vq, self.id if id is None else id, self.layout, ns, result, *more)

    @classmethod
    def run(cls, operation, *arguments):
        # Names in the kernel have 15 letters.
        name = f"on_{operation}"
        if name not in cls.opened:
            ids = [p["id"] for p in bpftool("prog", "list") if p.get("name", "")[:15] == name[:15]]
            if len(ids) != 1:
                sys.exit(f"{len(ids)} programs are called {name}: vringtop must run, once")
            cls.opened[name] = bpf(PROG_GET_FD_BY_ID, (ctypes.c_uint32 * 32)(ids[0]))
        context = (ctypes.c_uint64 * 12)(*arguments)
        bpf(PROG_TEST_RUN, TestRun(prog_fd=cls.opened[name], ctx_size_in=ctypes.sizeof(context),
                                   ctx_in=ctypes.addressof(context)))


def queues(driver):
    "the queues of a driver by their names"
    def text(characters):
        return bytes(c if isinstance(c, int) else ord(c) for c in characters).split(b"\0")[0].decode() \
            if isinstance(characters, list) else characters
    return {text(e["formatted"]["value"]["name"]): Queue(e["formatted"]["key"], e["formatted"]["value"])
            for e in bpftool("map", "dump", "name", "queues")
            if text(e["formatted"]["value"]["driver"]) == driver}


def same_group(queue, number):
    "tokens that share a group of the table of buffers in flight: what flight_key() and hash_of() in vringtop.bpf.c make the same"
    back = pow(0x9e3779b97f4a7c15, -1, 2 ** 64)
    return [(((7 << 64 - 15) + n) * back ^ queue.id << 48) % 2 ** 64 for n in range(number)]


def balloon():
    known = queues("virtio_balloon")
    q = known["deflate"]
    q.event("poll", 1, ns=500_000_000)
    for seconds in 1, 10, 1800:
        q.event("more_used", 1, ns=seconds * 10 ** 9)
    # result, token, bytes out, bytes in
    q.event("add_each", 0, 0x1001, 100, 10)
    for token in 0x1002, 0x1005:
        q.event("add_each", DEVICE_FULL, token, 5000, 5000)
    q.event("add_each", 0, 0x1003, 200, 20)
    for answer in 0, 0, 1, 0:
        q.event("kick_prepare", answer)
    q.event("add_each", DEVICE_FULL, 0x1004, 0, 0)
    q.event("kick_prepare", 0)
    q.event("get_each", 0)
    q.event("get_each", 1, 0x1001, 77)
    q.event("get_each", 0)

    q = known["stats"]
    for operation in "notify", "enable_cb_delayed", "poll", "more_used", "resize", "detach_unused_buf":
        for result in 1, 0, 1:
            q.event(operation, result)
    for token in 0x2001, 0x2002, 0x2003:
        q.event("add_each", 0, token, 0, 0)
    Queue.run("deleted", q.vq, q.id, q.layout)
    Queue.run("created", q.vq, q.id, q.layout, 64)
    q.event("add_each", 0, 0x2004, 0, 0)
    q.event("kick_prepare", 1)
    for token in 0x2005, 0x2006, 0x2007:
        q.event("add_each", 0, token, 0, 0)
    q.event("kick_prepare", 1)

    q = known["inflate"]
    tokens = same_group(q, 5)
    q.event("add_each", 0, 0x3001, 0, 0)
    q.event("detach_unused_buf", 1)
    q.event("add_each", 0, tokens[0], 0, 0)
    time.sleep(2.5)
    q.event("add_each", 0, 0x3001, 0, 0)
    q.event("get_each", 1, 0x3001, 0)
    for token in tokens[1:]:
        q.event("add_each", 0, token, 0, 0)
    for token in tokens:
        q.event("get_each", 1, token, 0)

    for _ in range(2):
        q.event("poll", 1, id=0x7fffffff)


def entropy():
    q = queues("virtio_rng")["input"]
    # So that there is a doorbell, whose value then is where the ring is.
    subprocess.run(["dd", "if=/dev/hwrng", "of=/dev/null", "bs=64", "count=3"], check=True, stderr=subprocess.DEVNULL)
    bells = [e["formatted"]["value"] for e in bpftool("map", "dump", "name", "doorbells")
             if e["formatted"]["key"] == q.entry][0]
    value = bells["last"][(bells["sent"] - 1) % 32]["value"]
    q.event("notification_data", value - 0x10000)  # one buffer behind
    q.event("notification_data", value ^ 1)        # another queue's
    q.event("notification_data", value ^ 0x40000000)  # far away


{"virtio_balloon": balloon, "virtio_rng": entropy}[sys.argv[1]]()
