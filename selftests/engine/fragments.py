# SPDX-License-Identifier: GPL-2.0
"""
Fragments that are made packet by packet, and a guest behind a tap. Run by test_fragments.sh.

    fragments.py            all cases
    fragments.py flood MAC  lone fragments to an address of the link, until it is killed
"""

import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import time
from itertools import count, permutations

import packets as p
from bench import (PEER_MAC, VM, VM_MAC, Bench, Failure, Namespace, Tap, Wire, difference, expect,
                   load, until, vfw)

# Addresses that no kernel has, so that nobody answers.
VM4, FAR4, VM6, FAR6 = '10.0.0.22', '10.0.0.11', 'fd00::22', 'fd00::11'
GUEST, GUEST_MAC, GUEST4, GUEST6 = ('9d3c1c02-77ab-4c8e-8f55-0a4b1e6d2b22', '02:00:00:00:00:09',
                                    '10.0.0.9', 'fd00::9')
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454ca, 2, 0x1000
idents = count(1)


class Datagram:
    """A datagram that is sent in pieces."""
    def __init__(self, direction, protocol, data, v6=False):
        vm, far = (VM6, FAR6) if v6 else (VM4, FAR4)
        self.direction, self.protocol, self.ident = direction, protocol, next(idents)
        self.src, self.dst = (vm, far) if direction == 'out' else (far, vm)
        self.data = p.transport_checksum(self.src, self.dst, protocol, data)

    def piece(self, offset, length, more=None):
        """A fragment of it."""
        return p.fragment(self.src, self.dst, self.protocol, self.data, self.ident, offset, length,
                          more)

    def pieces(self, *ends):
        """Fragments that end there, and a last one."""
        starts = (0,) + ends
        return [self.piece(a, b - a) for a, b in zip(starts, ends + (len(self.data),))]


def udp(direction, size, port=53, v6=False):
    """A UDP datagram of the VM's port, its UDP header included in the size."""
    ports = (port, 9) if direction == 'out' else (9, port)
    return Datagram(direction, p.UDP, p.udp(*ports, (bytes(range(256)) * 300)[:size - 8]), v6)


class Traffic:
    """What becomes of packets."""
    def __init__(self, bench):
        self.bench = bench

    def send(self, direction, *sent):
        """Send packets: which of them arrived, by their numbers, and what was dropped and why."""
        sender, receiver = self.bench.ends(direction)
        frames = [sender.frame(packet) for packet in sent]
        receiver.arrived()
        before = self.bench.tool.drops()
        for frame in frames:
            sender.send(frame)
        drops = difference(before, self.bench.tool.drops())
        got = [frames.index(frame) for frame in receiver.arrived() if frame in frames]
        return got, {reason: n for (reason, _), n in drops.items()}

    def expect(self, direction, sent, arrived, drops=None, what=''):
        """Send packets and know what becomes of them."""
        expect(self.send(direction, *sent), (list(arrived), drops or {}), what)


def begin(bench, policy):
    """With a policy, and without flows or anything that waits."""
    load(policy)
    vfw('vm', 'freeze', VM)
    vfw('vm', 'thaw', VM)
    bench.tool.flush()


def everywhere(check):
    """A check for both families and both directions."""
    def all_of_them(bench):
        for v6 in False, True:
            for direction in 'in', 'out':
                begin(bench, 'pass both udp local port 53\npass both tcp local port 80')
                check(Traffic(bench), direction, v6)
    all_of_them.__doc__ = check.__doc__
    return all_of_them


@everywhere
def check_orders(traffic, direction, v6):
    """Four fragments in all orders: those before the first wait, and go on behind it."""
    for order in permutations(range(4)):
        pieces = udp(direction, 4000, v6=v6).pieces(1000, 2000, 3000)
        first = order.index(0)
        # By number of sending: the first one, those that waited for it, the rest.
        arrived = [first, *range(first), *range(first + 1, 4)]
        traffic.expect(direction, [pieces[n] for n in order], arrived, what=order)
    flow, = traffic.bench.tool.flows()
    head = (48 if v6 else 20) * 4
    expect((flow[f'{direction}-packets'], flow[f'{direction}-bytes']),
           (24 * 4, 24 * (4000 + head)), 'the flow counts them')


