#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
Draws the charts of a run: for each an SVG and a PNG beside results.json. Needs gnuplot.

    plot.py [RESULTS.json [DIRECTORY]]

A row that the run did not have, or skipped, is left out of its chart; a chart without rows is not
drawn.
"""

import json
import os
import subprocess
import sys

# Okabe and Ito's colours, which people who see fewer colours can tell apart.
COLOURS = ('#0072b2', '#e69f00', '#009e73', '#d55e00', '#cc79a7', '#56b4e9', '#f0e442', '#000000')
GREYS = {'none': '#999999', 'hook': '#cccccc'}
ORDER = ('none', 'hook', 'vfw', 'nftables', 'ovs', 'ctnetlink', 'conntrack', 'conntrack_no_counters')
TITLES = {
    'none': 'no firewall', 'hook': 'empty hook', 'nftables': 'nftables + conntrack', 'ovs': 'Open vSwitch ct()',
    'ctnetlink': 'ctnetlink, own program', 'conntrack': 'conntrack',
    'conntrack_no_counters': 'conntrack without counters',
    'nftables-sets': 'nftables, sets',
}
SIZES = {'svg': (960, 520), 'png': (1440, 780)}
TERMINALS = {
    'svg': 'svg size {},{} font "DejaVu Sans,14" background rgb "white"',
    'png': 'pngcairo size {},{} font "DejaVu Sans,16" linewidth 1.5 background rgb "white"',
}


def title_of(side):
    """A side's name for people."""
    return TITLES.get(side, side.replace('_', ' '))


def colour_of(side, sides):
    """A side's colour; the known ones have theirs in every chart."""
    if side in GREYS:
        return GREYS[side]
    named = ('vfw', 'nftables', 'ovs', 'conntrack', 'ctnetlink', 'conntrack_no_counters')
    if side in named:
        return COLOURS[named.index(side)]
    others = [name for name in sides if name not in named and name not in GREYS]
    # Not those of what else is in the chart.
    free = [c for c in COLOURS if c not in [COLOURS[named.index(s)] for s in sides if s in named]]
    return free[others.index(side) % len(free)]


def quoted(text):
    """A string of gnuplot's."""
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n') + '"'


def sides_of(groups):
    """All sides that occur, in their order."""
    found = {side for _, bars in groups for side in bars}
    return sorted(found, key=lambda s: (ORDER.index(s) if s in ORDER else len(ORDER), s))


def short(value):
    """A figure beside a bar."""
    if value == 0:
        return '0'
    if abs(value) >= 1000:
        return f'{value:,.0f}'
    return f'{value:.3g}' if abs(value) < 100 else f'{value:.0f}'


def bars_of(entry, added=False, scale=1.0):
    """side -> (median, lower, upper quartile) of an entry; added: less what no firewall takes."""
    base = entry['none'] if added else 0
    if base is None:
        return {}
    values = {'none': entry.get('none'), 'vfw': entry.get('vfw'), **entry.get('peers', {})}
    bars = {}
    for side, value in values.items():
        if value is None or (added and side == 'none'):
            continue
        _, low, high, _ = entry.get('spread', {}).get(side, [value] * 4)
        bars[side] = tuple((v - base) * scale for v in (value, low, high))
    return bars


class Chart:
    """A chart as gnuplot's text."""
    def __init__(self, title, ylabel):
        self.lines = [f'set title {quoted(title)} font ",18"', f'set ylabel {quoted(ylabel)}',
                      'set grid ytics lc rgb "#dddddd" lt 1', 'set border 3', 'set tics nomirror',
                      'set key outside top center horizontal', 'set rmargin 4',
                      'set pointintervalbox 0', 'set bmargin 3.5']
        self.plots = []

    def text(self):
        """All but the file to draw into."""
        return self.lines + ['plot ' + ', \\\n  '.join(self.plots)]


def write(directory, name, lines, height=1.0):
    """Draw it, twice."""
    for kind, terminal in TERMINALS.items():
        path = os.path.join(directory, f'{name}.{kind}')
        wide, high = SIZES[kind]
        text = ['set terminal ' + terminal.format(wide, round(high * height)),
                f'set output {quoted(path)}', 'set encoding utf8', *lines]
        subprocess.run(['gnuplot', '-'], input='\n'.join(text) + '\n', text=True, check=True)


