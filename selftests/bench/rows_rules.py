# SPDX-License-Identifier: GPL-2.0
"""Many rules: what a packet costs that has to be judged by them, and what it takes to replace them.

The sets are those of rulegen.py. Every side gets the same rules with the same meaning. nftables has
them in three forms:

- nftables: one rule a line, in order, as a policy is usually written;
- nftables-sets: as many of them as pay for themselves in verdict maps with concatenated intervals
  (pipapo), one map for each layer of rules that do not overlap (see RuleSet.layers()), and what is
  left over as lines. This is exact, whatever the set; on sets without overlaps it is one map.

Rules count their packets in vfw, and so they do as lines of nftables; the maps have no counters.
"""

import json
import os
import statistics
import subprocess
import time
from collections import Counter

from core import row, say, sh
from injector import RECORD_NUMBERS, SYN, Template, dev_port, ether, ip, tcp
from rows_packets import (PATIENCE, PORT, REMOTE_MAC, UDP_FROM_VM, UDP_TO_VM, UPLINK, VM_ADDRESS,
                          VM_MAC, Steady, Traffic, port_number, single_vm)
from rulegen import TCP, UDP, RuleSet
from sides import NoneSide, VfwSide, conntrack_begin, conntrack_count, conntrack_end

SYN_TO_VM = Template(ether(ip('10.128.0.1', VM_ADDRESS, 6, tcp(1, 1, SYN)), REMOTE_MAC, VM_MAC))
TEMPLATES = [UDP_TO_VM, UDP_FROM_VM, SYN_TO_VM]
STATE_FIRST = 'ct state vmap { established : accept, related : accept, invalid : drop }'

# About what they cost, to choose how many layers are maps: a line; a map, and each of its elements.
LINE_NS, MAP_NS, ELEMENT_NS = 8, 110, 0.05

BATCH = 64
FLOWS = 16384


def swapped(address):
    """An address as the number that lies in memory."""
    return int.from_bytes(address.to_bytes(4, 'big'), 'little')


def pack(packet, up, port, to_vm=True):
    """A packet of the generator, or its answer, as a record."""
    far = swapped(packet.remote), port_number(packet.remote_port)
    near = swapped(packet.local), port_number(packet.local_port)
    source, target = (far, near) if to_vm else (near, far)
    template = 1 if not to_vm else 2 if packet.protocol == TCP else 0
    return RECORD_NUMBERS.pack(template, up if to_vm else port, source[0], target[0], source[1],
                               target[1], 0, 0, 0, 0, 0)


class Set:
    """A set of rules as all sides want it, and its packets."""
    flows = FLOWS

    def __init__(self, style, size, disjoint=False):
        self.rules = RuleSet(style, size, disjoint=disjoint)
        self.name, self.size = self.rules.name, size
        self.policy = self.chain = None

    def passes(self, packet):
        """Does it go through?"""
        return packet.rule and self.rules.rules[packet.rule - 1].action == 'pass'

    def vfw(self):
        """As vfw's policy."""
        if not self.policy:
            self.policy = self.rules.policy(
                f'default in drop\ndefault out drop\nlimit flows {2 * self.flows}\n'
                f'limit half-open {2 * self.flows}\n')
        return self.policy

    def lines(self):
        """As a chain of nftables, one rule a line."""
        if not self.chain:
            self.chain = 'chain vm {\n' + self.rules.nft_rules() + '}\n'
        return self.chain

    def maps(self):
        """As maps of nftables, and a chain that asks them."""
        layers = self.rules.layers()
        left = self.size
        costs = [LINE_NS * left]    # of so many maps and the rest as lines
        for layer in layers:
            left -= len(layer)
            costs.append(costs[-1] - LINE_NS * len(layer) + MAP_NS + ELEMENT_NS * len(layer))
        count = costs.index(min(costs))
        in_maps = {rule for layer in layers[:count] for rule in layer}
        rest = [rule for rule in self.rules.rules if rule not in in_maps]
        say(f'{self.name}: {len(layers)} layers; {count} maps with {len(in_maps)} rules, '
            f'{len(rest)} as lines')
        declarations, asked = self.rules.nft_maps(layers[:count])
        return (declarations + 'chain vm {\n' + asked +
                RuleSet.of(self.rules, rest).nft_rules() + '}\n')


