# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# When descriptors run out, a listener pauses and then continues; nothing spins.

need prlimit
[ "$CLIENT" = sockstun ] || skip "for sockstun only"
start_peer

cat >"$OBJ/exhaust.py" <<'EOF'
"""exhaust.py pid [port]: 200 connections to the proxy, or to a port."""
import time

from socks import *


def cpu(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def works():
    try:
        sock = order("echo")
        sock.sendall(b"x")
        return read_exactly(sock, 1) == b"x"
    except (OSError, EOFError, Refused):
        return False


def hold(port):
    if port:
        return socket.create_connection(("127.0.0.1", int(port[0])), TIMEOUT)
    sock = connect()
    sock.sendall(GREETING + request5("127.0.0.1", PEER))
    return sock


pid, *port = sys.argv[1:]
held = [hold(port) for _ in range(200)]
time.sleep(1)
before = cpu(pid)
time.sleep(2)
used = cpu(pid) - before
check(used < 0.5, f"{used:.2f} s of CPU in 2 s without descriptors")
for sock in held:
    sock.close()
deadline = time.monotonic() + 15
while not works() and time.monotonic() < deadline:
    time.sleep(0.2)
check(works(), "it goes on afterwards")
finish()
EOF

# spoke name: it said what happens, but not too often
spoke()
{
	lines=$(grep -c 'Too many open files' "$OBJ/$1.log")
	[ "$lines" -gt 0 ] || fail "$1 is silent about it"
	[ "$lines" -le 50 ] || fail "$1: $lines lines of log about it"
}

start_sockstund
WRAP="prlimit --nofile=64"
start_client
WRAP=
python3 "$OBJ/exhaust.py" "$(pidof_test sockstun)" || fail "sockstun"
spoke sockstun
stop sockstun
stop farend

WRAP="prlimit --nofile=64"
start_sockstund
WRAP=
start_client
python3 "$OBJ/exhaust.py" "$(pidof_test farend)" "$FARPORT" ||
    fail "sockstund"
spoke farend
