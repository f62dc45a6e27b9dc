#!/bin/bash
# What report makes of a recording from a guest under load: data against what the disks counted and
# against what the file's own tables say; the trace against the rules of its format; the page, and that
# of diff, in a browser.
. "$(dirname "$0")/lib.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
vringtop=$repo/build/vringtop rec=$dir/a.vt

# The disks' own counts, right before the load and right after it.
KERNEL=6.12 "$repo/scripts/vm.sh" "
	cd /tmp || exit
	vringtop record -u --events -i 0.5 -o a.vt -- bash -c '
		grep -H . /sys/block/vd?/stat >before
		dd if=/dev/vda of=/dev/null bs=4k count=2000 iflag=direct status=none & disk=\$!
		ip netns exec vr0 ping -q -i 0.01 -c 100 10.77.0.2 >/dev/null & net=\$!
		dd if=/dev/vdb of=/dev/null bs=16k count=1500 iflag=direct status=none || exit
		wait \$disk || exit
		wait \$net || exit
		grep -H . /sys/block/vd?/stat >after' >&2 || exit
	tar c a.vt before after" >"$dir/tar" 2>"$dir/said" </dev/null
status=$?
ok 'a guest records under load' test "$status" -eq 0
if ! tar xf "$dir/tar" -C "$dir" 2>/dev/null; then
	sed 's/^/# /' "$dir/said" >&2
	exit 1
fi

for form in json csv; do
	"$vringtop" report --$form "$rec" >"$dir/$form" 2>"$dir/$form.said"
	is "--$form: the exit status, and what is said" "$? $(<"$dir/$form.said")" '0 '
done
ok '--json: python reads it' python3 -m json.tool "$dir/json" "$dir/json.again"
"$vringtop" report "$rec" >"$dir/text"
is 'text: no line is longer than 80 characters' "$(grep -cE '.{81}' "$dir/text")" 0
for what in '^kernel    6\.12\.' '^virtio[0-9]+ +vda virtio_blk' 'vda req\.0' '^LAYOUTS' '^packed ' '^DOORBELLS' '^STAGES' \
	'^OPERATIONS' '^kick_prepare ' '^avail_to_used ' '^HISTOGRAMS' '\(exit status 0\)'; do
	ok "text: has '$what'" grep -qE -- "$what" "$dir/text"
done

# Each prints what is wrong, nothing if all is right.
check() { # NAME PYTHON-FILE ARGUMENT...
	local name=$1
	shift
	is "$name" "$(python3 "$@" 2>&1)" ''
}

cat >"$dir/data.py" <<'END'
import csv, json, sqlite3, sys
folder = sys.argv[1] + "/"
rows = list(csv.DictReader(open(folder + "csv", newline="")))
report = json.load(open(folder + "json"))
if not rows or any(None in r or None in r.values() for r in rows):
    print("rows of the wrong length, or none")

def moved(disk):
    "reads, by the statistics of the disk"
    def read(name):
        for line in open(folder + name):
            path, numbers = line.split(":")
            if path.split("/")[3] == disk:
                n = [int(x) for x in numbers.split()]
                return n[0]
    return read("after") - read("before")

def by_csv(role, op, what="count"):
    return sum(int(r[what]) for r in rows if r["role"] == role and r["operation"] == op)

for disk in "vda", "vdb":
    adds = by_csv(disk, "add") - by_csv(disk, "add", "refused")
    if adds != moved(disk) or adds < 100:
        print(f"{disk}: {adds} buffers, its own count is {moved(disk)}")

db = sqlite3.connect(folder + "a.vt")
names = dict(db.execute("SELECT op, name FROM operation"))
counted = {}
for queue, op, count, total in db.execute("SELECT queue, op, sum(count), sum(sum) FROM op GROUP BY queue, op"):
    counted[queue, names[op]] = [count, total]
got = {}
for r in rows:
    one = got.setdefault((int(r["serial"]), r["operation"]), [0, 0])
    one[0] += int(r["count"])
    one[1] += int(r["sum_ns"] or r["sum_buffers"] or 0)
if got != {k: v for k, v in counted.items() if v[0]}:
    print("csv is not what the tables say")
got = {}
for interval in report["intervals"] + [report["total"]]:
    for q in interval["queues"]:
        for op, o in q["ops"].items():
            one = got.setdefault((q["serial"], op), [0, 0])
            one[0] += o["count"]
            one[1] += o["sum_ns"]
want = {k: [2 * v[0], 2 * v[1]] for k, v in counted.items() if v[0] and not k[1].startswith("buffers_per_")}
if got != want:
    print("json is not what the tables say")
if len(report["intervals"]) != db.execute("SELECT count(*) FROM interval").fetchone()[0]:
    print("json has not all intervals")
