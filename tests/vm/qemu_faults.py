#!/usr/bin/python3
"""Makes QEMU's own devices go wrong (faults.py), and holds what vringtop says against what QEMU says.

Usage: qemu_faults.py run ROUNDS FAULT...   in a guest with the devices of 98-qemu-faults.t; prints for each
                                            case "row: FAULT|DEVICE|LAYOUT|VERDICT|EVIDENCE|RIGHT|WHY NOT"
       qemu_faults.py table FOLDER          on the machine: prints a table of the rows of all kernels, which
                                            are in FOLDER/KERNEL
"""
import collections
import contextlib
import glob
import json
import mmap
import os
import select
import socket
import subprocess
import sys
import threading
import time

import faults as inject
from stalls import AFTER, RNG, Watch, once

LAYOUTS = "split", "packed"


class Request(threading.Thread):
    """A call that waits for a device. It has a thread, because on a busy machine a process starts too late."""

    def __init__(self, call, *arguments):
        super().__init__(target=call, args=arguments, daemon=True)
        self.start()

    def waits_in(self):
        """The function of the kernel in which it sleeps; nothing if it runs."""
        with contextlib.suppress(OSError):
            return open(f"/proc/self/task/{self.native_id}/wchan").read()
        return ""


class Case:
    """A real device, a request to it, and the queue that the request goes to."""
    ports = {}

    def __init__(self, kind, layout):
        self.kind, self.layout = kind, layout
        self.is_out = lambda request: True  # its request is with the driver when the call returns
        self.id = f"real-{kind}-{layout}"  # QEMU's name of the device
        getattr(self, kind)()

    def set_queue(self, queue, vector):
        """vector: the MSI-X vector of the queue. The first vector tells of changes of the configuration;
        then each queue with a callback has one."""
        self.queue, self.vector = queue, vector

    def hot(self):
        self.id = f"real-hot-{self.layout}"
        self.blk()
        self.id = "real-hot"

    def blk(self):
        self.name, = (path.split("/")[3] for path in glob.glob("/sys/block/vd*/serial")
                      if open(path).read().strip() == self.id)
        self.device = os.path.basename(os.path.realpath(f"/sys/block/{self.name}/device"))
        self.set_queue(0, 1)
        self.request = lambda: Request(self.one_block, 0)
        self.is_out = self.block_is_out

    def block_is_out(self, _):
        return any(int(n) for n in open(f"/sys/block/{self.name}/inflight").read().split())

    def scsi(self):
        # By the serial number in page 0x80.
        for path in glob.glob("/sys/block/sd*/device/vpd_pg80"):
            if open(path, "rb").read()[4:].strip() == self.id.encode():
                self.name = path.split("/")[3]
        parts = os.path.realpath(f"/sys/block/{self.name}").split("/")
        self.device = [part for part in parts if part.startswith("virtio")][0]
        # The last one of control, event and two request queues that have one name.
        self.set_queue(3, 4)
        cpu = open(f"/sys/block/{self.name}/mq/1/cpu_list").read().split(",")[0].strip()
        self.request = lambda: Request(self.one_block, int(cpu))
        self.is_out = self.block_is_out

    def one_block(self, cpu, write_at=None):
        """Reads one block of the disk past the cache, or writes one."""
        os.sched_setaffinity(0, {cpu})
        # Not for both: udev reads a disk that was open for writing.
        disk = os.open("/dev/" + self.name, os.O_DIRECT | (os.O_RDONLY if write_at is None else os.O_WRONLY))
        with contextlib.suppress(OSError), mmap.mmap(-1, 4096) as block:
            if write_at is None:
                os.preadv(disk, [block], 0)
            else:
                os.pwritev(disk, [block], write_at)
        os.close(disk)

    def net(self, peer="73"):
        mac = f"52:54:00:76:{peer}:0{LAYOUTS.index(self.layout)}"
        path, = (path for path in glob.glob("/sys/class/net/*/address") if open(path).read().strip() == mac)
        self.name = path.split("/")[4]
        self.device = os.path.basename(os.path.realpath(f"/sys/class/net/{self.name}/device"))
        self.set_queue(1, 2)
        # Linux itself sends packets for IPv6.
        with contextlib.suppress(FileNotFoundError), open(f"/proc/sys/net/ipv6/conf/{self.name}/disable_ipv6", "w") as f:
            f.write("1")
        subprocess.run(["ip", "link", "set", self.name, "up"], check=True)
        self.request = self.send

    def lone(self):
        """A network device without a peer. Its driver is bound again: what was sent before never comes back."""
        self.net("74")
        for file in "unbind", "bind":
            open("/sys/bus/virtio/drivers/virtio_net/" + file, "w").write(self.device)
        subprocess.run(["udevadm", "settle"], check=True)  # it gives the interface its name
        self.net("74")

    def send(self):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((self.name, 0))
            raw.send(b"\xff" * 6 + b"\x52\x54\x00\x76\x73\x02" + b"\x88\xb5" + bytes(46))

    def send_unheard(self, monitor):
        """The driver of Linux 7.3 rings the doorbell before it asks for an interrupt, and fetches itself what the
        device used in between. So the device must see the packet later."""
        with inject.doorbells_lost(self.device):
            self.send()
        monitor.kick_all()

    def console(self):
        self.device, = (os.path.realpath(path).split("/")[-3] for path in glob.glob("/sys/class/virtio-ports/*")
                        if open(path + "/name").read().strip() == self.id)
        # Of port 1: 0 and 1 are of port 0, 2 and 3 for control. Linux gives queue 3 no callback.
        self.set_queue(5, 5)
        # A port can be opened once only.
        if self.id not in Case.ports:
            Case.ports[self.id] = os.open("/dev/virtio-ports/" + self.id, os.O_RDWR | os.O_NONBLOCK)
        self.request = lambda: os.write(Case.ports[self.id], b"x")

    def fill_console(self, monitor):
        """Linux fetches used buffers of a console with the next write, or in an interrupt if a process waits
        for room. So the ring must be full: it fills while doorbells are lost. Then the device uses all."""
        port = Case.ports[self.id]
        with inject.doorbells_lost(self.device):
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(port, b"x")
            waits = Request(select.select, [], [port], [], 600)
            until(lambda: "poll" in waits.waits_in() or "select" in waits.waits_in())
        monitor.kick_all()

    def rng(self, number=0):
        devices = sorted((os.path.basename(path) for path in glob.glob("/sys/bus/virtio/drivers/virtio_rng/virtio*")),
                         key=lambda name: int(name[6:]))
        # Of each layout the first one is without a limit.
        own = [device for device in inject.named("virtio_rng", self.layout) if device != RNG]
        self.device = own[number]
        self.set_queue(0, 1)
        self.current = f"virtio_rng.{devices.index(self.device)}"
        self.request = lambda: Request(self.ask)
        self.is_out = lambda request: request.waits_in() == "virtio_read"

    def limited(self):
        self.rng(1)

    def ask(self):
        open("/sys/class/misc/hw_random/rng_current", "w").write(self.current)
        rng = os.open("/dev/hwrng", os.O_RDONLY)
        for _ in range(2):  # the first bytes may be there already
            os.read(rng, 64)
        os.close(rng)


