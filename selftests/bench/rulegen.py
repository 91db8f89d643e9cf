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
Pareto distribution says. The distributions below are our own.

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
from typing import NamedTuple

TCP, UDP, ICMP, ICMP6, GRE, ESP, ANY = 6, 17, 1, 58, 47, 50, None
NAMES = {TCP: 'tcp', UDP: 'udp', ICMP: 'icmp', ICMP6: 'icmpv6', GRE: 'gre', ESP: 'esp'}
ANY_PORT, HIGH, LOW = (0, 65535), (1024, 65535), (0, 1023)
WELL_KNOWN = [80, 443, 22, 53, 25, 3306, 8080, 21, 110, 143, 389, 5432, 123, 161, 993, 3389, 445,
              139, 514, 1433, 6379, 27017, 5060, 8443, 995, 636, 2049, 111, 179, 587]
RANGES = [(8000, 8999), (5000, 5100), (6000, 6063), (135, 139), (20, 21), (2000, 2999),
          (30000, 32767), (33434, 33523), (49152, 65535), (1024, 4999), (161, 162), (67, 68)]


class Rule(NamedTuple):
    """One rule; addresses are numbers, ports pairs (first, last), protocol None is any."""
    direction: str
    action: str
    protocol: int
    local: int
    local_bits: int
    remote: int
    remote_bits: int
    local_ports: tuple
    remote_ports: tuple


class Packet(NamedTuple):
    """A packet that opens a flow, and the number of its rule, from 1; 0: none matches."""
    direction: str
    protocol: int
    local: int
    local_port: int
    remote: int
    remote_port: int
    rule: int


class Style(NamedTuple):
    """Weights of what a rule may be; prefix lengths as (shortest, longest) in 32nds."""
    local_bits: dict
    remote_bits: dict
    protocols: dict
    local_ports: dict
    remote_ports: dict
    pairs: int          # how many pairs of prefix lengths there are
    drops: float        # part of the rules whose action is drop
    disorder: float     # how far the order departs from "the most special first", in bits


STYLES = {
    # An access list in front of a server farm: servers and their ports are named.
    'acl': Style(
        local_bits={(32, 32): 60, (28, 31): 12, (24, 27): 20, (16, 23): 7, (0, 0): 1},
        remote_bits={(0, 0): 30, (8, 16): 15, (17, 23): 20, (24, 24): 20, (25, 31): 5,
                     (32, 32): 10},
        protocols={TCP: 74, UDP: 21, ANY: 4, ICMP: 1},
        local_ports={'EM': 65, 'WC': 15, 'AR': 14, 'HI': 4, 'LO': 2},
        remote_ports={'WC': 94, 'HI': 5, 'EM': 1},
        pairs=80, drops=0.2, disorder=8),
    # A firewall: wildcards, short prefixes, wide ranges; rules overlap heavily.
    'fw': Style(
        local_bits={(0, 0): 35, (8, 16): 20, (17, 24): 25, (25, 31): 3, (32, 32): 17},
        remote_bits={(0, 0): 45, (8, 16): 22, (17, 24): 20, (32, 32): 13},
        protocols={TCP: 50, UDP: 27, ANY: 19, GRE: 1, ESP: 1, ICMP: 2},
        local_ports={'WC': 30, 'HI': 22, 'LO': 5, 'AR': 18, 'EM': 25},
        remote_ports={'WC': 45, 'HI': 30, 'LO': 3, 'AR': 10, 'EM': 12},
        pairs=120, drops=0.4, disorder=12),
    # A chain of a host or router: something of everything.
    'ipc': Style(
        local_bits={(0, 0): 12, (8, 16): 13, (17, 24): 30, (25, 31): 10, (32, 32): 35},
        remote_bits={(0, 0): 18, (8, 16): 14, (17, 24): 30, (25, 31): 8, (32, 32): 30},
        protocols={TCP: 55, UDP: 30, ANY: 11, ICMP: 2, ESP: 2},
        local_ports={'WC': 35, 'EM': 35, 'AR': 12, 'HI': 14, 'LO': 4},
        remote_ports={'WC': 50, 'EM': 22, 'HI': 18, 'AR': 8, 'LO': 2},
        pairs=140, drops=0.3, disorder=10),
}


class Weighted:
    """Draws the keys of a dictionary by their weights."""
    def __init__(self, rng, weights):
        self.rng, self.keys = rng, list(weights)
        self.cumulative, total = [], 0
        for weight in weights.values():
            total += weight
            self.cumulative.append(total)

    def draw(self):
        """A key."""
        return self.rng.choices(self.keys, cum_weights=self.cumulative)[0]


