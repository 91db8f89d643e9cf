# SPDX-License-Identifier: GPL-2.0
"""
Frames that were captured, altered, sent to the ports of some VMs from both sides, while the VMs are
frozen, held, saved and given other policies.

    fuzz_packets.py SECONDS SEED | replay FILE

Each frame is counted once, as passed or as dropped; what passes arrives, and as it was sent.
"""

import ctypes
import glob
import os
import socket
import struct
import sys
import time
import uuid

from fuzzlib import (DUMP, NESTED, Failure, HERE, Netlink, Run, TOP, TUNSETOFFLOAD, TUNSETVNETHDRSZ,
                     VNET_HDR, attr, attrs_of, expect, fcntl, ip, open_tap, quiet, renew, request,
                     snapshot_of, spec, tool, vm_attr)

VMS = [bytes([0x10 + number]) * 16 for number in range(5)]
FRAMES = 1500  # in a batch
CHUNKS = 15
ROOM = 1 << 24
SOL_PACKET, PACKET_AUXDATA, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 8, 15, 23
SO_RCVBUFFORCE, ETH_P_ALL = 33, 3
CSUM, TSO4, TSO6, ECN, USO4, USO6 = 1, 2, 4, 8, 0x20, 0x40

POLICIES = [
    'default in pass\ndefault out pass\n',
    '''pass both tcp stateless
pass both udp remote 10.0.0.0/8 stateless
drop in ipv4 tcp stateless flags syn,fin/syn,fin
pass both icmp stateless
pass both ipv6 icmpv6 type echo-request
pass both ipv6 udp
pass both sctp stateless
''',
    '''pass in tcp local port 22
pass out tcp
pass in udp remote port 700, 53
reject in
reject out udp
default out reject
''',
    '''default in pass
default out pass
limit flows 20
limit half-open 4
pick-up on
timeout tcp-syn-sent 1
timeout udp-new 1
timeout tcp-close 1
''',
    ''.join(f'{("pass", "drop", "reject")[n % 3]} {("in", "out", "both")[n % 7 % 3]} '
            f'{("tcp", "udp")[n % 2]} remote 10.0.{n}.0/24 port {n * 50}-{n * 60 + 700} '
            f'local port {700 - n % 3}-{n * 300 + 1000}\n' for n in range(200)) +
    'pass both\n',
]


class CWire(ctypes.Structure):
    """struct wire"""
    _fields_ = [('tap', ctypes.c_int), ('port', ctypes.c_int), ('far', ctypes.c_int)]


class CResult(ctypes.Structure):
    """struct result"""
    _fields_ = [(name, ctypes.c_uint32 * 2) for name in
                ('tried', 'sent', 'unseen', 'arrived', 'odd')] + [
        ('odd_length', ctypes.c_uint32), ('odd_frame', ctypes.c_uint8 * 512)]


library = ctypes.CDLL(os.path.join(TOP, 'build/fuzz/frames.so'))
library.batch_make.restype = ctypes.c_size_t
library.batch_make.argtypes = (ctypes.c_uint64, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p,
                               ctypes.c_size_t)
library.wires_send.restype = None
library.wires_send.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
library.wires_drain.argtypes = (ctypes.c_void_p, ctypes.c_void_p)


class Port:
    """A VM's port and what is around it; wire.c has a drawing."""
    def __init__(self, number):
        self.name = f'fz{number}'
        self.tap = open_tap(self.name, VNET_HDR)
        fcntl.ioctl(self.tap, TUNSETVNETHDRSZ, struct.pack('i', 10))
        try:
            fcntl.ioctl(self.tap, TUNSETOFFLOAD, CSUM | TSO4 | TSO6 | ECN | USO4 | USO6)
        except OSError: # USO is of 6.2
            fcntl.ioctl(self.tap, TUNSETOFFLOAD, CSUM | TSO4 | TSO6 | ECN)
        for command in (f'link add br{number} type bridge mcast_snooping 0 forward_delay 0',
                        f'link add u{number} type veth peer name w{number}',
                        f'link set {self.name} master br{number} txqueuelen 10000 mtu 9000 up',
                        f'link set u{number} master br{number} mtu 9000 up',
                        f'link set w{number} mtu 9000 up', f'link set br{number} up'):
            ip(command)
        self.port = self.socket(self.name)
        self.far = self.socket(f'w{number}', ETH_P_ALL)
        self.far.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.far.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.far.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)

    @staticmethod
    def socket(device, protocol=0):
        """A packet socket with headers for segmentation."""
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        sock.bind((device, protocol))
        return sock

    def open(self):
        """Wait until the bridge forwards."""
        probe = bytes(10) + b'\xff' * 6 + bytes((2, 0, 0, 0, 0, 2)) + bytes(50)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            os.write(self.tap, probe)
            try:
                self.far.recv(2000, socket.MSG_DONTWAIT)
                return
            except BlockingIOError:
                time.sleep(0.02)
        raise Failure(f'nothing goes from {self.name} to the far side')

    def wire(self):
        """For wire.c."""
        return CWire(self.tap, self.port.fileno(), self.far.fileno())

    def close(self):
        """The end."""
        self.port.close()
        self.far.close()
        os.close(self.tap)


