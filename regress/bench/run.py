#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Measures sockstun and ssh -D side by side: on loopback, over a relay that
emulates a link there, and over a path of packets between two networks.

Every measurement starts its own tunnel; the tunnels take turns, round after
round, so that what else the machine does hits all of them.  Medians are shown.
"""
import argparse
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from report import Results
from rows import HOME, HOME_MS, LONG, LONG_MS, ROWS, measurements
from tunnels import KINDS, Bench, Failed, free_port, role, spawn, tunnel_for, \
    wait_for

TRAFFIC_S = 130         # traffic itself gives up after 120 s
SKIPPED = 77            # path's exit status


def without_impossible(bench, todo):
    """What can be measured here, and why the rest cannot."""
    possible, reasons = [], {}
    for m in todo:
        key = tuple(m.path or ())
        if m.path and key not in reasons:
            tried = subprocess.run([bench.tool("path"), *m.path, "--", "true"],
                                   capture_output=True, text=True, check=False)
            reasons[key] = tried.stderr.strip() \
                if tried.returncode == SKIPPED else ""
            if not reasons[key] and shutil.which("ss") is None:
                reasons[key] = "ss is not installed"
        if reasons.get(key):
            print(f"skipped: {m.name}: {reasons[key]}", flush=True)
        else:
            possible.append(m)
    return possible


def traffic(command, args):
    """Runs one measurement; a dictionary of its figures."""
    done = subprocess.run(command + args, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=TRAFFIC_S,
                          check=False)
    figures = {}
    for line in done.stdout.splitlines():
        name, _, value = line.partition(" ")
        figures[name] = float(value)
    if done.returncode != 0:
        why = done.stderr.strip().splitlines() or ["timed out"]
        raise Failed(f"traffic: {why[-1]}")
    if figures.get("failed"):
        raise Failed(f"{figures['failed']:.0f} connections failed")
    return figures


def add_cpu(figures):
    used = sum(v for k, v in figures.items() if k.startswith("cpu."))
    if figures.get("bytes"):
        figures["cpu_per_gb"] = used / figures["bytes"] * 1e9
    if figures.get("rate_count"):
        figures["cpu_per_connection"] = used / figures["rate_count"] * 1e6


def add_memory(results, tunnel, m, figures):
    for pid in tunnel.processes():
        for key, flows in (("rss0", 0), ("rss", m.flows)):
            if m.flows and f"{key}.{pid}" in figures:
                results.add_role(role(pid), tunnel.kind.name, flows,
                                 figures[f"{key}.{pid}"])


def measure(bench, kind, m, results):
    if m.options:
        kind = dataclasses.replace(kind, options=kind.options + m.options)
    with tunnel_for(bench, kind, m) as tunnel:
        try:
            if m.args == ["start"]:
                command = tunnel.near_command()
                figures = traffic(tunnel.traffic_command(),
                                  [*m.args, "--", *command])
            elif m.args == ["once"]:
                figures = {"again": tunnel.time_again(m.args)}
            else:
                tunnel.start_near()
                pids = ",".join(map(str, tunnel.processes()))
                figures = traffic(tunnel.traffic_command(),
                                  ["-c", pids, *m.args])
                figures.update(tunnel.figures())
        except (Failed, subprocess.TimeoutExpired) as e:
            raise Failed("\n".join([f"{m.name}, {kind.name}: {e}"] +
                                   tunnel.logs())) from e
        add_cpu(figures)
        add_memory(results, tunnel, m, figures)
    for row, figure in m.rows.items():
        if figure in figures:
            results.add(row, kind.name, figures[figure] * m.scale)
    return figures[m.rows[m.name]] * m.scale


def check_link(bench, name, link, ms):
    """What the emulator carries by itself: plain TCP, no tunnel."""
    port = free_port()
    wire = spawn(bench, "linkem", [bench.tool("linkem"), *link, str(port)])
    try:
        listens = wait_for("linkem does not listen",
                           lambda: bench.read("linkem.out").strip())
        common = [bench.tool("traffic"), "-x", "-t", str(port), "-P", listens,
                  "-w", "1", "-s", "2"]
        bulk = traffic(common, ["bulk", "down"])
        load = traffic(common, ["load", "up"])
    finally:
        wire.terminate()
        wire.wait()
    print(f"link emulator, {name} by itself: {bulk['mbps']:.1f} MB/s down, "
          f"{load['mbps']:.1f} MB/s up, round trip {load['idle_p50']:.1f} ms "
          f"of {ms}, {load['load_p50']:.1f} ms beside a bulk flow", flush=True)


def chosen(all_of_them, names):
    if not names:
        return all_of_them
    wanted = names.split(",")
    out = [m for m in all_of_them if any(
        m.name == w or m.name.startswith(w + "-") for w in wanted)]
    if not out:
        sys.exit("no such row; there are: " +
                 ", ".join(m.name for m in all_of_them))
    return out


def chosen_kinds(numbers):
    """The tunnels to compare: those named, or all that are installed."""
    wanted = KINDS
    if numbers:
        wanted = [KINDS[int(n) - 1] for n in numbers.split(",")]
    for kind in wanted:
        if not kind.installed():
            print(f"skipped: {kind.name}: not installed", flush=True)
    return [kind for kind in wanted if kind.installed()]


def rounds(bench, args, todo, kinds, results):
    """All measurements, round after round, until the time is over.

    Returns complaints, those of sockstun first, and how many these are.
    """
    ours, theirs = [], []
    end = time.monotonic() + args.limit
    for turn in range(args.n):
        for m in todo:
            if turn >= m.rounds:
                continue
            for kind in kinds:
                if kind.name not in m.kinds:
                    continue
                if time.monotonic() > end:
                    theirs.append(f"stopped after {args.limit} seconds, in "
                                  f"round {turn + 1} of {args.n}")
                    return ours + theirs, len(ours)
                try:
                    value = f"{measure(bench, kind, m, results):.4g}"
                except Failed as e:
                    (theirs if kind.near == "ssh" else ours).append(str(e))
                    value = "failed"
                print(f"round {turn + 1}: {m.name}, {kind.name}: {value}",
                      file=sys.stderr, flush=True)
    return ours + theirs, len(ours)


def parse():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("-O", dest="build", default="build", metavar="dir",
                   help="where the programs were built")
    p.add_argument("-o", dest="out", metavar="dir",
                   help="where bench.tsv and bench.svg go")
    p.add_argument("-n", type=int, default=3, help="rounds (3)")
    p.add_argument("-r", dest="rows", metavar="row,...",
                   help="only these, or those that begin so")
    p.add_argument("-t", dest="kinds", metavar="n,...",
                   help="only these tunnels, counted from 1")
    p.add_argument("-T", dest="limit", type=int, default=2400,
                   metavar="seconds", help="start nothing after (2400)")
    return p.parse_args()


def main():
    args = parse()
    # So that what was started is ended and the folder goes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    os.environ.pop("SSH_AUTH_SOCK", None)
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    kinds = chosen_kinds(args.kinds)
    results = Results(ROWS, kinds)
    with tempfile.TemporaryDirectory(prefix="sockstun.bench.") as folder:
        bench = Bench(folder, os.path.abspath(args.build))
        todo = chosen(measurements(bench.has_option("FastOpen=yes")),
                      args.rows)
        ssh = subprocess.run(["ssh", "-V"], stderr=subprocess.PIPE, text=True,
                             check=False).stderr.strip()
        print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} before; "
              f"{ssh}", flush=True)
        todo = without_impossible(bench, todo)
        if any(m.link is LONG for m in todo):
            check_link(bench, "1 Gbit/s", LONG, LONG_MS)
        if any(m.link is HOME for m in todo):
            check_link(bench, "100 Mbit/s", HOME, HOME_MS)
        complaints, failures = rounds(bench, args, todo, kinds, results)
    print("\n" + "\n".join(results.table()))
    memory = results.memory()
    if memory:
        print("\n" + "\n".join(memory))
    if args.out:
        os.makedirs(args.out, exist_ok=True)
        for name, text in (("bench.tsv", results.tsv()),
                           ("bench.svg", results.svg())):
            with open(os.path.join(args.out, name), "w",
                      encoding="utf-8") as f:
                f.write(text)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
