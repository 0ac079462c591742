# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Datagrams that are malformed, from strangers or in fragments: they are dropped
# silently, or reassembled.
# farend: sockstund sshd

[ "$CLIENT" = sockstun ] || skip "ssh -D knows no UDP"
start_farend
start_client -D "$OBJ/socket"
python3 - <<'EOT' || fail "see above"
import time

from socks import *
from udp import *

target = udp_socket()
port = port_of(target)
a, quiet = Association(), Association()
home = "127.0.0.1"


def alive(text):
    """Works, and nothing was delivered before."""
    a.send(b"good", home, port)
    got = [g for g, _ in received(target)]
    check(got == [b"good"], f"{text}: {got if got != [b'good'] else 'ok'}")


def malformed():
    good = wrap(b"x", home, port)
    for n in range(10):
        yield f"{n} bytes", good[:n]
    for rsv in (1, 0x100, 0xffff):
        yield f"RSV {rsv}", wrap(b"x", home, port, rsv=rsv)
    for atyp in (0, 2, 5, 0xff):
        yield f"ATYP {atyp}", good[:3] + bytes([atyp]) + good[4:]
    yield "IPv6 cut", wrap(b"x", "::1", port)[:21]
    long = wrap(b"", "localhost", port)
    yield "name cut", long[:-1]
    yield "name without its bytes", long[:5]
    yield "name longer than the datagram", long[:4] + b"\xff" + long[5:]
    yield "empty name", b"\0\0\0\x03\0" + struct.pack("!H", port) + b"x"
    yield "name with NUL", wrap(b"x", b"local\0host", port)


def useless():
    """Whole, but to nowhere."""
    yield "name with controls", wrap(b"x", b"a\r\nb\x1b[31m", port)
    yield "name of a shell", wrap(b"x", b"$(touch${IFS}x)", port)
    yield "name that is none", wrap(b"x", b"nosuch.invalid", port)
    yield "port 0", wrap(b"x", home, 0)
    yield "0.0.0.0", wrap(b"x", "0.0.0.0", 9)
    yield "broadcast", wrap(b"x", "255.255.255.255", port)
    yield "multicast", wrap(b"x", "224.0.0.1", port)
    yield "a closed port", wrap(b"x", home, 9)


# Nothing that is malformed binds the client's port or reaches anybody.
stray = udp_socket()
for _, data in malformed():
    stray.sendto(data, a.relay)
alive("malformed datagrams from another port")
check(not received(stray), "nobody is told")
for name, data in [*malformed(), *useless()]:
    a.udp.sendto(data, a.relay)
noise = random.Random(2)
for _ in range(500):
    a.udp.sendto(noise.randbytes(noise.randrange(300)), a.relay)
for _ in range(500):
    a.udp.sendto(b"\0\0\0" + bytes([noise.choice((3, 3, 5, 9))]) +
                 noise.randbytes(noise.randrange(3, 40)), a.relay)
alive("malformed datagrams from the client")
check(not received(a.udp), "the client is told nothing")
quiet.send(b"other", home, port)
check(target.recv(100) == b"other", "another association goes on")

# Strangers: another port once the client's is known, another address always.
for _ in range(5000):
    stray.sendto(wrap(b"evil", home, port), a.relay)
alive("a flood from a stranger's port")
early = Association()
elsewhere = udp_socket("127.0.0.2")
elsewhere.sendto(wrap(b"evil", home, port), early.relay)
early.send(b"mine", home, port)
got, far = target.recvfrom(100)
check(got == b"mine", "a datagram from another address does not come first")
target.sendto(b"answer", far)
check(early.recv()[0] == b"answer" and not received(elsewhere),
      "the answer goes to the client alone")
known = udp_socket()
named = Association(home, port_of(known), known)
stray.sendto(wrap(b"evil", home, port), named.relay)
named.send(b"the port that was named", home, port)
check(target.recv(100) == b"the port that was named",
      "only the port that the request named")

# Fragments, RFC 1928 section 7.  0x80 marks the last.
def pieces(*frags, pause=0.0):
    """Sends fragments of one byte each; what arrives at the target."""
    for frag in frags:
        a.send(b"%c" % (0x40 + (frag & 0x7f)), home, port, frag=frag)
        time.sleep(pause)
    got = [g for g, _ in received(target)]
    alive("after fragments")
    return got


for frags, want in (((1, 2, 0x83), [b"ABC"]), ((0x81,), [b"A"]),
                    ((1, 3, 0x84), []), ((2, 0x83), []),
                    ((1, 2, 1, 0x82), [b"AB"]), ((0x82,), []),
                    ((1, 0, 0x82), [b"@"])):
    got = pieces(*frags)
    check(got == want, f"fragments {frags}: {got}")
check(pieces(*range(1, 127), 0xff) == [bytes(range(0x41, 0xc0))],
      "127 fragments")
a.send(b"one", home, port, frag=1)
a.send(b"two", "::1", port, frag=0x82)
check(not received(target), "fragments for different targets")
for frag in (1, 2):
    a.send(bytes(40000), home, port, frag=frag)
a.send(b"end", home, port, frag=0x83)
check(not received(target), "fragments of more than a datagram")
a.send(b"old", home, port, frag=1)
time.sleep(6.5)
a.send(b"new", home, port, frag=0x82)
check(not received(target), "fragments with a pause of 6.5 s")
alive("after all fragments")

# An answer that has no room for its header is dropped, the next is not.
a.send(b"hello", home, port)
far = target.recvfrom(100)[1]
for data in (bytes(65507), bytes(65498), b"small"):
    target.sendto(data, far)
check([len(g) for g, _ in received(a.udp)] == [15],
      "an answer of 65,507 bytes is dropped alone")

# A client on a Unix socket is told an address that it can reach.
os.environ["PROXY"] = os.environ["OBJ"] + "/socket"
local = Association()
check(local.relay[0] == "127.0.0.1", f"a Unix client's relay: {local.relay}")
local.send(b"unix", home, port)
got, far = target.recvfrom(100)
target.sendto(got, far)
check(local.recv() == (b"unix", (home, port)), "a Unix client's echo")
local.tcp.close()
check(is_gone(local.relay), "which ends with its connection")
finish()
EOT
is_running sockstun || fail "sockstun died"