class Events:
    """What vringtop tells of each queue."""

    def __init__(self, watch):
        self.watch, self.of = watch, collections.defaultdict(list)

    def read(self, seconds):
        event = self.watch.event(seconds)
        if event:
            self.of[event["queue"]["device"], event["queue"]["index"]].append(event)
        return event

    def forget(self, cases):
        while self.read(0):
            pass
        for case in cases:
            self.of[case.device, case.queue].clear()

    def next(self, case, kind, seconds=300):
        """The next event of this kind; None if there is none in time."""
        end, events = time.monotonic() + seconds, self.of[case.device, case.queue]
        while True:
            while events:
                event = events.pop(0)
                if event["event"] == kind:
                    return event
            if not self.read(max(0, end - time.monotonic())) and time.monotonic() >= end:
                return None

    def next_but(self, case, *verdicts):
        """The next stall that is told with another verdict. These are true while the memory of the device is off,
        and are told if that took long."""
        event = self.next(case, "stalled")
        while event and event["verdict"] in verdicts:
            event = self.next(case, "stalled")
        return event


def until(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"waited in vain for {seconds} s")
        time.sleep(0.1)


def row(fault, case, wanted, event, truth=None):
    """wanted: verdict and reason. truth: pairs of what vringtop says and what is; all must be equal."""
    got = (event["verdict"], event["why"]) if event else ("none", "")
    wrong = [f"{a} instead of {b}" for a, b in truth or () if a != b]
    if got not in wanted:
        wrong.append(f"says {got}")
    print(f"row: {fault}|{case.kind}|{case.layout}|{'|'.join(got)}|{'no' if wrong else 'yes'}|{'; '.join(wrong)}",
          flush=True)


def due(case):
    """QEMU's serial and entropy devices have no event index in a packed ring: their flags ask for every doorbell."""
    always = case.layout == "packed" and case.kind in ("console", "rng", "limited")
    return [("device-has-used-nothing", "doorbell-due" + ("-no-event-index" if always else ""))]


KINDS = "blk", "scsi", "net", "console", "rng"


