# SPDX-License-Identifier: GPL-2.0
"""
Reads scenarios (README.md describes the language): a file becomes a list of Scenario, each with
the steps that play.py plays. Whatever is wrong in a file is named with its line.
"""

import re

import packets as p

STATES = ('none', 'syn-sent', 'syn-sent2', 'syn-recv', 'established', 'fin-wait', 'close-wait',
          'last-ack', 'time-wait', 'close')
FLAGS = {'F': p.FIN, 'S': p.SYN, 'R': p.RST, 'P': p.PSH, '.': p.ACK, 'U': p.URG, 'E': p.ECE,
         'W': p.CWR, 'A': 0x100}
PEER_FLAGS = ('window-scale', 'sack', 'fin', 'unknown', 'syn', 'fin-acked')  # from bit 0
UNITS = {'': 1, 's': 1, 'm': 60, 'h': 3600, 'd': 86400}
OTHER = {'in': 'out', 'out': 'in'}

NUMBER = r'=?-?(?:0x[0-9a-f]+|\d+)'
SEQUENCE = re.compile(rf'({NUMBER})(?::({NUMBER}))?\((\d+)\)')
OPTION = re.compile(r'\s*,\s*')


class ScriptError(Exception):
    """A file that cannot be played."""
    def __init__(self, where, text):
        super().__init__(f'{where}: {text}')


class Step:
    """
    Something that happens: its kind, "where" (file:line), the words of the line, and what else
    its kind needs.
    """
    def __init__(self, kind, where, text, **fields):
        self.kind, self.where, self.text = kind, where, text
        self.__dict__.update(fields)

    def mirrored(self):
        """The same, with both ends exchanged."""
        fields = dict(self.__dict__)
        if 'direction' in fields:
            fields['direction'] = OTHER[self.direction]
        if 'inner' in fields and self.inner:
            fields['inner'] = self.inner.mirrored()
        return Step(**fields)


class Scenario:
    """A title, steps, and how they are to be played."""
    def __init__(self, where, title):
        self.where, self.title = where, title
        self.steps = []
        self.families = ('ipv4', 'ipv6')
        self.starts = None
        self.both_ways = False
        self.exchanged = False

    def mirrored(self):
        """The same, with both ends exchanged."""
        other = Scenario(self.where, f'{self.title}, ends exchanged')
        other.steps = [step.mirrored() for step in self.steps]
        other.families = self.families
        other.starts = self.starts
        other.exchanged = True
        return other


class Line:
    """The words of a line, taken one by one."""
    def __init__(self, where, text):
        self.where, self.text = where, text
        self.words = re.findall(r'<[^>]*>|[^\s<]+', text)

    def fail(self, text):
        """This line is wrong."""
        raise ScriptError(self.where, text)

    def more(self):
        """Are there words left?"""
        return bool(self.words)

    def word(self, what):
        """The next word."""
        if not self.words:
            self.fail(f'{what} is missing')
        return self.words.pop(0)

    def choice(self, what, choices):
        """The next word, one of these."""
        word = self.word(what)
        if word not in choices:
            self.fail(f'{what} "{word}" is none of {", ".join(choices)}')
        return word

    def number(self, what, limit=None):
        """The next word, a number that is not negative."""
        word = self.word(what)
        if not re.fullmatch(r'0x[0-9a-f]+|\d+', word) or \
           (limit is not None and int(word, 0) > limit):
            self.fail(f'{what} "{word}" is no number' + (f' up to {limit}' if limit else ''))
        return int(word, 0)

    def relative(self, what):
        """The next word, a sequence number: (number, is it absolute?)."""
        word = self.word(what)
        if not re.fullmatch(NUMBER, word):
            self.fail(f'{what} "{word}" is no sequence number')
        return relative(word)

    def time(self, what):
        """The next word, a time in seconds."""
        word = self.word(what)
        found = re.fullmatch(r'(\d+)([smhd]?)', word)
        if not found:
            self.fail(f'{what} "{word}" is no time such as 90, 4m or 2h')
        return int(found[1]) * UNITS[found[2]]

    def end(self):
        """Nothing may follow."""
        if self.words:
            self.fail(f'"{" ".join(self.words)}" is too much')


def relative(word):
    """A sequence number: (number, is it absolute?)."""
    return int(word.lstrip('='), 0), word.startswith('=')


def read_flags(line):
    """The flags of a segment."""
    word = line.word('flags')
    flags = 0
    if word == '-':
        return flags
    for letter in word:
        if letter not in FLAGS:
            line.fail(f'flag "{letter}" of "{word}" is none of {"".join(FLAGS)}, or - for none')
        flags |= FLAGS[letter]
    return flags


