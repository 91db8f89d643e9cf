# SPDX-License-Identifier: GPL-2.0
"""
Saving, holding and restoring, with packets on their way.

    peer                       host                        vm
    [u1] --------------- [u0  br0  port0] --------------- [eth0]

The VM's snapshot comes from another namespace, which serves as the source of a move.
"""

import os
import struct
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'engine'))
# pylint: disable=wrong-import-position
import packets as p  # noqa: E402
from vfwbench import PACKET_IGNORE_OUTGOING, SO_RCVBUFFORCE, SOL_PACKET  # noqa: E402
from vfwbench import VM_ID, VM_MAC, Bench, numbers  # noqa: E402
from vfwtest import Answer, Client, Namespace, Tap, eventually, same  # noqa: E402

tap = Tap()


def snapshot(nl=None):
    """Frames of the VM at the source."""
    return [reply['frame'] for reply in
            (nl or source).well('snapshot-save', {'vm': VM_ID}, dump=True)]


def save():
    """What snapshot-save tells beforehand is what comes."""
    told = source.well('snapshot-save', {'vm': VM_ID})
    same(told, {'vm': VM_ID, 'incarnation': 1, 'flows': 0, 'rules': 0})
    frames = snapshot()
    same([frame[4] for frame in frames], [1, 2, 3, 4, 6, 10], 'types')
    same([len(frame) for frame in frames], [96, 88, 24, 120, 96, 64], 'lengths')
    source.refused('ENOENT', 'snapshot-save', {'vm': bytes(16)}, bad='vm', dump=True)
    source.refused('EINVAL', 'snapshot-save', {}, missing='vm', dump=True)


def hold_and_release():
    """Packets wait, and go on in their order when the state is there."""
    with Bench() as b:
        b.send(0, 300)
        b.wait_held(600)
        same(numbers(b.peer, 0), [], 'past the hold')
        b.restore(snapshot())
        same(numbers(b.peer, 0), [], 'past the hold')
        same(b.state()['held-packets'], 600)
        reply = b.commit()
        same((reply['released'], reply['incarnation'], reply['frames']), (600, 1, 6))
        same(numbers(b.peer, 300), list(range(300)), 'from the VM')
        same(numbers(b.vm, 300), list(range(300)), 'to the VM')
        b.send(300, 310)
        same(numbers(b.peer, 10), list(range(300, 310)), 'from the VM')
        same(numbers(b.vm, 10), list(range(300, 310)), 'to the VM')
        same((b.state()['state'], b.state()['flows']), ('active', 1))
        stats = b.nl.well('stats-get', {'vm': b.id})
        same((stats['held'], stats.get('drop', [])), (600, []))
        same((stats['in-packets'], stats['out-packets']), (310, 310))


def hold_once():
    """What waited is seen once by packet sockets and by hooks behind ours."""
    with Bench() as b:
        rules = ['add table netdev count']
        for hook in 'ingress', 'egress':
            rules += [f'add chain netdev count {hook} {{ type filter hook {hook} device port0 '
                      'priority 0; }', f'add rule netdev count {hook} ip protocol udp counter']
        subprocess.run(['ip', 'netns', 'exec', b.host.name, 'nft', '-f', '-'], check=True,
                       text=True, input='\n'.join(rules) + '\n')
        watch = b.host.packet_socket('port0')
        watch.setblocking(False)
        watch.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        b.send(0, 50)
        b.wait_held(100)
        b.restore(snapshot())
        b.commit()
        same(numbers(b.peer, 50), list(range(50)), 'from the VM')
        same(numbers(b.vm, 50), list(range(50)), 'to the VM')
        same(numbers(watch, 50), list(range(50)), 'seen at the port')
        watch.close()
        table = subprocess.run(['ip', 'netns', 'exec', b.host.name, 'nft', 'list', 'table',
                                'netdev', 'count'], check=True, text=True,
                               stdout=subprocess.PIPE).stdout
        same(table.count('packets 50 '), 2, table)


def hold_bounds():
    """Beyond its bounds a hold drops, and counts."""
    with Bench(packets=10) as b:
        b.send(0, 20)
        eventually(lambda: b.drops('hold-limit') == 30, '30 dropped')
        same(b.state()['held-packets'], 10)
        b.restore(snapshot())
        same(b.state()['hold-limits']['packets'], 10, 'bounds that were not given again')
        b.commit()
        same(numbers(b.peer, 5), list(range(5)))
        same(numbers(b.vm, 5), list(range(5)))
        same(b.drops('hold-limit'), 30, 'counted before the restore began')
    with Bench(bytes=20000) as b:
        b.send(0, 100)
        eventually(lambda: b.drops('hold-limit') + b.state()['held-packets'] == 200, 'all')
        shown = b.state()
        assert 10000 < shown['held-bytes'] <= 20000 and shown['held-packets'] > 4, shown


