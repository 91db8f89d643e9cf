# SPDX-License-Identifier: GPL-2.0
"""
Ports and their netdevs: what is filtered from when until when, whatever netdevs do.

A VM without a policy passes nothing but address resolution, so that a frame of an unknown
ethertype that is counted as dropped was filtered, in the direction in which it is counted.

    vfw-h: the host                     vfw-g: where the VM's end of a veth is
      v0 ------------------- veth -------- v1
      t0 (tap), m0 (macvtap on v0), d0 (dummy)
"""

import os
import re
import socket
import struct
import time

from vfwtest import IFF_TUN, Client, Namespace, Skip, Tap, eventually, open_tap, rename, same

tap = Tap()
ETHERTYPE = 0x88b5  # for experiments
FRAME = b'\xff' * 6 + b'\x02\0\0\0\0\1' + struct.pack('>H', ETHERTYPE) + bytes(46)


class Topology:
    """The two namespaces and a VM, for one case."""
    def __enter__(self):
        self.host = Namespace('vfw-h').__enter__()
        self.guest = Namespace('vfw-g').__enter__()
        self.nl = self.host.client()
        self.vm = self.nl.new_vm()
        return self

    def __exit__(self, *_):
        self.nl.ask('vm-del', {'uuid': self.vm})
        left = self.nl.well('port-get', dump=True)
        self.nl.close()
        self.guest.__exit__()
        self.host.__exit__()
        same(left, [], 'ports left over')

    def veth(self, name='v0'):
        """A veth from the host to the guest."""
        self.host.ip(f'link add {name} type veth peer name v1')
        self.host.ip('link set v1 netns vfw-g')
        self.host.ip(f'link set {name} up')
        self.guest.ip('link set v1 up')

    def port(self, name, **attrs):
        """Declare a port of the VM."""
        return self.nl.well('port-new', {'vm': self.vm, 'name': name, **attrs})

    def rename(self, old, new):
        """Rename a netdev; on kernels that do not want it up, while it is down."""
        if self.host.ip(f'link set {old} name {new}', check=False)[0]:
            self.host.ip(f'link set {old} down')
            self.host.ip(f'link set {old} name {new} up')

    def filtered(self, ifname='v0'):
        """Is a frame that the host sends through the veth dropped on its way to the VM?"""
        return self._dropped(self.host.packet_socket(ifname), 0)

    def filtered_out(self):
        """Is a frame that the guest sends dropped?"""
        return self._dropped(self.guest.packet_socket('v1'), 1)

    def _dropped(self, sock, direction):
        before = self.ethertype_drops()[direction]
        with sock:
            # Again and again, because a veth has its carrier only some time after both ends are up.
            for _ in range(40):
                try:
                    sock.send(FRAME)
                except OSError:
                    pass  # what egress drops, the sender is told
                time.sleep(0.005)
                if self.ethertype_drops()[direction] > before:
                    return True
        return False

    def ethertype_drops(self):
        """(to the VM, from the VM)"""
        return self.nl.drops(self.vm).get('ethertype', (0, 0))


def declared_before():
    """A netdev that appears under a declared name is filtered, in both directions."""
    with Topology() as t:
        same(t.port('v0')['state'], 'absent')
        t.veth()
        port = t.nl.well('port-get', {'name': 'v0'})
        same((port['state'], port['type']), ('present', 'host'))
        same((t.filtered(), t.filtered_out()), (True, True))


def declared_after():
    """A netdev that is here is filtered from its declaration to its deletion."""
    with Topology() as t:
        t.veth()
        same((t.filtered(), t.filtered_out()), (False, False))
        port = t.port('v0')
        same((port['state'], port['type']), ('present', 'host'))
        with t.host.inside():
            same(port['ifindex'], socket.if_nametoindex('v0'))
        same((t.filtered(), t.filtered_out()), (True, True))
        t.nl.well('port-del', {'name': 'v0'})
        same((t.filtered(), t.filtered_out()), (False, False))
        t.port('v0')
        t.nl.well('vm-del', {'uuid': t.vm})
        t.vm = t.nl.new_vm()
        same((t.filtered(), t.filtered_out()), (False, False))


def comes_and_goes():
    """A netdev that goes leaves its port absent; the next of that name is filtered."""
    with Topology() as t:
        t.port('v0')
        for _ in range(3):
            t.veth()
            same((t.filtered(), t.filtered_out()), (True, True))
            t.host.ip('link del v0')
            same(t.nl.port_state('v0'), 'absent')


