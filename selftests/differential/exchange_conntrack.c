// SPDX-License-Identifier: GPL-2.0
/*
 * What nf_conntrack makes of a message, and the rules of host.sh of that: a model of
 * net/netfilter/nf_conntrack_proto_{udp,icmp,icmpv6,generic}.c, to which nf_conntrack is held, so
 * that what it did is known when vfw did something else. UDP-Lite is generic to it, and so has
 * no ports; echoes have an entry for each end that asks.
 */
#include "exchange_rules.h"

const char * const exchange_cause_names[N_EXCHANGE_CAUSES] = {
	"malformed", "header", "checksum", "known", "new", "refused", "unasked", "segment",
	"related", "unrelated", "unknown type",
};

static enum exchange_cause drop(struct vfwd_side *entry, enum exchange_cause cause)
{
	entry->passed = 0;
	return cause;
}

static bool is_generic(const struct exchange *x)
{
	return x->protocol == PROTO_UDPLITE || x->protocol == PROTO_GRE ||
	       x->protocol == PROTO_ESP;
}

static bool ports_fit(const struct exchange *x, const struct message *m)
{
	return is_generic(x) || same_ports(x, m);
}

static bool header_fits(const struct exchange *x, const struct message *m)
{
	if (m->wrong == HALF_HEADER)
		return m->what != ERROR && is_generic(x);
	return m->wrong != SAYS_MORE && m->wrong != SAYS_TOO_LITTLE && m->wrong != SAYS_ZERO;
}

/* Checksums are taken over all that IP carries, whatever UDP says. */
static bool checksum_fits(const struct exchange *x, const struct message *m)
{
	if (is_generic(x) && m->what != ERROR)
		return true;
	return m->wrong != WRONG_CHECKSUM && !(m->wrong == SAYS_LESS && m->length);
}

static enum exchange_cause open(struct vfwd_side *entry, const struct exchange *x,
				const struct message *m, u8 dir, bool ours)
{
	if (!exchange_allows(x, m))
		return drop(entry, XC_REFUSED);
	if (ours)
		entry->entry[dir] = VFWD_KNOWN;
	return XC_NEW;
}

/* Until there was a reply, what is sent the way the first one was is new to the rules. */
static enum exchange_cause go_on(struct vfwd_side *entry, const struct exchange *x,
				 const struct message *m, u8 *known, bool original)
{
	if (!original)
		*known |= VFWD_REPLIED;
	else if (!(*known & VFWD_REPLIED) && !exchange_allows(x, m))
		return drop(entry, XC_REFUSED);
	return XC_KNOWN;
}

static enum exchange_cause judge_echo(struct vfwd_side *entry, const struct exchange *x,
				      const struct message *m, u8 dir)
{
	bool ours = same_ports(x, m);
	u8 asker = m->what == REPLY ? !dir : dir;

	if (ours && m->code != ODD_CODE && entry->entry[asker])
		return go_on(entry, x, m, &entry->entry[asker], dir == asker);
	return m->what == REPLY ? drop(entry, XC_UNASKED) : open(entry, x, m, dir, ours);
}

static enum exchange_cause judge_data(struct vfwd_side *entry, const struct exchange *x,
				      const struct message *m, u8 dir, bool due)
{
	u8 *known = entry->entry[VM] ? &entry->entry[VM] : &entry->entry[REMOTE];
	bool ours = ports_fit(x, m);

	if (!ours || !*known)
		return open(entry, x, m, dir, ours);
	if (x->protocol == PROTO_UDP && due && *known & VFWD_REPLIED)
		*known |= VFWD_ASSURED;
	return go_on(entry, x, m, known, known == &entry->entry[dir]);
}

static enum exchange_cause judge_segment(struct vfwd_side *entry, const struct exchange *x,
					 const struct message *m)
{
	if (!entry->known && !exchange_allows(x, m))
		return drop(entry, XC_REFUSED);
	entry->known = 1;
	return XC_SEGMENT;
}

/* Is the packet that is quoted of an entry? Of an echo, of that of the end that asks. */
static bool is_related(const struct vfwd_side *entry, const struct exchange *x,
		       const struct message *m)
{
	const struct quotation *q = &m->quotation;
	bool to_sender = m->mirrored ? q->dir == m->dir : q->dir != m->dir;

	if (q->misquote == HALF_IP || q->misquote == FRAGMENT || q->misquote == OTHER_END ||
	    q->misquote == OTHER_PROTOCOL || q->misquote == TO_ANOTHER)
		return false;
	/* Where it comes from is not looked at. */
	if (!to_sender || !ports_fit(x, m))
		return false;
	if (is_echo(x))
		return q->bytes >= 8 && entry->entry[q->what == REPLY ? !q->dir : q->dir];
	if (!is_generic(x) && q->bytes < 4)
		return false;
	return x->protocol == PROTO_TCP ? entry->known : entry->entry[0] || entry->entry[1];
}

static enum exchange_cause judge_error(struct vfwd_side *entry, const struct exchange *x,
				       const struct message *m)
{
	if (!x->tuple.ipv6 && m->quotation.type > 18)
		return drop(entry, XC_UNKNOWN_TYPE);
	return is_related(entry, x, m) ? XC_RELATED : drop(entry, XC_UNRELATED);
}

/**
 * exchange_conntrack_apply() - what nf_conntrack makes of a message
 * @entry: the exchange's entries before; they become what is expected after
 * @x: the exchange
 * @m: the message
 * @due: of UDP: the entry has lasted so long that it is assured if both have spoken
 */
enum exchange_cause exchange_conntrack_apply(struct vfwd_side *entry, const struct exchange *x,
					     const struct message *m, bool due)
{
	/* Which end seems to send it: conntrack does not look where it came from. */
	u8 dir = m->mirrored ? !m->dir : m->dir;

	entry->passed = 1;
	if (m->wrong == TRUNCATED)
		return drop(entry, XC_MALFORMED);
	if (!header_fits(x, m))
		return drop(entry, XC_HEADER);
	if (!checksum_fits(x, m))
		return drop(entry, XC_CHECKSUM);
	if (m->what == ERROR)
		return judge_error(entry, x, m);
	if (m->what == SEGMENT)
		return judge_segment(entry, x, m);
	return is_echo(x) ? judge_echo(entry, x, m, dir) : judge_data(entry, x, m, dir, due);
}
