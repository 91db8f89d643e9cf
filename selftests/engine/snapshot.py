# SPDX-License-Identifier: GPL-2.0
"""
Alters snapshots and makes their checksums right again, as somebody would who means harm.

    snapshot.py FROM TO STATEMENTS

The statements may change these: uuid, incarnation, version; and part(TYPE), the records of the
first frame of a type.
"""

import struct
import sys

FRAME = struct.Struct('<IHHIIII')
MAGIC = 0x53574656
HEADER, FLOWS4, FLOWS6, TAGGED, END = 1, 7, 8, 9, 10
REPLIED = 2


def crc32c(data, table=[]):  # pylint: disable=dangerous-default-value
    """CRC-32C (RFC 9260, appendix A)."""
    if not table:
        for i in range(256):
            for _ in range(8):
                i = i >> 1 ^ (0x82f63b78 if i & 1 else 0)
            table.append(i)
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xff]
    return crc ^ 0xffffffff


def frames(data):
    """(fields of the frame's header, its records)"""
    while data:
        fields = list(FRAME.unpack_from(data))
        yield fields, bytearray(data[FRAME.size:fields[3]])
        data = data[fields[3]:]


def assemble(parts):
    """A snapshot of frames: what they say of themselves and of each other is made right."""
    out, crcs, flows = b'', b'', {FLOWS4: 0, FLOWS6: 0, TAGGED: 0}
    for number, (fields, records) in enumerate(parts):
        if fields[1] in flows:
            flows[fields[1]] += fields[4]
        elif fields[1] == END:
            struct.pack_into('<I', records, 0, number + 1)
            struct.pack_into('<IIIIIQ', records, 12, *flows.values(), 0, crc32c(crcs),
                             len(out))
        fields[3], fields[5], fields[6] = FRAME.size + len(records), number, 0
        fields[6] = crc32c(FRAME.pack(*fields) + records)
        crcs += struct.pack('<I', fields[6])
        out += FRAME.pack(*fields) + records
    return out


def alter(data, statements):
    """The altered snapshot."""
    parts = list(frames(data))
    fields, records = parts[0]
    names = {'uuid': bytes(records[:16]), 'version': fields[2],
             'incarnation': struct.unpack_from('<Q', records, 16)[0],
             'part': lambda kind: next(part for fields, part in parts if fields[1] == kind)}
    exec(statements, {}, names)  # pylint: disable=exec-used
    records[:16] = names['uuid']
    struct.pack_into('<Q', records, 16, names['incarnation'])
    for fields, _ in parts:
        fields[2] = names['version']
    return assemble(parts)


def flow4(local_port, remote, remote_port):
    """A UDP flow of the VM 10.0.0.2, opened by the far end under rule 1."""
    counts = (remote_port, remote_port * 100, 1, 50)
    return (struct.pack('<4QIII', *counts, 100000 + remote_port, 60, 1) +
            struct.pack('>HH', local_port, remote_port) +
            struct.pack('<BBBB', 17, REPLIED, 0, 0) + bytes(28) + bytes((10, 0, 0, 2)) + remote)


def with_flows(data, count):
    """A snapshot with many other flows, and how many."""
    parts = [part for part in frames(data) if part[0][1] not in (FLOWS4, FLOWS6, TAGGED)]
    records = [flow4(7, bytes((10, 1, i >> 24 & 0xff, i >> 16 & 0xff)), i & 0xffff)
               for i in range(count)]
    version = parts[0][0][2]
    for i in range(0, count, 370):
        part = b''.join(records[i:i + 370])
        parts.insert(-1, ([MAGIC, FLOWS4, version, 0, len(records[i:i + 370]), 0, 0],
                          bytearray(part)))
    return assemble(parts)


def flow_records(data):
    """All records of IPv4 flows, sorted, without when they expire and how old they are."""
    records = []
    for fields, part in frames(data):
        if fields[1] == FLOWS4:
            records += [bytes(part[i:i + 32] + part[i + 40:i + 88])
                        for i in range(0, len(part), 88)]
    return sorted(records)


def main():
    """From one file to another."""
    source, target, statements = sys.argv[1:]
    with open(source, 'rb') as file:
        data = file.read()
    with open(target, 'wb') as file:
        file.write(alter(data, statements))


if __name__ == '__main__':
    main()
