/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vfw.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: make regen */

#ifndef _LINUX_VFW_GEN_H
#define _LINUX_VFW_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/vfw.h>

/* Common nested types */
extern const struct nla_policy vfw_hold_nl_policy[VFW_A_HOLD_EXPIRY + 1];
extern const struct nla_policy vfw_limits_nl_policy[VFW_A_LIMITS_FRAGMENT_BYTES + 1];
extern const struct nla_policy vfw_range_nl_policy[VFW_A_RANGE_LAST + 1];
extern const struct nla_policy vfw_rule_nl_policy[VFW_A_RULE_PAD + 1];
extern const struct nla_policy vfw_timeouts_nl_policy[VFW_A_TIMEOUTS_FRAGMENT + 1];

extern const struct nla_policy vfw_vm_new_nl_policy[VFW_A_VM_HOLD_LIMITS + 1];

extern const struct nla_policy vfw_vm_set_nl_policy[VFW_A_VM_NAME + 1];

extern const struct nla_policy vfw_vm_get_nl_policy[VFW_A_VM_UUID + 1];

extern const struct nla_policy vfw_vm_del_nl_policy[VFW_A_VM_MOVED + 1];

extern const struct nla_policy vfw_vm_freeze_nl_policy[VFW_A_VM_UUID + 1];

extern const struct nla_policy vfw_vm_thaw_nl_policy[VFW_A_VM_UUID + 1];

extern const struct nla_policy vfw_port_new_nl_policy[VFW_A_PORT_TRUNK + 1];

extern const struct nla_policy vfw_port_set_nl_policy[VFW_A_PORT_ACCESS + 1];

extern const struct nla_policy vfw_port_get_nl_policy[VFW_A_PORT_NAME + 1];

extern const struct nla_policy vfw_port_del_nl_policy[VFW_A_PORT_NAME + 1];

extern const struct nla_policy vfw_policy_begin_nl_policy[VFW_A_POLICY_RULES + 1];

extern const struct nla_policy vfw_policy_add_nl_policy[VFW_A_POLICY_RULE + 1];

extern const struct nla_policy vfw_policy_commit_nl_policy[VFW_A_POLICY_RULES + 1];

extern const struct nla_policy vfw_policy_abort_nl_policy[VFW_A_POLICY_TRANSACTION + 1];

extern const struct nla_policy vfw_policy_get_nl_policy[VFW_A_POLICY_VM + 1];

extern const struct nla_policy vfw_rule_get_nl_policy[VFW_A_POLICY_RULE_NUMBER + 1];

extern const struct nla_policy vfw_flow_get_nl_policy[VFW_A_FLOW_VLAN_INNER_TYPE + 1];

extern const struct nla_policy vfw_flow_del_nl_policy[VFW_A_FLOW_VLAN_INNER_TYPE + 1];

extern const struct nla_policy vfw_stats_get_nl_policy[VFW_A_STATS_ALL + 1];

extern const struct nla_policy vfw_snapshot_save_nl_policy[VFW_A_SNAPSHOT_VM + 1];

extern const struct nla_policy vfw_restore_begin_nl_policy[VFW_A_SNAPSHOT_HOLD_LIMITS + 1];

extern const struct nla_policy vfw_restore_frame_nl_policy[VFW_A_SNAPSHOT_FRAME + 1];

extern const struct nla_policy vfw_restore_commit_nl_policy[VFW_A_SNAPSHOT_VM + 1];

extern const struct nla_policy vfw_restore_abort_nl_policy[VFW_A_SNAPSHOT_VM + 1];

extern const struct nla_policy vfw_send_begin_nl_policy[VFW_A_SNAPSHOT_VM + 1];

extern const struct nla_policy vfw_send_round_nl_policy[VFW_A_SNAPSHOT_VM + 1];

extern const struct nla_policy vfw_send_end_nl_policy[VFW_A_SNAPSHOT_VM + 1];

/* Ops table for vfw */
extern const struct genl_ops vfw_nl_ops[27];

int vfw_nl_vm_new_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_vm_set_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_vm_get_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_vm_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vfw_nl_vm_del_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_vm_freeze_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_vm_thaw_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_port_new_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_port_set_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_port_get_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_port_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vfw_nl_port_del_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_policy_begin_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_policy_add_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_policy_commit_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_policy_abort_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_policy_get_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_rule_get_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_rule_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vfw_nl_flow_get_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_flow_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vfw_nl_flow_del_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_stats_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vfw_nl_snapshot_save_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_snapshot_save_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int vfw_nl_restore_begin_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_restore_frame_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_restore_commit_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_restore_abort_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_send_begin_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_send_round_doit(struct sk_buff *skb, struct genl_info *info);
int vfw_nl_send_round_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vfw_nl_send_end_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	VFW_NLGRP_EVENTS,
};

#endif /* _LINUX_VFW_GEN_H */
