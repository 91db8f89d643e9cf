# SPDX-License-Identifier: GPL-2.0
"""
Frames with tags, bit for bit, in both directions: what passes a trunk and what does not, that
tagged and untagged packets never meet in one flow, and what becomes of tags in answers and in
packets that are held. Run by test_vlan.sh.
"""

import random
import sys

import packets as p
from bench import Bench, Tap, difference, expect, load, until, vfw, VM

# Addresses that no kernel has, so that nobody answers.
VM4, FAR4, VM6, FAR6 = '10.0.0.22', '10.0.0.11', 'fd00::22', 'fd00::11'
Q, AD = p.ETH_VLAN, p.ETH_QINQ
TMP = sys.argv[1]
POLICY = 'default in pass\ndefault out pass\n'


class Ends:
    """Makes packets and frames of one direction."""
    def __init__(self, bench, direction):
        self.direction = direction
        self.sender, self.receiver = bench.ends(direction)
        self.four = (VM4, FAR4) if direction == 'out' else (FAR4, VM4)
        self.six = (VM6, FAR6) if direction == 'out' else (FAR6, VM6)

    def frame(self, packet, tags=()):
        """A frame with tags, the outer one first."""
        ethertype = p.ETH_IPV6 if packet[0] >> 4 == 6 else p.ETH_IP
        for kind, tag in reversed(tags):
            packet, ethertype = p.vlan(packet, tag, ethertype), kind
        return p.ether(packet, self.sender.mac, self.sender.other_mac, ethertype)

    def udp(self, sport, dport, family=4):
        """A datagram."""
        ends = self.four if family == 4 else self.six
        make = p.ipv4 if family == 4 else p.ipv6
        return make(*ends, p.UDP, p.udp(sport, dport, b'tagged or not'))

    def syn(self, sport, dport, family=4):
        """A SYN."""
        ends = self.four if family == 4 else self.six
        make = p.ipv4 if family == 4 else p.ipv6
        return make(*ends, p.TCP, p.tcp(sport, dport, p.SYN))


FORMS = {
    'untagged': (),
    '802.1q': ((Q, 5),),
    '802.1q with a priority': ((Q, 0xb006),),
    '802.1ad': ((AD, 5),),
    'QinQ': ((AD, 7), (Q, 5)),
    'two of 802.1q': ((Q, 5), (Q, 6)),
    '0x9100': ((0x9100, 5),),
    '0x9100 and 0x9200': ((0x9100, 4094), (0x9200, 1)),
}
BAD_FORMS = {
    'three tags': ((AD, 1), (Q, 2), (Q, 3)),
    'VLAN 4095': ((Q, 4095),),
    'VLAN 4095 inside': ((Q, 5), (Q, 0xffff)),
}


def passes(bench, direction):
    """All forms pass a trunk, bit for bit; malformed ones do not."""
    ends = Ends(bench, direction)
    for name, tags in FORMS.items():
        for family in 4, 6:
            frame = ends.frame(ends.udp(1000, 2000, family), tags)
            expect(bench.verdict(direction, frame), 'pass', f'{name}, IPv{family}')
    for name, tags in BAD_FORMS.items():
        expect(bench.verdict(direction, ends.frame(ends.udp(1000, 2000), tags)), 'vlan', name)
    whole = ends.frame(ends.udp(1000, 2000), ((AD, 7), (Q, 5)))
    # What ends before that, the kernel drops itself when it takes the outer tag out; and what
    # comes through the bridge, that may drop.
    for length in range(20, 22) if direction == 'out' else ():
        expect(bench.verdict(direction, whole[:length]), 'vlan', f'cut after {length} bytes')
    expect(bench.verdict(direction, whole[:22]), 'ip-header', 'nothing behind its tags')
    expect(bench.verdict(direction, whole[:40]), 'ip-header', 'cut within IP')


def access(bench, direction):
    """No tag passes what is no trunk, not even one with nothing but a priority."""
    ends = Ends(bench, direction)
    for name, tags in list(FORMS.items())[1:] + [('priority', ((Q, 0),))]:
        expect(bench.verdict(direction, ends.frame(ends.udp(1, 2), tags)), 'vlan', name)


