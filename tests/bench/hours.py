#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Lets `vringtop export` run for hours of a guest's time, and tells what it then is like.

Usage: hours.py HOURS     (in a guest whose clock runs ahead while it is idle; docs/fleet.md has the command)

Each minute 1 MiB is read from a disk in 16 requests, and the metrics are scraped. Requests and bytes must
then be what the disk's own statistics say (Documentation/block/stat.rst), and nothing may be lost. Prints a
line at the start, and after 1, 10, 100 hours: memory of the exporter (/proc), CPU time, the counters.
Ends with status 1 at the first wrong figure.
"""
import http.client, mmap, os, re, subprocess, sys, time

HOURS = float(sys.argv[1])
PORT = 9842
PIECE, PIECES = 65536, 16

def disk_of(serial):
    for disk in sorted(os.listdir("/sys/block")):
        try:
            if open(f"/sys/block/{disk}/serial").read().strip() == serial:
                return disk
        except OSError:
            pass
    sys.exit(f"no disk has the serial number {serial}")

DISK = disk_of("split")
DEVICE = os.path.basename(os.path.realpath(f"/sys/block/{DISK}/device"))

def disk_stat():
    """Requests and sectors that the disk has read."""
    fields = open(f"/sys/block/{DISK}/stat").read().split()
    return int(fields[0]), int(fields[2])

def scrape():
    client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=600)
    client.request("GET", "/metrics")
    text = client.getresponse().read().decode()
    client.close()
    return text

def value(text, name, device=None):
    labels = rf'{{device="{device}",queue="\d+"}}' if device else ""
    return sum(float(n) for n in re.findall(rf"^vringtop_{name}{labels} (\S+)$", text, re.M))

def figures(text):
    return value(text, "requests_total", DEVICE), value(text, "written_bytes_total", DEVICE)

def memory(pid):
    """Of a process and its threads: kB in memory, kB of its own data."""
    status = open(f"/proc/{pid}/status").read()
    return [int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1]) for name in ("VmRSS", "VmData")]

exporter = subprocess.Popen(["vringtop", "export", "--listen", f"127.0.0.1:{PORT}"], stderr=subprocess.PIPE, text=True)
said = exporter.stderr.readline()
assert "Serving" in said, said

disk = os.open(f"/dev/{DISK}", os.O_RDONLY | os.O_DIRECT)
buffer = mmap.mmap(-1, PIECE) # aligned, as O_DIRECT wants it
time.sleep(3)
first, first_stat = figures(scrape()), disk_stat()
begin, host_begin = time.monotonic(), time.process_time()
marks = [0, 1, 10, 100, 1000]
minutes = 0

def tell(hours, text):
    rss, data = memory(exporter.pid)
    print(f"{hours:.2f} h: RSS {rss} kB, data {data} kB, CPU {value(text, 'cpu_seconds_total'):.0f} s;",
          f"{minutes} scrapes; {DISK}: {value(text, 'requests_total', DEVICE):.0f} requests,",
          f"{value(text, 'written_bytes_total', DEVICE):.0f} bytes;",
          f"times {value(text, 'request_duration_seconds_sum', DEVICE):.1f} s;",
          f"lost {value(text, 'lost_events_total'):.0f}", flush=True)

tell(0, scrape())
while True:
    hours = (time.monotonic() - begin) / 3600
    for piece in range(PIECES):
        os.preadv(disk, [buffer], (minutes * PIECES + piece) % 4096 * PIECE)
    time.sleep(2) # the counters are read once a second
    text, stat = scrape(), disk_stat()
    requests, sectors = (now - then for now, then in zip(stat, first_stat))
    # A status of one byte is written with each request: virtio 1.3, section 5.2.6.
    expected = (first[0] + requests, first[1] + 512 * sectors + requests)
    if figures(text) != expected or value(text, "lost_events_total"):
        sys.exit(f"after {hours:.2f} h: requests, bytes {figures(text)}, the disk says {expected}; {text[:3000]}")
    minutes += 1
    while marks and hours >= marks[0]:
        if marks.pop(0):
            tell(hours, text)
    if hours >= HOURS:
        tell(hours, text)
        break
    time.sleep(58)
exporter.send_signal(2)
sys.exit(exporter.wait(600))
