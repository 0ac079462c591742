# SPDX-License-Identifier: ISC
"""Many flows of every kind at once, each byte and each end checked.

	chaos.py [-b bytes] [-f] [-j jobs] [-n flows] [-s seed] [-t seconds] [-x]

Both ends of every flow are here: a client through the proxy, and the target it
asks for.  Each draws the flow's plan from the seed in the first line, so both
know what is to come: how much is sent each way, in what pieces, how slowly it
is read, and which side ends it in which way.
	-b	most bytes of a direction
	-f	success is told early (FastOpen): a refusal is a reset
	-n, -t	how many flows are begun, and for how long at most
	-x	the far end turns a reset into a proper end (a stock server)
"""
import argparse
import asyncio
import collections
import errno
import random
import socket
import struct
import time

import socks

BLOCK = random.Random(11).randbytes(1048573)
DOUBLE = BLOCK + BLOCK
CHUNK = 1 << 18
LINGER = struct.pack("ii", 1, 0)
PATIENCE = 60
KINDS = ["proper"] * 8 + ["client reset"] * 3 + ["target reset"] * 3 + \
    ["hasty"] * 2 + ["rude"] + ["refused"]


class Wrong(Exception):
    pass


class Side:
    """What one end sends, and how it goes about it."""

    def __init__(self, rnd, most):
        self.key = rnd.randrange(len(BLOCK))
        self.size = rnd.choice([
            0, 1, rnd.randrange(2, 300), rnd.randrange(1, 40000),
            rnd.randrange(1, 600000 if most > 600000 else most),
            rnd.randrange(1, most)])
        self.piece = rnd.choice([1000, 32758, 65536, CHUNK])
        self.pauses = rnd.choice([0, 0, 0, 5, 20])
        self.stall = rnd.choice([0, 0, 0, rnd.uniform(0, 1.5)])
        self.sips = rnd.choice([0, 0, 0, 40])
        self.rcvbuf = rnd.choice([0, 0, 40000, 100000])
        self.before = rnd.choice([0, 0, rnd.uniform(0, 0.3)])

    def data(self, off, n):
        start = (self.key + off) % len(BLOCK)
        return DOUBLE[start:start + n]


class Plan:
    """A flow: all of it follows from the seed."""

    def __init__(self, seed, most):
        rnd = random.Random(seed)
        self.seed = seed
        self.kind = rnd.choice(KINDS)
        self.client = Side(rnd, most)
        self.target = Side(rnd, most)
        self.early = rnd.randrange(0, 3000)
        self.after = rnd.choice([0, 0, rnd.uniform(0, 0.5)])


class Talk:
    """One end of a flow while it lasts."""

    def __init__(self, sock, mine, other):
        self.sock, self.mine, self.other = sock, mine, other
        self.loop = asyncio.get_running_loop()
        self.sent = self.got = 0
        self.end = None
        sock.setblocking(False)

    async def send(self, shut):
        m = self.mine
        await asyncio.sleep(m.before)
        while self.sent < m.size:
            n = min(m.piece, m.size - self.sent, CHUNK)
            await self.loop.sock_sendall(self.sock, m.data(self.sent, n))
            self.sent += n
            if m.pauses:
                m.pauses -= 1
                await asyncio.sleep(0.01)
        if shut:
            self.sock.shutdown(socket.SHUT_WR)

    async def receive(self):
        await asyncio.sleep(self.mine.stall)
        sips = self.mine.sips
        while True:
            piece = await self.loop.sock_recv(
                self.sock, 3000 if sips else CHUNK)
            if not piece:
                break
            if piece != self.other.data(self.got, len(piece)):
                raise Wrong(f"other bytes than were sent, after {self.got}")
            self.got += len(piece)
            if self.got > self.other.size:
                raise Wrong("more bytes than were sent")
            if sips:
                sips -= 1
                await asyncio.sleep(0.01)
        self.end = self.end or "eof"

    async def guard(self, part):
        """One half; the first to meet a reset says so for both."""
        try:
            await part
        except OSError as e:
            if e.errno not in (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN):
                raise
            self.end = self.end or "reset"

    async def run(self, shut=True):
        """Sends and receives until both are done."""
        await asyncio.gather(self.guard(self.send(shut)),
                             self.guard(self.receive()))
        return self.end

    async def reset(self, after):
        """Sends, perhaps receives, and ends with a reset meanwhile."""
        run = asyncio.ensure_future(self.run(shut=False))
        await asyncio.wait([run], timeout=after)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)


