# SPDX-License-Identifier: GPL-2.0
"""
Floods, and what others notice of them. Run by test_abuse.sh.

A flood comes from a process that sends forged frames as fast as it can. Meanwhile connections that
were there before carry data both ways, new ones are opened by the flooded VM, to it, and to
another VM. What must hold is checked; what depends on how fast things are is printed in a table.
"""

import hashlib
import os
import random
import signal
import socket
import struct
import sys
import threading
import time

import packets as p
from bench import VM, VM_MAC, PEER_MAC, Failure, Namespace, Tap, Tool, difference, expect, load, until

VM_B = '9d3c1c02-77ab-4c8e-8f55-0a4b1e6d2b22'
PEER4, VM4, VMB4 = '10.0.0.1', '10.0.0.2', '10.0.0.3'
ECHO, SERVICE, TARGET = 7000, 80, 81    # ports: what lasts, what is opened anew, what is flooded
FRAMES = 32768                          # forged ones, sent over and over
TRY = 8                                 # seconds that a connection is tried for
OPEN = 'default in drop\ndefault out drop\npass both tcp\npass both udp\n'
# A limit that fills slowly, because the machine is slow, is to be reached all the same: lifetimes
# shrink as it fills, and with those of the default a few hundred packets a second never reach it.
LASTING = 'timeout tcp-syn-sent 20d\ntimeout tcp-syn-recv 20d\ntimeout udp-new 20d\n'
FILL = 300      # seconds that a limit may take to be reached

TABLE = []


class Servers(threading.Thread):
    """Accept and hang up, for whoever is to be reached at a port of an end."""
    def __init__(self, namespace, address, port, backlog=1024):
        super().__init__(daemon=True)
        with Namespace(namespace):
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((address, port))
            self.listener.listen(backlog)
        self.start()

    def run(self):
        while True:
            conn, _ = self.listener.accept()
            conn.close()


class Talk(threading.Thread):
    """A connection that carries data both ways until it is told to stop, and compares it."""
    def __init__(self, number):
        super().__init__(daemon=True)
        with Namespace('vm'):
            listener = socket.create_server((VM4, ECHO + number))
        with Namespace('peer'):
            self.near = socket.create_connection((VM4, ECHO + number), TRY)
        self.far, _ = listener.accept()
        listener.close()
        for sock in self.near, self.far:
            sock.settimeout(60)
        self.moved, self.wrong, self.stopped = 0, '', False
        self.start()

    def run(self):
        try:
            while not self.stopped:
                data = os.urandom(4096)
                for sender, receiver in (self.near, self.far), (self.far, self.near):
                    sender.sendall(data)
                    digest, left = hashlib.sha256(), len(data)
                    while left:
                        got = receiver.recv(left)
                        if not got:
                            raise OSError('closed')
                        digest.update(got)
                        left -= len(got)
                    if digest.digest() != hashlib.sha256(data).digest():
                        raise OSError('other data than was sent')
                    self.moved += len(data)
                time.sleep(0.05)
        except OSError as error:
            self.wrong = str(error)

    def stop(self):
        """End it, if it has not been; returns segments that were sent again."""
        if self.stopped:
            return 0
        self.stopped = True
        self.join(90)
        again = 0
        for sock in self.near, self.far:
            again += struct.unpack_from('I', sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO,
                                                             104), 100)[0]
            sock.close()
        return again


def forged_syn(remote, port, local=VM4, outwards=False):
    """A SYN between the VM and an address that nobody has."""
    if outwards:
        return p.ip(local, remote, p.TCP, p.tcp(port, 443, p.SYN, 1))
    return p.ip(remote, local, p.TCP, p.tcp(port, TARGET, p.SYN, 1))


def forged_udp(remote, port, local=VM4, outwards=False):
    """A datagram of the same kind."""
    if outwards:
        return p.ip(local, remote, p.UDP, p.udp(port, 443, b'x'))
    return p.ip(remote, local, p.UDP, p.udp(port, TARGET, b'x'))


