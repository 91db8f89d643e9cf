/* SPDX-License-Identifier: GPL-2.0 */
/* A policy to and from the kernel. */
#ifndef VFW_POLICY_NL_H
#define VFW_POLICY_NL_H

#include "nl.h"
#include "policy.h"

/* policy_nl.c: a policy as attributes, and back */
void policy_nl_put(struct nl_msg *request, const struct policy *policy);
bool policy_nl_put_rule(struct nl_msg *request, const struct policy *policy,
			const struct policy_rule *rule);
int policy_nl_get(struct policy *policy, const struct vnl_reply *reply);
int policy_nl_get_rules(struct policy *policy, const struct vnl_reply *reply);

/* policy_load.c: the transaction that puts a policy in force */
struct policy_target {
	__u8 vm[VFW_UUID_LEN];
	bool epoch_given;
	__u32 epoch;
};

int policy_load(const struct policy *policy, const struct policy_source *source,
		const struct policy_target *target);

#endif /* VFW_POLICY_NL_H */
