# SPDX-License-Identifier: ISC
"""One run of both ends with a call that fails, and what must hold all the same.

A daemon and sockstun are started, all that SOCKS has is asked for once, and
both are ended.  Both ends of every flow are here, so it is seen whether each is
whole, or visibly reset at both ends; whether each request is answered in time;
and whether another sockstun is served and nothing is left over.
"""
import contextlib
import ctypes
import hashlib
import os
import pwd
import random
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import plan

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "tools"))
import socks  # noqa: E402

LIMIT = 15              # seconds for an answer, or the end of a flow
START = 15              # seconds to serve, or to give up
STOP = 6                # for a program to end, and all that it started
CPU = 8                 # seconds for all of it; more is a loop
SIZE = 300000
DATA = random.Random(5).randbytes(SIZE)
LINGER = struct.pack("ii", 1, 0)
PR_SET_CHILD_SUBREAPER = 36


class Wrong(Exception):
    """What must not be, in one line."""


class End:
    """One end of a flow: what it sends, and what comes."""

    def __init__(self, sock):
        self.sock, self.got, self.how = sock, hashlib.sha256(), None
        self.n = self.sent = 0
        self.done = False       # it has sent all and said so

    def send(self, data, last=True):
        """Sends; with last, that is all that it has to say."""
        try:
            self.sock.sendall(data)
            self.sent += len(data)
            if last:
                self.sock.shutdown(socket.SHUT_WR)
                self.done = True
        except socket.timeout:
            self.how = self.how or "stuck"
        except OSError:
            self.how = self.how or "reset"

    def receive(self, n=None):
        """Receives n bytes, or to the end."""
        try:
            while n is None or self.n < n:
                most = 1 << 16 if n is None else n - self.n
                if not (data := self.sock.recv(most)):
                    self.how = self.how or "eof"
                    return
                self.n += len(data)
                self.got.update(data)
        except socket.timeout:
            self.how = self.how or "stuck"
        except OSError:
            self.how = self.how or "reset"

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
        self.sock.close()
        self.how = self.how or "self"

    def __str__(self):
        return f"sent {self.sent}, got {self.n}, {self.how}"


class Flow:
    """Both ends; the target's comes when the far end connects to it."""

    def __init__(self, name, client, target):
        self.name, self.client, self.target = name, client, target
        self.ends = [None, None]
        self.came = threading.Event()
        self.over = threading.Event()
        self.refused = None     # the code, or how the request ended
        self.unix = False       # a Unix socket knows no reset

    def whole(self):
        """Did both ends come as they were to?"""
        if self.refused is not None or not self.came.is_set() or \
                not self.over.wait(2 * LIMIT):
            return False
        hows = [e and e.how for e in self.ends]
        return hows == ["eof", "eof"] or \
            "self" in hows and set(hows) <= {"self", "reset", "eof"}

    def check(self, stock, lost):
        """Whole, or visibly reset at both ends?"""
        mine, other = self.ends
        if self.came.is_set() and not self.over.wait(2 * LIMIT):
            return f"{self.name}: the target's end hangs ({other})"
        for what, end, peer in (("client", mine, other),
                                ("target", other, mine)):
            if end is None:
                continue
            if end.how == "stuck":
                return f"{self.name}: the {what} waits for ever ({end})"
            # A stock server ends properly whatever a lost session carried.
            if end.how != "eof" or stock and lost and end is other or \
                    self.unix and end is mine and not (peer and peer.done):
                continue
            if peer is None or not (peer.done or stock and
                                    peer.how in ("self", "reset")):
                return f"{self.name}: the {what} sees a proper end " \
                    f"that nobody made ({end}; other end {peer})"
            if peer.done and end.n != peer.sent:
                return f"{self.name}: the {what} has {end.n} of " \
                    f"{peer.sent} bytes and a proper end"
            if end.got.digest() != hashlib.sha256(DATA[:end.n]).digest():
                return f"{self.name}: the {what} has other bytes"
        return None


def up(end):
    end.send(DATA)
    end.receive()


def down(end):
    end.receive()
    end.send(b"")


