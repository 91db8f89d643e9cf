// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: TCP states as the firewall sees them
 *
 * The firewall follows both ends' states by what they send: the opening by a table, the closing
 * by which FINs were seen and acknowledged. Numbers are tcp_window.c's affair.
 *
 * Nobody but the VM sends from the VM, so what comes from it (direction out) is true of its own
 * end: a SYN means that the VM has given up whatever connection was here before, and so do a
 * SYN/ACK and an answer to a SYN that do not belong to it. The flow is forgotten then, and the
 * rules judge anew. What comes in may be forged by anybody: a SYN on a connection changes nothing
 * and passes, so that the VM, if it has the connection, answers with a challenge (RFC 5961, 4); a
 * RST closes only with the very number that is due, passes unheeded inside the window, for the VM
 * to challenge it (RFC 5961, 3), and is dropped outside.
 *
 * So there is nothing to remember of segments that passed unheeded, and a flow that moves to
 * another host in the middle of any of this goes on there.
 */
#include "main.h"

#include "tcp_window.h"

enum kind {
	KIND_SYN,
	KIND_SYNACK,
	KIND_RST,
	KIND_ACK,
	N_KINDS,
};

/**
 * enum action - what is done with a segment
 * @DROP: wrong in this state
 * @TRACK: windows are checked and updated, FINs noted
 * @CROSS: the second SYN of a simultaneous open
 * @REPEAT: a SYN that was sent before passes; another one begins a new connection
 * @LATE: a SYN on a connection, see "Who may say what"
 * @RENEW: a SYN on a connection that is over begins a new one, unless it is an old duplicate
 * @REOPEN: a SYN on a dead connection begins a new one
 * @ANSWER: a SYN/ACK that may answer the SYN
 * @ANSWERED: one that comes after the first
 * @MUTUAL: one of two ends that both opened
 * @STALE: one on a connection that was established
 * @BARE: an answer to a SYN by an end that has, or had, another connection
 * @QUIT: a RST of the end whose SYN is not answered yet
 * @REFUSE: a RST that may answer the SYN
 * @RESET: a RST on a connection
 */
enum action {
	DROP,
	TRACK,
	CROSS,
	REPEAT,
	LATE,
	RENEW,
	REOPEN,
	ANSWER,
	ANSWERED,
	MUTUAL,
	STALE,
	BARE,
	QUIT,
	REFUSE,
	RESET,
};

#define FIRST_STATE	VFW_FLOW_STATE_TCP_SYN_SENT
#define N_STATES	(VFW_FLOW_STATE_TCP_CLOSE - FIRST_STATE + 1)

/*
 * By kind of segment, by whether the end that sent it has sent a plain SYN (has opened), and by
 * state. Only ends whose state the firewall knows for sure are held to it; where the firewall
 * may be behind, segments pass unheeded and let the ends sort it out.
 */
