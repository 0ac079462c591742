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

# Two networks and a wire, whose packets are lost when one side has a hardware
# address for the other's that nobody has: here 10.9.0.2, sockstun; far
# 10.9.0.1, the far end and the targets.
wire_apart()
{
	[ "$(readlink "/proc/$(pidof_test far)/ns/net")" != \
	    "$(readlink /proc/$$/ns/net)" ]
}

# reaches from mac to: the network of "from" takes mac for that of an address
reaches()
{
	$1 ip neigh replace "$3" lladdr "$2" dev wire nud permanent
}

need ip nsenter unshare
start far unshare -n sleep 600
wait_for 5 wire_apart || skip "no network namespaces here"
far="nsenter -t $(pidof_test far) -n"
ip link add wire type veth peer name wire netns "$(pidof_test far)" ||
    skip "no veth interfaces here"
ip address add 10.9.0.2/24 dev wire && ip link set wire up ||
    fatal "no network here"
$far ip link set lo up && $far ip address add 10.9.0.1/24 dev wire &&
    $far ip link set wire up || fatal "no network for the far end"
WRAP=$far
start_peer
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
