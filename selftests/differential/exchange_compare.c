// SPDX-License-Identifier: GPL-2.0
/*
 * The comparison of one message: verdicts and states of both sides, each side with what is known
 * of it (exchange_rules.c, exchange_conntrack.c), and vfw with what the ends know to be true. Here
 * both sides are simple enough to be foretold whole, so that a difference is explained by what each
 * has decided and by nothing else.
 */
#include <string.h>

#include "exchange_rules.h"

/* Identifiers; Documentation/conntrack-differences.md says of each why vfw is right. */
enum why {
	UNEXPLAINED, E_CHECKSUM, E_SURPLUS, E_UDPLITE, E_ECHO_CODE, E_ECHO_BOTH, E_WRONG_SIDE,
	E_QUOTED_SEQ, E_QUOTED_SHORT, E_QUOTED_MALFORMED, E_REDIRECT, E_UNKNOWN_ERROR, N_WHY,
};

static const char * const why_names[N_WHY] = {
	"unexplained", "checksum", "udp-surplus", "udplite", "echo-code", "echo-both",
	"wrong-side", "quoted-seq", "quoted-short", "quoted-malformed", "redirect",
	"unknown-error",
};

static const char * const wrong_names[N_WRONGS] = {
	"", ", padded", ", no checksum", ", bad checksum", ", truncated", ", half a header",
	", says more", ", says less", ", says too little", ", says zero",
};

static const char * const misquote_names[N_MISQUOTES] = {
	"", ", other port", ", other end", ", other protocol", ", other kind", ", other seq",
	", only ports", ", no ports", ", half IP", ", other version", ", short length",
	", fragment", ", to another", ", to the receiver",
};

static const char * const what_names[] = { "data", "request", "reply", "segment", "error" };
static const char * const origin_names[] = { "honest", "copy", "stale", "forged" };

static u64 tally[N_WHY];

/* A message, and what both have made of it. */
struct judged {
	const struct exchange *x;
	const struct message *m;
	const struct vfwd_side *conntrack, *vfw;	/* after it */
	bool conntrack_passed, vfw_passed;
	enum exchange_cause cause;
	enum exchange_rule rule;
};

static bool odd_checksum(const struct judged *j)
{
	return j->m->wrong == WRONG_CHECKSUM;
}

static bool has_surplus(const struct judged *j)
{
	return j->m->wrong == SAYS_LESS;
}

static bool is_udplite(const struct judged *j)
{
	return j->x->protocol == PROTO_UDPLITE;
}

/* The entry of other ports, a header without its end, or a quotation of either. */
static bool udplite_without_ports(const struct judged *j)
{
	return is_udplite(j) && (!same_ports(j->x, j->m) || j->m->wrong == HALF_HEADER ||
				 j->m->quotation.bytes < 8);
}

static bool odd_code(const struct judged *j)
{
	return j->m->code == ODD_CODE;
}

static bool mirrored(const struct judged *j)
{
	return j->m->mirrored;
}

static bool has_eight_bytes(const struct judged *j)
{
	return j->m->quotation.bytes < 8;
}

static bool no_packet(const struct judged *j)
{
	return j->m->quotation.misquote == OTHER_VERSION ||
	       j->m->quotation.misquote == SHORT_LENGTH;
}

static bool is_redirect(const struct judged *j)
{
	return !j->x->tuple.ipv6 && j->m->quotation.type == REDIRECT;
}

static bool other_type(const struct judged *j)
{
	return !is_redirect(j);
}

static bool both_ask(const struct judged *j)
{
	return is_echo(j->x) && j->vfw->entry[0] && j->vfw->entry[1];
}

#define C(cause)	(1U << XC_##cause)
#define V(rule)		(1U << XV_##rule)
#define V_PASSES	(V(KNOWN) | V(OPENS) | V(ASKS_BACK) | V(ABOUT) | V(LONE))

enum aspect { VERDICT = 1, STATE = 2 };

