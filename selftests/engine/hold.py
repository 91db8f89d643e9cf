# SPDX-License-Identifier: GPL-2.0
"""
Holds: packets that wait at the destination of a move, and many flows. Run by test_move.sh with a
directory to work in.
"""

import os
import signal
import socket
import subprocess
import sys
import time

import packets as p
import snapshot
from bench import Bench, Failure, Namespace, Tap, VM, VM_MAC, difference, expect, load, until, vfw

POLICY = 'pass in udp local port 7\npass out udp remote port 7\nlimit flows 200000'
TMP = sys.argv[1]
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
STATE = f'{TMP}/hold'


class Talk:
    """Numbered datagrams both ways."""
    def __init__(self):
        self.ends = {}
        for name, address in ('vm', '10.0.0.2'), ('peer', '10.0.0.1'):
            with Namespace(name):
                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                # What is held counts for its sender.
                sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 64 << 20)
                sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            sock.bind((address, 7))
            sock.setblocking(False)
            self.ends[name] = sock

    def send(self, sender, numbers, size=100):
        """Each in a datagram of its own."""
        to = '10.0.0.1' if sender == 'vm' else '10.0.0.2'
        for number in numbers:
            self.ends[sender].sendto(str(number).encode().ljust(size), (to, 7))

    def received(self, receiver):
        """The numbers that have arrived."""
        numbers = []
        while True:
            try:
                numbers.append(int(self.ends[receiver].recv(1 << 16)))
            except BlockingIOError:
                return numbers

    def await_numbers(self, receiver, count):
        """So many of them, and no more."""
        numbers = []

        def enough():
            numbers.extend(self.received(receiver))
            return len(numbers) >= count

        until(enough, f'{count} numbers at {receiver}')
        return numbers

    def work(self):
        """Datagrams pass both ways."""
        for sender, receiver in ('vm', 'peer'), ('peer', 'vm'):
            self.send(sender, [5])
            expect(self.await_numbers(receiver, 1), [5], f'from {sender}')


def vm(bench):
    """How the VM is."""
    return bench.tool.ask(f'vm show {VM}')[0]


def arrive(*limits, policy=None):
    """The VM is declared as at its destination."""
    vfw('vm', 'del', VM)
    vfw('vm', 'add', VM, 'name', 'web', *(('hold', *limits) if limits is not None else ()))
    vfw('port', 'add', 'port0', 'vm', VM)
    if policy:
        load(policy)


def restore(*more, status=0, file=STATE):
    """Bring in the snapshot."""
    return vfw('snapshot', 'restore', 'file', file, *more, status=status)


def check_order(bench, talk):
    """What is held comes out in its order"""
    arrive()
    expect(vm(bench)['state'], 'holding')
    for begin in range(0, 300, 50):
        talk.send('peer', range(begin, begin + 50))
        talk.send('vm', range(begin, begin + 50))
    expect((talk.received('vm'), talk.received('peer')), ([], []), 'before the commit')
    expect(vm(bench)['held-packets'], 600)
    restore()
    expect(vm(bench)['state'], 'active')
    expect(talk.await_numbers('vm', 300), list(range(300)), 'order at the VM')
    expect(talk.await_numbers('peer', 300), list(range(300)), 'order at the peer')
    talk.work()
    expect(bench.tool.drops(), {}, 'drops')
    expect(bench.tool.ask(f'stats show {VM}')[0]['held'], 600, 'packets that were held')


def check_policy_after(bench, talk):
    """What is held is judged by the state that comes"""
    arrive()
    with Namespace('peer'):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(4):
        sock.sendto(b'1', ('10.0.0.2', 8))
    talk.send('peer', range(3))
    restore()
    expect(talk.await_numbers('vm', 3), [0, 1, 2])
    expect(bench.tool.drops(), {('default', 'in'): 4})
    sock.close()


def check_packets(bench, talk):
    """A hold has a bound in packets"""
    arrive('packets', '50')
    talk.send('peer', range(80))
    expect(vm(bench)['held-packets'], 50)
    expect(bench.tool.drops(), {('hold-limit', 'in'): 30})
    restore()
    expect(talk.await_numbers('vm', 50), list(range(50)))


