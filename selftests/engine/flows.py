# SPDX-License-Identifier: GPL-2.0
"""
Flows that are made packet by packet: other protocols, related errors, timeouts, caps, pick-up,
filters. Run by test_flows.sh.
"""

import socket
import struct
import time

import packets as p
from bench import Bench, Failure, Namespace, Tap, difference, expect, load, until

# Addresses that no kernel has, so that nobody answers.
VM4, FAR4, VM6, FAR6 = '10.0.0.22', '10.0.0.11', 'fd00::22', 'fd00::11'


def packet(direction, protocol, payload=b'', v6=False):
    """An IP packet in a direction."""
    vm, far = (VM6, FAR6) if v6 else (VM4, FAR4)
    return p.ip(*((vm, far) if direction == 'out' else (far, vm)), protocol, payload)


def udp(direction, port, v6=False):
    """A datagram of the flow between the VM's port and the far end's 9."""
    ports = (port, 9) if direction == 'out' else (9, port)
    return packet(direction, p.UDP, p.udp(*ports, b'data'), v6)


def tcp(direction, port, flags, seq, ack=0, payload=b'', v6=False):
    """A segment between the VM's port and the far end's 9."""
    ports = (port, 9) if direction == 'out' else (9, port)
    return packet(direction, p.TCP, p.tcp(*ports, flags, seq, ack, payload=payload), v6)


def passes(bench, direction, *packets, verdict='pass'):
    """All of these pass, or all meet another verdict."""
    for number, data in enumerate(packets, 1):
        expect(bench.verdict(direction, data), verdict, f'packet {number} of {direction}')


def handshake(bench, port):
    """A connection that the VM opens; the next numbers are 101 and 501."""
    passes(bench, 'out', tcp('out', port, p.SYN, 100))
    passes(bench, 'in', tcp('in', port, p.SYN | p.ACK, 500, 101))
    passes(bench, 'out', tcp('out', port, p.ACK, 101, 501))


def begin(bench, policy):
    """With a policy, and no flows."""
    load(policy)
    bench.tool.flush()


def check_other_protocols(bench):
    """Protocols without ports have a flow for each pair of addresses."""
    begin(bench, 'pass out gre\npass in esp\npass out 200')
    for v6 in False, True:
        passes(bench, 'in', packet('in', p.GRE, bytes(8), v6), verdict='default')
        passes(bench, 'out', packet('out', p.GRE, bytes(8), v6))
        passes(bench, 'in', packet('in', p.GRE, bytes(8), v6))
        passes(bench, 'out', packet('out', p.ESP, bytes(8), v6), verdict='default')
        passes(bench, 'in', packet('in', p.ESP, bytes(8), v6))
        passes(bench, 'out', packet('out', p.ESP, bytes(8), v6))
    passes(bench, 'out', packet('out', 200))
    expect({(f['protocol'], f['state']) for f in bench.tool.flows()},
           {(p.GRE, 'replied'), (p.ESP, 'replied'), (200, 'new')})


def icmp_error(kind, code, quoted, rest=bytes(4), v6=False):
    """An error to the VM about a packet of the VM."""
    return packet('in', p.ICMP6 if v6 else p.ICMP, p.icmp(kind, code, rest, quoted), v6)


def check_related_udp(bench):
    """Errors about a datagram of the VM reach it; about another, not."""
    begin(bench, 'pass out udp')
    for v6, errors in (False, ((3, 3), (3, 4), (11, 0), (12, 0))), \
                      (True, ((1, 4), (2, 0), (3, 0), (4, 0))):
        passes(bench, 'out', udp('out', 3000, v6))
        for kind, code in errors:
            passes(bench, 'in', icmp_error(kind, code, udp('out', 3000, v6), v6=v6))
            passes(bench, 'in', icmp_error(kind, code, udp('out', 3000, v6)[:28 + 20 * v6], v6=v6))
            passes(bench, 'in', icmp_error(kind, code, udp('out', 3001, v6), v6=v6),
                   icmp_error(kind, code, udp('in', 3000, v6), v6=v6),
                   icmp_error(kind, code, udp('out', 3000, v6)[:20 + 20 * v6 + 7], v6=v6),
                   verdict='icmp-error')
    # It goes back to who sent the packet, and to nobody else.
    passes(bench, 'in', p.ipv4(FAR4, '10.0.0.23', p.ICMP, p.icmp(3, 3, payload=udp('out', 3000))),
           verdict='icmp-error')
    flow, = bench.tool.flows('family ipv4')
    expect((flow['in-packets'], flow['state']), (0, 'new'), 'errors are no answers')


