#!/usr/bin/python3
"""Makes a table and a JSON file of what bench.sh measured.

Usage: table.py DIRECTORY JSON
"""
import json
import subprocess
import sys

# Operations in a round of the exerciser, without and with a doorbell.
OPS = {0: 3, 1: 4}
LAYOUTS = ["split", "packed", "split_in_order", "packed_in_order"]


def number(text):
    for kind in int, float:
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def read(folder, part):
    try:
        with open(f"{folder}/{part}.txt") as lines:
            return [{key: value if key == "kernel" else number(value)
                     for key, value in (word.split("=", 1) for word in line.split())} for line in lines]
    except FileNotFoundError:
        return []


class Table:
    def __init__(self, folder):
        self.figures = {part: read(folder, part) for part in ("cost", "peers", "growth", "tool", "recording")}
        self.rows = []

    def all(self, part, **which):
        return [f for f in self.figures[part] if all(f.get(key) == value for key, value in which.items())]

    def one(self, part, **which):
        found = self.all(part, **which)
        return found[0] if found else None

    def round(self, part, **which):
        found = self.one(part, **which)
        return found["instructions"] if found else None

    def added(self, part, watch, **which):
        """Instructions that are added to an operation."""
        which = {"notify": 0, **which}
        on, off = self.round(part, watch=watch, **which), self.round(part, watch="off", **which)
        return None if on is None or off is None else (on - off) / OPS[which["notify"]]

    def row(self, what, must, measured, peer="", value=None, most=None):
        """value: what must be at most `most`"""
        if not measured:
            return
        holds = None if most is None or value is None else value <= most
        self.rows.append({"what": what, "must": must, "measured": measured, "peer": peer, "value": value, "most": most,
                          "holds": holds})


def shown(values, digits=0):
    """Of several figures: the one, or the smallest and the largest."""
    values = sorted(values)
    least, most = (f"{v:.{digits}f}" for v in (values[0], values[-1]))
    return least if least == most else f"{least}..{most}"


def present(*values):
    return [v for v in values if v is not None]


def patch(t):
    for kernel, layouts in ("6.12", LAYOUTS[:2]), ("7.3", LAYOUTS):
        for layout in layouts:
            stock, patched = ([t.round("cost", kernel=k, layout=layout, notify=n, watch="off") for n in OPS]
                              for k in (f"{kernel}-stock", kernel))
            if None in (*stock, *patched):
                continue
            ratios = [p / s for p, s in zip(patched, stock)]
            t.row(f"patched against stock, tracing off, {kernel} {layout.replace('_', ' ')}", "<= 1.02",
                  f"{shown(ratios, 3)} ({patched[0]:.0f}; with a doorbell {patched[1]:.0f})",
                  f"stock {stock[0]:.0f}; {stock[1]:.0f}", max(ratios), 1.02)


def probe(t):
    for kernel, layouts in ("6.12", LAYOUTS[:2]), ("7.3", LAYOUTS):
        added, floor, bell, times = ([] for _ in range(4))
        for layout in layouts:
            which = {"kernel": kernel, "layout": layout}
            added += present(t.added("cost", "vringtop", **which))
            floor += present(t.added("cost", "floor", **which))
            bell += present(t.added("cost", "vringtop", notify=1, **which))
            timed, plain = (t.round("cost", watch=w, notify=0, **which) for w in ("vringtop-u", "vringtop"))
            if timed and plain:
                times.append(timed - plain)
        if not added:
            continue
        peers = [f"empty program {shown(floor)}"] if floor else []
        if kernel == "6.12":
            for watch in "trace-cmd", "hist-trigger", "bpftrace", "perf":
                value = t.added("peers", watch, kernel=kernel, layout="split")
                if value:
                    peers.append(f"{watch} {value:.0f}")
        t.row(f"added per operation, {kernel} with the series", "<= 260", f"{shown(added)}; with a doorbell {shown(bell)}",
              ", ".join(peers), max(added), 260)
        if times:
            t.row(f"time from available to used, {kernel}: more per buffer", "<= 250", shown(times), "", max(times), 250)
    which = [{"kernel": "6.12-stock", "layout": layout} for layout in LAYOUTS[:2]]
    added, floor = (present(*(t.added("cost", watch, **w) for w in which)) for watch in ("vringtop-functions", "floor-functions"))
    if added:
        peers = [f"empty pair {shown(floor)}"] if floor else []
        other = t.added("peers", "bpftrace-functions", kernel="6.12-stock", layout="split")
        if other:
            peers.append(f"bpftrace {other:.0f}")
        t.row("added per operation, stock 6.12, by functions", "<= 550", shown(added), ", ".join(peers), max(added), 550)
    stalls = present(*(t.added("cost", "stalls", kernel=k, layout=layout)
                       for k in ("6.12", "6.12-stock", "7.3") for layout in LAYOUTS[:2]))
    if stalls:
        t.row("added per operation by vringtop stalls --watch", "0", shown(stalls), "", max(stalls), 0)