class VfwRules(VfwSide):
    """vfw with a set."""
    def flush(self):
        """Forget flows."""
        sh(['vfw-nl', 'flow', 'flush', self.topology.vms[0].uuid])

    def hits(self):
        """What each rule has counted."""
        shown = json.loads(sh(['vfw-nl', '-j', '-s', 'policy', 'show', self.topology.vms[0].uuid]))
        policy = shown[0] if isinstance(shown, list) else shown
        return Counter({number: rule['packets'] for number, rule in enumerate(policy['rules'], 1)
                        if rule['packets']})


class NoRules(NoneSide):
    """Without rules."""
    def flush(self):
        """Nothing to forget."""


class NftRules(NoneSide):
    """
    nftables with a set. To load many lines takes long, so they are loaded once, into a chain that no
    hook knows; between setup and teardown a base chain sends packets there.
    """
    name = 'nftables'
    table = 'lines'

    def chains(self):
        """What is loaded once."""
        return self.policy.lines()

    def load(self):
        """Once."""
        path = f'/dev/shm/vfw-bench.{os.getpid()}.nft'
        with open(path, 'w', encoding='ascii') as file:
            file.write(f'table bridge {self.table} {{\n{self.chains()}}}\n')
        begin = time.monotonic()
        sh(['nft', '-f', path])
        os.unlink(path)
        say(f'{self.policy.name}: nftables {self.table} loaded in '
            f'{time.monotonic() - begin:.2f} s')

    def unload(self):
        """At the end."""
        sh(['nft', 'delete', 'table', 'bridge', self.table])

    def setup(self):
        """Begin to ask."""
        super().setup()
        conntrack_begin(self.policy.flows)
        chain = f'bridge {self.table} forward'
        sh(['nft', '-f', '-'], input=f'''
            add chain {chain} {{ type filter hook forward priority filter; policy drop; }}
            add rule {chain} {STATE_FIRST}
            add rule {chain} ether type arp accept
            add rule {chain} oifname "{PORT}" goto vm
            ''')

    def teardown(self):
        """Ask no more."""
        chain = f'bridge {self.table} forward'
        sh(['nft', '-f', '-'], input=f'flush chain {chain}\ndelete chain {chain}\n')
        conntrack_end()
        super().teardown()

    def flows(self):
        """What is tracked."""
        return conntrack_count()

    def flush(self):
        """Forget flows."""
        sh(['conntrack', '-F'])

    def hits(self):
        """What each rule has counted."""
        listed = json.loads(sh(['nft', '-j', 'list', 'chain', 'bridge', self.table, 'vm']))
        counts = [expression['counter']['packets'] for item in listed['nftables']
                  for expression in item.get('rule', {}).get('expr', ()) if 'counter' in expression]
        return Counter({number: count for number, count in enumerate(counts, 1) if count})


class NftMaps(NftRules):
    """nftables with a set in maps."""
    name = 'nftables-sets'
    table = 'maps'

    def chains(self):
        """What is loaded once."""
        return self.policy.maps()

    def hits(self):
        """Maps do not count."""
        return None


