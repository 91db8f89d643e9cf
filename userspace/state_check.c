// SPDX-License-Identifier: GPL-2.0
/*
 * All these take the present frame of a stream, whose length fits its count of records, and
 * return DONE, or FAILED when they have said at which byte what is wrong. @at is where in the
 * frame a record begins.
 */
#include "state_check.h"
#include "spec.h"
#include "text.h"

#include <endian.h>
#include <netinet/in.h>
#include <string.h>

#define FRAME_HEADER sizeof(struct vfw_state_frame)
/* Greatest shift of a window (RFC 7323, section 2.3). */
#define SCALE_MAX 14
#define MS_PER_SEC 1000U

/* Says that field @field of the record at @at is wrong. */
#define fault(stream, at, record, field, ...) \
	state_fault(stream, (at) + offsetof(struct record, field), __VA_ARGS__)

static bool all_zero(const void *data, size_t length)
{
	const __u8 *bytes = data;

	for (size_t i = 0; i < length; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Text, then zeros up to the end. */
static bool padded(const __u8 *text, size_t size)
{
	size_t length = strnlen((const char *)text, size);

	return all_zero(text + length, size - length);
}

static int check_enum(const struct state_stream *stream, size_t at,
		      const struct spec_enum *names, __u64 value)
{
	if (value < names->count)
		return DONE;
	return state_fault(stream, at, "there is no %s %llu", names->name, value);
}

static int check_number(const struct state_stream *stream, size_t at, const char *what,
			__u32 value, __u32 min, __u32 max)
{
	if (value >= min && value <= max)
		return DONE;
	return state_fault(stream, at, "%s %u is not from %u to %u", what, value, min, max);
}

/**
 * state_check_header() - check the record of a HEADER frame
 * @stream: the stream
 *
 * Return: DONE or FAILED.
 */
int state_check_header(const struct state_stream *stream)
{
	const struct vfw_state_header *header = state_records(stream);

	/* Of neither can a commit be the next. */
	if (!header->incarnation || le64toh(header->incarnation) == ~0ULL)
		return fault(stream, FRAME_HEADER, vfw_state_header, incarnation,
			     "the incarnation is out of range");
	if (le32toh(header->flags) & ~VFW_STATE_HEADER_FROZEN)
		return fault(stream, FRAME_HEADER, vfw_state_header, flags,
			     "unknown flags %#x", le32toh(header->flags));
	if (le32toh(header->flows_ipv4) > VFW_FLOWS_MAX)
		return fault(stream, FRAME_HEADER, vfw_state_header, flows_ipv4,
			     "more flows are announced than any VM may have");
	if (le32toh(header->flows_ipv6) > VFW_FLOWS_MAX)
		return fault(stream, FRAME_HEADER, vfw_state_header, flows_ipv6,
			     "more flows are announced than any VM may have");
	if (le32toh(header->flows_tagged) > VFW_FLOWS_MAX)
		return fault(stream, FRAME_HEADER, vfw_state_header, flows_tagged,
			     "more flows are announced than any VM may have");
	if (!padded(header->creator, sizeof(header->creator)))
		return fault(stream, FRAME_HEADER, vfw_state_header, creator,
			     "the creator is not padded with zeros");
	return DONE;
}

/**
 * state_check_vm() - check the record of a VM frame
 * @stream: the stream
 *
 * Return: DONE or FAILED.
 */
int state_check_vm(const struct state_stream *stream)
{
	const struct vfw_state_vm *vm = state_records(stream);

	if (vm->name[sizeof(vm->name) - 1] || !padded(vm->name, sizeof(vm->name)))
		return fault(stream, FRAME_HEADER, vfw_state_vm, name,
			     "the name is not padded with zeros");
	return DONE;
}

static int check_port(const struct state_stream *stream, __u32 number)
{
	const struct vfw_state_port *ports = state_records(stream);
	const struct vfw_state_port *port = &ports[number];
	size_t at = FRAME_HEADER + number * sizeof(*port);

	if (!port->name[0] || port->name[sizeof(port->name) - 1] ||
	    !padded(port->name, sizeof(port->name)))
		return fault(stream, at, vfw_state_port, name,
			     "the name is empty or not padded with zeros");
	for (__u32 i = 0; i < number; i++)
		if (memcmp(ports[i].name, port->name, sizeof(port->name)) == 0)
			return fault(stream, at, vfw_state_port, name,
				     "two ports have one name");
	if (check_enum(stream, at + offsetof(struct vfw_state_port, type), &spec_port_type,
		       port->type))
		return FAILED;
	if (port->flags & ~VFW_STATE_PORT_TRUNK)
		return fault(stream, at, vfw_state_port, flags, "unknown flags %#x",
			     port->flags);
	if (!all_zero(port->reserved, sizeof(port->reserved)))
		return fault(stream, at, vfw_state_port, reserved,
			     "reserved bytes are not zero");
	return DONE;
}

/**
 * state_check_ports() - check the records of a PORT frame
 * @stream: the stream
 *
 * Return: DONE or FAILED.
 */
int state_check_ports(const struct state_stream *stream)
{
	for (__u32 i = 0; i < stream->count; i++)
		if (check_port(stream, i))
			return FAILED;
	return DONE;
}

static int check_loaded(const struct state_stream *stream,
			const struct vfw_state_policy *policy)
{
#define AT(field) (FRAME_HEADER + offsetof(struct vfw_state_policy, field))
	if (check_enum(stream, AT(default_in), &spec_action, policy->default_in) ||
	    check_enum(stream, AT(default_out), &spec_action, policy->default_out) ||
	    check_number(stream, AT(rules), "rules", le32toh(policy->rules), 0,
			 VFW_RULES_MAX) ||
	    check_number(stream, AT(max_flows), "most flows", le32toh(policy->max_flows), 1,
			 VFW_FLOWS_MAX) ||
	    check_number(stream, AT(max_half_open), "most half-open flows",
			 le32toh(policy->max_half_open), 1, VFW_FLOWS_MAX) ||
	    check_number(stream, AT(max_source_flows), "most flows of a source",
			 le32toh(policy->max_source_flows), 0, VFW_FLOWS_MAX) ||
	    check_number(stream, AT(max_fragments), "most datagrams in fragments",
			 le32toh(policy->max_fragments), 1, VFW_FRAGMENTS_MAX) ||
	    check_number(stream, AT(fragment_bytes), "most bytes of fragments",
			 le32toh(policy->fragment_bytes), 0, VFW_FRAGMENT_BYTES_MAX))
		return FAILED;
	for (int i = 0; i < VFW_STATE_TIMEOUTS; i++)
		if (check_number(stream, AT(timeouts) + i * sizeof(__le32),
				 spec_timeouts.attrs[i + 1].name,
				 le32toh(policy->timeouts[i]), 1, VFW_TIMEOUT_MAX))
			return FAILED;
#undef AT
	return DONE;
}

/**
 * state_check_policy() - check the record of a POLICY frame
 * @stream: the stream
 *
 * Return: DONE or FAILED.
 */
int state_check_policy(const struct state_stream *stream)
{
	const struct vfw_state_policy *policy = state_records(stream);

	if (policy->flags & ~(VFW_STATE_POLICY_LOADED | VFW_STATE_POLICY_PICKUP))
		return fault(stream, FRAME_HEADER, vfw_state_policy, flags,
			     "unknown flags %#x", policy->flags);
	if (policy->reserved)
		return fault(stream, FRAME_HEADER, vfw_state_policy, reserved,
			     "reserved bytes are not zero");
	if (policy->reserved2)
		return fault(stream, FRAME_HEADER, vfw_state_policy, reserved2,
			     "reserved bytes are not zero");
	if (policy->flags & VFW_STATE_POLICY_LOADED)
		return check_loaded(stream, policy);
	if (!all_zero(policy, sizeof(*policy)))
		return fault(stream, FRAME_HEADER, vfw_state_policy, flags,
			     "there is no policy, but something of one");
	return DONE;
}

/* Nothing may stand where a flag says that there is nothing. */
static int check_rule_flags(const struct state_stream *stream, size_t at,
			    const struct vfw_state_rule *rule)
{
	if (rule->flags & 0x80)
		return fault(stream, at, vfw_state_rule, flags, "unknown flags %#x",
			     rule->flags);
	if (!(rule->flags & VFW_STATE_RULE_PROTOCOL) && rule->protocol)
		return fault(stream, at, vfw_state_rule, protocol,
			     "a protocol where none is set");
	if (!(rule->flags & VFW_STATE_RULE_ICMP_TYPE) && rule->icmp_type)
		return fault(stream, at, vfw_state_rule, icmp_type,
			     "an ICMP type where none is set");
	if (!(rule->flags & VFW_STATE_RULE_ICMP_CODE) && rule->icmp_code)
		return fault(stream, at, vfw_state_rule, icmp_code,
			     "an ICMP code where none is set");
	if (!(rule->flags & VFW_STATE_RULE_TCP_FLAGS) &&
	    (rule->tcp_flags || rule->tcp_flags_mask))
		return fault(stream, at, vfw_state_rule, tcp_flags,
			     "TCP flags where none are set");
	return DONE;
}

static int check_rule_address(const struct state_stream *stream, size_t at,
			      const struct vfw_state_rule *rule, const __u8 address[16],
			      unsigned int bits, bool set)
{
	unsigned int most = rule->family == VFW_FAMILY_IPV4 ? 32 :
			    rule->family == VFW_FAMILY_IPV6 ? 128 : 0;
	unsigned int whole = bits / 8;

	if (!set) {
		if (bits || !all_zero(address, 16))
			return state_fault(stream, at, "an address where none is set");
		return DONE;
	}
	if (most == 0)
		return state_fault(stream, at, "an address of no family");
	if (bits > most)
		return state_fault(stream, at, "a prefix of %u bits", bits);
	if (whole < 16 && ((address[whole] & (0xff >> bits % 8)) ||
			   !all_zero(address + whole + 1, 15 - whole)))
		return state_fault(stream, at, "bits beyond the prefix are not zero");
	return DONE;
}

static int check_rule_ranges(const struct state_stream *stream, size_t at,
			     const struct vfw_state_rule *rule)
{
	const struct vfw_state_range *range = (const void *)(rule + 1);
	unsigned int count = rule->local_ranges + rule->remote_ranges;

	for (unsigned int i = 0; i < count; i++)
		if (le16toh(range[i].first) > le16toh(range[i].last))
			return state_fault(stream, at + sizeof(*rule) + i * sizeof(*range),
					   "the range %u-%u is empty",
					   le16toh(range[i].first), le16toh(range[i].last));
	return DONE;
}

/* That the record is there whole, and nothing but zeros fills it up. */
static int check_rule_length(const struct state_stream *stream, size_t at)
{
	const struct vfw_state_rule *rule = (const void *)stream->frame + at;
	const __u8 *end;
	size_t left = stream->length - at;
	size_t length, used;

	if (left < sizeof(*rule))
		return state_fault(stream, at, "the frame ends within a rule");
	length = le16toh(rule->length);
	if (rule->local_ranges > VFW_RANGES_MAX || rule->remote_ranges > VFW_RANGES_MAX)
		return fault(stream, at, vfw_state_rule, local_ranges,
			     "more than %u ranges", VFW_RANGES_MAX);
	if (rule->comment_length > VFW_COMMENT_MAX)
		return fault(stream, at, vfw_state_rule, comment_length,
			     "a comment of %u bytes", rule->comment_length);
	used = sizeof(*rule) + rule->comment_length +
	       (rule->local_ranges + rule->remote_ranges) * sizeof(struct vfw_state_range);
	if (length != (used + 7) / 8 * 8 || length > left)
		return fault(stream, at, vfw_state_rule, length,
			     "a rule cannot have %zu bytes here", length);
	end = (const __u8 *)rule + used;
	if (!all_zero(end, length - used))
		return state_fault(stream, at + used, "the rule is not padded with zeros");
	if (memchr(end - rule->comment_length, '\0', rule->comment_length))
		return state_fault(stream, at + used - rule->comment_length,
				   "a zero within the comment");
	return DONE;
}

/**
 * state_check_rule() - check a record of a RULES frame
 * @stream: the stream
 * @at: where it begins
 *
 * Return: DONE or FAILED.
 */
int state_check_rule(const struct state_stream *stream, size_t at)
{
	const struct vfw_state_rule *rule = (const void *)stream->frame + at;

#define AT(field) (at + offsetof(struct vfw_state_rule, field))
	if (check_rule_length(stream, at) || check_rule_flags(stream, at, rule) ||
	    check_enum(stream, AT(action), &spec_action, rule->action) ||
	    check_enum(stream, AT(direction), &spec_direction, rule->direction) ||
	    check_enum(stream, AT(family), &spec_family, rule->family) ||
	    check_rule_address(stream, AT(local), rule, rule->local, rule->local_prefix,
			       rule->flags & VFW_STATE_RULE_LOCAL) ||
	    check_rule_address(stream, AT(remote), rule, rule->remote, rule->remote_prefix,
			       rule->flags & VFW_STATE_RULE_REMOTE))
		return FAILED;
#undef AT
	return check_rule_ranges(stream, at, rule);
}

/**
 * state_check_stats() - check the records of a STATS frame
 * @stream: the stream
 *
 * Return: DONE or FAILED.
 */
int state_check_stats(const struct state_stream *stream)
{
	const struct vfw_state_stats *stats = state_records(stream);
	const struct vfw_state_drop *drop = (const void *)(stats + 1);
	size_t at = FRAME_HEADER + sizeof(*stats);
	__u32 drops, before = VFW_DROP_REASON_NONE;

	if (state_records_length(stream) < sizeof(*stats))
		return state_fault(stream, 8, "too short for statistics");
	drops = le32toh(stats->drops);
	if (drops != stream->count - 1 ||
	    state_records_length(stream) != sizeof(*stats) + (size_t)drops * sizeof(*drop))
		return fault(stream, FRAME_HEADER, vfw_state_stats, drops,
			     "%u reasons do not fit the frame", drops);
	if (stats->reserved)
		return fault(stream, FRAME_HEADER, vfw_state_stats, reserved,
			     "reserved bytes are not zero");
	for (__u32 i = 0; i < drops; i++, drop++, at += sizeof(*drop)) {
		__u32 reason = le32toh(drop->reason);

		if (check_enum(stream, at, &spec_drop_reason, reason))
			return FAILED;
		if (reason <= before)
			return state_fault(stream, at, "reason %u is out of order", reason);
		if (drop->reserved)
			return fault(stream, at, vfw_state_drop, reserved,
				     "reserved bytes are not zero");
		before = reason;
	}
	return DONE;
}

static bool is_icmp(const struct vfw_state_flow *flow)
{
	return flow->protocol == IPPROTO_ICMP || flow->protocol == IPPROTO_ICMPV6;
}

static bool state_fits(const struct vfw_state_flow *flow)
{
	if (flow->state >= VFW_FLOW_STATE_SCTP_COOKIE_WAIT)
		return flow->protocol == IPPROTO_SCTP;
	if (flow->state >= VFW_FLOW_STATE_TCP_SYN_SENT)
		return flow->protocol == IPPROTO_TCP;
	return flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_SCTP;
}

static int check_flow_sctp(const struct state_stream *stream, size_t at,
			   const struct vfw_state_flow *flow)
{
	if (flow->scales)
		return fault(stream, at, vfw_state_flow, scales,
			     "window scales in a flow of SCTP");
	if ((flow->tcp_flags_local | flow->tcp_flags_remote) & ~VFW_SCTP_ECHOED)
		return fault(stream, at, vfw_state_flow, tcp_flags_local,
			     "unknown SCTP flags");
	return DONE;
}

static int check_flow_tcp(const struct state_stream *stream, size_t at,
			  const struct vfw_state_flow *flow)
{
	bool tcp = flow->protocol == IPPROTO_TCP;

	if (!state_fits(flow))
		return fault(stream, at, vfw_state_flow, state,
			     "a flow of protocol %u cannot be %s", flow->protocol,
			     spec_enum_name(&spec_flow_state, flow->state));
	if (flow->protocol == IPPROTO_SCTP)
		return check_flow_sctp(stream, at, flow);
	if (!tcp && (flow->scales || flow->tcp_flags_local || flow->tcp_flags_remote ||
		     !all_zero(&flow->tcp_local, sizeof(flow->tcp_local)) ||
		     !all_zero(&flow->tcp_remote, sizeof(flow->tcp_remote))))
		return fault(stream, at, vfw_state_flow, tcp_local,
			     "TCP windows in a flow of protocol %u", flow->protocol);
	if ((flow->scales & 15) > SCALE_MAX || flow->scales >> 4 > SCALE_MAX)
		return fault(stream, at, vfw_state_flow, scales,
			     "a window scale above %u", SCALE_MAX);
	if ((flow->tcp_flags_local | flow->tcp_flags_remote) & ~VFW_TCP_ALL)
		return fault(stream, at, vfw_state_flow, tcp_flags_local,
			     "unknown TCP flags");
	return DONE;
}

/**
 * state_check_flow() - check what the records of flows of all kinds share
 * @stream: the stream
 * @at: where the record begins
 * @rules: how many rules the policy has
 *
 * Return: DONE or FAILED.
 */
int state_check_flow(const struct state_stream *stream, size_t at, __u32 rules)
{
	const struct vfw_state_flow *flow = (const void *)stream->frame + at;

	if (flow->state == VFW_FLOW_STATE_NONE || flow->state >= spec_flow_state.count)
		return fault(stream, at, vfw_state_flow, state, "a flow cannot be in state %u",
			     flow->state);
	if (flow->flags & ~(VFW_STATE_FLOW_OPENED_OUT | VFW_STATE_FLOW_REJUDGE |
			    VFW_STATE_FLOW_ECHO_BOTH) ||
	    (flow->flags & VFW_STATE_FLOW_ECHO_BOTH && !is_icmp(flow)))
		return fault(stream, at, vfw_state_flow, flags, "unknown flags %#x",
			     flow->flags);
	if (!all_zero(flow->reserved, sizeof(flow->reserved)))
		return fault(stream, at, vfw_state_flow, reserved,
			     "reserved bytes are not zero");
	if (check_number(stream, at + offsetof(struct vfw_state_flow, expires), "lifetime",
			 le32toh(flow->expires), 0, VFW_TIMEOUT_MAX * MS_PER_SEC))
		return FAILED;
	if (flow->flags & VFW_STATE_FLOW_REJUDGE && flow->rule)
		return fault(stream, at, vfw_state_flow, rule,
			     "a rule in a flow that is to be judged again");
	if (le32toh(flow->rule) > rules)
		return fault(stream, at, vfw_state_flow, rule, "there is no rule %u",
			     le32toh(flow->rule));
	return check_flow_tcp(stream, at, flow);
}

static int check_vlan(const struct state_stream *stream, size_t at,
		      const struct vfw_state_vlan *vlan)
{
	__u16 id = ntohs(vlan->id);

	if (!vlan->type && !id)
		return DONE;
	if (!vlan_type_known(ntohs(vlan->type)))
		return state_fault(stream, at, "no VLAN tag is of type %#x", ntohs(vlan->type));
	if (id < 1 || id > VLAN_MAX)
		return state_fault(stream, at, "there is no VLAN %u", id);
	return DONE;
}

/**
 * state_check_flow_tagged() - check the record of a flow in a VLAN
 * @stream: the stream
 * @at: where it begins
 * @rules: how many rules the policy has
 *
 * Return: DONE or FAILED.
 */
int state_check_flow_tagged(const struct state_stream *stream, size_t at, __u32 rules)
{
	const struct vfw_state_flow_tagged *flow = (const void *)stream->frame + at;

	if (state_check_flow(stream, at, rules) ||
	    check_vlan(stream, at + offsetof(struct vfw_state_flow_tagged, outer),
		       &flow->outer) ||
	    check_vlan(stream, at + offsetof(struct vfw_state_flow_tagged, inner), &flow->inner))
		return FAILED;
	if (!flow->outer.id)
		return fault(stream, at, vfw_state_flow_tagged, outer,
			     "there is no outer VLAN tag");
	if (flow->family != VFW_FAMILY_IPV4 && flow->family != VFW_FAMILY_IPV6)
		return fault(stream, at, vfw_state_flow_tagged, family,
			     "a flow cannot be of family %u", flow->family);
	if (flow->family == VFW_FAMILY_IPV4 &&
	    !(all_zero(flow->local + 4, 12) && all_zero(flow->remote + 4, 12)))
		return fault(stream, at, vfw_state_flow_tagged, local,
			     "bytes behind an address of IPv4");
	if (!all_zero(flow->reserved, sizeof(flow->reserved)))
		return fault(stream, at, vfw_state_flow_tagged, reserved,
			     "reserved bytes are not zero");
	return DONE;
}
