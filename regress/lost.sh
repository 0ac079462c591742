# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# When the session is lost every flow is reset, not closed, and with Reconnect
# no sockstun ends with 255; when sockstun is told to exit it does, and leaves
# no flow behind.  Otherwise requests wait for the next session, for a while.
# farend: sockstund sshd

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
need python3
start_peer
start_pair -o Reconnect=no

cat >"$OBJ/flows.py" <<'EOF'
from socks import *

socks = [order("echo") for _ in range(20)]
for sock in socks:
    sock.sendall(b"x")
    read_exactly(sock, 1)
print("up", flush=True)
for n, sock in enumerate(socks):
    try:
        check(sock.recv(1) == b"?", f"flow {n} was closed as if whole")
    except ConnectionResetError:
        pass
finish()
EOF
flows()
{
	start flows python3 "$OBJ/flows.py"
	wait_for 20 grep -q '^up' "$OBJ/flows.out" || fatal "no flows"
}
ended()
{
	wait_end flows 20 || fatal "$1: the flows hang"
	[ "$status" -eq 0 ] || fail "$1: $(cat "$OBJ/flows.out")"
}

# The processes that serve this session, not the one that listens.
flows
serving=$(serving farend)
# shellcheck disable=SC2086
kill -KILL $serving
ended "the far end was killed"
wait_end sockstun 20 || fail "sockstun goes on without a session"
[ "$status" -eq 255 ] || fail "exit status $status, not 255"
is_running farend || fail "the listener of the far end died"

start_client
flows
stop sockstun
[ "$status" -lt 128 ] || fail "SIGTERM kills it: $status"
ended "SIGTERM"

# With a far end that stays away requests wait no longer than ConnectTimeout.
start_client -o ConnectTimeout=3
pids=$(serving farend)
stop farend
# shellcheck disable=SC2086
kill -KILL $pids 2>/dev/null
wait_log sockstun 'Connection to .* lost'
python3 - <<'EOF' || fail "a far end that stays away: see above"
from time import monotonic
from socks import *

began = monotonic()
sock, code, _ = ask(CONNECT, "127.0.0.1", PEER)
took = monotonic() - began
check(code == 6, f"code {code}")
check(2.5 < took < 15, f"after {took:.1f} seconds")
finish()
EOF
is_running sockstun || fail "it ended with its far end away"
