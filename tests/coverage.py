#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Adds up what gcov knows, and prints which lines and branches of src/cli ran, by folder.

Usage: coverage.py BUILD [DOCUMENT]
BUILD: where the objects are that were built with --coverage, and the programs made of them have run.
DOCUMENT: a file in which the table is put between the lines `<!-- table -->` and `<!-- end -->`.
"""
import json
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
SOURCES = TOP / "src/cli"


def gcov(notes):
    "what gcov says of some objects, a document for each"
    done = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", *map(str, notes)],
                          cwd=TOP, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    # Of each source file: line -> whether it ran; (line, number) -> whether the branch was taken.
    lines, branches = {}, {}
    for document in gcov(sorted(build.rglob("*.gcno"))):
        for file in document["files"]:
            path = (TOP / file["file"]).resolve()
            if path.suffix != ".c" or SOURCES not in path.parents:
                continue
            name = path.relative_to(SOURCES)
            for line in file["lines"]:
                key = name, line["line_number"]
                lines[key] = lines.get(key, False) or line["count"] > 0
                for number, branch in enumerate(line["branches"]):
                    at = *key, number
                    branches[at] = branches.get(at, False) or branch["count"] > 0

    def share(found, folder):
        chosen = [ran for key, ran in found.items() if folder is None or (key[0].parts[:-1] or ("(main)",))[0] == folder]
        return f"{100 * sum(chosen) / len(chosen):.0f} %" if chosen else "-", len(chosen)

    folders = sorted({(key[0].parts[:-1] or ("(main)",))[0] for key in lines})
    rows = ["| folder | lines | ran | branches | taken |", "| --- | --: | --: | --: | --: |"]
    for folder in (*folders, None):
        (ran, all_lines), (taken, all_branches) = share(lines, folder), share(branches, folder)
        rows.append(f"| {folder or 'all'} | {all_lines:,} | {ran} | {all_branches:,} | {taken} |")
    table = "\n".join(rows)
    print(table)
    if len(sys.argv) > 2:
        document = pathlib.Path(sys.argv[2])
        before, rest = document.read_text().split("<!-- table -->\n")
        document.write_text(f"{before}<!-- table -->\n{table}\n<!-- end -->{rest.split('<!-- end -->')[1]}")


if __name__ == "__main__":
    main()
