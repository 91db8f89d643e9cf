// SPDX-License-Identifier: GPL-2.0
/*
 * What vfw is to do with a segment, written down once more, from the rules that
 * Documentation/conntrack-differences.md and the tops of kmod/tcp.c and kmod/tcp_window.c give in
 * words. The comparison holds vfw to this on each packet, so that a difference to nf_conntrack is
 * explained only if vfw did what it says it does, number by number.
 */
#include <string.h>

#include "rules.h"

#define REORDER	66000U

const char * const rule_names[N_RULES] = {
	"malformed", "opens", "refused", "unsolicited", "wrong state", "tracked", "beyond window",
	"below window", "after FIN", "never sent", "old ack", "handshake ack", "cross", "repeated",
	"anew", "late SYN", "VM's SYN", "old SYN", "renew", "reopen", "answer", "unrelated",
	"again", "other answer", "bad answer", "VM forgot", "stale", "bare", "bare data", "quit",
	"not quit", "denied", "not denied", "rst", "rst unheeded", "rst outside",
};

/* A segment, the flow it is of, and both ends of that. */
struct view {
	struct vfwd_side *flow;
	struct vfwd_peer *from, *to;
	const struct packet *packet;
	const struct segment *seg;
	u32 end, sack;
	bool allowed, opener;
};

static bool flags_valid(u8 flags)
{
	switch (flags & (FIN | SYN | RST | ACK | URG)) {
	case SYN: case SYN | URG: case SYN | ACK: case RST: case RST | ACK:
	case ACK: case ACK | URG: case ACK | FIN: case ACK | FIN | URG:
		return true;
	}
	return false;
}

static enum rule drop(struct view *v, u8 reason, enum rule rule)
{
	v->flow->passed = 0;
	v->flow->reason = reason;
	return rule;
}

static void say_syn(struct view *v)
{
	struct vfwd_peer *from = v->from;

	from->end = v->end;
	from->max_end = v->seg->seq + 1;
	from->max_window = v->seg->window ? v->seg->window : 1;
	from->scale = 0;
	from->flags &= VFW_TCP_SYN;
	if (!(v->seg->flags & ACK))
		from->flags |= VFW_TCP_SYN;
	if (v->seg->sack_permitted)
		from->flags |= VFW_TCP_SACK;
	if (v->seg->scale == NO_SCALE)
		return;
	from->scale = v->seg->scale > 14 ? 14 : v->seg->scale;
	from->flags |= VFW_TCP_WINDOW_SCALE;
}

static void settle(struct view *v)
{
	if (v->from->flags & v->to->flags & VFW_TCP_WINDOW_SCALE)
		return;
	v->from->scale = 0;
	v->to->scale = 0;
}

/* There is no flow, or none any more. @rule: how it is called if it opens one. */
static enum rule open(struct view *v, enum rule rule)
{
	bool syn = (v->seg->flags & (SYN | ACK | RST)) == SYN;
	bool forgot = v->flow->known;

	/* What is refused from outside ends nothing. */
	if (forgot && !v->allowed && v->packet->dir == REMOTE)
		return drop(v, VFW_DROP_REASON_DEFAULT, V_REFUSED);
	v->flow->known = 0;
	v->flow->state = VFW_FLOW_STATE_NONE;
	v->flow->opened = 0;
	memset(v->flow->peer, 0, sizeof(v->flow->peer));
	if (!syn)
		return drop(v, VFW_DROP_REASON_TCP_NOT_SYN, forgot ? V_VM_FORGOT : V_UNSOLICITED);
	if (!v->allowed)
		return drop(v, VFW_DROP_REASON_DEFAULT, V_REFUSED);
	v->flow->known = 1;
	v->flow->state = VFW_FLOW_STATE_TCP_SYN_SENT;
	v->flow->opened = v->packet->dir;
	say_syn(v);
	v->to->max_window = 1;
	return rule;
}