static const struct row {
	enum why why;
	u32 aspects, causes, rules;
	bool (*also)(const struct judged *j);
} rows[] = {
	{ E_CHECKSUM, VERDICT | STATE, C(CHECKSUM), V_PASSES, odd_checksum },
	{ E_SURPLUS, VERDICT | STATE, C(CHECKSUM), V_PASSES, has_surplus },
	{ E_UDPLITE, VERDICT, C(KNOWN), V(REFUSED), is_udplite },
	{ E_UDPLITE, VERDICT | STATE, C(KNOWN) | C(NEW), V(HEADER), udplite_without_ports },
	{ E_UDPLITE, VERDICT, C(RELATED), V(ABOUT_NOTHING) | V(QUOTE_SHORT),
	  udplite_without_ports },
	{ E_UDPLITE, STATE, C(KNOWN) | C(NEW), V(KNOWN) | V(OPENS) | V(REFUSED), is_udplite },
	{ E_ECHO_CODE, VERDICT | STATE, C(UNASKED), V(KNOWN), odd_code },
	{ E_ECHO_BOTH, STATE, C(KNOWN) | C(NEW), V(KNOWN) | V(ASKS_BACK), both_ask },
	{ E_WRONG_SIDE, VERDICT, C(KNOWN), V(REFUSED) | V(UNASKED), mirrored },
	{ E_WRONG_SIDE, STATE, C(KNOWN), V(REFUSED) | V(UNASKED) | V(OPENS), mirrored },
	{ E_WRONG_SIDE, VERDICT, C(RELATED), V(QUOTE_TO), mirrored },
	{ E_QUOTED_SEQ, VERDICT, C(RELATED), V(QUOTE_SEQ), NULL },
	{ E_QUOTED_SHORT, VERDICT, C(RELATED), V(QUOTE_SHORT), has_eight_bytes },
	{ E_QUOTED_MALFORMED, VERDICT, C(RELATED), V(QUOTE_MALFORMED), no_packet },
	{ E_REDIRECT, VERDICT, C(RELATED), V(LONE_REFUSED), is_redirect },
	{ E_REDIRECT, VERDICT, C(UNRELATED), V(LONE), is_redirect },
	{ E_UNKNOWN_ERROR, VERDICT, C(RELATED), V(LONE_REFUSED), other_type },
	{ E_UNKNOWN_ERROR, VERDICT, C(UNRELATED) | C(UNKNOWN_TYPE), V(LONE), other_type },
};

static bool knows_more(const struct vfwd_side *one, const struct vfwd_side *other)
{
	return (one->entry[0] && !other->entry[0]) || (one->entry[1] && !other->entry[1]);
}

/* Only one of them knows of the exchange, as is explained: so only there it goes on. */
static enum why explain_known(const struct judged *j)
{
	const u32 goes_on = V(KNOWN) | V(ASKS_BACK) | V(ABOUT);
	const u32 unknown = C(REFUSED) | C(UNASKED) | C(UNRELATED);
	const struct exchange *x = j->x;

	if (goes_on >> j->rule & 1 && unknown >> j->cause & 1 &&
	    knows_more(&x->vfw, &x->conntrack))
		return x->state_why;
	if ((V(REFUSED) | V(ABOUT_NOTHING)) >> j->rule & 1 &&
	    (C(KNOWN) | C(RELATED)) >> j->cause & 1 && knows_more(&x->conntrack, &x->vfw))
		return x->state_why;
	return UNEXPLAINED;
}

static enum why explain(const struct judged *j, enum aspect aspect)
{
	const struct row *row;

	for (row = rows; row < rows + ARRAY_SIZE(rows); row++)
		if (row->aspects & aspect && row->causes >> j->cause & 1 &&
		    row->rules >> j->rule & 1 && (!row->also || row->also(j)))
			return row->why;
	if (aspect == VERDICT)
		return explain_known(j);
	/* Old enough for the one, and not for the other. */
	return j->conntrack->due != j->vfw->due ? j->x->age_why : UNEXPLAINED;
}

