# SPDX-License-Identifier: GPL-2.0
"""
Memory that runs out on purpose, by the kernel's fault injection, and a namespace with a VM to which
it happens.
"""

import errno
import os
import socket
import struct
import sys
import time
from collections import Counter

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'engine'))
# pylint: disable=wrong-import-position
import packets as p  # noqa: E402
from vfwtest import Namespace, Skip, open_tap, refcount, same  # noqa: E402

FAULTS = [f'/sys/kernel/debug/{kind}' for kind in ('failslab', 'fail_page_alloc')]
NTH = '/proc/thread-self/fail-nth'
MAC_VM, MAC_FAR = '02:00:00:00:00:02', '02:00:00:00:00:01'
NEAR, FAR = ('10.8.0.2', 'fd08::2'), ('10.8.0.1', 'fd08::1')
NLMSG_ERROR, NLMSG_DONE = 2, 3
ATTEMPTS = 4000

# What was tried: a row for each operation, printed at the end.
table = []


def setting(name, value):
    """Of both kinds of injection, where they have it."""
    for fault in FAULTS:
        path = f'{fault}/{name}'
        if os.path.exists(path):
            with open(path, 'w', encoding='ascii') as file:
                file.write(str(value))


def symbols(wanted, module=''):
    """Addresses of kernel symbols that fit, and where the next one begins."""
    lines = []
    with open('/proc/kallsyms', encoding='ascii') as file:
        for line in file:
            address, kind, name, *more = line.split()
            if kind in 'tT':
                lines.append((int(address, 16), name, more[0] if more else ''))
    lines.sort()
    found = [at for at, (_, name, owner) in enumerate(lines)
             if owner == module and wanted(name)]
    return lines[found[0]][0], lines[found[-1]][0] + 1 if module else lines[found[0] + 1][0]


class Injection:
    """Memory allocations fail: one of this thread's, or all below some function."""
    def __init__(self):
        if not os.path.exists(NTH):
            raise Skip('this kernel has no fault injection')
        for name, value in (('ignore-gfp-wait', 'N'), ('verbose', 0), ('min-order', 0),
                            ('probability', 0), ('stacktrace-depth', 32)):
            setting(name, value)
        self.spare_kmemleak()
        self.everywhere()
        self.file = os.open(NTH, os.O_RDWR)

    def close(self):
        """No more of it."""
        self.everywhere()
        os.close(self.file)

    @staticmethod
    def spare_kmemleak():
        """It has memory of its own for when it gets none: that would be no failure to speak of."""
        if os.path.exists('/sys/kernel/debug/kmemleak'):
            first, last = symbols(lambda name: name == '__alloc_object')
            setting('reject-start', first)
            setting('reject-end', last)

    @staticmethod
    def everywhere():
        """Allocations count wherever they are."""
        setting('require-start', 0)
        setting('require-end', (1 << 64) - 1)

    @staticmethod
    def below(first, last):
        """Only allocations count that code of these addresses leads to."""
        setting('require-start', first)
        setting('require-end', last)

    def in_module(self):
        """Only allocations count that vfw makes, or has made for it."""
        self.below(*symbols(lambda name: True, '[vfw]'))

    @staticmethod
    def all_fail(percent, interval=1):
        """Of every task, and of soft interrupts; 0: no more."""
        setting('times', -1)
        setting('interval', interval)
        setting('probability', percent)
        setting('task-filter', 'N')

    def attempt(self, nth, operation):
        """Try an operation; returns its errno, and whether there was an allocation to fail."""
        error = 0
        os.pwrite(self.file, str(nth).encode(), 0)
        try:
            operation()
        except OSError as why:
            error = why.errno
        left = int(os.pread(self.file, 16, 0).strip(b'\0\n') or b'0')
        os.pwrite(self.file, b'0', 0)
        return error, left == 0


class Tries:
    """One operation, with each of its allocations failing once."""
    def __init__(self, inject, name):
        self.inject, self.name = inject, name
        self.tried, self.refused, self.done = 0, Counter(), 0

    def __iter__(self):
        """Numbers of allocations, until none is left to fail."""
        for nth in range(1, ATTEMPTS):
            hit = self.tried
            yield nth
            if self.tried == hit:
                break
        else:
            raise AssertionError(f'{self.name}: no end of allocations')
        self.row()

    def attempt(self, nth, operation):
        """Returns the error."""
        error, hit = self.inject.attempt(nth, operation)
        assert hit or not error, f'failed without a failure: {os.strerror(error)}'
        self.tried += hit
        if error:
            self.refused[errno.errorcode.get(error, error)] += 1
        else:
            self.done += hit
        return error

    def lost(self, packets):
        """It was done in that a packet was dropped."""
        if packets:
            self.done -= packets
            self.refused['no-memory'] += packets

    def row(self):
        """For the table."""
        told = [f'{count} {name}' for name, count in sorted(self.refused.items())]
        table.append((self.name, self.tried, ', '.join(told) or '-', self.done))


