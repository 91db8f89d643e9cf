# SPDX-License-Identifier: GPL-2.0
"""
The workers of the races: each is a process that does one kind of work over and over, as fast as it
can, on VMs and ports that the others use too. Whatever the others do meanwhile, an operation is
done, or refused for a reason that such a meeting explains.
"""

import ctypes
import errno
import itertools
import os
import random
import socket
import struct
import subprocess
import sys
import time
from collections import Counter

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'netlink'))
# pylint: disable=wrong-import-position
from sending import sends  # noqa: E402
from traffic import Dialogues, guest_mac  # noqa: E402
from vfwtest import Client, Namespace, libc, open_tap, rename  # noqa: E402

HOST, GUESTS, FAR = 'races-host', 'races-guests', 'races-far'
STEADY = bytes.fromhex('5' * 32)              # a VM that is never deleted nor restored
CHURN = [bytes([0xc0 + i] * 16) for i in range(4)]  # these are
GONE = bytes.fromhex('d' * 32)                # lives in namespaces that do not last
PORTS = 5                                     # p0 is the steady VM's
PACKET_IGNORE_OUTGOING, SOL_PACKET = 23, 263
NLMSG_ERROR, NLMSG_DONE = 2, 3
DELETE_MODULE, O_NONBLOCK = 176, 0o4000

# What two operations that meet may be told.
EXPECTED = {
    errno.ENOENT: 'not there (any more)',
    errno.EEXIST: 'there already',
    errno.EBUSY: 'frozen, held, or being restored by another',
    errno.EALREADY: 'in that state already',
    errno.ENOSPC: 'too many of them',
    errno.ESTALE: 'overtaken',
    errno.ECANCELED: 'the restore was broken off',
    errno.ENODATA: 'the stream is not complete',
    errno.EAGAIN: 'what was being read was replaced',
    errno.EINVAL: 'only port-set, to the name of a netdev that has another',
}


class Work:
    """What a worker has: its random numbers, its socket, its counts."""
    def __init__(self, name, seed):
        self.name, self.rng = name, random.Random(seed)
        self.done, self.refused, self.strange = Counter(), Counter(), []
        self.space = Namespace(HOST)
        self.nl = None

    def __enter__(self):
        with self.space.inside():
            self.nl = Client()
        return self

    def __exit__(self, *_):
        self.nl.close()

    def count(self, op, error=0, text=''):
        """How an operation ended."""
        if not error:
            self.done[op] += 1
            return
        self.refused[f'{op} {errno.errorcode.get(error, error)}'] += 1
        if error not in EXPECTED or (error == errno.EINVAL and op != 'port-set'):
            self.strange.append(f'{op}: {errno.errorcode.get(error, error)} {text}')

    def ask(self, op, attrs=None, nl=None, **more):
        """An operation, counted; the answer."""
        answer = (nl or self.nl).ask(op, attrs, **more)
        self.count(op + (' (dump)' if more.get('dump') else ''), answer.errno, answer.text)
        return answer

    def any_vm(self):
        """One of the VMs that come and go, or the steady one."""
        return self.rng.choice(CHURN + [STEADY])

    def result(self):
        """For the parent, as text would be."""
        return {'name': self.name, 'done': self.done, 'refused': self.refused,
                'strange': self.strange[:20]}


def packet_socket(space, ifname):
    """A packet socket that sends, and receives nothing."""
    with space.inside():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setblocking(False)
    sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    sock.bind((ifname, 0))
    return sock


class Senders:
    """Sends dialogues of some guests."""
    def __init__(self, work, numbers):
        os.nice(-10)    # the others shall have something to race with
        self.work = work
        self.dialogues = {number: Dialogues(work.rng, number) for number in numbers}
        self.far = packet_socket(Namespace(FAR), 'u1')
        self.near = {}

    def near_socket(self, number):
        """Of the guest's end; the netdev may be another one by now."""
        if number not in self.near:
            self.near[number] = packet_socket(Namespace(GUESTS), f'g{number}')
        return self.near[number]

    def __call__(self):
        number = self.work.rng.choice(list(self.dialogues))
        for side, frame in self.dialogues[number].next():
            try:
                (self.far if side else self.near_socket(number)).send(frame)
                self.work.done['packet'] += 1
            except BlockingIOError:
                self.work.refused['packet: too many wait'] += 1
            except OSError as why:
                self.work.refused[f'packet: {errno.errorcode[why.errno]}'] += 1
                if not side and number in self.near:
                    self.near.pop(number).close()