@everywhere
def check_refused(traffic, direction, v6):
    """A datagram that is not let in goes whole, for the reason of its first fragment."""
    pieces = udp(direction, 3000, port=54, v6=v6).pieces(1000, 2000)
    traffic.expect(direction, [pieces[1], pieces[0], pieces[2]], [], {'default': 3})
    expect(traffic.bench.tool.flows(), [])


@everywhere
def check_duplicates(traffic, direction, v6):
    """A fragment that comes twice goes alone."""
    pieces = udp(direction, 3000, v6=v6).pieces(1000, 2000)
    traffic.expect(direction, [pieces[2], pieces[2], pieces[0], pieces[0], pieces[2], pieces[1]],
                   [2, 0, 5], {'fragment-overlap': 3})


@everywhere
def check_overlaps(traffic, direction, v6):
    """Whose bytes come twice is dead: nothing more of it passes, not even a new first one."""
    for bad in (992, 16), (1000, 992), (0, 1008), (24, 8), (1504, 504):
        datagram = udp(direction, 3000, v6=v6)
        pieces = datagram.pieces(1000, 2000)
        traffic.expect(direction, [*pieces[:2], datagram.piece(*bad), pieces[2], pieces[0]],
                       [0, 1], {'fragment-overlap': 3}, bad)
    # Teardrop: the second fragment ends inside of the first.
    datagram = udp(direction, 64, v6=v6)
    traffic.expect(direction, [datagram.piece(0, 40), datagram.piece(24, 4, False),
                               datagram.piece(40, 24)], [0], {'fragment': 2}, 'teardrop')
    datagram = udp(direction, 64, v6=v6)
    traffic.expect(direction, [datagram.piece(24, 4, False), datagram.piece(0, 40)], [],
                   {'fragment': 2}, 'teardrop, backwards')


@everywhere
def check_malformed(traffic, direction, v6):
    """First fragments too short for all headers, and lengths that do not add up."""
    def dead(datagram, *bad, passed=0, drops=1):
        rest = datagram.piece(2000, 1000)
        traffic.expect(direction, [*bad, rest], range(passed), {'fragment': drops + 1}, bad)

    ports = (80, 9) if direction == 'out' else (9, 80)
    for size in 8, 16:
        tcp = Datagram(direction, p.TCP, p.tcp(*ports, p.SYN, payload=bytes(2980)), v6)
        dead(tcp, tcp.piece(0, size))
        # The flags come in the second one (RFC 1858).
        dead(tcp, tcp.piece(size, 1000), drops=1)
    syn = p.tcp(*ports, p.SYN, options=b'\2\4\5\xb4' + b'\1' * 8, payload=bytes(2968))
    tcp = Datagram(direction, p.TCP, syn, v6)
    dead(tcp, tcp.piece(0, 24))
    datagram = udp(direction, 3000, v6=v6)
    dead(datagram, datagram.piece(0, 1001))
    datagram = udp(direction, 3000, v6=v6)
    dead(datagram, datagram.piece(0, 0, True))
    datagram = udp(direction, 3000, v6=v6)
    dead(datagram, datagram.piece(1000, 0, True))
    datagram = udp(direction, 3000, v6=v6)
    dead(datagram, datagram.piece(65528, 9, False))
    datagram = udp(direction, 3000, v6=v6)
    dead(datagram, datagram.piece(4000, 1000, False), datagram.piece(5000, 1000, False), drops=2)
    datagram = udp(direction, 3000, v6=v6)
    dead(datagram, datagram.piece(0, 1000), datagram.piece(1000, 500, False), passed=1)


