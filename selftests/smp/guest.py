# SPDX-License-Identifier: GPL-2.0
"""
Inside the lab host with two CPUs: packets of established flows on both at once, and which cache
lines vfw's code touched on each.

Each CPU has a process bound to it that sends frames from packet sockets; a veth device hands them
to the other end on the same CPU, so that a packet's whole way is there.
"""

import collections
import copy
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import time

import bench
import packets as p
from established import Tcp, Udp, sh, topology

RECORD = '/sys/module/vfw/parameters/record'
SEEN = '/sys/kernel/debug/vfw_smp'
ROUNDS = int(os.environ['SMP_ROUNDS'])
FLOWS = 50  # of each kind on each CPU
VMS = (bench.VM, '9d3c1c02-77ab-4c8e-8f55-0a4b1e6d2b22')
MACS = ('02:00:00:00:00:02', '02:00:00:00:00:03')
POLICY = 'pass out udp\npass out tcp\n'


class Wires:
    """Sockets that send to and from a VM. They receive nothing."""
    def __init__(self, vm):
        self.mac = MACS[vm]
        self.sockets = {'out': self._open('vm', f'eth{vm}'), 'in': self._open('peer', 'u1')}

    @staticmethod
    def _open(namespace, device):
        with bench.Namespace(namespace):
            sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            sender.bind((device, 0))
        return sender

    def send(self, direction, packet):
        """Send a packet in a direction."""
        ends = (self.mac, bench.PEER_MAC)
        frame = p.ether(packet, *(ends if direction == 'out' else ends[::-1]))
        self.sockets[direction].send(frame)


class Cpu:
    """A process that is bound to a CPU and does as it is told, with packets of a VM."""
    def __init__(self, number):
        self.number = number
        self.pipe, pipe = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self._run, args=(pipe,), daemon=True)
        self.process.start()

    def _run(self, pipe):
        os.sched_setaffinity(0, {self.number})
        wires = {}
        while True:
            vm, work = pipe.recv()
            if vm not in wires:
                wires[vm] = Wires(vm)
            sent = 0
            for direction, packet in work:
                wires[vm].send(direction, packet)
                sent += 1
            pipe.send(sent)

    def begin(self, vm, work):
        """Send packets, given as pairs of direction and bytes."""
        self.pipe.send((vm, list(work)))

    def wait(self):
        """How many were sent."""
        return self.pipe.recv()


def flow_set(number):
    """Flows that are a CPU's alone."""
    return [kind(family, number * 1000 + i) for kind in (Udp, Tcp) for family in (4, 6)
            for i in range(FLOWS)]


def openings(flows):
    """The packets by which they come to be established."""
    return [packet for flow in flows for packet in flow.opening()]


def rounds(flows, directions=('out', 'in')):
    """Packets of flows that are established, in turn."""
    return [(direction, flow.out() if direction == 'out' else flow.back())
            for _ in range(ROUNDS) for flow in flows for direction in directions]


def passed(vm):
    """Packets that vfw let pass, and flows there are."""
    flows = bench.Tool().flows(vm=VMS[vm])
    return sum(flow['in-packets'] + flow['out-packets'] for flow in flows), len(flows)


def record(value):
    """Begin or end."""
    with open(RECORD, 'w', encoding='ascii') as switch:
        switch.write(value)


class Seen:
    """What the recorder saw: by CPU, {line: (reads, writes, claims, [from where])}."""
    def __init__(self):
        self.lines = collections.defaultdict(dict)
        self.calls = collections.defaultdict(dict)
        self.lost = 0
        with open(SEEN, encoding='ascii') as file:
            for text in file:
                kind, cpu, *rest = text.split()
                self._take(kind, int(cpu), rest)

    def _take(self, kind, cpu, rest):
        if kind == 'cpu':
            self.lost += int(rest[1])
        elif kind == 'calls':
            self.calls[cpu][rest[0]] = int(rest[1])
        else:
            self.lines[cpu][int(rest[0], 16)] = (*(int(n) for n in rest[1:4]),
                                                 [int(ip, 16) for ip in rest[4:]])

    def written(self, cpu):
        """The lines a CPU wrote."""
        return {line for line, (_, writes, _, _) in self.lines[cpu].items() if writes}

    def read(self, cpu):
        """The lines a CPU read and did not write."""
        return {line for line, (reads, writes, _, _) in self.lines[cpu].items()
                if reads and not writes}

    def claimed(self, cpu):
        """The lines a CPU fetched in order to write, but did not write."""
        return {line for line, (_, writes, claims, _) in self.lines[cpu].items()
                if claims and not writes}


class Names:
    """Places in vfw's code."""
    def __init__(self):
        self.ko = os.environ['SMP_KO']
        with open('/sys/module/vfw/sections/.text', encoding='ascii') as file:
            self.text = int(file.read(), 16)
        self.known = {}

    def place(self, address):
        """The function, the one it is inlined in, and the line, of a return address."""
        if address not in self.known:
            said = subprocess.run(['addr2line', '-fi', '-j', '.text', '-e', self.ko,
                                   hex(address - self.text - 1)], check=True, text=True,
                                  stdout=subprocess.PIPE).stdout.split('\n')
            functions = said[0:-1:2]
            ours = [i for i, at in enumerate(said[1::2]) if '/kmod/' in at]
            first = ours[0] if ours else 0
            at = re.sub(r'.*/(?=[^/]*$)| .*', '', said[first * 2 + 1])
            self.known[address] = f'{functions[first]} ({at})'
        return self.known[address]

    def describe(self, seen, line):
        """Who touches a line: both CPUs' places."""
        places = {self.place(ip) for cpu in (0, 1) if line in seen.lines[cpu]
                  for ip in seen.lines[cpu][line][3]}
        return ', '.join(sorted(places))


