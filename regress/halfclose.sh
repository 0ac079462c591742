# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Either side may close its half first; the other half lives until its own end.
# farend: sockstund sshd

need nc
start_peer
start_pair

digest=$(seq 1 100000 | sha256sum | cut -d ' ' -f 1)
got=$( (echo sink; seq 1 100000) |
    nc -N -X 5 -x "$PROXY" 127.0.0.1 "$PEER")
[ "$got" = "$(seq 1 100000 | wc -c) $digest" ] ||
    fail "the client ended its half first: $got"

python3 - <<'EOF' || fail "see above"
import hashlib
import time

from socks import *

SIZE = 3000000
DATA = b"".join(pattern(SIZE))
WHOLE = f"{SIZE} {hashlib.sha256(DATA).hexdigest()}\n".encode()

sock = order("sink")
sock.sendall(DATA)
time.sleep(0.3)
sock.shutdown(socket.SHUT_WR)
check(read_all(sock) == WHOLE, "the client's end travels after its data")

sock = dial("127.0.0.1", PEER, early=b"sink\n" + DATA[:1000])
sock.shutdown(socket.SHUT_WR)
check(read_all(sock).startswith(b"1000 "), "early data and an early end")

sock = connect()
sock.sendall(GREETING + request5("127.0.0.1", PEER) + b"sink\nxyz")
sock.shutdown(socket.SHUT_WR)
check(read_all(sock)[12:].startswith(b"3 "), "the end before the reply")

sock = order("first one")
check(read_all(sock) == b"bye\n", "the target ends its half first")
sock.sendall(DATA)
sock.close()
EOF
wait_for 10 grep -q '^first: 3000000 bytes, eof one' "$OBJ/peer.out" ||
    fail "after the target's end the client's data is lost"
