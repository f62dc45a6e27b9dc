#!/usr/bin/python3
"""Runs in a guest with many queues: what vringtop shows of them, and what that takes.

Usage: many_queues.py    prints "VERB: QUEUES SHOWN|NOT SHOWN|KERNEL MEMORY|RESIDENT|START-UP" for `stat` and
                         `stalls`; memory in KiB (the kernel's: 0 without control groups for memory), times in
                         ms; then "record: STATUS|QUEUES IN THE RECORDING|NOT IN IT|WORDS" for --events
"""
import contextlib
import glob
import json
import os
import subprocess
import time

GROUP = "/sys/fs/cgroup/vringtop"


def kernel_memory():
    """KiB of kernel memory of the group's processes."""
    with contextlib.suppress(FileNotFoundError):
        for line in open(GROUP + "/memory.stat"):
            if line.startswith("kernel "):
                return int(line.split()[1]) // 1024
    return 0


def resident(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def join_group():
    with contextlib.suppress(FileNotFoundError), open(GROUP + "/cgroup.procs", "w") as f:
        f.write(str(os.getpid()))


def measure(verb, *options):
    """Starts a verb that goes on, and measures when it has shown its first queues."""
    before = kernel_memory()
    began = time.monotonic()
    tool = subprocess.Popen(["vringtop", verb, "--json", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            preexec_fn=join_group)
    if verb == "stalls":
        tool.stderr.readline()  # it watches
        took = time.monotonic() - began
        done = subprocess.run(["vringtop", "stalls", "--json", "--after", "100ms"], stdout=subprocess.PIPE)
        first = json.loads(done.stdout)
        shown = first["queues"]
    else:
        first = json.loads(tool.stdout.readline())
        took = time.monotonic() - began - first["interval_ns"] / 1e9
        shown = len(first["queues"])
    print(f"{verb}: {shown}|{first['queues_not_shown']}|{kernel_memory() - before}|{resident(tool.pid)}|{took * 1000:.0f}",
          flush=True)
    tool.terminate()
    tool.communicate()


def main():
    with contextlib.suppress(OSError):
        open("/sys/fs/cgroup/cgroup.subtree_control", "w").write("+memory")
        os.mkdir(GROUP)
    # All ports of a device are there when its driver has read of them.
    until = time.monotonic() + 60
    while time.monotonic() < until and not glob.glob("/sys/bus/virtio/drivers/virtio_console/virtio*"):
        time.sleep(0.1)
    measure("stat", "1")
    measure("stalls", "--watch")
    # Single operations have room for fewer queues, and say so.
    done = subprocess.run(["vringtop", "record", "--events", "-o", "/tmp/many.vt", "--", "sleep", "0.1"],
                          stderr=subprocess.PIPE, text=True)
    words = [line for line in done.stderr.splitlines() if "not in the recording" in line]
    shown, hidden = (subprocess.run(["sqlite3", "/tmp/many.vt", ask], stdout=subprocess.PIPE, text=True).stdout.strip()
                     for ask in ("SELECT count(*) FROM queue", "SELECT value FROM info WHERE key = 'queues_not_shown'"))
    print(f"record: {done.returncode}|{shown}|{hidden}|{' '.join(words)}")


main()
