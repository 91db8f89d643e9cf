// SPDX-License-Identifier: GPL-2.0
/* A policy in its canonical text form, which policy_file.c reads again. */
#include <netinet/in.h>

#include "policy.h"

static void print_word(FILE *out, const struct policy_word *words,
		       unsigned int value)
{
	const char *name = policy_word_name(words, value);

	if (name)
		fprintf(out, " %s", name);
	else
		fprintf(out, " %u", value);
}

static void print_limits(const struct policy_numbers *limits, FILE *out)
{
	const struct policy_number *number;

	for (number = policy_limits; number->name; number++) {
		__u32 value = limits->value[number->attr];

		if (!(limits->given & POLICY_BIT(number->attr)))
			continue;
		if (number->attr == VFW_A_LIMITS_PICK_UP)
			fprintf(out, "%s %s\n", number->name,
				value ? "on" : "off");
		else
			fprintf(out, "limit %s %u\n", number->name, value);
	}
}

static void print_timeouts(const struct policy_numbers *timeouts, FILE *out)
{
	const struct policy_number *number;
	char buf[24];

	for (number = policy_timeouts; number->name; number++)
		if (timeouts->given & POLICY_BIT(number->attr))
			fprintf(out, "timeout %s %s\n", number->name,
				policy_duration_print(timeouts->value[number->attr],
						      buf, sizeof(buf)));
}

static bool has(const struct policy_rule *rule, int attr)
{
	return rule->given & POLICY_BIT(attr);
}

static void print_flag_list(FILE *out, __u8 flags)
{
	const struct policy_word *word;
	const char *between = "";

	for (word = policy_tcp_flags; word->name; word++) {
		if (!(flags & word->value))
			continue;
		fprintf(out, "%s%s", between, word->name);
		between = ",";
	}
	if (!flags)
		fputs("none", out);
}

/* The family is said only where nothing else says it. */
static void print_family(const struct policy_rule *rule, FILE *out)
{
	bool icmp = has(rule, VFW_A_RULE_PROTOCOL) &&
		    policy_icmp_types(rule->protocol);

	if (rule->family == VFW_FAMILY_ANY || rule->remote.family ||
	    rule->local.family || icmp)
		return;
	print_word(out, policy_families, rule->family);
}

static void print_peer(const struct policy *policy, const char *name,
		       const struct policy_prefix *prefix,
		       const struct policy_ports *ports, FILE *out)
{
	const struct policy_range *range;
	char buf[INET6_ADDRSTRLEN];
	__u32 i;

	if (!prefix->family && !ports->count)
		return;
	fprintf(out, " %s", name);
	if (prefix->family) {
		fprintf(out, " %s", policy_addr_print(prefix, buf, sizeof(buf)));
		if (prefix->len != policy_family_bits(prefix->family))
			fprintf(out, "/%u", prefix->len);
	}
	for (i = 0; i < ports->count; i++) {
		range = &policy->ranges[ports->at + i];
		fprintf(out, "%s %u", i ? "," : " port", range->first);
		if (range->last != range->first)
			fprintf(out, "-%u", range->last);
	}
}

static void print_comment(const char *text, FILE *out)
{
	fputs(" comment \"", out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_rule(const struct policy *policy,
		       const struct policy_rule *rule, FILE *out)
{
	const struct policy_word *types = policy_icmp_types(rule->protocol);

	fputs(policy_word_name(policy_actions, rule->action), out);
	print_word(out, policy_directions, rule->direction);
	print_family(rule, out);
	if (has(rule, VFW_A_RULE_PROTOCOL))
		print_word(out, policy_protocols, rule->protocol);
	if (has(rule, VFW_A_RULE_STATELESS))
		fputs(" stateless", out);
	if (has(rule, VFW_A_RULE_TCP_FLAGS)) {
		fputs(" flags ", out);
		print_flag_list(out, rule->tcp_flags);
		fputc('/', out);
		print_flag_list(out, rule->tcp_mask);
	}
	if (has(rule, VFW_A_RULE_ICMP_TYPE) && types) {
		fputs(" type", out);
		print_word(out, types, rule->icmp_type);
	}
	if (has(rule, VFW_A_RULE_ICMP_CODE))
		fprintf(out, " code %u", rule->icmp_code);
	print_peer(policy, "remote", &rule->remote, &rule->remote_ports, out);
	print_peer(policy, "local", &rule->local, &rule->local_ports, out);
	if (has(rule, VFW_A_RULE_COMMENT))
		print_comment(policy->text + rule->comment, out);
}

/**
 * policy_print() - Write a policy in its text form
 * @policy: the policy
 * @counters: with the rules' packets and bytes, as comments
 * @out: where to
 */
void policy_print(const struct policy *policy, bool counters, FILE *out)
{
	const struct policy_rule *rule = policy->rules;
	size_t i;

	fprintf(out, "default in %s\ndefault out %s\n",
		policy_word_name(policy_actions, policy->default_in),
		policy_word_name(policy_actions, policy->default_out));
	print_limits(&policy->limits, out);
	print_timeouts(&policy->timeouts, out);
	for (i = 0; i < policy->rule_count; i++, rule++) {
		print_rule(policy, rule, out);
		if (counters)
			fprintf(out, " # packets %llu bytes %llu",
				rule->packets, rule->bytes);
		fputc('\n', out);
	}
}
