# SPDX-License-Identifier: ISC
"""flights.py port: a relay to a port of 127.0.0.1 that counts round trips.

It keeps what comes until both ends are quiet, as they are when each waits for
the other, and then passes it all on.  Prints its own port, and for each flight
from the client a line: the number of the connection, and the flight's bytes.
"""
import select
import socket
import sys

QUIET_S = 0.1           # with which a flight is over


def collect(ends):
    """What each end has sent by the time that both are quiet; None: the end."""
    held = [b"", b""]
    while True:
        ready = select.select(ends, [], [], QUIET_S if any(held) else None)[0]
        if not ready:
            return held
        for end in ready:
            try:
                data = end.recv(65536)
            except OSError:
                data = b""
            if not data:
                return None
            held[ends.index(end)] += data


def relay(number, client, port):
    """The server is reached with the first flight, as in a handshake."""
    ends = [client]
    while (held := collect(ends)) is not None:
        if len(ends) == 1:
            ends.append(socket.create_connection(("127.0.0.1", port)))
        if held[0]:
            print(number, len(held[0]), flush=True)
            ends[1].sendall(held[0])
        if held[1]:
            client.sendall(held[1])
    for end in ends:
        end.close()


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    number = 0
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number += 1
        relay(number, client, int(sys.argv[1]))


main()