/* States of TCP are compared in compare.c. */
static bool same_state(const struct judged *j)
{
	const struct vfwd_side *vfw = j->vfw;
	u8 entry = j->conntrack->entry[vfw->opened];
	bool replied = vfw->state != VFW_FLOW_STATE_NEW;
	bool stream = vfw->state == VFW_FLOW_STATE_STREAM;

	if (j->conntrack->known != vfw->known)
		return false;
	if (!vfw->known || j->x->protocol == PROTO_TCP)
		return true;
	if (!entry || !!(entry & VFWD_REPLIED) != replied)
		return false;
	if (is_echo(j->x))
		return !j->conntrack->entry[!vfw->opened] == !vfw->entry[!vfw->opened];
	return !!(entry & VFWD_ASSURED) == stream;
}

static bool follows_rules(const struct judged *j, const struct vfwd_side *expected)
{
	const struct vfwd_side *now = j->vfw;

	return j->vfw_passed == expected->passed && now->reason == expected->reason &&
	       now->known == expected->known && now->state == expected->state &&
	       now->opened == expected->opened &&
	       (j->x->protocol == PROTO_TCP ?
		!memcmp(now->peer, expected->peer, sizeof(now->peer)) :
		!memcmp(now->entry, expected->entry, sizeof(now->entry)));
}

static bool follows_model(const struct judged *j, const struct vfwd_side *expected)
{
	const struct vfwd_side *now = j->conntrack;

	if (j->conntrack_passed != expected->passed)
		return false;
	return j->x->protocol == PROTO_TCP ? now->known == expected->known :
	       !memcmp(now->entry, expected->entry, sizeof(now->entry));
}

/* What an end or a router sent in good faith passes, unless the policy forbids it. */
static bool false_drop(const struct judged *j)
{
	if (j->m->origin != HONEST)
		return false;
	totals.honest++;
	if (j->vfw_passed)
		return false;
	if (j->rule == XV_REFUSED ||
	    (j->m->what == SEGMENT && j->vfw->reason == VFW_DROP_REASON_DEFAULT)) {
		totals.honest_refused++;
		return false;
	}
	totals.false_drops++;
	return true;
}

/* An error about what was not sent does not. What has no ports is all one exchange. */
static bool false_pass(const struct judged *j)
{
	const struct exchange *x = j->x;
	const struct quotation *q = &j->m->quotation;
	bool outside = j->m->mirrored || !same_ports(x, j->m) || q->misquote == OTHER_END ||
		       q->misquote == OTHER_PROTOCOL || q->misquote == TO_ANOTHER ||
		       q->misquote == TO_RECEIVER;

	if (j->m->origin != FORGED || j->m->what != ERROR || j->rule == XV_LONE || x->mirror)
		return false;
	if (x->protocol == PROTO_TCP && (after(q->seq, x->next_seq[q->dir]) ||
					 before(q->seq, x->next_seq[q->dir] - 200000)))
		outside = true;
	if (!outside)
		return false;
	totals.outside++;
	totals.false_passes += j->vfw_passed;
	return j->vfw_passed;
}

static void print_side(FILE *log, const struct vfwd_side *side, bool passed, const char *why)
{
	fprintf(log, "%s, %s; state %u, opened %s, entries %u %u\n", passed ? "pass" : "drop", why,
		side->state, side->opened == VM ? "out" : "in", side->entry[0], side->entry[1]);
}

