# SPDX-License-Identifier: GPL-2.0
"""
What happens when memory runs out, and when everything happens at once.

On a kernel with fault injection, each operation is tried with its first allocation failing, then
its second, and so on until none is left to fail. Either the operation fails and has changed
nothing, or it has done all it should. A netdev that has a declared name is never unfiltered.
"""

import errno
import os
import random
import socket
import subprocess
import time
import uuid

from vfwtest import Client, Namespace, Skip, Tap, eventually, open_tap, refcount, rename, same

tap = Tap()
INJECT = '/proc/thread-self/fail-nth'
SECONDS = 10


class Injection:
    """Memory allocations of this thread fail, one of them."""
    def __init__(self):
        if not os.path.exists(INJECT):
            raise Skip('this kernel has no fault injection')
        for name, value in (('ignore-gfp-wait', 'N'), ('verbose', '0')):
            for kind in ('failslab', 'fail_page_alloc'):
                with open(f'/sys/kernel/debug/{kind}/{name}', 'w', encoding='ascii') as file:
                    file.write(value)
        self.file = os.open(INJECT, os.O_RDWR)

    def close(self):
        """No more of it."""
        os.close(self.file)

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


class Bench:
    """A namespace with a VM that has the ports t0 (absent) and d0 (present)."""
    def __enter__(self):
        self.inject = Injection()
        self.ns = Namespace('vfw-f').__enter__()
        self.ns.ip('link add d0 type dummy')
        self.ns.ip('link add d1 type dummy')
        self.nl = self.ns.client()
        self.vm = self.nl.new_vm()
        self.nl.well('port-new', {'vm': self.vm, 'name': 't0'})
        self.nl.well('port-new', {'vm': self.vm, 'name': 'd0'})
        self.inside = self.ns.inside()
        self.inside.__enter__()
        return self

    def __exit__(self, *_):
        self.inside.__exit__()
        self.inject.close()
        self.nl.well('vm-del', {'uuid': self.vm})
        self.nl.close()
        self.ns.__exit__()

    def state(self):
        """All that there is, but what numbers it has."""
        ports = self.nl.well('port-get', dump=True)
        for port in ports:
            port.pop('id')
            port.pop('ifindex', None)
        vms = self.nl.well('vm-get', dump=True)
        for vm in vms:
            vm.pop('id')
        return vms, sorted(ports, key=lambda port: port['name']), refcount()

    def request(self, op, attrs):
        """An operation as a function that raises OSError, made so that little can fail in it."""
        message = self.nl.request(op, attrs)

        def send():
            self.nl.sock.send(message)
            error = 0
            while True:
                answer = self.nl.sock.recv(1 << 16)
                kind = int.from_bytes(answer[4:6], 'little')
                if kind == 2:
                    error = -int.from_bytes(answer[16:20], 'little', signed=True)
                    break
            if error:
                raise OSError(error, 'refused')
        return send

    def try_all(self, operation, undo, check=lambda: None):
        """Let each allocation of the operation fail once."""
        before = self.state()
        nth = injected = 0
        hit = True
        while hit:
            nth += 1
            assert nth < 2000, 'no end of allocations'
            error, hit = self.inject.attempt(nth, operation)
            injected += hit
            assert hit or not error, 'failed without a failure'
            after = self.state()
            # ENOBUFS may also mean that it was done, but the acknowledgment was lost.
            if error and not (error == errno.ENOBUFS and after != before):
                same(after, before, f'after failure {nth}')
            else:
                check()
                undo()
                same(self.state(), before, f'undone after failure {nth}')
        assert injected > 0, 'nothing was injected'


def vm_new():
    """vm-new with a hold, out of memory"""
    with Bench() as b:
        vm = uuid.uuid4().bytes
        b.try_all(b.request('vm-new', {'uuid': vm, 'hold': True}),
                  lambda: b.nl.well('vm-del', {'uuid': vm}))


def port_new():
    """port-new, out of memory"""
    with Bench() as b:
        b.try_all(b.request('port-new', {'vm': b.vm, 'name': 'd1'}),
                  lambda: b.nl.well('port-del', {'name': 'd1'}),
                  lambda: same(b.nl.port_state('d1'), 'present'))


def port_set():
    """port-set, out of memory"""
    with Bench() as b:
        b.try_all(b.request('port-set', {'name': 'd0', 'new-name': 'd1'}),
                  lambda: b.nl.well('port-set', {'name': 'd1', 'new-name': 'd0'}),
                  lambda: same(b.nl.port_state('d1'), 'present'))