def print_table():
    """What was tried, as comments of TAP."""
    print(f'# {"operation":34} {"failures":>8}  {"done all the same":>17}  refused, nothing changed')
    for name, tried, refused, done in table:
        print(f'# {name:34} {tried:8}  {done:17}  {refused}')
    print(f'# {"all":34} {sum(row[1] for row in table):8}')


def messages(data, sequence):
    """(type, payload) of each netlink message that answers so and so."""
    at = 0
    while at + 16 <= len(data):
        length, kind, _, number = struct.unpack_from('=IHHI', data, at)
        if number == sequence:
            yield kind, data[at + 16:at + length]
        at += (length + 3) & ~3


def without(payload, numbers):
    """The attributes of a generic netlink message but for those with these numbers."""
    kept, at = [], 4
    while at + 4 <= len(payload):
        length, kind = struct.unpack_from('=HH', payload, at)
        if kind & 0x3fff not in numbers:
            kept.append(payload[at:at + length])
        at += (length + 3) & ~3
    return b''.join(kept)


class Bench:
    """
    A namespace with a VM that has the ports t0 (absent), d0 (a dummy netdev) and e0 (a tap, whose
    file is the VM's end), a policy, and flows.
    """
    # No flow expires while this runs.
    PATIENCE = {'udp-new': 7200, 'tcp-syn-sent': 7200}
    # What is another one each time it is looked at.
    VARY = {'vm-get': ('id',), 'port-get': ('id', 'ifindex'), 'flow-get': ('expires', 'age'),
            'snapshot-save': ()}
    # And what is another one each time that a thing is done. A policy may take more memory, as
    # giving some back is an allocation, too.
    COUNTS = {'vm-get': ('policy-epoch',), 'policy-get': ('epoch', 'memory'),
              'rule-get': ('epoch',), 'flow-get': ('epoch',)}

    def __enter__(self):
        self.inject = Injection()
        self.ns = Namespace('vfw-f').__enter__()
        self.inside = self.ns.inside()
        self.inside.__enter__()
        with open('/proc/sys/net/ipv6/conf/default/disable_ipv6', 'w', encoding='ascii') as file:
            file.write('1')
        self.nl = self.ns.client()
        for dev in 'd0', 'd1':
            self.ns.ip(f'link add {dev} type dummy')
            self.ns.ip(f'link set {dev} up')
        self.files = []
        self.vm = bytes(range(16))
        self.declare()
        return self

    def __exit__(self, *_):
        self.inject.all_fail(0)
        self.inject.close()
        for file in self.files:
            os.close(file)
        for vm in self.nl.well('vm-get', dump=True):
            self.nl.well('vm-del', {'uuid': vm['uuid']})
        self.nl.close()
        self.inside.__exit__()
        self.ns.__exit__()

    def declare(self):
        """The VM."""
        self.nl.well('vm-new', {'uuid': self.vm, 'name': 'bench'})
        for name in 't0', 'd0':
            self.nl.well('port-new', {'vm': self.vm, 'name': name, 'trunk': name == 'd0'})

    def tap(self):
        """The port e0 with its tap; the file."""
        self.nl.well('port-new', {'vm': self.vm, 'name': 'e0'})
        self.files.append(open_tap('e0'))
        self.ns.ip('link set e0 up')
        return self.files[-1]

    def load(self, nl=None, **more):
        """Begin a policy and add rules; its number."""
        nl = nl or self.nl
        begun = nl.well('policy-begin', {'vm': self.vm, 'default-in': 'pass',
                                         'default-out': 'pass', 'timeouts': self.PATIENCE, **more})
        nl.well('policy-add', {**begun, 'rule': self.rules()})
        return begun

    @staticmethod
    def rules():
        """Some, with all they may have."""
        return [{'direction': 'in', 'action': 'drop', 'protocol': 6, 'comment': f'rule {i}',
                 'remote': bytes([192, 0, 2, i]), 'remote-prefix': 32,
                 'local-ports': [{'first': 100 * i, 'last': 100 * i + 50},
                                 {'first': 9000 + i, 'last': 9000 + i}]} for i in range(1, 9)]

    def fill(self, flows=40, **more):
        """A policy in force, and flows, half of them of IPv6, some of TCP, some with a VLAN tag."""
        self.nl.well('policy-commit', self.load(**more))
        sock = self.ns.packet_socket('d0')
        for i in range(flows):
            payload = p.tcp(1000 + i, 80, p.SYN, 1) if i % 4 < 2 else p.udp(1000 + i, 53, b'x')
            data = frame(True, i % 2, p.TCP if i % 4 < 2 else p.UDP, payload)
            sock.send(tagged(data) if i % 10 > 7 else data)
        sock.close()
        same(self.nl.well('vm-get', {'uuid': self.vm})['flows'], flows, 'flows')

    def dump(self, op, attrs=None, nl=None, dump=True, more=()):
        """A list, or one object, as it is in its messages, but for what varies; an OSError if it
        is refused."""
        nl = nl or self.nl
        numbers = self.numbers(op, *more)
        nl.sock.send(nl.request(op, attrs, dump=dump))
        sequence, got = nl.seq, []
        while True:
            for kind, payload in messages(nl.sock.recv(1 << 17), sequence):
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    error = -struct.unpack_from('=i', payload)[0]
                    if error:
                        raise OSError(error, op)
                    return got
                got.append(without(payload, numbers))

    def numbers(self, op, *more):
        """Of the attributes that vary, and of more."""
        spec = self.nl.ops[op].attr_set
        return {spec[name].value for name in (*self.VARY.get(op, ()), *more)}

    def state(self):
        """All that there is."""
        return [*self.things(), self.dump('stats-get')]

    def things(self, counts=None):
        """All that there is but for statistics and, if they are named, other counts."""
        def get(op, attrs=None, dump=True):
            return sorted(self.dump(op, attrs, dump=dump, more=(counts or {}).get(op, ())))
        vms = get('vm-get')
        found = [vms, get('port-get'), refcount()]
        for vm in vms:
            name = {'vm': vm[4:20]}     # the first attribute
            found += [get('rule-get', name), get('flow-get', name),
                      get('policy-get', name, False)]
        return found

    def result(self):
        """What there is when a thing was done, in the same way each time that it is done."""
        return self.things(self.COUNTS)

    def request(self, op, attrs, nl=None):
        """
        An operation as a function that raises OSError, made so that little can fail in it. Replies
        are put into its list "replies".
        """
        nl = nl or self.nl
        message = nl.request(op, attrs)
        sequence = nl.seq

        def send():
            nl.sock.send(message)
            while True:
                for kind, payload in messages(nl.sock.recv(1 << 16), sequence):
                    if kind != NLMSG_ERROR:
                        send.replies.append(payload)
                        continue
                    error = -struct.unpack_from('=i', payload)[0]
                    if error:
                        raise OSError(error, op)
                    return
        send.replies = []
        return send

    def try_all(self, name, operation, undo=lambda: None, check=None, prepare=lambda: None,
                shows=False, finish=None, yields=False):
        """
        Let each allocation of an operation fail once. Refused, it has changed nothing; done, there
        is what there is when nothing fails, and the check holds. One that shows something never
        changes anything. What prepare returns, if anything, is the operation. What an operation
        puts by for later is seen when finish makes use of it; that returns how it went. One that
        yields does without the memory: it is never refused.
        """
        def go(act):
            todo = prepare() or operation
            before = self.state()
            error = act(todo)
            after, end = self.state(), self.result()
            if finish:
                end += [finish(todo), *self.result()]
            return error, before, after, end

        def end_of(act):
            end = go(act)[3]
            undo()
            return end
        none, whole = end_of(lambda todo: None), end_of(lambda todo: todo())
        assert shows or check or whole != none, f'{name}: nobody can tell whether it was done'
        tries = Tries(self.inject, name)
        for nth in tries:
            error, before, after, end = go(lambda todo, nth=nth: tries.attempt(nth, todo))
            # ENOBUFS may also mean that it was done, but the acknowledgment was lost.
            done = not error or (error == errno.ENOBUFS and not shows and
                                 (after != before or end == whole))
            if not done or shows:
                same(after, before, f'{name}: after failure {nth}')
            if not shows:
                same(end, whole if done else none, f'{name}: in the end, after failure {nth}')
            if done and check:
                check()
            undo()
        assert tries.refused or (yields and tries.tried), f'{name}: never refused'


def frame(to_vm, family, protocol, payload, make=p.ip, **more):
    """A frame to the VM, or from it."""
    ends = (FAR[family], NEAR[family]) if to_vm else (NEAR[family], FAR[family])
    macs = (MAC_FAR, MAC_VM) if to_vm else (MAC_VM, MAC_FAR)
    return p.ether(make(*ends, protocol, payload, **more), *macs)


def tagged(data):
    """A frame with a VLAN tag."""
    kind = struct.unpack_from('!H', data, 12)[0]
    return data[:12] + struct.pack('!H', p.ETH_VLAN) + p.vlan(data[14:], 5, kind)


def wait(condition, seconds=10):
    """Until the condition holds, or the time is over; whether it holds."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def sender(ns, ifname):
    """A packet socket that sends only."""
    with ns.inside():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.bind((ifname, 0))
    return sock
