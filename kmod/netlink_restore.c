// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink: saving and restoring a VM's state.
 */

#include <linux/slab.h>
#include <net/sock.h>

#include "main.h"
#include "flow.h"
#include "hold.h"
#include "netlink.h"
#include "policy.h"
#include "restore.h"
#include "snapshot.h"
#include "vm.h"

/* Saving. */

static int fill_save(struct sk_buff *skb, struct vfw_vm *vm)
{
	struct vfw_flow_table *flows;
	struct vfw_policy *policy;

	policy = vfw_vm_policy(vm);
	flows = vfw_vm_flows(vm);
	if (nla_put(skb, VFW_A_SNAPSHOT_VM, VFW_UUID_LEN, &vm->uuid) ||
	    nla_put_u64_64bit(skb, VFW_A_SNAPSHOT_INCARNATION, vm->incarnation + 1,
			      VFW_A_SNAPSHOT_PAD) ||
	    nla_put_u32(skb, VFW_A_SNAPSHOT_FLOWS, READ_ONCE(flows->count)) ||
	    nla_put_u32(skb, VFW_A_SNAPSHOT_RULES, policy ? policy->n_rules : 0))
		return -EMSGSIZE;
	return 0;
}

int vfw_nl_snapshot_save_doit(struct sk_buff *skb, struct genl_info *info)
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
	err = IS_ERR(vm) ? PTR_ERR(vm) : fill_save(reply, vm);
	mutex_unlock(&vn->lock);
	return vfw_nl_reply_send(info, reply, hdr, err);
}

/**
 * struct save - a dump under way; netlink_callback.args[0] points to it
 * @vm: number of the VM on this host
 * @snap: the save
 */
struct save {
	u32 vm;
	struct vfw_snapshot snap;
};

/**
 * vfw_nl_snapshot_save_start() - begin to dump a VM's state
 * @cb: the dump
 *
 * Return: 0, or the reason of a refusal.
 */
int vfw_nl_snapshot_save_start(struct netlink_callback *cb)
{
	struct vfw_net *vn = vfw_net(sock_net(cb->skb->sk));
	struct save *save;
	struct vfw_vm *vm;
	int err;

	save = kzalloc_obj(*save, GFP_KERNEL);
	if (!save)
		return -ENOMEM;
	mutex_lock(&vn->lock);
	err = vfw_nl_dump_vm(cb, VFW_A_SNAPSHOT_VM, true, &vm);
	if (!err) {
		save->vm = vm->id;
		vfw_snapshot_begin(&save->snap, vm);
	}
	mutex_unlock(&vn->lock);
	if (err) {
		kfree(save);
		return err;
	}
	cb->args[0] = (unsigned long)save;
	return 0;
}

/**
 * vfw_nl_snapshot_save_done() - end a dump of a VM's state
 * @cb: the dump
 */
int vfw_nl_snapshot_save_done(struct netlink_callback *cb)
{
	kfree((struct save *)cb->args[0]);
	return 0;
}

/* Append a message with the next frame, as long as there is room for; or what it returned. */
static int put_frame(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd, struct vfw_vm *vm,
		     struct vfw_snapshot *snap)
{
	struct nlattr *attr;
	int length, room;
	void *hdr;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &vfw_nl_family,
			  NLM_F_MULTI, cmd);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	/* Of the attribute's own header, and what may go before it to align it. */
	room = skb_tailroom(skb) - 2 * nla_total_size(0);
	room = ALIGN_DOWN(min(room, VFW_FRAME_MAX), 8);
	length = -EMSGSIZE;
	if (room < VFW_SNAPSHOT_FRAME_MIN)
		goto cancel;
	attr = nla_reserve_64bit(skb, VFW_A_SNAPSHOT_FRAME, room, VFW_A_SNAPSHOT_PAD);
	if (!attr)
		goto cancel;
	length = vfw_snapshot_frame(snap, vm, nla_data(attr), room);
	if (length <= 0)
		goto cancel;
	attr->nla_len = nla_attr_size(length);
	nlmsg_trim(skb, (u8 *)attr + nla_total_size(length));
	genlmsg_end(skb, hdr);
	return length;

