# SPDX-License-Identifier: GPL-2.0
"""
Plays all scenarios, or those of the files that are named. Run by test_scenarios.sh.

    scenarios.py [--check] [--quick] [--moving] [--only TEXT] [--work DIR] [FILE...]

--check only reads the files; --quick plays each scenario once, for one family; --moving once for
each, and moves the VM's state behind each segment; --only plays those whose title has TEXT in it.
"""

import argparse
import glob
import os
import sys
import time

import script

HERE = os.path.dirname(os.path.realpath(__file__))


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--check', action='store_true')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--moving', action='store_true')
    parser.add_argument('--only')
    parser.add_argument('--work', default='/tmp')
    parser.add_argument('files', nargs='*')
    return parser.parse_args()


def read(files):
    """{file: scenarios}; ends the program if one is wrong."""
    found = {}
    for path in files or sorted(glob.glob(f'{HERE}/*.scn')):
        try:
            found[path] = script.read_file(path, os.path.basename(path))
        except script.ScriptError as error:
            sys.exit(str(error))
    return found


def starts_of(scenario, family, args, starts):
    """Where numbers begin: all places for the plainest way, another one for each of the others."""
    if scenario.starts:
        return scenario.starts
    if args.quick or args.moving:
        return starts[1:2]
    other = (family == 'ipv6') + 2 * scenario.exchanged
    return [starts[other]] if other else starts


def play(stage, tap, scenario, family, args):
    """One scenario of one family, from all places where numbers may begin: one case."""
    import play as player  # pylint: disable=import-outside-toplevel

    def run():
        for start in starts_of(scenario, family, args, player.STARTS):
            player.Play(stage, scenario, family, start, args.moving).run()

    name = f'{scenario.where.split(":")[0]} {family}: {scenario.title}'
    tap.case(name, run)


def main():
    """All of it."""
    args = arguments()
    found = read(args.files)
    if args.check:
        return
    import bench  # pylint: disable=import-outside-toplevel
    import play as player  # pylint: disable=import-outside-toplevel
    tap, stage = bench.Tap(), player.Stage(args.work)
    begun, count = time.monotonic(), 0
    for scenarios in found.values():
        for scenario in scenarios:
            if args.only and args.only not in scenario.title:
                continue
            for family in scenario.families[:1 if args.quick else 2]:
                play(stage, tap, scenario, family, args)
                count += 1
    print(f'# {count} scenarios in {time.monotonic() - begun:.1f} s')
    if not count:
        tap.result(False, 'there are scenarios')
    tap.end()


main()