class Chaos:
    def __init__(self, args):
        self.args = args
        self.loop = asyncio.get_running_loop()
        self.targets = {}
        self.where = {}
        self.counts = collections.Counter()
        self.bytes = 0
        self.failed = 0

    def must_end(self, plan, talk, want):
        self.bytes += talk.got
        if talk.end == want:
            if want == "eof" and talk.got != talk.other.size:
                raise Wrong(f"ended after {talk.got} of {talk.other.size}")
        elif not (want == "reset" and self.args.x):
            raise Wrong(f"{talk.end} for {want}")

    async def target(self, sock):
        line = b""
        sock.setblocking(False)
        while not line.endswith(b"\n"):
            more = await self.loop.sock_recv(sock, 1)
            if not more:
                return
            line += more
        plan = Plan(int(line), self.args.b)
        done = self.targets.get(plan.seed)
        talk = Talk(sock, plan.target, plan.client)
        self.where[plan.seed, "target"] = talk
        if plan.target.rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                            plan.target.rcvbuf)
        try:
            if plan.kind == "rude":
                return
            if plan.kind == "target reset":
                await talk.reset(plan.after)
            else:
                await talk.run(shut=plan.kind != "client reset")
            if plan.kind == "proper":
                self.must_end(plan, talk, "eof")
            elif plan.kind == "client reset":
                self.must_end(plan, talk, "reset")
            done.set_result(None)
        except Exception as e:
            if not done.done():
                done.set_exception(Wrong(f"target: {e!r}"))

    async def serve(self, listener):
        while True:
            sock, _ = await self.loop.sock_accept(listener)
            task = self.loop.create_task(self.target(sock))
            task.add_done_callback(lambda t, s=sock: (s.close(), t.cancelled()
                                                      or t.exception()))

    async def open(self, plan, sock, port):
        """The request, the target's order and early data, and the reply."""
        sock.setblocking(False)
        if plan.client.rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                            plan.client.rcvbuf)
        await self.loop.sock_connect(sock, socks.proxy()[1])
        talk = Talk(sock, plan.client, plan.target)
        talk.sent = min(plan.early, plan.client.size)
        await self.loop.sock_sendall(
            sock, socks.GREETING + socks.request5("127.0.0.1", port) +
            b"%d\n" % plan.seed + plan.client.data(0, talk.sent))
        if plan.kind == "hasty":
            return talk
        reply = b""
        while len(reply) < 6 or len(reply) < {1: 12, 4: 24}[reply[5]]:
            more = await self.loop.sock_recv(sock, 1)
            if not more:
                raise Wrong("no reply")
            reply += more
        if reply[3] != 0:
            raise socks.Refused(reply[3])
        return talk

    async def refused(self, plan, sock):
        try:
            talk = await self.open(plan, sock, self.closed)
            await talk.run()
            if not self.args.f or talk.end != "reset":
                raise Wrong(f"connected to a closed port, {talk.end}")
        except socks.Refused as e:
            if e.code != 5:
                raise Wrong(f"code {e.code} for a closed port") from e
        except ConnectionResetError:
            if not self.args.f:
                raise

    async def client(self, plan, sock):
        if plan.kind == "refused":
            await self.refused(plan, sock)
            return
        done = self.targets[plan.seed] = self.loop.create_future()
        done.add_done_callback(lambda f: f.cancelled() or f.exception())
        talk = await self.open(plan, sock, self.port)
        self.where[plan.seed, "client"] = talk
        if plan.kind == "client reset":
            await talk.reset(plan.after)
        elif plan.kind != "hasty":
            await talk.run(shut=plan.kind != "target reset")
        sock.close()
        if plan.kind in ("proper", "target reset"):
            self.must_end(plan, talk,
                          "eof" if plan.kind == "proper" else "reset")
        if plan.kind in ("proper", "client reset") and \
                (plan.kind, self.args.x) != ("client reset", True):
            await done

    async def flow(self, seed):
        plan = Plan(seed, self.args.b)
        with socket.socket(socks.proxy()[0]) as sock:
            try:
                await asyncio.wait_for(self.client(plan, sock), PATIENCE)
            except (Exception, asyncio.TimeoutError) as e:
                self.failed += 1
                print(f"FAIL: flow {seed} ({plan.kind}): {e!r}", flush=True)
                for side in "client", "target":
                    if talk := self.where.get((seed, side)):
                        print(f"  {side}: sent {talk.sent} of "
                              f"{talk.mine.size}, got {talk.got} of "
                              f"{talk.other.size}, {talk.end}", flush=True)
        self.counts[plan.kind] += 1
        self.targets.pop(seed, None)
        for side in "client", "target":
            self.where.pop((seed, side), None)

    async def worker(self, seeds, until):
        for seed in seeds:
            if time.monotonic() > until or self.failed > 20:
                return
            await self.flow(seed)

    async def main(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            self.closed = closed.getsockname()[1]
            serving = self.loop.create_task(self.serve(listener))
            began = time.monotonic()
            seeds = iter(range(self.args.s, self.args.s + self.args.n))
            await asyncio.gather(*(self.worker(seeds, began + self.args.t)
                                   for _ in range(self.args.j)))
            serving.cancel()
        listener.close()
        print(f"{sum(self.counts.values())} flows in "
              f"{time.monotonic() - began:.1f} s, {self.bytes >> 20} MiB "
              f"checked, {self.failed} wrong: {dict(self.counts)}")
        return 1 if self.failed else 0


async def start(args):
    return await Chaos(args).main()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("-b", type=int, default=3000000)
    parser.add_argument("-f", action="store_true")
    parser.add_argument("-j", type=int, default=100)
    parser.add_argument("-n", type=int, default=400)
    parser.add_argument("-s", type=int, default=1)
    parser.add_argument("-t", type=float, default=1e9)
    parser.add_argument("-x", action="store_true")
    raise SystemExit(asyncio.run(start(parser.parse_args())))
