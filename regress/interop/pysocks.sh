# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# PySocks: UDP as Python programs have it.
# farend: sockstund sshd

python=/usr/bin/python3
[ "$CLIENT" = sockstun ] || skip "ssh -D knows no UDP"
env -u PYTHONPATH "$python" -c 'import socks; socks.socksocket' 2>/dev/null ||
    skip "PySocks is not installed"
start_pair
env -u PYTHONPATH "$python" - "${PROXY##*:}" <<'EOT' || fail "see above"
import socket
import sys

import socks

target = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
target.bind(("127.0.0.1", 0))
target.settimeout(10)
where = target.getsockname()


def client():
    sock = socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.set_proxy(socks.SOCKS5, "127.0.0.1", int(sys.argv[1]))
    sock.settimeout(10)
    return sock


sock, other = client(), client()
for n in range(100):
    sock.sendto(b"there %d" % n, where)
    got, far = target.recvfrom(100)
    assert got == b"there %d" % n, got
    target.sendto(b"back %d" % n, far)
    assert sock.recvfrom(100) == (b"back %d" % n, where)
other.sendto(b"by name", ("localhost", where[1]))
got, another = target.recvfrom(100)
assert got == b"by name" and another != far
sock.close()
other.connect(where)
other.send(b"connected")
assert target.recv(100) == b"connected"
EOT
