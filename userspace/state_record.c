// SPDX-License-Identifier: GPL-2.0
#include "state_record.h"

#include <endian.h>
#include <netinet/in.h>
#include <string.h>

#define MS_PER_SEC 1000ULL

static void empty(struct nl_msg *message)
{
	nlmsg_hdr(message)->nlmsg_len = NLMSG_HDRLEN;
}

static void put_u64(struct nl_msg *message, int attr, __u64 value)
{
	vnl_put(message, attr, &value, sizeof(value));
}

/**
 * record_policy() - a policy without its rules
 * @message: filled
 * @policy: the record, checked
 */
void record_policy(struct nl_msg *message, const struct vfw_state_policy *policy)
{
	struct nlattr *nest;

	empty(message);
	vnl_put_u32(message, VFW_A_POLICY_DEFAULT_IN, policy->default_in);
	vnl_put_u32(message, VFW_A_POLICY_DEFAULT_OUT, policy->default_out);
	nest = nla_nest_start(message, VFW_A_POLICY_LIMITS);
	vnl_put_u32(message, VFW_A_LIMITS_FLOWS, le32toh(policy->max_flows));
	vnl_put_u32(message, VFW_A_LIMITS_HALF_OPEN, le32toh(policy->max_half_open));
	vnl_put_u32(message, VFW_A_LIMITS_SOURCE_FLOWS, le32toh(policy->max_source_flows));
	vnl_put_u32(message, VFW_A_LIMITS_PICK_UP,
		    !!(policy->flags & VFW_STATE_POLICY_PICKUP));
	vnl_put_u32(message, VFW_A_LIMITS_FRAGMENTS, le32toh(policy->max_fragments));
	vnl_put_u32(message, VFW_A_LIMITS_FRAGMENT_BYTES, le32toh(policy->fragment_bytes));
	nla_nest_end(message, nest);
	nest = nla_nest_start(message, VFW_A_POLICY_TIMEOUTS);
	for (int i = 0; i < VFW_STATE_TIMEOUTS; i++)
		vnl_put_u32(message, VFW_A_TIMEOUTS_TCP_SYN_SENT + i,
			    le32toh(policy->timeouts[i]));
	nla_nest_end(message, nest);
	vnl_put_u32(message, VFW_A_POLICY_RULES, le32toh(policy->rules));
}

static void put_address(struct nl_msg *message, int attr, const struct vfw_state_rule *rule,
			const __u8 address[16], unsigned int bits)
{
	static_assert(VFW_A_RULE_LOCAL_PREFIX - VFW_A_RULE_LOCAL == 1, "prefix of local");
	static_assert(VFW_A_RULE_REMOTE_PREFIX - VFW_A_RULE_REMOTE == 1, "prefix of remote");
	vnl_put(message, attr, address, rule->family == VFW_FAMILY_IPV4 ? 4 : 16);
	vnl_put_u32(message, attr + 1, bits);
}

static void put_match(struct nl_msg *message, const struct vfw_state_rule *rule)
{
	if (rule->flags & VFW_STATE_RULE_STATELESS)
		vnl_put_flag(message, VFW_A_RULE_STATELESS);
	if (rule->flags & VFW_STATE_RULE_PROTOCOL)
		vnl_put_u32(message, VFW_A_RULE_PROTOCOL, rule->protocol);
	if (rule->flags & VFW_STATE_RULE_ICMP_TYPE)
		vnl_put_u32(message, VFW_A_RULE_ICMP_TYPE, rule->icmp_type);
	if (rule->flags & VFW_STATE_RULE_ICMP_CODE)
		vnl_put_u32(message, VFW_A_RULE_ICMP_CODE, rule->icmp_code);
	if (rule->flags & VFW_STATE_RULE_TCP_FLAGS) {
		vnl_put_u32(message, VFW_A_RULE_TCP_FLAGS, rule->tcp_flags);
		vnl_put_u32(message, VFW_A_RULE_TCP_FLAGS_MASK, rule->tcp_flags_mask);
	}
	if (rule->flags & VFW_STATE_RULE_LOCAL)
		put_address(message, VFW_A_RULE_LOCAL, rule, rule->local,
			    rule->local_prefix);
	if (rule->flags & VFW_STATE_RULE_REMOTE)
		put_address(message, VFW_A_RULE_REMOTE, rule, rule->remote,
			    rule->remote_prefix);
}