def first_packet():
    """The first packet of a tap is filtered, in both directions."""
    with Topology() as t:
        t.port('t0')
        with t.host.inside():
            fd = open_tap('t0')
        same(t.nl.well('port-get', {'name': 't0'})['type'], 'host')
        t.host.ip('link set t0 up')
        # Drops so far are what the host itself sent into the tap (router solicitation).
        before = t.ethertype_drops()
        os.write(fd, FRAME)
        same(t.ethertype_drops(), (before[0], before[1] + 1), 'from the VM')
        same(t.filtered('t0'), True)
        os.close(fd)
        eventually(lambda: t.nl.port_state('t0') == 'absent', 'tap gone')


def macvtap():
    """A macvtap is mirrored: what its file writes comes from the VM, what it receives goes to it."""
    with Topology() as t:
        t.veth()
        t.port('m0')
        t.host.ip('link add link v0 name m0 type macvtap mode bridge')
        port = t.nl.well('port-get', {'name': 'm0'})
        same((port['state'], port['type']), ('present', 'mirrored'))
        t.host.ip('link set m0 up')
        device = f'/dev/tap{port["ifindex"]}'
        eventually(lambda: os.path.exists(device), device)
        fd = os.open(device, os.O_RDWR | os.O_NONBLOCK)
        before = t.ethertype_drops()
        os.write(fd, bytes(10) + FRAME)  # struct virtio_net_hdr first
        same(t.ethertype_drops(), (before[0], before[1] + 1), 'from the VM')
        with t.guest.packet_socket('v1') as sock:
            sock.send(FRAME)
        eventually(lambda: t.ethertype_drops() == (before[0] + 1, before[1] + 1), 'to the VM')
        os.close(fd)


def given_type():
    """A type that is given holds, and port-set turns the directions at once."""
    with Topology() as t:
        t.veth()
        same(t.port('v0', type='mirrored')['type'], 'mirrored')
        before = t.ethertype_drops()
        with t.guest.packet_socket('v1') as sock:
            sock.send(FRAME)
        eventually(lambda: t.ethertype_drops() == (before[0] + 1, before[1]), 'to the VM')
        t.nl.well('port-set', {'name': 'v0', 'type': 'host'})
        same(t.filtered_out(), True)


def trunk():
    """Tagged frames are looked into on a trunk only; port-set turns it on and off."""
    def counted(reason):
        """Is a tagged frame of the guest counted under this reason, and the other one not?"""
        before = t.nl.drops(t.vm)
        with t.guest.packet_socket('v1') as sock:
            sock.send(FRAME[:12] + struct.pack('>HH', 0x8100, 5) + FRAME[12:])
        eventually(lambda: t.nl.drops(t.vm) != before, 'tagged frame counted')
        after = t.nl.drops(t.vm)
        return [name for name in ('vlan', 'ethertype')
                if after.get(name, (0, 0))[1] > before.get(name, (0, 0))[1]] == [reason]

    with Topology() as t, t.host.client() as watcher:
        watcher.ntf_subscribe('events')
        t.veth()
        # Until the link is there, with a frame that nothing is told from.
        same((t.filtered_out(), 'trunk' in t.nl.well('port-new', {'vm': t.vm, 'name': 'x0'})),
             (False, False))
        same(t.port('v0', trunk=True)['trunk'], True)
        same((t.filtered_out(), counted('ethertype')), (True, True))
        t.nl.well('port-set', {'name': 'v0', 'access': True})
        same('trunk' in t.nl.well('port-get', {'name': 'v0'}), False)
        same(counted('vlan'), True)
        t.nl.well('port-set', {'name': 'v0', 'trunk': True})
        same(t.nl.well('port-get', {'name': 'v0'})['trunk'], True)
        same([port.get('trunk') for port in t.nl.well('port-get', dump=True)], [None, True])
        same(counted('ethertype'), True)
        # Nothing else is changed by it, nor it by anything else.
        t.nl.well('port-set', {'name': 'v0', 'type': 'host'})
        t.nl.well('port-set', {'name': 'v0', 'new-name': 'later'})
        same(t.nl.well('port-get', {'name': 'later'})['trunk'], True)
        t.nl.well('port-set', {'name': 'later', 'new-name': 'v0', 'access': True})
        same(counted('vlan'), True)
        t.nl.refused('EINVAL', 'port-set', {'name': 'v0', 'trunk': True, 'access': True},
                     bad='access', text='either trunk or access')
        t.nl.refused('EINVAL', 'port-set', {'name': 'v0'}, missing='new-name',
                     text='nothing to change')
        same(counted('vlan'), True)
        events = [(event['name'], event.get('trunk')) for _, event in watcher.events()]
        same(events, [('x0', None), ('v0', True), ('v0', None), ('v0', True), ('v0', True),
                      ('later', True), ('v0', None)])


