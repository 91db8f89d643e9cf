#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The peer of the demo's guest: opens the traffic, and judges what of it lives after a move.

    traffic.py TAG GUEST_DIR OUT_DIR

TAG names the run. Everything is opened and exercised; then OUT_DIR/TAG.status says "ready".
SIGUSR1 says that the guest runs at its new place. From then on every connection has QUIET
seconds to exchange fresh data; afterwards OUT_DIR/TAG.table and OUT_DIR/TAG.result are written.

A connection lives if everything that it was given arrived, once and in order, and if data
that was sent only after the move came through too. Nothing is ever reopened.
"""
import asyncio
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import traceback

GUEST = {4: "10.9.0.2", 6: "fd09::2"}
ANY = {4: "0.0.0.0", 6: "::"}
FAMILIES = (4, 6)
ECHO_PORT, CLOSED_PORT, CALL_PORT = 7000, 9999, 7100
BUSY, IDLE = 6, 4       # connections with numbered lines, each family and direction
SSH = 1                 # sessions, each family
PAUSE = 0.25            # between two lines or datagrams
PACE = 160_000          # bytes a second of a download, until the guest has moved
CHUNK = 16384
QUIET = 20              # after the move, this long without fresh data means dead
LIMIT = 90              # after the move, for a download to complete
OPENING = 90            # for everything to be open
FRESH = 3               # answers that make a connection live


class Item:
    """One line of traffic, whatever carries it."""
    counted = True      # a TCP connection, one of the B in "A of B"
    note = ""

    def __init__(self, run, kind, family, direction):
        self.run, self.kind, self.family, self.direction = run, kind, family, direction
        self.failed = ""
        self.last = time.monotonic()
        self.silence = 0.0
        self.got = self.expected = 0
        run.items.append(self)

    def heard(self):
        now = time.monotonic()
        if self.run.moving:
            self.silence = max(self.silence, now - self.last)
        self.last = now

    def fail(self, why):
        self.failed = self.failed or why

    def start_of_move(self):
        pass

    def moved(self):
        pass

    def opened(self):
        return self.got >= FRESH

    def alive(self):
        return not self.failed and self.got >= self.expected

    def settled(self):
        """True when more waiting cannot change the answer."""
        since = max(self.last, self.run.moved_at)
        return bool(self.failed) or self.alive() or time.monotonic() - since > QUIET

    def why(self):
        return self.failed or f"silent for {QUIET} s"


class Lines(Item):
    """Numbered lines, each of which must come back once and in order."""

    def __init__(self, run, kind, family, direction, idle=False):
        super().__init__(run, kind, family, direction)
        self.idle, self.sent, self.resting = idle, 0, False

    def start_of_move(self):
        self.resting = self.idle

    def moved(self):
        self.resting = False
        self.expected = self.sent + FRESH

    async def talk(self, reader, writer):
        sender = asyncio.create_task(self.send(writer))
        try:
            while line := await reader.readline():
                self.got += 1
                self.heard()
                if line != b"%d\n" % self.got:
                    self.fail(f"line {self.got} came back as {line[:20]!r}")
                    break
            else:
                self.fail("closed by the other end")
        except OSError as error:
            self.fail(error.strerror or "error")
        sender.cancel()

    async def send(self, writer):
        try:
            while True:
                if not self.resting:
                    self.sent += 1
                    writer.write(b"%d\n" % self.sent)
                    await writer.drain()
                await asyncio.sleep(PAUSE)
        except OSError as error:
            self.fail(error.strerror or "error")

    async def connect(self):
        try:
            reader, writer = await asyncio.open_connection(GUEST[self.family], ECHO_PORT)
            await self.talk(reader, writer)
        except OSError as error:
            self.fail(error.strerror or "error")

    async def login(self):
        process = await asyncio.create_subprocess_exec(
            *self.run.ssh(self.family), "while read -r n; do echo $n; done",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        self.run.processes.append(process)
        await self.talk(process.stdout, process.stdin)


class Download(Item):
    """Tens of MB at a slow pace until the guest has moved, and then as fast as it goes."""
    note = "sha256 is the same"
    before = 0

    def opened(self):
        return self.got > 10 * CHUNK

    def moved(self):
        self.before = self.got
        self.expected = self.run.size
        if self.got >= self.run.size:
            self.fail("was over before the move")

    async def pace(self):
        if not self.run.moved_at:
            await asyncio.sleep(CHUNK / PACE)

    def settled(self):
        return super().settled() or time.monotonic() - self.run.moved_at > LIMIT

    def why(self):
        return self.failed or f"stopped at {self.got / 1e6:.1f} MB, silent for {QUIET} s"


class FromGuest(Download):
    """A real curl; its output is read slowly, so that TCP slows the guest down."""

    async def fetch(self):
        host = GUEST[4] if self.family == 4 else f"[{GUEST[6]}]"
        process = await asyncio.create_subprocess_exec(
            "curl", "-sSN", f"http://{host}/data", stdout=asyncio.subprocess.PIPE, limit=CHUNK)
        self.run.processes.append(process)
        digest = hashlib.sha256()
        while data := await process.stdout.read(CHUNK):
            self.got += len(data)
            digest.update(data)
            self.heard()
            await self.pace()
        if await process.wait():
            self.fail(f"curl failed at {self.got / 1e6:.1f} MB")
        elif digest.hexdigest() != self.run.digest_in:
            self.fail("sha256 differs")


class ToGuest(Download):
    """The guest's wget; it reports the checksum of what it got over a fresh connection."""

    def __init__(self, run, *args):
        super().__init__(run, *args)
        self.reported = False

    def alive(self):
        return super().alive() and self.reported

    async def send(self, writer):
        writer.transport.set_write_buffer_limits(CHUNK)
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % self.run.size)
        for start in range(0, self.run.size, CHUNK):
            data = self.run.data_out[start:start + CHUNK]
            writer.write(data)
            await writer.drain()
            self.got += len(data)
            self.heard()
            await self.pace()

    def report(self, digest):
        self.reported = True
        self.heard()
        if digest != self.run.digest_out:
            self.fail("sha256 differs")