def hold_expires():
    """At the deadline a hold closes, and a commit still opens it."""
    with Bench(time=2000) as b:
        b.send(0, 10)
        b.wait_held(20)
        eventually(lambda: b.state()['state'] == 'closed', 'closed')
        same(b.drops('hold-closed'), 20)
        b.send(10, 15)
        eventually(lambda: b.drops('hold-closed') == 30, 'dropped when closed')
        b.restore(snapshot(), **{'hold-limits': {'time': 20000}})
        same(b.state()['state'], 'holding')
        b.send(15, 20)
        b.wait_held(10)
        same(b.commit()['released'], 10)
        same(numbers(b.peer, 5), list(range(15, 20)))


def hold_start_empty():
    """A hold may end in the policy that the VM has."""
    with Bench(time=2000, expiry='start-empty') as b:
        b.nl.pass_all(b.id)
        b.send(0, 10)
        b.wait_held(20)
        eventually(lambda: b.state()['state'] == 'active', 'active')
        same(numbers(b.peer, 10), list(range(10)))
        same(b.state()['flows'], 1)
        assert 'held-packets' not in b.state() or not b.state()['held-packets']


def hold_later_deadline():
    """A restore that begins gives a new deadline, and events tell."""
    with Bench(time=1000) as b:
        with b.host.inside():
            listener = Client()
        listener.ntf_subscribe('events')
        b.restore(snapshot(), **{'hold-limits': {'time': 5000}})
        time.sleep(1.5)
        same(b.state()['state'], 'holding')
        eventually(lambda: b.state()['state'] == 'closed', 'closed')
        states = [attrs['state'] for name, attrs in listener.events() if name == 'vm-ntf']
        same(states, ['holding', 'closed'], 'events')
        b.commit()
        same([attrs['state'] for name, attrs in listener.events() if name == 'vm-ntf'],
             ['active'], 'events')
        listener.sock.close()


def restore_abort():
    """After an abort the VM goes on with what it has, here with no policy."""
    with Bench() as b:
        b.send(0, 10)
        b.wait_held(20)
        b.restore(snapshot()[:3])
        b.nl.well('restore-abort', {'vm': b.id})
        same((b.state()['state'], b.drops('no-policy')), ('active', 20))
        b.nl.refused('ENOENT', 'restore-abort', {'vm': b.id}, text='neither held nor')
        b.nl.refused('ENOENT', 'restore-commit', {'vm': b.id}, text='no restore')
        b.nl.refused('ENOENT', 'restore-frame', {'vm': b.id, 'frame': bytes(96)}, bad='frame',
                     text='no restore')
        b.nl.refused('EINVAL', 'restore-frame', {'vm': b.id}, missing='frame')


def restore_active():
    """A restore of an active VM that fails leaves it as it was."""
    with Bench() as b:
        b.nl.pass_all(b.id)
        b.nl.well('restore-abort', {'vm': b.id})
        b.send(0, 5)
        same(numbers(b.peer, 5), list(range(5)))
        before = b.state()
        frames = snapshot()
        b.nl.well('restore-begin', {'vm': b.id})
        b.nl.refused('EBUSY', 'restore-begin', {'vm': b.id}, text='under way already')
        b.nl.refused('EBADMSG', 'restore-frame', {'vm': b.id, 'frame': bytes(96)}, bad='frame',
                     text='frame 0: no frame of a snapshot')
        b.nl.refused('ECANCELED', 'restore-frame', {'vm': b.id, 'frame': frames[0]},
                     bad='frame', text='restore failed at frame 0, abort it')
        b.nl.refused('ECANCELED', 'restore-commit', {'vm': b.id}, text='abort it')
        b.send(5, 10)
        b.wait_held(10)
        b.nl.well('restore-abort', {'vm': b.id})
        same(numbers(b.peer, 5), list(range(5, 10)))
        same(b.state(), before)
        b.restore(frames)
        b.commit()
        b.nl.well('restore-begin', {'vm': b.id})
        b.nl.refused('ESTALE', 'restore-frame', {'vm': b.id, 'frame': frames[0]}, bad='frame',
                     text='replayed: incarnation 1, the VM has 1')
        b.nl.well('restore-abort', {'vm': b.id})
        b.nl.well('vm-freeze', {'uuid': b.id})
        b.nl.refused('EBUSY', 'restore-begin', {'vm': b.id}, text='frozen')


