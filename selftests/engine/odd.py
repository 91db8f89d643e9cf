# SPDX-License-Identifier: GPL-2.0
"""
Frames that no honest end sends, in both directions: each is dropped for its reason and counted
once, or passes. Run by test_odd.sh.
"""

import fcntl
import socket
import struct
import termios

import packets as p
from bench import (Bench, Failure, Namespace, PEER_MAC, Tap, VM_MAC, difference, expect, load,
                   until)

# Addresses that no kernel has, so that nobody answers.
VM4, FAR4, VM6, FAR6 = '10.0.0.22', '10.0.0.11', 'fd00::22', 'fd00::11'

POLICY = '''
pass both tcp
pass both udp
pass both sctp
pass both gre
pass both ah
pass both 135
pass both 59
pass both icmp type echo-request
pass both icmpv6 type echo-request
'''


class Odd:
    """Makes the frames of one direction."""
    def __init__(self, direction):
        self.direction = direction
        self.src4, self.dst4 = (VM4, FAR4) if direction == 'out' else (FAR4, VM4)
        self.src6, self.dst6 = (VM6, FAR6) if direction == 'out' else (FAR6, VM6)
        self.src_mac, self.dst_mac = ((VM_MAC, PEER_MAC) if direction == 'out' else
                                      (PEER_MAC, VM_MAC))
        self.port = 20000

    def next_port(self):
        """A port that no flow has."""
        self.port += 1
        return self.port

    def eth(self, payload, ethertype=None, pad=0):
        """A frame."""
        return p.ether(payload, self.src_mac, self.dst_mac, ethertype, pad)

    def ip4(self, protocol, payload=b'', **more):
        """A frame with IPv4."""
        return self.eth(p.ipv4(self.src4, self.dst4, protocol, payload, **more), p.ETH_IP)

    def ip6(self, protocol, payload=b'', **more):
        """A frame with IPv6."""
        return self.eth(p.ipv6(self.src6, self.dst6, protocol, payload, **more), p.ETH_IPV6)

    def udp(self, **more):
        """A datagram of no flow."""
        return p.udp(self.next_port(), 7, b'hello', **more)

    def syn(self, **more):
        """A SYN of no flow."""
        return p.tcp(self.next_port(), 7, p.SYN, **more)

    def frames(self):
        """(what, frame, verdict) of all layers."""
        yield from self.ethernet()
        yield from self.arp()
        yield from self.ip_headers()
        yield from self.extensions()
        yield from self.transport()
        yield from self.icmp()

    def ethernet(self):
        """Types, tags, frames cut short."""
        good4 = p.ipv4(self.src4, self.dst4, p.UDP, self.udp())
        yield 'LLDP', self.eth(b'\2\7\4' + bytes(60), 0x88cc), 'ethertype'
        yield 'PPPoE', self.eth(good4, 0x8864), 'ethertype'
        yield 'MPLS', self.eth(bytes(4) + good4, 0x8847), 'ethertype'
        yield 'LLC', self.eth(b'\x42\x42\3' + bytes(40), 43), 'ethertype'
        yield 'type 0', self.eth(good4, 0), 'ethertype'
        yield 'VLAN tag', self.eth(p.vlan(good4), p.ETH_VLAN), 'vlan'
        yield 'priority tag', self.eth(p.vlan(good4, 0), p.ETH_VLAN), 'vlan'
        yield 'QinQ', self.eth(p.vlan(p.vlan(good4), 7, p.ETH_VLAN), p.ETH_QINQ), 'vlan'
        yield 'VLAN tag with ARP', self.eth(p.vlan(bytes(28), 5, p.ETH_ARP), p.ETH_VLAN), 'vlan'
        yield 'IPv4, nothing', self.eth(b'', p.ETH_IP), 'ip-header'
        yield 'IPv6, nothing', self.eth(b'', p.ETH_IPV6), 'ip-header'
        yield 'IPv4 typed as IPv6', self.eth(good4, p.ETH_IPV6), 'ip-header'

    def arp(self):
        """ARP that is none."""
        request = (1, self.src_mac, self.src4, '00:00:00:00:00:00', self.dst4)
        yield 'ARP request', self.eth(p.arp(*request), p.ETH_ARP), 'pass'
        yield 'ARP, padded', self.eth(p.arp(*request), p.ETH_ARP, 60), 'pass'
        yield 'ARP cut short', self.eth(p.arp(*request)[:27], p.ETH_ARP), 'arp'
        yield 'ARP of token ring', self.eth(p.arp(*request, hardware=6), p.ETH_ARP), 'arp'
        yield 'ARP for IPv6', self.eth(p.arp(*request, protocol=p.ETH_IPV6), p.ETH_ARP), 'arp'
        yield 'ARP of other sizes', self.eth(p.arp(*request, sizes=(4, 6)), p.ETH_ARP), 'arp'
        yield 'ARP operation 9', self.eth(p.arp(9, *request[1:]), p.ETH_ARP), 'arp'
        yield 'RARP request', self.eth(p.arp(3, *request[1:]), p.ETH_RARP), 'pass'
        yield 'RARP with an ARP request', self.eth(p.arp(*request), p.ETH_RARP), 'arp'

    def ip_headers(self):
        """Versions, lengths, fragments."""
        for size in 1, 19:
            whole = p.ipv4(self.src4, self.dst4, p.UDP, self.udp())
            yield f'IPv4, {size} bytes', self.eth(whole[:size], p.ETH_IP), 'ip-header'
        for size in 1, 39:
            whole = p.ipv6(self.src6, self.dst6, p.UDP, self.udp())
            yield f'IPv6, {size} bytes', self.eth(whole[:size], p.ETH_IPV6), 'ip-header'
        yield 'IPv4 version 5', self.ip4(p.UDP, self.udp(), version=5), 'ip-header'
        yield 'IPv6 version 4', self.ip6(p.UDP, self.udp(), version=4), 'ip-header'
        yield 'IPv4 header of 16 bytes', self.ip4(p.UDP, self.udp(), ihl=4), 'ip-header'
        yield 'IPv4 header beyond the frame', self.ip4(p.UDP, self.udp(), ihl=15), 'ip-header'
        yield 'IPv4 total 19', self.ip4(p.UDP, self.udp(), total=19), 'ip-header'
        yield 'IPv4 total 0', self.ip4(p.UDP, self.udp(), total=0), 'ip-header'
        yield 'IPv4 total one too long', self.ip4(p.UDP, self.udp(), total=34), 'ip-header'
        yield 'IPv4 total 65535', self.ip4(p.UDP, self.udp(), total=65535), 'ip-header'
        yield 'IPv4 total within the header', self.ip4(
            p.UDP, self.udp(), options=p.NOP * 8, total=24), 'ip-header'
        yield 'IPv4 with options', self.ip4(p.UDP, self.udp(), options=p.NOP * 40), 'pass'
        yield 'IPv6 length one too long', self.ip6(p.UDP, self.udp(), length=14), 'ip-header'
        yield 'IPv6 length 0', self.ip6(p.UDP, self.udp(), length=0), 'l4-header'
        for what, frag in (('first', 0x2000), ('middle', 0x2005), ('last', 5),
                           ('last but at 0', 0x1fff)):
            yield f'IPv4 {what} fragment', self.ip4(p.UDP, self.udp(), frag=frag), 'fragment'
        yield 'IPv4, do not fragment', self.ip4(p.UDP, self.udp(), frag=0x4000), 'pass'
        yield 'IPv4, evil bit', self.ip4(p.UDP, self.udp(), frag=0x8000), 'pass'

    def extensions(self):
        """IPv6 extension headers."""
        opt, big = p.options_header(), p.options_header(128)
        route = struct.pack('!BBB', 0, 4, 0) + bytes(4)
        type0 = struct.pack('!BBBB', 2, 0, 1, 0) + bytes(3) + p.address('fd00::99')
        ah = struct.pack('!BHII', 4, 0, 1, 1) + bytes(12)

        def chain(*kinds):
            return self.ip6(p.UDP, self.udp(), chain=kinds)

        def fragment(**more):
            return chain((p.FRAGMENT, p.fragment_header(**more)))

        yield 'IPv6 chain of four', chain((p.HOP, opt), (p.DEST, opt), (p.ROUTING, route),
                                          (p.AH, ah)), 'pass'
        yield 'IPv6 chain of eight', chain(*[(p.DEST, opt)] * 8), 'pass'
        yield 'IPv6 chain of nine', chain(*[(p.DEST, opt)] * 9), 'ip-extension'
        yield 'IPv6 256 bytes of options', chain((p.HOP, big), (p.DEST, big)), 'pass'
        yield 'IPv6 264 bytes of options', chain((p.HOP, big), (p.DEST, big),
                                                 (p.DEST, opt)), 'ip-extension'
        yield 'IPv6 hop-by-hop second', chain((p.DEST, opt), (p.HOP, opt)), 'ip-extension'
        yield 'IPv6 routing type 0', chain((p.ROUTING, type0)), 'ip-extension'
        yield 'IPv6 options cut short', self.ip6(p.DEST, b'\x11'), 'ip-extension'
        yield 'IPv6 options beyond the packet', self.ip6(
            p.DEST, b'\x11\x05' + bytes(14)), 'ip-extension'
        yield 'IPv6 fragment header cut short', self.ip6(p.FRAGMENT, b'\x11\0\0\0'), 'ip-extension'
        yield 'IPv6 first fragment', fragment(more=True), 'fragment'
        yield 'IPv6 last fragment', fragment(offset=3), 'fragment'
        yield 'IPv6 atomic fragment', fragment(), 'pass'
        yield 'IPv6 chain that ends in nothing', self.ip6(p.NO_NEXT), 'pass'
        yield 'IPv6 chain to a cut UDP header', self.ip6(
            p.UDP, b'\0\7\0\7', chain=((p.DEST, opt),)), 'l4-header'

    def transport(self):
        """TCP, UDP and the like."""
        for name, make in (('IPv4', self.ip4), ('IPv6', self.ip6)):
            for size in 0, 4, 19:
                yield f'{name} TCP, {size} bytes', make(p.TCP, self.syn()[:size]), 'l4-header'
            yield f'{name} TCP header of 16 bytes', make(p.TCP, self.syn(words=4)), 'l4-header'
            yield f'{name} TCP header beyond', make(p.TCP, self.syn(words=6)), 'l4-header'
            for size in 0, 4, 7:
                yield f'{name} UDP, {size} bytes', make(p.UDP, self.udp()[:size]), 'l4-header'
            yield f'{name} UDP length 7', make(p.UDP, self.udp(length=7)), 'l4-header'
            yield f'{name} UDP length 0', make(p.UDP, self.udp(length=0)), 'l4-header'
            yield f'{name} UDP length too long', make(p.UDP, self.udp(length=14)), 'l4-header'
            yield f'{name} UDP length short', make(p.UDP, self.udp(length=10)), 'pass'
            yield f'{name} SCTP cut short', make(132, p.sctp(1, 2)[:11]), 'l4-header'
        for name, options, verdict in (
                ('of size 0', b'\3\0\7\0', 'l4-header'),
                ('of size 1', b'\3\1\7\0', 'l4-header'),
                ('beyond the header', b'\1\1\10\12', 'l4-header'),
                ('that is only a type', b'\1\1\1\3', 'l4-header'),
                ('window scale of four bytes', b'\3\4\7\0', 'l4-header'),
                ('SACK permitted of four bytes', b'\4\4\0\0', 'l4-header'),
                ('unknown', b'\xfe\4\0\0', 'pass'),
                ('after the end of options', b'\0\3\0\7', 'pass')):
            yield f'TCP option {name}', self.ip4(p.TCP, self.syn(options=options)), verdict
        for name, flags in (('none', 0), ('SYN FIN', p.SYN | p.FIN), ('SYN RST', p.SYN | p.RST),
                            ('FIN', p.FIN), ('FIN PSH URG', p.FIN | p.PSH | p.URG),
                            ('FIN RST', p.FIN | p.RST | p.ACK), ('PSH', p.PSH), ('all', 0xff)):
            yield f'TCP flags {name}', self.ip4(p.TCP, p.tcp(self.next_port(), 7, flags)), 'tcp-flags'
        for name, flags in (('ACK', p.ACK), ('SYN ACK', p.SYN | p.ACK), ('RST', p.RST),
                            ('FIN ACK', p.FIN | p.ACK), ('PSH ACK', p.PSH | p.ACK)):
            yield f'TCP {name} of no flow', self.ip4(
                p.TCP, p.tcp(self.next_port(), 7, flags)), 'tcp-not-syn'
        yield 'TCP SYN with ECN', self.ip4(
            p.TCP, p.tcp(self.next_port(), 7, p.SYN | p.ECE | p.CWR)), 'pass'
        yield 'TCP SYN with data', self.ip4(p.TCP, self.syn(payload=b'fast open')), 'pass'

    def icmp(self):
        """Both versions."""
        solicit = p.neighbour_solicitation(self.dst6, self.src_mac)
        for name, make, kind, reply in (('ICMP', self.ip4, p.ICMP, 0),
                                        ('ICMPv6', self.ip6, p.ICMP6, 129)):
            for size in 0, 7:
                yield f'{name}, {size} bytes', make(kind, p.echo(8, 1)[:size]), 'l4-header'
            yield f'{name} echo reply', make(kind, p.echo(reply, 999)), 'icmp-reply'
            yield f'{name} type 200', make(kind, p.icmp(200)), 'icmp-type'
            yield f'{name} error, nothing quoted', make(
                kind, p.icmp(3)), 'icmp-error'
            yield f'{name} error about something unknown', make(
                kind, p.icmp(3, payload=p.ip(
                    self.dst4 if name == 'ICMP' else self.dst6,
                    self.src4 if name == 'ICMP' else self.src6, p.UDP,
                    p.udp(5, 5, b'x' * 8)))), 'icmp-error'
        yield 'ICMPv6 in IPv4', self.ip4(p.ICMP6, p.echo(128, 1)), 'icmp-type'
        yield 'ICMP in IPv6', self.ip6(p.ICMP, p.echo(8, 1)), 'icmp-type'
        yield 'neighbour solicitation', self.ip6(p.ICMP6, solicit, hop=255), 'pass'
        yield 'one from beyond the link', self.ip6(p.ICMP6, solicit, hop=254), 'icmp-type'
        yield 'one with a code', self.ip6(p.ICMP6, p.neighbour_solicitation(
            self.dst6, self.src_mac, 1), hop=255), 'icmp-type'
        yield 'one cut short', self.ip6(p.ICMP6, solicit[:23], hop=255), 'l4-header'


