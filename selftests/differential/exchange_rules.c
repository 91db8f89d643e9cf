// SPDX-License-Identifier: GPL-2.0
/*
 * What vfw is to do with a message that is of no connection of TCP, written down once more: see
 * rules.c. An error changes nothing; a message of another exchange, with other ports or from the
 * wrong side, changes nothing of this one.
 */
#include "exchange_rules.h"
#include "rules.h"

#define REORDER	66000U

const char * const exchange_rule_names[N_EXCHANGE_RULES] = {
	"malformed", "header", "known", "opens", "refused", "unasked", "asks back", "segment",
	"about a flow", "lone", "lone, refused", "about nothing", "quotes no such number",
	"quotes too little", "quotes no packet", "quotes somebody else's", "quotes no such echo",
};

/**
 * exchange_allows() - do the rules that both firewalls have let this message begin something?
 */
bool exchange_allows(const struct exchange *x, const struct message *m)
{
	/* What is mirrored goes to the far end's port, and to no address that the rules name. */
	if (m->dir == VM)
		return true;
	if (has_ports(x))
		return m->port[m->mirrored ? REMOTE : VM] < 30000;
	return !m->mirrored && !(x->tuple.addr[VM][x->tuple.ipv6 ? 15 : 3] & 0x80);
}

static enum exchange_rule drop(struct vfwd_side *flow, u8 reason, enum exchange_rule rule)
{
	flow->passed = 0;
	flow->reason = reason;
	return rule;
}

static bool header_fits(const struct exchange *x, const struct message *m)
{
	if (m->wrong == HALF_HEADER)
		return m->what != ERROR && (x->protocol == PROTO_GRE || x->protocol == PROTO_ESP);
	return m->wrong != SAYS_MORE && m->wrong != SAYS_TOO_LITTLE && m->wrong != SAYS_ZERO;
}

static enum exchange_rule open(struct vfwd_side *flow, const struct exchange *x,
			       const struct message *m, bool ours)
{
	if (m->what == REPLY)
		return drop(flow, VFW_DROP_REASON_ICMP_REPLY, XV_UNASKED);
	if (!exchange_allows(x, m))
		return drop(flow, VFW_DROP_REASON_DEFAULT, XV_REFUSED);
	if (!ours)
		return XV_OPENS;
	flow->known = 1;
	flow->opened = m->dir;
	flow->state = VFW_FLOW_STATE_NEW;
	flow->entry[m->dir] = VFWD_KNOWN;
	return XV_OPENS;
}

/* Both ends may ask, if the policy lets both. */
static enum exchange_rule judge_echo(struct vfwd_side *flow, const struct exchange *x,
				     const struct message *m)
{
	u8 asker = m->what == REPLY ? !m->dir : m->dir;

	if (asker == flow->opened)
		return XV_KNOWN;
	if (m->what == REPLY && !flow->entry[asker])
		return drop(flow, VFW_DROP_REASON_ICMP_REPLY, XV_UNASKED);
	if (m->what == REPLY)
		return XV_KNOWN;
	if (!exchange_allows(x, m))
		return drop(flow, VFW_DROP_REASON_DEFAULT, XV_REFUSED);
	flow->entry[asker] = VFWD_KNOWN;
	return XV_ASKS_BACK;
}

static void update(struct vfwd_side *flow, const struct exchange *x, const struct message *m,
		   bool due)
{
	bool udp = x->protocol == PROTO_UDP || x->protocol == PROTO_UDPLITE;

	if (flow->state == VFW_FLOW_STATE_NEW) {
		if (m->dir != flow->opened)
			flow->state = VFW_FLOW_STATE_REPLIED;
	} else if (udp && due) {
		flow->state = VFW_FLOW_STATE_STREAM;
	}
}

static bool is_error(const struct exchange *x, u8 type)
{
	return x->tuple.ipv6 ? type >= 1 && type <= 4 :
			       type == 3 || type == 4 || type == 11 || type == 12;
}