def load_rules(nl, vm, rules, **attrs):
    """Load a policy of these rules, which drops the rest; returns its epoch."""
    begun = nl.well('policy-begin', {'vm': vm, **attrs})
    for i in range(0, len(rules), 100):
        nl.well('policy-add', {'transaction': begun['transaction'], 'rule': rules[i:i + 100]})
    return nl.well('policy-commit', {'transaction': begun['transaction']})['epoch']


def restore_late():
    """A VM that started empty meanwhile loses no counter: neither rules nor flows."""
    with Bench() as b:
        load_rules(b.nl, b.id, [{'direction': 'both', 'action': 'pass'}])
        b.nl.well('restore-abort', {'vm': b.id})

        def counted():
            rule = b.nl.well('rule-get', {'vm': b.id, 'rule-number': 1})['rule'][0]
            stats = b.nl.well('stats-get', {'vm': b.id})
            return (rule['packets'], stats['in-packets'], stats['out-packets'],
                    stats['flows-opened'], stats['flows-ended'])

        b.send(0, 10)
        eventually(lambda: counted() == (20, 10, 10, 1, 0), 'packets of the first flow')
        b.restore(snapshot(), **{'hold-limits': {'time': 500, 'expiry': 'start-empty'}})
        same(b.state()['state'], 'holding')
        eventually(lambda: b.state()['state'] == 'active', 'active')
        same(b.state()['flows'], 0)
        same(counted(), (20, 10, 10, 1, 1), 'when it started empty')
        b.send(10, 15)
        eventually(lambda: counted() == (30, 15, 15, 2, 1), 'packets of the second flow')
        b.commit()
        # The snapshot's counters are all 0, and it has no rules.
        stats = b.nl.well('stats-get', {'vm': b.id})
        same((stats['in-packets'], stats['out-packets'], stats['flows-opened'],
              stats['flows-ended'], stats['flows']), (5, 5, 1, 1, 0), 'after the commit')


def policy_goes():
    """A snapshot without a policy takes that of the VM; who lists its rules is told."""
    with Bench() as b, Namespace('bare') as ns:
        bare, other = ns.client(), b.host.client()
        bare.well('vm-new', {'uuid': VM_ID})
        frames = snapshot(bare)
        epoch = load_rules(b.nl, b.id, [{'action': 'pass', 'comment': 'x' * 100}] * 2000)
        same(b.state()['policy-epoch'], epoch)
        request = other.request('rule-get', {'vm': b.id}, dump=True)
        other.sock.send(request)
        b.restore(frames)
        b.commit()
        answer = Answer()
        while not other.receive(answer, 'rule-get', request):
            pass
        rules = sum(len(reply['rule']) for reply in answer.replies)
        same((answer.errno, answer.interrupted, 0 < rules < 2000), (0, True, True),
             f'a list of {rules} rules')
        same(b.state()['policy-epoch'], 0)
        same(b.nl.well('policy-get', {'vm': b.id})['epoch'], 0)
        b.nl.refused('ESTALE', 'policy-begin', {'vm': b.id, 'epoch': epoch}, bad='epoch',
                     text=f'its epoch is 0, not {epoch}')
        assert load_rules(b.nl, b.id, [], epoch=0) > epoch
        for client in bare, other:
            client.sock.close()


def restore_owner():
    """A restore belongs to its socket, and ends with it; the hold goes on."""
    with Bench() as b:
        frames = snapshot()
        other = b.host.client()
        b.restore(frames, nl=other)
        b.nl.refused('EBUSY', 'restore-frame', {'vm': b.id, 'frame': frames[0]},
                     text='another socket')
        b.nl.refused('EBUSY', 'restore-commit', {'vm': b.id}, text='another socket')
        other.sock.close()
        eventually(lambda: b.nl.ask('restore-commit', {'vm': b.id}).errno == 2, 'forgotten')
        same(b.state()['state'], 'holding')
        b.restore(frames)
        same(b.commit()['incarnation'], 1)


def port_goes():
    """Packets held for a port that goes are dropped; nothing hangs."""
    with Bench() as b:
        b.send(0, 10)
        b.wait_held(20)
        b.host.ip('link del port0')
        same((b.state()['held-packets'], b.drops('port-gone')), (0, 20))
    with Bench() as b:
        b.send(0, 10)
        b.wait_held(20)
        b.nl.well('port-del', {'name': 'port0'})
        same(b.drops('port-gone'), 20)
    with Bench() as b:
        b.send(0, 10)
        b.wait_held(20)
        b.nl.well('restore-begin', {'vm': b.id})
        b.nl.well('vm-del', {'uuid': b.id})
    with Bench() as b:
        b.send(0, 10)
        b.wait_held(20)
        b.restore(snapshot()[:4])


