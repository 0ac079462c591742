# SPDX-License-Identifier: ISC
"""The lines of the table, their goals, and the measurements that give them.

Machines differ by a factor of three, so a goal compares with what the same run
has measured: another tunnel, or the same one with less to do.  Only what hangs
on a link's rate or delay is a figure by itself.
"""
import dataclasses

from tunnels import GCM, OURS, SHADOW, SSH, STOCK

# Relays: delay one way, rate, and what may wait in the queue and the kernel.
LONG = ["-d", "50", "-r", "1000", "-q", "131072", "-k", "131072"]
HOME = ["-d", "20", "-r", "100", "-q", "16384", "-k", "16384"]
LONG_MS, HOME_MS = 100, 40

# Paths of packets, with the kernel's congestion control and a queue that drops.
DSL = ["-r", "100M", "-d", "20", "-q", "500000"]
SLOW = ["-r", "10M", "-d", "20", "-q", "200000"]
LOSSY = ["-r", "40M", "-d", "15", "-q", "300000", "-l", "0.01"]
WIDE = ["-r", "300M", "-d", "50", "-q", "2000000"]
FAR = ["-d", "50"]
FAR_MS = 100
ALGORITHMS = {"bbr": "BBR", "cubic": "CUBIC"}

# Who is measured; what is in no measurement's way is compared with all.
LOCAL = (OURS, STOCK, SSH, GCM)
ALL = LOCAL + (SHADOW,)
PATHS = (OURS, STOCK, SSH)

FAST_OPEN = ("-o", "FastOpen=yes")


@dataclasses.dataclass
class Goal:
    """At least, or at most, a figure: by itself, or in relation to another."""
    figure: float
    row: str = None         # another row, of the same tunnel
    tunnel: str = None      # another tunnel, in the same row
    words: str = ""         # what the table calls the other
    plus: bool = False      # so much more, not so many times
    who: tuple = (OURS,)    # the tunnels that are to reach it

    def limit(self, other):
        """The figure to reach, where the other one's is known."""
        if self.row is None and self.tunnel is None:
            return self.figure
        if not other:
            return None
        return other + self.figure if self.plus else other * self.figure

    def text(self):
        if self.plus:
            return f"{self.words} + {self.figure:g}"
        if self.row is None and self.tunnel is None:
            return f"{self.figure:g}"
        return f"{self.figure:g}x {self.words or self.tunnel}"


@dataclasses.dataclass
class Row:
    """One line of the table: a figure of a measurement."""
    name: str
    title: str
    unit: str
    more: bool              # is more better?
    goals: tuple = ()
    chart: bool = True
    base: str = None        # the row of ssh -D to compare with, if another
    compare: bool = True    # or does the figure stand for itself?


def detail(name, title, unit, more, *goals, compare=True):
    """A row that says more of the one before, and is not in the chart."""
    return Row(name, "  " + title, unit, more, goals, False, compare=compare)


def fixed(figure, who=(OURS,)):
    return Goal(figure, who=who)


def versus(figure, tunnel):
    return Goal(figure, tunnel=tunnel)


def beside(figure, row, words, who=(OURS,)):
    return Goal(figure, row, words=words, who=who)


def plus(figure, row, who=(OURS,)):
    return Goal(figure, row, words="idle", plus=True, who=who)


