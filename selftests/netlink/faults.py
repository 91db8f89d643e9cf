# SPDX-License-Identifier: GPL-2.0
"""
What happens when memory runs out.

On a kernel with fault injection, each operation is tried with its first allocation failing, then
its second, and so on until none is left to fail: memory of slabs and pages, with and without
waiting. Either the operation fails and has changed nothing, or it has done all it should. A netdev
that has a declared name is never unfiltered, and a packet for which there is no memory is dropped
and counted.

Everything at once is in ../races. FAULTS="vms loading" runs some cases only.
"""

import ctypes
import os
import struct
import subprocess
import time
from collections import Counter

from inject import Bench, Injection, Tries, frame, p, print_table, sender, symbols, wait
from vfwtest import (CLONE_NEWNET, Client, Namespace, Skip, Tap, eventually, libc, open_tap,
                     refcount, rename, same)

tap = Tap()
OTHER = bytes(range(16, 32))
INIT_MODULE = 175
KINDS = list(range(1, 11))     # of a snapshot's frames
LIVE_KINDS = list(range(1, 14))     # of frames sent in rounds
POLICY_FRAME, FLOW_FRAMES = 4, (7, 8, 9)
MAGIC = 0x53574656      # VFW_STATE_MAGIC


def vms():
    """Operations on VMs, out of memory"""
    with Bench() as b:
        forget = lambda: b.nl.ask('vm-del', {'uuid': OTHER})     # noqa: E731
        b.try_all('vm-new', b.request('vm-new', {'uuid': OTHER}), forget)
        b.try_all('vm-new hold', b.request('vm-new', {'uuid': OTHER, 'hold': True}), forget)
        b.nl.well('vm-set', {'uuid': b.vm, 'name': 'old'})
        b.try_all('vm-set', b.request('vm-set', {'uuid': b.vm, 'name': 'new'}),
                  lambda: b.nl.well('vm-set', {'uuid': b.vm, 'name': 'old'}))
        b.try_all('vm-freeze', b.request('vm-freeze', {'uuid': b.vm}),
                  lambda: b.nl.ask('vm-thaw', {'uuid': b.vm}))
        b.try_all('vm-thaw', b.request('vm-thaw', {'uuid': b.vm}),
                  prepare=lambda: b.nl.ask('vm-freeze', {'uuid': b.vm}) and None)
        b.nl.ask('vm-thaw', {'uuid': b.vm})

        def again():
            if b.nl.ask('vm-get', {'uuid': b.vm}).errno:
                b.declare()
                b.fill()
        b.nl.well('vm-del', {'uuid': b.vm})
        b.try_all('vm-del', b.request('vm-del', {'uuid': b.vm}), prepare=again)


def listened():
    """Events, out of memory"""
    with Bench() as b, b.ns.client() as listener:
        listener.ntf_subscribe('events')
        b.nl.well('vm-set', {'uuid': b.vm, 'name': 'old'})
        b.try_all('vm-set with a listener', b.request('vm-set', {'uuid': b.vm, 'name': 'new'}),
                  lambda: b.nl.well('vm-set', {'uuid': b.vm, 'name': 'old'}))


def ports():
    """Operations on ports, out of memory"""
    with Bench() as b:
        present = lambda: same(b.nl.port_state('d1'), 'present')     # noqa: E731
        b.try_all('port-new, netdev absent',
                  b.request('port-new', {'vm': b.vm, 'name': 'later'}),
                  lambda: b.nl.ask('port-del', {'name': 'later'}))
        b.try_all('port-new, netdev present', b.request('port-new', {'vm': b.vm, 'name': 'd1'}),
                  lambda: b.nl.ask('port-del', {'name': 'd1'}), present)
        b.try_all('port-set, other netdev',
                  b.request('port-set', {'name': 'd0', 'new-name': 'd1'}),
                  lambda: b.nl.ask('port-set', {'name': 'd1', 'new-name': 'd0'}), present)
        b.try_all('port-set, type', b.request('port-set', {'name': 'd0', 'type': 'mirrored'}),
                  lambda: b.nl.well('port-set', {'name': 'd0', 'type': 'host'}))
        b.try_all('port-del', b.request('port-del', {'name': 'd1'}),
                  prepare=lambda: b.nl.ask('port-new', {'vm': b.vm, 'name': 'd1'}) and None)


