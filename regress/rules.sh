# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# What is refused unless it is named: this host and its neighbours, in every
# spelling, by every command, of a far end of root's and of one user's; and
# what DenyOpen and PermitOpen say of it.
# needs: root
# netns
# seconds: 240

[ "$CLIENT" = sockstun ] || skip "ssh -D has no BIND and no UDP"
need ip unshare setpriv
user=nobody

# Addresses besides loopback, some of them such as clouds have.
for a in 10.9.0.1/24 169.254.169.254/32 100.100.100.200/32; do
	ip address add $a brd + dev lo || skip "no addresses of one's own here"
done
for a in 2001:db8:9::1/64 fd00:ec2::254/128 fe80::9/64; do
	ip address add $a dev lo nodad || skip "no IPv6 here"
done
ip route add local 10.7.0.0/16 dev lo

# Names that somebody else could give such addresses to.
cat >"$OBJ/hosts" <<'EOF2'
127.0.0.1	localhost loop.test
::1		localhost loop6.test
10.9.0.1	own.test
169.254.169.254	meta.test
fd00:ec2::254	meta6.test
127.0.0.1	mixed.test
169.254.169.254	mixed.test
EOF2
echo 'hosts: files' >"$OBJ/nsswitch.conf"
cat >"$OBJ/elsewhere" <<'EOF2'
#!/bin/sh -e
mount --bind "$OBJ/hosts" /etc/hosts
printf 'passwd: files\ngroup: files\nshadow: files\n' >>"$OBJ/nsswitch.conf"
mount --bind "$OBJ/nsswitch.conf" /etc/nsswitch.conf
exec "$@"
EOF2
NAMES=1
WRAP="unshare -m sh $OBJ/elsewhere"
$WRAP true 2>/dev/null || { WRAP='' NAMES=''; verbose "names are left out"; }
export NAMES

cat >"$OBJ/ask.py" <<'EOF2'
from socks import *
from udp import *

NAMES = os.environ["NAMES"]
# Where a listener of this host is reached, in all the ways to write it ...
LOCAL = ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0x7F000001",
         "0177.0.0.1", "017700000001", "127.9.8.7", "0.0.0.0", "0", "0x0",
         "::1", "0:0::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1",
         "::ffff:0.0.0.0", "localhost", "LocalHost", "10.9.0.1",
         "168361985", "::ffff:10.9.0.1", "2001:db8:9::1", "10.7.8.9"]
# ... and where it could be with some gateways' help.
BEYOND = ["::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
          "64:ff9b:1::127.0.0.1", "2002:7f00:1::", "64:ff9b::10.9.0.1",
          "2002:a09:1::1"]
# The same for what is refused everywhere.
ALWAYS = ["169.254.169.254", "169.254.43518", "2852039166", "0xa9fea9fe",
          "0251.0376.0251.0376", "::ffff:169.254.169.254",
          "::ffff:a9fe:a9fe", "fe80::9", "fe80::9%lo", "100.100.100.200",
          "fd00:ec2::254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
          "::169.254.169.254", "169.254.1.1", "fe80::1%lo", "224.0.0.1",
          "239.1.1.1", "ff02::1", "ff02::1%lo", "255.255.255.255",
          "4294967295", "64:ff9b::255.255.255.255", "10.9.0.255"]
if NAMES:
    LOCAL += ["loop.test", "loop6.test", "own.test"]
    ALWAYS += ["meta.test", "meta6.test"]
UNSPECIFIED = ("0.0.0.0", "::", "::ffff:0.0.0.0")
ANYWHERE = socket.socket(socket.AF_INET6)
ANYWHERE.bind(("::", 0))
ANYWHERE.listen(100)
PORT = port_of(ANYWHERE)
target = udp_socket()
target.close()
target = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
target.bind(("::", PORT))


def code(cmd, host, port=PORT):
    sock, got, _ = ask(cmd, host, port, name=True)
    sock.close()
    return got


