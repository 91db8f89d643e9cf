# SPDX-License-Identifier: GPL-2.0
"""
Rows about state at rest: memory a flow, save and restore, bytes a flow in the stream.

All sides hold the same flows (tools/flows.h): TCP connections whose handshake is complete, with
window state, and with counters. conntrack counts packets only when told to, so it is told to
(nf_conntrack_acct); its memory is also measured without. Its hash table has as many buckets as it
may have entries, which is the kernel's own proportion (Documentation/networking/nf_conntrack-sysctl
in the kernel's source); a larger one would be faster and take more memory.
"""

import os
import time
import uuid

from core import row, say, sh
from sides import SIDES, Policy
from surroundings import VethSurroundings, tool

PROC = '/proc/sys/net/netfilter/'


def flows_of(bench):
    """How many flows are saved and restored."""
    return 100_000 if bench.quick else 1_000_000


def timed(*commands):
    """Seconds that commands take from their start to their end, one after the other."""
    start = time.monotonic()
    for command in commands:
        sh(command)
    return time.monotonic() - start


def write_sysctl(name, value):
    """Set one of conntrack's."""
    with open(PROC + name, 'w', encoding='ascii') as file:
        file.write(str(value))


def read_sysctl(name):
    """A number of conntrack's."""
    with open(PROC + name, encoding='ascii') as file:
        return int(file.read())


class Conntrack:
    """The peer's table: sized for what is to come, and as it was before on leaving."""
    SYSCTLS = ('nf_conntrack_buckets', 'nf_conntrack_max', 'nf_conntrack_acct')

    def __init__(self, bench, count, counters=True):
        self.bench, self.count, self.counters = bench, count, counters
        self.before = {}

    def __enter__(self):
        self.before = {name: read_sysctl(name) for name in self.SYSCTLS}
        buckets = 1 << (self.count - 1).bit_length()
        for name, value in zip(self.SYSCTLS, (buckets, buckets, int(self.counters))):
            write_sysctl(name, value)
        self.bench.check(read_sysctl('nf_conntrack_buckets') >= self.count,
                         'conntrack has as many buckets as flows')
        return self

    def __exit__(self, *_):
        self.flush()
        for name, value in self.before.items():
            write_sysctl(name, value)

    def flush(self):
        """Forget all."""
        sh('conntrack -F')

    def fill(self, family):
        """Have all the flows, over netlink."""
        sh([tool(self.bench, 'ctnl'), 'fill', str(self.count), family])
        self.verify('filled')

    def verify(self, when):
        """Fail unless all the flows are there."""
        got = int(sh('conntrack -C'))
        self.bench.check(got == self.count, f'conntrack, {when}: {got} of {self.count} entries')


class Vm:
    """vfw's side: a VM that has the flows, or gets them."""
    def __init__(self, bench, count):
        self.bench, self.count = bench, count
        self.uuid = str(uuid.uuid4())
        self.file = os.path.join(bench.work, 'flows.vfw')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        sh(['vfw-nl', 'vm', 'del', self.uuid], check=False)
        if os.path.exists(self.file):
            os.unlink(self.file)

    def make(self, family):
        """Write the snapshot from which the flows come."""
        sh(f'{tool(self.bench, "mkflows")} {self.uuid} {self.count} {family} > {self.file}')

    def restore(self, file):
        """Seconds that the restore into a fresh VM takes."""
        return timed(['vfw-nl', 'snapshot', 'restore', 'file', file])

    def delete(self):
        """Forget the VM."""
        sh(['vfw-nl', 'vm', 'del', self.uuid])

    def verify(self, when):
        """Fail unless all the flows are there."""
        shown = sh(['vfw-nl', 'vm', 'show', self.uuid])
        self.bench.check(f' flows {self.count}\n' in shown + '\n',
                         f'vfw, {when}: not {self.count} flows: {shown}')


def rate(count, seconds):
    """Flows a second, of samples of seconds."""
    return {side: [count / value for value in values] for side, values in seconds.items()}


class WebPolicy(Policy):
    """The flows of flows.h may be opened, of either family."""
    def vfw(self):
        return (f'default in drop\ndefault out drop\nlimit flows {2 * self.flows}\n'
                'pass in tcp local port 443\n')

    def nft(self):
        return ['tcp dport 443 accept']


