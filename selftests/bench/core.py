# SPDX-License-Identifier: GPL-2.0
"""What every row of the benchmark relies on: the registry of rows, rounds, medians, checks."""

import os
import statistics
import subprocess
import sys

ROWS = {}   # name -> (unit, function), in the order in which they were registered


class BenchError(Exception):
    """The bench is wrong, or what it measures does not do its work: no figure may come of it."""


class Skip(Exception):
    """A row that cannot be had on this machine, and why."""


def row(name, unit):
    """Decorator: the function gets the Bench and returns what its entry() returned."""
    def register(function):
        if name in ROWS:
            raise BenchError(f'the row {name} exists twice')
        ROWS[name] = (unit, function)
        return function
    return register


def sh(cmd, **kw):
    """Run a command (a list, or a string for the shell); its stdout, or an error with its stderr.

    `input` may be text. `check=False` returns stdout whatever the exit status.
    """
    check = kw.pop('check', True)
    kw.setdefault('text', True)
    run = subprocess.run(cmd, shell=isinstance(cmd, str), stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, check=False, **kw)
    if check and run.returncode:
        shown = cmd if isinstance(cmd, str) else ' '.join(cmd)
        err = run.stderr if isinstance(run.stderr, str) else run.stderr.decode(errors='replace')
        raise BenchError(f'{shown[:300]}: exit status {run.returncode}: {err.strip()[-2000:]}')
    return run.stdout


def say(text):
    """Progress, for people."""
    print(f'bench: {text}', file=sys.stderr, flush=True)


def spread(values):
    """[smallest, lower quartile, upper quartile, largest]."""
    if len(values) == 1:
        return [values[0]] * 4
    low, _, high = statistics.quantiles(values, n=4, method='inclusive')
    return [min(values), low, high, max(values)]


def rounded(value):
    """Four digits are more than any of these figures is worth."""
    if value is None or isinstance(value, int):
        return value
    return float(f'{value:.4g}')


class Bench:
    """One run: its mode, its directories, and the way samples are taken."""

    def __init__(self, quick, work, out, tree):
        self.quick = quick
        self.rounds = 3 if quick else 7
        self.work = work    # scratch, in memory, inside the host
        self.out = out      # shared with the machine, outlasts the host
        self.tree = tree    # the source tree
        self.entries = {}   # rows that were run
        for directory in (work, out):
            os.makedirs(directory, exist_ok=True)

    def alternate(self, sides, rounds=None):
        """Call the sides in turn, round after round, each other round in reverse order.

        sides: name -> function that takes one sample. Returns name -> samples, oldest first.
        """
        samples = {name: [] for name in sides}
        order = list(sides)
        for number in range(rounds or self.rounds):
            for name in order if number % 2 == 0 else reversed(order):
                samples[name].append(float(sides[name]()))
        return samples

    def check(self, condition, text):
        """End the bench with text unless the condition holds."""
        if not condition:
            raise BenchError(text)

    def entry(self, name, unit, samples, also=None):
        """The row's entry in results.json: medians, what each side adds to 'none', spread.

        samples: side -> list of figures; the sides 'none' and 'vfw' have places of their own, all
        others are peers. also: further entries of the same row.
        """
        medians = {side: statistics.median(values) for side, values in samples.items() if values}
        peers = {side: value for side, value in medians.items() if side not in ('none', 'vfw')}
        none, vfw = medians.get('none'), medians.get('vfw')
        result = {
            'name': name, 'unit': unit, 'vfw': rounded(vfw),
            'peers': {side: rounded(value) for side, value in peers.items()},
            'none': rounded(none), 'ratio_added': {},
            'spread': {side: [rounded(v) for v in spread(values)]
                       for side, values in samples.items() if values},
            'samples': {side: len(values) for side, values in samples.items() if values},
        }
        if none is not None and vfw is not None:
            result['ratio_added'] = {side: rounded((vfw - none) / (value - none))
                                     for side, value in peers.items() if value != none}
        if also:
            result['also'] = also
        return result
