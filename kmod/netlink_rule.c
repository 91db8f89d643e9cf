// SPDX-License-Identifier: GPL-2.0
/*
 * Rules over netlink: read from policy-add, shown by rule-get.
 *
 * What can be known of an attribute by itself was checked against the generated policies when
 * the message arrived, in all nests; unknown attributes were refused then.
 */

#include <linux/mm.h>
#include <linux/slab.h>
#include <net/sock.h>
#include "flow.h"
#include "main.h"
#include "netlink.h"
#include "policy.h"
#include "vm.h"

static int refuse(struct netlink_ext_ack *extack, const struct nlattr *attr, u32 number,
		  const char *why)
{
	NL_SET_ERR_MSG_FMT_MOD(extack, "rule %u: %s", number, why);
	NL_SET_BAD_ATTR(extack, attr);
	return -EINVAL;
}

/* The ranges of one end, wherever in the rule they stand. */
static int get_ranges(const struct nlattr *nest, int type, struct vfw_range *ranges, u8 *n,
		      u32 number, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[VFW_A_RANGE_MAX + 1];
	const struct nlattr *at;
	int rem, err;

	nla_for_each_nested(at, nest, rem) {
		if (nla_type(at) != type)
			continue;
		if (*n == VFW_RANGES_MAX)
			return refuse(extack, at, number, "too many ranges of ports");
		err = nla_parse_nested(tb, VFW_A_RANGE_MAX, at, vfw_range_nl_policy, extack);
		if (err)
			return err;
		if (NL_REQ_ATTR_CHECK(extack, at, tb, VFW_A_RANGE_FIRST))
			return refuse(extack, at, number, "a range of ports has no first port");
		ranges[*n].first = nla_get_u32(tb[VFW_A_RANGE_FIRST]);
		ranges[*n].last = ranges[*n].first;
		if (tb[VFW_A_RANGE_LAST])
			ranges[*n].last = nla_get_u32(tb[VFW_A_RANGE_LAST]);
		if (ranges[*n].first > ranges[*n].last)
			return refuse(extack, at, number,
				      "the first port of a range is above its last");
		(*n)++;
	}
	return 0;
}

/* @addr and @prefix may be NULL, when the attribute was not given. */
static int get_addr(const struct nlattr *addr, const struct nlattr *prefix, struct vfw_rule *rule,
		    bool local, u32 number, struct netlink_ext_ack *extack)
{
	union vfw_addr *to = local ? &rule->local : &rule->remote;
	u8 bits, family;

	if (!addr)
		return prefix ? refuse(extack, prefix, number, "a prefix without an address") : 0;
	if (nla_len(addr) != sizeof(to->v4) && nla_len(addr) != sizeof(to->v6))
		return refuse(extack, addr, number, "an address has 4 or 16 bytes");
	family = nla_len(addr) == sizeof(to->v4) ? VFW_FAMILY_IPV4 : VFW_FAMILY_IPV6;
	if (rule->family != VFW_FAMILY_ANY && rule->family != family)
		return refuse(extack, addr, number, "the address is of another family");
	rule->family = family;

	memcpy(to, nla_data(addr), nla_len(addr));
	bits = prefix ? nla_get_u32(prefix) : 8 * nla_len(addr);
	if (local)
		rule->local_prefix = bits;
	else
		rule->remote_prefix = bits;
	rule->flags |= local ? VFW_STATE_RULE_LOCAL : VFW_STATE_RULE_REMOTE;
	return 0;
}

static int get_addrs(struct nlattr **tb, struct vfw_rule *rule, u32 number,
		     struct netlink_ext_ack *extack)
{
	int err;

	err = get_addr(tb[VFW_A_RULE_LOCAL], tb[VFW_A_RULE_LOCAL_PREFIX], rule, true, number,
		       extack);
	if (err)
		return err;
	return get_addr(tb[VFW_A_RULE_REMOTE], tb[VFW_A_RULE_REMOTE_PREFIX], rule, false, number,
			extack);
}

static void get_u8(const struct nlattr *attr, u8 *field)
{
	if (attr)
		*field = nla_get_u32(attr);
}

/* A field that the rule need not have, and the flag that tells that it has. */
static void get_match(const struct nlattr *attr, u8 *field, struct vfw_rule *rule, u8 flag)
{
	get_u8(attr, field);
	if (attr)
		rule->flags |= flag;
}