class Flood:
    """with Flood(forge): meanwhile a process sends what forge(remote address, port) makes."""
    def __init__(self, forge, outwards=False, source=None):
        rng = random.Random(4)
        self.frames = []
        self.ends = (VM_MAC, PEER_MAC) if outwards else (PEER_MAC, VM_MAC)
        for _ in range(FRAMES):
            remote = source or f'10.{rng.randrange(64, 128)}.0.{rng.randrange(1, 255)}'
            self.frames.append(p.ether(
                forge(remote, rng.randrange(1024, 65536), outwards=outwards), *self.ends))
        with Namespace('vm' if outwards else 'peer'):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socket.bind(('eth0' if outwards else 'u1', 0x800))
        self.pid, self.sent, self.seconds = 0, 0, 0
        self.reader, self.writer = os.pipe()

    def flood(self):
        """In a process of its own. The flow of a frame is gone, or of no worth, when it comes again."""
        going = True

        def end(*_):
            nonlocal going
            going = False
        signal.signal(signal.SIGTERM, end)
        sent = 0
        while going:
            for frame in self.frames:
                try:
                    self.socket.send(frame)
                except OSError:     # no room in the queue of the netdev
                    continue
                sent += 1
                if not going:
                    break
        os.write(self.writer, struct.pack('Q', sent))
        os._exit(0)

    def __enter__(self):
        self.begun = time.monotonic()
        self.pid = os.fork()
        if not self.pid:
            self.flood()
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGTERM)
        self.sent = struct.unpack('Q', os.read(self.reader, 8))[0]
        os.waitpid(self.pid, 0)
        self.seconds = time.monotonic() - self.begun
        self.socket.close()