class Judged:
    """Packets that open flows against one set: near the end, no match, at random, on all sides."""
    def __init__(self, bench, rules, sides):
        self.bench, self.rules = bench, rules
        topology = single_vm(bench)
        self.sides = {kind.name: kind(topology, rules) for kind in sides}
        # As many as are known to take a tolerable time when one rule after the other is looked at.
        budget = 2000000 if bench.quick else 10000000
        self.few = max(3 * BATCH, min(4096, budget // rules.size // BATCH * BATCH))
        self.many = 2048 if bench.quick else 4096
        made = rules.rules
        self.packets = {'near_end': made.packets_near_end(self.many),
                        'no_match': made.packets_no_match(self.many),
                        'random': made.packets_random(min(self.few, 1024))}
        self.samples = {'near_end': {}, 'no_match': {}}
        self.checked = set()
        self.records()

    def records(self):
        """Into the injector."""
        up, port = dev_port(UPLINK), dev_port(PORT)
        self.first, data = {}, []
        for kind, packets in self.packets.items():
            self.first[kind] = len(data)
            data += [pack(packet, up, port) for packet in packets]
        self.bench.injector.templates(TEMPLATES)
        self.bench.injector.records(data)

    def run(self, side, kind, count):
        """Once, with flows counted and forgotten."""
        packets = self.packets[kind][:count]
        passing = sum(1 for packet in packets if side.name == 'none' or self.rules.passes(packet))
        result = self.bench.injector.run(self.first[kind], len(packets))
        what = f'{self.rules.name}: {side.name}: {len(packets)} packets {kind}: '
        self.bench.check(result.sent_packets == passing,
                         f'{what}{result.sent_packets} came out, not {passing}')
        flows = side.flows()
        self.bench.check(flows in (None, passing), f'{what}{flows} flows, not {passing}')
        side.flush()
        return result

    def check_hits(self, side):
        """Which rules does a side find? Those of the reference."""
        large = self.rules.size > 10000 and side.name == 'nftables'    # nft takes minutes to list
        if side.name in self.checked or large:
            self.run(side, 'random', 1024)
            return
        self.checked.add(side.name)
        if side.name == 'none':
            return
        before = side.hits()
        self.run(side, 'random', 1024)
        if before is None:
            return
        wanted = Counter(packet.rule for packet in self.packets['random'])
        self.bench.check(side.hits() - before == wanted,
                         f'{self.rules.name}: {side.name}: other rules match than should')

    def cost(self, side, kind, count):
        """ns a packet: the median of the batches that had the CPU for themselves. They are taken
        until there are enough, or it becomes clear that the machine is too busy.
        """
        clean, every, turns = [], [], 3 if self.bench.quick else 5
        for turn in range(PATIENCE * turns):
            result = self.run(side, kind, count)
            clean += result.clean_costs()
            every += result.batch_costs()
            if turn >= turns - 1 and len(clean) >= len(every) / 3:
                break
        return statistics.median(clean if len(clean) >= len(every) / 5 else every)

    def sample(self, side):
        """Set up, check, time both kinds, take down."""
        count = self.few if side.name == 'nftables' else self.many
        side.setup()
        try:
            self.check_hits(side)
            for kind, samples in self.samples.items():
                self.run(side, kind, count)
                samples.setdefault(side.name, []).append(self.cost(side, kind, count))
        finally:
            side.teardown()
        return self.samples['near_end'][side.name][-1]

    def measure(self, rounds=None):
        """All sides by turns."""
        loaded = [side for side in self.sides.values() if isinstance(side, NftRules)]
        for side in loaded:
            side.load()
        try:
            self.bench.alternate({name: lambda side=side: self.sample(side)
                                  for name, side in self.sides.items()}, rounds)
        finally:
            for side in loaded:
                side.unload()
        return self.samples


def added(entry):
    """What vfw adds."""
    return entry['vfw'] - entry['none']


def with_ten(bench):
    """What vfw adds with ten rules: label -> ns; empty unless the row was run."""
    row_of_ten = bench.entries.get('rules_10')
    if not row_of_ten:
        return {}
    return {entry.get('what', entry['name']): added(entry)
            for entry in [row_of_ten] + row_of_ten['also']}


def sets_of(bench, size):
    """(style, disjoint, sides): what is measured at a size."""
    all_sides = (NoRules, VfwRules, NftRules, NftMaps)
    if bench.quick and size <= 10000:
        return [('acl', False, all_sides)] + [('acl', True, all_sides)] * (size <= 1000)
    if size <= 10000:
        return [('acl', False, all_sides), ('fw', False, all_sides), ('ipc', False, all_sides),
                ('acl', True, all_sides)]
    # To put overlapping sets of this size in layers takes minutes, to load lines a good part of one.
    lines, maps = (NoRules, VfwRules, NftRules), (NoRules, VfwRules, NftMaps)
    if bench.quick:
        return [('acl', False, lines)]
    return [('acl', False, lines), ('fw', False, lines), ('ipc', False, lines),
            ('acl', True, maps)]


def the_set(bench, style, size, disjoint=False):
    """A set. The last one is kept, and of access lists, which several rows need, all; more would
    be half a gigabyte."""
    kept = bench.__dict__.setdefault('rule_sets', {})
    key = style, size, disjoint
    if key not in kept:
        for other in [other for other in kept if other[0] != 'acl' or other[2]]:
            del kept[other]
        kept[key] = Set(style, size, disjoint)
    return kept[key]


def measure_size(bench, size):
    """label -> samples: by set and by kind of packet."""
    figures = {}
    for style, disjoint, sides in sets_of(bench, size):
        judged = Judged(bench, the_set(bench, style, size, disjoint), sides)
        label = style + ('_disjoint' if disjoint else '')
        main_set = style == 'acl' and not disjoint
        rounds = None if bench.quick or main_set else 3
        for kind, samples in judged.measure(rounds).items():
            figures[f'{label}_{kind}'] = samples
    return figures


def rules_row(bench, name, size):
    """
    The row: an access list, match near the end; all else below it. ratio_to_10: what vfw adds, to
    what it adds with 10 rules of the same kind.
    """
    entries, ten = [], with_ten(bench)
    for label, samples in measure_size(bench, size).items():
        entry = bench.entry(label, 'ns/packet', samples)
        entries.append(entry)
        if label in ten:
            entry['ratio_to_10'] = round(added(entry) / ten[label], 2)
            say(f'{name}: {label}: vfw adds {added(entry):.0f} ns, {entry["ratio_to_10"]} x of '
                'what it adds with 10 rules')
    return {**entries[0], 'name': name, 'what': 'acl_near_end', 'also': entries[1:]}


def register_sizes():
    """A row for each number of rules."""
    for name, size in (('rules_10', 10), ('rules_1k', 1000), ('rules_10k', 10000),
                       ('rules_100k', 100000)):
        row(name, unit='ns/packet')(lambda bench, name=name, size=size:
                                    rules_row(bench, name, size))


register_sizes()


def datagrams(rules, count):
    """Datagrams near the end that pass, in a set."""
    found = [packet for packet in rules.rules.packets_near_end(8 * count)
             if packet.protocol == UDP]
    if len(found) < count:
        raise ValueError(f'{rules.name}: only {len(found)} of {count} datagrams')
    return found[:count]


class Hit(Steady):
    """Established flows under a set."""
    kinds = {kind.name: kind for kind in (NoRules, VfwRules, NftRules)}

    def side(self, name):
        """With the set."""
        return self.kinds[name](self.topology, self.policy)


@row('rules_hit_10k', unit='ns/packet')
def rules_hit_10k(bench):
    """64-byte UDP packets of 500 flows that were accepted near the end of 10,000 rules."""
    rules, topology = the_set(bench, 'acl', 10000), single_vm(bench)
    up, port = dev_port(UPLINK), dev_port(PORT)
    packets = datagrams(rules, 500)
    both = [pack(packet, up, port, to_vm) for packet in packets for to_vm in (True, False)]
    refused = [pack(packet, up, port) for packet in rules.rules.packets_no_match(64)]
    traffic = Traffic(TEMPLATES, len(packets), warm=both[:BATCH], opening=both, timed=both,
                      refused=refused)
    steady = Hit(bench, topology, traffic, rules)
    traffic.load(bench.injector)
    loaded = steady.side('nftables')
    loaded.load()
    try:
        samples = bench.alternate({name: lambda name=name: steady.sample(
            name, 200000 if bench.quick else 1000000) for name in steady.kinds})
    finally:
        loaded.unload()
    return bench.entry('rules_hit_10k', 'ns/packet', samples)


class Replacement:
    """
    Replaces all rules by others while packets of established flows come in at a fixed pace from a
    timer's soft interrupt, as a NIC would bring them. On the uniprocessor kernel the tool and the
    packets take turns: a packet waits wherever the kernel keeps soft interrupts off, and where its
    own judgement takes longer because of the replacement. A packet's delay is from when it was due
    until it was through. It contains what the machine itself delays; 'none' is the same traffic
    through the bridge alone while a program is busy that asks the kernel for nothing.
    """
    COUNT = 64

    def __init__(self, bench, size):
        self.bench, self.topology = bench, single_vm(bench)
        self.rules = the_set(bench, 'acl', size)
        # While nft puts a table in another's place, connections are not tracked, and a packet is
        # compared with one rule after the other. At 15 ns a rule, were packets to come faster than
        # that, nothing else would ever run again.
        self.pace = max(1000000, 100 * size)
        up, port = dev_port(UPLINK), dev_port(PORT)
        packets = datagrams(self.rules, self.COUNT)
        data = [pack(packet, up, port) for packet in packets]
        data += [pack(packet, up, port, False) for packet in packets]
        bench.injector.templates(TEMPLATES)
        bench.injector.records(data)
        self.longest, self.mean = {}, {}
        self.files()

    def files(self):
        """Two of each: the rules, and the rules with one more before them that none of these
        packets match, so that every rule's number is another."""
        self.path = {}
        base = (f'chain forward {{\ntype filter hook forward priority filter; policy drop;\n'
                f'{STATE_FIRST}\nether type arp accept\noifname "{PORT}" goto vm\n}}\n')
        for number, (rule, line) in enumerate((('', ''), ('drop in 99\n',
                                                          'meta l4proto 99 counter drop\n'))):
            texts = {
                'vfw': self.rules.vfw().replace('half-open ' + str(2 * FLOWS) + '\n',
                                                  'half-open ' + str(2 * FLOWS) + '\n' + rule, 1),
                'nftables': 'add table bridge bench\ndelete table bridge bench\n'
                            'table bridge bench {\n' +
                            self.rules.lines().replace('{\n', '{\n' + line, 1) + base + '}\n'}
            for name, text in texts.items():
                path = f'{self.bench.work}/replace.{name}.{number}'
                with open(path, 'w', encoding='ascii') as file:
                    file.write(text)
                self.path[name, number] = path

    def command(self, name, number):
        """What replaces the rules."""
        if name == 'vfw':
            return ['vfw-nl', 'policy', 'load', self.topology.vms[0].uuid, self.path[name, number]]
        if name == 'nftables':
            return ['nft', '-f', self.path[name, number]]
        return ['vfw-nl', 'policy', 'check', self.path['vfw', number]]

    def open(self, side):
        """Flows, established."""
        result = self.bench.injector.run(0, 2 * self.COUNT)
        self.bench.check(result.sent_packets == 2 * self.COUNT,
                         f'{side.name}: {result.sent_packets} of {2 * self.COUNT} packets came out')

    def replace(self, name, number):
        """Once; ms."""
        command, injector = self.command(name, number), self.bench.injector
        injector.paced_start(self.pace, 0, self.COUNT)
        begin = time.monotonic()
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        took = time.monotonic() - begin
        time.sleep(0.1)     # what is freed later delays, too, and all flows are judged anew
        paced = injector.paced_stop()
        self.bench.check(done.returncode == 0, f'{name}: {done.stderr[-500:]}')
        self.bench.check(paced['packets'] >= took * 0.9e9 / self.pace,
                         f'{name}: only {paced["packets"]} packets in {took:.3f} s')
        self.bench.check(paced['sent_packets'] == paced['packets'],
                         f'{name}: {paced["sent_packets"]} of {paced["packets"]} packets came '
                         'out during a replacement')
        self.longest.setdefault(name, []).append(paced['max_ns'] / 1000)
        self.mean.setdefault(name, []).append(paced['mean_ns'] / 1000)
        say(f'{self.rules.name}: {name}: {took * 1000:.1f} ms, longest delay '
            f'{paced["max_ns"] / 1000:.0f} us of {paced["packets"]} packets')
        return took * 1000

    def sample(self, side, times):
        """Set up, replace there and back, take down; the median time."""
        side.setup()
        try:
            self.open(side)
            took = sorted(self.replace(side.name, (number + 1) % 2) for number in range(times))
        finally:
            side.teardown()
        return took[len(took) // 2]


class NftReplaced(NftRules):
    """nftables whose whole table is replaced."""
    def __init__(self, topology, policy, path):
        super().__init__(topology, policy)
        self.path = path

    def setup(self):
        """As the first file has it."""
        NoneSide.setup(self)
        conntrack_begin(self.policy.flows)
        sh(['nft', '-f', self.path])

    def teardown(self):
        """Without the table."""
        sh(['nft', 'delete', 'table', 'bridge', 'bench'])
        conntrack_end()
        NoneSide.teardown(self)


def replacement_row(bench, name, size, rounds, times):
    """The row: the time; the delays below it."""
    replacement = Replacement(bench, size)
    topology, rules = replacement.topology, replacement.rules
    sides = {'none': NoRules(topology, rules), 'vfw': VfwRules(topology, rules),
             'nftables': NftReplaced(topology, rules, replacement.path['nftables', 0])}
    samples = bench.alternate({key: lambda side=side: replacement.sample(side, times)
                               for key, side in sides.items()}, rounds)
    del samples['none']     # it replaces nothing
    delays = [bench.entry('longest_delay', 'us', replacement.longest),
              bench.entry('mean_delay', 'us', replacement.mean)]
    for entry in delays:    # what a side adds is often less than the spread
        entry['ratio_added'] = {}
    return bench.entry(name, 'ms', samples, also=delays)


@row('policy_replace_10k', unit='ms')
def policy_replace_10k(bench):
    """All of 10,000 rules."""
    return replacement_row(bench, 'policy_replace_10k', 10000, 3 if bench.quick else 5,
                           2 if bench.quick else 4)


@row('policy_replace_100k', unit='ms')
def policy_replace_100k(bench):
    """All of 100,000 rules; nft takes its time."""
    return replacement_row(bench, 'policy_replace_100k', 100000, 1 if bench.quick else 3,
                           1 if bench.quick else 2)
