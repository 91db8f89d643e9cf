// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vfw.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: make regen */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/vfw.h>

/* Integer value ranges */
static const struct netlink_range_validation vfw_a_hold_packets_range = {
	.min	= 1ULL,
	.max	= 1048576ULL,
};

static const struct netlink_range_validation vfw_a_hold_bytes_range = {
	.min	= 4096ULL,
	.max	= 1073741824ULL,
};

static const struct netlink_range_validation vfw_a_hold_time_range = {
	.min	= 1ULL,
	.max	= 3600000ULL,
};

static const struct netlink_range_validation vfw_a_policy_rule_number_range = {
	.min	= 1ULL,
	.max	= VFW_RULES_MAX,
};

static const struct netlink_range_validation vfw_a_limits_flows_range = {
	.min	= 1ULL,
	.max	= VFW_FLOWS_MAX,
};

static const struct netlink_range_validation vfw_a_limits_half_open_range = {
	.min	= 1ULL,
	.max	= VFW_FLOWS_MAX,
};

static const struct netlink_range_validation vfw_a_limits_source_flows_range = {
	.max	= VFW_FLOWS_MAX,
};

static const struct netlink_range_validation vfw_a_limits_fragment_bytes_range = {
	.max	= VFW_FRAGMENT_BYTES_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_tcp_syn_sent_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_tcp_syn_recv_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_tcp_established_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_tcp_fin_wait_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_tcp_close_wait_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_tcp_last_ack_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_tcp_time_wait_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_tcp_close_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_udp_new_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_udp_stream_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_icmp_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_other_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_sctp_opening_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_sctp_established_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_sctp_closing_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_timeouts_fragment_range = {
	.min	= 1ULL,
	.max	= VFW_TIMEOUT_MAX,
};

static const struct netlink_range_validation vfw_a_range_first_range = {
	.max	= 65535ULL,
};

static const struct netlink_range_validation vfw_a_range_last_range = {
	.max	= 65535ULL,
};

static const struct netlink_range_validation vfw_a_flow_local_port_range = {
	.max	= 65535ULL,
};

static const struct netlink_range_validation vfw_a_flow_remote_port_range = {
	.max	= 65535ULL,
};

static const struct netlink_range_validation vfw_a_flow_vlan_type_range = {
	.max	= 65535ULL,
};

static const struct netlink_range_validation vfw_a_flow_vlan_inner_type_range = {
	.max	= 65535ULL,
};

/* Common nested types */
const struct nla_policy vfw_hold_nl_policy[VFW_A_HOLD_EXPIRY + 1] = {
	[VFW_A_HOLD_PACKETS] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_hold_packets_range),
	[VFW_A_HOLD_BYTES] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_hold_bytes_range),
	[VFW_A_HOLD_TIME] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_hold_time_range),
	[VFW_A_HOLD_EXPIRY] = NLA_POLICY_MAX(NLA_U32, 1),
};

const struct nla_policy vfw_limits_nl_policy[VFW_A_LIMITS_FRAGMENT_BYTES + 1] = {
	[VFW_A_LIMITS_FLOWS] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_limits_flows_range),
	[VFW_A_LIMITS_HALF_OPEN] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_limits_half_open_range),
	[VFW_A_LIMITS_PICK_UP] = NLA_POLICY_MAX(NLA_U32, 1),
	[VFW_A_LIMITS_SOURCE_FLOWS] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_limits_source_flows_range),
	[VFW_A_LIMITS_FRAGMENTS] = NLA_POLICY_RANGE(NLA_U32, 1, VFW_FRAGMENTS_MAX),
	[VFW_A_LIMITS_FRAGMENT_BYTES] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_limits_fragment_bytes_range),
};

const struct nla_policy vfw_range_nl_policy[VFW_A_RANGE_LAST + 1] = {
	[VFW_A_RANGE_FIRST] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_range_first_range),
	[VFW_A_RANGE_LAST] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_range_last_range),
};

