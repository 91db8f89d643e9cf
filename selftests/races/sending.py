# SPDX-License-Identifier: GPL-2.0
"""
Sending a VM's state in rounds while everything else goes on, and looking at what came: after the
last round it must be what a snapshot of the frozen VM says.
"""

import struct
import time

from vfwtest import Client

STATS, FLOWS, END, ROUND, GONE = 6, {7: 88, 8: 112, 9: 128}, 10, 11, 12
EXPIRES = 32        # where in a record of a flow; the age, in seconds, is behind it
SLACK = 100         # milliseconds that lifetimes may differ by, for jiffies and rounding


class Places:
    """What is known of places: records, and when they were written."""
    def __init__(self):
        self.flows, self.elapsed, self.ended = {}, 0, False

    def take(self, frame):
        """The next frame of a live stream."""
        kind, count = frame[4], struct.unpack_from('<I', frame, 12)[0]
        if kind == ROUND:
            self.elapsed = struct.unpack_from('<Q', frame, 24 + 8)[0]
        elif kind == GONE:
            for place in struct.unpack_from(f'<{count}I', frame, 24):
                self.flows.pop(place, None)
        elif kind in FLOWS:
            size = FLOWS[kind]
            for i, place in enumerate(struct.unpack_from(f'<{count}I', frame, 24 + count * size)):
                at = 24 + i * size
                self.flows[place] = (kind, frame[at:at + size], self.elapsed)
        self.ended = kind == END

    def records(self):
        """{record without times: milliseconds left}; some may have expired."""
        found = {}
        for kind, record, written in self.flows.values():
            left = struct.unpack_from('<I', record, EXPIRES)[0] - (self.elapsed - written)
            found[kind, timeless(record)] = left
        if len(found) != len(self.flows):
            raise AssertionError('two places have the same flow')
        return found


def timeless(record):
    """A record of a flow without its times."""
    return bytes(record[:EXPIRES]) + bytes(record[EXPIRES + 8:])


def saved(frames):
    """The same of a snapshot; and all else in it that tells whether something changed."""
    found, rest = {}, []
    for frame in frames:
        kind, count = frame[4], struct.unpack_from('<I', frame, 12)[0]
        for i in range(count if kind in FLOWS else 0):
            at = 24 + i * FLOWS[kind]
            record = frame[at:at + FLOWS[kind]]
            found[kind, timeless(record)] = struct.unpack_from('<I', record, EXPIRES)[0]
        if kind == STATS:
            rest.append(bytes(frame[24:]))
    return found, rest


def compare(places, found):
    """
    What differs between what was sent and a snapshot, or nothing. What expired since it was sent and
    was not collected before the VM was frozen is in both, and the snapshot says 0 of it.
    """
    sent = places.records()
    lost = [record for record in found if record not in sent]
    # A snapshot begun before the VM was frozen leaves out what has expired; sent it was.
    more = [record for record, left in sent.items() if record not in found and left > SLACK]
    late = [(left, found[record]) for record, left in sent.items()
            if record in found and abs(max(left, 0) - found[record]) > SLACK]
    return {name: what[:3] for name, what in
            (('not sent', lost), ('gone', more), ('lifetimes', late)) if what}


def read_round(work, nl, vm, places):
    """A round; false when it failed."""
    answer = work.ask('send-round', {'vm': vm}, nl, dump=True)
    for reply in answer.replies:
        places.take(reply['frame'])
    return not answer.errno


def last_round(work, nl, vm, places):
    """Freeze and read the last round; compare, if nobody thawed the VM meanwhile."""
    save = lambda: saved([reply['frame'] for reply in  # noqa: E731
                          work.ask('snapshot-save', {'vm': vm}, nl, dump=True).replies])
    if work.ask('vm-freeze', {'uuid': vm}, nl).errno:
        return
    before = save()
    if read_round(work, nl, vm, places) and places.ended and save() == before:
        differ = compare(places, before[0])
        if differ:
            work.strange.append(f'after the last round: {differ}')
        work.count('moved, compared')
    work.ask('vm-thaw', {'uuid': vm}, nl)


def sends(work):
    """Send a VM's state: to the end, or not."""
    def move():
        rng, vm, places = work.rng, work.any_vm(), Places()
        with work.space.inside():
            nl = Client()
        good = not work.ask('send-begin', {'vm': vm}, nl).errno
        for _ in range(rng.randrange(6)):
            good = good and read_round(work, nl, vm, places)
            time.sleep(rng.random() / 10)
        how = rng.random()
        if good and how < 0.7:
            last_round(work, nl, vm, places)
        elif good and how < 0.8:
            # A round that is not read to its end.
            nl.sock.send(nl.request('send-round', {'vm': vm}, dump=True))
        elif good:
            work.ask('send-end', {'vm': vm}, nl)
        nl.close()
    return move
