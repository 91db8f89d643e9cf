# SPDX-License-Identifier: GPL-2.0
"""
Rows about what programs notice: the latency of a round trip, the throughput of TCP.

Latency goes through a port that is a veth. Throughput goes through a tap, at whose other end
tappump does what QEMU does for a VM: segmentation is left to the last device, and what passes the
port are segments of up to 64 KiB.
"""

import json
import subprocess

from core import row, sh
from sides import until
from surroundings import GOOD_PORT, VM_ADDRESS, Surroundings, VethSurroundings, tool

FOUR = ('none', 'vfw', 'nftables', 'ovs')
IPERF_PORT = 5201
MTU = 1500


class TapSurroundings(Surroundings):
    """The VM's port is a tap, pumped to and fro."""
    port, device = 'tap0', 'vm0'
    pump = None

    def make_port(self):
        self.pump = subprocess.Popen([tool(self.bench, 'tappump'), self.port, 'vm', self.device],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.bench.check(self.pump.stdout.readline() == 'ready\n', 'tappump does not start')

    def remove_port(self):
        said, _ = self.pump.communicate('')
        self.bench.check(self.pump.returncode == 0 and len(said.splitlines()) == 2,
                         f'tappump failed: {said}')


@row('latency', unit='ns')
def latency(bench):
    """Round trip of one UDP packet of 32 bytes: median; further 99th and 99.9th percentile."""
    count = 2000 if bench.quick else 20000
    samples = {name: [] for name in FOUR}
    with VethSurroundings(bench) as around:
        def sample(name):
            samples[name].append(around.with_side(name, lambda: around.ping(GOOD_PORT, count)))
            return samples[name][-1][0]
        bench.alternate({name: lambda name=name: sample(name) for name in FOUR})
    rows = []
    for number, label in enumerate(('p50', 'p99', 'p99.9')):
        rows.append(bench.entry('latency' if number == 0 else f'latency_{label}', 'ns',
                                {name: [taken[number] for taken in all_taken]
                                 for name, all_taken in samples.items()}))
        rows[-1]['label'] = label
        # What a side adds is a small part of what four system calls and two switches of processes
        # take: less than the spread, so that its ratio would say nothing.
        rows[-1]['ratio_added'] = {}
    return {**rows[0], 'also': rows[1:]}


class Iperf:
    """iperf3 in the VM as server, at the far end as client."""
    def __init__(self, around):
        self.around, self.bench = around, around.bench
        self.server = None

    def __enter__(self):
        self.server = subprocess.Popen(['ip', 'netns', 'exec', 'vm', 'iperf3', '-s', '-p',
                                        str(IPERF_PORT)], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        until(lambda: f':{IPERF_PORT} ' in sh('ip netns exec vm ss -Hltn'), 'iperf3 listens')
        return self

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait()

    def segments(self):
        """(frames, bytes) that came from the VM, and that went to it, as the port saw them."""
        counts = {}
        for kind in ('rx', 'tx'):
            path = f'/sys/class/net/{self.around.port}/statistics/{kind}_'
            counts[kind] = [int(sh(['cat', path + what])) for what in ('packets', 'bytes')]
        return counts

    def run(self, from_vm):
        """Gbit/s of one connection; segments larger than a packet must have passed the port."""
        seconds = 1 if self.bench.quick else 3
        before = self.segments()
        out = sh(['ip', 'netns', 'exec', 'peer', 'iperf3', '-J', '-c', VM_ADDRESS, '-p',
                  str(IPERF_PORT), '-t', str(seconds)] + (['-R'] if from_vm else []))
        kind = 'rx' if from_vm else 'tx'
        frames, size = (now - then for now, then in zip(self.segments()[kind], before[kind]))
        self.bench.check(frames > 0 and size / frames > 4 * MTU,
                         f'{frames} frames of {size} bytes passed the port: not of 64 KiB')
        return json.loads(out)['end']['sum_received']['bits_per_second'] / 1e9


@row('throughput', unit='Gbit/s')
def throughput(bench):
    """One TCP connection through the VM's tap: to the VM; further from the VM."""
    samples = {name: [] for name in FOUR}
    with TapSurroundings(bench) as around, Iperf(around) as iperf:
        def sample(name):
            samples[name].append(around.with_side(
                name, lambda: (iperf.run(False), iperf.run(True))))
            return samples[name][-1][0]
        bench.alternate({name: lambda name=name: sample(name) for name in FOUR},
                        rounds=2 if bench.quick else 7)
    rows = []
    for number, label in enumerate(('to the VM', 'from the VM')):
        rows.append(bench.entry('throughput' if number == 0 else 'throughput_from_vm', 'Gbit/s',
                                {name: [taken[number] for taken in all_taken]
                                 for name, all_taken in samples.items()}))
        rows[-1]['label'] = label
        rows[-1]['ratio_added'] = {}  # more is better: what a side adds is not in Gbit/s
    return {**rows[0], 'also': rows[1:]}
