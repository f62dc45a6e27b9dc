#!/usr/bin/python3
"""Runs in a guest: makes queues stall and holds what vringtop says against what the device counted.

Usage: stalls.py faults ROUNDS FAULT...   of the entropy device (tests/device); prints for each
                                          "FAULT RIGHT of CASES", and what was wrong
       stalls.py disk                     stops the backends of two disks, through QEMU's monitor
       stalls.py calm SECONDS             prints every alarm; there must be none
"""
import glob
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time

import faults as inject

# What a queue may stand still for; a busy machine makes a device stand as well.
AFTER = int(os.environ.get("AFTER") or 800)  # ms
# Long enough for a tool that starts once another one has told it, on a busy machine.
PAUSE = 2 * AFTER + 15000
# The entropy device of every guest: QEMU's own ones, where a test adds them, come after it.
RNG = min((os.path.basename(path) for path in glob.glob("/sys/bus/virtio/drivers/virtio_rng/virtio*")),
          key=lambda name: int(name[6:]))


class Port:
    """A virtio port that answers a line with a line."""

    def __init__(self, name):
        self.port = os.open("/dev/virtio-ports/" + name, os.O_RDWR)
        self.rest = b""

    def line(self):
        while b"\n" not in self.rest:
            self.rest += os.read(self.port, 4096)
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def ask(self, text):
        os.write(self.port, text.encode() + b"\n")
        return self.line()


class Device(Port):
    def __init__(self):
        super().__init__("vringtop.rng")

    def tell(self, text):
        answer = self.ask(text)
        if answer != "ok":
            raise SystemExit(f"the device does not take '{text}': {answer}")

    def report(self):
        return json.loads(self.ask("report"))


class Reader(threading.Thread):
    """Reads entropy again and again, and knows when the last two reads began (time.monotonic())."""

    def __init__(self):
        super().__init__(daemon=True)
        self.before = self.began = time.monotonic()
        self.reads = 0
        self.start()

    def run(self):
        while True:
            try:
                rng = os.open("/dev/hwrng", os.O_RDONLY)
                while True:
                    self.before, self.began = self.began, time.monotonic()
                    os.read(rng, 64)
                    self.reads += 1
                    time.sleep(0.02)
            except OSError:  # there is none for a moment
                time.sleep(0.1)