def renamed():
    """A port follows its netdev to another name."""
    with Topology() as t:
        t.veth()
        t.port('v0')
        t.rename('v0', 'w0')
        t.nl.refused('ENOENT', 'port-get', {'name': 'v0'}, bad='name')
        same(t.nl.port_state('w0'), 'present')
        same((t.filtered('w0'), t.filtered_out()), (True, True))
        t.rename('w0', 'v0')
        same(t.nl.port_state('v0'), 'present')
        same((t.filtered(), t.filtered_out()), (True, True))


def renamed_to_declared():
    """A netdev that takes a declared name is filtered."""
    with Topology() as t:
        t.veth('x0')
        t.port('v0')
        same(t.filtered('x0'), False)
        t.rename('x0', 'v0')
        same(t.nl.port_state('v0'), 'present')
        same((t.filtered(), t.filtered_out()), (True, True))


def renamed_to_other_port():
    """A netdev that takes the name of another port goes over to that one."""
    with Topology() as t, t.host.client() as nl:
        other = nl.new_vm()
        t.veth('v0')
        nl.well('port-new', {'vm': other, 'name': 'v0'})
        t.port('w0')
        same(t.filtered('v0'), False)
        t.rename('v0', 'w0')
        same((nl.port_state('v0'), nl.port_state('w0')), ('absent', 'present'))
        same((t.filtered('w0'), t.filtered_out()), (True, True))
        before = nl.drops(other)
        t.filtered('w0')
        same(nl.drops(other), before, 'drops of the former VM')
        t.rename('w0', 'v0')
        same((nl.port_state('v0'), nl.port_state('w0')), ('present', 'absent'))
        same(t.filtered('v0'), False)
        nl.well('vm-del', {'uuid': other})


def port_moves():
    """port-set with a new name: the former netdev is let go, the new one is filtered."""
    with Topology() as t:
        t.veth()
        t.host.ip('link add d0 type dummy')
        port = t.port('d0')
        t.nl.well('port-set', {'name': 'd0', 'new-name': 'v0'})
        moved = t.nl.well('port-get', {'name': 'v0'})
        same((moved['id'], moved['state']), (port['id'], 'present'))
        same((t.filtered(), t.filtered_out()), (True, True))
        t.nl.well('port-set', {'name': 'v0', 'new-name': 'later'})
        same(t.nl.port_state('later'), 'absent')
        same((t.filtered(), t.filtered_out()), (False, False))


def moved_away():
    """A netdev that moves to another namespace leaves its port absent, and comes back filtered."""
    with Topology() as t, Namespace('vfw-x') as elsewhere:
        t.veth()
        t.port('v0')
        t.host.ip('link set v0 netns vfw-x')
        same(t.nl.port_state('v0'), 'absent')
        elsewhere.ip('link set v0 up')
        with t.guest.packet_socket('v1') as sock:
            before = t.ethertype_drops()
            sock.send(FRAME)
            time.sleep(0.05)
            same(t.ethertype_drops(), before, 'drops while it is elsewhere')
        elsewhere.ip('link set v0 netns vfw-h')
        same(t.nl.port_state('v0'), 'present')
        t.host.ip('link set v0 up')
        same((t.filtered(), t.filtered_out()), (True, True))


def moved_with_name():
    """A netdev that gets a declared name by moving is filtered."""
    with Topology() as t, Namespace('vfw-x') as elsewhere:
        t.port('v0')
        elsewhere.ip('link add x0 type veth peer name v1 netns vfw-g')
        elsewhere.ip('link set x0 netns vfw-h name v0')
        same(t.nl.port_state('v0'), 'present')
        t.host.ip('link set v0 up')
        t.guest.ip('link set v1 up')
        same((t.filtered(), t.filtered_out()), (True, True))


def namespace_of_netdev_ends():
    """The other end's namespace ends, and with it the veth: the port is absent."""
    with Topology() as t:
        t.veth()
        t.port('v0')
        t.guest.ip('link set v1 down')
        t.guest.__exit__()
        eventually(lambda: t.nl.port_state('v0') == 'absent', 'netdev gone')


def not_ethernet():
    """A netdev without Ethernet frames cannot take a declared name, nor be declared."""
    with Topology() as t:
        t.port('t0')
        with t.host.inside():
            try:
                open_tap('t0', IFF_TUN)
                raise AssertionError('a tun netdev was registered under a declared name')
            except OSError as why:
                same(why.errno, 95, 'errno')
            fd = open_tap('u0', IFF_TUN)
            try:
                rename('u0', 't0')
                raise AssertionError('a tun netdev was renamed to a declared name')
            except OSError as why:
                same(why.errno, 95, 'errno')
            socket.if_nametoindex('u0')
        same(t.nl.port_state('t0'), 'absent')
        t.nl.refused('ENOTSUP', 'port-new', {'vm': t.vm, 'name': 'u0'}, bad='name',
                     text='Ethernet')
        t.nl.refused('ENOTSUP', 'port-set', {'name': 't0', 'new-name': 'u0'}, bad='new-name',
                     text='Ethernet')
        same(t.nl.port_state('t0'), 'absent')
        os.close(fd)


