# SPDX-License-Identifier: GPL-2.0
"""Operations on VMs and ports: what they do, and what they refuse, and how."""

import errno
import os
import struct
import subprocess
import uuid

from vfwtest import SPEC, Answer, Client, Namespace, Tap, attr, eventually, libc, \
    refcount, same, u32

tap = Tap()
NIL = bytes(16)
NOBODY = uuid.UUID('deadbeef-0000-4000-8000-000000000001').bytes

# Attribute numbers, for what the client would not send.
VM_UUID, VM_NAME, VM_ID, VM_HOLD, VM_HOLD_LIMITS = 1, 2, 3, 11, 12
HOLD_PACKETS, HOLD_TIME = 1, 3
PORT_VM, PORT_NAME, PORT_TYPE, PORT_STATE = 1, 2, 4, 5
FLOW_VM, FLOW_LOCAL = 1, 4


def family():
    """The family is there, with the specification's operations and its group."""
    info = nl.nlproto.genl_family
    same(info['maxattr'], 0, 'maxattr')
    same(list(info['mcast']), ['events'])
    for name, op in nl.ops.items():
        policy = nl.get_policy(name, 'do')
        for attribute in op.yaml['do']['request']['attributes']:
            assert attribute in policy, f'{name} has no policy for {attribute}'


def vm_new_minimal():
    """vm-new with a UUID alone: the UUID is the name."""
    vm = uuid.uuid4()
    reply = nl.well('vm-new', {'uuid': vm.bytes})
    same(reply.pop('id') > 0, True)
    same(reply, {'uuid': vm.bytes, 'name': str(vm), 'state': 'active', 'incarnation': 0})
    shown = nl.well('vm-get', {'uuid': vm.bytes})
    shown.pop('id')
    same(shown, {**reply, 'policy-epoch': 0, 'ports': 0, 'rules': 0, 'flows': 0,
                 'half-open': 0, 'half-open-in': 0, 'half-open-out': 0})
    nl.well('vm-del', {'uuid': vm.bytes})
    nl.refused('ENOENT', 'vm-get', {'uuid': vm.bytes}, bad='uuid')


def vm_new_holding():
    """vm-new with a hold: its bounds, and the defaults of those not given."""
    vm = nl.new_vm(name='moving', hold=True, **{'hold-limits': {'packets': 7}})
    shown = nl.well('vm-get', {'uuid': vm})
    same(shown['state'], 'holding')
    limits = shown['hold-limits']
    same((limits['packets'], limits['bytes'], limits['expiry']), (7, 16 << 20, 'stay-closed'))
    same((shown['held-packets'], shown['held-bytes']), (0, 0))
    nl.refused('EBUSY', 'vm-freeze', {'uuid': vm}, bad='uuid', text='holding')
    nl.refused('EBUSY', 'vm-thaw', {'uuid': vm}, bad='uuid', text='holding')
    nl.well('vm-del', {'uuid': vm})


def vm_new_twice():
    """vm-new of a UUID that is declared is refused, and changes nothing."""
    vm = nl.new_vm(name='one')
    nl.refused('EEXIST', 'vm-new', {'uuid': vm, 'name': 'two'}, bad='uuid')
    same(nl.well('vm-get', {'uuid': vm})['name'], 'one')
    nl.well('vm-del', {'uuid': vm})


def vm_set():
    """vm-set changes the name; two VMs may have the same."""
    vm, other = nl.new_vm(name='a'), nl.new_vm(name='a')
    nl.well('vm-set', {'uuid': vm, 'name': 'b' * 63})
    same(nl.well('vm-get', {'uuid': vm})['name'], 'b' * 63)
    same(nl.well('vm-get', {'uuid': other})['name'], 'a')
    for name in (vm, other):
        nl.well('vm-del', {'uuid': name})


def freeze_thaw():
    """vm-freeze and vm-thaw, each refused when there is nothing to do."""
    vm = nl.new_vm()
    nl.refused('EALREADY', 'vm-thaw', {'uuid': vm}, bad='uuid', text='not frozen')
    nl.well('vm-freeze', {'uuid': vm})
    same(nl.well('vm-get', {'uuid': vm})['state'], 'frozen')
    nl.refused('EALREADY', 'vm-freeze', {'uuid': vm}, bad='uuid', text='frozen already')
    nl.refused('EBUSY', 'flow-del', {'vm': vm}, bad='vm', text='frozen')
    nl.well('vm-thaw', {'uuid': vm})
    same(nl.well('vm-get', {'uuid': vm})['state'], 'active')
    nl.well('vm-del', {'uuid': vm})


