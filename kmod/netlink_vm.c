// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink operations on VMs. Their counters are in netlink_stats.c.
 */

#include <net/sock.h>

#include "main.h"
#include "flow.h"
#include "hold.h"
#include "netlink.h"
#include "policy.h"
#include "port.h"
#include "vm.h"

/* Under vfw_net.lock, as everything that fills here. */
static u32 vm_rules(const struct vfw_vm *vm)
{
	const struct vfw_policy *policy;

	policy = vfw_vm_policy(vm);
	return policy ? policy->n_rules : 0;
}

static int fill_hold(struct sk_buff *skb, struct vfw_vm *vm)
{
	struct vfw_hold_limits limits;
	struct nlattr *nest;
	u32 packets, bytes;

	if (!rcu_access_pointer(vm->hold))
		return 0;
	vfw_hold_show(vm, &limits, &packets, &bytes);
	nest = nla_nest_start(skb, VFW_A_VM_HOLD_LIMITS);
	if (!nest ||
	    nla_put_u32(skb, VFW_A_HOLD_PACKETS, limits.packets) ||
	    nla_put_u32(skb, VFW_A_HOLD_BYTES, limits.bytes) ||
	    nla_put_u32(skb, VFW_A_HOLD_TIME, limits.time) ||
	    nla_put_u32(skb, VFW_A_HOLD_EXPIRY, limits.expiry))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	if (nla_put_u32(skb, VFW_A_VM_HELD_PACKETS, packets) ||
	    nla_put_u32(skb, VFW_A_VM_HELD_BYTES, bytes))
		return -EMSGSIZE;
	return 0;
}

/* What the reply to vm-new has of what the reply to vm-get has. */
static int fill_vm_basics(struct sk_buff *skb, struct vfw_vm *vm)
{
	/* The set has no padding attribute: whoever reads the incarnation copies it. */
	if (nla_put(skb, VFW_A_VM_UUID, UUID_SIZE, &vm->uuid) ||
	    nla_put_string(skb, VFW_A_VM_NAME, vm->name) ||
	    nla_put_u32(skb, VFW_A_VM_ID, vm->id) ||
	    nla_put_u32(skb, VFW_A_VM_STATE, READ_ONCE(vm->state)) ||
	    nla_put(skb, VFW_A_VM_INCARNATION, sizeof(u64), &vm->incarnation))
		return -EMSGSIZE;
	return 0;
}

static int fill_vm(struct sk_buff *skb, struct vfw_vm *vm)
{
	const struct vfw_flow_table *flows = vfw_vm_flows(vm);
	u32 half_open[2];

	lockdep_assert_held(&vm->vn->lock);
	vfw_flow_half_open(flows, half_open);
	if (fill_vm_basics(skb, vm) ||
	    nla_put_u32(skb, VFW_A_VM_POLICY_EPOCH, vm->epoch) ||
	    nla_put_u32(skb, VFW_A_VM_PORTS, vm->n_ports) ||
	    nla_put_u32(skb, VFW_A_VM_RULES, vm_rules(vm)) ||
	    nla_put_u32(skb, VFW_A_VM_FLOWS, READ_ONCE(flows->count)) ||
	    nla_put_u32(skb, VFW_A_VM_HALF_OPEN, half_open[0] + half_open[1]) ||
	    nla_put_u32(skb, VFW_A_VM_HALF_OPEN_IN, half_open[VFW_DIRECTION_IN]) ||
	    nla_put_u32(skb, VFW_A_VM_HALF_OPEN_OUT, half_open[VFW_DIRECTION_OUT]))
		return -EMSGSIZE;
	if (vm->moved && nla_put_flag(skb, VFW_A_VM_MOVED))
		return -EMSGSIZE;
	return fill_hold(skb, vm);
}

/**
 * vfw_nl_notify_vm() - tell that something happened to a VM
 * @vm: the VM
 * @cmd: VFW_CMD_VM_NTF or VFW_CMD_VM_DEL_NTF
 *
 * Context: under vfw_net.lock.
 */
void vfw_nl_notify_vm(struct vfw_vm *vm, u8 cmd)
{
	struct sk_buff *skb;
	void *hdr;

	lockdep_assert_held(&vm->vn->lock);
	skb = vfw_nl_event_new(vm->vn, cmd, &hdr);
	if (skb)
		vfw_nl_event_send(vm->vn, skb, hdr, fill_vm(skb, vm));
}

/* Bytes of the UTF-8 character that begins here; 0 if it is none, or a control character. */
static size_t utf8_char(const u8 *s)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;
	u32 c;

	if (*s < 0x80)
		return *s >= 0x20 && *s != 0x7f;
	n = *s < 0xc0 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf8 ? 4 : 0;
	if (!n)
		return 0;
	c = *s & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	/* Neither overlong, nor a surrogate, nor beyond Unicode, nor a C1 control. */
	if (c < least[n] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff || c < 0xa0)
		return 0;
	return n;
}

