# SPDX-License-Identifier: GPL-2.0
"""What a packet costs: established flows, new flows, a flood of SYNs, many VMs."""

import random
import socket
import statistics

from core import row, say
from injector import (ACK, PSH, RECORD_NUMBERS, SYN, Template, add_netdevs, dev_port, ether, ip, tcp,
                      tx_packets, udp)
from sides import SIDES, Policy, Topology, Vm, until

UPLINK, PORT = 'vb0', 'vb1'
REMOTE_MAC, VM_MAC = '02:00:00:00:01:01', '02:00:00:00:00:02'
VM_ADDRESS = '10.0.0.2'
SEED = 20260101


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
    """A program of packets in three parts: what opens the flows, what is timed, what must not pass.

    `opening` is played once in its order, `timed` again and again.
    """
    def __init__(self, templates, opening, timed, refused=(), flows=0):
        self.templates, self.flows = templates, flows
        self.parts = {}
        data, at = [], 0
        for name, part in (('opening', opening), ('timed', timed), ('refused', refused)):
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


def established_udp(bench, count):
    """Flows with a packet each way, and packets of either direction in random order."""
    up, port = dev_port(UPLINK), dev_port(PORT)
    flows = tuples(count)
    opening, timed = [], []
    for flow in flows:
        both = [pack(0, up, flow, True), pack(1, port, flow, False)]
        opening += both
        timed += both
    random.Random(SEED).shuffle(timed)
    bench.check(len(timed) == 2 * count, 'packets are missing')
    return Traffic([UDP_TO_VM, UDP_FROM_VM], opening, timed, outsiders(up, port), count)


def outsiders(up, port):
    """Packets that no side may let through: to another port, from elsewhere, out of the blue."""
    flow, stranger, other = Tuple(0), Tuple(1), Tuple(2)
    flow.dport = port_number(7)
    stranger.remote_number = number('192.0.2.1')
    other.sport = port_number(999)
    return [pack(0, up, flow, True), pack(0, up, stranger, True), pack(1, port, other, False)]


class Steady:
    """A row of established flows: the state is built up, checked, and then timed."""
    def __init__(self, bench, topology, traffic, policy):
        self.bench, self.topology, self.traffic, self.policy = bench, topology, traffic, policy
        self.next_pass = 1

    def open(self, side):
        """Open the flows, and check that they are there and nothing else is."""
        inj, traffic = self.bench.injector, self.traffic

        def first():
            inj.run(*traffic.parts['opening'][:1], count=min(64, traffic.parts['opening'][1]))
        side.warm(first)
        opened = traffic.run(inj, 'opening')
        self.bench.check(opened.sent_packets == opened.packets,
                         f'{side.name}: {opened.sent_packets} of {opened.packets} packets that '
                         'open flows came out')
        self.refuse(side)
        have = side.flows()
        self.bench.check(have in (None, traffic.flows),
                         f'{side.name}: {have} flows, not {traffic.flows}')

    def refuse(self, side):
        """What must not pass does not, and leaves nothing."""
        if side.name == 'none':
            return
        before = came_out(self.topology)
        self.traffic.run(self.bench.injector, 'refused')
        if side.name == 'ovs':
            side.warm(lambda: self.traffic.run(self.bench.injector, 'refused'))
        self.bench.check(came_out(self.topology) == before, f'{side.name}: strangers passed')

    def time(self, side, packets):
        """ns a packet: the median of batches of 64, which no interruption from outside moves."""
        passes = -(-packets // self.traffic.parts['timed'][1])
        result = self.traffic.run(self.bench.injector, 'timed', passes=passes,
                                  number=self.next_pass)
        self.next_pass += passes
        self.bench.check(result.sent_packets == result.packets,
                         f'{side.name}: {result.sent_packets} of {result.packets} packets of '
                         'established flows came out')
        return result

    def sample(self, name, packets, warm_up=0):
        """Set a side up, time it, take it down."""
        side = SIDES[name](self.topology, self.policy)
        self.next_pass = 1
        side.setup()
        try:
            self.open(side)
            if warm_up:
                self.time(side, warm_up)
            result = self.time(side, packets)
        finally:
            side.teardown()
        costs = result.batch_costs()
        low, median, high = statistics.quantiles(costs, n=4)
        say(f'{name:9} mean {result.ns_per_packet:7.1f} median {median:7.1f} quartiles '
            f'{low:7.1f} {high:7.1f} min {min(costs):7.1f} longest batch {result.max_ns} ns')
        return median


FOUR = ('none', 'vfw', 'nftables', 'ovs')


def measure(bench, name, steady, packets, sides=FOUR, warm_up=0):
    """The row of a steady state."""
    steady.traffic.load(bench.injector)
    samples = bench.alternate({side: lambda side=side: steady.sample(side, packets, warm_up)
                               for side in sides})
    return bench.entry(name, 'ns/packet', samples)


@row('established_few', unit='ns/packet')
def established_few(bench):
    """64-byte UDP packets of 500 flows."""
    topology = single_vm(bench)
    steady = Steady(bench, topology, established_udp(bench, 500), Policy(flows=1000))
    return measure(bench, 'established_few', steady, 200000 if bench.quick else 1000000,
                   warm_up=20000)


@row('established_many', unit='ns/packet')
def established_many(bench):
    """64-byte UDP packets of 250,000 flows in random order."""
    topology = single_vm(bench)
    steady = Steady(bench, topology, established_udp(bench, 250000), Policy(flows=262144))
    return measure(bench, 'established_many', steady, 500000 if bench.quick else 1500000)
