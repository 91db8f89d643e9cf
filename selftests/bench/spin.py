#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""One row's traffic on one side, for a profiler: run.sh --spin ROW SIDE SECONDS."""

import os
import statistics
import sys
import time

from core import Bench, say
from injector import Injector
from rows_packets import PACKET_ROWS

STEP = 200000   # packets between two looks at the clock


def main():
    """Set up, then inject until the time is over, saying each second what a packet costs."""
    row, side_name, seconds = os.environ['SPIN'].split()
    if row not in PACKET_ROWS or side_name not in PACKET_ROWS[row][1]:
        sys.exit('spin: rows and sides are: ' +
                 '; '.join(f'{name}: {" ".join(what[1])}' for name, what in PACKET_ROWS.items()))
    bench = Bench(quick=True, work='/dev/shm/bench', out=os.environ['BENCH_OUT'], tree='')
    bench.injector = Injector(os.environ['BENCH_INJECTOR'])
    work = PACKET_ROWS[row][0](bench)
    work.traffic.load(bench.injector)
    side = work.side(side_name)
    side.setup()
    work.open(side)
    with open('/proc/kallsyms', encoding='ascii') as file:
        symbols = file.read()
    path = os.path.join(bench.out, 'spin.kallsyms')   # run.sh waits for it
    with open(path + '.new', 'w', encoding='ascii') as file:
        file.write(symbols)
    os.rename(path + '.new', path)
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        clean, every, said = [], [], time.monotonic() + 1
        while time.monotonic() < said:
            result = work.time(side, STEP)
            clean += result.clean_costs()
            every += result.batch_costs()
        say(f'{row} {side_name}: median {statistics.median(clean or every):.1f} ns/packet, '
            f'{len(clean)} of {len(every)} batches had the CPU for themselves')
    side.teardown()


if __name__ == '__main__':
    main()