def check_frames(tap, bench, direction):
    """Each frame by itself, then all counters."""
    before, wanted, sent = bench.tool.drops(), {}, 0
    for what, frame, verdict in Odd(direction).frames():
        tap.case(f'{direction}: {what}: {verdict}',
                 lambda f=frame, v=verdict: expect(bench.verdict(direction, f), v))
        if verdict != 'pass':
            sent += 1
            wanted[verdict, direction] = wanted.get((verdict, direction), 0) + 1
    rose = difference(before, bench.tool.drops())
    tap.case(f'{direction}: the drops of each reason add up to what was sent', lambda: (
        expect(rose, wanted), expect(sum(rose.values()), sent)))


# Padding.

def padded(sender, packet):
    """A frame of 60 bytes."""
    frame = sender.frame(packet)
    return frame.ljust(60, b'\xaa')


def check_padding(bench):
    """A connection whose short frames are padded: windows go by the IP length."""
    ports = {'out': (31000, 7), 'in': (7, 31000)}
    steps = [('out', p.SYN, 100, 0, b''), ('in', p.SYN | p.ACK, 500, 101, b''),
             ('out', p.ACK, 101, 501, b''), ('out', p.PSH | p.ACK, 101, 501, b'x'),
             ('in', p.ACK, 501, 102, b''), ('in', p.PSH | p.ACK, 501, 102, b'yy'),
             ('out', p.ACK, 102, 503, b''), ('out', p.FIN | p.ACK, 102, 503, b''),
             ('in', p.FIN | p.ACK, 503, 103, b''), ('out', p.ACK, 103, 504, b'')]
    for direction, flags, seq, ack, payload in steps:
        odd = Odd(direction)
        packet = p.ipv4(odd.src4, odd.dst4, p.TCP, p.tcp(
            *ports[direction], flags, seq, ack, window=1000, payload=payload))
        frame = padded(bench.ends(direction)[0], packet)
        expect(bench.verdict(direction, frame), 'pass', f'{direction} seq {seq} ack {ack}')
    flow, = bench.tool.flows('protocol tcp local-port 31000')
    expect(flow['tcp-local']['end'], 103, 'end of what the VM sent')
    expect(flow['tcp-remote']['end'], 504, 'end of what the far end sent')
    expect((flow['out-bytes'], flow['in-bytes']), (6 * 40 + 1, 4 * 40 + 2), 'bytes')
    expect(flow['state'], 'tcp-time-wait', 'state')