static const u8 actions[N_KINDS][2][N_STATES] = {
	[KIND_SYN] = {
		{
		/*
		 * From the end that has not opened:
		 * SYN_SENT: both open at once (RFC 9293, 3.5)
		 * SYN_SENT2: cannot be, both have opened; the same as from the opener
		 * SYN_RECV to LAST_ACK: it should have a connection
		 * TIME_WAIT, CLOSE: roles change in the next connection
		 */
		/* SS	  S2	    SR	      ES	FW	  CW	    LA	      TW     CL */
		   CROSS, REPEAT,   LATE,     LATE,	LATE,	  LATE,	    LATE,     RENEW, REOPEN,
		}, {
		/*
		 * From the opener:
		 * SYN_SENT, SYN_SENT2: retransmission, or it has begun anew
		 * SYN_RECV: retransmission, the SYN/ACK is on its way or lost
		 * ESTABLISHED to LAST_ACK: old duplicate, or it lost its state
		 * TIME_WAIT: RFC 9293, 3.6.1
		 * CLOSE: the usual next try after a RST
		 */
		   REPEAT, REPEAT,  LATE,     LATE,	LATE,	  LATE,	    LATE,     RENEW, REOPEN,
		},
	},
	[KIND_SYNACK] = {
		{
		/*
		 * From the end that has not opened:
		 * SYN_SENT: the answer, or of an old connection's (passes, the opener resets)
		 * SYN_SENT2: cannot be
		 * SYN_RECV: retransmission; or another one, made without memory (SYN cookies)
		 * ESTABLISHED and on: old duplicate, or it took a SYN that passed unheeded
		 */
		   ANSWER, DROP,    ANSWERED, STALE,	STALE,	  STALE,    STALE,    STALE, STALE,
		}, {
		/*
		 * From the opener:
		 * SYN_SENT: it has nothing to acknowledge yet
		 * SYN_SENT2, SYN_RECV: both opened at once, and it has seen the other's SYN; the
		 *	second time perhaps only repeats that
		 * ESTABLISHED and on: as above, for roles may have changed
		 */
		   DROP,  ANSWER,   MUTUAL,   STALE,	STALE,	  STALE,    STALE,    STALE, STALE,
		},
	},
	[KIND_RST] = {
		{
		/*
		 * From the end that has not opened:
		 * SYN_SENT: connection refused, if it acknowledges the SYN
		 * SYN_RECV and on: by its number
		 */
		   REFUSE, DROP,    RESET,    RESET,	RESET,	  RESET,    RESET,    RESET, RESET,
		}, {
		/*
		 * From the opener:
		 * SYN_SENT: it gives up, or answers an old connection's challenge or SYN/ACK
		 * SYN_SENT2: as refused above, or it gives up
		 */
		   QUIT,  REFUSE,   RESET,    RESET,	RESET,	  RESET,    RESET,    RESET, RESET,
		},
	},
	[KIND_ACK] = {
		{
		/*
		 * From the end that has not opened, with or without data and FIN:
		 * SYN_SENT: challenge by an end that still has an old connection
		 * SYN_RECV: data before the handshake is over (RFC 7413), or a late challenge
		 * ESTABLISHED to TIME_WAIT: by windows; the state follows from the FINs
		 * CLOSE: what was in flight, and makes the other end repeat its RST
		 */
		   BARE,  DROP,	    TRACK,    TRACK,	TRACK,	  TRACK,    TRACK,    TRACK, TRACK,
		}, {
		/*
		 * From the opener:
		 * SYN_SENT: there is nothing it could acknowledge
		 * SYN_SENT2: as the challenge above
		 * SYN_RECV: completes the handshake
		 */
		   DROP,  BARE,	    TRACK,    TRACK,	TRACK,	  TRACK,    TRACK,    TRACK, TRACK,
		},
	},
};

static enum kind segment_kind(const struct vfw_segment *seg)
{
	if (seg->flags & VFW_TCPHDR_RST)
		return KIND_RST;
	if (seg->flags & VFW_TCPHDR_SYN)
		return seg->flags & VFW_TCPHDR_ACK ? KIND_SYNACK : KIND_SYN;
	return KIND_ACK;
}

/* The state of a connection whose handshake is complete. */
static u8 established_state(u8 one, u8 other)
{
	if (!((one | other) & VFW_TCP_FIN))
		return VFW_FLOW_STATE_TCP_ESTABLISHED;
	if (one & other & VFW_TCP_FIN_ACKED)
		return VFW_FLOW_STATE_TCP_TIME_WAIT;
	if (one & other & VFW_TCP_FIN)
		return VFW_FLOW_STATE_TCP_LAST_ACK;
	if ((one | other) & VFW_TCP_FIN_ACKED)
		return VFW_FLOW_STATE_TCP_CLOSE_WAIT;
	return VFW_FLOW_STATE_TCP_FIN_WAIT;
}

static u8 next_state(const struct vfw_tcp_exchange *x)
{
	if (*x->state == VFW_FLOW_STATE_TCP_CLOSE)
		return VFW_FLOW_STATE_TCP_CLOSE;
	if (*x->state == VFW_FLOW_STATE_TCP_SYN_RECV && !vfw_tcp_is_opener(x->from))
		return VFW_FLOW_STATE_TCP_SYN_RECV;
	return established_state(x->from->flags, x->to->flags);
}