def names_utf8():
    """Names are UTF-8 without control characters."""
    vm = nl.new_vm()
    good = ['ä', '\u00a0', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff', '\U00010000',
            '\U0010ffff', 'a b', '~', 'ä' * 31]
    for name in good:
        named = attr(VM_NAME, name.encode() + b'\0')
        answer = nl.ask('vm-set', {'uuid': vm}, raw=named)
        same(answer.errno, 0, repr(name))
    bad = [b'', b'\x1f', b'a\n', b'\x7f', b'\xc2\x80', b'\xc2\x9f', b'\x80', b'\xc3', b'\xc3(',
           b'\xc0\xaf', b'\xc1\xbf', b'\xe0\x80\x80', b'\xe0\x9f\xbf', b'\xed\xa0\x80',
           b'\xed\xbf\xbf', b'\xe2\x82', b'\xf0\x80\x80\x80', b'\xf0\x8f\xbf\xbf',
           b'\xf4\x90\x80\x80', b'\xf5\x80\x80\x80', b'\xf8\x88\x80\x80\x80', b'\xff', b'\xfe']
    for name in bad:
        nl.refused('EINVAL', 'vm-set', {'uuid': vm}, raw=attr(VM_NAME, name + b'\0'),
                   bad='name', text='UTF-8')
    nl.well('vm-del', {'uuid': vm})


def vm_list():
    """vm-get as a dump lists every VM once."""
    vms = {nl.new_vm() for _ in range(200)}
    listed = [vm['uuid'] for vm in nl.well('vm-get', dump=True)]
    same(len(listed), len(set(listed)))
    same(set(listed), vms)
    same({stats['vm'] for stats in nl.well('stats-get', dump=True)}, vms)
    for vm in vms:
        nl.well('vm-del', {'uuid': vm})
    same(nl.well('vm-get', dump=True), [])
    same(nl.well('stats-get', dump=True), [])


def stats():
    """stats-get: nothing counted, and with the flag all, every reason but none."""
    vm = nl.new_vm()
    zero = {'vm': vm, 'in-packets': 0, 'in-bytes': 0, 'out-packets': 0, 'out-bytes': 0,
            'flows-opened': 0, 'flows-ended': 0, 'flows': 0, 'half-open': 0, 'held': 0,
            'half-open-in': 0, 'half-open-out': 0, 'flows-evicted': 0}
    same(nl.well('stats-get', {'vm': vm}), zero)
    reasons = [drop['reason'] for drop in nl.well('stats-get', {'vm': vm, 'all': True})['drop']]
    same(reasons, [name for name in nl.consts['drop-reason'].entries if name != 'none'])
    listed = nl.well('stats-get', {'all': True}, dump=True)
    same(len(listed[0]['drop']), len(reasons))
    nl.well('vm-del', {'uuid': vm})


def ports():
    """port-new, port-get, port-set and port-del of ports whose netdev is not here."""
    vm = nl.new_vm()
    port = nl.well('port-new', {'vm': vm, 'name': 'p' * 15})
    same(port.pop('id') > 0, True)
    same(port, {'vm': vm, 'name': 'p' * 15, 'state': 'absent'})
    same(nl.well('port-new', {'vm': vm, 'name': 'q', 'type': 'mirrored'})['type'], 'mirrored')
    same(nl.well('vm-get', {'uuid': vm})['ports'], 2)
    nl.well('port-set', {'name': 'q', 'type': 'host'})
    nl.well('port-set', {'name': 'q', 'new-name': 'r'})
    same(nl.well('port-get', {'name': 'r', 'vm': vm})['type'], 'host')
    nl.refused('ENOENT', 'port-get', {'name': 'q'}, bad='name')
    nl.well('port-set', {'name': 'r', 'new-name': 'r'})
    nl.well('port-del', {'name': 'r'})
    nl.refused('ENOENT', 'port-del', {'name': 'r'}, bad='name')
    nl.well('vm-del', {'uuid': vm})
    same(nl.well('port-get', dump=True), [])