# Forgeries.

def unacknowledged(sock):
    """Bytes that a socket has sent and the other end has not acknowledged."""
    return struct.unpack('i', fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]


class Connection:
    """A connection of real sockets that echoes, the VM serving or asking."""
    def __init__(self, bench, family, server_namespace):
        self.bench, self.v6 = bench, family == socket.AF_INET6
        client_namespace = 'peer' if server_namespace == 'vm' else 'vm'
        server = ('fd00::' if self.v6 else '10.0.0.') + ('2' if server_namespace == 'vm' else '1')
        with Namespace(server_namespace):
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((server, 7000))
            listener.listen()
        with Namespace(client_namespace):
            self.one = socket.socket(family, socket.SOCK_STREAM)
        self.one.settimeout(5)
        self.one.connect((server, 7000))
        self.other = listener.accept()[0]
        self.other.settimeout(5)
        listener.close()
        here = self.one if client_namespace == 'vm' else self.other
        self.vm_port, self.far_port = here.getsockname()[1], here.getpeername()[1]
        self.live()

    def live(self, data=b'0123456789' * 10):
        """Does it carry data both ways?"""
        for a, b in (self.one, self.other), (self.other, self.one):
            a.sendall(data)
            got = b''
            while len(got) < len(data):
                got += b.recv(1 << 16)
            expect(got, data, 'data')
        until(lambda: not unacknowledged(self.one) and not unacknowledged(self.other),
              'all is acknowledged')

    def flow(self):
        """The flow of it."""
        return self.bench.tool.flows(
            f'protocol tcp local-port {self.vm_port} remote-port {self.far_port}')[0]

    def forge(self, direction, flags, seq, ack, payload=b''):
        """A segment as the other firewall side would believe it."""
        vm, far = ('fd00::2', 'fd00::1') if self.v6 else ('10.0.0.2', '10.0.0.1')
        if direction == 'out':
            return p.ip(vm, far, p.TCP, p.tcp(self.vm_port, self.far_port, flags, seq, ack,
                                              payload=payload))
        return p.ip(far, vm, p.TCP, p.tcp(self.far_port, self.vm_port, flags, seq, ack,
                                          payload=payload))

    def close(self):
        """Both ends."""
        self.one.close()
        self.other.close()


