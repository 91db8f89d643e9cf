// SPDX-License-Identifier: GPL-2.0
/*
 * Rules over netlink, as policy-add gives them. What shows them is in netlink_rule_get.c.
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
