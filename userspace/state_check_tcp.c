// SPDX-License-Identifier: GPL-2.0
/* What a flow of TCP may hold: what tracking can have led to. */
#include "state_check_transport.h"

#include <endian.h>

/* Greatest shift of a window, and the greatest window (RFC 7323, section 2.3). */
#define SCALE_MAX 14
#define WINDOW_MAX (65535 << SCALE_MAX)
/* An end may have sent so much more than its window allowed. */
#define OVERSHOOT_MAX 1048576

/**
 * struct end - one end of a flow
 * @record: its part of the record
 * @at: where in the frame that is
 * @scale: its window scale
 * @flags: VFW_TCP_*
 */
struct end {
	const struct vfw_state_tcp *record;
	size_t at;
	__u8 scale;
	__u8 flags;
};

static int check_window(const struct state_stream *stream, const struct end *end)
{
	__u32 window = le32toh(end->record->max_window);
	__s32 room = le32toh(end->record->max_end) - le32toh(end->record->end);

	if (state_number(stream, end->at + offsetof(struct vfw_state_tcp, max_window),
			 "the largest window", window, 1, WINDOW_MAX))
		return FAILED;
	if (room < -OVERSHOOT_MAX || room > WINDOW_MAX)
		return fault(stream, end->at, vfw_state_tcp, max_end,
			     "what may be sent ends %d bytes behind what was sent", room);
	return DONE;
}

static int check_end(const struct state_stream *stream, size_t at, const struct end *end)
{
	if (end->flags & ~VFW_TCP_ALL)
		return fault(stream, at, vfw_state_flow, tcp_flags_local,
			     "unknown TCP flags %#x", end->flags);
	if (end->flags & VFW_TCP_FIN_ACKED && !(end->flags & VFW_TCP_FIN))
		return fault(stream, at, vfw_state_flow, tcp_flags_local,
			     "TCP flags of a FIN that was acknowledged, but not sent");
	if (end->scale > SCALE_MAX)
		return fault(stream, at, vfw_state_flow, scales,
			     "a window scale above %u", SCALE_MAX);
	if (end->scale && !(end->flags & (VFW_TCP_WINDOW_SCALE | VFW_TCP_UNKNOWN)))
		return fault(stream, at, vfw_state_flow, scales,
			     "a window scale that was not offered");
	return check_window(stream, end);
}

static bool half_open(__u8 state)
{
	return state == VFW_FLOW_STATE_TCP_SYN_SENT || state == VFW_FLOW_STATE_TCP_SYN_SENT2 ||
	       state == VFW_FLOW_STATE_TCP_SYN_RECV;
}

/* While it is being opened, a scale is an offer; later, it counts for both or for none. */
static int check_scales(const struct state_stream *stream, size_t at,
			const struct vfw_state_flow *flow, __u8 both)
{
	if (!flow->scales || half_open(flow->state) || flow->state == VFW_FLOW_STATE_TCP_CLOSE ||
	    both & (VFW_TCP_WINDOW_SCALE | VFW_TCP_UNKNOWN))
		return DONE;
	return fault(stream, at, vfw_state_flow, scales,
		     "a window scale that one end alone has offered");
}

/* An end that has sent nothing but its SYN, whose window is not scaled. */
static int check_opener(const struct state_stream *stream, const struct end *end)
{
	if (!(end->flags & VFW_TCP_SYN))
		return DONE;
	return state_number(stream, end->at + offsetof(struct vfw_state_tcp, max_window),
			    "the window of a SYN", le32toh(end->record->max_window), 1, 65535);
}

/* The state that follows from the flags of both ends, once both are open. */
static __u8 open_state(__u8 both, __u8 any)
{
	if (both & VFW_TCP_FIN_ACKED)
		return VFW_FLOW_STATE_TCP_TIME_WAIT;
	if (both & VFW_TCP_FIN)
		return VFW_FLOW_STATE_TCP_LAST_ACK;
	if (any & VFW_TCP_FIN_ACKED)
		return VFW_FLOW_STATE_TCP_CLOSE_WAIT;
	return any & VFW_TCP_FIN ? VFW_FLOW_STATE_TCP_FIN_WAIT : VFW_FLOW_STATE_TCP_ESTABLISHED;
}

/* May it be in @state with flags that both ends have, and that any of them has? */
static bool flags_fit(__u8 state, __u8 both, __u8 any)
{
	switch (state) {
	case VFW_FLOW_STATE_TCP_SYN_SENT:
		return any & VFW_TCP_SYN && !(both & VFW_TCP_SYN) &&
		       !(any & (VFW_TCP_FIN | VFW_TCP_UNKNOWN));
	case VFW_FLOW_STATE_TCP_SYN_SENT2:
		return both & VFW_TCP_SYN && !(any & (VFW_TCP_FIN | VFW_TCP_UNKNOWN));
	case VFW_FLOW_STATE_TCP_SYN_RECV:
		return any & VFW_TCP_SYN && !(any & VFW_TCP_UNKNOWN);
	case VFW_FLOW_STATE_TCP_CLOSE:
		return true;
	default:
		return state == open_state(both, any);
	}
}

/**
 * state_check_tcp() - check what is of TCP in the record of a flow
 * @stream: the stream
 * @at: where it begins; its state is one of TCP
 *
 * Return: DONE or FAILED.
 */
int state_check_tcp(const struct state_stream *stream, size_t at)
{
	const struct vfw_state_flow *flow = (const void *)stream->frame + at;
	__u8 both = flow->tcp_flags_local & flow->tcp_flags_remote;
	__u8 any = flow->tcp_flags_local | flow->tcp_flags_remote;
	const struct end local = {
		.record = &flow->tcp_local,
		.at = at + offsetof(struct vfw_state_flow, tcp_local),
		.scale = flow->scales & 15,
		.flags = flow->tcp_flags_local,
	};
	const struct end remote = {
		.record = &flow->tcp_remote,
		.at = at + offsetof(struct vfw_state_flow, tcp_remote),
		.scale = flow->scales >> 4,
		.flags = flow->tcp_flags_remote,
	};

	if (check_end(stream, at, &local) || check_end(stream, at, &remote) ||
	    check_scales(stream, at, flow, both))
		return FAILED;
	if (half_open(flow->state) &&
	    (check_opener(stream, &local) || check_opener(stream, &remote)))
		return FAILED;
	if (!flags_fit(flow->state, both, any))
		return fault(stream, at, vfw_state_flow, tcp_flags_local,
			     "TCP flags %#x and %#x in state %s", local.flags, remote.flags,
			     spec_enum_name(&spec_flow_state, flow->state));
	return DONE;
}
