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
import errno
import os
import struct
import subprocess
import time
from collections import Counter

from inject import Bench, Injection, Tries, frame, p, print_table, sender, symbols, wait
from vfwtest import (CLONE_NEWNET, Namespace, Skip, Tap, eventually, libc, open_tap, refcount,
                     rename, same)

tap = Tap()
OTHER = bytes(range(16, 32))
INIT_MODULE = 175
KINDS = list(range(1, 11))     # of a snapshot's frames
MAGIC = 0x53574656      # VFW_STATE_MAGIC


def vms():
    """Operations on VMs, out of memory"""
    with Bench() as b:
        forget = lambda: b.nl.ask('vm-del', {'uuid': OTHER})     # noqa: E731
        b.try_all('vm-new', b.request('vm-new', {'uuid': OTHER}), forget)
        b.try_all('vm-new hold', b.request('vm-new', {'uuid': OTHER, 'hold': True}), forget)
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
        begin = {'vm': b.vm, 'default-in': 'pass', 'rules': 100,
                 'limits': {'flows': 1000}, 'timeouts': {'icmp': 5}}
        b.try_all('policy-begin', None,
                  prepare=lambda: b.request('policy-begin', begin, nl) if (nl := client()) else 0)
        b.try_all('policy-add', None, prepare=lambda: b.request(
            'policy-add', {**b.load(nl := client()), 'rule': b.rules()}, nl))
        b.try_all('policy-commit', None,
                  prepare=lambda: b.request('policy-commit', b.load(nl := client()), nl))
        # One that has flows counted by their sources; then one that lets it be.
        counting = {'limits': {'flows': 1000, 'source-flows': 900}}
        b.try_all('policy-commit, sources', None,
                  lambda: b.nl.well('policy-commit', b.load()),
                  prepare=lambda: b.request('policy-commit',
                                            b.load(nl := client(), **counting), nl))
        b.try_all('policy-abort', None,
                  prepare=lambda: b.request('policy-abort', b.load(nl := client()), nl))
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


def restores():
    """Restoring, with each kind of frame, out of memory"""
    with Bench() as b:
        b.fill(200)
        frames = [reply['frame'] for reply in
                  b.nl.well('snapshot-save', {'vm': b.vm}, dump=True)]
        kinds = [frame_[4] for frame_ in frames]
        same(sorted(set(kinds)), KINDS, 'kinds of frames')
        name = {'vm': b.vm}
        abort = lambda: b.nl.ask('restore-abort', name)     # noqa: E731
        b.try_all('restore-begin', b.request('restore-begin', name), abort)

        def begun(count, op, attrs):
            abort()
            b.nl.well('restore-begin', name)
            for one in frames[:count]:
                b.nl.well('restore-frame', {**name, 'frame': one})
            return b.request(op, attrs)
        for kind in KINDS:
            at = kinds.index(kind)
            b.try_all(f'restore-frame, type {kind}', None, abort, prepare=lambda at=at: begun(
                at, 'restore-frame', {**name, 'frame': frames[at]}))
        b.try_all('restore-abort', None,
                  prepare=lambda: begun(len(frames), 'restore-abort', name))
        abort()

        def anew():
            abort()
            b.nl.well('vm-del', {'uuid': b.vm})
            b.declare()
            return begun(len(frames), 'restore-commit', name)
        b.try_all('restore-commit', None, prepare=anew,
                  check=lambda: same(b.nl.well('vm-get', {'uuid': b.vm})['flows'], 200, 'flows'))


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
        b.try_all('namespace begins', unshare, home)
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
        met = counted(b)[0] - before
        # Before the hook it was refused, or lost by the netdev.
        assert met <= 1 and (met or error or tries.tried), f'{name}: met {met} after {nth}'
        lost = counted(b)[1]
        flows = check_flows(b)
        same(flows, 0 if kind == 'rejected' else met - lost, f'{name}: flows after failure {nth}')


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


cases = (vms, listened, ports, netdevs, policies, shows, lists, restores, namespaces, packets,
         growth, loading)
tap.run(*(case for case in cases if case.__name__ in os.environ.get('FAULTS', case.__name__)))
print_table()
tap.end()