class Faults:
    """Each method is a fault: of several devices at once, all of one layout."""

    def __init__(self):
        self.monitor = inject.Monitor()
        self.watch = Watch("--after", f"{AFTER}ms")
        self.events = Events(self.watch)

    def cases(self, layout, *kinds):
        cases = [Case(kind, layout) for kind in kinds]
        self.events.forget(cases)
        return cases

    def in_use(self, case):
        """How many buffers QEMU itself has taken and not used."""
        return self.monitor.queue_status(case.id, case.queue)["inuse"]

    def over(self, fault, cases):
        for case in cases:
            if not self.events.next(case, "over"):
                print(f"never over: {fault}, {case.kind}, {case.layout}", flush=True)

    def doorbell_lost(self, layout):
        """QEMU does not look: it has taken nothing. vringtop saw the doorbell."""
        cases = self.cases(layout, *KINDS)
        with contextlib.ExitStack() as stack:
            for case in cases:
                stack.enter_context(inject.doorbells_lost(case.device))
                request = case.request()
                until(lambda: case.is_out(request))
            time.sleep(0.3)  # the doorbell comes a moment later
        for case in cases:
            event = self.events.next_but(case, "device-is-off")
            row("doorbell lost", case, due(case), event,
                [(self.in_use(case), 0), ("last_doorbell" in (event or {}), True)])
        self.monitor.kick_all()
        self.over("doorbell lost", cases)

    def interrupt_lost(self, layout):
        """The interrupt's number and count, from /proc/interrupts. QEMU has nothing left."""
        cases = self.cases(layout, *KINDS)
        with contextlib.ExitStack() as stack:
            for case in cases:
                stack.enter_context(inject.interrupt_masked(case.device, case.vector))
                if case.kind == "console":
                    case.fill_console(self.monitor)
                elif case.kind == "net":
                    case.send_unheard(self.monitor)
                else:
                    case.request()
            for case in cases:
                event = self.events.next_but(case, "device-is-off", "device-has-used-nothing")
                irqs = sorted(int(irq) for irq in os.listdir(inject.pci(case.device) + "/msi_irqs"))
                irq = irqs[case.vector]
                count, = (sum(int(n) for n in line.split()[1:1 + os.cpu_count()])
                          for line in open("/proc/interrupts") if line.split(":")[0].strip() == str(irq))
                row("interrupt lost", case, [("driver-did-not-fetch", "interrupt-due")], event,
                    [((event or {}).get("interrupts"), {"irq": irq, "count": count, "since": 0}),
                     (self.in_use(case), 0)])
        self.over("interrupt lost", cases)

    def throttled(self, layout):
        """QEMU has taken the request, and its storage does not answer."""
        cases = self.cases(layout, "blk", "scsi")
        with contextlib.ExitStack() as stack:
            for case in cases:
                disk = f"{case.id}-disk" if case.kind == "scsi" else f"/machine/peripheral/{case.id}/virtio-backend"
                stack.enter_context(self.monitor.throttled(id=disk))
                case.request().join()  # the first one passes
                case.request()
            for case in cases:
                row("disk throttled", case, [("device-holds-buffers", "buffers-taken")],
                    self.events.next(case, "stalled"), [(self.in_use(case), 1)])
        self.over("disk throttled", cases)

    def held(self, layout):
        """One write is held, others are served. Its age, its id, and what QEMU has of it."""
        case, = self.cases(layout, "blk")
        stop = threading.Event()

        def others():
            while not stop.is_set():
                case.one_block(0, 4096 * 100)

        with self.monitor.write_held(f"real-debug-{layout}", case.id):
            began = time.monotonic()
            began_ns = time.time_ns()
            held = Request(case.one_block, 0, 4096 * 7)
            until(lambda: self.in_use(case) == 1)
            thread = threading.Thread(target=others)
            thread.start()
            event = self.events.next(case, "stalled")
            while event and event["verdict"] != "buffer-is-stuck" and time.monotonic() < began + 300:
                event = self.events.next(case, "stalled")
            stop.set()
            thread.join()
            ring = subprocess.run(["vringtop", "stalls", "--json", "--ring", f"{case.name}:0"], stdout=subprocess.PIPE)
            left = [buffer["id"] for buffer in json.loads(ring.stdout)["ring"]["buffers"]]
            oldest = (event or {}).get("oldest_buffer", {})
            # Both of the moment when the verdict was told: what comes after it on a busy machine does not count.
            told, age = oldest.get("age_ns", 0) / 1e9, ((event or {}).get("time_ns", 0) - began_ns) / 1e9
            row("one write held", case, [("buffer-is-stuck", "overtaken")], event,
                [(age - 3 < told <= age or f"age {told:.1f} s of {age:.1f} s", True), ([oldest.get("id")], left),
                 (self.in_use(case), 1)])
        held.join()
        self.over("one write held", [case])

    def rate_limit(self, layout):
        """QEMU measures the request and does not take it."""
        case, = self.cases(layout, "limited")
        reader = case.request()
        row("rate limit", case, due(case), self.events.next(case, "stalled"), [(self.in_use(case), 0)])
        reader.join()

    def no_peer(self, layout):
        """QEMU has taken the packet, and nobody takes it from there."""
        case, = self.cases(layout, "lone")
        case.request()
        row("no peer", case, [*due(case), ("device-has-used-nothing", "device-flags")],
            self.events.next(case, "stalled"), [(self.in_use(case), 1)])

    def removal_hangs(self, layout):
        """A disk is unplugged while a write is held. It is in no list of devices any more; a tool that starts
        then still sees the queue. Once the write is back, the queue goes."""
        self.monitor.do("device_add", driver="virtio-blk-pci", id="real-hot", bus="plug", drive="real-debug-hot",
                        serial=f"real-hot-{layout}", packed=layout == "packed", **{"num-queues": 1})
        until(lambda: any(open(path).read().strip() == f"real-hot-{layout}" for path in glob.glob("/sys/block/vd*/serial")))
        case, = self.cases(layout, "hot")
        listed = "/sys/bus/virtio/devices/" + case.device
        with self.monitor.write_held("real-debug-hot", case.id):
            held = Request(case.one_block, 0, 0)
            until(lambda: self.in_use(case) == 1)
            self.monitor.do("device_del", id=case.id)
            until(lambda: not os.path.exists(listed))
            status, told = once("--after", f"{AFTER}ms", "-d", case.device)
            row("removal hangs", case, [("device-holds-buffers", "buffers-taken")], (told["stalled"] + [None])[0],
                [(status, 3), (len(told["stalled"]), 1), (self.in_use(case), 1)])
        held.join()
        until(lambda: case.device not in subprocess.run(["vringtop", "queues"], stdout=subprocess.PIPE, text=True).stdout)
        until(lambda: f'id "{case.id}"' not in self.monitor.human("info qtree"))

    def bus_master_off(self, layout):
        """The device's status, from sysfs."""
        if layout == "packed":
            return
        cases = self.cases(layout, *KINDS)
        with contextlib.ExitStack() as stack:
            for case in cases:
                stack.enter_context(inject.bus_master_off(case.device))
                case.request()
            for case in cases:
                event = self.events.next(case, "stalled")
                status = int(open(f"/sys/bus/virtio/devices/{case.device}/status").read(), 16)
                row("bus master off", case, [("device-is-off", "no-driver-ok")], event,
                    [((event or {}).get("device_status", {}).get("value"), status)])
        self.monitor.kick_all()
        self.over("bus master off", cases)


