# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# sockstun-server started by hand, on pipes and on a socket: it serves one
# request and exits at the end of its input.

[ -x "$BIN/sockstun-server" ] || fatal "sockstun-server is not built"
python3 - <<'EOT' || fail "see above"
import subprocess

from socks import *
from udp import *

PROGRAM = os.environ["BIN"] + "/sockstun-server"


class Server:
    """One of them: on two pipes, or on one socket."""

    def __init__(self, *args, pair=False):
        self.sock = None
        stdin = stdout = subprocess.PIPE
        if pair:
            self.sock, theirs = socket.socketpair()
            self.sock.settimeout(TIMEOUT)
            stdin = stdout = theirs
        self.process = subprocess.Popen(
            [PROGRAM, "-e", *args], stdin=stdin, stdout=stdout, bufsize=0,
            stderr=subprocess.PIPE)
        if pair:
            theirs.close()

    def sendall(self, data):
        if self.sock:
            self.sock.sendall(data)
            return
        while data:
            data = data[self.process.stdin.write(data):]

    def recv(self, n):
        return self.sock.recv(n) if self.sock else self.process.stdout.read(n)

    def end(self):
        """No more input; the rest of the output, and the exit status."""
        if self.sock:
            self.sock.shutdown(socket.SHUT_WR)
        else:
            self.process.stdin.close()
        rest = read_all(self)
        status = self.process.wait(TIMEOUT)
        self.said = self.process.stderr.read()
        return rest, status


def frame(data, host, port, **how):
    return wrap(data, host, port, rsv=len(data), **how)


def read_frame(s):
    """Data and source of the next frame."""
    size, frag, atyp = struct.unpack("!HBB", read_exactly(s, 4))
    check(frag == 0, f"FRAG {frag}")
    where = read_address(s, atyp)
    return read_exactly(s, size), where


