# SPDX-License-Identifier: GPL-2.0
"""
What the netlink tests have in common: the kernel's own netlink client (YNL), which knows the
specification and nothing of vfw-nl; requests that no decent client sends; namespaces; and the
Test Anything Protocol.

The environment names the client's directory in YNL.
"""

import ctypes
import errno
import fcntl
import os
import queue
import re
import socket
import struct
import subprocess
import sys
import time
import traceback
import uuid

sys.path.append(os.environ['YNL'])
# pylint: disable=wrong-import-position, import-error
from lib import YnlFamily, NlError, Netlink  # noqa: E402
from lib.ynl import NlMsgs, NlAttrs  # noqa: E402

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
SPEC = os.path.join(TOP, 'Documentation/netlink/specs/vfw.yaml')

KERNEL = tuple(int(part) for part in re.findall(r'\d+', os.uname().release)[:2])
NLM_F_DUMP_INTR = 0x10
CLONE_NEWNET = 0x40000000
HEADERS = 20  # struct nlmsghdr and struct genlmsghdr

libc = ctypes.CDLL(None, use_errno=True)


# The Test Anything Protocol.

class Tap:
    """Counts and prints cases."""
    def __init__(self):
        self.count = 0
        self.failed = 0

    def result(self, good, name, detail=''):
        """One case has ended."""
        self.count += 1
        if not good:
            self.failed += 1
        print(f"{'ok' if good else 'not ok'} {self.count} {name}")
        if not good and detail:
            print('\n'.join(f'# {line}' for line in str(detail).splitlines()))
        sys.stdout.flush()

    def run(self, *cases):
        """Run functions, each of which raises if its case fails; their first line names them."""
        for case in cases:
            name = case.__doc__.strip().splitlines()[0].rstrip('.')
            try:
                case()
            except Skip as why:
                self.result(True, f'{name} # SKIP {why}')
            except Exception as why:  # pylint: disable=broad-exception-caught
                # What was wrong comes first: a summary may show the first lines only.
                self.result(False, name, f'{type(why).__name__}: {why}\n{traceback.format_exc()}')
            else:
                self.result(True, name)

    def end(self):
        """Print the plan, and end with the verdict."""
        print(f'1..{self.count}')
        sys.exit(1 if self.failed else 0)


class Skip(Exception):
    """A case cannot be tried here."""


def same(got, expected, what='value'):
    """Assert with both sides shown."""
    if got != expected:
        raise AssertionError(f'{what}: {difference(got, expected)}')


def difference(got, expected):
    """What is other in long lists, else both."""
    if isinstance(got, list) and isinstance(expected, list) and len(got) == len(expected) > 1:
        return '; '.join(f'[{at}] {difference(*both)}' for at, both in
                         enumerate(zip(got, expected)) if both[0] != both[1])
    return f'got {got!r}, expected {expected!r}'


def eventually(condition, what, seconds=10):
    """Wait until the condition holds; returns what it returned."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f'{what}: not within {seconds} s')
        time.sleep(0.02)


# Namespaces.

class Namespace:
    """A network namespace, to be used with "with"; gone with all its netdevs afterwards."""
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.__exit__()  # what a case that failed has left
        subprocess.run(['ip', 'netns', 'add', self.name], check=True)
        self.ip('link set lo up')
        return self

    def __exit__(self, *_):
        subprocess.run(['ip', 'netns', 'del', self.name], check=False,
                       stderr=subprocess.DEVNULL)

    def inside(self):
        """A context in which sockets and files are opened in this namespace."""
        return Inside(f'/run/netns/{self.name}')

    def ip(self, command, check=True):
        """Run ip(8) here; returns its exit status and what it said."""
        done = subprocess.run(['ip', '-n', self.name] + command.split(), check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if check and done.returncode:
            raise AssertionError(f'ip {command}: {done.stdout}')
        return done.returncode, done.stdout

    def client(self):
        """A netlink client here."""
        with self.inside():
            return Client()

    def packet_socket(self, ifname):
        """A packet socket on a netdev here."""
        with self.inside():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        sock.bind((ifname, 0))
        return sock


class Inside:
    """The present thread in another network namespace."""
    def __init__(self, path):
        self.path = path
        self.home = None

    def __enter__(self):
        self.home = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
        with open(self.path, 'rb') as there:
            setns(there.fileno())

    def __exit__(self, *_):
        setns(self.home)
        os.close(self.home)


def setns(fd):
    """setns(2)."""
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'setns')


# Netdevs that are made by the thread itself, without a process.

IFF_TUN, IFF_TAP, IFF_NO_PI = 1, 2, 0x1000
TUNSETIFF = 0x400454ca
SIOCSIFNAME = 0x8923


def open_tap(name, flags=IFF_TAP):
    """A tap (or tun) netdev that lives as long as the file that is returned."""
    fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', name.encode(), flags | IFF_NO_PI))
    except OSError:
        os.close(fd)
        raise
    return fd


def rename(old, new):
    """Rename a netdev of the present namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFNAME, struct.pack('16s16s8x', old.encode(), new.encode()))


# Requests.

class Answer:
    """How a request ended: an errno (0: well), the replies, and what the refusal said."""
    def __init__(self):
        self.errno = 0
        self.replies = []
        self.text = ''
        self.bad = None
        self.missing = None
        self.interrupted = False

    def __repr__(self):
        return (f'{errno.errorcode.get(self.errno, self.errno)} "{self.text}" '
                f'bad={self.bad} missing={self.missing} replies={self.replies}')


def attr(number, payload=b'', nested=False):
    """An attribute as it stands in a message."""
    number |= Netlink.NLA_F_NESTED if nested else 0
    return struct.pack('HH', len(payload) + 4, number) + payload + bytes(-len(payload) % 4)


