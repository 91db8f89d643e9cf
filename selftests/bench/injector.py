# SPDX-License-Identifier: GPL-2.0
"""vfw_bench.ko in Python: netdevs of the kind vfwbench, frames, records, runs.

    inj = Injector()
    inj.templates([frame, Template(frame, tcp_times=54)])
    inj.records(array_of_bytes)          # made with record(), packed one after the other
    result = inj.run(0, inj.count)       # .ns .packets .sent_packets .ns_per_packet
"""

import array
import fcntl
import os
import socket
import struct

from core import BenchError, sh

TEMPLATE = struct.Struct('=HH')
RECORD = struct.Struct('=HH4s4s2s2sIIHHI')
RECORD_NUMBERS = struct.Struct('=HHIIHHIIHHI')   # the same; addresses and ports already swapped
LOAD = struct.Struct('=QII')
RUN = struct.Struct('=IIIIIIQQQQQQQ')
PACED = struct.Struct('=IIQQQQQ')
BATCH = 64
TIME_EACH = 1


def _ioctl(direction, number, size):
    return direction << 30 | size << 16 | ord('v') << 8 | number


TEMPLATES = _ioctl(1, 1, LOAD.size)
RECORDS = _ioctl(1, 2, LOAD.size)
RUN_IOCTL = _ioctl(3, 3, RUN.size)
PACED_START = _ioctl(1, 4, PACED.size)
PACED_STOP = _ioctl(2, 5, PACED.size)


def mac(text):
    """A MAC address in bytes."""
    return bytes.fromhex(text.replace(':', ''))


def checksum(data):
    """The internet's checksum."""
    data += b'\0' * (len(data) & 1)
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def ether(packet, src, dst):
    """A frame around an IP packet: source and destination are MAC addresses in text."""
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86dd
    return mac(dst) + mac(src) + struct.pack('!H', kind) + packet


def ip(src, dst, protocol, payload):
    """An IPv4 or IPv6 packet, by what the addresses look like."""
    if ':' in src:
        return struct.pack('!IHBB', 6 << 28, len(payload), protocol, 64) + \
            socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + \
            payload
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0,
                       socket.inet_aton(src), socket.inet_aton(dst))
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + payload


def udp(sport, dport, payload=b''):
    """A UDP datagram, without checksum: the injector's netdevs say that they verified it."""
    return struct.pack('!HHHH', sport, dport, 8 + len(payload), 0) + payload


FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def tcp(sport, dport, flags, options=b'', payload=b'', window=502):
    """A TCP segment, without checksum and with sequence numbers 0: records have those."""
    words = 5 + len(options) // 4
    return struct.pack('!HHIIBBHHH', sport, dport, 0, 0, words << 4, flags, window, 0, 0) + \
        options + payload


class Template:
    """A frame, and where its TCP timestamps option has TSval (0: nowhere)."""
    def __init__(self, frame, tcp_times=0):
        self.frame = frame.ljust(60, b'\0')   # what is shorter is padded by NICs
        self.tcp_times = tcp_times


def record(template, dev, saddr=b'\0\0\0\0', daddr=b'\0\0\0\0', sport=0, dport=0,
           seq=0, ack=0, seq_step=0, ack_step=0):
    """One packet. Addresses are 4 bytes; zero leaves what the template has."""
    return RECORD.pack(template, dev, saddr, daddr, struct.pack('!H', sport),
                       struct.pack('!H', dport), seq & 0xffffffff, ack & 0xffffffff,
                       seq_step, ack_step, 0)


def dev_port(name):
    """The number by which records name a netdev."""
    with open(f'/sys/class/net/{name}/dev_port', encoding='ascii') as file:
        return int(file.read())


def tx_packets(name):
    """Packets that came out at a netdev, so far."""
    with open(f'/sys/class/net/{name}/statistics/tx_packets', encoding='ascii') as file:
        return int(file.read())


