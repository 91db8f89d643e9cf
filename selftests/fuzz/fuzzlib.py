# SPDX-License-Identifier: GPL-2.0
"""
What the fuzzers of the kernel module have in common: netlink at its plainest, batches that can be
replayed, and what must hold after each.

A run is a seed and a number of seconds; it does batch after batch. A batch is a program, a list of
steps, that depends on nothing but seed and number; it is on the disk before it is begun, in the
file of its kind in WORK. So it is there when the kernel is not any more.
"""

import errno
import fcntl
import glob
import json
import os
import random
import socket
import struct
import subprocess
import sys
import time

import yaml

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.realpath(os.path.join(HERE, '..', '..'))
WORK = os.environ.get('LAB_WORK') or '/tmp'

SOL_NETLINK, CAP_ACK, EXT_ACK, STRICT = 270, 10, 11, 12
REQUEST, MULTI, ACK, DUMP = 1, 2, 4, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
GENL_CTRL = 16
NESTED = 0x8000
PLAIN = 0x3fff
HEADERS = 20
UUID = 16
SO_RCVBUFFORCE = 33


class Failure(Exception):
    """Something does not hold."""


def expect(got, wanted, what):
    """Fail unless both are the same."""
    if got != wanted:
        raise Failure(f'{what}: got {got!r}, wanted {wanted!r}')


def difference(was, now, place=''):
    """What is not the same in two trees, in a line."""
    if isinstance(was, dict) and isinstance(now, dict):
        return '; '.join(difference(was.get(key), now.get(key), f'{place}/{key}')
                         for key in {**was, **now} if was.get(key) != now.get(key))
    if isinstance(was, (list, tuple)) and isinstance(now, (list, tuple)):
        gone = [one for one in was if one not in now]
        come = [one for one in now if one not in was]
        if len(gone) == len(come) == 1 and len(str(gone)) > 100:
            return difference(gone[0], come[0], place)
        return f'{place}: gone {str(gone)[:400]}, come {str(come)[:400]}'
    return f'{place}: {str(was)[:200]} is now {str(now)[:200]}'


# The specification.

class Spec:
    """Operations and attributes, by name."""
    def __init__(self):
        with open(os.path.join(TOP, 'Documentation/netlink/specs/vfw.yaml'),
                  encoding='utf-8') as file:
            tree = yaml.load(file, Loader=getattr(yaml, 'CSafeLoader', yaml.SafeLoader))
        self.consts = {d['name']: d['value'] for d in tree['definitions'] if d['type'] == 'const'}
        self.enums = {d['name']: [e if isinstance(e, str) else e['name'] for e in d['entries']]
                      for d in tree['definitions'] if d['type'] == 'enum'}
        self.sets = {}
        for space in tree['attribute-sets']:
            self.sets[space['name']] = {attr['name']: dict(attr, number=number)
                                        for number, attr in enumerate(space['attributes'], 1)}
        self.ops = {}
        for number, op in enumerate(tree['operations']['list'], 1):
            self.ops[op['name']] = dict(op, number=number)

    def const(self, value):
        """A number of a check, which may be the name of one."""
        return self.consts.get(value, value)

    def attr(self, space, name):
        """Number of an attribute."""
        return self.sets[space][name]['number']


spec = Spec()


# Netlink.

def attr(number, payload=b''):
    """An attribute."""
    return struct.pack('HH', len(payload) + 4, number) + payload + bytes(-len(payload) % 4)


def attrs_of(data):
    """[(number, payload)] of what a message, or a nest, holds."""
    found, at = [], 0
    while at + 4 <= len(data):
        length, number = struct.unpack_from('HH', data, at)
        if length < 4:
            break
        found.append((number & PLAIN, bytes(data[at + 4:at + length])))
        at += (length + 3) & ~3
    return found


def message(family, command, payload=b'', flags=0, seq=1, version=1):
    """A generic netlink message. A dump ends in a message of its own."""
    flags |= REQUEST if flags & DUMP else REQUEST | ACK
    return struct.pack('IHHIIBBH', HEADERS + len(payload), family, flags, seq, 0, command, version,
                       0) + payload


