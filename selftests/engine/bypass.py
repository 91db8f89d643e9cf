# SPDX-License-Identifier: GPL-2.0
"""
Packet sockets that bypass the queueing discipline meet the egress hook in process context, where
softirqs may interrupt. Run by test_bypass.sh.
"""

import errno
import socket
import struct

import packets as p
from bench import PEER_MAC, VM_MAC, Bench, Tap, expect, load

SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20
ROUNDS = 20


def bypass_socket():
    """On the port, in the host's own namespace."""
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sender.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, struct.pack('i', 1))
    sender.bind(('port0', 0))
    return sender


def send(sender, segment, protocol):
    """A packet to the VM, past the bridge. Such a socket is told when it is not sent."""
    try:
        sender.send(p.mac(VM_MAC) + p.mac(PEER_MAC) + b'\x08\x00' +
                    p.ipv4('10.0.0.1', '10.0.0.2', protocol, segment))
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise


def check_judged(bench, sender):
    """Dropped and counted like any other packet."""
    before = bench.tool.drops().get(('default', 'in'), 0)
    for _ in range(ROUNDS):
        send(sender, p.udp(5000, 10, b'x'), p.UDP)
    expect(bench.tool.drops()[('default', 'in')] - before, ROUNDS)


def check_flow(bench, sender):
    """Flows open, are found, change their state and end, by turns in both contexts."""
    for i in range(ROUNDS):
        send(sender, p.udp(5000, 9, b'x'), p.UDP)
        send(sender, p.tcp(6000 + i, 7, 2), p.TCP)
        expect(bench.verdict('in', p.ipv4('10.0.0.1', '10.0.0.2', p.UDP, p.udp(5000, 9, b'y'))),
               'pass')
        send(sender, p.tcp(6000 + i, 7, 4, seq=1001), p.TCP)
    flows = bench.tool.flows('protocol udp')
    expect([flow['in-packets'] for flow in flows], [2 * ROUNDS])
    expect(len(bench.tool.flows('protocol tcp')), ROUNDS)


def main():
    """All of it."""
    tap, bench, sender = Tap(), Bench(), bypass_socket()
    load('pass in udp local port 9\npass in tcp local port 7\n')
    tap.case('what bypasses the queue is judged', check_judged, bench, sender)
    tap.case('its flows are those of all packets', check_flow, bench, sender)
    tap.end()


main()
