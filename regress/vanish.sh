# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2086,SC2154
# Clients whose network vanishes, so that nothing comes from them and nothing
# reaches them: idle, with bytes on their way, and before authentication.  What
# serves them at the far end must go.
# needs: root
# netns

need nc
[ "$FAREND" = sockstund ] || skip "for sockstund"
TIMEOUT=4

"$BIN/sockstund" -T -f /dev/null | grep -q '^clienttimeout 60$' ||
    fail "ClientTimeout is not 60 s by default"

. "$TOOLS/wire.sh"
# reaches from mac to: the network of "from" takes mac for that of an address
reaches()
{
	$1 ip neigh replace "$3" lladdr "$2" dev wire nud permanent
}

start_wire
WRAP=$far
start_sockstund "ListenAddress 10.9.0.1" "LoginGraceTime 0" \
    "ClientTimeout $TIMEOUT"
WRAP=
farend=$(pidof_test farend)

start silent nc 10.9.0.1 "$FARPORT"
wait_for 10 has_children 1 "$farend" || fatal "nc is not connected"
start_sockstun -o HostName=10.9.0.1 -o StrictHostKeyChecking=no
mv "$OBJ/sockstun.pid" "$OBJ/idle.pid"
started="idle $started"
start_sockstun -o HostName=10.9.0.1 -o StrictHostKeyChecking=no
wait_for 10 has_children 3 "$farend" || fatal "the clients are not connected"

# Quiet clients stay as long as they are there.
sleep $((TIMEOUT * 2 + 1))
has_children 3 "$farend" || fail "a client that is there was ended"

start flow python3 -c '
import socks
sock = socks.order("source 1000000000000")
while True:
    if socks.read_exactly(sock, 1000):
        print("up", flush=True)'
wait_for 10 grep -q up "$OBJ/flow.out" || fatal "no bytes come"
reaches "$far" 02:00:00:00:00:01 10.9.0.2
reaches "" 02:00:00:00:00:02 10.9.0.1
began=$(date +%s)
wait_for $((TIMEOUT * 3)) has_children 0 "$farend" ||
    fail "$(children "$farend") clients that vanished are still served"
took=$(($(date +%s) - began))
trace "the last is gone after $took s"
[ "$took" -ge $((TIMEOUT - 1)) ] || fail "gone after $took s already"
stop idle
stop flow
stop silent
