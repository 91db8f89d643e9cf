// SPDX-License-Identifier: GPL-2.0
/*
 * The JSON form of a policy, written. Each rule is made, written on a line of
 * its own and forgotten, so that memory does not grow with their number.
 */
#include <jansson.h>
#include <netinet/in.h>

#include "policy.h"

static bool has(const struct policy_rule *rule, int attr)
{
	return rule->given & POLICY_BIT(attr);
}

static void put_word(json_t *object, const char *name,
		     const struct policy_word *words, unsigned int value)
{
	json_object_set_new(object, name,
			    json_string(policy_word_name(words, value)));
}

static void put_number(json_t *object, const char *name, __u64 value)
{
	json_object_set_new(object, name, json_integer(value));
}

static json_t *numbers(const struct policy_number *all,
		       const struct policy_numbers *values)
{
	json_t *object = json_object();

	for (; all->name; all++)
		if (values->given & POLICY_BIT(all->attr))
			put_number(object, all->name, values->value[all->attr]);
	return object;
}

static void put_prefix(json_t *object, const char *name, const char *len_name,
		       const struct policy_prefix *prefix)
{
	char buf[INET6_ADDRSTRLEN];

	if (!prefix->family)
		return;
	policy_addr_print(prefix, buf, sizeof(buf));
	json_object_set_new(object, name, json_string(buf));
	put_number(object, len_name, prefix->len);
}

static void put_ports(json_t *object, const char *name,
		      const struct policy *policy,
		      const struct policy_ports *ports)
{
	const struct policy_range *range;
	json_t *array, *member;
	__u32 i;

	if (!ports->count)
		return;
	array = json_array();
	for (i = 0; i < ports->count; i++) {
		range = &policy->ranges[ports->at + i];
		member = json_object();
		put_number(member, "first", range->first);
		put_number(member, "last", range->last);
		json_array_append_new(array, member);
	}
	json_object_set_new(object, name, array);
}

static json_t *rule_object(const struct policy *policy,
			   const struct policy_rule *rule)
{
	json_t *object = json_object();

	put_word(object, "direction", policy_directions, rule->direction);
	if (rule->family != VFW_FAMILY_ANY)
		put_word(object, "family", policy_families, rule->family);
	put_word(object, "action", policy_actions, rule->action);
	if (has(rule, VFW_A_RULE_STATELESS))
		json_object_set_new(object, "stateless", json_true());
	if (has(rule, VFW_A_RULE_PROTOCOL))
		put_number(object, "protocol", rule->protocol);
	put_prefix(object, "remote", "remote-prefix", &rule->remote);
	put_ports(object, "remote-ports", policy, &rule->remote_ports);
	put_prefix(object, "local", "local-prefix", &rule->local);
	put_ports(object, "local-ports", policy, &rule->local_ports);
	if (has(rule, VFW_A_RULE_ICMP_TYPE))
		put_number(object, "icmp-type", rule->icmp_type);
	if (has(rule, VFW_A_RULE_ICMP_CODE))
		put_number(object, "icmp-code", rule->icmp_code);
	if (has(rule, VFW_A_RULE_TCP_FLAGS)) {
		put_number(object, "tcp-flags", rule->tcp_flags);
		put_number(object, "tcp-flags-mask", rule->tcp_mask);
	}
	if (has(rule, VFW_A_RULE_COMMENT))
		json_object_set_new(object, "comment",
				    json_string(policy->text + rule->comment));
	if (policy->in_force) {
		put_number(object, "packets", rule->packets);
		put_number(object, "bytes", rule->bytes);
	}
	return object;
}

/* Writes a value with what goes before it, and forgets it. */
static void write_json(FILE *out, const char *before, json_t *value)
{
	fputs(before, out);
	json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
}

/**
 * policy_json_print() - Write a policy in its JSON form
 * @policy: the policy; of one in force, epoch, memory and counters too
 * @out: where to
 */
void policy_json_print(const struct policy *policy, FILE *out)
{
	const char *before = "\n    ";
	size_t i;

	write_json(out, "{\n  \"default-in\": ",
		   json_string(policy_word_name(policy_actions,
						policy->default_in)));
	write_json(out, ",\n  \"default-out\": ",
		   json_string(policy_word_name(policy_actions,
						policy->default_out)));
	if (policy->limits.given)
		write_json(out, ",\n  \"limits\": ",
			   numbers(policy_limits, &policy->limits));
	if (policy->timeouts.given)
		write_json(out, ",\n  \"timeouts\": ",
			   numbers(policy_timeouts, &policy->timeouts));
	if (policy->in_force) {
		write_json(out, ",\n  \"epoch\": ", json_integer(policy->epoch));
		write_json(out, ",\n  \"memory\": ",
			   json_integer(policy->memory));
	}
	fputs(",\n  \"rules\": [", out);
	for (i = 0; i < policy->rule_count; i++) {
		write_json(out, before, rule_object(policy, &policy->rules[i]));
		before = ",\n    ";
	}
	fputs(policy->rule_count ? "\n  ]\n}\n" : "]\n}\n", out);
}
