# SPDX-License-Identifier: GPL-2.0
"""
Packets, made by hand: each layer a function from fields and payload to bytes. Lengths and
checksums are right unless they are given.
"""

import functools
import socket
import struct

ETH_IP, ETH_IPV6, ETH_ARP, ETH_RARP, ETH_VLAN, ETH_QINQ = 0x800, 0x86dd, 0x806, 0x8035, 0x8100, 0x88a8
HOP, ICMP, TCP, UDP, ROUTING, FRAGMENT, GRE, ESP, AH, ICMP6, NO_NEXT, DEST = (
    0, 1, 6, 17, 43, 44, 47, 50, 51, 58, 59, 60)
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << i for i in range(8))

NOP, EOL = b'\x01', b'\x00'
SACK_PERMITTED = b'\x04\x02'


def mss(size):
    """The TCP option."""
    return struct.pack('!BBH', 2, 4, size)


def window_scale(shift):
    """The TCP option."""
    return struct.pack('!BBB', 3, 3, shift)


def sack(*blocks):
    """The TCP option, of pairs of edges."""
    edges = b''.join(struct.pack('!II', *block) for block in blocks)
    return struct.pack('!BB', 5, 2 + len(edges)) + edges


@functools.lru_cache
def mac(text):
    """A hardware address as bytes."""
    return bytes(int(part, 16) for part in text.split(':'))


@functools.lru_cache
def address(text):
    """An IP address of either family as bytes."""
    return socket.inet_pton(socket.AF_INET6 if ':' in text else socket.AF_INET, text)


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _fill(data, offset, value):
    return data[:offset] + struct.pack('!H', value) + data[offset + 2:]


def transport_checksum(src, dst, protocol, data):
    """The packet's payload with its checksum filled in, where the protocol has one."""
    offset = {TCP: 16, UDP: 6, ICMP: 2, ICMP6: 2}.get(protocol)
    if offset is None or len(data) < offset + 2:
        return data
    data = _fill(data, offset, 0)
    if protocol == ICMP:
        pseudo = b''
    elif ':' in src:
        pseudo = address(src) + address(dst) + struct.pack('!II', len(data), protocol)
    else:
        pseudo = address(src) + address(dst) + struct.pack('!HH', protocol, len(data))
    value = checksum(pseudo + data)
    return _fill(data, offset, value or (0xffff if protocol == UDP else 0))


def ether(payload, src, dst, ethertype=None, pad=0):
    """A frame; the type of an IP packet is found from its version."""
    if ethertype is None:
        ethertype = ETH_IPV6 if payload[0] >> 4 == 6 else ETH_IP
    return (mac(dst) + mac(src) + struct.pack('!H', ethertype) + payload).ljust(pad, b'\0')


def vlan(payload, tag=5, ethertype=ETH_IP):
    """What follows ETH_VLAN or ETH_QINQ in a frame."""
    return struct.pack('!HH', tag, ethertype) + payload


def ipv4(src, dst, protocol, payload=b'', *, version=4, ihl=None, total=None, frag=0, ttl=64,
         options=b'', ident=0x1234, cut=False):
    """An IPv4 packet. What is cut from a longer one has its checksum already."""
    if not cut:
        payload = transport_checksum(src, dst, protocol, payload)
    options += b'\0' * (-len(options) % 4)
    words = 5 + len(options) // 4
    header = struct.pack('!BBHHHBBH', version << 4 | (words if ihl is None else ihl), 0,
                         words * 4 + len(payload) if total is None else total,
                         ident, frag, ttl, protocol, 0) + address(src) + address(dst) + options
    return _fill(header, 10, checksum(header)) + payload


def ipv6(src, dst, protocol, payload=b'', *, version=6, length=None, hop=64, chain=(), cut=False):
    """
    An IPv6 packet. A chain is of pairs (type of an extension header, its bytes but for the
    first, which is filled in).
    """
    if not cut:
        payload = transport_checksum(src, dst, protocol, payload)
    for kind, rest in reversed(chain):
        payload = bytes([protocol]) + rest + payload
        protocol = kind
    return struct.pack('!IHBB', version << 28,
                       len(payload) if length is None else length, protocol,
                       hop) + address(src) + address(dst) + payload


def ip(src, dst, protocol, payload=b'', **more):
    """A packet of the addresses' family."""
    return (ipv6 if ':' in src else ipv4)(src, dst, protocol, payload, **more)


