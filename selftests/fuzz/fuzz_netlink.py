# SPDX-License-Identifier: GPL-2.0
"""
Netlink messages made from the specification, and then spoilt.

    fuzz_netlink.py SECONDS SEED | replay FILE

What is refused must have changed nothing; a VM that no message names must stay as it is; and at
the end of each batch all is put away, and nothing is left.
"""

import copy
import os
import struct
import sys
import uuid
from collections import Counter

from fuzzlib import (ACK, DUMP, HEADERS, MULTI, NESTED, REQUEST, Failure, Netlink, Run,
                     attrs_of, difference, expect, field, ip, open_tap, quiet, references, spec,
                     state_of, tool, vm_attr, vms, without)

CONTROL = bytes(range(0xc0, 0xd0))
POOL = [bytes([number]) * 16 for number in range(1, 5)]
PORTS = ['fz0', 'fz1', 'fz2', 'absent0', 'lo', 'ctl0']
SOCKETS = 6
STEPS = 250
EDGES = [0, 1, 2, 3, 4, 7, 12, 13, 32, 33, 63, 64, 127, 128, 129, 255, 256, 65535, 65536,
         1000000, 1000001, 1 << 24, (1 << 24) + 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1]
TRANSACTION = struct.pack('I', 0xfeedf00d)  # stands for the socket's last one

POLICY = '''default out pass
limit flows 100
timeout udp-new 20d
pass in tcp local port 22, 80, 8000-8999 comment "control"
pass in udp remote 10.0.0.0/8 port 1-100
reject in tcp
drop both icmp type echo-request
pass both ipv6 tcp stateless flags syn/syn,ack
'''


