# SPDX-License-Identifier: GPL-2.0
"""
Traffic for the races: dialogues between a guest and the far end, of all kinds that vfw tells apart,
in order and out of it.

A step is (side, frame): 0 is sent by the guest, 1 by the far end.
"""

import os
import struct
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'engine'))
# pylint: disable=wrong-import-position
import packets as p  # noqa: E402

FAR_MAC = '02:00:00:00:00:01'
FAR = ('10.7.0.1', 'fd07::1')


def guest_mac(number):
    """Of the guest behind port number so and so."""
    return f'02:00:00:00:01:{number:02x}'


def guest(number):
    """Its addresses."""
    return f'10.7.1.{number + 1}', f'fd07::1:{number + 1:x}'


class Dialogues:
    """Makes dialogues of one guest with the far end."""
    def __init__(self, rng, number):
        self.rng, self.number = rng, number

    def step(self, side, family, protocol, payload, **more):
        """One packet."""
        near, far = guest(self.number)[family], FAR[family]
        src, dst = (far, near) if side else (near, far)
        macs = guest_mac(self.number), FAR_MAC
        packet = p.ip(src, dst, protocol, payload, **more)
        return side, p.ether(packet, macs[side], macs[1 - side])

    def ports(self):
        """Of both ends, the service last. Few enough that dialogues meet former ones' flows."""
        return self.rng.randrange(2000, 12000), self.rng.choice((80, 443, 53, 5000))

    def udp(self, family):
        """Question and answer."""
        ends = self.ports()
        opener = self.rng.randrange(2)
        steps = [self.step(opener, family, p.UDP, p.udp(*ends, b'question'))]
        if self.rng.random() < 0.7:
            steps.append(self.step(1 - opener, family, p.UDP, p.udp(*ends[::-1], b'answer')))
        return steps

    def flood(self, family):
        """Datagrams to many ports, or SYNs from many, never answered."""
        opener = self.rng.randrange(2)
        first = self.rng.randrange(1024, 60000)
        if self.rng.random() < 0.5:
            return [self.step(opener, family, p.UDP, p.udp(first, first + i)) for i in range(40)]
        return [self.step(opener, family, p.TCP, p.tcp(first + i, 80, p.SYN, 1))
                for i in range(40)]

    def tcp(self, family):
        """A connection, cut off anywhere."""
        sport, dport = self.ports()
        a = self.rng.randrange(2)

        def say(side, flags, seq, ack, payload=b''):
            ends = (sport, dport) if side == a else (dport, sport)
            return self.step(side, family, p.TCP, p.tcp(*ends, flags, seq, ack, payload=payload))
        steps = [say(a, p.SYN, 100, 0), say(1 - a, p.SYN | p.ACK, 500, 101),
                 say(a, p.ACK, 101, 501)]
        seq = 101
        for _ in range(self.rng.randrange(6)):
            steps += [say(a, p.PSH | p.ACK, seq, 501, bytes(100)),
                      say(1 - a, p.ACK, 501, seq + 100)]
            seq += 100
        if self.rng.random() < 0.5:
            steps += [say(a, p.FIN | p.ACK, seq, 501), say(1 - a, p.FIN | p.ACK, 501, seq + 1),
                      say(a, p.ACK, seq + 1, 502)]
        else:
            steps.append(say(self.rng.randrange(2), p.RST, seq, 0))
        return steps[:self.rng.randrange(1, len(steps) + 1)]

    def icmp(self, family):
        """An echo, and an error about it."""
        protocol, kind = ((p.ICMP, (8, 0)), (p.ICMP6, (128, 129)))[family]
        ident = self.rng.randrange(500)
        steps = [self.step(0, family, protocol, p.echo(kind[0], ident)),
                 self.step(1, family, protocol, p.echo(kind[1], ident))]
        quoted = steps[0][1][14:]
        error = (3, 1) if family == 0 else (1, 4)
        steps.append(self.step(1, family, protocol, p.icmp(*error, payload=quoted)))
        return steps

    def fragments(self, family):
        """A datagram in pieces, some of them missing, doubled or out of order."""
        sport, dport = self.ports()
        whole = p.udp(sport, dport, bytes(1600))
        cuts = [(0, 800), (800, 1608)]
        steps = []
        ident = self.rng.randrange(1 << 16)
        side = self.rng.randrange(2)
        for begin, end in cuts:
            more = end < len(whole)
            if family == 0:
                step = self.step(side, 0, p.UDP, whole[begin:end],
                                 frag=begin >> 3 | (0x2000 if more else 0))
            else:
                step = self.step(side, 1, p.UDP, whole[begin:end],
                                 chain=[(p.FRAGMENT, p.fragment_header(begin >> 3, more, ident))])
            steps.append(step)
        steps = [step for step in steps if self.rng.random() < 0.9]
        self.rng.shuffle(steps)
        return steps

    def tagged(self, family):
        """With a VLAN tag, or two."""
        kind = (p.ETH_IP, p.ETH_IPV6)[family]
        steps = []
        for side, frame in self.udp(family):
            inner = p.vlan(frame[14:], self.rng.randrange(1, 4), kind)
            outer = p.ETH_VLAN
            if self.rng.random() < 0.3:
                inner, outer = p.vlan(inner, 7, p.ETH_VLAN), p.ETH_QINQ
            steps.append((side, frame[:12] + struct.pack('!H', outer) + inner))
        return steps

    def other(self, family):
        """Protocols without ports, ARP, and what is broken."""
        rng = self.rng
        mac = guest_mac(self.number)
        return rng.choice((
            lambda: [self.step(0, family, p.GRE, bytes(8)), self.step(1, family, p.GRE, bytes(8))],
            lambda: [self.step(0, family, 132, p.sctp(*self.ports()))],
            lambda: [(0, p.ether(p.arp(1, mac, guest(self.number)[0], '00:00:00:00:00:00', FAR[0]),
                                 mac, 'ff:ff:ff:ff:ff:ff', p.ETH_ARP, 60))],
            lambda: [(1, frame[:rng.randrange(15, len(frame))]) for _, frame in self.udp(family)],
        ))()

    def next(self):
        """One of any kind."""
        kinds = (self.udp, self.udp, self.tcp, self.tcp, self.flood, self.icmp, self.fragments,
                 self.tagged, self.other)
        return self.rng.choice(kinds)(self.rng.randrange(2))