def second(end):
    """Sends its part after it has seen the other's end."""
    end.receive()
    end.send(DATA[:50000])


def first(end):
    end.send(DATA[:4])
    end.receive()


def reset_after(n):
    def act(end):
        end.receive(n)
        end.reset()
    return act


def to_the_end(end):
    end.send(DATA[:100000], last=False)
    end.receive()


FLOWS = {
    "down": (down, up), "up": (up, down), "half": (second, first),
    "target-reset": (to_the_end, reset_after(50000)),
    "client-reset": (reset_after(50000), to_the_end),
}


class Targets:
    """Where flows go: each names itself in its first line."""

    def __init__(self):
        self.flows = {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        for f in self.accept, self.echo:
            threading.Thread(target=f, daemon=True).start()

    def accept(self):
        while True:
            sock, _ = self.listener.accept()
            sock.settimeout(LIMIT)
            threading.Thread(target=self.serve, args=(sock,),
                             daemon=True).start()

    def serve(self, sock):
        name = b""
        with contextlib.suppress(OSError):
            while not name.endswith(b"\n") and (c := sock.recv(1)):
                name += c
        flow = self.flows.get(name[:-1].decode())
        if flow is None:
            sock.close()
            return
        flow.ends[1] = End(sock)
        flow.came.set()
        flow.target(flow.ends[1])
        sock.close()
        flow.over.set()

    def echo(self):
        while True:
            data, sender = self.udp.recvfrom(1 << 16)
            self.udp.sendto(data, sender)


def free_port():
    while True:
        port = random.SystemRandom().randrange(10000, 32000)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


def lines_of(path):
    """The lines of a log without what differs from run to run."""
    with open(path, errors="replace") as f:
        return [re.sub(r"[0-9]+(\.[0-9]+)?", "#", line.rstrip("\n"))
                for line in f]


class Lab:
    """A folder with keys, configuration and programs, for one run at a time."""

    def __init__(self, folder, programs, farend, options=()):
        self.folder, self.farend = folder, farend
        self.options = list(options)
        self.bin = os.path.join(folder, "bin")
        os.makedirs(self.bin, exist_ok=True)
        for name in os.listdir(programs):
            shutil.copy(os.path.join(programs, name), self.bin)
        os.chmod(folder, 0o755)
        for key in "id", "host_key":
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                            "-f", self.path(key)], check=True,
                           stdin=subprocess.DEVNULL)
        self.write("authorized_keys", self.read("id.pub"))
        self.write("ssh_config", f"""
IdentityFile {self.path('id')}
IdentitiesOnly yes
UserKnownHostsFile {self.path('known_hosts')}
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
BatchMode yes
ExitOnForwardFailure yes
ConnectTimeout 4
ServerAliveInterval 2
ServerAliveCountMax 2
RemoteHelper {self.bin}/sockstun-server
""")
        self.seen = set()       # lines that logs have without any fault
        self.fds = 0            # descriptors of a daemon at rest
        self.rest = {}          # of each process after the workload

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), errors="replace") as f:
            return f.read()

    def write(self, name, content):
        with open(self.path(name), "w") as f:
            f.write(content)
        os.chmod(self.path(name), 0o600 if name == "ssh_config" else 0o644)

    def configure(self, port, denied):
        self.write("known_hosts", f"[127.0.0.1]:{port} " +
                   " ".join(self.read("host_key.pub").split()[:2]) + "\n")
        conf = f"""
Port {port}
ListenAddress 127.0.0.1
HostKey {self.path('host_key')}
AuthorizedKeysFile {self.path('authorized_keys')}
StrictModes no
PermitRootLogin prohibit-password
LoginGraceTime 5
PidFile none
"""
        if self.farend == "sshd":
            # bash reads no .bashrc in a shell's shell.
            conf += f"UsePAM no\nSetEnv SHLVL=2\nSubsystem sockstun {self.bin}/" \
                "sockstun-server\nPermitOpen 127.0.0.1:* localhost:*\n"
        else:
            conf += "PermitLocal yes\nConnectTimeout 4\n" \
                "ClientAliveInterval 2\nClientAliveCountMax 2\n" \
                f"DenyOpen 127.0.0.1:{denied}\n"
        self.write("farend.conf", conf)

    def new_lines(self, name):
        return [line for line in lines_of(self.path(name))
                if line not in self.seen]