def netdevs():
    """What netdevs do, out of memory"""
    with Bench() as b:
        files = []
        here = lambda: same(b.nl.port_state('t0'), 'present')     # noqa: E731
        close = lambda: [os.close(files.pop()) for _ in list(files)]     # noqa: E731
        b.try_all('netdev appears', lambda: files.append(open_tap('t0')), close, here)

        file = open_tap('x0')

        def back():
            if b.nl.port_state('t0') == 'present':
                b.nl.well('port-del', {'name': 't0'})
                rename('t0', 'x0')
                b.nl.well('port-new', {'vm': b.vm, 'name': 't0'})
        b.try_all('netdev renamed to a port', lambda: rename('x0', 't0'), back, here)
        os.close(file)

        def return_d0():
            if b.nl.port_state('t0') == 'present':
                rename('t0', 'd0')
        b.try_all('netdev renamed, port to port', lambda: rename('d0', 't0'), return_d0,
                  lambda: same((b.nl.port_state('t0'), b.nl.port_state('d0')),
                               ('present', 'absent')))


def policies():
    """Operations on policies, out of memory"""
    with Bench() as b:
        b.fill()
        # The transactions of a socket that is closed end with it.
        clients = []

        def client():
            while clients:
                clients.pop().close()
            clients.append(b.ns.client())
            return clients[-1]
        begin = {'vm': b.vm, 'default-in': 'pass', 'rules': 8,
                 'limits': {'flows': 1000}, 'timeouts': {'icmp': 5}}
        kept = []

        def back():
            b.nl.well('policy-commit', b.load())

        def usable(begun):
            """What was begun can be used; how many more can be begun."""
            nl, more = clients[-1], 0
            while not nl.ask('policy-begin', {'vm': b.vm}).errno:
                more += 1
            for reply in begun.replies:
                transaction = {'transaction': struct.unpack_from('I', reply, 8)[0]}
                nl.well('policy-add', {**transaction, 'rule': b.rules()})
                nl.well('policy-commit', transaction)
                kept.append(b.result())
                same(kept[-1], kept[0], 'what was begun')
                back()
            return more
        b.try_all('policy-begin', None, finish=usable,
                  prepare=lambda: b.request('policy-begin', begin, nl) if (nl := client()) else 0)

        loads = []

        def loaded(op, more, **kinds):
            """An operation on what is being loaded."""
            loads[:] = [b.load(client(), **kinds)]
            return b.request(op, {**loads[0], **more}, clients[-1])

        def commit(_):
            return clients[-1].ask('policy-commit', loads[0]).errno
        # So many that there is no room for them yet.
        b.try_all('policy-add', None, back, finish=commit,
                  prepare=lambda: loaded('policy-add', {'rule': b.rules() * 12}))
        b.try_all('policy-commit', None, back, prepare=lambda: loaded(
            'policy-commit', {}, limits={'flows': 900}, **{'default-out': 'drop'}))
        # One that has flows counted by their sources; then one that lets it be.
        b.try_all('policy-commit, sources', None, back, prepare=lambda: loaded(
            'policy-commit', {}, limits={'flows': 1000, 'source-flows': 900}))
        b.try_all('policy-abort', None, back, finish=commit,
                  prepare=lambda: loaded('policy-abort', {}))
        client().close()


