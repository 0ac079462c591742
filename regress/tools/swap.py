# SPDX-License-Identifier: ISC
"""A ProxyCommand which, once sockstund-net has spoken, puts another program
into sockstund's place, and so into the dialer's.

usage: swap.py port program sockstund
"""

import os
import socket
import sys
import threading

sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
first = sock.recv(65536)
os.rename(sys.argv[2], sys.argv[3])
os.write(1, first)


def up():
    while data := os.read(0, 65536):
        sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)


threading.Thread(target=up, daemon=True).start()
while data := sock.recv(65536):
    os.write(1, data)
