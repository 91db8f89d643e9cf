// SPDX-License-Identifier: GPL-2.0
/*
 * The comparison of one packet: verdicts, states and numbers of both sides, vfw with its rules, and
 * vfw with what the ends know to be true.
 *
 * A difference may leave the two with different connections in mind: one of them has forgotten
 * what the other still has, or believes in other numbers. Such a connection has parted: it goes on
 * for a few packets, on which vfw is still held to its rules, but not compared any more.
 */
#include <string.h>

#include "explain.h"

struct totals totals;

static u64 tally[N_EXPLANATIONS], parted_by[N_EXPLANATIONS];

/* vfw's names of TCP states mean what nf_conntrack's mean. */
static const u8 as_conntrack[] = {
	[VFW_FLOW_STATE_NONE] = CT_NONE,
	[VFW_FLOW_STATE_TCP_SYN_SENT] = CT_SYN_SENT,
	[VFW_FLOW_STATE_TCP_SYN_SENT2] = CT_SYN_SENT2,
	[VFW_FLOW_STATE_TCP_SYN_RECV] = CT_SYN_RECV,
	[VFW_FLOW_STATE_TCP_ESTABLISHED] = CT_ESTABLISHED,
	[VFW_FLOW_STATE_TCP_FIN_WAIT] = CT_FIN_WAIT,
	[VFW_FLOW_STATE_TCP_CLOSE_WAIT] = CT_CLOSE_WAIT,
	[VFW_FLOW_STATE_TCP_LAST_ACK] = CT_LAST_ACK,
	[VFW_FLOW_STATE_TCP_TIME_WAIT] = CT_TIME_WAIT,
	[VFW_FLOW_STATE_TCP_CLOSE] = CT_CLOSE,
};

static const char * const kind_names[] = { "SYN", "SYN/ACK", "FIN", "ACK", "RST", "none" };
static const char * const origin_names[] = { "honest", "copy", "stale", "forged" };
static const char * const flaw_names[N_FLAWS] = {
	"", ", bad checksum", ", short header", ", long header", ", cut", ", padded",
	", bad option",
};

static void print_side(FILE *log, const struct vfwd_side *side, bool passed, u8 state,
		       const char *why)
{
	unsigned int i;

	fprintf(log, "%s, %s, %s;", passed ? "pass" : "drop", ct_state_names[state], why);
	for (i = 0; side->known && i < 2; i++)
		fprintf(log, " %s end %u edge %u window %u scale %u", i ? "VM" : "far",
			side->peer[i].end, side->peer[i].max_end, side->peer[i].max_window,
			side->peer[i].scale);
	fprintf(log, "\n");
}

static void print_packet(FILE *log, const struct connection *c, const struct case_of *x)
{
	const struct segment *seg = &x->packet->seg;
	unsigned int i;

	fprintf(log, "%u: %s %s%s: %s flags %02x seq %u length %u ack %u window %u", c->packets,
		x->packet->dir == VM ? "out" : "in", origin_names[x->packet->origin],
		flaw_names[x->packet->flaw], kind_names[x->kind], seg->flags, seg->seq,
		seg->length, seg->ack, seg->window);
	if (seg->scale != NO_SCALE)
		fprintf(log, " scale %u", seg->scale);
	for (i = 0; i < seg->n_sack; i++)
		fprintf(log, " sack %u-%u", seg->sack[i][0], seg->sack[i][1]);
	fprintf(log, "\n    nf_conntrack: ");
	print_side(log, x->ct_now, x->ct_passed, x->ct_now->state, ct_cause_names[x->cause]);
	fprintf(log, "    vfw: ");
	print_side(log, x->vfw_now, x->vfw_passed, as_conntrack[x->vfw_now->state],
		   rule_names[x->rule]);
}

/* vfw has done what its rules say. */
static bool follows_rules(const struct case_of *x, const struct vfwd_side *expected)
{
	const struct vfwd_side *now = x->vfw_now;

	return x->vfw_passed == expected->passed && now->reason == expected->reason &&
	       now->known == expected->known && now->state == expected->state &&
	       now->opened == expected->opened &&
	       !memcmp(now->peer, expected->peer, sizeof(now->peer));
}

static bool is_closing(u8 state)
{
	return state >= CT_ESTABLISHED && state <= CT_TIME_WAIT;
}

static bool numbers_count(const struct case_of *x)
{
	u8 ct = x->ct_now->state, vfw = as_conntrack[x->vfw_now->state];

	return ct == vfw ? ct != CT_NONE : is_closing(ct) && is_closing(vfw);
}