def report_lines(title, seen, names, lines):
    """Lines that are shared, put together by who touches them."""
    groups = collections.Counter(names.describe(seen, line) for line in lines)
    print(f'  {title}: {len(lines)}')
    for text, number in groups.most_common(12):
        print(f'    {number:5d} by {text}')
    sys.stdout.flush()


def run(title, cpus, work):
    """Record while both CPUs work: (VM, packets) for each. Returns what was seen."""
    vms = {vm for vm, _ in work}
    before = {vm: passed(vm)[0] for vm in vms}
    record('1')
    for cpu, (vm, packets) in zip(cpus, work):
        cpu.begin(vm, packets)
    sent = [cpu.wait() for cpu in cpus]
    time.sleep(0.1)
    record('0')
    counted = sum(passed(vm)[0] - before[vm] for vm in vms)
    seen = Seen()
    print(f'{title}: {sent[0]} packets on CPU 0, {sent[1]} on CPU 1; vfw let {counted} pass')
    for cpu in 0, 1:
        print(f'  CPU {cpu}: {len(seen.written(cpu))} lines written, '
              f'{len(seen.read(cpu))} only read')
    if counted != sum(sent) or seen.lost:
        sys.exit(f'smp: {sum(sent)} packets were sent, {counted} passed; {seen.lost} accesses '
                 'were not recorded')
    return seen, sum(sent)


def report(seen, names):
    """Print what is shared; returns the lines written by both."""
    both = seen.written(0) & seen.written(1)
    report_lines('lines written by both', seen, names, both)
    report_lines('lines written by one, fetched by the other with prefetchw()', seen, names,
                 (seen.written(0) & seen.claimed(1)) | (seen.written(1) & seen.claimed(0)))
    report_lines('lines written by one, read by the other', seen, names,
                 (seen.written(0) & seen.read(1)) | (seen.written(1) & seen.read(0)))
    called = seen.calls[0].keys() | seen.calls[1].keys()
    print('  functions of the kernel that were called: ' + ', '.join(
        f'{name} {seen.calls[0].get(name, 0)}+{seen.calls[1].get(name, 0)}'
        for name in sorted(called)))
    return both


def second_vm():
    """Another VM beside the first."""
    sh('''ip link add port1 type veth peer name eth1 netns vm
        ip netns exec vm sh -c 'echo 1 > /proc/sys/net/ipv6/conf/eth1/disable_ipv6'
        ip -n vm link set eth1 address 02:00:00:00:00:03 up
        ip link set port1 master br0 up''')


def set_up():
    """Bridge, VMs, and the bridge's knowledge of who is where."""
    topology()
    second_vm()
    for i, vm in enumerate(VMS):
        bench.vfw('vm', 'add', vm, 'name', f'vm{i}')
        bench.vfw('port', 'add', f'port{i}', 'vm', vm)
        bench.load(POLICY, vm)


def establish(cpus, vms, sets, at_once=False):
    """Each CPU opens its own flows, one CPU after the other or both at once."""
    for cpu, vm, flows in zip(cpus, vms, sets):
        cpu.begin(vm, openings(flows))
        if not at_once:
            cpu.wait()
    if at_once:
        for cpu in cpus:
            cpu.wait()


def flush():
    """No flows, in any VM."""
    for vm in VMS:
        bench.Tool().flush(vm=vm)


def main():
    """All of it."""
    set_up()
    names = Names()
    cpus = [Cpu(0), Cpu(1)]
    failed = False
    totals = []
    for title, vms, at_once in (('one VM', (0, 0), False),
                                ('one VM, opened at the same time', (0, 0), True),
                                ('two VMs', (0, 1), True)):
        flush()
        sets = [flow_set(0), flow_set(1)]
        establish(cpus, vms, sets, at_once)
        seen, packets = run(f'established flows of their own, {title}', cpus,
                            [(vm, rounds(flows)) for vm, flows in zip(vms, sets)])
        both = report(seen, names)
        totals.append((packets, seen, both))
        failed |= bool(both)

    # Does the recorder see what is shared? Each CPU has one direction of the same flows.
    flush()
    flows = flow_set(0)
    establish(cpus, (0,), [flows])
    answers = copy.deepcopy(flows)  # they acknowledge what was sent before
    seen, _ = run('the directions of a flow on different CPUs (to compare)', cpus,
                  [(0, rounds(flows, ['out'])), (0, rounds(answers, ['in']))])
    both = report(seen, names)
    if len(both) < len(flows):
        print(f'smp: only {len(both)} lines of {len(flows)} flows were seen to be shared')
        failed = True

    flush()
    seen, _ = run('flows that are opened (to compare)', cpus,
                  [(0, openings(flow_set(number))) for number in (0, 1)])
    report(seen, names)

    print(f'smp: {sum(total[0] for total in totals)} packets, '
          + ', '.join(f'{sum(len(total[1].written(cpu)) for total in totals)} lines written by '
                      f'CPU {cpu}' for cpu in (0, 1))
          + f', {sum(len(total[2]) for total in totals)} by both')
    sys.exit(failed)


if __name__ == '__main__':
    main()
