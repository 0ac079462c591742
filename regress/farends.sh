# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Several far ends: the next one serves when one fails, at the start and later,
# whether they are on the command line or in the configuration.

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
start_peer
start_sockstund
one=$FARPORT
pid_one=$(pidof_test farend)
mv "$OBJ/farend.pid" "$OBJ/one.pid"
cp "$OBJ/farend.conf" "$OBJ/one.conf"
started="one $started"
start_sockstund
two=$FARPORT

end_one()
{
	pids=$(serving one)
	stop one
	# shellcheck disable=SC2086
	kill -KILL $pids 2>/dev/null
}
begin_one()
{
	start one "$BIN/sockstund" -D -e -f "$OBJ/one.conf"
	wait_log one 'Server listening on' || fatal "$what: no far end"
}
# Which of the two serves: it has more than the listener's children.
serves()
{
	wait_for 10 [ "$(children "$(pidof_test "$1")")" -eq 1 ] ||
	    fail "$what: $1 does not serve"
	works
}
client()
{
	start sockstun "$BIN/sockstun" -v -F "$OBJ/ssh_config" -D 0 "$@"
	wait_for 15 grep -q '^Listening on' "$OBJ/sockstun.out" ||
	    fatal "$what: sockstun does not listen"
	PROXY=$(sed -n 's/^Listening on //p' "$OBJ/sockstun.out" | head -n 1)
	export PROXY
}
both=$FARUSER@127.0.0.1:$one,$FARUSER@127.0.0.1:$two

what="the first of two"
client "$both"
serves one
what="the second, when the first ends"
end_one
works
serves farend
what="the second stays"
begin_one
works
[ "$(children "$(pidof_test one)")" -eq 0 ] || fail "$what: it went back"
stop sockstun

what="the second, at the start"
end_one
client "$both"
serves farend
stop sockstun

what="FarEnd in the configuration"
{
	echo "Host here"
	echo "	HostName 127.0.0.1"
	echo "	Port $one"
	echo "	FarEnd $FARUSER@127.0.0.1:$two"
} >>"$OBJ/ssh_config"
client "$FARUSER@here"
serves farend
stop sockstun

what="none"
stop farend
timeout 20 "$BIN/sockstun" -F "$OBJ/ssh_config" -D 0 "$both" \
    >"$OBJ/none.out" 2>&1
status=$?
[ "$status" -eq 255 ] || fail "$what: status $status"
[ "$(grep -c 'Connection refused' "$OBJ/none.out")" -eq 2 ] ||
    fail "$what: $(cat "$OBJ/none.out")"
