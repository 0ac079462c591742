# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# 10,000 channel opens at once in one session: all are answered, and the daemon
# and the session survive.
# alone
# seconds: 240

start_peer
start_pair
python3 - <<'EOF' || fail "see above"
import time

from socks import *

MANY = int(os.environ.get("OPENS", 10000))


async def one(n, ready, go):
    """A flow that opens, waits for all others, and echoes."""
    reader, writer = await adial("127.0.0.1", PEER, b"echo\n")
    ready.append(n)
    if len(ready) == MANY:
        go.set()
    await go.wait()
    data = b"%08d" % n
    writer.write(data)
    writer.write_eof()
    good = await reader.read() == data
    writer.close()
    return good


async def main():
    ready, go = [], asyncio.Event()
    began = time.monotonic()
    try:
        got = await asyncio.wait_for(
            gather(one(n, ready, go) for n in range(MANY)), 180)
    except asyncio.TimeoutError:
        got = []
    good = sum(g is True for g in got)
    took = time.monotonic() - began
    print(f"{len(ready)} open at once, {good} echoed, {took:.1f} s")
    for text in sorted({repr(g) for g in got if g is not True}):
        print("  ", text)
    check(good == MANY, "all open, all echo")


asyncio.run(main())
sock = order("echo")
sock.sendall(b"x")
check(read_exactly(sock, 1) == b"x", "the session goes on")
finish()
EOF