static void print_message(FILE *log, const struct judged *j)
{
	const struct message *m = j->m;
	const struct quotation *q = &m->quotation;

	fprintf(log, "%u: %s %s %s%s%s, ports %u %u, length %u", j->x->packets,
		m->dir == VM ? "out" : "in", origin_names[m->origin], what_names[m->what],
		wrong_names[m->wrong], m->mirrored ? ", mirrored" : "", m->port[0], m->port[1],
		m->length);
	if (m->what == SEGMENT)
		fprintf(log, ", flags %02x seq %u ack %u", m->seg.flags, m->seg.seq, m->seg.ack);
	if (m->what == ERROR)
		fprintf(log, ", type %u code %u of %s %s seq %u, %u bytes%s", q->type, q->code,
			q->dir == VM ? "out" : "in", what_names[q->what], q->seq, q->bytes,
			misquote_names[q->misquote]);
	if (m->age)
		fprintf(log, ", after %u s", m->age);
	fprintf(log, "\n    nf_conntrack: ");
	print_side(log, j->conntrack, j->conntrack_passed, exchange_cause_names[j->cause]);
	fprintf(log, "    vfw: ");
	print_side(log, j->vfw, j->vfw_passed, exchange_rule_names[j->rule]);
}

/* Returns what is not explained, or NULL; @why: what explains the rest. */
static const char *find(struct exchange *x, const struct judged *j, enum why *why)
{
	bool same = same_state(j);

	*why = UNEXPLAINED;
	if (j->conntrack_passed != j->vfw_passed) {
		*why = explain(j, VERDICT);
		if (!*why)
			return "verdict";
	}
	/* That states differ may last, and is explained when it begins. */
	if (same)
		x->state_why = UNEXPLAINED;
	else if (!x->state_why)
		x->state_why = *why ? *why : explain(j, STATE);
	if (!same && !x->state_why)
		return "state";
	if (j->conntrack->known != j->vfw->known)
		x->age_why = x->state_why;
	if (!*why)
		*why = x->state_why;
	return NULL;
}

static void count(enum why why, bool explained)
{
	totals.packets++;
	if (!explained) {
		totals.unexplained++;
	} else if (why) {
		totals.explained++;
		tally[why]++;
	} else {
		totals.same++;
	}
}

/**
 * exchange_compare() - both firewalls have judged a message
 * @x: its exchange
 * @m: the message
 * @both: what they made of it
 * @log: where to write it down, or NULL
 *
 * Return: false when something is not explained.
 */
bool exchange_compare(struct exchange *x, const struct message *m, const struct vfwd_packet *both,
		      FILE *log)
{
	struct vfwd_side conntrack = x->conntrack, vfw = x->vfw;
	struct judged j = {
		.x = x,
		.m = m,
		.conntrack = &both->conntrack,
		.vfw = &both->vfw,
		.conntrack_passed = both->conntrack.passed,
		.vfw_passed = both->vfw.passed,
		.cause = exchange_conntrack_apply(&conntrack, x, m, both->conntrack.due),
		.rule = exchange_rules_apply(&vfw, x, m, both->vfw.due),
	};
	const char *what;
	enum why why;

	/* nf_conntrack on a bridge cuts padding off. */
	if (m->wrong == PADDING && both->conntrack.other == 1)
		j.conntrack_passed = true;
	what = find(x, &j, &why);
	if (!follows_rules(&j, &vfw))
		what = "vfw and its rules";
	else if (!follows_model(&j, &conntrack))
		what = "nf_conntrack and its model";
	else if (false_drop(&j))
		what = "an honest message was dropped";
	else if (false_pass(&j))
		what = "an error about what nobody has sent has passed";
	if (log)
		print_message(log, &j);
	if (log && (what || why))
		fprintf(log, "    %s%s\n", what ? "UNEXPLAINED: " : "differ: ",
			what ? what : why_names[why]);
	count(why, !what);
	x->conntrack = both->conntrack;
	x->vfw = both->vfw;
	x->mirror |= m->mirrored && j.rule == XV_OPENS;
	return !what;
}

/**
 * exchange_table() - what was found in all
 */
void exchange_table(FILE *file)
{
	unsigned int i;

	for (i = 1; i < N_WHY; i++)
		if (tally[i])
			fprintf(file, "%-20s %10llu\n", why_names[i], tally[i]);
}
