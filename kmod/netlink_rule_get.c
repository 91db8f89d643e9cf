// SPDX-License-Identifier: GPL-2.0
/*
 * Rules over netlink, as rule-get shows them, with what they and their flows have counted.
 */

#include <linux/mm.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "main.h"
#include "flow.h"
#include "netlink.h"
#include "policy.h"
#include "vm.h"

static int put_ranges(struct sk_buff *skb, int type, const struct vfw_range *ranges, u8 n)
{
	struct nlattr *nest;
	u8 i;

	for (i = 0; i < n; i++) {
		nest = nla_nest_start(skb, type);
		if (!nest ||
		    nla_put_u32(skb, VFW_A_RANGE_FIRST, ranges[i].first) ||
		    nla_put_u32(skb, VFW_A_RANGE_LAST, ranges[i].last))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static int put_addrs(struct sk_buff *skb, const struct vfw_rule *rule)
{
	int len = rule->family == VFW_FAMILY_IPV4 ? sizeof(rule->local.v4) :
						    sizeof(rule->local.v6);

	if (rule->flags & VFW_STATE_RULE_LOCAL &&
	    (nla_put(skb, VFW_A_RULE_LOCAL, len, &rule->local) ||
	     nla_put_u32(skb, VFW_A_RULE_LOCAL_PREFIX, rule->local_prefix)))
		return -EMSGSIZE;
	if (rule->flags & VFW_STATE_RULE_REMOTE &&
	    (nla_put(skb, VFW_A_RULE_REMOTE, len, &rule->remote) ||
	     nla_put_u32(skb, VFW_A_RULE_REMOTE_PREFIX, rule->remote_prefix)))
		return -EMSGSIZE;
	return 0;
}

static int put_match(struct sk_buff *skb, const struct vfw_rule *rule)
{
	if (rule->flags & VFW_STATE_RULE_PROTOCOL &&
	    nla_put_u32(skb, VFW_A_RULE_PROTOCOL, rule->protocol))
		return -EMSGSIZE;
	if (put_ranges(skb, VFW_A_RULE_LOCAL_PORTS, rule->ranges, rule->local_ranges) ||
	    put_ranges(skb, VFW_A_RULE_REMOTE_PORTS, rule->ranges + rule->local_ranges,
		       rule->remote_ranges))
		return -EMSGSIZE;
	if (rule->flags & VFW_STATE_RULE_ICMP_TYPE &&
	    nla_put_u32(skb, VFW_A_RULE_ICMP_TYPE, rule->icmp_type))
		return -EMSGSIZE;
	if (rule->flags & VFW_STATE_RULE_ICMP_CODE &&
	    nla_put_u32(skb, VFW_A_RULE_ICMP_CODE, rule->icmp_code))
		return -EMSGSIZE;
	if (rule->flags & VFW_STATE_RULE_TCP_FLAGS &&
	    (nla_put_u32(skb, VFW_A_RULE_TCP_FLAGS, rule->tcp_flags) ||
	     nla_put_u32(skb, VFW_A_RULE_TCP_FLAGS_MASK, rule->tcp_flags_mask)))
		return -EMSGSIZE;
	return 0;
}

/* What a rule has counted, with the flows that live. */
struct rule_sum {
	u64 packets;
	u64 bytes;
};

/* Adds a whole rule, or nothing. */
static int put_rule(struct sk_buff *skb, const struct vfw_rule *rule, u32 number,
		    const struct rule_sum *sum)
{
	struct nlattr *nest;

	nest = nla_nest_start(skb, VFW_A_POLICY_RULE);
	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(skb, VFW_A_RULE_NUMBER, number) ||
	    nla_put_u32(skb, VFW_A_RULE_DIRECTION, rule->direction) ||
	    nla_put_u32(skb, VFW_A_RULE_FAMILY, rule->family) ||
	    nla_put_u32(skb, VFW_A_RULE_ACTION, rule->action) ||
	    (rule->flags & VFW_STATE_RULE_STATELESS &&
	     nla_put_flag(skb, VFW_A_RULE_STATELESS)) ||
	    put_addrs(skb, rule) || put_match(skb, rule) ||
	    (rule->comment && nla_put_string(skb, VFW_A_RULE_COMMENT, rule->comment)) ||
	    nla_put_u64_64bit(skb, VFW_A_RULE_PACKETS, sum->packets, VFW_A_RULE_PAD) ||
	    nla_put_u64_64bit(skb, VFW_A_RULE_BYTES, sum->bytes, VFW_A_RULE_PAD)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * struct sums - where the counters of some rules are summed up
 * @vm: number of the VM; 0 at the beginning
 * @changes: what the VM's was then
 * @epoch: policy epoch of the rules; flows judged in another one do not count
 * @first: number of the first rule
 * @n: how many rules
 * @sums: one for each
 * @cursor: where the walk through the flows is
 * @left: flows that may yet be looked at in this stride
 */
struct sums {
	u32 vm;
	u32 changes;
	u32 epoch;
	u32 first;
	u32 n;
	struct rule_sum *sums;
	struct vfw_flow_cursor cursor;
	u32 left;
};

static int add_flow(struct vfw_flow *flow, void *arg)
{
	const struct vfw_flow_counters *counters = vfw_flow_counters(flow);
	struct sums *sums = arg;
	u32 i = vfw_flow_origin(flow)->rule - sums->first;

	if (!sums->left)
		return VFW_FLOW_STRIDE_OVER;
	sums->left--;
	/* Rule 0 is the default verdict, and before any first rule. */
	if (flow->epoch != sums->epoch || i >= sums->n)
		return 0;
	sums->sums[i].packets += counters->packets[0] + counters->packets[1];
	sums->sums[i].bytes += counters->bytes[0] + counters->bytes[1];
	return 0;
}

static bool sums_hold(const struct sums *sums, const struct vfw_vm *vm,
		      const struct vfw_policy *policy)
{
	return sums->vm == vm->id && sums->changes == vm->changes && sums->epoch == policy->epoch;
}

/*
 * The rules' own counters are read first: a flow that ends meanwhile is missed this once, which
 * is better than counted twice.
 */
static void sums_begin(struct sums *sums, const struct vfw_vm *vm, const struct vfw_policy *policy)
{
	const struct vfw_rule *rule;
	u32 i;

	sums->vm = vm->id;
	sums->changes = vm->changes;
	sums->epoch = policy->epoch;
	sums->cursor = (struct vfw_flow_cursor) {};
	for (i = 0; i < sums->n; i++) {
		rule = &policy->rules[sums->first - 1 + i];
		sums->sums[i].packets = atomic64_read(&rule->packets);
		sums->sums[i].bytes = atomic64_read(&rule->bytes);
	}
}

/*
 * In strides, between which vfw_net.lock is let go; from the beginning if the policy or the flow
 * table is another one by now. 0 at the end, or VFW_FLOW_STRIDE_OVER.
 */
static int sum_up(struct vfw_vm *vm, const struct vfw_policy *policy, struct sums *sums)
{
	if (!sums_hold(sums, vm, policy))
		sums_begin(sums, vm, policy);
	sums->left = VFW_FLOW_STRIDE;
	return vfw_flow_walk(vfw_vm_flows(vm), &sums->cursor, add_flow, sums);
}

/* Finds which rule is asked for; returns its number or a negative error. */
static int wanted_rule(struct genl_info *info, const struct vfw_policy *policy)
{
	struct nlattr *attr = info->attrs[VFW_A_POLICY_RULE_NUMBER];

	if (GENL_REQ_ATTR_CHECK(info, VFW_A_POLICY_RULE_NUMBER)) {
		NL_SET_ERR_MSG_MOD(info->extack, "the rule's number is missing");
		return -EINVAL;
	}
	if (!policy) {
		NL_SET_ERR_MSG_MOD(info->extack, "the VM has no policy");
		return -ENOENT;
	}
	if (nla_get_u32(attr) > policy->n_rules) {
		NL_SET_ERR_MSG_FMT_MOD(info->extack, "the policy has %u rules", policy->n_rules);
		NL_SET_BAD_ATTR(info->extack, attr);
		return -ENOENT;
	}
	return nla_get_u32(attr);
}

static int get_rule(struct genl_info *info, struct vfw_vm *vm, struct sums *sums,
		    struct sk_buff *reply)
{
	struct vfw_policy *policy = vfw_vm_policy(vm);
	int number, err;

	number = wanted_rule(info, policy);
	if (number < 0)
		return number;
	sums->first = number;
	err = sum_up(vm, policy, sums);
	if (err)
		return err;
	if (nla_put_u32(reply, VFW_A_POLICY_EPOCH, policy->epoch))
		return -EMSGSIZE;
	return put_rule(reply, &policy->rules[number - 1], number, sums->sums);
}

int vfw_nl_rule_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct rule_sum sum;
	struct sums sums = { .n = 1, .sums = &sum };
	struct sk_buff *reply;
	struct vfw_vm *vm;
	void *hdr;
	int err;

	reply = vfw_nl_reply_new(info, &hdr);
	if (!reply)
		return -ENOMEM;
	do {
		mutex_lock(&vn->lock);
		vm = vfw_nl_vm(info, VFW_A_POLICY_VM);
		err = IS_ERR(vm) ? PTR_ERR(vm) : get_rule(info, vm, &sums, reply);
		mutex_unlock(&vn->lock);
	} while (err == VFW_FLOW_STRIDE_OVER);
	return vfw_nl_reply_send(info, reply, hdr, err);
}

/**
 * struct rule_dump - where a list of rules is
 * @sums: counters of the rules when the list began, or NULL
 * @n_sums: how many
 * @epoch: policy epoch of these
 * @vm_id: whose rules; another VM may have come under the same UUID
 * @next: number of the next rule
 */
struct rule_dump {
	struct rule_sum *sums;
	u32 n_sums;
	u32 epoch;
	u32 vm_id;
	u32 next;
};

static_assert(sizeof(struct rule_dump) <= sizeof_field(struct netlink_callback, ctx));

/* Room for the sums of all rules; another policy may have another number of them. */
static int sums_resize(struct sums *sums, u32 n)
{
	if (sums->n == n)
		return 0;
	kvfree(sums->sums);
	*sums = (struct sums) { .first = 1 };
	sums->sums = kvcalloc(n, sizeof(*sums->sums), GFP_KERNEL_ACCOUNT);
	if (!sums->sums)
		return -ENOMEM;
	sums->n = n;
	return 0;
}

static int start_dump(struct netlink_callback *cb, struct sums *sums)
{
	struct rule_dump *dump = (struct rule_dump *)cb->ctx;
	const struct vfw_policy *policy;
	struct vfw_vm *vm;
	int err;

	err = vfw_nl_dump_vm(cb, VFW_A_POLICY_VM, true, &vm);
	if (err)
		return err;
	policy = vfw_vm_policy(vm);
	dump->vm_id = vm->id;
	dump->next = 1;
	if (!policy || !policy->n_rules)
		return 0;
	if (sums_resize(sums, policy->n_rules)) {
		NL_SET_ERR_MSG_MOD(cb->extack, "no memory for the rules' counters");
		return -ENOMEM;
	}
	err = sum_up(vm, policy, sums);
	if (err)
		return err;
	dump->sums = sums->sums;
	dump->n_sums = sums->n;
	dump->epoch = sums->epoch;
	return 0;
}

/**
 * vfw_nl_rule_get_start() - begin to list rules: sum up their counters
 * @cb: the dump
 *
 * The flows are walked once, however long the list is.
 *
 * Return: 0 or a negative error.
 */
int vfw_nl_rule_get_start(struct netlink_callback *cb)
{
	struct rule_dump *dump = (struct rule_dump *)cb->ctx;
	struct vfw_net *vn = vfw_net(sock_net(cb->skb->sk));
	struct sums sums = {};
	int err;

	err = vfw_nl_dump_refuse(cb, VFW_A_POLICY_RULE_NUMBER);
	if (err)
		return err;
	do {
		mutex_lock(&vn->lock);
		err = start_dump(cb, &sums);
		mutex_unlock(&vn->lock);
	} while (err == VFW_FLOW_STRIDE_OVER);
	if (!dump->sums)
		kvfree(sums.sums);
	return err;
}

/* As many rules as the message holds. */
static int dump_rules(struct sk_buff *skb, struct netlink_callback *cb,
		      const struct vfw_policy *policy)
{
	struct rule_dump *dump = (struct rule_dump *)cb->ctx;
	u32 first = dump->next;
	struct rule_sum sum;
	void *hdr;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &vfw_nl_family,
			  NLM_F_MULTI, VFW_CMD_RULE_GET);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	if (nla_put_u32(skb, VFW_A_POLICY_EPOCH, policy->epoch))
		goto err_cancel;

	for (; dump->next <= policy->n_rules; dump->next++) {
		const struct vfw_rule *rule = &policy->rules[dump->next - 1];

		if (policy->epoch == dump->epoch && dump->next <= dump->n_sums)
			sum = dump->sums[dump->next - 1];
		else
			sum = (struct rule_sum) {
				.packets = atomic64_read(&rule->packets),
				.bytes = atomic64_read(&rule->bytes),
			};
		if (put_rule(skb, rule, dump->next, &sum))
			break;
	}
	if (dump->next == first)
		goto err_cancel;
	genlmsg_end(skb, hdr);
	return skb->len;

err_cancel:
	genlmsg_cancel(skb, hdr);
	return -EMSGSIZE;
}

static int resume_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rule_dump *dump = (struct rule_dump *)cb->ctx;
	const struct vfw_policy *policy;
	struct vfw_vm *vm;
	int err;

	err = vfw_nl_dump_vm(cb, VFW_A_POLICY_VM, true, &vm);
	if (err)
		return err;
	if (vm->id != dump->vm_id) {
		NL_SET_ERR_MSG_MOD(cb->extack, "the VM was deleted and another declared");
		return -ENOENT;
	}
	/* Not 0 once there was a policy; raised when it goes, too. */
	cb->seq = vm->last_epoch;
	policy = vfw_vm_policy(vm);
	if (!policy || dump->next > policy->n_rules)
		return 0;
	return dump_rules(skb, cb, policy);
}

int vfw_nl_rule_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vfw_net *vn = vfw_net(sock_net(cb->skb->sk));
	int err;

	mutex_lock(&vn->lock);
	err = resume_dump(skb, cb);
	mutex_unlock(&vn->lock);
	return err;
}

/**
 * vfw_nl_rule_get_done() - end a list of rules
 * @cb: the dump
 *
 * Return: 0.
 */
int vfw_nl_rule_get_done(struct netlink_callback *cb)
{
	struct rule_dump *dump = (struct rule_dump *)cb->ctx;

	kvfree(dump->sums);
	return 0;
}
