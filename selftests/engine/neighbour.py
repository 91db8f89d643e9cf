# SPDX-License-Identifier: GPL-2.0
"""
Neighbour discovery by hand, under a policy that drops everything. Run by test_neighbour.sh.
"""

import struct

import packets as p
from bench import Bench, Tap, expect, load

VM6, FAR6 = 'fe80::22', 'fe80::11'


def messages(mac):
    """Each kind of neighbour discovery (RFC 4861), and how short it may not be."""
    option = b'\x01\x01' + p.mac(mac)
    target = p.address('fd00::33')
    yield 'router solicitation', p.icmp(133, payload=option), 8
    yield 'router advertisement', p.icmp(134, rest=struct.pack('!BBH', 64, 0, 0),
                                         payload=bytes(8) + option), 16
    yield 'neighbour solicitation', p.neighbour_solicitation('fd00::33', mac), 24
    yield 'neighbour advertisement', p.neighbour_advertisement('fd00::33', mac), 24
    yield 'redirect', p.icmp(137, payload=target + target + option), 40


def check_message(bench, direction, message, least):
    """Passes from this link, in no other way."""
    src, dst = (VM6, FAR6) if direction == 'out' else (FAR6, VM6)

    def packet(data, **more):
        return p.ipv6(src, dst, p.ICMP6, data, **more)

    expect(bench.verdict(direction, packet(message, hop=255)), 'pass')
    expect(bench.verdict(direction, packet(message[:least], hop=255)), 'pass', 'without options')
    expect(bench.verdict(direction, packet(message[:least - 1], hop=255)), 'l4-header', 'cut short')
    for hop in 254, 64, 1, 0:
        expect(bench.verdict(direction, packet(message, hop=hop)), 'icmp-type', f'hop limit {hop}')
    coded = message[:1] + b'\1' + message[2:]
    expect(bench.verdict(direction, packet(coded, hop=255)), 'icmp-type', 'code 1')
    expect(bench.verdict(direction, packet(message, hop=255, chain=(
        (p.FRAGMENT, p.fragment_header(more=True)),))), 'fragment', 'a fragment (RFC 6980)')


def check_groups(bench, direction):
    """Reports of groups, without which solicitations do not get through a switch, pass too."""
    src = VM6 if direction == 'out' else FAR6
    for kind in 130, 131, 132, 143:
        for code, hop, verdict in (0, 1, 'pass'), (0, 2, 'rule'), (0, 255, 'rule'), (1, 1, 'rule'):
            packet = p.ipv6(src, 'ff02::16', p.ICMP6, p.icmp(kind, code, payload=bytes(16)),
                            hop=hop, chain=((p.HOP, b'\0\5\2\0\0\1\0'),))
            expect(bench.verdict(direction, packet), verdict,
                   f'type {kind}, code {code}, hop limit {hop}')


def main():
    """All of it."""
    tap, bench = Tap(), Bench()
    load('drop both')
    for direction in 'in', 'out':
        for name, message, least in messages(bench.ends(direction)[0].mac):
            tap.case(f'{name} {direction}', check_message, bench, direction, message, least)
        tap.case(f'reports of groups {direction}', check_groups, bench, direction)
    tap.end()


main()
