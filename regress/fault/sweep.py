# SPDX-License-Identifier: ISC
"""Runs of the workload with one call that fails in each.

    sweep.py [option ...] programs

programs is the folder of those that are linked with the shim.  Without -a and
-p a sample is drawn: each function of each process has its turn.
    -a          all points; those of other stacks first
    -f file     points that are always run, a line each
    -j jobs     at the same time
    -n, -t      how many, or how many seconds
    -o folder   results, one line a point, and the logs of violations; what is
                there already is not run again
    -p point    this one alone (what is printed for each violation)
    -r regex    only those of which "variant process function" matches it
    -s seed     of the sample
"""
import argparse
import collections
import ctypes
import itertools
import json
import os
import random
import re
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback

import plan
import run

PATIENCE = 120          # seconds for a run, whatever happens
# How both ends are started, and whose calls may fail there (None: all).
VARIANTS = {
    "sockstund": ("sockstund", (), None),
    "fastopen": ("sockstund", ("-o", "FastOpen=yes"),
                 ("sockstun", "net", "dialer")),
    "sshd": ("sshd", (), ("sockstun", "helper")),
}


def parse(line):
    """A variant and a point."""
    variant, rest = line.split(None, 1)
    if variant not in VARIANTS:
        raise ValueError(f"no such variant: {variant}")
    return variant, plan.Point.parse(rest)


class Worker:
    """Makes one run at a time, each in a process of its own."""

    def __init__(self, folder, programs, variants):
        self.labs = {}
        for v in variants:
            path = os.path.join(folder, v)
            os.makedirs(path)
            self.labs[v] = run.Lab(path, programs, *VARIANTS[v][:2])
        self.pid = None

    def begin(self, variant, point, trace=False):
        self.variant, self.point, self.trace = variant, point, trace
        self.began = time.monotonic()
        self.pipe, out = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.pipe)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            try:
                r = run.run(self.labs[variant], point, trace)
                os.write(out, json.dumps(self.result(r, trace)).encode())
            except BaseException:
                traceback.print_exc()
            os._exit(0)
        os.close(out)
        self.data = b""

    def result(self, r, trace):
        fired, crashed = r.plan.fired(), r.plan.crashed()
        result = {
            "verdict": r.verdict(), "took": round(r.took, 2),
            "wrong": r.wrong, "notes": r.notes, "times": fired.times,
            "fds": r.fds, "rest": r.rest,
            "where": fired.where(self.labs[self.variant].bin, 16)
            if fired.times else [],
            "crash": crashed.where(self.labs[self.variant].bin, 16)
            if crashed.times else [],
            "seen": [line for name in ("farend.log", "sockstun.log")
                     if os.path.exists(r.lab.path(name))
                     for line in run.lines_of(r.lab.path(name))]}
        if trace:
            names = {name for name, _, _ in r.phase_one}
            with open(r.lab.path("trace"), "w") as f:
                json.dump([c for c in r.plan.calls() if c[0] in names], f)
        return result

    def read(self):
        """Takes what the run says; is it over?"""
        more = os.read(self.pipe, 1 << 16)
        self.data += more
        return not more

    def end(self):
        os.close(self.pipe)
        os.waitpid(self.pid, 0)
        self.pid = None
        if not self.data:
            return {"verdict": "VIOLATION", "wrong": ["harness died"],
                    "notes": [], "where": [], "took": 0, "crash": [],
                    "times": 0, "seen": []}
        return json.loads(self.data)

    def kill(self):
        for p in run.Run.family(self.pid) | {self.pid}:
            try:
                os.kill(p, signal.SIGKILL)
            except OSError:
                pass


