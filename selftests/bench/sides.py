# SPDX-License-Identifier: GPL-2.0
"""The sides that are compared, each with the same policy, each as its own documentation says.

A side is set up on a topology whose netdevs exist, and torn down without a trace, so that sides
take turns within one boot.
"""

import os
import time
import uuid

from core import BenchError, sh
from injector import be_silent

RUN_OVS = '/var/run/openvswitch'


def sysctl(name, value=None):
    """Read a sysctl, or write it."""
    path = '/proc/sys/' + name.replace('.', '/')
    if value is None:
        with open(path, encoding='ascii') as file:
            return file.read().strip()
    with open(path, 'w', encoding='ascii') as file:
        file.write(str(value))
    return str(value)


def until(condition, what, seconds=10):
    """Wait until a condition holds, and return what it returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise BenchError(f'waited {seconds} s in vain: {what}')
        time.sleep(0.01)


class Vm:
    """A VM: the port that leads to it."""
    def __init__(self, number, port, mac):
        self.uuid = str(uuid.UUID(int=0x4b5fa27e1d344a3c9e0b000000000000 + number, version=4))
        self.name = f'vm{number}'
        self.port = port
        self.mac = mac


class Topology:
    """An uplink and the ports of VMs; macs: of whatever is at a netdev's other end, by its name."""
    def __init__(self, uplink, vms, macs, bridge='br0'):
        self.uplink, self.vms, self.macs, self.bridge = uplink, vms, macs, bridge

    def netdevs(self):
        """All that is to be in a switch."""
        return [self.uplink] + [vm.port for vm in self.vms]


class Policy:
    """What is accepted: new flows to the VM, from a prefix to ports; what belongs to a flow.

    ports: (value, mask), which every side can say in one rule (OpenFlow has no ranges).
    flows: how many there will be; the table of each side is sized for them. vfw may have twice as
        many: lifetimes shrink as a table fills, and a full one makes room for new flows.
    half_open: vfw's limit of incomplete handshakes.
    """
    def __init__(self, flows, remote='10.128.0.0/9', ports=(0x1000, 0xf000),
                 protocols=('udp', 'tcp'), half_open=None, icmp=False):
        self.flows, self.remote, self.ports, self.protocols = flows, remote, ports, protocols
        self.half_open, self.icmp = half_open, icmp

    def port_range(self):
        """The ports as FIRST-LAST."""
        value, mask = self.ports
        return f'{value}-{value | ~mask & 0xffff}'

    def vfw(self):
        """As vfw's policy."""
        lines = ['default in drop', 'default out drop', f'limit flows {2 * self.flows}']
        if self.half_open:
            lines.append(f'limit half-open {self.half_open}')
        lines += [f'pass in {protocol} remote {self.remote} local port {self.port_range()}'
                  for protocol in self.protocols]
        if self.icmp:
            lines.append('pass in icmp type echo-request')
        return '\n'.join(lines) + '\n'

    def nft(self):
        """As nftables' rules for packets to one VM that are of no flow."""
        rules = [f'ip saddr {self.remote} {protocol} dport {self.port_range()} accept'
                 for protocol in self.protocols]
        if self.icmp:
            rules.append('icmp type echo-request accept')
        return rules

    def openflow(self):
        """As OpenFlow matches."""
        value, mask = self.ports
        matches = [f'{protocol},nw_src={self.remote},tp_dst={value:#x}/{mask:#x}'
                   for protocol in self.protocols]
        if self.icmp:
            matches.append('icmp,icmp_type=8')
        return matches


class Side:
    """What stands between ports.

    late: a packet may come out later than it came in, by way of a daemon.
    """
    name = ''
    late = False

    def __init__(self, topology, policy):
        self.topology, self.policy = topology, policy

    def setup(self):
        """Put it between the ports, empty."""
        raise NotImplementedError

    def teardown(self):
        """Take everything away again."""
        raise NotImplementedError

    def flows(self):
        """How many flows it has, None if it knows none."""
        return None

    def flush(self):
        """Forget all flows."""

    def settle(self):
        """Wait for what the side does by and by."""


class NoneSide(Side):
    """A bridge: what everything else is added to."""
    name = 'none'

    def setup(self):
        """A bridge that floods nothing: it knows where everybody is."""
        top = self.topology
        lines = [f'link add {top.bridge} type bridge forward_delay 0 mcast_snooping 0']
        lines += [f'link set {dev} master {top.bridge}' for dev in top.netdevs()]
        sh(['ip', '-batch', '-'], input='\n'.join(lines) + '\n')
        be_silent(top.bridge)
        sh(['ip', 'link', 'set', top.bridge, 'up'])
        fdb = [f'fdb replace {mac} dev {dev} master static' for dev, mac in top.macs.items()]
        sh(['bridge', '-batch', '-'], input='\n'.join(fdb) + '\n')
        # br_netfilter is built in: it would show bridged packets to iptables.
        for switch in ('iptables', 'ip6tables', 'arptables'):
            if os.path.exists(f'/proc/sys/net/bridge/bridge-nf-call-{switch}'):
                sysctl(f'net.bridge.bridge-nf-call-{switch}', 0)

    def teardown(self):
        """Without the bridge."""
        sh(['ip', 'link', 'del', self.topology.bridge])