def port_lists():
    """port-get as a dump: all ports, or a VM's."""
    vm, other = nl.new_vm(), nl.new_vm()
    for i in range(64):
        nl.well('port-new', {'vm': vm, 'name': f'a{i}'})
        nl.well('port-new', {'vm': other, 'name': f'b{i}'})
    same([port['name'] for port in nl.well('port-get', {'vm': vm}, dump=True)],
         [f'a{i}' for i in range(64)])
    same(len(nl.well('port-get', dump=True)), 128)
    nl.refused('ENOSPC', 'port-new', {'vm': vm, 'name': 'a64'}, bad='name', text='as many ports')
    nl.refused('EEXIST', 'port-new', {'vm': vm, 'name': 'b0'}, bad='name',
               text=f'port b0 belongs to VM {uuid.UUID(bytes=other)}')
    nl.refused('EEXIST', 'port-set', {'name': 'a0', 'new-name': 'b0'}, bad='new-name',
               text=f'port b0 belongs to VM {uuid.UUID(bytes=other)}')
    nl.refused('EEXIST', 'port-set', {'name': 'a0', 'new-name': 'a1'}, bad='new-name')
    nl.refused('ENOENT', 'port-get', {'name': 'a0', 'vm': other}, bad='vm', text='belong')
    for name in (vm, other):
        nl.well('vm-del', {'uuid': name})


def answer_in_parts(op, attrs, meanwhile):
    """A dump, with something happening after the first part."""
    # The kernel fills one buffer ahead, as large as the largest that was ever asked for.
    with Client(recv_size=8192) as client:
        request = client.request(op, attrs, dump=True)
        answer = Answer()
        client.sock.send(request)
        client.receive(answer, op, request)
        assert answer.replies, 'nothing in the first part'
        meanwhile()
        while not client.receive(answer, op, request):
            pass
    return answer


def list_interrupted():
    """A dump is marked when VMs or ports come or go meanwhile, and only then."""
    vms = [nl.new_vm() for _ in range(300)]
    for i in range(300):
        nl.well('port-new', {'vm': vms[i], 'name': f'port{i}'})
    for op in ('vm-get', 'stats-get', 'port-get'):
        answer = answer_in_parts(op, {}, lambda: None)
        same((answer.errno, answer.interrupted, len(answer.replies)), (0, False, 300), op)
        gone = vms.pop()
        answer = answer_in_parts(op, {}, lambda vm=gone: nl.well('vm-del', {'uuid': vm}))
        same((answer.errno, answer.interrupted), (0, True), f'{op}, VM deleted')
        vms.append(nl.new_vm())
        nl.well('port-new', {'vm': vms[-1], 'name': op})
    change = {'name': 'port0', 'new-name': 'other'}
    answer = answer_in_parts('port-get', {}, lambda: nl.well('port-set', change))
    same((answer.errno, answer.interrupted), (0, True), 'port renamed')
    for vm in vms:
        nl.well('vm-del', {'uuid': vm})


def vm_moved():
    """Who listens can tell a VM that has moved from one that was deleted."""
    with Client() as listener:
        listener.ntf_subscribe('events')
        vm = nl.new_vm()
        nl.refused('EBUSY', 'vm-del', {'uuid': vm, 'moved': True}, bad='moved', text='frozen')
        assert 'moved' not in nl.well('vm-get', {'uuid': vm})
        nl.well('vm-freeze', {'uuid': vm})
        nl.well('vm-del', {'uuid': vm, 'moved': True})
        nl.well('vm-del', {'uuid': nl.new_vm()})
        deleted = [msg.get('moved', False) for name, msg in listener.events()
                   if name == 'vm-del-ntf']
        same(deleted, [True, False])


def events():
    """Events: one for each change, with the attributes of a reply."""
    with Client() as listener:
        listener.ntf_subscribe('events')
        vm = nl.new_vm(name='watched')
        nl.well('vm-set', {'uuid': vm, 'name': 'seen'})
        nl.well('port-new', {'vm': vm, 'name': 'p0'})
        nl.well('port-new', {'vm': vm, 'name': 'p1'})
        nl.well('port-set', {'name': 'p1', 'new-name': 'p2'})
        nl.well('port-del', {'name': 'p0'})
        nl.well('vm-freeze', {'uuid': vm})
        nl.well('vm-thaw', {'uuid': vm})
        nl.refused('EALREADY', 'vm-thaw', {'uuid': vm}, bad='uuid')
        nl.well('vm-del', {'uuid': vm})
        seen = [(name, msg['name'], msg['state']) for name, msg in listener.events()]
    same(seen, [('vm-ntf', 'watched', 'active'), ('vm-ntf', 'seen', 'active'),
                ('port-ntf', 'p0', 'absent'), ('port-ntf', 'p1', 'absent'),
                ('port-ntf', 'p2', 'absent'), ('port-del-ntf', 'p0', 'absent'),
                ('vm-ntf', 'seen', 'frozen'), ('vm-ntf', 'seen', 'active'),
                ('port-del-ntf', 'p2', 'absent'), ('vm-del-ntf', 'seen', 'active')])


