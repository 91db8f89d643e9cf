#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Rule sets like those of real access lists and firewalls, and packets for them.

Real rule sets are secret, so others have described their structure: D. Taylor and J. Turner,
"ClassBench: A Packet Classification Benchmark", IEEE/ACM Transactions on Networking 15(3), 2007.
From there come the ideas: the three kinds of sets (access lists, firewalls, IP chains), that
prefixes nest because both ends' addresses are drawn from tries with skewed branches, that a rule's
two prefix lengths and its two port classes go together with its kind, the port classes (WC any, HI
1024-65535, LO 0-1023, AR a range, EM one port), and that a trace comes back to a rule as often as a
Pareto distribution says. The distributions, in ruledraw.py, are our own.

Everything follows from the style, the size and the seed; nothing else is random.

What is written: a policy of vfw; the same as rules of an nftables chain, in order; the same as
verdict maps of nftables (see layers()); and packets with the number of the first rule that matches
them, found by Reference.

    rulegen.py acl 10000 --seed 1 --out DIR
"""

import argparse
import ipaddress
import os
import random

from ruledraw import (ANY_PORT, FAR_OFF, ICMP6, NAMES, STYLES, TCP, UDP, Generator, Packet,
                      draw_disjoint, draw_ordered, overlap, usable)


class Reference:
    """
    Finds the first rule that matches a packet. Rules are kept by protocol and prefix lengths, in a
    dictionary by their addresses; linear() is the plain search, to compare with.
    """
    def __init__(self, rules, width):
        self.rules, self.width = rules, width
        groups = {}
        for number, rule in enumerate(rules, 1):
            for direction in ('in', 'out') if rule.direction == 'both' else (rule.direction,):
                key = (direction, rule.protocol, width - rule.local_bits, width - rule.remote_bits)
                if key not in groups:
                    groups[key] = (number, {})
                where = (rule.local >> key[2], rule.remote >> key[3])
                groups[key][1].setdefault(where, []).append((number, *rule.local_ports,
                                                            *rule.remote_ports))
        self.groups = {}
        for (direction, protocol, local, remote), (first, rules_at) in groups.items():
            for proto in (TCP, UDP) if protocol is None else (protocol,):
                self.groups.setdefault((direction, proto), []).append(
                    (first, local, remote, rules_at))
        for group in self.groups.values():
            group.sort(key=lambda entry: entry[0])

    def find(self, direction, protocol, local, local_port, remote, remote_port):
        """The number of the first rule that matches, or 0."""
        best = len(self.rules) + 1
        for first, local_shift, remote_shift, rules_at in self.groups.get((direction, protocol),
                                                                         ()):
            if first > best:
                break
            for number, l_first, l_last, r_first, r_last in rules_at.get(
                    (local >> local_shift, remote >> remote_shift), ()):
                if number >= best:
                    break
                if l_first <= local_port <= l_last and r_first <= remote_port <= r_last:
                    best = number
                    break
        return 0 if best > len(self.rules) else best

    def linear(self, direction, protocol, local, local_port, remote, remote_port):
        """The same by looking at one rule after another."""
        for number, rule in enumerate(self.rules, 1):
            if (rule.direction in (direction, 'both') and rule.protocol in (None, protocol) and
                    local >> (self.width - rule.local_bits) ==
                    rule.local >> (self.width - rule.local_bits) and
                    remote >> (self.width - rule.remote_bits) ==
                    rule.remote >> (self.width - rule.remote_bits) and
                    rule.local_ports[0] <= local_port <= rule.local_ports[1] and
                    rule.remote_ports[0] <= remote_port <= rule.remote_ports[1]):
                return number
        return 0


class RuleSet:
    """Rules in order, in every form."""
    def __init__(self, style, size, seed=1, family=4, disjoint=False, mixed=False):
        generator = Generator(style, seed, family)
        self.name = f'{style}{"-disjoint" if disjoint else ""}-{size}-v{family}'
        self.family, self.width, self.disjoint = family, generator.width, disjoint
        self.rules = (draw_disjoint(generator, size) if disjoint
                      else draw_ordered(generator, size, mixed))
        self.rng = random.Random(f'{self.name}/{seed}/packets')
        self._reference = None
        self._texts = {}

    @classmethod
    def of(cls, like, rules):
        """A set of some rules of another."""
        made = cls.__new__(cls)
        made.__dict__.update(like.__dict__, rules=rules, disjoint=False, _reference=None)
        return made

    @property
    def reference(self):
        """The Reference of these rules; made when first asked for."""
        if not self._reference:
            self._reference = Reference(self.rules, self.width)
        return self._reference

    # Forms.

    def address(self, value):
        """An address as text."""
        text = self._texts.get(value)
        if text is None:
            if self.width == 32:
                text = f'{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}'
            else:
                text = str(ipaddress.IPv6Address(value))
            self._texts[value] = text
        return text

    def prefix(self, value, bits):
        """A prefix as text."""
        text = self.address(value)
        return text if bits == self.width else f'{text}/{bits}'

    def policy(self, head='default in drop\ndefault out drop\n'):
        """A policy of vfw."""
        lines = [head]
        for rule in self.rules:
            words = [rule.action, rule.direction]
            if not rule.local_bits and not rule.remote_bits:
                words.append(f'ipv{self.family}')
            if rule.protocol is not None:
                words.append(NAMES[rule.protocol])
            for end, value, bits, ports in (
                    ('remote', rule.remote, rule.remote_bits, rule.remote_ports),
                    ('local', rule.local, rule.local_bits, rule.local_ports)):
                if not bits and ports == ANY_PORT:
                    continue
                words.append(end)
                if bits:
                    words.append(self.prefix(value, bits))
                if ports != ANY_PORT:
                    words.append('port ' + port_text(ports))
            lines.append(' '.join(words) + '\n')
        return ''.join(lines)

    def nft_rule(self, rule, direction, counter=True):
        """A rule of a chain that sees packets of one direction."""
        ip = 'ip' if self.family == 4 else 'ip6'
        source, target = ('remote', 'local') if direction == 'in' else ('local', 'remote')
        words = []
        for key, end in (('saddr', source), ('daddr', target)):
            bits = getattr(rule, end + '_bits')
            if bits:
                words.append(f'{ip} {key} {self.prefix(getattr(rule, end), bits)}')
        name = NAMES.get(rule.protocol)
        ports = [f'{name} {key} {port_text(getattr(rule, end + "_ports"))}'
                 for key, end in (('sport', source), ('dport', target))
                 if getattr(rule, end + '_ports') != ANY_PORT]
        if ports:
            words += ports
        elif rule.protocol is not None:
            words.append('meta l4proto ' + (name if name != 'icmpv6' else 'ipv6-icmp'))
        if counter:
            words.append('counter')
        words.append('accept' if rule.action == 'pass' else 'drop')
        return ' '.join(words)

    def nft_rules(self, direction='in', counter=True):
        """The rules of a chain for one direction, a line each, in order."""
        return ''.join(f'    {self.nft_rule(rule, direction, counter)}\n' for rule in self.rules
                       if rule.direction in (direction, 'both'))

    def layers(self):
        """
        The rules in layers: no two of a layer match a common packet, and of two rules that do the
        earlier one is in an earlier layer. So asking the layers in order, whichever rule of one
        matches, gives the first match: all rules that match a packet are in different layers, in
        their order. A layer can be a set with intervals, which must not overlap.
        """
        return [self.rules] if self.disjoint else layers(self.rules, self.width)

    def nft_element(self, rule):
        """An element of a verdict map."""
        protocol = '0-255' if rule.protocol is None else NAMES[rule.protocol]
        if rule.protocol == ICMP6:
            protocol = 'ipv6-icmp'
        return (f'{self.address(rule.local)}/{rule.local_bits} . '
                f'{self.address(rule.remote)}/{rule.remote_bits} . {protocol} . '
                f'{port_text(rule.local_ports)} . {port_text(rule.remote_ports)} : '
                f'{"accept" if rule.action == "pass" else "drop"}')

    def nft_maps(self, chosen=None):
        """
        Verdict maps of the chosen layers (all), and the rules that ask them, for packets towards
        the VM: (declarations, rules). Only TCP and UDP have ports to ask for, so the set must have no other protocols
        whose rules matter to the packets.
        """
        address = 'ipv4_addr' if self.family == 4 else 'ipv6_addr'
        ip = 'ip' if self.family == 4 else 'ip6'
        protocol = 'ip protocol' if self.family == 4 else 'ip6 nexthdr'
        maps, asked = [], []
        for number, rules in enumerate(self.layers() if chosen is None else chosen):
            elements = ',\n      '.join(self.nft_element(rule) for rule in rules)
            maps.append(f'  map layer{number} {{\n    type {address} . {address} . inet_proto . '
                        f'inet_service . inet_service : verdict\n    flags interval\n'
                        f'    elements = {{\n      {elements}\n    }}\n  }}\n')
            asked.append(f'    {ip} daddr . {ip} saddr . {protocol} . th dport . th sport '
                         f'vmap @layer{number}\n')
        return ''.join(maps), ''.join(asked)

    # Packets.

    def _inside(self, value, bits):
        """An address of a prefix."""
        for _ in range(100):
            address = value | self.rng.getrandbits(self.width - bits) if bits < self.width else value
            if usable(address, self.width):
                return address
        raise ValueError('a prefix without usable addresses')

    def _of_rule(self, rule):
        """A packet that matches a rule, whichever matches it before; without the number."""
        rng = self.rng
        direction = rng.choice(('in', 'out')) if rule.direction == 'both' else rule.direction
        protocol = rng.choice((TCP, UDP)) if rule.protocol is None else rule.protocol
        return (direction, protocol, self._inside(rule.local, rule.local_bits),
                rng.randint(max(1, rule.local_ports[0]), max(1, rule.local_ports[1])),
                self._inside(rule.remote, rule.remote_bits),
                rng.randint(max(1, rule.remote_ports[0]), max(1, rule.remote_ports[1])))

    def _gather(self, count, what, draw, good):
        """Different packets that are good; draw() may return None."""
        packets, seen = [], set()
        for _ in range(60 * count + 10000):
            fields = draw()
            if fields is None or fields in seen:
                continue
            number = self.reference.find(*fields)
            if good(number):
                seen.add(fields)
                packets.append(Packet(*fields, number))
                if len(packets) == count:
                    return packets
        raise ValueError(f'{self.name}: found {len(packets)} of {count} packets: {what}')

    def _ported(self, rules):
        return [rule for rule in rules if rule.protocol in (None, TCP, UDP)]

    def packets_near_end(self, count, part=0.05, action='pass'):
        """Packets whose first match is in the last part of the rules and has this action."""
        begin = len(self.rules) - max(1, int(len(self.rules) * part))
        rules = []
        while not rules:    # of few rules the last that will do
            rules = [rule for rule in self._ported(self.rules[begin:]) if rule.action == action]
            begin -= not rules
        hits, state = {}, [None]

        def draw():
            # A rule that the earlier ones seem to leave nothing is not tried for ever.
            state[0] = rule = self.rng.choice(rules)
            hits[rule] = hits.get(rule, 0) - 1
            if hits[rule] < -6 and len(rules) > 1:
                rules.remove(rule)
            return self._of_rule(rule)

        def good(number):
            if number <= begin or self.rules[number - 1].action != action:
                return False
            hits[state[0]] = 1 << 30
            return True

        return self._gather(count, 'near the end', draw, good)

    def packets_no_match(self, count, direction='in'):
        """
        Packets that no rule matches: half of them, if there are, differ from such as match by
        ports and the last bits of addresses, the others come from far off.
        """
        rng, rules = self.rng, self._ported(self.rules)
        local, remote = (ipaddress.ip_network(text) for text in FAR_OFF[self.family])

        def near():
            fields = self._of_rule(rng.choice(rules))
            return (direction, fields[1], self._inside(fields[2] >> 8 << 8, self.width - 8),
                    rng.randint(1, 65535), self._inside(fields[4] >> 12 << 12, self.width - 12),
                    rng.randint(1, 65535))

        def far():
            return (direction, rng.choice((TCP, UDP)),
                    self._inside(int(local.network_address), local.prefixlen), rng.randint(1, 65535),
                    self._inside(int(remote.network_address), remote.prefixlen),
                    rng.randint(1, 65535))

        return self._gather(count, 'without match',
                            lambda: near() if rng.random() < 0.5 else far(),
                            lambda number: number == 0)

    def packets_random(self, count):
        """Packets of rules at random; a rule comes again as often as Pareto says."""
        rng, rules = self.rng, self._ported(self.rules)
        state = [None, 0]

        def draw():
            if state[1] <= 0:
                state[:] = rng.choice(rules), min(1000, int(rng.paretovariate(1)))
            state[1] -= 1
            return self._of_rule(state[0])

        return self._gather(count, 'at random', draw, lambda number: number > 0)


def port_text(ports):
    """A port or range as text."""
    return str(ports[0]) if ports[0] == ports[1] else f'{ports[0]}-{ports[1]}'


def layers(rules, width):
    """See RuleSet.layers()."""
    found = []      # layer -> rules; searched by the groups that Overlaps keeps
    indexes = []
    for rule in rules:
        level = len(found)
        while level and not indexes[level - 1].any(rule):
            level -= 1
        if level == len(found):
            found.append([])
            indexes.append(Overlaps(width))
        found[level].append(rule)
        indexes[level].add(rule)
    return found


class Overlaps:
    """Disjoint rules, to be asked whether one of them overlaps another rule."""
    STEP = 8

    def __init__(self, width):
        self.width = width
        self.wide = []      # prefixes shorter than a step
        self.at = {}        # by the first bits of both prefixes that are as long
        self.shift = width - self.STEP * width // 32

    def _keys(self, rule):
        """First bits of the local and of the remote prefix; None: the prefix is shorter."""
        short = self.width - self.shift
        return (rule.local >> self.shift if rule.local_bits >= short else None,
                rule.remote >> self.shift if rule.remote_bits >= short else None)

    def add(self, rule):
        """One more."""
        self.at.setdefault(self._keys(rule), []).append(rule)

    def any(self, rule):
        """Is there one?"""
        local, remote = self._keys(rule)
        for key, rules in self.at.items():
            if ((key[0] is None or local is None or key[0] == local) and
                    (key[1] is None or remote is None or key[1] == remote) and
                    any(overlap(rule, other, self.width) for other in rules)):
                return True
        return False


def main():
    """Write a set and its packets."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n', maxsplit=1)[0])
    parser.add_argument('style', choices=STYLES)
    parser.add_argument('size', type=int)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--ipv6', action='store_true')
    parser.add_argument('--disjoint', action='store_true', help='no two rules overlap')
    parser.add_argument('--mixed', action='store_true', help='rules of both directions')
    parser.add_argument('--packets', type=int, default=1000, metavar='N', help='of each kind')
    parser.add_argument('--maps', action='store_true', help='also as verdict maps of nftables')
    parser.add_argument('--out', default='.', metavar='DIR')
    args = parser.parse_args()
    rules = RuleSet(args.style, args.size, args.seed, 6 if args.ipv6 else 4, args.disjoint,
                    args.mixed)

    def write(name, text):
        with open(os.path.join(args.out, name), 'w', encoding='ascii') as file:
            file.write(text)

    os.makedirs(args.out, exist_ok=True)
    write('rules.policy', rules.policy())
    for direction in ('in', 'out') if args.mixed else ('in',):
        write(f'rules-{direction}.nft', rules.nft_rules(direction))
    if args.maps:
        declarations, asked = rules.nft_maps()
        write('maps.nft', declarations)
        write('maps-rules.nft', asked)
    for kind, draw in (('near-end', rules.packets_near_end), ('none', rules.packets_no_match),
                       ('random', rules.packets_random)):
        if args.packets:
            write(f'packets-{kind}', ''.join(
                f'{p.direction} {NAMES[p.protocol]} {rules.address(p.local)} {p.local_port} '
                f'{rules.address(p.remote)} {p.remote_port} {p.rule}\n'
                for p in draw(args.packets)))


if __name__ == '__main__':
    main()