class Netlink:
    """A socket. Netlink answers before send() returns, so nothing here waits."""
    family = None

    def __init__(self, room=None):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        for option in CAP_ACK, EXT_ACK, STRICT:
            self.sock.setsockopt(SOL_NETLINK, option, 1)
        if room:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        else:
            self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.sock.setblocking(False)
        self.seq = 0
        if not Netlink.family:
            Netlink.family = self.resolve('vfw')

    def resolve(self, name):
        """Number of a family."""
        self.sock.send(message(GENL_CTRL, 3, attr(2, name.encode() + b'\0')))
        reply = self.sock.recv(65536)
        self.drain()
        for number, payload in attrs_of(reply[HEADERS:]):
            if number == 1:
                return struct.unpack('H', payload)[0]
        raise Failure(f'there is no family {name}')

    def receive(self):
        """Messages of the next datagram, [(seq, errno or None, payload)]; None if there is none."""
        try:
            data = self.sock.recv(1 << 17)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            return []
        messages, at = [], 0
        while at + 16 <= len(data):
            length, kind, _, seq, _ = struct.unpack_from('IHHII', data, at)
            if kind in (NLMSG_ERROR, NLMSG_DONE):
                code = -struct.unpack_from('i', data, at + 16)[0] if length >= 20 else 0
                messages.append((seq, code, bytes(data[at + 20:at + length])))
            else:
                messages.append((seq, None, bytes(data[at + HEADERS:at + length])))
            at += (length + 3) & ~3
        return messages

    def drain(self):
        """All that has arrived."""
        found = []
        while True:
            messages = self.receive()
            if messages is None:
                return found
            found += messages

    def ask(self, op, payload=b'', dump=False):
        """(errno, [payloads of the replies])"""
        self.seq += 1
        self.sock.send(message(self.family, spec.ops[op]['number'], payload,
                               DUMP if dump else 0, self.seq))
        replies = []
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for seq, code, data in self.receive() or ():
                if seq != self.seq:
                    continue
                if code is not None:
                    return code, replies
                replies.append(data)
        raise Failure(f'{op}: the module does not answer')

    def well(self, op, payload=b'', dump=False):
        """The replies to what must not be refused."""
        code, replies = self.ask(op, payload, dump)
        if code:
            raise Failure(f'{op}: {errno.errorcode.get(code, code)}')
        return replies

    def close(self):
        """The end."""
        self.sock.close()


# VMs.

def vm_attr(op, vm):
    """The attribute that names the VM of an operation."""
    space = spec.ops[op]['attribute-set']
    return attr(spec.attr(space, 'uuid' if space == 'vm' else 'vm'), vm)


def without(data, space, *names):
    """Attributes of a reply, without some and without padding."""
    drop = {spec.attr(space, name) for name in names}
    if 'pad' in spec.sets[space]:
        drop.add(spec.attr(space, 'pad'))
    return [pair for pair in attrs_of(data) if pair[0] not in drop]


def vms(nl):
    """UUIDs of all VMs."""
    number = spec.attr('vm', 'uuid')
    return [dict(attrs_of(reply))[number] for reply in nl.well('vm-get', dump=True)]


def field(data, space, name):
    """A number in a reply."""
    payload = dict(attrs_of(data)).get(spec.attr(space, name))
    return int.from_bytes(payload, 'little') if payload is not None else None


def state_of(nl, vm, flows=True):
    """All there is to see of a VM that does not change by itself."""
    seen = {'vm': without(nl.well('vm-get', vm_attr('vm-get', vm))[0], 'vm')}
    code, replies = nl.ask('policy-get', vm_attr('policy-get', vm))
    seen['policy'] = (code, replies)
    seen['rules'] = nl.well('rule-get', vm_attr('rule-get', vm), dump=True)
    seen['stats'] = nl.well('stats-get', vm_attr('stats-get', vm))
    if flows:
        seen['flows'] = sorted(without(reply, 'flow', 'expires', 'age') for reply in
                               nl.well('flow-get', vm_attr('flow-get', vm), dump=True))
    return seen


def request(op, payload, seq=1):
    """A message with an operation, as long as it is to be followed by another one."""
    data = message(Netlink.family, spec.ops[op]['number'], payload, 0, seq)
    return data + bytes(-len(data) % 4)


def snapshot_of(nl, vm):
    """A VM's snapshot."""
    number = spec.attr('snapshot', 'frame')
    return b''.join(dict(attrs_of(reply))[number] for reply in
                    nl.well('snapshot-save', vm_attr('snapshot-save', vm), dump=True))


def frames_of(data):
    """Frames of a stream, as the tool would divide it, and what is left."""
    while data:
        length = struct.unpack_from('<I', data, 8)[0] if len(data) >= 12 else 0
        if not 24 <= length <= min(len(data), 40000):
            length = len(data)
        yield data[:length][:40000]
        data = data[length:]


def restore(nl, vm, data, refusals=None):
    """
    Begin, all frames, commit, and abort if that was not all: as much at a time as the socket takes.
    The reply to the commit, or None when it was refused; refusals gets what was said to that.
    """
    frame = spec.attr('snapshot', 'frame')
    payloads = [('restore-frame', attr(frame, part)) for part in frames_of(data)]
    parts = [request(op, vm_attr(op, vm) + payload, seq) for seq, (op, payload) in
             enumerate([('restore-begin', b''), *payloads, ('restore-commit', b''),
                        ('restore-abort', b'')], 1)]
    commit, answers, some = len(parts) - 1, [], b''
    for seq, part in enumerate(parts, 1):
        some += part
        if seq == len(parts) or len(some) + len(parts[seq]) > 150000:
            nl.sock.send(some)
            answers += nl.drain()
            some = b''
    codes = {seq: code for seq, code, _ in answers if code is not None}
    expect(codes.get(1), 0, 'restore-begin')
    if codes.get(commit):
        if refusals is not None:
            refusals += [said for _, code, said in answers if code]
        return None
    replies = [reply for seq, code, reply in answers if seq == commit and code is None]
    expect(len(replies), 1, 'replies to a commit')
    return replies[0]


