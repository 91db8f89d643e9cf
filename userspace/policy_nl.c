// SPDX-License-Identifier: GPL-2.0
/* A policy as netlink attributes, and back. */
#include "policy_nl.h"

#include <string.h>

static void put_numbers(struct nl_msg *request, int type,
			const struct policy_number *all,
			const struct policy_numbers *numbers)
{
	struct nlattr *nest;

	if (!request || !numbers->given)
		return;
	nest = nla_nest_start(request, type);
	for (; all->name; all++)
		if (numbers->given & POLICY_BIT(all->attr))
			vnl_put_u32(request, all->attr,
				    numbers->value[all->attr]);
	nla_nest_end(request, nest);
}

/**
 * policy_nl_put() - Put all of a policy but its rules
 * @request: a policy-begin with room for a page, or NULL
 * @policy: the policy
 */
void policy_nl_put(struct nl_msg *request, const struct policy *policy)
{
	vnl_put_u32(request, VFW_A_POLICY_DEFAULT_IN, policy->default_in);
	vnl_put_u32(request, VFW_A_POLICY_DEFAULT_OUT, policy->default_out);
	put_numbers(request, VFW_A_POLICY_LIMITS, policy_limits,
		    &policy->limits);
	put_numbers(request, VFW_A_POLICY_TIMEOUTS, policy_timeouts,
		    &policy->timeouts);
	vnl_put_u32(request, VFW_A_POLICY_RULES, policy->rule_count);
}

/* A rule's number, if the rule has it. */
static int put_given(struct nl_msg *request, const struct policy_rule *rule,
		     int attr, __u32 value)
{
	if (!(rule->given & POLICY_BIT(attr)))
		return 0;
	return nla_put_u32(request, attr, value);
}

static int put_prefix(struct nl_msg *request, int attr, int len_attr,
		      const struct policy_prefix *prefix)
{
	if (!prefix->family)
		return 0;
	return nla_put(request, attr, policy_family_bits(prefix->family) / 8,
		       prefix->addr) ||
	       nla_put_u32(request, len_attr, prefix->len);
}

static int put_ports(struct nl_msg *request, int attr,
		     const struct policy *policy,
		     const struct policy_ports *ports)
{
	const struct policy_range *range;
	struct nlattr *nest;
	__u32 i;

	for (i = 0; i < ports->count; i++) {
		range = &policy->ranges[ports->at + i];
		nest = nla_nest_start(request, attr);
		if (!nest ||
		    nla_put_u32(request, VFW_A_RANGE_FIRST, range->first) ||
		    nla_put_u32(request, VFW_A_RANGE_LAST, range->last))
			return -1;
		nla_nest_end(request, nest);
	}
	return 0;
}

static int put_attrs(struct nl_msg *request, const struct policy *policy,
		     const struct policy_rule *rule)
{
	bool stateless = rule->given & POLICY_BIT(VFW_A_RULE_STATELESS);
	bool comment = rule->given & POLICY_BIT(VFW_A_RULE_COMMENT);

	return nla_put_u32(request, VFW_A_RULE_DIRECTION, rule->direction) ||
	       nla_put_u32(request, VFW_A_RULE_ACTION, rule->action) ||
	       put_given(request, rule, VFW_A_RULE_FAMILY, rule->family) ||
	       (stateless && nla_put_flag(request, VFW_A_RULE_STATELESS)) ||
	       put_prefix(request, VFW_A_RULE_LOCAL, VFW_A_RULE_LOCAL_PREFIX,
			  &rule->local) ||
	       put_prefix(request, VFW_A_RULE_REMOTE, VFW_A_RULE_REMOTE_PREFIX,
			  &rule->remote) ||
	       put_given(request, rule, VFW_A_RULE_PROTOCOL, rule->protocol) ||
	       put_ports(request, VFW_A_RULE_LOCAL_PORTS, policy,
			 &rule->local_ports) ||
	       put_ports(request, VFW_A_RULE_REMOTE_PORTS, policy,
			 &rule->remote_ports) ||
	       put_given(request, rule, VFW_A_RULE_ICMP_TYPE, rule->icmp_type) ||
	       put_given(request, rule, VFW_A_RULE_ICMP_CODE, rule->icmp_code) ||
	       put_given(request, rule, VFW_A_RULE_TCP_FLAGS, rule->tcp_flags) ||
	       put_given(request, rule, VFW_A_RULE_TCP_FLAGS_MASK,
			 rule->tcp_mask) ||
	       (comment && nla_put_string(request, VFW_A_RULE_COMMENT,
					  policy->text + rule->comment));
}