END
check 'the CSV and the JSON are what the disks counted and what the tables say' "$dir/data.py" "$dir"

# The Trace Event Format: its kinds of events, what each must have, and that slices of a thread nest.
cat >"$dir/trace.py" <<'END'
import json, sys
folder = sys.argv[1] + "/"
trace = json.load(open(folder + "trace"))
report = json.load(open(folder + "json"))
meta = {"process_name": ("name", str), "process_labels": ("labels", str), "process_sort_index": ("sort_index", int),
        "thread_name": ("name", str), "thread_sort_index": ("sort_index", int)}
named, slices, in_flight, kinds = set(), {}, {}, {}
def must(right, what, e):
    if not right:
        print(what, e)
        sys.exit()
must(trace["displayTimeUnit"] in ("ms", "ns") and isinstance(trace["otherData"], dict), "head", trace.keys())
for e in trace["traceEvents"]:
    must(e["ph"] in "MCX" and type(e["pid"]) is int and type(e["tid"]) is int, "event", e)
    must(isinstance(e["name"], str) and isinstance(e["args"], dict), "name or args", e)
    if e["ph"] == "M":
        key, kind = meta[e["name"]]
        must(list(e["args"]) == [key] and type(e["args"][key]) is kind, "metadata", e)
        named.add((e["name"], e["pid"]))
        named.add((e["name"], e["pid"], e["tid"]))
        continue
    must(type(e["ts"]) in (int, float) and e["ts"] >= 0, "time", e)
    must(("process_name", e["pid"]) in named and ("thread_name", e["pid"], e["tid"]) in named, "no name", e)
    if e["ph"] == "C":
        must(e["args"] and all(type(v) in (int, float) for v in e["args"].values()), "counter", e)
        if e["name"].endswith(": in flight"):
            must(e["args"]["buffers"] >= 0, "less than no buffers", e)
            in_flight[e["pid"]] = in_flight.get(e["pid"], 0) + 1
    else:
        must(type(e["dur"]) in (int, float) and e["dur"] >= 0, "duration", e)
        kinds[e["name"]] = kinds.get(e["name"], 0) + 1
        slices.setdefault((e["pid"], e["tid"]), []).append((round(e["ts"] * 1000), -round((e["ts"] + e["dur"]) * 1000)))
for thread, all_of_it in slices.items():
    open_until = []
    for start, end in sorted(all_of_it):
        while open_until and open_until[-1] <= start:
            open_until.pop()
        must(not open_until or -end <= open_until[-1], "slices that do not nest", thread)
        open_until.append(-end)
info = report["recording"]
if sum(kinds.values()) != info["events"] or info["events"] < 1000:
    print(sum(kinds.values()), "slices,", info["events"], "operations")
total = {}
for q in report["total"]["queues"]:
    for op, o in q["ops"].items():
        total[op] = total.get(op, 0) + o["count"]
for measured in "avail_to_used", "interrupt", "queued", "doorbell", "device", "wakeup":
    total.pop(measured, None)
if sum(kinds.values()) + info["events_dropped"] != sum(total.values()):
    print(kinds, "slices, counted were", total, "and dropped", info["events_dropped"])
if len(in_flight) < 3:
    print("buffers in flight of", len(in_flight), "devices")
END
"$vringtop" report --perfetto "$dir/trace" "$rec" 2>"$dir/trace.said"
is '--perfetto: the exit status' "$?" 0
check 'the trace follows its format, and has every operation' "$dir/trace.py" "$dir"

# The page, with names that mean something in HTML. Chromium may take its time on a busy machine.
sqlite3 "$rec" "UPDATE queue SET role = '<script>alert(1)</script>' WHERE role = 'vda';
	UPDATE info SET value = '</title><img src=http://192.0.2.1/ onerror=alert(1)>' WHERE key = 'command'"