const struct nla_policy vfw_rule_nl_policy[VFW_A_RULE_PAD + 1] = {
	[VFW_A_RULE_NUMBER] = { .type = NLA_U32, },
	[VFW_A_RULE_DIRECTION] = NLA_POLICY_MAX(NLA_U32, 2),
	[VFW_A_RULE_FAMILY] = NLA_POLICY_MAX(NLA_U32, 2),
	[VFW_A_RULE_ACTION] = NLA_POLICY_MAX(NLA_U32, 2),
	[VFW_A_RULE_STATELESS] = { .type = NLA_FLAG, },
	[VFW_A_RULE_LOCAL] = NLA_POLICY_MAX_LEN(16),
	[VFW_A_RULE_LOCAL_PREFIX] = NLA_POLICY_MAX(NLA_U32, 128),
	[VFW_A_RULE_REMOTE] = NLA_POLICY_MAX_LEN(16),
	[VFW_A_RULE_REMOTE_PREFIX] = NLA_POLICY_MAX(NLA_U32, 128),
	[VFW_A_RULE_PROTOCOL] = NLA_POLICY_MAX(NLA_U32, 255),
	[VFW_A_RULE_LOCAL_PORTS] = NLA_POLICY_NESTED(vfw_range_nl_policy),
	[VFW_A_RULE_REMOTE_PORTS] = NLA_POLICY_NESTED(vfw_range_nl_policy),
	[VFW_A_RULE_ICMP_TYPE] = NLA_POLICY_MAX(NLA_U32, 255),
	[VFW_A_RULE_ICMP_CODE] = NLA_POLICY_MAX(NLA_U32, 255),
	[VFW_A_RULE_TCP_FLAGS] = NLA_POLICY_MAX(NLA_U32, 255),
	[VFW_A_RULE_TCP_FLAGS_MASK] = NLA_POLICY_RANGE(NLA_U32, 1, 255),
	[VFW_A_RULE_COMMENT] = { .type = NLA_NUL_STRING, .len = VFW_COMMENT_MAX, },
	[VFW_A_RULE_PACKETS] = { .type = NLA_U64, },
	[VFW_A_RULE_BYTES] = { .type = NLA_U64, },
};

const struct nla_policy vfw_timeouts_nl_policy[VFW_A_TIMEOUTS_FRAGMENT + 1] = {
	[VFW_A_TIMEOUTS_TCP_SYN_SENT] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_tcp_syn_sent_range),
	[VFW_A_TIMEOUTS_TCP_SYN_RECV] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_tcp_syn_recv_range),
	[VFW_A_TIMEOUTS_TCP_ESTABLISHED] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_tcp_established_range),
	[VFW_A_TIMEOUTS_TCP_FIN_WAIT] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_tcp_fin_wait_range),
	[VFW_A_TIMEOUTS_TCP_CLOSE_WAIT] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_tcp_close_wait_range),
	[VFW_A_TIMEOUTS_TCP_LAST_ACK] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_tcp_last_ack_range),
	[VFW_A_TIMEOUTS_TCP_TIME_WAIT] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_tcp_time_wait_range),
	[VFW_A_TIMEOUTS_TCP_CLOSE] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_tcp_close_range),
	[VFW_A_TIMEOUTS_UDP_NEW] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_udp_new_range),
	[VFW_A_TIMEOUTS_UDP_STREAM] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_udp_stream_range),
	[VFW_A_TIMEOUTS_ICMP] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_icmp_range),
	[VFW_A_TIMEOUTS_OTHER] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_other_range),
	[VFW_A_TIMEOUTS_SCTP_OPENING] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_sctp_opening_range),
	[VFW_A_TIMEOUTS_SCTP_ESTABLISHED] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_sctp_established_range),
	[VFW_A_TIMEOUTS_SCTP_CLOSING] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_sctp_closing_range),
	[VFW_A_TIMEOUTS_FRAGMENT] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_timeouts_fragment_range),
};

/* VFW_CMD_VM_NEW - do */
const struct nla_policy vfw_vm_new_nl_policy[VFW_A_VM_HOLD_LIMITS + 1] = {
	[VFW_A_VM_UUID] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
	[VFW_A_VM_NAME] = { .type = NLA_NUL_STRING, .len = VFW_NAME_MAX, },
	[VFW_A_VM_HOLD] = { .type = NLA_FLAG, },
	[VFW_A_VM_HOLD_LIMITS] = NLA_POLICY_NESTED(vfw_hold_nl_policy),
};

/* VFW_CMD_VM_SET - do */
const struct nla_policy vfw_vm_set_nl_policy[VFW_A_VM_NAME + 1] = {
	[VFW_A_VM_UUID] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
	[VFW_A_VM_NAME] = { .type = NLA_NUL_STRING, .len = VFW_NAME_MAX, },
};

