#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
Writes the figures of a full run into a document, between its markers.

    tables.py RESULTS.json DOCUMENT.md CHARTS

What stands between <!-- figures NAME --> and <!-- end --> is replaced by the table of that name,
and those of its charts that are in the directory CHARTS.
"""

import os
import re
import sys

from plot import Results, label_of, sides_of, title_of

TABLES = {
    'packets': ('established_few', 'established_many', 'established_tcp', 'new_flow', 'syn_flood',
                'rules_hit_10k', 'vms_1000'),
    'rules': ('rules_10', 'rules_1k', 'rules_10k', 'rules_100k'),
    'replace': ('policy_replace_10k', 'policy_replace_100k'),
    'state': ('mem_v4', 'mem_v6', 'save', 'restore', 'stream_bytes_v4', 'stream_bytes_v6'),
    'net': ('latency', 'throughput'),
}


CHARTS = {
    'packets': ('packets', 'syn_flood'),
    'rules': ('rules_near_end', 'rules_no_match'),
    'replace': ('policy_replace_time', 'policy_replace_longest_delay',
                'policy_replace_mean_delay'),
    'state': ('memory', 'save_restore', 'stream_bytes'),
    'net': ('latency', 'throughput'),
}


def figure(value):
    """Three digits, or all before the point."""
    if abs(value) >= 100:
        return f'{value:,.0f}'
    return f'{value:.3g}'


def cell(entry, side):
    """Median, and in brackets the quartiles if they show."""
    value = {'none': entry.get('none'), 'vfw': entry.get('vfw'),
             **entry.get('peers', {})}.get(side)
    if value is None:
        return ''
    _, low, high, _ = entry.get('spread', {}).get(side, [value] * 4)
    text = figure(value)
    if figure(low) != figure(high):
        text += f' ({figure(low)} to {figure(high)})'
    return text


def parts_of(results, name):
    """A row's entries with their labels."""
    entry = results.rows[name]
    parts = [entry] + (entry.get('also') or [])
    if len(parts) == 1:
        return [(name, entry)]
    labels = [label_of(part, name) for part in parts]
    return [(name if label == name else f'{name}: {label}', part)
            for label, part in zip(labels, parts)]


def ratios(entry):
    """What vfw adds, of what each peer adds."""
    return ', '.join(f'{title_of(side)} {value:.2f}'
                     for side, value in (entry.get('ratio_added') or {}).items())


def table(results, names):
    """The table of some rows."""
    entries = [part for name in names if name in results.rows
               for part in parts_of(results, name)]
    if not entries:
        return ['No run yet.']
    sides = sides_of([('', {side for _, entry in entries for side in entry.get('spread', {})})])
    with_ratios = any(ratios(entry) for _, entry in entries)
    lines = ['| row | unit | ' + ' | '.join(title_of(side) for side in sides) + ' |' +
             (' vfw adds, as a part of what ... adds |' if with_ratios else ''),
             '|---' * (2 + len(sides) + with_ratios) + '|']
    for label, entry in entries:
        lines.append(f'| {label} | {entry["unit"]} | ' +
                     ' | '.join(cell(entry, side) for side in sides) + ' |' +
                     (f' {ratios(entry)} |' if with_ratios else ''))
    return lines


def added(name, peer):
    """What vfw adds to a packet, as a part of what a peer adds."""
    return lambda rows: rows[name]['ratio_added'][peer]


def times(name, peer):
    """How many times as much as a peer's."""
    return lambda rows: rows[name]['vfw'] / rows[name]['peers'][peer]


def absolute(name):
    """The figure itself."""
    return lambda rows: rows[name]['vfw']


def to_ten(name):
    """What vfw adds, to what it adds with ten rules."""
    return lambda rows: rows[name]['ratio_to_10']


# What is wanted, beside what, and how much; of a negative aim that is the least wanted.
GOALS = (
    ('added to an established packet, 500 flows', 'nftables', added('established_few', 'nftables'),
     0.25),
    ('the same, 250,000 flows', 'nftables', added('established_many', 'nftables'), 0.5),
    ('added to a packet that opens a flow', 'nftables', added('new_flow', 'nftables'), 0.5),
    ('the same under 10,000 rules, match near the end', 'vfw with 10 rules', to_ten('rules_10k'),
     2),
    ('the same under 100,000 rules', 'vfw with 10 rules', to_ten('rules_100k'), 4),
    ('bytes of a flow of IPv4', '', absolute('mem_v4'), 128),
    ('bytes of a flow of IPv6', '', absolute('mem_v6'), 192),
    ('flows saved in a second', 'ctnetlink', times('save', 'ctnetlink'), -4),
    ('flows restored in a second', '`conntrack -R`', times('restore', 'conntrack'), -10),
    ('bytes of a flow of IPv4 in the stream', '', absolute('stream_bytes_v4'), 88),
)


def goals(results):
    """What was aimed at, and what came of it."""
    lines = ['| what | beside | aim | measured | |', '|---|---|---|---|---|']
    for what, beside, measure, aim in GOALS:
        value = measure(results.rows)
        met = value >= -aim if aim < 0 else value <= aim
        wanted = f'{"at least" if aim < 0 else "at most"} {abs(aim)}{" times" if beside else ""}'
        lines.append(f'| {what} | {beside} | {wanted} | {figure(value)} | '
                     f'{"reached" if met else "missed"} |')
    return lines


def earlier(boots):
    """Said of a run that was broken off."""
    return f' The run was broken off and gone on with: its first rows are of {", ".join(boots)}.' \
        if boots else ''


def machine(data):
    """What the figures are of."""
    return [f'Run of {data["date"]}: commit {data["commit"]}, kernel {data["kernel"]} '
            f'(User Mode Linux, uniprocessor), {data["cpu"]}. Load of the machine when it began: '
            f'{data.get("load") or "not recorded"}.' + earlier(data.get('earlier'))]


def fill(text, blocks):
    """The document with its blocks replaced."""
    def replace(match):
        return '\n'.join([match.group(1), *blocks[match.group(2)], match.group(3)])
    found = re.findall('<!-- figures ([a-z]+) -->', text)
    if sorted(found) != sorted(blocks):
        sys.exit(f'tables.py: the document has markers {found}, not one each of {list(blocks)}')
    return re.sub('(<!-- figures ([a-z]+) -->)\n.*?(<!-- end -->)', replace, text, flags=re.S)


def main():
    """Check the run, and write."""
    results, document = Results(sys.argv[1]), sys.argv[2]
    if results.data.get('mode') != 'full':
        sys.exit('tables.py: figures are published of full runs only')
    wanted = [name for names in TABLES.values() for name in names]
    missing = [name for name in wanted if name not in results.rows]
    if missing:
        sys.exit(f'tables.py: the run lacks {" ".join(missing)}')
    blocks = {name: table(results, names) for name, names in TABLES.items()}
    for name, charts in CHARTS.items():
        blocks[name] += [f'\n![{chart.replace("_", " ")}]({chart}.svg)' for chart in charts
                         if os.path.exists(os.path.join(sys.argv[3], f'{chart}.svg'))]
    blocks['machine'] = machine(results.data)
    blocks['goals'] = goals(results)
    with open(document, encoding='utf-8') as file:
        text = file.read()
    with open(document, 'w', encoding='utf-8') as file:
        file.write(fill(text, blocks))


if __name__ == '__main__':
    main()
