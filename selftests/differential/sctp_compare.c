// SPDX-License-Identifier: GPL-2.0
/*
 * The comparison of one packet of an association: verdicts, states and tags of both sides, vfw with
 * its rules, nf_conntrack with the model of it, and vfw with what the ends know to be true.
 *
 * Where the two have different associations in mind, they have parted, as in compare.c; but they
 * often meet again, with the next handshake, and are compared from there on.
 */
#include <string.h>

#include "sctp_explain.h"

static u64 tally[N_SCTP_WHYS], parted_by[N_SCTP_WHYS];

static const char * const origin_names[] = { "honest", "copy", "stale", "forged" };
static const char * const flaw_names[N_CHUNK_FLAWS] = {
	"", ", bad CRC", ", cut", ", padded", ", half a header", ", no chunk", ", long chunk",
	", short chunk", ", half a chunk", ", crumbs", ", many", ", mangled",
};

/*
 * vfw's names of states mean what nf_conntrack's mean; but that this has no COOKIE_WAIT before the
 * INIT ACK of the end that did not open, and calls what is before it CLOSED.
 */
static u8 as_entry(const struct vfwd_side *vfw, bool answered)
{
	static const u8 entries[] = {
		[VFW_FLOW_STATE_SCTP_COOKIE_WAIT] = CS_COOKIE_WAIT,
		[VFW_FLOW_STATE_SCTP_COOKIE_ECHOED] = CS_COOKIE_ECHOED,
		[VFW_FLOW_STATE_SCTP_ESTABLISHED] = CS_ESTABLISHED,
		[VFW_FLOW_STATE_SCTP_SHUTDOWN_SENT] = CS_SHUTDOWN_SENT,
		[VFW_FLOW_STATE_SCTP_SHUTDOWN_RECD] = CS_SHUTDOWN_RECD,
		[VFW_FLOW_STATE_SCTP_SHUTDOWN_ACK_SENT] = CS_SHUTDOWN_ACK_SENT,
		[VFW_FLOW_STATE_SCTP_CLOSED] = CS_CLOSED,
		[VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT] = CS_HEARTBEAT_SENT,
	};

	if (vfw->state == VFW_FLOW_STATE_SCTP_COOKIE_WAIT && !answered)
		return CS_CLOSED;
	return entries[vfw->state];
}

static bool same_state(const struct sctp_case *x)
{
	const struct vfwd_side *ct = x->ct_now, *vfw = x->vfw_now;

	return ct->known == vfw->known &&
	       (!ct->known || (ct->state == as_entry(vfw, x->answered) &&
			       ct->opened == vfw->opened));
}

/* vfw's 0 is a tag that it does not know yet, or does not ask for any more. */
static bool same_pair(const struct vfwd_side *ct, const struct vfwd_side *vfw, u32 i)
{
	u32 e;

	for (e = 0; e < 2; e++)
		if (vfw->tags[e].tag[i] && vfw->tags[e].tag[i] != ct->tags[e].tag[0])
			return false;
	return vfw->tags[0].tag[i] || vfw->tags[1].tag[i];
}

/* Until a cookie is echoed, or when all is over, all pairs that were offered count. */
static bool same_tags(const struct vfwd_side *ct, const struct vfwd_side *vfw)
{
	if (!ct->known || same_pair(ct, vfw, 0))
		return true;
	return (vfw->state == VFW_FLOW_STATE_SCTP_COOKIE_WAIT ||
		vfw->state == VFW_FLOW_STATE_SCTP_CLOSED) &&
	       (same_pair(ct, vfw, 1) || same_pair(ct, vfw, 2));
}

static bool same_side(const struct vfwd_side *a, const struct vfwd_side *b)
{
	return a->known == b->known && a->state == b->state && a->opened == b->opened &&
	       !memcmp(a->tags, b->tags, sizeof(a->tags));
}

