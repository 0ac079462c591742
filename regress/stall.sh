# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# A reader stops until the window is used up, and then goes on in sips: the
# sender must learn that there is room again though nothing else happens in the
# session.
# farend: sockstund sshd

[ "$CLIENT" = sockstun ] || skip "ssh -D listens on no Unix socket"
start_peer
start_farend
# A Unix socket never takes all that one turn of a flow could move.
start sockstun "$BIN/sockstun" -v -F "$OBJ/ssh_config" -D "$OBJ/socket" \
    -p "$FARPORT" "$FARUSER@127.0.0.1"
wait_log sockstun 'SOCKS on' 15 || fatal "sockstun does not listen"
PROXY=$OBJ/socket
export PROXY
python3 - <<'EOT' || fail "see above"
import time

from socks import *

SIP = 40000


def stalls(before):
    """Reads so much, waits and goes on: does it come to nothing?"""
    with order("source 8000000") as sock:
        while before > 0:
            before -= len(sock.recv(min(16384, before)))
        time.sleep(0.15)
        sock.settimeout(3)
        try:
            for n in range(100):
                sock.recv(SIP)
                time.sleep(0.001)
        except TimeoutError:
            return True
    return False


# It depends on where libssh announced room for the last time.
for before in range(1240000, 1500000, 15000):
    if stalls(before):
        check(False, f"a reader that stops after {before} bytes goes on")
        break
finish()
EOT