class Datagrams(Item):
    """What has no connection: some may get lost, but answers must come again after the move."""
    counted = False

    def __init__(self, run, kind, family, direction):
        super().__init__(run, kind, family, direction)
        self.sent = self.answers = 0

    def hear(self, number):
        if number > self.got:
            self.got = number
            self.heard()
        self.answers += 1

    def moved(self):
        self.expected = max(self.sent, self.got) + FRESH


class AskGuest(Datagrams, asyncio.DatagramProtocol):
    """Numbered datagrams to the guest's echo."""

    def datagram_received(self, data, addr):
        self.hear(int(data))

    def error_received(self, exc):
        pass

    async def ask(self):
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: self, remote_addr=(GUEST[self.family], 7))
        while True:
            self.sent += 1
            transport.sendto(b"%d" % self.sent)
            await asyncio.sleep(PAUSE)


class GuestAsks(asyncio.DatagramProtocol):
    """The server on UDP port 53, for one family (see "datagrams" in guest-talk.c)."""

    def __init__(self, run, family):
        self.run, self.family, self.stream_to = run, family, None
        self.asked = Datagrams(run, "UDP, request and answer", family, "out")
        self.pushed = Datagrams(run, "UDP, only the peer sends", family, "out")

    def connection_made(self, transport):
        self.transport = transport

    def error_received(self, exc):
        pass

    def datagram_received(self, data, addr):
        words = data.decode().split()
        if words[0] != self.run.tag:
            return
        if words[1] == "push":
            self.stream_to = addr
            return
        number, answered, pushed = map(int, words[2:])
        self.transport.sendto(b"%d" % number, addr)
        # what the guest has heard: only that proves the way in
        self.asked.sent = number
        if answered > self.asked.got:
            self.asked.hear(answered)
        if pushed > self.pushed.got:
            self.pushed.hear(pushed)

    def socket(self):
        if self.family == 4:
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        else:
            server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        server.bind((ANY[self.family], 53))
        return server

    async def serve(self):
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, sock=self.socket())
        while True:
            if self.stream_to:
                self.pushed.sent += 1
                self.transport.sendto(b"%d" % self.pushed.sent, self.stream_to)
            await asyncio.sleep(PAUSE)


class Ping(Datagrams):
    """A real ping."""

    async def ping(self):
        process = await asyncio.create_subprocess_exec(
            "ping", "-n", "-i", "0.2", GUEST[self.family], stdout=asyncio.subprocess.PIPE)
        self.run.processes.append(process)
        while line := await process.stdout.readline():
            if match := re.search(rb"bytes from .*icmp_seq=(\d+)", line):
                self.hear(int(match[1]))

    def moved(self):
        # ping does not tell what it has sent; what comes after a while was sent after the move
        self.expected = self.got + FRESH + int((time.monotonic() - self.last) / 0.2)


