#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Tests the tests: puts one small fault at a time into the code, and runs the test that must notice.

Usage: run.py [--jobs N] [--only PATTERN...] [--no-guests] [--check] [--list FILE]

Each file *.mutant in this folder is one fault; README.md here describes its lines. Each fault is made in
a copy of the checkout (build/mutants/copy-N, one for each job); the checkout itself is not changed.
A result is kept in build/mutants/results until the mutant, the sources or the tests change.

Exit status: 0 every fault was caught or its survival is explained; 1 one survived; 2 a mutant or its
test cannot be used.
"""
import argparse
import concurrent.futures
import fnmatch
import functools
import hashlib
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/mutants"
WORK = ROOT / "build/mutants"
# A test that runs so much longer than without the fault (seconds) hangs: the fault was noticed, but in
# the worst way.
LONGER, GUEST_LONGER = 60, 300
BUILD_LIMIT = 1800
# A fault of which the compiler warns is no fault that a test must find.
MAKE = "make -s CC='cc -Werror'"
FIELDS = ("kind", "file", "breaks", "old", "new", "test")


class Unusable(Exception):
    "a mutant or its test cannot be used; the text says why"


def read_mutant(path):
    "a mutant file as a dictionary; raises Unusable"
    mutant = {"name": path.stem}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        key, colon, value = line.partition(":")
        if not line or line.startswith("#"):
            continue
        if not colon or key not in (*FIELDS, "survives"):
            raise Unusable(f"line {number} is not 'field: value' with a field of {', '.join(FIELDS)}")
        if key in mutant:
            raise Unusable(f"line {number}: {key} stands twice")
        # Spaces after the first one belong to the code.
        mutant[key] = value.strip() if key not in ("old", "new") else value.removeprefix(" ")
    missing = [field for field in FIELDS if field not in mutant]
    if missing:
        raise Unusable(f"without {', '.join(missing)}")
    built = re.findall(r"build/(\w+/\w+)", mutant["test"])
    for source in [f"tests/{name}.c" for name in built] or [mutant["test"].split()[-1]]:
        if not (ROOT / source).exists():
            raise Unusable(f"there is no {source}")
    return mutant


def find_place(mutant, top):
    "returns the file that gets the fault and its text of now; raises Unusable"
    path = top / mutant["file"]
    if not path.exists():
        raise Unusable(f"there is no {mutant['file']}")
    text = path.read_text()
    found = text.count(mutant["old"])
    if found != 1:
        raise Unusable(f"its old text stands {found} times in {mutant['file']}, it must stand once")
    return path, text


def is_guest(test):
    return "tests/vm/" in test


def target_of(test):
    "what make must build before this test can run"
    return test if test.startswith("build/unit") else "-C tests/device programs" if test == "tests/device" else "all"


def run(command, top, limit):
    "runs a shell command in a checkout; returns its status (None: it was ended after the limit) and output"
    env = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    env["CMOCKA_MESSAGE_OUTPUT"] = "TAP"
    # A file, not a pipe: a child that lives on would hold a pipe open.
    with open(top / "build/mutant.log", "w+", errors="replace") as log:
        process = subprocess.Popen(command, shell=True, cwd=top, env=env, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            # vm.sh ends its guest on SIGTERM.
            for sign in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, sign)
                    process.wait(20)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    pass
            status = None
        try:
            os.killpg(process.pid, signal.SIGKILL)  # what a failed test left running
        except ProcessLookupError:
            pass
        log.seek(0)
        return status, log.read()


def first_failure(output):
    "the first words of a test about what is wrong"
    for pattern in (r"^not ok \d+ - (.*)", r"^#? ?([^\n]*ERROR: \w+Sanitizer[^\n]*)", r"^([^\n]*runtime error[^\n]*)",
                    r"^([^\n]*Assert[^\n]*)", r"^ +(Failed tests?: [^\n]*)"):
        found = re.search(pattern, output, re.M)
        if found:
            return found[1].strip()
    lines = output.strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"


def build_and_test(test, top, limit):
    """returns the verdict, words about it, and the seconds that the test took; the verdict: passes, fails,
    hangs, or does not build. Of several programs the first that does not pass decides."""
    programs = test.split() if test.startswith("build/unit") else [test]
    if len(programs) > 1:
        took = 0
        for program in programs:
            verdict, words, seconds = build_and_test(program, top, limit)
            took += seconds
            if verdict != "passes":
                break
        return verdict, words, took
    status, output = run(f"{MAKE} {target_of(test)}", top, BUILD_LIMIT)
    if status != 0:
        lines = [line for line in output.splitlines() if "error" in line] or [output[-200:]]
        return "does not build", lines[0], 0
    command = f"prove -v -e '' {test}" if test.startswith(("build/unit", "tests/")) else test
    if test.startswith("tests/device"):
        command = f"{MAKE} -C tests/device check"
    began = time.monotonic()
    status, output = run(command, top, limit)
    seconds = time.monotonic() - began
    if status is None:
        return "hangs", f"it was ended by its limit, after: {first_failure(output)}", seconds
    return ("passes", "", seconds) if status == 0 else ("fails", first_failure(output), seconds)


def sources():
    "the files that the result of a test depends on"
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.splitlines()
    return [name for name in listed if not name.startswith("tests/mutants/") and (ROOT / name).is_file()]


def state_of(names, test):
    "a hash of what the result of a test depends on: the sources, and the tests that it may use"
    programs = tuple(f"tests/{name}.c" for name in re.findall(r"build/(unit/\w+)", test))
    if programs:
        helpers = tuple(name for name in names if re.fullmatch(r"tests/(\w+\.[ch]|unit/\w+\.h)", name))
        depends = ("src/", *programs, *helpers)
    elif test == "tests/device":
        depends = ("tests/device/",)
    else:
        parts = tuple(name for name in names if re.fullmatch(r"tests/vm/[^.]+\.(sh|py|expected)", name))
        depends = ("src/", "scripts/", "kernel-patch/", "tests/kmod/", "tests/device/", test.split()[-1], *parts)
    state = hashlib.sha256()
    for name in sorted(names):
        if name.startswith(depends) and not name.endswith(".md"):
            state.update(f"{name}\0".encode() + (ROOT / name).read_bytes() + b"\0")
    return state.hexdigest()


def make_copy(number, names):
    "a copy of the checkout, with what is built, so that only a changed file is built again"
    top = WORK / f"copy-{number}"
    (top / "build").mkdir(parents=True, exist_ok=True)
    wanted = set(names)
    for old in top.rglob("*"):
        name = old.relative_to(top).as_posix()
        if old.is_file() and not name.startswith("build/") and name not in wanted:
            old.unlink()
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, top / name)
    subprocess.run(["rsync", "-a", "--delete", "--exclude=/mutants", "--exclude=/fuzz/corpus",
                    "--exclude=/coverage", f"{ROOT}/build/", f"{top}/build/"], check=True)
    return top


class Results:
    "what is known of earlier runs: a file for each mutant or test"
    def __init__(self):
        self.names = sources()
        self.folder = WORK / "results"
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, key):
        name = hashlib.sha256(key["test"].encode()).hexdigest()[:12] if "kind" not in key else key["name"]
        return self.folder / f"{name}.json"

    @functools.lru_cache
    def state(self, test):
        return state_of(self.names, test)

    def get(self, key):
        state = self.state(key["test"])  # now, even if nothing is kept: the sources may change meanwhile
        try:
            kept = json.loads(self.path(key).read_text())
        except (OSError, ValueError):
            return None
        return kept["result"] if kept["key"] == key and kept["state"] == state else None

    def put(self, key, result):
        path = self.path(key)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"key": key, "state": self.state(key["test"]), "result": result}, indent=1))
        temporary.rename(path)
        return result


def try_mutant(mutant, top, results, limit):
    "makes the fault, runs its test, takes the fault away; returns [verdict, words]"
    known = results.get(mutant)
    if known:
        return known
    try:
        path, text = find_place(mutant, top)
    except Unusable as why:
        return ["unusable", str(why)]
    path.write_text(text.replace(mutant["old"], mutant["new"]))
    began = time.monotonic()
    try:
        verdict, words, _ = build_and_test(mutant["test"], top, limit)
    finally:
        path.write_text(text)
    verdict = {"passes": "SURVIVED", "fails": "caught", "hangs": "hung"}.get(verdict, "unusable")
    if verdict == "unusable":
        return [verdict, f"it does not build: {words}"]
    print(f"{verdict:9} {mutant['name']} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
    return results.put(mutant, [verdict, words])


def try_test(test, top, results):
    """A test that fails without a fault would catch everything. Returns [verdict, words]; the words about a
    test that passes are how many seconds it took."""
    key = {"name": f"without-{test}", "test": test}
    known = results.get(key)
    if known:
        return known
    verdict, words, seconds = build_and_test(test, top, BUILD_LIMIT)
    print(f"{verdict:9} {test}, without a fault ({seconds:.0f} s) {words}", file=sys.stderr, flush=True)
    return results.put(key, [verdict, f"{seconds:.0f}"]) if verdict == "passes" else [verdict, words]


def in_copies(jobs, work, items):
    "work(item, copy) for all items, each with a copy of the checkout of its own meanwhile"
    copies = queue.Queue()
    names = sources()
    for number in range(jobs):
        copies.put(make_copy(number, names))

    def one(item):
        top = copies.get()
        try:
            return work(item, top)
        finally:
            copies.put(top)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, items))


def build(tests):
    targets = sorted({program for test in tests if test.startswith("build/unit") for program in test.split()})
    subprocess.run(["make", "-s", "-j", str(os.cpu_count()), "all", *targets], cwd=ROOT, check=True,
                   env={k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")}, stdout=sys.stderr)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--jobs", type=int, default=os.cpu_count(), help="so many at a time")
    options.add_argument("--only", nargs="*", default=["*"], help="names of mutants, with * and ?")
    options.add_argument("--no-guests", action="store_true", help="leave out those that need a guest")
    options.add_argument("--check", action="store_true", help="only tell whether each mutant can be made")
    options.add_argument("--folder", type=pathlib.Path, default=HERE, help="where the mutants are")
    given = options.parse_args()

    mutants, rows = [], []
    for path in sorted(given.folder.glob("*.mutant")):
        if not any(fnmatch.fnmatch(path.stem, pattern) for pattern in given.only):
            continue
        try:
            mutant = read_mutant(path)
            find_place(mutant, ROOT)
            mutants.append(mutant)
        except Unusable as why:
            rows.append((path.stem, "?", "unusable", str(why)))
    if given.check:
        for name, _, _, why in rows:
            print(f"{name}: {why}")
        print(f"{len(mutants)} mutants can be made, {len(rows)} cannot")
        sys.exit(2 if rows else 0)
    if given.no_guests:
        mutants = [mutant for mutant in mutants if not is_guest(mutant["test"])]

    results = Results()
    waiting = [mutant for mutant in mutants if not results.get(mutant)]
    tests = sorted({mutant["test"] for mutant in waiting})
    usable = {}
    if waiting:
        build(tests)
        usable = dict(zip(tests, in_copies(given.jobs, lambda t, top: try_test(t, top, results), tests)))

    def judge(mutant, top):
        verdict, words = usable[mutant["test"]]
        if verdict != "passes":
            return ["unusable", f"{mutant['test']} {verdict} without a fault: {words}"]
        limit = int(words) * 3 + (GUEST_LONGER if is_guest(mutant["test"]) else LONGER)
        return try_mutant(mutant, top, results, limit)
    # Fast tests first: a run that is ended early has the most results. Of one file one after the other:
    # to take a fault away costs a build of that file, unless the next one is in it, too.
    waiting.sort(key=lambda m: (is_guest(m["test"]), m["test"], m["file"]))
    found = dict(zip((m["name"] for m in waiting), in_copies(given.jobs, judge, waiting) if waiting else []))

    for mutant in mutants:
        verdict, words = found.get(mutant["name"]) or results.get(mutant)
        if verdict == "SURVIVED" and "survives" in mutant:
            verdict, words = "explained", mutant["survives"]
        rows.append((mutant["name"], mutant["kind"], verdict, words or mutant["breaks"]))
    width = max((len(row[0]) for row in rows), default=0)
    for name, kind, verdict, words in sorted(rows, key=lambda row: (row[1], row[0])):
        print(f"{verdict:9} {kind:11} {name:{width}} {words}"[:160])
    count = {v: sum(row[2] == v for row in rows) for v in ("caught", "hung", "explained", "SURVIVED", "unusable")}
    caught, usable_ones = count["caught"] + count["hung"], len(rows) - count["unusable"]
    print(f"\n{len(rows)} mutants: {caught} caught ({count['hung']} of them by the test's limit), "
          f"{count['SURVIVED'] + count['explained']} survived ({count['explained']} explained), "
          f"{count['unusable']} unusable; {100 * caught / max(usable_ones, 1):.0f} % caught")
    sys.exit(2 if count["unusable"] else 1 if count["SURVIVED"] else 0)


if __name__ == "__main__":
    main()
