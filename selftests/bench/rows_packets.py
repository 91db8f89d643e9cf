# SPDX-License-Identifier: GPL-2.0
"""What a packet costs: established flows, new flows, a flood of SYNs, many VMs."""

import json
import os
import random
import re
import socket
import statistics
import time

from core import row, say, sh
from injector import (ACK, BATCH, PSH, RECORD_NUMBERS, SYN, Template, add_netdevs, dev_port, ether,
                      ip, tcp, tx_packets, udp)
from sides import SIDES, Policy, Topology, Vm

UPLINK, PORT = 'vb0', 'vb1'
REMOTE_MAC, VM_MAC = '02:00:00:00:01:01', '02:00:00:00:00:02'
VM_ADDRESS = '10.0.0.2'
SEED = 20260101
SLICES, PATIENCE = 8, 6   # parts of a sample; how often as many are tried


def number(text):
    """An IPv4 address as the number that lies in memory."""
    return int.from_bytes(socket.inet_aton(text), 'little')


def port_number(value):
    """A port as the number that lies in memory."""
    return value >> 8 | (value & 0xff) << 8


VM_NUMBER = number(VM_ADDRESS)


class Tuple:
    """The flows of a row: the remote end of each, all to one VM unless said otherwise."""
    def __init__(self, index):
        # 250,000 flows are of 1,000 remote hosts; addresses and ports look like anybody's.
        host, nth = index % 1000, index // 1000
        self.remote = socket.inet_aton(f'10.{128 + host % 100}.{host // 100}.{7 + host % 200}')
        self.remote_number = int.from_bytes(self.remote, 'little')
        self.sport = port_number(1024 + (index * 7919 + nth) % 64000)
        self.dport = port_number(0x1000 + index % 16)


def tuples(count):
    """So many flows, all different."""
    flows = [Tuple(index) for index in range(count)]
    assert len({(f.remote_number, f.sport, f.dport) for f in flows}) == count
    return flows


def pack(template, dev, flow, to_vm, seq=0, ack=0, seq_step=0, ack_step=0, local=VM_NUMBER):
    """A packet of a flow to the VM or from it."""
    if to_vm:
        ends = flow.remote_number, local, flow.sport, flow.dport
    else:
        ends = local, flow.remote_number, flow.dport, flow.sport
    return RECORD_NUMBERS.pack(template, dev, *ends, seq & 0xffffffff, ack & 0xffffffff,
                               seq_step, ack_step, 0)


UDP_TO_VM = Template(ether(ip('10.128.0.1', VM_ADDRESS, 17, udp(1, 1, b'x' * 18)),
                           REMOTE_MAC, VM_MAC))
UDP_FROM_VM = Template(ether(ip(VM_ADDRESS, '10.128.0.1', 17, udp(1, 1, b'x' * 18)),
                             VM_MAC, REMOTE_MAC))


def single_vm(bench):
    """vb0 and vb1, made once; the topology with one VM."""
    if not hasattr(bench, 'single_vm'):
        add_netdevs([UPLINK, PORT])
        bench.single_vm = Topology(UPLINK, [Vm(0, PORT, VM_MAC)],
                                   {UPLINK: REMOTE_MAC, PORT: VM_MAC})
    return bench.single_vm


def came_out(topology):
    """Packets that came out anywhere."""
    return sum(tx_packets(dev) for dev in topology.netdevs())


class Traffic:
    """A program of packets in parts: `warm` has each kind of packet, for some flows; `opening`
    opens the flows; `timed` is played again and again; `refused` must not pass.
    """
    def __init__(self, templates, flows, **parts):
        self.templates, self.flows = templates, flows
        self.parts = {}
        data, at = [], 0
        for name, part in parts.items():
            self.parts[name] = (at, len(part))
            data += part
            at += len(part)
        self.data = b''.join(data)

    def load(self, injector):
        """Into the injector."""
        injector.templates(self.templates)
        injector.records(self.data)

    def run(self, injector, part, **options):
        """One part."""
        first, count = self.parts[part]
        return injector.run(first, count, **options)