static enum vfw_drop_reason unheeded(void)
{
	return VFW_DROP_REASON_NONE;
}

static enum vfw_drop_reason refresh(struct vfw_tcp_exchange *x, u8 state)
{
	*x->state = state;
	*x->effect = VFW_TCP_EFFECT_REFRESH;
	return VFW_DROP_REASON_NONE;
}

/* After both have offered something, that is settled. */
static enum vfw_drop_reason close_flow(struct vfw_tcp_exchange *x)
{
	if (*x->state == VFW_FLOW_STATE_TCP_SYN_SENT2 || *x->state == VFW_FLOW_STATE_TCP_SYN_RECV)
		vfw_tcp_settle_scales(x);
	return refresh(x, VFW_FLOW_STATE_TCP_CLOSE);
}

static enum vfw_drop_reason reopen(struct vfw_tcp_exchange *x)
{
	*x->effect = VFW_TCP_EFFECT_REOPEN;
	return VFW_DROP_REASON_NONE;
}

static enum vfw_drop_reason track(struct vfw_tcp_exchange *x)
{
	enum vfw_drop_reason reason;

	reason = vfw_tcp_window_check(x);
	if (unlikely(reason))
		return reason;
	vfw_tcp_window_update(x);
	return refresh(x, next_state(x));
}

static enum vfw_drop_reason cross(struct vfw_tcp_exchange *x)
{
	vfw_tcp_window_open(x->from, x->seg);
	return refresh(x, VFW_FLOW_STATE_TCP_SYN_SENT2);
}

static enum vfw_drop_reason repeat(struct vfw_tcp_exchange *x)
{
	if (x->seg->seq + 1 == x->from->max_end)
		return unheeded();
	return reopen(x);
}

/* Both have opened, and its SYN/ACK was faster than its SYN, which the other one may answer. */
static bool overtaken(const struct vfw_tcp_exchange *x)
{
	return *x->state == VFW_FLOW_STATE_TCP_SYN_RECV && !vfw_tcp_is_opener(x->from) &&
	       x->seg->seq + 1 == x->from->max_end;
}

static enum vfw_drop_reason cross_late(struct vfw_tcp_exchange *x)
{
	x->from->flags |= VFW_TCP_SYN;
	if (after(x->end, x->from->end))
		x->from->end = x->end;
	return refresh(x, VFW_FLOW_STATE_TCP_SYN_RECV);
}

/*
 * The VM's own may have been overtaken by what completes the handshake, and the data behind that;
 * not by more, or a VM with a wide window could not choose another number and be answered. Data in
 * a SYN says nothing: the SYN/ACK of the same number that was faster has none.
 */
static enum vfw_drop_reason late(struct vfw_tcp_exchange *x)
{
	const u32 end = x->from->end;

	if (overtaken(x))
		return cross_late(x);
	if (x->dir == VFW_DIRECTION_IN ||
	    vfw_tcp_between(x->seg->seq + 1, end - VFW_TCP_REORDER, end))
		return unheeded();
	return reopen(x);
}

/*
 * The rule of RFC 9293, 3.6.1, "greater than any used", is the end's to apply, with the help of
 * timestamps perhaps (RFC 6191). Here an old duplicate, which comes from outside, must not end
 * the TIME_WAIT.
 */
static enum vfw_drop_reason renew(struct vfw_tcp_exchange *x)
{
	if (x->dir == VFW_DIRECTION_IN && vfw_tcp_window_sent(x->from, x->to, x->end))
		return unheeded();
	return reopen(x);
}

static enum vfw_drop_reason take_answer(struct vfw_tcp_exchange *x)
{
	vfw_tcp_window_answer(x);
	return refresh(x, VFW_FLOW_STATE_TCP_SYN_RECV);
}

static bool acks_syn(const struct vfw_tcp_exchange *x)
{
	return x->seg->flags & VFW_TCPHDR_ACK &&
	       vfw_tcp_between(x->seg->ack, x->to->max_end, x->to->end);
}

static enum vfw_drop_reason answer(struct vfw_tcp_exchange *x)
{
	return acks_syn(x) ? take_answer(x) : unheeded();
}

