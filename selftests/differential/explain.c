// SPDX-License-Identifier: GPL-2.0
/*
 * Why the two differ. What nf_conntrack decided (ct_predict()) and what vfw decided (by rules.c,
 * to which it is held on each packet) are known; an explanation is for some of the one and some of
 * the other, and for one aspect, and may ask for more in a predicate. What no row has is
 * unexplained.
 */
#include <stddef.h>

#include "explain.h"

const char * const explanation_names[N_EXPLANATIONS] = {
	[UNEXPLAINED] = "unexplained",
	[E_CHECKSUM] = "checksum",
	[E_OPTION] = "option",
	[E_BELOW_WINDOW] = "below-window",
	[E_BEYOND_WINDOW] = "beyond-window",
	[E_EDGE_ACK] = "edge-ack",
	[E_OLD_ACK] = "old-ack",
	[E_AFTER_FIN] = "after-fin",
	[E_SACK_NOT_AGREED] = "sack-not-agreed",
	[E_SACK_WRAPS] = "sack-wraps",
	[E_HANDSHAKE_ACK] = "handshake-ack",
	[E_HANDSHAKE_WINDOW] = "handshake-window",
	[E_EARLY_DATA] = "early-data",
	[E_SACK_EDGE] = "sack-edge",
	[E_REORDER_ROOM] = "reorder-room",
	[E_UNHEEDED_END] = "unheeded-end",
	[E_CHALLENGE] = "challenge",
	[E_SYN_FROM_RESPONDER] = "syn-from-responder",
	[E_SYN_LATE] = "syn-late",
	[E_SYN_REOPENS] = "syn-reopens",
	[E_SYN_REFUSED] = "syn-refused",
	[E_SYN_REPEATED] = "syn-repeated",
	[E_NEVER_ANSWERED] = "never-answered",
	[E_SYN_ANEW] = "syn-anew",
	[E_VM_BELIEVED] = "vm-believed",
	[E_SYNACK_FROM_OPENER] = "synack-from-opener",
	[E_SYNACK_UNRELATED] = "synack-unrelated",
	[E_SYNACK_UNHEEDED] = "synack-unheeded",
	[E_SYNACK_AGAIN] = "synack-again",
	[E_SYNACK_OVERTAKEN] = "synack-overtaken",
	[E_SIMULTANEOUS] = "simultaneous",
	[E_RST_OLD] = "rst-old",
	[E_RST_UNCHECKED] = "rst-unchecked",
	[E_RST_BLIND] = "rst-blind",
	[E_RST_DUE] = "rst-due",
	[E_RST_ACK] = "rst-ack",
	[E_RST_MOVES_END] = "rst-moves-end",
	[E_RST_OF_OPENER] = "rst-of-opener",
	[E_RST_DELETES] = "rst-deletes",
	[E_CLOSING] = "closing",
	[E_FIN_EARLY] = "fin-early",
};

#define SACK_PERM	0x02	/* nf_conntrack's */

static const struct vfwd_peer *sender(const struct vfwd_side *side, const struct case_of *x)
{
	return &side->peer[x->packet->dir];
}

static const struct vfwd_peer *receiver(const struct vfwd_side *side, const struct case_of *x)
{
	return &side->peer[!x->packet->dir];
}

static u32 sack_of(const struct packet *packet)
{
	u32 sack = packet->seg.ack, i;

	for (i = 0; i < packet->seg.n_sack; i++)
		sack = latest(sack, packet->seg.sack[i][1]);
	return sack;
}

static bool of_synack(const struct case_of *x)
{
	return x->kind == KIND_SYNACK;
}

static bool of_rst(const struct case_of *x)
{
	return x->kind == KIND_RST;
}

static bool of_reply_syn(const struct case_of *x)
{
	return x->kind == KIND_SYN && x->reply;
}

static bool of_opener_synack(const struct case_of *x)
{
	return x->kind == KIND_SYNACK && !x->reply;
}