def options_header(size=8):
    """For ipv6(chain=...): a header of options, all padding."""
    fill = b''
    left = size - 2
    while left:
        part = min(left, 250)
        if left - part == 1:
            part -= 1
        fill += b'\0' if part == 1 else struct.pack('!BB', 1, part - 2) + bytes(part - 2)
        left -= part
    return struct.pack('!B', size // 8 - 1) + fill


def fragment_header(offset=0, more=False, ident=77):
    """For ipv6(chain=...)."""
    return struct.pack('!BHI', 0, offset << 3 | more, ident)


def fragment(src, dst, protocol, datagram, ident, offset, length, more=None):
    """
    A fragment of a datagram, which begins with its transport header: @length bytes of it from
    @offset on, the last one if they are the last bytes and nobody says otherwise.
    """
    if more is None:
        more = offset + length < len(datagram)
    part = datagram[offset:offset + length].ljust(length, b'?')
    if ':' in src:
        chain = ((FRAGMENT, fragment_header(offset // 8, more, ident)),)
        return ipv6(src, dst, protocol, part, chain=chain, cut=True)
    return ipv4(src, dst, protocol, part, frag=offset // 8 | more << 13, ident=ident & 0xffff,
                cut=True)


def tcp(sport, dport, flags, seq=1000, ack=0, *, window=64000, options=b'', payload=b'',
        words=None):
    """A TCP segment."""
    options += b'\0' * (-len(options) % 4)
    if words is None:
        words = 5 + len(options) // 4
    return struct.pack('!HHIIBBHHH', sport, dport, seq & 0xffffffff,
                       ack & 0xffffffff if flags & ACK else 0,
                       words << 4, flags, window, 0, 0) + options + payload


def udp(sport, dport, payload=b'', *, length=None):
    """A UDP datagram."""
    return struct.pack('!HHHH', sport, dport, 8 + len(payload) if length is None else length,
                       0) + payload


def icmp(kind, code=0, rest=b'\0\0\0\0', payload=b''):
    """A message of either ICMP: the four bytes of its header that depend, and what follows."""
    return struct.pack('!BBH', kind, code, 0) + rest + payload


def echo(kind, ident, sequence=1, payload=b'x' * 16):
    """An echo of either ICMP."""
    return icmp(kind, 0, struct.pack('!HH', ident, sequence), payload)


(DATA, INIT, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, SHUTDOWN, SHUTDOWN_ACK, ERROR,
 COOKIE_ECHO, COOKIE_ACK) = range(12)
SHUTDOWN_COMPLETE = 14


def chunk(kind, payload=b'', flags=0):
    """A chunk of SCTP, padded."""
    data = struct.pack('!BBH', kind, flags, 4 + len(payload)) + payload
    return data + b'\0' * (-len(data) % 4)


def init(tag, kind=INIT):
    """An INIT or INIT ACK that offers a tag."""
    return chunk(kind, struct.pack('!IIHHI', tag, 65536, 10, 10, 1))


def crc32c(data):
    """The checksum of SCTP (RFC 9260, appendix A)."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def sctp(sport, dport, tag=0, chunks=None):
    """An SCTP packet, an INIT when nothing else is said."""
    chunks = init(1) if chunks is None else chunks
    head = struct.pack('!HHI', sport, dport, tag)
    return head + struct.pack('<I', crc32c(head + bytes(4) + chunks)) + chunks


def dccp(sport, dport, kind=0):
    """A DCCP packet: a Request, or another type."""
    rest = bytes(4) if kind == 0 else bytes(8)
    return struct.pack('!HHBBHBBHI', sport, dport, (16 + len(rest)) // 4, 0, 0, kind << 1 | 1, 0, 0,
                       1) + rest


def udplite(sport, dport, payload=b''):
    """A datagram of UDP-Lite, covered by its checksum as a whole."""
    return struct.pack('!HHHH', sport, dport, 0, 0) + payload


def arp(operation, src_mac, src, dst_mac, dst, *, hardware=1, protocol=ETH_IP, sizes=(6, 4)):
    """An ARP packet, and of RARP."""
    return (struct.pack('!HHBBH', hardware, protocol, *sizes, operation) + mac(src_mac) +
            address(src) + mac(dst_mac) + address(dst))


def neighbour_solicitation(target, source_mac, code=0):
    """The ICMPv6 message."""
    return icmp(135, code, payload=address(target) + b'\x01\x01' + mac(source_mac))


def neighbour_advertisement(target, target_mac, flags=0x20):
    """The ICMPv6 message."""
    return icmp(136, 0, bytes([flags, 0, 0, 0]),
                address(target) + b'\x02\x01' + mac(target_mac))