def check_related_tcp(bench):
    """Of TCP, only errors about what may be in flight."""
    begin(bench, 'pass out tcp')
    handshake(bench, 3100)
    data = tcp('out', 3100, p.PSH | p.ACK, 101, 501, b'x' * 1000)
    passes(bench, 'out', data)
    mtu = struct.pack('!HH', 0, 1400)
    passes(bench, 'in', icmp_error(3, 4, data[:28], mtu))
    passes(bench, 'in', icmp_error(3, 4, tcp('out', 3100, p.ACK, 1102), mtu),
           icmp_error(3, 4, tcp('out', 3100, p.ACK, 101 - (1 << 24)), mtu), verdict='icmp-error')
    expect(bench.tool.flows('protocol tcp')[0]['state'], 'tcp-established')


def check_related_real(bench):
    """A program in the VM is told that a UDP port is closed."""
    begin(bench, 'pass out udp')
    with Namespace('vm'):
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.settimeout(5)
    sock.connect(('fd00::1', 33434))
    sock.send(b'probe')
    try:
        sock.recv(1)
    except ConnectionRefusedError:
        return
    finally:
        sock.close()
    raise Failure('the error did not reach the VM')


def check_timeouts(bench):
    """Flows end by the policy's timeouts; an established connection is not among them."""
    begin(bench, '''
        pass out
        timeout udp-new 1
        timeout tcp-syn-sent 1
        timeout icmp 1s
        timeout other 1
        ''')
    handshake(bench, 3200)
    passes(bench, 'out', udp('out', 3201), tcp('out', 3202, p.SYN, 1),
           packet('out', p.ICMP, p.echo(8, 3)), packet('out', p.GRE, bytes(4)))
    expect(len(bench.tool.flows()), 5, 'flows')
    expect(all(f['expires'] <= 1000 for f in bench.tool.flows()
               if f['state'] != 'tcp-established'), True, 'timeouts of a second')
    begun = time.monotonic()
    until(lambda: len(bench.tool.flows()) == 1, 'all but one have ended')
    expect(time.monotonic() - begun < 2, True, 'in time')
    passes(bench, 'in', udp('in', 3201), verdict='default')
    passes(bench, 'in', tcp('in', 3200, p.ACK, 501, 101))
    until(lambda: bench.tool.ask('vm show web')[0]['flows'] == 1, 'their memory is free', 12)


def check_refresh(bench):
    """A packet begins a flow's lifetime anew."""
    begin(bench, 'pass out udp\ntimeout udp-new 2')
    passes(bench, 'out', udp('out', 3300))
    for _ in range(6):
        time.sleep(0.5)
        passes(bench, 'in', udp('in', 3300))
    expect(bench.tool.flows()[0]['state'], 'stream', 'state after more than two seconds')
    expect(bench.tool.flows()[0]['expires'] > 200000, True, 'lifetime of a stream')


def check_flow_cap(bench):
    """A full table opens no flow, and ends none."""
    begin(bench, 'pass both tcp\npass both udp\nlimit flows 6')
    handshake(bench, 3400)
    for port in range(3401, 3406):
        passes(bench, 'out', udp('out', port))
    passes(bench, 'out', *[udp('out', port) for port in range(3406, 3410)], verdict='flow-limit')
    passes(bench, 'in', tcp('in', 3410, p.SYN, 1), verdict='flow-limit')
    passes(bench, 'in', tcp('in', 3400, p.PSH | p.ACK, 501, 101, b'more'), udp('in', 3401))
    expect(bench.tool.flush('protocol udp local-port 3403')['count'], 1)
    passes(bench, 'out', udp('out', 3410))
    passes(bench, 'out', udp('out', 3411), verdict='flow-limit')


def check_half_open_cap(bench):
    """A flood of SYNs does not keep others from what they have."""
    begin(bench, 'pass both tcp\npass both udp\nlimit half-open 3')
    handshake(bench, 3500)
    for port in range(3501, 3504):
        passes(bench, 'in', tcp('in', port, p.SYN, 1))
    passes(bench, 'in', tcp('in', 3504, p.SYN, 1), verdict='half-open-limit')
    passes(bench, 'out', udp('out', 3504), tcp('out', 3500, p.ACK, 101, 501))
    expect(bench.tool.ask('vm show web')[0]['half-open'], 3)
    # One that answers is no longer half-open.
    passes(bench, 'out', tcp('out', 3501, p.SYN | p.ACK, 900, 2))
    passes(bench, 'in', tcp('in', 3504, p.SYN, 1), verdict='half-open-limit')
    passes(bench, 'in', tcp('in', 3501, p.ACK, 2, 901))
    passes(bench, 'in', tcp('in', 3504, p.SYN, 1))


