# SPDX-License-Identifier: GPL-2.0
"""
Everything at once, for some time: packets, policies, ports, netdevs, VMs, lists, snapshots,
namespaces, and attempts to remove the module. What must hold is that the kernel has nothing to
complain of (host.sh looks), that nobody is refused for a reason that makes no sense, and that in
the end all counts agree, all memory is given back and the module can go.

    races-far              races-host                    races-guests
    [u1] -------- [u0  br0  p0 ... p4] --------- [g0 ... g4]

    RACES_SECONDS   how long (20)
    RACES_SEED      of the random numbers; else one that is printed

The kernel decides who meets whom, so that a seed repeats the work, not the outcome.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'netlink'))
# pylint: disable=wrong-import-position
from vfwtest import Namespace, Tap, eventually, refcount, same  # noqa: E402
import workers as w  # noqa: E402
from traffic import FAR_MAC  # noqa: E402

tap = Tap()
SECONDS = float(os.environ.get('RACES_SECONDS', '20'))
SEED = int(os.environ.get('RACES_SEED') or random.SystemRandom().randrange(1 << 32))
HALF_OPEN = ('tcp-syn-sent', 'tcp-syn-sent2', 'tcp-syn-recv', 'sctp-cookie-wait',
             'sctp-cookie-echoed', 'sctp-heartbeat-sent')

# A slow machine may need more turns of so many seconds until each has been done.
TURNS_MAX = 10

FLOW_FRAMES = (7, 8, 9)     # of IPv4, of IPv6, with VLAN tags

# What must have been done at least once, or the races were none.
NEEDED = ('packet', 'policy-commit', 'policy-abort', 'vm-new', 'vm-del', 'port-new', 'port-set',
          'port-del', 'netdev deleted', 'netdev made', 'netdev renamed', 'tap', 'vm-freeze',
          'vm-thaw', 'flow-del', 'list, whole', 'list, slow', 'list, abandoned',
          *(f'{what}-get (dump)' for what in ('vm', 'port', 'stats', 'rule', 'flow')),
          'snapshot-save (dump)', 'restore-begin', 'restore-frame', 'restore-commit',
          'restore-abort', 'send-begin', 'send-round (dump)', 'moved, compared', 'namespace gone',
          'event', 'rmmod tried')


class Topology:
    """The picture above, with the steady VM."""
    def __enter__(self):
        self.spaces = [Namespace(name).__enter__() for name in (w.HOST, w.GUESTS, w.FAR)]
        host, _, far = self.spaces
        for space in self.spaces:
            with space.inside(), open('/proc/sys/net/ipv6/conf/default/disable_ipv6', 'w',
                                      encoding='ascii') as file:
                file.write('1')
        # What waits for a CPU is not lost, so that packets can be counted.
        with open('/proc/sys/net/core/netdev_max_backlog', 'w', encoding='ascii') as file:
            file.write('1000000')
        host.ip('link add br0 type bridge mcast_snooping 0')
        host.ip(f'link add u0 type veth peer name u1 netns {far.name}')
        host.ip('link set u0 master br0 up')
        far.ip(f'link set u1 address {FAR_MAC} up')
        self.nl = host.client()
        self.nl.well('vm-new', {'uuid': w.STEADY})
        self.nl.well('port-new', {'vm': w.STEADY, 'name': 'p0', 'trunk': True})
        for number in range(w.PORTS):
            same(w.make_port(host, number), 0, 'veth')
        self.watch(host)
        host.ip('link set br0 up')
        return self

    @staticmethod
    def watch(host):
        """Count what comes to our hook on egress, which is the last."""
        subprocess.run(['ip', 'netns', 'exec', host.name, 'nft',
                        'add table netdev count; add chain netdev count out { type filter '
                        'hook egress device p0 priority 0; }; add rule netdev count out counter'],
                       check=True)

    def met(self):
        """Packets that p0's hooks met."""
        host = self.spaces[0]
        listed = subprocess.run(['ip', 'netns', 'exec', host.name, 'nft', '-j', 'list', 'table',
                                 'netdev', 'count'], check=True, stdout=subprocess.PIPE).stdout
        rule, = [part['rule'] for part in json.loads(listed)['nftables'] if 'rule' in part]
        stats = json.loads(host.ip('-j -s link show p0')[1])[0]['stats64']['rx']
        same(stats['dropped'], 0, 'lost before the hook')
        return rule['expr'][0]['counter']['packets'] + stats['packets']

    def __exit__(self, *_):
        self.nl.close()
        for space in self.spaces:
            space.__exit__()


def run_worker(make, number, turn):
    """A process; returns it and the pipe its result comes through."""
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return child, os.fdopen(read, 'rb')
    status = 1
    try:
        os.close(read)
        with w.Work(make.__name__, f'{SEED} {number} {turn}') as work:
            step = make(work)
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                step()
            with os.fdopen(write, 'w') as out:
                json.dump(work.result(), out)
        status = 0
    finally:
        os._exit(status)


def run_all(turn):
    """All workers, for so many seconds; the results of each."""
    running = [(make, *run_worker(make, number, turn))
               for number, make in enumerate(w.WORKERS)]
    results, died = [], []
    for make, child, pipe in running:
        with pipe:
            text = pipe.read()
        if os.waitpid(child, 0)[1]:
            died.append(make.__name__)
        else:
            results.append(json.loads(text))
    same(died, [], 'workers that died')
    return results