def read_block(line, word):
    """An edge pair of SACK, FIRST:LAST."""
    found = re.fullmatch(rf'({NUMBER}):({NUMBER})', word)
    if not found:
        line.fail(f'SACK block "{word}" is not FIRST:LAST')
    return relative(found[1]), relative(found[2])


def read_option(line, text):
    """One option: (kind, what it needs)."""
    name, *values = text.split()
    sizes = {'mss': 1, 'wscale': 1, 'sackOK': 0, 'nop': 0, 'eol': 0, 'TS': 2, 'raw': 1}
    if name == 'sack':
        return name, [read_block(line, value) for value in values]
    if name not in sizes:
        line.fail(f'option "{name}" is none of {", ".join(sizes)}, sack')
    if len(values) != sizes[name]:
        line.fail(f'option "{text}" needs {sizes[name]} values')
    try:
        if name == 'raw':
            return name, [bytes.fromhex(values[0])]
        return name, [int(value, 0) for value in values]
    except ValueError:
        line.fail(f'option "{text}" has a value that is no number')
    return None


def read_segment(line, where, text):
    """A segment, up to its end or to what is expected of it."""
    step = Step('segment', where, text, direction=line.choice('direction', ('in', 'out')),
                flags=read_flags(line), ack=None, window=None, urgent=0, options=[], gso=0,
                seq=None, length=0)
    word = line.word('sequence number')
    found = SEQUENCE.fullmatch(word)
    if not found:
        line.fail(f'"{word}" is not SEQ(LENGTH) or SEQ:END(LENGTH)')
    step.seq, step.length = relative(found[1]), int(found[3])
    if found[2] and relative(found[2])[0] != step.seq[0] + step.length:
        line.fail(f'"{word}": from {found[1]} to {found[2]} are not {step.length} bytes')
    while line.more() and line.words[0] != '->':
        word = line.word('')
        if word == 'ack':
            step.ack = line.relative('ack')
        elif word == 'win':
            step.window = line.number('win', 65535)
        elif word == 'urg':
            step.urgent = line.number('urg', 65535)
        elif word == 'gso':
            step.gso = line.number('gso', 65535)
        elif word.startswith('<'):
            step.options = [read_option(line, option)
                            for option in OPTION.split(word[1:-1].strip()) if option]
        else:
            line.fail(f'"{word}" is none of ack, win, urg, gso, <options>, ->')
    if step.flags & p.ACK and step.ack is None:
        line.fail('a segment with flag "." needs ack')
    return step


def read_expected(line, step):
    """What follows ->: a verdict, and a state if it changes."""
    line.choice('->', ('->',))
    verdict = line.choice('verdict', ('pass', 'drop'))
    step.verdict = 'pass' if verdict == 'pass' else line.word('reason of the drop')
    step.state = line.choice('state', STATES) if line.more() else None
    line.end()
    return step


ICMP_KINDS = ('unreachable', 'port', 'too-big', 'exceeded', 'parameter')


def read_icmp(line, where, text):
    """icmp DIRECTION KIND about SEGMENT -> VERDICT"""
    step = Step('icmp', where, text, direction=line.choice('direction', ('in', 'out')),
                icmp=line.choice('kind', ICMP_KINDS))
    line.choice('about', ('about',))
    step.inner = read_segment(line, where, text)
    return read_expected(line, step)


def read_peer(line, where, text):
    """peer in|out FIELD VALUE...: what is known of the end that sends in this direction."""
    step = Step('peer', where, text, direction=line.choice('direction', ('in', 'out')), fields={})
    while line.more():
        field = line.choice('field', ('end', 'max-end', 'max-window', 'scale', 'flags'))
        if field in ('end', 'max-end'):
            step.fields[field] = line.relative(field)
        elif field == 'flags':
            word = line.word('flags')
            flags = [] if word == 'none' else word.split(',')
            for flag in flags:
                if flag not in PEER_FLAGS:
                    line.fail(f'flag "{flag}" is none of {", ".join(PEER_FLAGS)}')
            step.fields[field] = sorted(flags)
        else:
            step.fields[field] = line.number(field)
    return step


def read_life(line, where, text):
    """life TIME: what is left of it, give or take a few seconds."""
    step = Step('life', where, text, seconds=line.time('time'))
    line.end()
    return step


