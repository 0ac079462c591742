# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# farend: sockstund sshd
# How long clients, their peers and the other end of the session are waited
# for, by a clock that runs ahead.

with_clock
cat >"$OBJ/waits.py" <<'EOF'
import sys

from socks import *
from udp import *


def is_open(sock, seconds=0.3):
    """Does nothing come on it, not even its end?"""
    sock.settimeout(seconds)
    try:
        sock.recv(1)
        return False
    except socket.timeout:
        return True
    finally:
        sock.settimeout(TIMEOUT)


# Clients that make no request, or half of one.
silent, half = connect(), connect()
half.sendall(GREETING + request5("127.0.0.1", 80)[:5])
check(read_exactly(half, 2) == b"\x05\x00", "a client that stops half-way")
move_clock(59)
check(is_open(silent) and is_open(half), "has 60 seconds for its request")
move_clock(2)
check(read_all(silent) == b"" and read_all(half) == b"", "and no more")

# A client that was refused and never closes.
sock, code, _ = ask(0x77, "127.0.0.1", 80)
check(code == 7 and sock.recv(1) == b"", f"a refusal is told: {code}")
move_clock(6)
time.sleep(0.1)
try:
    sock.sendall(b"x")
    time.sleep(0.1)
    sock.sendall(b"x")
    check(False, "a refused client is waited for longer than 5 seconds")
except (ConnectionResetError, BrokenPipeError):
    check(True, "its connection is closed though it never closes its own")

# A BIND for which nobody comes.
sock, code, where = ask(BIND, "127.0.0.1", 0)
check(code == 0, f"waits at {where}")
move_clock(119)
check(is_open(sock), "for a peer that may take 120 seconds")
move_clock(2)
check(read_answer5(sock)[0] == 6 and read_all(sock) == b"",
      "and is told when they are over")
check(nobody(where), "nobody waits there any more")

# An association that is quiet.
if sys.argv[1] == "udp":
    echo = Echo()
    a = Association()
    check(a.echo(b"x", echo.host, echo.port), "an association")
    move_clock(76, 3)
    check(a.echo(b"x", echo.host, echo.port), "is used in time")
    move_clock(290, 15)
    check(is_open(a.tcp), "then it is quiet for 290 seconds")
    move_clock(200, 10)
    check(read_all(a.tcp) == b"", "and after 300 it ends")
finish()
EOF

for kind in udp plain; do
	if [ "$kind" = plain ]; then
		[ "$FAREND" = sshd ] || break
		stop sockstun
		stop farend
		HELPER=none
	fi
	start_pair
	python3 "$OBJ/waits.py" "$kind" || fail "see above"
	grep -q 'no request within 60 seconds' "$OBJ/sockstun.log" ||
	    fail "the log tells of no client without a request"
done
