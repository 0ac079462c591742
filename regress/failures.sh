# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# For a target that cannot be reached the client gets the true reply code, also
# when fifty different failures come at the same moment.
# farend: sockstund sshd
# needs: root
# netns

need ip nsenter unshare
[ "$CLIENT" = sockstun ] || skip "ssh -D tells no reasons"

# Another host, whose routes fail in every way.
start router unshare -n sleep 600
router=$(pidof_test router)
far_apart()
{
	[ "$(readlink "/proc/$router/ns/net")" != "$(readlink /proc/$$/ns/net)" ]
}
wait_for 5 far_apart || fatal "no second network namespace"
ip link add near type veth peer name far netns "$router" ||
    skip "no veth interfaces here"
ip address add 10.9.0.1/16 dev near
ip link set near up
nsenter -t "$router" -n sh -e <<'EOF' || fatal "no router"
ip link set lo up
ip address add 10.9.0.2/16 dev far
ip link set far up
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
ip route add unreachable 10.1.0.0/16
ip route add prohibit 10.2.0.0/16
ip route add blackhole 10.3.0.0/16
EOF
ip route add prohibit 10.5.0.0/16
echo 1 >/proc/sys/net/ipv4/tcp_syn_retries

# A router tells each source of a few errors only, so there are some sources.
start_peer
permit="127.0.0.1:$PEER localhost:$PEER 127.0.0.1:9 [::1]:9 nosuch.invalid:80"
for n in 1 2 3 4 5 6; do
	ip address add "10.9.1.$n/16" dev near
	for net in 1 2 3 4; do
		ip route add "10.$net.0.$n" via 10.9.0.2 src "10.9.1.$n"
		permit="$permit 10.$net.0.$n:80"
	done
done
start_farend "PermitOpen $permit 10.5.0.0:80 [2001:db8::1]:80"
start_client

python3 - <<'EOF' || fail "see above"
from socks import *

CASES = [
    ("permitted", "127.0.0.1", PEER, 0),
    ("not permitted", "127.0.0.1", 22, 2),
    ("name not permitted", "example.com", 81, 2),
    ("net unreachable", "10.4.0.{}", 80, 3),
    ("host unreachable", "10.1.0.{}", 80, 4),
    ("filtered", "10.2.0.{}", 80, 4),
    ("no such name", "nosuch.invalid", 80, 4),
    ("refused", "127.0.0.1", 9, 5),
    ("refused, IPv6", "::1", 9, 5),
    ("no answer", "10.3.0.{}", 80, 6),
]
if os.environ["FAREND"] == "sockstund":
    CASES += [("no route", "2001:db8::1", 80, 3),
              ("local rule", "10.5.0.0", 80, 2)]


async def code(host, port):
    try:
        _, writer = await adial(host, port, b"hold\n")
        writer.close()
        return 0
    except Refused as e:
        return e.code


async def main():
    for name, host, port, want in CASES:
        got = await asyncio.wait_for(code(host.format(6), port), TIMEOUT)
        check(got == want, f"{name}: {got}, wanted {want}")
    many = [(name, host.format(n), port, want)
            for name, host, port, want in CASES for n in range(1, 6)]
    random.Random(3).shuffle(many)
    got = await gather(code(host, port) for _, host, port, _ in many)
    for (name, _, _, want), one in zip(many, got):
        if one != want:
            check(False, f"one of many, {name}: {one!r}, wanted {want}")
    check(True, f"{len(many)} at once")


asyncio.run(main())
finish()
EOF