ROWS = [
    Row("bulk-long-down", "1 flow, relay, 1 Gbit/s, 100 ms, down", "MB/s", True,
        (versus(5, SSH),)),
    Row("bulk-long-up", "1 flow, relay, 1 Gbit/s, 100 ms, up", "MB/s", True,
        (versus(5, SSH),)),
    Row("echo-load-down", "echo beside download, relay, 100 Mbit/s, 40 ms",
        "ms", False, (plus(6, "echo-load-idle"),)),
    Row("echo-load-up", "echo beside upload, relay, 100 Mbit/s, 40 ms", "ms",
        False, (plus(6, "echo-load-idle"),)),
    detail("echo-load-p99-down", "its 99th percentile, down", "ms", False),
    detail("echo-load-p99-up", "its 99th percentile, up", "ms", False),
    detail("echo-load-idle", "the same echo alone", "ms", False),
    detail("echo-load-rate-down", "rate of that download", "MB/s", True),
    detail("echo-load-rate-up", "rate of that upload", "MB/s", True),
    Row("flows-1000", "echo, 1,000 idle flows open", "ms", False,
        (beside(1.3, "flows-alone", "alone"),)),
    detail("flows-alone", "the same echo, no other flow", "ms", False,
           versus(1.1, SSH)),
    detail("flows-direct", "the same echo, no tunnel", "ms", False),
    Row("flows-3000", "echo, 3,000 idle flows open", "ms", False,
        (beside(1.6, "flows-alone", "alone"),)),
    Row("flows-3000-bulk", "1 flow, 3,000 idle flows open", "MB/s", True,
        (beside(0.7, "bulk-loop-down", "alone"),)),
    Row("flows-10000", "echo, 10,000 idle flows open", "ms", False,
        (beside(3, "flows-alone", "alone"),)),
    detail("flows-10000-answer", "how many of them open and echo", "flows",
           True, fixed(10000)),
    detail("flows-10000-open", "time to open them", "s", False),
    Row("bulk-loop-down", "1 flow, loopback, down", "MB/s", True,
        (versus(1.5, SSH),)),
    Row("bulk-loop-up", "1 flow, loopback, up", "MB/s", True,
        (versus(1.5, SSH),)),
    Row("bulk-loop-cpu-down", "CPU per GB, both ends, down", "s", False,
        (versus(0.8, GCM),)),
    Row("bulk-loop-cpu-up", "CPU per GB, both ends, up", "s", False,
        (versus(0.8, GCM),)),
    Row("rate", "connect, 1 byte, close; 64 at once", "/s", True,
        (versus(1, SSH), beside(0.33, "rate-direct", "no tunnel"))),
    detail("rate-direct", "without a tunnel", "/s", True),
    Row("rate-cpu", "CPU per connection, both ends", "us", False,
        (versus(0.8, GCM),)),
    Row("first", "first byte, relay, 100 ms", "round trips", False,
        (fixed(2.05),)),
    Row("first-fastopen", "first byte, relay, 100 ms, FastOpen", "round trips",
        False, (fixed(1.1),), base="first"),
    Row("udp", "UDP echoes of 512 bytes, 64 in flight", "/s", True,
        (beside(1, "udp-tcp", "TCP"), versus(1.5, SHADOW))),
    detail("udp-tcp", "over 64 TCP flows", "/s", True),
    detail("udp-p50", "a UDP echo of these 64 takes", "ms", False,
           beside(2, "udp-tcp-p50", "TCP")),
    detail("udp-tcp-p50", "over 64 TCP flows", "ms", False),
    detail("udp-lost", "lost datagrams", "", False),
    Row("udp-alone", "UDP echo of 512 bytes, alone", "ms", False,
        (beside(2, "udp-alone-tcp", "TCP"),)),
    detail("udp-alone-tcp", "over TCP", "ms", False),
    Row("start", "ready after start", "ms", False, (versus(1, SSH),)),
    Row("start-useful", "first byte after start", "ms", False,
        (versus(1, SSH),)),
    Row("start-long", "first byte after start, relay, 100 ms", "round trips",
        False, (fixed(6.5),)),
    Row("again-long", "first byte of a later session, relay, 100 ms",
        "round trips", False, (fixed(5.5),)),
]


def uploaders(way):
    """Whose sending end is ours: against sshd, that of uploads."""
    return (OURS, STOCK) if way == "up" else (OURS,)


# Of each path where an echo runs beside a bulk flow: what it is like, and the
# goals of the echo, of the rate and of what is sent again.
def echo_goals(cc, way):
    more = 10 if cc == "bbr" else 20
    return plus(more, "path-echo-idle", uploaders(way)), None, 1