def apart(bench, direction):
    """
    A flow lets packets back that no rule would, but in its own VLANs only. The policy lets nothing
    in this direction open a flow; the other one opens the flow in one form after the other.
    """
    back = Ends(bench, direction)
    there = Ends(bench, 'in' if direction == 'out' else 'out')
    load(f'default {there.direction} pass\n')
    for port, (name, tags) in enumerate(FORMS.items(), 3000):
        expect(bench.verdict(there.direction, there.frame(there.udp(port, 7), tags)), 'pass', name)
        for other, other_tags in FORMS.items():
            verdict = bench.verdict(direction, back.frame(back.udp(7, port), other_tags))
            same = [(kind, tag & 0xfff) for kind, tag in tags] == \
                [(kind, tag & 0xfff) for kind, tag in other_tags]
            expect(verdict, 'pass' if same else 'default', f'{other} for a flow of {name}')
        # Its priority may change.
        changed = [(kind, tag ^ 0xe000) for kind, tag in tags]
        expect(bench.verdict(direction, back.frame(back.udp(7, port), changed)), 'pass', name)
    load(POLICY)


def errors(bench, direction):
    """An ICMP error passes in the VLANs of the flow that it is about, and in no other."""
    back = Ends(bench, direction)
    there = Ends(bench, 'in' if direction == 'out' else 'out')
    load(f'default {there.direction} pass\n')
    for port, (name, tags) in enumerate(FORMS.items(), 4000):
        packet = there.udp(port, 7)
        expect(bench.verdict(there.direction, there.frame(packet, tags)), 'pass', name)
        error = p.ipv4(*back.four, p.ICMP, p.icmp(3, 3, payload=packet))
        for other, other_tags in FORMS.items():
            verdict = bench.verdict(direction, back.frame(error, other_tags))
            expect(verdict, 'pass' if other == name else 'icmp-error', f'{other} about {name}')
    load(POLICY)


def priority(bench, direction):
    """A tag of nothing but a priority counts as none, alone or beside another."""
    ends = Ends(bench, direction)
    for number, (tags, vlan) in enumerate(((((Q, 0x6000),), 0), (((Q, 0), (Q, 5)), 5),
                                           (((AD, 5), (Q, 0xe000)), 5))):
        port = 5000 + number
        bench.verdict(direction, ends.frame(ends.udp(port, port), tags))
        flows = bench.tool.flows(f'local-port {port}')
        expect([flow.get('vlan', 0) for flow in flows], [vlan], tags)
        expect('vlan-inner' in flows[0], False, tags)


def answers(bench, direction):
    """What rejects a packet answers in its VLANs, with its priority; it goes nowhere else."""
    ends = Ends(bench, direction)
    load('reject both udp\nreject both tcp\n')
    for port, (name, tags) in enumerate(FORMS.items(), 6000):
        for family in 4, 6:
            for packet in ends.udp(port, 7, family), ends.syn(port, 7, family):
                frame = ends.frame(packet, tags)
                expect(bench.verdict(direction, frame), 'rule-reject+answer', name)
                before = bench.tool.drops()
                ends.sender.arrived()
                ends.sender.send(frame)
                length = 14 + 4 * len(tags)
                answer = ends.sender.await_frame(
                    lambda got: got[:6] == p.mac(ends.sender.mac), f'an answer to {name}')
                # Tags and ethertype, as they were.
                expect(answer[12:length].hex(), frame[12:length].hex(), f'{name}, IPv{family}')
                expect(answer[:12], frame[6:12] + frame[:6], name)
                version = answer[length] >> 4
                expect(version, family, name)
                expect(difference(before, bench.tool.drops()),
                       {('rule-reject', direction): 1}, name)
    load(POLICY)