def outsiders(up, port):
    """What no side may let through: to another port, from elsewhere, out of the blue."""
    flow, stranger, other = Tuple(0), Tuple(1), Tuple(2)
    flow.dport = port_number(7)
    stranger.remote_number = number('192.0.2.1')
    other.sport = port_number(999)
    return [pack(0, up, flow, True), pack(0, up, stranger, True), pack(1, port, other, False)]


def established_udp(count):
    """Flows with a packet each way, and packets of either direction in random order."""
    up, port = dev_port(UPLINK), dev_port(PORT)
    opening = []
    for flow in tuples(count):
        opening += [pack(0, up, flow, True), pack(1, port, flow, False)]
    timed = opening.copy()
    random.Random(SEED).shuffle(timed)
    return Traffic([UDP_TO_VM, UDP_FROM_VM], count, warm=opening[:16] * 2, opening=opening,
                   timed=timed, refused=outsiders(up, port))


TIMES = b'\1\1\x08\x0a' + bytes(8)
SYN_OPTIONS = b'\2\4\x05\xb4\4\2\x08\x0a' + bytes(8) + b'\1\3\3\7'
SYN_TIMES, OTHER_TIMES = 14 + 20 + 20 + 8, 14 + 20 + 20 + 4   # where TSval is in a frame
SEGMENT = 256


def tcp_template(to_vm, flags, size=0):
    """A segment as Linux sends it, with its options."""
    options, at = (SYN_OPTIONS, SYN_TIMES) if flags & SYN else (TIMES, OTHER_TIMES)
    segment = tcp(1, 1, flags, options, b'x' * size, 64240 if flags & SYN else 502)
    ends = ('10.128.0.1', VM_ADDRESS) if to_vm else (VM_ADDRESS, '10.128.0.1')
    macs = (REMOTE_MAC, VM_MAC) if to_vm else (VM_MAC, REMOTE_MAC)
    return Template(ether(ip(*ends, 6, segment), *macs), at)


def established_tcp_traffic(count):
    """Connections from outside. In each pass each sends a segment to the VM and one back, which
    also acknowledge; the connections are mixed at random."""
    up, port, mixed = dev_port(UPLINK), dev_port(PORT), random.Random(SEED)
    templates = [tcp_template(True, SYN), tcp_template(False, SYN | ACK), tcp_template(True, ACK),
                 tcp_template(True, PSH | ACK, SEGMENT), tcp_template(False, PSH | ACK, SEGMENT)]
    opening, data = [], []
    for flow in tuples(count):
        theirs, ours = mixed.getrandbits(32), mixed.getrandbits(32)
        opening += [pack(0, up, flow, True, theirs, 0),
                    pack(1, port, flow, False, ours, theirs + 1),
                    pack(2, up, flow, True, theirs + 1, ours + 1)]
        data.append((pack(3, up, flow, True, theirs + 1, ours + 1, SEGMENT, SEGMENT),
                     pack(4, port, flow, False, ours + 1, theirs + 1 + SEGMENT, SEGMENT, SEGMENT)))
    order = list(range(count)) * 2
    mixed.shuffle(order)
    turn = [iter(pair) for pair in data]
    timed = [next(turn[index]) for index in order]
    warm = opening[:24] + [packet for pair in data[:8] for packet in pair]
    refused = [opening[0], data[1][0], data[2][1]]
    return Traffic(templates, count, warm=warm, opening=opening, timed=timed,
                   refused=outsiders(up, port) + refused[1:])


def new_flows(count, templates, refused=()):
    """Packets to the VM, each of another flow."""
    up = dev_port(UPLINK)
    timed = [pack(0, up, flow, True) for flow in tuples(count)]
    random.Random(SEED).shuffle(timed)
    return Traffic(templates, count, warm=timed[:16], timed=timed,
                   refused=refused or outsiders(up, dev_port(PORT)))


