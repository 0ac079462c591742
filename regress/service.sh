# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# sockstun as a service: what its manager is told, sockets that are passed to
# it, SIGHUP, and a start while the server is not there.

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
need python3 setsid
start_peer
start_farend


# The manager: starts a program as systemd does, and prints what it is told.
cat >"$OBJ/manager.py" <<'EOF'
import os, socket, sys, threading, time

names, command = sys.argv[1].split(":"), sys.argv[2:]
path = os.environ["OBJ"] + "/notify"
if os.path.exists(path):
    os.unlink(path)
told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.bind(path)
os.environ["NOTIFY_SOCKET"] = path
os.environ["WATCHDOG_USEC"] = "400000"
passed = []
for name in filter(None, names):
    if name == "control":
        s = socket.socket(socket.AF_UNIX)
        s.bind(os.environ["OBJ"] + "/passed")
    else:
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        print("port", s.getsockname()[1], flush=True)
    s.listen()
    passed.append(s)
pid = os.fork()
if pid == 0:
    os.setsid()
    for n, s in enumerate(passed):
        high = os.dup(s.fileno())
        os.dup2(high, 100 + n)
    for n in range(len(passed)):
        os.dup2(100 + n, 3 + n)
        os.close(100 + n)
    os.closerange(3 + len(passed), 64)
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.environ["LISTEN_FDS"] = str(len(passed))
    os.environ["LISTEN_FDNAMES"] = ":".join(filter(None, names))
    os.environ["WATCHDOG_PID"] = str(os.getpid())
    os.execv(command[0], command)
print("pid", pid, flush=True)
def listen():
    while True:
        for line in told.recv(4096).decode().split("\n"):
            print(line, flush=True)
threading.Thread(target=listen, daemon=True).start()
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
time.sleep(0.5)    # for the last that was told
print("status", status, flush=True)
EOF
# manage names option ...
manage()
{
	names=$1
	shift
	start manager python3 "$OBJ/manager.py" "$names" "$BIN/sockstun" -v \
	    -F "$OBJ/ssh_config" -E "$OBJ/service.log" -p "$FARPORT" "$@" \
	    "$FARUSER@127.0.0.1"
}
told()
{
	wait_for "${2:-10}" grep -qE "$1" "$OBJ/manager.out" ||
	    fail "$what: the manager was not told '$1'"
}
has_told()
{
	[ "$(grep -c "$2" "$OBJ/manager.out")" -ge "$1" ]
}
# told_times number pattern
told_times()
{
	wait_for 20 has_told "$@" ||
	    fail "$what: the manager was not told $1 times '$2'"
}
service()
{
	sed -n 's/^pid //p' "$OBJ/manager.out"
}

what="what the manager is told"
PROXY=127.0.0.1:$(freeport)
export PROXY
manage "" -D "$PROXY"
told '^READY=1$'
told "^MAINPID=$(service)\$"
told '^STATUS=Connected to 127.0.0.1$'
told '^WATCHDOG=1$'
kill_session
told '^STATUS=Connection to 127.0.0.1 lost: '
told '^STATUS=127.0.0.1 is not reached: next attempt in '
told_times 2 '^STATUS=Connected'

what="SIGHUP"
cp "$OBJ/ssh_config" "$OBJ/saved"
echo "NoSuchKeyword yes" >>"$OBJ/ssh_config"
kill -HUP "$(service)"
told '^RELOADING=1$'
wait_for 10 grep -q 'Configuration not changed: .*ssh_config line .*NoSuch' \
    "$OBJ/service.log" || fail "$what: a bad file: no word of it"
told_times 2 '^READY=1$'
told '^MONOTONIC_USEC=[0-9]'
works
{ cat "$OBJ/saved"; echo "LogLevel ERROR"; echo "HostKeyAlias other"; } \
    >"$OBJ/ssh_config"
for _ in 1 2 3; do
	kill -HUP "$(service)"
	sleep 0.2
done
wait_for 10 grep -q 'Configuration read again' "$OBJ/service.log" ||
    fail "$what: a good file: no word of it"
# The next session is made as it says, and so does not know the host.
kill_session
told '^STATUS=127.0.0.1: refused' 20
cp "$OBJ/saved" "$OBJ/ssh_config"
kill -HUP "$(service)"
told_times 3 '^STATUS=Connected'
kill -TERM "$(service)"
told '^STOPPING=1$'
wait_end manager 10 || fatal "$what: it goes on"

what="sockets that are passed"
manage "web:control" -S none
told '^READY=1$'
PROXY=127.0.0.1:$(sed -n 's/^port //p' "$OBJ/manager.out")
works
"$BIN/sockstun" -F /dev/null -S "$OBJ/passed" -O status host \
    >"$OBJ/status.out" 2>&1 || fail "$what: no control socket"
grep -q "^Listening on: $PROXY" "$OBJ/status.out" ||
    fail "$what: $(cat "$OBJ/status.out")"
"$BIN/sockstun" -F /dev/null -S "$OBJ/passed" -O exit host
wait_end manager 10 || fatal "$what: it goes on"
grep -q '^status 0' "$OBJ/manager.out" || fail "$what: its status"
[ -S "$OBJ/passed" ] || fail "$what: a socket of the manager's was removed"

what="a start while the server is away"
stop farend
manage "socks" -o ConnectionAttempts=1000
sleep 2
grep -q '^status' "$OBJ/manager.out" && fail "$what: it gave up"
start farend "$BIN/sockstund" -D -e -f "$OBJ/farend.conf"
told '^READY=1$' 20
PROXY=127.0.0.1:$(sed -n 's/^port //p' "$OBJ/manager.out")
works
kill -TERM "$(service)"
wait_end manager 10 || fatal "$what: it goes on"