class Run:
    def __init__(self, tag, guest_dir, out_dir):
        self.tag, self.guest_dir, self.out = tag, guest_dir, f"{out_dir}/{tag}"
        self.items, self.processes, self.tasks = [], [], []
        self.moving, self.moved_at = False, 0.0
        self.calls, self.to_guest = {}, {}
        self.leaked = False
        self.digest_in = self.read("download-sha256")
        self.size = 0

    def read(self, name):
        with open(f"{self.guest_dir}/{name}", encoding="ascii") as file:
            return file.read().strip()

    def ssh(self, family):
        return ["ssh", "-i", f"{self.guest_dir}/id", "-o", "BatchMode=yes", "-o", "IPQoS=none",
                "-o", f"UserKnownHostsFile={self.guest_dir}/known_hosts", "-o", "LogLevel=ERROR",
                "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=60",
                f"root@{GUEST[family]}"]

    def write(self, name, text):
        """Whole or not at all: it is read from outside at any time."""
        with open(f"{self.out}.{name}.new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(f"{self.out}.{name}.new", f"{self.out}.{name}")

    def spawn(self, coroutine):
        task = asyncio.create_task(coroutine)
        task.add_done_callback(self.ended)
        self.tasks.append(task)

    def ended(self, task):
        """A mistake in here must not look like a connection that died."""
        if not task.cancelled() and task.exception():
            self.write("error", "".join(traceback.format_exception(task.exception())))

    # what the guest opens

    async def called(self, reader, writer):
        """A connection of "guest-talk call"; its first line says which."""
        tag, family, index = (await reader.readline()).decode().split()
        if tag == self.tag:
            await self.calls[int(family[3:]), int(index)].talk(reader, writer)

    async def requested(self, reader, writer):
        """An HTTP request of the guest's wget: /TAG/data/FAMILY or /TAG/report/FAMILY/SHA256."""
        words = (await reader.readline()).decode().split()[1].split("/")[1:]
        while (await reader.readline()).strip():
            pass
        item = self.to_guest[int(words[2])]
        try:
            if words[:2] == [self.tag, "data"]:
                await item.send(writer)
            elif words[:2] == [self.tag, "report"]:
                item.report(words[3])
                writer.write(b"HTTP/1.0 204 No Content\r\n\r\n")
            await writer.drain()
            writer.close()
        except OSError as error:
            item.fail(error.strerror or "error")

    async def not_named(self, _reader, writer):
        """The policy does not name this port: nobody must get here."""
        self.leaked = True
        writer.close()

    async def start_guest(self):
        """Have the guest open its side, and not wait for it."""
        commands = [
            "[ ! -e /tmp/pid ] || kill $(cat /tmp/pid)",
            f"guest-talk call {self.tag} 10.9.0.1 fd09::1 {CALL_PORT} {BUSY + IDLE} &",
            f"guest-talk datagrams {self.tag} 10.9.0.1 fd09::1 & echo $! > /tmp/pid",
            f"nc -w 3 10.9.0.1 {CLOSED_PORT} < /dev/null &",
        ]
        for family, host in (4, "10.9.0.1"), (6, "[fd09::1]"):
            url = f"http://{host}/{self.tag}"
            commands.append(
                f"{{ sum=$(wget -q -O - {url}/data/{family} | sha256sum | cut -d' ' -f1);"
                f" wget -q -O - {url}/report/{family}/$sum; }} &")
        process = await asyncio.create_subprocess_exec(
            *self.ssh(4), "exec > /tmp/log 2>&1 < /dev/null; trap '' HUP\n" + "\n".join(commands))
        if await process.wait():
            self.write("error", "the guest could not be told to open its connections\n")

    async def serve(self):
        for port, handler in ((80, self.requested), (CALL_PORT, self.called),
                              (CLOSED_PORT, self.not_named)):
            for family in FAMILIES:
                kind = socket.AF_INET if family == 4 else socket.AF_INET6
                await asyncio.start_server(handler, ANY[family], port, family=kind)

    # the run

    def make_data(self):
        program = f"{self.guest_dir}/guest-talk"
        self.size = int(self.read("download-size"))
        self.data_out = subprocess.run([program, "data", str(self.size), "3"],
                                       check=True, stdout=subprocess.PIPE).stdout
        self.digest_out = hashlib.sha256(self.data_out).hexdigest()

    async def open_all(self):
        await self.serve()
        for family in FAMILIES:
            self.to_guest[family] = ToGuest(self, "download (wget)", family, "out")
            self.spawn(GuestAsks(self, family).serve())
            for index in range(BUSY + IDLE):
                idle = index >= BUSY
                kind = "lines, idle in the move" if idle else "lines, all the time"
                self.calls[family, index] = Lines(self, kind, family, "out", idle)
                self.spawn(Lines(self, kind, family, "in", idle).connect())
            for _ in range(SSH):
                self.spawn(Lines(self, "ssh session", family, "in").login())
            self.spawn(FromGuest(self, "download (curl)", family, "in").fetch())
            self.spawn(AskGuest(self, "UDP, request and answer", family, "in").ask())
            self.spawn(Ping(self, "ping", family, "in").ping())
        self.spawn(self.start_guest())

    async def until(self, done, seconds):
        end = time.monotonic() + seconds
        while not done() and time.monotonic() < end:
            self.say()
            await asyncio.sleep(PAUSE)
        return done()

    def say(self, ready=""):
        opened = sum(item.opened() for item in self.items)
        text = f"{opened} of {len(self.items)} open"
        if self.moved_at:
            alive = sum(item.alive() for item in self.items)
            text = f"{alive} of {len(self.items)} with fresh data"
        megabytes = sum(item.got for item in self.items if isinstance(item, Download)) / 1e6
        self.write("status", f"{ready}{text}, downloads at {megabytes:.1f} MB\n")

    async def fresh(self, family, port):
        """Does a connection that is opened now carry a line there and back?"""
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(GUEST[family], port), 5)
            writer.write(b"fresh\n")
            answer = await asyncio.wait_for(reader.readline(), 5)
            writer.close()
            return answer == b"fresh\n"
        except (OSError, asyncio.TimeoutError):
            return False

    async def judge(self):
        """All of it, from before the traffic to the verdict."""
        moving, moved = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR2, moving.set)
        loop.add_signal_handler(signal.SIGUSR1, moved.set)
        self.make_data()
        await self.open_all()
        if not await self.until(lambda: all(item.opened() for item in self.items), OPENING):
            missing = [f"{item.kind} IPv{item.family} {item.direction} {item.failed}\n"
                       for item in self.items if not item.opened()]
            self.write("error", "not opened:\n" + "".join(missing))
            return
        closed = not await self.fresh(4, CLOSED_PORT)
        while not moving.is_set():
            self.say("ready: ")
            await asyncio.sleep(PAUSE)
        self.moving = True
        for item in self.items:
            item.start_of_move()
        while not moved.is_set():
            self.say("moving: ")
            await asyncio.sleep(PAUSE)
        self.moved_at = time.monotonic()
        for item in self.items:
            item.moved()
        await self.until(lambda: all(item.settled() for item in self.items), LIMIT + QUIET)
        # the time since the last sign of life counts as silence too
        for item in self.items:
            if not item.alive():
                item.heard()
        checks = [
            ("a new connection to a port that the policy names works, IPv4",
             await self.fresh(4, ECHO_PORT)),
            ("a new connection to a port that the policy names works, IPv6",
             await self.fresh(6, ECHO_PORT)),
            ("a port that the policy does not name is closed, from outside",
             closed and not await self.fresh(4, CLOSED_PORT)),
            ("a port that the policy does not name is closed, from the guest", not self.leaked),
        ]
        self.write("table", self.table(checks))
        numbers = []
        for counted in True, False:
            alive = [item.alive() for item in self.items if item.counted is counted]
            numbers += sum(alive), len(alive)
        numbers += sum(ok for _, ok in checks), len(checks)
        self.write("result", " ".join(map(str, numbers)) + "\n")

    def table(self, checks):
        rows, groups = [], {}
        for item in self.items:
            key = (not item.counted, item.kind, item.family, item.direction)
            groups.setdefault(key, []).append(item)
        form = "  {:<26}{:<8}{:<11}{:>6}{:>12}   {}"
        head = form.format("", "family", "direction", "opened", "alive after", "")
        last = None
        for (datagram, *_), items in sorted(groups.items()):
            if datagram is not last:
                title = "UDP and ping" if datagram else "TCP"
                rows += ["", head.replace(" " * 26, f"{title:<26}", 1)]
                last = datagram
            one = items[0]
            alive = [item for item in items if item.alive()]
            silence = max(item.silence for item in items)
            note = f"longest silence {silence:.1f} s"
            if alive and one.note:
                note = (f"{self.size / 1e6:.0f} MB, {one.before / 1e6:.1f} before the move; "
                        f"{one.note}")
            if len(alive) < len(items):
                note = ", ".join(sorted({item.why() for item in items if not item.alive()}))
            rows.append(form.format(one.kind, f"IPv{one.family}", one.direction,
                                    len(items), len(alive), note))
        rows.append("")
        rows += [f"  {'yes' if ok else 'NO ':<4}{text}" for text, ok in checks]
        return "\n".join(rows) + "\n"


async def main():
    run = Run(*sys.argv[1:4])
    with open(f"/run/traffic-{run.tag}.pid", "w", encoding="ascii") as file:
        file.write(str(os.getpid()))
    try:
        await run.judge()
    except Exception:
        run.write("error", traceback.format_exc())
        raise
    finally:
        for process in run.processes:
            if process.returncode is None:
                process.kill()
        for task in run.tasks:
            task.cancel()


asyncio.run(main())
