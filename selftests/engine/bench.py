# SPDX-License-Identifier: GPL-2.0
"""
The bench of lib.sh for tests that make packets themselves: sockets in both ends' namespaces,
the VM's counters, and cases.

One process has it all: a socket belongs to the namespace in which it was made, whichever the
process is in later.
"""

import ctypes
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
import traceback

import packets as p

VM = '4b5fa27e-1d34-4a3c-9e0b-6f7f2d9c0a11'
VM_MAC, PEER_MAC = '02:00:00:00:00:02', '02:00:00:00:00:01'
PATIENCE = 5  # seconds that are given to what should happen at once

CLONE_NEWNET = 0x40000000
PACKET_IGNORE_OUTGOING = 23
PACKET_AUXDATA = 8
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 0x10, 0x40
PACKET_VNET_HDR = 15
SOL_PACKET = 263
ETH_P_ALL = 3

libc = ctypes.CDLL(None, use_errno=True)
home = os.open('/proc/self/ns/net', os.O_RDONLY)


class Failure(Exception):
    """A case is not good."""


def expect(got, wanted, what=''):
    """Fail unless both are the same."""
    if got != wanted:
        raise Failure(f'{what}: got {got!r}, wanted {wanted!r}')


def until(condition, what, seconds=PATIENCE, pause=0.01):
    """Wait until a condition holds, and return what it returned. pause: seconds between looks."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f'waited {seconds} s in vain: {what}')
        time.sleep(pause)


class Namespace:
    """with Namespace('vm'): what is made in here is in that namespace of the network."""
    def __init__(self, name):
        self.name = name

    def _enter(self, fd):
        if libc.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f'setns to {self.name}')

    def __enter__(self):
        fd = os.open(f'/run/netns/{self.name}', os.O_RDONLY)
        self._enter(fd)
        os.close(fd)

    def __exit__(self, *_):
        self._enter(home)


class Wire:
    """An end of the bench's wire: sends frames and sees what arrives."""
    def __init__(self, namespace, device, mac, other_mac):
        self.mac, self.other_mac = mac, other_mac
        with Namespace(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self.socket.bind((device, ETH_P_ALL))

    def frame(self, packet):
        """An IP packet as this end would send it to the other."""
        return p.ether(packet, self.mac, self.other_mac)

    def send(self, frame):
        """Send a frame."""
        self.socket.send(frame)

    def arrived(self, seconds=0):
        """Frames that have arrived."""
        frames = []
        while select.select([self.socket], [], [], 0 if frames else seconds)[0]:
            frames.append(self._frame())
        return frames

    def _frame(self):
        """A frame as it was on the wire: the kernel takes the outer VLAN tag out."""
        frame, control, _, _ = self.socket.recvmsg(1 << 17, 64)
        for level, kind, data in control:
            if (level, kind) != (SOL_PACKET, PACKET_AUXDATA):
                continue
            status, _, _, _, _, tci, tpid = struct.unpack('=IIIHHHH', data[:20])
            if status & TP_STATUS_VLAN_VALID:
                tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else p.ETH_VLAN
                frame = frame[:12] + struct.pack('!HH', tpid, tci) + frame[12:]
        return frame

    def await_frame(self, good, what, seconds=PATIENCE):
        """The first frame to arrive that is good."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for frame in self.arrived(0.05):
                if good(frame):
                    return frame
        raise Failure(f'waited {seconds} s in vain for {what}')


class Tool:
    """vfw-nl, one that stays for questions: each is a line to it and a line of JSON from it."""
    def __init__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(['vfw-nl', '-j', '-f', '-b', '-'], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, command):
        """What a command answers that is sure to answer."""
        self.process.stdin.write(command + '\n')
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f'vfw-nl {command}: no answer')
        return json.loads(line)

    def drops(self, vm=VM):
        """What was dropped so far: {(reason, direction): packets}."""
        counts = {}
        for drop in self.ask(f'stats show {vm}')[0].get('drop', []):
            for direction in 'in', 'out':
                if drop[f'{direction}-packets']:
                    counts[drop['reason'], direction] = drop[f'{direction}-packets']
        return counts

    def flows(self, filters='', vm=VM):
        """Flows that fit."""
        return self.ask(f'flow show {vm} {filters}')

    def flush(self, filters='', vm=VM):
        """Forget flows."""
        return self.ask(f'flow flush {vm} {filters}')


def vfw(*args, text=None, status=0):
    """Run vfw-nl once; return what it printed, on both its outputs."""
    done = subprocess.run(['vfw-nl', *args], input=text, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != status:
        raise Failure(f'vfw-nl {" ".join(args)}: status {done.returncode}: {done.stdout}')
    return done.stdout


def load(policy, vm=VM):
    """Put a policy in force."""
    vfw('policy', 'load', vm, '-', text=policy)


def difference(before, after):
    """Counts that rose, and by how much."""
    return {key: n - before.get(key, 0) for key, n in after.items() if n != before.get(key, 0)}


class Bench:
    """The two ends and the tool."""
    def __init__(self):
        self.tool = Tool()
        self.vm = Wire('vm', 'eth0', VM_MAC, PEER_MAC)
        self.peer = Wire('peer', 'u1', PEER_MAC, VM_MAC)

    def ends(self, direction):
        """Who sends and who receives what goes in a direction."""
        return (self.vm, self.peer) if direction == 'out' else (self.peer, self.vm)

    def verdict(self, direction, packet):
        """
        Send a packet or frame: 'pass' if it arrives, else the reason of its drop, with
        '+answer' if the sender got one.
        """
        sender, receiver = self.ends(direction)
        frame = packet if packet[:6] == p.mac(sender.other_mac) else sender.frame(packet)
        sender.arrived()
        receiver.arrived()
        before = self.tool.drops()
        sender.send(frame)
        rose = difference(before, self.tool.drops())
        if rose:
            if list(rose.values()) != [1] or list(rose)[0][1] != direction:
                raise Failure(f'one packet {direction} was counted as {rose}')
            if any(got[:len(frame)] == frame for got in receiver.arrived()):
                raise Failure(f'counted as dropped ({rose}), but arrived')
            answered = any(got[:6] == p.mac(sender.mac) for got in sender.arrived())
            return list(rose)[0][0] + ('+answer' if answered else '')
        receiver.await_frame(lambda got: got[:len(frame)] == frame,
                             f'a frame {direction} that was not dropped: {frame.hex()}')
        return 'pass'


class Tap:
    """Cases."""
    failed = 0

    def result(self, good, name, detail=''):
        """The outcome of a case."""
        self.failed += not good
        print('ok' if good else 'not ok', name)
        if not good:
            print('\n'.join(f'#   {line}' for line in str(detail).splitlines()))
        sys.stdout.flush()

    def case(self, name, function, *args):
        """A case that is good if a function returns."""
        try:
            function(*args)
        except Failure as failure:
            self.result(False, name, failure)
        except Exception:  # pylint: disable=broad-exception-caught
            self.result(False, name, traceback.format_exc())
        else:
            self.result(True, name)

    def end(self):
        """Exit with the verdict."""
        sys.exit(1 if self.failed else 0)