static bool syn_recv_by(const struct view *v, bool opener)
{
	return v->flow->state == VFW_FLOW_STATE_TCP_SYN_RECV && v->opener == opener;
}

static u32 limit(const struct view *v)
{
	return v->from->max_end + (syn_recv_by(v, false) ? v->to->max_window : 0);
}

static u32 oldest(const struct view *v)
{
	return v->from->end - v->to->max_window - REORDER;
}

/* Sent by the end, and not long ago. */
static bool was_sent(const struct view *v, u32 number)
{
	return between(number, oldest(v), v->from->end);
}

/* V_TRACKED if the numbers fit. */
static enum rule fits(const struct view *v)
{
	/* A FIN or a probe may have been sent where the window ends. */
	if (after(v->seg->seq, limit(v)) &&
	    !(v->seg->seq == limit(v) + 1 && v->end == v->seg->seq))
		return V_BEYOND;
	if (before(v->end, oldest(v)))
		return V_BELOW;
	if (v->from->flags & VFW_TCP_FIN_ACKED && after(v->end, v->from->end))
		return V_AFTER_FIN;
	if (after(v->sack, v->to->end) || after(v->seg->ack, v->to->end))
		return V_NEVER_SENT;
	if (syn_recv_by(v, true))
		return before(v->seg->ack, v->to->max_end) ? V_HANDSHAKE_ACK : V_TRACKED;
	return before(v->seg->ack, v->to->end - v->from->max_window - REORDER) ? V_OLD_ACK :
										 V_TRACKED;
}

static enum rule misfit(struct view *v, enum rule rule)
{
	return drop(v, rule <= V_AFTER_FIN ? VFW_DROP_REASON_TCP_WINDOW : VFW_DROP_REASON_TCP_ACK,
		    rule);
}

static u8 state_by_fins(const struct view *v)
{
	u8 one = v->from->flags, other = v->to->flags;

	if (!((one | other) & VFW_TCP_FIN))
		return VFW_FLOW_STATE_TCP_ESTABLISHED;
	if (one & other & VFW_TCP_FIN)
		return one & other & VFW_TCP_FIN_ACKED ? VFW_FLOW_STATE_TCP_TIME_WAIT :
							 VFW_FLOW_STATE_TCP_LAST_ACK;
	return (one | other) & VFW_TCP_FIN_ACKED ? VFW_FLOW_STATE_TCP_CLOSE_WAIT :
						   VFW_FLOW_STATE_TCP_FIN_WAIT;
}

static enum rule track(struct view *v)
{
	u32 window = v->seg->window;
	enum rule rule = fits(v);

	if (rule != V_TRACKED)
		return misfit(v, rule);
	if (syn_recv_by(v, true)) {
		settle(v);
		v->to->max_end += v->from->max_window;
	}
	if (!(v->seg->flags & SYN))
		window <<= v->from->scale;
	if (!window)
		window = 1;
	if (window > v->from->max_window)
		v->from->max_window = window;
	if (after(v->end, v->from->end)) {
		v->from->end = v->end;
		v->from->flags &= ~VFW_TCP_FIN;
	}
	if (v->seg->flags & FIN && v->end == v->from->end)
		v->from->flags |= VFW_TCP_FIN;
	v->to->max_end = latest(v->to->max_end, v->seg->ack + window);
	if (v->to->flags & VFW_TCP_FIN && v->seg->ack == v->to->end)
		v->to->flags |= VFW_TCP_FIN_ACKED;
	if (v->flow->state != VFW_FLOW_STATE_TCP_CLOSE && !syn_recv_by(v, false))
		v->flow->state = state_by_fins(v);
	return V_TRACKED;
}

static bool repeats_syn(const struct view *v)
{
	return v->seg->seq + 1 == v->from->max_end;
}

static enum rule judge_syn(struct view *v)
{
	bool vm = v->packet->dir == VM;