class Maker:
    """
    Messages. An attribute is a list [number, bytes or list of attributes, lie about the length];
    a message is {op, flags, version, attrs} and what is done to its bytes.
    """
    def __init__(self, rng, frames):
        self.rng = rng
        self.frames = frames

    def number(self, checks, enum):
        """A number, mostly one that is allowed."""
        rng = self.rng
        least, most = (spec.const(checks.get(key, other)) for key, other in
                       (('min', 0), ('max', (1 << 32) - 1)))
        if enum and rng.random() < 0.9:
            return rng.randrange(len(spec.enums[enum]))
        way = rng.random()
        if way < 0.4:
            return rng.randrange(least, min(most, least + 300) + 1)
        if way < 0.6:
            return rng.choice((least, most, least + 1, most - 1)) & 0xffffffff
        if way < 0.9:
            return min(max(rng.choice(EDGES), least), most)
        return rng.choice(EDGES)

    def text(self, name, checks):
        """A string."""
        rng = self.rng
        if name in ('name', 'new-name') and checks.get('max-len') == 'ifname-max':
            return rng.choice(PORTS).encode() + b'\0'
        if rng.random() < 0.7:
            return rng.choice((b'web', b'x' * rng.randrange(140), b'\xc3\xa4\xc3\xb6')) + b'\0'
        return bytes(rng.randrange(256) for _ in range(rng.randrange(70)))

    def binary(self, name):
        """What is neither number nor string."""
        rng = self.rng
        if name in ('uuid', 'vm'):
            return rng.choice(POOL) if rng.random() < 0.95 else rng.randbytes(16)
        if name == 'frame':
            return rng.choice(self.frames)
        return rng.choice((b'\x0a\0\0\1', b'\x0a\0\0\0', b'\xff\xff\xff\xff', bytes(4), bytes(16),
                           bytes.fromhex('fd000000000000000000000000000001')))

    def payload(self, name, one, depth):
        """What is in an attribute."""
        kind = one['type']
        checks = one.get('checks', {})
        if name == 'transaction' and self.rng.random() < 0.9:
            return TRANSACTION
        if kind == 'nest':
            return self.attrs(one['nested-attributes'], None, depth + 1)
        if kind == 'u32':
            return struct.pack('I', self.number(checks, one.get('enum')))
        if kind == 'u64':
            return struct.pack('Q', self.rng.choice(EDGES))
        if kind == 'string':
            return self.text(name, checks)
        return b'' if kind in ('flag', 'pad') else self.binary(name)

    def attrs(self, space, names, depth=0):
        """Attributes of a set: those that an operation takes, or any of a nest."""
        rng, found = self.rng, []
        for name in names or spec.sets[space]:
            one = spec.sets[space][name]
            wanted = 0.95 if name in ('uuid', 'vm', 'transaction', 'frame', 'rule', 'action',
                                      'first', 'name') else 0.25
            if names is None and name in ('number', 'packets', 'bytes', 'pad'):
                wanted = 0.01
            if rng.random() > wanted:
                continue
            times = rng.choice((1, 1, 2, 3, 32, 33, 70)) if one.get('multi-attr') else 1
            flag = NESTED if one['type'] == 'nest' else 0
            for at in range(times if depth < 3 else 1):
                if times > 3 and one.get('nested-attributes') == 'range':
                    # One that is bad would hide that there are too many.
                    payload = [[1, struct.pack('I', at), 0], [2, struct.pack('I', 600 + at), 0]]
                else:
                    payload = self.payload(name, one, depth)
                found.append([one['number'] | flag, payload, 0])
        return found

    def message(self, name=None):
        """A message that fits the specification, more or less."""
        rng = self.rng
        name = name or rng.choice([op for op in spec.ops if 'notify' not in spec.ops[op]])
        op = spec.ops[name]
        way = 'dump' if 'dump' in op and rng.random() < 0.4 else 'do'
        names = op[way].get('request', {}).get('attributes', [])
        return {'op': op['number'], 'flags': REQUEST | ACK | (DUMP if way == 'dump' else 0),
                'version': 1, 'attrs': self.attrs(op['attribute-set'], names or ())
                if names else []}

    # Spoiling.

    def place(self, attrs):
        """Some list of attributes of those that are nested in each other."""
        nests = [one[1] for one in attrs if isinstance(one[1], list) and one[1]]
        return self.place(self.rng.choice(nests)) if nests and self.rng.random() < 0.6 else attrs

    def stuff(self, depth=0):
        """Any attribute."""
        rng = self.rng
        if rng.random() < 0.3 and depth < 12:
            inner = [self.stuff(depth + 1) for _ in range(rng.randrange(1, 3))]
            return [rng.randrange(1, 24) | rng.choice((0, NESTED)), inner, 0]
        size = rng.choice((0, 1, 2, 3, 4, 5, 8, 15, 16, 17, 64, 300))
        return [rng.choice((rng.randrange(24), rng.randrange(65536))), rng.randbytes(size), 0]

    def spoil_attr(self, attrs):
        """Spoil one attribute of a list."""
        rng = self.rng
        if not attrs:
            attrs.append(self.stuff())
            return
        at = rng.randrange(len(attrs))
        one = attrs[at]
        way = rng.randrange(11)
        if way == 0:
            del attrs[at]
        elif way == 1:
            attrs.insert(rng.randrange(len(attrs) + 1), copy.deepcopy(one))
        elif way == 2:
            rng.shuffle(attrs)
        elif way == 3:
            one[0] = rng.choice((rng.randrange(32), one[0] ^ NESTED, one[0] | 0x4000))
        elif way == 4:
            one[2] = rng.choice((-4, -3, -1, 1, 2, 4, 100, 65535))
        elif way == 5:
            attrs.insert(at, self.stuff())
        elif way == 6:
            one[1] = [one[:]] * rng.randrange(1, 3)
        elif way == 7 and isinstance(one[1], list):
            one[1] = rng.choice(([], b'', rng.randbytes(5)))
        elif isinstance(one[1], bytes):
            self.spoil_bytes(one, way)
        else:
            self.spoil_attr(one[1])

    def spoil_bytes(self, one, way):
        """Spoil what is in an attribute."""
        rng, data = self.rng, one[1]
        if way == 7:
            one[1] = data[:rng.randrange(len(data) + 1)]
        elif way == 8:
            one[1] = data + rng.randbytes(rng.choice((1, 2, 4, 12, 500)))
        elif way == 9 and data:
            at = rng.randrange(len(data))
            one[1] = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]
        else:
            one[1] = struct.pack('I', rng.choice(EDGES) & 0xffffffff)

    def encode(self, attrs):
        """Bytes of attributes."""
        out = b''
        for number, payload, lie in attrs:
            data = self.encode(payload) if isinstance(payload, list) else payload
            data = data[:65000]
            out += struct.pack('HH', len(data) + 4 + lie & 0xffff, number) + data
            out += bytes(-len(data) % 4)
        return out

    def bytes_of(self, made, seq):
        """A message as it is sent."""
        payload = self.encode(made['attrs'])
        return struct.pack('IHHIIBBH', HEADERS + len(payload) + made.get('lie', 0) & 0xffffffff,
                           Netlink.family, made['flags'], seq, made.get('pid', 0), made['op'],
                           made['version'], made.get('reserved', 0)) + payload

    def spoil(self, made):
        """Spoil a message."""
        rng = self.rng
        way = rng.randrange(24)
        if way == 0:
            made['op'] = rng.choice((rng.randrange(48), rng.randrange(256)))
        elif way == 1:
            made['flags'] = rng.choice((made['flags'] ^ DUMP, made['flags'] ^ MULTI,
                                        made['flags'] ^ ACK, rng.randrange(65536)))
        elif way == 2:
            made[rng.choice(('version', 'reserved', 'pid'))] = rng.randrange(256)
        elif way == 3:
            made['lie'] = rng.choice((-20, -5, -4, -1, 1, 4, 1000))
        else:
            self.spoil_attr(self.place(made['attrs']))

    def spoilt(self, seq, name=None):
        """The bytes of a message, spoilt or not."""
        made = self.message(name)
        op, times = made['op'], self.rng.choice((0, 0, 1, 1, 1, 2, 3, 6))
        for _ in range(times):
            self.spoil(made)
        data = self.bytes_of(made, seq)
        # Nobody may take the control VM's port; who owns it may well let it go.
        if times or op != spec.ops['port-new']['number']:
            data = data.replace(b'ctl0', b'fz1\0')
        return data


