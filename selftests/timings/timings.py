# SPDX-License-Identifier: GPL-2.0
"""
Does anything that is done to a VM with a million flows, or 100,000 rules, keep packets or processes
waiting?

While an operation is under way, three probes run, each with an event every millisecond:

packet    a packet of an established flow of another VM comes from a soft interrupt (the bench's
          injector); its delay is from when it was due until it was through
softirq   a timer in a soft interrupt: how late
process   a kernel thread with a real-time priority wakes: how late

The machine itself makes the lab's kernel wait. So the last two are told by two clocks: "late" by
the wall's, and "own", what of it the kernel itself has used the CPU for (kmod/vfw_probe.c). Each
operation is done ROUNDS times; of each round the longest delay counts. Beside them stand two runs
without any operation, idle and with a program that is busy and asks the kernel for nothing. Nothing
is subtracted.

    TIMINGS_ROUNDS   how often (5)
    TIMINGS_FLOWS    flows (1000000)
    TIMINGS_RULES    rules (100000)
    TIMINGS_ROWS     names of rows, all when empty; those without vfw always come first

A row is good if "own" is within the limit in each round. A table that was restored has arrays of
16 MiB. The kernel unmaps such memory when more than 32 MiB of it are free, all at once, and that of
the lab takes long for it (arch/um/kernel/tlb.c, um_tlb_sync()); the row "vmalloc" does that without
vfw. Where the longest delay of a soft interrupt is over the limit, the kernel's stack tells who had
switched interrupts off, and is printed; only if that was um_tlb_sync() it is no fault of vfw's, and
the process probe's delay counts as long as it is not longer.
"""

import json
import os
import statistics
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'bench'))
# pylint: disable=wrong-import-position
from core import BenchError, sh  # noqa: E402
from injector import (RECORD_NUMBERS, Injector, Template, add_netdevs, dev_port,  # noqa: E402
                      ether, ip, udp)
from rulegen import RuleSet  # noqa: E402

ROUNDS = int(os.environ.get('TIMINGS_ROUNDS') or 5)
FLOWS = int(os.environ.get('TIMINGS_FLOWS') or 1_000_000)
RULES = int(os.environ.get('TIMINGS_RULES') or 100_000)
OUT = os.environ['TIMINGS_OUT']
PROBE = '/sys/kernel/debug/vfw_probe'
LIMIT = 10     # ms
PACE = 1_000_000                    # ns from one packet of the probe to the next
NEW_FLOWS_PACE = 100_000            # 10,000 flows a second
WATCHED = 64                        # packets of the probe, of so many flows
VM, WATCH = ('4b5fa27e-1d34-4a3c-9e0b-00000000000' + digit for digit in '12')
VM_MAC, WATCH_MAC, FAR_MAC = ('02:00:00:00:00:0' + digit for digit in '123')
OPEN = f'default in pass\ndefault out pass\nlimit flows {2 * FLOWS}\nlimit half-open {FLOWS}\n'
EXPIRING = OPEN + 'timeout udp-new 1\ntimeout udp-stream 1\n'
work = '/tmp/timings'


def tool(*words, **more):
    """vfw-nl."""
    return sh(['vfw-nl', *words], **more)


def swap(port):
    """A port as the number that lies in memory."""
    return port >> 8 | (port & 0xff) << 8