@everywhere
def check_segment(traffic, direction, v6):
    """A TCP segment in fragments: the acknowledgment of all of it passes, and of more does not."""
    back = 'in' if direction == 'out' else 'out'

    def tcp(way, flags, seq, ack=0, data=b''):
        ports = (80, 9) if way == 'out' else (9, 80)
        return Datagram(way, p.TCP, p.tcp(*ports, flags, seq, ack, payload=data), v6)

    def whole(way, *args):
        one = tcp(way, *args)
        return p.ip(one.src, one.dst, p.TCP, one.data)

    traffic.expect(direction, [whole(direction, p.SYN, 100)], [0])
    traffic.expect(back, [whole(back, p.SYN | p.ACK, 500, 101)], [0])
    traffic.expect(direction, [whole(direction, p.ACK, 101, 501)], [0])
    pieces = tcp(direction, p.ACK, 101, 501, bytes(4000)).pieces(1000, 2000, 3000)
    traffic.expect(direction, [pieces[3], pieces[0]], [1, 0])
    traffic.expect(direction, pieces[1:3], [0, 1])
    traffic.expect(back, [whole(back, p.ACK, 501, 4102)], [], {'tcp-ack': 1}, 'one too many')
    traffic.expect(back, [whole(back, p.ACK, 501, 4101)], [0], what='all of it')
    pieces = tcp(direction, p.ACK | p.FIN, 4101, 501, bytes(2000)).pieces(1000)
    traffic.expect(direction, pieces, [0, 1])
    traffic.expect(back, [whole(back, p.ACK, 501, 6102)], [0], what='and the FIN')


@everywhere
def check_timeout(traffic, direction, v6):
    """What waits in vain is dropped when its time is over."""
    load('timeout fragment 1s\npass both udp')
    before = traffic.bench.tool.drops()
    pieces = udp(direction, 3000, v6=v6).pieces(1000, 2000)
    traffic.expect(direction, pieces[1:], [])
    until(lambda: difference(before, traffic.bench.tool.drops()) ==
          {('fragment-timeout', direction): 2}, 'both are dropped')
    # The first one is now the first that is seen of it.
    traffic.expect(direction, pieces[:1], [0])


@everywhere
def check_limits(traffic, direction, v6):
    """Who comes takes the place of who waits longest, and of nobody in the other direction."""
    load('limit fragments 10\npass both udp')
    back = 'in' if direction == 'out' else 'out'
    other = udp(back, 2000, v6=v6).pieces(1000)
    mine = udp(direction, 3000, v6=v6).pieces(1000, 2000)
    traffic.expect(back, other[1:], [])
    traffic.expect(direction, mine[:1], [0])
    lone = [udp(direction, 2000, v6=v6).pieces(1000) for _ in range(30)]
    got, drops = traffic.send(direction, *[pieces[1] for pieces in lone])
    # Datagrams that were begun before, and pass, take room too.
    expect((got, list(drops), drops['fragment-limit'] in range(21, 26)),
           ([], ['fragment-limit'], True), drops)
    traffic.expect(direction, [lone[-1][0], lone[-2][0]], [0, 1], what='the last are there')
    traffic.expect(direction, mine[1:], [0, 1], what='what passes goes on')
    traffic.expect(back, other[:1], [0])
    begin(traffic.bench, 'limit fragment-bytes 0\npass both udp')
    traffic.expect(direction, udp(direction, 2000, v6=v6).pieces(1000)[1:], [],
                   {'fragment-limit': 1})
    traffic.expect(direction, udp(direction, 2000, v6=v6).pieces(1000), [0, 1])


def check_reject(bench):
    """A first fragment that is rejected is dropped like others, with those that follow it."""
    begin(bench, 'reject both udp local port 53')
    for v6 in False, True:
        Traffic(bench).expect('in', udp('in', 2000, v6=v6).pieces(1000), [], {'rule-reject': 2})


def check_stateless(bench):
    """By a stateless rule datagrams pass without a flow, and the VM counts them."""
    begin(bench, 'pass both udp local port 53 stateless')
    traffic = Traffic(bench)
    before = bench.tool.ask(f'stats show {VM}')[0]
    pieces = udp('in', 3000).pieces(1000, 2000)
    traffic.expect('in', [pieces[2], pieces[0], pieces[1]], [1, 0, 2])
    expect(bench.tool.flows(), [])
    expect(bench.tool.ask(f'stats show {VM}')[0]['in-packets'] - before['in-packets'], 3)
    pieces = udp('in', 3000).pieces(1000, 2000)
    traffic.expect('in', pieces[:1], [0])
    load('pass both udp local port 53 stateless')
    traffic.expect('in', pieces[1:], [], {'policy-change': 2}, 'under another policy')