static bool follows_rules(const struct vfwd_side *now, const struct vfwd_side *expected)
{
	return now->passed == expected->passed && now->reason == expected->reason &&
	       same_side(now, expected);
}

static bool follows_model(const struct vfwd_side *now, const struct vfwd_side *expected)
{
	return now->passed == expected->passed && same_side(now, expected);
}

/* What was found on one packet. */
struct finding {
	enum sctp_why why, parts;
	const char *what;	/* is different, and not explained */
	bool differs;
};

static void find(struct finding *f, const struct sctp_case *x, enum sctp_aspect aspect,
		 const char *what)
{
	f->differs = true;
	if (!f->why)
		f->why = sctp_explain(x, aspect);
	if (!f->why && !f->what)
		f->what = what;
}

static void find_differences(struct finding *f, const struct sctp_case *x)
{
	if (x->ct_now->passed != x->vfw_now->passed)
		find(f, x, S_VERDICT, "verdict");
	if (!same_state(x))
		find(f, x, S_STATE, "state");
	else if (!same_tags(x->ct_now, x->vfw_now))
		find(f, x, S_TAGS, "tags");
	else
		return;
	f->parts = f->why;
}

/* The end that it goes to would do something about it, other than refuse. */
static bool is_of_use(const struct association *a, const struct sctp_packet *packet)
{
	const struct sctp_end *old = &a->end[!packet->dir];
	struct sctp_end end = *old;
	struct rng rng = a->rng;
	u32 i;

	end.rng = &rng;
	end.n_out = 0;
	sctp_end_receive(&end, packet, a->now);
	for (i = 0; i < end.n_out; i++)
		if (end.out[i].chunk[0].type != CHUNK_ABORT &&
		    end.out[i].chunk[0].type != CHUNK_ERROR)
			return true;
	return end.state != old->state || end.mine != old->mine || end.peers != old->peers ||
	       end.seen != old->seen || end.acked != old->acked ||
	       end.confirmed != old->confirmed;
}

static bool in_handshake(const struct sctp_case *x)
{
	return x->vfw->state == VFW_FLOW_STATE_SCTP_COOKIE_WAIT ||
	       x->vfw->state == VFW_FLOW_STATE_SCTP_COOKIE_ECHOED;
}

/* More handshakes are under way than vfw remembers: other tags have come in between. */
static bool is_crowded(const struct sctp_case *x)
{
	return x->rule == R_TAG && x->read.kinds & (K(COOKIE_ECHO) | K(INIT_ACK)) &&
	       !(x->dir == VM && in_handshake(x)) &&
	       x->vfw->tags[!x->dir].tag[1] && x->vfw->tags[!x->dir].tag[2];
}

/*
 * Of two answers to one INIT, the cookie of the one that was not taken was seen last: which tag is
 * in force cannot be told.
 */
static bool is_ambiguous(const struct sctp_case *x)
{
	const u32 *from = x->vfw->tags[x->dir].tag, *to = x->vfw->tags[!x->dir].tag;
	u32 i;

	for (i = 1; i < 3; i++)
		if (to[i] && from[i] && (to[i] == to[0] || from[i] == from[0]))
			return x->rule == R_STATE && x->read.kinds == K(SHUTDOWN_COMPLETE);
	return false;
}

/* A path that the VM has yet to try, or where somebody has begun a handshake. */
static bool is_too_early(const struct sctp_case *x)
{
	return x->rule == R_TAG && x->dir == REMOTE &&
	       (x->read.kinds == K(HEARTBEAT) ||
		(x->read.kinds == K(HEARTBEAT_ACK) && in_handshake(x)));
}

/* Refusals of packets that are of use: the policy's, and where vfw cannot know better. */
static bool may_refuse(const struct sctp_case *x)
{
	return x->rule == R_REFUSED || is_crowded(x) || is_ambiguous(x) || is_too_early(x);
}