static const struct vfw_state_range *put_ranges(struct nl_msg *message, int attr,
						const struct vfw_state_range *range,
						unsigned int count)
{
	for (; count > 0; count--, range++) {
		struct nlattr *nest = nla_nest_start(message, attr);

		vnl_put_u32(message, VFW_A_RANGE_FIRST, le16toh(range->first));
		vnl_put_u32(message, VFW_A_RANGE_LAST, le16toh(range->last));
		nla_nest_end(message, nest);
	}
	return range;
}

/**
 * record_rule() - a rule
 * @message: filled
 * @rule: the record, checked
 * @number: its place in the policy, from 1
 */
void record_rule(struct nl_msg *message, const struct vfw_state_rule *rule, __u32 number)
{
	const struct vfw_state_range *range = (const void *)(rule + 1);
	char comment[VFW_COMMENT_MAX + 1] = "";
	struct nlattr *nest;

	empty(message);
	nest = nla_nest_start(message, VFW_A_POLICY_RULE);
	vnl_put_u32(message, VFW_A_RULE_NUMBER, number);
	vnl_put_u32(message, VFW_A_RULE_DIRECTION, rule->direction);
	vnl_put_u32(message, VFW_A_RULE_FAMILY, rule->family);
	vnl_put_u32(message, VFW_A_RULE_ACTION, rule->action);
	put_match(message, rule);
	range = put_ranges(message, VFW_A_RULE_LOCAL_PORTS, range, rule->local_ranges);
	range = put_ranges(message, VFW_A_RULE_REMOTE_PORTS, range, rule->remote_ranges);
	memcpy(comment, range, rule->comment_length);
	if (rule->comment_length)
		vnl_put_string(message, VFW_A_RULE_COMMENT, comment);
	put_u64(message, VFW_A_RULE_PACKETS, le64toh(rule->packets));
	put_u64(message, VFW_A_RULE_BYTES, le64toh(rule->bytes));
	nla_nest_end(message, nest);
}

/**
 * record_stats() - a VM's counters
 * @message: filled
 * @stats: the record with the drops that follow it, checked
 */
void record_stats(struct nl_msg *message, const struct vfw_state_stats *stats)
{
	const struct vfw_state_drop *drop = (const void *)(stats + 1);

	empty(message);
	put_u64(message, VFW_A_STATS_IN_PACKETS, le64toh(stats->in_packets));
	put_u64(message, VFW_A_STATS_IN_BYTES, le64toh(stats->in_bytes));
	put_u64(message, VFW_A_STATS_OUT_PACKETS, le64toh(stats->out_packets));
	put_u64(message, VFW_A_STATS_OUT_BYTES, le64toh(stats->out_bytes));
	put_u64(message, VFW_A_STATS_FLOWS_OPENED, le64toh(stats->opened));
	put_u64(message, VFW_A_STATS_FLOWS_ENDED, le64toh(stats->ended));
	put_u64(message, VFW_A_STATS_FLOWS_EVICTED, le64toh(stats->evicted));
	put_u64(message, VFW_A_STATS_HELD, le64toh(stats->held));
	for (__u32 i = le32toh(stats->drops); i > 0; i--, drop++) {
		struct nlattr *nest = nla_nest_start(message, VFW_A_STATS_DROP);

		vnl_put_u32(message, VFW_A_DROP_REASON, le32toh(drop->reason));
		put_u64(message, VFW_A_DROP_IN_PACKETS, le64toh(drop->in_packets));
		put_u64(message, VFW_A_DROP_OUT_PACKETS, le64toh(drop->out_packets));
		nla_nest_end(message, nest);
	}
}

static void put_peer(struct nl_msg *message, int attr, const struct vfw_state_tcp *tcp,
		     unsigned int scale, unsigned int flags)
{
	struct nlattr *nest = nla_nest_start(message, attr);

	vnl_put_u32(message, VFW_A_TCP_PEER_END, le32toh(tcp->end));
	vnl_put_u32(message, VFW_A_TCP_PEER_MAX_END, le32toh(tcp->max_end));
	vnl_put_u32(message, VFW_A_TCP_PEER_MAX_WINDOW, le32toh(tcp->max_window));
	vnl_put_u32(message, VFW_A_TCP_PEER_SCALE, scale);
	vnl_put_u32(message, VFW_A_TCP_PEER_FLAGS, flags);
	nla_nest_end(message, nest);
}

/* As the kernel shows them: the tags in force, where there are any. */
static void put_tags(struct nl_msg *message, const struct vfw_state_flow *flow)
{
	if (flow->sctp_local.tags[0])
		vnl_put_u32(message, VFW_A_FLOW_SCTP_LOCAL, le32toh(flow->sctp_local.tags[0]));
	if (flow->sctp_remote.tags[0])
		vnl_put_u32(message, VFW_A_FLOW_SCTP_REMOTE,
			    le32toh(flow->sctp_remote.tags[0]));
}