def check_bytes(bench, talk):
    """A hold has a bound in bytes"""
    arrive('bytes', '65536')
    talk.send('peer', range(100), 1000)
    held = vm(bench)
    expect(32768 < held['held-bytes'] <= 65536, True, f'{held["held-bytes"]} bytes held')
    expect(10 < held['held-packets'] < 65, True, f'{held["held-packets"]} packets held')
    expect(bench.tool.drops(), {('hold-limit', 'in'): 100 - held['held-packets']})
    restore()
    expect(talk.await_numbers('vm', held['held-packets']), list(range(held['held-packets'])))


def check_stay_closed(bench, talk):
    """After its deadline a VM stays closed, until the state comes"""
    arrive('time', '300', 'expiry', 'stay-closed')
    talk.send('peer', range(5))
    until(lambda: vm(bench)['state'] == 'closed', 'the deadline passes')
    expect(bench.tool.drops(), {('hold-closed', 'in'): 5})
    talk.send('vm', range(4))
    expect(bench.tool.drops(), {('hold-closed', 'in'): 5, ('hold-closed', 'out'): 4})
    restore()
    expect(vm(bench)['state'], 'active')
    talk.work()


def check_start_empty(bench, talk):
    """After its deadline a VM starts without state, if so asked"""
    arrive('time', '1500', 'expiry', 'start-empty', policy=POLICY)
    talk.send('peer', range(5))
    expect(talk.received('vm'), [], 'before the deadline')
    until(lambda: vm(bench)['state'] == 'active', 'the deadline passes')
    expect(talk.await_numbers('vm', 5), list(range(5)))
    expect(len(bench.tool.flows()), 1)
    talk.work()


def check_announcements(bench, talk):
    """A VM that waits announces itself, and says nothing else"""
    arrive()
    vm4, broadcast, zero = '10.0.0.2', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00'
    load(POLICY)
    advert = p.ipv6('fd00::2', 'ff02::1', p.ICMP6, hop=255,
                    payload=p.neighbour_advertisement('fd00::2', VM_MAC))
    for name, frame in (
            ('RARP', p.ether(p.arp(3, VM_MAC, '0.0.0.0', VM_MAC, '0.0.0.0'), VM_MAC, broadcast,
                             p.ETH_RARP)),
            ('gratuitous ARP', p.ether(p.arp(1, VM_MAC, vm4, zero, vm4), VM_MAC, broadcast,
                                       p.ETH_ARP)),
            ('unsolicited advertisement', p.ether(advert, VM_MAC, '33:33:00:00:00:01'))):
        bench.peer.arrived()
        bench.vm.send(frame)
        bench.peer.await_frame(lambda got, f=frame: got[:len(f)] == f, name)
    expect(vm(bench)['held-packets'], 0)
    bench.vm.send(p.ether(p.arp(1, VM_MAC, vm4, zero, '10.0.0.1'), VM_MAC, broadcast, p.ETH_ARP))
    bench.peer.send(p.ether(p.arp(1, bench.peer.mac, '10.0.0.1', zero, '10.0.0.1'),
                            bench.peer.mac, broadcast, p.ETH_ARP))
    until(lambda: vm(bench)['held-packets'] == 2, 'what is no announcement of the VM is held')
    restore()
    talk.work()