def u32(value):
    """A number as it stands in an attribute."""
    return struct.pack('I', value)


class Client(YnlFamily):
    """The kernel's client, with requests that it would not make, and answers to assert on."""
    prototype = None

    def __init__(self, recv_size=1 << 17):
        # The specification is read once: on a debug kernel that takes seconds.
        if not Client.prototype:
            super().__init__(SPEC, schema='')
            Client.prototype = dict(self.__dict__)
        else:
            self.__dict__.update(Client.prototype)
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, Netlink.NETLINK_GENERIC)
            for option in (Netlink.NETLINK_CAP_ACK, Netlink.NETLINK_EXT_ACK,
                           Netlink.NETLINK_GET_STRICT_CHK):
                self.sock.setsockopt(Netlink.SOL_NETLINK, option, 1)
            self.async_msg_queue = queue.Queue()
        self.size = recv_size
        self.seq = 100000

    def request(self, op, attrs=None, raw=b'', dump=False, flags=0):
        """The bytes of a request: what the client makes of attrs, then raw."""
        self.seq += 1
        flags |= Netlink.NLM_F_DUMP if dump else 0
        message = self._encode_message(self.ops[op], attrs or {}, [flags], self.seq)
        return struct.pack('I', len(message) + len(raw)) + message[4:] + raw

    def receive(self, answer, op, request):
        """Take one datagram; true when the answer is complete."""
        for msg in NlMsgs(self.sock.recv(self.size)):
            answer.interrupted |= bool(msg.nl_flags & NLM_F_DUMP_INTR)
            if msg.done:
                answer.errno = -msg.error
                self._explain(answer, msg.extack or {}, op, request)
                return True
            if msg.nl_seq == self.seq:
                attrs = self.nlproto.decode(self, msg, self.ops[op]).raw_attrs
                answer.replies.append(self._decode(attrs, self.ops[op].attr_set.name))
        return False

    def _explain(self, answer, extack, op, request):
        answer.text = extack.get('msg', '')
        answer.missing = extack.get('miss-type')
        names = self.ops[op].attr_set.attrs_by_val
        if answer.missing in names:
            answer.missing = names[answer.missing].name
        if 'bad-attr-offs' in extack:
            answer.bad = self._name_at(request, HEADERS, extack['bad-attr-offs'],
                                       self.ops[op].attr_set)

    def _name_at(self, request, start, offset, space):
        """The name, or number, of the attribute at an offset; with those it is nested in."""
        while start + 4 <= len(request):
            length, kind = struct.unpack_from('HH', request, start)
            spec = space.attrs_by_val.get(kind & ~Netlink.NLA_TYPE_MASK) if space else None
            name = spec.name if spec else str(kind & ~Netlink.NLA_TYPE_MASK)
            if start == offset:
                return name
            if start < offset < start + length:
                inner = self.attr_sets[spec['nested-attributes']] if spec else None
                return f'{name}.{self._name_at(request, start + 4, offset, inner)}'
            start += (length + 3) & ~3
        return f'+{offset}'

    def ask(self, op, attrs=None, raw=b'', dump=False, flags=0):
        """Send a request and take its whole answer, whatever it is."""
        request = self.request(op, attrs, raw, dump, flags)
        answer = Answer()
        self.sock.send(request)
        while not self.receive(answer, op, request):
            pass
        return answer

    def well(self, op, attrs=None, **kwargs):
        """A request that must succeed; returns its reply, or all of them."""
        answer = self.ask(op, attrs, **kwargs)
        if answer.errno:
            raise AssertionError(f'{op} {attrs}: {answer}')
        if kwargs.get('dump'):
            return answer.replies
        return answer.replies[0] if answer.replies else None

    def refused(self, error, op, attrs=None, bad=None, missing=None, text='', **kwargs):
        """A request that must be refused, in just this way; a refusal always has a text."""
        answer = self.ask(op, attrs, **kwargs)
        # Older kernels say at the end of a dump why, but not which attribute is to blame.
        if kwargs.get('dump') and KERNEL < (6, 12) and not answer.bad and not answer.missing:
            bad = missing = None
        got = (errno.errorcode.get(answer.errno, 0), answer.bad, answer.missing)
        if got != (error, bad, missing) or not answer.text or text not in answer.text:
            raise AssertionError(f'{op} {attrs}: {answer}, expected {error} "{text}" '
                                 f'bad={bad} missing={missing}')

    def events(self):
        """Events that have come since the last call: pairs of name and attributes."""
        self.check_ntf()
        events = []
        while not self.async_msg_queue.empty():
            event = self.async_msg_queue.get()
            events.append((event['name'], event['msg']))
        return events

    # Shorthand for what nearly every case needs.

    def new_vm(self, **attrs):
        """Declare a VM with a random UUID; returns the UUID's bytes."""
        name = uuid.uuid4().bytes
        self.well('vm-new', {'uuid': name, **attrs})
        return name

    def pass_all(self, vm, **attrs):
        """Load a policy without rules that passes everything."""
        begun = self.well('policy-begin', {'vm': vm, 'default-in': 'pass',
                                           'default-out': 'pass', **attrs})
        self.well('policy-commit', {'transaction': begun['transaction']})

    def drops(self, vm):
        """Drops of a VM: {reason: (in, out)}."""
        stats = self.well('stats-get', {'vm': vm})
        return {drop['reason']: (drop['in-packets'], drop['out-packets'])
                for drop in stats.get('drop', [])}

    def port_state(self, name):
        """State of a port."""
        return self.well('port-get', {'name': name})['state']


def refcount():
    """References on the module: one for each VM there is anywhere."""
    with open('/sys/module/vfw/refcnt', encoding='ascii') as file:
        return int(file.read())


__all__ = [name for name in dir() if not name.startswith('_')]