/**
 * vfw_nl_name_valid() - can this be a VM's display name?
 * @name: the name, terminated
 *
 * Return: true if it is UTF-8 (RFC 3629) without control characters, of 1 to VFW_NAME_MAX bytes.
 */
bool vfw_nl_name_valid(const char *name)
{
	const u8 *s = (const u8 *)name;
	size_t n;

	if (!*s || strlen(name) > VFW_NAME_MAX)
		return false;
	for (; *s; s += n) {
		n = utf8_char(s);
		if (!n)
			return false;
	}
	return true;
}

static int name_check(struct genl_info *info, const struct nlattr *attr)
{
	if (vfw_nl_name_valid(nla_data(attr)))
		return 0;
	NL_SET_ERR_MSG_MOD(info->extack, "a name is UTF-8 without control characters, not empty");
	NL_SET_BAD_ATTR(info->extack, attr);
	return -EINVAL;
}

/* What is wrong with vm-new whatever VMs there are. */
static int vm_new_check(struct genl_info *info, uuid_t *uuid, struct vfw_hold_limits *limits)
{
	struct netlink_ext_ack *extack = info->extack;
	struct nlattr **attrs = info->attrs;

	if (GENL_REQ_ATTR_CHECK(info, VFW_A_VM_UUID)) {
		NL_SET_ERR_MSG_MOD(extack, "a VM needs a UUID");
		return -EINVAL;
	}
	import_uuid(uuid, nla_data(attrs[VFW_A_VM_UUID]));
	if (uuid_is_null(uuid)) {
		NL_SET_ERR_MSG_MOD(extack, "the nil UUID names no VM");
		NL_SET_BAD_ATTR(extack, attrs[VFW_A_VM_UUID]);
		return -EINVAL;
	}
	if (attrs[VFW_A_VM_NAME] && name_check(info, attrs[VFW_A_VM_NAME]))
		return -EINVAL;
	if (attrs[VFW_A_VM_HOLD_LIMITS] && !attrs[VFW_A_VM_HOLD]) {
		NL_SET_ERR_MSG_MOD(extack, "hold-limits need the flag hold");
		NL_SET_BAD_ATTR(extack, attrs[VFW_A_VM_HOLD_LIMITS]);
		return -EINVAL;
	}
	return vfw_nl_get_hold_limits(attrs[VFW_A_VM_HOLD_LIMITS], limits, extack);
}

static struct vfw_vm *vm_add(struct genl_info *info, const uuid_t *uuid)
{
	char name[UUID_STRING_LEN + 1];
	const char *given = name;
	struct vfw_vm *vm;

	if (info->attrs[VFW_A_VM_NAME])
		given = nla_data(info->attrs[VFW_A_VM_NAME]);
	else
		snprintf(name, sizeof(name), "%pUb", uuid);
	vm = vfw_vm_add(vfw_net(genl_info_net(info)), uuid, given, info->extack);
	if (vm == ERR_PTR(-EEXIST))
		NL_SET_BAD_ATTR(info->extack, info->attrs[VFW_A_VM_UUID]);
	return vm;
}

static int vm_new(struct genl_info *info, const uuid_t *uuid,
		  const struct vfw_hold_limits *limits, struct sk_buff *reply)
{
	struct vfw_vm *vm;
	int err;

	vm = vm_add(info, uuid);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	if (info->attrs[VFW_A_VM_HOLD]) {
		err = vfw_hold_begin(vm, limits);
		if (err) {
			NL_SET_ERR_MSG_MOD(info->extack, "no memory to hold packets");
			goto err_vm;
		}
	}
	err = fill_vm_basics(reply, vm);
	if (err)
		goto err_vm;
	vfw_nl_notify_vm(vm, VFW_CMD_VM_NTF);
	return 0;

err_vm:
	vfw_vm_del(vm);
	return err;
}

int vfw_nl_vm_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct vfw_hold_limits limits;
	struct sk_buff *reply;
	uuid_t uuid;
	void *hdr;
	int err;

	err = vm_new_check(info, &uuid, &limits);
	if (err)
		return err;
	reply = vfw_nl_reply_new(info, &hdr);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&vn->lock);
	err = vm_new(info, &uuid, &limits, reply);
	mutex_unlock(&vn->lock);
	return vfw_nl_reply_send(info, reply, hdr, err);
}

static int vm_set(struct genl_info *info, struct vfw_vm *vm)
{
	const struct nlattr *name = info->attrs[VFW_A_VM_NAME];

	if (GENL_REQ_ATTR_CHECK(info, VFW_A_VM_NAME)) {
		NL_SET_ERR_MSG_MOD(info->extack, "nothing to change: no name");
		return -EINVAL;
	}
	if (name_check(info, name))
		return -EINVAL;
	if (vm->send) {
		NL_SET_ERR_MSG_MOD(info->extack, "the VM's state is being sent to another host");
		return -EBUSY;
	}
	strscpy(vm->name, nla_data(name), sizeof(vm->name));
	vfw_nl_notify_vm(vm, VFW_CMD_VM_NTF);
	return 0;
}

