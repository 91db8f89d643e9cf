# SPDX-License-Identifier: GPL-2.0
"""
Taps and macvtaps, with this process as the VM behind them. Run by test_ports.sh.
"""

import fcntl
import os
import select
import socket
import struct
import subprocess
import threading

import packets as p
from bench import Bench, Failure, Namespace, PEER_MAC, Tap, VM, difference, expect, load, until, vfw

TUNSETIFF = 0x400454ca
IFF_TAP, IFF_NO_PI = 2, 0x1000
GUEST_MAC = '02:00:00:00:00:09'
GUEST, FAR = '10.0.0.9', '10.0.0.11'


def run(command):
    """A command, and what it prints."""
    return subprocess.run(command.split(), check=True, text=True, stdout=subprocess.PIPE).stdout


class Guest:
    """What is behind a tap: the file that a hypervisor would have open."""
    def __init__(self, fd, mac=GUEST_MAC):
        self.fd, self.mac, self.other_mac = fd, mac, PEER_MAC
        os.set_blocking(fd, False)

    def frame(self, packet):
        """An IP packet as the guest would send it."""
        return p.ether(packet, self.mac, self.other_mac)

    def send(self, frame):
        """Send a frame."""
        os.write(self.fd, frame)

    def arrived(self, seconds=0):
        """Frames that have arrived."""
        frames = []
        while select.select([self.fd], [], [], 0 if frames else seconds)[0]:
            frames.append(os.read(self.fd, 1 << 16))
        return frames

    def await_frame(self, good, what):
        """The first frame to arrive that is good."""
        for _ in range(100):
            for frame in self.arrived(0.05):
                if good(frame):
                    return frame
        raise Failure(f'waited in vain for {what}')


def open_tap(name):
    """A new tap, down."""
    fd = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TAP | IFF_NO_PI))
    return fd


def udp(direction, local, remote=9):
    """A datagram from or to the guest."""
    if direction == 'out':
        return p.ipv4(GUEST, FAR, p.UDP, p.udp(local, remote, b'x'))
    return p.ipv4(FAR, GUEST, p.UDP, p.udp(remote, local, b'x'))


def check_directions(bench, guest):
    """In and out are the VM's, whichever way the netdev faces."""
    old = bench.vm
    bench.vm, bench.peer.other_mac = guest, guest.mac
    load('pass in udp local port 1\npass out udp local port 2\nreject both udp local port 3')
    bench.tool.flush()
    # So that the bridge knows where it is, and does not send everything to port0 as well.
    guest.send(p.ether(p.arp(1, guest.mac, GUEST, '00:00:00:00:00:00', GUEST), guest.mac,
                       'ff:ff:ff:ff:ff:ff', p.ETH_ARP))
    try:
        for direction, local, verdict in (
                ('in', 1, 'pass'), ('in', 2, 'default'), ('out', 2, 'pass'), ('out', 1, 'pass'),
                ('out', 4, 'default'), ('in', 3, 'rule-reject+answer'),
                ('out', 3, 'rule-reject+answer')):
            expect(bench.verdict(direction, udp(direction, local)), verdict,
                   f'{direction} port {local}')
        flow, = bench.tool.flows('local-port 1')
        expect((flow['opened'], flow['in-packets'], flow['out-packets']), ('in', 1, 1))
    finally:
        bench.vm, bench.peer.other_mac = old, old.mac


def check_tap(bench):
    """A tap"""
    vfw('port', 'add', 'tap0', 'vm', VM)
    guest = Guest(open_tap('tap0'))
    run('ip link set tap0 master br0')
    run('ip link set tap0 up')
    check_directions(bench, guest)
    os.close(guest.fd)
    port, = bench.tool.ask('port show tap0')
    expect(port['state'], 'absent')
    vfw('port', 'del', 'tap0')


def check_macvtap(bench):
    """A macvtap, which faces the other way"""
    run('ip link add low0 type veth peer name low1')
    run('ip link set low1 master br0')
    run('ip link set low1 up')
    run('ip link set low0 up')
    vfw('port', 'add', 'mvt0', 'vm', VM)
    run(f'ip link add link low0 name mvt0 address {GUEST_MAC} type macvtap mode bridge')
    run('ip link set mvt0 up')
    port, = bench.tool.ask('port show mvt0')
    expect((port['state'], port['type']), ('present', 'mirrored'))
    with open('/sys/class/net/mvt0/ifindex', encoding='ascii') as file:
        node = f'/dev/tap{file.read().strip()}'
    until(lambda: os.path.exists(node), node)
    fd = os.open(node, os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', b'mvt0', IFF_TAP | IFF_NO_PI))
    check_directions(bench, Guest(fd))
    os.close(fd)
    run('ip link del mvt0')
    run('ip link del low0')
    vfw('port', 'del', 'mvt0')


def check_early(bench):
    """Nothing passes between a netdev's appearance and its hook"""
    sent = 0
    load('')
    vfw('port', 'add', 'late0', 'vm', VM)
    before = bench.tool.drops()
    bench.peer.arrived()
    frame = p.ether(udp('out', 5), GUEST_MAC, PEER_MAC)
    for _ in range(5):
        fd = open_tap('late0')
        stop = threading.Event()
        counts = []
        sender = threading.Thread(target=send_until, args=(fd, frame, stop, counts))
        sender.start()
        run('ip link set late0 master br0 up')
        until(lambda c=counts: c and c[0] >= 20, 'frames are sent')
        stop.set()
        sender.join()
        sent += counts[0]
        os.close(fd)
    expect(difference(before, bench.tool.drops()), {('default', 'out'): sent})
    expect([f for f in bench.peer.arrived(0.1) if f == frame], [], 'frames that arrived')
    vfw('port', 'del', 'late0')


def send_until(fd, frame, stop, counts):
    """Send frames as soon as it is possible, and count them."""
    counts.append(0)
    while not stop.is_set():
        try:
            os.write(fd, frame)
        except OSError:
            continue
        counts[0] += 1


def check_early_veth(bench):
    """The same of a veth, whose other end sends before the port is up"""
    load('')
    vfw('port', 'add', 'late0', 'vm', VM)
    before = bench.tool.drops()
    bench.peer.arrived()
    frame = p.ether(udp('out', 5), GUEST_MAC, PEER_MAC)
    run('ip link add late0 type veth peer name early0 netns vm')
    run('ip -n vm link set early0 up')
    with Namespace('vm'):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.bind(('early0', 0))
    stop, counts = threading.Event(), []
    sender = threading.Thread(target=send_until, args=(sock.fileno(), frame, stop, counts))
    sender.start()
    run('ip link set late0 master br0 up')
    until(lambda: difference(before, bench.tool.drops()).get(('default', 'out'), 0) >= 20,
          'frames are dropped')
    stop.set()
    sender.join()
    expect(list(difference(before, bench.tool.drops())), [('default', 'out')])
    expect([f for f in bench.peer.arrived(0.1) if f == frame], [], 'frames that arrived')
    sock.close()
    run('ip link del late0')
    vfw('port', 'del', 'late0')


def main():
    """All of it."""
    tap, bench = Tap(), Bench()
    for check in check_tap, check_macvtap, check_early, check_early_veth:
        tap.case(check.__doc__.rstrip('.'), check, bench)
    tap.end()


main()
