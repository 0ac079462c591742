# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Bytes that are not SOCKS, or ask for what is not served: the reply is whole,
# the connection ends cleanly, and no other client is disturbed.
# farend: sockstund sshd

[ "$CLIENT" = sockstun ] || skip "ssh -D answers in its own way"
start_peer
start_pair
python3 - <<'EOF' || fail "see above"
from socks import *

ok = request5("127.0.0.1", PEER)
port = struct.pack("!H", PEER)


def talk(data, shut=False):
    """All that is answered until the proxy ends the connection."""
    sock = connect(10)
    try:
        sock.sendall(data)
        if shut:
            sock.shutdown(socket.SHUT_WR)
        return read_all(sock)
    except ConnectionResetError:
        return b""
    except socket.timeout:
        return b"(not ended)"
    finally:
        sock.close()


def expect(name, data, *answers, shut=False):
    got = talk(data, shut)
    check(got in answers, f"{name}: {got!r}")


def reply(name, request, *codes):
    got = talk(GREETING + request)
    whole = len(got) >= 12 and got[:3] == b"\x05\x00\x05" and got[4] == 0
    size = {1: 12, 4: 24}.get(got[5] if whole else 0, 0)
    check(whole and len(got) == size and got[3] in codes,
          f"{name}: {got!r}, wanted a whole reply {codes}")


FAILURES = (1, 2, 3, 4, 5, 6, 8)
expect("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" +
       bytes(506), b"")
expect("SSH banner", b"SSH-2.0-OpenSSH_9.2\r\n", b"")
expect("version 6", b"\x06\x01\x00", b"")
expect("version 0", b"\x00" * 64, b"")
got = talk(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
check(got != b"(not ended)", f"HTTP GET: {got!r}")
expect("no methods", b"\x05\x00", b"\x05\xff")
expect("password only", b"\x05\x01\x02", b"\x05\xff")
expect("254 methods, none of them 0", b"\x05\xfe" + bytes(range(1, 255)),
       b"\x05\xff")
expect("version 4 after the greeting", GREETING + b"\x04" + ok[1:],
       b"\x05\x00", b"\x05\x00\x05\x01\x00\x01" + bytes(6))

reply("RESOLVE_PTR of a name", request5("localhost", 0, cmd=0xf1), 8)
for cmd in (0, 4, 9, 0x80, 0xff):
    reply(f"command {cmd}", request5("127.0.0.1", PEER, cmd=cmd), 7)
for atyp in (0, 2, 5, 0xff):
    reply(f"address type {atyp}",
          b"\x05\x01\x00" + bytes([atyp]) + b"\x7f\0\0\1" + port, 8)
reply("unknown command and address type", b"\x05\x09\x00\x02" + bytes(8), 7, 8)
reply("empty name", b"\x05\x01\x00\x03\x00" + port, *FAILURES)
reply("name with NUL", request5(b"local\0host", PEER), *FAILURES)
reply("name with controls", request5(b"a\r\nb\x1b[31m", PEER), *FAILURES)
reply("name with blanks", request5(b"a b", PEER), *FAILURES)
reply("name of high bytes", request5(b"\xff" * 40, PEER), *FAILURES)
reply("name of 255 bytes", request5(b"n" * 255, PEER), *FAILURES)
reply("name of dots", request5(b"." * 255, PEER), *FAILURES)
reply("name of a shell", request5(b"$(touch${IFS}x)", PEER), *FAILURES)
reply("port 0", request5("127.0.0.1", 0), *FAILURES)
reply("port 65535", request5("127.0.0.1", 65535), 5)
reply("0.0.0.0 port 1", request5("0.0.0.0", 1), *FAILURES)
reply("broadcast", request5("255.255.255.255", 1), *FAILURES)
for name, cmd in (("BIND", BIND), ("RESOLVE", RESOLVE)):
    for host in (b"", b"local\0host", b"a b", b"\xff" * 40, b"n" * 255):
        reply(f"{name} of {host[:10]!r}", request5(host, 0, cmd), *FAILURES)
reply("RESOLVE_PTR of a name", request5("localhost", 0, RESOLVE_PTR),
      *FAILURES)

no = b"\x00\x5b" + bytes(6)
for name, data in (
        ("v4 UDP ASSOCIATE", request4("127.0.0.1", PEER, cmd=3)),
        ("v4 RESOLVE_PTR", request4("127.0.0.1", PEER, cmd=0xf1)),
        ("v4 command 9", request4("127.0.0.1", PEER, cmd=9)),
        ("v4 refused port", request4("127.0.0.1", 65535)),
        ("v4a empty name", request4("", PEER, name=True)),
        ("v4 user without end", b"\x04\x01" + port + b"\x7f\0\0\1" +
         b"u" * 5000),
        ("v4a name without end", b"\x04\x01" + port + b"\0\0\0\1u\0" +
         b"h" * 5000)):
    got = talk(data)
    check(len(got) in (0, 8) and got[:2] in (b"", b"\x00\x5b"),
          f"{name}: {got!r}")
    check(got or "end" in name, f"{name}: a whole reply, not {got!r}")

for full in (GREETING + ok, request4("127.0.0.1", PEER),
             request4("localhost", PEER, name=True),
             GREETING + request5("localhost", PEER)):
    for n in range(len(full)):
        got = talk(full[:n], shut=True)
        if got not in (b"", b"\x05\x00"):
            check(False, f"{full[:n]!r} and the end: {got!r}")
noise = random.Random(1)
for _ in range(300):
    data = noise.choice((b"", b"\x04", b"\x05", GREETING, GREETING + b"\x05"))
    if b"(not ended)" in talk(data + noise.randbytes(noise.randrange(64)),
                              shut=True):
        check(False, "noise")

sock = order("echo")
sock.sendall(b"alive")
check(read_exactly(sock, 5) == b"alive", "another flow works afterwards")
finish()
EOF
is_running sockstun || fail "sockstun died"