/* While a SYN has not been answered, only what it said counts. */
static bool says_nothing(const struct case_of *x, enum aspect aspect)
{
	u8 state = x->ct_now->state;

	if (state != CT_SYN_SENT && state != CT_SYN_SENT2)
		return false;
	if (aspect == SCALE && state == CT_SYN_SENT2)
		return true;
	return aspect == MAX_END || !(x->vfw_now->peer[x->which].flags & VFW_TCP_SYN);
}

/* An offer of no scaling is an offer. */
static bool offers_differ(const struct case_of *x, const struct vfwd_peer *ct,
			  const struct vfwd_peer *vfw)
{
	return x->ct_now->state == CT_SYN_SENT && (ct->flags ^ vfw->flags) & VFW_TCP_WINDOW_SCALE;
}

/*
 * Until both ends have heard each other, vfw remembers what was offered, and goes by it only if the
 * other one has offered a scale, too.
 */
static bool scales_differ(const struct case_of *x, u8 ct)
{
	const struct vfwd_peer *peers = x->vfw_now->peer;

	if (x->vfw_now->state == VFW_FLOW_STATE_TCP_SYN_RECV &&
	    !(peers[0].flags & peers[1].flags & VFW_TCP_WINDOW_SCALE))
		return ct;
	return ct != peers[x->which].scale;
}

static bool differs_in(const struct case_of *x, enum aspect aspect)
{
	const struct vfwd_peer *ct = &x->ct_now->peer[x->which];
	const struct vfwd_peer *vfw = &x->vfw_now->peer[x->which];

	if (says_nothing(x, aspect))
		return false;
	switch (aspect) {
	case END:
		return ct->end != vfw->end;
	case SCALE:
		return scales_differ(x, ct->scale) || offers_differ(x, ct, vfw);
	default:
		return ct->max_end != vfw->max_end;
	}
}

/* What was found on one packet. */
struct finding {
	enum explanation why;	/* of the first difference */
	const char *what;	/* is different, and not explained; NULL if all is */
	bool differs;
	enum explanation parts;	/* the connection, for this reason */
};

static enum explanation find(struct finding *f, const struct case_of *x, enum aspect aspect,
			     const char *what)
{
	enum explanation why = explain(x, aspect);

	f->differs = true;
	if (!f->why)
		f->why = why;
	if (!why && !f->what)
		f->what = what;
	return why;
}

/*
 * That the edges of windows differ may last, and is explained when it begins; with other numbers
 * the connection has parted. What explains different verdicts explains what they lead to.
 */
static void find_numbers(struct finding *f, struct compared *k, struct case_of *x)
{
	bool explained = f->why && f->why != E_CLOSING;

	for (x->which = 0; x->which < 2; x->which++) {
		if (differs_in(x, END) || differs_in(x, SCALE)) {
			f->parts = explained ? f->why :
				   find(f, x, differs_in(x, END) ? END : SCALE, "end or scale");
			return;
		}
		if (!differs_in(x, MAX_END)) {
			k->edge_why[x->which] = 0;
			continue;
		}
		f->differs = true;
		if (!k->edge_why[x->which])
			k->edge_why[x->which] = explained ? f->why : explain(x, MAX_END);
		if (!k->edge_why[x->which])
			f->what = "edge of the window";
		else if (!f->why)
			f->why = k->edge_why[x->which];
	}
}

static void find_differences(struct finding *f, struct compared *k, struct case_of *x)
{
	u8 ct = x->ct_now->state, vfw = as_conntrack[x->vfw_now->state];

	if (x->ct_passed != x->vfw_passed)
		find(f, x, VERDICT, "verdict");
	if (ct != vfw && is_closing(ct) && is_closing(vfw)) {
		f->differs = true;
		f->why = f->why ? f->why : E_CLOSING;
	} else if (ct != vfw) {
		f->parts = f->why ? f->why : find(f, x, STATE, "state");
		return;
	}
	if (numbers_count(x))
		find_numbers(f, k, x);
}

/* Refusals of honest packets that mean nothing to the end they go to, or are the policy's. */
static bool may_refuse(const struct case_of *x)
{
	const struct segment *seg = &x->packet->seg;

	switch (x->rule) {
	case V_REFUSED:
	case V_BARE_DATA:	/* has overtaken the SYN/ACK, and is sent again after it */
		return true;
	case V_NOT_DENIED:	/* an end in SYN_SENT takes no notice of it */
	case V_UNSOLICITED:
		return seg->flags & RST;
	case V_RST_OUTSIDE:	/* the answer to a SYN that was answered otherwise before */
	case V_VM_FORGOT:
		return seg->flags == (RST | ACK) && !seg->seq;
	default:
		return false;
	}
}

/* What an end sent in good faith passes. */
static bool false_drop(const struct connection *c, const struct case_of *x)
{
	if (x->packet->origin != HONEST || x->packet->unsure || c->tainted || c->reset)
		return false;
	totals.honest++;
	if (x->vfw_passed)
		return false;
	if (may_refuse(x)) {
		totals.honest_refused++;
		return false;
	}
	totals.false_drops++;
	return true;
}

