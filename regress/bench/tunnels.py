# SPDX-License-Identifier: ISC
"""The tunnels that are compared, each started afresh for every measurement:
a far end, perhaps a long link, a near end; on loopback, or in two networks."""
import dataclasses
import os
import re
import shutil
import signal
import socket
import subprocess
import time

PROGRAMS = ("sockstun", "sockstund", "sockstund-net", "sockstund-signer",
            "sockstun-server")
START_S = 15


OURS, STOCK = "sockstun+sockstund", "sockstun+sshd"
SSH, GCM = "ssh -D", "ssh -D aes128-gcm"
SHADOW = "shadowsocks-libev"


@dataclasses.dataclass
class Kind:
    name: str
    near: str
    far: str
    options: tuple = ()

    def installed(self):
        """Is there all that is not ours?"""
        return self.name != SHADOW or \
            all(map(shutil.which, (self.near, self.far)))


KINDS = [
    Kind(OURS, "sockstun", "sockstund"),
    Kind(STOCK, "sockstun", "sshd"),
    Kind(SSH, "ssh", "sshd"),
    Kind(GCM, "ssh", "sshd", ("-c", "aes128-gcm@openssh.com")),
    Kind(SHADOW, "ss-local", "ss-server", ("-k", "bench", "-m", "aes-128-gcm",
                                           "-u")),
]


class Failed(Exception):
    """A tunnel did not come up."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        return True
    except OSError:
        return False


def wait_for(what, test, seconds=START_S):
    """Waits until the test is true, and returns what it gave."""
    end = time.monotonic() + seconds
    while not (found := test()):
        if time.monotonic() > end:
            raise Failed(what)
        time.sleep(0.005)
    return found


class Bench:
    """A folder with keys and configuration, and what every start needs."""

    def __init__(self, folder, build):
        self.dir = folder
        self.tools = os.path.join(build, "regress", "bench")
        os.chmod(folder, 0o755)
        for name in PROGRAMS:
            if os.path.exists(os.path.join(build, name)):
                shutil.copy(os.path.join(build, name), folder)
        for name in ("id", "host_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                            "-f", self.path(name)], check=True)
        shutil.copy(self.path("id.pub"), self.path("authorized_keys"))
        os.chmod(self.path("authorized_keys"), 0o644)
        self.write("ssh_config", f"""
            IdentityFile {self.path("id")}
            IdentitiesOnly yes
            IdentityAgent none
            UserKnownHostsFile {self.path("known_hosts")}
            GlobalKnownHostsFile /dev/null
            StrictHostKeyChecking yes
            HostKeyAlias bench
            BatchMode yes
            """)
        with open(self.path("host_key.pub"), encoding="ascii") as f:
            self.write("known_hosts", "bench " + " ".join(f.read().split()[:2]))

    def path(self, name):
        return os.path.join(self.dir, name)

    def tool(self, name):
        return os.path.join(self.tools, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.writelines(line.strip() + "\n" for line in text.splitlines())

    def read(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as f:
            return f.read()

    def has_option(self, option):
        """Does sockstun know this option?"""
        return subprocess.run(
            [self.path("sockstun"), "-G", "-F", self.path("ssh_config"),
             "-o", option, "127.0.0.1"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False).returncode == 0


def spawn(bench, name, argv):
    """A process whose output goes to NAME.out and NAME.log."""
    with open(bench.path(name + ".out"), "wb") as out, \
            open(bench.path(name + ".log"), "wb") as log:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out,
                                stderr=log)


def running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def tree(pid):
    """The process and all that descend from it."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            children = [int(child) for child in f.read().split()]
    except OSError:
        return []
    return [pid] + [p for child in children for p in tree(child)]