def run(rounds, names):
    faults = Faults()
    for _ in range(rounds):
        for name in names:
            for layout in LAYOUTS:
                began = time.monotonic()
                getattr(faults, name)(layout)
                print(f"# {name} {layout}: {time.monotonic() - began:.1f} s", flush=True)
    print("status", faults.watch.end())


# The devices of QEMU by their short names here.
NAMES = {"blk": "virtio-blk", "scsi": "virtio-scsi", "net": "virtio-net", "console": "virtio-serial", "rng": "virtio-rng",
         "limited": "virtio-rng", "lone": "virtio-net", "hot": "virtio-blk"}


def table(folder):
    kernels = [kernel for kernel in ("6.12", "7.3", "6.12-stock", "debian-6.12") if os.path.exists(f"{folder}/{kernel}")]
    right = collections.Counter()
    tried = collections.Counter()
    said = collections.defaultdict(set)
    for kernel in kernels:
        for line in open(f"{folder}/{kernel}"):
            fault, kind, layout, verdict, why, yes = line.rstrip("\n").split("|")[:6]
            case = fault, kind, layout
            tried[case, kernel] += 1
            right[case, kernel] += yes == "yes"
            said[case].add((verdict, why))
    print("|", " | ".join(["fault", "device", "ring", "verdict", "evidence", *kernels]), "|")
    print("|" + " --- |" * (5 + len(kernels)))
    for case, verdicts in said.items():
        fault, kind, layout = case
        verdicts = [" or ".join(sorted(set(part))) for part in zip(*verdicts)]
        counts = (f"{right[case, kernel]} of {tried[case, kernel]}" if tried[case, kernel] else "not tried"
                  for kernel in kernels)
        print("|", " | ".join([fault, NAMES[kind], layout, *verdicts, *counts]), "|")


def main():
    what, *arguments = sys.argv[1:]
    if what == "run":
        run(int(arguments[0]), arguments[1:])
    elif what == "table":
        table(arguments[0])
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
