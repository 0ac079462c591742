# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# RESOLVE and RESOLVE_PTR of SOCKS4a and 5 are answered by the far end, from the
# names that it knows.
# farend: sockstund sshd
# needs: root

need unshare mount
[ "$CLIENT" = sockstun ] || skip "ssh -D knows no RESOLVE"

# The far end has its own hosts file and asks no name server.
cat >"$OBJ/hosts" <<EOF2
127.0.0.1	localhost
192.0.2.10	four.test
2001:db8::10	six.test
192.0.2.20	both.test
2001:db8::20	both.test
EOF2
echo 'hosts: files' >"$OBJ/nsswitch.conf"
cat >"$OBJ/elsewhere" <<'EOF2'
#!/bin/sh -e
mount --bind "$OBJ/hosts" /etc/hosts
printf 'passwd: files\ngroup: files\nshadow: files\n' >>"$OBJ/nsswitch.conf"
mount --bind "$OBJ/nsswitch.conf" /etc/nsswitch.conf
exec "$@"
EOF2
cat >"$OBJ/ask.py" <<'EOT'
from socks import *


def resolve(host, family=0, cmd=RESOLVE, name=False):
    """Asks as SOCKS5 does: the code and the answer, after which it ends."""
    sock, code, (answer, _) = ask(cmd, host, family, name)
    check(read_all(sock) == b"", f"the connection for {host} ends")
    return code, answer


def resolve4a(host, name=True):
    sock = connect()
    sock.sendall(request4(host, 0, RESOLVE, name=name))
    code, (answer, _) = read_answer4(sock)
    check(read_all(sock) == b"", f"the connection for {host} ends")
    return code, answer


def expect(text, got, *wanted):
    check(got in wanted, f"{text}: {got}")
EOT

# In a chroot there are no mounts of one's own: the names of this host, then.
if ! unshare -m sh "$OBJ/elsewhere" true; then
	verbose "no mount namespaces here: only localhost is asked for"
	start_farend
	start_client
	PYTHONPATH=$PYTHONPATH:$OBJ python3 - <<'EOT' || fail "see above"
from ask import *

V4, V6 = (0, "127.0.0.1"), (0, "::1")
expect("localhost", resolve("localhost"), V4, V6)
expect("its IPv4 address", resolve("localhost", 4), V4)
expect("SOCKS4a", resolve4a("localhost"), (90, "127.0.0.1"))
expect("no such name", resolve("nosuch.invalid")[0], 4)
expect("an address itself", resolve("192.0.2.99"), (0, "192.0.2.99"))
expect("the name of an address", resolve("127.0.0.1", 0, RESOLVE_PTR)[0], 0)
finish()
EOT
	return 0
fi

config=
[ "$FAREND" = sockstund ] || config='MaxSessions 100'
WRAP="unshare -m sh $OBJ/elsewhere" start_farend ${config:+"$config"}
start_client
PYTHONPATH=$PYTHONPATH:$OBJ python3 - <<'EOT' || fail "see above"
from ask import *

V4, V6 = (0, "192.0.2.20"), (0, "2001:db8::20")
expect("an IPv4 name", resolve("four.test"), (0, "192.0.2.10"))
expect("an IPv6 name", resolve("six.test"), (0, "2001:db8::10"))
expect("a name of both", resolve("both.test"), V4, V6)
expect("its IPv4 address", resolve("both.test", 4), V4)
expect("its IPv6 address", resolve("both.test", 6), V6)
expect("in capitals", resolve("FOUR.test"), (0, "192.0.2.10"))
expect("a port that means nothing", resolve("four.test", 443),
       (0, "192.0.2.10"))
expect("no IPv6 address", resolve("four.test", 6)[0], 4)
expect("no IPv4 address", resolve("six.test", 4)[0], 4)
expect("no such name", resolve("nosuch.test")[0], 4)
expect("a name of 255 bytes", resolve(b"n" * 255)[0], 1, 4)
for host in ("192.0.2.99", "2001:db8::99"):
    for name in (False, True):
        expect(f"{host} itself", resolve(host, name=name), (0, host))
for host in (b"", b"a\0b", b"a b"):
    code, _ = resolve(host)
    check(code != 0, f"the name {host!r}: {code}")

expect("SOCKS4a", resolve4a("four.test"), (90, "192.0.2.10"))
expect("SOCKS4a, both", resolve4a("both.test"), (90, "192.0.2.20"))
expect("SOCKS4a, IPv6 alone", resolve4a("six.test")[0], 91)
expect("SOCKS4a, no such name", resolve4a("nosuch.test")[0], 91)
expect("SOCKS4, an address", resolve4a("192.0.2.99", False),
       (90, "192.0.2.99"))

expect("the name of an address", resolve("192.0.2.10", 0, RESOLVE_PTR),
       (0, "four.test"))
expect("of an IPv6 address", resolve("2001:db8::10", 0, RESOLVE_PTR),
       (0, "six.test"))
expect("of an address as a name",
       resolve("192.0.2.10", 0, RESOLVE_PTR, name=True), (0, "four.test"))
expect("of one that has none", resolve("192.0.2.77", 0, RESOLVE_PTR)[0], 4)
code, _ = resolve("four.test", 0, RESOLVE_PTR)
check(code != 0, f"RESOLVE_PTR of a name: {code}")
sock = connect()
sock.sendall(request4("192.0.2.10", 0, RESOLVE_PTR))
expect("SOCKS4 knows no RESOLVE_PTR", read_answer4(sock)[0], 91)


async def one(n):
    """dial() tells the code alone; an answer is a success."""
    _, writer = await adial(("four", "six", "both")[n % 3] + ".test", 0,
                            cmd=RESOLVE)
    writer.close()
    return True


async def many():
    got = await gather(one(n) for n in range(60))
    check(got == [True] * 60, "sixty at once")


asyncio.run(many())
finish()
EOT
[ "$FAREND" = sockstund ] || return 0

# Rules of a list hold for what may be resolved.
stop sockstun
stop farend
WRAP="unshare -m sh $OBJ/elsewhere" \
    start_farend 'PermitOpen four.test:80 192.0.2.20:80'
start_client
PYTHONPATH=$PYTHONPATH:$OBJ python3 - <<'EOT' || fail "see above"
from ask import *

expect("a name on the list", resolve("four.test"), (0, "192.0.2.10"))
expect("a name that is not", resolve("six.test")[0], 2)
expect("an address on the list", resolve("192.0.2.20", 0, RESOLVE_PTR),
       (0, "both.test"))
expect("one that is not", resolve("192.0.2.77", 0, RESOLVE_PTR)[0], 2)
finish()
EOT