def slow_goals(_, way):
    # One packet takes 1.2 ms here, and what cannot be sooner adds up.
    return plus(20, "path-slow-idle", uploaders(way)), None, 1


def loss_goals(cc, way):
    if cc != "bbr":
        return None, None, None
    return (beside(2.5, "path-loss-idle", "idle", uploaders(way)),
            fixed(0.85 * 40 / 8, uploaders(way)), None)


SHARED = {
    "echo": (DSL, "100 Mbit/s, 40 ms", echo_goals),
    "slow": (SLOW, "10 Mbit/s, 40 ms", slow_goals),
    "loss": (LOSSY, "40 Mbit/s, 30 ms, 1% lost", loss_goals),
}


def path_rows():
    """The rows of the paths of packets, in the order of the table."""
    out = []

    def add_spent(name, way, limit):
        goals = [fixed(limit, uploaders(way))] if limit else []
        out.append(detail(f"{name}-resent", "sent again", "%", False, *goals,
                          compare=False))
        out.append(detail(f"{name}-dropped", "dropped by the path", "%", False,
                          compare=False))

    for path, (_, title, goals) in SHARED.items():
        for cc, shown in ALGORITHMS.items():
            for way in ("up", "down"):
                name = f"path-{path}-{cc}-{way}"
                echo, rate, resent = goals(cc, way)
                out.append(Row(name, f"echo beside {way}load, {shown}, {title}",
                               "ms", False, (echo,) if echo else ()))
                out.append(detail(f"{name}-p99", "its 99th percentile", "ms",
                                  False))
                out.append(Row(f"{name}-rate", f"  rate of that {way}load",
                               "MB/s", True, (rate,) if rate else (),
                               path == "loss"))
                add_spent(name, way, resent)
        out.append(detail(f"path-{path}-idle", f"echo alone, {title}", "ms",
                          False))
    for way in ("up", "down"):
        name = f"path-wide-{way}"
        # Not against sshd, whose window is too small for it.
        out.append(Row(name, f"1 flow {way}, BBR, 300 Mbit/s, 100 ms", "MB/s",
                       True, (fixed(0.8 * 300 / 8),)))
        add_spent(name, way, 1)
    out.append(Row("path-start", "first byte after start, 100 ms",
                   "round trips", False))
    out.append(Row("path-again", "first byte of a later session, 100 ms",
                   "round trips", False))
    out.append(detail("path-own", "packets that a path dropped by its own "
                      "fault", "", False, fixed(0, PATHS), compare=False))
    out.append(detail("path-behind", "slowest delivery of a path came too late "
                      "by", "ms", False, compare=False))
    return out


ROWS += path_rows()


@dataclasses.dataclass
class Measurement:
    """What traffic is asked, over which link, and the rows it gives."""
    name: str
    args: list
    rows: dict              # row name -> name of a figure of traffic
    link: list = None       # of a relay
    path: list = None       # or a path of packets
    congestion: str = None  # the algorithm there, of kernel and programs
    flows: int = 0
    rounds: int = 99
    kinds: tuple = LOCAL
    scale: float = 1
    options: tuple = ()


