# SPDX-License-Identifier: ISC
"""What a path of packets does to them, for path.sh.

    packets.py echo         answers datagrams that come to 10.7.0.2
    packets.py count size   sends so many packets of so many bytes there, at
                            once; prints how many answers came, how many after
                            a later one, the least times up and down, and the
                            time over which the packets arrived, in us
    packets.py tcp size     reads so many bytes from peer.py at 10.7.0.2

The kernel tells when a datagram came, so it matters little how soon a program
gets to run.
"""
import socket
import struct
import sys
import time

HOST, PORT = "10.7.0.2", 7
ANSWER = struct.Struct("!Qqq")      # number, when it came, when it was answered
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def receive():
    """A datagram, where it came from, and when."""
    data, control, _, sender = sock.recvmsg(2000, 64)
    seconds, ns = struct.unpack("@qq", control[0][2])
    return data, sender, seconds * 10**9 + ns


def echo():
    sock.bind((HOST, PORT))
    print("up", flush=True)
    while True:
        data, client, came = receive()
        n = int.from_bytes(data[:8], "big")
        sock.sendto(ANSWER.pack(n, came, time.time_ns()), client)


def probe(count, size):
    sock.connect((HOST, PORT))
    sock.settimeout(0.5)
    sent, answers, up, down = [], [], [], []
    for n in range(count):
        sent.append(time.time_ns())
        sock.send(n.to_bytes(8, "big") + bytes(size - 36))
    try:
        while len(answers) < count:
            data, _, now = receive()
            answers.append(ANSWER.unpack(data))
            n, came, answered = answers[-1]
            up.append(came - sent[n])
            down.append(now - answered)
    except TimeoutError:
        pass
    late = sum(a[0] > b[0] for a, b in zip(answers, answers[1:]))
    times = [came for _, came, _ in answers] or [0]
    print(len(answers), late, min(up, default=0) // 1000,
          min(down, default=0) // 1000, (max(times) - min(times)) // 1000)


def tcp(size):
    import socks    # which the others need not wait for

    with socket.create_connection((HOST, socks.PEER), socks.TIMEOUT) as flow:
        flow.sendall(b"source %d\n" % size)
        socks.check(socks.read_all(flow) == b"".join(socks.pattern(size)),
                    "the same bytes")
    socks.finish()


if sys.argv[1] == "echo":
    echo()
elif sys.argv[1] == "tcp":
    tcp(int(sys.argv[2]))
else:
    probe(int(sys.argv[1]), int(sys.argv[2]))