def shows():
    """Showing one of everything, and flow-del, out of memory"""
    with Bench() as b:
        b.fill()
        for op, attrs in (('vm-get', {'uuid': b.vm}), ('port-get', {'name': 'd0'}),
                          ('stats-get', {'vm': b.vm}), ('policy-get', {'vm': b.vm}),
                          ('rule-get', {'vm': b.vm, 'rule-number': 3}),
                          ('flow-get', {'vm': b.vm, 'protocol': 17}),
                          ('snapshot-save', {'vm': b.vm})):
            b.try_all(op, b.request(op, attrs), shows=True)
        b.try_all('flow-del', b.request('flow-del', {'vm': b.vm}),
                  prepare=lambda: None if b.dump('flow-get', {'vm': b.vm}) else b.fill())


def saved(frames):
    """How many records of each type there are in a snapshot's messages."""
    records = Counter()
    for one in frames:
        at = one.index(struct.pack('<I', MAGIC))
        kind, count = struct.unpack_from('<4xHxxxxxxI', one, at)
        records[kind] += count
    return records


def lists():
    """Lists, out of memory: whole, or refused"""
    with Bench() as b:
        b.fill(200)
        for op, attrs in (('vm-get', {}), ('port-get', {}), ('port-get', {'vm': b.vm}),
                          ('stats-get', {'all': True}), ('rule-get', {'vm': b.vm}),
                          ('flow-get', {'vm': b.vm}), ('flow-get', {'vm': b.vm, 'protocol': 6}),
                          ('snapshot-save', {'vm': b.vm})):
            whole, got = b.dump(op, attrs), []

            def fresh(op=op, attrs=attrs, got=got):
                nl = b.ns.client()
                got.clear()

                def read():
                    # A list that was begun keeps the module until its socket is closed.
                    with nl:
                        got.extend(b.dump(op, attrs, nl))
                return read

            def check(op=op, got=got, whole=whole):
                if op == 'snapshot-save':   # the time is in it, and frames are as memory is
                    same(saved(got), saved(whole), 'records')
                else:
                    same(got, whole, 'list')
            b.try_all(f'{op} (dump{" of " + ", ".join(attrs) if attrs else ""})', None, check=check,
                      prepare=fresh, shows=True)


class Restores:
    """Restoring what a VM has, again and again."""
    def __init__(self, b):
        self.b, self.name = b, {'vm': b.vm}
        self.frames = [reply['frame'] for reply in
                       b.nl.well('snapshot-save', self.name, dump=True)]
        self.kinds = [one[4] for one in self.frames]

    def abort(self):
        """If there is something to abort."""
        self.b.nl.ask('restore-abort', self.name)

    def begun(self, count, op, attrs=None):
        """An operation on a VM that has nothing, and of which some frames are there."""
        b = self.b
        self.abort()
        b.nl.well('vm-del', {'uuid': b.vm})
        b.declare()
        b.nl.well('restore-begin', self.name)
        for one in self.frames[:count]:
            b.nl.well('restore-frame', {**self.name, 'frame': one})
        return b.request(op, {**self.name, **(attrs or {})})

    def rest(self, at):
        """What follows a frame, and the commit: which is not refused if nothing is missing."""
        for one in self.frames[at + 1:]:
            if self.b.nl.ask('restore-frame', {**self.name, 'frame': one}).errno:
                break
        refused = bool(self.b.nl.ask('restore-commit', self.name).errno)
        self.abort()
        return refused

    def try_frame(self, kind, what=''):
        """The first frame of a type."""
        at = self.kinds.index(kind)
        self.b.try_all(f'restore-frame, type {kind}{what}', None, self.abort,
                       finish=lambda _: self.rest(at), prepare=lambda: self.begun(
                           at, 'restore-frame', {'frame': self.frames[at]}))