def renew(nl, vm, port, snapshot):
    """A VM is put away, and a new one with the same port made of a snapshot."""
    nl.well('vm-del', vm_attr('vm-del', vm))
    nl.well('vm-new', vm_attr('vm-new', vm))
    nl.well('port-new', vm_attr('port-new', vm) + attr(spec.attr('port', 'name'),
                                                       port.encode() + b'\0'))
    if restore(nl, vm, snapshot) is None:
        raise Failure('a snapshot that was not altered is refused')


def tool(*args, text=None, good=True):
    """Run vfw-nl; what it printed."""
    done = subprocess.run(['vfw-nl', *args], input=text, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if good and done.returncode:
        raise Failure(f'vfw-nl {" ".join(args)}: {done.returncode}: {done.stdout}')
    return done.stdout


def references():
    """On the module: one for each VM."""
    with open('/sys/module/vfw/refcnt', encoding='ascii') as file:
        return int(file.read())


TUNSETIFF, TUNSETVNETHDRSZ, TUNSETOFFLOAD = 0x400454ca, 0x400454d8, 0x400454d0
TAP, NO_PI, VNET_HDR = 2, 0x1000, 0x4000


def open_tap(name, flags=0):
    """A tap that lives as long as its file."""
    fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', name.encode(), TAP | NO_PI | flags))
    return fd


def ip(command):
    """ip(8)."""
    subprocess.run(['ip', *command.split()], check=True)


def quiet():
    """No packets but ours, and a bridge that does not look into them."""
    for path in glob.glob('/proc/sys/net/bridge/bridge-nf-call-*'):
        with open(path, 'w', encoding='ascii') as file:
            file.write('0')
    for conf in 'all', 'default':
        with open(f'/proc/sys/net/ipv6/conf/{conf}/disable_ipv6', 'w', encoding='ascii') as file:
            file.write('1')


# Batches.

class Run:
    """
    Batches, one after the other. The subclass has a kind, and:
        program(rng)    the steps of a batch, to be written as JSON; bytes in it as hexadecimal
        execute(steps)  does them, and returns how many inputs these were; raises if one is bad
        finish()        puts all away; then the module can be unloaded
    """
    kind = None

    def __init__(self, seed):
        self.seed = seed
        self.inputs = 0
        self.path = os.path.join(WORK, f'{self.kind}.batch')

    def rng(self, number):
        """Chance, for a batch."""
        return random.Random(f'{self.kind}/{self.seed}/{number}')

    def save(self, number, steps):
        """Put a program on the disk before it is begun."""
        with open(self.path, 'w', encoding='ascii') as file:
            json.dump({'kind': self.kind, 'seed': self.seed, 'batch': number}, file)
            file.write('\n')
            for step in steps:
                file.write(json.dumps(step) + '\n')
            file.flush()
            os.fsync(file.fileno())

    def batch(self, number):
        """One batch."""
        steps = self.program(self.rng(number))
        self.save(number, steps)
        self.inputs += self.execute(steps)

    def run(self, seconds):
        """Batches for so long."""
        number, begin = 0, time.monotonic()
        while time.monotonic() - begin < seconds:
            self.batch(number)
            number += 1
        taken = time.monotonic() - begin
        print(f'{self.kind}: seed {self.seed}: {self.inputs} inputs in {number} batches, '
              f'{self.inputs / taken:.0f} a second')

    def replay(self, path):
        """The batch that is in a file."""
        with open(path, encoding='ascii') as file:
            lines = [json.loads(line) for line in file]
        print(f'{self.kind}: replaying {len(lines) - 1} steps, batch {lines[0]["batch"]} of seed '
              f'{lines[0]["seed"]}')
        self.inputs += self.execute(lines[1:])

    def main(self, argv):
        """SECONDS SEED, or "replay" FILE; exits with 1 after a failure."""
        try:
            if argv[1] == 'replay':
                self.replay(argv[2])
            else:
                self.run(float(argv[1]))
            self.finish()
            expect(references(), 0, 'references on the module at the end')
            subprocess.run(['rmmod', 'vfw'], check=True)
        except (Failure, OSError, subprocess.CalledProcessError) as failure:
            print(f'{self.kind}: FAILED: {failure}')
            sys.exit(1)
        if argv[1] != 'replay':
            os.unlink(self.path)
        print(f'{self.kind}: {self.inputs} good')
