// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink: sending a VM's state in rounds.
 */

#include <net/sock.h>

#include "main.h"
#include "flow.h"
#include "netlink.h"
#include "policy.h"
#include "send.h"
#include "vm.h"

/* What is being sent belongs to the socket that began it. */
static int check_owner(const struct vfw_vm *vm, u32 portid, struct netlink_ext_ack *extack)
{
	if (!vm->send) {
		NL_SET_ERR_MSG_MOD(extack, "the VM's state is not being sent");
		return -ENOENT;
	}
	if (vm->send->portid != portid) {
		NL_SET_ERR_MSG_MOD(extack, "another socket sends the state of this VM");
		return -EBUSY;
	}
	return 0;
}

static int fill_begun(struct sk_buff *skb, struct vfw_vm *vm)
{
	const struct vfw_policy *policy = vfw_vm_policy(vm);

	if (nla_put(skb, VFW_A_SNAPSHOT_VM, VFW_UUID_LEN, &vm->uuid) ||
	    nla_put_u64_64bit(skb, VFW_A_SNAPSHOT_INCARNATION, vm->incarnation + 1,
			      VFW_A_SNAPSHOT_PAD) ||
	    nla_put_u32(skb, VFW_A_SNAPSHOT_FLOWS, READ_ONCE(vfw_vm_flows(vm)->count)) ||
	    nla_put_u32(skb, VFW_A_SNAPSHOT_RULES, policy ? policy->n_rules : 0))
		return -EMSGSIZE;
	return 0;
}

static int fill_changed(struct sk_buff *skb, struct vfw_vm *vm)
{
	if (nla_put(skb, VFW_A_SNAPSHOT_VM, VFW_UUID_LEN, &vm->uuid) ||
	    nla_put_u64_64bit(skb, VFW_A_SNAPSHOT_INCARNATION, vm->incarnation + 1,
			      VFW_A_SNAPSHOT_PAD) ||
	    nla_put_u32(skb, VFW_A_SNAPSHOT_FLOWS, vfw_send_changed(vm)))
		return -EMSGSIZE;
	return 0;
}

static int send_begin(struct genl_info *info, struct vfw_vm *vm, struct sk_buff *reply)
{
	int err = vfw_send_begin(vm, info->snd_portid, info->extack);

	return err ?: fill_begun(reply, vm);
}

static int send_changed(struct genl_info *info, struct vfw_vm *vm, struct sk_buff *reply)
{
	int err = check_owner(vm, info->snd_portid, info->extack);

	return err ?: fill_changed(reply, vm);
}

static int send_reply(struct genl_info *info,
		      int (*operation)(struct genl_info *, struct vfw_vm *, struct sk_buff *))
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
	vm = vfw_nl_vm(info, VFW_A_SNAPSHOT_VM);
	err = IS_ERR(vm) ? PTR_ERR(vm) : operation(info, vm, reply);
	mutex_unlock(&vn->lock);
	return vfw_nl_reply_send(info, reply, hdr, err);
}

int vfw_nl_send_begin_doit(struct sk_buff *skb, struct genl_info *info)
{
	return send_reply(info, send_begin);
}

int vfw_nl_send_round_doit(struct sk_buff *skb, struct genl_info *info)
{
	return send_reply(info, send_changed);
}

int vfw_nl_send_end_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct vfw_vm *vm;
	int err;

	mutex_lock(&vn->lock);
	vm = vfw_nl_vm(info, VFW_A_SNAPSHOT_VM);
	err = IS_ERR(vm) ? PTR_ERR(vm) : check_owner(vm, info->snd_portid, info->extack);
	if (!err)
		vfw_send_end(vm);
	mutex_unlock(&vn->lock);
	return err;
}

/* The VM of a dump, being sent by its socket. */
static int dump_vm(struct netlink_callback *cb, struct vfw_vm **vm)
{
	int err = vfw_nl_dump_vm(cb, VFW_A_SNAPSHOT_VM, true, vm);

	return err ?: check_owner(*vm, NETLINK_CB(cb->skb).portid, cb->extack);
}

/**
 * vfw_nl_send_round_start() - begin to read the next round
 * @cb: the dump
 *
 * Return: 0, or the reason of a refusal.
 */
int vfw_nl_send_round_start(struct netlink_callback *cb)
{
	struct vfw_net *vn = vfw_net(sock_net(cb->skb->sk));
	struct vfw_vm *vm;
	int err;

	mutex_lock(&vn->lock);
	err = dump_vm(cb, &vm);
	if (!err)
		err = vfw_send_round(vm, cb->extack);
	if (!err)
		cb->args[0] = vm->send->round;
	mutex_unlock(&vn->lock);
	return err;
}

int vfw_nl_send_round_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vfw_net *vn = vfw_net(sock_net(cb->skb->sk));
	struct vfw_snapshot *snap = NULL;
	struct vfw_vm *vm;
	int err;

	/* What would make the frames inconsistent ends the round, so the number need not tell. */
	cb->seq = 1;
	mutex_lock(&vn->lock);
	err = dump_vm(cb, &vm);
	if (!err) {
		/* It may have been ended meanwhile, and begun anew. */
		if (vm->send->round == cb->args[0])
			snap = &vm->send->snap;
		err = vfw_nl_put_frames(skb, cb, VFW_CMD_SEND_ROUND, vm, snap);
	}
	mutex_unlock(&vn->lock);
	return err ?: skb->len;
}

/**
 * vfw_nl_send_release() - end what a socket sent that was closed
 * @vn: the namespace
 * @portid: the socket
 *
 * Context: under vfw_net.lock.
 */
void vfw_nl_send_release(struct vfw_net *vn, u32 portid)
{
	struct vfw_vm *vm;
	unsigned long id;

	lockdep_assert_held(&vn->lock);
	xa_for_each(&vn->vm_ids, id, vm)
		if (vm->send && vm->send->portid == portid)
			vfw_send_end(vm);
}