def role(pid):
    """What a process of a tunnel calls itself, without what varies."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8",
                  errors="replace") as f:
            title = f.read().rstrip("\0").split("\0")[0]
    except OSError:
        return "gone"
    if "listener" in title:
        return title.split(":")[0] + " [listener]"
    title = re.sub(r"/\S*/", "", title)
    return re.sub(r"\s*\d+(\.\d+)*.*", "", title)


class Tunnel:
    """One near end and one far end, up for one measurement."""

    HOST = "127.0.0.1"      # where the far end listens

    def __init__(self, bench, kind, link=None):
        self.bench, self.kind, self.link = bench, kind, link
        self.far = self.wire = self.near = None
        self.in_near, self.in_far = [], []      # what runs a command there
        self.own = []           # options that only our programs know
        self.more_options = []                  # of the near end

    def __enter__(self):
        try:
            self.start_networks()
            self.start_far()
            if self.link is not None:
                self.start_link()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start_networks(self):
        """Here there is but one, which is there."""

    def start_far(self):
        b = self.bench
        self.far_port = free_port()
        own = f"""UsePAM no
            Subsystem sockstun {b.path("sockstun-server")}"""
        if self.kind.far != "sshd":
            own = "\n".join(["PermitLocal yes", *self.own])
        b.write("farend.conf", f"""
            Port {self.far_port}
            ListenAddress {self.HOST}
            HostKey {b.path("host_key")}
            AuthorizedKeysFile {b.path("authorized_keys")}
            StrictModes no
            PermitRootLogin prohibit-password
            PidFile none
            {own}
            """)
        program = b.path("sockstund")
        if self.kind.far == "sshd":
            program = shutil.which("sshd") or "/usr/sbin/sshd"
        self.far = spawn(b, "farend", [*self.in_far, program, "-D", "-e", "-f",
                                       b.path("farend.conf")])
        wait_for(f"{program} does not listen",
                 lambda: "Server listening on" in b.read("farend.log"))

    def start_link(self):
        b = self.bench
        self.wire = spawn(b, "linkem", [b.tool("linkem"), *self.link,
                                        str(self.far_port)])
        self.far_port = int(wait_for("linkem does not listen",
                                     lambda: b.read("linkem.out").strip()))

    def near_command(self):
        """What starts the near end, on a port that it sets."""
        self.port = free_port()
        program = self.kind.near
        own = []
        if program == "sockstun":
            program = self.bench.path(program)
            own = [f"-o{option}" for option in self.own]
        return [program, "-N", "-F", self.bench.path("ssh_config"), *own,
                "-D", f"127.0.0.1:{self.port}",
                "-o", "ExitOnForwardFailure=yes", *self.kind.options,
                *self.more_options,
                "-p", str(self.far_port), self.HOST]

    def start_near(self):
        self.near = spawn(self.bench, "near",
                          self.in_near + self.near_command())
        wait_for(f"{self.kind.name}: no flow", self.first_flow)

    def first_flow(self):
        if self.near.poll() is not None:
            raise Failed(f"{self.kind.name}: ended by itself")
        return self.try_flow()

    def try_flow(self):
        """A flow to nowhere is refused (ssh -D closes it): it is up."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as s:
                s.sendall(b"\5\1\0")
                if len(s.recv(2)) < 2:
                    return False
                s.sendall(b"\5\1\0\1\x7f\0\0\1\0\1")
                s.recv(10)
                return True
        except OSError:
            return False

    def processes(self):
        """The pids of the tunnel, near end first."""
        near = tree(self.near.pid) if self.near else []
        return near + tree(self.far.pid)

    def traffic_command(self):
        """What measures this tunnel, when it is up."""
        return [*self.in_near, self.bench.tool("traffic"),
                "-P", str(self.port)]

    def attempts(self):
        """How often the near end has begun to connect."""
        return len(re.findall(r"Connecting to \S+ port",
                              self.bench.read("near.log")))

    def time_again(self, args):
        """The far end ends the session: the ms from the next attempt to connect
        until a client that waits for it has had its answer."""
        self.more_options = ["-v"]
        self.start_near()
        before = self.attempts()
        for pid in tree(self.far.pid)[1:]:
            if running(pid):
                os.kill(pid, signal.SIGKILL)
        waiting = subprocess.Popen(self.traffic_command() + args,
                                   stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL)
        try:
            wait_for("no session is made anew",
                     lambda: self.attempts() > before)
            begin = time.monotonic()
            if waiting.wait(START_S) != 0:
                raise Failed("no first byte of a session made anew")
            return (time.monotonic() - begin) * 1000
        finally:
            waiting.kill()
            waiting.wait()

    def figures(self):
        """What else is to be said of a measurement when it is over."""
        return {}

    def logs(self):
        """The last words of each program."""
        lines = []
        for name in ("near.log", "farend.log", "linkem.log", "path.log"):
            if os.path.exists(self.bench.path(name)):
                lines += [f"  {name}: {line}" for line in
                          self.bench.read(name).splitlines()[-5:]]
        return lines

    def end(self, process):
        """Ends one program and those it started, by process id."""
        if process is None:
            return
        started = tree(process.pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        try:
            wait_for("", lambda: not any(map(running, started)), 3)
        except Failed:
            for pid in filter(running, started):
                os.kill(pid, signal.SIGKILL)

    def stop(self):
        """Ends all of it; the far end's sessions before their listener."""
        self.end(self.near)
        self.end(self.wire)
        if self.far is not None:
            try:
                wait_for("", lambda: len(tree(self.far.pid)) <= 1, 5)
            except Failed:
                pass
        self.end(self.far)


class ShadowTunnel(Tunnel):
    """shadowsocks: no session, every flow has a connection of its own."""

    def start_far(self):
        self.far_port = free_port()
        self.far = spawn(self.bench, "farend",
                         [self.kind.far, "-s", self.HOST, "-p",
                          str(self.far_port), *self.kind.options])
        wait_for(f"{self.kind.far} does not listen",
                 lambda: accepts(self.far_port))

    def near_command(self):
        self.port = free_port()
        return [self.kind.near, "-s", self.HOST, "-p", str(self.far_port),
                "-b", "127.0.0.1", "-l", str(self.port), *self.kind.options]


def dropped(counts):
    """What one direction of a path has dropped of what came, in percent."""
    gone = sum(counts[why] for why in ("full", "lost", "swallowed"))
    return 100 * gone / counts["packets"] if counts["packets"] else 0


class PathTunnel(Tunnel):
    """The same over a path of packets: near end and traffic are in one network,
    far end and target in the other."""

    HOST = "10.7.0.2"

    def __init__(self, bench, kind, options, congestion):
        super().__init__(bench, kind)
        self.options = options
        # The path's own setting is for ssh -D, and for the target.
        self.own = [f"CongestionControl={congestion}"]
        self.path = self.target = None

    def start_networks(self):
        b = self.bench
        with open(b.path("path.out"), "wb") as out, \
                open(b.path("path.log"), "wb") as log:
            self.path = subprocess.Popen([b.tool("path"), *self.options],
                                         stdin=subprocess.PIPE, stdout=out,
                                         stderr=log)
        wait_for("there is no path",
                 lambda: self.path.poll() or "\nfar " in b.read("path.out"))
        if self.path.poll() is not None:
            raise Failed("there is no path")
        self.in_near, self.in_far = (line.split()[1:] for line in
                                     b.read("path.out").splitlines()[:2])
        self.target = spawn(b, "target", [*self.in_far, b.tool("traffic"),
                                          "-m", b.path("sunk"), "target"])
        self.target_port = wait_for("the target does not listen",
                                    lambda: b.read("target.out").strip())

    def traffic_command(self):
        return super().traffic_command() + [
            "-m", self.bench.path("sunk"), "-T", self.target_port]

    def try_flow(self):
        return subprocess.run(self.traffic_command() + ["-n", "1", "first"],
                              stdin=subprocess.DEVNULL, capture_output=True,
                              check=False).returncode == 0

    def resent(self, enter, end):
        """How much of what one end of the session has sent was sent again, in
        percent."""
        text = subprocess.run([*enter, "ss", "-Htin", end, self.HOST],
                              capture_output=True, text=True,
                              check=True).stdout
        sent, again = (sum(map(int, re.findall(rf"\b{name}:(\d+)", text)))
                       for name in ("bytes_sent", "bytes_retrans"))
        return 100 * again / sent if sent else 0

    def figures(self):
        self.path.stdin.write(b"report\n")
        self.path.stdin.flush()
        wait_for("no report", lambda: "\nok\n" in self.bench.read("path.out"))
        report = self.bench.read("path.out").splitlines()[2:4]
        counts = [dict(zip(words[1::2], map(int, words[2::2])))
                  for words in map(str.split, report)]
        return {"resent_up": self.resent(self.in_near, "dst"),
                "resent_down": self.resent(self.in_far, "src"),
                "dropped_up": dropped(counts[0]),
                "dropped_down": dropped(counts[1]),
                "path_own": sum(c["own"] for c in counts),
                "path_behind": max(c["behind"] for c in counts) / 1000}

    def stop(self):
        super().stop()
        self.end(self.target)
        if self.path is not None:
            self.path.stdin.close()
        self.end(self.path)


def tunnel_for(bench, kind, m):
    """The tunnel of that kind over what the measurement is made on."""
    if m.path:
        return PathTunnel(bench, kind, m.path, m.congestion)
    if kind.name == SHADOW:
        return ShadowTunnel(bench, kind, m.link)
    return Tunnel(bench, kind, m.link)