class HookSide(NoneSide):
    """Netfilter hooks at the VM's port that accept at once: what is below all that vfw does."""
    name = 'hook'
    parameter = '/sys/module/vfw_bench/parameters/hook'

    def hook(self, port):
        """Hook a port, or none."""
        with open(self.parameter, 'w', encoding='ascii') as file:
            file.write(port + '\n')

    def setup(self):
        """With the hooks."""
        super().setup()
        self.hook(self.topology.vms[0].port)

    def teardown(self):
        """Without them."""
        self.hook('')
        super().teardown()


class VfwSide(NoneSide):
    """vfw at the VMs' ports, behind them the bridge."""
    name = 'vfw'

    def setup(self):
        """Declare all VMs, each with the policy."""
        super().setup()
        lines = []
        for vm in self.topology.vms:
            lines += [f'vm add {vm.uuid} name {vm.name}', f'port add {vm.port} vm {vm.uuid}']
        sh(['vfw-nl', '-b', '-'], input='\n'.join(lines) + '\n')
        path = f'/dev/shm/vfw-bench.{os.getpid()}.policy'
        with open(path, 'w', encoding='ascii') as file:
            file.write(self.policy.vfw())
        lines = [f'policy load {vm.uuid} {path}' for vm in self.topology.vms]
        sh(['vfw-nl', '-b', '-'], input='\n'.join(lines) + '\n')
        os.unlink(path)

    def teardown(self):
        """Without VMs."""
        lines = [f'vm del {vm.uuid}' for vm in self.topology.vms]
        sh(['vfw-nl', '-b', '-'], input='\n'.join(lines) + '\n')
        super().teardown()

    def flush(self):
        """Of all VMs."""
        lines = [f'flow flush {vm.uuid}' for vm in self.topology.vms]
        sh(['vfw-nl', '-b', '-'], input='\n'.join(lines) + '\n')

    def flows(self):
        """Of all VMs."""
        return sum(int(line.split()[-1]) for line in
                   sh("vfw-nl -j vm show | grep -o '\"flows\":[0-9]*' | tr : ' '").splitlines())


def conntrack_begin(flows):
    """Size conntrack for so many flows.

    Its documentation has a bucket for each flow, which is in the table twice, by default; tried
    with 250,000 flows, four times as many buckets are the best (the look-up is a fifth cheaper),
    and more of them give nothing.
    """
    if not hasattr(conntrack_begin, 'kept'):
        conntrack_begin.kept = {name: sysctl(name) for name in
                                ('net.netfilter.nf_conntrack_buckets',
                                 'net.netfilter.nf_conntrack_max')}
    buckets = max(65536, 4 << (flows - 1).bit_length())
    sysctl('net.netfilter.nf_conntrack_buckets', buckets)
    sysctl('net.netfilter.nf_conntrack_max', max(65536, flows))
    sysctl('net.netfilter.nf_conntrack_tcp_be_liberal', 0)
    # As vfw has it by default: a connection begins with a SYN.
    sysctl('net.netfilter.nf_conntrack_tcp_loose', 0)
    for name in ('udp_timeout', 'udp_timeout_stream', 'tcp_timeout_syn_sent',
                 'tcp_timeout_syn_recv'):
        sysctl(f'net.netfilter.nf_conntrack_{name}', 3600)


def conntrack_end():
    """Without entries, and as small as before."""
    sh(['conntrack', '-F'])
    for name, value in conntrack_begin.kept.items():
        sysctl(name, value)


def conntrack_count():
    """Entries."""
    return int(sysctl('net.netfilter.nf_conntrack_count'))


class NftSide(NoneSide):
    """nftables in the bridge, with its connection tracking."""
    name = 'nftables'

    def ruleset(self):
        """Established first, by one look at the state; then what may open a flow: with several
        VMs each in a chain of its own, which a map finds by the port."""
        vms, rules = self.topology.vms, self.policy.nft()
        chain = ['ct state vmap { established : accept, related : accept, invalid : drop }']
        chains = []
        if len(vms) == 1:
            chain += [f'oifname "{vms[0].port}" {rule}' for rule in rules]
        else:
            chains = [f'chain {vm.name} {{\n' + '\n'.join(rules) + '\n}' for vm in vms]
            chain.append('oifname vmap { ' +
                         ', '.join(f'"{vm.port}" : jump {vm.name}' for vm in vms) + ' }')
        chain.append('ether type arp accept')
        return ('table bridge bench {\n' + '\n'.join(chains) + '\nchain forward {\n'
                'type filter hook forward priority filter; policy drop;\n' +
                '\n'.join(chain) + '\n}\n}\n')

    def setup(self):
        """The table."""
        super().setup()
        conntrack_begin(self.policy.flows)
        sh(['nft', '-f', '-'], input=self.ruleset())

    def teardown(self):
        """Without the table and what was tracked."""
        sh(['nft', 'delete table bridge bench'])
        conntrack_end()
        super().teardown()

    def flush(self):
        """What is tracked."""
        sh(['conntrack', '-F'])

    def flows(self):
        """What is tracked."""
        return conntrack_count()


