# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# BIND of SOCKS4 and 5: the address in the reply can be reached, by the named
# peer alone and once; data and its end arrive both ways; nothing is left over.
# farend: sockstund sshd

[ "$CLIENT" = sockstun ] || skip "ssh -D knows no BIND"
start_pair
python3 - <<'EOT' || fail "see above"
import time

from socks import *


def bound(host, port=0, name=False):
    """A BIND that waits: the client's connection and where."""
    sock, code, where = ask(BIND, host, port, name)
    if code != 0:
        sock.close()
        raise Refused(code)
    return sock, where


def pair(host="127.0.0.1"):
    """A BIND whose peer has come: both ends."""
    sock, where = bound(host)
    peer = come(where)
    code, told = read_answer5(sock)
    check(code == 0 and told == peer.getsockname()[:2],
          f"the second reply tells the peer: {code} {told}")
    return sock, peer, where


def ending(sock):
    try:
        while sock.recv(1 << 16):
            pass
        return "eof"
    except ConnectionResetError:
        return "reset"


def talk(sock, peer, size=300000):
    """Data both ways at once, and each half ends by itself."""
    data = b"".join(pattern(size))
    for one, two in ((sock, peer), (peer, sock)):
        one.sendall(data[:50000])
        got = read_exactly(two, 50000)
        one.sendall(data[50000:100000])
        one.shutdown(socket.SHUT_WR)
        if got + read_all(two) != data[:100000]:
            return False
    return True


def is_sent_away(where):
    """A connection that is ended at once, perhaps before it stands."""
    try:
        return ending(come(where)) in ("reset", "eof")
    except ConnectionResetError:
        return True


# SOCKS5.
for host in ("127.0.0.1", "::1"):
    sock, peer, where = pair(host)
    check(where[0] == host and where[1] != 0, f"{host}: waits at {where}")
    check(nobody(where), f"{host}: one connection only")
    check(talk(sock, peer), f"{host}: data and its end, both ways")
sock, where = bound(ANY)
check(where[0] not in ("0.0.0.0", "::"), f"for anybody: waits at {where}")
peer = come(where, "" if where[0] != "127.0.0.1" else "127.0.0.1")
check(read_answer5(sock) == (0, peer.getsockname()), "anybody may come")
check(talk(sock, peer), "and is heard")

# What is sent before the peer is there waits for it.
sock, where = bound("127.0.0.1")
sock.sendall(b"early")
time.sleep(0.2)
peer = come(where)
check(read_exactly(peer, 5) == b"early", "data before the second reply")
check(read_answer5(sock) == (0, peer.getsockname()), "which still comes")

# Nobody but the peer that is named, by address or by name.
for host, name in (("127.0.0.2", False), ("127.0.0.2", True)):
    sock, where = bound(host, name=name)
    for _ in range(3):
        check(is_sent_away(where), "another peer is sent away")
    sock.settimeout(3)
    try:
        check(False, f"a reply for the wrong peer: {read_answer5(sock)}")
    except socket.timeout:
        check(True, "and the wait goes on, after 3 s as well")
    sock.settimeout(TIMEOUT)
    peer = come(where, "127.0.0.2")
    check(read_answer5(sock) == (0, peer.getsockname()), "the peer is heard")
    check(talk(sock, peer), "and talks")
sock, where = bound("localhost")
peer = come(where)
check(read_answer5(sock) == (0, peer.getsockname()[:2]), "a peer by its name")
sock, code, _ = ask(BIND, "nosuch.invalid", 80)
check(code == 4, f"a peer without an address: {code}")

# The client goes: nobody waits any more.
for how in ("close", "reset"):
    sock, where = bound("127.0.0.1")
    abort(sock) if how == "reset" else sock.close()
    check(nobody(where), f"{how} of the client ends the wait")

# A reset stays one.
sock, peer, _ = pair()
abort(peer)
check(ending(sock) == "reset", "the peer's reset arrives")
sock, peer, _ = pair()
abort(sock)
check(ending(peer) == "reset", "the client's reset arrives")

# SOCKS4.
for name in ("", "localhost"):
    sock = connect()
    sock.sendall(request4(name or "127.0.0.1", 0, BIND, name=bool(name)))
    code, where = read_answer4(sock)
    check(code == 90 and where[0] == "127.0.0.1" and where[1] != 0,
          f"SOCKS4: {code}, waits at {where}")
    peer = come(where)
    check(read_answer4(sock) == (90, peer.getsockname()), "the second reply")
    check(talk(sock, peer), "data and its end")

# Twenty at once, met in another order.
many = [bound("127.0.0.1") for _ in range(20)]
random.Random(1).shuffle(many)
for n, (sock, where) in enumerate(many):
    peer = come(where)
    peer.sendall(b"%02d" % n)
    if read_answer5(sock)[1] != peer.getsockname() or \
            read_exactly(sock, 2) != b"%02d" % n:
        check(False, f"one of twenty: {n}")
check(True, "twenty at once")
finish()
EOT
[ "$FAREND" = sockstund ] || return 0
stop sockstun
stop farend

# Rules: with a list only peers that are on it, without GatewayPorts only
# loopback.
binds()
{
	start_client
	python3 - "$@" <<-'EOT' || fail "see above"
	from socks import *

	for host, want in zip(sys.argv[1::2], sys.argv[2::2]):
	    sock, code, where = ask(BIND, host, 0)
	    check(str(code) == want, f"{host}: {code} {where}, wanted {want}")
	    if code == 0:
	        check(where[0] in ("127.0.0.1", "::1"), f"waits at {where}")
	finish()
	EOT
	stop sockstun
	stop farend
}
start_farend 'PermitOpen 127.0.0.1:80'
binds 127.0.0.1 0 0.0.0.0 2 :: 2 127.0.0.2 2 localhost 0
start_farend 'GatewayPorts no'
binds 127.0.0.1 0 0.0.0.0 0
