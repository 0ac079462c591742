#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Measures sockstun and ssh -D side by side: on loopback, over a link that is
emulated there, and over a path of packets between two networks.

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
from tunnels import Bench, Failed, PathTunnel, Tunnel, role, free_port, \
    spawn, wait_for

TRAFFIC_S = 130         # traffic itself gives up after 120 s

# Links: delay one way, rate, and what may wait in the queue and the kernel.
LONG = ["-d", "50", "-r", "1000", "-q", "131072", "-k", "131072"]
HOME = ["-d", "20", "-r", "100", "-q", "16384", "-k", "16384"]
LONG_MS, HOME_MS = 100, 40

# Paths of packets, with the kernel's congestion control and a queue that drops.
DSL = ["-r", "100M", "-d", "20", "-q", "500000"]
LOSSY = ["-r", "40M", "-d", "15", "-q", "300000", "-l", "0.01"]
WIDE = ["-r", "300M", "-d", "50", "-q", "2000000"]
ALGORITHMS = {"bbr": "BBR", "cubic": "CUBIC"}
SKIPPED = 77            # path's exit status


@dataclasses.dataclass
class Kind:
    name: str
    near: str
    far: str
    options: tuple = ()


KINDS = [
    Kind("sockstun+sockstund", "sockstun", "sockstund"),
    Kind("sockstun+sshd", "sockstun", "sshd"),
    Kind("ssh -D", "ssh", "sshd"),
    Kind("ssh -D aes128-gcm", "ssh", "sshd", ("-c", "aes128-gcm@openssh.com")),
]
FAST_OPEN = ("-o", "FastOpen=yes")


@dataclasses.dataclass
class Row:
    """One line of the table: a figure of a measurement."""
    name: str
    title: str
    unit: str
    more: bool              # is more better?
    goal: tuple = None      # ("ratio", times), ("value", figure) or
                            # ("row", times, name of another)
    chart: bool = True
    base: str = None        # the row of ssh -D to compare with, if another
    compare: bool = True    # or does the figure stand for itself?


ROWS = [
    Row("bulk-long-down", "1 flow, 1 Gbit/s, 100 ms, down", "MB/s", True,
        ("ratio", 5)),
    Row("bulk-long-up", "1 flow, 1 Gbit/s, 100 ms, up", "MB/s", True,
        ("ratio", 5)),
    Row("echo-load-down", "echo beside download, 100 Mbit/s, 40 ms", "ms",
        False, ("value", 46)),
    Row("echo-load-up", "echo beside upload, 100 Mbit/s, 40 ms", "ms", False,
        ("value", 46)),
    Row("echo-load-p99-down", "  its 99th percentile, down", "ms", False,
        chart=False),
    Row("echo-load-p99-up", "  its 99th percentile, up", "ms", False,
        chart=False),
    Row("echo-load-idle", "  the same echo alone", "ms", False, chart=False),
    Row("echo-load-rate-down", "  rate of that download", "MB/s", True,
        chart=False),
    Row("echo-load-rate-up", "  rate of that upload", "MB/s", True,
        chart=False),
    Row("flows-1000", "echo, 1,000 idle flows open", "ms", False,
        ("value", 0.1)),
    Row("flows-alone", "  the same echo, no other flow", "ms", False,
        chart=False),
    Row("flows-direct", "  the same echo, no tunnel", "ms", False,
        chart=False),
    Row("flows-3000", "echo, 3,000 idle flows open", "ms", False,
        ("value", 0.12)),
    Row("flows-3000-bulk", "1 flow, 3,000 idle flows open", "MB/s", True,
        ("value", 500)),
    Row("flows-10000", "echo, 10,000 idle flows open", "ms", False),
    Row("flows-10000-answer", "flows of 10,000 that open and echo", "flows",
        True, ("value", 10000), False),
    Row("flows-10000-open", "time to open 10,000 flows", "s", False,
        chart=False),
    Row("bulk-loop-down", "1 flow, loopback, down", "MB/s", True,
        ("ratio", 1.5)),
    Row("bulk-loop-up", "1 flow, loopback, up", "MB/s", True, ("ratio", 1.5)),
    Row("bulk-loop-cpu-down", "CPU per GB, down", "s", False),
    Row("bulk-loop-cpu-up", "CPU per GB, up", "s", False),
    Row("rate", "connect, 1 byte, close; 64 at once", "/s", True,
        ("ratio", 1.5)),
    Row("rate-direct", "  without a tunnel", "/s", True, chart=False),
    Row("first", "first byte, 100 ms", "round trips", False, ("value", 2.05)),
    Row("first-fastopen", "first byte, 100 ms, FastOpen", "round trips", False,
        ("value", 1.1), base="first"),
    Row("udp", "UDP echoes of 512 bytes, 64 in flight", "/s", True,
        ("value", 61000)),
    Row("udp-tcp", "  over 64 TCP flows", "/s", True, chart=False),
    Row("udp-p50", "  a UDP echo of these 64 takes", "ms", False,
        ("row", 2, "udp-tcp-p50")),
    Row("udp-tcp-p50", "  over 64 TCP flows", "ms", False, chart=False),
    Row("udp-lost", "  lost datagrams", "", False, chart=False),
    Row("udp-alone", "UDP echo of 512 bytes, alone", "ms", False,
        ("row", 2, "udp-alone-tcp")),
    Row("udp-alone-tcp", "  over TCP", "ms", False, chart=False),
    Row("start", "ready after start", "ms", False, ("value", 150)),
    Row("start-useful", "first byte after start", "ms", False),
    Row("start-long", "first byte after start, 100 ms", "round trips", False,
        ("value", 6.5)),
    Row("again-long", "first byte of a later session, 100 ms", "round trips",
        False, ("value", 5.5)),
]


