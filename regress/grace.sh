# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Peers that say nothing, stop half-way, or speak no SSH.

need nc
[ "$FAREND" = sockstund ] || skip "for sockstund"
start_peer
start_sockstund "LoginGraceTime 2" "MaxStartups 5:100:10"

# quiet name bytes: connects, sends the bytes, and waits to be disconnected
quiet()
{
	began=$(date +%s)
	printf '%b' "$2" | timeout 20 nc 127.0.0.1 "$FARPORT" >"$OBJ/quiet" 2>&1
	[ $? -ne 124 ] || fail "$1: not cut off"
	took=$(($(date +%s) - began))
	[ $took -le 6 ] || fail "$1: cut off after $took s"
	trace "$1: $took s"
}

quiet "silence" ''
grep -qi 'timeout before authentication' "$OBJ/farend.log" ||
    fail "the log tells of no timeout"
quiet "a banner only" 'SSH-2.0-test\r\n'
quiet "half a banner" 'SSH-2.'
quiet "HTTP" 'GET / HTTP/1.0\r\n\r\n'
quiet "SSH 1" 'SSH-1.5-old\r\n'
quiet "noise after the banner" \
    'SSH-2.0-test\r\n\0377\0377\0377\0377\0377\0377\0377\0377'
quiet "a packet of length 0" 'SSH-2.0-test\r\n\0\0\0\0\0\0\0\0'
head -c 300000 /dev/zero | tr '\0' 'S' |
    timeout 20 nc 127.0.0.1 "$FARPORT" >"$OBJ/quiet" 2>&1
[ $? -ne 124 ] || fail "an endless banner: not cut off"
head -c 300000 /dev/urandom |
    timeout 20 nc 127.0.0.1 "$FARPORT" >"$OBJ/quiet" 2>&1

# A health check: it ends its side at once, and wants to see who is there.
timeout 10 nc -N 127.0.0.1 "$FARPORT" </dev/null >"$OBJ/health"
grep -q '^SSH-2.0-sockstund_' "$OBJ/health" ||
    fail "nothing is said to a client that ends its side at once"
grep -q 'key exchange: .*SSH protocol.*GET /' "$OBJ/farend.log" ||
    fail "the log does not tell what came instead of SSH"
quiet "128 bytes of identification" "SSH-2.0-$(printf %0120d 0)\r\n"
grep -q 'too large banner' "$OBJ/farend.log" ||
    fail "the log does not tell of an identification that is too long"
grep 'Bad address' "$OBJ/farend.log" && fail "an error of something else"

# More silent ones than MaxStartups: new ones are turned away, old ones go.
python3 - "$FARPORT" <<'EOF' || fail "see above"
from socks import *

held = [socket.create_connection(("127.0.0.1", int(sys.argv[1])), TIMEOUT)
        for _ in range(30)]
for sock in held:
    sock.settimeout(TIMEOUT)
got = []
for sock in held:
    try:
        got.append(read_all(sock))
    except ConnectionResetError:
        got.append(b"")
kept = sum(g.startswith(b"SSH-2.0-sockstund_") for g in got)
check(4 <= kept <= 10, f"MaxStartups keeps {kept}, turns away the others")
finish()
EOF
wait_for 10 has_children 0 "$(pidof_test farend)" || fail "they are not gone"
if [ "$CLIENT" = sockstun ]; then
	start_client
	python3 -c 'import socks; socks.order("echo")' || fail "no service after it"
	stop sockstun
fi

# One address that holds all it may leaves the others theirs: by default, and
# no log is filled with it.
stop farend
start_sockstund "PerSourceMaxStartups 8" "LogLevel INFO"
"$BIN/sockstund" -T -f /dev/null | grep -q '^persourcemaxstartups 8$' ||
    fail "PerSourceMaxStartups is not 8 by default"
python3 - "$FARPORT" <<'EOF' || fail "see above"
from socks import *


def knock(source):
    """Connects from an address; is an SSH server there?"""
    sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), TIMEOUT,
                                    (source, 0))
    try:
        return sock, sock.recv(4) == b"SSH-"
    except ConnectionError:
        return sock, False


greedy = [knock("127.0.0.1") for _ in range(200)]
check(sum(good for _, good in greedy) == 8, "one address has 8 connections")
check(knock("127.0.0.2")[1], "another address is served")
finish()
EOF
n=$(grep -c 'past PerSourceMaxStartups' "$OBJ/farend.log")
[ "$n" -ge 1 ] && [ "$n" -le 60 ] || fail "$n lines of 192 refusals"
wait_log farend 'lines were left out' || fail "no count of what was left out"

# And the other way round: a far end whose banner never comes.
port=$(freeport)
start mute nc -lk 127.0.0.1 "$port"
wait_for 5 is_listening "$port"
began=$(date +%s)
"$BIN/sockstun" -F "$OBJ/ssh_config" -o ConnectTimeout=2 -D 0 -p "$port" \
    "$FARUSER@127.0.0.1" -- true 2>"$OBJ/mute.log"
status=$?
[ $status -eq 255 ] || fail "a mute far end: exit status $status"
took=$(($(date +%s) - began))
[ $took -le 8 ] || fail "a mute far end is given up after $took s"
[ -s "$OBJ/mute.log" ] || fail "nothing is said about it"
