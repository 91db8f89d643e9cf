// SPDX-License-Identifier: GPL-2.0
#include "state_check.h"
#include "state_check_transport.h"
#include "text.h"

#include <endian.h>
#include <netinet/in.h>

#define MS_PER_SEC 1000U

/* Does it belong to echo of one family or the other? */
static bool is_icmp(const struct vfw_state_flow *flow)
{
	return flow->protocol == IPPROTO_ICMP || flow->protocol == IPPROTO_ICMPV6;
}

static int check_key(const struct state_stream *stream, size_t at,
		     const struct vfw_state_flow *flow, enum vfw_family family)
{
	__u8 other = family == VFW_FAMILY_IPV4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

	if (flow->protocol == other)
		return fault(stream, at, vfw_state_flow, protocol,
			     "the protocol is %u, in a flow of %s", flow->protocol,
			     spec_enum_name(&spec_family, family));
	if (protocol_has_ports(flow->protocol))
		return DONE;
	if (flow->local_port && !is_icmp(flow))
		return fault(stream, at, vfw_state_flow, local_port,
			     "a local port in a flow of protocol %u", flow->protocol);
	if (flow->remote_port)
		return fault(stream, at, vfw_state_flow, remote_port,
			     "a remote port in a flow of protocol %u", flow->protocol);
	return DONE;
}

static int check_flags(const struct state_stream *stream, size_t at,
		       const struct vfw_state_flow *flow)
{
	if (flow->flags & ~(VFW_STATE_FLOW_OPENED_OUT | VFW_STATE_FLOW_REJUDGE |
			    VFW_STATE_FLOW_ECHO_BOTH) ||
	    (flow->flags & VFW_STATE_FLOW_ECHO_BOTH && !is_icmp(flow)))
		return fault(stream, at, vfw_state_flow, flags, "unknown flags %#x",
			     flow->flags);
	if (!state_zero(flow->reserved, sizeof(flow->reserved)))
		return fault(stream, at, vfw_state_flow, reserved,
			     "reserved bytes are not zero");
	return DONE;
}

static bool state_fits(const struct vfw_state_flow *flow)
{
	if (flow->state >= VFW_FLOW_STATE_SCTP_COOKIE_WAIT)
		return flow->protocol == IPPROTO_SCTP;
	if (flow->state >= VFW_FLOW_STATE_TCP_SYN_SENT)
		return flow->protocol == IPPROTO_TCP;
	if (flow->state == VFW_FLOW_STATE_STREAM)
		return flow->protocol == IPPROTO_UDP || flow->protocol == IPPROTO_UDPLITE;
	return flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_SCTP;
}

static int check_state(const struct state_stream *stream, size_t at,
		       const struct vfw_state_flow *flow)
{
	if (flow->state == VFW_FLOW_STATE_NONE || flow->state >= spec_flow_state.count)
		return fault(stream, at, vfw_state_flow, state, "a flow cannot be in state %u",
			     flow->state);
	if (!state_fits(flow))
		return fault(stream, at, vfw_state_flow, state,
			     "a flow of protocol %u cannot be in state %s", flow->protocol,
			     spec_enum_name(&spec_flow_state, flow->state));
	return DONE;
}

static int check_rule(const struct state_stream *stream, size_t at,
		      const struct vfw_state_flow *flow, __u32 rules)
{
	if (flow->flags & VFW_STATE_FLOW_REJUDGE && flow->rule)
		return fault(stream, at, vfw_state_flow, rule,
			     "a rule in a flow that is to be judged again");
	if (le32toh(flow->rule) > rules)
		return fault(stream, at, vfw_state_flow, rule, "there is no rule %u",
			     le32toh(flow->rule));
	return DONE;
}

static int check_transport(const struct state_stream *stream, size_t at,
			   const struct vfw_state_flow *flow)
{
	if (flow->protocol == IPPROTO_TCP)
		return state_check_tcp(stream, at);
	if (flow->protocol == IPPROTO_SCTP)
		return state_check_sctp(stream, at);
	if (flow->scales || flow->tcp_flags_local || flow->tcp_flags_remote ||
	    !state_zero(&flow->tcp_local, sizeof(flow->tcp_local)) ||
	    !state_zero(&flow->tcp_remote, sizeof(flow->tcp_remote)))
		return fault(stream, at, vfw_state_flow, tcp_local,
			     "TCP windows in a flow of protocol %u", flow->protocol);
	return DONE;
}

/**
 * state_check_flow() - check what the records of flows of all kinds share
 * @stream: the stream
 * @at: where the record begins
 * @family: of which family its addresses are
 * @rules: how many rules the policy has
 *
 * Return: DONE or FAILED.
 */
int state_check_flow(const struct state_stream *stream, size_t at, enum vfw_family family,
		     __u32 rules)
{
	const struct vfw_state_flow *flow = (const void *)stream->frame + at;

	if (check_key(stream, at, flow, family) || check_flags(stream, at, flow) ||
	    check_state(stream, at, flow) ||
	    state_number(stream, at + offsetof(struct vfw_state_flow, expires), "lifetime",
			 le32toh(flow->expires), 0, VFW_TIMEOUT_MAX * MS_PER_SEC) ||
	    check_rule(stream, at, flow, rules))
		return FAILED;
	return check_transport(stream, at, flow);
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

	if (check_vlan(stream, at + offsetof(struct vfw_state_flow_tagged, outer),
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
	    !(state_zero(flow->local + 4, 12) && state_zero(flow->remote + 4, 12)))
		return fault(stream, at, vfw_state_flow_tagged, local,
			     "bytes behind an address of IPv4");
	if (!state_zero(flow->reserved, sizeof(flow->reserved)))
		return fault(stream, at, vfw_state_flow_tagged, reserved,
			     "reserved bytes are not zero");
	return state_check_flow(stream, at, flow->family, rules);
}