class Sweep:
    def __init__(self, args):
        self.args = args
        self.rnd = random.Random(args.s)
        self.folder = tempfile.mkdtemp(prefix="sockstun.fault.")
        os.chmod(self.folder, 0o755)
        self.counts = collections.Counter()
        self.groups = collections.defaultdict(list)
        self.done = {}
        self.must_fire = set()
        self.told = time.monotonic()
        variants = [v for v in VARIANTS if v != "sshd" or
                    shutil.which("sshd", path=os.environ["PATH"] +
                                 ":/usr/sbin:/sbin")]
        if args.p:
            variants = [parse(args.p[0])[0]]
        self.workers = []
        for i in range(args.j):
            path = os.path.join(self.folder, str(i))
            os.makedirs(path)
            os.chmod(path, 0o755)
            self.workers.append(Worker(path, args.programs, variants))
        self.variants = variants
        self.out = None
        if args.o:
            os.makedirs(args.o, exist_ok=True)
            self.resume(os.path.join(args.o, "results"))

    def resume(self, path):
        newest = max(os.stat(os.path.join(self.args.programs, p)).st_mtime
                     for p in os.listdir(self.args.programs))
        if os.path.exists(path) and os.stat(path).st_mtime < newest:
            print("the programs have changed: from the beginning")
            os.unlink(path)
        if os.path.exists(path):
            with open(path) as f:
                for line in f:
                    r = json.loads(line)
                    self.done[r["point"]] = r
                    self.count(r)
        self.out = open(path, "a")

    # --- which points

    def record(self):
        """Calls without any fault, of each variant, and what logs say."""
        self.calls = {}
        self.work(((v, None, trace) for trace in (True, False)
                   for v in self.variants), self.recorded)

    def recorded(self, w, r):
        if r["verdict"] != "whole":
            raise SystemExit(f"{w.variant}: without any fault: "
                             f"{r['verdict']} {r['wrong']} {r['notes']}")
        for lab in (other.labs[w.variant] for other in self.workers):
            lab.seen.update(r["seen"])
            lab.fds = max(lab.fds, r["fds"])
            lab.rest = {k: max(n, lab.rest.get(k, 0))
                        for k, n in r["rest"].items()}
        if w.trace:
            with open(w.labs[w.variant].path("trace")) as f:
                self.calls[w.variant] = self.sort(w.variant, json.load(f))

    def sort(self, variant, calls):
        """For each process and function: for each stack, the calls."""
        roles = VARIANTS[variant][2]
        table = collections.defaultdict(
            lambda: collections.defaultdict(list))
        for process, func, n, stack in calls:
            if (roles is None or process.split(".")[0] in roles) and \
                    re.search(self.args.r, f"{variant} {process} {func}"):
                table[process, func][stack].append(n)
        return {k: list(v.values()) for k, v in table.items()}

    def print_counts(self):
        for v in self.variants:
            for (process, func), stacks in sorted(self.calls[v].items()):
                print(f"{v} {process} {func}: {sum(map(len, stacks))} calls, "
                      f"{len(stacks)} stacks")

    def known(self, path):
        """The points of a file.  With sanitizers some are not to be had."""
        had = {(v, *k) for v in self.variants for k in self.calls[v]}
        sanitized = not any(func == "malloc" for _, _, func in had)
        with open(path) as f:
            points = [parse(line) for line in f
                      if line.strip() and line[0] != "#"]
        self.must_fire = {str(p) for _, p in points}
        return [(v, p) for v, p in points
                if not sanitized or (v, p.process, p.func) in had]

    def sample(self):
        """Points for ever, all functions of all processes in turn."""
        keys = [(v, *k) for v in self.variants for k in self.calls[v]]
        keys += 3 * [k for k in keys if k[2] == "malloc"]
        while keys:
            self.rnd.shuffle(keys)
            for v, process, func in keys:
                n = self.rnd.choice(self.rnd.choice(self.calls[v][
                    process, func]))
                error = self.rnd.choice(plan.ERRORS[func])
                mode = self.rnd.choice(self.modes(process, func, error))
                yield v, plan.Point(process, func, n, error, mode)

    @staticmethod
    def modes(process, func, error):
        """What is not to be had for ever: a full socket, for one."""
        once = func == "accept" or (func, error) == ("send", "EAGAIN") or \
            func == "write" and process.startswith("helper")
        return ["once"] if once else ["once", "once", "good"]

    def every(self):
        """All of them; each stack once, then the rest."""
        first, rest = [], []
        for v in self.variants:
            for (process, func), stacks in self.calls[v].items():
                for mode in sorted(set(self.modes(process, func, None))):
                    made = [[(v, plan.Point(process, func, n, mode=mode))
                             for n in calls] for calls in stacks]
                    first += [m[0] for m in made]
                    rest += [p for m in made for p in m[1:]]
        self.rnd.shuffle(first)
        return first + rest

    # --- running them

    def count(self, r):
        self.counts[r["verdict"]] += 1
        if r["verdict"] == "VIOLATION":
            what = re.sub(r"[0-9]+", "#", r["wrong"][0])
            ours = [w for w in r["where"]
                    if w.rsplit(None, 1)[-1].split(":")[0].endswith(".c")]
            process = r["point"].split()[1].split(".")[0]
            self.groups[process, " < ".join(ours[:2]), what].append(r)

    def finish(self, w, r):
        r["point"] = f"{w.variant} {w.point}"
        if r["verdict"] == "unreached" and str(w.point) in self.must_fire:
            r["verdict"] = "VIOLATION"
            r["wrong"] = ["the code of this point has changed: not reached"]
        self.count(r)
        if r["verdict"] == "VIOLATION":
            print(f"VIOLATION: {r['point']}\n    " +
                  "\n    ".join(r["wrong"][:4]) + "\n    at " +
                  " < ".join(r["where"][:8]), flush=True)
            self.keep_logs(w, r)
        elif self.args.p or self.args.v:
            print(f"{r['verdict']}: {r['point']} ({r['took']} s)\n    " +
                  "\n    ".join(r["notes"] + ["at " +
                                              " < ".join(r["where"][:8])]),
                  flush=True)
        if self.out:
            del r["seen"]
            self.out.write(json.dumps(r) + "\n")
            self.out.flush()

    def keep_logs(self, w, r):
        if not self.args.o:
            return
        name = r["point"].replace(" ", "_")
        with open(os.path.join(self.args.o, name + ".log"), "w") as f:
            for k in "wrong", "notes", "where", "crash":
                print(f"{k}:", *r[k], sep="\n    ", file=f)
            lab = w.labs[w.variant]
            for log in "farend.log", "sockstun.log", "next.log":
                if os.path.exists(lab.path(log)):
                    print(f"--- {log}\n{lab.read(log)[-8000:]}", file=f)

    def tell(self, again):
        """How far it is, every minute."""
        if self.args.o and time.monotonic() > self.told + again:
            self.told = time.monotonic()
            print(f"{sum(self.counts.values())} points, "
                  f"{self.counts['VIOLATION']} violations", flush=True)

    def work(self, tasks, done):
        """All of them, by all workers; done is given each result."""
        free, busy = list(self.workers), []
        tasks = iter(tasks)
        while True:
            while free and (task := next(tasks, None)) is not None:
                busy.append(free.pop())
                busy[-1].begin(*task)
            if not busy:
                return
            ready = select.select([w.pipe for w in busy], [], [], 1)[0]
            for w in list(busy):
                if w.pipe in ready and w.read():
                    done(w, w.end())
                    busy.remove(w)
                    free.append(w)
                elif time.monotonic() > w.began + PATIENCE:
                    w.kill()
            self.tell(60)

    def go(self, points, most=1 << 60):
        """So many points, those that were run already left out."""
        until = time.monotonic() + self.args.t

        def tasks():
            new = (p for p in points if f"{p[0]} {p[1]}" not in self.done)
            for variant, point in itertools.islice(new, most):
                if time.monotonic() > until:
                    return
                yield variant, point, False
        self.work(tasks(), self.finish)

    def summary(self):
        c = self.counts
        print(f"{sum(c.values())} points: {c['whole']} whole, {c['reset']} "
              f"reset, {c['ended']} ended, {c['unreached']} not reached, "
              f"{c['VIOLATION']} violations")
        for (process, where, what), rs in sorted(
                self.groups.items(), key=lambda g: -len(g[1])):
            print(f"{len(rs):4} {process}: {what}\n        at {where}\n"
                  f"        repeat: -p '{rs[0]['point']}'")

    def main(self):
        args = self.args
        try:
            self.record()
            if args.c:
                self.print_counts()
            elif args.p:
                self.go(map(parse, args.p))
            else:
                if args.f:
                    self.go(self.known(args.f))
                if args.a:
                    self.go(self.every())
                elif args.n or args.t < 1e9:
                    self.go(self.sample(), args.n or 1 << 60)
        finally:
            for w in self.workers:
                if w.pid is not None:
                    w.kill()
            shutil.rmtree(self.folder, ignore_errors=True)
        self.summary()
        return 1 if self.counts["VIOLATION"] else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("-a", action="store_true")
    parser.add_argument("-c", action="store_true")
    parser.add_argument("-f")
    parser.add_argument("-j", type=int, default=2)
    parser.add_argument("-n", type=int, default=0)
    parser.add_argument("-o")
    parser.add_argument("-p", action="append")
    parser.add_argument("-r", default="")
    parser.add_argument("-s", type=int,
                        default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("-t", type=float, default=1e9)
    parser.add_argument("-v", action="store_true")
    parser.add_argument("programs")
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    ctypes.CDLL(None).prctl(run.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    raise SystemExit(Sweep(parser.parse_args()).main())
