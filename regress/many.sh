# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# 500 transfers at once, each checked byte for byte.
# farend: sockstund sshd

start_peer
start_pair
python3 - <<'EOF' || fail "see above"
import hashlib

from socks import *

sizes = random.Random(5)


def sha(n):
    digest = hashlib.sha256()
    for block in pattern(n):
        digest.update(block)
    return digest.hexdigest()


async def source(n):
    reader, _ = await adial("127.0.0.1", PEER, f"source {n}\n".encode())
    digest, total = hashlib.sha256(), 0
    while data := await reader.read(1 << 16):
        digest.update(data)
        total += len(data)
    return total == n and digest.hexdigest() == sha(n)


async def sink(n):
    reader, writer = await adial("localhost", PEER, b"sink\n")
    for block in pattern(n):
        writer.write(block)
        await writer.drain()
    writer.write_eof()
    return await reader.read() == f"{n} {sha(n)}\n".encode()


async def echo(n):
    reader, writer = await adial("127.0.0.1", PEER, b"echo\n")
    data = b"".join(pattern(n))
    writer.write(data)
    writer.write_eof()
    return await reader.read() == data


async def main():
    jobs = [(kind, sizes.randrange(1, 400000))
            for kind in (source, sink, echo) for _ in range(167)]
    sizes.shuffle(jobs)
    results = await gather(
        asyncio.wait_for(kind(n), 90) for kind, n in jobs)
    for (kind, n), result in zip(jobs, results):
        if result is not True:
            check(False, f"{kind.__name__} of {n} bytes: {result!r}")
    check(True, f"{len(jobs)} transfers")


asyncio.run(main())
finish()
EOF