class Result:
    """What a run took. times: ns of each batch of 64 packets (of each packet with each=True);
    gauges: of each, how long a fixed piece of arithmetic took before it."""
    quiet = float('inf')   # the shortest gauge of all

    def __init__(self, fields, times, gauges, count, each):
        (_, _, _, _, _, _, _, _, self.ns, self.packets, self.max_ns, self.sent_packets,
         self.sent_bytes) = fields
        self.times, self.gauges = times, gauges
        self.ns_per_packet = self.ns / self.packets
        self._count, self._each = count, each
        Result.quiet = min(Result.quiet, *gauges) if gauges else Result.quiet

    def batch_costs(self):
        """ns a packet of each batch, in order."""
        if self._each:
            return list(self.times)
        costs = []
        for number, ns in enumerate(self.times):
            at = number % -(-self._count // BATCH) * BATCH
            costs.append(ns / min(BATCH, self._count - at))
        return costs

    def clean(self):
        """Of each batch, was the CPU all ours? By the gauges before it and before the next one.

        Virtual CPUs often are hardware threads of one core: while the other one works, everything
        takes almost twice as long. The gauge knows nothing of packets, so that what is left out
        favours no side.
        """
        good = [gauge <= self.quiet * 1.15 for gauge in self.gauges]
        return [a and b for a, b in zip(good, good[1:] + good[-1:])]

    def clean_costs(self):
        """ns a packet of the batches that had the CPU for themselves."""
        return [cost for cost, clean in zip(self.batch_costs(), self.clean()) if clean]


class Injector:
    """The device, of which there is one."""
    def __init__(self, module=None):
        if module and not os.path.exists('/sys/module/vfw_bench'):
            sh(['insmod', module])
        self.fd = os.open('/dev/vfw_bench', os.O_RDWR | os.O_CLOEXEC)
        self.count = 0

    def close(self):
        """Stop what runs, forget what was loaded."""
        os.close(self.fd)

    def _load(self, request, data, count):
        buffer = array.array('B', data)
        address, _ = buffer.buffer_info()
        fcntl.ioctl(self.fd, request, LOAD.pack(address, len(buffer), count))

    def templates(self, frames):
        """Load frames (bytes or Template); records are gone then."""
        data = bytearray()
        for frame in frames:
            one = frame if isinstance(frame, Template) else Template(frame)
            data += TEMPLATE.pack(len(one.frame), one.tcp_times) + one.frame
            data += b'\0' * (-len(data) % 4)
        self._load(TEMPLATES, data, len(frames))
        self.count = 0

    def records(self, data):
        """Load packed records (or a list of them); they take the place of those before."""
        if not isinstance(data, (bytes, bytearray)):
            data = b''.join(data)
        self.count = len(data) // RECORD.size
        self._load(RECORDS, data, self.count)

    def run(self, first=0, count=None, *, passes=1, number=0, each=False, times=True):
        """Inject records first .. first + count, `passes` times, beginning with pass `number`."""
        count = self.count - first if count is None else count
        room = 0
        if times:
            room = passes * (count if each else -(-count // BATCH))
        buffer = array.array('I', bytes(4 * room))
        gauges = array.array('I', bytes(4 * room))
        addresses = [x.buffer_info()[0] if room else 0 for x in (buffer, gauges)]
        args = bytearray(RUN.pack(first, count, number, passes, TIME_EACH if each else 0, room,
                                  *addresses, 0, 0, 0, 0, 0))
        fcntl.ioctl(self.fd, RUN_IOCTL, args)
        return Result(RUN.unpack(args), buffer, gauges, count, each)

    def paced_start(self, interval_ns, first=0, count=None):
        """Inject a packet each interval, from a timer's interrupt, until paced_stop()."""
        count = self.count - first if count is None else count
        fcntl.ioctl(self.fd, PACED_START, PACED.pack(first, count, interval_ns, 0, 0, 0, 0))

    def paced_stop(self):
        """{'packets', 'max_ns', 'mean_ns', 'sent_packets'} of what was paced."""
        args = bytearray(PACED.size)
        fcntl.ioctl(self.fd, PACED_STOP, args)
        _, _, _, packets, max_ns, sum_ns, sent = PACED.unpack(args)
        return {'packets': packets, 'max_ns': max_ns, 'mean_ns': sum_ns / max(packets, 1),
                'sent_packets': sent}


def add_netdevs(names):
    """Netdevs of the injector, up, that say nothing by themselves."""
    sh(['ip', '-batch', '-'], input=''.join(f'link add {name} type vfwbench\n' for name in names))
    for name in names:
        be_silent(name)
    sh(['ip', '-batch', '-'], input=''.join(f'link set {name} up\n' for name in names))


def be_silent(name):
    """No IPv6 of a netdev's own, which would send packets unasked."""
    with open(f'/proc/sys/net/ipv6/conf/{name}/disable_ipv6', 'w', encoding='ascii') as file:
        file.write('1')


def check_record_size():
    """The record of Python is the record of C."""
    if RECORD.size != 32 or RECORD_NUMBERS.size != 32:
        raise BenchError('records are of 32 bytes')


check_record_size()
