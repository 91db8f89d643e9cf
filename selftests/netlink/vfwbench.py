# SPDX-License-Identifier: GPL-2.0
"""
A VM with packets on their way, in namespaces of its own.

    peer                       host                        vm
    [u1] --------------- [u0  br0  port0] --------------- [eth0]
"""

import os
import struct
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'engine'))
# pylint: disable=wrong-import-position
import packets as p  # noqa: E402
from vfwtest import Namespace, eventually, same  # noqa: E402

VM_ID = bytes(range(16))
VM_MAC, PEER_MAC = '02:00:00:00:00:02', '02:00:00:00:00:01'
PACKET_IGNORE_OUTGOING, SOL_PACKET, SO_SNDBUFFORCE, SO_RCVBUFFORCE = 23, 263, 32, 33


def udp(number, to_vm, port=2000):
    """Packet number so and so, of one flow, in one direction."""
    ends = [('10.0.0.2', 1000, VM_MAC), ('10.0.0.1', port, PEER_MAC)]
    (src, sport, smac), (dst, dport, dmac) = ends[::-1] if to_vm else ends
    payload = struct.pack('!HHHHI', sport, dport, 12, 0, number)
    return p.ether(p.ip(src, dst, p.UDP, payload), smac, dmac)


def numbers(sock, wait):
    """Numbers of the packets that arrived; waits for so many."""
    got = []

    def arrived():
        try:
            while True:
                frame = sock.recv(2000)
                if frame[12:14] == b'\x08\0' and frame[23] == p.UDP:
                    got.append(struct.unpack_from('!I', frame, 42)[0])
        except BlockingIOError:
            pass
        return len(got) >= wait
    eventually(arrived, f'{wait} packets')
    time.sleep(0.05)
    arrived()
    return got


class Bench:
    """The picture above, with a VM that holds."""
    def __init__(self, name='bench', **hold):
        self.spaces = [Namespace(f'{name}-{part}') for part in ('host', 'vm', 'peer')]
        self.hold = hold

    def __enter__(self):
        host, vm, peer = (space.__enter__() for space in self.spaces)
        self.host = host
        for space in self.spaces:
            # No packets but those that are sent here.
            with space.inside():
                for conf in 'all', 'default':
                    with open(f'/proc/sys/net/ipv6/conf/{conf}/disable_ipv6', 'w',
                              encoding='ascii') as file:
                        file.write('1')
        host.ip('link add br0 type bridge mcast_snooping 0')
        host.ip(f'link add port0 type veth peer name eth0 netns {vm.name}')
        host.ip(f'link add u0 type veth peer name u1 netns {peer.name}')
        for dev in 'port0', 'u0':
            host.ip(f'link set {dev} master br0')
        vm.ip(f'link set eth0 address {VM_MAC} up')
        peer.ip(f'link set u1 address {PEER_MAC} up')
        self.nl = host.client()
        self.id = VM_ID
        self.nl.well('vm-new', {'uuid': VM_ID, 'hold': True, 'hold-limits': self.hold})
        self.nl.well('port-new', {'vm': VM_ID, 'name': 'port0'})
        for dev in 'br0', 'port0', 'u0':
            host.ip(f'link set {dev} up')
        self.vm, self.peer = vm.packet_socket('eth0'), peer.packet_socket('u1')
        for sock in self.vm, self.peer:
            sock.setblocking(False)
            # What is held counts as not sent yet.
            for option in SO_SNDBUFFORCE, SO_RCVBUFFORCE:
                sock.setsockopt(1, option, 32 << 20)
            sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        eventually(lambda: 'state forwarding' in host.ip('-d link show port0')[1], 'bridge')
        return self

    def __exit__(self, *_):
        for sock in self.vm, self.peer, self.nl.sock:
            sock.close()
        for space in self.spaces:
            space.__exit__()

    def state(self):
        """What vm-get shows."""
        return self.nl.well('vm-get', {'uuid': self.id})

    def wait_held(self, count):
        """Until so many packets are held."""
        eventually(lambda: self.state()['held-packets'] == count, f'{count} held')

    def send(self, first, last):
        """Packets of both directions."""
        for number in range(first, last):
            self.vm.send(udp(number, False))
            self.peer.send(udp(number, True))

    def open_flows(self, count, first=0):
        """So many flows of the VM's own, each with one packet more, and wait for them."""
        before = self.state()['flows']
        for number in range(first, first + count):
            frame = bytearray(udp(number, False))
            # Another far end each: no need for a right checksum.
            struct.pack_into('!I', frame, 30, 0x0a010000 + number)
            self.vm.send(frame)
        eventually(lambda: self.state()['flows'] >= before + count, 'flows', 60)

    def restore(self, frames, nl=None, **begin):
        """Begin, and all frames."""
        nl = nl or self.nl
        nl.well('restore-begin', {'vm': self.id, **begin})
        for count, frame in enumerate(frames):
            same(nl.well('restore-frame', {'vm': self.id, 'frame': frame}),
                 {'frames': count + 1})

    def commit(self):
        """Commit; returns the reply."""
        return self.nl.well('restore-commit', {'vm': self.id})

    def drops(self, reason):
        """Of a reason, in both directions."""
        return sum(self.nl.drops(self.id).get(reason, (0, 0)))
