# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# A thousand associations at once, the limit of their number, and how long an
# idle one lives.  Under sshd each is a process of the user, so 200 must do.
# farend: sockstund sshd
# needs: root
# netns

[ "$CLIENT" = sockstun ] || skip "ssh -D knows no UDP"
many=1000
config=
if [ "$FAREND" = sshd ]; then
	many=200
	config='MaxSessions 300'
fi
few_descriptors()
{
	has_descriptors "$before" "$(pidof_test sockstun)"
}

start_farend ${config:+"$config"}
start_client
before=$(descriptors "$(pidof_test sockstun)")
MANY=$many python3 - <<'EOT' || fail "see above"
import time

from socks import *
from udp import *

MANY = int(os.environ["MANY"])
echo = Echo()
began = time.monotonic()
all_of_them = [Association() for _ in range(MANY)]
took = time.monotonic() - began
check(len({a.relay for a in all_of_them}) == MANY,
      f"{MANY} associations, each with a port, in {took:.1f} s")
for turn in range(3):
    for first in range(0, MANY, 50):
        for n, a in enumerate(all_of_them[first:first + 50], first):
            a.send(b"%d %d" % (turn, n), echo.host, echo.port)
        for n, a in enumerate(all_of_them[first:first + 50], first):
            try:
                got = a.recv()[0]
            except socket.timeout:
                got = None
            if got != b"%d %d" % (turn, n):
                check(False, f"association {n}: {got!r}")
check(len(echo.senders) == MANY, "each echoes from a port of its own")
for a in all_of_them:
    a.tcp.close()
check(all(is_gone(a.relay) for a in all_of_them), "all relays are gone")
check(all(is_gone(sender) for sender in echo.senders),
      "all ports of the far end are gone")
check(not any(received(a.udp, 0.001) for a in all_of_them),
      "and none got what was not for it")
finish()
EOT
wait_for 10 few_descriptors || {
	fail "sockstun had $before descriptors, keeps more"
	ls -l "/proc/$(pidof_test sockstun)/fd"
}
stop sockstun

start_client -o MaxUDPAssociations=5 -o UDPTimeout=2
python3 - <<'EOT' || fail "see above"
import time

from socks import *
from udp import *

echo = Echo()
five = [Association() for _ in range(5)]
try:
    Association()
    check(False, "one more than MaxUDPAssociations")
except Refused as refused:
    check(refused.code == 1, f"one more is refused with {refused.code}")
check(five[0].echo(b"x", echo.host, echo.port), "the others go on")
five[1].close()
check(is_gone(five[1].relay), "one ends")
five[1] = Association()

# Idle ones end and tell their clients; one that is used does not.
busy, *idle = five
until = time.monotonic() + 4
while time.monotonic() < until:
    if not busy.echo(b"x", echo.host, echo.port):
        check(False, "an association in use ends")
        break
    time.sleep(0.2)
for a in idle:
    a.tcp.settimeout(1)
    try:
        check(a.tcp.recv(1) == b"" and is_gone(a.relay),
              "an idle association ends, with its connection")
    except socket.timeout:
        check(False, "the connection of an idle association stays")
finish()
EOT
wait_log sockstun 'MaxUDPAssociations' 5 ||
    fail "no line says what the limit is"