# What is forged: flags; number and acknowledgment, from the numbers that are due; verdict. Only
# such as neither end would act upon, if they passed.
FORGERIES = (
    ('data far beyond the window', p.PSH | p.ACK, 1 << 26, 0, 'tcp-window'),
    ('data of long ago', p.PSH | p.ACK, -(1 << 26), 0, 'tcp-window'),
    ('a FIN far beyond the window', p.FIN | p.ACK, 1 << 26, 0, 'tcp-window'),
    ('an acknowledgment of what was never sent', p.ACK, 0, 1 << 26, 'tcp-ack'),
    ('an acknowledgment one beyond what was sent', p.ACK, 0, 1, 'tcp-ack'),
    ('an acknowledgment of long ago', p.ACK, 0, -(1 << 26), 'tcp-ack'),
    ('a RST far beyond the window', p.RST, 1 << 26, 0, 'tcp-rst'),
    ('a RST of long ago', p.RST | p.ACK, -(1 << 26), 0, 'tcp-rst'),
    ('half of the numbers away', p.ACK, 1 << 31, 0, 'tcp-window'),
)


def check_forgery(bench, connection, direction, forgery):
    """One forged segment: dropped, and the connection is as it was."""
    _, flags, seq, ack, verdict = forgery
    flow = connection.flow()
    sender, receiver = (('tcp-local', 'tcp-remote') if direction == 'out' else
                        ('tcp-remote', 'tcp-local'))
    packet = connection.forge(direction, flags, flow[sender]['end'] + seq,
                              flow[receiver]['end'] + ack,
                              b'' if flags & p.RST or not flags & p.PSH else b'forged')
    expect(bench.verdict(direction, packet), verdict)
    now = connection.flow()
    for key in 'state', 'tcp-local', 'tcp-remote', 'in-packets', 'out-packets':
        expect(now[key], flow[key], key)
    connection.live()


