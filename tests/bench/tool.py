#!/usr/bin/python3
"""In a guest with the exerciser loaded: what the live view takes, and bpftrace with the same counts.

Usage: tool.py QUEUES [REPETITIONS]
Prints lines of NAME=VALUE. The exerciser has so many queues, all of which move between two refreshes;
the guest's own devices have some more.
"""
import fcntl
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = "/sys/kernel/debug/vring_exerciser/run"
INTERVAL = 0.5
REFRESHES = 20


def run_to_end(command, first):
    """Runs it on a terminal; returns s until `first` is printed, CPU s of it, its last and its largest RSS, KiB."""
    start = time.monotonic()
    pid, terminal = pty.fork()
    if not pid:
        os.environ["TERM"] = "xterm"
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
        os.execvp(command[0], command)
    seen, appeared, size, most, output = b"", None, 0, 0, b""
    while True:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        try:
            text = os.read(terminal, 65536) if ready else b""
        except OSError:  # it has ended
            break
        if ready and not text:
            break
        output = (output + text)[-4096:]
        if appeared is None:
            seen = (seen + text)[-100000:]
            if first in seen:
                appeared = time.monotonic() - start
        try:
            with open(f"/proc/{pid}/status") as status:
                memory = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+)", status.read(), re.M))
            if memory:  # else it is about to end
                size, most = int(memory["VmRSS"]), max(most, int(memory["VmHWM"]))
        except OSError:
            pass
    _, status, usage = os.wait4(pid, 0)
    if status or appeared is None:
        sys.exit(f"{' '.join(command)} ended with status {status}: {output.decode(errors='replace')}")
    return appeared, usage.ru_utime + usage.ru_stime, size, most


def vringtop(refreshes):
    return run_to_end(["vringtop", "top", str(INTERVAL), str(refreshes)], b"DEVICE")


def bpftrace(refreshes):
    with open(f"{HERE}/events.bt") as program, tempfile.NamedTemporaryFile("w", suffix=".bt") as longer:
        longer.write(program.read() + f"""
            interval:ms:{int(INTERVAL * 1000)}
            {{
                print(@ns);
                @refreshes++;
                if (@refreshes == {refreshes}) {{ exit(); }}
            }}
            END {{ clear(@ns); }}""")
        longer.flush()
        os.environ["BPFTRACE_MAP_KEYS_MAX"] = "16384"
        return run_to_end(["bpftrace", longer.name], b"@ns[")


def system_calls(refreshes):
    with tempfile.NamedTemporaryFile("r") as summary:
        subprocess.run(["strace", "-f", "-c", "-o", summary.name, "vringtop", "stat", "0.2", str(refreshes)],
                       check=True, stdout=subprocess.DEVNULL)
        return int(re.search(r"(\d+)\s+(?:\d+\s+)?total", summary.read()).group(1))


def load(queues, stop):
    while not stop.is_set():
        with open(RUN, "w") as run:
            run.write(f"mode=round queues={queues} rounds=10")
        stop.wait(0.1)


def main():
    queues = int(sys.argv[1])
    repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    stop = threading.Event()
    loading = threading.Thread(target=load, args=(queues, stop))
    loading.start()
    try:
        tools, ratios = {"vringtop": [], "bpftrace": []}, []
        for _ in range(repetitions):
            for name, tool in ("vringtop", vringtop), ("bpftrace", bpftrace):
                first, less, _, _ = tool(1)
                _, more, size, most = tool(REFRESHES + 1)
                tools[name].append((first, (more - less) / REFRESHES * 1000, size / 1024, most / 1024))
            ratios.append(tools["vringtop"][-1][0] / tools["bpftrace"][-1][0])
        for name, runs in tools.items():
            first, refresh, size, most = (statistics.median(column) for column in zip(*runs))
            print(f"tool={name} queues={queues} first_s={first:.3f} refresh_ms={refresh:.3f} rss_mib={size:.2f} peak_mib={most:.2f}")
        calls = (system_calls(11) - system_calls(1)) / 10
        print(f"tool=vringtop-more queues={queues} first_ratio={statistics.median(ratios):.4f} calls={calls:.1f}")
    finally:
        stop.set()
        loading.join()


main()
