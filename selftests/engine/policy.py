# SPDX-License-Identifier: GPL-2.0
"""
Rules against packets: for each policy, packets and what becomes of them. Run by test_policy.sh.
"""

import json

import packets as p
from bench import Bench, Tap, VM, expect, load, vfw

# Addresses that no kernel has, so that nobody answers.
VM4, FAR4, VM6, FAR6 = '10.0.0.22', '10.0.0.11', 'fd00::22', 'fd00::11'


def packet(direction, protocol, payload=b'', far=FAR4, vm=None, **more):
    """An IP packet in a direction; the VM's address is of the far one's family."""
    vm = vm or (VM6 if ':' in far else VM4)
    src, dst = (vm, far) if direction == 'out' else (far, vm)
    return p.ip(src, dst, protocol, payload, **more)


def ports(direction, local, remote):
    """(source port, destination port)"""
    return (local, remote) if direction == 'out' else (remote, local)


def syn(direction, local=40000, remote=40001, far=FAR4, flags=p.SYN, vm=None):
    """The beginning of a connection."""
    return packet(direction, p.TCP, p.tcp(*ports(direction, local, remote), flags), far, vm)


def udp(direction, local=40000, remote=40001, far=FAR4, vm=None):
    """A datagram."""
    return packet(direction, p.UDP, p.udp(*ports(direction, local, remote), b'x'), far, vm)


def icmp(direction, kind, code=0, far=FAR4):
    """A message of ICMP or, by the far address, ICMPv6."""
    return packet(direction, p.ICMP6 if ':' in far else p.ICMP, p.icmp(kind, code), far)