/* @remote: its remote address; the local one follows the record. */
static void put_flow(struct nl_msg *message, const struct vfw_state_flow *flow, __u32 family,
		     const __u8 *remote)
{
	unsigned int bytes = family == VFW_FAMILY_IPV4 ? 4 : 16;

	empty(message);
	vnl_put_u32(message, VFW_A_FLOW_FAMILY, family);
	vnl_put_u32(message, VFW_A_FLOW_PROTOCOL, flow->protocol);
	vnl_put(message, VFW_A_FLOW_LOCAL, flow + 1, bytes);
	vnl_put(message, VFW_A_FLOW_REMOTE, remote, bytes);
	vnl_put_u32(message, VFW_A_FLOW_LOCAL_PORT, ntohs(flow->local_port));
	vnl_put_u32(message, VFW_A_FLOW_REMOTE_PORT, ntohs(flow->remote_port));
	vnl_put_u32(message, VFW_A_FLOW_OPENED,
		    flow->flags & VFW_STATE_FLOW_OPENED_OUT ? VFW_DIRECTION_OUT :
							      VFW_DIRECTION_IN);
	vnl_put_u32(message, VFW_A_FLOW_STATE, flow->state);
	vnl_put_u32(message, VFW_A_FLOW_RULE, le32toh(flow->rule));
	put_u64(message, VFW_A_FLOW_EXPIRES, le32toh(flow->expires));
	put_u64(message, VFW_A_FLOW_AGE, le32toh(flow->age) * MS_PER_SEC);
	put_u64(message, VFW_A_FLOW_IN_PACKETS, le64toh(flow->in_packets));
	put_u64(message, VFW_A_FLOW_IN_BYTES, le64toh(flow->in_bytes));
	put_u64(message, VFW_A_FLOW_OUT_PACKETS, le64toh(flow->out_packets));
	put_u64(message, VFW_A_FLOW_OUT_BYTES, le64toh(flow->out_bytes));
	if (flow->protocol == IPPROTO_SCTP)
		put_tags(message, flow);
	if (flow->protocol != IPPROTO_TCP)
		return;
	put_peer(message, VFW_A_FLOW_TCP_LOCAL, &flow->tcp_local, flow->scales & 15,
		 flow->tcp_flags_local);
	put_peer(message, VFW_A_FLOW_TCP_REMOTE, &flow->tcp_remote, flow->scales >> 4,
		 flow->tcp_flags_remote);
}

/**
 * record_flow() - a flow
 * @message: filled
 * @flow: the record, checked; its addresses follow
 * @family: VFW_FAMILY_IPV4 or VFW_FAMILY_IPV6
 */
void record_flow(struct nl_msg *message, const struct vfw_state_flow *flow, __u32 family)
{
	const __u8 *addresses = (const __u8 *)(flow + 1);

	put_flow(message, flow, family, addresses + (family == VFW_FAMILY_IPV4 ? 4 : 16));
}

static void put_vlan(struct nl_msg *message, int id, int type, const struct vfw_state_vlan *vlan)
{
	if (!vlan->id)
		return;
	vnl_put_u32(message, id, ntohs(vlan->id));
	vnl_put_u32(message, type, ntohs(vlan->type));
}

/**
 * record_flow_tagged() - a flow in a VLAN
 * @message: filled
 * @flow: the record, checked
 */
void record_flow_tagged(struct nl_msg *message, const struct vfw_state_flow_tagged *flow)
{
	put_flow(message, &flow->flow, flow->family, flow->remote);
	put_vlan(message, VFW_A_FLOW_VLAN, VFW_A_FLOW_VLAN_TYPE, &flow->outer);
	put_vlan(message, VFW_A_FLOW_VLAN_INNER, VFW_A_FLOW_VLAN_INNER_TYPE, &flow->inner);
}

/**
 * record_reply() - take a filled message for a reply of the kernel
 * @message: the message; must stay as long as @reply is used
 * @command: which command's reply
 * @reply: filled
 */
void record_reply(struct nl_msg *message, __u8 command, struct vnl_reply *reply)
{
	struct nlmsghdr *header = nlmsg_hdr(message);

	reply->command = command;
	reply->set = spec_command(command)->set;
	reply->head = nlmsg_attrdata(header, 0);
	reply->length = nlmsg_attrlen(header, 0);
	spec_parse(reply->set, reply->attrs, reply->head, reply->length);
}
