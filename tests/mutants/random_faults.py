#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Makes mutants without a look at the tests: a comparison, a constant or the order of two arguments is
changed on lines that a seeded generator picks.

Usage: random_faults.py FOLDER [NUMBER [SEED]]     (30, 1)
Then:  run.py --folder FOLDER
Lines are picked in all of src/cli and src/bpf. All unit tests are asked, but for two long ones about
other rooms. What no unit test is linked with has a guest test instead: GUESTS. A fault that does not
build, or of which the compiler warns, counts as unusable.
"""
import pathlib
import random
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = "analysis", "base", "model", "output", "probe", "recording", "verbs"
# The guest test that must notice a fault in a file that no unit test is linked with.
GUESTS = {
    "src/bpf/events.bpf.h": "tests/vm/32-events.t",
    "src/bpf/find.bpf.h": "tests/vm/45-life.t",
    "src/bpf/functions.bpf.h": "KERNELS=7.3-stock tests/vm/25-kernels.t",
    "src/bpf/requests.bpf.h": "tests/vm/86-stages.t",
    "src/bpf/rings.bpf.h": "tests/vm/97-stalls.t",
    "src/bpf/vringtop.bpf.c": "tests/vm/35-exact.t",
    "src/bpf/vringtop.h": "tests/vm/35-exact.t",
    "src/cli/main.c": "tests/vm/60-errors.t",
    "src/cli/probe/probe.c": "tests/vm/40-attach.t",
    "src/cli/probe/probe_find.c": "tests/vm/45-life.t",
    "src/cli/probe/probe_load.c": "tests/vm/40-attach.t",
    "src/cli/probe/probe_read.c": "tests/vm/35-exact.t",
    "src/cli/probe/probe_rings.c": "tests/vm/97-stalls.t",
    "src/cli/verbs/top.c": "tests/vm/50-top.t",
}
# Only faults in these rooms are tried with these tests, which take half a minute each.
LONG = {"test_compare": ("analysis",), "test_recording": ("recording",)}
CHANGES = (
    (r" <= ", " < "), (r" >= ", " > "), (r" < ", " <= "), (r" > ", " >= "), (r" == ", " != "), (r" != ", " == "),
    (r"(?<=[ (\[])(\d+)(?=[ ;,)\]])", lambda found: str(int(found[1]) + 1)),
    (r"\((\w+), (\w+)(?=[,)])", lambda found: f"({found[2]}, {found[1]}"))


def faults(path):
    "all (line, changed line) of a file"
    text = path.read_text()
    for line in text.splitlines():
        code = line.strip()
        if code.startswith(("#", "/*", "*", "//", "static const", "case ")) or not code.endswith((";", "{", ")", ",", "&&", "||")):
            continue
        if text.count(code) != 1:
            continue
        for pattern, to in CHANGES:
            for found in re.finditer(pattern, code):
                new = code[:found.start()] + re.sub(pattern, to, found[0] if callable(to) else found[0]) + code[found.end():]
                # What a lookbehind needs is outside of the match.
                if new == code and callable(to):
                    new = code[:found.start()] + to(found) + code[found.end():]
                if new != code:
                    yield code, new


def main():
    folder = pathlib.Path(sys.argv[1])
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    pick = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    programs = sorted((path.stem for path in (ROOT / "tests/unit").glob("test_*.c")),
                      key=lambda name: (name in LONG, name))
    files = [path for room in ROOMS for path in sorted((ROOT / "src/cli" / room).glob("*.c"))]
    files += [ROOT / "src/cli/main.c", *sorted((ROOT / "src/bpf").glob("*.[ch]"))]
    all_faults = [(path, *fault) for path in files for fault in faults(path)]
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.mutant"):
        old.unlink()
    for n, (path, old, new) in enumerate(pick.sample(all_faults, number), 1):
        room, name = path.parent.name, str(path.relative_to(ROOT))
        tests = GUESTS.get(name) or " ".join(f"build/unit/{test}" for test in programs
                                             if room in LONG.get(test, (room,)))
        (folder / f"random-{n:02}.mutant").write_text(
            f"kind: random\nfile: {name}\nbreaks: {new}\nold: {old}\nnew: {new}\ntest: {tests}\n")
    print(f"{number} of {len(all_faults)} faults, in {folder}")


if __name__ == "__main__":
    main()