# A policy, and (direction, packet, verdict)s that follow one another.
CASES = {
    'the first rule that matches decides': ('''
        drop in tcp local port 80 remote 10.0.0.8/29
        pass in tcp local port 80
        drop in tcp
        pass in tcp local port 81
        ''', [
            ('in', syn('in', 80), 'rule'),
            ('in', syn('in', 80, far='10.0.0.5'), 'pass'),
            ('in', syn('in', 81), 'rule'),
        ]),
    'direction': ('''
        pass in udp local port 1
        pass out udp local port 2
        pass both udp local port 3
        ''', [
            ('in', udp('in', 1, 9), 'pass'),
            ('out', udp('out', 1, 8), 'default'),
            ('out', udp('out', 2, 9), 'pass'),
            ('in', udp('in', 2, 8), 'default'),
            ('in', udp('in', 3, 9), 'pass'),
            ('out', udp('out', 3, 8), 'pass'),
        ]),
    'what answers needs no rule': ('''
        pass out udp remote port 53
        pass in icmp type echo-request
        ''', [
            ('in', udp('in', 40000, 53), 'default'),
            ('out', udp('out', 40000, 53), 'pass'),
            ('in', udp('in', 40000, 53), 'pass'),
            ('in', udp('in', 40001, 53), 'default'),
            ('out', packet('out', p.ICMP, p.echo(0, 7)), 'icmp-reply'),
            ('in', packet('in', p.ICMP, p.echo(8, 7)), 'pass'),
            ('out', packet('out', p.ICMP, p.echo(0, 7)), 'pass'),
            ('out', packet('out', p.ICMP, p.echo(8, 7)), 'default'),
        ]),
    'family': ('''
        drop both ipv6 udp remote port 2
        pass both ipv4 udp
        pass both udp remote port 2-3
        ''', [
            ('in', udp('in', 5, 1), 'pass'),
            ('in', udp('in', 5, 1, FAR6), 'default'),
            ('in', udp('in', 5, 2), 'pass'),
            ('in', udp('in', 5, 2, FAR6), 'rule'),
            ('out', udp('out', 5, 3, FAR6), 'pass'),
        ]),
    'prefixes': ('''
        drop in remote 10.0.0.11/32
        drop in remote 10.0.0.12/31
        pass in remote 10.0.0.8/29 local 10.0.0.22
        pass in remote fd00::/64 local fd00::22/127
        pass in remote 0.0.0.0/0 local 10.0.0.23
        ''', [
            ('in', udp('in'), 'rule'),
            ('in', udp('in', far='10.0.0.12'), 'rule'),
            ('in', udp('in', far='10.0.0.13'), 'rule'),
            ('in', udp('in', far='10.0.0.14'), 'pass'),
            ('in', udp('in', far='10.0.0.16'), 'default'),
            ('in', udp('in', far='10.0.0.15', vm='10.0.0.21'), 'default'),
            ('in', udp('in', far='192.0.2.1', vm='10.0.0.23'), 'pass'),
            ('in', udp('in', far=FAR6), 'pass'),
            ('in', udp('in', far=FAR6, vm='fd00::23'), 'pass'),
            ('in', udp('in', far=FAR6, vm='fd00::24'), 'default'),
            ('in', udp('in', far='fd00:0:0:1::1'), 'default'),
        ]),
    'ports, sets and ranges': ('''
        pass in tcp local port 22, 80, 8000-8009
        pass out tcp remote port 0-1023 local port 1024-65535
        pass out tcp remote port 65535
        ''', [
            ('in', syn('in', 22), 'pass'),
            ('in', syn('in', 23), 'default'),
            ('in', syn('in', 7999), 'default'),
            ('in', syn('in', 8000), 'pass'),
            ('in', syn('in', 8009), 'pass'),
            ('in', syn('in', 8010), 'default'),
            ('out', syn('out', 1024, 0), 'pass'),
            ('out', syn('out', 1023, 1), 'default'),
            ('out', syn('out', 1025, 1023), 'pass'),
            ('out', syn('out', 1025, 1024), 'default'),
            ('out', syn('out', 0, 65535), 'pass'),
        ]),
    'protocols': ('''
        pass both sctp local port 5
        pass both gre
        drop both 50
        pass both 200
        ''', [
            ('in', packet('in', 132, p.sctp(9, 5)), 'pass'),
            ('in', packet('in', 132, p.sctp(9, 6)), 'default'),
            ('out', packet('out', p.GRE, bytes(8)), 'pass'),
            ('in', packet('in', p.GRE, bytes(8), FAR6), 'pass'),
            ('in', packet('in', p.ESP, bytes(8)), 'rule'),
            ('in', packet('in', 200), 'pass'),
            ('in', packet('in', 201), 'default'),
            ('in', udp('in'), 'default'),
        ]),
    'ICMP types and codes': ('''
        pass in icmp type echo-request
        pass in icmp type 13
        pass in icmp type redirect code 1
        drop in icmp type redirect
        pass in icmpv6 type echo-request
        pass out icmpv6 type 200 code 3
        ''', [
            ('in', packet('in', p.ICMP, p.echo(8, 1)), 'pass'),
            ('in', icmp('in', 13), 'pass'),
            ('in', icmp('in', 17), 'icmp-type'),
            ('in', icmp('in', 5, 1), 'pass'),
            ('in', icmp('in', 5, 0), 'rule'),
            ('in', packet('in', p.ICMP6, p.echo(128, 1), FAR6), 'pass'),
            ('out', packet('out', p.ICMP6, p.echo(128, 2), FAR6), 'default'),
            ('out', icmp('out', 200, 3, FAR6), 'pass'),
            ('out', icmp('out', 200, 4, FAR6), 'icmp-type'),
        ]),
    'stateless rules': ('''
        pass both udp stateless remote port 123
        pass in tcp stateless flags ack/syn,ack local port 80
        drop in tcp stateless flags syn/syn,ack local port 80
        pass both tcp
        ''', [
            ('out', udp('out', 9, 123), 'pass'),
            ('in', udp('in', 9, 124), 'default'),
            ('in', syn('in', 80), 'rule'),
            ('in', syn('in', 80, flags=p.ACK), 'pass'),
            ('in', syn('in', 80, flags=p.FIN | p.ACK), 'pass'),
            ('in', syn('in', 81), 'pass'),
            ('in', syn('in', 82, flags=p.ACK), 'tcp-not-syn'),
        ]),
    'default verdicts': ('''
        default in pass
        default out drop
        drop in udp
        ''', [
            ('in', syn('in'), 'pass'),
            ('in', udp('in'), 'rule'),
            ('out', syn('out', 1, 2), 'default'),
            ('in', packet('in', 99), 'pass'),
            ('out', packet('out', 99), 'pass'),
            ('out', packet('out', 98), 'default'),
        ]),
    'default verdicts the other way': ('default in drop\ndefault out pass', [
            ('in', syn('in'), 'default'),
            ('out', syn('out', 1, 2), 'pass'),
            ('in', syn('in', 1, 2, flags=p.SYN | p.ACK), 'pass'),
        ]),
    'reject': ('''
        reject in tcp local port 80
        reject both udp
        reject in 99
        reject out icmp
        default out reject
        ''', [
            ('in', syn('in', 80), 'rule-reject+answer'),
            ('in', syn('in', 80, far=FAR6), 'rule-reject+answer'),
            ('in', syn('in', 81), 'default'),
            ('out', syn('out', 80), 'default+answer'),
            ('in', udp('in'), 'rule-reject+answer'),
            ('out', udp('out'), 'rule-reject+answer'),
            ('out', udp('out', far=FAR6), 'rule-reject+answer'),
            ('in', packet('in', 99, bytes(8)), 'rule-reject+answer'),
            ('out', packet('out', p.ICMP, p.echo(8, 1)), 'rule-reject+answer'),
        ]),
}


