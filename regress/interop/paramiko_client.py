# SPDX-License-Identifier: ISC
"""Paramiko as a client of the far end.

    paramiko_client.py login|session|stranger port user folder web-port

The folder has the files id and known_hosts.  login: logs in and loads a page;
session: all else that a client may do, with keys that change all the time;
stranger: the host is not the one that known_hosts has.
"""
import concurrent.futures
import sys
import time

import paramiko

import socks

MODE, PORT, USER, FOLDER, WEB = sys.argv[1:]
TIMEOUT = 60
CHANNELS = 30
BULK = 12 << 20
PATTERN = b"".join(socks.pattern(BULK))


def connect():
    client = paramiko.SSHClient()
    client.load_host_keys(FOLDER + "/known_hosts")
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect("127.0.0.1", int(PORT), USER, key_filename=FOLDER + "/id",
                   allow_agent=False, look_for_keys=False, timeout=TIMEOUT)
    return client


def channel(transport, host, port):
    chan = transport.open_channel("direct-tcpip", (host, port),
                                  ("127.0.0.1", 0), timeout=TIMEOUT)
    chan.settimeout(TIMEOUT)
    return chan


def read_all(chan):
    return b"".join(iter(lambda: chan.recv(1 << 16), b""))


def get(transport, host):
    chan = channel(transport, host, int(WEB))
    chan.sendall(b"GET / HTTP/1.0\r\n\r\n")
    page = read_all(chan)
    assert page.endswith(b"\r\n\r\nhello\n"), page
    chan.close()


def peer(transport, order):
    chan = channel(transport, "127.0.0.1", socks.PEER)
    chan.sendall(order.encode() + b"\n")
    return chan


def refused(transport):
    try:
        channel(transport, "127.0.0.1", 1)
    except paramiko.ChannelException:
        return
    raise AssertionError("a refused port was opened")


def many(transport):
    """Channels at once, each with its own words, used in turn."""
    chans = [peer(transport, "echo") for _ in range(CHANNELS)]
    for turn in range(3):
        for n, chan in enumerate(chans):
            chan.sendall(b"%9d" % (turn * 1000 + n))
        for n, chan in reversed(list(enumerate(chans))):
            got = chan.makefile("rb").read(9)
            assert int(got) == turn * 1000 + n, (n, got)
    for chan in chans:
        chan.shutdown_write()
        assert read_all(chan) == b"", "an end of each half"
        chan.close()


def echoed(chan):
    """Sends and reads at the same time."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        sent = pool.submit(chan.sendall, PATTERN)
        got = bytearray()
        while len(got) < BULK:
            part = chan.recv(1 << 16)
            assert part, "the end of the channel"
            got += part
        sent.result()
    assert got == PATTERN, "what comes back"


def bulk(transport, during=None):
    """Both ways at once.  No channel ends while keys are exchanged: this
    library would wait for ever if one did."""
    chans = [peer(transport, "echo") for _ in range(2)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = [pool.submit(echoed, chan) for chan in chans]
        while during and not all(future.done() for future in running):
            during()
        for future in running:
            future.result()
    for chan in chans:
        chan.shutdown_write()
        assert read_all(chan) == b"", "the end of both halves"
        chan.close()


def login():
    with connect() as client:
        transport = client.get_transport()
        get(transport, "localhost")
        refused(transport)
        get(transport, "127.0.0.1")


def session():
    exchanges = 0

    def counted():
        nonlocal exchanges
        exchanges += 1
        begin()

    def exchange():
        transport.renegotiate_keys()
        time.sleep(0.02)

    with connect() as client:
        transport = client.get_transport()
        begin, transport._send_kex_init = transport._send_kex_init, counted
        many(transport)
        bulk(transport, exchange)
        print("key exchanges asked for:", exchanges)
        assert exchanges > 5, exchanges
        refused(transport)
        # By itself, after so much in one of the directions.
        exchanges = 0
        transport.packetizer.REKEY_BYTES = 1 << 20
        bulk(transport)
        print("key exchanges that were due:", exchanges)
        assert exchanges > 10, exchanges
        many(transport)
        get(transport, "localhost")


def stranger():
    try:
        connect()
    except paramiko.BadHostKeyException:
        return
    raise AssertionError("another host key was taken")


{"login": login, "session": session, "stranger": stranger}[MODE]()
