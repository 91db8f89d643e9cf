# SPDX-License-Identifier: GPL-2.0
"""
A VM and a far end, in namespaces, with a port between them on which sides take turns.

    peer                            this namespace                        vm
    [u1 10.128.0.1] ------- [u0  bridge or switch  port] ------- [device 10.0.0.2]
"""

import os

from core import sh
from injector import be_silent
from sides import SIDES, Policy, Topology, Vm, until

VM_ADDRESS, FAR_ADDRESS = '10.0.0.2', '10.128.0.1'
VM_MAC, FAR_MAC = '02:00:00:00:00:02', '02:00:00:00:00:01'
GOOD_PORT, BAD_PORT = 4103, 9


def tool(bench, name):
    """A program of tools/, where run.sh has it built."""
    return os.path.join(bench.tree, 'build/bench/tools', name)


class Surroundings:
    """Both namespaces, each with one end; the port of the VM is made by a subclass."""
    port, device = '', ''

    def __init__(self, bench):
        self.bench = bench
        self.topology = Topology('u0', [Vm(0, self.port, VM_MAC)],
                                 {'u0': FAR_MAC, self.port: VM_MAC})

    def make_port(self):
        """The VM's port in this namespace, its device in the VM's."""
        raise NotImplementedError

    def remove_port(self):
        """The port goes, and the device with it."""

    def __enter__(self):
        for name in ('vm', 'peer'):
            sh(['ip', 'netns', 'add', name])
            sh(['ip', '-n', name, 'link', 'set', 'lo', 'up'])
        sh('ip link add u0 type veth peer name u1 netns peer')
        self.make_port()
        self.make_end('vm', self.device, VM_ADDRESS, VM_MAC, (FAR_ADDRESS, FAR_MAC))
        self.make_end('peer', 'u1', FAR_ADDRESS, FAR_MAC, (VM_ADDRESS, VM_MAC))
        for device in ('u0', self.port):
            be_silent(device)
            sh(['ip', 'link', 'set', device, 'up'])
        return self

    @staticmethod
    def make_end(namespace, device, address, mac, other):
        """An end that knows the other one: nobody has to ask, so that nothing else is sent."""
        sh(f'ip netns exec {namespace} sysctl -qw net.ipv6.conf.{device}.disable_ipv6=1')
        sh(['ip', '-n', namespace, 'link', 'set', device, 'address', mac, 'up'])
        sh(['ip', '-n', namespace, 'addr', 'add', f'{address}/8', 'dev', device])
        sh(['ip', '-n', namespace, 'neigh', 'replace', other[0], 'lladdr', other[1],
            'dev', device, 'nud', 'permanent'])

    def __exit__(self, *_):
        self.remove_port()
        for name in ('vm', 'peer'):
            sh(['ip', 'netns', 'del', name])
        until(lambda: not os.path.exists('/sys/class/net/u0'), 'the end of u0')

    def ping(self, port, count, patience=2000, check=True):
        """Round trips from the far end to the VM: three percentiles in ns, or nothing."""
        out = sh([tool(self.bench, 'pingpong'), 'vm', VM_ADDRESS, str(port), 'peer', str(count),
                  str(patience)], check=check)
        return [int(number) for number in out.split()]

    def check(self, side):
        """Fail unless what should pass passes, and what should not does not."""
        for _ in range(2):  # a switch's first packets of a kind go through its daemon
            self.ping(GOOD_PORT, 1)
            side.settle()
        got = self.ping(BAD_PORT, 1, patience=100, check=False)
        self.bench.check(bool(got) == (side.name == 'none'),
                         f'{side.name}: to a port that is not open: {got}')

    def with_side(self, name, function):
        """Set a side up, check it, measure, check its flows, take it down."""
        side = SIDES[name](self.topology, Policy(flows=65536))
        side.setup()
        try:
            self.check(side)
            result = function()
            flows = side.flows()
            self.bench.check(flows is None or 1 <= flows < 100,
                             f'{name} has {flows} flows after a few')
        finally:
            side.teardown()
        return result


class VethSurroundings(Surroundings):
    """The VM's port is a veth."""
    port, device = 'port0', 'eth0'

    def make_port(self):
        sh('ip link add port0 type veth peer name eth0 netns vm')