def read_time(kind):
    """age TIME, wait TIME"""
    def read(line, where, text):
        step = Step(kind, where, text, seconds=line.time('time'))
        line.end()
        return step
    return read


def read_plain(kind):
    """freeze, thaw, move"""
    def read(line, where, text):
        line.end()
        return Step(kind, where, text)
    return read


def read_state(line, where, text):
    """state STATE"""
    step = Step('state', where, text, state=line.choice('state', STATES))
    line.end()
    return step


def read_flows(line, where, text):
    """flows NUMBER"""
    step = Step('flows', where, text, number=line.number('number'))
    line.end()
    return step


def read_packets(line, where, text):
    """packets in|out NUMBER: what the flow has counted"""
    step = Step('packets', where, text, direction=line.choice('direction', ('in', 'out')),
                number=line.number('number'))
    line.end()
    return step


COMMANDS = {
    'icmp': read_icmp, 'peer': read_peer, 'life': read_life, 'age': read_time('age'),
    'wait': read_time('wait'), 'freeze': read_plain('freeze'), 'thaw': read_plain('thaw'),
    'move': read_plain('move'), 'state': read_state, 'flows': read_flows,
    'packets': read_packets,
}


class Reader:
    """Reads one file."""
    def __init__(self, path, name):
        self.path, self.name = path, name
        self.scenarios, self.blocks = [], {}
        self.steps = None       # of what is being read, or None before the first
        self.scenario = None    # that is being read, or None in a block

    def read(self):
        """All of its scenarios."""
        with open(self.path, encoding='utf-8') as file:
            for number, text in enumerate(file, 1):
                text = text.split('#')[0].strip()
                if text:
                    self.statement(Line(f'{self.name}:{number}', text))
        for scenario in self.scenarios:
            if not any(step.kind in ('segment', 'icmp') for step in scenario.steps):
                raise ScriptError(scenario.where, 'a scenario without a segment')
        return self.scenarios

    def statement(self, line):
        """One line."""
        if line.words[0] in ('scenario', 'block'):
            self.begin(line)
        elif self.steps is None:
            line.fail('a file begins with "scenario TITLE" or "block NAME"')
        elif line.words[0] in ('in', 'out'):
            self.steps.append(read_expected(line, read_segment(line, line.where, line.text)))
        elif line.words[0] in COMMANDS:
            self.steps.append(COMMANDS[line.word('')](line, line.where, line.text))
        else:
            self.setting(line, line.word(''))

    def begin(self, line):
        """scenario TITLE, block NAME"""
        kind, rest = line.word(''), line.text.split(None, 1)[1:]
        if not rest:
            line.fail(f'{kind} without a name')
        self.scenario = None
        if kind == 'block':
            if rest[0] in self.blocks:
                line.fail(f'there is a block "{rest[0]}" already')
            self.steps = self.blocks[rest[0]] = []
            return
        if any(scenario.title == rest[0] for scenario in self.scenarios):
            line.fail(f'there is a scenario "{rest[0]}" already')
        self.scenario = Scenario(line.where, rest[0])
        self.scenarios.append(self.scenario)
        self.steps = self.scenario.steps

    def setting(self, line, word):
        """What is no step of its own, or is many."""
        if word == 'policy':
            self.policy(line)
        elif word == 'use':
            name = line.word('block')
            if name not in self.blocks:
                line.fail(f'there is no block "{name}" before this line')
            line.end()
            self.steps.extend(self.blocks[name])
        elif word == 'both-ways' and self.scenario:
            line.end()
            self.scenario.both_ways = True
        elif word == 'family' and self.scenario:
            self.scenario.families = (line.choice('family', ('ipv4', 'ipv6')),)
            line.end()
        elif word == 'isn' and self.scenario:
            self.scenario.starts = [{'out': line.number('isn'), 'in': line.number('isn')}]
            line.end()
        else:
            line.fail(f'"{word}" is no statement' + ('' if self.scenario else ' of a block'))

    def policy(self, line):
        """policy STATEMENT; lines of it that follow each other are one policy."""
        text = line.text.split(None, 1)[1:]
        if not text:
            line.fail('policy without a statement')
        if self.steps and self.steps[-1].kind == 'policy':
            text = [self.steps.pop().policy, text[0]]
        self.steps.append(Step('policy', line.where, line.text, policy='\n'.join(text)))


def read_file(path, name):
    """All scenarios of a file, those that go both ways twice."""
    found = []
    for scenario in Reader(path, name).read():
        found.append(scenario)
        if scenario.both_ways:
            found.append(scenario.mirrored())
    return found
