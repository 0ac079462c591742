# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Both programs where they leave the terminal: sockstun -f once it has logged
# in, and sockstund without -D, with its log, its PidFile and its port.

start_peer

# ends pid name: asked to, it does
ends()
{
	kill "$1"
	wait_for 10 is_stopped "$1" || fail "$2 does not end"
}

echoes()
{
	python3 -c '
import socks
sock = socks.order("echo")
sock.sendall(b"hello")
assert socks.read_exactly(sock, 5) == b"hello"' || fail "$1: no echo"
}

at_end()
{
	for p in ${near:-} ${far:-}; do
		kill "$p" 2>/dev/null
	done
}

FARPORT=$(freeport)
farend_config 'PermitLocal yes' "PidFile $OBJ/pid" |
    grep -v 'PidFile none' >"$OBJ/farend.conf"
"$BIN/sockstund" -v -f "$OBJ/farend.conf" -E "$OBJ/far.log" \
    >"$OBJ/far.out" 2>&1 </dev/null || fatal "sockstund does not start"
wait_for 10 test -s "$OBJ/pid" || fatal "no PidFile"
far=$(cat "$OBJ/pid")
kill -0 "$far" || fail "the process of PidFile does not run"
grep -q "Server listening on 127.0.0.1 port $FARPORT" "$OBJ/far.log" ||
    fail "-E: no log"
[ ! -s "$OBJ/far.out" ] || fail "the terminal was told: $(cat "$OBJ/far.out")"
known_host "$FARPORT" >>"$OBJ/known_hosts"

port=$(freeport)
"$BIN/sockstun" -f -F "$OBJ/ssh_config" -D "127.0.0.1:$port" -p "$FARPORT" \
    "$FARUSER@127.0.0.1" >"$OBJ/near.out" 2>&1 </dev/null ||
    fatal "sockstun -f ends with $?"
near=$(ss -Hltnp "sport = :$port" | sed -n 's/.*pid=\([0-9]*\).*/\1/p')
[ -n "$near" ] || fatal "sockstun -f leaves no process"
PROXY=127.0.0.1:$port
export PROXY
echoes "in the background"
[ "$(readlink "/proc/$near/fd/0")" = /dev/null ] &&
    [ "$(readlink "/proc/$near/fd/1")" = /dev/null ] &&
    [ "$(readlink "/proc/$near/fd/2")" = /dev/null ] ||
    fail "sockstun -f holds its terminal"
# A session that is lost is made anew there, too.
session=$(ps -o pid=,args= --ppid "$far" | grep -vE '\[logger\]|-R logger' |
    awk '{ print $1 }')
[ -n "$session" ] || fail "no process serves the session"
# shellcheck disable=SC2086
kill -KILL $session
wait_for 10 is_stopped "$session"
echoes "in the background, after the session was lost"
kill -0 "$near" || fail "sockstun -f ended with its session"
ends "$near" "sockstun -f"
near=

# A login that fails is seen in the foreground.
ssh-keygen -q -t ed25519 -N '' -f "$OBJ/other"
sed "s|IdentityFile .*|IdentityFile $OBJ/other|" "$OBJ/ssh_config" \
    >"$OBJ/other_config"
"$BIN/sockstun" -f -F "$OBJ/other_config" -D 0 -p "$FARPORT" \
    "$FARUSER@127.0.0.1" \
    >"$OBJ/denied" 2>&1 </dev/null && fail "-f without a login ends with 0"
grep -qi 'denied' "$OBJ/denied" || fail "-f does not say that it is denied"
ends "$far" sockstund
far=
[ ! -e "$OBJ/pid" ] || fail "PidFile stays"

# A PidFile that cannot be written is no reason not to serve, and port 0 is any.
FARPORT=0
farend_config "PidFile /nonexistent/pid" | grep -v 'PidFile none' \
    >"$OBJ/farend.conf"
start farend "$BIN/sockstund" -D -e -v -f "$OBJ/farend.conf"
wait_log farend 'Server listening on 127.0.0.1 port [1-9]' ||
    fail "port 0 is no port"
wait_log farend "Couldn't create pid file" || fail "the log has no PidFile"
is_running farend || fail "it does not serve"
stop farend

# With -d it serves one connection, and ends with it.
FARPORT=$(freeport)
farend_config 'PermitLocal yes' >"$OBJ/farend.conf"
start single "$BIN/sockstund" -d -f "$OBJ/farend.conf"
wait_log single 'Server listening on' || fatal "sockstund -d does not listen"
known_host "$FARPORT" >>"$OBJ/known_hosts"
start_sockstun
echoes "with -d"
stop sockstun
wait_end single 10 || fail "sockstund -d goes on after its connection"
grep -q ': request for' "$OBJ/single.log" || fail "sockstund -d says no more"