def steady_traffic(work):
    """Packets of the VM that stays."""
    return Senders(work, [0])


def churn_traffic(work):
    """Packets of the VMs that come and go."""
    return Senders(work, range(1, PORTS))


def far_traffic(work):
    """Packets of all."""
    return Senders(work, range(PORTS))


def random_rule(rng):
    """A rule; none rejects nor matches much by accident."""
    rule = {'direction': rng.choice(('in', 'out', 'both')),
            'action': rng.choice(('pass', 'pass', 'drop', 'reject'))}
    if rng.random() < 0.8:
        first = rng.randrange(1, 30000)
        rule.update({'protocol': rng.choice((6, 17)),
                     'local-ports': [{'first': first, 'last': first + rng.randrange(5000)}]})
    if rng.random() < 0.1:
        rule['stateless'] = True
    return rule


def policies(work):
    """Load policies; break some off."""
    def loads():
        rng, vm = work.rng, work.any_vm()
        with_socket = rng.random() < 0.2
        with work.space.inside():
            nl = Client() if with_socket else work.nl
        flows = rng.choice((50, 1000, 5000, 20000))
        begun = work.ask('policy-begin', {
            'vm': vm, 'default-in': rng.choice(('pass', 'pass', 'drop')),
            'default-out': rng.choice(('pass', 'pass', 'reject')),
            'limits': {'flows': flows, 'half-open': max(flows // rng.choice((1, 4, 10)), 1)},
            'timeouts': {'udp-new': rng.choice((1, 30)), 'tcp-syn-sent': rng.choice((1, 30)),
                         'tcp-established': rng.choice((2, 7440))}}, nl)
        if not begun.errno:
            transaction = {'transaction': begun.replies[0]['transaction']}
            for _ in range(rng.randrange(4)):
                work.ask('policy-add', {**transaction,
                                        'rule': [random_rule(rng) for _ in range(20)]}, nl)
            if not with_socket or rng.random() < 0.5:
                op = rng.choice(('policy-commit',) * 5 + ('policy-abort',))
                if work.ask(op, transaction, nl).errno and not with_socket:
                    work.ask('policy-abort', transaction, nl)
        if with_socket:
            nl.close()
    return loads


def vms(work):
    """Declare VMs that hold or do not, and forget them."""
    def come_and_go():
        rng, vm = work.rng, work.rng.choice(CHURN)
        if rng.random() < 0.3:
            work.ask('vm-del', {'uuid': vm})
            return
        attrs = {'uuid': vm}
        if rng.random() < 0.3:
            attrs.update({'hold': True, 'hold-limits': {
                'time': rng.choice((1, 50, 500)), 'packets': 200,
                'expiry': rng.choice(('start-empty', 'stay-closed'))}})
        work.ask('vm-new', attrs)
        work.ask('port-new', {'vm': vm, 'name': f'p{rng.randrange(1, PORTS)}'})
        work.ask('vm-set', {'uuid': vm, 'name': f'vm {rng.randrange(100)}'})
        time.sleep(0.02)
    return come_and_go


def ports(work):
    """Declare ports, change and forget them."""
    def change():
        rng = work.rng
        name, other = (f'p{rng.randrange(1, PORTS + 2)}' for _ in range(2))
        rng.choice((
            lambda: work.ask('port-new', {'vm': rng.choice(CHURN), 'name': name}),
            lambda: work.ask('port-new', {'vm': rng.choice(CHURN), 'name': name, 'trunk': True}),
            lambda: work.ask('port-set', {'name': name, rng.choice(('trunk', 'access')): True}),
            lambda: work.ask('port-set', {'name': name, 'new-name': other}),
            lambda: work.ask('port-set', {'name': name, 'type': rng.choice(('host', 'mirrored'))}),
            lambda: work.ask('port-del', {'name': name}),
        ))()
    return change


def netdevs(work):
    """Remove netdevs of ports, make them again, rename them, take them down and up."""
    space, kinds = work.space, itertools.cycle(range(4))

    def count(op, status):
        work.count(op) if not status else work.refused.update([op])

    def change():
        rng = work.rng
        number = rng.randrange(1, PORTS)
        name = f'p{number}'
        kind = next(kinds)
        if kind == 0:
            tap_named(work, f'p{PORTS}')
        elif kind == 1:
            rename_there_and_back(work, name, rng.choice(('x0', f'p{PORTS + 1}')))
        elif kind == 2:
            count('netdev deleted', space.ip(f'link del {name}', check=False)[0])
            count('netdev made', make_port(space, number))
        else:
            count('netdev down', space.ip(f'link set {name} down', check=False)[0])
            count('netdev up', space.ip(f'link set {name} up', check=False)[0])
    return change


def rename_there_and_back(work, name, other):
    """A netdev of a port, to the name of another port or of none."""
    with work.space.inside():
        for pair in (name, other), (other, name):
            try:
                rename(*pair)
                work.count('netdev renamed')
            except OSError as why:
                work.refused[f'netdev renamed: {errno.errorcode[why.errno]}'] += 1


def tap_named(work, name):
    """A tap that comes and goes under a port's name."""
    with work.space.inside():
        try:
            os.close(open_tap(name))
            work.count('tap')
        except OSError as why:
            work.refused[f'tap: {errno.errorcode[why.errno]}'] += 1


def make_port(space, number):
    """A port's veth and the guest's end; the exit status."""
    status = space.ip(f'link add p{number} type veth peer name g{number} netns {GUESTS}',
                      check=False)[0]
    Namespace(GUESTS).ip(f'link set g{number} address {guest_mac(number)} up', check=False)
    space.ip(f'link set p{number} master br0 up', check=False)
    return status


def dumps(work):
    """List what there is: whole, slowly, or not to the end. The steady VM has most to list."""
    def lists():
        rng, vm = work.rng, work.rng.choice((STEADY, work.any_vm()))
        op, attrs = rng.choice((('vm-get', {}), ('port-get', {}), ('port-get', {'vm': vm}),
                                ('stats-get', {}), ('stats-get', {'all': True}),
                                ('rule-get', {'vm': vm}), ('flow-get', {'vm': vm}),
                                ('flow-get', {'vm': vm, 'protocol': 6}),
                                ('flow-get', {'vm': vm, 'family': 'ipv6'}),
                                ('snapshot-save', {'vm': vm})))
        how = rng.choice(('whole', 'whole', 'slow', 'abandoned'))
        with work.space.inside():
            nl = Client()
        nl.sock.settimeout(60)
        nl.sock.send(nl.request(op, attrs, dump=True))
        left, ended = rng.randrange(4) if how == 'abandoned' else -1, None
        while left and ended is None:
            ended = end_of_dump(nl.sock.recv(1 << 17))
            left -= 1
            if how == 'slow':
                time.sleep(0.005)
        nl.close()
        if ended is None:
            work.count('list, abandoned')
        else:
            work.count(f'{op} (dump)', ended)
            if not ended and how != 'abandoned':
                work.count(f'list, {how}')
        for one, more in (('vm-get', {'uuid': vm}), ('stats-get', {'vm': vm}),
                          ('policy-get', {'vm': vm}), ('rule-get', {'vm': vm, 'rule-number': 1}),
                          ('snapshot-save', {'vm': vm})):
            work.ask(one, more)
        work.ask('flow-get', {'vm': vm, 'local-port': rng.choice((53, 80, 443, 30000))})
    return lists


def end_of_dump(data):
    """The errno that a dump ends with in these messages, 0 if it is whole; None: it goes on."""
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from('=IH', data, at)
        if kind in (NLMSG_ERROR, NLMSG_DONE):
            return -struct.unpack_from('=i', data, at + 16)[0]
        at += (length + 3) & ~3
    return None


def freezes(work):
    """Freeze and thaw."""
    def turn():
        vm = work.any_vm()
        work.ask('vm-freeze', {'uuid': vm})
        time.sleep(work.rng.random() / 50)
        work.ask('vm-thaw', {'uuid': vm})
        time.sleep(work.rng.random() / 50)
    return turn


def flushes(work):
    """Remove flows: all, or those that fit a filter."""
    def flush():
        rng, vm = work.rng, work.any_vm()
        work.ask('flow-del', rng.choice((
            {'vm': vm}, {'vm': vm, 'protocol': 17}, {'vm': vm, 'family': 'ipv6'},
            {'vm': vm, 'state': 'tcp-syn-sent'}, {'vm': vm, 'opened': 'in'})))
        time.sleep(0.2)
    return flush


def restores(work):
    """Save a VM and restore it: to the end, or not."""
    def move():
        rng, vm = work.rng, work.rng.choice(CHURN)
        frames = [reply['frame'] for reply in
                  work.ask('snapshot-save', {'vm': vm}, dump=True).replies]
        with work.space.inside():
            nl = Client()
        limits = {'time': rng.choice((20, 200, 5000)), 'packets': 500,
                  'expiry': rng.choice(('start-empty', 'stay-closed'))}
        if not work.ask('restore-begin', {'vm': vm, 'hold-limits': limits}, nl).errno:
            part = len(frames) if rng.random() < 0.7 else rng.randrange(len(frames) + 1)
            for frame in frames[:part]:
                if work.ask('restore-frame', {'vm': vm, 'frame': frame}, nl).errno:
                    break
            how = rng.choice(('restore-commit', 'restore-commit', 'restore-commit',
                              'restore-abort', None))
            # A restore that failed is forgotten, or waits for its deadline.
            if how and work.ask(how, {'vm': vm}, nl).errno and rng.random() < 0.7:
                work.ask('restore-abort', {'vm': vm}, nl)
        nl.close()
    return move


def namespaces(work):
    """A namespace with a VM and its traffic comes, and goes while packets are on their way."""
    inner, outer = Namespace('races-n1'), Namespace('races-n2')
    frames = [frame for dialogue in (Dialogues(work.rng, 0).next() for _ in range(30))
              for _, frame in dialogue]

    def life():
        with outer:
            inner.__enter__()
            outer.ip('link add a1 type veth peer name a0 netns races-n1')
            for space, dev in (outer, 'a1'), (inner, 'a0'):
                space.ip(f'link set {dev} up')
            with inner.client() as nl:
                nl.well('vm-new', {'uuid': GONE, 'hold': work.rng.random() < 0.3})
                nl.well('port-new', {'vm': GONE, 'name': 'a0'})
                if work.rng.random() < 0.7:
                    nl.pass_all(GONE)
                if work.rng.random() < 0.3:
                    nl.ask('restore-begin', {'vm': GONE})
            sock = packet_socket(outer, 'a1')
            with subprocess.Popen(['ip', 'netns', 'del', inner.name]) as going:
                sent = send_until(sock, frames, going)
            sock.close()
            work.count('namespace gone')
            work.done['packet'] += sent
    return life


def send_until(sock, frames, process):
    """Send until the process and the netdev are gone; how many were sent."""
    sent = 0
    while process.poll() is None or sent < len(frames):
        try:
            sock.send(frames[sent % len(frames)])
        except BlockingIOError:
            time.sleep(0.001)
        except OSError:
            break
        sent += 1
    return sent


def listeners(work):
    """Listen to events, too slowly at times."""
    def listen():
        with work.space.inside():
            nl = Client()
        if work.rng.random() < 0.5:
            nl.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        nl.ntf_subscribe('events')
        time.sleep(work.rng.random())
        nl.sock.setblocking(False)
        try:
            while nl.sock.recv(1 << 16):
                work.count('event')
        except BlockingIOError:
            pass
        except OSError as why:
            work.refused[f'event: {errno.errorcode[why.errno]}'] += 1
        nl.close()
    return listen


def removals(work):
    """Try to remove the module, which is in use."""
    def attempt():
        if libc.syscall(DELETE_MODULE, b'vfw', O_NONBLOCK) == 0:
            work.strange.append('the module was removed while there were VMs')
        else:
            error = ctypes.get_errno()
            work.refused[f'rmmod {errno.errorcode[error]}'] += 1
            if error not in (errno.EAGAIN, errno.EBUSY):
                work.strange.append(f'rmmod: {errno.errorcode[error]}')
        work.done['rmmod tried'] += 1
        time.sleep(0.01)
    return attempt


WORKERS = (steady_traffic, churn_traffic, far_traffic, policies, policies, vms, ports, netdevs,
           dumps, dumps, freezes, flushes, restores, sends, sends, namespaces, listeners, removals)