class Steady:
    """Established flows: the state is built up, checked, and then timed."""
    def __init__(self, bench, topology, traffic, policy):
        self.bench, self.topology, self.traffic, self.policy = bench, topology, traffic, policy
        self.next_pass = self.next_part = 0
        self.shares = {}   # side -> which part of the batches was clean, of each sample

    def side(self, name):
        """A side by its name."""
        return SIDES[name](self.topology, self.policy)

    def run(self, part, **options):
        """A part of the traffic."""
        return self.traffic.run(self.bench.injector, part, **options)

    def complete(self, side, result, what):
        """Did all packets come out?"""
        self.bench.check(result.sent_packets == result.packets,
                         f'{side.name}: {result.sent_packets} of {result.packets} packets '
                         f'{what} came out')

    def warm(self, side):
        """Play what is to come for some flows, until all of it passes at once."""
        for _ in range(20):
            result = self.run('warm')
            if result.sent_packets == result.packets:
                break
            side.settle()
            side.flush()
        self.complete(side, result, 'for warming up')
        if side.name not in ('none', 'hook'):
            self.refuse(side)
        side.flush()
        self.expect_flows(side, 0)

    def refuse(self, side):
        """What must not pass does not."""
        side.flush()
        before = came_out(self.topology) if side.late else 0
        passed = self.run('refused').sent_packets
        side.settle()
        if side.late:
            passed = came_out(self.topology) - before
        self.bench.check(passed == 0, f'{side.name}: {passed} strangers passed')

    def expect_flows(self, side, count):
        """So many, where a side knows any."""
        have = side.flows()
        self.bench.check(have in (None, count), f'{side.name}: {have} flows, not {count}')

    def open(self, side):
        """Warm up, open the flows, and check that they are there and nothing else is."""
        self.next_pass = self.next_part = 0
        self.warm(side)
        self.complete(side, self.run('opening'), 'that open flows')
        self.expect_flows(side, self.traffic.flows)

    def time(self, side, packets):
        """Packets of the flows, so many or some more: the injector's result.

        A part of the program, each time the next, or all of it several times.
        """
        first, count = self.traffic.parts['timed']
        if packets < count:
            at = self.next_part if self.next_part + packets <= count else 0
            self.next_part = at + packets
            result = self.bench.injector.run(first + at, packets)
        else:
            passes = -(-packets // count)
            result = self.run('timed', passes=passes, number=self.next_pass)
            self.next_pass += passes
        self.complete(side, result, 'of established flows')
        return result

    def cost(self, side, packets):
        """ns a packet: the median of the batches that had the CPU for themselves. They are taken
        until there are enough, or it becomes clear that the machine is too busy.
        """
        self.time(side, self.traffic.parts['timed'][1])
        clean, every = [], []
        for turn in range(PATIENCE * SLICES):
            result = self.time(side, packets // SLICES)
            good = result.clean_costs()
            clean += good
            every += result.batch_costs()
            if turn >= SLICES - 1 and len(clean) >= packets / BATCH / 3:
                break
            if len(good) < len(result.times) / 4:
                time.sleep(0.05)
        self.expect_flows(side, self.traffic.flows)
        return self.judge(side, clean, every)

    def judge(self, side, clean, every):
        """The median of clean batches, of all if there are next to none."""
        self.shares.setdefault(side.name, []).append(len(clean) / len(every))
        return statistics.median(clean if len(clean) >= 50 else every)

    def sample(self, name, packets):
        """Set a side up, time it, take it down."""
        side = self.side(name)
        side.setup()
        try:
            self.open(side)
            cost = self.cost(side, packets)
        finally:
            side.teardown()
        say(f'    {name:9}{cost:9.1f}')
        return cost


class Opening(Steady):
    """Each packet opens a flow; the tables are emptied before they are full."""
    repeats = 3

    def open(self, side):
        """Nothing but to warm up."""
        self.warm(side)

    def time(self, side, packets=0):
        """Open all flows."""
        side.flush()
        result = self.run('timed')
        self.complete(side, result, 'that open flows')
        self.expect_flows(side, self.traffic.flows)
        return result

    def cost(self, side, packets):
        """ns a packet: the mean of all batches, so that a table that grows pays for it; of each
        batch the median of several repeats, so that an interruption from outside does not. Only
        repeats in which the batch had the CPU for itself count, if there are any.
        """
        clean, every = None, None
        for turn in range(PATIENCE * self.repeats):
            result = self.time(side)
            costs = result.batch_costs()
            clean, every = clean or [[] for _ in costs], every or [[] for _ in costs]
            for batch, cost in enumerate(costs):
                every[batch].append(cost)
            for batch, good in enumerate(result.clean()):
                if good:
                    clean[batch].append(costs[batch])
            have = sum(len(batch) >= 2 for batch in clean)
            if turn >= self.repeats - 1 and have >= 0.95 * len(clean):
                break
        self.shares.setdefault(side.name, []).append(sum(map(len, clean)) / sum(map(len, every)))
        return statistics.mean(statistics.median(good or any_)
                               for good, any_ in zip(clean, every))


class Flood(Steady):
    """SYNs when there is no room for more: vfw has as many half-open flows as it may, conntrack as
    many entries."""
    room = 65536

    def open(self, side):
        """Fill the table."""
        self.warm(side)
        self.run('opening')
        have = side.flows()
        if side.name == 'vfw':
            self.expect_flows(side, self.room // 4)
        else:   # what is being evicted is counted no more
            self.bench.check(0.99 * self.room < have <= self.room,
                             f'{side.name}: {have} flows do not fill room for {self.room}')

    def time(self, side, packets):
        """More SYNs. vfw makes room by evicting the oldest half-open flow, if that has had half a
        second, conntrack by evicting flows that saw no answer, where it finds one in a few
        buckets; else the SYN is dropped."""
        before = drops(side)
        result = self.run('timed')
        dropped = drops(side) - before
        self.bench.check(dropped >= (result.packets if side.name == 'vfw' else result.packets / 2),
                         f'{side.name}: {result.packets} SYNs, but only {dropped} dropped or '
                         'others for them')
        have = side.flows()
        self.bench.check(have <= self.room, f'{side.name}: {have} flows in room for {self.room}')
        return result

    def cost(self, side, packets):
        """ns a SYN: the median of batches."""
        result = self.time(side, packets)
        return self.judge(side, result.clean_costs(), result.batch_costs())


def drops(side):
    """Packets dropped because of the limit, or flows for them."""
    if side.name == 'vfw':
        stats = json.loads(sh(['vfw-nl', '-j', 'stats', 'show', side.topology.vms[0].uuid]))
        return stats[0]['flows-evicted'] + sum(
            drop['in-packets'] for drop in stats[0].get('drop', [])
            if drop['reason'] == 'half-open-limit')
    return sum(int(value) for value in
               re.findall(r'(?:early_drop| drop)=(\d+)', sh(['conntrack', '-S'])))


def few(bench):
    """established_few"""
    return Steady(bench, single_vm(bench), established_udp(500), Policy(flows=1000))


def many(bench, flows=250000):
    """established_many"""
    return Steady(bench, single_vm(bench), established_udp(flows), Policy(flows=262144))


def segments(bench):
    """established_tcp"""
    return Steady(bench, single_vm(bench), established_tcp_traffic(1000), Policy(flows=4096))


def opening(bench):
    """new_flow"""
    count = 100000 if bench.quick else 250000
    return Opening(bench, single_vm(bench), new_flows(count, [UDP_TO_VM, UDP_FROM_VM]),
                   Policy(flows=count))


def flood(bench):
    """syn_flood"""
    up, topology = dev_port(single_vm(bench).uplink), single_vm(bench)
    count = 200000 if bench.quick else 500000
    syns = [pack(0, up, flow, True, index) for index, flow in enumerate(tuples(80000 + count))]
    traffic = Traffic([tcp_template(True, SYN), tcp_template(False, ACK)], 0, warm=syns[:16],
                      opening=syns[:80000], timed=syns[80000:],
                      refused=outsiders(up, dev_port(PORT)))
    return Flood(bench, topology, traffic, Policy(flows=Flood.room, half_open=Flood.room // 4))


def thousand(bench):
    """vms_1000: each VM has a port and an address of its own, and ten flows."""
    vms = [Vm(i, f'vp{i}', f'02:00:00:02:{i >> 8:02x}:{i & 255:02x}') for i in range(1000)]
    if not hasattr(bench, 'thousand'):
        single_vm(bench)
        add_netdevs([vm.port for vm in vms])
        bench.thousand = Topology(UPLINK, vms, {UPLINK: REMOTE_MAC,
                                                **{vm.port: vm.mac for vm in vms}})
    up, ports = dev_port(UPLINK), [dev_port(vm.port) for vm in vms]
    payload, templates, opened = b'x' * 18, [], []
    for i, vm in enumerate(vms):
        address = f'10.0.{i // 200}.{1 + i % 200}'
        to_vm = ip('10.128.0.1', address, 17, udp(1, 1, payload))
        templates += [Template(ether(to_vm, REMOTE_MAC, vm.mac)),
                      Template(ether(ip(address, '10.128.0.1', 17, udp(1, 1, payload)),
                                     vm.mac, REMOTE_MAC))]
    for index, flow in enumerate(tuples(10000)):
        i = index % 1000
        local = number(f'10.0.{i // 200}.{1 + i % 200}')
        opened += [pack(2 * i, up, flow, True, local=local),
                   pack(2 * i + 1, ports[i], flow, False, local=local)]
    timed = opened.copy()
    random.Random(SEED).shuffle(timed)
    traffic = Traffic(templates, 10000, warm=opened[:16] * 2, opening=opened, timed=timed,
                      refused=outsiders(up, ports[0]))
    return Steady(bench, bench.thousand, traffic, Policy(flows=65536))


FOUR = ('none', 'vfw', 'nftables', 'ovs')
FIVE = ('none', 'hook', 'vfw', 'nftables', 'ovs')

# name: what makes it, its sides, packets of a sample in quick and full mode
PACKET_ROWS = {
    'established_few': (few, FIVE, 400000, 1000000),
    'established_many': (many, FIVE, 500000, 1500000),
    'established_tcp': (segments, FIVE, 400000, 1000000),
    'new_flow': (opening, FOUR, 0, 0),
    'syn_flood': (flood, ('vfw', 'nftables'), 0, 0),
    'vms_1000': (thousand, ('none', 'vfw', 'nftables'), 400000, 1000000),
}


def fewer_flows(bench, sides):
    """Entries below established_many: the same of fewer flows, to see caches fill."""
    entries = []
    for flows in (4000, 16000, 64000):
        work = many(bench, flows)
        work.traffic.load(bench.injector)
        samples = bench.alternate({side: lambda side=side, work=work: work.sample(side, 400000)
                                   for side in sides}, 5)
        entries.append(bench.entry(f'{flows:,} flows', 'ns/packet', samples))
    return entries


def measure(bench, name):
    """A row of the table above."""
    make, sides, quick, full = PACKET_ROWS[name]
    wanted = os.environ.get('SIDES', '').split()
    sides = [side for side in sides if not wanted or side in wanted]
    work = make(bench)
    work.traffic.load(bench.injector)
    packets = quick if bench.quick else full
    samples = bench.alternate({side: lambda side=side: work.sample(side, packets)
                               for side in sides})
    entry = bench.entry(name, 'ns/packet', samples)
    if name == 'established_many' and not bench.quick:
        entry['also'] = fewer_flows(bench, [side for side in sides
                                            if side in ('none', 'vfw', 'nftables')])
    # Of the batches that were timed, the part that had the CPU for itself and counts.
    entry['clean'] = {side: round(statistics.mean(parts), 3) for side, parts in work.shares.items()}
    say(f'{name}: clean {entry["clean"]}')
    return entry


def register():
    """All rows of the table."""
    for name in PACKET_ROWS:
        row(name, unit='ns/packet')(lambda bench, name=name: measure(bench, name))


register()