def path_rows():
    """The rows of the paths of packets, in the order of the table."""
    out = []

    def add(name, title, unit, more, goal=None, compare=True):
        out.append(Row("path-" + name, title, unit, more, goal, False,
                       compare=compare))

    for cc, shown in ALGORITHMS.items():
        for way in ("up", "down"):
            end = f"{cc}-{way}"
            add(f"echo-{end}", f"echo beside {way}load, {shown}, 100 Mbit/s, "
                "40 ms", "ms", False, ("value", 51 if cc == "bbr" else 61))
            add(f"echo-p99-{end}", "  its 99th percentile", "ms", False)
            add(f"echo-rate-{end}", f"  rate of that {way}load", "MB/s", True)
            add(f"echo-resent-{end}", "  sent again", "%", False, ("value", 1),
                False)
    for cc, shown in ALGORITHMS.items():
        for way in ("up", "down"):
            end = f"{cc}-{way}"
            add(f"loss-{end}", f"{way}load, {shown}, 40 Mbit/s, 30 ms, 1% lost",
                "MB/s", True, ("value", 4.1) if cc == "bbr" else None)
            add(f"loss-echo-{end}", "  echo beside it", "ms", False,
                ("value", 75) if cc == "bbr" else None)
            add(f"loss-resent-{end}", "  sent again", "%", False, None, False)
    for way in ("up", "down"):
        add(f"wide-{way}", f"{way}load, BBR, 300 Mbit/s, 100 ms", "MB/s", True)
        add(f"wide-resent-{way}", "  sent again", "%", False, ("value", 1),
            False)
    add("start", "first byte after start, 100 ms", "round trips", False)
    add("again", "first byte of a later session, 100 ms", "round trips", False)
    add("echo-idle", "echo alone, 100 Mbit/s, 40 ms", "ms", False)
    add("behind", "slowest delivery of a path came too late by", "ms", False,
        None, False)
    return out


ROWS += path_rows()


@dataclasses.dataclass
class Measurement:
    """What traffic is asked, over which link, and the rows it gives."""
    name: str
    args: list
    rows: dict              # row name -> name of a figure of traffic
    link: list = None
    path: list = None       # a path of packets instead
    congestion: str = None  # the algorithm there, of kernel and programs
    flows: int = 0
    rounds: int = 99
    kinds: tuple = ()       # only these tunnels; none: all
    scale: float = 1
    options: tuple = ()


def measurements(bench):
    out = []
    for way in ("down", "up"):
        out += [
            Measurement(f"bulk-long-{way}",
                        ["-w", "2", "-s", "3", "bulk", way],
                        {f"bulk-long-{way}": "mbps"}, LONG),
            Measurement(f"echo-load-{way}",
                        ["-w", "1", "-s", "3", "load", way],
                        {f"echo-load-{way}": "load_p50",
                         f"echo-load-p99-{way}": "load_p99",
                         "echo-load-idle": "idle_p50",
                         f"echo-load-rate-{way}": "mbps"}, HOME),
            Measurement(f"bulk-loop-{way}",
                        ["-w", "1", "-s", "3", "bulk", way],
                        {f"bulk-loop-{way}": "mbps",
                         f"bulk-loop-cpu-{way}": "cpu_per_gb"}),
        ]
    out += [
        Measurement("flows-1000", ["-n", "1000", "flows"],
                    {"flows-1000": "echo_p50", "flows-alone": "alone_p50",
                     "flows-direct": "direct_p50"}, flows=1000),
        Measurement("flows-3000",
                    ["-n", "3000", "-w", "0.5", "-s", "2", "flows"],
                    {"flows-3000": "echo_p50", "flows-3000-bulk": "mbps"},
                    flows=3000),
        Measurement("flows-10000", ["-n", "10000", "flows"],
                    {"flows-10000": "echo_p50",
                     "flows-10000-open": "open_seconds",
                     "flows-10000-answer": "answered"},
                    flows=10000, rounds=1,
                    kinds=tuple(k.name for k in KINDS[:3])),
        Measurement("rate", ["-j", "64", "-s", "3", "rate"],
                    {"rate": "rate", "rate-direct": "direct"}),
        Measurement("first", ["-n", "8", "first"], {"first": "first_p50"},
                    LONG, scale=1 / LONG_MS),
        Measurement("udp", ["-j", "64", "-s", "2", "udp"],
                    {"udp": "udp_rate", "udp-tcp": "tcp_rate",
                     "udp-p50": "udp_p50", "udp-tcp-p50": "tcp_p50",
                     "udp-lost": "udp_lost", "udp-alone": "udp1_p50",
                     "udp-alone-tcp": "tcp1_p50"},
                    kinds=tuple(k.name for k in KINDS[:2])),
        Measurement("start", ["start"], {"start": "accepts",
                                         "start-useful": "useful"}),
        Measurement("start-long", ["start"], {"start-long": "useful"}, LONG,
                    scale=1 / LONG_MS),
        Measurement("again-long", ["once"],
                    {"again-long": "again"}, LONG, scale=1 / LONG_MS,
                    kinds=tuple(k.name for k in KINDS[:2])),
    ]
    if bench.has_option("FastOpen=yes"):
        out.append(Measurement("first-fastopen",
                               ["-n", "8", "-w", "0.3", "first"],
                               {"first-fastopen": "first_p50"}, LONG,
                               scale=1 / LONG_MS, options=FAST_OPEN,
                               kinds=(KINDS[0].name,)))
    out += path_measurements()
    order = [row.name for row in ROWS]
    return sorted(out, key=lambda m: order.index(m.name))


