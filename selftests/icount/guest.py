# SPDX-License-Identifier: GPL-2.0
"""
Inside the lab host: packets of established flows through port -> bridge -> port, one at a time,
while the host outside counts the instructions they take.

A file phase.N says what is about to be sent; packets are sent from when ready.N is there until
done.N is. Packets alternate: one out, and when it has arrived one in.
"""

import json
import os
import shutil
import subprocess
import sys
import time

import bench
import packets as p

FLOWS = 200
PAYLOAD = 200  # bytes of a datagram or of a TCP data segment
WORK = os.environ['LAB_WORK']
ADDRESSES = {4: ('10.0.0.2', '10.0.0.1'), 6: ('fd00::2', 'fd00::1')}

POLICY = '''
pass out udp
pass out tcp
'''

# As nft(8) and the wiki of nftables have it: what is established first.
RULES = '''
table bridge filter {
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        ct state invalid drop
        iifname "port0" meta l4proto { tcp, udp } ct state new accept
    }
}
'''


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
    sh('''ip netns add vm; ip netns add peer
        for ns in vm peer; do
            ip netns exec $ns sh -c 'echo 1 | tee /proc/sys/net/ipv6/conf/*/disable_ipv6' > /dev/null
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


class Source:
    """Sends packets, each when the one before has arrived."""
    def __init__(self):
        self.ends = {'out': (bench.Wire('vm', 'eth0', bench.VM_MAC, bench.PEER_MAC),
                             bench.Wire('peer', 'u1', bench.PEER_MAC, bench.VM_MAC))}
        self.ends['in'] = self.ends['out'][::-1]
        self.number = 0

    def send(self, direction, packet):
        """Send one, and see it arrive as it was."""
        sender, receiver = self.ends[direction]
        frame = sender.frame(packet)
        sender.send(frame)
        receiver.await_frame(lambda got: got == frame, f'a packet {direction}', 30)

    def phase(self, kind, flows):
        """Send until the host outside has seen enough."""
        self.number += 1
        for flow in flows:
            for direction, packet in flow.opening():
                self.send(direction, packet)
        path = f'{WORK}/phase.{self.number}'
        with open(f'{path}.new', 'w', encoding='ascii') as file:
            json.dump(kind, file)
        os.rename(f'{path}.new', path)
        bench.until(lambda: os.path.exists(f'{WORK}/ready.{self.number}'), 'the counter', 60)
        turn = 0
        while not os.path.exists(f'{WORK}/done.{self.number}'):
            flow = flows[turn % len(flows)]
            self.send('out', flow.out())
            self.send('in', flow.back())
            turn += 1


def symbols():
    """Where all functions are, for the host outside."""
    sh(f'cat /proc/kallsyms > {WORK}/kallsyms; uname -r > {WORK}/release')
    for section in os.listdir('/sys/module/vfw/sections'):
        sh(f'echo {section} $(cat /sys/module/vfw/sections/{section}) >> {WORK}/sections')


def vfw_side():
    """vfw on the VM's port."""
    sh(f'vfw-nl vm add {bench.VM} name web && vfw-nl port add port0 vm {bench.VM}')
    bench.load(POLICY)


def nftables_side():
    """The bridge family and its conntrack."""
    sh(f'vfw-nl vm del {bench.VM}')
    sh('nft -f -', input=RULES, text=True)
    # A NIC or a guest's driver has seen to checksums; frames of a packet socket look as if nobody
    # had, and conntrack would add up each of them.
    write_switch('net/netfilter/nf_conntrack_checksum', '0')


def main():
    """All of it."""
    with open('/proc/cmdline', encoding='ascii') as cmdline:
        control = [word[8:] for word in cmdline.read().split() if word.startswith('vfw_ctl=')][0]
    topology()
    symbols()
    shutil.copy(f'{control}/{os.path.basename(control)}/pid', f'{WORK}/pid')
    source = Source()
    for side, prepare in ('vfw', vfw_side), ('nftables', nftables_side):
        prepare()
        time.sleep(0.5)
        for protocol, flow in ('UDP', Udp), ('TCP', Tcp):
            for family in 4, 6:
                source.phase({'side': side, 'protocol': protocol, 'family': family},
                             [flow(family, number) for number in range(FLOWS)])
    with open(f'{WORK}/phase.end', 'w', encoding='ascii'):
        pass


if __name__ == '__main__':
    sys.exit(main())