def namespaces():
    """Namespaces are hosts of their own: same UUID, same port, own events."""
    vm = nl.new_vm()
    nl.well('port-new', {'vm': vm, 'name': 'p0'})
    with Namespace('vfw-a') as ns, ns.client() as inside, Client() as listener:
        listener.ntf_subscribe('events')
        inside.refused('ENOENT', 'vm-get', {'uuid': vm}, bad='uuid')
        inside.well('vm-new', {'uuid': vm})
        inside.well('port-new', {'vm': vm, 'name': 'p0'})
        same(len(inside.well('port-get', dump=True)), 1)
        inside.well('vm-del', {'uuid': vm})
        same(nl.port_state('p0'), 'absent')
        same(listener.events(), [])
    nl.well('vm-del', {'uuid': vm})


def namespace_ends():
    """A namespace that ends takes its VMs with it."""
    before = refcount()
    with Namespace('vfw-b') as ns, ns.client() as inside:
        for i in range(3):
            vm = inside.new_vm(hold=i == 1)
            inside.well('port-new', {'vm': vm, 'name': f'd{i}'})
            ns.ip(f'link add d{i} type dummy')
            ns.ip(f'link set d{i} up')
            inside.pass_all(vm)
        same(inside.port_state('d0'), 'present')
        same(refcount(), before + 3)
    eventually(lambda: refcount() == before, 'VMs of the namespace gone')


def socket_closes():
    """What a socket began ends when it is closed: another may begin; the hold goes on."""
    with Namespace('vfw-b') as ns, ns.client() as inside:
        vm = inside.new_vm(hold=True)
        with ns.client() as first:
            first.well('restore-begin', {'vm': vm})
            first.well('policy-begin', {'vm': vm})
            same(inside.ask('restore-begin', {'vm': vm}).errno, errno.EBUSY)
        inside.well('restore-begin', {'vm': vm})
        same(inside.well('vm-get', {'uuid': vm})['state'], 'holding')


def permissions():
    """Without CAP_NET_ADMIN in the namespace nothing is allowed, neither dumps nor events."""
    vm = nl.new_vm()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.setresuid(65534, 65534, 65534)
            with Client() as user:
                same(user.ask('vm-get', {'uuid': vm}).errno, 1, 'vm-get')
                for op in ('vm-get', 'port-get', 'stats-get', 'flow-get', 'rule-get',
                           'snapshot-save'):
                    same(user.ask(op, dump=True).errno, 1, f'dump of {op}')
                same(user.ask('vm-new', {'uuid': NOBODY}).errno, 1, 'vm-new')
            with Client() as listener:
                try:
                    listener.ntf_subscribe('events')
                except PermissionError:
                    status = 0
        finally:
            os._exit(status)
    same(os.waitpid(child, 0)[1], 0, 'as a user')
    nl.well('vm-del', {'uuid': vm})


def user_namespace():
    """The owner of a namespace may, without privilege elsewhere."""
    child = os.fork()
    if not child:
        status = 1
        try:
            os.setresuid(65534, 65534, 65534)
            same(libc.unshare(0x10000000 | 0x40000000), 0, 'unshare')
            with Client() as owner:
                vm = owner.new_vm()
                owner.well('port-new', {'vm': vm, 'name': 'p0'})
                same(len(owner.well('vm-get', dump=True)), 1)
            status = 0
        finally:
            os._exit(status)
    same(os.waitpid(child, 0)[1], 0, 'as the owner')


def module_in_use():
    """The module cannot be removed while there is a VM."""
    vm = nl.new_vm()
    done = subprocess.run(['rmmod', 'vfw'], capture_output=True, text=True, check=False)
    assert done.returncode and 'in use' in done.stderr, done.stderr
    nl.well('vm-del', {'uuid': vm})