def record(template, dev, index):
    """A packet of flow number so and so, from the VM."""
    remote = 0x0a | (128 + index % 100) << 8 | (index // 100 % 250) << 16 | 7 << 24
    nth = index // 25000
    return RECORD_NUMBERS.pack(template, dev, 0, remote, swap(1024 + nth), swap(53),
                               0, 0, 0, 0, 0)


class Bench:
    """Two VMs on a bridge, and the probes."""
    def __init__(self):
        os.makedirs(work, exist_ok=True)
        sh(['insmod', os.environ['TIMINGS_PROBE']])
        self.inject = Injector(os.environ['BENCH_INJECTOR'])
        add_netdevs(['far0', 'vm0', 'watch0'])
        sh('ip link add br0 type bridge mcast_snooping 0')
        for dev in 'far0', 'vm0', 'watch0':
            sh(f'ip link set {dev} master br0')
        sh('ip link set br0 up')
        sh(f'bridge fdb add {FAR_MAC} dev far0 master static')
        self.inject.templates([Template(ether(ip(src, '10.128.0.1', 17, udp(1, 1, b'x' * 18)), mac,
                                              FAR_MAC))
                               for src, mac in (('10.0.0.2', VM_MAC), ('10.0.0.3', WATCH_MAC))])
        vm, watch = dev_port('vm0'), dev_port('watch0')
        self.inject.records(b''.join([record(1, watch, i) for i in range(WATCHED)] +
                                     [record(0, vm, i) for i in range(FLOWS)]))
        self.declare(WATCH, 'watch0', 'pass both\n')
        self.inject.run(0, WATCHED)
        self.rules = self.write_rules()

    def declare(self, vm, port, policy):
        """A VM with a policy."""
        tool('vm', 'add', vm)
        tool('port', 'add', port, 'vm', vm)
        self.load(vm, policy)

    @staticmethod
    def load(vm, policy):
        """A policy, as text."""
        tool('policy', 'load', vm, '-', input=policy)

    @staticmethod
    def write_rules():
        """Two files of rules; their names."""
        text = RuleSet('acl', RULES).policy()
        paths = []
        for number, more in enumerate(('', 'drop in 99\n')):
            paths.append(f'{work}/rules.{number}')
            with open(paths[-1], 'w', encoding='ascii') as file:
                file.write(text + more)
        return paths

    def fill(self, policy=OPEN):
        """The VM anew, with all its flows."""
        sh(['vfw-nl', 'vm', 'del', VM], check=False)
        self.declare(VM, 'vm0', policy)
        self.inject.run(WATCHED, FLOWS, times=False)
        if self.flows() != FLOWS:
            raise BenchError(f'{self.flows()} flows, not {FLOWS}')

    @staticmethod
    def flows():
        """That the VM has, by its own count."""
        return json.loads(tool('-j', 'vm', 'show', VM))[0]['flows']

    @staticmethod
    def probe(on):
        """Begin to measure, or end; then what was measured."""
        with open(PROBE, 'w', encoding='ascii') as file:
            file.write(on)
        with open(PROBE, encoding='ascii') as file:
            lines = [line.split(maxsplit=5) for line in file]
        return {name: {'events': int(events), 'late': int(late) / 1000, 'own': int(own) / 1000,
                       'over': int(over), 'who': who.strip()}
                for name, events, late, own, over, who in lines}

    def measure(self, operation, pace=PACE, first=0, count=WATCHED):
        """What the probes saw while an operation was under way."""
        self.inject.paced_start(pace, first, count)
        self.probe('1')
        begin = time.monotonic()
        try:
            operation()
        finally:
            took = time.monotonic() - begin
            time.sleep(0.3)     # what is freed later delays, too
            got = self.probe('0')
            packets = self.inject.paced_stop()
        if packets['packets'] < (took + 0.2) * 1e9 / pace * 0.9 or \
           min(probe['events'] for probe in got.values()) < 100:
            raise BenchError(f'probes that did not run: {packets} {got} in {took:.3f} s')
        with open(f'{PROBE}_stack', encoding='ascii') as file:
            stack = file.read().split('\n')[:-1]
        return {'took': took * 1000, 'packet': packets['max_ns'] / 1e6, 'stack': stack, **got}


CONTROLS = ('idle', 'busy', 'vmalloc')

# Rows: a function of the bench that gets all ready and returns the operation to be measured.
rows = {}


def row(text, **measured):
    """Register one under its name."""
    def register(function):
        rows[function.__name__.replace('_', '-')] = text, function, measured
        return function
    return register


@row('nothing for a second')
def idle(_):
    """The machine alone."""
    return lambda: time.sleep(1)


@row('a busy program for a second')
def busy(_):
    """The machine, and a process that uses the CPU."""
    def spin():
        end = time.monotonic() + 1
        while time.monotonic() < end:
            pass
    return spin


@row('the kernel itself gives back 64 MiB of vmalloc() memory')
def vmalloc(_):
    """Nothing of vfw. User Mode Linux unmaps it page by page with interrupts off."""
    def give_back():
        with open(f'{PROBE}_vmalloc', 'w', encoding='ascii') as file:
            file.write('64')
    return give_back


@row('all flows are listed')
def dump(bench):
    """flow-get."""
    bench.fill()
    return lambda: sh(f'vfw-nl -n flow show {VM} > /dev/null')


@row('all flows are listed while 10,000 more a second open', pace=NEW_FLOWS_PACE, first=WATCHED,
     count=FLOWS)
def dump_opening(bench):
    """flow-get, and the hook that adds flows: those of the fill are opened anew."""
    bench.fill()
    tool('flow', 'flush', VM)
    bench.inject.run(WATCHED + FLOWS // 2, FLOWS // 2, times=False)
    return lambda: sh(f'vfw-nl -n flow show {VM} > /dev/null')


@row('counters are shown')
def stats(bench):
    """stats-get."""
    bench.fill()
    return lambda: [tool('stats', 'show', VM) for _ in range(5)]


@row('rules are listed with their counters')
def rules(bench):
    """rule-get, which sums up the flows of each rule."""
    bench.fill()
    return lambda: [tool('policy', 'show', VM) for _ in range(5)]


@row('a netdev appears under a port\'s name while counters are shown')
def netdev(bench):
    """The notifier waits for the lock."""
    bench.fill()
    tool('port', 'add', 'tap9', 'vm', VM)

    def change():
        with subprocess.Popen(f'for i in 1 2 3 4 5; do vfw-nl stats show {VM} > /dev/null; done',
                              shell=True) as shows:
            while shows.poll() is None:
                sh('ip tuntap add tap9 mode tap && ip tuntap del tap9 mode tap')
    return change


@row('all is saved')
def save(bench):
    """snapshot-save."""
    bench.fill()
    return lambda: tool('snapshot', 'save', VM, 'file', f'{work}/state')


@row('all is restored')
def restore(bench):
    """restore-frame, restore-commit."""
    bench.fill()
    tool('snapshot', 'save', VM, 'file', f'{work}/state')
    tool('vm', 'del', VM)
    return lambda: tool('snapshot', 'restore', 'file', f'{work}/state')


@row('restored over as many flows, which end')
def restore_over(bench):
    """The table that is replaced is freed."""
    restore(bench)()
    tool('snapshot', 'save', VM, 'file', f'{work}/state')
    return lambda: tool('snapshot', 'restore', 'file', f'{work}/state')


@row('all flows are removed')
def flush(bench):
    """flow-del."""
    bench.fill()
    return lambda: tool('flow', 'flush', VM)


@row('all flows expire at once')
def expire(bench):
    """The collection."""
    bench.fill(EXPIRING)

    def wait():
        while bench.flows():
            time.sleep(0.2)
    return wait


@row('frozen when all flows have expired')
def freeze(bench):
    """Freezing collects them."""
    bench.fill(EXPIRING)
    time.sleep(1.1)
    return lambda: (tool('vm', 'freeze', VM), tool('vm', 'thaw', VM))


@row('the VM is deleted')
def vm_del(bench):
    """vm-del."""
    bench.fill()
    return lambda: tool('vm', 'del', VM)


@row('the namespace with the VM is deleted')
def netns_del(bench):
    """The namespace's exit; its flows came by a restore."""
    bench.fill()
    tool('snapshot', 'save', VM, 'file', f'{work}/state')
    tool('vm', 'del', VM)
    sh('ip netns add gone')
    sh(f'ip netns exec gone vfw-nl snapshot restore file {work}/state')

    def gone():
        sh('ip netns del gone')
        time.sleep(1)
    return gone


@row('all rules are replaced')
def policy(bench):
    """policy-begin to policy-commit; the former one is freed."""
    bench.fill()
    tool('policy', 'load', VM, bench.rules[0])
    return lambda: tool('policy', 'load', VM, bench.rules[1])


@row('all rules are dropped')
def policy_del(bench):
    """What was built is freed."""
    bench.fill()
    tool('policy', 'load', VM, bench.rules[0])
    return lambda: bench.load(VM, OPEN)


def wanted():
    """Names of the rows to be run."""
    chosen = os.environ.get('TIMINGS_ROWS', '').split()
    unknown = set(chosen) - set(rows)
    if unknown:
        raise BenchError(f'there is no row {" ".join(unknown)}; there are {" ".join(rows)}')
    return [name for name in rows if not chosen or name in chosen or name in CONTROLS]


def shown(values):
    """Median and longest."""
    return f'{statistics.median(values):.2f} / {max(values):.2f}'


def table(results):
    """Lines of a table: median and longest of the rounds, in ms."""
    lines = ['| row | what is done | took | packet late | softirq late | softirq own | process late '
             '| process own |', '|---|---|---|---|---|---|---|---|']
    for name, got in results.items():
        took = statistics.median(one['took'] for one in got)
        cells = [shown([one['packet'] for one in got])]
        cells += [shown([one[probe][clock] for one in got]) for probe in ('softirq', 'process')
                  for clock in ('late', 'own')]
        lines.append(f'| {name} | {rows[name][0]} | {took:.0f} | {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def unmaps(got):
    """Was it User Mode Linux that unmapped memory, what kept soft interrupts waiting?"""
    return any('um_tlb_sync' in name for name in got['stack'])


def slow(got):
    """Did anything wait for the kernel itself for too long in a round?"""
    longest = max(got[probe]['own'] for probe in ('softirq', 'process'))
    # Processes wait for no less than soft interrupts do, and for one interval of the probe.
    return longest > LIMIT and not (unmaps(got) and
                                    got['process']['own'] <= got['softirq']['own'] + 1)


def main():
    """All rows, round after round; the table; the verdict."""
    bench = Bench()
    results = {name: [] for name in wanted()}
    for number in range(ROUNDS):
        for name in results:
            _, prepare, measured = rows[name]
            got = bench.measure(prepare(bench), **measured)
            results[name].append(got)
            print(f'timings: round {number + 1} {name}: {got["took"]:.0f} ms, packet '
                  f'{got["packet"]:.2f} ms; own: ' + ', '.join(
                      f'{probe} {got[probe]["own"]:.2f} ms ({got[probe]["who"]})'
                      for probe in ('softirq', 'process')) +
                  ''.join(f'\n    {name}' for name in got['stack']), file=sys.stderr, flush=True)
    print(table(results), end='')
    with open(f'{OUT}/timings.md', 'w', encoding='ascii') as file:
        file.write(table(results))
    with open(f'{OUT}/timings.json', 'w', encoding='ascii') as file:
        json.dump(results, file, indent=1)
    for name, got in results.items():
        if name in CONTROLS:
            continue
        why = ', but for User Mode Linux to unmap' if any(map(unmaps, got)) else ''
        print(f'{"not ok" if any(map(slow, got)) else "ok"} {rows[name][0]}: nothing waits over '
              f'{LIMIT} ms for it{why}')
    sys.exit(any(slow(one) for name, got in results.items() if name not in CONTROLS for one in got))


if __name__ == '__main__':
    main()
