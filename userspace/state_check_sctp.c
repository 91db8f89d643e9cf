// SPDX-License-Identifier: GPL-2.0
/* What a flow of SCTP may hold: what tracking can have led to. */
#include "state_check_transport.h"

/**
 * struct need - what a state asks for
 * @opener: the end that opened has to have its first tag
 * @other: the other end has to
 * @flag: a cookie is on its way
 * @none: none is
 */
struct need {
	bool opener;
	bool other;
	bool flag;
	bool none;
};

static const struct need needs[] = {
	[VFW_FLOW_STATE_SCTP_COOKIE_WAIT] = { .opener = true, .none = true },
	[VFW_FLOW_STATE_SCTP_COOKIE_ECHOED] = { .opener = true, .other = true, .flag = true },
	[VFW_FLOW_STATE_SCTP_ESTABLISHED] = { .opener = true, .other = true },
	[VFW_FLOW_STATE_SCTP_SHUTDOWN_SENT] = { .opener = true, .other = true },
	[VFW_FLOW_STATE_SCTP_SHUTDOWN_RECD] = { .opener = true, .other = true },
	[VFW_FLOW_STATE_SCTP_SHUTDOWN_ACK_SENT] = { .opener = true, .other = true },
	[VFW_FLOW_STATE_SCTP_CLOSED] = { .none = true },
	[VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT] = { .other = true, .none = true },
};

static int check_flags(const struct state_stream *stream, size_t at,
		       const struct vfw_state_flow *flow)
{
	const struct need *need = &needs[flow->state];
	__u8 flags = flow->tcp_flags_local | flow->tcp_flags_remote;

	if (flags & ~VFW_SCTP_ECHOED)
		return fault(stream, at, vfw_state_flow, tcp_flags_local,
			     "unknown SCTP flags");
	if ((need->flag && !flags) || (need->none && flags))
		return fault(stream, at, vfw_state_flow, tcp_flags_local,
			     "%s SCTP flag in state %s", flags ? "an" : "no",
			     spec_enum_name(&spec_flow_state, flow->state));
	return DONE;
}

/* Are the tags there that the state has to have? */
static bool tags_fit(const struct vfw_state_flow *flow)
{
	bool out = flow->flags & VFW_STATE_FLOW_OPENED_OUT;
	const struct vfw_state_sctp *opener = out ? &flow->sctp_local : &flow->sctp_remote;
	const struct vfw_state_sctp *other = out ? &flow->sctp_remote : &flow->sctp_local;
	const struct need *need = &needs[flow->state];

	if ((need->opener && !opener->tags[0]) || (need->other && !other->tags[0]))
		return false;
	if (!opener->tags[0] && !other->tags[0])
		return false;
	/* A cookie in an association that is there already is of another handshake. */
	if (need->opener && need->other && !need->flag &&
	    (flow->tcp_flags_local | flow->tcp_flags_remote))
		return opener->tags[1] && other->tags[1];
	return true;
}

/**
 * state_check_sctp() - check what is of SCTP in the record of a flow
 * @stream: the stream
 * @at: where it begins; its state is one of SCTP
 *
 * Return: DONE or FAILED.
 */
int state_check_sctp(const struct state_stream *stream, size_t at)
{
	const struct vfw_state_flow *flow = (const void *)stream->frame + at;

	if (flow->scales)
		return fault(stream, at, vfw_state_flow, scales,
			     "window scales in a flow of SCTP");
	if (check_flags(stream, at, flow))
		return FAILED;
	if (!tags_fit(flow))
		return fault(stream, at, vfw_state_flow, sctp_local,
			     "verification tags are missing in state %s",
			     spec_enum_name(&spec_flow_state, flow->state));
	return DONE;
}