def check_case(bench, policy, steps):
    """Load a policy and send packets."""
    load(policy)
    bench.tool.flush()
    for number, (direction, data, verdict) in enumerate(steps, 1):
        expect(bench.verdict(direction, data), verdict, f'packet {number}')


def answer_to(bench, direction, data):
    """The IP packet that comes back to the sender of one."""
    sender, _ = bench.ends(direction)
    sender.arrived()
    sender.send(sender.frame(data))
    return sender.await_frame(lambda got: got[:6] == p.mac(sender.mac), 'an answer')[14:]


def check_answers(bench):
    """What reject says: a RST that fits, or administratively prohibited."""
    load('reject both')
    for direction in 'in', 'out':
        there, back = (FAR4, VM4) if direction == 'in' else (VM4, FAR4)
        wanted = p.transport_checksum(back, there, p.TCP, p.tcp(6, 5, p.RST | p.ACK, 0, 1001,
                                                                window=0))
        # A frame on the wire has 60 bytes at least, a SYN with one option 58.
        for padding in b'', bytes(6):
            got = answer_to(bench, direction, packet(direction, p.TCP,
                                                     p.tcp(5, 6, p.SYN, 1000)) + padding)
            expect((got[12:16], got[16:20]), (p.address(back), p.address(there)),
                   'addresses of a RST')
            # The checksum may be left to the netdev that sends it; that it is right, clients show.
            expect(got[20:36].hex(), wanted[:16].hex(), f'RST, padding of {len(padding)}')
            six = packet(direction, p.TCP, p.tcp(5, 6, p.SYN, 1000), far=FAR6) + padding
            expect(answer_to(bench, direction, six)[40:56].hex(), wanted[:16].hex(),
                   f'RST of IPv6, padding of {len(padding)}')
        got = answer_to(bench, direction, udp(direction))
        expect((got[9], got[20], got[21]), (p.ICMP, 3, 13), 'ICMP protocol, type, code')
        expect(p.checksum(got[20:]), 0, 'ICMP checksum')
        expect(got[28:48], udp(direction)[:20], 'the packet that is quoted')
        got = answer_to(bench, direction, udp(direction, far=FAR6))
        expect((got[6], got[40], got[41]), (p.ICMP6, 1, 1), 'ICMPv6 protocol, type, code')
        expect(p.transport_checksum(FAR6 if direction == 'out' else VM6,
                                    VM6 if direction == 'out' else FAR6, p.ICMP6, got[40:]),
               got[40:], 'ICMPv6 checksum')


def check_no_answer(bench):
    """Nobody answers a group, an error or a RST."""
    load('reject both')
    sender = bench.peer
    group = p.ether(packet('in', p.UDP, p.udp(1, 2, b'x'), vm='224.1.2.3'), sender.mac,
                    '01:00:5e:01:02:03')
    error = packet('in', p.ICMP, p.icmp(3, 3, payload=udp('out')))
    before = bench.tool.drops()
    for frame in group, sender.frame(error), sender.frame(syn('in', flags=p.RST)):
        sender.arrived()
        sender.send(frame)
        expect(len([f for f in sender.arrived(0.1) if f[:6] == p.mac(sender.mac)]), 0, 'answers')
    expect(len(bench.tool.drops()) > len(before), True, 'all were dropped')


def rule_counts():
    """(packets, bytes) of each rule."""
    rules = json.loads(vfw('-j', '-s', 'policy', 'show', VM))['rules']
    return [(rule.get('packets', 0), rule.get('bytes', 0)) for rule in rules]


def check_counters(bench):
    """Rules count what they decide, and what the flows carry that they let in."""
    load('''
        drop in udp local port 1 comment "one"
        pass in udp local port 2 comment "two"
        pass in udp stateless local port 3
        reject in udp local port 4
        ''')
    bench.tool.flush()
    size = 20 + 8 + 1
    for local, verdict in (1, 'rule'), (3, 'pass'), (4, 'rule-reject+answer'):
        for _ in range(3):
            expect(bench.verdict('in', udp('in', local)), verdict)
    for _ in range(3):
        expect(bench.verdict('in', udp('in', 2)), 'pass')
        expect(bench.verdict('out', udp('out', 2)), 'pass')
    expect(bench.tool.flush()['count'], 1, 'flows')
    expect(rule_counts(), [(3, 3 * size), (6, 6 * size), (3, 3 * size), (3, 3 * size)])
    comments = [rule.get('comment') for rule in
                json.loads(vfw('-j', 'policy', 'show', VM))['rules']]
    expect(comments, ['one', 'two', None, None])


def main():
    """All of it."""
    tap, bench = Tap(), Bench()
    for name, (policy, steps) in CASES.items():
        tap.case(name, check_case, bench, policy, steps)
    tap.case('what reject answers', check_answers, bench)
    tap.case('what reject does not answer', check_no_answer, bench)
    tap.case('counters and comments of rules', check_counters, bench)
    tap.end()


main()