def bar_chart(title, ylabel, groups, log=False):
    """Grouped bars with their quartiles. groups: (label, side -> (value, low, high))."""
    chart = Chart(title, ylabel)
    sides = sides_of(groups)
    width = 0.8 / len(sides)
    chart.lines += [f'set xrange [-0.6:{len(groups) - 0.4}]', f'set boxwidth {width * 0.92}',
                    'set style fill solid 0.9', 'set xtics scale 0 (' + ', '.join(
                        f'{quoted(label)} {at}' for at, (label, _) in enumerate(groups)) + ')']
    tops = [max(bar) for _, bars in groups for bar in bars.values()]
    if log:
        lows = [bar[0] for _, bars in groups for bar in bars.values() if bar[0] > 0]
        chart.lines += ['set logscale y', f'set yrange [{min(lows) / 3}:{max(tops) * 3}]']
    else:
        chart.lines.append(f'set yrange [{min([0] + tops) * 1.15}:{max(tops) * 1.15}]')
    for number, side in enumerate(sides):
        rows = []
        for at, (_, bars) in enumerate(groups):
            if side in bars:
                # The bars that there are stand together in the middle of their group.
                here = [s for s in sides if s in bars]
                x = at + (here.index(side) - (len(here) - 1) / 2) * width
                value, low, high = bars[side]
                rows.append(f'{x:.4f} {value} {low} {high} "{short(value)}"')
        block = f'$side{number}'
        chart.lines += [f'{block} << EOD', *rows, 'EOD']
        chart.plots += [
            f'{block} using 1:2 with boxes lc rgb {quoted(colour_of(side, sides))} '
            f'title {quoted(title_of(side))}',
            f'{block} using 1:3:(0):($4-$3) with vectors heads size screen 0.004,90 lw 1.2 '
            'lc rgb "#333333" notitle',
            f'{block} using 1:4:5 with labels offset 0,0.7 font ",11" notitle',
        ]
    return chart


def line_chart(title, xlabel, ylabel, series):
    """Lines over a logarithmic axis. series: side -> [(x, value, low, high)]."""
    chart = Chart(title, ylabel)
    sides = sides_of([('', series)])
    lowest, highest = (pick(point[1] for points in series.values() for point in points)
                       for pick in (min, max))
    chart.lines += [f'set xlabel {quoted(xlabel)}', 'set logscale xy', 'set format x "%.0f"',
                    'set format y "%.0f"', 'set grid xtics lc rgb "#eeeeee" lt 1',
                    'set key inside top left Left reverse vertical', 'set xrange [5:200000]',
                    f'set yrange [{lowest / 2}:{highest * 5}]']
    for number, side in enumerate(sides):
        block = f'$side{number}'
        chart.lines += [f'{block} << EOD',
                        *(' '.join(map(str, point)) for point in sorted(series[side])), 'EOD']
        style = f'lw 2 pt {(5, 7, 9, 11, 13, 4, 6, 8)[number % 8]} ps 1.1 ' \
                f'lc rgb {quoted(colour_of(side, sides))}'
        chart.plots += [f'{block} using 1:2 with linespoints {style} title '
                        f'{quoted(title_of(side))}',
                        f'{block} using 1:2:3:4 with yerrorbars {style} notitle']
    return chart


class Results:
    """What a run found."""
    def __init__(self, path):
        with open(path, encoding='utf-8') as file:
            self.data = json.load(file)
        self.rows = {entry['name']: entry for entry in self.data['rows']
                     if 'skipped' not in entry}

    def groups(self, names, **how):
        """Groups of bars of rows that there are: names is row -> label."""
        groups = [(label, bars_of(self.rows[name], **how)) for name, label in names.items()
                  if name in self.rows]
        return [group for group in groups if group[1]]

    def with_also(self, name, **how):
        """Groups of a row and its further entries, labelled by their names."""
        if name not in self.rows:
            return []
        entry = self.rows[name]
        return [(label_of(part, name), bars_of(part, **how))
                for part in [entry] + (entry.get('also') or [])]


def label_of(entry, row):
    """What distinguishes an entry from its row's other ones."""
    name = entry['name']
    return entry.get('label') or entry.get('what') or name.removeprefix(row).strip('_') or name


def packet_charts(results):
    """What packets cost."""
    yield ('packets', 'What a packet costs, added to a bridge without firewall', 'ns per packet',
           results.groups({
               'established_few': '500 UDP flows', 'established_many': '250,000 UDP flows',
               'established_tcp': '1,000 TCP\nconnections', 'new_flow': 'opens a flow',
               'rules_hit_10k': 'established,\n10,000 rules', 'vms_1000': '1,000 VMs'},
               added=True), False)
    yield ('syn_flood', 'A SYN against a full table', results.rows.get(
        'syn_flood', {}).get('unit', ''), results.groups({'syn_flood': 'SYN flood'}), False)


