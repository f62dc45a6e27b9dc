#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Sends made-up events to a running vringtop, by the module vring_teller. Part of 32-events.t,
which says what vringtop must show of them.

Usage: events.py virtio_balloon|virtio_rng     (as root in a guest with the tracepoints)
"""
import json
import subprocess
import sys
import time

TELL = "/sys/module/vring_teller/parameters/tell"
NS, ENOSPC = 1000, -28  # a duration, and a result
NO_BUFFER = 0


def bpftool(*words):
    return json.loads(subprocess.run(["bpftool", "-j", *words], check=True, capture_output=True, text=True).stdout)


class Queue:
    "a queue that vringtop knows"

    def __init__(self, entry, known):
        self.entry, self.vq, self.id, self.layout = entry, known["vq"], known["id"], known["layout"]

    def op(self, result, ns, id=None):
        "struct vring_op of an operation that ends now"
        end = time.monotonic_ns()
        return end - ns, end, result, self.layout << 32 | (self.id if id is None else id)

    def event(self, operation, result=0, *more, ns=NS, id=None):
        self.tell(operation, self.vq, "@", *more, words=self.op(result, ns, id))

    def buffer(self, operation, result, buffer_id, bytes_out=0, bytes_in=0, ns=NS):
        "add, get, detach_unused_buf: struct vring_buf_op"
        self.tell(operation, self.vq, "@", words=(*self.op(result, ns), 0x1000 + buffer_id,
                                             bytes_in << 32 | bytes_out, buffer_id))

    @staticmethod
    def tell(operation, *arguments, words=()):
        line = [f"virtqueue_{operation}", *arguments, ":", *(word % 2 ** 64 for word in words)]
        with open(TELL, "w") as file:
            file.write(" ".join(map(str, line)))


def queues(driver):
    "the queues of a driver by their names"
    def text(characters):
        return bytes(c if isinstance(c, int) else ord(c) for c in characters).split(b"\0")[0].decode() \
            if isinstance(characters, list) else characters
    return {text(e["formatted"]["value"]["name"]): Queue(e["formatted"]["key"], e["formatted"]["value"])
            for e in bpftool("map", "dump", "name", "queues")
            if text(e["formatted"]["value"]["driver"]) == driver}


def balloon():
    known = queues("virtio_balloon")
    q = known["deflate"]
    q.event("poll", 1, ns=500_000_000)
    for seconds in 1, 10, 1800:
        q.event("more_used", 1, ns=seconds * 10 ** 9)
    # The clocks of two CPUs may differ.
    q.event("more_used", 1, ns=-5000)
    q.buffer("add", 0, 1, 100, 10)
    for buffer_id in 2, 5:
        q.buffer("add", ENOSPC, buffer_id, 5000, 5000)
    q.buffer("add", 0, 3, 200, 20)
    for answer in 0, 0, 1, 0:
        q.event("kick_prepare", answer)
    q.buffer("add", ENOSPC, 4)
    q.event("kick_prepare", 0)
    q.buffer("get", 0, NO_BUFFER)
    q.buffer("get", 1, 1, 0, 77)
    q.buffer("get", 0, NO_BUFFER)

    q = known["stats"]
    for operation in "notify", "enable_cb_delayed", "poll", "more_used":
        for result in 1, 0, 1:
            q.event(operation, result)
    for result in 1, 0, 1:
        q.event("resize", result, 64, 64)
        q.buffer("detach_unused_buf", result, 0)
    for buffer_id in 1, 2, 3:
        q.buffer("add", 0, buffer_id)
    Queue.tell("deleted", q.vq, q.id, q.layout, 64)
    Queue.tell("created", q.vq, q.id, q.layout, 64)
    q.buffer("add", 0, 4)
    q.event("kick_prepare", 1)
    for buffer_id in 5, 6, 7:
        q.buffer("add", 0, buffer_id)
    q.event("kick_prepare", 1)
    # The queue before had a buffer of this id.
    q.buffer("get", 1, 2)

    q = known["inflate"]
    q.buffer("add", 0, 7)
    q.buffer("detach_unused_buf", 1, 7)
    time.sleep(6)
    for buffer_id in 7, 8, 9, 10:
        q.buffer("add", 0, buffer_id)
    for buffer_id in 7, 8, 8, 11:
        q.buffer("get", 1, buffer_id)
    q.event("reset", 0)
    q.buffer("get", 1, 9)

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
