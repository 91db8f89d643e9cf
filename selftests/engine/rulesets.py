# SPDX-License-Identifier: GPL-2.0
"""
Generated rule sets against packets whose first matching rule is known. Run by test_rulegen.sh.
"""

import json
from collections import Counter

import packets as p
from bench import Bench, Tap, VM, difference, expect, load, until, vfw
from rulegen import STYLES, TCP, UDP, RuleSet

SETS = [(style, size, family) for style in STYLES for size, family in ((1000, 4), (1000, 6),
                                                                       (10000, 4))]
PACKETS = {'near the end': 60, 'without match': 60, 'at random': 100}


def frame(bench, rules, packet):
    """The first packet of a connection, and who sends it."""
    sender, _ = bench.ends(packet.direction)
    ends = [(rules.address(packet.remote), packet.remote_port),
            (rules.address(packet.local), packet.local_port)]
    (src, sport), (dst, dport) = ends if packet.direction == 'in' else reversed(ends)
    payload = {TCP: p.tcp(sport, dport, p.SYN), UDP: p.udp(sport, dport, b'x')}[packet.protocol]
    return sender, sender.frame(p.ip(src, dst, packet.protocol, payload))


def wanted_drops(rules, packets):
    """What is dropped: {(reason, direction): packets}."""
    drops = Counter()
    for packet in packets:
        if not packet.rule:
            drops['default', packet.direction] += 1
        elif rules.rules[packet.rule - 1].action == 'drop':
            drops['rule', packet.direction] += 1
    return dict(drops)


def hits():
    """What each rule has counted: {number: packets}."""
    shown = json.loads(vfw('-j', '-s', 'policy', 'show', VM))
    policy = shown[0] if isinstance(shown, list) else shown
    return Counter({number: rule['packets'] for number, rule in enumerate(policy['rules'], 1)
                    if rule['packets']})


def judge(bench, rules, packets):
    """Send packets; fail unless each is counted where it should be, and no other is."""
    before, counted = bench.tool.drops(), hits()
    drops = wanted_drops(rules, packets)
    passing = [packet for packet in packets
               if packet.rule and rules.rules[packet.rule - 1].action == 'pass']
    for packet in packets:
        sender, data = frame(bench, rules, packet)
        sender.send(data)
    until(lambda: sum(difference(before, bench.tool.drops()).values()) >= sum(drops.values()) and
          len(bench.tool.flows()) >= len(passing), 'all packets to be judged')
    expect(difference(before, bench.tool.drops()), drops, 'drops')
    expect(hits() - counted, Counter(packet.rule for packet in packets if packet.rule),
           'hits of the rules')
    flows = Counter((flow['local'], flow['local-port'], flow['remote'], flow['remote-port'],
                     flow['rule']) for flow in bench.tool.flows())
    expect(flows, Counter((rules.address(packet.local), packet.local_port,
                           rules.address(packet.remote), packet.remote_port, packet.rule)
                          for packet in passing), 'flows and their rules')
    bench.tool.flush()


def reference_agrees(rules, packets):
    """The reference's search against the plain one."""
    for packet in packets[::7]:
        expect(rules.reference.linear(*packet[:-1]), packet.rule, f'reference, {packet}')


def layers_agree(rules, packets):
    """The first layer in which a rule matches has the first rule that matches, and no other."""
    layers = rules.layers()
    expect(sum(map(len, layers)), len(rules.rules), 'rules in layers')
    searches = [RuleSet.of(rules, layer).reference for layer in layers]
    for packet in packets:
        found = [layers[level][number - 1] for level, number in
                 enumerate(search.find(*packet[:-1]) for search in searches) if number]
        expect(found[:1], [rules.rules[packet.rule - 1]] if packet.rule else [], f'layer, {packet}')


def main():
    """All sets."""
    bench, tap = Bench(), Tap()
    for style, size, family in SETS:
        rules = RuleSet(style, size, family=family, mixed=True)
        kinds = {'near the end': rules.packets_near_end(PACKETS['near the end']),
                 'without match': rules.packets_no_match(PACKETS['without match'] // 2, 'in') +
                                  rules.packets_no_match(PACKETS['without match'] // 2, 'out'),
                 'at random': rules.packets_random(PACKETS['at random'])}
        load(rules.policy())
        bench.tool.flush()
        for kind, packets in kinds.items():
            tap.case(f'{rules.name}: the reference, {kind}', reference_agrees, rules, packets)
            tap.case(f'{rules.name}: packets {kind}', judge, bench, rules, packets)
        if size <= 1000:
            tap.case(f'{rules.name}: layers', layers_agree, rules, kinds['at random'])
    disjoint = RuleSet('fw', 1000, disjoint=True)
    tap.case('a set of rules that do not overlap is one layer',
             lambda: expect(len(RuleSet.of(disjoint, disjoint.rules).layers()), 1))
    tap.end()


if __name__ == '__main__':
    main()