def growth(t):
    for what, key, most in ("queues", "queues", 256), ("CPUs", "cpus", 8):
        fixed = {"cpus": 1} if key == "queues" else {"queues": 8}
        values = {f[key]: t.added("growth", "vringtop", **{key: f[key]}, **fixed)
                  for f in t.all("growth", watch="vringtop", **fixed)}
        if not values.get(1) or not values.get(most):
            continue
        grown = (values[most] / values[1] - 1) * 100
        t.row(f"growth per operation, 1 to {most} {what}", "<= 10 %",
              f"{grown:+.1f} % ({', '.join(f'{n}: {v:.0f}' for n, v in sorted(values.items()))})", "", grown, 10)


def tool(t):
    for queues in sorted({f["queues"] for f in t.figures["tool"]}):
        ours, peer, more = (t.one("tool", queues=queues, **w) for w in (
            {"tool": "vringtop"}, {"tool": "bpftrace"}, {"tool": "vringtop-more"}))
        if not (ours and peer and more):
            continue
        must = queues == 64
        t.row(f"start to first screen, {queues} queues", "<= 0.1 of bpftrace's", f"{more['first_ratio']:.3f} ({ours['first_s']:.2f} s)",
              f"bpftrace {peer['first_s']:.2f} s", more["first_ratio"], 0.1)
        t.row(f"resident memory, {queues} queues", "<= 12 MiB" if must else "", f"{ours['rss_mib']:.1f} MiB (while it starts {ours['peak_mib']:.1f})",
              f"bpftrace {peer['rss_mib']:.0f} MiB", ours["rss_mib"], 12 if must else None)
        t.row(f"one refresh, {queues} queues", "<= 10 ms of CPU" if must else "",
              f"{ours['refresh_ms']:.1f} ms, {more['calls']:.0f} system calls", f"bpftrace {peer['refresh_ms']:.1f} ms",
              ours["refresh_ms"], 10 if must else None)


def recording(t):
    busy, idle = (t.one("recording", recorder="record", busy_queues=n) for n in (64, 0))
    if busy and idle:
        per_queue = busy["bytes_per_interval"] / 64
        t.row("record: bytes per queue and interval", "<= 1024", f"{per_queue:.0f}", "", per_queue, 1024)
        t.row("record: bytes per interval, all queues idle", "", f"{idle['bytes_per_interval']:.0f}")
    peers = {name: t.one("recording", recorder=name, speed="full") for name in ("record", "record_events", "perf", "trace_cmd")}
    events = peers["record_events"]
    if events:
        t.row("record --events: bytes per operation", "<= 12", f"{events['bytes_per_op']:.1f}",
              ", ".join(f"{n} {f['bytes_per_op']:.0f}" for n, f in peers.items() if f and not n.startswith("record")),
              events["bytes_per_op"], 12)
    for f in t.all("recording", recorder="record_events", speed="paced"):
        t.row("record --events: lost of 200,000 operations/s", "0", f"{f['lost']} of {f['operations']} at {f['rate']}/s", "",
              f["lost"], 0)
    for name, f in peers.items():
        if f:
            t.row(f"{name}: lost at the highest rate", "", f"{100 * f['lost'] / (f['lost'] + f['recorded']):.1f} % at {f['rate']}/s")


def counts(t):
    ours = [f for part in ("cost", "growth") for f in t.figures[part] if f["watch"].startswith("vringtop")]
    if ours:
        calls, counted = (sum(f[key] for f in ours) for key in ("calls", "counted"))
        t.row("operations that vringtop counted while it was measured", "all", f"{counted} of {calls}", "", abs(calls - counted), 0)


def version(command):
    try:
        return subprocess.run(command, text=True, capture_output=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError):
        return ""


def main():
    folder, result = sys.argv[1:]
    t = Table(folder)
    for part in patch, probe, growth, tool, recording, counts:
        part(t)
    columns = ["what", "must", "measured", "peer"]
    widths = [max(len(r[c]) for r in [*t.rows, {c: c for c in columns}]) for c in columns]
    for row in [{c: c for c in columns}, *t.rows]:
        holds = {True: "", False: "  <- DOES NOT HOLD", None: ""}[row.get("holds")]
        print("  ".join(row[c].ljust(w) for c, w in zip(columns, widths)).rstrip() + holds)
    with open(result, "w") as file:
        json.dump({
            "rows": t.rows,
            "figures": t.figures,
            "tools": {name: version([name, "--version"]) for name in ("cc", "clang", "bpftrace", "perf", "trace-cmd")},
        }, file, indent=1)
        file.write("\n")


main()