def show(results):
    """A line for each operation: how often it was done, and refused for which reason."""
    done, refused = Counter(), Counter()
    for result in results:
        done.update(result['done'])
        refused.update(result['refused'])
    reasons = {}
    for key, count in sorted(refused.items()):
        op, _, why = key.rpartition(' ') if ':' not in key else key.partition(': ')
        reasons.setdefault((op or why), []).append(f'{count} {why}' if op else str(count))
    for op in sorted(set(done) | set(reasons)):
        print(f'# {op:32} {done[op]:8} done   refused: {", ".join(reasons.get(op, ["0"]))}')
    print(f'# in all {sum(done.values())} done, {sum(refused.values())} refused')
    return done


def last_flows(nl):
    """Let the steady VM have flows: what is counted shall be there."""
    nl.ask('vm-thaw', {'uuid': w.STEADY})
    nl.pass_all(w.STEADY)
    with w.Work('last', SEED) as work:
        send = w.steady_traffic(work)
        for _ in range(100):
            send()
    eventually(lambda: nl.well('vm-get', {'uuid': w.STEADY})['flows'], 'flows')


def quiesce(nl):
    """End all holds and restores, freeze all VMs: from now on nothing changes."""
    for vm in nl.well('vm-get', dump=True):
        name = {'uuid': vm['uuid']}
        nl.ask('restore-abort', {'vm': vm['uuid']})
        if nl.well('vm-get', name)['state'] != 'frozen':
            nl.well('vm-freeze', name)


def check_counts(nl, uuid):
    """What a VM says of itself is what there is."""
    vm = nl.well('vm-get', {'uuid': uuid})
    stats = nl.well('stats-get', {'vm': uuid})
    flows = nl.well('flow-get', {'vm': uuid}, dump=True)
    half_open = [flow for flow in flows if flow['state'] in HALF_OPEN]
    same(len(flows), vm['flows'], 'flows listed and counted')
    same(len(half_open), vm['half-open'], 'half-open flows listed and counted')
    # What was saved while flows came and went is not of one moment.
    if not vm['incarnation']:
        same(stats['flows-opened'] - stats['flows-ended'], vm['flows'], 'opened less ended')
    keys = {(flow['protocol'], flow['local'], flow['remote'], flow['local-port'],
             flow['remote-port'], flow.get('vlan'), flow.get('vlan-inner')) for flow in flows}
    same(len(keys), len(flows), 'flows that are there once')
    frames = nl.well('snapshot-save', {'vm': uuid}, dump=True)
    same(sum(int.from_bytes(frame['frame'][12:16], 'little') for frame in frames
             if frame['frame'][4] in FLOW_FRAMES), vm['flows'], 'flows saved')
    return len(flows)


def judged(nl):
    """Packets of the steady VM that passed or were dropped."""
    stats = nl.well('stats-get', {'vm': w.STEADY})
    drops = sum(drop['in-packets'] + drop['out-packets'] for drop in stats.get('drop', []))
    return stats['in-packets'] + stats['out-packets'] + drops


def all_at_once(topology):
    """All workers, to the end, nobody refused without a reason"""
    results, missing = [], NEEDED
    for turn in range(TURNS_MAX):
        results += run_all(turn)
        done = show(results)
        strange = [f'{result["name"]}: {what}' for result in results
                   for what in result['strange']]
        same(strange, [], 'unexpected')
        missing = [op for op in NEEDED if not done[op]]
        if not missing:
            return
        print(f'# {turn + 1} turns of {SECONDS:g} s, and never done: {missing}')
    same(missing, [], 'never done')


def counts_agree(topology):
    """The counts of each VM agree with what it has"""
    nl = topology.nl
    last_flows(nl)
    quiesce(nl)
    vms = nl.well('vm-get', dump=True)
    flows = [check_counts(nl, vm['uuid']) for vm in vms]
    print(f'# {len(vms)} VMs with {flows} flows')


def packets_accounted(topology):
    """Each packet that the steady VM's port met has passed or was dropped under a reason"""
    def equal():
        return judged(topology.nl) == topology.met()
    try:
        eventually(equal, 'all judged', 60)
    except AssertionError:
        same(judged(topology.nl), topology.met(), 'packets judged, and met')
    print(f'# {topology.met()} packets')


def all_forgotten(topology):
    """All VMs can be forgotten, and the module removed"""
    for vm in topology.nl.well('vm-get', dump=True):
        topology.nl.well('vm-del', {'uuid': vm['uuid']})
    same(topology.nl.well('port-get', dump=True), [])
    eventually(lambda: refcount() == 0, 'no VM anywhere', 60)
    subprocess.run(['rmmod', 'vfw'], check=True)


def main():
    """The cases, one after the other."""
    print(f'# {SECONDS:g} s, RACES_SEED={SEED}, {os.cpu_count()} CPUs')
    with Topology() as topology:
        for case in all_at_once, counts_agree, packets_accounted, all_forgotten:
            step = lambda case=case: case(topology)     # noqa: E731
            step.__doc__ = case.__doc__
            tap.run(step)
    tap.end()


if __name__ == '__main__':
    main()