class Trie:
    """
    Prefixes that nest: a new one lies below an older, shorter one, one of few for most, and the
    bits that it adds go the same way more often than not.
    """
    def __init__(self, rng, roots, width):
        self.rng, self.width = rng, width
        self.by_bits = {}
        self.lengths = []
        for network in roots:
            self._add(int(network.network_address), network.prefixlen)

    def _add(self, value, bits):
        if bits not in self.by_bits:
            self.by_bits[bits] = []
            self.lengths = sorted(self.by_bits)
        self.by_bits[bits].append(value)

    def _skewed(self, bits):
        """A number of some bits, of which three of four are 0."""
        return self.rng.getrandbits(bits) & self.rng.getrandbits(bits) if bits else 0

    def draw(self, bits):
        """A prefix of this length: its value, with 0 beyond the length."""
        rng = self.rng
        known = self.by_bits.get(bits)
        if not bits:
            return 0
        if known and len(known) > 8 and rng.random() < 0.35:
            return known[int(len(known) * rng.random() ** 2)]
        shorter = [length for length in self.lengths if length <= bits]
        if not shorter:
            return self._root(bits)
        parent_bits = shorter[int(len(shorter) * rng.random() ** 0.5)]
        parents = self.by_bits[parent_bits]
        value = parents[int(len(parents) * rng.random() ** 2)]
        more = bits - parent_bits
        tail = self._skewed(more) if rng.random() < 0.5 else rng.getrandbits(more) if more else 0
        value |= tail << (self.width - bits)
        if len(self.by_bits.get(bits, ())) < 50000:
            self._add(value, bits)
        return value

    def _root(self, bits):
        """Shorter than all: a root's own beginning."""
        values = self.by_bits[self.lengths[0]]
        value = self.rng.choice(values)
        return value >> (self.width - bits) << (self.width - bits)


# Local: a farm's networks. Remote: the rest of the world. Neither has what no host may have, and
# both leave room for packets that match nothing.
ROOTS = {
    4: (['10.0.0.0/10', '10.64.0.0/11', '172.16.0.0/14', '192.168.0.0/18'],
        ['16.0.0.0/7', '24.0.0.0/6', '44.0.0.0/8', '64.0.0.0/4', '130.0.0.0/7', '192.0.0.0/7',
         '202.0.0.0/7']),
    6: (['2001:db8::/33', 'fd00:10::/32'],
        ['2400::/12', '2600::/12', '2a00::/13', '2001:400::/23']),
}
FAR_OFF = {
    4: ('100.64.0.0/10', '212.0.0.0/8'),
    6: ('fd77::/16', '2c0f::/16'),
}


def usable(address, width):
    """May a packet come from there or go there?"""
    if width == 32:
        first = address >> 24
        return 0 < first < 224 and first != 127 and first != 169
    return address >> 125 == 1 or address >> 121 == 0x7e    # 2000::/3, fc00::/7


