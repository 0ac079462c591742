# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# What sockstund does on SIGHUP and SIGTERM, when it leaves the foreground,
# and when it serves one connection on standard input.

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
need nc
start_peer

# The port must stay the same across a restart.
fixed=$(freeport)
FARPORT=$fixed
farend_config 'AllowUsers *' 'PermitLocal yes' >"$OBJ/farend.conf"
known_host "$fixed" >>"$OBJ/known_hosts"
start farend "$BIN/sockstund" -D -e -f "$OBJ/farend.conf"
wait_for 10 is_listening "$fixed" || fatal "sockstund does not listen"
FARFDS=$(descriptors "$(pidof_test farend)")

cat >"$OBJ/flow.py" <<'EOF'
from socks import *

sock = order("echo")
print("up", flush=True)
while True:
    sock.sendall(b"x")
    read_exactly(sock, 1)
    if os.path.exists(os.environ["OBJ"] + "/enough"):
        break
    __import__("time").sleep(0.05)
EOF
start_client
start flow python3 "$OBJ/flow.py"
wait_for 10 test -s "$OBJ/flow.out" || fatal "no flow"

# Again from the start: the configuration is read again, sessions go on.
sed -i 's/^AllowUsers.*/DenyUsers */' "$OBJ/farend.conf"
kill -HUP "$(pidof_test farend)"
listens_again()
{
	[ "$(grep -c 'Server listening on' "$OBJ/farend.log")" -ge 2 ] &&
	    is_listening "$fixed"
}
wait_for 10 listens_again || fail "SIGHUP: it does not listen again"
is_running farend || fail "SIGHUP ends it"
"$BIN/sockstun" -F "$OBJ/ssh_config" -p "$fixed" -D 0 \
    "$FARUSER@127.0.0.1" -- true 2>"$OBJ/denied.log" &&
    fail "SIGHUP: the new configuration does not hold"
is_running flow || fail "SIGHUP ends a session"

# The listener ends, the session stays.
stop farend
[ "$status" -eq 0 ] || fail "SIGTERM: exit status $status"
is_listening "$fixed" && fail "SIGTERM: something still listens"
sleep 0.3
is_running flow || fail "SIGTERM ends a session"
touch "$OBJ/enough"
wait_end flow 10 || fail "the flow does not end"
[ "$status" -eq 0 ] || fail "the flow failed: $(cat "$OBJ/flow.log")"
stop sockstun

# As a daemon, with a file that says which process it is.
sed -i 's/^DenyUsers.*//' "$OBJ/farend.conf"
"$BIN/sockstund" -f "$OBJ/farend.conf" -E "$OBJ/daemon.log" \
    -o PidFile="$OBJ/daemon.pid.file" || fail "it does not go to background"
wait_for 10 is_listening "$fixed" || fail "the daemon does not listen"
wait_for 5 test -s "$OBJ/daemon.pid.file" || fatal "no pid file"
daemon=$(cat "$OBJ/daemon.pid.file")
start_client
python3 -c 'import socks; socks.order("echo")' || fail "the daemon's service"
stop sockstun
kill -TERM "$daemon"
wait_for 10 is_stopped "$daemon" || fail "SIGTERM does not end the daemon"
[ ! -e "$OBJ/daemon.pid.file" ] || fail "the pid file is left behind"

# One connection on standard input, as inetd and ProxyCommand give it.
start_sockstun -o "ProxyCommand=$BIN/sockstund -i -e -f $OBJ/farend.conf" \
    -o "HostKeyAlias=[127.0.0.1]:$fixed"
python3 -c 'import socks; socks.order("echo")' || fail "-i: no service"