def restores():
    """Restoring, with each kind of frame, out of memory"""
    with Bench() as b:
        b.fill(200)
        r = Restores(b)
        same(sorted(set(r.kinds)), KINDS, 'kinds of frames')
        b.try_all('restore-begin', b.request('restore-begin', r.name), r.abort)
        for kind in KINDS:
            r.try_frame(kind)
        b.try_all('restore-abort', None, prepare=lambda: r.begun(len(r.frames), 'restore-abort'))
        b.try_all('restore-commit', None, r.abort,
                  prepare=lambda: r.begun(len(r.frames), 'restore-commit'))
        same(b.nl.well('vm-get', {'uuid': b.vm})['flows'], 200, 'flows')


class Sent(Restores):
    """The same with what was sent in two rounds."""
    def __init__(self, b):
        super().__init__(b)
        self.frames = []
        b.nl.well('send-begin', self.name)
        self.read()
        b.nl.well('flow-del', {**self.name, 'protocol': 6})
        sock = b.ns.packet_socket('d0')
        for i in range(8):
            payload = p.udp(1000 + i, 53, b'x') if i % 4 < 2 else p.udp(5000 + i, 53, b'x')
            sock.send(frame(True, i % 2, p.UDP, payload))
        # Dropped by a rule, which counts it.
        sock.send(frame(True, 0, p.TCP, p.tcp(1000, 120, p.SYN, 1),
                        lambda _, *rest: p.ip('192.0.2.1', *rest)))
        sock.close()
        b.nl.well('vm-freeze', {'uuid': b.vm})
        self.flows = b.nl.well('vm-get', {'uuid': b.vm})['flows']
        self.read()
        b.nl.well('send-end', self.name)
        self.kinds = [one[4] for one in self.frames]

    def read(self):
        """The frames of a round."""
        self.frames += [reply['frame'] for reply in
                        self.b.nl.well('send-round', self.name, dump=True)]

    def try_last(self, kind):
        """The last frame of a type."""
        at = len(self.kinds) - 1 - self.kinds[::-1].index(kind)
        self.b.try_all(f'restore-frame, type {kind}, last', None, self.abort,
                       finish=lambda _: self.rest(at), prepare=lambda: self.begun(
                           at, 'restore-frame', {'frame': self.frames[at]}))


def sent():
    """Restoring what was sent in rounds, with each kind of frame, out of memory"""
    with Bench() as b:
        b.fill(200)
        r = Sent(b)
        same(sorted(set(r.kinds)), LIVE_KINDS, 'kinds of frames')
        for kind in 7, 8, 9:
            r.try_frame(kind, ', with places')
        for kind in 7, 8, *range(11, 14):
            r.try_last(kind)
        b.try_all('restore-commit, of rounds', None, r.abort,
                  prepare=lambda: r.begun(len(r.frames), 'restore-commit'))
        same(b.nl.well('vm-get', {'uuid': b.vm})['flows'], r.flows, 'flows')


def sends():
    """Sending in rounds, out of memory"""
    with Bench() as b:
        b.fill(200)
        name = {'vm': b.vm}
        end = lambda: b.nl.ask('send-end', name)     # noqa: E731

        def begin():
            end()
            b.nl.well('send-begin', name)
        sending = lambda _: b.nl.ask('send-round', name).errno     # noqa: E731
        b.try_all('send-begin', b.request('send-begin', name), end, finish=sending)
        b.try_all('send-round', b.request('send-round', name), end, shows=True,
                  prepare=lambda: begin() or b.request('send-round', name))
        b.try_all('send-end', None, end, finish=sending,
                  prepare=lambda: begin() or b.request('send-end', name))
        got = []

        def fresh():
            nl = b.ns.client()
            got.clear()
            nl.well('send-begin', name)

            def read():
                with nl:
                    got.extend(b.dump('send-round', name, nl))
            return read
        whole = b.dump('snapshot-save', name)
        b.try_all('send-round (dump of vm)', None, shows=True, prepare=fresh, check=lambda: same(
            {kind: n for kind, n in saved(got).items() if kind in FLOW_FRAMES},
            {kind: n for kind, n in saved(whole).items() if kind in FLOW_FRAMES}, 'records'))