def measurements(has_fast_open):
    """All of them, in the order of the table."""
    out = []
    for way in ("down", "up"):
        out += [
            Measurement(f"bulk-long-{way}",
                        ["-w", "2", "-s", "3", "bulk", way],
                        {f"bulk-long-{way}": "mbps"}, LONG, kinds=ALL),
            Measurement(f"echo-load-{way}",
                        ["-w", "1", "-s", "3", "load", way],
                        {f"echo-load-{way}": "load_p50",
                         f"echo-load-p99-{way}": "load_p99",
                         "echo-load-idle": "idle_p50",
                         f"echo-load-rate-{way}": "mbps"}, HOME),
            Measurement(f"bulk-loop-{way}",
                        ["-w", "1", "-s", "3", "bulk", way],
                        {f"bulk-loop-{way}": "mbps",
                         f"bulk-loop-cpu-{way}": "cpu_per_gb"}, kinds=ALL),
        ]
    floor = {"flows-alone": "alone_p50", "flows-direct": "direct_p50"}
    out += [
        Measurement("flows-1000", ["-n", "1000", "flows"],
                    {"flows-1000": "echo_p50", **floor}, flows=1000,
                    kinds=ALL),
        Measurement("flows-3000",
                    ["-n", "3000", "-w", "0.5", "-s", "2", "flows"],
                    {"flows-3000": "echo_p50", "flows-3000-bulk": "mbps",
                     **floor}, flows=3000),
        Measurement("flows-10000", ["-n", "10000", "flows"],
                    {"flows-10000": "echo_p50",
                     "flows-10000-open": "open_seconds",
                     "flows-10000-answer": "answered", **floor},
                    flows=10000, rounds=1, kinds=(OURS, STOCK, SSH)),
        Measurement("rate", ["-j", "64", "-s", "3", "rate"],
                    {"rate": "rate", "rate-direct": "direct",
                     "rate-cpu": "cpu_per_connection"}, kinds=ALL),
        Measurement("first", ["-n", "8", "first"], {"first": "first_p50"},
                    LONG, scale=1 / LONG_MS),
        Measurement("udp", ["-j", "64", "-s", "2", "udp"],
                    {"udp": "udp_rate", "udp-tcp": "tcp_rate",
                     "udp-p50": "udp_p50", "udp-tcp-p50": "tcp_p50",
                     "udp-lost": "udp_lost", "udp-alone": "udp1_p50",
                     "udp-alone-tcp": "tcp1_p50"},
                    kinds=(OURS, STOCK, SHADOW)),
        Measurement("start", ["start"], {"start": "accepts",
                                         "start-useful": "useful"}),
        Measurement("start-long", ["start"], {"start-long": "useful"}, LONG,
                    scale=1 / LONG_MS),
        Measurement("again-long", ["once"], {"again-long": "again"}, LONG,
                    scale=1 / LONG_MS, kinds=(OURS, STOCK)),
    ]
    if has_fast_open:
        out.append(Measurement("first-fastopen",
                               ["-n", "8", "-w", "0.3", "first"],
                               {"first-fastopen": "first_p50"}, LONG,
                               scale=1 / LONG_MS, options=FAST_OPEN,
                               kinds=(OURS,)))
    out += path_measurements()
    order = [row.name for row in ROWS]
    return sorted(out, key=lambda m: order.index(m.name))


def path_measurements():
    """Those on paths of packets."""
    out = []

    def add(name, args, figures, path, cc, kinds=PATHS, scale=1):
        rows = {name + end: figure for end, figure in figures.items()}
        rows.update({"path-own": "path_own", "path-behind": "path_behind"})
        path = path + ["-s", f"tcp_congestion_control={cc}"]
        out.append(Measurement(name, args, rows, path=path, congestion=cc,
                               scale=scale, kinds=kinds))

    for way in ("up", "down"):
        spent = {"-resent": f"resent_{way}", "-dropped": f"dropped_{way}"}
        add(f"path-wide-{way}", ["-w", "2", "-s", "3", "bulk", way],
            {"": "mbps", **spent}, WIDE, "bbr")
        for cc in ALGORITHMS:
            for path, (options, _, _) in SHARED.items():
                add(f"path-{path}-{cc}-{way}",
                    ["-w", "2", "-s", "4", "load", way],
                    {"": "load_p50", "-p99": "load_p99", "-rate": "mbps",
                     **spent}, options, cc)
                out[-1].rows[f"path-{path}-idle"] = "idle_p50"
    add("path-start", ["start"], {"": "useful"}, FAR, "cubic",
        scale=1 / FAR_MS)
    add("path-again", ["once"], {"": "again"}, FAR, "cubic", (OURS, STOCK),
        1 / FAR_MS)
    return out