def memory():
    """
    Bytes of memory that the kernel has for itself, counted in two ways: all that is neither free
    nor of files nor of processes; and what its allocators say they have.
    """
    for _ in range(3):
        with open('/proc/sys/vm/drop_caches', 'w', encoding='ascii') as file:
            file.write('3')
        time.sleep(0.1)
    with open('/proc/meminfo', encoding='ascii') as file:
        kib = {line.split(':')[0]: int(line.split()[1]) for line in file}
    others = sum(kib[part] for part in ('MemFree', 'Buffers', 'Cached', 'AnonPages'))
    rest = kib['MemTotal'] - others
    return rest * 1024, (kib['Slab'] + kib['VmallocUsed']) * 1024


class Memory:
    """What a side's flows take: its index and all, but nothing of the bench's."""
    def __init__(self, bench, around, family, count):
        self.bench, self.around, self.family, self.count = bench, around, family, count

    def flows(self, side, acct):
        """Bytes a flow: the kernel's memory with the flows less that without."""
        side = SIDES[side](self.around.topology, WebPolicy(self.count))
        write_sysctl('nf_conntrack_buckets', 1024)  # in case it has more: they are to be counted
        before = memory()
        side.setup()
        if side.name == 'nftables':
            buckets = 1 << (self.count - 1).bit_length()
            write_sysctl('nf_conntrack_buckets', buckets)
            write_sysctl('nf_conntrack_acct', int(acct))
        try:
            sh([tool(self.bench, 'openflows'), 'vm:eth0', 'peer:u1', str(self.count), self.family])
            with_flows = memory()
            self.bench.check(side.flows() == self.count,
                             f'{side.flows()} flows of {self.count} were opened')
            self.established(side)
        finally:
            side.teardown()
        rest, allocated = (now - then for now, then in zip(with_flows, before))
        after = memory()[0] - before[0]
        say(f'{side.name}: {rest / self.count:.1f} bytes a flow, by the allocators '
            f'{allocated / self.count:.1f}, still there afterwards {after / self.count:.1f}')
        self.bench.check(abs(rest - allocated) < 0.05 * rest or self.count < 100000,
                         f'{side.name}: two ways to count memory differ: {rest}, {allocated}')
        return rest / self.count

    def established(self, side):
        """Fail unless the flows are what they are to be; of vfw's, one in 64 is asked for."""
        if side.name == 'vfw':
            name = self.around.topology.vms[0].uuid
            shown = sh(f'vfw-nl -n flow show {name} remote-port 32768 state tcp-established')
            shown = shown.count('tcp-established') * 64
        else:
            shown = int(sh([tool(self.bench, 'ctnl'), 'count']))
        self.bench.check(shown == self.count,
                         f'{side.name}: {shown} flows of {self.count} are established')


def mem(bench, name, family):
    """The row of a family."""
    acct = read_sysctl('nf_conntrack_acct')
    with VethSurroundings(bench) as around:
        # What the kernel allocates once, at the first use of something, is of no flow.
        first = Memory(bench, around, family, 64 * 1024)
        first.flows('vfw', True)
        first.flows('nftables', True)
        measure = Memory(bench, around, family, 256_000 if bench.quick else 1_000_000)
        samples = bench.alternate({
            'vfw': lambda: measure.flows('vfw', True),
            'conntrack': lambda: measure.flows('nftables', True),
            'conntrack_no_counters': lambda: measure.flows('nftables', False),
        }, rounds=1 if bench.quick else 3)
    write_sysctl('nf_conntrack_acct', acct)
    return bench.entry(name, 'bytes/flow', samples)


@row('mem_v4', unit='bytes/flow')
def mem_v4(bench):
    """
    IPv4: 1,000,000 TCP connections, opened by packets; the kernel's memory with them less that
    without, over their number. Hash tables and extensions are in it, on both sides.
    """
    return mem(bench, 'mem_v4', '4')


@row('mem_v6', unit='bytes/flow')
def mem_v6(bench):
    """The same for IPv6."""
    return mem(bench, 'mem_v6', '6')


