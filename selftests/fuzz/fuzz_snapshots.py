# SPDX-License-Identifier: GPL-2.0
"""
Snapshots, and what is sent in rounds, altered by somebody who knows the format, and restored.

    fuzz_snapshots.py SECONDS SEED | replay FILE

After a refusal the VM is as it was. What is accepted can be saved again, and its flows meet
packets. "snapshot info" finds good what the kernel accepts, and only that.
"""

import ctypes
import glob
import os
import socket
import struct
import subprocess
import sys
import uuid

from fuzzlib import (Failure, HERE, Netlink, Run, TOP, VNET_HDR, attrs_of, difference, field,
                     frames_of, ip, open_tap, quiet, renew, restore, snapshot_of, spec, state_of,
                     tool, vm_attr, without)

sys.path.append(os.path.join(HERE, '..', 'engine'))
import packets as p  # noqa: E402 pylint: disable=wrong-import-position

VM = bytes(range(0xa0, 0xb0))
NAME = str(uuid.UUID(bytes=VM))
ROOM = 1 << 17
STEPS = 40
ENOUGH = 5 * STEPS  # snapshots, some of which must be good
PORT = 'fz0'
VM_MAC, FAR_MAC = '02:00:00:00:00:02', '02:00:00:00:00:01'
ENDS = (('10.0.0.2', '10.0.0.1'), ('fd00::2', 'fd00::1'))

POLICY = '''default in drop
default out pass
limit flows 1000
limit half-open 100
timeout tcp-established 1h
pass in tcp remote 10.0.0.0/8 port 1024-65535 local port 22, 80, 443, 8000-8999 comment "web"
pass in udp local port 53
pass in ipv6 tcp local port 1-1000
pass both icmp type echo-request
pass both icmpv6 type echo-request
drop in ipv4 tcp stateless flags syn/syn,ack local port 9
reject in tcp
pass both 47
'''

# What does not lie in a record: the VM that is there, other records, the host.
NOT_OF_A_RECORD = (b'snapshot of another VM', b'replayed: incarnation', b'the flow is there already',
                   b'rules of the policy overlap', b'no memory')

library = ctypes.CDLL(os.path.join(TOP, 'userspace/build/fuzz/snapshot_mutate.so'))
library.snapshot_mutate.restype = ctypes.c_size_t
library.snapshot_mutate.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t,
                                    ctypes.c_uint64)
library.snapshot_seal.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def mutate(data, seed):
    """The altered snapshot."""
    room = ctypes.create_string_buffer(data, ROOM)
    size = library.snapshot_mutate(room, len(data), ROOM, seed)
    return room.raw[:size]


def seal(data):
    """The snapshot, with right checksums."""
    room = ctypes.create_string_buffer(data, len(data))
    library.snapshot_seal(room, len(data), 1)
    return room.raw


class Wire:
    """Frames to and from the VM, at its port, which is a tap."""
    def __init__(self):
        self.tap = open_tap(PORT, VNET_HDR)
        ip(f'link set {PORT} up')
        self.far = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.far.bind((PORT, 0))

    def send(self, outward, packet):
        """One packet."""
        if outward:
            os.write(self.tap, bytes(10) + p.ether(packet, VM_MAC, FAR_MAC))
        else:
            self.far.send(p.ether(packet, FAR_MAC, VM_MAC))
            try:
                while True:
                    os.read(self.tap, 70000)
            except BlockingIOError:
                pass

    def close(self):
        """The end."""
        os.close(self.tap)
        self.far.close()


