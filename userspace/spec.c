// SPDX-License-Identifier: GPL-2.0
#include "spec.h"

#include <linux/vfw.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#define SPEC_ENUM(symbol, spec_name, ...)					\
	static const char *const symbol##_entries[] = { __VA_ARGS__ };	\
	const struct spec_enum symbol = {					\
		.name = spec_name,						\
		.entries = symbol##_entries,					\
		.count = ARRAY_SIZE(symbol##_entries),				\
	}

SPEC_ENUM(spec_direction, "direction", "in", "out", "both");
SPEC_ENUM(spec_family, "family", "any", "ipv4", "ipv6");
SPEC_ENUM(spec_action, "action", "drop", "pass", "reject");
SPEC_ENUM(spec_vm_state, "vm-state", "active", "frozen", "holding", "closed");
SPEC_ENUM(spec_port_state, "port-state", "absent", "present");
SPEC_ENUM(spec_port_type, "port-type", "host", "mirrored");
SPEC_ENUM(spec_hold_expiry, "hold-expiry", "stay-closed", "start-empty");
SPEC_ENUM(spec_flow_state, "flow-state",
	  "none", "new", "replied", "stream", "tcp-syn-sent", "tcp-syn-sent2", "tcp-syn-recv",
	  "tcp-established", "tcp-fin-wait", "tcp-close-wait", "tcp-last-ack", "tcp-time-wait",
	  "tcp-close", "sctp-cookie-wait", "sctp-cookie-echoed", "sctp-established",
	  "sctp-shutdown-sent", "sctp-shutdown-recd", "sctp-shutdown-ack-sent", "sctp-closed",
	  "sctp-heartbeat-sent");
SPEC_ENUM(spec_drop_reason, "drop-reason",
	  "none", "rule", "rule-reject", "default", "no-policy", "policy-change", "flow-limit",
	  "half-open-limit", "no-memory", "frozen", "hold-limit", "hold-closed", "port-gone",
	  "ethertype", "vlan", "ip-header", "ip-extension", "fragment", "l4-header", "arp",
	  "tcp-flags", "tcp-not-syn", "tcp-state", "tcp-window", "tcp-ack", "tcp-rst",
	  "icmp-type", "icmp-error", "icmp-reply", "source-limit", "sctp-chunk", "sctp-tag",
	  "sctp-state", "dccp-not-request",
	  "fragment-overlap", "fragment-limit", "fragment-timeout");
SPEC_ENUM(spec_frame_type, "frame-type",
	  "none", "header", "vm", "port", "policy", "rules", "stats", "flows-ipv4",
	  "flows-ipv6", "flows-tagged", "end", "round", "gone", "rule-counters");

#define SPEC_SET(symbol, spec_name)						\
	const struct spec_set symbol = {					\
		.name = spec_name,						\
		.max = ARRAY_SIZE(symbol##_attrs) - 1,				\
		.attrs = symbol##_attrs,					\
	};									\
	static_assert(ARRAY_SIZE(symbol##_attrs) <= SPEC_ATTRS, "attributes")

static const struct spec_attr spec_hold_attrs[] = {
	[VFW_A_HOLD_PACKETS] = { "packets", SPEC_U32 },
	[VFW_A_HOLD_BYTES] = { "bytes", SPEC_U32 },
	[VFW_A_HOLD_TIME] = { "time", SPEC_U32 },
	[VFW_A_HOLD_EXPIRY] = { "expiry", SPEC_U32, .names = &spec_hold_expiry },
};

SPEC_SET(spec_hold, "hold");

static const struct spec_attr spec_vm_attrs[] = {
	[VFW_A_VM_UUID] = { "uuid", SPEC_UUID },
	[VFW_A_VM_NAME] = { "name", SPEC_STRING },
	[VFW_A_VM_ID] = { "id", SPEC_U32 },
	[VFW_A_VM_STATE] = { "state", SPEC_U32, .names = &spec_vm_state },
	[VFW_A_VM_INCARNATION] = { "incarnation", SPEC_U64 },
	[VFW_A_VM_POLICY_EPOCH] = { "policy-epoch", SPEC_U32 },
	[VFW_A_VM_PORTS] = { "ports", SPEC_U32 },
	[VFW_A_VM_RULES] = { "rules", SPEC_U32 },
	[VFW_A_VM_FLOWS] = { "flows", SPEC_U32 },
	[VFW_A_VM_HALF_OPEN] = { "half-open", SPEC_U32 },
	[VFW_A_VM_HOLD] = { "hold", SPEC_FLAG },
	[VFW_A_VM_HOLD_LIMITS] = { "hold-limits", SPEC_NEST, .nested = &spec_hold },
	[VFW_A_VM_HELD_PACKETS] = { "held-packets", SPEC_U32 },
	[VFW_A_VM_HELD_BYTES] = { "held-bytes", SPEC_U32 },
	[VFW_A_VM_HALF_OPEN_IN] = { "half-open-in", SPEC_U32 },
	[VFW_A_VM_HALF_OPEN_OUT] = { "half-open-out", SPEC_U32 },
	[VFW_A_VM_MOVED] = { "moved", SPEC_FLAG },
};

SPEC_SET(spec_vm, "vm");

static const struct spec_attr spec_port_attrs[] = {
	[VFW_A_PORT_VM] = { "vm", SPEC_UUID },
	[VFW_A_PORT_NAME] = { "name", SPEC_STRING },
	[VFW_A_PORT_NEW_NAME] = { "new-name", SPEC_STRING },
	[VFW_A_PORT_TYPE] = { "type", SPEC_U32, .names = &spec_port_type },
	[VFW_A_PORT_STATE] = { "state", SPEC_U32, .names = &spec_port_state },
	[VFW_A_PORT_IFINDEX] = { "ifindex", SPEC_U32 },
	[VFW_A_PORT_ID] = { "id", SPEC_U32 },
	[VFW_A_PORT_TRUNK] = { "trunk", SPEC_FLAG },
	[VFW_A_PORT_ACCESS] = { "access", SPEC_FLAG },
};

SPEC_SET(spec_port, "port");

static const struct spec_attr spec_limits_attrs[] = {
	[VFW_A_LIMITS_FLOWS] = { "flows", SPEC_U32 },
	[VFW_A_LIMITS_HALF_OPEN] = { "half-open", SPEC_U32 },
	[VFW_A_LIMITS_PICK_UP] = { "pick-up", SPEC_U32 },
	[VFW_A_LIMITS_SOURCE_FLOWS] = { "source-flows", SPEC_U32 },
	[VFW_A_LIMITS_FRAGMENTS] = { "fragments", SPEC_U32 },
	[VFW_A_LIMITS_FRAGMENT_BYTES] = { "fragment-bytes", SPEC_U32 },
};

SPEC_SET(spec_limits, "limits");

static const struct spec_attr spec_timeouts_attrs[] = {
	[VFW_A_TIMEOUTS_TCP_SYN_SENT] = { "tcp-syn-sent", SPEC_U32 },
	[VFW_A_TIMEOUTS_TCP_SYN_RECV] = { "tcp-syn-recv", SPEC_U32 },
	[VFW_A_TIMEOUTS_TCP_ESTABLISHED] = { "tcp-established", SPEC_U32 },
	[VFW_A_TIMEOUTS_TCP_FIN_WAIT] = { "tcp-fin-wait", SPEC_U32 },
	[VFW_A_TIMEOUTS_TCP_CLOSE_WAIT] = { "tcp-close-wait", SPEC_U32 },
	[VFW_A_TIMEOUTS_TCP_LAST_ACK] = { "tcp-last-ack", SPEC_U32 },
	[VFW_A_TIMEOUTS_TCP_TIME_WAIT] = { "tcp-time-wait", SPEC_U32 },
	[VFW_A_TIMEOUTS_TCP_CLOSE] = { "tcp-close", SPEC_U32 },
	[VFW_A_TIMEOUTS_UDP_NEW] = { "udp-new", SPEC_U32 },
	[VFW_A_TIMEOUTS_UDP_STREAM] = { "udp-stream", SPEC_U32 },
	[VFW_A_TIMEOUTS_ICMP] = { "icmp", SPEC_U32 },
	[VFW_A_TIMEOUTS_OTHER] = { "other", SPEC_U32 },
	[VFW_A_TIMEOUTS_SCTP_OPENING] = { "sctp-opening", SPEC_U32 },
	[VFW_A_TIMEOUTS_SCTP_ESTABLISHED] = { "sctp-established", SPEC_U32 },
	[VFW_A_TIMEOUTS_SCTP_CLOSING] = { "sctp-closing", SPEC_U32 },
	[VFW_A_TIMEOUTS_FRAGMENT] = { "fragment", SPEC_U32 },
};

SPEC_SET(spec_timeouts, "timeouts");

static const struct spec_attr spec_range_attrs[] = {
	[VFW_A_RANGE_FIRST] = { "first", SPEC_U32 },
	[VFW_A_RANGE_LAST] = { "last", SPEC_U32 },
};

SPEC_SET(spec_range, "range");

static const struct spec_attr spec_rule_attrs[] = {
	[VFW_A_RULE_NUMBER] = { "number", SPEC_U32 },
	[VFW_A_RULE_DIRECTION] = { "direction", SPEC_U32, .names = &spec_direction },
	[VFW_A_RULE_FAMILY] = { "family", SPEC_U32, .names = &spec_family },
	[VFW_A_RULE_ACTION] = { "action", SPEC_U32, .names = &spec_action },
	[VFW_A_RULE_STATELESS] = { "stateless", SPEC_FLAG },
	[VFW_A_RULE_LOCAL] = { "local", SPEC_ADDRESS },
	[VFW_A_RULE_LOCAL_PREFIX] = { "local-prefix", SPEC_U32 },
	[VFW_A_RULE_REMOTE] = { "remote", SPEC_ADDRESS },
	[VFW_A_RULE_REMOTE_PREFIX] = { "remote-prefix", SPEC_U32 },
	[VFW_A_RULE_PROTOCOL] = { "protocol", SPEC_U32 },
	[VFW_A_RULE_LOCAL_PORTS] = { "local-ports", SPEC_NEST, true, .nested = &spec_range },
	[VFW_A_RULE_REMOTE_PORTS] = { "remote-ports", SPEC_NEST, true, .nested = &spec_range },
	[VFW_A_RULE_ICMP_TYPE] = { "icmp-type", SPEC_U32 },
	[VFW_A_RULE_ICMP_CODE] = { "icmp-code", SPEC_U32 },
	[VFW_A_RULE_TCP_FLAGS] = { "tcp-flags", SPEC_U32 },
	[VFW_A_RULE_TCP_FLAGS_MASK] = { "tcp-flags-mask", SPEC_U32 },
	[VFW_A_RULE_COMMENT] = { "comment", SPEC_STRING },
	[VFW_A_RULE_PACKETS] = { "packets", SPEC_U64 },
	[VFW_A_RULE_BYTES] = { "bytes", SPEC_U64 },
	[VFW_A_RULE_PAD] = { "pad", SPEC_PAD },
};

SPEC_SET(spec_rule, "rule");

static const struct spec_attr spec_policy_attrs[] = {
	[VFW_A_POLICY_VM] = { "vm", SPEC_UUID },
	[VFW_A_POLICY_TRANSACTION] = { "transaction", SPEC_U32 },
	[VFW_A_POLICY_EPOCH] = { "epoch", SPEC_U32 },
	[VFW_A_POLICY_DEFAULT_IN] = { "default-in", SPEC_U32, .names = &spec_action },
	[VFW_A_POLICY_DEFAULT_OUT] = { "default-out", SPEC_U32, .names = &spec_action },
	[VFW_A_POLICY_LIMITS] = { "limits", SPEC_NEST, .nested = &spec_limits },
	[VFW_A_POLICY_TIMEOUTS] = { "timeouts", SPEC_NEST, .nested = &spec_timeouts },
	[VFW_A_POLICY_RULE] = { "rule", SPEC_NEST, true, .nested = &spec_rule },
	[VFW_A_POLICY_RULES] = { "rules", SPEC_U32 },
	[VFW_A_POLICY_RULE_NUMBER] = { "rule-number", SPEC_U32 },
	[VFW_A_POLICY_MEMORY] = { "memory", SPEC_U64 },
	[VFW_A_POLICY_PAD] = { "pad", SPEC_PAD },
};

SPEC_SET(spec_policy, "policy");

static const struct spec_attr spec_tcp_peer_attrs[] = {
	[VFW_A_TCP_PEER_END] = { "end", SPEC_U32 },
	[VFW_A_TCP_PEER_MAX_END] = { "max-end", SPEC_U32 },
	[VFW_A_TCP_PEER_MAX_WINDOW] = { "max-window", SPEC_U32 },
	[VFW_A_TCP_PEER_SCALE] = { "scale", SPEC_U32 },
	[VFW_A_TCP_PEER_FLAGS] = { "flags", SPEC_U32 },
};

SPEC_SET(spec_tcp_peer, "tcp-peer");

static const struct spec_attr spec_flow_attrs[] = {
	[VFW_A_FLOW_VM] = { "vm", SPEC_UUID },
	[VFW_A_FLOW_FAMILY] = { "family", SPEC_U32, .names = &spec_family },
	[VFW_A_FLOW_PROTOCOL] = { "protocol", SPEC_U32 },
	[VFW_A_FLOW_LOCAL] = { "local", SPEC_ADDRESS },
	[VFW_A_FLOW_LOCAL_PREFIX] = { "local-prefix", SPEC_U32 },
	[VFW_A_FLOW_REMOTE] = { "remote", SPEC_ADDRESS },
	[VFW_A_FLOW_REMOTE_PREFIX] = { "remote-prefix", SPEC_U32 },
	[VFW_A_FLOW_LOCAL_PORT] = { "local-port", SPEC_U32 },
	[VFW_A_FLOW_REMOTE_PORT] = { "remote-port", SPEC_U32 },
	[VFW_A_FLOW_OPENED] = { "opened", SPEC_U32, .names = &spec_direction },
	[VFW_A_FLOW_STATE] = { "state", SPEC_U32, .names = &spec_flow_state },
	[VFW_A_FLOW_RULE] = { "rule", SPEC_U32 },
	[VFW_A_FLOW_EPOCH] = { "epoch", SPEC_U32 },
	[VFW_A_FLOW_EXPIRES] = { "expires", SPEC_U64 },
	[VFW_A_FLOW_AGE] = { "age", SPEC_U64 },
	[VFW_A_FLOW_IN_PACKETS] = { "in-packets", SPEC_U64 },
	[VFW_A_FLOW_IN_BYTES] = { "in-bytes", SPEC_U64 },
	[VFW_A_FLOW_OUT_PACKETS] = { "out-packets", SPEC_U64 },
	[VFW_A_FLOW_OUT_BYTES] = { "out-bytes", SPEC_U64 },
	[VFW_A_FLOW_TCP_LOCAL] = { "tcp-local", SPEC_NEST, .nested = &spec_tcp_peer },
	[VFW_A_FLOW_TCP_REMOTE] = { "tcp-remote", SPEC_NEST, .nested = &spec_tcp_peer },
	[VFW_A_FLOW_COUNT] = { "count", SPEC_U32 },
	[VFW_A_FLOW_PAD] = { "pad", SPEC_PAD },
	[VFW_A_FLOW_VLAN] = { "vlan", SPEC_U32 },
	[VFW_A_FLOW_VLAN_INNER] = { "vlan-inner", SPEC_U32 },
	[VFW_A_FLOW_VLAN_TYPE] = { "vlan-type", SPEC_U32 },
	[VFW_A_FLOW_VLAN_INNER_TYPE] = { "vlan-inner-type", SPEC_U32 },
	[VFW_A_FLOW_SCTP_LOCAL] = { "sctp-local", SPEC_U32 },
	[VFW_A_FLOW_SCTP_REMOTE] = { "sctp-remote", SPEC_U32 },
};

SPEC_SET(spec_flow, "flow");

static const struct spec_attr spec_drop_attrs[] = {
	[VFW_A_DROP_REASON] = { "reason", SPEC_U32, .names = &spec_drop_reason },
	[VFW_A_DROP_IN_PACKETS] = { "in-packets", SPEC_U64 },
	[VFW_A_DROP_OUT_PACKETS] = { "out-packets", SPEC_U64 },
	[VFW_A_DROP_PAD] = { "pad", SPEC_PAD },
};

SPEC_SET(spec_drop, "drop");

static const struct spec_attr spec_stats_attrs[] = {
	[VFW_A_STATS_VM] = { "vm", SPEC_UUID },
	[VFW_A_STATS_IN_PACKETS] = { "in-packets", SPEC_U64 },
	[VFW_A_STATS_IN_BYTES] = { "in-bytes", SPEC_U64 },
	[VFW_A_STATS_OUT_PACKETS] = { "out-packets", SPEC_U64 },
	[VFW_A_STATS_OUT_BYTES] = { "out-bytes", SPEC_U64 },
	[VFW_A_STATS_FLOWS_OPENED] = { "flows-opened", SPEC_U64 },
	[VFW_A_STATS_FLOWS_ENDED] = { "flows-ended", SPEC_U64 },
	[VFW_A_STATS_FLOWS] = { "flows", SPEC_U32 },
	[VFW_A_STATS_HALF_OPEN] = { "half-open", SPEC_U32 },
	[VFW_A_STATS_HELD] = { "held", SPEC_U64 },
	[VFW_A_STATS_DROP] = { "drop", SPEC_NEST, true, .nested = &spec_drop },
	[VFW_A_STATS_ALL] = { "all", SPEC_FLAG },
	[VFW_A_STATS_PAD] = { "pad", SPEC_PAD },
	[VFW_A_STATS_HALF_OPEN_IN] = { "half-open-in", SPEC_U32 },
	[VFW_A_STATS_HALF_OPEN_OUT] = { "half-open-out", SPEC_U32 },
	[VFW_A_STATS_FLOWS_EVICTED] = { "flows-evicted", SPEC_U64 },
};

SPEC_SET(spec_stats, "stats");

static const struct spec_attr spec_snapshot_attrs[] = {
	[VFW_A_SNAPSHOT_VM] = { "vm", SPEC_UUID },
	[VFW_A_SNAPSHOT_FRAME] = { "frame", SPEC_BINARY },
	[VFW_A_SNAPSHOT_INCARNATION] = { "incarnation", SPEC_U64 },
	[VFW_A_SNAPSHOT_FLOWS] = { "flows", SPEC_U32 },
	[VFW_A_SNAPSHOT_RULES] = { "rules", SPEC_U32 },
	[VFW_A_SNAPSHOT_FRAMES] = { "frames", SPEC_U32 },
	[VFW_A_SNAPSHOT_HOLD_LIMITS] = { "hold-limits", SPEC_NEST, .nested = &spec_hold },
	[VFW_A_SNAPSHOT_RELEASED] = { "released", SPEC_U32 },
	[VFW_A_SNAPSHOT_PAD] = { "pad", SPEC_PAD },
};

SPEC_SET(spec_snapshot, "snapshot");

static const struct spec_command commands[] = {
	[VFW_CMD_VM_NEW] = { "vm-new", &spec_vm },
	[VFW_CMD_VM_SET] = { "vm-set", &spec_vm },
	[VFW_CMD_VM_GET] = { "vm-get", &spec_vm },
	[VFW_CMD_VM_DEL] = { "vm-del", &spec_vm },
	[VFW_CMD_VM_FREEZE] = { "vm-freeze", &spec_vm },
	[VFW_CMD_VM_THAW] = { "vm-thaw", &spec_vm },
	[VFW_CMD_VM_NTF] = { "vm-ntf", &spec_vm },
	[VFW_CMD_VM_DEL_NTF] = { "vm-del-ntf", &spec_vm },
	[VFW_CMD_PORT_NEW] = { "port-new", &spec_port },
	[VFW_CMD_PORT_SET] = { "port-set", &spec_port },
	[VFW_CMD_PORT_GET] = { "port-get", &spec_port },
	[VFW_CMD_PORT_DEL] = { "port-del", &spec_port },
	[VFW_CMD_PORT_NTF] = { "port-ntf", &spec_port },
	[VFW_CMD_PORT_DEL_NTF] = { "port-del-ntf", &spec_port },
	[VFW_CMD_POLICY_BEGIN] = { "policy-begin", &spec_policy },
	[VFW_CMD_POLICY_ADD] = { "policy-add", &spec_policy },
	[VFW_CMD_POLICY_COMMIT] = { "policy-commit", &spec_policy },
	[VFW_CMD_POLICY_ABORT] = { "policy-abort", &spec_policy },
	[VFW_CMD_POLICY_GET] = { "policy-get", &spec_policy },
	[VFW_CMD_POLICY_NTF] = { "policy-ntf", &spec_policy },
	[VFW_CMD_RULE_GET] = { "rule-get", &spec_policy },
	[VFW_CMD_FLOW_GET] = { "flow-get", &spec_flow },
	[VFW_CMD_FLOW_DEL] = { "flow-del", &spec_flow },
	[VFW_CMD_STATS_GET] = { "stats-get", &spec_stats },
	[VFW_CMD_SNAPSHOT_SAVE] = { "snapshot-save", &spec_snapshot },
	[VFW_CMD_RESTORE_BEGIN] = { "restore-begin", &spec_snapshot },
	[VFW_CMD_RESTORE_FRAME] = { "restore-frame", &spec_snapshot },
	[VFW_CMD_RESTORE_COMMIT] = { "restore-commit", &spec_snapshot },
	[VFW_CMD_RESTORE_ABORT] = { "restore-abort", &spec_snapshot },
	[VFW_CMD_SEND_BEGIN] = { "send-begin", &spec_snapshot },
	[VFW_CMD_SEND_ROUND] = { "send-round", &spec_snapshot },
	[VFW_CMD_SEND_END] = { "send-end", &spec_snapshot },
};

/**
 * spec_command() - an operation by its number
 * @command: VFW_CMD_*
 *
 * Return: the operation, NULL when it is not known here.
 */
const struct spec_command *spec_command(__u8 command)
{
	if (command >= ARRAY_SIZE(commands) || !commands[command].name)
		return NULL;
	return &commands[command];
}

/**
 * spec_enum_name() - the name of an enum's value
 * @names: the enum
 * @value: the value
 *
 * Return: its name, NULL when it is not known here.
 */
const char *spec_enum_name(const struct spec_enum *names, __u64 value)
{
	return value < names->count ? names->entries[value] : NULL;
}

/**
 * spec_enum_value() - the value of an enum's name
 * @names: the enum
 * @word: the name
 *
 * Return: its value, -1 when the enum has no such name.
 */
int spec_enum_value(const struct spec_enum *names, const char *word)
{
	for (unsigned int i = 0; i < names->count; i++)
		if (strcmp(names->entries[i], word) == 0)
			return i;
	return -1;
}

/**
 * spec_enum_list() - all names of an enum, for messages
 * @names: the enum
 *
 * Return: "a, b or c", good until the next call.
 */
const char *spec_enum_list(const struct spec_enum *names)
{
	static char list[512];
	size_t used = 0;

	for (unsigned int i = 0; i < names->count && used < sizeof(list); i++) {
		const char *before = i == 0 ? "" : i + 1 == names->count ? " or " : ", ";

		used += snprintf(list + used, sizeof(list) - used, "%s%s", before,
				 names->entries[i]);
	}
	return list;
}