/* Its end sent it, and not long ago; an end that has not spoken yet has no numbers. */
static bool was_sent(const struct vfwd_side *flow, const struct quotation *q)
{
	const struct vfwd_peer *from = &flow->peer[q->dir], *to = &flow->peer[!q->dir];

	if (flow->state == VFW_FLOW_STATE_TCP_SYN_SENT && q->dir != flow->opened)
		return false;
	return between(q->seq, from->end - to->max_window - REORDER, from->end);
}

static enum exchange_rule judge_quotation(const struct vfwd_side *flow, const struct exchange *x,
					  const struct message *m)
{
	const struct quotation *q = &m->quotation;

	if (q->misquote == HALF_IP || q->misquote == OTHER_VERSION ||
	    q->misquote == SHORT_LENGTH || q->misquote == FRAGMENT)
		return XV_QUOTE_MALFORMED;
	if (m->mirrored)
		return x->mirror ? XV_ABOUT : XV_QUOTE_TO;
	if (q->dir == m->dir || q->misquote == TO_ANOTHER)
		return XV_QUOTE_TO;
	if (q->misquote == OTHER_PROTOCOL || q->misquote == OTHER_END)
		return XV_ABOUT_NOTHING;
	if (q->bytes < 8 && (has_ports(x) || is_echo(x)))
		return XV_QUOTE_SHORT;
	if (!flow->known || !same_ports(x, m))
		return XV_ABOUT_NOTHING;
	if (is_echo(x) && !flow->entry[q->what == REPLY ? !q->dir : q->dir])
		return XV_QUOTE_KIND;
	return x->protocol == PROTO_TCP && !was_sent(flow, q) ? XV_QUOTE_SEQ : XV_ABOUT;
}

static enum exchange_rule judge_error(struct vfwd_side *flow, const struct exchange *x,
				      const struct message *m)
{
	enum exchange_rule rule;

	/* The policy lets the VM send what it likes. */
	if (!is_error(x, m->quotation.type))
		return m->dir == VM ? XV_LONE :
				      drop(flow, VFW_DROP_REASON_ICMP_TYPE, XV_LONE_REFUSED);
	rule = judge_quotation(flow, x, m);
	return rule == XV_ABOUT ? rule : drop(flow, VFW_DROP_REASON_ICMP_ERROR, rule);
}

static enum exchange_rule judge_segment(struct vfwd_side *flow, const struct exchange *x,
					const struct message *m)
{
	struct packet packet = { .dir = m->dir, .seg = m->seg };

	rules_apply(flow, &packet, exchange_allows(x, m));
	return XV_SEGMENT;
}

/**
 * exchange_rules_apply() - what vfw makes of a message
 * @flow: the flow of the exchange before; it becomes what is expected after
 * @x: the exchange
 * @m: the message
 * @due: of UDP: the flow has lasted so long that it is a stream if both have spoken
 */
enum exchange_rule exchange_rules_apply(struct vfwd_side *flow, const struct exchange *x,
					const struct message *m, bool due)
{
	bool ours = same_ports(x, m) && !m->mirrored;
	enum exchange_rule rule = XV_KNOWN;

	flow->passed = 1;
	flow->reason = VFW_DROP_REASON_NONE;
	if (m->wrong == TRUNCATED)
		return drop(flow, VFW_DROP_REASON_IP_HEADER, XV_MALFORMED);
	if (!header_fits(x, m))
		return drop(flow, VFW_DROP_REASON_L4_HEADER, XV_HEADER);
	if (m->what == ERROR)
		return judge_error(flow, x, m);
	if (m->what == SEGMENT)
		return judge_segment(flow, x, m);
	if (!ours || !flow->known)
		return open(flow, x, m, ours);
	if (is_echo(x))
		rule = judge_echo(flow, x, m);
	if (flow->passed)
		update(flow, x, m, due);
	return rule;
}
