# SPDX-License-Identifier: GPL-2.0
"""
report.py BUILD OUT: what was counted, as the Markdown of Documentation/benchmarks/instructions.md.
"""

import bisect
import collections
import datetime
import glob
import json
import re
import statistics
import subprocess
import sys

# What an instruction belongs to: of the functions that were inlined into each other at its
# place, the innermost that one of these knows.
PARTS = (
    ('netfilter itself (`nf_hook_slow`)', r'@nf_hook_(slow|entry_hookfn)'),
    ('hook', r'vfw_hook_\w+|hook|port_direction|judge(_quick)?|ethertype|network_header'),
    ('clear memory (`memset`)', r'@memset\w*|@__memset|memset'),
    ('copy memory (`memcpy`)', r'@memcpy\w*|@__memcpy|memcpy'),
    ('parse', r'(ip6_)?parse\w*|vfw_packet_\w+|plain_\w+|@vfw_ip_\w+|vfw_ip\w*|skb_\w+'),
    ('hash', r'sip_hash|hash_tail|hash[46]|vfw_flow_hash'),
    ('look-up', r'vfw_flow_find\w*|flow_lookup|hash_find|same[46]?|pack[46]|search[46]_init'
                r'|vfw_flow_buckets_\w+|vfw_flow_chain_end|vfw_flow_is_end|prefetch_counters'),
    ('counters', r'count_packet|vfw_flow_counters4?'),
    ('TCP state and windows', r'@?vfw_tcp_\w+|update_tcp|.*window.*|tcp_\w+'),
    ('the flow\'s update', r'update_\w+|track_flow|find_valid|vfw_track_\w+|flow_lifetime'
                           r'|vfw_flow_expired|vfw_flow_now'
                           r'|vfw_flow_set_state|vfw_flow_put|lifetime\w*'),
)
KINDS = [(protocol, family, direction) for protocol in ('UDP', 'TCP') for family in (4, 6)
         for direction in ('out', 'in')]
WHAT = {('UDP', 'out'): 'UDP, out', ('UDP', 'in'): 'UDP, in', ('TCP', 'out'): 'TCP data, out',
        ('TCP', 'in'): 'TCP ACK, in'}


class Symbols:
    """Names of addresses."""
    def __init__(self, build, out):
        with open(f'{out}/kallsyms', encoding='ascii') as file:
            fields = [line.split() for line in file]
        self.symbols = sorted((int(field[0], 16), field[2]) for field in fields)
        self.addresses = [address for address, _ in self.symbols]
        with open(f'{out}/sections', encoding='ascii') as file:
            base = dict(line.split() for line in file)
        self.text = int(base['.text'], 16)
        self.ko = f'{build}/vfw.ko'
        self.modules = {int(field[0], 16) for field in fields if field[3:] == ['[vfw]']}
        self.chains = {}

    def function(self, address):
        """The function an address is in."""
        return self.symbols[bisect.bisect_right(self.addresses, address) - 1][1]

    def of_vfw(self, address):
        """Is it in the module?"""
        return self.addresses[bisect.bisect_right(self.addresses, address) - 1] in self.modules

    def resolve(self, addresses):
        """Find which functions are inlined where; innermost first."""
        addresses = sorted(set(addresses) - self.chains.keys())
        inside = [address for address in addresses if self.of_vfw(address)]
        for address in set(addresses) - set(inside):
            self.chains[address] = ['@' + self.function(address)]
        if not inside:
            return
        said = subprocess.run(['addr2line', '-afi', '-j', '.text', '-e', self.ko], check=True,
                              input='\n'.join(hex(address - self.text) for address in inside),
                              text=True, stdout=subprocess.PIPE).stdout
        for block in re.split(r'^(?=0x[0-9a-f]+$)', said, flags=re.M)[1:]:
            lines = block.splitlines()
            self.chains[int(lines[0], 16) + self.text] = lines[1::2]

    def part(self, address):
        """The part of the work an instruction belongs to."""
        for name in self.chains[address]:
            for part, pattern in PARTS:
                if re.fullmatch(pattern, name):
                    return part
        return self.chains[address][-1].lstrip('@')


def read_calls(path):
    """The calls of a phase, in order: (hook, instructions, {address: times}); None: thrown away."""
    calls = []
    with open(path, encoding='ascii') as file:
        for line in file:
            word, _, _, hook, steps, *rest = line.split()
            times = {int(address, 16): int(n) for address, n in
                     (item.split(':') for item in rest)}
            calls.append((int(hook), int(steps), times) if word == 'call' else (int(hook), 0, None))
    return calls


def packets(side, calls, symbols):
    """Calls put together to packets, by direction: lists of (instructions, {address: times})."""
    found = {'out': [], 'in': []}
    if side == 'vfw':
        for hook, steps, times in calls:
            if times:
                found['in' if hook else 'out'].append((steps, times))
        return found
    # Conntrack's hook comes first of each packet, and they alternate. The hooks of br_netfilter,
    # built into the lab's kernel and switched off, are not the peer's doing.
    starts = [i for i, call in enumerate(calls) if call[0] == -1]
    for number, start in enumerate(starts):
        group = calls[start:starts[number + 1] if number + 1 < len(starts) else None]
        if len(group) != 3 or not all(call[2] for call in group):
            continue
        total = collections.Counter()
        for call in group:
            total.update({address: times for address, times in call[2].items()
                          if not symbols.function(address).startswith('br_nf_')})
        found['in' if number % 2 else 'out'].append((sum(total.values()), total))
    return found


def mean_by(sample, name):
    """Instructions of a packet by what name() calls them: means."""
    total = collections.Counter()
    for _, times in sample:
        for address, n in times.items():
            total[name(address)] += n
    return {key: n / len(sample) for key, n in total.items()}


