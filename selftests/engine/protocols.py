# SPDX-License-Identifier: GPL-2.0
"""
SCTP by programs and by hand, UDP-Lite, DCCP, and how long flows of each protocol live. Run by
test_protocols.sh.
"""

import socket
import struct

import packets as p
from bench import Bench, Namespace, Tap, difference, expect, load, until

SCTP, DCCP, UDPLITE = 132, 33, 136
VM4, FAR4 = '10.0.0.22', '10.0.0.11'


def begin(bench, policy):
    """With a policy, and no flows."""
    load(policy)
    bench.tool.flush()


def packet(direction, protocol, payload):
    """An IP packet between addresses that no kernel has."""
    ends = (VM4, FAR4) if direction == 'out' else (FAR4, VM4)
    return p.ip(*ends, protocol, payload)


def sctp(direction, tag, chunks):
    """An SCTP packet between the VM's port 5000 and the far end's 9."""
    ports = (5000, 9) if direction == 'out' else (9, 5000)
    return packet(direction, SCTP, p.sctp(*ports, tag, chunks))


def state(bench):
    """The state of the only flow."""
    flow, = bench.tool.flows()
    return flow['state']


def passes(bench, direction, data, verdict='pass'):
    """It does, or meets another verdict."""
    expect(bench.verdict(direction, data), verdict, direction)


def handshake(bench):
    """An association that the VM opens: its tag is 0xa, the far end's 0xb."""
    passes(bench, 'out', sctp('out', 0, p.init(0xa)))
    expect(state(bench), 'sctp-cookie-wait')
    passes(bench, 'in', sctp('in', 0xa, p.init(0xb, p.INIT_ACK)))
    passes(bench, 'out', sctp('out', 0xb, p.chunk(p.COOKIE_ECHO, bytes(40))))
    expect(state(bench), 'sctp-cookie-echoed')
    passes(bench, 'in', sctp('in', 0xa, p.chunk(p.COOKIE_ACK)))
    expect(state(bench), 'sctp-established')


DATA = p.chunk(p.DATA, bytes(13), 3)


def check_sctp_tags(bench):
    """Without the right tag nothing passes and nothing changes."""
    begin(bench, 'pass out sctp')
    handshake(bench)
    flow, = bench.tool.flows()
    expect((flow['sctp-local'], flow['sctp-remote']), (0xa, 0xb), 'tags')
    for chunks in (DATA, p.chunk(p.ABORT), p.chunk(p.SHUTDOWN, bytes(4)), p.init(5, p.INIT_ACK),
                   p.chunk(p.HEARTBEAT, bytes(8)), p.chunk(p.COOKIE_ECHO, bytes(8))):
        passes(bench, 'in', sctp('in', 0xbad, chunks), 'sctp-tag')
        passes(bench, 'in', sctp('in', 0xb, chunks), 'sctp-tag')
    passes(bench, 'out', sctp('out', 0xa, DATA), 'sctp-tag')
    passes(bench, 'in', sctp('in', 0xa, DATA + p.chunk(p.INIT_ACK, bytes(16))), 'sctp-chunk')
    passes(bench, 'in', sctp('in', 0xa, p.chunk(p.SHUTDOWN_COMPLETE)), 'sctp-state')
    passes(bench, 'in', sctp('in', 0, p.init(0xbad)))
    after, = bench.tool.flows()
    expect({key: flow[key] for key in ('state', 'sctp-local', 'sctp-remote')},
           {key: after[key] for key in ('state', 'sctp-local', 'sctp-remote')}, 'the flow')
    passes(bench, 'in', sctp('in', 0xa, DATA))


def check_sctp_ends(bench):
    """Shut down, and aborted by an end that has no such association."""
    begin(bench, 'pass out sctp')
    handshake(bench)
    passes(bench, 'out', sctp('out', 0xb, p.chunk(p.SHUTDOWN, bytes(4))))
    expect(state(bench), 'sctp-shutdown-sent')
    passes(bench, 'in', sctp('in', 0xa, p.chunk(p.SHUTDOWN_ACK)))
    expect(state(bench), 'sctp-shutdown-ack-sent')
    passes(bench, 'out', sctp('out', 0xb, p.chunk(p.SHUTDOWN_COMPLETE)))
    expect(state(bench), 'sctp-closed')
    # Ports are used again at once.
    handshake(bench)
    passes(bench, 'in', sctp('in', 0xb, p.chunk(p.ABORT, flags=1)))
    expect(state(bench), 'sctp-closed')


def check_sctp_opens(bench):
    """Nothing but an INIT, or a HEARTBEAT of another path, opens a flow, and it is half-open."""
    begin(bench, 'pass both sctp\nlimit half-open 1')
    for kind in (p.DATA, p.INIT_ACK, p.COOKIE_ECHO, p.ABORT, p.SHUTDOWN_ACK, p.COOKIE_ACK):
        body = {p.COOKIE_ACK: b'', p.SHUTDOWN_ACK: b''}.get(kind, struct.pack('!I', 1) * 4)
        passes(bench, 'in', sctp('in', 7, p.chunk(kind, body)), 'sctp-state')
    passes(bench, 'in', sctp('in', 7, p.chunk(p.HEARTBEAT, bytes(8))))
    expect(state(bench), 'sctp-heartbeat-sent')
    other = packet('in', SCTP, p.sctp(10, 5000))
    passes(bench, 'in', other, 'half-open-limit')
    passes(bench, 'out', sctp('out', 8, p.chunk(p.HEARTBEAT_ACK, bytes(8))))
    expect(state(bench), 'sctp-established')
    passes(bench, 'in', other)


