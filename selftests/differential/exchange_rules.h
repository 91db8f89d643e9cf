/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _EXCHANGE_RULES_H
#define _EXCHANGE_RULES_H

#include <linux/vfw.h>

#include "exchange.h"

/**
 * enum exchange_rule - by which rule vfw judges a message
 * @XV_MALFORMED: IP says more than there is
 * @XV_HEADER: the transport's header is not all there, or its length is wrong
 * @XV_KNOWN: there is a flow
 * @XV_OPENS: it opens one
 * @XV_REFUSED: the policy lets it not
 * @XV_UNASKED: an echo reply that nobody asked for
 * @XV_ASKS_BACK: an echo request of the end that did not open the flow; the policy lets it
 * @XV_SEGMENT: as rules.c says
 * @XV_ABOUT: an error about a flow
 * @XV_LONE: no error about a flow; the policy lets it pass
 * @XV_LONE_REFUSED: or not
 * @XV_ABOUT_NOTHING: an error about no flow
 * @XV_QUOTE_SEQ: quotes what cannot be in flight
 * @XV_QUOTE_SHORT: quotes less than eight bytes of a header with ports
 * @XV_QUOTE_MALFORMED: quotes no packet of IP
 * @XV_QUOTE_TO: does not go to who sent what it quotes
 * @XV_QUOTE_KIND: quotes an echo that this end does not send
 */
enum exchange_rule {
	XV_MALFORMED, XV_HEADER, XV_KNOWN, XV_OPENS, XV_REFUSED, XV_UNASKED, XV_ASKS_BACK,
	XV_SEGMENT, XV_ABOUT, XV_LONE, XV_LONE_REFUSED, XV_ABOUT_NOTHING, XV_QUOTE_SEQ,
	XV_QUOTE_SHORT, XV_QUOTE_MALFORMED, XV_QUOTE_TO, XV_QUOTE_KIND, N_EXCHANGE_RULES,
};

/**
 * enum exchange_cause - why nf_conntrack judges a message as it does
 * @XC_MALFORMED: IP says more than there is
 * @XC_HEADER: the transport's header is not all there, or its length is wrong
 * @XC_CHECKSUM: is wrong
 * @XC_KNOWN: there is an entry
 * @XC_NEW: there is one now
 * @XC_REFUSED: the rules let it not
 * @XC_UNASKED: a reply without a request
 * @XC_SEGMENT: as conntrack.c says
 * @XC_RELATED: an error about an entry
 * @XC_UNRELATED: or not
 * @XC_UNKNOWN_TYPE: of ICMP
 */
enum exchange_cause {
	XC_MALFORMED, XC_HEADER, XC_CHECKSUM, XC_KNOWN, XC_NEW, XC_REFUSED, XC_UNASKED, XC_SEGMENT,
	XC_RELATED, XC_UNRELATED, XC_UNKNOWN_TYPE, N_EXCHANGE_CAUSES,
};

extern const char * const exchange_rule_names[N_EXCHANGE_RULES];
extern const char * const exchange_cause_names[N_EXCHANGE_CAUSES];

enum exchange_rule exchange_rules_apply(struct vfwd_side *flow, const struct exchange *x,
					const struct message *m, bool due);
enum exchange_cause exchange_conntrack_apply(struct vfwd_side *entry, const struct exchange *x,
					     const struct message *m, bool due);

/* By the rules that both have: may this message begin something? */
bool exchange_allows(const struct exchange *x, const struct message *m);

/* Its ports or identifier are the exchange's. */
static inline bool same_ports(const struct exchange *x, const struct message *m)
{
	return m->port[0] == x->tuple.port[0] && m->port[1] == x->tuple.port[1];
}

#endif /* _EXCHANGE_RULES_H */