static bool bad_option(const struct case_of *x)
{
	return x->packet->flaw == BAD_OPTION;
}

static bool opening(const struct case_of *x)
{
	return x->ct->state == CT_SYN_SENT || x->ct->state == CT_SYN_SENT2;
}

static bool crossed(const struct case_of *x)
{
	return x->vfw->peer[0].flags & x->vfw->peer[1].flags & VFW_TCP_SYN;
}

/* nf_conntrack looks at blocks only where both agreed on them. */
static bool sack_not_agreed(const struct case_of *x)
{
	u32 end = receiver(x->vfw, x)->end;

	return !(receiver(x->ct, x)->flags & SACK_PERM) && after(sack_of(x->packet), end) &&
	       !after(x->packet->seg.ack, end);
}

/* The highest block is so far beyond the acknowledgment that it seems to lie before the end. */
static bool sack_wraps(const struct case_of *x)
{
	u32 end = receiver(x->vfw, x)->end;

	return after(x->packet->seg.ack, end) && !after(sack_of(x->packet), end);
}

/* An edge that differs already, for a reason that is known. */
static bool edge_parted(const struct case_of *x)
{
	return x->edge_why[x->packet->dir] && !after(x->packet->seg.seq, sender(x->ct, x)->max_end);
}

/* The same, and nf_conntrack's is the lower one: its packets are beyond the window. */
static bool edge_lower(const struct case_of *x)
{
	u32 edge = sender(x->ct, x)->max_end;

	return x->edge_why[x->packet->dir] && after(x->packet->seg.seq, edge) &&
	       before(edge, sender(x->vfw, x)->max_end);
}

/* An acknowledgment behind a FIN or a probe that was sent where the window ends. */
static bool at_edge(const struct case_of *x)
{
	u32 limit = sender(x->vfw, x)->max_end;

	if (x->vfw->state == VFW_FLOW_STATE_TCP_SYN_RECV &&
	    !(sender(x->vfw, x)->flags & VFW_TCP_SYN))
		limit += receiver(x->vfw, x)->max_window;
	return x->packet->seg.seq == limit + 1 && segment_end(&x->packet->seg) == limit + 1;
}

/* A RST has moved numbers of a connection that is closed. */
static bool rst_has_moved(const struct case_of *x)
{
	return x->ct->state == CT_CLOSE && x->vfw->state == VFW_FLOW_STATE_TCP_CLOSE &&
	       (x->edge_why[0] == E_RST_MOVES_END || x->edge_why[1] == E_RST_MOVES_END);
}

/* nf_conntrack's greatest window has grown beyond what was announced. */
static bool window_grown(const struct case_of *x)
{
	return receiver(x->ct, x)->max_window > receiver(x->vfw, x)->max_window ||
	       sender(x->ct, x)->max_window > sender(x->vfw, x)->max_window ||
	       x->packet->seg.n_sack;
}

/* Data of the end that answered, before its SYN/ACK is acknowledged. */
static bool in_handshake(const struct case_of *x)
{
	return x->vfw->state == VFW_FLOW_STATE_TCP_SYN_RECV;
}

/* Sent into the window of the SYN, which is not scaled, while the ACK's window is rounded down. */
static bool completes_handshake(const struct case_of *x)
{
	return in_handshake(x) && x->which == !x->packet->dir &&
	       x->vfw_now->peer[x->which].max_end ==
	       x->vfw->peer[x->which].max_end + sender(x->vfw, x)->max_window;
}

/* nf_conntrack adds the window to the highest block, not to the acknowledgment. */
static bool sack_raises(const struct case_of *x)
{
	u32 window = (u32)x->packet->seg.window << sender(x->ct, x)->scale;

	return x->which == !x->packet->dir && after(sack_of(x->packet), x->packet->seg.ack) &&
	       x->ct_now->peer[x->which].max_end ==
	       sack_of(x->packet) + (window ? window : 1);
}

