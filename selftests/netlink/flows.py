# SPDX-License-Identifier: GPL-2.0
"""
Flows: what flow-get and flow-del find, and what stats-get counts.

    vfw-h: the host, 10.9.0.1 fd09::1       vfw-g: the VM, 10.9.0.2 fd09::2
      v0 ---------------------- veth ---------- v1
"""

import ipaddress
import os
import socket
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'engine'))
# pylint: disable=wrong-import-position
import packets as p  # noqa: E402
from vfwtest import Answer, Client, Namespace, Tap, eventually, same  # noqa: E402

tap = Tap()
HOST, VM = '10.9.0.1', '10.9.0.2'
HOST6, VM6 = 'fd09::1', 'fd09::2'
UDP_OUT, UDP_IN, UDP6 = 400, 20, 30  # how many flows of each kind
UDP, TCP = 17, 6


def packed(address):
    """An address as it stands in an attribute."""
    return ipaddress.ip_address(address).packed


def bound(family, address, port, kind=socket.SOCK_DGRAM):
    """A socket bound to an address of the present namespace."""
    sock = socket.socket(family, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    return sock


class Traffic:
    """The topology, with flows of known addresses and ports, all of them live."""
    def __enter__(self):
        self.host = Namespace('vfw-h').__enter__()
        self.guest = Namespace('vfw-g').__enter__()
        self.host.ip('link add v0 type veth peer name v1 netns vfw-g')
        for where, dev, addr, addr6 in ((self.host, 'v0', HOST, HOST6),
                                        (self.guest, 'v1', VM, VM6)):
            where.ip(f'addr add {addr}/24 dev {dev}')
            where.ip(f'addr add {addr6}/64 dev {dev} nodad')
            where.ip(f'link set {dev} up')
        self.nl = self.host.client()
        self.vm = self.nl.new_vm()
        self.nl.well('port-new', {'vm': self.vm, 'name': 'v0'})
        self.nl.pass_all(self.vm)
        self.flows = []
        self.open_udp()
        self.open_tcp()
        eventually(lambda: self.count() == UDP_OUT + UDP_IN + UDP6 + 1, 'all flows open')
        return self

    def __exit__(self, *_):
        for sock in self.flows:
            sock.close()
        self.nl.ask('vm-del', {'uuid': self.vm})
        self.nl.close()
        self.guest.__exit__()
        self.host.__exit__()

    def open_udp(self):
        """Datagrams to ports that are never answered by more than an error."""
        for where, family, source, target, local, remote in (
                (self.guest, socket.AF_INET, VM, HOST, 5000, range(1000, 1000 + UDP_OUT)),
                (self.host, socket.AF_INET, HOST, VM, 6000, range(2000, 2000 + UDP_IN)),
                (self.guest, socket.AF_INET6, VM6, HOST6, 5000, range(3000, 3000 + UDP6))):
            with where.inside(), bound(family, source, local) as sock:
                self.reach(sock, target, remote[0])
                for port in remote[1:]:
                    sock.sendto(b'12345678', (target, port))

    def reach(self, sock, target, port):
        """Send until a flow is open: the link and the address may take their time."""
        before = self.count()

        def opened():
            sock.sendto(b'12345678', (target, port))
            return self.count() > before
        eventually(opened, f'{target} reached')

    def open_tcp(self):
        """A connection that the VM opened, and that said something each way."""
        with self.host.inside():
            listener = bound(socket.AF_INET, HOST, 80, socket.SOCK_STREAM)
        listener.listen()
        with self.guest.inside():
            local = bound(socket.AF_INET, VM, 7000, socket.SOCK_STREAM)
        local.connect((HOST, 80))
        remote = listener.accept()[0]
        local.sendall(bytes(100))
        same(len(remote.recv(1000)), 100)
        remote.sendall(bytes(50))
        same(len(local.recv(1000)), 50)
        self.flows += [listener, local, remote]

    def count(self):
        """How many flows there are, by the VM's own count."""
        return self.nl.well('vm-get', {'uuid': self.vm})['flows']

    def find(self, dump=True, **attrs):
        """flow-get with a filter."""
        attrs = {name.replace('_', '-'): value for name, value in attrs.items()}
        return self.nl.well('flow-get', {'vm': self.vm, **attrs}, dump=dump)


def lists():
    """flow-get as a dump lists each flow once, whole and over many messages."""
    flows = t.find()
    keys = {(f['family'], f['protocol'], f['local'], f['remote'], f['local-port'],
             f['remote-port']) for f in flows}
    same((len(flows), len(keys)), (UDP_OUT + UDP_IN + UDP6 + 1,) * 2)
    same(sorted(f['remote-port'] for f in flows if f['local-port'] == 5000
                and f['family'] == 'ipv4'), list(range(1000, 1000 + UDP_OUT)))


def one_flow():
    """flow-get of one flow shows all there is to know of it."""
    flow = t.find(dump=False, protocol=UDP, local=packed(VM), remote_port=1007)
    age, expires = flow.pop('age'), flow.pop('expires')
    assert 0 <= age < 60000 and 0 < expires <= 120000, (age, expires)
    same(flow, {'family': 'ipv4', 'protocol': UDP, 'local': packed(VM), 'remote': packed(HOST),
                'local-port': 5000, 'remote-port': 1007, 'opened': 'out', 'state': 'new',
                'rule': 0, 'epoch': 1, 'in-packets': 0, 'in-bytes': 0, 'out-packets': 1,
                'out-bytes': 36})


def tcp_flow():
    """flow-get of a TCP connection shows both windows."""
    flow = t.find(dump=False, protocol=TCP)
    same((flow['state'], flow['opened'], flow['local-port'], flow['remote-port']),
         ('tcp-established', 'out', 7000, 80))
    for end, other in (('tcp-local', 'tcp-remote'), ('tcp-remote', 'tcp-local')):
        assert flow[end]['max-window'] > 1000 and flow[end]['scale'] <= 14, flow
        sent = (flow[other]['max-end'] - flow[other]['end']) & 0xffffffff
        assert sent < 1 << 31, flow
    assert flow['out-packets'] >= 3 and flow['in-packets'] >= 2, flow
    assert flow['out-bytes'] - flow['out-packets'] * 40 >= 100, flow


def filters():
    """Each filter finds what fits, and all that fits."""
    all_out, all6 = UDP_OUT + UDP6 + 1, UDP6
    for attrs, expected in (
            ({'family': 'any'}, UDP_OUT + UDP_IN + UDP6 + 1), ({'family': 'ipv6'}, all6),
            ({'family': 'ipv4'}, UDP_OUT + UDP_IN + 1), ({'protocol': TCP}, 1),
            ({'protocol': UDP}, UDP_OUT + UDP_IN + UDP6), ({'protocol': 0}, 0),
            ({'opened': 'in'}, UDP_IN), ({'opened': 'out'}, all_out),
            ({'state': 'tcp-established'}, 1), ({'state': 'new'}, UDP_OUT + UDP_IN + UDP6),
            ({'rule': 0}, UDP_OUT + UDP_IN + UDP6 + 1), ({'rule': 1}, 0),
            ({'local_port': 5000}, UDP_OUT + UDP6), ({'remote_port': 6000}, UDP_IN),
            ({'remote_port': 0}, 0), ({'local_port': 2003, 'remote_port': 6000}, 1),
            ({'local': packed(VM)}, UDP_OUT + UDP_IN + 1), ({'local': packed(HOST)}, 0),
            ({'remote': packed(HOST6)}, all6), ({'remote': packed('10.9.0.9')}, 0),
            ({'remote': packed('10.9.0.0'), 'remote_prefix': 30}, UDP_OUT + UDP_IN + 1),
            ({'remote': packed('10.9.0.2'), 'remote_prefix': 31}, 0),
            ({'remote': packed('0.0.0.0'), 'remote_prefix': 0}, UDP_OUT + UDP_IN + 1),
            ({'remote': bytes(16), 'remote_prefix': 0}, all6),
            ({'local': packed('fd09::'), 'local_prefix': 126}, all6),
            ({'local': packed('fd08::'), 'local_prefix': 15}, all6),
            ({'local': packed('fd08::'), 'local_prefix': 16}, 0)):
        same(len(t.find(**attrs)), expected, attrs)


def counters():
    """stats-get counts what the flows counted."""
    stats = t.nl.well('stats-get', {'vm': t.vm})
    flows = t.find()
    same((stats['flows'], stats['half-open']), (len(flows), 0))
    same(stats['flows-opened'] - stats['flows-ended'], len(flows))
    for name in ('in-packets', 'out-packets', 'in-bytes', 'out-bytes'):
        total = sum(flow[name] for flow in flows)
        assert stats[name] >= total > 0, (name, stats[name], total)
    same(t.nl.well('vm-get', {'uuid': t.vm})['half-open'], 0)


def deletes():
    """flow-del removes what fits and says how many; what was counted stays counted."""
    before = t.nl.well('stats-get', {'vm': t.vm})
    same(t.nl.well('flow-del', {'vm': t.vm, 'remote-port': 1399})['count'], 1)
    same(t.nl.well('flow-del', {'vm': t.vm, 'remote-port': 1399})['count'], 0)
    same(t.nl.well('flow-del', {'vm': t.vm, 'family': 'ipv6'})['count'], UDP6)
    same(t.find(family='ipv6'), [])
    same(t.count(), UDP_OUT + UDP_IN)
    after = t.nl.well('stats-get', {'vm': t.vm})
    same(after['flows-ended'], before['flows-ended'] + 1 + UDP6)
    for name in ('in-packets', 'out-packets', 'in-bytes', 'out-bytes', 'flows-opened'):
        assert after[name] >= before[name], name
    t.nl.refused('ENOENT', 'flow-get', {'vm': t.vm, 'family': 'ipv6'}, text='no flow fits')


def vm_goes():
    """A list of flows ends with an error when the VM is deleted meanwhile."""
    for again in (False, True):
        with Traffic() as own, own.host.client() as lister:
            lister.size = 8192
            request = lister.request('flow-get', {'vm': own.vm}, dump=True)
            answer = Answer()
            lister.sock.send(request)
            lister.receive(answer, 'flow-get', request)
            assert answer.replies, 'nothing in the first part'
            own.nl.well('vm-del', {'uuid': own.vm})
            if again:
                own.nl.well('vm-new', {'uuid': own.vm})
            while not lister.receive(answer, 'flow-get', request):
                pass
            same(answer.errno, 2, 'errno')
            assert answer.text, 'no text'


def flow_ends():
    """Flows that have expired are not shown."""
    with Traffic() as short:
        short.nl.pass_all(short.vm, timeouts={'udp-new': 1})
        with short.guest.inside(), bound(socket.AF_INET, VM, 5001) as sock:
            sock.sendto(b'', (HOST, 9))
        same(len(short.find(local_port=5001)), 1)
        eventually(lambda: not short.find(local_port=5001), 'expired')


# Tags, the outer one first: (ethertype, VLAN with its priority).
TAGS = ((), ((p.ETH_VLAN, 5),), ((p.ETH_VLAN, 6),), ((p.ETH_QINQ, 5),),
        ((p.ETH_QINQ, 5), (p.ETH_VLAN, 6)), ((0x9100, 4094), (0x9200, 1)))


def tagged(tags, payload, ethertype):
    """A frame of the VM."""
    for kind, tag in reversed(tags):
        payload, ethertype = p.vlan(payload, tag, ethertype), kind
    return p.ether(payload, '02:00:00:00:00:02', '02:00:00:00:00:01', ethertype)


def vlans():
    """The same addresses and ports in each VLAN are as many flows, and are told apart."""
    def sent(tags, count):
        """So many packets of either family, in VLANs."""
        with own.guest.packet_socket('v1') as sock:
            for i in range(count):
                priority = [(kind, tag | i % 8 << 13) for kind, tag in tags]
                sock.send(tagged(priority, p.ipv4(VM, HOST, p.UDP, p.udp(77, 88)), p.ETH_IP))
                sock.send(tagged(priority, p.ipv6(VM6, HOST6, p.UDP, p.udp(77, 88)), p.ETH_IPV6))

    with Traffic() as own:
        sent(TAGS[1], 1)
        same(own.find(local_port=77), [], 'flows of a port that is no trunk')
        same(own.nl.drops(own.vm)['vlan'], (0, 2))
        own.nl.well('port-set', {'name': 'v0', 'trunk': True})
        before = own.count()
        for number, tags in enumerate(TAGS):
            sent(tags, 10 + number)
        same((own.count() - before, own.nl.drops(own.vm)['vlan']), (2 * len(TAGS), (0, 2)))
        for number, tags in enumerate(TAGS):
            (kind, vlan), (inner_kind, inner) = (tags + ((0, 0), (0, 0)))[:2]
            found = own.find(local_port=77, vlan=vlan, vlan_inner=inner, vlan_type=kind,
                             vlan_inner_type=inner_kind)
            same([flow['out-packets'] for flow in found], [10 + number] * 2, tags)
            shown = {'vlan': vlan, 'vlan-type': kind, 'vlan-inner': inner,
                     'vlan-inner-type': inner_kind}
            for flow in found:
                same({name: flow.get(name, 0) for name in shown}, shown)
                same('vlan' in flow, bool(tags))
        for attrs, expected in (({'vlan': 5}, 6), ({'vlan': 5, 'vlan_inner': 0}, 4),
                                ({'vlan_inner': 6}, 2), ({'vlan': 0}, 2), ({'vlan': 7}, 0),
                                ({'vlan_type': 0x8100}, 4), ({'vlan_type': 0}, 2),
                                ({'vlan_type': 0x800}, 0), ({'vlan': 4094}, 2),
                                ({'vlan': 5, 'family': 'ipv6'}, 3)):
            same(len(own.find(local_port=77, **attrs)), expected, attrs)
        same(own.nl.well('flow-del', {'vm': own.vm, 'vlan': 5, 'vlan-type': 0x8100})['count'], 2)
        same(len(own.find(local_port=77)), 2 * len(TAGS) - 2)
        own.nl.refused('ERANGE', 'flow-get', {'vm': own.vm, 'vlan': 4095}, bad='vlan')
        # A tag of nothing but a priority names no VLAN.
        sent(((p.ETH_VLAN, 0),), 1)
        same([flow['out-packets'] for flow in own.find(local_port=77, vlan=0)], [11, 11])


with Traffic() as t:
    tap.run(lists, one_flow, tcp_flow, filters, counters, deletes)
tap.run(vm_goes, flow_ends, vlans)
with Client() as root:
    same(root.well('vm-get', dump=True), [], 'left over')
tap.end()