def cli():
    """The client's own command: do, dump, and a refusal."""
    command = ['/usr/bin/python3', '-B', os.path.join(os.environ['YNL'], 'cli.py'), '--no-schema',
               '--spec', SPEC]
    vm = uuid.uuid4().hex

    def run(*args):
        return subprocess.run(command + list(args), capture_output=True, text=True, check=False)
    done = run('--do', 'vm-new', '--json', f'{{"uuid": "{vm}", "name": "by cli"}}')
    same(done.returncode, 0, done.stderr)
    assert 'by cli' in done.stdout, done.stdout
    done = run('--dump', 'vm-get', '--output-json')
    assert 'by cli' in done.stdout, done.stdout + done.stderr
    done = run('--do', 'vm-new', '--json', f'{{"uuid": "{vm}"}}')
    assert 'declared already' in done.stdout + done.stderr, done
    assert '.uuid' in done.stdout + done.stderr, done
    done = run('--do', 'vm-del', '--json', f'{{"uuid": "{vm}"}}')
    same(done.returncode, 0, done.stderr)


# Refusals: what is asked, with which errno it is refused, and which attribute is to blame.

def refusals(vm):
    """The table: name, operation, attributes, raw attributes, dump, errno, bad, missing."""
    limits = 'hold-limits'

    def vm_new(what, error, bad, raw=b'', **attrs):
        return (f'vm-new: {what}', 'vm-new', {'uuid': NOBODY, **attrs}, raw, False, error, bad,
                None)

    def limit(what, name, value):
        return (f'policy-begin: {what}', 'policy-begin', {'vm': vm, 'limits': {name: value}}, b'',
                False, 'ERANGE', f'limits.{name}', None)

    def port_new(what, error, bad, raw=b'', **attrs):
        return (f'port-new: {what}', 'port-new', {'vm': vm, **attrs}, raw, False, error, bad,
                None)

    def flow(what, error, bad, raw=b'', dump=True, **attrs):
        attrs = {key.replace('_', '-'): value for key, value in attrs.items()}
        return (f'flow-get: {what}', 'flow-get', {'vm': vm, **attrs}, raw, dump, error, bad, None)

    yield from (
        vm_new('nil UUID', 'EINVAL', 'uuid', raw=attr(VM_UUID, NIL)),
        vm_new('UUID of 15 bytes', 'ERANGE', 'uuid', raw=attr(VM_UUID, bytes(15))),
        vm_new('UUID of 17 bytes', 'ERANGE', 'uuid', raw=attr(VM_UUID, bytes(17))),
        vm_new('empty UUID', 'ERANGE', 'uuid', raw=attr(VM_UUID)),
        vm_new('name of 64 bytes', 'EINVAL', 'name', name='n' * 64),
        vm_new('name without terminator', 'EINVAL', 'name', raw=attr(VM_NAME, b'abc')),
        vm_new('empty name', 'EINVAL', 'name', name=''),
        vm_new('unknown attribute', 'EINVAL', '77', raw=attr(77, u32(1))),
        vm_new('attribute of replies only', 'EINVAL', 'id', raw=attr(VM_ID, u32(1))),
        vm_new('flag with a payload', 'ERANGE', 'hold', raw=attr(VM_HOLD, u32(1))),
        vm_new('hold-limits without hold', 'EINVAL', limits, **{limits: {'packets': 1}}),
        limit('no flows', 'flows', 0),
        limit('no half-open flows', 'half-open', 0),
        limit('more flows than any VM may have', 'flows', 16777217),
        limit('too many half-open flows', 'half-open', 16777217),
        limit('too many flows of a source', 'source-flows', 16777217),
        vm_new('hold of no packets', 'ERANGE', f'{limits}.packets', hold=True,
               **{limits: {'packets': 0}}),
        vm_new('hold of too many packets', 'ERANGE', f'{limits}.packets', hold=True,
               **{limits: {'packets': 1048577}}),
        vm_new('hold of too few bytes', 'ERANGE', f'{limits}.bytes', hold=True,
               **{limits: {'bytes': 4095}}),
        vm_new('hold for no time', 'ERANGE', f'{limits}.time', hold=True, **{limits: {'time': 0}}),
        vm_new('hold for too long', 'ERANGE', f'{limits}.time', hold=True,
               **{limits: {'time': 3600001}}),
        vm_new('hold with an unknown expiry', 'ERANGE', f'{limits}.expiry', hold=True,
               **{limits: {'expiry': 2}}),
        vm_new('hold-limits not marked as nested', 'EINVAL', limits, hold=True,
               raw=attr(VM_HOLD_LIMITS, attr(HOLD_PACKETS, u32(1)))),
        vm_new('hold-limits with an unknown attribute', 'EINVAL', f'{limits}.9', hold=True,
               raw=attr(VM_HOLD_LIMITS, attr(9, u32(1)), nested=True)),
        vm_new('hold time of 2 bytes', 'EINVAL', f'{limits}.time', hold=True,
               raw=attr(VM_HOLD_LIMITS, attr(HOLD_TIME, b'\1\0'), nested=True)),
        vm_new('trailing bytes', 'EINVAL', None, raw=b'\1\0\0'),
        ('vm-new: no UUID', 'vm-new', {'name': 'x'}, b'', False, 'EINVAL', None, 'uuid'),
        ('vm-set: no name', 'vm-set', {'uuid': vm}, b'', False, 'EINVAL', None, 'name'),
        ('vm-get: list with a UUID', 'vm-get', {'uuid': vm}, b'', True, 'EINVAL', 'uuid', None),
        ('stats-get: list with a VM', 'stats-get', {'vm': vm}, b'', True, 'EINVAL', 'vm', None),
        ('stats-get: flag with a payload', 'stats-get', {'vm': vm}, attr(12, b'\0\0\0\0'), False,
         'ERANGE', 'all', None),

        port_new('no name', 'EINVAL', None)[:-1] + ('name',),
        port_new('name of 16 bytes', 'EINVAL', 'name', name='p' * 16),
        port_new('empty name', 'EINVAL', 'name', name=''),
        port_new('name with a slash', 'EINVAL', 'name', name='a/b'),
        port_new('name with a blank', 'EINVAL', 'name', name='a b'),
        port_new('name with a colon', 'EINVAL', 'name', name='a:b'),
        port_new('name of a dot', 'EINVAL', 'name', name='.'),
        port_new('name that is a pattern', 'EINVAL', 'name', name='tap%d'),
        port_new('unknown type', 'ERANGE', 'type', name='p', type=2),
        port_new('type of 1 byte', 'EINVAL', 'type', name='p', raw=attr(PORT_TYPE, b'\1')),
        port_new('loopback', 'ENOTSUP', 'name', name='lo'),
        port_new('attribute of replies only', 'EINVAL', 'state', name='p',
                 raw=attr(PORT_STATE, u32(1))),
        ('port-new: no VM', 'port-new', {'name': 'p'}, b'', False, 'EINVAL', None, 'vm'),
        ('port-new: unknown VM', 'port-new', {'vm': NOBODY, 'name': 'p'}, b'', False, 'ENOENT',
         'vm', None),
        ('port-set: nothing to change', 'port-set', {'name': 'known'}, b'', False, 'EINVAL', None,
         'new-name'),
        ('port-set: no name', 'port-set', {'new-name': 'p'}, b'', False, 'EINVAL', None, 'name'),
        ('port-set: name of no netdev', 'port-set', {'name': 'known', 'new-name': 'a/b'}, b'',
         False, 'EINVAL', 'new-name', None),
        ('port-set: loopback', 'port-set', {'name': 'known', 'new-name': 'lo'}, b'', False,
         'ENOTSUP', 'new-name', None),
        ('port-get: list by name', 'port-get', {'name': 'known'}, b'', True, 'EINVAL', 'name',
         None),
        ('port-get: list of an unknown VM', 'port-get', {'vm': NOBODY}, b'', True, 'ENOENT', 'vm',
         None),

        flow('family beyond the last', 'ERANGE', 'family', family=3),
        flow('protocol beyond 255', 'ERANGE', 'protocol', protocol=256),
        flow('port beyond 65535', 'ERANGE', 'local-port', local_port=65536),
        flow('remote port beyond 65535', 'ERANGE', 'remote-port', remote_port=65536),
        flow('state beyond the last', 'ERANGE', 'state', state=len(nl.consts['flow-state'].entries)),
        flow('state none', 'EINVAL', 'state', state=0),
        flow('opened in both directions', 'ERANGE', 'opened', opened=2),
        flow('address of 5 bytes', 'EINVAL', 'local', local=bytes(5)),
        flow('address of no bytes', 'EINVAL', 'remote', remote=b''),
        flow('address of 17 bytes', 'ERANGE', 'local', local=bytes(17)),
        flow('prefix beyond 128', 'ERANGE', 'local-prefix', local=bytes(16), local_prefix=129),
        flow('prefix longer than the address', 'EINVAL', 'local-prefix', local=bytes(4),
             local_prefix=33),
        flow('prefix without an address', 'EINVAL', 'remote-prefix', remote_prefix=8),
        flow('bits beyond the prefix', 'EINVAL', 'remote', remote=b'\x0a\0\0\1',
             remote_prefix=8),
        flow('one bit beyond the prefix', 'EINVAL', 'local', local=b'\x0a\x08\0\0',
             local_prefix=12),
        flow('address of another family', 'EINVAL', 'local', family='ipv6', local=bytes(4)),
        flow('addresses of two families', 'EINVAL', 'remote', local=bytes(4), remote=bytes(16)),
        flow('attribute of replies only', 'EINVAL', 'age', raw=attr(15, bytes(8))),
        flow('no flow fits', 'ENOENT', None, dump=False, protocol=200),
        ('flow-get: list without a VM', 'flow-get', {}, b'', True, 'EINVAL', None, 'vm'),
        ('flow-get: list of an unknown VM', 'flow-get', {'vm': NOBODY}, b'', True, 'ENOENT', 'vm',
         None),
        ('flow-del: bits beyond the prefix', 'flow-del',
         {'vm': vm, 'local': b'\1\2\3\4', 'local-prefix': 0}, b'', False, 'EINVAL', 'local', None),
    )
    for op in ('vm-set', 'vm-get', 'vm-del', 'vm-freeze', 'vm-thaw'):
        attrs = {'name': 'x'} if op == 'vm-set' else {}
        yield f'{op}: no UUID', op, attrs, b'', False, 'EINVAL', None, 'uuid'
        yield (f'{op}: unknown VM', op, {'uuid': NOBODY, **attrs}, b'', False, 'ENOENT', 'uuid',
               None)
        yield (f'{op}: UUID of 4 bytes', op, attrs, attr(VM_UUID, u32(1)), False, 'ERANGE',
               'uuid', None)
        yield f'{op}: unknown attribute', op, attrs, attr(99), False, 'EINVAL', '99', None
    for op in ('flow-get', 'flow-del', 'stats-get'):
        yield f'{op}: no VM', op, {}, b'', False, 'EINVAL', None, 'vm'
        yield f'{op}: unknown VM', op, {'vm': NOBODY}, b'', False, 'ENOENT', 'vm', None
    for op in ('port-get', 'port-del'):
        yield f'{op}: no name', op, {}, b'', False, 'EINVAL', None, 'name'
        yield f'{op}: unknown name', op, {'name': 'none'}, b'', False, 'ENOENT', 'name', None