/* The SYN's own data counts for nf_conntrack's edge. */
static bool syn_with_data(const struct case_of *x)
{
	return after(x->ct->peer[x->which].max_end, x->vfw->peer[x->which].max_end) &&
	       x->ct->peer[x->which].end == x->vfw->peer[x->which].end;
}

/* A SYN/ACK that was refused, or a SYN before, has left numbers in nf_conntrack's entry. */
static bool numbers_left(const struct case_of *x)
{
	if (!sender(x->ct, x)->max_window)
		return false;
	return x->vfw->state == VFW_FLOW_STATE_TCP_SYN_SENT || crossed(x) ||
	       sender(x->ct, x)->end != sender(x->vfw, x)->end ||
	       receiver(x->ct, x)->end != receiver(x->vfw, x)->end;
}

static bool both_pass(const struct case_of *x)
{
	return x->ct_passed && x->vfw_passed;
}

/* vfw keeps 66000 more bytes than a window; nf_conntrack one window, and 66000 only for ACKs. */
static bool in_reorder_room(const struct case_of *x)
{
	const struct segment *seg = &x->packet->seg;

	if (x->cause == CT_SEQ_UNDER)
		return before(segment_end(seg), sender(x->ct, x)->end -
			      receiver(x->ct, x)->max_window);
	return before(seg->ack, receiver(x->ct, x)->end - 66000);
}

/* Refused before the other end has said anything, of which vfw then has no numbers. */
static bool never_answered(const struct case_of *x)
{
	return x->vfw->state == VFW_FLOW_STATE_TCP_CLOSE &&
	       (!sender(x->ct, x)->max_window || !sender(x->vfw, x)->end);
}

static bool fin_in_handshake(const struct case_of *x)
{
	return in_handshake(x) && x->packet->seg.flags & FIN && x->reply;
}

#define C(cause)	(1ULL << CT_##cause)
#define V(rule)		(1ULL << V_##rule)

#define C_LIBERAL	(C(SEQ_UNDER) | C(ACK_UNDER) | C(OVERSHOT))
#define C_PASSES	(C_LIBERAL | C(IN_WINDOW) | C(NEW) | C(REOPENS) | C(UNHEEDED) | \
			 C(RESYNC) | C(CHALLENGE) | C(RST_UNCHECKED))
#define C_ANY		~0ULL
#define V_MISFIT	(V(BEYOND) | V(BELOW) | V(AFTER_FIN) | V(NEVER_SENT) | V(OLD_ACK) | \
			 V(HANDSHAKE_ACK))
#define V_RSTS		(V(RST) | V(RST_UNHEEDED))