def restored_sources():
    """Restoring a VM whose flows are counted by their sources, out of memory"""
    with Bench() as b:
        # Of FAR, 80 flows are of IPv4 without a tag: two more are let in.
        b.fill(200, limits={'flows': 1000, 'source-flows': 82})
        r = Restores(b)
        rest = r.rest

        def two_more(at):
            refused = rest(at)
            if refused:
                return refused
            with sender(b.ns, 'd0') as sock:
                for i in range(5):
                    sock.send(frame(True, 0, p.UDP, p.udp(9000 + i, 53, b'x')))
            return b.nl.drops(b.vm)['source-limit']
        r.begun(0, 'restore-abort')
        same(two_more(-1), (3, 0), 'refused of five')
        r.rest = two_more
        for kind in POLICY_FRAME, *FLOW_FRAMES:
            r.try_frame(kind, ', sources')


def namespaces():
    """A namespace begins, out of memory for vfw; it ends while nothing can be allocated"""
    with Bench() as b:
        b.inject.in_module()

        def unshare():
            if libc.unshare(CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), 'unshare')

        def home():
            b.inside.__exit__()
            b.inside = b.ns.inside()
            b.inside.__enter__()

        def check():
            with Client() as nl:
                same(nl.well('vm-get', dump=True), [], 'VMs of a new namespace')
        b.try_all('namespace begins', unshare, home, check, yields=True)
    inject = Injection()
    inject.in_module()
    with Namespace('vfw-g') as ns:
        with ns.client() as nl, ns.client() as listener:
            listener.ntf_subscribe('events')
            ns.ip('link add d0 type dummy')
            for vm in b.vm, OTHER:
                nl.well('vm-new', {'uuid': vm, 'hold': vm == OTHER})
            nl.well('port-new', {'vm': b.vm, 'name': 'd0'})
            nl.well('restore-begin', {'vm': OTHER})
        inject.all_fail(100)
    gone = wait(lambda: refcount() == 0, 30)
    inject.all_fail(0)
    inject.close()
    assert gone, 'VMs of a namespace that is gone'


def counted(b):
    """Packets that were judged, and those among them that were dropped for want of memory."""
    stats = b.nl.well('stats-get', {'vm': b.vm})
    drops = {drop['reason']: drop['in-packets'] + drop['out-packets']
             for drop in stats.get('drop', [])}
    return (stats['in-packets'] + stats['out-packets'] + sum(drops.values()),
            drops.get('no-memory', 0))


def check_flows(b):
    """As many flows are listed as are counted."""
    vm = b.nl.well('vm-get', {'uuid': b.vm})
    flows = b.nl.well('flow-get', {'vm': b.vm}, dump=True)
    same(len(flows), vm['flows'], 'flows')
    same(sum(flow['state'] == 'tcp-syn-sent' for flow in flows), vm['half-open'], 'half-open')
    return len(flows)


def new_life(b, hold=False):
    """The VM anew, without any memory of flows; the file of its tap."""
    for file in b.files:
        os.close(file)
    b.files.clear()
    b.nl.well('vm-del', {'uuid': b.vm})
    b.declare()
    b.fill(0)
    file = b.tap()
    if hold:
        b.nl.well('restore-begin', {'vm': b.vm})
    return file


def packets():
    """Packets, out of memory: judged, or dropped and counted, and no flow is lost count of"""
    with Bench() as b:
        b.inject.in_module()
        kinds = {
            'UDP': [(p.UDP, p.udp(1000, 53, b'x'))],
            'TCP': [(p.TCP, p.tcp(1000, 80, p.SYN, 1))],
            'echo': [(p.ICMP, p.echo(8, 1))],
            'rejected': [(p.TCP, p.tcp(1000, 99, p.SYN, 1))],
            'held': [(p.UDP, p.udp(1000, 53, b'x'))],
        }
        for kind, ((protocol, payload),) in kinds.items():
            for to_vm in False, True:
                for family in range(1 if kind == 'echo' else 2):
                    packet_tries(b, kind, frame(to_vm, family, protocol, payload), to_vm,
                                 f'{kind} {"to" if to_vm else "from"} VM, IPv{4 + 2 * family}')