static int get_fields(struct nlattr **tb, struct vfw_rule *rule, u32 number,
		      struct netlink_ext_ack *extack)
{
	get_u8(tb[VFW_A_RULE_ACTION], &rule->action);
	get_u8(tb[VFW_A_RULE_DIRECTION], &rule->direction);
	get_u8(tb[VFW_A_RULE_FAMILY], &rule->family);
	if (tb[VFW_A_RULE_STATELESS])
		rule->flags |= VFW_STATE_RULE_STATELESS;
	get_match(tb[VFW_A_RULE_PROTOCOL], &rule->protocol, rule, VFW_STATE_RULE_PROTOCOL);
	get_match(tb[VFW_A_RULE_ICMP_TYPE], &rule->icmp_type, rule, VFW_STATE_RULE_ICMP_TYPE);
	get_match(tb[VFW_A_RULE_ICMP_CODE], &rule->icmp_code, rule, VFW_STATE_RULE_ICMP_CODE);

	if (tb[VFW_A_RULE_TCP_FLAGS_MASK] && !tb[VFW_A_RULE_TCP_FLAGS])
		return refuse(extack, tb[VFW_A_RULE_TCP_FLAGS_MASK], number,
			      "a mask of TCP flags without TCP flags");
	get_match(tb[VFW_A_RULE_TCP_FLAGS], &rule->tcp_flags, rule, VFW_STATE_RULE_TCP_FLAGS);
	rule->tcp_flags_mask = rule->tcp_flags;
	get_u8(tb[VFW_A_RULE_TCP_FLAGS_MASK], &rule->tcp_flags_mask);

	if (tb[VFW_A_RULE_COMMENT])
		rule->comment = nla_data(tb[VFW_A_RULE_COMMENT]);
	/* An empty one is none. */
	if (rule->comment && !*rule->comment)
		rule->comment = NULL;
	return get_addrs(tb, rule, number, extack);
}

/* What only makes sense in a reply. */
static int check_given(const struct nlattr *nest, struct nlattr **tb, u32 number,
		       struct netlink_ext_ack *extack)
{
	if (tb[VFW_A_RULE_PACKETS])
		return refuse(extack, tb[VFW_A_RULE_PACKETS], number, "counters cannot be set");
	if (tb[VFW_A_RULE_BYTES])
		return refuse(extack, tb[VFW_A_RULE_BYTES], number, "counters cannot be set");
	if (tb[VFW_A_RULE_NUMBER] && nla_get_u32(tb[VFW_A_RULE_NUMBER]) != number)
		return refuse(extack, tb[VFW_A_RULE_NUMBER], number,
			      "this is its place, not what its number says");
	if (NL_REQ_ATTR_CHECK(extack, nest, tb, VFW_A_RULE_ACTION))
		return refuse(extack, nest, number, "the action is missing");
	return 0;
}

/**
 * vfw_nl_add_rule() - add a rule to a policy that is being loaded
 * @policy: not sealed yet
 * @nest: the rule's attributes
 * @extack: for the reason of a refusal, and where in the message it lies
 *
 * Context: process; may sleep.
 * Return: 0 or a negative error.
 */
int vfw_nl_add_rule(struct vfw_policy *policy, const struct nlattr *nest,
		    struct netlink_ext_ack *extack)
{
	struct vfw_range ranges[2 * VFW_RANGES_MAX];
	struct nlattr *tb[VFW_A_RULE_MAX + 1];
	u32 number = policy->n_rules + 1;
	struct vfw_rule rule = {
		.direction = VFW_DIRECTION_BOTH,
		.ranges = ranges,
	};
	const char *why;
	int err, attr;

	err = nla_parse_nested(tb, VFW_A_RULE_MAX, nest, vfw_rule_nl_policy, extack);
	if (err)
		return err;
	err = check_given(nest, tb, number, extack);
	if (err)
		return err;
	err = get_fields(tb, &rule, number, extack);
	if (err)
		return err;
	err = get_ranges(nest, VFW_A_RULE_LOCAL_PORTS, ranges, &rule.local_ranges, number, extack);
	if (err)
		return err;
	err = get_ranges(nest, VFW_A_RULE_REMOTE_PORTS, ranges + rule.local_ranges,
			 &rule.remote_ranges, number, extack);
	if (err)
		return err;

	why = vfw_rule_check(&rule, &attr);
	if (why)
		return refuse(extack, tb[attr] ? tb[attr] : nest, number, why);
	err = vfw_policy_add_rule(policy, &rule);
	if (err == -E2BIG)
		NL_SET_ERR_MSG_FMT_MOD(extack, "a policy has at most %u rules", VFW_RULES_MAX);
	else if (err)
		NL_SET_ERR_MSG_FMT_MOD(extack, "no memory for rule %u", number);
	return err;
}

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
 * @epoch: policy epoch of the rules; flows judged in another one do not count
 * @first: number of the first rule
 * @n: how many rules
 * @sums: one for each
 */