def check_policy_change(bench):
    """A new policy judges what is on its way."""
    traffic = Traffic(bench)
    for policy, verdict in ('pass both udp', ([0, 1], {})), ('', ([], {'policy-change': 1,
                                                                     'fragment': 1})):
        load('pass both udp')
        pieces = udp('out', 3000).pieces(1000, 2000)
        traffic.expect('out', pieces[:1], [0])
        load(policy)
        expect(traffic.send('out', *pieces[1:]), verdict)


def check_freeze(bench):
    """A VM that freezes drops what waits; what was on its way goes on when it thaws."""
    traffic = Traffic(bench)
    begin(bench, 'pass both udp')
    pieces, waiting = udp('in', 2000).pieces(1000), udp('in', 2000).pieces(1000)
    traffic.expect('in', pieces[:1], [0])
    traffic.expect('in', waiting[1:], [])
    before = bench.tool.drops()
    vfw('vm', 'freeze', VM)
    expect(difference(before, bench.tool.drops()), {('frozen', 'in'): 1})
    vfw('vm', 'thaw', VM)
    traffic.expect('in', pieces[1:], [0])


def check_hold(bench):
    """Fragments that are held are judged in their order when the hold ends."""
    begin(bench, 'pass both udp')
    snapshot = '/tmp/fragments.snapshot'
    vfw('vm', 'freeze', VM)
    vfw('snapshot', 'save', VM, 'file', snapshot)
    vfw('vm', 'del', VM)
    sender, receiver = bench.ends('in')
    pieces = [sender.frame(piece) for piece in udp('in', 4000).pieces(1000, 2000, 3000)]
    vfw('vm', 'add', VM, 'name', 'web', 'hold')
    vfw('port', 'add', 'port0', 'vm', VM)
    receiver.arrived()
    for n in 3, 1, 0, 2:
        sender.send(pieces[n])
    expect([frame for frame in receiver.arrived() if frame in pieces], [])
    vfw('snapshot', 'restore', VM, 'file', snapshot)
    got = []
    until(lambda: got.extend(f for f in receiver.arrived() if f in pieces) or len(got) == 4,
          'all pass')
    expect([pieces.index(frame) for frame in got], [0, 3, 1, 2])
    os.unlink(snapshot)


def check_port_gone(bench):
    """A port that is deleted leaves nothing behind that waits."""
    begin(bench, 'pass both udp')
    traffic = Traffic(bench)
    for direction in 'in', 'out':
        traffic.expect(direction, udp(direction, 2000).pieces(1000)[1:], [])
    before = bench.tool.drops()
    vfw('port', 'del', 'port0')
    expect(difference(before, bench.tool.drops()),
           {('port-gone', 'in'): 1, ('port-gone', 'out'): 1})
    vfw('port', 'add', 'port0', 'vm', VM)
    traffic.expect('in', udp('in', 2000).pieces(1000), [0, 1])


def check_sockets(bench):
    """Datagrams of 20,000 and of 65,000 bytes between programs, there and back."""
    begin(bench, 'pass in udp local port 5000')
    before = bench.tool.drops()
    for family, address in (socket.AF_INET, '10.0.0.2'), (socket.AF_INET6, 'fd00::2'):
        with Namespace('vm'):
            server = socket.socket(family, socket.SOCK_DGRAM)
            server.bind((address, 5000))
        with Namespace('peer'):
            client = socket.socket(family, socket.SOCK_DGRAM)
            client.connect((address, 5000))
        for size in 20000, 65000:
            data = os.urandom(size)
            client.send(data)
            server.settimeout(5)
            got, whence = server.recvfrom(1 << 17)
            expect(got == data, True, f'{size} bytes to {address}')
            server.sendto(data, whence)
            client.settimeout(5)
            expect(client.recv(1 << 17) == data, True, f'{size} bytes from {address}')
    expect(difference(before, bench.tool.drops()), {})


