#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Screenshots of what packaging/ shows of a Prometheus, by headless Chromium. For tests/vm/73-fleet.t.

Usage: fleet_screens.py URL EXPRESSIONS FOLDER
EXPRESSIONS is a file by tests/expressions.py. Writes FOLDER/console.png, the console page, and
FOLDER/board.png, a plot of the last minutes for each expression: Grafana itself is not in Debian.
"""
import html, json, os, subprocess, sys, time, urllib.parse, urllib.request

url, expressions, folder = sys.argv[1:]
END, MINUTES, WIDTH, HEIGHT = time.time(), 4, 380, 120
COLORS = "#2563eb #dc2626 #16a34a #9333ea #ea580c #0891b2 #4b5563".split()


def values(expression):
    """A list of (labels, [(time, value)...])."""
    query = urllib.parse.urlencode(dict(query=expression, start=END - 60 * MINUTES, end=END, step=5))
    result = json.load(urllib.request.urlopen(f"{url}/api/v1/query_range?{query}"))["data"]["result"]
    return [(one["metric"], [(float(t), float(v)) for t, v in one["values"] if v not in ("NaN", "+Inf", "-Inf")])
            for one in result]


def plot(title, expression):
    lines = [(labels, points) for labels, points in values(expression) if points]
    top = max([v for _, points in lines for _, v in points] or [0])
    drawn = "".join(
        '<polyline fill="none" stroke="{}" points="{}"/>'.format(COLORS[n % len(COLORS)], " ".join(
            f"{WIDTH * (1 - (END - t) / 60 / MINUTES):.1f},{HEIGHT - 2 - (HEIGHT - 4) * v / (top or 1):.1f}" for t, v in points))
        for n, (_, points) in enumerate(lines))
    names = sorted({" ".join(labels.get(key, "") for key in ("instance", "device", "role", "name", "le")).strip()
                    for labels, _ in lines})
    return (f"<div><b>{html.escape(title)}</b> <small>{len(lines)} series, at most {top:.4g}</small>"
            f'<svg width="{WIDTH}" height="{HEIGHT}" style="border:1px solid #ccc">{drawn}</svg>'
            f"<small>{html.escape(expression)}<br>{html.escape(', '.join(names[:4]))}</small></div>")


def shoot(address, name, height):
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                    f"--window-size=1280,{height}", f"--screenshot={folder}/{name}.png", address],
                   check=True, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


os.makedirs(folder, exist_ok=True)
shoot(url + "/consoles/vringtop.html", "console", 1000)
plots = [plot(*line.rstrip("\n").split("\t")) for line in open(expressions)]
board = os.path.join(folder, "board.html")
with open(board, "w") as f:
    f.write('<meta charset="utf-8"><body style="font:12px sans-serif;display:grid;grid-template-columns:repeat(3,390px);'
            'gap:12px;overflow-wrap:anywhere">' + "".join(plots))
shoot("file://" + os.path.abspath(board), "board", 2600)