def sent(hosts, port=PORT):
    """To which of these does a datagram come?"""
    out = set()
    for few in (hosts[i:i + 8] for i in range(0, len(hosts), 8)):
        a = Association()
        for host in few:
            a.send(host.encode(), host, port, name=True)
        out |= {got.decode() for got, _ in received(target)}
        a.close()
    return out


def refused(what, hosts):
    """Nothing is reached, by any command, and each has its line."""
    for host in hosts:
        got = code(CONNECT, host)
        check(got == 2, f"{what}: {host}: {got}")
        if host not in UNSPECIFIED:
            got = code(BIND, host)
            check(got == 2, f"{what}: BIND of {host}: {got}")
        got = code(RESOLVE, host, 0)
        check(got == 0, f"{what}: RESOLVE of {host}: {got}")
    got = sent(hosts)
    check(not got, f"{what}: datagrams: {got}")


def say(*asked):
    """Refusals whose lines the log has room for."""
    time.sleep(2)
    for cmd, host in asked:
        check(code(cmd, host) == 2, f"{host}, for the log")


def reached(what, hosts, port=PORT):
    for host in hosts:
        got = code(CONNECT, host, port)
        check(got == 0, f"{what}: {host}: {got}")
    got = sent([h for h in hosts], port)
    check(got == set(hosts), f"{what}: datagrams: {set(hosts) - got}")
EOF2
export PYTHONPATH="$PYTHONPATH:$OBJ"

# again [line ...]: another far end, with these lines and no others
again()
{
	stop sockstun
	stop farend
	LOCAL='' start_sockstund "AuthorizedKeysFile $OBJ/keys.%u" "$@"
	start_client
}

# log pattern: is in the far end's log
log()
{
	wait_log farend "$1" 5 || fail "no line like '$1' in the log"
}

cp "$OBJ/authorized_keys" "$OBJ/keys.root"
cp "$OBJ/authorized_keys" "$OBJ/keys.$user"

# Root's: this host too is refused.
again
python3 - <<'EOF2' || fail "see above"
from ask import *

refused("root's", LOCAL + BEYOND + ALWAYS)
check(code(CONNECT, "::1%lo") != 0, "a zone of loopback")
say((CONNECT, "127.1"), (CONNECT, "fe80::9%lo"), (BIND, "10.9.0.1"),
    (CONNECT, "10.9.0.255"))
sock, got, _ = ask(BIND, "0.0.0.0", 0)
check(got in (0, 2), f"BIND for anybody: {got}")
finish()
EOF2
log 'connect for root.*: 127\.1:[0-9]+ refused: 127\.0\.0\.1 is this host.s own address; "PermitLocal yes" or "PermitOpen 127\.0\.0\.1:[0-9]+ \*:\*" would allow it'
log 'connect for root.*: .fe80::9%lo.* refused: fe80::9 is a link-local address; "PermitOpen \[fe80::9\]:[0-9]+ \*:\*" would allow it'
log 'bind for root.*: 10\.9\.0\.1:[0-9]+ refused: 10\.9\.0\.1 is this host.s own address; .* "PermitOpen 10\.9\.0\.1:\* \*:\*"'
log 'udp for root.*: port [0-9]+: 224\.0\.0\.1:[0-9]+ refused: 224\.0\.0\.1 is a multicast address; "Per'
log 'connect for root.* refused: 10\.9\.0\.255 is a broadcast address'

# With PermitLocal all but what is always refused.
again 'PermitLocal yes'
python3 - <<'EOF2' || fail "see above"
from ask import *

reached("PermitLocal", LOCAL)
refused("PermitLocal", ALWAYS)
check(code(BIND, "127.0.0.1") == 0, "PermitLocal: BIND")
finish()
EOF2

# GatewayPorts no leaves BIND nobody but this host.
again 'GatewayPorts no'
python3 - <<'EOF2' || fail "see above"
from ask import *

