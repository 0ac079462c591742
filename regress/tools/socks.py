# SPDX-License-Identifier: ISC
"""SOCKS as a client speaks it, for the tests: messages, connections, data.

The proxy is taken from the environment: PROXY is host:port or a path, PEER
the port of tools/peer.py.
"""
import asyncio
import ipaddress
import os
import random
import socket
import struct
import sys
import time

TIMEOUT = 30
PEER = int(os.environ.get("PEER", 0))
BLOCK = random.Random(7).randbytes(1 << 20)
GREETING = b"\x05\x01\x00"
CONNECT, BIND, UDP, RESOLVE, RESOLVE_PTR = 1, 2, 3, 0xf0, 0xf1
ANY = "0.0.0.0"


class Refused(Exception):
    """The proxy answered with another code than 0 (or 90)."""

    def __init__(self, code):
        super().__init__(f"reply {code}")
        self.code = code


def proxy():
    """The family and address of the proxy."""
    text = os.environ["PROXY"]
    if text.startswith("/"):
        return socket.AF_UNIX, text
    host, port = text.rsplit(":", 1)
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return family, (host, int(port))


def address(host, name=False):
    """ATYP and address; name: literals too go as a name, as Chromium does."""
    try:
        ip = None if isinstance(host, bytes) else ipaddress.ip_address(host)
    except ValueError:
        ip = None
    if ip is None or name:
        raw = host if isinstance(host, bytes) else host.encode()
        return b"\x03" + bytes([len(raw)]) + raw
    return (b"\x01" if ip.version == 4 else b"\x04") + ip.packed


def request5(host, port, cmd=1, name=False):
    return b"\x05" + bytes([cmd]) + b"\x00" + address(host, name) + \
        struct.pack("!H", port)


def request4(host, port, cmd=1, user=b"me", name=False):
    head, tail = b"\x04" + bytes([cmd]) + struct.pack("!H", port), b""
    if name:
        ip, tail = b"\x00\x00\x00\x01", host.encode() + b"\x00"
    else:
        ip = socket.inet_aton(host)
    return head + ip + user + b"\x00" + tail


def pattern(total):
    """total bytes in blocks; no two blocks are alike."""
    k = 0
    while total > 0:
        cut = k * 4099 % len(BLOCK)
        block = (BLOCK[cut:] + BLOCK[:cut])[:total]
        yield block
        total -= len(block)
        k += 1


def connect(timeout=TIMEOUT):
    """A connection to the proxy, nothing said yet."""
    family, where = proxy()
    sock = socket.socket(family)
    sock.settimeout(timeout)
    sock.connect(where)
    return sock


def abort(sock):
    """Closes it with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.close()


def come(where, source="127.0.0.1"):
    """A connection to where a BIND waits."""
    family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
    sock = socket.socket(family)
    sock.settimeout(TIMEOUT)
    sock.bind(("::1" if family == socket.AF_INET6 else source, 0))
    sock.connect(where)
    return sock


def nobody(where, seconds=10):
    """Does, soon, nobody wait there any more?"""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            come(where).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass        # caught in a listener that was being closed
        time.sleep(0.1)
    return False


def move_clock(seconds, steps=1):
    """Time passes for programs that have their clock (with_clock)."""
    with open(os.path.join(os.environ["BIN"], "clock"), "r+b", 0) as f:
        for _ in range(steps):
            time.sleep(0.05)
            ahead = struct.unpack("q", f.read(8))[0]
            f.seek(0)
            f.write(struct.pack("q", ahead + int(seconds / steps * 1e9)))
            f.seek(0)


def read_exactly(sock, n):
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            raise EOFError(f"{len(data)} of {n} bytes: {data!r}")
        data += more
    return data


def read_all(sock):
    blocks = []
    while more := sock.recv(1 << 18):
        blocks.append(more)
    return b"".join(blocks)


def read_address(sock, atyp):
    """The host and port that follow an ATYP."""
    if atyp == 3:
        host = read_exactly(sock, read_exactly(sock, 1)[0]).decode()
    else:
        host = str(ipaddress.ip_address(
            read_exactly(sock, {1: 4, 4: 16}[atyp])))
    return host, struct.unpack("!H", read_exactly(sock, 2))[0]


def read_answer5(sock):
    """A whole SOCKS5 reply: its code, and (host, port)."""
    head = read_exactly(sock, 4)
    if head[0] != 5 or head[2] != 0 or head[3] not in (1, 3, 4):
        raise ValueError(f"not a SOCKS5 reply: {head!r}")
    return head[1], read_address(sock, head[3])


def read_reply5(sock):
    """The code of a whole SOCKS5 reply."""
    return read_answer5(sock)[0]


def read_answer4(sock):
    """A SOCKS4 reply: its code, and (host, port)."""
    version, code, port, host = struct.unpack("!BBH4s", read_exactly(sock, 8))
    if version != 0:
        raise ValueError(f"not a SOCKS4 reply, but version {version}")
    return code, (socket.inet_ntoa(host), port)


def ask(cmd, host, port, name=False, early=b""):
    """A request for anything: the connection, the code and (host, port)."""
    sock = connect()
    try:
        sock.sendall(GREETING + request5(host, port, cmd, name) + early)
        if (method := read_exactly(sock, 2)) != b"\x05\x00":
            raise ValueError(f"method {method!r}")
        return sock, *read_answer5(sock)
    except BaseException:
        sock.close()
        raise


def dial(host, port, name=False, early=b""):
    """A connection through the proxy; early goes out with the request."""
    sock, code, _ = ask(CONNECT, host, port, name, early)
    if code != 0:
        sock.close()
        raise Refused(code)
    return sock


def order(text, host="127.0.0.1"):
    """A connection to tools/peer.py with an order given."""
    return dial(host, PEER, early=text.encode() + b"\n")


async def adial(host, port, early=b"", cmd=1):
    """dial() for many at once: reader and writer."""
    family, where = proxy()
    if family == socket.AF_UNIX:
        reader, writer = await asyncio.open_unix_connection(where)
    else:
        reader, writer = await asyncio.open_connection(*where)
    writer.write(GREETING + request5(host, port, cmd) + early)
    try:
        head = await reader.readexactly(6)
        size = {1: 6, 4: 18}.get(head[5])
        if size is None:
            size = (await reader.readexactly(1))[0] + 2
        await reader.readexactly(size)
        if head[3] != 0:
            raise Refused(head[3])
    except BaseException:
        writer.close()
        raise
    return reader, writer


async def gather(coroutines):
    """All results or exceptions, none of which stops the others."""
    return await asyncio.gather(*coroutines, return_exceptions=True)


failures = 0


def check(good, text):
    """One thing that must be so; the script goes on."""
    global failures
    print(("ok: " if good else "FAIL: ") + text)
    failures += not good


def finish():
    sys.exit(1 if failures else 0)
