// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink operation that shows VMs' counters.
 *
 * Those of flows are summed up in strides, and vfw_net.lock is let go between them, so that a VM
 * with many flows keeps nobody from the others.
 */

#include <net/sock.h>

#include "main.h"
#include "flow.h"
#include "netlink.h"
#include "vm.h"

static int fill_drop(struct sk_buff *skb, u32 reason, const u64 drops[2])
{
	struct nlattr *nest = nla_nest_start(skb, VFW_A_STATS_DROP);

	if (!nest ||
	    nla_put_u32(skb, VFW_A_DROP_REASON, reason) ||
	    nla_put_u64_64bit(skb, VFW_A_DROP_IN_PACKETS, drops[VFW_DIRECTION_IN],
			      VFW_A_DROP_PAD) ||
	    nla_put_u64_64bit(skb, VFW_A_DROP_OUT_PACKETS, drops[VFW_DIRECTION_OUT],
			      VFW_A_DROP_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_drops(struct sk_buff *skb, const struct vfw_stats *stats, bool all)
{
	u32 reason;

	for (reason = VFW_DROP_REASON_NONE + 1; reason < VFW_DROP_REASONS; reason++) {
		const u64 *drops = stats->drops[reason];

		if (!all && !drops[VFW_DIRECTION_IN] && !drops[VFW_DIRECTION_OUT])
			continue;
		if (fill_drop(skb, reason, drops))
			return -EMSGSIZE;
	}
	return 0;
}

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, VFW_A_STATS_PAD);
}

/**
 * struct stats_sum - the counters of a VM's flows, being summed up
 * @vm: number of the VM; 0 at the beginning
 * @changes: what the VM's was then
 * @flows: the sum
 */
struct stats_sum {
	u32 vm;
	u32 changes;
	struct vfw_flow_sum flows;
};

/*
 * Sum up, in strides between which vfw_net.lock is let go; from the beginning if this is another
 * VM, or the VM has another flow table.
 */
static int sum_stride(struct stats_sum *sum, struct vfw_vm *vm)
{
	if (sum->vm != vm->id || sum->changes != vm->changes)
		*sum = (struct stats_sum) {
			.vm = vm->id,
			.changes = vm->changes,
			.flows.left = sum->flows.left,
		};
	return vfw_flow_table_sum(vfw_vm_flows(vm), &sum->flows);
}

/* All that a VM has counted: with and without flows, here and before it came here. */
static void vm_totals(struct vfw_vm *vm, const struct vfw_stats *stats,
		      const struct stats_sum *sum, struct vfw_flow_totals *totals)
{
	int dir;

	*totals = sum->flows.totals;
	vfw_flow_totals_add(totals, &vm->base_totals);
	for (dir = 0; dir < 2; dir++) {
		totals->packets[dir] += stats->packets[dir];
		totals->bytes[dir] += stats->bytes[dir];
	}
}

static int fill_stats(struct sk_buff *skb, struct vfw_vm *vm, bool all,
		      const struct stats_sum *sum)
{
	const int in = VFW_DIRECTION_IN, out = VFW_DIRECTION_OUT;
	const struct vfw_flow_table *flows = vfw_vm_flows(vm);
	struct vfw_flow_totals totals;
	struct vfw_stats stats;
	u32 half_open[2];

	vfw_vm_stats(vm, &stats);
	vfw_flow_half_open(flows, half_open);
	vm_totals(vm, &stats, sum, &totals);
	if (nla_put(skb, VFW_A_STATS_VM, UUID_SIZE, &vm->uuid) ||
	    put_u64(skb, VFW_A_STATS_IN_PACKETS, totals.packets[in]) ||
	    put_u64(skb, VFW_A_STATS_IN_BYTES, totals.bytes[in]) ||
	    put_u64(skb, VFW_A_STATS_OUT_PACKETS, totals.packets[out]) ||
	    put_u64(skb, VFW_A_STATS_OUT_BYTES, totals.bytes[out]) ||
	    put_u64(skb, VFW_A_STATS_FLOWS_OPENED, totals.opened) ||
	    put_u64(skb, VFW_A_STATS_FLOWS_ENDED, totals.ended) ||
	    nla_put_u32(skb, VFW_A_STATS_FLOWS, READ_ONCE(flows->count)) ||
	    nla_put_u32(skb, VFW_A_STATS_HALF_OPEN, half_open[0] + half_open[1]) ||
	    nla_put_u32(skb, VFW_A_STATS_HALF_OPEN_IN, half_open[in]) ||
	    nla_put_u32(skb, VFW_A_STATS_HALF_OPEN_OUT, half_open[out]) ||
	    put_u64(skb, VFW_A_STATS_FLOWS_EVICTED, stats.evicted) ||
	    put_u64(skb, VFW_A_STATS_HELD, stats.held))
		return -EMSGSIZE;
	return fill_drops(skb, &stats, all);
}

int vfw_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct stats_sum sum = {};
	struct sk_buff *reply;
	struct vfw_vm *vm;
	void *hdr;
	int err;

	reply = vfw_nl_reply_new(info, &hdr);
	if (!reply)
		return -ENOMEM;
	do {
		sum.flows.left = VFW_FLOW_STRIDE;
		mutex_lock(&vn->lock);
		vm = vfw_nl_vm(info, VFW_A_STATS_VM);
		err = IS_ERR(vm) ? PTR_ERR(vm) : sum_stride(&sum, vm);
		if (!err)
			err = fill_stats(reply, vm, info->attrs[VFW_A_STATS_ALL], &sum);
		mutex_unlock(&vn->lock);
	} while (err == VFW_FLOW_STRIDE_OVER);
	return vfw_nl_reply_send(info, reply, hdr, err);
}