class Guest:
    """A guest behind a tap, which is a port of a VM of its own."""
    def __init__(self, name):
        self.tap = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tap, TUNSETIFF, struct.pack('16sH22x', name.encode(),
                                                     IFF_TAP | IFF_NO_PI))
        for command in (f'ip link set {name} master br0 up',
                        f'ip -n peer neigh replace {GUEST4} lladdr {GUEST_MAC} dev u1',
                        f'ip -n peer neigh replace {GUEST6} lladdr {GUEST_MAC} dev u1'):
            subprocess.run(command.split(), check=True)

    def send(self, packet):
        """Send an IP packet to the peer."""
        os.write(self.tap, p.ether(packet, GUEST_MAC, PEER_MAC))

    def receive(self, seconds):
        """A frame, or None."""
        if not select.select([self.tap], [], [], seconds)[0]:
            return None
        return os.read(self.tap, 1 << 17)


def reassemble(guest, v6, total):
    """Put the fragments of an answer together; the first one has to come first."""
    parts, end = {}, time.monotonic() + 5
    while sum(map(len, parts.values())) < total:
        frame = guest.receive(0.2)
        if time.monotonic() > end:
            raise Failure(f'got {sorted(parts)} only')
        if not frame or frame[12:14] != struct.pack('!H', p.ETH_IPV6 if v6 else p.ETH_IP):
            continue
        packet = frame[14:]
        if v6 and packet[6] == p.FRAGMENT:
            offset = struct.unpack('!H', packet[42:44])[0] & ~7
            part = packet[48:40 + struct.unpack('!H', packet[4:6])[0]]
        elif not v6 and packet[9] == p.ICMP:
            offset = struct.unpack('!H', packet[6:8])[0] % 0x2000 * 8
            part = packet[20:struct.unpack('!H', packet[2:4])[0]]
        else:
            continue
        expect(parts or offset == 0, parts or True, 'the first one comes first')
        parts[offset] = part
    return b''.join(parts[offset] for offset in sorted(parts))


def check_tap(_):
    """A guest behind a tap pings a kernel with 30,000 bytes, its own fragments out of order."""
    guest = Guest('tapf')
    vfw('vm', 'add', GUEST, 'name', 'guest')
    vfw('port', 'add', 'tapf', 'vm', GUEST)
    load('pass out icmp\npass out icmpv6 type echo-request', vm=GUEST)
    for v6 in False, True:
        src, dst = (GUEST6, 'fd00::1') if v6 else (GUEST4, '10.0.0.1')
        protocol, kind = (p.ICMP6, 128) if v6 else (p.ICMP, 8)
        echo = p.transport_checksum(src, dst, protocol,
                                    p.echo(kind, 7, payload=bytes(range(250)) * 120))
        ident = next(idents)
        pieces = [p.fragment(src, dst, protocol, echo, ident, at, min(1400, len(echo) - at))
                  for at in range(0, len(echo), 1400)]
        for piece in pieces[5:] + pieces[:5]:
            guest.send(piece)
        answer = reassemble(guest, v6, len(echo))
        expect(answer[8:] == echo[8:], True, 'the answer is whole')
    vfw('vm', 'del', GUEST)
    os.close(guest.tap)


def flood(mac):
    """Later fragments that no first one comes for, each of another datagram, in both families."""
    wire = Wire('peer', 'u1', PEER_MAC, mac)
    for number in count():
        src, dst = (FAR6, GUEST6) if number & 1 else (FAR4, GUEST4)
        wire.send(wire.frame(p.fragment(src, dst, p.UDP, bytes(2000), number, 1000, 1000)))
        if number % 30 == 0:
            time.sleep(0.001)


def main():
    """All of it."""
    if sys.argv[1:2] == ['flood']:
        flood(sys.argv[2])
    tap, bench = Tap(), Bench()
    expect(VM_MAC == bench.vm.mac, True)
    for check in (check_orders, check_refused, check_duplicates, check_overlaps, check_malformed,
                  check_segment, check_timeout, check_limits, check_reject, check_stateless,
                  check_policy_change, check_freeze, check_hold, check_port_gone, check_sockets,
                  check_tap):
        tap.case(check.__doc__.rstrip('.'), check, bench)
    tap.end()


main()
