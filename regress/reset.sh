# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# A reset on either side is a reset on the other, never a proper end.

start_peer
start_pair
python3 - <<'EOF' || fail "see above"
import collections
import concurrent.futures
import threading
import time

from socks import *


def ending(sock):
    try:
        while sock.recv(1 << 16):
            pass
        return "eof"
    except ConnectionResetError:
        return "reset"


check(ending(order("reset")) == "reset", "the target's reset arrives")
check(ending(order("reset", "::1")) == "reset", "and over IPv6")

abort(order("watch now"))

sock = order("watch after-data")
sock.sendall(b"x" * 100000)
time.sleep(0.5)
abort(sock)

sock = order("watch proper-end")
sock.sendall(b"x" * 100000)
sock.close()

sock = order("source 100000000")
read_exactly(sock, 1000)
abort(sock)
# At once, so that it comes together with the reply, or in place of it.
rude = socket.create_server(("127.0.0.1", 0), backlog=100)


def abort_all():
    while True:
        abort(rude.accept()[0])


def end_at_once():
    try:
        return ending(dial("127.0.0.1", rude.getsockname()[1]))
    except Refused as e:
        return f"code {e.code}"


threading.Thread(target=abort_all, daemon=True).start()
with concurrent.futures.ThreadPoolExecutor(30) as many:
    ends = collections.Counter(
        e.result() for e in [many.submit(end_at_once) for _ in range(300)])
check(not ends["eof"] and ends["reset"], f"a reset at once: {dict(ends)}")

sock = order("echo")
sock.sendall(b"still here")
check(read_exactly(sock, 10) == b"still here", "other flows go on")
finish()
EOF
for want in '0 bytes, reset now' '100000 bytes, reset after-data' \
    '100000 bytes, eof proper-end'; do
	wait_for 10 grep -q "^watch: $want" "$OBJ/peer.out" ||
	    fail "missing: $want"
done