class OvsSide(Side):
    """Open vSwitch: its kernel datapath with ct(), its daemons as the packages start them."""
    name = 'ovs'
    late = True
    bridge = 'ovsbr'

    @staticmethod
    def daemons_start():
        """ovsdb-server and ovs-vswitchd, with an empty database."""
        # In the first 10 s after boot ovs-vswitchd 3.1 takes the number of CPUs to be 0 (it counts
        # anew when its last count, at 0 ms, is that old) and starts no thread for upcalls.
        until(lambda: time.monotonic() > 10.5, 'the host to be up for 10 s', 15)
        for directory in (RUN_OVS, '/etc/openvswitch', '/var/log/openvswitch'):
            os.makedirs(directory, exist_ok=True)
        database = '/etc/openvswitch/bench.db'
        if not os.path.exists(database):
            sh(['ovsdb-tool', 'create', database, '/usr/share/openvswitch/vswitch.ovsschema'])
        sh(['ovsdb-server', database, f'--remote=punix:{RUN_OVS}/db.sock', '--detach', '--pidfile',
            '--log-file'])
        sh(['ovs-vsctl', '--no-wait', 'init'])
        # Megaflows stay as long as a row takes; the packets of a row are all of a few kinds.
        sh(['ovs-vsctl', '--no-wait', 'set', 'Open_vSwitch', '.', 'other_config:max-idle=3600000'])
        sh(['ovs-vswitchd', '--detach', '--pidfile', '--log-file', '-vconsole:off'])

    @staticmethod
    def daemons_stop():
        """Both; nothing of them is to run while another side is timed."""
        sh(['ovs-appctl', '-t', 'ovs-vswitchd', 'exit', '--cleanup'])
        sh(['ovs-appctl', '-t', 'ovsdb-server', 'exit'])
        until(lambda: not os.path.exists(f'{RUN_OVS}/ovsdb-server.pid') and
              not os.path.exists(f'{RUN_OVS}/ovs-vswitchd.pid'), 'the end of ovs-vswitchd')

    def openflow(self):
        """The rules, as in Open vSwitch's conntrack tutorial: untracked packets go through ct()
        and come back with their state."""
        up, lines = self.topology.uplink, []
        lines.append('table=0,priority=100,ip,ct_state=-trk,actions=ct(table=1)')
        lines.append('table=0,priority=90,arp,actions=normal')
        lines.append('table=0,priority=0,actions=drop')
        for vm in self.topology.vms:
            to_vm = f'in_port={up},dl_dst={self.topology.macs[vm.port]}'
            if len(self.topology.vms) == 1:
                to_vm = f'in_port={up}'
            lines.append(f'table=1,priority=100,{to_vm},ct_state=+trk+est,ip,actions={vm.port}')
            lines.append(f'table=1,priority=100,in_port={vm.port},ct_state=+trk+est,ip,'
                         f'actions={up}')
            lines += [f'table=1,priority=50,{to_vm},ct_state=+trk+new,{match},'
                      f'actions=ct(commit),{vm.port}' for match in self.policy.openflow()]
        lines.append('table=1,priority=0,actions=drop')
        return '\n'.join(lines) + '\n'

    def setup(self):
        """The switch and its rules."""
        conntrack_begin(self.policy.flows)
        self.daemons_start()
        cmd = ['ovs-vsctl', '--', 'add-br', self.bridge, '--', 'set', 'bridge', self.bridge,
               'datapath_type=system', 'fail_mode=secure']
        for dev in self.topology.netdevs():
            cmd += ['--', 'add-port', self.bridge, dev]
        sh(cmd)
        sh(['ovs-ofctl', 'add-flows', self.bridge, '-'], input=self.openflow())

    def teardown(self):
        """Without the switch."""
        sh(['ovs-vsctl', 'del-br', self.bridge])
        self.daemons_stop()
        conntrack_end()

    def flows(self):
        """What is tracked."""
        return conntrack_count()

    def flush(self):
        """Megaflows stay."""
        sh(['conntrack', '-F'])

    def settle(self):
        """A first packet of a kind goes to ovs-vswitchd, which then puts a flow into the kernel."""
        time.sleep(0.1)


SIDES = {side.name: side for side in (NoneSide, HookSide, VfwSide, NftSide, OvsSide)}