/* What an end sent in good faith, and is of use, passes. */
static bool false_drop(const struct association *a, const struct sctp_packet *packet,
		       const struct sctp_case *x)
{
	if (packet->origin != HONEST || a->tainted)
		return false;
	totals.honest++;
	if (x->vfw_now->passed)
		return false;
	if (may_refuse(x) || !is_of_use(a, packet)) {
		totals.honest_refused++;
		return false;
	}
	totals.false_drops++;
	return true;
}

/* What the VM sends is true of its end. */
static bool is_believed(const struct sctp_case *x)
{
	return x->dir == VM && (x->read.kinds == K(INIT_ACK) || x->read.kinds == K(HEARTBEAT) ||
				(x->read.kinds & K(COOKIE_ECHO) && in_handshake(x) &&
				 x->vfw->tags[REMOTE].tag[2]) ||
				(x->read.kinds & K(ABORT) && !x->read.reflected));
}

/* A HEARTBEAT may open a path, and its answer has a tag that nobody knows. */
static bool is_probe(const struct sctp_case *x)
{
	u8 state = x->vfw->state;

	return !(x->read.kinds & ~(K(HEARTBEAT) | K(HEARTBEAT_ACK))) &&
	       (!x->vfw->known || state == VFW_FLOW_STATE_SCTP_CLOSED ||
		state == VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT);
}

/* What carries a tag that nobody offered does not pass. */
static bool false_pass(const struct association *a, const struct sctp_packet *packet,
		       const struct sctp_case *x)
{
	const struct sctp_end *owner = &a->end[x->read.reflected ? packet->dir : !packet->dir];

	if (packet->origin != FORGED || a->tainted || is_believed(x) || is_probe(x))
		return false;
	if (x->read.tag ? sctp_end_offered(owner, x->read.tag) :
			  x->read.kinds == K(INIT) && x->read.offer)
		return false;
	totals.outside++;
	totals.false_passes += x->vfw_now->passed;
	return x->vfw_now->passed;
}

static void print_side(FILE *log, const struct vfwd_side *side, u8 state, const char *why)
{
	u32 e, i;

	fprintf(log, "%s, %s, %s;", side->passed ? "pass" : "drop", sctp_entry_names[state], why);
	for (e = 0; side->known && e < 2; e++) {
		fprintf(log, " %s%s", e == side->opened ? "opener " : "", e ? "VM" : "far");
		for (i = 0; i < 3; i++)
			if (!i || side->tags[e].tag[i])
				fprintf(log, " %08x", side->tags[e].tag[i]);
		if (side->tags[e].flags)
			fprintf(log, "*");
	}
	fprintf(log, "\n");
}

static void print_packet(FILE *log, const struct association *a, const struct sctp_packet *packet,
			 const struct sctp_case *x)
{
	static const char * const names[] = {
		"DATA", "INIT", "INIT ACK", "SACK", "HEARTBEAT", "HEARTBEAT ACK", "ABORT",
		"SHUTDOWN", "SHUTDOWN ACK", "ERROR", "COOKIE ECHO", "COOKIE ACK", "?", "?",
		"SHUTDOWN COMPLETE", "AUTH",
	};
	u32 i;

	fprintf(log, "%u: %s %s%s: tag %08x", a->packets, packet->dir == VM ? "out" : "in",
		origin_names[packet->origin], flaw_names[packet->flaw], packet->tag);
	for (i = 0; i < packet->n; i++) {
		const struct chunk *chunk = &packet->chunk[i];

		fprintf(log, ", %s%s", chunk->type < ARRAY_SIZE(names) ? names[chunk->type] : "?",
			chunk->flags & REFLECTED ? " T" : "");
		if (chunk->type == CHUNK_INIT || chunk->type == CHUNK_INIT_ACK)
			fprintf(log, " offers %08x", chunk->tag);
	}
	fprintf(log, "\n    nf_conntrack: ");
	print_side(log, x->ct_now, x->ct_now->state, sctp_cause_names[x->cause]);
	fprintf(log, "    vfw: ");
	print_side(log, x->vfw_now, as_entry(x->vfw_now, x->answered), sctp_rule_names[x->rule]);
}