def packet_tries(b, kind, data, to_vm, name):
    """One kind of packet, in a VM without any memory of flows."""
    tries = Tries(b.inject, name)
    for nth in tries:
        file = new_life(b, kind == 'held')
        if kind == 'rejected':
            reject = b.nl.well('policy-begin', {'vm': b.vm, 'default-in': 'reject',
                                                'default-out': 'reject'})
            b.nl.well('policy-commit', reject)
        with sender(b.ns, 'e0') as sock:
            before = counted(b)[0]
            error = tries.attempt(nth, (lambda: sock.send(data)) if to_vm else
                                  (lambda: os.write(file, data)))
        if kind == 'held':
            b.nl.well('restore-abort', {'vm': b.vm})
        met, lost = counted(b)
        # Nothing fails before the hook.
        same((error, met - before), (0, 1), f'{name}: error, and packets met, after {nth}')
        flows = check_flows(b)
        same(flows, 0 if kind == 'rejected' else 1 - lost, f'{name}: flows after failure {nth}')
        tries.lost(lost)
    assert tries.refused or kind in ('rejected', 'held'), f'{name}: none was lost'


def fragments():
    """Fragments, out of memory: each is judged, or dropped and counted"""
    with Bench() as b:
        b.inject.in_module()
        datagram = p.udp(1000, 53, bytes(40))
        for swapped in False, True:
            for to_vm in False, True:
                for family in 0, 1:
                    parts = [frame(to_vm, family, p.UDP, datagram, p.fragment, ident=77, offset=at,
                                   length=length) for at, length in ((0, 16), (16, 32))]
                    fragment_tries(b, parts[::-1] if swapped else parts, to_vm,
                                   f'{"later" if swapped else "first"} fragment '
                                   f'{"to" if to_vm else "from"} VM, IPv{4 + 2 * family}')


def fragment_tries(b, parts, to_vm, name):
    """The first one that is sent meets a failure; then comes the other one."""
    tries = Tries(b.inject, name)
    for nth in tries:
        file = new_life(b)
        b.nl.well('policy-commit', b.load(timeouts={**b.PATIENCE, 'fragment': 1}))
        with sender(b.ns, 'e0') as sock:
            def send(part, file=file, sock=sock):
                if to_vm:
                    sock.send(part)
                else:
                    os.write(file, part)
            before = counted(b)[0]
            error = tries.attempt(nth, lambda send=send: send(parts[0]))
            send(parts[1])
        # One whose first was lost waits in vain.
        wait(lambda: counted(b)[0] - before == 2)
        met, lost = counted(b)
        same((error, met - before), (0, 2), f'{name}: error, and fragments met, after {nth}')
        assert check_flows(b) == 1 or lost, f'{name}: no flow, and nothing lost, after {nth}'
        tries.lost(bool(lost))
    assert tries.refused, f'{name}: none was lost'


def growth():
    """A flood of flows whose table cannot grow, and grows when there is memory again"""
    with Bench() as b:
        new_life(b)
        b.inject.in_module()
        sent = 0
        with sender(b.ns, 'e0') as sock:
            for percent, interval in (100, 1), (100, 2), (100, 3), (100, 7), (20, 1), (0, 1):
                b.inject.all_fail(percent, interval)
                for i in range(1500):
                    ports = sent % 50000 + 1000, sent >> 15
                    sock.send(frame(True, i % 2, p.UDP, p.udp(*ports, b'x')))
                    sent += 1
                b.inject.all_fail(0)
                judged, lost = counted(b)
                same(judged, sent, 'packets judged')
                same(check_flows(b), sent - lost, f'flows at {percent}%')
        print(f'# {sent} packets, {lost} of them lost for want of memory')
        assert 0 < lost < sent, f'{lost} packets lost of {sent}'
        b.inject.all_fail(100)
        b.nl.ask('flow-del', {'vm': b.vm})
        time.sleep(0.5)     # the arrays would shrink now
        b.inject.all_fail(0)
        b.nl.ask('flow-del', {'vm': b.vm})
        same(check_flows(b), 0, 'flows')