class Watch:
    """vringtop stalls --watch --json, and its events as they come."""

    def __init__(self, *options):
        self.tool = subprocess.Popen(["vringtop", "stalls", "--watch", "--json", *options],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.rest = b""
        said = self.tool.stderr.readline().decode()
        if not said.startswith("Watching"):
            raise SystemExit(f"vringtop does not watch: {said}")

    def event(self, seconds):
        """The next one; None if there is none in time."""
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            left = max(0, end - time.monotonic())
            if not select.select([self.tool.stdout], [], [], left)[0]:
                return None
            got = os.read(self.tool.stdout.fileno(), 65536)
            if not got:
                return None
            self.rest += got
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def end(self):
        self.tool.send_signal(signal.SIGINT)
        return self.tool.wait(timeout=300)


def once(*options):
    done = subprocess.run(["vringtop", "stalls", "--json", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if not done.stdout:
        raise SystemExit(f"vringtop stalls: status {done.returncode}: {done.stderr.decode()}")
    return done.returncode, json.loads(done.stdout)


def lines_of(name):
    """The sum of a line of /proc/interrupts."""
    for line in open("/proc/interrupts"):
        words = line.split()
        if words and words[-1] == name:
            return sum(int(word) for word in words[1:1 + os.cpu_count()])
    return None


def irq_of(name):
    """The number of the line of /proc/interrupts that ends with a name."""
    for line in open("/proc/interrupts"):
        if line.split()[-1] == name:
            return int(line.split(":")[0])
    return None


def position(report, name):
    """A position of the device, as the ring has it: an index, or an offset and a wrap counter."""
    if report["layout"] == "packed":
        return report["next_" + name], report[name + "_wrap"]
    return report["next_" + name]


def behind(report, place, by):
    """The position that is by buffers before another one, each of one descriptor."""
    if report["layout"] != "packed":
        return (place - by) & 0xffff
    at, wrap = place
    return (at - by) % report["size"], wrap ^ (1 if not 0 <= at - by < report["size"] else 0)


def shown(stall):
    """What vringtop shows of the ring: where the driver adds, what it fetched, where the device is."""
    ring, packed = stall["ring"], "driver_event" in stall["ring"]
    driver = ring["driver"]
    if packed:
        event = ring["device_event"]
        return {
            "avail": (driver["next_avail"], driver["next_avail_wrap"]),
            "last": (driver["last_used"], driver["last_used_wrap"]),
            "event": (event["desc_event_off"], event["desc_event_wrap"]),
            "flags": event["desc_event_flags_set"],
        }
    return {
        "avail": ring["virtq_avail"]["idx"],
        "last": driver["last_used"],
        "used": ring["virtq_used"]["idx"],
        "event": ring["virtq_used"].get("avail_event"),
        "flags": {0: "ENABLE", 1: "DISABLE"}[ring["virtq_used"]["flags"]],
    }


def expected(fault, report):
    """What is to be shown, out of what the device says of itself."""
    used, taken = position(report, "used"), position(report, "avail")
    ahead = behind(report, taken, -1)  # the driver added one that the device did not take
    in_flight = {"in_flight": 1, "used": 0, "with_device": 1, "not_looked_at": 0}
    packed = report["layout"] == "packed"
    by_index = "event_idx" in report["negotiated"]
    want = {"avail": ahead, "last": used, "used": used, "event": taken,
            "flags": "DESC" if packed else "ENABLE"}
    if fault in ("stop-after", "pause-after"):
        said = "device-has-used-nothing", "doorbell-due", dict(in_flight, not_looked_at=1)
        if not by_index:
            said = said[0], "doorbell-due-no-event-index", in_flight
    elif fault == "no-interrupt-after":
        said = ("driver-did-not-fetch", "interrupt-due",
                {"in_flight": 1, "used": 1, "with_device": 0, "not_looked_at": 0})
        want.update(avail=taken, last=behind(report, used, 1))
    elif fault == "stale-avail-event-after":
        said = "driver-did-not-ring", "avail-event", in_flight
        want["event"] = behind(report, taken, 1)
    elif fault == "no-notify-after":
        said = "device-has-used-nothing", "device-flags", in_flight
        want["flags"] = "DISABLE"
        want.pop("event")
    elif fault == "hold":
        said = "device-holds-buffers", "buffers-taken", in_flight
        want["avail"] = taken
    elif fault == "wrong-id-after":
        said = "queue-is-broken", "broken", None
        want = {}
    if not by_index:
        want.pop("event", None)
    if packed:
        want.pop("used", None)
    return said, want


def differences(fault, report, stall):
    """What is wrong with a stall."""
    said, want = expected(fault, report)
    wrong = []
    got = stall["verdict"], stall["why"], stall["buffers"] if said[2] else None
    # The flag keeps the driver from ringing. vringtop knows that only if no earlier read rang
    # between the two polls that the last add was seen between.
    if fault == "no-notify-after" and got[0] == "driver-did-not-ring":
        said = got[0], *said[1:]
    if got != said:
        wrong.append(f"says {got} instead of {said}")
    ring = shown(stall)
    for key, value in want.items():
        if ring[key] != value:
            wrong.append(f"{key} {ring[key]} instead of {value}")
    if stall["queue"]["device"] != RNG or stall["queue"]["index"] != 0:
        wrong.append(f"on {stall['queue']}")
    if fault == "no-interrupt-after":
        truth = {"irq": irq_of(RNG + "-input"), "count": lines_of(RNG + "-input"), "since": 0}
        if stall.get("interrupts") != truth:
            wrong.append(f"interrupts {stall.get('interrupts')} instead of {truth}")
    return wrong


def one_case(device, watch, reader, fault):
    """A fault, seen by a tool that ran before and by one that starts after it. Returns what is wrong."""
    wrong = []
    while watch.event(0):
        pass
    before = device.report()
    began = time.monotonic()
    if fault == "hold":
        device.tell(f"hold {PAUSE}ms")
    else:
        if fault == "pause-after":
            device.tell(f"pause-for {PAUSE}ms")
        device.tell(fault + " 3")
    event = watch.event(300)
    told = time.monotonic()
    # A busy machine lets the device stand by itself, before the fault: that stall is over before the fault's begins.
    while event and (event["event"] != "stalled" or differences(fault, device.report(), event)):
        later = watch.event(30)
        if not later or event["event"] == later["event"] == "stalled":
            break
        event, told = later, time.monotonic()
    if not event or event["event"] != "stalled":
        device.tell("hold 0ms")
        device.tell("resume")
        return [f"before: no stall was told: {event}"]
    # The driver asks for more as soon as it has given what came: in the read before the one that waits.
    earliest = reader.before
    wrong += ["before: " + text for text in differences(fault, device.report(), event)]
    if fault in ("stop-after", "pause-after"):
        # The doorbell that was ignored was seen, and with notification data what it said.
        report = device.report()
        if report["kicks_ignored"] != before["kicks_ignored"] + 1:
            wrong.append(f"the device ignored {report['kicks_ignored'] - before['kicks_ignored']} kicks")
        at = behind(report, position(report, "avail"), -1)
        data = at[0] << 16 | at[1] << 31 if report["layout"] == "packed" else at << 16
        bell = event.get("last_doorbell", {})
        if bell.get("notification_data") != data:
            wrong.append(f"before: the doorbell is {bell} instead of {data}")
        if not 0 <= bell.get("ago_ns", -1) <= (time.monotonic() - began) * 1e9:
            wrong.append(f"before: the doorbell is {bell}")
    status, all_ = once("--after", f"{AFTER}ms", "-D", "virtio_rng")
    report = device.report()
    if status != 3 or len(all_["stalled"]) != 1 or not all_["stalled"][0]["or_longer"]:
        wrong.append(f"after: status {status}: {all_['stalled']}")
    else:
        wrong += ["after: " + text for text in differences(fault, report, all_["stalled"][0])]
    # The queue stands still at least from the event until it may go on.
    may_go_on = began + PAUSE / 1000 if fault in ("pause-after", "hold") else time.monotonic()
    if fault == "hold":
        device.tell("hold 0ms")
    if fault == "wrong-id-after":
        driver = "/sys/bus/virtio/drivers/virtio_rng/"
        device.tell("resume")
        open(driver + "unbind", "w").write(RNG)
        open(driver + "bind", "w").write(RNG)
    elif fault != "pause-after":  # that one ends by itself
        device.tell("resume")
    over = watch.event(300)
    ended = time.monotonic()
    if not over or over["event"] != ("gone" if fault == "wrong-id-after" else "over"):
        return wrong + [f"it is never over: {over}"]
    if over["was"] != event["verdict"]:
        wrong.append(f"over: was {over['was']}")
    reads, end = reader.reads, time.monotonic() + 300
    while reader.reads == reads and time.monotonic() < end:
        time.sleep(0.01)  # the read that waited comes back, or did, and the next one does
    least, length, most = event["still_ns"] / 1e9 + may_go_on - told, over["stalled_ns"] / 1e9, ended - earliest
    if fault != "wrong-id-after" and not least <= length <= most:
        wrong.append(f"length {length:.3f} s instead of {least:.3f} to {most:.3f} s")
    return wrong


def faults(rounds, names):
    device, reader = Device(), Reader()
    watch = Watch("--after", f"{AFTER}ms", "-D", "virtio_rng")
    for name in names:
        right = 0
        for _ in range(rounds):
            wrong = one_case(device, watch, reader, name)
            right += not wrong
            for text in wrong:
                print(f"wrong: {name}: {text}")
            while wrong and watch.event(1):
                pass
        print(f"{name} {right} of {rounds}", flush=True)
    print("status", watch.end())


def disk():
    """All of a disk's requests but the first are stopped; how many are so, the block layer says."""
    monitor = inject.Monitor()
    for drive in "split", "packed":
        name, = (path.split("/")[3] for path in glob.glob("/sys/block/vd*/serial")
                 if open(path).read().strip() == drive)
        watch = Watch("--after", f"{AFTER}ms")
        # The block layer's queue of each CPU; they are in the order of the device's.
        queue = len(glob.glob(f"/sys/block/{name}/mq/*")) - 1
        cpu = open(f"/sys/block/{name}/mq/{queue}/cpu_list").read().split(",")[0].strip()
        dd = ["taskset", "-c", cpu, "dd", f"if=/dev/{name}", "of=/dev/null", "bs=4k", "count=1", "iflag=direct",
              "status=none"]
        with monitor.throttled(device=drive):
            readers = [subprocess.Popen([*dd, f"skip={i}"]) for i in range(4)]
            event = watch.event(300) or {"queue": {}, "buffers": {}}
            in_flight = sum(int(n) for n in open(f"/sys/block/{name}/inflight").read().split())
            waiting = sum(reader.poll() is None for reader in readers)
            again = watch.event(1)
        over = watch.event(300) or {}
        status = [reader.wait(timeout=300) for reader in readers]
        told = event["queue"]
        print(f"{drive}: {told.get('role') == name} {told.get('index') == queue} {told.get('layout')}"
              f" {event.get('verdict')}, in flight {event['buffers'].get('in_flight')}; truth"
              f" {in_flight} {waiting}; then {again} {over.get('event')}, reads {sum(status)},"
              f" status {watch.end()}")


def calm(seconds):
    """What must not be taken for a stall, one after the other, a part of the time for each."""
    share = seconds / 8
    device = Device()
    watch = Watch()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

    def until(end, step):
        n = 0
        while time.monotonic() < end:
            step(n)
            n += 1

    def bursts(_):
        if share > 20:  # fio takes seconds to start
            jobs = [f"--name={name} --filename=/dev/{name}" for name in ("vda", "vdb", "sda")]
            subprocess.run(["fio", "--direct=1", "--rw=randrw", "--bs=4k", "--iodepth=4", "--ioengine=io_uring",
                            "--time_based", f"--runtime={share - 5:.0f}", "--thinktime=1500ms",
                            "--thinktime_blocks=200", *" ".join(jobs).split()], **quiet, check=True)
            return
        subprocess.run(["dd", "if=/dev/vda", "of=/dev/null", "bs=64k", "count=200", "iflag=direct"], **quiet)
        subprocess.run(["dd", "if=/dev/zero", "of=/dev/vdb", "bs=4k", "count=200", "oflag=direct"], **quiet)
        subprocess.run(["dd", "if=/dev/sda", "of=/dev/null", "bs=64k", "count=100", "iflag=direct"], **quiet)
        time.sleep(1.3)

    def flood(_):
        subprocess.run(["ip", "netns", "exec", "vr0", "ping", "-q", "-f", "-w", "1", "10.77.0.2"], **quiet)

    def lone(_):
        subprocess.run(["ip", "netns", "exec", "vr0", "ping", "-q", "-c", "1", "10.77.0.2"], **quiet)
        time.sleep(1.2)

    longest = 0

    def slow(_):
        nonlocal longest
        began = time.monotonic()
        with open("/dev/hwrng", "rb", buffering=0) as rng:
            rng.read(64)
        longest = max(longest, time.monotonic() - began)

    def interface(netns):
        links = subprocess.run(["ip", "-n", netns, "-o", "link"], stdout=subprocess.PIPE, text=True).stdout
        name, = {line.split(": ")[1] for line in links.splitlines()} - {"lo"}
        return name

    def down(_):
        """What comes for an interface that is down stays in its ring."""
        for netns in "vr0", "vr1":
            name = interface(netns)
            subprocess.run(["ip", "-n", netns, "link", "set", name, "down"], check=True)
            subprocess.run(["ip", "netns", "exec", "vr0" if netns == "vr1" else "vr1", "ping", "-q", "-c", "2",
                            "-w", "2", "10.77.0.1" if netns == "vr0" else "10.77.0.2"], **quiet)
            subprocess.run(["ip", "-n", netns, "link", "set", name, "up"], check=True)

    def resets(n):
        for netns in "vr0", "vr1":
            name = interface(netns)
            size = str([128, 256][n % 2])
            # Such a change resets the queues.
            if subprocess.run(["ip", "netns", "exec", netns, "ethtool", "-G", name, "rx", size, "tx", size],
                              **quiet).returncode:
                print("no reset of", netns)
        flood(n)

    def late(n):
        """Without NAPI, what was transmitted stays in the ring until something else is."""
        for netns in ("vr0", "vr1") if not n else ():
            name = interface(netns)
            for command in (f"ip link set {name} down", f"ethtool -C {name} tx-frames 0", f"ip link set {name} up"):
                subprocess.run(["ip", "netns", "exec", netns, *command.split()], **quiet, check=True)
        lone(n)

    parts = {"idle": lambda _: time.sleep(0.5), "disks with pauses": bursts, "ping flood": flood,
             "a packet now and then": lone, "a device that holds all for 900 ms": slow, "an interface down": down, "resets": resets,
             "packets without NAPI": late}
    for name, step in parts.items():
        if step is slow:
            device.tell("hold 900ms")
        until(time.monotonic() + share, step)
        if step is slow:
            device.tell("hold 0ms")
        while True:
            event = watch.event(0)
            if not event:
                break
            # The device of a busy machine may wake up too late to use its buffer within a second.
            if step is slow and event["queue"]["device"] == RNG and longest >= 1:
                continue
            print(f"alarm: {name}: {event['event']} {event['queue']['device']} {event['queue']['name']}"
                  f" {event['verdict']}: {event['reason']}")
        print("calm", name, flush=True)
    print("status", watch.end())


def main():
    what, *arguments = sys.argv[1:]
    if what == "faults":
        faults(int(arguments[0]), arguments[1:])
    elif what == "disk":
        disk()
    elif what == "calm":
        calm(float(arguments[0]))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
