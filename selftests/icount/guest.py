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
import sys
import time

import bench
from established import Tcp, Udp, sh, topology, write_switch

FLOWS = 200
WORK = os.environ['LAB_WORK']

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