def check_forgeries(tap, bench, family, server):
    """All of them, on one connection."""
    name = f'{"IPv6" if family == socket.AF_INET6 else "IPv4"}, {server} serves'
    connection = Connection(bench, family, server)
    for direction in 'in', 'out':
        for forgery in FORGERIES:
            tap.case(f'{name}: {direction}: {forgery[0]}: {forgery[-1]}', check_forgery, bench,
                     connection, direction, forgery)
    tap.case(f'{name}: a RST inside the window is challenged', check_blind_rst, bench, connection)
    tap.case(f'{name}: a SYN is challenged', check_blind_syn, bench, connection)
    connection.close()


def check_blind_rst(bench, connection):
    """A RST in the window that has not the number due (RFC 5961)."""
    flow = connection.flow()
    packet = connection.forge('in', p.RST, flow['tcp-remote']['end'] + 100, 0)
    expect(bench.verdict('in', packet), 'pass')
    expect(connection.flow()['state'], 'tcp-established')
    connection.live()


def check_blind_syn(bench, connection):
    """A SYN on a connection (RFC 5961)."""
    packet = connection.forge('in', p.SYN, connection.flow()['tcp-remote']['end'] + 5000, 0)
    expect(bench.verdict('in', packet), 'pass')
    expect(connection.flow()['state'], 'tcp-established')
    connection.live()


def check_rst(bench):
    """The RST that has the number due closes."""
    connection = Connection(bench, socket.AF_INET, 'vm')
    packet = connection.forge('in', p.RST, connection.flow()['tcp-remote']['end'], 0)
    expect(bench.verdict('in', packet), 'pass')
    expect(connection.flow()['state'], 'tcp-close')
    try:
        until(lambda: connection.other.recv(1) == b'', 'the VM has noticed')
    except ConnectionResetError:
        return
    raise Failure('the VM has not noticed')


def main():
    """All of it."""
    tap, bench = Tap(), Bench()
    load(POLICY)
    before = bench.tool.drops()
    expect(before, {}, 'drops at the beginning')
    for direction in 'in', 'out':
        check_frames(tap, bench, direction)
    tap.case('padding of short frames is no data', check_padding, bench)
    load('pass both')
    for family, server in (socket.AF_INET, 'vm'), (socket.AF_INET6, 'peer'):
        check_forgeries(tap, bench, family, server)
    tap.case('a RST with the number due closes', check_rst, bench)
    tap.end()


main()