class Run:
    """All of it once; what was wrong is in self.wrong."""

    def __init__(self, lab, point=None, trace=False):
        self.lab, self.point = lab, point
        self.wrong, self.notes = [], []
        self.plan = plan.Plan(lab.bin, point, trace)
        self.targets = Targets()
        self.flows = []
        self.port, self.denied = free_port(), free_port()
        self.children = {}
        self.degraded = self.ended = False
        self.fds, self.rest = 0, {}

    def fail(self, text):
        self.wrong.append(text)

    # --- processes

    def start(self, name, *argv):
        out = open(self.lab.path(name + ".out"), "w")
        log = open(self.lab.path(name + ".log"), "w")
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("SSH_A")}
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=log, env=env)
        out.close()
        log.close()
        self.children[name] = child
        return child

    def wait_text(self, child, name, text, also=lambda: False):
        """Waits until it says that, or ends; did it say it?"""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < START:
            ended = child.poll() is not None
            if text in self.lab.read(name) or waited > 2 and also():
                return True
            if ended:
                return False
            time.sleep(0.01)
        self.fail(f"{name}: no '{text}' within {START} s, and no end")
        return False

    def listens(self):
        with open("/proc/net/tcp") as f:
            return f":{self.port:04X} 00000000:0000 0A" in f.read()

    def start_farend(self):
        self.lab.configure(self.port, self.denied)
        conf = self.lab.path("farend.conf")
        if self.lab.farend == "sshd":
            path = shutil.which("sshd", path=os.environ["PATH"] +
                                ":/usr/sbin")
        else:
            path = os.path.join(self.lab.bin, "sockstund")
        child = self.start("farend", path, "-D", "-e", "-f", conf)
        if self.wait_text(child, "farend.log", "Server listening on",
                          self.listens):
            time.sleep(0.02)
            self.fds = max(self.descriptors(child.pid), self.lab.fds)
            return True
        if child.poll() is None:
            return False
        if child.returncode < 0:
            self.crash("the daemon", -child.returncode)
        elif child.returncode == 0:
            self.fail("the daemon's start ended with 0")
        elif not self.lab.new_lines("farend.log") and self.can_speak():
            self.fail("the daemon ended without a word")
        return False

    def start_sockstun(self, name):
        self.where = self.lab.path(name + ".sock")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.where)
        child = self.start(
            name, os.path.join(self.lab.bin, "sockstun"), "-F",
            self.lab.path("ssh_config"), "-D", "0", "-D", self.where,
            "-oReconnect=no", *self.lab.options, "-p", str(self.port),
            f"{pwd.getpwuid(os.getuid()).pw_name}@127.0.0.1")
        if not self.wait_text(child, name + ".out", "Listening on"):
            return False
        out = self.lab.read(name + ".out")
        os.environ["PROXY"] = re.search("Listening on (.*)", out)[1]
        return True

    def stop(self, name):
        child = self.children[name]
        if child.poll() is None:
            child.terminate()
        try:
            return child.wait(STOP)
        except subprocess.TimeoutExpired:
            self.fail(f"{name} does not end on SIGTERM")
            child.kill()
            return child.wait()

    @staticmethod
    def descriptors(pid):
        try:
            return len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            return 0

    @staticmethod
    def family(pid):
        """All that descend from it."""
        parents = {}
        for p in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), \
                    open(f"/proc/{p}/stat", errors="replace") as f:
                state, ppid = f.read().rsplit(")", 1)[1].split()[:2]
                if state != "Z":
                    parents[int(p)] = int(ppid)
        found, more = set(), {pid}
        while more:
            more = {p for p, pp in parents.items() if pp in more} - found
            found |= more
        return found

    @staticmethod
    def title(pid):
        try:
            with open(f"/proc/{pid}/cmdline", errors="replace") as f:
                return f.read().replace("\0", " ").strip()[:100]
        except OSError:
            return ""

    def left(self, pid):
        """The processes that a daemon still has for connections."""
        return {p: t for p in self.family(pid)
                if (t := self.title(p)) and "[logger]" not in t and
                "-R logger" not in t}

    # --- what is asked for

    def ask(self, name, cmd, host, port, early=b""):
        """A request; the connection and the answer, or None."""
        try:
            sock = socks.connect(LIMIT)
        except OSError as e:
            self.degraded = True
            self.notes.append(f"{name}: no connection to sockstun ({e})")
            return None
        try:
            sock.sendall(socks.GREETING +
                         socks.request5(host, port, cmd) + early)
            socks.read_exactly(sock, 2)
            return sock, *socks.read_answer5(sock)
        except socket.timeout:
            self.fail(f"{name}: no answer within {LIMIT} s")
        except (OSError, EOFError) as e:
            self.degraded = True
            self.notes.append(f"{name}: request ended ({e})")
        sock.close()
        return None

    def flow(self, name, kind, unix=False):
        flow = Flow(name, *FLOWS[kind])
        self.flows.append(flow)
        self.targets.flows[name] = flow
        before = os.environ["PROXY"]
        flow.unix = unix
        if unix:
            os.environ["PROXY"] = self.where
        answer = self.ask(name, socks.CONNECT, "127.0.0.1",
                          self.targets.port, name.encode() + b"\n")
        os.environ["PROXY"] = before
        if answer is None or answer[1] != 0:
            flow.refused = answer[1] if answer else "ended"
            if answer:
                answer[0].close()
            return
        flow.ends[0] = End(answer[0])
        flow.client(flow.ends[0])
        answer[0].close()

    def ask_refused(self, name, port, want):
        answer = self.ask(name, socks.CONNECT, "127.0.0.1", port)
        if answer is None:
            return
        if answer[1] == 0:
            end = End(answer[0])
            end.receive()
            if end.how != "reset":
                self.fail(f"{name}: told to be connected, then {end.how}")
        elif answer[1] != want:
            self.degraded = True
            self.notes.append(f"{name}: code {answer[1]}")
        answer[0].close()

    def ask_name(self, name, cmd, host):
        answer = self.ask(name, cmd, host, 0)
        if answer is None:
            return
        answer[0].close()
        if answer[1] != 0:
            self.degraded = True
            self.notes.append(f"{name}: code {answer[1]}")

    def ask_bind(self):
        flow = Flow("bind", down, up)
        answer = self.ask("bind", socks.BIND, "127.0.0.1", 0)
        if answer is None or answer[1] != 0:
            self.degraded = True
            self.notes.append("bind: not bound")
            return
        mine = answer[0]
        try:
            come = socks.come(answer[2])
        except OSError as e:
            self.degraded = True
            self.notes.append(f"bind: nobody waits ({e})")
            come = None
        try:
            code = socks.read_reply5(mine)
        except socket.timeout:
            # It has a time of its own, if who comes cannot be accepted.
            if self.plan.fired().times < 2:
                self.fail("bind: no second answer")
            return
        except (OSError, EOFError):
            code = None
        if come is None or code != 0:
            self.degraded = True
            self.notes.append(f"bind: second answer {code}")
            if come:
                other = End(come)
                come.settimeout(LIMIT)
                other.receive()
                if other.how != "reset" and other.how != "eof":
                    self.fail("bind: who came waits for ever")
            return
        come.settimeout(LIMIT)
        self.flows.append(flow)
        flow.ends = [End(mine), End(come)]
        flow.came.set()
        other = threading.Thread(target=lambda: (
            flow.target(flow.ends[1]), come.close(), flow.over.set()),
            daemon=True)
        other.start()
        flow.client(flow.ends[0])
        mine.close()

    def ask_udp(self):
        answer = self.ask("udp", socks.UDP, socks.ANY, 0)
        if answer is None or answer[1] != 0:
            self.degraded = True
            self.notes.append("udp: no association")
            return
        tcp, _, relay = answer
        host, port = self.targets.udp.getsockname()
        head = b"\0\0\0" + socks.address(host) + struct.pack("!H", port)
        got = set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(0.3)
            for _ in range(12):
                for n in range(5):
                    if n not in got:
                        with contextlib.suppress(OSError):
                            udp.sendto(head + b"datagram %d" % n, relay)
                with contextlib.suppress(OSError):
                    while len(got) < 5:
                        got.add(udp.recv(1 << 16)[-1] - ord("0"))
                if len(got) == 5:
                    break
                self.degraded = True
                self.notes.append("udp: datagrams were lost")
                tcp.settimeout(0.01)
                with contextlib.suppress(socket.timeout):
                    tcp.recv(1)
                    self.notes.append("udp: the association was ended")
                    break
            else:
                if self.point.mode == "once":
                    self.fail("udp: the association is dead, not ended")
        tcp.close()

    def workload(self):
        kept = threading.Thread(target=self.keep, daemon=True)
        self.go = threading.Event()
        kept.start()
        both = [threading.Thread(target=self.flow, args=(k, k))
                for k in ("up", "down")]
        for t in both:
            t.start()
        for t in both:
            t.join(3 * LIMIT)
        self.flow("half", "half")
        if self.lab.farend != "sshd":
            self.flow("target-reset", "target-reset")
            self.flow("client-reset", "client-reset")
        self.flow("unix", "up", unix=True)
        self.ask_bind()
        self.ask_udp()
        self.ask_name("resolve", socks.RESOLVE, "localhost")
        self.ask_name("resolve-ptr", socks.RESOLVE_PTR, "127.0.0.1")
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            self.ask_refused("refused", closed.getsockname()[1], 5)
        self.ask_refused("denied", self.denied, 2 if
                         self.lab.farend != "sshd" else 5)
        self.go.set()
        kept.join(3 * LIMIT)

    def check_rest(self):
        """When all flows have ended, nobody has descriptors of one."""
        until = time.monotonic() + (STOP if self.lab.rest else 0.5)
        while time.monotonic() < until:
            self.rest = {name: self.descriptors(pid)
                         for name, pid, _ in self.phase_one}
            more = {name: n for name, n in self.rest.items()
                    if n > self.lab.rest.get(name, n)}
            if self.lab.rest and not more:
                return
            time.sleep(0.05)
        for name, n in more.items():
            self.fail(f"{name} had {self.lab.rest[name]} descriptors, "
                      f"keeps {n}")

    def keep(self):
        """A flow that is open all the time."""
        def client(end):
            end.send(DATA[:1000], last=False)
            end.receive(1000)
            self.go.wait(6 * LIMIT)
            end.send(b"")
            end.receive()

        def target(end):
            end.sock.settimeout(8 * LIMIT)
            end.receive(1000)
            end.send(DATA[:1000], last=False)
            end.receive()
            end.send(b"")
        FLOWS["kept"] = client, target
        self.flow("kept", "kept")

    # --- afterwards

    def end_sockstun(self):
        child = self.children["sockstun"]
        # Its connections may just be at their end.
        by_itself = child.poll()
        status = self.stop("sockstun")
        if by_itself is not None:
            self.degraded = self.ended = True
            self.notes.append(f"sockstun ended by itself: {status}")
            if status < 0:
                self.crash("sockstun", -status)
            elif status != 255:
                self.fail(f"sockstun ended by itself with {status}")
            elif not self.lab.new_lines("sockstun.log"):
                self.fail("sockstun ended without a word")
        elif status < 0 and status != -signal.SIGTERM:
            self.crash("sockstun", -status)
        if status >= 0 and os.path.exists(self.where):
            self.fail("a socket file is left")

    def crash(self, name, sig):
        event = self.plan.crashed()
        where = " < ".join(event.where(self.lab.bin)) if event.times else "?"
        # A library that crashes, but not memcpy(3) that we call wrongly.
        inner = [m.startswith("sockst") for m, _, _ in event.stack[:2]]
        if any(inner) or not event.times:
            self.fail(f"{name} crashed, signal {sig}: {where}")
        else:
            self.notes.append(f"{name} crashed in a library: {where}")

    def check_farend(self):
        child = self.children["farend"]
        pid = child.pid
        if child.poll() is not None:
            self.fail(f"the daemon is gone: {child.returncode}")
            return
        until = time.monotonic() + STOP
        # It opens some for a moment, to see whether there are any.
        while ((left := self.left(pid)) or (now := self.descriptors(pid)) >
               self.fds) and time.monotonic() < until:
            time.sleep(0.02)
        if left:
            self.fail("the daemon keeps " + "; ".join(
                f"{p} {t}" for p, t in left.items()))
        elif now > self.fds:
            self.fail(f"the daemon had {self.fds} descriptors, keeps {now}")

    def can_speak(self):
        """Is it not the words that fail?"""
        return not self.point or self.point.func != "write" and \
            (self.point.func, self.point.mode) != ("sendmsg", "good")

    def check_silence(self):
        """A process of the far end that crashed, or ended the session."""
        event = self.plan.crashed()
        if event.times and not event.name.startswith("sockstun"):
            self.crash(event.name, event.what)
            self.degraded = self.ended = True
            if self.lab.farend != "sshd" and "signal" not in \
                    self.lab.read("farend.log"):
                self.fail(f"{event.name} crashed and nobody says so")
        if self.ended and self.point and self.lab.farend != "sshd" and \
                not self.point.process.startswith("sockstun") and \
                self.can_speak() and not self.lab.new_lines("farend.log"):
            self.fail("the session ended and the daemon's log says nothing")

    def serve_next(self):
        if self.children["farend"].poll() is not None:
            return
        if not self.start_sockstun("next"):
            self.fail("the daemon does not serve the next one: " +
                      self.lab.read("next.log")[-200:])
        else:
            self.flow("next", "half")
            if not self.flows[-1].whole():
                self.fail("a flow of the next one fails")
        self.stop("next")

    def check_left(self):
        until = time.monotonic() + STOP
        me = os.getpid()
        while (left := self.family(me)) and time.monotonic() < until:
            time.sleep(0.02)
            self.reap()
        for p in left:
            self.fail(f"left over: {p} {self.title(p)}")
        for p in left:
            with contextlib.suppress(OSError):
                os.kill(p, signal.SIGKILL)

    @staticmethod
    def reap():
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0] > 0:
                pass

    def go_through(self):
        if not self.start_farend():
            self.ended = True
            if self.children["farend"].poll() is None:
                self.stop("farend")
            self.phase_one = list(self.plan.slots())
            self.plan.lift()
            self.check_left()
            return
        if self.start_sockstun("sockstun"):
            self.workload()
        self.phase_one = list(self.plan.slots())
        self.plan.lift()
        self.check_rest()
        self.end_sockstun()
        for flow in self.flows:
            if text := flow.check(self.lab.farend == "sshd", self.ended):
                self.fail(text)
            elif not flow.whole():
                self.degraded = True
                self.notes.append(
                    f"{flow.name}: refused {flow.refused}, "
                    f"{flow.ends[0]}; {flow.ends[1]}")
        self.check_farend()
        self.check_silence()
        self.serve_next()
        self.stop("farend")
        self.check_left()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        if used.ru_utime + used.ru_stime > CPU:
            self.fail(f"{used.ru_utime + used.ru_stime:.1f} s of CPU")

    def verdict(self):
        if self.wrong:
            return "VIOLATION"
        if self.point and not self.plan.fired().times:
            return "unreached"
        return "ended" if self.ended else \
            "reset" if self.degraded else "whole"


def run(lab, point=None, trace=False):
    """Runs it in this process, which should be one of its own."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    began = time.monotonic()
    r = Run(lab, point, trace)
    try:
        r.go_through()
    except Exception as e:      # the harness itself
        import traceback
        traceback.print_exc()
        r.fail(f"harness: {e!r}")
        r.plan.lift()
        for child in r.children.values():
            if child.poll() is None:
                child.kill()
        r.check_left()
    r.took = time.monotonic() - began
    return r