class Fuzz(Run):
    """Programs of steps: [what, socket, ...]."""
    kind = 'netlink'

    def __init__(self, seed):
        super().__init__(seed)
        quiet()
        self.taps = {name: open_tap(name) for name in ('ctl0', 'fz0', 'fz1')}
        self.nl = Netlink()
        tool('vm', 'add', str(uuid.UUID(bytes=CONTROL)), 'name', 'control')
        tool('port', 'add', 'ctl0', 'vm', str(uuid.UUID(bytes=CONTROL)))
        tool('policy', 'load', str(uuid.UUID(bytes=CONTROL)), '-', text=POLICY)
        ip('link set ctl0 up')
        for number in range(20):
            os.write(self.taps['ctl0'], self.datagram(number))
        self.frames = self.make_frames()
        self.looked = Counter()
        self.control = self.see_control()
        expect(len(self.control['flows']), 20, 'flows of the control VM')

    @staticmethod
    def datagram(number):
        """A frame from the control VM, with no checksums."""
        return (bytes.fromhex('020000000001020000000002080045000020000040004011000000000000'
                              '0a0000010a000002')[:26] + bytes((10, 0, 0, 2, 10, 0, 0, 1)) +
                struct.pack('!HHHH', 1000 + number, 53, 12, 0) + bytes(4))

    def make_frames(self):
        """Frames of a snapshot for the VMs of the pool."""
        number = spec.attr('snapshot', 'frame')
        frames = [dict(attrs_of(reply))[number] for reply in
                  self.nl.well('snapshot-save', vm_attr('snapshot-save', CONTROL), dump=True)]
        return frames

    def see_control(self):
        """The control VM."""
        seen = state_of(self.nl, CONTROL)
        seen['port'] = [without(reply, 'port') for reply in
                        self.nl.well('port-get', vm_attr('port-get', CONTROL), dump=True)]
        return seen

    # Programs.

    def program(self, rng):
        maker, steps, seq = Maker(rng, self.frames), [], 0
        for _ in range(STEPS):
            way, sock = rng.random(), rng.randrange(SOCKETS)
            if way < 0.02:
                steps.append(['close', sock])
            elif way < 0.04:
                steps.append(['read', sock, rng.randrange(1, 4)])
            elif way < 0.05:
                steps.append(['netdev', rng.choice(('fz0', 'fz1', 'fz2')),
                              rng.choice(('add', 'del', 'up', 'down'))])
            else:
                many = rng.choice((1, 1, 1, 1, 2, 3, 8))
                data, follow = b'', self.sequence(rng, many)
                many = len(follow)
                for name in follow:
                    seq += 1
                    data += maker.spoilt(seq, name)
                    data += bytes(-len(data) % 4)
                if rng.random() < 0.03:
                    data = data[:rng.randrange(1, len(data))]
                # Dumps are left unread, so that what follows meets them half done.
                steps.append(['slow' if rng.random() < 0.1 else 'send', sock, data.hex(), many])
        return steps

    @staticmethod
    def sequence(rng, many):
        """Names of operations, often such as follow each other; None stands for any."""
        follow = rng.choice((('vm-new', 'port-new', 'policy-begin', 'policy-add', 'policy-commit'),
                             ('policy-begin', 'policy-add', 'policy-add', 'policy-commit'),
                             ('vm-new', 'restore-begin', 'restore-frame', 'restore-abort'),
                             ('vm-freeze', 'snapshot-save', 'vm-thaw'),
                             (None,) * many, (None,) * many))
        if rng.random() < 0.3:
            return follow
        return [name if rng.random() < 0.7 else None for name in follow[:many]]

    # Doing it.

    def execute(self, steps):
        sockets, transactions, messages = {}, {}, 0
        for number, step in enumerate(steps):
            what, which = step[:2]
            if what == 'close':
                if which in sockets:
                    sockets.pop(which).close()
            elif what == 'netdev':
                self.netdev(which, step[2])
            elif what == 'read':
                for _ in range(step[2]):
                    if which in sockets:
                        sockets[which].receive()
            else:
                if which not in sockets:
                    sockets[which] = Netlink(4096 if which == 0 else None)
                data = bytes.fromhex(step[2]).replace(TRANSACTION,
                                                      transactions.get(which, bytes(4)))
                # Looking takes longer than sending.
                looked = self.see(number % 64 == 0) if number % 4 == 0 else None
                answers = self.send(sockets[which], data, what == 'slow')
                messages += step[3]
                self.transaction(answers, transactions, which)
                if looked and self.refused(answers, data, what):
                    self.check_unchanged(number, data, looked, number % 64 == 0)
        for sock in sockets.values():
            sock.close()
        self.clean()
        return messages

    @staticmethod
    def send(sock, data, slow):
        """Send a datagram; what was answered."""
        try:
            sock.sock.send(data)
        except OSError as error:
            sock.drain()
            return [(0, error.errno, b'')]
        if slow:
            first = sock.receive()
            return first or []
        return sock.drain()

    @staticmethod
    def transaction(answers, transactions, which):
        """Remember the transaction that policy-begin gave: an answer of one u32 of this number."""
        wanted = spec.attr('policy', 'transaction')
        for _, code, data in answers:
            if code is None and len(data) == 8:
                found = attrs_of(data)
                if found and found[0][0] == wanted and len(found[0][1]) == 4:
                    transactions[which] = found[0][1]

    @staticmethod
    def refused(answers, data, what):
        """Was all that is in this datagram refused? One message, one error, nothing else."""
        if what == 'slow' or not answers:
            return False
        length = struct.unpack_from('I', data.ljust(4, b'\0'))[0]
        if (length + 3) & ~3 < len(data):
            return False
        return all(code for _, code, _ in answers)

    def see(self, all_of_it):
        """
        What there is of VMs and ports; all of it, or as much as tells nearly all changes. VMs come
        first: whose deadline passes while the rest is looked at was seen holding.
        """
        seen = {}
        for op in 'vm-get', 'port-get', 'stats-get':
            space = spec.ops[op]['attribute-set']
            seen[op] = sorted(without(reply, space) for reply in self.nl.well(op, dump=True))
        if all_of_it:
            seen |= {vm.hex(): state_of(self.nl, vm) for vm in vms(self.nl)}
        return seen

    @staticmethod
    def holding(seen):
        """UUIDs of the VMs that hold: their deadlines pass by themselves."""
        state, name = spec.attr('vm', 'state'), spec.attr('vm', 'uuid')
        holding = struct.pack('I', spec.enums['vm-state'].index('holding'))
        return [dict(vm)[name] for vm in seen['vm-get'] if dict(vm)[state] == holding]

    @staticmethod
    def but_for(vms_left_out, seen):
        """What was seen, without some VMs."""
        names = [vm.hex() for vm in vms_left_out]
        return {key: [row for row in rows if not any(payload in vms_left_out
                                                     for _, payload in row)]
                if key.endswith('-get') else rows
                for key, rows in seen.items() if key not in names}

    def check_unchanged(self, number, data, was, all_of_it):
        """After a refusal."""
        now, held = self.see(all_of_it), self.holding(was)
        self.looked.update(['beside a VM that holds' if held else 'alone'])
        if held:
            now, was = self.but_for(held, now), self.but_for(held, was)
        if now != was:
            raise Failure(f'step {number}: refused, but changed {difference(was, now)}: '
                          f'{data.hex()}')

    def netdev(self, name, what):
        """A netdev comes, goes, and is set up and down."""
        if what == 'add' and name not in self.taps:
            try:
                self.taps[name] = open_tap(name)
            except OSError:
                return
        elif what == 'del' and name in self.taps:
            os.close(self.taps.pop(name))
        elif what in ('up', 'down') and name in self.taps:
            ip(f'link set {name} {what}')

    def clean(self):
        """After a batch: the control VM is as it was, the others go, and nothing is left."""
        now = self.see_control()
        if now != self.control:
            raise Failure(f'the control VM has changed: {difference(self.control, now)}')
        for vm in vms(self.nl):
            if vm != CONTROL:
                self.nl.well('vm-del', vm_attr('vm-del', vm))
        expect(vms(self.nl), [CONTROL], 'VMs after the batch')
        expect(references(), 1, 'references on the module')
        ports = self.nl.well('port-get', dump=True)
        expect(len(ports), 1, 'ports after the batch')
        expect(field(ports[0], 'port', 'state'), 1, 'state of the control port')

    def finish(self):
        print(f'{self.kind}: refusals that changed nothing: {dict(self.looked)}')
        self.nl.well('vm-del', vm_attr('vm-del', CONTROL))
        self.nl.close()
        for fd in self.taps.values():
            os.close(fd)


if __name__ == '__main__':
    Fuzz(sys.argv[2]).main(sys.argv)