	switch (v->flow->state) {
	case VFW_FLOW_STATE_TCP_SYN_SENT:
		if (!v->opener) {
			say_syn(v);
			v->flow->state = VFW_FLOW_STATE_TCP_SYN_SENT2;
			return V_CROSS;
		}
		return repeats_syn(v) ? V_REPEATED : open(v, V_ANEW);
	case VFW_FLOW_STATE_TCP_SYN_SENT2:
		return repeats_syn(v) ? V_REPEATED : open(v, V_ANEW);
	case VFW_FLOW_STATE_TCP_TIME_WAIT:
		return !vm && was_sent(v, v->end) ? V_OLD_SYN : open(v, V_RENEW);
	case VFW_FLOW_STATE_TCP_CLOSE:
		return open(v, V_REOPEN);
	default:
		/* Its SYN/ACK was faster: both have opened. */
		if (syn_recv_by(v, false) && repeats_syn(v)) {
			v->from->flags |= VFW_TCP_SYN;
			v->from->end = latest(v->from->end, v->end);
			return V_LATE;
		}
		/* The VM's may have been overtaken by its SYN/ACK or ACK, and what followed. */
		return !vm || between(v->seg->seq + 1, v->from->end - REORDER, v->from->end) ?
		       V_LATE : open(v, V_VM_SYN);
	}
}

static bool acks_syn(const struct view *v)
{
	return v->seg->flags & ACK && between(v->seg->ack, v->to->max_end, v->to->end);
}

static enum rule take_answer(struct view *v, enum rule rule)
{
	u32 window = v->seg->window ? v->seg->window : 1, sent = v->from->end;
	bool same_syn = v->opener && v->seg->seq + 1 == v->from->max_end;

	say_syn(v);
	if (!(v->to->flags & VFW_TCP_WINDOW_SCALE))
		v->from->scale = 0;
	if (same_syn)
		v->from->end = latest(sent, v->from->end);
	v->to->max_end = latest(v->to->max_end, v->seg->ack + window);
	v->flow->state = VFW_FLOW_STATE_TCP_SYN_RECV;
	return rule;
}

static enum rule judge_synack(struct view *v)
{
	u8 state = v->flow->state;
	bool crossed = state == VFW_FLOW_STATE_TCP_SYN_SENT2;
	enum rule rule;

	if (state == VFW_FLOW_STATE_TCP_SYN_SENT || crossed) {
		if (v->opener != crossed)
			return drop(v, VFW_DROP_REASON_TCP_STATE, V_STATE);
		return acks_syn(v) ? take_answer(v, V_ANSWER) : V_UNRELATED;
	}
	if (state == VFW_FLOW_STATE_TCP_SYN_RECV) {
		if (v->opener && !(v->to->flags & VFW_TCP_SYN))
			return drop(v, VFW_DROP_REASON_TCP_STATE, V_STATE);
		if (v->seg->seq + 1 == v->from->max_end &&
		    between(v->seg->ack, v->to->end - v->from->max_window - REORDER, v->to->end))
			return V_AGAIN;
		if (v->opener)
			return track(v);
		if (v->seg->ack == v->to->end)
			return take_answer(v, V_OTHER_ANSWER);
		return v->packet->dir == VM ? open(v, V_VM_FORGOT) :
					      drop(v, VFW_DROP_REASON_TCP_ACK, V_BAD_ANSWER);
	}
	rule = fits(v);
	/* The answer to a SYN that was given up meanwhile is for its opener to reset. */
	if (state == VFW_FLOW_STATE_TCP_CLOSE && v->to->flags & VFW_TCP_SYN && acks_syn(v))
		rule = V_TRACKED;
	if (rule == V_TRACKED)
		return V_STALE;
	return v->packet->dir == VM ? open(v, V_VM_FORGOT) : misfit(v, rule);
}

