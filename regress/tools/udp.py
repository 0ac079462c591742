# SPDX-License-Identifier: ISC
"""UDP through SOCKS5, for the tests: associations, and targets to talk to.

Client and targets are in one process, so that a test sees both ends of every
datagram.
"""
import contextlib
import ipaddress
import socket
import struct
import threading
import time

import socks

BUFFER = 4 << 20
QUIET = 0.3             # as long nothing comes: nothing was sent


def udp_socket(host="127.0.0.1", port=0, timeout=10):
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET,
                         socket.SOCK_DGRAM)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    for which in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, which, BUFFER)
    sock.bind((host, port))
    sock.settimeout(timeout)
    return sock


def port_of(sock):
    return sock.getsockname()[1]


def twins():
    """Two sockets, 127.0.0.1 and ::1, of the same port."""
    while True:
        four = udp_socket()
        try:
            return four, udp_socket("::1", port_of(four))
        except OSError:
            four.close()


def wrap(data, host, port, name=False, frag=0, rsv=0):
    """A datagram in the header of RFC 1928, section 7."""
    return struct.pack("!HB", rsv, frag) + socks.address(host, name) + \
        struct.pack("!H", port) + data


def unwrap(datagram):
    """What was wrapped: data and (host, port)."""
    if datagram[:3] != b"\0\0\0":
        raise ValueError(f"RSV or FRAG: {datagram[:3]!r}")
    size = {1: 4, 4: 16}[datagram[3]]
    host = str(ipaddress.ip_address(datagram[4:4 + size]))
    port, = struct.unpack("!H", datagram[4 + size:6 + size])
    return datagram[6 + size:], (host, port)


class Association:
    """One UDP ASSOCIATE; raises socks.Refused."""

    def __init__(self, host=socks.ANY, port=0, sock=None):
        self.tcp, code, self.relay = socks.ask(socks.UDP, host, port)
        if code != 0:
            self.tcp.close()
            raise socks.Refused(code)
        local = "::1" if ":" in self.relay[0] else "127.0.0.1"
        self.udp = sock or udp_socket(local)

    def send(self, data, host, port, **how):
        self.udp.sendto(wrap(data, host, port, **how), self.relay)

    def recv(self):
        """Data and its source, as told; the sender must be the relay."""
        datagram, sender = self.udp.recvfrom(1 << 16)
        if sender[:2] != self.relay:
            raise ValueError(f"from {sender}, not the relay {self.relay}")
        return unwrap(datagram)

    def echo(self, data, host, port, **how):
        """Sends to an echo target; does the same come back?"""
        self.send(data, host, port, **how)
        try:
            return self.recv()[0] == data
        except socket.timeout:
            return False

    def close(self):
        self.tcp.close()
        self.udp.close()


def received(sock, seconds=QUIET):
    """All that comes until it is quiet so long: datagrams and senders."""
    before, out = sock.gettimeout(), []
    sock.settimeout(seconds)
    with contextlib.suppress(socket.timeout):
        while True:
            out.append(sock.recvfrom(1 << 16))
    sock.settimeout(before)
    return out


def is_free(address):
    """Could a socket of ours have this address?"""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(address[:2])
            return True
        except OSError:
            return False


def is_gone(address, seconds=10):
    """Is there, soon, no UDP socket at this address any more?"""
    until = time.monotonic() + seconds
    while not is_free(address):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


class Echo:
    """A target that sends back what comes, in a thread; order is noted."""

    def __init__(self, host="127.0.0.1"):
        self.sock = udp_socket(host, timeout=None)
        self.host, self.port = self.sock.getsockname()[:2]
        self.senders = set()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            data, sender = self.sock.recvfrom(1 << 16)
            self.senders.add(sender[:2])
            self.sock.sendto(data, sender)
