# SPDX-License-Identifier: ISC
"""The file by which the fault layer (shim.c) is told what to fail.

    plan.py folder                    what was called, by each process
    plan.py folder process function N [errno [once|good]] [below symbol]

folder is where programs that were linked with the shim lie, each run of them
in one of its own.  With a plan its file "fault" is made anew: then the Nth
call of the function in that process (net.2: the second sockstund-net) fails,
once or for good.  With "below" only calls are counted that are made, directly
or not, by that function of ours.
"""
import errno
import mmap
import os
import re
import struct
import subprocess
import sys

FUNCS = ["malloc", "read", "write", "connect", "accept", "socket",
         "socketpair", "pipe", "epoll_ctl", "sendmsg", "recvmsg", "send",
         "recv", "dup", "fork", "thread", "open", "epoll_create"]
# What each of them may fail with; the first is the one that is most likely.
ERRORS = {
    "malloc": ["ENOMEM"],
    "read": ["ECONNRESET", "EIO", "ENOMEM"],
    "write": ["ENOMEM", "ENOSPC", "EPIPE"],
    "connect": ["ENOBUFS", "EADDRNOTAVAIL", "ENETUNREACH", "ENOMEM"],
    "accept": ["EMFILE", "ECONNABORTED", "ENOMEM", "ENOBUFS"],
    "socket": ["EMFILE", "ENOBUFS", "ENOMEM", "EACCES"],
    "socketpair": ["EMFILE", "ENOMEM"],
    "pipe": ["EMFILE", "ENFILE"],
    "epoll_ctl": ["ENOMEM", "ENOSPC"],
    "sendmsg": ["ENOBUFS", "ENOMEM", "ETOOMANYREFS"],
    "recvmsg": ["ENOMEM", "ECONNRESET"],
    "send": ["ENOBUFS", "ECONNRESET", "ENOMEM", "EAGAIN"],
    "recv": ["ECONNRESET", "ENOMEM", "ETIMEDOUT"],
    "dup": ["EMFILE"],
    "fork": ["EAGAIN", "ENOMEM"],
    "thread": ["EAGAIN"],
    "open": ["EMFILE", "ENFILE", "EIO", "ENOMEM"],
    "epoll_create": ["EMFILE", "ENOMEM"],
}
MODES = {"once": 1, "good": 2}
MAGIC = 0x464c5432
SLOTS, RANGES, TEXT = 64, 8, 4096
HEAD = struct.Struct("<II16sIIIIQ")
RANGE = struct.Struct("<QQ")
TRACE = struct.Struct("<QII")
EVENT = struct.Struct(f"<IIIIQ16s{TEXT}s")
SLOT = struct.Struct("<16sII20Q")
CALL = struct.Struct("<HHIQ")
AT_TRACE = HEAD.size + RANGES * RANGE.size
AT_FIRED = AT_TRACE + TRACE.size
AT_CRASHED = AT_FIRED + EVENT.size
AT_SLOT = AT_CRASHED + EVENT.size
AT_CALL = AT_SLOT + SLOTS * SLOT.size
SIZE = AT_CALL + (1 << 19) * CALL.size
PROGRAMS = {"sockstun": "sockstun", "helper": "sockstun-server",
            "net": "sockstund-net", "signer": "sockstund-signer"}


def text(raw):
    return raw.split(b"\0", 1)[0].decode()


def program(process):
    """The program of a process: net.2 is sockstund-net."""
    return PROGRAMS.get(process.split(".")[0], "sockstund")


class Point:
    """Which call fails, and how."""

    def __init__(self, process, func, n, error=None, mode="once", below=None):
        self.process, self.func, self.n = process, func, int(n)
        self.error = error or ERRORS[func][0]
        self.mode, self.below = mode, below
        if func not in FUNCS or mode not in MODES or \
                not hasattr(errno, self.error):
            raise ValueError(f"no such point: {self}")

    def __str__(self):
        words = [self.process, self.func, str(self.n), self.error, self.mode]
        return " ".join(words + (["below", self.below] if self.below else []))

    @classmethod
    def parse(cls, line):
        words = line.split()
        below = None
        if "below" in words:
            at = words.index("below")
            below = words[at + 1]
            del words[at:at + 2]
        return cls(*words, below=below)