class Fuzz(Run):
    """Programs of steps: ["restore", "info" or "tool", snapshot]."""
    kind = 'snapshots'

    def __init__(self, seed):
        super().__init__(seed)
        quiet()
        self.wire = Wire()
        self.nl = Netlink()
        tool('-b', '-', text=f'vm add {NAME} name web\nport add {PORT} vm {NAME}\n')
        tool('policy', 'load', NAME, '-', text=POLICY)
        for family in 0, 1:
            self.traffic(family)
        self.bases = [self.saved()]
        live = self.sent()
        tool('policy', 'load', NAME, '-', text='default out reject\npick-up on\nlimit flows 50\n')
        self.bases.append(self.saved())
        self.nl.well('vm-del', vm_attr('vm-del', VM))
        tool('vm', 'add', NAME, 'name', 'bare')
        self.bases.append(self.saved())
        self.fresh()
        self.state, self.quick = state_of(self.nl, VM), self.glance()
        for path in sorted(glob.glob(os.path.join(TOP, 'userspace/fuzz/corpus/snapshot/*'))):
            # What libFuzzer has added has a hash for its name, and mostly no good frame; and a
            # name that no VM can have is for the tool only.
            if len(os.path.basename(path)) == 40 or os.path.basename(path) == 'odd-name':
                continue
            with open(path, 'rb') as file:
                data = file.read()
            self.bases.append(data[:24] + VM + data[40:])
        self.seeds = [seal(data[:40] + struct.pack('<Q', 5) + data[48:])
                      for data in (*self.bases, live)]
        self.live = self.seeds[-1]
        self.accepted, self.said = 0, b''
        self.try_seeds()
        self.quick, self.state = self.glance(), state_of(self.nl, VM)

    def try_seeds(self):
        """None is refused before it is altered: else nobody would look at what is in it."""
        for number, seed in enumerate(self.seeds):
            if restore(self.nl, VM, seed) is None:
                raise Failure(f'seed {number}, a snapshot that was not altered, is refused')
            self.fresh()
        if self.restore_by_tool(self.seeds[0]) is None:
            raise Failure(f'vfw-nl refuses a snapshot that was not altered: {self.said}')
        self.fresh()

    def fresh(self):
        """The VM as it always is before a restore."""
        renew(self.nl, VM, PORT, self.bases[0])

    def traffic(self, family):
        """Flows in many states."""
        vm, far = ENDS[family]
        send = self.wire.send

        def both(protocol, outward, inward):
            send(True, p.ip(vm, far, protocol, outward))
            send(False, p.ip(far, vm, protocol, inward))

        send(False, p.ip(far, vm, p.TCP, p.tcp(2000, 80, p.SYN, 100, options=p.mss(1400) +
                                               p.SACK_PERMITTED + p.window_scale(7))))
        send(True, p.ip(vm, far, p.TCP, p.tcp(80, 2000, p.SYN | p.ACK, 900, 101,
                                              options=p.SACK_PERMITTED + p.window_scale(9))))
        send(False, p.ip(far, vm, p.TCP, p.tcp(2000, 80, p.ACK, 101, 901)))
        send(True, p.ip(vm, far, p.TCP, p.tcp(3000, 25, p.SYN, 100)))
        both(p.TCP, p.tcp(3001, 25, p.SYN, 100), p.tcp(25, 3001, p.SYN | p.ACK, 500, 101))
        both(p.TCP, p.tcp(3001, 25, p.ACK, 101, 501), p.tcp(25, 3001, p.FIN | p.ACK, 501, 101))
        both(p.UDP, p.udp(4000, 53, b'a'), p.udp(53, 4000, b'b'))
        send(True, p.ip(vm, far, p.UDP, p.udp(4001, 53, b'a')))
        kind = p.ICMP6 if family else p.ICMP
        both(kind, p.echo(128 if family else 8, 7), p.echo(129 if family else 0, 7))
        send(True, p.ip(vm, far, p.GRE, bytes(8)))

    def saved(self):
        """The VM's snapshot."""
        return snapshot_of(self.nl, VM)

    def sent(self):
        """The VM's state in rounds, between which flows change, end and begin."""
        number, stream = spec.attr('snapshot', 'frame'), b''
        self.nl.well('send-begin', vm_attr('send-begin', VM))
        for turn in range(5):
            if turn == 2:
                self.nl.well('flow-del', vm_attr('flow-del', VM))
            if turn:
                self.traffic(turn % 2)
            if turn == 4:
                self.nl.well('vm-freeze', vm_attr('vm-freeze', VM))
            stream += b''.join(dict(attrs_of(reply))[number] for reply in self.nl.well(
                'send-round', vm_attr('send-round', VM), dump=True))
        self.nl.well('send-end', vm_attr('send-end', VM))
        self.nl.well('vm-thaw', vm_attr('vm-thaw', VM))
        return stream

    def glance(self):
        """What changes when nearly anything does."""
        return [without(self.nl.well(op, vm_attr(op, VM))[0], spec.ops[op]['attribute-set'])
                for op in ('vm-get', 'stats-get')]

    # Programs.

    def program(self, rng):
        steps = []
        for _ in range(STEPS):
            # A fifth is of rounds. The tool reads no such files.
            live = rng.random() < 0.2
            data = self.live if live else rng.choice(self.seeds[:-1])
            if rng.random() > 0.02:
                data = mutate(data, rng.getrandbits(64))
            what = 1 if live else rng.random()
            steps.append(['tool' if what < 0.01 else 'info' if what < 0.1 else 'restore',
                          data.hex()])
        return steps

    def execute(self, steps):
        for number, (what, data) in enumerate(steps):
            data = bytes.fromhex(data)
            if what == 'tool':
                good = self.restore_by_tool(data)
            else:
                refusals = []
                good = restore(self.nl, VM, data, refusals)
                if what == 'info':
                    self.check_info(number, data, refusals)
            if good is not None:
                self.accepted += data not in self.seeds
                self.check_accepted(number, good)
            elif data in self.seeds:
                raise Failure(f'step {number}: a snapshot that was not altered is refused')
            else:
                self.check_refused(number, number % 8 == 0 or number == len(steps) - 1)
        return len(steps)

    def run_tool(self, data, *words):
        """With the snapshot as a file. Is all well?"""
        path = os.path.join('/tmp', 'fuzz.snapshot')
        with open(path, 'wb') as file:
            file.write(data)
        done = subprocess.run(['vfw-nl', 'snapshot', *words, path], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode not in (0, 1, 2):
            raise Failure(f'vfw-nl: status {done.returncode}: {done.stdout}')
        self.said = done.stdout
        return done.returncode == 0

    def restore_by_tool(self, data):
        """As a user does."""
        return b'' if self.run_tool(data, 'restore', NAME, 'file') else None

    # What must hold.

    def check_info(self, number, data, refusals):
        """The tool and the kernel find the same in the records."""
        good = self.run_tool(data, 'info')
        if good and refusals and not any(why in refusals[0] for why in NOT_OF_A_RECORD):
            raise Failure(f'step {number}: info found nothing, the kernel said {refusals[0]}')
        if not good and not refusals:
            raise Failure(f'step {number}: the kernel found nothing, info said '
                          f'{self.said.splitlines()[-1]}')

    def check_refused(self, number, thoroughly):
        """The VM has what it had."""
        now = self.glance()
        if now != self.quick:
            raise Failure(f'step {number}: refused, but changed: {difference(self.quick, now)}')
        if thoroughly:
            now = state_of(self.nl, VM)
            if now != self.state:
                raise Failure(f'step {number}: refused, but changed: '
                              f'{difference(self.state, now)}')

    def check_accepted(self, number, reply):
        """It can be saved again, and packets of its flows are judged."""
        saved = self.saved()
        kinds = [struct.unpack_from('<H', part, 4)[0] for part in frames_of(saved)]
        types = spec.enums['frame-type']
        if [types[kinds[0]], types[kinds[-1]]] != ['header', 'end']:
            raise Failure(f'step {number}: saved again it has frames {kinds}')
        flows = self.nl.well('flow-get', vm_attr('flow-get', VM), dump=True)
        if reply:
            restored = field(reply, 'snapshot', 'flows')
            if len(flows) > restored:
                raise Failure(f'step {number}: {restored} flows restored, {len(flows)} are there')
        rules = field(self.nl.well('vm-get', vm_attr('vm-get', VM))[0], 'vm', 'rules')
        for flow in flows:
            if (field(flow, 'flow', 'rule') or 0) > rules:
                raise Failure(f'step {number}: a flow is admitted by a rule that is not there')
        for flow in flows[:30]:
            self.poke(flow)
        self.nl.well('rule-get', vm_attr('rule-get', VM), dump=True)
        self.nl.well('stats-get', vm_attr('stats-get', VM))
        self.saved()
        self.fresh()
        state, self.quick = state_of(self.nl, VM), self.glance()
        # The number of the VM on this host is another one now.
        for key in 'rules', 'policy', 'flows', 'stats':
            if state[key] != self.state[key]:
                raise Failure(f'step {number}: the same snapshot makes another VM: '
                              f'{difference(self.state, state)}')
        self.state = state

    def poke(self, flow):
        """Packets of a flow, in both directions."""
        got = {name: dict(attrs_of(flow)).get(spec.attr('flow', name)) for name in
               ('local', 'remote', 'local-port', 'remote-port', 'protocol')}
        family = socket.AF_INET6 if len(got['local']) == 16 else socket.AF_INET
        vm, far = (socket.inet_ntop(family, got[end]) for end in ('local', 'remote'))
        ports = [int.from_bytes(got[name] or b'', 'little') & 0xffff
                 for name in ('local-port', 'remote-port')]
        protocol = got['protocol'][0]
        for outward in True, False, True:
            src, dst = (vm, far) if outward else (far, vm)
            pair = ports if outward else ports[::-1]
            if protocol == p.TCP:
                payload = p.tcp(*pair, p.ACK, 1000, 1000, payload=b'x')
            elif protocol == p.UDP:
                payload = p.udp(*pair, b'x')
            elif protocol in (p.ICMP, p.ICMP6):
                payload = p.echo(8 if protocol == p.ICMP else 128, pair[0])
            else:
                payload = struct.pack('!HH', *pair) + bytes(16)
            try:
                self.wire.send(outward, p.ip(src, dst, protocol, payload))
            except OSError:
                pass

    def finish(self):
        print(f'{self.kind}: {self.accepted} altered ones accepted')
        if self.inputs >= ENOUGH and not self.accepted:
            raise Failure(f'of {self.inputs} snapshots all that were altered were refused')
        self.nl.well('vm-del', vm_attr('vm-del', VM))
        self.nl.close()
        self.wire.close()


if __name__ == '__main__':
    Fuzz(sys.argv[2]).main(sys.argv)