/*
 * What nobody can have sent does not pass: the ends, who know, have it far out of their windows.
 * The firewall's bounds are wider, by a window and 66000.
 */
static bool false_pass(const struct connection *c, const struct case_of *x)
{
	const struct endpoint *from = &c->end[x->packet->dir], *to = &c->end[!x->packet->dir];
	const struct segment *seg = &x->packet->seg;
	bool outside;

	if (x->packet->origin != FORGED || c->tainted || c->reset || seg->flags & SYN ||
	    from->state < ESTABLISHED || to->state < ESTABLISHED ||
	    x->vfw->state < VFW_FLOW_STATE_TCP_ESTABLISHED)
		return false;
	/* An edge may be a probe's byte further, and an acknowledgment a FIN beyond it. */
	outside = (after(seg->seq, to->rcv_adv + 1 + !seg->length) &&
		   seg->seq != from->ever_sent) ||
		  before(segment_end(seg), to->rcv_nxt - to->max_window - 66000);
	if (!(seg->flags & RST))
		outside |= after(seg->ack, to->ever_sent) ||
			   before(seg->ack, to->snd_una - from->max_window - 66000);
	if (!outside)
		return false;
	totals.outside++;
	totals.false_passes += x->vfw_passed;
	return x->vfw_passed;
}

/* The attacker has changed what vfw knows, or an end whom he provoked has. */
static bool taints(const struct case_of *x)
{
	return (x->packet->origin == FORGED || x->packet->origin == STALE || x->packet->unsure) &&
	       (memcmp(x->vfw->peer, x->vfw_now->peer, sizeof(x->vfw->peer)) ||
		x->vfw->state != x->vfw_now->state);
}

static void count(struct compared *k, const struct finding *f)
{
	totals.packets++;
	if (f->what) {
		totals.unexplained++;
	} else if (f->differs) {
		totals.explained++;
		tally[f->why]++;
	} else if (k->parted) {
		totals.parted++;
	} else {
		totals.same++;
	}
	if (!k->parted && f->parts) {
		k->parted = f->parts;
		parted_by[f->parts]++;
	} else if (k->parted) {
		k->since++;
	}
}

/**
 * compare() - both firewalls have judged a packet
 * @c: its connection
 * @packet: the packet
 * @both: what they made of it
 * @log: where to write it down, or NULL
 *
 * Return: false when something is not explained.
 */
bool compare(struct connection *c, const struct packet *packet, const struct vfwd_packet *both,
	     FILE *log)
{
	struct compared *k = &c->compared;
	struct vfwd_side expected = k->vfw;
	struct case_of x = {
		.packet = packet,
		.cause = ct_predict(&k->conntrack, packet),
		.rule = rules_apply(&expected, packet, connection_allows(c, packet->dir)),
		.kind = ct_kind(packet->seg.flags),
		.reply = packet->dir != k->conntrack.opened,
		.ct = &k->conntrack,
		.vfw = &k->vfw,
		.ct_now = &both->conntrack,
		.vfw_now = &both->vfw,
		.ct_passed = both->conntrack.passed,
		.vfw_passed = both->vfw.passed,
		.edge_why = { k->edge_why[0], k->edge_why[1] },
	};
	struct finding f = {};

	/* nf_conntrack on a bridge cuts padding off. */
	if (packet->flaw == PADDED && both->conntrack.other == 1)
		x.ct_passed = true;
	if (!k->parted)
		find_differences(&f, k, &x);
	if (!follows_rules(&x, &expected))
		f.what = "vfw and its rules";
	else if (false_drop(c, &x))
		f.what = "an honest packet was dropped";
	else if (false_pass(c, &x))
		f.what = "a packet that nobody can have sent has passed";
	if (log)
		print_packet(log, c, &x);
	if (log && (f.what || f.differs))
		fprintf(log, "    %s%s\n", f.what ? "UNEXPLAINED: " : "differ: ",
			f.what ? f.what : explanation_names[f.why]);
	count(k, &f);
	c->tainted |= taints(&x) || x.rule == V_VM_FORGOT;
	k->conntrack = both->conntrack;
	k->vfw = both->vfw;
	return !f.what;
}

/**
 * compare_table() - what was found in all
 */
void compare_table(FILE *file)
{
	unsigned int i;

	fprintf(file, "%-20s %10s %8s\n", "explanation", "packets", "parted");
	for (i = 1; i < N_EXPLANATIONS; i++)
		if (tally[i] || parted_by[i])
			fprintf(file, "%-20s %10llu %8llu\n", explanation_names[i],
				tally[i], parted_by[i]);
}
