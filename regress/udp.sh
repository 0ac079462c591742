# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# UDP ASSOCIATE: targets of every kind from one port of the far end, true
# sources, every size, order, and an end with the TCP connection.
# farend: sockstund sshd

[ "$CLIENT" = sockstun ] || skip "ssh -D knows no UDP"
start_pair
python3 - <<'EOT' || fail "see above"
import itertools

from socks import *
from udp import *

four, six = twins()
other = udp_socket()
port = port_of(four)
a = Association()
check(a.relay[0] == "127.0.0.1" and a.relay[1] != 0,
      f"the relay is at {a.relay}")


def arrives(target, data):
    """The sender of a datagram that must be this one."""
    got, sender = target.recvfrom(1 << 16)
    check(got == data, f"{data!r} arrives at {target.getsockname()[:2]}")
    return sender


# One association, every kind of target.
a.send(b"to IPv4", "127.0.0.1", port)
far4 = arrives(four, b"to IPv4")
a.send(b"to IPv6", "::1", port)
far6 = arrives(six, b"to IPv6")
check(far4[1] == far6[1], f"one port of the far end: {far4} {far6}")
for literal, target in (("127.0.0.1", four), ("::1", six)):
    a.send(b"as a name", literal, port, name=True)
    sender = arrives(target, b"as a name")
    check(sender[1] == far4[1], "the same port for an address as a name")
a.send(b"to a name", "localhost", port)
a.send(b"to a name again", "localhost", port)
got = received(four, 1) + received(six)
check([g[0] for g in got] == [b"to a name", b"to a name again"] and
      {g[1][1] for g in got} == {far4[1]}, f"a name: {got}")

# Answers tell their true source, also one that was never asked.
four.sendto(b"from IPv4", far4)
check(a.recv() == (b"from IPv4", ("127.0.0.1", port)), "an answer, IPv4")
six.sendto(b"from IPv6", far6)
check(a.recv() == (b"from IPv6", ("::1", port)), "an answer, IPv6")
other.sendto(b"elsewhere", far4)
check(a.recv() == (b"elsewhere", ("127.0.0.1", port_of(other))),
      "an answer from another port")

# Another association has another port, and hears nothing of this one.
b = Association()
b.send(b"second", "127.0.0.1", port)
check(arrives(four, b"second") != far4, "each association has its own port")
four.sendto(b"for the second", far4)
check(a.recv()[0] == b"for the second" and not received(b.udp),
      "answers reach the association that they are for")

# Every size there is, both ways; 65,497 and the header are 65,507.
noise = random.Random(4)
for size in (0, 1, 2, 512, 1400, 1472, 8192, 16384, 32768, 65000, 65497):
    for target, host, far in ((four, "127.0.0.1", far4), (six, "::1", far6)):
        if host == "::1" and size > 65485:
            continue
        data = noise.randbytes(size)
        a.send(data, host, port)
        if target.recv(1 << 16) != data:
            check(False, f"{size} bytes to {host}")
        target.sendto(data, far)
        if a.recv() != (data, (host, port)):
            check(False, f"{size} bytes from {host}")
check(True, "0 to 65,497 bytes")

# 10,000 datagrams, never more under way than there is room for.
echo = Echo()
sent = itertools.count()
expected, wrong = 0, 0
a.udp.settimeout(10)
try:
    for n in itertools.islice(sent, 64):
        a.send(b"%d %s" % (n, b"x" * (n % 700)), echo.host, echo.port)
    while expected < 10000:
        n = int(a.recv()[0].split()[0])
        wrong += n != expected
        expected += 1
        n = next(sent)
        if n < 10000:
            a.send(b"%d %s" % (n, b"x" * (n % 700)), echo.host, echo.port)
    check(wrong == 0, f"10,000 datagrams, {wrong} out of their order")
except socket.timeout:
    check(False, f"of 10,000 datagrams {expected} came back")
check(not received(a.udp), "none comes twice")

# What comes on the TCP connection means nothing; its end is the end.
a.tcp.sendall(b"hello" * 100)
check(a.echo(b"still here", echo.host, echo.port), "bytes on the connection")
a.tcp.close()
check(is_gone(a.relay), "the relay's port goes with the connection")
check(is_gone(("127.0.0.1", far4[1])), "and so does the far end's")
check(b.echo(b"the second", echo.host, echo.port), "the other goes on")
far = [port for _, port in echo.senders if port != far4[1]]
b.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                 struct.pack("ii", 1, 0))
b.tcp.close()
check(is_gone(b.relay) and is_gone(("127.0.0.1", far[0])),
      "a reset of the connection is an end as well")
finish()
EOT