/**
 * policy_nl_put_rule() - Put a rule, if there is room for it
 * @request: a policy-add
 * @policy: the policy
 * @rule: a rule of it
 *
 * Return: whether it fitted; if not, @request is as it was.
 */
bool policy_nl_put_rule(struct nl_msg *request, const struct policy *policy,
			const struct policy_rule *rule)
{
	struct nlattr *nest = nla_nest_start(request, VFW_A_POLICY_RULE);

	if (!nest)
		return false;
	if (put_attrs(request, policy, rule)) {
		nla_nest_cancel(request, nest);
		return false;
	}
	nla_nest_end(request, nest);
	return true;
}

/* A number of the kernel's, 0 where it is missing; false beyond @max. */
static bool get_u8(struct nlattr *const *attrs, int attr, __u32 max,
		   __u8 *field, __u32 *given)
{
	__u32 value;

	if (!attrs[attr])
		return true;
	value = nla_get_u32(attrs[attr]);
	*field = value;
	*given |= POLICY_BIT(attr);
	return value <= max;
}

static bool get_numbers(const struct spec_set *set, const struct nlattr *nest,
			const struct policy_number *all,
			struct policy_numbers *numbers)
{
	struct nlattr *attrs[SPEC_ATTRS];

	if (!spec_parse_nested(set, attrs, nest))
		return false;
	for (; all->name; all++) {
		if (!attrs[all->attr])
			continue;
		numbers->value[all->attr] = nla_get_u32(attrs[all->attr]);
		numbers->given |= POLICY_BIT(all->attr);
	}
	return true;
}

/**
 * policy_nl_get() - Take all of a policy but its rules
 * @policy: an empty policy to fill
 * @reply: to a policy-get
 *
 * Return: DONE or FAILED.
 */
int policy_nl_get(struct policy *policy, const struct vnl_reply *reply)
{
	struct nlattr *const *attrs = reply->attrs;
	__u32 given = 0;

	policy->in_force = true;
	if (attrs[VFW_A_POLICY_EPOCH])
		policy->epoch = nla_get_u32(attrs[VFW_A_POLICY_EPOCH]);
	if (attrs[VFW_A_POLICY_MEMORY])
		policy->memory = nla_get_u64(attrs[VFW_A_POLICY_MEMORY]);
	if (get_u8(attrs, VFW_A_POLICY_DEFAULT_IN, VFW_ACTION_REJECT,
		   &policy->default_in, &given) &&
	    get_u8(attrs, VFW_A_POLICY_DEFAULT_OUT, VFW_ACTION_REJECT,
		   &policy->default_out, &given) &&
	    get_numbers(&spec_limits, attrs[VFW_A_POLICY_LIMITS], policy_limits,
			&policy->limits) &&
	    get_numbers(&spec_timeouts, attrs[VFW_A_POLICY_TIMEOUTS],
			policy_timeouts, &policy->timeouts))
		return DONE;
	return fail("the kernel's policy has values this tool does not know");
}

static bool get_prefix(struct nlattr *const *attrs, int attr, int len_attr,
		       struct policy_prefix *prefix, __u32 *given)
{
	unsigned int bytes, bits;

	if (!attrs[attr])
		return true;
	/* 4 or 16, as the spec's table has been held against it. */
	bytes = nla_len(attrs[attr]);
	memcpy(prefix->addr, nla_data(attrs[attr]), bytes);
	prefix->family = bytes == 4 ? VFW_FAMILY_IPV4 : VFW_FAMILY_IPV6;
	bits = policy_family_bits(prefix->family);
	prefix->len = bits;
	*given |= POLICY_BIT(attr) | POLICY_BIT(len_attr);
	return get_u8(attrs, len_attr, bits, &prefix->len, given);
}

