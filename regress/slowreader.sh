# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# A client that does not read delays only itself, and fills no memory.
# farend: sockstund sshd

start_peer
start_pair
python3 - "$(pidof_test sockstun)" <<'EOF' || fail "see above"
import time

from socks import *

MEGA = 1 << 20


def resident(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f
                    if line.startswith("VmRSS"))


def echo_time():
    sock = order("echo")
    worst = 0
    for _ in range(50):
        began = time.monotonic()
        sock.sendall(b"x" * 100)
        read_exactly(sock, 100)
        worst = max(worst, time.monotonic() - began)
    return worst


def fill(sock):
    """Writes until nobody takes more for two seconds; how much went."""
    sent = 0
    sock.settimeout(2)
    try:
        while sent < 400 * MEGA:
            sent += sock.send(bytes(MEGA))
    except socket.timeout:
        pass
    return sent


before = resident(sys.argv[1])
stuck = [order(f"source {400 * MEGA}") for _ in range(5)]
held = [order("hold") for _ in range(3)]
sent = [fill(sock) for sock in held]
check(max(sent) < 100 * MEGA, f"a sender is stopped after {max(sent)} bytes")
worst = echo_time()
check(worst < 1, f"an echo beside them takes {worst:.3f} s at most")
began = time.monotonic()
total = len(read_all(order(f"source {32 * MEGA}")))
took = time.monotonic() - began
check(total == 32 * MEGA and took < 20, f"32 MiB beside them in {took:.1f} s")
grown = resident(sys.argv[1]) - before
with open(f"/proc/{sys.argv[1]}/maps") as f:
    limit = 600000 if "libasan" in f.read() else 200000
check(grown < limit, f"the client has grown by {grown} kB")
sock = stuck[0]
check(len(read_all(sock)) == 400 * MEGA, "a slow reader gets all of it")
finish()
EOF
