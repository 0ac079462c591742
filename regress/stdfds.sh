# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Each program, started with any of the descriptors 0, 1 and 2 closed, has
# /dev/null there: no log line goes into a socket or a pipe of its own.
# needs: root
# seconds: 240

need nc python3 unshare
[ "$FAREND" = sockstund ] || skip "for sockstund"
start_peer
FARPORT=$(freeport)
port=$(freeport)
farend_config 'PermitLocal yes' >"$OBJ/farend.conf"
known_host "$FARPORT" >>"$OBJ/known_hosts"
PROXY=127.0.0.1:$port
export PROXY

# without.py digits command ...: these descriptors are closed
cat >"$OBJ/without.py" <<'EOF'
import os, sys
for fd in sys.argv[1]:
    os.close(int(fd))
os.execv(sys.argv[2], sys.argv[2:])
EOF

# guarded name pid: are the closed ones /dev/null, or the log that is wanted?
guarded()
{
	for fd in $(echo "$closed" | sed 's/./& /g'); do
		at=$(readlink "/proc/$2/fd/$fd")
		case $at in
		/dev/null | "$OBJ"/*.$closed) ;;
		*)	fail "without $closed, $1 has ${at:-none} as $fd" ;;
		esac
	done
}

answers()
{
	printf 'echo\nabc' | nc -N -X 5 -x "$PROXY" 127.0.0.1 "$PEER" |
	    grep -q abc
}

for closed in 0 1 2 01 02 12 012; do
	start farend python3 "$OBJ/without.py" $closed "$BIN/sockstund" -D \
	    -f "$OBJ/farend.conf" -E "$OBJ/far.$closed"
	wait_for 10 grep -q 'Server listening on' "$OBJ/far.$closed" ||
	    fatal "without $closed sockstund does not listen"
	start sockstun python3 "$OBJ/without.py" $closed "$BIN/sockstun" -v \
	    -F "$OBJ/ssh_config" -E "$OBJ/near.$closed" -D "$port" \
	    -p "$FARPORT" "$FARUSER@127.0.0.1"
	wait_for 15 is_listening "$port" ||
	    fatal "without $closed sockstun does not listen"
	wait_for 5 answers || fail "without $closed nothing is relayed"
	guarded sockstun "$(pidof_test sockstun)"
	for p in $(family "$(pidof_test farend)"); do
		guarded "$(tr '\0' ' ' <"/proc/$p/cmdline")" "$p"
	done
	wait_for 5 grep -q 'bytes' "$OBJ/near.$closed" ||
	    fail "without $closed sockstun does not log"
	stop sockstun
	wait_for 5 grep -q 'Accepted publickey' "$OBJ/far.$closed" ||
	    fail "without $closed sockstund does not log"
	stop farend
done

# Without /dev/null none of them goes on.  In a chroot there are no mounts of
# one's own, with which to take it away.
while read -r want program; do
	unshare -m true 2>"$OBJ/unshare.log" || break
	unshare -m sh -c 'mount -t tmpfs none /dev && exec "$1" -V 2>&-' sh \
	    "$BIN/$program" </dev/null
	got=$?
	[ $got -eq "$want" ] || fail "without /dev/null $program exits $got"
done <<EOF
255 sockstun
1 sockstund
1 sockstund-net
1 sockstund-signer
255 sockstun-server
EOF

# Those that others start, with nothing but a pair as descriptor 3.
OBJ=$OBJ python3 - <<'EOF' || fail "see above"
import os, socket, sys, time

bin = os.environ["BIN"]
bad = 0


def start(program, stdio, closed):
    """The process has a pair at 3 and an empty file at 4."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    file = os.memfd_create("keys", 0)
    pid = os.fork()
    if pid == 0:
        fds = [os.dup2(fd, 20 + n) for n, fd in enumerate(
            (stdio.fileno(), theirs.fileno(), file))]
        for fd in range(3):
            os.dup2(fds[0], fd)
        os.dup2(fds[1], 3)
        os.dup2(fds[2], 4)
        for fd in closed:
            os.close(fd)
        os.closerange(5, 64)
        os.execv(f"{bin}/{program}", [program])
    theirs.close()
    os.close(file)
    return pid, ours


def null(pid, fd):
    try:
        return os.readlink(f"/proc/{pid}/fd/{fd}") == "/dev/null"
    except OSError:
        return False


for program in "sockstund-net", "sockstund-signer", "sockstun-server":
    for n in range(1, 8):
        closed = [fd for fd in range(3) if n & 1 << fd]
        mine, stdio = socket.socketpair()
        pid, pair = start(program, stdio, closed)
        stdio.close()
        # sockstun-server does not go on without its stream.
        ends = program == "sockstun-server" and n & 3
        until = time.time() + 10
        while time.time() < until and not ends and \
                not all(null(pid, fd) for fd in closed):
            time.sleep(0.01)
        if not ends and not all(null(pid, fd) for fd in closed):
            print(program, "without", closed, "has",
                  os.popen(f"ls -l /proc/{pid}/fd 2>&1").read())
            bad = 1
        pair.close()
        mine.close()
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) < 0:
            print(program, "without", closed, "was killed")
            bad = 1
sys.exit(bad)
EOF