def check_pick_up(bench):
    """A connection without a flow goes on only if the policy says so."""
    begin(bench, 'pass both tcp')
    with Namespace('vm'):
        listener = socket.create_server(('10.0.0.2', 7000))
    with Namespace('peer'):
        one = socket.create_connection(('10.0.0.2', 7000), 5)
    other = listener.accept()[0]
    other.settimeout(10)
    expect(bench.tool.flush()['count'], 1, 'flows')
    before = bench.tool.drops()
    one.send(b'lost?')
    until(lambda: difference(before, bench.tool.drops()).get(('tcp-not-syn', 'in')), 'a drop')
    expect(bench.tool.flows(), [], 'flows')
    load('pass both tcp\npick-up on')
    expect(other.recv(10), b'lost?', 'what is sent again')
    other.send(b'x' * 100000)
    left = 100000
    while left:
        left -= len(one.recv(left))
    flow, = bench.tool.flows()
    expect(flow['state'], 'tcp-established')
    passes(bench, 'in', packet('in', p.TCP, p.tcp(5, 6, p.RST, 1)), verdict='tcp-not-syn')
    for sock in one, other, listener:
        sock.close()


FILTERS = (
    ('', 6), ('family ipv4', 4), ('family ipv6', 2), ('protocol tcp', 2), ('protocol udp', 3),
    ('protocol icmp', 1), ('protocol 6', 2), ('local 10.0.0.22', 4), ('local 10.0.0.22/32', 4),
    ('local fd00::/64', 2), ('remote 10.0.0.8/29', 4), ('remote 10.0.0.16/28', 0),
    ('remote fd00::11', 2), ('local-port 3600', 2), ('remote-port 9', 5), ('opened in', 1),
    ('opened out', 5), ('state tcp-syn-sent', 1), ('state tcp-established', 1), ('state new', 4),
    ('rule 1', 5), ('rule 2', 1), ('rule 0', 0),
    ('protocol udp family ipv6 local-port 3600 opened out', 1),
    ('protocol udp family ipv6 local-port 3600 opened in', 0),
)


def check_filters(bench):
    """Each filter by itself, and some together."""
    begin(bench, 'pass out\npass in tcp')
    handshake(bench, 3602)
    passes(bench, 'in', tcp('in', 3601, p.SYN, 1, v6=True))
    passes(bench, 'out', udp('out', 3600), udp('out', 3600, True), udp('out', 3603),
           packet('out', p.ICMP, p.echo(8, 3604)))
    for filters, wanted in FILTERS:
        expect(len(bench.tool.flows(filters)), wanted, filters)
    # The answer to a flush is a number of what it removed, and it removes nothing else.
    expect(bench.tool.flush('protocol udp family ipv4')['count'], 2)
    expect(len(bench.tool.flows()), 4)
    passes(bench, 'in', udp('in', 3600, True))
    passes(bench, 'in', udp('in', 3600), verdict='default')
    expect(bench.tool.flush('state tcp-established')['count'], 1)
    passes(bench, 'in', tcp('in', 3602, p.ACK, 501, 101), verdict='tcp-not-syn')
    expect(bench.tool.flush()['count'], 3)


def check_totals(bench):
    """The VM's counters count what its flows do, once each, before and after they end."""
    def passed():
        stats = bench.tool.ask('stats show web')[0]
        return {key: stats[key] for key in ('in-packets', 'in-bytes', 'out-packets', 'out-bytes',
                                            'flows-opened', 'flows-ended')}

    begin(bench, 'pass out udp')
    before = passed()
    for port in 3700, 3701:
        passes(bench, 'out', udp('out', port))
        passes(bench, 'in', udp('in', port), udp('in', port))
    size = 20 + 8 + 4
    wanted = {'in-packets': 4, 'in-bytes': 4 * size, 'out-packets': 2, 'out-bytes': 2 * size,
              'flows-opened': 2}
    expect(difference(before, passed()), wanted, 'while they live')
    bench.tool.flush()
    expect(difference(before, passed()), wanted | {'flows-ended': 2}, 'afterwards')


def check_reopen(bench):
    """A closed connection's ports can be used again at once, in either direction."""
    begin(bench, 'pass both tcp')
    handshake(bench, 3800)
    passes(bench, 'in', tcp('in', 3800, p.RST | p.ACK, 501, 101))
    expect(bench.tool.flows()[0]['state'], 'tcp-close')
    passes(bench, 'out', tcp('out', 3800, p.SYN, 7 << 28))
    flow, = bench.tool.flows()
    expect((flow['state'], flow['out-packets'], flow['opened']), ('tcp-syn-sent', 1, 'out'))


def main():
    """All of it."""
    tap, bench = Tap(), Bench()
    for check in (check_other_protocols, check_related_udp, check_related_tcp, check_related_real,
                  check_timeouts, check_refresh, check_flow_cap, check_half_open_cap,
                  check_pick_up, check_filters, check_totals, check_reopen):
        tap.case(check.__doc__.rstrip('.'), check, bench)
    tap.end()


main()
