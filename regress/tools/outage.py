# SPDX-License-Identifier: ISC
"""Cuts of all kinds, drawn from a seed, with flows in the middle.

    outage.py target                the far ends of the flows; prints its port
    outage.py cuts seed longest command ...
                                    so many, of at most so many seconds; the
                                    command starts the far end anew

Each cut finds four flows under way and a request that is put meanwhile; another
is put when the path is back.  A flow goes on, and then every byte has come, or
is reset at both ends.  Both ends of a flow know what the other one sends.

In the environment: STATE, the folder of the programs' numbers and logs; TARGET,
the port of the flows' far ends.
"""
import random
import selectors
import statistics
import subprocess
import sys
import threading

from socks import *

# What the client and the target send.
ROLES = {"up": ("bulk", None), "down": (None, "bulk"),
         "talk": ("sips", "sips"), "idle": (None, None)}
DATA = BLOCK[:1048573]
DATA += DATA
CHUNK = 1 << 16
PATIENCE = 60           # seconds that a flow may take to end
SAMPLE = 20             # fewer cuts: nothing is weighed and waited for
SLACK = 256             # kilobytes that the last flows may leave with malloc
SETTLING = 120          # and sessions to end whose client has vanished


class End:
    """One end of a flow; how it ended is None, "eof", "reset" or "wrong"."""

    def __init__(self, sock, name, sends):
        self.sock, self.name, self.sends = sock, name, sends
        self.sent = self.got = 0
        self.how = None
        self.stopped = False
        sock.setblocking(False)

    def data(self, off, n):
        return DATA[off % (len(DATA) // 2):][:n]

    def receive(self):
        try:
            data = self.sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self.how = "reset"
            return
        if data != self.data(self.got, len(data)):
            self.how = "wrong"
        elif not data:
            self.how = "eof"
        self.got += len(data)

    def send(self, n):
        try:
            self.sent += self.sock.send(self.data(self.sent, n))
        except BlockingIOError:
            pass
        except OSError:
            self.how = "reset"

    def stop(self):
        """Nothing more is sent; what came before is to arrive."""
        self.sends, self.stopped = None, True
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.how = self.how or "reset"


class Ends:
    """All ends of one side, served by one thread."""

    def __init__(self, told):
        self.sel = selectors.DefaultSelector()
        self.told = told
        self.lock = threading.Lock()

    def add(self, end):
        events = selectors.EVENT_READ
        if end.sends == "bulk":
            events |= selectors.EVENT_WRITE
        self.sel.register(end.sock, events, end)

    def stop(self, end):
        with self.lock:
            if end.how is None:
                end.stop()
                self.sel.modify(end.sock, selectors.EVENT_READ, end)

    def event(self, end, events):
        if events & selectors.EVENT_READ and not end.how:
            end.receive()
        if events & selectors.EVENT_WRITE and end.sends and not end.how:
            end.send(CHUNK)
        if not end.how:
            return
        self.sel.unregister(end.sock)
        if end.how == "eof" and not end.stopped:
            end.stop()
        end.sock.close()
        self.told(end)

    def serve(self):
        sip = 0
        while True:
            ready = self.sel.select(0.05)
            with self.lock:
                for key, events in ready:
                    if callable(key.data):
                        key.data()
                    else:
                        self.event(key.data, events)
                if time.monotonic() > sip:
                    sip = time.monotonic() + 0.05
                    self.sip()

    def sip(self):
        for key in list(self.sel.get_map().values()):
            if getattr(key.data, "sends", None) == "sips":
                key.data.send(100)
                self.event(key.data, 0)


def target():
    def told(end):
        print(*end.name, end.sent, end.got, end.how, flush=True)

    def accept():
        sock = listener.accept()[0]
        sock.settimeout(TIMEOUT)
        line = b""
        while not line.endswith(b"\n") and (more := sock.recv(1)):
            line += more
        kind, number = line.decode().split() or ("gone", "0")
        if kind in ROLES:
            ends.add(End(sock, (kind, number), ROLES[kind][1]))
        else:
            sock.close()

    ends = Ends(told)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        print(listener.getsockname()[1], flush=True)
        ends.sel.register(listener, selectors.EVENT_READ, accept)
        ends.serve()


# --- what is cut, and how; each returns when the path is back, or how long ago


def state(name):
    return os.path.join(os.environ["STATE"], name)


def path(command):
    with open(state("path.ctl"), "w") as f:
        f.write(command + "\n")


def far_end():
    with open(state("farend.pid")) as f:
        return int(f.read())


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


def family(pid):
    return [pid] + [p for child in children(pid) for p in family(child)]


def is_logger(pid):
    with open(f"/proc/{pid}/cmdline") as f:
        return "logger" in f.read()


def sessions():
    """Those of the far end's children that serve one each."""
    alive = []
    for pid in children(far_end()):
        try:
            if not is_logger(pid):
                alive.append(pid)
        except OSError:
            pass
    return alive


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            pass


def swallow(rnd, longest, _):
    seconds = 1 + (longest - 1) * rnd.random() ** 2
    way = rnd.choice(["", "", "up", "down"])
    path(f"cut {way}")
    time.sleep(seconds)
    path("join")
    return f"{seconds:.1f} s {way}"


def reset(rnd, _, __):
    seconds = rnd.uniform(0.1, 2)
    way = rnd.choice(["", "up", "down"])
    path(f"reset {way}")
    time.sleep(seconds)
    path("join")
    return f"{seconds:.1f} s {way}"


def move(rnd, _, __):
    seconds = rnd.uniform(0, 3)
    ip = ["ip", "address"]
    now = subprocess.run(ip + ["show", "dev", "path0"], check=True,
                         capture_output=True, text=True).stdout
    old = now.split("inet ")[1].split()[0]
    new = rnd.choice([a for a in (f"10.7.0.{n}/24" for n in (1, 3, 4, 5))
                      if a != old])
    subprocess.run(ip + ["del", old, "dev", "path0"], check=True)
    time.sleep(seconds)
    subprocess.run(ip + ["add", new, "dev", "path0"], check=True)
    return f"{seconds:.1f} s to {new}"


def killed(_, __, ___):
    kill([p for s in sessions() for p in family(s)])
    return ""


def reboot(rnd, _, command):
    """The far end's kernel forgets all; later, its daemon is there again."""
    off, later = rnd.uniform(2, 5), rnd.choice([0, rnd.uniform(0, 3)])
    path("cut")
    kill(family(far_end()))
    time.sleep(off)
    if later:
        path("join")
        time.sleep(later)
    with open(state("farend.log"), "a+") as log:
        log.seek(0)
        before = log.read().count("Server listening")
        daemon = subprocess.Popen(command, stderr=log,
                                  stdin=subprocess.DEVNULL)
        with open(state("farend.pid"), "w") as f:
            print(daemon.pid, file=f)
        listens = before
        while listens == before:
            time.sleep(0.02)
            log.seek(0)
            listens = log.read().count("Server listening")
    path("join")
    return f"{off:.1f} s, and {later:.1f} s"


KINDS = {swallow: 12, move: 2, killed: 2, reboot: 2, reset: 2}


# --- the client's ends


def request():
    """Asks for a target, and for a byte of it."""
    with order("echo") as sock:
        sock.sendall(b"x")
        read_exactly(sock, 1)


def seconds_to_serve():
    """How long it takes until a request is served."""
    began = time.monotonic()
    while time.monotonic() < began + PATIENCE:
        try:
            request()
            break
        except (OSError, EOFError, Refused) as e:
            check(False, f"a new request: {e!r}")
            time.sleep(0.1)
    return time.monotonic() - began


class Asked(threading.Thread):
    """A request that is put during the cut; how it failed, if it did."""

    def run(self):
        self.failed = None
        try:
            order("echo").close()
        except Exception as e:
            self.failed = repr(e)


def until(seconds, good):
    limit = time.monotonic() + seconds
    while not good() and time.monotonic() < limit:
        time.sleep(0.05)
    return good()


class Cuts:
    def __init__(self, count, seed, longest, command):
        self.count, self.longest, self.command = count, longest, command
        self.rnd = random.Random(seed)
        self.port = int(os.environ["TARGET"])
        self.flows = []
        self.took = {kind: [] for kind in KINDS}
        self.ends = Ends(lambda end: None)
        threading.Thread(target=self.ends.serve, daemon=True).start()

    def begin(self, kind):
        sock = dial("127.0.0.1", self.port,
                    early=f"{kind} {len(self.flows)}\n".encode())
        end = End(sock, kind, ROLES[kind][0])
        self.flows.append(end)
        with self.ends.lock:
            self.ends.add(end)
        return end

    def cut(self, number, kind):
        flows = [self.begin(role) for role in ROLES]
        check(until(TIMEOUT, lambda: all(
            f.name == "idle" or f.sent + f.got > 1000 for f in flows)),
            f"cut {number}: the flows are under way")
        asked = Asked()
        timer = threading.Timer(self.rnd.uniform(0.01, 0.5), asked.start)
        timer.start()
        how = kind(self.rnd, self.longest, self.command)
        took = seconds_to_serve()
        self.took[kind].append(took)
        for flow in flows:
            self.ends.stop(flow)
        timer.join()
        asked.join()
        until(PATIENCE, lambda: all(f.how for f in flows))
        ends = [f"{f.name} {f.how}" for f in flows]
        print(f"cut {number} {kind.__name__} {how}: {took:.2f} s; "
              f"{', '.join(ends)}", flush=True)
        check(asked.failed is None,
              f"cut {number}: asked meanwhile: {asked.failed or 'served'}")

    def judge(self, targets, all_of):
        """
        Neither end of a flow may believe that it was whole, if it was not; and
        all of them have ended, or those whose client has vanished have not yet.
        """
        stock = os.environ["FAREND"] == "sshd"
        ended = {"whole": 0, "reset": 0, "clean at a stock server's": 0,
                 "not yet": 0}
        for number, flow in enumerate(self.flows):
            sent, got, how = targets.get(number, (0, 0, "hangs"))
            short = (sent, got) != (flow.got, flow.sent)
            text = f"flow {number} ({flow.name}): sent {flow.sent} and got " \
                f"{flow.got}, {flow.how}; its target {sent} and {got}, {how}"
            if (flow.how, how) == ("eof", "eof") and not short:
                ended["whole"] += 1
            elif flow.how != "reset":
                check(False, text)
            elif how == "eof" and got == flow.sent and flow.stopped:
                ended["whole"] += 1     # the reset came after the end
            elif how == "eof" and stock:
                ended["clean at a stock server's"] += 1
            elif how == "reset":
                ended["reset"] += 1
            elif how == "hangs" and not all_of:
                ended["not yet"] += 1
            else:
                check(False, text)
        print("flows: " + ", ".join(f"{n} {k}" for k, n in ended.items()))


def targets():
    """How the flows ended at the target."""
    found = {}
    with open(state("target.out")) as f:
        for line in f.readlines()[1:]:
            _, number, sent, got, how = line.split()
            found[int(number)] = int(sent), int(got), how
    return found


def weigh(pids):
    """Processes, descriptors, and kilobytes that are no file's."""
    descriptors = kilobytes = 0
    for pid in pids:
        descriptors += len(os.listdir(f"/proc/{pid}/fd"))
        with open(f"/proc/{pid}/smaps_rollup") as f:
            kilobytes += next(int(line.split()[1]) for line in f
                              if line.startswith("Anonymous:"))
    return len(pids), descriptors, kilobytes


def scales():
    """What sockstun, the daemon and all of the far end weigh when at rest."""
    until(SETTLING, lambda: len(sessions()) == 1)
    seconds_to_serve()
    time.sleep(2)
    with open(state("sockstun.pid")) as f:
        near = int(f.read())
    far = far_end()
    return {"sockstun": weigh(family(near)), "the daemon": weigh([far]),
            "the far end": weigh(family(far))}


def percentile(values, part):
    return sorted(values)[max(0, -(-len(values) * part // 100) - 1)]


def tell(name, took):
    if took:
        print(f"{name:8} {len(took):4} cuts: a new request after "
              f"{statistics.median(took):.2f} s (median), "
              f"{percentile(took, 95):.2f} s (95 of 100), {max(took):.2f} s")


def run(count, seed, longest, command):
    cuts = Cuts(count, seed, longest, command)
    # Each kind once, then as it comes.
    kinds = list(KINDS)
    cuts.rnd.shuffle(kinds)
    kinds += cuts.rnd.choices(list(KINDS), KINDS.values(), k=count)
    weights = []
    for number, kind in enumerate(kinds[:count], 1):
        cuts.cut(number, kind)
        if count >= SAMPLE and number in (10, count):
            weights.append(scales())
            print(f"after cut {number}: (processes, descriptors, kB) "
                  f"{weights[-1]}", flush=True)
    for kind, took in cuts.took.items():
        tell(kind.__name__, took)
    took = [t for all_of in cuts.took.values() for t in all_of]
    tell("all", took)
    check(statistics.median(took) <= 2, "the median is 2 s at most")
    check(percentile(took, 95) <= 5, "95 of 100 take 5 s at most")
    until(SETTLING, lambda: not weights or len(targets()) == len(cuts.flows))
    cuts.judge(targets(), weights)
    if weights:
        for who, now in weights[1].items():
            processes, descriptors, kilobytes = weights[0][who]
            check(now[0] <= processes and now[1] <= descriptors and
                  now[2] <= kilobytes + SLACK, f"{who} has grown by nothing")
    finish()


if sys.argv[1] == "target":
    target()
else:
    run(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4:])