@row('save', unit='flows/s')
def save(bench):
    """
    From the kernel to a file in memory, by whole programs: vfw-nl; a reader of our own that writes
    ctnetlink's messages as they come; conntrack -L, which makes text of them.
    """
    count = flows_of(bench)
    files = {side: os.path.join(bench.work, f'saved.{side}')
             for side in ('vfw', 'ctnetlink', 'conntrack')}
    with Vm(bench, count) as vm, Conntrack(bench, count) as conntrack:
        vm.make('4')
        vm.restore(vm.file)
        conntrack.fill('4')
        sh(['vfw-nl', 'vm', 'freeze', vm.uuid])  # as before a move
        sides = {
            'vfw': ['vfw-nl', 'snapshot', 'save', vm.uuid, 'file', files['vfw']],
            'ctnetlink': [tool(bench, 'ctnl'), 'dump', files['ctnetlink']],
            'conntrack': f'conntrack -L > {files["conntrack"]}',
        }
        for side in sides.values():
            sh(side)
        check_saved(bench, vm, conntrack, files)
        samples = bench.alternate({name: lambda side=side: timed(side)
                                   for name, side in sides.items()})
        check_saved(bench, vm, conntrack, files)
    for file in files.values():
        os.unlink(file)
    return bench.entry('save', 'flows/s', rate(count, samples))


def check_saved(bench, vm, conntrack, files):
    """Fail unless each file has all the flows, and the kernel still has them."""
    vm.verify('saved')
    conntrack.verify('saved')
    info = sh(['vfw-nl', 'snapshot', 'info', files['vfw']])
    got = info.count(' tcp-established ')
    bench.check(got == vm.count, f'{got} flows of {vm.count} are in the saved snapshot')
    got = int(sh(['wc', '-l', files['conntrack']]).split()[0])
    bench.check(got == vm.count, f'{got} flows of {vm.count} are in what conntrack -L wrote')
    size = os.path.getsize(files['ctnetlink'])
    bench.check(size > 100 * vm.count, f'{size} bytes of ctnetlink are not {vm.count} flows')


@row('restore', unit='flows/s')
def restore(bench):
    """
    From a file in memory into the kernel, by whole programs: vfw-nl; conntrack -R of what
    conntrack -o save -L wrote; and a writer of our own that sends ctnetlink's messages back many at
    a time without asking for acknowledgments, which is the most that the interface allows.
    """
    count = flows_of(bench)
    text = os.path.join(bench.work, 'saved.text')
    messages = os.path.join(bench.work, 'saved.messages')
    with Vm(bench, count) as vm, Conntrack(bench, count) as conntrack:
        vm.make('4')
        vm.restore(vm.file)
        vm.delete()
        conntrack.fill('4')
        sh(f'conntrack -o save -L > {text}')
        sh([tool(bench, 'ctnl'), 'dump', messages])
        conntrack.flush()

        def by_vfw():
            seconds = vm.restore(vm.file)
            vm.verify('restored')
            vm.delete()
            return seconds

        def by(command):
            seconds = timed(command)
            conntrack.verify(f'restored by {command[0]}')
            conntrack.flush()
            return seconds

        sides = {
            'vfw': by_vfw,
            'ctnetlink': lambda: by([tool(bench, 'ctnl'), 'restore', messages]),
            'conntrack': lambda: by(['conntrack', '-R', text]),
        }
        # conntrack -R takes minutes for a million: it has a turn less often.
        samples = bench.alternate(sides, rounds=1 if bench.quick else 2)
        del sides['conntrack']
        for side, more in bench.alternate(sides, rounds=2 if bench.quick else 3).items():
            samples[side] += more
    for file in (text, messages):
        os.unlink(file)
    return bench.entry('restore', 'flows/s', rate(count, samples))


def stream_bytes(bench, name, family):
    """Bytes of what is saved, over the flows in it."""
    count = flows_of(bench)
    file = os.path.join(bench.work, 'stream')
    with Vm(bench, count) as vm, Conntrack(bench, count) as conntrack:
        vm.make(family)
        vm.restore(vm.file)
        conntrack.fill(family)
        sizes = {}
        for side, command in (
                ('vfw', ['vfw-nl', 'snapshot', 'save', vm.uuid, 'file', file]),
                ('conntrack', f'conntrack -o save -L > {file}'),
                ('ctnetlink', [tool(bench, 'ctnl'), 'dump', file])):
            sh(command)
            sizes[side] = [os.path.getsize(file) / count]
            os.unlink(file)
    return bench.entry(name, 'bytes/flow', sizes)


@row('stream_bytes_v4', unit='bytes/flow')
def stream_bytes_v4(bench):
    """IPv4: the snapshot; the lines of conntrack -o save; the messages of ctnetlink."""
    return stream_bytes(bench, 'stream_bytes_v4', '4')


@row('stream_bytes_v6', unit='bytes/flow')
def stream_bytes_v6(bench):
    """The same for IPv6."""
    return stream_bytes(bench, 'stream_bytes_v6', '6')
