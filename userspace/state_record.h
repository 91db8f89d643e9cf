/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records of a snapshot as the attributes in which the kernel would send the same, so that one
 * thing has one look wherever it comes from. The message is emptied first; it is no request.
 */
#ifndef VFW_NL_STATE_RECORD_H
#define VFW_NL_STATE_RECORD_H

#include "nl.h"

#include <linux/vfw_state.h>

/* Room for any of them. */
#define RECORD_SIZE 16384

void record_policy(struct nl_msg *message, const struct vfw_state_policy *policy);
void record_rule(struct nl_msg *message, const struct vfw_state_rule *rule, __u32 number);
void record_stats(struct nl_msg *message, const struct vfw_state_stats *stats);
void record_flow(struct nl_msg *message, const struct vfw_state_flow *flow, __u32 family);
void record_flow_tagged(struct nl_msg *message, const struct vfw_state_flow_tagged *flow);
void record_reply(struct nl_msg *message, __u8 command, struct vnl_reply *reply);

#endif /* VFW_NL_STATE_RECORD_H */