def connects(namespace, address, port, count, pause=0):
    """Open connections one after the other, and hang up; how many came to be, and how quickly."""
    good, times = 0, []
    for _ in range(count):
        time.sleep(pause)
        with Namespace(namespace):
            sock = socket.socket()
        sock.settimeout(TRY)
        begin = time.monotonic()
        try:
            sock.connect((address, port))
            sock.recv(1)
            good += 1
            times.append(time.monotonic() - begin)
        except OSError:
            pass
        sock.close()
    times.sort()
    return good, (times[len(times) // 2] if times else 0), (times[-1] if times else 0)


def row(flood, who, good, count, times=None, note=''):
    """A line of the table."""
    if times:
        note = f'median {times[0] * 1e3:.1f} ms, longest {times[1] * 1e3:.0f} ms {note}'
    TABLE.append((flood, who, f'{good} of {count}', note))


class Scene:
    """A flood of the VM web, with what goes on meanwhile."""
    def __init__(self, tool, name, limits, flood):
        self.tool, self.name, self.flood = tool, name, flood
        # A SYN/ACK, or its repetition, of a flow that had to go, in this flood or the one before.
        self.allowed = {('tcp-not-syn', 'out')}
        load(OPEN + LASTING + limits)
        for vm in VM, VM_B:
            tool.flush(vm=vm)
        self.talks = [Talk(i) for i in range(4)]
        self.flows = self.established()
        expect(len(self.flows), 4, 'established flows')

    def established(self):
        """The flows that were there before: by number of port, when they were opened."""
        now = time.monotonic()
        return {flow['local-port']: now - flow['age'] / 1000 for flow in
                self.tool.flows('protocol tcp state tcp-established')
                if ECHO <= flow['local-port'] < ECHO + 4 and flow['remote'] == PEER4}

    def evicted(self):
        """Flows that had to go for others so far."""
        return self.tool.ask(f'stats show {VM}')[0]['flows-evicted']

    def run(self, **how):
        """All at once; what must hold is checked at the end. Nothing of it goes on afterwards."""
        try:
            return self.judge(**how)
        finally:
            for talk in self.talks:
                talk.stop()

    def judge(self, others=400, own=50, inbound=50, fills=True):
        """See run(). fills: the flood reaches a limit."""
        before, before_b = self.tool.drops(), self.tool.drops(VM_B)
        evicted = self.evicted()
        with self.flood:
            if fills:
                until(lambda: self.evicted() > evicted, 'a flood that reaches the limit',
                      FILL, pause=0.5)
            else:
                time.sleep(2)
            full = self.tool.ask(f'vm show {VM}')[0]
            b_good, *b_times = connects('peer', VMB4, SERVICE, others)
            out_good, *out_times = connects('vm', PEER4, SERVICE, own, 0.02)
            in_good, *in_times = connects('peer', VM4, SERVICE, inbound, 0.04) if inbound else (0, 0, 0)
            moved = [talk.moved for talk in self.talks]
            still = self.established()
            time.sleep(0.5)
            grown = [talk.moved - was for talk, was in zip(self.talks, moved)]
        again = sum(talk.stop() for talk in self.talks)
        dropped = difference(before, self.tool.drops())
        rate = self.flood.sent / self.flood.seconds
        TABLE.append((self.name, 'flood', f'{self.flood.sent} packets',
                      f'{rate:.0f} a second; evicted {self.evicted() - evicted}; dropped ' +
                      ', '.join(f'{reason} {way} {n}' for (reason, way), n in dropped.items())))
        TABLE.append((self.name, 'table', f'{full["flows"]} flows',
                      f'half-open in {full["half-open-in"]} out {full["half-open-out"]}'))
        row(self.name, 'other VM, in', b_good, others, b_times)
        row(self.name, 'VM, out', out_good, own, out_times)
        if inbound:
            row(self.name, 'VM, in', in_good, inbound, in_times)
        TABLE.append((self.name, 'established', f'{sum(talk.moved for talk in self.talks) >> 10} KiB',
                      f'segments sent again {again}'))

        for talk in self.talks:
            expect(talk.wrong, '', 'a connection that was there before')
        if not all(grown):
            raise Failure(f'connections that were there before stand still: {grown}')
        expect(sorted(still), sorted(self.flows), 'established flows')
        for port, born in self.flows.items():
            if abs(still[port] - born) > 5:
                raise Failure(f'the flow of port {port} is another one')
        expect(difference(before_b, self.tool.drops(VM_B)), {}, 'drops of the other VM')
        expect(b_good, others, 'connections to the other VM')
        unexpected = set(dropped) - self.allowed
        expect(unexpected, set(), f'drops of the VM, {dropped}')
        return out_good, in_good, dropped


def check_syn_flood(tool, limits, name):
    """SYNs from addresses that nobody has."""
    scene = Scene(tool, name, limits, Flood(forged_syn))
    scene.allowed |= {('half-open-limit', 'in')}
    out_good, _, _ = scene.run()
    expect(out_good, 50, 'connections that the VM opens')


def check_udp_flood(tool):
    """Datagrams from addresses that nobody has fill the table, not only a part of it."""
    scene = Scene(tool, 'UDP, limit flows 4000', 'limit flows 4000', Flood(forged_udp))
    # The limit of flows is one for both directions: the VM's own may have to be tried again.
    scene.allowed |= {('flow-limit', 'in'), ('flow-limit', 'out')}
    scene.run()


def check_one_source(tool):
    """One address that opens flows without end has its share, and no more."""
    scene = Scene(tool, 'one source, limit source-flows 100',
                  'limit source-flows 100', Flood(forged_syn, source='10.0.0.77'))
    scene.allowed |= {('source-limit', 'in')}
    out_good, in_good, dropped = scene.run(fills=False)
    expect((out_good, in_good), (50, 50), 'connections of the VM')
    if not dropped.get(('source-limit', 'in')):
        raise Failure('the source met no limit')
    flows = [flow for flow in tool.flows('protocol tcp') if flow['remote'] == '10.0.0.77']
    if len(flows) > 100:
        raise Failure(f'{len(flows)} flows of a source that may have 100')


def check_guest(tool, forge, limits, name):
    """A guest that opens flows without end spoils it for nobody else."""
    scene = Scene(tool, name, limits, Flood(forge, outwards=True))
    scene.allowed |= {('half-open-limit', 'out'), ('flow-limit', 'out'), ('flow-limit', 'in')}
    scene.run(inbound=0)


def print_table():
    """What was seen, as comments of TAP."""
    widths = [max(len(line[i]) for line in TABLE) for i in range(3)]
    print(f'# {"flood":{widths[0]}}  {"who":{widths[1]}}  {"outcome":{widths[2]}}')
    last = None
    for line in TABLE:
        name = line[0] if line[0] != last else ''
        last = line[0]
        print(f'# {name:{widths[0]}}  {line[1]:{widths[1]}}  {line[2]:{widths[2]}}  {line[3]}')


def main():
    """All cases."""
    tap, tool = Tap(), Tool()
    load(OPEN, VM_B)
    for namespace, address in ('vm', VM4), ('vmb', VMB4), ('peer', PEER4):
        Servers(namespace, address, SERVICE)
    Servers('vm', VM4, TARGET)
    tap.case('a flood of SYNs, limits by default', check_syn_flood, tool, '', 'SYN, default')
    tap.case('a flood of SYNs far past the cap', check_syn_flood, tool, 'limit half-open 500',
             'SYN, limit half-open 500')
    tap.case('a flood of datagrams past the cap', check_udp_flood, tool)
    tap.case('a flood from one source', check_one_source, tool)
    tap.case('a guest that opens connections without end', check_guest, tool, forged_syn,
             'limit half-open 500', 'guest, SYN, limit half-open 500')
    tap.case('a guest that sends datagrams without end', check_guest, tool, forged_udp,
             'limit flows 4000', 'guest, UDP, limit flows 4000')
    print_table()
    sys.stdout.flush()
    tap.end()


main()
