# SPDX-License-Identifier: GPL-2.0
"""
A VM's state sent in rounds while packets go on, and restored in another namespace.
"""

import os
import struct
import time

from vfwbench import SO_RCVBUFFORCE, Bench, numbers, udp
from vfwtest import Answer, Tap, eventually, same

tap = Tap()
HEADER, VM, PORT, POLICY, RULES, STATS, FLOWS4, FLOWS6, TAGGED, END, ROUND, GONE, COUNTERS = range(1, 14)


class Source(Bench):
    """A VM with three flows, that passes everything by its second rule."""
    def __init__(self):
        super().__init__('src')

    def __enter__(self):
        super().__enter__()
        self.nl.well('restore-abort', {'vm': self.id})
        self.load()
        for port in 2000, 2001, 2002:
            self.packets(port, 2)
        return self

    def load(self):
        """Load its policy."""
        begun = self.nl.well('policy-begin', {'vm': self.id, 'default-in': 'pass',
                                              'limits': {'flows': 4000000}})
        self.nl.well('policy-add', {'transaction': begun['transaction'], 'rule': [
            {'action': 'drop', 'protocol': 6}, {'action': 'pass', 'direction': 'both'}]})
        self.nl.well('policy-commit', {'transaction': begun['transaction']})

    def packets(self, port, count=1):
        """Packets of a flow, from the VM, one after the other; all arrive."""
        for number in range(count):
            self.vm.send(udp(number, False, port))
        same(numbers(self.peer, count), list(range(count)))

    def begin(self):
        """Begin to send."""
        return self.nl.well('send-begin', {'vm': self.id})

    def round(self):
        """The frames of the next round."""
        return [reply['frame'] for reply in self.nl.well('send-round', {'vm': self.id}, dump=True)]

    def changed(self):
        """How many flows the next round has to tell about."""
        return self.nl.well('send-round', {'vm': self.id})['flows']

    def end(self):
        """End sending."""
        self.nl.well('send-end', {'vm': self.id})

    def freeze(self):
        """Freeze."""
        self.nl.well('vm-freeze', {'uuid': self.id})

    def remove(self, port):
        """End a flow."""
        for flow in flows(self.nl, self.id):
            if flow['remote-port'] == port:
                self.nl.well('flow-del', {'vm': self.id, **{name: flow[name] for name in (
                    'local', 'remote', 'local-port', 'remote-port', 'protocol')}})


def flows(nl, vm):
    """All flows, in order, without what depends on time."""
    found = nl.well('flow-get', {'vm': vm}, dump=True)
    for flow in found:
        for name in 'expires', 'age', 'vm':
            flow.pop(name, None)
    return sorted(found, key=repr)


def types(frames):
    """Types of frames."""
    return [frame[4] for frame in frames]


def counts(frames):
    """Records in frames, by type."""
    return {frame[4]: struct.unpack_from('I', frame, 12)[0] for frame in frames}


def rounds():
    """Each round has what changed since the one before, and the last one ends the stream."""
    with Source() as b:
        same(b.begin(), {'vm': b.id, 'incarnation': 1, 'flows': 3, 'rules': 2})
        same(b.changed(), 3, 'before the first round')
        frames = b.round()
        same(types(frames), [HEADER, VM, PORT, POLICY, RULES, ROUND, FLOWS4])
        same(counts(frames)[FLOWS4], 3)
        same(b.changed(), 0)
        same(types(b.round()), [ROUND])
        b.packets(2001, 5)
        same(b.changed(), 1)
        frames = b.round()
        same((types(frames), counts(frames)[FLOWS4]), ([ROUND, FLOWS4], 1))
        b.remove(2000)
        b.packets(2003)
        b.packets(2002)
        same(b.changed(), 2, 'a flow that took the place of another, and one that changed')
        same(types(b.round()), [ROUND, FLOWS4])
        b.remove(2003)
        same((b.changed(), types(b.round())), (1, [ROUND, GONE]))
        b.packets(2001)
        b.freeze()
        same(types(b.round()), [ROUND, FLOWS4, COUNTERS, STATS, END])
        b.nl.refused('ENODATA', 'send-round', {'vm': b.id}, dump=True, text='last round was sent')
        b.end()
        b.nl.refused('ENOENT', 'send-end', {'vm': b.id}, text='not being sent')
        b.nl.well('vm-thaw', {'uuid': b.id})
        b.packets(2001)


def moved():
    """What was sent in rounds, with packets between, is there what it was here."""
    with Source() as b, Bench('dst') as d:
        b.begin()
        d.nl.well('restore-begin', {'vm': d.id})

        def take():
            for frame in b.round():
                d.nl.well('restore-frame', {'vm': d.id, 'frame': frame})
        take()
        for number in range(20):
            b.packets(2000 + number % 7, 3)
            if number % 3 == 0:
                b.remove(2000 + number % 5)
            take()
        b.packets(2001)
        b.packets(2000)
        d.send(0, 10)
        d.wait_held(20)
        b.freeze()
        take()
        there = flows(b.nl, b.id)
        rules = b.nl.well('rule-get', {'vm': b.id}, dump=True)
        stats = b.nl.well('stats-get', {'vm': b.id})
        reply = d.nl.well('restore-commit', {'vm': d.id})
        same((reply['released'], reply['flows'], reply['rules']), (20, len(there), 2))
        same(numbers(d.peer, 10), list(range(10)), 'from the VM')
        same(numbers(d.vm, 10), list(range(10)), 'to the VM')
        here = flows(d.nl, d.id)
        # The packets that were held are of the flow of port 2000.
        same([flow for flow in here if flow['remote-port'] != 2000],
             [flow for flow in there if flow['remote-port'] != 2000], 'flows')
        rules[0]['rule'][1]['packets'] += 20
        rules[0]['rule'][1]['bytes'] += 20 * 32
        same(d.nl.well('rule-get', {'vm': d.id}, dump=True), rules, 'rules')
        for name in 'in-packets', 'out-packets':
            stats[name] = stats.get(name, 0) + 10
        stats['held'] = 20
        got = d.nl.well('stats-get', {'vm': d.id})
        for name in 'in-bytes', 'out-bytes':
            got.pop(name), stats.pop(name)
        same(got, stats, 'statistics')