def run_refusals():
    """Each row is a case; together they change nothing."""
    vm = nl.new_vm(name='untouched')
    nl.well('port-new', {'vm': vm, 'name': 'known'})
    before = nl.well('vm-get', dump=True), nl.well('port-get', dump=True)
    for name, op, attrs, raw, dump, error, bad, missing in refusals(vm):
        try:
            nl.refused(error, op, attrs, bad=bad, missing=missing, raw=raw, dump=dump)
        except AssertionError as why:
            tap.result(False, name, why)
        else:
            tap.result(True, name)
    after = nl.well('vm-get', dump=True), nl.well('port-get', dump=True)
    tap.result(after == before, 'what was refused changed nothing', after)
    nl.well('vm-del', {'uuid': vm})


def header():
    """An unknown operation, and a header with reserved bits, are refused."""
    request = bytearray(nl.request('vm-get', {'uuid': NOBODY}))
    for offset, value, error in ((16, 200, 95), (18, 1, 22)):
        changed = bytearray(request)
        changed[offset] = value
        nl.sock.send(changed)
        answer = Answer()
        nl.receive(answer, 'vm-get', bytes(changed))
        same(answer.errno, error, f'byte {offset}')
    same(struct.unpack_from('I', request)[0], len(request))


with Client() as nl:
    tap.run(family, vm_new_minimal, vm_new_holding, vm_new_twice, vm_set, freeze_thaw, names_utf8,
            vm_list, stats, ports, port_lists, list_interrupted, vm_moved, events, namespaces,
            namespace_ends, socket_closes, permissions, user_namespace, module_in_use, cli, header)
    run_refusals()
    same(nl.well('vm-get', dump=True), [], 'left over')
tap.end()
