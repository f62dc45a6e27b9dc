#!/usr/bin/python3
"""In a guest with the exerciser loaded: what recordings take, and what they miss.

Usage: recording.py [SECONDS]    (of load for each)
Prints lines of NAME=VALUE: each recorder under the highest rate that the exerciser reaches, and those of
single operations under 200,000 operations a second; then the size of vringtop's default recording.
"""
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time

FILES = "/sys/kernel/debug/vring_exerciser/"
OPS = ["add", "kick_prepare", "get", "notify"]
EVENTS = [f"-evirtio_ring:virtqueue_{op}" for op in OPS]
SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 5
RATE = 200000  # operations a second, in bursts
BURSTS = 50  # a second


def write(name, text):
    with open(name, "w") as file:
        file.write(text)


def run(words):
    write(FILES + "run", words)


def calls():
    """Of the last run: of the operations that are recorded, on the exerciser's queues."""
    with open(FILES + "counts") as counts:
        return sum(int(n) for op, n in re.findall(r" op=(\S+) calls=(\d+)", counts.read()) if op in OPS)


def full_speed():
    """Rounds as fast as they go; returns the operations, and s."""
    run("mode=round rounds=1000000000 notify=1 wait=0")
    start = time.monotonic()
    time.sleep(SECONDS)
    run("stop")
    took = time.monotonic() - start
    before = -1
    while before != calls():  # it ends a little later
        before = calls()
        time.sleep(0.2)
    return before, took


def paced():
    """The same at a given rate, if that can be reached."""
    rounds = RATE // BURSTS // len(OPS)
    start, total = time.monotonic(), 0
    for burst in range(1, int(SECONDS * BURSTS) + 1):
        run(f"mode=round rounds={rounds} notify=1")
        total += rounds * len(OPS)
        time.sleep(max(0, start + burst / BURSTS - time.monotonic()))
    return total, time.monotonic() - start


def asked(file, query):
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as recording:
        return [value or 0 for value in recording.execute(query).fetchone()]


def of_vringtop(file, total):
    """Recorded, and lost operations."""
    count, lost = asked(file, "SELECT (SELECT sum(count) FROM op WHERE op < 19), (SELECT sum(lost) FROM interval)")
    return count, lost


def of_vringtop_events(file, total):
    count, dropped, lost = asked(file, """
        SELECT (SELECT sum(count) FROM events), (SELECT value FROM info WHERE key = 'events_dropped') + 0,
            (SELECT sum(lost) FROM interval)""")
    return count, dropped + lost


def of_perf(file, total):
    stats = subprocess.run(["perf", "report", "--stats", "-i", file], check=True, text=True, capture_output=True).stdout
    count = int(re.search(r"SAMPLE events:\s+(\d+)", stats).group(1))
    return count, max(0, total - count)


def of_trace_cmd(file, total):
    stats = subprocess.run(["trace-cmd", "report", "--stat", "-i", file], check=True, text=True,
                           capture_output=True).stdout
    count = sum(map(int, re.findall(r"read events: (\d+)", stats)))
    return count, max(0, total - count)


RECORDERS = {
    "record": (["vringtop", "record", "-o"], ["--"], of_vringtop),
    "record_events": (["vringtop", "record", "--events", "-o"], ["--"], of_vringtop_events),
    "perf": (["perf", "record", "-q", "-a", *EVENTS, "-o"], ["--"], of_perf),
    "trace_cmd": (["trace-cmd", "record", "-q", *[word for e in EVENTS for word in ("-e", e[2:])], "-o"], [],
                  of_trace_cmd),
}


def recorded(folder, name, work):
    """Runs something while a recorder records; returns what that gave, and the recording."""
    before, between, _ = RECORDERS[name]
    file, started = f"{folder}/{name}", f"{folder}/started"
    with open(f"{folder}/messages", "w") as messages:
        # They run a command once they record, and end with it.
        recorder = subprocess.Popen([*before, file, *between, "sh", "-c",
                                     f"echo >{started}; while [ -e {started} ]; do sleep 0.1; done"],
                                    stdout=messages, stderr=messages)
        while not os.path.exists(started):
            if recorder.poll() is not None:
                sys.exit(f"{name} ended: {open(f'{folder}/messages').read()}")
            time.sleep(0.05)
        result = work()
        os.unlink(started)
        if recorder.wait():
            sys.exit(f"{name} failed: {open(f'{folder}/messages').read()}")
    return result, file


def rates(folder):
    for name, work, kind in (
            *((name, full_speed, "full") for name in RECORDERS),
            ("record_events", paced, "paced")):
        (total, took), file = recorded(folder, name, work)
        size = os.path.getsize(file)
        count, lost = RECORDERS[name][2](file, total)
        print(f"recorder={name} speed={kind} operations={total} rate={total / took:.0f} recorded={count} lost={lost}"
              f" bytes_per_op={size / max(count, 1):.2f}", flush=True)
        # What was not lost must be there: each operation of the exerciser, and those of other queues.
        if name.startswith("record") and count + lost < total:
            sys.exit(f"{name} has {count} operations and lost {lost}, but {total} were called")
        os.unlink(file)


def size_after(folder, seconds, queues):
    def work():
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if queues:
                run(f"mode=round notify=1 rounds=20 queues={queues}")
            time.sleep(0.1)

    _, file = recorded(folder, "record", work)
    intervals, = asked(file, "SELECT count(*) FROM interval")
    size = os.path.getsize(file)
    os.unlink(file)
    return size, intervals


def main():
    with tempfile.TemporaryDirectory() as folder:
        rates(folder)
        run("mode=round notify=1 rounds=1 queues=64")
        for queues in 64, 0:
            less, n = size_after(folder, 4, queues)
            more, m = size_after(folder, 24, queues)
            per_interval = (more - less) / (m - n)
            print(f"recorder=record busy_queues={queues} bytes_per_interval={per_interval:.0f}")


main()
