#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The benchmark, inside a lab host: run rows, print the table, write results.json.

Started by run.sh. Variables: BENCH (quick or full), ROWS (names, none: all), BENCH_OUT (directory
of results.json), BENCH_INJECTOR (vfw_bench.ko), BENCH_COMMIT.
"""

import datetime
import glob
import importlib
import json
import os
import platform
import sys
import time
import traceback

import core
from core import Bench, Skip, say
from injector import Injector

HERE = os.path.dirname(os.path.abspath(__file__))


def cpu_model():
    """As the machine below calls it; User Mode Linux passes it on."""
    with open('/proc/cpuinfo', encoding='ascii') as file:
        for line in file:
            if line.startswith(('model name', 'host')):
                return line.split(':', 1)[1].strip()
    return 'unknown'


def import_rows():
    """All files of rows; those that cannot be imported are returned, and the others still run."""
    broken = []
    for path in sorted(glob.glob(os.path.join(HERE, 'rows_*.py'))):
        name = os.path.basename(path)
        try:
            importlib.import_module(name[:-3])
        except Exception:  # pylint: disable=broad-exception-caught
            traceback.print_exc()
            broken.append(name)
    return broken


def show(value):
    """A figure for people."""
    if value is None:
        return '-'
    return f'{value:,.1f}' if abs(value) < 10000 else f'{value:,.0f}'


def table_lines(entry, indent=''):
    """An entry as lines of the table, those of its further figures below it."""
    if 'skipped' in entry:
        return [f'{indent}{entry["name"]}: skipped: {entry["skipped"]}']
    sides = {'none': entry.get('none'), 'vfw': entry.get('vfw'), **entry.get('peers', {})}
    lines = [f'{indent}{entry["name"]} ({entry["unit"]})']
    for side, value in sides.items():
        if value is None:
            continue
        line = f'{indent}    {side:28}{show(value):>14}'
        if side in entry.get('spread', {}):
            low, q1, q3, high = entry['spread'][side]
            line += f'   quartiles {show(q1)} - {show(q3)}, all {show(low)} - {show(high)}'
        if side in entry.get('ratio_added', {}):
            line += f'   vfw adds {entry["ratio_added"][side]:.2f} x as much'
        lines.append(line)
    for more in entry.get('also') or []:
        lines += table_lines(more, indent + '  ')
    return lines


def run_row(bench, name):
    """The row's entry, or None when it failed."""
    unit, function = core.ROWS[name]
    begin = time.monotonic()
    try:
        entry = function(bench)
    except Skip as why:
        entry = {'name': name, 'unit': unit, 'skipped': str(why)}
    except Exception as error:  # pylint: disable=broad-exception-caught
        traceback.print_exc()
        say(f'{name} FAILED: {error}')
        return None
    print('\n'.join(table_lines(entry)), flush=True)
    say(f'{name}: {time.monotonic() - begin:.1f} s')
    return entry


def machine():
    """What the figures are of."""
    return {
        'date': datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
        'kernel': platform.release(), 'cpu': os.environ.get('BENCH_CPU') or cpu_model(),
        'mode': os.environ.get('BENCH', 'full'), 'commit': os.environ.get('BENCH_COMMIT', ''),
        'load': os.environ.get('BENCH_LOAD', ''),
    }


def results_before(path, mode):
    """A run of the same mode that was broken off, if it is to be gone on with: when each of its
    boots was, and its rows."""
    if not os.environ.get('RESUME') or not os.path.exists(path):
        return [], {}
    with open(path, encoding='utf-8') as file:
        results = json.load(file)
    if results['mode'] != mode:
        return [], {}
    return (results.get('earlier', []) + [results['date']],
            {row['name']: row for row in results['rows']})


def write_results(path, about, entries):
    """All rows so far, so that a run that is broken off was not for nothing."""
    results = {**about, 'rows': [entries[name] for name in core.ROWS if entries.get(name)]}
    with open(path + '.new', 'w', encoding='utf-8') as file:
        json.dump(results, file, indent=1)
        file.write('\n')
    os.rename(path + '.new', path)


def main():
    """Run what is wanted."""
    broken = import_rows()
    wanted = os.environ.get('ROWS', '').split() or list(core.ROWS)
    unknown = [name for name in wanted if name not in core.ROWS]
    if unknown:
        sys.exit(f'bench: no such row: {" ".join(unknown)}; there are: {" ".join(core.ROWS)}')
    out = os.environ['BENCH_OUT']
    bench = Bench(quick=os.environ.get('BENCH') == 'quick', work='/dev/shm/bench', out=out,
                  tree=os.path.dirname(os.path.dirname(HERE)))
    bench.injector = Injector(os.environ['BENCH_INJECTOR'])
    path, about = os.path.join(out, 'results.json'), machine()
    about['earlier'], entries = results_before(path, about['mode'])
    bench.entries = entries
    for name in wanted:
        if name in entries:
            say(f'{name}: is there already')
            continue
        entries[name] = run_row(bench, name)
        write_results(path, about, entries)
    failed = [name for name, entry in entries.items() if not entry] + broken
    if failed:
        sys.exit(f'bench: failed: {" ".join(failed)}')


if __name__ == '__main__':
    main()