def listened():
    """vm-set with a listener, out of memory"""
    with Bench() as b, b.ns.client() as listener:
        listener.ntf_subscribe('events')
        b.nl.well('vm-set', {'uuid': b.vm, 'name': 'old'})
        b.try_all(b.request('vm-set', {'uuid': b.vm, 'name': 'new'}),
                  lambda: b.nl.well('vm-set', {'uuid': b.vm, 'name': 'old'}))


def gets():
    """vm-get, port-get and stats-get, out of memory"""
    with Bench() as b:
        for op, attrs in (('vm-get', {'uuid': b.vm}), ('port-get', {'name': 'd0'}),
                          ('stats-get', {'vm': b.vm})):
            b.try_all(b.request(op, attrs), lambda: None)


def netdev_appears():
    """A tap appears under a declared name, out of memory"""
    with Bench() as b:
        files = []
        b.try_all(lambda: files.append(open_tap('t0')), lambda: os.close(files.pop()),
                  lambda: same(b.nl.port_state('t0'), 'present'))


def netdev_renamed():
    """A tap is renamed to a declared name, out of memory"""
    with Bench() as b:
        file = open_tap('x0')
        b.try_all(lambda: rename('x0', 't0'), lambda: (b.nl.well('port-del', {'name': 't0'}),
                                                       rename('t0', 'x0'),
                                                       b.nl.well('port-new', {'vm': b.vm,
                                                                              'name': 't0'})),
                  lambda: same(b.nl.port_state('t0'), 'present'))
        os.close(file)


def netdev_goes_over():
    """A netdev is renamed from one declared name to another, out of memory"""
    with Bench() as b:
        b.try_all(lambda: rename('d0', 't0'), lambda: rename('t0', 'd0'),
                  lambda: same((b.nl.port_state('t0'), b.nl.port_state('d0')),
                               ('present', 'absent')))


# Everything at once: each worker is a process that does its work over and over.

def vms_come_and_go(nl, ns):
    """Declare VMs with ports, and forget them."""
    vm = nl.new_vm(hold=random.random() < 0.3)
    for i in range(4):
        nl.ask('port-new', {'vm': vm, 'name': f's{random.randrange(8)}'})
    nl.ask('port-set', {'name': f's{random.randrange(8)}', 'new-name': f's{random.randrange(8)}'})
    nl.ask('vm-freeze', {'uuid': vm})
    nl.ask('vm-thaw', {'uuid': vm})
    nl.well('vm-del', {'uuid': vm})


def netdevs_come_and_go(nl, ns):
    """Make netdevs of the ports' names, send through them, rename, move and remove them."""
    name = f's{random.randrange(8)}'
    try:
        file = open_tap(name)
    except OSError:
        return
    ns.ip(f'link set {name} up', check=False)
    try:
        for _ in range(20):
            os.write(file, bytes(12) + b'\x88\xb5' + bytes(50))
        rename(name, f's{random.randrange(8)}')
    except OSError:
        pass
    if random.random() < 0.2:
        ns.ip(f'link set {name} netns vfw-t', check=False)
    os.close(file)


def lists(nl, ns):
    """List everything there is."""
    for op in ('vm-get', 'port-get', 'stats-get'):
        nl.ask(op, dump=True)
    for vm in nl.ask('vm-get', dump=True).replies:
        nl.ask('flow-get', {'vm': vm['uuid']}, dump=True)


def worker(work, ns, seconds):
    """A process that does its work until the time is over."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        random.seed(os.getpid())
        with ns.inside(), Client() as nl:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                work(nl, ns)
        status = 0
    finally:
        os._exit(status)


def everything_at_once():
    """VMs, ports, netdevs, lists and events, all at once"""
    with Namespace('vfw-s') as ns, Namespace('vfw-t'), ns.client() as listener:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        listener.ntf_subscribe('events')
        workers = [worker(work, ns, SECONDS) for work in
                   (vms_come_and_go, vms_come_and_go, netdevs_come_and_go, netdevs_come_and_go,
                    lists)]
        same([os.waitpid(child, 0)[1] for child in workers], [0] * len(workers))
        with ns.client() as nl:
            same(nl.well('vm-get', dump=True), [])
            same(nl.well('port-get', dump=True), [])


def removed():
    """The module can be removed now"""
    eventually(lambda: refcount() == 0, 'no VM anywhere')
    if not os.environ.get('VFW_KO'):
        raise Skip('VFW_KO does not name the module')
    subprocess.run(['rmmod', 'vfw'], check=True)
    # KASAN of this architecture takes a module that is loaded again for an error.
    if os.environ.get('LAB_KERNEL') != 'debug':
        subprocess.run(['insmod', os.environ['VFW_KO']], check=True)


tap.run(vm_new, port_new, port_set, listened, gets, netdev_appears, netdev_renamed, netdev_goes_over,
        everything_at_once, removed)
tap.end()
