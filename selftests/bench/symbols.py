#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""symbols.py KALLSYMS < ADDRESSES: in which functions samples are, most first.

perf finds symbols in files; a User Mode Linux kernel's modules are in its memory only.
"""

import bisect
import collections
import sys


def main():
    """Count, print."""
    symbols = []
    with open(sys.argv[1], encoding='ascii') as file:
        for line in file:
            address, kind, name = line.rstrip('\n').replace('\t', ' ').split(' ', 2)
            if kind in 'tTwW':
                symbols.append((int(address, 16), name))
    symbols.sort()
    starts = [address for address, _ in symbols]
    counts = collections.Counter()
    for line in sys.stdin:
        fields = line.split()
        if not fields:
            continue
        at = bisect.bisect(starts, int(fields[0], 16)) - 1
        inside = 0 <= at < len(symbols) - 1 or at >= 0 and int(fields[0], 16) - starts[at] < 65536
        counts[symbols[at][1] if inside else '(not the kernel)'] += 1
    total = sum(counts.values())
    print(f'{total} samples')
    for name, count in counts.most_common(40):
        print(f'{100 * count / total:6.2f} %  {name}')


if __name__ == '__main__':
    main()