cancel:
	genlmsg_cancel(skb, hdr);
	return length;
}

/**
 * vfw_nl_put_frames() - write frames of a stream into a message of a dump
 * @skb: the message
 * @cb: the dump
 * @cmd: its VFW_CMD_*
 * @vm: the VM
 * @snap: the stream; NULL when it is gone
 *
 * Context: under vfw_net.lock.
 * Return: 0 when there is more, or nothing more and nothing in the message; else what the dump is
 *	to return.
 */
int vfw_nl_put_frames(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd, struct vfw_vm *vm,
		      struct vfw_snapshot *snap)
{
	int ret;

	do {
		ret = snap ? put_frame(skb, cb, cmd, vm, snap) : -EAGAIN;
	} while (ret > 0);
	/* Another number than in the messages before marks the last one as inconsistent. */
	if (ret == -EAGAIN)
		cb->seq++;
	if (ret == -EMSGSIZE && skb->len)
		return 0;
	return ret;
}

int vfw_nl_snapshot_save_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vfw_net *vn = vfw_net(sock_net(cb->skb->sk));
	struct save *save = (struct save *)cb->args[0];
	struct vfw_vm *vm;
	int err;

	/* What changes a policy or a flow table ends the save, so the number need not tell. */
	cb->seq = 1;
	mutex_lock(&vn->lock);
	err = vfw_nl_dump_vm(cb, VFW_A_SNAPSHOT_VM, true, &vm);
	if (!err)
		err = vfw_nl_put_frames(skb, cb, VFW_CMD_SNAPSHOT_SAVE, vm,
					vm->id == save->vm ? &save->snap : NULL);
	mutex_unlock(&vn->lock);
	return err ?: skb->len;
}

/* Restoring. */

/* Without bounds in the request, a VM that is held already keeps those it has. */
static int get_limits(struct genl_info *info, struct vfw_vm *vm, struct vfw_hold_limits *limits)
{
	struct nlattr *nest = info->attrs[VFW_A_SNAPSHOT_HOLD_LIMITS];
	u32 packets, bytes;

	if (nest)
		return vfw_nl_get_hold_limits(nest, limits, info->extack);
	vfw_hold_show(vm, limits, &packets, &bytes);
	return 0;
}

static void vm_changed(struct vfw_vm *vm)
{
	vm->vn->generation++;
	vfw_nl_notify_vm(vm, VFW_CMD_VM_NTF);
}

static int restore_begin(struct genl_info *info, struct vfw_vm *vm)
{
	struct vfw_hold_limits limits;
	int err;

	err = get_limits(info, vm, &limits);
	if (err)
		return err;
	err = vfw_restore_begin(vm, info->snd_portid, info->extack);
	if (err)
		return err;
	err = vfw_hold_begin(vm, &limits);
	if (err) {
		NL_SET_ERR_MSG_MOD(info->extack, "no memory to hold packets");
		vfw_restore_drop(vm);
		return err;
	}
	vm_changed(vm);
	return 0;
}

/* Anybody may end a restore, or a hold without one. */
static int restore_abort(struct genl_info *info, struct vfw_vm *vm)
{
	if (!vm->restore && !rcu_access_pointer(vm->hold)) {
		NL_SET_ERR_MSG_MOD(info->extack, "the VM is neither held nor being restored");
		return -ENOENT;
	}
	vfw_restore_abort(vm);
	vm_changed(vm);
	return 0;
}

/* But only the socket that began a restore may go on with it. */
static int check_owner(struct genl_info *info, struct vfw_vm *vm)
{
	if (!vm->restore || vfw_restore_owned(vm, info->snd_portid))
		return 0;
	NL_SET_ERR_MSG_MOD(info->extack, "another socket began the restore of this VM");
	return -EBUSY;
}

