# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# sockstun outlives its session: when the far end is killed, restarted or away
# for a while the listener stays, what was asked meanwhile is answered by the
# next session, and nothing is left of those before.
# farend: sockstund sshd
# seconds: 90

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
need curl
start_peer
start_nginx
echo hello >"$OBJ/www/hello"
start_pair

fetch()
{
	curl -sS -m 20 -x "socks5h://$PROXY" "http://127.0.0.1:$WEB/hello"
}
memory()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$(pidof_test sockstun)/status"
}

[ "$(fetch)" = hello ] || fatal "no page"
fds=$(descriptors "$(pidof_test sockstun)")

# A session that is killed twenty times.
n=0
while [ "$n" -lt 20 ]; do
	n=$((n + 1))
	kill_session
	[ "$(fetch)" = hello ] || fail "no page after kill $n"
	[ "$n" -ne 5 ] || early=$(memory)
done
[ "$(grep -c 'Connected to 127.0.0.1 again' "$OBJ/sockstun.log")" -eq 20 ] ||
    fail "not 20 sessions: $(grep -c again "$OBJ/sockstun.log")"
wait_for 5 has_descriptors "$fds" "$(pidof_test sockstun)" ||
    fail "descriptors are left: $(descriptors "$(pidof_test sockstun)")"
# AddressSanitizer keeps what was freed for a while.
case $O in
*-san)	;;
*)	[ "$(memory)" -le $((early + 400)) ] ||
	    fail "memory grew from $early to $(memory) kB" ;;
esac

# A far end that is away: requests wait for it.
pids=$(serving farend)
stop farend
# shellcheck disable=SC2086
kill -KILL $pids 2>/dev/null
start early curl -sS -m 20 -x "socks5h://$PROXY" "http://127.0.0.1:$WEB/hello"
sleep 2
is_running early || fail "a request was not kept: $(cat "$OBJ/early.log")"
case $FAREND in
sockstund)	start farend "$BIN/sockstund" -D -e -f "$OBJ/farend.conf";;
sshd)		start farend "$SSHD" -D -e -f "$OBJ/farend.conf";;
esac
wait_end early 10 || fail "the request that waited hangs"
[ "$status" -eq 0 ] && grep -q hello "$OBJ/early.out" ||
    fail "the request that waited: $(cat "$OBJ/early.log")"