/* VFW_CMD_VM_GET - do */
const struct nla_policy vfw_vm_get_nl_policy[VFW_A_VM_UUID + 1] = {
	[VFW_A_VM_UUID] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
};

/* VFW_CMD_VM_DEL - do */
const struct nla_policy vfw_vm_del_nl_policy[VFW_A_VM_MOVED + 1] = {
	[VFW_A_VM_UUID] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
	[VFW_A_VM_MOVED] = { .type = NLA_FLAG, },
};

/* VFW_CMD_VM_FREEZE - do */
const struct nla_policy vfw_vm_freeze_nl_policy[VFW_A_VM_UUID + 1] = {
	[VFW_A_VM_UUID] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
};

/* VFW_CMD_VM_THAW - do */
const struct nla_policy vfw_vm_thaw_nl_policy[VFW_A_VM_UUID + 1] = {
	[VFW_A_VM_UUID] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
};

/* VFW_CMD_PORT_NEW - do */
const struct nla_policy vfw_port_new_nl_policy[VFW_A_PORT_TRUNK + 1] = {
	[VFW_A_PORT_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
	[VFW_A_PORT_NAME] = { .type = NLA_NUL_STRING, .len = VFW_IFNAME_MAX, },
	[VFW_A_PORT_TYPE] = NLA_POLICY_MAX(NLA_U32, 1),
	[VFW_A_PORT_TRUNK] = { .type = NLA_FLAG, },
};

/* VFW_CMD_PORT_SET - do */
const struct nla_policy vfw_port_set_nl_policy[VFW_A_PORT_ACCESS + 1] = {
	[VFW_A_PORT_NAME] = { .type = NLA_NUL_STRING, .len = VFW_IFNAME_MAX, },
	[VFW_A_PORT_NEW_NAME] = { .type = NLA_NUL_STRING, .len = VFW_IFNAME_MAX, },
	[VFW_A_PORT_TYPE] = NLA_POLICY_MAX(NLA_U32, 1),
	[VFW_A_PORT_TRUNK] = { .type = NLA_FLAG, },
	[VFW_A_PORT_ACCESS] = { .type = NLA_FLAG, },
};

/* VFW_CMD_PORT_GET - do */
const struct nla_policy vfw_port_get_nl_policy[VFW_A_PORT_NAME + 1] = {
	[VFW_A_PORT_NAME] = { .type = NLA_NUL_STRING, .len = VFW_IFNAME_MAX, },
	[VFW_A_PORT_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
};

/* VFW_CMD_PORT_DEL - do */
const struct nla_policy vfw_port_del_nl_policy[VFW_A_PORT_NAME + 1] = {
	[VFW_A_PORT_NAME] = { .type = NLA_NUL_STRING, .len = VFW_IFNAME_MAX, },
};

/* VFW_CMD_POLICY_BEGIN - do */
const struct nla_policy vfw_policy_begin_nl_policy[VFW_A_POLICY_RULES + 1] = {
	[VFW_A_POLICY_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
	[VFW_A_POLICY_EPOCH] = { .type = NLA_U32, },
	[VFW_A_POLICY_DEFAULT_IN] = NLA_POLICY_MAX(NLA_U32, 2),
	[VFW_A_POLICY_DEFAULT_OUT] = NLA_POLICY_MAX(NLA_U32, 2),
	[VFW_A_POLICY_LIMITS] = NLA_POLICY_NESTED(vfw_limits_nl_policy),
	[VFW_A_POLICY_TIMEOUTS] = NLA_POLICY_NESTED(vfw_timeouts_nl_policy),
	[VFW_A_POLICY_RULES] = { .type = NLA_U32, },
};

/* VFW_CMD_POLICY_ADD - do */
const struct nla_policy vfw_policy_add_nl_policy[VFW_A_POLICY_RULE + 1] = {
	[VFW_A_POLICY_TRANSACTION] = { .type = NLA_U32, },
	[VFW_A_POLICY_RULE] = NLA_POLICY_NESTED(vfw_rule_nl_policy),
};

/* VFW_CMD_POLICY_COMMIT - do */
const struct nla_policy vfw_policy_commit_nl_policy[VFW_A_POLICY_RULES + 1] = {
	[VFW_A_POLICY_TRANSACTION] = { .type = NLA_U32, },
	[VFW_A_POLICY_RULES] = { .type = NLA_U32, },
};

/* VFW_CMD_POLICY_ABORT - do */
const struct nla_policy vfw_policy_abort_nl_policy[VFW_A_POLICY_TRANSACTION + 1] = {
	[VFW_A_POLICY_TRANSACTION] = { .type = NLA_U32, },
};

/* VFW_CMD_POLICY_GET - do */
const struct nla_policy vfw_policy_get_nl_policy[VFW_A_POLICY_VM + 1] = {
	[VFW_A_POLICY_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
};

/* VFW_CMD_RULE_GET - do */
const struct nla_policy vfw_rule_get_nl_policy[VFW_A_POLICY_RULE_NUMBER + 1] = {
	[VFW_A_POLICY_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
	[VFW_A_POLICY_RULE_NUMBER] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_policy_rule_number_range),
};

/* VFW_CMD_FLOW_GET - do */
const struct nla_policy vfw_flow_get_nl_policy[VFW_A_FLOW_VLAN_INNER_TYPE + 1] = {
	[VFW_A_FLOW_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
	[VFW_A_FLOW_FAMILY] = NLA_POLICY_MAX(NLA_U32, 2),
	[VFW_A_FLOW_PROTOCOL] = NLA_POLICY_MAX(NLA_U32, 255),
	[VFW_A_FLOW_LOCAL] = NLA_POLICY_MAX_LEN(16),
	[VFW_A_FLOW_LOCAL_PREFIX] = NLA_POLICY_MAX(NLA_U32, 128),
	[VFW_A_FLOW_REMOTE] = NLA_POLICY_MAX_LEN(16),
	[VFW_A_FLOW_REMOTE_PREFIX] = NLA_POLICY_MAX(NLA_U32, 128),
	[VFW_A_FLOW_LOCAL_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_flow_local_port_range),
	[VFW_A_FLOW_REMOTE_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_flow_remote_port_range),
	[VFW_A_FLOW_OPENED] = NLA_POLICY_MAX(NLA_U32, 1),
	[VFW_A_FLOW_STATE] = NLA_POLICY_MAX(NLA_U32, 20),
	[VFW_A_FLOW_RULE] = { .type = NLA_U32, },
	[VFW_A_FLOW_VLAN] = NLA_POLICY_MAX(NLA_U32, 4094),
	[VFW_A_FLOW_VLAN_INNER] = NLA_POLICY_MAX(NLA_U32, 4094),
	[VFW_A_FLOW_VLAN_TYPE] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_flow_vlan_type_range),
	[VFW_A_FLOW_VLAN_INNER_TYPE] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_flow_vlan_inner_type_range),
};

/* VFW_CMD_FLOW_DEL - do */
const struct nla_policy vfw_flow_del_nl_policy[VFW_A_FLOW_VLAN_INNER_TYPE + 1] = {
	[VFW_A_FLOW_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
	[VFW_A_FLOW_FAMILY] = NLA_POLICY_MAX(NLA_U32, 2),
	[VFW_A_FLOW_PROTOCOL] = NLA_POLICY_MAX(NLA_U32, 255),
	[VFW_A_FLOW_LOCAL] = NLA_POLICY_MAX_LEN(16),
	[VFW_A_FLOW_LOCAL_PREFIX] = NLA_POLICY_MAX(NLA_U32, 128),
	[VFW_A_FLOW_REMOTE] = NLA_POLICY_MAX_LEN(16),
	[VFW_A_FLOW_REMOTE_PREFIX] = NLA_POLICY_MAX(NLA_U32, 128),
	[VFW_A_FLOW_LOCAL_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_flow_local_port_range),
	[VFW_A_FLOW_REMOTE_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_flow_remote_port_range),
	[VFW_A_FLOW_OPENED] = NLA_POLICY_MAX(NLA_U32, 1),
	[VFW_A_FLOW_STATE] = NLA_POLICY_MAX(NLA_U32, 20),
	[VFW_A_FLOW_RULE] = { .type = NLA_U32, },
	[VFW_A_FLOW_VLAN] = NLA_POLICY_MAX(NLA_U32, 4094),
	[VFW_A_FLOW_VLAN_INNER] = NLA_POLICY_MAX(NLA_U32, 4094),
	[VFW_A_FLOW_VLAN_TYPE] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_flow_vlan_type_range),
	[VFW_A_FLOW_VLAN_INNER_TYPE] = NLA_POLICY_FULL_RANGE(NLA_U32, &vfw_a_flow_vlan_inner_type_range),
};

/* VFW_CMD_STATS_GET - do */
const struct nla_policy vfw_stats_get_nl_policy[VFW_A_STATS_ALL + 1] = {
	[VFW_A_STATS_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
	[VFW_A_STATS_ALL] = { .type = NLA_FLAG, },
};

/* VFW_CMD_SNAPSHOT_SAVE - do */
const struct nla_policy vfw_snapshot_save_nl_policy[VFW_A_SNAPSHOT_VM + 1] = {
	[VFW_A_SNAPSHOT_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
};

/* VFW_CMD_RESTORE_BEGIN - do */
const struct nla_policy vfw_restore_begin_nl_policy[VFW_A_SNAPSHOT_HOLD_LIMITS + 1] = {
	[VFW_A_SNAPSHOT_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
	[VFW_A_SNAPSHOT_HOLD_LIMITS] = NLA_POLICY_NESTED(vfw_hold_nl_policy),
};

/* VFW_CMD_RESTORE_FRAME - do */
const struct nla_policy vfw_restore_frame_nl_policy[VFW_A_SNAPSHOT_FRAME + 1] = {
	[VFW_A_SNAPSHOT_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
	[VFW_A_SNAPSHOT_FRAME] = NLA_POLICY_MAX_LEN(VFW_FRAME_MAX),
};

/* VFW_CMD_RESTORE_COMMIT - do */
const struct nla_policy vfw_restore_commit_nl_policy[VFW_A_SNAPSHOT_VM + 1] = {
	[VFW_A_SNAPSHOT_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
};

/* VFW_CMD_RESTORE_ABORT - do */
const struct nla_policy vfw_restore_abort_nl_policy[VFW_A_SNAPSHOT_VM + 1] = {
	[VFW_A_SNAPSHOT_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
};

/* VFW_CMD_SEND_BEGIN - do */
const struct nla_policy vfw_send_begin_nl_policy[VFW_A_SNAPSHOT_VM + 1] = {
	[VFW_A_SNAPSHOT_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
};

/* VFW_CMD_SEND_ROUND - do */
const struct nla_policy vfw_send_round_nl_policy[VFW_A_SNAPSHOT_VM + 1] = {
	[VFW_A_SNAPSHOT_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
};

/* VFW_CMD_SEND_END - do */
const struct nla_policy vfw_send_end_nl_policy[VFW_A_SNAPSHOT_VM + 1] = {
	[VFW_A_SNAPSHOT_VM] = NLA_POLICY_EXACT_LEN(VFW_UUID_LEN),
};

/* Ops table for vfw */
const struct genl_ops vfw_nl_ops[27] = {
	{
		.cmd		= VFW_CMD_VM_NEW,
		.doit		= vfw_nl_vm_new_doit,
		.policy		= vfw_vm_new_nl_policy,
		.maxattr	= VFW_A_VM_HOLD_LIMITS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_VM_SET,
		.doit		= vfw_nl_vm_set_doit,
		.policy		= vfw_vm_set_nl_policy,
		.maxattr	= VFW_A_VM_NAME,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_VM_GET,
		.doit		= vfw_nl_vm_get_doit,
		.dumpit		= vfw_nl_vm_get_dumpit,
		.policy		= vfw_vm_get_nl_policy,
		.maxattr	= VFW_A_VM_UUID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_VM_DEL,
		.doit		= vfw_nl_vm_del_doit,
		.policy		= vfw_vm_del_nl_policy,
		.maxattr	= VFW_A_VM_MOVED,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_VM_FREEZE,
		.doit		= vfw_nl_vm_freeze_doit,
		.policy		= vfw_vm_freeze_nl_policy,
		.maxattr	= VFW_A_VM_UUID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_VM_THAW,
		.doit		= vfw_nl_vm_thaw_doit,
		.policy		= vfw_vm_thaw_nl_policy,
		.maxattr	= VFW_A_VM_UUID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_PORT_NEW,
		.doit		= vfw_nl_port_new_doit,
		.policy		= vfw_port_new_nl_policy,
		.maxattr	= VFW_A_PORT_TRUNK,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_PORT_SET,
		.doit		= vfw_nl_port_set_doit,
		.policy		= vfw_port_set_nl_policy,
		.maxattr	= VFW_A_PORT_ACCESS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_PORT_GET,
		.doit		= vfw_nl_port_get_doit,
		.dumpit		= vfw_nl_port_get_dumpit,
		.policy		= vfw_port_get_nl_policy,
		.maxattr	= VFW_A_PORT_NAME,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_PORT_DEL,
		.doit		= vfw_nl_port_del_doit,
		.policy		= vfw_port_del_nl_policy,
		.maxattr	= VFW_A_PORT_NAME,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_POLICY_BEGIN,
		.doit		= vfw_nl_policy_begin_doit,
		.policy		= vfw_policy_begin_nl_policy,
		.maxattr	= VFW_A_POLICY_RULES,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_POLICY_ADD,
		.doit		= vfw_nl_policy_add_doit,
		.policy		= vfw_policy_add_nl_policy,
		.maxattr	= VFW_A_POLICY_RULE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_POLICY_COMMIT,
		.doit		= vfw_nl_policy_commit_doit,
		.policy		= vfw_policy_commit_nl_policy,
		.maxattr	= VFW_A_POLICY_RULES,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_POLICY_ABORT,
		.doit		= vfw_nl_policy_abort_doit,
		.policy		= vfw_policy_abort_nl_policy,
		.maxattr	= VFW_A_POLICY_TRANSACTION,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_POLICY_GET,
		.doit		= vfw_nl_policy_get_doit,
		.policy		= vfw_policy_get_nl_policy,
		.maxattr	= VFW_A_POLICY_VM,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_RULE_GET,
		.doit		= vfw_nl_rule_get_doit,
		.dumpit		= vfw_nl_rule_get_dumpit,
		.policy		= vfw_rule_get_nl_policy,
		.maxattr	= VFW_A_POLICY_RULE_NUMBER,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_FLOW_GET,
		.doit		= vfw_nl_flow_get_doit,
		.dumpit		= vfw_nl_flow_get_dumpit,
		.policy		= vfw_flow_get_nl_policy,
		.maxattr	= VFW_A_FLOW_VLAN_INNER_TYPE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_FLOW_DEL,
		.doit		= vfw_nl_flow_del_doit,
		.policy		= vfw_flow_del_nl_policy,
		.maxattr	= VFW_A_FLOW_VLAN_INNER_TYPE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_STATS_GET,
		.doit		= vfw_nl_stats_get_doit,
		.dumpit		= vfw_nl_stats_get_dumpit,
		.policy		= vfw_stats_get_nl_policy,
		.maxattr	= VFW_A_STATS_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_SNAPSHOT_SAVE,
		.doit		= vfw_nl_snapshot_save_doit,
		.dumpit		= vfw_nl_snapshot_save_dumpit,
		.policy		= vfw_snapshot_save_nl_policy,
		.maxattr	= VFW_A_SNAPSHOT_VM,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_RESTORE_BEGIN,
		.doit		= vfw_nl_restore_begin_doit,
		.policy		= vfw_restore_begin_nl_policy,
		.maxattr	= VFW_A_SNAPSHOT_HOLD_LIMITS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_RESTORE_FRAME,
		.doit		= vfw_nl_restore_frame_doit,
		.policy		= vfw_restore_frame_nl_policy,
		.maxattr	= VFW_A_SNAPSHOT_FRAME,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_RESTORE_COMMIT,
		.doit		= vfw_nl_restore_commit_doit,
		.policy		= vfw_restore_commit_nl_policy,
		.maxattr	= VFW_A_SNAPSHOT_VM,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_RESTORE_ABORT,
		.doit		= vfw_nl_restore_abort_doit,
		.policy		= vfw_restore_abort_nl_policy,
		.maxattr	= VFW_A_SNAPSHOT_VM,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_SEND_BEGIN,
		.doit		= vfw_nl_send_begin_doit,
		.policy		= vfw_send_begin_nl_policy,
		.maxattr	= VFW_A_SNAPSHOT_VM,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_SEND_ROUND,
		.doit		= vfw_nl_send_round_doit,
		.dumpit		= vfw_nl_send_round_dumpit,
		.policy		= vfw_send_round_nl_policy,
		.maxattr	= VFW_A_SNAPSHOT_VM,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= VFW_CMD_SEND_END,
		.doit		= vfw_nl_send_end_doit,
		.policy		= vfw_send_end_nl_policy,
		.maxattr	= VFW_A_SNAPSHOT_VM,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
};