static enum rule close_flow(struct view *v, enum rule rule)
{
	if (v->flow->state == VFW_FLOW_STATE_TCP_SYN_SENT2 ||
	    v->flow->state == VFW_FLOW_STATE_TCP_SYN_RECV)
		settle(v);
	v->flow->state = VFW_FLOW_STATE_TCP_CLOSE;
	return rule;
}

static enum rule judge_rst(struct view *v)
{
	bool crossed = v->flow->state == VFW_FLOW_STATE_TCP_SYN_SENT2;
	bool vm = v->packet->dir == VM;
	u32 seq = v->seg->seq;

	if (v->flow->state == VFW_FLOW_STATE_TCP_SYN_SENT && v->opener)
		return between(seq, v->from->max_end, v->from->end) ? close_flow(v, V_QUIT) :
								      V_NOT_QUIT;
	if (v->flow->state == VFW_FLOW_STATE_TCP_SYN_SENT || crossed) {
		if (acks_syn(v) || (v->opener && seq == v->from->end))
			return close_flow(v, V_DENIED);
		return drop(v, VFW_DROP_REASON_TCP_RST, V_NOT_DENIED);
	}
	/* The FIN or the probe before it may have been lost. */
	if (seq != v->from->end && !between(seq, oldest(v), limit(v) + 1)) {
		if (vm && !seq && v->seg->flags & ACK)
			return open(v, V_VM_FORGOT);
		return drop(v, VFW_DROP_REASON_TCP_RST, V_RST_OUTSIDE);
	}
	if (seq != v->from->end && !vm)
		return V_RST_UNHEEDED;
	return close_flow(v, V_RST);
}

static enum rule judge_ack(struct view *v)
{
	u8 state = v->flow->state;
	bool crossed = state == VFW_FLOW_STATE_TCP_SYN_SENT2;

	if (state == VFW_FLOW_STATE_TCP_SYN_SENT || crossed) {
		if (v->opener != crossed)
			return drop(v, VFW_DROP_REASON_TCP_STATE, V_STATE);
		if (v->seg->length || v->seg->flags & FIN)
			return drop(v, VFW_DROP_REASON_TCP_STATE, V_BARE_DATA);
		return V_BARE;
	}
	return track(v);
}

/**
 * rules_apply() - what vfw makes of a packet
 * @flow: the flow before, all zeros if there is none; it becomes what is expected after
 * @packet: a TCP segment
 * @allowed: the policy lets this end open a connection
 */
enum rule rules_apply(struct vfwd_side *flow, const struct packet *packet, bool allowed)
{
	struct view v = {
		.flow = flow,
		.from = &flow->peer[packet->dir],
		.to = &flow->peer[!packet->dir],
		.packet = packet,
		.seg = &packet->seg,
		.end = segment_end(&packet->seg),
		.sack = packet->seg.ack,
		.allowed = allowed,
	};
	u32 i;

	flow->passed = 1;
	flow->reason = VFW_DROP_REASON_NONE;
	if (packet->flaw == CUT)
		return drop(&v, VFW_DROP_REASON_IP_HEADER, V_PARSE);
	if (packet->flaw == SHORT_HEADER || packet->flaw == LONG_HEADER)
		return drop(&v, VFW_DROP_REASON_L4_HEADER, V_PARSE);
	if (!flags_valid(v.seg->flags))
		return drop(&v, VFW_DROP_REASON_TCP_FLAGS, V_PARSE);
	if (packet->flaw == BAD_OPTION)
		return drop(&v, VFW_DROP_REASON_L4_HEADER, V_PARSE);
	for (i = 0; i < v.seg->n_sack; i++)
		v.sack = latest(v.sack, v.seg->sack[i][1]);
	if (!flow->known)
		return open(&v, V_OPENS);
	v.opener = v.from->flags & VFW_TCP_SYN;
	if (v.seg->flags & RST)
		return judge_rst(&v);
	if (v.seg->flags & SYN)
		return v.seg->flags & ACK ? judge_synack(&v) : judge_syn(&v);
	return judge_ack(&v);
}
