# SPDX-License-Identifier: ISC
"""The tunnels that are compared, each started afresh for every measurement:
a far end on a free port of loopback, perhaps a long link, a near end."""
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


class Failed(Exception):
    """A tunnel did not come up."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


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

    def __init__(self, bench, kind, link=None):
        self.bench, self.kind, self.link = bench, kind, link
        self.far = self.wire = self.near = None

    def __enter__(self):
        try:
            self.start_far()
            if self.link is not None:
                self.start_link()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start_far(self):
        b = self.bench
        self.far_port = free_port()
        own = f"""UsePAM no
            Subsystem sockstun {b.path("sockstun-server")}"""
        if self.kind.far != "sshd":
            own = "PermitLocal yes"
        b.write("farend.conf", f"""
            Port {self.far_port}
            ListenAddress 127.0.0.1
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
        self.far = spawn(b, "farend", [program, "-D", "-e", "-f",
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
        if program == "sockstun":
            program = self.bench.path(program)
        return [program, "-N", "-F", self.bench.path("ssh_config"),
                "-D", f"127.0.0.1:{self.port}",
                "-o", "ExitOnForwardFailure=yes", *self.kind.options,
                "-p", str(self.far_port), "127.0.0.1"]

    def start_near(self):
        self.near = spawn(self.bench, "near", self.near_command())
        wait_for(f"{self.kind.name}: no flow", self.first_flow)

    def first_flow(self):
        """A flow to nowhere is refused (ssh -D closes it): it is up."""
        if self.near.poll() is not None:
            raise Failed(f"{self.kind.name}: ended by itself")
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

    def logs(self):
        """The last words of each program."""
        lines = []
        for name in ("near.log", "farend.log", "linkem.log"):
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