static int fill_restored(struct sk_buff *skb, struct vfw_vm *vm,
			 const struct vfw_restored *restored)
{
	if (nla_put(skb, VFW_A_SNAPSHOT_VM, VFW_UUID_LEN, &vm->uuid) ||
	    nla_put_u64_64bit(skb, VFW_A_SNAPSHOT_INCARNATION, restored->incarnation,
			      VFW_A_SNAPSHOT_PAD) ||
	    nla_put_u32(skb, VFW_A_SNAPSHOT_FLOWS, restored->flows) ||
	    nla_put_u32(skb, VFW_A_SNAPSHOT_RULES, restored->rules) ||
	    nla_put_u32(skb, VFW_A_SNAPSHOT_FRAMES, restored->frames) ||
	    nla_put_u32(skb, VFW_A_SNAPSHOT_RELEASED, restored->released))
		return -EMSGSIZE;
	return 0;
}

static int restore_frame(struct genl_info *info, struct vfw_vm *vm, struct sk_buff *reply)
{
	const struct nlattr *attr = info->attrs[VFW_A_SNAPSHOT_FRAME];
	u32 frames;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VFW_A_SNAPSHOT_FRAME)) {
		NL_SET_ERR_MSG_MOD(info->extack, "there is no frame");
		return -EINVAL;
	}
	err = vfw_restore_frame(vm, nla_data(attr), nla_len(attr), &frames, info->extack);
	if (err) {
		NL_SET_BAD_ATTR(info->extack, attr);
		return err;
	}
	return nla_put_u32(reply, VFW_A_SNAPSHOT_FRAMES, frames);
}

static int restore_commit(struct genl_info *info, struct vfw_vm *vm, struct sk_buff *reply)
{
	struct vfw_restored restored;
	int err;

	err = vfw_restore_commit(vm, &restored, info->extack);
	if (err)
		return err;
	vm_changed(vm);
	vfw_nl_notify_policy(vm);
	return fill_restored(reply, vm, &restored);
}

/* An operation that has no reply, but for its acknowledgment. */
static int restore_do(struct genl_info *info, int (*operation)(struct genl_info *, struct vfw_vm *))
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct vfw_vm *vm;
	int err;

	mutex_lock(&vn->lock);
	vm = vfw_nl_vm(info, VFW_A_SNAPSHOT_VM);
	err = IS_ERR(vm) ? PTR_ERR(vm) : operation(info, vm);
	mutex_unlock(&vn->lock);
	return err;
}

/* An operation of the socket that began, with a reply. */
static int restore_reply(struct genl_info *info,
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
	err = IS_ERR(vm) ? PTR_ERR(vm) : check_owner(info, vm);
	if (!err)
		err = operation(info, vm, reply);
	mutex_unlock(&vn->lock);
	return vfw_nl_reply_send(info, reply, hdr, err);
}

int vfw_nl_restore_begin_doit(struct sk_buff *skb, struct genl_info *info)
{
	return restore_do(info, restore_begin);
}

int vfw_nl_restore_frame_doit(struct sk_buff *skb, struct genl_info *info)
{
	return restore_reply(info, restore_frame);
}

int vfw_nl_restore_commit_doit(struct sk_buff *skb, struct genl_info *info)
{
	return restore_reply(info, restore_commit);
}

int vfw_nl_restore_abort_doit(struct sk_buff *skb, struct genl_info *info)
{
	return restore_do(info, restore_abort);
}

/**
 * vfw_nl_restore_release() - forget what arrived through a socket that was closed
 * @vn: the namespace
 * @portid: the socket
 *
 * The VM goes on holding until its deadline.
 *
 * Context: under vfw_net.lock.
 */
void vfw_nl_restore_release(struct vfw_net *vn, u32 portid)
{
	struct vfw_vm *vm;
	unsigned long id;

	lockdep_assert_held(&vn->lock);
	xa_for_each(&vn->vm_ids, id, vm)
		if (vfw_restore_owned(vm, portid))
			vfw_restore_drop(vm);
}
