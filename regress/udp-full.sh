# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# When a session is full, datagrams are dropped and do not delay TCP flows; when
# there is room again, they pass again.
# farend: sockstund sshd

[ "$CLIENT" = sockstun ] || skip "ssh -D knows no UDP"
linkem=$O/regress/bench/linkem
[ -x "$linkem" ] || skip "linkem is not built"
start_peer
start_farend

# 10 Mbit/s and a round trip of 40 ms between the two ends.
start linkem "$linkem" -d 20 -r 10 -q 16384 -k 16384 "$FARPORT"
wait_for 10 test -s "$OBJ/linkem.out" || fatal "linkem does not start"
FARPORT=$(cat "$OBJ/linkem.out")
known_host "$FARPORT" >>"$OBJ/known_hosts"
start_client
python3 - <<'EOT' || fail "see above"
import contextlib
import statistics
import threading
import time

from socks import *
from udp import *

RATE = 10e6 / 8
SIZE = 1000


class Load(threading.Thread):
    """Calls something over and over, as often a second, until stopped."""

    def __init__(self, what, rate=1e9):
        super().__init__(daemon=True)
        self.what, self.rate = what, rate
        self.calls, self.going = 0, True
        self.start()

    def run(self):
        began = time.monotonic()
        while self.going:
            if self.calls >= (time.monotonic() - began) * self.rate:
                time.sleep(0.001)
                continue
            with contextlib.suppress(socket.timeout):
                self.what()
            self.calls += 1

    def stop(self):
        self.going = False
        self.join(20)


def echo_times(sock, seconds):
    """Milliseconds that a byte takes, median and worst."""
    out, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        sock.sendall(b"x")
        read_exactly(sock, 1)
        out.append(1000 * (time.monotonic() - began))
    return statistics.median(out), max(out)


def flood(name, send, upload):
    """An echo beside a bulk flow, then with four times what the link carries
    in datagrams; how many these were."""
    tcp = order("echo")
    idle = echo_times(tcp, 0.5)
    bulk = order("sink" if upload else "source 1000000000")
    bulk.settimeout(0.5)
    moved = [0]

    def move():
        if upload:
            moved[0] += bulk.send(bytes(1 << 14))
        else:
            moved[0] += len(bulk.recv(1 << 16))

    mover = Load(move)
    time.sleep(1.5)
    beside = echo_times(tcp, 1)
    flooder = Load(send, 4 * RATE / SIZE)
    time.sleep(1.5)
    before, began = moved[0], time.monotonic()
    middle, worst = echo_times(tcp, 2)
    part = (moved[0] - before) / (time.monotonic() - began) / RATE
    flooder.stop()
    mover.stop()
    bulk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    bulk.close()
    print(f"{name}: an echo alone takes {idle[0]:.0f} ms, "
          f"{beside[0]:.0f} beside a bulk flow")
    # A flood that is not dropped in time would be a wait of many seconds.
    check(middle < 3 * beside[0] + 300,
          f"{name}: {middle:.0f} with the flood, {worst:.0f} at worst")
    check(part > 0.1, f"{name}: a TCP flow has {part:.2f} of the link")
    return flooder.calls


target = udp_socket()
a = Association()
a.send(b"start", "127.0.0.1", port_of(target))
far = target.recvfrom(100)[1]
data = bytes(SIZE)

sent = flood("up", lambda: a.send(data, "127.0.0.1", port_of(target)), True)
got = len(received(target, 1))
check(0 < got < sent, f"up: of {sent} datagrams {got} arrived")
sent = flood("down", lambda: target.sendto(data, far), False)
got = len(received(a.udp, 1))
check(0 < got < sent, f"down: of {sent} datagrams {got} arrived")

# Nothing of the flood is left over: now none is lost.
lost = 0
for n in range(20):
    a.send(b"%d" % n, "127.0.0.1", port_of(target))
    target.sendto(target.recv(1 << 16), far)
    lost += a.recv()[0] != b"%d" % n
check(lost == 0, f"of 20 echoes {lost} are lost afterwards")
finish()
EOT
wait_log sockstun 'dropped' 5 || fail "no line says how many were dropped"