static int vm_del(struct genl_info *info, struct vfw_vm *vm)
{
	const struct nlattr *moved = info->attrs[VFW_A_VM_MOVED];

	if (moved && vm->state != VFW_VM_STATE_FROZEN) {
		NL_SET_ERR_MSG_MOD(info->extack, "only the state of a frozen VM can have moved");
		NL_SET_BAD_ATTR(info->extack, moved);
		return -EBUSY;
	}
	vm->moved = moved;
	/* Each port says farewell before its VM does. */
	vfw_port_del_all(vm);
	vfw_nl_notify_vm(vm, VFW_CMD_VM_DEL_NTF);
	vfw_vm_del(vm);
	return 0;
}

/* Refuse, because freezing and thawing do not change this state. */
static int state_refused(struct genl_info *info, enum vfw_vm_state state)
{
	static const struct {
		int err;
		const char *text;
	} why[] = {
		[VFW_VM_STATE_ACTIVE] = { -EALREADY, "the VM is not frozen" },
		[VFW_VM_STATE_FROZEN] = { -EALREADY, "the VM is frozen already" },
		[VFW_VM_STATE_HOLDING] = { -EBUSY, "the VM is holding packets for a restore" },
		[VFW_VM_STATE_CLOSED] = { -EBUSY, "the VM is closed until its restore ends" },
	};

	NL_SET_ERR_MSG_FMT_MOD(info->extack, "%s", why[state].text);
	NL_SET_BAD_ATTR(info->extack, info->attrs[VFW_A_VM_UUID]);
	return why[state].err;
}

static int vm_freeze(struct genl_info *info, struct vfw_vm *vm)
{
	if (vm->state != VFW_VM_STATE_ACTIVE)
		return state_refused(info, vm->state);
	vfw_vm_freeze(vm);
	vfw_nl_notify_vm(vm, VFW_CMD_VM_NTF);
	return 0;
}

static int vm_thaw(struct genl_info *info, struct vfw_vm *vm)
{
	if (vm->state != VFW_VM_STATE_FROZEN)
		return state_refused(info, vm->state);
	vfw_vm_thaw(vm);
	vfw_nl_notify_vm(vm, VFW_CMD_VM_NTF);
	return 0;
}

/* An operation without a reply on the VM that it names. */
static int vm_do(struct genl_info *info, int (*operation)(struct genl_info *, struct vfw_vm *))
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct vfw_vm *vm;
	int err;

	mutex_lock(&vn->lock);
	vm = vfw_nl_vm(info, VFW_A_VM_UUID);
	err = IS_ERR(vm) ? PTR_ERR(vm) : operation(info, vm);
	mutex_unlock(&vn->lock);
	return err;
}

int vfw_nl_vm_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	return vm_do(info, vm_set);
}

int vfw_nl_vm_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	return vm_do(info, vm_del);
}

int vfw_nl_vm_freeze_doit(struct sk_buff *skb, struct genl_info *info)
{
	return vm_do(info, vm_freeze);
}

int vfw_nl_vm_thaw_doit(struct sk_buff *skb, struct genl_info *info)
{
	return vm_do(info, vm_thaw);
}

int vfw_nl_vm_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct sk_buff *reply;
	struct vfw_vm *vm;
	void *hdr;
	int err;

	reply = vfw_nl_reply_new(info, &hdr);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&vn->lock);
	vm = vfw_nl_vm(info, VFW_A_VM_UUID);
	err = IS_ERR(vm) ? PTR_ERR(vm) : fill_vm(reply, vm);
	mutex_unlock(&vn->lock);
	return vfw_nl_reply_send(info, reply, hdr, err);
}

/**
 * struct vm_dump - a list of VMs under way
 * @next: number of the first VM that was not listed yet
 */
struct vm_dump {
	unsigned long next;
};

static_assert(sizeof(struct vm_dump) <= sizeof_field(struct netlink_callback, ctx));

static int dump_vm(struct sk_buff *skb, struct netlink_callback *cb, struct vfw_vm *vm)
{
	void *hdr;
	int err;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &vfw_nl_family,
			  NLM_F_MULTI, VFW_CMD_VM_GET);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	err = fill_vm(skb, vm);
	if (err) {
		genlmsg_cancel(skb, hdr);
		return err;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

int vfw_nl_vm_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vm_dump *dump = (struct vm_dump *)cb->ctx;
	struct vfw_net *vn = vfw_net(sock_net(skb->sk));
	struct vfw_vm *vm;
	unsigned long id;
	int err;

	err = vfw_nl_dump_refuse(cb, VFW_A_VM_UUID);
	if (err)
		return err;
	mutex_lock(&vn->lock);
	cb->seq = vfw_nl_dump_seq(vn);
	xa_for_each_start(&vn->vm_ids, id, vm, dump->next) {
		err = dump_vm(skb, cb, vm);
		if (err)
			break;
		dump->next = id + 1;
	}
	mutex_unlock(&vn->lock);
	/* What does not fit now is the first of the next message. */
	return err ? skb->len : 0;
}