def path_measurements():
    out = []
    for way in ("up", "down"):
        out.append(Measurement(
            f"path-wide-{way}", ["-w", "2", "-s", "3", "bulk", way],
            {f"path-wide-{way}": "mbps",
             f"path-wide-resent-{way}": f"resent_{way}",
             "path-behind": "path_behind"}, path=WIDE, congestion="bbr"))
        for cc in ALGORITHMS:
            end = f"{cc}-{way}"
            args = ["-w", "2", "-s", "4", "load", way]
            out += [
                Measurement(f"path-echo-{end}", args,
                            {f"path-echo-{end}": "load_p50",
                             f"path-echo-p99-{end}": "load_p99",
                             f"path-echo-rate-{end}": "mbps",
                             f"path-echo-resent-{end}": f"resent_{way}",
                             "path-echo-idle": "idle_p50",
                             "path-behind": "path_behind"}, path=DSL,
                            congestion=cc),
                Measurement(f"path-loss-{end}", args,
                            {f"path-loss-{end}": "mbps",
                             f"path-loss-echo-{end}": "load_p50",
                             f"path-loss-resent-{end}": f"resent_{way}",
                             "path-behind": "path_behind"}, path=LOSSY,
                            congestion=cc),
            ]
    far = ["-d", str(LONG_MS / 2)]
    out += [
        Measurement("path-start", ["start"], {"path-start": "useful"},
                    path=far, congestion="cubic", scale=1 / LONG_MS),
        Measurement("path-again", ["once"],
                    {"path-again": "again"}, path=far, congestion="cubic",
                    scale=1 / LONG_MS),
    ]
    for m in out:
        m.kinds = tuple(k.name for k in KINDS[:2 if m.name == "path-again"
                                              else 3])
        m.path = m.path + ["-s", f"tcp_congestion_control={m.congestion}"]
    return out


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


def add_memory(results, tunnel, m, figures):
    for pid in tunnel.processes():
        for key, flows in (("rss0", 0), ("rss", m.flows)):
            if m.flows and f"{key}.{pid}" in figures:
                results.add_role(role(pid), tunnel.kind.name, flows,
                                 figures[f"{key}.{pid}"])


def tunnel_for(bench, kind, m):
    if m.path:
        return PathTunnel(bench, kind, m.path, m.congestion)
    return Tunnel(bench, kind, m.link)


def measure(bench, kind, m, results):
    if m.options:
        kind = dataclasses.replace(kind, options=kind.options + m.options)
    with tunnel_for(bench, kind, m) as tunnel:
        try:
            if m.args == ["start"]:
                command = tunnel.near_command()
                figures = traffic(tunnel.traffic_command(),
                                  [*m.args, "--", *command])
            elif "again" in m.rows.values():
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
    return figures[next(iter(m.rows.values()))] * m.scale


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
                if m.kinds and kind.name not in m.kinds:
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
    p.add_argument("-T", dest="limit", type=int, default=1600,
                   metavar="seconds", help="start nothing after (1600)")
    return p.parse_args()


def main():
    args = parse()
    # So that what was started is ended and the folder goes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    kinds = KINDS
    if args.kinds:
        kinds = [KINDS[int(k) - 1] for k in args.kinds.split(",")]
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    os.environ.pop("SSH_AUTH_SOCK", None)
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    results = Results(ROWS, KINDS)
    with tempfile.TemporaryDirectory(prefix="sockstun.bench.") as folder:
        bench = Bench(folder, os.path.abspath(args.build))
        todo = chosen(measurements(bench), args.rows)
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
