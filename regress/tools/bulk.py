# SPDX-License-Identifier: ISC
"""Flows of so many bytes through the proxy: up and down at the same time.

    bulk.py size
"""
import hashlib
import sys
import threading

from socks import *

N = int(sys.argv[1])
digest = hashlib.sha256()
for block in pattern(N):
    digest.update(block)


def up():
    sock = order("sink")
    for block in pattern(N):
        sock.sendall(block)
    sock.shutdown(socket.SHUT_WR)
    check(read_all(sock) == f"{N} {digest.hexdigest()}\n".encode(), "up")


def down():
    check(hashlib.sha256(read_all(order(f"source {N}"))).digest() ==
          digest.digest(), "down")


threads = [threading.Thread(target=f) for f in (up, down, up, down)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
finish()