def announcements():
    """What tells the network where the VM is passes the hold."""
    with Bench() as b:
        rarp = struct.pack('!HHBBH6s4s6s4s', 1, 0x800, 6, 4, 3, p.mac(VM_MAC), bytes(4),
                           p.mac(VM_MAC), bytes(4))
        b.vm.send(p.ether(rarp, VM_MAC, 'ff:ff:ff:ff:ff:ff', p.ETH_RARP))

        def seen():
            try:
                return b.peer.recv(2000)[12:14] == b'\x80\x35'
            except BlockingIOError:
                return False
        eventually(seen, 'RARP at the peer')
        same(b.state()['held-packets'], 0)
        same(b.nl.well('stats-get', {'vm': b.id})['out-packets'], 1, 'counted')


def interrupted():
    """A policy loaded while a VM is saved ends the dump, and marks it."""
    with Namespace('int') as ns:
        nl, other = ns.client(), ns.client()
        nl.well('vm-new', {'uuid': VM_ID})
        nl.pass_all(VM_ID)
        load_rules(nl, VM_ID, [{'action': 'pass', 'comment': 'x' * 100}] * 2000)
        request = nl.request('snapshot-save', {'vm': VM_ID}, dump=True)
        nl.sock.send(request)
        other.pass_all(VM_ID)
        answer = Answer()
        while not nl.receive(answer, 'snapshot-save', request):
            pass
        same((answer.errno, answer.interrupted), (11, True))
        same(len(snapshot(nl)), 6)
        nl.sock.close()
        other.sock.close()


def many():
    """Many flows: everything arrives; how long it takes is for information."""
    count = int(os.environ.get('VFW_FLOWS', '0')) or \
        (10000 if os.environ.get('LAB_KERNEL') == 'debug' else 100000)
    with Bench() as b:
        b.nl.well('restore-abort', {'vm': b.id})
        b.nl.pass_all(b.id, limits={'flows': 2 * count})
        b.open_flows(count)
        b.nl.well('vm-freeze', {'uuid': b.id})
        b.nl.sock.setsockopt(1, SO_RCVBUFFORCE, 16 << 20)
        begin = time.monotonic()
        request = b.nl.request('snapshot-save', {'vm': b.id}, dump=True)
        b.nl.sock.send(request)
        room, size, datagrams = bytearray(1 << 17), 0, 0
        while True:
            length = b.nl.sock.recv_into(room)
            size += length
            datagrams += 1
            # NLMSG_DONE is the last message.
            if struct.unpack_from('IH', room, length - 20) == (20, 3):
                break
        saved = time.monotonic() - begin
        print(f'# saved {count} flows in {saved * 1e3:.1f} ms: {count / saved / 1e6:.2f} M/s, '
              f'{size / count:.1f} bytes a flow, {datagrams} datagrams')
        frames = snapshot(b.nl)
        b.nl.well('vm-thaw', {'uuid': b.id})
        b.nl.well('restore-begin', {'vm': b.id, 'hold-limits': {'time': 600000}})
        requests = [b.nl.request('restore-frame', {'vm': b.id, 'frame': frame})
                    for frame in frames]
        begin = time.monotonic()
        for request in requests:
            b.nl.sock.send(request)
            b.nl.sock.recv(4096)
        taken = time.monotonic() - begin
        while True:
            try:
                b.nl.sock.setblocking(False)
                b.nl.sock.recv(4096)
            except BlockingIOError:
                break
        b.nl.sock.setblocking(True)
        begin = time.monotonic()
        reply = b.commit()
        print(f'# restored in {taken * 1e3:.1f} ms: {count / taken / 1e6:.2f} M/s; '
              f'committed in {(time.monotonic() - begin) * 1e3:.2f} ms')
        same(reply['flows'], count)
        same(b.state()['flows'], count)


with Namespace('source') as space:
    source = space.client()
    source.well('vm-new', {'uuid': VM_ID, 'name': 'mover'})
    source.pass_all(VM_ID)
    tap.run(save, hold_and_release, hold_once, hold_bounds, hold_expires, hold_start_empty,
            hold_later_deadline, restore_abort, restore_active, restore_late, policy_goes,
            restore_owner, port_goes, announcements, interrupted, many)
    source.sock.close()
tap.end()