def table(head, rows):
    """Markdown."""
    print('|', ' | '.join(head), '|')
    print('|', ' | '.join(['---'] + ['---:'] * (len(head) - 1)), '|')
    for row in rows:
        print('|', ' | '.join(str(cell) for cell in row), '|')
    print()


def print_totals(found):
    """Both sides, packet by packet."""
    rows = []
    for protocol, family, direction in KINDS:
        ours, theirs = (
            [steps for steps, _ in found[side, protocol, family][direction]]
            for side in ('vfw', 'nftables'))
        rows.append((f'{WHAT[protocol, direction]}, IPv{family}',
                     f'**{statistics.median(ours):.0f}**', f'{min(ours)} to {max(ours)}',
                     f'**{statistics.median(theirs):.0f}**', f'{min(theirs)} to {max(theirs)}',
                     f'{statistics.median(ours) / statistics.median(theirs):.2f}', len(ours)))
    table(['packet', 'vfw', 'from, to', 'nftables and conntrack', 'from, to', 'ratio', 'packets'],
          rows)


def print_parts(found, symbols):
    """What vfw spends them on."""
    columns = [mean_by(found['vfw', protocol, family][direction], symbols.part)
               for protocol, family, direction in KINDS]
    names = [name for name, _ in PARTS if any(name in column for column in columns)]
    names += sorted({name for column in columns for name in column} - set(names))
    rows = [(name, *(f'{column.get(name, 0):.0f}' for column in columns)) for name in names]
    rows.append(('all (mean)', *(f'{sum(column.values()):.0f}' for column in columns)))
    table(['part', *(f'{WHAT[protocol, direction]}, IPv{family}'
                     for protocol, family, direction in KINDS)], rows)


def print_functions(found, symbols, side, kinds):
    """The functions as the kernel knows them; those that take least together."""
    columns = [mean_by(found[side, *kind][direction], symbols.function)
               for *kind, direction in kinds]
    names = sorted({name for column in columns for name in column},
                   key=lambda name: -max(column.get(name, 0) for column in columns))
    rows = [(f'`{name}`', *(f'{column.get(name, 0):.0f}' for column in columns))
            for name in names[:22]]
    if names[22:]:
        rows.append((f'{len(names[22:])} others',
                     *(f'{sum(column.get(name, 0) for name in names[22:]):.0f}'
                       for column in columns)))
    table(['function', *(f'{WHAT[protocol, direction]}, IPv{family}'
                         for protocol, family, direction in kinds)], rows)


TEXT = '''# Instructions of an established packet

Counted, not estimated: each instruction from the call of a hook to its return, by single steps
of the lab's uniprocessor kernel ({kernel}, gcc {gcc}), on {date}, at commit
{commit}. `selftests/icount/run.sh` makes this page.

A packet goes from one bridge port to another, in a VM with 200 flows of its kind, which take
turns; UDP carries 200 bytes, a TCP data segment the same and time stamps. vfw is counted from
netfilter's call of the port's hook, `nf_hook_slow()` included: ingress for what the VM sends,
egress for what it gets. nftables is what its documentation has for a stateful bridge (`ct state
established,related accept` first, in the bridge family's forward chain), counted from
conntrack's hook at prerouting, and from `nf_hook_slow()` at forward and postrouting. Conntrack's
own check of transport checksums is off (`nf_conntrack_checksum=0`), because a packet of a test
has none that a NIC has seen to.

What to keep in mind:

- A module of this kernel is built with `-mcmodel=large`: each call from vfw, also within it,
  loads the address into a register first. conntrack and nftables are built into the kernel and
  call directly. On a real x86-64 kernel vfw's count is somewhat smaller.
- Uniprocessor: spinlocks compile to nothing here, for both sides.
- `memset()` and `memcpy()` are functions of the kernel here also where their size is known.
- vfw counts packets and bytes of each flow; conntrack does not unless told to
  (`nf_conntrack_acct`), and is not here.
- br_netfilter's hooks (built into this kernel, switched off) are left out; the bridge's own
  loop over the hooks at prerouting is not counted for nftables.
- Instructions are not time: a cache line that is far costs as much as hundreds of them.

## In all

Medians, with the smallest and the largest; what differs is how many other flows were in the
way in the chain of the hash.

'''


def main():
    """All of it."""
    build, out = sys.argv[1:]
    symbols = Symbols(build, out)
    found = {}
    for path in glob.glob(f'{out}/calls.*'):
        with open(path.replace('calls.', 'phase.'), encoding='ascii') as file:
            kind = json.load(file)
        sample = packets(kind['side'], read_calls(path), symbols)
        found[kind['side'], kind['protocol'], kind['family']] = sample
        symbols.resolve(address for direction in sample.values() for _, times in direction
                        for address in times)

    def said(*command):
        return subprocess.run(command, check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()

    with open(f'{out}/release', encoding='ascii') as file:
        release = file.read().strip()
    print(TEXT.format(kernel=f'Linux {release}', gcc=said('gcc', '-dumpfullversion'),
                      date=datetime.date.today().isoformat(),
                      commit=said('git', '-C', build, 'rev-parse', '--short', 'HEAD')), end='')
    print_totals(found)
    print('## What vfw spends them on\n')
    print('Means. Inlined functions are told apart by the line numbers beside the code.\n')
    print_parts(found, symbols)
    print('## By function: vfw\n')
    kinds = [('UDP', 4, 'out'), ('UDP', 6, 'in'), ('TCP', 4, 'out'), ('TCP', 6, 'in')]
    print_functions(found, symbols, 'vfw', kinds)
    print('## By function: nftables and conntrack\n')
    print_functions(found, symbols, 'nftables', kinds)


if __name__ == '__main__':
    main()