def state_charts(results):
    """What state takes: room and time."""
    families = {'v4': 'IPv4', 'v6': 'IPv6'}
    yield ('memory', 'Memory of a flow, index included, at 1,000,000 flows', 'bytes',
           results.groups({f'mem_{key}': text for key, text in families.items()}), False)
    yield ('stream_bytes', 'Room of a flow in what is saved', 'bytes',
           results.groups({f'stream_bytes_{key}': text for key, text in families.items()}), False)
    yield ('save_restore', 'Flows saved and restored in a second (logarithmic)',
           'thousand flows per second',
           results.groups({'save': 'save', 'restore': 'restore'}, scale=1e-3), True)


def net_charts(results):
    """What programs notice."""
    yield ('latency', 'Round trip of a small UDP packet between namespaces', 'µs',
           results.with_also('latency', scale=1e-3), False)
    yield ('throughput', 'TCP through a tap with 64 KiB segments', 'Gbit/s',
           results.with_also('throughput'), False)


def replace_charts(results):
    """What it costs to replace rules: each figure of these rows has its own unit."""
    parts = {}
    for row, label in (('policy_replace_10k', '10,000 rules'),
                       ('policy_replace_100k', '100,000 rules')):
        entry = results.rows.get(row)
        for part in [entry] + (entry.get('also') or []) if entry else []:
            what = 'time' if part is entry else label_of(part, row)
            parts.setdefault((what, part['unit']), []).append((label, bars_of(part)))
    for (what, unit), groups in parts.items():
        yield (f'policy_replace_{what}',
               f'Replacing all rules: {what.replace("_", " ")} (logarithmic)',
               unit.replace('us', 'µs'), groups, True)


KINDS = {'near_end': 'matching near the end', 'no_match': 'matching none'}
SETS = {'acl': 'access list', 'fw': 'firewall', 'ipc': 'IP chain',
        'acl_disjoint': 'access list, no two rules overlap'}


def rules_series(results):
    """Cost by number of rules: kind of packet -> set of rules -> side -> points."""
    charts = {}
    for name, count in (('rules_10', 10), ('rules_1k', 1000), ('rules_10k', 10000),
                        ('rules_100k', 100000)):
        entry = results.rows.get(name)
        for part in [entry] + (entry.get('also') or []) if entry else []:
            label = label_of(part, name)
            kind = next((kind for kind in KINDS if label.endswith(kind)), '')
            series = charts.setdefault(kind, {}).setdefault(
                label.removesuffix(kind).strip('_'), {})
            for side, bar in bars_of(part, added=True).items():
                if bar[0] > 0:  # or a logarithmic axis has no place for it
                    series.setdefault(side, []).append((count, *bar))
    return charts


def rules_chart(kind, sets):
    """Panels, one for each set of rules."""
    panels = [(SETS.get(name, name), series) for name, series in sets.items() if series]
    rows = (len(panels) + 1) // 2
    title = f'A packet that opens a flow, by the number of rules, {KINDS.get(kind, kind)}'
    lines = [f'set multiplot layout {rows},{min(2, len(panels))} title {quoted(title)} font ",18"']
    for label, series in panels:
        lines += line_chart(label, 'rules', 'ns added to no firewall', series).text()
    return lines + ['unset multiplot'], 0.75 * rows


def draw(results, directory):
    """All charts there is something for; their names."""
    names = []
    for family in (packet_charts, state_charts, net_charts, replace_charts):
        for name, title, ylabel, groups, log in family(results):
            if groups:
                write(directory, name, bar_chart(title, ylabel, groups, log).text())
                names.append(name)
    for kind, sets in rules_series(results).items():
        names.append(f'rules_{kind}'.rstrip('_'))
        write(directory, names[-1], *rules_chart(kind, sets))
    return names


def main():
    """Draw what a file has."""
    top = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(top, 'build/bench/results.json')
    directory = sys.argv[2] if len(sys.argv) > 2 else os.path.dirname(os.path.abspath(path))
    for name in draw(Results(path), directory):
        print(os.path.join(directory, f'{name}.svg'))


if __name__ == '__main__':
    main()