def not_ethernet_moved():
    """What cannot be refused when it moves here stays down."""
    with Topology() as t, Namespace('vfw-x') as elsewhere:
        t.port('t0')
        with elsewhere.inside():
            fd = open_tap('t0', IFF_TUN)
        elsewhere.ip('link set t0 netns vfw-h')
        same(t.nl.port_state('t0'), 'absent')
        status, said = t.host.ip('link set t0 up', check=False)
        assert status, f'a netdev that cannot be filtered was brought up: {said}'
        t.rename('t0', 'other')
        t.host.ip('link set other up')
        os.close(fd)


def alternative_name():
    """An alternative name is not the netdev's name."""
    with Topology() as t:
        t.veth()
        status, said = t.host.ip('link property add dev v0 altname alias0', check=False)
        if status:
            raise Skip(said.strip())
        t.nl.refused('EINVAL', 'port-new', {'vm': t.vm, 'name': 'alias0'}, bad='name',
                     text='alternative name of the netdev v0')


def port_events():
    """Events: a netdev appears, is renamed, moves over, disappears."""
    with Topology() as t, t.host.client() as listener:
        listener.ntf_subscribe('events')
        t.port('v0')
        t.port('w0')
        t.veth('v0')
        t.rename('v0', 'x0')
        t.rename('x0', 'w0')
        t.host.ip('link del w0')
        seen = [(name, port['name'], port['state']) for name, port in listener.events()]
    same(seen, [('port-ntf', 'v0', 'absent'), ('port-ntf', 'w0', 'absent'),
                ('port-ntf', 'v0', 'present'), ('port-ntf', 'x0', 'present'),
                ('port-ntf', 'x0', 'absent'), ('port-ntf', 'w0', 'present'),
                ('port-ntf', 'w0', 'absent')])


def before_other_hooks():
    """vfw judges first what comes from the VM, and last what goes to it."""
    with Topology() as t:
        t.veth()
        with t.host.inside():
            status = os.system('nft add table netdev x && '
                               'nft add chain netdev x i "{ type filter hook ingress device v0 '
                               'priority -2147483647; policy accept; }" && '
                               'nft add rule netdev x i ether type 0x88b5 counter && '
                               'nft add chain netdev x e "{ type filter hook egress device v0 '
                               'priority 2147483646; policy accept; }" && '
                               'nft add rule netdev x e ether type 0x88b5 counter')
        if status:
            raise Skip('nft cannot hook here')
        t.port('v0')

        def counters():
            with t.host.inside():
                said = os.popen('nft list table netdev x').read()
            return [int(number) for number in re.findall(r'counter packets (\d+)', said)]
        before = counters()
        same(t.filtered_out(), True)
        same(t.filtered(), True)
        after = counters()
        same((len(after), after[0]), (2, before[0]), 'ingress after vfw')
        assert after[1] > before[1], 'egress before vfw'


def many():
    """Hundreds of ports on hundreds of netdevs, and all gone at once."""
    with Namespace('vfw-h') as host, host.client() as nl:
        vms = [nl.new_vm() for _ in range(8)]
        for i in range(256):
            nl.well('port-new', {'vm': vms[i % 8], 'name': f'd{i}'})
        batch = ''.join(f'link add d{i} type dummy\n' for i in range(256))
        with open('/tmp/vfw-batch', 'w', encoding='ascii') as file:
            file.write(batch)
        host.ip('-batch /tmp/vfw-batch')
        states = [port['state'] for port in nl.well('port-get', dump=True)]
        same((len(states), set(states)), (256, {'present'}))
        for vm in vms[:4]:
            nl.well('vm-del', {'uuid': vm})
        same(len(nl.well('port-get', dump=True)), 128)


tap.run(declared_before, declared_after, comes_and_goes, first_packet, macvtap, given_type, trunk,
        renamed, renamed_to_declared, renamed_to_other_port, port_moves, moved_away, moved_with_name,
        namespace_of_netdev_ends, not_ethernet, not_ethernet_moved, alternative_name, port_events,
        before_other_hooks, many)
with Client() as root:
    same(root.well('vm-get', dump=True), [], 'left over')
tap.end()