/* The SYN/ACK of an end that has sent no more, and nobody has acknowledged it. */
static bool repeats_answer(const struct vfw_tcp_exchange *x)
{
	return x->seg->seq + 1 == x->from->max_end &&
	       vfw_tcp_window_sent(x->to, x->from, x->seg->ack);
}

static enum vfw_drop_reason answered(struct vfw_tcp_exchange *x)
{
	if (repeats_answer(x))
		return unheeded();
	if (x->seg->ack == x->to->end)
		return take_answer(x);
	return x->dir == VFW_DIRECTION_OUT ? reopen(x) : VFW_DROP_REASON_TCP_ACK;
}

/*
 * The first end to answer the other's SYN may have to repeat that; the answer of the other one
 * completes the handshake.
 */
static enum vfw_drop_reason mutual(struct vfw_tcp_exchange *x)
{
	if (!vfw_tcp_is_opener(x->to))
		return VFW_DROP_REASON_TCP_STATE;
	return repeats_answer(x) ? unheeded() : track(x);
}

static enum vfw_drop_reason stale(struct vfw_tcp_exchange *x)
{
	enum vfw_drop_reason reason;

	/* Its SYN was given up by a RST that it crossed: the opener resets this end too. */
	if (*x->state == VFW_FLOW_STATE_TCP_CLOSE && vfw_tcp_is_opener(x->to) && acks_syn(x))
		return unheeded();
	reason = vfw_tcp_window_check(x);
	if (reason && x->dir == VFW_DIRECTION_OUT)
		return reopen(x);
	return reason;
}

static enum vfw_drop_reason bare(const struct vfw_tcp_exchange *x)
{
	if (x->seg->length || x->seg->flags & VFW_TCPHDR_FIN)
		return VFW_DROP_REASON_TCP_STATE;
	return unheeded();
}

static enum vfw_drop_reason quit(struct vfw_tcp_exchange *x)
{
	if (vfw_tcp_between(x->seg->seq, x->from->max_end, x->from->end))
		return close_flow(x);
	return unheeded();
}

static enum vfw_drop_reason refuse(struct vfw_tcp_exchange *x)
{
	if (acks_syn(x) || (vfw_tcp_is_opener(x->from) && x->seg->seq == x->from->end))
		return close_flow(x);
	return VFW_DROP_REASON_TCP_RST;
}

/* The number that is due closes; the VM is believed with any that fits. */
static enum vfw_drop_reason reset(struct vfw_tcp_exchange *x)
{
	const struct vfw_segment *seg = x->seg;
	u32 oldest = x->from->end - vfw_tcp_backlog(x->to);
	bool exact = seg->seq == x->from->end;

	/* By one more than the limit, for the FIN or the probe before it may have been lost. */
	if (!exact && !vfw_tcp_between(seg->seq, oldest, vfw_tcp_window_limit(x) + 1)) {
		/* In answer to a SYN: numbers from 0 on (RFC 9293, 3.10.7.1). */
		if (x->dir == VFW_DIRECTION_OUT && !seg->seq && seg->flags & VFW_TCPHDR_ACK)
			return reopen(x);
		return VFW_DROP_REASON_TCP_RST;
	}
	if (*x->state == VFW_FLOW_STATE_TCP_CLOSE ||
	    (!exact && x->dir == VFW_DIRECTION_IN))
		return unheeded();
	return close_flow(x);
}

static enum vfw_drop_reason act(struct vfw_tcp_exchange *x, enum action action)
{
	switch (action) {
	case TRACK:
		return track(x);
	case CROSS:
		return cross(x);
	case REPEAT:
		return repeat(x);
	case LATE:
		return late(x);
	case RENEW:
		return renew(x);
	case REOPEN:
		return reopen(x);
	case ANSWER:
		return answer(x);
	case ANSWERED:
		return answered(x);
	case MUTUAL:
		return mutual(x);
	case STALE:
		return stale(x);
	case BARE:
		return bare(x);
	case QUIT:
		return quit(x);
	case REFUSE:
		return refuse(x);
	case RESET:
		return reset(x);
	case DROP:
		break;
	}
	return VFW_DROP_REASON_TCP_STATE;
}

