# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# What -D accepts: several, port 0, an IPv6 address, a path with mode 0600; and
# what happens when it cannot listen there.

need curl nc
[ "$CLIENT" = sockstun ] || skip "for sockstun only"
start_nginx
echo hello >"$OBJ/www/index.html"
p1=$(freeport)
p2=$(freeport)
start_farend
start_client -D "$p1" -D "[::1]:$p2" -D "$OBJ/socket" -D 0

fetch()
{
	got=$(curl -sS --max-time 20 --noproxy '' --proxy "socks5h://$1" \
	    "http://127.0.0.1:$WEB/" 2>&1)
	[ "$got" = hello ] || fail "$1: $got"
}

fetch "$PROXY"
fetch "127.0.0.1:$p1"
fetch "[::1]:$p2"
fetch "localhost$OBJ/socket"
second=$(sed -n 's/^Listening on //p' "$OBJ/sockstun.out" |
    grep '^127.0.0.1:' | grep -v "^$PROXY\$" | grep -v ":$p1\$")
fetch "${second:-nowhere}"
mode=$(stat -c '%a %F' "$OBJ/socket")
[ "$mode" = "600 socket" ] || fail "the Unix socket is $mode"
[ "$(ss -Hltn "sport = :$p1" | awk '{ print $4 }')" = "127.0.0.1:$p1" ] ||
    fail "-D port listens on more than loopback"

# A second one on the same port and path, with and without a reason to end.
other()
{
	"$BIN/sockstun" -F "$OBJ/ssh_config" -p "$FARPORT" "$@" \
	    "$FARUSER@127.0.0.1" -- true >"$OBJ/other.out" 2>"$OBJ/other.log"
}
other -o ExitOnForwardFailure=yes -D "$p1"
status=$?
[ $status -eq 255 ] || {
	fail "ExitOnForwardFailure: exit status $status, not 255"
	cat "$OBJ/other.log"
}
grep -q "^sockstun: Could not request local forwarding: -D $p1\$" "$OBJ/other.log" ||
    fail "the message does not name the port"
other -o ExitOnForwardFailure=yes -D "$OBJ/socket" &&
    fail "a path in use was taken"
[ -S "$OBJ/socket" ] || fail "the socket of another was removed"
fetch "localhost$OBJ/socket"
other -o ExitOnForwardFailure=no -D "$p1" -D 0 ||
    fail "a failed listener ends it although one is left"
other -D "$OBJ/no/such/folder/socket" && fail "a bad path is accepted"
for bad in 65536 -1 x 1080x "[::1" "::1:1080:" ""; do
	other -D "$bad" && fail "-D '$bad' is accepted"
done

# A socket that another instance made at the same path stays.
start second "$BIN/sockstun" -F "$OBJ/ssh_config" -p "$FARPORT" \
    -o StreamLocalBindUnlink=yes -D "$OBJ/taken" "$FARUSER@127.0.0.1"
wait_for 10 test -S "$OBJ/taken" || fail "no socket to be taken"
start third "$BIN/sockstun" -v -F "$OBJ/ssh_config" -p "$FARPORT" \
    -o StreamLocalBindUnlink=yes -D "$OBJ/taken" "$FARUSER@127.0.0.1"
wait_log third 'SOCKS on' || fail "the path was not taken over"
stop second
fetch "localhost$OBJ/taken"
stop third
[ ! -e "$OBJ/taken" ] || fail "the third leaves its socket behind"

stop sockstun
[ ! -e "$OBJ/socket" ] || fail "the socket is left behind"
