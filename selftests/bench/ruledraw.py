# SPDX-License-Identifier: GPL-2.0
"""
Draws rules that are like those of real access lists, firewalls and IP chains; rulegen.py says how
and after whom.
"""

import ipaddress
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
