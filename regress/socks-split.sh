# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Messages that arrive byte by byte, all at once, or followed by data.
# farend: sockstund sshd

start_peer
start_pair
python3 - <<'EOF' || fail "see above"
import time

from socks import *

DATA = b"echo\n" + bytes(range(256)) * 16
REQUESTS = [
    ("v5 address", GREETING, request5("127.0.0.1", PEER)),
    ("v5 name", GREETING, request5("localhost", PEER)),
    ("v5 literal sent as a name", GREETING,
     request5("127.0.0.1", PEER, name=True)),
    ("v5 IPv6", GREETING, request5("::1", PEER)),
    ("v5 IPv6 sent as a name", GREETING, request5("::1", PEER, name=True)),
    ("v5 three methods", b"\x05\x03\x00\x01\x02",
     request5("127.0.0.1", PEER)),
    ("v4", b"", request4("127.0.0.1", PEER)),
    ("v4 without user", b"", request4("127.0.0.1", PEER, user=b"")),
    ("v4a", b"", request4("localhost", PEER, name=True)),
]


def whole(sock, greeting):
    """The replies; what is left is the flow."""
    if greeting:
        check(read_exactly(sock, 2) == b"\x05\x00", f"{what}: method")
        check(read_reply5(sock) == 0, f"{what}: reply")
    else:
        check(read_exactly(sock, 8)[:2] == b"\x00\x5a", f"{what}: reply")


def echoes(sock, sent):
    sock.shutdown(socket.SHUT_WR)
    check(read_all(sock) == sent[5:], f"{what}: every byte came back")
    sock.close()


for name, greeting, request in REQUESTS:
    what = f"{name}, all at once"
    sock = connect()
    sock.sendall(greeting + request + DATA)
    whole(sock, greeting)
    echoes(sock, DATA)

    what = f"{name}, byte by byte"
    sock = connect()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in greeting + request + DATA[:8]:
        sock.send(bytes([byte]))
        time.sleep(0.002)
    whole(sock, greeting)
    sock.sendall(DATA[8:])
    echoes(sock, DATA)

what = "256 kB behind the request"
big = b"echo\n" + b"".join(pattern(1 << 18))
sock = connect()
sock.sendall(GREETING + request5("127.0.0.1", PEER) + big)
whole(sock, GREETING)
echoes(sock, big)
finish()
EOF