check(code(BIND, "0.0.0.0") == 2, "BIND for anybody of this host")
finish()
EOF2

# A list that has it, names it or not.
again 'PermitOpen *:* 127.0.0.0/8:* [::1]:* 169.254.169.254:* 10.9.0.255:*'
python3 - <<'EOF2' || fail "see above"
from ask import *

named = ["127.0.0.1", "127.1", "::1", "::ffff:127.0.0.1", "169.254.169.254",
         "0xa9fea9fe"]
if NAMES:
    named += ["loop.test", "meta.test"]
reached("named", named)
refused("not named", ["0.0.0.0", "::", "10.9.0.1", "2001:db8:9::1", "fe80::9",
                      "fd00:ec2::254", "64:ff9b::7f00:1"])
check(code(BIND, "127.0.0.1") == 0, "named: BIND")
check(sent(["10.9.0.255"]), "named: a broadcast")
finish()
EOF2
again 'PermitOpen *:* 0.0.0.0/0:* [::/0]:* localhost:* loop.test:*'
python3 - <<'EOF2' || fail "see above"
from ask import *

reached("the one name", ["localhost"])
refused("wildcards", ["127.0.0.1", "::1", "10.9.0.1", "169.254.169.254"] +
        (["loop.test"] if NAMES else []))
finish()
EOF2

# A key does not widen what the configuration permits.
sed 's/^/permitopen="127.0.0.1:*",permitopen="localhost:*" /' \
    "$OBJ/authorized_keys" >"$OBJ/keys.root"
again
python3 - <<'EOF2' || fail "see above"
from ask import *

for host in ("127.0.0.1", "localhost"):
    check(code(CONNECT, host) == 2, f"named by a key: {host}")
finish()
EOF2
cp "$OBJ/authorized_keys" "$OBJ/keys.root"

# DenyOpen comes first, whatever else permits.
again 'DenyOpen 127.0.0.0/8:* *.1:* own.test:*' 'PermitLocal yes' \
    'PermitOpen *:* 127.0.0.1:*'
python3 - <<'EOF2' || fail "see above"
from ask import *

for host in ["127.0.0.1", "127.1", "2130706433", "::ffff:127.0.0.1",
             "64:ff9b::7f00:1", "10.9.0.1"] + (
             ["loop.test", "own.test", "OWN.test", "own.test."]
             if NAMES else []):
    # An address is its own answer already at the near end.
    literal = host[0] in "0123456789:" and host not in ("127.1", "2130706433")
    for cmd in (CONNECT, BIND) if literal else (CONNECT, BIND, RESOLVE):
        got = code(cmd, host)
        check(got == 2, f"DenyOpen: {host}, command {cmd}: {got}")
reached("DenyOpen", ["::1", "2001:db8:9::1"])
check(not sent(["127.0.0.1", "127.1", "10.9.0.1"]), "DenyOpen: datagrams")
say((CONNECT, "127.1"))
finish()
EOF2
log 'connect for root.* refused: not permitted by rules \(DenyOpen\)'
again 'DenyOpen *:25'
python3 - <<'EOF2' || fail "see above"
from ask import *

check(code(CONNECT, "192.0.2.1", 25) == 2, "a denied port")
check(code(CONNECT, "nosuch.test", 25) == 2, "of a name too")
check(code(RESOLVE, "127.0.0.1", 0) == 0, "RESOLVE has no port")
finish()
EOF2

# One user's daemon: what the user reaches without it.
chown $user "$OBJ/host_key"
FARUSER=$user AS=$user
again
python3 - <<'EOF2' || fail "see above"
from ask import *

reached("a user's", LOCAL)
refused("a user's", ALWAYS)
finish()
EOF2
again 'PermitLocal no'
python3 - <<'EOF2' || fail "see above"
from ask import *

refused("a user's without", LOCAL + BEYOND)
finish()
EOF2