/* In COOKIE_WAIT, the INIT was. */
static bool is_answered(const struct association *a, const struct sctp_case *x)
{
	if (x->rule == R_OPENS || x->rule == R_REOPENS)
		return false;
	return a->answered || (x->rule == R_ANSWER && x->dir != a->vfw.opened);
}

static void count(struct association *a, const struct finding *f, const struct sctp_case *x)
{
	totals.packets++;
	if (f->what) {
		totals.unexplained++;
	} else if (f->differs) {
		totals.explained++;
		tally[f->why]++;
	} else if (a->why) {
		totals.parted++;
	} else {
		totals.same++;
	}
	if (!a->why && f->parts) {
		a->why = f->parts;
		parted_by[f->parts]++;
	} else if (a->why && same_state(x) && same_tags(x->ct_now, x->vfw_now)) {
		a->why = SX_NOTHING;
	}
}

/**
 * sctp_compare() - both firewalls have judged a packet
 * @a: its association
 * @packet: the packet
 * @bytes: the same on the wire
 * @both: what they made of it
 * @log: where to write it down, or NULL
 *
 * Return: false when something is not explained.
 */
bool sctp_compare(struct association *a, const struct sctp_packet *packet,
		  const struct sctp_bytes *bytes, const struct vfwd_packet *both, FILE *log)
{
	struct vfwd_side ct_now = both->conntrack, ct = a->conntrack, vfw = a->vfw;
	bool allowed = association_allows(a, packet->dir);
	struct sctp_case x = {
		.dir = packet->dir,
		.ct = &a->conntrack, .vfw = &a->vfw, .ct_now = &ct_now, .vfw_now = &both->vfw,
	};
	struct finding f = {};

	x.cause = sctp_ct_apply(&ct, bytes, packet->dir, allowed);
	x.rule = sctp_rules_apply(&vfw, bytes, packet->dir, allowed, &x.read);
	x.answered = is_answered(a, &x);
	/* nf_conntrack on a bridge cuts padding off. */
	if (packet->flaw == S_PADDED && ct_now.other == 1)
		ct_now.passed = 1;
	if (!a->why)
		find_differences(&f, &x);
	if (!follows_rules(&both->vfw, &vfw))
		f.what = "vfw and its rules";
	else if (!follows_model(&ct_now, &ct))
		f.what = "nf_conntrack and its model";
	else if (false_drop(a, packet, &x))
		f.what = "an honest packet was dropped";
	else if (false_pass(a, packet, &x))
		f.what = "a packet whose tag nobody has offered has passed";
	if (log)
		print_packet(log, a, packet, &x);
	if (log && (f.what || f.differs))
		fprintf(log, "    %s%s\n", f.what ? "UNEXPLAINED: " : "differ: ",
			f.what ? f.what : sctp_why_names[f.why]);
	count(a, &f, &x);
	a->tainted |= packet->origin >= STALE && !same_side(&a->vfw, &both->vfw);
	if (packet->origin == FORGED && x.read.offer && both->vfw.passed)
		sctp_end_claim(&a->end[packet->dir], x.read.offer);
	a->answered = x.answered;
	a->conntrack = ct_now;
	a->vfw = both->vfw;
	return !f.what;
}

/**
 * sctp_compare_table() - what was found in all
 */
void sctp_compare_table(FILE *file)
{
	unsigned int i;

	fprintf(file, "%-20s %10s %8s\n", "explanation, SCTP", "packets", "parted");
	for (i = 1; i < N_SCTP_WHYS; i++)
		if (tally[i] || parted_by[i])
			fprintf(file, "%-20s %10llu %8llu\n", sctp_why_names[i], tally[i],
				parted_by[i]);
}
