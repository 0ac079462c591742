# SPDX-License-Identifier: ISC
"""Flows in the middle of their transfer, for a test that cuts them.

    cut.py connect|bind [both|client]

Opens FLOWS flows that send and as many that receive, without an end, and says
"up" when all are under way.  Each end must then see a reset within a minute;
with "client" only those at the proxy must, as the others are a stock server's.
"""
import selectors

from socks import *

FLOWS = 8
ENOUGH = 1 << 18        # bytes that came: the flow is under way
CHUNK = bytes(1 << 16)


class End:
    """One end of a flow, which sends or receives."""

    def __init__(self, sock, name, sends):
        sock.setblocking(False)
        self.sock, self.name, self.sends = sock, name, sends
        self.bytes, self.how = 0, None

    def receive(self):
        """How it ended, or None."""
        try:
            data = self.sock.recv(len(CHUNK))
        except BlockingIOError:
            return None
        except ConnectionResetError:
            return "reset"
        self.bytes += len(data)
        return None if data else "eof"

    def send(self):
        try:
            self.sock.send(CHUNK)
        except BlockingIOError:
            pass
        except (ConnectionResetError, BrokenPipeError):
            return "reset"
        return None

    def event(self):
        self.how = self.receive()
        if self.how is None and self.sends:
            self.how = self.send()
        return self.how is not None


def by_connect(server):
    sock = dial("127.0.0.1", server.getsockname()[1])
    return sock, server.accept()[0]


def by_bind(_):
    sock, code, where = ask(BIND, "127.0.0.1", 0)
    if code != 0:
        raise Refused(code)
    target = come(where)
    read_answer5(sock)
    return sock, target


def run(sel, seconds, until):
    limit = time.monotonic() + seconds
    while not until() and time.monotonic() < limit:
        for key, _ in sel.select(0.1):
            if key.data.event():
                sel.unregister(key.fileobj)
    return until()


def main(kind, whose="both"):
    ends = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        for up in [True, False] * FLOWS:
            way = "up" if up else "down"
            sock, target = kind(server)
            ends += [End(sock, f"{way}, client", up),
                     End(target, f"{way}, target", not up)]
    sel = selectors.DefaultSelector()
    for end in ends:
        sel.register(end.sock, selectors.EVENT_READ |
                     (selectors.EVENT_WRITE if end.sends else 0), end)
    takers = [end for end in ends if not end.sends]
    check(run(sel, 60, lambda: all(e.bytes > ENOUGH for e in takers)),
          "all flows are under way")
    print("up", flush=True)
    run(sel, 60, lambda: all(e.how for e in ends))
    for end in ends:
        if whose == "both" or end.name.endswith("client"):
            check(end.how == "reset", f"{end.name}: {end.how}")
    finish()


main({"connect": by_connect, "bind": by_bind}[sys.argv[1]], *sys.argv[2:])
