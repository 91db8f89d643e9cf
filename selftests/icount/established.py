# SPDX-License-Identifier: GPL-2.0
"""
Flows that are established, and a bridge without addresses on which nobody else speaks.
"""

import subprocess

import packets as p

PAYLOAD = 200  # bytes of a datagram or of a TCP data segment
ADDRESSES = {4: ('10.0.0.2', '10.0.0.1'), 6: ('fd00::2', 'fd00::1')}


def sh(command, **more):
    """Run a command that must succeed."""
    subprocess.run(command, shell=True, check=True, **more)


def write_switch(name, value):
    """Set one of /proc/sys."""
    with open(f'/proc/sys/{name}', 'w', encoding='ascii') as switch:
        switch.write(value)


def topology():
    """
    Two ends, no addresses: nobody speaks but us.

        peer                 here                 vm
        [u1] --------- [u0  br0  port0] ------- [eth0]
    """
    for which in 'all', 'default':
        write_switch(f'net/ipv6/conf/{which}/disable_ipv6', '1')
    for name in 'arptables', 'iptables', 'ip6tables':
        write_switch(f'net/bridge/bridge-nf-call-{name}', '0')
    sh(r'''ip netns add vm; ip netns add peer
        for ns in vm peer; do
            ip netns exec $ns sh -c \
                'echo 1 | tee /proc/sys/net/ipv6/conf/*/disable_ipv6' > /dev/null
        done
        ip link add br0 type bridge forward_delay 0 mcast_snooping 0
        ip link add port0 type veth peer name eth0 netns vm
        ip link add u0 type veth peer name u1 netns peer
        ip -n vm link set eth0 address 02:00:00:00:00:02 up
        ip -n peer link set u1 address 02:00:00:00:00:01 up
        for dev in port0 u0; do ip link set $dev master br0 up; done
        ip link set br0 up''')


class Udp:
    """A flow of datagrams."""
    def __init__(self, family, number):
        self.vm, self.peer = ADDRESSES[family]
        self.port = 10000 + number

    def opening(self):
        """Packets by which it comes to be established, with their directions."""
        return [('out', self.out()), ('in', self.back())] * 2

    def out(self):
        """The next packet out."""
        return p.ip(self.vm, self.peer, p.UDP, p.udp(self.port, 53, bytes(PAYLOAD)))

    def back(self):
        """The next packet in."""
        return p.ip(self.peer, self.vm, p.UDP, p.udp(53, self.port, bytes(PAYLOAD)))


class Tcp:
    """A connection: data segments out, acknowledgments in."""
    STAMPS = p.NOP + p.NOP + b'\x08\x0a' + bytes(8)

    def __init__(self, family, number):
        self.vm, self.peer = ADDRESSES[family]
        self.port = 20000 + number
        self.seq = 1000

    def _segment(self, out, flags, seq, ack, **more):
        ports = (self.port, 80) if out else (80, self.port)
        ends = (self.vm, self.peer) if out else (self.peer, self.vm)
        return p.ip(*ends, p.TCP, p.tcp(*ports, flags, seq, ack, **more))

    def opening(self):
        """The handshake, and data acknowledged."""
        scale = p.mss(1460) + p.SACK_PERMITTED + p.NOP + p.window_scale(7)
        yield 'out', self._segment(True, p.SYN, self.seq, 0, options=scale)
        yield 'in', self._segment(False, p.SYN | p.ACK, 5000, self.seq + 1, options=scale)
        self.seq += 1
        yield 'out', self._segment(True, p.ACK, self.seq, 5001)
        yield 'out', self.out()
        yield 'in', self.back()

    def out(self):
        """A data segment."""
        segment = self._segment(True, p.ACK | p.PSH, self.seq, 5001, options=self.STAMPS,
                                payload=bytes(PAYLOAD))
        self.seq += PAYLOAD
        return segment

    def back(self):
        """The acknowledgment of all data so far."""
        return self._segment(False, p.ACK, 5001, self.seq, options=self.STAMPS)
