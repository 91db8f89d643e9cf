// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink family, and what its operations have in common.
 *
 * Operations run in parallel (genl_family.parallel_ops): each takes vfw_net.lock for what it
 * reads and changes, after RTNL if it looks netdevs up.
 */

#include <linux/notifier.h>
#include <net/sock.h>

#include "main.h"
#include "hold.h"
#include "netlink.h"
#include "vm.h"

static const struct genl_multicast_group nl_groups[] = {
	/* Events say what only they may ask for. */
	[VFW_NLGRP_EVENTS] = GENL_GROUP_ADMIN(VFW_MCGRP_EVENTS),
};

/* The generated operations; vfw_nl_init() adds what the specification cannot say. */
static struct genl_ops nl_ops[ARRAY_SIZE(vfw_nl_ops)] __ro_after_init;

struct genl_family vfw_nl_family __ro_after_init = {
	.name = VFW_FAMILY_NAME,
	.version = VFW_FAMILY_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = nl_ops,
	.n_ops = ARRAY_SIZE(nl_ops),
	.mcgrps = nl_groups,
	.n_mcgrps = ARRAY_SIZE(nl_groups),
};

static struct vfw_vm *find_vm(struct vfw_net *vn, const struct nlattr *attr,
			      struct netlink_ext_ack *extack)
{
	struct vfw_vm *vm;
	uuid_t uuid;

	import_uuid(&uuid, nla_data(attr));
	vm = vfw_vm_find(vn, &uuid);
	if (!vm) {
		NL_SET_ERR_MSG_MOD(extack, "no VM with this UUID");
		NL_SET_BAD_ATTR(extack, attr);
		return ERR_PTR(-ENOENT);
	}
	return vm;
}

/**
 * vfw_nl_vm() - find the VM that an operation names
 * @info: the operation
 * @attr: the attribute that holds its UUID
 *
 * Context: under vfw_net.lock, which keeps the VM.
 * Return: the VM, or an error pointer, with the reason reported: -EINVAL when none is named,
 * -ENOENT.
 */
struct vfw_vm *vfw_nl_vm(struct genl_info *info, int attr)
{
	if (GENL_REQ_ATTR_CHECK(info, attr)) {
		NL_SET_ERR_MSG_MOD(info->extack, "the VM is not named");
		return ERR_PTR(-EINVAL);
	}
	return find_vm(vfw_net(genl_info_net(info)), info->attrs[attr], info->extack);
}

/**
 * vfw_nl_dump_vm() - find the VM that a dump names
 * @cb: the dump
 * @attr: the attribute that holds its UUID
 * @required: refuse when none is named
 * @vm: where to put it; NULL when none is named
 *
 * Context: under vfw_net.lock, which keeps the VM.
 * Return: 0, -EINVAL or -ENOENT, with the reason reported.
 */
int vfw_nl_dump_vm(struct netlink_callback *cb, int attr, bool required, struct vfw_vm **vm)
{
	struct nlattr **attrs = genl_info_dump(cb)->attrs;

	*vm = NULL;
	if (!attrs[attr]) {
		if (!required)
			return 0;
		NL_SET_ERR_MSG_MOD(cb->extack, "the VM is not named");
		NL_SET_ERR_ATTR_MISS(cb->extack, NULL, attr);
		return -EINVAL;
	}
	*vm = find_vm(vfw_net(sock_net(cb->skb->sk)), attrs[attr], cb->extack);
	return PTR_ERR_OR_ZERO(*vm);
}

/**
 * vfw_nl_dump_refuse() - refuse an attribute that a dump does not have
 * @cb: the dump
 * @attr: the attribute
 *
 * Return: 0 when it is not there, or -EINVAL, with the reason reported.
 */
int vfw_nl_dump_refuse(struct netlink_callback *cb, int attr)
{
	struct nlattr **attrs = genl_info_dump(cb)->attrs;

	if (!attrs[attr])
		return 0;
	NL_SET_ERR_MSG_MOD(cb->extack, "this attribute names one object, and cannot filter a list");
	NL_SET_BAD_ATTR(cb->extack, attrs[attr]);
	return -EINVAL;
}

/**
 * vfw_nl_get_hold_limits() - read the bounds of a hold
 * @nest: the attribute, or NULL
 * @limits: where to put them; the defaults for those not given
 * @extack: for the reason of a refusal
 *
 * Return: 0, or -EINVAL and the like from the attributes' policy.
 */
int vfw_nl_get_hold_limits(const struct nlattr *nest, struct vfw_hold_limits *limits,
			   struct netlink_ext_ack *extack)
{
	struct nlattr *tb[VFW_A_HOLD_MAX + 1];
	int err;

	*limits = VFW_HOLD_LIMITS_DEFAULT;
	if (!nest)
		return 0;
	err = nla_parse_nested(tb, VFW_A_HOLD_MAX, nest, vfw_hold_nl_policy, extack);
	if (err)
		return err;
	if (tb[VFW_A_HOLD_PACKETS])
		limits->packets = nla_get_u32(tb[VFW_A_HOLD_PACKETS]);
	if (tb[VFW_A_HOLD_BYTES])
		limits->bytes = nla_get_u32(tb[VFW_A_HOLD_BYTES]);
	if (tb[VFW_A_HOLD_TIME])
		limits->time = nla_get_u32(tb[VFW_A_HOLD_TIME]);
	if (tb[VFW_A_HOLD_EXPIRY])
		limits->expiry = nla_get_u32(tb[VFW_A_HOLD_EXPIRY]);
	return 0;
}