/**
 * vfw_tcp_update() - judge a segment of a known connection, and take note of it
 * @tcp: the connection; changed only if the segment passes and means something
 * @state: state of its flow, one of TCP's; likewise
 * @dir: direction in which the segment goes
 * @seg: the segment, with flags that a valid one can have
 * @effect: what becomes of the flow; VFW_TCP_EFFECT_REOPEN also for what proves that the VM has
 *	no such connection, but opens none: vfw_tcp_open() refuses that
 *
 * RFC 9293 (states), RFC 5961 (RST and SYN), RFC 7323 (scales); the model is explained at the
 * top of this file.
 *
 * Context: the flow's lock is held.
 * Return: VFW_DROP_REASON_NONE, or TCP_STATE, TCP_WINDOW, TCP_ACK or TCP_RST.
 */
enum vfw_drop_reason vfw_tcp_update(struct vfw_tcp *tcp, u8 *state, enum vfw_direction dir,
				    const struct vfw_segment *seg, enum vfw_tcp_effect *effect)
{
	struct vfw_tcp_exchange x = {
		.from = &tcp->peer[dir],
		.to = &tcp->peer[!dir],
		.seg = seg,
		.end = vfw_tcp_segment_end(seg),
		.dir = dir,
		.state = state,
		.effect = effect,
	};

	*effect = VFW_TCP_EFFECT_NONE;
	if (unlikely(*state < FIRST_STATE || *state >= FIRST_STATE + N_STATES))
		return VFW_DROP_REASON_TCP_STATE;
	return act(&x, actions[segment_kind(seg)][vfw_tcp_is_opener(x.from)][*state - FIRST_STATE]);
}
EXPORT_SYMBOL_VFW_TEST(vfw_tcp_update);

/**
 * vfw_tcp_open() - begin to track a connection with the first segment seen of it
 * @tcp: filled in
 * @state: filled in with the state the flow begins in
 * @dir: direction in which the segment goes
 * @seg: the segment, with flags that a valid one can have
 * @pick_up: a connection may also be picked up in its middle
 *
 * Context: any; nobody else knows @tcp yet.
 * Return: VFW_DROP_REASON_NONE, or TCP_NOT_SYN when this segment opens nothing.
 */
enum vfw_drop_reason vfw_tcp_open(struct vfw_tcp *tcp, u8 *state, enum vfw_direction dir,
				  const struct vfw_segment *seg, bool pick_up)
{
	struct vfw_tcp_peer *from = &tcp->peer[dir], *to = &tcp->peer[!dir];
	enum kind kind = segment_kind(seg);

	memset(tcp, 0, sizeof(*tcp));
	if (kind == KIND_SYN) {
		vfw_tcp_window_open(from, seg);
		to->max_window = 1;
		*state = VFW_FLOW_STATE_TCP_SYN_SENT;
		return VFW_DROP_REASON_NONE;
	}
	if (!pick_up || kind != KIND_ACK)
		return VFW_DROP_REASON_TCP_NOT_SYN;
	vfw_tcp_window_pick_up(from, to, seg);
	*state = established_state(from->flags, to->flags);
	return VFW_DROP_REASON_NONE;
}
EXPORT_SYMBOL_VFW_TEST(vfw_tcp_open);

/**
 * vfw_tcp_extend() - more of a segment that is cut into fragments has passed
 * @tcp: the connection
 * @dir: direction in which the segment goes
 * @flags: its flags
 * @from: sequence number behind what its first fragment had, SYN and FIN counted
 * @to: the same behind what has passed now
 *
 * The other end acknowledges the whole of it. A segment that was not taken note of, or that another
 * connection was begun after, extends nothing; nor does one that goes beyond another's FIN.
 *
 * Context: the flow's lock is held.
 */