"$vringtop" report --html "$dir/page.html" "$rec" 2>"$dir/page.said"
is '--html: the exit status, and what is said' "$? $(<"$dir/page.said")" '0 '
# The page of diff: of the smoke test's recording and the same with add 40 %, half an octave, longer.
cat >"$dir/longer.py" <<'END'
import shutil, sqlite3, sys
baseline, folder = sys.argv[1:]
for side, longer in ("base", False), ("new", True):
    shutil.copy(baseline, f"{folder}/{side}.vt")
    file = sqlite3.connect(f"{folder}/{side}.vt")
    file.execute("UPDATE queue SET role = '<script>alert(1)</script>' WHERE role = 'vda'")
    file.execute("UPDATE info SET value = ? WHERE key = 'command'", [f"</b><img src=http://192.0.2.1/ alt={side}>"])
    rows = file.execute("SELECT interval, queue, op, sum, max, hist FROM op JOIN operation USING (op) WHERE name = 'add'")
    for *row, total, most, hist in rows.fetchall() if longer else ():
        # 16 buckets an octave; the first number is that of the first bucket.
        hist = bytes([hist[0] + 8]) + hist[1:]
        file.execute("UPDATE op SET sum = ?, max = ?, hist = ? WHERE interval = ? AND queue = ? AND op = ?",
                     [total * 7 // 5, most * 7 // 5, hist, *row])
    file.commit()
END
check 'recordings with a known difference' "$dir/longer.py" "$repo/tests/format-1.vt" "$dir"
"$vringtop" diff --html "$dir/diff.html" "$dir/base.vt" "$dir/new.vt" >"$dir/diff" 2>&1
is 'diff --html: the exit status' $? 0
timeout 1200 "$repo/tests/browser.py" "$dir/page.html" "$dir/diff.html" >"$dir/seen" 2>"$dir/said"
is 'Chromium shows the pages' "$? $(<"$dir/said")" '0 '
cat >"$dir/seen.py" <<'END'
import json, sys
pages = json.load(open(sys.argv[1] + "/seen"))
plots = {
    "page": ("Buffers made available", "Doorbells, sent and suppressed", "Ring layouts in use",
             "avail_to_used: latency over time", "Distribution: how many took how long", "Buffers and doorbells"),
    "diff": ("Changes of vdb req.0", "Changes of <script>alert(1)</script> req.0", "vdb req.0 add: how long it took",
             "<script>alert(1)</script> req.0 add: how long it took"),
}
if [(p["name"], p["width"], p["scheme"]) for p in pages] != [
        (n, w, s) for n in plots for w in (1280, 360) for s in ("light", "dark")]:
    print("not all was looked at")
for p in pages:
    here = f"{p['name']} {p['width']} {p['scheme']}: "
    if p["console"] or p["requests"]:
        print(here, p["console"], p["requests"])
    if p["scripts"] or p["handlers"]:
        print(here, "something of a name has become a part of the page")
    if p["scroll"] > p["width"]:
        print(here, p["scroll"], "pixels wide")
    if p["width"] < 600 and p["beyond"]:
        print(here, p["beyond"], "cells of tables are beyond the edge")
    if "<script>alert(1)</script>" not in p["text"] or "<img src=" not in p["text"]:
        print(here, "a name is not shown as it is")
    titles = [f["title"] for f in p["plots"]]
    for title in plots[p["name"]]:
        if title not in titles:
            print(here, "no plot:", title)
    for f in p["plots"]:
        units = ("per second", "time per operation", ", s", ", %", "queue", "layout", "operation and figure",
                 "time, on a log", "share of operations")
        if not any(u in f["x"] for u in units) or not any(u in f["y"] for u in units):
            print(here, f["title"], "axes without units:", f["x"], f["y"])
        if f["x_marks"] < 2 or f["y_marks"] < 1 or not f["legend"] or not all(f["legend"]):
            print(here, f["title"], "marks or legend are missing")
        if f["overlaps"]:
            print(here, f["title"], "labels of an axis overlap:", f["overlaps"])
        if not f["drawn"] or f["bad"] or not f["seen"]:
            print(here, f["title"], "is not drawn")
    if p["name"] == "diff" and "+40.0 %" not in p["text"]:
        print(here, "does not say what was done")
if len({p["background"] for p in pages}) != 2:
    print("light and dark are the same")
END
check 'desktop and phone, light and dark: no error, no request, every plot whole, of diff too' "$dir/seen.py" "$dir"

# Only counters, if there are no operations; and a recording that was not ended.
sqlite3 "$rec" "UPDATE info SET value = 0 WHERE key IN ('finished', 'has_events')"
out=$("$vringtop" report --perfetto - "$rec" 2>"$dir/said")
is 'unfinished: the exit status is 0' "$?" 0
like 'unfinished: said on stderr' "$(<"$dir/said")" 'UNFINISHED'
like 'without operations: what they need is said' "$(<"$dir/said")" 'record --events'
like 'unfinished: the trace says it' "$out" '"finished":"no"'
like 'unfinished: text says it' "$("$vringtop" report "$rec")" '! +UNFINISHED'

out=$("$vringtop" report "$dir/none" 2>&1)
is 'no such file: exit status 1' "$?" 1
like 'no such file: which, and why' "$out" 'none: No such file'
out=$("$vringtop" report "$repo/README.md" 2>&1)
is 'no recording: exit status 1' "$?" 1
like 'no recording: it says so' "$out" 'README.md is not a recording'
"$vringtop" report "$rec" >/dev/full 2>"$dir/said"
is 'stdout is full: exit status 1' "$?" 1
like 'stdout is full: it says so' "$(<"$dir/said")" 'cannot write to stdout: No space left'
done_testing