/**
 * vfw_nl_reply_new() - begin the reply to an operation
 * @info: the operation
 * @hdr: where to put the message's header
 *
 * To be called before the operation has effect, so that nothing can fail after it.
 *
 * Return: the message, with room for NLMSG_GOODSIZE bytes, or NULL; the caller's.
 */
struct sk_buff *vfw_nl_reply_new(struct genl_info *info, void **hdr)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*hdr = genlmsg_put_reply(skb, info, &vfw_nl_family, 0, info->genlhdr->cmd);
	if (!*hdr) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

/**
 * vfw_nl_reply_send() - send the reply to an operation, or drop it
 * @info: the operation
 * @skb: what vfw_nl_reply_new() returned; gone afterwards
 * @hdr: its header
 * @err: how the operation and filling the reply ended
 *
 * Return: @err, or how sending went.
 */
int vfw_nl_reply_send(struct genl_info *info, struct sk_buff *skb, void *hdr, int err)
{
	if (err) {
		WARN_ON_ONCE(err == -EMSGSIZE);
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

/**
 * vfw_nl_event_new() - begin an event
 * @vn: the namespace it happened in
 * @cmd: VFW_CMD_..._NTF
 * @hdr: where to put the message's header
 *
 * Return: the message, the caller's; NULL when nobody listens, or there is no memory: then the
 * listeners are told that they missed something.
 */
struct sk_buff *vfw_nl_event_new(struct vfw_net *vn, u8 cmd, void **hdr)
{
	struct sk_buff *skb;

	if (!genl_has_listeners(&vfw_nl_family, vn->net, VFW_NLGRP_EVENTS))
		return NULL;
	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb)
		goto err_lost;
	*hdr = genlmsg_put(skb, 0, 0, &vfw_nl_family, 0, cmd);
	if (!*hdr)
		goto err_skb;
	return skb;

err_skb:
	nlmsg_free(skb);
err_lost:
	genl_set_err(&vfw_nl_family, vn->net, 0, VFW_NLGRP_EVENTS, -ENOBUFS);
	return NULL;
}

/**
 * vfw_nl_event_send() - send an event
 * @vn: the namespace it happened in
 * @skb: what vfw_nl_event_new() returned; gone afterwards
 * @hdr: its header
 * @err: how filling it ended
 */
void vfw_nl_event_send(struct vfw_net *vn, struct sk_buff *skb, void *hdr, int err)
{
	if (WARN_ON_ONCE(err)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast_netns(&vfw_nl_family, vn->net, skb, 0, VFW_NLGRP_EVENTS, GFP_KERNEL);
}

/*
 * A socket was closed. Called in process context, by a chain that may sleep. What the socket
 * began, it began before it was closed, and so it is seen here without the lock.
 */
static int nl_released(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct netlink_notify *notify = ptr;
	struct vfw_net *vn;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;
	vn = vfw_net(notify->net);
	/* Nearly all sockets have nothing to do with VMs, and must not wait for the lock. */
	if (xa_empty(&vn->vm_ids) && list_empty(&vn->transactions))
		return NOTIFY_DONE;

	mutex_lock(&vn->lock);
	vfw_nl_policy_release(vn, notify->portid);
	vfw_nl_restore_release(vn, notify->portid);
	vfw_nl_send_release(vn, notify->portid);
	mutex_unlock(&vn->lock);
	return NOTIFY_DONE;
}

static struct notifier_block nl_notifier = {
	.notifier_call = nl_released,
};

static void __init ops_init(void)
{
	struct genl_ops *op;

	memcpy(nl_ops, vfw_nl_ops, sizeof(nl_ops));
	for (op = nl_ops; op < nl_ops + ARRAY_SIZE(nl_ops); op++) {
		if (op->cmd == VFW_CMD_RULE_GET) {
			op->start = vfw_nl_rule_get_start;
			op->done = vfw_nl_rule_get_done;
		} else if (op->cmd == VFW_CMD_SNAPSHOT_SAVE) {
			op->start = vfw_nl_snapshot_save_start;
			op->done = vfw_nl_snapshot_save_done;
		} else if (op->cmd == VFW_CMD_SEND_ROUND) {
			op->start = vfw_nl_send_round_start;
		}
	}
}

/**
 * vfw_nl_init() - register the family
 */
int __init vfw_nl_init(void)
{
	int err;

	ops_init();
	err = netlink_register_notifier(&nl_notifier);
	if (err)
		return err;
	err = genl_register_family(&vfw_nl_family);
	if (err)
		netlink_unregister_notifier(&nl_notifier);
	return err;
}

/**
 * vfw_nl_exit() - unregister the family; waits for operations under way
 */
void vfw_nl_exit(void)
{
	genl_unregister_family(&vfw_nl_family);
	netlink_unregister_notifier(&nl_notifier);
}
