# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2086,SC2154
# farend: sockstund sshd
# seconds: 240
# How long each end of a session waits for the other, and a login for its
# user, by a clock that runs ahead.

with_clock

# The processes that speak SSH at the far end.
speakers()
{
	for p in $(serving farend); do
		grep -lxE 'sockstund-net|sshd' "/proc/$p/comm"
	done 2>/dev/null | cut -d / -f 3
}

has_no_speaker()
{
	[ -z "$(speakers)" ]
}

at_end()
{
	kill -CONT $stopped 2>/dev/null
}

# A flow that waits for its end, as a client does that sees nothing of this.
hold()
{
	start flow python3 -c '
import socks
sock = socks.order("hold")
print("up", flush=True)
try:
    print("end", sock.recv(1))
except ConnectionResetError:
    print("reset")'
	wait_for 10 grep -q up "$OBJ/flow.out" || fatal "no flow"
}

flow_is_reset()
{
	wait_end flow 10 && grep -q reset "$OBJ/flow.out" ||
	    fail "$1: the flow is not reset"
}

start_peer
start_farend "ClientAliveInterval 10" "ClientAliveCountMax 2"
start_client -o Reconnect=no -o ServerAliveInterval=10 -o ServerAliveCountMax=2
hold
move_clock 200 20
is_running sockstun && is_running flow ||
    fail "a session of two that are alive was ended"

# The far end stops, with all its processes, since one that goes on ends the
# others: sockstun notices.
[ -n "$(speakers)" ] || fatal "who speaks SSH?"
stopped=$(family "$(pidof_test farend)")
kill -STOP $stopped
move_clock 25 3
is_running sockstun || fail "given up too early"
move_clock 20 4
wait_end sockstun 10 || fatal "sockstun waits for a far end that is stopped"
[ "$status" -eq 255 ] || fail "sockstun ended with $status"
grep -q 'Timeout, peer not responding' "$OBJ/sockstun.log" ||
    fail "sockstun does not say why"
flow_is_reset "far end stopped"
kill -CONT $stopped
wait_for 10 has_no_speaker || fail "the far end keeps the session"

# The near end stops: sockstund notices.  sshd has a clock of its own.
if [ "$FAREND" = sockstund ]; then
	start_client -o Reconnect=no
	hold
	stopped=$(pidof_test sockstun)
	kill -STOP $stopped
	move_clock 25 3
	has_no_speaker && fail "a client was given up too early"
	move_clock 20 4
	wait_for 10 has_no_speaker || fail "a stopped client is waited for"
	grep -q 'Timeout, peer not responding' "$OBJ/farend.log" ||
	    fail "sockstund does not say why"
	kill -CONT $stopped
	wait_end sockstun 10 || fail "sockstun does not see that it is over"
	flow_is_reset "client stopped"

	# Who logs in has two minutes.
	python3 - "$FARPORT" <<'EOF' || fail "see above"
import sys

from socks import *

sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sock.settimeout(5)
check(sock.recv(4) == b"SSH-", "somebody who does not log in")
move_clock(119)
try:
    while sock.recv(4096):
        sock.settimeout(0.3)
    check(False, "is sent away before LoginGraceTime is over")
except socket.timeout:
    check(True, "is waited for")
move_clock(2)
sock.settimeout(5)
check(sock.recv(4096) == b"", "for two minutes")
finish()
EOF
	grep -q 'Timeout before authentication for 127.0.0.1' \
	    "$OBJ/farend.log" || fail "the log tells of no timeout"
fi