class Generator:
    """Draws the rules of a style."""
    def __init__(self, style, seed, family):
        self.style, self.family = STYLES[style], family
        self.width = 32 if family == 4 else 128
        self.rng = rng = random.Random(f'{style}/{seed}/{family}')
        roots = [[ipaddress.ip_network(text) for text in side] for side in ROOTS[family]]
        self.local = Trie(rng, roots[0], self.width)
        self.remote = Trie(rng, roots[1], self.width)
        self.weighted = {name: Weighted(rng, weights)
                         for name, weights in self.style._asdict().items()
                         if isinstance(weights, dict)}
        self.pairs = Weighted(rng, self._pairs())

    def _pairs(self):
        """
        The pairs of prefix lengths of this set: real sets have few, and few of these are most
        rules' (their number follows Zipf's law).
        """
        pairs = {}
        while len(pairs) < self.style.pairs:
            pair = self.bits('local_bits'), self.bits('remote_bits')
            if sum(pair) >= 8:      # else little were left for the rules that follow
                pairs.setdefault(pair, 1 / (1 + len(pairs)) ** 0.8)
        return pairs

    def bits(self, name):
        """A prefix's length; IPv6 has the same steps over its first 64 bits, and whole hosts."""
        shortest, longest = self.weighted[name].draw()
        bits = shortest if shortest == longest else self.rng.randint(shortest, longest)
        if self.width == 128 and bits:
            bits = 128 if bits == 32 else min(64, 16 + 2 * bits)
        return bits

    def ports(self, name):
        """A port range of a class."""
        rng = self.rng
        kind = self.weighted[name].draw()
        if kind == 'WC':
            return ANY_PORT
        if kind == 'HI':
            return HIGH
        if kind == 'LO':
            return LOW
        if kind == 'EM':
            port = (WELL_KNOWN[int(len(WELL_KNOWN) * rng.random() ** 2)] if rng.random() < 0.7
                    else rng.randint(1, 49151))
            return (port, port)
        if rng.random() < 0.6:
            return RANGES[int(len(RANGES) * rng.random() ** 1.5)]
        first = rng.randint(1, 60000)
        return (first, first + rng.choice((1, 3, 7, 9, 15, 99, 255, 999)))

    def rule(self, direction, any_protocol=True):
        """One rule."""
        local_bits, remote_bits = self.pairs.draw()
        protocol = self.weighted['protocols'].draw()
        if not any_protocol and protocol not in (TCP, UDP):
            protocol = TCP
        if protocol == ICMP and self.family == 6:
            protocol = ICMP6
        ported = protocol in (TCP, UDP)
        return Rule(direction, 'drop' if self.rng.random() < self.style.drops else 'pass',
                    protocol, self.local.draw(local_bits), local_bits,
                    self.remote.draw(remote_bits), remote_bits,
                    self.ports('local_ports') if ported else ANY_PORT,
                    self.ports('remote_ports') if ported else ANY_PORT)

    def direction(self, mixed):
        """Where rules go: all in, or mixed."""
        if not mixed:
            return 'in'
        return self.rng.choices(('in', 'out', 'both'), (60, 30, 10))[0]

    def special(self, rule):
        """How special a rule is: bits that it asks for, and some disorder."""
        bits = (rule.local_bits + rule.remote_bits) * 32 / self.width
        for first, last in rule.local_ports, rule.remote_ports:
            bits += 17 - (last - first + 1).bit_length()
        return bits + (8 if rule.protocol else 0) + self.rng.gauss(0, self.style.disorder)


def port_overlap(one, other):
    """Do two ranges have a port in common?"""
    return one[0] <= other[1] and other[0] <= one[1]


def overlap(one, other, width=32):
    """Is there a packet that matches both rules?"""
    shift = width - min(one.local_bits, other.local_bits)
    if one.local >> shift != other.local >> shift:
        return False
    shift = width - min(one.remote_bits, other.remote_bits)
    return (one.remote >> shift == other.remote >> shift and
            (one.protocol is None or other.protocol is None or one.protocol == other.protocol) and
            (one.direction == other.direction or 'both' in (one.direction, other.direction)) and
            port_overlap(one.local_ports, other.local_ports) and
            port_overlap(one.remote_ports, other.remote_ports))


def draw_ordered(generator, size, mixed):
    """Rules that overlap; no two match the same."""
    seen, rules = set(), []
    while len(rules) < size:
        rule = generator.rule(generator.direction(mixed))
        key = rule[:1] + rule[2:]
        if key not in seen:
            seen.add(key)
            rules.append(rule)
    return sorted(rules, key=generator.special, reverse=True)


def others_of(at, local, leaf, width):
    """The rules of a leaf that is not cut into hosts; None of one that is."""
    hosts, others = at.setdefault(local >> (width - leaf), (False, {}))
    return None if hosts else others.setdefault(local, [])


def draw_disjoint(generator, size):
    """
    Rules no two of which match a common packet. Local prefixes are made the longest of their
    branch, so that only rules with the same local prefix can overlap. A rule for which there is
    no room at its place goes to a neighbour.
    """
    width, rules, at = generator.width, [], {}
    leaf = 24 if width == 32 else 64
    while len(rules) < size:
        rule = generator.rule('in', any_protocol=False)
        if not rule.local_bits:
            rule = rule._replace(local=generator.local.draw(leaf), local_bits=leaf)
        network = rule.local >> (width - leaf)
        # A leaf is one prefix, or is cut into hosts: whichever came first.
        hosts, others = at.setdefault(network, (rule.local_bits > leaf, {}))
        bits = width if hosts else leaf
        local = rule.local >> (width - bits) << (width - bits)
        for _ in range(8):
            rule = rule._replace(local=local, local_bits=bits)
            same = others.setdefault(local, []) if hosts else others_of(at, local, leaf, width)
            if (same is not None and len(same) < 24 and
                    not any(overlap(rule, other, width) for other in same)):
                same.append(rule)
                rules.append(rule)
                break
            spread = 8 if hosts else width - leaf + 8
            local ^= generator.rng.getrandbits(8) << (spread - 8)
    generator.rng.shuffle(rules)
    return rules


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
