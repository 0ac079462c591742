# SPDX-License-Identifier: ISC
"""A TCP server that does what the first line sent to it says.

	peer.py [address ...]

Prints its port.  The orders:
	echo		sends back what comes, until the end
	source N	sends N bytes (socks.pattern) and ends
	sink		reads to the end, answers "bytes sha256" and ends
	first		sends "bye" and ends its half, then reads to the end
	watch		reads to the end and says how that came
	reset		ends with RST at once
	hold		neither reads nor writes until the end of the test
What "first" and "watch" saw is a line of its output:
"watch: N bytes, eof" or "watch: N bytes, reset".
"""
import asyncio
import hashlib
import socket
import struct
import sys

import socks

CHUNK = 1 << 18


async def read_all(reader):
    digest, total, how = hashlib.sha256(), 0, "eof"
    try:
        while data := await reader.read(CHUNK):
            digest.update(data)
            total += len(data)
    except ConnectionResetError:
        how = "reset"
    return total, digest.hexdigest(), how


async def do_echo(reader, writer, _):
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()


async def do_source(_, writer, args):
    for block in socks.pattern(int(args[0])):
        writer.write(block)
        await writer.drain()


async def do_sink(reader, writer, _):
    total, digest, _ = await read_all(reader)
    writer.write(f"{total} {digest}\n".encode())


async def do_first(reader, writer, args):
    writer.write(b"bye\n")
    writer.write_eof()
    await do_watch(reader, writer, args, "first")


async def do_watch(reader, writer, args, name="watch"):
    total, _, how = await read_all(reader)
    print(f"{name}: {total} bytes, {how}", *args)


async def do_reset(_, writer, __):
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    writer.transport.abort()


async def do_hold(_, writer, __):
    writer.transport.pause_reading()
    await asyncio.sleep(3600)


async def serve(reader, writer):
    try:
        order, *args = (await reader.readline()).decode().split() or ["none"]
        if order in ORDERS:
            await ORDERS[order](reader, writer, args)
        await writer.drain()
    except (ConnectionError, ValueError):
        pass
    finally:
        writer.close()


ORDERS = {name[3:]: f for name, f in list(globals().items())
          if name.startswith("do_")}


async def main(hosts):
    server = await asyncio.start_server(serve, hosts[0], 0, backlog=4096,
                                        limit=CHUNK)
    port = server.sockets[0].getsockname()[1]
    for host in hosts[1:]:
        await asyncio.start_server(serve, host, port, backlog=4096,
                                   limit=CHUNK)
    print(port)
    await asyncio.sleep(3600)


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1:] or ["127.0.0.1", "::1"]))
    except KeyboardInterrupt:
        pass
