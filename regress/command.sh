# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# sockstun with a command: it outlives the session, as long as there may be
# another, and its status is that of sockstun.

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
need python3
start_peer
start_farend

# Says when it has served, and serves again when it is told to.
cat >"$OBJ/job.py" <<'EOF'
import os, signal, sys, time

obj = os.environ["OBJ"]
os.environ["PROXY"] = os.environ["SOCKSTUN_PROXY"]
from socks import *

def ended(*_):
    print("told to end", flush=True)
    os._exit(1)

signal.signal(signal.SIGTERM, ended)
for name in ("first", "second"):
    while not os.path.exists(f"{obj}/{name}"):
        time.sleep(0.05)
    sock = order("echo")
    sock.sendall(b"x")
    read_exactly(sock, 1)
    print(name, flush=True)
sys.exit(7)
EOF
# begin option ...: the command has served once
begin()
{
	rm -f "$OBJ/second"
	: >"$OBJ/first"
	start job "$BIN/sockstun" -v -F "$OBJ/ssh_config" -D 0 -p "$FARPORT" \
	    "$@" "$FARUSER@127.0.0.1" -- python3 "$OBJ/job.py"
	wait_for 15 grep -q '^first' "$OBJ/job.out" ||
	    fatal "$what: the command is not served"
}
ends_with()
{
	wait_end job 20 || fatal "$what: it goes on"
	[ "$status" -eq "$1" ] || fail "$what: status $status, not $1"
}

what="a session that comes back"
begin
kill_session
wait_log job 'Connected to .* again' || fail "$what: it does not"
: >"$OBJ/second"
ends_with 7
grep -q '^second' "$OBJ/job.out" || fail "$what: no service"

what="Reconnect no"
begin -o Reconnect=no
kill_session
ends_with 255
wait_for 5 grep -q '^told to end' "$OBJ/job.out" ||
    fail "$what: the command goes on"

what="a user who is let in no more"
begin -o AuthRetries=1
: >"$OBJ/authorized_keys"
kill_session
ends_with 255
wait_for 5 grep -q '^told to end' "$OBJ/job.out" ||
    fail "$what: the command goes on"
