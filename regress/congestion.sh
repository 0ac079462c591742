# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2086,SC2154
# CongestionControl: both ends of a session have the first algorithm of the list
# that the kernel lets them have, and the targets' connections the system's.
# needs: root
# netns

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
[ "$FAREND" = sockstund ] || skip "for sockstund"
need ss setpriv
names=/proc/sys/net/ipv4
echo reno >$names/tcp_congestion_control || fatal "the system's is not reno"
others=$(tr ' ' '\n' <$names/tcp_available_congestion_control | grep -vx reno)
other=$(echo "$others" | head -n 1)
[ -n "$other" ] || skip "no algorithm but reno here"
refused=$(echo "$others" | grep -vxF "$(tr ' ' '\n' \
    <$names/tcp_allowed_congestion_control)" | head -n 1)
trace "others: $others; refused: $refused"
start_peer

# has what filter name: all such connections, and there are some, have it
has()
{
	got=$(ss -tinH state established "$2" |
	    grep -oE " ($(echo reno $others | tr ' ' '|')) " | sort -u | xargs)
	[ "$got" = "$3" ] || fail "$what: $1 has '$got', not '$3'"
}

# holds near far: a flow is open, and each end of the session has this one
holds()
{
	start flow python3 -c 'from socks import *
sock = order("echo")
sock.sendall(b"x")
read_exactly(sock, 1)
print("up", flush=True)
time.sleep(60)'
	wait_for 10 grep -q up "$OBJ/flow.out" || fatal "$what: no flow"
	has "the near end" "dport = :$FARPORT" "$1"
	has "the far end" "sport = :$FARPORT" "$2"
	has "a target" "dport = :$PEER" reno
	grep -q "SOCKS on .*, congestion control $1\$" "$OBJ/sockstun.log" ||
	    fail "$what: sockstun does not tell"
	grep -q "Connection from .*, congestion control $2\$" "$log" ||
	    fail "$what: sockstund does not tell"
	"$BIN/sockstun" -S "$OBJ/ctl" -O status x >"$OBJ/status"
	grep -q "^Congestion: *$1\$" "$OBJ/status" || fail "$what: no status"
	stop flow
	stop sockstun
}

# pair what near far "option" "line": the same for a daemon with a list and a
# client with one
pair()
{
	what=$1 log=$OBJ/farend.log
	start_sockstund "LogLevel VERBOSE" $5
	start_sockstun -S "$OBJ/ctl" $4
	holds "$2" "$3"
	stop farend
}

bbr=reno
echo "$others" | grep -qx bbr && bbr=bbr
pair "the default" "$bbr" "$bbr" "" ""
pair "the second" "$other" "$other" -oCongestionControl=no-such,$other,reno \
    "CongestionControl=no-such,$other"
pair "BindAddress" "$other" reno \
    "-oCongestionControl=$other -oBindAddress=127.0.0.1" \
    CongestionControl=no-such
pair "the system's" reno "$other" -oCongestionControl=system,$other \
    CongestionControl=$other
if [ -n "$refused" ]; then
	WRAP="setpriv --bounding-set=-net_admin"
	pair "without the right" reno reno \
	    -oCongestionControl=$refused,reno,$other \
	    CongestionControl=$refused,reno,$other
	$WRAP "$BIN/sockstund" -T -f /dev/null -o CongestionControl=$refused |
	    grep -qx '# congestioncontrol: the system grants reno' ||
	    fail "-T says otherwise"
	WRAP=
fi
"$BIN/sockstun" -G -F none -o CongestionControl=no-such,$other host |
    grep -qx "# congestioncontrol: the system grants $other" || fail "-G"

# The same for the socket that inetd(8) hands over; what is no TCP has none.
what="-i" log=$OBJ/inetd.log
farend_config "PermitLocal yes" "LogLevel VERBOSE" \
    "CongestionControl no-such,$other" >"$OBJ/farend.conf"
serve="$BIN/sockstund -i -E $log -f $OBJ/farend.conf"
start inetd python3 -c "
import socket, subprocess
listener = socket.create_server(('127.0.0.1', $FARPORT))
conn = listener.accept()[0]
subprocess.run('$serve'.split(), stdin=conn, stdout=conn, check=True)"
wait_for 10 is_listening "$FARPORT" || fatal "no inetd"
start_sockstun -S "$OBJ/ctl" -o CongestionControl=$other
holds "$other" "$other"
wait_end inetd 10 || fail "-i goes on"
start_sockstun -o "ProxyCommand=$serve" -S "$OBJ/ctl"
grep -q 'SOCKS on .*@127.0.0.1$' "$OBJ/sockstun.log" ||
    fail "an algorithm of a pipe is told"
