// SPDX-License-Identifier: GPL-2.0
/* The policy in memory: its making, growth and end. */
#include <stdlib.h>
#include <string.h>

#include "policy.h"

/*
 * Room for @more elements behind the @count there are. Grows by half, so that
 * n additions cost O(n). The tool cannot do anything useful without memory,
 * and the kernel forgets an unfinished load when the socket closes.
 */
static void *grow(void *array, size_t count, size_t *room, size_t more,
		  size_t size)
{
	size_t want = *room;

	if (count + more <= want)
		return array;
	want += want / 2 + more + 64;
	array = reallocarray(array, want, size);
	if (!array) {
		fputs("vfw-nl: out of memory\n", stderr);
		exit(1);
	}
	*room = want;
	return array;
}

/**
 * policy_init() - Make a policy that drops all and has no rules
 * @policy: what to make it in; end with policy_free()
 */
void policy_init(struct policy *policy)
{
	memset(policy, 0, sizeof(*policy));
	policy->default_in = VFW_ACTION_DROP;
	policy->default_out = VFW_ACTION_DROP;
}

/**
 * policy_free() - Give back a policy's memory
 * @policy: the policy; it is empty afterwards
 */
void policy_free(struct policy *policy)
{
	free(policy->rules);
	free(policy->ranges);
	free(policy->text);
	policy_init(policy);
}

/**
 * policy_rule_add() - Append a rule that matches all and drops
 * @policy: the policy
 *
 * Return: the rule, good until the next is added; NULL when the policy has
 * VFW_RULES_MAX rules.
 */
struct policy_rule *policy_rule_add(struct policy *policy)
{
	struct policy_rule *rule;

	if (policy->rule_count == VFW_RULES_MAX)
		return NULL;
	policy->rules = grow(policy->rules, policy->rule_count,
			     &policy->rule_room, 1, sizeof(*rule));
	rule = &policy->rules[policy->rule_count++];
	memset(rule, 0, sizeof(*rule));
	rule->direction = VFW_DIRECTION_BOTH;
	rule->action = VFW_ACTION_DROP;
	return rule;
}

/**
 * policy_range_add() - Append a range to a port set
 * @policy: the policy
 * @ports: a set of the rule added last, and the set of it begun last
 * @first: lowest port
 * @last: highest port
 */
void policy_range_add(struct policy *policy, struct policy_ports *ports,
		      __u16 first, __u16 last)
{
	struct policy_range *range;

	policy->ranges = grow(policy->ranges, policy->range_count,
			      &policy->range_room, 1, sizeof(*range));
	if (!ports->count)
		ports->at = policy->range_count;
	range = &policy->ranges[policy->range_count++];
	range->first = first;
	range->last = last;
	ports->count++;
}

/**
 * policy_comment_set() - Give a rule its comment
 * @policy: the policy
 * @rule: a rule of it
 * @text: the comment, UTF-8 without control characters, not terminated
 * @len: bytes in it; with none the rule has no comment
 */
void policy_comment_set(struct policy *policy, struct policy_rule *rule,
			const char *text, size_t len)
{
	if (!len)
		return;
	policy->text = grow(policy->text, policy->text_count,
			    &policy->text_room, len + 1, 1);
	rule->comment = policy->text_count;
	rule->given |= POLICY_BIT(VFW_A_RULE_COMMENT);
	memcpy(policy->text + policy->text_count, text, len);
	policy->text[policy->text_count + len] = '\0';
	policy->text_count += len + 1;
}

static void forget(struct policy_numbers *numbers,
		   const struct policy_number *all)
{
	for (; all->name; all++)
		if (numbers->value[all->attr] == all->preset)
			numbers->given &= ~POLICY_BIT(all->attr);
}

/**
 * policy_forget_defaults() - Leave out limits and timeouts that are the default
 * @policy: a policy that has all of them
 */
void policy_forget_defaults(struct policy *policy)
{
	struct policy_numbers *limits = &policy->limits;
	__u32 half_open = limits->value[VFW_A_LIMITS_HALF_OPEN];
	__u32 quarter = limits->value[VFW_A_LIMITS_FLOWS] / 4;
	__u32 bit = POLICY_BIT(VFW_A_LIMITS_HALF_OPEN);
	__u32 had = limits->given & bit;

	forget(limits, policy_limits);
	forget(&policy->timeouts, policy_timeouts);

	/* This default follows another limit. */
	limits->given &= ~bit;
	if (half_open != (quarter ? quarter : 1))
		limits->given |= had;
}