def check_sctp_errors(bench):
    """ICMP errors about an association: by its tags."""
    begin(bench, 'pass out sctp')
    handshake(bench)
    for quoted, verdict in ((sctp('out', 0xb, DATA)[:28], 'pass'),
                            (sctp('out', 0xbad, DATA)[:28], 'icmp-error'),
                            (sctp('out', 0, p.init(0xa))[:40], 'pass'),
                            (sctp('out', 0, p.init(0xbad))[:40], 'icmp-error'),
                            (sctp('out', 0, p.init(0xa))[:36], 'icmp-error')):
        passes(bench, 'in', packet('in', p.ICMP, p.icmp(3, 2, bytes(4), quoted)), verdict)
    expect(state(bench), 'sctp-established')


def sctp_socket(namespace, family=socket.AF_INET):
    """A one-to-one socket of SCTP."""
    with Namespace(namespace):
        return socket.socket(family, socket.SOCK_STREAM, SCTP)


def check_sctp_real(bench):
    """The kernel's: data both ways, an end by shutdown, and one by ABORT; a port that is closed."""
    begin(bench, 'pass in sctp local port 6000-6001')
    listener = sctp_socket('vm')
    listener.bind(('10.0.0.2', 6000))
    listener.listen()
    before = bench.tool.drops()
    for abort in False, True:
        one = sctp_socket('peer')
        one.settimeout(5)
        one.connect(('10.0.0.2', 6000))
        other = listener.accept()[0]
        other.settimeout(5)
        one.send(b'there')
        expect(other.recv(10), b'there')
        other.send(b'x' * 20000)
        left = 20000
        while left:
            left -= len(one.recv(left))
        flow = bench.tool.flows('state sctp-established')
        expect(len(flow), 1, 'established flows')
        if abort:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        one.close()
        until(lambda: not bench.tool.flows('state sctp-established'), 'the flow has ended')
        other.close()
        until(lambda: all(f['state'] == 'sctp-closed' for f in bench.tool.flows()), 'all closed')
    one = sctp_socket('peer')
    one.settimeout(5)
    try:
        one.connect(('10.0.0.2', 6001))
        expect('connected', 'refused')
    except ConnectionRefusedError:
        pass
    one.close()
    listener.close()
    expect(difference(before, bench.tool.drops()), {}, 'drops')


def check_udplite(bench):
    """UDP-Lite has UDP's states and lifetimes."""
    begin(bench, 'pass out udplite')
    passes(bench, 'out', packet('out', UDPLITE, p.udplite(7, 9, b'data')))
    expect((state(bench), bench.tool.flows()[0]['expires'] > 110000), ('new', True))
    passes(bench, 'in', packet('in', UDPLITE, p.udplite(9, 7, b'data')))
    expect(state(bench), 'replied')
    passes(bench, 'in', packet('in', UDPLITE, p.udplite(9, 8, b'data')), 'default')
    passes(bench, 'in', packet('in', UDPLITE, p.udplite(9, 7)[:7]), 'l4-header')


def check_dccp(bench):
    """DCCP begins with a Request."""
    begin(bench, 'pass out dccp')
    for kind in range(1, 10):
        passes(bench, 'out', packet('out', DCCP, p.dccp(7, 9, kind)), 'dccp-not-request')
    passes(bench, 'in', packet('in', DCCP, p.dccp(9, 7)), 'default')
    passes(bench, 'out', packet('out', DCCP, p.dccp(7, 9)))
    passes(bench, 'in', packet('in', DCCP, p.dccp(9, 7, 1)))
    expect((state(bench), bench.tool.flows()[0]['expires'] > 590000), ('replied', True))


def check_lifetimes(bench):
    """Each protocol has the lifetime of its own timeout."""
    begin(bench, 'pass out\ntimeout sctp-opening 11\ntimeout sctp-established 22\n'
                 'timeout sctp-closing 33\ntimeout other 44\ntimeout icmp 55\ntimeout udp-new 66')

    def lives(seconds):
        left, = [f['expires'] for f in bench.tool.flows()]
        expect((seconds - 3) * 1000 < left <= seconds * 1000, True, f'{left} of {seconds} s')
        bench.tool.flush()

    for protocol, payload, seconds in (
            (SCTP, p.sctp(1, 2), 11), (p.GRE, bytes(4), 44), (p.ESP, bytes(16), 44),
            (p.AH, bytes(24), 44), (4, bytes(20), 44), (DCCP, p.dccp(1, 2), 44),
            (p.ICMP, p.echo(8, 3), 55), (p.UDP, p.udp(1, 2, b'x'), 66),
            (UDPLITE, p.udplite(1, 2, b'x'), 66)):
        passes(bench, 'out', packet('out', protocol, payload))
        lives(seconds)
    handshake(bench)
    lives(22)
    handshake(bench)
    passes(bench, 'in', sctp('in', 0xa, p.chunk(p.ABORT)))
    lives(33)


def main():
    """All of it."""
    tap, bench = Tap(), Bench()
    for check in (check_sctp_tags, check_sctp_ends, check_sctp_opens, check_sctp_errors,
                  check_sctp_real, check_udplite, check_dccp, check_lifetimes):
        tap.case(check.__doc__.rstrip('.'), check, bench)
    tap.end()


main()
