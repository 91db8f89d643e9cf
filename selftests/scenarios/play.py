# SPDX-License-Identifier: GPL-2.0
"""
Plays scenarios: each segment is a frame that one end of the bench sends; whether it arrived, as
it was, at the other end, what the VM counted as dropped, and what its flow looks like then, is
what is compared with the script.
"""

import json
import os
import socket
import struct
import time

import packets as p
import snapshot
from bench import PACKET_VNET_HDR, SOL_PACKET, VM, Bench, Failure, Namespace, difference
from script import PEER_FLAGS

# Addresses that no kernel has, so that nobody answers.
ADDRESSES = {'ipv4': {'out': '10.0.0.22', 'in': '10.0.0.11'},
             'ipv6': {'out': 'fd00::22', 'in': 'fd00::11'}}
OTHER = {'in': 'out', 'out': 'in'}

# Where the numbers of both ends begin: each runs across one of the places where they wrap.
STARTS = (
    {'out': 0x10000000, 'in': 0x60000000},
    {'out': 0xfffffffe, 'in': 0x7ffffffe},
    {'out': 0x7ffffe00, 'in': 0xfffffe00},
    {'out': 0x80000000, 'in': 0xffff8000},
)
POLICY = 'pass both tcp'
SLACK = 3000    # milliseconds by which a lifetime may be shorter than it was
NEEDS_CSUM, GSO_TCPV4, GSO_TCPV6 = 1, 1, 4
ICMP = {'ipv4': {'unreachable': (3, 1), 'port': (3, 3), 'too-big': (3, 4), 'exceeded': (11, 0),
                 'parameter': (12, 0)},
        'ipv6': {'unreachable': (1, 0), 'port': (1, 4), 'too-big': (2, 0), 'exceeded': (3, 0),
                 'parameter': (4, 0)}}
MTU = {'ipv4': struct.pack('!HH', 0, 1280), 'ipv6': struct.pack('!I', 1280)}


class Stage:
    """The bench with what scenarios need of it, and what is the same in all of them."""
    def __init__(self, work):
        self.bench = Bench()
        self.work = work
        self.policy = None
        self.port = 1024
        self.vnet = {}
        self.drops = self.bench.tool.drops()
        for end, namespace, device in ('out', 'vm', 'eth0'), ('in', 'peer', 'u1'):
            with Namespace(namespace):
                sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
            sock.bind((device, 0))
            self.vnet[end] = sock

    def set_policy(self, policy):
        """Put a policy in force, unless it is."""
        if policy != self.policy:
            file = f'{self.work}/policy'
            with open(file, 'w', encoding='ascii') as out:
                out.write(policy + '\n')
            self.run(f'policy load {VM} {file}')
            self.policy = policy

    def run(self, *commands, answers=0):
        """Commands that must succeed, and what those of them answered that do."""
        tool = self.bench.tool
        tool.process.stdin.write('\n'.join([*commands, 'vm show', '']))
        tool.process.stdin.flush()
        lines = []
        while not lines or not lines[-1].startswith('['):
            lines.append(tool.process.stdout.readline())
            if not lines[-1]:
                raise Failure(f'vfw-nl is gone at {commands}')
        if len(lines) - 1 != answers:
            raise Failure(f'{commands}: {len(lines) - 1} answers instead of {answers}')
        vm, = json.loads(lines[-1])
        return vm

    def recover(self):
        """After a failure: a VM that is frozen goes on."""
        if self.run()['state'] == 'frozen':
            self.run(f'vm thaw {VM}')

    def next_port(self):
        """A port that was not used for long."""
        self.port = self.port + 1 if self.port < 65000 else 1025
        return self.port

    def flows(self):
        """All flows there are."""
        return self.bench.tool.flows()

    def dropped(self):
        """What was dropped since the last time: {(reason, direction): packets}."""
        drops = self.bench.tool.drops()
        rose = difference(self.drops, drops)
        self.drops = drops
        return rose

    def send(self, direction, packet, header=None):
        """Send a packet, and return what arrived of it: 'pass' or the reason of its drop."""
        sender, receiver = self.bench.ends(direction)
        frame = sender.frame(packet)
        if header:
            self.vnet[direction].send(header + frame)
        else:
            sender.send(frame)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            if self.arrived(receiver, frame):
                return 'pass'
            rose = self.dropped()
            if rose:
                (reason, counted), = rose
                if rose[reason, counted] != 1 or counted != direction:
                    raise Failure(f'one packet {direction} was counted as {rose}')
                if self.arrived(receiver, frame):
                    raise Failure(f'counted as dropped ({reason}), but arrived')
                return reason
        raise Failure('it neither arrived, nor was it counted as dropped')

    @staticmethod
    def arrived(receiver, frame):
        """Has this frame arrived, just as it was?"""
        for got in receiver.arrived():
            if got == frame:
                return True
            if got[12:14] == frame[12:14]:
                raise Failure(f'sent    {frame.hex()}\narrived {got.hex()}')
        return False

    def move(self, seconds=0):
        """
        The VM's state goes into a snapshot, the VM is forgotten, and the snapshot restored; with
        what is left of each flow's life shortened by so many seconds.
        """
        file = f'{self.work}/snapshot'
        self.run(f'vm freeze {VM}', f'snapshot save {VM} file {file}', answers=1)
        if seconds:
            with open(file, 'rb') as saved:
                data = saved.read()
            with open(file, 'wb') as saved:
                saved.write(aged(data, seconds))
        self.run(f'vm del {VM}', f'snapshot restore file {file}', answers=1)
        os.unlink(file)