struct sums {
	u32 epoch;
	u32 first;
	u32 n;
	struct rule_sum *sums;
};

static int add_flow(struct vfw_flow *flow, void *arg)
{
	const struct vfw_flow_counters *counters = vfw_flow_counters(flow);
	struct sums *sums = arg;
	u32 i = vfw_flow_origin(flow)->rule - sums->first;

	/* Rule 0 is the default verdict, and before any first rule. */
	if (flow->epoch != sums->epoch || i >= sums->n)
		return 0;
	sums->sums[i].packets += counters->packets[0] + counters->packets[1];
	sums->sums[i].bytes += counters->bytes[0] + counters->bytes[1];
	return 0;
}

/*
 * The rules' own counters are read first: a flow that ends meanwhile is missed this once, which
 * is better than counted twice.
 */
static void sum_up(struct vfw_vm *vm, const struct vfw_policy *policy, struct sums *sums)
{
	struct vfw_flow_cursor cursor = {};
	const struct vfw_rule *rule;
	u32 i;

	for (i = 0; i < sums->n; i++) {
		rule = &policy->rules[sums->first - 1 + i];
		sums->sums[i].packets = atomic64_read(&rule->packets);
		sums->sums[i].bytes = atomic64_read(&rule->bytes);
	}
	vfw_flow_walk(rcu_dereference_protected(vm->flows, lockdep_is_held(&vm->vn->lock)),
		      &cursor, add_flow, sums);
}

static struct vfw_policy *vm_policy(struct vfw_vm *vm)
{
	return rcu_dereference_protected(vm->policy, lockdep_is_held(&vm->vn->lock));
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

static int get_rule(struct genl_info *info, struct vfw_vm *vm)
{
	struct vfw_policy *policy = vm_policy(vm);
	struct rule_sum sum;
	struct sums sums = { .n = 1, .sums = &sum };
	struct sk_buff *skb;
	int number, err;
	void *hdr;

	number = wanted_rule(info, policy);
	if (number < 0)
		return number;
	skb = vfw_nl_reply_new(info, &hdr);
	if (!skb)
		return -ENOMEM;
	sums.epoch = policy->epoch;
	sums.first = number;
	sum_up(vm, policy, &sums);
	err = nla_put_u32(skb, VFW_A_POLICY_EPOCH, policy->epoch);
	if (!err)
		err = put_rule(skb, &policy->rules[number - 1], number, &sum);
	return vfw_nl_reply_send(info, skb, hdr, err);
}

int vfw_nl_rule_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfw_net *vn = vfw_net(genl_info_net(info));
	struct vfw_vm *vm;
	int err;

	mutex_lock(&vn->lock);
	vm = vfw_nl_vm(info, VFW_A_POLICY_VM);
	err = IS_ERR(vm) ? PTR_ERR(vm) : get_rule(info, vm);
	mutex_unlock(&vn->lock);
	return err;
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

static int start_dump(struct netlink_callback *cb)
{
	struct rule_dump *dump = (struct rule_dump *)cb->ctx;
	const struct vfw_policy *policy;
	struct sums sums = { .first = 1 };
	struct vfw_vm *vm;
	int err;

	err = vfw_nl_dump_vm(cb, VFW_A_POLICY_VM, true, &vm);
	if (err)
		return err;
	policy = vm_policy(vm);
	dump->vm_id = vm->id;
	dump->next = 1;
	if (!policy || !policy->n_rules)
		return 0;

	sums.sums = kvcalloc(policy->n_rules, sizeof(*sums.sums), GFP_KERNEL_ACCOUNT);
	if (!sums.sums) {
		NL_SET_ERR_MSG_MOD(cb->extack, "no memory for the rules' counters");
		return -ENOMEM;
	}
	sums.epoch = policy->epoch;
	sums.n = policy->n_rules;
	sum_up(vm, policy, &sums);
	dump->sums = sums.sums;
	dump->n_sums = sums.n;
	dump->epoch = sums.epoch;
	return 0;
}

/**
 * vfw_nl_rule_get_start() - begin to list rules: sum up their counters
 * @cb: the dump
 *
 * All counters are of one moment, and the flows are walked once, however long the list is.
 *
 * Return: 0 or a negative error.
 */
int vfw_nl_rule_get_start(struct netlink_callback *cb)
{
	struct vfw_net *vn = vfw_net(sock_net(cb->skb->sk));
	int err;

	err = vfw_nl_dump_refuse(cb, VFW_A_POLICY_RULE_NUMBER);
	if (err)
		return err;
	mutex_lock(&vn->lock);
	err = start_dump(cb);
	mutex_unlock(&vn->lock);
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
	cb->seq = vm->epoch;
	policy = vm_policy(vm);
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