def held(bench, direction):
    """Packets that are held go on as they came, in their order, when the state is there."""
    ends = Ends(bench, direction)
    frames = [ends.frame(ends.udp(7000 + number, 7, family), tags)
              for number, tags in enumerate(FORMS.values()) for family in (4, 6)]
    bad = ends.frame(ends.udp(7, 7), BAD_FORMS['three tags'])
    vfw('vm', 'freeze', VM)
    vfw('snapshot', 'save', VM, 'file', f'{TMP}/vlan')
    vfw('vm', 'del', VM)
    vfw('vm', 'add', VM, 'hold', 'time', '60000')
    vfw('port', 'add', 'port0', 'vm', VM, 'trunk')
    ends.receiver.arrived()
    for frame in frames + [bad]:
        ends.sender.send(frame)
    until(lambda: bench.tool.ask(f'vm show {VM}')[0]['held-packets'] == len(frames) + 1,
          'all held')
    expect(from_sender(ends), [], 'arrived while held')
    before = bench.tool.drops()
    vfw('snapshot', 'restore', 'file', f'{TMP}/vlan')
    got = []

    def all_came():
        got.extend(from_sender(ends))
        return len(got) >= len(frames)
    until(all_came, 'all released')
    expect([frame.hex() for frame in got], [frame.hex() for frame in frames], 'frames')
    after = bench.tool.drops()
    expect(after['vlan', direction] - before.get(('vlan', direction), 0) >= 1, True, 'drops')
    flows = bench.tool.flows(f'{"local" if direction == "out" else "remote"}-port 7004')
    expect([(flow['vlan'], flow['vlan-inner'], flow[f'{direction}-packets']) for flow in flows],
           [(7, 5, 1)] * 2, 'flows')


def from_sender(ends):
    """Datagrams of the sender that have arrived, with their tags."""
    return [frame for frame in ends.receiver.arrived(0.05)
            if frame[6:12] == p.mac(ends.sender.mac) and b'tagged or not' in frame]


def random_frames(bench, direction, count=3000):
    """
    Frames with random tags, some with a byte altered: each is counted once, as passed or dropped,
    and what passes on the other side is what was sent.
    """
    ends = Ends(bench, direction)
    rnd = random.Random(20120702)
    kinds = (Q, AD, 0x9100, 0x9200, 0x9300)
    before = bench.tool.ask(f'stats show {VM}')[0]
    sent = 0
    for _ in range(count):
        tags = [(rnd.choice(kinds), rnd.choice((0, 5, 6, 4094, 4095, rnd.randrange(65536))))
                for _ in range(rnd.choice((0, 1, 1, 2, 2, 3)))]
        frame = bytearray(ends.frame(ends.udp(rnd.randrange(8000, 8010), 7,
                                              rnd.choice((4, 6))), tags))
        # What becomes a fragment waits for others, and is counted when it has waited in vain.
        pieces = range(14 + 4 * len(tags) + 6, 14 + 4 * len(tags) + 8)
        at = rnd.randrange(12, len(frame))
        if rnd.randrange(4) == 0 and at not in pieces:
            frame[at] ^= 1 << rnd.randrange(8)
        if rnd.randrange(8) == 0:
            del frame[rnd.randrange(22, len(frame)):]
        ends.sender.send(bytes(frame))
        sent += 1

    def counted():
        after = bench.tool.ask(f'stats show {VM}')[0]
        dropped = [sum(drop[f'{direction}-packets'] for drop in stats.get('drop', []))
                   for stats in (before, after)]
        passed = after[f'{direction}-packets'] - before[f'{direction}-packets']
        return passed + dropped[1] - dropped[0] >= sent
    until(counted, 'every frame counted')
    ends.receiver.arrived()


def main():
    """All cases, in both directions."""
    tap, bench = Tap(), Bench()
    load(POLICY)
    for direction in 'out', 'in':
        tap.case(f'no trunk, {direction}', access, bench, direction)
    vfw('port', 'set', 'port0', 'trunk')
    for direction in 'out', 'in':
        for case in passes, apart, errors, priority, answers, held, random_frames:
            tap.case(f'{case.__name__.replace("_", " ")}, {direction}', case, bench, direction)
    tap.end()


main()