for pair in (False, True):
    kind = "a socket" if pair else "pipes"
    target = udp_socket()
    port = port_of(target)

    # UDP: a reply, then frames, then its end.
    s = Server(pair=pair)
    s.sendall(request5(ANY, 0, UDP))
    code, bound = read_answer5(s)
    check(code == 0 and bound[1] != 0, f"{kind}: UDP, {code} {bound}")
    s.sendall(frame(b"one", "127.0.0.1", port) + frame(b"", "127.0.0.1", port) +
              frame(bytes(60000), "localhost", port))
    got = [target.recvfrom(1 << 16) for _ in range(3)]
    check([len(g) for g, _ in got] == [3, 0, 60000], f"{kind}: three frames")
    check({sender[1] for _, sender in got} == {bound[1]},
          f"{kind}: all from the port that it told")
    target.sendto(b"answer", got[0][1])
    check(read_frame(s) == (b"answer", ("127.0.0.1", port)),
          f"{kind}: an answer")
    many = [b"%d" % n for n in range(500)]
    s.sendall(b"".join(frame(m, "127.0.0.1", port) for m in many))
    check([target.recv(100) for _ in many] == many, f"{kind}: 500 in order")
    for byte in frame(b"slowly", "127.0.0.1", port):
        s.sendall(bytes([byte]))
    check(target.recv(100) == b"slowly", f"{kind}: a frame byte by byte")
    check(s.end() == (b"", 0), f"{kind}: ends with its input")
    check(is_gone(("127.0.0.1", bound[1])), f"{kind}: the port is gone")

    # The request and its frames in one piece, and the end right behind it.
    s = Server(pair=pair)
    s.sendall(request5("::", 0, UDP) + frame(b"at once", "127.0.0.1", port))
    check(s.end()[1] == 0, f"{kind}: the end right behind a frame")
    check(target.recv(100) == b"at once", f"{kind}: which went out")

    # RESOLVE.
    s = Server(pair=pair)
    s.sendall(request5("localhost", 4, RESOLVE))
    check(read_answer5(s) == (0, ("127.0.0.1", 0)), f"{kind}: RESOLVE")
    check(s.end() == (b"", 0), f"{kind}: and its end")
    s = Server(pair=pair)
    s.sendall(request5("192.0.2.5", 0, RESOLVE))
    rest, status = s.end()
    check(status == 0 and rest[:10] == b"\5\0\0\1\xc0\0\2\5\0\0",
          f"{kind}: RESOLVE of an address, {rest} {status}")

    # BIND.
    s = Server(pair=pair)
    s.sendall(request5("127.0.0.1", 0, BIND))
    code, where = read_answer5(s)
    check(code == 0 and where[0] == "127.0.0.1", f"{kind}: BIND, {where}")
    peer = socket.create_connection(where, TIMEOUT)
    check(read_answer5(s) == (0, peer.getsockname()), f"{kind}: the peer")
    s.sendall(b"to the peer")
    check(read_exactly(peer, 11) == b"to the peer", f"{kind}: data")
    peer.sendall(b"last words")
    peer.shutdown(socket.SHUT_WR)
    check(read_exactly(s, 10) == b"last words", f"{kind}: data back")
    rest, status = s.end()
    check((rest, status) == (b"", 0), f"{kind}: the end: {rest} {status}")
    check(read_all(peer) == b"", f"{kind}: which reaches the peer")
    s = Server(pair=pair)
    s.sendall(request5("127.0.0.1", 0, BIND))
    code, where = read_answer5(s)
    s.end()
    try:
        socket.create_connection(where, TIMEOUT).close()
        check(False, f"{kind}: it listens without a client")
    except ConnectionRefusedError:
        check(True, f"{kind}: the end while it waits")

    # What is malformed: a reply where there can be one, status 255.
    for name, request, codes in (
            ("another version", b"\x04\x03\0\x01" + bytes(6), (1, None)),
            ("CONNECT", request5("127.0.0.1", 9), (7,)),
            ("command 9", request5("127.0.0.1", 9, cmd=9), (7,)),
            ("ATYP 2", b"\5\3\0\2" + bytes(16), (8,)),
            ("an empty name", request5(b"", 0, RESOLVE), (1, 4)),
            ("a cut request", request5("127.0.0.1", 0, UDP)[:7], (1, None)),
            ("noise", bytes(range(100, 200)), (1, None)),
            ("a greeting", GREETING, (1, None)),
            ("nothing", b"", (1, None))):
        s = Server(pair=pair)
        s.sendall(request)
        rest, status = s.end()
        code = rest[1] if len(rest) >= 10 else None
        check(code in codes and status != 0 and (rest == b"" or code),
              f"{kind}, {name}: {rest} {status}")

    # A frame that is malformed ends it.
    for name, bad in (("FRAG", wrap(b"x", "127.0.0.1", port, 1, 1)),
                      ("ATYP", b"\0\1\0\2" + bytes(20)),
                      ("an empty name", b"\0\1\0\3\0\0\5x"),
                      ("a length", b"\xff\xff\0\1" + bytes(70000))):
        s = Server(pair=pair)
        s.sendall(request5(ANY, 0, UDP))
        read_answer5(s)
        try:
            s.sendall(bad)
            s.process.wait(5)
            check(True, f"{kind}: a malformed {name} ends it")
        except (BrokenPipeError, ConnectionError):
            check(True, f"{kind}: a malformed {name} ends it at once")
        except subprocess.TimeoutExpired:
            check(False, f"{kind}: a malformed {name} does not end it")
            s.process.kill()
        s.process.wait()


def run(*args):
    done = subprocess.run([PROGRAM, *args], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=TIMEOUT, check=False)
    return done.returncode, done.stdout, done.stderr


status, out, err = run("-V")
check(status == 0 and b"sockstun-server" in out + err, f"-V: {out} {err}")
for bad in (["-x"], ["-l"], ["-l", "nonsense"], ["extra"]):
    status, out, err = run(*bad)
    check(status == 1 and out == b"" and err != b"", f"{bad}: {status} {err}")
s = Server("-l", "DEBUG1")
s.sendall(request5(ANY, 0, UDP))
read_answer5(s)
check(s.end() == (b"", 0) and s.said != b"", f"-e -l DEBUG1: {s.said}")
s = Server()
s.sendall(request5(ANY, 0, UDP))
read_answer5(s)
s.process.terminate()
check(read_all(s) == b"", "SIGTERM ends it")
s.process.wait(TIMEOUT)
s = Server()
s.process.stdout.close()
s.sendall(request5(ANY, 0, UDP))
try:
    check(s.process.wait(10) >= 0, "it ends when nobody reads")
except subprocess.TimeoutExpired:
    check(False, "it goes on although nobody reads")
    s.process.kill()
finish()
EOT