/* A port set's ranges, one attribute each. */
static bool get_ports(struct policy *policy, const struct nlattr *nest,
		      int type, struct policy_ports *ports, __u32 *given)
{
	struct nlattr *range[SPEC_ATTRS];
	const struct nlattr *attr;
	__u32 first, last;
	int rest;

	nla_for_each_nested(attr, (struct nlattr *)nest, rest) {
		if (nla_type(attr) != type)
			continue;
		if (!spec_parse_nested(&spec_range, range, attr) ||
		    !range[VFW_A_RANGE_FIRST])
			return false;
		first = nla_get_u32(range[VFW_A_RANGE_FIRST]);
		last = first;
		if (range[VFW_A_RANGE_LAST])
			last = nla_get_u32(range[VFW_A_RANGE_LAST]);
		if (first > last || last > 65535)
			return false;
		policy_range_add(policy, ports, first, last);
		*given |= POLICY_BIT(type);
	}
	return true;
}

static bool get_fields(struct policy_rule *rule, struct nlattr *const *attrs)
{
	__u32 *given = &rule->given;

	if (attrs[VFW_A_RULE_STATELESS])
		*given |= POLICY_BIT(VFW_A_RULE_STATELESS);
	if (attrs[VFW_A_RULE_PACKETS])
		rule->packets = nla_get_u64(attrs[VFW_A_RULE_PACKETS]);
	if (attrs[VFW_A_RULE_BYTES])
		rule->bytes = nla_get_u64(attrs[VFW_A_RULE_BYTES]);
	return get_u8(attrs, VFW_A_RULE_DIRECTION, VFW_DIRECTION_BOTH,
		      &rule->direction, given) &&
	       get_u8(attrs, VFW_A_RULE_FAMILY, VFW_FAMILY_IPV6,
		      &rule->family, given) &&
	       get_u8(attrs, VFW_A_RULE_ACTION, VFW_ACTION_REJECT,
		      &rule->action, given) &&
	       get_u8(attrs, VFW_A_RULE_PROTOCOL, 255, &rule->protocol, given) &&
	       get_u8(attrs, VFW_A_RULE_ICMP_TYPE, 255, &rule->icmp_type, given) &&
	       get_u8(attrs, VFW_A_RULE_ICMP_CODE, 255, &rule->icmp_code, given) &&
	       get_u8(attrs, VFW_A_RULE_TCP_FLAGS, 255, &rule->tcp_flags, given) &&
	       get_u8(attrs, VFW_A_RULE_TCP_FLAGS_MASK, 255, &rule->tcp_mask,
		      given) &&
	       get_prefix(attrs, VFW_A_RULE_LOCAL, VFW_A_RULE_LOCAL_PREFIX,
			  &rule->local, given) &&
	       get_prefix(attrs, VFW_A_RULE_REMOTE, VFW_A_RULE_REMOTE_PREFIX,
			  &rule->remote, given);
}

static void get_comment(struct policy *policy, struct policy_rule *rule,
			const struct nlattr *attr)
{
	char text[VFW_COMMENT_MAX];
	size_t len;

	if (!attr)
		return;
	len = strnlen(nla_data(attr), nla_len(attr));
	if (len > sizeof(text))
		len = sizeof(text);
	memcpy(text, nla_data(attr), len);
	policy_comment_set(policy, rule, text, policy_text_clean(text, len));
}

static bool get_rule(struct policy *policy, const struct nlattr *nest)
{
	struct nlattr *attrs[SPEC_ATTRS];
	struct policy_rule *rule;

	if (!spec_parse_nested(&spec_rule, attrs, nest))
		return false;
	rule = policy_rule_add(policy);
	if (!rule || !get_fields(rule, attrs) ||
	    !get_ports(policy, nest, VFW_A_RULE_LOCAL_PORTS,
		       &rule->local_ports, &rule->given) ||
	    !get_ports(policy, nest, VFW_A_RULE_REMOTE_PORTS,
		       &rule->remote_ports, &rule->given))
		return false;
	get_comment(policy, rule, attrs[VFW_A_RULE_COMMENT]);
	return true;
}

/**
 * policy_nl_get_rules() - Append the rules in a message
 * @policy: the policy
 * @reply: to a rule-get
 *
 * Return: DONE or FAILED.
 */
int policy_nl_get_rules(struct policy *policy, const struct vnl_reply *reply)
{
	const struct nlattr *attr;
	int rest;

	nla_for_each_attr(attr, reply->head, reply->length, rest)
		if (nla_type(attr) == VFW_A_POLICY_RULE &&
		    !get_rule(policy, attr))
			return fail("the kernel's rule %zu has values this tool does not know",
				    policy->rule_count);
	return DONE;
}
