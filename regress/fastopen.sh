# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# FastOpen: the client is told of success at once, its data travels with the
# request, and if the dial fails its connection is reset.
# farend: sockstund sshd

start_peer
start_pair -vv -o FastOpen=yes
FAREND=$FAREND DEAD=$(freeport) python3 - <<'EOS' || fail "see above"
import os
import time

from socks import *

fast = os.environ["FAREND"] == "sockstund"
dead = int(os.environ["DEAD"])
time.sleep(0.5)
for i in range(40):
    sock = dial("127.0.0.1", PEER, early=b"echo\n" + b"x" * 5000)
    check(read_exactly(sock, 5000) == b"x" * 5000, f"flow {i} echoes")
    sock.close()

many = [order("echo") for _ in range(30)]
for sock in many:
    sock.sendall(b"y" * 1000)
for sock in many:
    check(read_exactly(sock, 1000) == b"y" * 1000, "thirty at once")

sock = order("sink")
sock.sendall(b"z" * 3000000)
sock.shutdown(socket.SHUT_WR)
check(read_all(sock).startswith(b"3000000 "), "half-closed after bulk")

time.sleep(0.5)
try:
    sock = dial("127.0.0.1", dead)
    check(fast, "a stock sshd's refusal is told in the reply")
    try:
        sock.sendall(b"hello")
        check(sock.recv(1) != b"", "never a proper end")
    except ConnectionError:
        check(True, "reset")
except Refused as refused:
    check(not fast and refused.code == 5, f"refused with {refused.code}")
finish()
EOS