def check_abort(bench, talk):
    """A restore that fails ends the hold; the VM goes on with what it has"""
    arrive(policy=POLICY)
    talk.send('peer', range(10))
    with open(STATE, 'rb') as file:
        data = file.read()
    done = subprocess.run(['vfw-nl', 'snapshot', 'restore', 'file', '-'], check=False,
                          input=data[:-10], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    expect(done.returncode, 1, done.stderr)
    expect(vm(bench)['state'], 'active')
    expect(talk.await_numbers('vm', 10), list(range(10)))


def half_restored(data):
    """A restore that has had half of its snapshot and waits for the rest."""
    # pylint: disable=consider-using-with
    tool = subprocess.Popen(['vfw-nl', 'snapshot', 'restore', 'file', '-', 'time', '1500'],
                            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    tool.stdin.write(data)
    tool.stdin.flush()
    return tool


def check_killed(bench, talk):
    """A tool that is killed in the middle leaves the VM closed"""
    vfw('vm', 'del', VM)
    with open(STATE, 'rb') as file:
        data = file.read()
    tool = half_restored(data[:-10])
    until(lambda: bench.tool.ask('vm show') != [] and vm(bench)['state'] == 'holding' and
          vm(bench)['ports'] == 1, 'the VM is declared')
    talk.send('peer', range(5))
    os.kill(tool.pid, signal.SIGKILL)
    tool.wait()
    talk.send('peer', range(5, 10))
    expect(vm(bench)['state'] in ('holding', 'closed'), True)
    expect(vm(bench)['flows'], 0)
    until(lambda: vm(bench)['state'] == 'closed', 'the deadline passes')
    expect(talk.received('vm'), [], 'what arrived')
    expect(bench.tool.drops(), {('hold-closed', 'in'): 10})
    restore()
    talk.work()


def check_interrupted(bench, talk):
    """A tool that is interrupted leaves nothing"""
    vfw('vm', 'del', VM)
    with open(STATE, 'rb') as file:
        data = file.read()
    tool = half_restored(data[:-10])
    until(lambda: bench.tool.ask('vm show') != [] and vm(bench)['ports'] == 1,
          'the VM is declared')
    tool.send_signal(signal.SIGTERM)
    expect(tool.wait(10) != 0, True, 'status')
    expect(bench.tool.ask('vm show'), [])
    vfw('vm', 'add', VM)
    restore()
    talk.work()


def check_gone(bench, talk):
    """Packets do not wait for a port, or a VM, that is gone"""
    arrive()
    talk.send('peer', range(7))
    vfw('port', 'del', 'port0')
    expect(bench.tool.drops(), {('port-gone', 'in'): 7})
    vfw('port', 'add', 'port0', 'vm', VM)
    talk.send('peer', range(7, 9))
    restore()
    expect(talk.await_numbers('vm', 2), [7, 8])
    arrive()
    talk.send('peer', range(7))
    vfw('vm', 'del', VM)
    talk.work()
    vfw('vm', 'add', VM)
    restore()


def check_traffic(bench, talk):
    """Nothing is lost, doubled or overtaken while the hold ends"""
    arrive('packets', '20000')
    restorer = None
    sent = 0
    while restorer is None or restorer.poll() is None or sent % 100:
        talk.send('peer', [sent])
        sent += 1
        if sent == 300:
            # pylint: disable=consider-using-with
            restorer = subprocess.Popen(['vfw-nl', 'snapshot', 'restore', 'file', STATE],
                                        stdout=subprocess.PIPE)
        if sent > 100000:
            raise Failure('the restore does not end')
    expect(restorer.returncode, 0)
    restorer.stdout.close()
    expect(talk.await_numbers('vm', sent), list(range(sent)))
    expect(bench.tool.drops(), {}, 'drops')


def check_many(bench, _):
    """100,000 flows are restored and saved as they were"""
    count = 100000
    with open(STATE, 'rb') as file:
        many = snapshot.with_flows(file.read(), count)
    with open(f'{TMP}/many', 'wb') as file:
        file.write(many)
    arrive()
    begun = time.monotonic()
    restore(file=f'{TMP}/many')
    restored = time.monotonic()
    expect(vm(bench)['flows'], count)
    vfw('vm', 'freeze', VM)
    frozen = time.monotonic()
    vfw('snapshot', 'save', VM, 'file', f'{TMP}/again')
    saved = time.monotonic()
    with open(f'{TMP}/again', 'rb') as file:
        expect(snapshot.flow_records(file.read()) == snapshot.flow_records(many), True, 'flows')
    vfw('vm', 'thaw', VM)
    # One of the last, which only its flow lets out.
    load('drop out remote 10.1.0.2\n' + POLICY)
    answer = p.ipv4('10.0.0.2', '10.1.0.1', p.UDP, p.udp(7, count - 65536 - 1, b'x'))
    expect(bench.verdict('out', answer), 'pass', 'an answer')
    expect(bench.tool.flush()['count'], count)
    expect(bench.verdict('out', answer), 'default', 'an answer without a flow')
    print(f'# restored in {restored - begun:.1f} s, saved in {saved - frozen:.1f} s')


def main():
    """All of it."""
    tap, bench, talk = Tap(), Bench(), Talk()
    load(POLICY)
    talk.work()
    vfw('vm', 'freeze', VM)
    vfw('snapshot', 'save', VM, 'file', STATE)
    for check in (check_order, check_policy_after, check_packets, check_bytes, check_stay_closed,
                  check_start_empty, check_announcements, check_abort, check_killed,
                  check_interrupted, check_gone, check_traffic, check_many):
        tap.case(check.__doc__.rstrip('.'), check, bench, talk)
    tap.end()


main()