def peer_flags(bits):
    """Names of what is known of an end."""
    return sorted(name for bit, name in enumerate(PEER_FLAGS) if bits >> bit & 1)


def aged(data, seconds):
    """A snapshot in which so much time has gone by."""
    parts = []
    for fields, records in snapshot.frames(data):
        kind, count = fields[1], fields[4]
        if kind in (snapshot.FLOWS4, snapshot.FLOWS6):
            size = len(records) // count
            left = [records[i:i + size] for i in range(0, len(records), size)]
            left = [shorter(record, seconds) for record in left]
            left = [record for record in left if record]
            fields[4], records = len(left), bytearray(b''.join(left))
            if not left:
                continue
        parts.append((fields, records))
    return snapshot.assemble(parts)


def shorter(record, seconds):
    """The record of a flow that much later; None if it has ended."""
    expires, age = struct.unpack_from('<II', record, 32)
    if expires <= seconds * 1000:
        return None
    struct.pack_into('<II', record, 32, expires - seconds * 1000, age + seconds)
    return record


class Play:
    """One scenario, of one family, with numbers that begin somewhere."""
    def __init__(self, stage, scenario, family, start, moving=False):
        self.stage, self.scenario, self.family, self.start = stage, scenario, family, start
        self.address = ADDRESSES[family]
        self.ports = {'out': stage.next_port(), 'in': 9}
        self.window = {'out': 1000, 'in': 1000}
        self.state = 'none'
        self.moving, self.frozen = moving, False

    def run(self):
        """All steps; raises Failure at the first that goes wrong."""
        first = self.scenario.steps[0]
        self.stage.set_policy(first.policy if first.kind == 'policy' else POLICY)
        self.stage.run(f'flow flush {VM}', answers=1)
        self.stage.dropped()
        for step in self.scenario.steps:
            try:
                getattr(self, f'do_{step.kind}')(step)
                if self.moving and not self.frozen and step.kind in ('segment', 'icmp'):
                    self.stage.move()
            except Failure as failure:
                text = self.explain(step, failure)
                self.stage.recover()
                raise Failure(text) from None
        rose = self.stage.dropped()
        if rose:
            raise Failure(f'{self.scenario.where}: dropped besides: {rose}')

    def explain(self, step, failure):
        """What went wrong where."""
        return '\n'.join((f'{step.where}: {step.text}', str(failure),
                          f'numbers begin: out {self.start["out"]:#x}, in {self.start["in"]:#x}',
                          *(f'flow: {self.describe(flow)}' for flow in self.stage.flows())))

    def describe(self, flow):
        """A flow, with numbers as scripts have them."""
        parts = [flow['state'], f"expires {flow['expires']} ms"]
        for end in 'out', 'in':
            peer = flow['tcp-local' if end == 'out' else 'tcp-remote']
            parts.append(f"{end}: end {self.relative(end, peer['end'])} "
                         f"max-end {self.relative(end, peer['max-end'])} "
                         f"max-window {peer['max-window']} scale {peer['scale']} "
                         f"flags {','.join(peer_flags(peer['flags'])) or 'none'}")
        return '; '.join(parts)

    def relative(self, end, number):
        """A number of an end as it stands in a script."""
        distance = (number - self.start[end]) & 0xffffffff
        return distance - (1 << 32) if distance >> 31 else distance

    def absolute(self, end, number):
        """A number in a script, (number, is it absolute?), as it goes over the wire."""
        return (number[0] + (0 if number[1] else self.start[end])) & 0xffffffff

    # What segments are made of.

    def option(self, direction, kind, values):
        """The bytes of an option."""
        if kind == 'sack':
            peer = OTHER[direction]
            return p.sack(*((self.absolute(peer, one), self.absolute(peer, other))
                            for one, other in values))
        return {'mss': p.mss, 'wscale': p.window_scale, 'raw': bytes,
                'sackOK': lambda: p.SACK_PERMITTED, 'nop': lambda: p.NOP, 'eol': lambda: p.EOL,
                'TS': lambda value, echo: struct.pack('!BBII', 8, 10, value, echo),
                }[kind](*values)

    def segment(self, step):
        """The bytes of a segment, without checksum."""
        direction, other = step.direction, OTHER[step.direction]
        if step.window is not None:
            self.window[direction] = step.window
        options = b''.join(self.option(direction, *option) for option in step.options)
        data = bytearray(p.tcp(self.ports[direction], self.ports[other], step.flags & 0xff,
                               self.absolute(direction, step.seq),
                               window=self.window[direction], options=options,
                               payload=bytes(step.length)))
        data[12] |= step.flags >> 8
        if step.ack is not None:
            struct.pack_into('!I', data, 8, self.absolute(other, step.ack))
        struct.pack_into('!H', data, 18, step.urgent)
        return bytes(data)

    def packet(self, step):
        """The packet of a segment."""
        other = OTHER[step.direction]
        return p.ip(self.address[step.direction], self.address[other], p.TCP, self.segment(step))

    def vnet_header(self, step):
        """What says that a packet is to be cut into many."""
        ip, tcp = 40 if self.family == 'ipv6' else 20, 20
        return struct.pack('<BBHHHH', NEEDS_CSUM,
                           GSO_TCPV6 if self.family == 'ipv6' else GSO_TCPV4, 14 + ip + tcp,
                           step.gso, 14 + ip, 16)

    # Steps.

    def judged(self, step, got):
        """Compare a verdict."""
        if got != step.verdict:
            raise Failure(f'verdict: got {got}, wanted {step.verdict}')

    def do_segment(self, step):
        """Send it; verdict and state."""
        packet = self.packet(step)
        self.judged(step, self.stage.send(step.direction, packet,
                                          self.vnet_header(step) if step.gso else None))
        self.do_state(step)

    def do_state(self, step):
        """The flow's state, which is as before if none is given."""
        self.state = step.state or self.state
        flows = self.stage.flows()
        if len(flows) > 1:
            raise Failure(f'{len(flows)} flows')
        got = flows[0]['state'].removeprefix('tcp-') if flows else 'none'
        if got != self.state:
            raise Failure(f'state: got {got}, wanted {self.state}')

    def do_icmp(self, step):
        """Send an error about a segment; it changes nothing."""
        before = self.snapshot_of_flows()
        kind, code = ICMP[self.family][step.icmp]
        quoted = self.packet(step.inner)
        message = p.icmp(kind, code, MTU[self.family] if step.icmp == 'too-big' else bytes(4),
                         quoted)
        packet = p.ip(self.address[step.direction], self.address[OTHER[step.direction]],
                      p.ICMP6 if self.family == 'ipv6' else p.ICMP, message)
        self.judged(step, self.stage.send(step.direction, packet))
        if self.snapshot_of_flows() != before:
            raise Failure('the error changed the flow')
        if step.state:
            self.do_state(step)

    def snapshot_of_flows(self):
        """Flows, but for what time changes."""
        return [{key: value for key, value in flow.items() if key not in ('expires', 'age')}
                for flow in self.stage.flows()]

    def flow(self):
        """The one flow there is."""
        flows = self.stage.flows()
        if len(flows) != 1:
            raise Failure(f'{len(flows)} flows')
        return flows[0]

    def do_peer(self, step):
        """What is known of an end."""
        peer = self.flow()['tcp-local' if step.direction == 'out' else 'tcp-remote']
        for field, wanted in step.fields.items():
            got = peer[field]
            if field in ('end', 'max-end'):
                got, wanted = self.relative(step.direction, got), wanted[0]
            elif field == 'flags':
                got = peer_flags(got)
            if got != wanted:
                raise Failure(f'{field}: got {got}, wanted {wanted}')

    def do_life(self, step):
        """What is left of the flow's life."""
        left = self.flow()['expires']
        if not step.seconds * 1000 - SLACK <= left <= step.seconds * 1000:
            raise Failure(f'life: {left} ms are left')

    def do_packets(self, step):
        """What the flow has counted."""
        got = self.flow()[f'{step.direction}-packets']
        if got != step.number:
            raise Failure(f'packets {step.direction}: got {got}')

    def do_flows(self, step):
        """How many flows there are."""
        got = len(self.stage.flows())
        if got != step.number:
            raise Failure(f'flows: got {got}')
        if not got:
            self.state = 'none'

    def do_age(self, step):
        """So much later."""
        self.stage.move(step.seconds)

    def do_move(self, _):
        """The state goes away and comes back."""
        self.stage.move()

    @staticmethod
    def do_wait(step):
        """Really wait."""
        time.sleep(step.seconds)

    def do_freeze(self, _):
        """Nothing passes any more."""
        self.stage.run(f'vm freeze {VM}')
        self.frozen = True

    def do_thaw(self, _):
        """And again."""
        self.stage.run(f'vm thaw {VM}')
        self.frozen = False

    def do_policy(self, step):
        """Another policy."""
        self.stage.set_policy(step.policy)