def ranges_of(path, symbol):
    """Where the code of a function is, which may be in parts."""
    found = []
    lines = subprocess.run(["nm", "-S", path], check=True, text=True,
                           capture_output=True).stdout.splitlines()
    for line in lines:
        if m := re.match(r"(\w+) (\w+) [tT] (\w+)(\.\S+)?$", line):
            if m[3] == symbol:
                found.append((int(m[1], 16), int(m[1], 16) + int(m[2], 16)))
    if not found:
        raise ValueError(f"{path} has no function {symbol}")
    return found[:RANGES]


class Event:
    """A call that failed, or a signal that ended a process."""

    def __init__(self, raw):
        self.times, self.pid, self.what, _, self.n, name, lines = \
            EVENT.unpack(raw)
        self.name = text(name)
        self.stack = [line.split() for line in text(lines).splitlines()]

    def where(self, folder, most=12):
        """The stack, innermost first, as "function file:line"."""
        out = []
        for module, offset, symbol in self.stack:
            path = os.path.join(folder, module)
            if os.path.exists(path):
                lines = subprocess.run(
                    ["addr2line", "-f", "-i", "-s", "-e", path, offset],
                    text=True, capture_output=True).stdout.splitlines()
                out += [f"{a} {b.split(' ')[0]}"
                        for a, b in zip(lines[::2], lines[1::2])]
            else:
                out.append(f"{symbol} {module}")
        return [o for o in out if "shim.c" not in o][:most]


class Plan:
    """The file itself; a folder has one for each run."""

    def __init__(self, folder, point=None, trace=False, new=True):
        self.folder = folder
        path = os.path.join(folder, "fault")
        if new:
            with open(path, "wb") as f:
                f.truncate(SIZE)
            os.chmod(path, 0o666)
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), SIZE)
        if new:
            self.write(point, trace)

    def write(self, point, trace):
        if point is None:
            head = (b"", 0, 0, 0, 0, 0)
        else:
            ranges = []
            if point.below:
                ranges = ranges_of(os.path.join(
                    self.folder, program(point.process)), point.below)
            for i, r in enumerate(ranges):
                RANGE.pack_into(self.map, HEAD.size + i * RANGE.size, *r)
            head = (point.process.encode(), MODES[point.mode],
                    FUNCS.index(point.func), getattr(errno, point.error),
                    len(ranges), point.n)
        TRACE.pack_into(self.map, AT_TRACE, 0, int(trace), 0)
        HEAD.pack_into(self.map, 0, MAGIC, 0, *head)

    def lift(self):
        """From now on nothing fails."""
        struct.pack_into("<I", self.map, 24, 0)

    def fired(self):
        return Event(self.map[AT_FIRED:AT_CRASHED])

    def crashed(self):
        return Event(self.map[AT_CRASHED:AT_SLOT])

    def slots(self):
        """Of each process: its name, its ID, and calls of each function."""
        n = min(struct.unpack_from("<I", self.map, 4)[0], SLOTS)
        for i in range(n):
            name, pid, _, *calls = SLOT.unpack_from(
                self.map, AT_SLOT + i * SLOT.size)
            if name[0]:
                yield text(name), pid, dict(zip(FUNCS, calls))

    def calls(self):
        """With trace: process, function, number and stack of each call."""
        names = [text(self.map[at:at + 16]) for at in
                 range(AT_SLOT, AT_CALL, SLOT.size)]
        n = min(TRACE.unpack_from(self.map, AT_TRACE)[2], 1 << 19)
        for i in range(n):
            slot, func, nth, stack = CALL.unpack_from(
                self.map, AT_CALL + i * CALL.size)
            if nth > 0:
                yield names[slot], FUNCS[func], nth, stack

    def close(self):
        self.map.close()

    def show(self, out=sys.stdout):
        for name, _, calls in self.slots():
            print(f"{name}:", *(f"{f} {n}" for f, n in calls.items() if n),
                  file=out)
        for what, event in ("failed", self.fired()), \
                ("crashed", self.crashed()):
            if event.times:
                name = FUNCS[event.what] if what == "failed" else "signal"
                print(f"{what}: {event.name}[{event.pid}] {name} "
                      f"{event.n or event.what} ({event.times} times): " +
                      " < ".join(event.where(self.folder)), file=out)


def main(folder, *words):
    if words:
        Plan(folder, Point.parse(" ".join(words)))
    else:
        Plan(folder, new=False).show()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