void vfw_tcp_extend(struct vfw_tcp *tcp, enum vfw_direction dir, u8 flags, u32 from, u32 to)
{
	struct vfw_tcp_peer *peer = &tcp->peer[dir];

	if (flags & VFW_TCPHDR_RST || !after(to, peer->end))
		return;
	if (flags & VFW_TCPHDR_SYN ? from != peer->end :
				     !vfw_tcp_window_sent(peer, &tcp->peer[!dir], from))
		return;
	if (peer->flags & VFW_TCP_FIN_ACKED ||
	    (peer->flags & VFW_TCP_FIN && !(flags & VFW_TCPHDR_FIN)))
		return;
	peer->end = to;
}
EXPORT_SYMBOL_VFW_TEST(vfw_tcp_extend);

/**
 * vfw_tcp_quoted_in_window() - may a sequence number quoted in an ICMP error be in flight?
 * @tcp: the connection
 * @dir: direction in which the quoted segment went
 * @seq: its sequence number
 *
 * RFC 5927, 4.1: an error about something that was not sent, or long ago, is a forgery. An end that
 * has not said anything yet, whose number is 0 and window 1, cannot have sent anything.
 *
 * Context: the flow's lock is held.
 */
bool vfw_tcp_quoted_in_window(const struct vfw_tcp *tcp, enum vfw_direction dir, u32 seq)
{
	const struct vfw_tcp_peer *from = &tcp->peer[dir];
	bool silent = !from->end && from->max_window <= 1 && !vfw_tcp_is_opener(from);

	return !silent && vfw_tcp_window_sent(from, &tcp->peer[!dir], seq);
}
EXPORT_SYMBOL_VFW_TEST(vfw_tcp_quoted_in_window);

/* An end that has opened has said nothing but its SYN yet, whose window is not scaled. */
static bool opener_valid(const struct vfw_tcp_peer *peer)
{
	return !vfw_tcp_is_opener(peer) || peer->max_window <= U16_MAX;
}

/* The flags both ends, and at least one of them, have tell which states there can be. */
static bool flags_fit(u8 both, u8 any, u8 state)
{
	switch (state) {
	case VFW_FLOW_STATE_TCP_SYN_SENT:
		return !(both & VFW_TCP_SYN) && any & VFW_TCP_SYN &&
		       !(any & (VFW_TCP_FIN | VFW_TCP_UNKNOWN));
	case VFW_FLOW_STATE_TCP_SYN_SENT2:
		return both & VFW_TCP_SYN && !(any & (VFW_TCP_FIN | VFW_TCP_UNKNOWN));
	case VFW_FLOW_STATE_TCP_SYN_RECV:
		return any & VFW_TCP_SYN && !(any & VFW_TCP_UNKNOWN);
	default:
		return false;
	}
}

/**
 * vfw_tcp_state_valid() - can tracking have led to this?
 * @tcp: a connection from wherever; nothing about it is known to be sane
 * @state: state its flow is said to have, any number
 *
 * What passes here gives vfw_tcp_update() bounds that are comparable, and a state that its next
 * segment would not turn into another one unasked.
 *
 * Context: any.
 */
bool vfw_tcp_state_valid(const struct vfw_tcp *tcp, u8 state)
{
	const struct vfw_tcp_peer *one = &tcp->peer[0], *other = &tcp->peer[1];

	if (state < FIRST_STATE || state >= FIRST_STATE + N_STATES)
		return false;
	if (!vfw_tcp_window_valid(one) || !vfw_tcp_window_valid(other))
		return false;
	/* While it is being opened, a scale is an offer; later, it counts for both or for none. */
	if (!vfw_tcp_half_open(state) && state != VFW_FLOW_STATE_TCP_CLOSE &&
	    (one->scale || other->scale) &&
	    !(one->flags & other->flags & (VFW_TCP_WINDOW_SCALE | VFW_TCP_UNKNOWN)))
		return false;
	if (!vfw_tcp_half_open(state))
		return state == VFW_FLOW_STATE_TCP_CLOSE ||
		       established_state(one->flags, other->flags) == state;
	if (!opener_valid(one) || !opener_valid(other))
		return false;
	return flags_fit(one->flags & other->flags, one->flags | other->flags, state);
}
EXPORT_SYMBOL_VFW_TEST(vfw_tcp_state_valid);