def rings():
    """A full table makes room for new flows as soon as there is memory to know the oldest"""
    with Bench() as b:
        new_life(b)
        b.nl.well('policy-commit', b.load(limits={'flows': 20, 'half-open': 20}))
        b.inject.in_module()
        sent = 0

        def flood(seconds):
            """Open flows."""
            nonlocal sent
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for protocol, payload in ((p.UDP, p.udp(1000 + sent, 53, b'x')),
                                          (p.TCP, p.tcp(1000 + sent, 80, p.SYN, 1))):
                    sock.send(frame(True, 0, protocol, payload))
                    sent += 1
                time.sleep(0.02)

        def gone():
            """How many flows have ended, and how many of them made room for others."""
            same(counted(b), (sent, 0), 'packets judged, and lost')
            assert check_flows(b) <= 20, 'more flows than may be'
            stats = b.nl.well('stats-get', {'vm': b.vm})
            return stats['flows-ended'], stats.get('flows-evicted', 0)
        with sender(b.ns, 'e0') as sock:
            # There is memory for 20 flows, but no ring yet: half of the limit asks for it.
            for sent in range(1, 9):
                sock.send(frame(True, 0, p.UDP, p.udp(sent, 53, b'x')))
            b.inject.all_fail(100)
            flood(6)
            b.inject.all_fail(0)
            ended, evicted = gone()
            assert ended and not evicted, f'{ended} flows ended, {evicted} made room'
            begin = time.monotonic()
            while not gone()[1] and time.monotonic() < begin + 10:
                flood(0.1)
            print(f'# {ended} flows ended in 6 s without a ring, then one made room after '
                  f'{time.monotonic() - begin:.1f} s')
            assert gone()[1], 'no flow ever makes room'


def can_load_again():
    """KASAN without KASAN_VMALLOC takes a module that is loaded again for an error."""
    with open('/proc/kallsyms', encoding='ascii') as file:
        names = {line.split()[2] for line in file}
    return 'kasan_report' not in names or '__kasan_unpoison_vmalloc' in names


def loading():
    """The module is loaded, out of memory, and removed"""
    eventually(lambda: refcount() == 0, 'no VM anywhere')
    module = os.environ.get('VFW_KO')
    if not module:
        raise Skip('VFW_KO does not name the module')
    subprocess.run(['rmmod', 'vfw'], check=True)
    if not can_load_again():
        raise Skip('this kernel cannot load a module twice')
    with open(module, 'rb') as file:
        image = file.read()

    def load():
        if libc.syscall(INIT_MODULE, image, len(image), b''):
            raise OSError(ctypes.get_errno(), 'init_module')
    inject = Injection()
    inject.below(*symbols(lambda name: name == 'do_one_initcall'))
    tries = Tries(inject, 'module loaded')
    for nth in tries:
        error = tries.attempt(nth, load)
        loaded = os.path.exists('/sys/module/vfw')
        same(loaded, not error, f'loaded after failure {nth}')
        if loaded:
            subprocess.run(['rmmod', 'vfw'], check=True)
    inject.close()
    assert tries.tried, 'nothing was injected'
    subprocess.run(['insmod', module], check=True)


cases = (vms, listened, ports, netdevs, policies, shows, lists, restores, sent, sends, restored_sources,
         namespaces, packets, fragments, growth, rings, loading)
tap.run(*(case for case in cases if case.__name__ in os.environ.get('FAULTS', case.__name__)))
print_table()
tap.end()
