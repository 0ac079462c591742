# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# BIND through a stock server without the helper: its own forwarding, while
# keepalives use the same kind of request.
# farend: sshd

[ "$CLIENT" = sockstun ] || skip "ssh -D knows no BIND"
HELPER=none
start_farend
start_client -o RemoteHelper=none -o ServerAliveInterval=1
python3 - <<'EOT' || fail "see above"
import threading
import time

from socks import *


def both(sock, peer):
    data = b"".join(pattern(200000))
    for one, two in ((sock, peer), (peer, sock)):
        one.sendall(data[:60000])
        one.shutdown(socket.SHUT_WR)
        if read_all(two) != data[:60000]:
            return False
    return True


def one(results):
    sock, code, where = ask(BIND, "127.0.0.1", 0)
    results.append((sock, code, where))


for turn in range(3):
    results = []
    threads = [threading.Thread(target=one, args=(results,))
               for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    good = [r for r in results if r[1] == 0 and r[2][0] == "127.0.0.1"]
    check(len(good) == 10 and len({r[2] for r in good}) == 10,
          f"ten at once, each with a port: {len(good)}")
    random.Random(turn).shuffle(good)
    for sock, _, where in good:
        peer = come(where)
        answer = read_answer5(sock)
        if answer != (0, peer.getsockname()) or not both(sock, peer):
            check(False, f"a peer of ten: {answer}")
    check(all(nobody(where) for _, _, where in good), "one connection each")
    time.sleep(1.5)

# The client goes: the server is told to wait no more.
for cmd in range(3):
    sock, code, where = ask(BIND, "127.0.0.1", 0)
    sock.close()
    check(code == 0 and nobody(where), "the client goes, the port goes")

# Only the peer that is named.
sock, code, where = ask(BIND, "127.0.0.2", 0)
try:
    check(come(where).recv(1) == b"", "another peer is sent away")
except ConnectionResetError:
    check(True, "another peer is reset")
peer = come(where, "127.0.0.2")
check(read_answer5(sock) == (0, peer.getsockname()) and both(sock, peer),
      "the wait goes on for the one that is named")

# SOCKS4.
sock = connect()
sock.sendall(request4("127.0.0.1", 0, BIND))
code, where = read_answer4(sock)
check(code == 90 and where[0] == "127.0.0.1", f"SOCKS4: {code} {where}")
peer = come(where)
check(read_answer4(sock) == (90, peer.getsockname()) and both(sock, peer),
      "SOCKS4 to its end")
finish()
EOT
is_running sockstun || fail "sockstun died"
lines=$(grep -c 'GatewayPorts' "$OBJ/sockstun.log")
[ "$lines" -eq 1 ] || fail "$lines lines of GatewayPorts, not 1"

# A server that forwards nothing says so.
stop sockstun
stop farend
start_farend 'AllowTcpForwarding local'
start_client -o RemoteHelper=none
python3 - <<'EOT' || fail "see above"
from socks import *

_, code, _ = ask(BIND, "127.0.0.1", 0)
check(code in (1, 2, 7), f"a server that does not forward: {code}")
finish()
EOT