class Fuzz(Run):
    """Programs of steps: ["frames", bytes, loose or not], or [what, VM]."""
    kind = 'packets'

    def __init__(self, seed):
        super().__init__(seed)
        quiet()
        self.load_corpus()
        self.room = ctypes.create_string_buffer(ROOM)
        self.ports = [Port(number) for number in range(len(VMS))]
        self.wires = (CWire * len(VMS))(*[port.wire() for port in self.ports])
        for port in self.ports:
            port.open()
        self.nl = Netlink()
        self.slow = None
        self.snapshots = []
        for vm, port, policy in zip(VMS, self.ports, POLICIES):
            name = str(uuid.UUID(bytes=vm))
            tool('-b', '-', text=f'vm add {name}\nport add {port.name} vm {name}\n')
            # Fragments may wait for others that never come.
            tool('policy', 'load', name, '-', text=policy + 'timeout fragment 1\n')
            self.snapshots.append(snapshot_of(self.nl, vm))

    @staticmethod
    def load_corpus():
        """What was captured."""
        for path in sorted(glob.glob(os.path.join(HERE, 'corpus/packets/*.pcap'))):
            if library.corpus_load(path.encode()) <= 0:
                raise Failure(f'{path}: cannot be read')

    # Programs.

    def program(self, rng):
        steps, loose = [], rng.random() < 0.3
        often = rng.choice((0, 0.3, 1.5))
        for _ in range(CHUNKS):
            size = library.batch_make(rng.getrandbits(64), FRAMES // CHUNKS, loose, self.room, ROOM)
            steps.append(['frames', self.room.raw[:size].hex(), loose])
            while rng.random() < often / (1 + often):
                steps.append([rng.choice(('freeze', 'thaw', 'hold', 'abort', 'policy', 'flush',
                                          'save', 'list', 'slow')), rng.randrange(len(VMS))])
        return steps

    def control(self, what, number):
        """One of the other steps; what it is answered does not matter here."""
        vm, nl = VMS[number], self.nl
        if what in ('freeze', 'thaw'):
            nl.ask(f'vm-{what}', vm_attr(f'vm-{what}', vm))
        elif what in ('hold', 'abort'):
            op = 'restore-begin' if what == 'hold' else 'restore-abort'
            nl.ask(op, vm_attr(op, vm))
        elif what == 'flush':
            nl.ask('flow-del', vm_attr('flow-del', vm))
        elif what == 'policy':
            self.other_policy(vm)
        elif what == 'save':
            nl.ask('snapshot-save', vm_attr('snapshot-save', vm), dump=True)
        elif what == 'list':
            nl.ask('flow-get', vm_attr('flow-get', vm), dump=True)
        else:
            # A dump that is begun, and left.
            self.slow = self.slow or Netlink()
            data = bytearray(request('flow-get', vm_attr('flow-get', vm)))
            struct.pack_into('H', data, 6, DUMP | 1)
            self.slow.sock.send(data)

    def other_policy(self, vm):
        """Defaults and limits, without rules: all flows are judged anew."""
        nl = self.nl
        code, replies = nl.ask('policy-begin', vm_attr('policy-begin', vm) + b''.join(
            attr(spec.attr('policy', name), struct.pack('I', 1))
            for name in ('default-in', 'default-out')) +
            attr(spec.attr('policy', 'timeouts') | NESTED,
                 attr(spec.attr('timeouts', 'fragment'), struct.pack('I', 1))))
        if code == 0:
            transaction = dict(attrs_of(replies[0]))[spec.attr('policy', 'transaction')]
            nl.ask('policy-commit', attr(spec.attr('policy', 'transaction'), transaction))

    # Doing it.

    def execute(self, steps):
        for vm, port, snapshot in zip(VMS, self.ports, self.snapshots):
            renew(self.nl, vm, port.name, snapshot)
        results = (CResult * len(VMS))()
        library.wires_drain(self.wires, results)
        results = (CResult * len(VMS))()
        before = [self.counts(vm) for vm in VMS]
        library.wires_reset()
        loose = False
        for step in steps:
            if step[0] == 'frames':
                data = bytes.fromhex(step[1])
                loose |= bool(step[2])
                library.wires_send(self.wires, results, data, len(data))
            else:
                self.control(*step)
        self.release(results)
        self.wait_for_fragments(results, before, loose)
        for number, vm in enumerate(VMS):
            self.check(number, results[number], before[number], self.counts(vm), loose)
        return sum(sum(result.sent) for result in results)

    def release(self, results):
        """Nobody is frozen or held any more, and nothing is on its way."""
        if self.slow:
            self.slow.close()
            self.slow = None
        for vm in VMS:
            self.nl.ask('restore-abort', vm_attr('restore-abort', vm))
            self.nl.ask('vm-thaw', vm_attr('vm-thaw', vm))
        quiet_for, last = 0, None
        while quiet_for < 3:
            time.sleep(0.005)
            library.wires_drain(self.wires, results)
            now = [list(result.arrived) for result in results]
            quiet_for = quiet_for + 1 if now == last else 0
            last = now

    def wait_for_fragments(self, results, before, loose):
        """Those that wait for the first one are dropped when their time is over."""
        def missing(number, way):
            now = self.counts(VMS[number])
            sent = results[number].sent[way] - results[number].unseen[way]
            return sent > sum(now[key][way] - before[number][key][way]
                              for key in ('passed', 'dropped'))
        end = time.monotonic() + 10
        while not loose and time.monotonic() < end:
            if not any(missing(number, way) for number in range(len(VMS)) for way in (0, 1)):
                return
            time.sleep(0.2)

    def counts(self, vm):
        """{passed, dropped, rejected}: pairs, of packets to the VM and from it."""
        stats = dict(attrs_of(self.nl.well('stats-get', vm_attr('stats-get', vm))[0]))
        number = {name: spec.attr('stats', name) for name in ('in-packets', 'out-packets')}
        counts = {'passed': [int.from_bytes(stats.get(number[name], b''), 'little')
                             for name in ('in-packets', 'out-packets')],
                  'dropped': [0, 0], 'rejected': [0, 0], 'reasons': {}}
        reply = self.nl.well('stats-get', vm_attr('stats-get', vm))[0]
        for kind, payload in attrs_of(reply):
            if kind == spec.attr('stats', 'drop'):
                self.count_drop(counts, dict(attrs_of(payload)))
        return counts

    @staticmethod
    def count_drop(counts, drop):
        """Add the drops of a reason."""
        reason = spec.enums['drop-reason'][int.from_bytes(drop[spec.attr('drop', 'reason')],
                                                          'little')]
        pair = [int.from_bytes(drop.get(spec.attr('drop', name), b''), 'little')
                for name in ('in-packets', 'out-packets')]
        counts['reasons'][reason] = pair
        for way in 0, 1:
            counts['dropped'][way] += pair[way]
            if reason in ('rule-reject', 'default', 'policy-change'):
                counts['rejected'][way] += pair[way]

    def check(self, number, result, before, now, loose):
        """One VM after a batch."""
        for way, name in enumerate(('in', 'out')):
            passed, dropped = (now[key][way] - before[key][way] for key in ('passed', 'dropped'))
            sent = result.sent[way] - result.unseen[way]
            arrived, odd = result.arrived[way], result.odd[way]
            # An answer to what is rejected goes the other way.
            answers = now['rejected'][1 - way] - before['rejected'][1 - way]
            told = (f'VM {number}, {name}: {sent} sent, {passed} passed, {dropped} dropped '
                    f'({now["reasons"]}), {arrived} arrived, {odd} of them unlike all that was '
                    f'sent, {answers} may be answers')
            # The kernel refuses but a few whose headers for segmentation lie.
            if result.tried[way] - result.sent[way] > result.tried[way] // 4:
                raise Failure(f'{told}: of {result.tried[way]} the kernel took {result.sent[way]}')
            if dropped > sent or (not loose and passed + dropped != sent):
                raise Failure(f'{told}: a frame was not counted, or twice')
            if not loose and odd > answers:
                raise Failure(f'{told}: altered: {self.odd_frame(result)}')
            if not loose and arrived - odd != passed:
                raise Failure(f'{told}: something that passed did not arrive, or the reverse')

    @staticmethod
    def odd_frame(result):
        """The first of them."""
        return bytes(result.odd_frame)[:min(result.odd_length, 512)].hex()

    def finish(self):
        for vm in VMS:
            self.nl.well('vm-del', vm_attr('vm-del', vm))
        expect(self.nl.well('vm-get', dump=True), [], 'VMs at the end')
        self.nl.close()
        for port in self.ports:
            port.close()


if __name__ == '__main__':
    Fuzz(sys.argv[2]).main(sys.argv)
