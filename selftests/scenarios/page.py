# SPDX-License-Identifier: GPL-2.0
"""
Checks that the scenarios that Documentation/tcp-tracking.md names are there. It names them in the
last column of its tables, "FILE: BEGINNING; BEGINNING..."; other tables have other things there.
"""

import glob
import os
import re
import sys

import script

HERE = os.path.dirname(os.path.realpath(__file__))
PAGE = os.path.join(HERE, '../../Documentation/tcp-tracking.md')


def references(titles):
    """Of each reference on the page (its line, file, beginning of a title)."""
    files = '|'.join(re.escape(name) for name in titles)
    with open(PAGE, encoding='utf-8') as page:
        for number, line in enumerate(page, 1):
            last = line.rstrip().rstrip('|').rsplit('|', 1)[-1].strip()
            found = re.match(rf'({files})(?:: (.*))?$', last)
            if line.startswith('|') and found:
                for title in (found[2] or '').split('; '):
                    yield number, found[1], title.removesuffix('...').strip()


def main():
    """All of the page."""
    titles = {}
    for path in glob.glob(f'{HERE}/*.scn'):
        name = os.path.basename(path)[:-len('.scn')]
        titles[name] = [scenario.title for scenario in script.read_file(path, name)]
    count = 0
    for number, name, beginning in references(titles):
        count += 1
        if not any(title.startswith(beginning) for title in titles[name]):
            sys.exit(f'tcp-tracking.md:{number}: {name}.scn has no scenario "{beginning}"')
    if count < 50:
        sys.exit(f'tcp-tracking.md: only {count} references were found')


main()