def owner():
    """What is sent belongs to the socket that began, and ends with it."""
    with Source() as b:
        other = b.host.client()
        other.well('send-begin', {'vm': b.id})
        for op in 'send-round', 'send-end':
            b.nl.refused('EBUSY', op, {'vm': b.id}, text='another socket')
        b.nl.refused('EBUSY', 'send-round', {'vm': b.id}, dump=True, text='another socket')
        b.nl.refused('EBUSY', 'send-begin', {'vm': b.id}, text='being sent already')
        b.nl.refused('EBUSY', 'restore-begin', {'vm': b.id}, text='being sent')
        other.sock.close()
        eventually(lambda: b.nl.ask('send-begin', {'vm': b.id}).errno == 0, 'its end')
        b.packets(2000)
        same(len(b.round()), 7)
        b.end()


def refusals():
    """What cannot be sent."""
    with Bench() as b:
        b.nl.refused('EBUSY', 'send-begin', {'vm': b.id}, text='waits for its state')
        b.nl.refused('ENOENT', 'send-begin', {'vm': bytes(16)}, bad='vm')
        b.nl.refused('EINVAL', 'send-begin', {}, missing='vm')
        b.nl.well('restore-abort', {'vm': b.id})
        b.nl.refused('ENOENT', 'send-round', {'vm': b.id}, dump=True, text='not being sent')
        b.nl.refused('ENOENT', 'send-round', {'vm': b.id}, text='not being sent')
        b.nl.refused('EINVAL', 'send-round', {}, missing='vm', dump=True)
        b.nl.well('send-begin', {'vm': b.id})
        b.nl.well('vm-del', {'uuid': b.id})
        b.nl.refused('ENOENT', 'send-round', {'vm': b.id}, bad='vm')
        b.nl.well('vm-new', {'uuid': b.id})
        b.nl.refused('ENOENT', 'send-round', {'vm': b.id}, text='not being sent')


def replaced():
    """Another policy ends the stream, also in a round; another one can be begun."""
    with Source() as b:
        b.begin()
        b.round()
        b.load()
        b.nl.refused('EAGAIN', 'send-round', {'vm': b.id}, dump=True, text='policy was replaced')
        b.end()
        b.begin()
        b.open_flows(5000)
        other = b.host.client()
        request = b.nl.request('send-round', {'vm': b.id}, dump=True)
        b.nl.sock.send(request)
        other.pass_all(b.id)
        answer = Answer()
        while not b.nl.receive(answer, 'send-round', request):
            pass
        same((answer.errno, answer.interrupted), (11, True))
        b.end()
        b.begin()
        b.round()
        b.end()
        other.sock.close()


def timed(what, function, *args):
    """Call, and say how long it took."""
    begin = time.monotonic()
    result = function(*args)
    print(f'# {what}: {(time.monotonic() - begin) * 1e3:.2f} ms')
    return result


def many():
    """Many flows, one in a hundred of which change between rounds; how long it takes is shown."""
    count = int(os.environ.get('VFW_FLOWS', '0')) or \
        (5000 if os.environ.get('LAB_KERNEL') == 'debug' else 100000)
    with Source() as b, Bench('dst') as d:
        for nl in b.nl, d.nl:
            nl.sock.setsockopt(1, SO_RCVBUFFORCE, 64 << 20)
        b.open_flows(count)
        b.begin()
        size = 0
        d.nl.well('restore-begin', {'vm': d.id, 'hold-limits': {'time': 600000}})

        def take(frames):
            for frame in frames:
                d.nl.well('restore-frame', {'vm': d.id, 'frame': frame})
        for number in range(4):
            frames = timed(f'round {number + 1} read', b.round)
            size += sum(len(frame) for frame in frames)
            timed(f'round {number + 1} taken, {size} bytes so far', take, frames)
            for flow in range(number, count, 100):
                frame = bytearray(udp(0, False))
                struct.pack_into('!I', frame, 30, 0x0a010000 + flow)
                b.vm.send(frame)
            eventually(lambda: b.changed() == -(-(count - number) // 100), 'changes')
        timed('frozen', b.freeze)
        take(timed('last round read', b.round))
        same(timed('committed', d.nl.well, 'restore-commit', {'vm': d.id})['flows'], count + 3)
        if count <= 10000:
            same(flows(d.nl, d.id), flows(b.nl, b.id), 'flows')


tap.run(rounds, moved, owner, refusals, replaced, many)
tap.end()
