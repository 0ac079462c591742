# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Hundreds of flows with pauses, half-closes, resets, early data, slow readers
# and abrupt ends: every byte and every end is checked; nothing is left over.
# farend: sockstund sshd

no_more_than()
{
	[ "$(descriptors "$(pidof_test sockstun)")" -le "$1" ]
}

start_peer
start_pair
before=$(descriptors "$(pidof_test sockstun)")
stock=
[ "$FAREND" = sockstund ] || stock=-x
# shellcheck disable=SC2086
python3 "$TOOLS/chaos.py" -n 400 -j 80 -t 10 $stock || fail "see above"

# The end of a flow must not be lost on a reader that stalls and goes on:
# with sizes at every distance, some end just when the flow yields its turn.
python3 - <<'EOT' || fail "see above"
import threading
import time

from socks import *

early = []


def stalled(n):
    with socket.socket(proxy()[0]) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 300000)
        sock.settimeout(10)
        sock.connect(proxy()[1])
        sock.sendall(GREETING + request5("127.0.0.1", PEER) +
                     f"source {n}\n".encode())
        time.sleep(1)
        n += 2 + 10
        try:
            while data := sock.recv(1 << 20):
                n -= len(data)
            if n != 0:
                early.append(n)
        except TimeoutError:
            early.append("no end")


for first in 4800000, 5500000:
    threads = [threading.Thread(target=stalled, args=(first + i * 15000,))
               for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
check(early == [], f"stalled readers see the end: {early}")
finish()
EOT
wait_for 10 no_more_than "$before" || {
	fail "sockstun had $before descriptors, keeps more"
	ls -l "/proc/$(pidof_test sockstun)/fd"
}