static const struct row {
	enum explanation why;
	unsigned int aspects;
	u64 causes, rules;
	bool (*also)(const struct case_of *x);
} rows[] = {
	{ E_CHECKSUM, VERDICT | STATE | END, C(BAD_CHECKSUM), C_ANY, NULL },
	{ E_OPTION, VERDICT | STATE | END | MAX_END | SCALE, C_ANY, V(PARSE), bad_option },

	{ E_NEVER_ANSWERED, VERDICT | END | MAX_END | SCALE, C_ANY, V_MISFIT | V(TRACKED),
	  never_answered },

	/* The window check */
	{ E_SYNACK_UNHEEDED, VERDICT, C(UNHEEDED) | C(RESYNC), V_MISFIT | V(BAD_ANSWER),
	  of_synack },
	{ E_CHALLENGE, VERDICT | STATE | END | MAX_END, C(CHALLENGE), V_MISFIT | V(TRACKED), NULL },
	{ E_SACK_NOT_AGREED, VERDICT, C_PASSES, V(NEVER_SENT), sack_not_agreed },
	{ E_SACK_WRAPS, VERDICT, C_PASSES, V(NEVER_SENT), sack_wraps },
	{ E_BELOW_WINDOW, VERDICT, C_LIBERAL, V(BELOW), NULL },
	{ E_BELOW_WINDOW, VERDICT, C(SEQ_UNDER), V(RST_OUTSIDE), NULL },
	{ E_BEYOND_WINDOW, VERDICT, C_LIBERAL, V(BEYOND), NULL },
	{ E_BEYOND_WINDOW, VERDICT, C(OVERSHOT) | C(ACK_UNDER), V(RST_OUTSIDE), NULL },
	{ E_OLD_ACK, VERDICT, C_LIBERAL, V(OLD_ACK), NULL },
	{ E_AFTER_FIN, VERDICT, C_LIBERAL | C(IN_WINDOW), V(AFTER_FIN), NULL },
	{ E_HANDSHAKE_ACK, VERDICT, C_LIBERAL | C(IN_WINDOW), V(HANDSHAKE_ACK), NULL },
	{ E_EDGE_ACK, VERDICT | STATE | END | MAX_END, C(OVERSHOT) | C(SEQ_OVER), V(TRACKED),
	  at_edge },
	{ E_RST_MOVES_END, VERDICT, C(IN_WINDOW) | C_LIBERAL, V_MISFIT, rst_has_moved },
	{ E_SACK_EDGE, VERDICT, C(IN_WINDOW), V(BEYOND) | V(RST_OUTSIDE), edge_parted },
	{ E_SACK_EDGE, VERDICT, C(IN_WINDOW), V(BELOW) | V(OLD_ACK), window_grown },
	{ E_HANDSHAKE_WINDOW, VERDICT, C(SEQ_OVER), V(TRACKED) | V_RSTS, in_handshake },
	{ E_HANDSHAKE_WINDOW, VERDICT, C(SEQ_OVER), V(TRACKED) | V_RSTS, edge_lower },
	{ E_HANDSHAKE_WINDOW, STATE | END | MAX_END, C(OVERSHOT), V(TRACKED) | V_RSTS,
	  edge_lower },
	{ E_HANDSHAKE_WINDOW, MAX_END, C(IN_WINDOW) | C_LIBERAL, V(TRACKED), completes_handshake },
	{ E_HANDSHAKE_WINDOW, MAX_END, C(IN_WINDOW), V(ANSWER) | V(TRACKED), syn_with_data },
	{ E_HANDSHAKE_WINDOW, END | MAX_END, C(OVERSHOT), V(TRACKED), in_handshake },
	{ E_SACK_EDGE, MAX_END, C(IN_WINDOW), V(TRACKED), sack_raises },
	{ E_REORDER_ROOM, STATE | END | MAX_END, C(SEQ_UNDER) | C(ACK_UNDER), V(TRACKED),
	  in_reorder_room },
	{ E_UNHEEDED_END, END, C(OVERSHOT), V(BEYOND) | V(RST_OUTSIDE) | V(RST_UNHEEDED) |
	  V(NOT_QUIT) | V(UNRELATED), NULL },
	{ E_EARLY_DATA, VERDICT, C(UNHEEDED), V(BARE_DATA), NULL },

	/* SYN */
	{ E_SYN_FROM_RESPONDER, VERDICT, C(WRONG_STATE),
	  V(LATE) | V(OLD_SYN) | V(RENEW) | V(REOPEN) | V(VM_SYN), of_reply_syn },
	{ E_SYN_FROM_RESPONDER, STATE, C(WRONG_STATE), V(REFUSED), of_reply_syn },
	{ E_SYN_LATE, VERDICT | STATE, C(REOPENS), V(LATE) | V(OLD_SYN), NULL },
	{ E_SYN_REFUSED, STATE, C(REOPENS), V(REFUSED), NULL },
	{ E_SYN_REOPENS, STATE, C(UNHEEDED), V(REOPEN) | V(RENEW), NULL },
	{ E_VM_BELIEVED, STATE, C(UNHEEDED) | C(REOPENS), V(VM_SYN), NULL },
	{ E_VM_BELIEVED, VERDICT | STATE, C_ANY, V(VM_FORGOT), NULL },
	{ E_SYN_REPEATED, END | SCALE, C(IN_WINDOW), V(REPEATED), NULL },
	{ E_SYN_ANEW, STATE | VERDICT | END | SCALE, C_LIBERAL | C(IN_WINDOW) | C(SEQ_OVER),
	  V(ANEW) | V(REFUSED), NULL },

	/* SYN/ACK */
	{ E_SYNACK_FROM_OPENER, VERDICT, C(WRONG_STATE), V(STALE), of_opener_synack },
	{ E_SYNACK_FROM_OPENER, VERDICT | END, C_LIBERAL | C(IN_WINDOW) | C(ACK_OVER),
	  V(STATE) | V_MISFIT, of_opener_synack },
	{ E_SYNACK_UNRELATED, VERDICT, C(ACK_OVER) | C(SEQ_OVER), V(UNRELATED), NULL },
	{ E_SYNACK_UNRELATED, STATE, C(IN_WINDOW), V(UNRELATED), NULL },
	{ E_SYNACK_UNRELATED, END | SCALE, C_LIBERAL | C(ACK_OVER) | C(SEQ_OVER), V(UNRELATED),
	  NULL },
	{ E_SYNACK_UNHEEDED, STATE, C(RESYNC), V(STALE), NULL },
	{ E_SYNACK_AGAIN, END | MAX_END | SCALE, C(UNHEEDED) | C(RESYNC) | C(IN_WINDOW),
	  V(AGAIN) | V(OTHER_ANSWER), NULL },
	{ E_SYNACK_OVERTAKEN, VERDICT | STATE | END | MAX_END | SCALE,
	  C_LIBERAL | C(IN_WINDOW) | C(SEQ_OVER), V(ANSWER) | V(CROSS), numbers_left },
	{ E_SIMULTANEOUS, STATE, C(IN_WINDOW) | C(UNHEEDED) | C(RESYNC) | C_LIBERAL,
	  V(TRACKED) | V(CROSS), crossed },
	{ E_SIMULTANEOUS, VERDICT, C(WRONG_STATE), V(BARE), crossed },
	{ E_FIN_EARLY, STATE, C(IN_WINDOW), V(TRACKED), fin_in_handshake },

	/* RST */
	{ E_RST_BLIND, VERDICT, C_PASSES, V(NOT_DENIED), of_rst },
	{ E_RST_UNCHECKED, VERDICT, C(RST_UNCHECKED), V(RST_OUTSIDE), NULL },
	{ E_RST_UNCHECKED, STATE, C(RST_UNCHECKED), V(RST_UNHEEDED), NULL },
	{ E_RST_OLD, VERDICT, C(RST_OLD), V_RSTS, NULL },
	{ E_RST_ACK, VERDICT, C(ACK_OVER), V_RSTS | V(QUIT) | V(DENIED), NULL },
	{ E_RST_OF_OPENER, VERDICT | STATE, C_ANY, V(NOT_QUIT), opening },
	{ E_RST_DELETES, STATE, C(IN_WINDOW), V(QUIT) | V(DENIED), opening },
	{ E_RST_DUE, STATE, C(IN_WINDOW) | C_LIBERAL, V_RSTS | V(QUIT) | V(DENIED), both_pass },
	{ E_RST_DUE, VERDICT, C(SEQ_OVER), V_RSTS | V(DENIED), NULL },
	{ E_RST_MOVES_END, END | MAX_END, C(IN_WINDOW) | C(RST_UNCHECKED),
	  V_RSTS | V(QUIT) | V(DENIED), NULL },
};

/**
 * explain() - why do they differ?
 * @x: the packet
 * @aspect: in what they differ
 *
 * Return: UNEXPLAINED if no explanation fits.
 */
enum explanation explain(const struct case_of *x, enum aspect aspect)
{
	const struct row *row;

	for (row = rows; row < rows + ARRAY_SIZE(rows); row++)
		if (row->aspects & aspect && row->causes >> x->cause & 1 &&
		    row->rules >> x->rule & 1 && (!row->also || row->also(x)))
			return row->why;
	return UNEXPLAINED;
}
