# SPDX-License-Identifier: ISC
"""The table of what the tests ran: coverage.py build

A branch is one of the two ways of a condition, of an operand of && or ||, or of
a case, that stands in our own files: what the macros of the system's headers
hold does not count, nor does what is constant.  Each file's lines, with how
often they ran, go to build/report/index.html.
"""
import collections
import glob
import json
import os
import subprocess
import sys

LINES, RUN, WAYS, TAKEN = range(4)


def objects(build):
    """All programs that were run."""
    names = [p for pattern in ("sockstun*", "fault/*", "clock/*", "regress/unit/*_test")
             for p in sorted(glob.glob(os.path.join(build, pattern)))]
    return [p for p in names if os.access(p, os.X_OK) and os.path.isfile(p)]


def cov(build, command, *options):
    """What llvm-cov says of our own files."""
    args = ["llvm-cov", command, *options,
            f"-instr-profile={build}/profile/all",
            "-ignore-filename-regex=regress/|include/"]
    for p in objects(build):
        args += ["-object", p]
    return subprocess.run(args, check=True, stdout=subprocess.PIPE).stdout


def export(build):
    counts = glob.glob(f"{build}/profile/*.profraw")
    # A process that was killed as it began may have left half a file.
    subprocess.run(["llvm-profdata", "merge", "-sparse", "-failure-mode=all",
                    "-o", f"{build}/profile/all"] + counts, check=True)
    programs = objects(build)
    cov(build, "show", "-format=html", "-show-branches=count",
        f"-output-dir={build}/report")
    return json.loads(cov(build, "export"))["data"][0]["files"]


def measure(file):
    lines, ways = file["summary"]["lines"], file["branches"]
    return [lines["count"], lines["covered"], 2 * len(ways),
            sum((w[4] > 0) + (w[5] > 0) for w in ways)]


def percent(part, whole):
    return 100 * part / whole if whole else 100


def show(name, n):
    print(f"{name:40} {n[LINES]:6} {n[LINES] - n[RUN]:8} "
          f"{percent(n[RUN], n[LINES]):6.1f}% {n[WAYS]:8} "
          f"{percent(n[TAKEN], n[WAYS]):6.1f}%")


def main(build):
    here = os.getcwd() + os.sep
    table = {f["filename"].removeprefix(here): measure(f)
             for f in export(build) if f["summary"]["lines"]["count"]}
    total = collections.defaultdict(lambda: [0, 0, 0, 0])
    print(f"{'file':40} {'lines':>6} {'not run':>8} {'run':>7} "
          f"{'branches':>8} {'taken':>7}")
    for name, n in sorted(table.items(), key=lambda t: t[1][RUN] - t[1][LINES]):
        show(name, n)
        for key in (os.path.dirname(name), name.split("/")[0], "all"):
            total[key] = [a + b for a, b in zip(total[key], n)]
    print()
    for key in sorted(total, key=lambda k: (k == "all", k)):
        show(key, total[key])


main(sys.argv[1])