/**
 * struct stats_dump - a list of VMs' counters under way
 * @next: number of the first VM that was not listed yet
 */
struct stats_dump {
	unsigned long next;
};

static_assert(sizeof(struct stats_dump) <= sizeof_field(struct netlink_callback, ctx));

static int dump_vm(struct sk_buff *skb, struct netlink_callback *cb, struct vfw_vm *vm,
		   const struct stats_sum *sum)
{
	struct nlattr **attrs = genl_info_dump(cb)->attrs;
	void *hdr;
	int err;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &vfw_nl_family,
			  NLM_F_MULTI, VFW_CMD_STATS_GET);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	err = fill_stats(skb, vm, attrs[VFW_A_STATS_ALL], sum);
	if (err) {
		genlmsg_cancel(skb, hdr);
		return err;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/* As many VMs as fit, and a stride is enough for. */
static int dump_stride(struct sk_buff *skb, struct netlink_callback *cb, struct stats_sum *sum)
{
	struct stats_dump *dump = (struct stats_dump *)cb->ctx;
	struct vfw_net *vn = vfw_net(sock_net(skb->sk));
	struct vfw_vm *vm;
	unsigned long id;
	int err = 0;

	sum->flows.left = VFW_FLOW_STRIDE;
	mutex_lock(&vn->lock);
	cb->seq = vfw_nl_dump_seq(vn);
	xa_for_each_start(&vn->vm_ids, id, vm, dump->next) {
		err = sum_stride(sum, vm);
		if (!err)
			err = dump_vm(skb, cb, vm, sum);
		if (err)
			break;
		dump->next = id + 1;
	}
	mutex_unlock(&vn->lock);
	return err;
}

int vfw_nl_stats_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct stats_sum sum = {};
	int err;

	err = vfw_nl_dump_refuse(cb, VFW_A_STATS_VM);
	if (err)
		return err;
	do {
		err = dump_stride(skb, cb, &sum);
	} while (err == VFW_FLOW_STRIDE_OVER);
	/* What does not fit now is the first of the next message. */
	return err ? skb->len : 0;
}
