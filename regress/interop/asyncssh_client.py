# SPDX-License-Identifier: ISC
"""AsyncSSH as a client of the far end.

    asyncssh_client.py login|session|stranger port user folder web-port

The folder has the files id and known_hosts.  login: logs in and loads a page;
session: all else that a client may do, with keys that change all the time;
stranger: the host is not the one that known_hosts has.
"""
import asyncio
import hashlib
import logging
import sys

import asyncssh

import socks

MODE, PORT, USER, FOLDER, WEB = sys.argv[1:]
CHANNELS = 30
BULK = 24 << 20
PATTERN = b"".join(socks.pattern(BULK))


class Rekeys(logging.Handler):
    """Counts the key exchanges that a session has begun."""
    seen = 0

    def emit(self, record):
        self.seen += "Requesting key exchange" in record.getMessage()


def hold_back():
    """Nothing but the exchange is sent while keys are exchanged, RFC 4253
    section 7.1: some versions, Debian 12's among them, send on."""
    cls = asyncssh.connection.SSHConnection
    send = cls.send_packet

    def send_packet(self, kind, *args, **options):
        if kind >= asyncssh.constants.MSG_CHANNEL_OPEN:
            # Begins an exchange if one is due.
            send(self, asyncssh.constants.MSG_IGNORE, bytes(4))
            if not self._kex_complete:
                self._deferred_packets.append((kind, args))
                return
        send(self, kind, *args, **options)

    cls.send_packet = send_packet


def connect(**options):
    return asyncssh.connect(
        "127.0.0.1", int(PORT), username=USER, agent_path=None, config=None,
        client_keys=[FOLDER + "/id"], known_hosts=FOLDER + "/known_hosts",
        **options)


async def get(conn, host):
    reader, writer = await conn.open_connection(host, int(WEB))
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    page = await reader.read()
    writer.close()
    assert page.endswith(b"\r\n\r\nhello\n"), page


async def peer(conn, order):
    reader, writer = await conn.open_connection("127.0.0.1", socks.PEER)
    writer.write(order.encode() + b"\n")
    return reader, writer


async def refused(conn):
    try:
        await conn.open_connection("127.0.0.1", 1)
    except asyncssh.ChannelOpenError:
        return
    raise AssertionError("a refused port was opened")


async def many(conn):
    """Channels at once, each with its own words, used in turn."""
    chans = [await peer(conn, "echo") for _ in range(CHANNELS)]
    for turn in range(3):
        for n, (_, writer) in enumerate(chans):
            writer.write(b"%9d" % (turn * 1000 + n))
        for n, (reader, _) in reversed(list(enumerate(chans))):
            got = await reader.readexactly(9)
            assert int(got) == turn * 1000 + n, (n, got)
    for reader, writer in chans:
        writer.write_eof()
        assert await reader.read() == b"", "an end of each half"


async def up(conn):
    reader, writer = await peer(conn, "sink")
    for at in range(0, BULK, 1 << 16):
        writer.write(PATTERN[at:at + (1 << 16)])
        await writer.drain()
    writer.write_eof()
    want = b"%d %s\n" % (BULK, hashlib.sha256(PATTERN).hexdigest().encode())
    assert await reader.read() == want, "up"


async def down(conn):
    reader, _ = await peer(conn, f"source {BULK}")
    assert await reader.read() == PATTERN, "down"


async def login():
    async with connect() as conn:
        await get(conn, "localhost")
        await refused(conn)
        await get(conn, "127.0.0.1")


async def session():
    hold_back()
    rekeys = Rekeys()
    logging.getLogger("asyncssh").addHandler(rekeys)
    asyncssh.set_log_level("DEBUG")
    async with connect(rekey_bytes=1 << 20) as conn:
        await many(conn)
        await asyncio.gather(up(conn), down(conn), up(conn), down(conn))
        await refused(conn)
        await many(conn)
        await get(conn, "localhost")
    print("key exchanges:", rekeys.seen)
    assert rekeys.seen > 20, rekeys.seen


async def stranger():
    try:
        async with connect():
            raise AssertionError("another host key was taken")
    except asyncssh.HostKeyNotVerifiable:
        pass


asyncio.run({"login": login, "session": session, "stranger": stranger}[MODE]())
